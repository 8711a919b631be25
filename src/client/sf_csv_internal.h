/*
 * sf_csv_internal.h
 *		What the two halves of the CSV parser share: records in sf_csv.c, the file's and the
 *		caller's columns in sf_csv_columns.c.
 */
#ifndef SF_CSV_INTERNAL_H
#define SF_CSV_INTERNAL_H

#include "sf_csv.h"

/* One wanted column that is given a second time: values[to] = values[from]. */
typedef struct repeat
{
	int to;
	int from;
} repeat;

/* Where next_quote goes on: see there. */
typedef struct quotes
{
	char *at;
#if defined(__SSE2__)
	uint64_t mask; /* quotes not taken yet in the 64 bytes at "at" */
#endif
} quotes;

struct sf_csv
{
	/* options */
	char delimiter;
	size_t block_size;
	size_t record_max;

	/* the block */
	char *block;
	size_t alloc;  /* usable bytes, without the padding */
	char *end;	   /* behind the input */
	char *checked; /* valid UTF-8 up to here, or up to the character that is cut off at end */
	char *bad;	 /* the first byte that is not, or NULL; always in a field not finished yet */
	size_t room; /* what the last block_begin gave */

	/* where the reading is */
	char *record;	/* start of the current record */
	char *field;	/* start of its first unfinished field */
	char *scan;		/* where to go on in this field, or NULL for its start */
	quotes quotes;	/* goes on at field; at NULL: to be found again */
	bool doubled;	/* doubled quotes were seen in this field */
	int nread;		/* finished fields of this record */
	int64_t rows;	/* handed out */
	bool mark_done; /* the place of a byte order mark is passed */
	bool header_done;
	bool finished; /* no more input will come */
	sf_error failed;

	/* the file's columns, from the header row */
	int nfile;
	int nfile_alloc;
	char **file_names;
	sf_value **slots; /* where each column's value goes: into values, or their last */

	/* the caller's columns */
	bool mapped;
	int nwanted;
	char **wanted;
	const char
		*no_rows; /* a header row of this cell alone stands for no rows; NULL: none does */
	int nvalues;
	sf_value *values; /* nvalues, then one for what nobody wants */
	int nrepeats;
	repeat *repeats;
};

/* Frees n names and their array. */
extern void sf_csv_free_names(char **names, int n);

/* Frees everything that was made from a header row. */
extern void sf_csv_forget_header(sf_csv *csv);

/* Adds a name of the header row.  SF_FAILED with csv->failed set. */
extern sf_status sf_csv_add_name(sf_csv *csv, const sf_value *value);

/*
 * The header row is complete: decides where each of the file's columns goes.  SF_FAILED with
 * csv->failed set, also when a column is missing.
 */
extern sf_status sf_csv_use_header(sf_csv *csv);

#endif /* SF_CSV_INTERNAL_H */
