/*
 * fuzz_collections.c
 *		CSV rows to JSON records: whatever the bytes, either they are refused or one valid JSON object
 *		comes out for each row, which says what a reader of the same CSV, written here the slow way, says.
 *
 * The first byte chooses the number of rows; the rest are the rows.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sf_collections.h"
#include "sf_json.h"
#include "sf_utf8.h"

#define NCOLUMNS 5

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const sf_column columns[NCOLUMNS] = {{"Name", SF_COLUMN_TEXT},
											{"Amount", SF_COLUMN_DOUBLE},
											{"Lead:Who.Email", SF_COLUMN_TEXT},
											{"Active", SF_COLUMN_BOOLEAN},
											{"Who.Count__c", SF_COLUMN_INT}};

typedef struct cell
{
	char *text; /* 0-terminated: NUL bytes are refused */
	bool quoted;
} cell;

/*
 * The slow reader: one cell by a state machine, character by character.  Behind it *p is at the
 * separator.  The rows were accepted, so they are well-formed, or abort.
 */
static cell
read_cell(const char **p, const char *end)
{
	cell c = {.text = calloc((size_t) (end - *p) + 1, 1)};
	size_t n = 0;
	enum
	{
		START,
		BARE,
		INSIDE,
		QUOTE
	} state = START;

	for (; *p < end; (*p)++)
	{
		char ch = **p;

		if (state == START && ch == '"')
		{
			c.quoted = true;
			state = INSIDE;
		}
		else if (state == INSIDE && ch == '"')
			state = QUOTE;
		else if (state == QUOTE && ch == '"')
		{
			c.text[n++] = '"';
			state = INSIDE;
		}
		else if (state == INSIDE)
			c.text[n++] = ch;
		else if (ch == ',' || ch == '\n')
			return c;
		else if (state == QUOTE || ch == '"' || ch == '\r')
			abort();
		else
		{
			c.text[n++] = ch;
			state = BARE;
		}
	}
	abort();
}

/* The node of a column in a record, NULL when it is not there. */
static const sf_json *
node_of(const sf_json *record, int column)
{
	const char *dot = strchr(columns[column].path, '.');

	if (dot == NULL)
		return sf_json_get(record, columns[column].path);
	return sf_json_get(sf_json_get(record, "Who"), dot + 1);
}

/* Numbers that JSON has another text for: by value. */
static void
check_number(const sf_json *node, const char *text)
{
	double value;

	/* one that is too large for a double is no matter here */
	if (sf_json_double(node, &value) && value != strtod(text, NULL))
		abort();
}

static void
check_cell(const sf_json *node, sf_column_kind kind, const cell *c)
{
	bool value = false;

	if (!c->quoted && c->text[0] == '\0')
	{
		if (node != NULL)
			abort();
		return;
	}
	if (node == NULL)
		abort();
	if (!c->quoted && strcmp(c->text, "#N/A") == 0)
	{
		if (sf_json_kind_of(node) != SF_JSON_NULL)
			abort();
		return;
	}
	switch (sf_json_kind_of(node))
	{
		case SF_JSON_STRING:
			if (kind != SF_COLUMN_TEXT || strcmp(sf_json_text(node), c->text) != 0)
				abort();
			break;
		case SF_JSON_BOOL:
			sf_json_bool(node, &value);
			if (kind != SF_COLUMN_BOOLEAN ||
				(strcasecmp(c->text, value ? "true" : "false") != 0 &&
				 strcmp(c->text, value ? "1" : "0") != 0))
				abort();
			break;
		case SF_JSON_NUMBER:
			if (kind != SF_COLUMN_INT && kind != SF_COLUMN_DOUBLE)
				abort();
			check_number(node, c->text);
			break;
		default:
			abort();
	}
}

static void
check_records(const sf_buf *json, const sf_collections_spec *spec)
{
	sf_error err = {0};
	sf_json *root = sf_json_parse(sf_buf_text(json), json->len, "the records", &err);
	const char *p = spec->rows;
	const char *end = spec->rows + spec->rows_len;

	if (root == NULL || sf_json_count(root) != spec->nrows)
		abort();
	for (const sf_json *record = sf_json_first(root); record != NULL;
		 record = sf_json_next(record))
	{
		const char *type =
			sf_json_text(sf_json_get(sf_json_get(record, "attributes"), "type"));

		if (type == NULL || strcmp(type, spec->object) != 0)
			abort();
		for (int i = 0; i < NCOLUMNS; i++)
		{
			cell c = read_cell(&p, end);

			if (*p++ != (i + 1 < NCOLUMNS ? ',' : '\n'))
				abort();
			check_cell(node_of(record, i), columns[i].kind, &c);
			free(c.text);
		}
	}
	if (p != end)
		abort();
	sf_json_free(root);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sf_collections_spec spec = {.object = "Some\"Object",
								.operation = SF_OP_UPSERT,
								.external_id_field = "Name",
								.columns = columns,
								.ncolumns = NCOLUMNS};
	sf_error err = {0};
	bool keyless = false;
	char *rows;
	sf_buf out;

	if (size < 1)
		return 0;
	/* a copy that ends where the rows end, so that reading on is noticed */
	rows = malloc(size > 1 ? size - 1 : 1);
	memcpy(rows, data + 1, size - 1);
	spec.nrows = 1 + data[0] % 4;
	spec.rows = rows;
	spec.rows_len = size - 1;
	sf_buf_init(&out, 64 * 1024 * 1024);
	sf_buf_putc(&out, '[');
	if (sf_collections_records(&out, &spec, &keyless, &err) == SF_OK)
	{
		sf_buf_putc(&out, ']');
		if (sf_utf8_check(rows, spec.rows_len, NULL) != spec.rows_len)
			abort();
		check_records(&out, &spec);
	}
	else if (!sf_error_is_set(&err))
		abort();
	sf_buf_free(&out);
	free(rows);
	return 0;
}
