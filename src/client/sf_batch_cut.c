/*
 * sf_batch_cut.c
 *		Where a stream of CSV rows is cut into batches.
 */
#include "sf_batch_cut.h"

void
sf_batch_cut_begin(sf_batch_cut *cut, size_t header_bytes)
{
	cut->rows = 0;
	cut->bytes = header_bytes;
	sf_batch_cut_back(cut);
}

size_t
sf_batch_cut_read(sf_batch_cut *cut, const char *data, size_t len, bool *ended)
{
	bool quoted = cut->quoted;
	size_t n = 0;

	*ended = false;
	while (n < len && !*ended)
	{
		char c = data[n++];

		/* doubled quotes go out and in again */
		if (c == '"')
			quoted = !quoted;
		else if (c == '\n' && !quoted)
			*ended = true;
	}
	cut->quoted = quoted;
	cut->row_bytes += n;
	return n;
}

bool
sf_batch_cut_take(sf_batch_cut *cut)
{
	size_t bytes = cut->row_bytes;

	sf_batch_cut_back(cut);
	if (cut->rows >= cut->max_rows || bytes > cut->max_bytes ||
		cut->bytes > cut->max_bytes - bytes)
		return false;
	cut->rows++;
	cut->bytes += bytes;
	return true;
}

void
sf_batch_cut_back(sf_batch_cut *cut)
{
	cut->quoted = false;
	cut->row_bytes = 0;
}
