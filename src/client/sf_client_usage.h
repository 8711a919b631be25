/*
 * sf_client_usage.h
 *		What a session spends and what it hears of the org's limits: a part of sf_client.h, which includes it.
 */
#ifndef SF_CLIENT_USAGE_H
#define SF_CLIENT_USAGE_H

/* Milliseconds since the header came that sf_session_api_usage tells of. */
extern int64_t sf_session_api_usage_age(const sf_session *s);

/* Quotas of a day that only GET /limits tells of. */
typedef enum sf_quota
{
	SF_QUOTA_QUERY_JOBS,	 /* DailyBulkV2QueryJobs */
	SF_QUOTA_QUERY_FILES_MB, /* DailyBulkV2QueryFileStorageMB */
	SF_QUOTA_BATCHES,		 /* DailyBulkApiBatches */
	SF_QUOTA_COUNT
} sf_quota;

/*
 * What the last answer of sf_limits said of a quota, whoever asked, and how long ago that was; false when
 * nobody has asked on this session or the org did not say.
 */
extern bool sf_session_quota(const sf_session *s, sf_quota which, int64_t *max,
							 int64_t *remaining, int64_t *age_ms);

/* What was spent for an object. */
typedef struct sf_usage
{
	char
		object[SF_OBJECT_MAX]; /* as queries and statements spell it; "" for none, as logins */
	int64_t api_calls;		   /* requests that have left, each attempt; logins are none */
	int64_t logins;
	int64_t query_jobs;
	int64_t ingest_jobs;
	int64_t
		batches; /* of the daily quota: one for each 10,000 rows of a 2.0 ingest job, those of 1.0 jobs */
	int64_t result_bytes;	/* CSV text that was read of query jobs */
	int64_t bytes_sent;		/* bodies, as they went over the network */
	int64_t bytes_received; /* … and came */
} sf_usage;

/*
 * Hands out what was spent for one object since the last time, and starts anew from zero; false when
 * there is nothing more.  A request counts when it is over.
 */
extern bool sf_session_take_usage(sf_session *s, sf_usage *usage);

#endif /* SF_CLIENT_USAGE_H */
