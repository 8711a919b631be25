/*
 * sf_url.c
 *		URLs: parsing, percent-encoding, query parameters.
 */
#include <string.h>
#include <strings.h>

#include "sf_url.h"

#define HTTPS_PORT 443
#define HTTP_PORT  80

/* ---- parsing ----------------------------------------------------------------------- */

static sf_status
invalid(const char *what, const char *why, sf_error *err)
{
	/* the URL itself is not shown: it might hold a password */
	sf_error_set(err, SF_ERR_CONFIG, "invalid %s: %s", what, why);
	sf_error_hint(err, "A URL looks like https://acme.my.salesforce.com.");
	return SF_FAILED;
}

static bool
is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		   c == '-' || c == '.' || c == '_';
}

static bool
is_ipv6_char(char c)
{
	return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') ||
		   c == ':' || c == '.';
}

static bool
copy_host(sf_url *url, const char *text, size_t len)
{
	if (len == 0 || len >= sizeof(url->host))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		char c = text[i];

		if (!(url->ipv6 ? is_ipv6_char(c) : is_host_char(c)))
			return false;
		url->host[i] = (char) (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	url->host[len] = 0;
	return true;
}

/* Reads ":8080"; an empty text keeps the scheme's port. */
static bool
read_port(sf_url *url, const char *text, size_t len)
{
	int port = 0;

	if (len == 0)
		return true;
	if (text[0] != ':' || len < 2 || len > 6)
		return false;
	for (size_t i = 1; i < len; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (text[i] - '0');
	}
	url->port = port;
	return port >= 1 && port <= 65535;
}

sf_status
sf_url_parse(const char *text, const char *what, sf_url *url, sf_error *err)
{
	const char *rest;
	size_t authority;
	size_t host;

	memset(url, 0, sizeof(*url));
	if (text == NULL || text[0] == 0)
		return invalid(what, "it is empty", err);
	if (strlen(text) >= SF_URL_MAX - 1)
		return invalid(what, "it is too long", err);
	for (const char *p = text; *p != 0; p++)
	{
		if ((unsigned char) *p <= 0x20 || (unsigned char) *p >= 0x7f || *p == '\\')
			return invalid(what, "it has characters that a URL cannot have", err);
	}

	if (strncasecmp(text, "https://", 8) == 0)
	{
		url->https = true;
		rest = text + 8;
	}
	else if (strncasecmp(text, "http://", 7) == 0)
		rest = text + 7;
	else
		return invalid(what, "it must start with https://", err);
	url->port = url->https ? HTTPS_PORT : HTTP_PORT;

	authority = strcspn(rest, "/?#");
	if (memchr(rest, '@', authority) != NULL)
		return invalid(what, "user and password are not allowed in it", err);
	if (strchr(rest, '#') != NULL)
		return invalid(what, "a fragment is not allowed in it", err);

	if (rest[0] == '[')
	{
		const char *close = memchr(rest, ']', authority);

		if (close == NULL)
			return invalid(what, "the host is malformed", err);
		url->ipv6 = true;
		if (!copy_host(url, rest + 1, (size_t) (close - rest - 1)))
			return invalid(what, "the host is malformed", err);
		host = (size_t) (close + 1 - rest);
	}
	else
	{
		const char *colon = memchr(rest, ':', authority);

		host = colon == NULL ? authority : (size_t) (colon - rest);
		if (!copy_host(url, rest, host))
			return invalid(what, "the host is missing or malformed", err);
	}
	if (!read_port(url, rest + host, authority - host))
		return invalid(what, "the port is malformed", err);

	/* "https://host?x" has a path too; the length was checked with room for it */
	rest += authority;
	if (rest[0] != '/')
		url->path[0] = '/';
	strcat(url->path, rest);
	return SF_OK;
}

static bool
is_loopback_ipv4(const char *host)
{
	int parts = 1;
	int value = 0;
	int digits = 0;

	if (strncmp(host, "127.", 4) != 0)
		return false;
	for (const char *p = host + 4;; p++)
	{
		if (*p >= '0' && *p <= '9')
		{
			value = value * 10 + (*p - '0');
			if (++digits > 3 || value > 255)
				return false;
		}
		else if (*p == '.' || *p == 0)
		{
			if (digits == 0)
				return false;
			parts++;
			value = 0;
			digits = 0;
			if (*p == 0)
				break;
		}
		else
			return false;
	}
	return parts == 4;
}

bool
sf_url_is_loopback(const sf_url *url)
{
	if (url->ipv6)
		return strcmp(url->host, "::1") == 0;
	return strcmp(url->host, "localhost") == 0 || is_loopback_ipv4(url->host);
}

bool
sf_url_is_safe(const sf_url *url)
{
	return url->https || sf_url_is_loopback(url);
}

bool
sf_url_same_origin(const sf_url *a, const sf_url *b)
{
	return a->https == b->https && a->port == b->port && a->ipv6 == b->ipv6 &&
		   strcasecmp(a->host, b->host) == 0;
}

sf_status
sf_url_origin(const sf_url *url, sf_buf *out)
{
	sf_buf_printf(out, "%s://%s%s%s", url->https ? "https" : "http", url->ipv6 ? "[" : "",
				  url->host, url->ipv6 ? "]" : "");
	if (url->port != (url->https ? HTTPS_PORT : HTTP_PORT))
		sf_buf_printf(out, ":%d", url->port);
	return out->failed == SF_ERR_NONE ? SF_OK : SF_FAILED;
}

/* ---- percent-encoding -------------------------------------------------------------- */

static bool
is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		   c == '-' || c == '.' || c == '_' || c == '~';
}

sf_status
sf_url_escape(sf_buf *out, const char *text, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++)
	{
		unsigned char u = (unsigned char) text[i];
		char encoded[3] = {'%', hex[u >> 4], hex[u & 15]};
		sf_status status = is_unreserved(text[i]) ? sf_buf_putc(out, text[i])
												  : sf_buf_append(out, encoded, 3);

		if (status != SF_OK)
			return status;
	}
	/* so that an empty text does not hide an earlier failure */
	return sf_buf_reserve(out, 0);
}

sf_status
sf_url_form_field(sf_buf *out, const char *name, const char *value)
{
	if (out->len > 0)
		sf_buf_putc(out, '&');
	sf_url_escape(out, name, strlen(name));
	sf_buf_putc(out, '=');
	return sf_url_escape(out, value, strlen(value));
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Appends the decoded value; false for a malformed one, or one with control characters. */
static bool
decode(const char *text, size_t len, sf_buf *out)
{
	for (size_t i = 0; i < len; i++)
	{
		char c = text[i];

		if (c == '%')
		{
			int high = len - i > 2 ? hex_value(text[i + 1]) : -1;
			int low = len - i > 2 ? hex_value(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char) (high * 16 + low);
			i += 2;
		}
		if ((unsigned char) c < 0x20 || c == 0x7f)
			return false;
		if (sf_buf_putc(out, c) != SF_OK)
			return false;
	}
	return true;
}

bool
sf_url_query_param(const char *link, const char *name, sf_buf *out)
{
	size_t name_len = strlen(name);
	const char *p = strchr(link, '?');

	while (p != NULL)
	{
		size_t len = strcspn(++p, "&#");

		if (len > name_len && p[name_len] == '=' && strncasecmp(p, name, name_len) == 0)
		{
			size_t before = out->len;

			if (decode(p + name_len + 1, len - name_len - 1, out))
				return true;
			if (out->failed == SF_ERR_NONE && out->len > before)
			{
				out->len = before;
				out->data[before] = 0;
			}
			return false;
		}
		p = p[len] == '&' ? p + len : NULL;
	}
	return false;
}

/* One pattern of sf_host_matches. */
static bool
pattern_matches(const char *pattern, size_t len, const char *host)
{
	size_t host_len = strlen(host);

	if (len == 1 && pattern[0] == '*')
		return true;
	if (len > 2 && pattern[0] == '*' && pattern[1] == '.')
	{
		pattern++;
		len--;
		if (host_len <= len)
			return false;
		host += host_len - len;
		host_len = len;
	}
	return host_len == len && strncasecmp(pattern, host, len) == 0;
}

bool
sf_host_matches(const char *patterns, const char *host)
{
	static const char separators[] = ", \t\n";

	for (const char *p = patterns;;)
	{
		size_t len;

		p += strspn(p, separators);
		len = strcspn(p, separators);
		if (len == 0)
			return false;
		if (pattern_matches(p, len, host))
			return true;
		p += len;
	}
}
