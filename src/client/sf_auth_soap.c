/*
 * sf_auth_soap.c
 *		The two XML documents of a SOAP login.
 */
#include "sf_auth_soap.h"

#include <stdlib.h>
#include <string.h>

#include "sf_utf8.h"

static void
put_escaped(sf_buf *out, const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
	{
		switch (*text)
		{
			case '&':
				sf_buf_puts(out, "&amp;");
				break;
			case '<':
				sf_buf_puts(out, "&lt;");
				break;
			case '>':
				sf_buf_puts(out, "&gt;");
				break;
			case '"':
				sf_buf_puts(out, "&quot;");
				break;
			case '\'':
				sf_buf_puts(out, "&apos;");
				break;
			default:
				sf_buf_putc(out, *text);
		}
	}
}

void
sf_soap_login_request(sf_buf *out, const char *username, const char *password,
					  const char *security_token)
{
	sf_buf_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
					 "<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\">"
					 "<env:Body><login xmlns=\"urn:partner.soap.sforce.com\"><username>");
	put_escaped(out, username);
	sf_buf_puts(out, "</username><password>");
	put_escaped(out, password);
	put_escaped(out, security_token);
	sf_buf_puts(out, "</password></login></env:Body></env:Envelope>");
}

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

bool
sf_soap_element(const char *xml, size_t len, const char *name, sf_buf *out)
{
	const char *end = xml + len;
	const char *p = xml;

	while ((p = memchr(p, '<', (size_t) (end - p))) != NULL)
	{
		p++;
		if (!tag_is(p, end, name))
			continue;
		p = memchr(p, '>', (size_t) (end - p));
		if (p == NULL)
			return false;
		for (p++; p < end && *p != '<';)
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
	return false;
}
