/*
 * rest_row.c
 *		Single rows by id: create, read, update, delete.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "rest.h"
#include "schema.h"

/* ---------------------------------------------------------------- reading */

/* Is the name in the list already?  Asking twice gives the field once. */
static bool
listed_before(const sim_buf *soql, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = soql->data + 7; *p;)
	{
		size_t n = strcspn(p, ",");

		if (n == len && strncasecmp(p, name, n) == 0)
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

/* Append one name of the fields parameter; false: answered, there is no such field. */
static bool
add_field(srv_request *req, const sim_object *obj, const char *name, size_t len, bool *has_id,
		  sim_buf *soql)
{
	char text[256];

	while (len > 0 && *name == ' ')
	{
		name++;
		len--;
	}
	while (len > 0 && name[len - 1] == ' ')
		len--;
	if (len == 0)
		return true;
	if (len < sizeof(text))
	{
		memcpy(text, name, len);
		text[len] = '\0';
		if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") ==
				len &&
			(strchr(text, '.') || sim_field_find(obj, text)))
		{
			if (listed_before(soql, text))
				return true;
			*has_id = *has_id || strcasecmp(text, "Id") == 0;
			sim_buf_printf(soql, "%s%s", soql->len > 7 ? "," : "", text);
			return true;
		}
	}
	srv_error(req, 400, "INVALID_FIELD", "No such column '%.*s' on sobject of type %s",
			  (int) (len < 200 ? len : 200), name, sim_object_name(obj));
	return false;
}

void
rest_all_fields(const sim_object *obj, sim_buf *soql)
{
	const char *separator = "";

	for (int i = 0; i < sim_object_field_count(obj); i++)
	{
		const sim_field *f = sim_object_field(obj, i);

		if (sim_field_hidden(f))
			continue;
		sim_buf_printf(soql, "%s%s", separator, sim_field_name(f));
		separator = ",";
	}
}

/* SELECT list: the fields, and Id behind them; without them everything.  False: answered. */
static bool
select_list(srv_request *req, const sim_object *obj, const char *fields, sim_buf *soql)
{
	bool has_id = false;
	bool ok = true;

	sim_buf_str(soql, "SELECT ");
	for (const char *p = fields; p && *p && ok;)
	{
		size_t n = strcspn(p, ",");

		ok = add_field(req, obj, p, n, &has_id, soql);
		p += n + (p[n] == ',');
	}
	if (soql->len == 7)
		rest_all_fields(obj, soql);
	else if (!has_id)
		sim_buf_str(soql, ",Id");
	return ok;
}

int
rest_row_read(srv_request *req, const sim_object *obj, const char *id, const char *fields,
			  sim_buf *out)
{
	sim_buf soql = {0};
	sim_error err;
	sim_query *q;
	int rc;

	if (!select_list(req, obj, fields, &soql))
	{
		sim_buf_free(&soql);
		return -1;
	}
	sim_buf_printf(&soql, " FROM %s WHERE Id = '%s'", sim_object_name(obj), id);
	q = sim_query_prepare(req->srv->org, soql.data ? soql.data : "", SIM_QUERY_REST,
						  req->version, &err);
	sim_buf_free(&soql);
	rc = q ? sim_query_step(q, &err) : -1;
	if (rc > 0)
		sim_query_row_json(q, out);
	else if (rc < 0)
		srv_engine_error(req, &err);
	sim_query_free(q);
	return rc;
}

rest_row_state
rest_row_look(srv_request *req, const sim_object *obj, const char *id, int64_t *modified)
{
	const char *date = sim_field_find(obj, "LastModifiedDate") ? "LastModifiedDate"
					   : sim_field_find(obj, "SystemModstamp") ? "SystemModstamp"
					   : sim_field_find(obj, "CreatedDate")	   ? "CreatedDate"
															   : "Id";
	bool bin = sim_field_find(obj, "IsDeleted") != NULL;
	rest_row_state state = ROW_ABSENT;
	char soql[256];
	sim_error err;
	sim_query *q;
	sim_value v;

	*modified = -1;
	snprintf(soql, sizeof(soql), "SELECT %s%s FROM %s WHERE Id = '%s'", date,
			 bin ? ",IsDeleted" : "", sim_object_name(obj), id);
	q = sim_query_prepare(req->srv->org, soql, SIM_QUERY_REST | SIM_QUERY_ALL, req->version,
						  &err);
	if (q && sim_query_step(q, &err) > 0)
	{
		sim_query_value(q, 0, &v);
		if (v.kind == SIM_DATETIME)
			*modified = v.i / 1000;
		state = ROW_LIVE;
		if (bin)
		{
			sim_query_value(q, 1, &v);
			if (v.kind == SIM_BOOL && v.i)
				state = ROW_DELETED;
		}
	}
	sim_query_free(q);
	return state;
}

/* Is this an id of the object?  Else answered, as what it is then: the name of no field. */
static bool
id_of(srv_request *req, const sim_object *obj, char id[SIM_ID_SIZE])
{
	const char *text = req->segs[5];
	const char *prefix = sim_object_prefix(obj);

	if (prefix && sim_id_normalise(text, strlen(text), id) && strncmp(id, prefix, 3) == 0)
		return true;
	srv_error(req, 404, "NOT_FOUND",
			  "Provided external ID field does not exist or is not accessible: %s", text);
	return false;
}

/* Rows of Account have entity tags. */
static bool
has_etag(const sim_object *obj)
{
	return strcmp(sim_object_name(obj), "Account") == 0;
}

/* The tag of the whole row, whatever was asked for of it; false: there is no row, or answered. */
static bool
row_etag(srv_request *req, const sim_object *obj, const char *id, char etag[REST_ETAG_SIZE])
{
	sim_buf row = {0};
	bool ok = rest_row_read(req, obj, id, NULL, &row) > 0;

	if (ok)
		rest_etag_row(req, row.data, row.len, etag);
	sim_buf_free(&row);
	return ok;
}

void
rest_row_answer(srv_request *req, const sim_object *obj, const char *id)
{
	bool conditions =
		srv_header_get(req, "If-Modified-Since") || srv_header_get(req, "If-Unmodified-Since");
	char *fields = srv_param(req->query, "fields", NULL);
	char etag[REST_ETAG_SIZE];
	sim_buf row = {0};
	int64_t modified;
	int rc = rest_row_read(req, obj, id, fields, &row);

	free(fields);
	if (rc == 0)
		srv_not_found(req);
	if (rc > 0)
	{
		bool tag = has_etag(obj) && row_etag(req, obj, id, etag);

		sim_buf_add(srv_json(req, 200), row.data, row.len);
		rest_recent_touch(req, id);
		if (tag || conditions)
		{
			rest_row_look(req, obj, id, &modified);
			rest_conditional(req, modified, tag ? etag : NULL, tag);
			if (!tag && req->resp.status == 200)
				srv_set_header(&req->resp, "Last-Modified", NULL);
		}
	}
	sim_buf_free(&row);
}

void
rest_row_get(srv_request *req)
{
	const sim_object *obj = rest_object(req, req->segs[4]);
	char id[SIM_ID_SIZE];

	if (obj && id_of(req, obj, id))
		rest_row_answer(req, obj, id);
}

/* ---------------------------------------------------------------- writing */

/* The body as a record; false: answered. */
bool
rest_row_body(srv_request *req, const sim_object *obj, cJSON **tree, rest_record *rec)
{
	const cJSON *bad;
	sim_error err;

	memset(rec, 0, sizeof(*rec));
	if (!rest_body_tree(req, obj, tree))
		return false;
	if (rest_record_read(*tree, obj, false, rec, &bad, &err))
		return true;
	rest_text_error(req, &err,
					bad ? rest_json_find(req->body.data, req->body.len, 0, bad->string, -1)
						: 0);
	rest_record_free(rec);
	cJSON_Delete(*tree);
	*tree = NULL;
	return false;
}

void
rest_row_created(srv_request *req, const sim_object *obj, const char *id, int created)
{
	rest_save_result(srv_json(req, 201), id, created, NULL);
	srv_set_headerf(&req->resp, "Location", "/services/data/v%s/sobjects/%s/%s", req->version,
					sim_object_name(obj), id);
	rest_recent_touch(req, id);
}

void
rest_row_create(srv_request *req)
{
	const sim_object *obj = rest_object(req, req->segs[4]);
	char id[SIM_ID_SIZE];
	rest_record rec;
	rest_txn txn;
	cJSON *tree;
	sim_error err;
	bool ok;

	if (obj == NULL || !rest_row_body(req, obj, &tree, &rec))
		return;
	if (rec.id)
	{
		sim_error_set(&err, "INVALID_FIELD_FOR_INSERT_UPDATE",
					  "cannot specify Id in an insert call");
		sim_error_field(&err, "Id");
		ok = false;
	}
	else if ((ok = rest_txn_begin(req, &txn, &err)))
	{
		sim_write w = rest_record_row(&rec, NULL);

		if (sim_insert(txn.t, &w, id, &err))
			ok = rest_txn_commit(&txn, &err);
		else
		{
			rest_txn_abort(&txn);
			ok = false;
		}
	}
	if (ok)
		rest_row_created(req, obj, id, -1);
	else
		rest_row_error(req, &err);
	rest_record_free(&rec);
	cJSON_Delete(tree);
}

/* An id of the object that has a live row, and no condition against it.  False: answered. */
static bool
row_to_write(srv_request *req, const sim_object *obj, char id[SIM_ID_SIZE])
{
	const char *text = req->segs[5];
	size_t len = strlen(text);
	sim_error err;
	int64_t modified;

	if (!sim_id_normalise(text, len, id) && (len == 15 || len == 18) &&
		sim_object_prefix(obj) && strncmp(text, sim_object_prefix(obj), 3) == 0)
	{
		/* it has the looks of one */
		sim_error_set(&err, "MALFORMED_ID", "%s ID: id value of incorrect type: %s",
					  sim_object_label(obj), text);
		sim_error_field(&err, "Id");
		rest_row_error(req, &err);
		return false;
	}
	if (!id_of(req, obj, id))
		return false;
	switch (rest_row_look(req, obj, id, &modified))
	{
		case ROW_ABSENT:
			srv_not_found(req);
			return false;
		case ROW_DELETED:
			sim_error_set(&err, "ENTITY_IS_DELETED", "entity is deleted");
			rest_row_error(req, &err);
			return false;
		default:
			return !rest_row_refused(req, obj, id, modified);
	}
}

bool
rest_row_refused(srv_request *req, const sim_object *obj, const char *id, int64_t modified)
{
	char etag[REST_ETAG_SIZE];
	bool tag = has_etag(obj) &&
			   (srv_header_get(req, "If-Match") || srv_header_get(req, "If-None-Match")) &&
			   row_etag(req, obj, id, etag);

	return rest_precondition(req, modified, tag ? etag : NULL);
}

void
rest_row_update(srv_request *req)
{
	const sim_object *obj = rest_object(req, req->segs[4]);
	char id[SIM_ID_SIZE];
	rest_record rec;
	rest_txn txn;
	cJSON *tree;
	sim_error err;
	bool ok;

	if (obj == NULL || !row_to_write(req, obj, id) || !rest_row_body(req, obj, &tree, &rec))
		return;
	if (rec.has_id)
	{
		srv_error(req, 400, "INVALID_FIELD",
				  "The Id field should not be specified in the sobject data.");
		ok = false;
	}
	else
	{
		sim_write w = rest_record_row(&rec, id);

		ok = rest_txn_begin(req, &txn, &err);
		if (ok && sim_update(txn.t, &w, &err))
			ok = rest_txn_commit(&txn, &err);
		else if (ok)
		{
			rest_txn_abort(&txn);
			ok = false;
		}
		if (!ok)
			rest_row_error(req, &err);
	}
	if (ok)
	{
		srv_text(req, 204, NULL, NULL);
		rest_recent_touch(req, id);
	}
	rest_record_free(&rec);
	cJSON_Delete(tree);
}

void
rest_row_remove(srv_request *req, const char *id)
{
	rest_txn txn;
	sim_error err;
	bool ok = rest_txn_begin(req, &txn, &err);

	if (ok && sim_delete(txn.t, id, false, &err))
		ok = rest_txn_commit(&txn, &err);
	else if (ok)
	{
		rest_txn_abort(&txn);
		ok = false;
	}
	if (ok)
		srv_text(req, 204, NULL, NULL);
	else
		rest_row_error(req, &err);
}

void
rest_row_delete(srv_request *req)
{
	const sim_object *obj = rest_object(req, req->segs[4]);
	char id[SIM_ID_SIZE];

	if (obj && row_to_write(req, obj, id))
		rest_row_remove(req, id);
}
