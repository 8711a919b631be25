/*
 * sf_http_upload.c
 *		The body of an upload: what its owner gives waits in a ring until curl takes it.
 *
 * A fixed ring and not a queue of chunks: the owner gives as much as there is room for, some hundred
 * bytes or a megabyte, and each byte is copied once in and once out without an allocation.
 */
#include "sf_http_impl.h"

#include <stdlib.h>
#include <string.h>

sf_upload *
sf_upload_new(void)
{
	/* not calloc: 256 kB need not be touched before there is data */
	sf_upload *up = malloc(sizeof(*up));

	if (up != NULL)
		memset(up, 0, offsetof(sf_upload, data));
	return up;
}

bool
sf_upload_is_over(const sf_upload *up)
{
	return up->ended && up->bytes == 0;
}

bool
sf_http_upload_is_whole(const sf_http_request *req)
{
	return sf_upload_is_over(req->upload);
}

bool
sf_upload_answered_early(const sf_http_request *req)
{
	return req->upload != NULL && req->headers.status >= 200 && req->headers.whole &&
		   !sf_upload_is_over(req->upload);
}

/* There is enough for curl again: it is told with the next step. */
static void
resume_if_due(sf_http_request *req)
{
	const sf_upload *up = req->upload;

	if (req->paused && !req->resume && (up->bytes >= SF_UPLOAD_LOW || up->ended))
	{
		req->resume = true;
		sf_http_kick(req->http);
	}
}

size_t
sf_http_upload_put(sf_http_request *req, const char *data, size_t len)
{
	sf_upload *up = req->upload;
	size_t n = sizeof(up->data) - up->bytes;
	size_t at = (up->first + up->bytes) % sizeof(up->data);
	size_t piece = sizeof(up->data) - at;

	if (req->state == REQ_DONE || req->state == REQ_FAILED || up->ended)
		return 0;
	if (n > len)
		n = len;
	if (piece > n)
		piece = n;
	memcpy(up->data + at, data, piece);
	memcpy(up->data, data + piece, n - piece);
	up->bytes += n;
	up->wants_room = n < len;
	resume_if_due(req);
	return n;
}

void
sf_http_upload_end(sf_http_request *req)
{
	if (req->upload->ended)
		return;
	req->upload->ended = true;
	resume_if_due(req);
}

size_t
sf_upload_take(sf_http_request *req, char *out, size_t room)
{
	sf_upload *up = req->upload;
	size_t n = up->bytes;
	size_t piece = sizeof(up->data) - up->first;

	if (!up->ended && n < SF_UPLOAD_LOW)
		return 0;
	if (n > room)
		n = room;
	if (piece > n)
		piece = n;
	memcpy(out, up->data + up->first, piece);
	memcpy(out + piece, up->data, n - piece);
	up->first = (up->first + n) % sizeof(up->data);
	up->bytes -= n;
	up->taken += (int64_t) n;
	if (up->wants_room && n > 0)
	{
		up->wants_room = false;
		req->http->progress = true;
	}
	return n;
}
