/*
 * sf_job.h
 *		What the jobs of Bulk API 2.0, for queries and for data, have in common, above the formats
 *		and below HTTP (level 1).  Pure functions.
 */
#ifndef SF_JOB_H
#define SF_JOB_H

#include "sf_status.h"

/*
 * Milliseconds to wait before the poll that follows npolls others: 20 at first, then doubling up to
 * max_ms; after the eleventh three times that, so that ten minutes take at most 30 polls with the
 * default of 10 s.
 */
extern int64_t sf_job_poll_interval(int npolls, int max_ms);

/*
 * Takes an id out of an answer; false when it is malformed.  It becomes part of paths and messages,
 * so it is checked although Salesforce sends it.
 */
extern bool sf_job_take_id(const char *id, char out[SF_JOB_ID_MAX]);

/*
 * Takes the id out of the answer to a job's creation.  what names the answer in errors.  SF_OK, or
 * SF_FAILED (SF_ERR_PROTOCOL): no JSON, no id, a malformed one.
 */
extern sf_status sf_job_read_creation(const char *body, size_t len, const char *what,
									  char out[SF_JOB_ID_MAX], sf_error *err);

/*
 * Takes the code out of the errorMessage of a failed job into err->code: of "InvalidBatch : Failed to
 * process query: QUERY_TIMEOUT: Your query …" the first all-upper-case word with a colon behind it.
 */
extern void sf_job_code_from_text(const char *text, sf_error *err);

/* The state of the job does not allow what was asked for: it is finished already, or closed. */
extern bool sf_job_wrong_state(const sf_error *err);

#endif /* SF_JOB_H */
