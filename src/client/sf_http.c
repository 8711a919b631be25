/*
 * sf_http.c
 *		Requests to Salesforce: the only file that sees curl.
 *
 * The shape: curl's multi interface tells which sockets it wants watched and when it wants to be
 * called (socket_cb, timer_cb); both go into the mux.  sf_http_step feeds events back.  Callbacks
 * only note and copy: nothing is freed, started or thrown below a curl frame.
 *
 * HTTP/1.1 on purpose: a download is held back by not reading its socket, which needs a connection
 * of its own.  With HTTP/2 all downloads share one, and what a paused one is still sent (curl
 * allows 32 MB ahead) would have to be kept in memory.
 */
#include "sf_http_impl.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#define USER_AGENT "sfbulk_fdw/1.0"

/* Of an answer that is an error only the beginning is kept: REST's own are under 2 kB. */
#define ERROR_BODY_MAX (64 * 1024)

/* One recv; a step then needs few of them, and five downloads hold 640 kB this way. */
#define RECEIVE_BYTES (128 * 1024L)

/* Rounds of "take events, feed curl" within a step: enough to fill the queues in one go. */
#define STEP_ROUNDS 32

/*
 * How late a caller may be before the time is counted as time in which it did not attend: then
 * nothing could move, and no deadline of a transfer may pass.
 */
#define AWAY_MS 250

/* sf_http_impl.h has the number, so that it need not see curl */
_Static_assert(sizeof(((sf_http_request *) 0)->errbuf) >= CURL_ERROR_SIZE, "errbuf");

static const char *const method_names[] = {"GET", "PUT", "POST", "PATCH", "DELETE"};

/* ---- signals ----------------------------------------------------------------------- */

/*
 * curl's resolver runs in a thread that inherits the signal mask, and a signal handler of the
 * host process must not run there: all signals are blocked while curl may start one.  A SIGPIPE
 * of our own (OpenSSL writes without MSG_NOSIGNAL) is taken back before they are unblocked.
 */
typedef struct signal_guard
{
	sigset_t old;
	bool sigpipe_before;
} signal_guard;

static void
guard_enter(signal_guard *g)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &g->old);
	g->sigpipe_before = sigpending(&all) == 0 && sigismember(&all, SIGPIPE) == 1;
}

static void
guard_leave(signal_guard *g)
{
	sigset_t pending;

	if (!g->sigpipe_before && sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1)
	{
		sigset_t sigpipe;

		sigemptyset(&sigpipe);
		sigaddset(&sigpipe, SIGPIPE);
#ifdef __APPLE__
		{
			int sig;

			sigwait(&sigpipe, &sig); /* returns at once: it is pending */
		}
#else
		sigtimedwait(&sigpipe, NULL, &(struct timespec){0});
#endif
	}
	pthread_sigmask(SIG_SETMASK, &g->old, NULL);
}

/* ---- callbacks: below curl's frames, so they note and copy only -------------------- */

static int
socket_cb(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
	sf_http *h = data;
	bool want_read = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
	bool want_write = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;

	(void) easy;
	(void) socket_data;
	if (sf_mux_watch(h->mux, (int) fd, want_read, want_write, NULL) != SF_OK)
		h->broken = SF_ERR_NETWORK;
	return 0;
}

static int
timer_cb(CURLM *multi, long timeout_ms, void *data)
{
	sf_http *h = data;

	(void) multi;
	h->curl_due = timeout_ms < 0 ? SF_MUX_NEVER : sf_mux_now() + timeout_ms;
	return 0;
}

static size_t
header_cb(char *line, size_t size, size_t n, void *data)
{
	sf_http_request *req = data;

	if (!sf_http_headers_line(&req->headers, line, size * n))
	{
		req->too_big = true;
		return 0;
	}
	req->moved_at = sf_mux_now() - req->http->away;
	if (req->stream)
		req->http->progress = true;
	return size * n;
}

static size_t
write_cb(char *data, size_t size, size_t n, void *arg)
{
	sf_http_request *req = arg;
	sf_http *h = req->http;
	size_t len = size * n;
	bool success = sf_http_is_success(req->headers.status);

	if (req->stream && success)
	{
		if (req->queue.bytes >= sf_http_stream_limit(h))
		{
			req->paused = true;
			return CURL_WRITEFUNC_PAUSE;
		}
		if (!sf_chunk_put(&req->queue, &h->pool, data, len))
		{
			req->no_memory = true;
			return 0;
		}
		req->streamed = true;
		h->progress = true;
	}
	else if (!success)
	{
		size_t keep = req->text.len < ERROR_BODY_MAX ? ERROR_BODY_MAX - req->text.len : 0;

		if (sf_buf_append(&req->text, data, len < keep ? len : keep) != SF_OK)
			return 0;
	}
	else if (sf_buf_append(&req->text, data, len) != SF_OK)
	{
		req->too_big = req->text.failed == SF_ERR_LIMIT;
		req->no_memory = !req->too_big;
		return 0;
	}
	req->cost.wire_bytes += (int64_t) len;
	req->attempt_bytes += (int64_t) len;
	req->moved_at = sf_mux_now() - h->away;
	return len;
}

/* The body of a request that must not be sent twice, see set_method. */
static size_t
read_cb(char *out, size_t size, size_t n, void *arg)
{
	sf_http_request *req = arg;
	size_t len = req->body_len - req->body_read;

	if (len > size * n)
		len = size * n;
	memcpy(out, req->body + req->body_read, len);
	req->body_read += len;
	return len;
}

static int
seek_cb(void *arg, curl_off_t offset, int origin)
{
	sf_http_request *req = arg;

	return offset == 0 && origin == SEEK_SET && req->body_read == 0 ? CURL_SEEKFUNC_OK
																	: CURL_SEEKFUNC_FAIL;
}

/*
 * The body of an upload.  It cannot be rewound: curl never sends it again (and never tries to, as
 * its connection is a new one, see set_upload).
 */
static size_t
upload_cb(char *out, size_t size, size_t n, void *arg)
{
	sf_http_request *req = arg;
	size_t len = sf_upload_take(req, out, size * n);

	if (len == 0 && !sf_upload_is_over(req->upload))
	{
		req->paused = true;
		return CURL_READFUNC_PAUSE;
	}
	req->moved_at = sf_mux_now() - req->http->away;
	return len;
}

#if LIBCURL_VERSION_NUM >= 0x075000
/*
 * A connection is there and the request is about to leave.  The second time within an attempt it has
 * left before, on a connection that died (see set_body).
 */
static int
prereq_cb(void *arg, char *remote, char *local, int remote_port, int local_port)
{
	sf_http_request *req = arg;

	(void) remote;
	(void) local;
	(void) remote_port;
	(void) local_port;
	if (req->issued++ > 0)
		req->may_have_acted = true;
	return CURL_PREREQFUNC_OK;
}
#endif

/* Programs that the host process starts (COPY … PROGRAM) must not hold our connections. */
static int
sockopt_cb(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void) arg;
	(void) purpose;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}

/* ---- the set ----------------------------------------------------------------------- */

static bool
multi_new(sf_http *h)
{
	/*
	 * Lazily, in the process that uses it: a fork after it would share its state.  Never undone,
	 * because other users of curl in this process may have done the same.
	 */
	static bool initialised = false;

	if (!initialised)
	{
		if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
			return false;
		initialised = true;
	}
	h->multi = curl_multi_init();
	return h->multi != NULL &&
		   curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, socket_cb) == CURLM_OK &&
		   curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) == CURLM_OK &&
		   curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, timer_cb) == CURLM_OK &&
		   curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) == CURLM_OK &&
		   /* idle connections kept: as many as one query uses */
		   curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 8L) == CURLM_OK;
}

sf_http *
sf_http_new(const sf_http_options *opts, sf_error *err)
{
	sf_http *h = calloc(1, sizeof(*h));
	bool ok = true;

	if (h == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	h->connect_timeout_ms = opts->connect_timeout_ms;
	h->request_timeout_ms = opts->request_timeout_ms;
	h->max_retries = opts->max_retries;
	h->compression = !opts->no_compression;
	h->proxy = sf_http_copy_text(opts->proxy, &ok);
	h->ca_file = sf_http_copy_text(opts->ca_file, &ok);
	h->curl_due = h->wake_at = h->timer_at = SF_MUX_NEVER;
	h->api_used = h->api_max = h->server_time = -1;
	h->seed = ((uint64_t) getpid() << 32) ^ (uint64_t) sf_mux_now() ^ (uint64_t) (uintptr_t) h;
	h->mux = sf_mux_new(err);
	if (h->mux == NULL || !ok || !multi_new(h))
	{
		if (!sf_error_is_set(err))
			sf_error_nomem(err);
		sf_http_free(h);
		return NULL;
	}
	return h;
}

void
sf_http_free(sf_http *h)
{
	signal_guard guard;

	if (h == NULL)
		return;
	while (h->first != NULL)
		sf_http_end(h->first);
	if (h->multi != NULL)
	{
		guard_enter(&guard);
		curl_multi_cleanup(h->multi);
		guard_leave(&guard);
	}
	sf_mux_free(h->mux);
	sf_http_accounts_clear(&h->accounts);
	sf_chunk_pool_free(&h->pool);
	sf_secret_clear(&h->token);
	sf_wipe_free(h->proxy); /* may hold a password */
	free(h->ca_file);
	free(h);
}

/* Frees what belongs to one attempt. */
void
sf_http_attempt_free(sf_http_request *req)
{
	if (req->easy != NULL)
	{
		signal_guard guard;
		long request_size = 0;

		curl_easy_getinfo(req->easy, CURLINFO_REQUEST_SIZE, &request_size);
		sf_http_charge_attempt(req, request_size > 0);
		guard_enter(&guard);
		curl_multi_remove_handle(req->http->multi, req->easy);
		curl_easy_cleanup(req->easy);
		guard_leave(&guard);
		req->easy = NULL;
	}
	for (struct curl_slist *line = req->lines; line != NULL; line = line->next)
		sf_wipe(line->data, strlen(line->data)); /* one of them is the token */
	curl_slist_free_all(req->lines);
	req->lines = NULL;
	req->paused = req->resume = false;
}

/* ---- one attempt ------------------------------------------------------------------- */

static bool
add_line(sf_http_request *req, const char *name, const char *value)
{
	sf_buf line;
	struct curl_slist *lines = NULL;

	sf_buf_init_secret(&line, 64 * 1024);
	if (sf_buf_puts(&line, name) == SF_OK && sf_buf_puts(&line, value) == SF_OK)
		lines = curl_slist_append(req->lines, sf_buf_text(&line));
	sf_buf_free(&line);
	if (lines != NULL)
		req->lines = lines;
	return lines != NULL;
}

static bool
set_headers(sf_http_request *req)
{
	sf_http *h = req->http;
	bool ok;

	ok = add_line(req, "Accept: ", req->accept != NULL ? req->accept : "application/json");
	/* asked for by header and not by curl's option: curl would decode it, three times slower */
	if (ok && h->compression)
		ok = add_line(req, "Accept-Encoding: ", "gzip");
	if (ok && !req->login)
		ok = add_line(req, req->async ? "X-SFDC-Session: " : "Authorization: Bearer ",
					  sf_secret_reveal(&h->token));
	if (ok && req->content_type != NULL)
		ok = add_line(req, "Content-Type: ", req->content_type);
	if (ok && req->header != NULL)
		ok = add_line(req, req->header, "");
	/* curl would wait a second for "100 Continue" before it sends a longer body */
	if (ok)
		ok = add_line(req, "Expect:", "");
	return ok && curl_easy_setopt(req->easy, CURLOPT_HTTPHEADER, req->lines) == CURLE_OK;
}

/*
 * When a kept-alive connection dies before the first byte of an answer, curl by itself sends the
 * request again on a new one, whatever the method.  That is not for curl to decide where the server
 * may have acted on it: then the body comes from a callback that cannot be rewound.
 */
static bool
set_body(sf_http_request *req)
{
	CURL *e = req->easy;

#define SET(option, value) (curl_easy_setopt(e, option, value) == CURLE_OK)
	if (!SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) req->body_len))
		return false;
	if (req->retry == SF_RETRY_HARMLESS || req->login)
		return SET(CURLOPT_POSTFIELDS, req->body);
	req->body_read = 0;
	return SET(CURLOPT_POST, 1L) && SET(CURLOPT_READFUNCTION, read_cb) &&
		   SET(CURLOPT_READDATA, req) && SET(CURLOPT_SEEKFUNCTION, seek_cb) &&
		   SET(CURLOPT_SEEKDATA, req);
#undef SET
}

/*
 * On a connection of its own: where one was used before, curl takes a failure for that of the old
 * connection and sends the request again by itself, after parts of the body were taken.
 */
static bool
set_upload(sf_http_request *req)
{
	CURL *e = req->easy;

#define SET(option, value) (curl_easy_setopt(e, option, value) == CURLE_OK)
	return SET(CURLOPT_UPLOAD, 1L) && /* which means PUT */
		   SET(CURLOPT_CUSTOMREQUEST, method_names[req->method]) &&
		   SET(CURLOPT_FRESH_CONNECT, 1L) && SET(CURLOPT_READFUNCTION, upload_cb) &&
		   SET(CURLOPT_READDATA, req) &&
		   SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t) -1) && /* chunked */
		   /* all of the ring in one chunk, with the digits of its size; answers are short */
		   SET(CURLOPT_UPLOAD_BUFFERSIZE, SF_UPLOAD_BYTES + 64L) &&
		   SET(CURLOPT_BUFFERSIZE, 16 * 1024L);
#undef SET
}

static bool
set_method(sf_http_request *req)
{
	CURL *e = req->easy;
	bool ok = true;

	if (req->upload != NULL)
		return set_upload(req);
	if (req->body != NULL)
		ok = set_body(req);
	else if (req->method == SF_HTTP_GET)
		ok = curl_easy_setopt(e, CURLOPT_HTTPGET, 1L) == CURLE_OK;
	if (ok && req->method != SF_HTTP_GET)
		ok = curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method_names[req->method]) == CURLE_OK;
	return ok;
}

static bool
set_target(sf_http_request *req)
{
	sf_http *h = req->http;
	CURL *e = req->easy;
	sf_buf full;
	sf_url url;
	bool loopback = h->base_is_loopback;
	bool ok = true;

	if (req->login)
	{
		ok = sf_url_parse(req->url, "login_url", &url, &req->error) == SF_OK;
		loopback = ok && sf_url_is_loopback(&url);
		ok = ok && curl_easy_setopt(e, CURLOPT_URL, req->url) == CURLE_OK;
	}
	else
	{
		sf_buf_init(&full, 1024 * 1024);
		sf_buf_puts(&full, h->base);
		sf_buf_puts(&full, req->url);
		ok = full.failed == SF_ERR_NONE &&
			 curl_easy_setopt(e, CURLOPT_URL, sf_buf_text(&full)) == CURLE_OK;
		sf_buf_free(&full);
	}
#if LIBCURL_VERSION_NUM >= 0x075500
	ok = ok && curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, loopback ? "http,https" : "https") ==
				   CURLE_OK;
#else
	ok = ok && curl_easy_setopt(e, CURLOPT_PROTOCOLS,
								loopback ? CURLPROTO_HTTP | CURLPROTO_HTTPS
										 : (long) CURLPROTO_HTTPS) == CURLE_OK;
#endif
	/*
	 * A proxy that was asked for by name is used for every host; one of the environment is none of
	 * a loopback host's business.
	 */
	if (ok && h->proxy != NULL)
		ok = curl_easy_setopt(e, CURLOPT_PROXY, h->proxy) == CURLE_OK &&
			 curl_easy_setopt(e, CURLOPT_NOPROXY, "") == CURLE_OK;
	else if (ok && loopback)
		ok = curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK;
	return ok;
}

static bool
set_manners(sf_http_request *req)
{
	sf_http *h = req->http;
	CURL *e = req->easy;

#define SET(option, value) (curl_easy_setopt(e, option, value) == CURLE_OK)
	return SET(CURLOPT_PRIVATE, req) && SET(CURLOPT_ERRORBUFFER, req->errbuf) &&
		   SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_USERAGENT, USER_AGENT) &&
		   SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1) &&
		   SET(CURLOPT_FOLLOWLOCATION, 0L) && SET(CURLOPT_PATH_AS_IS, 1L) &&
		   SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
		   SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2) &&
		   (h->ca_file == NULL || SET(CURLOPT_CAINFO, h->ca_file)) &&
		   SET(CURLOPT_CONNECTTIMEOUT_MS, (long) h->connect_timeout_ms) &&
		   SET(CURLOPT_BUFFERSIZE, RECEIVE_BYTES) && SET(CURLOPT_TCP_KEEPALIVE, 1L) &&
		   SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) &&
		   SET(CURLOPT_SOCKOPTFUNCTION, sockopt_cb) &&
		   SET(CURLOPT_HEADERFUNCTION, header_cb) && SET(CURLOPT_HEADERDATA, req) &&
#if LIBCURL_VERSION_NUM >= 0x075000
		   SET(CURLOPT_PREREQFUNCTION, prereq_cb) && SET(CURLOPT_PREREQDATA, req) &&
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
		   /* ending a request must not wait for a resolver that hangs */
		   SET(CURLOPT_QUICK_EXIT, 1L) &&
#endif
		   SET(CURLOPT_WRITEFUNCTION, write_cb) && SET(CURLOPT_WRITEDATA, req);
#undef SET
}

/* Fails a request whose attempt could not even be put together. */
static void
launch_failed(sf_http_request *req)
{
	sf_http_attempt_free(req);
	sf_error_nomem(&req->error); /* unless something more telling is there */
	sf_http_finish(req, REQ_FAILED);
}

static void
launch(sf_http_request *req)
{
	sf_http *h = req->http;
	signal_guard guard;
	bool ok;

	sf_http_headers_reset(&req->headers);
	sf_buf_reset(&req->text);
	req->errbuf[0] = '\0';
	req->too_big = req->no_memory = false;
	req->attempt_bytes = 0;
	req->issued = 0;
	req->token_gen = h->token_gen;
	req->started_at = sf_mux_now();
	req->moved_at = req->started_at - h->away;

	req->easy = curl_easy_init();
	if (req->easy == NULL || !set_manners(req) || !set_target(req) || !set_method(req) ||
		!set_headers(req))
	{
		launch_failed(req);
		return;
	}
	guard_enter(&guard);
	ok = curl_multi_add_handle(h->multi, req->easy) == CURLM_OK;
	guard_leave(&guard);
	if (!ok)
	{
		launch_failed(req);
		return;
	}
	req->state = REQ_RUNNING;
	req->sent = true;
	if (req->cost.calls > 0 || req->nfailed > 0)
		req->cost.retries++;
	req->cost.calls++;
	if (!req->login)
		h->calls++;
}

/* ---- how attempts end -------------------------------------------------------------- */

/* curl's own words, with a first letter that fits behind a colon. */
static void
network_error(sf_http_request *req, CURLcode code, bool stalled)
{
	sf_error *err = &req->error;
	char text[CURL_ERROR_SIZE];
	sf_error_class cls = SF_ERR_NETWORK;

	if (stalled)
	{
		sf_error_set(err, SF_ERR_TIMEOUT, "could not %s: nothing came for %d ms", req->doing,
					 req->http->request_timeout_ms);
		sf_error_hint(err, "The request_timeout option sets how long to wait.");
		return;
	}
	if (req->no_memory || code == CURLE_OUT_OF_MEMORY)
	{
		sf_error_nomem(err);
		return;
	}
	if (sf_upload_answered_early(req) && sf_http_is_success(req->headers.status))
	{
		sf_error_set(err, SF_ERR_PROTOCOL,
					 "could not %s: it was answered with HTTP status %d before its end",
					 req->doing, req->headers.status);
		return;
	}
	if (req->too_big)
	{
		sf_error_set(err, SF_ERR_LIMIT, "could not %s: the answer's %s exceed %zu bytes",
					 req->doing, req->text.failed == SF_ERR_LIMIT ? "contents" : "headers",
					 req->text.failed == SF_ERR_LIMIT ? req->body_max
													  : (size_t) SF_HEADERS_MAX);
		return;
	}

	snprintf(text, sizeof(text), "%s",
			 req->errbuf[0] != '\0' ? req->errbuf : curl_easy_strerror(code));
	if (text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z')
		text[0] = (char) (text[0] + 32);
	if (code == CURLE_OPERATION_TIMEDOUT)
		cls = SF_ERR_TIMEOUT;
	else if (code == CURLE_SSL_CACERT_BADFILE)
		cls = SF_ERR_CONFIG;
	sf_error_set(err, cls, "could not %s: %s", req->doing, text);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		sf_error_hint(err, "The ca_file option names the certificates to trust instead of the "
						   "system's.");
	else if (code == CURLE_COULDNT_RESOLVE_PROXY)
		sf_error_hint(err, "Check the proxy option.");
	else if (req->headers.status != 0)
		sf_error_detail(err, "The connection was lost within an answer with HTTP status %d.",
						req->headers.status);
	err->http_status = req->headers.status;
}

/* A whole 2xx answer is there. */
static void
attempt_succeeded(sf_http_request *req)
{
	sf_error *err = &req->error;

	if (req->headers.malformed != NULL)
		sf_error_set(err, SF_ERR_PROTOCOL,
					 "could not %s: the answer has a malformed %s header", req->doing,
					 req->headers.malformed);
	else if (req->headers.unknown_encoding)
		sf_error_set(err, SF_ERR_PROTOCOL,
					 "could not %s: the answer has an unknown Content-Encoding", req->doing);
	else if (!req->stream && req->headers.gzip && req->text.len > 0)
		sf_http_inflate_body(req, false);
	req->may_have_acted |= sf_error_is_set(err);
	req->cost.text_bytes += (int64_t) req->text.len;
	sf_http_finish(req, sf_error_is_set(err) ? REQ_FAILED : REQ_DONE);
}

static void
note_route(sf_http_request *req)
{
	static const CURLINFO stages[] = {CURLINFO_NAMELOOKUP_TIME_T, CURLINFO_CONNECT_TIME_T,
									  CURLINFO_APPCONNECT_TIME_T};
	char *address = NULL;
	curl_off_t at = 1;

	for (req->stages = 0; req->stages < 3 && at > 0; req->stages += at > 0)
		curl_easy_getinfo(req->easy, stages[req->stages], &at);
	curl_easy_getinfo(req->easy, CURLINFO_PRIMARY_IP, &address);
	snprintf(req->address, sizeof(req->address), "%s", address != NULL ? address : "");
}

static void
attempt_ended(sf_http_request *req, CURLcode code, bool stalled)
{
	sf_http *h = req->http;
	sf_attempt a = {0};
	curl_off_t retry_after = 0;
	long request_size = 0;
	char note[64] = "";

	curl_easy_getinfo(req->easy, CURLINFO_REQUEST_SIZE, &request_size);
	curl_easy_getinfo(req->easy, CURLINFO_RETRY_AFTER, &retry_after);
	note_route(req);
	a.answered = code == CURLE_OK;
	/* a 2xx before the body's end says nothing about the body */
	if (sf_upload_answered_early(req) && sf_http_is_success(req->headers.status))
		a.answered = false;
	/* curl forgets the size when it would have to send anew (see read_cb), the body had left */
	a.sent = request_size > 0 || req->body_read > 0 ||
			 (req->upload != NULL && req->upload->taken > 0);
	a.status = req->headers.status;
	if (stalled)
		snprintf(note, sizeof(note), "(no progress)");
	else if (code != CURLE_OK)
		snprintf(note, sizeof(note), "(%s)", curl_easy_strerror(code));
	sf_http_trace_add(&h->trace, method_names[req->method], req->url, a.status,
					  sf_mux_now() - req->started_at,
					  req->attempt_bytes + (req->upload != NULL ? req->upload->taken : 0),
					  note);
	sf_http_attempt_free(req);

	if (req->headers.gzip && !sf_http_is_success(a.status) && req->text.len > 0)
		sf_http_inflate_body(req, true);
	if (a.answered)
		sf_http_note_answer(req);
	if (a.answered && sf_http_is_success(a.status))
	{
		attempt_succeeded(req);
		return;
	}
	if (a.answered && !req->login && sf_http_is_session_refusal(req))
	{
		if (sf_http_session_refused(req) == SF_OK)
			return;
		sf_http_finish(req, REQ_FAILED);
		return;
	}

	a.body = sf_http_body(req, &a.body_len);
	req->outcome_unknown = sf_retry_outcome_unknown(&a);
	req->may_have_acted |= sf_retry_may_have_acted(&a);
	req->nfailed++;
	if (!req->too_big && !req->no_memory && !req->no_more && !req->streamed &&
		req->upload == NULL && code != CURLE_SSL_CACERT_BADFILE &&
		code != CURLE_PEER_FAILED_VERIFICATION && req->nfailed <= h->max_retries &&
		sf_retry_allowed(req->retry, &a))
	{
		req->state = REQ_BACKOFF;
		req->retry_at = sf_mux_now() + sf_retry_delay_ms(req->nfailed, retry_after, &h->seed);
		return;
	}
	if (a.answered)
		sf_http_status_error(req);
	else
		network_error(req, code, stalled);
	sf_http_finish(req, REQ_FAILED);
}

/* ---- the step ---------------------------------------------------------------------- */

static void
feed_events(sf_http *h, const sf_mux_event *events, int n)
{
	signal_guard guard;
	int running;

	if (n == 0 && h->curl_due > sf_mux_now())
		return;
	guard_enter(&guard);
	for (int i = 0; i < n; i++)
	{
		int mask = (events[i].readable ? CURL_CSELECT_IN : 0) |
				   (events[i].writable ? CURL_CSELECT_OUT : 0) |
				   (events[i].failed ? CURL_CSELECT_ERR : 0);

		curl_multi_socket_action(h->multi, events[i].fd, mask, &running);
	}
	if (h->curl_due <= sf_mux_now())
	{
		long left = -1;

		h->curl_due = SF_MUX_NEVER;
		curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		/* called a fraction of a millisecond early, curl keeps its time and does not tell it again */
		if (h->curl_due == SF_MUX_NEVER && curl_multi_timeout(h->multi, &left) == CURLM_OK &&
			left >= 0)
			h->curl_due = sf_mux_now() + left;
	}
	guard_leave(&guard);
}

static void
collect_ended(sf_http *h)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(h->multi, &left)) != NULL)
	{
		sf_http_request *req = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **) &req);
		if (req != NULL)
			attempt_ended(req, msg->data.result, false);
	}
}

/* Pauses that are over, back-offs that are over, transfers that stand still. */
static void
check_requests(sf_http *h)
{
	int64_t now = sf_mux_now();
	sf_http_request *next;

	for (sf_http_request *req = h->first; req != NULL; req = next)
	{
		next = req->next;
		if (req->state == REQ_RUNNING && sf_upload_answered_early(req))
		{
			if (sf_http_is_success(req->headers.status))
			{
				attempt_ended(req, CURLE_SEND_ERROR, false);
				continue;
			}
			/* curl stops sending by itself, but not while it is paused */
			req->resume = req->paused;
		}
		if (req->resume && req->easy != NULL)
		{
			signal_guard guard;
			CURLcode code;

			req->resume = req->paused = false;
			req->moved_at = now - h->away;
			guard_enter(&guard);
			code = curl_easy_pause(req->easy, CURLPAUSE_CONT);
			guard_leave(&guard);
			if (code != CURLE_OK)
				attempt_ended(req, code, false);
		}
		else if (req->state == REQ_BACKOFF && req->retry_at <= now)
			req->state = REQ_WAITING;
		else if (sf_http_stall_time(req) <= now)
		{
			curl_off_t pretransfer = 0;

			/* still connecting: curl minds that itself, with the other timeout */
			curl_easy_getinfo(req->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer);
			if (pretransfer == 0)
				req->moved_at = now - h->away;
			else
				attempt_ended(req, CURLE_OPERATION_TIMEDOUT, true);
		}
	}
	for (sf_http_request *req = h->first; req != NULL; req = next)
	{
		next = req->next;
		if (req->state == REQ_WAITING && (req->login || sf_http_has_token(h)))
			launch(req);
	}
}

sf_status
sf_http_step(sf_http *h, bool *progress, sf_error *err)
{
	sf_mux_event events[64];
	int64_t now = sf_mux_now();
	bool more = true;

	if (h->timer_at != SF_MUX_NEVER && now > h->timer_at + AWAY_MS)
		h->away += now - h->timer_at;
	h->wake_at = SF_MUX_NEVER;
	h->timer_at = SF_MUX_NEVER;

	for (int round = 0; round < STEP_ROUNDS && more; round++)
	{
		int n;

		if (sf_mux_take(h->mux, events, 64, &n, err) != SF_OK)
			return SF_FAILED;
		feed_events(h, events, n);
		collect_ended(h);
		check_requests(h);
		more = n > 0 || h->curl_due <= sf_mux_now();
	}
	if (h->broken != SF_ERR_NONE)
		return sf_error_set(err, h->broken, "watching a connection failed");
	if (h->progress)
		*progress = true;
	h->progress = false;
	return SF_OK;
}
