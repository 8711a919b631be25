/*
 * sf_http_trace.c
 *		A bounded ring of one line per request.
 */
#include "sf_http_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
sf_http_trace_add(sf_http_trace *t, const char *method, const char *url, int status,
				  int64_t ms, int64_t bytes, const char *note)
{
	char *line;
	const char *path = strstr(url, "://");
	size_t len;

	/* the path alone: the host is the session's, and the query may hold anything */
	path = path != NULL ? strchr(path + 3, '/') : url;
	if (path == NULL)
		path = "/";
	len = strcspn(path, "?#");
	if (len > 120)
		len = 120;

	if (t->count == SF_TRACE_LINES)
	{
		t->first = (t->first + 1) % SF_TRACE_LINES;
		t->count--;
		t->lost++;
	}
	line = t->lines[(t->first + t->count) % SF_TRACE_LINES];
	t->count++;
	snprintf(line, SF_TRACE_LENGTH, "%s %.*s%s %d %" PRId64 " ms %" PRId64 " bytes%s%s",
			 method, (int) len, path, path[strcspn(path, "?")] == '?' ? "?" : "", status, ms,
			 bytes, note[0] != '\0' ? " " : "", note);
}

bool
sf_http_trace_take(sf_http_trace *t, char *buf, size_t size)
{
	if (t->count == 0 || size == 0)
		return false;
	if (t->lost > 0)
	{
		snprintf(buf, size, "(%" PRId64 " older lines were dropped)", t->lost);
		t->lost = 0;
		return true;
	}
	snprintf(buf, size, "%s", t->lines[t->first]);
	t->first = (t->first + 1) % SF_TRACE_LINES;
	t->count--;
	return true;
}
