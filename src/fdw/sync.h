/*
 * sync.h
 *		Incremental copies: what sync.c and the files beside it share.
 *
 * A sync makes a table (the target) equal to what Salesforce has of an object, as a foreign table (the source)
 * shows it.  It is one transaction: an error leaves the target and the watermark as they were.
 */
#ifndef SFB_SYNC_H
#define SFB_SYNC_H

#include "sfbulk_fdw.h"

#include "drift.h"
#include "progress.h"

#include "datatype/timestamp.h"
#include "utils/portal.h"
#include "utils/tuplestore.h"

/* What the caller wants. */
typedef struct SfbSyncOptions
{
	Interval *overlap; /* so far before the watermark changes are asked for again */
	bool repair;
	SfbOnDrift on_drift;
	Interval *full_refresh_every; /* or NULL */
} SfbSyncOptions;

/* A column that is copied; it has the same name on both sides. */
typedef struct SfbSyncColumn
{
	char *name;
	char *field;
	Oid type;
	int32 typmod;
	Oid collation;
} SfbSyncColumn;

/* What sfbulk_sync_state knows of the target. */
typedef struct SfbSyncState
{
	bool found;
	char *server;
	char *object;
	char *instance;		   /* URL of the org's host */
	List *fields;		   /* C strings "column field type" that the last run copied */
	bool query_all;		   /* so did it read the recycle bin */
	TimestampTz watermark; /* DT_NOBEGIN: there is none */
	TimestampTz last_full; /* by Salesforce's clock, as the watermark; DT_NOBEGIN: never */
	TimestampTz last_repair;
} SfbSyncState;

/* A run, of one source and its target. */
typedef struct SfbSync
{
	const SfbSyncOptions *options;
	Oid schema;			   /* of the extension */
	MemoryContext context; /* of all this */

	/* the source */
	Oid source;
	char *source_name; /* quoted, with its schema */
	SfbTableOptions *table;
	char *servername;
	List *columns; /* SfbSyncColumn */
	SfbSyncColumn *id;
	SfbSyncColumn *stamp; /* by which changes are found; NULL: the object has no such field */
	bool described;
	bool has_deleted;		 /* the object has IsDeleted */
	const char *stamp_field; /* the best that the object has, or NULL */
	List *changes;	 /* SfbChange: what has become of the object's fields, if that matters */
	SfbGuard *guard; /* keeps the session */

	/* the target */
	char *relname;
	Oid namespace;
	char *target_name; /* quoted, with its schema */
	char *target_rows; /* its rows without those of tables that inherit from it */
	Oid target;		   /* InvalidOid: to be created */
	List *missing;	   /* SfbSyncColumn that it lacks and that are to be added */
	SfbSyncState state;

	/* the run */
	SfbProgress *progress;
	const char *phase;	   /* for it: a literal */
	int64 rows_done;	   /* of the phase */
	int64 calls_before;	   /* of the session, when the step began */
	bool in_step;		   /* the calls since then are this run's */
	TimestampTz started;   /* by this machine's clock */
	TimestampTz watermark; /* that of its end; DT_NOBEGIN: none */
	TimestampTz now;	   /* by Salesforce's clock, before the rows were asked for */
	TimestampTz since;	   /* of a run that reads changes */
	bool full;			   /* everything is read and compared */
	bool empty;			   /* the target has no row: nothing to compare with */
	Portal portal;		   /* of the rows, open */
	int64 inserted;
	int64 updated;
	int64 deleted;
	int64 api_calls;
} SfbSync;

/* ---- sync.c: the steps of a run, each of which may throw ---------------------------------------- */

/*
 * Whom and where: checks source, target and rights, takes the lock, reads the state.  No network I/O.  schema
 * is the extension's.  All of it lives in the current memory context, a guard hangs on it.
 */
extern SfbSync *
sfb_sync_new(Oid schema, Oid source, const char *target, const SfbSyncOptions *options);

/* Tells others what is being done (a literal), and of how many rows so far. */
extern void sfb_sync_say(SfbSync *sync, const char *phase, int64 rows_done);

/* Describes the object, unless sfb_sync_described was called. */
extern void sfb_sync_describe(SfbSync *sync);
extern void sfb_sync_described(SfbSync *sync, const sf_object *object);

/*
 * Asks for the rows: the request, or the job, is under way from here on.  With later they are not to be had
 * yet: pages of a job are not downloaded before the other step begins.
 */
extern void sfb_sync_start(SfbSync *sync, bool later);

/* Takes the rows and does the rest. */
extern void sfb_sync_finish(SfbSync *sync);

/* The parameters that both procedures have, from the third on; ERROR for what makes no sense. */
struct FunctionCallInfoBaseData;
extern void
sfb_sync_read_options(struct FunctionCallInfoBaseData *fcinfo, SfbSyncOptions *options);

/* What a CALL shows: counts, and a time unless it is NULL (DT_NOBEGIN is null). */
extern Datum sfb_sync_result(struct FunctionCallInfoBaseData *fcinfo, int ncounts,
							 const int64 *counts, const TimestampTz *time);

/* ---- sync_target.c ----------------------------------------------------------------------------- */

/* Looks at the source, and at the target. */
extern void sfb_sync_open_source(SfbSync *sync);
extern void sfb_sync_open_target(SfbSync *sync, const char *target);

/* Looks again whether they fit: the source has other columns now. */
extern void sfb_sync_reopen(SfbSync *sync);

/* ERROR unless another run of the target can be excluded until the transaction ends. */
extern void sfb_sync_lock(SfbSync *sync);

/* Chooses the column by which changes are found, of an object that was described. */
extern void sfb_sync_choose_stamp(SfbSync *sync);

/* Creates the target, or adds the columns that it lacks. */
extern void sfb_sync_make_target(SfbSync *sync);

/* What makes loading quicker when it comes last: the primary key of a table that was created. */
extern void sfb_sync_finish_target(SfbSync *sync);

/* ---- sync_rows.c ------------------------------------------------------------------------------- */

/* One statement by SPI; returns the number of its rows. */
extern uint64 sfb_sync_execute(const char *sql);

/* "2026-11-27T03:12:48.000Z", for SQL and SOQL alike; what is before 1970 is that. */
extern char *sfb_sync_time(TimestampTz time);

/* The columns of the source in order, separated by commas, each with this in front. */
extern char *sfb_sync_column_list(SfbSync *sync, const char *prefix);

/* What an error has left of rows that statements could see. */
extern void sfb_sync_forget_rows(void);

/* Opens a cursor, whose foreign scan asks at once; job_first and later as above. */
extern Portal sfb_sync_open_cursor(const char *sql, bool job_first, bool later);

/* Brings the rows of sync->portal into the target, to the last, and closes it. */
extern void sfb_sync_apply_rows(SfbSync *sync);

/* Removes what Salesforce reports as deleted since sync->since. */
extern void sfb_sync_apply_deletions(SfbSync *sync);

/* Compares all Ids. */
extern void sfb_sync_repair(SfbSync *sync);

/* ---- sync_state.c ------------------------------------------------------------------------------ */

/* Fills sync->state of a target that exists. */
extern void sfb_sync_read_state(SfbSync *sync);

/* Writes what is known at the end of a run. */
extern void sfb_sync_write_state(SfbSync *sync);

/* "column field type" of each column, as C strings. */
extern List *sfb_sync_fields(SfbSync *sync);

#endif /* SFB_SYNC_H */
