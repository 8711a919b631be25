/*
 * schema_load_field.c
 *		One field of a describe file: what the engine needs of it, and what data it gets.
 */
#include "schema_load.h"
#include "data.h"

#include <stdio.h>
#include <string.h>

#define LENGTH_MAX 16777216 /* characters of the longest text there is, and then some */

/* A number between 0 and max; "absent" when it is none. */
static int
number_of(const cJSON *o, const char *key, int max, int absent)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0))
		return absent;
	return item->valuedouble > max ? max : (int) item->valuedouble;
}

/* ---------------------------------------------------------------- types */

/* Types that the engine stores as text, whatever they are. */
static const char *const text_types[] = {"datacategorygroupreference", "complexvalue", "json",
										 "masterrecord", "byte"};

static bool
type_of(const char *name, sim_type *type)
{
	for (int t = 0; t <= SIM_T_BASE64; t++)
	{
		if (strcmp(sim_type_name(t), name) == 0)
		{
			*type = t;
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(text_types) / sizeof(text_types[0]); i++)
	{
		if (strcmp(text_types[i], name) == 0)
		{
			*type = SIM_T_STRING;
			return true;
		}
	}
	return false;
}

/* Of texts whose length the file does not say. */
static int
usual_length(sim_type type)
{
	switch (type)
	{
		case SIM_T_ID:
		case SIM_T_REFERENCE:
			return 18;
		case SIM_T_PHONE:
			return 40;
		case SIM_T_EMAIL:
			return 80;
		case SIM_T_MULTIPICKLIST:
			return 4099;
		case SIM_T_BASE64:
			return 0;
		default:
			return sim_type_is_text(type) ? 255 : 0;
	}
}

static unsigned
flags_of(const cJSON *o, const sim_field *f)
{
	static const struct
	{
		const char *key;
		bool value; /* that sets the flag */
		bool absent;
		unsigned flag;
	} table[] = {
		{"nillable", false, true, SF_REQUIRED},
		{"nameField", true, false, SF_NAME},
		{"externalId", true, false, SF_EXTERNAL},
		{"unique", true, false, SF_UNIQUE},
		{"caseSensitive", true, false, SF_CASE},
		{"restrictedPicklist", true, false, SF_RESTRICTED},
		{"filterable", false, true, SF_NOFILTER},
		{"sortable", false, true, SF_NOSORT},
		{"groupable", false, true, SF_NOGROUP},
		{"aggregatable", false, true, SF_NOAGG},
		{"defaultedOnCreate", true, false, SF_DEFAULTED},
		{"idLookup", true, false, SF_IDLOOKUP},
		{"htmlFormatted", true, false, SF_HTML},
		{"displayLocationInDecimal", true, false, SF_DECIMAL},
		{"autoNumber", true, false, SF_AUTONUMBER},
		{"polymorphicForeignKey", true, false, SF_POLY},
		{"namePointing", true, false, SF_NAMEPOINTING},
		{"writeRequiresMasterRead", true, false, SF_WRITE_MASTER_READ},
		{"restrictedDelete", true, false, SF_RESTRICT_DELETE},
		{"calculated", true, false, SF_CALCULATED},
	};
	unsigned flags = 0;
	bool usual = f->type != SIM_T_ID && !sim_field_is_compound(f);
	bool create = schema_flag(o, "createable", usual);
	bool update = schema_flag(o, "updateable", usual);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		if (schema_flag(o, table[i].key, table[i].absent) == table[i].value)
			flags |= table[i].flag;
	}
	if (!create)
		flags |= update ? SF_NOCREATE : SF_READONLY;
	else if (!update)
		flags |= SF_NOUPDATE;
	if (schema_flag(o, "cascadeDelete", false))
		flags |= flags & SF_REQUIRED ? SF_MASTER | SF_CASCADE : SF_CASCADE;
	return flags;
}

/* ---------------------------------------------------------------- data by type */

static bool
ends_with(const char *s, const char *end)
{
	size_t len = strlen(s);
	size_t n = strlen(end);

	return len >= n && strcmp(s + len - n, end) == 0;
}

static sim_generator
generator_by_type(const sim_field *f)
{
	switch (f->type)
	{
		case SIM_T_ID:
			return gen_id;
		case SIM_T_REFERENCE:
			return gen_reference;
		case SIM_T_TEXTAREA:
			return f->length > 255 ? gen_long_prose : gen_prose;
		case SIM_T_PICKLIST:
		case SIM_T_COMBOBOX:
			return f->picks ? gen_pick : gen_words;
		case SIM_T_MULTIPICKLIST:
			return f->picks ? gen_multi : NULL;
		case SIM_T_BOOLEAN:
			return gen_bool;
		case SIM_T_INT:
		case SIM_T_LONG:
			return gen_sized_int;
		case SIM_T_DOUBLE:
		case SIM_T_CURRENCY:
		case SIM_T_PERCENT:
			return gen_sized;
		case SIM_T_DATE:
			return gen_close_date;
		case SIM_T_DATETIME:
			return gen_datetime;
		case SIM_T_TIME:
			return gen_time;
		case SIM_T_PHONE:
			return gen_phone;
		case SIM_T_URL:
			return gen_url;
		case SIM_T_EMAIL:
			return gen_email;
		case SIM_T_ENCRYPTEDSTRING:
			return gen_secret;
		case SIM_T_BASE64:
			return gen_blob;
		case SIM_T_ADDRESS:
		case SIM_T_LOCATION:
			return NULL;
		default:
			return gen_words;
	}
}

/* Fields that every object has by the same name, and keys, which must differ from row to row. */
static sim_generator
generator_for(const sim_field *f)
{
	static const struct
	{
		const char *name;
		sim_type type;
		sim_generator gen;
	} known[] = {
		{"IsDeleted", SIM_T_BOOLEAN, gen_deleted},
		{"OwnerId", SIM_T_REFERENCE, gen_owner},
		{"CreatedById", SIM_T_REFERENCE, gen_owner},
		{"LastModifiedById", SIM_T_REFERENCE, gen_owner},
		{"CreatedDate", SIM_T_DATETIME, gen_created},
		{"LastModifiedDate", SIM_T_DATETIME, gen_modified},
		{"SystemModstamp", SIM_T_DATETIME, gen_modified},
		{"LastViewedDate", SIM_T_DATETIME, NULL},
		{"LastReferencedDate", SIM_T_DATETIME, NULL},
		{"MasterRecordId", SIM_T_REFERENCE, NULL},
		{"LastName", SIM_T_STRING, gen_last_name},
		{"FirstName", SIM_T_STRING, gen_first_name},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		if (f->type == known[i].type && strcmp(f->name, known[i].name) == 0)
			return known[i].gen;
	}
	if (f->type == SIM_T_DOUBLE &&
		(ends_with(f->name, "Latitude__s") || ends_with(f->name, "Latitude")))
		return gen_latitude;
	if (f->type == SIM_T_DOUBLE &&
		(ends_with(f->name, "Longitude__s") || ends_with(f->name, "Longitude")))
		return gen_longitude;
	if (f->flags & SF_AUTONUMBER)
		return gen_number;
	if (f->flags & (SF_UNIQUE | SF_EXTERNAL) && f->type == SIM_T_STRING)
		return f->length < 11 ? NULL : f->flags & SF_CASE ? gen_key_cs : gen_key_ci;
	if (f->flags & (SF_UNIQUE | SF_EXTERNAL) && f->type == SIM_T_DOUBLE)
		return gen_row_number;
	if (f->flags & SF_UNIQUE)
		return NULL;
	if (f->flags & SF_NAME && f->type == SIM_T_STRING)
		return f->length < 20 ? gen_words : gen_setup;
	return generator_by_type(f);
}

/* ---------------------------------------------------------------- one field */

static bool
load_picks(schema_loader *l, const cJSON *o, sim_field *f)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "picklistValues");
	const cJSON *item;
	sim_pick *picks;
	int n = 0;

	if (!cJSON_IsArray(list) || list->child == NULL)
		return true;
	picks = schema_keep(((size_t) cJSON_GetArraySize(list) + 1) * sizeof(*picks));
	if (picks == NULL)
		return schema_no_memory(l);
	cJSON_ArrayForEach (item, list)
	{
		picks[n].value = schema_text(item, "value");
		if (picks[n].value == NULL || picks[n].value[0] == '\0')
			continue;
		picks[n].label = schema_text(item, "label");
		picks[n].valid_for = schema_text(item, "validFor");
		picks[n].inactive = !schema_flag(item, "active", true);
		picks[n].preset = schema_flag(item, "defaultValue", false);
		n++;
	}
	picks[n].value = NULL;
	f->picks = picks;
	return true;
}

static bool
load_targets(schema_loader *l, const cJSON *o, const char *where, sim_field *f)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "referenceTo");
	const char *way = schema_text(o, "relationshipName");
	const char **refs;
	const cJSON *item;
	int n = 0;

	if (way != NULL && !schema_is_name(way))
		return sim_error_set(l->err, "INVALID_SCHEMA",
							 "%s: %s: \"%s\" is no relationship name", l->path, where, way);
	f->ref_name = way;
	if (f->type != SIM_T_REFERENCE || !cJSON_IsArray(list) || list->child == NULL)
		return true;
	refs = schema_keep(((size_t) cJSON_GetArraySize(list) + 1) * sizeof(*refs));
	if (refs == NULL)
		return schema_no_memory(l);
	f->refs = refs;
	cJSON_ArrayForEach (item, list)
	{
		refs[n] = cJSON_GetStringValue(item);
		if (!schema_is_name(refs[n]))
			return sim_error_set(l->err, "INVALID_SCHEMA",
								 "%s: %s: referenceTo has something that is no object's name",
								 l->path, where);
		n++;
	}
	f->ref_to = refs[0];
	if (n > 1)
		f->flags |= SF_POLY;
	f->ref_order = cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(o, "relationshipOrder"))
					   ? number_of(o, "relationshipOrder", 100, 0) + 1
					   : 0;
	return true;
}

static void
load_default(const cJSON *o, sim_field *f)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, "defaultValue");

	if (cJSON_IsTrue(item))
		f->preset = "true";
	else if (cJSON_IsString(item))
		f->preset = item->valuestring;
	else if (cJSON_IsNumber(item))
	{
		char *number = schema_keep(40);

		if (number != NULL)
			snprintf(number, 40, "%.15g", item->valuedouble);
		f->preset = number;
	}
}

/* old: the field of that name that is there already; or NULL. */
bool
schema_load_field(schema_loader *l, const cJSON *o, const char *object, const sim_field *old,
				  sim_field *f)
{
	const char *type = schema_text(o, "type");
	char where[200];

	snprintf(where, sizeof(where), "%s.%s", object, schema_text(o, "name"));
	if (type == NULL || !type_of(type, &f->type))
		return sim_error_set(l->err, "INVALID_SCHEMA", "%s: %s: %s%s%s is no type of a field",
							 l->path, where, type ? "\"" : "", type ? type : "nothing",
							 type ? "\"" : "");
	if (old != NULL && old->type != f->type)
		return sim_error_set(l->err, "INVALID_SCHEMA",
							 "%s: %s is of type %s in the file, and %s here", l->path, where,
							 type, sim_type_name(old->type));
	f->name = old ? old->name : schema_text(o, "name");
	f->label = schema_text(o, "label");
	if (f->label == NULL)
		f->label = f->name;
	f->flags = flags_of(o, f);
	f->length = number_of(o, "length", LENGTH_MAX, usual_length(f->type));
	if (f->length == 0)
		f->length = usual_length(f->type);
	f->bytes = number_of(o, "byteLength", LENGTH_MAX * 3, 0);
	if (f->bytes == f->length * 3 || sim_type_kind(f->type) == SIM_ID)
		f->bytes = 0;
	f->precision = number_of(o, "precision", 18, 0);
	f->scale = number_of(o, "scale", 18, 0);
	f->digits = number_of(o, "digits", 18, 0);
	f->compound = schema_text(o, "compoundFieldName");
	f->controller = schema_text(o, "controllerName");
	f->help = schema_text(o, "inlineHelpText");
	f->extra = schema_text(o, "extraTypeInfo");
	f->formula = schema_text(o, "calculatedFormula");
	f->described = o;
	load_default(o, f);
	if (!load_picks(l, o, f) || !load_targets(l, o, where, f))
		return false;
	if (old == NULL)
	{
		f->gen = generator_for(f);
		return true;
	}
	if (sim_field_is_poly(old) != sim_field_is_poly(f))
		return sim_error_set(l->err, "INVALID_SCHEMA",
							 "%s: %s points to one object here or in the file, and to several "
							 "in the other",
							 l->path, where);
	f->sql = old->sql;
	f->gen = f->picks || !old->picks ? old->gen : generator_for(f);
	f->seed_no = old->seed_no;
	f->ref_children = old->ref_children;
	f->flags |= old->flags & (SF_CASCADE | SF_RESTRICT_DELETE | SF_MASTER);
	return true;
}
