/*
 * sf_csv.h
 *		A push parser for the CSV of bulk query results (level 1).
 *
 * Format (Bulk API 2.0 guide, query_get_job_results; recordings): every cell quoted, quotes
 * doubled, line breaks raw inside quotes, a header row on each page, "" for null.  Beyond that
 * unquoted cells, CRLF, a UTF-8 byte order mark and a missing last line break are taken.
 *
 * Zero copy: the caller writes the text straight into the parser's block (so inflate can write
 * there), records are split in place, values point into the block.  Only the unfinished record
 * at a block's end is moved to the front of the next one.
 *
 *		loop:
 *			sf_csv_block_begin(csv, &ptr, &room, err)		all rows were taken: get room
 *			… write n <= room bytes at ptr …
 *			sf_csv_block_filled(csv, n, err)				or, at the end, sf_csv_finish(csv, err)
 *			while (sf_csv_next(csv, &values, err) == SF_OK) …
 *		until sf_csv_next answers SF_DONE
 */
#ifndef SF_CSV_H
#define SF_CSV_H

#include "sf_client.h"

typedef struct sf_csv sf_csv;

/*
 * Bytes of a block.  256 kB is what measured best for inflate + split: it stays in the second
 * level cache and the fixed cost of a block vanishes.
 */
#define SF_CSV_BLOCK_SIZE (256 * 1024)

/*
 * Most bytes of one record.  Salesforce gives an object at most 1,638,400 characters of long text,
 * 3 bytes each (4 for the ones that count as two), plus 800 fields of 255 characters: under 6 MB as
 * CSV.  32 MB leaves room for what that misses and still bounds the backend.  The block grows
 * towards it only when such a record comes.
 */
#define SF_CSV_RECORD_MAX (32 * 1024 * 1024)

/* Most columns of a header row; an object has some 900 fields at most. */
#define SF_CSV_COLUMNS_MAX 4096

typedef struct sf_csv_options
{
	char delimiter;	   /* 0 means ',' */
	size_t block_size; /* 0 means SF_CSV_BLOCK_SIZE; at least 64 */
	size_t record_max; /* 0 means SF_CSV_RECORD_MAX */
} sf_csv_options;

/*
 * A new parser that expects a header row.  opts may be NULL.  The block is allocated at the first
 * sf_csv_block_begin.  NULL with *err filled on failure.
 */
extern sf_csv *sf_csv_new(const sf_csv_options *opts, sf_error *err);

/* Frees it and its block.  NULL is fine. */
extern void sf_csv_free(sf_csv *csv);

/*
 * Which columns rows shall have, in which order: each name is looked up in every page's header row,
 * ignoring ASCII case (the server may answer in the metadata's case).  Columns of the file that are
 * not named are skipped; of several with one name the first counts; a name may be given twice (both
 * values then share one text).  Names are copied.  Without this call rows have the file's columns.
 * Call it before the first sf_csv_next, and again only after sf_csv_restart.
 */
extern sf_status
sf_csv_map_columns(sf_csv *csv, const char *const *names, int nnames, sf_error *err);

/*
 * A header row of this one cell means that there are no rows: what Bulk API 1.0 sends for an empty result
 * ("Records not found for this query").  Rows behind it have no values.  The text must outlive the parser.
 */
extern void sf_csv_set_no_rows(sf_csv *csv, const char *text);

/*
 * Back to the start for another page (header row again, row number 0), whatever the state; keeps
 * mapping, options and memory up to the usual block size.
 */
extern void sf_csv_restart(sf_csv *csv);

/*
 * Gives the place to write input to: *room (at least 1) bytes at *ptr.  Moves the unfinished record
 * there, so values of earlier rows become invalid.  Call it when sf_csv_next has answered SF_WAIT
 * (or before the first call).  Calling it twice gives the same place.  SF_FAILED: out of memory, or
 * SF_ERR_LIMIT when the unfinished record is longer than record_max (the error names the row).
 */
extern sf_status sf_csv_block_begin(sf_csv *csv, char **ptr, size_t *room, sf_error *err);

/*
 * Says that n bytes were written.  Checks them for NUL bytes and invalid UTF-8 at once, but reports
 * what it finds from sf_csv_next when the row concerned is reached, as SF_ERR_DATA with row and
 * column.  SF_OK, or SF_FAILED when n is more than the room given.
 */
extern sf_status sf_csv_block_filled(sf_csv *csv, size_t n, sf_error *err);

/* Says that the input is complete; then call sf_csv_next until SF_DONE.  Always SF_OK. */
extern sf_status sf_csv_finish(sf_csv *csv, sf_error *err);

/*
 * The next row.
 *		SF_OK		*values: sf_csv_ncolumns() values; the array is valid until the next call, the
 *					texts until the next sf_csv_block_begin.  data[len] is 0; an empty field has
 *					data NULL and len 0.  The reader may change the texts in place.
 *		SF_WAIT		all rows of this block are taken
 *		SF_DONE		after sf_csv_finish: the end, and everything was well-formed.  An empty body
 *					and one with only a header row have no rows.
 *		SF_FAILED	SF_ERR_PROTOCOL with row number: a quote that is not closed or goes on, too few
 *					or too many fields, a column that the header lacks; SF_ERR_DATA with row and
 *					column: NUL or not UTF-8; SF_ERR_LIMIT, SF_ERR_MEMORY.  It stays failed.
 * Row numbers are 1-based within the page, without the header row (that is row 0).
 */
extern sf_status sf_csv_next(sf_csv *csv, sf_value **values, sf_error *err);

/* Values per row: the mapped columns, or the file's (0 before the header row was read). */
extern int sf_csv_ncolumns(const sf_csv *csv);

/* Name of one column of the file as its header has it, or NULL. */
extern const char *sf_csv_header_name(const sf_csv *csv, int file_column);

/* Rows handed out since the start or the last restart. */
extern int64_t sf_csv_rows(const sf_csv *csv);

#endif /* SF_CSV_H */
