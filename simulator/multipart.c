/*
 * multipart.c
 *		multipart/form-data bodies taken apart.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "multipart.h"

/*
 * The value of a parameter ("; name=value" or quoted) of a header's text of n bytes into out; false when it is
 * not there or too long.
 */
static bool
parameter(const char *text, size_t n, const char *name, char *out, size_t size)
{
	size_t nlen = strlen(name);
	const char *end = text + n;
	const char *p = memchr(text, ';', n);

	while (p && p < end)
	{
		const char *key = ++p;
		size_t len = 0;
		bool hit;

		while (key < end && (*key == ' ' || *key == '\t'))
			key++;
		p = key;
		while (p < end && *p != '=' && *p != ';')
			p++;
		hit = (size_t) (p - key) == nlen && strncasecmp(key, name, nlen) == 0;
		if (p >= end || *p == ';')
			continue;
		p++;
		if (p < end && *p == '"')
		{
			for (p++; p < end && *p != '"'; p++)
			{
				if (*p == '\\' && p + 1 < end)
					p++;
				if (hit && len + 1 < size)
					out[len++] = *p;
			}
			while (p < end && *p != ';')
				p++;
		}
		else
			for (; p < end && *p != ';'; p++)
				if (hit && len + 1 < size)
					out[len++] = *p;
		if (hit)
		{
			while (len > 0 && (out[len - 1] == ' ' || out[len - 1] == '\t'))
				len--;
			out[len] = '\0';
			return len > 0;
		}
	}
	return false;
}

bool
multipart_boundary(const char *content_type, char out[MULTIPART_BOUNDARY_SIZE])
{
	if (content_type == NULL || strncasecmp(content_type, "multipart/", 10) != 0)
		return false;
	return parameter(content_type, strlen(content_type), "boundary", out,
					 MULTIPART_BOUNDARY_SIZE);
}

/*
 * The next line of the form "--boundary" or "--boundary--" at or behind p: its beginning, with *after behind it
 * and *last when it is the closing one; NULL when there is none.
 */
static const char *
find_boundary(const char *body, const char *p, const char *end, const char *boundary,
			  const char **after, bool *last)
{
	size_t n = strlen(boundary);

	while (p < end)
	{
		const char *q = memmem(p, (size_t) (end - p), "--", 2);
		const char *tail;

		if (q == NULL || (size_t) (end - q) < n + 2)
			return NULL;
		p = q + 1;
		if ((q > body && q[-1] != '\n') || memcmp(q + 2, boundary, n) != 0)
			continue;
		tail = q + 2 + n;
		*last = end - tail >= 2 && tail[0] == '-' && tail[1] == '-';
		if (*last)
			tail += 2;
		while (tail < end && (*tail == ' ' || *tail == '\t'))
			tail++;
		if (tail < end && *tail == '\r')
			tail++;
		if (tail < end && *tail != '\n')
			continue;
		*after = tail < end ? tail + 1 : tail;
		return q;
	}
	return NULL;
}

/* One header line of n bytes. */
static void
read_header(const char *line, size_t n, multipart_part *out)
{
	const char *colon = memchr(line, ':', n);
	size_t name = colon ? (size_t) (colon - line) : 0;
	const char *value;
	size_t len;

	if (colon == NULL)
		return;
	value = colon + 1;
	len = n - name - 1;
	while (len > 0 && (*value == ' ' || *value == '\t'))
	{
		value++;
		len--;
	}
	if (name == 12 && strncasecmp(line, "Content-Type", 12) == 0)
		snprintf(out->type, sizeof(out->type), "%.*s", (int) (len < 127 ? len : 127), value);
	else if (name == 19 && strncasecmp(line, "Content-Disposition", 19) == 0)
	{
		parameter(value, len, "name", out->name, sizeof(out->name));
		parameter(value, len, "filename", out->filename, sizeof(out->filename));
	}
}

int
multipart_next(const char *body, size_t len, const char *boundary, size_t *at,
			   multipart_part *out)
{
	const char *end = body + len;
	const char *p = body + *at;
	const char *next;
	bool last = false;

	memset(out, 0, sizeof(*out));
	if (find_boundary(body, p, end, boundary, &p, &last) == NULL)
		return -1;
	if (last)
		return 0;
	for (;;)
	{
		const char *eol = p < end ? memchr(p, '\n', (size_t) (end - p)) : NULL;
		size_t n;

		if (eol == NULL)
			return -1;
		n = (size_t) (eol - p);
		if (n > 0 && p[n - 1] == '\r')
			n--;
		if (n == 0)
		{
			p = eol + 1;
			break;
		}
		read_header(p, n, out);
		p = eol + 1;
	}
	next = find_boundary(body, p, end, boundary, &end, &last);
	if (next == NULL)
		return -1;
	*at = (size_t) (next - body);
	out->data = p;

	/* the line break in front of a boundary belongs to that */
	if (next > p && next[-1] == '\n')
		next--;
	if (next > p && next[-1] == '\r')
		next--;
	out->len = (size_t) (next - p);
	return 1;
}
