/*
 * store_derive.c
 *		Values that Salesforce fills in itself: defaults, owner, automatic numbers, system fields,
 *		and fields that follow from others.
 */
#include "store_int.h"
#include "calendar.h"
#include "clock.h"

#include <stdio.h>
#include <string.h>

void
store_set_int(store_plan *p, int field, int64_t i)
{
	if (field < 0)
		return;
	p->cell[field] = (store_cell){.kind = STORE_INT, .i = i};
	p->changed[field] = true;
}

void
store_set_real(store_plan *p, int field, double d)
{
	if (field < 0)
		return;
	p->cell[field] = (store_cell){.kind = STORE_REAL, .d = d};
	p->changed[field] = true;
}

void
store_set_text(store_plan *p, int field, const char *text, size_t len)
{
	if (field < 0)
		return;
	p->cell[field] = (store_cell){.kind = STORE_TEXT, .text = text, .len = len};
	p->changed[field] = true;
}

/* ---------------------------------------------------------------- new rows */

/*
 * The next automatic number looks like the one before it: the same text around the last run of
 * digits, as many digits.
 */
static bool
auto_number(sim_txn *t, store_plan *p, int field, sim_error *err)
{
	const sim_field *f = &p->obj->fields[field];
	char key[192];
	char *text = store_alloc(&t->store->arena, 64);
	int64_t next = 1;
	bool found;

	if (text == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	snprintf(key, sizeof(key), "auto:%s.%s", p->obj->name, f->name);
	if (!store_meta_get(t, key, &next, &found, err))
		return false;
	if (!found && !store_last_number(t, p, field, &next, err))
		return false;
	snprintf(text, 64,
			 sim_field_is_custom(f) || strcmp(f->name, "Name") == 0 ? "%05lld" : "%08lld",
			 (long long) next);
	store_set_text(p, field, text, strlen(text));
	return store_meta_put(t, key, next + 1, err);
}

bool
store_last_number(sim_txn *t, store_plan *p, int field, int64_t *next, sim_error *err)
{
	sim_buf sql = {0};
	sqlite3_stmt *st = NULL;
	bool ok;

	sim_buf_printf(&sql, "SELECT max(CAST(\"%s\" AS INTEGER)) FROM \"%s\"",
				   p->obj->fields[field].name, p->obj->name);
	ok = !sql.failed && sqlite3_prepare_v2(t->db, sql.data, -1, &st, NULL) == SQLITE_OK &&
		 sqlite3_step(st) == SQLITE_ROW;
	*next = ok ? sqlite3_column_int64(st, 0) + 1 : 1;
	if (!ok)
		store_failed(t, err);
	sqlite3_finalize(st);
	sim_buf_free(&sql);
	return ok;
}

/* A custom object's row that was given no name is called by its id, 15 characters of it. */
static bool
default_name(sim_txn *t, store_plan *p, int64_t number, sim_error *err)
{
	char *id;

	if (p->name < 0 || p->cell[p->name].kind != STORE_NULL ||
		p->obj->fields[p->name].sql != NULL || !store_is_custom(p->obj))
		return true;
	id = store_alloc(&t->store->arena, SIM_ID_SIZE);
	if (id == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	sim_id_make(p->obj->prefix, number, id);
	store_set_text(p, p->name, id, 15);
	return true;
}

bool
store_defaults(sim_txn *t, store_plan *p, int64_t number, sim_error *err)
{
	for (int i = 0; i < p->nstored; i++)
	{
		int field = p->stored[i];
		const sim_field *f = &p->obj->fields[field];
		const char *preset;
		sim_in in = {.field = f, .kind = SIM_IN_TEXT};

		if (f->flags & SF_AUTONUMBER)
		{
			if (!auto_number(t, p, field, err))
				return false;
			continue;
		}
		if (p->given[field] || p->cell[field].kind != STORE_NULL)
			continue;
		preset = store_preset(f);
		if (preset == NULL)
			continue;
		in.text = preset;
		in.len = strlen(preset);
		if (!store_convert(&t->store->arena, p->obj, &in, &p->cell[field], err))
			return false;
	}
	if (p->owner >= 0 && p->cell[p->owner].kind == STORE_NULL)
		store_set_int(p, p->owner,
					  store_ref_pack(&p->obj->fields[p->owner], sim_object_find("User"),
									 sim_org_user_number(t->store->org)));
	return default_name(t, p, number, err);
}

/* ---------------------------------------------------------------- system fields */

void
store_stamps(sim_txn *t, store_plan *p, bool insert)
{
	int64_t now = sim_floor_div(sim_clock_now(), 1000) * 1000;
	int64_t user = sim_org_user_number(t->store->org);

	if (insert)
	{
		store_set_int(p, p->created, now);
		store_set_int(p, p->created_by, user);
		store_set_int(p, p->deleted, 0);
	}
	store_set_int(p, p->modified, now);
	store_set_int(p, p->modified_by, user);
	store_set_int(p, p->stamp, now);
}

/* ---------------------------------------------------------------- fields that follow from others */

/* Probability of the stages that come with an org. */
static const struct
{
	const char *stage;
	double probability;
} stages[] = {{"Prospecting", 10},			{"Qualification", 10},
			  {"Needs Analysis", 20},		{"Value Proposition", 50},
			  {"Id. Decision Makers", 60},	{"Perception Analysis", 70},
			  {"Proposal/Price Quote", 75}, {"Negotiation/Review", 90},
			  {"Closed Won", 100},			{"Closed Lost", 0}};

static bool
cell_is(const store_cell *cell, const char *text)
{
	return cell->kind == STORE_TEXT && cell->len == strlen(text) &&
		   memcmp(cell->text, text, cell->len) == 0;
}

/* A stage brings its probability along, unless the client sets one. */
static void
derive_opportunity(store_plan *p)
{
	int stage = store_field_no(p->obj, "StageName");
	int probability = store_field_no(p->obj, "Probability");

	if (stage < 0 || probability < 0 || !p->given[stage] ||
		(p->given[probability] && p->cell[probability].kind != STORE_NULL))
		return;
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
	{
		if (cell_is(&p->cell[stage], stages[i].stage))
			store_set_real(p, probability, stages[i].probability);
	}
}

bool
store_derives(const store_plan *p)
{
	return strcmp(p->obj->name, "Opportunity") == 0;
}

bool
store_derive(sim_txn *t, store_plan *p, const store_cell *old, sim_error *err)
{
	(void) t;
	(void) old;
	(void) err;
	derive_opportunity(p);
	return true;
}
