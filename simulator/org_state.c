/*
 * org_state.c
 *		The org's state as a whole: its clock, snapshots of it, and what outlives the program.
 *
 * A snapshot is a directory: org.db (and org.db-wal) with the rows, state.json with the rest, and the
 * files of jobs below jobs/.  An org that outlives the program has the same in its --data directory, but
 * for the rows, which are always there: state.json is written before an answer goes out that tells of a
 * change, so that not even a SIGKILL undoes what a client was told.  Jobs are written at a clean end only.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "bulk1.h"
#include "calendar.h"
#include "clock.h"
#include "server.h"
#include "store.h"

/* Time can be moved by so much at once, and stands between these years. */
#define MOST_ADVANCE_MS INT64_C(3155760000000)	/* 100 years */
#define OLDEST_MS		INT64_C(-2208988800000) /* 1900 */
#define NEWEST_MS		INT64_C(32503680000000) /* 3000 */

/* ---------------------------------------------------------------- the clock */

void
control_clock_get(srv_request *req)
{
	char text[SIM_DATETIME_SIZE];
	int64_t now = sim_clock_now();

	sim_format_datetime(now, "Z", text);
	sim_buf_printf(srv_json(req, 200),
				   "{\"now\":\"%s\",\"now_ms\":%lld,\"machine_ms\":%lld,\"frozen\":%s,"
				   "\"moved\":%s}",
				   text, (long long) now, (long long) srv_now_ms(),
				   sim_clock_frozen() ? "true" : "false",
				   sim_clock_moved() ? "true" : "false");
}

/* Check one member and, when apply is set, do what it says. */
static bool
clock_member(const cJSON *v, bool apply, sim_error *err)
{
	const char *text = cJSON_GetStringValue(v);
	int64_t ms;

	if (strcmp(v->string, "advance_ms") == 0)
	{
		if (!cJSON_IsNumber(v) || v->valuedouble < 0 ||
			v->valuedouble != floor(v->valuedouble) ||
			v->valuedouble > (double) MOST_ADVANCE_MS)
			return sim_error_set(err, "INVALID_INPUT",
								 "advance_ms is a number of milliseconds, 0 to %lld",
								 (long long) MOST_ADVANCE_MS);
		ms = (int64_t) v->valuedouble;
		if (sim_clock_now() + ms > NEWEST_MS)
			return sim_error_set(err, "INVALID_INPUT", "the clock does not go beyond 3000");
		if (apply)
			sim_clock_advance(ms);
	}
	else if (strcmp(v->string, "set") == 0)
	{
		if (text == NULL || !sim_parse_datetime(text, strlen(text), &ms) || ms < OLDEST_MS ||
			ms > NEWEST_MS)
			return sim_error_set(err, "INVALID_INPUT",
								 "set is a datetime, \"2026-01-31T12:00:00Z\"");
		if (apply)
			sim_clock_set(ms);
	}
	else if (strcmp(v->string, "freeze") == 0)
	{
		if (!cJSON_IsBool(v))
			return sim_error_set(err, "INVALID_INPUT", "freeze is true or false");
		if (apply)
			sim_clock_freeze(cJSON_IsTrue(v));
	}
	else if (strcmp(v->string, "reset") == 0)
	{
		if (!cJSON_IsTrue(v))
			return sim_error_set(err, "INVALID_INPUT", "reset is true");
		if (apply)
			sim_clock_reset();
	}
	else
		return sim_error_set(err, "INVALID_INPUT", "unknown member \"%s\"", v->string);
	return true;
}

bool
control_clock_post(srv_request *req, const cJSON *body, sim_error *err)
{
	const cJSON *v;

	if (!cJSON_IsObject(body) || body->child == NULL)
		return sim_error_set(err, "INVALID_INPUT",
							 "expected \"advance_ms\", \"set\", \"freeze\" or \"reset\"");

	/* all or nothing: a misspelt member must not leave half of a move behind */
	for (int apply = 0; apply <= 1; apply++)
	{
		if (apply)
			jobs_settle(req->srv, true);
		cJSON_ArrayForEach (v, body)
		{
			if (!clock_member(v, apply == 1, err))
				return false;
		}
	}
	jobs_settle(req->srv, false);
	control_clock_get(req);
	return true;
}

/* ---------------------------------------------------------------- all of it as JSON */

#define STATE_FORMAT 1

static bool
io_failed(sim_error *err, const char *path)
{
	return sim_error_set(err, "UNKNOWN_EXCEPTION", "\"%s\": %s", path, strerror(errno));
}

/* Whole or not at all, whenever the program may end. */
static bool
write_whole(const char *path, const sim_buf *text, sim_error *err)
{
	char temp[PATH_MAX + 8];
	FILE *f;
	bool ok;

	if (text->failed)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	snprintf(temp, sizeof(temp), "%s.new", path);
	f = fopen(temp, "we");
	if (f == NULL)
		return io_failed(err, temp);
	ok = fwrite(text->data, 1, text->len, f) == text->len;
	ok = fclose(f) == 0 && ok;
	ok = ok && rename(temp, path) == 0;
	return ok || io_failed(err, path);
}

static bool
make_directory(const char *path, sim_error *err)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST || io_failed(err, path);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void) st;
	(void) flag;
	(void) ftw;
	remove(path);
	return 0;
}

void
srv_remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
clock_json(sim_buf *out)
{
	sim_clock_state c;

	sim_clock_save(&c);
	sim_buf_printf(out, "{\"frozen\":%s,\"moved\":%s,\"offset\":%lld,\"now\":%lld}",
				   c.frozen ? "true" : "false", c.moved ? "true" : "false",
				   (long long) c.offset, (long long) c.now);
}

static int64_t
int_of(const cJSON *o, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsNumber(v) ? (int64_t) v->valuedouble : 0;
}

static void
load_clock(const cJSON *from)
{
	sim_clock_state c;

	c.frozen = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(from, "frozen"));
	c.moved = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(from, "moved"));
	c.offset = int_of(from, "offset");
	c.now = int_of(from, "now");
	sim_clock_load(&c);
}

/* What calls have used up, and which rows they have used last. */
static void
usage_json(srv *s, sim_buf *out)
{
	sim_buf_str(out, ",\"used\":[");
	for (int i = 0; i < LIMIT_COUNT; i++)
		sim_buf_printf(out, "%s%lld", i ? "," : "",
					   (long long) srv_limits_used(s, (srv_limit) i));
	sim_buf_str(out, "],\"recent\":[");
	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < s->recent.n; i++)
		sim_buf_printf(out, "%s\"%s\"", i ? "," : "", s->recent.id[i]);
	pthread_mutex_unlock(&s->lock);
	sim_buf_char(out, ']');
}

static void
load_usage(srv *s, const cJSON *state)
{
	const cJSON *used = cJSON_GetObjectItemCaseSensitive(state, "used");
	const cJSON *one;
	int i = 0;

	srv_limits_reset(s);
	srv_limits_used(s, LIMIT_API_REQUESTS); /* finds its slot of time */
	pthread_mutex_lock(&s->lock);
	cJSON_ArrayForEach (one, used)
	{
		if (i == LIMIT_COUNT)
			break;
		s->limits.total[i] = (int64_t) one->valuedouble;
		s->limits.slot[i++][s->limits.now % LIMIT_SLOTS] = (int64_t) one->valuedouble;
	}
	memset(&s->recent, 0, sizeof(s->recent));
	cJSON_ArrayForEach (one, cJSON_GetObjectItemCaseSensitive(state, "recent"))
	{
		if (s->recent.n < SRV_RECENT && cJSON_IsString(one))
			snprintf(s->recent.id[s->recent.n++], SIM_ID_SIZE, "%s", one->valuestring);
	}
	memset(&s->counts, 0, sizeof(s->counts));
	pthread_mutex_unlock(&s->lock);
}

/* Rows that somebody else holds. */
static void
load_locks(srv *s, const cJSON *list)
{
	const cJSON *one;

	sim_unlock_rows(s->org, NULL);
	cJSON_ArrayForEach (one, list)
	{
		sim_lock_row(s->org, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "id")),
					 cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(one, "approval")), NULL);
	}
}

/* The file state.json; counts is JSON of the rows, NULL without them. */
static bool
write_state(srv *s, const char *dir, const char *counts, sim_error *err)
{
	char path[PATH_MAX];
	sim_buf b = {0};
	bool ok;

	sim_buf_printf(&b, "{\"format\":%d,\"schema\":\"%016llx\",\"clock\":", STATE_FORMAT,
				   (unsigned long long) sim_schema_hash());
	clock_json(&b);
	usage_json(s, &b);
	sim_buf_str(&b, ",\"locks\":");
	sim_locks_json(s->org, &b);
	sim_buf_str(&b, ",\"options\":");
	control_options_json(s, &b);
	sim_buf_str(&b, ",\"auth\":");
	auth_save(s, &b);
	if (counts)
	{
		sim_buf_str(&b, ",\"rows\":");
		sim_buf_str(&b, counts);
	}
	sim_buf_str(&b, "}\n");
	snprintf(path, sizeof(path), "%s/state.json", dir);
	ok = write_whole(path, &b, err);
	sim_buf_free(&b);
	return ok;
}

bool
state_save(srv *s, const char *dir, bool rows, sim_error *err)
{
	char jobs[PATH_MAX];
	sim_buf counts = {0};
	bool ok;

	snprintf(jobs, sizeof(jobs), "%s/jobs", dir);
	ok = make_directory(jobs, err) && jobs_save(s, jobs, err) && bulk1_save(s, jobs, err) &&
		 (!rows || sim_org_save(s->org, dir, &counts, err)) &&
		 write_state(s, dir, rows ? counts.data : NULL, err);
	sim_buf_free(&counts);
	return ok;
}

/* Options by one, in the order of the file; one that this program does not know is an error. */
static bool
load_options(srv *s, cJSON *state, sim_error *err)
{
	cJSON *options = cJSON_GetObjectItemCaseSensitive(state, "options");

	/* an alias of the clock, which is there itself */
	cJSON_DeleteItemFromObjectCaseSensitive(options, "now");
	return control_options_apply(s, options, err);
}

static cJSON *
read_state(const char *dir, sim_error *err)
{
	char path[PATH_MAX];
	char hash[32];
	const char *schema;
	sim_buf text = {0};
	cJSON *state = NULL;

	snprintf(path, sizeof(path), "%s/state.json", dir);
	if (!srv_read_file(path, &text))
		io_failed(err, path);
	else if ((state = cJSON_ParseWithLength(text.data, text.len)) == NULL ||
			 int_of(state, "format") != STATE_FORMAT)
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION", "\"%s\" is not what this sfsim writes", path);
		cJSON_Delete(state);
		state = NULL;
	}
	sim_buf_free(&text);
	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long) sim_schema_hash());
	schema = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(state, "schema"));
	if (state && (schema == NULL || strcmp(schema, hash) != 0))
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION",
					  "\"%s\" is of an org with other objects or fields than this one", dir);
		cJSON_Delete(state);
		state = NULL;
	}
	return state;
}

bool
state_load(srv *s, const char *dir, bool rows, bool keep_sessions, sim_error *err)
{
	char jobs[PATH_MAX];
	cJSON *state = read_state(dir, err);
	bool ok = state != NULL;

	/* whoever reads the old rows goes first */
	if (ok)
	{
		jobs_drop_all(s);
		bulk1_drop_all(s);
		cursors_drop_all(s);
	}
	if (ok && rows)
		ok = sim_org_load(s->org, dir, cJSON_GetObjectItemCaseSensitive(state, "rows"), err);
	if (ok)
	{
		snprintf(jobs, sizeof(jobs), "%s/jobs", dir);
		load_clock(cJSON_GetObjectItemCaseSensitive(state, "clock"));
		load_usage(s, state);
		load_locks(s, cJSON_GetObjectItemCaseSensitive(state, "locks"));
		ok = load_options(s, state, err) &&
			 auth_load(s, cJSON_GetObjectItemCaseSensitive(state, "auth"), keep_sessions,
					   err) &&
			 (access(jobs, F_OK) != 0 ||
			  (jobs_load(s, jobs, err) && bulk1_restore(s, jobs, err)));
	}
	cJSON_Delete(state);
	return ok;
}

/* ---------------------------------------------------------------- what outlives the program */

void
state_touch(srv *s)
{
	atomic_store(&s->state_changed, true);
}

void
state_flush(srv *s)
{
	sim_error err;

	if (s->data_dir == NULL || !atomic_load(&s->state_changed))
		return;
	pthread_mutex_lock(&s->state_lock);
	if (atomic_exchange(&s->state_changed, false) && !write_state(s, s->data_dir, NULL, &err))
		fprintf(stderr, "sfsim: %s\n", err.message);
	pthread_mutex_unlock(&s->state_lock);
}

bool
state_open(srv *s, sim_error *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/snapshots", s->data_dir ? s->data_dir : s->temp_dir);
	if (!make_directory(path, err))
		return false;
	if (s->data_dir == NULL)
		return true;

	/* rows without the rest: the first run was killed before it was through */
	snprintf(path, sizeof(path), "%s/state.json", s->data_dir);
	if (sim_org_was_there(s->org) && access(path, F_OK) == 0 &&
		!state_load(s, s->data_dir, false, false, err))
		return false;

	/* jobs are written at the end only: after an accident there must not be those of an earlier end */
	snprintf(path, sizeof(path), "%s/jobs", s->data_dir);
	srv_remove_tree(path);
	return write_state(s, s->data_dir, NULL, err);
}

bool
state_close(srv *s, sim_error *err)
{
	return s->data_dir == NULL || state_save(s, s->data_dir, false, err);
}

/* ---------------------------------------------------------------- snapshots */

/* Path of the snapshot of this name; false and *err when it is no name. */
static bool
snapshot_path(srv *s, const char *name, char *out, size_t size, sim_error *err)
{
	static const char chars[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";

	if (name == NULL)
		name = "default";
	if (*name == '\0' || *name == '.' || strlen(name) > 64 ||
		strspn(name, chars) != strlen(name))
		return sim_error_set(
			err, "INVALID_INPUT",
			"the name of a snapshot is up to 64 letters, digits, \"_\", \"-\" "
			"and \".\", not beginning with \".\"");
	snprintf(out, size, "%s/snapshots/%s", s->data_dir ? s->data_dir : s->temp_dir, name);
	return true;
}

static bool
take_snapshot(srv *s, const char *path, sim_error *err)
{
	char fresh[PATH_MAX];
	bool ok;

	/* complete before it gets its name */
	snprintf(fresh, sizeof(fresh), "%s/snapshots/.new",
			 s->data_dir ? s->data_dir : s->temp_dir);
	srv_remove_tree(fresh);
	ok = make_directory(fresh, err) && state_save(s, fresh, true, err);
	if (ok)
	{
		srv_remove_tree(path);
		ok = rename(fresh, path) == 0 || io_failed(err, path);
	}
	if (!ok)
		srv_remove_tree(fresh);
	return ok;
}

/* A true member of the body. */
static bool
asks(const cJSON *body, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, name));
}

static bool
known_members(const cJSON *body, bool restore, sim_error *err)
{
	const cJSON *v;

	cJSON_ArrayForEach (v, body)
	{
		if (strcmp(v->string, "name") == 0 && cJSON_IsString(v))
			continue;
		if (restore && cJSON_IsBool(v) &&
			(strcmp(v->string, "keep_sessions") == 0 ||
			 strcmp(v->string, "keep_faults") == 0 || strcmp(v->string, "keep_log") == 0))
			continue;
		return sim_error_set(err, "INVALID_INPUT", "\"%s\" is unknown or has the wrong type",
							 v->string);
	}
	return true;
}

bool
control_snapshot_post(srv_request *req, const cJSON *body, bool restore, sim_error *err)
{
	srv *s = req->srv;
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "name"));
	char path[PATH_MAX];
	struct stat st;
	int64_t began = srv_mono_ms();
	bool ok;

	if ((req->body.len > 0 && !cJSON_IsObject(body)))
		return sim_error_set(err, "INVALID_INPUT", "the body is not a JSON object");
	if (!known_members(body, restore, err) || !snapshot_path(s, name, path, sizeof(path), err))
		return false;
	pthread_mutex_lock(&s->state_lock);
	if (!restore)
		ok = take_snapshot(s, path, err);
	else if (stat(path, &st) != 0)
		ok = sim_error_set(err, "INVALID_INPUT", "there is no snapshot \"%s\"",
						   name ? name : "default");
	else
	{
		if (!asks(body, "keep_faults"))
			faults_clear(s, -1, NULL);
		ok = state_load(s, path, true, asks(body, "keep_sessions"), err);
		if (ok && !asks(body, "keep_log"))
			log_clear(s);
	}
	pthread_mutex_unlock(&s->state_lock);
	if (ok)
		sim_buf_printf(srv_json(req, 200), "{\"name\":\"%s\",\"ms\":%lld}",
					   name ? name : "default", (long long) (srv_mono_ms() - began));
	return ok;
}

/* Each name that is there; the callback gets its path. */
static int
each_snapshot(srv *s, void (*each)(const char *name, const char *path, void *arg), void *arg)
{
	char dir[PATH_MAX];
	char path[PATH_MAX + 300];
	struct dirent *e;
	DIR *d;
	int n = 0;

	snprintf(dir, sizeof(dir), "%s/snapshots", s->data_dir ? s->data_dir : s->temp_dir);
	d = opendir(dir);
	while (d && (e = readdir(d)) != NULL)
	{
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		each(e->d_name, path, arg);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

static void
show_one(const char *name, const char *path, void *arg)
{
	sim_buf *b = arg;
	char file[PATH_MAX + 320];
	struct stat st = {0};

	snprintf(file, sizeof(file), "%s/org.db", path);
	if (stat(file, &st) != 0)
		return;
	sim_buf_printf(b, "%s{\"name\":\"%s\",\"bytes\":%lld,\"taken_ms\":%lld}",
				   b->data[b->len - 1] == '[' ? "" : ",", name, (long long) st.st_size,
				   (long long) st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
}

void
control_snapshot_get(srv_request *req)
{
	sim_buf *b = srv_json(req, 200);

	sim_buf_char(b, '[');
	pthread_mutex_lock(&req->srv->state_lock);
	each_snapshot(req->srv, show_one, b);
	pthread_mutex_unlock(&req->srv->state_lock);
	sim_buf_char(b, ']');
}

static void
remove_snapshot(const char *name, const char *path, void *arg)
{
	(void) name;
	(void) arg;
	srv_remove_tree(path);
}

void
control_snapshot_delete(srv_request *req)
{
	srv *s = req->srv;
	const char *name = req->nsegs > 2 ? req->segs[2] : NULL;
	char path[PATH_MAX];
	struct stat st;
	sim_error err;
	int n = 1;

	pthread_mutex_lock(&s->state_lock);
	if (name && (!snapshot_path(s, name, path, sizeof(path), &err) || stat(path, &st) != 0))
		n = 0;
	else if (name)
		srv_remove_tree(path);
	else
		n = each_snapshot(s, remove_snapshot, NULL);
	pthread_mutex_unlock(&s->state_lock);
	sim_buf_printf(srv_json(req, 200), "{\"removed\":%d}", n);
}
