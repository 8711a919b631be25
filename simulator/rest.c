/*
 * rest.c
 *		Versions, limits, describes, single records.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "server.h"

typedef struct api_version
{
	const char *label;
	int number;
} api_version;

/* One release each season; labels as GET /services/data prints them. */
static const char *const seasons[] = {"Spring", "Summer", "Winter"};

void
rest_versions(srv_request *req)
{
	sim_buf *b = srv_json(req, 200);

	sim_buf_char(b, '[');
	for (int v = 31; v <= 66; v++)
	{
		/* 31.0 was Summer '14; a Winter release bears the number of the next year */
		int n = v - 30;
		int year = 14 + (n + (n % 3 == 2 ? 1 : 0)) / 3;

		sim_buf_printf(b, "%s{\"label\":\"%s '%02d\",\"url\":\"/services/data/v%d.0\",",
					   v > 31 ? "," : "", seasons[n % 3], year, v);
		sim_buf_printf(b, "\"version\":\"%d.0\"}", v);
	}
	sim_buf_char(b, ']');
}

void
rest_resources(srv_request *req)
{
	static const char *const names[] = {"limits",	"sobjects",	 "query",
										"queryAll", "composite", "jobs"};
	sim_buf *b = srv_json(req, 200);

	sim_buf_char(b, '{');
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		sim_buf_printf(b, "%s\"%s\":\"/services/data/v%s/%s\"", i ? "," : "", names[i],
					   req->version, names[i]);
	sim_buf_char(b, '}');
}

void
rest_limits(srv_request *req)
{
	static const struct
	{
		const char *name;
		int64_t max;
	} fixed[] = {{"ConcurrentAsyncGetReportInstances", 200},
				 {"ConcurrentSyncReportRuns", 20},
				 {"DailyAsyncApexExecutions", 250000},
				 {"DailyBulkApiBatches", 15000},
				 {"DailyBulkV2QueryFileStorageMB", 976562},
				 {"DailyBulkV2QueryJobs", 10000},
				 {"DataStorageMB", 1024},
				 {"FileStorageMB", 1024},
				 {"HourlyAsyncReportRuns", 1200},
				 {"SingleEmail", 5000}};
	srv *s = req->srv;
	sim_buf *b = srv_json(req, 200);
	int64_t used, max;

	pthread_mutex_lock(&s->lock);
	used = s->api_calls;
	max = s->options.api_max;
	pthread_mutex_unlock(&s->lock);
	sim_buf_printf(b, "{\"DailyApiRequests\":{\"Max\":%lld,\"Remaining\":%lld}",
				   (long long) max, (long long) (used < max ? max - used : 0));
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		sim_buf_printf(b, ",\"%s\":{\"Max\":%lld,\"Remaining\":%lld}", fixed[i].name,
					   (long long) fixed[i].max, (long long) fixed[i].max);
	sim_buf_char(b, '}');
}

void
rest_record_count(srv_request *req)
{
	char *names = srv_param(req->query, "sObjects", NULL);
	sim_buf *b = srv_json(req, 200);
	const char *sep = "";
	int n;
	const sim_object *const *list = sim_object_list(&n);

	sim_buf_str(b, "{\"sObjects\":[");
	for (int i = 0; i < n; i++)
	{
		const char *name = sim_object_name(list[i]);
		bool wanted = names == NULL;
		int64_t count;

		/* unknown names are left out, not refused */
		for (const char *p = names; p && *p && !wanted;)
		{
			size_t len = strcspn(p, ",");

			wanted = len == strlen(name) && strncasecmp(p, name, len) == 0;
			p += len + (p[len] == ',');
		}
		if (!wanted || (count = sim_org_row_count(req->srv->org, list[i])) == 0)
			continue;
		sim_buf_printf(b, "%s{\"count\":%lld,\"name\":\"%s\"}", sep, (long long) count, name);
		sep = ",";
	}
	sim_buf_str(b, "]}");
	free(names);
}

/* FNV-1a, as quoted hex: an ETag that changes with the body. */
static void
set_etag(srv_request *req)
{
	uint32_t h = 2166136261u;
	const sim_buf *b = &req->resp.body;

	for (size_t i = 0; i < b->len; i++)
		h = (h ^ (unsigned char) b->data[i]) * 16777619u;
	srv_set_headerf(&req->resp, "ETag", "\"%08x\"", h);
}

/* Describes know If-Modified-Since: true when 304 was answered. */
static bool
not_modified(srv_request *req)
{
	int64_t modified = srv_options_get(req->srv).schema_modified;
	const char *since = srv_header_get(req, "If-Modified-Since");
	int64_t t = since ? srv_parse_http_date(since) : -1;
	char date[40];

	srv_http_date(modified, date);
	if (t >= 0 && t >= modified)
	{
		srv_text(req, 304, NULL, NULL);
		srv_set_header(&req->resp, "Last-Modified", date);
		return true;
	}
	srv_set_header(&req->resp, "Last-Modified", date);
	return false;
}

void
rest_sobjects(srv_request *req)
{
	if (not_modified(req))
		return;
	srv_json_tree(req, 200, sim_describe_global(req->version));
	set_etag(req);
}

/* The object named in the URL; NULL after the 404 is filled in. */
static const sim_object *
object_of(srv_request *req)
{
	const sim_object *obj = sim_object_find(req->segs[4]);

	if (obj == NULL)
		srv_not_found(req);
	return obj;
}

void
rest_sobject(srv_request *req)
{
	const sim_object *obj = object_of(req);
	cJSON *tree;

	if (obj == NULL)
		return;
	tree = cJSON_CreateObject();
	cJSON_AddItemToObject(tree, "objectDescribe", sim_describe_basic(obj, req->version));
	cJSON_AddItemToObject(tree, "recentItems", cJSON_CreateArray());
	srv_json_tree(req, 200, tree);
}

void
rest_describe(srv_request *req)
{
	const sim_object *obj = object_of(req);

	if (obj == NULL || not_modified(req))
		return;
	srv_json_tree(req, 200, sim_describe_object(obj, req->version, req->srv->base_url));
	set_etag(req);
}

/* SELECT list of GET /sobjects/X/<id>: the fields parameter, or everything. */
static void
row_fields(srv_request *req, const sim_object *obj, sim_buf *soql)
{
	char *fields = srv_param(req->query, "fields", NULL);

	if (fields && *fields)
		sim_buf_str(soql, fields);
	else
		for (int i = 0; i < sim_object_field_count(obj); i++)
			sim_buf_printf(soql, "%s%s", i ? "," : "",
						   sim_field_name(sim_object_field(obj, i)));
	free(fields);
}

void
rest_row(srv_request *req)
{
	const sim_object *obj = object_of(req);
	const char *id = req->segs[5];
	char full[SIM_ID_SIZE];
	sim_buf soql = {0};
	sim_error err;
	sim_query *q;
	int rc;

	if (obj == NULL)
		return;
	if (!sim_id_normalise(id, strlen(id), full) ||
		strncmp(full, sim_object_prefix(obj), 3) != 0)
	{
		srv_error(req, 404, "NOT_FOUND",
				  "Provided external ID field does not exist or is not "
				  "accessible: %s",
				  id);
		return;
	}
	sim_buf_str(&soql, "SELECT ");
	row_fields(req, obj, &soql);
	sim_buf_printf(&soql, " FROM %s WHERE Id = '%s'", sim_object_name(obj), full);
	q = sim_query_prepare(req->srv->org, soql.data, SIM_QUERY_REST, req->version, &err);
	sim_buf_free(&soql);
	if (q == NULL)
	{
		srv_engine_error(req, &err);
		return;
	}
	rc = sim_query_step(q, &err);
	if (rc > 0)
		sim_query_row_json(q, srv_json(req, 200));
	else if (rc == 0)
		srv_not_found(req);
	else
		srv_engine_error(req, &err);
	sim_query_free(q);
}
