/*
 * sf_client.c
 *		The session: configuration, token, connections, and the step that moves all of it.
 */
#include "sf_client_session.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONNECT_TIMEOUT_MS 30000
#define DEFAULT_REQUEST_TIMEOUT_MS 120000
#define DEFAULT_MAX_RETRIES		   4

/*
 * Rounds of "what came, what follows from it" within a step.  A login, the request behind it and a
 * job's first poll each need one; the bound keeps a step short when answers come at once.
 */
#define STEP_PASSES 8

sf_session *
sf_session_new(const sf_config *cfg, sf_error *err)
{
	sf_http_options opts = {.proxy = cfg->proxy,
							.ca_file = cfg->ca_file,
							.connect_timeout_ms = DEFAULT_CONNECT_TIMEOUT_MS,
							.request_timeout_ms = DEFAULT_REQUEST_TIMEOUT_MS,
							.max_retries = DEFAULT_MAX_RETRIES,
							.no_compression = cfg->no_compression};
	sf_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	if (cfg->connect_timeout_ms > 0)
		opts.connect_timeout_ms = cfg->connect_timeout_ms;
	if (cfg->request_timeout_ms > 0)
		opts.request_timeout_ms = cfg->request_timeout_ms;
	if (cfg->max_retries != 0)
		opts.max_retries = cfg->max_retries > 0 ? cfg->max_retries : 0;
	if (opts.proxy != NULL && opts.proxy[0] == '\0')
		opts.proxy = NULL;
	if (opts.ca_file != NULL && opts.ca_file[0] == '\0')
		opts.ca_file = NULL;
	s->max_retries = opts.max_retries;
	s->failures = malloc(sizeof(*s->failures));
	s->failures_alloc = 1;
	if (s->failures == NULL)
	{
		sf_error_nomem(err);
		sf_session_free(s);
		return NULL;
	}
	if (sf_auth_config_copy(&s->config, cfg, err) != SF_OK ||
		(s->http = sf_http_new(&opts, err)) == NULL)
	{
		sf_session_free(s);
		return NULL;
	}
	return s;
}

void
sf_session_free(sf_session *s)
{
	if (s == NULL)
		return;
	while (s->queries != NULL)
		sf_query_free(s->queries);
	while (s->ingests != NULL)
		sf_ingest_free(s->ingests);
	while (s->remains != NULL)
	{
		sf_remains *next = s->remains->next;

		s->remains->kind->free(s->remains->object);
		free(s->remains);
		s->remains = next;
	}
	sf_auth_end(s->auth);
	sf_http_free(s->http);
	sf_auth_config_clear(&s->config);
	free(s->failures);
	free(s);
}

int
sf_session_fd(const sf_session *s)
{
	return sf_http_fd(s->http);
}

bool
sf_session_logged_in(const sf_session *s)
{
	return sf_http_has_token(s->http);
}

sf_auth_flow
sf_session_flow(const sf_session *s)
{
	return s->config.flow;
}

const char *
sf_session_api_version(const sf_session *s)
{
	return s->config.api_version;
}

const char *
sf_session_instance_url(const sf_session *s)
{
	return sf_http_base(s->http);
}

bool
sf_session_api_usage(const sf_session *s, int64_t *used, int64_t *max)
{
	return sf_http_api_usage(s->http, used, max);
}

bool
sf_session_server_time(const sf_session *s, int64_t *seconds)
{
	return sf_http_server_time(s->http, seconds);
}

int64_t
sf_session_calls(const sf_session *s)
{
	return sf_http_calls(s->http);
}

int64_t
sf_session_api_usage_age(const sf_session *s)
{
	return sf_http_api_usage_age(s->http);
}

bool
sf_session_quota(const sf_session *s, sf_quota which, int64_t *max, int64_t *remaining,
				 int64_t *age_ms)
{
	return sf_http_quota(s->http, which, max, remaining, age_ms);
}

bool
sf_session_take_usage(sf_session *s, sf_usage *usage)
{
	return sf_http_take_usage(s->http, usage);
}

bool
sf_session_trace(sf_session *s, char *buf, size_t size)
{
	return sf_http_trace_line(s->http, buf, size);
}

/* ---- logging in -------------------------------------------------------------------- */

/* One login for all who wait for it; when it fails, they all fail with its reason. */
static void
login_start(sf_session *s)
{
	sf_error why = {0};

	if (s->config.flow == SF_AUTH_ACCESS_TOKEN && s->access_token_given)
	{
		sf_error_set(&why, SF_ERR_AUTH, "the access token was refused by Salesforce");
		sf_error_code(&why, "INVALID_SESSION_ID");
		sf_error_detail(&why,
						"It has expired or was revoked, and there are no credentials to get "
						"a new one with.");
		sf_error_hint(&why, "Set a fresh access_token, or use client_id and client_secret.");
		why.http_status = 401;
		sf_http_fail_waiting(s->http, &why);
		return;
	}
	sf_http_set_account(s->http, NULL);
	s->auth = sf_auth_start(s->http, &s->config, &why);
	if (s->auth == NULL)
		sf_http_fail_waiting(s->http, &why);
}

static void
login_finish(sf_session *s)
{
	sf_error why = {0};
	sf_status st = sf_auth_check(s->auth, &why);
	const char *refresh_token;

	if (st == SF_WAIT)
		return;
	if (st == SF_OK)
		st = sf_http_set_session(s->http, sf_auth_instance(s->auth), sf_auth_token(s->auth),
								 &why);
	if (st == SF_OK)
	{
		s->access_token_given = true;
		refresh_token = sf_auth_new_refresh_token(s->auth);
		if (refresh_token != NULL && s->config.flow == SF_AUTH_REFRESH_TOKEN &&
			!sf_secret_set(&s->config.creds[SF_CRED_REFRESH_TOKEN], refresh_token))
			st = sf_error_nomem(&why);
	}
	sf_auth_end(s->auth);
	s->auth = NULL;
	if (st != SF_OK)
		sf_http_fail_waiting(s->http, &why);
}

/* A request waits for a token, and nobody has asked for one yet. */
static bool
login_is_due(const sf_session *s)
{
	return s->auth == NULL && sf_http_needs_login(s->http);
}

static void
login_step(sf_session *s)
{
	if (login_is_due(s))
		login_start(s);
	if (s->auth != NULL)
		login_finish(s);
}

/* ---- what ended objects leave ------------------------------------------------------ */

static void
add_failure(sf_session *s, const sf_error *why)
{
	if (s->nfailures >= SF_FAILURES_MAX)
		return;
	if (s->nfailures >= s->failures_alloc)
	{
		int n = s->nfailures + 1;
		sf_error *failures = realloc(s->failures, (size_t) n * sizeof(*failures));

		if (failures == NULL)
			return; /* one like those before it */
		s->failures = failures;
		s->failures_alloc = n;
	}
	s->failures[s->nfailures++] = *why;
}

/* Moves one clean-up on; true when it is over. */
static bool
remains_step(sf_session *s, const sf_remains_kind *kind, void *object)
{
	sf_error why = {0};
	sf_status st = kind->step(object, &why);

	if (st == SF_WAIT)
		return false;
	if (st == SF_FAILED)
		add_failure(s, &why);
	while (kind->take_warning != NULL && kind->take_warning(object, &why))
		add_failure(s, &why);
	kind->free(object);
	return true;
}

/* Drops one clean-up that is not over, with the warning that belongs to it. */
static void
remains_give_up(sf_session *s, const sf_remains_kind *kind, void *object)
{
	sf_error why = {0};

	kind->give_up(object, &why);
	add_failure(s, &why);
	kind->free(object);
}

void
sf_session_discard(sf_session *s, const sf_remains_kind *kind, void *object)
{
	sf_remains *r;
	sf_remains **last = &s->remains;

	if (remains_step(s, kind, object))
		return;
	r = malloc(sizeof(*r));
	if (r == NULL)
	{
		remains_give_up(s, kind, object);
		return;
	}
	r->kind = kind;
	r->object = object;
	r->next = NULL;
	while (*last != NULL)
		last = &(*last)->next;
	*last = r;
	s->nremains++;
}

static void
cleanup_step(sf_session *s)
{
	sf_remains **at = &s->remains;

	while (*at != NULL)
	{
		sf_remains *r = *at;

		if (!remains_step(s, r->kind, r->object))
		{
			at = &r->next;
			continue;
		}
		*at = r->next;
		free(r);
		s->nremains--;
	}
}

int
sf_session_cleanup_pending(const sf_session *s)
{
	return s->nremains;
}

bool
sf_session_cleanup_failure(sf_session *s, bool give_up, sf_error *err)
{
	while (give_up && s->remains != NULL)
	{
		sf_remains *r = s->remains;

		remains_give_up(s, r->kind, r->object);
		s->remains = r->next;
		free(r);
		s->nremains--;
	}
	if (s->nfailures == 0)
		return false;
	*err = s->failures[0];
	s->nfailures--;
	memmove(s->failures, s->failures + 1, (size_t) s->nfailures * sizeof(*s->failures));
	return true;
}

/* ---- the step ---------------------------------------------------------------------- */

sf_step
sf_session_step(sf_session *s, sf_error *err)
{
	bool progress = false;

	for (int pass = 0; pass < STEP_PASSES; pass++)
	{
		if (sf_http_step(s->http, &progress, err) != SF_OK)
			return SF_STEP_FAILED;
		login_step(s);
		cleanup_step(s);
		sf_queries_advance(s);
		progress = sf_ingests_advance(s) || progress;
		if (!sf_http_has_work(s->http) && !login_is_due(s))
			break;
	}
	/* no socket would tell of a login that has not begun */
	if (login_is_due(s))
		sf_http_wake_at(s->http, sf_http_now(s->http));
	if (sf_http_arm(s->http, err) != SF_OK)
		return SF_STEP_FAILED;
	if (progress)
		return SF_STEP_READY;
	return sf_http_busy(s->http) ? SF_STEP_WAIT : SF_STEP_IDLE;
}

/* ---- metadata ---------------------------------------------------------------------- */

sf_describe *
sf_describe_global_start(sf_session *s, sf_error *err)
{
	sf_http_set_account(s->http, NULL);
	return sf_describe_new_global(s->http, s->config.api_version, err);
}

sf_describe *
sf_describe_objects_start(sf_session *s, const char *const *names, int nnames, sf_error *err)
{
	sf_http_set_account(s->http, nnames == 1 ? names[0] : NULL);
	return sf_describe_new_objects(s->http, s->config.api_version, names, nnames, err);
}
