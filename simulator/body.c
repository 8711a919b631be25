/*
 * body.c
 *		Bodies of requests while they arrive.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/uio.h>
#include <unistd.h>

#include <zlib.h>

#include "body.h"

/* What the log shows of a body that lies on disk. */
#define HEAD_BYTES 8192

/* Pieces wait in memory until they are so many bytes: chunks as short as a row are no write each. */
#define GATHER_BYTES 65536

struct srv_spool
{
	int64_t max;
	int64_t len;
	bool to_disk; /* may go there */
	bool inflate;
	bool ended; /* the gzip stream is complete */
	z_stream z;
	int fd; /* -1: all is in req->body */
	char path[320];
	size_t gathered;
	char gather[GATHER_BYTES]; /* behind what is in the file */
};

/* Does the request's path fit?  A star stands for one segment. */
static bool
fits(const srv_request *req, const char *pattern)
{
	int i = 0;

	for (const char *p = pattern; *p; i++)
	{
		size_t n = strcspn(p, "/");

		if (i >= req->nsegs ||
			(!(n == 1 && *p == '*') &&
			 (strlen(req->segs[i]) != n || strncasecmp(p, req->segs[i], n) != 0)))
			return false;
		p += n + (p[n] == '/');
	}
	return i == req->nsegs;
}

void
body_begin(srv_request *req)
{
	const char *coding = srv_header_get(req, "Content-Encoding");
	srv_options opt = srv_options_get(req->srv);
	bool upload =
		strcmp(req->method, "PUT") == 0 && fits(req, "services/data/*/jobs/ingest/*/batches");
	/* only what may go to disk has the room to gather, which is the last member */
	struct srv_spool *b = calloc(1, upload ? sizeof(*b) : offsetof(struct srv_spool, gather));

	if (b == NULL)
	{
		req->body_state = BODY_FAILED;
		return;
	}
	req->spool = b;
	b->fd = -1;
	b->to_disk = upload;
	b->max = upload ? (int64_t) opt.max_upload_mb << 20 : (int64_t) SRV_MAX_BODY;
	if (coding && strcasecmp(coding, "gzip") == 0 && (!upload || opt.gzip_upload))
	{
		b->inflate = inflateInit2(&b->z, 15 + 16) == Z_OK;
		if (!b->inflate)
			req->body_state = BODY_FAILED;
	}
}

static bool
write_all(int fd, const char *data, size_t len)
{
	while (len > 0)
	{
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t) n;
	}
	return true;
}

/* Add a piece to the file, in one write with what is gathered, or gather it. */
static bool
file_add(struct srv_spool *b, const char *data, size_t len)
{
	struct iovec parts[2] = {{.iov_base = b->gather, .iov_len = b->gathered},
							 {.iov_base = (void *) (uintptr_t) data, .iov_len = len}};
	size_t first = b->gathered;
	ssize_t n;

	if (first + len < GATHER_BYTES)
	{
		memcpy(b->gather + first, data, len);
		b->gathered += len;
		return true;
	}
	b->gathered = 0;
	do
		n = writev(b->fd, parts, 2);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	if ((size_t) n < first)
		return write_all(b->fd, b->gather + n, first - (size_t) n) &&
			   write_all(b->fd, data, len);
	return write_all(b->fd, data + ((size_t) n - first), len - ((size_t) n - first));
}

/* Move what is in memory to a file of the temporary directory. */
static bool
go_to_disk(srv_request *req)
{
	static atomic_llong number;
	struct srv_spool *b = req->spool;

	snprintf(b->path, sizeof(b->path), "%s/body%lld", req->srv->temp_dir,
			 (long long) atomic_fetch_add(&number, 1));
	b->fd = open(b->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (b->fd < 0 || !write_all(b->fd, req->body.data, req->body.len))
		return false;
	if (req->body.len > HEAD_BYTES)
	{
		req->body.len = HEAD_BYTES;
		req->body.data[HEAD_BYTES] = '\0';
	}
	return true;
}

/* A piece of what the sender meant. */
static void
add_plain(srv_request *req, const char *data, size_t len)
{
	struct srv_spool *b = req->spool;

	if (len == 0 || req->body_state != BODY_GOOD)
		return;
	b->len += (int64_t) len;
	if (b->len > b->max)
		req->body_state = BODY_TOO_BIG;
	else if (b->fd < 0 && (!b->to_disk || req->body.len + len <= SRV_SPOOL_AT))
	{
		sim_buf_add(&req->body, data, len);
		if (req->body.failed)
			req->body_state = BODY_FAILED;
	}
	else if ((b->fd < 0 && !go_to_disk(req)) || !file_add(b, data, len))
		req->body_state = BODY_FAILED;
}

void
body_add(srv_request *req, const char *data, size_t len)
{
	struct srv_spool *b = req->spool;
	char out[65536];

	if (req->body_state != BODY_GOOD || b == NULL)
		return;
	if (!b->inflate)
	{
		add_plain(req, data, len);
		return;
	}
	b->z.next_in = (Bytef *) (uintptr_t) data;
	b->z.avail_in = (uInt) len;
	while ((b->z.avail_in > 0 || b->z.avail_out == 0) && req->body_state == BODY_GOOD)
	{
		int rc;

		if (b->ended)
		{
			/* streams may follow each other */
			if (b->z.avail_in == 0)
				break;
			if (inflateReset(&b->z) != Z_OK)
				req->body_state = BODY_FAILED;
			b->ended = false;
		}
		b->z.next_out = (Bytef *) out;
		b->z.avail_out = sizeof(out);
		rc = inflate(&b->z, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		{
			req->body_state = BODY_MALFORMED;
			break;
		}
		add_plain(req, out, sizeof(out) - b->z.avail_out);
		b->ended = rc == Z_STREAM_END;
		if (rc == Z_BUF_ERROR)
			break;
	}
}

void
body_end(srv_request *req)
{
	struct srv_spool *b = req->spool;

	if (b && b->inflate && !b->ended && req->body_state == BODY_GOOD &&
		(b->z.total_in > 0 || b->len > 0))
		req->body_state = BODY_MALFORMED;
	if (b && b->fd >= 0 && req->body_state == BODY_GOOD &&
		!write_all(b->fd, b->gather, b->gathered))
		req->body_state = BODY_FAILED;
}

void
body_drop(srv_request *req)
{
	struct srv_spool *b = req->spool;

	if (b == NULL)
		return;
	if (b->inflate)
		inflateEnd(&b->z);
	if (b->fd >= 0)
		close(b->fd);
	if (b->path[0])
		unlink(b->path);
	free(b);
	req->spool = NULL;
}

int64_t
body_length(const srv_request *req)
{
	return req->spool ? req->spool->len : (int64_t) req->body.len;
}

void
body_read(const srv_request *req, size_t most, sim_buf *out)
{
	const struct srv_spool *b = req->spool;
	size_t len = (uint64_t) body_length(req) < most ? (size_t) body_length(req) : most;
	size_t got = 0;
	char *dst;

	if (b == NULL || b->fd < 0)
	{
		if (len > 0)
			sim_buf_add(out, req->body.data, len < req->body.len ? len : req->body.len);
		return;
	}
	dst = sim_buf_reserve(out, len);
	while (dst && got < len)
	{
		ssize_t n = pread(b->fd, dst + got, len - got, (off_t) got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t) n;
	}
	if (dst)
		out->len += got;
}

bool
body_save(srv_request *req, const char *path)
{
	struct srv_spool *b = req->spool;
	bool ok;
	int fd;

	if (b && b->fd >= 0)
	{
		ok = rename(b->path, path) == 0;
		if (ok)
			b->path[0] = '\0';
		return ok;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ok = fd >= 0 && write_all(fd, req->body.data ? req->body.data : "", req->body.len);
	if (fd >= 0 && close(fd) != 0)
		ok = false;
	return ok;
}
