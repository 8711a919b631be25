/*
 * faults.c
 *		Misbehaviour to order: the list, and what of it addresses a request.
 *
 * POST /__sfsim/faults takes one fault, or an array of them; faults_spec.c documents what it may
 * say.  Every fault that addresses a request counts it; all whose turn it is act on it together, in
 * the order of the list.  Where two of them say one thing (two statuses), the older one is heard.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "faults.h"

struct srv_faults
{
	pthread_mutex_t lock;
	srv_fault *list; /* oldest first */
	int64_t next_id;
	bool stopped;
};

/* ---------------------------------------------------------------- the list */

srv_faults *
faults_new(void)
{
	srv_faults *f = calloc(1, sizeof(*f));

	if (f)
	{
		pthread_mutex_init(&f->lock, NULL);
		f->next_id = 1;
	}
	return f;
}

/* The list's lock is held, or nobody else is there. */
static void
unref_fault(srv_fault *f)
{
	if (--f->refs > 0)
		return;
	gate_unref(f->gate);
	cJSON_Delete(f->spec);
	free(f);
}

void
faults_free(srv_faults *f)
{
	if (f == NULL)
		return;
	while (f->list)
	{
		srv_fault *next = f->list->next;

		unref_fault(f->list);
		f->list = next;
	}
	pthread_mutex_destroy(&f->lock);
	free(f);
}

int64_t
faults_add(srv *s, const struct cJSON *spec, sim_error *err)
{
	srv_fault **p;
	srv_fault *f;
	int64_t id;

	if (!fault_check(spec, err))
		return -1;
	f = calloc(1, sizeof(*f));
	if (f)
	{
		f->spec = cJSON_Duplicate(spec, true);
		f->gate = gate_new();
		f->refs = 1;
	}
	if (f == NULL || f->spec == NULL || f->gate == NULL)
	{
		if (f)
		{
			gate_unref(f->gate);
			cJSON_Delete(f->spec);
		}
		free(f);
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
		return -1;
	}
	pthread_mutex_lock(&s->faults->lock);
	id = f->id = s->faults->next_id++;
	for (p = &s->faults->list; *p; p = &(*p)->next)
		;
	*p = f;
	if (s->faults->stopped)
		gate_open(f->gate);
	pthread_mutex_unlock(&s->faults->lock);
	return id;
}

static bool
has_name(const srv_fault *f, const char *name)
{
	const char *own = fault_text(f->spec, "name");

	return own && strcmp(own, name) == 0;
}

int
faults_clear(srv *s, int64_t id, const char *name)
{
	srv_fault **p;
	int n = 0;

	pthread_mutex_lock(&s->faults->lock);
	for (p = &s->faults->list; *p;)
	{
		srv_fault *f = *p;

		if ((id >= 0 && f->id != id) || (name && !has_name(f, name)))
		{
			p = &f->next;
			continue;
		}
		*p = f->next;
		gate_open(f->gate);
		unref_fault(f);
		n++;
	}
	pthread_mutex_unlock(&s->faults->lock);
	return n;
}

int
faults_release(srv *s, const char *name)
{
	int n = 0;

	pthread_mutex_lock(&s->faults->lock);
	for (srv_fault *f = s->faults->list; f; f = f->next)
	{
		if (name && !has_name(f, name))
			continue;
		gate_open(f->gate);
		n++;
	}
	pthread_mutex_unlock(&s->faults->lock);
	return n;
}

void
faults_stop(srv *s)
{
	pthread_mutex_lock(&s->faults->lock);
	s->faults->stopped = true;
	pthread_mutex_unlock(&s->faults->lock);
	faults_release(s, NULL);
}

void
faults_json(srv *s, sim_buf *out)
{
	const char *sep = "";

	pthread_mutex_lock(&s->faults->lock);
	sim_buf_char(out, '[');
	for (srv_fault *f = s->faults->list; f; f = f->next)
	{
		char *text = cJSON_PrintUnformatted(f->spec);

		sim_buf_printf(
			out, "%s{\"id\":%lld,\"seen\":%d,\"fired\":%d,\"waiting\":%d,\"released\":%s,",
			sep, (long long) f->id, f->seen, f->fired, gate_waiting(f->gate),
			gate_is_open(f->gate) ? "true" : "false");
		sim_buf_str(out, "\"fault\":");
		sim_buf_str(out, text ? text : "null");
		sim_buf_char(out, '}');
		cJSON_free(text);
		sep = ",";
	}
	sim_buf_char(out, ']');
	pthread_mutex_unlock(&s->faults->lock);
}

/* ---------------------------------------------------------------- addressing */

/* "[a-z]" or "[!a-z]" at *p; moves *p behind it.  An unclosed one is a plain "[". */
static bool
glob_class(const char **p, char c)
{
	const char *q = *p + 1;
	bool not = *q == '!' || *q == '^';
	bool hit = false;
	const char *start;

	q += not ;
	for (start = q; *q && (*q != ']' || q == start); q++)
	{
		if (q[1] == '-' && q[2] && q[2] != ']')
		{
			hit |= (unsigned char) c >= (unsigned char) q[0] &&
				   (unsigned char) c <= (unsigned char) q[2];
			q += 2;
		}
		else
			hit |= *q == c;
	}
	if (*q != ']')
	{
		++*p;
		return c == '[';
	}
	*p = q + 1;
	return hit != not ;
}

/* One pattern character other than a star against one byte. */
static bool
glob_one(const char **p, char c)
{
	if (**p == '[')
		return glob_class(p, c);
	if (**p == '?')
	{
		++*p;
		return true;
	}
	if (**p == '\\' && (*p)[1])
		++*p;
	return *(*p)++ == c;
}

bool
fault_glob(const char *pattern, const char *text, size_t len)
{
	const char *end = text + len;
	const char *star = NULL;
	const char *from = NULL;

	/* only the last star needs to give back: never more than pattern times text */
	while (text < end)
	{
		const char *p = pattern;

		if (*p == '*')
		{
			star = ++pattern;
			from = text;
		}
		else if (*p && glob_one(&p, *text))
		{
			pattern = p;
			text++;
		}
		else if (star)
		{
			pattern = star;
			text = ++from;
		}
		else
			return false;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool
glob_ok(const cJSON *spec, const char *name, const char *text, size_t len)
{
	const char *glob = fault_text(spec, name);

	return glob == NULL || fault_glob(glob, text ? text : "", len);
}

/* Every header that is named has to fit; null: it must not be there. */
static bool
headers_ok(const srv_request *req, const cJSON *want)
{
	const cJSON *h;

	cJSON_ArrayForEach (h, want)
	{
		const char *value = srv_header_get(req, h->string);
		const char *glob = cJSON_GetStringValue(h);

		if (glob == NULL ? value != NULL
						 : value == NULL || !fault_glob(glob, value, strlen(value)))
			return false;
	}
	return true;
}

/* Is one of the path's segments this id, in 15 or 18 characters? */
static bool
id_ok(const srv_request *req, const char *want)
{
	char id[SIM_ID_SIZE];
	char own[SIM_ID_SIZE];

	if (want == NULL)
		return true;
	if (!sim_id_normalise(want, strlen(want), id))
		return false;
	for (int i = 0; i < req->nsegs; i++)
		if (sim_id_normalise(req->segs[i], strlen(req->segs[i]), own) && strcmp(id, own) == 0)
			return true;
	return false;
}

/* Does the spec address this request (whether or not it is its turn)? */
static bool
addresses(const cJSON *spec, const srv_request *req, bool unread)
{
	bool part = fault_int(spec, "part", 0) != 0;

	return part == (req->conn == NULL) && unread == (fault_item(spec, "body_at") != NULL) &&
		   glob_ok(spec, "method", req->method, strlen(req->method)) &&
		   glob_ok(spec, "path", req->path, strlen(req->path)) &&
		   glob_ok(spec, "query", req->query, strlen(req->query)) &&
		   headers_ok(req, fault_item(spec, "header")) &&
		   id_ok(req, fault_text(spec, "job_id")) &&
		   glob_ok(spec, "request_body", req->body.data, req->body.len);
}

/* What a newer fault says besides, put behind what the older ones said; objects member by member. */
static void
merge(cJSON *into, const cJSON *spec)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, spec)
	{
		cJSON *have = cJSON_GetObjectItemCaseSensitive(into, item->string);

		if (have == NULL)
			cJSON_AddItemToObject(into, item->string, cJSON_Duplicate(item, true));
		else if (cJSON_IsObject(have) && cJSON_IsObject(item))
			merge(have, item);
	}
}

static void
fire(srv_request *req, srv_fault *f)
{
	srv_fault **bigger;

	bigger = realloc(req->fired, sizeof(*bigger) * (size_t) (req->nfired + 1));
	if (bigger == NULL)
		return;
	req->fired = bigger;
	f->fired++;
	f->refs++;
	if (req->fault == NULL)
		req->fault = cJSON_Duplicate(f->spec, true);
	else
		merge(req->fault, f->spec);

	/* the gate is for jobs, which outlive the request: that of the fault that holds one */
	if (req->gate == NULL && (fault_item(fault_item(f->spec, "job"), "hold") ||
							  fault_item(fault_item(f->spec, "job"), "hold_after")))
		req->gate = gate_ref(f->gate);
	req->fired[req->nfired++] = f;
}

/* The byte of the body that the first of the faults that act there waits for. */
static int64_t
body_at(const srv_request *req)
{
	int64_t least = -1;

	for (int i = 0; i < req->nfired; i++)
	{
		int64_t at = fault_int(req->fired[i]->spec, "body_at", -1);

		if (at >= 0 && (least < 0 || at < least))
			least = at;
	}
	return least;
}

void
faults_match(srv_request *req, bool unread)
{
	srv_faults *all = req->srv->faults;

	pthread_mutex_lock(&all->lock);
	for (srv_fault *f = all->list; f; f = f->next)
	{
		int64_t nth = fault_int(f->spec, "nth", 1);
		int64_t count = fault_int(f->spec, "count", 1);

		if (!addresses(f->spec, req, unread))
			continue;
		f->seen++;
		if (f->seen >= nth && (count <= 0 || f->seen < nth + count))
			fire(req, f);
	}
	pthread_mutex_unlock(&all->lock);
	if (unread)
		req->body_at = body_at(req);
}

void
faults_forget(srv_request *req)
{
	cJSON_Delete(req->fault);
	gate_unref(req->gate);
	req->fault = NULL;
	req->gate = NULL;
	if (req->nfired == 0)
		return;
	pthread_mutex_lock(&req->srv->faults->lock);
	for (int i = 0; i < req->nfired; i++)
		unref_fault(req->fired[i]);
	pthread_mutex_unlock(&req->srv->faults->lock);
	free(req->fired);
	req->fired = NULL;
	req->nfired = 0;
}
