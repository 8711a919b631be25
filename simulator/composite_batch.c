/*
 * composite_batch.c
 *		/composite/batch: up to 25 independent requests in one, each of which counts as a call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "composite.h"

#define MAX_PARTS 25

/* URLs begin with the version: "v62.0/sobjects/…". */
static srv_request *
run_part(srv_request *req, const cJSON *spec)
{
	const char *method = rest_json_string(spec, "method");
	const char *url = rest_json_string(spec, "url");
	const cJSON *body = cJSON_GetObjectItemCaseSensitive(spec, "richInput");
	sim_buf full = {0};
	srv_request *sub = NULL;

	url += strspn(url, "/");
	if (strncasecmp(url, "services/data/", 14) == 0)
		url += 14;
	sim_buf_printf(&full, "/services/data/%s", url);
	if (full.data && !full.failed)
		sub = part_run(req, NULL, method, full.data, NULL, cJSON_IsNull(body) ? NULL : body);
	sim_buf_free(&full);
	srv_limits_use(req->srv, LIMIT_API_REQUESTS, 1);
	return sub;
}

/* Versions of parts: from 34.0, and none that is newer than the request's. */
static bool
good_version(const srv_request *req, const char *url)
{
	int version;

	url += strspn(url, "/");
	if (strncasecmp(url, "services/data/", 14) == 0)
		url += 14;
	if (*url != 'v' && *url != 'V')
		return false;
	version = atoi(url + 1);
	return version >= 34 && version <= atoi(req->version);
}

/* All parts are looked at before the first one runs; false: answered. */
static bool
check_parts(srv_request *req, const cJSON *list)
{
	int n = cJSON_GetArraySize(list);
	const cJSON *spec;

	if (!cJSON_IsArray(list) || n == 0)
	{
		srv_error(req, 400, "INVALID_INPUT", "The request has no subrequests.");
		return false;
	}
	if (n > MAX_PARTS)
	{
		srv_error(req, 400, "LIMIT_EXCEEDED",
				  "The request can’t contain more than %d operations.", MAX_PARTS);
		return false;
	}
	cJSON_ArrayForEach (spec, list)
	{
		const char *url = rest_json_string(spec, "url");

		if (url == NULL || rest_json_string(spec, "method") == NULL)
		{
			srv_error(req, 400, "INVALID_INPUT",
					  "Each subrequest must have a method and a url.");
			return false;
		}
		if (!good_version(req, url))
		{
			srv_error(
				req, 400, "INVALID_INPUT",
				"The API version of a subrequest must be 34.0 or later, and not later than "
				"that of the request: %.200s",
				url);
			return false;
		}
	}
	return true;
}

/* Batches do not nest. */
static bool
nested(const char *url)
{
	const char *r = strcasestr(url, "/composite/batch");

	return r && (r[16] == '\0' || r[16] == '?' || r[16] == '/');
}

/* One result; true: it is an error. */
static bool
add_result(srv_request *req, const cJSON *spec, sim_buf *out)
{
	srv_request *sub = nested(rest_json_string(spec, "url")) ? NULL : run_part(req, spec);
	bool failed = sub == NULL || sub->resp.status >= 400;

	if (sub == NULL)
		sim_buf_str(out, "{\"statusCode\":400,\"result\":[{\"errorCode\":\"INVALID_INPUT\","
						 "\"message\":\"The subrequest cannot be part of a batch.\"}]}");
	else
	{
		sim_buf_printf(out, "{\"statusCode\":%d,\"result\":", sub->resp.status);
		part_body(out, sub);
		sim_buf_char(out, '}');
	}
	srv_request_free(sub);
	return failed;
}

void
rest_batch(srv_request *req)
{
	cJSON *tree;
	const cJSON *list, *spec;
	bool halt;
	bool errors = false;
	sim_buf out = {0};

	if (!rest_json_body(req, &tree))
		return;
	list = cJSON_GetObjectItemCaseSensitive(tree, "batchRequests");
	halt = rest_json_flag(tree, "haltOnError", false);
	if (check_parts(req, list))
	{
		cJSON_ArrayForEach (spec, list)
		{
			if (spec != list->child)
				sim_buf_char(&out, ',');
			if (halt && errors)
				sim_buf_str(&out, "{\"statusCode\":412,\"result\":[{\"errorCode\":"
								  "\"BATCH_PROCESSING_HALTED\",\"message\":\"Batch processing "
								  "halted per request\"}]}");
			else if (add_result(req, spec, &out))
				errors = true;
		}
		sim_buf_printf(srv_json(req, 200), "{\"hasErrors\":%s,\"results\":[",
					   errors ? "true" : "false");
		sim_buf_add(&req->resp.body, out.data, out.len);
		sim_buf_str(&req->resp.body, "]}");
	}
	sim_buf_free(&out);
	cJSON_Delete(tree);
}
