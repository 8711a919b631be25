/*
 * gate.c
 *		Something that waits until it is released.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "server.h"

struct srv_gate
{
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool open;
	int refs;
	int waiting;
};

srv_gate *
gate_new(void)
{
	srv_gate *g = calloc(1, sizeof(*g));
	pthread_condattr_t attr;

	if (g == NULL)
		return NULL;
	pthread_mutex_init(&g->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&g->opened, &attr);
	pthread_condattr_destroy(&attr);
	g->refs = 1;
	return g;
}

srv_gate *
gate_ref(srv_gate *g)
{
	if (g)
	{
		pthread_mutex_lock(&g->lock);
		g->refs++;
		pthread_mutex_unlock(&g->lock);
	}
	return g;
}

void
gate_unref(srv_gate *g)
{
	bool last;

	if (g == NULL)
		return;
	pthread_mutex_lock(&g->lock);
	last = --g->refs == 0;
	pthread_mutex_unlock(&g->lock);
	if (last)
	{
		pthread_mutex_destroy(&g->lock);
		pthread_cond_destroy(&g->opened);
		free(g);
	}
}

void
gate_open(srv_gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->open = true;
	pthread_cond_broadcast(&g->opened);
	pthread_mutex_unlock(&g->lock);
}

bool
gate_is_open(srv_gate *g)
{
	bool open;

	if (g == NULL)
		return true;
	pthread_mutex_lock(&g->lock);
	open = g->open;
	pthread_mutex_unlock(&g->lock);
	return open;
}

int
gate_waiting(srv_gate *g)
{
	int n;

	pthread_mutex_lock(&g->lock);
	n = g->waiting;
	pthread_mutex_unlock(&g->lock);
	return n;
}

void
gate_wait(srv_gate *g)
{
	if (g == NULL)
		return;
	pthread_mutex_lock(&g->lock);
	g->waiting++;
	while (!g->open)
		pthread_cond_wait(&g->opened, &g->lock);
	g->waiting--;
	pthread_mutex_unlock(&g->lock);
}

void
gate_pause(srv_gate *g, int64_t ms)
{
	int64_t end = srv_mono_ms() + ms;
	struct timespec until = {(time_t) (end / 1000), (long) (end % 1000) * 1000000};

	if (g == NULL || ms <= 0)
		return;
	pthread_mutex_lock(&g->lock);
	while (!g->open && pthread_cond_timedwait(&g->opened, &g->lock, &until) == 0)
		;
	pthread_mutex_unlock(&g->lock);
}
