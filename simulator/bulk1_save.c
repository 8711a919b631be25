/*
 * bulk1_save.c
 *		Bulk API 1.0 jobs on disk and back: bulk1.json, and a file for each request and result.
 *
 * Moments of the clock that only grows are kept as time that has passed.  What a fault ordered is not kept: a batch that one holds
 * goes on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "bulk1_int.h"
#include "clock.h"

/* ---------------------------------------------------------------- save */

/* Saving on its way. */
typedef struct saver
{
	const char *dir;
	int files;
	bool ok;
} saver;

/* A blob into a file of its own, whose name becomes a member. */
static void
save_blob(saver *s, cJSON *o, const char *key, const bulk1_blob *blob)
{
	sim_buf text = {0};
	char name[40];
	char path[400];
	FILE *f;

	snprintf(name, sizeof(name), "bulk1.%d", s->files++);
	snprintf(path, sizeof(path), "%.300s/%s", s->dir, name);
	f = fopen(path, "we");
	s->ok = s->ok && f && bulk1_blob_get(blob, &text) &&
			fwrite(text.data ? text.data : "", 1, text.len, f) == text.len;
	if (f && fclose(f) != 0)
		s->ok = false;
	s->ok = s->ok && cJSON_AddStringToObject(o, key, name);
	sim_buf_free(&text);
}

static void
add_number(cJSON *o, const char *key, int64_t value)
{
	cJSON_AddNumberToObject(o, key, (double) value);
}

static cJSON *
save_batch(saver *s, const bulk1_batch *t)
{
	int64_t now = sim_clock_mono();
	cJSON *o = cJSON_CreateObject();
	cJSON *results = cJSON_AddArrayToObject(o, "results");

	cJSON_AddStringToObject(o, "id", t->id);
	cJSON_AddStringToObject(o, "charset", t->charset);
	cJSON_AddBoolToObject(o, "split", t->split);
	add_number(o, "state", t->state);
	cJSON_AddStringToObject(o, "message", t->message);
	add_number(o, "created", t->created);
	add_number(o, "changed", t->changed);
	add_number(o, "started_ago", now - t->start);
	add_number(o, "ended_ago", now - t->ended);
	add_number(o, "processed", t->processed);
	add_number(o, "failed", t->failed);
	add_number(o, "total_ms", t->total_ms);
	add_number(o, "active_ms", t->active_ms);
	save_blob(s, o, "request", &t->request);
	save_blob(s, o, "answer", &t->answer);
	for (int i = 0; i < t->nresults; i++)
	{
		cJSON *r = cJSON_CreateObject();

		cJSON_AddStringToObject(r, "id", t->results[i].id);
		save_blob(s, r, "file", &t->results[i].blob);
		cJSON_AddItemToArray(results, r);
	}
	return o;
}

static cJSON *
save_job(saver *s, const bulk1_job *j)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *batches = cJSON_AddArrayToObject(o, "batches");

	cJSON_AddStringToObject(o, "id", j->id);
	cJSON_AddStringToObject(o, "operation", bulk1_op_name(j->op));
	cJSON_AddStringToObject(o, "contentType", bulk1_type_name(j->type));
	cJSON_AddStringToObject(o, "object", sim_object_name(j->object));
	cJSON_AddStringToObject(o, "external_id", j->external_id);
	cJSON_AddStringToObject(o, "rule", j->rule);
	cJSON_AddStringToObject(o, "version", j->version);
	cJSON_AddStringToObject(o, "user", j->user);
	cJSON_AddStringToObject(o, "line_ending", j->line_ending);
	if (j->spec)
		cJSON_AddStringToObject(o, "spec", j->spec);
	cJSON_AddBoolToObject(o, "serial", j->serial);
	cJSON_AddBoolToObject(o, "allow_duplicates", j->write.allow_duplicates);
	cJSON_AddBoolToObject(o, "chunking", j->chunking.on);
	add_number(o, "chunk_size", j->chunking.size);
	cJSON_AddStringToObject(o, "chunk_parent", j->chunking.parent);
	cJSON_AddStringToObject(o, "start_row", j->chunking.start_row);
	add_number(o, "created", j->created);
	add_number(o, "changed", j->changed);
	add_number(o, "state", j->state);
	for (const bulk1_batch *t = j->batches; t; t = t->next)
		cJSON_AddItemToArray(batches, save_batch(s, t));
	return o;
}

bool
bulk1_save(srv *s, const char *dir, sim_error *err)
{
	srv_bulk1 *b = s->bulk1;
	saver save = {.dir = dir, .ok = true};
	cJSON *all = cJSON_CreateObject();
	cJSON *jobs = cJSON_AddArrayToObject(all, "jobs");
	char path[400];
	char *text;
	FILE *f;

	pthread_mutex_lock(&b->lock);
	add_number(all, "next_job", b->next_job);
	add_number(all, "next_batch", b->next_batch);
	add_number(all, "next_result", b->next_result);
	for (const bulk1_job *j = b->jobs; j; j = j->next)
		cJSON_AddItemToArray(jobs, save_job(&save, j));
	pthread_mutex_unlock(&b->lock);
	text = cJSON_PrintUnformatted(all);
	cJSON_Delete(all);
	snprintf(path, sizeof(path), "%.300s/bulk1.json", dir);
	f = fopen(path, "we");
	save.ok = save.ok && text && f && fputs(text, f) >= 0;
	if (f && fclose(f) != 0)
		save.ok = false;
	cJSON_free(text);
	return save.ok || sim_error_set(err, "UNKNOWN_EXCEPTION", "could not write \"%s\": %s",
									path, strerror(errno));
}

/* ---------------------------------------------------------------- load */

static const char *
text_of(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return text ? text : "";
}

static int64_t
number_of(const cJSON *o, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(item) ? (int64_t) item->valuedouble : 0;
}

static bool
flag_of(const cJSON *o, const char *key)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static bool
load_blob(srv_bulk1 *b, const cJSON *o, const char *key, const char *dir, bulk1_blob *blob)
{
	const char *name = text_of(o, key);
	char path[400];
	sim_buf text = {0};
	bool ok;

	/* only names of our own making */
	if (strncmp(name, "bulk1.", 6) != 0 || strchr(name, '/'))
		return false;
	snprintf(path, sizeof(path), "%.300s/%.80s", dir, name);
	ok = srv_read_file(path, &text) &&
		 bulk1_blob_set(b, blob, text.data ? text.data : "", text.len);
	sim_buf_free(&text);
	return ok;
}

static bool
load_batch(srv_bulk1 *b, bulk1_job *j, const cJSON *o, const char *dir)
{
	int64_t now = sim_clock_mono();
	const cJSON *results = cJSON_GetObjectItemCaseSensitive(o, "results");
	const cJSON *r;
	bulk1_batch *t = bulk1_append(b, j);
	int64_t state = number_of(o, "state");

	if (t == NULL || state < BULK1_QUEUED || state > BULK1_NOT_PROCESSED)
		return false;
	t->results = calloc((size_t) cJSON_GetArraySize(results) + 1, sizeof(*t->results));
	if (t->results == NULL)
		return false;
	snprintf(t->id, sizeof(t->id), "%s", text_of(o, "id"));
	snprintf(t->charset, sizeof(t->charset), "%s", text_of(o, "charset"));
	snprintf(t->message, sizeof(t->message), "%s", text_of(o, "message"));
	t->split = flag_of(o, "split");
	t->state = (bulk1_state) state;
	t->created = number_of(o, "created");
	t->changed = number_of(o, "changed");
	t->start = now - number_of(o, "started_ago");
	t->ended = now - number_of(o, "ended_ago");
	t->processed = number_of(o, "processed");
	t->failed = number_of(o, "failed");
	t->total_ms = number_of(o, "total_ms");
	t->active_ms = number_of(o, "active_ms");
	if (t->state >= BULK1_COMPLETED)
		b->waiting--;
	cJSON_ArrayForEach (r, results)
	{
		bulk1_result *result = &t->results[t->nresults++];

		snprintf(result->id, sizeof(result->id), "%s", text_of(r, "id"));
		if (!load_blob(b, r, "file", dir, &result->blob))
			return false;
	}
	return load_blob(b, o, "request", dir, &t->request) &&
		   load_blob(b, o, "answer", dir, &t->answer);
}

/* A job with its batches, at the end of the list; the lock is held. */
static bool
load_job(srv_bulk1 *b, bulk1_job **at, const cJSON *o, const char *dir)
{
	bulk1_job *j = calloc(1, sizeof(*j));
	const cJSON *t;
	int64_t state = number_of(o, "state");
	bool ok;

	if (j == NULL)
		return false;
	*at = j;
	j->op = bulk1_op_parse(text_of(o, "operation"));
	j->type = bulk1_type_parse(text_of(o, "contentType"));
	j->object = sim_object_find(text_of(o, "object"));
	snprintf(j->id, sizeof(j->id), "%s", text_of(o, "id"));
	snprintf(j->external_id, sizeof(j->external_id), "%s", text_of(o, "external_id"));
	snprintf(j->rule, sizeof(j->rule), "%s", text_of(o, "rule"));
	snprintf(j->version, sizeof(j->version), "%s", text_of(o, "version"));
	snprintf(j->user, sizeof(j->user), "%s", text_of(o, "user"));
	snprintf(j->line_ending, sizeof(j->line_ending), "%s", text_of(o, "line_ending"));
	if (*text_of(o, "spec"))
		j->spec = strdup(text_of(o, "spec"));
	j->serial = flag_of(o, "serial");
	j->chunking.on = flag_of(o, "chunking");
	j->chunking.size = number_of(o, "chunk_size");
	snprintf(j->chunking.parent, sizeof(j->chunking.parent), "%s", text_of(o, "chunk_parent"));
	snprintf(j->chunking.start_row, sizeof(j->chunking.start_row), "%s",
			 text_of(o, "start_row"));
	j->write.bulk = true;
	j->write.allow_duplicates = flag_of(o, "allow_duplicates");
	j->write.assignment_rule = j->rule[0] ? j->rule : NULL;
	j->created = number_of(o, "created");
	j->changed = number_of(o, "changed");
	ok = j->op != BULK1_OPS && j->type != BULK1_TYPES && j->object && state >= BULK1_OPEN &&
		 state <= BULK1_JOB_FAILED && j->chunking.size > 0;
	if (!ok)
		return false;
	j->state = (bulk1_job_state) state;
	cJSON_ArrayForEach (t, cJSON_GetObjectItemCaseSensitive(o, "batches"))
		ok = ok && load_batch(b, j, t, dir);
	return ok;
}

bool
bulk1_restore(srv *s, const char *dir, sim_error *err)
{
	srv_bulk1 *b = s->bulk1;
	sim_buf text = {0};
	const cJSON *o;
	bulk1_job **at;
	cJSON *all;
	char path[400];
	bool ok;

	snprintf(path, sizeof(path), "%.300s/bulk1.json", dir);
	if (!srv_read_file(path, &text))
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "could not read \"%s\": %s", path,
							 strerror(errno));
	all = cJSON_ParseWithLength(text.data ? text.data : "", text.len);
	sim_buf_free(&text);
	ok = cJSON_IsObject(all) && number_of(all, "next_job") > 0;
	pthread_mutex_lock(&b->lock);

	/* at once with what comes instead: requests go on meanwhile, and may add jobs */
	bulk1_drop_locked(b);
	at = &b->jobs;
	cJSON_ArrayForEach (o, cJSON_GetObjectItemCaseSensitive(all, "jobs"))
	{
		ok = ok && load_job(b, at, o, dir);
		if (*at)
			at = &(*at)->next;
	}
	if (ok)
	{
		b->next_job = number_of(all, "next_job");
		b->next_batch = number_of(all, "next_batch");
		b->next_result = number_of(all, "next_result");
	}
	pthread_mutex_unlock(&b->lock);
	cJSON_Delete(all);
	if (ok)
		return true;
	bulk1_drop_all(s);
	return sim_error_set(err, "UNKNOWN_EXCEPTION", "\"%s\" is not what this sfsim writes",
						 path);
}
