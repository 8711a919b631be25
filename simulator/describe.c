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
#include <stdlib.h>
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
	if (f->bytes > 0)
		return f->bytes;
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

bool
sim_field_permissionable(const sim_field *f)
{
	bool usual = !(f->flags & SF_REQUIRED);

	if (f->flags & (SF_PERM | SF_NOPERM))
		return (f->flags & SF_PERM) != 0;
	if (f->flags & SF_NAME || f->type == SIM_T_ID)
		return false;
	if (sim_field_is_compound(f))
		return true;
	if (sim_field_is_custom(f))
		return usual || f->type == SIM_T_BOOLEAN;
	return usual && !(f->flags & SF_READONLY);
}

/* Can a lookup search be narrowed by it? */
static bool
is_prefilterable(const sim_field *f)
{
	if (f->flags & (SF_PREFILTER | SF_NOPREFILTER))
		return (f->flags & SF_PREFILTER) != 0;
	return f->ref_to != NULL && strcmp(f->ref_to, "User") != 0 && !(f->flags & SF_READONLY) &&
		   (!(f->flags & SF_REQUIRED) || (f->flags & SF_MASTER));
}

/* A boolean has always one; numbers are shown as numbers, all else as text. */
static void
put_default(cJSON *o, const sim_field *f)
{
	if (f->type == SIM_T_BOOLEAN)
		put_bool(o, "defaultValue", f->preset != NULL && strcmp(f->preset, "true") == 0);
	else if (f->preset != NULL && sim_type_is_number(f->type))
		cJSON_AddRawToObject(o, "defaultValue", f->preset);
	else
		put_text(o, "defaultValue", f->preset);
}

/* Keys aggregatable to htmlFormatted. */
static void
put_field_a_to_h(cJSON *o, const sim_field *f)
{
	bool custom = sim_field_is_custom(f);

	put_bool(o, "aggregatable", sim_field_aggregatable(f));
	put_bool(o, "aiPredictionField", false);
	put_bool(o, "autoNumber", (f->flags & SF_AUTONUMBER) != 0);
	put_int(o, "byteLength", byte_length(f));
	put_bool(o, "calculated", f->formula != NULL || (f->flags & SF_CALCULATED) != 0);
	put_text(o, "calculatedFormula", f->formula);
	put_bool(o, "cascadeDelete", custom && (f->flags & (SF_MASTER | SF_CASCADE)) != 0);
	put_bool(o, "caseSensitive", (f->flags & SF_CASE) != 0);
	put_text(o, "compoundFieldName", f->compound);
	put_text(o, "controllerName", f->controller);
	put_bool(o, "createable", sim_field_createable(f) && !sim_field_is_compound(f));
	put_bool(o, "custom", custom);
	put_default(o, f);
	put_null(o, "defaultValueFormula");
	put_bool(o, "defaultedOnCreate", (f->flags & SF_DEFAULTED) != 0);
	put_bool(o, "dependentPicklist", f->controller != NULL);
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
	const char *target;
	cJSON *to;

	put_bool(o, "idLookup", (f->flags & SF_IDLOOKUP) != 0);
	put_text(o, "inlineHelpText", f->help);
	put_text(o, "label", f->label);
	put_int(o, "length", f->length);
	put_text(o, "mask", secret ? "lastFour" : NULL);
	put_text(o, "maskType", secret ? "asterisk" : NULL);
	put_text(o, "name", f->name);
	put_bool(o, "nameField", (f->flags & SF_NAME) != 0);
	put_bool(o, "namePointing", (f->flags & SF_NAMEPOINTING) != 0);
	put_bool(o, "nillable", !(f->flags & SF_REQUIRED));
	put_bool(o, "permissionable", sim_field_permissionable(f));
	put_picklist(o, f);
	put_bool(o, "polymorphicForeignKey", sim_field_is_poly(f));
	put_int(o, "precision", f->precision);
	put_bool(o, "queryByDistance", sim_field_is_compound(f));
	put_null(o, "referenceTargetField");
	to = cJSON_AddArrayToObject(o, "referenceTo");
	for (int i = 0; (target = sim_field_ref(f, i)) != NULL; i++)
		cJSON_AddItemToArray(to, cJSON_CreateString(target));
	put_text(o, "relationshipName", f->ref_name);
	if (f->ref_order > 0)
		put_int(o, "relationshipOrder", f->ref_order - 1);
	else
		put_null(o, "relationshipOrder");
	put_bool(o, "restrictedDelete",
			 sim_field_is_custom(f) && (f->flags & SF_RESTRICT_DELETE) != 0);
	put_bool(o, "restrictedPicklist", (f->flags & SF_RESTRICTED) != 0);
	put_int(o, "scale", f->scale);
	put_bool(o, "searchPrefilterable", is_prefilterable(f));
	put_text(o, "soapType", soap_type(f));
	put_bool(o, "sortable", sim_field_sortable(f));
	put_text(o, "type", sim_type_name(f->type));
	put_bool(o, "unique", (f->flags & SF_UNIQUE) != 0);
	put_bool(o, "updateable", sim_field_updateable(f) && !sim_field_is_compound(f));
	put_bool(o, "writeRequiresMasterRead", (f->flags & SF_WRITE_MASTER_READ) != 0);
}

/*
 * Whatever a schema file says goes before what was worked out, but for keys to skip.  more: keys that
 * we do not know come, too.
 */
static void
overlay(cJSON *o, const cJSON *described, const char *const *skip, bool more)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, described)
	{
		cJSON *copy;
		bool ours = false;

		for (int i = 0; skip != NULL && skip[i] != NULL; i++)
			ours = ours || strcmp(skip[i], item->string) == 0;
		if (ours || (copy = cJSON_Duplicate(item, true)) == NULL)
			continue;
		if (cJSON_GetObjectItemCaseSensitive(o, item->string) != NULL)
			cJSON_ReplaceItemInObjectCaseSensitive(o, item->string, copy);
		else if (more)
			cJSON_AddItemToObject(o, item->string, copy);
		else
			cJSON_Delete(copy);
	}
}

/* ---------------------------------------------------------------- objects */

static bool
is_custom(const sim_object *obj)
{
	return strstr(obj->name, "__c") != NULL;
}

static bool
has(const sim_object *obj, unsigned flag)
{
	return (obj->flags & flag) != 0;
}

/* From which version on describes have what "since" has. */
#define SINCE_ASSOCIATES                                                                      \
	50 /* associateEntityType, sobjectDescribeOption, the scope scopingRule */

static int
major(const char *version)
{
	return atoi(version);
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

/* Links that one object alone has. */
static void
put_special_urls(cJSON *urls, const sim_object *obj, const char *version, bool full)
{
	if (strcmp(obj->name, "Case") == 0)
	{
		put_url(urls, "caseArticleSuggestions", version, obj, "/suggestedArticles");
		put_url(urls, "caseRowArticleSuggestions", version, obj, "/{ID}/suggestedArticles");
	}
	if (strcmp(obj->name, "User") == 0)
	{
		put_url(urls, "namedLayouts", version, obj, "/describe/namedLayouts/{LayoutName}");
		put_url(urls, "passwordUtilities", version, obj, "/{ID}/password");
	}
	if (strcmp(obj->name, "Event") == 0 && full && major(version) >= SINCE_ASSOCIATES)
		put_url(urls, "eventSeriesUpdates", version, obj, "/{ID}/fromThisEventOnwards");
}

/* instance NULL: the short form of the global describe. */
static void
put_urls(cJSON *o, const sim_object *obj, const char *version, const char *instance)
{
	cJSON *urls = cJSON_AddObjectToObject(o, "urls");
	bool ui = has(obj, SO_LAYOUTABLE) && instance != NULL && obj->prefix != NULL;
	char path[16];

	if (has(obj, SO_COMPACT))
		put_url(urls, "compactLayouts", version, obj, "/describe/compactLayouts");
	put_url(urls, "rowTemplate", version, obj, "/{ID}");
	if (has(obj, SO_APPROVAL))
		put_url(urls, "approvalLayouts", version, obj, "/describe/approvalLayouts");
	if (ui)
	{
		put_ui_url(urls, "uiDetailTemplate", instance, "{ID}");
		put_ui_url(urls, "uiEditTemplate", instance, "{ID}/e");
		if (major(version) < SINCE_ASSOCIATES)
			put_url(urls, "defaultValues", version, obj, "/defaultValues?recordTypeId&fields");
	}
	if (has(obj, SO_EVENT))
		put_url(urls, "eventSchema", version, obj, "/eventSchema");
	put_special_urls(urls, obj, version, instance != NULL);
	if (has(obj, SO_LISTVIEWS))
		put_url(urls, "listviews", version, obj, "/listviews");
	put_url(urls, "describe", version, obj, "/describe");
	if (ui)
	{
		snprintf(path, sizeof(path), "%s/e", obj->prefix);
		put_ui_url(urls, "uiNewRecord", instance, path);
	}
	if (has(obj, SO_QUICK_ACTIONS))
		put_url(urls, "quickActions", version, obj, "/quickActions");
	if (has(obj, SO_LAYOUTABLE))
		put_url(urls, "layouts", version, obj, "/describe/layouts");
	put_url(urls, "sobject", version, obj, "");
}

static void
put_child(cJSON *list, const sim_object *from, const sim_field *f)
{
	cJSON *child = cJSON_CreateObject();

	put_bool(child, "cascadeDelete", (f->flags & (SF_CASCADE | SF_MASTER)) != 0);
	put_text(child, "childSObject", from->name);
	put_bool(child, "deprecatedAndHidden", has(from, SO_DEPRECATED));
	put_text(child, "field", f->name);
	put_empty(child, "junctionIdListNames");
	put_empty(child, "junctionReferenceTo");
	put_text(child, "relationshipName", f->ref_children);
	put_bool(child, "restrictedDelete", (f->flags & SF_RESTRICT_DELETE) != 0);
	cJSON_AddItemToArray(list, child);
}

/* Is this way back in a list already (of a schema file)? */
static bool
has_child(const cJSON *list, const char *object, const char *field)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list)
	{
		const char *from = cJSON_GetStringValue(cJSON_GetObjectItem(item, "childSObject"));
		const char *by = cJSON_GetStringValue(cJSON_GetObjectItem(item, "field"));

		if (from && by && strcmp(from, object) == 0 && strcmp(by, field) == 0)
			return true;
	}
	return false;
}

/* The next field behind "last", as names sort, that points to obj; NULL: there is none. */
static const sim_field *
next_child(const sim_object *from, const sim_object *obj, const char *last)
{
	const sim_field *next = NULL;

	for (int i = 0; i < from->nfields; i++)
	{
		const sim_field *f = &from->fields[i];

		/* losers of a merge are no children */
		if (strcmp(f->name, "MasterRecordId") != 0 && strcmp(f->name, last) > 0 &&
			sim_field_refers_to(f, obj) && !sim_field_hidden(f) &&
			(next == NULL || strcmp(f->name, next->name) < 0))
			next = f;
	}
	return next;
}

/* What a schema file lists, then ours by object and field. */
static void
put_children(cJSON *o, const sim_object *obj)
{
	const cJSON *said = cJSON_GetObjectItem(obj->described, "childRelationships");
	cJSON *children = cJSON_IsArray(said) ? cJSON_Duplicate(said, true) : cJSON_CreateArray();
	int n;
	const sim_object *const *list = sim_object_list(&n);

	cJSON_AddItemToObject(o, "childRelationships", children);
	for (int i = 0; i < n; i++)
	{
		const sim_field *f = next_child(list[i], obj, "");

		for (; f != NULL; f = next_child(list[i], obj, f->name))
		{
			if (!cJSON_IsArray(said) || !has_child(said, list[i]->name, f->name))
				put_child(children, list[i], f);
		}
	}
}

/* "Share" and "Account" of AccountShare; this org has only change events. */
static void
put_associates(cJSON *o, const sim_object *obj)
{
	const char *end = strstr(obj->name, "ChangeEvent");
	char parent[81] = "";

	if (end != NULL && has(obj, SO_EVENT))
		snprintf(parent, sizeof(parent), "%.*s", (int) (end - obj->name), obj->name);
	put_text(o, "associateEntityType", parent[0] ? "ChangeEvent" : NULL);
	put_text(o, "associateParentEntity", parent[0] ? parent : NULL);
}

static void
put_object_a_to_f(cJSON *o, const sim_object *obj, const char *version, bool full)
{
	if (full)
		put_empty(o, "actionOverrides");
	put_bool(o, "activateable", has(obj, SO_ACTIVATEABLE));
	if (major(version) >= SINCE_ASSOCIATES)
		put_associates(o, obj);
	if (full)
	{
		put_children(o, obj);
		put_bool(o, "compactLayoutable", has(obj, SO_COMPACT));
	}
	put_bool(o, "createable", has(obj, SO_CREATEABLE));
	put_bool(o, "custom", is_custom(obj));
	put_bool(o, "customSetting", has(obj, SO_SETTING));
	put_bool(o, "deepCloneable", has(obj, SO_DEEP_CLONE));
	if (full)
		put_null(o, "defaultImplementation");
	put_bool(o, "deletable", has(obj, SO_DELETABLE));
	put_bool(o, "deprecatedAndHidden", has(obj, SO_DEPRECATED));
	if (full)
	{
		put_null(o, "extendedBy");
		put_null(o, "extendsInterfaces");
	}
	put_bool(o, "feedEnabled", has(obj, SO_FEED));
}

static void
put_fields(cJSON *o, const sim_object *obj)
{
	cJSON *fields = cJSON_AddArrayToObject(o, "fields");

	for (int i = 0; i < obj->nfields; i++)
	{
		cJSON *field;
		cJSON *said;

		if (sim_field_hidden(&obj->fields[i]))
			continue;
		field = cJSON_CreateObject();
		said = sim_field_said(&obj->fields[i]);
		put_field_a_to_h(field, &obj->fields[i]);
		put_field_i_to_w(field, &obj->fields[i]);
		overlay(field, obj->fields[i].described, NULL, true);
		overlay(field, said, NULL, true);
		cJSON_Delete(said);
		cJSON_AddItemToArray(fields, field);
	}
}

static void
put_object_h_to_q(cJSON *o, const sim_object *obj, bool full)
{
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
	put_bool(o, "layoutable", has(obj, SO_LAYOUTABLE));
	if (full)
	{
		put_null(o, "listviewable");
		put_null(o, "lookupLayoutable");
	}
	put_bool(o, "mergeable", has(obj, SO_MERGEABLE));
	put_bool(o, "mruEnabled", has(obj, SO_MRU));
	put_text(o, "name", obj->name);
	if (full)
	{
		put_empty(o, "namedLayoutInfos");
		put_null(o, "networkScopeFieldName");
	}
	put_bool(o, "queryable", sim_object_queryable(obj));
}

static void
put_record_type(cJSON *list, const sim_object *obj, const sim_record_type *type, bool master,
				const char *version)
{
	cJSON *info = cJSON_CreateObject();
	char id[SIM_ID_SIZE] = "012000000000000AAA";
	char layout[64];

	if (!master)
		sim_id_make("012", type->number, id);
	snprintf(layout, sizeof(layout), "/describe/layouts/%s", id);
	put_bool(info, "active", !type->inactive);
	put_bool(info, "available", !type->inactive);
	put_bool(info, "defaultRecordTypeMapping", type->preset);
	put_text(info, "developerName", type->developer_name);
	put_bool(info, "master", master);
	put_text(info, "name", type->name);
	put_text(info, "recordTypeId", id);
	put_url(cJSON_AddObjectToObject(info, "urls"), "layout", version, obj, layout);
	cJSON_AddItemToArray(list, info);
}

/* The object's own, then the master type, which is the default of objects without others. */
static void
put_record_types(cJSON *o, const sim_object *obj, const char *version)
{
	cJSON *list = cJSON_AddArrayToObject(o, "recordTypeInfos");
	sim_record_type master = {.name = "Master", .developer_name = "Master", .preset = true};
	const sim_record_type *type = obj->record_types;

	if (!has(obj, SO_LAYOUTABLE) || !has(obj, SO_SEARCHABLE))
		return;
	for (; type != NULL && type->developer_name != NULL; type++)
	{
		put_record_type(list, obj, type, false, version);
		master.preset = master.preset && !type->preset;
	}
	put_record_type(list, obj, &master, true, version);
}

static void
put_scopes(cJSON *o, const sim_object *obj, const char *version)
{
	cJSON *list = cJSON_AddArrayToObject(o, "supportedScopes");

	for (const sim_scope *s = obj->scopes; s != NULL && s->name != NULL; s++)
	{
		cJSON *scope;

		if (strcmp(s->name, "scopingRule") == 0 && major(version) < SINCE_ASSOCIATES)
			continue;
		scope = cJSON_CreateObject();
		put_text(scope, "label", s->label);
		put_text(scope, "name", s->name);
		cJSON_AddItemToArray(list, scope);
	}
}

/* Members that follow from the org, whatever a schema file says of them. */
static const char *const own_members[] = {"fields", "urls", "childRelationships", "name",
										  NULL};

static cJSON *
describe(const sim_object *obj, const char *version, const char *instance, bool full)
{
	cJSON *o = cJSON_CreateObject();
	bool queryable = sim_object_queryable(obj);

	if (o == NULL)
		return NULL;
	put_object_a_to_f(o, obj, version, full);
	if (full)
		put_fields(o, obj);
	put_object_h_to_q(o, obj, full);
	if (full)
		put_record_types(o, obj, version);
	put_bool(o, "replicateable", has(obj, SO_REPLICATEABLE));
	put_bool(o, "retrieveable", queryable || has(obj, SO_EVENT));
	if (full)
		put_bool(o, "searchLayoutable", has(obj, SO_SEARCH_LAYOUT));
	put_bool(o, "searchable", has(obj, SO_SEARCHABLE));
	if (full)
	{
		if (major(version) >= SINCE_ASSOCIATES)
			put_text(o, "sobjectDescribeOption", "FULL");
		put_scopes(o, obj, version);
	}
	put_bool(o, "triggerable", has(obj, SO_TRIGGERABLE));
	put_bool(o, "undeletable", has(obj, SO_UNDELETABLE));
	put_bool(o, "updateable", has(obj, SO_UPDATEABLE));
	put_urls(o, obj, version, instance);
	overlay(o, obj->described, own_members, full);
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
