/*
 * test_collections.c
 *		sObject Collections: rows to JSON, answers to results, and what a lost answer leaves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "scene.h"
#include "sf_collections.h"
#include "tap.h"

#define CALL V "/composite/sobjects"

static const sf_column fields[] = {{"Name", SF_COLUMN_TEXT},
								   {"Amount", SF_COLUMN_DOUBLE},
								   {"Active", SF_COLUMN_BOOLEAN},
								   {"Account.Ext__c", SF_COLUMN_TEXT}};

/* ---- rows to records --------------------------------------------------------------- */

static void
record(const char *row, const sf_column *cols, int ncols, const char *expected)
{
	sf_collections_spec spec = {
		.object = "X", .columns = cols, .ncolumns = ncols, .rows = row, .nrows = 1};
	sf_error err = {0};
	sf_buf out;

	spec.rows_len = strlen(row);
	sf_buf_init(&out, 1024 * 1024);
	if (sf_collections_records(&out, &spec, &err) == SF_OK)
		is_text(sf_buf_text(&out), expected, row);
	else
		is_text(err.message, expected, row);
	sf_buf_free(&out);
}

#define X "{\"attributes\":{\"type\":\"X\"}"

static void
test_records(void)
{
	static const sf_column who[] = {{"Lead:Who.Email", SF_COLUMN_TEXT},
									{"Subject", SF_COLUMN_TEXT},
									{"Lead:Who.Code__c", SF_COLUMN_INT}};

	record("a,1.50,true,k\n", fields, 4,
		   X
		   ",\"Name\":\"a\",\"Amount\":1.50,\"Active\":true,\"Account\":{\"Ext__c\":\"k\"}}");
	record(",,,\n", fields, 4, X "}");
	record("#N/A,#N/A,#N/A,\n", fields, 4,
		   X ",\"Name\":null,\"Amount\":null,\"Active\":null}");
	record("\"#N/A\",,,\n", fields, 4, X ",\"Name\":\"#N/A\"}");
	record("\"\",,,\n", fields, 4, X ",\"Name\":\"\"}");
	record("\"a,\"\"b\"\"\r\nc\",,,\"x\"\"\"\n", fields, 4,
		   X ",\"Name\":\"a,\\\"b\\\"\\r\\nc\",\"Account\":{\"Ext__c\":\"x\\\"\"}}");
	record("a,,,#N/A\n", fields, 4, "null cannot be written to \"Account.Ext__c\"");
	record("a@b.c,hi,7\n", who, 3,
		   X ",\"Who\":{\"attributes\":{\"type\":\"Lead\"},\"Email\":\"a@b.c\",\"Code__c\":7},"
			 "\"Subject\":\"hi\"}");
	record(",hi,7\n", who, 3,
		   X
		   ",\"Subject\":\"hi\",\"Who\":{\"attributes\":{\"type\":\"Lead\"},\"Code__c\":7}}");
	record("a\n", fields, 4, "row 1 to be written is no CSV row");
	record("a,b,c,d,e\n", fields, 4, "row 1 to be written is no CSV row");
	record("\"a,b,c,d\n", fields, 4, "row 1 to be written is no CSV row");
	record("a\"b,,,\n", fields, 4, "row 1 to be written is no CSV row");
	record("a,,,\nb,,,\n", fields, 4, "there are more than 1 rows to be written");
}

static void
test_numbers(void)
{
	static const sf_column number[] = {{"N", SF_COLUMN_DOUBLE}};
	static const char *const cases[][2] = {{"0", "0"},
										   {"-0.5", "-0.5"},
										   {".5", "0.5"},
										   {"+5", "5"},
										   {"5.", "5.0"},
										   {"007", "7"},
										   {"-.5", "-0.5"},
										   {"1e5", "1e5"},
										   {"1.5E-7", "1.5E-7"},
										   {"9.0E+7", "9.0E+7"},
										   {"00", "0"},
										   {"abc", "\"abc\""},
										   {"1e", "\"1e\""},
										   {"1e+", "\"1e+\""},
										   {".", "\".\""},
										   {"-", "\"-\""},
										   {"1.2.3", "\"1.2.3\""},
										   {"1 ", "\"1 \""},
										   {"NaN", "\"NaN\""},
										   {"0x1", "\"0x1\""}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char row[64];
		char expected[128];

		snprintf(row, sizeof(row), "%s\n", cases[i][0]);
		snprintf(expected, sizeof(expected), X ",\"N\":%s}", cases[i][1]);
		record(row, number, 1, expected);
	}
}

/* ---- calls ------------------------------------------------------------------------- */

typedef struct call_scene
{
	peer *p;
	sf_session *s;
	sf_collections *c;
	sf_error err;
	sf_status st;
} call_scene;

static void
start_call(call_scene *sc, peer_rule *rules, int nrules, sf_operation op, const char *rows,
		   int nrows, bool all)
{
	static const sf_column id[] = {{"Id", SF_COLUMN_TEXT}};
	sf_config cfg = {
		.client_id = "i", .client_secret = "s", .request_timeout_ms = 20000, .max_retries = 1};
	sf_collections_spec spec = {.object = "Account",
								.operation = op,
								.external_id_field = op == SF_OP_UPSERT ? "Ext__c" : NULL,
								.all_or_none = all,
								.columns = op == SF_OP_DELETE ? id : fields,
								.ncolumns = op == SF_OP_DELETE ? 1 : 4,
								.rows = rows,
								.rows_len = strlen(rows),
								.nrows = nrows};

	memset(sc, 0, sizeof(*sc));
	sc->p = peer_start(rules, nrules);
	cfg.login_url = peer_url(sc->p);
	sc->s = sf_session_new(&cfg, &sc->err);
	sc->c = sf_collections_start(sc->s, &spec, &sc->err);
	sc->st = SF_FAILED;
}

static void
run_call(call_scene *sc)
{
	while (sc->c != NULL && (sc->st = sf_collections_check(sc->c, &sc->err)) == SF_WAIT &&
		   drive(sc->s))
		;
}

static void
end_call(call_scene *sc, const char *name)
{
	sf_collections_free(sc->c);
	drive_cleanup(sc->s);
	ok(peer_unexpected(sc->p) == 0, "%s: nothing unexpected", name);
	sf_session_free(sc->s);
	peer_stop(sc->p);
}

#define TWO		 "a,,,\nb,,,\n"
#define SAVED(n) "{\"id\":\"00100000000000" n "AAA\",\"success\":true,\"errors\":[]}"
#define REFUSED                                                                               \
	"{\"success\":false,\"errors\":[{\"statusCode\":\"REQUIRED_FIELD_MISSING\",\"message\":"  \
	"\"Required fields are missing: [Name]\",\"fields\":[\"Name\",\"B\"]},{\"statusCode\":"   \
	"\"OTHER\",\"message\":\"x\",\"fields\":[]}]}"

static void
test_answers(void)
{
	peer_rule rules[] = {
		LOGIN,
		{"POST", CALL "$",
		 "{\"allOrNone\":true,\"records\":[{\"attributes\":{\"type\":\"Account\"}",
		 .status = 200, .body = "[" SAVED("1") "," REFUSED "]"}};
	const sf_row_result *r;
	call_scene sc;

	start_call(&sc, rules, COUNT(rules), SF_OP_INSERT, TWO, 2, true);
	run_call(&sc);
	is_int(sc.st, SF_OK, "insert");
	r = sf_collections_result(sc.c, 0);
	ok(r->success && r->created, "the first was saved");
	is_text(r->id, "001000000000001AAA", "and its id is there");
	r = sf_collections_result(sc.c, 1);
	ok(!r->success && strcmp(r->error.code, "REQUIRED_FIELD_MISSING") == 0 &&
		   strcmp(r->error.message, "Required fields are missing: [Name]") == 0 &&
		   strcmp(r->error.fields, "Name B") == 0,
	   "the second was refused: %s %s %s", r->error.code, r->error.message, r->error.fields);
	is_int(sf_collections_api_calls(sc.c), 1, "by one call");
	end_call(&sc, "insert");
}

/* Runs one call and expects its outcome. */
static void
outcome(const char *name, peer_rule *rules, int nrules, sf_operation op, const char *rows,
		int nrows, sf_status st, bool unknown, int requests)
{
	call_scene sc;

	start_call(&sc, rules, nrules, op, rows, nrows, false);
	run_call(&sc);
	if (!is_int(sc.st, st, name))
		diag("%s", sc.err.message);
	ok(sc.c == NULL || sf_collections_unknown(sc.c) == unknown, "%s: %sknown", name,
	   unknown ? "not " : "");
	is_int(peer_requests(sc.p) - peer_used(sc.p, 0), requests, name);
	end_call(&sc, name);
}

#define OUTCOME(name, op, rows, nrows, st, unknown, requests, ...)                            \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		outcome(name, rules_, COUNT(rules_), op, rows, nrows, st, unknown, requests);         \
	} while (0)

#define IDS	   "001000000000001AAA\n001000000000002AAA\n"
#define ID_URL "&ids=001000000000001AAA,001000000000002AAA$"
#define OK_TWO .status = 200, .body = "[" SAVED("1") "," SAVED("2") "]"

static void
test_outcomes(void)
{
	OUTCOME("update", SF_OP_UPDATE, TWO, 2, SF_OK, false, 1, {"PATCH", CALL "$", OK_TWO});
	OUTCOME("upsert", SF_OP_UPSERT, TWO, 2, SF_OK, false, 1,
			{"PATCH", CALL "/Account/Ext__c$", OK_TWO});
	OUTCOME("delete", SF_OP_DELETE, IDS, 2, SF_OK, false, 1,
			{"DELETE", CALL "?allOrNone=false" ID_URL, OK_TWO});
	OUTCOME("delete of no id", SF_OP_DELETE, "x\n", 1, SF_FAILED, false, 0);
	OUTCOME("insert, no answer", SF_OP_INSERT, TWO, 2, SF_FAILED, true, 1,
			{"POST", CALL "$", .status = 0});
	OUTCOME("insert, 500", SF_OP_INSERT, TWO, 2, SF_FAILED, true, 1,
			{"POST", CALL "$", .status = 500});
	OUTCOME("insert, 502", SF_OP_INSERT, TWO, 2, SF_FAILED, true, 1,
			{"POST", CALL "$", .status = 502});
	OUTCOME("insert, refused for now, then taken", SF_OP_INSERT, TWO, 2, SF_OK, false, 2,
			{"POST", CALL "$", .times = 1, .status = 503}, {"POST", CALL "$", OK_TWO});
	OUTCOME("insert, refused", SF_OP_INSERT, TWO, 2, SF_FAILED, false, 1,
			{"POST", CALL "$", .status = 400,
			 .body = "[{\"errorCode\":\"JSON_PARSER_ERROR\",\"message\":\"no\"}]"});
	OUTCOME("insert, 401 once", SF_OP_INSERT, TWO, 2, SF_OK, false, 2,
			{"POST", CALL "$", .times = 1, .status = 401}, {"POST", CALL "$", OK_TWO});
	OUTCOME("insert, fewer results", SF_OP_INSERT, TWO, 2, SF_FAILED, true, 1,
			{"POST", CALL "$", .status = 200, .body = "[" SAVED("1") "]"});
	OUTCOME("insert, saved without an id", SF_OP_INSERT, "a,,,\n", 1, SF_FAILED, true, 1,
			{"POST", CALL "$", .status = 200, .body = "[{\"success\":true,\"errors\":[]}]"});
	OUTCOME("insert, no JSON", SF_OP_INSERT, "a,,,\n", 1, SF_FAILED, true, 1,
			{"POST", CALL "$", .status = 200, .body = "<html>"});
	OUTCOME("update, lost answer, sent again", SF_OP_UPDATE, TWO, 2, SF_OK, false, 2,
			{"PATCH", CALL "$", .times = 1, .status = 0}, {"PATCH", CALL "$", OK_TWO});
	/* curl by itself sends once more what was lost with a connection that had been used before */
	OUTCOME("update, always lost", SF_OP_UPDATE, TWO, 2, SF_FAILED, true, 3,
			{"PATCH", CALL "$", .status = 0});
	OUTCOME("update, lost, then refused", SF_OP_UPDATE, TWO, 2, SF_FAILED, true, 3,
			{"PATCH", CALL "$", .times = 2, .status = 0}, {"PATCH", CALL "$", .status = 503});
}

static void
test_deleted_twice(void)
{
#define GONE                                                                                  \
	"{\"success\":false,\"errors\":[{\"statusCode\":\"ENTITY_IS_DELETED\",\"message\":"       \
	"\"entity is deleted\",\"fields\":[]}]}"
	peer_rule lost[] = {LOGIN,
						{"DELETE", CALL, .times = 1, .status = 0},
						{"DELETE", CALL, .status = 200, .body = "[" GONE "," REFUSED "]"}};
	call_scene sc;

	start_call(&sc, lost, COUNT(lost), SF_OP_DELETE, IDS, 2, false);
	run_call(&sc);
	ok(sc.st == SF_OK && sf_collections_result(sc.c, 0)->success,
	   "a record that is gone when a deletion is sent again counts as deleted");
	ok(!sf_collections_result(sc.c, 1)->success, "another error stays one");
	end_call(&sc, "deleted twice");
}

/* Frees a call whose request has left; expects this of the cleanup. */
static void
freed(const char *name, peer_rule *rules, int nrules, const char *expected)
{
	call_scene sc;
	sf_error err = {0};

	start_call(&sc, rules, nrules, SF_OP_INSERT, TWO, 2, false);
	while (peer_requests(sc.p) < 2 && drive(sc.s))
		;
	sf_collections_free(sc.c);
	sc.c = NULL;
	if (rules[1].hang)
		ok(sf_session_cleanup_pending(sc.s) == 1, "%s: somebody waits for it", name);
	else
		drive_cleanup(sc.s);
	ok(sf_session_cleanup_failure(sc.s, true, &err) == (expected != NULL), "%s: a warning",
	   name);
	if (expected != NULL && !ok(strstr(err.message, expected) != NULL, "%s: says so", name))
		diag("%s", err.message);
	end_call(&sc, name);
}

static void
test_freed(void)
{
	peer_rule saved[] = {LOGIN, {"POST", CALL "$", OK_TWO, .split = 5}};
	peer_rule lost[] = {LOGIN, {"POST", CALL "$", .status = 0}};
	peer_rule hang[] = {LOGIN, {"POST", CALL "$", .hang = true}};
	peer_rule refused[] = {LOGIN, {"POST", CALL "$", .status = 400, .body = "[]", .split = 1}};

	freed("freed, then saved", saved, COUNT(saved), "2 of 2 rows were written");
	freed("freed, then lost", lost, COUNT(lost), "it is not known whether");
	freed("freed, and no answer in time", hang, COUNT(hang), "it is not known whether");
	freed("freed, then refused", refused, COUNT(refused), NULL);
}

int
main(void)
{
	test_records();
	test_numbers();
	test_answers();
	test_outcomes();
	test_deleted_twice();
	test_freed();
	return tap_done();
}
