/*
 * sf_client_results.c
 *		Result files of ingest jobs, why rows were refused, and the list of jobs (level 4).
 */
#include "sf_client_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sf_ingest_results.h"
#include "sf_job.h"
#include "sf_job_info.h"
#include "sf_job_list.h"

struct sf_results
{
	sf_session *session;
	char job_id[SF_JOB_ID_MAX];
	sf_result_kind kind;
	sf_ingest_results *file;   /* of Bulk API 2.0, or … */
	sf_ingest_results1 *pairs; /* … of 1.0 */
	bool may_be_bulk1;		   /* nobody has said which it is, and no answer has told it */
	int calls;				   /* of what is over */
};

static sf_results *
new_results(sf_session *s, const char *job_id, sf_result_kind kind, sf_error *err)
{
	sf_results *r = calloc(1, sizeof(*r));

	if (r == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	sf_http_set_account_of_job(s->http, job_id);
	r->session = s;
	r->kind = kind;
	snprintf(r->job_id, sizeof(r->job_id), "%s", job_id);
	return r;
}

/* Frees what could not begin. */
static sf_results *
begun(sf_results *r)
{
	if (r->file != NULL || r->pairs != NULL)
		return r;
	sf_results_free(r);
	return NULL;
}

static void
start_pairs(sf_results *r, const sf_results_batch *batches, int nbatches, sf_error *err)
{
	sf_http_set_account_of_job(r->session->http, r->job_id);
	r->pairs =
		sf_ingest_results1_start(r->session->http, r->session->config.api_version, r->job_id,
								 r->kind, batches, nbatches, r->session->max_retries, err);
}

sf_results *
sf_results_start(sf_session *s, const char *job_id, sf_result_kind kind, sf_error *err)
{
	sf_results *r = new_results(s, job_id, kind, err);

	if (r == NULL)
		return NULL;
	r->may_be_bulk1 = true;
	r->file = sf_ingest_results_start(s->http, s->config.api_version, job_id, kind,
									  s->max_retries, err);
	return begun(r);
}

sf_results *
sf_results_start_bulk1(sf_session *s, const char *job_id, sf_result_kind kind, sf_error *err)
{
	sf_results *r = new_results(s, job_id, kind, err);

	if (r == NULL)
		return NULL;
	start_pairs(r, NULL, 0, err);
	return begun(r);
}

sf_results *
sf_results_start_ingest(sf_session *s, const sf_ingest *job, sf_result_kind kind,
						sf_error *err)
{
	sf_ingest_info info;
	sf_results_batch *batches;
	sf_results *r;

	sf_ingest_get_info(job, &info);
	if (info.rows < 0)
	{
		r = sf_results_start(s, info.job_id, kind, err);
		if (r != NULL)
			r->may_be_bulk1 = false;
		return r;
	}
	r = new_results(s, info.job_id, kind, err);
	batches = calloc((size_t) info.batches + 1, sizeof(*batches));
	if (r == NULL || batches == NULL)
	{
		sf_error_nomem(err);
		sf_results_free(r);
		free(batches);
		return NULL;
	}
	sf_ingest_copy_batches(job, batches);
	start_pairs(r, batches, info.batches, err);
	free(batches);
	return begun(r);
}

/* True when an answer says that there is no such job of Bulk API 2.0. */
static bool
is_not_found(const sf_error *why)
{
	return why->cls == SF_ERR_REMOTE && why->http_status >= 400 && why->http_status < 500 &&
		   !sf_job_wrong_state(why);
}

sf_status
sf_results_next(sf_results *r, sf_value **values, sf_error *err)
{
	sf_error why = {0};
	sf_status st;

	if (r->file == NULL)
		return sf_ingest_results1_next(r->pairs, values, err);
	if (r->pairs == NULL)
	{
		st = sf_ingest_results_next(r->file, values, err == NULL ? &why : err);
		if (st != SF_FAILED || !r->may_be_bulk1 || err == NULL || !is_not_found(err))
		{
			r->may_be_bulk1 = r->may_be_bulk1 && st == SF_WAIT;
			return st;
		}
		r->may_be_bulk1 = false;
		start_pairs(r, NULL, 0, &why);
		if (r->pairs == NULL)
			return SF_FAILED;
		sf_error_reset(err);
		return SF_WAIT;
	}

	/* it has failed as a job of 2.0: is it one of 1.0? */
	st = sf_ingest_results1_next(r->pairs, values, &why);
	if (st == SF_WAIT)
		return SF_WAIT;
	if (st == SF_FAILED && sf_job_wrong_state(&why))
	{
		if (err != NULL && !sf_error_is_set(err))
			*err = why;
		return SF_FAILED;
	}
	if (st == SF_FAILED)
		return sf_ingest_results_next(r->file, values, err); /* says again why */
	r->calls += sf_ingest_results_calls(r->file);
	sf_ingest_results_free(r->file);
	r->file = NULL;
	return st;
}

int
sf_results_ncolumns(const sf_results *r)
{
	return r->file != NULL ? sf_ingest_results_ncolumns(r->file)
						   : sf_ingest_results1_ncolumns(r->pairs);
}

const char *
sf_results_column(const sf_results *r, int i)
{
	return r->file != NULL ? sf_ingest_results_column(r->file, i)
						   : sf_ingest_results1_column(r->pairs, i);
}

int64_t
sf_results_row(const sf_results *r)
{
	return r->file != NULL ? 0 : sf_ingest_results1_row(r->pairs);
}

int
sf_results_api_calls(const sf_results *r)
{
	return r->calls + (r->file != NULL ? sf_ingest_results_calls(r->file) : 0) +
		   (r->pairs != NULL ? sf_ingest_results1_calls(r->pairs) : 0);
}

void
sf_results_free(sf_results *r)
{
	if (r == NULL)
		return;
	sf_ingest_results_free(r->file);
	sf_ingest_results1_free(r->pairs);
	free(r);
}

sf_jobs *
sf_jobs_start(sf_session *s, sf_job_family family, sf_error *err)
{
	sf_http_set_account(s->http, NULL);
	return (sf_jobs *) sf_job_list_start(s->http, s->config.api_version, family, err);
}

sf_status
sf_jobs_next(sf_jobs *jobs, const sf_job_entry **entry, sf_error *err)
{
	return sf_job_list_next((sf_job_list *) jobs, entry, err);
}

void
sf_jobs_free(sf_jobs *jobs)
{
	sf_job_list_free((sf_job_list *) jobs);
}

sf_job_ask *
sf_job_ask_start(sf_session *s, sf_job_family family, const char *job_id, double api_version,
				 sf_job_action action, sf_error *err)
{
	char version[8];

	snprintf(version, sizeof(version), "%.1f", api_version);
	return (sf_job_ask *) sf_job_info_start(
		s->http, api_version > 0 && api_version < 1000 ? version : s->config.api_version,
		family, job_id, action, err);
}

sf_status
sf_job_ask_check(sf_job_ask *a, const sf_job_detail **detail, sf_error *err)
{
	return sf_job_info_check((sf_job_info *) a, detail, err);
}

bool
sf_job_error_is_state(const sf_error *err)
{
	return err->cls == SF_ERR_REMOTE && sf_job_wrong_state(err);
}

bool
sf_job_error_is_missing(const sf_error *err)
{
	/* Bulk API 1.0 says 400 InvalidJob; an id of another family is refused in more than one way */
	return err->cls == SF_ERR_REMOTE && !sf_job_wrong_state(err) &&
		   (err->http_status == 404 || strcasecmp(err->code, "INVALIDJOB") == 0 ||
			strcasecmp(err->code, "NOT_FOUND") == 0);
}

void
sf_job_ask_free(sf_job_ask *a)
{
	sf_job_info_free((sf_job_info *) a);
}

/* A code, and names of fields: Salesforce's own words, in ASCII. */
static bool
is_code_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool
is_fields_char(char c)
{
	return is_code_char(c) || (c >= 'a' && c <= 'z') || c == '.' || c == ',' || c == ' ';
}

/*
 * CODE:message:field field --
 *
 * The message may hold colons, so the code ends at the first one and the fields begin behind the last,
 * if what is there can be names.  Texts of other forms are messages.
 */
void
sf_row_error_parse(const char *text, size_t len, sf_row_error *error)
{
	const char *end = text + len;
	const char *fields;
	size_t code = 0;

	memset(error, 0, sizeof(*error));
	error->message = text;
	error->message_len = (int) len;
	error->fields = end;
	while (code < len && is_code_char(text[code]))
		code++;
	if (code > 0 && code < sizeof(error->code) && code < len && text[code] == ':')
	{
		memcpy(error->code, text, code);
		error->message += code + 1;
		error->message_len -= (int) code + 1;
	}

	if (end - error->message < 2 || memcmp(end - 2, "--", 2) != 0)
		return;
	for (end -= 2; end > error->message && end[-1] == ' '; end--)
		;
	for (fields = end; fields > error->message && is_fields_char(fields[-1]); fields--)
		;
	if (fields > error->message && fields[-1] == ':')
	{
		error->fields = fields;
		error->fields_len = (int) (end - fields);
		end = fields - 1;
	}
	error->message_len = (int) (end - error->message);
}
