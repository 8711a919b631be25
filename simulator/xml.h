/*
 * xml.h
 *		XML in and out: a small tree parser that is safe for hostile input, and a writer.
 *
 * The parser takes well-formed UTF-8 without a document type; depth and number of elements are
 * bounded.  Names are local names: which prefix a client chose does not matter.  Character data is kept
 * for elements without child elements only, which is all that Salesforce's formats need.
 */
#ifndef SFSIM_XML_H
#define SFSIM_XML_H

#include "engine.h"

#define XML_MAX_DEPTH 64

typedef struct xml_attr
{
	const char *name;
	const char *value;
	struct xml_attr *next;
} xml_attr;

typedef struct xml_node
{
	const char *name; /* without its prefix */
	const char *text; /* entities resolved, NUL-terminated; "" when there is none */
	size_t len;
	xml_attr *attrs;
	struct xml_node *child; /* first one */
	struct xml_node *next;	/* sibling */
} xml_node;

typedef struct xml_doc xml_doc;

/*
 * Parse a copy of the text.  NULL and *err when it is not well-formed, too deep, too big, has a document
 * type or is not UTF-8; the message says what and is fit for the wire.  Free with xml_free() (NULL is fine).
 */
xml_doc *xml_parse(const char *data, size_t len, sim_error *err);
void xml_free(xml_doc *doc);
const xml_node *xml_root(const xml_doc *doc);

/* First child, or first element at any depth below, of this local name; NULL when there is none. */
const xml_node *xml_child(const xml_node *node, const char *name);
const xml_node *xml_find(const xml_node *node, const char *name);

/* Text of such a child; NULL when there is none.  node may be NULL. */
const char *xml_child_text(const xml_node *node, const char *name);

/* Value of an attribute by local name; NULL when absent. */
const char *xml_attr_value(const xml_node *node, const char *name);

/* xsi:nil="true" */
bool xml_is_nil(const xml_node *node);

/* Append text with the characters escaped that have to be; what XML cannot hold is dropped. */
void xml_escape(sim_buf *out, const char *s, size_t len);

/* <name>text</name>, or <name xsi:nil="true"/> when text is NULL; nothing around it. */
void xml_element(sim_buf *out, const char *name, const char *text);

/*
 * The layout of recorded answers of the Bulk API: root's namespace on a line of its own, one blank of
 * indentation for each level.
 */
typedef struct xml_writer
{
	sim_buf *out;
	int depth;
	bool open; /* the start tag still lacks its ">" */
} xml_writer;

void xml_begin(xml_writer *w, sim_buf *out, const char *root, const char *ns);
void xml_open(xml_writer *w, const char *name);
void xml_close(xml_writer *w, const char *name);
void xml_put(xml_writer *w, const char *name, const char *text);
void xml_putf(xml_writer *w, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void xml_end(xml_writer *w, const char *root);

#endif /* SFSIM_XML_H */
