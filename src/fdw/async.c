/*
 * async.c
 *		Scans under an Append that takes rows from whichever has some.
 *
 * Append keeps one request for a row per scan, and waits for one descriptor of each scan whose request is
 * pending.  Our scans have no descriptors of their own: those of a session share its one, and to wait for
 * one session is to move all of them on.  So the first pending scan of an Append waits for all of them, with
 * the one descriptor of sfb_watch_fd, and whenever one of them is called, it moves the sessions on
 * and completes the requests of all that have a row by now.
 *
 * Sources: PostgreSQL documentation, "FDW Routines for Asynchronous Execution"; nodeAppend.c, which looks at
 * nothing but WL_SOCKET_READABLE and may wait without a timeout.
 */
#include "progress.h"
#include "scan.h"

#include "executor/execAsync.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "storage/latch.h"

#include "compat.h"
#include "planner.h"

/* ---- planning -------------------------------------------------------------------------------- */

bool
sfbulkIsForeignPathAsyncCapable(ForeignPath *path)
{
	ListCell *lc;

	foreach (lc, sfb_path_plan(path)->members)
		if (!((SfbMember *) lfirst(lc))->options->async_capable)
			return false;
	return true;
}

/* ---- the scans of an Append ------------------------------------------------------------------ */

static SfbScanState *
scan_of(AsyncRequest *areq)
{
	return ((ForeignScanState *) areq->requestee)->fdw_state;
}

/* The next request of an Append, behind *i (-1: the first), that is ours and pending; or NULL. */
static AsyncRequest *
next_pending(AppendState *append, int *i)
{
	while ((*i = bms_next_member(append->as_asyncplans, *i)) >= 0)
	{
		AsyncRequest *areq = append->as_asyncrequests[*i];

		if (areq->callback_pending && IsA(areq->requestee, ForeignScanState) &&
			((ForeignScanState *) areq->requestee)->fdwroutine->ForeignAsyncRequest ==
				sfbulkForeignAsyncRequest)
			return areq;
	}
	return NULL;
}

/* Does the scan that is called want something of the session, or one that is pending? */
static bool
is_awaited(AppendState *append, AsyncRequest *called, sf_session *session)
{
	AsyncRequest *areq = called;
	int i = -1;

	do
	{
		if (scan_of(areq)->guard->session == session)
			return true;
	} while ((areq = next_pending(append, &i)) != NULL);
	return false;
}

/* Gives a row, the end, or a pending request; it waits only where there is no descriptor to wait for. */
static void
try_row(AsyncRequest *areq)
{
	SfbScanState *scan = scan_of(areq);
	TupleTableSlot *slot;

	/* A request is for what the executor wants of the node, its conditions and columns. */
	areq->callback_pending = false;
	scan->nowait = scan->watches;
	scan->starved = false;
	slot = areq->requestee->ExecProcNodeReal(areq->requestee);
	scan->nowait = false;
	if (!TupIsNull(slot))
		ExecAsyncRequestDone(areq, slot);
	else if (scan->starved)
		ExecAsyncRequestPending(areq);
	else
		ExecAsyncRequestDone(areq, NULL);
}

/* A pending request gets its answer, if there is one; measured: its node's time is being taken already. */
static bool
try_pending(AsyncRequest *areq, bool measured)
{
	Instrumentation *instrument = areq->requestee->instrument;
	double rows;

	if (instrument != NULL && !measured)
		InstrStartNode(instrument);
	try_row(areq);
	if (areq->request_complete)
		ExecAsyncResponse(areq);
	rows = areq->request_complete && !TupIsNull(areq->result) ? 1 : 0;
	if (instrument != NULL && !measured)
		InstrStopNode(instrument, rows);
	else if (instrument != NULL)
		InstrUpdateTupleCount(instrument, rows);
	return areq->request_complete;
}

/*
 * Moves all sessions on, then completes the pending requests of an Append that can be.  True when there is
 * something that Append should look at before it waits.
 */
static bool
serve(AsyncRequest *called)
{
	AppendState *append = (AppendState *) called->requestor;
	bool news = false;
	AsyncRequest *areq;
	int i;

	for (i = 0; i < sfb_session_count(); i++)
	{
		sf_session *session = sfb_session_nth(i);

		if (sfb_move_on(session, is_awaited(append, called, session)))
			news = true;
	}
	i = -1;
	while ((areq = next_pending(append, &i)) != NULL)
		if (try_pending(areq, areq == called))
			news = true;
	return news;
}

/* ---- requests ------------------------------------------------------------------------------------ */

static void
release_watch(void *arg)
{
	(void) arg;
	sfb_watch_release();
}

/* The scan takes part in waits from now on, until the end of its statement. */
static void
join_watch(ForeignScanState *node, SfbScanState *scan)
{
	if (scan->watches || !sfb_watch_acquire())
		return;
	scan->watches = true;
	scan->watch_callback.func = release_watch;
	MemoryContextRegisterResetCallback(node->ss.ps.state->es_query_cxt, &scan->watch_callback);
}

/*
 * Append asks for a row.  Before it is made to wait the sessions are moved on here: what has come is there
 * without the system calls of a wait, and a scan that always has some does not keep the others from theirs.
 */
void
sfbulkForeignAsyncRequest(AsyncRequest *areq)
{
	join_watch((ForeignScanState *) areq->requestee, scan_of(areq));
	try_row(areq);
	if (areq->request_complete)
		return;
	areq->callback_pending = false;
	serve(areq);
	try_row(areq);
}

/*
 * Append is about to wait.  The first of its pending scans does for all of them what has to be done: it
 * adds the descriptor, which is readable at once where there is a row already.  Others may have brought
 * that about, as a scan that moves a session on moves all scans of the session on.
 */
void
sfbulkForeignAsyncConfigureWait(AsyncRequest *areq)
{
	AppendState *append = (AppendState *) areq->requestor;
	SfbScanState *scan = scan_of(areq);
	AsyncRequest *other;
	int i = areq->request_index;
	bool news;

	if (scan->covered)
	{
		scan->covered = false;
		return;
	}
	news = serve(areq);
	while ((other = next_pending(append, &i)) != NULL)
		scan_of(other)->covered = true;

	/* nobody shortens this wait, so what is to be seen meanwhile is told now */
	if (!news)
		sfb_progress_flush();
	AddWaitEventToSet(append->as_eventset, WL_SOCKET_READABLE, sfb_watch_fd(news), NULL, areq);
}

/* A session is due. */
void
sfbulkForeignAsyncNotify(AsyncRequest *areq)
{
	serve(areq);
	try_row(areq);
}
