/*
 * auth_keep.c
 *		Sessions, grants and credentials as JSON: for snapshots, and for orgs that outlive the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "auth_int.h"
#include "clock.h"

static void
text_member(sim_buf *b, const char *name, const char *value)
{
	sim_buf_printf(b, ",\"%s\":", name);
	sim_json_string(b, value, strlen(value));
}

void
auth_save(srv *s, sim_buf *out)
{
	srv_auth *a = s->auth;
	int64_t now = sim_clock_mono();

	pthread_mutex_lock(&a->lock);
	sim_buf_printf(out, "{\"next_grant\":%lld", (long long) a->next_grant);
	for (int i = 0; i < CRED_COUNT; i++)
		text_member(out, a->creds[i].name, a->creds[i].value);
	if (a->jwt_key)
		text_member(out, "jwt_key", a->jwt_key);
	sim_buf_str(out, ",\"sessions\":[");
	for (const session *n = a->oldest; n; n = n->newer)
	{
		sim_buf_printf(out, "%s{\"flow\":%d,\"issued\":%lld,\"unused_ms\":%lld,\"grant\":%lld",
					   n == a->oldest ? "" : ",", (int) n->pub.flow, (long long) n->pub.issued,
					   (long long) (now - n->pub.renewed), (long long) n->pub.grant);
		text_member(out, "text", n->pub.text);
		text_member(out, "user", n->pub.user);
		text_member(out, "username", n->pub.username);
		text_member(out, "scope", n->pub.scope);
		sim_buf_char(out, '}');
	}
	sim_buf_str(out, "],\"grants\":[");
	for (const grant *g = a->grants; g; g = g->older)
	{
		sim_buf_printf(out, "%s{\"id\":%lld,\"issued\":%lld", g == a->grants ? "" : ",",
					   (long long) g->pub.id, (long long) g->pub.issued);
		text_member(out, "refresh", g->pub.refresh);
		text_member(out, "user", g->pub.user);
		text_member(out, "scope", g->pub.scope);
		sim_buf_char(out, '}');
	}
	sim_buf_str(out, "]}");
	pthread_mutex_unlock(&a->lock);
}

static int64_t
int_of(const cJSON *o, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsNumber(v) ? (int64_t) v->valuedouble : 0;
}

static void
copy_text(const cJSON *o, const char *name, char *out, size_t size)
{
	const char *v = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

	snprintf(out, size, "%s", v ? v : "");
}

/* The lock is held for these two; a session that exists already stays as it is. */
static void
load_session(srv_auth *a, const cJSON *from)
{
	session *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return;
	copy_text(from, "text", n->pub.text, sizeof(n->pub.text));
	copy_text(from, "user", n->pub.user, sizeof(n->pub.user));
	copy_text(from, "username", n->pub.username, sizeof(n->pub.username));
	copy_text(from, "scope", n->pub.scope, sizeof(n->pub.scope));
	n->pub.flow = (auth_flow) int_of(from, "flow");
	n->pub.issued = int_of(from, "issued");
	n->pub.renewed = sim_clock_mono() - int_of(from, "unused_ms");
	n->pub.grant = int_of(from, "grant");
	if (auth_living_session(a, n->pub.text, INT64_MAX))
		free(n);
	else
		auth_add_session(a, n);
}

static void
load_grants(srv_auth *a, const cJSON *list)
{
	grant **end = &a->grants;
	const cJSON *from;

	while (a->grants)
	{
		grant *older = a->grants->older;

		free(a->grants);
		a->grants = older;
	}
	cJSON_ArrayForEach (from, list)
	{
		grant *g = calloc(1, sizeof(*g));

		if (g == NULL)
			return;
		g->pub.id = int_of(from, "id");
		g->pub.issued = int_of(from, "issued");
		copy_text(from, "refresh", g->pub.refresh, sizeof(g->pub.refresh));
		copy_text(from, "user", g->pub.user, sizeof(g->pub.user));
		copy_text(from, "scope", g->pub.scope, sizeof(g->pub.scope));
		*end = g;
		end = &g->older;
	}
}

bool
auth_load(srv *s, const struct cJSON *from, bool keep_sessions, sim_error *err)
{
	srv_auth *a = s->auth;
	const char *key = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(from, "jwt_key"));
	const cJSON *one;

	if (!cJSON_IsObject(from))
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "the sessions are no JSON object");
	pthread_mutex_lock(&a->lock);
	while (!keep_sessions && a->oldest)
		auth_drop_session(a, a->oldest);
	for (int i = 0; i < CRED_COUNT; i++)
		copy_text(from, a->creds[i].name, a->creds[i].value, AUTH_CRED_SIZE);
	free(a->jwt_key);
	a->jwt_key = key ? strdup(key) : NULL;
	a->next_grant = int_of(from, "next_grant");
	load_grants(a, cJSON_GetObjectItemCaseSensitive(from, "grants"));
	cJSON_ArrayForEach (one, cJSON_GetObjectItemCaseSensitive(from, "sessions"))
	{
		load_session(a, one);
	}
	a->nlogins = 0;
	pthread_mutex_unlock(&a->lock);
	return true;
}
