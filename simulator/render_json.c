/*
 * render_json.c
 *		REST records: nested parents, compounds, subqueries.
 */
#include "query.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- pieces */

void
sim_json_string(sim_buf *out, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t start = 0;

	sim_buf_char(out, '"');
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) text[i];
		char esc[6] = {'\\', (char) c};
		size_t n = 2;

		if (c >= 0x80)
		{
			n = sim_utf8_sequence(text + i, len - i);
			if (n > 0)
				i += n - 1;
			else
			{
				sim_buf_add(out, text + start, i - start);
				sim_buf_str(out, "\xef\xbf\xbd");
				start = i + 1;
			}
			continue;
		}
		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		switch (c)
		{
			case '"':
			case '\\':
				break;
			case '\n':
				esc[1] = 'n';
				break;
			case '\r':
				esc[1] = 'r';
				break;
			case '\t':
				esc[1] = 't';
				break;
			case '\b':
				esc[1] = 'b';
				break;
			case '\f':
				esc[1] = 'f';
				break;
			default:
				memcpy(esc, "\\u00", 4);
				esc[4] = hex[c >> 4];
				esc[5] = hex[c & 15];
				n = 6;
		}
		sim_buf_add(out, text + start, i - start);
		sim_buf_add(out, esc, n);
		start = i + 1;
	}
	sim_buf_add(out, text + start, len - start);
	sim_buf_char(out, '"');
}

static void
json_key(sim_buf *out, const char *key)
{
	sim_buf_char(out, '"');
	sim_buf_str(out, key);
	sim_buf_add(out, "\":", 2);
}

/* "BillingPostalCode" of "BillingAddress" is "postalCode". */
static void
part_key(const soql_column *c, const sim_field *part, char key[64])
{
	const char *name = part->name;
	const char *compound = c->pub.field->name;
	size_t common = strlen(compound);
	size_t tail = strlen("Address");

	if (c->pub.field->type == SIM_T_LOCATION)
	{
		char *end;

		snprintf(key, 64, "%s", strstr(name, "__L") ? strstr(name, "__L") + 2 : name);
		if ((end = strstr(key, "__s")) != NULL)
			*end = '\0';
	}
	else
	{
		common = common > tail ? common - tail : 0;
		snprintf(key, 64, "%s", strlen(name) > common ? name + common : name);
	}
	if (key[0] >= 'A' && key[0] <= 'Z')
		key[0] = (char) (key[0] | 0x20);
}

static void
json_part(const sim_query *q, const soql_column *c, int p, sim_buf *out)
{
	char number[SIM_DOUBLE_SIZE];
	int at = c->sql_at + p;

	if (sqlite3_column_type(q->st, at) == SQLITE_NULL)
		sim_buf_str(out, "null");
	else if (c->part[p]->type == SIM_T_DOUBLE)
		sim_buf_add(out, number, sim_format_double(sqlite3_column_double(q->st, at), number));
	else
	{
		const char *text = (const char *) sqlite3_column_text(q->st, at);

		sim_json_string(out, text ? text : "", (size_t) sqlite3_column_bytes(q->st, at));
	}
}

/* An address or location as an object, its keys in alphabetical order. */
static void
json_compound(const sim_query *q, const soql_column *c, sim_buf *out)
{
	char last[64] = "";

	sim_buf_char(out, '{');
	for (int done = 0; done < c->nparts; done++)
	{
		char best[64] = "";
		char key[64];
		int at = -1;

		for (int p = 0; p < c->nparts; p++)
		{
			part_key(c, c->part[p], key);
			if (strcmp(key, last) > 0 && (at < 0 || strcmp(key, best) < 0))
			{
				at = p;
				memcpy(best, key, sizeof(best));
			}
		}
		if (at < 0)
			break;
		if (done > 0)
			sim_buf_char(out, ',');
		json_key(out, best);
		json_part(q, c, at, out);
		memcpy(last, best, sizeof(last));
	}
	sim_buf_char(out, '}');
}

/* Object and id of the row that a table has at present; NULL when there is none. */
static const char *
row_of(sim_query *q, const soql_table *t, char id[SIM_ID_SIZE])
{
	int64_t number = sqlite3_column_int64(q->st, t->id_at);

	if (sqlite3_column_type(q->st, t->id_at) == SQLITE_NULL)
		return NULL;
	if (t->kind == SOQL_TABLE_NAME)
		return query_packed_id(number, id);
	sim_id_make(t->object->prefix, number, id);
	return t->object->name;
}

/* The table whose Id says what row it is: that of a TYPEOF's target is the reference itself. */
static const soql_table *
id_table(const soql_table *t)
{
	return t->kind == SOQL_TABLE_TARGET ? t->parent : t;
}

static void
json_url(const sim_query *q, const char *object, const char *id, sim_buf *out)
{
	sim_buf_str(out, "\"/services/data/v");
	sim_buf_str(out, q->version);
	sim_buf_str(out, "/sobjects/");
	sim_buf_str(out, object);
	sim_buf_char(out, '/');
	sim_buf_str(out, id);
}

static void
json_value(sim_query *q, const soql_column *c, sim_buf *out)
{
	char text[SIM_DATETIME_SIZE];
	char id[SIM_ID_SIZE];
	const char *object;
	sim_value v;
	bool quotes;

	sim_query_value(q, c->no, &v);
	switch (v.kind)
	{
		case SIM_NULL:
			/* only what is missing is null: a box that nobody ticked is not */
			sim_buf_str(out, c->pub.kind == SIM_BOOL && !c->pub.aggregate ? "false" : "null");
			break;
		case SIM_TEXT:
		case SIM_ID:
			sim_json_string(out, v.text, v.len);
			break;
		case SIM_COMPOUND:
			json_compound(q, c, out);
			break;
		case SIM_BLOB:
			/* the bytes are fetched from the field's own address */
			object = row_of(q, id_table(c->table), id);
			json_url(q, object ? object : "", object ? id : "", out);
			sim_buf_printf(out, "/%s\"", c->pub.field->name);
			break;
		default:
			quotes = v.kind == SIM_DATE || v.kind == SIM_DATETIME || v.kind == SIM_TIME;
			if (quotes)
				sim_buf_char(out, '"');
			sim_buf_add(out, text, query_plain_value(&v, "+0000", text));
			if (quotes)
				sim_buf_char(out, '"');
	}
}

/* ---------------------------------------------------------------- subqueries */

/* All rows of a subquery for the present row: how many, or -1 and nothing more to say. */
static int
child_rows(sim_query *child, sim_buf *rows, int64_t **ends)
{
	int n = 0;
	int space = 0;

	*ends = NULL;
	while (sim_query_step(child, NULL) == 1)
	{
		if (n == space)
		{
			int64_t *bigger;

			space = space ? space * 2 : 16;
			bigger = realloc(*ends, (size_t) space * sizeof(**ends));
			if (bigger == NULL)
				return -1;
			*ends = bigger;
		}
		query_json_record(child, child->shape->record, rows);
		(*ends)[n++] = (int64_t) rows->len;
	}
	return rows->failed ? -1 : n;
}

static void
json_child(sim_query *q, int number, sim_buf *out)
{
	sim_query *child = &q->children[number];
	sim_buf rows = {0};
	int64_t *ends = NULL;
	char url[SIM_PAGE_URL_SIZE] = "";
	int shown;
	int n;

	if (!query_start_child(child, sqlite3_column_int64(q->st, q->shape->plan->tables->id_at)))
		n = -1;
	else
		n = child_rows(child, &rows, &ends);
	sqlite3_reset(child->st);
	if (n < 0)
		out->failed = true;
	if (n <= 0)
		sim_buf_str(out, "null");
	else
	{
		shown = n;
		if (child->pager != NULL && n > child->pager_batch &&
			child->pager(child->pager_arg, &rows, ends, n, url))
			shown = child->pager_batch;
		sim_buf_printf(out, "{\"totalSize\":%d,\"done\":%s,", n,
					   shown == n ? "true" : "false");
		if (shown < n)
			sim_buf_printf(out, "\"nextRecordsUrl\":\"%s\",", url);
		sim_buf_str(out, "\"records\":[");
		for (int i = 0; i < shown; i++)
		{
			int64_t from = i > 0 ? ends[i - 1] : 0;

			if (i > 0)
				sim_buf_char(out, ',');
			sim_buf_add(out, rows.data + from, (size_t) (ends[i] - from));
		}
		sim_buf_str(out, "]}");
	}
	free(ends);
	sim_buf_free(&rows);
}

/* ---------------------------------------------------------------- records */

/* A polymorphic parent: what TYPEOF selects of such an object, or what is selected of any. */
static void
json_polymorphic(sim_query *q, const query_node *node, sim_buf *out)
{
	const query_node *chosen = node->items != NULL ? node : NULL;
	char id[SIM_ID_SIZE];
	const char *object = row_of(q, node->table, id);
	const char *type = q->shape->plan->sw.real_types ? object : "Name";

	for (const query_node *v = node->variants; v != NULL; v = v->next)
	{
		if (strcmp(v->table->object->name, object) == 0)
		{
			chosen = v;
			type = object;
		}
	}
	if (chosen == NULL)
	{
		sim_buf_str(out, "null");
		return;
	}
	sim_buf_printf(out, "{\"attributes\":{\"type\":\"%s\",\"url\":", type);
	json_url(q, object, id, out);
	sim_buf_str(out, "\"}");
	for (const query_item *i = chosen->items; i != NULL; i = i->next)
	{
		sim_buf_char(out, ',');
		json_key(out, i->key);
		if (i->column != NULL)
			json_value(q, i->column, out);
		else if (sqlite3_column_type(q->st, i->node->table->id_at) == SQLITE_NULL)
			sim_buf_str(out, "null");
		else
			query_json_record(q, i->node, out);
	}
	sim_buf_char(out, '}');
}

void
query_json_record(sim_query *q, const query_node *node, sim_buf *out)
{
	char id[SIM_ID_SIZE];
	const char *object;

	if (node->table != NULL && node->table->kind == SOQL_TABLE_NAME)
	{
		json_polymorphic(q, node, out);
		return;
	}
	if (node->table == NULL)
		sim_buf_str(out, "{\"attributes\":{\"type\":\"AggregateResult\"}");
	else
	{
		object = row_of(q, node->table, id);
		sim_buf_str(out, "{\"attributes\":{\"type\":\"");
		sim_buf_str(out, node->table->object->name);
		sim_buf_str(out, "\",\"url\":");
		json_url(q, node->table->object->name, object ? id : "", out);
		sim_buf_str(out, "\"}");
	}
	for (const query_item *i = node->items; i != NULL; i = i->next)
	{
		sim_buf_char(out, ',');
		json_key(out, i->key);
		if (i->column != NULL)
			json_value(q, i->column, out);
		else if (i->node == NULL)
			json_child(q, i->child, out);
		else if (sqlite3_column_type(q->st, i->node->table->id_at) == SQLITE_NULL)
			sim_buf_str(out, "null");
		else
			query_json_record(q, i->node, out);
	}
	sim_buf_char(out, '}');
}

void
sim_query_row_json(sim_query *q, sim_buf *out)
{
	query_json_record(q, q->shape->record, out);
}

/* ---------------------------------------------------------------- the shape of a record */

static query_item *
add_item(soql_arena *a, query_node *node, const char *key)
{
	query_item **last = &node->items;

	while (*last != NULL)
		last = &(*last)->next;
	*last = soql_alloc(a, sizeof(**last));
	if (*last != NULL)
		(*last)->key = key;
	return *last;
}

/* The node for a table, made on first use inside the one of its parent. */
static query_node *
node_for(soql_arena *a, query_shape *s, const soql_table *t)
{
	query_node *parent;
	query_item *item;
	query_node **last;

	if (t->parent == NULL)
		return s->record;
	parent = node_for(a, s, t->parent);
	if (parent == NULL)
		return NULL;
	if (t->kind == SOQL_TABLE_TARGET)
	{
		for (last = &parent->variants; *last != NULL; last = &(*last)->next)
		{
			if ((*last)->table == t)
				return *last;
		}
		*last = soql_alloc(a, sizeof(query_node));
		if (*last != NULL)
			(*last)->table = t;
		return *last;
	}
	for (item = parent->items; item != NULL; item = item->next)
	{
		if (item->node != NULL && item->node->table == t)
			return item->node;
	}
	item = add_item(a, parent, t->link->ref_name);
	if (item == NULL || (item->node = soql_alloc(a, sizeof(query_node))) == NULL)
		return NULL;
	item->node->table = t;
	return item->node;
}

static bool
add_column(soql_arena *a, query_shape *s, const soql_column *c)
{
	query_node *node = c->table && c->key == NULL ? node_for(a, s, c->table) : s->record;
	const char *key = c->key;
	query_item *item;

	if (key == NULL)
		key = c->table ? c->pub.field->name : c->pub.path;
	item = node ? add_item(a, node, key) : NULL;
	if (item == NULL)
		return false;
	item->column = c;
	return true;
}

bool
query_build_record(soql_arena *a, query_shape *s)
{
	const soql_child *child = s->plan->children;
	int number = 0;

	s->record = soql_alloc(a, sizeof(query_node));
	if (s->record == NULL)
		return false;
	if (!s->plan->is_aggregate)
		s->record->table = s->plan->tables;
	for (int i = 0; i <= s->plan->ncolumns; i++)
	{
		for (; child != NULL && child->before == i; child = child->next)
		{
			query_item *item = add_item(a, s->record, child->key);

			if (item == NULL)
				return false;
			item->child = number++;
		}
		if (i < s->plan->ncolumns && !add_column(a, s, s->columns[i]))
			return false;
	}
	return true;
}
