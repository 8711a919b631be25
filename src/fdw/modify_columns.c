/*
 * modify_columns.c
 *		Which columns a statement sends, and whether they can be sent: known before its first row.
 */
#include "modify.h"

#include "access/sysattr.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"

/* ---- may the table be written to? ------------------------------------------------------------ */

void
sfb_check_writable(Relation rel, const SfbTableOptions *options, CmdType command)
{
	const char *hint;

	if (options->query != NULL)
		hint = "A table with the option \"query\" can only be read.";
	else if (!options->updatable)
		hint = "Set the option \"updatable\" of the table or its server to allow it.";
	else
		return;
	ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			command == CMD_INSERT	? errmsg("foreign table \"%s\" does not allow inserts",
											 RelationGetRelationName(rel))
			: command == CMD_UPDATE ? errmsg("foreign table \"%s\" does not allow updates",
											 RelationGetRelationName(rel))
									: errmsg("foreign table \"%s\" does not allow deletes",
											 RelationGetRelationName(rel)),
			errhint("%s", hint));
}

AttrNumber
sfb_id_column(Relation rel, const SfbColumn *columns)
{
	for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
		if (columns[i].field != NULL && pg_strcasecmp(columns[i].field, "Id") == 0)
			return i + 1;
	return 0;
}

void
sfb_no_id_column(Relation rel)
{
	ereport(ERROR, errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
			errmsg("foreign table \"%s\" has no column for the record's Id",
				   RelationGetRelationName(rel)),
			errdetail("UPDATE and DELETE find the records by it."),
			errhint("Add a column named \"id\", or one with the option field 'Id'."));
}

/* ---- what an INSERT gives -------------------------------------------------------------------- */

static bool
is_null_constant(Node *node)
{
	while (node != NULL)
	{
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, CoerceToDomain))
			node = (Node *) ((CoerceToDomain *) node)->arg;
		else
			return IsA(node, Const) && ((Const *) node)->constisnull;
	}
	return false;
}

List *
sfb_given_columns(List *tlist)
{
	List *given = NIL;
	ListCell *lc;

	foreach (lc, tlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk && !is_null_constant((Node *) tle->expr))
			given = lappend_int(given, tle->resno);
	}
	return given;
}

/*
 * The same for an INSERT that was not planned for this table: what the statement names, and what has a
 * default in the table that it names.  (Defaults of a partition count only for itself.)
 */
static List *
unplanned_columns(ResultRelInfo *rri, const Bitmapset *named)
{
	Relation rel = rri->ri_RelationDesc;
	Relation root =
		rri->ri_RootResultRelInfo ? rri->ri_RootResultRelInfo->ri_RelationDesc : rel;
	TupleDesc desc = RelationGetDescr(rel);
	List *given = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		AttrNumber attnum = i + 1;
		bool defaulted = false;

		if (attr->attisdropped || attr->attgenerated != '\0')
			continue;
		attnum = get_attnum(RelationGetRelid(root), NameStr(attr->attname));
		if (attnum > 0)
			defaulted = TupleDescAttr(RelationGetDescr(root), attnum - 1)->atthasdef;
		if (defaulted || bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, named))
			given = lappend_int(given, i + 1);
	}
	return given;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static void
refuse_column(const SfbColumn *column, CmdType command)
{
	if (command == CMD_INSERT)
		ereport(
			ERROR, errcode(ERRCODE_GENERATED_ALWAYS),
			errmsg("cannot insert a non-DEFAULT value into column \"%s\"", column->attname),
			errdetail("The field %s cannot be set when a record is created.", column->field),
			errhint("Leave the column out, or set its option \"createable\" if Salesforce "
					"does take it."));
	ereport(
		ERROR, errcode(ERRCODE_GENERATED_ALWAYS),
		errmsg("column \"%s\" can only be updated to DEFAULT", column->attname),
		errdetail("The field %s cannot be changed.", column->field),
		column->updateable
			? 0
			: errhint("Set the column's option \"updateable\" if Salesforce does take it."));
}

/* A column that is sent, once it is known that its field may be set. */
static void
check_column(const SfbColumn *column)
{
	const char *dot = strchr(column->field, '.');

	if (dot != NULL && strchr(dot + 1, '.') != NULL)
		ereport(
			ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("column \"%s\" cannot be written", column->attname),
			errdetail("A lookup is written by an external id of the parent itself; the path "
					  "%s leads further.",
					  column->field));
	if (column->type == SFB_COMPOUND)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("column \"%s\" cannot be written", column->attname),
				errdetail("The field %s is made of others.", column->field),
				errhint("Write the fields that it is made of."));
}

static void
check_duplicates(const SfbModify *modify)
{
	for (int i = 0; i < modify->ncolumns; i++)
		for (int j = 0; j < i; j++)
		{
			const SfbColumn *a = &modify->columns[modify->attnums[j] - 1];
			const SfbColumn *b = &modify->columns[modify->attnums[i] - 1];

			if (pg_strcasecmp(a->field, b->field) == 0)
				ereport(
					ERROR, errcode(ERRCODE_DUPLICATE_COLUMN),
					errmsg("columns \"%s\" and \"%s\" of foreign table \"%s\" set the same "
						   "field",
						   a->attname, b->attname, RelationGetRelationName(modify->rel)),
					errdetail("Both are the field %s.", b->field));
		}
}

/* The column of the external id by which an upsert finds its record. */
static void
find_key(SfbModify *modify)
{
	const char *key = modify->options->upsert_key;

	for (int i = 0; i < modify->ncolumns; i++)
		if (pg_strcasecmp(modify->columns[modify->attnums[i] - 1].field, key) == 0)
			modify->key = modify->attnums[i];
	if (modify->key == 0)
		ereport(ERROR, errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
				errmsg("INSERT into foreign table \"%s\" must give a value for the field %s",
					   RelationGetRelationName(modify->rel), key),
				errdetail("The option \"upsert_key\" says that it finds the record."));
}

/* ---- the choice ------------------------------------------------------------------------------ */

static bool
is_key(const SfbModify *modify, const SfbColumn *column)
{
	return modify->operation == SF_OP_UPSERT &&
		   pg_strcasecmp(column->field, modify->options->upsert_key) == 0;
}

static void
add_column(SfbModify *modify, const SfbColumn *column)
{
	check_column(column);
	modify->attnums[modify->ncolumns++] = column->attnum;
}

/* Is it among the columns that are sent because a trigger may set any? */
static bool
trigger_may_set(const SfbColumn *column, bool allowed)
{
	return allowed && strchr(column->field, '.') == NULL && column->type != SFB_COMPOUND &&
		   column->type != SFB_BASE64;
}

/*
 * An INSERT: what it gives or names; everything where a trigger may give it, or when a row moves here from
 * another partition.  A column that the statement only sets to NULL or DEFAULT is not written to: like
 * a generated one it may be named, whatever it is.
 */
static void
choose_inserted(SfbModify *modify, const Bitmapset *named, List *given, bool all)
{
	TupleDesc desc = RelationGetDescr(modify->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		const SfbColumn *column = &modify->columns[i];
		bool is_given =
			list_member_int(given, i + 1) || TupleDescAttr(desc, i)->attgenerated == 's';
		bool is_named = bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, named);
		bool allowed;

		if (column->field == NULL)
			continue;
		allowed = column->createable || is_key(modify, column);
		if (is_given && !allowed)
			refuse_column(column, CMD_INSERT);
		if (is_given || (is_named && allowed) || (all && trigger_may_set(column, allowed)))
			add_column(modify, column);
	}
	if (modify->ncolumns == 0)
		ereport(
			ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot insert into foreign table \"%s\" without a value for any column",
				   RelationGetRelationName(modify->rel)));
}

/* An UPDATE: the Id, and what is assigned; where a trigger may assign more, everything. */
static void
choose_updated(SfbModify *modify, const Bitmapset *assigned, bool all)
{
	modify->attnums[modify->ncolumns++] = modify->id;
	for (int i = 0; i < RelationGetDescr(modify->rel)->natts; i++)
	{
		const SfbColumn *column = &modify->columns[i];
		bool is_assigned = bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, assigned);

		if (column->field == NULL)
			continue;
		if (is_assigned && (!column->updateable || i + 1 == modify->id))
			refuse_column(column, CMD_UPDATE);
		if (is_assigned ||
			(all && i + 1 != modify->id && trigger_may_set(column, column->updateable)))
			add_column(modify, column);
	}
}

void
sfb_choose_columns(SfbModify *modify, ResultRelInfo *rri, EState *estate, CmdType command,
				   bool planned, List *given)
{
	TriggerDesc *triggers = rri->ri_TrigDesc;

	/* One more, as an UPDATE could name the Id. */
	modify->attnums = palloc(sizeof(AttrNumber) * (RelationGetDescr(modify->rel)->natts + 1));
	modify->id = sfb_id_column(modify->rel, modify->columns);
	if (command != CMD_INSERT && modify->id == 0)
		sfb_no_id_column(modify->rel);

	if (command == CMD_INSERT)
	{
		/* A row that an UPDATE moves here from another partition is all new. */
		bool moved = !planned && modify->mtstate != NULL && modify->mtstate->ps.plan != NULL &&
					 modify->mtstate->operation == CMD_UPDATE;
		Bitmapset *named = moved ? NULL : ExecGetInsertedCols(rri, estate);

		if (!planned && !moved)
			given = unplanned_columns(rri, named);
		choose_inserted(modify, named, given,
						moved || (triggers && triggers->trig_insert_before_row));
		if (modify->operation == SF_OP_UPSERT)
			find_key(modify);
	}
	else if (command == CMD_UPDATE)
	{
		Bitmapset *assigned =
			bms_union(ExecGetUpdatedCols(rri, estate), ExecGetExtraUpdatedCols(rri, estate));

		choose_updated(modify, assigned, triggers && triggers->trig_update_before_row);
	}
	else
		modify->attnums[modify->ncolumns++] = modify->id;
	check_duplicates(modify);
}
