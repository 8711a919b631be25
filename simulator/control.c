/*
 * control.c
 *		/__sfsim/: what tests and people see and switch, without a session.
 *
 *	GET    /log[/N[/request | /answer]]  requests so far (log_view.c)
 *	DELETE /log
 *	GET    /wait?…           until something has happened
 *	GET    /jobs             jobs that exist, with their states
 *	DELETE /jobs             forget them
 *	GET    /faults           with counters
 *	POST   /faults           add one, or an array (faults.c)
 *	DELETE /faults[/id | ?name=]
 *	POST   /release[?name=]  let held requests and jobs go on
 *	GET    /options          all options and engine switches
 *	POST   /options          change some: {"page_rows": 100, "csv_time": "millis"}
 *	POST   /tokens           {"expire": "all" | token} or {"issue": true}
 *	POST   /jwt-key          body: PEM public key or certificate
 *	DELETE /cursors          every REST query locator becomes invalid
 *	GET    /clock            the org's time
 *	POST   /clock            {"advance_ms": n | "set": "<datetime>" | "freeze": true | false | "reset": true}
 *	GET    /snapshot         snapshots that there are
 *	POST   /snapshot         {"name": "x"}: the org as it is now
 *	DELETE /snapshot[/name]
 *	POST   /restore          {"name": "x"}: the org as it was then
 *	GET    /locks            rows that cannot be written
 *	POST   /locks            {"ids": ["001…"], "approval": false}: more of them (store.h)
 *	DELETE /locks[/id]
 *	GET    /schema           fields that are hidden or described anew (schema_change.c)
 *	POST   /schema           {"object": "Account", "field": "X__c", "hidden": true, "describe": {…}}
 *	DELETE /schema           the schema as at the start
 *	GET    /state            counters
 *	GET    /env              shell lines, as --env prints them
 *	POST   /reset            faults, log, options, switches, schema and jobs as at the start
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "bulk1.h"
#include "faults.h"
#include "schema.h"
#include "store.h"
#include "text.h"

static void
refuse(srv_request *req, const sim_error *err)
{
	sim_buf *b = srv_json(req, 400);

	sim_buf_str(b, "{\"error\":");
	sim_json_string(b, err->message, strlen(err->message));
	sim_buf_char(b, '}');
}

static void
post_options(srv_request *req, const cJSON *body)
{
	sim_error err;
	bool ok = cJSON_IsObject(body);

	if (!ok)
		sim_error_set(&err, "INVALID_INPUT", "the body is not a JSON object");
	if (!ok || !control_options_apply(req->srv, body, &err))
		refuse(req, &err);
	else
		control_options_json(req->srv, srv_json(req, 200));
	state_touch(req->srv);
	log_wake(req->srv);
}

static void
counted(srv_request *req, const char *what, int n)
{
	sim_buf_printf(srv_json(req, 200), "{\"%s\":%d}", what, n);
}

/* ---------------------------------------------------------------- faults, tokens, waiting */

/* One fault, or an array: all of them or, when one is misspelt, none. */
static void
post_faults(srv_request *req, const cJSON *body)
{
	bool list = cJSON_IsArray(body);
	sim_error err;
	sim_buf ids = {0};
	bool ok = true;
	bool first = true;

	for (const cJSON *one = list ? body->child : body; ok && (one || !list); one = one->next)
	{
		ok = fault_check(one, &err);
		if (!list)
			break;
	}
	sim_buf_str(&ids, "{\"ids\":[");
	for (const cJSON *one = list ? body->child : body; ok && one; one = one->next)
	{
		int64_t id = faults_add(req->srv, one, &err);

		ok = id >= 0;
		sim_buf_printf(&ids, "%s%lld", first ? "" : ",", (long long) id);
		first = false;
		if (!list)
			break;
	}
	sim_buf_str(&ids, "]}");
	if (ok)
		sim_buf_add(srv_json(req, 200), ids.data, ids.len);
	else
		refuse(req, &err);
	sim_buf_free(&ids);
}

static void
post_tokens(srv_request *req, const cJSON *body)
{
	const char *expire =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "expire"));
	char token[AUTH_TOKEN_SIZE];
	sim_error err;

	if (expire)
		counted(req, "expired",
				auth_expire(req->srv, strcmp(expire, "all") == 0 ? NULL : expire));
	else if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "issue")))
	{
		auth_issue(req->srv, "control", token);
		sim_buf_printf(srv_json(req, 200), "{\"access_token\":\"%s\",\"instance_url\":\"%s\"}",
					   token, req->srv->base_url);
	}
	else
	{
		sim_error_set(&err, "INVALID_INPUT", "expected \"expire\" or \"issue\"");
		refuse(req, &err);
	}
}

/* Wait until at most so many jobs exist. */
static bool
wait_jobs(srv *s, int most, int timeout_ms, int *n)
{
	int64_t end = srv_mono_ms() + timeout_ms;

	for (;;)
	{
		int64_t left = end - srv_mono_ms();

		*n = jobs_count(s);
		if (*n <= most)
			return true;

		/* in slices: a job may go between the count and the wait */
		if (left <= 0 || !log_wait_change(s, left > 50 ? 50 : (int) left))
			return false;
	}
}

/*
 * GET /wait?method=&path=&state=&count=&timeout_ms=  or  ?jobs=N
 * 200 {"matched":n} as soon as it is so, 408 with the same body when not.
 */
static void
get_wait(srv_request *req)
{
	static const char *const names[] = {"arrived", "held", "answered", "done"};
	char *method = srv_param(req->query, "method", NULL);
	char *path = srv_param(req->query, "path", NULL);
	char *state = srv_param(req->query, "state", NULL);
	int64_t jobs = srv_param_int(req, "jobs", -1);
	int64_t count = srv_param_int(req, "count", 1);
	int64_t timeout = srv_param_int(req, "timeout_ms", 10000);
	log_state want = state ? LOG_ABORTED : LOG_DONE;
	sim_error err;
	int n = 0;

	for (int i = 0; state && i < 4; i++)
		if (strcmp(names[i], state) == 0)
			want = (log_state) i;
	if (want == LOG_ABORTED || count < 0 || timeout < 0 || timeout > 600000)
	{
		sim_error_set(&err, "INVALID_INPUT",
					  "state is arrived, held, answered or done; timeout_ms at most 600000");
		refuse(req, &err);
	}
	else
	{
		bool ok = jobs >= 0
					  ? wait_jobs(req->srv, (int) jobs, (int) timeout, &n)
					  : log_wait(req->srv, method, path, want, (int) count, (int) timeout, &n);

		sim_buf_printf(srv_json(req, ok ? 200 : 408), "{\"matched\":%d}", n);
	}
	free(method);
	free(path);
	free(state);
}

static void
get_state(srv_request *req)
{
	srv *s = req->srv;
	sim_buf *b = srv_json(req, 200);
	int64_t calls = srv_limits_used(s, LIMIT_API_REQUESTS);

	sim_buf_printf(b, "{\"api_calls\":%lld,\"jobs\":%d,\"data_version\":%llu,\"pages\":",
				   (long long) calls, jobs_count(s),
				   (unsigned long long) sim_org_data_version(s->org));
	pages_json(s, b);
	sim_buf_char(b, '}');
}

static void
post_reset(srv_request *req)
{
	srv *s = req->srv;

	faults_clear(s, -1, NULL);
	pthread_mutex_lock(&s->lock);
	s->options = s->initial;
	pthread_mutex_unlock(&s->lock);
	srv_limits_reset(s);
	auth_reset(s);
	sim_unlock_rows(s->org, NULL);
	sim_schema_restore();
	sim_org_reset_switches(s->org);
	cursors_drop_all(s);
	log_clear(s);
	counted(req, "jobs", jobs_drop_all(s) + bulk1_drop_all(s));
	state_touch(s);
	log_wake(s);
}

/* A value in single quotes for the shell. */
static void
shell_line(sim_buf *out, const char *name, const char *value)
{
	sim_buf_printf(out, "%s='", name);
	for (; *value; value++)
	{
		if (*value == '\'')
			sim_buf_str(out, "'\\''");
		else
			sim_buf_char(out, *value);
	}
	sim_buf_str(out, "'\n");
}

void
control_env(srv *s, sim_buf *out)
{
	static const char *const creds[][2] = {{"SF_PASSWORD", "password"},
										   {"SF_SECURITY_TOKEN", "security_token"},
										   {"SF_CLIENT_ID", "client_id"},
										   {"SF_CLIENT_SECRET", "client_secret"},
										   {"SF_REFRESH_TOKEN", "refresh_token"}};
	char value[512];
	char token[AUTH_TOKEN_SIZE];

	auth_issue(s, "env", token);
	shell_line(out, "SF_URL", s->base_url);
	shell_line(out, "SF_TOKEN", token);
	shell_line(out, "SF_USERNAME", sim_org_user_name(s->org));
	for (size_t i = 0; i < sizeof(creds) / sizeof(*creds); i++)
	{
		/* the last one is what scripts wait for */
		if (i + 1 == sizeof(creds) / sizeof(*creds))
		{
			if (s->jwt_file)
				shell_line(out, "SF_JWT_KEY", s->jwt_file);
			if (s->ca_file)
				shell_line(out, "SF_CA_FILE", s->ca_file);
		}
		auth_get_credential(s, creds[i][1], value, sizeof(value));
		shell_line(out, creds[i][0], value);
	}
}

/* ---------------------------------------------------------------- dispatch */

/* One by its number, those of ?name=, or all of them. */
static void
delete_faults(srv_request *req)
{
	char *name = srv_param(req->query, "name", NULL);
	int64_t id = -1;
	sim_error err;

	if (req->nsegs > 2)
	{
		char *end;

		id = strtoll(req->segs[2], &end, 10);
		if (*end != '\0' || id < 1)
		{
			sim_error_set(&err, "INVALID_INPUT", "\"%s\" is no number of a fault",
						  req->segs[2]);
			refuse(req, &err);
			free(name);
			return;
		}
	}
	counted(req, "removed", faults_clear(req->srv, id, name));
	free(name);
}

static void
handle_delete(srv_request *req, const char *what)
{
	srv *s = req->srv;

	if (strcmp(what, "log") == 0)
	{
		log_clear(s);
		counted(req, "log", 0);
	}
	else if (strcmp(what, "faults") == 0)
		delete_faults(req);
	else if (strcmp(what, "jobs") == 0)
		counted(req, "removed", jobs_drop_all(s) + bulk1_drop_all(s));
	else if (strcmp(what, "snapshot") == 0)
		control_snapshot_delete(req);
	else if (strcmp(what, "cursors") == 0)
		counted(req, "removed", cursors_drop_all(s));
	else if (strcmp(what, "locks") == 0)
		control_locks_delete(req);
	else if (strcmp(what, "schema") == 0)
		counted(req, "removed", sim_schema_restore());
	else
		srv_not_found(req);
	log_wake(s);
}

static void
handle_get(srv_request *req, const char *what)
{
	srv *s = req->srv;

	if (strcmp(what, "log") == 0)
		log_get(req);
	else if (strcmp(what, "wait") == 0)
		get_wait(req);
	else if (strcmp(what, "jobs") == 0)
		jobs_json(s, srv_json(req, 200));
	else if (strcmp(what, "faults") == 0)
		faults_json(s, srv_json(req, 200));
	else if (strcmp(what, "options") == 0)
		control_options_json(s, srv_json(req, 200));
	else if (strcmp(what, "clock") == 0)
		control_clock_get(req);
	else if (strcmp(what, "snapshot") == 0)
		control_snapshot_get(req);
	else if (strcmp(what, "locks") == 0)
		control_locks_get(req);
	else if (strcmp(what, "schema") == 0)
		control_schema_get(req);
	else if (strcmp(what, "state") == 0)
		get_state(req);
	else if (strcmp(what, "env") == 0)
	{
		srv_text(req, 200, "text/plain;charset=UTF-8", NULL);
		control_env(s, &req->resp.body);
	}
	else if (*what == '\0')
		srv_text(
			req, 200, "text/plain;charset=UTF-8",
			"sfsim: a local simulator, not Salesforce.\n"
			"GET log wait jobs faults options clock snapshot schema state env; POST faults "
			"release options clock tokens jwt-key snapshot restore schema reset; DELETE log "
			"faults jobs cursors snapshot schema\n");
	else
		srv_not_found(req);
}

static void
handle_post(srv_request *req, const char *what)
{
	const char *data = req->body.data ? req->body.data : "";
	cJSON *body;
	sim_error err;

	/* what comes in is told again: by the list of faults, by a message */
	if (sim_utf8_prefix(data, req->body.len) < req->body.len)
	{
		sim_error_set(&err, "INVALID_INPUT", "the body is not UTF-8");
		refuse(req, &err);
		return;
	}
	body = cJSON_ParseWithLength(data, req->body.len);
	if (strcmp(what, "faults") == 0)
		post_faults(req, body);
	else if (strcmp(what, "options") == 0)
		post_options(req, body);
	else if (strcmp(what, "tokens") == 0)
		post_tokens(req, body);
	else if (strcmp(what, "reset") == 0)
		post_reset(req);
	else if (strcmp(what, "clock") == 0 || strcmp(what, "snapshot") == 0 ||
			 strcmp(what, "restore") == 0)
	{
		if (*what == 'c' ? !control_clock_post(req, body, &err)
						 : !control_snapshot_post(req, body, *what == 'r', &err))
			refuse(req, &err);
		state_touch(req->srv);
		log_wake(req->srv);
	}
	else if (strcmp(what, "locks") == 0 || strcmp(what, "schema") == 0)
	{
		if (*what == 'l' ? !control_locks_post(req, body, &err)
						 : !control_schema_post(req, body, &err))
			refuse(req, &err);
	}
	else if (strcmp(what, "jwt-key") == 0)
	{
		if (auth_set_jwt_key(req->srv, data, req->body.len, &err))
			counted(req, "keys", 1);
		else
			refuse(req, &err);
	}
	else if (strcmp(what, "release") == 0)
	{
		char *name = srv_param(req->query, "name", NULL);

		counted(req, "released", faults_release(req->srv, name));
		log_wake(req->srv);
		free(name);
	}
	else
		srv_not_found(req);
	cJSON_Delete(body);
}

void
control_handle(srv_request *req)
{
	const char *what = req->nsegs > 1 ? req->segs[1] : "";

	if (strcmp(req->method, "GET") == 0)
		handle_get(req, what);
	else if (strcmp(req->method, "POST") == 0)
		handle_post(req, what);
	else if (strcmp(req->method, "DELETE") == 0)
		handle_delete(req, what);
	else
		srv_error(req, 405, "METHOD_NOT_ALLOWED", "Method not allowed");
}
