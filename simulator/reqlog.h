/*
 * reqlog.h
 *		What the files of the request log share: reqlog.c records and waits, log_view.c shows,
 *		log_redact.c takes the secrets out before anything is kept.
 */
#ifndef SFSIM_REQLOG_H
#define SFSIM_REQLOG_H

#include "server.h"

/* A body, or its beginning. */
typedef struct log_body
{
	char *data; /* NULL: nothing is kept */
	size_t kept;
	int64_t len;  /* of all of it, after redaction */
	bool dropped; /* was kept, and made room for newer ones */
	char *file;	  /* a result page: where its text is as long as it is */
} log_body;

typedef struct log_entry
{
	int64_t n; /* counts from 1 since the program started */
	char method[16];
	char *path;
	char *query;
	char *headers; /* of the request, a JSON object */
	log_body body;
	char *answer_headers; /* a JSON object */
	log_body answer;
	char *faults; /* ids, a JSON array; NULL: none */
	int status;
	int64_t bytes; /* of the answer's body as sent */
	int64_t at_ms; /* since the log began */
	int64_t end_ms;
	log_state state;
	unsigned reached; /* bits of all states it was in */
} log_entry;

#define LOG_ENTRIES 20000 /* older ones are forgotten */

struct srv_log
{
	pthread_mutex_t lock;
	pthread_cond_t changed;
	log_entry *entries; /* ring: number n sits at n % LOG_ENTRIES */
	int64_t first;		/* oldest number kept */
	int64_t next;
	int64_t thinned; /* entries before this one have no bodies any more */
	int64_t bytes;	 /* of all bodies kept */
	int64_t began;
	bool stopped;
};

/* The entry of this number, NULL when it is not there; the lock is held. */
log_entry *log_slot(srv_log *l, int64_t n);

/* ---- log_redact.c: texts without what is secret, appended to out ---- */

/* The query of a request. */
void log_query_text(const srv_request *req, sim_buf *out);

/* Body of the request and of the answer; at most most bytes of them, *len gets how many there are. */
void log_request_text(const srv_request *req, size_t most, sim_buf *out, int64_t *len);
void log_answer_text(const srv_request *req, size_t most, sim_buf *out, int64_t *len);

/* Headers as a JSON object, malloc'd: all of them, or of an answer what matters. */
char *log_headers(const srv_header *headers, int n, bool answer);

#endif /* SFSIM_REQLOG_H */
