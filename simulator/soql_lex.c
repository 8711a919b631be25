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

/*
 * How much of the row is shown around the place of an error: from the word that is this far in front to the
 * word that is this far behind.  Blanks and commas end words.  (Found by comparing the messages that users of
 * Salesforce quote.)
 */
#define ECHO_REACH 31

static bool
ends_word(char c)
{
	return c == ' ' || c == ',' || c == '\t';
}

void
soql_place(const char *query, int pos, int *row, int *column)
{
	int start = 0;

	*row = 1;
	for (int i = 0; i < pos; i++)
	{
		if (query[i] == '\n')
		{
			++*row;
			start = i + 1;
		}
	}
	*column = (int) sim_text_chars(query + start, (size_t) (pos - start));
}

/* Bytes [*from, *to) of the query that are shown around pos, none of them from another row. */
static void
echo_range(const char *query, int pos, int *from, int *to)
{
	int start = pos;
	int end = pos;
	int back = pos - ECHO_REACH;

	while (start > 0 && query[start - 1] != '\n')
		start--;
	while (query[end] != '\0' && query[end] != '\n' && query[end] != '\r')
		end++;
	while (back >= start && !ends_word(query[back]))
		back--;
	if (back >= start)
		start = back + 1;
	for (int i = pos + ECHO_REACH; i < end; i++)
	{
		if (ends_word(query[i]))
		{
			end = i;
			break;
		}
	}
	*from = start;
	*to = end;
}

/* shown: where the caret stands; column: what the message says, from 1. */
static bool
point_at(sim_error *err, const char *code, const char *query, int shown, int row, int column,
		 const char *reason)
{
	char echo[512];
	int from;
	int to;
	int len;

	echo_range(query, shown, &from, &to);
	len = to - from < (int) sizeof(echo) ? to - from : (int) sizeof(echo) - 1;
	/* a text cut in the middle of a character would be no UTF-8 */
	while (len > 0 && len < to - from && ((unsigned char) query[from + len] & 0xc0) == 0x80)
		len--;
	memcpy(echo, query + from, (size_t) len);
	echo[len] = '\0';
	return sim_error_set(err, code, "\n%s\n%*s^\nERROR at Row:%d:Column:%d\n%s", echo,
						 (int) sim_text_chars(query + from, (size_t) (shown - from)), "", row,
						 column, reason);
}

bool
soql_error_at(sim_error *err, const char *code, const char *query, int pos, const char *fmt,
			  ...)
{
	char reason[1024];
	int total = (int) strlen(query);
	int row;
	int column;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	if (pos > total)
		pos = total;
	soql_place(query, pos, &row, &column);
	return point_at(err, code, query, pos, row, column + 1, reason);
}

bool
soql_syntax_at(sim_error *err, const char *query, int pos, const char *fmt, ...)
{
	char reason[1024];
	int total = (int) strlen(query);
	int row;
	int column;
	int shown;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	if (pos > total)
		pos = total;
	soql_place(query, pos, &row, &column);
	shown = pos;
	if (column > 0)
	{
		do
			shown--;
		while (shown > 0 && ((unsigned char) query[shown] & 0xc0) == 0x80);
	}
	return point_at(err, "MALFORMED_QUERY", query, shown, row, column > 0 ? column : 1,
					reason);
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
		return soql_syntax_at(lx->err, lx->text, lx->len, "unexpected token: '<EOF>'");
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
	if (len == 3 && peek(lx, 3) == '-' && is_digit(peek(lx, 4)))
	{
		/* USD-500 */
		for (len = 4; is_digit(peek(lx, len));)
			len++;
		t->kind = SOQL_CURRENCY;
	}
	if (len > 3 && is_letter(peek(lx, 0)) && is_letter(peek(lx, 1)) &&
		is_letter(peek(lx, 2)) && (t->kind == SOQL_CURRENCY || digits_at(lx, 3, len - 3)) &&
		peek(lx, len) == '.' && is_digit(peek(lx, len + 1)))
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
	else if (strchr("=<>!", c) != NULL && (c != '!' || next == '='))
	{
		t->kind = SOQL_OP;
		lx->at += (next == '=' && c != '=') || (c == '<' && next == '>') ? 2 : 1;
	}
	else if (strchr("(),.:*;@/+-%&|^~!?[]{}", c) != NULL)
	{
		/* the lexer is shared with Apex, which has more signs than SOQL uses */
		t->kind = SOQL_PUNCT;
		lx->at++;
	}
	else
	{
		int row;
		int column;

		/* a character that is in no token: the lexer's own message, which has the place twice */
		soql_place(lx->text, lx->at, &row, &column);
		return soql_syntax_at(
			lx->err, lx->text, lx->at, "line %d:%d no viable alternative at character '%.*s'",
			row, column, (int) sim_text_prefix(t->text, (size_t) (lx->len - lx->at), 1),
			t->text);
	}
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
