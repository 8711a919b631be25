/*
 * sf_http_trace.h
 *		A bounded ring of one line per request (level 2, part of sf_http).
 *
 * Redacted at the source: a line has method, path without its query, status, time and bytes;
 * never a header, a body, or what a query string says.
 */
#ifndef SF_HTTP_TRACE_H
#define SF_HTTP_TRACE_H

#include "sf_status.h"

#define SF_TRACE_LINES	64
#define SF_TRACE_LENGTH 192

typedef struct sf_http_trace
{
	char lines[SF_TRACE_LINES][SF_TRACE_LENGTH];
	int first; /* the oldest */
	int count;
	int64_t lost; /* lines overwritten since the last one was taken */
} sf_http_trace;

/* Adds a line, at the cost of the oldest one when the ring is full. */
extern void sf_http_trace_add(sf_http_trace *t, const char *method, const char *url,
							  int status, int64_t ms, int64_t bytes, const char *note);

/* Takes the oldest line; false when there is none. */
extern bool sf_http_trace_take(sf_http_trace *t, char *buf, size_t size);

#endif /* SF_HTTP_TRACE_H */
