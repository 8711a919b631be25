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

static int
bind_one(sqlite3_stmt *st, int at, const soql_bind *b, int64_t parent)
{
	switch (b->kind)
	{
		case SOQL_B_INT:
			return sqlite3_bind_int64(st, at, b->i);
		case SOQL_B_REAL:
			return sqlite3_bind_double(st, at, b->d);
		case SOQL_B_PARENT:
			return sqlite3_bind_int64(st, at, parent);
		default:
			return sqlite3_bind_text(st, at, b->text, (int) b->len, SQLITE_STATIC);
	}
}

static bool
bind_all(const soql_plan *plan, sqlite3_stmt *st, int64_t parent)
{
	int at = 1;

	for (int n = 0; n < plan->repeat; n++)
	{
		for (const soql_bind *b = plan->binds; b != NULL; b = b->next)
		{
			if (bind_one(st, at++, b, parent) != SQLITE_OK)
				return false;
		}
	}
	return true;
}

/* Statements are kept with their connection, but not among those that the store has on its own. */
static void
statement_done(const sim_query *q, sqlite3_stmt *st)
{
	if (q->inside)
		sqlite3_finalize(st);
	else
		query_statement_done(st);
}

static sqlite3_stmt *
open_statement(const sim_query *q, const char *sql, sim_error *err)
{
	sqlite3_stmt *st = query_statement(q->db, sql);

	if (st != NULL && bind_all(q->shape->plan, st, 0))
		return st;
	db_error(q, err);
	statement_done(q, st);
	return NULL;
}

/* The number of rows without looking at them; -1 when that is not possible. */
static int64_t
quick_total(const sim_query *q)
{
	const soql_plan *plan = q->shape->plan;
	const soql_query *tree = plan->tree;
	bool all = (plan->flags & SIM_QUERY_ALL) != 0;
	int64_t n;

	if (plan->has_where || tree->groups != NULL)
		return -1;
	if (plan->is_aggregate && !plan->is_count)
		n = 1;
	else if (plan->is_count && tree->limit >= 0)
		return -1;
	else
		n = sim_org_stored_rows(q->org, plan->object, all);
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

	/* the counters do not know yet what an open transaction has written */
	q->inside = !sqlite3_get_autocommit(q->db);
	if (q->inside)
		return true;
	if (!query_run(q->db, "BEGIN") || !query_run(q->db, "SELECT 1 FROM sqlite_schema LIMIT 1"))
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

	if (q->shape->plan->tree->groups == NULL)
		return true;
	n = sim_query_total(q, err);
	if (n > SOQL_MAX_GROUPS)
		return sim_error_set(err, "EXCEEDED_ID_LIMIT",
							 "Aggregate query does not support queryMore(), use LIMIT to "
							 "restrict the results to a single batch");
	return n >= 0;
}

/* Cursors for the subqueries of a query; their statements wait for a parent row. */
static bool
open_children(sim_query *q, sim_error *err)
{
	const query_shape *s = q->shape;

	if (s->nchildren == 0)
		return true;
	q->children = calloc((size_t) s->nchildren, sizeof(*q->children));
	if (q->children == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	for (int i = 0; i < s->nchildren; i++)
	{
		sim_query *c = &q->children[i];

		c->org = q->org;
		c->shape = &s->children[i];
		c->version = q->version;
		c->db = q->db;
		c->inside = q->inside;
		c->total = -1;
		c->st = query_statement(q->db, c->shape->plan->sql);
		if (c->st == NULL)
			return db_error(q, err);
		if (!open_children(c, err))
			return false;
	}
	return true;
}

static void
close_children(sim_query *q)
{
	for (int i = 0; q->children != NULL && i < q->shape->nchildren; i++)
	{
		close_children(&q->children[i]);
		statement_done(q, q->children[i].st);
	}
	free(q->children);
	q->children = NULL;
}

/* Rows of children are looked up by their reference to the parent. */
static bool
index_children(sim_org *org, const soql_plan *plan, sim_error *err)
{
	for (const soql_child *c = plan->children; c != NULL; c = c->next)
	{
		if (!sim_org_index(org, c->plan->object, c->link, err) ||
			!index_children(org, c->plan, err))
			return false;
	}
	return true;
}

static bool
prepare(sim_query *q, const char *soql, unsigned flags, const char *version, sim_error *err)
{
	const soql_plan *plan;

	q->prepared = query_plan_get(q->org, soql, flags, version, err);
	if (q->prepared == NULL)
		return false;
	q->shape = &q->prepared->shape;
	q->version = q->prepared->version;
	plan = q->shape->plan;
	if (!index_children(q->org, plan, err))
		return false;
	q->db = sim_org_connect(q->org, err);
	if (q->db == NULL || !take_snapshot(q, err) || !check_groups(q, err))
		return false;
	if (!plan->is_count)
		q->st = open_statement(q, plan->sql, err);
	return (plan->is_count || q->st != NULL) && open_children(q, err);
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
	if (q->db != NULL)
	{
		close_children(q);
		statement_done(q, q->st);
		if (!q->inside && !sqlite3_get_autocommit(q->db))
			query_run(q->db, "COMMIT");
		if (!q->inside)
		{
			query_trim(q->db);
			sim_org_release(q->org, q->db);
		}
	}
	query_plan_release(q->prepared);
	free(q);
}

void
sim_query_set_pager(sim_query *q, int batch, sim_query_pager pager, void *arg)
{
	q->pager = pager;
	q->pager_arg = arg;
	q->pager_batch = batch;
	for (int i = 0; q->children != NULL && i < q->shape->nchildren; i++)
		sim_query_set_pager(&q->children[i], batch, pager, arg);
}

/* ---------------------------------------------------------------- about the query */

bool
sim_query_bulk_check(const sim_query *q, sim_error *err)
{
	const soql_plan *plan = q->shape->plan;

	if (plan->object->flags & SO_NOBULK)
		return sim_error_set(err, "INVALIDENTITY",
							 "Entity '%s' is not supported by the Bulk API.",
							 plan->object->name);
	if (plan->is_count || plan->is_aggregate || plan->children != NULL)
		return sim_error_set(err, "FEATURENOTENABLED",
							 "Aggregate Relationships not supported in Bulk Query");
	if (plan->tree->offset >= 0)
		return sim_error_set(err, "FEATURENOTENABLED", "OFFSET not supported in Bulk Query");
	for (int i = 0; i < plan->ncolumns; i++)
	{
		const sim_column *c = &q->shape->columns[i]->pub;

		if (c->kind == SIM_COMPOUND)
			return sim_error_set(err, "API_ERROR",
								 "Selecting compound data not supported in Bulk Query");
		if (c->kind == SIM_BLOB)
			return sim_error_set(err, "FEATURENOTENABLED",
								 "Binary field %s is not supported in Bulk Query", c->path);
	}
	return true;
}

bool
sim_query_is_volatile(const sim_query *q)
{
	return q->prepared->plan->is_volatile;
}

int
sim_query_reads(const sim_query *q, const sim_object **out, int max)
{
	const soql_plan *plan = q->prepared->plan;
	int total;
	const sim_object *const *all = sim_object_list(&total);
	int n = 0;

	for (int i = 0; i < total; i++)
		if (plan->reads[sim_object_index(all[i])])
		{
			if (n < max)
				out[n] = all[i];
			n++;
		}
	return n;
}

const sim_object *
sim_query_object(const sim_query *q)
{
	return q->shape->plan->object;
}

bool
sim_query_is_count(const sim_query *q)
{
	return q->shape->plan->is_count;
}

bool
sim_query_is_aggregate(const sim_query *q)
{
	return q->shape->plan->is_aggregate && !q->shape->plan->is_count;
}

bool
sim_query_is_chunkable(const sim_query *q)
{
	return q->shape->plan->tree->orders == NULL && q->shape->plan->tree->limit < 0;
}

bool
sim_query_is_divisible(const sim_query *q)
{
	return sim_query_is_chunkable(q) && q->shape->plan->semijoins == 0;
}

int
sim_query_column_count(const sim_query *q)
{
	return q->shape->plan->ncolumns;
}

const sim_column *
sim_query_column(const sim_query *q, int i)
{
	return &q->shape->columns[i]->pub;
}

int64_t
sim_query_total(sim_query *q, sim_error *err)
{
	const soql_plan *plan = q->shape->plan;
	sqlite3_stmt *st;

	if (q->total >= 0)
		return q->total;
	if (plan->is_aggregate && plan->tree->groups == NULL && !plan->is_count)
		return q->total = 1;
	st = open_statement(q, plan->count_sql, err);
	if (st == NULL)
		return -1;
	if (sqlite3_step(st) == SQLITE_ROW)
		q->total = sqlite3_column_int64(st, 0);
	else
		db_error(q, err);
	statement_done(q, st);
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

bool
query_start_child(sim_query *child, int64_t parent)
{
	sqlite3_reset(child->st);
	return bind_all(child->shape->plan, child->st, parent);
}

const char *
query_packed_id(int64_t packed, char out[SIM_ID_SIZE])
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	int64_t number;
	const sim_object *obj = sim_ref_unpack(packed, &number);
	int64_t high = packed >> SIM_REF_SHIFT;
	char prefix[4];

	if (obj != NULL && obj->prefix != NULL)
	{
		sim_id_make(obj->prefix, number, out);
		return obj->name;
	}
	/* the id of something that the org does not have */
	for (int i = 2; i >= 0; i--)
	{
		prefix[i] = digits[high > 0 ? high % 62 : 0];
		high /= 62;
	}
	prefix[3] = '\0';
	sim_id_make(prefix, number, out);
	return "Name";
}

static void
compound_value(const sim_query *q, const soql_column *c, sim_value *out)
{
	for (int p = 0; p < c->nparts; p++)
	{
		if (sqlite3_column_type(q->st, c->sql_at + p) != SQLITE_NULL)
			out->kind = SIM_COMPOUND;
	}
}

void
sim_query_value(sim_query *q, int i, sim_value *out)
{
	const soql_column *c = q->shape->columns[i];
	sqlite3_stmt *st = q->st;
	int at = c->sql_at;

	memset(out, 0, sizeof(*out));
	if (c->pub.kind == SIM_COMPOUND)
	{
		compound_value(q, c, out);
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
			if (c->prefix != NULL)
				sim_id_make(c->prefix, sqlite3_column_int64(st, at), q->id);
			else
				query_packed_id(sqlite3_column_int64(st, at), q->id);
			out->text = q->id;
			out->len = SIM_ID_LEN;
			break;
		default:
			out->i = sqlite3_column_int64(st, at);
	}
	/* memory ran out while SQLite made the text */
	if (out->text == NULL && (out->kind == SIM_TEXT || out->kind == SIM_BLOB))
		out->text = "";
}
