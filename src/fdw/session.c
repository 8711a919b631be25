/*
 * session.c
 *		One client session per user mapping, kept for the life of the backend, and what becomes of the
 *		jobs of statements that do not end normally.
 *
 * The client is malloc'ed memory that no MemoryContext and no ResourceOwner knows of.  Each of its
 * objects hangs on an SfbGuard, which destroys it when its memory context goes, or when its
 * (sub)transaction aborts, whichever comes first: an abort deletes the executor's memory of a
 * failed portal before it calls our callback, but that of a query run by SPI after it.  To
 * destroy is never network I/O; the job that is left over is queued on the session, and the
 * callbacks at the end of a (sub)transaction drive that queue with a deadline.
 */
#include "write.h"
#include "governor.h"
#include "option.h"
#include "usage.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_user_mapping.h"
#include "storage/fd.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/*
 * Descriptors a session is accounted for: epoll and timer, one connection for control and one for
 * each of the usual 5 download streams.
 */
#define SESSION_FDS 8

typedef struct SfbSession
{
	sf_session *client; /* NULL while it is being made */
	Oid umid;			/* the user mapping, maybe PUBLIC's */
	Oid umuser;			/* whose mapping it is; InvalidOid is PUBLIC's */
	Oid serverid;
	uint32 umhash; /* of the syscache entries, for invalidation */
	uint32 serverhash;
	bool stale;			/* its definition has changed: no new work */
	int guards;			/* client objects of ours that need it */
	int fds;			/* descriptors accounted for */
	Oid roleid;			/* who asked for it last: what it spends is this role's */
	double api_reserve; /* of the server, see SfbServerOptions */
	SfbUsageTold told;	/* what of its readings is in the books */
	uint64 last_use;	/* for giving up the one that was idle longest */
	TimestampTz since;
	TimestampTz used; /* when the last statement that used it began */
} SfbSession;

/* The sessions of this backend, in no order; few, so they are searched one by one. */
static SfbSession **sessions = NULL;
static int nsessions = 0;
static int maxsessions = 0;
static uint64 generation = 1;
static uint64 use_clock = 0;

/* All guards that have not been destroyed with their memory context yet. */
static dlist_head guards = DLIST_STATIC_INIT(guards);

/* ---- the list of sessions ------------------------------------------------------------- */

int
sfb_session_count(void)
{
	return nsessions;
}

sf_session *
sfb_session_nth(int n)
{
	return sessions[n]->client;
}

uint64
sfb_session_generation(void)
{
	return generation;
}

static SfbSession *
find_session(const sf_session *client)
{
	for (int i = 0; i < nsessions; i++)
		if (sessions[i]->client == client)
			return sessions[i];
	return NULL;
}

static void
get_origin(const SfbSession *entry, SfbSessionOrigin *origin)
{
	origin->serverid = entry->serverid;
	origin->umid = entry->umid;
	origin->roleid = entry->roleid;
	origin->api_reserve = entry->api_reserve;
}

/* What it has spent so far is its role's. */
static void
take_usage(SfbSession *entry)
{
	SfbSessionOrigin origin;

	if (entry->client == NULL)
		return;
	get_origin(entry, &origin);
	sfb_usage_take(entry->client, &origin, &entry->told);
}

void
sfb_sessions_write_usage(void)
{
	for (int i = 0; i < nsessions; i++)
		take_usage(sessions[i]);
	sfb_usage_write();
}

/* Frees an entry, half-built or whole, that is not in the list any more. */
static void
free_entry(SfbSession *entry)
{
	take_usage(entry);
	sf_session_free(entry->client);
	for (; entry->fds > 0; entry->fds--)
		ReleaseExternalFD();
	pfree(entry);
}

/* Drops the i-th session; the last one takes its place. */
static void
drop_session(int i)
{
	SfbSession *entry = sessions[i];

	sessions[i] = sessions[--nsessions];
	generation++;
	free_entry(entry);
}

/* Sessions that nobody uses and nobody will use again, at a moment where nobody holds one. */
static void
drop_stale_sessions(void)
{
	for (int i = nsessions - 1; i >= 0; i--)
		if (sessions[i]->stale && sessions[i]->guards == 0)
			drop_session(i);
}

/* ---- making one ----------------------------------------------------------------------- */

/* Gives up the session that was idle longest, if there is an idle one. */
static bool
drop_idle_session(void)
{
	int oldest = -1;

	for (int i = 0; i < nsessions; i++)
	{
		SfbSession *entry = sessions[i];

		if (entry->guards == 0 && sf_session_cleanup_pending(entry->client) == 0 &&
			(oldest < 0 || entry->last_use < sessions[oldest]->last_use))
			oldest = i;
	}
	if (oldest < 0)
		return false;
	drop_session(oldest);
	return true;
}

/* Accounts for a session's descriptors. */
static void
acquire_fds(SfbSession *entry)
{
	while (entry->fds < SESSION_FDS)
	{
		if (AcquireExternalFD())
			entry->fds++;
		else if (!drop_idle_session())
			ereport(
				ERROR, errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				errmsg("too many Salesforce sessions in this backend"),
				errhint(
					"Raise the server's max_files_per_process and/or \"ulimit -n\" limits."));
	}
}

/* The context of a configuration goes away, by an error or not. */
static void
wipe_config_callback(void *arg)
{
	sfb_wipe_config((sf_config *) arg);
}

/*
 * Makes the client session of an entry whose hash values are set already: an invalidation that
 * arrives while the catalogs are read marks it stale, and they are read again.
 */
static void
make_client(UserMapping *user, SfbSession *entry)
{
	do
	{
		SfbServerOptions options;
		MemoryContext cxt = AllocSetContextCreate(
			CurrentMemoryContext, "sfbulk_fdw credentials", ALLOCSET_SMALL_SIZES);
		MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
		sf_config *config = palloc0(sizeof(sf_config));
		MemoryContextCallback *wipe = palloc0(sizeof(MemoryContextCallback));
		sf_error err = {0};

		wipe->func = wipe_config_callback;
		wipe->arg = config;
		MemoryContextRegisterResetCallback(cxt, wipe);

		sf_session_free(entry->client);
		entry->client = NULL;
		entry->stale = false;

		/* Fresh from the catalogs: what the caller holds may be older than the invalidation. */
		sfb_client_config(GetForeignServer(user->serverid),
						  GetUserMapping(user->userid, user->serverid), config);
		sfb_option_defaults(SFB_TO_SERVER, &options);
		sfb_option_apply(GetForeignServer(user->serverid)->options, SFB_TO_SERVER, &options);
		entry->api_reserve = options.api_reserve;
		entry->client = sf_session_new(config, &err);
		MemoryContextSwitchTo(oldcxt);
		MemoryContextDelete(cxt);
		if (entry->client == NULL)
			sfb_report(ERROR, &err);
	} while (entry->stale);
}

/* The entry that is being made: the invalidation callback must see it, nobody else. */
static SfbSession *entry_in_making = NULL;

/* Whose a mapping is: what GetUserMapping says is who asked, also of PUBLIC's. */
static Oid
mapping_user(Oid umid)
{
	HeapTuple tuple = SearchSysCache1(USERMAPPINGOID, ObjectIdGetDatum(umid));
	Oid user;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for user mapping %u", umid);
	user = ((Form_pg_user_mapping) GETSTRUCT(tuple))->umuser;
	ReleaseSysCache(tuple);
	return user;
}

static SfbSession *
make_session(UserMapping *user)
{
	SfbSession *entry;

	/* All memory first: nothing may throw while a client session has no owner. */
	if (nsessions == maxsessions)
	{
		int size = Max(8, maxsessions * 2);

		if (sessions == NULL)
			sessions = MemoryContextAlloc(TopMemoryContext, size * sizeof(SfbSession *));
		else
			sessions = repalloc(sessions, size * sizeof(SfbSession *));
		maxsessions = size;
	}
	entry = MemoryContextAllocZero(TopMemoryContext, sizeof(SfbSession));
	entry->umid = user->umid;
	entry->serverid = user->serverid;
	entry->since = GetCurrentTimestamp();

	PG_TRY();
	{
		entry->umuser = mapping_user(user->umid);
		acquire_fds(entry);
		entry->umhash = GetSysCacheHashValue1(USERMAPPINGOID, ObjectIdGetDatum(user->umid));
		entry->serverhash =
			GetSysCacheHashValue1(FOREIGNSERVEROID, ObjectIdGetDatum(user->serverid));
		entry_in_making = entry;
		make_client(user, entry);
		entry_in_making = NULL;
	}
	PG_CATCH();
	{
		entry_in_making = NULL;
		free_entry(entry);
		PG_RE_THROW();
	}
	PG_END_TRY();

	sessions[nsessions++] = entry;
	generation++;
	return entry;
}

sf_session *
sfb_session_get(UserMapping *user)
{
	SfbSession *entry = NULL;

	for (int i = 0; i < nsessions && entry == NULL; i++)
		if (sessions[i]->umid == user->umid && sessions[i]->serverid == user->serverid &&
			!sessions[i]->stale)
			entry = sessions[i];
	if (entry == NULL)
		entry = make_session(user);
	if (entry->roleid != user->userid)
	{
		if (OidIsValid(entry->roleid))
			take_usage(entry);
		entry->roleid = user->userid;
	}
	entry->last_use = ++use_clock;
	entry->used = GetCurrentStatementStartTimestamp();
	return entry->client;
}

sf_session *
sfb_session_own(UserMapping *user)
{
	SfbSession *entry = make_session(user);

	entry->stale = true; /* nobody else gets it */
	entry->roleid = user->userid;
	entry->last_use = ++use_clock;
	entry->used = GetCurrentStatementStartTimestamp();
	return entry->client;
}

void
sfb_session_get_info(int n, SfbSessionInfo *info)
{
	const SfbSession *entry = sessions[n];

	info->serverid = entry->serverid;
	info->umuser = entry->umuser;
	info->client = entry->client;
	info->in_use = entry->guards > 0;
	info->stale = entry->stale;
	info->since = entry->since;
	info->used = entry->used;
}

bool
sfb_session_close(int n)
{
	SfbSession *entry = sessions[n];

	if (entry->guards > 0)
		return false;
	sfb_session_cleanup(entry->client, sfb_cleanup_timeout);
	drop_session(n);
	return true;
}

bool
sfb_session_origin(const sf_session *session, SfbSessionOrigin *origin)
{
	SfbSession *entry = find_session(session);

	if (entry != NULL)
		get_origin(entry, origin);
	return entry != NULL;
}

/*
 * pg_foreign_server or pg_user_mapping has changed (hash value 0: anything may have).  This runs
 * in the middle of any catalog access, so it only makes a note.
 */
static void
invalidate_sessions(Datum arg pg_attribute_unused(), int cacheid, uint32 hashvalue)
{
	for (int i = -1; i < nsessions; i++)
	{
		SfbSession *entry = i < 0 ? entry_in_making : sessions[i];

		if (entry != NULL &&
			(hashvalue == 0 ||
			 (cacheid == FOREIGNSERVEROID && entry->serverhash == hashvalue) ||
			 (cacheid == USERMAPPINGOID && entry->umhash == hashvalue)))
			entry->stale = true;
	}
}

void
sfb_session_invalidate(void)
{
	invalidate_sessions((Datum) 0, 0, 0);
}

/* ---- guards --------------------------------------------------------------------------- */

void
sfb_guard_clear(SfbGuard *guard)
{
	void *object = guard->object;

	guard->object = NULL;
	if (object != NULL)
		guard->destroy(object);
}

/* Ends what the guard guards, and its claim on the session. */
static void
disarm_guard(SfbGuard *guard)
{
	sfb_guard_clear(guard);
	if (guard->session != NULL)
	{
		SfbSession *entry = find_session(guard->session);

		if (entry != NULL)
			entry->guards--;
		guard->session = NULL;
	}
}

/* The memory context goes away. */
static void
guard_callback(void *arg)
{
	SfbGuard *guard = arg;

	disarm_guard(guard);
	dlist_delete(&guard->link);
	pfree(guard);
}

SfbGuard *
sfb_guard_new(sf_session *session, void (*destroy)(void *object))
{
	/* In memory of its own, so that an abort can still look at it. */
	SfbGuard *guard = MemoryContextAllocZero(TopMemoryContext, sizeof(SfbGuard));

	guard->session = session;
	guard->destroy = destroy;
	guard->subid = GetCurrentSubTransactionId();
	find_session(session)->guards++;
	dlist_push_tail(&guards, &guard->link);
	guard->callback.func = guard_callback;
	guard->callback.arg = guard;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &guard->callback);
	return guard;
}

/* ---- cleanup of jobs ------------------------------------------------------------------ */

/* Drives one session's cleanups to their end or to the deadline, and says which failed. */
static void
drive_cleanup(sf_session *session, TimestampTz deadline)
{
	sf_error err = {0};

	while (sf_session_cleanup_pending(session) > 0)
		if (!sfb_wait_deadline(session, deadline))
			break;

	/* Whatever is pending now had its time. */
	while (sf_session_cleanup_failure(session, true, &err))
	{
		sfb_report(WARNING, &err);
		sf_error_reset(&err);
	}
}

static TimestampTz
cleanup_deadline(int timeout_ms)
{
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
}

void
sfb_session_cleanup(sf_session *session, int timeout_ms)
{
	/* with nothing pending there may still be a warning */
	drive_cleanup(session,
				  sf_session_cleanup_pending(session) > 0 ? cleanup_deadline(timeout_ms) : 0);
}

/* The same for all sessions, within one timeout together. */
static void
cleanup_all(void)
{
	TimestampTz deadline = 0;

	for (int i = 0; i < nsessions; i++)
	{
		if (sf_session_cleanup_pending(sessions[i]->client) > 0 && deadline == 0)
			deadline = cleanup_deadline(sfb_cleanup_timeout);
		drive_cleanup(sessions[i]->client, deadline);
	}
}

/* ---- transactions --------------------------------------------------------------------- */

/*
 * Before a commit or PREPARE interrupts are served and an ERROR is fine.  In all other events they are
 * held off, and an ERROR in one of the abort events would be a recursion: nothing called there throws.
 */
static void
xact_callback(XactEvent event, void *arg pg_attribute_unused())
{
	dlist_iter iter;

	switch (event)
	{
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
			dlist_foreach(iter, &guards)
				disarm_guard(dlist_container(SfbGuard, link, iter.cur));
			sfb_apply_aborted();
			sfb_apply_end(false);
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PREPARE:
			/* Executor state does not get here: cursors WITH HOLD have been materialised. */
			sfb_apply_end(true);
			break;
		case XACT_EVENT_PRE_COMMIT:
			sfb_apply_pre_commit();
			return;
		case XACT_EVENT_PRE_PREPARE:
			sfb_apply_check_prepare();
			return;
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
			return;
	}
	if (nsessions > 0)
	{
		cleanup_all();
		drop_stale_sessions();
	}
	sfb_sessions_write_usage();
}

static void
subxact_callback(SubXactEvent event, SubTransactionId subid, SubTransactionId parentid,
				 void *arg pg_attribute_unused())
{
	dlist_iter iter;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	dlist_foreach(iter, &guards)
	{
		SfbGuard *guard = dlist_container(SfbGuard, link, iter.cur);

		if (guard->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			guard->subid = parentid;
		else
			disarm_guard(guard);
	}
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		sfb_apply_aborted();
		cleanup_all();
	}
}

void
sfb_session_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, invalidate_sessions, (Datum) 0);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, invalidate_sessions, (Datum) 0);
}
