/*
 * sf_query_job1.c
 *		A query job of Bulk API 1.0 from its creation to its end.
 */
#include "sf_query_job1.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_job.h"
#include "sf_json.h"

/*
 * Polls at which nothing runs any more, and yet batches or their rows are missing, before that counts as an
 * error: the counters of a job follow its batches, and batches of chunks follow the one that they come from.
 */
#define UNSETTLED_MAX 12

typedef enum job_state
{
	JOB_CREATING,	/* req is the creation */
	JOB_ADDING,		/* req is the batch */
	JOB_RESTARTING, /* req is the abort of a job that nobody knows the batches of */
	JOB_CLOSING,	/* req is the close, without chunks: no further batch comes */
	JOB_SLEEPING,	/* until next_poll */
	JOB_POLLING,	/* req asks for the job */
	JOB_LISTING,	/* req asks for its batches */
	JOB_COMPLETE,	/* req is the close, if any */
	JOB_FAILED,
	JOB_ENDING, /* req is the abort or the close */
	JOB_GONE	/* nothing is left of it to do */
} job_state;

struct sf_query_job1
{
	sf_bulk1_where where;
	job_state state;
	bool discarded;
	sf_http_request *req;
	char *soql;
	char *object;
	char header[160]; /* that asks for chunks, or "" */
	bool query_all;
	int poll_max_ms;
	int64_t timeout_ms;
	int max_retries;

	int nfailed; /* creations and batches whose outcome is unknown */
	int orphans; /* jobs that may exist without anybody knowing their id */
	bool open;	 /* neither closed nor aborted */
	bool idle;	 /* none of its batches runs, or will */
	int64_t created_at;
	int64_t next_poll;

	char first[SF_JOB_ID_MAX]; /* the batch with the query */
	sf_bulk1_job said;		   /* by the last poll */
	int64_t batches_charged;   /* of the daily quota */
	int64_t final_before;	   /* batches that were over at the last list */
	int unsettled;
	sf_bulk1_batches list;
	bool *taken; /* which of them were given out */
	sf_query_job_info info;
};

/* ---- start and end ----------------------------------------------------------------- */

/* Ends the request under way, keeping what it cost. */
static void
drop_request(sf_query_job1 *job)
{
	sf_http_settle(&job->req, &job->info.cost);
}

static sf_status
send_creation(sf_query_job1 *job, sf_error *err)
{
	sf_bulk1_job_spec spec = {.object = job->object,
							  .operation = job->query_all ? "queryAll" : "query",
							  .header = job->header[0] != '\0' ? job->header : NULL,
							  .nfailed = job->nfailed};

	job->where.job_id[0] = '\0';
	job->info.id[0] = '\0';
	job->state = JOB_CREATING;
	job->req = sf_bulk1_create(&job->where, &spec, err);
	return job->req != NULL ? SF_OK : SF_FAILED;
}

static bool
ask_for_chunks(sf_query_job1 *job, const sf_query_job1_spec *spec)
{
	int n;

	if (spec->chunk_size <= 0 || !sf_soql_is_chunkable(spec->soql))
		return true;
	n = snprintf(job->header, sizeof(job->header),
				 "Sforce-Enable-PKChunking: chunkSize=%d%s%s", spec->chunk_size,
				 spec->chunk_parent != NULL ? "; parent=" : "",
				 spec->chunk_parent != NULL ? spec->chunk_parent : "");
	return n > 0 && (size_t) n < sizeof(job->header);
}

sf_query_job1 *
sf_query_job1_start(sf_http *h, const sf_query_job1_spec *spec, sf_error *err)
{
	sf_query_job1 *job = calloc(1, sizeof(*job));
	char object[128];

	if (job == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	job->where.http = h;
	job->where.account = sf_http_current_account(h);
	job->where.noun = "query job";
	snprintf(job->where.api_version, sizeof(job->where.api_version), "%s", spec->api_version);
	job->query_all = spec->query_all;
	job->poll_max_ms = spec->poll_interval_max_ms;
	job->timeout_ms = spec->timeout_ms;
	job->max_retries = spec->max_retries;
	job->info.records = -1;
	if (!sf_soql_object(spec->soql, object, sizeof(object)))
		sf_error_set(err, SF_ERR_CONFIG, "the query names no object behind its FROM");
	else if (!ask_for_chunks(job, spec))
		sf_error_set(err, SF_ERR_CONFIG, "the parent object's name is too long");
	else
	{
		job->soql = strdup(spec->soql);
		job->object = strdup(object);
		if (job->soql != NULL && job->object != NULL && send_creation(job, err) == SF_OK)
			return job;
		if (!sf_error_is_set(err))
			sf_error_nomem(err);
	}
	sf_query_job1_free(job);
	return NULL;
}

void
sf_query_job1_free(sf_query_job1 *job)
{
	if (job == NULL)
		return;
	sf_http_end(job->req);
	sf_bulk1_batches_free(&job->list);
	free(job->taken);
	free(job->soql);
	free(job->object);
	free(job);
}

const sf_query_job_info *
sf_query_job1_get_info(const sf_query_job1 *job)
{
	return &job->info;
}

/* ---- creation, batch, close -------------------------------------------------------- */

/*
 * The creation failed, with an answer that nobody has seen: as with the other API, another one is sent, and a
 * warning tells of the job that may be left.  It has no batch and reads nothing.
 */
static sf_status
creation_failed(sf_query_job1 *job, const sf_error *why, sf_error *err)
{
	bool unknown = sf_http_outcome_unknown(job->req);

	if (unknown)
	{
		job->orphans++;
		job->nfailed++;
	}
	drop_request(job);
	if (unknown && !job->discarded && job->nfailed <= job->max_retries &&
		send_creation(job, err) == SF_OK)
		return SF_WAIT;
	job->state = JOB_GONE;
	if (err != NULL && !sf_error_is_set(err))
		*err = *why;
	if (job->header[0] != '\0' && strcasestr(why->message, "chunk") != NULL)
		sf_error_hint(
			err, "Option pk_chunking can be taken off where Salesforce does not divide an "
				 "object; a share or history table needs pk_chunking_parent.");
	return SF_FAILED;
}

static sf_status
creating_step(sf_query_job1 *job, sf_error *err)
{
	sf_error why = {0};
	sf_status st = sf_http_check(job->req, &why);

	if (st == SF_WAIT)
		return SF_WAIT;
	if (st == SF_FAILED)
		return creation_failed(job, &why, err);
	st = sf_bulk1_read_job(&job->where, job->req, &job->said, err);
	drop_request(job);
	if (st != SF_OK)
	{
		job->orphans++;
		job->state = JOB_GONE;
		return SF_FAILED;
	}
	memcpy(job->where.job_id, job->said.id, sizeof(job->where.job_id));
	memcpy(job->info.id, job->said.id, sizeof(job->info.id));
	sf_http_charge(job->where.account, SF_CHARGE_QUERY_JOBS, 1);
	job->batches_charged = 0;
	job->created_at = sf_http_now(job->where.http);
	job->open = true;
	if (job->discarded)
	{
		job->state = JOB_FAILED;
		return SF_WAIT;
	}
	job->state = JOB_ADDING;
	job->req =
		sf_bulk1_add_batch(&job->where, job->soql, strlen(job->soql), job->nfailed, err);
	return job->req != NULL ? SF_WAIT : SF_FAILED;
}

/* The next poll; one is always made after the deadline before it counts as missed. */
static void
sleep_until_poll(sf_query_job1 *job, bool at_once)
{
	int64_t now = sf_http_now(job->where.http);

	job->state = JOB_SLEEPING;
	job->next_poll =
		at_once ? now : now + sf_job_poll_interval(job->info.polls, job->poll_max_ms);
	if (job->timeout_ms > 0 && job->next_poll > job->created_at + job->timeout_ms)
		job->next_poll = job->created_at + job->timeout_ms;
}

/*
 * The answer to the batch is lost, so that the job may have one, none, or soon another: nobody could say which
 * rows are all of them.  It is aborted, and another one made.
 */
static sf_status
batch_lost(sf_query_job1 *job, const sf_error *why, sf_error *err)
{
	drop_request(job);
	if (++job->nfailed > job->max_retries)
	{
		job->state = JOB_FAILED;
		if (err != NULL && !sf_error_is_set(err))
			*err = *why;
		return SF_FAILED;
	}
	job->state = JOB_RESTARTING;
	job->req = sf_bulk1_set_state(&job->where, "Aborted", 0, err);
	return job->req != NULL ? SF_WAIT : SF_FAILED;
}

static sf_status
adding_step(sf_query_job1 *job, sf_error *err)
{
	sf_error why = {0};
	sf_bulk1_batch batch;
	sf_status st = sf_http_check(job->req, &why);

	if (st == SF_WAIT)
		return SF_WAIT;
	if (sf_http_may_have_acted(job->req))
	{
		if (st == SF_OK)
			sf_error_set(&why, SF_ERR_NETWORK,
						 "the answer to a batch of query job %s was lost", job->info.id);
		return batch_lost(job, &why, err);
	}
	if (st == SF_FAILED)
	{
		drop_request(job);
		job->state = JOB_FAILED;
		job->idle = true;
		if (err != NULL && !sf_error_is_set(err))
			*err = why;
		return SF_FAILED;
	}
	st = sf_bulk1_read_batch(&job->where, job->req, &batch, err);
	drop_request(job);
	if (st != SF_OK)
		return SF_FAILED;
	memcpy(job->first, batch.id, sizeof(job->first));
	free(batch.message);

	/* with chunks only once they are all there (guide: "Then you can safely close the job") */
	if (job->header[0] != '\0')
	{
		sleep_until_poll(job, false);
		return SF_WAIT;
	}
	job->state = JOB_CLOSING;
	job->req = sf_bulk1_set_state(&job->where, "Closed", 0, err);
	return job->req != NULL ? SF_WAIT : SF_FAILED;
}

/*
 * Waits for a close or an abort: SF_OK once the job is not open any more.  One in another state was closed by an
 * attempt whose answer was lost, or aborted by somebody, as the poll will say.
 */
static sf_status
ended_step(sf_query_job1 *job, sf_error *err)
{
	sf_error why = {0};
	sf_status st = sf_http_check(job->req, &why);

	if (st == SF_WAIT)
		return SF_WAIT;
	drop_request(job);
	if (st == SF_FAILED && !sf_job_wrong_state(&why))
	{
		job->state = JOB_FAILED;
		if (err != NULL && !sf_error_is_set(err))
			*err = why;
		return SF_FAILED;
	}
	job->open = false;
	return SF_OK;
}

static sf_status
restarting_step(sf_query_job1 *job, sf_error *err)
{
	sf_status st = ended_step(job, err);

	if (st != SF_OK)
		return st;
	return send_creation(job, err) == SF_OK ? SF_WAIT : SF_FAILED;
}

static sf_status
closing_step(sf_query_job1 *job, sf_error *err)
{
	sf_status st = ended_step(job, err);

	if (st != SF_OK)
		return st;
	sleep_until_poll(job, false);
	return SF_WAIT;
}

/* ---- what polls say ---------------------------------------------------------------- */

static sf_status
job_over(sf_query_job1 *job, const char *state, sf_error *err)
{
	job->state = JOB_GONE;
	if (sf_error_is_set(err))
		return SF_FAILED;
	if (strcmp(state, "Aborted") == 0)
	{
		sf_error_set(err, SF_ERR_REMOTE, "query job %s was aborted", job->info.id);
		sf_error_detail(err, "It was aborted in Salesforce, not from here.");
		return SF_FAILED;
	}
	sf_error_set(err, SF_ERR_REMOTE, "query job %s failed", job->info.id);
	sf_error_hint(err, "Setup, Bulk Data Load Jobs may say more.");
	return SF_FAILED;
}

static sf_status
batch_failed(sf_query_job1 *job, const sf_bulk1_batch *batch, sf_error *err)
{
	const char *message = batch->message;

	job->state = JOB_FAILED;
	if (sf_error_is_set(err))
		return SF_FAILED;
	if (message == NULL || message[0] == '\0')
	{
		sf_error_set(err, SF_ERR_REMOTE, "query job %s failed", job->info.id);
		sf_error_detail(
			err, "Salesforce gives no reason for batch %s; often the query ran too long.",
			batch->id);
		sf_error_hint(err,
					  "Setup, Bulk Data Load Jobs may say more. A narrower WHERE, or one on "
					  "an indexed field, may help.");
		return SF_FAILED;
	}
	sf_job_code_from_text(message, err);
	if (strcasestr(message, "tried more than") != NULL)
		sf_error_code(err, "QUERY_TIMEOUT");
	sf_json_job_error(message, "query job", job->info.id, err);
	if (strcmp(err->code, "QUERY_TIMEOUT") == 0)
		sf_error_hint(
			err, job->header[0] != '\0'
					 ? "Set a smaller pk_chunking, or add a condition on an indexed field."
					 : "Set the option pk_chunking, or add a condition on an indexed field.");
	if (job->list.n > 1)
		sf_error_detail(err, "It is batch %s.", batch->id);
	return SF_FAILED;
}

static sf_status
not_processed(sf_query_job1 *job, const sf_bulk1_batch *batch, sf_error *err)
{
	job->state = JOB_FAILED;
	if (sf_error_is_set(err))
		return SF_FAILED;
	sf_error_set(err, SF_ERR_REMOTE, "query job %s was aborted", job->info.id);
	sf_error_detail(err, "Its batch %s was not processed.", batch->id);
	return SF_FAILED;
}

/* What a list of batches amounts to. */
typedef struct sums
{
	int running;
	int ended; /* Completed */
	bool divided;
	int64_t rows;
} sums;

static sf_status
add_up(sf_query_job1 *job, sums *s, sf_error *err)
{
	memset(s, 0, sizeof(*s));
	for (int i = 0; i < job->list.n; i++)
	{
		const sf_bulk1_batch *batch = &job->list.items[i];

		switch (batch->state)
		{
			case SF_BATCH_QUEUED:
			case SF_BATCH_IN_PROGRESS:
				s->running++;
				break;
			case SF_BATCH_COMPLETED:
				s->ended++;
				s->rows += batch->processed;
				break;
			case SF_BATCH_FAILED:
				return batch_failed(job, batch, err);
			case SF_BATCH_NOT_PROCESSED:
				if (job->header[0] == '\0' || strncmp(batch->id, job->first, 15) != 0)
					return not_processed(job, batch, err);
				s->divided = true;
				break;
		}
	}
	return SF_OK;
}

/* Nothing runs.  Is that because all is done? */
static bool
is_whole(const sf_query_job1 *job, const sums *s)
{
	return sf_bulk1_find_batch(&job->list, job->first) != NULL &&
		   job->list.n >= job->said.batches_total && job->said.batches_queued == 0 &&
		   job->said.batches_in_progress == 0 && s->ended > 0 &&
		   s->rows == job->said.processed && (job->header[0] != '\0' || job->list.n == 1);
}

/* Nothing has run for some polls, and it is still not whole. */
static sf_status
never_whole(sf_query_job1 *job, const sums *s, sf_error *err)
{
	job->state = JOB_FAILED;
	job->idle = true;
	if (sf_error_is_set(err))
		return SF_FAILED;
	if (s->ended == 0)
	{
		sf_error_set(err, SF_ERR_PROTOCOL,
					 "query job %s was divided, and has no batches of chunks", job->info.id);
		sf_error_hint(err, "Without the option pk_chunking it is not divided.");
	}
	else if (s->rows != job->said.processed)
		sf_error_set(err, SF_ERR_PROTOCOL,
					 "the batches of query job %s have %" PRId64 " rows instead of %" PRId64,
					 job->info.id, s->rows, job->said.processed);
	else
	{
		sf_error_set(err, SF_ERR_PROTOCOL, "query job %s has %d batches instead of %" PRId64,
					 job->info.id, job->list.n,
					 job->header[0] != '\0' ? job->said.batches_total : (int64_t) 1);
		sf_error_detail(err, "Which of them have its rows, nobody can say.");
	}
	return SF_FAILED;
}

/* The same flags for the batches of a new list, which as a rule only goes on behind the old one. */
static bool *
carry_over(const sf_query_job1 *job, const sf_bulk1_batches *list)
{
	bool *taken = calloc((size_t) list->n + 1, sizeof(*taken));

	for (int i = 0; taken != NULL && i < job->list.n; i++)
	{
		const char *id = job->list.items[i].id;
		const sf_bulk1_batch *now = NULL;

		if (!job->taken[i])
			continue;
		if (i < list->n && strncmp(list->items[i].id, id, 15) == 0)
			now = &list->items[i];
		else
			now = sf_bulk1_find_batch(list, id);
		if (now != NULL)
			taken[now - list->items] = true;
	}
	return taken;
}

static sf_status
read_batch_list(sf_query_job1 *job, sf_error *err)
{
	sf_bulk1_batches list;
	bool *taken;

	if (sf_bulk1_read_batches(&job->where, job->req, &list, err) != SF_OK)
		return SF_FAILED;
	taken = carry_over(job, &list);
	if (taken == NULL)
	{
		sf_bulk1_batches_free(&list);
		return sf_error_nomem(err);
	}
	sf_bulk1_batches_free(&job->list);
	free(job->taken);
	job->list = list;
	job->taken = taken;
	return SF_OK;
}

const sf_bulk1_batch *
sf_query_job1_next_batch(sf_query_job1 *job)
{
	/* that rows are counted at all shows in any of them; when none is, every file is looked into */
	bool empty_ones = job->info.complete && job->info.records == 0;

	for (int i = 0; i < job->list.n; i++)
	{
		const sf_bulk1_batch *batch = &job->list.items[i];

		if (batch->state != SF_BATCH_COMPLETED || job->taken[i] ||
			(batch->processed == 0 && !empty_ones))
			continue;
		job->taken[i] = true;
		return &job->list.items[i];
	}
	return NULL;
}

/* All of it is there.  One that was divided is closed now. */
static sf_status
now_complete(sf_query_job1 *job, const sums *s)
{
	job->state = JOB_COMPLETE;
	job->idle = true;
	job->info.complete = true;
	job->info.records = s->rows;
	job->info.job_ms = sf_http_now(job->where.http) - job->created_at;
	/* where it fails, the clean-up closes it */
	if (job->open)
		job->req = sf_bulk1_set_state(&job->where, "Closed", 0, NULL);
	return SF_OK;
}

static sf_status
sleep_or_give_up(sf_query_job1 *job, bool at_once, sf_error *err)
{
	int64_t now = sf_http_now(job->where.http);

	if (job->timeout_ms > 0 && now >= job->created_at + job->timeout_ms)
	{
		const sf_bulk1_job *said = &job->said;

		sf_error_set(err, SF_ERR_TIMEOUT, "query job %s was not complete after %" PRId64 " ms",
					 job->info.id, job->timeout_ms);
		sf_error_detail(err,
						"Of its batches, %" PRId64 " are queued, %" PRId64
						" in progress and %" PRId64 " completed.",
						said->batches_queued, said->batches_in_progress,
						said->batches_completed);
		sf_error_hint(err, "The job_timeout option sets how long to wait.");
		return SF_FAILED;
	}
	sleep_until_poll(job, at_once);
	return SF_WAIT;
}

static sf_status
look_at_list(sf_query_job1 *job, sf_error *err)
{
	sums s;

	if (add_up(job, &s, err) != SF_OK)
		return SF_FAILED;
	job->final_before = s.ended;
	if (s.running > 0)
		job->unsettled = 0;
	else if (is_whole(job, &s))
		return now_complete(job, &s);
	else if (++job->unsettled > UNSETTLED_MAX)
		return never_whole(job, &s, err);
	/* the job was asked before its batches were: once more, when that may be all */
	return sleep_or_give_up(job, s.running == 0 && job->unsettled == 1, err);
}

/* Keeps what a poll says about the time in the queue, which ended at some time before it. */
static void
note_queue_time(sf_query_job1 *job)
{
	int64_t since_creation = sf_http_now(job->where.http) - job->created_at;

	if (job->info.begun)
		return;
	job->info.begun = job->said.batches_in_progress > 0 || job->said.batches_completed > 0;
	if (job->info.begun && job->said.batches_in_progress == 0)
		since_creation -= job->said.server_ms;
	if (since_creation > job->info.queued_ms)
		job->info.queued_ms = since_creation;
}

static sf_status
look_at_job(sf_query_job1 *job, sf_error *err)
{
	const sf_bulk1_job *said = &job->said;
	bool running;

	job->info.server_ms = said->server_ms;
	if (said->batches_total > job->batches_charged)
	{
		sf_http_charge(job->where.account, SF_CHARGE_BATCHES,
					   said->batches_total - job->batches_charged);
		job->batches_charged = said->batches_total;
	}
	note_queue_time(job);
	if (strcmp(said->state, "Aborted") == 0 || strcmp(said->state, "Failed") == 0)
		return job_over(job, said->state, err);
	if (strcmp(said->state, "Open") != 0 && strcmp(said->state, "Closed") != 0)
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"query job %s is in the unknown state \"%.40s\"", job->info.id,
							said->state);
	running = said->batches_queued > 0 || said->batches_in_progress > 0;
	if (running && said->batches_completed <= job->final_before && said->batches_failed == 0)
		return sleep_or_give_up(job, false, err);
	job->state = JOB_LISTING;
	job->req = sf_bulk1_ask_batches(&job->where, err);
	return job->req != NULL ? SF_WAIT : SF_FAILED;
}

/* ---- the steps --------------------------------------------------------------------- */

/* What to do with the answer of a poll or a list; its reason to fail gets the job's id. */
static sf_status
polling_step(sf_query_job1 *job, sf_error *err)
{
	bool listing = job->state == JOB_LISTING;
	sf_status st = sf_http_check(job->req, err);

	if (st == SF_WAIT)
		return SF_WAIT;
	if (!listing)
		job->info.polls++;
	if (st == SF_OK)
		st = listing ? read_batch_list(job, err)
					 : sf_bulk1_read_job(&job->where, job->req, &job->said, err);
	else if (sf_error_is_set(err) && strcasecmp(err->code, "InvalidJob") == 0)
	{
		sf_error_detail(err, "Salesforce does not know the job any more.");
		job->state = JOB_GONE;
	}
	drop_request(job);
	if (st == SF_OK)
		st = listing ? look_at_list(job, err) : look_at_job(job, err);
	return st;
}

static sf_status
step(sf_query_job1 *job, sf_error *err)
{
	switch (job->state)
	{
		case JOB_CREATING:
			return creating_step(job, err);
		case JOB_ADDING:
			return adding_step(job, err);
		case JOB_RESTARTING:
			return restarting_step(job, err);
		case JOB_CLOSING:
			return closing_step(job, err);
		case JOB_POLLING:
		case JOB_LISTING:
			return polling_step(job, err);
		case JOB_SLEEPING:
			if (sf_http_now(job->where.http) < job->next_poll)
				return SF_WAIT;
			job->state = JOB_POLLING;
			job->req = sf_bulk1_ask_job(&job->where, err);
			return job->req != NULL ? SF_WAIT : SF_FAILED;
		case JOB_COMPLETE:
			if (job->req != NULL)
			{
				sf_error why = {0};
				sf_status st = sf_http_check(job->req, &why);

				if (st == SF_WAIT)
					return SF_OK;
				if (st == SF_OK || sf_job_wrong_state(&why))
					job->open = false;
				drop_request(job);
			}
			return SF_OK;
		default:
			return SF_WAIT;
	}
}

sf_status
sf_query_job1_step(sf_query_job1 *job, sf_error *err)
{
	job_state before;
	sf_status st;

	/* as far as it goes: an answer may be there as soon as it is asked for */
	do
	{
		before = job->state;
		st = step(job, err);
	} while (st == SF_WAIT && job->state != before);
	if (job->state == JOB_SLEEPING)
		sf_http_wake_at(job->where.http, job->next_poll);
	if (st == SF_FAILED)
		sf_error_job(err, job->info.id);
	return st;
}

/* ---- cleaning up ------------------------------------------------------------------- */

bool
sf_query_job1_take_warning(sf_query_job1 *job, sf_error *err)
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
				  "It is open and reads nothing. Salesforce ends it after 7 days; it can be "
				  "aborted before in Setup, Bulk Data Load Jobs.");
	job->orphans = 0;
	return true;
}

void
sf_query_job1_discard(sf_query_job1 *job)
{
	job->discarded = true;
	if (job->state == JOB_CREATING && job->req != NULL && sf_http_was_sent(job->req))
		sf_http_no_more_attempts(job->req);
	else if (job->req != NULL && (job->state == JOB_COMPLETE || job->state == JOB_RESTARTING))
		job->state = JOB_ENDING; /* it is on its way */
	else
	{
		drop_request(job);
		if (job->state == JOB_CREATING)
			job->state = JOB_GONE;
	}
}

/* The clean-up's request, once the id is known. */
static sf_status
start_cleanup(sf_query_job1 *job, sf_error *err)
{
	if (job->idle && !job->open)
	{
		job->state = JOB_GONE;
		return SF_DONE;
	}
	job->state = JOB_ENDING;
	job->req = sf_bulk1_set_state(&job->where, job->idle ? "Closed" : "Aborted", 0, err);
	return job->req != NULL ? SF_WAIT : SF_FAILED;
}

/* The job is finished already, or gone. */
static bool
end_is_fine(const sf_error *why)
{
	return why->http_status == 404 || sf_job_wrong_state(why) ||
		   strcasecmp(why->code, "InvalidJob") == 0;
}

static sf_status
cleanup_step(sf_query_job1 *job, sf_error *why)
{
	sf_status st;

	if (job->state == JOB_CREATING)
	{
		st = creating_step(job, why);
		if (st == SF_FAILED)
		{
			/* no job came of it; what is unknown is told by the warning */
			sf_error_reset(why);
			return SF_DONE;
		}
		if (job->state == JOB_CREATING)
			return SF_WAIT;
	}
	if (job->state == JOB_GONE)
		return SF_DONE;
	if (job->state != JOB_ENDING)
		return start_cleanup(job, why);
	st = sf_http_check(job->req, why);
	if (st == SF_FAILED && !end_is_fine(why))
		return SF_FAILED;
	return st == SF_WAIT ? SF_WAIT : SF_DONE;
}

sf_status
sf_query_job1_cleanup_step(sf_query_job1 *job, sf_error *err)
{
	sf_error why = {0};
	sf_status st = cleanup_step(job, &why);

	if (st == SF_WAIT)
		return SF_WAIT;
	drop_request(job);
	job->state = JOB_GONE;
	if (st == SF_DONE)
		return SF_DONE;
	if (err != NULL && !sf_error_is_set(err))
		*err = why;
	sf_error_job(err, job->info.id);
	return SF_FAILED;
}
