/*
 * sf_query_job1.h
 *		A query job of Bulk API 1.0 from its creation to its end (level 3).
 *
 * Sources: Bulk API guide, asynch_api_using_bulk_query, async_api_headers_enable_pk_chunking,
 * asynch_api_batches_interpret_status; Salesforce knowledge article 000213703; sf_bulk1.h.
 *
 * One batch has the query.  With PK chunking Salesforce makes a batch of each range of ids out of it: the
 * first one becomes NotProcessed when all of them are there.  Batches can be read as soon as they are
 * Completed; that there are no further ones is known when the job is complete.  It cannot be deleted: its
 * end is to be closed, or aborted.
 */
#ifndef SF_QUERY_JOB1_H
#define SF_QUERY_JOB1_H

#include "sf_bulk1.h"
#include "sf_query_job.h"

/* Most ids of a chunk. */
#define SF_CHUNK_SIZE_MAX 250000

typedef struct sf_query_job1 sf_query_job1;

typedef struct sf_query_job1_spec
{
	const char *soql;
	const char *api_version; /* "62.0" */
	bool query_all;
	int chunk_size; /* PK chunking, where the query admits it; 0 is none */
	const char
		*chunk_parent; /* the object whose ids divide a share or history table; or NULL */
	int poll_interval_max_ms;
	int64_t timeout_ms; /* from creation to completion; 0 is none */
	int max_retries;
} sf_query_job1_spec;

/* Queues the creation.  The spec is copied as far as needed.  NULL with *err filled. */
extern sf_query_job1 *
sf_query_job1_start(sf_http *h, const sf_query_job1_spec *spec, sf_error *err);

/*
 * Moves it on: SF_WAIT (and asks to be woken for the next poll), SF_OK when all batches are there and
 * Completed, SF_FAILED (job id in *err once it is known): also when a single batch failed, or when the
 * batches have not as many rows as the job says.  Polls go by sf_job_poll_interval.
 */
extern sf_status sf_query_job1_step(sf_query_job1 *job, sf_error *err);

/*
 * The next batch that is Completed and has rows, each once, in Salesforce's order as far as they end in it;
 * NULL when there is none now.  Of a complete job that has no rows, every batch.  Valid until the next step.
 */
extern const sf_bulk1_batch *sf_query_job1_next_batch(sf_query_job1 *job);

/* records is the sum of all batches. */
extern const sf_query_job_info *sf_query_job1_get_info(const sf_query_job1 *job);

/* As of sf_query_job.h; what is left of the job is aborted, or closed when it is complete. */
extern void sf_query_job1_discard(sf_query_job1 *job);
extern sf_status sf_query_job1_cleanup_step(sf_query_job1 *job, sf_error *err);
extern bool sf_query_job1_take_warning(sf_query_job1 *job, sf_error *err);
extern void sf_query_job1_free(sf_query_job1 *job);

#endif /* SF_QUERY_JOB1_H */
