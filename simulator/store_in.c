/*
 * store_in.c
 *		What clients send, turned into cells: headers of uploads, members of JSON records, CSV cells.
 */
#include "store_int.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Longest name of a field, relationship or object that is looked up. */
#define NAME_MAX_LEN 255

/* A copy that ends in NUL; false: too long to be any name. */
static bool
copy_name(const char *text, size_t len, char out[NAME_MAX_LEN + 1])
{
	if (len == 0 || len > NAME_MAX_LEN || memchr(text, '\0', len) != NULL)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

/* Can rows be named by this field? */
static bool
is_key(const sim_field *f)
{
	return (f->flags & (SF_EXTERNAL | SF_IDLOOKUP)) != 0 || f->type == SIM_T_ID;
}

/* ---------------------------------------------------------------- headers of uploads */

static bool
unknown_header(const char *text, size_t len, sim_error *err)
{
	return sim_error_set(err, "InvalidBatch", "Field name not found : %.*s",
						 (int) (len > 500 ? 500 : len), text);
}

/* Relationship.Field, with the object in front where the relationship may lead to several. */
static bool
parent_header(const sim_object *obj, const char *text, size_t len, size_t dot, sim_in *out,
			  sim_error *err)
{
	const char *colon = memchr(text, ':', dot);
	size_t from = colon == NULL ? 0 : (size_t) (colon - text) + 1;
	char way[NAME_MAX_LEN + 1];
	char key[NAME_MAX_LEN + 1];
	char type[NAME_MAX_LEN + 1];
	bool several;

	if (!copy_name(text + from, dot - from, way) ||
		!copy_name(text + dot + 1, len - dot - 1, key))
		return unknown_header(text, len, err);
	out->field = sim_field_by_relationship(obj, way);
	if (out->field == NULL && colon == NULL)
		return unknown_header(text, len, err);
	if (out->field == NULL)
		return sim_error_set(err, "InvalidBatch", "Unable to find relationship: %s", way);

	several = sim_field_is_poly(out->field);
	if (colon != NULL && !several)
		return sim_error_set(
			err, "InvalidBatch",
			"type is not needed for non polymorphic foreign key references: %s", way);
	if (colon == NULL && several)
		return sim_error_set(err, "InvalidBatch",
							 "type is needed for polymorphic foreign key references: %s", way);
	if (colon == NULL)
		out->key_object = sim_object_find(out->field->ref_to);
	else if (copy_name(text, from - 1, type))
		out->key_object = store_target_named(out->field, type);
	if (out->key_object != NULL)
		out->key = sim_field_find(out->key_object, key);
	if (out->key == NULL || !is_key(out->key))
		return unknown_header(text, len, err);
	out->kind = SIM_IN_KEY;
	return true;
}

bool
sim_in_header(const sim_object *obj, const char *text, size_t len, sim_in *out, sim_error *err)
{
	const char *dot = memchr(text, '.', len);
	char name[NAME_MAX_LEN + 1];

	memset(out, 0, sizeof(*out));
	if (dot != NULL)
		return parent_header(obj, text, len, (size_t) (dot - text), out, err);
	if (copy_name(text, len, name))
		out->field = sim_field_find(obj, name);
	if (out->field == NULL)
		return unknown_header(text, len, err);
	out->kind = SIM_IN_TEXT;
	return true;
}

void
sim_in_csv(sim_in *cell, const char *text, size_t len, bool *absent)
{
	*absent = len == 0;
	cell->text = text;
	cell->len = len;
	if (len == 4 && memcmp(text, "#N/A", 4) == 0)
		cell->kind = SIM_IN_NULL;
	else
		cell->kind = cell->key == NULL ? SIM_IN_TEXT : SIM_IN_KEY;
}

/* The name that XML Schema has for what a field holds; NULL: any text will do, or is another's business. */
static const char *
schema_type(const sim_field *field)
{
	switch (sim_field_type(field))
	{
		case SIM_T_DATE:
			return "xsd:date";
		case SIM_T_DATETIME:
			return "xsd:dateTime";
		case SIM_T_TIME:
			return "xsd:time";
		case SIM_T_INT:
			return "xsd:int";
		case SIM_T_LONG:
			return "xsd:long";
		case SIM_T_DOUBLE:
		case SIM_T_CURRENCY:
		case SIM_T_PERCENT:
			return "xsd:double";
		case SIM_T_BOOLEAN:
			return "xsd:boolean";
		default:
			return NULL;
	}
}

bool
sim_in_csv_read(const sim_in *cells, int n, sim_error *err)
{
	for (int i = 0; i < n; i++)
		if (cells[i].kind == SIM_IN_TEXT && cells[i].len < sizeof("2024-01-01T00:00") - 1 &&
			cells[i].field->type == SIM_T_DATETIME)
		{
			sim_error_set(err, "INVALID_TYPE_ON_FIELD_IN_RECORD", "%s: no datetime",
						  cells[i].field->label);
			return sim_error_field(err, cells[i].field->name);
		}
	return true;
}

bool
sim_in_csv_unread(const sim_field *field, const sim_error *err)
{
	return strcmp(err->code, "INVALID_TYPE_ON_FIELD_IN_RECORD") == 0 && err->nfields == 1 &&
		   field != NULL && strcmp(err->fields[0], sim_field_name(field)) == 0 &&
		   schema_type(field) != NULL;
}

void
sim_in_csv_error(const sim_field *field, int column, const char *text, size_t len,
				 sim_error *err)
{
	int shown = len < 255 ? (int) len : 255;

	while (shown > 0 && (size_t) shown < len && ((unsigned char) text[shown] & 0xc0) == 0x80)
		shown--;
	sim_error_set(err, "INVALID_FIELD",
				  "Failed to deserialize field at col %d. Due to, '%.*s' is not a valid value "
				  "for the type %s",
				  column, shown, text, schema_type(field));
	sim_error_field(err, sim_field_name(field));
}

/* ---------------------------------------------------------------- JSON */

bool
sim_in_refused(const char *type, const cJSON *value, sim_error *err)
{
	const char *token = "VALUE_STRING";
	char number[SIM_DOUBLE_SIZE];
	const char *text = value->valuestring;

	if (cJSON_IsBool(value))
	{
		token = cJSON_IsTrue(value) ? "VALUE_TRUE" : "VALUE_FALSE";
		text = cJSON_IsTrue(value) ? "true" : "false";
	}
	else if (cJSON_IsNumber(value))
	{
		double d = value->valuedouble;

		text = number;
		token = "VALUE_NUMBER_INT";
		if (d == floor(d) && fabs(d) < 1e18)
			snprintf(number, sizeof(number), "%.0f", d);
		else
		{
			sim_format_double(d, number);
			token = "VALUE_NUMBER_FLOAT";
		}
	}
	else if (cJSON_IsNull(value))
		token = "VALUE_NULL";
	else if (cJSON_IsObject(value) || cJSON_IsArray(value))
	{
		token = cJSON_IsObject(value) ? "START_OBJECT" : "START_ARRAY";
		text = cJSON_IsObject(value) ? "{" : "[";
	}
	return sim_error_set(err, "JSON_PARSER_ERROR",
						 "Cannot deserialize instance of %s from %s value %.1000s or request "
						 "may be missing a required field at " SIM_JSON_POSITION,
						 type, token, text == NULL ? "null" : text);
}

/* Would the parser take this string for a value of the type? */
static bool
string_fits(const sim_field *f, const cJSON *value)
{
	const char *text = value->valuestring;
	size_t len = strlen(text);
	store_cell cell;

	if (sim_type_kind(f->type) == SIM_TEXT || sim_type_kind(f->type) == SIM_ID ||
		sim_type_kind(f->type) == SIM_BLOB)
		return true;
	return len > 0 && store_parse(f, text, len, &cell) != STORE_WRONG_TYPE;
}

static bool
json_scalar(const cJSON *value, sim_in *out, sim_error *err)
{
	const sim_field *f = out->field;
	bool good = false;

	if (cJSON_IsString(value))
	{
		good = string_fits(f, value);
		out->kind = SIM_IN_TEXT;
		out->text = value->valuestring;
		out->len = strlen(value->valuestring);
	}
	else if (cJSON_IsNumber(value))
	{
		store_cell cell;

		out->kind = SIM_IN_NUMBER;
		out->number = value->valuedouble;
		good = sim_type_is_number(f->type) &&
			   store_number(f, out->number, &cell) != STORE_WRONG_TYPE;
	}
	else if (cJSON_IsBool(value))
	{
		out->kind = SIM_IN_BOOL;
		out->yes = cJSON_IsTrue(value);
		good = f->type == SIM_T_BOOLEAN;
	}
	return good || sim_in_refused(sim_type_name(f->type), value, err);
}

/* The one member of {"attributes": …, "Ext__c": "x"} that names a parent. */
static bool
parent_member(const sim_object *obj, const cJSON *value, sim_in *out, sim_error *err)
{
	const cJSON *type = NULL;
	const cJSON *key = NULL;
	const cJSON *member;
	sim_in value_of_key = {0};

	cJSON_ArrayForEach (member, value)
	{
		if (strcmp(member->string, "attributes") == 0)
		{
			type = cJSON_GetObjectItemCaseSensitive(member, "type");
			continue;
		}
		if (key != NULL)
			return sim_error_set(err, "INVALID_FIELD",
								 "More than 1 field provided in an external foreign key "
								 "reference in entity: %s",
								 obj->name);
		key = member;
	}
	if (cJSON_IsString(type))
		out->key_object = store_target_named(out->field, type->valuestring);
	else
		out->key_object = sim_object_find(out->field->ref_to);
	if (out->key_object == NULL)
		return sim_error_set(err, "INVALID_FIELD",
							 "No such relationship '%.200s' on sobject of type %s",
							 value->string, obj->name);
	if (key == NULL)
		return sim_error_set(err, "INVALID_FIELD",
							 "No field provided in an external foreign key reference in "
							 "entity: %s",
							 obj->name);
	out->key = sim_field_find(out->key_object, key->string);
	if (out->key == NULL)
		return sim_error_set(err, "INVALID_FIELD",
							 "No such column '%.200s' on sobject of type %s", key->string,
							 out->key_object->name);
	if (!is_key(out->key))
		return sim_error_set(err, "INVALID_FIELD",
							 "%s is not an External ID or indexed field for %s",
							 out->key->name, out->key_object->name);
	value_of_key.field = out->key;
	if (!json_scalar(key, &value_of_key, err))
		return false;
	out->kind = SIM_IN_KEY;
	out->text = value_of_key.text;
	out->len = value_of_key.len;
	out->number = value_of_key.number; /* when there is no text */
	return true;
}

bool
sim_in_json(const sim_object *obj, const struct cJSON *value, sim_in *out, sim_error *err)
{
	memset(out, 0, sizeof(*out));
	out->kind = SIM_IN_NULL;
	if (value->string == NULL)
		return sim_error_set(err, "JSON_PARSER_ERROR",
							 "Unexpected value at " SIM_JSON_POSITION);
	if (strcmp(value->string, "attributes") == 0)
		return true;
	out->field = sim_field_find(obj, value->string);
	if (out->field != NULL)
		return cJSON_IsNull(value) || json_scalar(value, out, err);

	out->field = sim_field_by_relationship(obj, value->string);
	if (out->field == NULL)
		return sim_error_set(err, "INVALID_FIELD",
							 "No such column '%.200s' on sobject of type %s", value->string,
							 obj->name);
	if (cJSON_IsNull(value))
		return true;
	if (!cJSON_IsObject(value))
		return sim_in_refused("reference", value, err);
	return parent_member(obj, value, out, err);
}
