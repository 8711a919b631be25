/*
 * auth.c
 *		Sessions, and the OAuth 2.0 endpoints that hand them out.
 *
 * One org, one user, one connected app.  A session token is "00D…!" and random
 * text; it lives until it is revoked, expired by the control endpoint, or
 * pushed out by newer ones.  Errors of the token endpoint are objects with
 * error and error_description, not the array of the data API (protocol notes,
 * 5.2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "clock.h"
#include "server.h"

/* Far above what an org allows per user; only keeps the table bounded. */
#define MAX_TOKENS 4096

#define CRED_SIZE 256

typedef struct token
{
	char text[AUTH_TOKEN_SIZE];
	int64_t issued; /* ms */
	bool oauth;		/* came through the connected app, not by SOAP login() */
} token;

typedef struct credential
{
	const char *name;
	char value[CRED_SIZE];
} credential;

enum
{
	CRED_CLIENT_ID,
	CRED_CLIENT_SECRET,
	CRED_PASSWORD,
	CRED_SECURITY_TOKEN,
	CRED_REFRESH_TOKEN,
	CRED_COUNT
};

struct srv_auth
{
	pthread_mutex_t lock;
	token *tokens; /* ring, oldest first from head */
	int head;
	int count;
	credential creds[CRED_COUNT];
	char *jwt_key; /* PEM, NULL until one is given */
};

/*
 * The password has the characters that need escaping in a form body and in
 * XML, so that a client that forgets to escape cannot log in.
 */
static const credential default_creds[CRED_COUNT] = {
	{"client_id", "3MVG9sfsimConsumerKey.0123456789"},
	{"client_secret", "5FSIMC0NSUMERSECRET"},
	{"password", "sfsim&Pa55<word>+%"},
	{"security_token", "SfsimSecurityToken000001"},
	{"refresh_token", "5Aep861sfsimRefreshToken.0001"},
};

srv_auth *
auth_new(srv *s)
{
	srv_auth *a = calloc(1, sizeof(*a));

	(void) s;
	if (a == NULL)
		return NULL;
	a->tokens = calloc(MAX_TOKENS, sizeof(*a->tokens));
	if (a->tokens == NULL)
	{
		free(a);
		return NULL;
	}
	memcpy(a->creds, default_creds, sizeof(default_creds));
	pthread_mutex_init(&a->lock, NULL);
	return a;
}

void
auth_free(srv_auth *a)
{
	if (a == NULL)
		return;
	pthread_mutex_destroy(&a->lock);
	free(a->tokens);
	free(a->jwt_key);
	free(a);
}

bool
auth_set_credential(srv *s, const char *name, const char *value)
{
	srv_auth *a = s->auth;

	for (int i = 0; i < CRED_COUNT; i++)
		if (strcmp(a->creds[i].name, name) == 0)
		{
			pthread_mutex_lock(&a->lock);
			snprintf(a->creds[i].value, CRED_SIZE, "%s", value);
			pthread_mutex_unlock(&a->lock);
			return true;
		}
	return false;
}

bool
auth_get_credential(srv *s, const char *name, char *out, size_t size)
{
	srv_auth *a = s->auth;

	for (int i = 0; i < CRED_COUNT; i++)
		if (strcmp(a->creds[i].name, name) == 0)
		{
			pthread_mutex_lock(&a->lock);
			snprintf(out, size, "%s", a->creds[i].value);
			pthread_mutex_unlock(&a->lock);
			return true;
		}
	return false;
}

bool
auth_set_jwt_key(srv *s, const char *pem, size_t len, sim_error *err)
{
	srv_auth *a = s->auth;
	char *copy = strndup(pem, len);

	if (copy == NULL || strstr(copy, "-----BEGIN ") == NULL)
	{
		free(copy);
		return sim_error_set(err, "INVALID_INPUT", "this is no PEM public key or certificate");
	}
	pthread_mutex_lock(&a->lock);
	free(a->jwt_key);
	a->jwt_key = copy;
	pthread_mutex_unlock(&a->lock);
	return true;
}

/* Is the secret the configured one?  Empty never is. */
static bool
cred_is(srv *s, const char *name, const char *given)
{
	char want[CRED_SIZE];

	auth_get_credential(s, name, want, sizeof(want));
	return given && *given && strcmp(given, want) == 0;
}

bool
auth_password_ok(srv *s, const char *username, const char *password)
{
	char pass[CRED_SIZE];
	char token_text[CRED_SIZE];
	char want[2 * CRED_SIZE];

	auth_get_credential(s, "password", pass, sizeof(pass));
	auth_get_credential(s, "security_token", token_text, sizeof(token_text));
	snprintf(want, sizeof(want), "%s%s", pass, token_text);
	return username && password && strcasecmp(username, sim_org_user_name(s->org)) == 0 &&
		   strcmp(password, want) == 0;
}

/* ---------------------------------------------------------------- sessions */

void
auth_issue(srv *s, const char *app, char out[AUTH_TOKEN_SIZE])
{
	srv_auth *a = s->auth;
	char random[97];
	token *t;

	srv_random_text(random, 96);
	snprintf(out, AUTH_TOKEN_SIZE, "%.15s!%s", sim_org_id(s->org), random);
	pthread_mutex_lock(&a->lock);
	if (a->count == MAX_TOKENS)
	{
		a->head = (a->head + 1) % MAX_TOKENS;
		a->count--;
	}
	t = &a->tokens[(a->head + a->count++) % MAX_TOKENS];
	memcpy(t->text, out, AUTH_TOKEN_SIZE);
	t->issued = sim_clock_now();
	t->oauth = app != NULL;
	pthread_mutex_unlock(&a->lock);
}

/* Copy of a living session; false when there is none of that text. */
static bool
find_token(srv_auth *a, const char *text, token *copy)
{
	bool found = false;

	pthread_mutex_lock(&a->lock);
	for (int i = 0; i < a->count && !found; i++)
	{
		/* newest first: clients use what they were given last */
		const token *t = &a->tokens[(a->head + a->count - 1 - i) % MAX_TOKENS];

		if (*text && strcmp(t->text, text) == 0)
		{
			*copy = *t;
			found = true;
		}
	}
	pthread_mutex_unlock(&a->lock);
	return found;
}

int
auth_expire(srv *s, const char *text)
{
	srv_auth *a = s->auth;
	int n = 0;

	pthread_mutex_lock(&a->lock);
	for (int i = 0; i < a->count; i++)
	{
		token *t = &a->tokens[(a->head + i) % MAX_TOKENS];

		if (*t->text && (text == NULL || strcmp(t->text, text) == 0))
		{
			t->text[0] = '\0';
			n++;
		}
	}
	if (text == NULL)
		a->count = 0;
	pthread_mutex_unlock(&a->lock);
	return n;
}

/* The token of "Authorization: Bearer …" ("OAuth …" is the older spelling). */
static const char *
bearer(const srv_request *req)
{
	const char *h = srv_header_get(req, "Authorization");

	if (h && strncasecmp(h, "Bearer ", 7) == 0)
		return h + 7 + strspn(h + 7, " ");
	if (h && strncasecmp(h, "OAuth ", 6) == 0)
		return h + 6 + strspn(h + 6, " ");
	return NULL;
}

bool
auth_check(srv_request *req)
{
	const char *text = bearer(req);
	token t;

	/* the parts of a composite call were let in with the whole */
	if (req->conn == NULL)
		return true;
	if (text && fault_number(req, "expire_token", 0))
		auth_expire(req->srv, text);
	if (text && find_token(req->srv->auth, text, &t))
		return true;
	if (srv_header_get(req, "Authorization") && text == NULL)
		srv_error(req, 401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE");
	else
		srv_error(req, 401, "INVALID_SESSION_ID", "Session expired or invalid");
	srv_set_header(&req->resp, "WWW-Authenticate", "Token");
	return false;
}

/* ---------------------------------------------------------------- token endpoint */

static void
oauth_error(srv_request *req, int status, const char *error, const char *description)
{
	sim_buf *b = srv_json(req, status);

	sim_buf_printf(b, "{\"error\":\"%s\",\"error_description\":\"%s\"}", error, description);
}

static void
add_member(sim_buf *b, const char *key, const char *value)
{
	sim_buf_char(b, b->len > 1 ? ',' : '{');
	sim_json_string(b, key, strlen(key));
	sim_buf_char(b, ':');
	sim_json_string(b, value, strlen(value));
}

static void
identity_url(srv *s, char *out, size_t size)
{
	char user[SIM_ID_SIZE];

	sim_org_user_id(s->org, user);
	snprintf(out, size, "%s/id/%s/%s", s->base_url, sim_org_id(s->org), user);
}

/* base64 of HMAC-SHA256(consumer secret, id + issued_at): what "signature" holds. */
static void
sign_identity(srv *s, const char *id, const char *issued, char out[64])
{
	char secret[CRED_SIZE];
	char text[256];
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	auth_get_credential(s, "client_secret", secret, sizeof(secret));
	snprintf(text, sizeof(text), "%s%s", id, issued);
	HMAC(EVP_sha256(), secret, (int) strlen(secret), (unsigned char *) text, strlen(text), mac,
		 &len);
	EVP_EncodeBlock((unsigned char *) out, mac, (int) len);
}

/* Which keys a grant's answer has (protocol notes, 5.1). */
#define ANSWER_SCOPE	 1
#define ANSWER_SIGNATURE 2
#define ANSWER_ISSUED	 4
#define ANSWER_API_URL	 8

static void
grant(srv_request *req, int keys, const char *refresh_token)
{
	srv *s = req->srv;
	sim_buf *b = srv_json(req, 200);
	char access[AUTH_TOKEN_SIZE];
	char id[160];
	char issued[32];
	char signature[64];

	auth_issue(s, "app", access);
	identity_url(s, id, sizeof(id));
	snprintf(issued, sizeof(issued), "%lld", (long long) sim_clock_now());
	sign_identity(s, id, issued, signature);
	add_member(b, "access_token", access);
	if (refresh_token)
		add_member(b, "refresh_token", refresh_token);
	if (keys & ANSWER_SIGNATURE)
		add_member(b, "signature", signature);
	if (keys & ANSWER_SCOPE)
		add_member(b, "scope", "api refresh_token");
	add_member(b, "instance_url", s->base_url);
	add_member(b, "id", id);
	add_member(b, "token_type", "Bearer");
	if (keys & ANSWER_ISSUED)
		add_member(b, "issued_at", issued);
	if (keys & ANSWER_API_URL)
		add_member(b, "api_instance_url", s->base_url);
	sim_buf_char(b, '}');
}

/* client_id and client_secret from HTTP Basic or from the body; both malloc'd. */
static void
client_of(srv_request *req, const char *form, char **id, char **secret)
{
	const char *h = srv_header_get(req, "Authorization");

	*id = srv_param(form, "client_id", NULL);
	*secret = srv_param(form, "client_secret", NULL);
	if (h && strncasecmp(h, "Basic ", 6) == 0)
	{
		size_t len;
		char *pair = (char *) srv_base64_decode(h + 6, strcspn(h + 6, " "), &len);
		char *colon = pair ? strchr(pair, ':') : NULL;

		if (colon)
		{
			free(*id);
			free(*secret);
			*colon = '\0';
			*id = strdup(pair);
			*secret = strdup(colon + 1);
		}
		free(pair);
	}
}

static void
grant_password(srv_request *req, const char *form, const char *id, const char *secret)
{
	char *username = srv_param(form, "username", NULL);
	char *password = srv_param(form, "password", NULL);

	if (!srv_options_get(req->srv).password_flow)
		oauth_error(req, 400, "invalid_grant", "authentication failure");
	else if (!cred_is(req->srv, "client_id", id))
		oauth_error(req, 400, "invalid_client_id", "client identifier invalid");
	else if (!cred_is(req->srv, "client_secret", secret))
		oauth_error(req, 400, "invalid_client", "invalid client credentials");
	else if (!auth_password_ok(req->srv, username, password))
		oauth_error(req, 400, "invalid_grant", "authentication failure");
	else
		grant(req, ANSWER_SIGNATURE | ANSWER_ISSUED, NULL);
	free(username);
	free(password);
}

static void
grant_refresh(srv_request *req, const char *form, const char *id, const char *secret)
{
	srv *s = req->srv;
	char *given = srv_param(form, "refresh_token", NULL);

	/* the secret is optional in this flow, but a wrong one is refused */
	if (!cred_is(s, "client_id", id))
		oauth_error(req, 400, "invalid_client_id", "client identifier invalid");
	else if (secret && *secret && !cred_is(s, "client_secret", secret))
		oauth_error(req, 400, "invalid_client", "invalid client credentials");
	else if (!cred_is(s, "refresh_token", given))
		oauth_error(req, 400, "invalid_grant", "expired access/refresh token");
	else if (srv_options_get(s).rotate_refresh_token)
	{
		char fresh[64] = "5Aep861";

		srv_random_text(fresh + 7, 40);
		auth_set_credential(s, "refresh_token", fresh);
		grant(req, ANSWER_SIGNATURE | ANSWER_SCOPE | ANSWER_ISSUED, fresh);
	}
	else
		grant(req, ANSWER_SIGNATURE | ANSWER_SCOPE | ANSWER_ISSUED, NULL);
	free(given);
}

static void
grant_jwt(srv_request *req, const char *form)
{
	srv *s = req->srv;
	char *assertion = srv_param(form, "assertion", NULL);
	char client_id[CRED_SIZE];
	const char *description = NULL;
	const char *error;
	char *pem;

	auth_get_credential(s, "client_id", client_id, sizeof(client_id));
	pthread_mutex_lock(&s->auth->lock);
	pem = s->auth->jwt_key ? strdup(s->auth->jwt_key) : NULL;
	pthread_mutex_unlock(&s->auth->lock);
	error = jwt_verify(s, pem, client_id, assertion, &description);
	if (error)
		oauth_error(req, 400, error, description);
	else
		grant(req, ANSWER_SCOPE, NULL);
	free(pem);
	free(assertion);
}

void
auth_token(srv_request *req)
{
	const char *form = req->body.data ? req->body.data : "";
	char *type = srv_param(form, "grant_type", NULL);
	char *id;
	char *secret;

	/* the parameters may also stand in the URL */
	if (type == NULL && *req->query)
	{
		form = req->query;
		type = srv_param(form, "grant_type", NULL);
	}
	client_of(req, form, &id, &secret);
	if (type == NULL)
		oauth_error(req, 400, "unsupported_grant_type", "grant type not supported");
	else if (strcmp(type, "client_credentials") == 0)
	{
		if (!cred_is(req->srv, "client_id", id))
			oauth_error(req, 400, "invalid_client_id", "client identifier invalid");
		else if (!cred_is(req->srv, "client_secret", secret))
			oauth_error(req, 400, "invalid_client", "invalid client credentials");
		else
			grant(req, ANSWER_SCOPE | ANSWER_SIGNATURE | ANSWER_ISSUED | ANSWER_API_URL, NULL);
	}
	else if (strcmp(type, "urn:ietf:params:oauth:grant-type:jwt-bearer") == 0)
		grant_jwt(req, form);
	else if (strcmp(type, "refresh_token") == 0)
		grant_refresh(req, form, id, secret);
	else if (strcmp(type, "password") == 0)
		grant_password(req, form, id, secret);
	else
		oauth_error(req, 400, "unsupported_grant_type", "grant type not supported");
	if (req->resp.status == 200)
		srv_set_header(&req->resp, "Cache-Control", "no-cache, no-store");
	free(type);
	free(id);
	free(secret);
}

/* ---------------------------------------------------------------- the rest of OAuth */

void
auth_revoke(srv_request *req)
{
	const char *form = req->body.len ? req->body.data : req->query;
	char *text = srv_param(form, "token", NULL);

	if (text && auth_expire(req->srv, text) > 0)
		srv_text(req, 200, NULL, NULL);
	else
		oauth_error(req, 400, "unsupported_token_type", "this token type is not supported");
	free(text);
}

void
auth_introspect(srv_request *req)
{
	srv *s = req->srv;
	const char *form = req->body.data ? req->body.data : "";
	char *text = srv_param(form, "token", NULL);
	char *id;
	char *secret;
	token t;

	client_of(req, form, &id, &secret);
	if (!cred_is(s, "client_id", id) || !cred_is(s, "client_secret", secret))
		oauth_error(req, 401, "invalid_client", "invalid client credentials");
	else if (text == NULL || !find_token(s->auth, text, &t) || !t.oauth)
		sim_buf_str(srv_json(req, 200), "{\"active\":false}");
	else
	{
		sim_buf *b = srv_json(req, 200);
		char sub[160];
		long long iat = (long long) (t.issued / 1000);

		identity_url(s, sub, sizeof(sub));
		sim_buf_printf(b,
					   "{\"active\":true,\"scope\":\"api refresh_token\",\"client_id\":\"%s\","
					   "\"username\":\"%s\",\"sub\":\"%s\",\"token_type\":\"access_token\","
					   "\"exp\":%lld,\"iat\":%lld,\"nbf\":%lld}",
					   id, sim_org_user_name(s->org), sub, iat + 7200, iat, iat);
	}
	free(text);
	free(id);
	free(secret);
}

/* The token may come as a header or, for these two, as a parameter. */
static bool
check_identity_token(srv_request *req)
{
	char *text;
	token t;
	bool ok;

	if (srv_header_get(req, "Authorization"))
		return auth_check(req);
	text = srv_param(req->body.len ? req->body.data : req->query, "access_token", NULL);
	ok = text && find_token(req->srv->auth, text, &t);
	if (!ok)
		srv_text(req, 403, "text/html;charset=UTF-8", "Bad_OAuth_Token");
	free(text);
	return ok;
}

void
auth_userinfo(srv_request *req)
{
	srv *s = req->srv;
	char sub[160];
	char user[SIM_ID_SIZE];
	const char *name = sim_org_user_name(s->org);

	if (!check_identity_token(req))
		return;
	identity_url(s, sub, sizeof(sub));
	sim_org_user_id(s->org, user);
	sim_buf_printf(srv_json(req, 200),
				   "{\"sub\":\"%s\",\"user_id\":\"%s\",\"organization_id\":\"%s\","
				   "\"preferred_username\":\"%s\",\"email\":\"%s\",\"email_verified\":true,"
				   "\"name\":\"Integration User\",\"active\":true,\"user_type\":\"STANDARD\","
				   "\"language\":\"en_US\",\"locale\":\"en_US\",\"utcOffset\":0,"
				   "\"urls\":{\"rest\":\"%s/services/data/v{version}/\","
				   "\"sobjects\":\"%s/services/data/v{version}/sobjects/\","
				   "\"query\":\"%s/services/data/v{version}/query/\"}}",
				   sub, user, sim_org_id(s->org), name, name, s->base_url, s->base_url,
				   s->base_url);
}

void
auth_identity(srv_request *req)
{
	srv *s = req->srv;
	char id[160];
	char user[SIM_ID_SIZE];

	if (!check_identity_token(req))
		return;
	sim_org_user_id(s->org, user);
	if (strncmp(req->segs[1], sim_org_id(s->org), 15) != 0 ||
		strncmp(req->segs[2], user, 15) != 0)
	{
		srv_text(req, 403, "text/html;charset=UTF-8", "Wrong_Org");
		return;
	}
	identity_url(s, id, sizeof(id));
	sim_buf_printf(srv_json(req, 200),
				   "{\"id\":\"%s\",\"asserted_user\":true,\"user_id\":\"%s\","
				   "\"organization_id\":\"%s\",\"username\":\"%s\",\"display_name\":"
				   "\"Integration User\",\"active\":true,\"user_type\":\"STANDARD\","
				   "\"urls\":{\"rest\":\"%s/services/data/v{version}/\","
				   "\"sobjects\":\"%s/services/data/v{version}/sobjects/\","
				   "\"query\":\"%s/services/data/v{version}/query/\"}}",
				   id, user, sim_org_id(s->org), sim_org_user_name(s->org), s->base_url,
				   s->base_url, s->base_url);
}
