/*
 * bulk1_spec.c
 *		Bulk API 1.0: transformation specs (POST job/<id>/spec), which map the columns of any CSV file to fields.
 *
 * Lines are Salesforce Field,Csv Header,Value,Hint.  Value stands in for what is empty or has no header; Hint is a
 * Java date pattern for dates, or a regular expression of what is true for checkboxes.  Name of a person is divided
 * into FirstName and LastName.  (Bulk API Developer Guide, "Map Data Fields"; the texts of errors are guesses.)
 */
#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bulk1_int.h"
#include "calendar.h"
#include "clock.h"
#include "csv_in.h"

#define SPEC_CHARS	  8192
#define SPEC_MAPPINGS 500

/* One line of a spec. */
typedef struct mapping
{
	char *field;
	char *header;
	char *value;
	char *hint;
	sim_type type; /* of the field, for the hint */
	bool person;   /* Name that becomes FirstName and LastName */
	bool matches;  /* truth is compiled */
	regex_t truth;
	int column; /* of the data; -1: none */
} mapping;

typedef struct spec
{
	mapping *lines;
	int n;
} spec;

static void
free_spec(spec *s)
{
	for (int i = 0; i < s->n; i++)
	{
		free(s->lines[i].field);
		free(s->lines[i].header);
		free(s->lines[i].value);
		free(s->lines[i].hint);
		if (s->lines[i].matches)
			regfree(&s->lines[i].truth);
	}
	free(s->lines);
	*s = (spec){0};
}

static char *
cell_copy(const csv_in *c, int i)
{
	size_t len = 0;
	const char *text = i < csv_in_count(c) ? csv_in_cell(c, i, &len) : "";

	return strndup(text, len);
}

/* Counted repetitions and back references are left out: their cost has no bound. */
static void
compile_truth(mapping *m)
{
	const char *p = m->hint;

	while (*p && *p != '{' && !(*p == '\\' && isdigit((unsigned char) p[1])))
		p++;
	m->matches =
		*m->hint && *p == '\0' && regcomp(&m->truth, m->hint, REG_EXTENDED | REG_NOSUB) == 0;
}

static bool
read_mapping(const sim_object *obj, const csv_in *c, spec *s)
{
	mapping *m = &s->lines[s->n++];
	const sim_field *f;

	*m = (mapping){.column = -1,
				   .field = cell_copy(c, 0),
				   .header = cell_copy(c, 1),
				   .value = cell_copy(c, 2),
				   .hint = cell_copy(c, 3)};
	if (m->field == NULL || m->header == NULL || m->value == NULL || m->hint == NULL)
		return false;
	f = sim_field_find(obj, m->field);
	m->type = f ? sim_field_type(f) : SIM_T_STRING;
	m->person = strcasecmp(m->field, "Name") == 0 && sim_field_find(obj, "LastName");
	if (m->type == SIM_T_BOOLEAN)
		compile_truth(m);
	return true;
}

/* False with *err set. */
static bool
parse_spec(const sim_object *obj, const char *text, size_t len, spec *s, sim_error *err)
{
	static const char *const names[] = {"Salesforce Field", "Csv Header", "Value", "Hint"};
	csv_in *c = csv_in_memory(text, len, ',', CSV_IN_ANY);
	bool ok = c && csv_in_next(c, err) > 0;
	int rc = 0;

	for (int i = 0; ok && i < 4; i++)
	{
		char *name = cell_copy(c, i);

		ok = name && strcasecmp(name, names[i]) == 0;
		free(name);
	}
	s->lines = calloc(SPEC_MAPPINGS, sizeof(*s->lines));
	ok = ok && s->lines;
	while (ok && (rc = csv_in_next(c, err)) > 0)
		ok = s->n < SPEC_MAPPINGS && read_mapping(obj, c, s);
	csv_in_free(c);
	if (ok && rc == 0 && s->n > 0)
		return true;
	return err->message[0] ? false
						   : sim_error_set(err, "InvalidBatch", "Invalid transformation spec");
}

/* ---------------------------------------------------------------- dates */

/* A date on its way out of a text. */
typedef struct moment
{
	int64_t year;
	int month;
	int day;
	int hour;
	int minute;
	int second;
	bool pm;
} moment;

static bool
read_number(const char **p, int most, int64_t *out)
{
	int64_t n = 0;
	int digits = 0;

	while (digits < most && isdigit((unsigned char) **p))
	{
		n = n * 10 + *(*p)++ - '0';
		digits++;
	}
	*out = n;
	return digits > 0;
}

/* Names of months are taken for their numbers, too, as the guide's example wants. */
static bool
read_month(const char **p, int64_t *out)
{
	static const char *const names[] = {"January",	 "February", "March",	 "April",
										"May",		 "June",	 "July",	 "August",
										"September", "October",	 "November", "December"};

	for (int i = 0; i < 12; i++)
	{
		size_t n = strlen(names[i]);

		if (strncasecmp(*p, names[i], n) != 0 && strncasecmp(*p, names[i], n = 3) != 0)
			continue;
		*p += n;
		*out = i + 1;
		return true;
	}
	return read_number(p, 2, out);
}

/* Two digits are a year within 80 years before and 20 after now, as in Java. */
static bool
read_year(const char **p, int letters, int64_t *out)
{
	const char *from = *p;
	int64_t now, unused_year;
	int month, day;

	if (!read_number(p, 4, out))
		return false;
	if (letters > 2 || *p - from != 2)
		return true;
	sim_civil_from_days(sim_floor_div(sim_clock_now(), MS_PER_DAY), &unused_year, &month,
						&day);
	now = unused_year;
	*out += now - now % 100;
	if (*out > now + 20)
		*out -= 100;
	else if (*out <= now - 80)
		*out += 100;
	return true;
}

static bool
read_field(char letter, int letters, const char **p, moment *t)
{
	int64_t n = 0;
	bool ok = letter == 'y'	  ? read_year(p, letters, &n)
			  : letter == 'M' ? read_month(p, &n)
			  : letter == 'a' ? true
							  : read_number(p, 9, &n);

	if (!ok)
		return false;
	if (letter == 'y')
		t->year = n;
	else if (letter == 'M')
		t->month = (int) n;
	else if (letter == 'd')
		t->day = (int) n;
	else if (letter == 'H' || letter == 'h')
		t->hour = (int) (letter == 'h' ? n % 12 : n);
	else if (letter == 'm')
		t->minute = (int) n;
	else if (letter == 's')
		t->second = (int) n;
	else if (letter == 'a')
	{
		t->pm = strncasecmp(*p, "pm", 2) == 0;
		ok = t->pm || strncasecmp(*p, "am", 2) == 0;
		*p += ok ? 2 : 0;
	}
	else
		ok = letter == 'S'; /* no other letter is known */
	return ok;
}

/* The text as Salesforce writes dates; false: it is not of this pattern. */
static bool
read_date(const char *pattern, const char *text, sim_type type, char out[96])
{
	moment t = {.year = 1970, .month = 1, .day = 1};

	while (*pattern)
	{
		const char *from = pattern;

		if (*pattern == '\'')
		{
			for (pattern++; *pattern && *pattern != '\'';)
				if (*text++ != *pattern++)
					return false;
			pattern += *pattern == '\'';
		}
		else if (isalpha((unsigned char) *pattern))
		{
			while (*pattern == *from)
				pattern++;
			if (!read_field(*from, (int) (pattern - from), &text, &t))
				return false;
		}
		else if (*pattern++ != *text++)
			return false;
	}
	t.hour += t.pm ? 12 : 0;
	if (*text || t.year < 1 || !sim_civil_valid(t.year, t.month, t.day) || t.hour > 23 ||
		t.minute > 59 || t.second > 59)
		return false;
	if (type == SIM_T_DATE)
		snprintf(out, 96, "%04d-%02d-%02d", (int) t.year, t.month, t.day);
	else
		snprintf(out, 96, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int) t.year, t.month, t.day,
				 t.hour, t.minute, t.second);
	return true;
}

/* ---------------------------------------------------------------- translating */

static void
put_cell(sim_buf *out, const char *text, size_t len)
{
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		sim_buf_char(out, ',');
	sim_buf_char(out, '"');
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] == '"')
			sim_buf_char(out, '"');
		sim_buf_char(out, text[i]);
	}
	sim_buf_char(out, '"');
}

/* "Cat, Tom" and "Tom Cat": LastName, then FirstName. */
static void
put_person(sim_buf *out, const char *name)
{
	const char *comma = strchr(name, ',');
	const char *blank = strrchr(name, ' ');

	if (comma)
	{
		const char *first = comma + 1 + strspn(comma + 1, " ");

		put_cell(out, name, (size_t) (comma - name));
		put_cell(out, first, strlen(first));
	}
	else
	{
		put_cell(out, blank ? blank + 1 : name, strlen(blank ? blank + 1 : name));
		put_cell(out, name, blank ? (size_t) (blank - name) : 0);
	}
}

static void
put_value(sim_buf *out, mapping *m, const char *text)
{
	char date[96];

	if (*text == '\0')
		text = m->value;
	else if ((m->type == SIM_T_DATE || m->type == SIM_T_DATETIME) && *m->hint &&
			 read_date(m->hint, text, m->type, date))
		text = date;
	else if (m->type == SIM_T_BOOLEAN && *m->hint)
		text = (m->matches ? regexec(&m->truth, text, 0, NULL, 0) == 0
						   : strcmp(text, m->hint) == 0)
				   ? "true"
				   : "false";
	if (m->person)
		put_person(out, text);
	else
		put_cell(out, text, strlen(text));
}

/* The header of the data: which column each line takes, and the header that the fields make. */
static bool
put_header(spec *s, const csv_in *c, sim_buf *out)
{
	for (int col = 0; col < csv_in_count(c); col++)
	{
		char *name = cell_copy(c, col);

		if (name == NULL)
			return false;
		for (int i = 0; i < s->n; i++)
			if (*name && s->lines[i].column < 0 && strcmp(name, s->lines[i].header) == 0)
				s->lines[i].column = col;
		free(name);
	}
	for (int i = 0; i < s->n; i++)
	{
		if (s->lines[i].person)
		{
			put_cell(out, "LastName", 8);
			put_cell(out, "FirstName", 9);
		}
		else
			put_cell(out, s->lines[i].field, strlen(s->lines[i].field));
	}
	sim_buf_char(out, '\n');
	return true;
}

static bool
put_record(spec *s, const csv_in *c, sim_buf *out)
{
	for (int i = 0; i < s->n; i++)
	{
		mapping *m = &s->lines[i];
		char *text = m->column < 0 ? strdup("") : cell_copy(c, m->column);

		if (text == NULL)
			return false;
		put_value(out, m, text);
		free(text);
	}
	sim_buf_char(out, '\n');
	return !out->failed;
}

bool
bulk1_spec_apply(const bulk1_job *j, sim_buf *text, bulk1_outcome *o)
{
	sim_error err = {0};
	sim_buf out = {0};
	spec s = {0};
	csv_in *c = csv_in_memory(text->data ? text->data : "", text->len, ',', CSV_IN_ANY);
	bool ok = c && parse_spec(j->object, j->spec, strlen(j->spec), &s, &err);
	int rc = ok ? csv_in_next(c, &err) : -1;

	if (rc > 0)
		ok = put_header(&s, c, &out);
	/* the limit of a batch holds for what it becomes as well */
	while (rc > 0 && ok && (rc = csv_in_next(c, &err)) > 0)
		ok = put_record(&s, c, &out) && out.len <= 4 * (size_t) BULK1_MAX_BYTES;
	csv_in_free(c);
	free_spec(&s);
	sim_buf_free(text);
	*text = out;
	if (rc < 0 && err.message[0])
		return bulk1_fail(o, err.code, "%s", err.message);
	return ok || bulk1_fail(o, "InvalidBatch", "The batch cannot be transformed");
}

void
bulk1_spec_set(bulk1_request *r, const char *job_id)
{
	const sim_buf *body = &r->req->body;
	sim_error err = {0};
	spec s = {0};
	bulk1_job *j = bulk1_lock_job(r, job_id);
	char *text;

	if (j == NULL)
		return;
	text = strndup(body->data ? body->data : "", body->len);
	if (text == NULL)
		bulk1_error(r, "InternalServerError", "out of memory");
	else if (j->state != BULK1_OPEN || j->batches)
		bulk1_error(r, "InvalidJobState",
					"A transformation spec can only be added to an open "
					"job without batches");
	else if (j->type != BULK1_CSV || j->op == BULK1_QUERY || j->op == BULK1_QUERY_ALL)
		bulk1_error(r, "InvalidOperation",
					"A transformation spec needs a job that loads CSV data");
	else if (body->len >= SPEC_CHARS)
		bulk1_error(r, "InvalidBatch", "The transformation spec exceeds %d characters",
					SPEC_CHARS);
	else if (!parse_spec(j->object, text, strlen(text), &s, &err))
		bulk1_error(r, err.code, "%s", err.message);
	else
	{
		free(j->spec);
		j->spec = text;
		text = NULL;
		srv_text(r->req, 201, "application/xml", "");
	}
	free_spec(&s);
	free(text);
	bulk1_unlock(r);
}
