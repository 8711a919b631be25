/*
 * sfbulk_fdw.h
 *		What the files of src/fdw share: types that pass between planning and execution, and the
 *		prototypes of every module, grouped by file.
 *
 * Names: FDW callbacks are sfbulkXxx after the API's member; what modules share is sfb_xxx.
 */
#ifndef SFBULK_FDW_H
#define SFBULK_FDW_H

#include "postgres.h"

#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "lib/ilist.h"
#include "nodes/pathnodes.h"
#include "storage/condition_variable.h"
#include "utils/relcache.h"

#include "../client/sf_client.h"

/* ---- types of Salesforce fields, as far as the FDW treats them differently ---------- */

typedef enum SfbType
{
	SFB_TEXT, /* string, textarea, phone, url, email, combobox, anyType, unknown */
	SFB_PICKLIST,
	SFB_MULTIPICKLIST,
	SFB_ENCRYPTED, /* encryptedstring: never filterable */
	SFB_ID,
	SFB_REFERENCE,
	SFB_BOOLEAN,
	SFB_INT,
	SFB_LONG,
	SFB_DOUBLE,
	SFB_CURRENCY,
	SFB_PERCENT,
	SFB_DATE,
	SFB_DATETIME,
	SFB_TIME,
	SFB_COMPOUND, /* address, location: REST only */
	SFB_BASE64	  /* REST only */
} SfbType;

/* ---- options, merged and typed once (option.c) --------------------------------------- */

/* When a statement's rows are written. */
typedef enum SfbApply
{
	SFB_APPLY_STATEMENT, /* when the statement ends, whatever becomes of the transaction */
	SFB_APPLY_COMMIT	 /* when the transaction commits */
} SfbApply;

/* What rejected rows do to a statement. */
typedef enum SfbOnError
{
	SFB_ON_ERROR_STOP,	/* ERROR */
	SFB_ON_ERROR_IGNORE /* WARNING, up to reject_limit */
} SfbOnError;

/* Which bulk API jobs are made with. */
typedef enum SfbBulkApi
{
	SFB_BULK_2,
	SFB_BULK_1
} SfbBulkApi;

/* How Salesforce works on the batches of an ingest job. */
typedef enum SfbConcurrency
{
	SFB_PARALLEL,
	SFB_SERIAL /* one after the other; Bulk API 1.0 only */
} SfbConcurrency;

/* What scans and statements want to know about a table: server options overridden by its own. */
typedef struct SfbTableOptions
{
	char *object; /* API name, or NULL when query is given */
	char *query;  /* read-only SOQL given by the user, or NULL */
	bool query_all;
	bool pushdown;
	sf_transport transport;
	int rest_row_limit;
	int page_rows;
	bool async_capable; /* under an Append it may run beside others */
	int download_streams;
	int poll_interval_max; /* ms */
	int job_timeout;	   /* ms, 0 is none */
	double fdw_startup_cost;
	double fdw_tuple_cost;
	bool use_remote_estimate; /* planning has queries explained */

	/* writing */
	bool updatable;
	bool truncatable;
	char *upsert_key; /* INSERT means upsert by this external id field; or NULL */
	bool hard_delete;
	char *assignment_rule_id; /* or NULL */
	SfbApply apply;
	SfbOnError on_error;
	int reject_limit; /* with SFB_ON_ERROR_IGNORE: most rejected rows of a statement; -1 is any */
	int job_bytes;	  /* most CSV bytes of one ingest job */
	int parallel_jobs;
	bool keep_jobs;

	/* jobs of both kinds */
	SfbBulkApi bulk_api;
	int pk_chunking; /* with SFB_BULK_1: ids in a chunk of a query; 0: it is not divided */
	char *pk_chunking_parent;	/* the object whose ids divide it; NULL: the own ones */
	SfbConcurrency concurrency; /* with SFB_BULK_1: batches of ingest jobs */
	int batch_rows;				/* the same: most rows in one of them */
} SfbTableOptions;

/*
 * A sum over there is a double.  Where values have few digits behind the point, a sum of which 15 digits are given
 * is the sum of the decimals.  Where they have as many as a double holds (coordinates), it may be rounded and look
 * as if it were exact.
 */
#define SFB_MAX_SUM_SCALE 8

/* One column of a foreign table; dropped columns have field == NULL. */
typedef struct SfbColumn
{
	AttrNumber attnum;
	char *attname;
	char *field; /* Salesforce path: option "field", else the column's name */
	Oid pgtype;
	int32 typmod;
	Oid collation;
	SfbType type; /* option "type", else the default for pgtype */
	bool case_sensitive;
	char *reference_to; /* the one object whose records a lookup refers to, or NULL */
	char *relationship; /* name of the way there in a path (Account for AccountId), or NULL */
	bool optional;		/* a field of a parent that may be missing */
	bool filterable;
	bool sortable;
	bool groupable;
	bool aggregatable;
	bool createable;
	bool updateable;
	int length;		/* most characters, as Salesforce counts them; 0 is unknown */
	int scale;		/* most digits behind a number's point; 0 is as many as amounts have */
	char *picklist; /* the only values there are, as an array literal {Hot,Warm}; or NULL */
} SfbColumn;

/* ---- what planning hands to execution: ForeignScan.fdw_private ------------------------ */

/* Indexes into fdw_private; a tree of Nodes only, no secrets, no pointers. */
enum SfbScanPrivate
{
	/* List: the SOQL before its operands are known; opaque outside soql.c */
	SfbScanPrivateSoql,
	/* IntList: for each field of the SELECT list the attribute number it fills; 0 fills none */
	SfbScanPrivateAttrs,
	/*
	 * IntList of pairs (index of a field in the SELECT list from 0, attribute number): further
	 * columns declared on a field that is already selected, as SOQL refuses a field named twice.
	 * Each is converted by its own type from the same text.
	 */
	SfbScanPrivateCopies,
	/* Integer: an SfbScanKind */
	SfbScanPrivateKind,
	/* Integer: the sf_transport to ask for */
	SfbScanPrivateTransport,
	/* List: what EXPLAIN says about the clauses and the transport; opaque outside explain.c */
	SfbScanPrivateNotes,
	/*
	 * List, for each column of fdw_scan_tlist one of SfbScanColumnPart, where there is one: the columns
	 * of a base relation's scan are in the catalogs.
	 */
	SfbScanPrivateColumns,
	/* List of IntList: SfbWholeRowPart; the columns that are whole rows of a joined table */
	SfbScanPrivateWholeRows,
	/* List of IntList: SfbGroupPart; with SFB_SCAN_GROUPS, for each column of fdw_scan_tlist */
	SfbScanPrivateGroups,
	/*
	 * Integer: of a scan without a relation of its own, by how much the range table index of the table whose
	 * object is asked is above the lowest of its tables
	 */
	SfbScanPrivateAsked
};

enum SfbScanColumnPart
{
	SfbScanColumnName,	  /* String: for error contexts */
	SfbScanColumnType,	  /* Integer: its SfbType */
	SfbScanColumnOid,	  /* Integer: its PostgreSQL type */
	SfbScanColumnMod,	  /* Integer: its type modifier */
	SfbScanColumnRelation /* Integer: OID of its table; 0: it is an aggregate */
};

enum SfbWholeRowPart
{
	SfbWholeRowColumn, /* its place in fdw_scan_tlist, from 1 */
	SfbWholeRowPresent, /* the column that is null where there is no record, from 1; 0: there is one */
	SfbWholeRowFirst /* from here on for each attribute of the table its column, 0: null */
};

enum SfbGroupPart
{
	SfbGroupHow,   /* SfbGroupValue */
	SfbGroupField, /* index of the field in the SELECT list, from 0 */
	SfbGroupCount  /* with SFB_GROUP_AVERAGE: that of the number of values */
};

/* Most groups of an answer (SOQL reference, GROUP BY considerations). */
#define SFB_MAX_GROUPS 2000

/* How the value of an aggregate comes from its field. */
typedef enum SfbGroupValue
{
	SFB_GROUP_VALUE, /* as of any column: a key, a count, a minimum */
	SFB_GROUP_SUM,	 /* a sum; made of doubles, it may not be good enough */
	SFB_GROUP_AVERAGE
} SfbGroupValue;

typedef enum SfbScanKind
{
	SFB_SCAN_ROWS, /* rows of a base relation or of a join */
	SFB_SCAN_COUNT, /* count(*) of the whole relation: one row, bigint columns (fdw_scan_tlist) */
	SFB_SCAN_GROUPS /* other aggregates; the outer plan does the same here */
} SfbScanKind;

/* ---- option.c ------------------------------------------------------------------------ */

/* The options of a foreign table, palloc'd; ERROR when something does not fit together. */
extern SfbTableOptions *sfb_table_options(Oid foreigntableid);

/* Which bulk API a query is to go by, and how it is divided. */
extern void sfb_query_bulk_api(const SfbTableOptions *options, sf_query_spec *spec);

/*
 * All columns of a foreign table by attribute number (array[natts], index attnum - 1), palloc'd.
 * rel must be open.
 */
extern SfbColumn *sfb_table_columns(Relation rel);

/*
 * True for a column that writes a lookup by another field of one of the objects that it may refer to
 * (Lead:Who.Email): SOQL has no such field, so it is never selected and reads as null.
 */
extern bool sfb_is_write_only(const SfbColumn *column);

/*
 * Fills a client configuration from the server and the mapping (fresh from the catalogs).  The
 * strings belong to the caller's memory context: switch to a short-lived one, hand the struct to
 * sf_session_new, and wipe and drop it at once (sfb_wipe_config).  File options are read here and
 * need a superuser-owned mapping/server; checks again what the validator checked.
 */
extern void sfb_client_config(ForeignServer *server, UserMapping *user, sf_config *config);
extern void sfb_wipe_config(sf_config *config);

/* Salesforce's describe type text -> SfbType (unknown -> SFB_TEXT) and back. */
extern SfbType sfb_type_from_name(const char *name);
extern const char *sfb_type_name(SfbType type);

/* The SfbType assumed for a column of this PostgreSQL type without a "type" option. */
extern SfbType sfb_default_type(Oid pgtype);

/* Can fields of the type be filtered by, unless an option says otherwise? */
extern bool sfb_type_filterable(SfbType type);

/* Sets type, filterable, and what else such a field can do unless an option says otherwise. */
extern void sfb_type_defaults(SfbType type, bool filterable, SfbColumn *column);

/* ---- soql.c: SOQL text out of the planned form ----------------------------------------- */

/*
 * When to evaluate fdw_exprs: an expression with a PARAM_EXEC (a subquery's result, an outer
 * row's value) has no value before the first fetch, so only plans without one can start their
 * request when the executor starts.
 */

/*
 * Builds the final SOQL.  soql is the SfbScanPrivateSoql list; values/nulls are the evaluated
 * fdw_exprs (nexprs of them; their types are in soql).  An operand that cannot be sent drops its
 * clause when it is rechecked locally anyway, or folds it.  *never is set when the clauses cannot
 * be true for any row: then no request is to be made (an SFB_SCAN_COUNT still gives its one row,
 * 0) and NULL is returned.  palloc'd UTF-8 text (not the database encoding).
 */
extern char *
sfb_soql_build(List *soql, int nexprs, const Datum *values, const bool *nulls, bool *never);

/* True for a query with GROUP BY. */
extern bool sfb_soql_is_grouped(List *soql);

/* The SELECT list in order: array of client columns in UTF-8, palloc'd; returns their number. */
extern int sfb_soql_columns(List *soql, sf_column **columns);

/*
 * The same text for EXPLAIN before execution: constants as literals, every other operand as
 * :name taken from names (List of C strings parallel to fdw_exprs).
 */
extern char *sfb_soql_explain(List *soql, List *fdw_exprs, List *names);

/*
 * The text (UTF-8) to ask for an estimate with; operands is parallel to fdw_exprs.  Those that are no Const
 * are not known: their conditions, or LIMIT, are left out.  *filtered tells whether there is any condition
 * or LIMIT left.  NULL when no row can be.
 */
extern char *sfb_soql_estimate(List *soql, List *operands, bool *filtered);

/* ---- plan.c, plan_join.c, plan_upper.c ---------------------------------------------------- */

extern void
sfbulkGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid);
extern void sfbulkGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid);
extern ForeignScan *sfbulkGetForeignPlan(PlannerInfo *root, RelOptInfo *baserel,
										 Oid foreigntableid, ForeignPath *best_path,
										 List *tlist, List *scan_clauses, Plan *outer_plan);
extern void
sfbulkGetForeignJoinPaths(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outerrel,
						  RelOptInfo *innerrel, JoinType jointype, JoinPathExtraData *extra);
extern void
sfbulkGetForeignUpperPaths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input_rel,
						   RelOptInfo *output_rel, void *extra);

/* ---- scan.c ---------------------------------------------------------------------------- */

extern void sfbulkBeginForeignScan(ForeignScanState *node, int eflags);
extern TupleTableSlot *sfbulkIterateForeignScan(ForeignScanState *node);
extern void sfbulkReScanForeignScan(ForeignScanState *node);
extern void sfbulkEndForeignScan(ForeignScanState *node);
extern bool sfbulkRecheckForeignScan(ForeignScanState *node, TupleTableSlot *slot);

/*
 * For explain.c: the SOQL that was (or will be) sent by a scan that has begun with more than
 * EXPLAIN in mind, or NULL; and its client statistics (false when no request was made).
 */
extern const char *sfb_scan_soql(ForeignScanState *node);
extern bool sfb_scan_stats(ForeignScanState *node, sf_query_stats *stats);

/* How many queries it makes of its conditions. */
extern int sfb_scan_query_count(ForeignScanState *node);

/* ---- parallel.c: scans that several processes share ----------------------------------------- */

extern bool
sfbulkIsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte);
extern Size sfbulkEstimateDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt);
extern void sfbulkInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt,
										   void *coordinate);
extern void sfbulkReInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt,
											 void *coordinate);
extern void
sfbulkInitializeWorkerForeignScan(ForeignScanState *node, shm_toc *toc, void *coordinate);
extern void sfbulkShutdownForeignScan(ForeignScanState *node);

/* ---- async.c: scans under an Append that takes rows from whichever has some ------------------ */

extern bool sfbulkIsForeignPathAsyncCapable(ForeignPath *path);
extern void sfbulkForeignAsyncRequest(AsyncRequest *areq);
extern void sfbulkForeignAsyncConfigureWait(AsyncRequest *areq);
extern void sfbulkForeignAsyncNotify(AsyncRequest *areq);

/* ---- explain.c ------------------------------------------------------------------------- */

extern void sfbulkExplainForeignScan(ForeignScanState *node, struct ExplainState *es);

/* ---- analyze.c --------------------------------------------------------------------------- */

extern bool sfbulkAnalyzeForeignTable(Relation relation, AcquireSampleRowsFunc *func,
									  BlockNumber *totalpages);

/* ---- modify.c: INSERT, UPDATE, DELETE, COPY FROM -------------------------------------------- */

extern int sfbulkIsForeignRelUpdatable(Relation rel);
extern void sfbulkAddForeignUpdateTargets(PlannerInfo *root, Index rtindex,
										  RangeTblEntry *target_rte, Relation target_relation);
extern List *sfbulkPlanForeignModify(PlannerInfo *root, ModifyTable *plan,
									 Index resultRelation, int subplan_index);
extern void sfbulkBeginForeignModify(ModifyTableState *mtstate, ResultRelInfo *resultRelInfo,
									 List *fdw_private, int subplan_index, int eflags);
extern TupleTableSlot *sfbulkExecForeignInsert(EState *estate, ResultRelInfo *resultRelInfo,
											   TupleTableSlot *slot, TupleTableSlot *planSlot);
extern TupleTableSlot *sfbulkExecForeignUpdate(EState *estate, ResultRelInfo *resultRelInfo,
											   TupleTableSlot *slot, TupleTableSlot *planSlot);
extern TupleTableSlot *sfbulkExecForeignDelete(EState *estate, ResultRelInfo *resultRelInfo,
											   TupleTableSlot *slot, TupleTableSlot *planSlot);
extern void sfbulkEndForeignModify(EState *estate, ResultRelInfo *resultRelInfo);
extern void sfbulkBeginForeignInsert(ModifyTableState *mtstate, ResultRelInfo *resultRelInfo);
extern void sfbulkEndForeignInsert(EState *estate, ResultRelInfo *resultRelInfo);

/* ---- modify_explain.c, truncate.c ------------------------------------------------------------ */

extern void
sfbulkExplainForeignModify(ModifyTableState *mtstate, ResultRelInfo *rinfo, List *fdw_private,
						   int subplan_index, struct ExplainState *es);
extern void sfbulkExecForeignTruncate(List *rels, DropBehavior behavior, bool restart_seqs);

/* ---- hooks.c --------------------------------------------------------------------------------- */

/* Called by _PG_init once: puts the hooks in front of those that are there. */
extern void sfb_hooks_init(void);

/* ---- fetch_list.c ---------------------------------------------------------------------------- */

/* Called by _PG_init once: puts the planner's hook in front of the one that is there. */
extern void sfb_fetch_list_init(void);

/* ---- import.c -------------------------------------------------------------------------- */

extern List *sfbulkImportForeignSchema(ImportForeignSchemaStmt *stmt, Oid serverOid);

/* ---- convert.c: text values to Datums --------------------------------------------------- */

/* The converters of a scan's fields, in the order of its SELECT list. */
typedef struct SfbRowConverter SfbRowConverter;

/*
 * Chooses a converter for each of nfields fields: a direct path for the common types, the type's
 * input function else; the direct paths give exactly what the input functions give.  attnums[i]
 * is the attribute that field i fills (0: none) and columns the relation's columns (index
 * attnum - 1).  palloc'd in the current context, which must last as long as rows are converted.
 */
extern SfbRowConverter *
sfb_row_converter_new(int nfields, const AttrNumber *attnums, const SfbColumn *columns);

/*
 * One row of the client into datums and isnull (index attnum - 1); attributes that no field fills
 * are left alone.  What the Datums point to lives until the next call.  ERROR when a value cannot
 * be read: sfb_row_converter_field then names its field.  Texts may be changed in place.
 */
extern void
sfb_convert_row(SfbRowConverter *conv, const sf_value *values, Datum *datums, bool *isnull);

/* Index of the field that is being converted, for error contexts. */
extern int sfb_row_converter_field(const SfbRowConverter *conv);

/* How the client must normalise the text of a column of this type for the converters. */
extern sf_column_kind sfb_column_kind(SfbType type);

/* ---- session.c: one client session per user mapping -------------------------------------- */

/*
 * The session of this user mapping, made when there is none yet or when the server's or the
 * mapping's definition has changed (the old one stays until nothing uses it); no network I/O.
 * Valid as long as a guard of the caller's holds it: make that before anything else.
 */
extern sf_session *sfb_session_get(UserMapping *user);

/*
 * A session that nobody else gets, for who must log in anew.  It ends with the transaction once nothing uses
 * it.
 */
extern sf_session *sfb_session_own(UserMapping *user);

/*
 * Owns one client object (a query, a describe) for a memory context: when the context goes away,
 * or the subtransaction in which the guard was made aborts, the object is destroyed.  So a client
 * object outlives neither an error nor its statement, and its session outlives it.
 */
typedef struct SfbGuard
{
	sf_session *session;		   /* NULL once the transaction has aborted */
	void *object;				   /* set it after sfb_guard_new; NULL when there is none */
	void (*destroy)(void *object); /* no network I/O, never throws; NULL is never passed */
	SubTransactionId subid;		   /* the one that must not abort */
	dlist_node link;
	MemoryContextCallback callback;
} SfbGuard;

/* A guard without an object yet, tied to the current memory context and subtransaction. */
extern SfbGuard *sfb_guard_new(sf_session *session, void (*destroy)(void *object));

/* Destroys the object now; the guard can take another one. */
extern void sfb_guard_clear(SfbGuard *guard);

/*
 * Steps the session until its pending job cleanups are done or timeout_ms has passed; WARNING
 * with the job id for each that failed.  May be called where interrupts are held off; services
 * none and never throws.
 */
extern void sfb_session_cleanup(sf_session *session, int timeout_ms);

/* Every session there is: for wait.c, which moves all of them on while it waits for one. */
extern int sfb_session_count(void);
extern sf_session *sfb_session_nth(int n);

/* What can be told of one of them. */
typedef struct SfbSessionInfo
{
	Oid serverid;
	Oid umuser; /* whose user mapping; InvalidOid is PUBLIC's */
	sf_session *client;
	bool in_use; /* something of this transaction needs it */
	bool stale;	 /* its definition has changed: it gets no new work */
	TimestampTz since;
	TimestampTz used; /* when the last statement that used it began */
} SfbSessionInfo;

extern void sfb_session_get_info(int n, SfbSessionInfo *info);

/*
 * Closes the n-th session; the last one takes its place.  False when something of this transaction needs
 * it.  Waits for what ended statements have left to be cleaned up, as long as that may take.
 */
extern bool sfb_session_close(int n);

/* Changes whenever the above do. */
extern uint64 sfb_session_generation(void);

/* What sessions were made by has changed: new work gets new ones, checked anew.  Never throws. */
extern void sfb_session_invalidate(void);

/* Called by _PG_init once: registers the callbacks, nothing else. */
extern void sfb_session_init(void);

/* ---- sync.c ------------------------------------------------------------------------------------ */

/* While it is set, requests that start need not ask first how many rows there are: there are many. */
extern bool sfb_job_first;

/* While it is set, nobody reads at once what starts: a job may run, its pages are not downloaded yet. */
extern bool sfb_read_later;

/* ---- wait.c: the only place that waits ---------------------------------------------------- */

/* What pg_stat_activity shows of a wait, where the version has names for those of extensions. */
typedef enum SfbWaitReason
{
	SFB_WAIT_ANSWER, /* SalesforceAnswer: of a single call */
	SFB_WAIT_LOGIN,	 /* SalesforceLogin: goes before all others */
	SFB_WAIT_JOB,	 /* SalesforceJob: a bulk job is queued or at work */
	SFB_WAIT_ROWS,	 /* SalesforceRows: of a result */
	SFB_WAIT_UPLOAD	 /* SalesforceUpload: of a job's data */
} SfbWaitReason;

/*
 * Steps the session and, when it has to wait, sleeps on the latch and every session's descriptor.
 * Returns after progress; services interrupts (so it may throw) with no client frame on the stack.
 * ERROR when nothing is under way that could be waited for: call it only after SF_WAIT.
 */
extern void sfb_wait_for(sf_session *session, SfbWaitReason reason);

/* The same for an answer. */
extern void sfb_wait(sf_session *session);

/*
 * The same for rows, but it also returns once over(arg) is true, which is asked again whenever somebody
 * signals cv.  Without a session it waits for that alone.
 */
extern void sfb_wait_condition(sf_session *session, ConditionVariable *cv,
							   bool (*over)(void *arg), void *arg);

/* Waits for so many milliseconds while every session goes on; services interrupts. */
extern void sfb_pause(sf_session *session, int ms);

/* Steps the session once without waiting, so that what was started is on its way. */
extern void sfb_kick(sf_session *session);

/*
 * Steps the session once for somebody who does not wait here.  Awaited: somebody has asked it for
 * something and got SF_WAIT, so that its failure is an ERROR, as in sfb_wait; true when there may be
 * something new.
 */
extern bool sfb_move_on(sf_session *session, bool awaited);

/*
 * One descriptor for all sessions, for a wait elsewhere.  From the first sfb_watch_acquire, which is
 * false when there are no descriptors left, to the last sfb_watch_release, which never throws.
 */
extern bool sfb_watch_acquire(void);
extern void sfb_watch_release(void);

/* The descriptor: readable when a step of a session is due; with now, whatever they do. */
extern int sfb_watch_fd(bool now);

/*
 * The same as sfb_wait bounded by a deadline and without servicing interrupts: for cleanup in abort
 * and exit.  Never throws.  False when the deadline has passed, the session is unusable, nothing
 * is under way, or the postmaster has died.
 */
extern bool sfb_wait_deadline(sf_session *session, TimestampTz deadline);

/* Some milliseconds of nothing, for who tries again what another process is at; never throws. */
extern void sfb_nap(int ms);

/* ---- error.c: sf_error -> ereport ---------------------------------------------------------- */

/*
 * Raises the error at elevel (ERROR, WARNING): SQLSTATE by class and code, message, detail, hint;
 * column, row and job in the context.  At ERROR a pending cancel goes first.
 */
extern void sfb_report(int elevel, const sf_error *err);

/* The SQLSTATE for an error, for tests and row errors. */
extern int sfb_sqlstate(const sf_error *err);

/*
 * A text of the client (UTF-8) in the database encoding, itself when nothing changes, else palloc'd;
 * a character that the encoding lacks becomes '?', so it never fails for the text's sake.
 */
extern const char *sfb_server_text(const char *utf8);

/* ---- sfbulk_fdw.c: GUCs --------------------------------------------------------------------- */

extern int sfb_cleanup_timeout;	   /* ms that ending a scan may take for its job's cleanup */
extern bool sfb_fetch_by_list;	   /* id IN (SELECT …) asks for the records of a list */
extern bool sfb_write_summary;	   /* a NOTICE tells what a statement has written */
extern bool sfb_explain_remote_on; /* EXPLAIN asks Salesforce for its estimates */
extern bool sfb_decompress_thread; /* large bulk results may be decompressed in a thread */
extern char *sfb_allowed_hosts;	   /* comma-separated patterns of hosts that get credentials */

#endif /* SFBULK_FDW_H */
