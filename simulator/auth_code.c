/*
 * auth_code.c
 *		Flows in which a user is asked: …/authorize with its codes (PKCE), and devices.
 *
 * Nobody sits in front of this org's browser, so the user consents at once; the option approve makes him refuse.
 * Codes live 15 minutes and can be used once, devices have ten minutes (on the org's clock).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "auth.h"
#include "clock.h"

#define CODE_MS		  ((int64_t) 15 * 60 * 1000)
#define DEVICE_MS	  ((int64_t) 10 * 60 * 1000)
#define DEVICE_POLL_S 5
#define MAX_PENDING	  1024

/* A code on its way from the browser to the app, or a device that waits for its user. */
typedef struct pending
{
	char code[AUTH_TOKEN_SIZE];
	char user_code[12]; /* devices */
	char user[SIM_ID_SIZE];
	char scope[AUTH_SCOPE_SIZE];
	char *redirect_uri;
	char challenge[64]; /* of PKCE; empty: none */
	int64_t made;
	int64_t polled;
	bool device;
	bool used; /* a code that was redeemed; a device whose user has answered */
	bool denied;
	struct pending *older;
} pending;

struct auth_codes
{
	pthread_mutex_t lock;
	pending *list; /* newest first */
	int n;
};

auth_codes *
auth_codes_new(void)
{
	auth_codes *c = calloc(1, sizeof(*c));

	if (c)
		pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void
free_pending(pending *p)
{
	free(p->redirect_uri);
	free(p);
}

void
auth_codes_clear(auth_codes *c)
{
	pthread_mutex_lock(&c->lock);
	while (c->list)
	{
		pending *older = c->list->older;

		free_pending(c->list);
		c->list = older;
	}
	c->n = 0;
	pthread_mutex_unlock(&c->lock);
}

void
auth_codes_free(auth_codes *c)
{
	if (c == NULL)
		return;
	auth_codes_clear(c);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Takes it over; the oldest makes room. */
static void
add_pending(auth_codes *c, pending *p)
{
	pthread_mutex_lock(&c->lock);
	p->older = c->list;
	c->list = p;
	if (++c->n > MAX_PENDING)
	{
		pending **at = &c->list;

		while ((*at)->older)
			at = &(*at)->older;
		free_pending(*at);
		*at = NULL;
		c->n--;
	}
	pthread_mutex_unlock(&c->lock);
}

/* By code, or by what the user types; the lock is held. */
static pending *
find_pending(auth_codes *c, const char *text, bool device, bool by_user_code)
{
	for (pending *p = c->list; text && *text && p; p = p->older)
		if (p->device == device &&
			strcasecmp(by_user_code ? p->user_code : p->code, text) == 0)
			return p;
	return NULL;
}

/* ---------------------------------------------------------------- authorize */

static void
redirect(srv_request *req, const char *uri, char separator, const char *params)
{
	sim_buf to = {0};

	sim_buf_str(&to, uri);
	sim_buf_char(&to, separator == '?' && strchr(uri, '?') ? '&' : separator);
	sim_buf_str(&to, params);
	srv_text(req, 302, "text/html; charset=UTF-8", NULL);
	srv_set_header(&req->resp, "Location", to.data ? to.data : uri);
	sim_buf_free(&to);
}

/* Errors that the app's address cannot be trusted with are shown to the user. */
static void
error_page(srv_request *req, const char *error, const char *description)
{
	sim_buf b = {0};

	sim_buf_printf(&b, "error=%s&error_description=%s", error, description);
	srv_text(req, 400, "text/html; charset=UTF-8", b.data);
	sim_buf_free(&b);
}

static void
redirect_error(srv_request *req, const char *uri, bool token, const char *error,
			   const char *description, const char *state)
{
	sim_buf b = {0};

	sim_buf_printf(&b, "error=%s&error_description=", error);
	srv_url_encode(&b, description);
	if (state)
	{
		sim_buf_str(&b, "&state=");
		srv_url_encode(&b, state);
	}
	redirect(req, uri, token ? '#' : '?', b.data ? b.data : "");
	sim_buf_free(&b);
}

/* An address that an app may register: a scheme, and no blank or fragment. */
static bool
redirect_uri_ok(const char *uri)
{
	size_t n =
		strspn(uri, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

	return n > 0 && uri[n] == ':' && strpbrk(uri, " #\r\n\"<>") == NULL;
}

static bool
scope_ok(const char *scope)
{
	static const char *const known[] = {"api",
										"full",
										"refresh_token",
										"offline_access",
										"web",
										"id",
										"profile",
										"email",
										"address",
										"phone",
										"openid",
										"chatter_api",
										"custom_permissions",
										"content",
										"lightning",
										"visualforce",
										"sfap_api"};

	if (strlen(scope) >= AUTH_SCOPE_SIZE)
		return false;
	while (*scope)
	{
		size_t n = strcspn(scope, " ");
		bool found = n == 0;

		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			found |= strlen(known[i]) == n && memcmp(known[i], scope, n) == 0;
		if (!found)
			return false;
		scope += n + (scope[n] == ' ');
	}
	return true;
}

/* The code goes to the app. */
static void
send_code(srv_request *req, const auth_user *user, const char *uri, const char *scope,
		  const char *challenge, const char *state)
{
	pending *p = calloc(1, sizeof(*p));
	sim_buf b = {0};

	if (p == NULL || (p->redirect_uri = strdup(uri)) == NULL)
	{
		free(p);
		redirect_error(req, uri, false, "server_error", "retry your request", state);
		return;
	}
	memcpy(p->code, "aPrx", 4);
	srv_random_text(p->code + 4, 76);
	memcpy(p->user, user->id, sizeof(p->user));
	snprintf(p->scope, sizeof(p->scope), "%s", scope);
	snprintf(p->challenge, sizeof(p->challenge), "%s", challenge ? challenge : "");
	p->made = sim_clock_mono();
	sim_buf_str(&b, "code=");
	srv_url_encode(&b, p->code);
	if (state)
	{
		sim_buf_str(&b, "&state=");
		srv_url_encode(&b, state);
	}
	add_pending(auth_codes_of(req->srv), p);
	redirect(req, uri, '?', b.data ? b.data : "");
	sim_buf_free(&b);
}

/* The parameters of …/authorize, malloc'd. */
typedef struct authorize
{
	char *type;
	char *client;
	char *uri;
	char *scope;
	char *state;
	char *challenge;
	char *method;
	char *hint;
} authorize;

static void
answer_authorize(srv_request *req, const authorize *a)
{
	srv *s = req->srv;
	bool token =
		a->type && (strcmp(a->type, "token") == 0 || strcmp(a->type, "token id_token") == 0);
	const char *scope = a->scope && *a->scope ? a->scope : "api refresh_token";
	const char *error;
	const char *description;
	auth_user user;

	if (!auth_credential_is(s, "client_id", a->client))
		error_page(req, "invalid_client_id", "client identifier invalid");
	else if (a->uri == NULL || !redirect_uri_ok(a->uri))
		error_page(req, "redirect_uri_mismatch", "redirect_uri must match configuration");
	else if (a->type == NULL)
		redirect_error(req, a->uri, false, "invalid_request",
					   "missing required parameter: response_type", a->state);
	else if (!token && strcmp(a->type, "code") != 0)
		redirect_error(req, a->uri, false, "unsupported_response_type",
					   "response type is not supported", a->state);
	else if (!scope_ok(scope))
		redirect_error(req, a->uri, token, "invalid_scope",
					   "the requested scope is not allowed", a->state);
	else if ((a->method && strcasecmp(a->method, "S256") != 0) ||
			 (a->challenge && strlen(a->challenge) != 43))
		redirect_error(req, a->uri, token, "invalid_request", "invalid code challenge",
					   a->state);
	else if (!srv_options_get(s).approve)
		redirect_error(req, a->uri, token, "access_denied", "end-user denied authorization",
					   a->state);
	else
	{
		/* whoever the app expects, if he is there; else our own user */
		if (!auth_user_by_name(s, a->hint, &user))
			auth_user_admin(s, &user);
		error = auth_login_refused(s, &user, &description);
		if (error)
			redirect_error(req, a->uri, token, error, description, a->state);
		else if (token)
		{
			sim_buf b = {0};

			auth_token_fragment(req, &user, scope, a->state, &b);
			redirect(req, a->uri, '#', b.data ? b.data : "");
			sim_buf_free(&b);
		}
		else
			send_code(req, &user, a->uri, scope, a->challenge, a->state);
	}
}

void
auth_authorize(srv_request *req)
{
	const char *form = auth_form(req);
	authorize a = {
		.type = srv_param(form, "response_type", NULL),
		.client = srv_param(form, "client_id", NULL),
		.uri = srv_param(form, "redirect_uri", NULL),
		.scope = srv_param(form, "scope", NULL),
		.state = srv_param(form, "state", NULL),
		.challenge = srv_param(form, "code_challenge", NULL),
		.method = srv_param(form, "code_challenge_method", NULL),
		.hint = srv_param(form, "login_hint", NULL),
	};

	answer_authorize(req, &a);
	free(a.type);
	free(a.client);
	free(a.uri);
	free(a.scope);
	free(a.state);
	free(a.challenge);
	free(a.method);
	free(a.hint);
}

/* BASE64URL(SHA256(verifier)) is the challenge (RFC 7636). */
static bool
verifier_ok(const char *challenge, const char *verifier)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	sim_buf b = {0};
	bool ok;

	if (verifier == NULL ||
		EVP_Digest(verifier, strlen(verifier), digest, &len, EVP_sha256(), NULL) != 1)
		return false;
	srv_base64url_encode(&b, digest, len);
	ok = b.data && strcmp(b.data, challenge) == 0;
	sim_buf_free(&b);
	return ok;
}

const char *
auth_code_redeem(srv_request *req, const char *form, auth_user *user,
				 char scope[AUTH_SCOPE_SIZE], const char **description)
{
	auth_codes *c = auth_codes_of(req->srv);
	char *code = srv_param(form, "code", NULL);
	char *uri = srv_param(form, "redirect_uri", NULL);
	char *verifier = srv_param(form, "code_verifier", NULL);
	const char *error = "invalid_grant";
	char id[SIM_ID_SIZE] = "";
	pending *p;

	pthread_mutex_lock(&c->lock);
	p = find_pending(c, code, false, false);
	if (code == NULL || uri == NULL)
	{
		error = "invalid_request";
		*description = code == NULL ? "missing required parameter: code"
									: "missing required parameter: redirect_uri";
	}
	else if (p == NULL || strcmp(p->code, code) != 0)
		*description = "invalid authorization code";
	else if (p->used || sim_clock_mono() - p->made >= CODE_MS)
		*description = "expired authorization code";
	else if (strcmp(uri, p->redirect_uri) != 0)
	{
		error = "redirect_uri_mismatch";
		*description = "redirect_uri must match configuration";
	}
	else if (p->challenge[0] && !verifier_ok(p->challenge, verifier))
		*description = "invalid code verifier";
	else
	{
		p->used = true;
		memcpy(id, p->user, sizeof(id));
		memcpy(scope, p->scope, AUTH_SCOPE_SIZE);
		error = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	if (error == NULL && !auth_user_by_id(req->srv, id, user))
	{
		error = "inactive_user";
		*description = "user is inactive";
	}
	free(code);
	free(uri);
	free(verifier);
	return error;
}

/* ---------------------------------------------------------------- devices */

void
auth_device_start(srv_request *req, const char *form)
{
	static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ23456789";
	char *scope = srv_param(form, "scope", NULL);
	pending *p = calloc(1, sizeof(*p));
	char uri[128];
	sim_buf *b;

	if (scope && !scope_ok(scope))
		auth_error(req, 400, "invalid_scope", "the requested scope is not allowed");
	else if (p == NULL)
		auth_error(req, 500, "unknown_error", "retry your request");
	else
	{
		p->device = true;
		srv_random_text(p->code, 120);
		srv_random_text(p->user_code, 8);
		for (char *u = p->user_code; *u; u++)
			*u = letters[(unsigned char) *u % (sizeof(letters) - 1)];
		snprintf(p->scope, sizeof(p->scope), "%s",
				 scope && *scope ? scope : "api refresh_token");
		p->made = sim_clock_mono();
		p->polled = INT64_MIN / 2;
		snprintf(uri, sizeof(uri), "%s/setup/connect", req->srv->base_url);
		b = srv_json(req, 200);
		auth_member(b, "device_code", p->code);
		auth_member(b, "user_code", p->user_code);
		auth_member(b, "verification_uri", uri);
		sim_buf_printf(b, ",\"interval\":%d}", DEVICE_POLL_S);
		add_pending(auth_codes_of(req->srv), p);
		p = NULL;
	}
	free(p);
	free(scope);
}

/* The page that the user opens; with the code in user_code he answers at once. */
void
auth_connect(srv_request *req)
{
	srv *s = req->srv;
	auth_codes *c = auth_codes_of(s);
	char *code = srv_param(auth_form(req), "user_code", NULL);
	bool approve = srv_options_get(s).approve;
	auth_user user;
	pending *p;

	if (code == NULL)
	{
		srv_text(req, 200, "text/html; charset=UTF-8",
				 "<html><body><form method=\"post\">Connect Your Device: <input "
				 "name=\"user_code\"/><input type=\"submit\" value=\"Connect\"/></form>"
				 "</body></html>");
		return;
	}
	auth_user_admin(s, &user);
	pthread_mutex_lock(&c->lock);
	p = find_pending(c, code, true, true);
	if (p)
	{
		p->used = true;
		p->denied = !approve;
		memcpy(p->user, user.id, sizeof(p->user));
	}
	pthread_mutex_unlock(&c->lock);
	free(code);
	if (p)
		srv_text(req, 200, "text/html; charset=UTF-8",
				 approve ? "<html><body>You're connected.</body></html>"
						 : "<html><body>Access denied.</body></html>");
	else
		srv_text(req, 404, "text/html; charset=UTF-8",
				 "<html><body>Invalid code.</body></html>");
}

const char *
auth_device_redeem(srv_request *req, const char *form, auth_user *user,
				   char scope[AUTH_SCOPE_SIZE], const char **description)
{
	auth_codes *c = auth_codes_of(req->srv);
	char *code = srv_param(form, "code", NULL);
	int64_t now = sim_clock_mono();
	const char *error = NULL;
	char id[SIM_ID_SIZE] = "";
	pending *p;

	if (code == NULL)
		code = srv_param(form, "device_code", NULL);
	pthread_mutex_lock(&c->lock);
	p = find_pending(c, code, true, false);
	if (code == NULL)
	{
		error = "invalid_request";
		*description = "missing required parameter: code";
	}
	else if (p == NULL || now - p->made >= DEVICE_MS)
	{
		error = "invalid_grant";
		*description = "expired authorization code";
	}
	else if (p->denied)
	{
		error = "access_denied";
		*description = "end-user denied authorization";
	}
	else if (p->used)
	{
		memcpy(id, p->user, sizeof(id));
		memcpy(scope, p->scope, AUTH_SCOPE_SIZE);
		p->made = INT64_MIN / 2; /* once only */
	}
	else if (now - p->polled < DEVICE_POLL_S * 1000)
	{
		error = "slow_down";
		*description = "polling too frequently";
		p->polled = now;
	}
	else
	{
		error = "authorization_pending";
		*description = "authorization pending";
		p->polled = now;
	}
	pthread_mutex_unlock(&c->lock);
	free(code);
	if (error == NULL && !auth_user_by_id(req->srv, id, user))
	{
		error = "inactive_user";
		*description = "user is inactive";
	}
	return error;
}
