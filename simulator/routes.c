/*
 * routes.c
 *		Which handler answers which URL.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bulk1.h"
#include "rest.h"

#define OLDEST_VERSION	31 /* 21 to 30 were retired in Summer '25 */
#define RETIRED_VERSION 21
#define NEWEST_VERSION	66

/* Literal segments are compared without case: jobs/query/…/resultpages occurs in links. */
static const srv_endpoint data_routes[] = {
	{SRV_GET, 0, "query", rest_query},
	{SRV_GET, 0, "queryAll", rest_query},
	{SRV_GET, 0, "query/*", rest_query_more},
	{SRV_GET, 0, "queryAll/*", rest_query_more},
	{SRV_POST, 47, "jobs/query", job_create},
	{SRV_GET, 47, "jobs/query", job_list},
	{SRV_GET, 47, "jobs/query/*", job_info},
	{SRV_PATCH, 47, "jobs/query/*", job_patch},
	{SRV_DELETE, 47, "jobs/query/*", job_delete},
	{SRV_GET, 47, "jobs/query/*/results", job_results},
	{SRV_GET, 58, "jobs/query/*/resultPages", job_result_pages},
	{0, 0, NULL, NULL},
};

/* These need no session, or look after it themselves. */
static const srv_endpoint other_routes[] = {
	{SRV_GET, 0, "services/data", rest_versions},
	{SRV_POST, 0, "services/oauth2/token", auth_token},
	{SRV_POST | SRV_GET, 0, "services/oauth2/revoke", auth_revoke},
	{SRV_POST, 0, "services/oauth2/introspect", auth_introspect},
	{SRV_GET | SRV_POST, 0, "services/oauth2/userinfo", auth_userinfo},
	{SRV_GET, 0, "id/*/*", auth_identity},
	{SRV_POST, 0, "services/Soap/u/*", soap_login},
	{SRV_POST, 0, "services/Soap/u/*/*", soap_login},
	{0, 0, NULL, NULL},
};

/* Below /services/data/vXX.X, with a session; files with tables of their own are listed here. */
static const srv_endpoint *const data_tables[] = {
	rest_routes,
	data_routes,
	ingest_routes,
};

/* The others; each looks after its session itself. */
static const srv_endpoint *const other_tables[] = {
	other_routes,
	auth_routes,
	bulk1_routes,
};

#define TABLES(list) (list), (int) (sizeof(list) / sizeof(*(list)))

static int
method_bit(const char *method)
{
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return SRV_GET;
	if (strcmp(method, "POST") == 0)
		return SRV_POST;
	if (strcmp(method, "PATCH") == 0)
		return SRV_PATCH;
	if (strcmp(method, "DELETE") == 0)
		return SRV_DELETE;
	if (strcmp(method, "PUT") == 0)
		return SRV_PUT;
	return 0;
}

static bool
segments_match(const char *pattern, char *const *segs, int nsegs)
{
	int i = 0;

	while (*pattern)
	{
		size_t n = strcspn(pattern, "/");

		if (i == nsegs)
			return false;
		if (!(n == 1 && *pattern == '*') &&
			(strlen(segs[i]) != n || strncasecmp(segs[i], pattern, n) != 0))
			return false;
		i++;
		pattern += n;
		if (*pattern == '/')
			pattern++;
	}
	return i == nsegs;
}

/* 405 with the methods that there are, in the text and in Allow. */
static void
method_not_allowed(srv_request *req, int allowed)
{
	char list[64];

	snprintf(list, sizeof(list), "%s%s%s%s%s", allowed & SRV_GET ? ",HEAD,GET" : "",
			 allowed & SRV_POST ? ",POST" : "", allowed & SRV_PUT ? ",PUT" : "",
			 allowed & SRV_PATCH ? ",PATCH" : "", allowed & SRV_DELETE ? ",DELETE" : "");
	srv_error(req, 405, "METHOD_NOT_ALLOWED", "HTTP Method '%s' not allowed. Allowed are %s",
			  req->method, list + 1);
	srv_set_header(&req->resp, "Allow", list + 1);
}

static void
dispatch(srv_request *req, const srv_endpoint *const *tables, int ntables, char *const *segs,
		 int nsegs, int version)
{
	int bit = method_bit(req->method);
	const char *path = NULL;
	int allowed = 0;

	for (int i = 0; i < ntables; i++)
	{
		for (const srv_endpoint *r = tables[i]; r->path; r++)
		{
			if (version < r->min_version || !segments_match(r->path, segs, nsegs))
				continue;
			/* the first path that fits is the resource; its lines need not stand together */
			if (path && strcmp(path, r->path) != 0)
				continue;
			if (r->methods & bit)
			{
				r->handler(req);
				return;
			}
			path = r->path;
			allowed |= r->methods;
		}
	}
	if (allowed)
		method_not_allowed(req, allowed);
	else
		srv_not_found(req);
}

/* "v62.0" (or "latest") into req->version; the number, or -1. */
static int
parse_version(srv_request *req, const char *seg)
{
	int n;

	if (strcasecmp(seg, "latest") == 0)
	{
		snprintf(req->version, sizeof(req->version), "%d.0", NEWEST_VERSION);
		return NEWEST_VERSION;
	}
	if ((seg[0] != 'v' && seg[0] != 'V') || !isdigit((unsigned char) seg[1]) ||
		strlen(seg) > 5 || strcmp(seg + strspn(seg + 1, "0123456789") + 1, ".0") != 0)
		return -1;
	n = atoi(seg + 1);
	snprintf(req->version, sizeof(req->version), "%d.0", n);
	return n;
}

static void
route(srv_request *req)
{
	int version;

	/* not in a part of a composite call, which may hold the lock for writing */
	if (req->conn)
		bulk1_tick(req->srv);
	if (req->nsegs < 0)
		srv_not_found(req);
	else if (req->nsegs < 3 || strcmp(req->segs[0], "services") != 0 ||
			 strcmp(req->segs[1], "data") != 0)
		dispatch(req, TABLES(other_tables), req->segs, req->nsegs, NEWEST_VERSION);
	else if (!auth_check(req))
		return;
	else if ((version = parse_version(req, req->segs[2])) >= RETIRED_VERSION &&
			 version < OLDEST_VERSION)
		srv_error(req, 410, "GONE", "The requested resource is no longer available");
	else if (version < OLDEST_VERSION || version > NEWEST_VERSION)
		srv_not_found(req);
	else
	{
		/* parts of a composite call are not calls of their own */
		req->api = true;
		rest_method_override(req);
		if (req->conn && !srv_limits_use(req->srv, LIMIT_API_REQUESTS, 1))
			srv_error(req, 403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
		else
			dispatch(req, TABLES(data_tables), req->segs + 3, req->nsegs - 3, version);
	}
}

void
srv_route(srv_request *req)
{
	/* faults of a whole request are server.c's; parts of a composite call come only here */
	if (req->conn)
	{
		route(req);
		return;
	}
	faults_match(req, false);
	fault_hold(req, "before");
	if (!fault_before(req))
		route(req);
	fault_instead(req);
	fault_after(req);
	fault_hold(req, "after");
}
