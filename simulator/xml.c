/*
 * xml.c
 *		Parsing and writing XML (xml.h).
 *
 * The document is copied once; names, values and texts are pieces of that copy, decoded and
 * terminated in place, which works because nothing grows when its entities are resolved.
 */
#include "xml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Enough for a batch of 10,000 records with 200 fields each. */
#define MAX_NODES 2500000

#define CHUNK_SIZE ((size_t) 64 * 1024)

typedef struct chunk
{
	struct chunk *next;
	size_t used;
	_Alignas(max_align_t) char data[];
} chunk;

struct xml_doc
{
	char *text;
	chunk *chunks;
	xml_node *root;
};

/* An element whose end tag is still to come. */
typedef struct level
{
	xml_node *node;
	xml_node *last; /* child */
	const char *qname;
	size_t qlen;
	char *text; /* where character data goes; NULL once there are child elements */
	char *to;
} level;

typedef struct parser
{
	xml_doc *doc;
	char *p;
	char *end;
	sim_error *err;
	int nnodes;
	int depth;
	level stack[XML_MAX_DEPTH];
} parser;

static bool
fail(parser *x, const char *what)
{
	return sim_error_set(x->err, "INVALID_XML", "%s", what);
}

static void *
take(parser *x, size_t size)
{
	chunk *c = x->doc->chunks;
	void *p;

	size = (size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
	if (c == NULL || CHUNK_SIZE - c->used < size)
	{
		c = malloc(sizeof(*c) + CHUNK_SIZE);
		if (c == NULL)
		{
			fail(x, "out of memory");
			return NULL;
		}
		c->used = 0;
		c->next = x->doc->chunks;
		x->doc->chunks = c;
	}
	p = c->data + c->used;
	c->used += size;
	memset(p, 0, size);
	return p;
}

/* ---------------------------------------------------------------- characters */

/* Bytes of the UTF-8 character at s; 0 when there is none that XML may hold. */
static size_t
char_length(const char *s, const char *end)
{
	const unsigned char *u = (const unsigned char *) s;
	size_t left = (size_t) (end - s);
	unsigned long cp;
	size_t n;

	if (u[0] < 0x80)
		return u[0] >= ' ' || u[0] == '\t' || u[0] == '\n' || u[0] == '\r' ? 1 : 0;
	if (u[0] < 0xC2 || u[0] > 0xF4)
		return 0;
	n = u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : 4;
	if (left < n)
		return 0;
	cp = u[0] & (0xFFU >> (n + 1));
	for (size_t i = 1; i < n; i++)
	{
		if ((u[i] & 0xC0) != 0x80)
			return 0;
		cp = cp << 6 | (u[i] & 0x3F);
	}
	if ((n == 3 && cp < 0x800) || (n == 4 && (cp < 0x10000 || cp > 0x10FFFF)) ||
		(cp >= 0xD800 && cp < 0xE000) || cp == 0xFFFE || cp == 0xFFFF)
		return 0;
	return n;
}

static bool
all_characters(const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end)
	{
		size_t n = char_length(s, end);

		if (n == 0)
			return false;
		s += n;
	}
	return true;
}

static char *
put_utf8(char *to, unsigned long cp)
{
	if (cp < 0x80)
		*to++ = (char) cp;
	else if (cp < 0x800)
	{
		*to++ = (char) (0xC0 | cp >> 6);
		*to++ = (char) (0x80 | (cp & 63));
	}
	else if (cp < 0x10000)
	{
		*to++ = (char) (0xE0 | cp >> 12);
		*to++ = (char) (0x80 | (cp >> 6 & 63));
		*to++ = (char) (0x80 | (cp & 63));
	}
	else
	{
		*to++ = (char) (0xF0 | cp >> 18);
		*to++ = (char) (0x80 | (cp >> 12 & 63));
		*to++ = (char) (0x80 | (cp >> 6 & 63));
		*to++ = (char) (0x80 | (cp & 63));
	}
	return to;
}

/* The entity behind x->p, which stands on "&": appended at *to.  False: none that we know. */
static bool
entity(parser *x, char **to)
{
	static const struct
	{
		const char *name;
		char c;
	} known[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
	char *s = x->p + 1;
	size_t left = (size_t) (x->end - s);

	if (left > 0 && *s == '#')
	{
		bool hex = left > 1 && s[1] == 'x';
		unsigned long cp = 0;
		char utf8[4];
		char *stop;
		int digits = 0;

		for (s += hex ? 2 : 1; s < x->end && *s != ';' && digits < 8; s++, digits++)
		{
			int d = *s >= '0' && *s <= '9' ? *s - '0' : (*s | 0x20) - 'a' + 10;

			if (d < 0 || d >= (hex ? 16 : 10))
				return false;
			cp = cp * (hex ? 16 : 10) + (unsigned long) d;
		}
		if (s >= x->end || *s != ';' || digits == 0 || cp > 0x10FFFF)
			return false;
		stop = put_utf8(utf8, cp);
		if (char_length(utf8, stop) != (size_t) (stop - utf8))
			return false;
		memcpy(*to, utf8, (size_t) (stop - utf8));
		*to += stop - utf8;
		x->p = s + 1;
		return true;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
	{
		size_t n = strlen(known[i].name);

		if (left >= n && memcmp(s, known[i].name, n) == 0)
		{
			*(*to)++ = known[i].c;
			x->p = s + n;
			return true;
		}
	}
	return false;
}

static bool
bad_entity(parser *x)
{
	return fail(x, "The entity name must immediately follow the '&' in the entity reference.");
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_space(parser *x)
{
	while (x->p < x->end && is_space(*x->p))
		x->p++;
}

static bool
starts(const parser *x, const char *text)
{
	size_t n = strlen(text);

	return (size_t) (x->end - x->p) >= n && memcmp(x->p, text, n) == 0;
}

/* Go behind the next occurrence of text. */
static bool
skip_past(parser *x, const char *text, const char *what)
{
	char *at = memmem(x->p, (size_t) (x->end - x->p), text, strlen(text));

	if (at == NULL)
		return fail(x, what);
	x->p = at + strlen(text);
	return true;
}

/* A qualified name at x->p; its length, 0 when there is none. */
static size_t
name_length(const parser *x)
{
	const char *s = x->p;

	while (s < x->end)
	{
		unsigned char c = (unsigned char) *s;
		bool letter = c >= 0x80 || c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

		if (!letter && (s == x->p || !((c >= '0' && c <= '9') || strchr("-.:", c))))
			break;
		s++;
	}
	return (size_t) (s - x->p);
}

/* Behind the prefix. */
static const char *
local_part(const char *qname, size_t len)
{
	const char *colon = memchr(qname, ':', len);

	return colon ? colon + 1 : qname;
}

/* ---------------------------------------------------------------- elements */

static bool
attribute(parser *x, xml_node *node)
{
	xml_attr *a = take(x, sizeof(*a));
	size_t n = name_length(x);
	char *name = x->p;
	char *name_end;
	char *to;
	char quote;

	if (a == NULL)
		return false;
	if (n == 0)
		return fail(x, "An attribute has no name.");
	x->p += n;
	name_end = x->p;
	skip_space(x);
	if (x->p >= x->end || *x->p != '=')
		return fail(x, "An attribute has no value.");
	x->p++;
	skip_space(x);
	if (x->p >= x->end || (*x->p != '"' && *x->p != '\''))
		return fail(x, "The value of an attribute is not in quotes.");
	quote = *x->p++;
	a->name = local_part(name, n);
	*name_end = '\0';
	a->value = to = x->p;
	while (x->p < x->end && *x->p != quote)
	{
		if (*x->p == '<')
			return fail(x, "The value of an attribute contains '<'.");
		if (*x->p != '&')
			*to++ = is_space(*x->p) ? (char) (x->p++, ' ') : *x->p++;
		else if (!entity(x, &to))
			return bad_entity(x);
	}
	if (x->p >= x->end)
		return fail(x, "An attribute does not end.");
	x->p++;
	*to = '\0';
	a->next = node->attrs;
	node->attrs = a;
	return true;
}

/* Attributes up to ">" or "/>"; *empty says which. */
static bool
attributes(parser *x, xml_node *node, bool *empty)
{
	for (;;)
	{
		bool blank = x->p < x->end && is_space(*x->p);

		skip_space(x);
		*empty = starts(x, "/>");
		if (*empty || starts(x, ">"))
		{
			x->p += *empty ? 2 : 1;
			return true;
		}
		if (x->p >= x->end)
			return fail(x, "A start tag does not end.");
		if (!blank)
			return fail(x, "A start tag contains an unexpected character.");
		if (!attribute(x, node))
			return false;
	}
}

static bool
start_tag(parser *x)
{
	xml_node *node;
	level *up = x->depth > 0 ? &x->stack[x->depth - 1] : NULL;
	level *l;
	char *qname;
	size_t qlen;
	char *stop;
	bool empty;

	x->p++;
	qname = x->p;
	qlen = name_length(x);
	if (qlen == 0)
		return fail(x, "A tag has no name.");
	if (x->depth == XML_MAX_DEPTH)
		return fail(x, "Elements are nested too deeply.");
	if (++x->nnodes > MAX_NODES)
		return fail(x, "There are too many elements.");
	node = take(x, sizeof(*node));
	if (node == NULL)
		return false;
	x->p += qlen;
	stop = x->p;
	if (!attributes(x, node, &empty))
		return false;

	/* what follows the name has been read: its first byte may go */
	*stop = '\0';
	node->name = local_part(qname, qlen);
	node->text = stop;
	if (up)
	{
		up->text = NULL;
		up->node->text = "";
		up->node->len = 0;
		if (up->last)
			up->last->next = node;
		else
			up->node->child = node;
		up->last = node;
	}
	else
		x->doc->root = node;
	if (empty)
		return true;
	l = &x->stack[x->depth++];
	*l = (level){node, NULL, qname, qlen, x->p, x->p};
	return true;
}

static bool
end_tag(parser *x)
{
	level *l = &x->stack[x->depth - 1];
	size_t n;

	x->p += 2;
	n = name_length(x);
	if (n != l->qlen || memcmp(x->p, l->qname, n) != 0)
		return fail(x, "An end tag does not match its start tag.");
	x->p += n;
	skip_space(x);
	if (x->p >= x->end || *x->p != '>')
		return fail(x, "An end tag does not end.");
	x->p++;
	if (l->text)
	{
		*l->to = '\0';
		l->node->text = l->text;
		l->node->len = (size_t) (l->to - l->text);
	}
	x->depth--;
	return true;
}

/* Line ends become LF on the way. */
static void
copy_text(parser *x, level *l, const char *stop)
{
	for (; x->p < stop; x->p++)
	{
		char c = *x->p;

		if (c == '\r')
		{
			if (x->p + 1 < x->end && x->p[1] == '\n')
				continue;
			c = '\n';
		}
		if (l->text)
			*l->to++ = c;
	}
}

/* Character data up to the next tag. */
static bool
characters(parser *x)
{
	level *l = &x->stack[x->depth - 1];

	while (x->p < x->end && *x->p != '<')
	{
		size_t n = 0;

		if (*x->p == '&')
		{
			char dropped[4];
			char *to = l->text ? l->to : dropped;

			if (!entity(x, &to))
				return bad_entity(x);
			if (l->text)
				l->to = to;
			continue;
		}
		while (x->p + n < x->end && x->p[n] != '<' && x->p[n] != '&')
			n++;
		copy_text(x, l, x->p + n);
	}
	return true;
}

static bool
cdata(parser *x)
{
	level *l = &x->stack[x->depth - 1];
	char *stop;

	x->p += 9;
	stop = memmem(x->p, (size_t) (x->end - x->p), "]]>", 3);
	if (stop == NULL)
		return fail(x, "A CDATA section does not end.");
	copy_text(x, l, stop);
	x->p = stop + 3;
	return true;
}

/* What may stand before and behind the root: comments, instructions, blanks. */
static bool
misc(parser *x)
{
	for (;;)
	{
		skip_space(x);
		if (starts(x, "<!--"))
		{
			if (!skip_past(x, "-->", "A comment does not end."))
				return false;
		}
		else if (starts(x, "<?"))
		{
			if (!skip_past(x, "?>", "A processing instruction does not end."))
				return false;
		}
		else
			return true;
	}
}

/* An encoding other than UTF-8 in the declaration is refused. */
static bool
declaration(parser *x)
{
	char *stop;
	char *at;

	skip_space(x);
	if (!starts(x, "<?xml"))
		return true;
	stop = memmem(x->p, (size_t) (x->end - x->p), "?>", 2);
	at = stop ? memmem(x->p, (size_t) (stop - x->p), "encoding", 8) : NULL;
	if (at == NULL)
		return true;
	at += 8;
	while (at < stop && strchr(" \t\r\n=\"'", *at))
		at++;
	if (stop - at < 5 || strncasecmp(at, "UTF-8", 5) != 0)
		return fail(x, "The encoding is not UTF-8.");
	return true;
}

static bool
document(parser *x)
{
	if (starts(x, "\xEF\xBB\xBF"))
		x->p += 3;
	if (!all_characters(x->p, (size_t) (x->end - x->p)))
		return fail(x,
					"Invalid byte of a UTF-8 sequence, or a character that XML cannot hold.");
	if (!declaration(x) || !misc(x))
		return false;
	if (starts(x, "<!DOCTYPE"))
		return fail(x, "DOCTYPE is disallowed.");
	if (x->p >= x->end)
		return fail(x, "Premature end of file.");
	if (*x->p != '<')
		return fail(x, "Content is not allowed in prolog.");
	do
	{
		bool ok;

		if (x->depth > 0 && !characters(x))
			return false;
		if (x->p >= x->end)
			return fail(x,
						"XML document structures must start and end within the same entity.");
		if (starts(x, "</"))
			ok = x->depth > 0 && end_tag(x);
		else if (starts(x, "<!--"))
			ok = skip_past(x, "-->", "A comment does not end.");
		else if (starts(x, "<?"))
			ok = skip_past(x, "?>", "A processing instruction does not end.");
		else if (starts(x, "<![CDATA[") && x->depth > 0)
			ok = cdata(x);
		else
			ok = start_tag(x);
		if (!ok)
			return false;
	} while (x->depth > 0);
	if (!misc(x))
		return false;
	return x->p >= x->end || fail(x, "Content is not allowed in trailing section.");
}

xml_doc *
xml_parse(const char *data, size_t len, sim_error *err)
{
	xml_doc *doc = calloc(1, sizeof(*doc));
	parser *x = calloc(1, sizeof(*x));
	bool ok = false;

	sim_error_set(err, "INVALID_XML", "A tag is not where it may be.");
	if (doc && x && (doc->text = malloc(len + 1)) != NULL)
	{
		if (len > 0)
			memcpy(doc->text, data, len);
		doc->text[len] = '\0';
		x->doc = doc;
		x->p = doc->text;
		x->end = doc->text + len;
		x->err = err;
		ok = document(x);
	}
	free(x);
	if (ok)
		return doc;
	xml_free(doc);
	return NULL;
}

void
xml_free(xml_doc *doc)
{
	if (doc == NULL)
		return;
	while (doc->chunks)
	{
		chunk *next = doc->chunks->next;

		free(doc->chunks);
		doc->chunks = next;
	}
	free(doc->text);
	free(doc);
}

const xml_node *
xml_root(const xml_doc *doc)
{
	return doc->root;
}

const xml_node *
xml_child(const xml_node *node, const char *name)
{
	if (node == NULL)
		return NULL;
	for (const xml_node *c = node->child; c; c = c->next)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

/* The parser bounds the depth of this recursion. */
const xml_node *
xml_find(const xml_node *node, const char *name)
{
	if (node == NULL)
		return NULL;
	for (const xml_node *c = node->child; c; c = c->next)
	{
		const xml_node *found = strcmp(c->name, name) == 0 ? c : xml_find(c, name);

		if (found)
			return found;
	}
	return NULL;
}

const char *
xml_child_text(const xml_node *node, const char *name)
{
	const xml_node *c = xml_child(node, name);

	return c ? c->text : NULL;
}

const char *
xml_attr_value(const xml_node *node, const char *name)
{
	for (const xml_attr *a = node->attrs; a; a = a->next)
		if (strcmp(a->name, name) == 0)
			return a->value;
	return NULL;
}

bool
xml_is_nil(const xml_node *node)
{
	const char *nil = xml_attr_value(node, "nil");

	return nil && (strcmp(nil, "true") == 0 || strcmp(nil, "1") == 0);
}

/* ---------------------------------------------------------------- writing */

void
xml_escape(sim_buf *out, const char *s, size_t len)
{
	const char *end = s + len;
	const char *start = s;

	while (s < end)
	{
		const char *entity_text;
		size_t n = char_length(s, end);

		if (n > 1 || (n == 1 && *s != '<' && *s != '>' && *s != '&' && *s != '\r'))
		{
			s += n;
			continue;
		}
		entity_text = n == 0	  ? ""
					  : *s == '<' ? "&lt;"
					  : *s == '>' ? "&gt;"
					  : *s == '&' ? "&amp;"
								  : "&#xd;";
		sim_buf_add(out, start, (size_t) (s - start));
		sim_buf_str(out, entity_text);
		start = ++s;
	}
	sim_buf_add(out, start, (size_t) (s - start));
}

void
xml_element(sim_buf *out, const char *name, const char *text)
{
	sim_buf_char(out, '<');
	sim_buf_str(out, name);
	if (text == NULL)
	{
		sim_buf_str(out, " xsi:nil=\"true\"/>");
		return;
	}
	sim_buf_char(out, '>');
	xml_escape(out, text, strlen(text));
	sim_buf_str(out, "</");
	sim_buf_str(out, name);
	sim_buf_char(out, '>');
}

static void
new_line(xml_writer *w)
{
	if (w->open)
		sim_buf_char(w->out, '>');
	w->open = false;
	sim_buf_char(w->out, '\n');
	for (int i = 0; i < w->depth; i++)
		sim_buf_char(w->out, ' ');
}

void
xml_begin(xml_writer *w, sim_buf *out, const char *root, const char *ns)
{
	w->out = out;
	w->depth = 1;
	w->open = true;
	sim_buf_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><%s\n   xmlns=\"%s\"", root,
				   ns);
}

void
xml_open(xml_writer *w, const char *name)
{
	new_line(w);
	sim_buf_printf(w->out, "<%s", name);
	w->open = true;
	w->depth++;
}

void
xml_close(xml_writer *w, const char *name)
{
	w->depth--;
	if (w->open)
		sim_buf_str(w->out, " />");
	else
	{
		new_line(w);
		sim_buf_printf(w->out, "</%s>", name);
	}
	w->open = false;
}

/*
 * Text as the serializer of the real service writes it (it is the one of Salesforce's public Java client, to the blank in
 * front of an empty element's slash): ">" stays as it is unless it ends "]]>".
 */
static void
put_text(sim_buf *out, const char *text)
{
	const char *start = text;

	for (const char *p = text; (p = strchr(p, '>')) != NULL; p++)
		if (p - text < 2 || p[-1] != ']' || p[-2] != ']')
		{
			xml_escape(out, start, (size_t) (p - start));
			sim_buf_char(out, '>');
			start = p + 1;
		}
	xml_escape(out, start, strlen(start));
}

void
xml_put(xml_writer *w, const char *name, const char *text)
{
	new_line(w);
	if (text == NULL)
	{
		sim_buf_printf(w->out, "<%s xsi:nil=\"true\" />", name);
		return;
	}
	sim_buf_printf(w->out, "<%s>", name);
	put_text(w->out, text);
	sim_buf_printf(w->out, "</%s>", name);
}

void
xml_putf(xml_writer *w, const char *name, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	xml_put(w, name, text);
}

void
xml_end(xml_writer *w, const char *root)
{
	xml_close(w, root);
}
