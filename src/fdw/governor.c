/*
 * governor.c
 *		May new work begin?
 *
 * What is known comes from answers that somebody got anyway: the Sforce-Limit-Info of each, and of job quotas
 * those to GET /limits.  The books keep both for all backends, and what this cluster has spent in which
 * hour, which tells when calls become free again: an org's allowance counts the last 24 hours (REST API
 * developer guide, "API request limits and allocations").
 */
#include "governor.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ask.h"
#include "compat.h"
#include "usage.h"

/* The window of the daily limits. */
#define WINDOW USECS_PER_DAY

/* What is known of job quotas is looked at again when it is older, or when so much was spent since. */
#define QUOTA_AGE	USECS_PER_HOUR
#define QUOTA_SPENT 0.05

/* A reading that is younger needs not be dated. */
#define FRESH USECS_PER_MINUTE

/* API calls as they stand now. */
typedef struct Standing
{
	bool known;
	int64 used;
	int64 max;
	TimestampTz at; /* when Salesforce said so */
} Standing;

/* The session that somebody waited for last: whose limits an error is about. */
static const sf_session *last_session = NULL;

/* ---- API calls -------------------------------------------------------------------------------- */

/* The hour's calls have all left the window at that time. */
static TimestampTz
free_at(const SfbOrgHour *hour)
{
	return hour->at + USECS_PER_HOUR + WINDOW;
}

/*
 * What Salesforce said last, less the cluster's own calls that have left the window since.  Those of others
 * have, too, but nobody knows which; after a day nothing of it is left.
 */
static Standing
standing_of(const SfbOrg *org, TimestampTz now)
{
	Standing standing = {0};

	if (org == NULL || org->at == 0 || org->at < now - WINDOW || org->max <= 0)
		return standing;
	standing.known = true;
	standing.max = org->max;
	standing.used = org->used;
	standing.at = org->at;
	for (int i = 0; i < SFB_ORG_HOURS; i++)
	{
		const SfbOrgHour *hour = &org->hours[i];

		if (hour->at != 0 && hour->at >= org->at - WINDOW && hour->at < org->at &&
			free_at(hour) <= now)
			standing.used -= hour->calls;
	}
	standing.used = Max(standing.used, 0);
	return standing;
}

/* Of the daily number those that are kept back. */
static int64
reserved(double reserve, int64 max)
{
	/* 99.9% of 1,000 are 999, whatever is behind the digits of a double */
	return (int64) ceil(reserve < 1 ? reserve * (double) max - 1e-6 : reserve);
}

static bool
is_short(const Standing *standing, double reserve)
{
	return standing->known &&
		   standing->max - standing->used <= reserved(reserve, standing->max);
}

/* ---- words -------------------------------------------------------------------------------------- */

/* 1234567 as 1,234,567. */
static char *
grouped(int64 n)
{
	char *digits = psprintf(INT64_FORMAT, Max(n, 0));
	int len = strlen(digits);
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < len; i++)
	{
		if (i > 0 && (len - i) % 3 == 0)
			appendStringInfoChar(&text, ',');
		appendStringInfoChar(&text, digits[i]);
	}
	return text.data;
}

/* "10% (1,500)", or "1,500". */
static char *
reserved_text(double reserve, int64 max)
{
	char *count = grouped(reserved(reserve, max));

	return reserve < 1 ? psprintf("%g%% (%s)", reserve * 100, count) : count;
}

static int
compare_hours(const void *left, const void *right)
{
	const SfbOrgHour *a = *(const SfbOrgHour *const *) left;
	const SfbOrgHour *b = *(const SfbOrgHour *const *) right;

	return a->at < b->at ? -1 : a->at > b->at;
}

/* The hours in which this database has made calls that are still in the window, oldest first; their number. */
static int
own_hours(const SfbOrg *org, TimestampTz now, const SfbOrgHour **hours)
{
	int count = 0;

	for (int i = 0; org != NULL && i < SFB_ORG_HOURS; i++)
		if (org->hours[i].here > 0 && free_at(&org->hours[i]) > now)
			hours[count++] = &org->hours[i];
	qsort(hours, count, sizeof(*hours), compare_hours);
	return count;
}

/* When calls become free again, as far as this database knows; needed: so many, 0 if any are welcome. */
static char *
window_hint(const SfbOrg *org, TimestampTz now, int64 needed)
{
	const SfbOrgHour *hours[SFB_ORG_HOURS];
	int count = own_hours(org, now, hours);
	StringInfoData text;
	int64 sum = 0;

	initStringInfo(&text);
	appendStringInfoString(&text, "The allowance counts the calls of the last 24 hours.");
	if (count == 0)
	{
		appendStringInfoString(&text, " This database has made none of them, so that only "
									  "others know when they leave the window.");
		return text.data;
	}
	appendStringInfo(&text, " By %s the %s calls", timestamptz_to_str(free_at(hours[0])),
					 grouped(hours[0]->here));
	appendStringInfo(&text, " that this database made in the hour from %s leave the window",
					 timestamptz_to_str(hours[0]->at));
	for (int i = 0; i < count; i++)
	{
		sum += hours[i]->here;
		if (sum < needed)
			continue;
		if (needed > 0 && i > 0)
			appendStringInfo(&text, ", and by %s %s calls, which is enough",
							 timestamptz_to_str(free_at(hours[i])), grouped(sum));
		break;
	}
	appendStringInfoChar(&text, '.');
	return text.data;
}

/* When Salesforce said it, unless that is just now. */
static char *
since_text(TimestampTz at, TimestampTz now)
{
	if (at > now - FRESH)
		return "";
	return psprintf(" Salesforce said so at %s; sfbulk_limits() asks again.",
					timestamptz_to_str(at));
}

/* ---- job quotas ---------------------------------------------------------------------------------- */

static const struct
{
	const char *what;
	const char *verb;
	const char *name; /* as GET /limits calls it */
} quota_words[SF_QUOTA_COUNT] = {
	[SF_QUOTA_QUERY_JOBS] = {"bulk query jobs", "are", "DailyBulkV2QueryJobs"},
	[SF_QUOTA_QUERY_FILES_MB] = {"megabytes of bulk query results", "are",
								 "DailyBulkV2QueryFileStorageMB"},
	[SF_QUOTA_BATCHES] = {"batches of bulk jobs", "are", "DailyBulkApiBatches"},
};

/* The quotas that a kind of work draws on; their number. */
static int
quotas_of(SfbWork work, sf_quota quotas[SF_QUOTA_COUNT])
{
	switch (work)
	{
		case SFB_WORK_QUERY:
		case SFB_WORK_QUERY_JOB:
			quotas[0] = SF_QUOTA_QUERY_JOBS;
			quotas[1] = SF_QUOTA_QUERY_FILES_MB;
			return 2;
		case SFB_WORK_INGEST_JOB:
			quotas[0] = SF_QUOTA_BATCHES;
			return 1;
		case SFB_WORK_CALLS:
			break;
	}
	return 0;
}

/* Of files: in MB. */
static int64
spent_of(const SfbOrg *org, sf_quota which)
{
	int64 spent = org->quotas[which].spent;

	return which == SF_QUOTA_QUERY_FILES_MB ? spent / (1024 * 1024) : spent;
}

static int64
left_of(const SfbOrg *org, sf_quota which)
{
	return Max(org->quotas[which].left - spent_of(org, which), 0);
}

/* The quota that does not allow it, or -1.  A share holds for every quota, a count of calls for calls. */
static int
short_quota(const SfbOrg *org, SfbWork work, double reserve, TimestampTz now)
{
	sf_quota quotas[SF_QUOTA_COUNT];
	int count = quotas_of(work, quotas);

	for (int i = 0; org != NULL && i < count; i++)
	{
		const SfbOrgQuota *quota = &org->quotas[quotas[i]];

		if (quota->at > now - WINDOW && quota->max > 0 &&
			left_of(org, quotas[i]) <= (reserve < 1 ? reserved(reserve, quota->max) : 0))
			return quotas[i];
	}
	return -1;
}

/* Is it worth a call to learn how the quotas stand? */
static bool
must_ask(const SfbOrg *org, SfbWork work, TimestampTz now)
{
	sf_quota quotas[SF_QUOTA_COUNT];
	int count = quotas_of(work, quotas);
	int64 jobs = 0;

	for (int i = 0; org != NULL && i < SFB_ORG_HOURS; i++)
		if (org->hours[i].at > now - WINDOW)
			jobs += org->hours[i].query_jobs;
	/* Who reads by bulk now and then only, as "auto" decides, is left alone. */
	if (work == SFB_WORK_QUERY && jobs == 0)
		return false;
	for (int i = 0; i < count; i++)
	{
		const SfbOrgQuota *quota = org != NULL ? &org->quotas[quotas[i]] : NULL;

		if (quota == NULL || quota->at < now - QUOTA_AGE ||
			(double) spent_of(org, quotas[i]) > QUOTA_SPENT * (double) quota->max)
			return true;
	}
	return false;
}

/* Asks once; who is refused, or told nothing, does not ask again for an hour. */
static void
ask(sf_session *session)
{
	static TimestampTz asked_at = 0;
	static const sf_session *asked = NULL;
	TimestampTz now = GetCurrentTimestamp();
	SfbQuotas quotas;
	int calls = 0;

	if (asked == session && asked_at > now - QUOTA_AGE)
	{
		sf_quota which;
		int64 max;
		int64 left;
		int64 age;

		for (which = 0; which < SF_QUOTA_COUNT; which++)
			if (sf_session_quota(session, which, &max, &left, &age))
				break;
		if (which == SF_QUOTA_COUNT)
			return;
	}
	asked = session;
	asked_at = now;
	(void) sfb_ask_quotas(session, &quotas, &calls);
}

/* ---- errors --------------------------------------------------------------------------------------- */

static void
refuse_calls(const SfbSessionOrigin *origin, const SfbOrg *org, const Standing *standing,
			 TimestampTz now)
{
	int64 left = standing->max - standing->used;
	int64 needed = reserved(origin->api_reserve, standing->max) - left + 1;

	ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					errmsg("too few API calls are left today for server \"%s\"",
						   GetForeignServer(origin->serverid)->servername),
					errdetail("%s of %s calls are left, and %s are reserved.%s", grouped(left),
							  grouped(standing->max),
							  reserved_text(origin->api_reserve, standing->max),
							  since_text(standing->at, now)),
					errhint("%s", window_hint(org, now, needed))));
}

static void
refuse_quota(const SfbSessionOrigin *origin, const SfbOrg *org, sf_quota which,
			 TimestampTz now)
{
	const SfbOrgQuota *quota = &org->quotas[which];
	double reserve = origin->api_reserve;

	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("too few %s are left today for server \"%s\"", quota_words[which].what,
					GetForeignServer(origin->serverid)->servername),
			 reserve < 1
				 ? errdetail("%s of %s are left (%s), and %s are reserved.%s",
							 grouped(left_of(org, which)), grouped(quota->max),
							 quota_words[which].name, reserved_text(reserve, quota->max),
							 since_text(quota->at, now))
				 : errdetail("%s of %s are left (%s).%s", grouped(left_of(org, which)),
							 grouped(quota->max), quota_words[which].name,
							 since_text(quota->at, now)),
			 errhint("The quota counts the last 24 hours. %s",
					 which == SF_QUOTA_BATCHES
						 ? "What goes by transport 'rest' takes none of it."
						 : "What transport 'rest' can read takes none of it.")));
}

/* ---- questions ------------------------------------------------------------------------------------- */

bool
sfb_governor_allows(sf_session *session, SfbWork work)
{
	SfbSessionOrigin origin;
	SfbOrg *org;
	Standing standing;
	TimestampTz now = GetCurrentTimestamp();

	if (!sfb_session_origin(session, &origin) || origin.api_reserve == 0)
		return true;
	org = sfb_org_of(session, &origin);
	standing = standing_of(org, now);
	return !is_short(&standing, origin.api_reserve) &&
		   short_quota(org, work, origin.api_reserve, now) < 0;
}

void
sfb_governor_admit(sf_session *session, SfbWork work)
{
	SfbSessionOrigin origin;
	SfbOrg *org;
	Standing standing;
	TimestampTz now = GetCurrentTimestamp();
	int quota;

	if (!sfb_session_origin(session, &origin) || origin.api_reserve == 0)
		return;
	org = sfb_org_of(session, &origin);
	standing = standing_of(org, now);
	if (is_short(&standing, origin.api_reserve))
		refuse_calls(&origin, org, &standing, now);
	if (must_ask(org, work, now))
	{
		ask(session);
		org = sfb_org_of(session, &origin);
	}
	/* What may become a job, or not, is not stopped before that is known. */
	quota = work != SFB_WORK_QUERY ? short_quota(org, work, origin.api_reserve, now) : -1;
	if (quota >= 0)
		refuse_quota(&origin, org, quota, now);
}

void
sfb_governor_note(const sf_session *session)
{
	last_session = session;
}

const char *
sfb_governor_hint(void)
{
	SfbSessionOrigin origin;
	SfbOrg *org;

	if (last_session == NULL || !sfb_session_origin(last_session, &origin))
		return NULL;
	org = sfb_org_of(unconstify(sf_session *, last_session), &origin);
	return window_hint(org, GetCurrentTimestamp(), 0);
}
