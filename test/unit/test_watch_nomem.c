/*
 * test_watch_nomem.c
 *		A watch over sessions, with each of its allocations failing once.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int allocations_left = -1; /* before the one that fails; -1: none fails */

static bool
allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

#include "nomem.h"

#include "../../src/client/sf_client_watch.c"
#include "../../src/client/sf_mux.c"
#include "nomem_end.h"

#include "peer.h"
#include "tap.h"

int
main(void)
{
	int fds = count_fds();
	int n;

	for (n = 0; n < 10; n++)
	{
		sf_error err = {0};
		sf_watch *w;
		bool all;

		allocations_left = n;
		w = sf_watch_new(&err);
		all = allocations_left >= 0;
		allocations_left = -1;
		ok(all ? w != NULL : w == NULL && err.cls == SF_ERR_MEMORY, "allocation %d fails", n);
		sf_watch_free(w);
		if (all)
			break;
	}
	is_int(n, 2, "allocations failed in turn");
	is_int(count_fds(), fds, "no descriptor is left open");
	return tap_done();
}
