/*
 * fuzz_soql_quote.c
 *		SOQL literals: whatever the text, the literal reads back as that text and cannot end early.
 *
 * The first byte chooses LIKE or not.
 */
#include <stdlib.h>
#include <string.h>

#include "sf_client.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int) (c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int) (c - 'a' + 10);
	abort();
}

/*
 * Reads a literal as Salesforce does (SOQL reference, quoted string escapes): any other use of a
 * backslash is an error there and aborts here.  For a LIKE operand \% and \_ stay as they are, and
 * a literal backslash comes out doubled, so the result is a pattern again.
 */
static size_t
unquote(const char *literal, size_t len, bool like, char *out)
{
	static const char plain[] = "nrtbf\"'\\";
	static const char meaning[] = "\n\r\t\b\f\"'\\";
	size_t n = 0;

	if (len < 2 || literal[0] != '\'' || literal[len - 1] != '\'')
		abort();
	for (size_t i = 1; i < len - 1; i++)
	{
		char c = literal[i];
		const char *escape;

		if (c == '\'' || (unsigned char) c < 0x20)
			abort();
		if (c != '\\')
		{
			out[n++] = c;
			continue;
		}
		if (++i >= len - 1)
			abort();
		c = literal[i];
		if (like && (c == '%' || c == '_'))
		{
			out[n++] = '\\';
			out[n++] = c;
		}
		else if (c == 'u')
		{
			if (i + 4 >= len - 1 || literal[i + 1] != '0' || literal[i + 2] != '0')
				abort();
			out[n++] = (char) (hex(literal[i + 3]) << 4 | hex(literal[i + 4]));
			i += 4;
		}
		else
		{
			escape = c == 0 ? NULL : strchr(plain, c);
			if (escape == NULL)
				abort();
			if (like && c == '\\')
				out[n++] = '\\';
			out[n++] = meaning[escape - plain];
		}
	}
	return n;
}

/* A pattern with the escapes that mean nothing taken out: \x is x, a last \ is itself. */
static size_t
canonical_pattern(const char *text, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (text[i] == '\\')
		{
			if (i + 1 == len)
			{
				out[n++] = '\\';
				out[n++] = '\\';
				break;
			}
			i++;
			if (text[i] == '%' || text[i] == '_' || text[i] == '\\')
				out[n++] = '\\';
		}
		out[n++] = text[i];
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data + 1;
	bool like;
	size_t len;
	size_t need;
	size_t n;
	char *literal;
	char *back;
	char *expected;

	if (size < 1)
		return 0;
	like = (data[0] & 1) != 0;
	len = size - 1;
	need = sf_soql_quote(text, len, like, NULL, 0);
	literal = malloc(need + 1);
	back = malloc(2 * need + 1);
	expected = malloc(2 * len + 1);
	if (sf_soql_quote(text, len, like, literal, need + 1) != need || literal[need] != 0 ||
		strlen(literal) != need)
		abort();
	n = unquote(literal, need, like, back);
	if (like)
		len = canonical_pattern(text, len, expected);
	else
		memcpy(expected, text, len);
	if (n != len || memcmp(back, expected, n) != 0)
		abort();
	free(literal);
	free(back);
	free(expected);
	return 0;
}
