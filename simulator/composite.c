/*
 * composite.c
 *		/composite: up to 25 requests in one, that may refer to each other's answers and fail together.
 *
 * The parts run through the same routing tables as requests of their own.  With allOrNone they share one
 * transaction of the store, and what they read is read in it.
 */
#include "composite.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#define MAX_PARTS 25

/* ---------------------------------------------------------------- one part */

/* Headers of the whole that count for its parts as well. */
static void
inherit_headers(const srv_request *outer, srv_request *req)
{
	for (int i = 0; i < outer->nheaders; i++)
		if (strncasecmp(outer->headers[i].name, "Sforce-", 7) == 0 &&
			srv_header_get(req, outer->headers[i].name) == NULL)
			srv_request_header(req, outer->headers[i].name, outer->headers[i].value);
}

srv_request *
part_run(srv_request *outer, sim_txn *txn, const char *method, const char *url,
		 const cJSON *headers, const cJSON *body)
{
	srv_request *req = srv_request_new(outer->srv, url);
	const cJSON *h;

	if (req == NULL)
		return NULL;
	snprintf(req->method, sizeof(req->method), "%s", method);
	req->txn = txn;
	req->log_id = outer->log_id; /* a part that is held holds the whole */
	cJSON_ArrayForEach (h, headers)
	{
		if (cJSON_IsString(h))
			srv_request_header(req, h->string, h->valuestring);
	}
	inherit_headers(outer, req);
	if (body)
	{
		char *text = cJSON_PrintUnformatted(body);

		if (text)
			sim_buf_str(&req->body, text);
		cJSON_free(text);
	}
	srv_route(req);
	return req;
}

void
part_body(sim_buf *out, const srv_request *req)
{
	const sim_buf *body = &req->resp.body;

	if (body->len == 0)
		sim_buf_str(out, "null");
	else if (strncmp(req->resp.content_type, "application/json", 16) == 0)
		sim_buf_add(out, body->data, body->len);
	else
		sim_json_string(out, body->data, body->len);
}

/* ---------------------------------------------------------------- reading the parts */

static bool
good_reference(const char *s)
{
	if (!isalnum((unsigned char) *s))
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char) *s) && *s != '_')
			return false;
	return true;
}

/* Which part of the API is the URL of?  NULL: not of the data API. */
static const char *
resource_of(const char *url)
{
	const char *p;

	if (strncasecmp(url, "/services/data/v", 16) != 0)
		return NULL;
	p = strchr(url + 16, '/');
	return p ? p + 1 : NULL;
}

static bool
is_resource(const char *resource, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(resource, name, n) == 0 && strchr("/?", resource[n]) != NULL;
}

/* Queries and Collections: only so many of them go into one request. */
static bool
is_heavy(const char *url)
{
	const char *r = resource_of(url);

	return r && (is_resource(r, "query") || is_resource(r, "queryAll") ||
				 is_resource(r, "composite/sobjects"));
}

static bool
part_read(const srv_request *outer, const cJSON *spec, part *p, sim_error *err)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"};
	bool known = false;

	p->spec = spec;
	p->method = rest_json_string(spec, "method");
	p->url = rest_json_string(spec, "url");
	p->reference = rest_json_string(spec, "referenceId");
	if (p->method == NULL || p->url == NULL || p->reference == NULL || *p->reference == '\0')
		return sim_error_set(err, "INVALID_INPUT",
							 "Each subrequest must have a method, a url and a referenceId.");
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		known = known || strcmp(methods[i], p->method) == 0;
	if (!known)
		return sim_error_set(err, "INVALID_INPUT",
							 "'%.40s' is not a method that subrequests can have.", p->method);

	/* before v52 such a reference was taken, and only what used it failed */
	if (atoi(outer->version) >= 52 && !good_reference(p->reference))
		return sim_error_set(
			err, "INVALID_INPUT",
			"Provided referenceId ('%.100s') must start with a letter or a "
			"number, and it can contain only letters, numbers and underscores "
			"('_').",
			p->reference);
	return true;
}

bool
parts_read(const srv_request *outer, const cJSON *list, int most, part **parts, int *n,
		   sim_error *err)
{
	int queries = srv_options_get(outer->srv).composite_queries;
	int size = cJSON_GetArraySize(list);
	const cJSON *spec;
	int heavy = 0;

	*parts = NULL;
	*n = 0;
	if (!cJSON_IsArray(list) || size == 0)
		return sim_error_set(err, "INVALID_INPUT", "The request has no subrequests.");
	if (size > most)
		return sim_error_set(err, "LIMIT_EXCEEDED",
							 "The request can’t contain more than %d operations.", most);
	*parts = calloc((size_t) size, sizeof(part));
	if (*parts == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	cJSON_ArrayForEach (spec, list)
	{
		part *p = &(*parts)[*n];

		if (!part_read(outer, spec, p, err))
			return false;
		for (int i = 0; i < *n; i++)
			if (strcmp((*parts)[i].reference, p->reference) == 0)
				return sim_error_set(
					err, "INVALID_INPUT",
					"Duplicate referenceId '%.100s': each subrequest must have "
					"one of its own.",
					p->reference);
		heavy += is_heavy(p->url);
		(*n)++;
	}
	if (queries > 0 && most == MAX_PARTS && heavy > queries)
		return sim_error_set(err, "LIMIT_EXCEEDED",
							 "The request can’t contain more than %d query and sObject "
							 "Collections operations.",
							 queries);
	return true;
}

void
parts_free(part *parts, int n)
{
	for (int i = 0; parts && i < n; i++)
	{
		srv_request_free(parts[i].req);
		cJSON_Delete(parts[i].body);
	}
	free(parts);
}

/* ---------------------------------------------------------------- running the parts */

/* Can the URL be a part's?  Else why. */
static bool
supported(const srv_request *outer, const char *url, char why[PART_WHY])
{
	int longest = srv_options_get(outer->srv).composite_url_max;
	const char *r = resource_of(url);

	if (r == NULL)
		snprintf(why, PART_WHY,
				 "The url of a subrequest must start with /services/data/vXX.X/: %.200s", url);
	else if (longest > 0 && strlen(url) > (size_t) longest)
		snprintf(why, PART_WHY,
				 "The url of a subrequest must not be longer than %d characters", longest);
	else if ((is_resource(r, "composite") && !is_resource(r, "composite/sobjects")) ||
			 is_resource(r, "jobs") || is_resource(r, "tooling"))
		snprintf(why, PART_WHY,
				 "The requested resource is not supported in composite requests: %.200s", url);
	else
		return true;
	return false;
}

/* Do parts refer to the answers of others at all? */
static bool
answer_is_used(const srv_request *outer)
{
	return outer->body.data && strstr(outer->body.data, "@{") != NULL;
}

static void
run_one(srv_request *outer, part *parts, int i, sim_txn *txn)
{
	part *p = &parts[i];
	const cJSON *body = cJSON_GetObjectItemCaseSensitive(p->spec, "body");
	const cJSON *headers = cJSON_GetObjectItemCaseSensitive(p->spec, "httpHeaders");
	bool null_ok = atoi(outer->version) >= 52;
	cJSON *resolved = NULL;
	sim_buf url = {0};

	p->status = 400;
	if (refs_in_url(p->url, parts, i, &url, p->why) && url.data &&
		supported(outer, url.data, p->why) &&
		(body == NULL || cJSON_IsNull(body) ||
		 (resolved = refs_in_tree(body, parts, i, null_ok, p->why)) != NULL))
	{
		p->req = part_run(outer, txn, p->method, url.data, headers, resolved);
		if (p->req == NULL)
			snprintf(p->why, sizeof(p->why), "out of memory");
		else
		{
			p->status = p->req->resp.status;
			if (answer_is_used(outer))
				p->body =
					cJSON_ParseWithLength(p->req->resp.body.data ? p->req->resp.body.data : "",
										  p->req->resp.body.len);
		}
	}
	cJSON_Delete(resolved);
	sim_buf_free(&url);
}

bool
parts_run(srv_request *outer, part *parts, int n, sim_txn *txn)
{
	int bad = -1;

	if (txn)
		sim_txn_read(txn, true);
	for (int i = 0; i < n && bad < 0; i++)
	{
		part *p = &parts[i];

		run_one(outer, parts, i, txn);
		if (txn && (p->req == NULL || p->status >= 400 || p->req->rows_failed))
			bad = i;
	}
	if (txn)
		sim_txn_read(txn, false);
	if (bad < 0)
		return true;
	for (int i = 0; i < n; i++)
	{
		part *p = &parts[i];

		if (i == bad)
			continue;
		srv_request_free(p->req);
		p->req = NULL;
		p->status = 400;
		snprintf(p->why, sizeof(p->why),
				 "The transaction was rolled back since another operation in the same "
				 "transaction failed.");
	}
	return false;
}

/* ---------------------------------------------------------------- answering */

static void
add_halted(sim_buf *out, const char *code, const char *why)
{
	sim_buf_printf(out, "[{\"errorCode\":\"%s\",\"message\":", code);
	sim_json_string(out, why, strlen(why));
	sim_buf_str(out, "}]");
}

void
parts_answer(sim_buf *out, const part *parts, int n)
{
	for (int i = 0; i < n; i++)
	{
		const part *p = &parts[i];
		const char *sep = "";

		sim_buf_str(out, i ? ",{\"body\":" : "{\"body\":");
		if (p->req)
			part_body(out, p->req);
		else
			add_halted(out, "PROCESSING_HALTED", p->why);
		sim_buf_str(out, ",\"httpHeaders\":{");
		for (int h = 0; p->req && h < p->req->resp.nheaders; h++)
		{
			const srv_header *header = &p->req->resp.headers[h];

			sim_buf_str(out, sep);
			sim_json_string(out, header->name, strlen(header->name));
			sim_buf_char(out, ':');
			sim_json_string(out, header->value, strlen(header->value));
			sep = ",";
		}
		sim_buf_printf(out, "},\"httpStatusCode\":%d,\"referenceId\":", p->status);
		sim_json_string(out, p->reference, strlen(p->reference));
		sim_buf_char(out, '}');
	}
}

/* What is wrong with the whole is told in the shape of a part that has no reference. */
static void
answer_refused(srv_request *req, const sim_error *err)
{
	sim_buf *b = srv_json(req, 400);

	sim_buf_str(b, "{\"compositeResponse\":[{\"body\":");
	add_halted(b, err->code, err->message);
	sim_buf_str(b, ",\"httpHeaders\":{},\"httpStatusCode\":400,\"referenceId\":null}]}");
}

void
rest_composite(srv_request *req)
{
	part *parts = NULL;
	int n = 0;
	sim_txn *txn = NULL;
	cJSON *tree;
	sim_error err;
	bool all_or_none, ok;

	if (!rest_json_body(req, &tree))
		return;
	all_or_none = rest_json_flag(tree, "allOrNone", false);
	ok = parts_read(req, cJSON_GetObjectItemCaseSensitive(tree, "compositeRequest"), MAX_PARTS,
					&parts, &n, &err);
	if (ok && all_or_none)
	{
		sim_write_opts opts;

		rest_write_opts(req, &opts);
		txn = sim_txn_begin(req->srv->org, &opts, &err);
		ok = txn != NULL;
	}
	if (ok)
	{
		/* collateSubrequests is for speed; the order of the request is right with and without it */
		bool keep = parts_run(req, parts, n, txn);

		if (txn && keep)
			ok = sim_txn_commit(txn, &err);
		else if (txn)
			sim_txn_abort(txn);
	}
	if (ok)
	{
		sim_buf *b = srv_json(req, 200);

		sim_buf_str(b, "{\"compositeResponse\":[");
		parts_answer(b, parts, n);
		sim_buf_str(b, "]}");
	}
	else
		answer_refused(req, &err);
	parts_free(parts, n);
	cJSON_Delete(tree);
}

void
rest_composite_list(srv_request *req)
{
	sim_buf *b = srv_json(req, 200);
	const char *v = req->version;

	sim_buf_printf(b, "{\"tree\":\"/services/data/v%s/composite/tree\",", v);
	sim_buf_printf(b, "\"batch\":\"/services/data/v%s/composite/batch\",", v);
	sim_buf_printf(b, "\"sobjects\":\"/services/data/v%s/composite/sobjects\"", v);
	if (atoi(v) >= 50)
		sim_buf_printf(b, ",\"graph\":\"/services/data/v%s/composite/graph\"", v);
	sim_buf_char(b, '}');
}
