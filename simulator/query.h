/*
 * query.h
 *		An open cursor, as query.c and render.c share it.
 */
#ifndef SFSIM_QUERY_H
#define SFSIM_QUERY_H

#include "soql.h"

/* The shape of a REST record: its fields and the parents nested in it, in SELECT order. */
typedef struct query_node
{
	const soql_table *table;
	struct query_item *items;
} query_node;

typedef struct query_item
{
	const char *key;		   /* JSON key */
	const soql_column *column; /* a field; or else */
	query_node *node;		   /* a parent */
	struct query_item *next;
} query_item;

struct sim_query
{
	sim_org *org;
	soql_arena *arena;
	soql_plan *plan;
	sqlite3 *db;
	bool inside; /* of a transaction that somebody else ends */
	sqlite3_stmt *st; /* NULL for COUNT() */
	const char *version;
	const soql_column **columns;
	query_node *record;
	int64_t total;		  /* -1: not known yet */
	char id[SIM_ID_SIZE]; /* of the last value that was an id */
};

/* Build the record shape.  False: no memory. */
bool query_build_record(sim_query *q);

#endif /* SFSIM_QUERY_H */
