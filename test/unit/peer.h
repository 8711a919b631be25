/*
 * peer.h
 *		A scripted HTTP server on a loopback port, for what no well-behaved server does, and a
 *		driver for the client against it.
 *
 * A rule answers requests whose method and path begin as it says; the first rule that fits and is
 * not used up wins.  Connections are kept alive unless a rule breaks them.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "sf_client.h"

typedef struct peer_rule
{
	const char *method;	 /* NULL: any */
	const char *path;	 /* how path and query begin; a '$' at its end: all of it */
	const char *holds;	 /* text that head or body of the request must hold; NULL: any */
	int times;			 /* how often it may be used; 0 is always */
	int status;			 /* 0: close the connection without an answer */
	const char *headers; /* more header lines, each with its \r\n; NULL: none */
	const char *body;	 /* "%b" is replaced by the peer's base URL; NULL: empty */
	size_t body_len;	 /* 0: strlen(body); else binary, nothing replaced */
	size_t cut;			 /* close after so many bytes of the body; 0: send all */
	size_t split;		 /* send in pieces of so many bytes; 0: at once */
	size_t
		early; /* act after so many bytes of a request's body, not at its end; 0: at its end */
	bool hang; /* never answer: wait until the client hangs up */
	int used;  /* how often it was used */
} peer_rule;

typedef struct peer peer;

/* Starts serving; rules stay the caller's and are changed (used) under a lock. */
extern peer *peer_start(peer_rule *rules, int nrules);

/* "http://127.0.0.1:PORT" */
extern const char *peer_url(const peer *p);

/* Uses of one rule so far, requests so far, and requests that no rule answered (those get 404). */
extern int peer_used(peer *p, int rule);
extern int peer_requests(peer *p);
extern int peer_unexpected(peer *p);

/* Head and body (chunks put together) of the last request that a rule answered; valid until the next call. */
extern const char *peer_last_request(peer *p, int rule);

/* Hangs up on everybody and frees it. */
extern void peer_stop(peer *p);

/* ---- driving a session ------------------------------------------------------------- */

/* Most milliseconds any test waits: only a bug takes so long. */
#define PEER_PATIENCE_MS 30000

/* Steps and waits once.  False when patience is over or the session broke. */
extern bool drive(sf_session *s);

/*
 * Reads a query to its end.  Rows as text, fields by '|', rows by ';' into out; returns the last
 * status.
 */
extern sf_status
read_all(sf_session *s, sf_query *q, int ncolumns, char *out, size_t size, sf_error *err);

/* Steps until nothing of freed queries is left. */
extern void drive_cleanup(sf_session *s);

/* Open descriptors of this process. */
extern int count_fds(void);

/* gzip of a text; malloc'ed. */
extern char *gzip_text(const char *text, size_t len, size_t *gzip_len);

#endif /* PEER_H */
