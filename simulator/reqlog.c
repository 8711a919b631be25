/*
 * reqlog.c
 *		What was asked, what was answered, and waiting for it.
 *
 * Secrets do not get in: Authorization is shown as its scheme and a hash (two
 * requests with the same token show the same), secret parameters of the
 * token endpoint and SOAP passwords as three stars.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "server.h"

#define LOG_ENTRIES 20000 /* older ones are forgotten */
#define LOG_BODY	4096

typedef struct entry
{
	int64_t n; /* counts from 1 since the program started */
	char method[16];
	char *path;
	char *query;
	char *headers; /* of the request, a JSON object */
	char *body;	   /* its first bytes */
	size_t body_len;
	char *answer_headers; /* a JSON object */
	int status;
	int64_t bytes; /* of the answer's body */
	int64_t at_ms; /* since the log began */
	bool fault;
	log_state state;
	unsigned reached; /* bits of all states it was in */
} entry;

struct srv_log
{
	pthread_mutex_t lock;
	pthread_cond_t changed;
	entry *entries; /* ring: number n sits at n % LOG_ENTRIES */
	int64_t first;	/* oldest number kept */
	int64_t next;
	int64_t began;
	bool stopped;
};

static const char *const state_names[] = {"arrived", "held", "answered", "done", "aborted"};

srv_log *
log_new(void)
{
	srv_log *l = calloc(1, sizeof(*l));
	pthread_condattr_t attr;

	if (l)
		l->entries = calloc(LOG_ENTRIES, sizeof(entry));
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
	l->first = l->next = 1;
	l->began = srv_mono_ms();
	return l;
}

static void
entry_free(entry *e)
{
	free(e->path);
	free(e->query);
	free(e->headers);
	free(e->body);
	free(e->answer_headers);
	memset(e, 0, sizeof(*e));
}

static entry *
slot(srv_log *l, int64_t n)
{
	return n >= l->first && n < l->next ? &l->entries[n % LOG_ENTRIES] : NULL;
}

void
log_free(srv_log *l)
{
	if (l == NULL)
		return;
	for (int64_t n = l->first; n < l->next; n++)
		entry_free(slot(l, n));
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->changed);
	free(l->entries);
	free(l);
}

/* ---------------------------------------------------------------- redaction */

static bool
secret_param(const char *name, size_t len)
{
	static const char *const names[] = {"client_secret", "password",	 "assertion",
										"refresh_token", "access_token", "token",
										"code"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return true;
	return false;
}

/* A form with the secret values starred. */
static void
redact_form(const char *form, size_t len, sim_buf *out)
{
	const char *p = form;
	const char *end = form + len;

	while (p < end)
	{
		const char *amp = memchr(p, '&', (size_t) (end - p));
		const char *stop = amp ? amp : end;
		const char *eq = memchr(p, '=', (size_t) (stop - p));

		if (eq && secret_param(p, (size_t) (eq - p)))
		{
			sim_buf_add(out, p, (size_t) (eq + 1 - p));
			sim_buf_str(out, "***");
		}
		else
			sim_buf_add(out, p, (size_t) (stop - p));
		if (amp)
			sim_buf_char(out, '&');
		p = amp ? amp + 1 : end;
	}
}

/* An envelope with the contents of passwords and session ids starred. */
static void
redact_soap(const char *xml, size_t len, sim_buf *out)
{
	const char *p = xml;
	const char *end = xml + len;

	while (p < end)
	{
		const char *gt = memchr(p, '>', (size_t) (end - p));
		const char *stop = gt ? gt + 1 : end;
		const char *next = gt ? memchr(stop, '<', (size_t) (end - stop)) : NULL;
		bool secret = stop - p > 2 && p[1] != '/' &&
					  (memmem(p, (size_t) (stop - p), "password", 8) != NULL ||
					   memmem(p, (size_t) (stop - p), "sessionId", 9) != NULL);

		/* one tag, and the text up to the next; a secret may hold an unescaped "<" */
		sim_buf_add(out, p, (size_t) (stop - p));
		if (secret)
			next = memmem(stop, (size_t) (end - stop), "</", 2);
		if (next == NULL)
			next = end;
		if (secret && next > stop)
			sim_buf_str(out, "***");
		else
			sim_buf_add(out, stop, (size_t) (next - stop));
		p = next;
	}
}

static void
loggable_body(const srv_request *req, sim_buf *out)
{
	const char *data = req->body.data ? req->body.data : "";

	if (strncmp(req->path, "/services/oauth2/", 17) == 0)
		redact_form(data, req->body.len, out);
	else if (strncasecmp(req->path, "/services/Soap/", 15) == 0)
		redact_soap(data, req->body.len, out);
	else
		sim_buf_add(out, data, req->body.len < LOG_BODY ? req->body.len : LOG_BODY);
	if (out->len > LOG_BODY)
		out->len = LOG_BODY;
}

/* {"name":"value",…}; all of them, or only what matters of an answer. */
static char *
headers_json(const srv_header *headers, int n, bool answer)
{
	sim_buf b = {0};
	const char *sep = "";

	sim_buf_char(&b, '{');
	for (int i = 0; i < n; i++)
	{
		const char *name = headers[i].name;
		const char *value = headers[i].value;
		char hash[64];

		if (answer && strncasecmp(name, "Sforce-", 7) != 0 &&
			strncasecmp(name, "Content-", 8) != 0 && strcasecmp(name, "Retry-After") != 0)
			continue;
		if (strcasecmp(name, "Authorization") == 0)
		{
			uint32_t h = 2166136261u;

			for (const char *p = value; *p; p++)
				h = (h ^ (unsigned char) *p) * 16777619u;
			snprintf(hash, sizeof(hash), "%.*s #%08x", (int) (strcspn(value, " ") % 16), value,
					 h);
			value = hash;
		}
		sim_buf_str(&b, sep);
		sim_json_string(&b, name, strlen(name));
		sim_buf_char(&b, ':');
		sim_json_string(&b, value, strlen(value));
		sep = ",";
	}
	sim_buf_char(&b, '}');
	return b.data;
}

/* ---------------------------------------------------------------- recording */

void
log_arrive(srv_request *req)
{
	srv_log *l = req->srv->log;
	bool oauth = strncmp(req->path, "/services/oauth2/", 17) == 0;
	sim_buf body = {0};
	sim_buf query = {0};
	char *headers = headers_json(req->headers, req->nheaders, false);
	entry *e;

	sim_buf_str(&query, "");
	if (oauth)
		redact_form(req->query, strlen(req->query), &query);
	else
		sim_buf_str(&query, req->query);
	loggable_body(req, &body);
	pthread_mutex_lock(&l->lock);
	if (l->next - l->first == LOG_ENTRIES)
	{
		/* in two steps: a slot is found only while its number counts */
		entry_free(slot(l, l->first));
		l->first++;
	}
	req->log_id = l->next++;
	e = slot(l, req->log_id);
	e->n = req->log_id;
	snprintf(e->method, sizeof(e->method), "%s", req->method);
	e->path = strdup(req->path);
	e->query = query.data;
	e->headers = headers;
	e->body = body.data;
	e->body_len = body.len;
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
	entry *e;

	pthread_mutex_lock(&l->lock);
	e = slot(l, req->log_id);
	if (e)
	{
		e->state = state;
		e->reached |= 1u << state;
		pthread_cond_broadcast(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
}

void
log_answer(srv_request *req)
{
	srv_log *l = req->srv->log;
	char *headers = headers_json(req->resp.headers, req->resp.nheaders, true);
	entry *e;

	pthread_mutex_lock(&l->lock);
	e = slot(l, req->log_id);
	if (e)
	{
		free(e->answer_headers);
		e->answer_headers = headers;
		headers = NULL;
		e->status = req->resp.status;
		e->fault = req->nfired > 0;
		e->bytes = req->body_size;
		e->state = LOG_ANSWERED;
		e->reached |= 1u << LOG_ANSWERED;
		pthread_cond_broadcast(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
	free(headers);
}

void
log_done(srv_request *req, bool complete, int64_t bytes)
{
	srv_log *l = req->srv->log;
	log_state state = complete ? LOG_DONE : LOG_ABORTED;
	entry *e;

	pthread_mutex_lock(&l->lock);
	e = slot(l, req->log_id);
	if (e)
	{
		e->bytes = bytes;
		e->fault = req->nfired > 0;
		e->state = state;
		e->reached |= 1u << state;
		pthread_cond_broadcast(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
}

void
log_clear(srv *s)
{
	srv_log *l = s->log;

	pthread_mutex_lock(&l->lock);
	for (; l->first < l->next; l->first++)
		entry_free(slot(l, l->first));
	pthread_mutex_unlock(&l->lock);
}

void
log_json(srv *s, sim_buf *out)
{
	srv_log *l = s->log;

	pthread_mutex_lock(&l->lock);
	sim_buf_char(out, '[');
	for (int64_t n = l->first; n < l->next; n++)
	{
		const entry *e = slot(l, n);

		sim_buf_printf(out, "%s{\"n\":%lld,\"at_ms\":%lld,\"method\":\"%s\",\"path\":",
					   n > l->first ? "," : "", (long long) n, (long long) e->at_ms,
					   e->method);
		sim_json_string(out, e->path, strlen(e->path));
		sim_buf_str(out, ",\"query\":");
		sim_json_string(out, e->query, strlen(e->query));
		sim_buf_printf(out,
					   ",\"status\":%d,\"state\":\"%s\",\"fault\":%s,\"bytes\":%lld,"
					   "\"headers\":%s,\"answer\":%s,\"body\":",
					   e->status, state_names[e->state], e->fault ? "true" : "false",
					   (long long) e->bytes, e->headers ? e->headers : "{}",
					   e->answer_headers ? e->answer_headers : "{}");
		sim_json_string(out, e->body ? e->body : "", e->body_len);
		sim_buf_char(out, '}');
	}
	sim_buf_char(out, ']');
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
		const entry *e = slot(l, i);

		if ((e->reached & want) && (method == NULL || fnmatch(method, e->method, 0) == 0) &&
			(path == NULL || fnmatch(path, e->path, 0) == 0))
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
