/*
 * store_schema.c
 *		What the store asks the schema: who may write what, targets of references, picklists,
 *		what becomes of children.
 */
#include "store_int.h"

#include <string.h>
#include <strings.h>

bool
store_may_create(const sim_field *f)
{
	return !(f->flags & SF_READONLY) && f->sql == NULL && sim_field_has_column(f);
}

bool
store_may_update(const sim_field *f)
{
	return !(f->flags & (SF_READONLY | SF_NOUPDATE)) && f->sql == NULL &&
		   sim_field_has_column(f);
}

bool
store_required(const sim_field *f)
{
	return (f->flags & SF_REQUIRED) && !(f->flags & (SF_READONLY | SF_DEFAULTED)) &&
		   f->type != SIM_T_BOOLEAN && f->sql == NULL;
}

bool
store_insertable(const sim_object *obj)
{
	return !(obj->flags & (SO_READONLY | SO_NOQUERY | SO_DEPRECATED));
}

bool
store_updateable(const sim_object *obj)
{
	return store_insertable(obj);
}

bool
store_deletable(const sim_object *obj)
{
	return store_insertable(obj) && strcmp(obj->name, "User") != 0;
}

bool
sim_object_is_custom(const sim_object *obj)
{
	size_t len = strlen(obj->name);

	return len > 3 && strcmp(obj->name + len - 3, "__c") == 0;
}

int
store_pick(const sim_field *f, const char *text, size_t len)
{
	for (int i = 0; f->values != NULL && f->values[i] != NULL; i++)
	{
		if (strlen(f->values[i]) == len && strncasecmp(f->values[i], text, len) == 0)
			return i;
	}
	return -1;
}

const char *
store_pick_value(const sim_field *f, int i)
{
	return f->values[i];
}

const char *
store_preset(const sim_field *f)
{
	return f->type == SIM_T_BOOLEAN ? "false" : NULL;
}

bool
store_is_poly(const sim_field *f)
{
	(void) f;
	return false;
}

bool
store_refers_to(const sim_field *f, const sim_object *obj)
{
	return f->ref_to != NULL && strcmp(f->ref_to, obj->name) == 0;
}

const sim_object *
store_target_named(const sim_field *f, const char *name)
{
	const sim_object *obj = sim_object_find(name);

	return obj != NULL && f->ref_to != NULL && strcmp(obj->name, f->ref_to) == 0 ? obj : NULL;
}

const sim_object *
store_target(const sim_field *f, const char *id)
{
	const sim_object *obj = sim_object_by_prefix(id);

	return obj != NULL && f->ref_to != NULL && strcmp(obj->name, f->ref_to) == 0 ? obj : NULL;
}

int64_t
store_ref_pack(const sim_field *f, const sim_object *to, int64_t number)
{
	(void) f;
	(void) to;
	return number;
}

const sim_object *
store_ref_unpack(const sim_field *f, int64_t value, int64_t *number)
{
	*number = value;
	return f->ref_to == NULL ? NULL : sim_object_find(f->ref_to);
}

bool
store_is_master(const sim_field *f)
{
	(void) f;
	return false;
}

store_fate
store_fate_of(const sim_object *child, const sim_field *f)
{
	if (strcmp(f->name, "AccountId") == 0 &&
		(strcmp(child->name, "Contact") == 0 || strcmp(child->name, "Opportunity") == 0))
		return STORE_CASCADE;
	return STORE_CLEAR;
}
