/*
 * faults_spec.c
 *		What a fault may say, and the ready answers.
 *
 * All members are optional; unknown ones are refused.
 *
 * Which request (all that are given must fit):
 *	  "name"	text; names the fault in lists, in DELETE /__sfsim/faults?name= and /__sfsim/release
 *	  "method"	glob, "GET", "P*", …
 *	  "path"	glob over the decoded path; a star crosses slashes
 *	  "query"	glob over the raw query text
 *	  "header"	{"Sforce-Query-Options": glob, "X-Other": null}; null: must be absent
 *	  "request_body" glob over the request's body
 *	  "job_id"	an id that the path has as a segment, in 15 or 18 characters
 *	  "part"	true: parts of /composite, /composite/batch, /composite/graph instead of whole requests
 *	  "nth"		acts from this occurrence on (default 1, the next one)
 *	  "count"	on so many occurrences (default 1; 0: for ever)
 *
 * Answer something else (with "after": true the request is processed first):
 *	  "error"	one of the ready answers below
 *	  "status"	number, with "body" (text) or "body_hex" and "content_type"
 *	  "headers" {"Retry-After": "1", "Sforce-Locator": null}; null removes.
 *				Applies to every answer, not only to replaced ones.
 *	  "drop_headers" glob, or an array of them, over the names: "Sforce-*"
 *
 * The connection:
 *	  "close"	"before" processing | "after" it: no answer at all
 *	  "delay_ms" wait before processing
 *	  "hold"	"before" | "after" | "body": wait until released
 *	  "hold_at" with "body": after so many bytes of the body (default 0)
 *	  "body_at" with close or hold "before": when so many bytes of the request's body have come, and not
 *				only when all have (at its end, when it has fewer)
 *	  "truncate" send so many bytes of the body, then cut the connection
 *	  "chunked" true: Transfer-Encoding: chunked
 *	  "piece"	send the body in pieces of so many bytes, "piece_ms" apart
 *
 * The body (in this order; result pages are changed before compression):
 *	  "replace" {"find": text, "with": text | "with_hex": "00"…, "all": true},
 *				or an array of these
 *	  "insert"	{"at": offset (negative: from the end), "text" | "hex"}, or an array
 *	  "drop_rows", "repeat_rows"  number of CSV rows at the end of the page
 *	  "shuffle_rows", "reverse_columns" true: of a CSV page with the "delimiter" (default comma)
 *	  "header_only", "empty"	  true
 *	  "no_gzip"	 true: answer uncompressed whatever the client accepts
 *	  "gzip_cut" the gzip stream ends after so many bytes, the message is whole
 *	  "flip"	 the byte at this offset of the body as sent is inverted
 *
 * Headers: "records_off" n is added to Sforce-NumberOfRecords;
 * "same_locator" true answers with the Sforce-Locator that was asked for;
 * "lower_headers" true sends names in lower case.
 *
 * Sessions: "expire_token" true ends the session that the request presents.
 *
 * Jobs (on the POST that creates one): "job": {"fail": true | message,
 * "hold": "UploadComplete" | "InProgress" (until released),
 * "states": ["InProgress", "JobComplete", …] one per GET and the last one for
 * good, "records" and "retries": numbers to claim};
 * of ingest jobs also "row_errors": {"nth" | "every" | "from": row, counted from 1, "code", "message",
 * "fields": [...]} or an array of these, "fail_after": batches that are processed before it fails,
 * "unprocessed_from": row, "quota_after": rows that the day's quota allows, "hold_after": rows behind which
 * it waits until released, "shuffle_rows": true and "reorder_columns": true in its result files
 */
#include <string.h>

#include "faults.h"

/* Members of "job", one blank apart. */
#define JOB_MEMBERS                                                                           \
	"fail hold states records row_errors fail_after unprocessed_from quota_after hold_after " \
	"shuffle_rows reorder_columns retries"

#define HTML_TYPE "text/html;charset=UTF-8"

static const fault_preset presets[] = {
	{"session_expired", 401, "INVALID_SESSION_ID", "Session expired or invalid", NULL},
	{"session_not_rest", 401, "INVALID_SESSION_ID",
	 "This session is not valid for use with the REST API", NULL},
	{"session_no_agent", 401, "INVALID_SESSION_ID", "Connected app is not attached to Agent",
	 NULL},
	{"request_limit", 403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", NULL},
	{"concurrent_limit", 403, "REQUEST_LIMIT_EXCEEDED",
	 "ConcurrentPerOrgLongTxn Limit exceeded.", NULL},
	{"not_found", 404, "NOT_FOUND", "The requested resource does not exist", NULL},
	{"conflict", 409, "INVALIDJOB", "InvalidJob : API version mismatch", NULL},
	{"job_state", 400, "INVALIDJOBSTATE", "Aborting already Completed Job not allowed", NULL},
	{"locked_row", 400, "UNABLE_TO_LOCK_ROW",
	 "unable to obtain exclusive access to this record", NULL},
	{"unknown_exception", 500, "UNKNOWN_EXCEPTION",
	 "An unexpected error occurred. Please include this ErrorId if you contact support: "
	 "1234567890-12345 (-1234567890)",
	 NULL},
	{"server_unavailable", 503, "SERVER_UNAVAILABLE", "Server unavailable", NULL},
	{"html_503", 503, NULL,
	 "<!DOCTYPE html><html><head><title>Down For Maintenance</title></head><body>"
	 "<p>We are down for maintenance.</p></body></html>",
	 HTML_TYPE},
	{"html_502", 502, NULL, "<html><body><h1>502 Bad Gateway</h1></body></html>", HTML_TYPE},
	{"html_200", 200, NULL,
	 "<!DOCTYPE html><html><head><title>Login</title></head><body>Log in</body></html>",
	 HTML_TYPE},
	{"edge_420", 420, NULL, "", ""},
	{"query_timeout", 400, "QUERY_TIMEOUT", "Your query request was running for too long.",
	 NULL},
	{"invalid_locator", 400, "INVALID_QUERY_LOCATOR", "invalid query locator", NULL},
};

const fault_preset *
fault_preset_find(const char *name)
{
	for (size_t i = 0; name && i < sizeof(presets) / sizeof(*presets); i++)
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	return NULL;
}

/* ---------------------------------------------------------------- reading */

const cJSON *
fault_item(const cJSON *spec, const char *name)
{
	return spec ? cJSON_GetObjectItemCaseSensitive(spec, name) : NULL;
}

const char *
fault_text(const cJSON *spec, const char *name)
{
	return cJSON_GetStringValue(fault_item(spec, name));
}

int64_t
fault_int(const cJSON *spec, const char *name, int64_t dflt)
{
	const cJSON *item = fault_item(spec, name);

	if (cJSON_IsBool(item))
		return cJSON_IsTrue(item);
	return cJSON_IsNumber(item) ? (int64_t) item->valuedouble : dflt;
}

static int
hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *p = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return p ? (int) (p - digits) : -1;
}

void
fault_bytes(const cJSON *spec, const char *name, const char *hex_name, sim_buf *out)
{
	const char *hex = fault_text(spec, hex_name);
	const char *text = fault_text(spec, name);

	if (text)
		sim_buf_str(out, text);
	for (; hex && hex[0]; hex += 2)
		sim_buf_char(out, (char) (hex_value(hex[0]) * 16 + hex_value(hex[1])));
}

/* ---------------------------------------------------------------- checking */

/* What a member has to be. */
typedef enum kind
{
	K_TEXT,
	K_HEX,
	K_NUMBER, /* whole, not negative */
	K_SIGNED, /* whole */
	K_BOOL,
	K_OBJECT,
	K_TEXTS,	/* a text or an array of texts */
	K_NULLABLE, /* an object of texts and nulls */
	K_REPLACE,	/* an object, or an array of objects, with these members */
	K_INSERT
} kind;

typedef struct member
{
	const char *name;
	kind kind;
} member;

static const member members[] = {
	{"name", K_TEXT},		   {"method", K_TEXT},		 {"path", K_TEXT},
	{"query", K_TEXT},		   {"header", K_NULLABLE},	 {"request_body", K_TEXT},
	{"job_id", K_TEXT},		   {"part", K_BOOL},		 {"nth", K_NUMBER},
	{"count", K_NUMBER},	   {"after", K_BOOL},		 {"error", K_TEXT},
	{"status", K_NUMBER},	   {"body", K_TEXT},		 {"body_hex", K_HEX},
	{"content_type", K_TEXT},  {"headers", K_NULLABLE},	 {"drop_headers", K_TEXTS},
	{"close", K_TEXT},		   {"delay_ms", K_NUMBER},	 {"hold", K_TEXT},
	{"hold_at", K_NUMBER},	   {"body_at", K_NUMBER},	 {"truncate", K_NUMBER},
	{"chunked", K_BOOL},	   {"piece", K_NUMBER},		 {"piece_ms", K_NUMBER},
	{"replace", K_REPLACE},	   {"insert", K_INSERT},	 {"drop_rows", K_NUMBER},
	{"repeat_rows", K_NUMBER}, {"shuffle_rows", K_BOOL}, {"reverse_columns", K_BOOL},
	{"delimiter", K_TEXT},	   {"header_only", K_BOOL},	 {"empty", K_BOOL},
	{"no_gzip", K_BOOL},	   {"gzip_cut", K_NUMBER},	 {"flip", K_NUMBER},
	{"records_off", K_SIGNED}, {"same_locator", K_BOOL}, {"lower_headers", K_BOOL},
	{"expire_token", K_BOOL},  {"job", K_OBJECT},
};

static const member replace_members[] = {
	{"find", K_TEXT}, {"with", K_TEXT}, {"with_hex", K_HEX}, {"all", K_BOOL}};

static const member insert_members[] = {{"at", K_SIGNED}, {"text", K_TEXT}, {"hex", K_HEX}};

#define MEMBERS(list) (list), sizeof(list) / sizeof(*(list))

/* What only a request with a connection of its own can have. */
static const char *const not_in_parts[] = {"close",	   "hold_at", "body_at",  "truncate",
										   "chunked",  "piece",	  "piece_ms", "no_gzip",
										   "gzip_cut", "flip",	  "job_id",	  "lower_headers"};

static bool
whole(const cJSON *item, double least)
{
	return cJSON_IsNumber(item) && item->valuedouble >= least &&
		   item->valuedouble <= 9007199254740992.0 &&
		   item->valuedouble == (double) (int64_t) item->valuedouble;
}

static bool
hex_ok(const char *text)
{
	for (; text && text[0]; text += 2)
		if (hex_value(text[0]) < 0 || hex_value(text[1]) < 0)
			return false;
	return text != NULL;
}

static bool check_members(const cJSON *spec, const char *where, const member *list, size_t n,
						  sim_error *err);

/* One object, or each of an array. */
static bool
check_rules(const cJSON *item, const member *list, size_t n, sim_error *err)
{
	const cJSON *rule;

	if (cJSON_IsObject(item))
		return check_members(item, item->string, list, n, err);
	cJSON_ArrayForEach (rule, item)
	{
		if (!check_members(rule, item->string, list, n, err))
			return false;
	}
	return cJSON_IsArray(item) ||
		   sim_error_set(err, "INVALID_INPUT", "\"%s\" has the wrong type", item->string);
}

static bool
check_kind(const cJSON *item, kind k, sim_error *err)
{
	const cJSON *one;
	bool ok = false;

	switch (k)
	{
		case K_TEXT:
			ok = cJSON_IsString(item);
			break;
		case K_HEX:
			ok = hex_ok(cJSON_GetStringValue(item));
			break;
		case K_NUMBER:
			ok = whole(item, 0);
			break;
		case K_SIGNED:
			ok = whole(item, -9007199254740992.0);
			break;
		case K_BOOL:
			ok = cJSON_IsBool(item);
			break;
		case K_OBJECT:
			ok = cJSON_IsObject(item);
			break;
		case K_TEXTS:
			ok = cJSON_IsString(item) || cJSON_IsArray(item);
			if (cJSON_IsArray(item))
				cJSON_ArrayForEach (one, item)
				{
					ok = ok && cJSON_IsString(one);
				}
			break;
		case K_NULLABLE:
			ok = cJSON_IsObject(item);
			cJSON_ArrayForEach (one, item)
			{
				ok = ok && (cJSON_IsString(one) || cJSON_IsNull(one));
			}
			break;
		case K_REPLACE:
			return check_rules(item, MEMBERS(replace_members), err);
		case K_INSERT:
			return check_rules(item, MEMBERS(insert_members), err);
	}
	return ok ||
		   sim_error_set(err, "INVALID_INPUT", "\"%s\" has the wrong type", item->string);
}

/* Every member of the object is one of the list and what it has to be. */
static bool
check_members(const cJSON *spec, const char *where, const member *list, size_t n,
			  sim_error *err)
{
	const cJSON *item;

	if (!cJSON_IsObject(spec))
		return sim_error_set(err, "INVALID_INPUT", "\"%s\" has the wrong type", where);
	cJSON_ArrayForEach (item, spec)
	{
		size_t i = 0;

		while (i < n && strcmp(list[i].name, item->string) != 0)
			i++;
		if (i == n)
			return sim_error_set(err, "INVALID_INPUT", "unknown member \"%s%s%s\"", where,
								 *where ? "." : "", item->string);
		if (!check_kind(item, list[i].kind, err))
			return false;
	}
	return true;
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
		if (!one_of(item->string, JOB_MEMBERS))
			return sim_error_set(err, "INVALID_INPUT", "unknown member \"job.%s\"",
								 item->string);
	}
	item = fault_item(job, "hold");
	if (item && job_state_parse(cJSON_GetStringValue(item)) > JOB_IN_PROGRESS)
		return sim_error_set(err, "INVALID_INPUT", "\"job.hold\" names no state to hold");
	cJSON_ArrayForEach (state, fault_item(job, "states"))
	{
		if (job_state_parse(cJSON_GetStringValue(state)) == JOB_STATES)
			return sim_error_set(err, "INVALID_INPUT", "\"job.states\" has an unknown state");
	}
	return true;
}

bool
fault_check(const cJSON *spec, sim_error *err)
{
	char id[SIM_ID_SIZE];
	const char *text;

	if (!cJSON_IsObject(spec))
		return sim_error_set(err, "INVALID_INPUT", "a fault is a JSON object");
	if (!check_members(spec, "", MEMBERS(members), err))
		return false;
	text = fault_text(spec, "error");
	if (text && fault_preset_find(text) == NULL)
		return sim_error_set(err, "INVALID_INPUT", "unknown error \"%s\"", text);
	text = fault_text(spec, "hold");
	if (text && !one_of(text, "before after body"))
		return sim_error_set(err, "INVALID_INPUT", "\"hold\" is before, after or body");
	text = fault_text(spec, "close");
	if (text && !one_of(text, "before after"))
		return sim_error_set(err, "INVALID_INPUT", "\"close\" is before or after");
	if (fault_item(spec, "body_at"))
	{
		const char *hold = fault_text(spec, "hold");
		const char *close = fault_text(spec, "close");

		if (fault_item(spec, "request_body") || fault_item(spec, "error") ||
			fault_item(spec, "status") || (hold == NULL && close == NULL) ||
			(hold && strcmp(hold, "before") != 0) || (close && strcmp(close, "before") != 0))
			return sim_error_set(
				err, "INVALID_INPUT",
				"\"body_at\" goes with hold or close \"before\", and no answer");
	}
	text = fault_text(spec, "job_id");
	if (text && !sim_id_normalise(text, strlen(text), id))
		return sim_error_set(err, "INVALID_INPUT", "\"job_id\" is no id");
	text = fault_text(spec, "delimiter");
	if (text && strlen(text) != 1)
		return sim_error_set(err, "INVALID_INPUT", "\"delimiter\" is one character");
	if (fault_item(spec, "status") &&
		(fault_int(spec, "status", 0) < 100 || fault_int(spec, "status", 0) > 599))
		return sim_error_set(err, "INVALID_INPUT", "\"status\" is a number from 100 to 599");
	if (fault_item(spec, "piece") && fault_int(spec, "piece", 0) == 0)
		return sim_error_set(err, "INVALID_INPUT", "\"piece\" is at least 1");
	for (size_t i = 0;
		 fault_int(spec, "part", 0) && i < sizeof(not_in_parts) / sizeof(*not_in_parts); i++)
		if (fault_item(spec, not_in_parts[i]))
			return sim_error_set(err, "INVALID_INPUT",
								 "\"%s\" goes with whole requests, not with parts",
								 not_in_parts[i]);
	return check_job(fault_item(spec, "job"), err);
}
