/*
 * plan_target.c
 *		The scan of the table that an UPDATE or DELETE is about: which columns its rows need.
 *
 * Core asks for the whole row, to make the new row out of the old one.  We send no more of it than the Id and what
 * was assigned, so the other columns are fetched only if something else looks at them: a trigger, RETURNING,
 * WITH CHECK OPTION, a generated column.  In the row that core makes, those that were not fetched are NULL.
 */
#include "planner.h"

#include "access/sysattr.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/rel.h"

#define WHOLE_ROW (-FirstLowInvalidHeapAttributeNumber)

/* The columns of the relation that an expression on the statement's own table means. */
static Bitmapset *
translate_columns(PlannerInfo *root, Index relid, Bitmapset *columns)
{
	AppendRelInfo *info;
	Bitmapset *result = NULL;
	int i = -1;

	if (relid == (Index) root->parse->resultRelation)
		return columns;
	info = root->append_rel_array ? root->append_rel_array[relid] : NULL;
	if (info == NULL)
		return bms_make_singleton(WHOLE_ROW);
	columns = translate_columns(root, info->parent_relid, columns);
	while ((i = bms_next_member(columns, i)) >= 0)
	{
		AttrNumber attnum = i + FirstLowInvalidHeapAttributeNumber;

		if (attnum > 0)
		{
			Node *var = list_nth(info->translated_vars, attnum - 1);

			if (var != NULL && IsA(var, Var))
				attnum = ((Var *) var)->varattno;
		}
		result = bms_add_member(result, attnum - FirstLowInvalidHeapAttributeNumber);
	}
	return result;
}

/* The same for the columns in some part of the statement. */
static void
add_columns(PlannerInfo *root, Index relid, Node *node, Bitmapset **columns)
{
	Bitmapset *named = NULL;

	pull_varattnos(node, root->parse->resultRelation, &named);
	*columns = bms_add_members(*columns, translate_columns(root, relid, named));
}

/* Does the statement itself speak of the whole row anywhere? */
static bool
names_whole_row(PlannerInfo *root, Index relid)
{
	Bitmapset *columns = NULL;
	ListCell *lc;

	foreach (lc, root->processed_tlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk || tle->resname == NULL || strcmp(tle->resname, "wholerow") != 0)
			add_columns(root, relid, (Node *) tle->expr, &columns);
	}
	add_columns(root, relid, (Node *) root->parse->jointree, &columns);
	return bms_is_member(WHOLE_ROW, columns);
}

static bool
has_row_triggers(const TriggerDesc *triggers, CmdType command)
{
	if (triggers == NULL)
		return false;
	return command == CMD_UPDATE
			   ? triggers->trig_update_before_row || triggers->trig_update_after_row
			   : triggers->trig_delete_before_row || triggers->trig_delete_after_row;
}

/* What core computes from the row, or takes for granted of it. */
static void
add_local_needs(Relation rel, CmdType command, Bitmapset **columns)
{
	TupleDesc desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attisdropped)
			continue;
		/* Compiled code to take a row apart relies on NOT NULL. */
		if (attr->attnotnull)
			*columns = bms_add_member(*columns, i + 1 - FirstLowInvalidHeapAttributeNumber);
		if (attr->attgenerated != '\0' && command == CMD_UPDATE)
			pull_varattnos(build_column_default(rel, i + 1), 1, columns);
	}
}

void
sfb_trim_whole_row(PlannerInfo *root, Relation rel, SfbMember *member)
{
	CmdType command = root->parse->commandType;
	Bitmapset *needed = NULL;

	if ((command != CMD_UPDATE && command != CMD_DELETE) ||
		!bms_is_member(member->relid, root->all_result_relids) ||
		!bms_is_member(WHOLE_ROW, member->attrs) || has_row_triggers(rel->trigdesc, command) ||
		names_whole_row(root, member->relid))
		return;

	add_columns(root, member->relid, (Node *) root->parse->returningList, &needed);
	add_columns(root, member->relid, (Node *) root->parse->withCheckOptions, &needed);
	add_local_needs(rel, command, &needed);
	if (!bms_is_member(WHOLE_ROW, needed))
		member->attrs = bms_del_member(member->attrs, WHOLE_ROW);
	member->attrs = bms_add_members(member->attrs, needed);
}
