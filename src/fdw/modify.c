/*
 * modify.c
 *		INSERT, UPDATE, DELETE and COPY FROM: the FDW callbacks, between the executor and load.c.
 *
 * The plan of an UPDATE or DELETE gives each record's Id as a junk column, and what RETURNING or triggers
 * want to see as a whole row.  What is sent is chosen when the executor starts, from what the statement
 * names: see modify_columns.c.
 */
#include "modify.h"

#include "access/table.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/appendinfo.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"

/* The name that core gives to a whole-row junk column. */
#define WHOLE_ROW_NAME "wholerow"

/* ---- planning -------------------------------------------------------------------------------- */

int
sfbulkIsForeignRelUpdatable(Relation rel)
{
	SfbTableOptions *options = sfb_table_options(RelationGetRelid(rel));

	if (options->query != NULL || !options->updatable)
		return 0;
	return (1 << CMD_INSERT) | (1 << CMD_UPDATE) | (1 << CMD_DELETE);
}

/*
 * The name of the Id's junk column.  Tables of one inheritance tree share a junk column only where it is
 * the same column of the same type, which the name has to tell.
 */
static char *
id_junk_name(Relation rel, AttrNumber attnum)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel), attnum - 1);

	return psprintf("sfbulk_id_%d_%u_%d_%u", attnum, attr->atttypid, attr->atttypmod,
					attr->attcollation);
}

void
sfbulkAddForeignUpdateTargets(PlannerInfo *root, Index rtindex, RangeTblEntry *target_rte,
							  Relation target_relation)
{
	CmdType command = root->parse->commandType;
	SfbColumn *columns = sfb_table_columns(target_relation);
	AttrNumber attnum = sfb_id_column(target_relation, columns);
	TriggerDesc *triggers = target_relation->trigdesc;
	Form_pg_attribute attr;
	Var *var;

	sfb_check_writable(target_relation, sfb_table_options(target_rte->relid), command);
	if (attnum == 0)
		sfb_no_id_column(target_relation);
	attr = TupleDescAttr(RelationGetDescr(target_relation), attnum - 1);
	var = makeVar(rtindex, attnum, attr->atttypid, attr->atttypmod, attr->attcollation, 0);
	add_row_identity_var(root, var, rtindex, id_junk_name(target_relation, attnum));

	/* Core asks for the whole row in an UPDATE or where a trigger wants it, not for RETURNING. */
	if (command == CMD_DELETE && root->parse->returningList != NIL &&
		!(triggers && (triggers->trig_delete_before_row || triggers->trig_delete_after_row)))
		add_row_identity_var(root,
							 makeVar(rtindex, InvalidAttrNumber, RECORDOID, -1, InvalidOid, 0),
							 rtindex, WHOLE_ROW_NAME);
}

/* The attributes of the table that an expression means, as a list. */
static List *
columns_in(Node *node, Index varno)
{
	Bitmapset *columns = NULL;
	List *list = NIL;
	int i = -1;

	pull_varattnos(node, varno, &columns);
	while ((i = bms_next_member(columns, i)) >= 0)
		list = lappend_int(list, i);
	return list;
}

List *
sfbulkPlanForeignModify(PlannerInfo *root, ModifyTable *plan, Index resultRelation,
						int subplan_index)
{
	RangeTblEntry *rte = planner_rt_fetch(resultRelation, root);
	Relation rel = table_open(rte->relid, NoLock);
	List *given = NIL;
	List *returning = NIL;
	List *checks = NIL;

	sfb_check_writable(rel, sfb_table_options(rte->relid), plan->operation);
	sfb_check_conflict(RelationGetRelid(rel), plan->onConflictAction);
	table_close(rel, NoLock);
	if (plan->operation == CMD_INSERT)
		given = sfb_given_columns(root->processed_tlist);
	if (plan->returningLists != NIL)
		returning = list_nth(plan->returningLists, subplan_index);
	if (plan->withCheckOptionLists != NIL)
		checks = list_nth(plan->withCheckOptionLists, subplan_index);
	return list_make5(given, makeInteger(returning != NIL),
					  columns_in((Node *) returning, resultRelation),
					  makeInteger(checks != NIL), columns_in((Node *) checks, resultRelation));
}

/* ---- begin ----------------------------------------------------------------------------------- */

/* May the rows of a plan have the target's rows several times? Only a join makes that. */
static bool
may_repeat_rows(Plan *plan)
{
	List *children = NIL;
	ListCell *lc;

	if (plan == NULL)
		return false;
	check_stack_depth();
	switch (nodeTag(plan))
	{
		case T_NestLoop:
		case T_MergeJoin:
		case T_HashJoin:
			if (((Join *) plan)->jointype != JOIN_SEMI &&
				((Join *) plan)->jointype != JOIN_ANTI)
				return true;
			break;
		case T_CustomScan:
			return true;
		case T_Append:
			children = ((Append *) plan)->appendplans;
			break;
		case T_MergeAppend:
			children = ((MergeAppend *) plan)->mergeplans;
			break;
		case T_SubqueryScan:
			return may_repeat_rows(((SubqueryScan *) plan)->subplan);
		default:
			break;
	}
	foreach (lc, children)
		if (may_repeat_rows(lfirst(lc)))
			return true;
	return may_repeat_rows(plan->lefttree) || may_repeat_rows(plan->righttree);
}

static sf_operation
operation_of(CmdType command, const SfbTableOptions *options)
{
	switch (command)
	{
		case CMD_INSERT:
			return options->upsert_key ? SF_OP_UPSERT : SF_OP_INSERT;
		case CMD_UPDATE:
			return SF_OP_UPDATE;
		case CMD_DELETE:
			return options->hard_delete ? SF_OP_HARD_DELETE : SF_OP_DELETE;
		default:
			elog(ERROR, "unexpected operation: %d", (int) command);
	}
}

/* A table that is written to, as far as it is known before anything but columns is. */
static SfbModify *
make_modify(ModifyTableState *mtstate, ResultRelInfo *rri, CmdType command)
{
	SfbModify *modify = palloc0(sizeof(SfbModify));

	modify->rel = rri->ri_RelationDesc;
	modify->options = sfb_table_options(RelationGetRelid(modify->rel));
	modify->columns = sfb_table_columns(modify->rel);
	modify->operation = operation_of(command, modify->options);
	modify->mtstate = mtstate;
	modify->estate = mtstate->ps.state;
	return modify;
}

static Bitmapset *
list_members(List *list)
{
	Bitmapset *members = NULL;
	ListCell *lc;

	foreach (lc, list)
		members = bms_add_member(members, lfirst_int(lc));
	return members;
}

static void
begin_load(SfbModify *modify, ResultRelInfo *rri)
{
	Oid userid = sfb_result_rel_user(rri, modify->estate);
	SfbLoadSpec spec = {
		.relname = RelationGetRelationName(modify->rel),
		.relid = RelationGetRelid(modify->rel),
		.options = modify->options,
		.columns = modify->columns,
		.operation = modify->operation,
		.ncolumns = modify->ncolumns,
		.attnums = modify->attnums,
		.one_by_one = modify->one_by_one,
	};

	modify->serverid = GetForeignTable(RelationGetRelid(modify->rel))->serverid;
	spec.user = GetUserMapping(OidIsValid(userid) ? userid : GetUserId(), modify->serverid);
	spec.same_statement = sfb_estate_writes(modify->estate, modify->serverid);
	if (modify->one_by_one && modify->options->apply == SFB_APPLY_COMMIT)
		ereport(
			ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("INSERT with RETURNING into foreign table \"%s\" is not possible with "
				   "apply 'commit'",
				   RelationGetRelationName(modify->rel)),
			errdetail("The records, and their Ids, are made when the transaction commits."));

	modify->load = sfb_load_begin(&spec);

	/*
	 * A row that its view does not allow is not sent: core checks what is returned to it, which is too
	 * late.
	 */
	modify->check_first = modify->checks;
	if (modify->one_by_one)
		modify->writeback = sfb_writeback_new(modify, rri, spec.user);
	sfb_watch_modify(modify);
}

/* Where the rows of an UPDATE's or DELETE's plan have what identifies the records. */
static void
find_junk_columns(SfbModify *modify, ResultRelInfo *rri, CmdType command)
{
	Plan *subplan = outerPlanState(modify->mtstate)->plan;
	TriggerDesc *triggers = rri->ri_TrigDesc;

	modify->junk_id = ExecFindJunkAttributeInTlist(subplan->targetlist,
												   id_junk_name(modify->rel, modify->id));
	if (!AttributeNumberIsValid(modify->junk_id))
		elog(ERROR, "could not find the junk column of the Id");
	modify->check_id = triggers != NULL && triggers->trig_update_before_row;
	if (may_repeat_rows(subplan))
	{
		Oid output;
		bool varlena;

		getTypeOutputInfo(modify->columns[modify->id - 1].pgtype, &output, &varlena);
		fmgr_info(output, &modify->id_output);
		modify->taken = sfb_idset_new();
	}
	if (command == CMD_DELETE)
	{
		int natts = RelationGetDescr(modify->rel)->natts;

		modify->values = palloc0(sizeof(Datum) * natts);
		modify->isnull = palloc(sizeof(bool) * natts);
		memset(modify->isnull, true, sizeof(bool) * natts);
		modify->isnull[modify->id - 1] = false;
		if (modify->returning)
			modify->junk_row =
				ExecFindJunkAttributeInTlist(subplan->targetlist, WHOLE_ROW_NAME);
	}
}

void
sfbulkBeginForeignModify(ModifyTableState *mtstate, ResultRelInfo *resultRelInfo,
						 List *fdw_private, int subplan_index, int eflags)
{
	CmdType command = mtstate->operation;
	SfbModify *modify = make_modify(mtstate, resultRelInfo, command);

	(void) subplan_index;
	modify->returning = intVal(list_nth(fdw_private, SfbModifyReturning)) != 0;
	modify->returned = list_members(list_nth(fdw_private, SfbModifyReturned));
	modify->checks = intVal(list_nth(fdw_private, SfbModifyChecks)) != 0;
	modify->checked = list_members(list_nth(fdw_private, SfbModifyChecked));
	modify->one_by_one = command == CMD_INSERT && modify->returning;
	sfb_choose_columns(modify, resultRelInfo, modify->estate, command, true,
					   list_nth(fdw_private, SfbModifyGiven));
	resultRelInfo->ri_FdwState = modify;
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	if (command != CMD_INSERT)
		find_junk_columns(modify, resultRelInfo, command);
	begin_load(modify, resultRelInfo);
}

/* COPY FROM, and rows that are routed to a partition. */
void
sfbulkBeginForeignInsert(ModifyTableState *mtstate, ResultRelInfo *resultRelInfo)
{
	ModifyTable *plan = castNode(ModifyTable, mtstate->ps.plan);
	Relation rel = resultRelInfo->ri_RelationDesc;
	SfbModify *modify;
	Index varno;
	MemoryContext oldcontext;

	/* The UPDATE could find the row that it has moved here, and update it again. */
	if (plan != NULL && plan->operation == CMD_UPDATE && resultRelInfo->ri_FdwState != NULL)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot route tuples into foreign table to be updated \"%s\"",
					   RelationGetRelationName(rel)));
	sfb_check_writable(rel, sfb_table_options(RelationGetRelid(rel)), CMD_INSERT);
	if (plan != NULL)
		sfb_check_conflict(RelationGetRelid(rel), plan->onConflictAction);

	oldcontext = MemoryContextSwitchTo(mtstate->ps.state->es_query_cxt);
	modify = make_modify(mtstate, resultRelInfo, CMD_INSERT);

	/* A partition's lists were made from those of the statement's first table. */
	varno = resultRelInfo->ri_RangeTableIndex != 0
				? resultRelInfo->ri_RangeTableIndex
				: mtstate->resultRelInfo[0].ri_RangeTableIndex;
	modify->returning = modify->one_by_one = resultRelInfo->ri_projectReturning != NULL;
	pull_varattnos((Node *) resultRelInfo->ri_returningList, varno, &modify->returned);
	modify->checks = resultRelInfo->ri_WithCheckOptions != NIL;
	pull_varattnos((Node *) resultRelInfo->ri_WithCheckOptions, varno, &modify->checked);
	sfb_choose_columns(modify, resultRelInfo, modify->estate, CMD_INSERT, false, NIL);
	begin_load(modify, resultRelInfo);
	resultRelInfo->ri_FdwState = modify;
	MemoryContextSwitchTo(oldcontext);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* An upsert cannot find a record by nothing. */
static void
check_key(const SfbModify *modify, TupleTableSlot *slot)
{
	const SfbColumn *column = &modify->columns[modify->key - 1];
	bool empty = slot->tts_isnull[modify->key - 1];

	/* Salesforce knows no empty text. */
	if (!empty && TupleDescAttr(slot->tts_tupleDescriptor, modify->key - 1)->attlen == -1)
		empty = VARSIZE_ANY_EXHDR(DatumGetPointer(slot->tts_values[modify->key - 1])) == 0;
	if (unlikely(empty))
		ereport(ERROR, errcode(ERRCODE_NOT_NULL_VIOLATION),
				errmsg("null value in column \"%s\" of foreign table \"%s\"", column->attname,
					   RelationGetRelationName(modify->rel)),
				errdetail("The option \"upsert_key\" says that the field %s finds the record.",
						  column->field));
}

/* A row of INSERT … RETURNING: it is in the org, and as it is there, when this returns. */
static TupleTableSlot *
insert_now(SfbModify *modify, TupleTableSlot *slot)
{
	char id[19];

	if (!sfb_load_row_now(modify->load, slot->tts_values, slot->tts_isnull, id))
	{
		modify->rejected++;
		return NULL;
	}
	sfb_writeback_row(modify->writeback, slot, id);
	return slot;
}

TupleTableSlot *
sfbulkExecForeignInsert(EState *estate, ResultRelInfo *resultRelInfo, TupleTableSlot *slot,
						TupleTableSlot *planSlot)
{
	SfbModify *modify = resultRelInfo->ri_FdwState;

	(void) planSlot;
	slot_getallattrs(slot);
	if (modify->key != 0)
		check_key(modify, slot);
	if (unlikely(modify->check_first))
		ExecWithCheckOptions(WCO_VIEW_CHECK, resultRelInfo, slot, estate);
	if (unlikely(modify->one_by_one))
		return insert_now(modify, slot);
	sfb_load_row(modify->load, slot->tts_values, slot->tts_isnull);
	return slot;
}

/* The Id out of the plan's row; false when the record was taken already. */
static bool
take_record(SfbModify *modify, TupleTableSlot *planSlot, Datum *id)
{
	bool isnull;

	*id = ExecGetJunkAttribute(planSlot, modify->junk_id, &isnull);
	if (unlikely(isnull))
		elog(ERROR, "a row of foreign table \"%s\" has no Id",
			 RelationGetRelationName(modify->rel));
	if (unlikely(modify->taken != NULL))
	{
		char *text = OutputFunctionCall(&modify->id_output, *id);
		bool first = sfb_idset_add(modify->taken, text, strlen(text));

		pfree(text);
		return first;
	}
	return true;
}

/* A BEFORE trigger can do much, but not make another record of it. */
static void
check_id_unchanged(const SfbModify *modify, TupleTableSlot *slot, Datum id)
{
	Form_pg_attribute attr = TupleDescAttr(slot->tts_tupleDescriptor, modify->id - 1);

	if (slot->tts_isnull[modify->id - 1] ||
		!datum_image_eq(slot->tts_values[modify->id - 1], id, attr->attbyval, attr->attlen))
		ereport(ERROR, errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				errmsg("a trigger has changed column \"%s\" of foreign table \"%s\"",
					   modify->columns[modify->id - 1].attname,
					   RelationGetRelationName(modify->rel)),
				errdetail("The Id of a record cannot be changed."));
}

TupleTableSlot *
sfbulkExecForeignUpdate(EState *estate, ResultRelInfo *resultRelInfo, TupleTableSlot *slot,
						TupleTableSlot *planSlot)
{
	SfbModify *modify = resultRelInfo->ri_FdwState;
	Datum id;

	if (!take_record(modify, planSlot, &id))
		return NULL;
	slot_getallattrs(slot);
	if (unlikely(modify->check_id))
		check_id_unchanged(modify, slot, id);
	if (unlikely(modify->check_first))
		ExecWithCheckOptions(WCO_VIEW_CHECK, resultRelInfo, slot, estate);
	sfb_load_row(modify->load, slot->tts_values, slot->tts_isnull);
	return slot;
}

TupleTableSlot *
sfbulkExecForeignDelete(EState *estate, ResultRelInfo *resultRelInfo, TupleTableSlot *slot,
						TupleTableSlot *planSlot)
{
	SfbModify *modify = resultRelInfo->ri_FdwState;
	Datum id;

	(void) estate;
	if (!take_record(modify, planSlot, &id))
		return NULL;
	modify->values[modify->id - 1] = id;
	sfb_load_row(modify->load, modify->values, modify->isnull);

	/* RETURNING sees the row that was deleted. */
	if (AttributeNumberIsValid(modify->junk_row))
	{
		HeapTupleData tuple;
		bool isnull;
		Datum row = ExecGetJunkAttribute(planSlot, modify->junk_row, &isnull);

		if (isnull)
			elog(ERROR, "wholerow is NULL");
		tuple.t_data = DatumGetHeapTupleHeader(row);
		tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
		ItemPointerSetInvalid(&tuple.t_self);
		tuple.t_tableOid = RelationGetRelid(modify->rel);
		ExecForceStoreHeapTuple(&tuple, slot, false);
		ExecMaterializeSlot(slot);
	}
	return slot;
}

/* ---- end ------------------------------------------------------------------------------------- */

void
sfbulkEndForeignModify(EState *estate, ResultRelInfo *resultRelInfo)
{
	(void) estate;
	sfb_finish_modify(resultRelInfo->ri_FdwState);
}

void
sfbulkEndForeignInsert(EState *estate, ResultRelInfo *resultRelInfo)
{
	(void) estate;
	sfb_finish_modify(resultRelInfo->ri_FdwState);
}
