/*
 * sql_functions.c
 *		What SOQL means and SQLite does not know: collation and functions.
 *
 *	SF_CI				text without regard to case
 *	SF_AI				text without regard to case, accents and width
 *	sf_like(p, v, fold)	SOQL's LIKE; fold as sim_text_like() has it
 *	sf_includes(w, v)	multi-select membership
 *	sf_datepart(n, ms)	date function number n (calendar.h) of an instant
 *	sf_ref_type(r)		name of the object that a packed reference leads to
 *	sf_label(o, f, v)	label of a picklist value of field f of object o
 *	sf_distance(lat, lon, lat, lon, miles)	great circle, in kilometres or miles
 *	sf_format(type, scale, v)	FORMAT()
 */
#include "org.h"
#include "calendar.h"
#include "render_format.h"
#include "text.h"

#include <math.h>
#include <string.h>

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
										  (sim_fold) sqlite3_value_int(argv[2])));
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

static void
sql_ref_type(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	int64_t number;
	const sim_object *obj;

	(void) argc;
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	obj = sim_ref_unpack(sqlite3_value_int64(argv[0]), &number);
	if (obj != NULL)
		sqlite3_result_text(ctx, obj->name, -1, SQLITE_STATIC);
}

/* Append the label of one value, or the value where it has none. */
static void
add_label(sim_buf *b, const sim_field *f, const char *value, size_t len)
{
	const sim_pick *pick = sim_field_pick(f, value, len);

	if (pick != NULL)
		sim_buf_str(b, sim_pick_label(pick));
	else
		sim_buf_add(b, value, len);
}

static void
sql_label(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *value = (const char *) sqlite3_value_text(argv[2]);
	const sim_field *f = sqlite3_get_auxdata(ctx, 1);
	sim_buf b = {0};

	(void) argc;
	if (value == NULL)
		return;
	if (f == NULL)
	{
		const char *object = (const char *) sqlite3_value_text(argv[0]);
		const char *field = (const char *) sqlite3_value_text(argv[1]);
		const sim_object *obj = object ? sim_object_find(object) : NULL;

		f = obj && field ? sim_field_find_any(obj, field) : NULL;
		if (f == NULL)
			return;
		sqlite3_set_auxdata(ctx, 1, (void *) f, NULL);
	}
	while (f->type == SIM_T_MULTIPICKLIST && strchr(value, ';') != NULL)
	{
		size_t len = strcspn(value, ";");

		add_label(&b, f, value, len);
		sim_buf_char(&b, ';');
		value += len + 1;
	}
	add_label(&b, f, value, strlen(value));
	if (b.failed)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_text(ctx, b.data ? b.data : "", (int) b.len, SQLITE_TRANSIENT);
	sim_buf_free(&b);
}

#define EARTH_KM	6371.0088
#define KM_PER_MILE 1.609344

static void
sql_distance(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	double lat1, lat2, dlat, dlon, h, km;

	for (int i = 0; i < argc; i++)
	{
		if (sqlite3_value_type(argv[i]) == SQLITE_NULL)
			return;
	}
	lat1 = sqlite3_value_double(argv[0]) * M_PI / 180;
	lat2 = sqlite3_value_double(argv[2]) * M_PI / 180;
	dlat = lat2 - lat1;
	dlon = (sqlite3_value_double(argv[3]) - sqlite3_value_double(argv[1])) * M_PI / 180;
	h = sin(dlat / 2) * sin(dlat / 2) + cos(lat1) * cos(lat2) * sin(dlon / 2) * sin(dlon / 2);
	km = 2 * EARTH_KM * asin(sqrt(h < 0 ? 0 : h > 1 ? 1 : h));
	sqlite3_result_double(ctx, sqlite3_value_int(argv[4]) ? km / KM_PER_MILE : km);
}

static void
sql_format(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	sim_type type = (sim_type) sqlite3_value_int(argv[0]);
	sim_buf b = {0};

	(void) argc;
	if (sqlite3_value_type(argv[2]) == SQLITE_NULL)
		return;
	if (sim_type_is_number(type))
		sim_format_number(type, sqlite3_value_int(argv[1]), sqlite3_value_double(argv[2]), &b);
	else
		sim_format_moment(type, sqlite3_value_int64(argv[2]), &b);
	if (b.failed)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_text(ctx, b.data ? b.data : "", (int) b.len, SQLITE_TRANSIENT);
	sim_buf_free(&b);
}

bool
sim_sql_register(sqlite3 *db)
{
	static const struct
	{
		const char *name;
		int args;
		void (*function)(sqlite3_context *, int, sqlite3_value **);
	} functions[] = {
		{"sf_like", 3, sql_like},		  {"sf_includes", 2, sql_includes},
		{"sf_datepart", 2, sql_datepart}, {"sf_ref_type", 1, sql_ref_type},
		{"sf_label", 3, sql_label},		  {"sf_distance", 5, sql_distance},
		{"sf_format", 3, sql_format},
	};
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;

	if (sqlite3_create_collation(db, "SF_CI", SQLITE_UTF8, NULL, sim_text_compare) !=
			SQLITE_OK ||
		sqlite3_create_collation(db, "SF_AI", SQLITE_UTF8, NULL, sim_text_compare_folded) !=
			SQLITE_OK)
		return false;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
	{
		if (sqlite3_create_function(db, functions[i].name, functions[i].args, flags, NULL,
									functions[i].function, NULL, NULL) != SQLITE_OK)
			return false;
	}
	return true;
}
