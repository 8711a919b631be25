/*
 * bulk1_int.h
 *		What the files of the Bulk API 1.0 share.
 *
 * bulk1.c takes requests apart and answers for jobs, bulk1_batch.c for batches, bulk1_jobs.c keeps both and lets time
 * pass, bulk1_info.c writes about them; bulk1_load.c and bulk1_rows.c write rows, bulk1_query.c and bulk1_render.c
 * read them, bulk1_zip.c unpacks attachments.
 *
 * One lock guards jobs and batches; a batch is processed without it, by the thread that set its member running.
 */
#ifndef SFSIM_BULK1_INT_H
#define SFSIM_BULK1_INT_H

#include "auth.h"
#include "bulk1.h"
#include "store.h"

#define BULK1_NS		   "http://www.force.com/2009/06/asyncapi/dataload"
#define BULK1_OLDEST	   31
#define BULK1_NEWEST	   66
#define BULK1_RETENTION_MS ((int64_t) 7 * 24 * 3600 * 1000)

/* Limits of a batch (protocol notes, 3). */
#define BULK1_MAX_RECORDS 10000
#define BULK1_MAX_BYTES	  (10 * 1024 * 1024)
#define BULK1_MAX_CHARS	  10000000

typedef enum bulk1_op
{
	BULK1_INSERT,
	BULK1_UPDATE,
	BULK1_UPSERT,
	BULK1_DELETE,
	BULK1_HARD_DELETE,
	BULK1_QUERY,
	BULK1_QUERY_ALL,
	BULK1_OPS
} bulk1_op;

typedef enum bulk1_type
{
	BULK1_XML,
	BULK1_CSV,
	BULK1_JSON,
	BULK1_ZIP_XML,
	BULK1_ZIP_CSV,
	BULK1_ZIP_JSON,
	BULK1_TYPES
} bulk1_type;

typedef enum bulk1_job_state
{
	BULK1_OPEN,
	BULK1_CLOSED,
	BULK1_ABORTED,
	BULK1_JOB_FAILED
} bulk1_job_state;

/* The last three are final. */
typedef enum bulk1_state
{
	BULK1_QUEUED,
	BULK1_IN_PROGRESS,
	BULK1_COMPLETED,
	BULK1_FAILED,
	BULK1_NOT_PROCESSED
} bulk1_state;

/* Bytes in memory, or on disk when they are many. */
typedef struct bulk1_blob
{
	char *data;
	char *path; /* a file of the temporary directory; NULL: data */
	char *gz;	/* the same compressed, once somebody wanted it so */
	int64_t len;
} bulk1_blob;

/* A file of query results. */
typedef struct bulk1_result
{
	char id[SIM_ID_SIZE];
	bulk1_blob blob;
} bulk1_result;

typedef struct bulk1_batch
{
	char id[SIM_ID_SIZE];
	struct bulk1_job *job;
	bulk1_blob request; /* as it was sent */
	char charset[32];	/* of a text request; "": UTF-8 */
	bool split;			/* to be divided by PK chunking */

	/* the lock guards these */
	bulk1_state state;
	char message[1600];
	int64_t created; /* ms of the org's clock */
	int64_t changed;
	int64_t start; /* ms that only grow */
	int64_t began; /* … since when it is InProgress; 0 before */
	int64_t ended;
	int64_t processed;
	int64_t failed;
	int64_t total_ms;
	int64_t active_ms;
	bool running;
	bulk1_blob answer;	   /* results of rows, in the job's format */
	bulk1_result *results; /* files of a query */
	int nresults;

	/* with the option lock_contention: the parents that its rows have named */
	char (*parents)[SIM_ID_SIZE];
	int nparents;
	int parents_cap;

	/* orders of a fault at creation */
	srv_state hold;
	srv_gate *gate;
	char *fails; /* the message of a batch that fails by order; NULL: none */
	struct bulk1_batch *next;
} bulk1_batch;

/* Sforce-Enable-PKChunking. */
typedef struct bulk1_chunking
{
	bool on;
	int64_t size;
	char parent[80];
	char start_row[SIM_ID_SIZE];
} bulk1_chunking;

typedef struct bulk1_job
{
	char id[SIM_ID_SIZE];
	bulk1_op op;
	bulk1_type type;
	const sim_object *object;
	char external_id[80];
	char rule[SIM_ID_SIZE]; /* assignmentRuleId */
	char version[8];
	char user[SIM_ID_SIZE];
	bool serial;
	char *
		spec; /* of columns and fields (bulk1_spec.c), from before the first batch; NULL: none */
	char line_ending[8]; /* Sforce-Line-Ending: "LF", "CRLF" or "" */
	bulk1_chunking chunking;
	sim_write_opts write;
	int64_t created;

	/* the lock guards these */
	bulk1_job_state state;
	int64_t changed;
	bulk1_batch *batches; /* oldest first */
	bulk1_batch *last;
	int refs;
	bool gone;
	struct bulk1_job *next; /* older */
} bulk1_job;

struct srv_bulk1
{
	srv *s;
	pthread_mutex_t lock;
	bulk1_job *jobs; /* newest first */
	int64_t next_job;
	int64_t next_batch;
	int64_t next_result;
	int64_t looked; /* for jobs that are too old */
	int waiting;	/* batches that are not final */
};

/* ---------------------------------------------------------------- bulk1.c */

/* What a request is about, taken apart. */
typedef struct bulk1_request
{
	srv_request *req;
	srv_bulk1 *b;
	auth_session session;
	bool json; /* answers are JSON: by what is sent, or what the job has */
} bulk1_request;

/* {"exceptionCode":…} or <error>, status 400. */
void bulk1_error(bulk1_request *r, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The job of this id text with the lock taken; NULL without the lock and with the error filled in. */
bulk1_job *bulk1_lock_job(bulk1_request *r, const char *id);
void bulk1_unlock(bulk1_request *r);

/* Does Content-Type say JSON? */
bool bulk1_sent_json(const srv_request *req);

/* ---------------------------------------------------------------- bulk1_batch.c */

void bulk1_batch_add(bulk1_request *r, const char *job_id);
void bulk1_batch_list(bulk1_request *r, const char *job_id);

/* part: NULL, "request" or "result"; result: the id behind it, or NULL. */
void bulk1_batch_get(bulk1_request *r, const char *job_id, const char *batch_id,
					 const char *part, const char *result);

/* ---------------------------------------------------------------- bulk1_jobs.c */

const char *bulk1_op_name(bulk1_op op);
const char *bulk1_type_name(bulk1_type type);
const char *bulk1_job_state_name(bulk1_job_state state);
const char *bulk1_state_name(bulk1_state state);
const char *bulk1_media_type(bulk1_type type);
bulk1_op bulk1_op_parse(const char *name);	   /* BULK1_OPS when unknown */
bulk1_type bulk1_type_parse(const char *name); /* BULK1_TYPES when unknown */
bool bulk1_is_query(const bulk1_job *j);

/* Without and with its zip: what the text in a batch is. */
bulk1_type bulk1_text_type(bulk1_type type);
bool bulk1_is_zip(bulk1_type type);

/* Bytes into a blob (copied); false: no memory or no room. */
bool bulk1_blob_set(srv_bulk1 *b, bulk1_blob *blob, const char *data, size_t len);

/* Into a buffer; false on I/O errors. */
bool bulk1_blob_get(const bulk1_blob *blob, sim_buf *out);
void bulk1_blob_free(bulk1_blob *blob);

/* A file name of our own in the temporary directory, malloc'd. */
char *bulk1_temp_path(srv_bulk1 *b);

/* The lock is held for the following. */

/* Forget every job; returns how many there were.  The lock is held. */
int bulk1_drop_locked(srv_bulk1 *b);

/* Let go of a job (a reference is taken by ++refs); it may have been dropped in the meantime. */
void bulk1_unref(bulk1_job *j);
void bulk1_enlist(srv_bulk1 *b, bulk1_job *j);
bulk1_job *bulk1_find(srv_bulk1 *b, const char *id);
bulk1_batch *bulk1_find_batch(bulk1_job *j, const char *id);

/* A new batch of the job, which becomes its last; NULL: no memory. */
bulk1_batch *bulk1_append(srv_bulk1 *b, bulk1_job *j);

void bulk1_set_job_state(srv_bulk1 *b, bulk1_job *j, bulk1_job_state state);
void bulk1_finish(srv_bulk1 *b, bulk1_batch *t, bulk1_state state, const char *message);

/* ---------------------------------------------------------------- bulk1_info.c */

/* job and batch may change while they are written about: hold the lock. */
void bulk1_put_job(const bulk1_job *j, bool json, sim_buf *out);
void bulk1_put_batch(const bulk1_batch *t, bool json, sim_buf *out);
void bulk1_put_batches(const bulk1_job *j, bool json, sim_buf *out);

/* A row of GET /jobs/ingest?jobType=Classic. */
void bulk1_put_classic(const bulk1_job *j, sim_buf *out);

/* ---------------------------------------------------------------- processing */

/* What came of a batch; the lock is not held while it is worked out. */
typedef struct bulk1_outcome
{
	bool done;			/* else message says why not */
	bool not_processed; /* the batch was divided */
	char message[1600];
	int64_t processed;
	int64_t failed;
	sim_buf answer;
	bulk1_result *results;
	int nresults;
	char **requests; /* of the batches it was divided into */
	int nrequests;
} bulk1_outcome;

/* "InvalidBatch : …"; false, so that callers can return it. */
bool bulk1_fail(bulk1_outcome *o, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* bulk1_load.c, bulk1_query.c: process the batch; the job's constant members and the request may be read. */
void bulk1_load(srv_bulk1 *b, const bulk1_job *j, bulk1_batch *t, bulk1_outcome *o);

/* In bulk1_locks.c: with the option lock_contention. */

/*
 * The parents that a row of a batch names become its batch's.  False with UNABLE_TO_LOCK_ROW when one of them is that of a
 * batch which was worked on at the same time.
 */
extern bool
bulk1_lock_parents(srv_bulk1 *b, bulk1_batch *t, const sim_write *w, sim_error *err);
void bulk1_query(srv_bulk1 *b, const bulk1_job *j, const bulk1_batch *t, bulk1_outcome *o);

/* Does PK chunking divide the job's object, by the ids of the parent that is named?  False: why not. */
bool bulk1_may_divide(const bulk1_job *j, char *why, size_t size);

/* ---------------------------------------------------------------- bulk1_spec.c */

/* POST job/<id>/spec: keep the spec, or fill the error in. */
void bulk1_spec_set(bulk1_request *r, const char *job_id);

/* Replace the CSV text of a batch with what the job's spec makes of it; false: the batch fails. */
bool bulk1_spec_apply(const bulk1_job *j, sim_buf *text, bulk1_outcome *o);

/* ---------------------------------------------------------------- bulk1_rows.c */

/* Records of a batch, whatever their format. */
typedef struct bulk1_rows bulk1_rows;
struct bulk1_zip;

/*
 * Check the whole text and get ready; NULL with *o filled in: the batch fails.  zip may be NULL.  The text stays the
 * caller's and must stay.
 */
bulk1_rows *bulk1_rows_new(const bulk1_job *j, const char *text, size_t len,
						   const struct bulk1_zip *zip, bulk1_outcome *o);
void bulk1_rows_free(bulk1_rows *r);
int64_t bulk1_rows_count(const bulk1_rows *r);

/*
 * The next record: cells and id (NULL: none).  Only so often as there are records.  False and *err: this record is
 * refused.
 */
bool bulk1_rows_next(bulk1_rows *r, sim_write *w, sim_error *err);

/* The present record was refused: a CSV text that is not of its field's type is the reader's error. */
void bulk1_rows_refused(const bulk1_rows *r, sim_error *err);

/* ---------------------------------------------------------------- bulk1_render.c */

/* Results of a query in the job's format: what goes before all rows, a row, what goes behind them. */
void bulk1_render_begin(const bulk1_job *j, sim_query *q, sim_buf *out);
void
bulk1_render_row(const bulk1_job *j, sim_query *q, bool first, sim_buf *scratch, sim_buf *out);
void bulk1_render_end(const bulk1_job *j, sim_query *q, int64_t rows, sim_buf *out);

/* ---------------------------------------------------------------- bulk1_zip.c */

typedef struct bulk1_zip bulk1_zip;

/* Reads the directory; the data stay the caller's.  NULL and *err (a text) when it is no zip file that we take. */
bulk1_zip *bulk1_zip_open(const char *data, size_t len, sim_error *err);
void bulk1_zip_close(bulk1_zip *z);

/* Unpack a file by name into out: 1, absent (or a directory): 0, -1 and *err. */
int bulk1_zip_read(const bulk1_zip *z, const char *name, sim_buf *out, sim_error *err);

#endif /* SFSIM_BULK1_INT_H */
