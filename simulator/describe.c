/*
 * describe.c
 *		The schema as Salesforce describes it: all keys, in its order, none left out.
 *
 * Key sets and order are those of the REST API Developer Guide ("sObject Describe") and of
 * describes of API v52 to v62; within a field and an object keys are alphabetical.
 */
#include "schema.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- small helpers */

static void
put_bool(cJSON *o, const char *key, bool value)
{
	cJSON_AddBoolToObject(o, key, value);
}

static void
put_int(cJSON *o, const char *key, int value)
{
	cJSON_AddNumberToObject(o, key, value);
}

/* NULL becomes null. */
static void
put_text(cJSON *o, const char *key, const char *value)
{
	if (value != NULL)
		cJSON_AddStringToObject(o, key, value);
	else
		cJSON_AddNullToObject(o, key);
}

static void
put_null(cJSON *o, const char *key)
{
	cJSON_AddNullToObject(o, key);
}

static void
put_empty(cJSON *o, const char *key)
{
	cJSON_AddArrayToObject(o, key);
}

/* ---------------------------------------------------------------- fields */

static const char *
soap_type(const sim_field *f)
{
	switch (f->type)
	{
		case SIM_T_ID:
		case SIM_T_REFERENCE:
			return "tns:ID";
		case SIM_T_BOOLEAN:
			return "xsd:boolean";
		case SIM_T_INT:
			return "xsd:int";
		case SIM_T_LONG:
			return "xsd:long";
		case SIM_T_DOUBLE:
		case SIM_T_CURRENCY:
		case SIM_T_PERCENT:
			return "xsd:double";
		case SIM_T_DATE:
			return "xsd:date";
		case SIM_T_DATETIME:
			return "xsd:dateTime";
		case SIM_T_TIME:
			return "xsd:time";
		case SIM_T_ANYTYPE:
			return "xsd:anyType";
		case SIM_T_ADDRESS:
			return "urn:address";
		case SIM_T_LOCATION:
			return "urn:location";
		case SIM_T_BASE64:
			return "xsd:base64Binary";
		default:
			return "xsd:string";
	}
}

/* Three bytes a character, except for ids. */
static int
byte_length(const sim_field *f)
{
	return sim_type_kind(f->type) == SIM_ID ? f->length : f->length * 3;
}

static void
put_picklist(cJSON *o, const sim_field *f)
{
	cJSON *list = cJSON_AddArrayToObject(o, "picklistValues");

	for (const sim_pick *p = f->picks; p != NULL && p->value != NULL; p++)
	{
		cJSON *v = cJSON_CreateObject();

		put_bool(v, "active", !p->inactive);
		put_bool(v, "defaultValue", p->preset);
		put_text(v, "label", sim_pick_label(p));
		put_text(v, "validFor", p->valid_for);
		put_text(v, "value", p->value);
		cJSON_AddItemToArray(list, v);
	}
}

/* May field-level security hide it?  Not what every record needs. */
static bool
is_permissionable(const sim_field *f)
{
	if (sim_field_is_custom(f))
		return true;
	if (f->flags & SF_NAME || f->type == SIM_T_ID)
		return false;
	if (f->flags & SF_READONLY)
		return sim_field_is_compound(f) || (f->sql != NULL && !(f->flags & SF_REQUIRED));
	return !(f->flags & SF_REQUIRED) || f->type == SIM_T_BOOLEAN;
}

/* Keys aggregatable to htmlFormatted. */
static void
put_field_a_to_h(cJSON *o, const sim_field *f)
{
	put_bool(o, "aggregatable", sim_field_aggregatable(f));
	put_bool(o, "aiPredictionField", false);
	put_bool(o, "autoNumber", (f->flags & SF_AUTONUMBER) != 0);
	put_int(o, "byteLength", byte_length(f));
	put_bool(o, "calculated", f->formula != NULL);
	put_text(o, "calculatedFormula", f->formula);
	put_bool(o, "cascadeDelete", false);
	put_bool(o, "caseSensitive", (f->flags & SF_CASE) != 0);
	put_text(o, "compoundFieldName", f->compound);
	put_null(o, "controllerName");
	put_bool(o, "createable", !(f->flags & SF_READONLY));
	put_bool(o, "custom", sim_field_is_custom(f));
	if (f->type == SIM_T_BOOLEAN)
		put_bool(o, "defaultValue", false);
	else
		put_null(o, "defaultValue");
	put_null(o, "defaultValueFormula");
	put_bool(o, "defaultedOnCreate", (f->flags & SF_DEFAULTED) != 0);
	put_bool(o, "dependentPicklist", false);
	put_bool(o, "deprecatedAndHidden", false);
	put_int(o, "digits", f->digits);
	put_bool(o, "displayLocationInDecimal", (f->flags & SF_DECIMAL) != 0);
	put_bool(o, "encrypted", false); /* platform encryption; not the classic field type */
	put_bool(o, "externalId", (f->flags & SF_EXTERNAL) != 0);
	put_text(o, "extraTypeInfo", f->extra);
	put_bool(o, "filterable", sim_field_filterable(f));
	put_null(o, "filteredLookupInfo");
	put_bool(o, "formulaTreatNullNumberAsZero", false);
	put_bool(o, "groupable", sim_field_groupable(f));
	put_bool(o, "highScaleNumber", false);
	put_bool(o, "htmlFormatted", (f->flags & SF_HTML) != 0);
}

/* Keys idLookup to writeRequiresMasterRead. */
static void
put_field_i_to_w(cJSON *o, const sim_field *f)
{
	bool secret = f->type == SIM_T_ENCRYPTEDSTRING;
	bool nillable = !(f->flags & SF_REQUIRED);
	cJSON *to;

	put_bool(o, "idLookup", (f->flags & SF_IDLOOKUP) != 0);
	put_null(o, "inlineHelpText");
	put_text(o, "label", f->label);
	put_int(o, "length", f->length);
	put_text(o, "mask", secret ? "lastFour" : NULL);
	put_text(o, "maskType", secret ? "asterisk" : NULL);
	put_text(o, "name", f->name);
	put_bool(o, "nameField", (f->flags & SF_NAME) != 0);
	put_bool(o, "namePointing", false);
	put_bool(o, "nillable", nillable);
	put_bool(o, "permissionable", is_permissionable(f));
	put_picklist(o, f);
	put_bool(o, "polymorphicForeignKey", false);
	put_int(o, "precision", f->precision);
	put_bool(o, "queryByDistance", sim_field_is_compound(f));
	put_null(o, "referenceTargetField");
	to = cJSON_AddArrayToObject(o, "referenceTo");
	if (f->ref_to != NULL)
		cJSON_AddItemToArray(to, cJSON_CreateString(f->ref_to));
	put_text(o, "relationshipName", f->ref_name);
	put_null(o, "relationshipOrder");
	put_bool(o, "restrictedDelete", false);
	put_bool(o, "restrictedPicklist", (f->flags & SF_RESTRICTED) != 0);
	put_int(o, "scale", f->scale);
	put_bool(o, "searchPrefilterable",
			 f->ref_to != NULL && nillable && !(f->flags & SF_READONLY) &&
				 strcmp(f->ref_to, "User") != 0);
	put_text(o, "soapType", soap_type(f));
	put_bool(o, "sortable", sim_field_sortable(f));
	put_text(o, "type", sim_type_name(f->type));
	put_bool(o, "unique", (f->flags & SF_UNIQUE) != 0);
	put_bool(o, "updateable", !(f->flags & (SF_READONLY | SF_NOUPDATE)));
	put_bool(o, "writeRequiresMasterRead", false);
}

/* ---------------------------------------------------------------- objects */

static bool
is_custom(const sim_object *obj)
{
	return strstr(obj->name, "__c") != NULL;
}

static bool
is_writable(const sim_object *obj)
{
	return (obj->flags & SO_WRITABLE) != 0;
}

static void
put_url(cJSON *o, const char *key, const char *version, const sim_object *obj,
		const char *tail)
{
	char url[256];

	snprintf(url, sizeof(url), "/services/data/v%s/sobjects/%s%s", version, obj->name, tail);
	cJSON_AddStringToObject(o, key, url);
}

static void
put_ui_url(cJSON *o, const char *key, const char *instance, const char *path)
{
	char url[512];

	snprintf(url, sizeof(url), "%s/%s", instance, path);
	cJSON_AddStringToObject(o, key, url);
}

/* instance NULL: the short form of the global describe. */
static void
put_urls(cJSON *o, const sim_object *obj, const char *version, const char *instance)
{
	cJSON *urls = cJSON_AddObjectToObject(o, "urls");
	bool layouts = is_writable(obj);
	char path[16];

	if (layouts)
		put_url(urls, "compactLayouts", version, obj, "/describe/compactLayouts");
	put_url(urls, "rowTemplate", version, obj, "/{ID}");
	if (layouts)
		put_url(urls, "approvalLayouts", version, obj, "/describe/approvalLayouts");
	if (layouts && instance != NULL)
	{
		put_ui_url(urls, "uiDetailTemplate", instance, "{ID}");
		put_ui_url(urls, "uiEditTemplate", instance, "{ID}/e");
		put_url(urls, "defaultValues", version, obj, "/defaultValues?recordTypeId&fields");
	}
	if (layouts)
		put_url(urls, "listviews", version, obj, "/listviews");
	put_url(urls, "describe", version, obj, "/describe");
	if (layouts && instance != NULL)
	{
		snprintf(path, sizeof(path), "%s/e", obj->prefix);
		put_ui_url(urls, "uiNewRecord", instance, path);
	}
	if (layouts)
	{
		put_url(urls, "quickActions", version, obj, "/quickActions");
		put_url(urls, "layouts", version, obj, "/describe/layouts");
	}
	put_url(urls, "sobject", version, obj, "");
}

static void
put_object_a_to_l(cJSON *o, const sim_object *obj, bool full)
{
	bool writable = is_writable(obj);

	if (full)
		put_empty(o, "actionOverrides");
	put_bool(o, "activateable", false);
	put_null(o, "associateEntityType");
	put_null(o, "associateParentEntity");
	if (full)
	{
		cJSON *children = cJSON_AddArrayToObject(o, "childRelationships");
		int n;
		const sim_object *const *list = sim_object_list(&n);

		for (int i = 0; i < n; i++)
		{
			for (int k = 0; k < list[i]->nfields; k++)
			{
				const sim_field *f = &list[i]->fields[k];
				cJSON *child;

				if (f->ref_to == NULL || strcmp(f->ref_to, obj->name) != 0)
					continue;
				child = cJSON_CreateObject();
				put_bool(child, "cascadeDelete", false);
				put_text(child, "childSObject", list[i]->name);
				put_bool(child, "deprecatedAndHidden", false);
				put_text(child, "field", f->name);
				put_empty(child, "junctionIdListNames");
				put_empty(child, "junctionReferenceTo");
				put_text(child, "relationshipName", f->ref_children);
				put_bool(child, "restrictedDelete", false);
				cJSON_AddItemToArray(children, child);
			}
		}
		put_bool(o, "compactLayoutable", writable);
	}
	put_bool(o, "createable", writable);
	put_bool(o, "custom", is_custom(obj));
	put_bool(o, "customSetting", false);
	put_bool(o, "deepCloneable", false);
	if (full)
		put_null(o, "defaultImplementation");
	put_bool(o, "deletable", writable && sim_object_has_deleted(obj));
	put_bool(o, "deprecatedAndHidden", (obj->flags & SO_DEPRECATED) != 0);
	if (full)
	{
		put_null(o, "extendedBy");
		put_null(o, "extendsInterfaces");
	}
	put_bool(o, "feedEnabled", writable && !is_custom(obj));
}

static void
put_fields(cJSON *o, const sim_object *obj)
{
	cJSON *fields = cJSON_AddArrayToObject(o, "fields");

	for (int i = 0; i < obj->nfields; i++)
	{
		cJSON *field = cJSON_CreateObject();

		put_field_a_to_h(field, &obj->fields[i]);
		put_field_i_to_w(field, &obj->fields[i]);
		cJSON_AddItemToArray(fields, field);
	}
}

static void
put_object_h_to_q(cJSON *o, const sim_object *obj, bool full)
{
	bool writable = is_writable(obj);

	put_bool(o, "hasSubtypes", false);
	if (full)
	{
		put_null(o, "implementedBy");
		put_null(o, "implementsInterfaces");
	}
	put_bool(o, "isInterface", false);
	put_bool(o, "isSubtype", false);
	put_text(o, "keyPrefix", obj->prefix);
	put_text(o, "label", obj->label);
	put_text(o, "labelPlural", obj->plural);
	put_bool(o, "layoutable", writable);
	if (full)
	{
		put_null(o, "listviewable");
		put_null(o, "lookupLayoutable");
	}
	put_bool(o, "mergeable",
			 strcmp(obj->name, "Account") == 0 || strcmp(obj->name, "Contact") == 0);
	put_bool(o, "mruEnabled", writable);
	put_text(o, "name", obj->name);
	if (full)
	{
		put_empty(o, "namedLayoutInfos");
		put_null(o, "networkScopeFieldName");
	}
	put_bool(o, "queryable", sim_object_queryable(obj));
}

/* Every object has its master record type only. */
static void
put_record_types(cJSON *o, const sim_object *obj, const char *version)
{
	cJSON *list = cJSON_AddArrayToObject(o, "recordTypeInfos");
	cJSON *info;

	if (!is_writable(obj))
		return;
	info = cJSON_CreateObject();
	put_bool(info, "active", true);
	put_bool(info, "available", true);
	put_bool(info, "defaultRecordTypeMapping", true);
	put_text(info, "developerName", "Master");
	put_bool(info, "master", true);
	put_text(info, "name", "Master");
	put_text(info, "recordTypeId", "012000000000000AAA");
	put_url(cJSON_AddObjectToObject(info, "urls"), "layout", version, obj,
			"/describe/layouts/012000000000000AAA");
	cJSON_AddItemToArray(list, info);
}

static void
put_scopes(cJSON *o, const sim_object *obj)
{
	cJSON *list = cJSON_AddArrayToObject(o, "supportedScopes");
	bool owned = sim_field_find(obj, "OwnerId") != NULL;

	for (int i = 0; owned && i < 2; i++)
	{
		cJSON *scope = cJSON_CreateObject();
		char label[80];

		snprintf(label, sizeof(label), "%s %s", i ? "My" : "All", obj->plural);
		put_text(scope, "label", label);
		put_text(scope, "name", i ? "mine" : "everything");
		cJSON_AddItemToArray(list, scope);
	}
}

static cJSON *
describe(const sim_object *obj, const char *version, const char *instance, bool full)
{
	cJSON *o = cJSON_CreateObject();
	bool writable = is_writable(obj);
	bool queryable = sim_object_queryable(obj);

	if (o == NULL)
		return NULL;
	put_object_a_to_l(o, obj, full);
	if (full)
		put_fields(o, obj);
	put_object_h_to_q(o, obj, full);
	if (full)
		put_record_types(o, obj, version);
	put_bool(o, "replicateable", queryable && sim_object_has_deleted(obj));
	put_bool(o, "retrieveable", queryable);
	if (full)
		put_bool(o, "searchLayoutable", writable);
	put_bool(o, "searchable", writable);
	if (full)
	{
		put_text(o, "sobjectDescribeOption", "FULL");
		put_scopes(o, obj);
	}
	put_bool(o, "triggerable", writable);
	put_bool(o, "undeletable", writable && sim_object_has_deleted(obj));
	put_bool(o, "updateable", writable);
	put_urls(o, obj, version, instance);
	return o;
}

cJSON *
sim_describe_basic(const sim_object *obj, const char *version)
{
	return describe(obj, version, NULL, false);
}

cJSON *
sim_describe_object(const sim_object *obj, const char *version, const char *instance_url)
{
	return describe(obj, version, instance_url, true);
}

cJSON *
sim_describe_global(const char *version)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *array;
	int n;
	const sim_object *const *list = sim_object_list(&n);

	if (o == NULL)
		return NULL;
	put_text(o, "encoding", "UTF-8");
	put_int(o, "maxBatchSize", 200);
	array = cJSON_AddArrayToObject(o, "sobjects");
	for (int i = 0; i < n; i++)
		cJSON_AddItemToArray(array, sim_describe_basic(list[i], version));
	return o;
}
