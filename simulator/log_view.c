/*
 * log_view.c
 *		GET /__sfsim/log: the requests so far, and their bodies.
 *
 *	GET /log?since=N&method=GLOB&path=GLOB&status=N&limit=N&last=N&bodies=none|head|all
 *	GET /log/N						one entry, with its bodies
 *	GET /log/N/request, /log/N/answer	one body, as it is
 *
 * A body that is UTF-8 is a JSON string, any other one base64 in a member of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "faults.h"
#include "reqlog.h"
#include "text.h"

#define HEAD_BYTES 4096

/* ---------------------------------------------------------------- one entry */

static void
base64(sim_buf *out, const char *data, size_t len)
{
	char *dst = sim_buf_reserve(out, (len + 2) / 3 * 4 + 1);

	if (dst && len < INT32_MAX)
		out->len += (size_t) EVP_EncodeBlock((unsigned char *) dst,
											 (const unsigned char *) data, (int) len);
}

/* The members of one body: name, or name_base64, and name_bytes. */
static void
add_body(sim_buf *out, const char *name, const log_body *b, size_t most)
{
	sim_buf page = {0};
	const char *data = b->data ? b->data : "";
	size_t n = b->kept < most ? b->kept : most;
	size_t good;

	if (b->file && most > HEAD_BYTES && srv_read_file(b->file, &page))
	{
		data = page.data;
		n = page.len;
	}
	good = sim_utf8_prefix(data, n);
	sim_buf_printf(out, ",\"%s_bytes\":%lld,\"%s_dropped\":%s", name, (long long) b->len, name,
				   b->dropped ? "true" : "false");

	/* a sequence that is only cut off at the end of what is shown does not make it binary */
	if (good == n || ((int64_t) n < b->len && n - good < 4))
	{
		sim_buf_printf(out, ",\"%s\":", name);
		sim_json_string(out, data, good);
	}
	else
	{
		sim_buf_printf(out, ",\"%s\":null,\"%s_base64\":\"", name, name);
		base64(out, data, n);
		sim_buf_char(out, '"');
	}
	sim_buf_free(&page);
}

static void
add_entry(sim_buf *out, const log_entry *e, size_t most)
{
	static const char *const states[] = {"arrived", "held", "answered", "done", "aborted"};

	sim_buf_printf(out, "{\"n\":%lld,\"at_ms\":%lld,\"method\":", (long long) e->n,
				   (long long) e->at_ms);
	sim_json_string(out, e->method, strlen(e->method));
	sim_buf_str(out, ",\"path\":");
	sim_json_string(out, e->path ? e->path : "", e->path ? strlen(e->path) : 0);
	sim_buf_str(out, ",\"query\":");
	sim_json_string(out, e->query ? e->query : "", e->query ? strlen(e->query) : 0);
	sim_buf_printf(out,
				   ",\"status\":%d,\"state\":\"%s\",\"fault\":%s,\"faults\":%s,\"bytes\":%lld,"
				   "\"ms\":",
				   e->status, states[e->state], e->faults ? "true" : "false",
				   e->faults ? e->faults : "[]", (long long) e->bytes);
	if (e->state >= LOG_DONE)
		sim_buf_printf(out, "%lld", (long long) (e->end_ms - e->at_ms));
	else
		sim_buf_str(out, "null");
	sim_buf_str(out, ",\"headers\":");
	sim_buf_str(out, e->headers ? e->headers : "{}");
	sim_buf_str(out, ",\"answer\":");
	sim_buf_str(out, e->answer_headers ? e->answer_headers : "{}");
	if (most > 0)
	{
		add_body(out, "body", &e->body, most);
		add_body(out, "answer_body", &e->answer, most);
	}
	sim_buf_char(out, '}');
}

/* ---------------------------------------------------------------- the list */

typedef struct filter
{
	char *method;
	char *path;
	int64_t since;
	int64_t status;
	int64_t limit;
	int64_t last;
	size_t most;
} filter;

static bool
shows(const log_entry *e, const filter *f)
{
	return (f->method == NULL || fault_glob(f->method, e->method, strlen(e->method))) &&
		   (f->path == NULL || (e->path && fault_glob(f->path, e->path, strlen(e->path)))) &&
		   (f->status == 0 || f->status == e->status);
}

static bool
read_filter(srv_request *req, filter *f)
{
	char *bodies = srv_param(req->query, "bodies", NULL);
	bool ok = true;

	f->method = srv_param(req->query, "method", NULL);
	f->path = srv_param(req->query, "path", NULL);
	f->since = srv_param_int(req, "since", 0);
	f->status = srv_param_int(req, "status", 0);
	f->limit = srv_param_int(req, "limit", INT64_MAX);
	f->last = srv_param_int(req, "last", INT64_MAX);
	f->most = HEAD_BYTES;
	if (bodies && strcmp(bodies, "none") == 0)
		f->most = 0;
	else if (bodies && strcmp(bodies, "all") == 0)
		f->most = SIZE_MAX;
	else
		ok = bodies == NULL || strcmp(bodies, "head") == 0;
	free(bodies);
	return ok && f->since >= 0 && f->status >= 0 && f->limit >= 0 && f->last >= 0;
}

static void
list(srv_request *req)
{
	srv_log *l = req->srv->log;
	filter f;
	sim_buf *b;
	int64_t from;
	int64_t shown = 0;

	if (!read_filter(req, &f))
		sim_buf_str(srv_json(req, 400),
					"{\"error\":\"since, status, limit and last are numbers; bodies is none, "
					"head or all\"}");
	else
	{
		b = srv_json(req, 200);
		sim_buf_char(b, '[');
		pthread_mutex_lock(&l->lock);
		from = l->next;

		/* the newest so many that fit begin here */
		for (int64_t left = f.last; from > l->first && from > f.since + 1 && left > 0;)
		{
			from--;
			if (shows(log_slot(l, from), &f))
				left--;
		}
		for (int64_t n = from; n < l->next && shown < f.limit; n++)
		{
			const log_entry *e = log_slot(l, n);

			if (!shows(e, &f))
				continue;
			if (shown++)
				sim_buf_char(b, ',');
			add_entry(b, e, f.most);
		}
		pthread_mutex_unlock(&l->lock);
		sim_buf_char(b, ']');
	}
	free(f.method);
	free(f.path);
}

/* One body as it is; 410 when it had to make room. */
static void
one_body(srv_request *req, const log_body *b)
{
	sim_buf page = {0};
	const char *data = b->data ? b->data : "";
	size_t n = b->kept;

	if (b->file)
	{
		if (!srv_read_file(b->file, &page))
		{
			sim_buf_str(srv_json(req, 410), "{\"error\":\"the result page is gone\"}");
			sim_buf_free(&page);
			return;
		}
		data = page.data;
		n = page.len;
	}
	else if (b->dropped)
	{
		sim_buf_str(srv_json(req, 410), "{\"error\":\"the body had to make room (log_mb)\"}");
		return;
	}
	srv_text(req, 200,
			 sim_utf8_prefix(data, n) == n ? "text/plain;charset=UTF-8"
										   : "application/octet-stream",
			 NULL);
	sim_buf_add(&req->resp.body, data, n);
	srv_set_headerf(&req->resp, "X-Sfsim-Bytes", "%lld", (long long) b->len);
	sim_buf_free(&page);
}

void
log_get(srv_request *req)
{
	srv_log *l = req->srv->log;
	const char *what = req->nsegs > 3 ? req->segs[3] : NULL;
	const log_entry *e;
	char *end;
	int64_t n;

	if (req->nsegs <= 2)
	{
		list(req);
		return;
	}
	n = strtoll(req->segs[2], &end, 10);
	pthread_mutex_lock(&l->lock);
	e = *end == '\0' && req->nsegs <= 4 ? log_slot(l, n) : NULL;
	if (e && what == NULL)
		add_entry(srv_json(req, 200), e, SIZE_MAX);
	else if (e && strcmp(what, "request") == 0)
		one_body(req, &e->body);
	else if (e && strcmp(what, "answer") == 0)
		one_body(req, &e->answer);
	else
		sim_buf_str(srv_json(req, 404), "{\"error\":\"no such entry\"}");
	pthread_mutex_unlock(&l->lock);
}
