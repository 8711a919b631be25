/*
 * schema_registry.c
 *		The objects that there are, by slot, name and key prefix; fields by name.
 *
 * Built from the program's own tables on first use; a schema file adds to it before the org opens.  From
 * then on nothing changes, so that readers need no lock.
 */
#include "ids.h"
#include "schema.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_BUCKETS  1024 /* four times SIM_MAX_OBJECTS: chains stay short */
#define PREFIX_VALUES (62 * 62 * 62)

/* The fields of one object by name: open addressing, position + 1, 0 is free. */
typedef struct field_table
{
	uint16_t *at;
	unsigned size; /* a power of two; 0: memory was short, fields are searched one by one */
} field_table;

static const sim_object *by_slot[SIM_MAX_OBJECTS];
static field_table fields[SIM_MAX_OBJECTS];
static const sim_object *sorted[SIM_MAX_OBJECTS]; /* in the order of the global describe */
static int nobjects;
static uint8_t by_name[NAME_BUCKETS];	 /* slots, open addressing */
static uint8_t by_prefix[PREFIX_VALUES]; /* slots */

/* ---------------------------------------------------------------- hashing */

/* FNV-1a over the lower-case letters. */
static unsigned
hash_name(const char *name)
{
	unsigned h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char) tolower((unsigned char) *name)) * 16777619u;
	return h;
}

/* The three characters as a number that sorts like them; -1 when they are no prefix. */
static int
prefix_value(const char *prefix)
{
	int value = 0;

	for (int i = 0; i < 3; i++)
	{
		int d = sim_id_digit(prefix[i]);

		if (d < 0)
			return -1;
		value = value * 62 + d;
	}
	return value;
}

static void
index_fields(const sim_object *obj)
{
	field_table *t = &fields[obj->slot];
	unsigned size = 16;

	while (size < (unsigned) obj->nfields * 2)
		size *= 2;
	free(t->at);
	t->at = calloc(size, sizeof(*t->at));
	t->size = t->at ? size : 0;
	for (int i = 0; t->size > 0 && i < obj->nfields; i++)
	{
		unsigned h = hash_name(obj->fields[i].name);

		while (t->at[h % size] != 0)
			h++;
		t->at[h % size] = (uint16_t) (i + 1);
	}
}

/* ---------------------------------------------------------------- adding */

static void
enter(const sim_object *obj)
{
	unsigned h = hash_name(obj->name);
	int at = nobjects++;

	by_slot[obj->slot] = obj;
	while (by_name[h % NAME_BUCKETS] != 0)
		h++;
	by_name[h % NAME_BUCKETS] = (uint8_t) obj->slot;
	if (obj->prefix != NULL)
		by_prefix[prefix_value(obj->prefix)] = (uint8_t) obj->slot;
	for (; at > 0 && strcmp(sorted[at - 1]->name, obj->name) > 0; at--)
		sorted[at] = sorted[at - 1];
	sorted[at] = obj;
	index_fields(obj);
}

static void
enter_builtin(void)
{
	for (int i = 0; i < sim_builtin_total; i++)
		enter(sim_builtin_objects[i]);
}

static void
ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, enter_builtin);
}

static void
replace(const sim_object *old, sim_object *obj)
{
	int i = 0;

	obj->slot = old->slot;
	obj->prefix = old->prefix;
	obj->seed_no = old->seed_no;
	by_slot[obj->slot] = obj;
	while (sorted[i] != old)
		i++;
	sorted[i] = obj;
	index_fields(obj);
}

bool
sim_schema_add(sim_object *obj, sim_error *err)
{
	const sim_object *old = sim_object_find(obj->name);
	int prefix = obj->prefix ? prefix_value(obj->prefix) : 0;
	int slot = SIM_MAX_OBJECTS - 1;

	if (old != NULL)
	{
		replace(old, obj);
		return true;
	}
	if (prefix < 0)
		return sim_error_set(err, "INVALID_SCHEMA", "%s: \"%s\" is no key prefix", obj->name,
							 obj->prefix);
	if (obj->prefix != NULL && by_prefix[prefix] != 0)
		return sim_error_set(err, "INVALID_SCHEMA",
							 "%s: the key prefix \"%s\" is that of %s already", obj->name,
							 obj->prefix, by_slot[by_prefix[prefix]]->name);
	while (slot > 0 && by_slot[slot] != NULL)
		slot--;
	if (slot == 0)
		return sim_error_set(err, "INVALID_SCHEMA", "%s: there is room for %d objects only",
							 obj->name, SIM_MAX_OBJECTS - 1);
	obj->slot = slot;
	enter(obj);
	return true;
}

bool
sim_schema_free_prefix(char out[4])
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	ready();
	memcpy(out, "a02", 4);
	for (int value = prefix_value(out); value < PREFIX_VALUES; value++)
	{
		if (by_prefix[value] != 0)
			continue;
		out[0] = digits[value / 62 / 62];
		out[1] = digits[value / 62 % 62];
		out[2] = digits[value % 62];
		return true;
	}
	return false;
}

/* ---------------------------------------------------------------- looking up */

const sim_object *const *
sim_object_list(int *n)
{
	ready();
	*n = nobjects;
	return sorted;
}

const sim_object *
sim_object_find(const char *name)
{
	unsigned h;

	if (name == NULL)
		return NULL;
	h = hash_name(name);
	ready();
	for (; by_name[h % NAME_BUCKETS] != 0; h++)
	{
		const sim_object *obj = by_slot[by_name[h % NAME_BUCKETS]];

		if (strcasecmp(obj->name, name) == 0)
			return obj;
	}
	return NULL;
}

const sim_object *
sim_object_by_prefix(const char *prefix)
{
	int value = prefix_value(prefix);

	ready();
	return value < 0 ? NULL : by_slot[by_prefix[value]];
}

const sim_object *
sim_object_of_id(const char *id)
{
	char full[SIM_ID_SIZE];

	if (!sim_id_normalise(id, strlen(id), full))
		return NULL;
	return sim_object_by_prefix(full);
}

int
sim_object_index(const sim_object *obj)
{
	return obj->slot;
}

int64_t
sim_ref_pack(const sim_object *obj, int64_t number)
{
	int64_t prefix = obj->prefix ? prefix_value(obj->prefix) : 0;

	return (prefix << SIM_REF_SHIFT) + number;
}

const sim_object *
sim_ref_unpack(int64_t packed, int64_t *number)
{
	int64_t prefix = packed >> SIM_REF_SHIFT;

	ready();
	*number = packed & ((INT64_C(1) << SIM_REF_SHIFT) - 1);
	return prefix < 0 || prefix >= PREFIX_VALUES ? NULL : by_slot[by_prefix[prefix]];
}

const sim_field *
sim_field_find_any(const sim_object *obj, const char *name)
{
	const field_table *t = &fields[obj->slot];

	ready();
	if (t->size > 0 && by_slot[obj->slot] == obj)
	{
		for (unsigned h = hash_name(name); t->at[h % t->size] != 0; h++)
		{
			const sim_field *f = &obj->fields[t->at[h % t->size] - 1];

			if (strcasecmp(f->name, name) == 0)
				return f;
		}
		return NULL;
	}
	for (int i = 0; i < obj->nfields; i++)
	{
		if (strcasecmp(obj->fields[i].name, name) == 0)
			return &obj->fields[i];
	}
	return NULL;
}

const sim_field *
sim_field_find(const sim_object *obj, const char *name)
{
	const sim_field *f = sim_field_find_any(obj, name);

	return f != NULL && sim_field_hidden(f) ? NULL : f;
}
