/*
 * data.c
 *		Generators: one field's value from a hash of seed, object, row and field.
 *
 * Rows 5 to 304 take every third value of a field from lists of awkward ones, so that a small
 * org has them all; behind them the data is what a sales department would have.
 */
#include "data.h"
#include "calendar.h"
#include "text.h"

#include <math.h>
#include <string.h>

/* One row in 101 is soft-deleted; the first is number 17. */
#define DELETED_STRIDE 101
#define DELETED_FIRST  17

/* Fields behind the dense ones of an object are filled in its first rows only. */
#define SPARSE_ROWS 2000

#define AWKWARD_FIRST 5
#define AWKWARD_END	  305

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

/* The finaliser of splitmix64. */
static uint64_t
mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

void
sim_data_cell(uint64_t seed, const sim_object *obj, int field_no, int64_t row,
			  const sim_population *rows, sim_cell *out)
{
	const sim_field *f = &obj->fields[field_no];
	int obj_no = sim_object_index(obj);
	sim_gen g;

	out->kind = SIM_CELL_NULL;
	if (f->gen == NULL)
		return;
	if (obj->dense > 0 && field_no >= obj->dense && row >= SPARSE_ROWS &&
		!(f->flags & SF_REQUIRED))
		return;
	g.hash = mix(mix(seed ^ ((uint64_t) obj_no << 56) ^ ((uint64_t) field_no << 48)) ^
				 (uint64_t) row);
	g.row = row;
	g.field_no = field_no;
	g.field = f;
	g.object = obj;
	g.rows = rows;
	g.deleted = sim_row_is_deleted(&rows[obj_no], row);
	f->gen(&g, out);
	if (out->kind == SIM_CELL_TEXT && f->length > 0 && out->len > (size_t) f->length)
		out->len = sim_text_prefix(out->text, out->len, (size_t) f->length);
}

/* ---------------------------------------------------------------- helpers */

/* Which of n awkward values this cell gets; -1: an ordinary one. */
static int
awkward_slot(const sim_gen *g, int n)
{
	int64_t at = g->row + g->field_no * 7;

	if (g->row < AWKWARD_FIRST || g->row >= AWKWARD_END || at % 3 != 0)
		return -1;
	return (int) (at / 3 % n);
}

/* Null in about percent of the rows; never when the field is required. */
static bool
is_null(const sim_gen *g, unsigned percent)
{
	return !(g->field->flags & SF_REQUIRED) && (g->hash >> 40) % 100 < percent;
}

static void
set_int(sim_cell *out, int64_t i)
{
	out->kind = SIM_CELL_INT;
	out->i = i;
}

static void
set_real(sim_cell *out, double d)
{
	out->kind = SIM_CELL_REAL;
	out->d = d;
}

static void
set_text(sim_cell *out, const char *text)
{
	out->kind = SIM_CELL_TEXT;
	out->text = text;
	out->len = strlen(text);
}

/* Text that is put together in out->buf. */
static void
begin(sim_cell *out)
{
	out->kind = SIM_CELL_TEXT;
	out->text = out->buf;
	out->len = 0;
}

static void
add(sim_cell *out, const char *s)
{
	size_t len = strlen(s);

	if (out->len + len > SIM_CELL_SIZE)
		len = SIM_CELL_SIZE - out->len;
	memcpy(out->buf + out->len, s, len);
	out->len += len;
}

/* A number with at least width digits. */
static void
add_number(sim_cell *out, uint64_t n, int width)
{
	char digits[24];
	int len = 0;

	while (n > 0 || len < width)
	{
		digits[sizeof(digits) - 1 - len] = (char) ('0' + n % 10);
		n /= 10;
		len++;
	}
	memcpy(out->buf + out->len, digits + sizeof(digits) - len, (size_t) len);
	out->len += (size_t) len;
}

/* Words of a list by some bits of the hash. */
static const char *
word(const sim_gen *g, const sim_words *words, int shift)
{
	return words->word[(g->hash >> shift) % (uint64_t) words->n];
}

/* Takes an awkward text when it is this cell's turn. */
static bool
awkward_text(const sim_gen *g, sim_cell *out)
{
	const sim_words *list = &sim_words_awkward;
	int slot = awkward_slot(g, list->n);

	if (slot < 0)
		return false;
	set_text(out, list->word[slot]);
	return true;
}

/* ---------------------------------------------------------------- ids and references */

void
gen_id(const sim_gen *g, sim_cell *out)
{
	set_int(out, sim_object_base(g->object) + g->row);
}

void
gen_deleted(const sim_gen *g, sim_cell *out)
{
	set_int(out, g->deleted);
}

/* A row of the parent that is not deleted; earlier than this one in the own object. */
static void
reference(const sim_gen *g, sim_cell *out)
{
	const sim_object *to = sim_object_find(g->field->ref_to);
	const sim_population *p = &g->rows[sim_object_index(to)];
	int64_t limit = to == g->object ? g->row : p->total;
	int64_t row;

	if (limit <= 0)
		return;
	row = (int64_t) (g->hash % (uint64_t) limit);
	if (sim_row_is_deleted(p, row))
		row--;
	set_int(out, sim_object_base(to) + row);
}

void
gen_reference(const sim_gen *g, sim_cell *out)
{
	if (!is_null(g, 5))
		reference(g, out);
}

void
gen_reference_sparse(const sim_gen *g, sim_cell *out)
{
	if (!is_null(g, 60))
		reference(g, out);
}

/* The first user owns a third of everything. */
void
gen_owner(const sim_gen *g, sim_cell *out)
{
	const sim_object *to = sim_object_find("User");
	int64_t users = g->rows[sim_object_index(to)].total;

	if (users <= 0)
		return;
	set_int(out, sim_object_base(to) +
					 (g->hash % 3 == 0 ? 0 : (int64_t) ((g->hash >> 8) % (uint64_t) users)));
}

/* ---------------------------------------------------------------- dates */

/* 2015-01-01 to about the middle of 2026, whole seconds, now and then midnight. */
#define CREATED_FROM INT64_C(1420070400)
#define CREATED_SPAN INT64_C(361000000)

static int64_t
created_seconds(const sim_gen *g)
{
	uint64_t h = mix((uint64_t) g->row * 2654435761u + (uint64_t) sim_object_index(g->object));
	int64_t at = CREATED_FROM + (int64_t) (h % (uint64_t) CREATED_SPAN);

	if (h >> 58 == 0)
		at -= at % 86400;
	return at;
}

void
gen_created(const sim_gen *g, sim_cell *out)
{
	set_int(out, created_seconds(g) * 1000);
}

/* At or after creation; LastModifiedDate and SystemModstamp of a row agree. */
void
gen_modified(const sim_gen *g, sim_cell *out)
{
	uint64_t h = mix((uint64_t) g->row ^ 0x5eed);

	set_int(out, (created_seconds(g) + (int64_t) (h % 4 == 0 ? 0 : h % 8000000)) * 1000);
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
	int slot = awkward_slot(g, n);

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
		set_int(out, day);
	else if (!is_null(g, 2))
		set_int(out, 17532 + (int64_t) (g->hash % 3650));
}

void
gen_date(const sim_gen *g, sim_cell *out)
{
	if (!is_null(g, 50))
		gen_close_date(g, out);
}

void
gen_birthdate(const sim_gen *g, sim_cell *out)
{
	int64_t day;

	if (boundary_day(g, &day))
		set_int(out, day);
	else if (!is_null(g, 40))
		set_int(out, -9000 + (int64_t) (g->hash % 22000));
}

void
gen_datetime(const sim_gen *g, sim_cell *out)
{
	int64_t day;

	if (boundary_day(g, &day))
	{
		/* midnight, the last second of the day, or milliseconds */
		static const int64_t clock[] = {0, 86399000, 43200123};

		set_int(out, day * MS_PER_DAY + clock[g->hash % 3]);
	}
	else if (!is_null(g, 25))
		set_int(out, (CREATED_FROM + (int64_t) (g->hash % 400000000)) * 1000);
}

void
gen_time(const sim_gen *g, sim_cell *out)
{
	static const int64_t odd[] = {0, 86399999, 43200000, 1, 3600000};
	int slot = awkward_slot(g, 5);

	if (slot >= 0)
		set_int(out, odd[slot]);
	else if (!is_null(g, 25))
		set_int(out, (int64_t) (g->hash % 86400) * 1000);
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
	int slot = awkward_slot(g, (int) (sizeof(odd) / sizeof(odd[0])));

	if (slot < 0)
		return false;
	set_real(out, to_scale(g, odd[slot]));
	return true;
}

void
gen_money(const sim_gen *g, sim_cell *out)
{
	if (awkward_number(g, out) || is_null(g, 8))
		return;
	/* cents; one amount in thirty is large, one in fifty a credit note */
	out->i = (int64_t) (g->hash % ((g->hash >> 50) % 30 == 0 ? 2500000000u : 99999900u)) + 100;
	if ((g->hash >> 45) % 50 == 0)
		out->i = -out->i;
	set_real(out, (double) out->i / 100);
}

void
gen_revenue(const sim_gen *g, sim_cell *out)
{
	if (awkward_number(g, out) || is_null(g, 15))
		return;
	set_real(out, (double) (g->hash % 500000 * 1000));
}

void
gen_percent(const sim_gen *g, sim_cell *out)
{
	if (!is_null(g, 10))
		set_real(out, to_scale(g, (double) (g->hash % 10001) / 100));
}

void
gen_percent_steps(const sim_gen *g, sim_cell *out)
{
	set_real(out, (double) (g->hash % 11 * 10));
}

void
gen_double(const sim_gen *g, sim_cell *out)
{
	if (!awkward_number(g, out) && !is_null(g, 20))
		set_real(out, to_scale(g, (double) (g->hash % 1000000000) / 4096));
}

void
gen_int(const sim_gen *g, sim_cell *out)
{
	static const int64_t odd[] = {0,		  -1,  1,		   10000000,	   999999999,
								  -999999999, 100, 2147483647, -2147483647 - 1};
	int slot = awkward_slot(g, 9);

	if (slot >= 0)
		set_int(out, odd[slot]);
	else if (!is_null(g, 10))
		set_int(out, (int64_t) (g->hash % 100000));
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
	int slot = awkward_slot(g, 4);

	if (slot >= 0)
		set_int(out, slot % 2 ? INT64_C(9007199254740993) : -INT64_C(4294967297));
	else
		set_int(out, g->row + 1);
}

void
gen_bool(const sim_gen *g, sim_cell *out)
{
	set_int(out, g->hash % 3 == 0);
}

/* Active users: all but every seventh, and never the first one, who logs in. */
void
gen_true(const sim_gen *g, sim_cell *out)
{
	set_int(out, g->row % 7 != 6);
}

void
gen_latitude(const sim_gen *g, sim_cell *out)
{
	/* both halves of a position are null in the same rows */
	if (g->row % 3 != 0)
		set_real(out, (double) (int64_t) (g->hash % 180000001) / 1e6 - 90);
}

void
gen_longitude(const sim_gen *g, sim_cell *out)
{
	if (g->row % 3 != 0)
		set_real(out, (double) (int64_t) (g->hash % 360000001) / 1e6 - 180);
}

/* ---------------------------------------------------------------- short text */

void
gen_company(const sim_gen *g, sim_cell *out)
{
	if (awkward_text(g, out) || is_null(g, 5))
		return;
	begin(out);
	add(out, word(g, &sim_words_company, 0));
	add(out, " ");
	add(out, word(g, &sim_words_suffix, 8));
	add(out, " ");
	add_number(out, (uint64_t) g->row, 1);
}

void
gen_invoice_name(const sim_gen *g, sim_cell *out)
{
	unsigned odd = (unsigned) (g->hash >> 30) % 100;

	if (awkward_text(g, out))
		return;
	begin(out);
	if (odd < 3)
		add(out, "\"");
	add(out, word(g, &sim_words_company, 0));
	add(out, odd == 4 ? "\n" : " ");
	add(out, word(g, &sim_words_suffix, 8));
	if (odd < 3)
		add(out, "\"");
	add(out, odd == 5 || odd == 6 ? ", " : " ");
	add(out, word(g, &sim_words_noun, 16));
	add(out, " for ");
	add(out, word(g, &sim_words_city, 22));
	add(out, " ");
	add_number(out, (uint64_t) g->row, 7);
}

void
gen_deal(const sim_gen *g, sim_cell *out)
{
	if (awkward_text(g, out))
		return;
	begin(out);
	add(out, word(g, &sim_words_company, 0));
	add(out, " - ");
	add(out, word(g, &sim_words_noun, 8));
	add(out, " ");
	add_number(out, (uint64_t) g->row, 4);
}

void
gen_first_name(const sim_gen *g, sim_cell *out)
{
	if (!awkward_text(g, out) && !is_null(g, 10))
		set_text(out, word(g, &sim_words_first, 0));
}

void
gen_last_name(const sim_gen *g, sim_cell *out)
{
	if (!awkward_text(g, out))
		set_text(out, word(g, &sim_words_last, 0));
}

void
gen_words(const sim_gen *g, sim_cell *out)
{
	if (awkward_text(g, out) || is_null(g, 30))
		return;
	begin(out);
	add(out, word(g, &sim_words_noun, 0));
	add(out, " ");
	add(out, word(g, &sim_words_suffix, 8));
}

/* Lower-case ASCII letters of a name; other characters are left out, as mail systems do. */
static void
add_mail_name(sim_cell *out, const char *name)
{
	for (; *name != '\0'; name++)
	{
		char c = (char) (*name | 0x20);

		if (c >= 'a' && c <= 'z')
			out->buf[out->len++] = c;
	}
}

void
gen_email(const sim_gen *g, sim_cell *out)
{
	static const char *const domain[] = {"@mail.example.com", "@customers.example.org",
										 "@customers.example.net", "@Sales.Example.com"};

	if (is_null(g, 4))
		return;
	begin(out);
	add_mail_name(out, word(g, &sim_words_first, 0));
	add(out, g->hash >> 59 & 1 ? "." : "_");
	add_mail_name(out, word(g, &sim_words_last, 6));
	if (g->hash >> 60 == 0)
		add(out, "o'brien");
	add_number(out, (g->hash >> 12) % 100000000, 8);
	add(out, domain[g->hash >> 36 & 3]);
}

void
gen_phone(const sim_gen *g, sim_cell *out)
{
	if (awkward_slot(g, 4) == 1)
	{
		set_text(out, "+49 (0)30 \"123\" ext. 4");
		return;
	}
	if (is_null(g, 8))
		return;
	begin(out);
	add(out, "(");
	add_number(out, 200 + g->hash % 800, 3);
	add(out, ") ");
	add_number(out, (g->hash >> 16) % 1000, 3);
	add(out, "-");
	add_number(out, (g->hash >> 32) % 10000, 4);
}

void
gen_url(const sim_gen *g, sim_cell *out)
{
	if (is_null(g, 30))
		return;
	begin(out);
	add(out, g->hash & 1 ? "https://www.example.com/c/" : "http://example.org/?q=a%20b&id=");
	add_number(out, (g->hash >> 8) % 1000000, 1);
}

void
gen_street(const sim_gen *g, sim_cell *out)
{
	if (is_null(g, 10))
		return;
	begin(out);
	add_number(out, g->hash % 999 + 1, 1);
	add(out, " ");
	add(out, word(g, &sim_words_street, 16));
	if ((g->hash >> 36) % 10 == 0)
		add(out, "\nSuite 4, \"B\"");
}

void
gen_city(const sim_gen *g, sim_cell *out)
{
	if (!is_null(g, 10))
		set_text(out, word(g, &sim_words_city, 0));
}

void
gen_state(const sim_gen *g, sim_cell *out)
{
	if (!is_null(g, 30))
		set_text(out, word(g, &sim_words_state, 0));
}

void
gen_country(const sim_gen *g, sim_cell *out)
{
	if (!is_null(g, 10))
		set_text(out, word(g, &sim_words_country, 0));
}

/* Digits that must stay text: leading zeros are common. */
void
gen_postcode(const sim_gen *g, sim_cell *out)
{
	if (is_null(g, 15))
		return;
	begin(out);
	add_number(out, g->hash % 100000, 5);
}

void
gen_code(const sim_gen *g, sim_cell *out)
{
	if (awkward_text(g, out) || is_null(g, 20))
		return;
	begin(out);
	add(out, g->hash & 1 ? "AC" : "ac");
	add_number(out, g->hash % 1000000, 1);
}

void
gen_alias(const sim_gen *g, sim_cell *out)
{
	if (is_null(g, 50))
		return;
	begin(out);
	for (int i = 0; i < 4; i++)
		out->buf[out->len++] = (char) ('A' + (g->hash >> (8 * i)) % 26);
}

void
gen_username(const sim_gen *g, sim_cell *out)
{
	begin(out);
	if (g->row == 0)
	{
		add(out, "admin@sfsim.example.com");
		return;
	}
	add(out, "user");
	add_number(out, (uint64_t) g->row, 2);
	add(out, "@sfsim.example.com");
}

/* Unique whatever the case; the case itself varies. */
void
gen_key_ci(const sim_gen *g, sim_cell *out)
{
	static const char *const start[] = {"EXT-", "Ext-", "ext-"};

	if (g->row % 50 == 49)
		return;
	begin(out);
	add(out, start[g->hash % 3]);
	add_number(out, (uint64_t) g->row, 7);
}

/* Unique only when the case counts: neighbours differ in nothing else. */
void
gen_key_cs(const sim_gen *g, sim_cell *out)
{
	if (g->row % 50 == 49)
		return;
	begin(out);
	add(out, g->row & 1 ? "KEY-" : "key-");
	add_number(out, (uint64_t) g->row / 2, 7);
}

/* What the API shows of an encrypted field. */
void
gen_secret(const sim_gen *g, sim_cell *out)
{
	if (is_null(g, 50))
		return;
	begin(out);
	add(out, "************");
	add_number(out, g->hash % 10000, 4);
}

/* ---------------------------------------------------------------- picklists */

static void
pick(const sim_gen *g, sim_cell *out)
{
	uint64_t n = 0;

	while (g->field->values[n] != NULL)
		n++;
	set_text(out, g->field->values[g->hash % n]);
}

/* An unrestricted list also has values that nobody set up, and some in another case. */
void
gen_pick(const sim_gen *g, sim_cell *out)
{
	int slot = g->field->flags & SF_RESTRICTED ? -1 : awkward_slot(g, 12);

	if (slot >= 0 && slot < 4)
	{
		static const char *const odd[] = {"inactive value", "a, \"b\"", "OTHER", "ünlisted"};

		set_text(out, odd[slot]);
	}
	else if (!is_null(g, 15))
		pick(g, out);
}

void
gen_pick_required(const sim_gen *g, sim_cell *out)
{
	pick(g, out);
}

/* The first value of a list, or the one of the row's number for small setup objects. */
void
gen_constant(const sim_gen *g, sim_cell *out)
{
	int64_t n = 0;

	while (g->field->values[n] != NULL)
		n++;
	set_text(out, g->field->values[g->field->flags & SF_NAME ? g->row % n : 0]);
}

/* Up to three different values, in setup order. */
void
gen_multi(const sim_gen *g, sim_cell *out)
{
	uint64_t bits = g->hash & (g->hash >> 9) & 0x7f;

	if (bits == 0)
		return;
	begin(out);
	for (int i = 0; g->field->values[i] != NULL; i++)
	{
		if (!(bits >> i & 1))
			continue;
		if (out->len > 0)
			add(out, ";");
		add(out, g->field->values[i]);
	}
}

/* ---------------------------------------------------------------- long text */

/* " (ref K3F90TQ2X7)": real notes hold names and numbers, which no dictionary compresses. */
static void
add_reference(sim_cell *out, uint64_t h)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	add(out, " (ref ");
	for (int i = 0; i < 10; i++)
	{
		out->buf[out->len++] = digits[h % 36];
		h /= 36;
	}
	add(out, ")");
}

static void
sentences(const sim_gen *g, sim_cell *out, size_t wanted)
{
	uint64_t h = g->hash;

	while (out->len < wanted)
	{
		const sim_words *list = &sim_words_prose;

		if (out->len > 0)
			add(out, h >> 60 == 0 ? ".\n" : ", ");
		add(out, list->word[(h >> 20) % (uint64_t) list->n]);
		h = mix(h);
		if ((h & 3) != 0)
			add_reference(out, h >> 8);
	}
}

/* About 120 characters; 30 % null. */
void
gen_prose(const sim_gen *g, sim_cell *out)
{
	int slot = awkward_slot(g, sim_words_awkward_long.n * 2);

	if (slot >= 0 && slot < sim_words_awkward_long.n)
	{
		set_text(out, sim_words_awkward_long.word[slot]);
		return;
	}
	if (awkward_text(g, out) || is_null(g, 30))
		return;
	begin(out);
	sentences(g, out, 120);
}

/* Few rows have it, and up to 900 characters. */
void
gen_long_prose(const sim_gen *g, sim_cell *out)
{
	int slot = awkward_slot(g, sim_words_awkward_long.n);

	if (slot >= 0)
	{
		set_text(out, sim_words_awkward_long.word[slot]);
		return;
	}
	if (is_null(g, 80))
		return;
	begin(out);
	sentences(g, out, 40 + g->hash % (g->row < 1000 ? 800 : 100));
}

void
gen_html(const sim_gen *g, sim_cell *out)
{
	if (is_null(g, 70))
		return;
	begin(out);
	add(out, "<p style=\"color: red\">");
	sentences(g, out, 60);
	add(out, " &amp; more</p><br>");
}

/* Bytes that are no text. */
void
gen_blob(const sim_gen *g, sim_cell *out)
{
	size_t len = g->hash % 64;

	if (g->row % 4 != 0)
		return;
	out->kind = SIM_CELL_BLOB;
	out->text = out->buf;
	out->len = len;
	for (size_t i = 0; i < len; i++)
		out->buf[i] = (char) (mix(g->hash + i) & 0xff);
}
