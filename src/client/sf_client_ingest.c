/*
 * sf_client_ingest.c
 *		Ingest jobs at the border: data that survives the failure of an upload.
 *
 * An upload that fails takes its job with it: that job goes to the session's clean-up, which aborts
 * and deletes it, while another one asks for the data from its first byte on.
 */
#include "sf_client_session.h"

#include <stdlib.h>
#include <string.h>

#include "sf_ingest_job.h"
#include "sf_ingest_job_bulk1.h"

#define DEFAULT_POLL_INTERVAL_MS 10000

struct sf_ingest
{
	sf_session *session;
	sf_ingest *next;

	sf_ingest_spec spec;
	char *object;
	char *external_id_field;
	char *assignment_rule_id;

	sf_ingest_job *job;	  /* the attempt under way, or … */
	sf_ingest_job1 *job1; /* … with Bulk API 1.0 the one there is */
	int64_t total;		  /* bytes of data; -1 before it is known */
	bool committed;
	bool keep;

	sf_ingest_job_info past; /* cost and polls of the attempts before */
	int uploads;
	sf_status status; /* of the last step */
	sf_error error;
};

/* ---- what is left of a job --------------------------------------------------------- */

static sf_status
ingest_remains_step(void *job, sf_error *err)
{
	return sf_ingest_job_cleanup_step(job, err);
}

static bool
ingest_remains_warning(void *job, sf_error *err)
{
	return sf_ingest_job_take_warning(job, err);
}

static void
ingest_remains_give_up(const void *job, sf_error *err)
{
	sf_ingest_job_give_up(job, err);
}

static void
ingest_remains_free(void *job)
{
	sf_ingest_job_free(job);
}

static const sf_remains_kind ingest_remains = {ingest_remains_step, ingest_remains_warning,
											   ingest_remains_give_up, ingest_remains_free};

static sf_status
ingest1_remains_step(void *job, sf_error *err)
{
	return sf_ingest_job1_cleanup_step(job, err);
}

static bool
ingest1_remains_warning(void *job, sf_error *err)
{
	return sf_ingest_job1_take_warning(job, err);
}

static void
ingest1_remains_give_up(const void *job, sf_error *err)
{
	sf_ingest_job1_give_up(job, err);
}

static void
ingest1_remains_free(void *job)
{
	sf_ingest_job1_free(job);
}

static const sf_remains_kind ingest1_remains = {ingest1_remains_step, ingest1_remains_warning,
												ingest1_remains_give_up, ingest1_remains_free};

/* What is known of the job under way; NULL without one. */
static const sf_ingest_job_info *
job_info(const sf_ingest *ing)
{
	if (ing->job1 != NULL)
		return sf_ingest_job1_get_info(ing->job1);
	return ing->job != NULL ? sf_ingest_job_get_info(ing->job) : NULL;
}

/* Hands the attempt to the session, keeping what it cost. */
static void
drop_job(sf_ingest *ing, bool keep)
{
	const sf_ingest_job_info *info;

	if (ing->job == NULL && ing->job1 == NULL)
		return;
	if (ing->job1 != NULL)
		sf_ingest_job1_discard(ing->job1);
	else
		sf_ingest_job_discard(ing->job, keep);
	info = job_info(ing);
	ing->past.cost.calls += info->cost.calls;
	ing->past.cost.retries += info->cost.retries;
	ing->past.polls += info->polls;
	if (ing->job1 != NULL)
		sf_session_discard(ing->session, &ingest1_remains, ing->job1);
	else
		sf_session_discard(ing->session, &ingest_remains, ing->job);
	ing->job = NULL;
	ing->job1 = NULL;
}

/* ---- moving on --------------------------------------------------------------------- */

static sf_status
start_job(sf_ingest *ing, sf_error *err)
{
	sf_ingest_job_spec spec = {.what = &ing->spec,
							   .api_version = ing->session->config.api_version,
							   .max_retries = ing->session->max_retries,
							   .nfailed = ing->uploads};

	sf_http_set_account(ing->session->http, ing->object);
	if (ing->spec.bulk1)
		ing->job1 = sf_ingest_job1_start(ing->session->http, &spec, err);
	else
		ing->job = sf_ingest_job_start(ing->session->http, &spec, err);
	if (ing->job == NULL && ing->job1 == NULL)
		return SF_FAILED;
	ing->uploads++;
	if (ing->job1 != NULL)
		return SF_OK;
	if (ing->total >= 0)
		sf_ingest_job_end(ing->job, ing->total);
	if (ing->committed)
		sf_ingest_job_commit(ing->job);
	return SF_OK;
}

/* True when it stands otherwise than before. */
static bool
ingest_advance(sf_ingest *ing)
{
	sf_error why = {0};
	sf_status before = ing->status;

	if (ing->status == SF_FAILED)
		return false;
	if (ing->job1 != NULL)
		ing->status = sf_ingest_job1_step(ing->job1, &why);
	else
		ing->status = sf_ingest_job_step(ing->job, &why);
	if (ing->status == SF_FAILED && ing->job != NULL && sf_ingest_job_may_restart(ing->job) &&
		ing->uploads <= ing->session->max_retries)
	{
		sf_error_reset(&why);
		drop_job(ing, false);
		ing->status = start_job(ing, &why) == SF_OK ? SF_WAIT : SF_FAILED;
	}
	if (ing->status == SF_FAILED)
		ing->error = why;
	return ing->status != before;
}

bool
sf_ingests_advance(sf_session *s)
{
	bool progress = false;

	for (sf_ingest *ing = s->ingests; ing != NULL; ing = ing->next)
		progress = ingest_advance(ing) || progress;
	return progress;
}

/* ---- the public functions ---------------------------------------------------------- */

static void
ingest_destroy(sf_ingest *ing)
{
	free(ing->object);
	free(ing->external_id_field);
	free(ing->assignment_rule_id);
	free(ing);
}

static sf_status
check_spec(const sf_ingest_spec *spec, sf_error *err)
{
	if (spec->object == NULL || spec->object[0] == '\0')
		return sf_error_set(err, SF_ERR_CONFIG, "the ingest job has no object");
	if ((spec->operation == SF_OP_UPSERT) != (spec->external_id_field != NULL))
		return sf_error_set(err, SF_ERR_CONFIG,
							"an external id field belongs to upsert, and only to it");
	if (spec->bulk1 && spec->hold)
		return sf_error_set(err, SF_ERR_CONFIG,
							"a job of Bulk API 1.0 cannot wait with data that it has");
	return SF_OK;
}

/* A copy that is NULL for NULL. */
static bool
copy_text(char **copy, const char *text)
{
	*copy = text != NULL ? strdup(text) : NULL;
	return text == NULL || *copy != NULL;
}

sf_ingest *
sf_ingest_start(sf_session *s, const sf_ingest_spec *spec, sf_error *err)
{
	sf_ingest *ing;

	if (check_spec(spec, err) != SF_OK)
		return NULL;
	ing = calloc(1, sizeof(*ing));
	if (ing == NULL || !copy_text(&ing->object, spec->object) ||
		!copy_text(&ing->external_id_field, spec->external_id_field) ||
		!copy_text(&ing->assignment_rule_id, spec->assignment_rule_id))
	{
		sf_error_nomem(err);
		if (ing != NULL)
			ingest_destroy(ing);
		return NULL;
	}
	ing->session = s;
	ing->spec = *spec;
	ing->spec.object = ing->object;
	ing->spec.external_id_field = ing->external_id_field;
	ing->spec.assignment_rule_id = ing->assignment_rule_id;
	if (ing->spec.poll_interval_max_ms <= 0)
		ing->spec.poll_interval_max_ms = DEFAULT_POLL_INTERVAL_MS;
	ing->total = -1;
	ing->status = SF_WAIT;
	if (start_job(ing, err) != SF_OK)
	{
		ingest_destroy(ing);
		return NULL;
	}
	ing->next = s->ingests;
	s->ingests = ing;
	return ing;
}

int64_t
sf_ingest_wanted(const sf_ingest *ing)
{
	if (ing->status == SF_FAILED)
		return -1;
	return ing->job1 != NULL ? sf_ingest_job1_wanted(ing->job1)
							 : sf_ingest_job_wanted(ing->job);
}

size_t
sf_ingest_feed(sf_ingest *ing, const char *data, size_t len)
{
	if (ing->status == SF_FAILED)
		return 0;
	return ing->job1 != NULL ? sf_ingest_job1_feed(ing->job1, data, len)
							 : sf_ingest_job_feed(ing->job, data, len);
}

void
sf_ingest_end(sf_ingest *ing, int64_t total)
{
	ing->total = total;
	if (ing->job1 != NULL)
		sf_ingest_job1_end(ing->job1, total);
	else if (ing->job != NULL)
		sf_ingest_job_end(ing->job, total);
}

void
sf_ingest_stop(sf_ingest *ing)
{
	if (ing->job1 != NULL && ing->status == SF_WAIT)
		sf_ingest_job1_stop(ing->job1);
}

sf_status
sf_ingest_check(sf_ingest *ing, sf_error *err)
{
	if (ing->status == SF_FAILED && err != NULL && !sf_error_is_set(err))
		*err = ing->error;
	return ing->status;
}

void
sf_ingest_commit(sf_ingest *ing)
{
	if (ing->committed)
		return;
	ing->committed = true;
	if (ing->status == SF_FAILED || ing->job == NULL)
		return;
	sf_ingest_job_commit(ing->job);
	ingest_advance(ing);
}

void
sf_ingest_keep(sf_ingest *ing)
{
	ing->keep = true;
}

static sf_ingest_phase
phase_of(const sf_ingest *ing, const sf_ingest_job_info *info)
{
	if (ing->status == SF_FAILED)
		return SF_INGEST_FAILED;
	if (ing->job1 != NULL ? sf_ingest_job1_is_complete(ing->job1)
						  : sf_ingest_job_is_complete(ing->job))
		return SF_INGEST_COMPLETE;
	if (!info->acknowledged)
		return SF_INGEST_UPLOADING;
	if (ing->status == SF_OK)
		return SF_INGEST_HELD;
	if (ing->job1 != NULL ? sf_ingest_job1_is_closing(ing->job1)
						  : sf_ingest_job_is_closing(ing->job))
		return SF_INGEST_CLOSING;
	return SF_INGEST_PROCESSING;
}

void
sf_ingest_get_info(const sf_ingest *ing, sf_ingest_info *info)
{
	static const sf_ingest_job_info none = {0};
	const sf_ingest_job_info *job = job_info(ing);

	if (job == NULL)
		job = &none;
	memset(info, 0, sizeof(*info));
	memcpy(info->job_id, job->id, sizeof(info->job_id));
	info->phase = phase_of(ing, job);
	info->acknowledged = job->acknowledged;
	info->closed = job->closed;
	info->ended = job->ended;
	info->processed = job->processed;
	info->failed = job->failed;
	info->rows = -1;
	if (ing->job1 != NULL)
	{
		info->rows = sf_ingest_job1_rows(ing->job1);
		info->rest = job->ended ? job->rest : 0;
		sf_ingest_job1_batches(ing->job1, &info->batches);
	}
	info->uploads = ing->uploads;
	info->polls = ing->past.polls + job->polls;
	info->api_calls = ing->past.cost.calls + job->cost.calls;
	info->retries = ing->past.cost.retries + job->cost.retries;
	info->bytes = job->acknowledged ? job->bytes : 0;
	info->job_ms = job->job_ms;
	info->server_ms = job->server_ms;
}

void
sf_ingest_copy_batches(const sf_ingest *ing, sf_results_batch *batches)
{
	int n;
	const sf_ingest_batch *from = sf_ingest_job1_batches(ing->job1, &n);

	for (int i = 0; i < n; i++)
	{
		batches[i] = (sf_results_batch){.state = from[i].state,
										.processed = from[i].processed,
										.failed = from[i].failed,
										.rows = from[i].rows};
		memcpy(batches[i].id, from[i].id, sizeof(batches[i].id));
	}
}

void
sf_ingest_free(sf_ingest *ing)
{
	sf_ingest **at;

	if (ing == NULL)
		return;
	for (at = &ing->session->ingests; *at != NULL; at = &(*at)->next)
	{
		if (*at == ing)
		{
			*at = ing->next;
			break;
		}
	}
	drop_job(ing, ing->keep);
	ingest_destroy(ing);
}
