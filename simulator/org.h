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
	int csv_time;	  /* 0 millis_z, 1 millis, 2 seconds */
	int text_compare; /* TEXT_COMPARE_* */
	int real_types;	  /* attributes of polymorphic parents say what they really are */
	int order_by_alias;
	int64_t now; /* milliseconds of the org's clock when the copy was taken */
} sim_switches;

/* A consistent copy. */
void sim_org_switches(sim_org *org, sim_switches *out);

/* The moment of the copy: one for all of a query. */
int64_t sim_switches_now(const sim_switches *s);

/* Borrow a connection of the pool (opened when none is idle), and give it back. */
sqlite3 *sim_org_connect(sim_org *org, sim_error *err);
void sim_org_release(sim_org *org, sqlite3 *db);

/* Close a connection and what was prepared on it (query_cache.c).  NULL is fine. */
void sim_org_close_connection(sqlite3 *db);

/* See to it that rows are found fast by a reference field; not finding a moment to do so is no failure. */
bool sim_org_index(sim_org *org, const sim_object *obj, const sim_field *f, sim_error *err);

/*
 * Rows of an object, the deleted ones too when all is set.  Valid for a snapshot when
 * sim_org_data_version() is the same before and after it was taken.
 */
int64_t sim_org_stored_rows(sim_org *org, const sim_object *obj, bool all);

/* Row number of the user all sessions run as. */
int64_t sim_org_user_number(const sim_org *org);

/* Collation and functions that the generated SQL uses (sql_functions.c). */
bool sim_sql_register(sqlite3 *db);

#endif /* SFSIM_ORG_H */
