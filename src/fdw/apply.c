/*
 * apply.c
 *		Loads that wait for the commit (apply 'commit').
 *
 * A load is committed in the order of its statement, one after the other: what a later statement
 * writes may need what an earlier one wrote.  Each has a guard, made in its own subtransaction, that
 * destroys it when that one rolls back; then nothing of it was sent, or its jobs were not closed.
 */
#include "load.h"

#include "utils/memutils.h"

static dlist_head waiting = DLIST_STATIC_INIT(waiting);

void
sfb_apply_defer(SfbLoad *load)
{
	SfbLoad *last =
		dlist_is_empty(&waiting) ? NULL : dlist_tail_element(SfbLoad, link, &waiting);

	if (last != NULL && sfb_load_merge(last, load))
	{
		sfb_guard_clear(load->guard);
		return;
	}
	MemoryContextSetParent(load->context, TopTransactionContext);
	dlist_push_tail(&waiting, &load->link);
	load->deferred = true;
}

/*
 * An ERROR in here rolls the transaction back.  What was committed before stays in Salesforce, and
 * the guards take care of the rest.
 */
void
sfb_apply_pre_commit(void)
{
	while (!dlist_is_empty(&waiting))
		sfb_load_commit(dlist_head_element(SfbLoad, link, &waiting));
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
