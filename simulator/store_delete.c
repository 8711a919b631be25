/*
 * store_delete.c
 *		Delete and undelete: the recycle bin, cascades, references that are cleared.
 *
 * What goes together is a batch: its rows are in __bin, the references that were cleared in
 * __cleared, so that undelete brings all of it back.
 */
#include "store_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deepest chain of parents and children; more is a loop. */
#define DEPTH_MAX 64

static bool
bin_tables(sim_txn *t, sim_error *err)
{
	if (t->store->bin_ready)
		return true;
	if (!store_exec(t,
					"CREATE TABLE IF NOT EXISTS __bin (slot INTEGER, row INTEGER, batch "
					"INTEGER, root INTEGER, PRIMARY KEY (slot, row)) WITHOUT ROWID;"
					"CREATE INDEX IF NOT EXISTS __bin_batch ON __bin (batch);"
					"CREATE TABLE IF NOT EXISTS __cleared (batch INTEGER, slot INTEGER, row "
					"INTEGER, field TEXT, value INTEGER);"
					"CREATE INDEX IF NOT EXISTS __cleared_batch ON __cleared (batch);",
					err))
		return false;
	t->store->bin_ready = true;
	t->at_risk = true;
	return true;
}

/* One statement with up to five numbers. */
static bool
run_numbers(sim_txn *t, const char *sql, const int64_t *values, int n, sim_error *err)
{
	sqlite3_stmt *st = NULL;
	bool ok = sqlite3_prepare_v2(t->db, sql, -1, &st, NULL) == SQLITE_OK;

	for (int i = 0; ok && i < n; i++)
		ok = sqlite3_bind_int64(st, i + 1, values[i]) == SQLITE_OK;
	if (!ok)
		store_failed(t, err);
	else
		ok = store_run(t, st, err);
	sqlite3_finalize(st);
	return ok;
}

/* Mark a row as deleted or not; its counters follow. */
static bool
set_deleted(sim_txn *t, store_plan *p, int64_t number, bool deleted, sim_error *err)
{
	memset(p->changed, 0, sizeof(*p->changed) * (size_t) p->obj->nfields);
	memset(p->given, 0, sizeof(*p->given) * (size_t) p->obj->nfields);
	store_stamps(t, p, false);
	store_set_int(p, p->deleted, deleted);
	if (!store_update_row(t, p, number, err))
		return false;
	t->counts.live[p->slot] += deleted ? -1 : 1;
	t->counts.deleted[p->slot] += deleted ? 1 : -1;
	return store_after(t, p, number, false, err);
}

/* References that keep a row from going, unless their own rows go, too: looked at when all is gone. */
typedef struct objection
{
	const sim_object *parent;
	int64_t number;
	store_plan *child;
	int field;
	store_cell value;
} objection;

typedef struct removal
{
	sim_txn *t;
	int64_t batch;
	bool hard;
	objection *objections;
	int n;
	int cap;
	const objection *upheld; /* NULL: the rows may go */
	sim_error *err;
} removal;

static bool remove_row(removal *r, store_plan *p, int64_t number, int depth);

static bool
erase(removal *r, store_plan *p, int64_t number)
{
	sim_buf sql = {0};
	int64_t bin[] = {p->slot, number};
	int state = store_row_state(r->t, p, number, r->err);
	bool ok;

	if (state <= 0)
		return state == 0;
	if (!store_after(r->t, p, number, true, r->err))
		return false;
	sim_buf_printf(&sql, "DELETE FROM \"%s\" WHERE \"Id\" = ?1", p->obj->name);
	ok = sql.failed ? sim_error_set(r->err, "UNKNOWN_EXCEPTION", "out of memory")
					: run_numbers(r->t, sql.data, &number, 1, r->err);
	sim_buf_free(&sql);
	if (!ok)
		return false;
	if (state == 2)
		r->t->counts.deleted[p->slot]--;
	else
		r->t->counts.live[p->slot]--;
	r->t->counts.touched[p->slot] = true;
	return run_numbers(r->t, "DELETE FROM __bin WHERE slot = ?1 AND row = ?2", bin, 2, r->err);
}

/* Children are taken in portions, so that there may be any number. */
#define PORTION 256

/* A reference to a row that goes is cleared; the bin remembers it. */
static bool
clear_reference(removal *r, store_plan *p, int field, int64_t row, int64_t value)
{
	static const char remember[] = "INSERT INTO __cleared (batch, slot, row, field, value) "
								   "VALUES (?1, ?2, ?3, ?4, ?5)";
	sqlite3_stmt *st = NULL;
	bool ok = true;

	if (!r->hard)
	{
		ok = sqlite3_prepare_v2(r->t->db, remember, -1, &st, NULL) == SQLITE_OK &&
			 sqlite3_bind_int64(st, 1, r->batch) == SQLITE_OK &&
			 sqlite3_bind_int(st, 2, p->slot) == SQLITE_OK &&
			 sqlite3_bind_int64(st, 3, row) == SQLITE_OK &&
			 sqlite3_bind_text(st, 4, p->obj->fields[field].name, -1, SQLITE_STATIC) ==
				 SQLITE_OK &&
			 sqlite3_bind_int64(st, 5, value) == SQLITE_OK;
		ok = ok ? store_run(r->t, st, r->err) : store_failed(r->t, r->err);
		sqlite3_finalize(st);
	}
	if (!ok)
		return false;
	memset(p->changed, 0, sizeof(*p->changed) * (size_t) p->obj->nfields);
	p->changed[field] = true;
	p->cell[field] = (store_cell){0};
	return store_update_row(r->t, p, row, r->err);
}

/* Remember to look whether these rows are still there. */
static bool
object_to(removal *r, const sim_object *parent, int64_t number, store_plan *child, int field,
		  const store_cell *value)
{
	if (r->n == r->cap)
	{
		int cap = r->cap ? r->cap * 2 : 8;
		objection *more = realloc(r->objections, sizeof(*more) * (size_t) cap);

		if (more == NULL)
			return sim_error_set(r->err, "UNKNOWN_EXCEPTION", "out of memory");
		r->objections = more;
		r->cap = cap;
	}
	r->objections[r->n++] = (objection){parent, number, child, field, *value};
	return true;
}

/* What a row is called: "Mr. Josh Davis", "00001005". */
static void
row_name(sim_txn *t, store_plan *p, int64_t number, char *out, size_t size)
{
	store_cell *cells =
		store_alloc(&t->store->arena, sizeof(*cells) * (size_t) p->obj->nfields);
	int salutation = store_field_no(p->obj, "Salutation");
	const store_cell *name;

	sim_id_make(p->obj->prefix, number, out);
	if (cells == NULL || p->name < 0 || size < SIM_ID_SIZE ||
		!store_fetch(t, p, number, cells, NULL) || cells[p->name].kind != STORE_TEXT)
		return;
	name = &cells[p->name];
	if (salutation >= 0 && cells[salutation].kind == STORE_TEXT)
		snprintf(out, size, "%.*s %.*s", (int) cells[salutation].len, cells[salutation].text,
				 (int) name->len, name->text);
	else
		snprintf(out, size, "%.*s", (int) name->len, name->text);
}

/* Most rows that are named as the cause. */
#define CAUSES 10

/* Said when the rows are back, so that they can be named. */
static bool
refuse(removal *r)
{
	const objection *o = r->upheld;
	int64_t found[CAUSES];
	int n = store_find(r->t, o->child, o->field, &o->value, found, CAUSES, r->err);
	char names[900] = "";
	char parent[300];
	char label[80];
	store_plan *p = store_plan_of(r->t, o->parent, r->err);
	size_t len = 0;

	if (p == NULL || n < 0)
		return false;
	row_name(r->t, p, o->number, parent, sizeof(parent));
	for (int i = 0; i < n && len < sizeof(names) - 100; i++)
	{
		char name[80];

		row_name(r->t, o->child, found[i], name, sizeof(name));
		len +=
			(size_t) snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "", name);
	}
	store_lower(o->child->obj->plural, label, sizeof(label));
	return sim_error_set(r->err, "DELETE_FAILED",
						 "Your attempt to delete %s could not be completed because it is "
						 "associated with the following %s.: %s\n",
						 parent, label, names);
}

/* Whoever objects and is still there wins. */
static bool
hear_objections(removal *r)
{
	for (int i = 0; i < r->n; i++)
	{
		const objection *o = &r->objections[i];
		int64_t found;
		int n = store_find(r->t, o->child, o->field, &o->value, &found, 1, r->err);

		if (n > 0)
			r->upheld = o;
		if (n != 0)
			return false;
	}
	return true;
}

/* Rows of one object that reference the row through one field. */
static bool
remove_children(removal *r, const store_plan *parent, int64_t number, const sim_object *child,
				int field, int depth)
{
	const sim_field *f = &child->fields[field];
	store_plan *p = store_plan_of(r->t, child, r->err);
	store_cell value = {.kind = STORE_INT, .i = store_ref_pack(f, parent->obj, number)};
	store_fate fate = store_fate_of(f);
	int64_t found[PORTION];
	int n;

	if (p == NULL)
		return false;
	while ((n = store_find(r->t, p, field, &value, found, PORTION, r->err)) > 0)
	{
		if (fate == STORE_RESTRICT)
			return object_to(r, parent->obj, number, p, field, &value);
		for (int i = 0; i < n; i++)
		{
			if (fate == STORE_CASCADE ? !remove_row(r, p, found[i], depth + 1)
									  : !clear_reference(r, p, field, found[i], value.i))
				return false;
		}
	}
	return n == 0;
}

static bool
remove_row(removal *r, store_plan *p, int64_t number, int depth)
{
	int64_t bin[] = {p->slot, number, r->batch, depth == 0};
	int nobjects;
	const sim_object *const *list = sim_object_list(&nobjects);

	if (depth > DEPTH_MAX)
		return sim_error_set(r->err, "DELETE_FAILED", "Too many levels of details");

	/* first the row, so that a loop of references ends */
	if (r->hard || p->deleted < 0 ? !erase(r, p, number)
								  : !set_deleted(r->t, p, number, true, r->err))
		return false;
	if (!r->hard &&
		!run_numbers(r->t,
					 "INSERT OR REPLACE INTO __bin (slot, row, batch, root) VALUES (?1, ?2, "
					 "?3, ?4)",
					 bin, 4, r->err))
		return false;
	for (int i = 0; i < nobjects; i++)
	{
		if (!sim_object_queryable(list[i]))
			continue;
		for (int k = 0; k < list[i]->nfields; k++)
		{
			const sim_field *f = &list[i]->fields[k];

			if (f->type == SIM_T_REFERENCE && sim_field_refers_to(f, p->obj) &&
				f->sql == NULL && !remove_children(r, p, number, list[i], k, depth))
				return false;
		}
	}
	return true;
}

/* The object and number of a row to delete or undelete. */
static store_plan *
row_of(sim_txn *t, const char *id, int64_t *number, sim_error *err)
{
	char full[SIM_ID_SIZE];
	const sim_object *obj = NULL;
	store_plan *p;

	if (id != NULL && sim_id_normalise(id, strlen(id), full))
		obj = sim_object_by_prefix(full);
	else
	{
		sim_error_set(err, "MALFORMED_ID", "malformed id %.100s", id == NULL ? "" : id);
		return NULL;
	}
	if (obj == NULL || !sim_object_queryable(obj))
	{
		sim_error_set(err, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
		return NULL;
	}
	*number = sim_id_number(full, SIM_ID_LEN, obj->prefix);
	p = *number < 0 ? NULL : store_plan_of(t, obj, err);
	if (*number < 0)
		sim_error_set(err, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
	return p;
}

static bool
next_batch(sim_txn *t, int64_t *batch, sim_error *err)
{
	bool found;

	*batch = 1;
	return store_meta_get(t, "bin", batch, &found, err) &&
		   store_meta_put(t, "bin", *batch + 1, err);
}

/* The indexes by which children are found are made before anything is written. */
static bool
index_children(sim_txn *t, const sim_object *parent, sim_error *err)
{
	int n;
	const sim_object *const *list = sim_object_list(&n);

	for (int i = 0; i < n; i++)
	{
		if (!sim_object_queryable(list[i]))
			continue;
		for (int k = 0; k < list[i]->nfields; k++)
		{
			const sim_field *f = &list[i]->fields[k];
			store_plan *p;

			if (f->type != SIM_T_REFERENCE || f->sql != NULL ||
				!sim_field_refers_to(f, parent))
				continue;
			p = store_plan_of(t, list[i], err);
			if (p == NULL || !store_index(t, p, k, err))
				return false;
		}
	}
	return true;
}

/* All that goes together, or nothing. */
static bool
remove_tree(sim_txn *t, store_plan *p, int64_t number, bool hard, sim_error *err)
{
	removal r = {.t = t, .hard = hard, .err = err};
	bool ok;

	if (!bin_tables(t, err) || !index_children(t, p->obj, err) || !store_save(t, err))
		return false;
	ok = next_batch(t, &r.batch, err) && remove_row(&r, p, number, 0) && hear_objections(&r);
	store_unsave(t, ok);
	if (r.upheld != NULL)
		refuse(&r);
	free(r.objections);
	return ok;
}

bool
sim_delete(sim_txn *t, const char *id, bool hard, sim_error *err)
{
	int64_t number;
	store_plan *p;
	int state;
	sim_write w = {0};

	store_arena_reset(&t->store->arena);
	p = row_of(t, id, &number, err);
	if (p == NULL)
		return false;
	w.object = p->obj;
	w.id = id;
	if (!store_hook(t, hard ? "hardDelete" : "delete", &w, err))
		return false;
	if (!(p->obj->flags & SO_DELETABLE))
		return sim_error_set(err, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
							 "entity type cannot be deleted: %s", p->obj->label);
	state = store_row_state(t, p, number, err);
	if (state < 0)
		return false;
	if (state == 0)
		return sim_error_set(err, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
	if (state == 2 && !hard)
		return sim_error_set(err, "ENTITY_IS_DELETED", "entity is deleted");
	return store_check_lock(t, p->obj, number, false, err) &&
		   remove_tree(t, p, number, hard, err);
}

/* ---------------------------------------------------------------- undelete */

/* The batch that a row was deleted with; 0: it was made deleted, or its batch is forgotten. */
static int64_t
batch_of(sim_txn *t, int slot, int64_t number, bool *root)
{
	sqlite3_stmt *st = NULL;
	int64_t batch = 0;

	*root = true;
	if (sqlite3_prepare_v2(t->db, "SELECT batch, root FROM __bin WHERE slot = ?1 AND row = ?2",
						   -1, &st, NULL) == SQLITE_OK &&
		sqlite3_bind_int(st, 1, slot) == SQLITE_OK &&
		sqlite3_bind_int64(st, 2, number) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
	{
		batch = sqlite3_column_int64(st, 0);
		*root = sqlite3_column_int(st, 1) != 0;
	}
	sqlite3_finalize(st);
	return batch;
}

static const sim_object *
object_in_slot(int slot)
{
	int n;
	const sim_object *const *list = sim_object_list(&n);

	for (int i = 0; i < n; i++)
	{
		if (sim_object_index(list[i]) == slot)
			return list[i];
	}
	return NULL;
}

/* A row comes back unless another one has taken a unique value of it. */
static bool
bring_back(sim_txn *t, store_plan *p, int64_t number, sim_error *err)
{
	if (!store_fetch(t, p, number, p->cell, err))
		return false;
	memset(p->given, 0, sizeof(*p->given) * (size_t) p->obj->nfields);
	for (int i = 0; i < p->obj->nfields; i++)
		p->changed[i] = (p->obj->fields[i].flags & SF_UNIQUE) != 0;
	return store_check_unique(t, p, number, err) && set_deleted(t, p, number, false, err);
}

static bool
restore_rows(sim_txn *t, int64_t batch, sim_error *err)
{
	sqlite3_stmt *st = NULL;
	bool ok = sqlite3_prepare_v2(t->db, "SELECT slot, row FROM __bin WHERE batch = ?1", -1,
								 &st, NULL) == SQLITE_OK &&
			  sqlite3_bind_int64(st, 1, batch) == SQLITE_OK;
	int rc = SQLITE_DONE;

	if (!ok)
		store_failed(t, err);
	while (ok && (rc = sqlite3_step(st)) == SQLITE_ROW)
	{
		const sim_object *obj = object_in_slot(sqlite3_column_int(st, 0));
		store_plan *p = obj == NULL ? NULL : store_plan_of(t, obj, err);
		int64_t number = sqlite3_column_int64(st, 1);
		int state = p == NULL ? 0 : store_row_state(t, p, number, err);

		ok = state >= 0 && (state != 2 || bring_back(t, p, number, err));
	}
	if (ok && rc != SQLITE_DONE)
		ok = store_failed(t, err);
	sqlite3_finalize(st);
	return ok;
}

/* References that were cleared and have not been set since. */
static bool
restore_references(sim_txn *t, int64_t batch, sim_error *err)
{
	sqlite3_stmt *st = NULL;
	bool ok = sqlite3_prepare_v2(
				  t->db, "SELECT slot, row, field, value FROM __cleared WHERE batch = ?1", -1,
				  &st, NULL) == SQLITE_OK &&
			  sqlite3_bind_int64(st, 1, batch) == SQLITE_OK;

	if (!ok)
		store_failed(t, err);
	while (ok && sqlite3_step(st) == SQLITE_ROW)
	{
		const sim_object *obj = object_in_slot(sqlite3_column_int(st, 0));
		int64_t values[] = {sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 3)};
		const char *name = (const char *) sqlite3_column_text(st, 2);
		const sim_field *f =
			obj == NULL || name == NULL ? NULL : sim_field_find_any(obj, name);
		sim_buf sql = {0};

		if (f == NULL)
			continue;
		sim_buf_printf(&sql,
					   "UPDATE \"%s\" SET \"%s\" = ?2 WHERE \"Id\" = ?1 AND \"%s\" IS NULL",
					   obj->name, f->name, f->name);
		ok = !sql.failed && run_numbers(t, sql.data, values, 2, err);
		t->counts.touched[sim_object_index(obj)] = true;
		sim_buf_free(&sql);
	}
	sqlite3_finalize(st);
	return ok;
}

static bool
undelete_in_savepoint(sim_txn *t, store_plan *p, int64_t number, int64_t batch, sim_error *err)
{
	if (batch == 0)
		return bring_back(t, p, number, err);
	return restore_rows(t, batch, err) && restore_references(t, batch, err) &&
		   run_numbers(t, "DELETE FROM __bin WHERE batch = ?1", &batch, 1, err) &&
		   run_numbers(t, "DELETE FROM __cleared WHERE batch = ?1", &batch, 1, err);
}

bool
sim_undelete(sim_txn *t, const char *id, sim_error *err)
{
	int64_t number;
	store_plan *p;
	sim_write w = {0};
	int64_t batch;
	bool root;
	int state;
	bool ok;

	store_arena_reset(&t->store->arena);
	p = row_of(t, id, &number, err);
	if (p == NULL)
		return false;
	w.object = p->obj;
	w.id = id;
	if (!store_hook(t, "undelete", &w, err))
		return false;
	state = store_row_state(t, p, number, err);
	if (state < 0)
		return false;
	if (state == 0)
		return sim_error_set(err, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
	if (!bin_tables(t, err))
		return false;
	batch = batch_of(t, p->slot, number, &root);

	/* what went with its parent comes back with it only */
	if (state == 1 || !root)
		return sim_error_set(err, "UNDELETE_FAILED", "Entity is not in the recycle bin");
	if (!store_save(t, err))
		return false;
	ok = undelete_in_savepoint(t, p, number, batch, err);
	store_unsave(t, ok);
	return ok;
}
