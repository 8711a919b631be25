/*
 * test_query.c
 *		Queries by REST and by jobs against a peer that misbehaves: the right rows or an error.
 */
#include "peer.h"
#include "tap.h"

#define LOGIN                                                                                 \
	{                                                                                         \
		"POST", "/services/oauth2/token",                                                     \
			.status = 200, .body = "{\"access_token\":\"T\",\"instance_url\":\"%b\"}"         \
	}
#define V	"/services/data/v62.0"
#define JOB V "/jobs/query/750000000000001AAA"

#define CREATED                                                                               \
	"{\"id\":\"750000000000001AAA\",\"state\":\"UploadComplete\",\"apiVersion\":62.0}"
#define STATE(state, rest)                                                                    \
	"{\"id\":\"750000000000001AAA\",\"state\":\"" state "\",\"jobType\":\"V2Query\"" rest "}"
#define COMPLETE(n) STATE("JobComplete", ",\"numberRecordsProcessed\":" #n ",\"retries\":0")

#define CREATE                                                                                \
	{                                                                                         \
		"POST", V "/jobs/query$", .status = 200, .body = CREATED                              \
	}
#define POLL(n)                                                                               \
	{                                                                                         \
		"GET", JOB "$", .status = 200, .body = COMPLETE(n)                                    \
	}
#define DELETE_JOB                                                                            \
	{                                                                                         \
		"DELETE", JOB "$", .status = 204                                                      \
	}
#define ABORT                                                                                 \
	{                                                                                         \
		"PATCH", JOB "$", "{\"state\":\"Aborted\"}", .status = 200, .body = CREATED           \
	}

#define CSV_TYPE			   "Content-Type: text/csv\r\n"
#define PAGE_HEADERS(n)		   CSV_TYPE "Sforce-NumberOfRecords: " #n "\r\n"
#define CHAIN_HEADERS(n, next) PAGE_HEADERS(n) "Sforce-Locator: " next "\r\n"
#define PAGE(locator, n, text)                                                                \
	{                                                                                         \
		"GET", JOB "/results?locator=" locator "$",                                           \
			.status = 200, .headers = PAGE_HEADERS(n), .body = "\"Id\",\"Name\"\n" text       \
	}

static const sf_column columns[] = {{"Id", SF_COLUMN_TEXT}, {"Name", SF_COLUMN_TEXT}};

typedef struct scene
{
	peer *p;
	sf_session *s;
	sf_query *q;
	sf_query_spec spec;
	sf_error err;
	sf_status st;
	sf_query_stats stats;
	char rows[4096];
} scene;

/* Starts peer, session and query. */
static void
open_scene(scene *sc, peer_rule *rules, int nrules, sf_transport transport)
{
	sf_config cfg = {.client_id = "i", .client_secret = "s", .request_timeout_ms = 20000};

	memset(&sc->err, 0, sizeof(sc->err));
	sc->p = peer_start(rules, nrules);
	cfg.login_url = peer_url(sc->p);
	sc->s = sf_session_new(&cfg, &sc->err);
	sc->spec.soql = sc->spec.soql != NULL ? sc->spec.soql : "SELECT Id, Name FROM Account";
	sc->spec.transport = transport;
	if (!sc->spec.count_only)
	{
		sc->spec.columns = columns;
		sc->spec.ncolumns = 2;
	}
	sc->q = sf_query_start(sc->s, &sc->spec, &sc->err);
	if (sc->q == NULL)
	{
		diag("%s", sc->err.message);
		exit(1);
	}
}

static void
read_scene(scene *sc)
{
	sf_error_reset(&sc->err);
	sc->st = read_all(sc->s, sc->q, sc->spec.count_only ? 1 : 2, sc->rows, sizeof(sc->rows),
					  &sc->err);
	sf_query_get_stats(sc->q, &sc->stats);
}

/* Frees everything after the clean-up has run; complains about requests without a rule. */
static void
close_scene(scene *sc, const char *name)
{
	sf_query_free(sc->q);
	drive_cleanup(sc->s);
	ok(sf_session_cleanup_pending(sc->s) == 0 && peer_unexpected(sc->p) == 0,
	   "%s: cleaned up, nothing unexpected", name);
	sf_session_free(sc->s);
	peer_stop(sc->p);
	sc->spec = (sf_query_spec){0};
}

#define COUNT(rules) ((int) (sizeof(rules) / sizeof((rules)[0])))

/* Runs rules through to the end and expects these rows. */
#define EXPECT_ROWS(name, transport, expected, ...)                                           \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		scene sc_ = {0};                                                                      \
		open_scene(&sc_, rules_, COUNT(rules_), transport);                                   \
		read_scene(&sc_);                                                                     \
		if (!is_int(sc_.st, SF_DONE, name))                                                   \
			diag("%s", sc_.err.message);                                                      \
		is_text(sc_.rows, expected, name);                                                    \
		close_scene(&sc_, name);                                                              \
	} while (0)

/* … and expects an error of this class with this text in it. */
#define EXPECT_ERROR(name, transport, class, text, ...)                                       \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		scene sc_ = {0};                                                                      \
		open_scene(&sc_, rules_, COUNT(rules_), transport);                                   \
		read_scene(&sc_);                                                                     \
		is_int(sc_.st, SF_FAILED, name);                                                      \
		if (!ok(sc_.err.cls == class && strstr(sc_.err.message, text) != NULL, "%s: %s",      \
				name, text))                                                                  \
			diag("class %d: %s", sc_.err.cls, sc_.err.message);                               \
		close_scene(&sc_, name);                                                              \
	} while (0)

/* ---- REST -------------------------------------------------------------------------- */

#define REST_ROW(id, name)                                                                    \
	"{\"attributes\":{\"type\":\"Account\"},\"Id\":\"" id "\",\"Name\":" name "}"
#define QUERY                                                                                 \
	{                                                                                         \
		"GET", V "/query?q=", .status = 200, .body =

static void
test_rest(void)
{
	EXPECT_ROWS(
		"two pages", SF_TRANSPORT_REST, "001|a;002|-;003|c;",
		{"GET", V "/query?q=SELECT%20Id%2C%20Name%20FROM%20Account$", "batchSize=2000",
		 .status = 200,
		 .body = "{\"totalSize\":3,\"done\":false,\"nextRecordsUrl\":\"" V
				 "/query/01gXXX-2\",\"records\":[" REST_ROW("001", "\"a\"") "," REST_ROW(
					 "002", "null") "]}"},
		{"GET", V "/query/01gXXX-2$", .status = 200,
		 .body = "{\"totalSize\":3,\"done\":true,\"nextRecordsUrl\":\"" V
				 "/query/ignored-when-done\",\"records\":[" REST_ROW("003", "\"c\"") "]}"});
	EXPECT_ROWS("no rows", SF_TRANSPORT_REST, "",
				QUERY "{\"totalSize\":0,\"done\":true,\"records\":[]}"
});
	EXPECT_ERROR("fewer rows than totalSize", SF_TRANSPORT_REST, SF_ERR_PROTOCOL,
				 "gave 1 rows, but its totalSize is 2",
				 QUERY "{\"totalSize\":2,\"done\":true,\"records\":[" REST_ROW("001", "\"a\"") "]}"
	});
	EXPECT_ERROR("not done, no next page", SF_TRANSPORT_REST, SF_ERR_PROTOCOL, "no next page",
				 QUERY "{\"totalSize\":2,\"done\":false,\"records\":[" REST_ROW("001",
																		   "\"a\"") "]}"
	});
	EXPECT_ERROR("a next page on another host", SF_TRANSPORT_REST, SF_ERR_PROTOCOL, "malformed",
				 QUERY "{\"totalSize\":2,\"done\":false,\"nextRecordsUrl\":\"https://evil.example/"
					   "services/data/v62.0/query/1\",\"records\":[" REST_ROW("001", "\"a\"") "]}"
	});
	EXPECT_ERROR("a page that leads to itself", SF_TRANSPORT_REST, SF_ERR_PROTOCOL, "itself",
				 {"GET", V "/query", .status = 200,
				  .body = "{\"totalSize\":9,\"done\":false,\"nextRecordsUrl\":\"" V
						  "/query/01g-1\",\"records\":[" REST_ROW("001", "\"a\"") "]}"});
	EXPECT_ERROR(
		"a wrong query", SF_TRANSPORT_REST, SF_ERR_REMOTE, "INVALID_FIELD: No such column",
		{"GET", V "/query", .status = 400,
		 .body = "[{\"message\":\"\\nSELECT Idd FROM Account\\n       ^\\nERROR at "
				 "Row:1:Column:8\\nNo such column 'Idd'\",\"errorCode\":\"INVALID_FIELD\"}]"});
	EXPECT_ERROR("the day's limit", SF_TRANSPORT_REST, SF_ERR_REMOTE, "REQUEST_LIMIT_EXCEEDED",
				 {"GET", V "/query", .times = 1, .status = 403,
				  .body = "[{\"message\":\"TotalRequests Limit exceeded.\",\"errorCode\":"
						  "\"REQUEST_LIMIT_EXCEEDED\"}]"});
	EXPECT_ERROR("half an answer", SF_TRANSPORT_REST, SF_ERR_PROTOCOL, "answer to the query",
				 QUERY "{\"totalSize\":2,\"done\":tr"
	});
	EXPECT_ERROR("an HTML page", SF_TRANSPORT_REST, SF_ERR_PROTOCOL, "answer to the query",
				 QUERY "<html><body>hello</body></html>"
	});
	EXPECT_ERROR("an unknown encoding", SF_TRANSPORT_REST, SF_ERR_PROTOCOL, "Content-Encoding",
				 {"GET", V "/query", .status = 200, .headers = "Content-Encoding: br\r\n",
				  .body = "x"});
	EXPECT_ROWS("a hiccup, an overload, a lost connection, a cut answer", SF_TRANSPORT_REST,
				"001|a;", {"GET", V "/query", .times = 1, .status = 420},
				{"GET", V "/query", .times = 1, .status = 503, .body = "<html>maintenance</html>"},
				{"GET", V "/query", .times = 1, .status = 0},
				{"GET", V "/query", .times = 1, .status = 200, .body = "{\"totalSize\":1}",
				 .cut = 5},
				QUERY "{\"totalSize\":1,\"done\":true,\"records\":[" REST_ROW("001", "\"a\"") "]}"
	});
	}

	static void
	test_count(void)
	{
		peer_rule rules[] = {LOGIN,
							 {"GET", V "/query?q=SELECT%20COUNT%28%29%20FROM%20Account$",
							  .status = 200,
							  .body = "{\"totalSize\":42,\"done\":true,"
									  "\"records\":[]}"}};
		scene sc = {.spec = {.soql = "SELECT COUNT() FROM Account", .count_only = true}};

		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_AUTO);
		read_scene(&sc);
		is_text(sc.rows, "42;", "a count is one row");
		is_int(sf_query_rewind(sc.q, &sc.err), SF_OK, "and can be read again");
		read_scene(&sc);
		is_text(sc.rows, "42;", "… with the same value");
		is_int(peer_used(sc.p, 1), 1, "without asking again");
		close_scene(&sc, "count");
	}

	/* ---- which way --------------------------------------------------------------------- */

#define LARGE                                                                                 \
	QUERY "{\"totalSize\":2001,\"done\":false,\"nextRecordsUrl\":\"" V                        \
		  "/query/01g-1\",\"records\":[" REST_ROW("009", "\"x\"") "]}"                        \
	}
#define ONE_LINK(link)                                                                        \
	{                                                                                         \
		"GET", JOB "/resultPages$", .status = 200, .body = link                               \
	}
#define LINK_A                                                                                \
	"{\"resultPages\":[{\"resultUrl\":\"" JOB "/results?locator=A\"}],\"nextRecordsUrl\":"    \
	"null,\"done\":true}"

	static void
	test_auto(void)
	{
		char *soql = malloc(20000);

		EXPECT_ROWS("more rows than the limit go by bulk", SF_TRANSPORT_AUTO, "1|a;2|b;",
					LARGE, CREATE, POLL(2), ONE_LINK(LINK_A),
					PAGE("A", 2, "\"1\",\"a\"\n\"2\",\"b\"\n"), DELETE_JOB);
		EXPECT_ROWS("a query that takes too long", SF_TRANSPORT_AUTO, "1|a;",
					{"GET", V "/query", .status = 400,
					 .body = "[{\"message\":\"Your query request was running for too long.\","
							 "\"errorCode\":\"QUERY_TIMEOUT\"}]"},
					CREATE, POLL(1), ONE_LINK(LINK_A), PAGE("A", 1, "\"1\",\"a\"\n"),
					DELETE_JOB);
		EXPECT_ROWS("headers that are too long", SF_TRANSPORT_AUTO, "1|a;",
					{"GET", V "/query", .status = 431, .body = "<html>Too Large</html>"},
					CREATE, POLL(1), ONE_LINK(LINK_A), PAGE("A", 1, "\"1\",\"a\"\n"),
					DELETE_JOB);
	EXPECT_ROWS("what bulk does not do goes back to REST", SF_TRANSPORT_AUTO, "001|a;",
				{"GET", V "/query", .times = 1, .status = 200,
				 .body = "{\"totalSize\":2001,\"done\":false,\"nextRecordsUrl\":\"" V
						 "/query/01g-1\",\"records\":[" REST_ROW("009", "\"x\"") "]}"},
				{"POST", V "/jobs/query", .status = 400,
				 .body = "[{\"errorCode\":\"INVALIDENTITY\",\"message\":\"Entity 'X' is not "
						 "supported by the Bulk API.\"}]"},
				QUERY "{\"totalSize\":1,\"done\":true,\"records\":[" REST_ROW("001", "\"a\"") "]}"
	});
	EXPECT_ERROR("what bulk does not do, by bulk alone", SF_TRANSPORT_BULK, SF_ERR_REMOTE,
				 "could not create a query job: INVALIDENTITY",
				 {"POST", V "/jobs/query", .times = 1, .status = 400,
				  .body = "[{\"errorCode\":\"INVALIDENTITY\",\"message\":\"Entity 'X' is not "
						  "supported by the Bulk API.\"}]"});

	{
		peer_rule rules[] = {
			LOGIN,	   CREATE, POLL(1), ONE_LINK(LINK_A), PAGE("A", 1, "\"1\",\"a\"\n"),
			DELETE_JOB};
		scene sc = {0};

		strcpy(soql, "SELECT Id, Name FROM Account WHERE Name IN ('");
		memset(soql + strlen(soql), 'x', 15000);
		strcpy(soql + 15040, "')");
		sc.spec.soql = soql;
		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_AUTO);
		read_scene(&sc);
		is_text(sc.rows, "1|a;", "a query too long for a URI goes by bulk at once");
		is_int(sc.stats.transport, SF_TRANSPORT_BULK, "… and says so");
		close_scene(&sc, "too long");
	}
	free(soql);
	}

	/* ---- jobs -------------------------------------------------------------------------- */

	static void
	test_job_states(void)
	{
		EXPECT_ROWS(
			"a job that takes its time", SF_TRANSPORT_BULK, "1|a;", CREATE,
			{"GET", JOB "$", .times = 1, .status = 200, .body = STATE("UploadComplete", "")},
			{"GET", JOB "$", .times = 2, .status = 200,
			 .body = STATE("InProgress", ",\"numberRecordsProcessed\":0")},
			POLL(1), ONE_LINK(LINK_A), PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
		EXPECT_ERROR(
			"failed, with a reason", SF_TRANSPORT_BULK, SF_ERR_REMOTE,
			"query job 750000000000001AAA failed: InvalidBatch : Failed to process query: "
			"QUERY_TIMEOUT: too long",
			CREATE,
			{"GET", JOB "$", .status = 200,
			 .body = STATE("Failed", ",\"errorMessage\":\"InvalidBatch : Failed to process "
									 "query: QUERY_TIMEOUT: too long\"")},
			DELETE_JOB);
		EXPECT_ERROR("failed, without one", SF_TRANSPORT_BULK, SF_ERR_REMOTE,
					 "query job 750000000000001AAA failed", CREATE,
					 {"GET", JOB "$", .status = 200, .body = STATE("Failed", "")}, DELETE_JOB);
		EXPECT_ERROR("aborted by somebody", SF_TRANSPORT_BULK, SF_ERR_REMOTE,
					 "750000000000001AAA was aborted", CREATE,
					 {"GET", JOB "$", .status = 200, .body = STATE("Aborted", "")},
					 DELETE_JOB);
		EXPECT_ERROR(
			"deleted by somebody", SF_TRANSPORT_BULK, SF_ERR_REMOTE, "NOT_FOUND", CREATE,
			{"GET", JOB "$", .status = 404,
			 .body = "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"The requested resource does "
					 "not exist\"}]"});
		EXPECT_ERROR("an unknown state", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
					 "unknown state \"Odd\"", CREATE,
					 {"GET", JOB "$", .status = 200, .body = STATE("Odd", "")}, ABORT,
					 DELETE_JOB);
		EXPECT_ERROR("a creation without an id", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL, "\"id\"",
					 {"POST", V "/jobs/query", .status = 200, .body = "{\"state\":\"x\"}"});
		EXPECT_ERROR(
			"an id that is none", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL, "malformed id",
			{"POST", V "/jobs/query", .status = 200, .body = "{\"id\":\"../../../../x\"}"});
		EXPECT_ERROR(
			"an internal error at creation is final", SF_TRANSPORT_BULK, SF_ERR_REMOTE,
			"UNKNOWN_EXCEPTION",
			{"POST", V "/jobs/query", .times = 1, .status = 500,
			 .body = "[{\"errorCode\":\"UNKNOWN_EXCEPTION\",\"message\":\"An unexpected error "
					 "occurred. ErrorId: 1-2 (3)\"}]"});
		EXPECT_ROWS("a creation that was not taken is repeated", SF_TRANSPORT_BULK, "1|a;",
					{"POST", V "/jobs/query", .times = 1, .status = 503}, CREATE, POLL(1),
					ONE_LINK(LINK_A), PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
	}

	static void
	test_lost_creation(void)
	{
		peer_rule rules[] = {LOGIN,
							 {"POST", V "/jobs/query", .times = 1, .status = 0},
							 CREATE,
							 POLL(1),
							 ONE_LINK(LINK_A),
							 PAGE("A", 1, "\"1\",\"a\"\n"),
							 DELETE_JOB};
		scene sc = {0};

		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
		read_scene(&sc);
		is_text(sc.rows, "1|a;", "a creation whose answer is lost is repeated");
		drive_cleanup(sc.s);
		ok(sf_session_cleanup_failure(sc.s, false, &sc.err) &&
			   strstr(sc.err.message, "may have been left") != NULL &&
			   sc.err.job_id[0] == '\0',
		   "with a warning that a job may be left");
		ok(!sf_session_cleanup_failure(sc.s, false, &sc.err), "one warning");
		close_scene(&sc, "lost creation");
	}

	static void
	test_job_timeout(void)
	{
		peer_rule rules[] = {LOGIN,
							 CREATE,
							 {"GET", JOB "$", .status = 200, .body = STATE("InProgress", "")},
							 ABORT,
							 DELETE_JOB};
		scene sc = {.spec = {.job_timeout_ms = 120}};

		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
		read_scene(&sc);
		ok(sc.st == SF_FAILED && sc.err.cls == SF_ERR_TIMEOUT,
		   "a job that does not end in time");
		is_text(sc.err.job_id, "750000000000001AAA", "is named");
		close_scene(&sc, "job timeout");
		rules[3].used = 0;
	}

	/* ---- pages ------------------------------------------------------------------------- */

	static void
	test_links(void)
	{
#define BOTH PAGE("A", 1, "\"1\",\"a\"\n"), PAGE("B", 1, "\"2\",\"b\"\n"), DELETE_JOB
		EXPECT_ROWS("links: documented shape, two lists", SF_TRANSPORT_BULK, "1|a;2|b;",
					CREATE, POLL(2),
					ONE_LINK("{\"resultPages\":[{\"resultUrl\":\"" JOB
							 "/results?locator=A\"}],\"nextRecordUrl\":\"" JOB
							 "/resultpages?locator=N\",\"done\":false}"),
					{"GET", JOB "/resultPages?locator=N$", .status = 200,
					 .body = "{\"resultPages\":[{\"resultUrl\":\"" JOB
							 "/results?locator=B\"}],\"done\":true}"},
					BOTH);
		EXPECT_ROWS(
			"links: relative resultLink", SF_TRANSPORT_BULK, "1|a;", CREATE, POLL(1),
			ONE_LINK(
				"{\"resultPages\":[{\"resultLink\":\"/jobs/query/750000000000001AAA/results"
				"?locator=A\"}],\"nextRecordsUrl\":null,\"done\":true}"),
			PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
		EXPECT_ROWS(
			"links: resultChunks", SF_TRANSPORT_BULK, "1|a;", CREATE, POLL(1),
			ONE_LINK(
				"{\"resultChunks\":[{\"resultLink\":\"/jobs/query/x/results?locator=A\"}],"
				"\"nextRecordsUrl\":null}"),
			PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
		EXPECT_ROWS(
			"links: a locator is encoded", SF_TRANSPORT_BULK, "1|a;", CREATE, POLL(1),
			ONE_LINK("{\"resultPages\":[{\"resultUrl\":\"/x?locator=a%2Fb%3D%3D\"}],\"done\":"
					 "true}"),
			PAGE("a%2Fb%3D%3D", 1, "\"1\",\"a\"\n"), DELETE_JOB);
		EXPECT_ROWS("no resultPages: the chain", SF_TRANSPORT_BULK, "1|a;2|b;", CREATE,
					POLL(2), {"GET", JOB "/resultPages$", .status = 404, .body = ""},
					{"GET", JOB "/results$", .status = 200, .headers = CHAIN_HEADERS(1, "B"),
					 .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
					{"GET", JOB "/results?locator=B$", .status = 200,
					 .headers = CHAIN_HEADERS(1, "null"),
					 .body = "\"Id\",\"Name\"\n\"2\",\"b\"\n"},
					DELETE_JOB);
		EXPECT_ROWS("resultPages nobody understands: the chain", SF_TRANSPORT_BULK, "1|a;",
					CREATE, POLL(1), ONE_LINK("{\"pages\":[]}"),
					{"GET", JOB "/results$", .status = 200,
					 .headers = CHAIN_HEADERS(1, "null"),
					 .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
					DELETE_JOB);
		EXPECT_ERROR("a chain without its header", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
					 "Sforce-Locator", CREATE, POLL(1), ONE_LINK("[]"),
					 {"GET", JOB "/results$", .status = 200, .headers = PAGE_HEADERS(1),
					  .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
					 DELETE_JOB);
		EXPECT_ERROR(
			"a locator that comes twice", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL, "came twice",
			CREATE, POLL(2),
			ONE_LINK("{\"resultPages\":[{\"resultUrl\":\"/x?locator=A\"}],\"nextRecordsUrl\":"
					 "\"/x?locator=N\",\"done\":false}"),
			{"GET", JOB "/resultPages?locator=N$", .status = 200,
			 .body = "{\"resultPages\":[{\"resultUrl\":\"/x?locator=A\"}],\"done\":true}"},
			PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
		EXPECT_ERROR("a chain that goes in circles", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
					 "came twice", CREATE, POLL(2),
					 {"GET", JOB "/resultPages$", .status = 404},
					 {"GET", JOB "/results", .status = 200, .headers = CHAIN_HEADERS(1, "B"),
					  .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
					 DELETE_JOB);
		EXPECT_ERROR("another API version", SF_TRANSPORT_BULK, SF_ERR_REMOTE, "VERSION",
					 CREATE, POLL(1),
					 {"GET", JOB "/resultPages$", .status = 409,
					  .body = "[{\"errorCode\":\"API_VERSION_MISMATCH\",\"message\":\"no\"}]"},
					 DELETE_JOB);
	}

	static void
	test_page_checks(void)
	{
		EXPECT_ERROR("fewer rows than the page says", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
					 "has 1 rows instead of 2", CREATE, POLL(2), ONE_LINK(LINK_A),
					 PAGE("A", 2, "\"1\",\"a\"\n"), DELETE_JOB);
		EXPECT_ERROR("more rows than the page says", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
					 "has 2 rows instead of 1", CREATE, POLL(1), ONE_LINK(LINK_A),
					 PAGE("A", 1, "\"1\",\"a\"\n\"2\",\"b\"\n"), DELETE_JOB);
		EXPECT_ERROR("fewer rows than the job says", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
					 "gave 1 rows instead of 5", CREATE, POLL(5), ONE_LINK(LINK_A),
					 PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
		EXPECT_ROWS("without Sforce-NumberOfRecords the job's count decides",
					SF_TRANSPORT_BULK, "1|a;", CREATE, POLL(1), ONE_LINK(LINK_A),
					{"GET", JOB "/results?locator=A$", .status = 200, .headers = CSV_TYPE,
					 .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
					DELETE_JOB);
		EXPECT_ERROR("neither count", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
					 "Sforce-NumberOfRecords", CREATE,
					 {"GET", JOB "$", .status = 200, .body = STATE("JobComplete", "")},
					 ONE_LINK(LINK_A),
					 {"GET", JOB "/results?locator=A$", .status = 200, .headers = CSV_TYPE,
					  .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
					 DELETE_JOB);
		EXPECT_ROWS("no rows: a header", SF_TRANSPORT_BULK, "", CREATE, POLL(0),
					{"GET", JOB "/results$", .status = 200,
					 .headers = CHAIN_HEADERS(0, "null"), .body = "\"Id\",\"Name\"\n"},
					DELETE_JOB);
		EXPECT_ROWS(
			"no rows: nothing", SF_TRANSPORT_BULK, "", CREATE, POLL(0),
			{"GET", JOB "/results$", .status = 200, .headers = CHAIN_HEADERS(0, "null")},
			DELETE_JOB);
		EXPECT_ROWS("no rows: 204", SF_TRANSPORT_BULK, "", CREATE, POLL(0),
					{"GET", JOB "/results$", .status = 204}, DELETE_JOB);
		EXPECT_ROWS("columns in another order, case and number", SF_TRANSPORT_BULK, "1|a;",
					CREATE, POLL(1), ONE_LINK(LINK_A),
					{"GET", JOB "/results?locator=A$", .status = 200,
					 .headers = PAGE_HEADERS(1),
					 .body = "\"NAME\",\"Other\",\"id\"\n\"a\",\"x\",\"1\"\n"},
					DELETE_JOB);
		EXPECT_ERROR("a column is missing", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL, "Name", CREATE,
					 POLL(1), ONE_LINK(LINK_A),
					 {"GET", JOB "/results?locator=A$", .status = 200,
					  .headers = PAGE_HEADERS(1), .body = "\"Id\"\n\"1\"\n"},
					 DELETE_JOB);
		EXPECT_ERROR("a page of HTML", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL, "text/html", CREATE,
					 POLL(1), ONE_LINK(LINK_A),
					 {"GET", JOB "/results?locator=A$", .status = 200,
					  .headers = "Content-Type: text/html\r\nSforce-NumberOfRecords: 1\r\n",
					  .body = "<html>log in</html>"},
					 DELETE_JOB);
		EXPECT_ERROR("a NUL byte", SF_TRANSPORT_BULK, SF_ERR_DATA, "", CREATE, POLL(1),
					 ONE_LINK(LINK_A),
					 {"GET", JOB "/results?locator=A$", .status = 200,
					  .headers = PAGE_HEADERS(1), .body = "\"Id\",\"Name\"\n\"1\",\"a\0b\"\n",
					  .body_len = 23},
					 DELETE_JOB);
	}

	/* ---- downloads that break ---------------------------------------------------------- */

#define MANY 3000

	/* A page of many rows; rows from `changed` on differ. */
	static char *
	many_rows(int changed)
	{
		char *text = malloc(MANY * 64 + 64);
		size_t len = (size_t) sprintf(text, "\"Id\",\"Name\"\n");

		for (int i = 0; i < MANY; i++)
			len += (size_t) sprintf(text + len, "\"%06d\",\"name %s%d, \"\"quoted\"\"\"\n", i,
									i >= changed ? "other " : "", i * 7919);
		return text;
	}

	/* Reads all rows and says whether each came once; -1 on failure. */
	static int
	read_many(scene *sc)
	{
		static char seen[MANY];
		int n = 0;

		memset(seen, 0, sizeof(seen));
		for (;;)
		{
			sf_value *values;
			int i;

			sc->st = sf_query_next_row(sc->q, &values, &sc->err);
			if (sc->st == SF_WAIT && drive(sc->s))
				continue;
			if (sc->st != SF_OK)
				break;
			i = atoi(values[0].data);
			if (i < 0 || i >= MANY || seen[i]++ > 0)
				return -1;
			n++;
		}
		sf_query_get_stats(sc->q, &sc->stats);
		return sc->st == SF_DONE ? n : -1;
	}

	static void
	test_broken_page(bool gzip, bool changed)
	{
		const char *headers =
			gzip ? PAGE_HEADERS(3000) "Content-Encoding: gzip\r\n" : PAGE_HEADERS(3000);
		char *first = many_rows(MANY);
		char *second = many_rows(changed ? 100 : MANY);
		size_t first_len = strlen(first);
		size_t second_len = strlen(second);
		char *first_body = gzip ? gzip_text(first, first_len, &first_len) : strdup(first);
		char *second_body = gzip ? gzip_text(second, second_len, &second_len) : strdup(second);
		peer_rule rules[] = {
			LOGIN,
			CREATE,
			POLL(3000),
			ONE_LINK(LINK_A),
			{"GET", JOB "/results", .times = 1, .status = 200, .headers = headers,
			 .body = first_body, .body_len = first_len, .cut = first_len / 2, .split = 999},
			{"GET", JOB "/results", .times = 1, .status = 200, .headers = headers,
			 .body = first_body, .body_len = first_len, .cut = first_len / 4},
			{"GET", JOB "/results", .times = 1, .status = 200, .headers = headers,
			 .body = second_body, .body_len = second_len},
			DELETE_JOB,
		};
		scene sc = {0};
		int n;

		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
		n = read_many(&sc);
		if (changed)
			ok(n < 0 && sc.err.cls == SF_ERR_PROTOCOL &&
				   strstr(sc.err.message, "other contents"),
			   "a page that comes back with other rows is an error (%s)",
			   gzip ? "gzip" : "plain");
		else
			is_int(n, MANY,
				   gzip ? "a page that breaks twice gives each row once (gzip)"
						: "a page that breaks twice gives each row once (plain)");
		if (n < 0 && !changed)
			diag("%s / %s", sc.err.message, sc.err.detail);
		is_int(sc.stats.retries, changed ? 2 : 2, "two downloads more");
		close_scene(&sc, "broken page");
		free(first);
		free(second);
		free(first_body);
		free(second_body);
	}

	static void
	test_cut_gzip(void)
	{
		char *text = many_rows(MANY);
		size_t len;
		char *gz = gzip_text(text, strlen(text), &len);
		peer_rule rules[] = {
			LOGIN,
			CREATE,
			POLL(3000),
			ONE_LINK(LINK_A),
			{"GET", JOB "/results", .times = 1, .status = 200,
			 .headers = PAGE_HEADERS(3000) "Content-Encoding: gzip\r\n", .body = gz,
			 .body_len = len - 10},
			{"GET", JOB "/results", .times = 1, .status = 200,
			 .headers = PAGE_HEADERS(3000) "Content-Encoding: gzip\r\n", .body = gz,
			 .body_len = len},
			DELETE_JOB,
		};
		scene sc = {0};

		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
		if (!is_int(read_many(&sc), MANY,
					"gzip cut off inside of a complete answer is read again"))
			diag("%s", sc.err.message);
		close_scene(&sc, "cut gzip");

		/* a byte in the middle is wrong: the rows before it may be wrong too */
		gz[len / 2] ^= 0x55;
		rules[4].used = rules[4].body_len = 0;
		rules[4].body_len = len;
		for (int i = 0; i < COUNT(rules); i++)
			rules[i].used = 0;
		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
		ok(read_many(&sc) < 0 && sc.err.cls != SF_ERR_NONE,
		   "gzip that is corrupt is an error");
		is_int(peer_used(sc.p, 5), 0, "and is not read again");
		close_scene(&sc, "corrupt gzip");
		free(text);
		free(gz);
	}

	static void
	test_hopeless_page(void)
	{
		peer_rule rules[] = {
			LOGIN,
			CREATE,
			POLL(1),
			ONE_LINK(LINK_A),
			{"GET", JOB "/results", .status = 200, .headers = PAGE_HEADERS(1),
			 .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n", .cut = 15},
			DELETE_JOB,
		};
		sf_config cfg = {.client_id = "i", .client_secret = "s", .max_retries = 2};
		scene sc = {0};

		sc.p = peer_start(rules, COUNT(rules));
		cfg.login_url = peer_url(sc.p);
		sc.s = sf_session_new(&cfg, &sc.err);
		sc.spec = (sf_query_spec){.soql = "SELECT Id, Name FROM Account",
								  .columns = columns,
								  .ncolumns = 2,
								  .transport = SF_TRANSPORT_BULK};
		sc.q = sf_query_start(sc.s, &sc.spec, &sc.err);
		read_scene(&sc);
		ok(sc.st == SF_FAILED && sc.err.cls == SF_ERR_NETWORK, "a page that always breaks");
		is_text(sc.err.job_id, "750000000000001AAA", "its job is named");
		is_int(peer_used(sc.p, 4), 3, "was tried as often as allowed");
		close_scene(&sc, "hopeless page");
	}

	/* Every download breaks at the same place, so that the later ones have nothing new. */
	static void
	test_page_without_end(void)
	{
		char *text = many_rows(MANY);
		size_t len;
		char *gz = gzip_text(text, strlen(text), &len);
		peer_rule rules[] = {
			LOGIN,
			CREATE,
			POLL(3000),
			ONE_LINK(LINK_A),
			{"GET", JOB "/results", .status = 200,
			 .headers = PAGE_HEADERS(3000) "Content-Encoding: gzip\r\n", .body = gz,
			 .body_len = len, .cut = len / 2, .split = 500},
			DELETE_JOB,
		};
		scene sc = {0};

		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
		ok(read_many(&sc) < 0 && sc.err.cls == SF_ERR_NETWORK,
		   "a page that always breaks in its middle");
		is_int(peer_used(sc.p, 4), 5, "is given up after four more downloads");
		close_scene(&sc, "page without end");
		free(text);
		free(gz);
	}

	/* ---- ends of all kinds ------------------------------------------------------------- */

	static void
	test_rewind(void)
	{
		peer_rule rules[] = {LOGIN,
							 CREATE,
							 POLL(2),
							 ONE_LINK(LINK_A),
							 PAGE("A", 2, "\"1\",\"a\"\n\"2\",\"b\"\n"),
							 DELETE_JOB};
		scene sc = {.spec = {.keep_result = true}};
		sf_value *values;

		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
		while (sf_query_next_row(sc.q, &values, &sc.err) == SF_WAIT && drive(sc.s))
			;
		is_text(values[0].data, "1", "one row is read");
		is_int(sf_query_rewind(sc.q, &sc.err), SF_OK, "back to the start");
		read_scene(&sc);
		is_text(sc.rows, "1|a;2|b;", "all rows");
		sf_query_rewind(sc.q, &sc.err);
		read_scene(&sc);
		is_text(sc.rows, "1|a;2|b;", "all rows again, after the end");
		is_int(peer_used(sc.p, 1), 1, "by one job");
		is_int(peer_used(sc.p, 5), 0, "that is kept");
		close_scene(&sc, "rewind");
		is_int(rules[5].used, 1, "until the query is freed");

		for (int i = 0; i < COUNT(rules); i++)
			rules[i].used = 0;
		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
		read_scene(&sc);
		drive_cleanup(sc.s);
		is_int(peer_used(sc.p, 5), 1,
			   "unless told to keep it, a job is deleted after its last row");
		sf_query_rewind(sc.q, &sc.err);
		read_scene(&sc);
		is_text(sc.rows, "1|a;2|b;", "then rewinding runs it anew");
		is_int(peer_used(sc.p, 1), 2, "… as a second job");
		close_scene(&sc, "rewind without keeping");
	}

	static void
	test_free_early(void)
	{
		peer_rule rules[] = {LOGIN,
							 CREATE,
							 {"GET", JOB "$", .status = 200, .body = STATE("InProgress", "")},
							 ABORT,
							 DELETE_JOB};
		scene sc = {0};

		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
		sf_query_free(sc.q);
		sc.q = NULL;
		is_int(sf_session_cleanup_pending(sc.s), 0, "freed before anything was sent");
		is_int(peer_requests(sc.p), 0, "nothing is sent");
		close_scene(&sc, "before");

		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
		while (peer_used(sc.p, 1) == 0 && drive(sc.s))
			;
		sf_query_free(sc.q); /* the answer is on its way, or here and not looked at */
		sc.q = NULL;
		is_int(sf_session_cleanup_pending(sc.s), 1, "freed while the creation is under way");
		drive_cleanup(sc.s);
		ok(peer_used(sc.p, 3) == 1 && peer_used(sc.p, 4) == 1,
		   "its job is aborted and deleted");
		close_scene(&sc, "creation under way");

		for (int i = 0; i < COUNT(rules); i++)
			rules[i].used = 0;
		open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
		while (peer_used(sc.p, 2) < 2 && drive(sc.s))
			;
		close_scene(&sc, "polling");
		ok(rules[3].used == 1 && rules[4].used == 1,
		   "freed while polling: aborted and deleted");
	}

	static void
	test_cleanup_answers(void)
	{
		peer_rule finished[] = {
			LOGIN,
			CREATE,
			{"GET", JOB "$", .status = 200, .body = STATE("InProgress", "")},
			{"PATCH", JOB "$", .status = 400,
			 .body = "[{\"errorCode\":\"INVALIDJOBSTATE\",\"message\":\"Aborting already "
					 "Completed Job "
					 "not allowed\"}]"},
			DELETE_JOB};
		peer_rule gone[] = {LOGIN,
							CREATE,
							{"GET", JOB "$", .status = 200, .body = STATE("InProgress", "")},
							{"PATCH", JOB "$", .status = 404}};
		peer_rule refused[] = {
			LOGIN,
			CREATE,
			{"GET", JOB "$", .status = 200, .body = STATE("InProgress", "")},
			ABORT,
			{"DELETE", JOB "$", .status = 403,
			 .body = "[{\"errorCode\":\"INSUFFICIENT_ACCESS\",\"message\":\"no\"}]"}};
		peer_rule silent[] = {LOGIN,
							  CREATE,
							  {"GET", JOB "$", .status = 200, .body = STATE("InProgress", "")},
							  {"PATCH", JOB "$", .hang = true}};
		scene sc = {0};

#define OPEN_AND_FREE(rules)                                                                  \
	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);                                  \
	while (peer_used(sc.p, 2) < 1 && drive(sc.s))                                             \
		;                                                                                     \
	sf_query_free(sc.q);                                                                      \
	sc.q = NULL

		OPEN_AND_FREE(finished);
		drive_cleanup(sc.s);
		ok(!sf_session_cleanup_failure(sc.s, false, &sc.err),
		   "a job that was complete already is fine");
		is_int(peer_used(sc.p, 4), 1, "and deleted");
		close_scene(&sc, "finished");

		OPEN_AND_FREE(gone);
		drive_cleanup(sc.s);
		ok(!sf_session_cleanup_failure(sc.s, false, &sc.err),
		   "a job that is gone already is fine");
		close_scene(&sc, "gone");

		OPEN_AND_FREE(refused);
		drive_cleanup(sc.s);
		ok(sf_session_cleanup_failure(sc.s, false, &sc.err),
		   "a job that cannot be deleted is told of");
		is_text(sc.err.job_id, "750000000000001AAA", "with its id");
		ok(!sf_session_cleanup_failure(sc.s, false, &sc.err), "once");
		close_scene(&sc, "refused");

		OPEN_AND_FREE(silent);
		while (peer_used(sc.p, 3) < 1 && drive(sc.s))
			;
		sf_error_reset(&sc.err);
		ok(sf_session_cleanup_failure(sc.s, true, &sc.err) &&
			   strstr(sc.err.message, "750000000000001AAA in time") != NULL,
		   "giving up names the job");
		is_int(sf_session_cleanup_pending(sc.s), 0, "and drops it");
		close_scene(&sc, "silent");
	}

	static void
	test_timeouts(void)
	{
		peer_rule rules[] = {LOGIN, {"GET", V "/query", .hang = true}};
		sf_config cfg = {.client_id = "i",
						 .client_secret = "s",
						 .request_timeout_ms = 150,
						 .max_retries = -1};
		scene sc = {0};

		sc.p = peer_start(rules, COUNT(rules));
		cfg.login_url = peer_url(sc.p);
		sc.s = sf_session_new(&cfg, &sc.err);
		sc.spec = (sf_query_spec){.soql = "SELECT Id, Name FROM Account",
								  .columns = columns,
								  .ncolumns = 2,
								  .transport = SF_TRANSPORT_REST};
		sc.q = sf_query_start(sc.s, &sc.spec, &sc.err);
		read_scene(&sc);
		ok(sc.st == SF_FAILED && sc.err.cls == SF_ERR_TIMEOUT, "a server that never answers");
		is_int(peer_used(sc.p, 1), 1, "is not asked again where retries are off");
		close_scene(&sc, "timeout");

		/* nobody listens there: the listener was closed just now */
		cfg.login_url = "http://127.0.0.1:1";
		cfg.max_retries = 1;
		sf_error_reset(&sc.err);
		sc.p = peer_start(rules, 1);
		sc.s = sf_session_new(&cfg, &sc.err);
		sc.spec = (sf_query_spec){.soql = "SELECT Id, Name FROM Account",
								  .columns = columns,
								  .ncolumns = 2,
								  .transport = SF_TRANSPORT_REST};
		sc.q = sf_query_start(sc.s, &sc.spec, &sc.err);
		read_scene(&sc);
		ok(sc.st == SF_FAILED && sc.err.cls == SF_ERR_NETWORK &&
			   strstr(sc.err.message, "could not log in to Salesforce: ") == sc.err.message,
		   "a host that does not answer");
		close_scene(&sc, "no host");
	}

	int
	main(void)
	{
		int fds = count_fds();

		test_rest();
		test_count();
		test_auto();
		test_job_states();
		test_lost_creation();
		test_job_timeout();
		test_links();
		test_page_checks();
		for (int i = 0; i < 4; i++)
			test_broken_page(i & 1, i & 2);
		test_cut_gzip();
		test_hopeless_page();
		test_rewind();
		test_free_early();
		test_cleanup_answers();
		test_timeouts();
		is_int(count_fds(), fds, "no descriptor is left open");
		return tap_done();
	}
