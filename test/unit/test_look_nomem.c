/*
 * test_look_nomem.c
 *		What shows an org, with each allocation of that code failing once: it ends well or in SF_ERR_MEMORY,
 *		with nothing leaked.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int allocations_left = -1; /* before the one that fails; -1: none fails */

static bool
allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

#include "nomem.h"

#include "../../src/client/sf_job_info.c"
#include "../../src/client/sf_org.c"
#include "../../src/client/sf_rest_json.c"
#include "nomem_end.h"

#include "scene.h"

#define NEXT V "/query/01g-a"

/* One look at an org; SF_OK, or what it failed with. */
typedef sf_status (*look)(sf_session *s, sf_error *err);

static sf_status
look_at_job(sf_session *s, sf_error *err)
{
	sf_job_ask *a =
		sf_job_ask_start(s, SF_JOBS_INGEST, "750000000000001AAA", 0, SF_JOB_ASK, err);
	const sf_job_detail *detail;
	sf_status st = SF_FAILED;

	while (a != NULL && (st = sf_job_ask_check(a, &detail, err)) == SF_WAIT && drive(s))
		;
	sf_job_ask_free(a);
	return st;
}

static sf_status
look_at_versions(sf_session *s, sf_error *err)
{
	sf_org_ask *a = sf_org_ask_start(s, SF_ORG_VERSIONS, err);
	const sf_org_facts *facts;
	sf_status st = SF_FAILED;

	while (a != NULL && (st = sf_org_ask_check(a, &facts, err)) == SF_WAIT && drive(s))
		;
	sf_org_ask_free(a);
	return st;
}

static sf_status
look_at_records(sf_session *s, sf_error *err)
{
	sf_query_spec spec = {
		.soql = "SELECT x", .any_columns = true, .transport = SF_TRANSPORT_REST};
	sf_query *q = sf_query_start(s, &spec, err);
	char rows[1024] = "";
	sf_status st = SF_FAILED;

	if (q != NULL)
		st = read_all(s, q, 1, rows, sizeof(rows), err);
	if (st == SF_DONE && strstr(rows, "[{\"x\":1},{\"x\":2}]") == NULL)
		st = SF_WAIT;
	sf_query_free(q);
	return st == SF_DONE ? SF_OK : st;
}

/* Lets the n-th allocation fail; true when there were fewer. */
static bool
run_once(look how, int n, const char *name)
{
	peer_rule rules[] = {
		LOGIN,
		{"GET", V "/jobs/ingest/750000000000001AAA$", .status = 200,
		 .body = "{\"id\":\"750000000000001AAA\",\"state\":\"Open\"}"},
		{"GET", "/services/data$", .status = 200, .body = "[{\"version\":\"62.0\"}]"},
		{"GET", V "/query?q=", .status = 200,
		 .body = "{\"totalSize\":1,\"done\":true,\"records\":[{\"C\":{\"totalSize\":2,"
				 "\"done\":false,"
				 "\"nextRecordsUrl\":\"" NEXT "\",\"records\":[{\"x\":1}]}}]}"},
		{"GET", NEXT "$", .status = 200,
		 .body = "{\"totalSize\":2,\"done\":true,\"records\":[{\"x\":2}]}"},
	};
	sf_config cfg = {.client_id = "i", .client_secret = "s", .max_retries = -1};
	peer *p = peer_start(rules, COUNT(rules));
	sf_error err = {0};
	sf_session *s;
	sf_status st;
	bool all;

	cfg.login_url = peer_url(p);
	s = sf_session_new(&cfg, &err);
	allocations_left = n;
	st = how(s, &err);
	all = allocations_left >= 0;
	allocations_left = -1;
	if (!ok(st == SF_OK || (st == SF_FAILED && err.cls == SF_ERR_MEMORY),
			"%s: allocation %d fails", name, n))
		diag("status %d, class %d: %s", st, err.cls, err.message);
	if (all)
		ok(st == SF_OK, "%s: and none does", name);
	sf_session_free(s);
	peer_stop(p);
	return all;
}

static void
run(look how, int least, const char *name)
{
	int n = 0;

	while (n < 100 && !run_once(how, n, name))
		n++;
	ok(n >= least && n < 100, "%s: %d allocations failed in turn", name, n);
}

int
main(void)
{
	run(look_at_job, 1, "a job");
	run(look_at_versions, 1, "versions");
	run(look_at_records, 2, "records");
	return tap_done();
}
