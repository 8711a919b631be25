/*
 * progress_shmem.c
 *		What all backends have under way, in shared memory.
 *
 * There are so many places; an operation takes a free one when it is published first, and its backend gives
 * it back.  Each has a lock of its own, which is held for as long as it takes to copy an entry.
 *
 * The memory is the postmaster's when the module is preloaded (shared_preload_libraries); from PostgreSQL 17
 * on whoever needs it first makes it, in the registry of dynamic shared memory.  A crash of any backend
 * makes both anew, so that no entry outlives its backend.
 */
#include "progress.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "storage/spin.h"

#include "compat.h"

/* Another layout has another name, for a backend that has loaded an older file. */
#define SEGMENT_NAME "sfbulk_fdw progress 1"

typedef struct Place
{
	slock_t mutex;
	uint64 id; /* of the operation; 0: free */
	SfbProgressEntry entry;
} Place;

typedef struct Shared
{
	slock_t mutex;
	uint64 last_id;
	int64 unplaced;
	int nplaces;
	Place places[FLEXIBLE_ARRAY_MEMBER];
} Shared;

int sfb_progress_slots = SFB_PROGRESS_SLOTS;

static Shared *shared = NULL;
static SfbProgressPlace place = SFB_PROGRESS_SESSION;
static bool attached = false;

static shmem_startup_hook_type previous_startup = NULL;
#ifdef sfb_shmem_request_hook
static shmem_request_hook_type previous_request = NULL;
#endif

/* ---- the memory ------------------------------------------------------------------------------- */

static Size
size_of(int nplaces)
{
	return add_size(offsetof(Shared, places), mul_size(sizeof(Place), nplaces));
}

static void
init_memory(Shared *memory, int nplaces)
{
	memset(memory, 0, size_of(nplaces));
	SpinLockInit(&memory->mutex);
	memory->nplaces = nplaces;
	for (int i = 0; i < nplaces; i++)
		SpinLockInit(&memory->places[i].mutex);
}

static void
startup(void)
{
	bool found;

	if (previous_startup)
		previous_startup();
	if (sfb_progress_slots == 0)
		return;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("sfbulk_fdw progress", size_of(sfb_progress_slots), &found);
	if (!found)
		init_memory(shared, sfb_progress_slots);
	LWLockRelease(AddinShmemInitLock);
	place = SFB_PROGRESS_PRELOADED;
	attached = true;
}

#ifdef sfb_shmem_request_hook
static void
request(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(size_of(sfb_progress_slots));
}
#endif

void
sfb_progress_shmem_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
#ifdef sfb_shmem_request_hook
	previous_request = sfb_shmem_request_hook;
	sfb_shmem_request_hook = request;
#else
	RequestAddinShmemSpace(size_of(sfb_progress_slots));
#endif
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = startup;
}

static void
init_segment(void *memory)
{
	init_memory(memory, SFB_PROGRESS_SLOTS);
}

SfbProgressPlace
sfb_progress_place(void)
{
	bool found;

	if (attached)
		return place;
	attached = true;
	if (IsUnderPostmaster && sfb_progress_slots > 0)
		shared =
			sfb_named_segment(SEGMENT_NAME, size_of(SFB_PROGRESS_SLOTS), init_segment, &found);
	if (shared != NULL)
		place = SFB_PROGRESS_REGISTRY;
	return place;
}

/* ---- writing ---------------------------------------------------------------------------------- */

/* Takes a free place, from one on that others do not begin at. */
static bool
take_place(SfbProgressRef *ref)
{
	int start = (int) ((uint32) MyProcPid % (uint32) shared->nplaces);
	uint64 id;

	SpinLockAcquire(&shared->mutex);
	id = ++shared->last_id;
	SpinLockRelease(&shared->mutex);
	for (int i = 0; i < shared->nplaces; i++)
	{
		int slot = (start + i) % shared->nplaces;
		Place *p = &shared->places[slot];
		bool taken;

		/* a look without the lock passes by those that are taken */
		if (*(volatile uint64 *) &p->id != 0)
			continue;
		SpinLockAcquire(&p->mutex);
		taken = p->id == 0;
		if (taken)
		{
			memset(&p->entry, 0, sizeof(p->entry));
			p->id = id;
		}
		SpinLockRelease(&p->mutex);
		if (taken)
		{
			ref->slot = slot;
			ref->id = id;
			return true;
		}
	}
	return false;
}

bool
sfb_progress_put(SfbProgressRef *ref, const SfbProgressEntry *entry, bool first)
{
	Place *p;

	if (ref->slot < 0 && !take_place(ref))
	{
		if (first)
		{
			SpinLockAcquire(&shared->mutex);
			shared->unplaced++;
			SpinLockRelease(&shared->mutex);
		}
		return false;
	}
	p = &shared->places[ref->slot];
	SpinLockAcquire(&p->mutex);
	p->entry = *entry;
	SpinLockRelease(&p->mutex);
	return true;
}

void
sfb_progress_raise(const SfbProgressRef *ref, const SfbProgressEntry *entry)
{
	Place *p;

	if (ref->slot < 0)
		return;
	p = &shared->places[ref->slot];
	SpinLockAcquire(&p->mutex);
	if (p->id == ref->id)
	{
		if (entry->rows_done > p->entry.rows_done || entry->bytes > p->entry.bytes)
			p->entry.changed = entry->changed;
		p->entry.rows_done = Max(p->entry.rows_done, entry->rows_done);
		p->entry.bytes = Max(p->entry.bytes, entry->bytes);
		p->entry.api_calls = Max(p->entry.api_calls, entry->api_calls);
	}
	SpinLockRelease(&p->mutex);
}

void
sfb_progress_drop(SfbProgressRef *ref)
{
	Place *p;

	if (ref->slot < 0)
		return;
	p = &shared->places[ref->slot];
	SpinLockAcquire(&p->mutex);
	p->id = 0;
	SpinLockRelease(&p->mutex);
	ref->slot = -1;
}

/* ---- reading ---------------------------------------------------------------------------------- */

int
sfb_progress_read(SfbProgressEntry **entries)
{
	int n = 0;

	*entries = palloc(sizeof(SfbProgressEntry) * shared->nplaces);
	for (int i = 0; i < shared->nplaces; i++)
	{
		Place *p = &shared->places[i];

		SpinLockAcquire(&p->mutex);
		if (p->id != 0 && p->entry.pid != 0)
			(*entries)[n++] = p->entry;
		SpinLockRelease(&p->mutex);
	}
	return n;
}

void
sfb_progress_places(int *places, int *taken, int64 *unplaced)
{
	*places = shared->nplaces;
	*taken = 0;
	for (int i = 0; i < shared->nplaces; i++)
	{
		SpinLockAcquire(&shared->places[i].mutex);
		if (shared->places[i].id != 0)
			++*taken;
		SpinLockRelease(&shared->places[i].mutex);
	}
	SpinLockAcquire(&shared->mutex);
	*unplaced = shared->unplaced;
	SpinLockRelease(&shared->mutex);
}
