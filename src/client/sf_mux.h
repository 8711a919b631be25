/*
 * sf_mux.h
 *		Many sockets and one timer behind one descriptor (level 2): epoll and timerfd on Linux,
 *		kqueue on the BSDs and macOS.
 *
 * The descriptor is readable whenever a watched socket is ready or the timer has run out, so the
 * one who waits needs neither a timeout nor a list.
 */
#ifndef SF_MUX_H
#define SF_MUX_H

#include "sf_status.h"

typedef struct sf_mux sf_mux;

typedef struct sf_mux_event
{
	int fd;
	bool readable;
	bool writable;
	bool failed; /* error or hang-up: ask the socket */
} sf_mux_event;

/* A time that never comes. */
#define SF_MUX_NEVER INT64_MAX

/* Milliseconds of a clock that only goes forward. */
extern int64_t sf_mux_now(void);

/* NULL with *err filled when the process is out of descriptors or memory. */
extern sf_mux *sf_mux_new(sf_error *err);

/* Closes its own descriptors, not the watched ones.  NULL is fine. */
extern void sf_mux_free(sf_mux *mux);

/* The descriptor to wait for; it stays the same. */
extern int sf_mux_fd(const sf_mux *mux);

/* Watches fd for what is asked, instead of what was asked before; neither stops watching it. */
extern sf_status
sf_mux_watch(sf_mux *mux, int fd, bool want_read, bool want_write, sf_error *err);

/* Sets the one timer to a time of sf_mux_now(); a past one fires at once, SF_MUX_NEVER stops it. */
extern sf_status sf_mux_set_timer(sf_mux *mux, int64_t at, sf_error *err);

/*
 * Takes up to max events that are there now, without waiting; *n is their number.  A timer that
 * has run out is taken too (it fires once) but gives no event: compare the time.
 */
extern sf_status
sf_mux_take(sf_mux *mux, sf_mux_event *events, int max, int *n, sf_error *err);

#endif /* SF_MUX_H */
