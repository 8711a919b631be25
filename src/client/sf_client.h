/*
 * sf_client.h
 *		The border: the only header of the Salesforce client that src/fdw may include.
 *
 * The client knows Salesforce and not PostgreSQL.  It never blocks, never calls up, never
 * jumps: it offers one descriptor and one step function, and answers with a status.  Every
 * object has a _new/_start and a _free that copes with half-built objects and does no network
 * I/O.  All text is UTF-8.  Times are milliseconds.  Not thread-safe: one session belongs to
 * one thread.
 *
 * Contents
 *		errors and status			sf_status, sf_error
 *		configuration				sf_config, sf_config_check
 *		session						sf_session_*, sf_watch_*; what it spends: sf_client_usage.h
 *		queries						sf_query_*
 *		shared results				sf_query_job_ready, sf_page_links_*, sf_pages_*
 *		writing						sf_ingest_*, sf_results_*, sf_collections_*
 *		small formats				sf_id_*, sf_soql_*
 * and in sf_client_org.h, which this includes:
 *		the jobs of the org			sf_jobs_*
 *		what planning asks			sf_explain_*, sf_record_counts_*, sf_limits_*
 *		metadata					sf_describe_*
 */
#ifndef SF_CLIENT_H
#define SF_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- errors and status ------------------------------------------------------------- */

/* What an operation answers.  SF_FAILED always comes with a filled sf_error. */
typedef enum sf_status
{
	SF_OK,	  /* done; for an iterator: here is an item */
	SF_WAIT,  /* nothing yet: wait for sf_session_fd(), step, ask again */
	SF_DONE,  /* an iterator's end */
	SF_FAILED /* see the sf_error */
} sf_status;

/* Kinds of failure; the glue maps (class, code) to an SQLSTATE in one table. */
typedef enum sf_error_class
{
	SF_ERR_NONE,
	SF_ERR_MEMORY,	 /* malloc failed */
	SF_ERR_CONFIG,	 /* options that do not fit together or are malformed */
	SF_ERR_NETWORK,	 /* resolve, connect, TLS, connection lost */
	SF_ERR_TIMEOUT,	 /* connect, request or job time is up */
	SF_ERR_AUTH,	 /* login refused, session refused after one new login */
	SF_ERR_REMOTE,	 /* Salesforce answered with an error: see code */
	SF_ERR_PROTOCOL, /* an answer that cannot be trusted: shape, counts, truncation */
	SF_ERR_DATA,	 /* a value PostgreSQL cannot hold: NUL byte, invalid UTF-8 */
	SF_ERR_LIMIT	 /* one of our own bounds was exceeded */
} sf_error_class;

/* Where logins go without a login_url. */
#define SF_DEFAULT_LOGIN_URL "https://login.salesforce.com"

#define SF_CODE_MAX	   64
#define SF_MESSAGE_MAX 1024
#define SF_JOB_ID_MAX  19
#define SF_OBJECT_MAX  96 /* of the longest API name of an object that is told apart */

/*
 * An error as plain data; init with sf_error_reset (or = {0}).  The first error wins: functions
 * leave a filled struct alone.  Texts are truncated to fit at a character border, are valid
 * UTF-8 and never hold a secret.  message is in PostgreSQL's style (lower case start, no full
 * stop); detail and hint are whole sentences or empty.
 */
typedef struct sf_error
{
	sf_error_class cls;
	int http_status;		/* 0 when there was no answer */
	char code[SF_CODE_MAX]; /* Salesforce's errorCode / OAuth error, upper case as sent */
	char message[SF_MESSAGE_MAX];
	char detail[SF_MESSAGE_MAX];
	char hint[SF_MESSAGE_MAX / 2];
	char job_id[SF_JOB_ID_MAX]; /* the bulk job concerned, or "" */
	char column[128];			/* the field concerned, or "" */
	int64_t row;				/* 1-based row of the result concerned, or 0 */
} sf_error;

/* Empties an error struct for reuse. */
extern void sf_error_reset(sf_error *err);

/* ---- configuration ----------------------------------------------------------------- */

typedef enum sf_auth_flow
{
	SF_AUTH_INFER,				/* from which credentials are present, see sf_config_check */
	SF_AUTH_CLIENT_CREDENTIALS, /* client_id, client_secret */
	SF_AUTH_JWT,				/* client_id, private_key, username */
	SF_AUTH_REFRESH_TOKEN,		/* client_id, refresh_token [, client_secret] */
	SF_AUTH_ACCESS_TOKEN,		/* access_token, instance_url */
	SF_AUTH_PASSWORD, /* client_id, client_secret, username, password [, security_token] */
	SF_AUTH_SOAP	  /* username, password [, security_token] */
} sf_auth_flow;

/*
 * Everything a session needs.  All strings are borrowed for the duration of the call that
 * takes the struct and may be NULL when absent; the session keeps wiped-on-free copies.
 */
typedef struct sf_config
{
	/* where */
	const char *login_url;	  /* NULL: https://login.salesforce.com */
	const char *instance_url; /* REST host; only needed by SF_AUTH_ACCESS_TOKEN */
	const char *api_version;  /* "62.0" */
	const char *proxy;		  /* as curl takes it, or NULL */
	const char *ca_file;	  /* PEM file, or NULL for the system's store */

	/*
	 * What the host of the instance that a login names must match (see sf_host_matches), else no
	 * token goes there; NULL for any.  A loopback login_url may name a loopback instance anyway.
	 */
	const char *allowed_hosts;

	/* who */
	sf_auth_flow auth;
	const char *client_id;
	const char *client_secret;
	const char *private_key; /* PEM text */
	const char *refresh_token;
	const char *access_token;
	const char *username;
	const char *password;
	const char *security_token;

	/* how; 0 takes the default in brackets */
	int connect_timeout_ms; /* [30000] */
	int request_timeout_ms; /* of one request without progress [120000] */
	int max_retries;		/* of one harmless request; -1 is none [4] */
	bool no_compression;	/* do not ask for gzip */
} sf_config;

/*
 * Checks a configuration without network: URLs (https only, except for loopback hosts; no user
 * info), version form, that exactly the credentials of one flow are complete.  Puts the flow
 * that will be used into *flow (may be NULL).  Inference order when auth is SF_AUTH_INFER:
 * access_token+instance_url, private_key, refresh_token, client_id+client_secret+username+
 * password, client_id+client_secret, username+password.  SF_OK or SF_FAILED (SF_ERR_CONFIG; the
 * message names the option that is missing or wrong).
 */
extern sf_status sf_config_check(const sf_config *cfg, sf_auth_flow *flow, sf_error *err);

/* ---- session ----------------------------------------------------------------------- */

typedef struct sf_session sf_session;

typedef enum sf_step
{
	SF_STEP_IDLE,  /* nothing is under way */
	SF_STEP_WAIT,  /* wait until sf_session_fd() is readable, then step again */
	SF_STEP_READY, /* some object made progress: ask it */
	SF_STEP_FAILED /* the session itself is unusable (descriptor, memory) */
} sf_step;

/* A new session; no network I/O.  NULL with *err filled on failure.  Free it with sf_session_free. */
extern sf_session *sf_session_new(const sf_config *cfg, sf_error *err);

/*
 * Frees the session, its connections and whatever still hangs on it; wipes its secrets.  No
 * network I/O: jobs still to be cleaned up stay in the org, so drive sf_session_cleanup_pending
 * to zero first.  Queries and describes must have been freed before.  NULL is fine.
 */
extern void sf_session_free(sf_session *s);

/* The one descriptor: readable when a step is due (sockets, retries, polls and deadlines alike). */
extern int sf_session_fd(const sf_session *s);

/* Moves everything on as far as it goes without waiting.  Never blocks, may be called any time. */
extern sf_step sf_session_step(sf_session *s, sf_error *err);

/* True while a token is held that was not refused: for tests and sfbulk_sessions(). */
extern bool sf_session_logged_in(const sf_session *s);

/* How it logs in; never SF_AUTH_INFER. */
extern sf_auth_flow sf_session_flow(const sf_session *s);

/* "62.0" */
extern const char *sf_session_api_version(const sf_session *s);

/* Instance URL of the last login, "" before. */
extern const char *sf_session_instance_url(const sf_session *s);

/* From the last Sforce-Limit-Info header: calls used and allowed today; false when none came yet. */
extern bool sf_session_api_usage(const sf_session *s, int64_t *used, int64_t *max);

/*
 * Salesforce's clock as the Date of the instance's last answer has it, in seconds since 1970-01-01 UTC; false
 * when none came yet.  Everything that is sent from now on is looked at later than that.
 */
extern bool sf_session_server_time(const sf_session *s, int64_t *seconds);

/* API calls of this session so far: every attempt of every request but logins. */
extern int64_t sf_session_calls(const sf_session *s);

/*
 * Takes the oldest line out of the bounded trace ring (method, path, status, milliseconds,
 * bytes; redacted at the source) into buf.  False when it is empty.
 */
extern bool sf_session_trace(sf_session *s, char *buf, size_t size);

/*
 * Jobs (and job creations whose answer is still awaited) that freed queries have left to be
 * aborted and deleted.  Step until it is 0 or your deadline has passed.
 */
extern int sf_session_cleanup_pending(const sf_session *s);

/*
 * Takes out one job whose cleanup failed for good, for a WARNING: fills *err (job_id set).
 * False when there is none.  With give_up, pending cleanups count as failed first and are
 * dropped: use it when the deadline has passed.
 */
extern bool sf_session_cleanup_failure(sf_session *s, bool give_up, sf_error *err);

/*
 * One descriptor for several sessions, where somebody can wait for no more than one (as one node of a
 * plan can): readable when a step of one of them is due.
 */
typedef struct sf_watch sf_watch;

/* NULL with *err filled when the process is out of memory or of descriptors, of which it takes two. */
extern sf_watch *sf_watch_new(sf_error *err);

/* The descriptor to wait for; it stays the same. */
extern int sf_watch_fd(const sf_watch *w);

/* Watches a session, too; one that is there already stays.  One that is freed leaves by itself. */
extern sf_status sf_watch_add(sf_watch *w, const sf_session *s, sf_error *err);

/* On: readable whatever the sessions do, for who must not wait; off: as they do again. */
extern sf_status sf_watch_ring(sf_watch *w, bool on, sf_error *err);

/* NULL is fine. */
extern void sf_watch_free(sf_watch *w);

#include "sf_client_usage.h"

/* ---- queries ----------------------------------------------------------------------- */

typedef enum sf_transport
{
	SF_TRANSPORT_AUTO, /* REST first; bulk when totalSize exceeds rest_row_limit */
	SF_TRANSPORT_REST, /* REST, following nextRecordsUrl to the end */
	SF_TRANSPORT_BULK  /* a query job of the Bulk API */
} sf_transport;

/*
 * How a column's text is normalised so that both transports give the same bytes.  Bulk CSV and
 * REST JSON differ in numbers (100.0 / 9.0E7 against whatever JSON holds) and datetimes
 * (…000Z against …000+0000).
 */
typedef enum sf_column_kind
{
	SF_COLUMN_TEXT,		/* text as it is; JSON numbers print shortest, integral ones bare */
	SF_COLUMN_BOOLEAN,	/* true / false */
	SF_COLUMN_INT,		/* plain digits */
	SF_COLUMN_DOUBLE,	/* Java's shortest double text: 100.0, 9.0E7 */
	SF_COLUMN_DATETIME, /* ends in Z */
	SF_COLUMN_JSON		/* compound: JSON text without "attributes"; REST only */
} sf_column_kind;

typedef struct sf_column
{
	const char *path; /* as in the SELECT list: Name, Account.Owner.Name */
	sf_column_kind kind;
} sf_column;

/* One query.  All pointers are borrowed for the call of sf_query_start only. */
typedef struct sf_query_spec
{
	const char *soql;
	const sf_column *columns; /* the SELECT list, in order; matched by name, ignoring case */
	int ncolumns;			  /* 0 with count_only and any_columns */
	bool any_columns;		  /* none are known: see sf_query_is_json; without bulk1 */
	bool count_only;		  /* soql is SELECT COUNT() FROM …: one row with one value */
	bool query_all;			  /* with deleted and archived rows */
	sf_transport transport;
	int rest_row_limit;		  /* AUTO: most rows taken by REST; 0 means 2000 */
	int page_rows;			  /* maxRecords / batchSize; 0 lets the server choose */
	int download_streams;	  /* result pages at a time, 1..20; 0 means 5 */
	int poll_interval_max_ms; /* 0 means 10000 */
	int64_t job_timeout_ms;	  /* from creation to completion; 0 is none */
	bool no_threads;		  /* decompress in the caller's thread alone, whatever it costs */
	bool keep_result;		  /* keep a bulk job after its last row, for sf_query_rewind */
	bool hold_pages;		  /* read no result page before sf_query_next_row is called */
	bool job_first;			  /* AUTO: a job at once; REST only where jobs cannot read it */
	bool no_job;			  /* AUTO: fail with SF_CODE_NO_JOB rather than start one */

	/* by Bulk API 1.0, where a job is made; its result cannot be shared (hold_pages) */
	bool bulk1;
	int pk_chunk_size; /* PK chunking where the query admits it: ids in a chunk, 1..250000; 0 is none */
	const char *pk_parent; /* the object whose ids divide a share or history table; or NULL */
} sf_query_spec;

/* Code of an error (SF_ERR_LIMIT) of a query with no_job that REST alone cannot do. */
#define SF_CODE_NO_JOB "JOB_NOT_ALLOWED"

typedef struct sf_query sf_query;

/* One value of a row: data[len] is always 0, data is NULL for null.  Never an empty text. */
typedef struct sf_value
{
	char *data; /* may be changed in place by the reader */
	int len;	/* bytes */
} sf_value;

/* How far a query has come. */
typedef enum sf_query_phase
{
	SF_QUERY_STARTING, /* before the first answer of REST, or before the job is known */
	SF_QUERY_QUEUED, /* the job is UploadComplete: Salesforce has not begun, as far as polls tell */
	SF_QUERY_RUNNING, /* the job is InProgress */
	SF_QUERY_READY,	  /* the job is complete, and nobody has asked for a row (hold_pages) */
	SF_QUERY_DOWNLOADING, /* rows come, or a count is there */
	SF_QUERY_FINISHED,	  /* the last row was handed out */
	SF_QUERY_FAILED
} sf_query_phase;

/* What a query did, for EXPLAIN ANALYZE, progress and the tests. */
typedef struct sf_query_stats
{
	sf_query_phase phase;
	sf_transport transport;		/* used in the end: REST or BULK */
	bool bulk1;					/* BULK by Bulk API 1.0; its pages are result files */
	char job_id[SF_JOB_ID_MAX]; /* or "" */
	int64_t rows;				/* handed out so far; a count is one */
	int64_t total_rows; /* totalSize or numberRecordsProcessed; -1 before it is known */
	int api_calls;
	int polls;
	int pages;
	int retries;
	int64_t wire_bytes; /* response bodies as received */
	int64_t text_bytes; /* after decompression */
	int64_t job_ms;		/* from creation to JobComplete as seen here; 0 without a job */
	int64_t
		queued_ms; /* part of it that passed until Salesforce began, as far as polls tell */
	int64_t server_ms; /* totalProcessingTime */
} sf_query_stats;

/*
 * Queues the query; its first request leaves at the next step, so that several queries started
 * together run together.  NULL with *err filled on failure.  Free it with sf_query_free.
 *
 * With count_only AUTO asks REST whatever the number.  A count that takes too long there or does not
 * fit into a URI, and any by BULK, is the numberRecordsProcessed of a job SELECT Id FROM … (Bulk API
 * 2.0 guide, query_get_one_job), which is deleted without its rows being read.
 */
extern sf_query *sf_query_start(sf_session *s, const sf_query_spec *spec, sf_error *err);

/*
 * The next row: SF_OK with *values pointing to ncolumns values (valid until the next call on
 * this query), SF_WAIT, SF_DONE only after every count check has passed, SF_FAILED.  Rows come
 * in no particular order by bulk with several streams, in Salesforce's order by REST.
 */
extern sf_status sf_query_next_row(sf_query *q, sf_value **values, sf_error *err);

/*
 * Of a query with any_columns, once it has given a row.  True: by REST a row is one value, the record as the
 * text of a JSON object, without "attributes"; parents are objects, subqueries answers with all their rows,
 * numbers in their shortest form.  False: by bulk it has the columns of the file, as texts.
 */
extern bool sf_query_is_json(const sf_query *q);
extern int sf_query_ncolumns(const sf_query *q);
extern const char *sf_query_column(const sf_query *q, int i);

/* Does a query just count records: SELECT COUNT() FROM …, as count_only wants it? */
extern bool sf_soql_is_count(const char *soql);

/*
 * Back to before the first row of the same result: a bulk job's pages are read again without a
 * new job (after the last row only with keep_result: without it the job is deleted then, and
 * runs anew), a REST answer is replayed or asked for again.
 */
extern sf_status sf_query_rewind(sf_query *q, sf_error *err);

/* Fills *stats; cheap, any time. */
extern void sf_query_get_stats(const sf_query *q, sf_query_stats *stats);

/*
 * Ends the query in whatever state it is: transfers are dropped now, its job is queued on the
 * session for abort and delete (see sf_session_cleanup_pending), and so is a creation whose
 * answer is not there yet.  No network I/O here.  NULL is fine.
 */
extern void sf_query_free(sf_query *q);

/* ---- results that several read ------------------------------------------------------ */

/*
 * A result page is named by (job id, locator) alone, so several sessions, in several processes, can
 * read a job's pages between them.  One has the query and with it the job, which must not be freed
 * before all are through; each page is read by exactly one.  What only all together can know is left
 * to them: that no locator came twice, and that all pages together have as many rows as the job says.
 */

/*
 * Bytes of the longest locator taken, with its end.  Seen are 5 to 40 ("MTAwMDA",
 * "MDowR2FIbjAwMDAwNXMyVDRLQUk6MQ"); the rest is room for whatever comes.
 */
#define SF_LOCATOR_MAX 512

/* Most page links in one list (five are documented), and so most that ever wait. */
#define SF_LINKS_MAX 256

/* What of a complete job others need to read of it; plain data. */
typedef struct sf_job_result
{
	char job_id[SF_JOB_ID_MAX];
	char api_version[8];		/* of its creation: a result is read with no other */
	int64_t records;			/* numberRecordsProcessed, or -1 */
	int page_rows;				/* as in the query's spec */
	char object[SF_OBJECT_MAX]; /* that pays for reading it */
} sf_job_result;

/*
 * Whether the job of a bulk query with hold_pages is complete: SF_OK with *result filled, SF_WAIT,
 * SF_FAILED; SF_ERR_CONFIG for a query without a job, as by REST or after the last row.
 */
extern sf_status sf_query_job_ready(sf_query *q, sf_job_result *result, sf_error *err);

/* Which pages there are, from one list of links at a time. */
typedef struct sf_page_links sf_page_links;

/*
 * Asks for one list: "" for the first, else what sf_page_links_next_list said.  NULL with *err
 * filled on failure.  Free it with sf_page_links_free.
 */
extern sf_page_links *sf_page_links_start(sf_session *s, const sf_job_result *result,
										  const char *list, sf_error *err);

/*
 * The next page's locator, "" being the first page: SF_OK (valid until the next call), SF_WAIT,
 * SF_DONE when the list has no more, SF_FAILED.
 */
extern sf_status sf_page_links_next(sf_page_links *l, const char **locator, sf_error *err);

/* After SF_DONE: what to ask for the next list; NULL when this was the last. */
extern const char *sf_page_links_next_list(const sf_page_links *l);

/*
 * After SF_DONE: true when the job has no lists of links (API versions before 58.0, pages of a chosen
 * size, a server that does not know them).  Then the one page that came is the first, and each page's
 * answer names the next: see sf_pages_next_locator.
 */
extern bool sf_page_links_chain(const sf_page_links *l);

extern void sf_page_links_get_stats(const sf_page_links *l, sf_query_stats *stats);

/* Drops the request.  NULL is fine. */
extern void sf_page_links_free(sf_page_links *l);

/* A reader of pages that it is given. */
typedef struct sf_query_pages sf_pages;

/* All pointers are borrowed for the call of sf_pages_start only. */
typedef struct sf_pages_spec
{
	const sf_job_result *result;
	const sf_column *columns; /* as in sf_query_spec */
	int ncolumns;
	int download_streams; /* most pages at a time, 1..20; 0 means 5; more wait */
	bool no_threads;	  /* as in sf_query_spec */
	bool chain;			  /* as sf_page_links_chain said */
} sf_pages_spec;

/* No request leaves yet.  NULL with *err filled on failure.  Free it with sf_pages_free. */
extern sf_pages *sf_pages_start(sf_session *s, const sf_pages_spec *spec, sf_error *err);

/*
 * How many pages it has before it, of which it wants some so that it need not wait for answers: those it
 * was given and has not read to three quarters.
 */
extern int sf_pages_open(const sf_pages *p);

/*
 * Gives it a page to read; its download begins at the next step.  SF_OK or SF_FAILED.  The locator may be
 * the one that sf_pages_next_locator gave.
 */
extern sf_status sf_pages_give(sf_pages *p, const char *locator, sf_error *err);

/*
 * Of a chain, what follows the page that was given last: SF_OK with *locator (NULL when that is the
 * last page; valid until the next sf_pages_give), SF_WAIT before its answer begins, SF_FAILED.
 */
extern sf_status sf_pages_next_locator(sf_pages *p, const char **locator, sf_error *err);

/* No further page will be given. */
extern void sf_pages_end(sf_pages *p);

/*
 * The next row as in sf_query_next_row.  SF_WAIT also while it has no page and may still be given one;
 * SF_DONE after sf_pages_end, when every page given was read and had the rows that it promised.
 */
extern sf_status sf_pages_next_row(sf_pages *p, sf_value **values, sf_error *err);

/* SF_FAILED when rows, those of all pages of the result, are not as many as the job says. */
extern sf_status sf_pages_check_total(const sf_pages *p, int64_t rows, sf_error *err);

/* rows, pages, api_calls, retries and bytes of these pages alone. */
extern void sf_pages_get_stats(const sf_pages *p, sf_query_stats *stats);

/* Drops all downloads.  NULL is fine. */
extern void sf_pages_free(sf_pages *p);

/* ---- writing ----------------------------------------------------------------------- */

typedef enum sf_operation
{
	SF_OP_INSERT,
	SF_OP_UPDATE,
	SF_OP_UPSERT,
	SF_OP_DELETE,
	SF_OP_HARD_DELETE /* ingest jobs only */
} sf_operation;

/*
 * Rows to write are CSV in one form, for ingest jobs and Collections alike: UTF-8, LF behind each
 * row, cells separated by commas, a cell quoted where it holds a comma, a quote, CR or LF (quotes
 * doubled).  What a cell means hangs on its quotes:
 *
 *		(empty, no quotes)	leave the field alone: no value, on insert its default
 *		#N/A (no quotes)	set it to null
 *		anything else		this value; "#N/A" in quotes is a text, which only Collections can send
 *
 * An ingest job's data starts with a header row of field names, Collections are told them apart.
 */

/* ---- ingest jobs */

/* One ingest job.  All pointers are borrowed for the call of sf_ingest_start only. */
typedef struct sf_ingest_spec
{
	const char *object;
	sf_operation operation;
	const char *external_id_field;	/* SF_OP_UPSERT; else NULL */
	const char *assignment_rule_id; /* Case and Lead; or NULL */
	bool hold;						/* stay Open when uploaded, until sf_ingest_commit */
	bool bulk1;						/* Bulk API 1.0, else 2.0; not with hold */
	bool serial;			  /* bulk1: one batch at a time, for rows that share parents */
	int batch_rows;			  /* bulk1: most rows of a batch; 0 means 10000 */
	int poll_interval_max_ms; /* 0 means 10000 */
	int64_t job_timeout_ms;	  /* from closing to completion; 0 is none */
} sf_ingest_spec;

typedef struct sf_ingest sf_ingest;

typedef enum sf_ingest_phase
{
	SF_INGEST_UPLOADING,  /* being created, or taking data; nothing can have been saved */
	SF_INGEST_HELD,		  /* all data is there; Open; waits for sf_ingest_commit */
	SF_INGEST_CLOSING,	  /* the close is under way: rows may be saved from here on */
	SF_INGEST_PROCESSING, /* closed: queued or at work */
	SF_INGEST_COMPLETE, /* JobComplete: every row was looked at, some may have been refused */
	SF_INGEST_FAILED	/* see the error: Failed or Aborted over there, or given up here */
} sf_ingest_phase;

typedef struct sf_ingest_info
{
	char job_id[SF_JOB_ID_MAX]; /* of the last attempt, or "" */
	sf_ingest_phase phase;
	bool acknowledged; /* all data arrived: it will not be asked for again */
	bool closed;	   /* a close was sent, so rows may have been saved */
	bool ended;		   /* the org has it as JobComplete, Failed or Aborted: counts are final */
	int64_t processed; /* rows looked at, the refused ones included; 0 before it is known */
	int64_t failed;	   /* rows refused */
	int uploads;	   /* jobs made: 1 unless an upload had to start again */
	int polls;
	int api_calls;
	int retries;
	int64_t rows;	   /* bulk1: rows that were sent, or may have been; else -1 */
	int batches;	   /* bulk1: that were added */
	int64_t rest;	   /* bulk1: see sf_ingest_start; 0 for nothing */
	int64_t bytes;	   /* CSV bytes of the acknowledged upload */
	int64_t job_ms;	   /* from closing to completion as seen here */
	int64_t server_ms; /* totalProcessingTime */
} sf_ingest_info;

/*
 * Queues the creation of a job.  Its one upload (PUT, chunked) starts at the next steps and takes
 * what sf_ingest_feed gives; more than one PUT is never made on a job (protocol: Bulk API 2.0 guide,
 * upload_job_data).  An upload whose end is not a plain 201 aborts its job, and another job starts
 * from the data's first byte, at most max_retries times; nothing of an Open job is ever saved.
 *
 * With bulk1 the data is cut into batches, each of them a POST of its own (protocol: Bulk API guide, "Add a Batch
 * to a Job"), and Salesforce works on them while others follow: rows may be saved before all has
 * arrived, which info.closed tells.  A batch that was surely not added is sent again, and the data is asked for
 * from its first row on.  No batch is ever sent twice: where an answer is lost the job's list is asked, or the job
 * is closed, after which the list is final.  When it fails, the batches that were added come to their end first, so
 * that the counts are final.  One that was closed for the sake of a lost answer has failed, but info.rest says
 * where the rows begin that surely are in no batch: they may go by another job.
 *
 * NULL with *err filled on failure.  Free it with sf_ingest_free.
 */
extern sf_ingest *sf_ingest_start(sf_session *s, const sf_ingest_spec *spec, sf_error *err);

/*
 * Offset of the data byte that the job wants next; it goes back to 0 when the upload has to start
 * again.  -1 once everything is acknowledged, or will never be wanted.
 */
extern int64_t sf_ingest_wanted(const sf_ingest *job);

/* Gives data from the wanted offset on; returns the bytes that were copied, 0 while it is full. */
extern size_t sf_ingest_feed(sf_ingest *job, const char *data, size_t len);

/* Says how many bytes the data has in all: the upload ends there.  Call it once. */
extern void sf_ingest_end(sf_ingest *job, int64_t total);

/*
 * How it stands: SF_WAIT; SF_OK: it is HELD (and not committed) or COMPLETE; SF_FAILED with *err
 * (job_id set once known; a message that says whether rows may have been saved).
 */
extern sf_status sf_ingest_check(sf_ingest *job, sf_error *err);

/*
 * Lets a job that was started with hold go on to be closed; also before it is HELD.  A close whose
 * answer is lost is settled by reading the job.
 */
extern void sf_ingest_commit(sf_ingest *job);

/*
 * No more of its data is to be saved, if that can be helped: with bulk1 what was added comes to its end, and the
 * job is COMPLETE then, with info.rows of its rows.  Of other jobs nothing can be left out; it does nothing.
 */
extern void sf_ingest_stop(sf_ingest *job);

/* A finished job stays in the org when it is freed: for its result files. */
extern void sf_ingest_keep(sf_ingest *job);

extern void sf_ingest_get_info(const sf_ingest *job, sf_ingest_info *info);

/*
 * Ends it in whatever state: what is not closed is aborted and deleted, what is closed and not
 * complete is aborted and kept (rows may have been saved; a cleanup failure says so, see
 * sf_session_cleanup_failure), what is complete is deleted unless sf_ingest_keep was called.  Jobs of bulk1 are
 * never deleted, as Salesforce does not let anybody.  All
 * of it is queued on the session (sf_session_cleanup_pending); no network I/O here.  NULL is fine.
 */
extern void sf_ingest_free(sf_ingest *job);

/* ---- result files of ingest jobs */

typedef enum sf_result_kind
{
	SF_RESULT_FAILED,	  /* sf__Id, sf__Error, then the uploaded columns */
	SF_RESULT_SUCCESSFUL, /* sf__Id, sf__Created, then the uploaded columns */
	SF_RESULT_UNPROCESSED /* the uploaded columns */
} sf_result_kind;

typedef struct sf_results sf_results;

/* Queues the download of one result file of a finished job.  Free it with sf_results_free. */
extern sf_results *
sf_results_start(sf_session *s, const char *job_id, sf_result_kind kind, sf_error *err);

/*
 * The same of a job of Bulk API 1.0 that has finished: there are results of batches, in the order of their rows, which
 * are put together with the rows that were sent.  Columns are those of the files above.  (sf_results_start finds
 * out that a job is one, which costs a call more.)
 */
extern sf_results *
sf_results_start_bulk1(sf_session *s, const char *job_id, sf_result_kind kind, sf_error *err);

/* The same of a job from here that has ended; whichever it is, nothing needs to be asked for. */
extern sf_results *sf_results_start_ingest(sf_session *s, const sf_ingest *job,
										   sf_result_kind kind, sf_error *err);

/* Which row of the job's data the last row is, from 1; 0 where nobody knows, as with Bulk API 2.0. */
extern int64_t sf_results_row(const sf_results *r);

/*
 * The next row: SF_OK with one value for each column of the file, in the file's order (valid until
 * the next call), SF_WAIT, SF_DONE, SF_FAILED.  A download that breaks off is taken up again
 * behind the rows that were handed out.
 */
extern sf_status sf_results_next(sf_results *r, sf_value **values, sf_error *err);

/* Columns of the file, known once sf_results_next has answered SF_OK or SF_DONE; names as sent. */
extern int sf_results_ncolumns(const sf_results *r);
extern const char *sf_results_column(const sf_results *r, int i);

extern int sf_results_api_calls(const sf_results *r);

/* Frees it in whatever state.  NULL is fine. */
extern void sf_results_free(sf_results *r);

/* Why a row was refused; texts point into what was given or into the answer. */
typedef struct sf_row_error
{
	char code[SF_CODE_MAX]; /* DUPLICATE_VALUE, or "" */
	const char *message;
	int message_len;
	const char *fields; /* names separated by blanks or commas */
	int fields_len;		/* 0 for none */
} sf_row_error;

/* Takes an sf__Error apart: "CODE:message:field field --", of which all but the text may lack. */
extern void sf_row_error_parse(const char *text, size_t len, sf_row_error *error);

/* ---- sObject Collections */

#define SF_COLLECTIONS_MAX 200 /* records in a call */

/* One call.  All pointers are borrowed for the call of sf_collections_start only. */
typedef struct sf_collections_spec
{
	const char *object;
	sf_operation operation;			/* not SF_OP_HARD_DELETE */
	const char *external_id_field;	/* SF_OP_UPSERT */
	const char *assignment_rule_id; /* or NULL */
	bool all_or_none;
	const sf_column
		*columns;	  /* of the rows, in order: path and how the value is written in JSON */
	int ncolumns;	  /* update and delete: one of them is Id */
	const char *rows; /* CSV as above, no header row */
	size_t rows_len;
	int nrows; /* 1 .. SF_COLLECTIONS_MAX */
} sf_collections_spec;

typedef struct sf_collections sf_collections;

/* What became of a record. */
typedef struct sf_row_result
{
	bool success;
	bool created;		/* upsert: a new record */
	char id[19];		/* "" when there is none */
	sf_row_error error; /* of a refused one; the first of several errors */
} sf_row_result;

/*
 * Queues one call of up to 200 records.  Update, upsert and delete may be sent again when an answer is
 * lost, as that changes nothing more (a record that is gone counts as deleted); an insert is
 * not: then sf_collections_check fails and sf_collections_unknown is true.
 */
extern sf_collections *
sf_collections_start(sf_session *s, const sf_collections_spec *spec, sf_error *err);

/* SF_WAIT; SF_OK: results are there, one for each row, in order; SF_FAILED: nothing was saved, … */
extern sf_status sf_collections_check(sf_collections *c, sf_error *err);

/* … except that nobody knows, where this is true. */
extern bool sf_collections_unknown(const sf_collections *c);

/* What became of row i; owned by the call. */
extern const sf_row_result *sf_collections_result(const sf_collections *c, int i);

extern int sf_collections_api_calls(const sf_collections *c);

/*
 * Frees it.  A call that has left and is not answered is waited for by the session's cleanup; a
 * cleanup failure then tells how many rows were saved although the statement ended, or that this is
 * not known.  NULL is fine.
 */
extern void sf_collections_free(sf_collections *c);

/* ---- small formats ----------------------------------------------------------------- */

/*
 * Normalises a Salesforce id of 15 or 18 characters into out[19] (18 characters and a 0).
 * False when it is not a well-formed id: length, base-62 characters, or (18) a check suffix that
 * does not fit.  Algorithm: the three case-bit characters over 15 (Salesforce help,
 * "15-character and 18-character IDs").
 */
extern bool sf_id_normalise(const char *id, size_t len, char out[19]);

/*
 * Writes text as a SOQL string literal with its quotes into out (size bytes, 0-terminated) and
 * returns the length it needs without the 0, as snprintf does; out may be NULL with size 0.
 * Backslash first, then quotes and control characters (SOQL reference, quoted string escapes).
 * With like, the text is a LIKE pattern whose \% and \_ are kept as escapes.
 */
extern size_t sf_soql_quote(const char *text, size_t len, bool like, char *out, size_t size);

/*
 * Takes the object that a query is about, the word behind its FROM, into name.  False when there is none, or
 * none that fits.
 */
extern bool sf_soql_object(const char *soql, char *name, size_t size);

/*
 * True when PK chunking can divide a query: it has no subqueries, and no clauses but SELECT, FROM and WHERE
 * (Bulk API guide, "PK Chunking").
 */
extern bool sf_soql_is_chunkable(const char *soql);

/*
 * True when the host matches one of the patterns, separated by commas and blanks, ignoring ASCII
 * case: a host, "*." and a domain (any host below it), or "*".
 */
extern bool sf_host_matches(const char *patterns, const char *host);

/* Version of the inflate library in use ("isa-l" or "zlib"), for tests and benchmarks. */
extern const char *sf_inflate_backend(void);

#include "sf_client_org.h" /* the rest of the border */

#endif /* SF_CLIENT_H */
