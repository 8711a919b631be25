/*
 * sf_job.c
 *		What the jobs of Bulk API 2.0, for queries and for data, have in common.
 */
#include "sf_job.h"

#include <string.h>
#include <strings.h>

#include "sf_json.h"

#define FIRST_POLL_MS 20

/* Polls after which the interval becomes three times the maximum: then the job is a long one. */
#define PATIENT_AFTER 11

int64_t
sf_job_poll_interval(int npolls, int max_ms)
{
	int64_t interval = FIRST_POLL_MS;

	if (npolls >= PATIENT_AFTER)
		return (int64_t) max_ms * 3;
	for (int i = 0; i < npolls && interval < max_ms; i++)
		interval *= 2;
	return interval < max_ms ? interval : max_ms;
}

bool
sf_job_take_id(const char *id, char out[SF_JOB_ID_MAX])
{
	size_t len = strlen(id);

	if ((len != 15 && len != 18) || strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
											   "abcdefghijklmnopqrstuvwxyz") != len)
		return false;
	memcpy(out, id, len + 1);
	return true;
}

sf_status
sf_job_read_creation(const char *body, size_t len, const char *what, char out[SF_JOB_ID_MAX],
					 sf_error *err)
{
	const char *id = NULL;
	const sf_json_field fields[] = {{"id", SF_FIELD_STRING, &id, true}};
	sf_json *json = sf_json_parse(body, len, what, err);
	sf_status st;

	if (json == NULL)
		return SF_FAILED;
	st = sf_json_read(json, what, fields, 1, err);
	if (st == SF_OK && !sf_job_take_id(id, out))
		st = sf_error_set(err, SF_ERR_PROTOCOL, "the %s has a malformed id", what);
	sf_json_free(json);
	return st;
}

void
sf_job_code_from_text(const char *text, sf_error *err)
{
	const char *found = NULL;
	size_t found_len = 0;
	char code[SF_CODE_MAX];

	for (const char *p = text; *p != '\0';)
	{
		size_t n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

		if (n >= 4 && n < sizeof(code) && p[n] == ':' && found == NULL)
		{
			found = p;
			found_len = n;
		}
		p += n > 0 ? n : 1;
	}
	if (found != NULL)
	{
		memcpy(code, found, found_len);
		code[found_len] = '\0';
		sf_error_code(err, code);
	}
}

bool
sf_job_wrong_state(const sf_error *err)
{
	/* Bulk API 1.0 writes InvalidJobState */
	return strcasecmp(err->code, "INVALIDJOBSTATE") == 0 ||
		   strcmp(err->code, "INVALID_STATE") == 0;
}
