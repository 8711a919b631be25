/*
 * sf_ingest_job.c
 *		A Bulk API 2.0 ingest job from its creation to its deletion.
 */
#include "sf_ingest_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_ingest_job_text.h"
#include "sf_job.h"
#include "sf_json.h"

/* Rows of one of the batches that Salesforce makes of a job (Bulk API 2.0 guide, limits). */
#define BATCH_ROWS 10000

typedef enum job_state
{
	JOB_CREATING,  /* req is the creation */
	JOB_UPLOADING, /* req is the one PUT */
	JOB_HELD,	   /* all data is there; waits for the commit */
	JOB_CLOSING,   /* req is the close */
	JOB_SLEEPING,  /* until next_poll */
	JOB_POLLING,   /* req asks for the state: a poll, or what became of a close */
	JOB_COMPLETE,
	JOB_ENDED,	  /* the server has it as Failed or Aborted */
	JOB_GIVEN_UP, /* failed from here: what it is over there tells info.closed */
	JOB_ABORTING, /* req is the abort */
	JOB_DELETING, /* req is the deletion */
	JOB_GONE	  /* nothing is left to be done */
} job_state;

struct sf_ingest_job
{
	sf_http *http;
	sf_http_account *account;
	job_state state;
	bool committed;
	bool discarded;
	bool keep;
	bool may_restart;
	sf_http_request *req;
	char *body; /* of the creation, in case it has to be sent again */
	char api_version[8];
	int poll_max_ms;
	int64_t timeout_ms;
	int max_retries;

	int nfailed; /* creations with an unknown outcome, and what the owner had before */
	int creations_failed;
	int orphans;			 /* jobs that may exist without anybody knowing their id */
	int64_t total;			 /* bytes of the upload; -1 before it is known */
	int closes_failed;		 /* that the job was Open behind */
	bool close_known;		 /* no close is on its way whose outcome is unknown */
	bool may_be_saved;		 /* it was closed and aborted: a warning is due */
	bool deleted;			 /* by somebody else */
	int64_t batches_charged; /* of the daily quota */
	int64_t closed_at;
	int64_t next_poll;
	sf_ingest_job_info info;
};

/* ---- requests ---------------------------------------------------------------------- */

/* A request about this job, or the one that makes it; more as the spec says. */
static sf_status
send_request(sf_ingest_job *job, sf_http_spec *spec, const char *doing, sf_error *err)
{
	char url[128];
	char text[96];
	const char *id = job->info.id;

	/* no slash behind an empty id: Salesforce answers a doubled one with 404 */
	snprintf(url, sizeof(url), "/services/data/v%s/jobs/ingest%s%s%s", job->api_version,
			 id[0] != '\0' ? "/" : "", id, spec->upload ? "/batches" : "");
	snprintf(text, sizeof(text), "%s%s%s", doing, id[0] != '\0' ? " " : "", id);
	spec->url = url;
	spec->doing = text;
	if (spec->body != NULL)
	{
		spec->body_len = strlen(spec->body);
		spec->content_type = "application/json; charset=UTF-8";
	}
	spec->account = job->account;
	job->req = sf_http_start(job->http, spec, err);
	return job->req != NULL ? SF_OK : SF_FAILED;
}

static sf_status
send_creation(sf_ingest_job *job, sf_error *err)
{
	sf_http_spec spec = {.method = SF_HTTP_POST,
						 .retry = SF_RETRY_REFUSED,
						 .body = job->body,
						 .nfailed = job->nfailed};

	return send_request(job, &spec, "create an ingest job", err);
}

static sf_status
send_upload(sf_ingest_job *job, sf_error *err)
{
	sf_http_spec spec = {.method = SF_HTTP_PUT,
						 .retry = SF_RETRY_REFUSED,
						 .upload = true,
						 .content_type = "text/csv; charset=UTF-8"};

	return send_request(job, &spec, "upload to ingest job", err);
}

/* Each time with a longer back-off: it is sent again only where the job was read as Open. */
static sf_status
send_close(sf_ingest_job *job, sf_error *err)
{
	sf_http_spec spec = {.method = SF_HTTP_PATCH,
						 .retry = SF_RETRY_REFUSED,
						 .body = "{\"state\":\"UploadComplete\"}",
						 .nfailed = job->closes_failed};

	job->state = JOB_CLOSING;
	return send_request(job, &spec, "close ingest job", err);
}

static sf_status
send_poll(sf_ingest_job *job, sf_error *err)
{
	sf_http_spec spec = {.method = SF_HTTP_GET, .retry = SF_RETRY_HARMLESS};

	job->state = JOB_POLLING;
	return send_request(job, &spec, "ask for the state of ingest job", err);
}

static sf_status
send_abort(sf_ingest_job *job, sf_error *err)
{
	sf_http_spec spec = {.method = SF_HTTP_PATCH,
						 .retry = SF_RETRY_HARMLESS,
						 .body = "{\"state\":\"Aborted\"}"};

	job->state = JOB_ABORTING;
	return send_request(job, &spec, "abort ingest job", err);
}

static sf_status
send_deletion(sf_ingest_job *job, sf_error *err)
{
	sf_http_spec spec = {.method = SF_HTTP_DELETE, .retry = SF_RETRY_HARMLESS};

	job->state = JOB_DELETING;
	return send_request(job, &spec, "delete ingest job", err);
}

/* Ends the request under way, keeping what it cost. */
static void
drop_request(sf_ingest_job *job)
{
	sf_http_settle(&job->req, &job->info.cost);
}

static sf_status
make_body(sf_ingest_job *job, const sf_ingest_spec *what, sf_error *err)
{
	sf_buf body;

	sf_buf_init(&body, SF_BODY_SMALL);
	sf_buf_puts(&body, "{");
	sf_json_put_string(&body, "object", what->object);
	sf_json_put_string(&body, "operation", sf_ingest_operation_name(what->operation));
	if (what->external_id_field != NULL)
		sf_json_put_string(&body, "externalIdFieldName", what->external_id_field);
	if (what->assignment_rule_id != NULL)
		sf_json_put_string(&body, "assignmentRuleId", what->assignment_rule_id);
	sf_json_put_string(&body, "contentType", "CSV");
	sf_json_put_string(&body, "columnDelimiter", "COMMA");
	sf_json_put_string(&body, "lineEnding", "LF");
	sf_buf_puts(&body, "}");
	if (sf_buf_check(&body, "the ingest job", err) == SF_OK)
		job->body = sf_buf_take(&body, NULL);
	sf_buf_free(&body);
	return job->body != NULL ? SF_OK : sf_error_nomem(err);
}

sf_ingest_job *
sf_ingest_job_start(sf_http *h, const sf_ingest_job_spec *spec, sf_error *err)
{
	sf_ingest_job *job = calloc(1, sizeof(*job));

	if (job == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	job->http = h;
	job->account = sf_http_current_account(h);
	job->state = JOB_CREATING;
	job->committed = !spec->what->hold;
	job->poll_max_ms = spec->what->poll_interval_max_ms;
	job->timeout_ms = spec->what->job_timeout_ms;
	job->max_retries = spec->max_retries;
	job->nfailed = spec->nfailed;
	job->total = -1;
	job->close_known = true;
	snprintf(job->api_version, sizeof(job->api_version), "%s", spec->api_version);
	if (make_body(job, spec->what, err) != SF_OK || send_creation(job, err) != SF_OK)
	{
		sf_ingest_job_free(job);
		return NULL;
	}
	return job;
}

void
sf_ingest_job_free(sf_ingest_job *job)
{
	if (job == NULL)
		return;
	sf_http_end(job->req);
	free(job->body);
	free(job);
}

const sf_ingest_job_info *
sf_ingest_job_get_info(const sf_ingest_job *job)
{
	return &job->info;
}

bool
sf_ingest_job_may_restart(const sf_ingest_job *job)
{
	return job->state == JOB_GIVEN_UP && job->may_restart;
}

bool
sf_ingest_job_is_complete(const sf_ingest_job *job)
{
	return job->state == JOB_COMPLETE;
}

bool
sf_ingest_job_is_closing(const sf_ingest_job *job)
{
	return job->committed && job->info.acknowledged && job->closed_at == 0 && !job->info.ended;
}

/* ---- failures ---------------------------------------------------------------------- */

/*
 * Fails it from here.  The message of what went wrong after the close begins with what matters more:
 * that rows may have been saved.
 */
static sf_status
give_up(sf_ingest_job *job, const sf_error *why, sf_error *err)
{
	drop_request(job);
	job->state = JOB_GIVEN_UP;
	if (err == NULL || sf_error_is_set(err))
		return SF_FAILED;
	if (job->info.closed)
		return sf_ingest_unknown(why, job->info.id, "The job was closed", err);
	*err = *why;
	sf_error_job(err, job->info.id);
	sf_error_detail(err, "Nothing of this job was saved, since it was not closed.");
	return SF_FAILED;
}

/* ---- creation ---------------------------------------------------------------------- */

static sf_status
read_creation(sf_ingest_job *job, sf_error *err)
{
	size_t len;
	const char *body = sf_http_body(job->req, &len);

	return sf_job_read_creation(body, len, "answer to the creation of an ingest job",
								job->info.id, err);
}

/*
 * The creation failed.  Where nobody can say whether Salesforce acted on it, a job may exist whose id
 * is unknown.  It is Open for ever and saves nothing, so another one is made, and a warning tells of
 * the possible remainder.
 */
static sf_status
creation_failed(sf_ingest_job *job, const sf_error *why, sf_error *err)
{
	bool unknown = sf_http_outcome_unknown(job->req);
	sf_error again = {0};

	if (unknown)
	{
		job->orphans++;
		job->creations_failed++;
		job->nfailed++;
	}
	drop_request(job);
	if (unknown && !job->discarded && job->creations_failed <= job->max_retries)
	{
		if (send_creation(job, &again) == SF_OK)
			return SF_WAIT;
		why = &again;
	}
	give_up(job, why, err);
	job->state = JOB_GONE;
	return SF_FAILED;
}

static sf_status
creating_step(sf_ingest_job *job, sf_error *err)
{
	sf_error why = {0};
	sf_status st = sf_http_check(job->req, &why);

	if (st == SF_WAIT)
		return SF_WAIT;
	if (st == SF_FAILED)
		return creation_failed(job, &why, err);
	st = read_creation(job, &why);
	drop_request(job);
	if (st != SF_OK)
	{
		job->orphans++;
		give_up(job, &why, err);
		job->state = JOB_GONE;
		return SF_FAILED;
	}
	sf_http_charge(job->account, SF_CHARGE_INGEST_JOBS, 1);
	sf_http_remember_job(job->http, job->info.id, job->account);
	free(job->body);
	job->body = NULL;
	job->state = JOB_UPLOADING;
	if (!job->discarded && send_upload(job, &why) != SF_OK)
		return give_up(job, &why, err);
	return SF_WAIT;
}

/* ---- the upload -------------------------------------------------------------------- */

int64_t
sf_ingest_job_wanted(const sf_ingest_job *job)
{
	return job->state == JOB_CREATING || job->state == JOB_UPLOADING ? job->info.bytes : -1;
}

static void
end_if_due(sf_ingest_job *job)
{
	if (job->state == JOB_UPLOADING && job->req != NULL && job->info.bytes == job->total)
		sf_http_upload_end(job->req);
}

size_t
sf_ingest_job_feed(sf_ingest_job *job, const char *data, size_t len)
{
	size_t n;

	if (job->state != JOB_UPLOADING || job->req == NULL)
		return 0;
	if (job->total >= 0 && (int64_t) len > job->total - job->info.bytes)
		len = (size_t) (job->total - job->info.bytes);
	n = sf_http_upload_put(job->req, data, len);
	job->info.bytes += (int64_t) n;
	end_if_due(job);
	return n;
}

void
sf_ingest_job_end(sf_ingest_job *job, int64_t total)
{
	job->total = total;
	end_if_due(job);
}

static sf_status
uploading_step(sf_ingest_job *job, sf_error *err)
{
	sf_error why = {0};
	sf_status st;
	int status;

	end_if_due(job);
	if (job->total >= 0 && job->info.bytes > job->total)
	{
		sf_error_set(&why, SF_ERR_CONFIG, "the upload to ingest job %s got too much data",
					 job->info.id);
		return give_up(job, &why, err);
	}
	st = sf_http_check(job->req, &why);
	if (st == SF_WAIT)
		return SF_WAIT;
	status = sf_http_response(job->req)->status;
	if (st == SF_OK && status != 201)
	{
		st = sf_error_set(&why, SF_ERR_PROTOCOL,
						  "could not upload to ingest job %s: unexpected HTTP status %d",
						  job->info.id, status);
		why.http_status = status;
	}
	if (st == SF_FAILED)
	{
		job->may_restart = !sf_ingest_is_refusal(&why) && why.cls != SF_ERR_MEMORY;
		return give_up(job, &why, err);
	}
	drop_request(job);
	job->info.acknowledged = true;
	job->state = JOB_HELD;
	return SF_WAIT;
}

/* ---- the close --------------------------------------------------------------------- */

void
sf_ingest_job_commit(sf_ingest_job *job)
{
	job->committed = true;
}

static void
sleep_until_poll(sf_ingest_job *job)
{
	int64_t now = sf_http_now(job->http);

	job->state = JOB_SLEEPING;
	job->next_poll = now + sf_job_poll_interval(job->info.polls, job->poll_max_ms);
	/* one is always made after the deadline before it counts as missed */
	if (job->timeout_ms > 0 && job->next_poll > job->closed_at + job->timeout_ms)
		job->next_poll = job->closed_at + job->timeout_ms;
}

/*
 * A close that was not answered with 2xx.  A refusal that came from Salesforce and concerns neither the
 * job's state nor an earlier close means that nothing happens to the job.  Whatever else it is, the
 * job itself is asked what became of it.
 */
static sf_status
close_failed(sf_ingest_job *job, const sf_error *why, sf_error *err)
{
	bool sent = sf_http_was_sent(job->req);
	sf_error again = {0};

	if (sf_http_outcome_unknown(job->req) || why->http_status >= 500)
		job->close_known = false;
	if (sent && !job->close_known)
		job->info.closed = true;
	if (job->close_known && !sf_job_wrong_state(why) &&
		(!sent || sf_ingest_is_refusal(why) || why->http_status == 401))
	{
		job->info.closed = false;
		return give_up(job, why, err);
	}
	drop_request(job);
	if (send_poll(job, &again) != SF_OK)
		return give_up(job, &again, err);
	return SF_WAIT;
}

static sf_status
closing_step(sf_ingest_job *job, sf_error *err)
{
	sf_error why = {0};
	sf_status st = sf_http_check(job->req, &why);

	job->info.closed = job->info.closed || sf_http_was_sent(job->req);
	if (st == SF_WAIT)
		return SF_WAIT;
	if (st == SF_FAILED)
		return close_failed(job, &why, err);
	drop_request(job);
	job->closed_at = sf_http_now(job->http);
	sleep_until_poll(job);
	return SF_WAIT;
}

/* ---- its state over there ---------------------------------------------------------- */

static void
job_ended_badly(sf_ingest_job *job, const char *state, const char *message, sf_error *err)
{
	job->state = JOB_ENDED;
	job->info.ended = true;
	sf_ingest_failure(&job->info, strcmp(state, "Aborted") == 0, message, err);
}

/* Open, although a close was sent: it got lost, and another one does no harm. */
static sf_status
close_again(sf_ingest_job *job, sf_error *err)
{
	if (++job->closes_failed > job->max_retries)
	{
		sf_error_set(err, SF_ERR_REMOTE,
					 "ingest job %s is still Open after it was closed %d time(s)",
					 job->info.id, job->closes_failed);
		return SF_FAILED;
	}
	drop_request(job);
	return send_close(job, err) == SF_OK ? SF_WAIT : SF_FAILED;
}

static sf_status
still_running(sf_ingest_job *job, const char *state, sf_error *err)
{
	int64_t now = sf_http_now(job->http);

	if (job->closed_at == 0)
		job->closed_at = now; /* the answer to the close was lost */
	if (job->timeout_ms > 0 && now >= job->closed_at + job->timeout_ms)
	{
		sf_error_set(err, SF_ERR_TIMEOUT, "it was not complete after %" PRId64 " ms",
					 job->timeout_ms);
		sf_error_detail(err, "Its state is %s; what is not saved yet may still be.", state);
		sf_error_hint(err, "The job_timeout option sets how long to wait.");
		return SF_FAILED;
	}
	sleep_until_poll(job);
	return SF_WAIT;
}

/* As the daily quota has it: each batch begun counts (Bulk API limits, "Batch allocations"). */
static void
charge_batches(sf_ingest_job *job)
{
	int64_t batches = (job->info.processed + BATCH_ROWS - 1) / BATCH_ROWS;

	if (batches <= job->batches_charged)
		return;
	sf_http_charge(job->account, SF_CHARGE_BATCHES, batches - job->batches_charged);
	job->batches_charged = batches;
}

/* *err is filled without give_up's wrapping where the job has ended over there. */
static sf_status
read_state(sf_ingest_job *job, sf_error *err)
{
	static const char what[] = "state of an ingest job";
	const char *state = NULL;
	const char *message = NULL;
	sf_ingest_job_info *info = &job->info;
	const sf_json_field fields[] = {
		{"state", SF_FIELD_STRING, &state, true},
		{"errorMessage", SF_FIELD_STRING, &message, false},
		{"numberRecordsProcessed", SF_FIELD_INT64, &info->processed, false},
		{"numberRecordsFailed", SF_FIELD_INT64, &info->failed, false},
		{"totalProcessingTime", SF_FIELD_INT64, &info->server_ms, false},
	};
	size_t len;
	const char *body = sf_http_body(job->req, &len);
	sf_json *json = sf_json_parse(body, len, what, err);
	sf_status st = SF_FAILED;

	bool readable = json != NULL && sf_json_read(json, what, fields, 5, err) == SF_OK;

	if (readable)
		charge_batches(job);
	if (!readable)
		;
	else if (strcmp(state, "JobComplete") == 0)
	{
		job->state = JOB_COMPLETE;
		info->ended = true;
		if (job->closed_at != 0)
			info->job_ms = sf_http_now(job->http) - job->closed_at;
		st = SF_OK;
	}
	else if (strcmp(state, "Failed") == 0 || strcmp(state, "Aborted") == 0)
		job_ended_badly(job, state, message, err);
	else if (strcmp(state, "Open") == 0)
		st = close_again(job, err);
	else if (strcmp(state, "UploadComplete") == 0 || strcmp(state, "InProgress") == 0)
		st = still_running(job, state, err);
	else
		sf_error_set(err, SF_ERR_PROTOCOL, "its state is \"%.40s\", which is unknown", state);
	sf_json_free(json);
	return st;
}

static sf_status
polling_step(sf_ingest_job *job, sf_error *err)
{
	sf_error why = {0};
	sf_status st = sf_http_check(job->req, &why);

	if (st == SF_WAIT)
		return SF_WAIT;
	job->info.polls++;
	if (st == SF_OK)
		st = read_state(job, &why);
	else if (why.http_status == 404)
		sf_error_detail(&why, "Somebody else has deleted the job.");

	if (st == SF_FAILED && job->state != JOB_ENDED)
		return give_up(job, &why, err);
	if (st == SF_FAILED && err != NULL && !sf_error_is_set(err))
	{
		*err = why;
		sf_error_job(err, job->info.id);
	}
	if (job->state != JOB_CLOSING)
		drop_request(job);
	return st;
}

/* ---- the steps --------------------------------------------------------------------- */

sf_status
sf_ingest_job_step(sf_ingest_job *job, sf_error *err)
{
	sf_error why = {0};

	switch (job->state)
	{
		case JOB_CREATING:
			return creating_step(job, err);
		case JOB_UPLOADING:
			if (uploading_step(job, err) == SF_FAILED)
				return SF_FAILED;
			if (job->state != JOB_HELD)
				return SF_WAIT;
			break;
		case JOB_CLOSING:
			if (closing_step(job, err) == SF_FAILED)
				return SF_FAILED;
			break;
		case JOB_POLLING:
		{
			sf_status st = polling_step(job, err);

			if (st != SF_WAIT)
				return st;
			break;
		}
		case JOB_COMPLETE:
			return SF_OK;
		default:
			break;
	}

	if (job->state == JOB_HELD && !job->committed)
		return SF_OK;
	if (job->state == JOB_HELD && send_close(job, &why) != SF_OK)
		return give_up(job, &why, err);
	if (job->state == JOB_SLEEPING && sf_http_now(job->http) >= job->next_poll &&
		send_poll(job, &why) != SF_OK)
		return give_up(job, &why, err);
	if (job->state == JOB_SLEEPING)
		sf_http_wake_at(job->http, job->next_poll);
	return SF_WAIT;
}

/* ---- cleaning up ------------------------------------------------------------------- */

void
sf_ingest_job_discard(sf_ingest_job *job, bool keep)
{
	job->discarded = true;
	job->keep = keep;
	if (job->state == JOB_CREATING && job->req != NULL && sf_http_was_sent(job->req))
	{
		sf_http_no_more_attempts(job->req);
		return;
	}
	/* a close may have left since the last step */
	if (job->state == JOB_CLOSING && job->req != NULL && sf_http_was_sent(job->req))
		job->info.closed = true;
	drop_request(job);
	if (job->state == JOB_CREATING)
		job->state = JOB_GONE;
	else if ((job->state == JOB_COMPLETE || job->state == JOB_ENDED) && keep)
		job->state = JOB_GONE;
}

static sf_status
cleanup_failed(sf_ingest_job *job, const sf_error *why, sf_error *err)
{
	drop_request(job);
	job->state = JOB_GONE;
	if (err == NULL || sf_error_is_set(err))
		return SF_FAILED;
	*err = *why;
	sf_error_job(err, job->info.id);
	if (job->info.closed && !job->info.ended)
		sf_error_detail(err, "The job was closed before, so its rows may have been saved.");
	return SF_FAILED;
}

/* The abort was answered. */
static sf_status
abort_ended(sf_ingest_job *job, bool aborted, const sf_error *why, sf_error *err)
{
	sf_error again = {0};

	if (!aborted && why->http_status != 404 && !sf_job_wrong_state(why))
		return cleanup_failed(job, why, err);
	drop_request(job);
	job->may_be_saved = job->info.closed;
	job->deleted = !aborted && why->http_status == 404;
	if (job->info.closed || (!aborted && why->http_status == 404))
	{
		job->state = JOB_GONE;
		return SF_DONE;
	}
	if (send_deletion(job, &again) != SF_OK)
		return cleanup_failed(job, &again, err);
	return SF_WAIT;
}

sf_status
sf_ingest_job_cleanup_step(sf_ingest_job *job, sf_error *err)
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
	if (job->state == JOB_GONE)
		return SF_DONE;
	if (job->state != JOB_ABORTING && job->state != JOB_DELETING)
	{
		st = job->info.ended ? send_deletion(job, &why) : send_abort(job, &why);
		return st == SF_OK ? SF_WAIT : cleanup_failed(job, &why, err);
	}

	st = sf_http_check(job->req, &why);
	if (st == SF_WAIT)
		return SF_WAIT;
	if (job->state == JOB_ABORTING)
		return abort_ended(job, st == SF_OK, &why, err);
	if (st == SF_FAILED && why.http_status != 404)
		return cleanup_failed(job, &why, err);
	drop_request(job);
	job->state = JOB_GONE;
	return SF_DONE;
}

bool
sf_ingest_job_take_warning(sf_ingest_job *job, sf_error *err)
{
	sf_error_reset(err);
	if (job->may_be_saved)
	{
		job->may_be_saved = false;
		sf_ingest_saved_warning(job->info.id, "The job was closed already",
								job->deleted ? "somebody has deleted it" : NULL, err);
		return true;
	}
	if (job->orphans == 0)
		return false;
	sf_ingest_orphan_warning(job->orphans, err);
	job->orphans = 0;
	return true;
}

void
sf_ingest_job_give_up(const sf_ingest_job *job, sf_error *err)
{
	bool closed = job->info.closed && !job->info.ended;

	sf_ingest_late_warning(job->info.id, closed ? "abort" : "delete",
						   job->info.ended ? "deleted" : "aborted",
						   closed ? "The job was closed before" : NULL, err);
}
