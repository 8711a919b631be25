/*
 * sf_ingest_job_text.h
 *		Words that ingest jobs of both bulk APIs share: operations, and what is said when something
 *		goes wrong (level 3, part of sf_ingest_job).
 */
#ifndef SF_INGEST_JOB_TEXT_H
#define SF_INGEST_JOB_TEXT_H

#include "sf_ingest_job.h"

/* The operation as both Bulk APIs call it. */
extern const char *sf_ingest_operation_name(sf_operation operation);

/* An answer of Salesforce itself that says no, and would say it again. */
extern bool sf_ingest_is_refusal(const sf_error *why);

/*
 * *err: what went wrong when rows may have been saved, which its message begins with.  how says why they
 * may ("The job was closed").  Returns SF_FAILED.
 */
extern sf_status
sf_ingest_unknown(const sf_error *why, const char *job_id, const char *how, sf_error *err);

/* *err: the job has ended in Salesforce, aborted or for the reason of message (NULL for none). */
extern void sf_ingest_failure(const sf_ingest_job_info *info, bool aborted,
							  const char *message, sf_error *err);

/*
 * The warning that rows may have been saved: how says why ("The job was closed already"), gone what has become
 * of it since ("somebody has deleted it"; NULL: it was aborted).
 */
extern void
sf_ingest_saved_warning(const char *job_id, const char *how, const char *gone, sf_error *err);

/* The warning that creations were lost so many times. */
extern void sf_ingest_orphan_warning(int orphans, sf_error *err);

/*
 * The warning that a job could not be aborted or deleted ("abort") in time, which somebody can do ("aborted");
 * how says why rows may have been saved, NULL when none were.
 */
extern void sf_ingest_late_warning(const char *job_id, const char *what, const char *done,
								   const char *how, sf_error *err);

#endif /* SF_INGEST_JOB_TEXT_H */
