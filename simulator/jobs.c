/*
 * jobs.c
 *		Bulk API 2.0 jobs: the list of all of them, and what query and ingest jobs have in common.
 *
 * A job's state is worked out when somebody looks: from the time since its
 * creation or close, what its rendering or its thread has done, holds, and what a fault at creation
 * ordered.  A ticker looks at ingest jobs that wait in a queue, so that they run though nobody asks.  Key
 * orders are those of recorded answers (protocol notes, 1, 2 and 11).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "clock.h"
#include "job.h"

#define LIST_PAGE 1000
#define TICK_MS	  20

static const struct
{
	const char *name;
	char c;
} delimiters[] = {{"COMMA", ','}, {"BACKQUOTE", '`'}, {"CARET", '^'},
				  {"PIPE", '|'},  {"SEMICOLON", ';'}, {"TAB", '\t'}};

static const char *const state_names[JOB_STATES] = {
	[JOB_OPEN] = "Open",
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

char
job_delimiter(const char *name, const char **canonical)
{
	for (size_t i = 0; i < sizeof(delimiters) / sizeof(*delimiters); i++)
		if (strcmp(delimiters[i].name, name) == 0)
		{
			*canonical = delimiters[i].name;
			return delimiters[i].c;
		}
	return '\0';
}

/* ---------------------------------------------------------------- life of the list */

/* Move on the ingest jobs that wait for their time, every few milliseconds while there are any. */
static void *
tick(void *arg)
{
	srv_jobs *jobs = arg;

	pthread_mutex_lock(&jobs->lock);
	while (!jobs->stop)
	{
		struct timespec until;
		bool waiting = false;

		for (job *j = jobs->list; j; j = j->next)
			if (j->type == JOB_V2_INGEST && j->state == JOB_UPLOAD_COMPLETE)
			{
				job_advance(jobs->s, j);
				waiting |= j->state == JOB_UPLOAD_COMPLETE;
			}
		if (!waiting)
		{
			pthread_cond_wait(&jobs->work, &jobs->lock);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += TICK_MS * 1000000L;
		if (until.tv_nsec >= 1000000000)
		{
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		pthread_cond_timedwait(&jobs->work, &jobs->lock, &until);
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

srv_jobs *
jobs_new(srv *s)
{
	srv_jobs *j = calloc(1, sizeof(*j));
	pthread_condattr_t attr;

	if (j == NULL)
		return NULL;
	j->s = s;
	pthread_mutex_init(&j->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&j->changed, &attr);
	pthread_cond_init(&j->work, &attr);
	pthread_condattr_destroy(&attr);
	j->next_number = (int64_t) 62 * 62 * 62 * 62;
	j->ticking = pthread_create(&j->ticker, NULL, tick, j) == 0;
	if (j->ticking)
		return j;
	free(j);
	return NULL;
}

void
jobs_set_classic(srv *s, job_classic_rows rows)
{
	pthread_mutex_lock(&s->jobs->lock);
	s->jobs->classic = rows;
	pthread_mutex_unlock(&s->jobs->lock);
}

job *
job_new(srv_request *req, job_type type)
{
	job *j = calloc(1, sizeof(*j));

	if (j == NULL)
	{
		srv_error(req, 500, "UNKNOWN_EXCEPTION", "An unexpected error occurred");
		return NULL;
	}
	j->type = type;
	snprintf(j->version, sizeof(j->version), "%s", req->version);
	sim_org_user_id(req->srv->org, j->user);
	j->created = j->changed = sim_clock_now();
	j->start = j->seen = sim_clock_mono();
	j->state = type == JOB_V2_INGEST ? JOB_OPEN : JOB_UPLOAD_COMPLETE;
	j->orders.hold = JOB_STATES;
	j->orders.fake_records = j->orders.fail_after = -1;
	j->orders.quota_after = j->orders.hold_after = -1;
	return j;
}

void
job_free(job *j)
{
	if (j == NULL)
		return;
	ingest_remove_files(j);
	render_release(j->render);
	gate_unref(j->orders.gate);
	cJSON_Delete(j->orders.script);
	free(j->orders.row_errors);
	free(j->soql);
	free(j);
}

void
job_take_id(srv *s, job *j)
{
	pthread_mutex_lock(&s->jobs->lock);
	sim_id_make("750", s->jobs->next_number++, j->id);
	pthread_mutex_unlock(&s->jobs->lock);
}

void
job_enlist(srv *s, job *j)
{
	pthread_mutex_lock(&s->jobs->lock);
	j->next = s->jobs->list;
	s->jobs->list = j;
	pthread_mutex_unlock(&s->jobs->lock);
}

void
job_ref(job *j)
{
	j->refs++;
}

void
job_unref(srv *s, job *j)
{
	bool last;

	pthread_mutex_lock(&s->jobs->lock);
	last = --j->refs == 0 && j->gone;
	pthread_cond_broadcast(&s->jobs->changed);
	pthread_mutex_unlock(&s->jobs->lock);
	if (last)
		job_free(j);
}

void
job_remove(srv *s, job *j)
{
	job **p = &s->jobs->list;

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
	j->gone = true;
	ingest_cancel(j);
}

int
jobs_drop_all(srv *s)
{
	srv_jobs *jobs = s->jobs;
	int n = 0;

	pthread_mutex_lock(&jobs->lock);
	while (jobs->list)
	{
		job *j = jobs->list;

		job_ref(j);
		job_remove(s, j);
		n++;

		/* whoever drops the jobs wants nobody to write rows afterwards */
		while (j->running)
			pthread_cond_wait(&jobs->changed, &jobs->lock);
		pthread_mutex_unlock(&jobs->lock);
		job_unref(s, j);
		pthread_mutex_lock(&jobs->lock);
	}
	pthread_mutex_unlock(&jobs->lock);
	return n;
}

void
jobs_free(srv_jobs *jobs)
{
	if (jobs == NULL)
		return;
	jobs_drop_all(jobs->s);
	pthread_mutex_lock(&jobs->lock);
	jobs->stop = true;
	pthread_cond_broadcast(&jobs->work);
	while (jobs->running > 0)
		pthread_cond_wait(&jobs->changed, &jobs->lock);
	pthread_mutex_unlock(&jobs->lock);
	pthread_join(jobs->ticker, NULL);
	pthread_mutex_destroy(&jobs->lock);
	pthread_cond_destroy(&jobs->changed);
	pthread_cond_destroy(&jobs->work);
	free(jobs);
}

/* ---------------------------------------------------------------- state */

void
job_set_state(job *j, srv_state state)
{
	j->before = j->changed;
	if (j->state == state)
		return;
	j->state = state;
	j->changed = sim_clock_now();
	if (state == JOB_COMPLETE || state == JOB_FAILED)
		j->done_ms = sim_clock_mono() - j->start;
	if (state >= JOB_COMPLETE)
		j->ended = sim_clock_mono();
}

void
job_set_state_due(job *j, srv_state state, int64_t due)
{
	int64_t at = j->start + due > j->seen ? j->start + due : j->seen;
	int64_t late = sim_clock_mono() - at;

	if (j->state == state)
		return;
	job_set_state(j, state);
	if (due == 0 || late <= 0)
		return;
	j->changed -= late;
	if (state >= JOB_COMPLETE)
		j->ended -= late;
	if (state == JOB_COMPLETE || state == JOB_FAILED)
		j->done_ms -= late;
}

bool
job_held_in(const job *j, const srv_options *opt, srv_state state)
{
	return opt->hold_jobs == state ||
		   (j->orders.hold == state && !gate_is_open(j->orders.gate));
}

static void
ingest_advance(srv *s, job *j, const srv_options *opt)
{
	int64_t age = sim_clock_mono() - j->start;

	if (j->state == JOB_OPEN)
	{
		if (age >= JOB_OPEN_MS)
			job_set_state_due(j, JOB_ABORTED, JOB_OPEN_MS);
		return;
	}
	if (j->orders.script)
	{
		/* what it says is in the script, but its rows are written */
		if (!j->running && !j->finished)
			ingest_start(s, j);
		return;
	}
	if (j->state == JOB_UPLOAD_COMPLETE)
	{
		if (age < opt->queue_ms || job_held_in(j, opt, JOB_UPLOAD_COMPLETE) ||
			!ingest_start(s, j))
			return;
		job_set_state_due(j, JOB_IN_PROGRESS, opt->queue_ms);
	}
	if (!j->finished || age < (int64_t) opt->queue_ms + opt->job_ms ||
		job_held_in(j, opt, JOB_IN_PROGRESS))
		return;
	job_set_state_due(j, j->orders.fails || j->err.message[0] ? JOB_FAILED : JOB_COMPLETE,
					  (int64_t) opt->queue_ms + opt->job_ms);
}

void
job_advance_script(job *j)
{
	int n = cJSON_GetArraySize(j->orders.script);
	const cJSON *item;

	if (j->state == JOB_ABORTED)
		return;
	item = cJSON_GetArrayItem(j->orders.script, j->orders.polls < n ? j->orders.polls : n - 1);
	j->orders.polls++;
	job_set_state(j, job_state_parse(cJSON_GetStringValue(item)));
}

void
job_advance(srv *s, job *j)
{
	srv_options opt = srv_options_get(s);

	if (j->state >= JOB_COMPLETE || j->gone)
		return;
	if (j->type == JOB_V2_INGEST)
		ingest_advance(s, j, &opt);
	else
		job_query_advance(s, j, &opt);
	j->seen = sim_clock_mono();
}

/* The lock is held: forget what Salesforce would have cleaned up; it frees the lock for a moment. */
static void
forget_old(srv *s)
{
	int64_t now = sim_clock_mono();

	for (;;)
	{
		job *j = s->jobs->list;

		while (j && (j->state < JOB_COMPLETE || now - j->ended < JOB_RETENTION_MS))
			j = j->next;
		if (j == NULL)
			return;
		job_ref(j);
		job_remove(s, j);
		pthread_mutex_unlock(&s->jobs->lock);
		job_unref(s, j);
		pthread_mutex_lock(&s->jobs->lock);
	}
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

job *
job_lock(srv_request *req, job_type type)
{
	srv_jobs *jobs = req->srv->jobs;
	job *j;

	pthread_mutex_lock(&jobs->lock);
	forget_old(req->srv);
	j = find(jobs, req->segs[5]);
	if (j && j->type == type)
	{
		job_advance(req->srv, j);
		return j;
	}
	pthread_mutex_unlock(&jobs->lock);
	srv_not_found(req);
	return NULL;
}

void
job_unlock(srv_request *req)
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

static void
query_counters(const job *j, sim_buf *b)
{
	int64_t records = 0;

	if (j->state == JOB_COMPLETE)
		records = j->orders.fake_records >= 0 ? j->orders.fake_records : job_query_records(j);
	sim_buf_printf(b,
				   ",\"numberRecordsProcessed\":%lld,\"retries\":%lld,"
				   "\"totalProcessingTime\":%lld",
				   (long long) records, (long long) j->orders.retries, (long long) j->done_ms);
}

static void
ingest_counters(const job *j, sim_buf *b)
{
	int64_t records = j->processed;
	int64_t total = j->done_ms;

	if (j->state == JOB_COMPLETE && j->orders.fake_records >= 0)
		records = j->orders.fake_records;
	if (j->state == JOB_IN_PROGRESS || j->state == JOB_ABORTED)
		total = j->active_ms;
	if (j->state == JOB_FAILED && j->processed == 0)
		total = 0;

	/* they appear with the first data */
	if (j->uploads > 0 || j->state != JOB_OPEN)
		sim_buf_printf(b, ",\"numberRecordsProcessed\":%lld,\"numberRecordsFailed\":%lld",
					   (long long) records, (long long) j->failed);
	sim_buf_printf(b,
				   ",\"retries\":%lld,\"totalProcessingTime\":%lld,"
				   "\"apiActiveProcessingTime\":%lld,\"apexProcessingTime\":0",
				   (long long) j->orders.retries, (long long) total,
				   (long long) (j->active_ms < total ? j->active_ms : total));
}

void
job_json(srv *s, const job *j, job_detail detail, sim_buf *b)
{
	bool ingest = j->type == JOB_V2_INGEST;
	char created[40];
	char changed[40];

	iso_time(j->created, created);
	/* recorded answers to PATCH (47.0 to 62.0) have the new state and the old systemModstamp */
	iso_time(detail == DETAIL_SHORT ? j->before : j->changed, changed);
	sim_buf_printf(
		b,
		"{\"id\":\"%s\",\"operation\":\"%s\",\"object\":\"%s\",\"createdById\":\"%s\","
		"\"createdDate\":\"%s\",\"systemModstamp\":\"%s\",\"state\":\"%s\"",
		j->id, j->operation, j->object, j->user, created, changed, state_names[j->state]);
	if (j->external_id[0])
	{
		sim_buf_str(b, ",\"externalIdFieldName\":");
		sim_json_string(b, j->external_id, strlen(j->external_id));
	}
	sim_buf_printf(b,
				   ",\"concurrencyMode\":\"Parallel\",\"contentType\":\"CSV\","
				   "\"apiVersion\":%s",
				   j->version);
	if (j->rule[0])
		sim_buf_printf(b, ",\"assignmentRuleId\":\"%s\"", j->rule);
	if (detail >= DETAIL_LIST)
		sim_buf_printf(b, ",\"jobType\":\"%s\"", ingest ? "V2Ingest" : "V2Query");
	if (ingest && j->state == JOB_OPEN && (detail == DETAIL_CREATE || detail == DETAIL_INFO))
		sim_buf_printf(b, ",\"contentUrl\":\"services/data/v%s/jobs/ingest/%s/batches\"",
					   j->version, j->id);
	if (detail >= DETAIL_CREATE)
		sim_buf_printf(b, ",\"lineEnding\":\"%s\",\"columnDelimiter\":\"%s\"",
					   j->crlf ? "CRLF" : "LF", j->delim_name);
	if (detail >= DETAIL_INFO)
	{
		if (ingest)
			ingest_counters(j, b);
		else
			query_counters(j, b);
		/* recorded with version 61.0 (2024) and later, not with 59.0 and before */
		if (srv_options_get(s).pk_chunking_key && atoi(j->version) >= 61)
			sim_buf_printf(b, ",\"isPkChunkingSupported\":%s", ingest ? "false" : "true");
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
		job_advance(s, j);
		sim_buf_printf(
			out,
			"%s{\"id\":\"%s\",\"state\":\"%s\",\"operation\":\"%s\",\"object\":\"%s\","
			"\"apiVersion\":\"%s\"",
			sep, j->id, state_names[j->state], j->operation, j->object, j->version);
		if (j->soql)
		{
			sim_buf_str(out, ",\"query\":");
			sim_json_string(out, j->soql, strlen(j->soql));
		}
		else
			sim_buf_printf(out, ",\"uploads\":%d,\"bytes\":%lld,\"processed\":%lld",
						   j->uploads, (long long) j->bytes, (long long) j->processed);
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

/* ---------------------------------------------------------------- request bodies */

bool
job_bad_value(srv_request *req, const char *name, const char *value)
{
	srv_error(req, 400, "API_ERROR", "Invalid value: '%s' supplied for property: '%s'", value,
			  name);
	return false;
}

cJSON *
job_body(srv_request *req, const char *data, size_t len)
{
	cJSON *body = cJSON_ParseWithLength(data ? data : "", len);

	if (cJSON_IsObject(body))
		return body;
	cJSON_Delete(body);
	srv_error(req, 400, "JSON_PARSER_ERROR", "The HTTP entity body is not a JSON object");
	return NULL;
}

bool
job_text_member(srv_request *req, const cJSON *body, const char *name, const char **out)
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

bool
job_known_members(srv_request *req, const cJSON *body, const char *const *names)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, body)
	{
		bool ok = false;

		for (int i = 0; names[i]; i++)
			ok |= strcmp(names[i], item->string) == 0;
		if (!ok)
		{
			srv_error(req, 400, "JSON_PARSER_ERROR", "Unrecognized field \"%s\"",
					  item->string);
			return false;
		}
	}
	return true;
}

bool
job_format(srv_request *req, const cJSON *body, job *j)
{
	const char *content_type = "CSV";
	const char *delimiter = "COMMA";
	const char *line_ending = "LF";
	const char *mode = "Parallel";

	if (!job_text_member(req, body, "contentType", &content_type) ||
		!job_text_member(req, body, "columnDelimiter", &delimiter) ||
		!job_text_member(req, body, "lineEnding", &line_ending) ||
		!job_text_member(req, body, "concurrencyMode", &mode))
		return false;
	if (strcmp(content_type, "CSV") != 0)
		return job_bad_value(req, "contentType", content_type);
	if (strcmp(line_ending, "LF") != 0 && strcmp(line_ending, "CRLF") != 0)
		return job_bad_value(req, "lineEnding", line_ending);
	j->crlf = strcmp(line_ending, "CRLF") == 0;
	j->delim = job_delimiter(delimiter, &j->delim_name);
	return j->delim != '\0' || job_bad_value(req, "columnDelimiter", delimiter);
}

/* ---------------------------------------------------------------- orders of a fault */

static int64_t
order_number(const cJSON *o, const char *name, int64_t dflt)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsNumber(item) ? (int64_t) item->valuedouble : dflt;
}

static void
add_row_error(job_orders *o, const cJSON *spec)
{
	const char *code = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(spec, "code"));
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(spec, "message"));
	const cJSON *field;
	job_row_error *bigger;
	job_row_error e = {0};

	e.nth = order_number(spec, "nth", 0);
	e.every = order_number(spec, "every", 0);
	e.from = order_number(spec, "from", 0);
	sim_error_set(&e.err, code ? code : "UNABLE_TO_LOCK_ROW", "%s",
				  text ? text : "unable to obtain exclusive access to this record");
	cJSON_ArrayForEach (field, cJSON_GetObjectItemCaseSensitive(spec, "fields"))
	{
		if (cJSON_IsString(field))
			sim_error_field(&e.err, field->valuestring);
	}
	bigger = realloc(o->row_errors, sizeof(*bigger) * (size_t) (o->nrow_errors + 1));
	if (bigger == NULL)
		return;
	o->row_errors = bigger;
	o->row_errors[o->nrow_errors++] = e;
}

void
job_take_orders(srv_request *req, job *j)
{
	const cJSON *orders = cJSON_GetObjectItemCaseSensitive(req->fault, "job");
	const cJSON *fail = cJSON_GetObjectItemCaseSensitive(orders, "fail");
	const cJSON *states = cJSON_GetObjectItemCaseSensitive(orders, "states");
	const cJSON *errors = cJSON_GetObjectItemCaseSensitive(orders, "row_errors");
	const char *hold = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(orders, "hold"));
	const cJSON *one;
	job_orders *o = &j->orders;

	if (orders == NULL)
		return;
	if (cJSON_IsString(fail))
		sim_error_set(&j->err, "FAILED", "%s", fail->valuestring);
	o->fails = cJSON_IsString(fail) || cJSON_IsTrue(fail);
	if (cJSON_IsArray(states) && cJSON_GetArraySize(states) > 0)
		o->script = cJSON_Duplicate(states, true);
	o->fake_records = order_number(orders, "records", -1);
	o->fail_after = order_number(orders, "fail_after", -1);
	o->unprocessed_from = order_number(orders, "unprocessed_from", 0);
	o->quota_after = order_number(orders, "quota_after", -1);
	o->hold_after = order_number(orders, "hold_after", -1);
	o->retries = order_number(orders, "retries", 0);
	o->shuffle_rows = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(orders, "shuffle_rows"));
	o->reorder_columns =
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(orders, "reorder_columns"));
	if (cJSON_IsObject(errors))
		add_row_error(o, errors);
	else
		cJSON_ArrayForEach (one, errors)
		{
			add_row_error(o, one);
		}
	if (hold)
		o->hold = job_state_parse(hold);
	if (hold || o->hold_after >= 0)
		o->gate = gate_ref(req->gate);
}

/* ---------------------------------------------------------------- lists */

typedef struct list_args
{
	char *type;
	char *mode;
	char *chunked;
	int64_t skip;
} list_args;

/* The locator of a list is an id with the number of rows behind a dash; -1: malformed. */
static int64_t
list_locator(srv_request *req)
{
	char *text = srv_param(req->query, "queryLocator", NULL);
	int64_t skip = -1;
	const char *dash;
	char *end;

	if (text == NULL)
		return 0;
	dash = strrchr(text, '-');
	if (dash && dash - text == SIM_ID_LEN && dash[1] >= '0' && dash[1] <= '9' &&
		strlen(dash) < 18)
	{
		skip = strtoll(dash + 1, &end, 10);
		if (*end != '\0' || strncmp(text, "01g", 3) != 0)
			skip = -1;
	}
	free(text);
	return skip;
}

static void
next_url(srv_request *req, const list_args *a, job_type type, int64_t at, sim_buf *b)
{
	char id[SIM_ID_SIZE];
	sim_buf url = {0};

	sim_id_make("01g", 4096, id);
	sim_buf_printf(&url, "/services/data/v%s/jobs/%s?queryLocator=%s-%lld", req->version,
				   type == JOB_V2_INGEST ? "ingest" : "query", id, (long long) at);
	if (a->chunked)
	{
		sim_buf_str(&url, "&isPkChunkingEnabled=");
		srv_url_encode(&url, a->chunked);
	}
	if (a->type)
	{
		sim_buf_str(&url, "&jobType=");
		srv_url_encode(&url, a->type);
	}
	if (a->mode)
	{
		sim_buf_str(&url, "&concurrencyMode=");
		srv_url_encode(&url, a->mode);
	}
	sim_json_string(b, url.data ? url.data : "", url.len);
	sim_buf_free(&url);
}

void
job_list_answer(srv_request *req, job_type type)
{
	srv *s = req->srv;
	list_args a = {srv_param(req->query, "jobType", NULL),
				   srv_param(req->query, "concurrencyMode", NULL),
				   srv_param(req->query, "isPkChunkingEnabled", NULL), list_locator(req)};
	const char *own = type == JOB_V2_INGEST ? "V2Ingest" : "V2Query";
	bool chunked = a.chunked && strcasecmp(a.chunked, "true") == 0;
	bool serial = a.mode && strcasecmp(a.mode, "parallel") != 0;
	bool v2 = (a.type == NULL || strcasecmp(a.type, own) == 0) && !serial && !chunked;
	bool classic = a.type == NULL || strcasecmp(a.type, "Classic") == 0;
	sim_buf records = {0};
	int64_t n = 0;
	int64_t shown = 0;
	job_classic_rows rows;
	sim_buf *b;

	sim_buf_str(&records, "");
	pthread_mutex_lock(&s->jobs->lock);
	forget_old(s);
	rows = s->jobs->classic;
	for (job *j = v2 && a.skip >= 0 ? s->jobs->list : NULL; j; j = j->next)
	{
		if (j->type != type || n++ < a.skip || shown == LIST_PAGE)
			continue;
		job_advance(s, j);
		if (shown++)
			sim_buf_char(&records, ',');
		job_json(s, j, DETAIL_LIST, &records);
	}
	pthread_mutex_unlock(&s->jobs->lock);
	if (classic && rows && a.skip >= 0)
	{
		sim_buf more = {0};
		int64_t skip = a.skip > n ? a.skip - n : 0;
		int64_t all = rows(s, type == JOB_V2_QUERY, skip, LIST_PAGE - shown, &more);

		if (more.len > 0)
			sim_buf_printf(&records, "%s%s", shown ? "," : "", more.data);
		sim_buf_free(&more);
		n += all;
	}
	if (a.skip < 0)
		srv_error(req, 400, "INVALID_QUERY_LOCATOR", "invalid query locator");
	else
	{
		b = srv_json(req, 200);
		sim_buf_printf(b, "{\"done\":%s,\"records\":[",
					   n > a.skip + LIST_PAGE ? "false" : "true");
		sim_buf_add(b, records.data, records.len);
		sim_buf_str(b, "],\"nextRecordsUrl\":");
		if (n > a.skip + LIST_PAGE)
			next_url(req, &a, type, a.skip + LIST_PAGE, b);
		else
			sim_buf_str(b, "null");
		sim_buf_char(b, '}');
	}
	sim_buf_free(&records);
	free(a.type);
	free(a.mode);
	free(a.chunked);
}

/* ---------------------------------------------------------------- results */

void
job_not_ready(srv_request *req, srv_state state)
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
