/*
 * sync.c
 *		Incremental copies: the run of a sync, from its start to its end.
 *
 * Why nothing is missed.  The watermark of a run is Salesforce's own clock, as an answer told it that came before
 * the changed rows were asked for.  Whatever is committed before they are asked for is in the answer when its
 * SystemModstamp is not before the last watermark; whatever is committed later has, as a rule, a SystemModstamp
 * behind the new one, and so is asked for next time.  "As a rule": a record gets its SystemModstamp when it
 * is saved, and shows it when its transaction commits, which Apex allows ten minutes for in the worst case; and the
 * clocks of an org's hosts are not one.  That is what the overlap is for: rows are asked for again that far
 * back, and those that are the same are left alone.
 */
#include "sync.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "functions.h"
#include "governor.h"

extern PGDLLEXPORT Datum sfbulk_sync(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfbulk_sync);

bool sfb_job_first = false;
bool sfb_read_later = false;

/* ---- what went wrong, where ----------------------------------------------------------------------- */

static void
sync_context(void *arg)
{
	SfbSync *sync = arg;

	errcontext("sync of %s into %s", sync->source_name, sync->target_name);
}

static void
push_context(SfbSync *sync, ErrorContextCallback *callback)
{
	callback->callback = sync_context;
	callback->arg = sync;
	callback->previous = error_context_stack;
	error_context_stack = callback;
}

/* ---- before anything is sent ----------------------------------------------------------------------- */

/* Never called: the guard has no object, it only keeps the session. */
static void
destroy_nothing(void *object)
{
	(void) object;
}

/* To replace all rows by those of another object is hardly what is meant. */
static void
check_object(SfbSync *sync)
{
	if (!sync->state.found || pg_strcasecmp(sync->state.object, sync->table->object) == 0)
		return;
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("table %s is a copy of Salesforce object \"%s\", not of \"%s\"",
						   sync->target_name, sync->state.object, sync->table->object),
					errhint("Name another table, or drop this one first.")));
}

SfbSync *
sfb_sync_new(Oid schema, Oid source, const char *target, const SfbSyncOptions *options)
{
	SfbSync *sync = palloc0(sizeof(SfbSync));

	sync->options = options;
	sync->schema = schema;
	sync->context = CurrentMemoryContext;
	sync->source = source;
	sync->started = GetCurrentTimestamp();
	sync->watermark = DT_NOBEGIN;
	sfb_sync_open_source(sync);
	sfb_sync_open_target(sync, target);
	MemoryContextSwitchTo(sync->context);
	if (OidIsValid(sync->target))
		sfb_sync_read_state(sync);
	MemoryContextSwitchTo(sync->context);
	check_object(sync);
	sync->guard = sfb_guard_new(
		sfb_session_get(GetUserMapping(GetUserId(), GetForeignTable(source)->serverid)),
		destroy_nothing);
	return sync;
}

/* API calls of the session belong to the step that waited while they were made. */
static void
begin_step(SfbSync *sync)
{
	sync->calls_before = sf_session_calls(sync->guard->session);
	sync->in_step = true;
}

static void
end_step(SfbSync *sync)
{
	sync->api_calls += sf_session_calls(sync->guard->session) - sync->calls_before;
	sync->in_step = false;
}

/* ---- what others see ------------------------------------------------------------------------------- */

static void
fill_progress(void *arg, SfbProgressInfo *info)
{
	SfbSync *sync = arg;

	info->phase = sync->phase;
	info->rows_done = sync->rows_done;
	info->api_calls = sync->api_calls;
	/* the session is gone for it when its transaction has been aborted */
	if (sync->in_step && sync->guard->session != NULL)
		info->api_calls += sf_session_calls(sync->guard->session) - sync->calls_before;
}

static void
begin_progress(SfbSync *sync)
{
	SfbProgressSpec spec = {.kind = SFB_PROGRESS_SYNC,
							.server = sync->servername,
							.object = sync->table->object,
							.relid = sync->source,
							.fill = fill_progress,
							.arg = sync};

	sync->phase = "describing the object";
	sync->progress = sfb_progress_begin(&spec);
}

void
sfb_sync_say(SfbSync *sync, const char *phase, int64 rows_done)
{
	sync->phase = phase;
	sync->rows_done = rows_done;
	sfb_progress_tick();
}

/* ---- the object ------------------------------------------------------------------------------------ */

static bool
has_field(const sf_object *object, const char *name)
{
	for (int i = 0; i < object->nfields; i++)
		if (strcmp(object->fields[i].name, name) == 0)
			return true;
	return false;
}

void
sfb_sync_described(SfbSync *sync, const sf_object *object)
{
	/* SystemModstamp moves with every change, LastModifiedDate with those of users. */
	static const char *const stamps[] = {"SystemModstamp", "LastModifiedDate", "CreatedDate"};

	sync->described = true;
	sync->has_deleted = has_field(object, "IsDeleted");
	sync->stamp_field = NULL;
	for (int i = 0; i < (int) lengthof(stamps) && sync->stamp_field == NULL; i++)
		if (has_field(object, stamps[i]))
			sync->stamp_field = stamps[i];
	if (sync->options->on_drift != SFB_DRIFT_IGNORE)
	{
		Relation rel = table_open(sync->source, AccessShareLock);

		sync->changes = sfb_drift(rel, object);
		table_close(rel, NoLock);
	}
}

static void
destroy_describe(void *object)
{
	sf_describe_free(object);
}

void
sfb_sync_describe(SfbSync *sync)
{
	const char *name = sync->table->object;
	const sf_object *object;
	sf_status status;
	SfbGuard *guard;
	sf_error *error;

	if (sync->described)
		return;
	sfb_governor_admit(sync->guard->session, SFB_WORK_CALLS);
	guard = sfb_guard_new(sync->guard->session, destroy_describe);
	error = palloc0(sizeof(sf_error));
	guard->object = sf_describe_objects_start(guard->session, &name, 1, error);
	if (guard->object == NULL)
		sfb_report(ERROR, error);
	while ((status = sf_describe_next(guard->object, &object, error)) != SF_DONE)
	{
		if (status == SF_FAILED)
			sfb_report(ERROR, error);
		else if (status == SF_WAIT)
			sfb_wait(guard->session);
		else
			sfb_sync_described(sync, object);
	}
	sfb_guard_clear(guard);
}

/* ---- the start ---------------------------------------------------------------------------------------- */

static TimestampTz
server_time(SfbSync *sync)
{
	int64_t seconds;

	if (!sf_session_server_time(sync->guard->session, &seconds))
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("Salesforce's answers do not tell the time"),
						errhint("A proxy may have removed their header Date.")));
	return time_t_to_timestamptz((pg_time_t) seconds);
}

static TimestampTz
add_interval(TimestampTz time, Interval *interval, PGFunction function)
{
	return DatumGetTimestampTz(
		DirectFunctionCall2(function, TimestampTzGetDatum(time), IntervalPGetDatum(interval)));
}

/* From when on changes are asked for. */
static TimestampTz
changes_since(SfbSync *sync)
{
	return add_interval(sync->state.watermark, sync->options->overlap,
						timestamptz_mi_interval);
}

/*
 * Is what the last run has left what this one would have read then: no column is new or of another type, the org
 * and its recycle bin are the same, and the watermark is none that its clock has yet to reach?
 */
static bool
knows_enough(SfbSync *sync)
{
	SfbSyncState *state = &sync->state;
	ListCell *lc;

	if (!state->found || sync->missing != NIL || state->query_all != sync->table->query_all ||
		strcmp(state->server, sync->servername) != 0 ||
		strcmp(state->instance, sf_session_instance_url(sync->guard->session)) != 0)
		return false;
	if (!TIMESTAMP_IS_NOBEGIN(state->watermark) && changes_since(sync) > sync->now)
		return false;
	foreach (lc, sfb_sync_fields(sync))
	{
		bool known = false;
		ListCell *lk;

		foreach (lk, state->fields)
			known = known || strcmp(lfirst(lk), lfirst(lc)) == 0;
		if (!known)
			return false;
	}
	return true;
}

static bool
is_empty(SfbSync *sync)
{
	return !OidIsValid(sync->target) ||
		   sfb_sync_execute(psprintf("SELECT FROM %s LIMIT 1", sync->target_rows)) == 0;
}

static bool
wants_everything(SfbSync *sync)
{
	SfbSyncState *state = &sync->state;

	if (sync->empty || sync->stamp == NULL || !knows_enough(sync) ||
		TIMESTAMP_IS_NOBEGIN(state->watermark))
		return true;
	return sync->options->full_refresh_every != NULL &&
		   (TIMESTAMP_IS_NOBEGIN(state->last_full) ||
			add_interval(state->last_full, sync->options->full_refresh_every,
						 timestamptz_pl_interval) <= sync->now);
}

/* Does about changes of the object's fields what the caller wants. */
static void
follow_drift(SfbSync *sync)
{
	if (sync->changes == NIL)
		return;
	(void) sfb_drift_follow(sync->source, sync->target, sync->changes,
							sync->options->on_drift);
	MemoryContextSwitchTo(sync->context);
	sfb_sync_reopen(sync);
}

/* Is it known that the object fits into an answer by REST? */
static bool
is_small(SfbSync *sync)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(sync->source));
	float4 tuples = -1;

	if (HeapTupleIsValid(tuple))
	{
		tuples = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
		ReleaseSysCache(tuple);
	}
	return tuples >= 0 && tuples <= sync->table->rest_row_limit;
}

void
sfb_sync_start(SfbSync *sync, bool later)
{
	ErrorContextCallback callback;
	char *sql;

	push_context(sync, &callback);
	begin_step(sync);
	begin_progress(sync);
	sfb_sync_describe(sync);
	follow_drift(sync);
	sfb_sync_choose_stamp(sync);
	sync->now = server_time(sync);
	sync->empty = is_empty(sync);
	sync->full = wants_everything(sync);
	sql = psprintf("SELECT %s FROM %s", sfb_sync_column_list(sync, ""), sync->source_name);
	if (!sync->full)
	{
		sync->since = changes_since(sync);
		sql = psprintf("%s WHERE %s OPERATOR(pg_catalog.>=) '%s'::pg_catalog.timestamptz", sql,
					   quote_identifier(sync->stamp->name), sfb_sync_time(sync->since));
	}
	sync->portal = sfb_sync_open_cursor(sql, sync->full && !is_small(sync), later);
	sfb_sync_say(sync, sync->full ? "reading everything" : "reading changes", 0);
	end_step(sync);
	error_context_stack = callback.previous;
}

/* ---- the rest ------------------------------------------------------------------------------------------- */

static void
report(SfbSync *sync)
{
	if (!sfb_write_summary)
		return;
	ereport(NOTICE,
			(errmsg("sync of %s into %s: " INT64_FORMAT " inserted, " INT64_FORMAT
					" updated, " INT64_FORMAT " deleted, " INT64_FORMAT " API call%s, %.1f s",
					sync->source_name, sync->target_name, sync->inserted, sync->updated,
					sync->deleted, sync->api_calls, sync->api_calls == 1 ? "" : "s",
					(double) (GetCurrentTimestamp() - sync->started) / USECS_PER_SEC)));
}

void
sfb_sync_finish(SfbSync *sync)
{
	SfbSyncState *state = &sync->state;
	bool deletions = !sync->full && sync->has_deleted && !sync->table->query_all;
	ErrorContextCallback callback;

	push_context(sync, &callback);
	begin_step(sync);
	sfb_sync_make_target(sync);
	sfb_sync_apply_rows(sync);
	sfb_sync_finish_target(sync);
	if (deletions)
		sfb_sync_apply_deletions(sync);
	if (sync->options->repair && !sync->full)
		sfb_sync_repair(sync);

	if (sync->full)
		state->last_full = sync->now;
	if (sync->full || sync->options->repair)
		state->last_repair = sync->now;
	if (sync->stamp != NULL)
		sync->watermark = sync->full ? sync->now : Max(sync->now, state->watermark);
	sfb_session_cleanup(sync->guard->session, sfb_cleanup_timeout);
	end_step(sync);
	sfb_sync_write_state(sync);
	sfb_progress_end(sync->progress);
	report(sync);
	error_context_stack = callback.previous;
}

/* ---- CALL sfbulk_sync() ----------------------------------------------------------------------------------- */

enum SyncArg
{
	ARG_SOURCE,
	ARG_TARGET,
	ARG_OVERLAP,
	ARG_REPAIR,
	ARG_ON_DRIFT,
	ARG_FULL_REFRESH_EVERY
};

static void
refuse_null(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("parameter \"%s\" must not be null", name)));
}

static void
refuse_negative(Interval *interval, const char *name)
{
	Interval zero = {0};

	if (DatumGetBool(DirectFunctionCall2(interval_lt, IntervalPGetDatum(interval),
										 IntervalPGetDatum(&zero))))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("parameter \"%s\" must not be negative", name)));
}

void
sfb_sync_read_options(FunctionCallInfo fcinfo, SfbSyncOptions *options)
{
	refuse_null(fcinfo, ARG_OVERLAP, "overlap");
	refuse_null(fcinfo, ARG_REPAIR, "repair");
	refuse_null(fcinfo, ARG_ON_DRIFT, "on_drift");
	options->overlap = PG_GETARG_INTERVAL_P(ARG_OVERLAP);
	options->repair = PG_GETARG_BOOL(ARG_REPAIR);
	options->on_drift =
		sfb_on_drift_from_name(text_to_cstring(PG_GETARG_TEXT_PP(ARG_ON_DRIFT)));
	options->full_refresh_every = PG_ARGISNULL(ARG_FULL_REFRESH_EVERY)
									  ? NULL
									  : PG_GETARG_INTERVAL_P(ARG_FULL_REFRESH_EVERY);
	refuse_negative(options->overlap, "overlap");
	if (options->full_refresh_every != NULL)
		refuse_negative(options->full_refresh_every, "full_refresh_every");
}

Datum
sfb_sync_result(FunctionCallInfo fcinfo, int ncounts, const int64 *counts,
				const TimestampTz *time)
{
	Datum values[8];
	bool nulls[8] = {false};
	TupleDesc desc;
	int n = 0;

	for (int i = 0; i < ncounts; i++)
		values[n++] = Int64GetDatum(counts[i]);
	if (time != NULL)
	{
		nulls[n] = TIMESTAMP_IS_NOBEGIN(*time);
		values[n++] = TimestampTzGetDatum(*time);
	}
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != n)
		elog(ERROR, "the procedure has other results");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

Datum
sfbulk_sync(PG_FUNCTION_ARGS)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "sfbulk_fdw sync", ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer;
	SfbSyncOptions options;
	SfbSync *sync;
	Datum result;

	PreventCommandIfReadOnly("sfbulk_sync()");
	refuse_null(fcinfo, ARG_SOURCE, "source");
	refuse_null(fcinfo, ARG_TARGET, "target");
	sfb_sync_read_options(fcinfo, &options);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	outer = MemoryContextSwitchTo(context);
	sync = sfb_sync_new(get_func_namespace(fcinfo->flinfo->fn_oid), PG_GETARG_OID(ARG_SOURCE),
						text_to_cstring(PG_GETARG_TEXT_PP(ARG_TARGET)), &options);
	sfb_sync_start(sync, false);
	sfb_sync_finish(sync);
	MemoryContextSwitchTo(outer);
	SPI_finish();
	result = sfb_sync_result(
		fcinfo, 4, (int64[]){sync->inserted, sync->updated, sync->deleted, sync->api_calls},
		&sync->watermark);
	MemoryContextDelete(context);
	PG_RETURN_DATUM(result);
}
