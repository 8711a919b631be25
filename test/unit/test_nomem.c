/*
 * test_nomem.c
 *		Every allocation fails once: each must end in SF_ERR_MEMORY, with nothing leaked and
 *		nothing broken.
 */
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static int allocations_left = -1; /* -1: never fail */

static bool
allocation_fails(void)
{
	if (allocations_left < 0)
		return false;
	if (allocations_left == 0)
		return true;
	allocations_left--;
	return false;
}

#include "nomem.h"

#include "../../src/client/sf_buf.c"
#include "../../src/client/sf_csv.c"
#include "../../src/client/sf_csv_columns.c"
#define fail inflate_fail
#include "../../src/client/sf_inflate.c"
#undef fail
#include "../../src/client/sf_json_rows.c"
#include "../../src/client/sf_secret.c"
#include "nomem_end.h"

/* Runs a scenario with the first, second, … allocation failing until it succeeds. */
static void
check(sf_status (*scenario)(sf_error *err), int least, const char *name)
{
	int n;

	for (n = 0; n < 1000; n++)
	{
		sf_error err = {0};
		sf_status status;

		allocations_left = n;
		status = scenario(&err);
		allocations_left = -1;
		if (status == SF_OK)
			break;
		if (err.cls != SF_ERR_MEMORY || strcmp(err.message, "out of memory") != 0)
		{
			ok(false, "%s: allocation %d", name, n);
			diag("class %d: %s", err.cls, err.message);
			return;
		}
	}
	ok(n >= least && n < 1000, "%s: %d allocations failed in turn", name, n);
}

static sf_status
buffers(sf_error *err)
{
	sf_buf b;
	sf_status status;

	sf_buf_init(&b, 100000);
	for (int i = 0; i < 1000; i++)
		sf_buf_puts(&b, "some text ");
	status = sf_buf_check(&b, "text", err);
	sf_buf_free(&b);
	return status;
}

static sf_status
secret_buffers(sf_error *err)
{
	sf_buf b;
	sf_status status;

	sf_buf_init_secret(&b, 100000);
	for (int i = 0; i < 1000; i++)
		sf_buf_puts(&b, "some text ");
	status = sf_buf_check(&b, "text", err);
	sf_buf_free(&b);
	return status;
}

static sf_status
secrets(sf_error *err)
{
	sf_secret s = {0};
	bool good = sf_secret_set(&s, "one") && sf_secret_set(&s, "two");

	sf_secret_clear(&s);
	return good ? SF_OK : sf_error_nomem(err);
}

static sf_status
csv_rows(sf_error *err)
{
	static const char text[] =
		"\"A\",\"B\",\"C\"\n\"1\",\"2\",\"a longer text, so long that the "
		"block has to grow for it, and then once more because of this\"\n";
	static const char *const names[] = {"C", "A", "c"};
	sf_csv_options opts = {.block_size = 64};
	sf_csv *csv = sf_csv_new(&opts, err);
	size_t left = sizeof(text) - 1;
	sf_status status = SF_WAIT;
	sf_value *values;

	if (csv == NULL)
		return SF_FAILED;
	if (sf_csv_map_columns(csv, names, 3, err) != SF_OK)
		status = SF_FAILED;
	while (status == SF_WAIT)
	{
		char *ptr;
		size_t room;

		status = sf_csv_block_begin(csv, &ptr, &room, err);
		if (status != SF_OK)
			break;
		room = room < left ? room : left;
		memcpy(ptr, text + sizeof(text) - 1 - left, room);
		left -= room;
		sf_csv_block_filled(csv, room, err);
		if (left == 0)
			sf_csv_finish(csv, err);
		while ((status = sf_csv_next(csv, &values, err)) == SF_OK)
		{
		}
	}
	sf_csv_free(csv);
	return status == SF_DONE ? SF_OK : status;
}

static sf_status
json_rows(sf_error *err)
{
	static const sf_column columns[] = {{"A", SF_COLUMN_TEXT}, {"B.C", SF_COLUMN_INT}};
	static const char text[] = "{\"records\":[{\"A\":\"text\",\"B\":{\"C\":5}}]}";
	sf_json_rows *rows = sf_json_rows_new(columns, 2, err);
	sf_json *root;
	sf_value *values;
	sf_status status;

	if (rows == NULL)
		return SF_FAILED;
	root = sf_json_parse(text, sizeof(text) - 1, "answer", err);
	sf_json_rows_begin(rows, sf_json_get(root, "records"), 1);
	status = sf_json_rows_next(rows, &values, err);
	sf_json_rows_free(rows);
	sf_json_free(root);
	return status;
}

static sf_status
inflating(sf_error *err)
{
	sf_inflate *z = sf_inflate_new(err);

	if (z == NULL)
		return SF_FAILED;
	sf_inflate_free(z);
	return SF_OK;
}

int
main(void)
{
	check(buffers, 5, "a growing buffer");
	check(secret_buffers, 5, "a growing secret buffer");
	check(secrets, 2, "secrets");
	check(csv_rows, 10, "CSV");
	check(json_rows, 8, "REST rows");
	check(inflating, 1, "inflate");
	return tap_done();
}
