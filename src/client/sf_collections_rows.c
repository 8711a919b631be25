/*
 * sf_collections_rows.c
 *		CSV rows to the JSON records of a Collections call.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sf_collections.h"
#include "sf_json.h"
#include "sf_utf8.h"

/* Salesforce's limit for a request body is larger than what 200 records of our callers have. */
#define COLUMNS_MAX 2000

/* A cell of the row at work; text points into the buffer of unquoted texts, or into the rows. */
typedef struct cell
{
	const char *text;
	size_t len;
	bool absent; /* empty, without quotes */
	bool null;	 /* #N/A, without quotes */
} cell;

typedef struct reader
{
	const sf_collections_spec *spec;
	const char *p;
	const char *end;
	cell *cells;
	char *text; /* unquoted texts of the row; as long as all rows, so that it never moves */
	size_t text_len;
} reader;

/* ---- CSV --------------------------------------------------------------------------- */

/* A quoted cell's text, with its quotes undoubled. */
static bool
read_quoted(reader *r, cell *c)
{
	c->text = r->text + r->text_len;
	for (r->p++; r->p < r->end; r->p++)
	{
		if (*r->p == '"')
		{
			if (r->p + 1 < r->end && r->p[1] == '"')
				r->p++;
			else
			{
				r->p++;
				c->len = (size_t) (r->text + r->text_len - c->text);
				return true;
			}
		}
		r->text[r->text_len++] = *r->p;
	}
	return false; /* no closing quote */
}

static bool
read_cell(reader *r, cell *c)
{
	memset(c, 0, sizeof(*c));
	if (r->p < r->end && *r->p == '"')
		return read_quoted(r, c);
	c->text = r->p;
	while (r->p < r->end && *r->p != ',' && *r->p != '\n')
	{
		if (*r->p == '"' || *r->p == '\r')
			return false;
		r->p++;
	}
	c->len = (size_t) (r->p - c->text);
	c->absent = c->len == 0;
	c->null = c->len == 4 && memcmp(c->text, "#N/A", 4) == 0;
	return true;
}

static bool
read_row(reader *r)
{
	r->text_len = 0;
	for (int i = 0; i < r->spec->ncolumns; i++)
	{
		char end = i + 1 < r->spec->ncolumns ? ',' : '\n';

		if (!read_cell(r, &r->cells[i]) || r->p >= r->end || *r->p != end)
			return false;
		r->p++;
	}
	return true;
}

/* ---- JSON -------------------------------------------------------------------------- */

static size_t
digits(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

/*
 * A number as JSON writes it: no plus, no leading zeros, digits on both sides of a point.  False, and
 * nothing appended, when the text is no number.
 */
static bool
put_number(sf_buf *out, const char *text, size_t len)
{
	const char *end = text + len;
	bool negative = len > 0 && *text == '-';
	const char *whole;
	const char *fraction = NULL;
	size_t nwhole;
	size_t nfraction = 0;

	if (negative || (len > 0 && *text == '+'))
		text++;
	whole = text;
	nwhole = digits(text, (size_t) (end - text));
	text += nwhole;
	if (text < end && *text == '.')
	{
		fraction = ++text;
		nfraction = digits(text, (size_t) (end - text));
		text += nfraction;
	}
	if (nwhole + nfraction == 0)
		return false;
	len = (size_t) (end - text); /* of the exponent */
	if (len > 0)
	{
		size_t sign = len > 1 && (text[1] == '-' || text[1] == '+') ? 1 : 0;

		if ((*text != 'e' && *text != 'E') || len < 2 + sign ||
			digits(text + 1 + sign, len - 1 - sign) != len - 1 - sign)
			return false;
	}
	for (; nwhole > 1 && *whole == '0'; nwhole--)
		whole++;
	if (negative)
		sf_buf_putc(out, '-');
	sf_buf_append(out, nwhole > 0 ? whole : "0", nwhole > 0 ? nwhole : 1);
	if (fraction != NULL)
	{
		sf_buf_putc(out, '.');
		sf_buf_append(out, nfraction > 0 ? fraction : "0", nfraction > 0 ? nfraction : 1);
	}
	sf_buf_append(out, text, len);
	return true;
}

static bool
is_word(const cell *c, const char *word)
{
	return c->len == strlen(word) && strncasecmp(c->text, word, c->len) == 0;
}

/* Ingest jobs take 1 and 0, and words in any case; JSON has just two words. */
static bool
put_boolean(sf_buf *out, const cell *c)
{
	bool yes = is_word(c, "true") || is_word(c, "1");

	if (!yes && !is_word(c, "false") && !is_word(c, "0"))
		return false;
	sf_buf_puts(out, yes ? "true" : "false");
	return true;
}

/*
 * NULL, or what a value that is none of its column's kind should have been.  One of another kind would
 * have Salesforce refuse the whole call, and not say for which row.
 */
static const char *
put_value(sf_buf *out, sf_column_kind kind, const cell *c)
{
	if (c->null)
		sf_buf_puts(out, "null");
	else if (kind == SF_COLUMN_BOOLEAN)
		return put_boolean(out, c) ? NULL : "a boolean";
	else if (kind == SF_COLUMN_INT || kind == SF_COLUMN_DOUBLE)
		return put_number(out, c->text, c->len) ? NULL : "a number";
	else
		sf_json_quote(out, c->text, c->len);
	return NULL;
}

/*
 * A path's parts: "Lead:Who.Email" has all three, "Account.Ext__c" no type, "Name" only a field.
 */
typedef struct path
{
	const char *type;
	size_t type_len;
	const char *parent;
	size_t parent_len;
	const char *field;
} path;

static path
split_path(const char *text)
{
	path p = {0};
	const char *colon = strchr(text, ':');
	const char *dot = strchr(text, '.');

	p.field = text;
	if (dot == NULL)
		return p;
	p.parent = text;
	if (colon != NULL && colon < dot)
	{
		p.type = text;
		p.type_len = (size_t) (colon - text);
		p.parent = colon + 1;
	}
	p.parent_len = (size_t) (dot - p.parent);
	p.field = dot + 1;
	return p;
}

static bool
same_parent(const path *a, const path *b)
{
	return a->parent != NULL && b->parent != NULL && a->parent_len == b->parent_len &&
		   strncasecmp(a->parent, b->parent, a->parent_len) == 0;
}

/* A cell that cannot be sent. */
static sf_status
cell_failed(const reader *r, int column, int row, sf_error *err)
{
	if (err != NULL)
	{
		sf_error_column(err, r->spec->columns[column].path);
		err->row = row + 1;
	}
	return SF_FAILED;
}

/* One member: its name and the cell's value. */
static sf_status
put_member(sf_buf *out, const reader *r, int column, int row, sf_error *err)
{
	const sf_column *c = &r->spec->columns[column];
	const cell *value = &r->cells[column];
	path p = split_path(c->path);
	const char *expected;

	sf_json_quote(out, p.field, strlen(p.field));
	sf_buf_putc(out, ':');
	expected = put_value(out, c->kind, value);
	if (expected == NULL)
		return SF_OK;
	sf_error_set(err, SF_ERR_DATA, "\"%.*s\" is not %s",
				 value->len < 40 ? (int) value->len : 40, value->text, expected);
	return cell_failed(r, column, row, err);
}

/* The object of a relationship, with the fields of all columns from first on that belong to it. */
static sf_status
put_parent(sf_buf *out, const reader *r, int first, int row, sf_error *err)
{
	path parent = split_path(r->spec->columns[first].path);
	const char *separator = "";

	/* one column with the type is enough for all */
	for (int i = 0; i < r->spec->ncolumns && parent.type == NULL; i++)
	{
		path p = split_path(r->spec->columns[i].path);

		if (same_parent(&parent, &p))
			parent = p;
	}

	sf_buf_putc(out, ',');
	sf_json_quote(out, parent.parent, parent.parent_len);
	sf_buf_puts(out, ":{");
	if (parent.type != NULL)
	{
		sf_buf_puts(out, "\"attributes\":{\"type\":");
		sf_json_quote(out, parent.type, parent.type_len);
		sf_buf_puts(out, "}");
		separator = ",";
	}
	for (int i = first; i < r->spec->ncolumns; i++)
	{
		path p = split_path(r->spec->columns[i].path);

		if (!same_parent(&parent, &p) || r->cells[i].absent)
			continue;
		sf_buf_puts(out, separator);
		if (put_member(out, r, i, row, err) != SF_OK)
			return SF_FAILED;
		separator = ",";
	}
	sf_buf_putc(out, '}');
	return SF_OK;
}

/* Has an earlier column written the relationship of this one? */
static bool
parent_is_written(const reader *r, int column)
{
	path p = split_path(r->spec->columns[column].path);

	for (int i = 0; i < column; i++)
	{
		path before = split_path(r->spec->columns[i].path);

		if (!r->cells[i].absent && same_parent(&p, &before))
			return true;
	}
	return false;
}

static sf_status
check_text(const reader *r, int row, sf_error *err)
{
	for (int i = 0; i < r->spec->ncolumns; i++)
	{
		const cell *c = &r->cells[i];
		size_t good = sf_utf8_check(c->text, c->len, NULL);

		if (good == c->len)
			continue;
		sf_error_set(err, SF_ERR_DATA, "the value for \"%s\" has %s", r->spec->columns[i].path,
					 c->text[good] == 0 ? "a NUL byte" : "invalid UTF-8");
		return cell_failed(r, i, row, err);
	}
	return SF_OK;
}

/* Does the row have a value for the external id? */
static bool
has_key(const reader *r)
{
	for (int i = 0; i < r->spec->ncolumns; i++)
	{
		if (strcasecmp(r->spec->columns[i].path, r->spec->external_id_field) == 0)
			return !r->cells[i].null && r->cells[i].len > 0;
	}
	return false;
}

static sf_status
put_record(sf_buf *out, const reader *r, int row, sf_error *err)
{
	if (check_text(r, row, err) != SF_OK)
		return SF_FAILED;
	sf_buf_puts(out, row > 0 ? "," : "");
	sf_buf_puts(out, "{\"attributes\":{\"type\":");
	sf_json_quote(out, r->spec->object, strlen(r->spec->object));
	sf_buf_puts(out, "}");
	for (int i = 0; i < r->spec->ncolumns; i++)
	{
		path p = split_path(r->spec->columns[i].path);

		if (r->cells[i].absent)
			continue;
		if (p.parent == NULL)
		{
			sf_buf_putc(out, ',');
			if (put_member(out, r, i, row, err) != SF_OK)
				return SF_FAILED;
		}
		else if (r->cells[i].null)
		{
			sf_error_set(err, SF_ERR_DATA, "null cannot be written to \"%s\"",
						 r->spec->columns[i].path);
			sf_error_hint(err, "A lookup is cleared through its Id field.");
			return cell_failed(r, i, row, err);
		}
		else if (!parent_is_written(r, i) && put_parent(out, r, i, row, err) != SF_OK)
			return SF_FAILED;
	}
	sf_buf_putc(out, '}');
	return SF_OK;
}

sf_status
sf_collections_records(sf_buf *out, const sf_collections_spec *spec, bool *keyless,
					   sf_error *err)
{
	reader r = {.spec = spec, .p = spec->rows, .end = spec->rows + spec->rows_len};
	sf_status st = SF_OK;

	if (spec->ncolumns < 1 || spec->ncolumns > COLUMNS_MAX)
		return sf_error_set(err, SF_ERR_CONFIG, "a call with %d columns", spec->ncolumns);
	r.cells = calloc((size_t) spec->ncolumns, sizeof(*r.cells));
	r.text = malloc(spec->rows_len + 1);
	if (r.cells == NULL || r.text == NULL)
		st = sf_error_nomem(err);
	for (int row = 0; row < spec->nrows && st == SF_OK; row++)
	{
		if (read_row(&r))
		{
			st = put_record(out, &r, row, err);
			if (spec->operation == SF_OP_UPSERT && !has_key(&r))
				*keyless = true;
		}
		else
			st = sf_error_set(err, SF_ERR_PROTOCOL, "row %d to be written is no CSV row",
							  row + 1);
	}
	if (st == SF_OK && r.p != r.end)
		st = sf_error_set(err, SF_ERR_PROTOCOL, "there are more than %d rows to be written",
						  spec->nrows);
	free(r.cells);
	free(r.text);
	return st;
}
