/*
 * sf_job_info.h
 *		One bulk job of the org, of any family: how it stands, aborting and deleting it (level 3).
 *
 * Sources: Bulk API 2.0 guide, get_job_info, query_get_one_job, close_job, query_abort_job, delete_job,
 * query_delete_job; Bulk API guide, asynch_api_jobs_get_details, asynch_api_jobs_abort; recordings.
 */
#ifndef SF_JOB_INFO_H
#define SF_JOB_INFO_H

#include "sf_http.h"

typedef struct sf_job_info sf_job_info;

/* As sf_job_ask_start and so on of sf_client_org.h. */
extern sf_job_info *
sf_job_info_start(sf_http *h, const char *api_version, sf_job_family family,
				  const char *job_id, sf_job_action action, sf_error *err);
extern sf_status
sf_job_info_check(sf_job_info *i, const sf_job_detail **detail, sf_error *err);
extern void sf_job_info_free(sf_job_info *i);

#endif /* SF_JOB_INFO_H */
