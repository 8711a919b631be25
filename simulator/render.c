/*
 * render.c
 *		Values as text: bulk CSV cells and REST JSON records.
 */
#include "query.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- numbers */

/* Digits of a positive number; returns where they start in a buffer that ends at end. */
static char *
put_unsigned(char *end, uint64_t n)
{
	do
	{
		*--end = (char) ('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return end;
}

/* At most 20 bytes, without a terminator. */
static size_t
format_int(int64_t i, char *out)
{
	char digits[24];
	char *end = digits + sizeof(digits);
	char *start = put_unsigned(end, i < 0 ? -(uint64_t) i : (uint64_t) i);

	if (i < 0)
		*--start = '-';
	memcpy(out, start, (size_t) (end - start));
	return (size_t) (end - start);
}

/*
 * The shortest decimal of a positive double: digits without zeros at either end, and exp10 so
 * that the value is 0.DIGITS * 10^exp10.
 */
static int
shortest(double d, char digits[24], int *exp10)
{
	static const double scales[] = {1, 100, 1000000};
	char text[40];
	int n = 0;

	/*
	 * Most amounts have few decimals.  A decimal of at most 15 digits that reads back as d is
	 * the only one, so it is also the shortest; and m / scale is rounded as reading it is.
	 */
	for (int i = 0; i < 3; i++)
	{
		double m = round(d * scales[i]);
		char *end = digits + 23;
		char *start;

		if (m < 1e15 && m / scales[i] == d)
		{
			start = put_unsigned(end, (uint64_t) m);
			n = (int) (end - start);
			*exp10 = n - 2 * i - (i == 2 ? 2 : 0);
			while (n > 1 && start[n - 1] == '0')
				n--;
			memmove(digits, start, (size_t) n);
			return n;
		}
	}
	for (int precision = 0; precision < 17; precision++)
	{
		if (precision > 0 && precision < 14)
			continue; /* 15 digits find all of these, with zeros at the end */
		snprintf(text, sizeof(text), "%.*e", precision, d);
		if (strtod(text, NULL) == d)
			break;
	}
	for (const char *s = text; *s != 'e'; s++)
	{
		if (*s != '.')
			digits[n++] = *s;
	}
	while (n > 1 && digits[n - 1] == '0')
		n--;
	*exp10 = atoi(strchr(text, 'e') + 1) + 1;
	return n;
}

size_t
sim_format_double(double d, char out[SIM_DOUBLE_SIZE])
{
	char digits[24];
	int exp10;
	int n;
	char *at = out;

	if (d == 0 || !isfinite(d))
		return (size_t) sprintf(out, d == 0 ? "0.0" : isnan(d) ? "NaN" : "Infinity");
	if (d < 0)
		*at++ = '-';
	n = shortest(fabs(d), digits, &exp10);
	if (exp10 > 7 || exp10 < -2)
	{
		*at++ = digits[0];
		*at++ = '.';
		memcpy(at, n > 1 ? digits + 1 : "0", n > 1 ? (size_t) n - 1 : 1);
		at += n > 1 ? n - 1 : 1;
		*at++ = 'E';
		at += format_int(exp10 - 1, at);
	}
	else
	{
		int before = exp10 > 0 ? exp10 : 0;

		for (int i = 0; i < before; i++)
			*at++ = i < n ? digits[i] : '0';
		if (before == 0)
			*at++ = '0';
		*at++ = '.';
		for (int i = exp10; i < 0; i++)
			*at++ = '0';
		for (int i = before; i < n; i++)
			*at++ = digits[i];
		if (before >= n)
			*at++ = '0';
	}
	*at = '\0';
	return (size_t) (at - out);
}

/* ---------------------------------------------------------------- CSV */

/* Text in a cell that has no quotes yet: inner quotes are doubled. */
static void
csv_text(sim_buf *out, const char *s, size_t len)
{
	char *to = sim_buf_reserve(out, len * 2 + 2);
	char *start = to;
	const char *end = s + len;
	const char *quote;

	if (to == NULL)
		return;
	*to++ = '"';
	while (len > 0 && (quote = memchr(s, '"', (size_t) (end - s))) != NULL)
	{
		memcpy(to, s, (size_t) (quote - s) + 1);
		to += quote - s + 1;
		*to++ = '"';
		s = quote + 1;
	}
	if (end > s)
		memcpy(to, s, (size_t) (end - s));
	to += end - s;
	*to++ = '"';
	*to = '\0';
	out->len += (size_t) (to - start);
}

/* A value that needs no escaping, into a buffer of SIM_DATETIME_SIZE bytes. */
static size_t
plain_value(const sim_value *v, const char *zone, char *text)
{
	switch (v->kind)
	{
		case SIM_BOOL:
			return (size_t) sprintf(text, v->i ? "true" : "false");
		case SIM_INT:
			return format_int(v->i, text);
		case SIM_DOUBLE:
			return sim_format_double(v->d, text);
		case SIM_DATE:
			return sim_format_date(v->i, text);
		case SIM_DATETIME:
			return sim_format_datetime(v->i, zone, text);
		case SIM_TIME:
			return sim_format_time(v->i, text);
		default:
			return 0;
	}
}

static void
csv_cell(sim_query *q, int i, sim_buf *out)
{
	char text[SIM_DATETIME_SIZE];
	sim_value v;
	size_t len;

	sim_query_value(q, i, &v);
	switch (v.kind)
	{
		case SIM_NULL:
		case SIM_COMPOUND:
		case SIM_BLOB:
			sim_buf_add(out, "\"\"", 2);
			return;
		case SIM_TEXT:
		case SIM_ID:
			csv_text(out, v.text, v.len);
			return;
		default:
			len = plain_value(&v, "Z", text + 1);
			if (v.kind == SIM_TIME && q->plan->sw.csv_time > 0)
				len = q->plan->sw.csv_time == 1 ? 12 : 8;
			text[0] = '"';
			text[len + 1] = '"';
			sim_buf_add(out, text, len + 2);
	}
}

void
sim_query_header_csv(const sim_query *q, char delim, const char *eol, sim_buf *out)
{
	for (int i = 0; i < q->plan->ncolumns; i++)
	{
		const sim_column *c = &q->columns[i]->pub;
		const char *name = q->plan->sw.header_as_written ? c->written : c->path;

		if (i > 0)
			sim_buf_char(out, delim);
		csv_text(out, name, strlen(name));
	}
	sim_buf_str(out, eol);
}

void
sim_query_row_csv(sim_query *q, char delim, const char *eol, sim_buf *out)
{
	for (int i = 0; i < q->plan->ncolumns; i++)
	{
		if (i > 0)
			sim_buf_char(out, delim);
		csv_cell(q, i, out);
	}
	sim_buf_str(out, eol);
}

/* ---------------------------------------------------------------- JSON */

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

	if (c->pub.field->type == SIM_T_LOCATION)
	{
		snprintf(key, 64, "%s", strstr(name, "__L") ? strstr(name, "__L") + 2 : name);
		*strstr(key, "__s") = '\0';
	}
	else
		snprintf(key, 64, "%s", name + (common - strlen("Address")));
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
		sim_json_string(out, (const char *) sqlite3_column_text(q->st, at),
						(size_t) sqlite3_column_bytes(q->st, at));
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

static void
json_url(const sim_query *q, const soql_table *t, sim_buf *out)
{
	char id[SIM_ID_SIZE];

	sim_id_make(t->object->prefix, sqlite3_column_int64(q->st, t->id_at), id);
	sim_buf_printf(out, "\"/services/data/v%s/sobjects/%s/%s", q->version, t->object->name,
				   id);
}

static void
json_value(sim_query *q, const soql_column *c, sim_buf *out)
{
	char text[SIM_DATETIME_SIZE];
	sim_value v;
	int i = 0;
	bool quotes;

	while (q->columns[i] != c)
		i++;
	sim_query_value(q, i, &v);
	switch (v.kind)
	{
		case SIM_NULL:
			sim_buf_str(out, "null");
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
			json_url(q, c->table, out);
			sim_buf_printf(out, "/%s\"", c->pub.field->name);
			break;
		default:
			quotes = v.kind == SIM_DATE || v.kind == SIM_DATETIME || v.kind == SIM_TIME;
			if (quotes)
				sim_buf_char(out, '"');
			sim_buf_add(out, text, plain_value(&v, "+0000", text));
			if (quotes)
				sim_buf_char(out, '"');
	}
}

static void
json_record(sim_query *q, const query_node *node, sim_buf *out)
{
	if (node->table == NULL)
		sim_buf_str(out, "{\"attributes\":{\"type\":\"AggregateResult\"}");
	else
	{
		sim_buf_printf(out,
					   "{\"attributes\":{\"type\":\"%s\",\"url\":", node->table->object->name);
		json_url(q, node->table, out);
		sim_buf_str(out, "\"}");
	}
	for (const query_item *i = node->items; i != NULL; i = i->next)
	{
		sim_buf_char(out, ',');
		json_key(out, i->key);
		if (i->column != NULL)
			json_value(q, i->column, out);
		else if (sqlite3_column_type(q->st, i->node->table->id_at) == SQLITE_NULL)
			sim_buf_str(out, "null");
		else
			json_record(q, i->node, out);
	}
	sim_buf_char(out, '}');
}

void
sim_query_row_json(sim_query *q, sim_buf *out)
{
	json_record(q, q->record, out);
}

/* ---------------------------------------------------------------- the shape of a record */

static query_item *
add_item(sim_query *q, query_node *node, const char *key)
{
	query_item **last = &node->items;

	while (*last != NULL)
		last = &(*last)->next;
	*last = soql_alloc(q->arena, sizeof(**last));
	if (*last != NULL)
		(*last)->key = key;
	return *last;
}

/* The node for a table, made on first use inside the one of its parent. */
static query_node *
node_for(sim_query *q, const soql_table *t)
{
	query_node *parent;
	query_item *item;

	if (t->parent == NULL)
		return q->record;
	parent = node_for(q, t->parent);
	if (parent == NULL)
		return NULL;
	for (item = parent->items; item != NULL; item = item->next)
	{
		if (item->node != NULL && item->node->table == t)
			return item->node;
	}
	item = add_item(q, parent, t->link->ref_name);
	if (item == NULL || (item->node = soql_alloc(q->arena, sizeof(query_node))) == NULL)
		return NULL;
	item->node->table = t;
	return item->node;
}

bool
query_build_record(sim_query *q)
{
	q->record = soql_alloc(q->arena, sizeof(query_node));
	if (q->record == NULL)
		return false;
	if (!q->plan->is_aggregate)
		q->record->table = q->plan->tables;
	for (int i = 0; i < q->plan->ncolumns; i++)
	{
		const soql_column *c = q->columns[i];
		query_node *node = c->table ? node_for(q, c->table) : q->record;
		query_item *item =
			node ? add_item(q, node, c->table ? c->pub.field->name : c->pub.path) : NULL;

		if (item == NULL)
			return false;
		item->column = c;
	}
	return true;
}
