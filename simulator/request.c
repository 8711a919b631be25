/*
 * request.c
 *		Requests taken apart: URI, path segments, parameters, encodings.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "body.h"
#include "server.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

size_t
srv_url_decode(char *s, size_t len, bool plus)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (s[i] == '%' && i + 2 < len && hex_digit(s[i + 1]) >= 0 && hex_digit(s[i + 2]) >= 0)
		{
			s[out++] = (char) (hex_digit(s[i + 1]) * 16 + hex_digit(s[i + 2]));
			i += 2;
		}
		else if (s[i] == '+' && plus)
			s[out++] = ' ';
		else
			s[out++] = s[i];
	}
	return out;
}

void
srv_url_encode(sim_buf *out, const char *s)
{
	for (; *s; s++)
	{
		unsigned char c = (unsigned char) *s;

		if (isalnum(c) || strchr("-._~", c))
			sim_buf_char(out, (char) c);
		else
			sim_buf_printf(out, "%%%02X", c);
	}
}

/*
 * Cut the raw path at its slashes, decode each piece.  A trailing slash is
 * tolerated (Data Loader sends "results/?locator="), and so are slashes too many
 * in front: an instance URL that ends in one makes "//services/data" in several
 * clients, the sf CLI among them.  An empty piece anywhere else is not: a
 * doubled slash answers 404.
 */
static void
split_path(srv_request *req, const char *raw, size_t len)
{
	const char *p = raw;
	const char *end = raw + len;

	req->nsegs = 0;
	if (p >= end || *p != '/')
	{
		req->nsegs = -1;
		return;
	}
	while (p + 1 < end && p[1] == '/')
		p++;
	while (p < end)
	{
		const char *next = memchr(p + 1, '/', (size_t) (end - p - 1));
		size_t n;
		char *seg;

		if (next == NULL)
			next = end;
		n = (size_t) (next - p - 1);
		if (n == 0 && next == end)
			break;
		seg = (n == 0 || req->nsegs == SRV_MAX_SEGS) ? NULL : strndup(p + 1, n);
		if (seg == NULL)
		{
			for (int i = 0; i < req->nsegs; i++)
				free(req->segs[i]);
			req->nsegs = -1;
			return;
		}
		seg[srv_url_decode(seg, n, false)] = '\0';
		req->segs[req->nsegs++] = seg;
		p = next;
	}
}

srv_request *
srv_request_new(srv *s, const char *uri)
{
	srv_request *req = calloc(1, sizeof(*req));
	const char *q;
	size_t n;

	if (req == NULL)
		return NULL;
	req->srv = s;

	/* a client that takes this for a proxy sends the whole URL */
	if (strncasecmp(uri, "http://", 7) == 0 || strncasecmp(uri, "https://", 8) == 0)
	{
		uri = strchr(strstr(uri, "//") + 2, '/');
		if (uri == NULL)
			uri = "/";
	}
	req->uri = strdup(uri);
	if (req->uri == NULL)
	{
		free(req);
		return NULL;
	}
	q = strchr(req->uri, '?');
	req->query = q ? q + 1 : "";
	n = q ? (size_t) (q - req->uri) : strlen(req->uri);
	req->path = strndup(req->uri, n);
	if (req->path == NULL)
	{
		free(req->uri);
		free(req);
		return NULL;
	}
	split_path(req, req->path, n);
	req->path[srv_url_decode(req->path, n, false)] = '\0';
	return req;
}

void
srv_request_free(srv_request *req)
{
	if (req == NULL)
		return;
	for (int i = 0; i < req->nsegs; i++)
		free(req->segs[i]);
	for (int i = 0; i < req->nheaders; i++)
	{
		free(req->headers[i].name);
		free(req->headers[i].value);
	}
	faults_forget(req);
	body_drop(req);
	sim_buf_free(&req->body);
	srv_response_reset(&req->resp);
	free(req->uri);
	free(req->path);
	free(req);
}

void
srv_request_header(srv_request *req, const char *name, const char *value)
{
	srv_header *h;

	if (value == NULL)
		value = "";
	req->header_bytes += strlen(name) + strlen(value) + 4;
	if (req->nheaders == SRV_MAX_HEADERS)
		return;
	h = &req->headers[req->nheaders];
	h->name = strdup(name);
	h->value = strdup(value);
	if (h->name && h->value)
		req->nheaders++;
	else
	{
		free(h->name);
		free(h->value);
	}
}

const char *
srv_header_get(const srv_request *req, const char *name)
{
	for (int i = 0; i < req->nheaders; i++)
		if (strcasecmp(req->headers[i].name, name) == 0)
			return req->headers[i].value;
	return NULL;
}

char *
srv_param(const char *form, const char *name, size_t *len)
{
	size_t nlen = strlen(name);
	const char *p = form;

	while (p && *p)
	{
		const char *end = strchr(p, '&');
		size_t n = end ? (size_t) (end - p) : strlen(p);
		const char *eq = memchr(p, '=', n);
		size_t klen = eq ? (size_t) (eq - p) : n;
		char *key = strndup(p, klen);
		bool hit;

		if (key == NULL)
			return NULL;
		klen = srv_url_decode(key, klen, true);
		hit = klen == nlen && memcmp(key, name, nlen) == 0;
		free(key);
		if (hit)
		{
			size_t vlen = eq ? n - (size_t) (eq + 1 - p) : 0;
			char *value = strndup(eq ? eq + 1 : "", vlen);

			if (value == NULL)
				return NULL;
			vlen = srv_url_decode(value, vlen, true);
			value[vlen] = '\0';
			if (len)
				*len = vlen;
			return value;
		}
		p = end ? end + 1 : NULL;
	}
	return NULL;
}

int64_t
srv_param_int(const srv_request *req, const char *name, int64_t dflt)
{
	char *text = srv_param(req->query, name, NULL);
	int64_t n = -1;

	if (text == NULL)
		return dflt;
	if (*text && strlen(text) <= 18 && strspn(text, "0123456789") == strlen(text))
		n = strtoll(text, NULL, 10);
	free(text);
	return n;
}

unsigned char *
srv_base64_decode(const char *s, size_t len, size_t *outlen)
{
	unsigned char *out;
	size_t n = 0;
	uint32_t bits = 0;
	int nbits = 0;

	while (len > 0 && s[len - 1] == '=')
		len--;
	if (len % 4 == 1)
		return NULL;
	out = malloc(len / 4 * 3 + 4);
	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++)
	{
		int v = sim_base64_digit(s[i]);

		if (v < 0)
		{
			free(out);
			return NULL;
		}
		bits = bits << 6 | (uint32_t) v;
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			out[n++] = (unsigned char) (bits >> nbits);
		}
	}
	out[n] = '\0';
	*outlen = n;
	return out;
}

void
srv_base64url_encode(sim_buf *out, const void *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 3)
	{
		uint32_t v = (uint32_t) p[i] << 16;

		if (i + 1 < len)
			v |= (uint32_t) p[i + 1] << 8;
		if (i + 2 < len)
			v |= p[i + 2];
		sim_buf_char(out, digits[v >> 18 & 63]);
		sim_buf_char(out, digits[v >> 12 & 63]);
		if (i + 1 < len)
			sim_buf_char(out, digits[v >> 6 & 63]);
		if (i + 2 < len)
			sim_buf_char(out, digits[v & 63]);
	}
}

bool
srv_accepts_gzip(const srv_request *req)
{
	const char *p = srv_header_get(req, "Accept-Encoding");

	while (p && *p)
	{
		size_t n = strcspn(p, ",");
		size_t word;

		while (n > 0 && (*p == ' ' || *p == '\t'))
		{
			p++;
			n--;
		}
		word = strcspn(p, ",; \t");
		if (word > n)
			word = n;
		if (word == 4 && strncasecmp(p, "gzip", 4) == 0)
		{
			const char *q = memchr(p, '=', n);

			/* "gzip;q=0" and "q=0.000" refuse it */
			return q == NULL || strtod(q + 1, NULL) > 0;
		}
		p += n;
		if (*p == ',')
			p++;
	}
	return false;
}
