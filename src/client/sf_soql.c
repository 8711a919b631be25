/*
 * sf_soql.c
 *		SOQL: string literals, and a look at whole queries.
 */
#include "sf_client.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

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

/* ---- whole queries ------------------------------------------------------------------ */

/* A place in a query. */
typedef struct words
{
	const char *at;
	int depth; /* of parentheses */
} words;

static bool
in_word(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '.' || c == ':' ||
		   (unsigned char) c >= 0x80;
}

/* The next word outside of texts; its length, 0 at the end.  depth is where it stands. */
static size_t
next_word(words *w, const char **word)
{
	size_t n = 0;

	for (; *w->at != '\0' && !in_word(*w->at); w->at++)
	{
		if (*w->at == '(')
			w->depth++;
		else if (*w->at == ')')
			w->depth--;
		else if (*w->at == '\'')
		{
			for (w->at++; *w->at != '\0' && *w->at != '\''; w->at++)
			{
				if (*w->at == '\\' && w->at[1] != '\0')
					w->at++;
			}
			if (*w->at == '\0')
				return 0;
		}
	}
	*word = w->at;
	while (in_word(w->at[n]))
		n++;
	w->at += n;
	return n;
}

static bool
word_is(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(word, name, len) == 0;
}

bool
sf_soql_object(const char *soql, char *name, size_t size)
{
	words w = {soql, 0};
	const char *word;
	size_t n;

	while ((n = next_word(&w, &word)) > 0)
	{
		if (w.depth != 0 || !word_is(word, n, "FROM"))
			continue;
		n = next_word(&w, &word);
		if (n == 0 || n >= size || w.depth != 0)
			return false;
		memcpy(name, word, n);
		name[n] = '\0';
		return true;
	}
	return false;
}

bool
sf_soql_is_chunkable(const char *soql)
{
	/* what begins a clause that is not WHERE; behind FROM none of them is a name */
	static const char *const others[] = {"USING", "WITH",	"GROUP", "HAVING", "ORDER",
										 "LIMIT", "OFFSET", "FOR",	 "UPDATE", "ALL"};
	words w = {soql, 0};
	const char *word;
	bool from = false;
	bool first = true;
	size_t n;

	for (; (n = next_word(&w, &word)) > 0; first = false)
	{
		if (word_is(word, n, "SELECT") && !first)
			return false;
		if (w.depth != 0)
			continue;
		for (size_t i = 0; from && i < sizeof(others) / sizeof(others[0]); i++)
		{
			if (word_is(word, n, others[i]))
				return false;
		}
		if (!from && word_is(word, n, "FROM"))
		{
			/* the object behind it may be called Group or Order */
			from = true;
			if (next_word(&w, &word) == 0)
				return false;
		}
	}
	return from;
}
