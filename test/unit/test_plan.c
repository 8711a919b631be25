/*
 * test_plan.c
 *		What planning asks of an org, from a peer: explanations, record counts, limits; and how long jobs
 *		say that they waited.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "scene.h"
#include "tap.h"

#define EXPLAIN                                                                               \
	V "/query?explain=SELECT%20Id%20FROM%20Account%20WHERE%20Name%20%3D%20%27a%2Bb%27$"
#define SOQL   "SELECT Id FROM Account WHERE Name = 'a+b'"
#define COUNTS V "/limits/recordCount?sObjects=Account,Ding__c$"
#define LIMITS V "/limits$"

#define PLAN(rows, all, cost, operation)                                                      \
	"{\"cardinality\":" #rows ",\"fields\":[],\"leadingOperationType\":\"" operation          \
	"\",\"notes\":[{\"description\":\"Not considering filter\",\"fields\":[\"IsDeleted\"],"   \
	"\"tableEnumOrId\":\"Account\"}],\"relativeCost\":" #cost ",\"sobjectCardinality\":" #all \
	",\"sobjectType\":\"Account\"}"

/* One question to a peer; what the answer says becomes text. */
typedef sf_status (*question)(sf_session *s, char *out, size_t size, int *calls,
							  sf_error *err);

static sf_status
ask_explain(sf_session *s, char *out, size_t size, int *calls, sf_error *err)
{
	sf_explain *e = sf_explain_start(s, SOQL, err);
	const sf_query_plan *plan;
	sf_status st = SF_FAILED;

	while (e != NULL && (st = sf_explain_check(e, &plan, err)) == SF_WAIT && drive(s))
		;
	if (st == SF_OK)
		snprintf(out, size, "%lld of %lld, %.3f, %s", (long long) plan->rows,
				 (long long) plan->object_rows, plan->relative_cost, plan->operation);
	if (e != NULL)
	{
		is_int(sf_explain_check(e, &plan, NULL), st, "and so it stays");
		*calls = sf_explain_api_calls(e);
	}
	sf_explain_free(e);
	return st == SF_OK ? SF_DONE : st;
}

static sf_status
ask_counts(sf_session *s, char *out, size_t size, int *calls, sf_error *err)
{
	static const char *const objects[] = {"Account", "Ding__c"};
	sf_record_counts *r = sf_record_counts_start(s, objects, 2, err);
	const sf_record_count *count;
	sf_status st = SF_FAILED;
	size_t len = 0;

	while (r != NULL && ((st = sf_record_counts_next(r, &count, err)) == SF_OK ||
						 (st == SF_WAIT && drive(s))))
	{
		if (st == SF_OK)
			len += (size_t) snprintf(out + len, size - len, "%s=%lld;", count->object,
									 (long long) count->count);
	}
	if (r != NULL)
	{
		is_int(sf_record_counts_next(r, &count, NULL), st, "and so it stays");
		*calls = sf_record_counts_api_calls(r);
	}
	sf_record_counts_free(r);
	return st;
}

static sf_status
ask_limits(sf_session *s, char *out, size_t size, int *calls, sf_error *err)
{
	sf_limits *l = sf_limits_start(s, err);
	const sf_limit *limit;
	sf_status st = SF_FAILED;
	size_t len = 0;

	while (l != NULL &&
		   ((st = sf_limits_next(l, &limit, err)) == SF_OK || (st == SF_WAIT && drive(s))))
	{
		if (st == SF_OK)
			len += (size_t) snprintf(out + len, size - len, "%s%s%s=%lld/%lld;",
									 limit->part_of != NULL ? limit->part_of : "",
									 limit->part_of != NULL ? ": " : "", limit->name,
									 (long long) limit->remaining, (long long) limit->max);
	}
	if (l != NULL)
	{
		is_int(sf_limits_next(l, &limit, NULL), st, "and so it stays");
		*calls = sf_limits_api_calls(l);
	}
	sf_limits_free(l);
	return st;
}

static void
expect(const char *name, question ask, peer_rule *rules, int nrules, sf_error_class cls,
	   const char *text, int calls)
{
	sf_config cfg = {.client_id = "i", .client_secret = "s", .request_timeout_ms = 20000};
	peer *p = peer_start(rules, nrules);
	sf_error err = {0};
	sf_session *s;
	char out[1024] = "";
	int used = 0;
	sf_status st;

	cfg.login_url = peer_url(p);
	s = sf_session_new(&cfg, &err);
	st = ask(s, out, sizeof(out), &used, &err);
	is_int(st, cls == SF_ERR_NONE ? SF_DONE : SF_FAILED, name);
	is_int(err.cls, cls, name);
	is_text(cls == SF_ERR_NONE ? out : err.message, text, name);
	is_int(used, calls, name);
	ok(peer_unexpected(p) == 0, "%s: nothing unexpected", name);
	sf_session_free(s);
	peer_stop(p);
}

#define EXPECT(name, ask, cls, text, calls, ...)                                              \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		expect(name, ask, rules_, COUNT(rules_), cls, text, calls);                           \
	} while (0)

static void
explanations(void)
{
	EXPECT("the first plan counts", ask_explain, SF_ERR_NONE, "10 of 1001, 0.033, Other", 1,
		   {"GET", EXPLAIN, .status = 200,
			.body = "{\"plans\":[" PLAN(10, 1001, 0.03333, "Other") "," PLAN(
				501, 1001, 1.75, "TableScan") "],\"sourceQuery\":\"" SOQL "\"}"});
	EXPECT("large numbers, no cost", ask_explain, SF_ERR_NONE,
		   "9007199254740993 of 9007199254740995, 0.000, ", 1,
		   {"GET", EXPLAIN, .status = 200,
			.body = "{\"plans\":[{\"cardinality\":9007199254740993,\"sobjectCardinality\":"
					"9007199254740995}]}"});
	EXPECT(
		"503 once", ask_explain, SF_ERR_NONE, "1 of 2, 3.000, Index", 2,
		{"GET", EXPLAIN, .times = 1, .status = 503},
		{"GET", EXPLAIN, .status = 200, .body = "{\"plans\":[" PLAN(1, 2, 3, "Index") "]}"});
	EXPECT("refused", ask_explain, SF_ERR_REMOTE,
		   "could not have the query explained: MALFORMED_QUERY: no", 1,
		   {"GET", EXPLAIN, .status = 400,
			.body = "[{\"message\":\"no\",\"errorCode\":\"MALFORMED_QUERY\"}]"});
	EXPECT("no plan", ask_explain, SF_ERR_PROTOCOL, "the explanation of the query has no plan",
		   1, {"GET", EXPLAIN, .status = 200, .body = "{\"plans\":[]}"});
	EXPECT("no plans", ask_explain, SF_ERR_PROTOCOL,
		   "\"plans\" is missing in explanation of the query", 1,
		   {"GET", EXPLAIN, .status = 200, .body = "{}"});
	EXPECT("no number", ask_explain, SF_ERR_PROTOCOL,
		   "\"sobjectCardinality\" is missing in explanation of the query", 1,
		   {"GET", EXPLAIN, .status = 200, .body = "{\"plans\":[{\"cardinality\":1}]}"});
	EXPECT(
		"less than nothing", ask_explain, SF_ERR_PROTOCOL,
		"the explanation of the query has a negative number of rows", 1,
		{"GET", EXPLAIN, .status = 200, .body = "{\"plans\":[" PLAN(-1, 2, 3, "Index") "]}"});
}

/* A query that no URI takes is not sent. */
static void
long_query(void)
{
	sf_config cfg = {
		.client_id = "i", .client_secret = "s", .login_url = "http://127.0.0.1:1"};
	sf_error err = {0};
	sf_session *s = sf_session_new(&cfg, &err);
	char *soql = malloc(20001);

	memset(soql, 'a', 20000);
	soql[20000] = '\0';
	ok(sf_explain_start(s, soql, &err) == NULL, "a long query");
	is_int(err.cls, SF_ERR_LIMIT, "a long query");
	is_text(err.message, "the query is too long to be explained", "a long query");
	free(soql);
	sf_session_free(s);
}

static void
counts(void)
{
	EXPECT("counts", ask_counts, SF_ERR_NONE, "Ding__c=5;Account=300000000000;", 1,
		   {"GET", COUNTS, .status = 200,
			.body = "{\"sObjects\":[{\"count\":5,\"name\":\"Ding__c\"},{\"count\":"
					"300000000000,\"name\":\"Account\"}]}"});
	EXPECT("none", ask_counts, SF_ERR_NONE, "", 1,
		   {"GET", COUNTS, .status = 200, .body = "{\"sObjects\":[]}"});
	EXPECT("counts refused", ask_counts, SF_ERR_REMOTE,
		   "could not count the records: INSUFFICIENT_ACCESS: no", 1,
		   {"GET", COUNTS, .status = 403,
			.body = "[{\"message\":\"no\",\"errorCode\":\"INSUFFICIENT_ACCESS\"}]"});
	EXPECT("no list of counts", ask_counts, SF_ERR_PROTOCOL,
		   "\"sObjects\" is missing in list of record counts", 1,
		   {"GET", COUNTS, .status = 200, .body = "{}"});
	EXPECT("a count without a number", ask_counts, SF_ERR_PROTOCOL,
		   "\"count\" is missing in list of record counts", 1,
		   {"GET", COUNTS, .status = 200, .body = "{\"sObjects\":[{\"name\":\"A\"}]}"});
	EXPECT("no JSON", ask_counts, SF_ERR_PROTOCOL, "list of record counts is not valid JSON",
		   1, {"GET", COUNTS, .status = 200, .body = "<html>"});
}

static void
bad_names(void)
{
	sf_config cfg = {
		.client_id = "i", .client_secret = "s", .login_url = "http://127.0.0.1:1"};
	sf_error err = {0};
	sf_session *s = sf_session_new(&cfg, &err);
	static const char *const objects[] = {"Account", "A,B", ""};

	ok(sf_record_counts_start(s, objects, 2, &err) == NULL, "a name with a comma");
	is_text(err.message, "invalid object name \"A,B\"", "a name with a comma");
	sf_error_reset(&err);
	ok(sf_record_counts_start(s, objects + 2, 1, &err) == NULL, "an empty name");
	is_int(err.cls, SF_ERR_CONFIG, "an empty name");
	sf_session_free(s);
}

static void
limits(void)
{
	EXPECT("limits; those of apps that have none are passed over", ask_limits, SF_ERR_NONE,
		   "DailyApiRequests=14998/15000;DailyBulkV2QueryJobs=10000/10000;", 1,
		   {"GET", LIMITS, .status = 200,
			.body = "{\"DailyApiRequests\":{\"Max\":15000,\"Remaining\":14998,\"Workbench\":"
					"{\"Max\":0,\"Remaining\":0}},\"DailyBulkV2QueryJobs\":{\"Max\":10000,"
					"\"Remaining\":10000}}"});
	EXPECT("limits inside of limits", ask_limits, SF_ERR_NONE,
		   "A=1/5;A: b=2/3;A: d=0/7;E=0/0;F=4/5;", 1,
		   {"GET", LIMITS, .status = 200,
			.body = "{\"A\":{\"Max\":5,\"b\":{\"Max\":3,\"Remaining\":2},\"Remaining\":1,"
					"\"c\":{\"Max\":0,\"Remaining\":0},\"d\":{\"Max\":7}},\"E\":{\"Max\":0,"
					"\"Remaining\":0},\"F\":{\"Max\":5,\"Remaining\":4}}"});
	EXPECT("a limit inside of another that is none", ask_limits, SF_ERR_PROTOCOL,
		   "\"Max\" in list of the org's limits is not an integer", 1,
		   {"GET", LIMITS, .status = 200,
			.body = "{\"A\":{\"Max\":5,\"Remaining\":1,\"b\":{\"Max\":\"x\"}}}"});
	EXPECT("no limits", ask_limits, SF_ERR_NONE, "", 1,
		   {"GET", LIMITS, .status = 200, .body = "{}"});
	EXPECT("an array of limits", ask_limits, SF_ERR_PROTOCOL,
		   "the list of the org's limits is not a JSON object", 1,
		   {"GET", LIMITS, .status = 200, .body = "[{\"Max\":1}]"});
	EXPECT("half a limit", ask_limits, SF_ERR_PROTOCOL,
		   "\"Remaining\" is missing in list of the org's limits", 1,
		   {"GET", LIMITS, .status = 200, .body = "{\"A\":{\"Max\":1}}"});
	EXPECT("limits refused", ask_limits, SF_ERR_REMOTE,
		   "could not ask for the limits of the org: API_DISABLED_FOR_ORG: no", 1,
		   {"GET", LIMITS, .status = 403,
			.body = "[{\"message\":\"no\",\"errorCode\":\"API_DISABLED_FOR_ORG\"}]"});
}

/* How long a job was in the queue: what polls saw, and where they saw too little, the server's word. */
static void
queue(const char *name, peer_rule *rules, int nrules, bool waited, bool all)
{
	scene sc = {0};

	open_scene(&sc, rules, nrules, SF_TRANSPORT_BULK);
	read_scene(&sc);
	is_int(sc.st, SF_DONE, name);
	if (!ok(sc.stats.queued_ms >= 0 && sc.stats.queued_ms <= sc.stats.job_ms &&
				(sc.stats.queued_ms > 0) == waited &&
				(sc.stats.queued_ms == sc.stats.job_ms) == all,
			"%s: time in the queue", name))
		diag("%lld of %lld ms", (long long) sc.stats.queued_ms, (long long) sc.stats.job_ms);
	close_scene(&sc, name);
}

#define QUEUE(name, waited, all, ...)                                                         \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {                                                                \
			LOGIN, CREATE, __VA_ARGS__, ONE_LINK(LINK_A), PAGE("A", 1, "1,a\n"), DELETE_JOB}; \
		queue(name, rules_, COUNT(rules_), waited, all);                                      \
	} while (0)

static void
queue_times(void)
{
	QUEUE("complete at the first poll, nothing said", true, true, POLL(1));
	QUEUE("complete at the first poll, at work all the time", false, false,
		  {"GET", JOB "$", .status = 200,
		   .body = STATE("JobComplete",
						 ",\"numberRecordsProcessed\":1,\"totalProcessingTime\":3600000")});
	QUEUE("seen waiting, then at work all the time", true, false,
		  {"GET", JOB "$", .times = 1, .status = 200, .body = STATE("UploadComplete", "")},
		  {"GET", JOB "$", .status = 200,
		   .body = STATE("JobComplete",
						 ",\"numberRecordsProcessed\":1,\"totalProcessingTime\":3600000")});
	QUEUE("seen at work", true, false,
		  {"GET", JOB "$", .times = 1, .status = 200, .body = STATE("InProgress", "")},
		  {"GET", JOB "$", .times = 1, .status = 200, .body = STATE("InProgress", "")},
		  POLL(1));
}

int
main(void)
{
	explanations();
	long_query();
	counts();
	bad_names();
	limits();
	queue_times();
	return tap_done();
}
