/*
 * wait.c
 *		The only place that waits.
 *
 * A wait is for one session, but every session of the backend is moved on meanwhile: two scans of
 * two orgs log in, poll and download side by side.
 */
#include "progress.h"
#include "usage.h"

#include <poll.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/postmaster.h"
#include "storage/condition_variable.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "compat.h"

/* Most sessions that are looked at in one wake-up; the rest is seen by the next. */
#define WAIT_EVENTS 16

/* This many answers "nothing is under way" to somebody who waits are a bug, not a coincidence. */
#define IDLE_MAX 1000

/*
 * The latch, the postmaster and the descriptors of all sessions.  Kept, because building it costs
 * a dozen system calls and a fast download waits thousands of times.
 */
static WaitEventSet *wait_set = NULL;
static uint64 wait_set_generation = 0;

/* The descriptors of all sessions behind one, while somebody wants that (see sfb_watch_fd). */
static sf_watch *watch = NULL;
static int watch_users = 0;
static uint64 watch_generation = 0;

/* Shown in pg_stat_activity, by SfbWaitReason; 0 until the first wait. */
static const char *const wait_names[] = {"SalesforceAnswer", "SalesforceLogin",
										 "SalesforceJob", "SalesforceRows",
										 "SalesforceUpload"};
static uint32 wait_events[lengthof(wait_names)];

/*
 * Shows what the session did: one line for each request, redacted by the client.  Lines that nobody
 * wants are dropped now, so that they do not show up in another statement.
 */
static void
drain_trace(sf_session *session)
{
	bool wanted = message_level_is_interesting(DEBUG1);
	char line[512];

	while (sf_session_trace(session, line, sizeof(line)))
		if (wanted)
			ereport(DEBUG1, errmsg_internal("sfbulk_fdw: %s", sfb_server_text(line)),
					errhidestmt(true), errhidecontext(true));
}

/* Makes the set anew when sessions came or went. */
static void
prepare_wait_set(void)
{
	uint64 generation = sfb_session_generation();
	int nsessions = sfb_session_count();

	if (wait_set != NULL && wait_set_generation == generation)
		return;
	for (int i = 0; i < (int) lengthof(wait_events) && wait_events[i] == 0; i++)
		wait_events[i] = sfb_new_wait_event(wait_names[i]);
	if (wait_set != NULL)
	{
		WaitEventSet *old = wait_set;

		wait_set = NULL;
		FreeWaitEventSet(old);
	}

	/* In a static at once: whatever fails from here on, the next call frees it. */
	wait_set = sfb_create_wait_event_set(nsessions + 2);
	wait_set_generation = 0;
	AddWaitEventToSet(wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(wait_set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (int i = 0; i < nsessions; i++)
	{
		sf_session *session = sfb_session_nth(i);

		AddWaitEventToSet(wait_set, WL_SOCKET_READABLE, sf_session_fd(session), NULL, session);
	}
	wait_set_generation = generation;
}

/* Moves on a session that nobody waits for: if it fails, it fails again when its own scan asks for it. */
static void
step_other(sf_session *session)
{
	sf_error ignored = {0};

	sf_session_step(session, &ignored);
	drain_trace(session);
}

/*
 * Sleeps until something happens, or timeout milliseconds (-1: for ever), and moves on every session
 * but ours, which the caller steps.  May come back before, for those who look at the progress.
 */
static void
wait_once(sf_session *session, long timeout, SfbWaitReason reason)
{
	WaitEvent events[WAIT_EVENTS];
	long due = sfb_progress_due();
	int n;

	if (due >= 0 && (timeout < 0 || due < timeout))
		timeout = due;
	prepare_wait_set();
	if (session != NULL && !sf_session_logged_in(session))
		reason = SFB_WAIT_LOGIN;
	n = WaitEventSetWait(wait_set, timeout, events, lengthof(events), wait_events[reason]);
	for (int i = 0; i < n; i++)
	{
		sf_session *other = events[i].user_data;

		if (events[i].events & WL_LATCH_SET)
			ResetLatch(MyLatch);
		else if ((events[i].events & WL_SOCKET_READABLE) && other != session)
			step_other(other);
	}
	sfb_usage_tick();
	CHECK_FOR_INTERRUPTS();
	/* Who waits looks again at what it waits for: a NOTICE may take our latch's word for it. */
	sfb_progress_tick();
}

/* Moves a session on for somebody who waits; true when there is something new. */
static bool
step_awaited(sf_session *session)
{
	static int idle = 0;
	sf_error err = {0};
	sf_step step;

	sfb_governor_note(session);
	step = sf_session_step(session, &err);
	drain_trace(session);
	switch (step)
	{
		case SF_STEP_IDLE:
			if (++idle < IDLE_MAX)
				return true;
			idle = 0;
			elog(ERROR, "sfbulk_fdw waits for an answer that was not asked for");
			break;
		case SF_STEP_FAILED:
			sfb_report(ERROR, &err);
			break;
		case SF_STEP_READY:
		case SF_STEP_WAIT:
			break;
	}
	idle = 0;
	return step == SF_STEP_READY;
}

void
sfb_wait_for(sf_session *session, SfbWaitReason reason)
{
	CHECK_FOR_INTERRUPTS();
	while (!step_awaited(session))
		wait_once(session, -1, reason);
}

void
sfb_wait(sf_session *session)
{
	sfb_wait_for(session, SFB_WAIT_ANSWER);
}

void
sfb_wait_condition(sf_session *session, ConditionVariable *cv, bool (*over)(void *arg),
				   void *arg)
{
	CHECK_FOR_INTERRUPTS();
	for (;;)
	{
		/* First in the queue, then the question: who signals in between wakes us. */
		ConditionVariablePrepareToSleep(cv);
		if (over(arg) || (session != NULL && step_awaited(session)))
			break;
		wait_once(session, -1, SFB_WAIT_ROWS);
	}
	ConditionVariableCancelSleep();
}

void
sfb_pause(sf_session *session, int ms)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);
	long left;

	while ((left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end)) > 0)
	{
		sfb_kick(session);
		wait_once(session, left, SFB_WAIT_ANSWER);
	}
}

void
sfb_kick(sf_session *session)
{
	sf_error err = {0};

	if (sf_session_step(session, &err) == SF_STEP_FAILED)
		sfb_report(ERROR, &err);
	drain_trace(session);
	sfb_progress_tick();
}

bool
sfb_move_on(sf_session *session, bool awaited)
{
	bool news = false;

	if (awaited)
		news = step_awaited(session);
	else
		step_other(session);
	sfb_progress_tick();
	return news;
}

/* ---- a wait elsewhere ------------------------------------------------------------------- */

bool
sfb_watch_acquire(void)
{
	sf_error err = {0};

	if (watch == NULL)
	{
		if (!AcquireExternalFD())
			return false;
		if (!AcquireExternalFD())
		{
			ReleaseExternalFD();
			return false;
		}
		watch = sf_watch_new(&err);
		watch_generation = 0;
		if (watch == NULL)
		{
			ReleaseExternalFD();
			ReleaseExternalFD();
			return false;
		}
	}
	watch_users++;
	return true;
}

void
sfb_watch_release(void)
{
	if (--watch_users > 0)
		return;
	sf_watch_free(watch);
	watch = NULL;
	ReleaseExternalFD();
	ReleaseExternalFD();
}

int
sfb_watch_fd(bool now)
{
	uint64 generation = sfb_session_generation();
	sf_error err = {0};

	for (int i = 0; watch_generation != generation && i < sfb_session_count(); i++)
		if (sf_watch_add(watch, sfb_session_nth(i), &err) != SF_OK)
			sfb_report(ERROR, &err);
	watch_generation = generation;
	if (sf_watch_ring(watch, now, &err) != SF_OK)
		sfb_report(ERROR, &err);
	return sf_watch_fd(watch);
}

/* ---- deadlines --------------------------------------------------------------------------- */

/*
 * poll() and not a WaitEventSet: this runs while a transaction aborts or a backend exits, where
 * nothing may throw and the latch says nothing that we could act on.
 */
bool
sfb_wait_deadline(sf_session *session, TimestampTz deadline)
{
	for (;;)
	{
		sf_error err = {0};
		sf_step step = sf_session_step(session, &err);
		long ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		struct pollfd fds[2];
		int rc;

		if (ms <= 0)
			return false;
		if (step == SF_STEP_READY)
			return true;
		if (step != SF_STEP_WAIT)
			return false;

		fds[0] = (struct pollfd){.fd = sf_session_fd(session), .events = POLLIN};
		/* negative, so ignored by poll, where there is no postmaster (single-user mode) */
		fds[1] =
			(struct pollfd){.fd = postmaster_alive_fds[POSTMASTER_FD_WATCH], .events = POLLIN};
		pgstat_report_wait_start(wait_events[SFB_WAIT_ANSWER] ? wait_events[SFB_WAIT_ANSWER]
															  : PG_WAIT_EXTENSION);
		rc = poll(fds, lengthof(fds), (int) Min(ms, INT_MAX));
		pgstat_report_wait_end();

		if (rc < 0 && errno != EINTR)
			return false;
		if (rc > 0 && fds[1].revents != 0)
			return false;
	}
}

void
sfb_nap(int ms)
{
	pg_usleep(ms * 1000L);
}
