/*
 * csv_in.h
 *		Reading the CSV text that clients upload, a record at a time.
 *
 * Takes what Salesforce's bulk reader takes and refuses what that refuses, with its texts: a value that has
 * a quote must be within quotes, nothing may follow an end quote, blank records do not count, a newline within
 * quotes becomes LF (protocol notes, 2.7, 2.8 and 11).  Memory is bounded by the largest record that is allowed.
 */
#ifndef SFSIM_CSV_IN_H
#define SFSIM_CSV_IN_H

#include "engine.h"

#define CSV_IN_CELL_CHARS	131072 /* UTF-16 code units, as Java counts */
#define CSV_IN_COLUMNS		5000
#define CSV_IN_RECORD_CHARS 400000
#define CSV_IN_HEADER_CHARS 32000

/* How the lines of the text have to end. */
typedef enum csv_in_eol
{
	CSV_IN_LF,
	CSV_IN_CRLF,
	CSV_IN_ANY /* LF, CRLF or CR: Bulk API 1.0 */
} csv_in_eol;

typedef struct csv_in csv_in;

/* Of len bytes in memory, which stay the caller's.  NULL: no memory. */
csv_in *csv_in_memory(const char *data, size_t len, char delim, csv_in_eol eol);

/* Of a file from this offset on (a record's beginning); the descriptor stays the caller's. */
csv_in *csv_in_file(int fd, int64_t offset, char delim, csv_in_eol eol);

void csv_in_free(csv_in *c);

/*
 * strict: line breaks within quotes, too, must be of the kind that the text's lines end with.  keep_crlf: CRLF within
 * quotes stays as it is.  Both are off at first.
 */
void csv_in_flags(csv_in *c, bool strict, bool keep_crlf);

/*
 * The next record that is not blank: 1; the end: 0; -1 and *err, whose code is "InvalidBatch" or
 * "ClientInputError" (an error message of a job is CODE : message).  Nothing can be read after an error.
 */
int csv_in_next(csv_in *c, sim_error *err);

/* Its cells: UTF-8 (malformed bytes are replaced), no NUL at the end, valid until the next record. */
int csv_in_count(const csv_in *c);
const char *csv_in_cell(const csv_in *c, int i, size_t *len);

/* The first record as it was sent, without the line ending; at most CSV_IN_HEADER_CHARS bytes of it. */
const char *csv_in_raw(const csv_in *c, size_t *len);

/* Offset of the first byte behind it, and its length in characters (of all cells). */
int64_t csv_in_offset(const csv_in *c);
int64_t csv_in_chars(const csv_in *c);

#endif /* SFSIM_CSV_IN_H */
