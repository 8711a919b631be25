/*
 * schema.c
 *		Properties of objects and fields, those that follow from a field's type among them.
 */
#include "schema.h"

#include <string.h>
#include <strings.h>

const char *
sim_object_name(const sim_object *obj)
{
	return obj->name;
}

const char *
sim_object_prefix(const sim_object *obj)
{
	return obj->prefix;
}

bool
sim_object_bulk(const sim_object *obj)
{
	return (obj->flags & SO_NOBULK) == 0;
}

bool
sim_object_queryable(const sim_object *obj)
{
	return !(obj->flags & SO_NOQUERY);
}

bool
sim_object_has_deleted(const sim_object *obj)
{
	return sim_field_find(obj, "IsDeleted") != NULL;
}

/* Far from zero and different per object, so that ids look as ids do ("0015g000002ZKf7"). */
int64_t
sim_object_base(const sim_object *obj)
{
	if (obj->base > 0)
		return obj->base;
	return INT64_C(2) * 62 * 62 * 62 * 62 + (35 + obj->seed_no) * INT64_C(62 * 62 * 62) +
		   20 * 62 * 62 + 41 * 62 + 7;
}

int
sim_object_field_count(const sim_object *obj)
{
	return obj->nfields;
}

const sim_field *
sim_object_field(const sim_object *obj, int i)
{
	return &obj->fields[i];
}

const sim_field *
sim_field_by_relationship(const sim_object *obj, const char *name)
{
	for (int i = 0; i < obj->nfields; i++)
	{
		const char *way = obj->fields[i].ref_name;

		/* some texts name a way that leads nowhere (JigsawCompanyId) */
		if (way != NULL && obj->fields[i].ref_to != NULL && strcasecmp(way, name) == 0 &&
			!sim_field_hidden(&obj->fields[i]))
			return &obj->fields[i];
	}
	return NULL;
}

const char *
sim_field_name(const sim_field *field)
{
	return field->name;
}

bool
sim_field_case_sensitive(const sim_field *field)
{
	return (field->flags & SF_CASE) != 0;
}

bool
sim_field_is_key(const sim_field *field)
{
	return (field->flags & (SF_EXTERNAL | SF_IDLOOKUP)) != 0 || field->type == SIM_T_ID;
}

sim_type
sim_field_type(const sim_field *field)
{
	return field->type;
}

/* By sim_type. */
static const struct
{
	const char *name;
	sim_kind kind;
	unsigned never; /* flags every field of the type has */
} types[] = {
	[SIM_T_ID] = {"id", SIM_ID, 0},
	[SIM_T_REFERENCE] = {"reference", SIM_ID, 0},
	[SIM_T_STRING] = {"string", SIM_TEXT, 0},
	[SIM_T_TEXTAREA] = {"textarea", SIM_TEXT, 0},
	[SIM_T_PICKLIST] = {"picklist", SIM_TEXT, 0},
	[SIM_T_MULTIPICKLIST] = {"multipicklist", SIM_TEXT, SF_NOSORT | SF_NOGROUP | SF_NOAGG},
	[SIM_T_COMBOBOX] = {"combobox", SIM_TEXT, SF_NOGROUP},
	[SIM_T_BOOLEAN] = {"boolean", SIM_BOOL, SF_NOAGG},
	[SIM_T_INT] = {"int", SIM_INT, 0},
	[SIM_T_LONG] = {"long", SIM_INT, 0},
	[SIM_T_DOUBLE] = {"double", SIM_DOUBLE, SF_NOGROUP},
	[SIM_T_CURRENCY] = {"currency", SIM_DOUBLE, SF_NOGROUP},
	[SIM_T_PERCENT] = {"percent", SIM_DOUBLE, SF_NOGROUP},
	[SIM_T_DATE] = {"date", SIM_DATE, 0},
	[SIM_T_DATETIME] = {"datetime", SIM_DATETIME, SF_NOGROUP},
	[SIM_T_TIME] = {"time", SIM_TIME, SF_NOGROUP | SF_NOAGG},
	[SIM_T_PHONE] = {"phone", SIM_TEXT, 0},
	[SIM_T_URL] = {"url", SIM_TEXT, 0},
	[SIM_T_EMAIL] = {"email", SIM_TEXT, 0},
	[SIM_T_ENCRYPTEDSTRING] = {"encryptedstring", SIM_TEXT,
							   SF_NOFILTER | SF_NOSORT | SF_NOGROUP | SF_NOAGG},
	[SIM_T_ANYTYPE] = {"anyType", SIM_TEXT, SF_NOFILTER | SF_NOSORT | SF_NOGROUP | SF_NOAGG},
	[SIM_T_ADDRESS] = {"address", SIM_COMPOUND, SF_NOSORT | SF_NOGROUP | SF_NOAGG},
	[SIM_T_LOCATION] = {"location", SIM_COMPOUND, SF_NOSORT | SF_NOGROUP | SF_NOAGG},
	[SIM_T_BASE64] = {"base64", SIM_BLOB, SF_NOFILTER | SF_NOSORT | SF_NOGROUP | SF_NOAGG},
};

const char *
sim_type_name(sim_type type)
{
	return types[type].name;
}

sim_kind
sim_type_kind(sim_type type)
{
	return types[type].kind;
}

/* Text longer than 255 is a CLOB in the org: no condition, order or group reaches it. */
static unsigned
all_flags(const sim_field *f)
{
	unsigned flags = f->flags | types[f->type].never;

	if (f->type == SIM_T_TEXTAREA && f->length > 255 && f->bytes == 0)
		flags |= SF_NOFILTER | SF_NOSORT | SF_NOGROUP | SF_NOAGG;
	return flags;
}

bool
sim_field_filterable(const sim_field *f)
{
	return sim_field_says(f, "filterable", !(all_flags(f) & SF_NOFILTER));
}

bool
sim_field_sortable(const sim_field *f)
{
	return sim_field_says(f, "sortable", !(all_flags(f) & SF_NOSORT));
}

bool
sim_field_groupable(const sim_field *f)
{
	return sim_field_says(f, "groupable", !(all_flags(f) & SF_NOGROUP));
}

bool
sim_field_aggregatable(const sim_field *f)
{
	return sim_field_says(f, "aggregatable", !(all_flags(f) & SF_NOAGG));
}

bool
sim_field_is_custom(const sim_field *f)
{
	size_t len = strlen(f->name);

	return len > 3 &&
		   (strcmp(f->name + len - 3, "__c") == 0 || strcmp(f->name + len - 3, "__s") == 0);
}

bool
sim_field_is_compound(const sim_field *f)
{
	return types[f->type].kind == SIM_COMPOUND;
}

bool
sim_field_is_poly(const sim_field *f)
{
	return (f->flags & SF_POLY) != 0;
}

const char *
sim_field_ref(const sim_field *f, int i)
{
	if (f->refs == NULL)
		return i == 0 ? f->ref_to : NULL;
	return f->refs[i];
}

bool
sim_field_refers_to(const sim_field *f, const sim_object *obj)
{
	const char *to;

	for (int i = 0; (to = sim_field_ref(f, i)) != NULL; i++)
	{
		if (strcmp(to, obj->name) == 0)
			return true;
	}
	return false;
}

bool
sim_field_createable(const sim_field *f)
{
	return sim_field_says(f, "createable", !(f->flags & (SF_READONLY | SF_NOCREATE)));
}

bool
sim_field_updateable(const sim_field *f)
{
	return sim_field_says(f, "updateable", !(f->flags & (SF_READONLY | SF_NOUPDATE)));
}

const sim_pick *
sim_field_pick(const sim_field *f, const char *value, size_t len)
{
	for (const sim_pick *p = f->picks; p != NULL && p->value != NULL; p++)
	{
		/* the length first: the text may hold a NUL where the value ends */
		if (strlen(p->value) == len && strncasecmp(p->value, value, len) == 0)
			return p;
	}
	return NULL;
}

const char *
sim_pick_label(const sim_pick *pick)
{
	return pick->label ? pick->label : pick->value;
}

/* Six bits of each base64 character, the first bit is the leftmost; none behind the end is set. */
bool
sim_pick_valid_for(const sim_pick *pick, int which)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *digit;

	if (pick->valid_for == NULL)
		return true;
	if (which < 0 || (size_t) which / 6 >= strlen(pick->valid_for))
		return false;
	digit = strchr(digits, pick->valid_for[which / 6]);
	return digit != NULL && *digit != '\0' && ((digit - digits) >> (5 - which % 6) & 1) != 0;
}

bool
sim_field_has_column(const sim_field *f)
{
	return !sim_field_is_compound(f);
}

bool
sim_type_is_text(sim_type type)
{
	return types[type].kind == SIM_TEXT;
}

bool
sim_type_is_number(sim_type type)
{
	return types[type].kind == SIM_INT || types[type].kind == SIM_DOUBLE;
}
