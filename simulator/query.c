/*
 * query.c
 *		Cursors: a SOQL text becomes a running SQLite statement on a connection of its own.
 */
#include "query.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- preparing */

static bool
db_error(const sim_query *q, sim_error *err)
{
	return sim_error_set(err, "UNKNOWN_EXCEPTION", "simulator database: %s",
						 sqlite3_errmsg(q->db));
}

static bool
bind_all(const sim_query *q, sqlite3_stmt *st)
{
	int at = 1;

	for (const soql_bind *b = q->plan->binds; b != NULL; b = b->next, at++)
	{
		int rc;

		if (b->kind == SOQL_B_INT)
			rc = sqlite3_bind_int64(st, at, b->i);
		else if (b->kind == SOQL_B_REAL)
			rc = sqlite3_bind_double(st, at, b->d);
		else
			rc = sqlite3_bind_text(st, at, b->text, (int) b->len, SQLITE_STATIC);
		if (rc != SQLITE_OK)
			return false;
	}
	return true;
}

static sqlite3_stmt *
open_statement(const sim_query *q, const char *sql, sim_error *err)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(q->db, sql, -1, &st, NULL) == SQLITE_OK && bind_all(q, st))
		return st;
	db_error(q, err);
	sqlite3_finalize(st);
	return NULL;
}

/* The number of rows without looking at them; -1 when that is not possible. */
static int64_t
quick_total(const sim_query *q)
{
	const soql_query *tree = q->plan->tree;
	bool all = (q->plan->flags & SIM_QUERY_ALL) != 0;
	int64_t n;

	if (q->plan->has_where || tree->groups != NULL)
		return -1;
	if (q->plan->is_aggregate && !q->plan->is_count)
		n = 1;
	else if (q->plan->is_count && tree->limit >= 0)
		return -1;
	else
		n = sim_org_stored_rows(q->org, q->plan->object, all);
	if (n < 0)
		return -1;
	if (tree->offset > 0)
		n = n > tree->offset ? n - tree->offset : 0;
	return tree->limit >= 0 && n > tree->limit ? tree->limit : n;
}

/*
 * Fix the snapshot now, by reading something in a transaction.  The row counter belongs to it
 * when nothing changed meanwhile.
 */
static bool
take_snapshot(sim_query *q, sim_error *err)
{
	uint64_t before = sim_org_data_version(q->org);

	if (sqlite3_exec(q->db, "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL) !=
		SQLITE_OK)
		return db_error(q, err);
	q->total = quick_total(q);
	if (sim_org_data_version(q->org) != before)
		q->total = -1;
	return true;
}

static bool
check_groups(sim_query *q, sim_error *err)
{
	int64_t n;

	if (q->plan->tree->groups == NULL)
		return true;
	n = sim_query_total(q, err);
	if (n > SOQL_MAX_GROUPS)
		return sim_error_set(err, "EXCEEDED_ID_LIMIT",
							 "Aggregate query does not support queryMore(), use LIMIT to "
							 "restrict the results to a single batch");
	return n >= 0;
}

static bool
list_columns(sim_query *q)
{
	int n = 0;

	q->columns = soql_alloc(q->arena, sizeof(*q->columns) * ((size_t) q->plan->ncolumns + 1));
	if (q->columns == NULL)
		return false;
	for (const soql_column *c = q->plan->columns; c != NULL; c = c->next)
		q->columns[n++] = c;
	return true;
}

static bool
prepare(sim_query *q, const char *soql, unsigned flags, const char *version, sim_error *err)
{
	sim_switches sw;
	soql_query *tree;
	char *text;

	q->arena = soql_arena_new();
	if (q->arena == NULL || (text = soql_strndup(q->arena, soql, strlen(soql))) == NULL ||
		(q->version = soql_strndup(q->arena, version, strlen(version))) == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	sim_org_switches(q->org, &sw);
	tree = soql_parse(q->arena, text, err);
	if (tree == NULL)
		return false;
	q->plan = soql_compile(q->arena, tree, text, &sw, flags, err);
	if (q->plan == NULL)
		return false;
	q->plan->err = NULL; /* the caller's error struct may be gone later */
	if (!list_columns(q) || !query_build_record(q))
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	q->db = sim_org_connect(q->org, err);
	if (q->db == NULL || !take_snapshot(q, err) || !check_groups(q, err))
		return false;
	if (!q->plan->is_count)
		q->st = open_statement(q, q->plan->sql, err);
	return q->plan->is_count || q->st != NULL;
}

sim_query *
sim_query_prepare(sim_org *org, const char *soql, unsigned flags, const char *version,
				  sim_error *err)
{
	sim_error local; /* callers need not care; the compiler's messages need a place */
	sim_query *q = calloc(1, sizeof(*q));

	if (err == NULL)
		err = &local;
	if (q == NULL)
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
		return NULL;
	}
	q->org = org;
	q->total = -1;
	if (prepare(q, soql, flags, version, err))
		return q;
	sim_query_free(q);
	return NULL;
}

void
sim_query_free(sim_query *q)
{
	if (q == NULL)
		return;
	sqlite3_finalize(q->st);
	if (q->db != NULL && !sqlite3_get_autocommit(q->db))
		sqlite3_exec(q->db, "COMMIT", NULL, NULL, NULL);
	sim_org_release(q->org, q->db);
	soql_plan_free(q->plan);
	soql_arena_free(q->arena);
	free(q);
}

/* ---------------------------------------------------------------- about the query */

bool
sim_query_bulk_check(const sim_query *q, sim_error *err)
{
	const soql_plan *plan = q->plan;

	if (plan->object->flags & SO_NOBULK)
		return sim_error_set(err, "INVALIDENTITY",
							 "Entity '%s' is not supported by the Bulk API.",
							 plan->object->name);
	if (plan->is_count || plan->is_aggregate)
		return sim_error_set(err, "FEATURENOTENABLED",
							 "Aggregate Relationships not supported in Bulk Query");
	if (plan->tree->offset >= 0)
		return sim_error_set(err, "FEATURENOTENABLED", "OFFSET not supported in Bulk Query");
	for (int i = 0; i < plan->ncolumns; i++)
	{
		if (q->columns[i]->pub.kind == SIM_COMPOUND)
			return sim_error_set(err, "API_ERROR",
								 "Selecting compound data not supported in Bulk Query");
		if (q->columns[i]->pub.kind == SIM_BLOB)
			return sim_error_set(err, "FEATURENOTENABLED",
								 "Binary field %s is not supported in Bulk Query",
								 q->columns[i]->pub.path);
	}
	return true;
}

const sim_object *
sim_query_object(const sim_query *q)
{
	return q->plan->object;
}

bool
sim_query_is_count(const sim_query *q)
{
	return q->plan->is_count;
}

bool
sim_query_is_aggregate(const sim_query *q)
{
	return q->plan->is_aggregate && !q->plan->is_count;
}

bool
sim_query_is_chunkable(const sim_query *q)
{
	return q->plan->tree->orders == NULL && q->plan->tree->limit < 0;
}

int
sim_query_column_count(const sim_query *q)
{
	return q->plan->ncolumns;
}

const sim_column *
sim_query_column(const sim_query *q, int i)
{
	return &q->columns[i]->pub;
}

int64_t
sim_query_total(sim_query *q, sim_error *err)
{
	sqlite3_stmt *st;

	if (q->total >= 0)
		return q->total;
	if (q->plan->is_aggregate && q->plan->tree->groups == NULL && !q->plan->is_count)
		return q->total = 1;
	st = open_statement(q, q->plan->count_sql, err);
	if (st == NULL)
		return -1;
	if (sqlite3_step(st) == SQLITE_ROW)
		q->total = sqlite3_column_int64(st, 0);
	else
		db_error(q, err);
	sqlite3_finalize(st);
	return q->total;
}

/* ---------------------------------------------------------------- rows */

int
sim_query_step(sim_query *q, sim_error *err)
{
	int rc;

	if (q->st == NULL)
		return 0;
	rc = sqlite3_step(q->st);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	db_error(q, err);
	return -1;
}

void
sim_query_rewind(sim_query *q)
{
	if (q->st != NULL)
		sqlite3_reset(q->st);
}

void
sim_query_value(sim_query *q, int i, sim_value *out)
{
	const soql_column *c = q->columns[i];
	sqlite3_stmt *st = q->st;
	int at = c->sql_at;

	memset(out, 0, sizeof(*out));
	if (c->pub.kind == SIM_COMPOUND)
	{
		for (int p = 0; p < c->nparts; p++)
		{
			if (sqlite3_column_type(st, at + p) != SQLITE_NULL)
				out->kind = SIM_COMPOUND;
		}
		return;
	}
	if (sqlite3_column_type(st, at) == SQLITE_NULL)
		return;
	out->kind = c->pub.kind;
	switch (out->kind)
	{
		case SIM_DOUBLE:
			out->d = sqlite3_column_double(st, at);
			break;
		case SIM_TEXT:
			out->text = (const char *) sqlite3_column_text(st, at);
			out->len = (size_t) sqlite3_column_bytes(st, at);
			break;
		case SIM_BLOB:
			out->text = sqlite3_column_blob(st, at);
			out->len = (size_t) sqlite3_column_bytes(st, at);
			break;
		case SIM_ID:
			sim_id_make(c->prefix, sqlite3_column_int64(st, at), q->id);
			out->text = q->id;
			out->len = SIM_ID_LEN;
			break;
		default:
			out->i = sqlite3_column_int64(st, at);
	}
}
