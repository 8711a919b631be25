/*
 * sim_store_threads.c
 *		Several threads at the store: readers see whole transactions only, writers take turns.
 */
#include "sim_store.h"
#include "org.h"
#include "schema.h"

#include <pthread.h>
#include <stdatomic.h>

#define TRANSACTIONS 40
#define ROWS		 5
#define WRITERS		 3

static _Atomic int writing;
static _Atomic int failures;

/* Each transaction inserts ROWS rows and deletes one of them again. */
static void *
write_rows(void *arg)
{
	const char *name = arg;
	sim_error err;
	char id[SIM_ID_SIZE];
	sim_in in = {0};
	sim_write w = {.object = sim_object_find("Account"), .in = &in, .n = 1};

	in.field = sim_field_find(w.object, "Name");
	in.kind = SIM_IN_TEXT;
	in.text = name;
	in.len = strlen(name);
	for (int i = 0; i < TRANSACTIONS; i++)
	{
		sim_txn *t = sim_txn_begin(org, NULL, &err);
		bool good = t != NULL;

		for (int k = 0; good && k < ROWS; k++)
			good = sim_insert(t, &w, id, &err);
		good = good && sim_delete(t, id, false, &err);
		if (good && i % 4 == 3)
			sim_txn_abort(t);
		else if (!good || !sim_txn_commit(t, &err))
		{
			diag("a writer: %s", err.message);
			atomic_fetch_add(&failures, 1);
		}
	}
	atomic_fetch_sub(&writing, 1);
	return NULL;
}

/* Every count is a multiple of what a transaction leaves; totals fit to their own rows. */
static void *
read_rows(void *arg)
{
	sim_error err;
	int *rounds = arg;

	do
	{
		sim_query *q = sim_query_prepare(org, "SELECT Id FROM Account", 0, "62.0", &err);
		int64_t total = q == NULL ? -1 : sim_query_total(q, &err);
		int64_t n = 0;

		while (q != NULL && sim_query_step(q, &err) > 0)
			n++;
		sim_query_free(q);
		if (n != total || (n - 20) % (ROWS - 1) != 0)
		{
			diag("%lld rows, a total of %lld, %s", (long long) n, (long long) total,
				 q == NULL || total < 0 ? err.message : "");
			atomic_fetch_add(&failures, 1);
		}
		(*rounds)++;
	} while (atomic_load(&writing) > 0);
	return NULL;
}

static void
failed_lookup(int found, const sim_error *err)
{
	if (found >= 0)
		return;
	diag("a lookup: %s", err->message);
	atomic_fetch_add(&failures, 1);
}

/* Keys are looked up while others write, by threads that have a transaction of their own as well. */
static void *
look_up(void *arg)
{
	sim_error err;
	char id[SIM_ID_SIZE];
	const sim_object *user = sim_object_find("User");
	const sim_field *key = sim_field_find(user, "Username");
	const char *name = sim_org_user_name(org);

	(void) arg;
	do
	{
		sim_txn *t = sim_txn_begin(org, NULL, &err);

		failed_lookup(sim_lookup(org, user, key, name, strlen(name), id, NULL, &err), &err);
		sim_txn_abort(t);
		failed_lookup(sim_lookup(org, user, key, name, strlen(name), id, NULL, &err), &err);
	} while (atomic_load(&writing) > 0);
	return NULL;
}

int
main(void)
{
	static char names[WRITERS][10] = {"A", "B", "C"};
	pthread_t writer[WRITERS];
	pthread_t reader[2];
	pthread_t looker;
	int rounds[2] = {0, 0};
	const sim_object *account = sim_object_find("Account");
	int64_t kept = (int64_t) WRITERS * TRANSACTIONS / 4 * 3;

	org = small_org();
	if (!ok(org != NULL, "an org"))
		return 1;
	atomic_store(&writing, WRITERS);
	for (int i = 0; i < 2; i++)
		pthread_create(&reader[i], NULL, read_rows, &rounds[i]);
	pthread_create(&looker, NULL, look_up, NULL);
	for (int i = 0; i < WRITERS; i++)
		pthread_create(&writer[i], NULL, write_rows, names[i]);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writer[i], NULL);
	pthread_join(looker, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(reader[i], NULL);

	is_int(atomic_load(&failures), 0, "nobody saw a part of a transaction, nobody failed");
	ok(rounds[0] > 0 && rounds[1] > 0, "the readers have read");
	is_int(sim_org_row_count(org, account), 20 + kept * (ROWS - 1), "all rows are counted");
	is_int(sim_org_stored_rows(org, account, true) - sim_org_row_count(org, account), kept + 1,
		   "the deleted ones as well");
	is_int(atoll(ask("SELECT COUNT() FROM Account WHERE Name = 'B'")),
		   TRANSACTIONS / 4 * 3 * (ROWS - 1), "and there");
	sim_org_close(org);
	return tap_done();
}
