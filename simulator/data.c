/*
 * data.c
 *		Generators: one field's value from a hash of seed, object, row and field.
 *
 * Rows 5 to 304 take every third value of a field from lists of awkward ones, so that a small
 * org has them all; behind them the data is what a sales department would have.
 */
#include "data_gen.h"
#include "calendar.h"
#include "text.h"

#include <math.h>

/* One row in 101 is soft-deleted; the first is number 17. */
#define DELETED_STRIDE 101
#define DELETED_FIRST  17

/* Fields whose seed_no is not below that of the object's dense ones are filled in its first rows only. */
#define SPARSE_ROWS 2000

/* ---------------------------------------------------------------- population, hashing */

sim_population
sim_population_for(const sim_object *obj, int64_t live)
{
	sim_population p = {live, 0};

	if (sim_object_has_deleted(obj) && live > DELETED_FIRST)
		p.deleted = (live - DELETED_FIRST - 1) / (DELETED_STRIDE - 1) + 1;
	p.total += p.deleted;
	return p;
}

bool
sim_row_is_deleted(const sim_population *p, int64_t row)
{
	return p->deleted > 0 && row % DELETED_STRIDE == DELETED_FIRST;
}

/* A number for fields that were given none, behind all that were. */
static int
name_seed(const char *name)
{
	uint64_t h = 0;

	for (; *name != '\0'; name++)
		h = gen_mix(h ^ (unsigned char) *name);
	return 256 + (int) (h % 32000);
}

void
sim_data_cell(uint64_t seed, const sim_object *obj, int field_no, int64_t row,
			  const sim_population *rows, sim_cell *out)
{
	const sim_field *f = &obj->fields[field_no];
	int seed_no;
	sim_gen g;

	out->kind = SIM_CELL_NULL;
	if (f->gen == NULL)
		return;
	seed_no = f->seed_no ? f->seed_no : name_seed(f->name);
	if (obj->dense > 0 && seed_no >= obj->dense && row >= SPARSE_ROWS &&
		!(f->flags & SF_REQUIRED))
		return;
	g.hash =
		gen_mix(gen_mix(seed ^ ((uint64_t) obj->seed_no << 56) ^ ((uint64_t) seed_no << 48)) ^
				(uint64_t) row);
	g.seed = seed;
	g.row = row;
	g.field_no = seed_no;
	g.field = f;
	g.object = obj;
	g.rows = rows;
	g.deleted = sim_row_is_deleted(&rows[obj->slot], row);
	f->gen(&g, out);
	if (out->kind == SIM_CELL_TEXT && f->length > 0 && out->len > (size_t) f->length)
		out->len = sim_text_prefix(out->text, out->len, (size_t) f->length);
}

/* ---------------------------------------------------------------- ids */

void
gen_id(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, sim_object_base(g->object) + g->row);
}

void
gen_deleted(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, g->deleted);
}

/* ---------------------------------------------------------------- dates */

/* 2015-01-01 to about the middle of 2026, whole seconds, now and then midnight. */
#define CREATED_FROM INT64_C(1420070400)
#define CREATED_SPAN INT64_C(361000000)

static int64_t
created_seconds(const sim_gen *g)
{
	uint64_t h = gen_mix((uint64_t) g->row * 2654435761u + (uint64_t) g->object->seed_no);
	int64_t at = CREATED_FROM + (int64_t) (h % (uint64_t) CREATED_SPAN);

	if (h >> 58 == 0)
		at -= at % 86400;
	return at;
}

void
gen_created(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, created_seconds(g) * 1000);
}

/* At or after creation; LastModifiedDate and SystemModstamp of a row agree. */
void
gen_modified(const sim_gen *g, sim_cell *out)
{
	uint64_t h = gen_mix((uint64_t) g->row ^ 0x5eed);

	gen_set_int(out, (created_seconds(g) + (int64_t) (h % 4 == 0 ? 0 : h % 8000000)) * 1000);
}

/* Ends of SOQL's range, the epoch, leap days, turns of year and century, the end of 2^31. */
static const int64_t boundary_days[] = {
	SIM_FIRST_DAY,	 SIM_LAST_DAY, 0,	  -1,	 19782,
	11016,			 -25509,	   19722, 19723, 10956,
	24855,			 18262,		   18321, 18320, SIM_FIRST_DAY + 1,
	SIM_LAST_DAY - 1};

static bool
boundary_day(const sim_gen *g, int64_t *day)
{
	int n = (int) (sizeof(boundary_days) / sizeof(boundary_days[0]));
	int slot = gen_awkward_slot(g, n);

	if (slot < 0)
		return false;
	*day = boundary_days[slot];
	return true;
}

void
gen_close_date(const sim_gen *g, sim_cell *out)
{
	int64_t day;

	if (boundary_day(g, &day))
		gen_set_int(out, day);
	else if (!gen_is_null(g, 2))
		gen_set_int(out, 17532 + (int64_t) (g->hash % 3650));
}

void
gen_date(const sim_gen *g, sim_cell *out)
{
	if (!gen_is_null(g, 50))
		gen_close_date(g, out);
}

void
gen_birthdate(const sim_gen *g, sim_cell *out)
{
	int64_t day;

	if (boundary_day(g, &day))
		gen_set_int(out, day);
	else if (!gen_is_null(g, 40))
		gen_set_int(out, -9000 + (int64_t) (g->hash % 22000));
}

void
gen_datetime(const sim_gen *g, sim_cell *out)
{
	int64_t day;

	if (boundary_day(g, &day))
	{
		/* midnight, the last second of the day, or milliseconds */
		static const int64_t clock[] = {0, 86399000, 43200123};

		gen_set_int(out, day * MS_PER_DAY + clock[g->hash % 3]);
	}
	else if (!gen_is_null(g, 25))
		gen_set_int(out, (CREATED_FROM + (int64_t) (g->hash % 400000000)) * 1000);
}

void
gen_time(const sim_gen *g, sim_cell *out)
{
	static const int64_t odd[] = {0, 86399999, 43200000, 1, 3600000};
	int slot = gen_awkward_slot(g, 5);

	if (slot >= 0)
		gen_set_int(out, odd[slot]);
	else if (!gen_is_null(g, 25))
		gen_set_int(out, (int64_t) (g->hash % 86400) * 1000);
}

/* ---------------------------------------------------------------- numbers */

/* Rounded to the field's scale, as the org does on save. */
static double
to_scale(const sim_gen *g, double d)
{
	double f = pow(10, g->field->scale);

	return round(d * f) / f;
}

static bool
awkward_number(const sim_gen *g, sim_cell *out)
{
	static const double odd[] = {0,
								 9e7,
								 1e7,
								 9999999.99,
								 10000000.01,
								 115056052,
								 -1,
								 -0.5,
								 0.01,
								 0.001,
								 0.000999,
								 0.000001,
								 -123456.78,
								 0.1,
								 0.3,
								 1e12,
								 16147805824397,
								 99999999999.99,
								 -9e7,
								 1e-5,
								 123456789012.34,
								 100,
								 2147483648.0,
								 33.333333,
								 -0.01};
	int slot = gen_awkward_slot(g, (int) (sizeof(odd) / sizeof(odd[0])));

	if (slot < 0)
		return false;
	gen_set_real(out, to_scale(g, odd[slot]));
	return true;
}

void
gen_money(const sim_gen *g, sim_cell *out)
{
	if (awkward_number(g, out) || gen_is_null(g, 8))
		return;
	/* cents; one amount in thirty is large, one in fifty a credit note */
	out->i = (int64_t) (g->hash % ((g->hash >> 50) % 30 == 0 ? 2500000000u : 99999900u)) + 100;
	if ((g->hash >> 45) % 50 == 0)
		out->i = -out->i;
	gen_set_real(out, (double) out->i / 100);
}

void
gen_revenue(const sim_gen *g, sim_cell *out)
{
	if (awkward_number(g, out) || gen_is_null(g, 15))
		return;
	gen_set_real(out, (double) (g->hash % 500000 * 1000));
}

void
gen_percent(const sim_gen *g, sim_cell *out)
{
	if (!gen_is_null(g, 10))
		gen_set_real(out, to_scale(g, (double) (g->hash % 10001) / 100));
}

void
gen_percent_steps(const sim_gen *g, sim_cell *out)
{
	gen_set_real(out, (double) (g->hash % 11 * 10));
}

void
gen_double(const sim_gen *g, sim_cell *out)
{
	if (!awkward_number(g, out) && !gen_is_null(g, 20))
		gen_set_real(out, to_scale(g, (double) (g->hash % 1000000000) / 4096));
}

void
gen_int(const sim_gen *g, sim_cell *out)
{
	static const int64_t odd[] = {0,		  -1,  1,		   10000000,	   999999999,
								  -999999999, 100, 2147483647, -2147483647 - 1};
	int slot = gen_awkward_slot(g, 9);

	if (slot >= 0)
		gen_set_int(out, odd[slot]);
	else if (!gen_is_null(g, 10))
		gen_set_int(out, (int64_t) (g->hash % 100000));
}

void
gen_employees(const sim_gen *g, sim_cell *out)
{
	gen_int(g, out);
	if (out->kind == SIM_CELL_INT && (out->i < 0 || out->i > 99999999))
		out->i = 99999999;
}

void
gen_long(const sim_gen *g, sim_cell *out)
{
	int slot = gen_awkward_slot(g, 4);

	if (slot >= 0)
		gen_set_int(out, slot % 2 ? INT64_C(9007199254740993) : -INT64_C(4294967297));
	else
		gen_set_int(out, g->row + 1);
}

/* An auto number of eight digits ("00001026"). */
void
gen_number(const sim_gen *g, sim_cell *out)
{
	gen_begin(out);
	gen_add_number(out, (uint64_t) g->row + 1001, 8);
}

void
gen_quantity(const sim_gen *g, sim_cell *out)
{
	gen_set_real(out, (double) (g->hash % 20 + 1));
}

/* What a price list has: never null, never negative. */
void
gen_price(const sim_gen *g, sim_cell *out)
{
	gen_set_real(out, (double) (g->hash % 1000000 + 100) / 100);
}

void
gen_false(const sim_gen *g, sim_cell *out)
{
	(void) g;
	gen_set_int(out, 0);
}

void
gen_bool(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, g->hash % 3 == 0);
}

/* Active users: all but every seventh, and never the first one, who logs in. */
void
gen_true(const sim_gen *g, sim_cell *out)
{
	gen_set_int(out, g->row % 7 != 6);
}

void
gen_latitude(const sim_gen *g, sim_cell *out)
{
	/* both halves of a position are null in the same rows */
	if (g->row % 3 != 0)
		gen_set_real(out, (double) (int64_t) (g->hash % 180000001) / 1e6 - 90);
}

void
gen_longitude(const sim_gen *g, sim_cell *out)
{
	if (g->row % 3 != 0)
		gen_set_real(out, (double) (int64_t) (g->hash % 360000001) / 1e6 - 180);
}
