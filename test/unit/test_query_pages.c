/*
 * test_query_pages.c
 *		Result pages of jobs from a peer that misbehaves: the right rows or an error.
 */
#include "scene.h"

/* ---- pages ------------------------------------------------------------------------- */

static void
test_links(void)
{
#define BOTH PAGE("A", 1, "\"1\",\"a\"\n"), PAGE("B", 1, "\"2\",\"b\"\n"), DELETE_JOB
	EXPECT_ROWS("links: documented shape, two lists", SF_TRANSPORT_BULK, "1|a;2|b;", CREATE,
				POLL(2),
				ONE_LINK("{\"resultPages\":[{\"resultUrl\":\"" JOB
						 "/results?locator=A\"}],\"nextRecordUrl\":\"" JOB
						 "/resultpages?locator=N\",\"done\":false}"),
				{"GET", JOB "/resultPages?locator=N$", .status = 200,
				 .body = "{\"resultPages\":[{\"resultUrl\":\"" JOB
						 "/results?locator=B\"}],\"done\":true}"},
				BOTH);
	EXPECT_ROWS(
		"links: relative resultLink", SF_TRANSPORT_BULK, "1|a;", CREATE, POLL(1),
		ONE_LINK("{\"resultPages\":[{\"resultLink\":\"/jobs/query/750000000000001AAA/results"
				 "?locator=A\"}],\"nextRecordsUrl\":null,\"done\":true}"),
		PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
	EXPECT_ROWS(
		"links: resultChunks", SF_TRANSPORT_BULK, "1|a;", CREATE, POLL(1),
		ONE_LINK("{\"resultChunks\":[{\"resultLink\":\"/jobs/query/x/results?locator=A\"}],"
				 "\"nextRecordsUrl\":null}"),
		PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
	EXPECT_ROWS(
		"links: a locator is encoded", SF_TRANSPORT_BULK, "1|a;", CREATE, POLL(1),
		ONE_LINK("{\"resultPages\":[{\"resultUrl\":\"/x?locator=a%2Fb%3D%3D\"}],\"done\":"
				 "true}"),
		PAGE("a%2Fb%3D%3D", 1, "\"1\",\"a\"\n"), DELETE_JOB);
	EXPECT_ROWS("no resultPages: the chain", SF_TRANSPORT_BULK, "1|a;2|b;", CREATE, POLL(2),
				{"GET", JOB "/resultPages$", .status = 404, .body = ""},
				{"GET", JOB "/results$", .status = 200, .headers = CHAIN_HEADERS(1, "B"),
				 .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
				{"GET", JOB "/results?locator=B$", .status = 200,
				 .headers = CHAIN_HEADERS(1, "null"),
				 .body = "\"Id\",\"Name\"\n\"2\",\"b\"\n"},
				DELETE_JOB);
	EXPECT_ROWS("resultPages nobody understands: the chain", SF_TRANSPORT_BULK, "1|a;", CREATE,
				POLL(1), ONE_LINK("{\"pages\":[]}"),
				{"GET", JOB "/results$", .status = 200, .headers = CHAIN_HEADERS(1, "null"),
				 .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
				DELETE_JOB);
	EXPECT_ROWS("resultPages without pages, of a job without a count: the chain",
				SF_TRANSPORT_BULK, "1|a;", CREATE,
				{"GET", JOB "$", .status = 200, .body = STATE("JobComplete", "")},
				ONE_LINK("{\"resultPages\":[],\"nextRecordsUrl\":null,\"done\":true}"),
				{"GET", JOB "/results$", .status = 200, .headers = CHAIN_HEADERS(1, "null"),
				 .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
				DELETE_JOB);
	EXPECT_ERROR("a chain without its header", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
				 "Sforce-Locator", CREATE, POLL(1), ONE_LINK("[]"),
				 {"GET", JOB "/results$", .status = 200, .headers = PAGE_HEADERS(1),
				  .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
				 DELETE_JOB);
	EXPECT_ERROR(
		"a locator that comes twice", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL, "came twice", CREATE,
		POLL(2),
		ONE_LINK("{\"resultPages\":[{\"resultUrl\":\"/x?locator=A\"}],\"nextRecordsUrl\":"
				 "\"/x?locator=N\",\"done\":false}"),
		{"GET", JOB "/resultPages?locator=N$", .status = 200,
		 .body = "{\"resultPages\":[{\"resultUrl\":\"/x?locator=A\"}],\"done\":true}"},
		PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
	EXPECT_ERROR("a chain that goes in circles", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
				 "came twice", CREATE, POLL(2), {"GET", JOB "/resultPages$", .status = 404},
				 {"GET", JOB "/results", .status = 200, .headers = CHAIN_HEADERS(1, "B"),
				  .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
				 DELETE_JOB);
	EXPECT_ERROR("another API version", SF_TRANSPORT_BULK, SF_ERR_REMOTE, "VERSION", CREATE,
				 POLL(1),
				 {"GET", JOB "/resultPages$", .status = 409,
				  .body = "[{\"errorCode\":\"API_VERSION_MISMATCH\",\"message\":\"no\"}]"},
				 DELETE_JOB);
}

static void
test_page_checks(void)
{
	EXPECT_ERROR("fewer rows than the page says", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
				 "has 1 rows instead of 2", CREATE, POLL(2), ONE_LINK(LINK_A),
				 PAGE("A", 2, "\"1\",\"a\"\n"), DELETE_JOB);
	EXPECT_ERROR("more rows than the page says", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
				 "has 2 rows instead of 1", CREATE, POLL(1), ONE_LINK(LINK_A),
				 PAGE("A", 1, "\"1\",\"a\"\n\"2\",\"b\"\n"), DELETE_JOB);
	EXPECT_ERROR("fewer rows than the job says", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL,
				 "gave 1 rows instead of 5", CREATE, POLL(5), ONE_LINK(LINK_A),
				 PAGE("A", 1, "\"1\",\"a\"\n"), DELETE_JOB);
	EXPECT_ROWS("without Sforce-NumberOfRecords the job's count decides", SF_TRANSPORT_BULK,
				"1|a;", CREATE, POLL(1), ONE_LINK(LINK_A),
				{"GET", JOB "/results?locator=A$", .status = 200, .headers = CSV_TYPE,
				 .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
				DELETE_JOB);
	EXPECT_ERROR("neither count", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL, "Sforce-NumberOfRecords",
				 CREATE, {"GET", JOB "$", .status = 200, .body = STATE("JobComplete", "")},
				 ONE_LINK(LINK_A),
				 {"GET", JOB "/results?locator=A$", .status = 200, .headers = CSV_TYPE,
				  .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n"},
				 DELETE_JOB);
	EXPECT_ROWS("no rows: a header", SF_TRANSPORT_BULK, "", CREATE, POLL(0),
				{"GET", JOB "/results$", .status = 200, .headers = CHAIN_HEADERS(0, "null"),
				 .body = "\"Id\",\"Name\"\n"},
				DELETE_JOB);
	EXPECT_ROWS("no rows: nothing", SF_TRANSPORT_BULK, "", CREATE, POLL(0),
				{"GET", JOB "/results$", .status = 200, .headers = CHAIN_HEADERS(0, "null")},
				DELETE_JOB);
	EXPECT_ROWS("no rows: nothing, but gzip by its header", SF_TRANSPORT_BULK, "", CREATE,
				POLL(0),
				{"GET", JOB "/results$", .status = 200,
				 .headers = CHAIN_HEADERS(0, "null") "Content-Encoding: gzip\r\n"},
				DELETE_JOB);
	EXPECT_ROWS("no rows: 204", SF_TRANSPORT_BULK, "", CREATE, POLL(0),
				{"GET", JOB "/results$", .status = 204}, DELETE_JOB);
	EXPECT_ROWS("columns in another order, case and number", SF_TRANSPORT_BULK, "1|a;", CREATE,
				POLL(1), ONE_LINK(LINK_A),
				{"GET", JOB "/results?locator=A$", .status = 200, .headers = PAGE_HEADERS(1),
				 .body = "\"NAME\",\"Other\",\"id\"\n\"a\",\"x\",\"1\"\n"},
				DELETE_JOB);
	EXPECT_ERROR("a column is missing", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL, "Name", CREATE,
				 POLL(1), ONE_LINK(LINK_A),
				 {"GET", JOB "/results?locator=A$", .status = 200, .headers = PAGE_HEADERS(1),
				  .body = "\"Id\"\n\"1\"\n"},
				 DELETE_JOB);
	EXPECT_ERROR("a page of HTML", SF_TRANSPORT_BULK, SF_ERR_PROTOCOL, "text/html", CREATE,
				 POLL(1), ONE_LINK(LINK_A),
				 {"GET", JOB "/results?locator=A$", .status = 200,
				  .headers = "Content-Type: text/html\r\nSforce-NumberOfRecords: 1\r\n",
				  .body = "<html>log in</html>"},
				 DELETE_JOB);
	EXPECT_ERROR("a NUL byte", SF_TRANSPORT_BULK, SF_ERR_DATA, "", CREATE, POLL(1),
				 ONE_LINK(LINK_A),
				 {"GET", JOB "/results?locator=A$", .status = 200, .headers = PAGE_HEADERS(1),
				  .body = "\"Id\",\"Name\"\n\"1\",\"a\0b\"\n", .body_len = 23},
				 DELETE_JOB);
}

/* ---- downloads that break ---------------------------------------------------------- */

#define MANY 3000

/* A page of many rows; rows from `changed` on differ. */
static char *
many_rows(int changed)
{
	char *text = malloc(MANY * 64 + 64);
	size_t len = (size_t) sprintf(text, "\"Id\",\"Name\"\n");

	for (int i = 0; i < MANY; i++)
		len += (size_t) sprintf(text + len, "\"%06d\",\"name %s%d, \"\"quoted\"\"\"\n", i,
								i >= changed ? "other " : "", i * 7919);
	return text;
}

/* Reads all rows and says whether each came once; -1 on failure. */
static int
read_many(scene *sc)
{
	static char seen[MANY];
	int n = 0;

	memset(seen, 0, sizeof(seen));
	for (;;)
	{
		sf_value *values;
		int i;

		sc->st = sf_query_next_row(sc->q, &values, &sc->err);
		if (sc->st == SF_WAIT && drive(sc->s))
			continue;
		if (sc->st != SF_OK)
			break;
		i = atoi(values[0].data);
		if (i < 0 || i >= MANY || seen[i]++ > 0)
			return -1;
		n++;
	}
	sf_query_get_stats(sc->q, &sc->stats);
	return sc->st == SF_DONE ? n : -1;
}

static void
test_broken_page(bool gzip, bool changed)
{
	const char *headers =
		gzip ? PAGE_HEADERS(3000) "Content-Encoding: gzip\r\n" : PAGE_HEADERS(3000);
	char *first = many_rows(MANY);
	char *second = many_rows(changed ? 100 : MANY);
	size_t first_len = strlen(first);
	size_t second_len = strlen(second);
	char *first_body = gzip ? gzip_text(first, first_len, &first_len) : strdup(first);
	char *second_body = gzip ? gzip_text(second, second_len, &second_len) : strdup(second);
	peer_rule rules[] = {
		LOGIN,
		CREATE,
		POLL(3000),
		ONE_LINK(LINK_A),
		{"GET", JOB "/results", .times = 1, .status = 200, .headers = headers,
		 .body = first_body, .body_len = first_len, .cut = first_len / 2, .split = 999},
		{"GET", JOB "/results", .times = 1, .status = 200, .headers = headers,
		 .body = first_body, .body_len = first_len, .cut = first_len / 4},
		{"GET", JOB "/results", .times = 1, .status = 200, .headers = headers,
		 .body = second_body, .body_len = second_len},
		DELETE_JOB,
	};
	scene sc = {0};
	int n;

	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
	n = read_many(&sc);
	if (changed)
		ok(n < 0 && sc.err.cls == SF_ERR_PROTOCOL && strstr(sc.err.message, "other contents"),
		   "a page that comes back with other rows is an error (%s)", gzip ? "gzip" : "plain");
	else
		is_int(n, MANY,
			   gzip ? "a page that breaks twice gives each row once (gzip)"
					: "a page that breaks twice gives each row once (plain)");
	if (n < 0 && !changed)
		diag("%s / %s", sc.err.message, sc.err.detail);
	is_int(sc.stats.retries, changed ? 2 : 2, "two downloads more");
	close_scene(&sc, "broken page");
	free(first);
	free(second);
	free(first_body);
	free(second_body);
}

static void
test_cut_gzip(void)
{
	char *text = many_rows(MANY);
	size_t len;
	char *gz = gzip_text(text, strlen(text), &len);
	peer_rule rules[] = {
		LOGIN,
		CREATE,
		POLL(3000),
		ONE_LINK(LINK_A),
		{"GET", JOB "/results", .times = 1, .status = 200,
		 .headers = PAGE_HEADERS(3000) "Content-Encoding: gzip\r\n", .body = gz,
		 .body_len = len - 10},
		{"GET", JOB "/results", .times = 1, .status = 200,
		 .headers = PAGE_HEADERS(3000) "Content-Encoding: gzip\r\n", .body = gz,
		 .body_len = len},
		DELETE_JOB,
	};
	scene sc = {0};

	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
	if (!is_int(read_many(&sc), MANY,
				"gzip cut off inside of a complete answer is read again"))
		diag("%s", sc.err.message);
	close_scene(&sc, "cut gzip");

	/* a byte in the middle is wrong: the rows before it may be wrong too */
	gz[len / 2] ^= 0x55;
	rules[4].used = rules[4].body_len = 0;
	rules[4].body_len = len;
	for (int i = 0; i < COUNT(rules); i++)
		rules[i].used = 0;
	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
	ok(read_many(&sc) < 0 && sc.err.cls != SF_ERR_NONE, "gzip that is corrupt is an error");
	is_int(peer_used(sc.p, 5), 0, "and is not read again");
	close_scene(&sc, "corrupt gzip");
	free(text);
	free(gz);
}

static void
test_hopeless_page(const char *name, int status)
{
	peer_rule rules[] = {
		LOGIN,
		CREATE,
		POLL(1),
		ONE_LINK(LINK_A),
		{"GET", JOB "/results", .status = status, .headers = PAGE_HEADERS(1),
		 .body = "\"Id\",\"Name\"\n\"1\",\"a\"\n", .cut = 15},
		DELETE_JOB,
	};
	sf_config cfg = {.client_id = "i", .client_secret = "s", .max_retries = 2};
	scene sc = {0};

	sc.p = peer_start(rules, COUNT(rules));
	cfg.login_url = peer_url(sc.p);
	sc.s = sf_session_new(&cfg, &sc.err);
	sc.spec = (sf_query_spec){.soql = "SELECT Id, Name FROM Account",
							  .columns = columns,
							  .ncolumns = 2,
							  .transport = SF_TRANSPORT_BULK};
	sc.q = sf_query_start(sc.s, &sc.spec, &sc.err);
	read_scene(&sc);
	ok(sc.st == SF_FAILED && sc.err.cls == SF_ERR_NETWORK, "%s", name);
	is_text(sc.err.job_id, "750000000000001AAA", "its job is named");
	/* on a kept connection that turns out dead curl may send it once more by itself */
	ok(peer_used(sc.p, 4) == 3 || (status == 0 && peer_used(sc.p, 4) == 4),
	   "was tried as often as allowed");
	close_scene(&sc, name);
}

/* Every download breaks at the same place, so that the later ones have nothing new. */
static void
test_page_without_end(void)
{
	char *text = many_rows(MANY);
	size_t len;
	char *gz = gzip_text(text, strlen(text), &len);
	peer_rule rules[] = {
		LOGIN,
		CREATE,
		POLL(3000),
		ONE_LINK(LINK_A),
		{"GET", JOB "/results", .status = 200,
		 .headers = PAGE_HEADERS(3000) "Content-Encoding: gzip\r\n", .body = gz,
		 .body_len = len, .cut = len / 2, .split = 500},
		DELETE_JOB,
	};
	scene sc = {0};

	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
	ok(read_many(&sc) < 0 && sc.err.cls == SF_ERR_NETWORK,
	   "a page that always breaks in its middle");
	is_int(peer_used(sc.p, 4), 5, "is given up after four more downloads");
	close_scene(&sc, "page without end");
	free(text);
	free(gz);
}

int
main(void)
{
	int fds = count_fds();

	test_links();
	test_page_checks();
	for (int i = 0; i < 4; i++)
		test_broken_page(i & 1, i & 2);
	test_cut_gzip();
	test_hopeless_page("a page that always breaks", 200);
	test_hopeless_page("a page that never answers", 0);
	test_page_without_end();
	is_int(count_fds(), fds, "no descriptor is left open");
	return tap_done();
}
