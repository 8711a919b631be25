/*
 * write.h
 *		What the files that write share: rows on their way from the executor to Salesforce.
 *
 *		modify.c	the FDW callbacks: which columns, checks before anything is sent, RETURNING
 *		encode.c	Datums -> a row of CSV (the form that sf_client.h describes under "writing")
 *		spool.c		rows that were sent or will be, in memory and then in a temporary file
 *		load.c		a statement's rows: Collections or ingest jobs, their results, the report
 *		outcome.c	what became of the session's last write statement, for the SQL functions
 *		apply.c		what waits for the commit
 *		functions.c	the SQL functions (nothing but SQL calls them)
 */
#ifndef SFB_WRITE_H
#define SFB_WRITE_H

#include "sfbulk_fdw.h"

#include "lib/stringinfo.h"

/* ---- encode.c ------------------------------------------------------------------------ */

/* The encoders of the columns that a statement sends, in order. */
typedef struct SfbRowEncoder SfbRowEncoder;

/*
 * Chooses an encoder for each of ncolumns columns: a direct path for the common types, which gives
 * exactly what the type's output function gives (where Salesforce wants another form, such as true
 * for t, exactly that form), the output function else.  attnums[i] is the attribute of column i,
 * columns the relation's columns (index attnum - 1).  What NULL and empty text become hangs on the
 * operation: an empty cell (leave alone) for an insert, else #N/A (set to null); a parent's external
 * id cannot be set to null: an upsert leaves it alone, for an update that is an ERROR.  palloc'd in
 * the current context.
 */
extern SfbRowEncoder *sfb_row_encoder_new(int ncolumns, const AttrNumber *attnums,
										  const SfbColumn *columns, sf_operation operation);

/*
 * Appends one row with its LF to out (UTF-8), taking values and isnull by attnum - 1.  No allocation
 * per row on the direct paths.  ERROR for what Salesforce would refuse or change in silence, before
 * anything of the row is sent: a text longer than the field, a malformed id, a value that the
 * picklist option does not list, NaN and infinity, dates outside of 1700 to 4000, text that cannot
 * be converted to UTF-8.  sfb_row_encoder_attnum then names the column.
 */
extern void
sfb_encode_row(SfbRowEncoder *enc, StringInfo out, const Datum *values, const bool *isnull);

/* The attribute that is being encoded, for error contexts. */
extern AttrNumber sfb_row_encoder_attnum(const SfbRowEncoder *enc);

/*
 * The attribute of the row encoded last whose text is "#N/A" (in quotes, so only Collections can
 * send it), or 0.
 */
extern AttrNumber sfb_row_encoder_literal_na(const SfbRowEncoder *enc);

/*
 * The columns for sf_collections_spec: path in UTF-8 and how the value is written in JSON; palloc'd.
 * The header row for ingest jobs is their paths, separated by commas, with its LF.
 */
extern sf_column *sfb_row_encoder_columns(const SfbRowEncoder *enc);
extern void sfb_row_encoder_header(const SfbRowEncoder *enc, StringInfo out);

/* ---- spool.c ------------------------------------------------------------------------- */

/*
 * Bytes written once and read from any place: in memory up to mem_max (at least 256 kB), then in a
 * temporary file (under temp_file_limit); the last mem_max bytes stay in memory, so that what was
 * just written is read from there.
 */
typedef struct SfbSpool SfbSpool;

/*
 * An empty spool in the current memory context, with which it ends, its file too, whatever becomes of
 * the transaction; sfb_spool_free ends it before.
 */
extern SfbSpool *sfb_spool_new(Size mem_max);

/* Adds bytes; ERROR when the disk or temp_file_limit has no room for them. */
extern void sfb_spool_write(SfbSpool *spool, const char *data, Size len);
extern int64 sfb_spool_size(const SfbSpool *spool);

/*
 * At least one byte from offset on (at most to the end), without copying where it is in memory;
 * *data is valid until the next call on this spool.  0 at the end.
 */
extern Size sfb_spool_read(SfbSpool *spool, int64 offset, const char **data);

/*
 * Forgets the bytes and keeps the file, whose blocks are written over: cheaper than new ones, which the
 * kernel has to find first.  Never throws.
 */
extern void sfb_spool_reset(SfbSpool *spool);

/*
 * Closes the file and frees the memory; never throws, also fine in callbacks of an abort or of the
 * memory context that it is in, but not after that.  NULL is fine.
 */
extern void sfb_spool_free(SfbSpool *spool);

/* ---- load.c --------------------------------------------------------------------------- */

/* The rows of one statement for one table, from the first to the report at its end. */
typedef struct SfbLoad SfbLoad;

typedef struct SfbLoadSpec
{
	const char *relname; /* of the foreign table, for messages */
	Oid relid;
	UserMapping *user;
	SfbTableOptions *options; /* this and the others: needed until sfb_load_finish */
	SfbColumn *columns;		  /* of the relation */
	sf_operation operation;
	int ncolumns; /* that are sent; update and delete: the first is Id */
	AttrNumber *attnums;
	bool
		one_by_one; /* every row is sent at once: for sfb_load_row_now; not with apply 'commit' */
	bool
		same_statement; /* a statement that writes to several tables has begun a load before */
} SfbLoadSpec;

/* Nothing is sent yet.  Lives in the current memory context, and ends with it. */
extern SfbLoad *sfb_load_begin(const SfbLoadSpec *spec);

/*
 * Takes one row; may send and wait.  ERROR where a value cannot be sent, or when an earlier row was
 * rejected and on_error says stop.  values and isnull by attnum - 1.
 */
extern void sfb_load_row(SfbLoad *load, const Datum *values, const bool *isnull);

/*
 * The same for a load with one_by_one: the row is written when this returns, and id is its Id (18
 * characters).  False when it was rejected and on_error is ignore.
 */
extern bool
sfb_load_row_now(SfbLoad *load, const Datum *values, const bool *isnull, char id[19]);

/*
 * The end of the statement: sends what is left and waits for everything, reports (NOTICE, WARNING, or
 * ERROR), and returns how many rows were rejected.  With apply 'commit': uploads
 * what is left and hands it to apply.c.  A second call does nothing and returns 0.
 */
extern int64 sfb_load_finish(SfbLoad *load);

/* ---- outcome.c: the last write statement of this session --------------------------------- */

/* A job of the statement. */
typedef struct SfbOutcomeJob
{
	char id[SF_JOB_ID_MAX];
	int64 failed; /* without those that were sent again */
	int64 unprocessed;
	bool bulk1;			/* of Bulk API 1.0 */
	bool locked_resent; /* its rows with UNABLE_TO_LOCK_ROW were sent again in a later job */
} SfbOutcomeJob;

/* What became of a statement's rows: its jobs, and then the rows that went by Collections. */
typedef struct SfbOutcome
{
	Oid serverid;
	Oid userid; /* who ran it: nobody else gets to see its rows */
	List *jobs; /* of SfbOutcomeJob */
} SfbOutcome;

typedef enum SfbRowState
{
	SFB_ROW_FAILED,
	SFB_ROW_SUCCESSFUL,
	SFB_ROW_UNPROCESSED
} SfbRowState;

/* A row that went by Collections; texts are UTF-8. */
typedef struct SfbOutcomeRow
{
	SfbRowState state;
	bool created;
	char id[19];
	char code[SF_CODE_MAX];
	const char *message; /* NULL is "" */
	const char *fields;	 /* the same */
	const char *row;	 /* the CSV row as it was sent, with its LF */
	int row_len;
	List *columns; /* of String: the row's fields; only sfb_outcome_next_row sets it */
} SfbOutcomeRow;

/*
 * A statement begins.  It runs as long as the current memory context exists: only then do the
 * functions see it instead of the one before (so that a statement can write again what that one could
 * not), and that one is forgotten; unless nothing was added to the new one.
 */
extern void sfb_outcome_begin(Oid serverid, Oid userid);

/* Is there one of this user on this server that was begun and runs? */
extern bool sfb_outcome_running(Oid serverid, Oid userid);

/*
 * What is added from here on belongs to the statement of this user on this server that runs (the one
 * that was begun last), and rows have these columns.  Cheap: call it whenever there is something to add.
 */
extern void
sfb_outcome_select(Oid serverid, Oid userid, const sf_column *columns, int ncolumns);
extern void sfb_outcome_add_job(const SfbOutcomeJob *job);

/* From now on so many rejected rows of a job, those that met a lock, are another job's; call it once. */
extern void sfb_outcome_resend(const char *job_id, int64 rows);

extern void sfb_outcome_add_row(const SfbOutcomeRow *row);

/*
 * The last statement of this user on this server, or NULL; kept at least as long as the current memory
 * context.
 */
extern const SfbOutcome *sfb_outcome_get(Oid serverid, Oid userid);

/*
 * Its rows from *offset (0 at first) on; false at the end.  What the row points to lasts until the next
 * call.
 */
extern bool sfb_outcome_next_row(const SfbOutcome *outcome, int64 *offset, SfbOutcomeRow *row);

/* ---- apply.c: what waits for the commit ---------------------------------------------------- */

/*
 * Keeps a finished load until the end of the transaction: committed in the order of the statements in
 * PRE_COMMIT (which waits, may raise an ERROR, and so roll everything back), dropped when the
 * (sub)transaction of its statement aborts.
 */
extern void sfb_apply_defer(SfbLoad *load);

/* A load has ended by an ERROR that says nothing of the rows that it had written. */
extern void sfb_apply_failed(const char *relname, int64 rows);

/* For session.c's callbacks.  Only the first may throw. */
extern void sfb_apply_pre_commit(void);

/* A transaction or subtransaction has aborted, its guards are disarmed: WARNING for such rows. */
extern void sfb_apply_aborted(void);

/* The transaction has ended; WARNING when what it applied was in vain. */
extern void sfb_apply_end(bool committed);

/* ERROR when something waits for the commit: for PREPARE TRANSACTION. */
extern void sfb_apply_check_prepare(void);

#endif /* SFB_WRITE_H */
