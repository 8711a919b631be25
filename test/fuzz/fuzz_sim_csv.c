/*
 * fuzz_sim_csv.c
 *		The simulator's reader of uploaded CSV: whoever begins again behind a record reads the
 *		same as whoever goes on.
 *
 * The first byte chooses the delimiter, the line ending and the flags.
 */
#include <stdlib.h>
#include <string.h>

#include "csv_in.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
compare(const csv_in *a, const csv_in *b)
{
	if (csv_in_count(a) != csv_in_count(b) || csv_in_count(a) < 1 ||
		csv_in_count(a) > CSV_IN_COLUMNS || csv_in_chars(a) > CSV_IN_RECORD_CHARS)
		abort();
	for (int i = 0; i < csv_in_count(a); i++)
	{
		size_t alen, blen;
		const char *at = csv_in_cell(a, i, &alen);
		const char *bt = csv_in_cell(b, i, &blen);

		if (alen != blen || memcmp(at, bt, alen) != 0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char delims[] = ",`^|;\t";
	const char *text = (const char *) data + 1;
	sim_error err = {0};
	csv_in_eol eol;
	char delim;
	csv_in *c;
	int rc;

	if (size < 1)
		return 0;
	delim = delims[data[0] % 6];
	eol = (csv_in_eol) (data[0] / 6 % 3);
	size--;
	c = csv_in_memory(text, size, delim, eol);
	csv_in_flags(c, data[0] & 64, data[0] & 128);
	do
	{
		size_t at = (size_t) csv_in_offset(c);
		csv_in *again = csv_in_memory(text + at, size - at, delim, eol);
		sim_error other = {0};

		csv_in_flags(again, data[0] & 64, data[0] & 128);
		rc = csv_in_next(c, &err);
		if (csv_in_next(again, &other) != rc ||
			(rc < 0 && strcmp(err.message, other.message) != 0))
			abort();
		if (rc > 0)
			compare(c, again);
		csv_in_free(again);
	} while (rc > 0);
	csv_in_free(c);
	return 0;
}
