/*
 * store_write.c
 *		Insert, update, upsert, and rows by their keys.
 */
#include "store_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- keys */

/* "[id, id]" of several matches. */
static void
match_list(const sim_object *obj, const int64_t *found, int n, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (int i = 0; i < n && len + SIM_ID_SIZE + 2 < size; i++)
	{
		char id[SIM_ID_SIZE];

		sim_id_make(obj->prefix, found[i], id);
		len += (size_t) snprintf(out + len, size - len, "%s%s", i ? ", " : "", id);
	}
}

static bool
several(const sim_object *obj, const sim_field *key, const int64_t *found, int n,
		sim_matches *many, sim_error *err)
{
	char list[SIM_MATCHES_MAX * (SIM_ID_SIZE + 2)];

	for (int i = 0; many != NULL && i < n; i++)
		sim_id_make(obj->prefix, found[i], many->id[i]);
	if (many != NULL)
		many->n = n;
	match_list(obj, found, n, list, sizeof(list));
	sim_error_set(err, "DUPLICATE_EXTERNAL_ID",
				  "%s: more than one record found for external id field: [%s]", key->label,
				  list);
	return sim_error_field(err, key->name);
}

/* The text of a key as its column has it. */
static bool
key_value(store_arena *arena, const sim_object *obj, const sim_field *key, const sim_in *in,
		  store_cell *out, sim_error *err)
{
	sim_in copy = *in;

	copy.field = key;
	copy.kind = in->kind == SIM_IN_KEY ? SIM_IN_TEXT : in->kind;
	if (in->kind == SIM_IN_KEY && in->text == NULL)
		copy.kind = SIM_IN_NUMBER;
	if (key->type != SIM_T_ID)
		return store_convert(arena, obj, &copy, out, err);

	memset(out, 0, sizeof(*out));
	if (copy.kind == SIM_IN_TEXT && copy.len > 0)
	{
		char full[SIM_ID_SIZE];

		if (!sim_id_normalise(copy.text, copy.len, full))
			return store_value_error(err, "MALFORMED_ID", key,
									 "id value of incorrect type: ", copy.text, copy.len, "");
		out->kind = STORE_INT;
		out->i = sim_id_number(full, SIM_ID_LEN, obj->prefix);
	}
	return true;
}

/* A parent named by one of its keys. */
static bool
parent_by_key(sim_txn *t, const sim_in *in, store_cell *out, sim_error *err)
{
	store_plan *p = store_plan_of(t, in->key_object, err);
	store_cell key;
	int64_t found[SIM_MATCHES_MAX];
	char number[SIM_DOUBLE_SIZE];
	const char *text = in->text;
	int len = (int) (in->len > 500 ? 500 : in->len);
	int n;

	memset(out, 0, sizeof(*out));
	if (p == NULL || !key_value(&t->store->arena, in->key_object, in->key, in, &key, err))
		return false;
	if (key.kind == STORE_NULL)
		return true;
	n = store_find(t, p, (int) (in->key - in->key_object->fields), &key, found,
				   SIM_MATCHES_MAX, err);
	if (n < 0)
		return false;
	if (n > 1)
		return several(in->key_object, in->key, found, n, NULL, err);
	if (n == 1)
	{
		out->kind = STORE_INT;
		out->i = store_ref_pack(in->field, in->key_object, found[0]);
		return store_check_lock(t, in->key_object, found[0], true, err);
	}
	if (text == NULL)
	{
		len = snprintf(number, sizeof(number), "%.15g", in->number);
		text = number;
	}
	return sim_error_set(err, "INVALID_FIELD",
						 "Foreign key external ID: %.*s not found for field %s in entity %s",
						 len, text, in->key->name, in->key_object->name);
}

/* ---------------------------------------------------------------- a row's cells */

static bool
take_cell(sim_txn *t, store_plan *p, const sim_in *in, sim_error *err)
{
	int field = (int) (in->field - p->obj->fields);
	store_cell *out = &p->cell[field];
	bool ok;

	if (in->kind == SIM_IN_KEY)
		ok = parent_by_key(t, in, out, err);
	else if (in->field->type == SIM_T_REFERENCE && in->kind == SIM_IN_TEXT)
		ok = store_reference(t, p->obj, in->field, in->text, in->len, out, err);
	else
		ok = store_convert(&t->store->arena, p->obj, in, out, err);
	if (ok && t->switches.round_to_scale)
		store_round(in->field, out);
	p->given[field] = true;
	p->changed[field] = true;
	return ok;
}

/* All that the client sent; skip is a field that is not written (the key of an upsert), or NULL. */
static bool
take_cells(sim_txn *t, store_plan *p, const sim_write *w, const sim_field *skip,
		   sim_error *err)
{
	size_t n = (size_t) p->obj->nfields;

	memset(p->cell, 0, n * sizeof(*p->cell));
	memset(p->given, 0, n * sizeof(*p->given));
	memset(p->changed, 0, n * sizeof(*p->changed));
	for (int i = 0; i < w->n; i++)
	{
		const sim_field *f = w->in[i].field;

		if (f == NULL || f == skip || f->type == SIM_T_ID)
			continue;
		if (!take_cell(t, p, &w->in[i], err))
			return false;
	}
	return true;
}

/* The cell of a field, or NULL. */
static const sim_in *
sent_cell(const sim_write *w, const sim_field *f)
{
	for (int i = w->n - 1; i >= 0; i--)
	{
		if (w->in[i].field == f && (w->in[i].kind != SIM_IN_KEY || f->type == SIM_T_ID))
			return &w->in[i];
	}
	return NULL;
}

/* ---------------------------------------------------------------- insert */

static bool
insert_row(sim_txn *t, store_plan *p, int64_t number, sim_error *err)
{
	bool bound = true;

	store_set_int(p, p->id, number);
	for (int i = 0; bound && i < p->nstored; i++)
		bound = store_bind(p->insert, i + 1, &p->cell[p->stored[i]]);
	if (!bound)
		return store_failed(t, err);
	if (!store_run(t, p->insert, err))
		return false;
	t->counts.live[p->slot]++;
	t->counts.touched[p->slot] = true;
	return true;
}

static bool
not_writable(const sim_object *obj, const char *what, sim_error *err)
{
	return sim_error_set(err, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
						 "entity type cannot be %s: %s", what, obj->label);
}

static bool
insert(sim_txn *t, const sim_write *w, char id[SIM_ID_SIZE], sim_error *err)
{
	const sim_field *id_field = sim_field_find(w->object, "Id");
	const sim_in *sent = sent_cell(w, id_field);
	store_plan *p;
	int64_t number;

	if (!(w->object->flags & SO_CREATEABLE))
		return not_writable(w->object, "inserted", err);
	p = store_plan_of(t, w->object, err);
	if (p == NULL)
		return false;
	if (sent != NULL && sent->kind == SIM_IN_TEXT && sent->len > 0)
	{
		sim_error_set(err, "INVALID_FIELD_FOR_INSERT_UPDATE",
					  "cannot specify Id in an insert call");
		return sim_error_field(err, "Id");
	}
	number = p->next;
	if (!store_check_access(p, w, true, err) || !take_cells(t, p, w, NULL, err) ||
		!store_defaults(t, p, number, err))
		return false;
	store_stamps(t, p, true);
	if (!store_check_required(p, true, err) ||
		(store_derives(p) && !store_derive(t, p, NULL, err)) ||
		!store_check_rules(t, p, 0, err) || !store_check_unique(t, p, 0, err) ||
		!insert_row(t, p, number, err) || !store_after(t, p, number, false, err))
		return false;
	p->next++;
	p->next_dirty = true;
	sim_id_make(p->obj->prefix, number, id);
	return true;
}

bool
sim_insert(sim_txn *t, const sim_write *w, char id[SIM_ID_SIZE], sim_error *err)
{
	store_arena_reset(&t->store->arena);
	return store_hook(t, "insert", w, err) && insert(t, w, id, err);
}

/* ---------------------------------------------------------------- update */

/* The statement for the columns that change; NULL and *err on failure. */
static store_update *
update_statement(sim_txn *t, store_plan *p, sim_error *err)
{
	int n = 0;
	store_update *u = &p->updates[0];
	sim_buf sql = {0};
	int *fields = p->scratch;

	for (int i = 0; i < p->nstored; i++)
	{
		if (p->changed[p->stored[i]])
			fields[n++] = p->stored[i];
	}
	for (int i = 0; i < STORE_UPDATES; i++)
	{
		store_update *one = &p->updates[i];

		if (one->st != NULL && one->n == n &&
			memcmp(one->field, fields, sizeof(int) * (size_t) n) == 0)
		{
			one->used = ++p->clock;
			return one;
		}
		if (one->used < u->used)
			u = one;
	}

	/* the one that was not used for longest gives way */
	sqlite3_finalize(u->st);
	free(u->field);
	memset(u, 0, sizeof(*u));
	u->field = malloc(sizeof(int) * (size_t) (n + 1));
	sim_buf_printf(&sql, "UPDATE \"%s\" SET ", p->obj->name);
	for (int i = 0; i < n; i++)
		sim_buf_printf(&sql, "%s\"%s\" = ?", i ? ", " : "", p->obj->fields[fields[i]].name);
	sim_buf_str(&sql, " WHERE \"Id\" = ?");
	if (u->field == NULL || sql.failed)
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	else if (sqlite3_prepare_v3(t->db, sql.data, -1, SQLITE_PREPARE_PERSISTENT, &u->st,
								NULL) != SQLITE_OK)
		store_failed(t, err);
	sim_buf_free(&sql);
	if (u->st == NULL)
		return NULL;
	u->n = n;
	memcpy(u->field, fields, sizeof(int) * (size_t) n);
	u->used = ++p->clock;
	return u;
}

bool
store_update_row(sim_txn *t, store_plan *p, int64_t number, sim_error *err)
{
	store_update *u = update_statement(t, p, err);
	bool bound = true;

	if (u == NULL)
		return false;
	for (int i = 0; bound && i < u->n; i++)
		bound = store_bind(u->st, i + 1, &p->cell[u->field[i]]);
	if (!bound || sqlite3_bind_int64(u->st, u->n + 1, number) != SQLITE_OK)
		return store_failed(t, err);
	t->counts.touched[p->slot] = true;
	return store_run(t, u->st, err);
}

/* The row as it is, when something depends on it. */
static bool
derive_from_old(sim_txn *t, store_plan *p, int64_t number, sim_error *err)
{
	store_cell *old;

	if (!store_derives(p))
		return true;
	old = store_alloc(&t->store->arena, sizeof(*old) * (size_t) p->obj->nfields);
	if (old == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	return store_fetch(t, p, number, old, err) && store_derive(t, p, old, err);
}

static bool
update(sim_txn *t, const sim_write *w, const sim_field *skip, sim_error *err)
{
	store_plan *p;
	int64_t number;

	if (w->id == NULL || *w->id == '\0')
		return sim_error_set(err, "MISSING_ARGUMENT", "Id not specified in an update call");
	if (!store_row_number(w->object, w->id, &number, err))
		return false;
	if (!(w->object->flags & SO_UPDATEABLE))
		return not_writable(w->object, "updated", err);
	p = store_plan_of(t, w->object, err);
	if (p == NULL)
		return false;
	switch (store_row_state(t, p, number, err))
	{
		case -1:
			return false;
		case 0:
			return sim_error_set(err, "INVALID_CROSS_REFERENCE_KEY",
								 "invalid cross reference id");
		case 2:
			return sim_error_set(err, "ENTITY_IS_DELETED", "entity is deleted");
		default:
			break;
	}
	if (!store_check_lock(t, p->obj, number, false, err) ||
		!store_check_access(p, w, false, err) || !take_cells(t, p, w, skip, err))
		return false;
	store_stamps(t, p, false);
	return store_check_required(p, false, err) && derive_from_old(t, p, number, err) &&
		   store_check_rules(t, p, number, err) && store_check_unique(t, p, number, err) &&
		   store_update_row(t, p, number, err) && store_after(t, p, number, false, err);
}

bool
sim_update(sim_txn *t, const sim_write *w, sim_error *err)
{
	store_arena_reset(&t->store->arena);
	return store_hook(t, "update", w, err) && update(t, w, NULL, err);
}

/* ---------------------------------------------------------------- upsert */

/* By the row's own id: with one it is an update, without an insert. */
static bool
upsert_by_id(sim_txn *t, const sim_write *w, const sim_field *key, char id[SIM_ID_SIZE],
			 bool *created, sim_error *err)
{
	const sim_in *sent = sent_cell(w, key);
	sim_write with = *w;
	char text[SIM_ID_SIZE + 40] = "";

	if (with.id == NULL && sent != NULL && sent->kind == SIM_IN_TEXT)
	{
		snprintf(text, sizeof(text), "%.*s", (int) (sent->len > 50 ? 50 : sent->len),
				 sent->text);
		with.id = text;
	}
	*created = with.id == NULL || *with.id == '\0';
	if (*created)
		return insert(t, &with, id, err);
	if (!update(t, &with, NULL, err))
		return false;
	return sim_id_normalise(with.id, strlen(with.id), id);
}

static bool
upsert_by_key(sim_txn *t, const sim_write *w, const sim_field *key, char id[SIM_ID_SIZE],
			  bool *created, sim_matches *many, sim_error *err)
{
	const sim_in *sent = sent_cell(w, key);
	store_plan *p = store_plan_of(t, w->object, err);
	sim_write with = *w;
	store_cell value = {0};
	int64_t found[SIM_MATCHES_MAX];
	int n;

	if (p == NULL)
		return false;
	if (sent != NULL && !key_value(&t->store->arena, w->object, key, sent, &value, err))
		return false;
	if (value.kind == STORE_NULL)
	{
		sim_error_set(err, "MISSING_ARGUMENT", "%s not specified", key->name);
		return sim_error_field(err, key->name);
	}
	n = store_find(t, p, (int) (key - w->object->fields), &value, found, SIM_MATCHES_MAX, err);
	if (n < 0)
		return false;
	if (n > 1)
		return several(w->object, key, found, n, many, err);
	*created = n == 0;
	if (n == 0)
		return insert(t, w, id, err);
	sim_id_make(w->object->prefix, found[0], id);
	with.id = id;
	return update(t, &with, key, err);
}

bool
sim_upsert(sim_txn *t, const sim_write *w, const sim_field *key, char id[SIM_ID_SIZE],
		   bool *created, sim_matches *many, sim_error *err)
{
	char unused_id[SIM_ID_SIZE];
	bool unused;

	store_arena_reset(&t->store->arena);
	if (many != NULL)
		many->n = 0;
	id = id == NULL ? unused_id : id;
	created = created == NULL ? &unused : created;
	if (!store_hook(t, "upsert", w, err))
		return false;
	if (key->type == SIM_T_ID)
		return upsert_by_id(t, w, key, id, created, err);
	return upsert_by_key(t, w, key, id, created, many, err);
}

/* ---------------------------------------------------------------- lookup */

/* Makes the index when nobody is writing; else this time the table is read. */
static void
index_if_idle(sim_org *org, const sim_object *obj, const sim_field *key)
{
	sim_store *s = sim_org_store(org);
	int field = (int) (key - obj->fields);
	int slot = sim_object_index(obj);
	bool known;
	sim_txn *t;
	store_plan *p;

	if (key->type == SIM_T_ID || pthread_mutex_trylock(&s->writer) != 0)
		return;
	known = s->plans[slot] != NULL && s->plans[slot]->indexed[field];
	pthread_mutex_unlock(&s->writer);
	if (known)
		return;
	t = sim_txn_begin(org, NULL, NULL);
	if (t == NULL)
		return;
	p = store_plan_of(t, obj, NULL);
	if (p != NULL && store_index(t, p, field, NULL))
		sim_txn_commit(t, NULL);
	else
		sim_txn_abort(t);
}

static int
lookup_rows(sqlite3 *db, const sim_object *obj, const sim_field *key, const store_cell *value,
			int64_t *found, sim_error *err)
{
	sim_buf sql = {0};
	sqlite3_stmt *st = NULL;
	int n = 0;
	int rc = SQLITE_ERROR;

	store_lookup_sql(obj, key, &sql);
	if (!sql.failed && sqlite3_prepare_v2(db, sql.data, -1, &st, NULL) == SQLITE_OK &&
		store_bind(st, 1, value) && sqlite3_bind_int(st, 2, SIM_MATCHES_MAX) == SQLITE_OK)
	{
		while ((rc = sqlite3_step(st)) == SQLITE_ROW && n < SIM_MATCHES_MAX)
			found[n++] = sqlite3_column_int64(st, 0);
	}
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION", "simulator database: %s", sqlite3_errmsg(db));
		n = -1;
	}
	sqlite3_finalize(st);
	sim_buf_free(&sql);
	return n;
}

int
sim_lookup(sim_org *org, const sim_object *obj, const sim_field *key, const char *text,
		   size_t len, char out[SIM_ID_SIZE], sim_matches *many, sim_error *err)
{
	store_arena arena = {0};
	sim_in in = {.field = key, .kind = SIM_IN_TEXT, .text = text, .len = len};
	store_cell value;
	int64_t found[SIM_MATCHES_MAX];
	sqlite3 *db;
	int n = -1;

	if (many != NULL)
		many->n = 0;
	if (!sim_object_queryable(obj) ||
		!((key->flags & (SF_EXTERNAL | SF_IDLOOKUP)) || key->type == SIM_T_ID))
	{
		sim_error_set(err, "NOT_FOUND",
					  "Provided external ID field does not exist or is not accessible: %s",
					  key->name);
		return -1;
	}
	if (!key_value(&arena, obj, key, &in, &value, err))
	{
		store_arena_free(&arena);
		return -1;
	}
	index_if_idle(org, obj, key);
	db = sim_org_connect(org, err);
	if (db != NULL)
		n = value.kind == STORE_NULL ? 0 : lookup_rows(db, obj, key, &value, found, err);
	sim_org_release(org, db);
	store_arena_free(&arena);
	if (n == 1)
		sim_id_make(obj->prefix, found[0], out);
	for (int i = 0; many != NULL && i < n; i++)
		sim_id_make(obj->prefix, found[i], many->id[i]);
	if (many != NULL && n > 0)
		many->n = n;
	return n;
}
