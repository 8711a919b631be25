/*
 * sf_xml.c
 *		The flat XML of a login's answer and of Bulk API 1.0.
 */
#include "sf_xml.h"

#include <string.h>

#include "sf_utf8.h"

/* Resolves one entity at p ("&amp;"); returns its length, 0 when it is none. */
static size_t
put_entity(sf_buf *out, const char *p, const char *end)
{
	static const struct
	{
		const char *name;
		char value;
	} named[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
	const char *stop = memchr(p, ';', (size_t) (end - p) < 12 ? (size_t) (end - p) : 12);

	if (stop == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
	{
		size_t n = strlen(named[i].name);

		if ((size_t) (stop - p) + 1 == n && memcmp(p, named[i].name, n) == 0)
		{
			sf_buf_putc(out, named[i].value);
			return n;
		}
	}
	if (p[1] == '#')
	{
		bool hex = p[2] == 'x' || p[2] == 'X';
		const char *digits = p + (hex ? 3 : 2);
		uint32_t code = 0;
		char utf8[4];
		int n;

		for (const char *d = digits; d < stop; d++)
		{
			const char *all = "0123456789abcdef";
			const char *found = strchr(all, *d >= 'A' && *d <= 'F' ? *d + 32 : *d);

			if (found == NULL || *d == '\0' || found - all >= (hex ? 16 : 10) ||
				code > 0x110000)
				return 0;
			code = code * (hex ? 16 : 10) + (uint32_t) (found - all);
		}
		n = digits < stop && code != 0 ? sf_utf8_encode(code, utf8) : 0;
		if (n == 0)
			return 0;
		sf_buf_append(out, utf8, (size_t) n);
		return (size_t) (stop - p) + 1;
	}
	return 0;
}

/* Is this the start tag of that element?  p is behind its '<'. */
static bool
tag_is(const char *p, const char *end, const char *name)
{
	size_t n = strlen(name);
	const char *start = p;

	while (p < end && strchr(" \t\r\n/>", *p) == NULL)
	{
		if (*p == ':')
			start = p + 1;
		p++;
	}
	return p < end && *p != '/' && (size_t) (p - start) == n && memcmp(start, name, n) == 0;
}

/* Goes behind the start tag of the next element of that name; NULL when there is none. */
static const char *
find_element(const char *p, const char *end, const char *name)
{
	while ((p = memchr(p, '<', (size_t) (end - p))) != NULL)
	{
		p++;
		if (!tag_is(p, end, name))
			continue;
		p = memchr(p, '>', (size_t) (end - p));
		if (p == NULL)
			return NULL;
		/* <name/> and <name xsi:nil="true"/> hold nothing, and have no end tag */
		if (p[-1] != '/')
			return p + 1;
	}
	return NULL;
}

bool
sf_xml_element(const char *xml, size_t len, const char *name, sf_buf *out)
{
	const char *end = xml + len;
	const char *p = find_element(xml, end, name);

	if (p == NULL)
		return false;
	while (p < end && *p != '<')
	{
		size_t n = *p == '&' ? put_entity(out, p, end) : 0;

		if (n == 0)
		{
			sf_buf_putc(out, *p);
			n = 1;
		}
		p += n;
	}
	return p + 1 < end && p[1] == '/' && out->failed == SF_ERR_NONE;
}

bool
sf_xml_next(const char **xml, size_t *len, const char *name, const char **inner,
			size_t *inner_len)
{
	const char *end = *xml + *len;
	const char *start = find_element(*xml, end, name);
	const char *p = start;

	while (p != NULL && (p = memchr(p, '<', (size_t) (end - p))) != NULL)
	{
		const char *tag = p + 1;

		if (tag < end && *tag == '/' && tag_is(tag + 1, end, name))
		{
			*inner = start;
			*inner_len = (size_t) (p - start);
			*xml = tag;
			*len = (size_t) (end - tag);
			return true;
		}
		p = tag;
	}
	return false;
}
