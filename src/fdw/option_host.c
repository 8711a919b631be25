/*
 * option_host.c
 *		To which hosts credentials may be sent.
 *
 * The owner of a server decides where it points, the user mappings of others hold their secrets.  So
 * that nobody can collect secrets by pointing a server at a host of his own, only hosts matched by
 * sfbulk_fdw.allowed_hosts, a superuser's setting, are accepted.  Loopback hosts are for trying things
 * out: on a server that a superuser owns they need not be listed.
 */
#include "postgres.h"

#include <ctype.h>

#include "miscadmin.h"

#include "compat.h"
#include "option.h"

#define MAX_HOST 253 /* longest DNS name */

typedef struct UrlHost
{
	bool https;
	char host[MAX_HOST + 1]; /* lower case, an IPv6 address without its brackets */
} UrlHost;

/* A host name, or what stands between the brackets of an IPv6 address: characters only. */
static size_t
host_length(const char *text, bool ipv6)
{
	size_t len = 0;

	while (isalnum((unsigned char) text[len]) || text[len] == '.' || text[len] == '-' ||
		   (ipv6 && text[len] == ':'))
		len++;
	return len;
}

/*
 * The host of an absolute http(s) URL.  Strict rather than clever: what does not look like
 * scheme://host[:port][/path] in plain characters is refused, so that no other parser can find another
 * host in it.
 */
static bool
parse_url(const char *url, UrlHost *result)
{
	const char *p = url;
	bool ipv6;
	size_t len;
	size_t i;

	result->https = (pg_strncasecmp(p, "https://", 8) == 0);
	if (!result->https && pg_strncasecmp(p, "http://", 7) != 0)
		return false;
	p += result->https ? 8 : 7;

	ipv6 = (*p == '[');
	if (ipv6)
		p++;
	len = host_length(p, ipv6);
	if (len == 0 || len > MAX_HOST)
		return false;
	for (i = 0; i < len; i++)
		result->host[i] = pg_tolower((unsigned char) p[i]);
	result->host[len] = '\0';
	p += len;
	if (ipv6 && *p++ != ']')
		return false;

	if (*p == ':')
	{
		size_t digits = strspn(p + 1, "0123456789");

		if (digits == 0 || digits > 5 || atoi(p + 1) > 65535)
			return false;
		p += 1 + digits;
	}
	if (*p != '\0' && *p != '/')
		return false;
	for (; *p != '\0'; p++)
		if (!isalnum((unsigned char) *p) && strchr("-._~/%", *p) == NULL)
			return false;
	return true;
}

static bool
is_loopback(const char *host)
{
	unsigned int a, b, c, d;
	char rest;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0)
		return true;
	return sscanf(host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) == 4 && a == 127 &&
		   b <= 255 && c <= 255 && d <= 255;
}

static bool
host_allowed(const char *host, bool trusted)
{
	return (trusted && is_loopback(host)) ||
		   (sfb_allowed_hosts != NULL && sf_host_matches(sfb_allowed_hosts, host));
}

void
sfb_check_url(const char *option, const char *url, bool trusted)
{
	UrlHost parsed;

	/* The text is not shown: somebody may have put a password into it. */
	if (!parse_url(url, &parsed))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("option \"%s\" is not a valid URL", option),
						errhint("It has the form \"https://host\", such as "
								"\"https://acme.my.salesforce.com\".")));
	if (!parsed.https && !is_loopback(parsed.host))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("option \"%s\" must be an https URL", option),
						errdetail("Only a loopback host may be reached by http.")));
	if (!host_allowed(parsed.host, trusted))
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("host \"%s\" of option \"%s\" is not allowed", parsed.host, option),
			 is_loopback(parsed.host)
				 ? errdetail("A loopback host may be used on a server that a superuser owns, "
							 "or where "
							 "sfbulk_fdw.allowed_hosts names it.")
				 : errdetail("Credentials are sent only to the hosts that "
							 "sfbulk_fdw.allowed_hosts names."),
			 errhint(
				 "A superuser can add the host to the setting sfbulk_fdw.allowed_hosts.")));
}
