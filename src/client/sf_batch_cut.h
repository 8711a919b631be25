/*
 * sf_batch_cut.h
 *		Where a stream of CSV rows is cut into batches (level 1).  Pure functions, no allocation.
 *
 * A batch of Bulk API 1.0 has at most 10,000 rows, 10 MB and 10,000,000 characters (Bulk API guide, limits).
 * A text has no more characters than bytes, so that 10,000,000 bytes are right by all of them.
 */
#ifndef SF_BATCH_CUT_H
#define SF_BATCH_CUT_H

#include "sf_status.h"

#define SF_BATCH_BYTES_MAX 10000000
#define SF_BATCH_ROWS_MAX  10000

typedef struct sf_batch_cut
{
	int max_rows;
	size_t max_bytes; /* of a batch, its header row included */
	int rows;		  /* whole ones that the batch has */
	size_t bytes;
	bool quoted;	  /* the row at hand is inside of quotes */
	size_t row_bytes; /* of it so far */
} sf_batch_cut;

/* Begins a batch; its header row has so many bytes. */
extern void sf_batch_cut_begin(sf_batch_cut *cut, size_t header_bytes);

/*
 * Reads on to the end of the row at hand, its LF included, or of the data; returns the bytes read.
 * *ended: the row has ended.
 */
extern size_t sf_batch_cut_read(sf_batch_cut *cut, const char *data, size_t len, bool *ended);

/* The row at hand becomes one of the batch; false when it does not fit.  Then the next one is at hand. */
extern bool sf_batch_cut_take(sf_batch_cut *cut);

/* Forgets what was read of the row at hand: it will be read again from its first byte. */
extern void sf_batch_cut_back(sf_batch_cut *cut);

#endif /* SF_BATCH_CUT_H */
