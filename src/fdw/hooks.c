/*
 * hooks.c
 *		Where the FDW interface does not reach: how many rows a statement has written, and what to say
 *		of ON CONFLICT.
 *
 * Rows are counted when the executor hands them over, but what Salesforce rejects is known when all of
 * them were sent.  So the load of a statement is finished right after its run, before anybody reads
 * the count.  Only what the run is about has a place in its count: data-modifying CTEs, which may run later
 * still, and COPY, which has no hook, are finished by their End callbacks, where the WARNING tells.
 *
 * The hooks are there once the module is loaded: by the first statement on one of its tables, or by
 * session_preload_libraries = 'sfbulk_fdw', without which a session's first statement, if it has an ON
 * CONFLICT DO UPDATE, gets PostgreSQL's own error for a table without a unique index.
 *
 * MERGE is refused by PostgreSQL's parser, which no hook comes before.  So its error gets a hint on its way out:
 * elog.c promises nothing for that, but a hint that was missing is read by nobody before it is sent.
 */
#include "modify.h"
#include "progress.h"

#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"

static ExecutorRun_hook_type previous_run = NULL;
static post_parse_analyze_hook_type previous_analyze = NULL;
static emit_log_hook_type previous_emit = NULL;

/* Tables that are written to by statements at work, the latest first. */
static dlist_head writing = DLIST_STATIC_INIT(writing);

/* ---- the number of rows ---------------------------------------------------------------------- */

/* The executor's memory goes, by an error or not. */
static void
forget_modify(void *arg)
{
	SfbModify *modify = arg;

	dlist_delete(&modify->link);
}

bool
sfb_estate_writes(const EState *estate, Oid serverid)
{
	dlist_iter iter;

	dlist_foreach(iter, &writing)
	{
		const SfbModify *modify = dlist_container(SfbModify, link, iter.cur);

		if (modify->estate == estate && modify->serverid == serverid)
			return true;
	}
	return false;
}

void
sfb_watch_modify(SfbModify *modify)
{
	dlist_push_head(&writing, &modify->link);
	modify->callback.func = forget_modify;
	modify->callback.arg = modify;
	MemoryContextRegisterResetCallback(modify->estate->es_query_cxt, &modify->callback);
}

/* Finishes a load; returns how many of its rows the executor has counted without cause. */
static int64
finish_load(SfbModify *modify)
{
	int64 rejected = sfb_load_finish(modify->load);

	modify->load = NULL;
	return Max(rejected - modify->rejected, 0);
}

void
sfb_finish_modify(SfbModify *modify)
{
	MemoryContext oldcontext;

	if (modify == NULL || modify->load == NULL)
		return;
	oldcontext = MemoryContextSwitchTo(modify->estate->es_query_cxt);
	finish_load(modify);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * The next table of this executor whose rows are the statement's and have all been handed over.  The list
 * is searched anew each time: to finish a load may run other statements.
 */
static SfbModify *
next_complete(EState *estate)
{
	dlist_iter iter;
	SfbModify *oldest = NULL;

	dlist_foreach(iter, &writing)
	{
		SfbModify *modify = dlist_container(SfbModify, link, iter.cur);

		if (modify->estate == estate && modify->load != NULL && modify->mtstate->canSetTag &&
			modify->mtstate->mt_done)
			oldest = modify;
	}
	return oldest;
}

static void
executor_run(SFB_EXECUTOR_RUN_PARAMS)
{
	EState *estate = desc->estate;
	SfbModify *modify;
	MemoryContext oldcontext;

	if (previous_run)
		previous_run(SFB_EXECUTOR_RUN_ARGS);
	else
		standard_ExecutorRun(SFB_EXECUTOR_RUN_ARGS);

	sfb_progress_flush();
	if (dlist_is_empty(&writing))
		return;
	oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);
	while ((modify = next_complete(estate)) != NULL)
	{
		uint64 rejected = finish_load(modify);

		estate->es_processed -= Min(rejected, estate->es_processed);
	}
	MemoryContextSwitchTo(oldcontext);
}

/* ---- ON CONFLICT ----------------------------------------------------------------------------- */

void
sfb_check_conflict(Oid relid, OnConflictAction action)
{
	SfbTableOptions *options;

	if (action == ONCONFLICT_NONE)
		return;
	options = sfb_table_options(relid);
	ereport(
		ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		errmsg("INSERT with ON CONFLICT is not supported for foreign table \"%s\"",
			   get_rel_name(relid)),
		options->upsert_key
			? errhint(
				  "Leave ON CONFLICT out: with the table's option \"upsert_key\" an INSERT "
				  "updates the record that has the same %s.",
				  options->upsert_key)
			: errhint(
				  "With the table's option \"upsert_key\" an INSERT updates the record that "
				  "has the same external id."));
}

/* The planner would say that there is no unique index, so this has to come first. */
static bool
check_query(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query *query = (Query *) node;

		if (query->utilityStmt != NULL && IsA(query->utilityStmt, ExplainStmt))
			return check_query(((ExplainStmt *) query->utilityStmt)->query, context);
		if (query->commandType == CMD_INSERT && query->onConflict != NULL)
		{
			RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);

			if (rte->relkind == RELKIND_FOREIGN_TABLE &&
				GetFdwRoutineByRelId(rte->relid)->ExecForeignInsert == sfbulkExecForeignInsert)
				sfb_check_conflict(rte->relid, query->onConflict->action);
		}
		return query_tree_walker(query, check_query, context, QTW_IGNORE_RANGE_TABLE);
	}
	return expression_tree_walker(node, check_query, context);
}

static void
post_parse_analyze(ParseState *pstate, Query *query, JumbleState *jstate)
{
	if (previous_analyze)
		previous_analyze(pstate, query, jstate);
	if (query->commandType == CMD_INSERT || query->hasModifyingCTE ||
		query->commandType == CMD_UTILITY)
		check_query((Node *) query, NULL);
}

/* ---- MERGE ------------------------------------------------------------------------------------ */

static void
emit_log(ErrorData *edata)
{
	if (edata->elevel == ERROR && edata->hint == NULL && edata->message_id != NULL &&
		strcmp(edata->message_id, "cannot execute MERGE on relation \"%s\"") == 0 &&
		edata->detail != NULL &&
		strcmp(edata->detail, _("This operation is not supported for foreign tables.")) == 0)
		edata->hint = MemoryContextStrdup(edata->assoc_context,
										  "With the option \"upsert_key\" of a foreign table "
										  "of sfbulk_fdw an INSERT updates "
										  "the record that has the same external id.");
	if (previous_emit)
		previous_emit(edata);
}

void
sfb_hooks_init(void)
{
	previous_run = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
	previous_analyze = post_parse_analyze_hook;
	post_parse_analyze_hook = post_parse_analyze;
	previous_emit = emit_log_hook;
	emit_log_hook = emit_log;
}
