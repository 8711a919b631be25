/*
 * pages.c
 *		Result pages, rendered once to disk, plain and gzip.
 *
 * One thread per rendering reads the rows and writes CSV text; a pool of
 * threads compresses and stores the pages.  A rendering is found again by its
 * query, page size and the engine's data version, so that the second job over
 * the same query costs nothing and the simulator never limits a benchmark:
 * serving is opening a file.  What a client asks for in other sizes (a smaller
 * maxRecords) is cut from the plain files and kept the same way.
 *
 * Locks: the table's lock guards the list, refs, busy and the byte counts; a
 * rendering's own lock guards its state and pages.  The table's is taken
 * first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "pages_int.h"

/* A page below this is compressed where it is rendered. */
#define INLINE_BYTES (128 * 1024)

/* Pages that may wait for a compressing thread: bounds memory, not speed. */
#define QUEUE_PAGES 3

#define MAX_WORKERS 8

/* Unused renderings kept, however small: each is a directory. */
#define MAX_RENDERINGS 500

typedef struct task
{
	srv_render *r;
	int index;
	sim_buf text;
	struct task *next;
} task;

struct srv_pages
{
	srv *s;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* a rendering thread ended */
	srv_render *list;
	int64_t bytes;
	int busy;
	int64_t next_dir;

	pthread_mutex_t queue_lock;
	pthread_cond_t queue_changed;
	task *first;
	task **last;
	int queued;
	bool stop;
	pthread_t workers[MAX_WORKERS];
	int nworkers;
};

/* ---------------------------------------------------------------- files */

static bool
write_file(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0;

	while (ok && len > 0)
	{
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			ok = false;
		else
		{
			data += n;
			len -= (size_t) n;
		}
	}
	if (fd >= 0 && close(fd) != 0)
		ok = false;
	return ok;
}

void
page_path(const srv_render *r, const page *p, bool gz, char *out, size_t size)
{
	snprintf(out, size, "%s/%c%lld-%lld.csv%s", r->dir, p->starts ? 'p' : 'c',
			 (long long) p->first, (long long) p->rows, gz ? ".gz" : "");
}

/* Store one page, both ways. */
bool
page_store(srv_render *r, const page *p, const sim_buf *text)
{
	srv_pages *t = r->s->pages;
	sim_buf gz = {0};
	char path[384];
	char path_gz[384];
	bool ok;

	page_path(r, p, false, path, sizeof(path));
	page_path(r, p, true, path_gz, sizeof(path_gz));
	ok = !text->failed && srv_gzip(text->data, text->len, r->gzip_level, &gz) &&
		 write_file(path, text->data, text->len) && write_file(path_gz, gz.data, gz.len);
	pthread_mutex_lock(&t->lock);
	r->bytes += (int64_t) (text->len + gz.len);
	if (p->starts)
		r->plain += (int64_t) text->len;
	t->bytes += (int64_t) (text->len + gz.len);
	pthread_mutex_unlock(&t->lock);
	sim_buf_free(&gz);
	return ok;
}

/* ---------------------------------------------------------------- compressing threads */

/* Own lock held. */
static void
settle(srv_render *r)
{
	if (r->state == RENDER_RUNNING && r->read_all && r->pending == 0)
		r->state = RENDER_DONE;
	pthread_cond_broadcast(&r->changed);
}

/* Own lock held. */
static void
fail(srv_render *r, const char *code, const char *message)
{
	if (r->state == RENDER_RUNNING)
	{
		sim_error_set(&r->err, code, "%s", message);
		r->state = RENDER_FAILED;
	}
}

static void
run_task(srv_render *r, int index, sim_buf *text)
{
	page p;
	bool ok;
	bool cancel;

	pthread_mutex_lock(&r->lock);
	p = r->pages[index];
	cancel = r->cancel;
	pthread_mutex_unlock(&r->lock);
	ok = cancel || page_store(r, &p, text);
	sim_buf_free(text);
	pthread_mutex_lock(&r->lock);
	if (!ok)
		fail(r, "UNKNOWN_EXCEPTION", "could not write a result page");
	r->pending--;
	settle(r);
	pthread_mutex_unlock(&r->lock);
}

static void *
worker(void *arg)
{
	srv_pages *t = arg;

	pthread_mutex_lock(&t->queue_lock);
	for (;;)
	{
		task *k = t->first;

		if (k == NULL)
		{
			if (t->stop)
				break;
			pthread_cond_wait(&t->queue_changed, &t->queue_lock);
			continue;
		}
		t->first = k->next;
		if (t->first == NULL)
			t->last = &t->first;
		t->queued--;
		pthread_cond_broadcast(&t->queue_changed);
		pthread_mutex_unlock(&t->queue_lock);
		run_task(k->r, k->index, &k->text);
		free(k);
		pthread_mutex_lock(&t->queue_lock);
	}
	pthread_mutex_unlock(&t->queue_lock);
	return NULL;
}

/* Hand a finished page on; takes the text over. */
static void
submit(srv_render *r, int index, sim_buf *text)
{
	srv_pages *t = r->s->pages;
	task *k = text->len < INLINE_BYTES ? NULL : calloc(1, sizeof(*k));

	if (k == NULL)
	{
		run_task(r, index, text);
		return;
	}
	k->r = r;
	k->index = index;
	k->text = *text;
	memset(text, 0, sizeof(*text));
	pthread_mutex_lock(&t->queue_lock);
	while (t->queued >= QUEUE_PAGES)
		pthread_cond_wait(&t->queue_changed, &t->queue_lock);
	*t->last = k;
	t->last = &k->next;
	t->queued++;
	pthread_cond_broadcast(&t->queue_changed);
	pthread_mutex_unlock(&t->queue_lock);
}

/* ---------------------------------------------------------------- reading rows */

/*
 * Another order of the rows in one page: nothing promises an order, so a test
 * can see whether a client relies on one.  Deterministic: re-reads are equal.
 */
static void
shuffle_rows(page *p, sim_buf *text)
{
	uint32_t seed = (uint32_t) p->first * 2654435761u + 12345u;
	uint32_t n = (uint32_t) p->rows;
	uint32_t *order = malloc(sizeof(uint32_t) * (n ? n : 1));
	char *copy = malloc(text->len + 1);
	uint32_t *starts = malloc(sizeof(uint32_t) * (n + 1));
	size_t at = p->starts[0];

	if (order && copy && starts)
	{
		for (uint32_t i = 0; i < n; i++)
			order[i] = i;
		for (uint32_t i = n; i > 1; i--)
		{
			uint32_t j, tmp = order[i - 1];

			seed = seed * 1664525u + 1013904223u;
			j = (uint32_t) (((uint64_t) seed * i) >> 32);
			order[i - 1] = order[j];
			order[j] = tmp;
		}
		memcpy(copy, text->data, text->len);
		for (uint32_t i = 0; i < n; i++)
		{
			size_t len = p->starts[order[i] + 1] - p->starts[order[i]];

			starts[i] = (uint32_t) at;
			memcpy(text->data + at, copy + p->starts[order[i]], len);
			at += len;
		}
		starts[n] = (uint32_t) at;
		memcpy(p->starts, starts, sizeof(uint32_t) * (n + 1));
	}
	free(order);
	free(copy);
	free(starts);
}

/* Append a page to the list and count it as pending; its index, or -1. */
static int
add_page(srv_render *r, const page *p)
{
	int index = -1;

	pthread_mutex_lock(&r->lock);
	if (r->npages == r->space)
	{
		int space = r->space ? 2 * r->space : 16;
		page *bigger = realloc(r->pages, (size_t) space * sizeof(*bigger));

		if (bigger)
		{
			r->pages = bigger;
			r->space = space;
		}
	}
	if (r->npages < r->space)
	{
		index = r->npages++;
		r->pages[index] = *p;
		r->rows += p->rows;
		r->pending++;
	}
	else
		fail(r, "UNKNOWN_EXCEPTION", "out of memory");
	pthread_mutex_unlock(&r->lock);
	return index;
}

static bool
cancelled(srv_render *r)
{
	bool stop;

	pthread_mutex_lock(&r->lock);
	stop = r->cancel || r->state != RENDER_RUNNING;
	pthread_mutex_unlock(&r->lock);
	return stop;
}

/* Render one page.  1: there may be more, 0: that was the last, -1: *err. */
static int
read_page(srv_render *r, sim_query *q, const char *eol, sim_error *err)
{
	page p = {0};
	sim_buf text = {0};
	int rc = 1;
	int index;

	p.first = r->rows;
	p.starts = malloc(sizeof(uint32_t) * ((size_t) r->page_rows + 1));
	if (p.starts == NULL)
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
		return -1;
	}
	sim_buf_add(&text, r->header.data, r->header.len);
	while (p.rows < r->page_rows && (rc = sim_query_step(q, err)) > 0)
	{
		p.starts[p.rows++] = (uint32_t) text.len;
		sim_query_row_csv(q, r->delim, eol, &text);
	}
	p.starts[p.rows] = (uint32_t) text.len;

	/* a result that ends on a page boundary has no empty page behind it */
	if (rc < 0 || (p.rows == 0 && p.first > 0))
	{
		free(p.starts);
		sim_buf_free(&text);
		return rc;
	}
	if (r->shuffle && sim_query_is_chunkable(q))
		shuffle_rows(&p, &text);
	index = add_page(r, &p);
	if (index < 0)
	{
		free(p.starts);
		sim_buf_free(&text);
		return 0;
	}
	submit(r, index, &text);
	return rc;
}

static void purge(srv_pages *t);

/* The end of a rendering's thread: nobody may wait for it any longer. */
static void
render_ended(srv_render *r)
{
	srv_pages *t = r->s->pages;

	pthread_mutex_lock(&r->lock);
	while (r->pending > 0)
		pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
	pthread_mutex_lock(&t->lock);
	r->busy = false;
	purge(t); /* r may be gone from here on */
	t->busy--;
	pthread_cond_broadcast(&t->idle);
	pthread_mutex_unlock(&t->lock);
}

static void *
render_thread(void *arg)
{
	srv_render *r = arg;
	const char *eol = r->crlf ? "\r\n" : "\n";
	sim_error err;
	int rc = -1;
	sim_query *q = sim_query_prepare(r->s->org, r->soql, r->flags, r->version, &err);

	if (q)
	{
		sim_query_header_csv(q, r->delim, eol, &r->header);
		do
			rc = read_page(r, q, eol, &err);
		while (rc > 0 && !cancelled(r));
	}
	sim_query_free(q);
	pthread_mutex_lock(&r->lock);
	if (rc < 0)
		fail(r, err.code, err.message);
	else if (r->cancel)
		fail(r, "UNKNOWN_EXCEPTION", "cancelled");
	r->read_all = true;
	settle(r);
	pthread_mutex_unlock(&r->lock);
	render_ended(r);
	return NULL;
}

/* ---------------------------------------------------------------- the table */

srv_pages *
pages_new(srv *s)
{
	srv_pages *t = calloc(1, sizeof(*t));
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (t == NULL)
		return NULL;
	t->s = s;
	t->last = &t->first;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->idle, NULL);
	pthread_mutex_init(&t->queue_lock, NULL);
	pthread_cond_init(&t->queue_changed, NULL);
	t->nworkers = cpus < 2 ? 2 : cpus > MAX_WORKERS ? MAX_WORKERS : (int) cpus;
	for (int i = 0; i < t->nworkers; i++)
		if (pthread_create(&t->workers[i], NULL, worker, t) != 0)
		{
			t->nworkers = i;
			break;
		}
	if (t->nworkers > 0)
		return t;
	free(t);
	return NULL;
}

void
render_free(srv_render *r)
{
	char path[384];

	for (int i = 0; i < r->npages + r->ncuts; i++)
	{
		const page *p = i < r->npages ? &r->pages[i] : &r->cuts[i - r->npages];

		for (int gz = 0; gz < 2; gz++)
		{
			page_path(r, p, gz, path, sizeof(path));
			unlink(path);
		}
		free(p->starts);
	}
	rmdir(r->dir);
	pthread_mutex_destroy(&r->lock);
	pthread_mutex_destroy(&r->cut_lock);
	pthread_cond_destroy(&r->changed);
	sim_buf_free(&r->header);
	free(r->pages);
	free(r->cuts);
	free(r->key);
	free(r->soql);
	free(r->version);
	free(r->reads);
	free(r);
}

/* Table's lock held: unlink one entry and free it. */
static void
remove_entry(srv_pages *t, srv_render *r)
{
	srv_render **p = &t->list;

	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
	t->bytes -= r->bytes;
	render_free(r);
}

/* Has a row changed, or the clock been moved, since?  Nobody can find it again then. */
static bool
outdated(const srv_render *r)
{
	if (r->is_volatile && r->clock_epoch != sim_clock_epoch())
		return true;
	for (int i = 0; i < r->nreads; i++)
		if (sim_org_object_version(r->s->org, r->reads[i].object) != r->reads[i].version)
			return true;
	return false;
}

/*
 * Table's lock held: drop what nobody uses and nobody can find again, and the
 * longest unused of the rest until the budget is kept.
 */
static void
purge(srv_pages *t)
{
	int64_t budget = srv_options_get(t->s).cache_mb * 1024 * 1024;

	for (;;)
	{
		srv_render *victim = NULL;
		int count = 0;

		for (srv_render *r = t->list; r; r = r->next)
			count++;
		for (srv_render *r = t->list; r; r = r->next)
		{
			bool over = t->bytes > budget || count > MAX_RENDERINGS;
			bool useless;

			if (r->refs > 0 || r->busy)
				continue;
			pthread_mutex_lock(&r->lock);
			useless = r->state != RENDER_DONE || outdated(r);
			pthread_mutex_unlock(&r->lock);
			if (useless)
			{
				victim = r;
				break;
			}
			if (over && (victim == NULL || r->used < victim->used))
				victim = r;
		}
		if (victim == NULL)
			return;
		remove_entry(t, victim);
	}
}

void
pages_free(srv_pages *t)
{
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	for (srv_render *r = t->list; r; r = r->next)
	{
		pthread_mutex_lock(&r->lock);
		r->cancel = true;
		pthread_mutex_unlock(&r->lock);
	}
	while (t->busy > 0)
		pthread_cond_wait(&t->idle, &t->lock);
	while (t->list)
		remove_entry(t, t->list);
	pthread_mutex_unlock(&t->lock);
	pthread_mutex_lock(&t->queue_lock);
	t->stop = true;
	pthread_cond_broadcast(&t->queue_changed);
	pthread_mutex_unlock(&t->queue_lock);
	for (int i = 0; i < t->nworkers; i++)
		pthread_join(t->workers[i], NULL);
	pthread_mutex_destroy(&t->lock);
	pthread_mutex_destroy(&t->queue_lock);
	pthread_cond_destroy(&t->idle);
	pthread_cond_destroy(&t->queue_changed);
	free(t);
}

srv_render *
render_make(srv *s, const srv_render_key *key, const srv_options *opt, char *text)
{
	srv_render *r = calloc(1, sizeof(*r));

	if (r == NULL)
	{
		free(text);
		return NULL;
	}
	pthread_mutex_init(&r->lock, NULL);
	pthread_mutex_init(&r->cut_lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->s = s;
	r->key = text;
	r->soql = strdup(key->soql);
	r->version = strdup(key->version);
	r->flags = key->flags;
	r->delim = key->delim;
	r->crlf = key->crlf;
	r->shuffle = opt->shuffle;
	r->page_rows = opt->page_rows;
	r->gzip_level = opt->gzip_level;
	snprintf(r->dir, sizeof(r->dir), "%s/r%lld", s->temp_dir,
			 (long long) s->pages->next_dir++);
	if (r->soql && r->version && mkdir(r->dir, 0700) == 0)
		return r;
	render_free(r);
	return NULL;
}

/* Table's lock held: start the thread of a new entry and link it in. */
static bool
launch(srv_pages *t, srv_render *r)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool ok;

	r->refs = 1;
	r->busy = true;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	t->busy++;
	r->next = t->list;
	t->list = r;
	ok = pthread_create(&thread, &attr, render_thread, r) == 0;
	pthread_attr_destroy(&attr);
	if (!ok)
	{
		t->busy--;
		remove_entry(t, r);
	}
	return ok;
}

/* What the query reads, with the versions of now; *n gets how many.  NULL: no memory. */
static render_read *
reads_of(srv *s, const sim_query *q, int *n)
{
	int all = sim_query_reads(q, NULL, 0);
	const sim_object **objects = calloc((size_t) all + 1, sizeof(*objects));
	render_read *reads = calloc((size_t) all + 1, sizeof(*reads));

	*n = 0;
	if (objects && reads)
	{
		sim_query_reads(q, objects, all);
		for (int i = 0; i < all; i++)
			reads[i] = (render_read){objects[i], sim_org_object_version(s->org, objects[i])};
		*n = all;
	}
	else
	{
		free(reads);
		reads = NULL;
	}
	free(objects);
	return reads;
}

/* Table's lock held: one that can be used under this key; NULL: there is none. */
static srv_render *
find_render(srv_pages *t, const char *key)
{
	for (srv_render *r = t->list; r; r = r->next)
		if (strcmp(r->key, key) == 0)
		{
			bool usable;

			pthread_mutex_lock(&r->lock);
			usable = !r->cancel && r->state != RENDER_FAILED;
			pthread_mutex_unlock(&r->lock);
			if (usable)
				return r;
		}
	return NULL;
}

void
pages_lock(srv *s)
{
	pthread_mutex_lock(&s->pages->lock);
}

void
pages_unlock(srv *s)
{
	pthread_mutex_unlock(&s->pages->lock);
}

void
render_adopt(srv *s, srv_render *r)
{
	srv_pages *t = s->pages;

	r->refs = 1;
	r->state = RENDER_DONE;
	r->read_all = true;
	r->next = t->list;
	t->list = r;
	t->bytes += r->bytes;
}

srv_render *
render_get(srv *s, const srv_render_key *key, sim_error *err)
{
	srv_pages *t = s->pages;
	srv_options opt = srv_options_get(s);
	bool is_volatile = sim_query_is_volatile(key->query);
	uint64_t epoch = sim_clock_epoch();
	int nreads;
	render_read *reads = reads_of(s, key->query, &nreads);
	sim_buf text = {0};
	srv_render *r;

	for (int i = 0; i < nreads; i++)
		sim_buf_printf(&text, "%s=%llu ", sim_object_name(reads[i].object),
					   (unsigned long long) reads[i].version);
	if (is_volatile)
		sim_buf_printf(&text, "%llu %lld ", (unsigned long long) epoch,
					   (long long) (sim_clock_now() / 86400000));
	sim_buf_printf(&text, "%d %d %d %u %d %d %s", opt.page_rows, opt.gzip_level, opt.shuffle,
				   key->flags, key->delim, key->crlf, key->soql);
	if (text.failed || reads == NULL)
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
		sim_buf_free(&text);
		free(reads);
		return NULL;
	}
	pthread_mutex_lock(&t->lock);
	purge(t);
	r = find_render(t, text.data);
	if (r)
	{
		r->refs++;
		sim_buf_free(&text);
	}
	else if (t->bytes > opt.cache_mb * 1024 * 1024)
	{
		sim_error_set(err, "LIMIT_EXCEEDED",
					  "Max bulk v2 query result size stored (%lld) kb per 24 hrs has been "
					  "exceeded",
					  (long long) opt.cache_mb * 1024);
		sim_buf_free(&text);
	}
	else
	{
		r = render_make(s, key, &opt, text.data);
		if (r)
		{
			r->reads = reads;
			r->nreads = nreads;
			r->is_volatile = is_volatile;
			r->clock_epoch = epoch;
			reads = NULL;
			if (!launch(t, r))
				r = NULL;
		}
		if (r == NULL)
			sim_error_set(err, "UNKNOWN_EXCEPTION", "could not start a rendering");
	}
	pthread_mutex_unlock(&t->lock);
	free(reads);
	return r;
}

void
render_release(srv_render *r)
{
	srv_pages *t;

	if (r == NULL)
		return;
	t = r->s->pages;
	pthread_mutex_lock(&t->lock);
	r->used = srv_mono_ms();
	if (--r->refs == 0)
	{
		/* nobody waits for the rest of it */
		pthread_mutex_lock(&r->lock);
		if (r->state == RENDER_RUNNING)
			r->cancel = true;
		pthread_mutex_unlock(&r->lock);
		purge(t);
	}
	pthread_mutex_unlock(&t->lock);
}

srv_render *
render_ref(srv_render *r)
{
	srv_pages *t = r->s->pages;

	pthread_mutex_lock(&t->lock);
	r->refs++;
	pthread_mutex_unlock(&t->lock);
	return r;
}

render_state
render_poll(srv_render *r, int wait_ms, sim_error *err)
{
	render_state state;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += (long) (wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000)
	{
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&r->lock);
	while (wait_ms > 0 && r->state == RENDER_RUNNING)
		if (pthread_cond_timedwait(&r->changed, &r->lock, &until) != 0)
			break;
	state = r->state;
	if (state == RENDER_FAILED && err)
		*err = r->err;
	pthread_mutex_unlock(&r->lock);
	return state;
}

int64_t
render_rows(const srv_render *r)
{
	return r->rows;
}

int64_t
render_bytes(const srv_render *r)
{
	int64_t n;

	pthread_mutex_lock(&r->s->pages->lock);
	n = r->plain;
	pthread_mutex_unlock(&r->s->pages->lock);
	return n;
}

void
pages_json(srv *s, sim_buf *out)
{
	srv_pages *t = s->pages;
	int n = 0, used = 0;

	pthread_mutex_lock(&t->lock);
	for (srv_render *r = t->list; r; r = r->next)
	{
		n++;
		used += r->refs > 0;
	}
	sim_buf_printf(out, "{\"renderings\":%d,\"used\":%d,\"running\":%d,\"bytes\":%lld}", n,
				   used, t->busy, (long long) t->bytes);
	pthread_mutex_unlock(&t->lock);
}
