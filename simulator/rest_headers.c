/*
 * rest_headers.c
 *		What every request and every answer of the platform has in common: the method in the query, and the
 *		standard headers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
	char date[40];
	char id[33];

	srv_http_date(sim_clock_now() / 1000, date);
	srv_set_header(resp, "Date", date);
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
