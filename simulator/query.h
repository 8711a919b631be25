/*
 * query.h
 *		A prepared query and an open cursor on it, as query.c, query_cache.c and render*.c share them.
 */
#ifndef SFSIM_QUERY_H
#define SFSIM_QUERY_H

#include "soql.h"

struct query_shape;

/* The shape of a REST record: its fields and the parents nested in it, in SELECT order. */
typedef struct query_node
{
	const soql_table *table; /* NULL: an AggregateResult */
	struct query_item *items;
	struct query_node *variants; /* of a polymorphic parent: by object, what TYPEOF selects */
	struct query_node *next;	 /* variant */
} query_node;

typedef struct query_item
{
	const char *key;		   /* JSON key */
	const soql_column *column; /* a field; or else */
	query_node *node;		   /* a parent; or else */
	int child;				   /* subquery of this number */
	struct query_item *next;
} query_item;

/* What does not change while a query runs: of the query itself, or of a subquery. */
typedef struct query_shape
{
	const soql_plan *plan;
	const soql_column **columns;
	query_node *record;
	struct query_shape *children;
	int nchildren;
} query_shape;

/* A compiled query: kept and shared by all who ask for the same. */
typedef struct query_plan
{
	int refs; /* guarded by the cache */
	unsigned hash;
	char *text;
	char *version;
	unsigned flags;
	unsigned schema; /* sim_schema_version() */
	sim_switches sw; /* without the moment */
	soql_arena *arena;
	soql_plan *plan;
	query_shape shape;
	struct query_plan *next;
} query_plan;

/*
 * The compiled form of a text.  NULL and *err.  Give it back with query_plan_release() (NULL is fine).
 */
query_plan *query_plan_get(sim_org *org, const char *soql, unsigned flags, const char *version,
						   sim_error *err);
void query_plan_release(query_plan *p);

/*
 * A statement of a connection, made or used again; it is given back by query_statement_done().  Statements of
 * one connection that are in use at the same time must differ in their text.
 */
sqlite3_stmt *query_statement(sqlite3 *db, const char *sql);
void query_statement_done(sqlite3_stmt *st);

/* Run a statement that answers nothing. */
bool query_run(sqlite3 *db, const char *sql);

/* Forget the oldest statements of a connection that nobody uses at present. */
void query_trim(sqlite3 *db);

struct sim_query
{
	sim_org *org;
	query_plan *prepared; /* NULL in a subquery */
	const query_shape *shape;
	const char *version;
	sqlite3 *db;
	bool inside;				/* of a transaction that somebody else ends */
	sqlite3_stmt *st;			/* NULL for COUNT() */
	struct sim_query *children; /* one per subquery */
	int64_t total;				/* -1: not known yet */
	char id[SIM_ID_SIZE];		/* of the last value that was an id */
	sim_query_pager pager;		/* of the query itself, not of subqueries */
	void *pager_arg;
	int pager_batch;
};

/* Build the record shape.  False: no memory. */
bool query_build_record(soql_arena *a, query_shape *s);

/* Start a subquery for a row; id is the number of the parent's Id column. */
bool query_start_child(sim_query *child, int64_t parent);

/* The id of a packed reference into out; returns the name of its object ("Name" when it is none of ours). */
const char *query_packed_id(int64_t packed, char out[SIM_ID_SIZE]);

/* A value that needs no escaping, into a buffer of SIM_DATETIME_SIZE bytes; its length. */
size_t query_plain_value(const sim_value *v, const char *zone, char *text);

/* The present row as JSON. */
void query_json_record(sim_query *q, const query_node *node, sim_buf *out);

#endif /* SFSIM_QUERY_H */
