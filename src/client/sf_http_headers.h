/*
 * sf_http_headers.h
 *		The few response headers that matter (level 2, part of sf_http).
 */
#ifndef SF_HTTP_HEADERS_H
#define SF_HTTP_HEADERS_H

#include "sf_status.h"

/*
 * Most bytes of all header lines of one answer.  Salesforce sends 1 to 3 kB, most of it cookies
 * and security policies.
 */
#define SF_HEADERS_MAX (128 * 1024)

typedef struct sf_http_headers
{
	int status;			   /* 0 before the status line */
	bool whole;			   /* the empty line behind them came */
	bool gzip;			   /* Content-Encoding: gzip */
	bool unknown_encoding; /* Content-Encoding: anything else but identity */
	char content_type[64]; /* without parameters, lower case; "" when missing */
	bool has_locator;	   /* Sforce-Locator was there */
	bool last_page;		   /* … and said "null": no further page */
	char locator[SF_LOCATOR_MAX];
	int64_t records;  /* Sforce-NumberOfRecords; -1 when missing */
	int64_t api_used; /* Sforce-Limit-Info; -1 when missing */
	int64_t api_max;
	int64_t date;			/* Date, in seconds since 1970-01-01 UTC; -1 when missing */
	char location_host[96]; /* host of a redirect's target, for messages; "" when missing */
	const char *malformed;	/* name of a header that cannot be trusted, or NULL */
	size_t bytes;			/* of all lines so far */
} sf_http_headers;

/* Ready for the first line. */
extern void sf_http_headers_reset(sf_http_headers *h);

/*
 * Takes one line as it came (with or without its line break), in any letter case.  A status line
 * starts all over: informational answers come before the real one.  False when all lines
 * together exceed SF_HEADERS_MAX.
 */
extern bool sf_http_headers_line(sf_http_headers *h, const char *line, size_t len);

#endif /* SF_HTTP_HEADERS_H */
