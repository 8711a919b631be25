/*
 * sf_ingest_job_bulk1.h
 *		A Bulk API 1.0 ingest job from its creation to its end (level 3, part of sf_ingest_job).
 *
 * Sources: Bulk API guide (api_asynch), "Create a New Job", "Add a Batch to a Job", "Interpret Batch State".
 *
 * The same interface as sf_ingest_job has, with what is another matter here:
 *
 *	- The data leaves in batches, one after the other, and Salesforce works on them while the job is still
 *	  Open.  So rows may have been saved as soon as the first has left (closed says so), and nothing of
 *	  it can wait for a commit.
 *	- A batch that failed is sent again in the same job, but only where it is certain that the first was not
 *	  added: it never was all sent, it was refused, or the job's list does not have it after the job was
 *	  closed, when nothing can be added any more.
 *	- Whatever stops it, batches that were added are looked at until they are final, so that what became of their
 *	  rows is known.
 *	- Jobs cannot be deleted: Salesforce does that 7 days later.
 */
#ifndef SF_INGEST_JOB_BULK1_H
#define SF_INGEST_JOB_BULK1_H

#include "sf_bulk1.h"
#include "sf_ingest_job.h"

typedef struct sf_ingest_job1 sf_ingest_job1;

/* A batch that was added, and what became of it. */
typedef struct sf_ingest_batch
{
	char id[SF_JOB_ID_MAX];
	sf_bulk1_state state;
	int64_t rows; /* that were sent */
	int64_t processed;
	int64_t failed;
} sf_ingest_batch;

/* Each as its namesake in sf_ingest_job.h. */
extern sf_ingest_job1 *
sf_ingest_job1_start(sf_http *h, const sf_ingest_job_spec *spec, sf_error *err);
extern int64_t sf_ingest_job1_wanted(const sf_ingest_job1 *job);
extern size_t sf_ingest_job1_feed(sf_ingest_job1 *job, const char *data, size_t len);
extern void sf_ingest_job1_end(sf_ingest_job1 *job, int64_t total);
extern sf_status sf_ingest_job1_step(sf_ingest_job1 *job, sf_error *err);
extern bool sf_ingest_job1_is_complete(const sf_ingest_job1 *job);
extern bool sf_ingest_job1_is_closing(const sf_ingest_job1 *job);
extern const sf_ingest_job_info *sf_ingest_job1_get_info(const sf_ingest_job1 *job);
extern void sf_ingest_job1_discard(sf_ingest_job1 *job);
extern sf_status sf_ingest_job1_cleanup_step(sf_ingest_job1 *job, sf_error *err);
extern bool sf_ingest_job1_take_warning(sf_ingest_job1 *job, sf_error *err);
extern void sf_ingest_job1_give_up(const sf_ingest_job1 *job, sf_error *err);
extern void sf_ingest_job1_free(sf_ingest_job1 *job);

/* No more data: what was added is seen to its end, what was not is left out.  It completes then. */
extern void sf_ingest_job1_stop(sf_ingest_job1 *job);

/* Rows that were added, or may have been: what there is to be known of the others is that they were not sent. */
extern int64_t sf_ingest_job1_rows(const sf_ingest_job1 *job);

/* The batches that were added, in the order of their rows; valid until the next step. */
extern const sf_ingest_batch *sf_ingest_job1_batches(const sf_ingest_job1 *job, int *n);

#endif /* SF_INGEST_JOB_BULK1_H */
