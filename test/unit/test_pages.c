/*
 * test_pages.c
 *		A job's result that two sessions read between them: who reads which page is this test's choice.
 */
#include "scene.h"

#define LIST_N(n, rest)                                                                       \
	{                                                                                         \
		"GET", JOB "/resultPages" n "$", .status = 200, .body = rest                          \
	}
#define LINK(locator) "{\"resultUrl\":\"/x?locator=" locator "\"}"

/* ---- the job's owner, and a reader with a session of its own -------------------------- */

/* Waits until the job is complete. */
static sf_status
job_ready(scene *sc, sf_job_result *result)
{
	sf_status st;

	while ((st = sf_query_job_ready(sc->q, result, &sc->err)) == SF_WAIT && drive(sc->s))
	{
	}
	return st;
}

/* Starts a query that holds its pages, and waits for its job. */
static void
open_held(scene *sc, peer_rule *rules, int nrules, sf_job_result *result)
{
	sc->spec.hold_pages = true;
	open_scene(sc, rules, nrules, SF_TRANSPORT_BULK);
	is_int(job_ready(sc, result), SF_OK, "the job is complete");
}

static sf_session *
another_session(scene *sc, int max_retries)
{
	sf_config cfg = {.client_id = "i",
					 .client_secret = "s",
					 .login_url = peer_url(sc->p),
					 .max_retries = max_retries};

	return sf_session_new(&cfg, &sc->err);
}

static sf_pages *
start_reader(sf_session *s, const sf_job_result *result, bool chain, int streams)
{
	sf_error err = {0};
	sf_pages_spec spec = {.result = result,
						  .columns = columns,
						  .ncolumns = 2,
						  .download_streams = streams,
						  .no_threads = true,
						  .chain = chain};

	return sf_pages_start(s, &spec, &err);
}

/* Reads what can be read without another page: rows behind those in out; the last status. */
static sf_status
read_pages(sf_session *s, sf_pages *p, char *out, size_t size, int most, sf_error *err)
{
	size_t len = strlen(out);
	sf_status st = SF_OK;

	for (int n = 0; n < most; n++)
	{
		sf_value *values;

		while ((st = sf_pages_next_row(p, &values, err)) == SF_WAIT && drive(s))
		{
		}
		if (st != SF_OK)
			return st;
		len +=
			(size_t) snprintf(out + len, size - len, "%s|%s;", values[0].data, values[1].data);
	}
	return st;
}

/* One list: its locators in brackets, then the next list's locator. */
static sf_status
read_list(sf_session *s, const sf_job_result *result, const char *list, char *out, size_t size,
		  bool *chain, sf_error *err)
{
	sf_page_links *l = sf_page_links_start(s, result, list, err);
	const char *locator;
	size_t len = 0;
	sf_status st;

	out[0] = '\0';
	if (l == NULL)
		return SF_FAILED;
	while ((st = sf_page_links_next(l, &locator, err)) != SF_DONE && st != SF_FAILED)
	{
		if (st == SF_OK)
			len += (size_t) snprintf(out + len, size - len, "[%s]", locator);
		else if (!drive(s))
			break;
	}
	if (st == SF_DONE)
	{
		snprintf(out + len, size - len, "%s",
				 sf_page_links_next_list(l) ? sf_page_links_next_list(l) : "");
		*chain = sf_page_links_chain(l);
	}
	sf_page_links_free(l);
	return st;
}

/* ---- lists of links -------------------------------------------------------------------- */

static void
test_two_readers(void)
{
	peer_rule rules[] = {
		LOGIN,
		CREATE,
		POLL(4),
		LIST_N("", "{\"resultPages\":[" LINK("A") "," LINK(
					   "B") "],\"nextRecordsUrl\":"
							"\"/x?locator=N\",\"done\":false}"),
		LIST_N("?locator=N", "{\"resultPages\":[" LINK("C") "],\"done\":true}"),
		PAGE("A", 1, "\"1\",\"a\"\n"),
		PAGE("B", 2, "\"2\",\"b\"\n\"3\",\"c\"\n"),
		PAGE("C", 1, "\"4\",\"d\"\n"),
		DELETE_JOB,
	};
	scene sc = {0};
	sf_job_result result;
	sf_session *other;
	sf_pages *mine;
	sf_pages *its;
	sf_query_stats stats;
	char list[256];
	char rows[256] = "";
	bool chain = true;

	open_held(&sc, rules, COUNT(rules), &result);
	is_text(result.job_id, "750000000000001AAA", "its id");
	is_text(result.api_version, "62.0", "its API version");
	is_int(result.records, 4, "its number of rows");
	is_int(peer_used(sc.p, 3) + peer_used(sc.p, 5), 0, "and nobody has asked for its result");
	other = another_session(&sc, 0);
	is_int(read_list(sc.s, &result, "", list, sizeof(list), &chain, &sc.err), SF_DONE,
		   "the first list");
	is_text(list, "[A][B]N", "names two pages and the next list");
	ok(!chain, "and there is no chain");
	is_int(read_list(other, &result, "N", list, sizeof(list), &chain, &sc.err), SF_DONE,
		   "the other session asks for the next");
	is_text(list, "[C]", "which is the last");

	mine = start_reader(sc.s, &result, false, 2);
	its = start_reader(other, &result, false, 2);
	ok(sf_pages_open(mine) == 0 && sf_pages_give(mine, "A", &sc.err) == SF_OK,
	   "one page for me");
	is_int(sf_pages_open(mine), 1, "is open");
	sf_pages_give(its, "B", &sc.err);
	is_int(read_pages(other, its, rows, sizeof(rows), 1, &sc.err), SF_OK, "half of page B");
	is_int(sf_pages_open(its), 1, "which is open");
	sf_pages_give(its, "C", &sc.err);
	is_int(sf_pages_open(its), 2, "as is another");
	is_int(read_pages(other, its, rows, sizeof(rows), 1, &sc.err), SF_OK, "all of page B");
	is_int(sf_pages_open(its), 1, "then there is one");
	is_int(read_pages(sc.s, mine, rows, sizeof(rows), 1, &sc.err), SF_OK, "page A");
	sf_pages_end(mine);
	is_int(read_pages(sc.s, mine, rows, sizeof(rows), 1, &sc.err), SF_DONE, "to its end");
	sf_pages_end(its);
	is_int(read_pages(other, its, rows, sizeof(rows), 9, &sc.err), SF_DONE, "pages B and C");
	is_text(rows, "2|b;3|c;1|a;4|d;", "each row came once");
	ok(sf_pages_check_total(mine, 4, &sc.err) == SF_OK, "all are all");
	ok(sf_pages_check_total(mine, 3, &sc.err) == SF_FAILED && sc.err.cls == SF_ERR_PROTOCOL &&
		   strstr(sc.err.message, "gave 3 rows instead of 4") != NULL,
	   "fewer are not");
	sf_pages_get_stats(its, &stats);
	ok(stats.pages == 2 && stats.rows == 3 && stats.api_calls == 2, "what it was");
	ok(peer_used(sc.p, 5) == 1 && peer_used(sc.p, 6) == 1 && peer_used(sc.p, 7) == 1,
	   "each page was asked for once");
	is_int(peer_used(sc.p, 0), 2, "each session logged in");
	sf_pages_free(mine);
	sf_pages_free(its);
	sf_session_free(other);
	is_int(peer_used(sc.p, 8), 0, "the job is there");
	close_scene(&sc, "two readers");
	ok(rules[8].used == 1, "until its owner goes");
}

static void
test_waiting_for_pages(void)
{
	peer_rule rules[] = {LOGIN, CREATE, POLL(1), PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB};
	scene sc = {0};
	sf_job_result result;
	sf_pages *p;
	sf_value *values;
	char rows[64] = "";

	open_held(&sc, rules, COUNT(rules), &result);
	p = start_reader(sc.s, &result, false, 1);
	is_int(sf_pages_next_row(p, &values, &sc.err), SF_WAIT, "no page yet, but one may come");
	sf_pages_give(p, "A", &sc.err);
	is_int(read_pages(sc.s, p, rows, sizeof(rows), 1, &sc.err), SF_OK, "it comes");
	is_int(sf_pages_next_row(p, &values, &sc.err), SF_WAIT, "and another may");
	is_int(sf_pages_open(p), 0, "as none is open");
	sf_pages_end(p);
	is_int(sf_pages_next_row(p, &values, &sc.err), SF_DONE, "until there is none");
	is_int(sf_pages_next_row(p, &values, &sc.err), SF_DONE, "for good");
	ok(sf_pages_give(p, "A", &sc.err) == SF_FAILED && sc.err.cls == SF_ERR_PROTOCOL,
	   "nobody reads the same page twice");
	sf_pages_free(p);
	sf_error_reset(&sc.err);

	p = start_reader(sc.s, &result, false, 1);
	sf_pages_end(p);
	is_int(sf_pages_next_row(p, &values, &sc.err), SF_DONE, "a reader without any page");
	sf_pages_free(p);
	close_scene(&sc, "waiting for pages");
}

static void
test_bad_pages(void)
{
	peer_rule rules[] = {
		LOGIN,
		CREATE,
		POLL(9),
		PAGE("short", 2, "\"1\",\"a\"\n"),
		{"GET", JOB "/results?locator=gone$", .status = 404,
		 .body = "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"no such page\"}]"},
		{"GET", JOB "/results?locator=cut$", .times = 1, .status = 200,
		 .headers = PAGE_HEADERS(1), .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n", .cut = 14},
		PAGE("cut", 1, "\"1\",\"a\"\n"),
		{"GET", JOB "/resultPages", .status = 403,
		 .body = "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"enough\"}]"},
		DELETE_JOB,
	};
	scene sc = {0};
	sf_job_result result;
	sf_pages *p;
	char list[64];
	char rows[64] = "";
	bool chain;

	open_held(&sc, rules, COUNT(rules), &result);
	p = start_reader(sc.s, &result, false, 1);
	sf_pages_give(p, "short", &sc.err);
	ok(read_pages(sc.s, p, rows, sizeof(rows), 9, &sc.err) == SF_FAILED &&
		   strstr(sc.err.message, "has 1 rows instead of 2") != NULL,
	   "a page with fewer rows than it says");
	sf_pages_free(p);

	sf_error_reset(&sc.err);
	p = start_reader(sc.s, &result, false, 1);
	sf_pages_give(p, "gone", &sc.err);
	ok(read_pages(sc.s, p, rows, sizeof(rows), 9, &sc.err) == SF_FAILED &&
		   strcmp(sc.err.code, "NOT_FOUND") == 0 && strstr(sc.err.detail, "gone") != NULL,
	   "a page that is not there is named");
	is_text(sc.err.job_id, "750000000000001AAA", "and its job");
	sf_pages_free(p);

	sf_error_reset(&sc.err);
	rows[0] = '\0';
	p = start_reader(sc.s, &result, false, 1);
	sf_pages_give(p, "cut", &sc.err);
	sf_pages_end(p);
	is_int(read_pages(sc.s, p, rows, sizeof(rows), 9, &sc.err), SF_DONE,
		   "a page that breaks off is read again");
	is_text(rows, "1|a;", "and gives its row once");
	sf_pages_free(p);

	sf_error_reset(&sc.err);
	ok(read_list(sc.s, &result, "", list, sizeof(list), &chain, &sc.err) == SF_FAILED &&
		   strcmp(sc.err.code, "REQUEST_LIMIT_EXCEEDED") == 0 && sc.err.job_id[0] != '\0',
	   "no list, and no chain where nothing would be answered");
	close_scene(&sc, "bad pages");
}

static void
test_later_lists(void)
{
	peer_rule rules[] = {
		LOGIN,
		CREATE,
		POLL(9),
		LIST_N("?locator=E", "{\"resultPages\":[],\"done\":true}"),
		LIST_N("?locator=O",
			   "{\"resultPages\":[],\"nextRecordsUrl\":\"/x?locator=O\",\"done\":false}"),
		{"GET", JOB "/resultPages?locator=G$", .status = 404},
		DELETE_JOB,
	};
	scene sc = {0};
	sf_job_result result;
	char list[64];
	bool chain = true;

	open_held(&sc, rules, COUNT(rules), &result);
	is_int(read_list(sc.s, &result, "E", list, sizeof(list), &chain, &sc.err), SF_DONE,
		   "a list behind the first may be empty");
	ok(list[0] == '\0' && !chain, "and is the last");
	ok(read_list(sc.s, &result, "O", list, sizeof(list), &chain, &sc.err) == SF_FAILED &&
		   strstr(sc.err.message, "came twice") != NULL,
	   "but not name itself");
	sf_error_reset(&sc.err);
	ok(read_list(sc.s, &result, "G", list, sizeof(list), &chain, &sc.err) == SF_FAILED &&
		   sc.err.http_status == 404,
	   "nor is there a way back to the chain");
	close_scene(&sc, "later lists");
}

/* ---- the chain ------------------------------------------------------------------------ */

/* What follows the page given last: its locator, or "(end)". */
static const char *
next_locator(sf_session *s, sf_pages *p, sf_error *err)
{
	const char *locator;
	sf_status st;

	while ((st = sf_pages_next_locator(p, &locator, err)) == SF_WAIT && drive(s))
	{
	}
	if (st != SF_OK)
		return "(failed)";
	return locator != NULL ? locator : "(end)";
}

#define CHAIN_PAGE(query, n, next, text)                                                      \
	{                                                                                         \
		"GET", JOB "/results" query "$", .status = 200, .headers = CHAIN_HEADERS(n, next),    \
										 .body = text                                         \
	}

static void
test_chain(void)
{
	peer_rule rules[] = {
		LOGIN,
		CREATE,
		POLL(3),
		{"GET", JOB "/resultPages$", .status = 404},
		CHAIN_PAGE("", 1, "B", "\"Id\",\"Name\"\n\"1\",\"a\"\n"),
		CHAIN_PAGE("?locator=B", 2, "null", "\"Id\",\"Name\"\n\"2\",\"b\"\n\"3\",\"c\"\n"),
		{"GET", JOB "/results?locator=bare$", .status = 200, .headers = PAGE_HEADERS(1),
		 .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
		{"GET", JOB "/results?locator=html$", .status = 200,
		 .headers = "Content-Type: text/html\r\n", .body = "<html>log in</html>"},
		{"GET", JOB "/results?locator=gone$", .status = 404},
		DELETE_JOB,
	};
	scene sc = {0};
	sf_job_result result;
	sf_session *other;
	sf_pages *mine;
	sf_pages *its;
	sf_pages *p;
	char list[64];
	char rows[64] = "";
	bool chain = false;

	open_held(&sc, rules, COUNT(rules), &result);
	other = another_session(&sc, 0);
	is_int(read_list(sc.s, &result, "", list, sizeof(list), &chain, &sc.err), SF_DONE,
		   "no resultPages");
	is_text(list, "[]", "but a first page");
	ok(chain, "of a chain");
	mine = start_reader(sc.s, &result, true, 2);
	its = start_reader(other, &result, true, 2);
	sf_pages_give(mine, "", &sc.err);
	is_text(next_locator(sc.s, mine, &sc.err), "B", "which names the next");
	sf_pages_give(its, "B", &sc.err);
	is_text(next_locator(other, its, &sc.err), "(end)", "which is the last");
	sf_pages_end(mine);
	sf_pages_end(its);
	is_int(read_pages(other, its, rows, sizeof(rows), 9, &sc.err), SF_DONE, "the second");
	is_int(read_pages(sc.s, mine, rows, sizeof(rows), 9, &sc.err), SF_DONE, "and the first");
	is_text(rows, "2|b;3|c;1|a;", "have all rows");
	is_text(next_locator(sc.s, mine, &sc.err), "B", "what follows can be asked later, too");
	sf_pages_free(mine);
	sf_pages_free(its);

	for (int i = 0; i < 3; i++)
	{
		static const char *const locators[] = {"bare", "html", "gone"};
		static const char *const texts[] = {"Sforce-Locator", "text/html", "404"};

		sf_error_reset(&sc.err);
		p = start_reader(sc.s, &result, true, 2);
		sf_pages_give(p, locators[i], &sc.err);
		is_text(next_locator(sc.s, p, &sc.err), "(failed)", locators[i]);
		if (!ok(strstr(sc.err.message, texts[i]) != NULL, "says so"))
			diag("%s", sc.err.message);
		sf_pages_free(p);
	}
	sf_session_free(other);
	close_scene(&sc, "chain");
}

/* Where there can be no lists, none is asked for. */
static void
test_no_lists(void)
{
	peer_rule rules[] = {LOGIN, CREATE, POLL(0),
						 CHAIN_PAGE("?maxRecords=7", 0, "null", "\"Id\",\"Name\"\n"),
						 DELETE_JOB};
	scene sc = {.spec = {.page_rows = 7}};
	sf_job_result result;
	sf_pages *p;
	char list[64];
	char rows[64] = "";
	bool chain = false;

	open_held(&sc, rules, COUNT(rules), &result);
	is_int(result.page_rows, 7, "pages of a chosen size");
	ok(read_list(sc.s, &result, "", list, sizeof(list), &chain, &sc.err) == SF_DONE && chain,
	   "are a chain");
	p = start_reader(sc.s, &result, true, 1);
	sf_pages_give(p, "", &sc.err);
	is_text(next_locator(sc.s, p, &sc.err), "(end)", "of one page");
	sf_pages_end(p);
	is_int(read_pages(sc.s, p, rows, sizeof(rows), 9, &sc.err), SF_DONE, "without rows");
	sf_pages_free(p);

	result.page_rows = 0;
	ok(read_list(sc.s, &result, "", list, sizeof(list), &chain, &sc.err) == SF_DONE && chain,
	   "a result without rows is a chain, too");
	result.records = 1;
	memcpy(result.api_version, "57.0", 5);
	ok(read_list(sc.s, &result, "", list, sizeof(list), &chain, &sc.err) == SF_DONE && chain,
	   "and what API 57.0 gives");
	close_scene(&sc, "no lists");
}

/* ---- the owner alone -------------------------------------------------------------------- */

static void
test_held(void)
{
	peer_rule rules[] = {
		LOGIN, CREATE, POLL(1), ONE_LINK(LINK_A), PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB};
	scene sc = {.spec = {.keep_result = true}};
	sf_job_result result;

	open_held(&sc, rules, COUNT(rules), &result);
	is_int(sf_query_rewind(sc.q, &sc.err), SF_OK, "nothing was read, so nothing to rewind");
	read_scene(&sc);
	is_int(sc.st, SF_DONE, "who holds its pages reads them when asked for rows");
	is_text(sc.rows, "1|a;", "all of them");
	is_int(job_ready(&sc, &result), SF_OK, "the kept job can be shared still");
	is_int(sf_query_rewind(sc.q, &sc.err), SF_OK, "and rewound");
	while (sf_session_step(sc.s, &sc.err) == SF_STEP_READY)
	{
	}
	is_int(peer_used(sc.p, 4), 1, "which reads nothing");
	read_scene(&sc);
	is_text(sc.rows, "1|a;", "before somebody asks");
	is_int(peer_used(sc.p, 1), 1, "all that with one job");
	close_scene(&sc, "held");

	for (int i = 0; i < COUNT(rules); i++)
		rules[i].used = 0;
	open_held(&sc, rules, COUNT(rules), &result);
	read_scene(&sc);
	ok(job_ready(&sc, &result) == SF_FAILED && sc.err.cls == SF_ERR_CONFIG,
	   "a job that is gone after its last row cannot be shared");
	close_scene(&sc, "not kept");
}

static void
test_failed_job(void)
{
	peer_rule rules[] = {LOGIN,
						 CREATE,
						 {"GET", JOB "$", .status = 200,
						  .body = STATE("Failed", ",\"errorMessage\":\"no good\"")},
						 DELETE_JOB};
	scene sc = {.spec = {.hold_pages = true}};
	sf_job_result result;

	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
	ok(job_ready(&sc, &result) == SF_FAILED && strstr(sc.err.message, "no good") != NULL,
	   "a job that fails is never ready");
	close_scene(&sc, "failed job");
}

int
main(void)
{
	int fds = count_fds();

	test_two_readers();
	test_waiting_for_pages();
	test_bad_pages();
	test_later_lists();
	test_chain();
	test_no_lists();
	test_held();
	test_failed_job();
	is_int(count_fds(), fds, "no descriptor is left open");
	return tap_done();
}
