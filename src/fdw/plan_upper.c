/*
 * plan_upper.c
 *		Aggregates over there: COUNT(), and SELECT …, SUM(…) … GROUP BY … HAVING ….
 *
 * Sent is what gives PostgreSQL's answer: counts, least and greatest numbers and dates, sums and averages of
 * numbers, grouped by ids, booleans, whole numbers and dates.  Whether it does is not known for sure before the
 * answer is there: more than 2,000 groups are not answered, a query may take too long, and a sum that has more
 * digits than a double keeps is not exact.  So the path has the same aggregate beside it as done here, which
 * the scan turns to then (scan_groups.c).  Only COUNT() needs none: the client counts by a job.
 *
 * Sources: SOQL and SOQL Reference, "Aggregate Functions", "GROUP BY", "HAVING", "Considerations When Using
 * GROUP BY".
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/planmain.h"
#include "optimizer/prep.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#include "compat.h"
#include "option.h"
#include "planner.h"

/* Longest conditions, in bytes, that leave the request's URI below Salesforce's limit of 16,384. */
#define AGGREGATE_CONST_BYTES 4000

/* What an upper path's plan needs besides the scan's. */
typedef struct SfbUpperPlan
{
	SfbScanKind kind;
	List *having_local; /* conditions on groups that are checked here */
	List *having;		/* clauses as at SfbSoqlHaving */
	List *group;		/* of String, as at SfbSoqlGroup */
	List *select;		/* of String, as at SfbSoqlSelect */
	List *groups;		/* as at SfbScanPrivateGroups */
	SfbScanColumns columns;
	PathTarget *target; /* the same as columns.tlist */
} SfbUpperPlan;

/* ---- aggregates ------------------------------------------------------------------------------- */

static bool
is_plain(const Aggref *agg)
{
	return agg->aggorder == NIL && agg->aggfilter == NULL && agg->agglevelsup == 0 &&
		   agg->aggsplit == AGGSPLIT_SIMPLE && agg->aggkind == AGGKIND_NORMAL &&
		   !agg->aggvariadic;
}

/* The argument of an aggregate that has one, else NULL. */
static Node *
argument_of(const Aggref *agg)
{
	return list_length(agg->args) == 1 ? (Node *) linitial_node(TargetEntry, agg->args)->expr
									   : NULL;
}

/* Does the aggregate count every row: count(*), count(1), count(id)? */
static bool
counts_rows(const Aggref *agg, SfbRelPlan *plan)
{
	const SfbColumn *column;
	Node *arg;

	if (agg->aggdistinct != NIL)
		return false;
	if (agg->aggfnoid == F_COUNT_)
		return true;
	if (agg->aggfnoid != F_COUNT_ANY)
		return false;
	arg = argument_of(agg);
	if (IsA(arg, Const))
		return !((Const *) arg)->constisnull;
	/* The record's own id is the one field that is never null. */
	column = sfb_plan_column(plan, arg);
	return column != NULL && sfb_is_own_id(column);
}

typedef enum AggregateKind
{
	AGGREGATE_NONE,
	AGGREGATE_COUNT,
	AGGREGATE_SUM,
	AGGREGATE_AVERAGE,
	AGGREGATE_MIN,
	AGGREGATE_MAX
} AggregateKind;

/* PostgreSQL's own aggregates by their names; an extension may have others called so. */
static AggregateKind
aggregate_kind(Oid fnoid)
{
	static const struct
	{
		const char *name;
		AggregateKind kind;
	} kinds[] = {{"count", AGGREGATE_COUNT},
				 {"sum", AGGREGATE_SUM},
				 {"avg", AGGREGATE_AVERAGE},
				 {"min", AGGREGATE_MIN},
				 {"max", AGGREGATE_MAX}};
	const char *name = sfb_is_builtin(fnoid) ? get_func_name(fnoid) : NULL;

	for (int i = 0; name != NULL && i < (int) lengthof(kinds); i++)
		if (strcmp(name, kinds[i].name) == 0)
			return kinds[i].kind;
	return AGGREGATE_NONE;
}

static bool
is_number(SfbType type)
{
	return type == SFB_INT || type == SFB_LONG || type == SFB_DOUBLE || type == SFB_CURRENCY ||
		   type == SFB_PERCENT;
}

/* The columns and aggregates that an expression over groups is made of. */
static List *
parts_of(Node *expr)
{
	return pull_var_clause(expr, PVC_INCLUDE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
									 PVC_RECURSE_PLACEHOLDERS);
}

/* ---- the list of what is asked ------------------------------------------------------------------ */

/* Adds an item with a name of its own to the SELECT list, which has each but once; its index. */
static int
add_item(SfbUpperPlan *upper, const char *text, SfbType type)
{
	SfbSelectList *list = &upper->columns.select;
	int n = list_length(list->fields);

	for (int i = 0; i < n; i++)
		if (strcmp(strVal(list_nth(upper->select, i)), psprintf("%s c%d", text, i)) == 0)
			return i;
	upper->select = lappend(upper->select, makeString(psprintf("%s c%d", text, n)));
	list->fields = lappend(list->fields, makeString(psprintf("c%d", n)));
	list->types = lappend_int(list->types, type);
	list->attrs = lappend_int(list->attrs, 0);
	return n;
}

static bool
is_listed(SfbUpperPlan *upper, Node *expr)
{
	return tlist_member((Expr *) expr, upper->columns.tlist) != NULL;
}

/* Adds a column of the scan whose value is made of a field in some way. */
static void
add_column(SfbUpperPlan *upper, Node *expr, Index sortgroupref, const char *name, SfbType type,
		   SfbGroupValue how, int field, int count)
{
	SfbScanColumns *columns = &upper->columns;
	int place = list_length(columns->tlist) + 1;

	columns->tlist =
		lappend(columns->tlist, makeTargetEntry((Expr *) expr, place, NULL, false));
	add_column_to_pathtarget(upper->target, (Expr *) expr, sortgroupref);
	columns->descriptions = lappend(columns->descriptions,
									list_make5(makeString(pstrdup(name)), makeInteger(type),
											   makeInteger((int) exprType(expr)),
											   makeInteger(exprTypmod(expr)), makeInteger(0)));
	upper->groups = lappend(upper->groups, list_make3_int(how, field, count));
	if (how != SFB_GROUP_VALUE)
		return;
	if (list_nth_int(columns->select.attrs, field) == 0)
		lfirst_int(list_nth_cell(columns->select.attrs, field)) = place;
	else
		columns->select.copies =
			lappend_int(lappend_int(columns->select.copies, field), place);
}

/* Is the field a key already?  SOQL neither groups by one twice nor aggregates it. */
static bool
is_key(SfbUpperPlan *upper, const char *field)
{
	ListCell *lc;

	foreach (lc, upper->group)
		if (pg_strcasecmp(strVal(lfirst(lc)), field) == 0)
			return true;
	return false;
}

/* count(…) as SOQL, or NULL. */
static char *
count_text(SfbUpperPlan *upper, SfbRelPlan *plan, const Aggref *agg)
{
	const SfbColumn *column;

	if (agg->aggfnoid != F_COUNT_ANY && agg->aggfnoid != F_COUNT_)
		return NULL;
	if (counts_rows(agg, plan))
		return pstrdup("COUNT(Id)");
	column = sfb_plan_column(plan, argument_of(agg));
	if (column == NULL || !column->aggregatable || !column->filterable ||
		!sfb_types_agree(column) || column->type == SFB_BOOLEAN ||
		is_key(upper, column->field))
		return NULL;
	if (agg->aggdistinct == NIL)
		return psprintf("COUNT(%s)", column->field);

	/* Of texts, the same in another case may count once over there. */
	if (column->type == SFB_ID || column->type == SFB_REFERENCE || column->type == SFB_INT ||
		column->type == SFB_DATE)
		return psprintf("COUNT_DISTINCT(%s)", column->field);
	return NULL;
}

/* Adds an aggregate; false when its answer could be another than PostgreSQL's. */
static bool
add_aggregate(SfbUpperPlan *upper, SfbRelPlan *plan, Aggref *agg)
{
	AggregateKind kind = aggregate_kind(agg->aggfnoid);
	const SfbColumn *column;
	const char *field;
	char *count;

	if (is_listed(upper, (Node *) agg))
		return true;
	if (!is_plain(agg) || kind == AGGREGATE_NONE)
		return false;
	if (kind == AGGREGATE_COUNT)
	{
		count = count_text(upper, plan, agg);
		if (count == NULL)
			return false;
		add_column(upper, (Node *) agg, 0, count, SFB_LONG, SFB_GROUP_VALUE,
				   add_item(upper, count, SFB_LONG), 0);
		return true;
	}

	column = sfb_plan_column(plan, argument_of(agg));
	if (column == NULL || !column->aggregatable || !column->filterable ||
		!sfb_types_agree(column) || is_key(upper, column->field))
		return false;
	field = column->field;
	if (kind == AGGREGATE_MIN || kind == AGGREGATE_MAX)
	{
		const char *text = psprintf("%s(%s)", kind == AGGREGATE_MIN ? "MIN" : "MAX", field);

		/* No texts, which have another order there, and no local times, which have none to rely on. */
		if (!is_number(column->type) && column->type != SFB_DATE &&
			(column->type != SFB_DATETIME || column->pgtype != TIMESTAMPTZOID))
			return false;
		add_column(upper, (Node *) agg, 0, text, column->type, SFB_GROUP_VALUE,
				   add_item(upper, text, column->type), 0);
		return true;
	}

	/* What DISTINCT leaves out only matters to these. */
	if (agg->aggdistinct != NIL || !is_number(column->type) ||
		column->scale > SFB_MAX_SUM_SCALE)
		return false;
	if (kind == AGGREGATE_SUM)
		add_column(upper, (Node *) agg, 0, psprintf("SUM(%s)", field), column->type,
				   SFB_GROUP_SUM, add_item(upper, psprintf("SUM(%s)", field), SFB_DOUBLE), 0);
	else
	{
		int sum = add_item(upper, psprintf("SUM(%s)", field), SFB_DOUBLE);

		/* An average over there has fewer digits than one made here of sum and number. */
		add_column(upper, (Node *) agg, 0, psprintf("AVG(%s)", field), column->type,
				   SFB_GROUP_AVERAGE, sum,
				   add_item(upper, psprintf("COUNT(%s)", field), SFB_LONG));
	}
	return true;
}

/* ---- GROUP BY and HAVING --------------------------------------------------------------------------- */

/* Adds a key; false when Salesforce could put other rows together than PostgreSQL. */
static bool
add_key(SfbUpperPlan *upper, SfbRelPlan *plan, Node *expr, Index sortgroupref)
{
	const SfbColumn *column = IsA(expr, Var) ? sfb_plan_column(plan, expr) : NULL;

	if (column == NULL || !column->groupable || !column->filterable ||
		!sfb_types_agree(column))
		return false;
	/* By its own Id each row is a group: they are asked for as rows. */
	if (sfb_is_own_id(column))
		return false;
	switch (column->type)
	{
		case SFB_BOOLEAN:
			/* Without a parent it is null here and may be false there. */
			if (column->optional)
				return false;
			break;
		case SFB_ID:
		case SFB_REFERENCE:
		case SFB_INT:
		case SFB_DATE:
			break;
		default:
			return false;
	}
	if (is_listed(upper, expr))
		return true;
	if (is_key(upper, column->field))
		return false;
	upper->group = lappend(upper->group, makeString(pstrdup(column->field)));
	add_column(upper, expr, sortgroupref, column->field, column->type, SFB_GROUP_VALUE,
			   add_item(upper, column->field, column->type), 0);
	return true;
}

/* Everything that an expression over groups is made of. */
static bool
add_parts(SfbUpperPlan *upper, SfbRelPlan *plan, Node *expr)
{
	List *parts = parts_of(expr);
	ListCell *lc;

	foreach (lc, parts)
	{
		Node *part = lfirst(lc);

		if (IsA(part, Aggref) ? !add_aggregate(upper, plan, (Aggref *) part)
							  : !is_listed(upper, part))
			return false;
	}
	return true;
}

/* A condition on a count that can be sent, as a clause, or NIL. */
static List *
having_clause(SfbUpperPlan *upper, SfbRelPlan *plan, Node *expr)
{
	OpExpr *op = (OpExpr *) expr;
	Oid opno;
	Node *left;
	Node *right;
	char *count;
	SfbOp comparison;
	List *clause;

	if (!IsA(expr, OpExpr) || list_length(op->args) != 2)
		return NIL;
	left = linitial(op->args);
	right = lsecond(op->args);
	opno = op->opno;
	if (!IsA(left, Aggref))
	{
		left = lsecond(op->args);
		right = linitial(op->args);
		opno = get_commutator(opno);
	}
	if (!IsA(left, Aggref) || !OidIsValid(opno) || !is_plain((Aggref *) left) ||
		!sfb_is_operand(plan, right) || !sfb_comparison_of(opno, &comparison) ||
		!sfb_always_exact(comparison, SFB_LONG, exprType(right)))
		return NIL;
	count = count_text(upper, plan, (Aggref *) left);
	if (count == NULL)
		return NIL;
	clause = list_make5(makeInteger(SFB_CLAUSE_COMPARE), makeInteger(comparison),
						makeString(count), makeInteger(SFB_LONG), makeInteger(INT8OID));
	clause =
		lappend(clause, makeInteger(sfb_add_operand(plan, (Expr *) right, exprType(right))));
	return list_make2(makeInteger(1), clause);
}

static bool
add_having(SfbUpperPlan *upper, SfbRelPlan *plan, List *conditions)
{
	ListCell *lc;

	foreach (lc, conditions)
	{
		Node *expr = lfirst(lc);
		/* Without GROUP BY there is one group, which must not be missing when no row is left. */
		List *clause =
			plan->root->parse->groupClause != NIL ? having_clause(upper, plan, expr) : NIL;

		if (clause != NIL)
		{
			upper->having = lappend(upper->having, clause);
			continue;
		}
		if (contain_subplans(expr) || !add_parts(upper, plan, expr))
			return false;
		upper->having_local = lappend(upper->having_local, expr);
	}
	return true;
}

/* ---- paths -------------------------------------------------------------------------------------------- */

/* Can the relation's rows be aggregated over there? */
static bool
can_aggregate(PlannerInfo *root, RelOptInfo *input_rel)
{
	SfbRelPlan *plan = input_rel->fdw_private;
	Query *parse = root->parse;

	if ((input_rel->reloptkind != RELOPT_BASEREL && input_rel->reloptkind != RELOPT_JOINREL) ||
		plan == NULL)
		return false;
	if ((!parse->hasAggs && parse->groupClause == NIL) || parse->groupingSets != NIL ||
		parse->hasTargetSRFs)
		return false;

	/* A gating condition would get lost on the way. */
	return plan->options->pushdown && plan->options->object != NULL &&
		   plan->rechecked == NIL && plan->local == NIL && !plan->gated;
}

/* Can REST, and REST alone does aggregates, be asked? */
static bool
rest_aggregates(SfbRelPlan *plan)
{
	return plan->options->transport != SF_TRANSPORT_BULK &&
		   plan->const_bytes <= AGGREGATE_CONST_BYTES;
}

/* By which way a count alone comes, which a job can do, too: it says how many rows it has. */
static void
decide_count_transport(SfbRelPlan *plan)
{
	plan->transport = plan->options->transport;
	switch (plan->transport)
	{
		case SF_TRANSPORT_BULK:
			plan->why = "a job of the rows' Ids counts them, as the option says";
			break;
		case SF_TRANSPORT_REST:
			plan->why = "a count is one request";
			break;
		default:
			plan->why = "a count is one request, or a job where REST cannot count";
			break;
	}
}

/* The number alone, which has a query of its own and needs nothing beside it. */
static bool
is_count_alone(PlannerInfo *root, SfbRelPlan *plan, PathTarget *target)
{
	List *exprs = parts_of((Node *) target->exprs);
	ListCell *lc;

	if (root->parse->groupClause != NIL || root->parse->havingQual != NULL || exprs == NIL)
		return false;
	foreach (lc, exprs)
		if (!IsA(lfirst(lc), Aggref) || !is_plain(lfirst(lc)) ||
			!counts_rows(lfirst(lc), plan))
			return false;
	return true;
}

/* Fills the plan of an aggregate with all that the target and HAVING are made of. */
static bool
make_upper(PlannerInfo *root, SfbRelPlan *plan, PathTarget *target, SfbUpperPlan *upper)
{
	int i = 0;
	ListCell *lc;

	/* The keys first, as the rest of the target may be made of them. */
	foreach (lc, target->exprs)
	{
		Index ref = get_pathtarget_sortgroupref(target, i++);

		if (ref != 0 && get_sortgroupref_clause_noerr(ref, root->parse->groupClause) != NULL &&
			!add_key(upper, plan, lfirst(lc), ref))
			return false;
	}
	if (list_length(upper->columns.tlist) < list_length(root->parse->groupClause))
		return false;
	foreach (lc, target->exprs)
		if (!is_listed(upper, lfirst(lc)) && !add_parts(upper, plan, lfirst(lc)))
			return false;
	return add_having(upper, plan, (List *) root->parse->havingQual) &&
		   upper->columns.tlist != NIL;
}

/* The same aggregate as done here. */
static Path *
local_path(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel,
		   SfbUpperPlan *upper, double groups)
{
	Path *path = input_rel->cheapest_total_path;
	List *clause = root->parse->groupClause;
	AggStrategy strategy = clause != NIL ? AGG_HASHED : AGG_PLAIN;
	AggClauseCosts costs;

	/*
	 * A hash table has no place for an order of the values that a DISTINCT needs.  Where all groups have
	 * the same, PostgreSQL 16 and later expect it of the rows, as group_pathkeys say.
	 */
	if (root->numOrderedAggs > 0)
	{
		if (clause != NIL)
			strategy = AGG_SORTED;
		if (root->group_pathkeys != NIL)
			path = (Path *) create_sort_path(root, output_rel, path, root->group_pathkeys, -1);
	}
	MemSet(&costs, 0, sizeof(costs));
	get_agg_clause_costs(root, AGGSPLIT_SIMPLE, &costs);
	return (Path *) create_agg_path(root, output_rel, path, upper->target, strategy,
									AGGSPLIT_SIMPLE, clause, (List *) root->parse->havingQual,
									&costs, groups);
}

static double
count_groups(PlannerInfo *root, SfbRelPlan *plan)
{
	List *exprs = get_sortgrouplist_exprs(root->parse->groupClause, root->processed_tlist);

	return exprs != NIL ? estimate_num_groups(root, exprs, plan->fetched, NULL, NULL) : 1;
}

void
sfbulkGetForeignUpperPaths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input_rel,
						   RelOptInfo *output_rel, void *extra)
{
	SfbRelPlan *plan;
	SfbUpperPlan *upper;
	PathTarget *target = root->upper_targets[UPPERREL_GROUP_AGG];
	Path *local = NULL;
	double groups;
	double rows;
	Cost cost;
	ForeignPath *path;

	(void) extra;
	if (stage != UPPERREL_GROUP_AGG || output_rel->fdw_private != NULL ||
		!can_aggregate(root, input_rel))
		return;
	plan = palloc(sizeof(SfbRelPlan));
	*plan = *(SfbRelPlan *) input_rel->fdw_private;
	plan->limited = false;
	plan->exprs = list_copy(plan->exprs);
	plan->types = list_copy(plan->types);
	upper = palloc0(sizeof(SfbUpperPlan));
	upper->target = create_empty_pathtarget();

	groups = count_groups(root, plan);
	if (is_count_alone(root, plan, target))
	{
		upper->kind = SFB_SCAN_COUNT;
		upper->columns.tlist = add_to_flat_tlist(NIL, parts_of((Node *) target->exprs));
		decide_count_transport(plan);
		if (plan->transport == SF_TRANSPORT_REST && !rest_aggregates(plan))
			return;
	}
	else
	{
		upper->kind = SFB_SCAN_GROUPS;
		if (!rest_aggregates(plan) || groups > SFB_MAX_GROUPS ||
			!make_upper(root, plan, target, upper))
			return;
		set_pathtarget_cost_width(root, upper->target);
		local = local_path(root, input_rel, output_rel, upper, groups);
		plan->transport = SF_TRANSPORT_REST;
		plan->why = "aggregates are one request";
	}
	output_rel->fdw_private = plan;
	rows = upper->having_local != NIL || upper->having != NIL ? clamp_row_est(groups / 3)
															  : groups;

	/* One request or one job, but Salesforce has to read the rows, which is not for nothing either. */
	cost = plan->options->fdw_startup_cost;
	if (plan->transport == SF_TRANSPORT_BULK)
		cost *= SFB_JOB_REQUESTS;
	cost += plan->fetched * cpu_operator_cost;
	path = sfb_foreign_upper_path(root, output_rel, target, rows, cost,
								  cost + groups *
											 (plan->options->fdw_tuple_cost + cpu_tuple_cost),
								  local, list_make2(plan, upper));
	path->path.parallel_safe = false; /* each worker would ask for all groups */
	add_path(output_rel, (Path *) path);
}

/* ---- plans ---------------------------------------------------------------------------------------------- */

ForeignScan *
sfb_upper_plan(ForeignPath *best_path, List *tlist, Plan *outer_plan)
{
	SfbRelPlan *plan = sfb_path_plan(best_path);
	SfbUpperPlan *upper = lsecond(best_path->fdw_private);
	SfbSelectList *select = &upper->columns.select;
	List *soql;
	List *private;

	soql = sfb_soql_form(plan, select->fields, select->types, NIL);
	lfirst(list_nth_cell(soql, SfbSoqlSelect)) = upper->select;
	lfirst(list_nth_cell(soql, SfbSoqlGroup)) = upper->group;
	lfirst(list_nth_cell(soql, SfbSoqlHaving)) = upper->having;
	lfirst(list_nth_cell(soql, SfbSoqlOrder)) = NIL;

	private = list_make5(soql, select->attrs, select->copies, makeInteger(upper->kind),
						 makeInteger(plan->transport));
	private = sfb_joined_private(plan, private, NIL, get_actual_clauses(plan->exact),
								 upper->columns.descriptions, NIL, upper->groups);
	return make_foreignscan(tlist, upper->having_local, 0, plan->exprs, private,
							upper->columns.tlist, NIL, outer_plan);
}
