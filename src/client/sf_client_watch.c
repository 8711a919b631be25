/*
 * sf_client_watch.c
 *		One descriptor for several sessions.
 */
#include "sf_client_session.h"

#include <stdlib.h>

#include "sf_mux.h"

struct sf_watch
{
	sf_mux *mux;
};

sf_watch *
sf_watch_new(sf_error *err)
{
	sf_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	w->mux = sf_mux_new(err);
	if (w->mux == NULL)
	{
		sf_watch_free(w);
		return NULL;
	}
	return w;
}

int
sf_watch_fd(const sf_watch *w)
{
	return sf_mux_fd(w->mux);
}

sf_status
sf_watch_add(sf_watch *w, const sf_session *s, sf_error *err)
{
	return sf_mux_watch(w->mux, sf_session_fd(s), true, false, err);
}

/* The timer is nobody's: it can be one that has run out long ago. */
sf_status
sf_watch_ring(sf_watch *w, bool on, sf_error *err)
{
	return sf_mux_set_timer(w->mux, on ? 0 : SF_MUX_NEVER, err);
}

void
sf_watch_free(sf_watch *w)
{
	if (w == NULL)
		return;
	sf_mux_free(w->mux);
	free(w);
}
