/*
 * count.c
 *		count(*) as SELECT COUNT(), which Salesforce answers with a number instead of rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/planmain.h"
#include "optimizer/tlist.h"
#include "utils/fmgroids.h"

#include "compat.h"
#include "planner.h"

/* Longest conditions, in bytes, that leave the request's URI below Salesforce's limit of 16,384. */
#define COUNT_CONST_BYTES 4000

/* Does the aggregate count every row: count(*), count(1), count(id)? */
static bool
counts_rows(Aggref *agg, SfbRelPlan *plan)
{
	Node *arg;

	if (agg->aggdistinct != NIL || agg->aggorder != NIL || agg->aggfilter != NULL ||
		agg->agglevelsup != 0 || agg->aggsplit != AGGSPLIT_SIMPLE)
		return false;
	if (agg->aggfnoid == F_COUNT_)
		return true;
	if (agg->aggfnoid != F_COUNT_ANY)
		return false;

	arg = (Node *) linitial_node(TargetEntry, agg->args)->expr;
	if (IsA(arg, Const))
		return !((Const *) arg)->constisnull;
	if (IsA(arg, Var) && (Index) ((Var *) arg)->varno == plan->relid &&
		((Var *) arg)->varlevelsup == 0 && ((Var *) arg)->varattno > 0)
	{
		SfbColumn *column = &plan->columns[((Var *) arg)->varattno - 1];

		/* The record's own id is the one field that is never null. */
		return column->field != NULL && column->type == SFB_ID &&
			   pg_strcasecmp(column->field, "Id") == 0;
	}
	return false;
}

/* Can the relation's rows be counted over there? */
static bool
can_count(PlannerInfo *root, RelOptInfo *input_rel)
{
	SfbRelPlan *plan = input_rel->fdw_private;
	Query *parse = root->parse;

	if (input_rel->reloptkind != RELOPT_BASEREL || plan == NULL)
		return false;
	if (!parse->hasAggs || parse->groupClause != NIL || parse->groupingSets != NIL ||
		parse->havingQual != NULL || root->hasHavingQual)
		return false;

	/* COUNT() is REST's alone; a gating condition would get lost on the way. */
	return plan->options->pushdown && plan->options->object != NULL &&
		   plan->rechecked == NIL && plan->local == NIL && !plan->gated &&
		   plan->options->transport != SF_TRANSPORT_BULK &&
		   plan->const_bytes <= COUNT_CONST_BYTES;
}

void
sfbulkGetForeignUpperPaths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input_rel,
						   RelOptInfo *output_rel, void *extra)
{
	SfbRelPlan *plan = input_rel->fdw_private;
	List *scan_tlist = NIL;
	List *exprs;
	ListCell *lc;
	Cost cost;

	(void) extra;
	if (stage != UPPERREL_GROUP_AGG || output_rel->fdw_private != NULL ||
		!can_count(root, input_rel))
		return;

	exprs = pull_var_clause((Node *) root->upper_targets[UPPERREL_GROUP_AGG]->exprs,
							PVC_INCLUDE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
								PVC_RECURSE_PLACEHOLDERS);
	foreach (lc, exprs)
	{
		if (!IsA(lfirst(lc), Aggref) || !counts_rows(lfirst(lc), plan))
			return;
		scan_tlist = add_to_flat_tlist(scan_tlist, list_make1(lfirst(lc)));
	}
	if (scan_tlist == NIL)
		return;

	/* One request, one row. */
	output_rel->fdw_private = plan;
	cost = plan->options->fdw_startup_cost;
	add_path(output_rel,
			 (Path *) sfb_foreign_upper_path(
				 root, output_rel, root->upper_targets[UPPERREL_GROUP_AGG], 1, cost,
				 cost + plan->options->fdw_tuple_cost,
				 list_make1(list_make2(sfb_soql_form(plan, NIL, NIL, NIL), scan_tlist))));
}

ForeignScan *
sfb_count_plan(ForeignPath *best_path, List *tlist)
{
	SfbRelPlan *plan = best_path->path.parent->fdw_private;
	List *parts = linitial(best_path->fdw_private);
	List *private;

	private = list_make5(linitial(parts), NIL, NIL, makeInteger(SFB_SCAN_COUNT),
						 makeInteger(SF_TRANSPORT_REST));
	private = lappend(private, list_make2(makeString(pstrdup("a count is one request")), NIL));
	return make_foreignscan(tlist, NIL, 0, plan->exprs, private, lsecond(parts), NIL, NULL);
}
