/*
 * composite.c
 *		/composite and /composite/batch: several requests in one.
 *
 * The parts run through the same routing table as requests of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "server.h"

#define MAX_PARTS 25

/* Run one part; url starts with "/services/data/…".  The caller frees the request. */
static srv_request *
run_part(srv_request *outer, const char *method, const char *url, const cJSON *headers)
{
	srv_request *req = srv_request_new(outer->srv, url);
	const cJSON *h;

	if (req == NULL)
		return NULL;
	snprintf(req->method, sizeof(req->method), "%s", method);
	cJSON_ArrayForEach (h, headers)
	{
		if (cJSON_IsString(h))
			srv_request_header(req, h->string, h->valuestring);
	}
	if (strncasecmp(url, "/services/data/", 15) != 0 ||
		(req->nsegs > 3 && strcasecmp(req->segs[3], "composite") == 0))
		srv_error(req, 400, "INVALID_SUBREQUEST", "The sub-request URL is not supported: %s",
				  url);
	else
		srv_route(req);
	return req;
}

/* The answer's body as it stands in the whole: JSON, or null when there is none. */
static void
add_body(sim_buf *out, const srv_request *part)
{
	if (part->resp.body.len == 0)
		sim_buf_str(out, "null");
	else
		sim_buf_add(out, part->resp.body.data, part->resp.body.len);
}

static void
json_member(sim_buf *out, const char *text)
{
	sim_json_string(out, text, strlen(text));
}

/* The array of parts, or NULL with the error filled in. */
static cJSON *
parse_parts(srv_request *req, const char *key, cJSON **tree)
{
	cJSON *parts;
	int n;

	*tree = cJSON_ParseWithLength(req->body.data ? req->body.data : "", req->body.len);
	parts = cJSON_GetObjectItemCaseSensitive(*tree, key);
	if (!cJSON_IsArray(parts))
	{
		srv_error(req, 400, "JSON_PARSER_ERROR", "The request body must hold the array '%s'",
				  key);
		return NULL;
	}
	n = cJSON_GetArraySize(parts);
	if (n == 0 || n > MAX_PARTS)
	{
		srv_error(req, 400, "LIMIT_EXCEEDED",
				  "The number of subrequests, %d, is not between 1 and the limit of %d", n,
				  MAX_PARTS);
		return NULL;
	}
	return parts;
}

static void
composite_part(srv_request *req, const cJSON *spec, sim_buf *out)
{
	const char *method =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(spec, "method"));
	const char *url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(spec, "url"));
	const char *ref =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(spec, "referenceId"));
	const cJSON *headers = cJSON_GetObjectItemCaseSensitive(spec, "httpHeaders");
	srv_request *part = run_part(req, method ? method : "GET", url ? url : "", headers);
	const char *sep = "";

	if (part == NULL)
		return;
	sim_buf_str(out, "{\"body\":");
	add_body(out, part);
	sim_buf_str(out, ",\"httpHeaders\":{");
	for (int i = 0; i < part->resp.nheaders; i++)
	{
		const srv_header *h = &part->resp.headers[i];

		sim_buf_str(out, sep);
		json_member(out, h->name);
		sim_buf_char(out, ':');
		json_member(out, h->value);
		sep = ",";
	}
	sim_buf_printf(out, "},\"httpStatusCode\":%d,\"referenceId\":", part->resp.status);
	json_member(out, ref ? ref : "");
	sim_buf_char(out, '}');
	srv_request_free(part);
}

void
rest_composite(srv_request *req)
{
	cJSON *tree;
	cJSON *parts = parse_parts(req, "compositeRequest", &tree);
	const cJSON *spec;
	sim_buf out = {0};

	if (parts)
	{
		sim_buf_str(&out, "{\"compositeResponse\":[");
		cJSON_ArrayForEach (spec, parts)
		{
			if (spec != parts->child)
				sim_buf_char(&out, ',');
			composite_part(req, spec, &out);
		}
		sim_buf_str(&out, "]}");
		sim_buf_add(srv_json(req, 200), out.data, out.len);
	}
	sim_buf_free(&out);
	cJSON_Delete(tree);
}

/* Batch URLs start with the version: "v62.0/sobjects/…"; a part counts as a call. */
static srv_request *
batch_part(srv_request *req, const cJSON *spec)
{
	const char *method =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(spec, "method"));
	const char *url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(spec, "url"));
	sim_buf full = {0};
	srv_request *part;

	url = url ? url + strspn(url, "/") : "";
	if (strncasecmp(url, "services/data/", 14) == 0)
		url += 14;
	sim_buf_printf(&full, "/services/data/%s", url);
	part = run_part(req, method ? method : "GET", full.data ? full.data : "", NULL);
	sim_buf_free(&full);
	pthread_mutex_lock(&req->srv->lock);
	req->srv->api_calls++;
	pthread_mutex_unlock(&req->srv->lock);
	return part;
}

void
rest_batch(srv_request *req)
{
	cJSON *tree;
	cJSON *parts = parse_parts(req, "batchRequests", &tree);
	const cJSON *spec;
	bool halt = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(tree, "haltOnError"));
	bool errors = false;
	sim_buf out = {0};

	if (parts)
	{
		cJSON_ArrayForEach (spec, parts)
		{
			srv_request *part;

			sim_buf_str(&out, spec != parts->child ? ",{" : "{");
			if (halt && errors)
			{
				sim_buf_str(&out, "\"statusCode\":412,\"result\":[{\"errorCode\":"
								  "\"BATCH_PROCESSING_HALTED\",\"message\":\"Batch processing "
								  "halted per request\"}]}");
				continue;
			}
			part = batch_part(req, spec);
			if (part == NULL)
				continue;
			sim_buf_printf(&out, "\"statusCode\":%d,\"result\":", part->resp.status);
			add_body(&out, part);
			sim_buf_char(&out, '}');
			errors |= part->resp.status >= 400;
			srv_request_free(part);
		}
		sim_buf_printf(srv_json(req, 200), "{\"hasErrors\":%s,\"results\":[",
					   errors ? "true" : "false");
		sim_buf_add(&req->resp.body, out.data, out.len);
		sim_buf_str(&req->resp.body, "]}");
	}
	sim_buf_free(&out);
	cJSON_Delete(tree);
}
