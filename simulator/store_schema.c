/*
 * store_schema.c
 *		What the store asks the schema: who may write what, picklists, what becomes of children.
 */
#include "store_int.h"

#include <string.h>
#include <strings.h>

bool
store_may_create(const sim_field *f)
{
	return sim_field_createable(f) && f->sql == NULL && sim_field_has_column(f);
}

bool
store_may_update(const sim_field *f)
{
	return sim_field_updateable(f) && f->sql == NULL && sim_field_has_column(f);
}

bool
store_required(const sim_field *f, bool insert)
{
	unsigned not = insert ? SF_READONLY | SF_NOCREATE | SF_DEFAULTED : SF_READONLY;

	return (f->flags & SF_REQUIRED) && !(f->flags & not ) && f->type != SIM_T_BOOLEAN &&
		   f->sql == NULL;
}

bool
store_is_custom(const sim_object *obj)
{
	size_t len = strlen(obj->name);

	return len > 3 && strcmp(obj->name + len - 3, "__c") == 0;
}

int
store_pick(const sim_field *f, const char *text, size_t len)
{
	const sim_pick *pick = sim_field_pick(f, text, len);

	return pick == NULL ? -1 : (int) (pick - f->picks);
}

const char *
store_preset(const sim_field *f)
{
	if (f->preset != NULL)
		return f->preset;
	for (const sim_pick *p = f->picks; p != NULL && p->value != NULL; p++)
	{
		if (p->preset)
			return p->value;
	}
	return f->type == SIM_T_BOOLEAN ? "false" : NULL;
}

const sim_object *
store_target_named(const sim_field *f, const char *name)
{
	const sim_object *obj = sim_object_find(name);

	return obj != NULL && sim_field_refers_to(f, obj) ? obj : NULL;
}

const sim_object *
store_target(const sim_field *f, const char *id)
{
	const sim_object *obj = sim_object_of_id(id);

	return obj != NULL && sim_field_refers_to(f, obj) ? obj : NULL;
}

int64_t
store_ref_pack(const sim_field *f, const sim_object *to, int64_t number)
{
	return sim_field_is_poly(f) ? sim_ref_pack(to, number) : number;
}

store_fate
store_fate_of(const sim_field *f)
{
	if (f->flags & (SF_MASTER | SF_CASCADE))
		return STORE_CASCADE;
	return f->flags & SF_RESTRICT_DELETE ? STORE_RESTRICT : STORE_CLEAR;
}

void
store_lower(const char *text, char *out, size_t size)
{
	size_t i = 0;

	for (; text[i] != '\0' && i + 1 < size; i++)
		out[i] = (char) (text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
	out[i] = '\0';
}
