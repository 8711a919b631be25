/*
 * bulk1_render.c
 *		Bulk API 1.0: results of a query as CSV, XML and JSON.
 *
 * The engine renders a row as a REST record; here that text becomes what this API has: JSON with dates and times as milliseconds
 * since 1970, laid out over lines; XML without line breaks, with xsi:type, the type and the id first (whether or not the id
 * was asked for).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bulk1_int.h"
#include "xml.h"

#define MAX_PATH 512

/* Walks over the text of one record. */
typedef struct walk
{
	const char *p; /* compact JSON of our own making: well-formed */
	sim_query *q;
	sim_buf *out;
	bool xml;
	char path[MAX_PATH];
} walk;

/* The date or time at the present path in milliseconds; false: there is none. */
static bool
date_here(walk *w, sim_value *v)
{
	for (int i = 0; i < sim_query_column_count(w->q); i++)
	{
		const sim_column *c = sim_query_column(w->q, i);

		if ((c->kind == SIM_DATETIME || c->kind == SIM_DATE) && strcmp(c->path, w->path) == 0)
		{
			sim_query_value(w->q, i, v);
			return v->kind == SIM_DATETIME || v->kind == SIM_DATE;
		}
	}
	return false;
}

/* Behind the closing quote of the text that begins at w->p. */
static const char *
string_end(const walk *w)
{
	const char *e = w->p + 1;

	while (*e && *e != '"')
		e += *e == '\\' && e[1] ? 2 : 1;
	return *e ? e + 1 : e;
}

static unsigned
hex4(const char *s)
{
	char text[5] = {s[0], s[1], s[2], s[3], '\0'};

	return (unsigned) strtoul(text, NULL, 16);
}

/* A JSON text as XML.  The engine escapes only what it must: no \u beyond control characters. */
static void
xml_string(walk *w, const char *end)
{
	const char *s = w->p + 1;

	for (; s < end - 1; s++)
	{
		char c = *s;

		if (c == '\\')
		{
			s++;
			c = *s == 'n'	? '\n'
				: *s == 'r' ? '\r'
				: *s == 't' ? '\t'
				: *s == 'b' ? '\b'
				: *s == 'f' ? '\f'
							: *s;
			if (*s == 'u' && s + 5 <= end)
			{
				c = (char) hex4(s + 1);
				s += 4;
			}
			xml_escape(w->out, &c, 1);
		}
		else
		{
			const char *stop = s;

			while (stop < end - 1 && *stop != '\\')
				stop++;
			xml_escape(w->out, s, (size_t) (stop - s));
			s = stop - 1;
		}
	}
}

static void walk_value(walk *w, const char *key);

/* A name of a member into the path; the old length comes back. */
static size_t
enter(walk *w, const char *key)
{
	size_t old = strlen(w->path);

	snprintf(w->path + old, MAX_PATH - old, "%s%s", old ? "." : "", key);
	return old;
}

/* The key at w->p (without escapes); goes behind its colon. */
static void
read_key(walk *w, char key[128])
{
	const char *end = string_end(w);

	snprintf(key, 128, "%.*s", (int) (end - w->p - 2), w->p + 1);
	w->p = end + (*end == ':');
}

/* Skip a value without a word. */
static void
skip_value(walk *w)
{
	int depth = 0;

	do
	{
		if (*w->p == '"')
		{
			w->p = string_end(w);
			continue;
		}
		depth += *w->p == '{' || *w->p == '[';
		depth -= *w->p == '}' || *w->p == ']';
		w->p++;
	} while (*w->p && (depth > 0 || !strchr(",}]", *w->p)));
}

/* The value of a member at the first level of the object at p; NULL: none.  For texts only. */
static bool
member_text(const walk *w, const char *object, const char *name, sim_buf *out)
{
	walk m = {.p = object + 1, .q = w->q};
	char key[128];

	while (*m.p == '"')
	{
		read_key(&m, key);
		if (strcmp(key, name) == 0 && *m.p == '"')
		{
			const char *end = string_end(&m);

			sim_buf_add(out, m.p + 1, (size_t) (end - m.p - 2));
			return true;
		}
		skip_value(&m);
		m.p += *m.p == ',';
	}
	return false;
}

/* <type> and <Id>, which go before all that was selected. */
static void
xml_type_and_id(walk *w, const char *object)
{
	sim_buf type = {0};
	sim_buf id = {0};
	walk m = {.p = object + 1, .q = w->q};
	char key[128];

	if (*m.p == '"')
	{
		read_key(&m, key);
		if (strcmp(key, "attributes") == 0)
			member_text(w, m.p, "type", &type);
	}
	if (type.data)
	{
		bool found = member_text(w, object, "Id", &id);

		xml_element(w->out, "type", type.data);
		xml_element(w->out, "Id", found ? id.data : NULL);
	}
	sim_buf_free(&type);
	sim_buf_free(&id);
}

static void
walk_object(walk *w)
{
	bool first = true;
	char key[128];

	if (w->xml)
		xml_type_and_id(w, w->p);
	else
		sim_buf_char(w->out, '{');
	w->p++;
	while (*w->p == '"')
	{
		const char *start = w->p;
		size_t old;

		read_key(w, key);
		if (w->xml && strcmp(key, "attributes") == 0)
			skip_value(w);
		else
		{
			if (!w->xml)
			{
				if (!first)
					sim_buf_char(w->out, ',');
				sim_buf_add(w->out, start, (size_t) (w->p - start));
			}
			old = enter(w, key);
			walk_value(w, key);
			w->path[old] = '\0';
			first = false;
		}
		w->p += *w->p == ',';
	}
	w->p += *w->p == '}';
	if (!w->xml)
		sim_buf_char(w->out, '}');
}

/* Array members in XML repeat the element. */
static void
walk_array(walk *w, const char *key)
{
	if (!w->xml)
		sim_buf_char(w->out, '[');
	w->p++;
	while (*w->p && *w->p != ']')
	{
		walk_value(w, key);
		if (*w->p == ',')
		{
			if (!w->xml)
				sim_buf_char(w->out, ',');
			w->p++;
		}
	}
	w->p += *w->p == ']';
	if (!w->xml)
		sim_buf_char(w->out, ']');
}

static void
xml_scalar(walk *w, const char *key)
{
	const char *start = w->p;
	sim_value v;

	sim_buf_printf(w->out, "<%s", key);
	if (strncmp(w->p, "null", 4) == 0)
	{
		sim_buf_str(w->out, " xsi:nil=\"true\"/>");
		skip_value(w);
		return;
	}
	sim_buf_char(w->out, '>');
	if (*w->p == '"')
	{
		const char *end = string_end(w);

		if (date_here(w, &v) && v.kind == SIM_DATETIME)
		{
			char text[SIM_DATETIME_SIZE];

			sim_buf_add(w->out, text, sim_format_datetime(v.i, "Z", text));
		}
		else
			xml_string(w, end);
		w->p = end;
	}
	else
	{
		skip_value(w);
		sim_buf_add(w->out, start, (size_t) (w->p - start));
	}
	sim_buf_printf(w->out, "</%s>", key);
}

static void
walk_value(walk *w, const char *key)
{
	const char *start = w->p;
	sim_value v;

	if (*w->p == '[')
		walk_array(w, key);
	else if (*w->p == '{')
	{
		if (w->xml)
			sim_buf_printf(w->out, "<%s xsi:type=\"sObject\">", key);
		walk_object(w);
		if (w->xml)
			sim_buf_printf(w->out, "</%s>", key);
	}
	else if (w->xml)
		xml_scalar(w, key);
	else
	{
		bool date = *w->p == '"' && date_here(w, &v);

		skip_value(w);
		if (date)
			sim_buf_printf(w->out, "%lld",
						   (long long) (v.kind == SIM_DATE ? v.i * 86400000 : v.i));
		else
			sim_buf_add(w->out, start, (size_t) (w->p - start));
	}
}

/* ---------------------------------------------------------------- a file of results */

void
bulk1_render_begin(const bulk1_job *j, sim_query *q, sim_buf *out)
{
	if (j->type == BULK1_CSV)
		sim_query_header_csv(q, ',', "\n", out);
	else if (j->type == BULK1_XML)
		sim_buf_str(out,
					"<?xml version=\"1.0\" encoding=\"UTF-8\"?><queryResult xmlns=\"" BULK1_NS
					"\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">");
	else
		sim_buf_char(out, '[');
}

void
bulk1_render_row(const bulk1_job *j, sim_query *q, bool first, sim_buf *scratch, sim_buf *out)
{
	sim_buf plain = {0};
	walk w = {.q = q, .xml = j->type == BULK1_XML};

	if (j->type == BULK1_CSV)
	{
		sim_query_row_csv(q, ',', "\n", out);
		return;
	}
	sim_buf_reset(scratch);
	sim_query_row_json(q, scratch);
	w.p = scratch->data ? scratch->data : "null";
	w.out = w.xml ? out : &plain;
	if (!w.xml)
		sim_buf_str(out, first ? " " : ", ");
	walk_value(&w, "records");
	if (!w.xml)
		srv_pretty_json(&plain, out);
	sim_buf_free(&plain);
}

void
bulk1_render_end(const bulk1_job *j, sim_query *q, int64_t rows, sim_buf *out)
{
	(void) q;
	if (j->type == BULK1_XML)
		sim_buf_str(out, "</queryResult>");
	else if (j->type == BULK1_JSON)
		sim_buf_str(out, " ]");
	else if (rows == 0)
	{
		sim_buf_reset(out);
		sim_buf_str(out, "Records not found for this query");
	}
}
