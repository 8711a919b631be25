/*
 * soql_sql.c
 *		A checked SOQL tree to one SQLite query: filters, groups, order, limits.
 */
#include "soql.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* More conditions and fields than this are "too complicated". */
#define MAX_COST 30000

/* Most expressions that ROLLUP and CUBE take. */
#define MAX_SUBTOTALS 3

/* ---------------------------------------------------------------- groups */

static bool
check_group(soql_plan *plan, const soql_group *g, const soql_value *v)
{
	const sim_field *f = v->field.field;

	if (v->is_aggregate)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, g->expr.pos,
							 "Aggregate functions are not allowed in the GROUP BY clause");
	if (v->is_distance || v->is_format ||
		(!v->is_function && (!sim_field_groupable(f) || sim_field_is_compound(f))))
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, g->expr.pos,
							 "field '%s' can not be grouped in a query call", f->name);
	return true;
}

/* GROUP BY of the expressions whose bits are set in mask, appended to b. */
static bool
group_clause(soql_plan *plan, unsigned mask, sim_buf *b)
{
	const char *word = " GROUP BY ";
	int n = 0;

	for (const soql_group *g = plan->tree->groups; g != NULL; g = g->next, n++)
	{
		soql_value v;

		if (n < 32 && !(mask & 1u << n))
			continue;
		if (!soql_expression(plan, &g->expr, &v) || !check_group(plan, g, &v))
			return false;
		sim_buf_printf(b, "%s%s%s", word, v.sql,
					   !plan->sw.group_ignores_case && !v.is_function &&
							   sim_type_is_text(v.type)
						   ? " COLLATE BINARY"
						   : "");
		word = ", ";
	}
	return true;
}

static bool
compile_groups(soql_plan *plan)
{
	const soql_query *q = plan->tree;
	int n = 0;

	for (const soql_group *g = q->groups; g != NULL; g = g->next)
		n++;
	if (q->grouping != NULL && n > MAX_SUBTOTALS)
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "GROUP BY %s is limited to %d fields", q->grouping,
							 MAX_SUBTOTALS);
	if (!group_clause(plan, ~0u, &plan->group))
		return false;
	if (q->having == NULL)
		return true;
	if (q->groups == NULL)
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "The HAVING clause requires a GROUP BY clause");
	sim_buf_str(&plan->group, " HAVING ");
	return soql_condition(plan, &plan->group, q->having, true);
}

/* ---------------------------------------------------------------- order */

/* The column an ORDER BY item of an aggregate query names by its alias, if it may. */
static const soql_column *
order_by_alias(const soql_plan *plan, const soql_order *o)
{
	const soql_column *c = plan->columns;

	if (!plan->sw.order_by_alias || !plan->is_aggregate || o->expr.func != NULL ||
		o->expr.path.nsteps != 1)
		return NULL;
	while (c != NULL && strcasecmp(c->pub.path, o->expr.path.step[0]) != 0)
		c = c->next;
	return c;
}

static bool
check_order(soql_plan *plan, const soql_order *o, const soql_value *v)
{
	const sim_field *f = v->field.field;

	if (plan->is_aggregate)
	{
		if (!v->is_aggregate && !soql_is_grouped(plan, v))
			return sim_error_set(plan->err, "MALFORMED_QUERY",
								 "Ordered field must be grouped or aggregated: %s",
								 f ? soql_path_name(plan, &v->field) : "");
	}
	else if (v->is_aggregate)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, o->expr.pos,
							 "Aggregate functions need a GROUP BY clause to order by");
	if (!v->is_aggregate && !v->is_function && !v->is_distance &&
		(v->is_format || !sim_field_sortable(f) || sim_field_is_compound(f)))
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, o->expr.pos,
							 "field '%s' can not be sorted in a query call", f->name);
	return true;
}

/* Aggregate queries have their order checked before what they select. */
static bool
check_orders(soql_plan *plan)
{
	for (const soql_order *o = plan->tree->orders; plan->is_aggregate && o != NULL;
		 o = o->next)
	{
		soql_value v;
		bool is_alias = false;

		for (const soql_item *i = plan->tree->items; i != NULL; i = i->next)
			is_alias |= plan->sw.order_by_alias && i->alias != NULL && o->expr.func == NULL &&
						o->expr.path.nsteps == 1 &&
						strcasecmp(i->alias, o->expr.path.step[0]) == 0;
		if (!is_alias && (!soql_expression(plan, &o->expr, &v) || !check_order(plan, o, &v)))
			return false;
	}
	return true;
}

/* The expression to order by; *picks: it has a second one behind it. */
static void
order_expression(const soql_value *v, sim_buf *b, bool *picks)
{
	const sim_field *f = v->field.field;

	*picks = false;
	if (v->type == SIM_T_BOOLEAN)
		sim_buf_printf(b, "coalesce(%s, 0)", v->sql);
	else if (v->type == SIM_T_PICKLIST && !v->is_aggregate && !v->is_label && f->picks != NULL)
	{
		/* picklists sort by their setup order, values nobody set up behind them */
		sim_buf_printf(b, "CASE WHEN %s IS NULL THEN NULL ", v->sql);
		soql_pick_order(b, v->sql, f, "number");
		sim_buf_str(b, "ELSE 9999 END");
		*picks = true;
	}
	else
		sim_buf_str(b, v->sql);
}

static bool
compile_order(soql_plan *plan, const soql_order *o)
{
	const soql_column *named = order_by_alias(plan, o);
	bool first =
		o->nulls == 1 || (o->nulls == 0 && !(o->desc && plan->sw.nulls_first_asc_only));
	const char *way = o->desc ? "DESC" : "ASC";
	const char *nulls = first ? "NULLS FIRST" : "NULLS LAST";
	sim_buf *b = &plan->order;
	sim_buf expr = {0};
	bool picks = false;
	soql_value v;

	sim_buf_str(b, b->len == 0 ? " ORDER BY " : ", ");
	if (named != NULL)
	{
		sim_buf_printf(b, "%d %s %s", named->sql_at + 1, way, nulls);
		return true;
	}
	if (!soql_expression(plan, &o->expr, &v) || !check_order(plan, o, &v))
		return false;
	order_expression(&v, &expr, &picks);
	if (plan->tree->grouping != NULL)
	{
		/* the order of a union goes by columns: one more, which nobody sees */
		soql_column *c = soql_alloc(plan->arena, sizeof(*c));

		if (c == NULL || (c->sql = soql_keep(plan, &expr)) == NULL)
			return soql_no_memory(plan);
		c->group = soql_group_number(plan, v.sql);
		c->grouping_of = -1;
		c->sql_at = plan->nsql++;
		if (!soql_find_grouping(plan, &o->expr, c))
			return false;
		*plan->last_column = c; /* not counted in ncolumns */
		plan->last_column = &c->next;
		sim_buf_printf(b, "%d %s %s", c->sql_at + 1, way, nulls);
		return true;
	}
	sim_buf_printf(b, "%s %s %s", expr.data ? expr.data : "NULL", way, nulls);
	if (picks)
		sim_buf_printf(b, ", %s %s", v.sql, way);
	b->failed |= expr.failed;
	sim_buf_free(&expr);
	return true;
}

static bool
check_limits(soql_plan *plan)
{
	const soql_query *q = plan->tree;
	bool whole = plan->is_aggregate && !plan->is_count && q->groups == NULL;

	if (q->offset > SOQL_MAX_OFFSET)
		return sim_error_set(plan->err, "NUMBER_OUTSIDE_VALID_RANGE",
							 "Maximum SOQL offset allowed is %d", SOQL_MAX_OFFSET);
	if (whole && (q->limit >= 0 || q->offset >= 0))
		return sim_error_set(plan->err, "MALFORMED_QUERY",
							 "Non-grouped query that uses overall aggregate functions cannot "
							 "also use %s",
							 q->limit >= 0 ? "LIMIT" : "OFFSET");
	if (plan->is_count && q->orders != NULL)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, q->orders->expr.pos,
							 "a query with COUNT() takes no ORDER BY");
	return true;
}

/* ---------------------------------------------------------------- filters */

static void
and_where(soql_plan *plan)
{
	sim_buf_str(&plan->where, plan->where.len ? " AND " : " WHERE ");
}

/* USING SCOPE mine: whose rows.  The others are those of a user without teams and territories. */
static bool
compile_scope(soql_plan *plan)
{
	static const char *const known[] = {
		"everything",  "scopingRule",		"delegated",		  "team",		"my_territory",
		"queue_owned", "my_team_territory", "mine_and_my_groups", "allPrivate", "mine"};
	const char *scope = plan->tree->scope;
	const sim_field *owner = sim_field_find(plan->object, "OwnerId");
	const sim_object *user = sim_object_find("User");
	int64_t number;
	size_t i = 0;

	if (scope == NULL)
		return true;
	while (i < sizeof(known) / sizeof(known[0]) && strcasecmp(known[i], scope) != 0)
		i++;
	if (i == sizeof(known) / sizeof(known[0]))
		return soql_syntax_at(plan->err, plan->text, plan->tree->scope_pos,
							  "unexpected token: '%s'", scope);
	if (i < 2)
		return true;
	plan->has_where = true;
	and_where(plan);
	if (owner == NULL || user == NULL)
		return sim_error_set(plan->err, "INVALID_QUERY_SCOPE",
							 "scope %s is not supported for entity %s", scope,
							 plan->object->name);
	number = sim_object_base(user);
	if (sim_field_is_poly(owner))
		number = sim_ref_pack(user, number);
	if (strcasecmp(scope, "mine") == 0 || strcasecmp(scope, "mine_and_my_groups") == 0)
		sim_buf_printf(&plan->where, "t%d.\"OwnerId\" = %lld", plan->tables->no,
					   (long long) number);
	else
		sim_buf_str(&plan->where, "0");
	return true;
}

static bool
compile_where(soql_plan *plan, const char *bound)
{
	const soql_query *q = plan->tree;
	sim_buf *b = &plan->where;
	int no = plan->tables->no;

	if (bound != NULL)
	{
		sim_buf_printf(b, " WHERE %s", bound);
		if (!soql_bind_parent(plan))
			return false;
		plan->has_where = true;
	}
	if (sim_object_has_deleted(plan->object) && !(plan->flags & SIM_QUERY_ALL))
	{
		and_where(plan);
		sim_buf_printf(b, "t%d.\"IsDeleted\" = 0", no);
	}
	if (!compile_scope(plan))
		return false;
	if (q->where == NULL)
		return true;
	plan->has_where = true;
	and_where(plan);
	return soql_condition(plan, b, q->where, false);
}

/* ---------------------------------------------------------------- semi-joins */

/* Objects that the reference names as not to be looked for inside. */
static bool
no_inner_select(const char *object)
{
	static const char *const names[] = {
		"ActivityHistory", "Attachment", "Event", "EventAttendee", "Note",
		"OpenActivity",	   "Task"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (strcasecmp(names[i], object) == 0)
			return true;
	}
	return false;
}

static bool
check_semijoin(soql_plan *plan, const soql_cond *c)
{
	const soql_query *q = c->sub;
	const char *wrong = NULL;

	if (plan->root != plan)
		wrong = "Nesting of semi join sub-selects is not supported";
	else if (++plan->semijoins > SOQL_MAX_SEMIJOINS)
		wrong = "Maximum 2 semi join sub-selects are allowed.";
	else if (q->items->next != NULL || q->items->kind != SOQL_I_EXPR ||
			 q->items->expr.func != NULL || q->items->alias != NULL)
		wrong = "Semi join sub-selects can only have one field in the SELECT clause";
	else if (q->orders != NULL || q->limit >= 0 || q->offset >= 0 || q->groups != NULL)
		wrong =
			"ORDER BY, LIMIT, OFFSET and GROUP BY are not allowed in a semi join sub-select";
	else if (strcasecmp(q->object, plan->object->name) == 0)
		wrong = "The inner and outer selects should not be on the same object type";
	if (wrong != NULL)
		return sim_error_set(plan->err, "MALFORMED_QUERY", "%s", wrong);
	if (no_inner_select(q->object))
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, q->object_pos,
							 "Entity '%s' is not supported for semi join inner selects",
							 q->object);
	return true;
}

/* Do two id columns hold ids of the same object, or may they? */
static bool
ids_match(const soql_field *a, const soql_field *b)
{
	const sim_object *one = soql_ids_of(a);
	const sim_object *other = soql_ids_of(b);

	if (one != NULL && other != NULL)
		return one == other;
	if (one != NULL)
		return sim_field_refers_to(b->field, one);
	return other == NULL || sim_field_refers_to(a->field, other);
}

static bool
check_inner(soql_plan *plan, const soql_cond *c, const soql_value *v, const soql_field *left)
{
	const soql_item *item = c->sub->items;

	if (sim_type_kind(v->type) != SIM_ID)
		return soql_error_at(
			plan->err, "MALFORMED_QUERY", plan->text, item->pos,
			"semi join sub-selects can only query id fields, cannot use: '%s'",
			v->field.field->name);
	if (!ids_match(&v->field, left))
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, item->pos,
							 "The selected field '%s' in the subquery and the left operand "
							 "field in the where expression in the outer query '%s' should "
							 "point to the same object type",
							 v->field.field->name, left->field->name);
	return true;
}

bool
soql_semijoin(soql_plan *plan, sim_buf *out, const soql_cond *c, const soql_field *left)
{
	soql_plan inner = {.arena = plan->arena, .text = plan->text, .err = plan->err};
	sim_buf outer = {0};
	soql_value v;
	bool ok;

	inner.sw = plan->sw;
	inner.flags = plan->flags;
	inner.version = plan->version;
	ok = check_semijoin(plan, c) && soql_plan_begin(&inner, plan, c->sub) &&
		 soql_expression(&inner, &c->sub->items->expr, &v) && check_inner(plan, c, &v, left) &&
		 compile_where(&inner, NULL) && soql_column_sql(plan, left, &outer);
	if (ok)
	{
		int64_t shift = 0;

		/* packed on one side only: bring the inner ids to the outer form */
		if (soql_is_packed(left) && !soql_is_packed(&v.field))
			shift = sim_ref_pack(soql_ids_of(&v.field), 0);
		else if (!soql_is_packed(left) && soql_is_packed(&v.field))
			shift = -sim_ref_pack(soql_ids_of(left), 0);
		if (c->op == SOQL_NOT_IN && plan->sw.null_not_equal)
			sim_buf_printf(out, "%s IS NULL OR ", outer.data);
		sim_buf_printf(out, "%s %sIN (SELECT %s + %lld", outer.data,
					   c->op == SOQL_NOT_IN ? "NOT " : "", v.sql, (long long) shift);
		soql_from_sql(&inner, out);
		sim_buf_add(out, inner.where.data ? inner.where.data : "", inner.where.len);
		sim_buf_printf(out, "%s%s IS NOT NULL)", inner.where.len ? " AND " : " WHERE ", v.sql);
		out->failed |= outer.failed || inner.where.failed;
	}
	sim_buf_free(&outer);
	soql_plan_clear(&inner);
	return ok;
}

/* ---------------------------------------------------------------- the whole */

static void
add_text(sim_buf *b, const sim_buf *part)
{
	if (part->data != NULL)
		sim_buf_add(b, part->data, part->len);
}

/*
 * One of the selects that ROLLUP and CUBE are made of: grouped by the expressions in mask, the others
 * being null.
 */
static bool
subtotal(soql_plan *plan, unsigned mask, bool counting, sim_buf *b)
{
	const char *having = plan->group.data ? strstr(plan->group.data, " HAVING ") : NULL;
	bool first = true;

	sim_buf_str(b, counting ? "SELECT 1" : "SELECT ");
	for (const soql_column *c = plan->columns; !counting && c != NULL; c = c->next)
	{
		int g = c->grouping_of >= 0 ? c->grouping_of : c->group;
		bool off = g >= 0 && !(mask & 1u << g);

		sim_buf_str(b, first ? "" : ", ");
		sim_buf_str(b, c->grouping_of >= 0 ? (off ? "1" : "0") : off ? "NULL" : c->sql);
		first = false;
	}
	soql_from_sql(plan, b);
	add_text(b, &plan->where);
	/* a total of no rows at all is no row */
	if (mask == 0)
		sim_buf_str(b, " GROUP BY NULL");
	else if (!group_clause(plan, mask, b))
		return false;
	if (having != NULL)
		sim_buf_str(b, having);
	return true;
}

static bool
subtotals(soql_plan *plan, bool counting, sim_buf *b)
{
	bool cube = strcasecmp(plan->tree->grouping, "CUBE") == 0;
	unsigned all;
	int n = 0;

	for (const soql_group *g = plan->tree->groups; g != NULL; g = g->next)
		n++;
	all = (1u << n) - 1;
	plan->repeat = 0;
	for (unsigned mask = all;; mask--)
	{
		/* ROLLUP: all of them, all but the last, … none: the low bits without a gap */
		if (cube || (mask & (mask + 1)) == 0)
		{
			if (plan->repeat++ > 0)
				sim_buf_str(b, " UNION ALL ");
			if (!subtotal(plan, mask, counting, b))
				return false;
		}
		if (mask == 0)
			return true;
	}
}

static const char *
assemble(soql_plan *plan, bool counting)
{
	sim_buf b = {0};
	const char *sql;

	if (plan->tree->grouping != NULL && !plan->is_count)
	{
		if (!subtotals(plan, counting, &b))
		{
			sim_buf_free(&b);
			return NULL;
		}
	}
	else
	{
		sim_buf_str(&b, "SELECT ");
		if (counting)
			sim_buf_char(&b, '1');
		else
			add_text(&b, &plan->select);
		soql_from_sql(plan, &b);
		add_text(&b, &plan->where);
		add_text(&b, &plan->group);
	}
	if (!counting)
		add_text(&b, &plan->order);
	if (plan->tree->limit >= 0 || plan->tree->offset >= 0)
		sim_buf_printf(&b, " LIMIT %lld", (long long) plan->tree->limit);
	if (plan->tree->offset >= 0)
		sim_buf_printf(&b, " OFFSET %lld", (long long) plan->tree->offset);
	sql = soql_keep(plan, &b);
	return sql;
}

static bool
finish(soql_plan *plan)
{
	const char *inner;
	sim_buf b = {0};

	plan->repeat = 1;
	if (!plan->is_count && (plan->sql = assemble(plan, false)) == NULL)
		return false;
	if ((inner = assemble(plan, true)) == NULL)
		return false;
	sim_buf_printf(&b, "SELECT count(*) FROM (%s)", inner);
	plan->count_sql = soql_keep(plan, &b);
	if (plan->is_count)
		plan->sql = plan->count_sql;
	return plan->count_sql != NULL;
}

/* What kind of query it is, from its SELECT list alone. */
static bool
classify(soql_plan *plan)
{
	const soql_query *q = plan->tree;

	plan->is_aggregate = q->groups != NULL;
	for (const soql_item *i = q->items; i != NULL; i = i->next)
		plan->is_aggregate |= i->kind == SOQL_I_EXPR && soql_makes_aggregate(&i->expr);
	plan->is_count = q->items->next == NULL && q->groups == NULL &&
					 q->items->kind == SOQL_I_EXPR && soql_is_aggregate(&q->items->expr) &&
					 q->items->expr.path.nsteps == 0;
	if (plan->is_count && q->items->alias != NULL)
		return sim_error_set(plan->err, "MALFORMED_QUERY", "COUNT() does not take an alias");
	return true;
}

bool
soql_compile_plan(soql_plan *plan, const char *bound)
{
	/* tables and joins of FROM are complete only when every clause has been looked at */
	if (!classify(plan) || !check_orders(plan) || (!plan->is_count && !soql_select(plan)) ||
		!check_limits(plan) || !compile_where(plan, bound) || !compile_groups(plan))
		return false;
	for (const soql_order *o = plan->tree->orders; o != NULL; o = o->next)
	{
		if (!compile_order(plan, o))
			return false;
	}
	if (plan->select.failed || plan->where.failed || plan->group.failed || plan->order.failed)
		return soql_no_memory(plan);
	if (plan->root->cost > MAX_COST || (plan->sw.too_complicated && plan->tree->where != NULL))
		return sim_error_set(plan->err, "QUERY_TOO_COMPLICATED",
							 "Query is either selecting too many fields or the filter "
							 "conditions are too complicated.");
	return finish(plan);
}

soql_plan *
soql_compile(soql_arena *a, const soql_query *tree, const char *text, const sim_switches *sw,
			 unsigned flags, int version, sim_error *err)
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
	plan->version = version;
	if (soql_plan_begin(plan, plan, tree) && soql_compile_plan(plan, NULL))
		return plan;
	soql_plan_free(plan);
	return NULL;
}

void
soql_plan_clear(soql_plan *plan)
{
	sim_buf_free(&plan->select);
	sim_buf_free(&plan->where);
	sim_buf_free(&plan->group);
	sim_buf_free(&plan->order);
}

void
soql_plan_free(soql_plan *plan)
{
	if (plan == NULL)
		return;
	for (soql_child *c = plan->children; c != NULL; c = c->next)
		soql_plan_free(c->plan);
	soql_plan_clear(plan);
}
