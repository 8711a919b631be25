/*
 * sf_job_info.c
 *		One bulk job of the org: how it stands, aborting and deleting it.
 */
#include "sf_job_info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sf_bulk1.h"
#include "sf_job.h"
#include "sf_json.h"

struct sf_job_info
{
	sf_http_request *req;
	sf_job_action action;
	bool classic;
	sf_bulk1_where where; /* classic */
	sf_bulk1_job job;	  /* its answer, which detail points into */
	sf_json *answer;	  /* likewise of the others */
	bool read;			  /* detail is filled */
	sf_job_detail detail;
	sf_error error; /* what it failed with */
};

static sf_http_request *
start_classic(sf_job_info *i, sf_error *err)
{
	switch (i->action)
	{
		case SF_JOB_ASK:
			return sf_bulk1_ask_job(&i->where, err);
		case SF_JOB_ABORT:
			return sf_bulk1_set_state(&i->where, "Aborted", 0, err);
		case SF_JOB_DELETE:
			break;
	}
	sf_error_set(err, SF_ERR_CONFIG, "job %s is one of Bulk API 1.0, which deletes no job",
				 i->where.job_id);
	sf_error_hint(err, "Salesforce deletes it itself, 7 days after its end.");
	return NULL;
}

static sf_http_request *
start_job(const sf_job_info *i, sf_job_family family, sf_error *err)
{
	static const char aborted[] = "{\"state\":\"Aborted\"}";
	const char *noun = family == SF_JOBS_QUERY ? "query job" : "ingest job";
	char url[96];
	char doing[64];
	sf_http_spec spec = {.url = url, .doing = doing, .retry = SF_RETRY_HARMLESS};

	snprintf(url, sizeof(url), "/services/data/v%s/jobs/%s/%s", i->where.api_version,
			 family == SF_JOBS_QUERY ? "query" : "ingest", i->where.job_id);
	switch (i->action)
	{
		case SF_JOB_ASK:
			spec.method = SF_HTTP_GET;
			snprintf(doing, sizeof(doing), "ask for %s %s", noun, i->where.job_id);
			break;
		case SF_JOB_ABORT:
			spec.method = SF_HTTP_PATCH;
			spec.body = aborted;
			spec.body_len = sizeof(aborted) - 1;
			spec.content_type = "application/json; charset=UTF-8";
			snprintf(doing, sizeof(doing), "abort %s %s", noun, i->where.job_id);
			break;
		case SF_JOB_DELETE:
			spec.method = SF_HTTP_DELETE;
			snprintf(doing, sizeof(doing), "delete %s %s", noun, i->where.job_id);
			break;
	}
	return sf_http_start(i->where.http, &spec, err);
}

sf_job_info *
sf_job_info_start(sf_http *h, const char *api_version, sf_job_family family,
				  const char *job_id, sf_job_action action, sf_error *err)
{
	sf_job_info *i = calloc(1, sizeof(*i));

	if (i == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	i->action = action;
	i->classic = family == SF_JOBS_CLASSIC;
	i->where.http = h;
	i->where.noun = "job";
	snprintf(i->where.api_version, sizeof(i->where.api_version), "%s", api_version);
	if (!sf_job_take_id(job_id, i->where.job_id))
		sf_error_set(err, SF_ERR_CONFIG, "invalid job id \"%.40s\"", job_id);
	else
		i->req = i->classic ? start_classic(i, err) : start_job(i, family, err);
	if (i->req == NULL)
	{
		free(i);
		return NULL;
	}
	return i;
}

void
sf_job_info_free(sf_job_info *i)
{
	if (i == NULL)
		return;
	sf_http_end(i->req);
	sf_json_free(i->answer);
	free(i);
}

static void
forget(sf_job_detail *d)
{
	*d = (sf_job_detail){.processed = -1,
						 .failed = -1,
						 .retries = -1,
						 .total_ms = -1,
						 .api_ms = -1,
						 .apex_ms = -1,
						 .batches = -1,
						 .batches_failed = -1};
}

static sf_status
read_classic(sf_job_info *i, sf_error *err)
{
	sf_job_detail *d = &i->detail;
	const sf_bulk1_job *job = &i->job;

	if (sf_bulk1_read_job(&i->where, i->req, &i->job, err) != SF_OK)
		return SF_FAILED;
	d->state = job->state;
	d->processed = job->processed;
	d->failed = job->failed;
	d->retries = job->retries;
	d->total_ms = job->server_ms;
	d->api_ms = job->api_ms;
	d->apex_ms = job->apex_ms;
	d->batches = job->batches_total;
	d->batches_failed = job->batches_failed;
	return SF_OK;
}

static sf_status
read_job(sf_job_info *i, sf_error *err)
{
	static const char what[] = "state of a job";
	sf_job_detail *d = &i->detail;
	const sf_json_field fields[] = {
		{"operation", SF_FIELD_STRING, &d->operation, false},
		{"object", SF_FIELD_STRING, &d->object, false},
		{"state", SF_FIELD_STRING, &d->state, true},
		{"externalIdFieldName", SF_FIELD_STRING, &d->external_id_field, false},
		{"errorMessage", SF_FIELD_STRING, &d->error_message, false},
		{"numberRecordsProcessed", SF_FIELD_INT64, &d->processed, false},
		{"numberRecordsFailed", SF_FIELD_INT64, &d->failed, false},
		{"retries", SF_FIELD_INT64, &d->retries, false},
		{"totalProcessingTime", SF_FIELD_INT64, &d->total_ms, false},
		{"apiActiveProcessingTime", SF_FIELD_INT64, &d->api_ms, false},
		{"apexProcessingTime", SF_FIELD_INT64, &d->apex_ms, false},
	};
	size_t len;
	const char *body = sf_http_body(i->req, &len);

	i->answer = sf_json_parse(body, len, what, err);
	if (i->answer == NULL)
		return SF_FAILED;
	return sf_json_read(i->answer, what, fields, (int) (sizeof(fields) / sizeof(*fields)),
						err);
}

sf_status
sf_job_info_check(sf_job_info *i, const sf_job_detail **detail, sf_error *err)
{
	sf_status st;

	if (i->req != NULL)
	{
		st = sf_http_check(i->req, &i->error);
		if (st == SF_WAIT)
			return SF_WAIT;
		forget(&i->detail);
		if (st == SF_OK && i->action != SF_JOB_DELETE)
			st = i->classic ? read_classic(i, &i->error) : read_job(i, &i->error);
		i->read = st == SF_OK;
		sf_http_end(i->req);
		i->req = NULL;
	}
	if (i->read)
	{
		*detail = &i->detail;
		return SF_OK;
	}
	if (err != NULL && !sf_error_is_set(err))
		*err = i->error;
	return SF_FAILED;
}
