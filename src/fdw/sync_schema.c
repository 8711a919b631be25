/*
 * sync_schema.c
 *		Many syncs at a time: all foreign tables of a schema.
 *
 * The requests of some of them are under way together, so that their jobs wait in Salesforce's queue and run side
 * by side; who waits for one moves all on (wait.c).  Their rows are read one table after the other.  Each step
 * of each table is a subtransaction: what fails leaves its own target and watermark as they were, and the others
 * go on.  What has gone well is committed before the error that tells of the rest, where the CALL may commit;
 * within a transaction block the first error ends all.
 */
#include "sync.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "compat.h"
#include "governor.h"

extern PGDLLEXPORT Datum sfbulk_sync_schema(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfbulk_sync_schema);

/* Requests under way at a time: an org runs some jobs at once, others wait. */
#define AT_ONCE 8

/* Reasons that the error at the end quotes. */
#define QUOTED 5

typedef struct Table
{
	Oid source;
	char *name;	  /* as users would write it */
	char *target; /* likewise */
	SfbSync *sync;
	bool failed;
} Table;

typedef struct Tables
{
	SfbSyncOptions options;
	Oid schema; /* of the extension */
	bool atomic;
	bool given_up; /* no further table is tried: all would fail alike */
	Table *tables;
	int count;
	int failed;
	int untried;		/* of them, as all was given up */
	int sqlstate;		/* of the first failure */
	StringInfoData why; /* of the first ones */
	MemoryContext context;
} Tables;

typedef void (*Step)(Tables *all, Table *table);

/* ---- which tables --------------------------------------------------------------------------------- */

/* Tables of other wrappers are passed over, also of one that has no handler. */
static bool
is_wanted(Oid relid)
{
	ForeignServer *server = GetForeignServer(GetForeignTable(relid)->serverid);

	return OidIsValid(GetForeignDataWrapper(server->fdwid)->fdwhandler) &&
		   GetFdwRoutineByRelId(relid)->BeginForeignScan == sfbulkBeginForeignScan &&
		   pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		   sfb_table_options(relid)->object != NULL;
}

static void
find_tables(Tables *all, const char *source_schema, const char *target_schema)
{
	Oid namespace = LookupExplicitNamespace(source_schema, false);
	MemoryContext outer = CurrentMemoryContext;
	uint64 found;

	(void) LookupExplicitNamespace(target_schema, false);
	if (SPI_execute(psprintf("SELECT oid, relname FROM pg_catalog.pg_class WHERE relnamespace "
							 "OPERATOR(pg_catalog.=) %u AND relkind OPERATOR(pg_catalog.=) "
							 "'f' ORDER BY relname",
							 namespace),
					true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the tables of a schema cannot be listed");
	found = SPI_processed;
	MemoryContextSwitchTo(outer);
	all->tables = palloc0(sizeof(Table) * Max(found, 1));
	for (uint64 i = 0; i < found; i++)
	{
		bool isnull;
		Oid relid = DatumGetObjectId(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		char *relname = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
		Table *table = &all->tables[all->count];

		if (!is_wanted(relid))
			continue;
		table->source = relid;
		table->name = quote_qualified_identifier(source_schema, relname);
		table->target = quote_qualified_identifier(target_schema, relname);
		all->count++;
	}
	SPI_freetuptable(SPI_tuptable);
	if (all->count == 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
			 errmsg("schema \"%s\" has no foreign table that could be synced", source_schema),
			 errdetail("It needs to be one of sfbulk_fdw, with the option \"object\", and "
					   "you must be allowed to select from it.")));
}

/* ---- a step ---------------------------------------------------------------------------------------- */

/* What the other tables would meet as well: the network, the login, a limit of the org. */
static bool
concerns_all(int sqlstate)
{
	int category = ERRCODE_TO_CATEGORY(sqlstate);

	return category == ERRCODE_CONNECTION_EXCEPTION ||
		   category == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION ||
		   category == ERRCODE_INSUFFICIENT_RESOURCES;
}

static void
note_failure(Tables *all, Table *table, ErrorData *error)
{
	table->failed = true;
	if (all->failed == 0)
		all->sqlstate = error->sqlerrcode;
	if (all->failed++ < QUOTED)
	{
		appendStringInfo(&all->why, "%s%s: %s", all->why.len > 0 ? "\n" : "", table->name,
						 error->message);
		/* What says it in one line; not the SOQL with a mark below it. */
		if (error->detail != NULL && strchr(error->detail, '\n') == NULL)
			appendStringInfo(&all->why, " (%s)", error->detail);
	}
	if (concerns_all(error->sqlerrcode))
		all->given_up = true;
	sfb_sync_forget_rows();
	if (table->sync != NULL && table->sync->portal != NULL)
	{
		Portal portal = table->sync->portal;

		table->sync->portal = NULL;
		SPI_cursor_close(portal);
	}
	if (table->sync != NULL)
		sfb_progress_end(table->sync->progress);
}

/*
 * One step of one table, in a subtransaction; NULL when it went well.  A cancel is meant for all of it, and where
 * nothing can be kept there is nothing to go on for.
 */
static ErrorData *
attempt(Tables *all, Table *table, Step step)
{
	ResourceOwner owner = CurrentResourceOwner;
	ErrorContextCallback *contexts = error_context_stack;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(all->context);
	PG_TRY();
	{
		step(all, table);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(all->context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(all->context);
	CurrentResourceOwner = owner;
	error_context_stack = contexts;
	if (error != NULL && (all->atomic || error->sqlerrcode == ERRCODE_QUERY_CANCELED))
		ReThrowError(error);
	return error;
}

static void
try_step(Tables *all, Table *table, Step step)
{
	ErrorData *error = attempt(all, table, step);

	if (error != NULL)
		note_failure(all, table, error);
}

static void
prepare_step(Tables *all, Table *table)
{
	table->sync = sfb_sync_new(all->schema, table->source, table->target, &all->options);
}

static void
start_step(Tables *all, Table *table)
{
	(void) all;
	sfb_sync_start(table->sync, true);
}

static void
finish_step(Tables *all, Table *table)
{
	(void) all;
	sfb_sync_finish(table->sync);
}

/* ---- describes -------------------------------------------------------------------------------------- */

static void
destroy_describe(void *object)
{
	sf_describe_free(object);
}

/* The objects of all tables that have the session of this one, 25 to a call. */
static void
describe_step(Tables *all, Table *first)
{
	sf_session *session = first->sync->guard->session;
	const char **names = palloc(sizeof(char *) * all->count);
	Table **tables = palloc(sizeof(Table *) * all->count);
	sf_error *error = palloc0(sizeof(sf_error));
	SfbGuard *guard = sfb_guard_new(session, destroy_describe);
	int64 calls = sf_session_calls(session);
	const sf_object *object;
	sf_status status;
	int count = 0;
	int described = 0;

	for (Table *table = first; table < all->tables + all->count; table++)
	{
		if (table->failed || table->sync->described || table->sync->guard->session != session)
			continue;
		tables[count] = table;
		names[count++] = table->sync->table->object;
	}
	sfb_governor_admit(session, SFB_WORK_CALLS);
	guard->object = sf_describe_objects_start(session, names, count, error);
	if (guard->object == NULL)
		sfb_report(ERROR, error);
	while ((status = sf_describe_next(guard->object, &object, error)) != SF_DONE)
	{
		if (status == SF_FAILED)
			sfb_report(ERROR, error);
		else if (status == SF_WAIT)
			sfb_wait(session);
		else if (described < count)
			sfb_sync_described(tables[described++]->sync, object);
	}
	sfb_guard_clear(guard);
	first->sync->api_calls += sf_session_calls(session) - calls;
}

/*
 * One that cannot be described fails the call for all of them, and does not say which table it is: then each
 * table asks for itself, and the one that fails is known.
 */
static void
describe_all(Tables *all)
{
	for (int i = 0; i < all->count && !all->given_up; i++)
	{
		Table *table = &all->tables[i];
		ErrorData *error;

		if (table->failed || table->sync->described)
			continue;
		error = attempt(all, table, describe_step);
		if (error != NULL && concerns_all(error->sqlerrcode))
			note_failure(all, table, error);
	}
}

/* ---- all of it --------------------------------------------------------------------------------------- */

/* Some are started ahead of the one whose rows are read. */
static void
run(Tables *all)
{
	int started = 0;

	for (int i = 0; i < all->count && !all->given_up; i++)
		try_step(all, &all->tables[i], prepare_step);
	describe_all(all);
	for (int i = 0; i < all->count; i++)
	{
		Table *table = &all->tables[i];

		for (; started < Min(i + AT_ONCE, all->count); started++)
		{
			Table *next = &all->tables[started];

			if (!next->failed && !all->given_up && next->sync != NULL)
				try_step(all, next, start_step);
		}
		if (!table->failed && table->sync != NULL && table->sync->portal != NULL)
			try_step(all, table, finish_step);
		else if (!table->failed)
		{
			table->failed = true;
			all->failed++;
			all->untried++;
		}
	}
}

static void
report_failures(Tables *all, const char *why, const char *schema)
{
	ereport(ERROR, (errcode(all->sqlstate),
					errmsg("%d of %d tables of schema \"%s\" could not be synced", all->failed,
						   all->count, schema),
					errdetail("%s", why),
					all->failed < all->count
						? errhint("What was done to the other tables has been committed.")
						: 0));
}

Datum
sfbulk_sync_schema(PG_FUNCTION_ARGS)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context =
		AllocSetContextCreate(outer, "sfbulk_fdw sync of a schema", ALLOCSET_DEFAULT_SIZES);
	Tables *all;
	int64 counts[5] = {0};
	char *schema;
	char *why;

	PreventCommandIfReadOnly("sfbulk_sync_schema()");
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("parameter \"%s\" must not be null",
							   PG_ARGISNULL(0) ? "source_schema" : "target_schema")));
	all = palloc0(sizeof(Tables));
	sfb_sync_read_options(fcinfo, &all->options);
	all->schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	/* within an exception block, older minor versions say that it may commit, and then it may not */
	all->atomic = IsSubTransaction() || fcinfo->context == NULL ||
				  !IsA(fcinfo->context, CallContext) ||
				  castNode(CallContext, fcinfo->context)->atomic;
	all->context = context;
	schema = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (SPI_connect_ext(all->atomic ? 0 : SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	MemoryContextSwitchTo(context);
	initStringInfo(&all->why);
	find_tables(all, schema, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	run(all);
	for (int i = 0; i < all->count; i++)
	{
		SfbSync *sync = all->tables[i].sync;

		if (sync != NULL)
			counts[4] += sync->api_calls;
		if (all->tables[i].failed)
			continue;
		counts[0]++;
		counts[1] += sync->inserted;
		counts[2] += sync->updated;
		counts[3] += sync->deleted;
	}
	if (all->failed - all->untried > QUOTED)
		appendStringInfo(&all->why, "\n... and %d more.", all->failed - all->untried - QUOTED);
	if (all->untried > 0)
		appendStringInfo(
			&all->why,
			ngettext("\n%d other was not tried.", "\n%d others were not tried.", all->untried),
			all->untried);
	why = MemoryContextStrdup(outer, all->why.data);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
	if (all->failed > 0)
	{
		SPI_commit();
		report_failures(all, why, schema);
	}
	SPI_finish();
	PG_RETURN_DATUM(sfb_sync_result(fcinfo, 5, counts, NULL));
}
