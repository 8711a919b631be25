/*
 * org.h
 *		What the SOQL half of the engine needs from the org: connections and switches.
 */
#ifndef SFSIM_ORG_H
#define SFSIM_ORG_H

#include "schema.h"

#include <sqlite3.h>

/* Present values of the switches that engine.h describes. */
typedef struct sim_switches
{
	int null_not_equal;
	int null_less;
	int empty_is_null;
	int group_ignores_case;
	int nulls_first_asc_only;
	int header_as_written;
	int csv_time; /* 0 millis_z, 1 millis, 2 seconds */
	int64_t now;  /* milliseconds of the org's clock when the copy was taken */
} sim_switches;

/* A consistent copy. */
void sim_org_switches(sim_org *org, sim_switches *out);

/* The moment of the copy: one for all of a query. */
int64_t sim_switches_now(const sim_switches *s);

/* Borrow a connection of the pool (opened when none is idle), and give it back. */
sqlite3 *sim_org_connect(sim_org *org, sim_error *err);
void sim_org_release(sim_org *org, sqlite3 *db);

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
