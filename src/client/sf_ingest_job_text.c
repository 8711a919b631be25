/*
 * sf_ingest_job_text.c
 *		What ingest jobs of both bulk APIs say when something goes wrong.
 */
#include "sf_ingest_job_text.h"

#include <inttypes.h>
#include <string.h>

#include "sf_job.h"
#include "sf_json.h"

const char *
sf_ingest_operation_name(sf_operation operation)
{
	static const char *const names[] = {"insert", "update", "upsert", "delete", "hardDelete"};

	return names[operation];
}

/* An answer of Salesforce itself that says no, and would say it again. */
bool
sf_ingest_is_refusal(const sf_error *why)
{
	if (why->cls == SF_ERR_AUTH)
		return false;
	switch (why->http_status)
	{
		case 401:
		case 408:
		case 420:
		case 425:
		case 429:
			return false;
		case 403:
			/* too many long requests at this moment: it passes */
			return why->cls == SF_ERR_REMOTE && why->code[0] != '\0' &&
				   strstr(why->message, "Concurrent") == NULL;
		case 413:
			return why->cls == SF_ERR_REMOTE;
		default:
			return why->cls == SF_ERR_REMOTE && why->http_status >= 400 &&
				   why->http_status < 500 && why->code[0] != '\0';
	}
}

sf_status
sf_ingest_unknown(const sf_error *why, const char *job_id, const char *how, sf_error *err)
{
	*err = *why;
	sf_error_job(err, job_id);
	err->message[0] = '\0';
	err->cls = SF_ERR_NONE;
	sf_error_set(err, why->cls,
				 "it is not known whether the rows of ingest job %s were saved: %s", job_id,
				 why->message);
	sf_error_detail(err, "%s, so that Salesforce may have saved them.", how);
	sf_error_hint(err,
				  "Look at the job before the rows are sent again, for instance in Setup, "
				  "Bulk Data Load Jobs.");
	return SF_FAILED;
}

/* A code, or else the kind of failure that the text begins with: "InvalidBatch : Field name …". */
static void
code_of_failure(const char *message, sf_error *err)
{
	char kind[SF_CODE_MAX];
	size_t n = strspn(message, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

	sf_job_code_from_text(message, err);
	if (n == 0 || n >= sizeof(kind) || strncmp(message + n, " :", 2) != 0)
		return;
	memcpy(kind, message, n);
	kind[n] = '\0';
	sf_error_code(err, kind);
}

void
sf_ingest_failure(const sf_ingest_job_info *info, bool aborted, const char *message,
				  sf_error *err)
{
	if (sf_error_is_set(err))
		return;
	if (aborted)
		sf_error_set(err, SF_ERR_REMOTE, "ingest job %s was aborted in Salesforce", info->id);
	else if (message != NULL && message[0] != '\0')
	{
		code_of_failure(message, err);
		sf_json_job_error(message, "ingest job", info->id, err);
	}
	else
		sf_error_set(err, SF_ERR_REMOTE, "ingest job %s failed", info->id);
	if (info->processed > 0)
		sf_error_detail(err,
						"It had processed %" PRId64 " rows before, %" PRId64
						" of them were rejected; the others stay saved.",
						info->processed, info->failed);
	else
		sf_error_detail(err, "It had processed none of its rows before.");
}

void
sf_ingest_saved_warning(const char *job_id, const char *how, const char *gone, sf_error *err)
{
	sf_error_set(err, SF_ERR_REMOTE, "rows of ingest job %s may have been saved", job_id);
	if (gone != NULL)
		sf_error_detail(err, "%s, and %s.", how, gone);
	else
	{
		sf_error_detail(err, "%s when it was aborted.", how);
		sf_error_hint(err, "The job is kept in Salesforce for 7 days: its result files "
						   "tell which rows were saved.");
	}
	sf_error_job(err, job_id);
}

void
sf_ingest_orphan_warning(int orphans, sf_error *err)
{
	sf_error_set(err, SF_ERR_REMOTE, "an ingest job may have been left in Salesforce");
	sf_error_detail(err,
					"The answer to a job's creation was lost %d time(s), so its id is not "
					"known. It is open and saves nothing.",
					orphans);
	sf_error_hint(err, "It can be aborted in Setup, Bulk Data Load Jobs.");
}

void
sf_ingest_late_warning(const char *job_id, const char *what, const char *done, const char *how,
					   sf_error *err)
{
	sf_error_set(err, SF_ERR_TIMEOUT, "could not %s ingest job%s%s in time", what,
				 job_id[0] != '\0' ? " " : "", job_id);
	if (how != NULL)
		sf_error_detail(err, "%s, so its rows may have been saved.", how);
	sf_error_hint(err, "It can be %s in Setup, Bulk Data Load Jobs.", done);
	sf_error_job(err, job_id);
}
