/*
 * sf_job_list.h
 *		The bulk jobs of the org (level 3): GET /jobs/ingest and /jobs/query, page after page.
 *
 * Source: Bulk API 2.0 guide, get_all_jobs, query_get_all_jobs; recordings of real orgs.
 */
#ifndef SF_JOB_LIST_H
#define SF_JOB_LIST_H

#include "sf_http.h"

typedef struct sf_job_list sf_job_list;

/* Queues the first request.  NULL with *err filled. */
extern sf_job_list *
sf_job_list_start(sf_http *h, const char *api_version, sf_job_family family, sf_error *err);

/* As sf_jobs_next of sf_client.h. */
extern sf_status sf_job_list_next(sf_job_list *l, const sf_job_entry **entry, sf_error *err);

extern void sf_job_list_free(sf_job_list *l);

#endif /* SF_JOB_LIST_H */
