/*
 * sf_http_request.c
 *		Requests around curl: their start and end, the token they wait for, what an answer means.
 */
#include "sf_http_impl.h"

#include <stdlib.h>
#include <string.h>

#include "sf_inflate.h"
#include "sf_json.h"

char *
sf_http_copy_text(const char *text, bool *ok)
{
	char *copy = NULL;

	if (text != NULL)
	{
		copy = strdup(text);
		if (copy == NULL)
			*ok = false;
	}
	return copy;
}

int
sf_http_fd(const sf_http *h)
{
	return sf_mux_fd(h->mux);
}

int64_t
sf_http_now(const sf_http *h)
{
	(void) h;
	return sf_mux_now();
}

bool
sf_http_busy(const sf_http *h)
{
	return h->active > 0 || h->wake_at != SF_MUX_NEVER;
}

const char *
sf_http_base(const sf_http *h)
{
	return h->base;
}

size_t
sf_http_overhead(const sf_http *h)
{
	/* our own header lines are under 400 bytes; a token that is not known yet is guessed */
	return 512 + (sf_secret_is_set(&h->token) ? sf_secret_len(&h->token) : 2048);
}

bool
sf_http_trace_line(sf_http *h, char *buf, size_t size)
{
	return sf_http_trace_take(&h->trace, buf, size);
}

bool
sf_http_api_usage(const sf_http *h, int64_t *used, int64_t *max)
{
	*used = h->api_used;
	*max = h->api_max;
	return h->api_used >= 0;
}

bool
sf_http_server_time(const sf_http *h, int64_t *seconds)
{
	*seconds = h->server_time;
	return h->server_time >= 0;
}

int64_t
sf_http_api_usage_age(const sf_http *h)
{
	return sf_mux_now() - h->api_at;
}

int64_t
sf_http_calls(const sf_http *h)
{
	return h->calls;
}

bool
sf_http_has_token(const sf_http *h)
{
	return sf_secret_is_set(&h->token);
}

bool
sf_http_needs_login(const sf_http *h)
{
	if (sf_http_has_token(h))
		return false;
	for (const sf_http_request *req = h->first; req != NULL; req = req->next)
	{
		if (req->state == REQ_WAITING && !req->login)
			return true;
	}
	return false;
}

sf_status
sf_http_set_session(sf_http *h, const char *base, const char *token, sf_error *err)
{
	sf_url url;

	if (sf_url_parse(base, "instance_url", &url, err) != SF_OK)
		return SF_FAILED;
	if (strlen(base) >= sizeof(h->base))
		return sf_error_set(err, SF_ERR_PROTOCOL, "instance URL is too long");
	if (token[0] == '\0')
		return sf_error_set(err, SF_ERR_AUTH, "access token is empty");
	for (const char *p = token; *p != '\0'; p++)
	{
		/* it becomes part of a header line */
		if (*p <= ' ' || *p > '~')
			return sf_error_set(err, SF_ERR_AUTH,
								"access token has a character that no token has");
	}
	if (!sf_secret_set(&h->token, token))
		return sf_error_nomem(err);
	strcpy(h->base, base);
	h->base_is_loopback = sf_url_is_loopback(&url);
	h->token_gen++;
	h->token_proven = false;
	return SF_OK;
}

void
sf_http_finish(sf_http_request *req, request_state state)
{
	sf_http *h = req->http;

	if (req->state != REQ_DONE && req->state != REQ_FAILED)
		h->active--;
	req->state = state;
	h->progress = true;
}

void
sf_http_fail_waiting(sf_http *h, const sf_error *why)
{
	for (sf_http_request *req = h->first; req != NULL; req = req->next)
	{
		if (req->state == REQ_WAITING && !req->login)
		{
			req->error = *why;
			sf_http_finish(req, REQ_FAILED);
		}
	}
}

/* Makes the descriptor readable now: something is to be done that no socket tells of. */
void
sf_http_kick(sf_http *h)
{
	int64_t now = sf_mux_now();

	if (h->timer_at > now && sf_mux_set_timer(h->mux, now, NULL) == SF_OK)
		h->timer_at = now;
}

sf_http_request *
sf_http_start(sf_http *h, const sf_http_spec *spec, sf_error *err)
{
	sf_http_request *req = calloc(1, sizeof(*req));
	bool ok = true;

	if (req == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	req->http = h;
	req->account = spec->account != NULL ? spec->account : sf_http_current_account(h);
	req->method = spec->method;
	req->login = spec->login;
	req->async = !spec->login && strncmp(spec->url, SF_ASYNC_PATH, strlen(SF_ASYNC_PATH)) == 0;
	req->retry = spec->retry;
	req->stream = spec->stream;
	req->body_max = spec->body_max > 0 ? spec->body_max : SF_BODY_SMALL;
	req->nfailed = spec->nfailed;
	req->url = sf_http_copy_text(spec->url, &ok);
	req->content_type = sf_http_copy_text(spec->content_type, &ok);
	req->accept = sf_http_copy_text(spec->accept, &ok);
	req->header = sf_http_copy_text(spec->header, &ok);
	sf_text_copy(req->doing, sizeof(req->doing), spec->doing, strlen(spec->doing));
	if (spec->body != NULL)
	{
		req->body = malloc(spec->body_len + 1);
		if (req->body != NULL)
			memcpy(req->body, spec->body, spec->body_len);
		else
			ok = false;
		req->body_len = spec->body_len;
	}
	if (spec->upload)
		ok = (req->upload = sf_upload_new()) != NULL && ok;
	sf_http_headers_reset(&req->headers);
	if (req->login)
		sf_buf_init_secret(&req->text, req->body_max);
	else
		sf_buf_init(&req->text, req->body_max);
	if (req->nfailed > 0)
	{
		req->state = REQ_BACKOFF;
		req->retry_at = sf_mux_now() + sf_retry_delay_ms(req->nfailed, -1, &h->seed);
	}

	req->prev = h->last;
	if (h->last != NULL)
		h->last->next = req;
	else
		h->first = req;
	h->last = req;
	h->active++;
	if (req->stream)
		h->nstreams++;
	if (!ok)
	{
		sf_error_nomem(err);
		sf_http_end(req);
		return NULL;
	}
	sf_http_kick(h);
	return req;
}

void
sf_http_end(sf_http_request *req)
{
	sf_http *h;

	if (req == NULL)
		return;
	h = req->http;
	sf_http_attempt_free(req);
	if (req->state != REQ_DONE && req->state != REQ_FAILED)
		h->active--;
	if (req->stream)
		h->nstreams--;
	if (req->prev != NULL)
		req->prev->next = req->next;
	else
		h->first = req->next;
	if (req->next != NULL)
		req->next->prev = req->prev;
	else
		h->last = req->prev;
	sf_chunk_clear(&req->queue, &h->pool);
	sf_buf_free(&req->text);
	if (req->login && req->body != NULL)
		sf_wipe(req->body, req->body_len);
	free(req->body);
	free(req->upload);
	free(req->url);
	free(req->content_type);
	free(req->accept);
	free(req->header);
	free(req);
}

/* An answer that says no. */
void
sf_http_status_error(sf_http_request *req)
{
	sf_error *err = &req->error;
	int status = req->headers.status;
	size_t len;
	const char *body = sf_http_body(req, &len);

	if (status >= 300 && status < 400 && req->headers.location_host[0] != '\0')
	{
		sf_error_set(err, SF_ERR_REMOTE, "could not %s: redirected to \"%s\" (HTTP status %d)",
					 req->doing, req->headers.location_host, status);
		sf_error_detail(err, "Redirects are not followed, so that secrets stay with the host "
							 "they were meant for.");
		sf_error_hint(err, "Set %s to the address that the org has now.",
					  req->login ? "login_url" : "instance_url");
		err->http_status = status;
		return;
	}
	sf_json_remote_error(body, len, status,
						 status == 401 || sf_http_is_session_refusal(req) ? SF_ERR_AUTH
																		  : SF_ERR_REMOTE,
						 req->doing, err);
	sf_error_redact(err, sf_secret_reveal(&req->http->token));
}

sf_status
sf_http_inflate_body(sf_http_request *req, bool is_error)
{
	sf_error why = {0};
	sf_inflate *z = sf_inflate_new(&why);
	sf_buf text;
	sf_status st = SF_FAILED;

	if (z == NULL)
		return is_error ? SF_OK : sf_error_nomem(&req->error);
	if (req->text.secret)
		sf_buf_init_secret(&text, req->body_max);
	else
		sf_buf_init(&text, req->body_max);
	sf_inflate_input(z, sf_buf_text(&req->text), req->text.len);
	while (sf_buf_reserve(&text, 1) == SF_OK)
	{
		/* all that is allocated: the buffer doubles, and so does the piece */
		size_t room = text.alloc - text.len - 1;
		size_t n;

		st = sf_inflate_output(z, text.data + text.len, room, &n, &why);
		if (st != SF_OK)
			break;
		sf_buf_added(&text, n);
	}
	if (st == SF_WAIT)
		st = sf_inflate_finish(z, &why);
	if (st == SF_OK || text.failed != SF_ERR_NONE)
		st = sf_buf_check(&text, "the answer's text", &why);
	sf_inflate_free(z);
	sf_buf_free(&req->text);
	req->text = text;
	if (is_error || st == SF_OK)
		return SF_OK;
	sf_error_set(&req->error, why.cls, "could not %s: %s", req->doing, why.message);
	if (why.detail[0] != '\0')
		sf_error_detail(&req->error, "%s", why.detail);
	return SF_FAILED;
}

bool
sf_http_is_session_refusal(const sf_http_request *req)
{
	int status = req->headers.status;
	size_t len;
	const char *body = sf_http_body(req, &len);

	if (status == 401)
		return true;
	return req->async && status >= 400 && status < 500 &&
		   memmem(body, len, "InvalidSessionId", strlen("InvalidSessionId")) != NULL;
}

sf_status
sf_http_session_refused(sf_http_request *req)
{
	sf_http *h = req->http;
	size_t len;
	const char *body = sf_http_body(req, &len);
	sf_error why = {0};

	if (sf_retry_is_incurable(body, len))
	{
		sf_http_status_error(req);
		sf_error_hint(&req->error,
					  "A new login would not help: give the user API access, or the "
					  "connected app the right to it.");
		return SF_FAILED;
	}

	/* while the token is still there to be recognised in what the answer says */
	sf_http_status_error(req);
	why = req->error;
	sf_error_reset(&req->error);

	/* Only the first to notice takes the token away; the others wait for the same new one. */
	if (req->token_gen == h->token_gen && sf_http_has_token(h))
	{
		if (h->token_proven)
			h->tokens_refused = 0;
		h->tokens_refused++;
		sf_secret_clear(&h->token);
	}
	if (req->upload != NULL)
	{
		req->error = why; /* the next request of the owner logs in anew */
		return SF_FAILED;
	}
	if (req->relogged || req->no_more || h->tokens_refused > 1)
	{
		req->error = why;
		sf_error_detail(&req->error, "The session was refused again after a new login.");
		return SF_FAILED;
	}
	req->relogged = true;
	req->state = REQ_WAITING;
	return SF_OK;
}

void
sf_http_note_answer(sf_http_request *req)
{
	sf_http *h = req->http;

	if (req->headers.api_used >= 0)
	{
		h->api_used = req->headers.api_used;
		h->api_max = req->headers.api_max;
		h->api_at = sf_mux_now();
	}
	if (req->headers.date >= 0 && !req->login)
		h->server_time = req->headers.date;
	if (!req->login && req->token_gen == h->token_gen && !sf_http_is_session_refusal(req))
	{
		h->token_proven = true;
		h->tokens_refused = 0;
	}
}

void
sf_http_get_route(const sf_http_request *req, sf_http_route *route)
{
	memcpy(route->address, req->address, sizeof(route->address));
	route->resolved = req->stages > 0;
	route->connected = req->stages > 1;
	route->encrypted = req->stages > 2;
}

bool
sf_http_has_work(const sf_http *h)
{
	for (const sf_http_request *req = h->first; req != NULL; req = req->next)
	{
		if (req->resume || (req->state == REQ_WAITING && (req->login || sf_http_has_token(h))))
			return true;
	}
	return false;
}

void
sf_http_wake_at(sf_http *h, int64_t at)
{
	if (at < h->wake_at)
		h->wake_at = at;
}

sf_status
sf_http_check(const sf_http_request *req, sf_error *err)
{
	if (req->state == REQ_DONE)
		return SF_OK;
	if (req->state != REQ_FAILED)
		return SF_WAIT;
	if (err != NULL && !sf_error_is_set(err))
		*err = req->error;
	return SF_FAILED;
}

const char *
sf_http_body(const sf_http_request *req, size_t *len)
{
	*len = req->text.len;
	return sf_buf_text(&req->text);
}

const sf_http_headers *
sf_http_response(const sf_http_request *req)
{
	return &req->headers;
}

bool
sf_http_has_headers(const sf_http_request *req)
{
	/* bytes of the body, or the end: only then no further header line follows */
	return sf_http_is_success(req->headers.status) &&
		   (req->streamed || req->state == REQ_DONE);
}

sf_status
sf_http_read(sf_http_request *req, const char **data, size_t *len, sf_error *err)
{
	*data = sf_chunk_peek(&req->queue, len);
	if (*data != NULL)
		return SF_OK;
	switch (sf_http_check(req, err))
	{
		case SF_OK:
			return SF_DONE;
		case SF_FAILED:
			return SF_FAILED;
		default:
			return SF_WAIT;
	}
}

void
sf_http_consume(sf_http_request *req, size_t n)
{
	sf_chunk_consume(&req->queue, &req->http->pool, n);
	if (req->paused && !req->resume && req->queue.bytes <= sf_http_stream_limit(req->http) / 2)
	{
		req->resume = true;
		sf_http_kick(req->http);
	}
}

size_t
sf_http_waiting(const sf_http_request *req)
{
	return req->queue.bytes;
}

bool
sf_http_outcome_unknown(const sf_http_request *req)
{
	return req->outcome_unknown;
}

bool
sf_http_may_have_acted(const sf_http_request *req)
{
	return req->may_have_acted;
}

bool
sf_http_was_sent(const sf_http_request *req)
{
	return req->sent;
}

void
sf_http_no_more_attempts(sf_http_request *req)
{
	req->no_more = true;
	if (req->state == REQ_BACKOFF || req->state == REQ_WAITING)
	{
		sf_error_set(&req->error, SF_ERR_NETWORK, "could not %s: given up", req->doing);
		sf_http_finish(req, REQ_FAILED);
	}
}

void
sf_http_get_cost(const sf_http_request *req, sf_http_cost *cost)
{
	*cost = req->cost;
}

void
sf_http_add_cost(sf_http_cost *sum, const sf_http_request *req)
{
	sum->calls += req->cost.calls;
	sum->retries += req->cost.retries;
	sum->wire_bytes += req->cost.wire_bytes;
	sum->text_bytes += req->cost.text_bytes;
}

void
sf_http_settle(sf_http_request **req, sf_http_cost *sum)
{
	if (*req == NULL)
		return;
	sf_http_add_cost(sum, *req);
	sf_http_end(*req);
	*req = NULL;
}

/* What one stream may hold back, while so many share what a session may hold. */
size_t
sf_http_stream_limit(const sf_http *h)
{
	size_t limit = SF_STREAM_BYTES_ALL / (size_t) (h->nstreams > 0 ? h->nstreams : 1);

	if (limit > SF_STREAM_BYTES)
		limit = SF_STREAM_BYTES;
	if (limit < SF_STREAM_BYTES_MIN)
		limit = SF_STREAM_BYTES_MIN;
	return limit;
}

bool
sf_http_is_success(int status)
{
	return status >= 200 && status < 300;
}

int64_t
sf_http_stall_time(const sf_http_request *req)
{
	if (req->state != REQ_RUNNING || req->paused)
		return SF_MUX_NEVER;
	return req->moved_at + req->http->away + req->http->request_timeout_ms;
}

sf_status
sf_http_arm(sf_http *h, sf_error *err)
{
	int64_t at = h->curl_due < h->wake_at ? h->curl_due : h->wake_at;

	for (const sf_http_request *req = h->first; req != NULL; req = req->next)
	{
		int64_t t = req->state == REQ_BACKOFF ? req->retry_at : sf_http_stall_time(req);

		if (t < at)
			at = t;
	}
	if (h->progress || sf_http_has_work(h))
		at = sf_mux_now();
	if (sf_mux_set_timer(h->mux, at, err) != SF_OK)
		return SF_FAILED;
	h->timer_at = at;
	return SF_OK;
}
