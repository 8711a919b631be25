/*
 * ask.h
 *		Single questions to an org whose answers planning, ANALYZE and EXPLAIN want (ask.c).
 *
 * Each waits for its answer.  An org may refuse one that another user, object or edition gets answered:
 * then it is false, with the reason at DEBUG1.  A network that does not work and a login that is refused are
 * ERRORs, as the query itself would meet them too.
 */
#ifndef SFB_ASK_H
#define SFB_ASK_H

#include "sfbulk_fdw.h"

/* What Salesforce's optimizer would do with a query (UTF-8). */
extern bool
sfb_ask_plan(sf_session *session, const char *soql, sf_query_plan *plan, int *calls);

/*
 * The rows that it says a query gives; filtered: the query has a condition or a LIMIT.  Of one without any,
 * orgs say that half of the object's rows come (recordings).
 */
static inline double
sfb_planned_rows(const sf_query_plan *plan, bool filtered)
{
	return (double) (filtered ? plan->rows : plan->object_rows);
}

/* How many records an object has, about; adds the API calls made to *calls. */
extern bool
sfb_ask_record_count(sf_session *session, const char *object, double *count, int *calls);

/* What is left of today, of the limits that matter here; max is -1 where an org does not say. */
typedef struct SfbQuota
{
	int64 max;
	int64 remaining;
} SfbQuota;

typedef struct SfbQuotas
{
	SfbQuota api_calls;	  /* DailyApiRequests */
	SfbQuota query_jobs;  /* DailyBulkV2QueryJobs */
	SfbQuota query_files; /* DailyBulkV2QueryFileStorageMB */
} SfbQuotas;

extern bool sfb_ask_quotas(sf_session *session, SfbQuotas *quotas, int *calls);

#endif /* SFB_ASK_H */
