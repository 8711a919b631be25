/*
 * sf_csv.c
 *		A push parser for the CSV of bulk query results, zero copy.
 *
 * How it works
 *
 * The block is [record moved here][new input][two quotes][padding].  The two quotes behind the
 * input are sentinels: the search for a closing quote needs no bound of its own, and a field that
 * starts exactly at the end is found to be unfinished like any other.  A hit at or behind the end
 * means "need more".
 *
 * read_record() knows one shape, the one Salesforce sends: "text", or "text"\n, and walks from
 * quote to quote.  Whatever else it meets it hands to slow_field(), field by field: doubled
 * quotes, unquoted fields, CRLF, the end of the input, errors.  A finished field is final (its
 * closing quote is 0, doubled quotes are collapsed); an unfinished one was not changed, and is
 * resumed at "scan" when more input is there.  So no byte is looked at again and again, however
 * small the pieces are.
 */
#include <stdlib.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "sf_csv_internal.h"
#include "sf_status.h"
#include "sf_utf8.h"

/* Behind the input: two sentinels and what a look at 64 bytes may touch after them. */
#define PADDING 128

#define BLOCK_MIN 64

/* Carrying less than this to the block's front costs less than the cache misses it saves. */
#define CHEAP_MOVE 4096

/* Lengths are ints, also with the padding. */
#define RECORD_MAX_LIMIT (1024 * 1024 * 1024)

#define likely(x)	__builtin_expect((x) != 0, 1)
#define unlikely(x) __builtin_expect((x) != 0, 0)

/* How a field ended. */
typedef enum field_end
{
	FIELD_MORE, /* by a delimiter: another one follows */
	FIELD_LAST, /* by the record's end */
	FIELD_WAIT, /* not yet: the input is used up */
	FIELD_BAD	/* malformed: the error is set */
} field_end;

/* ---- life -------------------------------------------------------------------------- */

sf_csv *
sf_csv_new(const sf_csv_options *opts, sf_error *err)
{
	sf_csv *csv;
	char delimiter = ',';

	if (opts != NULL && opts->delimiter != 0)
		delimiter = opts->delimiter;
	if (delimiter == '"' || delimiter == '\n' || delimiter == '\r' ||
		(unsigned char) delimiter >= 0x80)
	{
		sf_error_set(err, SF_ERR_CONFIG, "invalid CSV delimiter");
		return NULL;
	}

	csv = calloc(1, sizeof(*csv));
	if (csv == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	csv->delimiter = delimiter;
	csv->block_size = SF_CSV_BLOCK_SIZE;
	csv->record_max = SF_CSV_RECORD_MAX;
	if (opts != NULL && opts->block_size != 0)
		csv->block_size = opts->block_size < BLOCK_MIN ? BLOCK_MIN : opts->block_size;
	if (opts != NULL && opts->record_max != 0)
		csv->record_max = opts->record_max;
	if (csv->record_max > RECORD_MAX_LIMIT)
		csv->record_max = RECORD_MAX_LIMIT;
	return csv;
}

void
sf_csv_free(sf_csv *csv)
{
	if (csv == NULL)
		return;
	sf_csv_forget_header(csv);
	sf_csv_free_names(csv->wanted, csv->nwanted);
	free(csv->block);
	free(csv);
}

void
sf_csv_restart(sf_csv *csv)
{
	sf_csv_forget_header(csv);
	if (csv->alloc > csv->block_size)
	{
		free(csv->block);
		csv->block = NULL;
		csv->alloc = 0;
	}
	csv->end = csv->block;
	csv->checked = csv->block;
	csv->bad = NULL;
	csv->room = 0;
	csv->record = csv->block;
	csv->field = csv->block;
	csv->quotes.at = NULL;
	csv->scan = NULL;
	csv->doubled = false;
	csv->nread = 0;
	csv->rows = 0;
	csv->mark_done = false;
	csv->finished = false;
	sf_error_reset(&csv->failed);
}

/* ---- errors ------------------------------------------------------------------------ */

/* Reports the sticky error, which the caller has just filled or which is there from before. */
static sf_status
failed(sf_csv *csv, sf_error *err)
{
	if (err != NULL && !sf_error_is_set(err))
		*err = csv->failed;
	return SF_FAILED;
}

/* Number of the record being read, for messages: 0 is the header row. */
static int64_t
current_row(const sf_csv *csv)
{
	return csv->header_done ? csv->rows + 1 : 0;
}

static const char *
column_name(const sf_csv *csv, int column)
{
	if (csv->header_done && column < csv->nfile)
		return csv->file_names[column];
	return NULL;
}

/* Sets an error at the current row and, when column is not negative, at this column. */
static field_end
malformed(sf_csv *csv, int column, const char *what)
{
	const char *name = column < 0 ? NULL : column_name(csv, column);
	int64_t row = current_row(csv);

	if (row == 0)
		sf_error_set(&csv->failed, SF_ERR_PROTOCOL, "malformed CSV in the header row: %s",
					 what);
	else if (name == NULL)
		sf_error_set(&csv->failed, SF_ERR_PROTOCOL, "malformed CSV in row %lld: %s",
					 (long long) row, what);
	else
		sf_error_set(&csv->failed, SF_ERR_PROTOCOL,
					 "malformed CSV in column \"%s\" of row %lld: %s", name, (long long) row,
					 what);
	sf_error_column(&csv->failed, name);
	csv->failed.row = row;
	return FIELD_BAD;
}

static sf_status
wrong_field_count(sf_csv *csv, bool too_many)
{
	sf_error_set(&csv->failed, SF_ERR_PROTOCOL,
				 too_many ? "malformed CSV in row %lld: more than %d fields"
						  : "malformed CSV in row %lld: %d fields expected",
				 (long long) current_row(csv), csv->nfile);
	if (!too_many)
		sf_error_detail(&csv->failed, "The row has %d fields.", csv->nread + 1);
	csv->failed.row = current_row(csv);
	return SF_FAILED;
}

static void
report_bad_text(sf_csv *csv, int column)
{
	const unsigned char *bad = (const unsigned char *) csv->bad;
	const char *what = *bad == 0 ? "NUL byte" : "invalid UTF-8";
	const char *name = column_name(csv, column);
	int64_t row = current_row(csv);

	if (row == 0)
		sf_error_set(&csv->failed, SF_ERR_DATA, "%s in the CSV header row", what);
	else if (name == NULL)
		sf_error_set(&csv->failed, SF_ERR_DATA, "%s in row %lld", what, (long long) row);
	else
		sf_error_set(&csv->failed, SF_ERR_DATA, "%s in column \"%s\" of row %lld", what, name,
					 (long long) row);
	if (*bad == 0)
		sf_error_detail(&csv->failed, "PostgreSQL text cannot hold NUL bytes.");
	else if (csv->end - csv->bad > 1)
		sf_error_detail(&csv->failed, "The bytes from there on are 0x%02x 0x%02x.", bad[0],
						bad[1]);
	sf_error_column(&csv->failed, name);
	csv->failed.row = row;
}

/*
 * True when the current record ends before the bad byte; otherwise the error is set.  Only called
 * in a block that has one, so this can be slow, and fields keep no record of where they were.
 */
static bool
bad_is_later(sf_csv *csv)
{
	bool quoted = false;
	int column = csv->nread;

	for (const char *p = csv->field; p < csv->bad; p++)
	{
		if (*p == '"')
			quoted = !quoted; /* a doubled quote does it twice */
		else if (!quoted && *p == csv->delimiter)
			column++;
		else if (!quoted && *p == '\n')
			return true;
	}
	report_bad_text(csv, column);
	return false;
}

/* ---- the block --------------------------------------------------------------------- */

/* Makes everything that points into the record follow it to its new place. */
static void
record_moved(sf_csv *csv, char *to)
{
	const char *from = csv->record;

	if (csv->header_done)
	{
		const sf_value *unwanted = csv->values + csv->nvalues;

		for (int i = 0; i < csv->nread; i++)
		{
			sf_value *value = csv->slots[i];

			if (value != unwanted && value->data != NULL)
				value->data = to + (value->data - from);
		}
	}
	csv->end = to + (csv->end - from);
	csv->checked = to + (csv->checked - from);
	if (csv->bad != NULL)
		csv->bad = to + (csv->bad - from);
	csv->field = to + (csv->field - from);
	if (csv->scan != NULL)
		csv->scan = to + (csv->scan - from);
	csv->quotes.at = NULL;
	csv->record = to;
}

/* A block of at least size usable bytes, with the record at its front. */
static sf_status
larger_block(sf_csv *csv, size_t size)
{
	/* zeroed, so that loads behind the input never meet undefined bytes */
	char *block = calloc(1, size + PADDING);
	char *old = csv->block;

	if (block == NULL)
		return sf_error_nomem(&csv->failed);
	if (old == NULL)
	{
		csv->record = block;
		csv->field = block;
		csv->checked = block;
		csv->end = block;
	}
	else
	{
		memcpy(block, csv->record, (size_t) (csv->end - csv->record));
		record_moved(csv, block);
		free(old);
	}
	csv->block = block;
	csv->alloc = size;
	return SF_OK;
}

sf_status
sf_csv_block_begin(sf_csv *csv, char **ptr, size_t *room, sf_error *err)
{
	size_t carry = (size_t) (csv->end - csv->record);
	size_t behind;

	if (sf_error_is_set(&csv->failed))
		return failed(csv, err);
	if (csv->finished)
		return sf_error_set(err, SF_ERR_PROTOCOL, "CSV input after its end");

	if (carry > csv->record_max)
	{
		int64_t row = current_row(csv);

		sf_error_set(&csv->failed, SF_ERR_LIMIT, "row %lld of the CSV exceeds %zu bytes",
					 (long long) row, csv->record_max);
		csv->failed.row = row;
		return failed(csv, err);
	}

	if (csv->block == NULL)
	{
		if (larger_block(csv, csv->block_size) != SF_OK)
			return failed(csv, err);
	}
	else if (carry > csv->alloc / 2)
	{
		/* doubling keeps the copying in proportion to the input */
		if (larger_block(csv, csv->alloc * 2) != SF_OK)
			return failed(csv, err);
	}
	else
	{
		/*
		 * To the front, where the cache is warm.  A long record that comes in small pieces stays
		 * where it is until half the block is used, so that it is not moved for each of them.
		 */
		behind = csv->alloc - (size_t) (csv->end - csv->block);
		if (csv->record != csv->block && (carry <= CHEAP_MOVE || behind < csv->alloc / 2))
		{
			if (carry > 0)
				memmove(csv->block, csv->record, carry);
			record_moved(csv, csv->block);
		}
	}

	/* the sentinels stayed where the record was; sf_csv_next may be asked before input comes */
	csv->end[0] = '"';
	csv->end[1] = '"';

	behind = csv->alloc - (size_t) (csv->end - csv->block);
	csv->room = behind > csv->block_size ? csv->block_size : behind;
	*ptr = csv->end;
	*room = csv->room;
	return SF_OK;
}

sf_status
sf_csv_block_filled(sf_csv *csv, size_t n, sf_error *err)
{
	size_t left;
	size_t good;
	bool truncated;

	if (sf_error_is_set(&csv->failed))
		return failed(csv, err);
	if (n > csv->room)
		return sf_error_set(err, SF_ERR_PROTOCOL, "CSV input is larger than its room");

	csv->room = 0;
	csv->end += n;
	csv->end[0] = '"';
	csv->end[1] = '"';
	csv->quotes.at = NULL;
	if (csv->bad != NULL)
		return SF_OK;

	/* starts again with a character that the last piece had cut in two */
	left = (size_t) (csv->end - csv->checked);
	good = sf_utf8_check(csv->checked, left, &truncated);
	csv->checked += good;
	if (good < left && !truncated)
		csv->bad = csv->checked;
	return SF_OK;
}

sf_status
sf_csv_finish(sf_csv *csv, sf_error *err)
{
	(void) err;
	csv->finished = true;
	if (csv->bad == NULL && csv->checked < csv->end)
		csv->bad = csv->checked; /* a character that is cut off */
	return SF_OK;
}

/* ---- fields ------------------------------------------------------------------------ */

/* The next quote at or behind p; there is always one, see the sentinels. */
static inline char *
find_quote(char *p, const char *end)
{
	return memchr(p, '"', (size_t) (end + 2 - p));
}

/*
 * The quotes of the input one after the other.  Most fields are short: finding all quotes of 64
 * bytes at once and taking them from a bit mask costs a third less than a search for each (51
 * against 80 ns a row), since the ends of loops over so few bytes are hard to predict.
 */
static inline void
quotes_from(quotes *q, char *p)
{
#if defined(__SSE2__)
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i *v = (const __m128i *) p;
	uint64_t a = (uint32_t) _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(v), quote));
	uint64_t b = (uint32_t) _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(v + 1), quote));
	uint64_t c = (uint32_t) _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(v + 2), quote));
	uint64_t d = (uint32_t) _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(v + 3), quote));

	q->mask = a | b << 16 | c << 32 | d << 48;
#endif
	q->at = p;
}

static inline char *
next_quote(quotes *q, const char *end)
{
	char *found;

#if defined(__SSE2__)
	(void) end;
	while (q->mask == 0)
		quotes_from(q, q->at + 64);
	found = q->at + __builtin_ctzll(q->mask);
	q->mask &= q->mask - 1;
#else
	found = find_quote(q->at, end);
	q->at = found + 1;
#endif
	return found;
}

static inline void
set_value(sf_value *value, char *data, char *behind)
{
	*behind = 0;
	value->len = (int) (behind - data);
	value->data = behind == data ? NULL : data;
}

/* Turns doubled quotes into single ones; returns the new end. */
static char *
collapse_quotes(char *text, char *behind)
{
	char *to = text;
	char *quote;

	while ((quote = memchr(text, '"', (size_t) (behind - text))) != NULL)
	{
		size_t n = (size_t) (quote + 1 - text);

		memmove(to, text, n);
		to += n;
		text = quote + 2;
	}
	memmove(to, text, (size_t) (behind - text));
	return to + (behind - text);
}

/* This field is done, the next one starts at next. */
static field_end
field_done(sf_csv *csv, char *next, field_end how)
{
	csv->field = next;
	csv->scan = NULL;
	csv->doubled = false;
	return how;
}

/* Not done: go on at scan when there is more. */
static field_end
field_waits(sf_csv *csv, char *scan)
{
	csv->scan = scan;
	return FIELD_WAIT;
}

static field_end
quoted_field(sf_csv *csv, sf_value *value)
{
	char *text = csv->field + 1;
	char *end = csv->end;
	char *quote = csv->scan == NULL ? text : csv->scan;
	char *next;
	field_end how = FIELD_LAST;

	/* the closing quote: the first that is not doubled */
	for (;;)
	{
		quote = find_quote(quote, end);
		if (quote >= end)
		{
			if (!csv->finished)
				return field_waits(csv, end);
			return malformed(csv, csv->nread, "the closing quote is missing");
		}
		if (quote + 1 == end)
		{
			if (!csv->finished)
				return field_waits(csv, quote);
			break;
		}
		if (quote[1] != '"')
			break;
		csv->doubled = true;
		quote += 2;
	}

	next = quote + 1;
	if (next < end)
	{
		char c = *next++;

		if (c == csv->delimiter)
			how = FIELD_MORE;
		else if (c == '\r')
		{
			if (next == end && !csv->finished)
				return field_waits(csv, quote);
			if (next < end && *next++ != '\n')
				return malformed(csv, csv->nread, "text after the closing quote");
		}
		else if (c != '\n')
			return malformed(csv, csv->nread, "text after the closing quote");
	}

	if (csv->doubled)
		quote = collapse_quotes(text, quote);
	set_value(value, text, quote);
	return field_done(csv, next, how);
}

static field_end
unquoted_field(sf_csv *csv, sf_value *value)
{
	char *text = csv->field;
	char *end = csv->end;
	char *p;

	for (p = csv->scan == NULL ? text : csv->scan; p < end; p++)
	{
		char c = *p;

		if (c == csv->delimiter)
		{
			set_value(value, text, p);
			return field_done(csv, p + 1, FIELD_MORE);
		}
		if (c == '\n')
		{
			set_value(value, text, p);
			return field_done(csv, p + 1, FIELD_LAST);
		}
		if (c == '\r')
		{
			if (p + 1 == end && !csv->finished)
				return field_waits(csv, p);
			if (p + 1 == end || p[1] == '\n')
			{
				char *next = p + 1 == end ? end : p + 2;

				set_value(value, text, p);
				return field_done(csv, next, FIELD_LAST);
			}
		}
		if (c == '"')
			return malformed(csv, csv->nread, "a quote inside an unquoted field");
	}

	if (!csv->finished)
		return field_waits(csv, end);
	set_value(value, text, end);
	return field_done(csv, end, FIELD_LAST);
}

/* Reads one field of any form at csv->field, and moves it on when it is complete. */
static field_end
slow_field(sf_csv *csv, sf_value *value)
{
	if (csv->field == csv->end)
	{
		if (!csv->finished)
			return FIELD_WAIT;
		value->data = NULL;
		value->len = 0;
		return FIELD_LAST;
	}
	if (*csv->field == '"')
		return quoted_field(csv, value);
	return unquoted_field(csv, value);
}

/* ---- the header row ---------------------------------------------------------------- */

/* Skips a byte order mark and empty lines before the header row.  False: need more input. */
static bool
skip_preamble(sf_csv *csv)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t n = (size_t) (csv->end - csv->field);

	if (!csv->mark_done)
	{
		size_t seen = n < 3 ? n : 3;

		if (seen > 0 && memcmp(csv->field, mark, seen) == 0)
		{
			if (seen < 3)
				return csv->finished;
			csv->field += 3;
		}
		csv->mark_done = seen > 0;
	}
	while (csv->field < csv->end && (*csv->field == '\n' || *csv->field == '\r'))
		csv->field++;
	csv->record = csv->field;
	return csv->field < csv->end;
}

static sf_status
read_header(sf_csv *csv)
{
	if (csv->nfile == 0 && csv->scan == NULL && !skip_preamble(csv))
		return csv->finished ? SF_DONE : SF_WAIT;
	if (csv->bad != NULL && !bad_is_later(csv))
		return SF_FAILED;

	for (;;)
	{
		sf_value value;
		field_end how = slow_field(csv, &value);

		if (how == FIELD_BAD)
			return SF_FAILED;
		if (how == FIELD_WAIT)
			return SF_WAIT;
		csv->nread++;
		if (sf_csv_add_name(csv, &value) != SF_OK)
			return SF_FAILED;
		if (how == FIELD_LAST)
			break;
	}
	csv->record = csv->field;
	csv->nread = 0;
	return sf_csv_use_header(csv);
}

/* ---- records ----------------------------------------------------------------------- */

static inline sf_status
record_done(sf_csv *csv)
{
	for (int i = 0; unlikely(i < csv->nrepeats); i++)
		csv->values[csv->repeats[i].to] = csv->values[csv->repeats[i].from];
	csv->rows++;
	csv->record = csv->field;
	csv->nread = 0;
	return SF_OK;
}

/*
 * Reads (on with) one record.  The loop takes "…" followed by the byte that is expected there,
 * everything else goes through slow_field.
 */
static sf_status
read_record(sf_csv *csv)
{
	const int last = csv->nfile - 1;
	const char *end = csv->end;
	const char delimiter = csv->delimiter;
	sf_value **slots = csv->slots;
	int i = csv->nread;
	char *p = csv->field;
	quotes q = csv->quotes;

	/* a field begun in an earlier block knows where to go on */
	bool fast = csv->scan == NULL;

	if (q.at == NULL)
		quotes_from(&q, p);
	for (; i <= last; i++)
	{
		const char expected = i < last ? delimiter : '\n';
		field_end how;

		if (likely(fast && *p == '"'))
		{
			char *quote;

			(void) next_quote(&q, end); /* the one at p */
			quote = next_quote(&q, end);
			if (likely(quote < end && quote[1] == expected))
			{
				set_value(slots[i], p + 1, quote);
				p = quote + 2;
				continue;
			}
		}

		csv->field = p;
		csv->nread = i;
		csv->quotes.at = NULL;
		how = slow_field(csv, slots[i]);
		if (how == FIELD_WAIT)
			return SF_WAIT;
		if (how == FIELD_BAD)
			return SF_FAILED;
		if (unlikely((how == FIELD_MORE) != (i < last)))
			return wrong_field_count(csv, how == FIELD_MORE);
		p = csv->field;
		quotes_from(&q, p);
		fast = true;
	}
	csv->field = p;
	csv->quotes = q;
	return record_done(csv);
}

sf_status
sf_csv_next(sf_csv *csv, sf_value **values, sf_error *err)
{
	sf_status status;

	if (unlikely(sf_error_is_set(&csv->failed)))
		return failed(csv, err);

	/*
	 * Room was given and nothing filled: a decompressor may have written over the sentinels ahead
	 * of what it can vouch for (ISA-L stores eight bytes at a time).
	 */
	if (unlikely(csv->room > 0))
	{
		csv->end[0] = '"';
		csv->end[1] = '"';
	}

	if (unlikely(!csv->header_done))
	{
		status = read_header(csv);
		if (status == SF_FAILED)
			return failed(csv, err);
		if (status != SF_OK)
			return status;
		return sf_csv_next(csv, values, err);
	}

	if (csv->record == csv->end)
		return csv->finished ? SF_DONE : SF_WAIT;

	if (unlikely(csv->bad != NULL) && !bad_is_later(csv))
		return failed(csv, err);
	status = read_record(csv);
	if (unlikely(status == SF_FAILED))
		return failed(csv, err);
	*values = csv->values;
	return status;
}

int64_t
sf_csv_rows(const sf_csv *csv)
{
	return csv->rows;
}
