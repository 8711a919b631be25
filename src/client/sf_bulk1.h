/*
 * sf_bulk1.h
 *		The requests of Bulk API 1.0 and what their answers say (level 3).
 *
 * Sources: Bulk API guide (api_asynch), jobs and batches; recordings of real orgs.
 *
 * Small blocks, of which sf_ingest_job1 and sf_query_job1 are made: each function with a request starts it and
 * leaves the rest to sf_http_check; each that reads takes a finished one.  Answers may be JSON or XML
 * whatever was asked for (to what is sent as CSV they are XML), so both are read.
 */
#ifndef SF_BULK1_H
#define SF_BULK1_H

#include "sf_http.h"

/* Which job, and how to speak of it. */
typedef struct sf_bulk1_where
{
	sf_http *http;
	sf_http_account *account; /* that pays */
	char api_version[8];	  /* "62.0"; all requests about a job have that of its creation */
	const char *noun;		  /* in messages: "ingest job", "query job" */
	char job_id[SF_JOB_ID_MAX]; /* "" before it is known */
} sf_bulk1_where;

/* A job to be created.  All pointers are borrowed for the call. */
typedef struct sf_bulk1_job_spec
{
	const char *object;
	const char *operation;			/* insert, …, query, queryAll */
	const char *external_id_field;	/* or NULL */
	const char *assignment_rule_id; /* or NULL */
	bool serial;					/* concurrencyMode: one batch at a time */
	const char *header;				/* a header line, as Sforce-Enable-PKChunking; or NULL */
	int nfailed;					/* creations before: start with that back-off */
} sf_bulk1_job_spec;

/* What Salesforce says of a job. */
typedef struct sf_bulk1_job
{
	char id[SF_JOB_ID_MAX];
	char state[16]; /* Open, Closed, Aborted, Failed */
	int64_t batches_queued;
	int64_t batches_in_progress;
	int64_t batches_completed;
	int64_t batches_failed;
	int64_t batches_total;
	int64_t processed; /* rows looked at, the refused ones included */
	int64_t failed;
	int64_t server_ms; /* totalProcessingTime */
	int64_t api_ms;	   /* apiActiveProcessingTime */
	int64_t apex_ms;   /* apexProcessingTime */
	int64_t retries;
} sf_bulk1_job;

typedef enum sf_bulk1_state
{
	SF_BATCH_QUEUED,
	SF_BATCH_IN_PROGRESS,
	SF_BATCH_COMPLETED, /* this and all that follow are final */
	SF_BATCH_FAILED,
	SF_BATCH_NOT_PROCESSED
} sf_bulk1_state;

/* What it says of a batch. */
typedef struct sf_bulk1_batch
{
	char id[SF_JOB_ID_MAX];
	sf_bulk1_state state;
	int64_t processed;
	int64_t failed;
	int64_t server_ms;
	char *message; /* stateMessage; NULL for none */
} sf_bulk1_batch;

typedef struct sf_bulk1_batches
{
	sf_bulk1_batch *items; /* in the order of the answer */
	int n;
} sf_bulk1_batches;

/* ---- requests: NULL with *err filled on failure ------------------------------------ */

/* POST /job: repeated only where it was surely refused. */
extern sf_http_request *
sf_bulk1_create(const sf_bulk1_where *w, const sf_bulk1_job_spec *spec, sf_error *err);

/*
 * POST /job/ID: "Closed" or "Aborted".  Harmless to repeat, but then it may be refused for its state
 * (sf_job_wrong_state) although the first one was heard.
 */
extern sf_http_request *
sf_bulk1_set_state(const sf_bulk1_where *w, const char *state, int nfailed, sf_error *err);

/*
 * POST /job/ID/batch: with a body, or as an upload (body NULL) that the caller feeds.  Never repeated where the
 * server may have acted on it.
 */
extern sf_http_request *sf_bulk1_add_batch(const sf_bulk1_where *w, const char *body,
										   size_t len, int nfailed, sf_error *err);

/* GET /job/ID, /job/ID/batch, /job/ID/batch/ID */
extern sf_http_request *sf_bulk1_ask_job(const sf_bulk1_where *w, sf_error *err);
extern sf_http_request *sf_bulk1_ask_batches(const sf_bulk1_where *w, sf_error *err);
extern sf_http_request *
sf_bulk1_ask_batch(const sf_bulk1_where *w, const char *batch_id, sf_error *err);

/*
 * GET …/batch/ID/request (what was sent), …/result (of rows: CSV in their order; of a query: the list of
 * results), …/result/ID.  stream as in sf_http_spec.
 */
extern sf_http_request *
sf_bulk1_download(const sf_bulk1_where *w, const char *batch_id, const char *part,
				  const char *result_id, bool stream, int nfailed, sf_error *err);

/* ---- answers ----------------------------------------------------------------------- */

/*
 * SF_OK or SF_FAILED (SF_ERR_PROTOCOL): neither JSON nor XML, an id or a state missing or malformed.  A batch's
 * message, and a list, are freed by the caller.
 */
extern sf_status sf_bulk1_read_job(const sf_bulk1_where *w, const sf_http_request *req,
								   sf_bulk1_job *job, sf_error *err);
extern sf_status sf_bulk1_read_batch(const sf_bulk1_where *w, const sf_http_request *req,
									 sf_bulk1_batch *batch, sf_error *err);
extern sf_status sf_bulk1_read_batches(const sf_bulk1_where *w, const sf_http_request *req,
									   sf_bulk1_batches *list, sf_error *err);

/* Frees what a list holds and empties it.  Fine on a zeroed struct. */
extern void sf_bulk1_batches_free(sf_bulk1_batches *list);

/* The batch of that id, or NULL. */
extern const sf_bulk1_batch *sf_bulk1_find_batch(const sf_bulk1_batches *list, const char *id);

#endif /* SF_BULK1_H */
