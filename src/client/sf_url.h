/*
 * sf_url.h
 *		URLs: parsing, percent-encoding, query parameters (level 1).
 */
#ifndef SF_URL_H
#define SF_URL_H

#include "sf_buf.h"

#define SF_URL_MAX		2048 /* longest URL taken; Salesforce's own are under 200 bytes */
#define SF_URL_HOST_MAX 256	 /* a DNS name has at most 253 characters */

typedef struct sf_url
{
	bool https;					/* else http */
	char host[SF_URL_HOST_MAX]; /* lower case; an IPv6 address without its brackets */
	bool ipv6;					/* host is one */
	int port;					/* as given, or 443 / 80 */
	char path[SF_URL_MAX];		/* starts with '/', with the query if any */
} sf_url;

/*
 * Parses an absolute http or https URL.  Refuses other schemes, user info, fragments, control
 * characters, blanks, non-ASCII, a bad port and whatever is too long.  what names the URL in the
 * message ("login_url").  SF_OK or SF_FAILED (SF_ERR_CONFIG).
 */
extern sf_status sf_url_parse(const char *text, const char *what, sf_url *url, sf_error *err);

/* True for localhost, 127.0.0.0/8 and ::1. */
extern bool sf_url_is_loopback(const sf_url *url);

/* True when secrets may travel there: https, or a loopback host. */
extern bool sf_url_is_safe(const sf_url *url);

/* Same scheme, host (ignoring case) and port. */
extern bool sf_url_same_origin(const sf_url *a, const sf_url *b);

/* Appends "https://host" with the port where it is not the scheme's default, without a path. */
extern sf_status sf_url_origin(const sf_url *url, sf_buf *out);

/*
 * The one percent-encoder, for query values, form values and path segments alike: everything but
 * letters, digits and "-._~" is encoded (a blank as %20).
 */
extern sf_status sf_url_escape(sf_buf *out, const char *text, size_t len);

/* Appends "name=escaped value", with a '&' first unless the buffer is empty: for form bodies. */
extern sf_status sf_url_form_field(sf_buf *out, const char *name, const char *value);

/*
 * Finds a parameter of a link's query ("/jobs/query/750…/results?locator=MTAw&x=y"; absolute or
 * not; the name is compared ignoring case) and appends its decoded value to out.  A '+' stays a
 * '+': locators are base64, not form texts.  False when it is missing, malformed or does not fit.
 */
extern bool sf_url_query_param(const char *link, const char *name, sf_buf *out);

#endif /* SF_URL_H */
