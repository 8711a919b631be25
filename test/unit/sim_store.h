/*
 * sim_store.h
 *		What the tests of the store have in common: rows written as CSV-like text, and looked at by SOQL.
 */
#ifndef SIM_STORE_TEST_H
#define SIM_STORE_TEST_H

#include "tap.h"
#include "store.h"

static sim_org *org;

#define CELLS_MAX 40

/* Cells made of "Field=text" arguments; the text #N/A is null. */
typedef struct row
{
	sim_write w;
	sim_in in[CELLS_MAX];
	bool good;
	sim_error err;
} row;

static inline void
row_begin(row *r, const char *object, const char *id)
{
	memset(r, 0, sizeof(*r));
	r->w.object = sim_object_find(object);
	r->w.id = id;
	r->w.in = r->in;
	r->good = r->w.object != NULL;
}

static inline void
row_add(row *r, const char *cell)
{
	const char *eq = strchr(cell, '=');
	bool absent;
	sim_in *in = &r->in[r->w.n];

	if (!r->good || r->w.n == CELLS_MAX)
		return;
	r->good = sim_in_header(r->w.object, cell, (size_t) (eq - cell), in, &r->err);
	sim_in_csv(in, eq + 1, strlen(eq + 1), &absent);
	if (!absent)
		r->w.n++;
}

/* A row of NULL-terminated cells. */
static inline void
row_make(row *r, const char *object, const char *id, va_list cells)
{
	const char *cell;

	row_begin(r, object, id);
	while ((cell = va_arg(cells, const char *)) != NULL)
		row_add(r, cell);
}

static inline const char *
outcome(bool done, const sim_error *err)
{
	static char text[2000];
	sim_buf b = {0};

	if (done)
		return "ok";
	sim_error_bulk(err, &b);
	snprintf(text, sizeof(text), "%s", b.data == NULL ? "" : b.data);
	sim_buf_free(&b);
	return text;
}

/* One insert in a transaction of its own: "ok" or the error as bulk prints it. */
static inline const char *
put(char id[SIM_ID_SIZE], const char *object, ...)
{
	static row r;
	sim_error err = {0};
	va_list ap;
	sim_txn *t = sim_txn_begin(org, NULL, &err);
	bool done;

	va_start(ap, object);
	row_make(&r, object, NULL, ap);
	va_end(ap);
	if (t == NULL || !r.good)
	{
		sim_txn_abort(t);
		return outcome(false, t == NULL ? &err : &r.err);
	}
	done = sim_insert(t, &r.w, id, &err);
	if (done)
		done = sim_txn_commit(t, &err);
	else
		sim_txn_abort(t);
	return outcome(done, &err);
}

/* One update. */
static inline const char *
change(const char *id, const char *object, ...)
{
	static row r;
	sim_error err = {0};
	va_list ap;
	sim_txn *t = sim_txn_begin(org, NULL, &err);
	bool done;

	va_start(ap, object);
	row_make(&r, object, id, ap);
	va_end(ap);
	if (t == NULL || !r.good)
	{
		sim_txn_abort(t);
		return outcome(false, t == NULL ? &err : &r.err);
	}
	done = sim_update(t, &r.w, &err);
	if (done)
		done = sim_txn_commit(t, &err);
	else
		sim_txn_abort(t);
	return outcome(done, &err);
}

static inline const char *
drop(const char *id, bool hard)
{
	sim_error err = {0};
	sim_txn *t = sim_txn_begin(org, NULL, &err);
	bool done = t != NULL && sim_delete(t, id, hard, &err);

	if (done)
		done = sim_txn_commit(t, &err);
	else
		sim_txn_abort(t);
	return outcome(done, &err);
}

static inline const char *
revive(const char *id)
{
	sim_error err = {0};
	sim_txn *t = sim_txn_begin(org, NULL, &err);
	bool done = t != NULL && sim_undelete(t, id, &err);

	if (done)
		done = sim_txn_commit(t, &err);
	else
		sim_txn_abort(t);
	return outcome(done, &err);
}

/* The rows of a query as bulk prints them, without quotes and header, "|" between rows. */
static inline const char *__attribute__((format(printf, 2, 0)))
ask_flags(unsigned flags, const char *fmt, va_list ap)
{
	static char text[8192];
	char soql[2000];
	sim_error err = {0};
	sim_buf b = {0};
	sim_query *q;
	size_t n = 0;
	int got;

	vsnprintf(soql, sizeof(soql), fmt, ap);
	q = sim_query_prepare(org, soql, flags, "62.0", &err);
	if (q == NULL)
	{
		snprintf(text, sizeof(text), "%s: %s", err.code, err.message);
		return text;
	}
	if (sim_query_is_count(q))
	{
		snprintf(text, sizeof(text), "%lld", (long long) sim_query_total(q, &err));
		sim_query_free(q);
		return text;
	}
	while ((got = sim_query_step(q, &err)) > 0)
		sim_query_row_csv(q, ',', "|", &b);
	sim_query_free(q);
	for (size_t i = 0; i < b.len && n < sizeof(text) - 1; i++)
	{
		if (b.data[i] != '"')
			text[n++] = b.data[i];
	}
	if (n > 0 && text[n - 1] == '|')
		n--;
	text[n] = '\0';
	sim_buf_free(&b);
	return got < 0 ? err.message : text;
}

static inline const char *__attribute__((format(printf, 1, 2))) ask(const char *fmt, ...)
{
	va_list ap;
	const char *text;

	va_start(ap, fmt);
	text = ask_flags(0, fmt, ap);
	va_end(ap);
	return text;
}

static inline const char *__attribute__((format(printf, 1, 2))) ask_all(const char *fmt, ...)
{
	va_list ap;
	const char *text;

	va_start(ap, fmt);
	text = ask_flags(SIM_QUERY_ALL, fmt, ap);
	va_end(ap);
	return text;
}

/* An org with few rows. */
static inline sim_org *
small_org(void)
{
	sim_options opt;
	sim_error err;

	sim_options_init(&opt);
	for (int i = 0; i < SIM_MAX_OBJECTS; i++)
	{
		if (opt.rows[i] > 20)
			opt.rows[i] = 20;
	}
	return sim_org_open(&opt, &err);
}

#endif /* SIM_STORE_TEST_H */
