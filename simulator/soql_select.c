/*
 * soql_select.c
 *		The SELECT list: fields, FIELDS(), functions, aggregates, TYPEOF, subqueries.
 */
#include "soql.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- columns */

int
soql_add_sql(soql_plan *plan, const char *sql)
{
	if (plan->nsql > 0)
		sim_buf_str(&plan->select, ", ");
	sim_buf_str(&plan->select, sql);
	return plan->nsql++;
}

static int
add_field_sql(soql_plan *plan, soql_table *t, const sim_field *f)
{
	soql_field field = {t, f};
	sim_buf b = {0};
	int at;

	soql_column_sql(plan, &field, &b);
	if (b.failed || b.data == NULL)
		plan->select.failed = true;
	at = soql_add_sql(plan, b.data ? b.data : "NULL");
	sim_buf_free(&b);
	return at;
}

static soql_column *
new_column(soql_plan *plan)
{
	soql_column *c = soql_alloc(plan->arena, sizeof(*c));

	if (c == NULL)
	{
		soql_no_memory(plan);
		return NULL;
	}
	*plan->last_column = c;
	plan->last_column = &c->next;
	c->no = plan->ncolumns++;
	c->group = -1;
	c->grouping_of = -1;
	plan->root->cost++;
	return c;
}

/* A compound is read as its parts. */
static bool
add_parts(soql_plan *plan, soql_column *c, const sim_field *compound)
{
	const sim_object *obj = c->table->object;

	c->part = soql_alloc(plan->arena, sizeof(*c->part) * 16);
	if (c->part == NULL)
		return soql_no_memory(plan);
	for (int i = 0; i < obj->nfields && c->nparts < 16; i++)
	{
		const sim_field *f = &obj->fields[i];
		int at;

		if (f->compound == NULL || f == compound || !sim_field_has_column(f) ||
			strcmp(f->compound, compound->name) != 0)
			continue;
		at = add_field_sql(plan, c->table, f);
		if (c->nparts == 0)
			c->sql_at = at;
		c->part[c->nparts++] = f;
	}
	return true;
}

/* The ids of a table and of those on the way to it tell REST records which of them are missing. */
static void
add_ids(soql_plan *plan, soql_table *t)
{
	for (; t != NULL; t = t->parent)
	{
		sim_buf b = {0};

		if (t->id_at >= 0 || t->kind == SOQL_TABLE_TARGET)
			continue;
		soql_id_sql(t, &b);
		t->id_at = soql_add_sql(plan, b.data ? b.data : "NULL");
		plan->select.failed |= b.failed;
		sim_buf_free(&b);
	}
}

/* Is a column of this name already there? */
static bool
check_twice(soql_plan *plan, const soql_field *f, const char *key)
{
	for (const soql_column *old = plan->columns; old != NULL; old = old->next)
	{
		if (old->table == f->table && old->pub.field == f->field && key == NULL &&
			old->key == NULL)
			return sim_error_set(plan->err, "INVALID_FIELD", "duplicate field selected: %s",
								 soql_path_name(plan, f));
		if (key != NULL && old->key != NULL && strcasecmp(key, old->key) == 0)
			return sim_error_set(plan->err, "MALFORMED_QUERY", "duplicate alias: %s", key);
	}
	return true;
}

/* One plain field of the result; v: a function of it; key: its alias. */
static bool
add_field(soql_plan *plan, const soql_field *f, const char *written, const soql_value *v,
		  const char *key)
{
	soql_column *c;

	if (!check_twice(plan, f, key))
		return false;
	c = new_column(plan);
	if (c == NULL)
		return false;
	c->table = f->table;
	c->key = key;
	c->pub.object = f->table->object;
	c->pub.field = f->field;
	c->pub.kind = sim_type_kind(v ? v->type : f->field->type);
	c->pub.path = key ? key : soql_path_name(plan, f);
	c->pub.written = written && !key ? written : c->pub.path;
	if (c->pub.kind == SIM_ID && !soql_is_packed(f) && soql_ids_of(f) != NULL)
		c->prefix = soql_ids_of(f)->prefix;
	if (c->pub.path == NULL)
		return false;
	add_ids(plan, f->table);
	if (c->pub.kind == SIM_COMPOUND)
		return add_parts(plan, c, f->field);
	c->sql_at = v ? soql_add_sql(plan, v->sql) : add_field_sql(plan, f->table, f->field);
	return true;
}

/* FIELDS(STANDARD) and its brothers. */
static bool
add_fields(soql_plan *plan, const soql_item *item)
{
	const char *which = item->expr.path.nsteps == 1 ? item->expr.path.step[0] : "";
	bool all = strcasecmp(which, "ALL") == 0;
	bool custom = strcasecmp(which, "CUSTOM") == 0;
	bool rest = (plan->flags & SIM_QUERY_REST) != 0;
	int before = plan->ncolumns;

	if (plan->is_aggregate)
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "The SOQL FIELDS function is not supported with GROUP BY");
	if (!all && !custom && strcasecmp(which, "STANDARD") != 0)
		return soql_syntax_at(plan->err, plan->text, item->expr.path.pos,
							  "unexpected token: '%s'",
							  item->expr.path.nsteps > 0 ? item->expr.path.step[0] : ")");
	if ((all || custom) && !rest)
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "The SOQL FIELDS function is not supported with an unbounded set "
							 "of fields in this API");
	if ((all || custom) && (plan->tree->limit < 0 || plan->tree->limit > 200))
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "The SOQL FIELDS function must have a LIMIT of at most 200");
	for (int i = 0; i < plan->object->nfields; i++)
	{
		soql_field f = {plan->tables, &plan->object->fields[i]};

		if (sim_field_hidden(f.field) || (!all && sim_field_is_custom(f.field) != custom))
			continue;
		if (!rest && (sim_field_is_compound(f.field) || f.field->type == SIM_T_BASE64))
			continue;
		if (!add_field(plan, &f, NULL, NULL, NULL))
			return false;
	}
	if (plan->ncolumns == before)
		return sim_error_set(plan->err, "MALFORMED_QUERY", "FIELDS(%s) selects no field of %s",
							 which, plan->object->name);
	return true;
}

/* ---------------------------------------------------------------- aggregates */

int
soql_group_number(soql_plan *plan, const char *sql)
{
	int n = 0;

	for (const soql_group *g = plan->tree->groups; g != NULL; g = g->next, n++)
	{
		soql_value other;

		if (soql_expression(plan, &g->expr, &other) && strcmp(other.sql, sql) == 0)
			return n;
	}
	return -1;
}

bool
soql_find_grouping(soql_plan *plan, const soql_expr *e, soql_column *c)
{
	soql_expr plain = *e;
	soql_value v;

	if (e->func == NULL || strcasecmp(e->func, "GROUPING") != 0)
		return true;
	plain.func = NULL;
	if (!soql_expression(plan, &plain, &v))
		return false;
	c->grouping_of = soql_group_number(plan, v.sql);
	if (c->grouping_of < 0)
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "Field must be grouped or aggregated: %s", v.field.field->name);
	return true;
}

/* A column of an AggregateResult: alias, the field's own name, or expr0, expr1 … */
static bool
add_aggregate(soql_plan *plan, const soql_item *item, const soql_value *v, int *unnamed)
{
	soql_column *c = new_column(plan);
	char name[16];

	if (c == NULL)
		return false;
	c->pub.object = v->field.table ? v->field.table->object : NULL;
	c->pub.field = v->field.field;
	c->pub.kind = sim_type_kind(v->type);
	c->pub.aggregate = v->is_aggregate || v->is_function;
	if (c->pub.kind == SIM_ID && !soql_is_packed(&v->field) && soql_ids_of(&v->field) != NULL)
		c->prefix = soql_ids_of(&v->field)->prefix;
	if (item->alias != NULL)
		c->pub.path = item->alias;
	else if (!c->pub.aggregate)
		c->pub.path = v->field.field->name;
	else
	{
		snprintf(name, sizeof(name), "expr%d", (*unnamed)++);
		c->pub.path = soql_strndup(plan->arena, name, strlen(name));
	}
	c->pub.written = c->pub.path;
	if (c->pub.path == NULL)
		return soql_no_memory(plan);
	for (soql_column *old = plan->columns; old != c; old = old->next)
	{
		if (strcasecmp(old->pub.path, c->pub.path) == 0)
			return sim_error_set(plan->err, "MALFORMED_QUERY", "duplicate alias: %s",
								 c->pub.path);
	}
	c->sql = v->sql;
	c->group = soql_group_number(plan, v->sql);
	c->sql_at = soql_add_sql(plan, v->sql);
	return soql_find_grouping(plan, &item->expr, c);
}

/* Aggregating what is grouped by makes no sense, and is refused. */
static bool
check_aggregated(soql_plan *plan, const soql_item *item, const soql_value *v)
{
	soql_expr plain = item->expr;
	soql_value field;

	if (v->field.field == NULL)
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "COUNT() must be the only element in the SELECT list");
	if (plan->tree->grouping != NULL || plan->tree->groups == NULL)
		return true;
	plain.func = NULL;
	plain.inner = NULL;
	if (!soql_expression(plan, &plain, &field))
		return false;
	if (soql_group_number(plan, field.sql) >= 0)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, item->expr.path.pos,
							 "Grouped field should not be aggregated: %s",
							 soql_path_name(plan, &v->field));
	return true;
}

/* May it stand in an aggregate query: is it aggregated, or one of the groups? */
static bool
check_grouped(soql_plan *plan, const soql_item *item, const soql_value *v)
{
	soql_value field = *v;
	soql_expr plain = item->expr;

	if (v->is_aggregate)
		return check_aggregated(plan, item, v);
	if (v->is_label || v->is_format)
	{
		/* toLabel(Rating) needs GROUP BY Rating */
		plain.func = NULL;
		plain.inner = NULL;
		if (!soql_expression(plan, &plain, &field))
			return false;
	}
	if (soql_is_grouped(plan, &field))
		return true;
	return sim_error_set(plan->err, "MALFORMED_QUERY",
						 "Field must be grouped or aggregated: %s",
						 v->field.field ? soql_path_name(plan, &v->field) : "");
}

/* ---------------------------------------------------------------- TYPEOF */

static bool
add_when(soql_plan *plan, soql_table *name, const soql_when *w)
{
	soql_table *from = name;

	if (w->object != NULL)
	{
		const sim_object *obj = sim_object_find(w->object);

		if (obj == NULL || !sim_object_queryable(obj) || !sim_field_refers_to(name->link, obj))
			return soql_error_at(
				plan->err, "INVALID_TYPE", plan->text, w->pos,
				"sObject type '%s' is not supported. If you are attempting to use a custom "
				"object, be sure to append the '__c' after the entity name. Please reference "
				"your WSDL or the describe call for the appropriate names.",
				w->object);
		from = soql_target(plan, name, obj);
		if (from == NULL)
			return false;
	}
	for (const soql_item *i = w->fields; i != NULL; i = i->next)
	{
		soql_field f;

		if (!soql_resolve_from(plan, from, &i->expr.path, &f) ||
			!add_field(plan, &f, NULL, NULL, NULL))
			return false;
	}
	return true;
}

static bool
add_typeof(soql_plan *plan, const soql_item *item)
{
	soql_table *name;

	if (!(plan->flags & SIM_QUERY_REST))
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "TYPEOF is not supported in Bulk Query");
	if (plan->is_aggregate)
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "TYPEOF is not supported with GROUP BY");
	name = soql_resolve_table(plan, &item->expr.path);
	if (name == NULL)
		return false;
	if (name->kind != SOQL_TABLE_NAME)
		return soql_error_at(plan->err, "INVALID_FIELD", plan->text, item->expr.path.pos,
							 "TYPEOF is only allowed on polymorphic relationships: %s",
							 item->expr.path.step[item->expr.path.nsteps - 1]);
	add_ids(plan, name);
	for (const soql_when *w = item->whens; w != NULL; w = w->next)
	{
		if (!add_when(plan, name, w))
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------- subqueries */

/* The reference field of another object that has this name for the way back to ours. */
static const sim_field *
find_children(const sim_object *parent, const char *name, const sim_object **child)
{
	int n;
	const sim_object *const *list = sim_object_list(&n);

	for (int i = 0; i < n; i++)
	{
		if (!sim_object_queryable(list[i]))
			continue;
		for (int k = 0; k < list[i]->nfields; k++)
		{
			const sim_field *f = &list[i]->fields[k];

			if (f->ref_children != NULL && strcasecmp(f->ref_children, name) == 0 &&
				sim_field_refers_to(f, parent) && !sim_field_hidden(f))
			{
				*child = list[i];
				return f;
			}
		}
	}
	return NULL;
}

static bool
check_children(soql_plan *plan, const soql_item *item)
{
	int most = plan->version < SOQL_DEEP_CHILDREN ? 1 : SOQL_MAX_DEPTH - 1;
	soql_plan *top = plan;

	if (!(plan->flags & SIM_QUERY_REST))
		return sim_error_set(plan->err, "FEATURENOTENABLED",
							 "Aggregate Relationships not supported in Bulk Query");
	if (plan->is_aggregate)
		return sim_error_set(
			plan->err, "MALFORMED_QUERY",
			"Grouped query cannot use child relationships in the SELECT list");
	if (plan->level >= most)
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "SOQL statements cannot query aggregate relationships more than "
							 "%d level%s away from the root entity object.",
							 most, most == 1 ? "" : "s");
	while (top->outer != NULL)
		top = top->outer;
	if (++top->nchildren > SOQL_MAX_CHILDREN)
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "SOQL statements cannot query more than %d aggregate "
							 "relationships.",
							 SOQL_MAX_CHILDREN);
	for (const soql_item *i = item->sub->items; i != NULL; i = i->next)
	{
		if (i->kind == SOQL_I_EXPR && soql_makes_aggregate(&i->expr))
			return sim_error_set(plan->err, "MALFORMED_QUERY",
								 "only root queries support aggregate expressions");
	}
	if (item->sub->groups != NULL || item->sub->having != NULL)
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "only root queries support aggregate expressions");
	return true;
}

static bool
add_children(soql_plan *plan, const soql_item *item)
{
	const sim_object *obj = NULL;
	const sim_field *link = NULL;
	soql_child **last = &plan->children;
	soql_child *c;
	char bound[200];

	if (!check_children(plan, item))
		return false;
	link = find_children(plan->object, item->sub->object, &obj);
	if (link == NULL)
		return soql_error_at(plan->err, "INVALID_TYPE", plan->text, item->sub->object_pos,
							 "Didn't understand relationship '%s' in FROM part of query call. "
							 "If you are attempting to use a custom relationship, be sure to "
							 "append the '__r' after the custom relationship name. Please "
							 "reference your WSDL or the describe call for the appropriate "
							 "names.",
							 item->sub->object);
	while (*last != NULL)
	{
		if (strcmp((*last)->key, link->ref_children) == 0)
			return sim_error_set(plan->err, "INVALID_FIELD", "duplicate field selected: %s",
								 link->ref_children);
		last = &(*last)->next;
	}
	c = soql_alloc(plan->arena, sizeof(*c));
	if (c == NULL || (c->plan = soql_alloc(plan->arena, sizeof(*c->plan))) == NULL)
		return soql_no_memory(plan);
	c->key = link->ref_children;
	c->link = link;
	c->before = plan->ncolumns;
	*last = c;
	c->plan->arena = plan->arena;
	c->plan->text = plan->text;
	c->plan->err = plan->err;
	c->plan->sw = plan->sw;
	c->plan->flags = plan->flags;
	c->plan->version = plan->version;
	c->plan->level = plan->level + 1;
	c->plan->outer = plan;
	/* its statement must differ from that of any other subquery, and so must its tables */
	for (soql_plan *top = plan; top != NULL; top = top->outer)
		c->plan->next_table = 100 * top->nchildren;
	if (!soql_plan_begin_object(c->plan, c->plan, item->sub, obj))
		return false;
	sqlite3_snprintf(
		(int) sizeof(bound), bound, "t%d.\"%w\" = ? + %lld", c->plan->tables->no, link->name,
		sim_field_is_poly(link) ? (long long) sim_ref_pack(plan->object, 0) : 0LL);
	if (!soql_compile_plan(c->plan, bound))
		return false;
	plan->root->is_volatile |= c->plan->is_volatile;
	plan->root->cost += c->plan->cost;
	add_ids(plan, plan->tables);
	return true;
}

/* ---------------------------------------------------------------- the list */

static bool
add_item(soql_plan *plan, const soql_item *item, int *unnamed)
{
	soql_value v;
	const char *key = item->alias;

	if (item->kind == SOQL_I_CHILDREN)
		return add_children(plan, item);
	if (item->kind == SOQL_I_FIELDS)
		return add_fields(plan, item);
	if (item->kind == SOQL_I_TYPEOF)
		return add_typeof(plan, item);
	if (!soql_expression(plan, &item->expr, &v))
		return false;
	if (plan->is_aggregate)
		return check_grouped(plan, item, &v) && add_aggregate(plan, item, &v, unnamed);
	if (item->expr.func == NULL)
	{
		if (key != NULL)
			return sim_error_set(plan->err, "MALFORMED_QUERY",
								 "only aggregate expressions use field aliasing");
		return add_field(plan, &v.field, soql_path_written(plan, &item->expr.path), NULL,
						 NULL);
	}
	if (v.is_distance && key == NULL)
	{
		char name[16];

		snprintf(name, sizeof(name), "expr%d", (*unnamed)++);
		if ((key = soql_strndup(plan->arena, name, strlen(name))) == NULL)
			return soql_no_memory(plan);
	}
	return add_field(plan, &v.field, soql_path_written(plan, &item->expr.path), &v, key);
}

bool
soql_select(soql_plan *plan)
{
	const soql_query *q = plan->tree;
	int unnamed = 0;

	for (const soql_item *i = q->items; i != NULL; i = i->next)
	{
		if (!add_item(plan, i, &unnamed))
			return false;
	}
	/* a subquery alone still makes records, which say whose they are */
	if (!plan->is_aggregate)
		add_ids(plan, plan->tables);
	return true;
}
