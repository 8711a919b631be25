/*
 * rest_xml.c
 *		Answers of the data API in XML, for clients that prefer it.
 *
 * Handlers write JSON; here it is turned into the elements that the platform writes for the same: members of what
 * describes are in alphabetical order, rows keep the order of their fields and have type and url as attributes.
 * The resources that know JSON only stay as they are.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "rest.h"

/* ---------------------------------------------------------------- what the client prefers */

/* Quality of a media type in an Accept header; -1: it is not in there by name. */
static double
quality(const char *accept, const char *type)
{
	size_t want = strlen(type);

	for (const char *p = accept; *p;)
	{
		size_t n = strcspn(p, ",");
		size_t word;

		p += strspn(p, " \t");
		n = strcspn(p, ",");
		word = strcspn(p, ",; \t");
		if (word == want && strncasecmp(p, type, want) == 0)
		{
			const char *q = memchr(p, '=', n);

			return q && tolower((unsigned char) q[-1]) == 'q' ? strtod(q + 1, NULL) : 1;
		}
		p += n;
		if (*p == ',')
			p++;
	}
	return -1;
}

static bool
prefers_xml(const srv_request *req)
{
	const char *accept = srv_header_get(req, "Accept");
	double xml, json, any;

	if (accept == NULL)
		return false;
	xml = quality(accept, "application/xml");
	if (xml < 0)
		xml = quality(accept, "text/xml");
	json = quality(accept, "application/json");
	any = quality(accept, "*/*");
	return xml > 0 && xml > (json >= 0 ? json : any) &&
		   (json >= 0 || any < 0 || strstr(accept, "*/*") > strstr(accept, "xml"));
}

/* ---------------------------------------------------------------- writing */

static void
add_escaped(sim_buf *out, const char *s)
{
	for (; *s; s++)
	{
		switch (*s)
		{
			case '<':
				sim_buf_str(out, "&lt;");
				break;
			case '>':
				sim_buf_str(out, "&gt;");
				break;
			case '&':
				sim_buf_str(out, "&amp;");
				break;
			case '"':
				sim_buf_str(out, "&quot;");
				break;
			case '\'':
				sim_buf_str(out, "&apos;");
				break;
			default:
				/* what XML has no way to write */
				if ((unsigned char) *s >= ' ' || *s == '\t' || *s == '\n' || *s == '\r')
					sim_buf_char(out, *s);
		}
	}
}

/* A member's name as that of an element. */
static void
add_name(sim_buf *out, const char *name)
{
	if (!isalpha((unsigned char) *name) && *name != '_')
		sim_buf_char(out, '_');
	for (; *name; name++)
		sim_buf_char(out,
					 isalnum((unsigned char) *name) || strchr("_-.", *name) ? *name : '_');
}

static void add_element(sim_buf *out, const char *name, const cJSON *value, bool root);

/* Is there a null that needs the namespace of xsi:nil? */
static bool
has_null(const cJSON *value)
{
	const cJSON *item;

	if (cJSON_IsNull(value))
		return true;
	cJSON_ArrayForEach (item, value)
	{
		if (has_null(item))
			return true;
	}
	return false;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(const cJSON *const *) a)->string, (*(const cJSON *const *) b)->string);
}

/* The members of an object: of a row as they are, else by name. */
static void
add_members(sim_buf *out, const cJSON *object)
{
	bool row = cJSON_GetObjectItemCaseSensitive(object, "attributes") != NULL;
	int n = cJSON_GetArraySize(object);
	const cJSON **list = calloc((size_t) n + 1, sizeof(*list));
	const cJSON *member;
	int i = 0;

	if (list == NULL)
		return;
	cJSON_ArrayForEach (member, object)
	{
		if (strcmp(member->string, "attributes") != 0)
			list[i++] = member;
	}
	if (!row)
		qsort(list, (size_t) i, sizeof(*list), by_name);
	for (int k = 0; k < i; k++)
		add_element(out, list[k]->string, list[k], false);
	free(list);
}

/* One element for a value, and one for each of an array. */
static void
add_element(sim_buf *out, const char *name, const cJSON *value, bool root)
{
	const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(value, "attributes");
	const cJSON *item;

	if (cJSON_IsArray(value))
	{
		cJSON_ArrayForEach (item, value)
		{
			add_element(out, name, item, false);
		}
		return;
	}
	sim_buf_char(out, '<');
	add_name(out, name);
	if (root && has_null(value))
		sim_buf_str(out, " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"");
	cJSON_ArrayForEach (item, attributes)
	{
		if (!cJSON_IsString(item))
			continue;
		sim_buf_char(out, ' ');
		add_name(out, item->string);
		sim_buf_str(out, "=\"");
		add_escaped(out, item->valuestring);
		sim_buf_char(out, '"');
	}
	if (cJSON_IsNull(value))
	{
		sim_buf_str(out, " xsi:nil=\"true\"/>");
		return;
	}
	sim_buf_char(out, '>');
	if (cJSON_IsObject(value))
		add_members(out, value);
	else if (cJSON_IsString(value))
		add_escaped(out, value->valuestring);
	else if (cJSON_IsBool(value))
		sim_buf_str(out, cJSON_IsTrue(value) ? "true" : "false");
	else if (value)
	{
		char *text = cJSON_PrintUnformatted(value);

		sim_buf_str(out, text ? text : "");
		cJSON_free(text);
	}
	sim_buf_str(out, "</");
	add_name(out, name);
	sim_buf_char(out, '>');
}

/* ---------------------------------------------------------------- answers */

/* An array: its own element around those of its items. */
static void
add_list(sim_buf *out, const char *outer, const char *inner, const cJSON *list)
{
	sim_buf_printf(out, "<%s>", outer);
	add_element(out, inner, list, false);
	sim_buf_printf(out, "</%s>", outer);
}

/* Name of the root element of an object. */
static const char *
root_of(const srv_request *req, const cJSON *tree)
{
	const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(tree, "attributes");
	const char *type = rest_json_string(attributes, "type");
	const sim_object *obj;

	if (type)
		return type;
	if (req->nsegs <= 3)
		return "urls";
	if (cJSON_HasObjectItem(tree, "success"))
		return "Result";
	if (strncasecmp(req->segs[3], "query", 5) == 0)
		return cJSON_HasObjectItem(tree, "plans") ? "QueryPlanFeedback" : "QueryResult";
	if (cJSON_HasObjectItem(tree, "totalSize"))
		return "QueryResult";
	if (strcasecmp(req->segs[3], "limits") == 0)
		return req->nsegs == 4 ? "LimitsSnapshot" : "SObjectRecordCount";
	if (strcasecmp(req->segs[3], "sobjects") == 0)
	{
		obj = req->nsegs > 4 ? sim_object_find(req->segs[4]) : NULL;
		return obj ? sim_object_name(obj) : "DescribeGlobal";
	}
	if (strcasecmp(req->segs[3], "composite") == 0 && req->nsegs > 4)
		return strcasecmp(req->segs[4], "tree") == 0 ? "SObjectTreeResponse" : "batchResults";
	return "response";
}

void
rest_accept(srv_request *req)
{
	srv_response *resp = &req->resp;
	sim_buf xml = {0};
	cJSON *tree;

	if (strncasecmp(req->path, "/services/data", 14) != 0 || resp->file ||
		resp->body.len == 0 || resp->gzipped ||
		strncmp(resp->content_type, "application/json", 16) != 0 ||
		(req->nsegs > 3 && strcasecmp(req->segs[3], "jobs") == 0) || !prefers_xml(req) ||
		!srv_options_get(req->srv).accept_xml)
		return;
	tree = cJSON_ParseWithLength(resp->body.data, resp->body.len);
	if (tree == NULL)
		return;
	sim_buf_str(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
	if (cJSON_IsArray(tree) && resp->status >= 400)
		add_list(&xml, "Errors", "Error", tree);
	else if (cJSON_IsArray(tree) && req->nsegs == 2)
		add_list(&xml, "Versions", "Version", tree);
	else if (cJSON_IsArray(tree) && resp->status == 300)
		add_list(&xml, "urls", "url", tree);
	else if (cJSON_IsArray(tree))
		add_list(&xml, "Results", "Result", tree);
	else
		add_element(&xml, root_of(req, tree), tree, true);
	cJSON_Delete(tree);
	if (xml.failed)
	{
		sim_buf_free(&xml);
		return;
	}
	sim_buf_free(&resp->body);
	resp->body = xml;
	snprintf(resp->content_type, sizeof(resp->content_type), "application/xml;charset=UTF-8");
}
