/*
 * jobs.c
 *		Bulk API 2.0 query jobs.
 *
 * A job's state is worked out when somebody looks: from the time since its
 * creation, the state its rendering is in, holds, and what a fault at creation
 * ordered.  Key orders are those of recorded answers (protocol notes, 1 and
 * 11).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "clock.h"
#include "server.h"

#define LIST_PAGE 1000

typedef struct job
{
	char id[SIM_ID_SIZE];
	char operation[12];
	char *soql;
	char object[64];
	char version[8];
	const char *delim_name;
	bool crlf;
	int64_t created; /* ms of the org's clock, for the dates */
	int64_t changed;
	int64_t start; /* ms that only grow, for the durations */
	srv_state state;
	int64_t done_ms; /* totalProcessingTime */
	srv_render *render;
	sim_error err; /* of a Failed job; no message: none is shown */

	/* orders of a fault at creation */
	struct cJSON *script; /* array of states, one per GET, the last one stays */
	int polls;
	srv_state hold;
	srv_gate *gate;
	bool fails;
	int64_t fake_records; /* -1: the true number */
	struct job *next;
} job;

struct srv_jobs
{
	pthread_mutex_t lock;
	job *list; /* newest first */
	int64_t next_number;
};

static const struct
{
	const char *name;
	char c;
} delimiters[] = {{"COMMA", ','}, {"BACKQUOTE", '`'}, {"CARET", '^'},
				  {"PIPE", '|'},  {"SEMICOLON", ';'}, {"TAB", '\t'}};

static const char *const state_names[JOB_STATES] = {
	[JOB_UPLOAD_COMPLETE] = "UploadComplete",
	[JOB_IN_PROGRESS] = "InProgress",
	[JOB_COMPLETE] = "JobComplete",
	[JOB_FAILED] = "Failed",
	[JOB_ABORTED] = "Aborted",
};

const char *
job_state_name(srv_state state)
{
	return state < JOB_STATES ? state_names[state] : "none";
}

srv_state
job_state_parse(const char *name)
{
	for (int i = 0; name && i < JOB_STATES; i++)
		if (strcmp(state_names[i], name) == 0)
			return (srv_state) i;
	return JOB_STATES;
}

srv_jobs *
jobs_new(srv *s)
{
	srv_jobs *j = calloc(1, sizeof(*j));

	(void) s;
	if (j)
	{
		pthread_mutex_init(&j->lock, NULL);
		j->next_number = (int64_t) 62 * 62 * 62 * 62;
	}
	return j;
}

static void
free_job(job *j)
{
	if (j == NULL)
		return;
	render_release(j->render);
	gate_unref(j->gate);
	cJSON_Delete(j->script);
	free(j->soql);
	free(j);
}

/* Free a list of jobs; how many there were. */
static int
free_list(job *list)
{
	int n = 0;

	while (list)
	{
		job *next = list->next;

		free_job(list);
		list = next;
		n++;
	}
	return n;
}

void
jobs_free(srv_jobs *jobs)
{
	if (jobs == NULL)
		return;
	free_list(jobs->list);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}

int
jobs_drop_all(srv *s)
{
	job *list;

	pthread_mutex_lock(&s->jobs->lock);
	list = s->jobs->list;
	s->jobs->list = NULL;
	pthread_mutex_unlock(&s->jobs->lock);
	return free_list(list);
}

/* ---------------------------------------------------------------- state */

static void
set_state(job *j, srv_state state)
{
	if (j->state == state)
		return;
	j->state = state;
	j->changed = sim_clock_now();
	if (state == JOB_COMPLETE || state == JOB_FAILED)
		j->done_ms = sim_clock_mono() - j->start;
}

/* Would the job stop in this state for now? */
static bool
held_in(const job *j, const srv_options *opt, srv_state state)
{
	return opt->hold_jobs == state || (j->hold == state && !gate_is_open(j->gate));
}

/* Move the job on as far as it may go; the lock is held. */
static void
advance(srv *s, job *j)
{
	srv_options opt = srv_options_get(s);
	int64_t age = sim_clock_mono() - j->start;
	render_state r;

	if (j->state >= JOB_COMPLETE)
		return;
	if (age < opt.queue_ms || held_in(j, &opt, JOB_UPLOAD_COMPLETE))
		return;
	set_state(j, JOB_IN_PROGRESS);
	if (age < (int64_t) opt.queue_ms + opt.job_ms || held_in(j, &opt, JOB_IN_PROGRESS))
		return;
	r = j->render ? render_poll(j->render, 0, &j->err) : RENDER_FAILED;
	if (j->fails || r == RENDER_FAILED)
		set_state(j, JOB_FAILED);
	else if (r == RENDER_DONE)
		set_state(j, JOB_COMPLETE);
}

/* The next state of a script; the lock is held. */
static void
advance_script(job *j)
{
	int n = cJSON_GetArraySize(j->script);
	const cJSON *item;

	if (j->state == JOB_ABORTED)
		return;
	item = cJSON_GetArrayItem(j->script, j->polls < n ? j->polls : n - 1);
	j->polls++;
	set_state(j, job_state_parse(cJSON_GetStringValue(item)));
}

/* Find by 15- or 18-character id; the lock is held. */
static job *
find(srv_jobs *jobs, const char *text)
{
	char id[SIM_ID_SIZE];

	if (!sim_id_normalise(text, strlen(text), id))
		return NULL;
	for (job *j = jobs->list; j; j = j->next)
		if (strcmp(j->id, id) == 0)
			return j;
	return NULL;
}

/*
 * The job of the URL with the lock taken, or NULL without it and with the 404
 * filled in.
 */
static job *
lock_job(srv_request *req)
{
	srv_jobs *jobs = req->srv->jobs;
	job *j;

	pthread_mutex_lock(&jobs->lock);
	j = find(jobs, req->segs[5]);
	if (j)
		return j;
	pthread_mutex_unlock(&jobs->lock);
	srv_not_found(req);
	return NULL;
}

static void
unlock(srv_request *req)
{
	pthread_mutex_unlock(&req->srv->jobs->lock);
}

/* ---------------------------------------------------------------- JSON */

static void
iso_time(int64_t ms, char out[40])
{
	time_t t = (time_t) (ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 40, "%Y-%m-%dT%H:%M:%S.000+0000", &tm);
}

/* How much of a job an answer tells. */
typedef enum job_detail
{
	DETAIL_SHORT,  /* PATCH: ends at apiVersion */
	DETAIL_CREATE, /* and the line format */
	DETAIL_LIST,   /* and jobType */
	DETAIL_INFO	   /* and the counters */
} job_detail;

static void
job_json(srv *s, const job *j, job_detail detail, sim_buf *b)
{
	char user[SIM_ID_SIZE];
	char created[40];
	char changed[40];

	sim_org_user_id(s->org, user);
	iso_time(j->created, created);
	iso_time(j->changed, changed);
	sim_buf_printf(
		b,
		"{\"id\":\"%s\",\"operation\":\"%s\",\"object\":\"%s\",\"createdById\":\"%s\","
		"\"createdDate\":\"%s\",\"systemModstamp\":\"%s\",\"state\":\"%s\","
		"\"concurrencyMode\":\"Parallel\",\"contentType\":\"CSV\",\"apiVersion\":%s",
		j->id, j->operation, j->object, user, created, changed, state_names[j->state],
		j->version);
	if (detail >= DETAIL_LIST)
		sim_buf_str(b, ",\"jobType\":\"V2Query\"");
	if (detail >= DETAIL_CREATE)
		sim_buf_printf(b, ",\"lineEnding\":\"%s\",\"columnDelimiter\":\"%s\"",
					   j->crlf ? "CRLF" : "LF", j->delim_name);
	if (detail >= DETAIL_INFO)
	{
		int64_t records = 0;

		if (j->state == JOB_COMPLETE && j->fake_records >= 0)
			records = j->fake_records;
		else if (j->state == JOB_COMPLETE && render_poll(j->render, 0, NULL) == RENDER_DONE)
			records = render_rows(j->render);
		sim_buf_printf(b,
					   ",\"numberRecordsProcessed\":%lld,\"retries\":0,"
					   "\"totalProcessingTime\":%lld",
					   (long long) records, (long long) j->done_ms);
		if (srv_options_get(s).pk_chunking_key)
			sim_buf_str(b, ",\"isPkChunkingSupported\":true");
		if (j->state == JOB_FAILED && j->err.message[0])
		{
			sim_buf_str(b, ",\"errorMessage\":");
			sim_json_string(b, j->err.message, strlen(j->err.message));
		}
	}
	sim_buf_char(b, '}');
}

void
jobs_json(srv *s, sim_buf *out)
{
	const char *sep = "";

	pthread_mutex_lock(&s->jobs->lock);
	sim_buf_char(out, '[');
	for (job *j = s->jobs->list; j; j = j->next)
	{
		if (j->script == NULL)
			advance(s, j);
		sim_buf_printf(
			out,
			"%s{\"id\":\"%s\",\"state\":\"%s\",\"operation\":\"%s\",\"object\":\"%s\","
			"\"apiVersion\":\"%s\",\"query\":",
			sep, j->id, state_names[j->state], j->operation, j->object, j->version);
		sim_json_string(out, j->soql, strlen(j->soql));
		sim_buf_char(out, '}');
		sep = ",";
	}
	sim_buf_char(out, ']');
	pthread_mutex_unlock(&s->jobs->lock);
}

int
jobs_count(srv *s)
{
	int n = 0;

	pthread_mutex_lock(&s->jobs->lock);
	for (job *j = s->jobs->list; j; j = j->next)
		n++;
	pthread_mutex_unlock(&s->jobs->lock);
	return n;
}

/* ---------------------------------------------------------------- create */

/* A text member of the request; false after the error is filled in. */
static bool
text_member(srv_request *req, const cJSON *body, const char *name, const char **out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);

	if (item == NULL || cJSON_IsNull(item))
		return true;
	if (!cJSON_IsString(item))
	{
		srv_error(req, 400, "API_ERROR",
				  "Value does not match expected type at [line:1, "
				  "column:1] for property: '%s'",
				  name);
		return false;
	}
	*out = item->valuestring;
	return true;
}

static bool
bad_value(srv_request *req, const char *name, const char *value)
{
	srv_error(req, 400, "API_ERROR", "Invalid value: '%s' supplied for property: '%s'", value,
			  name);
	return false;
}

typedef struct create_args
{
	const char *operation;
	const char *query;
	const char *content_type;
	const char *delimiter;
	const char *line_ending;
	char delim;
} create_args;

/* Check the request body; false after the error is filled in. */
static bool
parse_create(srv_request *req, const cJSON *body, create_args *a)
{
	static const char *const known[] = {"operation",	   "query",		 "contentType",
										"columnDelimiter", "lineEnding", "concurrencyMode",
										"object"};
	const cJSON *item;

	*a = (create_args){NULL, NULL, "CSV", "COMMA", "LF", '\0'};
	if (!cJSON_IsObject(body))
	{
		srv_error(req, 400, "JSON_PARSER_ERROR", "The HTTP entity body is not a JSON object");
		return false;
	}
	cJSON_ArrayForEach (item, body)
	{
		bool ok = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			ok |= strcmp(known[i], item->string) == 0;
		if (!ok)
		{
			srv_error(req, 400, "JSON_PARSER_ERROR", "Unrecognized field \"%s\"",
					  item->string);
			return false;
		}
	}
	if (!text_member(req, body, "operation", &a->operation) ||
		!text_member(req, body, "query", &a->query) ||
		!text_member(req, body, "contentType", &a->content_type) ||
		!text_member(req, body, "columnDelimiter", &a->delimiter) ||
		!text_member(req, body, "lineEnding", &a->line_ending))
		return false;
	if (a->operation == NULL ||
		(strcmp(a->operation, "query") != 0 && strcmp(a->operation, "queryAll") != 0))
		return bad_value(req, "operation", a->operation ? a->operation : "");
	if (a->query == NULL || a->query[0] == '\0')
		return bad_value(req, "query", "");
	if (strcmp(a->content_type, "CSV") != 0)
		return bad_value(req, "contentType", a->content_type);
	if (strcmp(a->line_ending, "LF") != 0 && strcmp(a->line_ending, "CRLF") != 0)
		return bad_value(req, "lineEnding", a->line_ending);
	for (size_t i = 0; i < sizeof(delimiters) / sizeof(*delimiters); i++)
		if (strcmp(delimiters[i].name, a->delimiter) == 0)
			a->delim = delimiters[i].c;
	if (a->delim == '\0')
		return bad_value(req, "columnDelimiter", a->delimiter);
	return true;
}

/* What a fault at creation orders for the life of the job. */
static void
take_orders(srv_request *req, job *j)
{
	const cJSON *orders = cJSON_GetObjectItemCaseSensitive(req->fault, "job");
	const cJSON *fail = cJSON_GetObjectItemCaseSensitive(orders, "fail");
	const cJSON *states = cJSON_GetObjectItemCaseSensitive(orders, "states");
	const cJSON *records = cJSON_GetObjectItemCaseSensitive(orders, "records");
	const char *hold = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(orders, "hold"));

	if (cJSON_IsString(fail))
		sim_error_set(&j->err, "FAILED", "%s", fail->valuestring);
	j->fails = cJSON_IsString(fail) || cJSON_IsTrue(fail);
	if (cJSON_IsArray(states) && cJSON_GetArraySize(states) > 0)
		j->script = cJSON_Duplicate(states, true);
	if (cJSON_IsNumber(records))
		j->fake_records = (int64_t) records->valuedouble;
	if (hold)
	{
		j->hold = job_state_parse(hold);
		j->gate = gate_ref(req->gate);
	}
}

/*
 * Validate the SOQL.  False: refused with the answer filled in.  An error that
 * the options move from here into the job ends up in j->err.
 */
static bool
check_query(srv_request *req, const create_args *a, job *j)
{
	srv *s = req->srv;
	unsigned flags = strcmp(a->operation, "queryAll") == 0 ? SIM_QUERY_ALL : 0;
	sim_error err;
	sim_query *q = sim_query_prepare(s->org, a->query, flags, req->version, &err);
	bool ok = q && sim_query_bulk_check(q, &err);

	if (q)
		snprintf(j->object, sizeof(j->object), "%s", sim_object_name(sim_query_object(q)));
	sim_query_free(q);
	if (ok)
	{
		srv_render_key key = {a->query, flags, req->version, a->delim, j->crlf};

		j->render = render_get(s, &key, &err);
		ok = j->render != NULL;
	}
	if (ok)
		return true;
	if (!srv_options_get(s).errors_at_create && strcmp(err.code, "LIMIT_EXCEEDED") != 0)
	{
		sim_error_set(&j->err, err.code, "InvalidBatch : Failed to process query: %s: %s",
					  err.code, err.message);
		j->fails = true;
		return true;
	}
	srv_engine_error(req, &err);
	return false;
}

void
job_create(srv_request *req)
{
	srv *s = req->srv;
	cJSON *body = cJSON_ParseWithLength(req->body.data ? req->body.data : "", req->body.len);
	job *j = calloc(1, sizeof(*j));
	create_args a;

	if (j == NULL || !parse_create(req, body, &a))
	{
		free(j);
		cJSON_Delete(body);
		return;
	}
	j->crlf = strcmp(a.line_ending, "CRLF") == 0;
	if (!check_query(req, &a, j))
	{
		free_job(j);
		cJSON_Delete(body);
		return;
	}
	snprintf(j->operation, sizeof(j->operation), "%s", a.operation);
	snprintf(j->version, sizeof(j->version), "%s", req->version);
	j->soql = strdup(a.query);
	for (size_t i = 0; i < sizeof(delimiters) / sizeof(*delimiters); i++)
		if (delimiters[i].c == a.delim)
			j->delim_name = delimiters[i].name;
	j->created = j->changed = sim_clock_now();
	j->start = sim_clock_mono();
	j->hold = JOB_STATES;
	j->fake_records = -1;
	take_orders(req, j);
	cJSON_Delete(body);

	pthread_mutex_lock(&s->jobs->lock);
	sim_id_make("750", s->jobs->next_number++, j->id);
	j->next = s->jobs->list;
	s->jobs->list = j;
	job_json(s, j, DETAIL_CREATE, srv_json(req, 200));
	pthread_mutex_unlock(&s->jobs->lock);
	log_wake(s);
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
	srv *s = req->srv;
	srv_options opt = srv_options_get(s);
	srv_render *r = NULL;
	job *j;

	if (opt.queue_ms > 0 || opt.job_ms > 0 || opt.hold_jobs != JOB_STATES)
		return;
	pthread_mutex_lock(&s->jobs->lock);
	j = find(s->jobs, req->segs[5]);
	if (j && j->render && j->state < JOB_COMPLETE && j->script == NULL &&
		j->hold == JOB_STATES)
		r = render_ref(j->render);
	pthread_mutex_unlock(&s->jobs->lock);
	if (r)
		render_poll(r, 100, NULL);
	render_release(r);
}

void
job_info(srv_request *req)
{
	job *j;

	settle_moment(req);
	j = lock_job(req);
	if (j == NULL)
		return;
	if (j->script)
		advance_script(j);
	else
		advance(req->srv, j);
	job_json(req->srv, j, DETAIL_INFO, srv_json(req, 200));
	unlock(req);
}

void
job_list(srv_request *req)
{
	srv *s = req->srv;
	char *type = srv_param(req->query, "jobType", NULL);
	char *mode = srv_param(req->query, "concurrencyMode", NULL);
	char *chunked = srv_param(req->query, "isPkChunkingEnabled", NULL);
	int64_t skip = srv_param_int(req, "queryLocator", 0);
	bool none = (type && strcmp(type, "V2Query") != 0) ||
				(mode && strcasecmp(mode, "parallel") != 0) ||
				(chunked && strcasecmp(chunked, "true") == 0);
	sim_buf records = {0};
	int64_t n = 0;
	int shown = 0;
	bool more = false;
	sim_buf *b;

	pthread_mutex_lock(&s->jobs->lock);
	for (job *j = none ? NULL : s->jobs->list; j && !more; j = j->next)
	{
		if (n++ < skip)
			continue;
		if (shown == LIST_PAGE)
		{
			more = true;
			break;
		}
		if (j->script == NULL)
			advance(s, j);
		if (shown++)
			sim_buf_char(&records, ',');
		job_json(s, j, DETAIL_LIST, &records);
	}
	pthread_mutex_unlock(&s->jobs->lock);
	b = srv_json(req, 200);
	sim_buf_printf(b, "{\"done\":%s,\"records\":[%s],\"nextRecordsUrl\":",
				   more ? "false" : "true", records.data ? records.data : "");
	if (more)
		sim_buf_printf(b, "\"/services/data/v%s/jobs/query?queryLocator=%lld\"}", req->version,
					   (long long) (skip + LIST_PAGE));
	else
		sim_buf_str(b, "null}");
	sim_buf_free(&records);
	free(type);
	free(mode);
	free(chunked);
}

void
job_patch(srv_request *req)
{
	cJSON *body = cJSON_ParseWithLength(req->body.data ? req->body.data : "", req->body.len);
	const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "state"));
	job *j;

	if (state == NULL || strcmp(state, "Aborted") != 0)
	{
		bad_value(req, "state", state ? state : "");
		cJSON_Delete(body);
		return;
	}
	cJSON_Delete(body);
	j = lock_job(req);
	if (j == NULL)
		return;
	if (j->script == NULL)
		advance(req->srv, j);
	if (j->state == JOB_COMPLETE)
		srv_error(req, 400, "INVALIDJOBSTATE", "Aborting already Completed Job not allowed");
	else if (j->state > JOB_COMPLETE)
		srv_error(req, 400, "INVALIDJOBSTATE", "Aborting already %s Job not allowed",
				  state_names[j->state]);
	else
	{
		set_state(j, JOB_ABORTED);
		render_release(j->render);
		j->render = NULL;
		job_json(req->srv, j, DETAIL_SHORT, srv_json(req, 200));
	}
	unlock(req);
	log_wake(req->srv);
}

void
job_delete(srv_request *req)
{
	bool any = srv_options_get(req->srv).delete_any_state;
	job *j = lock_job(req);
	job **p;

	if (j == NULL)
		return;
	if (j->script == NULL)
		advance(req->srv, j);
	if (j->state == JOB_IN_PROGRESS && !any)
	{
		srv_error(req, 400, "INVALIDJOBSTATE", "Deleting InProgress Job not allowed");
		unlock(req);
		return;
	}
	for (p = &req->srv->jobs->list; *p != j; p = &(*p)->next)
		;
	*p = j->next;
	unlock(req);
	free_job(j);
	srv_text(req, 204, "text/plain", NULL);
	log_wake(req->srv);
}

/* ---------------------------------------------------------------- for results.c */

/* What results answer when there are none to read. */
static void
not_ready(srv_request *req, srv_state state)
{
	int status = srv_options_get(req->srv).not_ready;

	if (status == 204)
		srv_text(req, 204, NULL, NULL);
	else if (status == 404)
		srv_not_found(req);
	else
		srv_error(req, 400, "INVALIDJOBSTATE",
				  "The results of a job in state %s cannot be read", state_names[state]);
}

bool
job_open_result(srv_request *req, char id[SIM_ID_SIZE], srv_render **render)
{
	job *j = lock_job(req);

	if (j == NULL)
		return false;
	if (strcmp(j->version, req->version) != 0)
	{
		srv_error(req, 409, "INVALIDJOB",
				  "InvalidJob : API version %s of the request is not version %s of the job",
				  req->version, j->version);
		unlock(req);
		return false;
	}
	if (j->script == NULL)
		advance(req->srv, j);
	if (j->state != JOB_COMPLETE || j->render == NULL)
	{
		not_ready(req, j->state);
		unlock(req);
		return false;
	}
	*render = render_ref(j->render);
	memcpy(id, j->id, SIM_ID_SIZE);
	unlock(req);

	/* only a scripted job claims to be complete before it is */
	if (render_poll(*render, 600000, NULL) == RENDER_DONE)
		return true;
	not_ready(req, JOB_IN_PROGRESS);
	render_release(*render);
	return false;
}
