/*
 * idset.c
 *		The records that a statement has taken already.
 *
 * A join may deliver the row of a foreign table several times; PostgreSQL updates its own tables' rows
 * once then, with the first of them, and so do we.  15 characters out of 62 are 90 bits, so an Id takes 12
 * bytes, in a hash table with open addressing that is between 3/8 and 3/4 full.  It grows with the rows: it must
 * not forget one, and cannot be asked quickly on disk.  A hash join of the same rows takes several times
 * as much.  Statements without a join have none.
 */
#include "modify.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#define ID_CHARS	 15
#define FIRST_SIZE	 1024
#define MAX_SIZE	 ((uint32) 1 << 28) /* of entries: 3 GB */
#define HIGH_CHARS	 10					/* 62^10 is less than 2^60 */
#define HIGH_IS_USED (UINT64CONST(1) << 63)

/* An Id as two numbers; in 12 bytes. */
typedef struct IdEntry
{
	uint32 high[2]; /* the first 10 characters; 0 in an unused entry */
	uint32 low;		/* the other 5 */
} IdEntry;

struct SfbIdSet
{
	MemoryContext context;
	IdEntry *entries;
	uint32 size; /* a power of 2 */
	uint32 used;
};

SfbIdSet *
sfb_idset_new(void)
{
	SfbIdSet *set = palloc0(sizeof(SfbIdSet));

	set->context = CurrentMemoryContext;
	set->size = FIRST_SIZE;
	set->entries = palloc0(sizeof(IdEntry) * set->size);
	return set;
}

/* The value of a digit in base 62, or -1. */
static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 36;
	return -1;
}

static bool
pack_id(const char *id, int len, IdEntry *entry)
{
	uint64 part = 0;

	if (len != ID_CHARS && len != ID_CHARS + 3)
		return false;
	for (int i = 0; i < ID_CHARS; i++)
	{
		int digit = digit_value(id[i]);

		if (digit < 0)
			return false;
		part = part * 62 + digit;
		if (i == HIGH_CHARS - 1)
		{
			part |= HIGH_IS_USED;
			entry->high[0] = (uint32) (part >> 32);
			entry->high[1] = (uint32) part;
			part = 0;
		}
	}
	entry->low = (uint32) part;
	return true;
}

/* Where the entry is, or the unused place where it belongs. */
static IdEntry *
find_place(const SfbIdSet *set, const IdEntry *entry)
{
	uint32 i = hash_bytes((const unsigned char *) entry, sizeof(IdEntry));

	for (;; i++)
	{
		IdEntry *place = &set->entries[i & (set->size - 1)];

		if (place->high[0] == 0 || memcmp(place, entry, sizeof(IdEntry)) == 0)
			return place;
	}
}

static void
grow(SfbIdSet *set)
{
	IdEntry *old = set->entries;
	uint32 old_size = set->size;

	if (old_size >= MAX_SIZE)
		ereport(
			ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			errmsg("too many rows in one statement with a join"),
			errhint("Join in a subquery that gives each record once, and use its result in "
					"several statements."));
	set->entries = MemoryContextAllocExtended(set->context, sizeof(IdEntry) * old_size * 2,
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	set->size = old_size * 2;
	for (uint32 i = 0; i < old_size; i++)
		if (old[i].high[0] != 0)
			*find_place(set, &old[i]) = old[i];
	pfree(old);
}

bool
sfb_idset_add(SfbIdSet *set, const char *id, int len)
{
	IdEntry entry;
	IdEntry *place;

	if (!pack_id(id, len, &entry))
		return true;
	place = find_place(set, &entry);
	if (place->high[0] != 0)
		return false;
	*place = entry;
	if (++set->used > set->size / 4 * 3)
		grow(set);
	return true;
}
