/*
 * progress.c
 *		The operations that are under way in this backend: who tells of them, and when.
 *
 * An operation is asked how far it has come when the backend wakes up from a wait, and now and then while rows
 * go by; what it says is published at most five times a second.  As a wait may last, what could not be said
 * for that reason is said a moment later: the wait is shortened (sfb_progress_due).
 *
 * Without shared memory it is a NOTICE that says it, at most every sfbulk_fdw.progress_interval, to a client.  A
 * background worker has none: what it raises waits in a queue that nobody may read before the worker
 * ends, and that is full one day.
 */
#include "progress.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Milliseconds between two publications. */
#define PUBLISH_INTERVAL 200

/* A look at each costs something: more than these are not shown. */
#define MAX_OPERATIONS 128

struct SfbProgress
{
	dlist_node link; /* among the operations while it is shown */
	bool shown;
	bool published;			/* it was asked before since it is shown */
	bool counted;			/* it has found no place, and that is known */
	SubTransactionId subid; /* the one that must not abort */
	void (*fill)(void *arg, SfbProgressInfo *info);
	void *arg;
	bool works_for_leader;
	SfbProgressRef ref; /* its place, or the leader's */
	SfbProgressInfo told;
	SfbProgressEntry entry;
	TimestampTz last_notice; /* or when it started */
	MemoryContextCallback callback;
};

int sfb_progress_interval = 10000;

static dlist_head operations = DLIST_STATIC_INIT(operations);
static int noperations = 0;

/* Something may have changed since the last publication, which was then. */
static bool stale = false;
static TimestampTz published_at = 0;

/* Places are given back when the backend ends; it has ended. */
static bool exit_registered = false;
static bool leaving = false;

/* ---- coming and going ------------------------------------------------------------------------- */

void
sfb_progress_end(SfbProgress *progress)
{
	if (progress == NULL || !progress->shown)
		return;
	dlist_delete(&progress->link);
	noperations--;
	progress->shown = false;
	if (!progress->works_for_leader)
		sfb_progress_drop(&progress->ref);
	progress->works_for_leader = false;
	progress->ref.slot = -1;
}

static void
end_all(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &operations)
		sfb_progress_end(dlist_container(SfbProgress, link, iter.cur));
}

/* The backend ends, while shared memory is there still. */
static void
before_exit(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	end_all();
	leaving = true;
}

/* The memory context goes away. */
static void
context_callback(void *arg)
{
	sfb_progress_end(arg);
	pfree(arg);
}

static const SfbProgressInfo nothing = {.phase = "",
										.rows_done = -1,
										.rows_total = -1,
										.rows_failed = -1,
										.bytes = -1,
										.api_calls = -1};

SfbProgress *
sfb_progress_new(const SfbProgressSpec *spec)
{
	/* In memory of its own, so that an abort can still look at it. */
	SfbProgress *progress = MemoryContextAllocZero(TopMemoryContext, sizeof(SfbProgress));
	SfbProgressEntry *entry = &progress->entry;

	progress->fill = spec->fill;
	progress->arg = spec->arg;
	progress->told = nothing;
	progress->ref.slot = -1;
	entry->pid = MyProcPid;
	entry->database = MyDatabaseId;
	entry->user = GetSessionUserId();
	entry->kind = spec->kind;
	entry->relid = spec->relid;
	strlcpy(entry->server, spec->server, sizeof(entry->server));
	if (spec->object != NULL)
		strlcpy(entry->object, spec->object, sizeof(entry->object));
	progress->callback.func = context_callback;
	progress->callback.arg = progress;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &progress->callback);
	return progress;
}

void
sfb_progress_start(SfbProgress *progress)
{
	if (progress->shown || noperations >= MAX_OPERATIONS)
		return;
	if (!exit_registered)
	{
		before_shmem_exit(before_exit, (Datum) 0);
		exit_registered = true;
	}
	progress->shown = true;
	progress->published = false;
	progress->counted = false;
	progress->subid = GetCurrentSubTransactionId();
	progress->entry.started = GetCurrentTimestamp();
	progress->last_notice = progress->entry.started;
	dlist_push_tail(&operations, &progress->link);
	noperations++;
	stale = true;
}

void
sfb_progress_start_for(SfbProgress *progress, const SfbProgressRef *leader)
{
	sfb_progress_start(progress);
	if (!progress->shown)
		return;
	progress->works_for_leader = true;
	progress->ref = *leader;
}

SfbProgress *
sfb_progress_begin(const SfbProgressSpec *spec)
{
	SfbProgress *progress = sfb_progress_new(spec);

	sfb_progress_start(progress);
	return progress;
}

bool
sfb_progress_is_shown(const SfbProgress *progress)
{
	return progress != NULL && progress->shown;
}

void
sfb_progress_continue(SfbProgress *progress, const SfbProgress *from)
{
	if (from == NULL || !from->shown)
		return;
	progress->entry.started = from->entry.started;
	progress->last_notice = from->last_notice;
}

void
sfb_progress_tell(SfbProgress *progress, const SfbProgressInfo *info)
{
	progress->told = *info;
	stale = true;
}

void
sfb_progress_say(SfbProgress *progress, const char *phase, int64 rows_done, int64 rows_total)
{
	progress->told.phase = phase;
	progress->told.rows_done = rows_done;
	progress->told.rows_total = rows_total;
	stale = true;
}

/* ---- looking ---------------------------------------------------------------------------------- */

/* Asks how far it has come; true when that is something new. */
static bool
look_at(SfbProgress *progress, TimestampTz now)
{
	SfbProgressEntry *entry = &progress->entry;
	SfbProgressEntry before = *entry;
	SfbProgressInfo info = progress->told;

	if (progress->fill != NULL)
	{
		info = nothing;
		progress->fill(progress->arg, &info);
	}
	strlcpy(entry->job, info.job, sizeof(entry->job));
	strlcpy(entry->phase, info.phase, sizeof(entry->phase));
	entry->rows_done = info.rows_done;
	entry->rows_total = info.rows_total;
	entry->rows_failed = info.rows_failed;
	entry->bytes = info.bytes;
	entry->api_calls = info.api_calls;
	if (progress->published && strcmp(entry->job, before.job) == 0 &&
		strcmp(entry->phase, before.phase) == 0 && entry->rows_done == before.rows_done &&
		entry->rows_total == before.rows_total && entry->rows_failed == before.rows_failed &&
		entry->bytes == before.bytes && entry->api_calls == before.api_calls)
		return false;
	progress->published = true;
	entry->changed = now;
	return true;
}

static void
publish_one(SfbProgress *progress, TimestampTz now)
{
	bool changed = look_at(progress, now);

	if (leaving || sfb_progress_place() == SFB_PROGRESS_SESSION)
		return;
	if (progress->works_for_leader)
		sfb_progress_raise(&progress->ref, &progress->entry);
	else if (changed || progress->ref.slot < 0)
		progress->counted |=
			!sfb_progress_put(&progress->ref, &progress->entry, !progress->counted);
}

static void
publish_all(TimestampTz now)
{
	dlist_iter iter;

	dlist_foreach(iter, &operations)
		publish_one(dlist_container(SfbProgress, link, iter.cur), now);
	stale = false;
	published_at = now;
}

void
sfb_progress_publish(SfbProgress *progress, SfbProgressRef *ref)
{
	if (progress->shown)
		publish_one(progress, GetCurrentTimestamp());
	*ref = progress->ref;
}

void
sfb_progress_flush(void)
{
	if (!dlist_is_empty(&operations) && !leaving &&
		sfb_progress_place() != SFB_PROGRESS_SESSION)
		publish_all(GetCurrentTimestamp());
}

/* ---- NOTICE ----------------------------------------------------------------------------------- */

/* Is there somebody who would see it, and may it be said here? */
static bool
may_notice(void)
{
	return sfb_progress_interval > 0 && whereToSendOutput != DestNone &&
		   (MyProcPort != NULL || !IsUnderPostmaster) &&
		   message_level_is_interesting(NOTICE) && InterruptHoldoffCount == 0 &&
		   CritSectionCount == 0 && !proc_exit_inprogress;
}

/* Milliseconds until the next NOTICE about it. */
static long
until_notice(const SfbProgress *progress, TimestampTz now)
{
	TimestampTz next =
		TimestampTzPlusMilliseconds(progress->last_notice, sfb_progress_interval);

	return next > now ? TimestampDifferenceMilliseconds(now, next) : 0;
}

/* Not pg_attribute_printf: what configure found for gcc is not known to clang. */
static void __attribute__((format(printf, 2, 3))) add(char *line, const char *format, ...)
{
	Size len = strlen(line);
	va_list args;

	va_start(args, format);
	vsnprintf(line + len, SF_MESSAGE_MAX - len, format, args);
	va_end(args);
}

/* query job 750… of Account: downloading, 350000 of 1000000 rows (35%), 41 MB, 12 API calls, 00:00:40 */
static void
describe(const SfbProgressEntry *entry, TimestampTz now, char line[SF_MESSAGE_MAX])
{
	int seconds = (int) ((now - entry->started) / USECS_PER_SEC);

	line[0] = '\0';
	add(line, "%s", sfb_progress_kind_name(entry->kind));
	if (entry->job[0] != '\0')
		add(line, " job %s", entry->job);
	if (entry->object[0] != '\0')
		add(line, " of %s", entry->object);
	add(line, ": %s", entry->phase[0] != '\0' ? entry->phase : "at work");
	if (entry->rows_done >= 0 && entry->rows_total >= 0)
		add(line, ", " INT64_FORMAT " of " INT64_FORMAT " rows (%d%%)", entry->rows_done,
			entry->rows_total, sfb_progress_percent(entry));
	else if (entry->rows_done > 0)
		add(line, ", " INT64_FORMAT " row%s", entry->rows_done,
			entry->rows_done == 1 ? "" : "s");
	if (entry->rows_failed > 0)
		add(line, ", " INT64_FORMAT " rejected", entry->rows_failed);
	if (entry->bytes >= 10 * 1024 * 1024)
		add(line, ", " INT64_FORMAT " MB", entry->bytes / (1024 * 1024));
	else if (entry->bytes > 0)
		add(line, ", " INT64_FORMAT " kB", (entry->bytes + 1023) / 1024);
	if (entry->api_calls > 0)
		add(line, ", " INT64_FORMAT " API call%s", entry->api_calls,
			entry->api_calls == 1 ? "" : "s");
	add(line, ", %02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static SfbProgress *
due_for_notice(TimestampTz now)
{
	dlist_iter iter;

	dlist_foreach(iter, &operations)
	{
		SfbProgress *progress = dlist_container(SfbProgress, link, iter.cur);

		if (!progress->works_for_leader && until_notice(progress, now) == 0)
			return progress;
	}
	return NULL;
}

static void
raise_notices(TimestampTz now)
{
	SfbProgress *progress;

	/* The list is searched anew each time, as a message is a long way from here. */
	while (may_notice() && (progress = due_for_notice(now)) != NULL)
	{
		char line[SF_MESSAGE_MAX];

		progress->last_notice = now;
		(void) look_at(progress, now);
		describe(&progress->entry, now, line);
		ereport(NOTICE, errmsg("sfbulk_fdw: %s", line), errhidestmt(true),
				errhidecontext(true));
	}
}

/* Without shared memory, in a worker: what the leader is to know goes to it. */
static void
tell_leaders(TimestampTz now)
{
	dlist_iter iter;

	dlist_foreach(iter, &operations)
	{
		SfbProgress *progress = dlist_container(SfbProgress, link, iter.cur);

		if (progress->works_for_leader)
			(void) look_at(progress, now);
	}
	stale = false;
	published_at = now;
}

/* ---- when ------------------------------------------------------------------------------------- */

/* Milliseconds until the next publication. */
static long
until_publication(TimestampTz now)
{
	TimestampTz next = TimestampTzPlusMilliseconds(published_at, PUBLISH_INTERVAL);

	return next > now ? Max(TimestampDifferenceMilliseconds(now, next), 1) : 0;
}

void
sfb_progress_tick(void)
{
	TimestampTz now;

	if (dlist_is_empty(&operations) || leaving)
		return;
	stale = true;
	now = GetCurrentTimestamp();
	if (until_publication(now) > 0)
		return;
	if (sfb_progress_place() == SFB_PROGRESS_SESSION)
	{
		tell_leaders(now);
		raise_notices(now);
	}
	else
		publish_all(now);
}

long
sfb_progress_due(void)
{
	TimestampTz now;
	long due = -1;
	dlist_iter iter;

	if (dlist_is_empty(&operations) || leaving)
		return -1;
	now = GetCurrentTimestamp();
	if (sfb_progress_place() != SFB_PROGRESS_SESSION)
	{
		due = until_publication(now);
		if (stale && due == 0)
			publish_all(now);
		return stale ? due : -1;
	}
	dlist_foreach(iter, &operations)
	{
		SfbProgress *progress = dlist_container(SfbProgress, link, iter.cur);
		long left = -1;

		/* A worker raises no notices: it tells its leader as it would publish. */
		if (progress->works_for_leader)
		{
			if (stale && until_publication(now) == 0)
				tell_leaders(now);
			if (stale)
				left = until_publication(now);
		}
		else if (may_notice())
			left = until_notice(progress, now);
		if (left >= 0 && (due < 0 || left < due))
			due = left;
	}
	return due < 0 ? -1 : Max(Max(due, until_publication(now)), 1);
}

/* ---- looking from outside --------------------------------------------------------------------- */

const char *
sfb_progress_kind_name(SfbProgressKind kind)
{
	switch (kind)
	{
		case SFB_PROGRESS_QUERY:
			return "query";
		case SFB_PROGRESS_INGEST:
			return "ingest";
		case SFB_PROGRESS_COLLECTIONS:
			return "collections";
		case SFB_PROGRESS_ANALYZE:
			return "analyze";
		case SFB_PROGRESS_SYNC:
			return "sync";
	}
	return "?";
}

const char *
sfb_progress_query_phase(const sf_session *session, sf_query_phase phase)
{
	switch (phase)
	{
		case SF_QUERY_STARTING:
			return session != NULL && !sf_session_logged_in(session) ? "logging in"
																	 : "starting";
		case SF_QUERY_QUEUED:
			return "queued";
		case SF_QUERY_RUNNING:
			return "in progress";
		case SF_QUERY_READY:
			return "complete";
		case SF_QUERY_DOWNLOADING:
			return "downloading";
		case SF_QUERY_FINISHED:
			return "done";
		case SF_QUERY_FAILED:
			return "failed";
	}
	return "";
}

void
sfb_progress_fill_query(void *guard, SfbProgressInfo *info)
{
	const SfbGuard *owner = guard;
	sf_query_stats stats;

	if (owner->object == NULL)
		return;
	sf_query_get_stats(owner->object, &stats);
	strlcpy(info->job, stats.job_id, sizeof(info->job));
	info->phase = sfb_progress_query_phase(owner->session, stats.phase);
	info->rows_done = stats.rows;
	info->rows_total = stats.total_rows;
	info->bytes = stats.wire_bytes;
	info->api_calls = stats.api_calls;
}

int
sfb_progress_percent(const SfbProgressEntry *entry)
{
	if (entry->rows_total < 0 || entry->rows_done < 0)
		return -1;
	if (entry->rows_done >= entry->rows_total)
		return 100;
	return (int) ((double) entry->rows_done / (double) entry->rows_total * 100);
}

int
sfb_progress_entries(SfbProgressEntry **entries)
{
	TimestampTz now = GetCurrentTimestamp();
	dlist_iter iter;
	int n = 0;

	publish_all(now);
	if (sfb_progress_place() != SFB_PROGRESS_SESSION)
		return sfb_progress_read(entries);
	*entries = palloc(sizeof(SfbProgressEntry) * Max(noperations, 1));
	dlist_foreach(iter, &operations)(*entries)[n++] =
		dlist_container(SfbProgress, link, iter.cur)->entry;
	return n;
}

/* ---- transactions ----------------------------------------------------------------------------- */

static void
xact_callback(XactEvent event, void *arg pg_attribute_unused())
{
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT)
		end_all();
}

static void
subxact_callback(SubXactEvent event, SubTransactionId subid, SubTransactionId parentid,
				 void *arg pg_attribute_unused())
{
	dlist_mutable_iter iter;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	dlist_foreach_modify(iter, &operations)
	{
		SfbProgress *progress = dlist_container(SfbProgress, link, iter.cur);

		if (progress->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			progress->subid = parentid;
		else
			sfb_progress_end(progress);
	}
}

void
sfb_progress_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
	sfb_progress_shmem_init();
}
