/*
 * sf_json_rows.c
 *		Records of REST query answers as rows with the bytes that bulk CSV gives.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sf_json.h"
#include "sf_status.h"
#include "sf_utf8.h"

/* A row's texts come from one answer, which its reader bounds; this keeps lengths in an int. */
#define ROW_MAX (1024 * 1024 * 1024)

typedef struct row_column
{
	char *path;	  /* for messages */
	char *buffer; /* the same, cut at its dots */
	int nparts;
	sf_column_kind kind;
} row_column;

/* Where a value's text is in the row's buffer; a pointer would move with it. */
typedef struct row_text
{
	bool null;
	size_t at;
	size_t len;
} row_text;

struct sf_json_rows
{
	int ncolumns;
	row_column *columns;
	row_text *texts;
	sf_value *values;
	sf_buf row;
	const sf_json *record; /* the next one */
	const sf_json *hint;   /* the member of this record that is probably next */
	int64_t number;		   /* of the next row */
};

static bool
copy_column(row_column *to, const sf_column *from)
{
	to->kind = from->kind;
	to->path = strdup(from->path);
	to->buffer = strdup(from->path);
	to->nparts = 1;
	if (to->path == NULL || to->buffer == NULL)
		return false;
	for (char *p = to->buffer; *p != 0; p++)
	{
		if (*p == '.')
		{
			*p = 0;
			to->nparts++;
		}
	}
	return true;
}

sf_json_rows *
sf_json_rows_new(const sf_column *columns, int ncolumns, sf_error *err)
{
	sf_json_rows *rows = calloc(1, sizeof(*rows));

	if (rows == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	sf_buf_init(&rows->row, ROW_MAX);
	rows->ncolumns = ncolumns;
	rows->columns = calloc((size_t) ncolumns + 1, sizeof(*rows->columns));
	rows->texts = calloc((size_t) ncolumns + 1, sizeof(*rows->texts));
	rows->values = calloc((size_t) ncolumns + 1, sizeof(*rows->values));
	if (rows->columns == NULL || rows->texts == NULL || rows->values == NULL)
		goto nomem;
	for (int i = 0; i < ncolumns; i++)
	{
		if (!copy_column(&rows->columns[i], &columns[i]))
			goto nomem;
	}
	return rows;

nomem:
	sf_json_rows_free(rows);
	sf_error_nomem(err);
	return NULL;
}

void
sf_json_rows_free(sf_json_rows *rows)
{
	if (rows == NULL)
		return;
	for (int i = 0; rows->columns != NULL && i < rows->ncolumns; i++)
	{
		free(rows->columns[i].path);
		free(rows->columns[i].buffer);
	}
	free(rows->columns);
	free(rows->texts);
	free(rows->values);
	sf_buf_free(&rows->row);
	free(rows);
}

void
sf_json_rows_begin(sf_json_rows *rows, const sf_json *records, int64_t first_row)
{
	rows->record = sf_json_first(records);
	rows->number = first_row;
}

/* ---- numbers ------------------------------------------------------------------------- */

/*
 * The shortest digits (no point, no trailing zeros, at least one) that read back as value, which is
 * positive and finite, and the exponent of the first of them.
 */
static int
shortest_digits(double value, char digits[SF_DOUBLE_TEXT_MAX], int *exponent)
{
	char text[SF_DOUBLE_TEXT_MAX];
	int n = 0;

	/*
	 * Up to 15 digits survive any normal double, so 15 without their zeros are the shortest if they
	 * read back at all.  Numbers near the smallest have fewer good digits; Java shows two at least.
	 */
	for (int precision = value < 1e-300 ? 1 : 14; precision <= 16; precision++)
	{
		snprintf(text, sizeof(text), "%.*e", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	for (const char *p = text; *p != 'e'; p++)
	{
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	}
	while (n > 1 && digits[n - 1] == '0')
		n--;
	*exponent = atoi(strchr(text, 'e') + 1);
	return n;
}

int
sf_double_java_text(double value, char out[SF_DOUBLE_TEXT_MAX])
{
	char digits[SF_DOUBLE_TEXT_MAX] = "0";
	char *to = out;
	int exponent;
	int n;
	int whole;

	if (isnan(value))
		return sprintf(out, "NaN");
	if (signbit(value))
	{
		*to++ = '-';
		value = -value;
	}
	if (isinf(value))
		return (int) (to - out) + sprintf(to, "Infinity");
	if (value == 0)
		return (int) (to - out) + sprintf(to, "0.0");

	n = shortest_digits(value, digits, &exponent);
	if (value < 1e-3 || value >= 1e7)
	{
		*to++ = digits[0];
		*to++ = '.';
		if (n == 1)
			*to++ = '0';
		memcpy(to, digits + 1, (size_t) n - 1);
		to += n - 1;
		return (int) (to - out) + sprintf(to, "E%d", exponent);
	}

	/* digits before the point: none for 0.00x, else exponent + 1 with zeros at the end */
	whole = exponent < 0 ? 0 : exponent + 1;
	if (whole == 0)
		*to++ = '0';
	for (int i = 0; i < whole; i++)
		*to++ = i < n ? digits[i] : '0';
	*to++ = '.';
	for (int i = exponent + 1; i < 0; i++)
		*to++ = '0';
	if (n <= whole)
		*to++ = '0';
	for (int i = whole; i < n; i++)
		*to++ = digits[i];
	*to = 0;
	return (int) (to - out);
}

/* ---- values -------------------------------------------------------------------------- */

static sf_status
bad_value(const sf_json_rows *rows, const row_column *column, const char *what, sf_error *err)
{
	if (err == NULL || sf_error_is_set(err))
		return SF_FAILED;
	sf_error_set(err, SF_ERR_PROTOCOL, "field \"%s\" %s in row %lld of the query's answer",
				 column->path, what, (long long) rows->number);
	sf_error_column(err, column->path);
	err->row = rows->number;
	return SF_FAILED;
}

/* A datetime's zone as bulk writes it: Z.  REST writes +0000. */
static void
put_datetime(sf_buf *out, const char *text)
{
	size_t len = strlen(text);

	if (len > 5 && strcmp(text + len - 5, "+0000") == 0)
		len -= 5;
	else if (len > 6 && strcmp(text + len - 6, "+00:00") == 0)
		len -= 6;
	else
	{
		sf_buf_append(out, text, len);
		return;
	}
	sf_buf_append(out, text, len);
	sf_buf_putc(out, 'Z');
}

static void
put_number(sf_buf *out, const sf_json *node, sf_column_kind kind, const char **what)
{
	char text[SF_DOUBLE_TEXT_MAX];
	double number = 0;

	if (kind != SF_COLUMN_DOUBLE)
	{
		sf_json_number_text(out, node);
		return;
	}
	if (!sf_json_double(node, &number))
		*what = "is out of range";
	sf_buf_append(out, text, (size_t) sf_double_java_text(number, text));
}

/* Appends one value's text; *what is set when the node does not fit the column. */
static void
put_value(sf_buf *out, const sf_json *node, sf_column_kind kind, const char **what)
{
	bool flag = false;

	if (kind == SF_COLUMN_JSON)
	{
		sf_json_print(out, node);
		return;
	}
	switch (sf_json_kind_of(node))
	{
		case SF_JSON_NULL:
			break;
		case SF_JSON_STRING:
			if (kind == SF_COLUMN_DATETIME)
				put_datetime(out, sf_json_text(node));
			else
				sf_buf_puts(out, sf_json_text(node));
			break;
		case SF_JSON_NUMBER:
			if (kind == SF_COLUMN_DATETIME || kind == SF_COLUMN_BOOLEAN)
				*what = "is a number";
			else
				put_number(out, node, kind, what);
			break;
		case SF_JSON_BOOL:
			if (kind != SF_COLUMN_BOOLEAN && kind != SF_COLUMN_TEXT)
				*what = "is a boolean";
			sf_json_bool(node, &flag);
			sf_buf_puts(out, flag ? "true" : "false");
			break;
		case SF_JSON_ARRAY:
		case SF_JSON_OBJECT:
			/* a compound field, or a list, that is wanted as text */
			if (kind != SF_COLUMN_TEXT)
				*what = "is not a simple value";
			else
				sf_json_print(out, node);
			break;
	}
}

/*
 * The record's member of this name.  Members come in the order of the SELECT list, so looking at
 * the one behind the last hit saves a search that wide rows would notice.
 */
static const sf_json *
find_member(sf_json_rows *rows, const char *name)
{
	const sf_json *node = rows->hint;

	for (int tries = 0; tries < 2 && node != NULL; tries++, node = sf_json_next(node))
	{
		if (strcasecmp(sf_json_name(node), name) == 0)
		{
			rows->hint = sf_json_next(node);
			return node;
		}
	}
	node = sf_json_get_nocase(rows->record, name);
	if (node != NULL)
		rows->hint = sf_json_next(node);
	return node;
}

static sf_status
read_column(sf_json_rows *rows, int i, sf_error *err)
{
	const row_column *column = &rows->columns[i];
	row_text *text = &rows->texts[i];
	const char *part = column->buffer;
	const sf_json *node = find_member(rows, part);
	const char *what = NULL;

	for (int level = 1; level < column->nparts; level++)
	{
		if (node == NULL)
			break;
		/* no parent: all of its fields are null */
		if (sf_json_kind_of(node) == SF_JSON_NULL)
			break;
		if (sf_json_kind_of(node) != SF_JSON_OBJECT)
			return bad_value(rows, column, "has a parent that is no object", err);
		part += strlen(part) + 1;
		node = sf_json_get_nocase(node, part);
	}
	if (node == NULL)
		return bad_value(rows, column, "is missing", err);

	text->null = true;
	if (sf_json_kind_of(node) == SF_JSON_NULL)
		return SF_OK;
	text->at = rows->row.len;
	put_value(&rows->row, node, column->kind, &what);
	if (what != NULL)
		return bad_value(rows, column, what, err);
	text->len = rows->row.len - text->at;
	text->null = text->len == 0;
	/* its 0 */
	if (sf_buf_append(&rows->row, "", 1) != SF_OK)
		return sf_buf_check(&rows->row, "a row of the query's answer", err);
	return SF_OK;
}

sf_status
sf_json_rows_next(sf_json_rows *rows, sf_value **values, sf_error *err)
{
	if (rows->record == NULL)
		return SF_DONE;
	if (sf_json_kind_of(rows->record) != SF_JSON_OBJECT)
	{
		if (err == NULL || sf_error_is_set(err))
			return SF_FAILED;
		sf_error_set(err, SF_ERR_PROTOCOL, "row %lld of the query's answer is not an object",
					 (long long) rows->number);
		err->row = rows->number;
		return SF_FAILED;
	}

	sf_buf_reset(&rows->row);
	rows->hint = sf_json_first(rows->record);
	/* the first member is Salesforce's own note */
	if (strcmp(sf_json_name(rows->hint), "attributes") == 0)
		rows->hint = sf_json_next(rows->hint);
	for (int i = 0; i < rows->ncolumns; i++)
	{
		if (read_column(rows, i, err) != SF_OK)
			return SF_FAILED;
	}
	for (int i = 0; i < rows->ncolumns; i++)
	{
		const row_text *text = &rows->texts[i];

		rows->values[i].data = text->null ? NULL : rows->row.data + text->at;
		rows->values[i].len = text->null ? 0 : (int) text->len;
	}
	rows->record = sf_json_next(rows->record);
	rows->number++;
	*values = rows->values;
	return SF_OK;
}

/* ---- bytes that no row can have ---------------------------------------------------------- */

/* Behind a string that starts at p, or at the NUL character in it, or at end. */
static const char *
skip_string(const char *p, const char *end, bool *nul)
{
	for (; p < end && *p != '"'; p++)
	{
		if (*p != '\\')
			continue;
		if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0)
		{
			*nul = true;
			return p;
		}
		p++;
	}
	return p < end ? p + 1 : end;
}

void
sf_json_rows_locate(const char *text, size_t len, int64_t first_row, sf_error *err)
{
	const char *end = text + sf_utf8_check(text, len, NULL);
	const char *name = NULL;
	size_t name_len = 0;
	int64_t row = first_row - 1;
	int depth = 0;
	bool nul = false;
	char column[sizeof(err->column)];

	if (err == NULL)
		return;
	for (const char *p = text; p < end && !nul;)
	{
		const char *start = p + 1;
		char c = *p++;

		if (c == '"')
		{
			p = skip_string(start, end, &nul);
			if (depth == 3 && p < end && *p == ':')
			{
				name = start;
				name_len = (size_t) (p - start - 1);
			}
		}
		else if (c == '{' || c == '[')
		{
			if (++depth == 3 && c == '{')
				row++;
		}
		else if (c == '}' || c == ']')
			depth--;
	}
	if (depth < 3 || name == NULL)
		return;
	err->row = row;
	sf_text_copy(column, sizeof(column), name, name_len);
	sf_error_column(err, column);
}
