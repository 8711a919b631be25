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
	bool keyless = false;
	sf_buf out;

	spec.rows_len = strlen(row);
	sf_buf_init(&out, 1024 * 1024);
	if (sf_collections_records(&out, &spec, &keyless, &err) == SF_OK)
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

	static const sf_column late[] = {{"Who.Email", SF_COLUMN_TEXT},
									 {"Lead:who.Code__c", SF_COLUMN_INT}};

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
	record("a@b.c,,7\n", who + 2, 1, "row 1 to be written is no CSV row");
	record("k,7\n", late, 2,
		   X ",\"who\":{\"attributes\":{\"type\":\"Lead\"},\"Email\":\"k\",\"Code__c\":7}}");
	record("\xff,,,\n", fields, 4, "the value for \"Name\" has invalid UTF-8");
	record("\"a\xc3\",,,\n", fields, 4, "the value for \"Name\" has invalid UTF-8");
	record("\xf0\x9f\x98\x80,,,\"\t\x01\"\n", fields, 4,
		   X ",\"Name\":\"\xf0\x9f\x98\x80\",\"Account\":{\"Ext__c\":\"\\t\\u0001\"}}");
	record("a\rb,,,\n", fields, 4, "row 1 to be written is no CSV row");
	record("\"a\"b,,,\n", fields, 4, "row 1 to be written is no CSV row");
	record("a,,,", fields, 4, "row 1 to be written is no CSV row");
	record("", fields, 4, "row 1 to be written is no CSV row");
	record("a\n", fields, 4, "row 1 to be written is no CSV row");
	record("a,b,c,d,e\n", fields, 4, "row 1 to be written is no CSV row");
	record("\"a,b,c,d\n", fields, 4, "row 1 to be written is no CSV row");
	record("a\"b,,,\n", fields, 4, "row 1 to be written is no CSV row");
	record("a,,,\nb,,,\n", fields, 4, "there are more than 1 rows to be written");
}

/* A value that cannot be sent: in which row and column it is. */
static void
test_places(void)
{
	static const char rows[] = "a,,,\nb,1,\"\0\",\n";
	sf_collections_spec spec = {.object = "X",
								.operation = SF_OP_UPSERT,
								.external_id_field = "name",
								.columns = fields,
								.ncolumns = 4,
								.rows = rows,
								.rows_len = sizeof(rows) - 1,
								.nrows = 2};
	sf_error err = {0};
	bool keyless = false;
	sf_buf out;

	sf_buf_init(&out, 1024 * 1024);
	ok(sf_collections_records(&out, &spec, &keyless, &err) == SF_FAILED &&
		   err.cls == SF_ERR_DATA && err.row == 2 && strcmp(err.column, "Active") == 0 &&
		   strcmp(err.message, "the value for \"Active\" has a NUL byte") == 0,
	   "a NUL byte in row 2: %s", err.message);
	ok(!keyless, "rows that have a key");
	sf_buf_free(&out);

	sf_error_reset(&err);
	spec.rows = "a,,,\n,,,\n";
	spec.rows_len = strlen(spec.rows);
	ok(sf_collections_records(&out, &spec, &keyless, &err) == SF_OK && keyless,
	   "one that has none");
	sf_buf_free(&out);
	for (int max = 0; max < 60; max += 7)
	{
		sf_buf_init(&out, (size_t) max);
		sf_collections_records(&out, &spec, &keyless, &err);
		ok(sf_buf_check(&out, "rows", NULL) == SF_FAILED, "no room for it in %d bytes", max);
		sf_buf_free(&out);
	}
}

static void
test_numbers(void)
{
	static const sf_column number[] = {{"N", SF_COLUMN_DOUBLE}};
	static const sf_column boolean[] = {{"B", SF_COLUMN_BOOLEAN}};
	static const sf_column parent[] = {{"A", SF_COLUMN_TEXT}, {"P.N", SF_COLUMN_INT}};
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
										   {"abc", "\"abc\" is not a number"},
										   {"1e", "\"1e\" is not a number"},
										   {"1e+", "\"1e+\" is not a number"},
										   {".", "\".\" is not a number"},
										   {"-", "\"-\" is not a number"},
										   {"1.2.3", "\"1.2.3\" is not a number"},
										   {"1 ", "\"1 \" is not a number"},
										   {"NaN", "\"NaN\" is not a number"},
										   {"0x1", "\"0x1\" is not a number"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char row[64];
		char expected[128];

		snprintf(row, sizeof(row), "%s\n", cases[i][0]);
		if (strstr(cases[i][1], "is not") != NULL)
			snprintf(expected, sizeof(expected), "%s", cases[i][1]);
		else
			snprintf(expected, sizeof(expected), X ",\"N\":%s}", cases[i][1]);
		record(row, number, 1, expected);
	}
	record("TRUE\n", boolean, 1, X ",\"B\":true}");
	record("False\n", boolean, 1, X ",\"B\":false}");
	record("1\n", boolean, 1, X ",\"B\":true}");
	record("0\n", boolean, 1, X ",\"B\":false}");
	record("yes\n", boolean, 1, "\"yes\" is not a boolean");
	record("\"\"\n", boolean, 1, "\"\" is not a boolean");
	record("\"\"\n", number, 1, "\"\" is not a number");
	record("x,\"#N/A\"\n", parent, 2, "\"#N/A\" is not a number");
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
	OUTCOME("insert, an answer that cannot be unpacked", SF_OP_INSERT, TWO, 2, SF_FAILED, true,
			1,
			{"POST", CALL "$", .status = 200, .headers = "Content-Encoding: gzip\r\n",
			 .body = "not gzip"});
	OUTCOME(
		"insert, an answer of unknown encoding", SF_OP_INSERT, TWO, 2, SF_FAILED, true, 1,
		{"POST", CALL "$", .status = 200, .headers = "Content-Encoding: br\r\n", .body = "x"});
	OUTCOME("insert, answer cut off", SF_OP_INSERT, TWO, 2, SF_FAILED, true, 1,
			{"POST", CALL "$", OK_TWO, .cut = 20});
	OUTCOME("insert, always busy", SF_OP_INSERT, TWO, 2, SF_FAILED, false, 2,
			{"POST", CALL "$", .status = 503});
	OUTCOME("insert, 429 and 420", SF_OP_INSERT, TWO, 2, SF_FAILED, false, 2,
			{"POST", CALL "$", .times = 1, .status = 429}, {"POST", CALL "$", .status = 420});
	OUTCOME("insert, day's calls used up", SF_OP_INSERT, TWO, 2, SF_FAILED, false, 1,
			{"POST", CALL "$", .status = 403,
			 .body = "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"TotalRequests "
					 "Limit exceeded.\"}]"});
	OUTCOME("insert, 401 twice", SF_OP_INSERT, TWO, 2, SF_FAILED, false, 2,
			{"POST", CALL "$", .status = 401});
	OUTCOME("insert, busy, then lost", SF_OP_INSERT, TWO, 2, SF_FAILED, true, 2,
			{"POST", CALL "$", .times = 1, .status = 503}, {"POST", CALL "$", .status = 0});
	OUTCOME("insert, more results", SF_OP_INSERT, "a,,,\n", 1, SF_FAILED, true, 1,
			{"POST", CALL "$", OK_TWO});
	OUTCOME("insert, an object", SF_OP_INSERT, "a,,,\n", 1, SF_FAILED, true, 1,
			{"POST", CALL "$", .status = 200, .body = "{}"});
	OUTCOME("insert, a list of other things", SF_OP_INSERT, TWO, 2, SF_FAILED, true, 1,
			{"POST", CALL "$", .status = 200, .body = "[1,null]"});
	OUTCOME("insert, success missing", SF_OP_INSERT, "a,,,\n", 1, SF_FAILED, true, 1,
			{"POST", CALL "$", .status = 200, .body = "[{\"id\":null,\"errors\":[]}]"});
	OUTCOME("insert, a malformed id", SF_OP_INSERT, "a,,,\n", 1, SF_FAILED, true, 1,
			{"POST", CALL "$", .status = 200, .body = "[{\"id\":\"1\",\"success\":true}]"});
	OUTCOME("insert, refused with a malformed id", SF_OP_INSERT, "a,,,\n", 1, SF_OK, false, 1,
			{"POST", CALL "$", .status = 200, .body = "[{\"id\":\"1\",\"success\":false}]"});
	OUTCOME("upsert without a key, no answer", SF_OP_UPSERT, TWO, 2, SF_FAILED, true, 1,
			{"PATCH", CALL "/Account/Ext__c$", .status = 0});
	OUTCOME("update, always busy", SF_OP_UPDATE, TWO, 2, SF_FAILED, false, 2,
			{"PATCH", CALL "$", .status = 503});
	OUTCOME("update, 500, then taken", SF_OP_UPDATE, TWO, 2, SF_OK, false, 2,
			{"PATCH", CALL "$", .times = 1, .status = 500}, {"PATCH", CALL "$", OK_TWO});
	OUTCOME("update, 500, then refused", SF_OP_UPDATE, TWO, 2, SF_FAILED, true, 2,
			{"PATCH", CALL "$", .times = 1, .status = 500},
			{"PATCH", CALL "$", .status = 400});
	/* the one that is lost is sent again by curl, which does not tell */
	OUTCOME("update, lost once, then refused", SF_OP_UPDATE, TWO, 2, SF_FAILED, true, 2,
			{"PATCH", CALL "$", .times = 1, .status = 0}, {"PATCH", CALL "$", .status = 400});
	OUTCOME("delete, lost once, then refused", SF_OP_DELETE, IDS, 2, SF_FAILED, true, 2,
			{"DELETE", CALL, .times = 1, .status = 0}, {"DELETE", CALL, .status = 400});
	OUTCOME("delete, refused", SF_OP_DELETE, IDS, 2, SF_FAILED, false, 1,
			{"DELETE", CALL, .status = 400});
	OUTCOME("delete, an id too many", SF_OP_DELETE, IDS, 1, SF_FAILED, false, 0);
	OUTCOME("delete, an id too few", SF_OP_DELETE, IDS, 3, SF_FAILED, false, 0);
	OUTCOME("delete, ids in one", SF_OP_DELETE, "001000000000001AAA,001000000000002AAA\n", 1,
			SF_FAILED, false, 0);
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
#define ROLLED_BACK                                                                           \
	"{\"success\":false,\"errors\":[{\"statusCode\":\"ALL_OR_NONE_OPERATION_ROLLED_BACK\","   \
	"\"message\":\"x\",\"fields\":[]}]}"
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

	{
		peer_rule once[] = {LOGIN,
							{"DELETE", CALL, .status = 200, .body = "[" GONE "," GONE "]"}};

		start_call(&sc, once, COUNT(once), SF_OP_DELETE, IDS, 2, false);
		run_call(&sc);
		ok(sc.st == SF_OK && !sf_collections_result(sc.c, 0)->success &&
			   strcmp(sf_collections_result(sc.c, 1)->error.code, "ENTITY_IS_DELETED") == 0,
		   "one that was gone before is an error where no answer was lost");
		end_call(&sc, "deleted by somebody else");
	}
	{
		peer_rule all[] = {LOGIN,
						   {"DELETE", CALL "?allOrNone=true", .times = 1, .status = 0},
						   {"DELETE", CALL, .status = 200, .body = "[" GONE "," GONE "]"}};

		start_call(&sc, all, COUNT(all), SF_OP_DELETE, IDS, 2, true);
		run_call(&sc);
		ok(sc.st == SF_OK && sf_collections_result(sc.c, 0)->success &&
			   sf_collections_result(sc.c, 1)->success,
		   "all or none: all are gone");
		end_call(&sc, "all deleted twice");
	}
	{
		peer_rule none[] = {
			LOGIN,
			{"DELETE", CALL, .times = 1, .status = 0},
			{"DELETE", CALL, .status = 200, .body = "[" GONE "," ROLLED_BACK "]"}};

		start_call(&sc, none, COUNT(none), SF_OP_DELETE, IDS, 2, true);
		run_call(&sc);
		ok(sc.st == SF_OK && !sf_collections_result(sc.c, 0)->success &&
			   !sf_collections_result(sc.c, 1)->success,
		   "all or none: one was gone before, so none was deleted");
		end_call(&sc, "none deleted");
	}
}

static void
test_texts(void)
{
	peer_rule lost[] = {LOGIN, {"POST", CALL "$", .status = 200, .body = "[{", .cut = 1}};
	peer_rule refused[] = {
		LOGIN,
		{"POST", CALL "$", .status = 400,
		 .body = "[{\"errorCode\":\"A\",\"message\":\"b\",\"fields\":[\"Name\"]}]"}};
	peer_rule rule[] = {LOGIN,
						{"POST", CALL "$", "Sforce-Auto-Assign: 01Q000000000001\r\n",
						 .status = 200, .body = "[" SAVED("1") "]"}};
	sf_collections_spec spec = {.object = "Lead",
								.operation = SF_OP_INSERT,
								.assignment_rule_id = "01Q000000000001",
								.columns = fields,
								.ncolumns = 4,
								.rows = "a,,,\n",
								.rows_len = 5,
								.nrows = 1};
	sf_error err = {0};
	call_scene sc;

	start_call(&sc, lost, COUNT(lost), SF_OP_INSERT, TWO, 2, false);
	run_call(&sc);
	ok(strstr(sc.err.message, "could not insert 2 rows of Account: ") != NULL &&
		   strstr(sc.err.detail, "The connection was lost within an answer") != NULL &&
		   strstr(sc.err.detail, "It is not known whether Salesforce has saved") != NULL,
	   "what is not known is said besides what happened: %s", sc.err.detail);
	end_call(&sc, "lost");
	start_call(&sc, refused, COUNT(refused), SF_OP_INSERT, TWO, 2, false);
	run_call(&sc);
	ok(strstr(sc.err.detail, "Name") != NULL &&
		   strstr(sc.err.detail, "No row of this call was saved.") != NULL,
	   "and what is known: %s", sc.err.detail);

	spec.assignment_rule_id = "01Q\r\nX: y";
	ok(sf_collections_start(sc.s, &spec, &err) == NULL && err.cls == SF_ERR_CONFIG,
	   "a rule that is no id is refused");
	sf_error_reset(&err);
	spec.assignment_rule_id = NULL;
	spec.nrows = 201;
	ok(sf_collections_start(sc.s, &spec, &err) == NULL && err.cls == SF_ERR_CONFIG,
	   "more than 200 rows are refused");
	sf_error_reset(&err);
	spec.nrows = 1;
	spec.operation = SF_OP_HARD_DELETE;
	ok(sf_collections_start(sc.s, &spec, &err) == NULL && err.cls == SF_ERR_CONFIG,
	   "hard deletion is refused");
	end_call(&sc, "refused");

	start_call(&sc, rule, COUNT(rule), SF_OP_INSERT, "a,,,\n", 1, false);
	sf_collections_free(sc.c);
	spec.operation = SF_OP_INSERT;
	spec.assignment_rule_id = "01Q000000000001";
	sc.c = sf_collections_start(sc.s, &spec, &sc.err);
	run_call(&sc);
	ok(sc.st == SF_OK, "the assignment rule is a header");
	is_int(peer_used(sc.p, 1), 1, "a call that had not left when it was freed never leaves");
	end_call(&sc, "assignment rule");
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

	freed("freed, then saved", saved, COUNT(saved), "2 of 2 rows of Account were written");
	freed("freed, then lost", lost, COUNT(lost), "it is not known whether");
	freed("freed, and no answer in time", hang, COUNT(hang), "it is not known whether");
	freed("freed, then refused", refused, COUNT(refused), NULL);
}

int
main(void)
{
	int fds = count_fds();

	test_records();
	test_places();
	test_numbers();
	test_answers();
	test_outcomes();
	test_deleted_twice();
	test_texts();
	test_freed();
	is_int(count_fds(), fds, "no descriptor is left open");
	return tap_done();
}
