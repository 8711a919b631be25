/*
 * rest_write.c
 *		From JSON to the store and back: records, transactions, errors and results of rows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "rest.h"

/* ---------------------------------------------------------------- records */

/* The object that the attributes name. */
static bool
type_of(const cJSON *attributes, rest_record *out, sim_error *err)
{
	const char *type = rest_json_string(attributes, "type");

	if (type == NULL || *type == '\0')
		return sim_error_set(err, "INVALID_FIELD",
							 "The attributes of each record must have a type");
	out->object = sim_object_find(type);
	if (out->object == NULL)
		return sim_error_set(err, "INVALID_TYPE", "sObject type '%.80s' is not supported.",
							 type);
	return true;
}

static bool
is_children(const cJSON *member)
{
	return cJSON_IsObject(member) &&
		   cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(member, "records"));
}

bool
rest_record_read(const cJSON *json, const sim_object *obj, bool tree, rest_record *out,
				 const cJSON **bad, sim_error *err)
{
	cJSON *member;
	int size;

	memset(out, 0, sizeof(*out));
	if (bad)
		*bad = NULL;
	if (!cJSON_IsObject(json))
		return sim_in_refused(obj ? sim_object_name(obj) : "SObject", json, err);
	out->attributes = cJSON_GetObjectItemCaseSensitive(json, "attributes");
	out->object = obj;
	if (obj == NULL && !type_of(out->attributes, out, err))
		return false;
	size = cJSON_GetArraySize(json);
	out->in = calloc((size_t) size + 1, sizeof(*out->in));
	out->children = calloc((size_t) size + 1, sizeof(cJSON *));
	if (out->in == NULL || out->children == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	cJSON_ArrayForEach (member, json)
	{
		if (strcmp(member->string, "attributes") == 0)
			continue;
		if (strcasecmp(member->string, "Id") == 0)
		{
			out->has_id = true;
			out->id = cJSON_GetStringValue(member);
			continue;
		}
		if (tree && is_children(member))
		{
			out->children[out->nchildren++] = member;
			continue;
		}
		if (!sim_in_json(out->object, member, &out->in[out->n], err))
		{
			if (bad)
				*bad = member;
			return false;
		}
		if (out->in[out->n].field)
			out->n++;
	}
	return true;
}

void
rest_record_free(rest_record *rec)
{
	free(rec->in);
	free(rec->children);
	memset(rec, 0, sizeof(*rec));
}

sim_write
rest_record_row(const rest_record *rec, const char *id)
{
	return (sim_write){.object = rec->object, .id = id, .in = rec->in, .n = rec->n};
}

const sim_in *
rest_record_cell(const rest_record *rec, const sim_field *field)
{
	for (int i = 0; i < rec->n; i++)
		if (rec->in[i].field == field)
			return &rec->in[i];
	return NULL;
}

/* ---------------------------------------------------------------- transactions */

/* Is word=true in a header of the form "a=true; b=false"? */
static bool
header_flag(const char *header, const char *word)
{
	size_t n = strlen(word);
	const char *p = header ? strcasestr(header, word) : NULL;

	if (p == NULL || (p > header && strchr(" ;,\t", p[-1]) == NULL))
		return false;
	p += n;
	p += strspn(p, " \t=");
	return strncasecmp(p, "true", 4) == 0;
}

void
rest_write_opts(const srv_request *req, sim_write_opts *opts)
{
	const char *assign = srv_header_get(req, "Sforce-Auto-Assign");

	memset(opts, 0, sizeof(*opts));
	opts->allow_duplicates =
		header_flag(srv_header_get(req, "Sforce-Duplicate-Rule-Header"), "allowSave");
	if (assign && strcasecmp(assign, "FALSE") == 0)
		opts->no_auto_assign = true;
	else if (assign && *assign && strcasecmp(assign, "TRUE") != 0)
		opts->assignment_rule = assign;
}

bool
rest_txn_begin(srv_request *req, rest_txn *txn, sim_error *err)
{
	sim_write_opts opts;

	rest_write_opts(req, &opts);
	txn->shared = req->txn != NULL;
	txn->t = req->txn;
	if (txn->shared)
	{
		sim_txn_opts(txn->t, &opts);
		return sim_txn_mark(txn->t, err);
	}
	txn->t = sim_txn_begin(req->srv->org, &opts, err);
	return txn->t != NULL;
}

bool
rest_txn_commit(rest_txn *txn, sim_error *err)
{
	if (!txn->shared)
		return sim_txn_commit(txn->t, err);
	sim_txn_release(txn->t);
	return true;
}

void
rest_txn_abort(rest_txn *txn)
{
	if (txn->shared)
		sim_txn_rollback(txn->t);
	else
		sim_txn_abort(txn->t);
}

/* ---------------------------------------------------------------- errors and results */

static int
status_of(const sim_error *err)
{
	if (strcmp(err->code, "NOT_FOUND") == 0 || strcmp(err->code, "ENTITY_IS_DELETED") == 0)
		return 404;
	if (strcmp(err->code, "UNKNOWN_EXCEPTION") == 0)
		return 500;
	return strncmp(err->code, "INSUFFICIENT_ACCESS", 19) == 0 ? 403 : 400;
}

/* A duplicate rule that alerts tells which row it found; "duplicateResut" is what the API calls it. */
static void
duplicate_error(srv_request *req, const sim_error *err)
{
	const sim_object *obj = sim_object_by_prefix(err->match);
	const char *type = obj ? sim_object_name(obj) : "";
	sim_buf *b = srv_json(req, 400);

	sim_buf_printf(b,
				   "[{\"duplicateResut\":{\"allowSave\":true,\"duplicateRule\":"
				   "\"Standard_%s_Duplicate_Rule\",\"duplicateRuleEntityType\":\"%s\","
				   "\"errorMessage\":\"%s\",\"matchResults\":[{\"entityType\":\"%s\","
				   "\"errors\":[],\"matchEngine\":\"ExactMatchEngine\",",
				   type, type, err->message, type);
	sim_buf_printf(b,
				   "\"matchRecords\":[{\"additionalInformation\":[],\"fieldDiffs\":[],"
				   "\"matchConfidence\":100.0,\"record\":{\"attributes\":{\"type\":\"%s\","
				   "\"url\":\"/services/data/v%s/sobjects/%s/%s\"},\"Id\":\"%s\"}}],",
				   type, req->version, type, err->match, err->match);
	sim_buf_printf(b,
				   "\"rule\":\"Standard_%s_Match_Rule_v1_0\",\"size\":1,\"success\":true}]},"
				   "\"errorCode\":\"%s\",\"message\":\"%s\"}]",
				   type, err->code, err->message);
}

void
rest_row_error(srv_request *req, const sim_error *err)
{
	sim_buf *b;

	if (err->match[0])
	{
		duplicate_error(req, err);
		return;
	}
	b = srv_json(req, status_of(err));
	sim_buf_str(b, "[{\"message\":");
	sim_json_string(b, err->message, strlen(err->message));
	sim_buf_printf(b, ",\"errorCode\":\"%s\",\"fields\":[", err->code);
	for (int i = 0; i < err->nfields; i++)
	{
		if (i > 0)
			sim_buf_char(b, ',');
		sim_json_string(b, err->fields[i], strlen(err->fields[i]));
	}
	sim_buf_str(b, "]}]");
}

void
rest_text_error(srv_request *req, const sim_error *err, size_t at)
{
	size_t len = strlen(err->message);
	size_t tail = sizeof(SIM_JSON_POSITION) - 1;
	int line = 1;
	size_t start = 0;

	if (len < tail || strcmp(err->message + len - tail, SIM_JSON_POSITION) != 0 ||
		at >= req->body.len)
	{
		srv_error(req, status_of(err), err->code, "%s", err->message);
		return;
	}
	for (size_t i = 0; i < at; i++)
		if (req->body.data[i] == '\n')
		{
			line++;
			start = i + 1;
		}
	srv_error(req, status_of(err), err->code, "%.*s[line:%d, column:%zu]", (int) (len - tail),
			  err->message, line, at - start + 1);
}

void
rest_save_result(sim_buf *out, const char *id, int created, const sim_error *err)
{
	sim_buf_char(out, '{');
	if (id)
		sim_buf_printf(out, "\"id\":\"%s\",", id);
	sim_buf_printf(out, "\"success\":%s,\"errors\":[", err ? "false" : "true");
	if (err)
		sim_error_json(err, SIM_ERROR_ROW, out);
	sim_buf_char(out, ']');
	if (created >= 0)
		sim_buf_printf(out, ",\"created\":%s", created ? "true" : "false");
	sim_buf_char(out, '}');
}
