/*
 * job.h
 *		Bulk API 2.0 jobs as the files that make them up share them.
 *
 * jobs.c keeps all jobs and what query and ingest have in common; job_query.c has query jobs, ingest.c the calls of ingest
 * jobs, ingest_run.c their processing, ingest_results.c their result files, job_save.c puts them on disk and back.
 *
 * One lock guards the list and all members of jobs but those that never change once the job is in the list.
 */
#ifndef SFSIM_JOB_H
#define SFSIM_JOB_H

#include "server.h"
#include "store.h"

#define JOB_RETENTION_MS (INT64_C(7) * 86400000)
#define JOB_OPEN_MS		 INT64_C(86400000)

typedef enum job_type
{
	JOB_V2_QUERY,
	JOB_V2_INGEST
} job_type;

/* A row error that a fault ordered: rows nth, or from on, or every so many. */
typedef struct job_row_error
{
	int64_t nth;
	int64_t every;
	int64_t from;
	sim_error err;
} job_row_error;

/* What a fault at creation ordered for the life of the job. */
typedef struct job_orders
{
	struct cJSON *script; /* array of states, one per GET, the last one stays */
	int polls;
	srv_state hold;
	srv_gate *gate;
	bool fails;
	int64_t fake_records; /* -1: the true number */
	job_row_error *row_errors;
	int nrow_errors;
	int64_t fail_after;		  /* batches that are processed before the job fails; -1: all */
	int64_t unprocessed_from; /* this row (from 1) and those behind it are left; 0: none */
	int64_t quota_after;	  /* the daily quota allows so many rows; -1: all */
	int64_t hold_after;		  /* processing stops behind so many rows until released; -1 */
	int64_t retries;		  /* that the info claims */
	bool shuffle_rows;
	bool reorder_columns;
} job_orders;

typedef struct job
{
	/* these stand when the job gets into the list */
	char id[SIM_ID_SIZE];
	job_type type;
	char operation[16];
	char object[80];
	char version[8];
	char user[SIM_ID_SIZE];
	const char *delim_name;
	char delim;
	bool crlf;
	int64_t created; /* ms of the org's clock */
	job_orders orders;
	char *soql;				/* query */
	char external_id[80];	/* ingest: externalIdFieldName as it was sent, or "" */
	char rule[SIM_ID_SIZE]; /* ingest: assignmentRuleId, or "" */
	char dir[320];			/* ingest: its files */
	sim_write_opts write;	/* ingest: what the headers of the request say */

	/* the lock guards these */
	int64_t changed; /* ms of the org's clock */
	int64_t before;	 /* changed, before the state became what it is */
	int64_t start;	 /* ms that only grow: creation, later the close of an upload */
	int64_t seen;	 /* the same: when it was last looked at, before its last state */
	int64_t ended;	 /* the same: when it reached its last state; 0 */
	srv_state state;
	int64_t done_ms; /* totalProcessingTime */
	sim_error err;	 /* of a Failed job; no message: none is shown */
	int refs;
	bool gone; /* not in the list any longer */
	srv_render *render;

	/* ingest */
	int uploads;
	int64_t bytes;
	int64_t processed;
	int64_t failed;
	int64_t active_ms;
	bool running;  /* a thread processes it */
	bool finished; /* it was processed, or need not be */
	bool cancel;
	int64_t next_row; /* rows read so far: what lies behind is unprocessed */
	bool files_done;  /* the result files are complete */
	struct job *next;
} job;

struct srv_jobs
{
	srv *s;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a thread has ended, or its job moved on */
	pthread_cond_t work;	/* the ticker has something to look at */
	job *list;				/* newest first */
	int64_t next_number;
	int running; /* threads that process ingest jobs */
	bool stop;
	bool ticking;
	pthread_t ticker;
	job_classic_rows classic;
};

/* ---------------------------------------------------------------- jobs.c */

/* An empty job of the request's version and user, in no list yet. */
job *job_new(srv_request *req, job_type type);

/* Free one that never got into the list. */
void job_free(job *j);

/* The delimiter of this name, or 0. */
char job_delimiter(const char *name, const char **canonical);

/* Put it into the list under a new id (which a caller may want before: job_take_id()). */
void job_take_id(srv *s, job *j);
void job_enlist(srv *s, job *j);

/* One more user; the lock is not held for unref. */
void job_ref(job *j);
void job_unref(srv *s, job *j);

/*
 * The job of the URL with the lock taken and moved on as far as it may go; or NULL without the lock and with
 * the 404 filled in.
 */
job *job_lock(srv_request *req, job_type type);
void job_unlock(srv_request *req);

/* The lock is held for these. */
void job_set_state(job *j, srv_state state);

/* The same for what was due so many ms after the start: it is dated then, or after the last look, however late this one is. */
void job_set_state_due(job *j, srv_state state, int64_t due);

bool job_held_in(const job *j, const srv_options *opt, srv_state state);
void job_advance(srv *s, job *j);
void job_advance_script(job *j); /* the next state of a script */
void job_remove(srv *s, job *j);

/* How much of a job an answer tells. */
typedef enum job_detail
{
	DETAIL_SHORT,  /* PATCH: ends at apiVersion */
	DETAIL_CREATE, /* and the line format */
	DETAIL_LIST,   /* and jobType */
	DETAIL_INFO	   /* and the counters */
} job_detail;
void job_json(srv *s, const job *j, job_detail detail, sim_buf *b);

/* Answers. */
bool job_bad_value(srv_request *req, const char *name, const char *value);
void job_not_ready(srv_request *req, srv_state state);

/* The body as JSON; NULL with the answer filled in. */
struct cJSON *job_body(srv_request *req, const char *data, size_t len);

/* A text member of the request; false after the error is filled in. */
bool job_text_member(srv_request *req, const struct cJSON *body, const char *name,
					 const char **out);

/* Only these members (a list that ends with NULL); false after the error is filled in. */
bool job_known_members(srv_request *req, const struct cJSON *body, const char *const *names);

/* contentType, columnDelimiter and lineEnding into the job; false after the error is filled in. */
bool job_format(srv_request *req, const struct cJSON *body, job *j);

/* What a fault at creation orders. */
void job_take_orders(srv_request *req, job *j);

/* GET /jobs/query and /jobs/ingest. */
void job_list_answer(srv_request *req, job_type type);

/* ---------------------------------------------------------------- job_query.c */

/* Lock held: the state of the rendering into the job. */
void job_query_advance(srv *s, job *j, const srv_options *opt);
int64_t job_query_records(const job *j);

/* ---------------------------------------------------------------- ingest_run.c */

/* Lock held: start the thread of a job that is InProgress now; false: try again later. */
bool ingest_start(srv *s, job *j);

/* The handlers of the result files. */
void ingest_successful(srv_request *req);
void ingest_failed(srv_request *req);
void ingest_unprocessed(srv_request *req);

/* Lock held: ask a running thread to stop behind its chunk. */
void ingest_cancel(job *j);

/* Name of one of the job's files: "upload", "success", "failed", "unprocessed". */
void ingest_path(const job *j, const char *what, bool gz, char out[400]);

/* ---------------------------------------------------------------- ingest_results.c */

/* The value that Salesforce reads out of a cell, as result files show it. */
void ingest_echo(const sim_field *field, const char *text, size_t len, sim_buf *out);

/* Append one cell in quotes. */
void ingest_quote(sim_buf *out, const char *text, size_t len);

/* Write the files that are not there yet of a job whose processing is over: false on I/O errors. */
bool ingest_complete_files(srv *s, job *j);

/* Remove the files of a job. */
void ingest_remove_files(job *j);

#endif /* SFSIM_JOB_H */
