/*
 * respond.c
 *		Answers: JSON, error arrays, headers, pretty-printing, compression.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "server.h"

sim_buf *
srv_json(srv_request *req, int status)
{
	srv_response *resp = &req->resp;

	resp->status = status;
	snprintf(resp->content_type, sizeof(resp->content_type), "application/json;charset=UTF-8");
	sim_buf_reset(&resp->body);
	return &resp->body;
}

void
srv_text(srv_request *req, int status, const char *content_type, const char *text)
{
	srv_response *resp = &req->resp;

	resp->status = status;
	snprintf(resp->content_type, sizeof(resp->content_type), "%s",
			 content_type ? content_type : "");
	sim_buf_reset(&resp->body);
	if (text)
		sim_buf_str(&resp->body, text);
}

void
srv_error(srv_request *req, int status, const char *code, const char *fmt, ...)
{
	sim_buf message = {0};
	sim_buf *b = srv_json(req, status);
	/* what is refused in front of the resource looks the same everywhere */
	bool bulk = req->nsegs > 3 && strcasecmp(req->segs[3], "jobs") == 0 &&
				strcmp(code, "INVALID_SESSION_ID") != 0 &&
				strcmp(code, "REQUEST_LIMIT_EXCEEDED") != 0;
	va_list args;
	char text[2048];

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	sim_json_string(&message, text, strlen(text));

	/* codes are our own constants: nothing in them needs escaping */
	if (bulk || strcmp(code, "NOT_FOUND") == 0 || strcmp(code, "METHOD_NOT_ALLOWED") == 0)
		sim_buf_printf(b, "[{\"errorCode\":\"%s\",\"message\":%s}]", code, message.data);
	else
		sim_buf_printf(b, "[{\"message\":%s,\"errorCode\":\"%s\"}]", message.data, code);
	sim_buf_free(&message);
}

void
srv_not_found(srv_request *req)
{
	srv_error(req, 404, "NOT_FOUND", "The requested resource does not exist");
}

void
srv_engine_error(srv_request *req, const sim_error *err)
{
	int status = strcmp(err->code, "UNKNOWN_EXCEPTION") == 0 ? 500 : 400;
	bool bulk = req->nsegs > 3 && strcasecmp(req->segs[3], "jobs") == 0;
	sim_buf *b = srv_json(req, status);

	sim_buf_char(b, '[');
	sim_error_json(err, bulk ? SIM_ERROR_JOB : SIM_ERROR_REST, b);
	sim_buf_char(b, ']');
}

void
srv_set_header(srv_response *resp, const char *name, const char *value)
{
	srv_header *h = NULL;

	for (int i = 0; i < resp->nheaders; i++)
	{
		if (strcasecmp(resp->headers[i].name, name) != 0)
			continue;
		h = &resp->headers[i];
		if (value == NULL)
		{
			free(h->name);
			free(h->value);
			*h = resp->headers[--resp->nheaders];
			return;
		}
		free(h->value);
		h->value = strdup(value);
		if (h->value == NULL)
			h->value = strdup("");
		return;
	}
	if (value)
		srv_add_header(resp, name, value);
}

void
srv_add_header(srv_response *resp, const char *name, const char *value)
{
	srv_header *h;

	if (resp->nheaders == SRV_MAX_HEADERS)
		return;
	h = &resp->headers[resp->nheaders];
	h->name = strdup(name);
	h->value = strdup(value);
	if (h->name && h->value)
		resp->nheaders++;
	else
	{
		free(h->name);
		free(h->value);
	}
}

void
srv_set_headerf(srv_response *resp, const char *name, const char *fmt, ...)
{
	char value[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	srv_set_header(resp, name, value);
}

const char *
srv_get_header(const srv_response *resp, const char *name)
{
	for (int i = 0; i < resp->nheaders; i++)
		if (strcasecmp(resp->headers[i].name, name) == 0)
			return resp->headers[i].value;
	return NULL;
}

void
srv_response_reset(srv_response *resp)
{
	for (int i = 0; i < resp->nheaders; i++)
	{
		free(resp->headers[i].name);
		free(resp->headers[i].value);
	}
	sim_buf_free(&resp->body);
	free(resp->file);
	free(resp->file_gz);
	memset(resp, 0, sizeof(*resp));
}

static void
newline(sim_buf *out, int depth)
{
	sim_buf_char(out, '\n');
	for (int i = 0; i < depth; i++)
		sim_buf_str(out, "  ");
}

/*
 * The layout of recorded answers: members on lines of their own, " : " after a
 * key, arrays on the line of their bracket.  Objects indent, arrays do not.
 */
void
srv_pretty_json(const sim_buf *in, sim_buf *out)
{
	int depth = 0;
	bool array_at[256] = {false}; /* the container of each nesting level */
	int level = 0;

	for (size_t i = 0; i < in->len; i++)
	{
		char c = in->data[i];

		if (c == '"')
		{
			size_t start = i++;

			while (i < in->len && in->data[i] != '"')
				i += in->data[i] == '\\' ? 2 : 1;
			sim_buf_add(out, in->data + start, i + 1 - start);
		}
		else if (c == '{' || c == '[')
		{
			char closing = c == '{' ? '}' : ']';

			sim_buf_char(out, c);
			if (i + 1 < in->len && in->data[i + 1] == closing)
			{
				sim_buf_char(out, ' ');
				sim_buf_char(out, closing);
				i++;
				continue;
			}
			if (level < 255)
				level++;
			array_at[level] = c == '[';
			if (c == '{')
				newline(out, ++depth);
			else
				sim_buf_char(out, ' ');
		}
		else if (c == '}' || c == ']')
		{
			if (c == '}')
				newline(out, --depth);
			else
				sim_buf_char(out, ' ');
			if (level > 0)
				level--;
			sim_buf_char(out, c);
		}
		else if (c == ',')
		{
			sim_buf_char(out, ',');
			if (array_at[level])
				sim_buf_char(out, ' ');
			else
				newline(out, depth);
		}
		else if (c == ':')
			sim_buf_str(out, " : ");
		else
			sim_buf_char(out, c);
	}
}

/* Bodies up to so many bytes are compressed with a window of 2^SMALL_WINDOW. */
#define SMALL_BODY	 4096
#define SMALL_WINDOW 12

bool
srv_gzip(const void *data, size_t len, int level, sim_buf *out)
{
	z_stream z = {0};
	size_t bound;
	char *dst;
	int rc;

	bool small = len <= SMALL_BODY;

	/* a short text needs no large window, whose tables cost more to clear than the text to compress */
	if (deflateInit2(&z, level, Z_DEFLATED, (small ? SMALL_WINDOW : 15) + 16, small ? 5 : 8,
					 Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	bound = deflateBound(&z, len);
	dst = sim_buf_reserve(out, bound);
	if (dst == NULL || len > UINT32_MAX || bound > UINT32_MAX)
	{
		deflateEnd(&z);
		return false;
	}
	z.next_in = (Bytef *) (uintptr_t) data;
	z.avail_in = (uInt) len;
	z.next_out = (Bytef *) dst;
	z.avail_out = (uInt) bound;
	rc = deflate(&z, Z_FINISH);
	out->len += bound - z.avail_out;
	deflateEnd(&z);
	return rc == Z_STREAM_END;
}

bool
srv_read_file(const char *path, sim_buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *dst;
	size_t got = 0;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) != 0 || (dst = sim_buf_reserve(out, (size_t) st.st_size + 1)) == NULL)
	{
		close(fd);
		return false;
	}
	while (got < (size_t) st.st_size)
	{
		ssize_t n = read(fd, dst + got, (size_t) st.st_size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t) n;
	}
	dst[got] = '\0';
	out->len += got;
	close(fd);
	return got == (size_t) st.st_size;
}

bool
srv_load_file(srv_response *resp)
{
	bool ok;

	if (resp->file == NULL)
		return true;
	sim_buf_reset(&resp->body);
	ok = srv_read_file(resp->file, &resp->body);
	free(resp->file);
	free(resp->file_gz);
	resp->file = resp->file_gz = NULL;
	return ok;
}

static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
										  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void
srv_http_date(int64_t seconds, char out[40])
{
	time_t t = (time_t) seconds;
	struct tm tm;

	/* not strftime: the names must be English in every locale */
	gmtime_r(&t, &tm);
	snprintf(out, 40, "%s, %02d %s %04d %02d:%02d:%02d GMT", day_names[tm.tm_wday % 7],
			 tm.tm_mday % 32, month_names[tm.tm_mon % 12], (tm.tm_year + 1900) % 10000,
			 tm.tm_hour % 24, tm.tm_min % 60, tm.tm_sec % 61);
}

int64_t
srv_parse_http_date(const char *text)
{
	struct tm tm = {0};
	char month[4];
	int used = 0;

	if (sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &tm.tm_year,
			   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6 ||
		used == 0)
		return -1;
	tm.tm_year -= 1900;
	for (tm.tm_mon = 0; tm.tm_mon < 12; tm.tm_mon++)
		if (strcasecmp(month, month_names[tm.tm_mon]) == 0)
			return (int64_t) timegm(&tm);
	return -1;
}

static int64_t
clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
srv_now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t
srv_mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

void
srv_random_text(char *out, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
	size_t got = 0;

	while (got < n)
	{
		ssize_t r = getrandom(out + got, n - got, 0);

		if (r > 0)
			got += (size_t) r;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = digits[(unsigned char) out[i] & 63];
	out[n] = '\0';
}
