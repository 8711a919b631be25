/*
 * scan.h
 *		A foreign scan while it runs: what scan.c and the files beside it share.
 */
#ifndef SFB_SCAN_H
#define SFB_SCAN_H

#include "fields.h"

#include "nodes/execnodes.h"

/* The client's queries, those that are over left out. */
typedef struct SfbQueries
{
	sf_query **items; /* of the request's queries, in their order; NULL: over */
	int size;
	int started; /* so many of them, the first ones */
	int at;		 /* rows come from this one */
	bool no_job; /* the org's quota leaves none for them */
	MemoryContext context;
} SfbQueries;

typedef struct SfbScanState
{
	/* from the plan and the catalogs */
	SfbTableOptions *options;
	char *relname;	 /* of the foreign table, for error contexts */
	List *soql_plan; /* opaque, for soql.c */
	SfbScanKind kind;
	sf_transport transport;
	int nfields;
	sf_column *columns;				/* the SELECT list */
	SfbFields *fields;				/* where it goes; NULL for SFB_SCAN_COUNT */
	struct SfbWholeRow *whole_rows; /* columns that are whole rows of joined tables */
	int nwhole_rows;
	bool rewindable; /* the executor may want the rows again */

	/* parameters */
	List *exprs; /* ExprStates of fdw_exprs */
	int nexprs;
	Datum *values;
	bool *nulls;

	/* the request */
	struct SfbRequest *request;	   /* what is asked; NULL before the first time */
	MemoryContext request_context; /* of it */
	SfbGuard *guard;			   /* owns the queries, while there are any */
	SfbQueries *queries;
	bool counts_rows; /* of SFB_SCAN_COUNT: the rows come, and are counted here */
	bool too_long;	  /* of SFB_SCAN_GROUPS: one query cannot say it, and nothing was sent */
	bool never;		  /* no row can be: no request was made */
	bool started;	  /* request and never are set, and it was sent where there is one */
	bool rescan;	  /* parameters may have changed since */
	bool fetched;	  /* something was asked of the request */
	bool done;		  /* and all of it was read */
	bool have_stats;  /* the whole request is over */
	sf_query_stats stats; /* of its queries that are over */
	sf_error error;		  /* of the client; here because it is 3 kB */

	struct SfbProgress *progress; /* shown while there are queries */

	/* a scan that several processes may share (parallel.c); NULL for any other */
	struct SfbParallel *parallel;

	/* under an Append that takes rows from whichever has some (async.c) */
	bool nowait;  /* a row is wanted only if there is one */
	bool starved; /* there was none, and it is not the end */
	bool watches; /* sfb_watch_fd is acquired, by watch_callback's context */
	bool covered; /* the wait that is being prepared wakes this scan, too */
	MemoryContextCallback watch_callback;

	/* aggregates (scan_groups.c) */
	struct SfbGroups *groups;

	/* a count that may come in several answers */
	int64 count;
	int64 answers;

	/* rows */
	int64 row; /* number of the one at work, from 1 */
	ErrorContextCallback callback;

	MemoryContext context; /* as long as the scan */
} SfbScanState;

/* The query that rows come from now, NULL when there is none. */
static inline sf_query *
sfb_scan_query(SfbScanState *scan)
{
	return scan->guard->object != NULL ? scan->queries->items[scan->queries->at] : NULL;
}

/* ---- scan.c -------------------------------------------------------------------------------- */

/*
 * Brings the request in line with the parameters: the first one, the same again from its first row when
 * the parameters give the same SOQL, or another.
 */
extern void sfb_scan_start(ForeignScanState *node);

/*
 * The options of the table whose object is asked; and with them the session of the user whose rights apply (a
 * view's owner, else who runs the statement), for which make a guard before anything else.  Also of a scan that
 * has not begun.
 */
extern SfbTableOptions *sfb_scan_options(ForeignScanState *node);
extern sf_session *sfb_scan_session(ForeignScanState *node, SfbTableOptions **options);

/* Ends the request; its job is queued for cleanup, its figures stay. */
extern void sfb_scan_end_request(SfbScanState *scan);

/* One row of the request into the slot, which the caller has cleared, as a virtual tuple. */
extern void sfb_scan_store_row(SfbScanState *scan, sf_value *values, TupleTableSlot *slot);

/* ---- scan_queries.c ------------------------------------------------------------------------ */

/* Makes the guard and what it guards. */
extern void sfb_queries_init(SfbScanState *scan, sf_session *session);

/* What is shown of the scan of that table on that server while it is under way. */
extern void sfb_queries_init_progress(SfbScanState *scan, Oid relid, Oid serverid);

/* Sends the request, which is not empty. */
extern void sfb_queries_start(SfbScanState *scan);

/* Back to the first row of the first query; false when some are over and have to be sent again. */
extern bool sfb_queries_rewind(SfbScanState *scan);

/* Their figures together; false when there are none yet. */
extern bool sfb_queries_stats(const SfbScanState *scan, sf_query_stats *stats);

/*
 * A row of the request, of whichever query: SF_OK; SF_WAIT: not yet; SF_DONE: that was the last; SF_FAILED:
 * see scan->error.
 */
extern sf_status sfb_scan_poll_row(SfbScanState *scan, sf_value **values);

/* The request has no answer yet: waits for one, or makes a note that there is none; true after a wait. */
extern bool sfb_scan_wait(SfbScanState *scan);

/* Waits until the request answers with a row; false at its end, or when it would have to wait and must not. */
extern bool sfb_scan_next_row(SfbScanState *scan, sf_value **values);

/* ---- scan_rows.c: whole rows of joined tables, as columns ------------------------------------ */

/* Both lists are the plan's: SfbScanPrivateWholeRows and SfbScanPrivateColumns. */
extern void sfb_whole_rows_init(SfbScanState *scan, List *whole_rows, List *columns);

/* Makes them of the other columns, which are in the slot. */
extern void sfb_whole_rows_fill(SfbScanState *scan, TupleTableSlot *slot);

/* ---- scan_groups.c: aggregates --------------------------------------------------------------- */

/* Prepares a scan of kind SFB_SCAN_GROUPS; groups is the plan's SfbScanPrivateGroups. */
extern void sfb_groups_init(ForeignScanState *node, List *groups);

/* The next group into the scan slot (which is cleared); false as in sfb_scan_next_row. */
extern bool sfb_groups_next(ForeignScanState *node);

/* The groups are made here, as what was asked has not been answered. */
extern bool sfb_groups_are_local(SfbScanState *scan);

/* Forgets the groups: they are asked for again, or the scan ends. */
extern void sfb_groups_forget(ForeignScanState *node);

/* ---- parallel.c: scans that several processes share -------------------------------------------- */

/* Prepares a scan whose plan is parallel-aware: whether it is shared indeed shows when it runs. */
extern void sfb_parallel_init(SfbScanState *scan);

/* True while processes share the scan; then its rows come by sfb_parallel_next_row alone. */
extern bool sfb_parallel_is_shared(const SfbScanState *scan);

/* As sfb_scan_next_row: the next of this process's rows. */
extern bool sfb_parallel_next_row(SfbScanState *scan, sf_value **values);

/* Id of the shared job, or "". */
extern const char *sfb_parallel_job(const SfbScanState *scan);

/* While it is shared: adds what all have done so far, as far as it is known, to what is shown of it. */
struct SfbProgressInfo;
extern void sfb_parallel_fill(SfbScanState *scan, struct SfbProgressInfo *info);

/* Adds what the participants have done. */
extern void sfb_parallel_add_stats(const SfbScanState *scan, sf_query_stats *stats);

/* This process reads no more; before the request ends. */
extern void sfb_parallel_end(ForeignScanState *node);

#endif /* SFB_SCAN_H */
