/*
 * soql_sql.c
 *		A checked SOQL tree to one SQLite query: columns, joins, groups, order, limits.
 */
#include "soql.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const sim_object *
ids_of(const soql_field *f)
{
	return f->field->type == SIM_T_ID ? f->table->object : sim_object_find(f->field->ref_to);
}

/* ---------------------------------------------------------------- columns */

/* Append one SQL column; its number. */
static int
add_sql(soql_plan *plan, const char *sql)
{
	if (plan->nsql > 0)
		sim_buf_str(&plan->select, ", ");
	sim_buf_str(&plan->select, sql);
	return plan->nsql++;
}

static int
add_field_sql(soql_plan *plan, const soql_table *t, const sim_field *f)
{
	char name[200];

	sqlite3_snprintf((int) sizeof(name), name, "t%d.\"%w\"", t->no, f->name);
	return add_sql(plan, name);
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
	plan->ncolumns++;
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

		if (f->compound == NULL || strcmp(f->compound, compound->name) != 0)
			continue;
		at = add_field_sql(plan, c->table, f);
		if (c->nparts == 0)
			c->sql_at = at;
		c->part[c->nparts++] = f;
	}
	return true;
}

/* One plain field of the result. */
static bool
add_field(soql_plan *plan, const soql_field *f, const char *written)
{
	soql_column *c;

	for (soql_column *old = plan->columns; old != NULL; old = old->next)
	{
		if (old->table == f->table && old->pub.field == f->field)
			return sim_error_set(plan->err, "INVALID_FIELD", "duplicate field selected: %s",
								 soql_path_name(plan, f));
	}
	c = new_column(plan);
	if (c == NULL)
		return false;
	c->table = f->table;
	c->pub.object = f->table->object;
	c->pub.field = f->field;
	c->pub.kind = sim_type_kind(f->field->type);
	c->pub.path = soql_path_name(plan, f);
	c->pub.written = written ? written : c->pub.path;
	if (c->pub.kind == SIM_ID)
		c->prefix = ids_of(f)->prefix;
	if (c->pub.path == NULL)
		return false;

	/* the parents' ids tell REST records which of them are missing */
	for (soql_table *t = f->table; t != NULL; t = t->parent)
	{
		if (t->id_at < 0)
			t->id_at = add_field_sql(plan, t, sim_field_find(t->object, "Id"));
	}
	if (sim_field_is_compound(f->field))
		return add_parts(plan, c, f->field);
	c->sql_at = add_field_sql(plan, f->table, f->field);
	return true;
}

/* FIELDS(STANDARD) and its brothers. */
static bool
add_fields(soql_plan *plan, const soql_item *item)
{
	const char *which = item->expr.path.step[0];
	bool all = strcasecmp(which, "ALL") == 0;
	bool custom = strcasecmp(which, "CUSTOM") == 0;
	int before = plan->ncolumns;

	if (item->expr.path.nsteps != 1 || (!all && !custom && strcasecmp(which, "STANDARD") != 0))
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, item->pos,
							 "FIELDS() takes ALL, CUSTOM or STANDARD");
	if ((all || custom) && (plan->tree->limit < 0 || plan->tree->limit > 200))
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "The SOQL FIELDS function must have a LIMIT of at most 200");
	for (int i = 0; i < plan->object->nfields; i++)
	{
		soql_field f = {plan->tables, &plan->object->fields[i]};

		if (!all && sim_field_is_custom(f.field) != custom)
			continue;
		if (!(plan->flags & SIM_QUERY_REST) &&
			(sim_field_is_compound(f.field) || f.field->type == SIM_T_BASE64))
			continue;
		if (!add_field(plan, &f, NULL))
			return false;
	}
	if (plan->ncolumns == before)
		return sim_error_set(plan->err, "MALFORMED_QUERY", "FIELDS(%s) selects no field of %s",
							 which, plan->object->name);
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
	if (c->pub.kind == SIM_ID)
		c->prefix = ids_of(&v->field)->prefix;
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
	c->sql_at = add_sql(plan, v->sql);
	return true;
}

/* Is this expression one of the GROUP BY list? */
static bool
is_grouped(soql_plan *plan, const soql_value *v)
{
	for (const soql_group *g = plan->tree->groups; g != NULL; g = g->next)
	{
		soql_value other;

		if (soql_expression(plan, &g->expr, &other) && soql_same_value(&other, v))
			return true;
	}
	return false;
}

static bool
add_item(soql_plan *plan, const soql_item *item, int *unnamed)
{
	soql_value v;

	if (item->kind == SOQL_I_CHILDREN && !(plan->flags & SIM_QUERY_REST))
		return sim_error_set(plan->err, "FEATURENOTENABLED",
							 "Aggregate Relationships not supported in Bulk Query");
	if (item->kind == SOQL_I_CHILDREN)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, item->pos,
							 "the simulator does not answer parent-to-child subqueries");
	if (item->kind == SOQL_I_FIELDS)
	{
		if (plan->is_aggregate)
			return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, item->pos,
								 "The SOQL FIELDS function is not supported with GROUP BY");
		return add_fields(plan, item);
	}
	if (!soql_expression(plan, &item->expr, &v))
		return false;
	if (!plan->is_aggregate)
	{
		if (v.is_function || item->alias != NULL)
			return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, item->pos,
								 v.is_function
									 ? "date functions are selected only when they are grouped"
									 : "only aggregate expressions use field aliasing");
		return add_field(plan, &v.field, soql_path_written(plan, &item->expr.path));
	}
	if (v.is_aggregate && v.field.field == NULL)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, item->pos,
							 "COUNT() must be the only element in the SELECT list");
	if (!v.is_aggregate && !is_grouped(plan, &v))
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, item->pos,
							 "Field must be grouped or aggregated: %s", v.field.field->name);
	return add_aggregate(plan, item, &v, unnamed);
}

/* ---------------------------------------------------------------- groups, order, limits */

static bool
check_group(soql_plan *plan, const soql_group *g, const soql_value *v)
{
	const sim_field *f = v->field.field;

	if (v->is_aggregate)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, g->expr.pos,
							 "Aggregate functions are not allowed in the GROUP BY clause");
	if (!v->is_function && !sim_field_groupable(f))
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, g->expr.pos,
							 "field '%s' can not be grouped in a query call", f->name);
	return true;
}

static bool
compile_groups(soql_plan *plan)
{
	const soql_query *q = plan->tree;

	for (const soql_group *g = q->groups; g != NULL; g = g->next)
	{
		soql_value v;

		if (!soql_expression(plan, &g->expr, &v) || !check_group(plan, g, &v))
			return false;
		sim_buf_printf(&plan->group, "%s%s%s", g == q->groups ? " GROUP BY " : ", ", v.sql,
					   !plan->sw.group_ignores_case && !v.is_function &&
							   sim_type_is_text(v.type)
						   ? " COLLATE BINARY"
						   : "");
	}
	if (q->having == NULL)
		return true;
	if (q->groups == NULL)
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "The HAVING clause requires a GROUP BY clause");
	sim_buf_str(&plan->group, " HAVING ");
	return soql_condition(plan, &plan->group, q->having, true);
}

/* Picklists sort by their setup order, values nobody set up behind them. */
static void
picklist_order(sim_buf *b, const char *column, const sim_field *f)
{
	sim_buf_printf(b, "CASE WHEN %s IS NULL THEN NULL ", column);
	for (int i = 0; f->picks[i].value != NULL; i++)
	{
		char *quoted = sqlite3_mprintf("%Q", f->picks[i].value);

		sim_buf_printf(b, "WHEN %s = %s THEN %d ", column, quoted ? quoted : "''", i);
		sqlite3_free(quoted);
	}
	sim_buf_str(b, "ELSE 9999 END");
}

/* The column an ORDER BY item of an aggregate query names by its alias, if it does. */
static const soql_column *
order_by_alias(const soql_plan *plan, const soql_order *o)
{
	const soql_column *c = plan->columns;

	if (!plan->is_aggregate || o->expr.func != NULL || o->expr.path.nsteps != 1)
		return NULL;
	while (c != NULL && strcasecmp(c->pub.path, o->expr.path.step[0]) != 0)
		c = c->next;
	return c;
}

static bool
compile_order(soql_plan *plan, const soql_order *o)
{
	const soql_column *named = order_by_alias(plan, o);
	bool first =
		o->nulls == 1 || (o->nulls == 0 && !(o->desc && plan->sw.nulls_first_asc_only));
	const char *way = o->desc ? "DESC" : "ASC";
	const char *nulls = first ? "NULLS FIRST" : "NULLS LAST";
	const sim_field *f;
	sim_buf *b = &plan->order;
	soql_value v;

	sim_buf_str(b, b->len == 0 ? " ORDER BY " : ", ");
	if (named != NULL)
	{
		sim_buf_printf(b, "%d %s %s", named->sql_at + 1, way, nulls);
		return true;
	}
	if (!soql_expression(plan, &o->expr, &v))
		return false;
	f = v.field.field;
	if (plan->is_aggregate)
	{
		if (!v.is_aggregate && !is_grouped(plan, &v))
			return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, o->expr.pos,
								 "Ordered field must be grouped or aggregated: %s",
								 f ? f->name : "");
	}
	else if (v.is_aggregate)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, o->expr.pos,
							 "Aggregate functions need a GROUP BY clause to order by");
	if (!v.is_aggregate && !v.is_function && !sim_field_sortable(f))
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, o->expr.pos,
							 "field '%s' can not be sorted in a query call", f->name);
	if (v.type == SIM_T_BOOLEAN)
		sim_buf_printf(b, "coalesce(%s, 0) %s", v.sql, way);
	else if (v.type == SIM_T_PICKLIST && !v.is_aggregate && !v.is_label)
	{
		picklist_order(b, v.sql, f);
		sim_buf_printf(b, " %s %s, %s %s", way, nulls, v.sql, way);
	}
	else
		sim_buf_printf(b, "%s %s %s", v.sql, way, nulls);
	return true;
}

static bool
check_limits(soql_plan *plan)
{
	const soql_query *q = plan->tree;

	if (q->offset > SOQL_MAX_OFFSET)
		return sim_error_set(plan->err, "NUMBER_OUTSIDE_VALID_RANGE",
							 "Maximum SOQL offset allowed is %d", SOQL_MAX_OFFSET);
	if (plan->is_aggregate && !plan->is_count && q->groups == NULL && q->limit >= 0)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, q->limit_pos,
							 "Non-grouped query that uses overall aggregate functions cannot "
							 "also use LIMIT");
	if (plan->is_count && q->orders != NULL)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, q->orders->expr.pos,
							 "a query with COUNT() takes no ORDER BY");
	return true;
}

/* ---------------------------------------------------------------- filters */

static bool
compile_where(soql_plan *plan)
{
	const soql_query *q = plan->tree;
	sim_buf *b = &plan->where;
	int no = plan->tables->no;

	if (sim_object_has_deleted(plan->object) && !(plan->flags & SIM_QUERY_ALL))
		sim_buf_printf(b, " WHERE t%d.\"IsDeleted\" = 0", no);
	if (q->scope != NULL && strcasecmp(q->scope, "mine") == 0 &&
		sim_field_find(plan->object, "OwnerId") != NULL)
	{
		sim_buf_printf(b, "%st%d.\"OwnerId\" = %lld", b->len ? " AND " : " WHERE ", no,
					   (long long) sim_object_base(sim_object_find("User")));
		plan->has_where = true;
	}
	else if (q->scope != NULL && strcasecmp(q->scope, "everything") != 0)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, q->scope_pos,
							 "invalid scope: %s", q->scope);
	if (q->where == NULL)
		return true;
	plan->has_where = true;
	sim_buf_str(b, b->len ? " AND " : " WHERE ");
	return soql_condition(plan, b, q->where, false);
}

static void
add_from(const soql_plan *plan, sim_buf *b)
{
	for (const soql_table *t = plan->tables; t != NULL; t = t->next)
	{
		if (t->parent == NULL)
			sim_buf_printf(b, " FROM \"%s\" t%d", t->object->name, t->no);
		else
			sim_buf_printf(b, " LEFT JOIN \"%s\" t%d ON t%d.\"Id\" = t%d.\"%s\"",
						   t->object->name, t->no, t->no, t->parent->no, t->link->name);
	}
}

/* ---------------------------------------------------------------- semi-joins */

static bool
check_semijoin(soql_plan *plan, const soql_cond *c)
{
	const soql_query *q = c->sub;
	const char *wrong = NULL;

	if (plan->root != plan)
		wrong = "Nesting of semi join sub-selects is not supported";
	else if (++plan->semijoins > 2)
		wrong = "Maximum 2 semi join sub-selects are allowed.";
	else if (q->items->next != NULL || q->items->kind != SOQL_I_EXPR ||
			 q->items->expr.func != NULL || q->items->alias != NULL)
		wrong = "A semi join sub-select must select exactly one field";
	else if (q->orders != NULL || q->limit >= 0 || q->offset >= 0 || q->groups != NULL)
		wrong =
			"ORDER BY, LIMIT, OFFSET and GROUP BY are not allowed in a semi join sub-select";
	else if (strcasecmp(q->object, plan->object->name) == 0)
		wrong = "The inner and outer selects should not be on the same object type";
	if (wrong != NULL)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, q->object_pos, "%s",
							 wrong);
	return true;
}

bool
soql_semijoin(soql_plan *plan, sim_buf *out, const soql_cond *c, const soql_field *left)
{
	soql_plan inner = {.arena = plan->arena, .text = plan->text, .err = plan->err};
	char leftsql[200];
	soql_value v;
	bool ok;

	inner.sw = plan->sw;
	inner.flags = plan->flags;
	ok = check_semijoin(plan, c) && soql_plan_begin(&inner, plan, c->sub) &&
		 soql_expression(&inner, &c->sub->items->expr, &v);
	if (ok && (sim_type_kind(v.type) != SIM_ID || ids_of(&v.field) != ids_of(left)))
		ok =
			soql_error_at(plan->err, "INVALID_FIELD", plan->text, c->sub->items->pos,
						  "The inner select field '%s' must be an Id or reference of the same "
						  "type as the left operand '%s'",
						  v.field.field->name, left->field->name);
	ok = ok && compile_where(&inner);
	if (ok)
	{
		sqlite3_snprintf((int) sizeof(leftsql), leftsql, "t%d.\"%w\"", left->table->no,
						 left->field->name);
		if (c->op == SOQL_NOT_IN && plan->sw.null_not_equal)
			sim_buf_printf(out, "%s IS NULL OR ", leftsql);
		sim_buf_printf(out, "%s %sIN (SELECT %s", leftsql, c->op == SOQL_NOT_IN ? "NOT " : "",
					   v.sql);
		add_from(&inner, out);
		sim_buf_add(out, inner.where.data ? inner.where.data : "", inner.where.len);
		sim_buf_printf(out, "%s%s IS NOT NULL)", inner.where.len ? " AND " : " WHERE ", v.sql);
	}
	sim_buf_free(&inner.where);
	return ok;
}

/* ---------------------------------------------------------------- the whole */

static const char *
assemble(soql_plan *plan, const char *select, bool counting)
{
	sim_buf b = {0};
	char *sql;

	sim_buf_printf(&b, "SELECT %s", select);
	add_from(plan, &b);
	sim_buf_str(&b, plan->where.data ? plan->where.data : "");
	sim_buf_str(&b, plan->group.data ? plan->group.data : "");
	if (!counting)
		sim_buf_str(&b, plan->order.data ? plan->order.data : "");
	if (plan->tree->limit >= 0 || plan->tree->offset >= 0)
		sim_buf_printf(&b, " LIMIT %lld", (long long) plan->tree->limit);
	if (plan->tree->offset >= 0)
		sim_buf_printf(&b, " OFFSET %lld", (long long) plan->tree->offset);
	sql = b.failed ? NULL : soql_strndup(plan->arena, b.data, b.len);
	sim_buf_free(&b);
	if (sql == NULL)
		soql_no_memory(plan);
	return sql;
}

static bool
finish(soql_plan *plan)
{
	const char *inner = assemble(plan, "1", true);
	sim_buf b = {0};

	if (inner == NULL)
		return false;
	sim_buf_printf(&b, "SELECT count(*) FROM (%s)", inner);
	plan->count_sql = b.failed ? NULL : soql_strndup(plan->arena, b.data, b.len);
	sim_buf_free(&b);
	if (plan->count_sql == NULL)
		return soql_no_memory(plan);
	plan->sql = plan->is_count ? plan->count_sql : assemble(plan, plan->select.data, false);
	return plan->sql != NULL;
}

static bool
compile_select(soql_plan *plan)
{
	const soql_query *q = plan->tree;
	int unnamed = 0;

	plan->is_aggregate = q->groups != NULL;
	for (const soql_item *i = q->items; i != NULL; i = i->next)
		plan->is_aggregate |= i->kind == SOQL_I_EXPR && soql_is_aggregate(&i->expr);
	plan->is_count = q->items->next == NULL && q->groups == NULL &&
					 q->items->kind == SOQL_I_EXPR && soql_is_aggregate(&q->items->expr) &&
					 q->items->expr.path.nsteps == 0;
	if (plan->is_count)
	{
		if (q->items->alias != NULL)
			return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, q->items->pos,
								 "COUNT() does not take an alias");
		return true;
	}
	for (const soql_item *i = q->items; i != NULL; i = i->next)
	{
		if (!add_item(plan, i, &unnamed))
			return false;
	}
	return true;
}

static bool
compile(soql_plan *plan, const soql_query *tree)
{
	/* tables and joins of FROM are complete only when every clause has been looked at */
	if (!soql_plan_begin(plan, plan, tree) || !compile_select(plan) || !check_limits(plan) ||
		!compile_where(plan) || !compile_groups(plan))
		return false;
	for (const soql_order *o = tree->orders; o != NULL; o = o->next)
	{
		if (!compile_order(plan, o))
			return false;
	}
	if (plan->select.failed || plan->where.failed || plan->group.failed || plan->order.failed)
		return soql_no_memory(plan);
	return finish(plan);
}

soql_plan *
soql_compile(soql_arena *a, const soql_query *tree, const char *text, const sim_switches *sw,
			 unsigned flags, sim_error *err)
{
	soql_plan *plan = soql_alloc(a, sizeof(*plan));

	if (plan == NULL)
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
		return NULL;
	}
	plan->arena = a;
	plan->text = text;
	plan->err = err;
	plan->sw = *sw;
	plan->flags = flags;
	if (compile(plan, tree))
		return plan;
	soql_plan_free(plan);
	return NULL;
}

void
soql_plan_free(soql_plan *plan)
{
	if (plan == NULL)
		return;
	sim_buf_free(&plan->select);
	sim_buf_free(&plan->where);
	sim_buf_free(&plan->group);
	sim_buf_free(&plan->order);
}
