/*
 * sf_soql.c
 *		SOQL string literals.
 */
#include "sf_client.h"

/* Where the literal goes, counting also what does not fit. */
typedef struct target
{
	char *out;
	size_t size;
	size_t len;
} target;

static void
put(target *t, char c)
{
	/* the last byte is kept for the 0 */
	if (t->len + 1 < t->size)
		t->out[t->len] = c;
	t->len++;
}

static void
put_escaped(target *t, char c)
{
	put(t, '\\');
	put(t, c);
}

/* One character of the text, as it means itself. */
static void
put_literal(target *t, char c)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char u = (unsigned char) c;

	switch (c)
	{
		case '\\':
		case '\'':
		case '"':
			put_escaped(t, c);
			break;
		case '\n':
			put_escaped(t, 'n');
			break;
		case '\r':
			put_escaped(t, 'r');
			break;
		case '\t':
			put_escaped(t, 't');
			break;
		case '\b':
			put_escaped(t, 'b');
			break;
		case '\f':
			put_escaped(t, 'f');
			break;
		default:
			if (u < 0x20 || u == 0x7f)
			{
				put_escaped(t, 'u');
				put(t, '0');
				put(t, '0');
				put(t, hex[u >> 4]);
				put(t, hex[u & 15]);
			}
			else
				put(t, c);
			break;
	}
}

size_t
sf_soql_quote(const char *text, size_t len, bool like, char *out, size_t size)
{
	target t = {out, size, 0};

	put(&t, '\'');
	for (size_t i = 0; i < len; i++)
	{
		/*
		 * In a pattern a backslash takes the meaning from the next character.  % and _ need that
		 * here too, everything else is itself again, so that no backslash of the pattern ever
		 * meets a character that SOQL would read as another escape.
		 */
		if (like && text[i] == '\\' && i + 1 < len)
		{
			i++;
			if (text[i] == '%' || text[i] == '_')
				put_escaped(&t, text[i]);
			else
				put_literal(&t, text[i]);
			continue;
		}
		put_literal(&t, text[i]);
	}
	put(&t, '\'');

	if (size > 0)
		out[t.len < size ? t.len : size - 1] = 0;
	return t.len;
}
