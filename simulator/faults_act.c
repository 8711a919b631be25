/*
 * faults_act.c
 *		What the faults that fired do: answers, holds, headers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "xml.h"

#define JSON_TYPE "application/json;charset=UTF-8"
#define HTML_TYPE "text/html;charset=UTF-8"

/* ---------------------------------------------------------------- asking */

/* The first that has the member. */
int64_t
fault_number(const srv_request *req, const char *name, int64_t dflt)
{
	return fault_int(req->fault, name, dflt);
}

int64_t
fault_least(const srv_request *req, const char *name, int64_t dflt)
{
	int64_t least = -1;

	for (int i = 0; i < req->nfired; i++)
	{
		int64_t n = fault_int(req->fired[i]->spec, name, -1);

		if (n >= 0 && (least < 0 || n < least))
			least = n;
	}
	return least < 0 ? dflt : least;
}

bool
fault_flag(const srv_request *req, const char *name)
{
	for (int i = 0; i < req->nfired; i++)
		if (fault_int(req->fired[i]->spec, name, 0) != 0)
			return true;
	return false;
}

static bool
says(const srv_fault *f, const char *name, const char *word)
{
	const char *text = fault_text(f->spec, name);

	return text && strcmp(text, word) == 0;
}

bool
fault_closes(const srv_request *req, const char *when)
{
	for (int i = 0; i < req->nfired; i++)
		if (says(req->fired[i], "close", when) && !fault_item(req->fired[i]->spec, "body_at"))
			return true;
	return false;
}

/* ---------------------------------------------------------------- waiting */

void
fault_hold(srv_request *req, const char *when)
{
	bool before = strcmp(when, "before") == 0;

	for (int i = 0; i < req->nfired; i++)
	{
		const srv_fault *f = req->fired[i];

		if (fault_item(f->spec, "body_at"))
			continue;
		if (before)
			gate_pause(f->gate, fault_int(f->spec, "delay_ms", 0));
		if (says(f, "hold", when))
		{
			log_mark(req, LOG_HELD);
			gate_wait(f->gate);
		}
	}
}

bool
fault_unread(srv_request *req)
{
	req->body_at = -1;
	for (int i = 0; i < req->nfired; i++)
	{
		const srv_fault *f = req->fired[i];

		if (!fault_item(f->spec, "body_at"))
			continue;
		if (says(f, "hold", "before"))
		{
			log_mark(req, LOG_HELD);
			gate_wait(f->gate);
		}
		if (says(f, "close", "before"))
			return false;
	}
	return true;
}

int
fault_stalls(const srv_request *req, srv_stall *out, int most)
{
	int n = 0;

	for (int i = 0; i < req->nfired && n < most; i++)
	{
		const srv_fault *f = req->fired[i];
		srv_stall stall = {0};
		int at = n;

		if (!says(f, "hold", "body"))
			continue;
		stall.at = (uint64_t) fault_int(f->spec, "hold_at", 0);
		stall.gate = f->gate;
		for (; at > 0 && out[at - 1].at > stall.at; at--)
			out[at] = out[at - 1];
		out[at] = stall;
		n++;
	}
	return n;
}

/* ---------------------------------------------------------------- other answers */

static const char *
guess_type(const sim_buf *b)
{
	char c = b->len ? b->data[0] : '\0';

	if (b->len == 0)
		return "";
	if (c == '<')
		return HTML_TYPE;
	return c == '{' || c == '[' ? JSON_TYPE : "text/plain;charset=UTF-8";
}

/* How the Bulk API 1.0 spells an error code of the others. */
static const char *
async_code(const char *code)
{
	static const char *const names[][2] = {
		{"INVALID_SESSION_ID", "InvalidSessionId"},
		{"REQUEST_LIMIT_EXCEEDED", "ExceededQuota"},
		{"INVALIDJOB", "InvalidJob"},
		{"INVALIDJOBSTATE", "InvalidJobState"},
		{"NOT_FOUND", "InvalidUrl"},
		{"UNABLE_TO_LOCK_ROW", "LockedRow"},
		{"QUERY_TIMEOUT", "Timeout"},
		{"SERVER_UNAVAILABLE", "InternalServerError"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i][0], code) == 0)
			return names[i][1];
	return "Unknown";
}

/* A ready error in the form that the request's API has. */
static void
preset_error(srv_request *req, int status, const fault_preset *p)
{
	const char *type = srv_header_get(req, "Content-Type");
	const char *accept = srv_header_get(req, "Accept");
	xml_writer w;

	if (strncmp(req->path, "/services/async/", 16) != 0)
	{
		srv_error(req, status, p->code, "%s", p->message);
		return;
	}

	/* the older API knows 400 only, but for what its front end says */
	status = status < 500 ? 400 : status;
	if ((type && strcasestr(type, "json")) || (accept && strcasestr(accept, "json")))
	{
		srv_text(req, status, "application/json", NULL);
		sim_buf_printf(&req->resp.body,
					   "{\"exceptionCode\":\"%s\",\"exceptionMessage\":", async_code(p->code));
		sim_json_string(&req->resp.body, p->message, strlen(p->message));
		sim_buf_char(&req->resp.body, '}');
		return;
	}
	srv_text(req, status, "application/xml", NULL);
	xml_begin(&w, &req->resp.body, "error", "http://www.force.com/2009/06/asyncapi/dataload");
	xml_put(&w, "exceptionCode", async_code(p->code));
	xml_put(&w, "exceptionMessage", p->message);
	xml_end(&w, "error");
}

/* The answer that the fault has instead of the real one, if it has one. */
static bool
replacement(srv_request *req, const cJSON *spec)
{
	const fault_preset *p = fault_preset_find(fault_text(spec, "error"));
	const char *type = fault_text(spec, "content_type");
	int64_t status = fault_int(spec, "status", p ? p->status : 0);
	sim_buf body = {0};

	if (status == 0)
		return false;
	fault_bytes(spec, "body", "body_hex", &body);
	srv_response_reset(&req->resp);
	if (p && body.len == 0 && p->code)
		preset_error(req, (int) status, p);
	else
	{
		if (p && body.len == 0)
			sim_buf_str(&body, p->message);
		if (type == NULL)
			type = p && p->type ? p->type : guess_type(&body);
		srv_text(req, (int) status, type, NULL);
		sim_buf_add(&req->resp.body, body.data ? body.data : "", body.len);
	}
	sim_buf_free(&body);
	if (type)
		snprintf(req->resp.content_type, sizeof(req->resp.content_type), "%s", type);
	return true;
}

/* The oldest that has one; those "after" processing are asked for after it. */
static bool
replace_answer(srv_request *req, bool after)
{
	for (int i = 0; i < req->nfired; i++)
	{
		const cJSON *spec = req->fired[i]->spec;

		if ((fault_int(spec, "after", 0) != 0) == after && replacement(req, spec))
			return true;
	}
	return false;
}

bool
fault_before(srv_request *req)
{
	return replace_answer(req, false);
}

void
fault_instead(srv_request *req)
{
	replace_answer(req, true);
}

/* ---------------------------------------------------------------- headers */

/* Remove the headers whose names fit the glob, in any case. */
static void
drop_headers(srv_response *resp, const char *glob)
{
	sim_buf low = {0};
	sim_buf name = {0};

	sim_buf_str(&low, glob);
	for (size_t i = 0; i < low.len; i++)
		if (low.data[i] >= 'A' && low.data[i] <= 'Z')
			low.data[i] = (char) (low.data[i] - 'A' + 'a');
	for (int i = resp->nheaders; low.data && i-- > 0;)
	{
		sim_buf_reset(&name);
		sim_buf_str(&name, resp->headers[i].name);
		for (size_t k = 0; k < name.len; k++)
			if (name.data[k] >= 'A' && name.data[k] <= 'Z')
				name.data[k] = (char) (name.data[k] - 'A' + 'a');
		if (name.data && fault_glob(low.data, name.data, name.len))
			srv_set_header(resp, resp->headers[i].name, NULL);
	}
	sim_buf_free(&low);
	sim_buf_free(&name);
}

static void
edit_headers(srv_request *req, const cJSON *spec)
{
	srv_response *resp = &req->resp;
	const char *records = srv_get_header(resp, "Sforce-NumberOfRecords");
	int64_t off = fault_int(spec, "records_off", 0);
	const cJSON *drop = fault_item(spec, "drop_headers");
	const cJSON *h;

	if (records && off != 0)
		srv_set_headerf(resp, "Sforce-NumberOfRecords", "%lld",
						strtoll(records, NULL, 10) + (long long) off);
	if (fault_int(spec, "same_locator", 0))
	{
		char *asked = srv_param(req->query, "locator", NULL);

		if (asked)
			srv_set_header(resp, "Sforce-Locator", asked);
		free(asked);
	}
	if (cJSON_IsArray(drop))
		cJSON_ArrayForEach (h, drop)
		{
			drop_headers(resp, cJSON_GetStringValue(h));
		}
	else if (drop)
		drop_headers(resp, cJSON_GetStringValue(drop));
	cJSON_ArrayForEach (h, fault_item(spec, "headers"))
	{
		srv_set_header(resp, h->string, cJSON_GetStringValue(h));
	}
}

void
fault_after(srv_request *req)
{
	if (req->nfired == 0)
		return;
	for (int i = 0; i < req->nfired; i++)
		fault_edit(req->fired[i]->spec, &req->resp);
	for (int i = 0; i < req->nfired; i++)
		edit_headers(req, req->fired[i]->spec);
	req->resp.lower_headers = fault_flag(req, "lower_headers");
	req->resp.no_gzip = fault_flag(req, "no_gzip");
}

void
fault_flip(const srv_request *req, char *data, size_t len)
{
	for (int i = 0; i < req->nfired; i++)
	{
		int64_t at = fault_int(req->fired[i]->spec, "flip", -1);

		if (at >= 0 && (uint64_t) at < len)
			data[at] = (char) ~data[at];
	}
}

void
fault_ids(const srv_request *req, sim_buf *out)
{
	sim_buf_char(out, '[');
	for (int i = 0; i < req->nfired; i++)
		sim_buf_printf(out, "%s%lld", i ? "," : "", (long long) req->fired[i]->id);
	sim_buf_char(out, ']');
}
