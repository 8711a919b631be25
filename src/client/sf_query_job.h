/*
 * sf_query_job.h
 *		A Bulk API 2.0 query job from its creation to its deletion (level 3).
 *
 * Sources: Bulk API 2.0 guide, query_create_job, query_get_one_job, query_abort_job,
 * query_delete_job; recordings of real orgs.  Its result is read by sf_query_job_pages.
 */
#ifndef SF_QUERY_JOB_H
#define SF_QUERY_JOB_H

#include "sf_http.h"

typedef struct sf_query_job sf_query_job;

typedef struct sf_query_job_spec
{
	const char *soql;
	const char *api_version; /* "62.0" */
	bool query_all;
	int poll_interval_max_ms;
	int64_t timeout_ms; /* from creation to completion; 0 is none */
	int max_retries;
} sf_query_job_spec;

typedef struct sf_query_job_info
{
	char id[SF_JOB_ID_MAX]; /* "" before it is known */
	bool begun;				/* it was not in the queue any more, as the last poll said */
	bool complete;
	int64_t records;   /* numberRecordsProcessed; -1 before it is known */
	int64_t server_ms; /* totalProcessingTime */
	int64_t job_ms;	   /* from the creation's answer to completion */
	int64_t queued_ms; /* … to the beginning of work on it */
	int polls;
	sf_http_cost cost; /* of all its finished requests */
} sf_query_job_info;

/* Queues the creation.  The spec is copied as far as needed.  NULL with *err filled. */
extern sf_query_job *
sf_query_job_start(sf_http *h, const sf_query_job_spec *spec, sf_error *err);

/*
 * Moves it on: SF_WAIT (and asks to be woken for the next poll), SF_OK when the job is complete,
 * SF_FAILED (job id in *err once it is known).
 *
 * Polls go by sf_job_poll_interval.
 */
extern sf_status sf_query_job_step(sf_query_job *job, sf_error *err);

extern const sf_query_job_info *sf_query_job_get_info(const sf_query_job *job);

/*
 * True when a creation failed because bulk does not do what the query asks for, though REST may:
 * unsupported objects, compound fields, aggregates (Bulk API 2.0 guide, "SOQL Considerations").
 */
extern bool sf_query_job_is_unsupported(const sf_error *err);

/*
 * From now on the job only wants to be gone: an unfinished one is aborted, then it is deleted.
 * A creation that has left is waited for, one that has not is dropped.  No network I/O here.
 */
extern void sf_query_job_discard(sf_query_job *job);

/*
 * Moves the clean-up on: SF_WAIT, SF_DONE when nothing of the job is left, SF_FAILED with a
 * warning in *err.
 */
extern sf_status sf_query_job_cleanup_step(sf_query_job *job, sf_error *err);

/*
 * A warning that is due even when all went well: a lost answer may have left a job whose id
 * nobody knows.  False when there is none; gives it once.
 */
extern bool sf_query_job_take_warning(sf_query_job *job, sf_error *err);

/* Frees it in whatever state, without network I/O.  NULL is fine. */
extern void sf_query_job_free(sf_query_job *job);

#endif /* SF_QUERY_JOB_H */
