/*
 * test_account.c
 *		Who pays: what a session spends, by object, and what it hears of limits, from a peer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "scene.h"
#include "tap.h"

#define INGEST	 V "/jobs/ingest/750000000000002AAA"
#define INFO(s)	 "{\"id\":\"750000000000002AAA\",\"state\":\"" s "\"}"
#define QUERY(q) V "/query?q=" q

/* All that was spent since the last time, "object: calls/logins/query jobs/ingest jobs/batches/result bytes;". */
static const char *
spent(sf_session *s)
{
	static char text[1024];
	size_t len = 0;
	sf_usage u;

	text[0] = '\0';
	while (sf_session_take_usage(s, &u))
		len += (size_t) snprintf(
			text + len, sizeof(text) - len, "%s: %lld/%lld/%lld/%lld/%lld/%lld;", u.object,
			(long long) u.api_calls, (long long) u.logins, (long long) u.query_jobs,
			(long long) u.ingest_jobs, (long long) u.batches, (long long) u.result_bytes);
	return text;
}

static void
objects(void)
{
	static const struct
	{
		const char *soql;
		const char *object;
	} cases[] = {
		{"SELECT Id FROM Account", "Account"},
		{"select id from My__c", "My__c"},
		{"SELECT COUNT() FROM Contact WHERE Name = 'x'", "Contact"},
		{"SELECT Id, (SELECT Id FROM Contacts) FROM Account a", "Account"},
		{"SELECT Id FROM Lead WHERE Name = 'from x' AND Id IN (SELECT A FROM B)", "Lead"},
		{"SELECT 'it\\' from x' FROM Case", "Case"},
		{"SELECT From__c, Fromage FROM\n\tns__Thing__c", "ns__Thing__c"},
		{"SELECT Account.From FROM Contact", "Contact"},
		{"SELECT Id FROM", ""},
		{"SELECT 'open FROM Account", ""},
		{"", ""},
		{"FROM (", ""},
	};
	char object[SF_OBJECT_MAX];
	char longest[300] = "SELECT Id FROM ";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		if (!sf_soql_object(cases[i].soql, object, sizeof(object)))
			object[0] = '\0';
		is_text(object, cases[i].object, cases[i].object);
	}
	memset(longest + 15, 'x', 200);
	ok(!sf_soql_object(longest, object, sizeof(object)), "a name that no object has");
}

/* A job's requests are its object's, those of its cleanup too; a login is nobody's. */
static void
query_jobs(void)
{
	peer_rule rules[] = {LOGIN,
						 CREATE,
						 POLL(2),
						 ONE_LINK(LINK_A),
						 PAGE("A", 2, "\"1\",\"a\"\n\"2\",\"b\"\n"),
						 DELETE_JOB,
						 {"GET", QUERY("SELECT"), .status = 200,
						  .body = "{\"totalSize\":0,\"done\":true,\"records\":[]}"}};
	scene sc = {0};
	sf_query *other;
	sf_value *values;
	sf_query_spec spec = {.soql = "SELECT Id FROM Contact",
						  .columns = columns,
						  .ncolumns = 1,
						  .transport = SF_TRANSPORT_REST};

	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
	is_text(spent(sc.s), "", "nothing was spent yet");
	other = sf_query_start(sc.s, &spec, &sc.err);
	while (sf_query_next_row(other, &values, &sc.err) == SF_WAIT && drive(sc.s))
		;
	sf_query_free(other);
	read_scene(&sc);
	is_int(sc.st, SF_DONE, "read");
	sf_query_free(sc.q);
	sc.q = NULL;
	drive_cleanup(sc.s);
	is_text(spent(sc.s), ": 0/1/0/0/0/0;Contact: 1/0/0/0/0/0;Account: 5/0/1/0/0/28;",
			"two queries, their login, a job");
	is_text(spent(sc.s), "", "it is told once");
	close_scene(&sc, "query jobs");
}

/* Each attempt counts, one that curl repeats by itself, and one that is dropped on its way. */
static void
attempts(void)
{
	peer_rule rules[] = {LOGIN,
						 {"GET", QUERY("SELECT"), .times = 1, .status = 503},
						 {"GET", QUERY("SELECT"), .times = 1, .status = 0},
						 {"GET", QUERY("SELECT"), .hang = true}};
	scene sc = {0};

	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_REST);
	while (peer_used(sc.p, 3) == 0 && drive(sc.s))
		;
	is_text(spent(sc.s), ": 0/1/0/0/0/0;Account: 1/0/0/0/0/0;",
			"a request counts when it is over");
	sf_query_free(sc.q);
	sc.q = NULL;
	is_text(spent(sc.s), "Account: 2/0/0/0/0/0;",
			"one that nobody waits for as well, and each time that curl sends it");
	close_scene(&sc, "attempts");
}

/* What reaches nobody does not count. */
static void
nobody_there(void)
{
	peer_rule rules[] = {LOGIN};
	scene sc = {0};

	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_REST);
	sf_query_free(sc.q);
	sc.q = NULL;
	drive_cleanup(sc.s);
	is_text(spent(sc.s), "", "a query that was dropped before it left");
	close_scene(&sc, "nobody there");
}

/* Jobs, batches of 10,000 rows as polls tell them, and the result file that is asked for later. */
static void
ingest(const char *rows, const char *expected)
{
	char done[256];
	peer_rule rules[] = {LOGIN,
						 {"POST", V "/jobs/ingest$", .status = 200, .body = INFO("Open")},
						 {"PUT", INGEST "/batches$", .status = 201},
						 {"PATCH", INGEST "$", .status = 200, .body = INFO("UploadComplete")},
						 {"GET", INGEST "$", .status = 200, .body = done},
						 {"GET", INGEST "/failedResults/", .status = 200, .headers = CSV_TYPE,
						  .body = "\"sf__Id\",\"sf__Error\",\"Name\"\n"},
						 {"DELETE", INGEST "$", .status = 204}};
	sf_config cfg = {.client_id = "i", .client_secret = "s", .request_timeout_ms = 20000};
	sf_error err = {0};
	peer *p = peer_start(rules, COUNT(rules));
	sf_session *s;
	sf_ingest *ing;
	sf_results *results;
	sf_value *values;
	sf_ingest_spec spec = {.object = "Account", .operation = SF_OP_INSERT};
	sf_usage u;
	int64_t sent = 0;

	snprintf(done, sizeof(done),
			 "{\"id\":\"750000000000002AAA\",\"state\":\"JobComplete\","
			 "\"numberRecordsProcessed\":%s,\"numberRecordsFailed\":1}",
			 rows);
	cfg.login_url = peer_url(p);
	s = sf_session_new(&cfg, &err);
	ing = sf_ingest_start(s, &spec, &err);
	while (sf_ingest_feed(ing, "Name\na\nb\nc\n", 11) == 0 && drive(s))
		;
	sf_ingest_end(ing, 11);
	while (sf_ingest_check(ing, &err) == SF_WAIT && drive(s))
		;
	is_text(spent(s), expected, rows);
	results = sf_results_start(s, "750000000000002AAA", SF_RESULT_FAILED, &err);
	while (sf_results_next(results, &values, &err) == SF_WAIT && drive(s))
		;
	sf_results_free(results);
	sf_ingest_free(ing);
	drive_cleanup(s);
	while (sf_session_take_usage(s, &u))
	{
		is_text(u.object, "Account", "its results and its end are the object's, too");
		is_int(u.api_calls, 2, "a file and a deletion");
		sent += u.bytes_received;
	}
	is_int(sent, 28, "bytes of answers");
	results = sf_results_start(s, "750000000000009AAA", SF_RESULT_FAILED, &err);
	while (sf_results_next(results, &values, &err) == SF_WAIT && drive(s))
		;
	sf_results_free(results);
	is_text(spent(s), ": 2/0/0/0/0/0;",
			"of a job that is not known here nobody knows, nor of which API it is");
	sf_session_free(s);
	peer_stop(p);
}

/* Whoever asks for limits: what matters here is kept. */
static void
limits(void)
{
	peer_rule rules[] = {LOGIN,
						 {"GET", V "/limits$", .status = 200,
						  .headers = "Sforce-Limit-Info: api-usage=12/15000\r\n",
						  .body =
							  "{\"DailyApiRequests\":{\"Max\":15000,\"Remaining\":1},"
							  "\"DailyBulkV2QueryJobs\":{\"Max\":10000,\"Remaining\":9990},"
							  "\"DailyBulkApiBatches\":{\"Max\":15000,\"Remaining\":0}}"}};
	sf_config cfg = {.client_id = "i", .client_secret = "s"};
	sf_error err = {0};
	peer *p = peer_start(rules, COUNT(rules));
	sf_session *s;
	sf_limits *l;
	const sf_limit *limit;
	sf_status st;
	int64_t max = 0;
	int64_t left = 0;
	int64_t age = -1;

	cfg.login_url = peer_url(p);
	s = sf_session_new(&cfg, &err);
	ok(!sf_session_quota(s, SF_QUOTA_QUERY_JOBS, &max, &left, &age), "nobody has asked");
	l = sf_limits_start(s, &err);
	while ((st = sf_limits_next(l, &limit, &err)) == SF_OK || (st == SF_WAIT && drive(s)))
		;
	sf_limits_free(l);
	ok(sf_session_quota(s, SF_QUOTA_QUERY_JOBS, &max, &left, &age) && max == 10000 &&
		   left == 9990 && age >= 0 && age < PEER_PATIENCE_MS,
	   "query jobs");
	ok(sf_session_quota(s, SF_QUOTA_BATCHES, &max, &left, &age) && max == 15000 && left == 0,
	   "batches");
	ok(!sf_session_quota(s, SF_QUOTA_QUERY_FILES_MB, &max, &left, &age),
	   "what the org does not say");
	ok(sf_session_api_usage(s, &left, &max) && left == 12 && max == 15000,
	   "the calls by the header");
	age = sf_session_api_usage_age(s);
	ok(age >= 0 && age < PEER_PATIENCE_MS, "and their age");
	is_text(spent(s), ": 1/1/0/0/0/0;", "limits are no object's");
	sf_session_free(s);
	peer_stop(p);
}

int
main(void)
{
	objects();
	query_jobs();
	attempts();
	nobody_there();
	ingest("3", ": 0/1/0/0/0/0;Account: 4/0/0/1/1/0;");
	ingest("10000", ": 0/1/0/0/0/0;Account: 4/0/0/1/1/0;");
	ingest("10001", ": 0/1/0/0/0/0;Account: 4/0/0/1/2/0;");
	ingest("0", ": 0/1/0/0/0/0;Account: 4/0/0/1/0/0;");
	limits();
	return tap_done();
}
