/*
 * peer.c
 *		A scripted HTTP server on a loopback port, and a driver for the client against it.
 */
#include "peer.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#define CONNECTIONS_MAX 256
#define REQUEST_MAX		(12 * 1024 * 1024) /* a batch of Bulk API 1.0 fits */

struct peer
{
	int listener;
	char url[64];
	peer_rule *rules;
	int nrules;
	char **last; /* per rule: its last request */
	char *shown;
	int requests;
	int unexpected;
	bool stopping;
	pthread_mutex_t lock;
	pthread_t acceptor;
	int nconnections;
	int sockets[CONNECTIONS_MAX];
	pthread_t threads[CONNECTIONS_MAX];
};

typedef struct connection
{
	peer *p;
	int index;
	int fd;
	char in[REQUEST_MAX];
	size_t len;
} connection;

/* ---- one connection ---------------------------------------------------------------- */

static bool
send_all(int fd, const char *data, size_t len, size_t split)
{
	while (len > 0)
	{
		size_t n = split > 0 && split < len ? split : len;
		ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data += sent;
		len -= (size_t) sent;
	}
	return true;
}

static bool rule_fits(const peer_rule *r, const char *request);

/*
 * Length of a chunked body that is whole, 0 of one that is not.  With out, its chunks are put together
 * there; *len is their length.
 */
static size_t
chunked_length(const char *body, size_t have, char *out, size_t *len)
{
	size_t at = 0;

	*len = 0;
	for (;;)
	{
		const char *line = memchr(body + at, '\n', have - at);
		size_t n = strtoul(body + at, NULL, 16);

		if (line == NULL || (size_t) (line + 1 - body) + n + 2 > have)
			return 0;
		at = (size_t) (line + 1 - body);
		if (out != NULL)
			memmove(out + *len, body + at, n);
		*len += n;
		at += n + 2;
		if (n == 0)
			return at;
	}
}

/* So much of a body is enough for the rule that fits the head; 0 when all of it is wanted. */
static size_t
early_bytes(peer *p, const char *head)
{
	size_t early = 0;

	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < p->nrules; i++)
	{
		if (rule_fits(&p->rules[i], head))
		{
			early = p->rules[i].early;
			break;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return early;
}

/*
 * Reads one request into c->in; its length with the body, or 0 at the connection's end.  *shown is
 * the length once chunks are put together, which they are when there are any.
 */
static size_t
read_request(connection *c, size_t *shown)
{
	for (;;)
	{
		char *end;
		ssize_t n;

		c->in[c->len] = '\0';
		end = strstr(c->in, "\r\n\r\n");
		if (end != NULL)
		{
			const char *length = strcasestr(c->in, "\r\ncontent-length:");
			size_t head = (size_t) (end + 4 - c->in);
			size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
			const char *chunked = strcasestr(c->in, "\r\ntransfer-encoding: chunked");
			size_t early = early_bytes(c->p, c->in);
			size_t text;

			if (early > 0 && c->len >= head + early)
				return *shown = c->len;
			if (chunked != NULL && chunked < end)
			{
				body = chunked_length(c->in + head, c->len - head, NULL, &text);
				if (body > 0)
				{
					/* what the next request starts with is not overwritten: text is shorter */
					chunked_length(c->in + head, body, c->in + head, &text);
					*shown = head + text;
					return head + body;
				}
			}
			else if (c->len >= head + body)
				return *shown = head + body;
		}
		if (c->len >= REQUEST_MAX - 1)
			return 0;
		n = recv(c->fd, c->in + c->len, REQUEST_MAX - 1 - c->len, 0);
		if (n <= 0)
			return 0;
		c->len += (size_t) n;
	}
}

static bool
rule_fits(const peer_rule *r, const char *request)
{
	const char *path = strchr(request, ' ');
	size_t n;

	if (r->times > 0 && r->used >= r->times)
		return false;
	if (path == NULL ||
		(r->method != NULL && (strncmp(request, r->method, strlen(r->method)) != 0 ||
							   request[strlen(r->method)] != ' ')))
		return false;
	path++;
	n = strlen(r->path);
	if (n > 0 && r->path[n - 1] == '$')
	{
		if (strncmp(path, r->path, n - 1) != 0 || path[n - 1] != ' ')
			return false;
	}
	else if (strncmp(path, r->path, n) != 0)
		return false;
	return r->holds == NULL || strstr(request, r->holds) != NULL;
}

/* Which rule answers; -1 for none. */
static int
find_rule(peer *p, const char *request)
{
	int found = -1;

	pthread_mutex_lock(&p->lock);
	p->requests++;
	for (int i = 0; i < p->nrules && found < 0; i++)
	{
		if (!rule_fits(&p->rules[i], request))
			continue;
		p->rules[i].used++;
		free(p->last[i]);
		p->last[i] = strdup(request);
		found = i;
	}
	if (found < 0)
	{
		p->unexpected++;
		fprintf(stderr, "# unexpected: %.*s\n", (int) strcspn(request, "\r\n"), request);
	}
	pthread_mutex_unlock(&p->lock);
	return found;
}

/* The body with the base URL put in; *len is its length. */
static char *
make_body(const peer *p, const peer_rule *r, size_t *len)
{
	const char *body = r->body != NULL ? r->body : "";
	const char *mark = r->body_len == 0 ? strstr(body, "%b") : NULL;
	char *out;

	*len = r->body_len > 0 ? r->body_len : strlen(body);
	out = malloc(*len + strlen(p->url) + 1);
	if (out == NULL)
		abort();
	if (mark == NULL)
		memcpy(out, body, *len);
	else
		*len = (size_t) sprintf(out, "%.*s%s%s", (int) (mark - body), body, p->url, mark + 2);
	return out;
}

/* Answers; false when the connection is to be closed. */
static bool
answer(connection *c, const peer_rule *r)
{
	char head[4096];
	size_t len;
	char *body;
	bool good;

	if (r->hang)
	{
		char byte;

		while (recv(c->fd, &byte, 1, 0) > 0)
			;
		return false;
	}
	if (r->status == 0)
		return false;
	body = make_body(c->p, r, &len);
	if (r->status == 204)
		snprintf(head, sizeof(head), "HTTP/1.1 204 No Content\r\n%s\r\n",
				 r->headers != NULL ? r->headers : "");
	else
		snprintf(head, sizeof(head), "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\n%s\r\n",
				 r->status, len, r->headers != NULL ? r->headers : "");
	good = send_all(c->fd, head, strlen(head), 0) &&
		   send_all(c->fd, body, r->cut > 0 ? r->cut : len, r->split) && r->cut == 0;
	free(body);
	return good;
}

static void *
serve_connection(void *arg)
{
	connection *c = arg;
	peer *p = c->p;
	size_t n;
	size_t shown;
	bool good = true;

	while (good && (n = read_request(c, &shown)) > 0)
	{
		static const peer_rule not_found = {
			.status = 404,
			.body = "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"no rule for this\"}]"};
		char after = c->in[shown];
		int rule;

		c->in[shown] = '\0';
		rule = find_rule(p, c->in);
		c->in[shown] = after;
		memmove(c->in, c->in + n, c->len - n);
		c->len -= n;
		good = answer(c, rule >= 0 ? &p->rules[rule] : &not_found);
		if (rule >= 0 && p->rules[rule].early > 0 && p->rules[rule].status != 0 &&
			p->rules[rule].cut == 0)
		{
			/* what else comes is read, so that the answer is not lost with the connection */
			while (recv(c->fd, c->in, REQUEST_MAX - 1, 0) > 0)
				;
			good = false;
		}
	}
	pthread_mutex_lock(&p->lock);
	close(c->fd);
	p->sockets[c->index] = -1;
	pthread_mutex_unlock(&p->lock);
	free(c);
	return NULL;
}

static void *
accept_connections(void *arg)
{
	peer *p = arg;

	for (;;)
	{
		int fd = accept(p->listener, NULL, NULL);
		connection *c;
		int one = 1;

		if (fd < 0 && errno == EINTR)
			continue;
		pthread_mutex_lock(&p->lock);
		if (fd < 0 || p->stopping || p->nconnections >= CONNECTIONS_MAX)
		{
			pthread_mutex_unlock(&p->lock);
			if (fd >= 0)
				close(fd);
			return NULL;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c = calloc(1, sizeof(*c));
		if (c == NULL)
			abort();
		c->p = p;
		c->fd = fd;
		c->index = p->nconnections++;
		p->sockets[c->index] = fd;
		if (pthread_create(&p->threads[c->index], NULL, serve_connection, c) != 0)
			abort();
		pthread_mutex_unlock(&p->lock);
	}
}

/* ---- the peer ---------------------------------------------------------------------- */

peer *
peer_start(peer_rule *rules, int nrules)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t len = sizeof(addr);
	peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->rules = rules;
	p->nrules = nrules;
	p->last = calloc((size_t) nrules + 1, sizeof(*p->last));
	pthread_mutex_init(&p->lock, NULL);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->last == NULL || p->listener < 0 ||
		bind(p->listener, (struct sockaddr *) &addr, sizeof(addr)) != 0 ||
		listen(p->listener, 64) != 0 ||
		getsockname(p->listener, (struct sockaddr *) &addr, &len) != 0)
	{
		perror("peer_start");
		exit(1);
	}
	snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%d", ntohs(addr.sin_port));
	if (pthread_create(&p->acceptor, NULL, accept_connections, p) != 0)
		abort();
	return p;
}

const char *
peer_url(const peer *p)
{
	return p->url;
}

int
peer_used(peer *p, int rule)
{
	int n;

	pthread_mutex_lock(&p->lock);
	n = p->rules[rule].used;
	pthread_mutex_unlock(&p->lock);
	return n;
}

int
peer_requests(peer *p)
{
	int n;

	pthread_mutex_lock(&p->lock);
	n = p->requests;
	pthread_mutex_unlock(&p->lock);
	return n;
}

int
peer_unexpected(peer *p)
{
	int n;

	pthread_mutex_lock(&p->lock);
	n = p->unexpected;
	pthread_mutex_unlock(&p->lock);
	return n;
}

const char *
peer_last_request(peer *p, int rule)
{
	pthread_mutex_lock(&p->lock);
	free(p->shown);
	p->shown = strdup(p->last[rule] != NULL ? p->last[rule] : "");
	pthread_mutex_unlock(&p->lock);
	return p->shown;
}

void
peer_stop(peer *p)
{
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	shutdown(p->listener, SHUT_RDWR);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->acceptor, NULL);
	close(p->listener);
	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < p->nconnections; i++)
	{
		if (p->sockets[i] >= 0)
			shutdown(p->sockets[i], SHUT_RDWR);
	}
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->nconnections; i++)
		pthread_join(p->threads[i], NULL);
	for (int i = 0; i < p->nrules; i++)
		free(p->last[i]);
	free(p->last);
	free(p->shown);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* ---- driving a session ------------------------------------------------------------- */

bool
drive(sf_session *s)
{
	sf_error err = {0};

	switch (sf_session_step(s, &err))
	{
		case SF_STEP_FAILED:
			fprintf(stderr, "# session failed: %s\n", err.message);
			return false;
		case SF_STEP_READY:
			return true;
		default:
			break;
	}
	if (poll(&(struct pollfd){.fd = sf_session_fd(s), .events = POLLIN}, 1, PEER_PATIENCE_MS) >
		0)
		return true;
	fprintf(stderr, "# nothing happened for %d ms\n", PEER_PATIENCE_MS);
	return false;
}

sf_status
read_all(sf_session *s, sf_query *q, int ncolumns, char *out, size_t size, sf_error *err)
{
	size_t len = 0;
	sf_status st;

	if (size > 0)
		out[0] = '\0';
	for (;;)
	{
		sf_value *values;

		st = sf_query_next_row(q, &values, err);
		if (st == SF_DONE || st == SF_FAILED)
			return st;
		if (st == SF_WAIT)
		{
			if (!drive(s))
				return SF_WAIT;
			continue;
		}
		for (int i = 0; i < ncolumns && len + 64 < size; i++)
			len += (size_t) snprintf(out + len, size - len, "%s%s", i > 0 ? "|" : "",
									 values[i].data != NULL ? values[i].data : "-");
		if (len + 2 < size)
			len += (size_t) snprintf(out + len, size - len, ";");
	}
}

void
drive_cleanup(sf_session *s)
{
	while (sf_session_cleanup_pending(s) > 0)
	{
		if (!drive(s))
			return;
	}
}

int
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

char *
gzip_text(const char *text, size_t len, size_t *gzip_len)
{
	z_stream z = {0};
	size_t room = len + len / 10 + 256;
	char *out = malloc(room);

	if (out == NULL || deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_in = (Bytef *) text;
	z.avail_in = (uInt) len;
	z.next_out = (Bytef *) out;
	z.avail_out = (uInt) room;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	*gzip_len = z.total_out;
	deflateEnd(&z);
	return out;
}
