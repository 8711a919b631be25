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
#include "server.h"

/* A page below this is compressed where it is rendered. */
#define INLINE_BYTES (128 * 1024)

/* Pages that may wait for a compressing thread: bounds memory, not speed. */
#define QUEUE_PAGES 3

#define MAX_WORKERS 8

/* Unused renderings kept, however small: each is a directory. */
#define MAX_RENDERINGS 500

typedef struct page
{
	int64_t first;
	int64_t rows;
	uint32_t *starts; /* rows + 1 offsets in the plain file; NULL for cut pages */
} page;

struct srv_render
{
	srv *s;
	char *key; /* what makes two renderings the same */
	char *soql;
	char *version;
	unsigned flags;
	char delim;
	bool crlf;
	bool shuffle;
	int page_rows;
	int gzip_level;
	uint64_t data_version;
	char dir[256];

	/* guarded by the table's lock */
	int refs;
	bool busy; /* its thread runs */
	int64_t bytes;
	int64_t plain; /* of those, in plain files of base pages */
	int64_t used;  /* monotonic ms of the last release */
	srv_render *next;

	/* guarded by the own lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	render_state state;
	sim_error err;
	bool cancel;
	bool read_all;
	int pending; /* pages on their way to disk */
	int64_t rows;
	page *pages; /* of page_rows rows each, the last one shorter */
	int npages;
	int space;
	sim_buf header;

	pthread_mutex_t cut_lock; /* one cut page is made at a time */
	page *cuts;
	int ncuts;
};

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

static void
page_path(const srv_render *r, const page *p, bool gz, char *out, size_t size)
{
	snprintf(out, size, "%s/%c%lld-%lld.csv%s", r->dir, p->starts ? 'p' : 'c',
			 (long long) p->first, (long long) p->rows, gz ? ".gz" : "");
}

/* Store one page, both ways. */
static bool
store_page(srv_render *r, const page *p, const sim_buf *text)
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
	ok = cancel || store_page(r, &p, text);
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

static void
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

/*
 * Table's lock held: drop what nobody uses and nobody can find again, and the
 * longest unused of the rest until the budget is kept.
 */
static void
purge(srv_pages *t)
{
	int64_t budget = srv_options_get(t->s).cache_mb * 1024 * 1024;
	uint64_t version = sim_org_data_version(t->s->org);

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
			useless = r->state != RENDER_DONE || r->data_version != version;
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

static srv_render *
render_new(srv *s, const srv_render_key *key, const srv_options *opt, char *text)
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

srv_render *
render_get(srv *s, const srv_render_key *key, sim_error *err)
{
	srv_pages *t = s->pages;
	srv_options opt = srv_options_get(s);
	uint64_t version = sim_org_data_version(s->org);
	sim_buf text = {0};
	srv_render *r;

	/* the day belongs to the key because of TODAY and its kin */
	sim_buf_printf(&text, "%llu %lld %d %d %d %u %d %d %s", (unsigned long long) version,
				   (long long) (sim_clock_now() / 86400000), opt.page_rows, opt.gzip_level,
				   opt.shuffle, key->flags, key->delim, key->crlf, key->soql);
	if (text.failed)
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
		return NULL;
	}
	pthread_mutex_lock(&t->lock);
	purge(t);
	for (r = t->list; r; r = r->next)
		if (strcmp(r->key, text.data) == 0)
		{
			bool usable;

			pthread_mutex_lock(&r->lock);
			usable = !r->cancel && r->state != RENDER_FAILED;
			pthread_mutex_unlock(&r->lock);
			if (usable)
				break;
		}
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
		r = render_new(s, key, &opt, text.data);
		if (r)
		{
			r->data_version = version;
			if (!launch(t, r))
				r = NULL;
		}
		if (r == NULL)
			sim_error_set(err, "UNKNOWN_EXCEPTION", "could not start a rendering");
	}
	pthread_mutex_unlock(&t->lock);
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

/* ---------------------------------------------------------------- cutting pages */

/* Append rows [first, first + count) of the plain files to out. */
static bool
copy_rows(srv_render *r, int64_t first, int64_t count, sim_buf *out)
{
	while (count > 0)
	{
		const page *p = &r->pages[first / r->page_rows];
		int64_t from = first - p->first;
		int64_t n = p->rows - from < count ? p->rows - from : count;
		size_t want = p->starts[from + n] - p->starts[from];
		char *dst = sim_buf_reserve(out, want);
		char path[384];
		size_t got = 0;
		int fd;

		page_path(r, p, false, path, sizeof(path));
		fd = dst ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		while (fd >= 0 && got < want)
		{
			ssize_t k = pread(fd, dst + got, want - got, (off_t) (p->starts[from] + got));

			if (k < 0 && errno == EINTR)
				continue;
			if (k <= 0)
				break;
			got += (size_t) k;
		}
		if (fd >= 0)
			close(fd);
		if (fd < 0 || got < want)
			return false;
		out->len += want;
		first += n;
		count -= n;
	}
	return true;
}

/* Find or make the page [first, first + count) that is no base page; cut_lock held. */
static const page *
cut_page(srv_render *r, int64_t first, int64_t count)
{
	page p = {.first = first, .rows = count, .starts = NULL};
	sim_buf text = {0};
	page *bigger;
	bool ok;

	for (int i = 0; i < r->ncuts; i++)
		if (r->cuts[i].first == first && r->cuts[i].rows == count)
			return &r->cuts[i];
	sim_buf_add(&text, r->header.data, r->header.len);
	ok = copy_rows(r, first, count, &text) && store_page(r, &p, &text);
	sim_buf_free(&text);
	if (!ok || (bigger = realloc(r->cuts, sizeof(page) * (size_t) (r->ncuts + 1))) == NULL)
		return NULL;
	r->cuts = bigger;
	r->cuts[r->ncuts] = p;
	return &r->cuts[r->ncuts++];
}

bool
render_page(srv_render *r, int64_t first, int64_t count, char **plain, char **gz,
			sim_error *err)
{
	int64_t index = first / r->page_rows;
	char path[384];
	const page *p = NULL;

	/* nothing changes in a finished rendering but its cut pages */
	pthread_mutex_lock(&r->cut_lock);
	if (index < r->npages && r->pages[index].first == first && r->pages[index].rows == count)
		p = &r->pages[index];
	else if (first >= 0 && count > 0 && first + count <= r->rows)
		p = cut_page(r, first, count);
	if (p)
	{
		page_path(r, p, false, path, sizeof(path));
		*plain = strdup(path);
		page_path(r, p, true, path, sizeof(path));
		*gz = strdup(path);
	}
	pthread_mutex_unlock(&r->cut_lock);
	if (p && *plain && *gz)
		return true;
	return sim_error_set(err, "UNKNOWN_EXCEPTION", "could not read a result page");
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
