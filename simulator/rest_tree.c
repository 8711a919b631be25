/*
 * rest_tree.c
 *		POST /composite/tree/X: rows with the rows that hang on them, all or nothing.
 *
 * Rows are written level by level, and results come in that order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "rest.h"

#define MAX_ROWS  200
#define MAX_DEPTH 5
#define MAX_TYPES 5

typedef struct tree_row
{
	rest_record rec;
	const char *reference; /* of the client */
	int parent;			   /* number of the row above; -1: none */
	const sim_field *ref;  /* what points to it */
	int depth;
	char id[SIM_ID_SIZE];
} tree_row;

typedef struct tree_call
{
	tree_row *rows; /* breadth first */
	int n;
	int bad; /* row that err is about; -1: the whole */
	sim_error err;
	bool refused; /* the request's text is wrong: a plain 400 */
} tree_call;

static bool
blame(tree_call *c, int row, const char *code, const char *text)
{
	c->bad = row;
	return sim_error_set(&c->err, code, "%s", text);
}

/* One record; parent and ref say where it hangs. */
static bool
add_row(tree_call *c, const cJSON *json, const sim_object *obj, int parent,
		const sim_field *ref)
{
	tree_row *r = &c->rows[c->n];

	if (c->n == MAX_ROWS)
		return blame(c, -1, "INVALID_INPUT",
					 "The request must not contain more than 200 records.");
	r->parent = parent;
	r->ref = ref;
	r->depth = parent < 0 ? 1 : c->rows[parent].depth + 1;
	c->n++;
	if (!rest_record_read(json, NULL, true, &r->rec, NULL, &c->err))
	{
		c->refused = true;
		return false;
	}
	r->reference = rest_json_string(r->rec.attributes, "referenceId");
	if (r->rec.object != obj)
		return blame(c, c->n - 1, "INVALID_INPUT",
					 "The type of the record does not match the expected type.");
	if (r->reference == NULL || *r->reference == '\0')
		return blame(c, c->n - 1, "INVALID_INPUT",
					 "Include a ReferenceId for each record in the request.");
	if (r->depth > MAX_DEPTH)
		return blame(c, c->n - 1, "INVALID_INPUT",
					 "The record trees must not be more than 5 levels deep.");
	if (r->rec.has_id)
		return blame(c, c->n - 1, "INVALID_INPUT",
					 "Do not specify the Id field of records in the request.");
	for (int i = 0; i < c->n - 1; i++)
		if (strcmp(c->rows[i].reference, r->reference) == 0)
			return blame(c, c->n - 1, "INVALID_INPUT",
						 "Duplicate ReferenceId provided in the request.");
	return true;
}

static bool
check_types(tree_call *c)
{
	const sim_object *seen[MAX_TYPES];
	int n = 0;

	for (int i = 0; i < c->n; i++)
	{
		int k = 0;

		while (k < n && seen[k] != c->rows[i].rec.object)
			k++;
		if (k < n)
			continue;
		if (n == MAX_TYPES)
			return blame(c, -1, "INVALID_INPUT",
						 "The request must not contain more than 5 object types.");
		seen[n++] = c->rows[i].rec.object;
	}
	return true;
}

/* All records of the request, level by level. */
static bool
collect(tree_call *c, const cJSON *list, const sim_object *obj)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list)
	{
		if (!add_row(c, item, obj, -1, NULL))
			return false;
	}
	for (int i = 0; i < c->n; i++)
	{
		const rest_record *rec = &c->rows[i].rec;

		for (int k = 0; k < rec->nchildren; k++)
		{
			const sim_field *ref;
			const sim_object *child =
				sim_object_children(rec->object, rec->children[k]->string, &ref);

			if (child == NULL)
			{
				c->refused = true;
				return sim_error_set(&c->err, "INVALID_FIELD",
									 "No such column '%.100s' on sobject of type %s",
									 rec->children[k]->string, sim_object_name(rec->object));
			}
			cJSON_ArrayForEach (item,
								cJSON_GetObjectItemCaseSensitive(rec->children[k], "records"))
			{
				if (!add_row(c, item, child, i, ref))
					return false;
			}
		}
	}
	return check_types(c);
}

/* Write all rows; false: c->err, of row c->bad. */
static bool
write_rows(tree_call *c, sim_txn *t)
{
	for (int i = 0; i < c->n; i++)
	{
		tree_row *r = &c->rows[i];
		sim_write w;

		if (r->parent >= 0)
		{
			/* rest_record_read() leaves room: the member of these children is none of the cells */
			sim_in *cell = &r->rec.in[r->rec.n++];

			memset(cell, 0, sizeof(*cell));
			cell->field = r->ref;
			cell->kind = SIM_IN_TEXT;
			cell->text = c->rows[r->parent].id;
			cell->len = SIM_ID_LEN;
		}
		w = rest_record_row(&r->rec, NULL);
		c->bad = i;
		if (!sim_insert(t, &w, r->id, &c->err))
			return false;
	}
	c->bad = -1;
	return true;
}

static void
answer(srv_request *req, tree_call *c, bool ok)
{
	sim_buf *b = srv_json(req, ok ? 201 : 400);

	sim_buf_printf(b, "{\"hasErrors\":%s,\"results\":[", ok ? "false" : "true");
	for (int i = 0; ok && i < c->n; i++)
	{
		sim_buf_str(b, i ? ",{\"referenceId\":" : "{\"referenceId\":");
		sim_json_string(b, c->rows[i].reference, strlen(c->rows[i].reference));
		sim_buf_printf(b, ",\"id\":\"%s\"}", c->rows[i].id);
	}
	if (!ok)
	{
		const char *reference = c->bad >= 0 ? c->rows[c->bad].reference : NULL;

		sim_buf_char(b, '{');
		if (reference)
		{
			sim_buf_str(b, "\"referenceId\":");
			sim_json_string(b, reference, strlen(reference));
			sim_buf_char(b, ',');
		}
		sim_buf_str(b, "\"errors\":[");
		sim_error_json(&c->err, SIM_ERROR_ROW, b);
		sim_buf_str(b, "]}");
	}
	sim_buf_str(b, "]}");
}

void
rest_tree(srv_request *req)
{
	const sim_object *obj = rest_object(req, req->segs[5]);
	tree_call c = {0};
	const cJSON *list;
	rest_txn txn;
	cJSON *tree = NULL;
	bool ok;

	if (obj == NULL || !rest_json_body(req, &tree))
		return;
	list = cJSON_GetObjectItemCaseSensitive(tree, "records");
	c.bad = -1;
	c.rows = calloc(MAX_ROWS + 1, sizeof(*c.rows));
	if (c.rows == NULL)
		ok = blame(&c, -1, "UNKNOWN_EXCEPTION", "out of memory");
	else if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0)
		ok = blame(&c, -1, "INVALID_INPUT", "The request must contain at least one record.");
	else
		ok = collect(&c, list, obj);
	if (ok && (ok = rest_txn_begin(req, &txn, &c.err)))
	{
		ok = write_rows(&c, txn.t);
		if (!ok)
			rest_txn_abort(&txn);
		else
			ok = rest_txn_commit(&txn, &c.err);
	}
	if (!ok && c.refused)
		rest_text_error(req, &c.err, req->body.len);
	else
		answer(req, &c, ok);
	for (int i = 0; c.rows && i < c.n; i++)
		rest_record_free(&c.rows[i].rec);
	free(c.rows);
	cJSON_Delete(tree);
}
