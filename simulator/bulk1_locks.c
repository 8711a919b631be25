/*
 * bulk1_locks.c
 *		Bulk API 1.0: batches that are worked on at the same time and have rows of the same parents.
 *
 * Whoever writes a child locks its parent.  Of batches that are InProgress together the one that is worked on later finds
 * the parents of the others locked, as it does in Salesforce when ten seconds are not enough.  In a serial job
 * there is never more than one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bulk1_int.h"
#include "schema.h"

static bool
has_parent(const bulk1_batch *t, const char *id)
{
	for (int i = 0; i < t->nparents; i++)
		if (strcmp(t->parents[i], id) == 0)
			return true;
	return false;
}

/* Is the parent that of another batch, which had not ended when this one began?  The lock is held. */
static bool
is_held(const srv_bulk1 *b, const bulk1_batch *t, const char *id)
{
	for (const bulk1_job *j = b->jobs; j; j = j->next)
		for (const bulk1_batch *u = j->batches; u; u = u->next)
			if (u != t && (u->ended == 0 || u->ended > t->began) && has_parent(u, id))
				return true;
	return false;
}

static bool
keep_parent(bulk1_batch *t, const char *id)
{
	if (has_parent(t, id))
		return true;
	if (t->nparents == t->parents_cap)
	{
		int cap = t->parents_cap ? 2 * t->parents_cap : 16;
		void *more = realloc(t->parents, sizeof(*t->parents) * (size_t) cap);

		if (more == NULL)
			return false;
		t->parents = more;
		t->parents_cap = cap;
	}
	memcpy(t->parents[t->nparents++], id, SIM_ID_SIZE);
	return true;
}

bool
bulk1_lock_parents(srv_bulk1 *b, bulk1_batch *t, const sim_write *w, sim_error *err)
{
	bool ok = true;

	pthread_mutex_lock(&b->lock);
	for (int i = 0; i < w->n && ok; i++)
	{
		const sim_in *in = &w->in[i];
		char id[SIM_ID_SIZE];

		if (in->text == NULL || sim_field_type(in->field) != SIM_T_REFERENCE ||
			!sim_id_normalise(in->text, in->len, id))
			continue;
		if (is_held(b, t, id))
			ok = sim_error_set(
				err, "UNABLE_TO_LOCK_ROW",
				"unable to obtain exclusive access to this record or 1 records: %s", id);
		else
			ok =
				keep_parent(t, id) || sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	}
	pthread_mutex_unlock(&b->lock);
	return ok;
}
