/*
 * ingest_run.c
 *		Processing of an ingest job: reads the upload, writes rows through the store, keeps account.
 *
 * One thread per job.  The upload is read twice: once to see whether it can be read at all and where its internal
 * batches begin, then batch by batch.  Rows of a chunk are committed together; a batch that cannot be read fails the job
 * and leaves what was committed before (protocol notes, 2.4, 2.7 and 2.8).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "csv_in.h"
#include "ingest_int.h"
#include "quota.h"

/* Threads that process jobs; other jobs wait in state UploadComplete. */
#define MAX_RUNNING 8

/* Before this version errors of the header have their prefix twice. */
#define SINGLE_PREFIX_VERSION 57

void
ingest_cancel(job *j)
{
	j->cancel = true;
}

void
ingest_path(const job *j, const char *what, bool gz, char out[400])
{
	snprintf(out, 400, "%s/%s.csv%s", j->dir, what, gz ? ".gz" : "");
}

/* ---------------------------------------------------------------- the header */

static bool
fail_batch(ingest_run *r, const char *code, const char *text)
{
	bool twice =
		strcmp(code, "InvalidBatch") == 0 && atoi(r->j->version) < SINGLE_PREFIX_VERSION;

	if (r->err.message[0] == '\0')
		sim_error_set(&r->err, code, "%s%s : %s", twice ? "InvalidBatch : " : "", code, text);
	return false;
}

static bool
is_id(const char *text, size_t len)
{
	return len == 2 && strncasecmp(text, "Id", 2) == 0;
}

/* Column i of the header into a cell; false: the job fails. */
static bool
map_column(ingest_run *r, int i, const char *text, size_t len)
{
	sim_error err = {0};

	if (is_id(text, len))
	{
		r->id_column = i;
		r->in[i].field = sim_field_find(r->object, "Id");
		return true;
	}
	if (sim_in_header(r->object, text, len, &r->in[i], &err))
	{
		if (r->in[i].field == r->key && r->in[i].kind != SIM_IN_KEY)
			r->key_column = i;
		return true;
	}
	return fail_batch(r, "InvalidBatch", err.message);
}

/* What the first record says; false: the job fails, with its error set. */
static bool
map_header(ingest_run *r, const csv_in *c)
{
	char text[128];
	size_t len;
	int n = csv_in_count(c);

	if (csv_in_chars(c) > CSV_IN_HEADER_CHARS)
	{
		snprintf(text, sizeof(text), "The header row may have at most %d characters",
				 CSV_IN_HEADER_CHARS);
		return fail_batch(r, "InvalidBatch", text);
	}
	r->ncolumns = n;
	r->in = calloc((size_t) n, sizeof(*r->in));
	r->cells = calloc((size_t) n, sizeof(*r->cells));
	if (r->in == NULL || r->cells == NULL)
		return fail_batch(r, "InvalidBatch", "out of memory");
	r->id_column = r->key_column = -1;
	if (r->deletes)
	{
		const char *name = csv_in_cell(c, 0, &len);

		if (n != 1 || !is_id(name, len))
		{
			snprintf(text, sizeof(text), "The '%s' batch must contain only ids",
					 r->j->operation);
			return fail_batch(r, "InvalidBatch", text);
		}
	}
	for (int i = 0; i < n; i++)
	{
		const char *name = csv_in_cell(c, i, &len);

		if (!map_column(r, i, name, len))
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------- the first reading */

static bool
add_batch(ingest_run *r, int64_t offset, int64_t row)
{
	if (r->nbatches == r->batch_space)
	{
		int space = r->batch_space ? 2 * r->batch_space : 16;
		ingest_batch *bigger = realloc(r->batches, (size_t) space * sizeof(*bigger));

		if (bigger == NULL)
			return fail_batch(r, "InvalidBatch", "out of memory");
		r->batches = bigger;
		r->batch_space = space;
	}
	r->batches[r->nbatches++] = (ingest_batch){offset, row};
	return true;
}

csv_in *
ingest_reader(const ingest_run *r, int64_t offset)
{
	csv_in *c = csv_in_file(r->fd, offset, r->j->delim, r->j->crlf ? CSV_IN_CRLF : CSV_IN_LF);

	if (c)
		csv_in_flags(c, r->opt.eol_in_quotes, r->opt.keep_crlf);
	return c;
}

/*
 * See what there is: header, batches, the row at which the upload cannot be read any longer.  False: no row at all may
 * be processed.
 */
static bool
survey(ingest_run *r)
{
	csv_in *c = ingest_reader(r, 0);
	sim_error err = {0};
	bool good = true;
	int rc = c ? csv_in_next(c, &err) : -1;

	if (c == NULL)
		return fail_batch(r, "InvalidBatch", "out of memory");
	if (rc > 0)
	{
		r->first = csv_in_offset(c);
		good = map_header(r, c);
	}
	while (rc > 0)
	{
		int64_t at = csv_in_offset(c);

		rc = csv_in_next(c, &err);
		if (rc > 0 && csv_in_count(c) > r->ncolumns && good)
		{
			sim_error_set(&err, "InvalidBatch",
						  "Failed to parse CSV. A record has more values than the header row "
						  "has names");
			rc = -1;
		}
		if (rc > 0 && r->rows % r->opt.batch_rows == 0 && good)
			good = add_batch(r, at, r->rows);
		if (rc > 0)
			r->rows++;
	}
	if (rc < 0)
	{
		/* a wrong line ending is one of the whole upload, other errors are of their batch */
		if (strcmp(err.code, "ClientInputError") == 0 || r->rows < r->opt.batch_rows)
			r->nbatches = 0;
		else if (r->rows % r->opt.batch_rows != 0)
			r->nbatches--;
		r->end = r->nbatches > 0 ? (int64_t) r->nbatches * r->opt.batch_rows : 0;
		if (good)
			fail_batch(r, err.code, err.message);
	}
	else
		r->end = r->rows;
	csv_in_free(c);
	return good && r->nbatches > 0;
}

/* ---------------------------------------------------------------- rows */

static bool
ordered_error(const ingest_run *r, int64_t row, sim_error *err)
{
	const job_orders *o = &r->j->orders;

	for (int i = 0; i < o->nrow_errors; i++)
	{
		const job_row_error *e = &o->row_errors[i];

		if ((e->nth > 0 && e->nth != row) || (e->from > 0 && row < e->from) ||
			(e->every > 0 && row % e->every != 0))
			continue;
		*err = e->err;
		return true;
	}
	return false;
}

/* The cells of the present record that say something, in r->cells; how many. */
static int
row_cells(ingest_run *r, const csv_in *c, const char **id, size_t *id_len)
{
	int n = 0;

	*id = "";
	*id_len = 0;
	for (int i = 0; i < r->ncolumns; i++)
	{
		size_t len;
		const char *text = csv_in_cell(c, i, &len);
		bool absent = false;

		if (i == r->id_column)
		{
			*id = text;
			*id_len = len;
			continue;
		}
		r->cells[n] = r->in[i];
		sim_in_csv(&r->cells[n], text, len, &absent);
		n += !absent;
	}
	return n;
}

/* Write one row; false and *err.  id gets the row's. */
static bool
write_row(ingest_run *r, sim_txn *t, const csv_in *c, char id[SIM_ID_SIZE], bool *created,
		  sim_error *err)
{
	const char *given;
	size_t given_len;
	int n = row_cells(r, c, &given, &given_len);
	sim_write w = {r->object, NULL, r->cells, n};
	char text[64];

	*created = false;
	if (!sim_in_csv_read(r->cells, n, err))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int) (given_len < 60 ? given_len : 60), given);
	if (given_len > 0)
	{
		w.id = text;
		if (given_len >= 60 || !sim_id_normalise(given, given_len, id))
			snprintf(id, SIM_ID_SIZE, "%.18s", text);
	}
	if (r->op == INGEST_INSERT)
	{
		if (w.id)
		{
			sim_error_set(err, "INVALID_FIELD_FOR_INSERT_UPDATE",
						  "cannot specify Id in an insert call");
			return sim_error_field(err, "Id");
		}
		*created = true;
		return sim_insert(t, &w, id, err);
	}
	if (r->op == INGEST_UPSERT)
	{
		size_t len;
		const char *key = csv_in_cell(c, r->key_column, &len);

		if (sim_keys_shared(&r->keys, key, len, err))
			return false;
		return sim_upsert(t, &w, r->key, id, created, NULL, err);
	}
	if (r->op == INGEST_UPDATE)
	{
		if (w.id == NULL)
			return sim_error_set(err, "MISSING_ARGUMENT",
								 "Id not specified in an update call");
		return sim_update(t, &w, err);
	}
	if (w.id == NULL)
		return sim_error_set(err, "INVALID_ID_FIELD", "invalid record id");
	if (!sim_id_normalise(given, given_len, id))
		return sim_error_set(err, "MALFORMED_ID", "bad id %s", text);
	if (sim_object_by_prefix(id) != r->object)
		return sim_error_set(err, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
	return sim_delete(t, id, r->op == INGEST_HARD_DELETE, err);
}

/* A text that is not of its field's type is the reader's error, which names the column. */
static void
name_column(const ingest_run *r, const csv_in *c, sim_error *err)
{
	for (int i = 0; i < r->ncolumns; i++)
		if (sim_in_csv_unread(r->in[i].field, err))
		{
			size_t len;
			const char *text = csv_in_cell(c, i, &len);

			sim_in_csv_error(r->in[i].field, i, text, len, err);
			return;
		}
}

/* ---------------------------------------------------------------- chunks */

/* Does the job go on?  Waits where a fault holds it. */
static bool
may_go_on(ingest_run *r, int64_t rows)
{
	srv_jobs *jobs = r->s->jobs;
	bool go;

	for (;;)
	{
		bool wait;

		pthread_mutex_lock(&jobs->lock);
		go = !r->j->cancel && !jobs->stop;
		wait = go && r->j->orders.hold_after >= 0 && rows >= r->j->orders.hold_after &&
			   !gate_is_open(r->j->orders.gate);
		pthread_mutex_unlock(&jobs->lock);
		if (!wait)
			return go;
		gate_pause(r->j->orders.gate, 20);
	}
}

/* Rows of the present chunk: never across a place where something was ordered to happen. */
static int64_t
chunk_size(const ingest_run *r, int64_t row)
{
	const job_orders *o = &r->j->orders;
	int64_t n = r->opt.chunk_rows;

	if (o->hold_after > row && o->hold_after - row < n)
		n = o->hold_after - row;
	return n < r->stop - row ? n : r->stop - row;
}

static void
account(ingest_run *r, int64_t rows, int64_t failed, int64_t ms)
{
	pthread_mutex_lock(&r->s->jobs->lock);
	r->j->processed += rows;
	r->j->failed += failed;
	r->j->next_row += rows;
	r->j->active_ms += ms;
	r->j->changed = sim_clock_now();
	pthread_mutex_unlock(&r->s->jobs->lock);
	log_wake(r->s);
}

/* Which external ids do several of the n rows from this offset on share? */
static void
find_keys(ingest_run *r, int64_t offset, int64_t n)
{
	csv_in *c;
	sim_error err;

	sim_keys_free(&r->keys);

	/* ids have a case of their own, and rows without one are new */
	if (r->op != INGEST_UPSERT || r->key_column < 0 || sim_field_type(r->key) == SIM_T_ID)
		return;
	r->keys.field = r->key;
	c = ingest_reader(r, offset);
	for (int64_t i = 0; c && i < n && csv_in_next(c, &err) > 0; i++)
	{
		size_t len;
		const char *text = csv_in_cell(c, r->key_column, &len);

		if (len != 4 || memcmp(text, "#N/A", 4) != 0)
			sim_keys_add(&r->keys, text, len);
	}
	csv_in_free(c);
	sim_keys_done(&r->keys);
}

/* Read, write and commit up to n rows; how many, or -1 and r->err. */
static int64_t
run_chunk(ingest_run *r, csv_in *c, int64_t row, int64_t n)
{
	int64_t began = srv_mono_ms();
	sim_error err = {0};
	sim_txn *t = sim_txn_begin(r->s->org, &r->j->write, &err);
	int64_t done = 0;
	int64_t failed = 0;

	if (t == NULL)
	{
		fail_batch(r, "InternalServerError", err.message);
		return -1;
	}
	ingest_files_mark(r);
	find_keys(r, csv_in_offset(c), n);
	for (; done < n; done++)
	{
		char id[SIM_ID_SIZE] = "";
		bool created = false;
		bool ok;

		if (csv_in_next(c, &err) <= 0)
			break;
		memset(&err, 0, sizeof(err));
		ok = !ordered_error(r, row + done + 1, &err);
		if (ok && !write_row(r, t, c, id, &created, &err))
		{
			name_column(r, c, &err);
			ok = false;
		}
		if (ok)
			ingest_success_row(r, c, id, created);
		else
		{
			failed++;
			ingest_failed_row(r, c, id, &err);
		}
	}
	if (!sim_txn_commit(t, &err))
	{
		ingest_files_rollback(r);
		fail_batch(r, "InternalServerError", err.message);
		return -1;
	}
	account(r, done, failed, srv_mono_ms() - began);
	return done;
}

/* ---------------------------------------------------------------- batches */

static void
run_batches(ingest_run *r)
{
	const job_orders *o = &r->j->orders;
	csv_in *c = NULL;
	int64_t row = 0;

	r->stop = r->end;
	if (o->unprocessed_from > 0 && o->unprocessed_from - 1 < r->stop)
		r->stop = o->unprocessed_from - 1;
	if (o->fail_after >= 0 && o->fail_after * r->opt.batch_rows < r->stop)
		r->stop = o->fail_after * r->opt.batch_rows;
	if (o->quota_after >= 0 && o->quota_after < r->stop)
	{
		r->stop = o->quota_after;
		fail_batch(r, "ExceededQuota", "ApiBatchItems Limit exceeded.");
	}
	while (row < r->stop && may_go_on(r, row))
	{
		int64_t n = chunk_size(r, row);
		int64_t to_end = r->opt.batch_rows - row % r->opt.batch_rows;

		if (row % r->opt.batch_rows == 0)
		{
			if (!srv_limits_use(r->s, LIMIT_BULK_BATCHES, 1))
			{
				fail_batch(r, "ExceededQuota", "ApiBatchItems Limit exceeded.");
				break;
			}
			csv_in_free(c);
			c = ingest_reader(r, r->batches[row / r->opt.batch_rows].offset);
			if (c == NULL)
			{
				fail_batch(r, "InternalServerError", "out of memory");
				break;
			}
		}
		n = run_chunk(r, c, row, n < to_end ? n : to_end);
		if (n <= 0)
			break;
		row += n;
	}

	/* where a fault holds the job behind its last row */
	may_go_on(r, row);
	csv_in_free(c);
}

/* ---------------------------------------------------------------- the thread */

static void
prepare(ingest_run *r)
{
	static const char *const names[] = {"insert", "update", "upsert", "delete", "hardDelete"};
	char path[400];

	for (int i = 0; i < 5; i++)
		if (strcmp(names[i], r->j->operation) == 0)
			r->op = (ingest_op) i;
	r->deletes = r->op == INGEST_DELETE || r->op == INGEST_HARD_DELETE;
	r->object = sim_object_find(r->j->object);
	r->opt = srv_options_get(r->s);
	if (r->op == INGEST_UPSERT)
		r->key = sim_field_find(r->object, r->j->external_id);
	ingest_path(r->j, "upload", false, path);
	r->fd = open(path, O_RDONLY | O_CLOEXEC);
}

static void *
run_thread(void *arg)
{
	ingest_run *r = arg;
	srv *s = r->s;
	job *j = r->j;

	prepare(r);
	if (r->object == NULL)
		fail_batch(r, "InvalidBatch", "The object is not there any longer");
	else if (r->fd >= 0 && survey(r))
	{
		if (ingest_files_open(r))
			run_batches(r);
		else
			fail_batch(r, "InternalServerError", "Could not write the results");
	}
	if (!ingest_files_close(r))
		fail_batch(r, "InternalServerError", "Could not write the results");
	if (r->fd >= 0)
		close(r->fd);
	pthread_mutex_lock(&s->jobs->lock);
	if (r->err.message[0] && j->err.message[0] == '\0')
		j->err = r->err;
	j->running = false;
	j->finished = true;
	s->jobs->running--;
	job_advance(s, j);
	pthread_cond_broadcast(&s->jobs->changed);
	pthread_cond_broadcast(&s->jobs->work);
	pthread_mutex_unlock(&s->jobs->lock);
	ingest_run_free(r);
	log_wake(s);
	job_unref(s, j);
	return NULL;
}

void
ingest_run_free(ingest_run *r)
{
	free(r->in);
	free(r->cells);
	free(r->batches);
	free(r->order);
	sim_keys_free(&r->keys);
	sim_buf_free(&r->text);
	free(r);
}

bool
ingest_start(srv *s, job *j)
{
	ingest_run *r;
	pthread_attr_t attr;
	pthread_t thread;

	if (s->jobs->running >= MAX_RUNNING || s->jobs->stop)
		return false;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return false;
	r->s = s;
	r->j = j;
	r->fd = -1;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	job_ref(j);
	j->running = true;
	s->jobs->running++;
	if (pthread_create(&thread, &attr, run_thread, r) == 0)
	{
		pthread_attr_destroy(&attr);
		return true;
	}
	pthread_attr_destroy(&attr);
	j->refs--;
	j->running = false;
	s->jobs->running--;
	free(r);
	return false;
}
