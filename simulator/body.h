/*
 * body.h
 *		Bodies of requests while they arrive: in memory, or on disk when they are long.
 *
 * Every route has a limit; beyond SRV_SPOOL_AT bytes an upload of bulk data goes to a file of the temporary
 * directory, and req->body keeps its first bytes for the log.  Bodies with Content-Encoding: gzip are unpacked on the
 * way (limits hold for what comes out).
 */
#ifndef SFSIM_BODY_H
#define SFSIM_BODY_H

#include "server.h"

#define SRV_SPOOL_AT ((size_t) 1 << 20)

/* The headers are there. */
void body_begin(srv_request *req);

/* A piece of it.  Too long, malformed or without room: remembered in req->body_state. */
void body_add(srv_request *req, const char *data, size_t len);

/* That was all. */
void body_end(srv_request *req);

/* Close and remove what is left; part of srv_request_free(). */
void body_drop(srv_request *req);

/* Length of the body, wherever it is. */
int64_t body_length(const srv_request *req);

/* Append its first bytes, at most so many, to out. */
void body_read(const srv_request *req, size_t most, sim_buf *out);

/* Put the whole body into a new file of this name; it is no longer the request's.  False on I/O errors. */
bool body_save(srv_request *req, const char *path);

#endif /* SFSIM_BODY_H */
