/*
 * sim_csv_in.c
 *		The reader of uploaded CSV: what it takes, what it refuses, and with which words.
 */
#include "tap.h"
#include "csv_in.h"

#include <sys/mman.h>
#include <unistd.h>

/* All records as "a|b;c|d", or the error. */
static void
render(csv_in *c, sim_buf *out)
{
	sim_error err = {0};
	int rc;

	sim_buf_str(out, "");
	while ((rc = csv_in_next(c, &err)) > 0)
	{
		for (int i = 0; i < csv_in_count(c); i++)
		{
			size_t len;
			const char *text = csv_in_cell(c, i, &len);

			sim_buf_add(out, text, len);
			sim_buf_char(out, i + 1 < csv_in_count(c) ? '|' : ';');
		}
	}
	if (rc < 0)
		sim_buf_printf(out, "!%s : %s", err.code, err.message);
	csv_in_free(c);
}

static void
check(const char *text, char delim, csv_in_eol eol, const char *want, const char *name)
{
	size_t len = strlen(text);
	int fd = memfd_create("csv", 0);
	sim_buf got = {0};

	render(csv_in_memory(text, len, delim, eol), &got);
	is_text(got.data, want, name);
	sim_buf_reset(&got);
	if (write(fd, "xx", 2) != 2 || write(fd, text, len) != (ssize_t) len)
		exit(1);
	render(csv_in_file(fd, 2, delim, eol), &got);
	ok(strcmp(got.data, want) == 0, "%s, from a file", name);
	close(fd);
	sim_buf_free(&got);
}

#define QUOTE                                                                                 \
	"!InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should "  \
	"be within a quote"
#define EOL                                                                                   \
	"!ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is "

static void
test_forms(void)
{
	check("", ',', CSV_IN_LF, "", "nothing at all");
	check("a,b\nc,d\n", ',', CSV_IN_LF, "a|b;c|d;", "two records");
	check("a,b\nc,d", ',', CSV_IN_LF, "a|b;c|d;", "no line break at the end");
	check("a,b\n\n\"\"\nc,d\n\n", ',', CSV_IN_LF, "a|b;c|d;", "blank records do not count");
	check("a,\n,b\n", ',', CSV_IN_LF, "a|;|b;", "empty cells");
	check("\"a,b\",\"c\"\"d\"\"\"\n", ',', CSV_IN_LF, "a,b|c\"d\";", "quotes");
	check(" a , b \n", ',', CSV_IN_LF, " a | b ;", "blanks are part of a value");
	check("a|b,c\n", '|', CSV_IN_LF, "a|b,c;", "pipe");
	check("a`b\n", '`', CSV_IN_LF, "a|b;", "backquote");
	check("a^b\n", '^', CSV_IN_LF, "a|b;", "caret");
	check("a;b\n", ';', CSV_IN_LF, "a|b;", "semicolon");
	check("a\tb\n", '\t', CSV_IN_LF, "a|b;", "tab");
	check("a\xff"
		  "b\xc3,\xe2\x82\xac\n",
		  ',', CSV_IN_LF,
		  "a\xef\xbf\xbd"
		  "b\xef\xbf\xbd|\xe2\x82\xac;",
		  "what is no UTF-8 is replaced");
}

static void
test_quotes(void)
{
	check("\xef\xbb\xbf\"Id\",Name\n", ',', CSV_IN_LF, QUOTE, "a BOM before a quoted header");
	check("\xef\xbb\xbfId,Name\n", ',', CSV_IN_LF, "\xef\xbb\xbfId|Name;",
		  "a BOM before a bare header belongs to the first name");
	check("a\nb\"c\n", ',', CSV_IN_LF, "a;" QUOTE, "a quote inside");
	check("a, \"b\"\n", ',', CSV_IN_LF, QUOTE, "a blank before a quote");
	check("\"a\" ,b\n", ',', CSV_IN_LF,
		  "!InvalidBatch : Failed to parse CSV. Not expecting more text after end quote",
		  "a blank after a quote");
	check("a\n\"b\n", ',', CSV_IN_LF,
		  "a;!InvalidBatch : Failed to parse CSV. EOF reached before closing an opened quote",
		  "no end quote");
}

static void
test_line_ends(void)
{
	csv_in *c;
	sim_buf got = {0};

	check("a,b\r\nc,d\r\n", ',', CSV_IN_LF, EOL "LF", "CRLF where LF is expected");
	check("a,b\nc,d\n", ',', CSV_IN_CRLF, EOL "CRLF", "LF where CRLF is expected");
	check("a,b\rc,d\r", ',', CSV_IN_LF, EOL "LF", "CR where LF is expected");
	check("a,b\r\nc,d\r\n", ',', CSV_IN_CRLF, "a|b;c|d;", "CRLF");
	check("a\nb\r\nc\rd", ',', CSV_IN_ANY, "a;b;c;d;", "any of them");
	check("\"a\r\nb\",\"c\rd\",\"e\nf\"\n", ',', CSV_IN_LF, "a\nb|c\nd|e\nf;",
		  "line breaks within quotes become LF");
	check("a\n\"b\"\r\n", ',', CSV_IN_LF, "a;" EOL "LF", "one wrong line is enough");

	c = csv_in_memory("\"a\nb\"\r\n", 8, ',', CSV_IN_CRLF);
	csv_in_flags(c, true, false);
	render(c, &got);
	is_text(got.data, EOL "CRLF", "strict: quotes do not protect a line break");
	sim_buf_reset(&got);
	c = csv_in_memory("\"a\r\nb\"\n", 8, ',', CSV_IN_LF);
	csv_in_flags(c, false, true);
	render(c, &got);
	is_text(got.data, "a\r\nb;", "CRLF may be kept");
	sim_buf_free(&got);
}

/* A record of n cells of len characters each. */
static void
wide(int n, int len, const char *ch, const char *want, const char *name)
{
	sim_buf text = {0};
	sim_error err = {0};
	csv_in *c;
	int rc;

	for (int i = 0; i < n; i++)
	{
		if (i)
			sim_buf_char(&text, ',');
		for (int k = 0; k < len; k++)
			sim_buf_str(&text, ch);
	}
	sim_buf_char(&text, '\n');
	c = csv_in_memory(text.data, text.len, ',', CSV_IN_LF);
	rc = csv_in_next(c, &err);
	is_text(rc > 0 ? "" : err.message, want, name);
	csv_in_free(c);
	sim_buf_free(&text);
}

static void
test_limits(void)
{
	wide(1, CSV_IN_CELL_CHARS, "x", "", "the longest cell");
	wide(1, CSV_IN_CELL_CHARS, "\xe2\x82\xac", "", "characters count, not bytes");
	wide(1, CSV_IN_CELL_CHARS + 1, "x", "Failed to parse CSV. Exceeded max field size: 131073",
		 "a cell too long");
	wide(4, 100000, "x", "", "the longest record");
	wide(4, 100001, "x",
		 "Failed to parse CSV. Exceeded max length for one record: 400004. Max length for one "
		 "record should be less than or equal to 400000",
		 "a record too long");
	wide(5000, 1, "x", "", "the widest record");
	wide(5001, 1, "x", "Failed to parse CSV. Exceeded max number of columns per record : 5000",
		 "a record too wide");
}

static void
test_offsets(void)
{
	const char *text = "\"Id\", Name\n1,\"a\nb\"\n3,4\n";
	csv_in *c = csv_in_memory(text, strlen(text), ',', CSV_IN_LF);
	sim_error err;
	size_t len;

	/* a quote behind a blank is wrong, a blank alone is not */
	is_int(csv_in_next(c, &err), 1, "the header");
	csv_in_raw(c, &len);
	is_int((long long) len, 10, "the header's text has no line break");
	ok(memcmp(csv_in_raw(c, &len), "\"Id\", Name", 10) == 0, "and is as it was sent");
	is_int(csv_in_offset(c), 11, "where the next record begins");
	is_int(csv_in_next(c, &err), 1, "a record of two lines");
	is_int(csv_in_offset(c), 19, "ends behind the second");
	is_int(csv_in_chars(c), 4, "and has four characters");
	csv_in_raw(c, &len);
	is_int((long long) len, 10, "the header's text stays");
	csv_in_free(c);
}

int
main(void)
{
	test_forms();
	test_quotes();
	test_line_ends();
	test_limits();
	test_offsets();
	return tap_done();
}
