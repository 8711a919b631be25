/*
 * fuzz_csv.c
 *		The CSV parser: any cutting of the input must give what the whole input gives.
 *
 * The first byte chooses delimiter and mapping, the second the size of the pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "sf_buf.h"
#include "sf_csv.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX (16 * 1024 * 1024)

typedef struct result
{
	sf_buf rows;
	sf_status status;
	sf_error err;
} result;

static void
take_rows(sf_csv *csv, result *r)
{
	sf_value *values;

	while ((r->status = sf_csv_next(csv, &values, &r->err)) == SF_OK)
	{
		for (int i = 0; i < sf_csv_ncolumns(csv); i++)
		{
			if (values[i].data == NULL ? values[i].len != 0 : values[i].len <= 0)
				abort();
			if (values[i].data == NULL)
			{
				sf_buf_putc(&r->rows, 'n');
				continue;
			}
			if (values[i].data[values[i].len] != 0 ||
				strlen(values[i].data) != (size_t) values[i].len)
				abort();
			sf_buf_printf(&r->rows, "%d:", values[i].len);
			sf_buf_append(&r->rows, values[i].data, (size_t) values[i].len);
			/* a reader may change the texts */
			if (!(i > 0 && values[i].data == values[0].data))
				memset(values[i].data, '"', (size_t) values[i].len);
		}
		sf_buf_putc(&r->rows, '\n');
	}
}

static void
run(const uint8_t *data, size_t size, const sf_csv_options *opts, bool mapped, size_t pieces,
	result *r)
{
	static const char *const names[] = {"B", "a"};
	sf_csv *csv;

	memset(r, 0, sizeof(*r));
	sf_buf_init(&r->rows, OUT_MAX);
	csv = sf_csv_new(opts, &r->err);
	if (csv == NULL)
		abort();
	if (mapped && sf_csv_map_columns(csv, names, 2, &r->err) != SF_OK)
		abort();
	r->status = SF_WAIT;
	while (r->status == SF_WAIT)
	{
		char *ptr;
		size_t room;
		size_t n;

		if (size == 0)
			sf_csv_finish(csv, &r->err);
		else
		{
			if (sf_csv_block_begin(csv, &ptr, &room, &r->err) != SF_OK)
			{
				r->status = SF_FAILED;
				break;
			}
			n = pieces == 0 ? size : 1 + (size * 7 + pieces) % pieces;
			if (n > room)
				n = room;
			if (n > size)
				n = size;
			memcpy(ptr, data, n);
			data += n;
			size -= n;
			if (sf_csv_block_filled(csv, n, &r->err) != SF_OK)
				abort();
		}
		take_rows(csv, r);
	}
	sf_csv_free(csv);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char delimiters[] = ",,,,\t|;^";
	sf_csv_options opts = {0};
	result whole;
	result cut;
	bool mapped;
	size_t pieces;

	if (size < 2)
		return 0;
	opts.delimiter = delimiters[data[0] & 7];
	mapped = (data[0] & 8) != 0;
	pieces = data[1] == 0 ? 1 : data[1];
	data += 2;
	size -= 2;

	run(data, size, &opts, mapped, 0, &whole);
	opts.block_size = 64;
	run(data, size, &opts, mapped, pieces, &cut);

	/*
	 * Rows, end and row number agree always.  Where one row is both malformed and not UTF-8, which of
	 * the two is seen first depends on the cuts.
	 */
	if (whole.status != cut.status || whole.rows.len != cut.rows.len ||
		memcmp(sf_buf_text(&whole.rows), sf_buf_text(&cut.rows), whole.rows.len) != 0 ||
		whole.err.row != cut.err.row)
		abort();
	if (whole.status == SF_FAILED && (whole.err.message[0] == 0 || cut.err.message[0] == 0))
		abort();
	sf_buf_free(&whole.rows);
	sf_buf_free(&cut.rows);
	return 0;
}
