/*
 * test_query1_nomem.c
 *		A query by Bulk API 1.0 in two chunks, with each allocation of that code failing once: it ends
 *		well or in SF_ERR_MEMORY, with nothing leaked and no job left open.
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

#include "../../src/client/sf_client_query.c"
#include "../../src/client/sf_query_job1.c"
#include "../../src/client/sf_query_result1.c"
#include "../../src/client/sf_bulk1.c"
#include "nomem_end.h"

#include "scene.h"

#define J1		 "/services/async/62.0/job/750000000000001AAA"
#define BATCH(n) J1 "/batch/75100000000000" #n "AAA"
#define SAYS(state, done, rows)                                                               \
	"{\"id\":\"750000000000001AAA\",\"state\":\"" state "\",\"numberBatchesQueued\":0,"       \
	"\"numberBatchesInProgress\":0,\"numberBatchesCompleted\":" #done                         \
	",\"numberBatchesTotal\":3,\"numberRecordsProcessed\":" #rows "}"
#define INFO(n, state, rows)                                                                  \
	"<batchInfo><id>75100000000000" #n "AAA</id><state>" state                                \
	"</state><numberRecordsProcessed>" #rows "</numberRecordsProcessed></batchInfo>"
#define RESULT(n)                                                                             \
	{                                                                                         \
		"GET", BATCH(n) "/result$",                                                           \
			.status = 200,                                                                    \
			.body = "<result-list><result>75200000000000" #n "</result></result-list>"        \
	}
#define FILE_OF(n, text)                                                                      \
	{                                                                                         \
		"GET", BATCH(n) "/result/", .status = 200, .headers = CSV_TYPE,                       \
									.body = "\"Id\",\"Name\"\n" text                          \
	}

/* Lets the n-th allocation fail; true when there were fewer. */
static bool
run_once(int n)
{
	peer_rule rules[] = {
		LOGIN,
		{"POST", "/services/async/62.0/job$", .status = 201, .body = SAYS("Open", 0, 0)},
		{"POST", J1 "/batch$", .status = 201, .body = INFO(1, "Queued", 0)},
		{"GET", J1 "$", .status = 200, .body = SAYS("Open", 2, 3)},
		{"GET", J1 "/batch$", .status = 200,
		 .body = "<batchInfoList>" INFO(1, "NotProcessed", 0) INFO(2, "Completed", 1)
			 INFO(3, "Completed", 2) "</batchInfoList>"},
		RESULT(2),
		RESULT(3),
		FILE_OF(2, "\"a\",\"1\"\n"),
		FILE_OF(3, "\"b\",\"2\"\n\"c\",\"3\"\n"),
		{"POST", J1 "$", "\"Closed\"", .status = 200, .body = SAYS("Closed", 2, 3)},
		{"POST", J1 "$", "\"Aborted\"", .status = 200, .body = SAYS("Aborted", 2, 3)},
	};
	sf_config cfg = {.client_id = "i", .client_secret = "s", .max_retries = -1};
	sf_query_spec spec = {.soql = "SELECT Id, Name FROM Account",
						  .columns = columns,
						  .ncolumns = 2,
						  .transport = SF_TRANSPORT_BULK,
						  .bulk1 = true,
						  .pk_chunk_size = 10,
						  .pk_parent = "Account"};
	peer *p = peer_start(rules, COUNT(rules));
	sf_error err = {0};
	sf_error why = {0};
	sf_session *s;
	sf_query *q;
	sf_status st = SF_FAILED;
	char rows[256] = "";
	bool warned = false;
	bool all;

	cfg.login_url = peer_url(p);
	s = sf_session_new(&cfg, &err);
	allocations_left = n;
	q = sf_query_start(s, &spec, &err);
	if (q != NULL)
		st = read_all(s, q, 2, rows, sizeof(rows), &err);
	sf_query_free(q);
	drive_cleanup(s);
	all = allocations_left >= 0;
	allocations_left = -1;
	while (sf_session_cleanup_failure(s, false, &why))
		warned = true;
	sf_session_free(s);
	if (!ok((st == SF_DONE ? strcmp(rows, "a|1;b|2;c|3;") == 0
						   : st == SF_FAILED && err.cls == SF_ERR_MEMORY) &&
				(rules[1].used == 0 || rules[9].used + rules[10].used > 0 || warned) &&
				peer_unexpected(p) == 0,
			"allocation %d fails", n))
		diag("status %d, class %d: %s; rows %s, jobs %d, closed %d, aborted %d", st, err.cls,
			 err.message, rows, rules[1].used, rules[9].used, rules[10].used);
	if (all)
		ok(st == SF_DONE && rules[9].used == 1 && !warned, "and none does");
	peer_stop(p);
	return all;
}

int
main(void)
{
	int n = 0;

	while (n < 300 && !run_once(n))
		n++;
	ok(n > 15 && n < 300, "%d allocations failed in turn", n);
	return tap_done();
}
