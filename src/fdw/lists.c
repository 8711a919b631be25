/*
 * lists.c
 *		The values of "field = ANY (array)", each once.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/array.h"

#include "compat.h"
#include "lists.h"
#include "literal.h"

/* Values of a list that EXPLAIN shows. */
#define SHOWN 3

/* ---- the places of values ------------------------------------------------------------------------- */

/* A value as a row has it; not terminated by 0. */
typedef struct ListKey
{
	const char *data;
	int len;
} ListKey;

typedef struct ListEntry
{
	ListKey key;
	int place;
	uint32 hash;
	char status;
} ListEntry;

static inline uint32
hash_key(ListKey key)
{
	return hash_bytes((const unsigned char *) key.data, key.len);
}

static inline bool
equal_keys(ListKey a, ListKey b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

#define SH_PREFIX		   sfb_list
#define SH_ELEMENT_TYPE	   ListEntry
#define SH_KEY_TYPE		   ListKey
#define SH_KEY			   key
#define SH_HASH_KEY(tb, k) hash_key(k)
#define SH_EQUAL(tb, a, b) equal_keys(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, e) (e)->hash
#define SH_SCOPE		   static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

int
sfb_list_place(const SfbList *list, const char *value, int len)
{
	ListKey key = {value, len};
	ListEntry *entry = sfb_list_lookup(list->places, key);

	return entry != NULL ? entry->place : -1;
}

/* ---- making a list ---------------------------------------------------------------------------------- */

int
sfb_array_length(Datum array)
{
	ArrayType *value = DatumGetArrayTypeP(array);

	return ArrayGetNItems(ARR_NDIM(value), ARR_DIMS(value));
}

int
sfb_uri_bytes(const char *text)
{
	int bytes = 0;

	for (const char *p = text; *p != '\0'; p++)
	{
		bool plain =
			isalnum((unsigned char) *p) || *p == '-' || *p == '.' || *p == '_' || *p == '~';

		bytes += (plain && !IS_HIGHBIT_SET(*p)) ? 1 : 3;
	}
	return bytes;
}

/* The value as a row has it. */
static ListKey
key_of(SfbType type, Datum value, char *literal)
{
	ListKey key = {literal, (int) strlen(literal)};

	if (type == SFB_TEXT || type == SFB_PICKLIST)
	{
		/* of its own, as the array may go */
		char *text = sfb_plain_text(value, &key.len);

		key.data = pnstrdup(text, key.len);
	}
	else if (type == SFB_ID || type == SFB_REFERENCE)
	{
		/* without its quotes */
		key.data++;
		key.len -= 2;
	}
	return key;
}

SfbList *
sfb_list_new(SfbType type, Oid coltype, Oid elemtype, Datum array)
{
	SfbList *list = palloc0(sizeof(SfbList));
	Datum *elems;
	bool *nulls;
	int nelems = sfb_array_elements(array, elemtype, &elems, &nulls);

	list->type = type;
	list->literals = palloc(sizeof(char *) * Max(nelems, 1));
	list->places = sfb_list_create(CurrentMemoryContext, Max(nelems, 1), NULL);
	for (int i = 0; i < nelems; i++)
	{
		Literal literal;
		ListEntry *entry;
		bool found;

		if (nulls[i])
			continue;
		literal = sfb_make_literal(SFB_OP_EQ, type, coltype, elemtype, elems[i]);
		if (literal.kind == LITERAL_BAD || literal.kind == LITERAL_FRACTION)
			return NULL;
		if (literal.kind != LITERAL_OK)
			continue;
		entry = sfb_list_insert(list->places, key_of(type, elems[i], literal.text), &found);
		if (found)
			continue;
		entry->place = list->count;
		list->literals[list->count++] = literal.text;
		list->bytes += strlen(literal.text) + SFB_LIST_SEPARATOR;
		list->uri_bytes += sfb_uri_bytes(literal.text) + SFB_LIST_URI_SEPARATOR;
	}
	return list;
}

/* ---- text ------------------------------------------------------------------------------------------- */

void
sfb_list_append(StringInfo buf, const SfbList *list, int first, int last)
{
	appendStringInfo(buf, "%s IN (", list->field);
	for (int i = first; i < last; i++)
		appendStringInfo(buf, "%s%s", i > first ? "," : "", list->literals[i]);
	appendStringInfoChar(buf, ')');
}

void
sfb_list_append_short(StringInfo buf, const SfbList *list)
{
	appendStringInfo(buf, "%s IN (", list->field);
	for (int i = 0; i < Min(SHOWN, list->count); i++)
		appendStringInfo(buf, "%s%s", i > 0 ? ", " : "", list->literals[i]);
	if (list->count > SHOWN)
		appendStringInfo(buf, ", %d more", list->count - SHOWN);
	appendStringInfoChar(buf, ')');
}
