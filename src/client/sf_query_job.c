/*
 * sf_query_job.c
 *		A Bulk API 2.0 query job from its creation to its deletion.
 */
#include "sf_query_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_job.h"
#include "sf_json.h"
#include "sf_mux.h"

typedef enum job_state
{
	JOB_CREATING, /* req is the creation */
	JOB_SLEEPING, /* until next_poll */
	JOB_POLLING,  /* req is the poll */
	JOB_COMPLETE,
	JOB_FAILED,	  /* the server has it as Failed or Aborted */
	JOB_ABORTING, /* req is the abort */
	JOB_DELETING, /* req is the deletion */
	JOB_GONE	  /* nothing is left of it */
} job_state;

struct sf_query_job
{
	sf_http *http;
	sf_http_account *account;
	job_state state;
	bool discarded;
	sf_http_request *req;
	char *body; /* of the creation, in case it has to be sent again */
	char api_version[8];
	int poll_max_ms;
	int64_t timeout_ms;
	int max_retries;

	int creations_failed; /* with an unknown outcome */
	int orphans;		  /* jobs that may exist without anybody knowing their id */
	int64_t created_at;
	int64_t next_poll;
	sf_query_job_info info;
};

/* ---- requests ---------------------------------------------------------------------- */

static sf_status
send_request(sf_query_job *job, sf_http_method method, const char *body, const char *doing,
			 sf_error *err)
{
	char url[128];
	char text[96];
	sf_http_spec spec = {
		.method = method, .url = url, .retry = SF_RETRY_HARMLESS, .account = job->account};

	/* no slash behind an empty id: Salesforce answers a doubled one with 404 */
	snprintf(url, sizeof(url), "/services/data/v%s/jobs/query%s%s", job->api_version,
			 job->info.id[0] != '\0' ? "/" : "", job->info.id);
	snprintf(text, sizeof(text), "%s%s%s", doing, job->info.id[0] != '\0' ? " " : "",
			 job->info.id);
	spec.doing = text;
	if (body != NULL)
	{
		spec.body = body;
		spec.body_len = strlen(body);
		spec.content_type = "application/json; charset=UTF-8";
	}
	if (job->state == JOB_CREATING)
	{
		spec.retry = SF_RETRY_REFUSED;
		spec.nfailed = job->creations_failed;
	}
	job->req = sf_http_start(job->http, &spec, err);
	return job->req != NULL ? SF_OK : SF_FAILED;
}

/* Ends the request under way, keeping what it cost. */
static void
drop_request(sf_query_job *job)
{
	sf_http_settle(&job->req, &job->info.cost);
}

sf_query_job *
sf_query_job_start(sf_http *h, const sf_query_job_spec *spec, sf_error *err)
{
	sf_query_job *job = calloc(1, sizeof(*job));
	sf_buf body;

	if (job == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	job->http = h;
	job->account = sf_http_current_account(h);
	job->state = JOB_CREATING;
	job->poll_max_ms = spec->poll_interval_max_ms;
	job->timeout_ms = spec->timeout_ms;
	job->max_retries = spec->max_retries;
	job->info.records = -1;
	snprintf(job->api_version, sizeof(job->api_version), "%s", spec->api_version);

	/* SOQL has at most 100,000 characters; escaping may make each of them six bytes */
	sf_buf_init(&body, 4 * SF_BODY_SMALL);
	sf_buf_puts(&body, "{");
	sf_json_put_string(&body, "operation", spec->query_all ? "queryAll" : "query");
	sf_json_put_string(&body, "query", spec->soql);
	sf_json_put_string(&body, "contentType", "CSV");
	sf_json_put_string(&body, "columnDelimiter", "COMMA");
	sf_json_put_string(&body, "lineEnding", "LF");
	sf_buf_puts(&body, "}");
	if (sf_buf_check(&body, "the query", err) == SF_OK)
		job->body = sf_buf_take(&body, NULL);
	sf_buf_free(&body);
	if (job->body == NULL ||
		send_request(job, SF_HTTP_POST, job->body, "create a query job", err) != SF_OK)
	{
		if (!sf_error_is_set(err))
			sf_error_nomem(err);
		sf_query_job_free(job);
		return NULL;
	}
	return job;
}

void
sf_query_job_free(sf_query_job *job)
{
	if (job == NULL)
		return;
	sf_http_end(job->req);
	free(job->body);
	free(job);
}

const sf_query_job_info *
sf_query_job_get_info(const sf_query_job *job)
{
	return &job->info;
}

/* ---- creation ---------------------------------------------------------------------- */

static sf_status
read_creation(sf_query_job *job, sf_error *err)
{
	size_t len;
	const char *body = sf_http_body(job->req, &len);

	return sf_job_read_creation(body, len, "answer to the creation of a query job",
								job->info.id, err);
}

/*
 * The creation failed.  Where nobody can say whether Salesforce acted on it (the connection broke
 * before the answer), a job may exist whose id is unknown.  It cannot be found: the job list shows
 * neither the query nor anything else that would tell it from another backend's, and deleting by
 * guess is worse than leaving it.  It does no harm to data and Salesforce drops it after 7 days,
 * so the creation is sent again, and a warning tells of the possible remainder.
 */
static sf_status
creation_failed(sf_query_job *job, const sf_error *why, sf_error *err)
{
	bool unknown = sf_http_outcome_unknown(job->req);

	if (unknown)
	{
		job->orphans++;
		job->creations_failed++;
	}
	drop_request(job);
	if (unknown && !job->discarded && job->creations_failed <= job->max_retries)
	{
		if (send_request(job, SF_HTTP_POST, job->body, "create a query job", err) == SF_OK)
			return SF_WAIT;
	}
	job->state = JOB_GONE;
	if (err != NULL && !sf_error_is_set(err))
		*err = *why;
	return SF_FAILED;
}

bool
sf_query_job_take_warning(sf_query_job *job, sf_error *err)
{
	if (job->orphans == 0)
		return false;
	sf_error_reset(err);
	sf_error_set(err, SF_ERR_REMOTE, "a query job may have been left in Salesforce");
	sf_error_detail(err,
					"The connection was lost %d time(s) before the answer to a job's "
					"creation came, so its id is not known.",
					job->orphans);
	sf_error_hint(err,
				  "Salesforce deletes it after 7 days; it can be deleted before in Setup, "
				  "Bulk Data Load Jobs.");
	job->orphans = 0;
	return true;
}

bool
sf_query_job_is_unsupported(const sf_error *err)
{
	static const char *const texts[] = {"not supported by the Bulk API",
										"not supported in Bulk Query",
										"does not support query", "not supported in bulk"};

	if (err->cls != SF_ERR_REMOTE)
		return false;
	/* Bulk API 1.0 writes InvalidEntity */
	if (strcasecmp(err->code, "INVALIDENTITY") == 0 ||
		strcasecmp(err->code, "FEATURENOTENABLED") == 0)
		return true;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		if (strcasestr(err->message, texts[i]) != NULL)
			return true;
	}
	return false;
}

/* ---- polling ----------------------------------------------------------------------- */

/* The next poll; one is always made after the deadline before it counts as missed. */
static void
sleep_until_poll(sf_query_job *job)
{
	int64_t now = sf_http_now(job->http);

	job->state = JOB_SLEEPING;
	job->next_poll = now + sf_job_poll_interval(job->info.polls, job->poll_max_ms);
	if (job->timeout_ms > 0 && job->next_poll > job->created_at + job->timeout_ms)
		job->next_poll = job->created_at + job->timeout_ms;
}

static sf_status
job_failed(sf_query_job *job, const char *state, const char *message, sf_error *err)
{
	job->state = JOB_FAILED;
	if (sf_error_is_set(err))
		return SF_FAILED;
	if (strcmp(state, "Aborted") == 0)
	{
		sf_error_set(err, SF_ERR_REMOTE, "query job %s was aborted", job->info.id);
		sf_error_detail(err, "It was aborted in Salesforce, not from here.");
	}
	else if (message != NULL && message[0] != '\0')
	{
		sf_job_code_from_text(message, err);
		sf_json_job_error(message, "query job", job->info.id, err);
	}
	else
	{
		sf_error_set(err, SF_ERR_REMOTE, "query job %s failed", job->info.id);
		sf_error_detail(err, "Salesforce gives no reason; often the query ran too long.");
		sf_error_hint(err,
					  "Setup, Bulk Data Load Jobs may say more. A narrower WHERE, or one on "
					  "an indexed field, may help.");
	}
	sf_error_job(err, job->info.id);
	return SF_FAILED;
}

/*
 * Keeps what a poll says about the time in the queue.  When the work on a job began and ended is known to
 * polls only in between; where both lie between two of them, the server's own time of work tells them
 * apart.
 */
static void
note_queue_time(sf_query_job *job, const char *state, int64_t now)
{
	sf_query_job_info *info = &job->info;
	int64_t since_creation = now - job->created_at;

	if (info->begun)
		return;
	info->begun = strcmp(state, "UploadComplete") != 0;
	if (info->begun && strcmp(state, "InProgress") != 0)
		since_creation -= info->server_ms;
	if (since_creation > info->queued_ms)
		info->queued_ms = since_creation;
}

static sf_status
read_poll(sf_query_job *job, sf_error *err)
{
	static const char what[] = "state of a query job";
	const char *state = NULL;
	const char *message = NULL;
	sf_query_job_info *info = &job->info;
	const sf_json_field fields[] = {
		{"state", SF_FIELD_STRING, &state, true},
		{"errorMessage", SF_FIELD_STRING, &message, false},
		{"numberRecordsProcessed", SF_FIELD_INT64, &info->records, false},
		{"totalProcessingTime", SF_FIELD_INT64, &info->server_ms, false},
	};
	size_t len;
	const char *body = sf_http_body(job->req, &len);
	sf_json *json = sf_json_parse(body, len, what, err);
	sf_status st = SF_FAILED;
	int64_t now = sf_http_now(job->http);

	if (json == NULL || sf_json_read(json, what, fields, 4, err) != SF_OK)
	{
		sf_error_job(err, info->id);
		sf_json_free(json);
		return SF_FAILED;
	}
	note_queue_time(job, state, now);
	if (strcmp(state, "JobComplete") == 0)
	{
		job->state = JOB_COMPLETE;
		info->complete = true;
		info->job_ms = now - job->created_at;
		st = SF_OK;
	}
	else if (strcmp(state, "Failed") == 0 || strcmp(state, "Aborted") == 0)
		job_failed(job, state, message, err);
	else if (strcmp(state, "UploadComplete") != 0 && strcmp(state, "InProgress") != 0)
		sf_error_set(err, SF_ERR_PROTOCOL, "query job %s is in the unknown state \"%.40s\"",
					 info->id, state);
	else if (job->timeout_ms > 0 && now >= job->created_at + job->timeout_ms)
	{
		sf_error_set(err, SF_ERR_TIMEOUT, "query job %s was not complete after %" PRId64 " ms",
					 info->id, job->timeout_ms);
		sf_error_detail(err, "Its state is %s.", state);
		sf_error_hint(err, "The job_timeout option sets how long to wait.");
	}
	else
		st = SF_WAIT;
	if (st == SF_FAILED)
		sf_error_job(err, info->id);
	else if (st == SF_WAIT)
	{
		info->records = -1; /* 0 while the job runs: no news */
		sleep_until_poll(job);
	}
	sf_json_free(json);
	return st;
}

/* ---- the steps --------------------------------------------------------------------- */

static sf_status
creating_step(sf_query_job *job, sf_error *err)
{
	sf_error why = {0};
	sf_status st = sf_http_check(job->req, &why);

	if (st == SF_WAIT)
		return SF_WAIT;
	if (st == SF_FAILED)
		return creation_failed(job, &why, err);
	st = read_creation(job, err);
	drop_request(job);
	if (st != SF_OK)
	{
		job->orphans++;
		job->state = JOB_GONE;
		return SF_FAILED;
	}
	sf_http_charge(job->account, SF_CHARGE_QUERY_JOBS, 1);
	free(job->body);
	job->body = NULL;
	job->created_at = sf_http_now(job->http);
	sleep_until_poll(job);
	return SF_WAIT;
}

static sf_status
polling_step(sf_query_job *job, sf_error *err)
{
	sf_status st = sf_http_check(job->req, err);

	if (st == SF_WAIT)
		return SF_WAIT;
	job->info.polls++;
	if (st == SF_OK)
		st = read_poll(job, err);
	else
	{
		sf_error_job(err, job->info.id);
		if (sf_error_is_set(err) && err->http_status == 404)
		{
			sf_error_detail(err, "Somebody else has deleted the job.");
			job->state = JOB_GONE;
		}
	}
	drop_request(job);
	return st;
}

sf_status
sf_query_job_step(sf_query_job *job, sf_error *err)
{
	sf_status st = SF_WAIT;

	if (job->state == JOB_CREATING)
		st = creating_step(job, err);
	if (st == SF_WAIT && job->state == JOB_SLEEPING)
	{
		if (sf_http_now(job->http) < job->next_poll)
		{
			sf_http_wake_at(job->http, job->next_poll);
			return SF_WAIT;
		}
		job->state = JOB_POLLING;
		if (send_request(job, SF_HTTP_GET, NULL, "ask for the state of query job", err) !=
			SF_OK)
			return SF_FAILED;
	}
	else if (st == SF_WAIT && job->state == JOB_POLLING)
	{
		st = polling_step(job, err);
		if (st == SF_WAIT && job->state == JOB_SLEEPING)
			sf_http_wake_at(job->http, job->next_poll);
	}
	else if (job->state == JOB_COMPLETE)
		st = SF_OK;
	return st;
}

/* ---- cleaning up ------------------------------------------------------------------- */

void
sf_query_job_discard(sf_query_job *job)
{
	job->discarded = true;
	if (job->state == JOB_CREATING && job->req != NULL && sf_http_was_sent(job->req))
		sf_http_no_more_attempts(job->req);
	else
	{
		drop_request(job);
		if (job->state == JOB_CREATING)
			job->state = JOB_GONE;
	}
}

/* The clean-up's first request, once the id is known. */
static sf_status
start_cleanup(sf_query_job *job, sf_error *err)
{
	if (job->state == JOB_COMPLETE || job->state == JOB_FAILED)
	{
		job->state = JOB_DELETING;
		return send_request(job, SF_HTTP_DELETE, NULL, "delete query job", err);
	}
	job->state = JOB_ABORTING;
	return send_request(job, SF_HTTP_PATCH, "{\"state\":\"Aborted\"}", "abort query job", err);
}

/* Both are fine for an abort: the job is finished already, or gone. */
static bool
abort_is_fine(const sf_error *why)
{
	return why->http_status == 404 || sf_job_wrong_state(why);
}

static sf_status
cleanup_failed(sf_query_job *job, const sf_error *why, sf_error *err)
{
	drop_request(job);
	job->state = JOB_GONE;
	if (err != NULL && !sf_error_is_set(err))
		*err = *why;
	sf_error_job(err, job->info.id);
	return SF_FAILED;
}

sf_status
sf_query_job_cleanup_step(sf_query_job *job, sf_error *err)
{
	sf_error why = {0};
	sf_status st;

	if (job->state == JOB_CREATING)
	{
		st = creating_step(job, &why);
		if (st == SF_FAILED)
			return SF_DONE; /* no job came of it; what is unknown is told by the warning */
		if (job->state == JOB_CREATING)
			return SF_WAIT;
	}
	if (job->state != JOB_ABORTING && job->state != JOB_DELETING && job->state != JOB_GONE)
	{
		if (start_cleanup(job, &why) != SF_OK)
			return cleanup_failed(job, &why, err);
		return SF_WAIT;
	}
	if (job->state == JOB_GONE)
		return SF_DONE;

	st = sf_http_check(job->req, &why);
	if (st == SF_WAIT)
		return SF_WAIT;
	if (job->state == JOB_ABORTING && (st == SF_OK || abort_is_fine(&why)))
	{
		drop_request(job);
		if (st == SF_FAILED && why.http_status == 404)
		{
			job->state = JOB_GONE;
			return SF_DONE;
		}
		sf_error_reset(&why);
		job->state = JOB_DELETING;
		if (send_request(job, SF_HTTP_DELETE, NULL, "delete query job", &why) != SF_OK)
			return cleanup_failed(job, &why, err);
		return SF_WAIT;
	}
	if (st == SF_FAILED && why.http_status != 404)
		return cleanup_failed(job, &why, err);
	drop_request(job);
	job->state = JOB_GONE;
	return SF_DONE;
}
