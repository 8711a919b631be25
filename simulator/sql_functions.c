/*
 * sql_functions.c
 *		What SOQL means and SQLite does not know: collation and functions.
 *
 *	SF_CI				text without regard to case
 *	sf_like(p, v, ci)	SOQL's LIKE
 *	sf_includes(w, v)	multi-select membership
 *	sf_datepart(n, ms)	date function number n (calendar.h) of an instant
 */
#include "org.h"
#include "calendar.h"
#include "text.h"

static void
sql_like(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *pattern = (const char *) sqlite3_value_text(argv[0]);
	const char *value = (const char *) sqlite3_value_text(argv[1]);

	(void) argc;
	if (pattern == NULL || value == NULL)
		return; /* null */
	sqlite3_result_int(ctx, sim_text_like(pattern, (size_t) sqlite3_value_bytes(argv[0]),
										  value, (size_t) sqlite3_value_bytes(argv[1]),
										  sqlite3_value_int(argv[2]) != 0));
}

static void
sql_includes(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *wanted = (const char *) sqlite3_value_text(argv[0]);
	const char *value = (const char *) sqlite3_value_text(argv[1]);

	(void) argc;
	if (wanted == NULL || value == NULL)
		return;
	sqlite3_result_int(ctx, sim_text_includes(wanted, (size_t) sqlite3_value_bytes(argv[0]),
											  value, (size_t) sqlite3_value_bytes(argv[1])));
}

static void
sql_datepart(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void) argc;
	if (sqlite3_value_type(argv[1]) == SQLITE_NULL)
		return;
	sqlite3_result_int64(ctx, sim_date_function_apply(sqlite3_value_int(argv[0]),
													  sqlite3_value_int64(argv[1])));
}

bool
sim_sql_register(sqlite3 *db)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;

	return sqlite3_create_collation(db, "SF_CI", SQLITE_UTF8, NULL, sim_text_compare) ==
			   SQLITE_OK &&
		   sqlite3_create_function(db, "sf_like", 3, flags, NULL, sql_like, NULL, NULL) ==
			   SQLITE_OK &&
		   sqlite3_create_function(db, "sf_includes", 2, flags, NULL, sql_includes, NULL,
								   NULL) == SQLITE_OK &&
		   sqlite3_create_function(db, "sf_datepart", 2, flags, NULL, sql_datepart, NULL,
								   NULL) == SQLITE_OK;
}
