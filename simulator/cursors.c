/*
 * cursors.c
 *		REST queries and their locators.
 *
 * A query whose result fits one answer leaves nothing behind.  A longer one
 * keeps its engine cursor and reads on only as far as pages are asked for;
 * what was read goes to a spool file, so that a page can be asked for again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "server.h"

typedef struct cursor
{
	char id[SIM_ID_SIZE]; /* 01g… */
	pthread_mutex_t lock; /* one page at a time */
	int refs;			  /* the table's and the handlers'; guarded by the table */
	sim_query *query;	  /* NULL once all rows are in the spool */
	int64_t total;
	int batch;
	int spool;		  /* descriptor of an unlinked file */
	int64_t *offsets; /* rows + 1 of them: where each spooled record starts */
	int64_t rows;
	int64_t space;
	struct cursor *next;
} cursor;

struct srv_cursors
{
	pthread_mutex_t lock;
	cursor *list; /* newest first */
	int count;
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
	if (c->spool >= 0)
		close(c->spool);
	pthread_mutex_destroy(&c->lock);
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

/* Take everything behind the first keep cursors out of the table. */
static int
drop_behind(srv_cursors *t, int keep)
{
	cursor *gone;
	cursor **p;
	int n = 0;

	pthread_mutex_lock(&t->lock);
	for (p = &t->list; *p && n < keep; p = &(*p)->next)
		n++;
	gone = *p;
	*p = NULL;
	t->count = n;
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
	drop_behind(c, 0);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

int
cursors_drop_all(srv *s)
{
	return drop_behind(s->cursors, 0);
}

/* A cursor that owns the query from now on; NULL when out of memory or descriptors. */
static cursor *
cursor_new(srv *s, sim_query *q, int64_t total, int batch)
{
	srv_cursors *t = s->cursors;
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
	pthread_mutex_lock(&t->lock);
	sim_id_make("01g", t->next_number++, c->id);
	c->next = t->list;
	t->list = c;
	t->count++;
	pthread_mutex_unlock(&t->lock);
	drop_behind(t, srv_options_get(s).max_cursors);
	return c;
}

static cursor *
cursor_find(srv_cursors *t, const char *id)
{
	cursor *c;

	pthread_mutex_lock(&t->lock);
	for (c = t->list; c; c = c->next)
		if (strcmp(c->id, id) == 0)
			break;
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

/* Read on until the spool holds upto rows, or all there are. */
static bool
spool_upto(cursor *c, int64_t upto, sim_error *err)
{
	sim_buf b = {0};
	int64_t base = c->offsets[c->rows];
	bool ok = grow_offsets(c, upto);

	if (!ok)
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	while (ok && c->query && c->rows < upto)
	{
		int rc = sim_query_step(c->query, err);

		if (rc < 0)
			ok = false;
		if (rc == 0)
		{
			sim_query_free(c->query);
			c->query = NULL;
		}
		if (rc <= 0)
			break;
		sim_query_row_json(c->query, &b);
		c->offsets[++c->rows] = base + (int64_t) b.len;
	}
	if (b.failed || !write_all(c->spool, b.data, b.len, base))
		ok = sim_error_set(err, "UNKNOWN_EXCEPTION", "could not write the query spool");
	sim_buf_free(&b);
	return ok;
}

/* Records [first, first + n) with commas between them. */
static bool
add_records(cursor *c, int64_t first, int64_t n, sim_buf *out)
{
	size_t size = (size_t) (c->offsets[first + n] - c->offsets[first]);
	char *all = malloc(size + 1);
	size_t got = 0;

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

/* A result that one answer holds. */
static void
answer_all(srv_request *req, sim_query *q, int64_t total)
{
	sim_buf *b = srv_json(req, 200);
	sim_error err;
	int rc;
	bool first = true;

	sim_buf_printf(b, "{\"totalSize\":%lld,\"done\":true,\"records\":[", (long long) total);
	if (!sim_query_is_count(q))
	{
		while ((rc = sim_query_step(q, &err)) > 0)
		{
			if (!first)
				sim_buf_char(b, ',');
			first = false;
			sim_query_row_json(q, b);
		}
		if (rc < 0)
		{
			srv_engine_error(req, &err);
			return;
		}
	}
	sim_buf_str(b, "]}");
}

/* Rows per answer: batchSize of Sforce-Query-Options, fewer when two columns are long. */
static int
batch_size(srv_request *req, const sim_query *q)
{
	const char *h = srv_header_get(req, "Sforce-Query-Options");
	const char *p = h ? strstr(h, "batchSize=") : NULL;
	int n = srv_options_get(req->srv).query_rows;
	int wide = 0;

	if (p)
	{
		n = atoi(p + 10);
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

/* ?explain=: cardinalities are real, the cost is a rule of thumb. */
static void
explain(srv_request *req, const char *soql, unsigned flags)
{
	srv *s = req->srv;
	sim_error err;
	sim_query *q = sim_query_prepare(s->org, soql, flags, req->version, &err);
	const char *name;
	int64_t all, total;
	sim_buf *b;

	if (q == NULL)
	{
		srv_engine_error(req, &err);
		return;
	}
	total = sim_query_total(q, &err);
	if (total < 0)
		srv_engine_error(req, &err);
	else
	{
		name = sim_object_name(sim_query_object(q));
		all = sim_org_row_count(s->org, sim_query_object(q));
		b = srv_json(req, 200);
		sim_buf_str(b, "{\"plans\":[");
		for (int i = 0; i < 2; i++)
			sim_buf_printf(b,
						   "%s{\"cardinality\":%lld,\"fields\":[],\"leadingOperationType\":"
						   "\"%s\",\"notes\":[{\"description\":\"Not considering filter for "
						   "optimization because unindexed\",\"fields\":[\"IsDeleted\"],"
						   "\"tableEnumOrId\":\"%s\"}],\"relativeCost\":%.3f,"
						   "\"sobjectCardinality\":%lld,\"sobjectType\":\"%s\"}",
						   i ? "," : "", (long long) total, i ? "TableScan" : "Other", name,
						   (i ? 1.5 : 0.5) * ((double) total + 1) / ((double) all + 1) + 0.01,
						   (long long) all, name);
		sim_buf_str(b, "],\"sourceQuery\":");
		sim_json_string(b, soql, strlen(soql));
		sim_buf_char(b, '}');
	}
	sim_query_free(q);
}

void
rest_query(srv_request *req)
{
	srv *s = req->srv;
	unsigned flags =
		SIM_QUERY_REST | (strcasecmp(req->segs[3], "queryAll") == 0 ? SIM_QUERY_ALL : 0);
	char *soql = srv_param(req->query, "explain", NULL);
	sim_error err;
	sim_query *q;
	int64_t total;
	int batch;

	if (soql)
	{
		explain(req, soql, flags);
		free(soql);
		return;
	}
	soql = srv_param(req->query, "q", NULL);
	if (soql == NULL || *soql == '\0')
	{
		srv_error(req, 400, "MALFORMED_QUERY", "A query string has to be specified");
		free(soql);
		return;
	}
	q = sim_query_prepare(s->org, soql, flags, req->version, &err);
	free(soql);
	if (q == NULL || (total = sim_query_total(q, &err)) < 0)
	{
		srv_engine_error(req, &err);
		sim_query_free(q);
		return;
	}
	batch = batch_size(req, q);
	if (total > batch && !sim_query_is_count(q) && !sim_query_is_aggregate(q))
	{
		cursor *c = cursor_new(s, q, total, batch);

		if (c && req->txn)
		{
			/* the query must not outlive the transaction that it reads in */
			pthread_mutex_lock(&c->lock);
			spool_upto(c, total + 1, &err);
			sim_query_free(c->query);
			c->query = NULL;
			pthread_mutex_unlock(&c->lock);
		}
		if (c)
		{
			answer_page(req, c, 0, batch);
			cursor_unref(s->cursors, c);
			return;
		}
		srv_error(req, 500, "UNKNOWN_EXCEPTION", "An unexpected error occurred");
	}
	else
		answer_all(req, q, total);
	sim_query_free(q);
}

void
rest_query_more(srv_request *req)
{
	srv_cursors *t = req->srv->cursors;
	const char *locator = req->segs[4];
	const char *dash = strchr(locator, '-');
	size_t idlen = dash ? (size_t) (dash - locator) : strlen(locator);
	char id[SIM_ID_SIZE] = "";
	char *end = NULL;
	int64_t first = dash ? strtoll(dash + 1, &end, 10) : 0;
	cursor *c = NULL;

	if ((dash == NULL || (end > dash + 1 && *end == '\0')) &&
		sim_id_normalise(locator, idlen, id))
		c = cursor_find(t, id);
	if (c && first >= 0 && first < c->total)
	{
		answer_page(req, c, first, c->batch);
	}
	else
		srv_error(req, 400, "INVALID_QUERY_LOCATOR", "invalid query locator");
	if (c)
		cursor_unref(t, c);
}
