/*
 * test_org.c
 *		What a check asks of an org, from a peer: is the login host there, who is logged in, which versions there
 *		are.
 */
#include <stdio.h>
#include <string.h>

#include "peer.h"
#include "scene.h"
#include "tap.h"

#define VERSIONS "/services/data$"
#define WHO		 "/services/oauth2/userinfo$"

static void
ask(const char *name, sf_org_question question, peer_rule *rules, int nrules,
	const char *version, sf_status expected, const char *text)
{
	sf_config cfg = {.client_id = "i",
					 .client_secret = "s",
					 .request_timeout_ms = 20000,
					 .max_retries = -1,
					 .api_version = version};
	peer *p = peer_start(rules, nrules);
	sf_error err = {0};
	sf_session *s;
	sf_org_ask *a;
	const sf_org_facts *f = NULL;
	char out[1024] = "";
	sf_status st;

	cfg.login_url = peer_url(p);
	s = sf_session_new(&cfg, &err);
	a = sf_org_ask_start(s, question, &err);
	while ((st = sf_org_ask_check(a, &f, &err)) == SF_WAIT && drive(s))
		;
	if (question == SF_ORG_REACH)
		snprintf(out, sizeof(out), "%s %s %d%d%d%d %d", f->host, f->address, f->resolved,
				 f->connected, f->encrypted, f->answered, f->seconds > 0);
	else if (st == SF_OK && question == SF_ORG_IDENTITY)
		snprintf(out, sizeof(out), "%s|%s|%s|%s", f->user_id, f->username, f->name, f->org_id);
	else if (st == SF_OK)
		snprintf(out, sizeof(out), "%s %d %s-%s %s", f->configured, f->offered, f->oldest,
				 f->newest, f->label);
	is_int(st, expected, name);
	is_int(sf_org_ask_check(a, &f, NULL), expected, "and so it stays");
	is_text(expected == SF_OK ? out : err.message, text, name);
	ok(question != SF_ORG_REACH || (sf_session_calls(s) == 0 && !sf_session_logged_in(s)),
	   "%s: without a login", name);
	ok(peer_unexpected(p) == 0, "%s: nothing unexpected", name);
	sf_org_ask_free(a);
	sf_session_free(s);
	peer_stop(p);
}

#define ASK(name, question, version, expected, text, ...)                                     \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {__VA_ARGS__};                                                   \
		ask(name, question, rules_, COUNT(rules_), version, expected, text);                  \
	} while (0)

/* Nobody listens there, or nothing but silence comes. */
static void
nobody(void)
{
	sf_config cfg = {.client_id = "i",
					 .client_secret = "s",
					 .connect_timeout_ms = 10000,
					 .request_timeout_ms = 20000,
					 .max_retries = -1,
					 .login_url = "http://127.0.0.1:1"};
	sf_error err = {0};
	sf_session *s = sf_session_new(&cfg, &err);
	sf_org_ask *a = sf_org_ask_start(s, SF_ORG_REACH, &err);
	const sf_org_facts *f = NULL;
	sf_status st;

	while ((st = sf_org_ask_check(a, &f, &err)) == SF_WAIT && drive(s))
		;
	is_int(st, SF_FAILED, "nobody listens");
	is_int(err.cls, SF_ERR_NETWORK, "that is the network's");
	ok(f->resolved && !f->connected && !f->answered && f->seconds == -1, "how far it came");
	sf_org_ask_free(a);

	a = sf_org_ask_start(s, SF_ORG_IDENTITY, &err);
	drive(s);
	sf_org_ask_free(a);
	ok(true, "freed while it is under way");
	sf_session_free(s);
}

int
main(void)
{
	int fds = count_fds();

	ASK("a login host", SF_ORG_REACH, "62.0", SF_OK, "127.0.0.1 127.0.0.1 1101 1",
		{"GET", VERSIONS, .status = 200, .headers = "Date: Fri, 27 Nov 2026 03:00:00 GMT\r\n",
		 .body = "[]"});
	ASK("one that has no such page", SF_ORG_REACH, "62.0", SF_OK, "127.0.0.1 127.0.0.1 1101 0",
		{"GET", VERSIONS, .status = 404});
	ASK("one that hangs up", SF_ORG_REACH, "62.0", SF_FAILED,
		"could not reach the login host: empty reply from server",
		{"GET", VERSIONS, .status = 0});

	ASK("who", SF_ORG_IDENTITY, "62.0", SF_OK, "005|u@x|Una|00D", LOGIN,
		{"GET", WHO, .status = 200,
		 .body = "{\"sub\":\"https://x/id/00D/005\",\"user_id\":\"005\",\"organization_id\":"
				 "\"00D\",\"preferred_username\":\"u@x\",\"name\":\"Una\"}"});
	ASK("who, without names", SF_ORG_IDENTITY, "62.0", SF_OK, "005|||00D", LOGIN,
		{"GET", WHO, .status = 200,
		 .body = "{\"user_id\":\"005\",\"organization_id\":\"00D\",\"name\":null}"});
	ASK("nobody", SF_ORG_IDENTITY, "62.0", SF_FAILED,
		"\"user_id\" is missing in answer about who is logged in", LOGIN,
		{"GET", WHO, .status = 200, .body = "{}"});
	ASK("no answer about that", SF_ORG_IDENTITY, "62.0", SF_FAILED,
		"answer about who is logged in is not valid JSON", LOGIN,
		{"GET", WHO, .status = 200, .body = "<html>"});
	ASK("a refusal", SF_ORG_IDENTITY, "62.0", SF_FAILED,
		"could not ask who is logged in: HTTP status 404", LOGIN, {"GET", WHO, .status = 404});

	ASK("versions, in whatever order", SF_ORG_VERSIONS, "62.0", SF_OK,
		"62.0 1 9.0-100.0 Late '40", LOGIN,
		{"GET", VERSIONS, .status = 200,
		 .body = "[{\"version\":\"62.0\",\"label\":\"W\"},{\"version\":\"100.0\",\"label\":"
				 "\"Late '40\"},{\"version\":\"9.0\"},{\"version\":\"beta\"}]"});
	ASK("another one", SF_ORG_VERSIONS, "66.0", SF_OK, "66.0 0 62.0-62.0 W", LOGIN,
		{"GET", VERSIONS, .status = 200, .body = "[{\"version\":\"62.0\",\"label\":\"W\"}]"});
	ASK("no list", SF_ORG_VERSIONS, "62.0", SF_FAILED,
		"the list of API versions is not a JSON array", LOGIN,
		{"GET", VERSIONS, .status = 200, .body = "{}"});
	ASK("a version without its number", SF_ORG_VERSIONS, "62.0", SF_FAILED,
		"\"version\" is missing in list of API versions", LOGIN,
		{"GET", VERSIONS, .status = 200, .body = "[{}]"});
	nobody();
	is_int(count_fds(), fds, "no descriptor is left open");
	return tap_done();
}
