/*
 * sf_client_jobs.c
 *		What ended queries leave in the org: jobs that a session aborts and deletes, or ends.
 */
#include "sf_client_session.h"

/* ---- Bulk API 2.0 ------------------------------------------------------------------ */

static sf_status
job_remains_step(void *job, sf_error *err)
{
	return sf_query_job_cleanup_step(job, err);
}

static bool
job_remains_warning(void *job, sf_error *err)
{
	return sf_query_job_take_warning(job, err);
}

static void
job_remains_give_up(const void *job, sf_error *err)
{
	const char *id = sf_query_job_get_info(job)->id;

	sf_error_set(err, SF_ERR_TIMEOUT, "could not delete query job%s%s in time",
				 id[0] != '\0' ? " " : "", id);
	sf_error_hint(err, "Salesforce deletes it after 7 days; it can be deleted before in "
					   "Setup, Bulk Data Load Jobs.");
	sf_error_job(err, id);
}

static void
job_remains_free(void *job)
{
	sf_query_job_free(job);
}

static const sf_remains_kind job_remains = {job_remains_step, job_remains_warning,
											job_remains_give_up, job_remains_free};

void
sf_session_discard_job(sf_session *s, sf_query_job *job)
{
	sf_query_job_discard(job);
	sf_session_discard(s, &job_remains, job);
}

/* ---- Bulk API 1.0, whose jobs cannot be deleted ------------------------------------ */

static sf_status
job1_remains_step(void *job, sf_error *err)
{
	return sf_query_job1_cleanup_step(job, err);
}

static bool
job1_remains_warning(void *job, sf_error *err)
{
	return sf_query_job1_take_warning(job, err);
}

static void
job1_remains_give_up(const void *job, sf_error *err)
{
	const char *id = sf_query_job1_get_info(job)->id;

	sf_error_set(err, SF_ERR_TIMEOUT, "could not end query job%s%s in time",
				 id[0] != '\0' ? " " : "", id);
	sf_error_hint(err, "Salesforce ends it after 7 days; it can be aborted before in "
					   "Setup, Bulk Data Load Jobs.");
	sf_error_job(err, id);
}

static void
job1_remains_free(void *job)
{
	sf_query_job1_free(job);
}

static const sf_remains_kind job1_remains = {job1_remains_step, job1_remains_warning,
											 job1_remains_give_up, job1_remains_free};

void
sf_session_discard_job1(sf_session *s, sf_query_job1 *job)
{
	sf_query_job1_discard(job);
	sf_session_discard(s, &job1_remains, job);
}
