/*
 * rest.c
 *		Resources of the REST API that describe: versions, resources, objects, tabs, what was used recently.
 */
#include "rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

/* ---------------------------------------------------------------- versions and resources */

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

/* What an org lists in its order, though not everything is here; * is the identity URL. */
static const struct
{
	const char *name;
	int since;
} resources[] = {
	{"tooling", 0},
	{"metadata", 49},
	{"eclair", 42},
	{"folders", 44},
	{"prechatForms", 45},
	{"contact-tracing", 49},
	{"jsonxform", 50},
	{"chatter", 0},
	{"payments", 50},
	{"tabs", 0},
	{"appMenu", 0},
	{"quickActions", 0},
	{"queryAll", 0},
	{"commerce", 0},
	{"wave", 36},
	{"iot", 41},
	{"analytics", 0},
	{"search", 0},
	{"smartdatadiscovery", 47},
	{"identity", 0},
	{"composite", 34},
	{"parameterizedSearch", 0},
	{"fingerprint", 43},
	{"theme", 0},
	{"nouns", 0},
	{"domino", 45},
	{"event", 0},
	{"serviceTemplates", 42},
	{"recent", 0},
	{"connect", 0},
	{"licensing", 0},
	{"limits", 0},
	{"process", 0},
	{"dedupe", 42},
	{"async-queries", 35},
	{"query", 0},
	{"jobs", 41},
	{"localizedvalue", 46},
	{"mobile", 46},
	{"emailConnect", 36},
	{"consent", 44},
	{"tokenizer", 47},
	{"compactLayouts", 0},
	{"async", 66},
	{"sobjects", 0},
	{"actions", 0},
	{"support", 35},
};

static void
get_resources(srv_request *req)
{
	sim_buf *b = srv_json(req, 200);
	int version = atoi(req->version);
	const char *sep = "";

	sim_buf_char(b, '{');
	for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++)
	{
		const char *name = resources[i].name;

		if (version < resources[i].since)
			continue;
		if (strcmp(name, "identity") == 0)
		{
			char user[SIM_ID_SIZE];

			sim_org_user_id(req->srv->org, user);
			sim_buf_printf(b, "%s\"identity\":\"%s/id/%s/%s\"", sep, req->srv->base_url,
						   sim_org_id(req->srv->org), user);
		}
		else
			sim_buf_printf(b, "%s\"%s\":\"/services/data/v%s/%s\"", sep, name, req->version,
						   name);
		sep = ",";
	}
	sim_buf_char(b, '}');
}

/* ---------------------------------------------------------------- objects */

const sim_object *
rest_object(srv_request *req, const char *name)
{
	const sim_object *obj = sim_object_find(name);

	if (obj == NULL)
		srv_not_found(req);
	return obj;
}

/* A describe as the answer, with its date and tag, or 304. */
static void
answer_describe(srv_request *req, const sim_object *obj)
{
	srv_options opt = srv_options_get(req->srv);
	char etag[REST_ETAG_SIZE];

	if (!describe_answer(req, obj, etag))
		return;
	rest_conditional(req, opt.schema_modified, etag, opt.describe_if_none_match);
}

static void
get_sobjects(srv_request *req)
{
	answer_describe(req, NULL);
}

static void
get_describe(srv_request *req)
{
	const sim_object *obj = rest_object(req, req->segs[4]);

	if (obj)
		answer_describe(req, obj);
}

static void
get_sobject(srv_request *req)
{
	const sim_object *obj = rest_object(req, req->segs[4]);
	sim_buf *b;
	cJSON *tree;
	char *text;

	if (obj == NULL)
		return;
	tree = sim_describe_basic(obj, req->version);
	text = tree ? cJSON_PrintUnformatted(tree) : NULL;
	cJSON_Delete(tree);
	if (text == NULL)
	{
		srv_error(req, 500, "UNKNOWN_EXCEPTION", "out of memory");
		return;
	}
	b = srv_json(req, 200);
	sim_buf_printf(b, "{\"objectDescribe\":%s,\"recentItems\":[", text);
	cJSON_free(text);
	rest_recent_rows(req, obj, 5, b);
	sim_buf_str(b, "]}");
}

static void
get_recent(srv_request *req)
{
	int64_t limit = srv_param_int(req, "limit", 200);
	sim_buf *b = srv_json(req, 200);

	sim_buf_char(b, '[');
	rest_recent_rows(req, NULL, limit < 0 || limit > 200 ? 200 : (int) limit, b);
	sim_buf_char(b, ']');
}

/* ---------------------------------------------------------------- tabs */

static void
get_tabs(srv_request *req)
{
	int n;
	const sim_object *const *list = sim_object_list(&n);
	sim_buf *b = srv_json(req, 200);
	const char *base = req->srv->base_url;
	const char *sep = "";

	sim_buf_char(b, '[');
	for (int i = 0; i < n; i++)
	{
		const char *name = sim_object_name(list[i]);
		const char *prefix = sim_object_prefix(list[i]);
		cJSON *basic = sim_describe_basic(list[i], req->version);
		const char *label = rest_json_string(basic, "labelPlural");
		bool custom = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(basic, "custom"));

		if (prefix && label && rest_json_flag(basic, "layoutable", false))
		{
			sim_buf_printf(b, "%s{\"colors\":[],\"custom\":%s,\"iconUrl\":null,\"icons\":[],",
						   sep, custom ? "true" : "false");
			sim_buf_str(b, "\"label\":");
			sim_json_string(b, label, strlen(label));
			sim_buf_printf(b,
						   ",\"miniIconUrl\":null,\"name\":\"%s%s\",\"sobjectName\":\"%s\",",
						   custom ? "" : "standard-", name, name);
			sim_buf_printf(b, "\"timeZone\":null,\"url\":\"%s/%s/o\"}", base, prefix);
			sep = ",";
		}
		cJSON_Delete(basic);
	}
	sim_buf_char(b, ']');
}

/* ---------------------------------------------------------------- routes */

const srv_endpoint rest_routes[] = {
	{SRV_GET, 0, "", get_resources},
	{SRV_GET, 0, "limits", rest_limits},
	{SRV_GET, 40, "limits/recordCount", rest_record_count},
	{SRV_GET, 0, "tabs", get_tabs},
	{SRV_GET, 0, "recent", get_recent},
	{SRV_GET, 0, "sobjects", get_sobjects},
	{SRV_GET, 0, "sobjects/*", get_sobject},
	{SRV_POST, 0, "sobjects/*", rest_row_create},
	{SRV_GET, 0, "sobjects/*/describe", get_describe},
	{SRV_GET, 0, "sobjects/*/updated", rest_updated},
	{SRV_GET, 0, "sobjects/*/deleted", rest_deleted},
	{SRV_POST, 37, "sobjects/*/Id", rest_row_create},
	{SRV_GET, 0, "sobjects/*/*", rest_row_get},
	{SRV_PATCH, 0, "sobjects/*/*", rest_row_update},
	{SRV_DELETE, 0, "sobjects/*/*", rest_row_delete},
	{SRV_GET, 0, "sobjects/*/*/*", rest_key_get},
	{SRV_PATCH, 0, "sobjects/*/*/*", rest_key_upsert},
	{SRV_DELETE, 0, "sobjects/*/*/*", rest_key_delete},
	{SRV_GET, 0, "sobjects/*/*/*/*", rest_key_get},
	{SRV_GET, 34, "composite", rest_composite_list},
	{SRV_POST, 38, "composite", rest_composite},
	{SRV_POST, 34, "composite/batch", rest_batch},
	{SRV_POST, 50, "composite/graph", rest_graph},
	{SRV_POST, 34, "composite/tree/*", rest_tree},
	{SRV_POST, 42, "composite/sobjects", rest_collection_create},
	{SRV_PATCH, 42, "composite/sobjects", rest_collection_update},
	{SRV_DELETE, 42, "composite/sobjects", rest_collection_delete},
	{SRV_GET, 42, "composite/sobjects/*", rest_collection_get},
	{SRV_POST, 42, "composite/sobjects/*", rest_collection_get},
	{SRV_PATCH, 46, "composite/sobjects/*/*", rest_collection_upsert},
	{0, 0, NULL, NULL},
};
