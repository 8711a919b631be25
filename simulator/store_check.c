/*
 * store_check.c
 *		Rules that look at the row as a whole, or at other rows: access, required fields, unique
 *		values, references, duplicate and validation rules.
 */
#include "store_int.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- rows that are there */

int
store_row_state(sim_txn *t, store_plan *p, int64_t number, sim_error *err)
{
	int state = 0;
	int rc;

	sqlite3_bind_int64(p->state, 1, number);
	rc = sqlite3_step(p->state);
	if (rc == SQLITE_ROW)
		state = sqlite3_column_int(p->state, 0) ? 2 : 1;
	else if (rc != SQLITE_DONE)
	{
		store_failed(t, err);
		state = -1;
	}
	sqlite3_reset(p->state);
	return state;
}

static bool
fetch_cell(sim_txn *t, sqlite3_stmt *st, int at, store_cell *out)
{
	const void *data;
	char *copy;

	memset(out, 0, sizeof(*out));
	switch (sqlite3_column_type(st, at))
	{
		case SQLITE_INTEGER:
			out->kind = STORE_INT;
			out->i = sqlite3_column_int64(st, at);
			return true;
		case SQLITE_FLOAT:
			out->kind = STORE_REAL;
			out->d = sqlite3_column_double(st, at);
			return true;
		case SQLITE_NULL:
			return true;
		default:
			break;
	}
	out->kind = sqlite3_column_type(st, at) == SQLITE_BLOB ? STORE_BLOB : STORE_TEXT;
	data = sqlite3_column_blob(st, at);
	out->len = (size_t) sqlite3_column_bytes(st, at);
	copy = store_alloc(&t->store->arena, out->len + 1);
	if (copy == NULL || (data == NULL && out->len > 0))
		return false;
	if (out->len > 0)
		memcpy(copy, data, out->len);
	out->text = copy;
	return true;
}

bool
store_fetch(sim_txn *t, store_plan *p, int64_t number, store_cell *out, sim_error *err)
{
	int rc;
	bool ok = true;

	sqlite3_bind_int64(p->fetch, 1, number);
	rc = sqlite3_step(p->fetch);
	for (int i = 0; ok && rc == SQLITE_ROW && i < p->obj->nfields; i++)
		ok = fetch_cell(t, p->fetch, i, &out[i]);
	if (!ok)
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	else if (rc == SQLITE_DONE)
		ok = sim_error_set(err, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
	else if (rc != SQLITE_ROW)
		ok = store_failed(t, err);
	sqlite3_reset(p->fetch);
	return ok;
}

static bool
no_such_row(sim_error *err)
{
	return sim_error_set(err, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
}

bool
store_row_number(const sim_object *obj, const char *id, int64_t *number, sim_error *err)
{
	char full[SIM_ID_SIZE];
	size_t len = strlen(id);
	const sim_field *f = sim_field_find(obj, "Id");

	if (!sim_id_normalise(id, len, full) || obj->prefix == NULL ||
		strncmp(full, obj->prefix, 3) != 0)
		return store_value_error(err, "MALFORMED_ID", f, "id value of incorrect type: ", id,
								 len, "");
	*number = sim_id_number(full, SIM_ID_LEN, obj->prefix);
	return *number >= 0 || no_such_row(err);
}

bool
store_reference(sim_txn *t, const sim_object *obj, const sim_field *f, const char *id,
				size_t len, store_cell *out, sim_error *err)
{
	char full[SIM_ID_SIZE];
	const sim_object *to;
	store_plan *p;
	int64_t number;

	(void) obj;
	memset(out, 0, sizeof(*out));
	store_trim(&id, &len);
	if (len == 0)
		return true;
	if (!sim_id_normalise(id, len, full))
		return store_value_error(err, "MALFORMED_ID", f, "id value of incorrect type: ", id,
								 len, "");
	to = store_target(f, full);
	if (to == NULL)
		return store_value_error(err, "FIELD_INTEGRITY_EXCEPTION", f,
								 "id value of incorrect type: ", id, len, "");
	number = sim_id_number(full, SIM_ID_LEN, to->prefix);
	if (number < 0)
		return no_such_row(err);
	if (sim_object_queryable(to))
	{
		p = store_plan_of(t, to, err);
		switch (p == NULL ? -1 : store_row_state(t, p, number, err))
		{
			case -1:
				return false;
			case 0:
				return no_such_row(err);
			case 2:
				return sim_error_set(err, "ENTITY_IS_DELETED", "entity is deleted");
			default:
				break;
		}
	}
	out->kind = STORE_INT;
	out->i = store_ref_pack(f, to, number);
	return store_check_lock(t, to, number, true, err);
}

/* ---------------------------------------------------------------- values that are there */

static bool
prepare_lookup(sim_txn *t, store_plan *p, int field, sim_error *err)
{
	const sim_field *f = &p->obj->fields[field];
	sim_buf sql = {0};
	bool ok;

	if (!store_index(t, p, field, err))
		return false;
	if (p->lookup[field] != NULL)
		return true;
	store_lookup_sql(p->obj, f, &sql);
	ok = !sql.failed && sqlite3_prepare_v3(t->db, sql.data, -1, SQLITE_PREPARE_PERSISTENT,
										   &p->lookup[field], NULL) == SQLITE_OK;
	sim_buf_free(&sql);
	return ok || store_failed(t, err);
}

void
store_lookup_sql(const sim_object *obj, const sim_field *f, sim_buf *out)
{
	sim_buf_printf(out, "SELECT \"Id\" FROM \"%s\" WHERE ", obj->name);
	if (f->type == SIM_T_ID)
		sim_buf_str(out, "\"Id\"");
	else
	{
		sim_buf_printf(out, "(\"%s\" || '') IS NOT NULL AND ", f->name);
		store_index_expression(f, out);
	}
	sim_buf_str(out, " = ?1");
	if (sim_object_has_deleted(obj))
		sim_buf_str(out, " AND \"IsDeleted\" = 0");
	sim_buf_str(out, " ORDER BY \"Id\" LIMIT ?2");
}

int
store_find(sim_txn *t, store_plan *p, int field, const store_cell *value, int64_t *out,
		   int max, sim_error *err)
{
	sqlite3_stmt *st;
	int n = 0;
	int rc;

	if (!prepare_lookup(t, p, field, err))
		return -1;
	st = p->lookup[field];
	store_bind(st, 1, value);
	sqlite3_bind_int(st, 2, max);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && n < max)
		out[n++] = sqlite3_column_int64(st, 0);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
	{
		store_failed(t, err);
		n = -1;
	}
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return n;
}

/* ---------------------------------------------------------------- access and required fields */

/* ", " and a name, as far as they go. */
static void
add_name(char *list, size_t size, const char *name)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len > 0 ? ", " : "", name);
}

bool
store_check_access(store_plan *p, const sim_write *w, bool insert, sim_error *err)
{
	char names[1024] = "";
	const sim_field *refused[SIM_ERROR_FIELDS];
	int n = 0;

	(void) p;
	for (int i = 0; i < w->n; i++)
	{
		const sim_field *f = w->in[i].field;

		if (f == NULL || f->type == SIM_T_ID)
			continue;
		if (insert ? store_may_create(f) : store_may_update(f))
			continue;
		add_name(names, sizeof(names), f->name);
		if (n < SIM_ERROR_FIELDS)
			refused[n++] = f;
	}
	if (n == 0)
		return true;
	sim_error_set(err, "INVALID_FIELD_FOR_INSERT_UPDATE",
				  "Unable to create/update fields: %s. Please check the security settings of "
				  "this field and verify that it is read/write for your profile or permission "
				  "set.",
				  names);
	for (int i = 0; i < n; i++)
		sim_error_field(err, refused[i]->name);
	return false;
}

bool
store_check_required(store_plan *p, bool insert, sim_error *err)
{
	char names[1024] = "";
	const sim_field *missing[SIM_ERROR_FIELDS];
	int n = 0;

	for (int i = 0; i < p->obj->nfields; i++)
	{
		const sim_field *f = &p->obj->fields[i];

		if (!store_required(f, insert) || p->cell[i].kind != STORE_NULL)
			continue;
		if (!insert && !p->given[i])
			continue;
		add_name(names, sizeof(names), f->name);
		if (n < SIM_ERROR_FIELDS)
			missing[n++] = f;
	}
	if (n == 0)
		return true;
	sim_error_set(err, "REQUIRED_FIELD_MISSING", "Required fields are missing: [%s]", names);
	for (int i = 0; i < n; i++)
		sim_error_field(err, missing[i]->name);
	return false;
}

/* ---------------------------------------------------------------- unique values */

static bool
duplicate(const store_plan *p, const sim_field *f, int64_t other, sim_error *err)
{
	char id[SIM_ID_SIZE];

	if (strcmp(p->obj->name, "User") == 0 && strcmp(f->name, "Username") == 0)
	{
		sim_error_set(err, "DUPLICATE_USERNAME",
					  "Duplicate Username.<br>Another user has already selected this "
					  "username.<br>Please select another.");
		return sim_error_field(err, f->name);
	}
	sim_id_make(p->obj->prefix, other, id);
	return sim_error_set(err, "DUPLICATE_VALUE",
						 "duplicate value found: %s duplicates value on record with id: %s",
						 f->name, id);
}

bool
store_check_unique(sim_txn *t, store_plan *p, int64_t number, sim_error *err)
{
	for (int i = 0; i < p->obj->nfields; i++)
	{
		const sim_field *f = &p->obj->fields[i];
		int64_t found[2];
		int n;

		if (!(f->flags & SF_UNIQUE) || !p->changed[i] || p->cell[i].kind == STORE_NULL)
			continue;
		n = store_find(t, p, i, &p->cell[i], found, 2, err);
		if (n < 0)
			return false;
		for (int k = 0; k < n; k++)
		{
			if (found[k] != number)
				return duplicate(p, f, found[k], err);
		}
	}
	return true;
}

/* ---------------------------------------------------------------- rules of the org */

/* Accounts by name, people by e-mail: what a duplicate rule that alerts would find. */
static bool
check_duplicates(sim_txn *t, store_plan *p, int64_t number, sim_error *err)
{
	const char *by = NULL;
	int field;
	int64_t found[2];
	int n;

	if (strcmp(p->obj->name, "Account") == 0)
		by = "Name";
	else if (strcmp(p->obj->name, "Contact") == 0 || strcmp(p->obj->name, "Lead") == 0)
		by = "Email";
	field = by == NULL ? -1 : store_field_no(p->obj, by);
	if (field < 0 || !p->given[field] || p->cell[field].kind == STORE_NULL)
		return true;
	n = store_find(t, p, field, &p->cell[field], found, 2, err);
	for (int i = 0; i < n; i++)
	{
		if (found[i] == number)
			continue;
		sim_error_set(err, "DUPLICATES_DETECTED", "Use one of these records?");
		if (err != NULL)
			sim_id_make(p->obj->prefix, found[i], err->match);
		return false;
	}
	return n >= 0;
}

/* The validation rule of the org: no amount is negative. */
static bool
check_validation(store_plan *p, sim_error *err)
{
	static const char *const amounts[] = {"Amount", "Amount__c"};

	for (int i = 0; i < 2; i++)
	{
		int field = store_field_no(p->obj, amounts[i]);

		if (field < 0 || !p->given[field] || p->cell[field].kind != STORE_REAL ||
			p->cell[field].d >= 0)
			continue;
		sim_error_set(err, "FIELD_CUSTOM_VALIDATION_EXCEPTION",
					  "The amount must not be negative");
		return sim_error_field(err, amounts[i]);
	}
	return true;
}

/* An owner must be able to log in. */
static bool
check_owner(sim_txn *t, store_plan *p, sim_error *err)
{
	const store_cell *owner = p->owner < 0 ? NULL : &p->cell[p->owner];
	const sim_object *to = sim_object_find("User");
	int64_t number;
	store_plan *users;
	store_cell *cells;
	int active;
	char id[SIM_ID_SIZE];
	char label[80];

	if (owner == NULL || !p->given[p->owner] || owner->kind != STORE_INT)
		return true;
	number = owner->i;
	if (sim_field_is_poly(&p->obj->fields[p->owner]) &&
		sim_ref_unpack(owner->i, &number) != to)
		return true;
	users = store_plan_of(t, to, err);
	active = store_field_no(to, "IsActive");
	if (users == NULL)
		return false;
	cells = store_alloc(&t->store->arena, sizeof(*cells) * (size_t) to->nfields);
	if (cells == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	if (!store_fetch(t, users, number, cells, err))
		return false;
	if (active < 0 || cells[active].i)
		return true;
	sim_id_make(to->prefix, number, id);
	store_lower(p->obj->label, label, sizeof(label));
	sim_error_set(err, "INACTIVE_OWNER_OR_USER",
				  "operation performed with inactive user [%.15s] as owner of %s", id, label);
	return sim_error_field(err, "OwnerId");
}

/* A record type of this object that the user may use. */
static bool
check_record_type(store_plan *p, sim_error *err)
{
	int field = store_field_no(p->obj, "RecordTypeId");
	const sim_object *to = sim_object_find("RecordType");
	char id[SIM_ID_SIZE];

	if (field < 0 || to == NULL || !p->given[field] || p->cell[field].kind != STORE_INT)
		return true;
	for (const sim_record_type *r = p->obj->record_types;
		 r != NULL && r->developer_name != NULL; r++)
	{
		if (r->number == p->cell[field].i && !r->inactive)
			return true;
	}
	sim_id_make(to->prefix, p->cell[field].i, id);
	return store_value_error(err, "INVALID_CROSS_REFERENCE_KEY", &p->obj->fields[field],
							 "this ID value isn't valid for the user: ", id, SIM_ID_LEN, "");
}

bool
store_check_rules(sim_txn *t, store_plan *p, int64_t number, sim_error *err)
{
	if (!check_record_type(p, err) || !check_owner(t, p, err))
		return false;
	if (t->switches.validation_rule && !check_validation(p, err))
		return false;
	if (t->switches.storage_full && number == 0)
		return sim_error_set(err, "STORAGE_LIMIT_EXCEEDED", "storage limit exceeded");
	return !t->switches.duplicate_rule || t->opts.allow_duplicates ||
		   check_duplicates(t, p, number, err);
}
