/*
 * load.h
 *		The inside of a load: what load.c, load_jobs.c, load_calls.c, load_merge.c, load_report.c and
 *		apply.c share.
 */
#ifndef SFB_LOAD_H
#define SFB_LOAD_H

#include "write.h"
#include "compat.h"

#include "portability/instr_time.h"
#include "utils/hsearch.h"

/* Rows wait in blocks of this size for their way into a spool and on to the network. */
#define SFB_LOAD_BLOCK (256 * 1024)

/* Most bytes that a statement's rows may have to go by Collections on their own account. */
#define SFB_LOAD_HELD_BYTES (4 * 1024 * 1024)

/* Most bytes of the rows of one Collections call; more start another. */
#define SFB_LOAD_CALL_BYTES (1024 * 1024)

/* Messages of rejected rows that an error quotes. */
#define SFB_LOAD_SAMPLES 5

/* How often rows that met a lock are sent again. */
#define SFB_LOAD_LOCK_ROUNDS 3

/* Milliseconds before the first of these; twice as many before each further one. */
#define SFB_LOAD_LOCK_PAUSE 100

/* How a statement's rows go. */
typedef enum SfbLoadMode
{
	SFB_LOAD_UNDECIDED, /* few so far: by Collections, when it stays at that */
	SFB_LOAD_CALLS,		/* by Collections */
	SFB_LOAD_JOBS		/* by ingest jobs */
} SfbLoadMode;

/* An ingest job of a load. */
typedef struct SfbLoadJob
{
	sf_ingest *ingest; /* NULL when it was given up */
	SfbSpool *spool;   /* its data, header row included; NULL when acknowledged */
	int64
		skip; /* bytes of the spool that belong to the job before, of which this is the rest */
	int tries;	 /* such jobs before */
	int64 bytes; /* of the data so far */
	int64 rows;
	int64 first_row; /* number in the statement of its first row; the others follow it … */
	int64 *numbers;	 /* … unless this has all, as of rows that are sent again */
	bool
		settled; /* nothing more is expected of it; info, and error when it failed, are final */
	bool failed;
	sf_ingest_info info;
	int64 locked;	 /* of info.failed: rows that met a lock and are sent again */
	bool resent;	 /* these rows have been handed to another job */
	sf_error *error; /* of a failed one */
	struct SfbLoad *load;
	struct SfbProgress *progress;
} SfbLoadJob;

/* Rows of one Collections call that have not been sent. */
typedef struct SfbLoadCall
{
	int len;
	int nrows;
} SfbLoadCall;

/* A quoted message of a rejected row. */
typedef struct SfbLoadSample
{
	int64 row; /* of the statement, from 1; 0 where it is not known */
	char code[SF_CODE_MAX];
	char *text; /* in the database encoding, without the code */
} SfbLoadSample;

struct SfbLoad
{
	MemoryContext context; /* of the load and all that it has */
	SfbGuard *guard;	   /* destroys what is not memory */
	dlist_node link;	   /* among what waits for the commit */
	bool deferred;		   /* … where it is */

	/* what is written; strings belong to the load */
	char *relname;
	Oid relid;
	Oid serverid;
	Oid userid; /* who runs the statement */
	char *servername;
	SfbTableOptions options;
	sf_operation operation;
	int ncolumns;
	sf_column *columns;		/* paths in UTF-8 */
	StringInfoData header;	/* the header row of a job */
	SfbRowEncoder *encoder; /* the statement's: not there when the commit comes */
	const SfbColumn *table_columns;

	/* rows on their way */
	SfbLoadMode mode;
	bool one_by_one;
	bool finished;		   /* the statement has no more rows */
	int64 rows;			   /* taken so far */
	int64 literal_na_row;  /* the first row with a text that only Collections can send, or 0 */
	AttrNumber literal_na; /* and its column */
	StringInfoData block;  /* encoded rows that are nowhere else */
	int block_rows;

	/* jobs */
	List *jobs; /* of SfbLoadJob */
	SfbLoadJob *current;
	int64 jobs_rows;	/* given to jobs so far, those that are sent again included */
	int64 *resent;		/* numbers of the rows that are sent again now, in their order */
	int64 resent_start; /* what jobs_rows was before them */
	SfbSpool *spare;	/* of a job that is uploaded, for the next one; or NULL */
	SfbSpool *locked;	/* rows to be sent again: each behind a LockedRow */
	int64 locked_rows;
	SfbSpool *resending; /* such rows while they are handed to another job */
	bool stopping;		 /* an ERROR is about to end it: no more jobs */
	int lock_round; /* times that they were sent again; at the last one a lock is a rejection */
	sf_results *results; /* being read */

	/* calls */
	SfbSpool *held;		/* rows of calls that have not been sent */
	SfbLoadCall *calls; /* palloc'd array */
	int ncalls;
	int maxcalls;
	bool split; /* a statement has several calls, so that none of them is all of it */
	bool all_or_none;
	HTAB *keys; /* records that are written, or NULL when nobody asked: for load_merge.c */
	sf_collections *call; /* under way */
	StringInfoData sent;  /* its rows */
	int sent_rows;
	int64 *sent_numbers; /* [SF_COLLECTIONS_MAX]: their numbers in the statement, from 1 */
	int64 calls_rows;	 /* rows that were sent in calls */
	int64 calls_bytes;
	struct SfbProgress *progress; /* of the calls; each job has its own */

	/* what became of the rows */
	int64 saved;
	int64 created; /* of the saved ones; for upserts */
	int64 rejected;
	int64 unprocessed; /* Salesforce did not look at them */
	int64 unknown;	   /* nobody knows */
	bool told;		   /* an ERROR has told of these, or all went well */
	int nsamples;
	SfbLoadSample samples[SFB_LOAD_SAMPLES];
	int api_calls;
	instr_time started;
	char id[19]; /* of the row that was written last, by one_by_one; "" when it was rejected */
	sf_error *
		error; /* of the client; not there, as the block, while the load waits for the commit */
};

/* Frees a spool that its owner has no more use for; never throws. */
static inline void
sfb_drop_spool(SfbSpool **spool)
{
	sfb_spool_free(*spool);
	*spool = NULL;
}

/* Rows of a job that have left for Salesforce, or may have: with Bulk API 1.0 that need not be all. */
static inline int64
sfb_load_job_sent(const SfbLoadJob *job, const sf_ingest_info *info)
{
	return info->rows >= 0 ? info->rows : job->rows;
}

/* ---- load.c -------------------------------------------------------------------------- */

/* The commit's part of sfb_load_finish: everything is sent, looked at and reported. */
extern void sfb_load_commit(SfbLoad *load);

/*
 * What is left of a load at the end of its statement (rows that are held, or uploaded jobs) becomes
 * another load, in memory of its own that lasts as long as its (sub)transaction.
 */
extern SfbLoad *sfb_load_move(SfbLoad *load);

/* Waits for progress of anything, giving the uploads what they take. */
extern void sfb_load_wait(SfbLoad *load);

/* ---- load_merge.c -------------------------------------------------------------------- */

/*
 * Adds the rows of a load that is to wait for the commit to those of the one before, where both write
 * the same in the same subtransaction: many small statements become few calls, or a job.
 */
extern bool sfb_load_merge(SfbLoad *into, SfbLoad *load);

/* The same without asking whether it may be; with the load's context. */
extern void sfb_load_take_held(SfbLoad *into, const SfbLoad *load);

/* ---- apply.c ------------------------------------------------------------------------- */

/*
 * A load that waits is destroyed by its guard, as its (sub)transaction aborts: it waits no longer, and its
 * memory goes with sfb_apply_aborted.
 */
extern void sfb_apply_drop(SfbLoad *load);

/* ---- load_jobs.c --------------------------------------------------------------------- */

/*
 * The row that begins at start in block, its last, becomes part of the job at work, or of a new one
 * when that is full.  Waits only where too many jobs are under way.
 */
extern void sfb_load_job_row(SfbLoad *load, int start);

/* Is any job's data on its way? */
extern bool sfb_load_is_uploading(const SfbLoad *load);

/* Gives the uploads what they take; does not wait. */
extern void sfb_load_pump(SfbLoad *load);

/* Rows that were held become the data of jobs: the statement has outgrown Collections. */
extern void sfb_load_switch_to_jobs(SfbLoad *load);

/* The statement's last row was taken: waits until every job is uploaded. */
extern void sfb_load_upload_jobs(SfbLoad *load);

/* Closes the uploaded jobs that wait for it, and waits for the end of all. */
extern void sfb_load_complete_jobs(SfbLoad *load);

/* Gives up the jobs that are not closed, and waits for those that are. */
extern void sfb_load_stop_jobs(SfbLoad *load);

/* ---- load_calls.c -------------------------------------------------------------------- */

/* The rows in block become a call, which is sent now or held. */
extern void sfb_load_end_call(SfbLoad *load);

/* Puts len bytes, so many rows, which follow in the spool of held rows, down for a call. */
extern void sfb_load_add_call(SfbLoad *load, int len, int nrows);

/* Sends what is held, one call after the other, and waits for the last. */
extern void sfb_load_send_calls(SfbLoad *load);

/* Bytes of the first row, with its LF, of a CSV text of complete rows. */
extern int sfb_csv_row_length(const char *text, int len);

/* Rows of the calls held are given up: they are the data of jobs now. */
extern void sfb_load_drop_calls(SfbLoad *load);

/* Copies len bytes of a spool behind a buffer. */
extern void sfb_read_spool(StringInfo buf, SfbSpool *spool, int64 offset, Size len);

/* Adds len bytes of a spool to another one. */
extern void sfb_copy_spool(SfbSpool *to, SfbSpool *from, int64 offset, Size len);

/* ---- load_progress.c ----------------------------------------------------------------- */

/* Shows a job of the load from now on, with the time of another one that it goes on for, or NULL. */
extern void sfb_load_show_job(SfbLoadJob *job, const SfbLoadJob *before);

/* Shows the rows that go by calls. */
extern void sfb_load_show_calls(SfbLoad *load);

/* Shows nothing of it any more. */
extern void sfb_load_hide(SfbLoad *load);

/* ---- load_report.c ------------------------------------------------------------------- */

/* Keeps what a rejected row says, when it is among the first; row 0 is unknown. */
extern void sfb_load_sample(SfbLoad *load, int64 row, const sf_row_error *error);

/* True when more rows were rejected than on_error and reject_limit let pass. */
extern bool sfb_load_too_many(const SfbLoad *load);

/* ERROR for rejected or unprocessed rows when there are more than may be, else WARNING or nothing. */
extern void sfb_load_report_rows(SfbLoad *load);

/* ERROR for what stopped the statement, with what is known of its rows. */
extern void pg_attribute_noreturn() sfb_load_fail(SfbLoad *load, sf_error *err);

/* The NOTICE at the end. */
extern void sfb_load_summary(SfbLoad *load);

#endif /* SFB_LOAD_H */
