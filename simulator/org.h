/*
 * org.h
 *		What the SOQL half of the engine needs from the org: connections and switches.
 */
#ifndef SFSIM_ORG_H
#define SFSIM_ORG_H

#include "schema.h"

#include <sqlite3.h>

/* How text is compared, where the field itself is not case-sensitive. */
#define TEXT_COMPARE_CASE	 0 /* case does not matter */
#define TEXT_COMPARE_ACCENTS 1 /* nor do accents and width */
#define TEXT_COMPARE_EXACT	 2

/* Present values of the switches that engine.h describes. */
typedef struct sim_switches
{
	int null_not_equal;
	int null_less;
	int empty_is_null;
	int group_ignores_case;
	int nulls_first_asc_only;
	int header_as_written;
	int duplicate_rule;
	int validation_rule;
	int storage_full;
	int round_to_scale;
	int csv_time;	  /* 0 millis_z, 1 millis, 2 seconds */
	int text_compare; /* TEXT_COMPARE_* */
	int real_types;	  /* attributes of polymorphic parents say what they really are */
	int order_by_alias;
	int too_complicated; /* queries with a condition are */
	int64_t now;		 /* milliseconds of the org's clock when the copy was taken */
} sim_switches;

/* A consistent copy. */
void sim_org_switches(sim_org *org, sim_switches *out);

/* The moment of the copy: one for all of a query. */
int64_t sim_switches_now(const sim_switches *s);

/*
 * Let this thread read with this connection, and see what its transaction has written, until the next call with
 * NULL.  Queries of the time before must be free by then.
 */
void sim_org_read_with(sqlite3 *db);

/* Borrow a connection of the pool (opened when none is idle), and give it back. */
sqlite3 *sim_org_connect(sim_org *org, sim_error *err);
void sim_org_release(sim_org *org, sqlite3 *db);

/* Close a connection and what was prepared on it (query_cache.c).  NULL is fine. */
void sim_org_close_connection(sqlite3 *db);

/* See to it that rows are found fast by a reference field; not finding a moment to do so is no failure. */
bool sim_org_index(sim_org *org, const sim_object *obj, const sim_field *f, sim_error *err);

/*
 * Rows of an object, the deleted ones too when all is set.  Valid for a snapshot when
 * sim_org_data_version() is the same before and after it was taken.  -1: not known at this moment.
 */
int64_t sim_org_stored_rows(sim_org *org, const sim_object *obj, bool all);

/* Row number of the user all sessions run as. */
int64_t sim_org_user_number(const sim_org *org);

/* ---- for the store (store.c) */

struct sim_store;
struct store_counts;

/* What writes rows; lives as long as the org. */
struct sim_store *sim_org_store(sim_org *org);

/* The connection that writes.  The store closes it.  NULL and *err on failure. */
sqlite3 *sim_org_open_writer(sim_org *org, sim_error *err);

/*
 * Around a commit: between the two, no counter is valid for any snapshot.  end() makes the counts those of the
 * org and moves the versions; NULL: the commit failed.
 */
void sim_org_publish_begin(sim_org *org);
void sim_org_publish_end(sim_org *org, const struct store_counts *counts);

/* ---- for who copies or replaces the database file */

/* The file's name; lives as long as the org. */
const char *sim_org_file(const sim_org *org);

/*
 * Waits for the transaction that runs and keeps others from beginning; the writer's connection is closed
 * meanwhile.  Idle connections of readers are closed by sim_org_reload().
 */
void sim_store_lock(sim_org *org);
void sim_store_unlock(sim_org *org);

/* After the database's contents were replaced, under sim_store_lock(): counts all rows anew, moves all versions. */
bool sim_org_reload(sim_org *org, sim_error *err);

/* Collation and functions that the generated SQL uses (sql_functions.c). */
bool sim_sql_register(sqlite3 *db);

#endif /* SFSIM_ORG_H */
