/*
 * scan.c
 *		Foreign scans while they run: from fdw_private to rows.
 *
 * A scan without run-time parameters sends its request when the executor starts, so that the jobs
 * of a join or a UNION wait in Salesforce's queue together; any other at its first row.
 */
#include "scan.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "lists.h"
#include "progress.h"

/* Rows between two looks at whether to tell of the progress; a power of 2. */
#define LOOK_ROWS 1024

/* ---- may the request leave at executor start? ------------------------------------------------ */

/* Does an expression need what only a running plan has: the row of an outer plan, an InitPlan? */
static bool
has_exec_param(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) || (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC))
		return true;
	return expression_tree_walker(node, has_exec_param, context);
}

/*
 * Is wanted below plan, where it will run for sure unless the statement ends early?  Not so below
 * a Result that has a one-time filter and below an Append that leaves out children as it runs.
 * With once, also not where it may run several times.
 */
static bool
plan_contains(Plan *plan, Plan *wanted, bool once)
{
	List *children = NIL;
	ListCell *lc;

	if (plan == NULL)
		return false;
	if (plan == wanted)
		return true;
	check_stack_depth();
	switch (nodeTag(plan))
	{
		case T_Result:
			if (((Result *) plan)->resconstantqual != NULL)
				return false;
			break;
		case T_Append:
			if (!sfb_append_prunes((Append *) plan))
				children = ((Append *) plan)->appendplans;
			break;
		case T_MergeAppend:
			if (!sfb_append_prunes((MergeAppend *) plan))
				children = ((MergeAppend *) plan)->mergeplans;
			break;
		case T_SubqueryScan:
			return plan_contains(((SubqueryScan *) plan)->subplan, wanted, once);
		case T_NestLoop:
		case T_RecursiveUnion:
			if (once)
				return plan_contains(plan->lefttree, wanted, once);
			break;
		case T_ForeignScan:
			/* What is below it runs instead of it, if at all. */
			return false;
		case T_CustomScan:
			children = ((CustomScan *) plan)->custom_plans;
			break;
		default:
			break;
	}
	foreach (lc, children)
		if (plan_contains(lfirst(lc), wanted, once))
			return true;
	return plan_contains(plan->lefttree, wanted, once) ||
		   plan_contains(plan->righttree, wanted, once);
}

static bool
may_start_early(ForeignScanState *node, int eflags)
{
	EState *estate = node->ss.ps.state;
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;

	/* EXPLAIN of CREATE TABLE AS ... WITH NO DATA runs nothing; EvalPlanQual has the row already. */
	if ((eflags & EXEC_FLAG_WITH_NO_DATA) || estate->es_epq_active != NULL)
		return false;
	/* InitPlans, SubPlans and CTEs are beside the plan tree, and may never be asked. */
	return !has_exec_param((Node *) plan->fdw_exprs, NULL) &&
		   plan_contains(estate->es_plannedstmt->planTree, (Plan *) plan, false);
}

/*
 * May the rows be wanted again?  The executor says so only where they will be the same ones.  A scan
 * below what depends on a parameter, as in a correlated subquery, does not know that it is not
 * concerned: its job is kept, so that not every outer row has a job of its own.
 */
static bool
may_run_again(ForeignScanState *node, int eflags)
{
	return (eflags & EXEC_FLAG_REWIND) != 0 ||
		   !plan_contains(node->ss.ps.state->es_plannedstmt->planTree, node->ss.ps.plan, true);
}

/* ---- the request --------------------------------------------------------------------------- */

void
sfb_scan_end_request(SfbScanState *scan)
{
	sf_query_stats stats;

	if (sfb_scan_query(scan) == NULL)
		return;
	sfb_queries_stats(scan, &stats);
	scan->stats = stats;
	scan->have_stats = true;
	sfb_progress_end(scan->progress);
	sfb_guard_clear(scan->guard);
}

/*
 * The request for the current parameters.  A count that no query can make for the length of its conditions is
 * made of rows here.
 */
static SfbRequest *
build_request(ForeignScanState *node, MemoryContext context)
{
	SfbScanState *scan = node->fdw_state;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	MemoryContext oldcontext = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	SfbRequest *request;
	ListCell *lc;
	int i = 0;

	foreach (lc, scan->exprs)
	{
		scan->values[i] = ExecEvalExpr((ExprState *) lfirst(lc), econtext, &scan->nulls[i]);
		i++;
	}
	MemoryContextSwitchTo(context);
	request = sfb_request_new(scan->soql_plan, scan->transport, scan->nexprs, scan->values,
							  scan->nulls);
	if (scan->kind == SFB_SCAN_COUNT && !scan->counts_rows && !request->fits)
	{
		MemoryContextSwitchTo(scan->context);
		scan->counts_rows = true;
		scan->soql_plan = sfb_soql_of_rows(scan->soql_plan);
		scan->nfields = sfb_soql_columns(scan->soql_plan, &scan->columns);
		scan->transport = scan->options->transport;
		MemoryContextSwitchTo(context);
		request = sfb_request_new(scan->soql_plan, scan->transport, scan->nexprs, scan->values,
								  scan->nulls);
	}
	MemoryContextSwitchTo(oldcontext);
	return request;
}

void
sfb_scan_start(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;
	MemoryContext context =
		AllocSetContextCreate(scan->context, "sfbulk_fdw request", ALLOCSET_SMALL_SIZES);
	SfbRequest *request = build_request(node, context);
	bool same = scan->started && sfb_request_equals(request, scan->request);

	scan->rescan = false;
	scan->done = false;
	scan->row = 0;
	scan->count = 0;
	scan->answers = 0;
	if (!same)
		sfb_scan_end_request(scan);
	if (scan->request_context != NULL)
		MemoryContextDelete(scan->request_context);
	scan->request_context = context;
	scan->request = request;
	if (same && (scan->never || sfb_groups_are_local(scan) ||
				 (sfb_scan_query(scan) != NULL && !scan->fetched)))
		return;
	if (same && sfb_scan_query(scan) != NULL && sfb_queries_rewind(scan))
	{
		scan->fetched = false;
		return;
	}

	sfb_scan_end_request(scan);
	scan->started = false;
	scan->fetched = false;
	scan->never = request->count == 0;
	scan->too_long = scan->kind == SFB_SCAN_GROUPS &&
					 (request->count > 1 || request->checks || !request->fits);
	if (!scan->never && !scan->too_long)
		sfb_queries_start(scan);
	scan->started = true;
}

/* ---- begin --------------------------------------------------------------------------------- */

/* A line of context for errors while a row is converted: where, never what. */
static void
conversion_context(void *arg)
{
	SfbScanState *scan = arg;
	sf_query_stats stats = {0};

	sfb_fields_context(scan->fields, scan->relname, scan->row);
	if (sfb_scan_query(scan) != NULL)
		sf_query_get_stats(sfb_scan_query(scan), &stats);
	else if (scan->parallel != NULL)
		strlcpy(stats.job_id, sfb_parallel_job(scan), sizeof(stats.job_id));
	if (stats.job_id[0])
		errcontext("bulk job %s", stats.job_id);
}

/* What the plan says about the SELECT list and where its fields go. */
static void
init_columns(SfbScanState *scan, List *attrs, List *copies, SfbColumn *table_columns)
{
	scan->nfields = sfb_soql_columns(scan->soql_plan, &scan->columns);
	if (scan->kind != SFB_SCAN_COUNT)
		scan->fields =
			sfb_fields_new(scan->nfields, scan->columns, attrs, copies, table_columns);
}

/* The columns of fdw_scan_tlist, as the plan describes them. */
static SfbColumn *
planned_columns(List *descriptions, char ***relnames)
{
	SfbColumn *columns = palloc0(sizeof(SfbColumn) * Max(list_length(descriptions), 1));
	int i = 0;
	ListCell *lc;

	*relnames = palloc0(sizeof(char *) * Max(list_length(descriptions), 1));
	foreach (lc, descriptions)
	{
		List *description = lfirst(lc);
		Oid reloid = intVal(list_nth(description, SfbScanColumnRelation));

		if (OidIsValid(reloid))
			(*relnames)[i] = get_rel_name(reloid);

		columns[i].attnum = i + 1;
		columns[i].attname = strVal(list_nth(description, SfbScanColumnName));
		columns[i].field = columns[i].attname;
		columns[i].type = intVal(list_nth(description, SfbScanColumnType));
		columns[i].pgtype = intVal(list_nth(description, SfbScanColumnOid));
		columns[i].typmod = intVal(list_nth(description, SfbScanColumnMod));
		i++;
	}
	return columns;
}

static void
init_parameters(SfbScanState *scan, ForeignScanState *node, List *fdw_exprs)
{
	scan->exprs = ExecInitExprList(fdw_exprs, &node->ss.ps);
	scan->nexprs = list_length(fdw_exprs);
	scan->values = palloc0(sizeof(Datum) * Max(scan->nexprs, 1));
	scan->nulls = palloc0(sizeof(bool) * Max(scan->nexprs, 1));
}

/* The table whose object is asked: a relation's scan has its index, any other the set of those of its tables. */
static RangeTblEntry *
scan_rte(ForeignScanState *node)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	Index rtindex = plan->scan.scanrelid;

	if (rtindex == 0)
		rtindex = (Index) (bms_next_member(sfb_scan_baserels(plan), -1) +
						   intVal(list_nth(plan->fdw_private, SfbScanPrivateAsked)));
	return exec_rt_fetch(rtindex, node->ss.ps.state);
}

SfbTableOptions *
sfb_scan_options(ForeignScanState *node)
{
	return sfb_table_options(scan_rte(node)->relid);
}

sf_session *
sfb_scan_session(ForeignScanState *node, SfbTableOptions **options)
{
	RangeTblEntry *rte = scan_rte(node);
	Oid userid = sfb_check_as_user((ForeignScan *) node->ss.ps.plan, rte);

	*options = sfb_table_options(rte->relid);
	if (!OidIsValid(userid))
		userid = GetUserId();
	return sfb_session_get(GetUserMapping(userid, GetForeignTable(rte->relid)->serverid));
}

void
sfbulkBeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	SfbScanState *scan;
	List *columns;
	char **relnames = NULL;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	scan = palloc0(sizeof(SfbScanState));
	sfb_queries_init(scan, sfb_scan_session(node, &scan->options));
	sfb_queries_init_progress(scan, scan_rte(node)->relid,
							  GetForeignTable(scan_rte(node)->relid)->serverid);
	scan->soql_plan = list_nth(plan->fdw_private, SfbScanPrivateSoql);
	scan->kind = intVal(list_nth(plan->fdw_private, SfbScanPrivateKind));
	scan->transport = intVal(list_nth(plan->fdw_private, SfbScanPrivateTransport));
	scan->rewindable = may_run_again(node, eflags);
	scan->context = CurrentMemoryContext;
	scan->relname = node->ss.ss_currentRelation != NULL
						? RelationGetRelationName(node->ss.ss_currentRelation)
						: get_rel_name(scan_rte(node)->relid);
	columns = list_nth(plan->fdw_private, SfbScanPrivateColumns);
	init_columns(scan, list_nth(plan->fdw_private, SfbScanPrivateAttrs),
				 list_nth(plan->fdw_private, SfbScanPrivateCopies),
				 node->ss.ss_currentRelation != NULL
					 ? sfb_table_columns(node->ss.ss_currentRelation)
					 : planned_columns(columns, &relnames));
	if (scan->fields != NULL)
		scan->fields->relnames = relnames;
	sfb_whole_rows_init(scan, list_nth(plan->fdw_private, SfbScanPrivateWholeRows), columns);
	init_parameters(scan, node, plan->fdw_exprs);

	scan->callback.callback = conversion_context;
	scan->callback.arg = scan;
	node->fdw_state = scan;
	if (plan->scan.plan.parallel_aware)
		sfb_parallel_init(scan);
	if (scan->kind == SFB_SCAN_GROUPS)
		sfb_groups_init(node, list_nth(plan->fdw_private, SfbScanPrivateGroups));

	/* A worker reads of the leader's request. */
	if (!IsParallelWorker() && may_start_early(node, eflags))
		sfb_scan_start(node);
}

/* ---- rows ---------------------------------------------------------------------------------- */

/*
 * There is no row: there is none yet, or all were read.  Then the job can go while the rest of the plan works,
 * unless they are read again.
 */
static void
no_row(SfbScanState *scan)
{
	if (scan->starved)
		return;
	scan->done = true;
	if (!scan->rewindable && sfb_scan_query(scan) != NULL)
	{
		sfb_scan_end_request(scan);
		scan->started = false;
		sfb_kick(scan->guard->session);
	}
}

static int64
count_of(const sf_value *value)
{
	char *end;
	int64 count;

	if (value->data == NULL)
		elog(ERROR, "no count in the answer");
	errno = 0;
	count = strtoi64(value->data, &end, 10);
	if (errno != 0 || *end != '\0')
		elog(ERROR, "count is no integer");
	return count;
}

/* count(*) of the whole relation: one row with the number in every column. */
static void
fill_count(SfbScanState *scan, TupleTableSlot *slot)
{
	sf_value *values;

	while (!scan->never && sfb_scan_next_row(scan, &values))
	{
		scan->answers++;
		if (!scan->counts_rows)
			scan->count += count_of(&values[0]);
	}
	if (scan->starved)
		return;
	if (scan->counts_rows)
		scan->count = scan->answers;
	else if (!scan->never && scan->answers != scan->request->count)
		elog(ERROR, "no count in the answer");
	for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
	{
		slot->tts_values[i] = Int64GetDatum(scan->count);
		slot->tts_isnull[i] = false;
	}
	ExecStoreVirtualTuple(slot);
	scan->done = true;
}

void
sfb_scan_store_row(SfbScanState *scan, sf_value *values, TupleTableSlot *slot)
{
	if (unlikely(++scan->row % LOOK_ROWS == 0))
		sfb_progress_tick();

	/* What the SELECT list does not fill is not looked at. */
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts);
	scan->callback.previous = error_context_stack;
	error_context_stack = &scan->callback;
	sfb_fields_convert(scan->fields, values, slot->tts_values, slot->tts_isnull);
	error_context_stack = scan->callback.previous;
	if (unlikely(scan->nwhole_rows > 0))
		sfb_whole_rows_fill(scan, slot);
	ExecStoreVirtualTuple(slot);
}

TupleTableSlot *
sfbulkIterateForeignScan(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	sf_value *values;

	ExecClearTuple(slot);
	if (sfb_parallel_is_shared(scan))
	{
		if (sfb_parallel_next_row(scan, &values))
			sfb_scan_store_row(scan, values, slot);
		return slot;
	}
	if (unlikely(scan->rescan || (!scan->started && !scan->done)))
		sfb_scan_start(node);
	if (unlikely(scan->done))
		return slot;

	scan->fetched = true;
	if (unlikely(scan->kind == SFB_SCAN_COUNT))
		fill_count(scan, slot);
	else if (unlikely(scan->kind == SFB_SCAN_GROUPS))
	{
		if (!sfb_groups_next(node))
			no_row(scan);
	}
	else if (scan->never || !sfb_scan_next_row(scan, &values))
		no_row(scan);
	else
		sfb_scan_store_row(scan, values, slot);
	return slot;
}

void
sfbulkReScanForeignScan(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;

	/* Whether anything has changed is known when the parameters are evaluated, at the next row. */
	if (scan->started || scan->done)
		scan->rescan = true;
	if (scan->kind == SFB_SCAN_GROUPS)
		sfb_groups_forget(node);
}

/*
 * EvalPlanQual: a scan of a base relation has its tuple already, one of a join makes it anew of the tuples
 * of its tables, as the local join does that was planned beside it.
 */
bool
sfbulkRecheckForeignScan(ForeignScanState *node, TupleTableSlot *slot)
{
	PlanState *outer = outerPlanState(node);
	TupleTableSlot *result;

	if (((Scan *) node->ss.ps.plan)->scanrelid > 0)
		return true;

	/* In a subquery, where nothing can have changed; not all minor releases of PostgreSQL know. */
	if (outer == NULL)
		return !TupIsNull(sfbulkIterateForeignScan(node));
	result = ExecProcNode(outer);
	if (TupIsNull(result))
		return false;
	ExecCopySlot(slot, result);
	return true;
}

void
sfbulkEndForeignScan(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;

	if (scan == NULL)
		return;
	if (scan->groups != NULL)
		sfb_groups_forget(node);
	if (scan->guard->session == NULL)
		return;
	if (scan->parallel != NULL)
		sfb_parallel_end(node);
	sfb_scan_end_request(scan);
	sfb_session_cleanup(scan->guard->session, sfb_cleanup_timeout);
}

/* ---- for explain.c -------------------------------------------------------------------------- */

const char *
sfb_scan_soql(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;

	return scan != NULL && scan->request != NULL ? scan->request->shown : NULL;
}

bool
sfb_scan_stats(ForeignScanState *node, sf_query_stats *stats)
{
	SfbScanState *scan = node->fdw_state;

	if (scan == NULL || !sfb_queries_stats(scan, stats))
		return false;
	if (scan->parallel != NULL)
		sfb_parallel_add_stats(scan, stats);
	return true;
}

int
sfb_scan_query_count(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;

	return scan != NULL && scan->request != NULL ? scan->request->count : 0;
}
