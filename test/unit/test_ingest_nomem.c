/*
 * test_ingest_nomem.c
 *		A whole ingest job, with each allocation of its code failing once: it must end well or in
 *		SF_ERR_MEMORY, with nothing leaked, nothing uploaded twice and nothing left behind in silence.
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

#include "../../src/client/sf_client.c"
#include "../../src/client/sf_client_ingest.c"
#include "../../src/client/sf_http_request.c"
#include "../../src/client/sf_http_upload.c"
#include "../../src/client/sf_ingest_job.c"
#include "nomem_end.h"

#define V	"/services/data/v62.0/jobs/ingest"
#define JOB V "/750000000000001AAA"

static const char data[] = "Name\nsome text\n";

/* Feeds and drives it to its end. */
static sf_status
run_job(sf_session *s, sf_ingest *ing, sf_error *err)
{
	sf_status st;

	sf_ingest_end(ing, sizeof(data) - 1);
	while ((st = sf_ingest_check(ing, err)) == SF_WAIT)
	{
		int64_t at = sf_ingest_wanted(ing);

		if (at >= 0 && at < (int64_t) sizeof(data) - 1)
			sf_ingest_feed(ing, data + at, sizeof(data) - 1 - (size_t) at);
		if (!drive(s))
			return SF_WAIT;
	}
	return st;
}

/* One run with one allocation failing; true when none was left to fail. */
static bool
run_once(int n)
{
	peer_rule rules[] = {
		{"POST", "/services/oauth2/token", .status = 200,
		 .body = "{\"access_token\":\"T\",\"instance_url\":\"%b\"}"},
		{"POST", V "$", .status = 200, .body = "{\"id\":\"750000000000001AAA\"}"},
		{"PUT", JOB "/batches$", .status = 201},
		{"PATCH", JOB "$", "UploadComplete", .status = 200, .body = "{}"},
		{"GET", JOB "$", .status = 200, .body = "{\"state\":\"JobComplete\"}"},
		{"PATCH", JOB "$", "Aborted", .status = 200, .body = "{}"},
		{"DELETE", JOB "$", .status = 204}};
	sf_config cfg = {.client_id = "i", .client_secret = "s", .max_retries = -1};
	sf_ingest_spec spec = {.object = "Account",
						   .operation = SF_OP_UPSERT,
						   .external_id_field = "Ext__c",
						   .assignment_rule_id = "01Q1"};
	peer *p = peer_start(rules, 7);
	sf_error err = {0};
	sf_error why = {0};
	sf_status st = SF_FAILED;
	sf_session *s;
	sf_ingest *ing = NULL;
	bool gone;
	bool warned = false;
	bool all;

	cfg.login_url = peer_url(p);
	allocations_left = n;
	s = sf_session_new(&cfg, &err);
	if (s != NULL)
		ing = sf_ingest_start(s, &spec, &err);
	if (ing != NULL)
		st = run_job(s, ing, &err);
	sf_ingest_free(ing);
	if (s != NULL)
		drive_cleanup(s);
	all = allocations_left >= 0;
	allocations_left = -1;
	while (s != NULL && sf_session_cleanup_failure(s, false, &why))
		warned = true;
	sf_session_free(s);
	gone = rules[1].used == 0 || rules[6].used > 0;
	if (!ok((st == SF_OK || (st == SF_FAILED && err.cls == SF_ERR_MEMORY)) &&
				rules[2].used <= 1 && (gone || warned) && peer_unexpected(p) == 0,
			"allocation %d fails", n))
		diag("status %d, class %d: %s; uploads %d, deletions %d", st, err.cls, err.message,
			 rules[2].used, rules[6].used);
	if (all)
		ok(st == SF_OK && rules[6].used == 1 && !warned, "and none does");
	peer_stop(p);
	return all;
}

int
main(void)
{
	int n = 0;

	while (n < 500 && !run_once(n))
		n++;
	ok(n > 20 && n < 500, "%d allocations failed in turn", n);
	return tap_done();
}
