/*
 * sync_target.c
 *		What a sync copies and where to: the foreign table, its copy, and what makes them fit.
 */
#include "sync.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "compat.h"

/* ---- the source ----------------------------------------------------------------------------------- */

static void
check_source(SfbSync *sync)
{
	AclMode mode = ACL_SELECT;
	AclResult acl;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(sync->source)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("foreign table with OID %u does not exist", sync->source)));
	if (get_rel_relkind(sync->source) != RELKIND_FOREIGN_TABLE ||
		GetFdwRoutineByRelId(sync->source)->BeginForeignScan != sfbulkBeginForeignScan)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a foreign table of sfbulk_fdw",
							   get_rel_name(sync->source))));
	acl = pg_class_aclcheck(sync->source, GetUserId(), mode);
	if (acl != ACLCHECK_OK)
		acl = pg_attribute_aclcheck_all(sync->source, GetUserId(), mode, ACLMASK_ALL);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FOREIGN_TABLE, get_rel_name(sync->source));
}

/* Quoted, with its schema. */
static char *
full_name(Oid namespace, const char *relname)
{
	return quote_qualified_identifier(get_namespace_name(namespace), relname);
}

void
sfb_sync_open_source(SfbSync *sync)
{
	Relation rel;
	SfbColumn *columns;

	check_source(sync);
	rel = table_open(sync->source, AccessShareLock);
	sync->source_name =
		full_name(RelationGetNamespace(rel), pstrdup(RelationGetRelationName(rel)));
	sync->table = sfb_table_options(sync->source);
	sync->servername = GetForeignServer(GetForeignTable(sync->source)->serverid)->servername;
	sync->columns = NIL;
	sync->id = NULL;
	columns = sfb_table_columns(rel);
	for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
	{
		SfbSyncColumn *column;

		if (columns[i].field == NULL || sfb_is_write_only(&columns[i]))
			continue;
		column = palloc0(sizeof(SfbSyncColumn));
		column->name = columns[i].attname;
		column->field = columns[i].field;
		column->type = columns[i].pgtype;
		column->typmod = columns[i].typmod;
		column->collation = columns[i].collation;
		sync->columns = lappend(sync->columns, column);
		if (sync->id == NULL && columns[i].type == SFB_ID &&
			pg_strcasecmp(columns[i].field, "Id") == 0)
			sync->id = column;
	}
	table_close(rel, NoLock);

	if (sync->table->query != NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("foreign table %s cannot be synced", sync->source_name),
			 errdetail("It has the option \"query\", and what a query gives has no records "
					   "whose changes could be followed."),
			 errhint("Name an object with the option \"object\".")));
	if (sync->id == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
			 errmsg("foreign table %s has no column for the field \"Id\"", sync->source_name),
			 errhint("ALTER FOREIGN TABLE %s ADD COLUMN id text OPTIONS (field 'Id');",
					 sync->source_name)));
}

void
sfb_sync_choose_stamp(SfbSync *sync)
{
	ListCell *lc;

	sync->stamp = NULL;
	if (sync->stamp_field == NULL)
		return;
	foreach (lc, sync->columns)
	{
		SfbSyncColumn *column = lfirst(lc);

		if (pg_strcasecmp(column->field, sync->stamp_field) == 0 &&
			column->type == TIMESTAMPTZOID)
		{
			sync->stamp = column;
			return;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
			 errmsg("foreign table %s has no column of type timestamp with time zone for the "
					"field \"%s\"",
					sync->source_name, sync->stamp_field),
			 errdetail("By this field the records are found that have changed."),
			 errhint("ALTER FOREIGN TABLE %s ADD COLUMN %s timestamptz OPTIONS (field '%s');",
					 sync->source_name,
					 quote_identifier(str_tolower(sync->stamp_field, strlen(sync->stamp_field),
												  C_COLLATION_OID)),
					 sync->stamp_field)));
}

/* ---- the lock --------------------------------------------------------------------------------- */

/*
 * An advisory lock of a class of its own (SQL's functions use 1 and 2).  By name, as there may be no table
 * yet: two that create it would else wait for each other's commit, to fail then.
 */
#define LOCK_CLASS 3

static void
report_running(SfbSync *sync, uint32 name)
{
	char *pid = NULL;

	if (SPI_execute(
			psprintf("SELECT pid FROM pg_catalog.pg_locks WHERE locktype "
					 "OPERATOR(pg_catalog.=) 'advisory' AND granted AND objsubid "
					 "OPERATOR(pg_catalog.=) %d AND database OPERATOR(pg_catalog.=) %u "
					 "AND classid OPERATOR(pg_catalog.=) %u AND objid "
					 "OPERATOR(pg_catalog.=) %u",
					 LOCK_CLASS, MyDatabaseId, sync->namespace, name),
			true, 1) == SPI_OK_SELECT &&
		SPI_processed == 1)
		pid = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("a sync of table %s is already running", sync->target_name),
			 pid != NULL ? errdetail("The process with PID %s runs it, or has run it in a "
									 "transaction that has not ended.",
									 pid)
						 : 0));
}

void
sfb_sync_lock(SfbSync *sync)
{
	uint32 name = hash_bytes((const unsigned char *) sync->relname, strlen(sync->relname));
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, sync->namespace, name, LOCK_CLASS);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		report_running(sync, name);
}

/* ---- a target that exists ------------------------------------------------------------------------ */

/* Has the table a unique index on this column alone, which is valid and for all rows? */
static bool
has_unique_index(Relation rel, AttrNumber attnum)
{
	List *indexes = RelationGetIndexList(rel);
	bool found = false;
	ListCell *lc;

	foreach (lc, indexes)
	{
		HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index index;

		if (!HeapTupleIsValid(tuple))
			continue;
		index = (Form_pg_index) GETSTRUCT(tuple);
		found = found || (index->indisunique && index->indisvalid && index->indisready &&
						  index->indnkeyatts == 1 && index->indkey.values[0] == attnum &&
						  heap_attisnull(tuple, Anum_pg_index_indpred, NULL));
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	return found;
}

static void
append_item(StringInfo buf, const char *separator, const char *item)
{
	appendStringInfo(buf, "%s%s", buf->len > 0 ? separator : "", item);
}

/* Looks for one column in the target; what is wrong with it goes into wrong. */
static void
check_column(SfbSync *sync, Relation rel, SfbSyncColumn *column, StringInfo wrong)
{
	AttrNumber attnum = get_attnum(RelationGetRelid(rel), column->name);
	Form_pg_attribute attr;

	if (attnum == InvalidAttrNumber)
	{
		sync->missing = lappend(sync->missing, column);
		return;
	}
	if (attnum < 0)
	{
		append_item(wrong, " ",
					psprintf("\"%s\" is the name of a system column.", column->name));
		return;
	}
	attr = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	if (attr->attgenerated != '\0')
		append_item(wrong, " ", psprintf("Column \"%s\" is generated.", column->name));
	else if (attr->attidentity != '\0')
		append_item(wrong, " ", psprintf("Column \"%s\" is an identity.", column->name));
	else if (attr->atttypid != column->type ||
			 (attr->atttypmod != -1 && attr->atttypmod != column->typmod))
		append_item(wrong, " ",
					psprintf("Column \"%s\" is of type %s, not %s.", column->name,
							 format_type_with_typemod(attr->atttypid, attr->atttypmod),
							 format_type_with_typemod(column->type, column->typmod)));
}

static void
check_columns(SfbSync *sync, Relation rel)
{
	StringInfoData wrong;
	StringInfoData missing;
	ListCell *lc;

	initStringInfo(&wrong);
	initStringInfo(&missing);
	foreach (lc, sync->columns)
		check_column(sync, rel, lfirst(lc), &wrong);
	foreach (lc, sync->missing)
		append_item(&missing, ", ", psprintf("\"%s\"", ((SfbSyncColumn *) lfirst(lc))->name));
	if (missing.len > 0 && (wrong.len > 0 || sync->options->on_drift != SFB_DRIFT_ADD))
		append_item(&wrong, " ", psprintf("It has no column %s.", missing.data));
	if (wrong.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("table %s does not fit foreign table %s", sync->target_name,
						sync->source_name),
				 errdetail("%s", wrong.data),
				 errhint("A copy has every column of the foreign table, of the same type. "
						 "on_drift => 'add' adds those that are missing.")));
	if (!has_unique_index(rel, get_attnum(RelationGetRelid(rel), sync->id->name)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
						errmsg("table %s has no unique index on \"%s\"", sync->target_name,
							   sync->id->name),
						errhint("ALTER TABLE %s ADD PRIMARY KEY (%s);", sync->target_name,
								quote_identifier(sync->id->name))));
}

/* The rights that a run needs, so that it does not find out when its job is done. */
static void
check_rights(SfbSync *sync)
{
	static const AclMode modes[] = {ACL_SELECT, ACL_INSERT, ACL_UPDATE, ACL_DELETE};
	AclResult acl = ACLCHECK_OK;

	if (!OidIsValid(sync->target))
	{
		acl = sfb_namespace_aclcheck(sync->namespace, GetUserId(), ACL_CREATE);
		if (acl != ACLCHECK_OK)
			aclcheck_error(acl, OBJECT_SCHEMA, get_namespace_name(sync->namespace));
		return;
	}
	for (int i = 0; i < (int) lengthof(modes) && acl == ACLCHECK_OK; i++)
		acl = pg_class_aclcheck(sync->target, GetUserId(), modes[i]);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_TABLE, sync->relname);
}

static void
check_target(SfbSync *sync)
{
	Relation rel = table_open(sync->target, NoLock);

	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("%s is not a table", sync->target_name),
						errdetail("A copy is a table, or a partitioned table.")));
	/* A foreign table that inherits from it would be written to in Salesforce. */
	if (rel->rd_rel->relkind == RELKIND_RELATION)
		sync->target_rows = psprintf("ONLY %s", sync->target_name);
	check_columns(sync, rel);
	table_close(rel, NoLock);
}

/* ---- opening it --------------------------------------------------------------------------------- */

void
sfb_sync_open_target(SfbSync *sync, const char *target)
{
	RangeVar *name =
		makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(target)));
	Oid relid = RangeVarGetRelid(name, NoLock, true);

	sync->missing = NIL;
	sync->relname = OidIsValid(relid) ? get_rel_name(relid) : name->relname;
	sync->namespace =
		OidIsValid(relid) ? get_rel_namespace(relid) : RangeVarGetCreationNamespace(name);
	if (sync->relname == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("table \"%s\" has just been dropped", name->relname)));
	sync->target_name = sync->target_rows = full_name(sync->namespace, sync->relname);
	sfb_sync_lock(sync);

	/* It may have been made, or dropped, while another had the lock. */
	name = makeRangeVar(get_namespace_name(sync->namespace), sync->relname, -1);
	sync->target = RangeVarGetRelid(name, RowExclusiveLock, true);
	if (OidIsValid(sync->target))
		check_target(sync);
	check_rights(sync);
}

/* Salesforce refuses a query that names a field that is gone: its column stays, with what it has. */
static void
leave_out_dropped(SfbSync *sync)
{
	ListCell *lc;

	foreach (lc, sync->changes)
	{
		const SfbChange *change = lfirst(lc);
		ListCell *lk;

		if (change->kind != SFB_FIELD_DROPPED)
			continue;
		foreach (lk, sync->columns)
			if (strcmp(((SfbSyncColumn *) lfirst(lk))->name, change->column) == 0)
			{
				sync->columns = foreach_delete_current(sync->columns, lk);
				break;
			}
	}
}

void
sfb_sync_reopen(SfbSync *sync)
{
	sfb_sync_open_source(sync);
	leave_out_dropped(sync);
	sync->missing = NIL;
	if (OidIsValid(sync->target))
		check_target(sync);
}

/* ---- making it ------------------------------------------------------------------------------------ */

/* name type COLLATE collation */
static void
append_definition(StringInfo buf, SfbSyncColumn *column)
{
	appendStringInfo(
		buf, "%s %s", quote_identifier(column->name),
		format_type_extended(column->type, column->typmod,
							 FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
	if (OidIsValid(column->collation) && column->collation != get_typcollation(column->type))
		appendStringInfo(buf, " COLLATE %s", generate_collation_name(column->collation));
}

void
sfb_sync_make_target(SfbSync *sync)
{
	StringInfoData sql;
	ListCell *lc;

	if (OidIsValid(sync->target) && sync->missing == NIL)
		return;
	initStringInfo(&sql);
	if (OidIsValid(sync->target))
	{
		appendStringInfo(&sql, "ALTER TABLE %s", sync->target_name);
		foreach (lc, sync->missing)
		{
			appendStringInfoString(&sql, lc == list_head(sync->missing) ? " ADD COLUMN "
																		: ", ADD COLUMN ");
			append_definition(&sql, lfirst(lc));
		}
	}
	else
	{
		appendStringInfo(&sql, "CREATE TABLE %s (", sync->target_name);
		foreach (lc, sync->columns)
		{
			appendStringInfoString(&sql, lc == list_head(sync->columns) ? "" : ", ");
			append_definition(&sql, lfirst(lc));
		}
		appendStringInfoChar(&sql, ')');
	}
	sfb_sync_execute(sql.data);
}

/* An index is built more quickly of all rows than row by row. */
void
sfb_sync_finish_target(SfbSync *sync)
{
	if (OidIsValid(sync->target))
		return;
	sfb_sync_execute(psprintf("ALTER TABLE %s ADD PRIMARY KEY (%s)", sync->target_name,
							  quote_identifier(sync->id->name)));
	sync->target = RangeVarGetRelid(
		makeRangeVar(get_namespace_name(sync->namespace), sync->relname, -1), NoLock, false);
}
