/*
 * test_count.c
 *		Counts: by REST, and by a job whose rows nobody reads.
 */
#include "scene.h"

#define SOQL	  "SELECT COUNT() FROM Account WHERE Rating = 'Hot'"
#define ASK_COUNT V "/query?q=SELECT%20COUNT%28%29%20FROM%20Account%20WHERE%20Rating"
#define TOO_SLOW                                                                              \
	{                                                                                         \
		"GET", ASK_COUNT,                                                                     \
			.times = 1, .status = 400,                                                        \
			.body = "[{\"message\":\"Your query request was running for too long.\","         \
					"\"errorCode\":\"QUERY_TIMEOUT\"}]"                                       \
	}
#define CREATE_ROWS                                                                           \
	{                                                                                         \
		"POST", V "/jobs/query$",                                                             \
			"\"query\":\"SELECT Id FROM Account WHERE Rating = 'Hot'\"", .status = 200,       \
																		 .body = CREATED      \
	}
#define UNSUPPORTED                                                                           \
	{                                                                                         \
		"POST", V "/jobs/query$",                                                             \
			.status = 400,                                                                    \
			.body = "[{\"errorCode\":\"INVALIDENTITY\",\"message\":\"Entity 'Account' is "    \
					"not supported by the Bulk API.\"}]"                                      \
	}

/* A count with these rules and its end; only what the rules name may be asked for. */
#define COUNT_SCENE(sc, transport, ...)                                                       \
	peer_rule rules[] = {LOGIN, __VA_ARGS__};                                                 \
	scene sc = {.spec = {.soql = SOQL, .count_only = true}};                                  \
	open_scene(&sc, rules, COUNT(rules), transport);                                          \
	read_scene(&sc)

static void
test_rest(void)
{
	COUNT_SCENE(sc, SF_TRANSPORT_AUTO,
				{"GET", ASK_COUNT, .times = 1, .status = 200,
				 .body = "{\"totalSize\":4000000,\"done\":true,\"records\":[]}"});
	is_text(sc.rows, "4000000;", "REST counts, whatever the number");
	is_int(sc.stats.transport, SF_TRANSPORT_REST, "… by REST");
	is_int(sc.stats.rows, 1, "… which is one row");
	close_scene(&sc, "by REST");
}

static void
test_too_slow(void)
{
	COUNT_SCENE(sc, SF_TRANSPORT_AUTO, TOO_SLOW, CREATE_ROWS,
				{"GET", JOB "$", .times = 2, .status = 200,
				 .body = STATE("InProgress", ",\"numberRecordsProcessed\":7")},
				POLL(5000000000), DELETE_JOB);
	is_int(sc.st, SF_DONE, "REST takes too long");
	is_text(sc.rows, "5000000000;", "a job counts");
	is_int(sc.stats.transport, SF_TRANSPORT_BULK, "… by bulk");
	is_text(sc.stats.job_id, "750000000000001AAA", "… by that job");
	is_int(sc.stats.rows, 1, "… which is one row");
	is_int(sc.stats.pages, 0, "… without a page");
	ok(sc.stats.total_rows == 5000000000, "… of so many");
	is_int(sc.stats.polls, 3, "… after three polls");
	is_int(sc.stats.api_calls, 5, "the refused request counts as a call");
	drive_cleanup(sc.s);
	is_int(peer_used(sc.p, 5), 1, "the job is deleted before the query is freed");

	is_int(sf_query_rewind(sc.q, &sc.err), SF_OK, "it can be read again");
	is_int(peer_requests(sc.p), 7, "without a request");
	read_scene(&sc);
	is_text(sc.rows, "5000000000;", "… with the same value");
	close_scene(&sc, "too slow");
}

static void
test_too_long(void)
{
	static const char start[] = "select count ( )\n from Account where Name in ('";
	peer_rule rules[] = {LOGIN,
						 {"POST", V "/jobs/query$", "\"SELECT Id\\n from Account where",
						  .status = 200, .body = CREATED},
						 POLL(3),
						 DELETE_JOB};
	scene sc = {.spec = {.count_only = true, .query_all = true}};
	char *soql = malloc(20000);

	memcpy(soql, start, sizeof(start) - 1);
	memset(soql + sizeof(start) - 1, 'x', 16000);
	strcpy(soql + sizeof(start) - 1 + 16000, "')");
	sc.spec.soql = soql;
	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_AUTO);
	read_scene(&sc);
	is_text(sc.rows, "3;", "what does not fit into a URI is counted by a job at once");
	ok(strstr(peer_last_request(sc.p, 1), "\"operation\":\"queryAll\"") != NULL,
	   "… with deleted rows where they are wanted");
	close_scene(&sc, "too long");
	free(soql);
}

static void
test_refused_uri(void)
{
	COUNT_SCENE(sc, SF_TRANSPORT_AUTO,
				{"GET", ASK_COUNT, .times = 1, .status = 414, .body = "<html>no</html>"},
				CREATE_ROWS, POLL(0), DELETE_JOB);
	is_text(sc.rows, "0;", "a URI that is refused: a job counts nothing");
	close_scene(&sc, "414");
}

static void
test_bulk(void)
{
	COUNT_SCENE(sc, SF_TRANSPORT_BULK, CREATE_ROWS, POLL(12), DELETE_JOB);
	is_text(sc.rows, "12;", "by bulk alone a job counts");
	close_scene(&sc, "bulk");
}

static void
test_by_rest_alone(void)
{
	COUNT_SCENE(sc, SF_TRANSPORT_REST, TOO_SLOW);
	ok(sc.st == SF_FAILED && strcmp(sc.err.code, "QUERY_TIMEOUT") == 0,
	   "by REST alone nothing else is tried");
	close_scene(&sc, "REST alone");
}

/* ---- failures ---------------------------------------------------------------------- */

static void
test_other_error(void)
{
	COUNT_SCENE(
		sc, SF_TRANSPORT_AUTO,
		{"GET", ASK_COUNT, .times = 1, .status = 400,
		 .body = "[{\"message\":\"No such column\",\"errorCode\":\"INVALID_FIELD\"}]"});
	ok(sc.st == SF_FAILED && strcmp(sc.err.code, "INVALID_FIELD") == 0,
	   "an error that no job would mend is the query's");
	close_scene(&sc, "other error");
}

static void
test_unsupported(void)
{
	{
		COUNT_SCENE(sc, SF_TRANSPORT_AUTO, TOO_SLOW, UNSUPPORTED);
		ok(sc.st == SF_FAILED && strcmp(sc.err.code, "QUERY_TIMEOUT") == 0,
		   "an object that jobs do not read: the error is REST's");
		is_int(peer_used(sc.p, 1), 1, "… which is not asked again");
		close_scene(&sc, "unsupported");
	}
	{
		COUNT_SCENE(sc, SF_TRANSPORT_BULK, UNSUPPORTED);
		ok(sc.st == SF_FAILED && strcmp(sc.err.code, "INVALIDENTITY") == 0,
		   "… by bulk alone it is the job's");
		close_scene(&sc, "unsupported by bulk");
	}
}

static void
test_failed_job(void)
{
	{
		COUNT_SCENE(sc, SF_TRANSPORT_AUTO, TOO_SLOW, CREATE_ROWS,
					{"GET", JOB "$", .status = 200,
					 .body = STATE("Failed", ",\"errorMessage\":\"InvalidBatch : Failed to "
											 "process query: QUERY_TIMEOUT: too long\"")},
					DELETE_JOB);
		ok(sc.st == SF_FAILED && strstr(sc.err.message, "750000000000001AAA failed") != NULL,
		   "a job that fails is the error");
		is_text(sc.rows, "", "… without a row");
		close_scene(&sc, "failed job");
		is_int(rules[4].used, 1, "… and deleted");
	}
	{
		COUNT_SCENE(sc, SF_TRANSPORT_AUTO, TOO_SLOW, CREATE_ROWS,
					{"GET", JOB "$", .status = 200, .body = STATE("JobComplete", "")},
					DELETE_JOB);
		ok(sc.st == SF_FAILED && sc.err.cls == SF_ERR_PROTOCOL &&
			   strstr(sc.err.message, "does not say how many rows") != NULL,
		   "so is one that does not tell its number");
		is_text(sc.err.job_id, "750000000000001AAA", "… by its id");
		close_scene(&sc, "no number");
		is_int(rules[4].used, 1, "… and deleted");
	}
}

static void
test_free_early(void)
{
	peer_rule rules[] = {
		LOGIN,		 TOO_SLOW,
		CREATE_ROWS, {"GET", JOB "$", .status = 200, .body = STATE("InProgress", "")},
		ABORT,		 DELETE_JOB};
	scene sc = {.spec = {.soql = SOQL, .count_only = true}};

	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_AUTO);
	while (peer_used(sc.p, 3) < 1 && drive(sc.s))
		;
	is_int(sf_query_rewind(sc.q, &sc.err), SF_OK,
		   "rewinding before the number changes nothing");
	close_scene(&sc, "freed while the job counts");
	ok(rules[4].used == 1 && rules[5].used == 1, "… its job is aborted and deleted");
}

static void
test_no_count(void)
{
	static const char *const queries[] = {"SELECT Id FROM Account",
										  "SELECT COUNT(Id) FROM Account", "SELECT COUNT()",
										  "COUNT()"};
	sf_config cfg = {
		.client_id = "i", .client_secret = "s", .login_url = "http://127.0.0.1:1"};
	sf_error err = {0};
	sf_session *s = sf_session_new(&cfg, &err);

	for (int i = 0; i < COUNT(queries); i++)
	{
		sf_query_spec spec = {
			.soql = queries[i], .count_only = true, .transport = SF_TRANSPORT_BULK};

		sf_error_reset(&err);
		ok(sf_query_start(s, &spec, &err) == NULL && err.cls == SF_ERR_CONFIG, "no count: %s",
		   queries[i]);
	}
	sf_session_free(s);
}

int
main(void)
{
	int fds = count_fds();

	test_rest();
	test_too_slow();
	test_too_long();
	test_refused_uri();
	test_bulk();
	test_by_rest_alone();
	test_other_error();
	test_unsupported();
	test_failed_job();
	test_free_early();
	test_no_count();
	is_int(count_fds(), fds, "no descriptor is left open");
	return tap_done();
}
