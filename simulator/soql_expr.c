/*
 * soql_expr.c
 *		Functions of SOQL to SQL: aggregates, date functions, FORMAT, toLabel, DISTANCE.
 */
#include "soql.h"
#include "calendar.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

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

static bool
is_func(const char *func, const char *name)
{
	return func != NULL && strcasecmp(func, name) == 0;
}

bool
soql_is_aggregate(const soql_expr *e)
{
	return aggregate_by_name(e->func) != AGG_NONE ||
		   (is_func(e->func, "FORMAT") && aggregate_by_name(e->inner) != AGG_NONE);
}

bool
soql_makes_aggregate(const soql_expr *e)
{
	return soql_is_aggregate(e) || is_func(e->func, "GROUPING") ||
		   (e->func != NULL && sim_date_function(e->func) >= 0);
}

bool
soql_same_value(const soql_value *a, const soql_value *b)
{
	return strcmp(a->sql, b->sql) == 0;
}

bool
soql_is_grouped(soql_plan *plan, const soql_value *v)
{
	for (const soql_group *g = plan->tree->groups; g != NULL; g = g->next)
	{
		soql_value other;

		if (soql_expression(plan, &g->expr, &other) && soql_same_value(&other, v))
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------- aggregates */

static bool
wrong_aggregate(soql_plan *plan, const soql_expr *e, const char *func, const sim_field *f)
{
	return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, e->pos,
						 "field %s does not support aggregate operator %s", f->name, func);
}

void
soql_pick_order(sim_buf *b, const char *column, const sim_field *f, const char *format)
{
	for (int i = 0; f->picks != NULL && f->picks[i].value != NULL; i++)
	{
		char *quoted = sqlite3_mprintf("%Q", f->picks[i].value);
		char place[32];

		snprintf(place, sizeof(place), "%04d", i);
		sim_buf_printf(b, "WHEN %s = %s THEN ", column, quoted ? quoted : "''");
		if (strcmp(format, "text") == 0)
			sim_buf_printf(b, "'%s' ", place);
		else
			sim_buf_printf(b, "%d ", i);
		sqlite3_free(quoted);
	}
}

/* MIN and MAX of a picklist go by its setup order: prefix the value with its position. */
static void
picklist_extreme(sim_buf *b, const char *func, const char *column, const sim_field *f)
{
	sim_buf_printf(b, "substr(%s(CASE WHEN %s IS NULL THEN NULL ", func, column);
	soql_pick_order(b, column, f, "text");
	sim_buf_printf(b, "ELSE '9999' END || %s), 5)", column);
}

static bool
aggregate_sql(soql_plan *plan, const soql_expr *e, const char *func, const char *column,
			  soql_value *v, sim_buf *b)
{
	aggregate agg = aggregate_by_name(func);
	const sim_field *f = v->field.field;

	v->is_aggregate = true;
	if (f == NULL)
	{
		v->type = SIM_T_INT;
		sim_buf_str(b, "count(*)");
		return true;
	}
	v->type = f->type;
	if (!sim_field_aggregatable(f) || f->type == SIM_T_BOOLEAN)
		return wrong_aggregate(plan, e, func, f);
	switch (agg)
	{
		case AGG_COUNT:
		case AGG_COUNT_DISTINCT:
			v->type = SIM_T_INT;
			sim_buf_printf(b, "count(%s%s%s)", agg == AGG_COUNT ? "" : "DISTINCT ", column,
						   sim_type_is_text(f->type) && !plan->sw.group_ignores_case
							   ? " COLLATE BINARY"
							   : "");
			return true;
		case AGG_SUM:
		case AGG_AVG:
			if (!sim_type_is_number(f->type))
				return wrong_aggregate(plan, e, func, f);
			if (agg == AGG_AVG)
				v->type = SIM_T_DOUBLE;
			sim_buf_printf(b, "%s(%s)", agg == AGG_SUM ? "sum" : "avg", column);
			return true;
		default:
			if (f->type == SIM_T_TIME)
				return wrong_aggregate(plan, e, func, f);
			if (f->type == SIM_T_PICKLIST && f->picks != NULL)
				picklist_extreme(b, agg == AGG_MIN ? "min" : "max", column, f);
			else
				sim_buf_printf(b, "%s(%s)", agg == AGG_MIN ? "min" : "max", column);
			return true;
	}
}

/* ---------------------------------------------------------------- other functions */

static bool
date_function_sql(soql_plan *plan, const soql_expr *e, int function, const char *column,
				  soql_value *v, sim_buf *b)
{
	const sim_field *f = v->field.field;

	if (f == NULL || (f->type != SIM_T_DATETIME && f->type != SIM_T_DATE) ||
		(f->type == SIM_T_DATE &&
		 (sim_date_function_needs_datetime(function) || e->inner != NULL)))
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, e->pos,
							 "field %s does not support function %s", f ? f->name : "",
							 sim_date_function_name(function));
	v->is_function = true;
	v->type = sim_date_function_gives_date(function) ? SIM_T_DATE : SIM_T_INT;
	sim_buf_printf(b, "sf_datepart(%d, %s%s)", function, column,
				   f->type == SIM_T_DATE ? " * 86400000" : "");
	return true;
}

/* The column of a compound's latitude or longitude; "NULL" when it has none. */
static void
coordinate_sql(soql_plan *plan, const soql_field *compound, const char *which, sim_buf *b)
{
	const sim_object *obj = compound->table->object;

	for (int i = 0; i < obj->nfields; i++)
	{
		soql_field part = {compound->table, &obj->fields[i]};

		if (part.field->compound != NULL && part.field->type == SIM_T_DOUBLE &&
			strcmp(part.field->compound, compound->field->name) == 0 &&
			strstr(part.field->name, which) != NULL)
		{
			soql_column_sql(plan, &part, b);
			return;
		}
	}
	sim_buf_str(b, "NULL");
}

static bool
distance_sql(soql_plan *plan, const soql_expr *e, soql_value *v, sim_buf *b)
{
	const sim_field *f = v->field.field;

	if (f->type != SIM_T_LOCATION && f->type != SIM_T_ADDRESS)
		return soql_error_at(plan->err, "INVALID_FIELD", plan->text, e->pos,
							 "field '%s' does not support DISTANCE", f->name);
	if (e->latitude < -90 || e->latitude > 90 || e->longitude < -180 || e->longitude > 180)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, e->pos,
							 "Invalid geolocation: latitude must be between -90 and 90, "
							 "longitude between -180 and 180");
	v->is_distance = true;
	v->type = SIM_T_DOUBLE;
	sim_buf_str(b, "sf_distance(");
	coordinate_sql(plan, &v->field, "Latitude", b);
	sim_buf_str(b, ", ");
	coordinate_sql(plan, &v->field, "Longitude", b);
	sim_buf_printf(b, ", %.17g, %.17g, %d)", e->latitude, e->longitude, e->miles);
	return true;
}

static bool
has_labels(const sim_field *f)
{
	return f->type == SIM_T_PICKLIST || f->type == SIM_T_MULTIPICKLIST ||
		   f->type == SIM_T_COMBOBOX;
}

/* toLabel(): of a picklist the label, of anything else the value itself */
static void
label_sql(const soql_field *f, const char *column, sim_buf *b)
{
	if (f->table->kind == SOQL_TABLE_NAME || !has_labels(f->field) || f->field->picks == NULL)
		sim_buf_str(b, column);
	else
		sim_buf_printf(b, "(sf_label('%s', '%s', %s) COLLATE SF_CI)", f->table->object->name,
					   f->field->name, column);
}

/* FORMAT(): text as the user's locale has it */
static bool
format_sql(soql_plan *plan, const soql_expr *e, const char *inner, soql_value *v, sim_buf *b)
{
	int scale = v->field.field ? v->field.field->scale : 0;
	sim_kind kind = sim_type_kind(v->type);

	if (kind == SIM_TEXT || kind == SIM_BOOL || kind == SIM_ID || kind == SIM_COMPOUND ||
		kind == SIM_BLOB)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, e->pos,
							 "FORMAT function is not supported on field %s",
							 v->field.field ? v->field.field->name : "");
	sim_buf_printf(b, "sf_format(%d, %d, %s)", (int) v->type, scale, inner);
	v->is_format = true;
	v->type = SIM_T_STRING;
	return true;
}

/* ---------------------------------------------------------------- the whole */

/* func of a column, to b. */
static bool
function_sql(soql_plan *plan, const soql_expr *e, const char *func, const char *column,
			 soql_value *v, sim_buf *b)
{
	int function;

	if (func == NULL)
		sim_buf_str(b, column);
	else if (is_func(func, "toLabel"))
	{
		v->is_label = true;
		label_sql(&v->field, column, b);
	}
	else if (is_func(func, "convertCurrency"))
	{
		v->is_label = true;
		if (v->type != SIM_T_CURRENCY)
			return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, e->pos,
								 "convertCurrency function is not supported on field %s",
								 v->field.field->name);
		sim_buf_str(b, column); /* one currency: the org's is the user's */
	}
	else if (aggregate_by_name(func) != AGG_NONE)
		return aggregate_sql(plan, e, func, column, v, b);
	else if ((function = sim_date_function(func)) >= 0)
		return date_function_sql(plan, e, function, column, v, b);
	else
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, e->pos,
							 "Invalid function: %s", func);
	return true;
}

/* What may stand inside of what: FORMAT of most things, date functions of convertTimezone. */
static bool
check_nesting(soql_plan *plan, const soql_expr *e)
{
	bool good = e->inner == NULL;

	if (is_func(e->inner, "convertTimezone"))
		good = sim_date_function(e->func) >= 0;
	else if (e->inner != NULL && is_func(e->func, "FORMAT"))
		good = aggregate_by_name(e->inner) != AGG_NONE || is_func(e->inner, "convertCurrency");
	else if (e->inner != NULL && aggregate_by_name(e->func) != AGG_NONE)
		good = is_func(e->inner, "convertCurrency");
	if (!good)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, e->pos,
							 "Invalid function: %s", e->inner);
	return true;
}

/* GROUPING(field): 1 in rows of a subtotal over it; without ROLLUP and CUBE there are none */
static bool
grouping_sql(soql_plan *plan, const soql_expr *e, const soql_value *v, sim_buf *b)
{
	if (plan->tree->grouping == NULL || e->path.nsteps == 0)
		return soql_error_at(plan->err, "MALFORMED_QUERY", plan->text, e->pos,
							 "GROUPING function is only allowed with GROUP BY ROLLUP or CUBE");
	(void) v;
	sim_buf_str(b, "0");
	return true;
}

bool
soql_expression(soql_plan *plan, const soql_expr *e, soql_value *v)
{
	sim_buf column = {0};
	sim_buf inner = {0};
	sim_buf b = {0};
	bool ok = true;

	memset(v, 0, sizeof(*v));
	if (!check_nesting(plan, e))
		return false;
	if (e->path.nsteps > 0)
	{
		if (!soql_resolve(plan, &e->path, &v->field))
			return false;
		v->type = v->field.field->type;
		ok = soql_column_sql(plan, &v->field, &column);
	}
	if (!ok || column.failed)
		ok = soql_no_memory(plan);
	else if (e->is_distance)
		ok = distance_sql(plan, e, v, &b);
	else if (is_func(e->func, "GROUPING"))
	{
		v->is_aggregate = true;
		v->type = SIM_T_INT;
		ok = grouping_sql(plan, e, v, &b);
	}
	else if (is_func(e->func, "FORMAT"))
	{
		ok = function_sql(plan, e, e->inner, column.data, v, &inner);
		ok = ok && !inner.failed && format_sql(plan, e, inner.data, v, &b);
	}
	else
		ok = function_sql(plan, e, e->func, column.data ? column.data : "", v, &b);
	sim_buf_free(&column);
	sim_buf_free(&inner);
	v->sql = soql_keep(plan, &b);
	return ok && v->sql != NULL;
}
