/*
 * sf_ingest_job.h
 *		A Bulk API 2.0 ingest job from its creation to its deletion (level 3).
 *
 * Sources: Bulk API 2.0 guide, create_job, upload_job_data, close_job, get_job_info, delete_job;
 * recordings of real orgs.
 *
 * One object makes one job and at most one PUT on it: a second one would be accepted and spoil the job.
 * When the PUT fails without a refusal that would come again, its owner discards this object and
 * starts another with the data's first byte (sf_ingest_job_may_restart); nothing of a job that was
 * not closed is ever saved.
 */
#ifndef SF_INGEST_JOB_H
#define SF_INGEST_JOB_H

#include "sf_http.h"

typedef struct sf_ingest_job sf_ingest_job;

typedef struct sf_ingest_job_spec
{
	const sf_ingest_spec *what;
	const char *api_version; /* "62.0" */
	int max_retries;
	int nfailed; /* attempts made before: start with that back-off */
} sf_ingest_job_spec;

typedef struct sf_ingest_job_info
{
	char id[SF_JOB_ID_MAX]; /* "" before it is known */
	bool acknowledged;		/* the whole upload has arrived */
	bool closed;			/* a close has left that was not refused */
	bool ended;				/* JobComplete, Failed or Aborted */
	int64_t processed;
	int64_t failed;
	int64_t bytes;	   /* given to the upload */
	int64_t rows;	   /* of batches that were added; Bulk API 1.0 only */
	int64_t rest;	   /* offset of the first row that is in none, for another job; 0: none */
	int64_t server_ms; /* totalProcessingTime */
	int64_t job_ms;	   /* from the close to completion */
	int polls;
	sf_http_cost cost; /* of all its finished requests */
} sf_ingest_job_info;

/* Queues the creation.  The spec is copied as far as needed.  NULL with *err filled. */
extern sf_ingest_job *
sf_ingest_job_start(sf_http *h, const sf_ingest_job_spec *spec, sf_error *err);

/* Offset of the byte that it wants next; -1 when it wants no more. */
extern int64_t sf_ingest_job_wanted(const sf_ingest_job *job);

/* Gives data from there on; returns the bytes that were taken, 0 while there is no room. */
extern size_t sf_ingest_job_feed(sf_ingest_job *job, const char *data, size_t len);

/* Says how many bytes there are in all. */
extern void sf_ingest_job_end(sf_ingest_job *job, int64_t total);

/* Closes it once everything has arrived. */
extern void sf_ingest_job_commit(sf_ingest_job *job);

/*
 * Moves it on: SF_WAIT (and asks to be woken for the next poll); SF_OK when all data has arrived and
 * it waits for sf_ingest_job_commit, or is complete; SF_FAILED (job id in *err once it is known).
 * An error after the close says that it is not known what was saved, where it is not.
 */
extern sf_status sf_ingest_job_step(sf_ingest_job *job, sf_error *err);

/* After SF_FAILED: its upload failed, and another job may do better. */
extern bool sf_ingest_job_may_restart(const sf_ingest_job *job);

/* It is complete over there. */
extern bool sf_ingest_job_is_complete(const sf_ingest_job *job);

/* A close is under way, or what became of it is being asked. */
extern bool sf_ingest_job_is_closing(const sf_ingest_job *job);

extern const sf_ingest_job_info *sf_ingest_job_get_info(const sf_ingest_job *job);

/*
 * From now on the job only wants to be gone: what is not closed is aborted and deleted, what is closed
 * and has not ended is aborted and stays, with a warning, since rows may have been saved; what has
 * ended is deleted, unless keep.  A creation that has left is waited for.  No network I/O here.
 */
extern void sf_ingest_job_discard(sf_ingest_job *job, bool keep);

/*
 * Moves the clean-up on: SF_WAIT, SF_DONE when nothing is left to be done, SF_FAILED with a warning
 * in *err.
 */
extern sf_status sf_ingest_job_cleanup_step(sf_ingest_job *job, sf_error *err);

/*
 * Warnings that are due even when all went well: rows may have been saved, a lost answer may have left
 * a job whose id nobody knows.  False when there is none; gives each once.
 */
extern bool sf_ingest_job_take_warning(sf_ingest_job *job, sf_error *err);

/* The warning for a clean-up that did not end in time. */
extern void sf_ingest_job_give_up(const sf_ingest_job *job, sf_error *err);

/* Frees it in whatever state, without network I/O.  NULL is fine. */
extern void sf_ingest_job_free(sf_ingest_job *job);

#endif /* SF_INGEST_JOB_H */
