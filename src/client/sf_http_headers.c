/*
 * sf_http_headers.c
 *		The few response headers that matter.
 */
#include "sf_http_headers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void
sf_http_headers_reset(sf_http_headers *h)
{
	memset(h, 0, sizeof(*h));
	h->records = h->api_used = h->api_max = h->date = -1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Digits from *p up to end; false when there is none or too many. */
static bool
take_number(const char **p, const char *end, int64_t *value)
{
	int64_t v = 0;
	const char *start = *p;

	while (*p < end && **p >= '0' && **p <= '9')
	{
		if (*p - start >= 18)
			return false;
		v = v * 10 + (**p - '0');
		(*p)++;
	}
	*value = v;
	return *p > start;
}

/* "HTTP/1.1 200 OK", also "HTTP/2 200". */
static void
take_status(sf_http_headers *h, const char *p, const char *end)
{
	int64_t status;
	size_t bytes = h->bytes;

	sf_http_headers_reset(h);
	h->bytes = bytes;
	while (p < end && *p != ' ')
		p++;
	while (p < end && *p == ' ')
		p++;
	if (take_number(&p, end, &status) && status >= 100 && status <= 999)
		h->status = (int) status;
	else
		h->malformed = "status line";
}

static void
take_locator(sf_http_headers *h, const char *p, const char *end)
{
	size_t len = (size_t) (end - p);

	h->has_locator = true;
	if (len == 0 || len >= sizeof(h->locator))
	{
		h->malformed = "Sforce-Locator";
		return;
	}
	for (size_t i = 0; i < len; i++)
	{
		if (p[i] <= ' ' || p[i] > '~')
		{
			h->malformed = "Sforce-Locator";
			return;
		}
	}
	memcpy(h->locator, p, len);
	h->locator[len] = '\0';
	h->last_page = strcasecmp(h->locator, "null") == 0;
}

/* "api-usage=25/15000; per-app-api-usage=17/250(appName=sample)" */
static void
take_limit_info(sf_http_headers *h, const char *p, const char *end)
{
	static const char key[] = "api-usage=";
	const size_t key_len = sizeof(key) - 1;

	for (const char *q = p; (size_t) (end - q) > key_len; q++)
	{
		int64_t used;
		int64_t max;
		const char *n = q + key_len;

		/* per-app-api-usage ends in the same words */
		if (strncasecmp(q, key, key_len) != 0 || (q > p && q[-1] != ' ' && q[-1] != ';'))
			continue;
		if (take_number(&n, end, &used) && n < end && *n++ == '/' &&
			take_number(&n, end, &max))
		{
			h->api_used = used;
			h->api_max = max;
		}
		return;
	}
}

/* Days from 1970-01-01 to a day of the Gregorian calendar. */
static int64_t
days_to(int year, int month, int day)
{
	/* years from March on, so that a leap day is the last of its year */
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", the one form that servers send (RFC 9110, 5.6.7); others are left out. */
static void
take_date(sf_http_headers *h, const char *p, const char *end)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char text[32];
	char month[4];
	const char *found;
	int day, year, hour, minute, second;
	int length = 0;

	if (end - p != 29)
		return;
	memcpy(text, p, 29);
	text[29] = '\0';
	if (sscanf(text, "%*3c, %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day, month, &year, &hour,
			   &minute, &second, &length) != 6 ||
		length != 29 || (found = strstr(months, month)) == NULL || strlen(month) != 3 ||
		(found - months) % 3 != 0)
		return;
	if (year < 1970 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 ||
		minute > 59 || second < 0 || second > 60)
		return;
	h->date = days_to(year, (int) (found - months) / 3 + 1, day) * 86400 + hour * 3600 +
			  minute * 60 + second;
}

/* The host of an absolute URL: nothing else of it is fit for a message. */
static void
take_location(sf_http_headers *h, const char *p, const char *end)
{
	const char *host = NULL;
	size_t len = 0;

	for (const char *q = p; q + 2 < end && host == NULL; q++)
	{
		if (memcmp(q, "://", 3) == 0)
			host = q + 3;
	}
	if (host == NULL)
		return;
	while (host + len < end && strchr("/?#@\\", host[len]) == NULL)
		len++;
	if (host + len < end && host[len] == '@')
		return;
	sf_text_copy(h->location_host, sizeof(h->location_host), host, len);
}

static void
take_content_type(sf_http_headers *h, const char *p, const char *end)
{
	size_t n = 0;

	while (p < end && *p != ';' && !is_blank(*p) && n + 1 < sizeof(h->content_type))
	{
		h->content_type[n++] = (*p >= 'A' && *p <= 'Z') ? (char) (*p + 32) : *p;
		p++;
	}
	h->content_type[n] = '\0';
}

static bool
name_is(const char *name, size_t len, const char *what)
{
	return len == strlen(what) && strncasecmp(name, what, len) == 0;
}

bool
sf_http_headers_line(sf_http_headers *h, const char *line, size_t len)
{
	const char *end = line + len;
	const char *value;
	size_t name_len;

	if (len > SF_HEADERS_MAX - h->bytes)
		return false;
	h->bytes += len;

	if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0)
	{
		take_status(h, line, end);
		return true;
	}
	value = memchr(line, ':', len);
	if (value == NULL)
	{
		h->whole = len == 0 || *line == '\r' || *line == '\n';
		return true;
	}
	name_len = (size_t) (value - line);
	value++;
	while (value < end && is_blank(*value))
		value++;
	while (end > value && is_blank(end[-1]))
		end--;

	if (name_is(line, name_len, "Sforce-Locator"))
		take_locator(h, value, end);
	else if (name_is(line, name_len, "Sforce-NumberOfRecords"))
	{
		if (!take_number(&value, end, &h->records) || value != end)
		{
			h->records = -1;
			h->malformed = "Sforce-NumberOfRecords";
		}
	}
	else if (name_is(line, name_len, "Sforce-Limit-Info"))
		take_limit_info(h, value, end);
	else if (name_is(line, name_len, "Content-Encoding"))
	{
		h->gzip = name_is(value, (size_t) (end - value), "gzip") ||
				  name_is(value, (size_t) (end - value), "x-gzip");
		h->unknown_encoding =
			!h->gzip && end > value && !name_is(value, (size_t) (end - value), "identity");
	}
	else if (name_is(line, name_len, "Content-Type"))
		take_content_type(h, value, end);
	else if (name_is(line, name_len, "Date"))
		take_date(h, value, end);
	else if (name_is(line, name_len, "Location"))
		take_location(h, value, end);
	return true;
}
