/*
 * server.h
 *		The HTTP half of sfsim: what its files share.
 *
 * One srv is the running program.  Every connection has a thread of its own
 * (libmicrohttpd's MHD_USE_THREAD_PER_CONNECTION), so a handler may block, a
 * paused reader disturbs nobody, and a fault may hold a request for as long as
 * a test likes.  Handlers fill req->resp; server.c applies the fault that
 * addresses the request, compresses, logs and sends.
 *
 * Table of contents: options | request and response | respond.c | request.c |
 * routes.c | handlers | auth.c | pages.c | jobs.c | faults*.c | gate.c | reqlog.c |
 * control.c | org_state.c
 */
#ifndef SFSIM_SERVER_H
#define SFSIM_SERVER_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "engine.h"
#include "quota.h"

struct MHD_Connection;

/* ---------------------------------------------------------------- options */

/* The shape of GET …/resultPages: three are documented somewhere. */
typedef enum srv_pages_shape
{
	PAGES_DOC,	   /* resultPages[].resultUrl, absolute paths (the guide) */
	PAGES_POSTMAN, /* resultPages[].resultLink, relative links, no null */
	PAGES_CHUNKS,  /* resultChunks[].resultLink, relative links */
	PAGES_OFF	   /* 404, as on releases before v58 */
} srv_pages_shape;

/* Job states in their order of time; the last three are final. */
typedef enum srv_state
{
	JOB_OPEN, /* ingest: data may come */
	JOB_UPLOAD_COMPLETE,
	JOB_IN_PROGRESS,
	JOB_COMPLETE,
	JOB_FAILED,
	JOB_ABORTED,
	JOB_STATES /* their number; also "none" */
} srv_state;

/* What POST /__sfsim/options can change while the program runs (options.def, control.c). */
typedef struct srv_options
{
#define OPTION(name, type, kind, dflt, least, most) type name;
#include "options.def"
#undef OPTION
} srv_options;

typedef struct srv_auth srv_auth;
typedef struct srv_jobs srv_jobs;
typedef struct srv_pages srv_pages;
typedef struct srv_fault srv_fault;
typedef struct srv_faults srv_faults;

/* Something that waits until it is released. */
typedef struct srv_gate srv_gate;
typedef struct srv_log srv_log;
typedef struct srv_cursors srv_cursors;
typedef struct srv_describe srv_describe;

/* Record counts that stay as they were told (option stale_counts). */
typedef struct srv_counts
{
	bool known[SIM_MAX_OBJECTS];
	int64_t n[SIM_MAX_OBJECTS];
} srv_counts;

/* Ids of rows that were used last, the latest first (rest_recent.c). */
#define SRV_RECENT 200
typedef struct srv_recent
{
	int n;
	char id[SRV_RECENT][SIM_ID_SIZE];
} srv_recent;

/* The running program. */
typedef struct srv
{
	sim_org *org;
	char base_url[64];	  /* "http://127.0.0.1:8080", no slash at the end */
	const char *temp_dir; /* private directory for pages and spools */
	const char *data_dir; /* --data; NULL: nothing outlives the program */
	const char *jwt_file; /* private key of JWT logins; NULL: nobody here has it */
	const char *ca_file;  /* certificate that we made ourselves */
	bool tls;

	srv_auth *auth;
	srv_jobs *jobs;
	srv_pages *pages;
	srv_faults *faults;
	srv_log *log;
	srv_cursors *cursors;
	struct srv_bulk1 *bulk1; /* bulk1.h */
	srv_gate *stopping;		 /* opens when the program ends */

	pthread_mutex_t lock; /* guards what follows */
	srv_options options;
	srv_options initial; /* as the command line had them */
	srv_limits limits;
	srv_counts counts;
	srv_recent recent;

	pthread_mutex_t state_lock; /* one snapshot, restore or flush at a time */
	_Atomic bool state_changed;
} srv;

/* Fill the defaults. */
void srv_options_init(srv_options *opt);

/* A consistent copy of the present options. */
srv_options srv_options_get(srv *s);

/* ---------------------------------------------------------------- request and response */

#define SRV_MAX_BODY	((size_t) 32 << 20) /* request bodies but uploads (body.c); beyond: 413 */
#define SRV_MAX_HEADERS 64
#define SRV_MAX_SEGS	12

typedef struct srv_header
{
	char *name;
	char *value;
} srv_header;

typedef struct srv_response
{
	int status;
	char content_type[64]; /* empty: no Content-Type header */
	sim_buf body;		   /* when no file is set */
	char *file;			   /* a rendered page: the plain file */
	char *file_gz;		   /* and the same compressed */
	int64_t plain_size;	   /* length of the plain file, once it is sent */
	srv_header headers[SRV_MAX_HEADERS];
	int nheaders;
	const srv_describe *describe; /* the body is this one, whose compressed text is there */
	bool no_gzip;				  /* the body goes out as it is */
	bool gzipped;				  /* body is a gzip stream already */
	bool lower_headers;
} srv_response;

/* What became of a request's body. */
typedef enum srv_body_state
{
	BODY_GOOD,
	BODY_TOO_BIG,
	BODY_MALFORMED, /* no gzip, though it was announced */
	BODY_FAILED		/* no room for it */
} srv_body_state;

typedef struct srv_request
{
	srv *srv;
	struct MHD_Connection *conn; /* NULL: a part of /composite and the like */
	struct sim_txn *txn;		 /* of such a part: what all parts write in; or NULL */
	bool rows_failed;			 /* a list of rows was answered that has errors */
	char method[16];
	char *uri;				  /* as on the request line */
	char *path;				  /* percent-decoded, without the query */
	const char *query;		  /* raw query text inside uri, "" when there is none */
	char *segs[SRV_MAX_SEGS]; /* decoded path segments; a trailing slash is dropped */
	int nsegs;				  /* -1: the path can match no route */
	srv_header headers[SRV_MAX_HEADERS];
	int nheaders;
	size_t header_bytes; /* request line and headers, as the 431 rule counts */
	sim_buf body;
	srv_body_state body_state;
	struct srv_spool *spool;  /* how the body arrives (body.c); NULL: body has it all */
	char version[8];		  /* "62.0" once routed below /services/data */
	bool api;				  /* a data call: gets Sforce-Limit-Info */
	struct srv_fault **fired; /* the faults that act on this request, oldest first */
	int nfired;
	int64_t
		body_at; /* faults act when so many bytes of the body have come; -1: none, or they have */
	int64_t body_read;	 /* bytes of it that have come */
	struct cJSON *fault; /* what they say together, NULL for none */
	srv_gate *gate;		 /* of the one that holds a job */
	int64_t log_id;		 /* 0: not logged */
	uint64_t acked;		 /* TCP bytes acknowledged on this connection before the answer */
	int64_t body_size;
	srv_response resp;
} srv_request;

/* Start and stop the HTTP server.  The port in *port may be 0; the chosen one is stored. */
struct MHD_Daemon *
srv_start(srv *s, int *port, const char *cert_pem, const char *key_pem, sim_error *err);
void srv_stop(srv *s, struct MHD_Daemon *daemon);

/* ---------------------------------------------------------------- request.c */

/* A new request with its URI taken apart; free copes with half-built ones. */
srv_request *srv_request_new(srv *s, const char *uri);
void srv_request_free(srv_request *req);

/* Add a request header (values are copied). */
void srv_request_header(srv_request *req, const char *name, const char *value);

/* Header by name in any case; NULL when absent. */
const char *srv_header_get(const srv_request *req, const char *name);

/*
 * Parameter of a raw application/x-www-form-urlencoded text (a query or a body), decoded and
 * malloc'd; NULL when absent.  *len, when given, gets the length, as a value may hold NULs.
 */
char *srv_param(const char *form, const char *name, size_t *len);

/* The same from the query as a number; dflt when absent, -1 when not a plain number. */
int64_t srv_param_int(const srv_request *req, const char *name, int64_t dflt);

/* Percent-decoding in place, "+" as a blank when plus is set; returns the new length. */
size_t srv_url_decode(char *s, size_t len, bool plus);
void srv_url_encode(sim_buf *out, const char *s);

/* base64url or base64, padded or not, into malloc'd bytes; NULL when malformed. */
unsigned char *srv_base64_decode(const char *s, size_t len, size_t *outlen);
void srv_base64url_encode(sim_buf *out, const void *data, size_t len);

/* Does the comma list in Accept-Encoding admit gzip? */
bool srv_accepts_gzip(const srv_request *req);

/* ---------------------------------------------------------------- respond.c */

/* Status and content type "application/json;charset=UTF-8"; the body starts empty. */
sim_buf *srv_json(srv_request *req, int status);

/* Any other answer: the text may be NULL for an empty body. */
void srv_text(srv_request *req, int status, const char *content_type, const char *text);

/*
 * The error array.  /jobs puts errorCode before message, and so does what says that there is no such resource or
 * method; everything else message first (all seen in recorded answers).
 */
void srv_error(srv_request *req, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void srv_not_found(srv_request *req);

/* HTTP status that goes with an engine error, and the error array for it. */
void srv_engine_error(srv_request *req, const sim_error *err);

/* Set (replace), or with value NULL remove, a response header. */
void srv_set_header(srv_response *resp, const char *name, const char *value);
void srv_set_headerf(srv_response *resp, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *srv_get_header(const srv_response *resp, const char *name);

/* One more header, whether there is one of that name or not. */
void srv_add_header(srv_response *resp, const char *name, const char *value);

void srv_response_reset(srv_response *resp);

/* Rewrite compact JSON with " : " and line breaks, as X-PrettyPrint:1 does. */
void srv_pretty_json(const sim_buf *in, sim_buf *out);

/* Compress into out as a gzip stream (or raw deflate window bits 15+16); false: no memory. */
bool srv_gzip(const void *data, size_t len, int level, sim_buf *out);

/* Load the plain file of a page answer into resp->body, so that it can be edited. */
bool srv_load_file(srv_response *resp);
bool srv_read_file(const char *path, sim_buf *out);

/* Remove a directory with all that is in it (org_state.c). */
void srv_remove_tree(const char *path);

/* "Sun, 06 Nov 1994 08:49:37 GMT" and back (-1: not a date). */
void srv_http_date(int64_t seconds, char out[40]);
int64_t srv_parse_http_date(const char *text);

/* Milliseconds of the real clock and of the monotonic one. */
int64_t srv_now_ms(void);
int64_t srv_mono_ms(void);

/* Lock-free random bytes as lower-case letters, digits and the like; n characters + NUL. */
void srv_random_text(char *out, size_t n);

/* ---------------------------------------------------------------- routes.c */

typedef void (*srv_handler)(srv_request *req);

/* Methods; GET answers HEAD as well. */
#define SRV_GET	   1
#define SRV_POST   2
#define SRV_PATCH  4
#define SRV_DELETE 8
#define SRV_PUT	   16

/*
 * One resource and some of its methods.  Tables end with a NULL path; each file that has handlers may have its
 * own.  The first path that fits counts, so literal ones stand before those with stars.
 */
typedef struct srv_endpoint
{
	int methods;
	int min_version; /* first API version that has the resource */
	const char
		*path; /* a star stands for one segment; literal ones are compared without case */
	srv_handler handler;
} srv_endpoint;

/* The tables of other files. */
extern const srv_endpoint rest_routes[]; /* rest.c */

/* Dispatch by the routing tables (routes.c lists them): token check, API version, handler. */
void srv_route(srv_request *req);

/* ---------------------------------------------------------------- handlers */

/* auth_*.c, soap.c, bulk1.c */
extern const srv_endpoint auth_routes[];
void auth_token(srv_request *req);
void auth_authorize(srv_request *req);
void auth_connect(srv_request *req);
void auth_revoke(srv_request *req);
void auth_introspect(srv_request *req);
void auth_userinfo(srv_request *req);
void auth_identity(srv_request *req);
void soap_login(srv_request *req);

/* rest.c; all else of the synchronous REST surface is in its table rest_routes */
void rest_versions(srv_request *req);

/* cursors.c: /query, /queryAll and their next pages */
void rest_query(srv_request *req);
void rest_query_more(srv_request *req);

/* jobs.c, job_query.c, results.c */
void job_create(srv_request *req);
void job_list(srv_request *req);
void job_info(srv_request *req);
void job_patch(srv_request *req);
void job_delete(srv_request *req);
void job_results(srv_request *req);
void job_result_pages(srv_request *req);

/* ingest.c: Bulk API 2.0 ingest jobs */
extern const srv_endpoint ingest_routes[];

/* control.c: everything below /__sfsim/ */
void control_handle(srv_request *req);

/* All options and engine switches as a JSON object; set those that an object names (in order, to the first bad one). */
void control_options_json(srv *s, sim_buf *out);
bool control_options_apply(srv *s, const struct cJSON *values, sim_error *err);

/* The shell lines of --env; the caller frees out. */
void control_env(srv *s, sim_buf *out);

/* ---------------------------------------------------------------- org_state.c */

/* GET /__sfsim/clock, and POST: false and *err when it asks for what there is not. */
void control_clock_get(srv_request *req);

/* /__sfsim/locks (locks.c): false and *err when the body is not what it should be. */
void control_locks_get(srv_request *req);
bool control_locks_post(srv_request *req, const struct cJSON *body, sim_error *err);
void control_locks_delete(srv_request *req);

/* /__sfsim/schema (schema_change.c), likewise. */
void control_schema_get(srv_request *req);
bool control_schema_post(srv_request *req, const struct cJSON *body, sim_error *err);

bool control_clock_post(srv_request *req, const struct cJSON *body, sim_error *err);

/*
 * The whole org (rows, numbers of the next rows, sessions and credentials, jobs, options, switches, clock) into a
 * directory that exists, and back.  rows false: all but the rows.  False and *err: what was loaded is undefined.
 */
bool state_save(srv *s, const char *dir, bool rows, sim_error *err);
bool state_load(srv *s, const char *dir, bool rows, bool keep_sessions, sim_error *err);

/*
 * An org that outlives the program: open loads what s->data_dir has; something has changed that it keeps; write
 * it down, if so, before the answer goes out; and at the end all of it, with the jobs.
 */
bool state_open(srv *s, sim_error *err);
void state_touch(srv *s);
void state_flush(srv *s);
bool state_close(srv *s, sim_error *err);

/* /__sfsim/snapshot and /__sfsim/restore. */
void control_snapshot_get(srv_request *req);
void control_snapshot_delete(srv_request *req);
bool control_snapshot_post(srv_request *req, const struct cJSON *body, bool restore,
						   sim_error *err);

/* ---------------------------------------------------------------- describe_cache.c */

/*
 * The describe of an object (NULL: the global one) in the request's version as the answer, its tag into etag
 * (REST_ETAG_SIZE bytes).  False: no memory, and the answer says so.
 */
bool describe_answer(srv_request *req, const sim_object *obj, char *etag);

/* If the body still is that describe: its compressed text, appended to out. */
bool describe_gzip(const srv_response *resp, sim_buf *out);

/* At the end. */
void describe_forget(void);

/* ---------------------------------------------------------------- tls.c */

/* A certificate for 127.0.0.1, localhost and ::1, signed with its own key; PEM, appended. */
bool tls_self_signed(sim_buf *cert_pem, sim_buf *key_pem, sim_error *err);

/* The public half of an RSA key, and the key itself, when private_key is empty; PEM. */
bool tls_jwt_key(sim_buf *private_key, sim_buf *public_key, sim_error *err);

/* A file that only its owner can read, whole or not at all; false with errno set. */
bool tls_write_private(const char *path, const sim_buf *text);

/* ---------------------------------------------------------------- auth.c */

srv_auth *auth_new(srv *s);
void auth_free(srv_auth *a);

/* Is the request's Bearer token good?  Else the 401 answer is filled in. */
bool auth_check(srv_request *req);

/*
 * A new session.  app: the consumer key, or NULL for a SOAP session; out gets the token
 * ("00D…!…").
 */
#define AUTH_TOKEN_SIZE 128
void auth_issue(srv *s, const char *app, char out[AUTH_TOKEN_SIZE]);

/* End one session (by its token), or with NULL all of them; returns how many ended. */
int auth_expire(srv *s, const char *token);

/* Credentials as at the start; no grants, codes and counted logins.  Sessions and the JWT key stay. */
void auth_reset(srv *s);

/* Is this the password, followed by the security token? */
bool auth_password_ok(srv *s, const char *username, const char *password);

/* PEM text of a public key or certificate that JWT assertions are verified with. */
bool auth_set_jwt_key(srv *s, const char *pem, size_t len, sim_error *err);

/* Sessions, grants and credentials as JSON, and back; keep_sessions: those that there are stay. */
void auth_save(srv *s, sim_buf *out);
bool auth_load(srv *s, const struct cJSON *from, bool keep_sessions, sim_error *err);

/* Change one of username-independent credentials: "password", "security_token", … */
bool auth_set_credential(srv *s, const char *name, const char *value);

/* Copy of a credential: client_id client_secret password security_token refresh_token. */
bool auth_get_credential(srv *s, const char *name, char *out, size_t size);

/* jwt.c: verify header, signature and claims; NULL, or the error code with its text. */
struct auth_user;
const char *jwt_verify(srv *s, const char *pem, const char *client_id, const char *assertion,
					   struct auth_user *user, const char **description);

/* ---------------------------------------------------------------- pages.c */

typedef struct srv_render srv_render;

typedef struct srv_render_key
{
	const char *soql;
	const sim_query *query; /* the same, prepared: says what it reads; only looked at */
	unsigned flags;			/* SIM_QUERY_ALL */
	const char *version;
	char delim;
	bool crlf;
} srv_render_key;

typedef enum render_state
{
	RENDER_RUNNING,
	RENDER_DONE,
	RENDER_FAILED
} render_state;

srv_pages *pages_new(srv *s);
void pages_free(srv_pages *p);

/*
 * A rendering of this query over rows as they are now: one that exists, or a new one that
 * starts at once in the background.  Release it with render_release().  NULL and *err when
 * memory is short or the disk budget is used by renderings of living jobs.
 */
srv_render *render_get(srv *s, const srv_render_key *key, sim_error *err);
void render_release(srv_render *r);

/* One more user of a rendering that has one. */
srv_render *render_ref(srv_render *r);

/* State now; waits up to wait_ms for the end.  err may be NULL. */
render_state render_poll(srv_render *r, int wait_ms, sim_error *err);

int64_t render_rows(const srv_render *r);  /* of a finished one */
int64_t render_bytes(const srv_render *r); /* of its plain files */

/*
 * The files that hold rows [first, first + count): malloc'd paths of the plain and the gzip
 * file.  Made on demand when the rendering has no such page.  False and *err on I/O errors.
 */
bool render_page(srv_render *r, int64_t first, int64_t count, char **plain, char **gz,
				 sim_error *err);

/*
 * Put a finished rendering's files into a directory (made when it is not there) and what belongs to it into an
 * object; and back, with one user.  NULL, false: I/O errors, or what was saved does not fit.
 */
bool render_save(srv_render *r, const char *dir, struct cJSON *out);
srv_render *render_load(srv *s, const char *dir, const struct cJSON *in);

/* A second name for a file that nobody changes any longer, or a copy where the file system has none. */
bool srv_link_file(const char *from, const char *to);

/* {"renderings":n,"bytes":n,…} for GET /__sfsim/state. */
void pages_json(srv *s, sim_buf *out);

/* ---------------------------------------------------------------- jobs.c */

srv_jobs *jobs_new(srv *s);
void jobs_free(srv_jobs *j);

/* JSON array of all jobs that exist, with their states, for GET /__sfsim/jobs. */
void jobs_json(srv *s, sim_buf *out);

/* Number of jobs that exist. */
int jobs_count(srv *s);

/*
 * Move all jobs on as far as they may go now: before and behind a jump of the clock, so that they are dated when they
 * were due, not when somebody looked.  wait: until the queries that work have ended.
 */
void jobs_settle(srv *s, bool wait);

/* Forget every job; returns how many there were. */
int jobs_drop_all(srv *s);

/*
 * The job of the URL, finished and of the request's version: its id and a
 * reference to its rendering.  Else false, with the answer filled in.
 */
bool job_open_result(srv_request *req, char id[SIM_ID_SIZE], srv_render **render);

/*
 * Rows of Bulk API 1.0 jobs (jobType Classic) for the lists of jobs: skip so many, append at most max JSON objects with
 * commas between them, return how many there are in all.  query: only query jobs, else only the others.
 */
typedef int64_t (*job_classic_rows)(srv *s, bool query, int64_t skip, int64_t max,
									sim_buf *out);
void jobs_set_classic(srv *s, job_classic_rows rows);

/* Put all jobs with their files into a directory that exists, and back into a program that has none. */
bool jobs_save(srv *s, const char *dir, sim_error *err);
bool jobs_load(srv *s, const char *dir, sim_error *err);

const char *job_state_name(srv_state state);
srv_state job_state_parse(const char *name); /* JOB_STATES when unknown */

/* ---------------------------------------------------------------- cursors.c */

srv_cursors *cursors_new(void);
void cursors_free(srv_cursors *c);
int cursors_drop_all(srv *s); /* every locator becomes invalid; returns how many */

/* Read all open locators to their end, so that none holds a snapshot of the database (nor a connection). */
void cursors_drain(srv *s);

/* ---------------------------------------------------------------- faults*.c */

srv_faults *faults_new(void);
void faults_free(srv_faults *f);

/*
 * The faults for this request go into req->fired, what they say together into req->fault: those that
 * act while its body is read (unread), or all others.
 */
void faults_match(srv_request *req, bool unread);

/* The first kind act now, when their byte of the body has come.  False: the connection is to be closed. */
bool fault_unread(srv_request *req);

/* The request lets its faults go. */
void faults_forget(srv_request *req);

/* Add one fault from JSON; its id, or -1 and *err. */
int64_t faults_add(srv *s, const struct cJSON *spec, sim_error *err);

/*
 * Remove one (id), those of a name, or all (id < 0, name NULL) and release what they hold; returns how
 * many.
 */
int faults_clear(srv *s, int64_t id, const char *name);
void faults_json(srv *s, sim_buf *out);

/* Release holds by name (NULL: all); returns how many faults were concerned. */
int faults_release(srv *s, const char *name);

/* Let everything go for good, at the end of the program. */
void faults_stop(srv *s);

/* Actions, in the order in which server.c asks for them. */
void fault_hold(srv_request *req, const char *when);		 /* "before", "after" */
bool fault_closes(const srv_request *req, const char *when); /* "before", "after" */
bool fault_before(srv_request *req);  /* true: req->resp is the answer already */
void fault_instead(srv_request *req); /* the answer that one has after processing */
void fault_after(srv_request *req);	  /* edits the answer */
void fault_flip(const srv_request *req, char *data, size_t len); /* of the body as sent */

/* Does one of them say so; its number, of the oldest or the least; dflt when none has it. */
bool fault_flag(const srv_request *req, const char *name);
int64_t fault_number(const srv_request *req, const char *name, int64_t dflt);
int64_t fault_least(const srv_request *req, const char *name, int64_t dflt);

/* Where the body waits: offsets in order, each with its gate (borrowed).  Returns how many. */
typedef struct srv_stall
{
	uint64_t at;
	srv_gate *gate;
} srv_stall;
#define SRV_STALLS 16
int fault_stalls(const srv_request *req, srv_stall *out, int most);

/* The ids of those that fired, as a JSON array. */
void fault_ids(const srv_request *req, sim_buf *out);

/* ---------------------------------------------------------------- gate.c */

/* A new gate, closed; opened once it stays open.  NULL when memory is short. */
srv_gate *gate_new(void);
srv_gate *gate_ref(srv_gate *g);
void gate_unref(srv_gate *g);
void gate_open(srv_gate *g);
bool gate_is_open(srv_gate *g);

/* How many threads wait at it. */
int gate_waiting(srv_gate *g);

/* Wait until it is open; or at most so long. */
void gate_wait(srv_gate *g);
void gate_pause(srv_gate *g, int64_t ms);

/* ---------------------------------------------------------------- reqlog.c */

typedef enum log_state
{
	LOG_ARRIVED,
	LOG_HELD,
	LOG_ANSWERED,
	LOG_DONE,
	LOG_ABORTED
} log_state;

srv_log *log_new(void);
void log_free(srv_log *l);
void log_arrive(srv_request *req);
void log_mark(srv_request *req, log_state state);

/* The answer's body, before it is compressed. */
void log_body_of(srv_request *req);
void log_answer(srv_request *req);
void log_done(srv_request *req, bool complete, int64_t bytes);
void log_clear(srv *s);

/* GET /__sfsim/log and what is below it (log_view.c). */
void log_get(srv_request *req);

/*
 * Wait until count requests match (method and path are globs or NULL) and have reached at
 * least the state; false when timeout_ms pass first.  *n gets the number that match.
 */
bool log_wait(srv *s, const char *method, const char *path, log_state state, int count,
			  int timeout_ms, int *n);

/* Wait for any change, at most timeout_ms; false when the program stops. */
bool log_wait_change(srv *s, int timeout_ms);

/* Wake all waiters: something else that they look at has changed. */
void log_wake(srv *s);
void log_stop(srv *s);

#endif /* SFSIM_SERVER_H */
