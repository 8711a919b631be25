/*
 * faults.c
 *		Misbehaviour to order.
 *
 * POST /__sfsim/faults takes one fault, or an array of them.  All members are
 * optional; unknown ones are refused.  The first fault of the list that
 * addresses a request acts on it; all that match count it.
 *
 * Which request:
 *	  "name"	text; names the fault in lists and in /__sfsim/release
 *	  "method"	"GET", …
 *	  "path"	glob over the decoded path; a star crosses slashes
 *	  "query"	glob over the raw query text
 *	  "nth"		acts from this occurrence on (default 1, the next one)
 *	  "count"	on so many occurrences (default 1; 0: for ever)
 *
 * Answer something else (with "after": true the request is processed first):
 *	  "error"	session_expired | session_not_rest | session_no_agent |
 *				request_limit | concurrent_limit | not_found | conflict |
 *				unknown_exception | server_unavailable | html_503 | html_502 |
 *				html_200 | edge_420 | query_timeout | invalid_locator
 *	  "status"	number, with "body" (text) or "body_hex" and "content_type"
 *	  "headers" {"Retry-After": "1", "Sforce-Locator": null}; null removes.
 *				Applies to every answer, not only to replaced ones.
 *
 * The connection:
 *	  "close"	"before" processing | "after" it: no answer at all
 *	  "delay_ms" wait before processing
 *	  "hold"	"before" | "after" | "body": wait until released
 *	  "hold_at" with "body": after so many bytes of the body (default 0)
 *	  "truncate" send so many bytes of the body, then cut the connection
 *
 * The body (in this order; result pages are changed before compression):
 *	  "replace" {"find": text, "with": text | "with_hex": "00"…, "all": true},
 *				or an array of these
 *	  "insert"	{"at": offset (negative: from the end), "text" | "hex"}
 *	  "drop_rows", "repeat_rows"  number of CSV rows at the end of the page
 *	  "header_only", "empty"	  true
 *	  "gzip_cut" the gzip stream ends after so many bytes, the message is whole
 *	  "no_gzip"	 true: answer uncompressed whatever the client accepts
 *
 * Headers: "records_off" n is added to Sforce-NumberOfRecords;
 * "lower_headers" true sends names in lower case.
 *
 * Sessions: "expire_token" true ends the session that the request presents.
 *
 * Jobs (on POST …/jobs/query): "job": {"fail": true | message,
 * "hold": "UploadComplete" | "InProgress" (until released),
 * "states": ["InProgress", "JobComplete", …] one per GET and the last one for
 * good, "records": numberRecordsProcessed to claim}
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "server.h"

struct srv_gate
{
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool open;
	int refs;
};

typedef struct fault
{
	int64_t id;
	cJSON *spec;
	srv_gate *gate;
	int seen;
	int fired;
	struct fault *next;
} fault;

struct srv_faults
{
	pthread_mutex_t lock;
	fault *list; /* oldest first */
	int64_t next_id;
	bool stopped;
};

/* ---------------------------------------------------------------- gates */

static srv_gate *
gate_new(void)
{
	srv_gate *g = calloc(1, sizeof(*g));

	if (g)
	{
		pthread_mutex_init(&g->lock, NULL);
		pthread_cond_init(&g->opened, NULL);
		g->refs = 1;
	}
	return g;
}

srv_gate *
gate_ref(srv_gate *g)
{
	if (g)
	{
		pthread_mutex_lock(&g->lock);
		g->refs++;
		pthread_mutex_unlock(&g->lock);
	}
	return g;
}

void
gate_unref(srv_gate *g)
{
	bool last;

	if (g == NULL)
		return;
	pthread_mutex_lock(&g->lock);
	last = --g->refs == 0;
	pthread_mutex_unlock(&g->lock);
	if (last)
	{
		pthread_mutex_destroy(&g->lock);
		pthread_cond_destroy(&g->opened);
		free(g);
	}
}

static void
gate_open(srv_gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->open = true;
	pthread_cond_broadcast(&g->opened);
	pthread_mutex_unlock(&g->lock);
}

bool
gate_is_open(srv_gate *g)
{
	bool open;

	if (g == NULL)
		return true;
	pthread_mutex_lock(&g->lock);
	open = g->open;
	pthread_mutex_unlock(&g->lock);
	return open;
}

void
gate_wait(srv_gate *g)
{
	if (g == NULL)
		return;
	pthread_mutex_lock(&g->lock);
	while (!g->open)
		pthread_cond_wait(&g->opened, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

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

static void
free_fault(fault *f)
{
	gate_open(f->gate);
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
		fault *next = f->list->next;

		free_fault(f->list);
		f->list = next;
	}
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static const cJSON *
member(const cJSON *spec, const char *name)
{
	return spec ? cJSON_GetObjectItemCaseSensitive(spec, name) : NULL;
}

static const char *
text_of(const cJSON *spec, const char *name)
{
	return cJSON_GetStringValue(member(spec, name));
}

static int64_t
number_of(const cJSON *spec, const char *name, int64_t dflt)
{
	const cJSON *item = member(spec, name);

	if (cJSON_IsBool(item))
		return cJSON_IsTrue(item);
	return cJSON_IsNumber(item) ? (int64_t) item->valuedouble : dflt;
}

typedef struct preset
{
	const char *name;
	int status;
	const char *content_type;
	const char *body;
} preset;

#define JSON_TYPE "application/json;charset=UTF-8"
#define HTML_TYPE "text/html;charset=UTF-8"

static const preset presets[] = {
	{"session_expired", 401, JSON_TYPE,
	 "[{\"message\":\"Session expired or invalid\",\"errorCode\":\"INVALID_SESSION_ID\"}]"},
	{"session_not_rest", 401, JSON_TYPE,
	 "[{\"message\":\"This session is not valid for use with the REST API\","
	 "\"errorCode\":\"INVALID_SESSION_ID\"}]"},
	{"session_no_agent", 401, JSON_TYPE,
	 "[{\"message\":\"Connected app is not attached to Agent\","
	 "\"errorCode\":\"INVALID_SESSION_ID\"}]"},
	{"request_limit", 403, JSON_TYPE,
	 "[{\"message\":\"TotalRequests Limit exceeded.\","
	 "\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\"}]"},
	{"concurrent_limit", 403, JSON_TYPE,
	 "[{\"message\":\"ConcurrentPerOrgLongTxn Limit exceeded.\","
	 "\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\"}]"},
	{"not_found", 404, JSON_TYPE,
	 "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"The requested resource does not exist\"}]"},
	{"conflict", 409, JSON_TYPE,
	 "[{\"errorCode\":\"INVALIDJOB\",\"message\":\"InvalidJob : API version mismatch\"}]"},
	{"unknown_exception", 500, JSON_TYPE,
	 "[{\"message\":\"An unexpected error occurred. Please include this ErrorId if you "
	 "contact "
	 "support: 1234567890-12345 (-1234567890)\",\"errorCode\":\"UNKNOWN_EXCEPTION\"}]"},
	{"server_unavailable", 503, JSON_TYPE,
	 "[{\"message\":\"Server unavailable\",\"errorCode\":\"SERVER_UNAVAILABLE\"}]"},
	{"html_503", 503, HTML_TYPE,
	 "<!DOCTYPE html><html><head><title>Down For Maintenance</title></head><body>"
	 "<p>We are down for maintenance.</p></body></html>"},
	{"html_502", 502, HTML_TYPE, "<html><body><h1>502 Bad Gateway</h1></body></html>"},
	{"html_200", 200, HTML_TYPE,
	 "<!DOCTYPE html><html><head><title>Login</title></head><body>Log in</body></html>"},
	{"edge_420", 420, "", ""},
	{"query_timeout", 400, JSON_TYPE,
	 "[{\"message\":\"Your query request was running for too long.\","
	 "\"errorCode\":\"QUERY_TIMEOUT\"}]"},
	{"invalid_locator", 400, JSON_TYPE,
	 "[{\"message\":\"invalid query locator\",\"errorCode\":\"INVALID_QUERY_LOCATOR\"}]"},
};

static const preset *
find_preset(const char *name)
{
	for (size_t i = 0; name && i < sizeof(presets) / sizeof(*presets); i++)
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	return NULL;
}

/* What a member has to be. */
typedef enum kind
{
	K_TEXT,
	K_NUMBER,
	K_BOOL,
	K_OBJECT,
	K_ANY /* object or array of objects */
} kind;

static const struct
{
	const char *name;
	kind kind;
} members[] = {
	{"name", K_TEXT},		   {"method", K_TEXT},		 {"path", K_TEXT},
	{"query", K_TEXT},		   {"nth", K_NUMBER},		 {"count", K_NUMBER},
	{"after", K_BOOL},		   {"error", K_TEXT},		 {"status", K_NUMBER},
	{"body", K_TEXT},		   {"body_hex", K_TEXT},	 {"content_type", K_TEXT},
	{"headers", K_OBJECT},	   {"close", K_TEXT},		 {"delay_ms", K_NUMBER},
	{"hold", K_TEXT},		   {"hold_at", K_NUMBER},	 {"truncate", K_NUMBER},
	{"replace", K_ANY},		   {"insert", K_OBJECT},	 {"drop_rows", K_NUMBER},
	{"repeat_rows", K_NUMBER}, {"header_only", K_BOOL},	 {"empty", K_BOOL},
	{"gzip_cut", K_NUMBER},	   {"no_gzip", K_BOOL},		 {"records_off", K_NUMBER},
	{"lower_headers", K_BOOL}, {"expire_token", K_BOOL}, {"job", K_OBJECT},
};

static bool
kind_ok(const cJSON *item, kind k)
{
	switch (k)
	{
		case K_TEXT:
			return cJSON_IsString(item);
		case K_NUMBER:
			return cJSON_IsNumber(item);
		case K_BOOL:
			return cJSON_IsBool(item);
		case K_OBJECT:
			return cJSON_IsObject(item);
		case K_ANY:
			return cJSON_IsObject(item) || cJSON_IsArray(item);
	}
	return false;
}

static bool
one_of(const char *value, const char *list)
{
	size_t n = strlen(value);

	for (const char *p = list; n > 0 && (p = strstr(p, value)) != NULL; p += n)
		if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

static bool
check_job(const cJSON *job, sim_error *err)
{
	const cJSON *item;
	const cJSON *state;

	cJSON_ArrayForEach (item, job)
	{
		if (!one_of(item->string, "fail hold states records"))
			return sim_error_set(err, "INVALID_INPUT", "unknown member \"job.%s\"",
								 item->string);
	}
	item = member(job, "hold");
	if (item && job_state_parse(cJSON_GetStringValue(item)) > JOB_IN_PROGRESS)
		return sim_error_set(err, "INVALID_INPUT", "\"job.hold\" names no state to hold");
	cJSON_ArrayForEach (state, member(job, "states"))
	{
		if (job_state_parse(cJSON_GetStringValue(state)) == JOB_STATES)
			return sim_error_set(err, "INVALID_INPUT", "\"job.states\" has an unknown state");
	}
	return true;
}

/* A test that misspells a fault must fail there, not pass without it. */
static bool
check_spec(const cJSON *spec, sim_error *err)
{
	const cJSON *item;
	const char *text;

	if (!cJSON_IsObject(spec))
		return sim_error_set(err, "INVALID_INPUT", "a fault is a JSON object");
	cJSON_ArrayForEach (item, spec)
	{
		bool known = false;

		for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		{
			if (strcmp(members[i].name, item->string) != 0)
				continue;
			known = true;
			if (!kind_ok(item, members[i].kind))
				return sim_error_set(err, "INVALID_INPUT", "\"%s\" has the wrong type",
									 item->string);
		}
		if (!known)
			return sim_error_set(err, "INVALID_INPUT", "unknown member \"%s\"", item->string);
	}
	text = text_of(spec, "error");
	if (text && find_preset(text) == NULL)
		return sim_error_set(err, "INVALID_INPUT", "unknown error \"%s\"", text);
	text = text_of(spec, "hold");
	if (text && !one_of(text, "before after body"))
		return sim_error_set(err, "INVALID_INPUT", "\"hold\" is before, after or body");
	text = text_of(spec, "close");
	if (text && !one_of(text, "before after"))
		return sim_error_set(err, "INVALID_INPUT", "\"close\" is before or after");
	return check_job(member(spec, "job"), err);
}

int64_t
faults_add(srv *s, const struct cJSON *spec, sim_error *err)
{
	fault **p;
	fault *f;
	int64_t id;

	if (!check_spec(spec, err))
		return -1;
	f = calloc(1, sizeof(*f));
	if (f)
	{
		f->spec = cJSON_Duplicate(spec, true);
		f->gate = gate_new();
	}
	if (f == NULL || f->spec == NULL || f->gate == NULL)
	{
		if (f)
			cJSON_Delete(f->spec);
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

int
faults_clear(srv *s, int64_t id)
{
	fault **p;
	int n = 0;

	pthread_mutex_lock(&s->faults->lock);
	for (p = &s->faults->list; *p;)
	{
		fault *f = *p;

		if (id >= 0 && f->id != id)
		{
			p = &f->next;
			continue;
		}
		*p = f->next;
		free_fault(f);
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
	for (fault *f = s->faults->list; f; f = f->next)
	{
		const char *own = text_of(f->spec, "name");

		if (name && (own == NULL || strcmp(own, name) != 0))
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
	for (fault *f = s->faults->list; f; f = f->next)
	{
		char *text = cJSON_PrintUnformatted(f->spec);

		sim_buf_printf(out, "%s{\"id\":%lld,\"seen\":%d,\"fired\":%d,\"fault\":%s}", sep,
					   (long long) f->id, f->seen, f->fired, text ? text : "null");
		cJSON_free(text);
		sep = ",";
	}
	sim_buf_char(out, ']');
	pthread_mutex_unlock(&s->faults->lock);
}

static bool
glob_ok(const cJSON *spec, const char *name, const char *value)
{
	const char *glob = text_of(spec, name);

	return glob == NULL || fnmatch(glob, value, 0) == 0;
}

void
faults_match(srv_request *req)
{
	srv_faults *all = req->srv->faults;

	pthread_mutex_lock(&all->lock);
	for (fault *f = all->list; f; f = f->next)
	{
		int64_t nth = number_of(f->spec, "nth", 1);
		int64_t count = number_of(f->spec, "count", 1);

		if (!glob_ok(f->spec, "method", req->method) || !glob_ok(f->spec, "path", req->path) ||
			!glob_ok(f->spec, "query", req->query))
			continue;
		f->seen++;
		if (req->fault || f->seen < nth || (count > 0 && f->seen >= nth + count))
			continue;
		f->fired++;
		req->fault = cJSON_Duplicate(f->spec, true);
		req->gate = gate_ref(f->gate);
	}
	pthread_mutex_unlock(&all->lock);
}

/* ---------------------------------------------------------------- actions */

int64_t
fault_number(const srv_request *req, const char *name, int64_t dflt)
{
	/* where the body is held is a number, whether it is held a word */
	if (req->fault && strcmp(name, "hold_at") == 0)
	{
		const char *when = text_of(req->fault, "hold");

		if (when == NULL || strcmp(when, "body") != 0)
			return dflt;
		return number_of(req->fault, name, 0);
	}
	return number_of(req->fault, name, dflt);
}

bool
fault_flag(const srv_request *req, const char *name)
{
	return number_of(req->fault, name, 0) != 0;
}

bool
fault_closes(const srv_request *req, const char *when)
{
	const char *text = text_of(req->fault, "close");

	return text && strcmp(text, when) == 0;
}

void
fault_hold(srv_request *req, const char *when)
{
	const char *text = text_of(req->fault, "hold");
	int64_t ms = strcmp(when, "before") == 0 ? number_of(req->fault, "delay_ms", 0) : 0;

	if (ms > 0)
	{
		struct timespec ts = {(time_t) (ms / 1000), (long) (ms % 1000) * 1000000};

		nanosleep(&ts, NULL);
	}
	if (text && strcmp(text, when) == 0)
	{
		log_mark(req, LOG_HELD);
		gate_wait(req->gate);
	}
}

static int
hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *p = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return p ? (int) (p - digits) : -1;
}

/* Bytes given as text (member name) or in hex (name_hex). */
static void
bytes_of(const cJSON *spec, const char *name, const char *hex_name, sim_buf *out)
{
	const char *hex = text_of(spec, hex_name);
	const char *text = text_of(spec, name);

	if (text)
		sim_buf_str(out, text);
	for (; hex && hex_value(hex[0]) >= 0 && hex_value(hex[1]) >= 0; hex += 2)
		sim_buf_char(out, (char) (hex_value(hex[0]) * 16 + hex_value(hex[1])));
}

static const char *
guess_type(const sim_buf *b)
{
	char c = b->len ? b->data[0] : '\0';

	if (c == '\0')
		return "";
	if (c == '<')
		return HTML_TYPE;
	return c == '{' || c == '[' ? JSON_TYPE : "text/plain;charset=UTF-8";
}

/* The answer that the fault has instead of the real one, if it has one. */
static bool
replacement(srv_request *req)
{
	const preset *p = find_preset(text_of(req->fault, "error"));
	const char *type = text_of(req->fault, "content_type");
	int64_t status = number_of(req->fault, "status", p ? p->status : 0);
	sim_buf body = {0};

	if (status == 0)
		return false;
	bytes_of(req->fault, "body", "body_hex", &body);
	if (p && body.len == 0)
		sim_buf_str(&body, p->body);
	if (type == NULL)
		type = p ? p->content_type : guess_type(&body);
	srv_response_reset(&req->resp);
	srv_text(req, (int) status, type, NULL);
	sim_buf_add(&req->resp.body, body.data, body.len);
	sim_buf_free(&body);
	return true;
}

bool
fault_before(srv_request *req)
{
	if (req->fault == NULL || fault_flag(req, "after"))
		return false;
	return replacement(req);
}

/* ---------------------------------------------------------------- editing the body */

static void
splice(sim_buf *b, size_t at, size_t remove, const sim_buf *put)
{
	sim_buf out = {0};

	sim_buf_add(&out, b->data, at);
	sim_buf_add(&out, put->data, put->len);
	sim_buf_add(&out, b->data + at + remove, b->len - at - remove);
	sim_buf_free(b);
	*b = out;
}

static void
edit_replace(sim_buf *b, const cJSON *rule)
{
	const char *find = text_of(rule, "find");
	size_t n = find ? strlen(find) : 0;
	sim_buf with = {0};
	size_t at = 0;

	bytes_of(rule, "with", "with_hex", &with);
	while (n > 0 && b->len >= n && at <= b->len - n)
	{
		const char *p = memmem(b->data + at, b->len - at, find, n);

		if (p == NULL)
			break;
		at = (size_t) (p - b->data);
		splice(b, at, n, &with);
		at += with.len;
		if (number_of(rule, "all", 0) == 0)
			break;
	}
	sim_buf_free(&with);
}

static void
edit_insert(sim_buf *b, const cJSON *rule)
{
	int64_t at = number_of(rule, "at", 0);
	sim_buf put = {0};

	bytes_of(rule, "text", "hex", &put);
	if (at < 0)
		at += (int64_t) b->len;
	if (at < 0)
		at = 0;
	if ((size_t) at > b->len)
		at = (int64_t) b->len;
	splice(b, (size_t) at, 0, &put);
	sim_buf_free(&put);
}

/* Offset of the n-th record from the end (0: the end); the header line is kept apart. */
static size_t
record_from_end(const sim_buf *b, int64_t n, size_t *header)
{
	size_t *starts = NULL;
	size_t count = 0, space = 0, from;
	bool quoted = false;

	*header = b->len;
	for (size_t i = 0; i < b->len; i++)
	{
		if (b->data[i] == '"')
			quoted = !quoted;
		if (b->data[i] != '\n' || quoted)
			continue;
		if (count == space)
		{
			size_t *bigger =
				realloc(starts, (space = space ? 2 * space : 1024) * sizeof(*starts));

			if (bigger == NULL)
				break;
			starts = bigger;
		}
		starts[count++] = i + 1;
	}
	from = b->len;
	if (count > 0)
	{
		*header = starts[0];
		from = n <= 0				 ? b->len
			   : (size_t) n >= count ? starts[0]
									 : starts[count - 1 - (size_t) n];
	}
	free(starts);
	return from;
}

static void
edit_rows(srv_request *req, sim_buf *b)
{
	int64_t drop = fault_number(req, "drop_rows", 0);
	int64_t repeat = fault_number(req, "repeat_rows", 0);
	size_t header;

	if (drop > 0)
		b->len = record_from_end(b, drop, &header);
	if (repeat > 0)
	{
		size_t from = record_from_end(b, repeat, &header);
		size_t n = b->len - from;
		char *dst = sim_buf_reserve(b, n);

		if (dst)
		{
			memcpy(dst, b->data + from, n);
			b->len += n;
		}
	}
	if (fault_flag(req, "header_only"))
	{
		record_from_end(b, 0, &header);
		b->len = header;
	}
	if (fault_flag(req, "empty"))
		b->len = 0;
}

static void
edit_body(srv_request *req)
{
	static const char *const edits[] = {"replace",	   "insert", "drop_rows", "repeat_rows",
										"header_only", "empty",	 "gzip_cut"};
	const cJSON *replace = member(req->fault, "replace");
	const cJSON *insert = member(req->fault, "insert");
	const cJSON *rule;
	bool any = false;

	for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++)
		any |= member(req->fault, edits[i]) != NULL;
	if (!any || !srv_load_file(&req->resp))
		return;
	if (cJSON_IsArray(replace))
		cJSON_ArrayForEach (rule, replace)
		{
			edit_replace(&req->resp.body, rule);
		}
	else if (replace)
		edit_replace(&req->resp.body, replace);
	if (insert)
		edit_insert(&req->resp.body, insert);
	edit_rows(req, &req->resp.body);
}

void
fault_after(srv_request *req)
{
	srv_response *resp = &req->resp;
	const char *records;
	int64_t off;
	const cJSON *h;

	if (req->fault == NULL)
		return;
	if (fault_flag(req, "after"))
		replacement(req);
	edit_body(req);
	records = srv_get_header(resp, "Sforce-NumberOfRecords");
	off = fault_number(req, "records_off", 0);
	if (records && off != 0)
		srv_set_headerf(resp, "Sforce-NumberOfRecords", "%lld",
						strtoll(records, NULL, 10) + (long long) off);
	cJSON_ArrayForEach (h, member(req->fault, "headers"))
	{
		srv_set_header(resp, h->string, cJSON_GetStringValue(h));
	}
	resp->lower_headers = fault_flag(req, "lower_headers");
	resp->no_gzip = fault_flag(req, "no_gzip");
}
