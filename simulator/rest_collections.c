/*
 * rest_collections.c
 *		sObject Collections: up to 200 rows in one call (protocol notes, 4.6).
 *
 * What is wrong with the request answers 400, what is wrong with a row stands in its place of the list; results
 * are in the order of the request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "rest.h"

#define MAX_ROWS	 200
#define MAX_RETRIEVE 2000
#define MAX_CHUNKS	 10

/* What became of one row. */
typedef struct row_result
{
	bool ok;
	char id[SIM_ID_SIZE]; /* empty: not told */
	int created;		  /* -1: not told */
	sim_error err;
} row_result;

/* One call. */
typedef struct collection
{
	bool all_or_none;
	int n;
	rest_record *records; /* NULL in a delete */
	sim_keys keys;		  /* of an upsert: those that several records share */
	row_result *results;
	cJSON *tree;
} collection;

static void
collection_free(collection *c)
{
	for (int i = 0; c->records && i < c->n; i++)
		rest_record_free(&c->records[i]);
	free(c->records);
	free(c->results);
	sim_keys_free(&c->keys);
	cJSON_Delete(c->tree);
}

static bool
too_many(srv_request *req, int most)
{
	srv_error(req, 400, "EXCEEDED_ID_LIMIT",
			  "record limit reached. cannot submit more than %d records into this call", most);
	return false;
}

static bool
no_memory(srv_request *req)
{
	srv_error(req, 500, "UNKNOWN_EXCEPTION", "out of memory");
	return false;
}

/* Rows of one object that stand together are a chunk. */
static bool
check_chunks(srv_request *req, const collection *c)
{
	int chunks = 0;

	for (int i = 0; i < c->n; i++)
		if (i == 0 || c->records[i].object != c->records[i - 1].object)
			chunks++;
	if (chunks <= MAX_CHUNKS)
		return true;
	srv_error(
		req, 400, "EXCEEDED_MAX_TYPES_LIMIT",
		"Cannot have more than %d chunks in a single operation. Please rearrange the data "
		"to reduce chunking.",
		MAX_CHUNKS);
	return false;
}

/* Read the body; obj: all records are of this object.  False: answered. */
static bool
read_records(srv_request *req, const sim_object *obj, collection *c)
{
	const cJSON *list, *item;
	const cJSON *bad;
	sim_error err;
	int i = 0;

	memset(c, 0, sizeof(*c));
	if (!rest_json_body(req, &c->tree))
		return false;
	list = cJSON_GetObjectItemCaseSensitive(c->tree, "records");
	if (cJSON_GetArraySize(list) == 0)
	{
		srv_error(req, 400, "REQUIRED_FIELD_MISSING", "At least 1 record is required");
		return false;
	}
	if (cJSON_GetArraySize(list) > MAX_ROWS)
		return too_many(req, MAX_ROWS);
	c->n = cJSON_GetArraySize(list);
	c->all_or_none = rest_json_flag(c->tree, "allOrNone", false) || req->txn != NULL;
	c->records = calloc((size_t) c->n + 1, sizeof(*c->records));
	c->results = calloc((size_t) c->n + 1, sizeof(*c->results));
	if (c->records == NULL || c->results == NULL)
		return no_memory(req);
	cJSON_ArrayForEach (item, list)
	{
		rest_record *rec = &c->records[i];

		if (!rest_record_read(item, NULL, false, rec, &bad, &err))
		{
			if (bad && strcmp(err.code, "INVALID_FIELD") == 0)
			{
				/* recorded: an unknown column is an error of its record */
				c->results[i].err = err;
				c->results[i++].created = -1;
				continue;
			}
			size_t at = rest_json_find(req->body.data, req->body.len, 0, "records", -1);

			at = rest_json_find(req->body.data, req->body.len, at, NULL, i);
			if (bad)
				at = rest_json_find(req->body.data, req->body.len, at, bad->string, -1);
			rest_text_error(req, &err, at);
			return false;
		}
		if (obj && rec->object != obj)
		{
			srv_error(req, 400, "INVALID_TYPE",
					  "The type of each record must be %s as in the URL, not %s",
					  sim_object_name(obj), sim_object_name(rec->object));
			return false;
		}
		c->results[i++].created = -1;
	}
	return check_chunks(req, c);
}

/* ---------------------------------------------------------------- running */

typedef bool (*row_writer)(sim_txn *t, collection *c, int i, void *arg);

/* Setup objects and others do not go together: what came first says which. */
static bool
goes_with(collection *c, int i)
{
	const sim_object *first = c->records ? c->records[0].object : NULL;
	const sim_object *obj = first ? c->records[i].object : NULL;

	if (first == NULL || sim_object_is_setup(first) == sim_object_is_setup(obj))
		return true;
	return sim_error_set(
		&c->results[i].err, "MIXED_DML_OPERATION",
		"DML operation on setup object is not permitted after you have updated a "
		"non-setup object (or vice versa): %s, original object: %s",
		sim_object_name(obj), sim_object_name(first));
}

/* Write all rows in one transaction and answer. */
static void
run(srv_request *req, collection *c, row_writer write, void *arg)
{
	bool any_failed = false;
	rest_txn txn;
	sim_error err;
	sim_buf *b;

	if (!rest_txn_begin(req, &txn, &err))
	{
		rest_row_error(req, &err);
		return;
	}
	for (int i = 0; i < c->n; i++)
	{
		c->results[i].ok =
			c->results[i].err.code[0] == '\0' && goes_with(c, i) && write(txn.t, c, i, arg);
		any_failed = any_failed || !c->results[i].ok;
	}
	if (any_failed && c->all_or_none)
	{
		rest_txn_abort(&txn);
		for (int i = 0; i < c->n; i++)
		{
			row_result *r = &c->results[i];

			if (!r->ok)
				continue;
			r->ok = false;
			r->id[0] = '\0';
			sim_error_set(&r->err, "ALL_OR_NONE_OPERATION_ROLLED_BACK",
						  "Record rolled back because not all records were valid and the "
						  "request was using AllOrNone header");
		}
	}
	else if (!rest_txn_commit(&txn, &err))
	{
		rest_row_error(req, &err);
		return;
	}
	req->rows_failed = any_failed;
	b = srv_json(req, 200);
	sim_buf_char(b, '[');
	for (int i = 0; i < c->n; i++)
	{
		row_result *r = &c->results[i];

		if (i > 0)
			sim_buf_char(b, ',');
		if (r->ok)
			rest_recent_touch(req, r->id);
		rest_save_result(b, r->id[0] ? r->id : NULL, r->ok ? r->created : -1,
						 r->ok ? NULL : &r->err);
	}
	sim_buf_char(b, ']');
}

static bool
write_create(sim_txn *t, collection *c, int i, void *arg)
{
	const rest_record *rec = &c->records[i];
	row_result *r = &c->results[i];
	sim_write w = rest_record_row(rec, NULL);

	(void) arg;
	if (rec->id)
	{
		sim_error_set(&r->err, "INVALID_FIELD_FOR_INSERT_UPDATE",
					  "cannot specify Id in an insert call");
		return sim_error_field(&r->err, "Id");
	}
	return sim_insert(t, &w, r->id, &r->err);
}

void
rest_collection_create(srv_request *req)
{
	collection c;

	if (read_records(req, NULL, &c))
		run(req, &c, write_create, NULL);
	collection_free(&c);
}

/* The client's id in its long form, where it is one. */
static void
told_id(const char *id, row_result *r)
{
	if (id == NULL || !sim_id_normalise(id, strlen(id), r->id))
		r->id[0] = '\0';
}

static bool
write_update(sim_txn *t, collection *c, int i, void *arg)
{
	const rest_record *rec = &c->records[i];
	row_result *r = &c->results[i];
	bool tell = *(bool *) arg;
	sim_write w = rest_record_row(rec, rec->id);
	bool ok;

	if (rec->id == NULL || *rec->id == '\0')
		return sim_error_set(&r->err, "MISSING_ARGUMENT",
							 "Id not specified in an update call");
	ok = sim_update(t, &w, &r->err);
	if (ok || tell)
		told_id(rec->id, r);
	return ok;
}

void
rest_collection_update(srv_request *req)
{
	bool tell = srv_options_get(req->srv).error_ids;
	collection c;

	if (read_records(req, NULL, &c))
		run(req, &c, write_update, &tell);
	collection_free(&c);
}

static bool
write_upsert(sim_txn *t, collection *c, int i, void *arg)
{
	const sim_field *key = arg;
	const rest_record *rec = &c->records[i];
	row_result *r = &c->results[i];
	bool by_id = sim_field_type(key) == SIM_T_ID;
	sim_write w = rest_record_row(rec, by_id ? rec->id : NULL);
	const sim_in *cell = by_id ? NULL : rest_record_cell(rec, key);
	bool created = true;
	bool ok;

	if (cell && cell->text && sim_keys_shared(&c->keys, cell->text, cell->len, &r->err))
		ok = false;
	else if (by_id && rec->id == NULL)
		ok = sim_insert(t, &w, r->id, &r->err);
	else if (!by_id && rec->id)
	{
		sim_error_set(&r->err, "INVALID_FIELD_FOR_INSERT_UPDATE",
					  "cannot specify Id in an upsert call by another field");
		ok = sim_error_field(&r->err, "Id");
	}
	else
		ok = sim_upsert(t, &w, key, r->id, &created, NULL, &r->err);
	r->created = created;
	if (!ok)
		r->id[0] = '\0';
	return ok;
}

void
rest_collection_upsert(srv_request *req)
{
	const sim_object *obj = rest_object(req, req->segs[5]);
	const sim_field *key = obj ? sim_field_find(obj, req->segs[6]) : NULL;
	collection c;

	if (obj == NULL)
		return;
	if (key == NULL || !sim_field_is_key(key))
	{
		srv_error(req, 404, "NOT_FOUND",
				  "Provided external ID field does not exist or is not accessible: %s",
				  req->segs[6]);
		return;
	}
	if (read_records(req, obj, &c))
	{
		c.keys.field = key;
		for (int i = 0; i < c.n; i++)
		{
			const sim_in *cell = rest_record_cell(&c.records[i], key);

			if (cell && cell->text && sim_field_type(key) != SIM_T_ID)
				sim_keys_add(&c.keys, cell->text, cell->len);
		}
		sim_keys_done(&c.keys);
		run(req, &c, write_upsert, (void *) (uintptr_t) key);
	}
	collection_free(&c);
}

/* ---------------------------------------------------------------- delete */

typedef struct deletion
{
	char **ids;
	bool tell;
} deletion;

/* A comma list as an array of n texts that point into it (changed); NULL: no memory. */
static char **
split(char *list, int *n)
{
	int count = 1;
	char **ids;

	for (const char *p = list; *p; p++)
		count += *p == ',';
	ids = calloc((size_t) count + 1, sizeof(*ids));
	*n = 0;
	for (char *p = list; ids && *p;)
	{
		size_t len = strcspn(p, ",");
		char *next = p + len + (p[len] == ',');

		p[len] = '\0';
		p += strspn(p, " ");
		if (*p)
			ids[(*n)++] = p;
		p = next;
	}
	return ids;
}

static bool
write_delete(sim_txn *t, collection *c, int i, void *arg)
{
	const deletion *d = arg;
	row_result *r = &c->results[i];
	char id[SIM_ID_SIZE];
	bool ok;

	if (!sim_id_normalise(d->ids[i], strlen(d->ids[i]), id) ||
		sim_object_by_prefix(id) == NULL)
		return sim_error_set(&r->err, "MALFORMED_ID", "malformed id %.40s", d->ids[i]);
	ok = sim_delete(t, id, false, &r->err);
	if (ok || d->tell)
		memcpy(r->id, id, sizeof(id));
	return ok;
}

void
rest_collection_delete(srv_request *req)
{
	char *list = srv_param(req->query, "ids", NULL);
	deletion d = {NULL, srv_options_get(req->srv).error_ids};
	collection c = {0};

	c.all_or_none = rest_param_flag(req, "allOrNone", false) || req->txn != NULL;
	if (list == NULL || *list == '\0')
		srv_error(req, 400, "MISSING_ARGUMENT", "The ids parameter is required");
	else if ((d.ids = split(list, &c.n)) == NULL)
		no_memory(req);
	else if (c.n > MAX_ROWS)
		too_many(req, MAX_ROWS);
	else if ((c.results = calloc((size_t) c.n + 1, sizeof(*c.results))) == NULL)
		no_memory(req);
	else
	{
		for (int i = 0; i < c.n; i++)
			c.results[i].created = -1;
		run(req, &c, write_delete, &d);
	}
	collection_free(&c);
	free(d.ids);
	free(list);
}

/* ---------------------------------------------------------------- retrieve */

/* The texts of a JSON array as a comma list, malloc'd; NULL when it is none. */
static char *
join(const cJSON *list)
{
	sim_buf b = {0};
	const cJSON *item;

	if (!cJSON_IsArray(list))
		return NULL;
	sim_buf_str(&b, "");
	cJSON_ArrayForEach (item, list)
	{
		if (!cJSON_IsString(item) || strchr(item->valuestring, ','))
			continue;
		if (b.len > 0)
			sim_buf_char(&b, ',');
		sim_buf_str(&b, item->valuestring);
	}
	return b.data;
}

/* One row at a time: lists are short, and each has its own place. */
static bool
add_row(srv_request *req, const sim_object *obj, const char *text, const char *fields,
		sim_buf *out)
{
	const char *prefix = sim_object_prefix(obj);
	char id[SIM_ID_SIZE];
	int rc;

	if (!sim_id_normalise(text, strlen(text), id))
	{
		srv_error(req, 400, "MALFORMED_ID", "malformed id %.40s", text);
		return false;
	}
	if (prefix == NULL || strncmp(id, prefix, 3) != 0)
		rc = 0;
	else
		rc = rest_row_read(req, obj, id, fields, out);
	if (rc == 0)
		sim_buf_str(out, "null");
	return rc >= 0;
}

/* ids and fields of the URL, or of the body; false: answered. */
static bool
what_to_get(srv_request *req, char **ids, char **fields)
{
	*ids = *fields = NULL;
	if (strcmp(req->method, "POST") == 0)
	{
		cJSON *tree;

		if (!rest_json_body(req, &tree))
			return false;
		*ids = join(cJSON_GetObjectItemCaseSensitive(tree, "ids"));
		*fields = join(cJSON_GetObjectItemCaseSensitive(tree, "fields"));
		cJSON_Delete(tree);
	}
	else
	{
		*ids = srv_param(req->query, "ids", NULL);
		*fields = srv_param(req->query, "fields", NULL);
	}
	if (*ids && **ids && *fields && **fields)
		return true;
	srv_error(req, 400, "MISSING_ARGUMENT", "The %s parameter is required",
			  *ids && **ids ? "fields" : "ids");
	return false;
}

void
rest_collection_get(srv_request *req)
{
	const sim_object *obj = rest_object(req, req->segs[5]);
	char *ids = NULL;
	char *fields = NULL;
	char **list = NULL;
	sim_buf out = {0};
	int n = 0;
	bool ok;

	if (obj == NULL)
		return;
	ok = what_to_get(req, &ids, &fields);
	if (ok && (list = split(ids, &n)) == NULL)
		ok = no_memory(req);
	if (ok && n > MAX_RETRIEVE)
		ok = too_many(req, MAX_RETRIEVE);
	sim_buf_char(&out, '[');
	for (int i = 0; ok && i < n; i++)
	{
		if (i > 0)
			sim_buf_char(&out, ',');
		ok = add_row(req, obj, list[i], fields, &out);
	}
	sim_buf_char(&out, ']');
	if (ok)
		sim_buf_add(srv_json(req, 200), out.data, out.len);
	sim_buf_free(&out);
	free(list);
	free(ids);
	free(fields);
}
