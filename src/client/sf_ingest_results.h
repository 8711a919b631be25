/*
 * sf_ingest_results.h
 *		A result file of an ingest job (level 3): what was saved, refused, not processed.
 *
 * Sources: Bulk API 2.0 guide, get_job_successful_results, get_job_failed_results,
 * get_job_unprocessed_results; recordings of real orgs.
 */
#ifndef SF_INGEST_RESULTS_H
#define SF_INGEST_RESULTS_H

#include "sf_http.h"

typedef struct sf_ingest_results sf_ingest_results;

/* Queues the download.  Texts are copied.  NULL with *err filled. */
extern sf_ingest_results *
sf_ingest_results_start(sf_http *h, const char *api_version, const char *job_id,
						sf_result_kind kind, int max_retries, sf_error *err);

/* The same for any file of CSV with a header row: url is below the base, doing completes "could not …". */
extern sf_ingest_results *
sf_ingest_results_open(sf_http *h, const char *url, const char *doing, const char *job_id,
					   int max_retries, sf_error *err);

/* As sf_results_next, sf_results_ncolumns, sf_results_column of sf_client.h. */
extern sf_status
sf_ingest_results_next(sf_ingest_results *r, sf_value **values, sf_error *err);
extern int sf_ingest_results_ncolumns(const sf_ingest_results *r);
extern const char *sf_ingest_results_column(const sf_ingest_results *r, int i);

/* Requests that reached the server. */
extern int sf_ingest_results_calls(const sf_ingest_results *r);

extern void sf_ingest_results_free(sf_ingest_results *r);

#endif /* SF_INGEST_RESULTS_H */
