/*
 * fuzz_json.c
 *		JSON answers of every sort: query records, error bodies, job info, describes.
 */
#include <stdlib.h>
#include <string.h>

#include "sf_json.h"
#include "sf_utf8.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever comes out must be what PostgreSQL takes: valid UTF-8, no NUL byte. */
static void
check_text(const char *text, size_t len)
{
	if (text[len] != 0 || sf_utf8_check(text, len, NULL) != len)
		abort();
}

static void
read_records(const sf_json *root)
{
	static const sf_column columns[] = {
		{"Id", SF_COLUMN_TEXT},			  {"Name", SF_COLUMN_TEXT},
		{"Account.Name", SF_COLUMN_TEXT}, {"Account.Owner.Name", SF_COLUMN_TEXT},
		{"Amount", SF_COLUMN_DOUBLE},	  {"N", SF_COLUMN_INT},
		{"B", SF_COLUMN_BOOLEAN},		  {"CreatedDate", SF_COLUMN_DATETIME},
		{"Address", SF_COLUMN_JSON},
	};
	const sf_json *records = sf_json_get(root, "records");

	/* all columns, then each alone, so that a missing one does not hide the others */
	for (int first = -1; first < 9; first++)
	{
		int n = first < 0 ? 9 : 1;
		sf_error err = {0};
		sf_json_rows *rows = sf_json_rows_new(first < 0 ? columns : columns + first, n, &err);
		sf_value *values;
		sf_status status;

		sf_json_rows_begin(rows, records, 1);
		while ((status = sf_json_rows_next(rows, &values, &err)) == SF_OK)
		{
			for (int i = 0; i < n; i++)
			{
				if (values[i].data != NULL)
					check_text(values[i].data, (size_t) values[i].len);
			}
		}
		if (status == SF_FAILED)
			check_text(err.message, strlen(err.message));
		sf_json_rows_free(rows);
	}
}

static void
read_members(const sf_json *root)
{
	const char *id = NULL;
	const char *state = NULL;
	const char *next = NULL;
	int version = 0;
	int64_t total = 0;
	double number = 0;
	bool done = false;
	const sf_json *fields = NULL;
	const sf_json *limits = NULL;
	const sf_json_field table[] = {
		{"id", SF_FIELD_STRING, &id, false},
		{"state", SF_FIELD_STRING, &state, false},
		{"nextRecordsUrl", SF_FIELD_STRING, &next, false},
		{"retries", SF_FIELD_INT, &version, false},
		{"totalSize", SF_FIELD_INT64, &total, false},
		{"apiVersion", SF_FIELD_DOUBLE, &number, false},
		{"done", SF_FIELD_BOOL, &done, false},
		{"fields", SF_FIELD_ARRAY, &fields, false},
		{"DailyApiRequests", SF_FIELD_OBJECT, &limits, false},
	};
	sf_error err = {0};

	sf_json_read(root, "answer", table, 9, &err);
	if (id != NULL)
		check_text(id, strlen(id));
	for (const sf_json *f = sf_json_first(fields); f != NULL; f = sf_json_next(f))
		sf_json_read(f, "field", table, 3, &err);
	sf_json_int64(sf_json_get(limits, "Max"), &total);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sf_error err = {0};
	sf_json *root = sf_json_parse((const char *) data, size, "answer", &err);
	sf_json *again;
	sf_buf printed;
	sf_buf printed_again;

	if ((root == NULL) != sf_error_is_set(&err))
		abort();
	sf_error_reset(&err);
	if (sf_json_remote_error((const char *) data, size, 400, SF_ERR_REMOTE, "fuzz", &err) !=
			SF_FAILED ||
		err.message[0] == 0)
		abort();
	check_text(err.message, strlen(err.message));
	check_text(err.detail, strlen(err.detail));
	check_text(err.code, strlen(err.code));
	if (root == NULL)
		return 0;

	read_records(root);
	read_members(root);

	/* what is printed is JSON again, and prints the same */
	sf_buf_init(&printed, 64 * 1024 * 1024);
	sf_buf_init(&printed_again, 64 * 1024 * 1024);
	if (sf_json_print(&printed, root) != SF_OK)
		abort();
	check_text(printed.data, printed.len);
	sf_error_reset(&err);
	again = sf_json_parse(printed.data, printed.len, "printed", &err);
	if (again == NULL || sf_json_print(&printed_again, again) != SF_OK ||
		strcmp(printed.data, printed_again.data) != 0)
		abort();
	sf_json_free(again);
	sf_buf_free(&printed);
	sf_buf_free(&printed_again);
	sf_json_free_wiped(root);
	return 0;
}
