/*
 * store_lock.c
 *		Rows that cannot be written because somebody else holds them, or because they wait for an approval.
 */
#include "store_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Place of a row in the list, -1: it is not held.  The lock of the list is held. */
static int
find_lock(const sim_store *s, const char *id)
{
	for (int i = 0; i < s->nlocks; i++)
	{
		if (strcmp(s->locks[i].id, id) == 0)
			return i;
	}
	return -1;
}

bool
sim_lock_row(sim_org *org, const char *id, bool approval, sim_error *err)
{
	sim_store *s = sim_org_store(org);
	char full[SIM_ID_SIZE];
	bool ok = true;
	int i;

	if (id == NULL || !sim_id_normalise(id, strlen(id), full))
		return sim_error_set(err, "MALFORMED_ID", "malformed id %.100s", id == NULL ? "" : id);
	pthread_mutex_lock(&s->hook_lock);
	i = find_lock(s, full);
	if (i < 0 && s->nlocks == s->locks_cap)
	{
		int cap = s->locks_cap ? s->locks_cap * 2 : 16;
		store_lock *more = realloc(s->locks, sizeof(*more) * (size_t) cap);

		ok = more != NULL;
		if (ok)
		{
			s->locks = more;
			s->locks_cap = cap;
		}
	}
	if (ok)
	{
		store_lock *lock = &s->locks[i < 0 ? s->nlocks++ : i];

		memcpy(lock->id, full, sizeof(full));
		lock->approval = approval;
	}
	pthread_mutex_unlock(&s->hook_lock);
	return ok || sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
}

int
sim_unlock_rows(sim_org *org, const char *id)
{
	sim_store *s = sim_org_store(org);
	char full[SIM_ID_SIZE] = "";
	int n = 0;
	int i;

	if (id != NULL && !sim_id_normalise(id, strlen(id), full))
		return 0;
	pthread_mutex_lock(&s->hook_lock);
	if (id == NULL)
	{
		n = s->nlocks;
		s->nlocks = 0;
	}
	else if ((i = find_lock(s, full)) >= 0)
	{
		s->locks[i] = s->locks[--s->nlocks];
		n = 1;
	}
	pthread_mutex_unlock(&s->hook_lock);
	return n;
}

void
sim_locks_json(sim_org *org, sim_buf *out)
{
	sim_store *s = sim_org_store(org);

	sim_buf_char(out, '[');
	pthread_mutex_lock(&s->hook_lock);
	for (int i = 0; i < s->nlocks; i++)
		sim_buf_printf(out, "%s{\"id\":\"%s\",\"approval\":%s}", i ? "," : "", s->locks[i].id,
					   s->locks[i].approval ? "true" : "false");
	pthread_mutex_unlock(&s->hook_lock);
	sim_buf_char(out, ']');
}

bool
store_check_lock(sim_txn *t, const sim_object *obj, int64_t number, bool parent,
				 sim_error *err)
{
	sim_store *s = t->store;
	char id[SIM_ID_SIZE];
	bool held = false;
	bool approval = false;

	pthread_mutex_lock(&s->hook_lock);
	if (s->nlocks > 0)
	{
		int i;

		sim_id_make(obj->prefix, number, id);
		i = find_lock(s, id);
		held = i >= 0;
		approval = held && s->locks[i].approval;
	}
	pthread_mutex_unlock(&s->hook_lock);
	if (!held || (approval && parent))
		return true;
	if (approval)
		return sim_error_set(err, "ENTITY_IS_LOCKED", "the entity is locked for editing");
	return sim_error_set(err, "UNABLE_TO_LOCK_ROW",
						 "unable to obtain exclusive access to this record or 1 records: %s",
						 id);
}
