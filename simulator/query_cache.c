/*
 * query_cache.c
 *		Compiled queries are kept, and so are the statements of a connection: the same small query again
 *		costs neither parsing, nor checking, nor SQLite's planning.
 */
#include "query.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PLANS_KEPT		128
#define STATEMENTS_KEPT 24
#define LONGEST_KEPT	8000 /* of a query's text */

/* ---------------------------------------------------------------- compiled queries */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static query_plan *kept; /* the one used last comes first */
static int nkept;

static unsigned
hash_text(const char *s)
{
	unsigned h = 2166136261u;

	while (*s != '\0')
		h = (h ^ (unsigned char) *s++) * 16777619u;
	return h;
}

static void
free_plan(query_plan *p)
{
	if (p == NULL)
		return;
	soql_plan_free(p->plan);
	soql_arena_free(p->arena);
	free(p->text);
	free(p->version);
	free(p);
}

/* Takes the lock. */
static query_plan *
find_kept(unsigned hash, const char *soql, unsigned flags, const char *version,
		  unsigned schema, const sim_switches *sw)
{
	query_plan *p;

	pthread_mutex_lock(&lock);
	for (query_plan **at = &kept; (p = *at) != NULL; at = &p->next)
	{
		if (p->hash != hash || p->flags != flags || p->schema != schema ||
			strcmp(p->text, soql) != 0 || strcmp(p->version, version) != 0 ||
			memcmp(&p->sw, sw, sizeof(*sw)) != 0)
			continue;
		*at = p->next;
		p->next = kept;
		kept = p;
		p->refs++;
		break;
	}
	pthread_mutex_unlock(&lock);
	return p;
}

/* Takes the lock; the caller's reference stays his. */
static void
keep(query_plan *p)
{
	query_plan *gone = NULL;
	query_plan **at = &kept;

	pthread_mutex_lock(&lock);
	p->refs++;
	p->next = kept;
	kept = p;
	if (++nkept > PLANS_KEPT)
	{
		while ((*at)->next != NULL)
			at = &(*at)->next;
		gone = *at;
		*at = NULL;
		nkept--;
		if (--gone->refs > 0)
			gone = NULL;
	}
	pthread_mutex_unlock(&lock);
	free_plan(gone);
}

void
query_plan_release(query_plan *p)
{
	bool last;

	if (p == NULL)
		return;
	pthread_mutex_lock(&lock);
	last = --p->refs == 0;
	pthread_mutex_unlock(&lock);
	if (last)
		free_plan(p);
}

/* The caller's error struct and text are gone later. */
static void
forget_caller(soql_plan *plan)
{
	plan->err = NULL;
	for (soql_child *c = plan->children; c != NULL; c = c->next)
		forget_caller(c->plan);
}

static bool
build_shape(soql_arena *a, query_shape *s, const soql_plan *plan)
{
	int n = 0;

	s->plan = plan;
	s->columns = soql_alloc(a, sizeof(*s->columns) * ((size_t) plan->ncolumns + 1));
	if (s->columns == NULL)
		return false;
	for (const soql_column *c = plan->columns; c != NULL && n < plan->ncolumns; c = c->next)
		s->columns[n++] = c;
	for (const soql_child *c = plan->children; c != NULL; c = c->next)
		s->nchildren++;
	s->children = soql_alloc(a, sizeof(*s->children) * ((size_t) s->nchildren + 1));
	if (s->children == NULL)
		return false;
	n = 0;
	for (const soql_child *c = plan->children; c != NULL; c = c->next)
	{
		if (!build_shape(a, &s->children[n++], c->plan))
			return false;
	}
	return query_build_record(a, s);
}

static bool
compile(query_plan *p, const sim_switches *sw, sim_error *err)
{
	soql_query *tree;

	p->arena = soql_arena_new();
	if (p->arena == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	tree = soql_parse(p->arena, p->text, err);
	if (tree == NULL)
		return false;
	p->plan = soql_compile(p->arena, tree, p->text, sw, p->flags, atoi(p->version), err);
	if (p->plan == NULL)
		return false;
	forget_caller(p->plan);
	if (!build_shape(p->arena, &p->shape, p->plan))
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	return true;
}

query_plan *
query_plan_get(sim_org *org, const char *soql, unsigned flags, const char *version,
			   sim_error *err)
{
	unsigned hash = hash_text(soql);
	unsigned schema = sim_schema_version();
	sim_switches sw;
	sim_switches timeless;
	query_plan *p;

	sim_org_switches(org, &sw);
	memcpy(&timeless, &sw, sizeof(sw)); /* compared as bytes */
	timeless.now = 0;
	p = find_kept(hash, soql, flags, version, schema, &timeless);
	if (p != NULL)
		return p;
	p = calloc(1, sizeof(*p));
	if (p == NULL || (p->text = strdup(soql)) == NULL ||
		(p->version = strdup(version)) == NULL)
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
		free_plan(p);
		return NULL;
	}
	p->refs = 1;
	p->hash = hash;
	p->flags = flags;
	p->schema = schema;
	memcpy(&p->sw, &timeless, sizeof(timeless));
	if (!compile(p, &sw, err))
	{
		free_plan(p);
		return NULL;
	}
	if (!p->plan->is_volatile && strlen(soql) <= LONGEST_KEPT)
		keep(p);
	return p;
}

/* ---------------------------------------------------------------- statements */

sqlite3_stmt *
query_statement(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;

	while ((st = sqlite3_next_stmt(db, st)) != NULL)
	{
		if (!sqlite3_stmt_busy(st) && strcmp(sqlite3_sql(st), sql) == 0)
			return st;
	}
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		return NULL;
	return st;
}

void
query_statement_done(sqlite3_stmt *st)
{
	if (st == NULL)
		return;
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

bool
query_run(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = query_statement(db, sql);
	int rc;

	if (st == NULL)
		return false;
	rc = sqlite3_step(st);
	sqlite3_reset(st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW;
}

/* The newest statement comes first. */
static void
finalize_behind(sqlite3 *db, int keep_n)
{
	sqlite3_stmt *st = sqlite3_next_stmt(db, NULL);

	for (int n = 0; st != NULL; n++)
	{
		sqlite3_stmt *next = sqlite3_next_stmt(db, st);

		if (n >= keep_n)
			sqlite3_finalize(st);
		st = next;
	}
}

void
query_trim(sqlite3 *db)
{
	finalize_behind(db, STATEMENTS_KEPT);
}

void
sim_org_close_connection(sqlite3 *db)
{
	if (db == NULL)
		return;
	finalize_behind(db, 0);
	sqlite3_close(db);
}
