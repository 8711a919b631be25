/*
 * rest_headers.c
 *		What every request and every answer of the platform has in common: encodings of bodies, the method in
 *		the query, and the standard headers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <zlib.h>

#include "clock.h"
#include "rest.h"

#define YEAR_S (365 * 86400)

/* BrowserId is new for each client that does not bring one; the other two say that nobody refused cookies. */
static void
add_cookies(srv_request *req)
{
	const char *sent = srv_header_get(req, "Cookie");
	int64_t until = sim_clock_now() / 1000 + YEAR_S;
	char date[40];
	char value[256];
	char id[23];

	/* 'Fri, 21 Nov 2025 …', but with hyphens, as cookies once had them */
	srv_http_date(until, date);
	date[7] = date[11] = '-';
	snprintf(value, sizeof(value),
			 "CookieConsentPolicy=0:1; path=/; expires=%s; Max-Age=%d; secure", date, YEAR_S);
	srv_add_header(&req->resp, "Set-Cookie", value);
	snprintf(value, sizeof(value),
			 "LSKey-c$CookieConsentPolicy=0:1; path=/; expires=%s; Max-Age=%d; secure", date,
			 YEAR_S);
	srv_add_header(&req->resp, "Set-Cookie", value);
	if (sent && strstr(sent, "BrowserId="))
		return;
	srv_random_text(id, 22);
	for (char *p = id; *p; p++)
		if (*p == '.')
			*p = '-';
	snprintf(value, sizeof(value),
			 "BrowserId=%s; domain=.salesforce.com; path=/; expires=%s; Max-Age=%d; secure; "
			 "SameSite=None",
			 id, date, YEAR_S);
	srv_add_header(&req->resp, "Set-Cookie", value);
}

void
rest_standard_headers(srv_request *req)
{
	srv_response *resp = &req->resp;
	char id[33];

	srv_set_header(resp, "Server", "sfdcedge");
	srv_set_header(resp, "Strict-Transport-Security", "max-age=63072000; includeSubDomains");
	srv_set_header(resp, "X-Content-Type-Options", "nosniff");
	srv_set_header(resp, "X-Robots-Tag", "none");
	if (srv_get_header(resp, "Cache-Control") == NULL)
		srv_set_header(resp, "Cache-Control",
					   "no-cache,must-revalidate,max-age=0,no-store,private");
	srv_set_header(resp, "Vary", "Accept-Encoding");
	if (srv_options_get(req->srv).cookies)
		add_cookies(req);
	srv_random_text(id, 32);
	for (char *p = id; *p; p++)
		*p = "0123456789abcdef"[(unsigned char) *p % 16];
	srv_set_header(resp, "X-Request-Id", id);
	srv_set_header(resp, "X-SFDC-Request-Id", id);
	if (req->api)
		srv_set_headerf(resp, "Sforce-Limit-Info", "api-usage=%lld/%lld",
						(long long) srv_limits_used(req->srv, LIMIT_API_REQUESTS),
						(long long) srv_limits_max(req->srv, LIMIT_API_REQUESTS));
}

/* Inflate into out; false when it is no such stream, or more than a body may be. */
static bool
inflate_body(const sim_buf *in, int window, sim_buf *out)
{
	z_stream z = {0};
	int rc = Z_OK;

	if (in->len > UINT32_MAX || inflateInit2(&z, window) != Z_OK)
		return false;
	z.next_in = (Bytef *) in->data;
	z.avail_in = (uInt) in->len;
	while (rc == Z_OK && out->len <= SRV_MAX_BODY)
	{
		char *room = sim_buf_reserve(out, 65536);

		if (room == NULL)
			break;
		z.next_out = (Bytef *) room;
		z.avail_out = 65536;
		rc = inflate(&z, Z_NO_FLUSH);
		out->len += 65536 - z.avail_out;
		if (rc == Z_STREAM_END && z.avail_in > 0 && window > 15)
			rc = inflateReset(&z); /* a stream of several members */
	}
	inflateEnd(&z);
	if (rc != Z_STREAM_END || out->len > SRV_MAX_BODY)
		return false;
	sim_buf_char(out, '\0');
	out->len--;
	return true;
}

bool
rest_decode_body(srv_request *req)
{
	const char *how = srv_header_get(req, "Content-Encoding");
	sim_buf out = {0};
	bool gzip, ok;

	if (how == NULL || *how == '\0' || strcasecmp(how, "identity") == 0 || req->body.len == 0)
		return true;
	gzip = strcasecmp(how, "gzip") == 0 || strcasecmp(how, "x-gzip") == 0;
	if (!gzip && strcasecmp(how, "deflate") != 0)
	{
		srv_error(req, 415, "UNSUPPORTED_MEDIA_TYPE",
				  "Content-Encoding header specified in HTTP request is not supported: %s", how);
		return false;
	}
	ok = inflate_body(&req->body, gzip ? 15 + 16 : 15, &out);
	if (!ok && !gzip)
	{
		/* some send what the name says, without the header that the standard wants */
		sim_buf_reset(&out);
		ok = inflate_body(&req->body, -15, &out);
	}
	if (ok)
	{
		sim_buf_free(&req->body);
		req->body = out;
		return true;
	}
	sim_buf_free(&out);
	srv_error(req, 400, "UNKNOWN_EXCEPTION", "The request body is not a valid %s stream",
			  gzip ? "gzip" : "deflate");
	return false;
}

void
rest_method_override(srv_request *req)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"};
	char *name;

	if (strcmp(req->method, "POST") != 0 || strstr(req->query, "_HttpMethod") == NULL)
		return;
	name = srv_param(req->query, "_HttpMethod", NULL);
	for (size_t i = 0; name && i < sizeof(methods) / sizeof(*methods); i++)
		if (strcasecmp(name, methods[i]) == 0)
			snprintf(req->method, sizeof(req->method), "%s", methods[i]);
	free(name);
}
