/*
 * test_pages_nomem.c
 *		Reading the pages of a job that one is given, and their list, with each allocation of that code
 *		failing once: it ends well or in SF_ERR_MEMORY, with nothing leaked.
 */
#include <stdlib.h>
#include <string.h>

static int allocations_left = -1; /* before the one that fails; -1: none fails */

#include <stdbool.h>

static bool
allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

#include "nomem.h"

#include "../../src/client/sf_client_pages.c"
#include "../../src/client/sf_csv.c"
#include "../../src/client/sf_csv_columns.c"
#include "../../src/client/sf_query_job_links.c"
#include "../../src/client/sf_query_job_lists.c"
#include "../../src/client/sf_query_job_pages.c"
#include "nomem_end.h"

#include "scene.h"

/* Reads one list and gives all its pages to a reader, which reads them; with the chain, page by page. */
static sf_status
read_result(sf_session *s, const sf_job_result *result, int *rows, sf_error *err)
{
	sf_page_links *l = sf_page_links_start(s, result, "", err);
	sf_pages_spec spec = {
		.result = result, .columns = columns, .ncolumns = 2, .no_threads = true};
	sf_pages *p = NULL;
	const char *locator;
	sf_value *values;
	sf_status st = SF_FAILED;

	if (l == NULL)
		return SF_FAILED;
	while ((st = sf_page_links_next(l, &locator, err)) == SF_WAIT && drive(s))
	{
	}
	spec.chain = sf_page_links_chain(l);
	if (st == SF_OK)
		p = sf_pages_start(s, &spec, err);
	if (p == NULL)
		st = SF_FAILED;
	while (st == SF_OK)
	{
		st = sf_pages_give(p, locator, err);
		while (st == SF_OK && spec.chain &&
			   (st = sf_pages_next_locator(p, &locator, err)) == SF_WAIT && drive(s))
			st = SF_OK;
		if (st == SF_OK && !spec.chain)
			st = sf_page_links_next(l, &locator, err);
		if (st == SF_OK && locator == NULL)
			st = SF_DONE;
	}
	if (st == SF_DONE)
	{
		sf_pages_end(p);
		while ((st = sf_pages_next_row(p, &values, err)) == SF_OK ||
			   (st == SF_WAIT && drive(s)))
			*rows += st == SF_OK;
	}
	sf_pages_free(p);
	sf_page_links_free(l);
	return st;
}

/* Lets the n-th allocation fail; true when there were fewer. */
static bool
run_once(bool chain, int n)
{
	peer_rule rules[] = {
		LOGIN,
		{"GET", JOB "/resultPages$", .status = chain ? 404 : 200,
		 .body = "{\"resultPages\":[{\"resultUrl\":\"/x?locator=A\"},{\"resultUrl\":"
				 "\"/x?locator=B\"}],\"nextRecordsUrl\":\"/x?locator=N\",\"done\":false}"},
		{"GET", JOB "/results$", .status = 200, .headers = CHAIN_HEADERS(1, "B"),
		 .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
		{"GET", JOB "/results?locator=A$", .status = 200, .headers = CHAIN_HEADERS(1, "B"),
		 .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
		{"GET", JOB "/results?locator=B$", .status = 200, .headers = CHAIN_HEADERS(1, "null"),
		 .body = "\"Id\",\"Name\"\n\"2\",\"b\"\n"},
	};
	sf_job_result result = {
		.job_id = "750000000000001AAA", .api_version = "62.0", .records = 2};
	peer *p = peer_start(rules, COUNT(rules));
	sf_config cfg = {.client_id = "i", .client_secret = "s", .login_url = peer_url(p)};
	sf_error err = {0};
	sf_session *s = sf_session_new(&cfg, &err);
	int rows = 0;
	sf_status st;
	bool all;

	allocations_left = n;
	st = read_result(s, &result, &rows, &err);
	all = allocations_left >= 0;
	allocations_left = -1;
	if (!ok(all ? st == SF_DONE && rows == 2 : st == SF_FAILED && err.cls == SF_ERR_MEMORY,
			"%s: allocation %d fails", chain ? "chain" : "list", n))
		diag("status %d, class %d: %s, %d rows", st, err.cls, err.message, rows);
	sf_session_free(s);
	peer_stop(p);
	return all;
}

int
main(void)
{
	for (int chain = 0; chain < 2; chain++)
	{
		int n = 0;

		while (n < 200 && !run_once(chain, n))
			n++;
		ok(n > 8 && n < 200, "%d allocations failed in turn", n);
	}
	return tap_done();
}
