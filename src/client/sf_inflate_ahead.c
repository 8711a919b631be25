/*
 * sf_inflate_ahead.c
 *		Decompression that works ahead, in a thread of its own.
 *
 * Compressed input is copied into a ring, text comes out in slots.  Both belong to one side or the
 * other by counters that only grow; counters and flags are read and changed under the lock, the
 * bytes between them without it.  Either side sleeps only when it has nothing to do, and wakes the
 * other only when that one sleeps.
 */
#include "sf_inflate_ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#endif

#include "sf_status.h"

/* Compressed bytes that may wait: some 900 kB of text. */
#define RING_SIZE (256 * 1024)

/*
 * ISA-L copies 32 kB of history at the end of each call, so a slot is several times that; three of
 * them let one be filled, one be read and one be ready.
 */
#define SLOT_SIZE (128 * 1024)
#define NSLOTS	  3

/* Far more than ISA-L or zlib use; the default of 8 MB would count as the process's memory limit. */
#define STACK_SIZE (256 * 1024)

typedef struct slot
{
	size_t len;
	char text[SLOT_SIZE];
} slot;

struct sf_ahead
{
	sf_ahead_mode mode;
	sf_inflate *z;
	uint64_t total; /* bytes of text got since the start */

	bool threaded;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t for_worker;
	pthread_cond_t for_caller;

	/* under the lock while there is a thread */
	bool stop;
	bool worker_sleeps;
	bool caller_sleeps;
	bool at_work;  /* the thread uses decoder, ring and slots without the lock */
	bool through;  /* the decoder had no more to say without more input */
	bool failed;   /* it failed, and knows why */
	size_t put;	   /* bytes ever put into the ring */
	size_t given;  /* bytes of these given to the decoder */
	size_t used;   /* bytes of these that it consumed: their room is free */
	size_t filled; /* slots ever filled */
	size_t taken;  /* slots ever taken */

	size_t taken_bytes; /* the caller's: of the slot being read */
	char ring[RING_SIZE];
	slot slots[NSLOTS];
};

/* ---- the decoder's side: with the thread, only the thread is here ----------------------- */

/* The ring's next bytes for a decoder that has used up what it was given. */
static void
feed(sf_ahead *a, size_t put)
{
	size_t from = a->given % RING_SIZE;
	size_t n = put - a->given;

	if (sf_inflate_input_left(a->z) > 0 || n == 0)
		return;
	if (n > RING_SIZE - from)
		n = RING_SIZE - from;
	sf_inflate_input(a->z, a->ring + from, n);
	a->given += n;
}

/*
 * Text of what was put (up to the byte "put" of all) into out, until that is full or nothing is
 * left.  SF_OK, SF_WAIT or SF_FAILED as the last call of the decoder, *n bytes in each case.
 */
static sf_status
inflate_some(sf_ahead *a, size_t put, char *out, size_t room, size_t *n, sf_error *err)
{
	sf_status st = SF_OK;

	*n = 0;
	while (*n < room && st == SF_OK)
	{
		size_t produced = 0;

		feed(a, put);
		st = sf_inflate_output(a->z, out + *n, room - *n, &produced, err);
		*n += produced;
		if (st == SF_WAIT && a->given < put)
			st = SF_OK;
	}
	return st;
}

static bool
has_work(const sf_ahead *a)
{
	return a->z != NULL && !a->failed && (a->put > a->given || !a->through) &&
		   a->filled - a->taken < NSLOTS;
}

static void *
worker(void *arg)
{
	sf_ahead *a = arg;

	pthread_mutex_lock(&a->lock);
	while (!a->stop)
	{
		slot *s = &a->slots[a->filled % NSLOTS];
		size_t put = a->put;
		sf_status st;

		if (!has_work(a))
		{
			a->worker_sleeps = true;
			pthread_cond_wait(&a->for_worker, &a->lock);
			a->worker_sleeps = false;
			continue;
		}
		a->at_work = true;
		pthread_mutex_unlock(&a->lock);
		st = inflate_some(a, put, s->text, SLOT_SIZE, &s->len, NULL);
		pthread_mutex_lock(&a->lock);
		a->at_work = false;
		a->used = a->given - sf_inflate_input_left(a->z);
		a->through = st == SF_WAIT;
		a->failed = st == SF_FAILED;
		if (s->len > 0)
			a->filled++;
		if (a->caller_sleeps)
			pthread_cond_signal(&a->for_caller);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* ---- the thread --------------------------------------------------------------------- */

static bool
several_processors(void)
{
#ifdef __linux__
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return CPU_COUNT(&set) > 1;
#endif
	return sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

/* Starts the thread if one may be; without one everything goes on as before. */
static void
start_thread(sf_ahead *a)
{
	bool may =
		a->mode == SF_AHEAD_ALWAYS || (a->mode == SF_AHEAD_AUTO && several_processors());
	pthread_attr_t attr;
	sigset_t all;
	sigset_t old;

	/* it is tried once */
	a->mode = SF_AHEAD_NEVER;
	if (!may || pthread_attr_init(&attr) != 0)
		return;
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	a->threaded = pthread_create(&a->thread, &attr, worker, a) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

sf_ahead *
sf_ahead_new(sf_ahead_mode mode, sf_error *err)
{
	/* not cleared: most of it are buffers, whose pages should not be touched before they are used */
	sf_ahead *a = malloc(sizeof(*a));

	if (a == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	memset(a, 0, offsetof(sf_ahead, ring));
	a->mode = mode;
	a->through = true;
	if (pthread_mutex_init(&a->lock, NULL) != 0)
		goto failed;
	if (pthread_cond_init(&a->for_worker, NULL) != 0)
		goto no_worker;
	if (pthread_cond_init(&a->for_caller, NULL) != 0)
		goto no_caller;
	if (mode == SF_AHEAD_ALWAYS)
		start_thread(a);
	return a;

no_caller:
	pthread_cond_destroy(&a->for_worker);
no_worker:
	pthread_mutex_destroy(&a->lock);
failed:
	free(a);
	sf_error_nomem(err);
	return NULL;
}

void
sf_ahead_free(sf_ahead *a)
{
	if (a == NULL)
		return;
	if (a->threaded)
	{
		pthread_mutex_lock(&a->lock);
		a->stop = true;
		pthread_cond_signal(&a->for_worker);
		pthread_mutex_unlock(&a->lock);
		pthread_join(a->thread, NULL);
	}
	pthread_cond_destroy(&a->for_caller);
	pthread_cond_destroy(&a->for_worker);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

bool
sf_ahead_threaded(const sf_ahead *a)
{
	return a->threaded;
}

/* ---- the caller's side ---------------------------------------------------------------- */

static void
caller_waits(sf_ahead *a)
{
	a->caller_sleeps = true;
	pthread_cond_wait(&a->for_caller, &a->lock);
	a->caller_sleeps = false;
}

void
sf_ahead_use(sf_ahead *a, sf_inflate *z)
{
	pthread_mutex_lock(&a->lock);
	/* without a decoder and with all counters equal the thread finds nothing to do */
	while (a->at_work)
		caller_waits(a);
	a->z = z;
	a->put = a->given = a->used = 0;
	a->filled = a->taken = a->taken_bytes = 0;
	a->through = true;
	a->failed = false;
	pthread_mutex_unlock(&a->lock);
}

const sf_inflate *
sf_ahead_used(const sf_ahead *a)
{
	return a->z;
}

size_t
sf_ahead_put(sf_ahead *a, const void *data, size_t len)
{
	size_t at = a->put % RING_SIZE; /* only the caller changes it */
	size_t room;
	size_t first;

	pthread_mutex_lock(&a->lock);
	room = RING_SIZE - (a->put - a->used);
	pthread_mutex_unlock(&a->lock);
	if (len > room)
		len = room;
	if (len == 0)
		return 0;
	first = len < RING_SIZE - at ? len : RING_SIZE - at;
	memcpy(a->ring + at, data, first);
	memcpy(a->ring, (const char *) data + first, len - first);

	pthread_mutex_lock(&a->lock);
	a->put += len;
	if (a->worker_sleeps && has_work(a))
		pthread_cond_signal(&a->for_worker);
	pthread_mutex_unlock(&a->lock);
	return len;
}

/* What is ready, as far as there is room; the lock is held, and released while copying. */
static size_t
take_ready(sf_ahead *a, char *out, size_t room)
{
	size_t n = 0;

	while (n < room && a->filled > a->taken)
	{
		const slot *s = &a->slots[a->taken % NSLOTS];
		size_t len = s->len - a->taken_bytes;

		if (len > room - n)
			len = room - n;
		pthread_mutex_unlock(&a->lock);
		memcpy(out + n, s->text + a->taken_bytes, len);
		pthread_mutex_lock(&a->lock);
		n += len;
		a->taken_bytes += len;
		if (a->taken_bytes == s->len)
		{
			a->taken++;
			a->taken_bytes = 0;
			if (a->worker_sleeps && has_work(a))
				pthread_cond_signal(&a->for_worker);
		}
	}
	return n;
}

static sf_status
get_from_thread(sf_ahead *a, char *out, size_t room, size_t *produced, sf_error *err)
{
	sf_status st = SF_OK;

	pthread_mutex_lock(&a->lock);
	while (st == SF_OK && *produced == 0)
	{
		*produced = take_ready(a, out, room);
		if (*produced > 0)
			break;
		if (a->failed)
			st = SF_FAILED;
		else if (!a->at_work && !has_work(a))
			st = SF_WAIT;
		else
			caller_waits(a);
	}
	pthread_mutex_unlock(&a->lock);
	/* it fails the same way whenever it is asked */
	return st == SF_FAILED ? sf_inflate_output(a->z, out, room, produced, err) : st;
}

sf_status
sf_ahead_get(sf_ahead *a, void *out, size_t room, size_t *produced, sf_error *err)
{
	sf_status st;

	*produced = 0;
	if (a->z == NULL || room == 0)
		return SF_WAIT;
	if (a->total >= SF_AHEAD_AFTER && !a->threaded && a->mode != SF_AHEAD_NEVER)
		start_thread(a);
	if (a->threaded)
		st = get_from_thread(a, out, room, produced, err);
	else
	{
		st = inflate_some(a, a->put, out, room, produced, err);
		a->used = a->given - sf_inflate_input_left(a->z);
		a->through = st == SF_WAIT;
		/* what came before an end or an error counts first: the next call says it again */
		if (*produced > 0)
			st = SF_OK;
	}
	a->total += *produced;
	return st;
}
