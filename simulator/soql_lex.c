/*
 * soql_lex.c
 *		SOQL text to tokens; string escapes; error messages that point into the query.
 */
#include "soql.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- arena */

#define CHUNK_SIZE 8192

typedef struct chunk
{
	struct chunk *next;
	size_t used;
	size_t size;
	_Alignas(max_align_t) char data[];
} chunk;

struct soql_arena
{
	chunk *chunks;
};

soql_arena *
soql_arena_new(void)
{
	return calloc(1, sizeof(soql_arena));
}

void
soql_arena_free(soql_arena *a)
{
	if (a == NULL)
		return;
	while (a->chunks != NULL)
	{
		chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
	free(a);
}

void *
soql_alloc(soql_arena *a, size_t size)
{
	chunk *c = a->chunks;
	void *p;

	size = (size + 15) & ~(size_t) 15;
	if (c == NULL || c->size - c->used < size)
	{
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		c = malloc(sizeof(chunk) + room);
		if (c == NULL)
			return NULL;
		c->next = a->chunks;
		c->used = 0;
		c->size = room;
		a->chunks = c;
	}
	p = c->data + c->used;
	c->used += size;
	return memset(p, 0, size);
}

char *
soql_strndup(soql_arena *a, const char *s, size_t len)
{
	char *copy = soql_alloc(a, len + 1);

	if (copy != NULL)
		memcpy(copy, s, len);
	return copy;
}

/* ---------------------------------------------------------------- errors */

/* Characters of the query that are shown before and behind the place of an error. */
#define ECHO_BEFORE 40
#define ECHO_BEHIND 40

/* Where the echo starts: at a word, not too far from pos. */
static int
echo_start(const char *query, int pos)
{
	int from = pos > ECHO_BEFORE ? pos - ECHO_BEFORE : 0;
	int at = from;

	if (from == 0)
		return 0;
	while (at < pos && query[at] != ' ' && query[at] != '\n' && query[at] != '\t')
		at++;
	if (at < pos)
		return at + 1;
	while (from < pos && ((unsigned char) query[from] & 0xc0) == 0x80)
		from++;
	return from;
}

bool
soql_error_at(sim_error *err, const char *code, const char *query, int pos, const char *fmt,
			  ...)
{
	char reason[1024];
	char echo[(ECHO_BEFORE + ECHO_BEHIND) * 4 + 8];
	int total = (int) strlen(query);
	int row = 1;
	int line_start = 0;
	int from;
	int len;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	if (pos > total)
		pos = total;
	for (int i = 0; i < pos; i++)
	{
		if (query[i] == '\n')
		{
			row++;
			line_start = i + 1;
		}
	}
	from = echo_start(query, pos);
	len = (int) sim_text_prefix(query + from, (size_t) (total - from),
								sim_text_chars(query + from, (size_t) (pos - from)) +
									ECHO_BEHIND);
	memcpy(echo, query + from, (size_t) len);
	echo[len] = '\0';
	for (int i = 0; i < len; i++)
	{
		/* one line, whatever the query's layout */
		if ((unsigned char) echo[i] < ' ')
			echo[i] = ' ';
	}
	return sim_error_set(
		err, code, "\n%s\n%*s^\nERROR at Row:%d:Column:%d\n%s", echo,
		(int) sim_text_chars(query + from, (size_t) (pos - from)), "", row,
		(int) sim_text_chars(query + line_start, (size_t) (pos - line_start)) + 1, reason);
}

/* ---------------------------------------------------------------- tokens */

static bool
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int
peek(const soql_lexer *lx, int ahead)
{
	return lx->at + ahead < lx->len ? (unsigned char) lx->text[lx->at + ahead] : -1;
}

/* n digits at an offset? */
static bool
digits_at(const soql_lexer *lx, int ahead, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (!is_digit(peek(lx, ahead + i)))
			return false;
	}
	return true;
}

/* Length of "10:15:00.000Z" at an offset, with what the zone may look like; 0: none. */
static int
clock_length(const soql_lexer *lx, int ahead)
{
	int at = ahead;

	if (!digits_at(lx, at, 2) || peek(lx, at + 2) != ':' || !digits_at(lx, at + 3, 2) ||
		peek(lx, at + 5) != ':' || !digits_at(lx, at + 6, 2))
		return 0;
	at += 8;
	if (peek(lx, at) == '.' && is_digit(peek(lx, at + 1)))
	{
		at++;
		while (is_digit(peek(lx, at)))
			at++;
	}
	if (peek(lx, at) == 'Z' || peek(lx, at) == 'z')
		return at + 1 - ahead;
	if ((peek(lx, at) == '+' || peek(lx, at) == '-') && digits_at(lx, at + 1, 2))
	{
		if (peek(lx, at + 3) == ':' && digits_at(lx, at + 4, 2))
			return at + 6 - ahead;
		if (digits_at(lx, at + 3, 2))
			return at + 5 - ahead;
	}
	return at - ahead;
}

static bool
lex_string(soql_lexer *lx, soql_token *t)
{
	lx->at++;
	while (lx->at < lx->len && lx->text[lx->at] != '\'')
		lx->at += lx->text[lx->at] == '\\' ? 2 : 1;
	if (lx->at >= lx->len)
		return soql_error_at(lx->err, "MALFORMED_QUERY", lx->text, lx->len,
							 "mismatched character '<EOF>' expecting '''");
	lx->at++;
	t->kind = SOQL_STRING;
	return true;
}

static void
lex_number(soql_lexer *lx, soql_token *t)
{
	int clock;

	if (digits_at(lx, 0, 4) && peek(lx, 4) == '-' && digits_at(lx, 5, 2) &&
		peek(lx, 7) == '-' && digits_at(lx, 8, 2))
	{
		t->kind = SOQL_DATE;
		if (peek(lx, 10) == 'T' || peek(lx, 10) == 't')
		{
			clock = clock_length(lx, 11);
			if (clock > 0)
			{
				t->kind = SOQL_DATETIME;
				lx->at += 1 + clock;
			}
		}
		lx->at += 10;
		return;
	}
	clock = clock_length(lx, 0);
	if (clock > 0)
	{
		t->kind = SOQL_TIME;
		lx->at += clock;
		return;
	}
	t->kind = SOQL_NUMBER;
	lx->at++; /* sign, point or digit */
	while (is_digit(peek(lx, 0)))
		lx->at++;
	if (lx->text[t->pos] != '.' && peek(lx, 0) == '.' && is_digit(peek(lx, 1)))
	{
		lx->at++;
		while (is_digit(peek(lx, 0)))
			lx->at++;
	}
}

/* A word; or an amount such as USD5000.25, which starts like one. */
static void
lex_word(soql_lexer *lx, soql_token *t)
{
	int len = 0;

	t->kind = SOQL_IDENT;
	while (is_letter(peek(lx, len)) || is_digit(peek(lx, len)) || peek(lx, len) == '_')
		len++;
	if (len > 3 && is_letter(peek(lx, 0)) && is_letter(peek(lx, 1)) &&
		is_letter(peek(lx, 2)) && digits_at(lx, 3, len - 3) && peek(lx, len) == '.' &&
		is_digit(peek(lx, len + 1)))
	{
		t->kind = SOQL_CURRENCY;
		len++;
		while (is_digit(peek(lx, len)))
			len++;
	}
	lx->at += len;
}

bool
soql_next_token(soql_lexer *lx, soql_token *t)
{
	int c;
	int next;

	while (lx->at < lx->len && strchr(" \t\r\n\f", lx->text[lx->at]) != NULL)
		lx->at++;
	t->pos = lx->at;
	t->text = lx->text + lx->at;
	t->kind = SOQL_EOF;
	t->len = 0;
	c = peek(lx, 0);
	if (c < 0)
		return true;
	next = peek(lx, 1);
	if (c == '\'')
	{
		if (!lex_string(lx, t))
			return false;
	}
	else if (is_digit(c) || (c == '.' && is_digit(next)) ||
			 ((c == '-' || c == '+') &&
			  (is_digit(next) || (next == '.' && is_digit(peek(lx, 2))))))
	{
		/* the sign of "-.5" is followed by its point */
		if ((c == '-' || c == '+') && next == '.')
		{
			lx->at++;
			lex_number(lx, t);
			while (is_digit(peek(lx, 0)))
				lx->at++;
		}
		else
			lex_number(lx, t);
	}
	else if (is_letter(c) || c == '_')
		lex_word(lx, t);
	else if (strchr("(),.:", c) != NULL)
	{
		t->kind = SOQL_PUNCT;
		lx->at++;
	}
	else if (strchr("=<>!", c) != NULL && (c != '!' || next == '='))
	{
		t->kind = SOQL_OP;
		lx->at += (next == '=' && c != '=') || (c == '<' && next == '>') ? 2 : 1;
	}
	else
		return soql_error_at(
			lx->err, "MALFORMED_QUERY", lx->text, lx->at, "unexpected token: '%.*s'",
			(int) sim_text_prefix(t->text, (size_t) (lx->len - lx->at), 1), t->text);
	t->len = lx->at - t->pos;
	return true;
}

/* ---------------------------------------------------------------- strings */

static size_t
put_utf8(char *out, unsigned c)
{
	if (c < 0x80)
	{
		out[0] = (char) c;
		return 1;
	}
	if (c < 0x800)
	{
		out[0] = (char) (0xc0 | c >> 6);
		out[1] = (char) (0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000)
	{
		out[0] = (char) (0xe0 | c >> 12);
		out[1] = (char) (0x80 | (c >> 6 & 0x3f));
		out[2] = (char) (0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char) (0xf0 | c >> 18);
	out[1] = (char) (0x80 | (c >> 12 & 0x3f));
	out[2] = (char) (0x80 | (c >> 6 & 0x3f));
	out[3] = (char) (0x80 | (c & 0x3f));
	return 4;
}

/* Four hexadecimal digits; -1: not that. */
static int
hex4(const char *s, const char *end)
{
	int value = 0;

	if (end - s < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		int c = (unsigned char) s[i] | 0x20;

		if (is_digit((unsigned char) s[i]))
			value = value * 16 + s[i] - '0';
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + c - 'a' + 10;
		else
			return -1;
	}
	return value;
}

/* The UTF-16 unit(s) behind "\u" at *s; -1 when malformed or half a pair. */
static int
unicode_escape(const char **s, const char *end)
{
	int c = hex4(*s, end);
	int low;

	if (c < 0)
		return -1;
	*s += 4;
	if (c >= 0xdc00 && c < 0xe000)
		return -1;
	if (c < 0xd800 || c >= 0xdc00)
		return c;
	if (end - *s < 6 || (*s)[0] != '\\' || ((*s)[1] | 0x20) != 'u')
		return -1;
	low = hex4(*s + 2, end);
	if (low < 0xdc00 || low >= 0xe000)
		return -1;
	*s += 6;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

/* One escape, *s behind the backslash: appends to out.  False: no such escape. */
static bool
unescape(const char **s, const char *end, bool like, char *out, size_t *len)
{
	static const char from[] = "nrtbfNRTBF";
	static const char to[] = "\n\r\t\b\f\n\r\t\b\f";
	char c = *(*s)++;
	const char *hit = c ? strchr(from, c) : NULL;

	if (hit != NULL)
		out[(*len)++] = to[hit - from];
	else if (c == '\'' || c == '"')
		out[(*len)++] = c;
	else if (c == '\\')
	{
		/* a plain backslash stays escaped in a pattern */
		out[(*len)++] = c;
		if (like)
			out[(*len)++] = c;
	}
	else if (like && (c == '%' || c == '_'))
	{
		out[(*len)++] = '\\';
		out[(*len)++] = c;
	}
	else if (c == 'u' || c == 'U')
	{
		int point = unicode_escape(s, end);

		if (point < 0)
			return false;
		*len += put_utf8(out + *len, (unsigned) point);
	}
	else
		return false;
	return true;
}

bool
soql_string_value(soql_lexer *lx, const soql_token *t, bool like, const char **out,
				  size_t *outlen)
{
	const char *s = t->text + 1;
	const char *end = t->text + t->len - 1;
	char *buf = soql_alloc(lx->arena, (size_t) t->len * 2 + 1);
	size_t len = 0;

	if (buf == NULL)
		return sim_error_set(lx->err, "UNKNOWN_EXCEPTION", "out of memory");
	while (s < end)
	{
		if (*s != '\\')
		{
			buf[len++] = *s++;
			continue;
		}
		s++;
		if (s >= end || !unescape(&s, end, like, buf, &len))
			return soql_error_at(
				lx->err, "MALFORMED_QUERY", lx->text, t->pos,
				"Invalid string literal '%.*s'. Illegal character sequence in "
				"string literal.",
				t->len > 200 ? 200 : t->len - 2, t->text + 1);
	}
	*out = buf;
	*outlen = len;
	return true;
}
