/*
 * job_query.c
 *		Bulk API 2.0 query jobs (protocol notes, 1).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "clock.h"
#include "job.h"
#include "quota.h"

/* Up to this version columns come in alphabetical order. */
#define LAST_SORTED_VERSION 49

/* A jump of the clock waits so long, for so many jobs that work. */
#define JUMP_JOBS 1000
#define JUMP_MS	  10000

/* How long a look at a job waits for it to end. */
#define SETTLE_MS 1000

int64_t
job_query_records(const job *j)
{
	return j->render && render_poll(j->render, 0, NULL) == RENDER_DONE ? render_rows(j->render)
																	   : 0;
}

void
job_query_advance(srv *s, job *j, const srv_options *opt)
{
	int64_t age = sim_clock_mono() - j->start;
	render_state r;

	if (j->orders.script)
		return;
	if (age < opt->queue_ms || job_held_in(j, opt, JOB_UPLOAD_COMPLETE))
		return;
	job_set_state_due(j, JOB_IN_PROGRESS, opt->queue_ms);
	if (age < (int64_t) opt->queue_ms + opt->job_ms || job_held_in(j, opt, JOB_IN_PROGRESS))
		return;
	r = j->render ? render_poll(j->render, 0, &j->err) : RENDER_FAILED;
	if (j->orders.fails || r == RENDER_FAILED)
		job_set_state_due(j, JOB_FAILED, (int64_t) opt->queue_ms + opt->job_ms);
	else if (r == RENDER_DONE)
	{
		job_set_state_due(j, JOB_COMPLETE, (int64_t) opt->queue_ms + opt->job_ms);
		srv_limits_use(s, LIMIT_QUERY_FILE_KB, (render_bytes(j->render) + 1023) / 1024);
	}
}

void
jobs_settle(srv *s, bool wait)
{
	srv_jobs *jobs = s->jobs;
	srv_render *r[JUMP_JOBS];
	int n = 0;

	pthread_mutex_lock(&jobs->lock);
	for (job *j = jobs->list; j && wait && n < JUMP_JOBS; j = j->next)
		if (j->render && j->state < JOB_COMPLETE)
			r[n++] = render_ref(j->render);
	pthread_mutex_unlock(&jobs->lock);
	while (n > 0)
	{
		render_poll(r[--n], JUMP_MS, NULL);
		render_release(r[n]);
	}
	pthread_mutex_lock(&jobs->lock);
	for (job *j = jobs->list; j; j = j->next)
		job_advance(s, j);
	pthread_mutex_unlock(&jobs->lock);
}

/* ---------------------------------------------------------------- create */

/* Objects that no API reads as a whole: what the WHERE clause must have, and the text without it. */
static const struct
{
	const char *object;
	const char *text;
} filtered[] = {
	{"ContentDocumentLink",
	 "Implementation restriction: ContentDocumentLink requires a filter by a single Id on "
	 "ContentDocumentId or LinkedEntityId using the equals operator or multiple Id's using "
	 "the "
	 "IN operator."},
	{"ContentFolderItem",
	 "Implementation restriction: ContentFolderItem requires a filter by Id or "
	 "ParentContentFolderId using the equals operator"},
	{"ContentFolderMember",
	 "Implementation restriction: ContentFolderMember requires a filter by a single Id, "
	 "ChildRecordId or ParentContentFolderId"},
	{"ContentHubItem", "Implementation restriction: ContentHubItem requires a filter by Id, "
					   "ContentHubRepositoryId or ExternalId"},
	{"IdeaComment", "Implementation restriction. When querying the Idea Comment object, you "
					"must filter using "
					"the following syntax: CommunityId = [single ID], Id = [single ID], "
					"IdeaId = [single ID], "
					"or IdeaId IN [list of IDs]."},
	{"Vote",
	 "Implementation restriction: When querying the Vote object, you must filter using the "
	 "following syntax: ParentId = [single ID], Parent.Type = [single Type], Id = [single "
	 "ID], "
	 "or Id IN [list of ID's]."},
};

/* Position of a word of SOQL outside of literals and parentheses; NULL when it is not there. */
static const char *
find_word(const char *soql, const char *word)
{
	size_t n = strlen(word);
	int depth = 0;

	for (const char *p = soql; *p; p++)
	{
		if (*p == '\'')
		{
			for (p++; *p && *p != '\''; p++)
				if (*p == '\\' && p[1])
					p++;
			if (*p == '\0')
				return NULL;
		}
		else if (*p == '(')
			depth++;
		else if (*p == ')')
			depth--;
		else if (depth == 0 && (p == soql || strchr(" \t\r\n)", p[-1])) &&
				 strncasecmp(p, word, n) == 0 && (p[n] == '\0' || strchr(" \t\r\n(", p[n])))
			return p;
	}
	return NULL;
}

static int
compare_columns(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *) a, *(const char *const *) b);
}

/* The query with its columns in alphabetical order, malloc'd; NULL: no memory. */
static char *
sorted_query(const sim_query *q, const char *soql)
{
	int n = sim_query_column_count(q);
	const char *from = find_word(soql, "FROM");
	const char **names = calloc((size_t) n + 1, sizeof(*names));
	sim_buf b = {0};

	if (names == NULL || from == NULL)
	{
		free(names);
		return strdup(soql);
	}
	for (int i = 0; i < n; i++)
		names[i] = sim_query_column(q, i)->written;
	qsort(names, (size_t) n, sizeof(*names), compare_columns);
	sim_buf_str(&b, "SELECT ");
	for (int i = 0; i < n; i++)
		sim_buf_printf(&b, "%s%s", i ? "," : "", names[i]);
	sim_buf_printf(&b, " %s", from);
	free(names);
	if (b.failed)
		sim_buf_free(&b);
	return b.data;
}

/* What stands between a query that parses and a job for it. */
static bool
may_run(const sim_query *q, const char *soql, sim_error *err)
{
	const char *object = sim_object_name(sim_query_object(q));

	if (!sim_query_bulk_check(q, err))
		return false;
	for (size_t i = 0; i < sizeof(filtered) / sizeof(*filtered); i++)
		if (strcmp(filtered[i].object, object) == 0 && find_word(soql, "WHERE") == NULL)
			return sim_error_set(err, "API_ERROR", "%s", filtered[i].text);
	return true;
}

/*
 * Validate the SOQL and start its rendering.  False: refused with the answer filled in.  An error that
 * the options move from here into the job ends up in j->err.
 */
static bool
check_query(srv_request *req, const char *soql, job *j)
{
	srv *s = req->srv;
	unsigned flags = strcmp(j->operation, "queryAll") == 0 ? SIM_QUERY_ALL : 0;
	sim_error err;
	sim_query *q = sim_query_prepare(s->org, soql, flags, req->version, &err);
	bool ok = q && may_run(q, soql, &err);
	char *sorted = NULL;

	if (q)
		snprintf(j->object, sizeof(j->object), "%s", sim_object_name(sim_query_object(q)));
	if (ok && atoi(req->version) <= LAST_SORTED_VERSION)
		sorted = sorted_query(q, soql);
	if (ok)
	{
		srv_render_key key = {sorted ? sorted : soql, q,		flags,
							  req->version,			  j->delim, j->crlf};

		j->render = render_get(s, &key, &err);
		ok = j->render != NULL;
	}
	free(sorted);
	sim_query_free(q);
	if (ok)
		return true;
	if (!srv_options_get(s).errors_at_create && strcmp(err.code, "LIMIT_EXCEEDED") != 0)
	{
		sim_error_set(&j->err, err.code, "InvalidBatch : Failed to process query: %s: %s",
					  err.code, err.message);
		j->orders.fails = true;
		return true;
	}
	srv_engine_error(req, &err);
	return false;
}

/* Fill the job from the request's body; false after the error is filled in. */
static bool
fill_job(srv_request *req, const cJSON *body, job *j)
{
	static const char *const known[] = {"operation",	   "query",		 "contentType",
										"columnDelimiter", "lineEnding", "concurrencyMode",
										"object",		   NULL};
	const char *operation = NULL;
	const char *query = NULL;

	if (!job_known_members(req, body, known) ||
		!job_text_member(req, body, "operation", &operation) ||
		!job_text_member(req, body, "query", &query))
		return false;
	if (operation == NULL ||
		(strcmp(operation, "query") != 0 && strcmp(operation, "queryAll") != 0))
		return job_bad_value(req, "operation", operation ? operation : "");
	if (query == NULL || query[0] == '\0')
		return job_bad_value(req, "query", "");
	if (!job_format(req, body, j))
		return false;
	snprintf(j->operation, sizeof(j->operation), "%s", operation);
	j->soql = strdup(query);
	if (j->soql)
		return check_query(req, query, j);
	srv_error(req, 500, "UNKNOWN_EXCEPTION", "An unexpected error occurred");
	return false;
}

/* One of the day's jobs, and room for its result; false after the error is filled in. */
static bool
within_quota(srv_request *req)
{
	srv *s = req->srv;
	int64_t kb = srv_limits_max(s, LIMIT_QUERY_FILE_KB);

	if (srv_options_get(s).enforce_limits && srv_limits_used(s, LIMIT_QUERY_FILE_KB) >= kb)
		srv_error(
			req, 400, "LIMIT_EXCEEDED",
			"Max bulk v2 query result size stored (%lld) kb per 24 hrs has been exceeded",
			(long long) kb);
	else if (!srv_limits_use(s, LIMIT_QUERY_JOBS, 1))
		srv_error(req, 400, "LIMIT_EXCEEDED",
				  "Max bulk v2 query jobs (%lld) per 24 hrs has been reached (%lld)",
				  (long long) srv_limits_max(s, LIMIT_QUERY_JOBS),
				  (long long) srv_limits_used(s, LIMIT_QUERY_JOBS) + 1);
	else
		return true;
	return false;
}

void
job_create(srv_request *req)
{
	cJSON *body = job_body(req, req->body.data, req->body.len);
	job *j = body ? job_new(req, JOB_V2_QUERY) : NULL;

	if (j == NULL || !fill_job(req, body, j) || !within_quota(req))
	{
		job_free(j);
		cJSON_Delete(body);
		return;
	}
	cJSON_Delete(body);
	job_take_orders(req, j);
	job_take_id(req->srv, j);

	/* from here on others may see and delete it */
	job_json(req->srv, j, DETAIL_CREATE, srv_json(req, 200));
	job_enlist(req->srv, j);
	log_wake(req->srv);
}

/* ---------------------------------------------------------------- info, list, abort, delete */

/*
 * With no durations set a small job is complete at the first poll: the answer
 * waits for its rendering a moment, so that tests do not depend on which of
 * two threads is faster.
 */
static void
settle_moment(srv_request *req)
{
	srv_options opt = srv_options_get(req->srv);
	srv_render *r = NULL;
	job *j;

	if (opt.queue_ms > 0 || opt.job_ms > 0 || opt.hold_jobs != JOB_STATES)
		return;
	j = job_lock(req, JOB_V2_QUERY);
	if (j == NULL)
		return;
	if (j->render && j->state < JOB_COMPLETE && j->orders.hold == JOB_STATES)
		r = render_ref(j->render);
	job_unlock(req);
	if (r)
		render_poll(r, SETTLE_MS, NULL);
	render_release(r);
}

void
job_info(srv_request *req)
{
	job *j;

	settle_moment(req);
	j = job_lock(req, JOB_V2_QUERY);
	if (j == NULL)
		return;
	if (j->orders.script)
		job_advance_script(j);
	job_json(req->srv, j, DETAIL_INFO, srv_json(req, 200));
	job_unlock(req);
}

void
job_list(srv_request *req)
{
	job_list_answer(req, JOB_V2_QUERY);
}

void
job_patch(srv_request *req)
{
	cJSON *body = job_body(req, req->body.data, req->body.len);
	const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "state"));
	srv_render *render = NULL;
	job *j;

	if (body == NULL)
		return;
	if (state == NULL || strcmp(state, "Aborted") != 0)
	{
		job_bad_value(req, "state", state ? state : "");
		cJSON_Delete(body);
		return;
	}
	cJSON_Delete(body);
	j = job_lock(req, JOB_V2_QUERY);
	if (j == NULL)
		return;
	if (j->state >= JOB_COMPLETE)
		srv_error(req, 400, "INVALIDJOBSTATE", "Aborting already %s Job not allowed",
				  j->state == JOB_COMPLETE ? "Completed" : job_state_name(j->state));
	else
	{
		job_set_state(j, JOB_ABORTED);
		render = j->render;
		j->render = NULL;
		job_json(req->srv, j, DETAIL_SHORT, srv_json(req, 200));
	}
	job_unlock(req);
	render_release(render);
	log_wake(req->srv);
}

void
job_delete(srv_request *req)
{
	bool any = srv_options_get(req->srv).delete_any_state;
	job *j = job_lock(req, JOB_V2_QUERY);

	if (j == NULL)
		return;
	if (j->state == JOB_IN_PROGRESS && !any)
	{
		srv_error(req, 400, "INVALIDJOBSTATE", "Deleting InProgress Job not allowed");
		job_unlock(req);
		return;
	}
	job_ref(j);
	job_remove(req->srv, j);
	job_unlock(req);
	job_unref(req->srv, j);
	srv_text(req, 204, "text/plain", NULL);
	log_wake(req->srv);
}

/* ---------------------------------------------------------------- for results.c */

bool
job_open_result(srv_request *req, char id[SIM_ID_SIZE], srv_render **render)
{
	job *j = job_lock(req, JOB_V2_QUERY);

	if (j == NULL)
		return false;
	if (strcmp(j->version, req->version) != 0)
	{
		srv_error(req, 409, "INVALIDJOB",
				  "InvalidJob : API version %s of the request is not version %s of the job",
				  req->version, j->version);
		job_unlock(req);
		return false;
	}
	if (j->state != JOB_COMPLETE || j->render == NULL)
	{
		job_not_ready(req, j->state);
		job_unlock(req);
		return false;
	}
	*render = render_ref(j->render);
	memcpy(id, j->id, SIM_ID_SIZE);
	job_unlock(req);

	/* only a scripted job claims to be complete before it is */
	if (render_poll(*render, 600000, NULL) == RENDER_DONE)
		return true;
	job_not_ready(req, JOB_IN_PROGRESS);
	render_release(*render);
	return false;
}
