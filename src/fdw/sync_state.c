/*
 * sync_state.c
 *		sfbulk_sync_state: what is known of each target from one run to the next.
 *
 * Who may write to a target may sync it, and moves its watermark by that alone: the table is written here and
 * nowhere else, as its owner, for these statements, the way foreign keys are checked.  For them the search path is
 * pg_catalog, so that no operator or function of the caller's is run with the owner's rights.  The rows that
 * others see are those of targets that they may write to (a policy of the table).
 */
#include "sync.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"

#define STATE_TABLE "sfbulk_sync_state"

/* ---- as the owner -------------------------------------------------------------------------------- */

typedef struct Identity
{
	Oid userid;
	int context;
	int guc_level;
} Identity;

static char *
become_owner(SfbSync *sync, Identity *before)
{
	Oid relid = get_relname_relid(STATE_TABLE, sync->schema);
	Relation rel;
	Oid owner;

	if (!OidIsValid(relid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("table \"%s\" of the extension is missing", STATE_TABLE)));
	rel = table_open(relid, RowExclusiveLock);
	owner = rel->rd_rel->relowner;
	table_close(rel, NoLock);

	GetUserIdAndSecContext(&before->userid, &before->context);
	SetUserIdAndSecContext(owner, before->context | SECURITY_LOCAL_USERID_CHANGE |
									  SECURITY_NOFORCE_RLS);
	before->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return quote_qualified_identifier(get_namespace_name(sync->schema), STATE_TABLE);
}

static void
become_caller(Identity *before)
{
	AtEOXact_GUC(true, before->guc_level);
	SetUserIdAndSecContext(before->userid, before->context);
}

/* ---- reading --------------------------------------------------------------------------------------- */

List *
sfb_sync_fields(SfbSync *sync)
{
	List *fields = NIL;
	ListCell *lc;

	foreach (lc, sync->columns)
	{
		SfbSyncColumn *column = lfirst(lc);

		fields =
			lappend(fields, psprintf("%s %s %s", column->name, column->field,
									 format_type_extended(column->type, column->typmod,
														  FORMAT_TYPE_TYPEMOD_GIVEN |
															  FORMAT_TYPE_FORCE_QUALIFY)));
	}
	return fields;
}

static List *
strings_of(Datum array)
{
	List *strings = NIL;
	Datum *values;
	bool *nulls;
	int count;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &values,
					  &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			strings = lappend(strings, TextDatumGetCString(values[i]));
	return strings;
}

static Datum
array_of(List *strings)
{
	ArrayBuildState *array = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	ListCell *lc;

	foreach (lc, strings)
		array = accumArrayResult(array, CStringGetTextDatum(lfirst(lc)), false, TEXTOID,
								 CurrentMemoryContext);
	return makeArrayResult(array, CurrentMemoryContext);
}

/* A column of the only row that SPI has read, in the memory of the run. */
static Datum
state_value(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

static TimestampTz
state_time(int column)
{
	bool isnull;
	Datum value = state_value(column, &isnull);

	return isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
}

static char *
state_text(int column, MemoryContext context)
{
	return MemoryContextStrdup(
		context, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column));
}

void
sfb_sync_read_state(SfbSync *sync)
{
	SfbSyncState *state = &sync->state;
	MemoryContext context = CurrentMemoryContext;
	Identity before;
	char *table = become_owner(sync, &before);
	Oid type = OIDOID;
	Datum target = ObjectIdGetDatum(sync->target);
	bool isnull;

	memset(state, 0, sizeof(*state));
	state->watermark = state->last_full = state->last_repair = DT_NOBEGIN;
	if (SPI_execute_with_args(
			psprintf("SELECT server::text, object, instance, fields, watermark, last_full, "
					 "last_repair, query_all FROM %s WHERE target = $1",
					 table),
			1, &type, &target, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "the state of a sync cannot be read");
	if (SPI_processed == 1)
	{
		state->found = true;
		state->server = state_text(1, context);
		state->object = state_text(2, context);
		state->instance = state_text(3, context);
		MemoryContextSwitchTo(context);
		state->fields = strings_of(state_value(4, &isnull));
		state->watermark = state_time(5);
		state->last_full = state_time(6);
		state->last_repair = state_time(7);
		state->query_all = DatumGetBool(state_value(8, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	become_caller(&before);
}

/* ---- writing --------------------------------------------------------------------------------------- */

typedef struct Parameters
{
	int n;
	Oid types[20];
	Datum values[20];
	char nulls[20];
} Parameters;

static void
add(Parameters *params, Oid type, Datum value, bool isnull)
{
	params->types[params->n] = type;
	params->values[params->n] = value;
	params->nulls[params->n++] = isnull ? 'n' : ' ';
}

static void
add_time(Parameters *params, TimestampTz time)
{
	add(params, TIMESTAMPTZOID, TimestampTzGetDatum(time), TIMESTAMP_IS_NOBEGIN(time));
}

/* What is left of targets that have been dropped; another run may be at it. */
static void
forget_dropped(const char *table)
{
	sfb_sync_execute(psprintf("DELETE FROM %s WHERE target IN (SELECT target FROM %s s WHERE "
							  "NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = s.target) FOR "
							  "UPDATE SKIP LOCKED)",
							  table, table));
}

void
sfb_sync_write_state(SfbSync *sync)
{
	Oid caller = GetUserId();
	Parameters params = {0};
	Identity before;
	char *table;

	add(&params, OIDOID, ObjectIdGetDatum(sync->target), false);
	add(&params, OIDOID, ObjectIdGetDatum(sync->source), false);
	add(&params, TEXTOID, CStringGetTextDatum(sync->servername), false);
	add(&params, TEXTOID, CStringGetTextDatum(sync->table->object), false);
	add(&params, TEXTOID, CStringGetTextDatum(sf_session_instance_url(sync->guard->session)),
		false);
	add(&params, TEXTARRAYOID, array_of(sfb_sync_fields(sync)), false);
	add_time(&params, sync->watermark);
	add(&params, INTERVALOID, IntervalPGetDatum(sync->options->overlap), false);
	add(&params, TEXTOID, CStringGetTextDatum(GetUserNameFromId(caller, false)), false);
	add_time(&params, sync->started);
	add(&params, INT8OID, Int64GetDatum(sync->inserted), false);
	add(&params, INT8OID, Int64GetDatum(sync->updated), false);
	add(&params, INT8OID, Int64GetDatum(sync->deleted), false);
	add(&params, INT8OID, Int64GetDatum(sync->api_calls), false);
	add_time(&params, sync->state.last_full);
	add_time(&params, sync->state.last_repair);
	add(&params, BOOLOID, BoolGetDatum(sync->table->query_all), false);

	table = become_owner(sync, &before);
	if (!sync->state.found)
		forget_dropped(table);
	if (SPI_execute_with_args(
			psprintf(
				"INSERT INTO %s AS s (target, source, server, object, instance, fields, "
				"watermark, "
				"overlap, run_by, started, finished, inserted, updated, deleted, api_calls, "
				"last_full, last_repair, query_all, runs) VALUES ($1, $2, $3::name, $4, $5, "
				"$6, $7, $8, "
				"$9::name, $10, clock_timestamp(), $11, $12, $13, $14, $15, $16, "
				"$17, 1) "
				"ON CONFLICT (target) DO UPDATE SET source = excluded.source, server = "
				"excluded.server, object = excluded.object, instance = excluded.instance, "
				"fields "
				"= excluded.fields, watermark = excluded.watermark, overlap = "
				"excluded.overlap, "
				"run_by = excluded.run_by, started = excluded.started, finished = "
				"excluded.finished, inserted = excluded.inserted, updated = excluded.updated, "
				"deleted = excluded.deleted, api_calls = excluded.api_calls, last_full = "
				"excluded.last_full, last_repair = excluded.last_repair, query_all = "
				"excluded.query_all, runs = s.runs + 1",
				table),
			params.n, params.types, params.values, params.nulls, false, 0) < 0)
		elog(ERROR, "the state of a sync cannot be written");
	become_caller(&before);
}
