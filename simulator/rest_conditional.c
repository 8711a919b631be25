/*
 * rest_conditional.c
 *		Conditional requests: Last-Modified, ETag and the If- headers (protocol notes, 4.4 and 4.8).
 *
 * Describes and rows know dates; entity tags count for rows of Account only, so says the guide, but describes
 * have one, too, and the option describe_if_none_match lets it count.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "rest.h"

void
rest_etag_describe(const char *data, size_t len, char *out)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char) data[i]) * 16777619u;
	snprintf(out, REST_ETAG_SIZE, "\"%08x\"", h);
}

void
rest_etag_row(const srv_request *req, const char *data, size_t len, char *out)
{
	unsigned char hash[EVP_MAX_MD_SIZE] = {0};
	unsigned char text[64];
	unsigned int n = 0;

	EVP_Digest(data, len, hash, &n, EVP_sha1(), NULL);
	EVP_EncodeBlock(text, hash, 20);

	/* the compressed representation is another one */
	snprintf(out, REST_ETAG_SIZE, "\"%.28s%s\"", (char *) text,
			 req->conn && srv_accepts_gzip(req) ? "--gzip" : "");
}

/* Is the tag in the header's list?  "--gzip" and a W/ before it make no difference, "*" is any. */
static bool
tag_in(const char *list, const char *etag)
{
	size_t want = strcspn(etag + 1, "\"");
	const char *cut = strstr(etag, "--gzip");

	if (cut)
		want = (size_t) (cut - etag) - 1;
	for (const char *p = list; *p;)
	{
		size_t n;

		p += strspn(p, " \t,");
		if (strncmp(p, "W/", 2) == 0)
			p += 2;
		if (*p == '*')
			return true;
		if (*p == '"')
			p++;
		n = strcspn(p, "\",");
		if ((n == want || (n == want + 6 && strncmp(p + want, "--gzip", 6) == 0)) &&
			strncmp(p, etag + 1, want) == 0)
			return true;
		p += n;
		if (*p == '"')
			p++;
	}
	return false;
}

static int64_t
date_header(const srv_request *req, const char *name)
{
	const char *text = srv_header_get(req, name);

	return text ? srv_parse_http_date(text) : -1;
}

static bool
failed(srv_request *req)
{
	srv_error(req, 412, "MATCH_PRECONDITION_FAILED",
			  "The data has been modified or is not what the request's conditions expect");
	return true;
}

bool
rest_conditional(srv_request *req, int64_t modified, const char *etag, bool match)
{
	const char *if_match = srv_header_get(req, "If-Match");
	const char *if_none = srv_header_get(req, "If-None-Match");
	int64_t since = date_header(req, "If-Modified-Since");
	int64_t until = date_header(req, "If-Unmodified-Since");
	bool same = since >= 0 && modified <= since;

	if ((match && etag && if_match && !tag_in(if_match, etag)) ||
		(until >= 0 && modified > until))
		return failed(req);

	/* a tag is exact, so it counts more than a date */
	if (match && etag && if_none)
		same = tag_in(if_none, etag);
	if (same)
		srv_text(req, 304, NULL, NULL);
	if (etag)
		srv_set_header(&req->resp, "ETag", etag);
	if (modified >= 0)
	{
		char date[40];

		srv_http_date(modified, date);
		srv_set_header(&req->resp, "Last-Modified", date);
	}
	return same;
}

bool
rest_precondition(srv_request *req, int64_t modified, const char *etag)
{
	const char *if_match = srv_header_get(req, "If-Match");
	const char *if_none = srv_header_get(req, "If-None-Match");
	int64_t since = date_header(req, "If-Modified-Since");
	int64_t until = date_header(req, "If-Unmodified-Since");

	if ((until >= 0 && modified > until) || (since >= 0 && modified <= since) ||
		(etag && if_match && !tag_in(if_match, etag)) ||
		(etag && if_none && tag_in(if_none, etag)))
		return failed(req);
	return false;
}
