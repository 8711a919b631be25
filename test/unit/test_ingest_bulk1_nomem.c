/*
 * test_ingest_bulk1_nomem.c
 *		A whole ingest job of Bulk API 1.0 and the reading of its results, with each allocation of their code
 *		failing once: they must end well or in SF_ERR_MEMORY, with nothing leaked, no batch added twice and
 *		nothing left behind in silence.
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

#include "../../src/client/sf_bulk1.c"
#include "../../src/client/sf_http_upload.c"
#include "../../src/client/sf_ingest_job_bulk1.c"
#include "../../src/client/sf_ingest_job_feed.c"
#include "../../src/client/sf_ingest_results_bulk1.c"
#include "../../src/client/sf_buf.c"
#include "nomem_end.h"

#define V		 "/services/async/62.0/job"
#define ID		 "750000000000001AAA"
#define JOB		 V "/" ID
#define BATCH(n) "75100000000000" #n "AAA"

static const char data[] = "Name\nA\nB\nC\n";

/* Feeds and drives it to its end, in pieces of two bytes. */
static sf_status
run_job(sf_session *s, sf_ingest *ing, sf_error *err)
{
	sf_status st;

	sf_ingest_end(ing, sizeof(data) - 1);
	while ((st = sf_ingest_check(ing, err)) == SF_WAIT)
	{
		int64_t at = sf_ingest_wanted(ing);
		size_t n = 0;

		if (at >= 0 && at < (int64_t) sizeof(data) - 1)
			n = sf_ingest_feed(ing, data + at, at + 2 < (int64_t) sizeof(data) - 1 ? 2 : 1);
		if (n == 0 && !drive(s))
			return SF_WAIT;
	}
	return st;
}

static sf_status
read_results(sf_session *s, sf_ingest *ing, int *rows, sf_error *err)
{
	sf_results *r = sf_results_start_ingest(s, ing, SF_RESULT_FAILED, err);
	sf_value *values;
	sf_status st = SF_FAILED;

	while (r != NULL && ((st = sf_results_next(r, &values, err)) == SF_OK || st == SF_WAIT))
	{
		if (st == SF_OK)
			(*rows)++;
		else if (!drive(s))
			break;
	}
	sf_results_free(r);
	return st == SF_DONE ? SF_OK : st;
}

/* One run with one allocation failing; true when none was left to fail. */
static bool
run_once(int n)
{
	peer_rule rules[] = {
		{"POST", "/services/oauth2/token", .status = 200,
		 .body = "{\"access_token\":\"T\",\"instance_url\":\"%b\"}"},
		{"POST", V "$", .status = 201, .body = "{\"id\":\"" ID "\",\"state\":\"Open\"}"},
		{"POST", JOB "/batch$", "Name\nA\nB\n", .status = 201,
		 .body = "<batchInfo><id>" BATCH(1) "</id><state>Queued</state></batchInfo>"},
		{"POST", JOB "/batch$", "Name\nC\n", .status = 201,
		 .body = "<batchInfo><id>" BATCH(2) "</id><state>Queued</state></batchInfo>"},
		{"POST", JOB "$", "Closed", .status = 200,
		 .body = "{\"id\":\"" ID "\",\"state\":\"Closed\"}"},
		{"POST", JOB "$", "Aborted", .status = 200,
		 .body = "{\"id\":\"" ID "\",\"state\":\"Aborted\"}"},
		{"GET", JOB "/batch$", .status = 200,
		 .body = "{\"batchInfo\":[{\"id\":\"" BATCH(
			 1) "\",\"state\":\"Completed\",\"numberRecordsProcessed\":2,"
				"\"numberRecordsFailed\":1},{\"id\":\"" BATCH(
					2) "\",\"state\":\"Completed\",\"numberRecordsProcessed\":1}]}"},
		{"GET", JOB "/batch/" BATCH(1) "/request$", .status = 200, .body = "Name\nA\nB\n"},
		{"GET", JOB "/batch/" BATCH(1) "/result$", .status = 200,
		 .body = "Id,Success,Created,Error\n001,true,true,\n,false,false,X:y:--\n"}};
	sf_config cfg = {.client_id = "i", .client_secret = "s", .max_retries = -1};
	sf_ingest_spec spec = {.object = "Account",
						   .operation = SF_OP_UPSERT,
						   .external_id_field = "Ext__c",
						   .assignment_rule_id = "01Q1",
						   .bulk1 = true,
						   .batch_rows = 2};
	peer *p = peer_start(rules, sizeof(rules) / sizeof(rules[0]));
	sf_error err = {0};
	sf_error why = {0};
	sf_status st = SF_FAILED;
	sf_session *s;
	sf_ingest *ing = NULL;
	int rows = 0;
	bool ended;
	bool warned = false;
	bool all;

	cfg.login_url = peer_url(p);
	allocations_left = -1;
	s = sf_session_new(&cfg, &err);
	allocations_left = n;
	ing = sf_ingest_start(s, &spec, &err);
	if (ing != NULL)
		st = run_job(s, ing, &err);
	if (st == SF_OK)
		st = read_results(s, ing, &rows, &err);
	sf_ingest_free(ing);
	drive_cleanup(s);
	all = allocations_left >= 0;
	allocations_left = -1;
	while (sf_session_cleanup_failure(s, false, &why))
		warned = true;
	sf_session_free(s);
	ended = rules[1].used == 0 || rules[4].used > 0 || rules[5].used > 0;
	if (!ok(((st == SF_OK && rows == 1) || (st == SF_FAILED && err.cls == SF_ERR_MEMORY)) &&
				rules[2].used <= 1 && rules[3].used <= 1 && (ended || warned) &&
				peer_unexpected(p) == 0,
			"allocation %d fails", n))
		diag("status %d, class %d: %s; batches %d, %d; closed %d, aborted %d, rows %d", st,
			 err.cls, err.message, rules[2].used, rules[3].used, rules[4].used, rules[5].used,
			 rows);
	if (all)
		ok(st == SF_OK && rules[4].used == 1 && rules[5].used == 0 && !warned,
		   "and none does");
	peer_stop(p);
	return all;
}

int
main(void)
{
	int n = 0;

	while (n < 1000 && !run_once(n))
		n++;
	ok(n > 20 && n < 1000, "%d allocations failed in turn", n);
	return tap_done();
}
