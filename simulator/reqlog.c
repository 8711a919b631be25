/*
 * reqlog.c
 *		What was asked, what was answered, and waiting for it.
 *
 * Bodies are kept under a budget of log_mb in all and log_body_kb each; the oldest make room
 * first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "reqlog.h"

srv_log *
log_new(void)
{
	srv_log *l = calloc(1, sizeof(*l));
	pthread_condattr_t attr;

	if (l)
		l->entries = calloc(LOG_ENTRIES, sizeof(log_entry));
	if (l == NULL || l->entries == NULL)
	{
		free(l);
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->changed, &attr);
	pthread_condattr_destroy(&attr);
	l->first = l->next = l->thinned = 1;
	l->began = srv_mono_ms();
	return l;
}

log_entry *
log_slot(srv_log *l, int64_t n)
{
	return n >= l->first && n < l->next ? &l->entries[n % LOG_ENTRIES] : NULL;
}

/* Forget what is kept of a body; the lock is held. */
static void
free_body(srv_log *l, log_body *b)
{
	l->bytes -= (int64_t) b->kept;
	free(b->data);
	b->data = NULL;
	b->kept = 0;
}

static void
free_entry(srv_log *l, log_entry *e)
{
	free_body(l, &e->body);
	free_body(l, &e->answer);
	free(e->answer.file);
	free(e->path);
	free(e->query);
	free(e->headers);
	free(e->answer_headers);
	free(e->faults);
	memset(e, 0, sizeof(*e));
}

void
log_free(srv_log *l)
{
	if (l == NULL)
		return;
	for (int64_t n = l->first; n < l->next; n++)
		free_entry(l, log_slot(l, n));
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->changed);
	free(l->entries);
	free(l);
}

/* ---------------------------------------------------------------- recording */

/* Let the oldest bodies go until all fit; the lock is held. */
static void
make_room(srv_log *l, int64_t budget)
{
	if (l->thinned < l->first)
		l->thinned = l->first;
	for (; l->bytes > budget && l->thinned < l->next; l->thinned++)
	{
		log_entry *e = log_slot(l, l->thinned);

		e->body.dropped = e->body.dropped || e->body.data != NULL;
		e->answer.dropped = e->answer.dropped || e->answer.data != NULL;
		free_body(l, &e->body);
		free_body(l, &e->answer);
	}
}

/* The text becomes the entry's; the lock is held. */
static void
keep_body(srv_log *l, log_entry *e, log_body *b, sim_buf *text, int64_t len, int64_t budget)
{
	b->len = len;
	if (text->len == 0 || e->n < l->thinned)
	{
		/* a late answer to a request whose turn to make room is over */
		b->dropped = text->len > 0;
		sim_buf_free(text);
		return;
	}

	/* buffers grow by doubling: what the budget does not count must not stay */
	b->data = realloc(text->data, text->len + 1);
	if (b->data == NULL)
		b->data = text->data;
	b->kept = text->len;
	l->bytes += (int64_t) text->len;
	memset(text, 0, sizeof(*text));
	make_room(l, budget);
}

void
log_arrive(srv_request *req)
{
	srv_log *l = req->srv->log;
	srv_options opt = srv_options_get(req->srv);
	sim_buf body = {0};
	sim_buf query = {0};
	char *headers = log_headers(req->headers, req->nheaders, false);
	char *path = strdup(req->path);
	int64_t len;
	log_entry *e;

	log_query_text(req, &query);
	log_request_text(req, (size_t) opt.log_body_kb << 10, &body, &len);
	pthread_mutex_lock(&l->lock);
	e = log_slot(l, req->log_id);
	if (e)
	{
		/* it was logged when its head was there: now the body is, too */
		free_body(l, &e->body);
		keep_body(l, e, &e->body, &body, len, opt.log_mb << 20);
		pthread_mutex_unlock(&l->lock);
		free(path);
		sim_buf_free(&query);
		free(headers);
		return;
	}
	if (l->next - l->first == LOG_ENTRIES)
	{
		/* in two steps: a slot is found only while its number counts */
		free_entry(l, log_slot(l, l->first));
		l->first++;
	}
	req->log_id = l->next++;
	e = log_slot(l, req->log_id);
	e->n = req->log_id;
	snprintf(e->method, sizeof(e->method), "%s", req->method);
	e->path = path;
	e->query = query.data;
	e->headers = headers;
	keep_body(l, e, &e->body, &body, len, opt.log_mb << 20);
	e->at_ms = srv_mono_ms() - l->began;
	e->state = LOG_ARRIVED;
	e->reached = 1u << LOG_ARRIVED;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

void
log_mark(srv_request *req, log_state state)
{
	srv_log *l = req->srv->log;
	log_entry *e;

	pthread_mutex_lock(&l->lock);
	e = log_slot(l, req->log_id);
	if (e)
	{
		e->state = state;
		e->reached |= 1u << state;
		pthread_cond_broadcast(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
}

void
log_body_of(srv_request *req)
{
	srv_log *l = req->srv->log;
	srv_options opt = srv_options_get(req->srv);
	sim_buf body = {0};
	char *file = req->resp.file ? strdup(req->resp.file) : NULL;
	int64_t len;
	log_entry *e;

	log_answer_text(req, (size_t) opt.log_body_kb << 10, &body, &len);
	pthread_mutex_lock(&l->lock);
	e = log_slot(l, req->log_id);
	if (e)
	{
		free_body(l, &e->answer);
		keep_body(l, e, &e->answer, &body, len, opt.log_mb << 20);
		free(e->answer.file);
		e->answer.file = file;
		file = NULL;
	}
	pthread_mutex_unlock(&l->lock);
	sim_buf_free(&body);
	free(file);
}

/* The ids of the faults that acted; NULL for none. */
static char *
faults_of(const srv_request *req)
{
	sim_buf b = {0};

	if (req->nfired > 0)
		fault_ids(req, &b);
	return b.data;
}

void
log_answer(srv_request *req)
{
	srv_log *l = req->srv->log;
	char *headers;
	char *faults;
	log_entry *e;

	if (req->log_id == 0)
		return;
	headers = log_headers(req->resp.headers, req->resp.nheaders, true);
	faults = faults_of(req);
	pthread_mutex_lock(&l->lock);
	e = log_slot(l, req->log_id);
	if (e)
	{
		free(e->answer_headers);
		e->answer_headers = headers;
		headers = NULL;
		free(e->faults);
		e->faults = faults;
		faults = NULL;
		e->status = req->resp.status;
		e->bytes = req->body_size;
		if (e->answer.file)
			e->answer.len = req->resp.plain_size;
		e->state = LOG_ANSWERED;
		e->reached |= 1u << LOG_ANSWERED;
		pthread_cond_broadcast(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
	free(headers);
	free(faults);
}

void
log_done(srv_request *req, bool complete, int64_t bytes)
{
	srv_log *l = req->srv->log;
	log_state state = complete ? LOG_DONE : LOG_ABORTED;
	char *faults = faults_of(req);
	log_entry *e;

	pthread_mutex_lock(&l->lock);
	e = log_slot(l, req->log_id);
	if (e)
	{
		e->bytes = bytes;
		free(e->faults);
		e->faults = faults;
		faults = NULL;
		e->end_ms = srv_mono_ms() - l->began;
		e->state = state;
		e->reached |= 1u << state;
		pthread_cond_broadcast(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
	free(faults);
}

void
log_clear(srv *s)
{
	srv_log *l = s->log;

	pthread_mutex_lock(&l->lock);
	for (; l->first < l->next; l->first++)
		free_entry(l, log_slot(l, l->first));
	pthread_mutex_unlock(&l->lock);
}

/* ---------------------------------------------------------------- waiting */

static int
count_matches(srv_log *l, const char *method, const char *path, log_state state)
{
	unsigned want = 1u << state;
	int n = 0;

	if (state == LOG_DONE)
		want |= 1u << LOG_ABORTED;
	for (int64_t i = l->first; i < l->next; i++)
	{
		const log_entry *e = log_slot(l, i);

		if ((e->reached & want) &&
			(method == NULL || fault_glob(method, e->method, strlen(e->method))) &&
			(path == NULL || (e->path && fault_glob(path, e->path, strlen(e->path)))))
			n++;
	}
	return n;
}

bool
log_wait(srv *s, const char *method, const char *path, log_state state, int count,
		 int timeout_ms, int *n)
{
	srv_log *l = s->log;
	int64_t end = srv_mono_ms() + timeout_ms;
	struct timespec until = {(time_t) (end / 1000), (long) (end % 1000) * 1000000};
	bool ok = false;

	pthread_mutex_lock(&l->lock);
	for (;;)
	{
		*n = count_matches(l, method, path, state);
		ok = *n >= count;
		if (ok || l->stopped || pthread_cond_timedwait(&l->changed, &l->lock, &until) != 0)
			break;
	}
	pthread_mutex_unlock(&l->lock);
	return ok;
}

bool
log_wait_change(srv *s, int timeout_ms)
{
	srv_log *l = s->log;
	int64_t end = srv_mono_ms() + timeout_ms;
	struct timespec until = {(time_t) (end / 1000), (long) (end % 1000) * 1000000};
	bool more;

	pthread_mutex_lock(&l->lock);
	if (!l->stopped)
		pthread_cond_timedwait(&l->changed, &l->lock, &until);
	more = !l->stopped;
	pthread_mutex_unlock(&l->lock);
	return more;
}

void
log_wake(srv *s)
{
	pthread_mutex_lock(&s->log->lock);
	pthread_cond_broadcast(&s->log->changed);
	pthread_mutex_unlock(&s->log->lock);
}

void
log_stop(srv *s)
{
	pthread_mutex_lock(&s->log->lock);
	s->log->stopped = true;
	pthread_cond_broadcast(&s->log->changed);
	pthread_mutex_unlock(&s->log->lock);
}
