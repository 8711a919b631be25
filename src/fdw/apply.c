/*
 * apply.c
 *		Loads that wait for the commit (apply 'commit').
 *
 * A load is committed in the order of its statement, one after the other: what a later statement
 * writes may need what an earlier one wrote.  Each has a guard of its own subtransaction, that
 * destroys it when that one rolls back; then nothing of it was sent, or its jobs were not closed.
 */
#include "load.h"
#include "progress.h"

#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

/* In the order of the statements. */
static dlist_head waiting = DLIST_STATIC_INIT(waiting);

/* Those whose (sub)transaction has aborted: destroyed, but for their memory. */
static dlist_head dropped = DLIST_STATIC_INIT(dropped);

/* The end of the transaction has begun, and, if no ERROR came, all was applied. */
static bool committing = false;
static bool applied = false;

/* Rows that this commit has written so far. */
static int64 written = 0;

/* Rows that were written by statements which failed for another reason, and nobody has told of. */
static int64 untold = 0;
static char untold_table[NAMEDATALEN];

/* ---- waiting ----------------------------------------------------------------------------------- */

/* It waits no longer. */
static void
take_out(SfbLoad *load)
{
	dlist_delete(&load->link);
	load->deferred = false;
}

void
sfb_apply_drop(SfbLoad *load)
{
	take_out(load);
	dlist_push_tail(&dropped, &load->link);
}

/*
 * Puts the last load together with the one before where they belong to the same subtransaction now,
 * as its own one was released: a loop over exception blocks leaves few loads, not one for each turn.
 */
static void
join_released(void)
{
	SfbLoad *last;
	SfbLoad *before;

	if (dlist_is_empty(&waiting))
		return;
	last = dlist_tail_element(SfbLoad, link, &waiting);
	if (!dlist_has_prev(&waiting, &last->link))
		return;
	before = dlist_container(SfbLoad, link, last->link.prev);
	if (!sfb_load_merge(before, last))
		return;
	take_out(last);
	MemoryContextDelete(last->context);
}

void
sfb_apply_defer(SfbLoad *load)
{
	SfbLoad *last;

	join_released();
	last = dlist_is_empty(&waiting) ? NULL : dlist_tail_element(SfbLoad, link, &waiting);
	if (last == NULL || !sfb_load_merge(last, load))
	{
		last = sfb_load_move(load);
		last->deferred = true;
		dlist_push_tail(&waiting, &last->link);
	}

	/* it may be long until the commit */
	sfb_progress_flush();

	/* another module's work before the commit, behind ours */
	if (committing && applied)
		sfb_apply_pre_commit();
}

/* ---- the commit -------------------------------------------------------------------------------- */

/* Whatever goes wrong: what was done before stays so. */
static void
commit_context(void *arg)
{
	const SfbLoad *load = arg;

	errcontext("commit of rows for foreign table \"%s\"", load->relname);
	if (written > 0)
		errcontext("This transaction has written " INT64_FORMAT
				   " row%s by earlier statements, which stay%s in Salesforce.",
				   written, written == 1 ? "" : "s", written == 1 ? "s" : "");
}

/* One outcome for all that the transaction writes to a server for a user. */
static void
begin_outcomes(void)
{
	dlist_iter iter;
	dlist_iter before;

	dlist_foreach(iter, &waiting)
	{
		SfbLoad *load = dlist_container(SfbLoad, link, iter.cur);
		bool begun = false;

		dlist_foreach(before, &waiting)
		{
			SfbLoad *other = dlist_container(SfbLoad, link, before.cur);

			if (other == load)
				break;
			begun = other->serverid == load->serverid && other->userid == load->userid;
			if (begun)
				break;
		}
		if (!begun)
			sfb_outcome_begin(load->serverid, load->userid);
	}
}

/*
 * PostgreSQL stops the clock of statement_timeout before it commits, as that takes no time otherwise.
 * True when it runs again, for this commit; an ERROR ends it as any other.
 */
static bool
start_timeout(void)
{
	if (StatementTimeout <= 0 || get_timeout_active(STATEMENT_TIMEOUT))
		return false;
	enable_timeout_after(STATEMENT_TIMEOUT, StatementTimeout);
	return true;
}

/*
 * An ERROR in here rolls the transaction back.  What was committed before stays in Salesforce, and
 * the guards take care of the rest.
 */
void
sfb_apply_pre_commit(void)
{
	MemoryContext context;
	MemoryContext oldcontext;

	committing = true;
	applied = false;
	if (!dlist_is_empty(&waiting))
	{
		bool timed = start_timeout();

		join_released();
		context = AllocSetContextCreate(TopTransactionContext, "sfbulk_fdw commit",
										ALLOCSET_SMALL_SIZES);
		oldcontext = MemoryContextSwitchTo(context);
		begin_outcomes();
		while (!dlist_is_empty(&waiting))
		{
			SfbLoad *load = dlist_head_element(SfbLoad, link, &waiting);
			ErrorContextCallback callback = {
				.previous = error_context_stack, .callback = commit_context, .arg = load};

			take_out(load);
			error_context_stack = &callback;
			sfb_load_commit(load);
			error_context_stack = callback.previous;
			written += load->saved;
			MemoryContextDelete(load->context);
		}
		MemoryContextSwitchTo(oldcontext);
		MemoryContextDelete(context);
		if (timed)
			disable_timeout(STATEMENT_TIMEOUT, false);
	}
	applied = true;
}

void
sfb_apply_failed(const char *relname, int64 rows)
{
	untold += rows;
	strlcpy(untold_table, relname, sizeof(untold_table));
}

/* Tells of rows that were written in vain, if there are any. */
static void
warn_written(int64 rows, const char *why)
{
	ereport(WARNING, (errmsg_plural(INT64_FORMAT " row that was written stays in Salesforce",
									INT64_FORMAT " rows that were written stay in Salesforce",
									rows, rows),
					  errdetail("%s", why)));
}

void
sfb_apply_aborted(void)
{
	while (!dlist_is_empty(&dropped))
	{
		SfbLoad *load = dlist_container(SfbLoad, link, dlist_pop_head_node(&dropped));

		MemoryContextDelete(load->context);
	}
	if (untold == 0)
		return;
	warn_written(
		untold,
		psprintf(
			"A statement that writes to foreign table \"%s\" had written them when it failed.",
			untold_table));
	untold = 0;
}

void
sfb_apply_end(bool committed)
{
	/* an ERROR while rows were applied has told it in its context */
	if (!committed && applied && written > 0)
		warn_written(written, "The transaction failed after its rows had been applied.");
	committing = false;
	applied = false;
	written = 0;
}

void
sfb_apply_check_prepare(void)
{
	if (dlist_is_empty(&waiting))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot PREPARE a transaction that has rows for Salesforce to apply"),
			 errdetail("Rows for foreign table \"%s\" wait for the commit, which Salesforce "
					   "cannot prepare.",
					   dlist_head_element(SfbLoad, link, &waiting)->relname),
			 errhint("Use COMMIT, or set the option apply to \"statement\".")));
}
