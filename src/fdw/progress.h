/*
 * progress.h
 *		Long work shows itself: what is under way in this backend, and in all of them.
 *
 * Whoever begins something that may take long makes an SfbProgress for it, shows it while it lasts, and says
 * on request how far it has come:
 *
 *		SfbProgressSpec spec = {.kind = SFB_PROGRESS_SYNC, .server = server->servername,
 *								.object = "Account", .relid = relid};
 *		SfbProgress *progress = sfb_progress_begin(&spec);
 *
 *		sfb_progress_say(progress, "comparing", rows, total);
 *		...
 *		sfb_progress_end(progress);
 *
 * or, where the figures are in structs anyway, with a callback in spec.fill that is asked for them now and
 * then.  It is gone when its memory context goes or its (sub)transaction aborts, so errors need no care.
 * Operations may be nested: a sync has one, and the scans that it runs have theirs.
 *
 * Where it is seen: with shared memory in the view sfbulk_progress of every backend, else in that of this
 * session and as a NOTICE now and then.
 */
#ifndef SFB_PROGRESS_H
#define SFB_PROGRESS_H

#include "sfbulk_fdw.h"

/* ---- progress.c: the operations of this backend ---------------------------------------------- */

typedef enum SfbProgressKind
{
	SFB_PROGRESS_QUERY,		  /* a scan's queries */
	SFB_PROGRESS_INGEST,	  /* an ingest job */
	SFB_PROGRESS_COLLECTIONS, /* rows that are written by sObject Collections */
	SFB_PROGRESS_ANALYZE,
	SFB_PROGRESS_SYNC /* a copy that is brought up to date */
} SfbProgressKind;

/* How far it has come; negative numbers are not known. */
typedef struct SfbProgressInfo
{
	char job[SF_JOB_ID_MAX]; /* the bulk job at work, or "" */
	const char *phase;		 /* a few plain words that last: a literal */
	int64 rows_done;
	int64 rows_total; /* only where that is certain */
	int64 rows_failed;
	int64 bytes; /* sent or received */
	int64 api_calls;
} SfbProgressInfo;

/* Place of an operation in shared memory, for other processes that work for it; plain data. */
typedef struct SfbProgressRef
{
	int slot;  /* -1: it has none */
	uint64 id; /* the slot may have been taken by another operation since */
} SfbProgressRef;

typedef struct SfbProgressSpec
{
	SfbProgressKind kind;
	const char *server;
	const char *object; /* of Salesforce, or NULL */
	Oid relid;			/* table here, or InvalidOid */

	/*
	 * Adds what is known to an info in which nothing is (numbers are -1, phase is "").  Cheap, never throws.
	 * NULL: sfb_progress_say tells it.
	 */
	void (*fill)(void *arg, SfbProgressInfo *info);
	void *arg;
} SfbProgressSpec;

typedef struct SfbProgress SfbProgress;

/*
 * One that is not shown yet; it lasts as long as the current memory context, and what arg points to must,
 * too.  The names are copied.
 */
extern SfbProgress *sfb_progress_new(const SfbProgressSpec *spec);

/* Shows it as started now; nothing when it is shown already. */
extern void sfb_progress_start(SfbProgress *progress);

/*
 * The same in a process that works for another one: the operation there, which is what is shown, gets the
 * figures, as far as they are larger than its own.
 */
extern void sfb_progress_start_for(SfbProgress *progress, const SfbProgressRef *leader);

/* Makes and starts one. */
extern SfbProgress *sfb_progress_begin(const SfbProgressSpec *spec);

extern bool sfb_progress_is_shown(const SfbProgress *progress); /* NULL is not */

/* Takes over when another one began, whose work it goes on with. */
extern void sfb_progress_continue(SfbProgress *progress, const SfbProgress *from);

/* Shows it no more; it may be started again.  Never throws; NULL and one that is not shown are fine. */
extern void sfb_progress_end(SfbProgress *progress);

/* Of one without a callback: the phase (a literal), rows done, and their total or -1. */
extern void
sfb_progress_say(SfbProgress *progress, const char *phase, int64 rows_done, int64 rows_total);

/* … and what else there is to say. */
extern void sfb_progress_tell(SfbProgress *progress, const SfbProgressInfo *info);

/* Publishes it at once; where it is, for processes that are to work for it. */
extern void sfb_progress_publish(SfbProgress *progress, SfbProgressRef *ref);

/*
 * Something may have come on: publishes what is under way, or raises a NOTICE, unless that was done just
 * now.  Call it now and then where much is done without waiting (each thousand rows); may throw, as any
 * place where interrupts are served.
 */
extern void sfb_progress_tick(void);

/* The same at once, without a NOTICE: a statement hands its rows over, and may not come back soon. */
extern void sfb_progress_flush(void);

/* For wait.c, before it sleeps: milliseconds until sfb_progress_tick wants to be called, or -1. */
extern long sfb_progress_due(void);

/* The words for a query's phase; session is the query's, or NULL. */
extern const char *sfb_progress_query_phase(const sf_session *session, sf_query_phase phase);

/* A callback for whoever has a single query: arg is the SfbGuard of it. */
extern void sfb_progress_fill_query(void *guard, SfbProgressInfo *info);

/* Called by _PG_init once. */
extern void sfb_progress_init(void);

/* ---- what others see ---------------------------------------------------------------------------- */

#define SFB_PROGRESS_OBJECT_MAX 128
#define SFB_PROGRESS_PHASE_MAX	48

/* An operation as it is published. */
typedef struct SfbProgressEntry
{
	int pid;
	Oid database;
	Oid user; /* who has logged in */
	SfbProgressKind kind;
	Oid relid; /* of that database */
	char server[NAMEDATALEN];
	char object[SFB_PROGRESS_OBJECT_MAX];
	char job[SF_JOB_ID_MAX];
	char phase[SFB_PROGRESS_PHASE_MAX];
	int64 rows_done;
	int64 rows_total;
	int64 rows_failed;
	int64 bytes;
	int64 api_calls;
	TimestampTz started;
	TimestampTz changed; /* the last time that anything of it was different */
} SfbProgressEntry;

/* query, ingest, … */
extern const char *sfb_progress_kind_name(SfbProgressKind kind);

/* Percent done, 0 to 100, or -1 where the total is not known. */
extern int sfb_progress_percent(const SfbProgressEntry *entry);

/* All that can be seen from here, palloc'd; their number. */
extern int sfb_progress_entries(SfbProgressEntry **entries);

/* ---- progress_shmem.c: shared memory ----------------------------------------------------------- */

/* Operations that can be seen at a time, unless a setting says otherwise. */
#define SFB_PROGRESS_SLOTS 256

typedef enum SfbProgressPlace
{
	SFB_PROGRESS_SESSION,	/* there is none: each session sees its own */
	SFB_PROGRESS_PRELOADED, /* reserved by the postmaster */
	SFB_PROGRESS_REGISTRY	/* from the DSM registry */
} SfbProgressPlace;

/* Where operations are published; attaches to it.  May throw the first time. */
extern SfbProgressPlace sfb_progress_place(void);

/*
 * Writes an entry into *ref, which is a free place when it has none yet; false when all are taken, which
 * is counted the first time.  Never throws.
 */
extern bool sfb_progress_put(SfbProgressRef *ref, const SfbProgressEntry *entry, bool first);

/* Figures of a process that works for the operation; nothing when that is over. */
extern void sfb_progress_raise(const SfbProgressRef *ref, const SfbProgressEntry *entry);

/* Gives a place back. */
extern void sfb_progress_drop(SfbProgressRef *ref);

/* Copies what is published, palloc'd; their number. */
extern int sfb_progress_read(SfbProgressEntry **entries);

/* Places, those that are taken, and operations that found none so far. */
extern void sfb_progress_places(int *places, int *taken, int64 *unplaced);

/* Called by _PG_init once, when settings are known. */
extern void sfb_progress_shmem_init(void);

/* ---- settings ----------------------------------------------------------------------------------- */

extern int sfb_progress_interval; /* ms between two NOTICEs about an operation; 0: none */
extern int sfb_progress_slots;	  /* places in the memory of a preloaded module */

#endif /* SFB_PROGRESS_H */
