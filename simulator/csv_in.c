/*
 * csv_in.c
 *		Reading the CSV text that clients upload.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "csv_in.h"
#include "text.h"

#define BUFFER_SIZE 65536

typedef struct cell
{
	size_t start;
	size_t len;
} cell;

struct csv_in
{
	int fd; /* -1: all there is lies in buf already */
	char *own;
	const char *buf;
	size_t n;
	size_t at;
	int64_t base; /* offset of buf[0] in the text */
	bool eof;
	bool broken; /* the file could not be read */
	bool failed; /* an error was reported */

	char delim;
	csv_in_eol eol;
	bool strict;
	bool keep_crlf;
	bool stop[256]; /* bytes that mean something outside of quotes */

	sim_buf text;
	cell *cells;
	int ncells;
	int space;
	bool open;		/* a cell has begun: it is not empty, or was quoted */
	size_t start;	/* of the present cell in text */
	int64_t chars;	/* of the record's closed cells */
	int64_t unread; /* of the present cell, as far as counted */
	size_t counted; /* bytes of text that are counted */
	bool seen;		/* a record was read: its text as sent is not kept any longer */
	sim_buf raw;	/* of the first record */
};

/* ---------------------------------------------------------------- life */

static csv_in *
make(char delim, csv_in_eol eol)
{
	csv_in *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fd = -1;
	c->delim = delim;
	c->eol = eol;
	c->stop[(unsigned char) delim] = true;
	c->stop['"'] = c->stop['\n'] = c->stop['\r'] = true;
	return c;
}

csv_in *
csv_in_memory(const char *data, size_t len, char delim, csv_in_eol eol)
{
	csv_in *c = make(delim, eol);

	if (c)
	{
		c->buf = data;
		c->n = len;
		c->eof = true;
	}
	return c;
}

csv_in *
csv_in_file(int fd, int64_t offset, char delim, csv_in_eol eol)
{
	csv_in *c = make(delim, eol);

	if (c == NULL)
		return NULL;
	c->own = malloc(BUFFER_SIZE);
	if (c->own == NULL)
	{
		free(c);
		return NULL;
	}
	c->buf = c->own;
	c->fd = fd;
	c->base = offset;
	return c;
}

void
csv_in_free(csv_in *c)
{
	if (c == NULL)
		return;
	sim_buf_free(&c->text);
	sim_buf_free(&c->raw);
	free(c->cells);
	free(c->own);
	free(c);
}

void
csv_in_flags(csv_in *c, bool strict, bool keep_crlf)
{
	c->strict = strict;
	c->keep_crlf = keep_crlf;
}

/* ---------------------------------------------------------------- bytes */

/* False at the end of the text. */
static bool
fill(csv_in *c)
{
	ssize_t got;

	if (c->at < c->n)
		return true;
	if (c->eof)
		return false;
	c->base += (int64_t) c->n;
	c->at = c->n = 0;
	do
		got = pread(c->fd, c->own, BUFFER_SIZE, (off_t) c->base);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
	{
		c->eof = true;
		c->broken = got < 0;
		return false;
	}
	c->n = (size_t) got;
	return true;
}

static void
raw_add(csv_in *c, const char *p, size_t n)
{
	if (!c->seen && c->raw.len < CSV_IN_HEADER_CHARS)
		sim_buf_add(&c->raw, p,
					n < CSV_IN_HEADER_CHARS - c->raw.len ? n
														 : CSV_IN_HEADER_CHARS - c->raw.len);
}

/* The next byte, or -1. */
static int
take(csv_in *c)
{
	if (!fill(c))
		return -1;
	raw_add(c, c->buf + c->at, 1);
	return (unsigned char) c->buf[c->at++];
}

static int
peek(csv_in *c)
{
	return fill(c) ? (unsigned char) c->buf[c->at] : -1;
}

/* Append what needs no looking at, in one piece. */
static void
take_run(csv_in *c, bool quoted)
{
	while (fill(c))
	{
		const char *from = c->buf + c->at;
		const char *end = c->buf + c->n;
		const char *p = from;

		if (quoted)
			while (p < end && *p != '"' && *p != '\r' && *p != '\n')
				p++;
		else
			while (p < end && !c->stop[(unsigned char) *p])
				p++;
		sim_buf_add(&c->text, from, (size_t) (p - from));
		raw_add(c, from, (size_t) (p - from));
		c->at += (size_t) (p - from);
		if (p < end || c->text.len - c->start > 4 * (size_t) CSV_IN_CELL_CHARS)
			return;
	}
}

/* ---------------------------------------------------------------- errors and limits */

static int
bad(csv_in *c, sim_error *err, const char *message)
{
	c->failed = true;
	sim_error_set(err, "InvalidBatch", "Failed to parse CSV. %s", message);
	return -1;
}

static int
bad_eol(csv_in *c, sim_error *err)
{
	c->failed = true;
	sim_error_set(err, "ClientInputError",
				  "LineEnding is invalid on user data. Current LineEnding setting is %s",
				  c->eol == CSV_IN_CRLF ? "CRLF" : "LF");
	return -1;
}

/* Count the present cell's characters as Java does; false and *err beyond the limits. */
static bool
within_limits(csv_in *c, sim_error *err)
{
	const unsigned char *p = (const unsigned char *) c->text.data;

	for (; c->counted < c->text.len; c->counted++)
		c->unread += (p[c->counted] & 0xC0) == 0x80 ? 0 : p[c->counted] >= 0xF0 ? 2 : 1;
	if (c->text.failed || c->raw.failed)
	{
		c->failed = true;
		return sim_error_set(err, "InvalidBatch", "out of memory");
	}
	if (c->unread > CSV_IN_CELL_CHARS)
	{
		c->failed = true;
		return sim_error_set(err, "InvalidBatch",
							 "Failed to parse CSV. Exceeded max field size: %lld",
							 (long long) c->unread);
	}
	if (c->chars + c->unread > CSV_IN_RECORD_CHARS)
	{
		c->failed = true;
		return sim_error_set(err, "InvalidBatch",
							 "Failed to parse CSV. Exceeded max length for one record: %lld. "
							 "Max length for one record should be less than or equal to %d",
							 (long long) (c->chars + c->unread), CSV_IN_RECORD_CHARS);
	}
	return true;
}

/* ---------------------------------------------------------------- UTF-8 */

/* Put U+FFFD where the present cell has bytes that are no UTF-8, as Java's decoder does. */
static void
mend_utf8(csv_in *c)
{
	size_t n = c->text.len - c->start;
	const char *p = c->text.data + c->start;
	size_t i = n > 0 ? sim_utf8_prefix(p, n) : 0;
	char *copy;

	if (i >= n)
		return;
	copy = malloc(n);
	if (copy == NULL)
	{
		c->text.failed = true;
		return;
	}
	memcpy(copy, p, n);
	c->text.len = c->start + i;
	while (i < n)
	{
		size_t len = sim_utf8_sequence(copy + i, n - i);

		if (len == 0)
			sim_buf_add(&c->text, "\xEF\xBF\xBD", 3);
		else
			sim_buf_add(&c->text, copy + i, len);
		i += len ? len : 1;
	}
	free(copy);
}

/* ---------------------------------------------------------------- records */

/* End the present cell. */
static bool
close_cell(csv_in *c, sim_error *err)
{
	if (!within_limits(c, err))
		return false;
	mend_utf8(c);
	if (c->ncells == c->space)
	{
		int space = c->space ? 2 * c->space : 32;
		cell *bigger = realloc(c->cells, (size_t) space * sizeof(*bigger));

		if (bigger == NULL)
		{
			c->failed = true;
			return sim_error_set(err, "InvalidBatch", "out of memory");
		}
		c->cells = bigger;
		c->space = space;
	}
	if (c->ncells == CSV_IN_COLUMNS)
	{
		c->failed = true;
		return sim_error_set(
			err, "InvalidBatch",
			"Failed to parse CSV. Exceeded max number of columns per record : %d",
			CSV_IN_COLUMNS);
	}
	c->cells[c->ncells++] = (cell){c->start, c->text.len - c->start};
	c->chars += c->unread;
	c->unread = 0;
	c->start = c->counted = c->text.len;
	c->open = false;
	return true;
}

/* A line break within quotes whose first byte was ch. */
static int
quoted_break(csv_in *c, int ch, sim_error *err)
{
	bool crlf = ch == '\r' && peek(c) == '\n';

	if (crlf)
		take(c);
	if (c->strict && c->eol != CSV_IN_ANY && crlf != (c->eol == CSV_IN_CRLF))
		return bad_eol(c, err);
	if (crlf && c->keep_crlf)
		sim_buf_str(&c->text, "\r\n");
	else
		sim_buf_char(&c->text, c->keep_crlf ? (char) ch : '\n');
	return 1;
}

/* What follows an opening quote, up to the end quote: 1, or -1. */
static int
read_quoted(csv_in *c, sim_error *err)
{
	for (;;)
	{
		int ch, next;

		take_run(c, true);
		if (!within_limits(c, err))
			return -1;
		ch = take(c);
		if (ch < 0)
			return bad(c, err, "EOF reached before closing an opened quote");
		if (ch == '\r' || ch == '\n')
		{
			if (quoted_break(c, ch, err) < 0)
				return -1;
		}
		else if (ch != '"')
			sim_buf_char(&c->text, (char) ch);
		else
		{
			next = peek(c);
			if (next == '"')
			{
				take(c);
				sim_buf_char(&c->text, '"');
			}
			else if (next < 0 || next == '\n' || next == '\r' ||
					 next == (unsigned char) c->delim)
				return 1;
			else
				return bad(c, err, "Not expecting more text after end quote");
		}
	}
}

/* The end of a line whose first byte was ch: 1, or -1 when it is of the wrong kind. */
static int
line_end(csv_in *c, int ch, sim_error *err)
{
	bool crlf = ch == '\r' && peek(c) == '\n';

	if (crlf)
		take(c);
	if (c->eol != CSV_IN_ANY && (crlf != (c->eol == CSV_IN_CRLF) || (ch == '\r' && !crlf)))
		return bad_eol(c, err);

	/* the raw text is the line without what ends it */
	if (!c->seen && c->raw.len < CSV_IN_HEADER_CHARS)
		c->raw.len -= crlf ? 2 : 1;
	return 1;
}

/* One record, blank or not: 1, 0, -1. */
static int
read_record(csv_in *c, sim_error *err)
{
	sim_buf_reset(&c->text);
	if (!c->seen)
		sim_buf_reset(&c->raw);
	c->ncells = 0;
	c->open = false;
	c->chars = c->unread = 0;
	c->start = c->counted = 0;
	if (peek(c) < 0)
		return 0;
	for (;;)
	{
		int ch;

		take_run(c, false);
		if (!within_limits(c, err))
			return -1;
		c->open |= c->text.len > c->start;
		ch = take(c);
		if (ch == '"')
		{
			if (c->open)
				return bad(
					c, err,
					"Found unescaped quote. A value with quote should be within a quote");
			if (read_quoted(c, err) < 0)
				return -1;
			c->open = true;
		}
		else if (ch == (unsigned char) c->delim)
		{
			if (!close_cell(c, err))
				return -1;
		}
		else if (ch < 0)
			return close_cell(c, err) ? 1 : -1;
		else if (ch == '\n' || ch == '\r')
		{
			if (line_end(c, ch, err) < 0 || !close_cell(c, err))
				return -1;
			return 1;
		}
		else
			sim_buf_char(&c->text, (char) ch);
	}
}

int
csv_in_next(csv_in *c, sim_error *err)
{
	int rc;

	if (c->failed)
		return bad(c, err, "The text ended with an error");
	do
		rc = read_record(c, err);
	while (rc > 0 && c->ncells == 1 && c->cells[0].len == 0);
	c->seen = true;
	if (c->broken)
	{
		c->failed = true;
		sim_error_set(err, "InvalidBatch", "Could not read the uploaded data");
		return -1;
	}
	return rc;
}

int
csv_in_count(const csv_in *c)
{
	return c->ncells;
}

const char *
csv_in_cell(const csv_in *c, int i, size_t *len)
{
	if (i < 0 || i >= c->ncells)
	{
		*len = 0;
		return "";
	}
	*len = c->cells[i].len;
	return c->text.data ? c->text.data + c->cells[i].start : "";
}

const char *
csv_in_raw(const csv_in *c, size_t *len)
{
	*len = c->raw.len;
	return c->raw.data ? c->raw.data : "";
}

int64_t
csv_in_offset(const csv_in *c)
{
	return c->base + (int64_t) c->at;
}

int64_t
csv_in_chars(const csv_in *c)
{
	return c->chars;
}
