/*
 * test_job_list.c
 *		The list of the org's jobs from a peer: pages, shapes, refusals.
 */
#include <stdio.h>
#include <string.h>

#include "peer.h"
#include "scene.h"
#include "tap.h"

#define LIST V "/jobs/ingest"

static void
list(const char *name, peer_rule *rules, int nrules, sf_status expected, const char *text)
{
	sf_config cfg = {.client_id = "i", .client_secret = "s", .request_timeout_ms = 20000};
	peer *p = peer_start(rules, nrules);
	sf_error err = {0};
	sf_session *s;
	sf_jobs *jobs;
	const sf_job_entry *e;
	sf_status st;
	char out[1024] = "";
	size_t len = 0;

	cfg.login_url = peer_url(p);
	s = sf_session_new(&cfg, &err);
	jobs = sf_jobs_start(s, SF_JOBS_INGEST, &err);
	while ((st = sf_jobs_next(jobs, &e, &err)) == SF_OK || (st == SF_WAIT && drive(s)))
	{
		if (st == SF_OK)
			len += (size_t) snprintf(out + len, sizeof(out) - len, "%s/%s/%s/%.1f;", e->id,
									 e->state, e->object, e->api_version);
	}
	is_int(st, expected, name);
	is_int(sf_jobs_next(jobs, &e, NULL), expected, "and so it stays");
	is_text(expected == SF_DONE ? out : err.message, text, name);
	ok(peer_unexpected(p) == 0, "%s: nothing unexpected", name);
	sf_jobs_free(jobs);
	sf_session_free(s);
	peer_stop(p);
}

#define EXPECT(name, expected, text, ...)                                                     \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		list(name, rules_, COUNT(rules_), expected, text);                                    \
	} while (0)

int
main(void)
{
	EXPECT("no jobs", SF_DONE, "",
		   {"GET", LIST "$", .status = 200,
			.body = "{\"done\":true,\"records\":[],\"nextRecordsUrl\":null}"});
	EXPECT("two pages; the link names a locator and nothing else", SF_DONE,
		   "1/Open/A/62.0;2///0.0;3/Failed//0.0;",
		   {"GET", LIST "$", .status = 200,
			.body = "{\"done\":false,\"records\":[{\"id\":\"1\",\"state\":\"Open\","
					"\"object\":\"A\",\"apiVersion\":62.0},{\"id\":\"2\",\"object\":null}],"
					"\"nextRecordsUrl\":\"https://evil.example.com/x?queryLocator=a%2Fb-2\"}"},
		   {"GET", LIST "?queryLocator=a%2Fb-2$", .status = 200,
			.body = "{\"done\":true,\"records\":[{\"id\":\"3\",\"state\":\"Failed\"}]}"});
	EXPECT("503 once", SF_DONE, "", {"GET", LIST "$", .times = 1, .status = 503},
		   {"GET", LIST "$", .status = 200, .body = "{\"done\":true,\"records\":[]}"});
	EXPECT("a link without a locator", SF_FAILED,
		   "the list of jobs has a link to its next page without a locator",
		   {"GET", LIST "$", .status = 200,
			.body = "{\"done\":false,\"records\":[],\"nextRecordsUrl\":\"/x\"}"});
	EXPECT("not done, and no link", SF_FAILED,
		   "the list of jobs is not done but names no next page",
		   {"GET", LIST "$", .status = 200,
			.body = "{\"done\":false,\"records\":[],\"nextRecordsUrl\":null}"});
	EXPECT("no link and nothing said", SF_DONE, "1///0.0;",
		   {"GET", LIST "$", .status = 200, .body = "{\"records\":[{\"id\":\"1\"}]}"});
	EXPECT(
		"done, whatever the link", SF_DONE, "",
		{"GET", LIST "$", .status = 200,
		 .body = "{\"done\":true,\"records\":[],\"nextRecordsUrl\":\"/x?queryLocator=a\"}"});
	EXPECT(
		"a page that leads to itself", SF_FAILED,
		"the list of jobs names itself as the next page",
		{"GET", LIST "$", .status = 200,
		 .body = "{\"done\":false,\"records\":[],\"nextRecordsUrl\":\"/x?queryLocator=a\"}"},
		{"GET", LIST "?queryLocator=a$", .times = 1, .status = 200,
		 .body = "{\"done\":false,\"records\":[],\"nextRecordsUrl\":\"/x?queryLocator=a\"}"});
	EXPECT("a job without an id", SF_FAILED, "\"id\" is missing in list of jobs",
		   {"GET", LIST "$", .status = 200, .body = "{\"done\":true,\"records\":[{}]}"});
	EXPECT("no list", SF_FAILED, "\"records\" is missing in list of jobs",
		   {"GET", LIST "$", .status = 200, .body = "{}"});
	return tap_done();
}
