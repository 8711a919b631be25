/*
 * limits.c
 *		GET /limits and /limits/recordCount, and the counters behind the first.
 */
#include "quota.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "rest.h"

#define SLOT_MS ((int64_t) 15 * 60 * 1000)

/* Of a row, as Salesforce counts storage. */
#define ROW_KB 2

/* Forget what was used 24 hours ago.  Under the lock. */
static void
turn(srv_limits *l)
{
	int64_t now = sim_clock_mono() / SLOT_MS;

	if (now - l->now >= LIMIT_SLOTS || now < l->now)
	{
		memset(l, 0, sizeof(*l));
		l->now = now;
	}
	for (; l->now < now; l->now++)
		for (int i = 0; i < LIMIT_COUNT; i++)
		{
			int64_t *oldest = &l->slot[i][(l->now + 1) % LIMIT_SLOTS];

			l->total[i] -= *oldest;
			*oldest = 0;
		}
}

/* Under the lock. */
static int64_t
most(const srv *s, srv_limit what)
{
	switch (what)
	{
		case LIMIT_API_REQUESTS:
			return s->options.api_max;
		case LIMIT_BULK_BATCHES:
			return s->options.batches_max;
		case LIMIT_QUERY_JOBS:
			return s->options.query_jobs_max;
		default:
			return (int64_t) s->options.query_file_mb_max * 1024;
	}
}

bool
srv_limits_use(srv *s, srv_limit what, int64_t n)
{
	bool ok, enforced;

	pthread_mutex_lock(&s->lock);
	turn(&s->limits);
	enforced = what == LIMIT_API_REQUESTS ? s->options.enforce_api : s->options.enforce_limits;
	ok = !enforced || s->limits.total[what] + n <= most(s, what);
	if (ok)
	{
		s->limits.slot[what][s->limits.now % LIMIT_SLOTS] += n;
		s->limits.total[what] += n;
	}
	pthread_mutex_unlock(&s->lock);
	return ok;
}

int64_t
srv_limits_used(srv *s, srv_limit what)
{
	int64_t n;

	pthread_mutex_lock(&s->lock);
	turn(&s->limits);
	n = s->limits.total[what];
	pthread_mutex_unlock(&s->lock);
	return n;
}

int64_t
srv_limits_max(srv *s, srv_limit what)
{
	int64_t n;

	pthread_mutex_lock(&s->lock);
	n = most(s, what);
	pthread_mutex_unlock(&s->lock);
	return n;
}

void
srv_limits_reset(srv *s)
{
	pthread_mutex_lock(&s->lock);
	memset(&s->limits, 0, sizeof(s->limits));
	pthread_mutex_unlock(&s->lock);
}

/* ---------------------------------------------------------------- GET /limits */

/* Behaviour of one key. */
typedef enum limit_kind
{
	K_FIXED,   /* nothing here uses it */
	K_API,	   /* counted, with the numbers of each connected app */
	K_BATCHES, /* likewise */
	K_JOBS,	   /* counted */
	K_FILES,
	K_DATA, /* follows the number of rows */
	K_APPS, /* not used, with the numbers of each connected app */
	K_PERMS /* has a nested limit of its own */
} limit_kind;

/* The keys of an org of 2020 to 2025, in the order of the wire, with what an org of this size has. */
static const struct
{
	const char *name;
	int64_t max;
	int64_t used;
	limit_kind kind;
} limit_keys[] = {
	{"AnalyticsExternalDataSizeMB", 40960, 0, K_FIXED},
	{"BOZosCalloutHourlyLimit", 20000, 0, K_FIXED},
	{"ConcurrentAsyncGetReportInstances", 200, 0, K_FIXED},
	{"ConcurrentEinsteinDataInsightsStoryCreation", 5, 0, K_FIXED},
	{"ConcurrentEinsteinDiscoveryStoryCreation", 2, 0, K_FIXED},
	{"ConcurrentSyncReportRuns", 20, 0, K_FIXED},
	{"DailyAnalyticsDataflowJobExecutions", 60, 0, K_FIXED},
	{"DailyAnalyticsUploadedFilesSizeMB", 51200, 0, K_FIXED},
	{"DailyApiRequests", 0, 0, K_API},
	{"DailyAsyncApexExecutions", 250000, 0, K_FIXED},
	{"DailyBulkApiBatches", 0, 0, K_BATCHES},
	{"DailyBulkV2QueryFileStorageMB", 0, 0, K_FILES},
	{"DailyBulkV2QueryJobs", 0, 0, K_JOBS},
	{"DailyDurableGenericStreamingApiEvents", 10000, 0, K_FIXED},
	{"DailyDurableStreamingApiEvents", 10000, 0, K_FIXED},
	{"DailyEinsteinDataInsightsStoryCreation", 1000, 0, K_FIXED},
	{"DailyEinsteinDiscoveryPredictAPICalls", 50000, 0, K_FIXED},
	{"DailyEinsteinDiscoveryPredictionsByCDC", 500000, 0, K_FIXED},
	{"DailyEinsteinDiscoveryStoryCreation", 100, 0, K_FIXED},
	{"DailyGenericStreamingApiEvents", 10000, 0, K_APPS},
	{"DailyManagedContentPublicRequests", 50000, 0, K_FIXED},
	{"DailyStandardVolumePlatformEvents", 10000, 0, K_FIXED},
	{"DailyStreamingApiEvents", 10000, 0, K_APPS},
	{"DailyWorkflowEmails", 405, 0, K_FIXED},
	{"DataStorageMB", 1024, 0, K_DATA},
	{"DurableStreamingApiConcurrentClients", 20, 0, K_FIXED},
	{"FileStorageMB", 1024, 0, K_FIXED},
	{"HourlyAsyncReportRuns", 1200, 0, K_FIXED},
	{"HourlyDashboardRefreshes", 200, 0, K_FIXED},
	{"HourlyDashboardResults", 5000, 0, K_FIXED},
	{"HourlyDashboardStatuses", 999999999, 0, K_FIXED},
	{"HourlyLongTermIdMapping", 100000, 0, K_FIXED},
	{"HourlyODataCallout", 1000, 0, K_FIXED},
	{"HourlyPublishedPlatformEvents", 50000, 0, K_FIXED},
	{"HourlyPublishedStandardVolumePlatformEvents", 1000, 0, K_FIXED},
	{"HourlyShortTermIdMapping", 100000, 0, K_FIXED},
	{"HourlySyncReportRuns", 500, 0, K_FIXED},
	{"HourlyTimeBasedWorkflow", 50, 0, K_FIXED},
	{"MassEmail", 10, 0, K_FIXED},
	{"MonthlyEinsteinDiscoveryStoryCreation", 500, 0, K_FIXED},
	{"MonthlyPlatformEventsUsageEntitlement", 0, 0, K_FIXED},
	{"Package2VersionCreates", 6, 0, K_FIXED},
	{"Package2VersionCreatesWithoutValidation", 500, 0, K_FIXED},
	{"PermissionSets", 1500, 4, K_PERMS},
	{"PrivateConnectOutboundCalloutHourlyLimitMB", 0, 0, K_FIXED},
	{"SingleEmail", 15, 0, K_FIXED},
	{"StreamingApiConcurrentClients", 20, 0, K_FIXED},
};

/* The connected apps that every org has; each has limits of its own, all zero. */
static const char *const apps[] = {
	"Ant Migration Tool",			"Dataloader Bulk",
	"Dataloader Partner",			"Force.com IDE",
	"Salesforce Mobile Dashboards", "Salesforce Touch",
	"Salesforce for Outlook",		"Workbench",
};

/* Storage that the rows take. */
static int64_t
data_mb(srv *s)
{
	int n;
	const sim_object *const *list = sim_object_list(&n);
	int64_t rows = 0;

	for (int i = 0; i < n; i++)
		rows += sim_org_row_count(s->org, list[i]);
	return rows * ROW_KB / 1024;
}

void
rest_limits(srv_request *req)
{
	srv *s = req->srv;
	sim_buf *b = srv_json(req, 200);

	sim_buf_char(b, '{');
	for (size_t i = 0; i < sizeof(limit_keys) / sizeof(*limit_keys); i++)
	{
		limit_kind kind = limit_keys[i].kind;
		int64_t max = limit_keys[i].max;
		int64_t used = limit_keys[i].used;

		if (kind == K_API || kind == K_BATCHES || kind == K_JOBS || kind == K_FILES)
		{
			srv_limit what = kind == K_API		 ? LIMIT_API_REQUESTS
							 : kind == K_BATCHES ? LIMIT_BULK_BATCHES
							 : kind == K_JOBS	 ? LIMIT_QUERY_JOBS
												 : LIMIT_QUERY_FILE_KB;
			int64_t unit = kind == K_FILES ? 1024 : 1;

			max = srv_limits_max(s, what) / unit;
			used = (srv_limits_used(s, what) + unit - 1) / unit;
		}
		else if (kind == K_DATA)
			used = data_mb(s);
		sim_buf_printf(b, "%s\"%s\":{\"Max\":%lld,\"Remaining\":%lld", i ? "," : "",
					   limit_keys[i].name, (long long) max,
					   (long long) (used < max ? max - used : 0));
		if (kind == K_API || kind == K_BATCHES || kind == K_APPS)
			for (size_t a = 0; a < sizeof(apps) / sizeof(*apps); a++)
				sim_buf_printf(b, ",\"%s\":{\"Max\":0,\"Remaining\":0}", apps[a]);
		if (kind == K_PERMS)
			sim_buf_str(b, ",\"CreateCustom\":{\"Max\":1000,\"Remaining\":996}");
		sim_buf_char(b, '}');
	}
	sim_buf_char(b, '}');
}

/* ---------------------------------------------------------------- GET /limits/recordCount */

/* Is the object in the comma list? */
static bool
listed(const char *names, const char *name)
{
	size_t want = strlen(name);

	for (const char *p = names; *p;)
	{
		size_t len = strcspn(p, ",");
		size_t from = strspn(p, " ");

		if (from < len && len - from == want && strncasecmp(p + from, name, want) == 0)
			return true;
		p += len + (p[len] == ',');
	}
	return false;
}

/*
 * The number that is told.  Real counts are taken now and then, so that they lag behind: with stale_counts
 * the one that was told first, or taken when the option was set, stays.
 */
static int64_t
told_count(srv *s, const sim_object *obj, int index)
{
	int64_t n = sim_org_row_count(s->org, obj);
	srv_counts *c = &s->counts;

	pthread_mutex_lock(&s->lock);
	if (!s->options.stale_counts || index >= SIM_MAX_OBJECTS)
		memset(c, 0, sizeof(*c));
	else if (c->known[index])
		n = c->n[index];
	else
	{
		c->known[index] = true;
		c->n[index] = n;
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

void
rest_record_count(srv_request *req)
{
	char *names = srv_param(req->query, "sObjects", NULL);
	sim_buf *b = srv_json(req, 200);
	const char *sep = "";
	int n;
	const sim_object *const *list = sim_object_list(&n);

	sim_buf_str(b, "{\"sObjects\":[");
	for (int i = 0; i < n; i++)
	{
		const char *name = sim_object_name(list[i]);
		int64_t count;

		/* unknown names are left out, not refused, and so are objects without rows */
		if (names && !listed(names, name))
			continue;
		count = told_count(req->srv, list[i], i);
		if (count == 0)
			continue;
		sim_buf_printf(b, "%s{\"count\":%lld,\"name\":\"%s\"}", sep, (long long) count, name);
		sep = ",";
	}
	sim_buf_str(b, "]}");
	free(names);
}
