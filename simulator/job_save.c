/*
 * job_save.c
 *		Jobs on disk: for snapshots of the org and for orgs that outlive the program.
 *
 *	DIR/jobs.json		what the jobs are
 *	DIR/jobs/ID/		files of an ingest job, pages of a query job
 *
 * Orders of faults are not kept: they belong to the program that is told them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "clock.h"
#include "job.h"

/* How long saving waits for jobs that are being processed. */
#define WAIT_SECONDS 30

static const char *const file_names[] = {"upload", "success", "failed", "unprocessed"};

/* Members that are numbers and stand as they are. */
static const struct
{
	const char *name;
	size_t offset;
} numbers[] = {
	{"created", offsetof(job, created)},	 {"changed", offsetof(job, changed)},
	{"done_ms", offsetof(job, done_ms)},	 {"bytes", offsetof(job, bytes)},
	{"processed", offsetof(job, processed)}, {"failed", offsetof(job, failed)},
	{"active_ms", offsetof(job, active_ms)}, {"next_row", offsetof(job, next_row)},
};

/* Members that are texts of a fixed size. */
static const struct
{
	const char *name;
	size_t offset;
	size_t size;
} texts[] = {
	{"id", offsetof(job, id), sizeof(((job *) 0)->id)},
	{"operation", offsetof(job, operation), sizeof(((job *) 0)->operation)},
	{"object", offsetof(job, object), sizeof(((job *) 0)->object)},
	{"version", offsetof(job, version), sizeof(((job *) 0)->version)},
	{"user", offsetof(job, user), sizeof(((job *) 0)->user)},
	{"external_id", offsetof(job, external_id), sizeof(((job *) 0)->external_id)},
	{"rule", offsetof(job, rule), sizeof(((job *) 0)->rule)},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ---------------------------------------------------------------- saving */

static bool
save_files(const job *j, const char *dir)
{
	char from[400];
	char to[500];

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return false;
	for (size_t i = 0; i < COUNT(file_names); i++)
	{
		ingest_path(j, file_names[i], false, from);
		snprintf(to, sizeof(to), "%s/%s.csv", dir, file_names[i]);
		if (access(from, F_OK) == 0 && !srv_link_file(from, to))
			return false;
	}
	return true;
}

/* One job as JSON, its files beside; NULL on errors.  The lock is held. */
static cJSON *
save_job(const job *j, const char *dir)
{
	int64_t now = sim_clock_mono();
	cJSON *o = cJSON_CreateObject();
	char path[400];
	bool ok = o != NULL;

	for (size_t i = 0; i < COUNT(texts); i++)
		ok = ok &&
			 cJSON_AddStringToObject(o, texts[i].name, (const char *) j + texts[i].offset);
	for (size_t i = 0; i < COUNT(numbers); i++)
		ok = ok && cJSON_AddNumberToObject(
					   o, numbers[i].name,
					   (double) *(const int64_t *) (const void *) ((const char *) j +
																   numbers[i].offset));

	/* moments of the clock that only grows: how long ago */
	ok = ok && cJSON_AddNumberToObject(o, "started_ago", (double) (now - j->start)) &&
		 cJSON_AddNumberToObject(o, "ended_ago", j->ended ? (double) (now - j->ended) : 0) &&
		 cJSON_AddBoolToObject(o, "query", j->type == JOB_V2_QUERY) &&
		 cJSON_AddStringToObject(o, "delimiter", j->delim_name) &&
		 cJSON_AddBoolToObject(o, "crlf", j->crlf) &&
		 cJSON_AddNumberToObject(o, "uploads", j->uploads) &&
		 cJSON_AddBoolToObject(o, "files_done", j->files_done) &&
		 cJSON_AddBoolToObject(o, "no_auto_assign", j->write.no_auto_assign) &&
		 cJSON_AddBoolToObject(o, "allow_duplicates", j->write.allow_duplicates) &&
		 cJSON_AddStringToObject(o, "error", j->err.message) &&
		 cJSON_AddStringToObject(o, "state",
								 job_state_name(j->running ? JOB_FAILED : j->state)) &&
		 (j->soql == NULL || cJSON_AddStringToObject(o, "soql", j->soql));
	snprintf(path, sizeof(path), "%.300s/jobs/%s", dir, j->id);
	if (ok && j->type == JOB_V2_INGEST)
		ok = save_files(j, path);
	else if (ok && j->state == JOB_COMPLETE && j->render)
	{
		cJSON *r = cJSON_AddObjectToObject(o, "render");

		ok = r && render_save(j->render, path, r);
	}
	if (!ok)
	{
		cJSON_Delete(o);
		return NULL;
	}
	return o;
}

/* Until no job is being processed, but not for ever: one may be held by a fault.  The lock is held. */
static void
wait_for_threads(srv_jobs *jobs)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_SECONDS;
	for (;;)
	{
		bool busy = false;

		for (job *j = jobs->list; j; j = j->next)
			busy |= j->running && (j->orders.gate == NULL || gate_is_open(j->orders.gate));
		if (!busy || pthread_cond_timedwait(&jobs->changed, &jobs->lock, &until) != 0)
			return;
	}
}

bool
jobs_save(srv *s, const char *dir, sim_error *err)
{
	srv_jobs *jobs = s->jobs;
	cJSON *all = cJSON_CreateObject();
	cJSON *list = all ? cJSON_AddArrayToObject(all, "jobs") : NULL;
	bool ok = list != NULL;
	char path[400];
	char *text;
	FILE *f;

	snprintf(path, sizeof(path), "%.300s/jobs", dir);
	ok = ok && (mkdir(path, 0700) == 0 || errno == EEXIST);
	pthread_mutex_lock(&jobs->lock);
	wait_for_threads(jobs);
	ok = ok && cJSON_AddNumberToObject(all, "next", (double) jobs->next_number);
	for (job *j = jobs->list; ok && j; j = j->next)
	{
		cJSON *o;

		job_advance(s, j);
		o = save_job(j, dir);
		ok = o != NULL;
		if (ok)
			cJSON_AddItemToArray(list, o);
	}
	pthread_mutex_unlock(&jobs->lock);
	snprintf(path, sizeof(path), "%.300s/jobs.json", dir);
	text = ok ? cJSON_PrintUnformatted(all) : NULL;
	f = text ? fopen(path, "we") : NULL;
	ok = f && fputs(text, f) >= 0;
	if (f && fclose(f) != 0)
		ok = false;
	cJSON_free(text);
	cJSON_Delete(all);
	return ok || sim_error_set(err, "UNKNOWN_EXCEPTION",
							   "could not save the jobs in \"%s\": %s", dir, strerror(errno));
}

/* ---------------------------------------------------------------- loading */

static int64_t
number_of(const cJSON *o, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsNumber(item) ? (int64_t) item->valuedouble : 0;
}

static const char *
text_of(const cJSON *o, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

	return text ? text : "";
}

static bool
flag_of(const cJSON *o, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, name));
}

static bool
load_files(srv *s, job *j, const char *dir)
{
	char from[500];
	char to[400];

	/* the same job of before may be in somebody's hands still */
	for (int n = 0; n < 1000; n++)
	{
		snprintf(j->dir, sizeof(j->dir), "%s/%s-%d", s->temp_dir, j->id, n);
		if (mkdir(j->dir, 0700) == 0)
			break;
		j->dir[0] = '\0';
	}
	if (j->dir[0] == '\0')
		return false;
	for (size_t i = 0; i < COUNT(file_names); i++)
	{
		snprintf(from, sizeof(from), "%s/%s.csv", dir, file_names[i]);
		ingest_path(j, file_names[i], false, to);
		if (access(from, F_OK) == 0 && !srv_link_file(from, to))
			return false;
	}
	return true;
}

/* A job that was waiting for its result gets a new one. */
static bool
render_again(srv *s, job *j)
{
	unsigned flags = strcmp(j->operation, "queryAll") == 0 ? SIM_QUERY_ALL : 0;
	sim_error err;
	sim_query *q = sim_query_prepare(s->org, j->soql, flags, j->version, &err);

	if (q)
	{
		srv_render_key key = {j->soql, q, flags, j->version, j->delim, j->crlf};

		j->render = render_get(s, &key, &err);
	}
	sim_query_free(q);
	return j->render != NULL;
}

static job *
load_job(srv *s, const cJSON *o, const char *dir)
{
	int64_t now = sim_clock_mono();
	job *j = calloc(1, sizeof(*j));
	char path[400];
	bool ok;

	if (j == NULL)
		return NULL;
	for (size_t i = 0; i < COUNT(texts); i++)
		snprintf((char *) j + texts[i].offset, texts[i].size, "%s", text_of(o, texts[i].name));
	for (size_t i = 0; i < COUNT(numbers); i++)
		*(int64_t *) (void *) ((char *) j + numbers[i].offset) = number_of(o, numbers[i].name);
	j->type = flag_of(o, "query") ? JOB_V2_QUERY : JOB_V2_INGEST;
	j->start = now - number_of(o, "started_ago");
	j->seen = now;
	j->state = job_state_parse(text_of(o, "state"));
	j->ended = j->state >= JOB_COMPLETE ? now - number_of(o, "ended_ago") : 0;
	j->crlf = flag_of(o, "crlf");
	j->delim = job_delimiter(text_of(o, "delimiter"), &j->delim_name);
	j->uploads = (int) number_of(o, "uploads");
	j->files_done = flag_of(o, "files_done");
	j->finished = j->state >= JOB_COMPLETE;
	j->write.bulk = true;
	j->write.no_auto_assign = flag_of(o, "no_auto_assign");
	j->write.allow_duplicates = flag_of(o, "allow_duplicates");
	j->write.assignment_rule = j->rule[0] ? j->rule : NULL;
	if (text_of(o, "error")[0])
		sim_error_set(&j->err, "FAILED", "%s", text_of(o, "error"));
	j->orders.hold = JOB_STATES;
	j->orders.fake_records = j->orders.fail_after = -1;
	j->orders.quota_after = j->orders.hold_after = -1;
	snprintf(path, sizeof(path), "%.300s/jobs/%s", dir, j->id);
	ok = j->state < JOB_STATES && j->delim != '\0' && strlen(j->id) == SIM_ID_LEN &&
		 strspn(j->id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
			 SIM_ID_LEN;
	if (ok && j->type == JOB_V2_INGEST)
		ok = load_files(s, j, path);
	else if (ok)
	{
		j->soql = strdup(text_of(o, "soql"));
		ok = j->soql != NULL;
		if (ok && j->state == JOB_COMPLETE)
			ok = (j->render = render_load(
					  s, path, cJSON_GetObjectItemCaseSensitive(o, "render"))) != NULL;
		else if (ok && j->state < JOB_COMPLETE)
			ok = render_again(s, j);
	}
	if (ok)
		return j;
	job_free(j);
	return NULL;
}

bool
jobs_load(srv *s, const char *dir, sim_error *err)
{
	srv_jobs *jobs = s->jobs;
	sim_buf text = {0};
	job *first = NULL;
	job **last = &first;
	const cJSON *o;
	cJSON *all;
	char path[400];
	bool ok;

	snprintf(path, sizeof(path), "%.300s/jobs.json", dir);
	if (!srv_read_file(path, &text))
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "could not read \"%s\": %s", path,
							 strerror(errno));
	all = cJSON_ParseWithLength(text.data ? text.data : "", text.len);
	sim_buf_free(&text);
	jobs_drop_all(s);
	ok = cJSON_IsObject(all);
	cJSON_ArrayForEach (o, cJSON_GetObjectItemCaseSensitive(all, "jobs"))
	{
		job *j = ok ? load_job(s, o, dir) : NULL;

		ok = j != NULL;
		if (ok)
		{
			*last = j;
			last = &j->next;
		}
	}
	pthread_mutex_lock(&jobs->lock);
	*last = jobs->list;
	jobs->list = first;
	if (number_of(all, "next") > jobs->next_number)
		jobs->next_number = number_of(all, "next");
	pthread_cond_broadcast(&jobs->work);
	pthread_mutex_unlock(&jobs->lock);
	cJSON_Delete(all);
	return ok ||
		   sim_error_set(err, "UNKNOWN_EXCEPTION", "the jobs in \"%s\" cannot be read", dir);
}
