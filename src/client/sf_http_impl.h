/*
 * sf_http_impl.h
 *		What sf_http.c (curl) and sf_http_request.c (everything around it) share.
 */
#ifndef SF_HTTP_IMPL_H
#define SF_HTTP_IMPL_H

#include "sf_buf.h"
#include "sf_http.h"
#include "sf_http_account.h"
#include "sf_http_queue.h"
#include "sf_http_trace.h"
#include "sf_mux.h"
#include "sf_url.h"

struct curl_slist;

typedef enum request_state
{
	REQ_WAITING, /* for the next step, or for a token */
	REQ_BACKOFF, /* until retry_at */
	REQ_RUNNING,
	REQ_DONE,
	REQ_FAILED
} request_state;

/* The body of an upload on its way: a ring. */
typedef struct sf_upload
{
	size_t first; /* the oldest byte */
	size_t bytes;
	int64_t taken;	 /* by curl, in all */
	bool ended;		 /* nothing more comes */
	bool wants_room; /* the owner has more than there was room for */
	char data[SF_UPLOAD_BYTES];
} sf_upload;

struct sf_http_request
{
	sf_http *http;
	sf_http_request *prev;
	sf_http_request *next;
	request_state state;

	/* what to send */
	sf_http_method method;
	char *url; /* as in the spec */
	char *content_type;
	char *accept;
	char *header;
	char *body;
	size_t body_len;
	size_t body_read; /* by curl, where it reads the body by callback */
	size_t body_max;
	sf_upload *upload; /* instead of a body */
	char doing[128];
	sf_retry_policy retry;
	bool login;
	bool async; /* Bulk API 1.0: the token goes in a header of its own */
	bool stream;
	sf_http_account *account;

	/* the attempt under way */
	void *easy;				  /* CURL */
	struct curl_slist *lines; /* header lines */
	int token_gen;			  /* of the token it was sent with */
	int64_t started_at;
	int64_t moved_at; /* on the attended clock: last progress */
	sf_chunk_queue queue;
	sf_buf text;
	int64_t attempt_bytes; /* as received */
	bool paused;		   /* a download: no room; an upload: no data */
	bool resume;		   /* the owner has done something about it */
	bool too_big;
	bool no_memory;
	int issued;		  /* how often curl has sent it in this attempt */
	char errbuf[256]; /* CURL_ERROR_SIZE */

	/* over all attempts */
	sf_http_headers headers; /* of the last one */
	int nfailed;
	int64_t retry_at;
	bool relogged; /* has had its one new login */
	bool no_more;
	bool sent;
	bool outcome_unknown;
	bool may_have_acted; /* see sf_http_may_have_acted */
	bool streamed;		 /* bytes went into the queue: no silent restart */
	sf_http_cost cost;
	char address[64]; /* of the last attempt */
	int stages;		  /* it came through: name, connection, TLS */
	sf_error error;
};

/* What GET /limits said last of a quota. */
typedef struct sf_quota_reading
{
	int64_t max;
	int64_t remaining;
	int64_t at; /* 0: never */
} sf_quota_reading;

struct sf_http
{
	sf_mux *mux;
	void *multi;		   /* CURLM */
	sf_error_class broken; /* something failed in a callback */

	char *proxy;
	char *ca_file;
	int connect_timeout_ms;
	int request_timeout_ms;
	int max_retries;
	bool compression;

	char base[SF_URL_HOST_MAX + 32];
	bool base_is_loopback;
	sf_secret token;
	int token_gen;		/* counts tokens */
	bool token_proven;	/* something was answered with it other than 401 */
	int tokens_refused; /* tokens in a row that were never accepted */

	sf_http_request *first;
	sf_http_request *last;
	int active;
	int nstreams;
	bool progress;

	int64_t curl_due; /* when curl wants to be called */
	int64_t wake_at;
	int64_t timer_at; /* what the timer is set to, for telling when nobody attended */
	int64_t away;	  /* milliseconds in which nobody attended */
	uint64_t seed;

	sf_chunk_pool pool;
	sf_http_trace trace;
	int64_t api_used;
	int64_t api_max;
	int64_t api_at;		 /* when that came */
	int64_t server_time; /* Date of the last answer of the instance, seconds; -1 before */
	int64_t calls;		 /* attempts of all requests, logins left out */
	sf_http_accounts accounts;
	sf_quota_reading quotas[SF_QUOTA_COUNT];
};

/* ---- in sf_http.c ------------------------------------------------------------------ */

/* Frees what belongs to one attempt; its connection is closed unless the answer is complete. */
extern void sf_http_attempt_free(sf_http_request *req);

/* ---- in sf_http_request.c ---------------------------------------------------------- */

/* A copy of text, NULL for NULL; *ok becomes false when out of memory. */
extern char *sf_http_copy_text(const char *text, bool *ok);

/* What one stream may hold back, while so many share what a session may hold. */
extern size_t sf_http_stream_limit(const sf_http *h);

/* 2xx */
extern bool sf_http_is_success(int status);

/* Makes the descriptor readable now: something is to be done that no socket tells of. */
extern void sf_http_kick(sf_http *h);

/* Ends the attempts: DONE or FAILED. */
extern void sf_http_finish(sf_http_request *req, request_state state);

/* Says that a complete answer came: token, limits. */
extern void sf_http_note_answer(sf_http_request *req);

/* Fills req->error from an answer that is no success. */
extern void sf_http_status_error(sf_http_request *req);

/*
 * True when an answer says that the token is not valid: status 401, or of Bulk API 1.0 status 400 with the
 * code InvalidSessionId.
 */
extern bool sf_http_is_session_refusal(const sf_http_request *req);

/* After such an answer: SF_OK when the request now waits for a new token. */
extern sf_status sf_http_session_refused(sf_http_request *req);

/*
 * Replaces a collected gzip body by its text.  The body of an error may be cut off, and what is
 * wrong with it is no matter; otherwise fills req->error.
 */
extern sf_status sf_http_inflate_body(sf_http_request *req, bool is_error);

/* ---- in sf_http_account.c ---------------------------------------------------------- */

/*
 * An attempt is over, answered or not.  What has left counts, also where nobody waited for the answer: it
 * does over there.
 */
extern void sf_http_charge_attempt(const sf_http_request *req, bool sent);

/* When a transfer that does not move is given up, on the real clock. */
extern int64_t sf_http_stall_time(const sf_http_request *req);

/* ---- in sf_http_upload.c ----------------------------------------------------------- */

/* An empty one; NULL when out of memory. */
extern sf_upload *sf_upload_new(void);

/*
 * Bytes for curl: 0 means wait, unless sf_upload_is_over.  Tells the owner of the room that this
 * makes, if it waits for any.
 */
extern size_t sf_upload_take(sf_http_request *req, char *out, size_t room);

/* All of the body was taken. */
extern bool sf_upload_is_over(const sf_upload *up);

/* The server has answered although the body is not over. */
extern bool sf_upload_answered_early(const sf_http_request *req);

#endif /* SF_HTTP_IMPL_H */
