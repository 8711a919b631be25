/*
 * test_rest_json.c
 *		Queries whose columns nobody knows: records as JSON by REST, whatever pages their subqueries come in;
 *		the columns of the file by bulk.
 */
#include <stdio.h>
#include <string.h>

#include "peer.h"
#include "scene.h"
#include "tap.h"

#define QUERY V "/query?q="
#define NEXT  V "/query/01g"

/* Rows as text, "|" between values, ";" behind each row. */
static sf_status
read_any(sf_session *s, sf_query *q, char *out, size_t size, sf_error *err)
{
	sf_value *values;
	sf_status st;
	size_t len = 0;

	while ((st = sf_query_next_row(q, &values, err)) == SF_OK || (st == SF_WAIT && drive(s)))
	{
		if (st != SF_OK)
			continue;
		for (int i = 0; i < sf_query_ncolumns(q) && len < size; i++)
			len += (size_t) snprintf(out + len, size - len, "%s%s%s%s", i > 0 ? "|" : "",
									 sf_query_column(q, i), sf_query_is_json(q) ? "" : "=",
									 values[i].data != NULL ? values[i].data : "");
		if (len < size)
			len += (size_t) snprintf(out + len, size - len, ";");
	}
	return st;
}

static void
expect(const char *name, peer_rule *rules, int nrules, sf_transport transport,
	   sf_status expected, const char *text, int calls)
{
	sf_config cfg = {.client_id = "i", .client_secret = "s", .request_timeout_ms = 20000};
	sf_query_spec spec = {.soql = "SELECT x", .any_columns = true, .transport = transport};
	peer *p = peer_start(rules, nrules);
	sf_error err = {0};
	sf_query_stats stats;
	char out[2048] = "";
	sf_session *s;
	sf_query *q;
	sf_status st;

	cfg.login_url = peer_url(p);
	s = sf_session_new(&cfg, &err);
	q = sf_query_start(s, &spec, &err);
	st = read_any(s, q, out, sizeof(out), &err);
	is_int(st, expected, name);
	is_text(expected == SF_DONE ? out : err.message, text, name);
	sf_query_get_stats(q, &stats);
	if (calls > 0)
		is_int(stats.api_calls, calls, "calls");
	sf_query_free(q);
	drive_cleanup(s);
	ok(peer_unexpected(p) == 0, "%s: nothing unexpected", name);
	sf_session_free(s);
	peer_stop(p);
}

#define EXPECT(name, transport, expected, text, calls, ...)                                   \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		expect(name, rules_, COUNT(rules_), transport, expected, text, calls);                \
	} while (0)

#define ANSWER(n, records) "{\"totalSize\":" #n ",\"done\":true,\"records\":[" records "]}"
#define PART(n, next, records)                                                                \
	"{\"totalSize\":" #n ",\"done\":false,\"nextRecordsUrl\":\"" next                         \
	"\",\"records\":[" records "]}"
#define REST SF_TRANSPORT_REST

static void
records(void)
{
	EXPECT(
		"records as they are, without attributes", REST, SF_DONE,
		"{\"Id\":\"1\",\"N\":90000000,\"F\":1.5,\"B\":true,\"P\":null,\"A\":{\"Name\":"
		"\"a\\\"b\"},"
		"\"C\":{\"totalSize\":1,\"done\":true,\"records\":[{\"X\":\"y\"}]}};{};",
		1,
		{"GET", QUERY, .status = 200,
		 .body = ANSWER(
			 2,
			 "{\"attributes\":{\"type\":\"T\"},\"Id\":\"1\",\"N\":9.0E7,\"F\":1.50,\"B\":true,"
			 "\"P\":null,\"A\":{\"attributes\":{},\"Name\":\"a\\\"b\"},\"C\":{\"totalSize\":1,"
			 "\"done\":true,\"records\":[{\"attributes\":{},\"X\":\"y\"}]}},{}")});
	EXPECT("none", REST, SF_DONE, "", 1, {"GET", QUERY, .status = 200, .body = ANSWER(0, "")});
	EXPECT("two pages", REST, SF_DONE, "{\"a\":1};{\"a\":2};", 2,
		   {"GET", QUERY, .status = 200, .body = PART(2, NEXT "-1", "{\"a\":1}")},
		   {"GET", NEXT "-1$", .status = 200, .body = ANSWER(2, "{\"a\":2}")});
	EXPECT("a subquery in three pages, and one in its rows", REST, SF_DONE,
		   "{\"C\":{\"totalSize\":3,\"done\":true,\"records\":[{\"x\":1},{\"x\":2,\"D\":{"
		   "\"totalSize\":2,"
		   "\"done\":true,\"records\":[{\"y\":1},{\"y\":2}]}},{\"x\":3}]},\"E\":null};{\"C\":"
		   "null};",
		   4,
		   {"GET", QUERY, .status = 200,
			.body = ANSWER(
				2, "{\"C\":" PART(3, NEXT "-a", "{\"x\":1}") ",\"E\":null},{\"C\":null}")},
		   {"GET", NEXT "-a$", .status = 200,
			.body = PART(3, NEXT "-b", "{\"x\":2,\"D\":" PART(2, NEXT "-d", "{\"y\":1}") "}")},
		   {"GET", NEXT "-b$", .status = 200, .body = ANSWER(3, "{\"x\":3}")},
		   {"GET", NEXT "-d$", .status = 200, .body = ANSWER(2, "{\"y\":2}")});
	EXPECT("a page of a subquery that is asked for twice", REST, SF_DONE,
		   "{\"C\":{\"totalSize\":2,\"done\":true,\"records\":[{\"x\":1},{\"x\":2}]}};", 3,
		   {"GET", QUERY, .status = 200,
			.body = ANSWER(1, "{\"C\":" PART(2, NEXT "-a", "{\"x\":1}") "}")},
		   {"GET", NEXT "-a$", .times = 1, .status = 503},
		   {"GET", NEXT "-a$", .status = 200, .body = ANSWER(2, "{\"x\":2}")});
}

static void
refusals(void)
{
	EXPECT("a record that is none", REST, SF_FAILED, "a record of the query is not an object",
		   0, {"GET", QUERY, .status = 200, .body = ANSWER(1, "3")});
	EXPECT("a subquery that goes on elsewhere", REST, SF_FAILED,
		   "the answer to a subquery is not done but names no next page", 0,
		   {"GET", QUERY, .status = 200,
			.body = ANSWER(1, "{\"C\":" PART(2, "https://evil.example.com/x", "") "}")});
	EXPECT("one with fewer rows than promised", REST, SF_FAILED,
		   "the subquery gave 1 rows, but its totalSize is 2", 0,
		   {"GET", QUERY, .status = 200,
			.body = ANSWER(1, "{\"C\":" PART(2, NEXT "-a", "{\"x\":1}") "}")},
		   {"GET", NEXT "-a$", .status = 200, .body = ANSWER(2, "")});
	EXPECT("one with more", REST, SF_FAILED,
		   "the subquery gave 3 rows, but its totalSize is 2", 0,
		   {"GET", QUERY, .status = 200,
			.body = ANSWER(1, "{\"C\":" PART(2, NEXT "-a", "{\"x\":1}") "}")},
		   {"GET", NEXT "-a$", .status = 200, .body = ANSWER(2, "{},{}")});
	EXPECT("one without end", REST, SF_FAILED,
		   "the answer to a subquery has no rows but is not done", 0,
		   {"GET", QUERY, .status = 200,
			.body = ANSWER(1, "{\"C\":" PART(2, NEXT "-a", "{\"x\":1}") "}")},
		   {"GET", NEXT "-a$", .status = 200, .body = PART(2, NEXT "-a", "")});
	EXPECT("fewer records than promised", REST, SF_FAILED,
		   "the query gave 1 rows, but its totalSize is 2", 0,
		   {"GET", QUERY, .status = 200, .body = ANSWER(2, "{}")});
}

static void
files(void)
{
	EXPECT("the columns of the file", SF_TRANSPORT_BULK, SF_DONE, "Id=1|Name=;Id=2|Name=b;", 0,
		   CREATE, POLL(2), ONE_LINK(LINK_A), PAGE("A", 2, "\"1\",\"\"\n\"2\",\"b\"\n"),
		   DELETE_JOB);
	EXPECT("pages with other columns", SF_TRANSPORT_BULK, SF_FAILED,
		   "result pages of a job have different columns", 0, CREATE, POLL(2),
		   {"GET", JOB "/resultPages$", .status = 200,
			.body = "{\"resultPages\":[{\"resultUrl\":\"" JOB "/results?locator=A\"},"
					"{\"resultUrl\":\"" JOB "/results?locator=B\"}],\"nextRecordsUrl\":null,"
					"\"done\":true}"},
		   PAGE("A", 1, "\"1\",\"\"\n"),
		   {"GET", JOB "/results?locator=B$", .status = 200, .headers = PAGE_HEADERS(1),
			.body = "\"Name\",\"Id\"\n\"1\",\"2\"\n"},
		   DELETE_JOB);
	EXPECT("few rows by REST, as auto has it", SF_TRANSPORT_AUTO, SF_DONE, "{\"a\":1};", 1,
		   {"GET", QUERY, .status = 200, .body = ANSWER(1, "{\"a\":1}")});
}

int
main(void)
{
	int fds = count_fds();

	records();
	refusals();
	files();
	ok(sf_soql_is_count("SELECT COUNT() FROM A") &&
		   sf_soql_is_count(" select count ( )\nfrom A") &&
		   !sf_soql_is_count("SELECT COUNT(Id) FROM A") &&
		   !sf_soql_is_count("SELECT Id FROM A"),
	   "queries that count");
	is_int(count_fds(), fds, "no descriptor is left open");
	return tap_done();
}
