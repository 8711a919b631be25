/*
 * quota.h
 *		What the org may be asked for in 24 hours, and how much of it was.
 *
 * Counted on the org's clock: what was used more than 24 hours ago is free again (in steps of a quarter
 * of an hour).  GET /limits shows the numbers.
 */
#ifndef SFSIM_QUOTA_H
#define SFSIM_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct srv;

/* What is counted.  Their largest numbers are options: api_max, batches_max … */
typedef enum srv_limit
{
	LIMIT_API_REQUESTS, /* DailyApiRequests: every data call, and each part of a batch */
	LIMIT_BULK_BATCHES, /* DailyBulkApiBatches: of both bulk APIs; 2.0 makes one per 10,000 rows */
	LIMIT_QUERY_JOBS,	 /* DailyBulkV2QueryJobs */
	LIMIT_QUERY_FILE_KB, /* DailyBulkV2QueryFileStorageMB, counted in kB */
	LIMIT_COUNT
} srv_limit;

/*
 * Use n of what is limited.  False, and nothing is used, when that is more than is left and limits are
 * enforced: the option enforce_api for the first, enforce_limits for the others.  The caller answers
 * then (LIMIT_EXCEEDED, or EXCEEDED_QUOTA in bulk 1.0; server.c does it for API requests).
 */
bool srv_limits_use(struct srv *s, srv_limit what, int64_t n);

/* Used in the last 24 hours, and the most that may be. */
int64_t srv_limits_used(struct srv *s, srv_limit what);
int64_t srv_limits_max(struct srv *s, srv_limit what);

/* Nothing has been used yet. */
void srv_limits_reset(struct srv *s);

/* The counters, a member of srv: zero is a good start. */
#define LIMIT_SLOTS 96 /* a quarter of an hour each */

typedef struct srv_limits
{
	int64_t slot[LIMIT_COUNT][LIMIT_SLOTS];
	int64_t total[LIMIT_COUNT]; /* of the slots */
	int64_t now;				/* number of the newest slot since the clock began */
} srv_limits;

#endif /* SFSIM_QUOTA_H */
