/*
 * clock.c
 *		The org's clock.
 */
#include "clock.h"

#include <pthread.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t now_offset;	/* to the machine's clock */
static int64_t mono_offset; /* to its monotonic clock */
static bool frozen;
static bool moved; /* since the last reset */
static int64_t frozen_now;
static int64_t frozen_mono;
static uint64_t epoch = 1;

static int64_t
machine(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The lock is held. */
static int64_t
now_locked(void)
{
	return frozen ? frozen_now : machine(CLOCK_REALTIME) + now_offset;
}

static int64_t
mono_locked(void)
{
	return frozen ? frozen_mono : machine(CLOCK_MONOTONIC) + mono_offset;
}

int64_t
sim_clock_now(void)
{
	int64_t now;

	pthread_mutex_lock(&lock);
	now = now_locked();
	pthread_mutex_unlock(&lock);
	return now;
}

int64_t
sim_clock_mono(void)
{
	int64_t now;

	pthread_mutex_lock(&lock);
	now = mono_locked();
	pthread_mutex_unlock(&lock);
	return now;
}

void
sim_clock_advance(int64_t ms)
{
	pthread_mutex_lock(&lock);
	now_offset += ms;
	mono_offset += ms;
	frozen_now += ms;
	frozen_mono += ms;
	moved = true;
	epoch++;
	pthread_mutex_unlock(&lock);
}

void
sim_clock_set(int64_t now_ms)
{
	pthread_mutex_lock(&lock);
	now_offset = now_ms - machine(CLOCK_REALTIME);
	frozen_now = now_ms;
	moved = true;
	epoch++;
	pthread_mutex_unlock(&lock);
}

void
sim_clock_freeze(bool on)
{
	pthread_mutex_lock(&lock);
	if (on && !frozen)
	{
		frozen_now = now_locked();
		frozen_mono = mono_locked();
	}
	else if (!on && frozen)
	{
		now_offset = frozen_now - machine(CLOCK_REALTIME);
		mono_offset = frozen_mono - machine(CLOCK_MONOTONIC);
	}
	frozen = on;
	moved = true;
	epoch++;
	pthread_mutex_unlock(&lock);
}

bool
sim_clock_frozen(void)
{
	bool is;

	pthread_mutex_lock(&lock);
	is = frozen;
	pthread_mutex_unlock(&lock);
	return is;
}

void
sim_clock_reset(void)
{
	pthread_mutex_lock(&lock);

	/* durations that have begun must not become negative */
	if (frozen)
		mono_offset = frozen_mono - machine(CLOCK_MONOTONIC);
	frozen = false;
	now_offset = 0;
	moved = false;
	epoch++;
	pthread_mutex_unlock(&lock);
}

bool
sim_clock_moved(void)
{
	bool is;

	pthread_mutex_lock(&lock);
	is = moved;
	pthread_mutex_unlock(&lock);
	return is;
}

uint64_t
sim_clock_epoch(void)
{
	uint64_t e;

	pthread_mutex_lock(&lock);
	e = epoch;
	pthread_mutex_unlock(&lock);
	return e;
}

void
sim_clock_save(sim_clock_state *out)
{
	pthread_mutex_lock(&lock);
	out->frozen = frozen;
	out->moved = moved;
	out->offset = now_offset;
	out->now = frozen_now;
	pthread_mutex_unlock(&lock);
}

void
sim_clock_load(const sim_clock_state *in)
{
	pthread_mutex_lock(&lock);
	if (in->frozen && !frozen)
		frozen_mono = mono_locked();
	else if (!in->frozen && frozen)
		mono_offset = frozen_mono - machine(CLOCK_MONOTONIC);
	frozen = in->frozen;
	moved = in->moved;
	now_offset = in->offset;
	frozen_now = in->now;
	epoch++;
	pthread_mutex_unlock(&lock);
}
