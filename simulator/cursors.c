/*
 * cursors.c
 *		REST queries and their locators.
 *
 * A query whose result fits one answer leaves nothing behind, and its rows are not counted in advance.  Of a
 * longer one the records go to a spool file, so that a page can be asked for again: all of them at once when
 * they are not many, else as far as pages are asked for, which keeps the engine cursor and its snapshot
 * open.  Rows of a subquery beyond a batch have a locator of their own, and stay in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "clock.h"
#include "server.h"

/* Locators of subqueries; a page of 2,000 parents may make as many. */
#define MAX_CHILD_CURSORS 10000

typedef struct cursor
{
	char id[SIM_ID_SIZE];	   /* 01g… */
	pthread_mutex_t lock;	   /* one page at a time */
	int refs;				   /* the table's and the handlers'; guarded by the table */
	sim_query *query;		   /* NULL once all rows are in the spool */
	struct child_pager *pager; /* of its subqueries; or NULL */
	int64_t total;
	int batch;
	int64_t born;	 /* by the org's monotonic clock */
	bool is_child;	 /* of a subquery */
	bool is_drained; /* cursors_drain() has seen to it; guarded by the table */
	int spool;		 /* descriptor of an unlinked file; -1: the records are in memory */
	sim_buf memory;
	int64_t *offsets; /* rows + 1 of them: where each spooled record starts */
	int64_t rows;
	int64_t space;
	struct cursor *next;
} cursor;

struct srv_cursors
{
	pthread_mutex_t lock;
	cursor *list;	  /* newest first */
	cursor *children; /* those of subqueries, likewise */
	int64_t next_number;
};

srv_cursors *
cursors_new(void)
{
	srv_cursors *c = calloc(1, sizeof(*c));

	if (c)
	{
		pthread_mutex_init(&c->lock, NULL);
		c->next_number = 62 * 62 * 62;
	}
	return c;
}

static void
cursor_free(cursor *c)
{
	sim_query_free(c->query);
	free(c->pager);
	if (c->spool >= 0)
		close(c->spool);
	pthread_mutex_destroy(&c->lock);
	sim_buf_free(&c->memory);
	free(c->offsets);
	free(c);
}

static void
cursor_unref(srv_cursors *t, cursor *c)
{
	bool last;

	pthread_mutex_lock(&t->lock);
	last = --c->refs == 0;
	pthread_mutex_unlock(&t->lock);
	if (last)
		cursor_free(c);
}

/* Take everything behind the first keep cursors out of a list. */
static int
drop_behind(srv_cursors *t, cursor **list, int keep)
{
	cursor *gone;
	cursor **p;
	int n = 0;

	pthread_mutex_lock(&t->lock);
	for (p = list; *p && n < keep; p = &(*p)->next)
		n++;
	gone = *p;
	*p = NULL;
	pthread_mutex_unlock(&t->lock);
	for (n = 0; gone; n++)
	{
		cursor *next = gone->next;

		cursor_unref(t, gone);
		gone = next;
	}
	return n;
}

void
cursors_free(srv_cursors *c)
{
	if (c == NULL)
		return;
	drop_behind(c, &c->list, 0);
	drop_behind(c, &c->children, 0);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

int
cursors_drop_all(srv *s)
{
	return drop_behind(s->cursors, &s->cursors->list, 0) +
		   drop_behind(s->cursors, &s->cursors->children, 0);
}

/* The oldest cursors go: those beyond the number a user may have open. */
static void
table_add(srv *s, cursor *c)
{
	srv_cursors *t = s->cursors;
	cursor **list = c->is_child ? &t->children : &t->list;

	c->born = sim_clock_mono();
	pthread_mutex_lock(&t->lock);
	sim_id_make("01g", t->next_number++, c->id);
	c->next = *list;
	*list = c;
	pthread_mutex_unlock(&t->lock);
	drop_behind(t, list, c->is_child ? MAX_CHILD_CURSORS : srv_options_get(s).max_cursors);
}

/* A cursor that owns the query from now on; NULL when out of memory or descriptors. */
static cursor *
cursor_new(srv *s, sim_query *q, int64_t total, int batch)
{
	cursor *c = calloc(1, sizeof(*c));
	char path[256];

	if (c == NULL)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	c->total = total;
	c->batch = batch;
	c->refs = 2;
	c->offsets = calloc(1, sizeof(*c->offsets));
	snprintf(path, sizeof(path), "%s/spool.XXXXXX", s->temp_dir);
	c->spool = mkostemp(path, O_CLOEXEC);
	if (c->spool < 0 || c->offsets == NULL)
	{
		cursor_free(c);
		return NULL;
	}
	unlink(path);
	c->query = q;
	return c;
}

/* What the pager of subqueries needs to know. */
typedef struct child_pager
{
	srv *srv;
	const char *version;
	int batch;
} child_pager;

/* Keep the rows of a subquery (sim_query_pager). */
static bool
page_child(void *arg, const sim_buf *rows, const int64_t *ends, int n,
		   char url[SIM_PAGE_URL_SIZE])
{
	const child_pager *p = arg;
	cursor *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return false;
	pthread_mutex_init(&c->lock, NULL);
	c->spool = -1;
	c->is_child = true;
	c->total = n;
	c->rows = n;
	c->batch = p->batch;
	c->refs = 1;
	c->offsets = calloc((size_t) n + 1, sizeof(*c->offsets));
	sim_buf_add(&c->memory, rows->data, rows->len);
	if (c->offsets == NULL || c->memory.failed)
	{
		cursor_free(c);
		return false;
	}
	memcpy(c->offsets + 1, ends, (size_t) n * sizeof(*ends));
	table_add(p->srv, c);
	/* the URL is made of the id before somebody else can drop the cursor: ids are never used again */
	snprintf(url, SIM_PAGE_URL_SIZE, "/services/data/v%s/query/%s-%d", p->version, c->id,
			 p->batch);
	return true;
}

/* A live cursor by its id, with a reference for the caller; NULL: there is none. */
static cursor *
cursor_find(srv *s, const char *id)
{
	srv_cursors *t = s->cursors;
	int64_t age = (int64_t) srv_options_get(s).cursor_minutes * 60000;
	int64_t now = sim_clock_mono();
	cursor *c = NULL;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < 2 && c == NULL; i++)
	{
		for (c = i == 0 ? t->list : t->children; c; c = c->next)
			if (strcmp(c->id, id) == 0)
				break;
	}
	if (c != NULL && now - c->born >= age)
		c = NULL;
	if (c)
		c->refs++;
	pthread_mutex_unlock(&t->lock);
	return c;
}

static bool
write_all(int fd, const char *data, size_t len, int64_t at)
{
	while (len > 0)
	{
		ssize_t n = pwrite(fd, data, len, (off_t) at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t) n;
		at += n;
	}
	return true;
}

static bool
grow_offsets(cursor *c, int64_t upto)
{
	int64_t space = c->space ? c->space : 4096;
	int64_t *bigger;

	if (upto + 1 <= c->space)
		return true;
	while (space < upto + 1)
		space *= 2;
	bigger = realloc(c->offsets, (size_t) space * sizeof(*bigger));
	if (bigger == NULL)
		return false;
	c->offsets = bigger;
	c->space = space;
	return true;
}

/* So many rows are rendered before they are written. */
#define SPOOL_ROWS 2000

/* Read on until the spool holds upto rows, or all there are; at most SPOOL_ROWS. */
static bool
spool_some(cursor *c, int64_t upto, sim_error *err)
{
	sim_buf b = {0};
	int64_t base = c->offsets[c->rows];
	bool ok;

	if (upto > c->rows + SPOOL_ROWS)
		upto = c->rows + SPOOL_ROWS;
	ok = grow_offsets(c, upto);
	if (!ok)
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	while (ok && c->query && c->rows < upto)
	{
		int rc = sim_query_step(c->query, err);

		if (rc < 0)
			ok = false;
		if (rc > 0)
		{
			sim_query_row_json(c->query, &b);
			c->offsets[++c->rows] = base + (int64_t) b.len;
		}
		if (rc == 0 || c->rows >= c->total)
		{
			sim_query_free(c->query);
			c->query = NULL;
		}
		if (rc <= 0)
			break;
	}
	if (b.failed || !write_all(c->spool, b.data, b.len, base))
		ok = sim_error_set(err, "UNKNOWN_EXCEPTION", "could not write the query spool");
	sim_buf_free(&b);
	return ok;
}

/* The same for as many as it takes. */
static bool
spool_upto(cursor *c, int64_t upto, sim_error *err)
{
	while (c->query && c->rows < upto)
	{
		if (!spool_some(c, upto, err))
			return false;
	}
	return true;
}

/* Read all there is, and give the engine cursor back. */
static bool
spool_all(cursor *c, sim_error *err)
{
	while (c->query)
	{
		if (!spool_some(c, INT64_MAX / 2, err))
			return false;
	}
	return true;
}

void
cursors_drain(srv *s)
{
	srv_cursors *t = s->cursors;
	cursor *c;

	do
	{
		pthread_mutex_lock(&t->lock);
		for (c = t->list; c; c = c->next)
		{
			if (!c->is_drained)
				break;
		}
		if (c)
		{
			c->is_drained = true;
			c->refs++;
		}
		pthread_mutex_unlock(&t->lock);
		if (c)
		{
			sim_error err;

			pthread_mutex_lock(&c->lock);
			if (!spool_all(c, &err))
			{
				/* the locator gives an error from now on, but holds no snapshot */
				sim_query_free(c->query);
				c->query = NULL;
				c->total = c->rows;
			}
			pthread_mutex_unlock(&c->lock);
			cursor_unref(t, c);
		}
	} while (c);
}

/* Records [first, first + n) with commas between them. */
static bool
add_records(cursor *c, int64_t first, int64_t n, sim_buf *out)
{
	size_t size = (size_t) (c->offsets[first + n] - c->offsets[first]);
	char *all = malloc(size + 1);
	size_t got = 0;

	if (all && c->spool < 0)
	{
		memcpy(all, c->memory.data + c->offsets[first], size);
		got = size;
	}
	while (all && got < size)
	{
		ssize_t r = pread(c->spool, all + got, size - got,
						  (off_t) (c->offsets[first] + (int64_t) got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		got += (size_t) r;
	}
	for (int64_t i = first; all && got == size && i < first + n; i++)
	{
		if (i > first)
			sim_buf_char(out, ',');
		sim_buf_add(out, all + (c->offsets[i] - c->offsets[first]),
					(size_t) (c->offsets[i + 1] - c->offsets[i]));
	}
	free(all);
	return all != NULL && got == size;
}

/* One answer of a cursor that outlives it. */
static void
answer_page(srv_request *req, cursor *c, int64_t first, int batch)
{
	sim_error err;
	sim_buf *b;
	int64_t n;

	pthread_mutex_lock(&c->lock);
	if (!spool_upto(c, first + batch, &err))
	{
		pthread_mutex_unlock(&c->lock);
		srv_engine_error(req, &err);
		return;
	}
	n = c->rows - first;
	if (n > batch)
		n = batch;
	b = srv_json(req, 200);
	sim_buf_printf(b, "{\"totalSize\":%lld,\"done\":%s,", (long long) c->total,
				   first + n >= c->total ? "true" : "false");
	if (first + n < c->total)
		sim_buf_printf(b, "\"nextRecordsUrl\":\"/services/data/v%s/query/%s-%lld\",",
					   req->version, c->id, (long long) (first + n));
	sim_buf_str(b, "\"records\":[");
	if (n < 0 || !add_records(c, first, n, b))
		srv_error(req, 500, "UNKNOWN_EXCEPTION", "An unexpected error occurred");
	else
		sim_buf_str(b, "]}");
	pthread_mutex_unlock(&c->lock);
}

/* Rows per answer: batchSize of Sforce-Query-Options, fewer when two columns are long. */
static int
batch_size(srv_request *req, const sim_query *q)
{
	const char *h = srv_header_get(req, "Sforce-Query-Options");
	const char *p = h ? strcasestr(h, "batchSize") : NULL;
	int n = srv_options_get(req->srv).query_rows;
	int wide = 0;

	if (p)
	{
		p += strlen("batchSize");
		p += strspn(p, " \t");
	}
	if (p && *p == '=' && p[1 + strspn(p + 1, " \t")] >= '0' &&
		p[1 + strspn(p + 1, " \t")] <= '9')
	{
		n = atoi(p + 1);
		if (n < 200)
			n = 200;
		if (n > 2000)
			n = 2000;
	}
	for (int i = 0; i < sim_query_column_count(q); i++)
	{
		const sim_column *col = sim_query_column(q, i);
		const char *name = col->field ? sim_field_name(col->field) : "";
		size_t len = strlen(name);

		if (col->field && sim_field_type(col->field) == SIM_T_TEXTAREA && len > 3 &&
			strcmp(name + len - 3, "__c") == 0)
			wide++;
	}
	return wide >= 2 && n > 200 ? 200 : n;
}

/* Set up the paging of subqueries; the result lives as long as the query.  NULL: no memory. */
static child_pager *
new_pager(srv_request *req, sim_query *q, int batch)
{
	child_pager *p = calloc(1, sizeof(*p) + strlen(req->version) + 1);

	if (p == NULL)
		return NULL;
	p->srv = req->srv;
	p->batch = batch;
	p->version = memcpy(p + 1, req->version, strlen(req->version) + 1);
	sim_query_set_pager(q, batch, page_child, p);
	return p;
}

/* Rows that were read before it was known whether they are all. */
typedef struct first_page
{
	sim_buf rows; /* records, one behind the other */
	int64_t *ends;
	int n;
} first_page;

/* Render up to a batch of rows, and one more when there is one.  False and an error. */
static bool
read_first(sim_query *q, int batch, first_page *page, sim_error *err)
{
	int rc = 1;

	page->ends = malloc(((size_t) batch + 1) * sizeof(*page->ends));
	while (page->ends && page->n <= batch && (rc = sim_query_step(q, err)) > 0)
	{
		sim_query_row_json(q, &page->rows);
		page->ends[page->n++] = (int64_t) page->rows.len;
	}
	if (page->ends == NULL || page->rows.failed)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	return rc >= 0;
}

/* A result that one answer holds. */
static void
answer_all(srv_request *req, int64_t total, const first_page *page)
{
	sim_buf *b = srv_json(req, 200);
	int64_t from = 0;

	sim_buf_printf(b, "{\"totalSize\":%lld,\"done\":true,\"records\":[", (long long) total);
	for (int i = 0; i < page->n; i++)
	{
		if (i > 0)
			sim_buf_char(b, ',');
		sim_buf_add(b, page->rows.data + from, (size_t) (page->ends[i] - from));
		from = page->ends[i];
	}
	sim_buf_str(b, "]}");
}

/* Put what has been read into a new cursor's spool. */
static bool
take_over(cursor *c, const first_page *page)
{
	if (!grow_offsets(c, page->n) || !write_all(c->spool, page->rows.data, page->rows.len, 0))
		return false;
	memcpy(c->offsets + 1, page->ends, (size_t) page->n * sizeof(*page->ends));
	c->rows = page->n;
	return true;
}

/* A result that it does not hold: the query and its pager are the cursor's from now on. */
static void
answer_first(srv_request *req, sim_query *q, child_pager *pager, int batch,
			 const first_page *page)
{
	srv *s = req->srv;
	sim_error err;
	int64_t total = sim_query_total(q, &err);
	cursor *c = total < 0 ? NULL : cursor_new(s, q, total, batch);
	bool ok = c != NULL;

	if (c == NULL)
	{
		sim_query_free(q);
		free(pager);
	}
	else
		c->pager = pager;
	if (total >= 0)
		sim_error_set(&err, "UNKNOWN_EXCEPTION", "An unexpected error occurred");
	/* a query must not outlive the transaction that it reads in */
	ok = ok && take_over(c, page) &&
		 ((total > srv_options_get(s).cursor_spool_rows && req->txn == NULL) ||
		  spool_all(c, &err));
	if (!ok)
	{
		srv_engine_error(req, &err);
		if (c != NULL)
			cursor_free(c);
		return;
	}
	table_add(s, c);
	answer_page(req, c, 0, batch);
	cursor_unref(s->cursors, c);
}

/* ?explain=SOQL or the id of a report or list view, of which the org has none */
static void
explain(srv_request *req, const char *soql, unsigned flags)
{
	char id[SIM_ID_SIZE];
	sim_error err;
	sim_buf plans = {0};

	if (sim_id_normalise(soql, strlen(soql), id))
	{
		if (strncmp(id, "00O", 3) == 0 || strncmp(id, "00B", 3) == 0)
			srv_not_found(req);
		else
			srv_error(req, 400, "INVALID_ID_FIELD", "invalid report or list view id: %s",
					  soql);
	}
	else if (!sim_query_explain(req->srv->org, soql, flags, req->version, &plans, &err))
		srv_engine_error(req, &err);
	else
		sim_buf_add(srv_json(req, 200), plans.data, plans.len);
	sim_buf_free(&plans);
}

static void
run_query(srv_request *req, const char *soql, unsigned flags)
{
	sim_error err;
	sim_query *q = sim_query_prepare(req->srv->org, soql, flags, req->version, &err);
	first_page page = {0};
	child_pager *pager;
	int64_t total = -1;
	int batch;

	if (q == NULL)
	{
		srv_engine_error(req, &err);
		return;
	}
	/* groups are never paged */
	batch = sim_query_is_aggregate(q) ? 2000 : batch_size(req, q);
	pager = new_pager(req, q, batch);
	if (pager == NULL)
		sim_error_set(&err, "UNKNOWN_EXCEPTION", "out of memory");
	else if (sim_query_is_count(q))
		total = sim_query_total(q, &err);
	else if (read_first(q, batch, &page, &err))
		total = page.n;
	if (page.n > batch && total >= 0)
	{
		answer_first(req, q, pager, batch, &page);
		q = NULL;
		pager = NULL;
	}
	else if (total < 0)
		srv_engine_error(req, &err);
	else
		answer_all(req, total, &page);
	sim_buf_free(&page.rows);
	free(page.ends);
	sim_query_free(q);
	free(pager);
}

/* &columns=true: what the query would answer, instead of its rows. */
static void
answer_columns(srv_request *req, const char *soql, unsigned flags)
{
	sim_error err;
	sim_query *q = sim_query_prepare(req->srv->org, soql, flags, req->version, &err);

	if (q == NULL)
		srv_engine_error(req, &err);
	else
		sim_query_columns_json(q, srv_json(req, 200));
	sim_query_free(q);
}

void
rest_query(srv_request *req)
{
	unsigned flags =
		SIM_QUERY_REST | (strcasecmp(req->segs[3], "queryAll") == 0 ? SIM_QUERY_ALL : 0);
	char *soql = srv_param(req->query, "explain", NULL);
	char *columns = srv_param(req->query, "columns", NULL);

	if (soql)
		explain(req, soql, flags);
	else
	{
		soql = srv_param(req->query, "q", NULL);
		if (soql == NULL)
			srv_error(req, 400, "MALFORMED_QUERY", "A query string has to be specified");
		else if (columns != NULL && strcasecmp(columns, "true") == 0)
			answer_columns(req, soql, flags);
		else
			run_query(req, soql, flags);
	}
	free(columns);
	free(soql);
}

void
rest_query_more(srv_request *req)
{
	srv *s = req->srv;
	const char *locator = req->segs[4];
	const char *dash = strchr(locator, '-');
	size_t idlen = dash ? (size_t) (dash - locator) : strlen(locator);
	char id[SIM_ID_SIZE] = "";
	char *end = NULL;
	int64_t first = dash ? strtoll(dash + 1, &end, 10) : 0;
	cursor *c = NULL;

	if ((dash == NULL || (end > dash + 1 && *end == '\0')) &&
		sim_id_normalise(locator, idlen, id))
		c = cursor_find(s, id);
	if (c && first >= 0 && first < c->total)
		answer_page(req, c, first, c->batch);
	else
		srv_error(req, 400, "INVALID_QUERY_LOCATOR", "invalid query locator");
	if (c)
		cursor_unref(s->cursors, c);
}
