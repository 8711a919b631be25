/*
 * store.c
 *		The store's connection, its transactions, and what it keeps per object.
 *
 * There is one writer: a connection of its own, behind a mutex that a transaction holds from its
 * begin to its end.  Rows are counted while they change, and the counts become those of the org
 * with the commit.  Statements are prepared once per object.
 *
 * Indexes are on expressions ("Field" + 0) that no query writes, so that SQLite uses them here
 * only: the rows of queries keep their order whether somebody wrote or not.
 */
#include "store_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- arena */

struct store_block
{
	struct store_block *next;
	size_t used;
	size_t size;
	char data[];
};

#define BLOCK_SIZE 16384

void *
store_alloc(store_arena *arena, size_t size)
{
	struct store_block *b = arena->block;
	size_t need = (size + 15) & ~(size_t) 15;

	if (need < size)
		return NULL;
	if (b == NULL || b->size - b->used < need)
	{
		size_t room = need > BLOCK_SIZE ? need : BLOCK_SIZE;

		b = malloc(sizeof(*b) + room);
		if (b == NULL)
			return NULL;
		b->next = arena->block;
		b->used = 0;
		b->size = room;
		arena->block = b;
	}
	b->used += need;
	return b->data + b->used - need;
}

/* One block stays. */
void
store_arena_reset(store_arena *arena)
{
	struct store_block *b = arena->block;

	if (b == NULL)
		return;
	while (b->next != NULL || b->size > BLOCK_SIZE)
	{
		arena->block = b->next;
		free(b);
		b = arena->block;
		if (b == NULL)
			return;
	}
	b->used = 0;
}

void
store_arena_free(store_arena *arena)
{
	while (arena->block != NULL)
	{
		struct store_block *b = arena->block;

		arena->block = b->next;
		free(b);
	}
}

/* ---------------------------------------------------------------- small things */

bool
store_failed(sim_txn *t, sim_error *err)
{
	t->broken = true;
	return sim_error_set(err, "UNKNOWN_EXCEPTION", "simulator database: %s",
						 sqlite3_errmsg(t->db));
}

bool
store_bind(sqlite3_stmt *st, int at, const store_cell *cell)
{
	switch (cell->kind)
	{
		case STORE_NULL:
			return sqlite3_bind_null(st, at) == SQLITE_OK;
		case STORE_INT:
			return sqlite3_bind_int64(st, at, cell->i) == SQLITE_OK;
		case STORE_REAL:
			return sqlite3_bind_double(st, at, cell->d) == SQLITE_OK;
		case STORE_TEXT:
			return sqlite3_bind_text64(st, at, cell->text, cell->len, SQLITE_STATIC,
									   SQLITE_UTF8) == SQLITE_OK;
		case STORE_BLOB:
			return sqlite3_bind_blob64(st, at, cell->len > 0 ? cell->text : "", cell->len,
									   SQLITE_STATIC) == SQLITE_OK;
	}
	return false;
}

bool
store_run(sim_txn *t, sqlite3_stmt *st, sim_error *err)
{
	bool ok = sqlite3_step(st) == SQLITE_DONE;

	/* the message is gone after the reset of another statement: take it first */
	if (!ok)
		store_failed(t, err);
	sqlite3_reset(st);
	t->dirty = true;
	return ok;
}

bool
store_exec(sim_txn *t, const char *sql, sim_error *err)
{
	return sqlite3_exec(t->db, sql, NULL, NULL, NULL) == SQLITE_OK || store_failed(t, err);
}

int
store_field_no(const sim_object *obj, const char *name)
{
	const sim_field *f = sim_field_find_any(obj, name);

	return f == NULL ? -1 : (int) (f - obj->fields);
}

/* ---------------------------------------------------------------- named numbers */

bool
store_meta_get(sim_txn *t, const char *key, int64_t *value, bool *found, sim_error *err)
{
	sim_store *s = t->store;
	int rc;

	if (s->meta_get == NULL &&
		sqlite3_prepare_v3(t->db, "SELECT value FROM __meta WHERE key = ?1", -1,
						   SQLITE_PREPARE_PERSISTENT, &s->meta_get, NULL) != SQLITE_OK)
		return store_failed(t, err);
	sqlite3_bind_text(s->meta_get, 1, key, -1, SQLITE_STATIC);
	rc = sqlite3_step(s->meta_get);
	*found = rc == SQLITE_ROW;
	if (*found)
		*value = sqlite3_column_int64(s->meta_get, 0);
	else if (rc != SQLITE_DONE)
		store_failed(t, err);
	sqlite3_reset(s->meta_get);
	return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

bool
store_meta_put(sim_txn *t, const char *key, int64_t value, sim_error *err)
{
	sim_store *s = t->store;

	if (s->meta_put == NULL &&
		sqlite3_prepare_v3(t->db, "INSERT OR REPLACE INTO __meta (key, value) VALUES (?1, ?2)",
						   -1, SQLITE_PREPARE_PERSISTENT, &s->meta_put, NULL) != SQLITE_OK)
		return store_failed(t, err);
	sqlite3_bind_text(s->meta_put, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s->meta_put, 2, value);
	return store_run(t, s->meta_put, err);
}

/* ---------------------------------------------------------------- plans */

static void
plan_free(store_plan *p)
{
	if (p == NULL)
		return;
	sqlite3_finalize(p->insert);
	sqlite3_finalize(p->state);
	sqlite3_finalize(p->fetch);
	for (int i = 0; p->lookup != NULL && i < p->obj->nfields; i++)
		sqlite3_finalize(p->lookup[i]);
	for (int i = 0; i < STORE_UPDATES; i++)
	{
		sqlite3_finalize(p->updates[i].st);
		free(p->updates[i].field);
	}
	free(p->stored);
	free(p->lookup);
	free(p->indexed);
	free(p->scratch);
	free(p->cell);
	free(p->given);
	free(p->changed);
	free(p);
}

/* Memory, columns and well-known fields. */
static store_plan *
plan_new(const sim_object *obj)
{
	size_t n = (size_t) obj->nfields;
	store_plan *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->obj = obj;
	p->slot = sim_object_index(obj);
	p->stored = calloc(n, sizeof(*p->stored));
	p->lookup = calloc(n, sizeof(sqlite3_stmt *));
	p->indexed = calloc(n, sizeof(*p->indexed));
	p->scratch = calloc(n, sizeof(*p->scratch));
	p->cell = calloc(n, sizeof(*p->cell));
	p->given = calloc(n, sizeof(*p->given));
	p->changed = calloc(n, sizeof(*p->changed));
	if (p->stored == NULL || p->lookup == NULL || p->indexed == NULL || p->scratch == NULL ||
		p->cell == NULL || p->given == NULL || p->changed == NULL)
	{
		plan_free(p);
		return NULL;
	}
	for (int i = 0; i < obj->nfields; i++)
	{
		if (sim_field_has_column(&obj->fields[i]) && obj->fields[i].sql == NULL)
			p->stored[p->nstored++] = i;
	}
	p->id = store_field_no(obj, "Id");
	p->deleted = store_field_no(obj, "IsDeleted");
	p->owner = store_field_no(obj, "OwnerId");
	p->created = store_field_no(obj, "CreatedDate");
	p->created_by = store_field_no(obj, "CreatedById");
	p->modified = store_field_no(obj, "LastModifiedDate");
	p->modified_by = store_field_no(obj, "LastModifiedById");
	p->stamp = store_field_no(obj, "SystemModstamp");
	p->name = -1;
	for (int i = 0; i < obj->nfields && p->name < 0; i++)
	{
		if (obj->fields[i].flags & SF_NAME)
			p->name = i;
	}
	return p;
}

static sqlite3_stmt *
prepare(sim_txn *t, const sim_buf *sql, sim_error *err)
{
	sqlite3_stmt *st = NULL;

	if (sql->failed)
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	else if (sqlite3_prepare_v3(t->db, sql->data, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) !=
			 SQLITE_OK)
		store_failed(t, err);
	return st;
}

static bool
plan_prepare(sim_txn *t, store_plan *p, sim_error *err)
{
	sim_buf sql = {0};

	sim_buf_printf(&sql, "INSERT INTO \"%s\" (", p->obj->name);
	for (int i = 0; i < p->nstored; i++)
		sim_buf_printf(&sql, "%s\"%s\"", i ? ", " : "", p->obj->fields[p->stored[i]].name);
	sim_buf_str(&sql, ") VALUES (");
	for (int i = 0; i < p->nstored; i++)
		sim_buf_str(&sql, i ? ", ?" : "?");
	sim_buf_str(&sql, ")");
	p->insert = prepare(t, &sql, err);

	sim_buf_reset(&sql);
	sim_buf_printf(&sql, "SELECT %s FROM \"%s\" WHERE \"Id\" = ?1",
				   p->deleted >= 0 ? "\"IsDeleted\"" : "0", p->obj->name);
	if (p->insert != NULL)
		p->state = prepare(t, &sql, err);

	sim_buf_reset(&sql);
	sim_buf_str(&sql, "SELECT ");
	for (int i = 0; i < p->obj->nfields; i++)
	{
		const sim_field *f = &p->obj->fields[i];

		if (sim_field_has_column(f))
			sim_buf_printf(&sql, "%s\"%s\"", i ? ", " : "", f->name);
		else
			sim_buf_str(&sql, i ? ", NULL" : "NULL");
	}
	sim_buf_printf(&sql, " FROM \"%s\" WHERE \"Id\" = ?1", p->obj->name);
	if (p->state != NULL)
		p->fetch = prepare(t, &sql, err);
	sim_buf_free(&sql);
	return p->fetch != NULL;
}

/* The number of the next row: as it was left, else behind the last one. */
static bool
plan_next(sim_txn *t, store_plan *p, sim_error *err)
{
	char key[128];
	bool found;
	sqlite3_stmt *st = NULL;
	sim_buf sql = {0};

	snprintf(key, sizeof(key), "next:%s", p->obj->name);
	if (!store_meta_get(t, key, &p->next, &found, err))
		return false;
	p->next_known = found;
	if (found)
		return true;
	sim_buf_printf(&sql, "SELECT max(\"Id\") FROM \"%s\"", p->obj->name);
	st = prepare(t, &sql, err);
	sim_buf_free(&sql);
	if (st == NULL)
		return false;
	p->next = sim_object_base(p->obj);
	if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) == SQLITE_INTEGER)
		p->next = sqlite3_column_int64(st, 0) + 1;
	sqlite3_finalize(st);
	p->next_known = true;
	return true;
}

store_plan *
store_plan_of(sim_txn *t, const sim_object *obj, sim_error *err)
{
	store_plan **place = &t->store->plans[sim_object_index(obj)];
	store_plan *p = *place;

	if (p != NULL)
		return p->next_known || plan_next(t, p, err) ? p : NULL;
	if (!sim_object_queryable(obj))
	{
		sim_error_set(err, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
					  "entity type cannot be inserted: %s", obj->label);
		return NULL;
	}
	p = plan_new(obj);
	if (p == NULL)
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
		return NULL;
	}
	if (!plan_prepare(t, p, err) || !plan_next(t, p, err))
	{
		plan_free(p);
		return NULL;
	}
	*place = p;
	return p;
}

/* ---------------------------------------------------------------- indexes */

void
store_index_expression(const sim_field *f, sim_buf *out)
{
	if (sim_type_kind(f->type) != SIM_TEXT)
		sim_buf_printf(out, "(\"%s\" + 0)", f->name);
	else if (f->flags & SF_CASE)
		sim_buf_printf(out, "(\"%s\" || '')", f->name);
	else
		sim_buf_printf(out, "(\"%s\" || '') COLLATE SF_CI", f->name);
}

/* While nothing is written, what has been done can be kept whatever becomes of the transaction. */
static bool
commit_early(sim_txn *t, sim_error *err)
{
	if (t->dirty)
		return true;
	if (!store_exec(t, "COMMIT", err) || !store_exec(t, "BEGIN IMMEDIATE", err))
		return false;
	for (int i = 0; i < t->nmarks; i++)
	{
		if (!store_exec(t, "SAVEPOINT mark", err))
			return false;
	}
	return true;
}

bool
store_index(sim_txn *t, store_plan *p, int field, sim_error *err)
{
	const sim_field *f = &p->obj->fields[field];
	sim_buf sql = {0};
	bool ok;

	if (p->indexed[field] || field == p->id)
		return true;
	sim_buf_printf(&sql, "CREATE INDEX IF NOT EXISTS \"%s.%s\" ON \"%s\" (", p->obj->name,
				   f->name, p->obj->name);
	store_index_expression(f, &sql);
	sim_buf_printf(&sql, ") WHERE (\"%s\" || '') IS NOT NULL", f->name);
	ok = sql.failed ? sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory")
					: store_exec(t, sql.data, err) && commit_early(t, err);
	sim_buf_free(&sql);
	t->at_risk = t->at_risk || t->dirty;
	if (ok)
		p->indexed[field] = true;
	return ok;
}

/* Indexes and tables may have gone with what was undone. */
static void
forget_indexes(sim_txn *t)
{
	sim_store *s = t->store;

	if (!t->at_risk)
		return;
	for (int i = 0; i < SIM_MAX_OBJECTS; i++)
	{
		store_plan *p = s->plans[i];

		if (p != NULL)
			memset(p->indexed, 0, sizeof(*p->indexed) * (size_t) p->obj->nfields);
	}
	s->bin_ready = false;
}

/* ---------------------------------------------------------------- transactions */

static bool
open_writer(sim_store *s, sim_error *err)
{
	if (s->db != NULL)
		return true;
	s->db = sim_org_open_writer(s->org, err);
	if (s->db == NULL)
		return false;
	if (sqlite3_exec(s->db,
					 "CREATE TABLE IF NOT EXISTS __meta (key TEXT PRIMARY KEY, value) "
					 "WITHOUT ROWID",
					 NULL, NULL, NULL) == SQLITE_OK)
		return true;
	sim_error_set(err, "UNKNOWN_EXCEPTION", "simulator database: %s", sqlite3_errmsg(s->db));
	sqlite3_close(s->db);
	s->db = NULL;
	return false;
}

sim_txn *
sim_txn_begin(sim_org *org, const sim_write_opts *opts, sim_error *err)
{
	sim_store *s = sim_org_store(org);
	sim_txn *t = &s->txn;

	pthread_mutex_lock(&s->writer);
	if (!open_writer(s, err))
	{
		pthread_mutex_unlock(&s->writer);
		return NULL;
	}
	memset(t, 0, sizeof(*t));
	t->store = s;
	t->db = s->db;
	if (opts != NULL)
		t->opts = *opts;
	sim_org_switches(org, &t->switches);
	if (!store_exec(t, "BEGIN IMMEDIATE", err))
	{
		pthread_mutex_unlock(&s->writer);
		return NULL;
	}
	return t;
}

void
sim_txn_opts(sim_txn *t, const sim_write_opts *opts)
{
	t->opts = *opts;
}

void
sim_txn_read(sim_txn *t, bool on)
{
	sim_org_read_with(on ? t->db : NULL);
}

/* The transaction is over: let the next one have its turn. */
static void
leave(sim_txn *t)
{
	sim_store *s = t->store;

	sim_org_read_with(NULL);
	free(t->marks);
	t->marks = NULL;
	store_arena_reset(&s->arena);
	pthread_mutex_unlock(&s->writer);
}

static void
plans_forget(sim_store *s)
{
	for (int i = 0; i < SIM_MAX_OBJECTS; i++)
	{
		plan_free(s->plans[i]);
		s->plans[i] = NULL;
	}
	s->bin_ready = false;
}

bool
sim_txn_commit(sim_txn *t, sim_error *err)
{
	sim_store *s = t->store;
	bool ok = !t->broken;
	char key[128];

	if (!ok)
		sim_error_set(err, "UNKNOWN_EXCEPTION", "simulator database: a write has failed");
	for (int i = 0; ok && i < SIM_MAX_OBJECTS; i++)
	{
		store_plan *p = s->plans[i];

		if (p == NULL || !p->next_dirty)
			continue;
		snprintf(key, sizeof(key), "next:%s", p->obj->name);
		ok = store_meta_put(t, key, p->next, err);
	}
	if (!ok)
	{
		sim_txn_abort(t);
		return false;
	}
	sim_org_publish_begin(s->org);
	ok = store_exec(t, "COMMIT", err);
	sim_org_publish_end(s->org, ok ? &t->counts : NULL);
	if (!ok)
	{
		sim_txn_abort(t);
		return false;
	}
	for (int i = 0; i < SIM_MAX_OBJECTS; i++)
	{
		if (s->plans[i] != NULL)
			s->plans[i]->next_dirty = false;
	}
	leave(t);
	return true;
}

void
sim_txn_abort(sim_txn *t)
{
	if (t == NULL)
		return;

	sqlite3_exec(t->db, "ROLLBACK", NULL, NULL, NULL);
	if (t->broken)
		plans_forget(t->store);
	forget_indexes(t);
	for (int i = 0; i < SIM_MAX_OBJECTS; i++)
	{
		store_plan *p = t->store->plans[i];

		if (p == NULL || !p->next_dirty)
			continue;
		p->next_dirty = false;
		p->next_known = false;
	}
	leave(t);
}

/* ---------------------------------------------------------------- marks */

bool
sim_txn_mark(sim_txn *t, sim_error *err)
{
	if (t->nmarks == t->cap)
	{
		int cap = t->cap ? t->cap * 2 : 4;
		store_counts *marks = realloc(t->marks, sizeof(*marks) * (size_t) cap);

		if (marks == NULL)
			return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
		t->marks = marks;
		t->cap = cap;
	}
	if (!store_exec(t, "SAVEPOINT mark", err))
		return false;
	t->marks[t->nmarks++] = t->counts;
	return true;
}

void
sim_txn_rollback(sim_txn *t)
{
	if (t->nmarks == 0)
		return;
	t->counts = t->marks[--t->nmarks];
	if (sqlite3_exec(t->db, "ROLLBACK TO mark; RELEASE mark", NULL, NULL, NULL) != SQLITE_OK)
		t->broken = true;
	forget_indexes(t);
}

void
sim_txn_release(sim_txn *t)
{
	if (t->nmarks == 0)
		return;
	t->nmarks--;
	if (sqlite3_exec(t->db, "RELEASE mark", NULL, NULL, NULL) != SQLITE_OK)
		t->broken = true;
}

bool
store_save(sim_txn *t, sim_error *err)
{
	return sim_txn_mark(t, err);
}

void
store_unsave(sim_txn *t, bool keep)
{
	if (keep)
		sim_txn_release(t);
	else
		sim_txn_rollback(t);
}

/* ---------------------------------------------------------------- the hook */

void
sim_org_row_hook(sim_org *org, sim_row_hook hook, void *arg)
{
	sim_store *s = sim_org_store(org);

	pthread_mutex_lock(&s->hook_lock);
	s->hook = hook;
	s->hook_arg = arg;
	pthread_mutex_unlock(&s->hook_lock);
}

bool
store_hook(sim_txn *t, const char *operation, const sim_write *w, sim_error *err)
{
	sim_store *s = t->store;
	sim_row_hook hook;
	void *arg;

	pthread_mutex_lock(&s->hook_lock);
	hook = s->hook;
	arg = s->hook_arg;
	pthread_mutex_unlock(&s->hook_lock);
	return hook == NULL || hook(arg, operation, w, err);
}

/* ---------------------------------------------------------------- life */

sim_store *
store_open(sim_org *org)
{
	sim_store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->org = org;
	pthread_mutex_init(&s->writer, NULL);
	pthread_mutex_init(&s->hook_lock, NULL);
	return s;
}

/* The connection and all that depends on what is in the database. */
static void
store_disconnect(sim_store *s)
{
	plans_forget(s);
	sqlite3_finalize(s->meta_get);
	sqlite3_finalize(s->meta_put);
	s->meta_get = NULL;
	s->meta_put = NULL;
	sim_org_close_connection(s->db);
	s->db = NULL;
}

void
store_close(sim_store *s)
{
	if (s == NULL)
		return;
	store_disconnect(s);
	store_arena_free(&s->arena);
	free(s->locks);
	pthread_mutex_destroy(&s->writer);
	pthread_mutex_destroy(&s->hook_lock);
	free(s);
}

void
sim_store_lock(sim_org *org)
{
	sim_store *s = sim_org_store(org);

	pthread_mutex_lock(&s->writer);
	store_disconnect(s);
}

void
sim_store_unlock(sim_org *org)
{
	pthread_mutex_unlock(&sim_org_store(org)->writer);
}
