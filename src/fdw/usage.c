/*
 * usage.c
 *		What this backend has spent on its way into the books, and sfbulk_usage(), which shows them.
 */
#include "usage.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "functions.h"

extern PGDLLEXPORT Datum sfbulk_usage(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfbulk_usage_reset(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfbulk_usage);
PG_FUNCTION_INFO_V1(sfbulk_usage_reset);

/* In a long transaction the books are kept up to date within so many milliseconds. */
#define WRITE_INTERVAL 60000

/* Records that wait while the file cannot be written; more stays with the sessions. */
#define WAITING_MAX 4096

/* Readings of a session whose times differ by less are the same one. */
#define SAME_READING (5 * INT64CONST(1000))

/* What waits to be written; malloc'd, as it is filled where nothing may throw. */
static SfbBookRecord *waiting = NULL;
static int nwaiting = 0;
static int maxwaiting = 0;
static TimestampTz written_at = 0;
static bool told_failure = false;

/* ---- taking over -------------------------------------------------------------------------------- */

static bool
make_room(void)
{
	SfbBookRecord *larger;

	if (nwaiting < maxwaiting)
		return true;
	if (nwaiting >= WAITING_MAX)
		return false;
	larger = realloc(waiting, sizeof(SfbBookRecord) * Max(16, maxwaiting * 2));
	if (larger == NULL)
		return false;
	waiting = larger;
	maxwaiting = Max(16, maxwaiting * 2);
	return true;
}

/* Puts a record down for writing, with what waits already of its key; there must be room. */
static void
add_record(const SfbBookRecord *record)
{
	for (int i = 0; i < nwaiting; i++)
	{
		if (!sfb_book_same(&waiting[i], record))
			continue;
		if (record->kind == SFB_BOOK_HOUR)
			for (int n = 0; n < SfbUsageNumbers; n++)
				waiting[i].number[n] += record->number[n];
		else
			waiting[i] = *record;
		return;
	}
	waiting[nwaiting++] = *record;
}

static void
take_readings(sf_session *session, const SfbBookRecord *empty, TimestampTz now,
			  SfbUsageTold *told)
{
	SfbBookRecord record = *empty;
	int64 age;

	record.kind = SFB_BOOK_CALLS;
	if (sf_session_api_usage(session, &record.number[0], &record.number[1]))
	{
		record.at = now - sf_session_api_usage_age(session) * 1000;
		if ((record.number[0] != told->used || record.at > told->calls_at + SAME_READING) &&
			make_room())
		{
			add_record(&record);
			told->used = record.number[0];
			told->calls_at = record.at;
		}
	}
	record.kind = SFB_BOOK_QUOTA;
	for (int i = 0; i < SF_QUOTA_COUNT; i++)
	{
		if (!sf_session_quota(session, i, &record.number[1], &record.number[2], &age))
			continue;
		record.number[0] = i;
		record.at = now - age * 1000;
		if (record.at > told->quota_at[i] + SAME_READING && make_room())
		{
			add_record(&record);
			told->quota_at[i] = record.at;
		}
	}
}

void
sfb_usage_take(sf_session *session, const SfbSessionOrigin *origin, SfbUsageTold *told)
{
	TimestampTz now = GetCurrentTimestamp();
	SfbBookRecord record = {.database = MyDatabaseId,
							.server = origin->serverid,
							.org = sfb_org_number(sf_session_instance_url(session))};
	sf_usage usage;

	record.mapping = origin->umid;
	take_readings(session, &record, now, told);
	record.mapping = InvalidOid;
	record.kind = SFB_BOOK_HOUR;
	record.role = origin->roleid;
	record.at = sfb_book_hour(now);
	while (make_room() && sf_session_take_usage(session, &usage))
	{
		record.number[SfbUsageApiCalls] = usage.api_calls;
		record.number[SfbUsageLogins] = usage.logins;
		record.number[SfbUsageQueryJobs] = usage.query_jobs;
		record.number[SfbUsageIngestJobs] = usage.ingest_jobs;
		record.number[SfbUsageBatches] = usage.batches;
		record.number[SfbUsageResultBytes] = usage.result_bytes;
		record.number[SfbUsageBytesSent] = usage.bytes_sent;
		record.number[SfbUsageBytesReceived] = usage.bytes_received;
		memcpy(record.object, usage.object, sizeof(record.object));
		add_record(&record);
	}
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* What no transaction could write any more. */
static void
write_at_exit(int code, Datum arg)
{
	(void) code;
	(void) arg;
	if (nwaiting > 0 && sfb_book_append(waiting, nwaiting))
		nwaiting = 0;
}

void
sfb_usage_write(void)
{
	static bool registered = false;

	written_at = GetCurrentTimestamp();
	if (nwaiting == 0)
		return;
	if (!registered)
	{
		on_proc_exit(write_at_exit, 0);
		registered = true;
	}
	if (sfb_book_append(waiting, nwaiting))
		nwaiting = 0;
	else if (!told_failure)
	{
		/* Not worth more than a line in the log: nobody's work depends on it. */
		told_failure = true;
		ereport(LOG, (errmsg("could not write what was spent in Salesforce to "
							 "\"pg_stat/sfbulk_fdw.usage\""),
					  errdetail("It is kept in memory as long as this session lasts.")));
	}
}

void
sfb_usage_tick(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (written_at == 0)
		written_at = now;
	else if (now >= written_at + WRITE_INTERVAL * INT64CONST(1000))
		sfb_sessions_write_usage();
}

/* ---- sfbulk_usage() -------------------------------------------------------------------------------- */

/* Records of a day: the key is theirs as far as it is shown, so that hours of a day are put together. */
typedef struct UsageKey
{
	int64 day;
	Oid role;
	Oid server;
	char object[SF_OBJECT_MAX];
} UsageKey;

typedef struct UsageDay
{
	UsageKey key;
	int64 number[SfbUsageNumbers];
} UsageDay;

typedef struct UsageList
{
	TimestampTz since;
	Oid reader; /* whose roles' rows are shown; 0: everybody's */
	HTAB *days;
	UsageDay **rows;
	int nrows;
	int next;
} UsageList;

static void
begin_list(void *arg)
{
	(void) arg;
}

static void
take_day(const SfbBookRecord *record, void *arg)
{
	UsageList *list = arg;
	UsageKey key;
	UsageDay *day;
	bool found;

	if ((record->kind != SFB_BOOK_HOUR && record->kind != SFB_BOOK_DAY) ||
		record->database != MyDatabaseId || record->at < list->since)
		return;
	memset(&key, 0, sizeof(key));
	key.day = sfb_book_day(record->at);
	key.role = record->role;
	key.server = record->server;
	strlcpy(key.object, record->object, sizeof(key.object));
	day = hash_search(list->days, &key, HASH_ENTER, &found);
	if (!found)
		memset(day->number, 0, sizeof(day->number));
	for (int n = 0; n < SfbUsageNumbers; n++)
		day->number[n] += record->number[n];
}

static int
compare_days(const void *left, const void *right)
{
	const UsageKey *a = &(*(UsageDay *const *) left)->key;
	const UsageKey *b = &(*(UsageDay *const *) right)->key;

	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	if (a->server != b->server)
		return a->server < b->server ? -1 : 1;
	return strcmp(a->object, b->object);
}

/* A superuser and who may read all statistics see everybody's rows, others those of their roles. */
static bool
is_shown(const UsageList *list, const UsageDay *day)
{
	return !OidIsValid(list->reader) || has_privs_of_role(list->reader, day->key.role);
}

static UsageList *
begin_usage(FunctionCallInfo fcinfo)
{
	UsageList *list = palloc0(sizeof(UsageList));
	HASHCTL info = {.keysize = sizeof(UsageKey),
					.entrysize = sizeof(UsageDay),
					.hcxt = CurrentMemoryContext};
	SfbBookPlace place = {0};
	HASH_SEQ_STATUS status;
	UsageDay *day;

	list->since = PG_ARGISNULL(0) ? DT_NOBEGIN : sfb_book_hour(PG_GETARG_TIMESTAMPTZ(0));
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		list->reader = GetUserId();
	list->days =
		hash_create("sfbulk_fdw usage", 256, &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	sfb_sessions_write_usage();
	sfb_book_read(&place, begin_list, take_day, list);
	for (int i = 0; i < nwaiting; i++)
		take_day(&waiting[i], list);

	list->rows = palloc(sizeof(UsageDay *) * Max(hash_get_num_entries(list->days), 1));
	hash_seq_init(&status, list->days);
	while ((day = hash_seq_search(&status)) != NULL)
		if (is_shown(list, day))
			list->rows[list->nrows++] = day;
	qsort(list->rows, list->nrows, sizeof(UsageDay *), compare_days);
	return list;
}

/* A name that may be gone. */
static void
add_name(SfbResultRow *row, const char *name)
{
	if (name == NULL)
		sfb_add_null(row);
	else
		sfb_add_value(row, DirectFunctionCall1(namein, CStringGetDatum(name)));
}

static Datum
usage_tuple(FuncCallContext *funcctx, const UsageDay *day)
{
	SfbResultRow row = {.n = 0};
	ForeignServer *server = GetForeignServerExtended(day->key.server, FSV_MISSING_OK);

	sfb_add_value(&row, DateADTGetDatum((DateADT) (day->key.day / USECS_PER_DAY)));
	add_name(&row, GetUserNameFromId(day->key.role, true));
	add_name(&row, server != NULL ? server->servername : NULL);
	sfb_add_string(&row, day->key.object);
	for (int n = 0; n < SfbUsageNumbers; n++)
		sfb_add_count(&row, day->number[n]);
	return sfb_result_tuple(funcctx, &row);
}

Datum
sfbulk_usage(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	UsageList *list;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext oldcontext;

		funcctx = SRF_FIRSTCALL_INIT();
		oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		sfb_describe_result(fcinfo, funcctx);
		funcctx->user_fctx = begin_usage(fcinfo);
		MemoryContextSwitchTo(oldcontext);
	}
	funcctx = SRF_PERCALL_SETUP();
	list = funcctx->user_fctx;
	if (list->next < list->nrows)
		SRF_RETURN_NEXT(funcctx, usage_tuple(funcctx, list->rows[list->next++]));
	SRF_RETURN_DONE(funcctx);
}

Datum
sfbulk_usage_reset(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	sfb_sessions_write_usage();
	if (!sfb_book_forget(MyDatabaseId))
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not write file \"pg_stat/sfbulk_fdw.usage\": %m")));
	PG_RETURN_VOID();
}
