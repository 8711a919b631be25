/*
 * sync_rows.c
 *		The rows of a sync, on their way from the foreign table into its copy.
 *
 * They come by a cursor, whose executor sends the request when it opens, in portions: each lies in a tuplestore
 * (work_mem, then a temporary file), and statements see it as a table, the way triggers see transition tables.  A
 * portion is applied by an UPDATE of what differs and an INSERT of what is missing.  INSERT … ON CONFLICT
 * would do both, but fires the insert triggers and takes the sequence numbers of rows that are there already, and
 * cannot tell on a partitioned table which of the two it did.
 *
 * Rows are compared as images (record_image_ne), as REFRESH MATERIALIZED VIEW CONCURRENTLY does: so types without an equality are
 * no exception, and texts that a collation, or numbers that = calls equal are still made the same.
 */
#include "sync.h"

#include "access/tupdesc.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "tcop/pquery.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "governor.h"

/* Rows of a portion; what they need in memory is bounded by work_mem. */
#define PORTION 10000

/* Most ids in a list of records to fetch. */
#define LIST_IDS 100000

/* Names of portions in statements. */
#define ROWS "sfbulk_rows"
#define SEEN "sfbulk_seen"

/* ---- small things ------------------------------------------------------------------------------- */

/* SPI leaves its caller in its own memory; the functions here leave theirs where it was. */
uint64
sfb_sync_execute(const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	int result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "SPI_execute: %s", SPI_result_code_string(result));
	SPI_freetuptable(SPI_tuptable);
	MemoryContextSwitchTo(context);
	return SPI_processed;
}

char *
sfb_sync_time(TimestampTz time)
{
	TimestampTz epoch =
		(UNIX_EPOCH_JDATE - POSTGRES_EPOCH_JDATE) * INT64CONST(86400) * USECS_PER_SEC;
	struct pg_tm tm;
	fsec_t fsec;

	if (timestamp2tm(Max(time, epoch), NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("timestamp out of range")));
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year, tm.tm_mon, tm.tm_mday,
					tm.tm_hour, tm.tm_min, tm.tm_sec, (int) (fsec / 1000));
}

char *
sfb_sync_column_list(SfbSync *sync, const char *prefix)
{
	StringInfoData buf;
	ListCell *lc;

	initStringInfo(&buf);
	foreach (lc, sync->columns)
	{
		SfbSyncColumn *column = lfirst(lc);

		appendStringInfo(&buf, "%s%s%s", buf.len > 0 ? ", " : "", prefix,
						 quote_identifier(column->name));
	}
	return buf.data;
}

/*
 * Makes a tuplestore a table of the statements that follow, until it is hidden again.  SPI keeps its list of
 * such tables in the memory that is current now.
 */
static void
show_rows(SfbSync *sync, const char *name, Tuplestorestate *rows, TupleDesc desc, int64 count)
{
	MemoryContext context = MemoryContextSwitchTo(sync->context);
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));

	relation->md.name = pstrdup(name);
	relation->md.tupdesc = desc;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = (double) count;
	relation->reldata = rows;
	if (SPI_register_relation(relation) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not show rows as \"%s\"", name);
	MemoryContextSwitchTo(context);
}

static void
hide_rows(const char *name)
{
	if (SPI_unregister_relation(name) != SPI_OK_REL_UNREGISTER)
		elog(ERROR, "could not hide rows of \"%s\"", name);
}

void
sfb_sync_forget_rows(void)
{
	(void) SPI_unregister_relation(ROWS);
	(void) SPI_unregister_relation(SEEN);
}

/* ---- cursors ------------------------------------------------------------------------------------ */

Portal
sfb_sync_open_cursor(const char *sql, bool job_first, bool later)
{
	MemoryContext context = CurrentMemoryContext;
	Portal portal;

	sfb_job_first = job_first;
	sfb_read_later = later;
	PG_TRY();
	{
		portal = SPI_cursor_open_with_args(NULL, sql, 0, NULL, NULL, NULL, false,
										   CURSOR_OPT_NO_SCROLL);
	}
	PG_FINALLY();
	{
		sfb_job_first = false;
		sfb_read_later = false;
	}
	PG_END_TRY();
	if (portal == NULL)
		elog(ERROR, "SPI_cursor_open_with_args: %s", SPI_result_code_string(SPI_result));
	MemoryContextSwitchTo(context);
	return portal;
}

/* The next rows of a cursor, at most so many, into the tuplestore; their number. */
static int64
fetch_rows(Portal portal, long count, Tuplestorestate *rows)
{
	DestReceiver *dest = CreateDestReceiver(DestTuplestore);
	int64 fetched;

	SetTuplestoreDestReceiverParams(dest, rows, CurrentMemoryContext, false, NULL, NULL);
	fetched = (int64) PortalRunFetch(portal, FETCH_FORWARD, count, dest);
	dest->rDestroy(dest);
	return fetched;
}

static Tuplestorestate *
new_rows(void)
{
	return tuplestore_begin_heap(false, false, work_mem);
}

/* ---- applying a portion ----------------------------------------------------------------------- */

/* The statements of a run. */
typedef struct Statements
{
	char *update; /* NULL: there is nothing but the Id */
	char *insert;
} Statements;

static void
make_statements(SfbSync *sync, Statements *statements)
{
	const char *id = quote_identifier(sync->id->name);
	StringInfoData set;
	StringInfoData missing;
	ListCell *lc;

	initStringInfo(&set);
	foreach (lc, sync->columns)
	{
		SfbSyncColumn *column = lfirst(lc);
		const char *name = quote_identifier(column->name);

		if (column != sync->id)
			appendStringInfo(&set, "%s%s = s.%s", set.len > 0 ? ", " : "", name, name);
	}
	statements->update = NULL;
	if (set.len > 0)
		statements->update = psprintf(
			"UPDATE %s AS t SET %s FROM " ROWS " s WHERE t.%s OPERATOR(pg_catalog.=) s.%s "
			"AND pg_catalog.record_image_ne(ROW(%s), ROW(%s))",
			sync->target_rows, set.data, id, id, sfb_sync_column_list(sync, "t."),
			sfb_sync_column_list(sync, "s."));

	initStringInfo(&missing);
	if (!sync->empty)
		appendStringInfo(&missing,
						 " WHERE NOT EXISTS (SELECT FROM %s t WHERE t.%s "
						 "OPERATOR(pg_catalog.=) s.%s)",
						 sync->target_rows, id, id);
	statements->insert = psprintf("INSERT INTO %s (%s) SELECT %s FROM " ROWS " s%s",
								  sync->target_name, sfb_sync_column_list(sync, ""),
								  sfb_sync_column_list(sync, "s."), missing.data);
}

static void
apply_portion(SfbSync *sync, Statements *statements, Tuplestorestate *rows, TupleDesc desc,
			  int64 count)
{
	show_rows(sync, ROWS, rows, desc, count);
	if (statements->update != NULL && !sync->empty)
		sync->updated += sfb_sync_execute(statements->update);
	sync->inserted += sfb_sync_execute(statements->insert);
	hide_rows(ROWS);
}

/* ---- Ids --------------------------------------------------------------------------------------- */

/* A list of Ids in a tuplestore, seen by statements as the column id, with the value of stamp where it has two. */
typedef struct Ids
{
	Tuplestorestate *rows;
	TupleDesc desc;
	int64 count;
} Ids;

static void
ids_init(Ids *ids)
{
	ids->rows = new_rows();
	ids->desc = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(ids->desc, 1, "id", TEXTOID, -1, 0);
	TupleDescInitEntryCollation(ids->desc, 1, DEFAULT_COLLATION_OID);
	ids->count = 0;
}

static void
ids_add(Ids *ids, Datum id)
{
	bool isnull = false;

	tuplestore_putvalues(ids->rows, ids->desc, &id, &isnull);
	ids->count++;
}

/* Notes the Ids of a portion. */
static void
ids_add_rows(Ids *ids, Tuplestorestate *rows, TupleDesc desc, AttrNumber id)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);

	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		bool isnull;
		Datum value = slot_getattr(slot, id, &isnull);

		if (!isnull)
			ids_add(ids, value);
	}
	ExecDropSingleTupleTableSlot(slot);
}

/* An Id of a list, as the target's column has it. */
static char *
id_of_list(SfbSync *sync)
{
	return psprintf("CAST(s.id AS %s)",
					format_type_with_typemod(sync->id->type, sync->id->typmod));
}

/* Removes rows whose Id is in the list, or those whose Id is not. */
static void
remove_rows(SfbSync *sync, Ids *ids, bool listed)
{
	char *condition = psprintf("t.%s OPERATOR(pg_catalog.=) %s",
							   quote_identifier(sync->id->name), id_of_list(sync));

	show_rows(sync, SEEN, ids->rows, ids->desc, ids->count);
	sync->deleted += sfb_sync_execute(
		listed ? psprintf("DELETE FROM %s AS t USING " SEEN " s WHERE %s", sync->target_rows,
						  condition)
			   : psprintf("DELETE FROM %s AS t WHERE NOT EXISTS (SELECT FROM " SEEN
						  " s WHERE %s)",
						  sync->target_rows, condition));
	hide_rows(SEEN);
}

/* ---- rows --------------------------------------------------------------------------------------- */

/* The place of the Id among the columns that a cursor gives. */
static AttrNumber
id_attribute(SfbSync *sync)
{
	AttrNumber place = 1;
	ListCell *lc;

	foreach (lc, sync->columns)
	{
		if (lfirst(lc) == sync->id)
			break;
		place++;
	}
	return place;
}

/* Takes all rows of a cursor; notes their Ids when a list is given. */
static void
apply_cursor(SfbSync *sync, Portal portal, Ids *seen, const char *phase)
{
	MemoryContext context = AllocSetContextCreate(sync->context, "sfbulk_fdw sync portion",
												  ALLOCSET_DEFAULT_SIZES);
	AttrNumber id = id_attribute(sync);
	Statements statements;
	int64 done = 0;
	bool more = true;

	make_statements(sync, &statements);
	while (more)
	{
		MemoryContext outer = MemoryContextSwitchTo(context);
		Tuplestorestate *rows = new_rows();
		int64 count = fetch_rows(portal, PORTION, rows);

		more = count == PORTION;
		if (count > 0)
		{
			if (seen != NULL)
				ids_add_rows(seen, rows, portal->tupDesc, id);
			apply_portion(sync, &statements, rows, portal->tupDesc, count);
		}
		done += count;
		sfb_sync_say(sync, phase, done);
		tuplestore_end(rows);
		MemoryContextSwitchTo(outer);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

void
sfb_sync_apply_rows(SfbSync *sync)
{
	Portal portal = sync->portal;
	Ids seen;

	if (sync->full && !sync->empty)
		ids_init(&seen);
	apply_cursor(sync, portal, sync->full && !sync->empty ? &seen : NULL,
				 sync->full ? "reading everything" : "reading changes");
	sync->portal = NULL;
	SPI_cursor_close(portal);
	if (sync->full && !sync->empty)
	{
		remove_rows(sync, &seen, false);
		tuplestore_end(seen.rows);
	}
}

/* ---- deletions ---------------------------------------------------------------------------------- */

static void
destroy_query(void *object)
{
	sf_query_free(object);
}

/*
 * The Ids of records in the recycle bin.  SystemModstamp tells when they were deleted; other times do not for
 * certain, and then all of them are asked for: no more than 15 days of deletions.
 */
static void
read_deletions(SfbSync *sync, Ids *ids)
{
	SfbTableOptions *options = sync->table;
	sf_column field = {.path = "Id", .kind = sfb_column_kind(SFB_ID)};
	sf_query_spec query = {
		.soql =
			psprintf("SELECT Id FROM %s WHERE IsDeleted = true%s", options->object,
					 pg_strcasecmp(sync->stamp->field, "SystemModstamp") == 0
						 ? psprintf(" AND SystemModstamp >= %s", sfb_sync_time(sync->since))
						 : ""),
		.columns = &field,
		.ncolumns = 1,
		.query_all = true,
		.transport = options->transport,
		.rest_row_limit = options->rest_row_limit,
		.page_rows = options->page_rows,
		.download_streams = options->download_streams,
		.no_threads = !sfb_decompress_thread,
		.poll_interval_max_ms = options->poll_interval_max,
		.job_timeout_ms = options->job_timeout,
	};
	SfbGuard *guard = sfb_guard_new(sync->guard->session, destroy_query);
	sf_error *error = palloc0(sizeof(sf_error));
	sf_value *values;
	sf_status status;

	sfb_query_bulk_api(options, &query);
	sfb_query_bulk_api(options, &query);
	sfb_governor_admit(guard->session, SFB_WORK_QUERY);
	guard->object = sf_query_start(guard->session, &query, error);
	if (guard->object == NULL)
		sfb_report(ERROR, error);
	while ((status = sf_query_next_row(guard->object, &values, error)) != SF_DONE)
	{
		if (status == SF_FAILED)
			sfb_report(ERROR, error);
		else if (status == SF_WAIT)
			sfb_wait(guard->session);
		else if (values[0].data != NULL)
		{
			text *id = cstring_to_text_with_len(values[0].data, values[0].len);

			ids_add(ids, PointerGetDatum(id));
			pfree(id);
		}
	}
	sfb_guard_clear(guard);
}

/*
 * Asked for after the changed rows have been read to the last, so that a record that was changed, read, and
 * deleted meanwhile does not stay.  The other way round: one that was deleted when the changed rows were
 * read and has been undeleted since is in neither answer; its SystemModstamp is that of the undelete, which is
 * behind the new watermark, and so the next run brings it.
 */
void
sfb_sync_apply_deletions(SfbSync *sync)
{
	MemoryContext context = AllocSetContextCreate(sync->context, "sfbulk_fdw sync deletions",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	Ids ids;

	sfb_sync_say(sync, "reading deletions", 0);
	ids_init(&ids);
	read_deletions(sync, &ids);
	if (ids.count > 0)
		remove_rows(sync, &ids, true);
	tuplestore_end(ids.rows);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
}

/* ---- repair ------------------------------------------------------------------------------------- */

/* Fetches these records and applies them. */
static void
fetch_records(SfbSync *sync, ArrayBuildState *list)
{
	Datum ids = makeArrayResult(list, CurrentMemoryContext);
	MemoryContext context = CurrentMemoryContext;
	Oid type = TEXTARRAYOID;
	Portal portal = SPI_cursor_open_with_args(
		NULL,
		psprintf("SELECT %s FROM %s WHERE %s OPERATOR(pg_catalog.=) ANY ($1)",
				 sfb_sync_column_list(sync, ""), sync->source_name,
				 quote_identifier(sync->id->name)),
		1, &type, &ids, NULL, false, CURSOR_OPT_NO_SCROLL);

	if (portal == NULL)
		elog(ERROR, "SPI_cursor_open_with_args: %s", SPI_result_code_string(SPI_result));
	MemoryContextSwitchTo(context);
	apply_cursor(sync, portal, NULL, "repairing");
	SPI_cursor_close(portal);
	pfree(DatumGetPointer(ids));
}

/* Finds records of the list that the target lacks or has in another state, and fetches them. */
static void
fetch_missing(SfbSync *sync)
{
	const char *stamp = sync->stamp ? quote_identifier(sync->stamp->name) : NULL;
	Portal portal = sfb_sync_open_cursor(
		psprintf("SELECT s.id FROM " SEEN " s LEFT JOIN %s AS t ON t.%s "
				 "OPERATOR(pg_catalog.=) %s WHERE t.%s IS NULL%s",
				 sync->target_rows, quote_identifier(sync->id->name), id_of_list(sync),
				 quote_identifier(sync->id->name),
				 stamp ? psprintf(" OR t.%s IS DISTINCT FROM s.stamp", stamp) : ""),
		false, false);
	Tuplestorestate *rows = new_rows();
	TupleDesc desc = CreateTupleDescCopy(portal->tupDesc);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	ArrayBuildState *list = NULL;
	int64 count = 0;

	/* The whole answer first: what is fetched changes the table that the cursor reads. */
	while (fetch_rows(portal, PORTION, rows) == PORTION)
		;
	SPI_cursor_close(portal);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		bool isnull;
		Datum id = slot_getattr(slot, 1, &isnull);

		list = accumArrayResult(list, id, isnull, TEXTOID, CurrentMemoryContext);
		if (++count % LIST_IDS == 0)
		{
			fetch_records(sync, list);
			list = NULL;
		}
	}
	if (list != NULL)
		fetch_records(sync, list);
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rows);
}

/*
 * All Ids of the object, with the time of each record's last change: rows whose Id is gone go, and records
 * that are missing or in another state come.  What was read before does not matter: the list is younger.
 */
void
sfb_sync_repair(SfbSync *sync)
{
	MemoryContext context =
		AllocSetContextCreate(sync->context, "sfbulk_fdw sync repair", ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	StringInfoData sql;
	Portal portal;
	Ids ids;

	sfb_sync_say(sync, "comparing ids", 0);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT CAST(%s AS pg_catalog.text) AS id",
					 quote_identifier(sync->id->name));
	if (sync->stamp != NULL)
		appendStringInfo(&sql, ", %s AS stamp", quote_identifier(sync->stamp->name));
	appendStringInfo(&sql, " FROM %s", sync->source_name);
	portal = sfb_sync_open_cursor(sql.data, false, false);

	ids.rows = new_rows();
	ids.desc = CreateTupleDescCopy(portal->tupDesc);
	ids.count = 0;
	for (;;)
	{
		int64 fetched = fetch_rows(portal, PORTION, ids.rows);

		ids.count += fetched;
		sfb_sync_say(sync, "comparing ids", ids.count);
		if (fetched < PORTION)
			break;
	}
	SPI_cursor_close(portal);

	remove_rows(sync, &ids, false);
	show_rows(sync, SEEN, ids.rows, ids.desc, ids.count);
	fetch_missing(sync);
	hide_rows(SEEN);
	tuplestore_end(ids.rows);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
}
