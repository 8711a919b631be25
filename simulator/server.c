/*
 * server.c
 *		The HTTP server: libmicrohttpd's callbacks, sending, shutting down.
 *
 * This is the only file that sees libmicrohttpd.  An answer goes out in one of
 * three ways: from memory, from a file (sendfile), or through body_reader(),
 * which can cut the connection, stall in the middle of the body or send it
 * chunked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <microhttpd.h>

#include "body.h"
#include "rest.h"

/* URI alone, and URI plus headers, may not exceed this (protocol notes, 4.1). */
#define URI_LIMIT 16384

/* A body that is sent piece by piece. */
typedef struct body_source
{
	srv_request *req;
	int fd;						  /* -1: bytes come from data */
	const char *data;			  /* inside req->resp.body */
	uint64_t size;				  /* of the whole body */
	uint64_t cut;				  /* the connection breaks here; UINT64_MAX: nowhere */
	srv_stall stalls[SRV_STALLS]; /* wait at these gates */
	int nstalls;
	int stalled;	/* so many of them are behind us */
	uint64_t piece; /* most bytes of one piece */
	int64_t piece_ms;
} body_source;

static ssize_t
body_reader(void *cls, uint64_t pos, char *buf, size_t max)
{
	body_source *src = cls;
	uint64_t end = src->size;

	if (pos >= src->cut)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	while (src->stalled < src->nstalls && pos >= src->stalls[src->stalled].at)
	{
		log_mark(src->req, LOG_HELD);
		gate_wait(src->stalls[src->stalled++].gate);
	}
	if (pos >= end)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (end > src->cut)
		end = src->cut;
	if (src->stalled < src->nstalls && end > src->stalls[src->stalled].at)
		end = src->stalls[src->stalled].at;
	if (max > end - pos)
		max = (size_t) (end - pos);
	if (max > src->piece)
		max = (size_t) src->piece;
	if (pos > 0 && src->piece_ms > 0)
		gate_pause(src->req->srv->stopping, src->piece_ms);
	if (src->fd < 0)
	{
		memcpy(buf, src->data + pos, max);
		return (ssize_t) max;
	}
	for (;;)
	{
		ssize_t n = pread(src->fd, buf, max, (off_t) pos);

		if (n > 0)
			return n;
		if (n == 0 || errno != EINTR)
			return MHD_CONTENT_READER_END_WITH_ERROR;
	}
}

static void
body_free(void *cls)
{
	body_source *src = cls;

	if (src->fd >= 0)
		close(src->fd);
	free(src);
}

/* The response for a body that does not simply go out in one piece. */
static struct MHD_Response *
piecemeal_response(srv_request *req, int fd, uint64_t size, bool chunked)
{
	body_source *src = calloc(1, sizeof(*src));
	struct MHD_Response *r;

	if (src == NULL)
	{
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	src->req = req;
	src->fd = fd;
	src->data = req->resp.body.data;
	src->size = size;
	src->cut = (uint64_t) fault_least(req, "truncate", INT64_MAX);
	src->nstalls = fault_stalls(req, src->stalls, SRV_STALLS);
	src->piece = (uint64_t) fault_least(req, "piece", INT64_MAX);
	src->piece_ms = fault_number(req, "piece_ms", 0);
	r = MHD_create_response_from_callback(chunked ? MHD_SIZE_UNKNOWN : size, 64 * 1024,
										  body_reader, src, body_free);
	if (r == NULL)
		body_free(src);
	return r;
}

/* Has the fault something to do while the body is on its way? */
static bool
needs_pieces(const srv_request *req)
{
	srv_stall stall;

	return req->nfired > 0 &&
		   (fault_least(req, "truncate", -1) >= 0 || fault_least(req, "piece", -1) >= 0 ||
			fault_stalls(req, &stall, 1) > 0);
}

/* The page file that fits Accept-Encoding, opened; -1 when it is gone. */
static int
open_page(srv_request *req, uint64_t *size)
{
	srv_response *resp = &req->resp;
	bool gz = srv_accepts_gzip(req) && !resp->no_gzip;
	int fd = open(gz ? resp->file_gz : resp->file, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0)
	{
		close(fd);
		return -1;
	}
	*size = (uint64_t) st.st_size;
	if (gz)
		srv_set_header(resp, "Content-Encoding", "gzip");
	return fd;
}

/* Apply X-PrettyPrint and gzip to a body in memory. */
static void
finish_memory_body(srv_request *req)
{
	srv_response *resp = &req->resp;
	const char *pretty = srv_header_get(req, "X-PrettyPrint");
	sim_buf out = {0};

	if (resp->body.len == 0)
		return;
	if (pretty && strcmp(pretty, "1") == 0 && !resp->gzipped &&
		strncmp(resp->content_type, "application/json", 16) == 0)
	{
		srv_pretty_json(&resp->body, &out);
		sim_buf_free(&resp->body);
		resp->body = out;
		memset(&out, 0, sizeof(out));
	}
	if (!resp->gzipped && !resp->no_gzip && srv_accepts_gzip(req) &&
		(describe_gzip(resp, &out) ||
		 srv_gzip(resp->body.data, resp->body.len, resp->body.len > 16384 ? 6 : 1, &out)))
	{
		sim_buf_free(&resp->body);
		resp->body = out;
		memset(&out, 0, sizeof(out));
		resp->gzipped = true;
	}
	sim_buf_free(&out);
	if (resp->gzipped)
	{
		int64_t cut = fault_least(req, "gzip_cut", -1);

		srv_set_header(resp, "Content-Encoding", "gzip");
		if (cut >= 0 && (size_t) cut < resp->body.len)
			resp->body.len = (size_t) cut;
	}
}

static void
add_headers(srv_request *req, struct MHD_Response *r)
{
	srv_response *resp = &req->resp;

	if (resp->content_type[0] && srv_get_header(resp, "Content-Type") == NULL)
		srv_set_header(resp, "Content-Type", resp->content_type);
	for (int i = 0; i < resp->nheaders; i++)
	{
		char name[128];

		snprintf(name, sizeof(name), "%s", resp->headers[i].name);
		if (resp->lower_headers)
			for (char *p = name; *p; p++)
				if (*p >= 'A' && *p <= 'Z')
					*p = (char) (*p - 'A' + 'a');
		MHD_add_response_header(r, name, resp->headers[i].value);
	}
}

/* Hand the finished answer to libmicrohttpd. */
static enum MHD_Result
send_answer(srv_request *req, struct MHD_Connection *conn)
{
	srv_response *resp = &req->resp;
	bool chunked = srv_options_get(req->srv).chunked || fault_flag(req, "chunked");
	struct MHD_Response *r;
	enum MHD_Result rc;
	uint64_t size = 0;

	if (req->log_id)
		log_body_of(req);
	if (resp->file)
	{
		struct stat st;
		int fd;

		if (stat(resp->file, &st) == 0)
			resp->plain_size = st.st_size;

		fd = open_page(req, &size);
		if (fd < 0)
			return MHD_NO;
		if (chunked || needs_pieces(req))
			r = piecemeal_response(req, fd, size, chunked);
		else if ((r = MHD_create_response_from_fd64(size, fd)) == NULL)
			close(fd);
	}
	else
	{
		finish_memory_body(req);
		size = resp->body.len;
		fault_flip(req, resp->body.data, size);
		if ((chunked && size > 0) || needs_pieces(req))
			r = piecemeal_response(req, -1, size, chunked);
		else
			r = MHD_create_response_from_buffer(size, size ? resp->body.data : (char *) "",
												MHD_RESPMEM_PERSISTENT);
	}
	if (r == NULL)
		return MHD_NO;
	req->body_size = (int64_t) size;
	add_headers(req, r);
	log_answer(req);
	rc = MHD_queue_response(conn, (unsigned int) resp->status, r);
	MHD_destroy_response(r);
	return rc;
}

/* URIs that the real front end refuses, with the page it refuses them with; bodies that could not be read. */
static bool
refused_unread(srv_request *req)
{
	if (strlen(req->uri) > URI_LIMIT)
		srv_text(req, 414, "text/html",
				 "<html><head><title>414 URI Too Long</title></head>"
				 "<body><h1>414 URI Too Long</h1></body></html>");
	else if (req->header_bytes > URI_LIMIT)
		srv_text(req, 431, "text/html",
				 "<html><head><title>431 Request Header Fields Too Large</title></head>"
				 "<body><h1>431 Request Header Fields Too Large</h1></body></html>");
	else if (req->body_state == BODY_TOO_BIG)
		srv_error(req, 413, "REQUEST_TOO_LARGE", "The request body is too large");
	else if (req->body_state == BODY_MALFORMED)
		srv_error(req, 400, "API_ERROR", "The request body is not in gzip format");
	else if (req->body_state == BODY_FAILED)
		srv_error(req, 500, "UNKNOWN_EXCEPTION", "An unexpected error occurred");
	else
		return false;
	return true;
}

/* Bytes that the peer's kernel has acknowledged on this connection so far. */
static uint64_t
acked_bytes(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct tcp_info tcp;
	socklen_t len = sizeof(tcp);

	memset(&tcp, 0, sizeof(tcp));
	if (info == NULL || getsockopt(info->connect_fd, IPPROTO_TCP, TCP_INFO, &tcp, &len) != 0)
		return 0;
	return tcp.tcpi_bytes_acked;
}

/* A complete request: answer it. */
static enum MHD_Result
handle_request(srv_request *req, struct MHD_Connection *conn)
{
	if (req->nsegs > 0 && strcmp(req->segs[0], "__sfsim") == 0)
	{
		control_handle(req);
		state_flush(req->srv);
		return send_answer(req, conn);
	}
	req->acked = acked_bytes(conn);
	log_arrive(req);
	if (req->body_at >= 0 && !fault_unread(req))
		return MHD_NO;
	faults_match(req, false);
	fault_hold(req, "before");
	if (fault_closes(req, "before"))
		return MHD_NO;
	if (!fault_before(req) && !refused_unread(req))
		srv_route(req);
	rest_accept(req);
	state_flush(req->srv);
	fault_instead(req);
	rest_standard_headers(req);
	fault_after(req);
	fault_hold(req, "after");
	if (fault_closes(req, "after"))
		return MHD_NO;
	return send_answer(req, conn);
}

static enum MHD_Result
collect_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void) kind;
	srv_request_header(cls, name, value);
	return MHD_YES;
}

/* Faults that wait for a byte of the body act when it has come.  False: close the connection. */
static bool
reaches_fault(srv_request *req)
{
	return req->body_at < 0 || req->body_read < req->body_at || fault_unread(req);
}

/* The head has come, the body has not.  What a fault stops in its body is logged now, else it would not be. */
static bool
head_is_there(srv_request *req)
{
	req->body_at = -1;
	if (req->nsegs > 0 && strcmp(req->segs[0], "__sfsim") == 0)
		return true;
	faults_match(req, true);
	if (req->body_at >= 0)
		log_arrive(req);
	return reaches_fault(req);
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
		   const char *version, const char *upload, size_t *upload_size, void **con_cls)
{
	srv_request *req = *con_cls;

	(void) cls;
	(void) url;
	(void) version;
	if (req == NULL)
		return MHD_NO;
	if (req->conn == NULL)
	{
		/* first call: the headers are there, the body is not */
		req->conn = conn;
		snprintf(req->method, sizeof(req->method), "%s", method);
		req->header_bytes = strlen(method) + strlen(req->uri) + 12;
		MHD_get_connection_values(conn, MHD_HEADER_KIND, collect_header, req);
		body_begin(req);
		return head_is_there(req) ? MHD_YES : MHD_NO;
	}
	if (*upload_size > 0)
	{
		body_add(req, upload, *upload_size);
		req->body_read += (int64_t) *upload_size;
		*upload_size = 0;
		return reaches_fault(req) ? MHD_YES : MHD_NO;
	}
	body_end(req);
	return handle_request(req, conn);
}

/* libmicrohttpd shows the raw URI only here, so the request is born here. */
static void *
on_uri(void *cls, const char *uri, struct MHD_Connection *conn)
{
	(void) conn;
	return srv_request_new(cls, uri);
}

static void
on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
			 enum MHD_RequestTerminationCode why)
{
	srv_request *req = *con_cls;
	bool complete = why == MHD_REQUEST_TERMINATED_COMPLETED_OK;
	int64_t bytes;

	(void) cls;
	*con_cls = NULL;
	if (req == NULL)
		return;
	bytes = req->body_size;
	if (!complete && req->log_id)
	{
		/* headers are counted too: an estimate, but never more than there was */
		int64_t acked = (int64_t) (acked_bytes(conn) - req->acked);

		if (acked < bytes)
			bytes = acked;
	}
	if (req->log_id)
		log_done(req, complete, bytes);
	srv_request_free(req);
}

/* A listening socket on 127.0.0.1; -1 with errno set. */
static int
listen_on(int *port)
{
	struct sockaddr_in addr = {0};
	socklen_t len = sizeof(addr);
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	addr.sin_family = AF_INET;
	addr.sin_port = htons((uint16_t) *port);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *) &addr, sizeof(addr)) != 0 || listen(fd, 128) != 0 ||
		getsockname(fd, (struct sockaddr *) &addr, &len) != 0)
	{
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	*port = ntohs(addr.sin_port);
	return fd;
}

struct MHD_Daemon *
srv_start(srv *s, int *port, const char *cert_pem, const char *key_pem, sim_error *err)
{
	struct MHD_Daemon *d;
	unsigned int flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
						 MHD_USE_POLL |
						 MHD_USE_SUPPRESS_DATE_NO_CLOCK; /* the org's clock gives the Date */
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *) (uintptr_t) cert_pem},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *) (uintptr_t) key_pem},
		{MHD_OPTION_END, 0, NULL},
	};
	int fd = listen_on(port);

	if (fd < 0)
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION", "could not listen on 127.0.0.1:%d: %s", *port,
					  strerror(errno));
		return NULL;
	}

	/* before the first request can arrive: handlers read it without a lock */
	snprintf(s->base_url, sizeof(s->base_url), "%s://127.0.0.1:%d",
			 cert_pem ? "https" : "http", *port);
	if (cert_pem)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	d = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
						 MHD_OPTION_URI_LOG_CALLBACK, on_uri, s, MHD_OPTION_NOTIFY_COMPLETED,
						 on_completed, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
						 (size_t) 256 * 1024, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (d == NULL)
	{
		close(fd);
		sim_error_set(err, "UNKNOWN_EXCEPTION", "could not start the HTTP server%s",
					  cert_pem ? " (are the TLS files right?)" : "");
	}
	return d;
}

void
srv_stop(srv *s, struct MHD_Daemon *daemon)
{
	/* waiting handlers first: stopping the daemon joins their threads */
	gate_open(s->stopping);
	faults_stop(s);
	log_stop(s);
	MHD_stop_daemon(daemon);
}

void
srv_options_init(srv_options *opt)
{
	*opt = (srv_options){
#define OPTION(name, type, kind, dflt, least, most) .name = dflt,
#include "options.def"
#undef OPTION
	};
}

srv_options
srv_options_get(srv *s)
{
	srv_options opt;

	pthread_mutex_lock(&s->lock);
	opt = s->options;
	pthread_mutex_unlock(&s->lock);
	return opt;
}
