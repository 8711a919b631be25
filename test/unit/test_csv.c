/*
 * test_csv.c
 *		The CSV parser against a naive reference, for every way of cutting the input.
 */
#include "sf_buf.h"
#include "sf_csv.h"
#include "sf_utf8.h"
#include "tap.h"

#define TEXT_MAX (64 * 1024 * 1024)

/* ---- what a run gives, as one text ----------------------------------------------------- */

static void
put_value(sf_buf *out, const char *data, size_t len)
{
	if (data == NULL)
		sf_buf_puts(out, "<null>");
	else
	{
		sf_buf_putc(out, '<');
		sf_buf_append(out, data, len);
		sf_buf_putc(out, '>');
	}
}

/* How the input is cut: the next piece's length, at least 1. */
typedef struct cutter
{
	size_t fixed;  /* pieces of this length, or */
	size_t first;  /* one cut here, or */
	uint32_t seed; /* random ones */
	size_t at;
} cutter;

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static size_t
next_piece(cutter *cut, size_t left)
{
	size_t n = left;

	if (cut->fixed > 0)
		n = cut->fixed;
	else if (cut->first > 0)
		n = cut->at == 0 ? cut->first : left;
	else if (cut->seed > 0)
		n = 1 + next_random(&cut->seed) % (1 + next_random(&cut->seed) % 40);
	if (n > left)
		n = left;
	cut->at += n;
	return n;
}

static void
put_error(sf_buf *out, const sf_error *err)
{
	sf_buf_printf(out, "failed %d row %lld column %s", (int) err->cls, (long long) err->row,
				  err->column);
}

/* Takes all rows there are; the status that ended it. */
static sf_status
take_rows(sf_csv *csv, sf_buf *out, sf_error *err)
{
	sf_value *values;
	sf_status status;

	while ((status = sf_csv_next(csv, &values, err)) == SF_OK)
	{
		for (int i = 0; i < sf_csv_ncolumns(csv); i++)
		{
			if (values[i].data != NULL && values[i].data[values[i].len] != 0)
				sf_buf_puts(out, "NOT TERMINATED");
			put_value(out, values[i].data, (size_t) values[i].len);
		}
		sf_buf_putc(out, '\n');
	}
	return status;
}

/* Runs the parser over text; the rows and the end as one text. */
static sf_status
run_into(sf_csv *csv, const char *text, size_t len, cutter cut, sf_buf *out, sf_error *err)
{
	sf_status status = SF_WAIT;

	while (status == SF_WAIT)
	{
		size_t n = next_piece(&cut, len);
		char *ptr;
		size_t room;

		if (len == 0)
			status = sf_csv_finish(csv, err);
		else
		{
			status = sf_csv_block_begin(csv, &ptr, &room, err);
			if (status == SF_OK)
			{
				if (n > room)
					n = room;
				memcpy(ptr, text, n);
				text += n;
				len -= n;
				status = sf_csv_block_filled(csv, n, err);
			}
		}
		if (status == SF_OK)
			status = take_rows(csv, out, err);
	}
	if (status == SF_DONE)
		sf_buf_puts(out, "done");
	else
		put_error(out, err);
	return status;
}

static char *
run(const char *text, size_t len, cutter cut, const sf_csv_options *opts,
	const char *const *names, int nnames)
{
	sf_error err = {0};
	sf_csv *csv = sf_csv_new(opts, &err);
	sf_buf out;

	sf_buf_init(&out, TEXT_MAX);
	if (nnames >= 0)
		sf_csv_map_columns(csv, names, nnames, &err);
	run_into(csv, text, len, cut, &out, &err);
	sf_csv_free(csv);
	return sf_buf_take(&out, NULL);
}

/* ---- the reference ------------------------------------------------------------------- */

/*
 * One character at a time over the whole text: a different way to the same answer.  Writes what
 * run() writes for an unmapped parser.
 */
typedef struct reference
{
	const char *text;
	size_t len;
	size_t at;
	sf_buf out;
	sf_buf row;
	int row_number; /* 0 is the header */
	int column;
	char names[64][32];
	int ncolumns;
} reference;

static bool
reference_fail(reference *r, sf_error_class cls, bool with_column)
{
	sf_error err = {.cls = cls, .row = r->row_number};

	if (with_column && r->row_number > 0 && r->column < r->ncolumns)
		strcpy(err.column, r->names[r->column]);
	put_error(&r->out, &err);
	return false;
}

/* Ends a field; *last tells whether the record ends with it. */
static bool
reference_end(reference *r, const sf_buf *field, bool last)
{
	if (r->row_number == 0)
	{
		snprintf(r->names[r->column], sizeof(r->names[0]), "%s", sf_buf_text(field));
		r->column++;
		if (last)
			r->ncolumns = r->column;
		return true;
	}
	put_value(&r->row, field->len == 0 ? NULL : field->data, field->len);
	if (last != (r->column == r->ncolumns - 1))
		return reference_fail(r, SF_ERR_PROTOCOL, false);
	r->column++;
	return true;
}

static bool
reference_line_end(reference *r)
{
	if (r->at < r->len && r->text[r->at] == '\r' &&
		(r->at + 1 == r->len || r->text[r->at + 1] == '\n'))
		r->at++;
	else if (r->at < r->len && r->text[r->at] != '\n')
		return false;
	if (r->at < r->len)
		r->at++;
	return true;
}

/* Reads one field; *last as above. */
static bool
reference_field(reference *r, bool *last)
{
	sf_buf field;
	bool fine = true;

	sf_buf_init(&field, TEXT_MAX);
	if (r->at < r->len && r->text[r->at] == '"')
	{
		for (r->at++;; r->at++)
		{
			if (r->at == r->len)
			{
				sf_buf_free(&field);
				return reference_fail(r, SF_ERR_PROTOCOL, true);
			}
			if (r->text[r->at] == '"')
			{
				if (r->at + 1 == r->len || r->text[r->at + 1] != '"')
					break;
				r->at++;
			}
			sf_buf_putc(&field, r->text[r->at]);
		}
		r->at++;
	}
	else
	{
		while (r->at < r->len && r->text[r->at] != ',' && r->text[r->at] != '\n')
		{
			char c = r->text[r->at];

			if (c == '\r' && (r->at + 1 == r->len || r->text[r->at + 1] == '\n'))
				break;
			if (c == '"')
			{
				sf_buf_free(&field);
				return reference_fail(r, SF_ERR_PROTOCOL, true);
			}
			sf_buf_putc(&field, c);
			r->at++;
		}
	}

	*last = !(r->at < r->len && r->text[r->at] == ',');
	if (!*last)
		r->at++;
	else if (!reference_line_end(r))
		fine = reference_fail(r, SF_ERR_PROTOCOL, true);
	fine = fine && reference_end(r, &field, *last);
	sf_buf_free(&field);
	return fine;
}

static char *
run_reference(const char *text, size_t len)
{
	static reference r;
	bool fine = true;

	memset(&r, 0, sizeof(r));
	r.text = text;
	r.len = len;
	sf_buf_init(&r.out, TEXT_MAX);
	sf_buf_init(&r.row, TEXT_MAX);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		r.at = 3;
	while (r.at < len && (text[r.at] == '\n' || text[r.at] == '\r'))
		r.at++;
	while (fine && r.at < len)
	{
		bool last = false;

		r.column = 0;
		sf_buf_reset(&r.row);
		while (fine && !last)
			fine = reference_field(&r, &last);
		if (fine && r.row_number > 0)
		{
			sf_buf_puts(&r.out, sf_buf_text(&r.row));
			sf_buf_putc(&r.out, '\n');
		}
		r.row_number++;
	}
	if (fine)
		sf_buf_puts(&r.out, "done");
	sf_buf_free(&r.row);
	return sf_buf_take(&r.out, NULL);
}

/* ---- tests --------------------------------------------------------------------------- */

/* Compares every way of cutting one input with the reference; one test. */
static void
check_all_cuts(const char *text, size_t len, const char *name)
{
	char *expected = run_reference(text, len);
	int wrong = 0;

	for (int way = 0; way < 3; way++)
	{
		size_t ways = way == 0 ? len : way == 1 ? 20 : 5;

		for (size_t i = 1; i <= ways; i++)
		{
			cutter cut = {0};
			sf_csv_options small = {.block_size = 64};
			char *got;

			if (way == 0)
				cut.first = i;
			else if (way == 1)
				cut.fixed = i;
			else
				cut.seed = (uint32_t) i;
			got = run(text, len, cut, i % 2 == 0 ? &small : NULL, NULL, -1);
			if (strcmp(got, expected) != 0 && wrong++ == 0)
			{
				diag("way %d, %zu", way, i);
				diag("     got: %s", got);
				diag("expected: %s", expected);
			}
			free(got);
		}
	}
	ok(wrong == 0, "%s", name);
	free(expected);
}

static void
test_cuts(void)
{
	static const struct
	{
		const char *name;
		const char *text;
	} inputs[] = {
		{"as Salesforce writes it", "\"Id\",\"Name\"\n\"1\",\"Boone Inc\"\n\"2\",\"\"\n"},
		{"awkward bytes in quotes",
		 "\"Id\",\"Name\"\n\"1\",\"a \"\"quoted\"\" word, a\nline and a\r\nother\"\n"
		 "\"2\",\"\"\"\"\n\"3\",\"\"\"\"\"\"\n\"4\",\",\"\n\"\",\"\n\"\n"},
		{"only nulls", "\"A\",\"B\",\"C\"\n\"\",\"\",\"\"\n\"\",\"\",\"\"\n"},
		{"CRLF", "\"A\",\"B\"\r\n\"1\",\"2\"\r\n\"3\",\"4\"\r\n"},
		{"unquoted", "A,B,C\n1,2,3\n,,\nx,,z\n"},
		{"unquoted with CRLF", "A,B,C\r\n1,2,3\r\n,,\r\nx,,z\r\n"},
		{"mixed", "A,\"B\",C\n1,\"2\",3\n\"1\",2,\"3\"\n,\"\",\n"},
		{"no last line break", "\"A\",\"B\"\n\"1\",\"2\""},
		{"no last line break, unquoted", "A,B\n1,2"},
		{"no last line break, empty last field", "A,B\n1,"},
		{"half a CRLF at the end", "\"A\",\"B\"\r\n\"1\",\"2\"\r"},
		{"a carriage return as text", "A,B\nx\ry,\"\r\"\n"},
		{"header only", "\"A\",\"B\"\n"},
		{"header only, not ended", "\"A\",\"B\""},
		{"empty", ""},
		{"only line breaks", "\r\n\n"},
		{"byte order mark", "\xef\xbb\xbf\"A\",\"B\"\n\"1\",\"2\"\n"},
		{"byte order mark and empty lines", "\xef\xbb\xbf\n\r\nA\nx\n"},
		{"two byte order marks", "\xef\xbb\xbf\xef\xbb\xbf"
								 "A\nx\n"},
		{"byte order mark alone", "\xef\xbb\xbf"},
		{"one column", "\"A\"\n\"1\"\n\"\"\n\"2\"\n"},
		{"one column, unquoted, with nulls", "A\n1\n\n2\n\n"},
		{"other scripts", "\"A\",\"B\"\n\"Zürich\",\"東京都\"\n\"\U0001F600\",\"é\"\n"},
		{"too few fields",
		 "\"A\",\"B\",\"C\"\n\"1\",\"2\",\"3\"\n\"1\",\"2\"\n\"1\",\"2\",\"3\"\n"},
		{"too many fields", "\"A\",\"B\"\n\"1\",\"2\"\n\"1\",\"2\",\"3\"\n"},
		{"an empty line", "\"A\",\"B\"\n\"1\",\"2\"\n\n\"1\",\"2\"\n"},
		{"a quote not closed", "\"A\",\"B\"\n\"1\",\"2\"\n\"1\",\"2\n"},
		{"a quote not closed in the header", "\"A\",\"B\n"},
		{"text after a quote", "\"A\",\"B\"\n\"1\",\"2\"x\n"},
		{"text after a quote and a carriage return", "\"A\",\"B\"\n\"1\",\"2\"\rx\n"},
		{"a quote in an unquoted field", "\"A\",\"B\"\n1,2\"3\n"},
		{"an odd number of quotes", "\"A\",\"B\"\n\"\"\",\"2\"\n"},
	};

	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
		check_all_cuts(inputs[i].text, strlen(inputs[i].text), inputs[i].name);
}

/* A table of random fields; sometimes damaged. */
static size_t
random_csv(char *out, uint32_t *seed)
{
	static const char *const pieces[] = {
		"a",  "bc", "def", "long text without anything", "\"\"", ",", "\n",		  "\r\n",
		"\r", "é",	"",	   "0123456789012345",			 "東",	 " ", "\"\"\"\"", "x",
	};
	int columns = 1 + (int) (next_random(seed) % 5);
	int rows = (int) (next_random(seed) % 12);
	const char *newline = next_random(seed) % 4 == 0 ? "\r\n" : "\n";
	char *p = out;

	for (int row = 0; row <= rows; row++)
	{
		for (int i = 0; i < columns; i++)
		{
			bool quoted = next_random(seed) % 8 != 0;
			int n = (int) (next_random(seed) % 5);

			if (row == 0)
			{
				p += sprintf(p, "\"C%d\"%s", i, i == columns - 1 ? newline : ",");
				continue;
			}
			p += sprintf(p, "%s", quoted ? "\"" : "");
			while (n-- > 0)
				p += sprintf(p, "%s", pieces[next_random(seed) % (quoted ? 16 : 4)]);
			p += sprintf(p, "%s%s", quoted ? "\"" : "", i == columns - 1 ? newline : ",");
		}
	}
	if (next_random(seed) % 6 == 0 && p > out)
		out[next_random(seed) % (size_t) (p - out)] = "\",\n\rx"[next_random(seed) % 5];
	return (size_t) (p - out);
}

static void
test_random(void)
{
	uint32_t seed = 1;
	int wrong = 0;
	int failing = 0;

	for (int i = 0; i < 20000; i++)
	{
		char text[8192];
		size_t len = random_csv(text, &seed);
		char *expected;
		char *got;
		sf_csv_options opts = {.block_size = 64 + next_random(&seed) % 400};
		cutter cut = {.seed = seed | 1};

		/* damage may have cut a character: that is another test's business */
		if (sf_utf8_check(text, len, NULL) < len)
			continue;
		expected = run_reference(text, len);
		got = run(text, len, cut, &opts, NULL, -1);
		failing += strstr(expected, "failed") != NULL;
		if (strcmp(got, expected) != 0 && wrong++ == 0)
		{
			diag("    text: %.*s", (int) len, text);
			diag("     got: %s", got);
			diag("expected: %s", expected);
		}
		free(got);
		free(expected);
	}
	ok(wrong == 0, "random inputs give what the reference gives");
	ok(failing > 500, "enough of the random inputs were damaged (%d)", failing);
}

static void
test_mapping(void)
{
	static const char text[] =
		"\"Id\",\"NAME\",\"Account.Name\",\"Extra\",\"Id\"\n"
		"\"1\",\"n\",\"acme\",\"x\",\"9\"\n\"2\",\"\",\"\",\"y\",\"8\"\n";
	static const char *const names[] = {"account.name", "Id", "Name", "ID"};
	static const char *const missing[] = {"Id", "Website"};
	sf_error err = {0};
	sf_csv *csv;
	sf_buf out;
	char *got;

	for (size_t i = 1; i < sizeof(text); i++)
	{
		got = run(text, sizeof(text) - 1, (cutter){.fixed = i}, NULL, names, 4);
		if (strcmp(got, "<acme><1><n><1>\n<null><2><null><2>\ndone") != 0)
			break;
		free(got);
		got = NULL;
	}
	ok(got == NULL, "columns by name, in the caller's order, whatever the cuts");
	free(got);

	got = run(text, sizeof(text) - 1, (cutter){0}, NULL, NULL, 0);
	is_text(got, "\n\ndone", "no column at all: only rows to count");
	free(got);

	csv = sf_csv_new(NULL, &err);
	sf_csv_map_columns(csv, missing, 2, &err);
	sf_buf_init(&out, TEXT_MAX);
	run_into(csv, text, sizeof(text) - 1, (cutter){0}, &out, &err);
	is_text(err.message, "column \"Website\" is missing in the CSV header row",
			"missing column");
	is_text(err.detail, "The header row is: Id, NAME, Account.Name, Extra, Id", "its detail");
	is_text(err.column, "Website", "its column");
	is_int(err.cls, SF_ERR_PROTOCOL, "its class");
	sf_error_reset(&err);
	ok(sf_csv_next(csv, NULL, &err) == SF_FAILED && err.cls == SF_ERR_PROTOCOL,
	   "a failed parser stays failed");

	/* another page through the same parser, after a failure */
	sf_csv_restart(csv);
	sf_error_reset(&err);
	sf_buf_reset(&out);
	is_int(sf_csv_map_columns(csv, names, 2, &err), SF_OK, "other columns after a restart");
	run_into(csv, text, sizeof(text) - 1, (cutter){.fixed = 3}, &out, &err);
	is_text(out.data, "<acme><1>\n<null><2>\ndone", "a restarted parser reads another page");
	is_int(sf_csv_rows(csv), 2, "rows are counted");
	is_text(sf_csv_header_name(csv, 2), "Account.Name", "names as the header has them");
	is_text(sf_csv_header_name(csv, 5), NULL, "no name behind the last column");
	is_int(sf_csv_map_columns(csv, names, 2, &err), SF_FAILED,
		   "no mapping after the header row");
	sf_csv_free(csv);
	sf_buf_free(&out);
}

static void
test_bad_text(void)
{
	static const struct
	{
		const char *name;
		const char *text;
		size_t len;
		const char *expected;
		const char *message;
	} inputs[] = {
#define INPUT(name, text, expected, message) {name, text, sizeof(text) - 1, expected, message}
		INPUT("NUL", "\"A\",\"B\"\n\"1\",\"2\"\n\"3\",\"x\0y\"\n\"5\",\"6\"\n",
			  "<1><2>\nfailed 8 row 2 column B", "NUL byte in column \"B\" of row 2"),
		INPUT("invalid byte", "\"A\",\"B\"\n\"1\xff\",\"2\"\n", "failed 8 row 1 column A",
			  "invalid UTF-8 in column \"A\" of row 1"),
		INPUT("after doubled quotes and delimiters",
			  "\"A\",\"B\"\n\"1,\"\"\n\",\"2\"\n\"3\",\"\"\"\x80\"\n",
			  "<1,\"\n><2>\nfailed 8 row 2 column B",
			  "invalid UTF-8 in column \"B\" of row 2"),
		INPUT("surrogate", "\"A\"\n\"\xed\xa0\x80\"\n", "failed 8 row 1 column A",
			  "invalid UTF-8 in column \"A\" of row 1"),
		INPUT("cut off by the closing quote", "\"A\"\n\"\xe6\x9d\"\n",
			  "failed 8 row 1 column A", "invalid UTF-8 in column \"A\" of row 1"),
		INPUT("cut off by the end", "A\nx\n\xe6\x9d", "<x>\nfailed 8 row 2 column A",
			  "invalid UTF-8 in column \"A\" of row 2"),
		INPUT("twice", "\"A\"\n\"1\"\n\"\xff\"\n\"\xfe\"\n", "<1>\nfailed 8 row 2 column A",
			  "invalid UTF-8 in column \"A\" of row 2"),
		INPUT("in the header row", "\"A\",\"\xff\"\n", "failed 8 row 0 column ",
			  "invalid UTF-8 in the CSV header row"),
		INPUT("behind empty lines", "\n\r\n\"A\0\"\n", "failed 8 row 0 column ",
			  "NUL byte in the CSV header row"),
		INPUT("half a byte order mark", "\xef\xbb", "failed 8 row 0 column ",
			  "invalid UTF-8 in the CSV header row"),
		INPUT("in a field too many", "\"A\"\n\"1\",\"\xff\"\n", NULL, NULL),
#undef INPUT
	};

	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
	{
		sf_error err = {0};
		sf_csv *csv = sf_csv_new(NULL, &err);
		int wrong = 0;
		sf_buf out;

		sf_buf_init(&out, TEXT_MAX);
		for (size_t cut = 1; cut <= inputs[i].len; cut++)
		{
			sf_csv_restart(csv);
			sf_buf_reset(&out);
			sf_error_reset(&err);
			run_into(csv, inputs[i].text, inputs[i].len, (cutter){.first = cut}, &out, &err);
			if (inputs[i].expected == NULL)
				wrong += err.row != 1;
			else if (strcmp(sf_buf_text(&out), inputs[i].expected) != 0 ||
					 strcmp(err.message, inputs[i].message) != 0)
			{
				if (wrong++ == 0)
					diag("cut %zu: %s: %s", cut, sf_buf_text(&out), err.message);
			}
		}
		ok(wrong == 0, "bad text: %s", inputs[i].name);
		sf_csv_free(csv);
		sf_buf_free(&out);
	}
}

/* Fields that are much longer than a block, with quotes to collapse. */
static void
test_big_fields(void)
{
	static const size_t lengths[] = {60, 64, 1000, 131072, 700000};
	int wrong = 0;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
	{
		sf_buf text;
		sf_buf field;
		sf_buf expected;
		sf_csv_options small = {.block_size = 64};

		sf_buf_init(&text, TEXT_MAX);
		sf_buf_init(&field, TEXT_MAX);
		sf_buf_init(&expected, TEXT_MAX);
		sf_buf_puts(&text, "\"Id\",\"Text\",\"Last\"\n");
		for (size_t n = 0; n < lengths[i]; n++)
			sf_buf_putc(&field, n % 97 == 0	  ? '"'
								: n % 89 == 0 ? '\n'
											  : (char) ('a' + n % 26));
		for (int row = 0; row < 3; row++)
		{
			sf_buf_printf(&text, "\"%d\",\"", row);
			for (size_t n = 0; n < field.len; n++)
			{
				if (field.data[n] == '"')
					sf_buf_putc(&text, '"');
				sf_buf_putc(&text, field.data[n]);
			}
			sf_buf_puts(&text, "\",\"last\"\n");
			sf_buf_printf(&expected, "<%d><%s><last>\n", row, sf_buf_text(&field));
		}
		sf_buf_puts(&expected, "done");
		for (int way = 0; way < 4; way++)
		{
			cutter cut = {.fixed = (const size_t[]){0, 16384, 7, 1}[way]};
			char *got = run(text.data, text.len, cut, way % 2 == 0 ? NULL : &small, NULL, -1);

			if (strcmp(got, expected.data) != 0)
				wrong++;
			free(got);
		}
		sf_buf_free(&text);
		sf_buf_free(&field);
		sf_buf_free(&expected);
	}
	is_int(wrong, 0, "fields longer than blocks");
}

/* Plain fields of all lengths around the 64 bytes that are looked at together. */
static void
test_long_fields(void)
{
	int wrong = 0;
	sf_buf text;

	sf_buf_init(&text, TEXT_MAX);
	sf_buf_puts(&text, "\"A\",\"B\",\"C\"\n");
	for (int len = 0; len < 300; len++)
	{
		sf_buf_putc(&text, '"');
		for (int i = 0; i < len; i++)
			sf_buf_putc(&text, (char) ('a' + i % 26));
		sf_buf_printf(&text, "\",\"%d\",\"%*d\"\n", len, 1 + len * 7 % 190, len);
	}
	for (size_t block = 64; block <= 4096; block += 61)
	{
		sf_csv_options opts = {.block_size = block};
		char *expected = run_reference(text.data, text.len);

		for (uint32_t way = 0; way < 4; way++)
		{
			cutter cut = {.fixed = way * 1000, .seed = way == 3 ? 0 : 7};
			char *got = run(text.data, text.len, cut, &opts, NULL, -1);

			wrong += strcmp(got, expected) != 0;
			free(got);
		}
		free(expected);
	}
	is_int(wrong, 0, "fields of all lengths");

	/* for one of these a field begins exactly at the end of a full block, with nothing behind it */
	wrong = 0;
	for (int pad = 0; pad < 70; pad++)
	{
		sf_csv_options opts = {.block_size = 64};
		char expected[200];
		char *got;

		sf_buf_reset(&text);
		sf_buf_printf(&text, "\"A\",\"B\"\n\"%0*d\",\"y\"\n", pad + 1, 0);
		sprintf(expected, "<%0*d><y>\ndone", pad + 1, 0);
		got = run(text.data, text.len, (cutter){0}, &opts, NULL, -1);
		wrong += strcmp(got, expected) != 0;
		free(got);
	}
	is_int(wrong, 0, "fields that begin at a block's end");
	sf_buf_free(&text);
}

static void
test_limits(void)
{
	sf_csv_options opts = {.block_size = 64, .record_max = 1000};
	sf_error err = {0};
	sf_csv *csv = sf_csv_new(&opts, &err);
	sf_value *values;
	sf_buf text;
	sf_buf out;
	char *ptr;
	size_t room;

	sf_buf_init(&text, TEXT_MAX);
	sf_buf_init(&out, TEXT_MAX);
	sf_buf_puts(&text, "\"A\"\n\"1\"\n\"");
	for (int i = 0; i < 5000; i++)
		sf_buf_putc(&text, 'x');
	run_into(csv, text.data, text.len, (cutter){0}, &out, &err);
	is_text(out.data, "<1>\nfailed 9 row 2 column ", "a record that is too long");
	is_text(err.message, "row 2 of the CSV exceeds 1000 bytes", "its message");

	is_int(sf_csv_block_begin(csv, &ptr, &room, &err), SF_FAILED, "no more input after it");
	is_int(sf_csv_block_filled(csv, 0, &err), SF_FAILED, "not even none");

	sf_csv_restart(csv);
	sf_buf_reset(&out);
	sf_error_reset(&err);
	run_into(csv, "A\n1\n", 4, (cutter){0}, &out, &err);
	is_text(out.data, "<1>\ndone", "a restart gives a large block back");
	sf_csv_free(csv);

	csv = sf_csv_new(NULL, &err);
	sf_buf_free(&text);
	sf_buf_free(&out);
	for (int i = 0; i <= SF_CSV_COLUMNS_MAX; i++)
		sf_buf_puts(&text, "a,");
	sf_error_reset(&err);
	run_into(csv, text.data, text.len, (cutter){.fixed = 50}, &out, &err);
	is_int(err.cls, SF_ERR_LIMIT, "too many columns");
	is_text(err.message, "the CSV has more than 4096 columns", "its message");
	sf_csv_free(csv);

	sf_error_reset(&err);
	opts.delimiter = '"';
	ok(sf_csv_new(&opts, &err) == NULL && err.cls == SF_ERR_CONFIG,
	   "a delimiter that cannot be");

	sf_error_reset(&err);
	csv = sf_csv_new(NULL, &err);
	is_int(sf_csv_next(csv, &values, &err), SF_WAIT, "nothing yet");
	sf_csv_block_begin(csv, &ptr, &room, &err);
	is_int(sf_csv_block_filled(csv, room + 1, &err), SF_FAILED, "more than the room");
	sf_csv_finish(csv, &err);
	is_int(sf_csv_next(csv, &values, &err), SF_DONE, "an empty body");
	sf_error_reset(&err);
	is_int(sf_csv_block_begin(csv, &ptr, &room, &err), SF_FAILED, "no input after the end");
	sf_csv_free(csv);
	sf_csv_free(NULL);
	sf_buf_free(&text);
	sf_buf_free(&out);
}

static void
test_delimiters(void)
{
	static const char delimiters[] = "`^,|;\t";

	for (const char *d = delimiters; *d != 0; d++)
	{
		sf_csv_options opts = {.delimiter = *d};
		char text[128];
		char expected[128];
		int n = sprintf(text, "\"A\"%c\"B\"\n\"1\"%c\"%c\"\nx%cy\n", *d, *d, *d, *d);
		char *got = run(text, (size_t) n, (cutter){.fixed = 2}, &opts, NULL, -1);

		sprintf(expected, "<1><%c>\n<x><y>\ndone", *d);
		is_text(got, expected, "another delimiter");
		free(got);
	}
}

static void
test_messages(void)
{
	static const struct
	{
		const char *text;
		const char *message;
		const char *detail;
	} inputs[] = {
		{"\"A\",\"B\"\n\"1\"\n", "malformed CSV in row 1: 2 fields expected",
		 "The row has 1 fields."},
		{"\"A\",\"B\"\n\"1\",\"2\",\"3\"\n", "malformed CSV in row 1: more than 2 fields", ""},
		{"\"A\",\"B\"\n\"1\",\"2",
		 "malformed CSV in column \"B\" of row 1: the closing quote is missing", ""},
		{"\"A\",\"B\"\n\"1\"x,\"2\"\n",
		 "malformed CSV in column \"A\" of row 1: text after the closing quote", ""},
		{"A\"B\n", "malformed CSV in the header row: a quote inside an unquoted field", ""},
	};

	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
	{
		sf_error err = {0};
		sf_csv *csv = sf_csv_new(NULL, &err);
		sf_buf out;

		sf_buf_init(&out, TEXT_MAX);
		run_into(csv, inputs[i].text, strlen(inputs[i].text), (cutter){0}, &out, &err);
		is_text(err.message, inputs[i].message, "message");
		is_text(err.detail, inputs[i].detail, "detail");
		sf_csv_free(csv);
		sf_buf_free(&out);
	}
}

/*
 * Whoever writes into the room may leave bytes there and then have nothing to say, as ISA-L does:
 * the parser must not read them, wherever it waits.
 */
static void
test_scribbling(void)
{
	static const char text[] = "\"Id\",\"Name\"\n\"a\",\"b \"\"c\"\"\"\n\"d\",\"e\"\n";
	int wrong = 0;

	for (size_t cut = 0; cut <= strlen(text); cut++)
	{
		sf_error err = {0};
		sf_csv *csv = sf_csv_new(NULL, &err);
		size_t parts[2][2] = {{0, cut}, {cut, strlen(text) - cut}};
		int rows = 0;

		for (int i = 0; i < 2; i++)
		{
			sf_value *values;
			char *ptr;
			size_t room;

			if (sf_csv_block_begin(csv, &ptr, &room, &err) != SF_OK)
				wrong++;
			memset(ptr, 'x', 64);
			if (sf_csv_next(csv, &values, &err) != SF_WAIT)
				wrong++;
			if (sf_csv_block_begin(csv, &ptr, &room, &err) != SF_OK)
				wrong++;
			memcpy(ptr, text + parts[i][0], parts[i][1]);
			if (sf_csv_block_filled(csv, parts[i][1], &err) != SF_OK)
				wrong++;
			while (sf_csv_next(csv, &values, &err) == SF_OK)
			{
				if (strcmp(values[1].data, rows == 0 ? "b \"c\"" : "e") != 0)
					wrong++;
				rows++;
			}
		}
		if (rows != 2 || sf_error_is_set(&err))
			wrong++;
		sf_csv_free(csv);
	}
	ok(wrong == 0, "bytes in the room that were not filled do not count");
}

int
main(void)
{
	test_cuts();
	test_random();
	test_mapping();
	test_bad_text();
	test_big_fields();
	test_long_fields();
	test_limits();
	test_delimiters();
	test_messages();
	test_scribbling();
	return tap_done();
}
