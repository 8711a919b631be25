/*
 * auth_token.c
 *		The OAuth 2.0 token endpoint: flows, their answers and errors; revocation and introspection.
 *
 * Errors are objects with error and error_description, not the array of the data API (protocol notes,
 * 5.2).  Every flow has its own keys, in an order of its own (5.1).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "auth.h"
#include "clock.h"

void
auth_error(srv_request *req, int status, const char *error, const char *description)
{
	sim_buf *b = srv_json(req, status);

	auth_member(b, "error", error);
	auth_member(b, "error_description", description);
	sim_buf_char(b, '}');
}

void
auth_member(sim_buf *b, const char *key, const char *value)
{
	sim_buf_char(b, b->len > 0 ? ',' : '{');
	sim_json_string(b, key, strlen(key));
	sim_buf_char(b, ':');
	sim_json_string(b, value, strlen(value));
}

const char *
auth_form(const srv_request *req)
{
	return req->body.len > 0 ? req->body.data : req->query;
}

void
auth_identity_url(srv *s, const char *user, char *out, size_t size)
{
	snprintf(out, size, "%s/id/%s/%s", s->base_url, sim_org_id(s->org), user);
}

/* ---------------------------------------------------------------- answers */

/* What the answers of all flows are made of. */
typedef struct answer
{
	char access[AUTH_TOKEN_SIZE];
	char id[160];
	char issued[32];
	char signature[64];
} answer;

/* base64 of HMAC-SHA256(consumer secret, id + issued_at): what "signature" holds. */
static void
sign_identity(srv *s, answer *a)
{
	char secret[AUTH_CRED_SIZE];
	char text[256];
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	auth_get_credential(s, "client_secret", secret, sizeof(secret));
	snprintf(text, sizeof(text), "%s%s", a->id, a->issued);
	HMAC(EVP_sha256(), secret, (int) strlen(secret), (unsigned char *) text, strlen(text), mac,
		 &len);
	EVP_EncodeBlock((unsigned char *) a->signature, mac, (int) len);
}

static void
prepare_answer(srv *s, const auth_user *user, auth_flow flow, const auth_grant *grant,
			   answer *a)
{
	auth_session_new(s, user, flow, grant, a->access);
	auth_identity_url(s, user->id, a->id, sizeof(a->id));
	snprintf(a->issued, sizeof(a->issued), "%lld", (long long) sim_clock_now());
	sign_identity(s, a);
}

/* Let the user in; false with the error filled in. */
static bool
admit(srv_request *req, const auth_user *user)
{
	const char *description;
	const char *error = auth_login_refused(req->srv, user, &description);

	if (error)
		auth_error(req, 400, error, description);
	return error == NULL;
}

/* Flows without consent of their own: password, client credentials, JWT. */
static void
answer_direct(srv_request *req, const auth_user *user, auth_flow flow)
{
	srv *s = req->srv;
	sim_buf *b;
	answer a;

	if (!admit(req, user))
		return;
	prepare_answer(s, user, flow, NULL, &a);
	b = srv_json(req, 200);
	auth_member(b, "access_token", a.access);
	if (flow == AUTH_CLIENT)
		auth_member(b, "signature", a.signature);
	if (flow != AUTH_PASSWORD)
		auth_member(b, "scope", "api refresh_token");
	auth_member(b, "instance_url", s->base_url);
	auth_member(b, "id", a.id);
	auth_member(b, "token_type", "Bearer");
	if (flow != AUTH_JWT)
		auth_member(b, "issued_at", a.issued);
	if (flow == AUTH_PASSWORD)
		auth_member(b, "signature", a.signature);
	if (flow == AUTH_CLIENT)
		auth_member(b, "api_instance_url", s->base_url);
	sim_buf_char(b, '}');
}

/* Flows with a grant behind them; refresh: whether the answer shows the refresh token. */
static void
answer_grant(srv_request *req, const auth_user *user, const auth_grant *grant, bool refresh)
{
	srv *s = req->srv;
	sim_buf *b;
	answer a;

	prepare_answer(s, user, AUTH_GRANT, grant, &a);
	b = srv_json(req, 200);
	auth_member(b, "access_token", a.access);
	if (refresh)
		auth_member(b, "refresh_token", grant->refresh);
	auth_member(b, "signature", a.signature);
	auth_member(b, "scope", grant->scope);
	auth_member(b, "instance_url", s->base_url);
	auth_member(b, "id", a.id);
	auth_member(b, "token_type", "Bearer");
	auth_member(b, "issued_at", a.issued);
	sim_buf_char(b, '}');
}

static void
fragment_member(sim_buf *out, const char *key, const char *value)
{
	if (out->len > 0)
		sim_buf_char(out, '&');
	sim_buf_printf(out, "%s=", key);
	srv_url_encode(out, value);
}

void
auth_token_fragment(srv_request *req, const auth_user *user, const char *scope,
					const char *state, sim_buf *out)
{
	srv *s = req->srv;
	auth_grant grant;
	answer a;

	if (!auth_grant_new(s, user, scope, &grant))
		return;
	prepare_answer(s, user, AUTH_GRANT, &grant, &a);
	fragment_member(out, "access_token", a.access);
	if (strstr(scope, "refresh_token") || strstr(scope, "offline_access"))
		fragment_member(out, "refresh_token", grant.refresh);
	fragment_member(out, "instance_url", s->base_url);
	fragment_member(out, "id", a.id);
	fragment_member(out, "issued_at", a.issued);
	fragment_member(out, "signature", a.signature);
	fragment_member(out, "scope", scope);
	if (state)
		fragment_member(out, "state", state);
	fragment_member(out, "token_type", "Bearer");
}

/* ---------------------------------------------------------------- flows */

/* What a request to the token endpoint brings along. */
typedef struct token_request
{
	srv_request *req;
	const char *form;
	char *id; /* of the client, from HTTP Basic or the form */
	char *secret;
} token_request;

static void
read_client(token_request *t)
{
	const char *h = srv_header_get(t->req, "Authorization");

	t->id = srv_param(t->form, "client_id", NULL);
	t->secret = srv_param(t->form, "client_secret", NULL);
	if (h && strncasecmp(h, "Basic ", 6) == 0)
	{
		size_t len;
		char *pair = (char *) srv_base64_decode(h + 6, strcspn(h + 6, " "), &len);
		char *text = pair ? strndup(pair, len) : NULL;
		char *colon = text ? strchr(text, ':') : NULL;

		if (colon)
		{
			free(t->id);
			free(t->secret);
			*colon = '\0';
			t->id = strdup(text);
			t->secret = strdup(colon + 1);
		}
		free(text);
		free(pair);
	}
}

/* Is it our app?  False with the error filled in.  Without a secret when that is optional. */
static bool
client_ok(token_request *t, bool secret_needed)
{
	srv_request *req = t->req;

	if (t->id == NULL)
		auth_error(req, 400, "invalid_request", "missing required parameter: client_id");
	else if (!auth_credential_is(req->srv, "client_id", t->id))
		auth_error(req, 400, "invalid_client_id", "client identifier invalid");
	else if (secret_needed && t->secret == NULL)
		auth_error(req, 400, "invalid_request", "missing required parameter: client_secret");
	else if ((secret_needed || (t->secret && *t->secret)) &&
			 !auth_credential_is(req->srv, "client_secret", t->secret))
		auth_error(req, 400, "invalid_client", "invalid client credentials");
	else
		return true;
	return false;
}

/* A parameter that must be there (malloc'd); NULL with the error filled in. */
static char *
need(token_request *t, const char *name)
{
	char *value = srv_param(t->form, name, NULL);
	char text[96];

	if (value)
		return value;
	snprintf(text, sizeof(text), "missing required parameter: %s", name);
	auth_error(t->req, 400, "invalid_request", text);
	return NULL;
}

static void
flow_password(token_request *t)
{
	srv *s = t->req->srv;
	char *username;
	char *password = NULL;
	auth_user user;

	if (!client_ok(t, true))
		return;
	username = need(t, "username");
	if (username && (password = need(t, "password")) != NULL)
	{
		if (!srv_options_get(s).password_flow || !auth_password_ok(s, username, password) ||
			!auth_user_by_name(s, username, &user))
			auth_error(t->req, 400, "invalid_grant", "authentication failure");
		else
			answer_direct(t->req, &user, AUTH_PASSWORD);
	}
	free(username);
	free(password);
}

static void
flow_client(token_request *t)
{
	auth_user user;

	if (!client_ok(t, true))
		return;
	auth_user_admin(t->req->srv, &user);
	answer_direct(t->req, &user, AUTH_CLIENT);
}

static void
flow_jwt(token_request *t)
{
	srv *s = t->req->srv;
	char *assertion = need(t, "assertion");
	char client_id[AUTH_CRED_SIZE];
	const char *description = NULL;
	const char *error;
	char *pem;
	auth_user user;

	if (assertion == NULL)
		return;
	auth_get_credential(s, "client_id", client_id, sizeof(client_id));
	pem = auth_jwt_key(s);
	error = jwt_verify(s, pem, client_id, assertion, &user, &description);
	if (error)
		auth_error(t->req, 400, error, description);
	else
		answer_direct(t->req, &user, AUTH_JWT);
	free(pem);
	free(assertion);
}

static void
flow_refresh(token_request *t)
{
	srv *s = t->req->srv;
	bool rotate = srv_options_get(s).rotate_refresh_token;
	char *given;
	auth_grant grant;
	auth_user user;

	/* the secret is optional in this flow, but a wrong one is refused */
	if (!client_ok(t, false) || (given = need(t, "refresh_token")) == NULL)
		return;
	if (!auth_grant_find(s, given, false, &grant) || !auth_user_by_id(s, grant.user, &user))
		auth_error(t->req, 400, "invalid_grant", "expired access/refresh token");
	else if (admit(t->req, &user))
	{
		if (rotate && !auth_grant_find(s, given, true, &grant))
			auth_error(t->req, 400, "invalid_grant", "expired access/refresh token");
		else
			answer_grant(t->req, &user, &grant, rotate);
	}
	free(given);
}

/* Codes of the web server flow, and of devices: both end in a grant. */
static void
flow_code(token_request *t, bool device)
{
	srv *s = t->req->srv;
	char scope[AUTH_SCOPE_SIZE];
	const char *description;
	const char *error;
	auth_grant grant;
	auth_user user;

	/* PKCE, or a native app, makes the secret optional */
	if (!client_ok(t, false))
		return;
	error = (device ? auth_device_redeem : auth_code_redeem)(t->req, t->form, &user, scope,
															 &description);
	if (error)
		auth_error(t->req, 400, error, description);
	else if (!admit(t->req, &user))
		return;
	else if (!auth_grant_new(s, &user, scope, &grant))
		auth_error(t->req, 500, "unknown_error", "retry your request");
	else
		answer_grant(t->req, &user, &grant,
					 strstr(scope, "refresh_token") || strstr(scope, "offline_access") ||
						 strstr(scope, "full"));
}

static void
flow_code_grant(token_request *t)
{
	flow_code(t, false);
}

static void
flow_device(token_request *t)
{
	flow_code(t, true);
}

static void
start_device(token_request *t)
{
	if (client_ok(t, false))
		auth_device_start(t->req, t->form);
}

static const struct
{
	const char *grant_type;
	void (*run)(token_request *t);
} flows[] = {
	{"password", flow_password},
	{"client_credentials", flow_client},
	{"urn:ietf:params:oauth:grant-type:jwt-bearer", flow_jwt},
	{"refresh_token", flow_refresh},
	{"hybrid_refresh", flow_refresh},
	{"authorization_code", flow_code_grant},
	{"device", flow_device},
	{"urn:ietf:params:oauth:grant-type:device_code", flow_device},
};

void
auth_token(srv_request *req)
{
	token_request t = {.req = req, .form = req->body.data ? req->body.data : ""};
	char *type = srv_param(t.form, "grant_type", NULL);
	char *response_type;
	bool known = false;

	/* the parameters may also stand in the URL */
	if (type == NULL && *req->query)
	{
		char *in_url = srv_param(req->query, "grant_type", NULL);

		if (in_url || req->body.len == 0)
			t.form = req->query;
		type = in_url;
	}
	response_type = srv_param(t.form, "response_type", NULL);
	read_client(&t);
	if (type == NULL && response_type && strcmp(response_type, "device_code") == 0)
	{
		start_device(&t);
		known = true;
	}
	for (size_t i = 0; type && i < sizeof(flows) / sizeof(*flows) && !known; i++)
		if (strcmp(flows[i].grant_type, type) == 0)
		{
			flows[i].run(&t);
			known = true;
		}
	if (!known)
		auth_error(req, 400, "unsupported_grant_type", "grant type not supported");
	if (req->resp.status == 200)
		srv_set_header(&req->resp, "Cache-Control", "no-cache, no-store");
	free(type);
	free(response_type);
	free(t.id);
	free(t.secret);
}

/* ---------------------------------------------------------------- revoke, introspect */

void
auth_revoke(srv_request *req)
{
	char *text = srv_param(auth_form(req), "token", NULL);

	if (auth_revoke_token(req->srv, text))
		srv_text(req, 200, NULL, NULL);
	else
		auth_error(req, 400, "unsupported_token_type", "this token type is not supported");
	free(text);
}

/* The members that both kinds of token have. */
static void
token_facts(srv_request *req, const char *scope, const char *user, const char *username,
			const char *type)
{
	sim_buf *b = srv_json(req, 200);
	char client_id[AUTH_CRED_SIZE];
	char sub[160];

	auth_get_credential(req->srv, "client_id", client_id, sizeof(client_id));
	auth_identity_url(req->srv, user, sub, sizeof(sub));
	sim_buf_str(b, "{\"active\":true");
	auth_member(b, "scope", scope);
	auth_member(b, "client_id", client_id);
	auth_member(b, "username", username);
	auth_member(b, "sub", sub);
	auth_member(b, "token_type", type);
}

void
auth_introspect(srv_request *req)
{
	srv *s = req->srv;
	token_request t = {.req = req, .form = auth_form(req)};
	char *text = srv_param(t.form, "token", NULL);
	auth_session session;
	auth_grant grant;
	auth_user user;

	read_client(&t);
	if (!auth_credential_is(s, "client_id", t.id) ||
		!auth_credential_is(s, "client_secret", t.secret))
		auth_error(req, 401, "invalid_client", "invalid client credentials");
	else if (text == NULL)
		auth_error(req, 400, "invalid_request", "missing required parameter: token");
	else if (auth_session_peek(s, text, &session) && session.flow != AUTH_SOAP &&
			 session.flow != AUTH_PASSWORD)
	{
		long long iat = (long long) (session.issued / 1000);
		long long exp = (long long) ((sim_clock_now() + auth_session_ms(s) -
									  (sim_clock_mono() - session.renewed)) /
									 1000);

		token_facts(req, session.scope, session.user, session.username, "access_token");
		sim_buf_printf(&req->resp.body, ",\"exp\":%lld,\"iat\":%lld,\"nbf\":%lld}", exp, iat,
					   iat);
	}
	else if (auth_grant_find(s, text, false, &grant) && auth_user_by_id(s, grant.user, &user))
	{
		long long iat = (long long) (grant.issued / 1000);

		token_facts(req, grant.scope, user.id, user.username, "refresh_token");
		sim_buf_printf(&req->resp.body, ",\"iat\":%lld,\"nbf\":%lld}", iat, iat);
	}
	else
		sim_buf_str(srv_json(req, 200), "{\"active\":false}");
	free(text);
	free(t.id);
	free(t.secret);
}

/* What routes.c does not list itself. */
const srv_endpoint auth_routes[] = {
	{SRV_GET | SRV_POST, 0, "services/oauth2/authorize", auth_authorize},
	{SRV_GET | SRV_POST, 0, "setup/connect", auth_connect},
	{SRV_POST, 0, "services/Soap/c/*", soap_login},
	{SRV_POST, 0, "services/Soap/c/*/*", soap_login},
	{0, 0, NULL, NULL},
};
