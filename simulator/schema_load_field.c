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
flags_of(const cJSON *o, const sim_field *f, const sim_field *old)
{
	static const struct
	{
		const char *key;
		bool value; /* that sets the flag */
		unsigned flag;
	} table[] = {
		{"nillable", false, SF_REQUIRED},
		{"nameField", true, SF_NAME},
		{"externalId", true, SF_EXTERNAL},
		{"unique", true, SF_UNIQUE},
		{"caseSensitive", true, SF_CASE},
		{"restrictedPicklist", true, SF_RESTRICTED},
		{"filterable", false, SF_NOFILTER},
		{"sortable", false, SF_NOSORT},
		{"groupable", false, SF_NOGROUP},
		{"aggregatable", false, SF_NOAGG},
		{"defaultedOnCreate", true, SF_DEFAULTED},
		{"idLookup", true, SF_IDLOOKUP},
		{"htmlFormatted", true, SF_HTML},
		{"displayLocationInDecimal", true, SF_DECIMAL},
		{"autoNumber", true, SF_AUTONUMBER},
		{"polymorphicForeignKey", true, SF_POLY},
		{"namePointing", true, SF_NAMEPOINTING},
		{"writeRequiresMasterRead", true, SF_WRITE_MASTER_READ},
		{"restrictedDelete", true, SF_RESTRICT_DELETE},
		{"calculated", true, SF_CALCULATED},
	};
	bool usual = f->type != SIM_T_ID && !sim_field_is_compound(f);
	bool create = schema_flag(o, "createable", old ? sim_field_createable(old) : usual);
	bool update = schema_flag(o, "updateable", old ? sim_field_updateable(old) : usual);
	unsigned flags = old ? old->flags : 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		bool now = (flags & table[i].flag) != 0;

		/* a key that is not there leaves the flag alone */
		if (schema_flag(o, table[i].key, now == table[i].value) == table[i].value)
			flags |= table[i].flag;
		else
			flags &= ~table[i].flag;
	}
	flags &= ~(SF_READONLY | SF_NOCREATE | SF_NOUPDATE);
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
			return f->controller ? gen_dependent : f->picks ? gen_pick : gen_words;
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

/* A text member; what was there before when the file does not speak of it. */
static void
take_text(const cJSON *o, const char *key, const char **to)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);

	if (item != NULL)
		*to = cJSON_GetStringValue(item);
}

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
	if (n > 0)
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
	take_text(o, "relationshipName", &f->ref_name);
	if (f->type != SIM_T_REFERENCE)
		f->flags &= ~(SF_POLY | SF_NAMEPOINTING | SF_MASTER | SF_CASCADE | SF_RESTRICT_DELETE);
	if (f->type != SIM_T_REFERENCE || !cJSON_IsArray(list) || list->child == NULL)
		return true;
	refs = schema_keep(((size_t) cJSON_GetArraySize(list) + 1) * sizeof(*refs));
	if (refs == NULL)
		return schema_no_memory(l);
	f->refs = refs;
	f->flags &= ~SF_POLY;
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

static void
take_sizes(const cJSON *o, sim_field *f)
{
	int usual = f->length > 0 ? f->length : usual_length(f->type);

	f->length = number_of(o, "length", LENGTH_MAX, usual);
	if (f->length == 0)
		f->length = usual;
	f->bytes = number_of(o, "byteLength", LENGTH_MAX * 3, f->bytes);
	if (f->bytes == f->length * 3 || sim_type_kind(f->type) == SIM_ID)
		f->bytes = 0;
	f->precision = number_of(o, "precision", 18, f->precision);
	f->scale = number_of(o, "scale", 18, f->scale);
	f->digits = number_of(o, "digits", 18, f->digits);
}

static void
take_texts(const cJSON *o, sim_field *f)
{
	take_text(o, "label", &f->label);
	if (f->label == NULL)
		f->label = f->name;
	take_text(o, "compoundFieldName", &f->compound);
	take_text(o, "controllerName", &f->controller);
	take_text(o, "inlineHelpText", &f->help);
	take_text(o, "extraTypeInfo", &f->extra);
	take_text(o, "calculatedFormula", &f->formula);
	load_default(o, f);
}

/* Does the file fit to the field that is there? */
static bool
fits(schema_loader *l, const char *where, const sim_field *old, const sim_field *f)
{
	if (old->type != f->type)
		return sim_error_set(l->err, "INVALID_SCHEMA",
							 "%s: %s is of type %s in the file, and %s here", l->path, where,
							 sim_type_name(f->type), sim_type_name(old->type));
	if (sim_field_is_poly(old) != sim_field_is_poly(f))
		return sim_error_set(l->err, "INVALID_SCHEMA",
							 "%s: %s points to one object here or in the file, and to several "
							 "in the other",
							 l->path, where);
	return true;
}

bool
schema_load_field(schema_loader *l, cJSON *o, const char *object, const sim_field *old,
				  sim_field *f)
{
	const char *type = schema_text(o, "type");
	char where[200];

	snprintf(where, sizeof(where), "%s.%s", object, schema_text(o, "name"));
	if (old != NULL)
		*f = *old;
	else
		f->name = schema_text(o, "name");
	if (type == NULL || !type_of(type, &f->type))
		return sim_error_set(l->err, "INVALID_SCHEMA", "%s: %s: %s%s%s is no type of a field",
							 l->path, where, type ? "\"" : "", type ? type : "nothing",
							 type ? "\"" : "");
	f->flags = flags_of(o, f, old);
	take_sizes(o, f);
	take_texts(o, f);
	if (old != NULL)
		schema_inherit(o, old->described);
	f->described = o;
	if (!load_picks(l, o, f) || !load_targets(l, o, where, f))
		return false;
	if (old != NULL)
		return fits(l, where, old, f);
	f->gen = generator_for(f);
	return true;
}

void
schema_forget_targets(sim_field *f)
{
	if (f->type != SIM_T_REFERENCE)
		return;
	f->type = SIM_T_STRING;
	f->length = 18;
	f->refs = NULL;
	f->ref_to = NULL;
	f->ref_name = NULL;
	f->gen = NULL;
	f->flags &= ~(SF_POLY | SF_NAMEPOINTING | SF_MASTER | SF_CASCADE | SF_REQUIRED);
}
