/*
 * sf_http.h
 *		Requests to Salesforce (level 2).  sf_http.c is the only file that sees curl.
 *
 * An sf_http is one set of connections with the session's base URL and token.  Requests are
 * started, moved on by sf_http_step, asked, and ended.  What every request gets here, so that no
 * caller needs to think of it:
 *
 *	- it waits until a token is there, and after a 401 for a new one (once);
 *	- it is repeated with back-off where that is harmless (sf_http_retry.h);
 *	- it fails when nothing moves for request_timeout_ms; a download that its reader holds back,
 *	  and time in which nobody called sf_http_step, do not count;
 *	- an answer that is not 2xx becomes an sf_error with Salesforce's code and text;
 *	- buffers are bounded, gzip is asked for, redirects are not followed;
 *	- its token goes to the base URL only.
 *
 * Below SF_ASYNC_PATH (Bulk API 1.0) the token is sent as X-SFDC-Session and its refusal is another one;
 * callers do not notice.
 *
 * An upload differs: its body comes piece by piece from its owner, so that nobody here could send
 * it again.  Whatever happens to it ends it, and the owner decides.
 */
#ifndef SF_HTTP_H
#define SF_HTTP_H

#include "sf_http_headers.h"
#include "sf_http_retry.h"
#include "sf_secret.h"

typedef struct sf_http sf_http;
typedef struct sf_http_request sf_http_request;
typedef struct sf_http_account sf_http_account; /* see sf_http_account.h */

/* Where Bulk API 1.0 is. */
#define SF_ASYNC_PATH "/services/async/"

/* Most bytes of a short answer: job states, page links, errors. */
#define SF_BODY_SMALL (1024 * 1024)

/*
 * What one download may hold back as received, and all of a session together.  512 kB of gzip are
 * some 5,000 rows, enough to bridge the time between two steps; the sum keeps a join of many
 * foreign tables inside of the memory goal (16 MB for a backend).
 */
#define SF_STREAM_BYTES		(512 * 1024)
#define SF_STREAM_BYTES_ALL (4 * 1024 * 1024)
#define SF_STREAM_BYTES_MIN (64 * 1024)

/*
 * What an upload holds until its connection takes it, and what curl holds besides.  256 kB take the
 * connection some 250 us, so a producer that steps that often is not waited for; four uploads with
 * both buffers take 2 MB of a backend's 16.  Less than SF_UPLOAD_LOW is not worth a system call
 * before the end is known.
 */
#define SF_UPLOAD_BYTES (256 * 1024)
#define SF_UPLOAD_LOW	(64 * 1024)

typedef enum sf_http_method
{
	SF_HTTP_GET,
	SF_HTTP_PUT,
	SF_HTTP_POST,
	SF_HTTP_PATCH,
	SF_HTTP_DELETE
} sf_http_method;

/* What to send.  Everything is copied by sf_http_start. */
typedef struct sf_http_spec
{
	sf_http_method method;
	const char *url;   /* below the base: "/services/data/…"; for a login: absolute */
	const char *doing; /* completes "could not …" in errors: "create a query job" */
	bool login;		   /* absolute URL, no token, body wiped, not waiting for a token */
	sf_retry_policy retry;
	const char *body; /* NULL for none */
	size_t body_len;
	bool upload;			  /* the body is given with sf_http_upload_put; PUT or POST */
	const char *content_type; /* of the body */
	const char *accept;		  /* NULL: application/json */
	const char *header;		  /* one more header line, or NULL */
	bool stream;			  /* a 2xx body is read with sf_http_read instead of collected */
	size_t body_max;		  /* of a collected body, as text; 0 means SF_BODY_SMALL */
	int nfailed; /* attempts made by the caller before: start with that back-off */
	sf_http_account *account; /* who pays; NULL: the set's current account */
} sf_http_spec;

typedef struct sf_http_options
{
	const char *proxy;
	const char *ca_file;
	int connect_timeout_ms;
	int request_timeout_ms;
	int max_retries;
	bool no_compression;
} sf_http_options;

/* What one request has cost so far. */
typedef struct sf_http_cost
{
	int calls;	 /* attempts that reached the server */
	int retries; /* attempts after the first */
	int64_t wire_bytes;
	int64_t text_bytes; /* of collected bodies; the reader of a stream counts its own */
} sf_http_cost;

/* ---- the set ----------------------------------------------------------------------- */

/* No network I/O.  Initialises curl when the process has not yet.  Options are copied. */
extern sf_http *sf_http_new(const sf_http_options *opts, sf_error *err);

/* Closes all connections; requests must have been ended.  NULL is fine. */
extern void sf_http_free(sf_http *h);

extern int sf_http_fd(const sf_http *h);

/* The clock all times here belong to. */
extern int64_t sf_http_now(const sf_http *h);

/*
 * Moves every request on as far as it goes without waiting.  *progress is set (never cleared) when
 * some request has something new for its owner.  Starts a round: times given to sf_http_wake_at
 * before are forgotten.  SF_FAILED when the descriptor or memory fails.
 */
extern sf_status sf_http_step(sf_http *h, bool *progress, sf_error *err);

/* Asks that the descriptor becomes readable at a time, at the latest.  Holds for one round. */
extern void sf_http_wake_at(sf_http *h, int64_t at);

/* Ends a round: sets the timer for everything that was asked for. */
extern sf_status sf_http_arm(sf_http *h, sf_error *err);

/* True while a request is not finished or a time was asked for; … could go on without waiting. */
extern bool sf_http_busy(const sf_http *h);
extern bool sf_http_has_work(const sf_http *h);

/* ---- the token --------------------------------------------------------------------- */

/* True when a request waits for a token and there is none. */
extern bool sf_http_needs_login(const sf_http *h);
extern bool sf_http_has_token(const sf_http *h);

/*
 * Sets base URL ("https://host[:port]", nothing behind) and token; waiting requests leave with the
 * next step.
 */
extern sf_status
sf_http_set_session(sf_http *h, const char *base, const char *token, sf_error *err);

/* Fails all requests that wait for a token with a copy of why. */
extern void sf_http_fail_waiting(sf_http *h, const sf_error *why);

/* Base URL, "" before there is one. */
extern const char *sf_http_base(const sf_http *h);

/* A request URI and its headers together: 16,384 bytes, else 414 or 431 (limits cheat sheet). */
#define SF_URI_AND_HEADERS_MAX 16384

/* Bytes that request line and headers take besides the URL, about, for the URI limit. */
extern size_t sf_http_overhead(const sf_http *h);

/* ---- requests ---------------------------------------------------------------------- */

/* Queues a request for the next step.  NULL with *err filled on failure. */
extern sf_http_request *sf_http_start(sf_http *h, const sf_http_spec *spec, sf_error *err);

/* Drops a request in whatever state, with its connection if need be.  NULL is fine. */
extern void sf_http_end(sf_http_request *req);

/*
 * How it stands: SF_WAIT; SF_OK: a 2xx answer is complete; SF_FAILED for good, *err says why (with
 * Salesforce's code and the HTTP status if there was an answer).
 */
extern sf_status sf_http_check(const sf_http_request *req, sf_error *err);

/* The collected text of a finished request; data[len] is 0. */
extern const char *sf_http_body(const sf_http_request *req, size_t *len);

/* Response headers; of a stream also before its end, when sf_http_has_headers. */
extern const sf_http_headers *sf_http_response(const sf_http_request *req);
extern bool sf_http_has_headers(const sf_http_request *req);

/*
 * The next bytes of a stream as received (compressed where the headers say gzip): SF_OK with at
 * least one byte, valid until sf_http_consume; SF_WAIT; SF_DONE at the end of a complete answer;
 * SF_FAILED, after all bytes that came before.
 */
extern sf_status
sf_http_read(sf_http_request *req, const char **data, size_t *len, sf_error *err);
extern void sf_http_consume(sf_http_request *req, size_t n);

/* Bytes of a stream that wait to be read. */
extern size_t sf_http_waiting(const sf_http_request *req);

/*
 * Gives an upload the next bytes of its body; returns how many were taken, 0 while there is no room
 * (room is progress: see sf_http_step) and once the request is over.
 */
extern size_t sf_http_upload_put(sf_http_request *req, const char *data, size_t len);

/* Says that the body, which is sent chunked, ends here. */
extern void sf_http_upload_end(sf_http_request *req);

/*
 * True when all of an upload's body was handed to the network.  Until then the server has no whole request, and
 * does not act on it whatever becomes of the connection.
 */
extern bool sf_http_upload_is_whole(const sf_http_request *req);

/* After a failure: true when nobody can say whether the server acted on it. */
extern bool sf_http_outcome_unknown(const sf_http_request *req);

/*
 * True when the server may have acted on some attempt whose answer nobody has: it was lost (also to
 * curl, which by itself sends a harmless request again on a connection that had died), or is an error
 * of the server or a gateway that says nothing about it, or a success that cannot be read.  Also after
 * a success: then of an attempt before the one that succeeded.
 */
extern bool sf_http_may_have_acted(const sf_http_request *req);

/* True once any attempt was handed to the network. */
extern bool sf_http_was_sent(const sf_http_request *req);

/* No attempts after the one under way, if one is: for owners that lost interest. */
extern void sf_http_no_more_attempts(sf_http_request *req);

extern void sf_http_get_cost(const sf_http_request *req, sf_http_cost *cost);

/* Adds what a request has cost so far to a sum. */
extern void sf_http_add_cost(sf_http_cost *sum, const sf_http_request *req);

/* Ends *req, if there is one, adds what it has cost to a sum, and makes it NULL. */
extern void sf_http_settle(sf_http_request **req, sf_http_cost *sum);

/* How far a request's last attempt came on a connection of its own; all 0 on one that was there before. */
typedef struct sf_http_route
{
	char address
		[64]; /* that was connected to, or tried last: the proxy's where there is one; or "" */
	bool resolved;
	bool connected;
	bool encrypted; /* TLS is agreed, and the certificate is one to trust */
} sf_http_route;

extern void sf_http_get_route(const sf_http_request *req, sf_http_route *route);

/* ---- observations ------------------------------------------------------------------ */

extern bool sf_http_trace_line(sf_http *h, char *buf, size_t size);
extern bool sf_http_api_usage(const sf_http *h, int64_t *used, int64_t *max);

/* See sf_session_server_time and sf_session_calls. */
extern bool sf_http_server_time(const sf_http *h, int64_t *seconds);
extern int64_t sf_http_calls(const sf_http *h);

/* Milliseconds since the header came that sf_http_api_usage tells of. */
extern int64_t sf_http_api_usage_age(const sf_http *h);

/* ---- who pays ---------------------------------------------------------------------- */

/*
 * Makes the account of an object current ("" or NULL: of none), or that of a job that was made here
 * lately.  Requests that name no account are charged to the current one.
 */
extern void sf_http_set_account(sf_http *h, const char *object);
extern void sf_http_set_account_of_job(sf_http *h, const char *job_id);

/* The current one; it lives as long as the set. */
extern sf_http_account *sf_http_current_account(sf_http *h);

/* Goes on with an account that was current before. */
extern void sf_http_use_account(sf_http *h, sf_http_account *account);

/* A job was made on that account. */
extern void sf_http_remember_job(sf_http *h, const char *job_id, sf_http_account *account);

/* What is no matter of single requests. */
typedef enum sf_charge
{
	SF_CHARGE_QUERY_JOBS,
	SF_CHARGE_INGEST_JOBS,
	SF_CHARGE_BATCHES,
	SF_CHARGE_RESULT_BYTES
} sf_charge;

extern void sf_http_charge(sf_http_account *account, sf_charge what, int64_t n);

/* See sf_session_take_usage. */
extern bool sf_http_take_usage(sf_http *h, sf_usage *usage);

/* An answer tells one of the org's limits; those of sf_quota are kept. */
extern void sf_http_note_limit(sf_http *h, const char *name, int64_t max, int64_t remaining);

/* See sf_session_quota. */
extern bool sf_http_quota(const sf_http *h, sf_quota which, int64_t *max, int64_t *remaining,
						  int64_t *age_ms);

#endif /* SF_HTTP_H */
