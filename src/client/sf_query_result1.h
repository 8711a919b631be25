/*
 * sf_query_result1.h
 *		The rows of a query job of Bulk API 1.0 (level 3).
 *
 * Sources: Bulk API guide, asynch_api_batches_get_results, asynch_api_using_bulk_query_get_results.
 *
 * It is told which batches are Completed, asks each for the list of its result files, and has the files read,
 * several at a time, by sf_query_job_pages: while later batches still run.  What makes it whole: the files of
 * each batch have its numberRecordsProcessed together.
 */
#ifndef SF_QUERY_RESULT1_H
#define SF_QUERY_RESULT1_H

#include "sf_bulk1.h"
#include "sf_query_job_pages.h"

typedef struct sf_query_result1 sf_query_result1;

typedef struct sf_query_result1_spec
{
	const char *api_version; /* must be the one the job was created with */
	const char *job_id;
	const char *const *columns; /* names in the order of the rows; copied */
	int ncolumns;
	int streams; /* 1..SF_STREAMS_MAX */
	int max_retries;
	bool no_threads; /* as in sf_query_pages_spec */
} sf_query_result1_spec;

/* No request leaves yet.  NULL with *err filled. */
extern sf_query_result1 *
sf_query_result1_start(sf_http *h, const sf_query_result1_spec *spec, sf_error *err);

/* One more batch, which is Completed; each once.  SF_OK, or SF_FAILED. */
extern sf_status
sf_query_result1_add(sf_query_result1 *r, const sf_bulk1_batch *batch, sf_error *err);

/* All batches were added. */
extern void sf_query_result1_end(sf_query_result1 *r);

/* Looks after lists and downloads.  SF_WAIT, or SF_FAILED. */
extern sf_status sf_query_result1_step(sf_query_result1 *r, sf_error *err);

/* The next row as in sf_query_next_row; SF_DONE only after sf_query_result1_end. */
extern sf_status
sf_query_result1_next_row(sf_query_result1 *r, sf_value **values, sf_error *err);

/* Back to before the first row; what is known of batches and files stays. */
extern sf_status sf_query_result1_rewind(sf_query_result1 *r, sf_error *err);

/* pages are files. */
extern void sf_query_result1_get_info(const sf_query_result1 *r, sf_query_pages_info *info);

/* Drops all downloads.  NULL is fine. */
extern void sf_query_result1_free(sf_query_result1 *r);

#endif /* SF_QUERY_RESULT1_H */
