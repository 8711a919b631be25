/*
 * log_redact.c
 *		Secrets do not get into the request log.
 *
 * Authorization is shown as its scheme and a hash (two requests with the same token show the
 * same), secret parameters and members of the OAuth endpoints, SOAP passwords and session ids
 * as three stars.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "body.h"
#include "reqlog.h"

/* Parameters of forms and queries, members of JSON and XML. */
static const char *const secrets[] = {"client_secret", "password",	   "assertion",
									  "refresh_token", "access_token", "token",
									  "oauth_token",   "code",		   "id_token",
									  "code_verifier", "sid",		   "client_assertion"};

#define NSECRETS (sizeof(secrets) / sizeof(*secrets))

static bool
secret_param(const char *name, size_t len)
{
	char plain[64];

	if (len >= sizeof(plain))
		return false;
	memcpy(plain, name, len);
	len = srv_url_decode(plain, len, true);
	for (size_t i = 0; i < NSECRETS; i++)
		if (strlen(secrets[i]) == len && strncasecmp(secrets[i], plain, len) == 0)
			return true;
	return false;
}

/* A form with the secret values starred. */
static void
redact_form(const char *form, size_t len, sim_buf *out)
{
	const char *p = form;
	const char *end = form + len;

	while (p < end)
	{
		const char *amp = memchr(p, '&', (size_t) (end - p));
		const char *stop = amp ? amp : end;
		const char *eq = memchr(p, '=', (size_t) (stop - p));

		if (eq && secret_param(p, (size_t) (eq - p)))
		{
			sim_buf_add(out, p, (size_t) (eq + 1 - p));
			sim_buf_str(out, "***");
		}
		else
			sim_buf_add(out, p, (size_t) (stop - p));
		if (amp)
			sim_buf_char(out, '&');
		p = amp ? amp + 1 : end;
	}
}

/* Does the tag (from its "<" on) open an element whose text is secret? */
static bool
secret_tag(const char *tag, size_t len)
{
	static const char *const more[] = {"sessionId", "serverSecret"};

	if (len < 3 || tag[1] == '/')
		return false;
	for (size_t i = 0; i < NSECRETS; i++)
		if (strlen(secrets[i]) > 4 && memmem(tag, len, secrets[i], strlen(secrets[i])))
			return true;
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
		if (memmem(tag, len, more[i], strlen(more[i])))
			return true;
	return false;
}

/* XML with the contents of passwords, tokens and session ids starred. */
static void
redact_xml(const char *xml, size_t len, sim_buf *out)
{
	const char *p = xml;
	const char *end = xml + len;

	while (p < end)
	{
		const char *gt = memchr(p, '>', (size_t) (end - p));
		const char *stop = gt ? gt + 1 : end;
		const char *next = gt ? memchr(stop, '<', (size_t) (end - stop)) : NULL;
		bool secret = secret_tag(p, (size_t) (stop - p));

		/* one tag, and the text up to the next; a secret may hold an unescaped "<" */
		sim_buf_add(out, p, (size_t) (stop - p));
		if (secret)
			next = memmem(stop, (size_t) (end - stop), "</", 2);
		if (next == NULL)
			next = end;
		if (secret && next > stop)
			sim_buf_str(out, "***");
		else
			sim_buf_add(out, stop, (size_t) (next - stop));
		p = next;
	}
}

/* The end of a JSON string that begins at the quote p: its closing quote, or the end. */
static const char *
string_end(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p : end;
}

/* JSON with the secret members starred. */
static void
redact_json(const char *text, size_t len, sim_buf *out)
{
	const char *end = text + len;
	const char *from = text;
	bool secret = false; /* the string before was the name of a secret */

	for (const char *p = text; p < end; p++)
	{
		const char *q;

		if (*p != '"')
		{
			secret = secret && strchr(" \t\r\n:", *p) != NULL;
			continue;
		}
		q = string_end(p, end);
		if (secret)
		{
			sim_buf_add(out, from, (size_t) (p + 1 - from));
			sim_buf_str(out, "***");
			from = q;
		}
		secret = !secret && secret_param(p + 1, (size_t) (q - p - 1));
		p = q;
	}
	sim_buf_add(out, from, (size_t) (end - from));
}

/* By what it looks like: OAuth answers come in all three. */
static void
redact_any(const char *text, size_t len, sim_buf *out)
{
	size_t i = 0;

	while (i < len && strchr(" \t\r\n", text[i]))
		i++;
	if (i < len && text[i] == '<')
		redact_xml(text, len, out);
	else if (i < len && (text[i] == '{' || text[i] == '['))
		redact_json(text, len, out);
	else
		redact_form(text, len, out);
}

/* Do bodies of this path hold secrets? */
static bool
secret_path(const char *path)
{
	size_t len = strlen(path);

	return strncasecmp(path, "/services/oauth2/", 17) == 0 ||
		   strncasecmp(path, "/services/Soap/", 15) == 0 || strncmp(path, "/id/", 4) == 0 ||
		   (len > 9 && strcasecmp(path + len - 9, "/password") == 0);
}

static void
redact_body(const srv_request *req, const sim_buf *body, size_t most, sim_buf *out,
			int64_t *len)
{
	const char *data = body->data ? body->data : "";
	size_t n = strlen(req->path);

	if (n > 9 && strcasecmp(req->path + n - 9, "/password") == 0)
		sim_buf_str(out, body->len ? "***" : "");
	else
		redact_any(data, body->len, out);
	*len = (int64_t) out->len;
	if (out->len > most)
		out->len = most;
}

void
log_query_text(const srv_request *req, sim_buf *out)
{
	sim_buf_str(out, "");
	redact_form(req->query, strlen(req->query), out);
}

void
log_request_text(const srv_request *req, size_t most, sim_buf *out, int64_t *len)
{
	if (secret_path(req->path))
		redact_body(req, &req->body, most, out, len);
	else
	{
		*len = body_length(req);
		body_read(req, most, out);
	}
}

void
log_answer_text(const srv_request *req, size_t most, sim_buf *out, int64_t *len)
{
	const sim_buf *body = &req->resp.body;

	if (body->len > 0 && secret_path(req->path))
	{
		redact_body(req, body, most, out, len);
		return;
	}
	*len = (int64_t) body->len;
	if (body->len > 0)
		sim_buf_add(out, body->data, body->len < most ? body->len : most);
}

/* "Bearer #1a2b3c4d": equal for equal values, and nobody can log in with it. */
static void
hash_of(const char *value, char out[64])
{
	size_t scheme = strcspn(value, " ");
	uint32_t h = 2166136261u;

	for (const char *p = value; *p; p++)
		h = (h ^ (unsigned char) *p) * 16777619u;
	if (value[scheme] != ' ' || scheme > 15)
		scheme = 0;
	snprintf(out, 64, "%.*s%s#%08x", (int) scheme, value, scheme ? " " : "", h);
}

char *
log_headers(const srv_header *headers, int n, bool answer)
{
	sim_buf b = {0};
	const char *sep = "";

	if (sim_buf_reserve(&b, 512) == NULL)
		return NULL;
	sim_buf_char(&b, '{');
	for (int i = 0; i < n; i++)
	{
		const char *name = headers[i].name;
		const char *value = headers[i].value;
		char hash[64];

		if (answer && strncasecmp(name, "Sforce-", 7) != 0 &&
			strncasecmp(name, "Content-", 8) != 0 && strcasecmp(name, "Retry-After") != 0 &&
			strcasecmp(name, "Location") != 0)
			continue;
		if (strcasecmp(name, "Authorization") == 0 ||
			strcasecmp(name, "X-SFDC-Session") == 0 || strcasecmp(name, "Cookie") == 0)
		{
			hash_of(value, hash);
			value = hash;
		}
		sim_buf_str(&b, sep);
		sim_json_string(&b, name, strlen(name));
		sim_buf_char(&b, ':');
		sim_json_string(&b, value, strlen(value));
		sep = ",";
	}
	sim_buf_char(&b, '}');
	return b.data;
}
