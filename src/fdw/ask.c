/*
 * ask.c
 *		Single questions to an org: explanations, record counts, limits.
 */
#include "ask.h"

#include "compat.h"

/* A question under way: its object hangs on a guard, so that an error or a cancel drops it. */
typedef struct Question
{
	SfbGuard *guard;
	sf_error error;
} Question;

static void
begin(Question *q, sf_session *session, void (*destroy)(void *object))
{
	q->guard = sfb_guard_new(session, destroy);
	sf_error_reset(&q->error);
}

/* True when the status is an answer; waits at SF_WAIT and comes back false then. */
static bool
answered(Question *q, sf_status status)
{
	if (status == SF_WAIT)
		sfb_wait(q->guard->session);
	return status != SF_WAIT;
}

/*
 * Ends the question; false, or ERROR, when it has failed.  What the org says itself is a refusal, as is an
 * answer that is none, and a question that no request can carry.
 */
static bool
finish(Question *q)
{
	sf_error_class cls = q->error.cls;

	sfb_guard_clear(q->guard);
	if (cls == SF_ERR_NONE)
		return true;
	sfb_report(cls == SF_ERR_REMOTE || cls == SF_ERR_PROTOCOL || cls == SF_ERR_LIMIT ? DEBUG1
																					 : ERROR,
			   &q->error);
	return false;
}

static void
destroy_explain(void *object)
{
	sf_explain_free(object);
}

bool
sfb_ask_plan(sf_session *session, const char *soql, sf_query_plan *plan, int *calls)
{
	const sf_query_plan *answer = NULL;
	Question q;

	begin(&q, session, destroy_explain);
	q.guard->object = sf_explain_start(session, soql, &q.error);
	if (q.guard->object != NULL)
	{
		while (!answered(&q, sf_explain_check(q.guard->object, &answer, &q.error)))
			;
		*calls += sf_explain_api_calls(q.guard->object);
	}
	if (answer != NULL)
		*plan = *answer;
	return finish(&q);
}

static void
destroy_counts(void *object)
{
	sf_record_counts_free(object);
}

bool
sfb_ask_record_count(sf_session *session, const char *object, double *count, int *calls)
{
	const sf_record_count *answer;
	sf_status status = SF_WAIT;
	bool found = false;
	Question q;

	begin(&q, session, destroy_counts);
	q.guard->object = sf_record_counts_start(session, &object, 1, &q.error);
	while (q.guard->object != NULL && (status == SF_OK || status == SF_WAIT))
	{
		status = sf_record_counts_next(q.guard->object, &answer, &q.error);
		if (answered(&q, status) && status == SF_OK &&
			pg_strcasecmp(answer->object, object) == 0)
		{
			*count = (double) Max(answer->count, 0);
			found = true;
		}
	}
	if (q.guard->object != NULL)
		*calls += sf_record_counts_api_calls(q.guard->object);
	return finish(&q) && found;
}

static void
destroy_limits(void *object)
{
	sf_limits_free(object);
}

bool
sfb_ask_quotas(sf_session *session, SfbQuotas *quotas, int *calls)
{
	const struct
	{
		const char *name;
		SfbQuota *quota;
	} wanted[] = {{"DailyApiRequests", &quotas->api_calls},
				  {"DailyBulkV2QueryJobs", &quotas->query_jobs},
				  {"DailyBulkV2QueryFileStorageMB", &quotas->query_files}};
	const sf_limit *limit;
	sf_status status = SF_WAIT;
	Question q;

	for (int i = 0; i < (int) lengthof(wanted); i++)
		*wanted[i].quota = (SfbQuota){-1, -1};
	begin(&q, session, destroy_limits);
	q.guard->object = sf_limits_start(session, &q.error);
	while (q.guard->object != NULL && (status == SF_OK || status == SF_WAIT))
	{
		status = sf_limits_next(q.guard->object, &limit, &q.error);
		if (!answered(&q, status) || status != SF_OK)
			continue;
		for (int i = 0; i < (int) lengthof(wanted); i++)
			if (strcmp(limit->name, wanted[i].name) == 0)
				*wanted[i].quota = (SfbQuota){limit->max, limit->remaining};
	}
	if (q.guard->object != NULL)
		*calls += sf_limits_api_calls(q.guard->object);
	return finish(&q);
}
