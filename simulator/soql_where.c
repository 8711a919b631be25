/*
 * soql_where.c
 *		Conditions to SQL, with Salesforce's idea of null, empty text and case.
 *
 * What SOQL says and SQL does not:
 *	- text and picklists ignore case (the columns' collation does that), ids do not;
 *	- empty text is null, and null text sorts before everything;
 *	- booleans are never null, not even those of a missing parent;
 *	- whether f != 'x' is true of null is a switch.
 */
#include "soql.h"
#include "calendar.h"
#include "ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Test of one expression, while it is being translated. */
typedef struct test
{
	soql_plan *plan;
	sim_buf *out;
	const soql_cond *cond;
	soql_value value;
	sim_kind kind;	  /* of the value */
	const char *name; /* for messages */
} test;

/* An error about a condition is shown at its field. */
static bool
fail(const test *t, const char *code, const char *reason)
{
	return soql_error_at(t->plan->err, code, t->plan->text, t->cond->expr.pos, "%s", reason);
}

static bool
wrong_operator(const test *t)
{
	return soql_error_at(t->plan->err, "INVALID_QUERY_FILTER_OPERATOR", t->plan->text,
						 t->cond->expr.pos, "invalid operator on %s field",
						 sim_type_name(t->value.type));
}

/* The collation by which text is compared. */
static const char *
collation(const soql_plan *plan)
{
	static const char *const names[] = {"SF_CI", "SF_AI", "BINARY"};

	return names[plan->sw.text_compare];
}

static const char *
sql_operator(soql_op op)
{
	static const char *const names[] = {"=", "<>", "<", "<=", ">", ">="};

	return names[op];
}

/* ---------------------------------------------------------------- literals */

static bool
type_error(const test *t, const soql_literal *lit)
{
	bool quotes = t->kind == SIM_TEXT || t->kind == SIM_ID;
	const char *type = sim_type_name(t->value.type);

	if (t->kind == SIM_TEXT)
		type = "string";
	else if (t->value.type == SIM_T_DATETIME)
		type = "dateTime";
	else if (t->value.type == SIM_T_INT)
		type = "integer";
	(void) lit;
	return soql_error_at(t->plan->err, "INVALID_FIELD", t->plan->text, t->cond->expr.pos,
						 "value of filter criterion for field '%s' must be of type %s and "
						 "should %sbe enclosed in quotes",
						 t->name, type, quotes ? "" : "not ");
}

static bool
is_range(soql_op op)
{
	return op == SOQL_LT || op == SOQL_LE || op == SOQL_GT || op == SOQL_GE;
}

/* A base-62 digit's value, in the order of the characters. */
static int64_t
digit_value(char c)
{
	return c <= '9' ? c - '0' : c <= 'Z' ? c - 'A' + 10 : c - 'a' + 36;
}

/*
 * An id literal as what a polymorphic column holds; for comparisons of order also one that none of our rows can
 * have: it has its place among ids all the same.
 */
static int64_t
packed_id(const char *id, soql_op op)
{
	char prefix[4] = {id[0], id[1], id[2], '\0'};
	int64_t high = (digit_value(id[0]) * 62 + digit_value(id[1])) * 62 + digit_value(id[2]);
	int64_t number = 0;
	int place = sim_id_place(id, prefix, &number);

	if (place != 0 && !is_range(op))
		return -1;
	if (place > 0)
		number = (INT64_C(1) << SIM_REF_SHIFT) - 1;
	return (high << SIM_REF_SHIFT) + number;
}

/* An id literal as a row number: ids of other objects or orgs match nothing. */
static bool
bind_id(const test *t, const soql_literal *lit)
{
	const sim_object *obj = soql_ids_of(&t->value.field);
	char id[SIM_ID_SIZE];
	int64_t number = -1;
	int place = 1;

	if (lit->kind != SOQL_L_STRING)
		return type_error(t, lit);
	if (lit->len == 0 && t->plan->sw.empty_is_null)
		return soql_bind_int(t->plan, -1);
	if (!sim_id_normalise(lit->text, lit->len, id))
		return soql_error_at(t->plan->err, "INVALID_QUERY_FILTER_OPERATOR", t->plan->text,
							 t->cond->expr.pos, "invalid ID field: %s", lit->text);
	if (soql_is_packed(&t->value.field))
		return soql_bind_int(t->plan, packed_id(id, t->cond->op));
	if (obj != NULL && obj->prefix != NULL)
		place = sim_id_place(id, obj->prefix, &number);
	if (place != 0)
		number = is_range(t->cond->op) ? (place < 0 ? -1 : INT64_MAX) : -1;
	return soql_bind_int(t->plan, number);
}

static bool
bind_number(const test *t, const soql_literal *lit)
{
	bool is_int = strchr(lit->text, '.') == NULL;
	long long n;

	if (lit->kind != SOQL_L_NUMBER || (lit->currency && t->value.type != SIM_T_CURRENCY))
		return type_error(t, lit);
	if (!is_int && t->kind == SIM_INT)
		return type_error(t, lit);
	errno = 0;
	n = is_int ? strtoll(lit->text, NULL, 10) : 0;
	if (is_int && errno == 0)
		return soql_bind_int(t->plan, n);
	return soql_bind_real(t->plan, strtod(lit->text, NULL));
}

/* Bind one literal for a ?, after checking that it is of the field's type. */
static bool
bind_literal(const test *t, const soql_literal *lit)
{
	switch (t->kind)
	{
		case SIM_ID:
			return bind_id(t, lit);
		case SIM_TEXT:
			if (lit->kind != SOQL_L_STRING)
				return type_error(t, lit);
			if (lit->len > SOQL_MAX_STRING)
				return soql_error_at(t->plan->err, "MALFORMED_QUERY", t->plan->text,
									 t->cond->expr.pos,
									 "string literal in filter criterion for field '%s' is "
									 "longer than %d characters",
									 t->name, SOQL_MAX_STRING);
			return soql_bind_text(t->plan, lit->text, lit->len);
		case SIM_INT:
		case SIM_DOUBLE:
			return bind_number(t, lit);
		case SIM_BOOL:
			if (lit->kind != SOQL_L_BOOL)
				return type_error(t, lit);
			break;
		case SIM_DATE:
			if (lit->kind != SOQL_L_DATE)
				return type_error(t, lit);
			break;
		case SIM_DATETIME:
			if (lit->kind != SOQL_L_DATETIME)
				return type_error(t, lit);
			break;
		case SIM_TIME:
			if (lit->kind != SOQL_L_TIME)
				return type_error(t, lit);
			break;
		default:
			return type_error(t, lit);
	}
	return soql_bind_int(t->plan, lit->number);
}

static bool
is_empty_text(const test *t, const soql_literal *lit)
{
	return (t->kind == SIM_TEXT || t->kind == SIM_ID) && lit->kind == SOQL_L_STRING &&
		   lit->len == 0 && t->plan->sw.empty_is_null;
}

/* ---------------------------------------------------------------- tests */

/* f = null, f != null */
static bool
null_test(const test *t)
{
	soql_op op = t->cond->op;
	const char *sql = t->value.sql;

	if (op != SOQL_EQ && op != SOQL_NE)
		return wrong_operator(t);
	if (t->kind == SIM_BOOL)
		sim_buf_printf(t->out, "coalesce(%s, 0) = %d", sql, op == SOQL_NE);
	else
		sim_buf_printf(t->out, "%s IS %sNULL", sql, op == SOQL_NE ? "NOT " : "");
	return true;
}

/* TODAY and its kin are spans: = is inside, < is before it, > behind it. */
static bool
relative_test(const test *t, const soql_literal *lit)
{
	int64_t from;
	int64_t to;
	const char *sql = t->value.sql;
	bool nulls = t->plan->sw.null_less;

	if (t->kind != SIM_DATE && t->kind != SIM_DATETIME)
		return type_error(t, lit);
	t->plan->root->is_volatile = true;
	sim_relative_range(lit->text, lit->number, sim_switches_now(&t->plan->sw), &from, &to);
	if (t->kind == SIM_DATE)
	{
		from = sim_floor_div(from, MS_PER_DAY);
		to = sim_floor_div(to, MS_PER_DAY);
	}
	switch (t->cond->op)
	{
		case SOQL_EQ:
			sim_buf_printf(t->out, "(%s >= ? AND %s < ?)", sql, sql);
			return soql_bind_int(t->plan, from) && soql_bind_int(t->plan, to);
		case SOQL_NE:
			sim_buf_printf(t->out, "(%s < ? OR %s >= ?%s%s%s)", sql, sql,
						   t->plan->sw.null_not_equal ? " OR " : "",
						   t->plan->sw.null_not_equal ? sql : "",
						   t->plan->sw.null_not_equal ? " IS NULL" : "");
			return soql_bind_int(t->plan, from) && soql_bind_int(t->plan, to);
		case SOQL_LT:
		case SOQL_LE:
			sim_buf_printf(t->out, "(%s < ?%s%s%s)", sql, nulls ? " OR " : "",
						   nulls ? sql : "", nulls ? " IS NULL" : "");
			return soql_bind_int(t->plan, t->cond->op == SOQL_LT ? from : to);
		case SOQL_GT:
			sim_buf_printf(t->out, "%s >= ?", sql);
			return soql_bind_int(t->plan, to);
		default:
			sim_buf_printf(t->out, "%s >= ?", sql);
			return soql_bind_int(t->plan, from);
	}
}

/* The six comparisons with one literal. */
static bool
compare_test(const test *t, const soql_literal *lit)
{
	soql_op op = t->cond->op;
	const char *sql = t->value.sql;

	if (lit->kind == SOQL_L_NULL || (is_empty_text(t, lit) && !is_range(op)))
	{
		if (lit->kind != SOQL_L_NULL)
		{
			sim_buf_printf(t->out, "%s IS %sNULL", sql, op == SOQL_NE ? "NOT " : "");
			return true;
		}
		return null_test(t);
	}
	if (lit->kind == SOQL_L_RELATIVE)
		return relative_test(t, lit);
	if (t->kind == SIM_BOOL)
	{
		if (is_range(op))
			return wrong_operator(t);
		sim_buf_printf(t->out, "coalesce(%s, 0) %s ?", sql, sql_operator(op));
	}
	else if (t->kind == SIM_TEXT && is_range(op))
	{
		const sim_field *f = t->value.field.field;

		/* null text sorts as empty; coalesce() drops the column's collation */
		sim_buf_printf(t->out, "coalesce(%s, '') COLLATE %s %s ?", sql,
					   f->flags & SF_CASE ? "BINARY" : collation(t->plan), sql_operator(op));
	}
	else if (op == SOQL_NE && t->plan->sw.null_not_equal)
		sim_buf_printf(t->out, "%s IS NOT ?", sql);
	else if ((op == SOQL_LT || op == SOQL_LE) && t->plan->sw.null_less)
		sim_buf_printf(t->out, "(%s %s ? OR %s IS NULL)", sql, sql_operator(op), sql);
	else
		sim_buf_printf(t->out, "%s %s ?", sql, sql_operator(op));
	return bind_literal(t, lit);
}

static bool
like_test(const test *t, const soql_literal *lit)
{
	const sim_field *f = t->value.field.field;
	int fold = 1;

	if (t->kind != SIM_TEXT || t->value.type == SIM_T_MULTIPICKLIST)
		return wrong_operator(t);
	if (lit->kind != SOQL_L_STRING)
		return type_error(t, lit);
	if ((f->flags & SF_CASE) || t->plan->sw.text_compare == TEXT_COMPARE_EXACT)
		fold = 0;
	else if (t->plan->sw.text_compare == TEXT_COMPARE_ACCENTS)
		fold = 2;
	sim_buf_printf(t->out, "sf_like(?, %s, %d)", t->value.sql, fold);
	return bind_literal(t, lit);
}

static bool
in_test(const test *t)
{
	bool negated = t->cond->op == SOQL_NOT_IN;
	bool nulls = negated && t->plan->sw.null_not_equal;
	bool empty = false;
	const char *sql = t->value.sql;

	sim_buf_printf(t->out, "(%s%s%s %sIN (", t->kind == SIM_BOOL ? "coalesce(" : "", sql,
				   t->kind == SIM_BOOL ? ", 0)" : "", negated ? "NOT " : "");
	for (const soql_literal *lit = t->cond->values; lit != NULL; lit = lit->next)
	{
		if (lit->kind == SOQL_L_RELATIVE)
			return soql_error_at(t->plan->err, "MALFORMED_QUERY", t->plan->text, lit->pos,
								 "unexpected token: '%s'", lit->text);
		empty |= is_empty_text(t, lit);
		sim_buf_str(t->out, lit == t->cond->values ? "?" : ",?");
		if (!bind_literal(t, lit))
			return false;
	}
	sim_buf_char(t->out, ')');
	/* '' in the list stands for null, which then never is "not in" */
	if (empty)
		sim_buf_printf(t->out, negated ? " AND %s IS NOT NULL" : " OR %s IS NULL", sql);
	else if (nulls)
		sim_buf_printf(t->out, " OR %s IS NULL", sql);
	sim_buf_char(t->out, ')');
	return true;
}

/* INCLUDES ('A;B', 'C'): (A and B) or C. */
static bool
includes_test(const test *t)
{
	bool excludes = t->cond->op == SOQL_EXCLUDES;

	if (t->value.type != SIM_T_MULTIPICKLIST)
		return wrong_operator(t);
	if (excludes)
		sim_buf_str(t->out, t->plan->sw.null_not_equal ? "(" : "NOT ");
	sim_buf_char(t->out, '(');
	for (const soql_literal *lit = t->cond->values; lit != NULL; lit = lit->next)
	{
		if (lit != t->cond->values)
			sim_buf_str(t->out, " OR ");
		sim_buf_printf(t->out, "sf_includes(?, %s)", t->value.sql);
		if (!bind_literal(t, lit))
			return false;
	}
	sim_buf_char(t->out, ')');
	if (excludes && t->plan->sw.null_not_equal)
		sim_buf_str(t->out, " IS NOT TRUE)");
	return true;
}

/* May this expression be filtered at all, and here? */
static bool
check_operand(const test *t, bool having)
{
	const sim_field *f = t->value.field.field;

	if (t->value.is_aggregate)
	{
		if (!having)
			return fail(t, "MALFORMED_QUERY",
						"Aggregate functions are not allowed in the WHERE clause");
		return true;
	}
	if (having)
	{
		if (soql_is_grouped(t->plan, &t->value))
			return true;
		return sim_error_set(t->plan->err, "MALFORMED_QUERY",
							 "Field must be grouped or aggregated: %s", t->name);
	}
	if (t->value.is_format)
		return fail(t, "MALFORMED_QUERY",
					"FORMAT function is not supported in the WHERE clause");
	if (t->value.is_distance)
		return true;
	if (f->type == SIM_T_ADDRESS)
		return fail(t, "INVALID_FIELD",
					"Address fields can only be filtered using Distance expressions");
	if (f->type == SIM_T_LOCATION)
		return fail(t, "INVALID_FIELD",
					"Geolocation fields can only be filtered using Distance expressions");
	if (!sim_field_filterable(f))
		return soql_error_at(t->plan->err, "INVALID_FIELD", t->plan->text, t->cond->expr.pos,
							 "field '%s' can not be filtered in a query call", f->name);
	if (t->value.type == SIM_T_MULTIPICKLIST &&
		(is_range(t->cond->op) || t->cond->op == SOQL_IN || t->cond->op == SOQL_NOT_IN))
		return wrong_operator(t);
	return true;
}

/* DISTANCE(…) < 20: these two operators and a number */
static bool
distance_test(const test *t, const soql_literal *lit)
{
	if (t->cond->op != SOQL_LT && t->cond->op != SOQL_GT)
		return fail(t, "MALFORMED_QUERY",
					"Distance function can only be compared with the operators < and >");
	if (lit == NULL || lit->kind != SOQL_L_NUMBER || lit->currency)
		return fail(t, "INVALID_FIELD",
					"value of filter criterion for function 'DISTANCE' must be of type "
					"double and should not be enclosed in quotes");
	sim_buf_printf(t->out, "%s %s ?", t->value.sql, sql_operator(t->cond->op));
	return soql_bind_real(t->plan, strtod(lit->text, NULL));
}

/* Text that is compared otherwise than the column says. */
static bool
recollate(test *t)
{
	const sim_field *f = t->value.field.field;
	sim_buf b = {0};

	if (t->kind != SIM_TEXT || t->plan->sw.text_compare == 0 || f == NULL ||
		(f->flags & SF_CASE))
		return true;
	sim_buf_printf(&b, "(%s COLLATE %s)", t->value.sql, collation(t->plan));
	return (t->value.sql = soql_keep(t->plan, &b)) != NULL;
}

/* The left side of IN (SELECT …). */
static bool
check_left(const test *t, bool having)
{
	const soql_expr *e = &t->cond->expr;

	if (having)
		return fail(t, "MALFORMED_QUERY",
					"Semi join sub-selects are not allowed in the HAVING clause");
	if (e->func != NULL || t->kind != SIM_ID)
		return soql_error_at(t->plan->err, "MALFORMED_QUERY", t->plan->text, e->pos,
							 "The left operand field in the where expression for outer query "
							 "should be an id field, cannot use: '%s'",
							 t->name);
	if (t->value.field.table != t->plan->tables)
		return soql_error_at(t->plan->err, "MALFORMED_QUERY", t->plan->text, e->pos,
							 "The left operand '%s' cannot have more than one level of "
							 "relationships",
							 soql_path_name(t->plan, &t->value.field));
	return true;
}

static bool
emit_test(soql_plan *plan, sim_buf *out, const soql_cond *c, bool having)
{
	test t = {.plan = plan, .out = out, .cond = c};

	if (!soql_expression(plan, &c->expr, &t.value))
		return false;
	plan->root->cost++;
	t.kind = sim_type_kind(t.value.type);
	t.name = t.value.field.field ? t.value.field.field->name : "COUNT";
	if (!check_operand(&t, having) || !recollate(&t))
		return false;
	if (c->sub != NULL)
		return check_left(&t, having) && soql_semijoin(plan, out, c, &t.value.field);
	if (t.value.is_distance)
		return distance_test(&t, c->op < SOQL_LIKE ? c->values : NULL);
	switch (c->op)
	{
		case SOQL_LIKE:
			return like_test(&t, c->values);
		case SOQL_IN:
		case SOQL_NOT_IN:
			return in_test(&t);
		case SOQL_INCLUDES:
		case SOQL_EXCLUDES:
			return includes_test(&t);
		default:
			return compare_test(&t, c->values);
	}
}

/* ---------------------------------------------------------------- AND, OR, NOT */

static bool
condition(soql_plan *plan, sim_buf *out, const soql_cond *c, bool having, int level);

static bool
has_semijoin(const soql_cond *c)
{
	if (c->kind == SOQL_C_TEST)
		return c->sub != NULL;
	for (const soql_cond *kid = c->kids; kid != NULL; kid = kid->next)
	{
		if (has_semijoin(kid))
			return true;
	}
	return false;
}

/*
 * Semi-joins stand alone or in the outermost AND; level says how deep we are.  False and an error.
 */
static bool
check_place(soql_plan *plan, const soql_cond *c, int level)
{
	bool inside = c->kind != SOQL_C_TEST && (c->kind != SOQL_C_AND || level > 0);

	if (!inside || !has_semijoin(c))
		return true;
	if (c->kind == SOQL_C_OR && level == 0)
	{
		for (const soql_cond *kid = c->kids; kid != NULL; kid = kid->next)
		{
			if (kid->kind == SOQL_C_TEST && kid->sub != NULL)
				return sim_error_set(plan->err, "MALFORMED_QUERY",
									 "Semi join sub-selects are not allowed with the 'OR' "
									 "operator");
		}
	}
	return sim_error_set(plan->err, "MALFORMED_QUERY",
						 "Semi join sub-selects are only allowed at the top level WHERE "
						 "expressions and not in nested WHERE expressions.");
}

/*
 * n brothers joined by a word, as a balanced tree: SQLite refuses expressions more than 1,000
 * deep, and a list of thousands of ORs is ordinary.  *c moves behind the last one used.
 */
static bool
emit_chain(soql_plan *plan, sim_buf *out, const soql_cond **c, int n, const char *word,
		   bool having, int level)
{
	bool ok;

	if (n == 1)
	{
		ok = condition(plan, out, *c, having, level);
		*c = (*c)->next;
		return ok;
	}
	sim_buf_char(out, '(');
	if (!emit_chain(plan, out, c, n / 2, word, having, level))
		return false;
	sim_buf_str(out, word);
	ok = emit_chain(plan, out, c, n - n / 2, word, having, level);
	sim_buf_char(out, ')');
	return ok;
}

static bool
condition(soql_plan *plan, sim_buf *out, const soql_cond *c, bool having, int level)
{
	const soql_cond *kid = c->kids;
	bool two_valued = plan->sw.null_not_equal;

	if (!check_place(plan, c, level))
		return false;
	switch (c->kind)
	{
		case SOQL_C_AND:
			return emit_chain(plan, out, &kid, c->nkids, " AND ", having, level + 1);
		case SOQL_C_OR:
			return emit_chain(plan, out, &kid, c->nkids, " OR ", having, level + 1);
		case SOQL_C_NOT:
			/* whatever decides about null under != decides here as well */
			sim_buf_str(out, two_valued ? "((" : "(NOT (");
			if (!condition(plan, out, kid, having, level + 1))
				return false;
			sim_buf_str(out, two_valued ? ") IS NOT TRUE)" : "))");
			return true;
		default:
			sim_buf_char(out, '(');
			if (!emit_test(plan, out, c, having))
				return false;
			sim_buf_char(out, ')');
			return true;
	}
}

bool
soql_condition(soql_plan *plan, sim_buf *out, const soql_cond *c, bool having)
{
	return condition(plan, out, c, having, 0);
}
