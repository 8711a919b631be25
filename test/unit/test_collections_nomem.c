/*
 * test_collections_nomem.c
 *		A Collections call, a result file, a job list and what planning asks, with each allocation of their
 *		code failing once: each must end well or in SF_ERR_MEMORY, with nothing leaked, nothing sent twice and no saved row
 *		that nobody is told of.
 */
#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "tap.h"

static int allocations_left; /* before the one that fails; -1: none fails */

static bool
allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

#include "nomem.h"

#include "../../src/client/sf_buf.c"
#include "../../src/client/sf_client.c"
#include "../../src/client/sf_client_collections.c"
#include "../../src/client/sf_client_plan.c"
#include "../../src/client/sf_client_results.c"
#include "../../src/client/sf_collections.c"
#include "../../src/client/sf_collections_rows.c"
#include "../../src/client/sf_explain.c"
#include "../../src/client/sf_http_request.c"
#include "../../src/client/sf_ingest_results.c"
#define ask		  ask_list
#define read_link read_list_link
#include "../../src/client/sf_job_list.c"
#undef ask
#undef read_link
#include "../../src/client/sf_limits.c"
#include "nomem_end.h"

#define V "/services/data/v62.0"
#define LOGIN                                                                                 \
	{                                                                                         \
		"POST", "/services/oauth2/token",                                                     \
			.status = 200, .body = "{\"access_token\":\"T\",\"instance_url\":\"%b\"}"         \
	}

/* What one run with a failing allocation does; false when it went wrong. */
typedef bool (*scenario)(sf_session *s, peer *p, sf_status *st, sf_error *err);

static sf_collections *
start_insert(sf_session *s, sf_error *err)
{
	static const char rows[] = "a,\"b \"\"c\"\"\"\n,d\n";
	static const sf_column columns[] = {{"Name", SF_COLUMN_TEXT},
										{"Account.Ext__c", SF_COLUMN_TEXT}};
	sf_collections_spec spec = {.object = "Contact",
								.operation = SF_OP_INSERT,
								.assignment_rule_id = "01Q000000000001",
								.columns = columns,
								.ncolumns = 2,
								.rows = rows,
								.rows_len = sizeof(rows) - 1,
								.nrows = 2};

	return sf_collections_start(s, &spec, err);
}

static bool
inserting(sf_session *s, peer *p, sf_status *st, sf_error *err)
{
	sf_collections *c = start_insert(s, err);
	bool told = true;

	while (c != NULL && (*st = sf_collections_check(c, err)) == SF_WAIT && drive(s))
		;
	if (c != NULL && *st != SF_OK && peer_used(p, 1) > 0)
		told = sf_collections_unknown(c);
	sf_collections_free(c);
	return told && peer_used(p, 1) <= 1;
}

/* Freed as soon as it has left. */
static bool
leaving(sf_session *s, peer *p, sf_status *st, sf_error *err)
{
	sf_collections *c = start_insert(s, err);
	sf_error why = {0};
	bool told = false;

	while (c != NULL && !sf_collections_was_sent(c) &&
		   (*st = sf_collections_check(c, err)) == SF_WAIT && drive(s))
		;
	if (*st == SF_WAIT)
		*st = SF_OK;
	sf_collections_free(c);
	drive_cleanup(s);
	while (sf_session_cleanup_failure(s, true, &why))
		told = true;
	return peer_used(p, 1) <= 1 && (told || peer_used(p, 1) == 0);
}

static bool
reading_results(sf_session *s, peer *p, sf_status *st, sf_error *err)
{
	sf_results *r = sf_results_start(s, "750000000000001AAA", SF_RESULT_FAILED, err);
	sf_value *values;
	int rows = 0;

	(void) p;
	while (r != NULL &&
		   ((*st = sf_results_next(r, &values, err)) == SF_OK || (*st == SF_WAIT && drive(s))))
		rows += *st == SF_OK;
	sf_results_free(r);
	if (*st == SF_DONE)
		*st = SF_OK;
	return *st != SF_OK || rows == 2;
}

static bool
listing_jobs(sf_session *s, peer *p, sf_status *st, sf_error *err)
{
	sf_jobs *jobs = sf_jobs_start(s, SF_JOBS_QUERY, err);
	const sf_job_entry *e;
	int rows = 0;

	(void) p;
	while (jobs != NULL &&
		   ((*st = sf_jobs_next(jobs, &e, err)) == SF_OK || (*st == SF_WAIT && drive(s))))
		rows += *st == SF_OK;
	sf_jobs_free(jobs);
	if (*st == SF_DONE)
		*st = SF_OK;
	return *st != SF_OK || rows == 3;
}

static bool
explaining(sf_session *s, peer *p, sf_status *st, sf_error *err)
{
	sf_explain *e = sf_explain_start(s, "SELECT Id FROM Account", err);
	const sf_query_plan *plan = NULL;

	(void) p;
	while (e != NULL && (*st = sf_explain_check(e, &plan, err)) == SF_WAIT && drive(s))
		;
	if (*st == SF_OK && (plan->rows != 1 || plan->object_rows != 2))
		*st = SF_WAIT;
	sf_explain_free(e);
	return *st != SF_WAIT;
}

static bool
counting(sf_session *s, peer *p, sf_status *st, sf_error *err)
{
	static const char *const objects[] = {"Account"};
	sf_record_counts *r = sf_record_counts_start(s, objects, 1, err);
	const sf_record_count *count;
	int64_t found = 0;

	(void) p;
	while (r != NULL && ((*st = sf_record_counts_next(r, &count, err)) == SF_OK ||
						 (*st == SF_WAIT && drive(s))))
		found += *st == SF_OK ? count->count : 0;
	sf_record_counts_free(r);
	if (*st == SF_DONE)
		*st = SF_OK;
	return *st != SF_OK || found == 7;
}

static bool
asking_limits(sf_session *s, peer *p, sf_status *st, sf_error *err)
{
	sf_limits *l = sf_limits_start(s, err);
	const sf_limit *limit;
	int64_t left = 0;

	(void) p;
	while (l != NULL &&
		   ((*st = sf_limits_next(l, &limit, err)) == SF_OK || (*st == SF_WAIT && drive(s))))
		left += *st == SF_OK ? limit->remaining : 0;
	sf_limits_free(l);
	if (*st == SF_DONE)
		*st = SF_OK;
	return *st != SF_OK || left == 9;
}

/* Runs it with the first, second, … allocation failing until none is left to fail. */
static void
check(scenario run, const peer_rule *script, int nrules, int least, const char *name)
{
	int n;
	bool all = false;

	for (n = 0; n < 500 && !all; n++)
	{
		peer_rule rules[4];
		sf_config cfg = {.client_id = "i", .client_secret = "s", .max_retries = -1};
		sf_error err = {0};
		sf_status st = SF_FAILED;
		sf_session *s;
		bool right = true;
		peer *p;

		memcpy(rules, script, (size_t) nrules * sizeof(*rules));
		p = peer_start(rules, nrules);
		cfg.login_url = peer_url(p);
		allocations_left = n;
		s = sf_session_new(&cfg, &err);
		if (s != NULL)
			right = run(s, p, &st, &err);
		all = allocations_left >= 0;
		allocations_left = -1;
		if (s != NULL)
			drive_cleanup(s);
		sf_session_free(s);
		if (!ok(right && (st == SF_OK || (st == SF_FAILED && err.cls == SF_ERR_MEMORY)) &&
					peer_unexpected(p) == 0,
				"%s: allocation %d fails", name, n))
			diag("status %d, class %d: %s", st, err.cls, err.message);
		if (all)
			ok(st == SF_OK, "%s: and none does", name);
		peer_stop(p);
	}
	ok(n > least && all, "%s: %d allocations failed in turn", name, n - 1);
}

int
main(void)
{
	static const peer_rule call[] = {
		LOGIN,
		{"POST", V "/composite/sobjects$", .status = 200,
		 .body =
			 "[{\"id\":\"003000000000001AAA\",\"success\":true,\"errors\":[]},{\"success\":"
			 "false,\"errors\":[{\"statusCode\":\"A\",\"message\":\"b\",\"fields\":[\"C\","
			 "\"D\"]}]}]"}};
	static const peer_rule file[] = {
		LOGIN,
		{"GET", V "/jobs/ingest/750000000000001AAA/failedResults/$", .status = 200,
		 .headers = "Content-Type: text/csv\r\n",
		 .body =
			 "\"sf__Id\",\"sf__Error\",Name\n\"\",\"A:b:--\",\"x\"\n\"\",\"A:b:--\",\"y\"\n"}};
	static const peer_rule list[] = {
		LOGIN,
		{"GET", V "/jobs/query$", .status = 200,
		 .body = "{\"done\":false,\"records\":[{\"id\":\"1\"},{\"id\":\"2\"}],"
				 "\"nextRecordsUrl\":\"/x?queryLocator=a\"}"},
		{"GET", V "/jobs/query?queryLocator=a$", .status = 200,
		 .body = "{\"done\":true,\"records\":[{\"id\":\"3\"}]}"}};
	static const peer_rule explain[] = {
		LOGIN,
		{"GET", V "/query?explain=", .status = 200,
		 .body = "{\"plans\":[{\"cardinality\":1,\"sobjectCardinality\":2}]}"}};
	static const peer_rule counts[] = {
		LOGIN,
		{"GET", V "/limits/recordCount?sObjects=Account$", .status = 200,
		 .body = "{\"sObjects\":[{\"name\":\"Account\",\"count\":7}]}"}};
	static const peer_rule limits[] = {
		LOGIN,
		{"GET", V "/limits$", .status = 200,
		 .body = "{\"A\":{\"Max\":5,\"Remaining\":4},\"B\":{\"Max\":5,\"Remaining\":5}}"}};

	check(inserting, call, 2, 20, "insert");
	check(leaving, call, 2, 20, "insert, freed when it had left");
	check(reading_results, file, 2, 10, "results");
	check(listing_jobs, list, 3, 10, "jobs");
	check(explaining, explain, 2, 5, "explanation");
	check(counting, counts, 2, 5, "record counts");
	check(asking_limits, limits, 2, 5, "limits");
	return tap_done();
}
