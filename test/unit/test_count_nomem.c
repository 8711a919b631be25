/*
 * test_count_nomem.c
 *		A count that REST takes too long for and a job does, with each allocation of that code failing
 *		once: it ends well or in SF_ERR_MEMORY, with nothing leaked and no job left.
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

#include "../../src/client/sf_client.c"
#include "../../src/client/sf_client_query.c"
#include "../../src/client/sf_query_job.c"
#include "nomem_end.h"

#include "scene.h"

/* Lets the n-th allocation fail; true when there were fewer. */
static bool
run_once(int n)
{
	peer_rule rules[] = {
		LOGIN,
		{"GET", V "/query?q=SELECT%20COUNT", .status = 400,
		 .body = "[{\"message\":\"too long\",\"errorCode\":\"QUERY_TIMEOUT\"}]"},
		{"POST", V "/jobs/query$", "SELECT Id FROM Account", .status = 200, .body = CREATED},
		POLL(42),
		ABORT,
		DELETE_JOB,
	};
	sf_config cfg = {.client_id = "i", .client_secret = "s", .max_retries = -1};
	sf_query_spec spec = {.soql = "SELECT COUNT() FROM Account", .count_only = true};
	peer *p = peer_start(rules, COUNT(rules));
	sf_error err = {0};
	sf_error why = {0};
	sf_session *s;
	sf_query *q = NULL;
	sf_status st = SF_FAILED;
	bool warned = false;
	char rows[256] = "";
	bool all;

	cfg.login_url = peer_url(p);
	allocations_left = n;
	s = sf_session_new(&cfg, &err);
	if (s != NULL)
		q = sf_query_start(s, &spec, &err);
	if (q != NULL)
		st = read_all(s, q, 1, rows, sizeof(rows), &err);
	sf_query_free(q);
	if (s != NULL)
		drive_cleanup(s);
	all = allocations_left >= 0;
	allocations_left = -1;
	while (s != NULL && sf_session_cleanup_failure(s, false, &why))
		warned = true;
	sf_session_free(s);
	if (!ok((st == SF_DONE ? strcmp(rows, "42;") == 0
						   : st == SF_FAILED && err.cls == SF_ERR_MEMORY) &&
				(rules[2].used == rules[5].used || warned) && peer_unexpected(p) == 0,
			"allocation %d fails", n))
		diag("status %d, class %d: %s; rows %s, jobs %d, deletions %d", st, err.cls,
			 err.message, rows, rules[2].used, rules[5].used);
	if (all)
		ok(st == SF_DONE && rules[5].used == 1 && !warned, "and none does");
	peer_stop(p);
	return all;
}

int
main(void)
{
	int n = 0;

	while (n < 300 && !run_once(n))
		n++;
	ok(n > 6 && n < 300, "%d allocations failed in turn", n);
	return tap_done();
}
