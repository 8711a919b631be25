/*
 * rest_key.c
 *		Rows by an external id, and what hangs on a row: parents, children, blobs.
 *
 * /sobjects/X/A/B: when A is an id of the object, B is a relationship or a base64 field of that row; else A is
 * a key field and B its value, and one more segment is a relationship of the row found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "rest.h"

/* ---------------------------------------------------------------- relationships */

/* The text of one cell of a row, malloc'd; NULL when the row or the value is absent. */
static char *
cell_text(srv_request *req, const sim_object *obj, const char *id, const char *field,
		  size_t *len)
{
	char soql[256];
	sim_error err;
	sim_query *q;
	sim_value v;
	char *text = NULL;

	snprintf(soql, sizeof(soql), "SELECT %s FROM %s WHERE Id = '%s'", field,
			 sim_object_name(obj), id);
	q = sim_query_prepare(req->srv->org, soql, SIM_QUERY_REST, req->version, &err);
	if (q && sim_query_step(q, &err) > 0)
	{
		sim_query_value(q, 0, &v);
		if (v.kind == SIM_TEXT || v.kind == SIM_ID || v.kind == SIM_BLOB)
		{
			text = malloc(v.len + 1);
			if (text)
			{
				memcpy(text, v.text, v.len);
				text[v.len] = '\0';
				*len = v.len;
			}
		}
	}
	sim_query_free(q);
	return text;
}

/* The parent that a reference leads to, as a row of its own. */
static void
get_parent(srv_request *req, const sim_object *obj, const char *id, const sim_field *ref)
{
	size_t len = 0;
	char *to = cell_text(req, obj, id, sim_field_name(ref), &len);
	const sim_object *parent = to ? sim_object_by_prefix(to) : NULL;

	if (parent)
		rest_row_answer(req, parent, to);
	else
		srv_not_found(req);
	free(to);
}

/* Child rows as a query answers them. */
static void
get_children(srv_request *req, const char *id, const sim_object *child, const sim_field *ref)
{
	char *fields = srv_param(req->query, "fields", NULL);
	sim_buf soql = {0};
	sim_buf uri = {0};
	srv_request *query = NULL;

	sim_buf_str(&soql, "SELECT ");
	if (fields && *fields)
		sim_buf_str(&soql, fields);
	else
		rest_all_fields(child, &soql);
	sim_buf_printf(&soql, " FROM %s WHERE %s = '%s'", sim_object_name(child),
				   sim_field_name(ref), id);

	/* paging and all come with the query resource */
	sim_buf_printf(&uri, "/services/data/v%s/query?q=", req->version);
	srv_url_encode(&uri, soql.data ? soql.data : "");
	if (!soql.failed && !uri.failed)
		query = srv_request_new(req->srv, uri.data);
	if (query)
	{
		snprintf(query->method, sizeof(query->method), "GET");
		snprintf(query->version, sizeof(query->version), "%s", req->version);
		query->txn = req->txn;
		rest_query(query);
		sim_buf_add(srv_json(req, query->resp.status), query->resp.body.data,
					query->resp.body.len);
	}
	else
		srv_error(req, 500, "UNKNOWN_EXCEPTION", "out of memory");
	srv_request_free(query);
	sim_buf_free(&soql);
	sim_buf_free(&uri);
	free(fields);
}

/* The bytes of a base64 field. */
static void
get_blob(srv_request *req, const sim_object *obj, const char *id, const sim_field *field)
{
	size_t len = 0;
	size_t type_len = 0;
	char *data = cell_text(req, obj, id, sim_field_name(field), &len);
	char *type = sim_field_find(obj, "ContentType")
					 ? cell_text(req, obj, id, "ContentType", &type_len)
					 : NULL;

	if (data)
	{
		srv_text(req, 200, type && *type ? type : "application/octetstream", NULL);
		sim_buf_add(&req->resp.body, data, len);
	}
	else
		srv_not_found(req);
	free(data);
	free(type);
}

/* What name is of the row. */
static void
get_related(srv_request *req, const sim_object *obj, const char *id, const char *name)
{
	const sim_field *field = sim_field_find(obj, name);
	const sim_field *ref;
	const sim_object *child;

	if (field && sim_field_type(field) == SIM_T_BASE64)
		get_blob(req, obj, id, field);
	else if ((ref = sim_object_parent_field(obj, name)) != NULL)
		get_parent(req, obj, id, ref);
	else if ((child = sim_object_children(obj, name, &ref)) != NULL)
		get_children(req, id, child, ref);
	else
		srv_not_found(req);
}

/* ---------------------------------------------------------------- keys */

/* The key field of the URL; NULL when answered. */
static const sim_field *
key_field(srv_request *req, const sim_object *obj)
{
	const sim_field *f = sim_field_find(obj, req->segs[5]);

	if (f && !sim_field_is_key(f))
		f = NULL;
	if (f == NULL)
		srv_error(req, 404, "NOT_FOUND",
				  "Provided external ID field does not exist or is not accessible: %s",
				  req->segs[5]);
	return f;
}

/* Several rows have the value: 300 and their URLs. */
static void
answer_matches(srv_request *req, const sim_object *obj, const sim_matches *many)
{
	sim_buf *b = srv_json(req, 300);

	sim_buf_char(b, '[');
	for (int i = 0; i < many->n; i++)
		sim_buf_printf(b, "%s\"/services/data/v%s/sobjects/%s/%s\"", i ? "," : "",
					   req->version, sim_object_name(obj), many->id[i]);
	sim_buf_char(b, ']');
}

/* The one row that the URL names: true, with its id.  Else answered. */
static bool
find_by_key(srv_request *req, const sim_object *obj, char id[SIM_ID_SIZE])
{
	const sim_field *key = key_field(req, obj);
	const char *value = req->segs[6];
	sim_matches many;
	sim_error err;
	int n;

	if (key == NULL)
		return false;
	n = sim_lookup(req->srv->org, obj, key, value, strlen(value), id, &many, &err);
	if (n == 1)
		return true;
	if (n > 1)
		answer_matches(req, obj, &many);
	else if (n == 0)
		srv_not_found(req);
	else
		rest_row_error(req, &err);
	return false;
}

/* Is the segment an id of the object? */
static bool
is_id(const sim_object *obj, const char *text, char id[SIM_ID_SIZE])
{
	const char *prefix = sim_object_prefix(obj);

	return prefix && sim_id_normalise(text, strlen(text), id) && strncmp(id, prefix, 3) == 0 &&
		   sim_field_find(obj, text) == NULL;
}

void
rest_key_get(srv_request *req)
{
	const sim_object *obj = rest_object(req, req->segs[4]);
	char id[SIM_ID_SIZE];

	if (obj == NULL)
		return;
	if (is_id(obj, req->segs[5], id))
	{
		if (req->nsegs == 7)
			get_related(req, obj, id, req->segs[6]);
		else
			srv_not_found(req);
	}
	else if (find_by_key(req, obj, id))
	{
		if (req->nsegs == 7)
			rest_row_answer(req, obj, id);
		else
			get_related(req, obj, id, req->segs[7]);
	}
}

void
rest_key_delete(srv_request *req)
{
	const sim_object *obj = rest_object(req, req->segs[4]);
	char id[SIM_ID_SIZE];
	int64_t modified;

	if (obj == NULL || !find_by_key(req, obj, id))
		return;
	rest_row_look(req, obj, id, &modified);
	if (!rest_row_refused(req, obj, id, modified))
		rest_row_remove(req, id);
}

/* ---------------------------------------------------------------- upsert */

/* The record with the key's value among its cells; false: answered. */
static bool
key_body(srv_request *req, const sim_object *obj, const sim_field *key, cJSON **tree,
		 rest_record *rec)
{
	bool by_id = sim_field_type(key) == SIM_T_ID;
	sim_in *cell;

	if (!rest_row_body(req, obj, tree, rec))
		return false;
	if (rest_record_cell(rec, key) || (by_id && rec->has_id))
	{
		srv_error(req, 400, "INVALID_FIELD",
				  "The %s field should not be specified in the sobject data.",
				  sim_field_name(key));
		rest_record_free(rec);
		cJSON_Delete(*tree);
		return false;
	}
	if (by_id)
		return true;
	cell = &rec->in[rec->n++]; /* attributes or not, there is room for one more */
	memset(cell, 0, sizeof(*cell));
	cell->field = key;
	cell->kind = SIM_IN_TEXT;
	cell->text = req->segs[6];
	cell->len = strlen(req->segs[6]);
	return true;
}

/* updateOnly=true: nothing is created.  True: there is a row to update; else answered. */
static bool
update_only(srv_request *req, const sim_object *obj)
{
	char id[SIM_ID_SIZE];

	return !rest_param_flag(req, "updateOnly", false) || find_by_key(req, obj, id);
}

void
rest_key_upsert(srv_request *req)
{
	const sim_object *obj = rest_object(req, req->segs[4]);
	const sim_field *key = obj ? key_field(req, obj) : NULL;
	char id[SIM_ID_SIZE];
	sim_matches many = {0};
	bool created = false;
	rest_record rec;
	rest_txn txn;
	cJSON *tree;
	sim_error err;
	bool ok;

	if (key == NULL || !update_only(req, obj) || !key_body(req, obj, key, &tree, &rec))
		return;
	ok = rest_txn_begin(req, &txn, &err);
	if (ok)
	{
		sim_write w =
			rest_record_row(&rec, sim_field_type(key) == SIM_T_ID ? req->segs[6] : NULL);

		ok = sim_upsert(txn.t, &w, key, id, &created, &many, &err);
		if (ok)
			ok = rest_txn_commit(&txn, &err);
		else
			rest_txn_abort(&txn);
	}
	if (!ok && many.n > 1)
		answer_matches(req, obj, &many);
	else if (!ok)
		rest_row_error(req, &err);
	else if (created)
		rest_row_created(req, obj, id, atoi(req->version) >= 46 ? 1 : -1);
	else if (atoi(req->version) >= 46)
		rest_save_result(srv_json(req, 200), id, 0, NULL);
	else
		srv_text(req, 204, NULL, NULL);
	rest_record_free(&rec);
	cJSON_Delete(tree);
}
