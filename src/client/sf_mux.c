/*
 * sf_mux.c
 *		One descriptor for many sockets and a timer.
 */
#include "sf_mux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/timerfd.h>
#else
#include <fcntl.h>
#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>
#endif

/* Events asked of the kernel at a time; more are found by the next call. */
#define MUX_BATCH 64

struct sf_mux
{
	int fd;
	int timer_fd;	  /* Linux only, else -1 */
	int64_t timer_at; /* what the timer is set to: setting it again costs a system call */
};

int64_t
sf_mux_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
sf_mux_fd(const sf_mux *mux)
{
	return mux->fd;
}

void
sf_mux_free(sf_mux *mux)
{
	if (mux == NULL)
		return;
	if (mux->timer_fd >= 0)
		close(mux->timer_fd);
	if (mux->fd >= 0)
		close(mux->fd);
	free(mux);
}

static sf_status
mux_failed(sf_error *err, const char *what)
{
	return sf_error_set(err, SF_ERR_NETWORK, "%s failed: %s", what, strerror(errno));
}

#ifdef __linux__

sf_mux *
sf_mux_new(sf_error *err)
{
	struct epoll_event ev = {.events = EPOLLIN};
	sf_mux *mux = calloc(1, sizeof(*mux));

	if (mux == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	mux->timer_at = SF_MUX_NEVER;
	mux->timer_fd = -1;
	mux->fd = epoll_create1(EPOLL_CLOEXEC);
	if (mux->fd >= 0)
		mux->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	ev.data.fd = mux->timer_fd;
	if (mux->fd < 0 || mux->timer_fd < 0 ||
		epoll_ctl(mux->fd, EPOLL_CTL_ADD, mux->timer_fd, &ev) != 0)
	{
		mux_failed(err, "creating an event descriptor");
		sf_mux_free(mux);
		return NULL;
	}
	return mux;
}

sf_status
sf_mux_watch(sf_mux *mux, int fd, bool want_read, bool want_write, sf_error *err)
{
	struct epoll_event ev = {0};
	int result;

	ev.events = (want_read ? EPOLLIN : 0) | (want_write ? EPOLLOUT : 0);
	ev.data.fd = fd;
	if (!want_read && !want_write)
	{
		/* A descriptor that was closed meanwhile has left the set by itself. */
		if (epoll_ctl(mux->fd, EPOLL_CTL_DEL, fd, &ev) != 0 && errno != ENOENT &&
			errno != EBADF)
			return mux_failed(err, "unwatching a socket");
		return SF_OK;
	}
	result = epoll_ctl(mux->fd, EPOLL_CTL_MOD, fd, &ev);
	if (result != 0 && errno == ENOENT)
		result = epoll_ctl(mux->fd, EPOLL_CTL_ADD, fd, &ev);
	return result == 0 ? SF_OK : mux_failed(err, "watching a socket");
}

sf_status
sf_mux_set_timer(sf_mux *mux, int64_t at, sf_error *err)
{
	struct itimerspec when = {0};

	if (at == mux->timer_at)
		return SF_OK;
	if (at != SF_MUX_NEVER)
	{
		/* All zeroes would stop it, so the past starts one nanosecond after boot. */
		if (at < 0)
			at = 0;
		when.it_value.tv_sec = at / 1000;
		when.it_value.tv_nsec = at % 1000 * 1000000 + 1;
	}
	if (timerfd_settime(mux->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) != 0)
		return mux_failed(err, "setting a timer");
	mux->timer_at = at;
	return SF_OK;
}

sf_status
sf_mux_take(sf_mux *mux, sf_mux_event *events, int max, int *n, sf_error *err)
{
	struct epoll_event found[MUX_BATCH];
	int nfound;

	*n = 0;
	nfound = epoll_wait(mux->fd, found, max < MUX_BATCH ? max : MUX_BATCH, 0);
	if (nfound < 0)
		return errno == EINTR ? SF_OK : mux_failed(err, "asking for events");
	for (int i = 0; i < nfound; i++)
	{
		sf_mux_event *ev;

		if (found[i].data.fd == mux->timer_fd)
		{
			uint64_t expirations;

			/* Nothing to read means that it was set anew meanwhile: also fine. */
			if (read(mux->timer_fd, &expirations, sizeof(expirations)) > 0)
				mux->timer_at = SF_MUX_NEVER;
			continue;
		}
		ev = &events[(*n)++];
		ev->fd = found[i].data.fd;
		ev->readable = (found[i].events & EPOLLIN) != 0;
		ev->writable = (found[i].events & EPOLLOUT) != 0;
		ev->failed = (found[i].events & (EPOLLERR | EPOLLHUP)) != 0;
	}
	return SF_OK;
}

#else /* kqueue */

/* Timers have their own name space in a kqueue, so any number does. */
#define TIMER_IDENT 1

sf_mux *
sf_mux_new(sf_error *err)
{
	sf_mux *mux = calloc(1, sizeof(*mux));

	if (mux == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	mux->timer_at = SF_MUX_NEVER;
	mux->timer_fd = -1;
	mux->fd = kqueue();
	if (mux->fd < 0 || fcntl(mux->fd, F_SETFD, FD_CLOEXEC) != 0)
	{
		mux_failed(err, "creating an event descriptor");
		sf_mux_free(mux);
		return NULL;
	}
	return mux;
}

/* Applies one change; a filter that is not there cannot be deleted, and need not be. */
static bool
change(sf_mux *mux, uintptr_t ident, short filter, unsigned short flags, intptr_t data)
{
	struct kevent ev;

	EV_SET(&ev, ident, filter, flags, 0, data, 0);
	if (kevent(mux->fd, &ev, 1, NULL, 0, NULL) == 0)
		return true;
	return (flags & EV_DELETE) != 0 && (errno == ENOENT || errno == EBADF);
}

sf_status
sf_mux_watch(sf_mux *mux, int fd, bool want_read, bool want_write, sf_error *err)
{
	if (!change(mux, (uintptr_t) fd, EVFILT_READ, want_read ? EV_ADD : EV_DELETE, 0) ||
		!change(mux, (uintptr_t) fd, EVFILT_WRITE, want_write ? EV_ADD : EV_DELETE, 0))
		return mux_failed(err, "watching a socket");
	return SF_OK;
}

sf_status
sf_mux_set_timer(sf_mux *mux, int64_t at, sf_error *err)
{
	int64_t left;

	if (at == mux->timer_at)
		return SF_OK;
	if (!change(mux, TIMER_IDENT, EVFILT_TIMER, EV_DELETE, 0))
		return mux_failed(err, "setting a timer");
	mux->timer_at = SF_MUX_NEVER;
	if (at == SF_MUX_NEVER)
		return SF_OK;
	left = at - sf_mux_now();
	if (!change(mux, TIMER_IDENT, EVFILT_TIMER, EV_ADD | EV_ONESHOT, left > 0 ? left : 0))
		return mux_failed(err, "setting a timer");
	mux->timer_at = at;
	return SF_OK;
}

sf_status
sf_mux_take(sf_mux *mux, sf_mux_event *events, int max, int *n, sf_error *err)
{
	static const struct timespec no_time = {0};
	struct kevent found[MUX_BATCH];
	int nfound;

	*n = 0;
	nfound = kevent(mux->fd, NULL, 0, found, max < MUX_BATCH ? max : MUX_BATCH, &no_time);
	if (nfound < 0)
		return errno == EINTR ? SF_OK : mux_failed(err, "asking for events");
	for (int i = 0; i < nfound; i++)
	{
		sf_mux_event *ev;

		if (found[i].filter == EVFILT_TIMER)
		{
			mux->timer_at = SF_MUX_NEVER;
			continue;
		}
		ev = &events[(*n)++];
		ev->fd = (int) found[i].ident;
		ev->readable = found[i].filter == EVFILT_READ;
		ev->writable = found[i].filter == EVFILT_WRITE;
		ev->failed = (found[i].flags & (EV_ERROR | EV_EOF)) != 0;
	}
	return SF_OK;
}

#endif
