/*
 * sf_ingest_results_bulk1.h
 *		What became of the rows of a Bulk API 1.0 ingest job (level 3, part of sf_ingest_results).
 *
 * Source: Bulk API guide (api_asynch), "Get Batch Results", "Get a Batch Request": a batch's result has one row
 * for each row that was sent, in their order, and its request is what was sent.  The two are read side by side,
 * which gives the files of Bulk API 2.0, and besides the number of each row.
 */
#ifndef SF_INGEST_RESULTS_BULK1_H
#define SF_INGEST_RESULTS_BULK1_H

#include "sf_bulk1.h"
#include "sf_ingest_results.h"

typedef struct sf_ingest_results1 sf_ingest_results1;

/* A batch to be read; plain data. */
typedef struct sf_results_batch
{
	char id[SF_JOB_ID_MAX];
	sf_bulk1_state state;
	int64_t processed;
	int64_t failed;
	int64_t rows; /* that were sent; -1 where it is not known */
} sf_results_batch;

/*
 * Texts and batches are copied.  batches NULL: the job is asked for them.  NULL with *err filled.
 */
extern sf_ingest_results1 *
sf_ingest_results1_start(sf_http *h, const char *api_version, const char *job_id,
						 sf_result_kind kind, const sf_results_batch *batches, int nbatches,
						 int max_retries, sf_error *err);

/* As their namesakes of sf_ingest_results.h; the number of the last row in the job, or 0. */
extern sf_status
sf_ingest_results1_next(sf_ingest_results1 *r, sf_value **values, sf_error *err);
extern int sf_ingest_results1_ncolumns(const sf_ingest_results1 *r);
extern const char *sf_ingest_results1_column(const sf_ingest_results1 *r, int i);
extern int64_t sf_ingest_results1_row(const sf_ingest_results1 *r);
extern int sf_ingest_results1_calls(const sf_ingest_results1 *r);
extern void sf_ingest_results1_free(sf_ingest_results1 *r);

#endif /* SF_INGEST_RESULTS_BULK1_H */
