/*
 * sf_ingest_job_bulk1.c
 *		A Bulk API 1.0 ingest job from its creation to its end.
 *
 * sf_ingest_job_feed makes batches of the data; here is when they leave, and what becomes of them.
 */
#include "sf_ingest_job_bulk1.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_ingest_job_feed.h"
#include "sf_ingest_job_text.h"
#include "sf_job.h"
#include "sf_json.h"

typedef enum job1_state
{
	JOB_CREATING, /* req is the creation */
	JOB_READY,	  /* for the next batch, or for the end */
	JOB_ADDING,	  /* req is a batch on its way */
	JOB_ASKING,	  /* req lists the batches: was the last one added? */
	JOB_CLOSING,  /* req is the close */
	JOB_SLEEPING, /* until next_poll */
	JOB_POLLING,  /* req lists the batches */
	JOB_COMPLETE,
	JOB_ENDED,	  /* a batch failed, or the job was stopped by what error says; all is final */
	JOB_GIVEN_UP, /* failed from here: what it is over there tells info.closed */
	JOB_ABORTING, /* req is the abort */
	JOB_GONE	  /* nothing is left to be done */
} job1_state;

struct sf_ingest_job1
{
	sf_bulk1_where where;
	job1_state state;
	bool discarded;
	sf_http_request *req;
	int poll_max_ms;
	int64_t timeout_ms;
	int max_retries;

	/* for the creation */
	char *object;
	char *external_id_field;
	char *assignment_rule_id;
	sf_operation operation;
	bool serial;
	int nfailed; /* creations with an unknown outcome, and what the owner had before */
	int creations_failed;
	int orphans;

	/* the data */
	sf_batch_feed feed;
	bool stopped;	 /* no more batches */
	bool doubtful;	 /* the last batch was all sent, and nobody knows whether it was added */
	bool may_arrive; /* … and it may still arrive */
	int batch_failures; /* of the batch at hand */
	sf_error why;		/* what stopped it */

	sf_ingest_batch *batches;
	int nbatches;
	int batches_alloc;
	char *message; /* of the first batch that failed; NULL for none */

	bool may_be_saved; /* it was aborted with batches: a warning is due */
	int64_t closed_at;
	int64_t next_poll;
	sf_ingest_job_info info;
};

/* ---- begin and end ----------------------------------------------------------------- */

/* Ends the request under way, keeping what it cost. */
static void
drop_request(sf_ingest_job1 *job)
{
	sf_http_settle(&job->req, &job->info.cost);
}

/* A request takes the place of the last one. */
static sf_status
go_on(sf_ingest_job1 *job, job1_state state, sf_http_request *req)
{
	drop_request(job);
	job->req = req;
	job->state = state;
	return req != NULL ? SF_OK : SF_FAILED;
}

static sf_status
send_creation(sf_ingest_job1 *job, sf_error *err)
{
	sf_bulk1_job_spec spec = {.object = job->object,
							  .operation = sf_ingest_operation_name(job->operation),
							  .external_id_field = job->external_id_field,
							  .assignment_rule_id = job->assignment_rule_id,
							  .serial = job->serial,
							  .nfailed = job->nfailed};

	return go_on(job, JOB_CREATING, sf_bulk1_create(&job->where, &spec, err));
}

static bool
copy_text(char **copy, const char *text)
{
	*copy = text != NULL ? strdup(text) : NULL;
	return text == NULL || *copy != NULL;
}

sf_ingest_job1 *
sf_ingest_job1_start(sf_http *h, const sf_ingest_job_spec *spec, sf_error *err)
{
	const sf_ingest_spec *what = spec->what;
	sf_ingest_job1 *job = calloc(1, sizeof(*job));

	if (job == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	job->where.http = h;
	job->where.account = sf_http_current_account(h);
	job->where.noun = "ingest job";
	snprintf(job->where.api_version, sizeof(job->where.api_version), "%s", spec->api_version);
	job->poll_max_ms = what->poll_interval_max_ms;
	job->timeout_ms = what->job_timeout_ms;
	job->max_retries = spec->max_retries;
	job->operation = what->operation;
	job->serial = what->serial;
	job->nfailed = spec->nfailed;
	sf_batch_feed_init(&job->feed, what->batch_rows);
	if (!copy_text(&job->object, what->object) ||
		!copy_text(&job->external_id_field, what->external_id_field) ||
		!copy_text(&job->assignment_rule_id, what->assignment_rule_id))
		sf_error_nomem(err);
	else if (send_creation(job, err) == SF_OK)
		return job;
	sf_ingest_job1_free(job);
	return NULL;
}

void
sf_ingest_job1_free(sf_ingest_job1 *job)
{
	if (job == NULL)
		return;
	sf_http_end(job->req);
	sf_batch_feed_free(&job->feed);
	free(job->object);
	free(job->external_id_field);
	free(job->assignment_rule_id);
	free(job->batches);
	free(job->message);
	free(job);
}

const sf_ingest_job_info *
sf_ingest_job1_get_info(const sf_ingest_job1 *job)
{
	return &job->info;
}

int64_t
sf_ingest_job1_rows(const sf_ingest_job1 *job)
{
	bool sent =
		job->state == JOB_ADDING && job->req != NULL && sf_http_upload_is_whole(job->req);

	return job->info.rows + (sent || job->doubtful ? job->feed.cut.rows : 0);
}

const sf_ingest_batch *
sf_ingest_job1_batches(const sf_ingest_job1 *job, int *n)
{
	*n = job->nbatches;
	return job->batches;
}

bool
sf_ingest_job1_is_complete(const sf_ingest_job1 *job)
{
	return job->state == JOB_COMPLETE;
}

bool
sf_ingest_job1_is_closing(const sf_ingest_job1 *job)
{
	return job->state == JOB_CLOSING;
}

/* ---- failures ---------------------------------------------------------------------- */

/* Fails it from here. */
static sf_status
give_up(sf_ingest_job1 *job, const sf_error *why, sf_error *err)
{
	drop_request(job);
	job->state = JOB_GIVEN_UP;
	if (err == NULL || sf_error_is_set(err))
		return SF_FAILED;
	if (job->info.closed)
		return sf_ingest_unknown(why, job->info.id, "Batches of the job were added", err);
	*err = *why;
	sf_error_job(err, job->info.id);
	sf_error_detail(err, "Nothing of this job was saved, since no batch was added.");
	return SF_FAILED;
}

static sf_status
send_close(sf_ingest_job1 *job, sf_error *err)
{
	sf_error why = {0};

	if (go_on(job, JOB_CLOSING, sf_bulk1_set_state(&job->where, "Closed", 0, &why)) == SF_OK)
		return SF_WAIT;
	return give_up(job, &why, err);
}

/* No more batches, for a reason: what was added comes to its end first, so that it can be counted. */
static sf_status
stop_because(sf_ingest_job1 *job, const sf_error *why, sf_error *err)
{
	if (!sf_error_is_set(&job->why))
		job->why = *why;
	job->stopped = true;
	if (job->info.closed)
		return send_close(job, err);
	return give_up(job, why, err);
}

/* ---- creation ---------------------------------------------------------------------- */

/* As with Bulk API 2.0: a job nobody knows the id of is Open for ever, and saves nothing. */
static sf_status
creation_failed(sf_ingest_job1 *job, const sf_error *why, sf_error *err)
{
	bool unknown = sf_http_outcome_unknown(job->req);
	sf_error again = {0};

	if (unknown)
	{
		job->orphans++;
		job->creations_failed++;
		job->nfailed++;
	}
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
creating_step(sf_ingest_job1 *job, sf_error *err)
{
	sf_error why = {0};
	sf_bulk1_job answer;
	sf_status st = sf_http_check(job->req, &why);

	if (st == SF_WAIT)
		return SF_WAIT;
	if (st == SF_FAILED)
		return creation_failed(job, &why, err);
	st = sf_bulk1_read_job(&job->where, job->req, &answer, &why);
	drop_request(job);
	if (st != SF_OK)
	{
		job->orphans++;
		give_up(job, &why, err);
		job->state = JOB_GONE;
		return SF_FAILED;
	}
	memcpy(job->info.id, answer.id, sizeof(job->info.id));
	memcpy(job->where.job_id, answer.id, sizeof(job->where.job_id));
	sf_http_charge(job->where.account, SF_CHARGE_INGEST_JOBS, 1);
	sf_http_remember_job(job->where.http, job->info.id, job->where.account);
	job->state = JOB_READY;
	return SF_WAIT;
}

/* ---- the data ---------------------------------------------------------------------- */

int64_t
sf_ingest_job1_wanted(const sf_ingest_job1 *job)
{
	return job->info.acknowledged || job->stopped || job->state >= JOB_COMPLETE ? -1
																				: job->feed.at;
}

void
sf_ingest_job1_end(sf_ingest_job1 *job, int64_t total)
{
	job->feed.total = total;
}

/* A batch begins with the header row; failing that, the step tells. */
static void
begin_batch(sf_ingest_job1 *job)
{
	if (go_on(job, JOB_ADDING,
			  sf_bulk1_add_batch(&job->where, NULL, 0, job->batch_failures, &job->why)) ==
		SF_OK)
		sf_batch_feed_begin(&job->feed, job->req);
}

size_t
sf_ingest_job1_feed(sf_ingest_job1 *job, const char *data, size_t len)
{
	size_t done = 0;

	if (sf_ingest_job1_wanted(job) < 0 || sf_error_is_set(&job->why))
		return 0;
	if (!job->feed.header_known)
		done = sf_batch_feed_header(&job->feed, data, len);
	if (job->state == JOB_READY && job->feed.header_known && done < len &&
		!sf_batch_feed_has_all(&job->feed))
		begin_batch(job);
	if (job->state == JOB_ADDING && job->req != NULL)
		done += sf_batch_feed_rows(&job->feed, job->req, data + done, len - done);
	return done;
}

/* ---- batches ----------------------------------------------------------------------- */

/* A batch is in the job: the next one begins behind it. */
static sf_status
batch_added(sf_ingest_job1 *job, const char *id, sf_error *err)
{
	if (job->nbatches >= job->batches_alloc)
	{
		int n = job->batches_alloc > 0 ? 2 * job->batches_alloc : 16;
		sf_ingest_batch *batches = realloc(job->batches, (size_t) n * sizeof(*batches));

		if (batches == NULL)
			return sf_error_nomem(err);
		job->batches = batches;
		job->batches_alloc = n;
	}
	job->batches[job->nbatches] = (sf_ingest_batch){.rows = job->feed.cut.rows};
	memcpy(job->batches[job->nbatches].id, id, SF_JOB_ID_MAX);
	job->nbatches++;
	sf_http_charge(job->where.account, SF_CHARGE_BATCHES, 1);
	job->info.rows += job->feed.cut.rows;
	job->info.closed = true;
	job->doubtful = false;
	job->batch_failures = 0;
	sf_batch_feed_next(&job->feed);
	return SF_OK;
}

/* It was surely not added: it is sent again, unless it was refused or has failed too often. */
static sf_status
batch_not_added(sf_ingest_job1 *job, const sf_error *why, sf_error *err)
{
	drop_request(job);
	job->doubtful = false;
	if (job->stopped || sf_ingest_is_refusal(why) || why->cls == SF_ERR_MEMORY ||
		++job->batch_failures > job->max_retries)
		return stop_because(job, why, err);
	sf_batch_feed_rewind(&job->feed);
	job->state = JOB_READY;
	return SF_WAIT;
}

/* Nobody knows: the job is asked which batches it has. */
static sf_status
ask_for_batch(sf_ingest_job1 *job, const sf_error *why, sf_error *err)
{
	sf_error again = {0};

	job->info.closed = true;
	job->doubtful = true;
	job->may_arrive = sf_http_outcome_unknown(job->req);
	if (!sf_error_is_set(&job->why))
		job->why = *why;
	if (go_on(job, JOB_ASKING, sf_bulk1_ask_batches(&job->where, &again)) == SF_OK)
		return SF_WAIT;
	return give_up(job, &again, err);
}

static sf_status
adding_step(sf_ingest_job1 *job, sf_error *err)
{
	sf_error why = {0};
	sf_bulk1_batch answer;
	sf_status st;

	sf_batch_feed_finish(&job->feed, job->req);
	st = sf_http_check(job->req, &why);
	if (st == SF_WAIT)
		return SF_WAIT;
	if (st == SF_OK)
	{
		if (sf_bulk1_read_batch(&job->where, job->req, &answer, &why) != SF_OK)
			return ask_for_batch(job, &why, err);
		free(answer.message);
		drop_request(job);
		job->state = JOB_READY;
		if (batch_added(job, answer.id, &why) != SF_OK)
		{
			job->info.closed = true;
			return give_up(job, &why, err);
		}
		return SF_WAIT;
	}
	if (sf_http_upload_is_whole(job->req) && sf_http_may_have_acted(job->req))
		return ask_for_batch(job, &why, err);
	return batch_not_added(job, &why, err);
}

/* The batch of the list that is not one of those known; NULL when there is none. */
static const sf_bulk1_batch *
unknown_batch(const sf_ingest_job1 *job, const sf_bulk1_batches *list)
{
	for (int i = 0; i < list->n; i++)
	{
		bool known = false;

		for (int n = 0; n < job->nbatches && !known; n++)
			known = strncmp(job->batches[n].id, list->items[i].id, 15) == 0;
		if (!known)
			return &list->items[i];
	}
	return NULL;
}

/*
 * What became of a batch whose answer was lost.  That the list does not have it says nothing as long as it may still
 * arrive; so the job is closed then, and its polls settle it.  Where the server itself had answered, with an
 * error that says nothing, it does not come any more.
 */
static sf_status
asking_step(sf_ingest_job1 *job, sf_error *err)
{
	sf_error why = {0};
	sf_bulk1_batches list = {0};
	const sf_bulk1_batch *added;
	sf_status st = sf_http_check(job->req, &why);

	if (st == SF_WAIT)
		return SF_WAIT;
	if (st == SF_OK)
		st = sf_bulk1_read_batches(&job->where, job->req, &list, &why);
	if (st != SF_OK)
		return give_up(job, &why, err);
	added = unknown_batch(job, &list);
	drop_request(job);
	if (added != NULL)
	{
		job->state = JOB_READY;
		st = batch_added(job, added->id, &why);
		sf_error_reset(&job->why);
	}
	sf_bulk1_batches_free(&list);
	if (added != NULL)
		return st == SF_OK ? SF_WAIT : give_up(job, &why, err);
	if (!job->may_arrive)
	{
		why = job->why;
		sf_error_reset(&job->why);
		return batch_not_added(job, &why, err);
	}
	job->stopped = true;
	return send_close(job, err);
}

/* ---- the end ----------------------------------------------------------------------- */

void
sf_ingest_job1_stop(sf_ingest_job1 *job)
{
	job->stopped = true;
	/* a batch that is not all sent is left out; of one that is, the answer tells */
	if (job->state == JOB_ADDING && job->req != NULL && !sf_http_upload_is_whole(job->req))
	{
		drop_request(job);
		sf_batch_feed_rewind(&job->feed);
		job->state = JOB_READY;
	}
}

static sf_status
sleep_until_poll(sf_ingest_job1 *job)
{
	int64_t now = sf_http_now(job->where.http);

	drop_request(job);
	job->state = JOB_SLEEPING;
	job->next_poll = now + sf_job_poll_interval(job->info.polls, job->poll_max_ms);
	/* one is always made after the deadline before it counts as missed */
	if (job->timeout_ms > 0 && job->next_poll > job->closed_at + job->timeout_ms)
		job->next_poll = job->closed_at + job->timeout_ms;
	return SF_WAIT;
}

static sf_status
closing_step(sf_ingest_job1 *job, sf_error *err)
{
	sf_error why = {0};
	sf_status st = sf_http_check(job->req, &why);

	if (st == SF_WAIT)
		return SF_WAIT;
	/* in a state that allows no close nothing can be added either */
	if (st == SF_FAILED && !sf_job_wrong_state(&why))
		return give_up(job, &why, err);
	job->closed_at = sf_http_now(job->where.http);
	return sleep_until_poll(job);
}

/* Everything is final. */
static sf_status
job_ended(sf_ingest_job1 *job, bool aborted, sf_error *err)
{
	job->info.ended = true;
	job->info.job_ms = sf_http_now(job->where.http) - job->closed_at;
	drop_request(job);
	if (job->message == NULL && !aborted && !sf_error_is_set(&job->why))
	{
		job->state = JOB_COMPLETE;
		return SF_OK;
	}
	job->state = JOB_ENDED;
	if (err == NULL || sf_error_is_set(err))
		return SF_FAILED;
	if (job->message == NULL && !aborted)
	{
		*err = job->why;
		sf_error_detail(err, job->nbatches > 0
								 ? "What was added to the job before has been processed."
								 : "Nothing of this job was saved, since no batch was added.");
	}
	else
		sf_ingest_failure(&job->info, job->message == NULL, job->message, err);
	sf_error_job(err, job->info.id);
	return SF_FAILED;
}

/* Takes what the list says of a batch; false when it does not have it. */
static bool
update_batch(sf_ingest_job1 *job, sf_ingest_batch *batch, const sf_bulk1_batches *list)
{
	const sf_bulk1_batch *found = sf_bulk1_find_batch(list, batch->id);

	if (found == NULL)
		return false;
	batch->state = found->state;
	batch->processed = found->processed;
	batch->failed = found->failed;
	job->info.processed += found->processed;
	job->info.failed += found->failed;
	job->info.server_ms += found->server_ms;
	return true;
}

static sf_status
still_running(sf_ingest_job1 *job, int open, sf_error *err)
{
	sf_error why = {0};

	if (job->timeout_ms == 0 ||
		sf_http_now(job->where.http) < job->closed_at + job->timeout_ms)
		return sleep_until_poll(job);
	sf_error_set(&why, SF_ERR_TIMEOUT, "it was not complete after %" PRId64 " ms",
				 job->timeout_ms);
	sf_error_detail(&why,
					"%d of its %d batches are not done; what is not saved yet may still be.",
					open, job->nbatches);
	sf_error_hint(&why, "The job_timeout option sets how long to wait.");
	return give_up(job, &why, err);
}

/* What a failed batch says; "" where Salesforce gives no reason. */
static bool
keep_message(sf_ingest_job1 *job, const sf_bulk1_batch *batch)
{
	if (job->message == NULL && batch->state == SF_BATCH_FAILED)
		job->message = strdup(batch->message != NULL ? batch->message : "");
	return job->message != NULL || batch->state != SF_BATCH_FAILED;
}

static sf_status
read_states(sf_ingest_job1 *job, const sf_bulk1_batches *list, sf_error *err)
{
	sf_error why = {0};
	bool aborted = false;
	int open = 0;

	job->info.processed = job->info.failed = job->info.server_ms = 0;
	for (int i = 0; i < job->nbatches; i++)
	{
		sf_ingest_batch *batch = &job->batches[i];

		if (!update_batch(job, batch, list))
		{
			sf_error_set(&why, SF_ERR_PROTOCOL, "its list of batches lacks batch %s",
						 batch->id);
			return give_up(job, &why, err);
		}
		open += batch->state < SF_BATCH_COMPLETED;
		aborted |= batch->state == SF_BATCH_NOT_PROCESSED;
	}
	if (open > 0)
		return still_running(job, open, err);
	for (int i = 0; i < job->nbatches; i++)
	{
		if (!keep_message(job, sf_bulk1_find_batch(list, job->batches[i].id)))
		{
			sf_error_nomem(&why);
			return give_up(job, &why, err);
		}
	}
	return job_ended(job, aborted, err);
}

static sf_status
polling_step(sf_ingest_job1 *job, sf_error *err)
{
	sf_error why = {0};
	sf_bulk1_batches list = {0};
	sf_status st = sf_http_check(job->req, &why);

	if (st == SF_WAIT)
		return SF_WAIT;
	job->info.polls++;
	if (st == SF_OK)
		st = sf_bulk1_read_batches(&job->where, job->req, &list, &why);
	if (st == SF_OK && job->doubtful)
	{
		const sf_bulk1_batch *added = unknown_batch(job, &list);

		/* the job is closed: what is not there now never will be */
		job->doubtful = false;
		if (added != NULL)
			st = batch_added(job, added->id, &why);
		job->info.rest = job->feed.start;
		if (added != NULL && sf_batch_feed_has_all(&job->feed))
		{
			/* that was the last one */
			job->info.acknowledged = true;
			job->info.rest = 0;
			sf_error_reset(&job->why);
		}
	}
	st = st == SF_OK ? read_states(job, &list, err) : give_up(job, &why, err);
	sf_bulk1_batches_free(&list);
	return st;
}

/* ---- the steps --------------------------------------------------------------------- */

/* All data is in batches, or no more is wanted. */
static bool
has_all(const sf_ingest_job1 *job)
{
	return job->stopped || sf_batch_feed_has_all(&job->feed);
}

/* Between two batches: waits for data, or goes on to the end. */
static sf_status
ready_step(sf_ingest_job1 *job, sf_error *err)
{
	if (!has_all(job))
		return SF_WAIT;
	if (!job->stopped)
		job->info.acknowledged = true;
	job->info.bytes = job->feed.at;
	return send_close(job, err);
}

/* What went wrong while data was taken. */
static sf_status
check_data(sf_ingest_job1 *job, sf_error *err)
{
	sf_error why = {0};

	if (job->state != JOB_READY && job->state != JOB_ADDING)
		return SF_OK;
	if (job->stopped && sf_error_is_set(&job->why))
		return SF_OK;
	if (sf_error_is_set(&job->why))
		why = job->why; /* a batch could not begin */
	else
		sf_batch_feed_check(&job->feed, job->info.id, job->info.rows, &why);
	if (!sf_error_is_set(&why))
		return SF_OK;
	drop_request(job);
	return stop_because(job, &why, err);
}

sf_status
sf_ingest_job1_step(sf_ingest_job1 *job, sf_error *err)
{
	sf_status st = SF_WAIT;
	sf_error why = {0};

	if (job->state >= JOB_COMPLETE)
		return job->state == JOB_COMPLETE ? SF_OK : SF_FAILED;
	if (check_data(job, err) == SF_FAILED)
		return SF_FAILED;
	if (job->state == JOB_CREATING)
		st = creating_step(job, err);
	else if (job->state == JOB_ADDING)
		st = adding_step(job, err);
	else if (job->state == JOB_ASKING)
		st = asking_step(job, err);
	else if (job->state == JOB_CLOSING)
		st = closing_step(job, err);
	else if (job->state == JOB_POLLING)
		st = polling_step(job, err);
	if (st == SF_WAIT && job->state == JOB_READY)
		st = ready_step(job, err);
	if (st != SF_WAIT)
		return st;
	if (job->state == JOB_SLEEPING && sf_http_now(job->where.http) >= job->next_poll &&
		go_on(job, JOB_POLLING, sf_bulk1_ask_batches(&job->where, &why)) != SF_OK)
		return give_up(job, &why, err);
	if (job->state == JOB_SLEEPING)
		sf_http_wake_at(job->where.http, job->next_poll);
	return SF_WAIT;
}

/* ---- cleaning up ------------------------------------------------------------------- */

void
sf_ingest_job1_discard(sf_ingest_job1 *job)
{
	job->discarded = true;
	if (job->state == JOB_CREATING && job->req != NULL && sf_http_was_sent(job->req))
	{
		sf_http_no_more_attempts(job->req);
		return;
	}
	/* a batch may have left since the last step */
	if (job->state == JOB_ADDING && job->req != NULL && sf_http_upload_is_whole(job->req))
		job->info.closed = true;
	drop_request(job);
	if (job->state == JOB_CREATING || job->state == JOB_COMPLETE || job->state == JOB_ENDED)
		job->state = JOB_GONE;
}

static sf_status
cleanup_failed(sf_ingest_job1 *job, const sf_error *why, sf_error *err)
{
	drop_request(job);
	job->state = JOB_GONE;
	if (err == NULL || sf_error_is_set(err))
		return SF_FAILED;
	*err = *why;
	sf_error_job(err, job->info.id);
	if (job->info.closed)
		sf_error_detail(err,
						"Batches had been added to it before, so that its rows may have been "
						"saved.");
	return SF_FAILED;
}

sf_status
sf_ingest_job1_cleanup_step(sf_ingest_job1 *job, sf_error *err)
{
	sf_error why = {0};
	sf_status st;

	if (job->state == JOB_CREATING)
	{
		if (creating_step(job, &why) == SF_FAILED)
			return SF_DONE; /* no job came of it; what is unknown is told by the warning */
		if (job->state == JOB_CREATING)
			return SF_WAIT;
	}
	if (job->state == JOB_GONE)
		return SF_DONE;
	if (job->state != JOB_ABORTING)
	{
		st = go_on(job, JOB_ABORTING, sf_bulk1_set_state(&job->where, "Aborted", 0, &why));
		return st == SF_OK ? SF_WAIT : cleanup_failed(job, &why, err);
	}
	st = sf_http_check(job->req, &why);
	if (st == SF_WAIT)
		return SF_WAIT;
	if (st == SF_FAILED && !sf_job_wrong_state(&why))
		return cleanup_failed(job, &why, err);
	drop_request(job);
	job->may_be_saved = job->info.closed;
	job->state = JOB_GONE;
	return SF_DONE;
}

bool
sf_ingest_job1_take_warning(sf_ingest_job1 *job, sf_error *err)
{
	sf_error_reset(err);
	if (job->may_be_saved)
	{
		job->may_be_saved = false;
		sf_ingest_saved_warning(job->info.id, "The job had batches already", NULL, err);
		return true;
	}
	if (job->orphans == 0)
		return false;
	sf_ingest_orphan_warning(job->orphans, err);
	job->orphans = 0;
	return true;
}

void
sf_ingest_job1_give_up(const sf_ingest_job1 *job, sf_error *err)
{
	sf_ingest_late_warning(job->info.id, "abort", "aborted",
						   job->info.closed ? "The job had batches already" : NULL, err);
}
