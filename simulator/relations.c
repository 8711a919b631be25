/*
 * relations.c
 *		What the HTTP half asks the schema about names, keys and the ways between objects.
 */
#include <string.h>
#include <strings.h>

#include "schema.h"

const char *
sim_object_label(const sim_object *obj)
{
	return obj->label;
}

bool
sim_object_is_setup(const sim_object *obj)
{
	return (obj->flags & SO_SETUP) != 0;
}

const sim_field *
sim_object_name_field(const sim_object *obj)
{
	for (int i = 0; i < obj->nfields; i++)
		if (obj->fields[i].flags & SF_NAME)
			return &obj->fields[i];
	return NULL;
}

const sim_field *
sim_object_parent_field(const sim_object *obj, const char *way)
{
	return sim_field_by_relationship(obj, way);
}

const sim_object *
sim_object_children(const sim_object *obj, const char *way, const sim_field **ref)
{
	int n;
	const sim_object *const *list = sim_object_list(&n);

	for (int i = 0; i < n; i++)
		for (int k = 0; k < list[i]->nfields; k++)
		{
			const sim_field *f = &list[i]->fields[k];

			if (f->ref_children && strcasecmp(f->ref_children, way) == 0 &&
				sim_field_refers_to(f, obj) && !sim_field_hidden(f))
			{
				*ref = f;
				return list[i];
			}
		}
	return NULL;
}
