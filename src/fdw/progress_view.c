/*
 * progress_view.c
 *		The functions behind the view sfbulk_progress.
 */
#include "functions.h"
#include "progress.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"

extern PGDLLEXPORT Datum sfbulk_progress_entries(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfbulk_progress_scope(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfbulk_progress_entries);
PG_FUNCTION_INFO_V1(sfbulk_progress_scope);

/* Signs in a bar. */
#define BAR_WIDTH 20

/* Columns that everybody sees. */
#define OPEN_COLUMNS 3

static void
add_name(SfbResultRow *row, const char *name)
{
	if (name == NULL)
		sfb_add_null(row);
	else
		sfb_add_value(row,
					  DirectFunctionCall1(namein, CStringGetDatum(unconstify(char *, name))));
}

/* A text of another database may be in another encoding: of that only ASCII is safe. */
static void
add_foreign_text(SfbResultRow *row, const char *text, Oid database)
{
	char *copy;

	if (text[0] == '\0')
	{
		sfb_add_null(row);
		return;
	}
	copy = pstrdup(text);
	for (char *p = copy; database != MyDatabaseId && *p; p++)
		if (IS_HIGHBIT_SET(*p))
			*p = '?';
	sfb_add_value(row, CStringGetTextDatum(copy));
}

/* [########------------] 42% */
static void
add_bar(SfbResultRow *row, int percent)
{
	char bar[BAR_WIDTH + 16];
	int full = percent * BAR_WIDTH / 100;

	if (percent < 0)
	{
		sfb_add_null(row);
		return;
	}
	bar[0] = '[';
	memset(bar + 1, '#', full);
	memset(bar + 1 + full, '-', BAR_WIDTH - full);
	snprintf(bar + 1 + BAR_WIDTH, sizeof(bar) - 1 - BAR_WIDTH, "] %d%%", percent);
	sfb_add_value(row, CStringGetTextDatum(bar));
}

/* As for pg_stat_activity: its own work, that of roles whose rights one has, or all. */
static bool
may_see(const SfbProgressEntry *entry)
{
	return has_privs_of_role(GetUserId(), entry->user) ||
		   has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
}

static void
add_entry(SfbResultRow *row, const SfbProgressEntry *entry, int ncolumns)
{
	int percent = sfb_progress_percent(entry);

	sfb_add_value(row, Int32GetDatum(entry->pid));
	add_name(row, get_database_name(entry->database));
	add_name(row, GetUserNameFromId(entry->user, true));
	Assert(row->n == OPEN_COLUMNS);
	if (!may_see(entry))
	{
		while (row->n < ncolumns)
			sfb_add_null(row);
		return;
	}
	add_foreign_text(row, entry->server, entry->database);
	sfb_add_string(row, sfb_progress_kind_name(entry->kind));
	sfb_add_string(row, entry->job);
	add_foreign_text(row, entry->object, entry->database);
	if (entry->database == MyDatabaseId && OidIsValid(entry->relid))
		sfb_add_value(row, ObjectIdGetDatum(entry->relid));
	else
		sfb_add_null(row);
	sfb_add_string(row, entry->phase);
	sfb_add_count(row, entry->rows_done);
	sfb_add_count(row, entry->rows_total);
	sfb_add_count(row, entry->rows_failed);
	sfb_add_count(row, entry->bytes);
	if (percent < 0)
		sfb_add_null(row);
	else
		sfb_add_value(row, Int32GetDatum(percent));
	add_bar(row, percent);
	sfb_add_count(row, entry->api_calls);
	sfb_add_value(row, TimestampTzGetDatum(entry->started));
	sfb_add_value(row, TimestampTzGetDatum(entry->changed));
}

Datum
sfbulk_progress_entries(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	SfbProgressEntry *entries;
	SfbResultRow row = {0};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext oldcontext;

		funcctx = SRF_FIRSTCALL_INIT();
		oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		sfb_describe_result(fcinfo, funcctx);
		funcctx->max_calls = sfb_progress_entries(&entries);
		funcctx->user_fctx = entries;
		MemoryContextSwitchTo(oldcontext);
	}
	funcctx = SRF_PERCALL_SETUP();
	entries = funcctx->user_fctx;
	if (funcctx->call_cntr >= funcctx->max_calls)
		SRF_RETURN_DONE(funcctx);
	add_entry(&row, &entries[funcctx->call_cntr], funcctx->tuple_desc->natts);
	SRF_RETURN_NEXT(funcctx, sfb_result_tuple(funcctx, &row));
}

Datum
sfbulk_progress_scope(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		[SFB_PROGRESS_SESSION] = "session",
		[SFB_PROGRESS_PRELOADED] = "server, preloaded",
		[SFB_PROGRESS_REGISTRY] = "server, by the DSM registry",
	};
	FuncCallContext *funcctx;
	SfbResultRow row = {0};
	int places;
	int taken;
	int64 unplaced;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext oldcontext;

		funcctx = SRF_FIRSTCALL_INIT();
		oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		sfb_describe_result(fcinfo, funcctx);
		MemoryContextSwitchTo(oldcontext);
	}
	funcctx = SRF_PERCALL_SETUP();
	if (funcctx->call_cntr > 0)
		SRF_RETURN_DONE(funcctx);
	sfb_add_value(&row, CStringGetTextDatum(names[sfb_progress_place()]));
	if (sfb_progress_place() == SFB_PROGRESS_SESSION)
	{
		sfb_add_null(&row);
		sfb_add_null(&row);
		sfb_add_null(&row);
	}
	else
	{
		sfb_progress_places(&places, &taken, &unplaced);
		sfb_add_value(&row, Int32GetDatum(places));
		sfb_add_value(&row, Int32GetDatum(taken));
		sfb_add_count(&row, unplaced);
	}
	SRF_RETURN_NEXT(funcctx, sfb_result_tuple(funcctx, &row));
}
