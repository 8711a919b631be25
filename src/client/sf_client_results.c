/*
 * sf_client_results.c
 *		Result files of ingest jobs, why rows were refused, and the list of jobs (level 4).
 */
#include "sf_client_session.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sf_ingest_results.h"
#include "sf_job.h"
#include "sf_job_info.h"
#include "sf_job_list.h"

/* The border's type is the resource's own: nothing is added to it here. */
static sf_ingest_results *
inner(const sf_results *r)
{
	return (sf_ingest_results *) r;
}

sf_results *
sf_results_start(sf_session *s, const char *job_id, sf_result_kind kind, sf_error *err)
{
	return (sf_results *) sf_ingest_results_start(s->http, s->config.api_version, job_id, kind,
												  s->max_retries, err);
}

sf_status
sf_results_next(sf_results *r, sf_value **values, sf_error *err)
{
	return sf_ingest_results_next(inner(r), values, err);
}

int
sf_results_ncolumns(const sf_results *r)
{
	return sf_ingest_results_ncolumns(inner(r));
}

const char *
sf_results_column(const sf_results *r, int i)
{
	return sf_ingest_results_column(inner(r), i);
}

int
sf_results_api_calls(const sf_results *r)
{
	return sf_ingest_results_calls(inner(r));
}

void
sf_results_free(sf_results *r)
{
	sf_ingest_results_free(inner(r));
}

sf_jobs *
sf_jobs_start(sf_session *s, sf_job_family family, sf_error *err)
{
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
