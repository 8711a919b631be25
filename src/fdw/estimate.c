/*
 * estimate.c
 *		Estimates of Salesforce's own optimizer, for planning and for EXPLAIN.
 *
 * With the option use_remote_estimate, planning has the query explained over there: the only network I/O
 * that planning does, one call for each relation.  A condition whose value is not known yet is left out of
 * the question, and guessed here as usual.  Where Salesforce does not explain a query, everything is.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"

#include "compat.h"
#include "ask.h"
#include "governor.h"
#include "planner.h"

/* The plan's operands as far as planning knows them. */
static List *
known_operands(PlannerInfo *root, SfbRelPlan *plan)
{
	List *result = NIL;
	ListCell *lc;

	foreach (lc, plan->exprs)
		result = lappend(result, estimate_expression_value(root, lfirst(lc)));
	return result;
}

/* Does a condition have an operand whose value planning does not know? */
static bool
has_unknown_operand(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) || IsA(node, SubPlan) || IsA(node, AlternativeSubPlan))
		return true;
	return expression_tree_walker(node, has_unknown_operand, context);
}

/* The conditions that the question leaves out. */
static List *
unknown_conditions(PlannerInfo *root, List *rinfos)
{
	List *result = NIL;
	ListCell *lc;

	foreach (lc, rinfos)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (has_unknown_operand(estimate_expression_value(root, (Node *) rinfo->clause), NULL))
			result = lappend(result, rinfo);
	}
	return result;
}

void
sfb_remote_estimate(RelOptInfo *baserel, SfbRelPlan *plan)
{
	PlannerInfo *root = plan->root;
	Oid userid = OidIsValid(baserel->userid) ? baserel->userid : GetUserId();
	List *unknown;
	sf_query_plan answer;
	int calls = 0;
	bool filtered;
	double rows;
	char *soql;
	sf_session *session;

	if (!plan->options->use_remote_estimate)
		return;
	soql = sfb_soql_estimate(
		sfb_soql_form(plan, list_make1(makeString("Id")), list_make1_int(SFB_ID), NIL),
		known_operands(root, plan), &filtered);
	if (soql == NULL)
	{
		/* no row can be */
		plan->fetched = baserel->rows = 1;
		return;
	}
	session = sfb_session_get(GetUserMapping(userid, baserel->serverid));
	if (!sfb_governor_allows(session, SFB_WORK_CALLS) ||
		!sfb_ask_plan(session, soql, &answer, &calls))
		return;

	plan->analyzed = plan->estimated = true;
	plan->tuples = baserel->tuples = (double) answer.object_rows;
	rows = sfb_planned_rows(&answer, filtered);
	unknown = unknown_conditions(root, list_concat_copy(plan->exact, plan->rechecked));
	rows *= clauselist_selectivity(root, unknown, baserel->relid, JOIN_INNER, NULL);
	plan->fetched = clamp_row_est(rows);
	rows *= clauselist_selectivity(root, plan->local, baserel->relid, JOIN_INNER, NULL);
	baserel->rows = clamp_row_est(rows);
}
