/*
 * rest_body.c
 *		Bodies of single rows, which may be more than JSON: multipart with the bytes of base64 fields, and XML.
 *		Whatever they are, they become the tree that JSON gives.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>

#include "multipart.h"
#include "rest.h"
#include "xml.h"

/* ---------------------------------------------------------------- multipart */

/* A part's bytes as a member of the record, in base64. */
static bool
add_blob(cJSON *tree, const multipart_part *part)
{
	char *text = malloc((part->len + 2) / 3 * 4 + 1);
	bool ok = false;

	if (text && part->len < INT32_MAX)
	{
		EVP_EncodeBlock((unsigned char *) text, (const unsigned char *) part->data,
						(int) part->len);
		cJSON_DeleteItemFromObjectCaseSensitive(tree, part->name);
		ok = cJSON_AddStringToObject(tree, part->name, text) != NULL;
	}
	free(text);
	return ok;
}

/* The JSON of a multipart body, without its binary parts; false: answered. */
static bool
record_part(srv_request *req, const char *boundary, cJSON **tree)
{
	multipart_part part;
	sim_buf json = {0};
	sim_buf why = {0};
	size_t at = 0;
	int rc;

	while ((rc = multipart_next(req->body.data, req->body.len, boundary, &at, &part)) > 0)
		if (json.len == 0 && part.filename[0] == '\0' && rest_json_type(part.type))
			sim_buf_add(&json, part.data, part.len);
	if (rc < 0)
		sim_buf_str(&why, "Multipart message cannot be read");
	else if (json.len == 0)
		sim_buf_str(&why, "Multipart message must include a non-binary part");
	else
		rest_json_complaint(json.data, json.len, &why);
	if (why.len == 0)
		*tree = cJSON_ParseWithLength(json.data, json.len);
	if (*tree == NULL)
		srv_error(req, 400,
				  rc < 0 || json.len == 0 ? "INVALID_MULTIPART_REQUEST" : "JSON_PARSER_ERROR",
				  "%s", why.len ? why.data : "The request body cannot be read as JSON");
	sim_buf_free(&json);
	sim_buf_free(&why);
	return *tree != NULL;
}

/* The record with its blobs; false: answered. */
static bool
multipart_body(srv_request *req, const char *boundary, cJSON **tree)
{
	multipart_part part;
	size_t at = 0;
	bool ok = true;

	if (!record_part(req, boundary, tree))
		return false;
	while (ok && multipart_next(req->body.data, req->body.len, boundary, &at, &part) > 0)
		if (part.filename[0] && part.name[0] && cJSON_IsObject(*tree))
			ok = add_blob(*tree, &part);
	if (ok)
		return true;
	cJSON_Delete(*tree);
	*tree = NULL;
	srv_error(req, 500, "UNKNOWN_EXCEPTION", "out of memory");
	return false;
}

/* ---------------------------------------------------------------- XML */

/* A number as JSON writes it: what strtod takes besides (0x10, nan) is none. */
static bool
is_number(const char *text)
{
	char *end;

	if (*text == '\0' || strspn(text, "+-.0123456789eE") != strlen(text))
		return false;
	strtod(text, &end);
	return *end == '\0';
}

/* An element as the value that JSON has for such a field. */
static cJSON *
element_value(const xml_node *node, const sim_field *field)
{
	sim_type type = field ? sim_field_type(field) : SIM_T_STRING;
	const xml_node *child;
	cJSON *object;

	if (xml_is_nil(node))
		return cJSON_CreateNull();
	if (node->child)
	{
		/* a parent, named by one of its keys */
		object = cJSON_CreateObject();
		for (child = node->child; object && child; child = child->next)
			if (strcmp(child->name, "type") != 0)
				cJSON_AddStringToObject(object, child->name, child->text);
		return object;
	}
	if (type == SIM_T_BOOLEAN &&
		(strcmp(node->text, "true") == 0 || strcmp(node->text, "1") == 0))
		return cJSON_CreateTrue();
	if (type == SIM_T_BOOLEAN &&
		(strcmp(node->text, "false") == 0 || strcmp(node->text, "0") == 0))
		return cJSON_CreateFalse();
	if ((type == SIM_T_INT || type == SIM_T_LONG || type == SIM_T_DOUBLE ||
		 type == SIM_T_CURRENCY || type == SIM_T_PERCENT) &&
		is_number(node->text))
		return cJSON_CreateNumber(strtod(node->text, NULL));
	return cJSON_CreateString(node->text);
}

static bool
xml_body(srv_request *req, const sim_object *obj, cJSON **tree)
{
	sim_error err;
	xml_doc *doc = xml_parse(req->body.data, req->body.len, &err);
	const xml_node *node;

	if (doc == NULL)
	{
		srv_error(req, 400, "XML_PARSER_ERROR", "%s", err.message);
		return false;
	}
	*tree = cJSON_CreateObject();
	for (node = xml_root(doc)->child; *tree && node; node = node->next)
		cJSON_AddItemToObject(*tree, node->name,
							  element_value(node, sim_field_find(obj, node->name)));
	xml_free(doc);
	if (*tree == NULL)
		srv_error(req, 500, "UNKNOWN_EXCEPTION", "out of memory");
	return *tree != NULL;
}

/* ---------------------------------------------------------------- any of them */

bool
rest_body_tree(srv_request *req, const sim_object *obj, cJSON **tree)
{
	const char *type = srv_header_get(req, "Content-Type");
	size_t n = type ? strcspn(type, "; \t") : 0;
	char boundary[MULTIPART_BOUNDARY_SIZE];

	*tree = NULL;
	if (req->body.len > 0 && multipart_boundary(type, boundary))
		return multipart_body(req, boundary, tree);
	if (req->body.len > 0 && ((n == 15 && strncasecmp(type, "application/xml", n) == 0) ||
							  (n == 8 && strncasecmp(type, "text/xml", n) == 0)))
		return xml_body(req, obj, tree);
	return rest_json_body(req, tree);
}
