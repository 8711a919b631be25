/*
 * soql_bind.c
 *		Names of a query to fields of the schema, joining parents on the way.
 */
#include "soql.h"

#include <string.h>
#include <strings.h>

bool
soql_no_memory(soql_plan *plan)
{
	return sim_error_set(plan->err, "UNKNOWN_EXCEPTION", "out of memory");
}

/* ---------------------------------------------------------------- binds */

static soql_bind *
new_bind(soql_plan *plan, soql_bind_kind kind)
{
	soql_plan *root = plan->root;
	soql_bind *b = soql_alloc(plan->arena, sizeof(*b));

	if (b == NULL)
	{
		soql_no_memory(plan);
		return NULL;
	}
	b->kind = kind;
	*root->last_bind = b;
	root->last_bind = &b->next;
	return b;
}

bool
soql_bind_int(soql_plan *plan, int64_t i)
{
	soql_bind *b = new_bind(plan, SOQL_B_INT);

	if (b == NULL)
		return false;
	b->i = i;
	return true;
}

bool
soql_bind_real(soql_plan *plan, double d)
{
	soql_bind *b = new_bind(plan, SOQL_B_REAL);

	if (b == NULL)
		return false;
	b->d = d;
	return true;
}

bool
soql_bind_text(soql_plan *plan, const char *s, size_t len)
{
	soql_bind *b = new_bind(plan, SOQL_B_TEXT);

	if (b == NULL)
		return false;
	b->text = s;
	b->len = len;
	return true;
}

bool
soql_bind_parent(soql_plan *plan)
{
	return new_bind(plan, SOQL_B_PARENT) != NULL;
}

/* ---------------------------------------------------------------- tables */

soql_table *
soql_add_table(soql_plan *plan, soql_table_kind kind, const sim_object *obj,
			   soql_table *parent, const sim_field *link)
{
	soql_table *t = soql_alloc(plan->arena, sizeof(*t));
	soql_table **last = &plan->tables;

	if (t == NULL)
	{
		soql_no_memory(plan);
		return NULL;
	}
	t->kind = kind;
	t->no = plan->root->next_table++;
	plan->root->reads[sim_object_index(obj)] = true;
	t->object = obj;
	t->parent = parent;
	t->link = link;
	t->id_at = -1;
	while (*last != NULL)
		last = &(*last)->next;
	*last = t;
	return t;
}

bool
soql_plan_begin_object(soql_plan *plan, soql_plan *root, const soql_query *tree,
					   const sim_object *obj)
{
	plan->root = root;
	plan->tree = tree;
	plan->last_column = &plan->columns;
	plan->last_bind = &plan->binds;
	plan->object = obj;
	return soql_add_table(plan, SOQL_TABLE_PLAIN, obj, NULL, NULL) != NULL;
}

bool
soql_plan_begin(soql_plan *plan, soql_plan *root, const soql_query *tree)
{
	const sim_object *obj = sim_object_find(tree->object);

	if (obj == NULL || (obj->flags & SO_DEPRECATED))
		return soql_error_at(
			plan->err, "INVALID_TYPE", plan->text, tree->object_pos,
			"sObject type '%s' is not supported. If you are attempting to use a custom "
			"object, "
			"be sure to append the '__c' after the entity name. Please reference your WSDL or "
			"the describe call for the appropriate names.",
			tree->object);
	if (obj->flags & SO_NOQUERY)
		return sim_error_set(plan->err, "INVALID_TYPE_FOR_OPERATION",
							 "entity type %s does not support query", obj->name);
	return soql_plan_begin_object(plan, root, tree, obj);
}

static soql_table *
unknown_relationship(soql_plan *plan, const char *name, int pos)
{
	soql_error_at(plan->err, "INVALID_FIELD", plan->text, pos,
				  "Didn't understand relationship '%s' in field path. If you are "
				  "attempting to use a custom relationship, be sure to append the '__r' "
				  "after the custom relationship name. Please reference your WSDL or the "
				  "describe call for the appropriate names.",
				  name);
	return NULL;
}

/* The table a relationship of a table leads to; joined when it is not yet. */
static soql_table *
parent_table(soql_plan *plan, soql_table *from, const char *name, int pos)
{
	const sim_field *link =
		from->kind == SOQL_TABLE_NAME ? NULL : sim_field_by_relationship(from->object, name);
	const sim_object *obj;

	if (link == NULL)
		return unknown_relationship(plan, name, pos);
	for (soql_table *t = plan->tables; t != NULL; t = t->next)
	{
		if (t->parent == from && t->link == link)
			return t;
	}
	if (++plan->root->parents > SOQL_MAX_PARENTS)
	{
		sim_error_set(plan->err, "MALFORMED_QUERY",
					  "Query is either selecting too many fields or the filter conditions "
					  "are too complicated.");
		return NULL;
	}
	if (sim_field_is_poly(link))
		return soql_add_table(plan, SOQL_TABLE_NAME, &soql_name_object, from, link);
	/* a reference may point to an object that the org does not have */
	obj = sim_object_find(link->ref_to);
	if (obj == NULL || !sim_object_queryable(obj))
		return unknown_relationship(plan, name, pos);
	return soql_add_table(plan, SOQL_TABLE_PLAIN, obj, from, link);
}

static const soql_alias *
find_alias(const soql_plan *plan, const char *name)
{
	const soql_alias *a = plan->tree->aliases;

	while (a != NULL && strcasecmp(a->name, name) != 0)
		a = a->next;
	return a;
}

/* Does the path start with the object's own name (Account.Name in FROM Account)? */
static bool
names_object(const soql_plan *plan, const char *step)
{
	return strcasecmp(step, plan->object->name) == 0 &&
		   sim_field_by_relationship(plan->object, step) == NULL;
}

/* Follow the steps [at, end) of a path from a table. */
static soql_table *
follow(soql_plan *plan, soql_table *t, const soql_path *path, int at, int end)
{
	if (end - at > SOQL_MAX_DEPTH)
	{
		soql_error_at(plan->err, "INVALID_FIELD", plan->text, path->pos,
					  "only %d levels of child-to-parent relationships are allowed",
					  SOQL_MAX_DEPTH);
		return NULL;
	}
	for (; t != NULL && at < end; at++)
		t = parent_table(plan, t, path->step[at], path->pos);
	return t;
}

/* Walk the steps of a path from the object, all but the last `keep` of them. */
static soql_table *
walk(soql_plan *plan, const soql_path *path, int keep, int level)
{
	soql_table *t = plan->tables;
	const soql_alias *alias;
	int at = 0;

	if (path->nsteps > keep)
	{
		alias = find_alias(plan, path->step[0]);
		if (alias != NULL && level < SOQL_MAX_DEPTH)
		{
			at = 1;
			if (alias->path.nsteps > 0)
				t = walk(plan, &alias->path, 0, level + 1);
		}
		else if (names_object(plan, path->step[0]))
			at = 1;
	}
	return follow(plan, t, path, at, path->nsteps - keep);
}

soql_table *
soql_resolve_table(soql_plan *plan, const soql_path *path)
{
	return walk(plan, path, 0, 0);
}

/* The field at the end of a path whose table is known. */
static bool
find_field(soql_plan *plan, const soql_path *path, soql_field *out)
{
	const char *name = path->step[path->nsteps - 1];

	if (out->table == NULL)
		return false;
	out->field = out->table->kind == SOQL_TABLE_NAME
					 ? soql_name_field(name)
					 : sim_field_find(out->table->object, name);
	if (out->field == NULL)
		return soql_error_at(
			plan->err, "INVALID_FIELD", plan->text, path->pos,
			"No such column '%s' on entity '%s'. If you are attempting to use a "
			"custom field, be sure to append the '__c' after the custom field "
			"name. Please reference your WSDL or the describe call for the "
			"appropriate names.",
			name, out->table->object->name);
	return true;
}

bool
soql_resolve(soql_plan *plan, const soql_path *path, soql_field *out)
{
	out->table = walk(plan, path, 1, 0);
	return find_field(plan, path, out);
}

bool
soql_resolve_from(soql_plan *plan, soql_table *from, const soql_path *path, soql_field *out)
{
	out->table = follow(plan, from, path, 0, path->nsteps - 1);
	return find_field(plan, path, out);
}

static void
add_table_path(sim_buf *b, const soql_table *t)
{
	if (t->parent == NULL)
		return;
	add_table_path(b, t->parent);
	if (t->kind == SOQL_TABLE_TARGET)
		return;
	sim_buf_str(b, t->link->ref_name);
	sim_buf_char(b, '.');
}

const char *
soql_keep(soql_plan *plan, sim_buf *b)
{
	const char *s =
		b->failed ? NULL : soql_strndup(plan->arena, b->data ? b->data : "", b->len);

	sim_buf_free(b);
	if (s == NULL)
		soql_no_memory(plan);
	return s;
}

const char *
soql_path_name(soql_plan *plan, const soql_field *f)
{
	sim_buf b = {0};

	add_table_path(&b, f->table);
	sim_buf_str(&b, f->field->name);
	return soql_keep(plan, &b);
}

const char *
soql_path_written(soql_plan *plan, const soql_path *path)
{
	sim_buf b = {0};

	for (int i = 0; i < path->nsteps; i++)
	{
		/* an alias of the object is no part of a column's name */
		if (i == 0 && path->nsteps > 1 &&
			(find_alias(plan, path->step[0]) != NULL || names_object(plan, path->step[0])))
			continue;
		if (b.len > 0)
			sim_buf_char(&b, '.');
		sim_buf_str(&b, path->step[i]);
	}
	return soql_keep(plan, &b);
}
