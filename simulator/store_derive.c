/*
 * store_derive.c
 *		Values that Salesforce fills in itself: defaults, owner, record type, automatic numbers, system
 *		fields.
 */
#include "store_int.h"
#include "calendar.h"
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
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

/* Text in front of an automatic number, and how many digits it has at least. */
typedef struct number_format
{
	char prefix[32];
	int width;
} number_format;

/*
 * The next automatic number looks like that of the last row: the same text in front of the last
 * run of digits, as many digits.  *next gets the number behind it.
 */
static bool
last_number(sim_txn *t, store_plan *p, const sim_field *f, number_format *format,
			int64_t *next, sim_error *err)
{
	sim_buf sql = {0};
	sqlite3_stmt *st = NULL;
	const char *text;
	int rc = SQLITE_ERROR;

	format->prefix[0] = '\0';
	format->width = sim_field_is_custom(f) || store_is_custom(p->obj) ? 5 : 8;
	*next = 1;
	sim_buf_printf(&sql, "SELECT \"%s\" FROM \"%s\" ORDER BY \"Id\" DESC LIMIT 1", f->name,
				   p->obj->name);
	if (!sql.failed && sqlite3_prepare_v2(t->db, sql.data, -1, &st, NULL) == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && (text = (const char *) sqlite3_column_text(st, 0)) != NULL)
	{
		size_t end = strlen(text);
		size_t from;

		while (end > 0 && (text[end - 1] < '0' || text[end - 1] > '9'))
			end--;
		for (from = end; from > 0 && text[from - 1] >= '0' && text[from - 1] <= '9';)
			from--;
		if (end > from && end - from < 18 && from < sizeof(format->prefix))
		{
			memcpy(format->prefix, text, from);
			format->prefix[from] = '\0';
			format->width = (int) (end - from);
			*next = strtoll(text + from, NULL, 10) + 1;
		}
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		store_failed(t, err);
	sqlite3_finalize(st);
	sim_buf_free(&sql);
	return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

static bool
auto_number(sim_txn *t, store_plan *p, int field, sim_error *err)
{
	const sim_field *f = &p->obj->fields[field];
	char key[192];
	char *text = store_alloc(&t->store->arena, 64);
	number_format format;
	int64_t next;
	int64_t kept;
	bool found;

	if (text == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	snprintf(key, sizeof(key), "auto:%s.%s", p->obj->name, f->name);
	if (!store_meta_get(t, key, &kept, &found, err) ||
		!last_number(t, p, f, &format, &next, err))
		return false;
	if (found && kept > next)
		next = kept;
	snprintf(text, 64, "%s%0*lld", format.prefix, format.width, (long long) next);
	store_set_text(p, field, text, strlen(text));
	return store_meta_put(t, key, next + 1, err);
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

/* The user's default among the record types of the object. */
static void
default_record_type(store_plan *p)
{
	int field = p->obj->record_types == NULL ? -1 : store_field_no(p->obj, "RecordTypeId");

	if (field < 0 || p->given[field])
		return;
	for (const sim_record_type *r = p->obj->record_types; r->developer_name != NULL; r++)
	{
		if (r->preset)
			store_set_int(p, field, r->number);
	}
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
		if (p->cell[field].kind != STORE_NULL ||
			(p->given[field] && !(f->flags & SF_REQUIRED)))
			continue;
		preset = store_preset(f);
		if (preset == NULL)
			continue;
		in.text = preset;
		in.len = strlen(preset);
		if (!store_convert(&t->store->arena, p->obj, &in, &p->cell[field], err))
			return false;
	}
	default_record_type(p);
	if (p->owner >= 0 && p->cell[p->owner].kind == STORE_NULL)
		store_set_int(p, p->owner,
					  store_ref_pack(&p->obj->fields[p->owner], sim_object_find("User"),
									 sim_org_user_number(t->store->org)));
	return default_name(t, p, number, err);
}

/* ---------------------------------------------------------------- system fields */

/* Audit fields that the client may and did set stay. */
static void
stamp(store_plan *p, int field, int64_t value)
{
	if (field >= 0 && !(p->given[field] && p->cell[field].kind != STORE_NULL))
		store_set_int(p, field, value);
}

void
store_stamps(sim_txn *t, store_plan *p, bool insert)
{
	int64_t now = sim_floor_div(sim_clock_now(), 1000) * 1000;
	int64_t user = sim_org_user_number(t->store->org);

	if (insert)
	{
		stamp(p, p->created, now);
		stamp(p, p->created_by, user);
		store_set_int(p, p->deleted, 0);
	}
	stamp(p, p->modified, now);
	stamp(p, p->modified_by, user);
	store_set_int(p, p->stamp, now);
}
