/*
 * bulk1_jobs.c
 *		Jobs and batches of the Bulk API 1.0, and how time passes for them.
 *
 * A batch is Queued for queue_ms and InProgress for job_ms of the org's clock, then whoever looks next processes it (with
 * both at zero that is the request that brought it).  In a serial job a batch waits for the one before it.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bulk1_int.h"
#include "clock.h"

/* Smaller blobs stay in memory. */
#define BLOB_MEMORY ((size_t) 64 * 1024)

static const char *const op_names[BULK1_OPS] = {"insert",	  "update", "upsert",  "delete",
												"hardDelete", "query",	"queryAll"};
static const char *const type_names[BULK1_TYPES] = {"XML",	   "CSV",	  "JSON",
													"ZIP_XML", "ZIP_CSV", "ZIP_JSON"};
static const char *const media_types[BULK1_TYPES] = {
	"application/xml", "text/csv", "application/json", "zip/xml", "zip/csv", "zip/json"};
static const char *const job_states[] = {"Open", "Closed", "Aborted", "Failed"};
static const char *const states[] = {"Queued", "InProgress", "Completed", "Failed",
									 "NotProcessed"};

const char *
bulk1_op_name(bulk1_op op)
{
	return op_names[op];
}

const char *
bulk1_type_name(bulk1_type type)
{
	return type_names[type];
}

const char *
bulk1_media_type(bulk1_type type)
{
	return media_types[type];
}

const char *
bulk1_job_state_name(bulk1_job_state state)
{
	return job_states[state];
}

const char *
bulk1_state_name(bulk1_state state)
{
	return states[state];
}

bulk1_op
bulk1_op_parse(const char *name)
{
	int i = 0;

	while (i < BULK1_OPS && strcmp(op_names[i], name) != 0)
		i++;
	return (bulk1_op) i;
}

bulk1_type
bulk1_type_parse(const char *name)
{
	int i = 0;

	while (i < BULK1_TYPES && strcmp(type_names[i], name) != 0)
		i++;
	return (bulk1_type) i;
}

bool
bulk1_is_query(const bulk1_job *j)
{
	return j->op >= BULK1_QUERY;
}

bulk1_type
bulk1_text_type(bulk1_type type)
{
	return type >= BULK1_ZIP_XML ? (bulk1_type) (type - BULK1_ZIP_XML) : type;
}

bool
bulk1_is_zip(bulk1_type type)
{
	return type >= BULK1_ZIP_XML;
}

/* ---------------------------------------------------------------- blobs */

char *
bulk1_temp_path(srv_bulk1 *b)
{
	static atomic_llong number;
	char *path = malloc(320);

	if (path)
		snprintf(path, 320, "%.280s/bulk1.%lld", b->s->temp_dir,
				 (long long) atomic_fetch_add(&number, 1));
	return path;
}

bool
bulk1_blob_set(srv_bulk1 *b, bulk1_blob *blob, const char *data, size_t len)
{
	FILE *f;
	bool ok;

	memset(blob, 0, sizeof(*blob));
	blob->len = (int64_t) len;
	if (len <= BLOB_MEMORY || b->s->temp_dir == NULL)
	{
		blob->data = malloc(len + 1);
		if (blob->data == NULL)
			return false;
		if (len > 0)
			memcpy(blob->data, data, len);
		blob->data[len] = '\0';
		return true;
	}
	blob->path = bulk1_temp_path(b);
	f = blob->path ? fopen(blob->path, "we") : NULL;
	if (f == NULL)
		return false;
	ok = fwrite(data, 1, len, f) == len;
	return fclose(f) == 0 && ok;
}

bool
bulk1_blob_get(const bulk1_blob *blob, sim_buf *out)
{
	if (blob->path)
		return srv_read_file(blob->path, out);
	sim_buf_add(out, blob->data ? blob->data : "", blob->data ? (size_t) blob->len : 0);
	return !out->failed;
}

void
bulk1_blob_free(bulk1_blob *blob)
{
	if (blob->path)
		unlink(blob->path);
	if (blob->gz)
		unlink(blob->gz);
	free(blob->path);
	free(blob->gz);
	free(blob->data);
	memset(blob, 0, sizeof(*blob));
}

/* ---------------------------------------------------------------- lists */

srv_bulk1 *
bulk1_new(srv *s)
{
	srv_bulk1 *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->s = s;
	pthread_mutex_init(&b->lock, NULL);

	/* apart from the ids of Bulk API 2.0 jobs */
	b->next_job = (int64_t) 2 * 62 * 62 * 62 * 62;
	b->next_batch = b->next_result = (int64_t) 62 * 62 * 62 * 62;
	if (s->jobs)
		jobs_set_classic(s, bulk1_classic_rows);
	return b;
}

static void
free_results(bulk1_result *results, int n)
{
	for (int i = 0; i < n; i++)
		bulk1_blob_free(&results[i].blob);
	free(results);
}

static void
free_job(bulk1_job *j)
{
	while (j->batches)
	{
		bulk1_batch *t = j->batches;

		j->batches = t->next;
		bulk1_blob_free(&t->request);
		bulk1_blob_free(&t->answer);
		free_results(t->results, t->nresults);
		gate_unref(t->gate);
		free(t->parents);
		free(t->fails);
		free(t);
	}
	free(j->spec);
	free(j);
}

void
bulk1_unref(bulk1_job *j)
{
	if (--j->refs == 0 && j->gone)
		free_job(j);
}

/* Out of the list; freed as soon as nobody processes a batch of it.  The lock is held. */
static void
remove_job(srv_bulk1 *b, bulk1_job **at)
{
	bulk1_job *j = *at;

	*at = j->next;
	j->gone = true;
	for (bulk1_batch *t = j->batches; t; t = t->next)
		if (t->state < BULK1_COMPLETED)
			b->waiting--;
	if (j->refs == 0)
		free_job(j);
}

int
bulk1_drop_locked(srv_bulk1 *b)
{
	int n = 0;

	for (; b->jobs; n++)
		remove_job(b, &b->jobs);
	return n;
}

int
bulk1_drop_all(srv *s)
{
	srv_bulk1 *b = s->bulk1;
	int n;

	if (b == NULL)
		return 0;
	pthread_mutex_lock(&b->lock);
	n = bulk1_drop_locked(b);
	pthread_mutex_unlock(&b->lock);
	return n;
}

void
bulk1_free(srv_bulk1 *b)
{
	if (b == NULL)
		return;
	bulk1_drop_locked(b);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

void
bulk1_enlist(srv_bulk1 *b, bulk1_job *j)
{
	sim_id_make("750", b->next_job++, j->id);
	j->next = b->jobs;
	b->jobs = j;
}

bulk1_job *
bulk1_find(srv_bulk1 *b, const char *id)
{
	for (bulk1_job *j = b->jobs; j; j = j->next)
		if (strcmp(j->id, id) == 0)
			return j;
	return NULL;
}

bulk1_batch *
bulk1_find_batch(bulk1_job *j, const char *id)
{
	char full[SIM_ID_SIZE];

	if (!sim_id_normalise(id, strlen(id), full))
		return NULL;
	for (bulk1_batch *t = j->batches; t; t = t->next)
		if (strcmp(t->id, full) == 0)
			return t;
	return NULL;
}

bulk1_batch *
bulk1_append(srv_bulk1 *b, bulk1_job *j)
{
	bulk1_batch *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	sim_id_make("751", b->next_batch++, t->id);
	t->job = j;
	t->hold = JOB_STATES;
	t->created = t->changed = sim_clock_now();
	t->start = sim_clock_mono();
	if (j->last)
		j->last->next = t;
	else
		j->batches = t;
	j->last = t;
	b->waiting++;
	return t;
}

/* ---------------------------------------------------------------- states */

static void
set_state(bulk1_batch *t, bulk1_state state)
{
	if (t->state == state)
		return;
	t->state = state;
	t->changed = sim_clock_now();
}

void
bulk1_finish(srv_bulk1 *b, bulk1_batch *t, bulk1_state state, const char *message)
{
	if (t->state < BULK1_COMPLETED)
		b->waiting--;
	set_state(t, state);
	snprintf(t->message, sizeof(t->message), "%s", message ? message : "");
	t->ended = sim_clock_mono();
}

void
bulk1_set_job_state(srv_bulk1 *b, bulk1_job *j, bulk1_job_state state)
{
	j->state = state;
	j->changed = sim_clock_now();
	if (state != BULK1_ABORTED)
		return;

	/* what is being processed goes on to its end */
	for (bulk1_batch *t = j->batches; t; t = t->next)
		if (t->state < BULK1_COMPLETED && !t->running)
			bulk1_finish(b, t, BULK1_NOT_PROCESSED, NULL);
}

/* Would the batch stop in this state for now?  The states' names are those of the other API. */
static bool
held_in(const bulk1_batch *t, const srv_options *opt, srv_state state)
{
	return opt->hold_jobs == state || (t->hold == state && !gate_is_open(t->gate));
}

/* Move the batch on as far as it may go without work; true when that is due. */
static bool
due(bulk1_batch *t, const bulk1_batch *before, const srv_options *opt)
{
	int64_t start = t->start;
	int64_t age;

	if (t->running || t->state >= BULK1_COMPLETED)
		return false;
	if (t->job->serial && before)
	{
		if (before->state < BULK1_COMPLETED)
			return false;
		if (before->ended > start)
			start = before->ended;
	}
	age = sim_clock_mono() - start;
	if (age < opt->queue_ms || held_in(t, opt, JOB_UPLOAD_COMPLETE))
		return false;
	set_state(t, BULK1_IN_PROGRESS);
	if (t->began == 0)
		t->began = sim_clock_mono();
	return age >= (int64_t) opt->queue_ms + opt->job_ms && !held_in(t, opt, JOB_IN_PROGRESS);
}

/* A batch that is due, of the oldest job that has one.  The lock is held. */
static bulk1_batch *
take_due(srv_bulk1 *b, const srv_options *opt)
{
	bulk1_batch *found = NULL;

	for (bulk1_job *j = b->jobs; j; j = j->next)
	{
		bulk1_batch *before = NULL;
		bulk1_batch *first = NULL;

		for (bulk1_batch *t = j->batches; t; before = t, t = t->next)
			if (due(t, before, opt) && first == NULL)
				first = t;
		if (first)
			found = first;
	}
	return found;
}

static void
forget_old(srv_bulk1 *b)
{
	int64_t now = sim_clock_now();
	bulk1_job **at = &b->jobs;

	/* a minute more or less does not matter */
	if (now >= b->looked && now - b->looked < 60000)
		return;
	b->looked = now;
	while (*at)
	{
		if ((*at)->state != BULK1_OPEN && now - (*at)->changed >= BULK1_RETENTION_MS &&
			(*at)->refs == 0)
			remove_job(b, at);
		else if ((*at)->state == BULK1_OPEN && now - (*at)->created >= BULK1_RETENTION_MS &&
				 (*at)->refs == 0)
			remove_job(b, at);
		else
			at = &(*at)->next;
	}
}

/* ---------------------------------------------------------------- processing */

bool
bulk1_fail(bulk1_outcome *o, const char *code, const char *fmt, ...)
{
	char text[1500];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(o->message, sizeof(o->message), "%s : %s", code, text);
	o->done = false;
	return false;
}

/* The batches that PK chunking makes of one; the lock is held. */
static void
append_parts(srv_bulk1 *b, bulk1_job *j, bulk1_outcome *o)
{
	for (int i = 0; i < o->nrequests; i++)
	{
		bulk1_batch *part = bulk1_append(b, j);

		if (part && !bulk1_blob_set(b, &part->request, o->requests[i], strlen(o->requests[i])))
			bulk1_finish(b, part, BULK1_FAILED, "InternalServerError : out of memory");
	}
}

/* What was worked out into the batch; the lock is held. */
static void
take_outcome(srv_bulk1 *b, bulk1_batch *t, bulk1_outcome *o, int64_t ms,
			 const srv_options *opt)
{
	t->running = false;
	t->processed = o->processed;
	t->failed = o->failed;
	t->results = o->results;
	t->nresults = o->nresults;
	o->results = NULL;
	o->nresults = 0;
	t->active_ms = ms;
	t->total_ms = opt->job_ms + ms;
	if (o->not_processed && t->job->state != BULK1_ABORTED)
		append_parts(b, t->job, o);
	bulk1_finish(b, t,
				 o->not_processed ? BULK1_NOT_PROCESSED
				 : o->done		  ? BULK1_COMPLETED
								  : BULK1_FAILED,
				 o->message);
}

static void
process(srv_bulk1 *b, bulk1_batch *t, const srv_options *opt)
{
	bulk1_job *j = t->job;
	bulk1_outcome o = {0};
	bulk1_blob answer = {0};
	int64_t began = srv_mono_ms();

	if (t->fails)
		snprintf(o.message, sizeof(o.message), "%s", t->fails);
	else if (bulk1_is_query(j))
		bulk1_query(b, j, t, &o);
	else
		bulk1_load(b, j, t, &o);
	if (o.answer.len > 0 &&
		(o.answer.failed || !bulk1_blob_set(b, &answer, o.answer.data, o.answer.len)))
		bulk1_fail(&o, "InternalServerError", "no room for the results");
	pthread_mutex_lock(&b->lock);
	t->answer = answer;
	if (j->gone)
	{
		/* freed with the job, which nobody looks at any longer */
		t->results = o.results;
		t->nresults = o.nresults;
	}
	else
		take_outcome(b, t, &o, srv_mono_ms() - began, opt);
	bulk1_unref(j);
	pthread_mutex_unlock(&b->lock);
	sim_buf_free(&o.answer);
	for (int i = 0; i < o.nrequests; i++)
		free(o.requests[i]);
	free(o.requests);
}

void
bulk1_tick(srv *s)
{
	srv_bulk1 *b = s->bulk1;
	srv_options opt;

	if (b == NULL)
		return;
	for (;;)
	{
		bulk1_batch *t = NULL;

		pthread_mutex_lock(&b->lock);
		if (b->waiting > 0)
		{
			opt = srv_options_get(s);
			t = take_due(b, &opt);
		}
		else if (b->jobs)
			forget_old(b);
		if (t)
		{
			t->running = true;
			t->job->refs++;
		}
		pthread_mutex_unlock(&b->lock);
		if (t == NULL)
			return;
		process(b, t, &opt);
		log_wake(s);
	}
}

int64_t
bulk1_classic_rows(srv *s, bool query, int64_t skip, int64_t max, sim_buf *out)
{
	srv_bulk1 *b = s->bulk1;
	int64_t n = 0;

	pthread_mutex_lock(&b->lock);
	for (const bulk1_job *j = b->jobs; j; j = j->next)
	{
		if (bulk1_is_query(j) != query)
			continue;
		if (n >= skip && n < skip + max)
		{
			if (n > skip)
				sim_buf_char(out, ',');
			bulk1_put_classic(j, out);
		}
		n++;
	}
	pthread_mutex_unlock(&b->lock);
	return n;
}
