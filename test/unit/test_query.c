/*
 * test_query.c
 *		Queries against a peer that misbehaves: which way they go, jobs, how they end.
 */
#include "scene.h"

/* ---- REST -------------------------------------------------------------------------- */

#define REST_ROW(id, name)                                                                    \
	"{\"attributes\":{\"type\":\"Account\"},\"Id\":\"" id "\",\"Name\":" name "}"
#define QUERY(text)                                                                           \
	{                                                                                         \
		"GET", V "/query?q=", .status = 200, .body = text                                     \
	}

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
				QUERY("{\"totalSize\":0,\"done\":true,\"records\":[]}"));
	EXPECT_ERROR(
		"fewer rows than totalSize", SF_TRANSPORT_REST, SF_ERR_PROTOCOL,
		"gave 1 rows, but its totalSize is 2",
		QUERY("{\"totalSize\":2,\"done\":true,\"records\":[" REST_ROW("001", "\"a\"") "]}"));
	EXPECT_ERROR(
		"not done, no next page", SF_TRANSPORT_REST, SF_ERR_PROTOCOL, "no next page",
		QUERY("{\"totalSize\":2,\"done\":false,\"records\":[" REST_ROW("001", "\"a\"") "]}"));
	EXPECT_ERROR(
		"a next page on another host", SF_TRANSPORT_REST, SF_ERR_PROTOCOL, "malformed",
		QUERY("{\"totalSize\":2,\"done\":false,\"nextRecordsUrl\":\"https://evil.example/"
			  "services/data/v62.0/query/1\",\"records\":[" REST_ROW("001", "\"a\"") "]}"));
	EXPECT_ERROR("a page that leads to itself", SF_TRANSPORT_REST, SF_ERR_PROTOCOL, "itself",
				 {"GET", V "/query", .status = 200,
				  .body = "{\"totalSize\":9,\"done\":false,\"nextRecordsUrl\":\"" V
						  "/query/01g-1\",\"records\":[" REST_ROW("001", "\"a\"") "]}"});
#define LEADS_ON(path, to)                                                                    \
	{"GET", V path, .status = 200,                                                            \
	 .body = "{\"totalSize\":3,\"done\":false,\"nextRecordsUrl\":\"" V to                     \
			 "\",\"records\":[" REST_ROW("001", "\"a\"") "]}"}
	EXPECT_ERROR("pages that lead to each other", SF_TRANSPORT_REST, SF_ERR_PROTOCOL,
				 "gave 4 rows, but its totalSize is 3", LEADS_ON("/query?q=", "/query/01g-1"),
				 LEADS_ON("/query/01g-1$", "/query/01g-2"),
				 LEADS_ON("/query/01g-2$", "/query/01g-1"));
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
				 QUERY("{\"totalSize\":2,\"done\":tr"));
	EXPECT_ERROR("an HTML page", SF_TRANSPORT_REST, SF_ERR_PROTOCOL, "answer to the query",
				 QUERY("<html><body>hello</body></html>"));
	EXPECT_ERROR("an unknown encoding", SF_TRANSPORT_REST, SF_ERR_PROTOCOL, "Content-Encoding",
				 {"GET", V "/query", .status = 200, .headers = "Content-Encoding: br\r\n",
				  .body = "x"});
	EXPECT_ROWS(
		"a hiccup, an overload, a lost connection, a cut answer", SF_TRANSPORT_REST, "001|a;",
		{"GET", V "/query", .times = 1, .status = 420},
		{"GET", V "/query", .times = 1, .status = 503, .body = "<html>maintenance</html>"},
		{"GET", V "/query", .times = 1, .status = 0},
		{"GET", V "/query", .times = 1, .status = 200, .body = "{\"totalSize\":1}", .cut = 5},
		QUERY("{\"totalSize\":1,\"done\":true,\"records\":[" REST_ROW("001", "\"a\"") "]}"));
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

/* ---- phases ------------------------------------------------------------------------ */

/* What the query says of its phase, one letter for each that is new, until its end. */
static void
expect_phases(scene *sc, const char *expected, const char *name)
{
	static const char letters[] = {
		[SF_QUERY_STARTING] = 's', [SF_QUERY_QUEUED] = 'q',		 [SF_QUERY_RUNNING] = 'r',
		[SF_QUERY_READY] = 'R',	   [SF_QUERY_DOWNLOADING] = 'd', [SF_QUERY_FINISHED] = 'f',
		[SF_QUERY_FAILED] = 'F',
	};
	char seen[32] = "";
	size_t n = 0;
	bool ready = false;
	sf_job_result result;
	sf_value *values;

	for (;;)
	{
		sf_query_get_stats(sc->q, &sc->stats);
		if (n + 1 < sizeof(seen) && (n == 0 || seen[n - 1] != letters[sc->stats.phase]))
			seen[n++] = letters[sc->stats.phase];
		seen[n] = '\0';
		if (sc->st == SF_DONE || sc->st == SF_FAILED)
			break;
		if (sc->spec.hold_pages && !ready)
		{
			sc->st = sf_query_job_ready(sc->q, &result, &sc->err);
			ready = sc->st == SF_OK;
		}
		else
			sc->st = sf_query_next_row(sc->q, &values, &sc->err);
		if (sc->st == SF_WAIT && !drive(sc->s))
			break;
	}
	is_text(seen, expected, name);
	close_scene(sc, name);
}

#define EXPECT_PHASES(name, transport, hold, expected, ...)                                   \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		scene sc_ = {.st = SF_WAIT, .spec = {.hold_pages = hold}};                            \
		open_scene(&sc_, rules_, COUNT(rules_), transport);                                   \
		expect_phases(&sc_, expected, name);                                                  \
	} while (0)

static void
test_phases(void)
{
	EXPECT_PHASES(
		"phases by REST", SF_TRANSPORT_REST, false, "sdf",
		QUERY("{\"totalSize\":1,\"done\":true,\"records\":[" REST_ROW("001", "\"a\"") "]}"));
	EXPECT_PHASES(
		"phases of a job", SF_TRANSPORT_BULK, false, "sqrdf", CREATE,
		{"GET", JOB "$", .times = 2, .status = 200, .body = STATE("UploadComplete", "")},
		{"GET", JOB "$", .times = 2, .status = 200, .body = STATE("InProgress", "")}, POLL(1),
		ONE_LINK(LINK_A), PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
	EXPECT_PHASES("phases of a job that is shared", SF_TRANSPORT_BULK, true, "sqrRdf", CREATE,
				  {"GET", JOB "$", .times = 1, .status = 200, .body = STATE("InProgress", "")},
				  POLL(1), ONE_LINK(LINK_A), PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
	EXPECT_PHASES("phases of a job that fails", SF_TRANSPORT_BULK, false, "sqF", CREATE,
				  {"GET", JOB "$", .status = 200, .body = STATE("Failed", "")}, DELETE_JOB);
}

/* ---- which way --------------------------------------------------------------------- */

#define LARGE                                                                                 \
	QUERY("{\"totalSize\":2001,\"done\":false,\"nextRecordsUrl\":\"" V                        \
		  "/query/01g-1\",\"records\":[" REST_ROW("009", "\"x\"") "]}")

static void
test_auto(void)
{
	char *soql = malloc(20000);

	EXPECT_ROWS("more rows than the limit go by bulk", SF_TRANSPORT_AUTO, "1|a;2|b;", LARGE,
				CREATE, POLL(2), ONE_LINK(LINK_A), PAGE("A", 2, "\"1\",\"a\"\n\"2\",\"b\"\n"),
				DELETE_JOB);
	EXPECT_ROWS("a query that takes too long", SF_TRANSPORT_AUTO, "1|a;",
				{"GET", V "/query", .status = 400,
				 .body = "[{\"message\":\"Your query request was running for too long.\","
						 "\"errorCode\":\"QUERY_TIMEOUT\"}]"},
				CREATE, POLL(1), ONE_LINK(LINK_A), PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
	EXPECT_ROWS("headers that are too long", SF_TRANSPORT_AUTO, "1|a;",
				{"GET", V "/query", .status = 431, .body = "<html>Too Large</html>"}, CREATE,
				POLL(1), ONE_LINK(LINK_A), PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
	EXPECT_ROWS(
		"what bulk does not do goes back to REST", SF_TRANSPORT_AUTO, "001|a;",
		{"GET", V "/query", .times = 1, .status = 200,
		 .body = "{\"totalSize\":2001,\"done\":false,\"nextRecordsUrl\":\"" V
				 "/query/01g-1\",\"records\":[" REST_ROW("009", "\"x\"") "]}"},
		{"POST", V "/jobs/query", .status = 400,
		 .body = "[{\"errorCode\":\"INVALIDENTITY\",\"message\":\"Entity 'X' is not "
				 "supported by the Bulk API.\"}]"},
		QUERY("{\"totalSize\":1,\"done\":true,\"records\":[" REST_ROW("001", "\"a\"") "]}"));
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
				 {"GET", JOB "$", .status = 200, .body = STATE("Aborted", "")}, DELETE_JOB);
	EXPECT_ERROR(
		"deleted by somebody", SF_TRANSPORT_BULK, SF_ERR_REMOTE, "NOT_FOUND", CREATE,
		{"GET", JOB "$", .status = 404,
		 .body = "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"The requested resource does "
				 "not exist\"}]"});
	EXPECT_ERROR("an unknown state", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
				 "unknown state \"Odd\"", CREATE,
				 {"GET", JOB "$", .status = 200, .body = STATE("Odd", "")}, ABORT, DELETE_JOB);
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
		   strstr(sc.err.message, "may have been left") != NULL && sc.err.job_id[0] == '\0',
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
	ok(sc.st == SF_FAILED && sc.err.cls == SF_ERR_TIMEOUT, "a job that does not end in time");
	is_text(sc.err.job_id, "750000000000001AAA", "is named");
	close_scene(&sc, "job timeout");
	rules[3].used = 0;
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
	ok(peer_used(sc.p, 3) == 1 && peer_used(sc.p, 4) == 1, "its job is aborted and deleted");
	close_scene(&sc, "creation under way");

	for (int i = 0; i < COUNT(rules); i++)
		rules[i].used = 0;
	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
	while (peer_used(sc.p, 2) < 2 && drive(sc.s))
		;
	close_scene(&sc, "polling");
	ok(rules[3].used == 1 && rules[4].used == 1, "freed while polling: aborted and deleted");
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
	sf_config cfg = {
		.client_id = "i", .client_secret = "s", .request_timeout_ms = 150, .max_retries = -1};
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

/* Three jobs at a time over one session, their rows taken in turns. */
static void
test_together(void)
{
#define JOB_OF(n) V "/jobs/query/75000000000000" #n "AAA"
#define RULES_OF(n, name)                                                                     \
	{"POST", V "/jobs/query$", name, .status = 200,                                           \
	 .body = "{\"id\":\"75000000000000" #n "AAA\"}"},                                         \
		{"GET", JOB_OF(n) "$", .times = 2, .status = 200, .body = STATE("InProgress", "")},   \
		{"GET", JOB_OF(n) "$", .status = 200, .body = COMPLETE(3)},                           \
		{"GET", JOB_OF(n) "/resultPages$", .status = 200,                                     \
		 .body = "{\"resultPages\":[{\"resultUrl\":\"/x?locator=A\"}],\"done\":true}"},       \
		{"GET",                                                                               \
		 JOB_OF(n) "/results",                                                                \
		 .status = 200,                                                                       \
		 .headers = PAGE_HEADERS(3),                                                          \
		 .body = "Id,Name\n1," name "\n2," name "\n3," name "\n",                             \
		 .split = 9},                                                                         \
	{                                                                                         \
		"DELETE", JOB_OF(n) "$", .status = 204                                                \
	}
	static const char *const names[] = {"Ant", "Bee", "Cat"};
	peer_rule rules[] = {LOGIN, RULES_OF(1, "Ant"), RULES_OF(2, "Bee"), RULES_OF(3, "Cat")};
	peer *p = peer_start(rules, COUNT(rules));
	sf_config cfg = {.client_id = "i", .client_secret = "s", .login_url = peer_url(p)};
	sf_error err = {0};
	sf_session *s = sf_session_new(&cfg, &err);
	sf_query *queries[3];
	int rows[3] = {0};
	int done = 0;
	bool right = true;

	for (int i = 0; i < 3; i++)
	{
		char soql[64];
		sf_query_spec spec = {
			.soql = soql, .columns = columns, .ncolumns = 2, .transport = SF_TRANSPORT_BULK};

		snprintf(soql, sizeof(soql), "SELECT Id, Name FROM %s", names[i]);
		queries[i] = sf_query_start(s, &spec, &err);
	}
	while (done < 3)
	{
		int waiting = 0;

		for (int i = 0; i < 3; i++)
		{
			sf_value *values;
			sf_status st = sf_query_next_row(queries[i], &values, &err);

			if (st == SF_OK)
			{
				right = right && strcmp(values[1].data, names[i]) == 0;
				done += ++rows[i] == 3;
			}
			waiting += st == SF_WAIT || st == SF_DONE;
			right = right && st != SF_FAILED;
		}
		if (!right || (waiting == 3 && done < 3 && !drive(s)))
			break;
	}
	ok(right && done == 3, "three jobs at a time give each its own rows");
	is_int(peer_used(p, 0), 1, "after one login");
	for (int i = 0; i < 3; i++)
		sf_query_free(queries[i]);
	drive_cleanup(s);
	ok(peer_used(p, 6) == 1 && peer_used(p, 12) == 1 && peer_used(p, 18) == 1 &&
		   peer_unexpected(p) == 0,
	   "and are all deleted");
	sf_session_free(s);
	peer_stop(p);
}

int
main(void)
{
	int fds = count_fds();

	test_rest();
	test_count();
	test_phases();
	test_auto();
	test_job_states();
	test_lost_creation();
	test_job_timeout();
	test_rewind();
	test_free_early();
	test_cleanup_answers();
	test_timeouts();
	test_together();
	is_int(count_fds(), fds, "no descriptor is left open");
	return tap_done();
}
