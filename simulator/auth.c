/*
 * auth.c
 *		Users, sessions and grants: who is who, and until when.
 *
 * A session token is "00D…!" and random text.  It lives until it is revoked, expired by the control
 * endpoint, pushed out by newer ones, or until session_seconds have passed on the org's clock without use;
 * use counts from half of that time on only, as Salesforce does it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth_int.h"
#include "clock.h"

/* Far above what an org allows per user; only keeps the table bounded. */
#define MAX_SESSIONS 32768
#define MAX_GRANTS	 4096

#define HOUR_MS ((int64_t) 3600 * 1000)

/* The grant of the configured refresh token. */
#define FIRST_GRANT 1

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
	a->codes = auth_codes_new();
	if (a->codes == NULL)
	{
		free(a);
		return NULL;
	}
	memcpy(a->creds, default_creds, sizeof(default_creds));
	a->next_grant = FIRST_GRANT + 1;
	pthread_mutex_init(&a->lock, NULL);
	return a;
}

static void
drop_grants(srv_auth *a)
{
	while (a->grants)
	{
		grant *older = a->grants->older;

		free(a->grants);
		a->grants = older;
	}
}

void
auth_reset(srv *s)
{
	srv_auth *a = s->auth;

	pthread_mutex_lock(&a->lock);
	memcpy(a->creds, default_creds, sizeof(default_creds));
	drop_grants(a);
	a->nlogins = 0;
	pthread_mutex_unlock(&a->lock);
	auth_codes_clear(a->codes);
}

void
auth_free(srv_auth *a)
{
	if (a == NULL)
		return;
	while (a->oldest)
		auth_drop_session(a, a->oldest);
	drop_grants(a);
	auth_codes_free(a->codes);
	pthread_mutex_destroy(&a->lock);
	free(a->jwt_key);
	free(a);
}

auth_codes *
auth_codes_of(srv *s)
{
	return s->auth->codes;
}

/* ---------------------------------------------------------------- credentials */

bool
auth_set_credential(srv *s, const char *name, const char *value)
{
	srv_auth *a = s->auth;

	for (int i = 0; i < CRED_COUNT; i++)
		if (strcmp(a->creds[i].name, name) == 0)
		{
			pthread_mutex_lock(&a->lock);
			snprintf(a->creds[i].value, AUTH_CRED_SIZE, "%s", value);
			pthread_mutex_unlock(&a->lock);
			state_touch(s);
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
auth_credential_is(srv *s, const char *name, const char *given)
{
	char want[AUTH_CRED_SIZE];

	auth_get_credential(s, name, want, sizeof(want));
	return given && *given && strcmp(given, want) == 0;
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
	state_touch(s);
	return true;
}

char *
auth_jwt_key(srv *s)
{
	srv_auth *a = s->auth;
	char *copy;

	pthread_mutex_lock(&a->lock);
	copy = a->jwt_key ? strdup(a->jwt_key) : NULL;
	pthread_mutex_unlock(&a->lock);
	return copy;
}

/* ---------------------------------------------------------------- users */

bool
auth_password_ok(srv *s, const char *username, const char *password)
{
	char pass[AUTH_CRED_SIZE];
	char token_text[AUTH_CRED_SIZE];
	char want[2 * AUTH_CRED_SIZE];
	auth_user user;

	auth_get_credential(s, "password", pass, sizeof(pass));
	auth_get_credential(s, "security_token", token_text, sizeof(token_text));
	snprintf(want, sizeof(want), "%s%s", pass, token_text);
	return username && password && auth_user_by_name(s, username, &user) &&
		   strcmp(password, want) == 0;
}

/* One more login of the user; true when they are too many in this hour.  The lock is held. */
static bool
too_many_logins(srv_auth *a, const char *user, int most)
{
	int64_t now = sim_clock_mono();
	login_count *c = NULL;

	for (int i = 0; i < a->nlogins && c == NULL; i++)
		if (strcmp(a->logins[i].user, user) == 0)
			c = &a->logins[i];
	if (c == NULL)
	{
		/* a full table starts again: its users are let in */
		if (a->nlogins == MAX_COUNTED)
			a->nlogins = 0;
		c = &a->logins[a->nlogins++];
		snprintf(c->user, sizeof(c->user), "%s", user);
		c->since = now;
		c->n = 0;
	}
	if (now - c->since >= HOUR_MS)
	{
		c->since = now;
		c->n = 0;
	}
	return ++c->n > most;
}

const char *
auth_login_refused(srv *s, const auth_user *user, const char **description)
{
	srv_options opt = srv_options_get(s);
	bool many;

	if (!opt.org_active)
	{
		*description = "organization is inactive";
		return "inactive_org";
	}
	if (!user->active || !opt.user_active)
	{
		*description = "user is inactive";
		return "inactive_user";
	}
	pthread_mutex_lock(&s->auth->lock);
	many = too_many_logins(s->auth, user->id, opt.max_logins);
	pthread_mutex_unlock(&s->auth->lock);
	if (!many)
		return NULL;
	*description = "login rate exceeded";
	return "rate_limit_exceeded";
}

/* ---------------------------------------------------------------- sessions */

int64_t
auth_session_ms(srv *s)
{
	return (int64_t) srv_options_get(s).session_seconds * 1000;
}

static session **
bucket_of(srv_auth *a, const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text; text++)
		h = (h ^ (unsigned char) *text) * 16777619u;
	return &a->buckets[h & (BUCKETS - 1)];
}

/* Take it out of all lists and free it; the lock is held. */
void
auth_drop_session(srv_auth *a, session *s)
{
	session **at = bucket_of(a, s->pub.text);

	while (*at != s)
		at = &(*at)->same_bucket;
	*at = s->same_bucket;
	if (s->older)
		s->older->newer = s->newer;
	else
		a->oldest = s->newer;
	if (s->newer)
		s->newer->older = s->older;
	else
		a->newest = s->older;
	a->nsessions--;
	free(s);
}

/* The session of that text, if it lives; the lock is held. */
session *
auth_living_session(srv_auth *a, const char *text, int64_t lifetime)
{
	session *s = *bucket_of(a, text);

	while (s && strcmp(s->pub.text, text) != 0)
		s = s->same_bucket;
	if (s && sim_clock_mono() - s->pub.renewed >= lifetime)
	{
		auth_drop_session(a, s);
		s = NULL;
	}
	return s;
}

/* Put it into all lists, as the newest; the lock is held. */
void
auth_add_session(srv_auth *a, session *n)
{
	session **bucket = bucket_of(a, n->pub.text);

	if (a->nsessions == MAX_SESSIONS)
		auth_drop_session(a, a->oldest);
	n->same_bucket = *bucket;
	*bucket = n;
	n->older = a->newest;
	if (a->newest)
		a->newest->newer = n;
	else
		a->oldest = n;
	a->newest = n;
	a->nsessions++;
}

void
auth_session_new(srv *s, const auth_user *user, auth_flow flow, const auth_grant *consent,
				 char out[AUTH_TOKEN_SIZE])
{
	srv_auth *a = s->auth;
	session *n = calloc(1, sizeof(*n));
	char random[97];

	srv_random_text(random, 96);
	snprintf(out, AUTH_TOKEN_SIZE, "%.15s!%s", sim_org_id(s->org), random);
	if (n == NULL)
		return; /* a token that is no good: the client logs in again */
	memcpy(n->pub.text, out, AUTH_TOKEN_SIZE);
	memcpy(n->pub.user, user->id, sizeof(n->pub.user));
	memcpy(n->pub.username, user->username, sizeof(n->pub.username));
	snprintf(n->pub.scope, sizeof(n->pub.scope), "%s",
			 consent ? consent->scope : "api refresh_token");
	n->pub.flow = flow;
	n->pub.grant = consent ? consent->id : 0;
	n->pub.issued = sim_clock_now();
	n->pub.renewed = sim_clock_mono();
	pthread_mutex_lock(&a->lock);
	auth_add_session(a, n);
	pthread_mutex_unlock(&a->lock);
	state_touch(s);
}

void
auth_issue(srv *s, const char *app, char out[AUTH_TOKEN_SIZE])
{
	auth_user user;

	auth_user_admin(s, &user);
	auth_session_new(s, &user, app ? AUTH_DIRECT : AUTH_SOAP, NULL, out);
}

bool
auth_session_find(srv *s, const char *text, auth_session *copy)
{
	srv_auth *a = s->auth;
	int64_t lifetime = auth_session_ms(s);
	session *found;

	pthread_mutex_lock(&a->lock);
	found = auth_living_session(a, text, lifetime);
	if (found)
	{
		int64_t now = sim_clock_mono();

		if (now - found->pub.renewed >= lifetime / 2)
			found->pub.renewed = now;
		*copy = found->pub;
	}
	pthread_mutex_unlock(&a->lock);
	return found != NULL;
}

bool
auth_session_peek(srv *s, const char *text, auth_session *copy)
{
	srv_auth *a = s->auth;
	int64_t lifetime = auth_session_ms(s);
	session *found;

	pthread_mutex_lock(&a->lock);
	found = auth_living_session(a, text, lifetime);
	if (found)
		*copy = found->pub;
	pthread_mutex_unlock(&a->lock);
	return found != NULL;
}

int
auth_expire(srv *s, const char *text)
{
	srv_auth *a = s->auth;
	int64_t lifetime = auth_session_ms(s);
	int n = 0;

	pthread_mutex_lock(&a->lock);
	if (text)
	{
		session *found = auth_living_session(a, text, lifetime);

		if (found)
		{
			auth_drop_session(a, found);
			n = 1;
		}
	}
	else
	{
		n = a->nsessions;
		while (a->oldest)
			auth_drop_session(a, a->oldest);
	}
	pthread_mutex_unlock(&a->lock);
	state_touch(s);
	return n;
}

/* The token of "Authorization: Bearer …" ("OAuth …" is the older spelling). */
const char *
auth_bearer(const srv_request *req)
{
	const char *h = srv_header_get(req, "Authorization");

	if (h && strncasecmp(h, "Bearer ", 7) == 0)
		return h + 7 + strspn(h + 7, " ");
	if (h && strncasecmp(h, "OAuth ", 6) == 0)
		return h + 6 + strspn(h + 6, " ");
	return NULL;
}

bool
auth_session_of(const srv_request *req, auth_session *copy)
{
	const char *text = srv_header_get(req, "X-SFDC-Session");

	if (text == NULL)
		text = auth_bearer(req);
	return text && auth_session_find(req->srv, text, copy);
}

bool
auth_check(srv_request *req)
{
	const char *text = auth_bearer(req);
	auth_session t;

	/* the parts of a composite call were let in with the whole */
	if (req->conn == NULL)
		return true;
	if (text && fault_number(req, "expire_token", 0))
		auth_expire(req->srv, text);
	if (text && auth_session_find(req->srv, text, &t))
	{
		if (!srv_options_get(req->srv).password_expired ||
			(t.flow != AUTH_SOAP && t.flow != AUTH_PASSWORD))
			return true;
		srv_error(req, 403, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
				  "The users password has expired, you must call SetPassword before "
				  "attempting any other API operations");
		return false;
	}
	if (srv_header_get(req, "Authorization") && text == NULL)
		srv_error(req, 401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE");
	else
		srv_error(req, 401, "INVALID_SESSION_ID", "Session expired or invalid");
	srv_set_header(&req->resp, "WWW-Authenticate", "Token");
	return false;
}

/* ---------------------------------------------------------------- grants */

/* End all sessions of a grant; the lock is held. */
static void
drop_sessions_of(srv_auth *a, int64_t id)
{
	session *next;

	for (session *s = a->oldest; s; s = next)
	{
		next = s->newer;
		if (s->pub.grant == id)
			auth_drop_session(a, s);
	}
}

/* Revoke the oldest grant of the user (NULL: of all) when there are most already; the lock is held. */
static void
make_room(srv_auth *a, const char *user, int most)
{
	grant **oldest = NULL;
	int n = 0;
	grant *gone;

	for (grant **at = &a->grants; *at; at = &(*at)->older)
		if (user == NULL || strcmp((*at)->pub.user, user) == 0)
		{
			oldest = at;
			n++;
		}
	if (n < most || oldest == NULL)
		return;
	gone = *oldest;
	*oldest = gone->older;
	drop_sessions_of(a, gone->pub.id);
	free(gone);
}

static void
new_refresh_token(char out[AUTH_TOKEN_SIZE])
{
	memcpy(out, "5Aep861", 8);
	srv_random_text(out + 7, 78);
}

bool
auth_grant_new(srv *s, const auth_user *user, const char *scope, auth_grant *copy)
{
	srv_auth *a = s->auth;
	grant *g = calloc(1, sizeof(*g));
	int most = srv_options_get(s).max_grants;

	if (g == NULL)
		return false;
	new_refresh_token(g->pub.refresh);
	memcpy(g->pub.user, user->id, sizeof(g->pub.user));
	snprintf(g->pub.scope, sizeof(g->pub.scope), "%s", scope);
	g->pub.issued = sim_clock_now();
	pthread_mutex_lock(&a->lock);
	make_room(a, user->id, most);
	make_room(a, NULL, MAX_GRANTS);
	g->pub.id = a->next_grant++;
	g->older = a->grants;
	a->grants = g;
	*copy = g->pub;
	pthread_mutex_unlock(&a->lock);
	state_touch(s);
	return true;
}

bool
auth_grant_find(srv *s, const char *refresh, bool rotate, auth_grant *copy)
{
	srv_auth *a = s->auth;
	char *configured = a->creds[CRED_REFRESH_TOKEN].value;
	bool found = false;

	if (refresh == NULL || *refresh == '\0')
		return false;
	memset(copy, 0, sizeof(*copy));
	pthread_mutex_lock(&a->lock);
	if (strcmp(refresh, configured) == 0)
	{
		if (rotate)
			new_refresh_token(configured);
		copy->id = FIRST_GRANT;
		snprintf(copy->refresh, sizeof(copy->refresh), "%.127s", configured);
		snprintf(copy->scope, sizeof(copy->scope), "api refresh_token");
		sim_org_user_id(s->org, copy->user);
		found = true;
	}
	for (grant *g = a->grants; g && !found; g = g->older)
		if (strcmp(g->pub.refresh, refresh) == 0)
		{
			if (rotate)
				new_refresh_token(g->pub.refresh);
			*copy = g->pub;
			found = true;
		}
	pthread_mutex_unlock(&a->lock);
	if (found && rotate)
		state_touch(s);
	return found;
}

bool
auth_revoke_token(srv *s, const char *text)
{
	srv_auth *a = s->auth;
	auth_grant g;

	if (text == NULL || *text == '\0')
		return false;
	if (auth_expire(s, text) > 0)
		return true;
	if (!auth_grant_find(s, text, false, &g))
		return false;
	pthread_mutex_lock(&a->lock);
	drop_sessions_of(a, g.id);
	if (g.id == FIRST_GRANT)
		a->creds[CRED_REFRESH_TOKEN].value[0] = '\0';
	for (grant **at = &a->grants; *at; at = &(*at)->older)
		if ((*at)->pub.id == g.id)
		{
			grant *gone = *at;

			*at = gone->older;
			free(gone);
			break;
		}
	pthread_mutex_unlock(&a->lock);
	state_touch(s);
	return true;
}
