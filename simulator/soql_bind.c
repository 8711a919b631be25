/*
 * soql_bind.c
 *		Names of a query to fields of the schema, joining parents on the way; functions.
 */
#include "soql.h"
#include "calendar.h"

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

/* ---------------------------------------------------------------- tables */

static soql_table *
new_table(soql_plan *plan, const sim_object *obj, soql_table *parent, const sim_field *link)
{
	soql_table *t = soql_alloc(plan->arena, sizeof(*t));
	soql_table **last = &plan->tables;

	if (t == NULL)
	{
		soql_no_memory(plan);
		return NULL;
	}
	t->no = plan->root->next_table++;
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
soql_plan_begin(soql_plan *plan, soql_plan *root, const soql_query *tree)
{
	plan->root = root;
	plan->tree = tree;
	plan->last_column = &plan->columns;
	plan->last_bind = &plan->binds;
	plan->object = sim_object_find(tree->object);
	if (plan->object == NULL || (plan->object->flags & SO_DEPRECATED))
		return soql_error_at(
			plan->err, "INVALID_TYPE", plan->text, tree->object_pos,
			"sObject type '%s' is not supported. If you are attempting to use a custom "
			"object, "
			"be sure to append the '__c' after the entity name. Please reference your WSDL or "
			"the describe call for the appropriate names.",
			tree->object);
	if (plan->object->flags & SO_NOQUERY)
		return soql_error_at(plan->err, "INVALID_TYPE_FOR_OPERATION", plan->text,
							 tree->object_pos, "entity type %s does not support query",
							 plan->object->name);
	return new_table(plan, plan->object, NULL, NULL) != NULL;
}

/* The table a relationship of a table leads to; joined when it is not yet. */
static soql_table *
parent_table(soql_plan *plan, soql_table *from, const char *name, int pos)
{
	const sim_field *link = sim_field_by_relationship(from->object, name);

	if (link == NULL)
	{
		soql_error_at(plan->err, "INVALID_FIELD", plan->text, pos,
					  "Didn't understand relationship '%s' in field path. If you are "
					  "attempting to use a custom relationship, be sure to append the '__r' "
					  "after the custom relationship name. Please reference your WSDL or the "
					  "describe call for the appropriate names.",
					  name);
		return NULL;
	}
	for (soql_table *t = plan->tables; t != NULL; t = t->next)
	{
		if (t->parent == from && t->link == link)
			return t;
	}
	return new_table(plan, sim_object_find(link->ref_to), from, link);
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

/* Walk the steps of a path from a table, all but the last `keep` of them. */
static soql_table *
walk(soql_plan *plan, const soql_path *path, int keep, int level)
{
	soql_table *t = plan->tables;
	const soql_alias *alias;
	int at = 0;

	if (path->nsteps - at > keep)
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
	if (path->nsteps - at - keep > SOQL_MAX_DEPTH)
	{
		soql_error_at(plan->err, "INVALID_FIELD", plan->text, path->pos,
					  "only %d levels of child-to-parent relationships are allowed",
					  SOQL_MAX_DEPTH);
		return NULL;
	}
	for (; t != NULL && at < path->nsteps - keep; at++)
		t = parent_table(plan, t, path->step[at], path->pos);
	return t;
}

bool
soql_resolve(soql_plan *plan, const soql_path *path, soql_field *out)
{
	const char *name = path->step[path->nsteps - 1];

	out->table = walk(plan, path, 1, 0);
	if (out->table == NULL)
		return false;
	out->field = sim_field_find(out->table->object, name);
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

static void
add_table_path(sim_buf *b, const soql_table *t)
{
	if (t->parent == NULL)
		return;
	add_table_path(b, t->parent);
	sim_buf_str(b, t->link->ref_name);
	sim_buf_char(b, '.');
}

/* Move a buffer's text into the arena. */
static const char *
keep_text(soql_plan *plan, sim_buf *b)
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
	return keep_text(plan, &b);
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
	return keep_text(plan, &b);
}

/* ---------------------------------------------------------------- expressions */

typedef enum aggregate
{
	AGG_NONE,
	AGG_COUNT,
	AGG_COUNT_DISTINCT,
	AGG_SUM,
	AGG_AVG,
	AGG_MIN,
	AGG_MAX
} aggregate;

static aggregate
aggregate_by_name(const char *func)
{
	static const char *const names[] = {"",	   "COUNT", "COUNT_DISTINCT", "SUM", "AVG",
										"MIN", "MAX"};

	for (int i = AGG_COUNT; func != NULL && i <= AGG_MAX; i++)
	{
		if (strcasecmp(func, names[i]) == 0)
			return (aggregate) i;
	}
	return AGG_NONE;
}

bool
soql_is_aggregate(const soql_expr *e)
{
	return aggregate_by_name(e->func) != AGG_NONE;
}

bool
soql_same_value(const soql_value *a, const soql_value *b)
{
	return strcmp(a->sql, b->sql) == 0;
}

static bool
wrong_aggregate(soql_plan *plan, const soql_expr *e, const sim_field *f)
{
	return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, e->pos,
						 "field %s does not support aggregate operator %s", f->name, e->func);
}

/* MIN and MAX of a picklist go by its setup order: prefix the value with its position. */
static void
picklist_extreme(sim_buf *b, const char *func, const char *column, const sim_field *f)
{
	sim_buf_printf(b, "substr(%s(CASE ", func);
	for (int i = 0; f->picks[i].value != NULL; i++)
	{
		char *quoted = sqlite3_mprintf("%Q", f->picks[i].value);

		sim_buf_printf(b, "WHEN %s = %s THEN '%04d' ", column, quoted ? quoted : "''", i);
		sqlite3_free(quoted);
	}
	sim_buf_printf(b, "ELSE '9999' END || %s), 5)", column);
}

static bool
aggregate_sql(soql_plan *plan, const soql_expr *e, aggregate agg, const char *column,
			  soql_value *v, sim_buf *b)
{
	const sim_field *f = v->field.field;

	v->is_aggregate = true;
	if (f == NULL)
	{
		v->type = SIM_T_INT;
		sim_buf_str(b, "count(*)");
		return true;
	}
	v->type = f->type;
	switch (agg)
	{
		case AGG_COUNT:
		case AGG_COUNT_DISTINCT:
			if (!sim_field_aggregatable(f) && f->type != SIM_T_BOOLEAN)
				return wrong_aggregate(plan, e, f);
			v->type = SIM_T_INT;
			sim_buf_printf(b, "count(%s%s%s)", agg == AGG_COUNT ? "" : "DISTINCT ", column,
						   sim_type_is_text(f->type) && !plan->sw.group_ignores_case
							   ? " COLLATE BINARY"
							   : "");
			return true;
		case AGG_SUM:
		case AGG_AVG:
			if (!sim_type_is_number(f->type))
				return wrong_aggregate(plan, e, f);
			if (agg == AGG_AVG)
				v->type = SIM_T_DOUBLE;
			sim_buf_printf(b, "%s(%s)", agg == AGG_SUM ? "sum" : "avg", column);
			return true;
		default:
			if (!sim_field_aggregatable(f) || f->type == SIM_T_BOOLEAN ||
				f->type == SIM_T_TIME)
				return wrong_aggregate(plan, e, f);
			if (f->type == SIM_T_PICKLIST)
				picklist_extreme(b, agg == AGG_MIN ? "min" : "max", column, f);
			else
				sim_buf_printf(b, "%s(%s)", agg == AGG_MIN ? "min" : "max", column);
			return true;
	}
}

static bool
date_function_sql(soql_plan *plan, const soql_expr *e, int function, const char *column,
				  soql_value *v, sim_buf *b)
{
	const sim_field *f = v->field.field;

	if (f == NULL || (f->type != SIM_T_DATETIME && f->type != SIM_T_DATE) ||
		(f->type == SIM_T_DATE && sim_date_function_needs_datetime(function)))
		return soql_error_at(plan->err, "INVALID_FIELD", plan->text, e->pos,
							 "field %s does not support function %s", f ? f->name : "",
							 sim_date_function_name(function));
	v->is_function = true;
	v->type = sim_date_function_gives_date(function) ? SIM_T_DATE : SIM_T_INT;
	sim_buf_printf(b, "sf_datepart(%d, %s%s)", function, column,
				   f->type == SIM_T_DATE ? " * 86400000" : "");
	return true;
}

bool
soql_expression(soql_plan *plan, const soql_expr *e, soql_value *v)
{
	aggregate agg = aggregate_by_name(e->func);
	char column[200] = "";
	sim_buf b = {0};
	bool ok = true;
	int function;

	memset(v, 0, sizeof(*v));
	if (e->path.nsteps > 0)
	{
		if (!soql_resolve(plan, &e->path, &v->field))
			return false;
		v->type = v->field.field->type;
		sqlite3_snprintf((int) sizeof(column), column, "t%d.\"%w\"", v->field.table->no,
						 v->field.field->name);
	}
	if (e->func == NULL || strcasecmp(e->func, "toLabel") == 0 ||
		strcasecmp(e->func, "convertCurrency") == 0)
	{
		v->is_label = e->func != NULL;
		sim_buf_str(&b, column);
	}
	else if (agg != AGG_NONE)
		ok = aggregate_sql(plan, e, agg, column, v, &b);
	else if ((function = sim_date_function(e->func)) >= 0)
		ok = date_function_sql(plan, e, function, column, v, &b);
	else
		ok = soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, e->pos,
						   "Invalid function: %s", e->func);
	v->sql = keep_text(plan, &b);
	return ok && v->sql != NULL;
}
