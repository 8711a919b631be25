/*
 * test_ingest.c
 *		Ingest jobs against a peer that misbehaves: every step with every failure, what was sent, and
 *		what is left behind.
 */
#include "peer.h"
#include "tap.h"

#define LOGIN                                                                                 \
	{                                                                                         \
		"POST", "/services/oauth2/token",                                                     \
			.status = 200, .body = "{\"access_token\":\"T\",\"instance_url\":\"%b\"}"         \
	}
#define V	   "/services/data/v62.0/jobs/ingest"
#define ID(n)  "750000000000" #n "AAA"
#define JOB(n) V "/" ID(n)

#define INFO(n, state, rest) "{\"id\":\"" ID(n) "\",\"state\":\"" state "\"" rest "}"
#define CREATE(n)                                                                             \
	{                                                                                         \
		"POST", V "$", .times = 1, .status = 200, .body = INFO(n, "Open", "")                 \
	}
#define PUT(n)                                                                                \
	{                                                                                         \
		"PUT", JOB(n) "/batches$", .status = 201                                              \
	}
#define CLOSE(n)                                                                              \
	{                                                                                         \
		"PATCH", JOB(n) "$", "{\"state\":\"UploadComplete\"}",                                \
			.status = 200, .body = INFO(n, "UploadComplete", "")                              \
	}
#define POLL(n, state, rest)                                                                  \
	{                                                                                         \
		"GET", JOB(n) "$", .status = 200, .body = INFO(n, state, rest)                        \
	}
#define COUNTS                                                                                \
	",\"numberRecordsProcessed\":3,\"numberRecordsFailed\":1,\"totalProcessingTime\":7"
#define DONE(n) POLL(n, "JobComplete", COUNTS)
#define ABORT(n)                                                                              \
	{                                                                                         \
		"PATCH", JOB(n) "$", "{\"state\":\"Aborted\"}", .status = 200,                        \
														.body = INFO(n, "Aborted", "")        \
	}
#define DELETE(n)                                                                             \
	{                                                                                         \
		"DELETE", JOB(n) "$", .status = 204                                                   \
	}
#define REFUSAL(code) "[{\"errorCode\":\"" code "\",\"message\":\"refused\"}]"
#define COUNT(rules)  ((int) (sizeof(rules) / sizeof((rules)[0])))

static char data[600 * 1024 + 1];

typedef struct scene
{
	peer *p;
	peer_rule *rules;
	int nrules;
	sf_session *s;
	sf_ingest *ing;
	sf_ingest_spec spec;
	size_t len;	  /* of the data; 0: 20 bytes */
	size_t piece; /* fed at once; 0: all */
	bool end_first;
	int timeout_ms;
	sf_error err;
	sf_status st;
	sf_ingest_info info;
} scene;

/* Text that differs everywhere. */
static void
make_data(void)
{
	unsigned x = 12345;

	for (size_t i = 0; i + 1 < sizeof(data); i++)
	{
		x = x * 1103515245u + 12345u;
		data[i] = x >> 28 == 0 ? '\n' : (char) ('a' + (x >> 16) % 26);
	}
}

static void
open_scene(scene *sc, peer_rule *rules, int nrules)
{
	sf_config cfg = {.client_id = "i", .client_secret = "s", .max_retries = 2};

	sc->rules = rules;
	sc->nrules = nrules;
	sc->p = peer_start(rules, nrules);
	cfg.login_url = peer_url(sc->p);
	cfg.request_timeout_ms = sc->timeout_ms > 0 ? sc->timeout_ms : 20000;
	sc->s = sf_session_new(&cfg, &sc->err);
	if (sc->spec.object == NULL)
		sc->spec.object = "Account";
	sc->len = sc->len > 0 ? sc->len : 20;
	sc->piece = sc->piece > 0 ? sc->piece : sc->len;
	sc->ing = sf_ingest_start(sc->s, &sc->spec, &sc->err);
	if (sc->ing == NULL)
	{
		diag("%s", sc->err.message);
		exit(1);
	}
	if (sc->end_first)
		sf_ingest_end(sc->ing, (int64_t) sc->len);
}

/* Feeds and drives until it is held, complete or failed, or the rule has been used. */
static void
run_until(scene *sc, int rule)
{
	bool ended = sc->end_first;

	for (;;)
	{
		int64_t at = sf_ingest_wanted(sc->ing);
		size_t n = 0;

		sf_error_reset(&sc->err);
		sc->st = sf_ingest_check(sc->ing, &sc->err);
		sf_ingest_get_info(sc->ing, &sc->info);
		if (sc->st != SF_WAIT || (rule >= 0 && peer_used(sc->p, rule) > 0))
			return;
		if (at >= 0 && (size_t) at < sc->len)
		{
			n = sc->len - (size_t) at < sc->piece ? sc->len - (size_t) at : sc->piece;
			n = sf_ingest_feed(sc->ing, data + at, n);
		}
		else if (at >= 0 && !ended)
		{
			sf_ingest_end(sc->ing, (int64_t) sc->len);
			ended = true;
		}
		if (n == 0 && !drive(sc->s))
			return;
	}
}

/* The bodies that reached the rule are the data, byte for byte. */
static void
check_body(scene *sc, int rule, const char *name)
{
	const char *request = peer_last_request(sc->p, rule);
	const char *body = strstr(request, "\r\n\r\n");

	ok(body != NULL && strlen(body + 4) == sc->len && memcmp(body + 4, data, sc->len) == 0,
	   "%s: what arrived is what was fed", name);
}

/* Frees the job, waits for the clean-up and counts its warnings. */
static int
close_scene(scene *sc, const char *name)
{
	sf_error err = {0};
	int warnings = 0;
	bool once = true;

	sf_ingest_free(sc->ing);
	drive_cleanup(sc->s);
	while (sf_session_cleanup_failure(sc->s, false, &err))
	{
		sc->err = err;
		warnings++;
	}
	for (int i = 0; i < sc->nrules; i++)
	{
		for (int j = 0; j < i && sc->rules[i].method != NULL; j++)
			once = once && (strcmp(sc->rules[i].method, "PUT") != 0 ||
							strcmp(sc->rules[j].method, "PUT") != 0 ||
							strcmp(sc->rules[i].path, sc->rules[j].path) != 0 ||
							sc->rules[i].used + sc->rules[j].used <= 1);
		if (sc->rules[i].method != NULL && strcmp(sc->rules[i].method, "PUT") == 0)
			once = once && sc->rules[i].used <= 1;
	}
	ok(once, "%s: no second PUT", name);
	ok(peer_unexpected(sc->p) == 0, "%s: nothing unexpected", name);
	sf_session_free(sc->s);
	peer_stop(sc->p);
	return warnings;
}

/* ---- when all goes well ------------------------------------------------------------ */

static void
test_good(void)
{
	static const size_t pieces[] = {1, 7, 4096, 65535, 262143, 262144, 300000, 0};
	static const size_t lens[] = {1, 65536, 262144, 600 * 1024};

	for (size_t l = 0; l < COUNT(lens); l++)
	{
		for (size_t i = 0; i < COUNT(pieces); i++)
		{
			peer_rule rules[] = {LOGIN,		 CREATE(001), PUT(001),
								 CLOSE(001), DONE(001),	  DELETE(001)};
			scene sc = {.len = lens[l], .piece = pieces[i], .end_first = (l + i) % 2 == 1};
			char name[64];

			snprintf(name, sizeof(name), "%zu bytes, %zu at once", lens[l], pieces[i]);
			open_scene(&sc, rules, COUNT(rules));
			run_until(&sc, -1);
			if (!is_int(sc.st, SF_OK, name))
				diag("%s", sc.err.message);
			check_body(&sc, 2, name);
			ok(sc.info.phase == SF_INGEST_COMPLETE && sc.info.processed == 3 &&
				   sc.info.failed == 1 && sc.info.server_ms == 7 && sc.info.uploads == 1 &&
				   sc.info.acknowledged && sc.info.closed && sc.info.ended &&
				   sc.info.bytes == (int64_t) sc.len && sf_ingest_wanted(sc.ing) == -1 &&
				   strcmp(sc.info.job_id, ID(001)) == 0,
			   "%s: its figures", name);
			is_int(close_scene(&sc, name), 0, "no warning");
			is_int(rules[5].used, 1, "it is deleted");
		}
	}
}

static void
test_spec(void)
{
	peer_rule rules[] = {LOGIN, CREATE(001), PUT(001), CLOSE(001), DONE(001)};
	scene sc = {.spec = {.object = "Case",
						 .operation = SF_OP_UPSERT,
						 .external_id_field = "Ext__c",
						 .assignment_rule_id = "01Q1"}};
	sf_ingest_spec wrong = {.object = "Case", .external_id_field = "Ext__c"};
	const char *request;

	open_scene(&sc, rules, COUNT(rules));
	ok(sf_ingest_start(sc.s, &wrong, &sc.err) == NULL && sc.err.cls == SF_ERR_CONFIG,
	   "an external id without upsert is refused");
	sf_ingest_keep(sc.ing);
	run_until(&sc, -1);
	is_int(sc.st, SF_OK, "an upsert");
	request = peer_last_request(sc.p, 1);
	ok(strstr(request, "{\"object\":\"Case\",\"operation\":\"upsert\",\"externalIdFieldName\":"
					   "\"Ext__c\",\"assignmentRuleId\":\"01Q1\",\"contentType\":\"CSV\","
					   "\"columnDelimiter\":\"COMMA\",\"lineEnding\":\"LF\"}") != NULL,
	   "what its creation says");
	request = peer_last_request(sc.p, 2);
	ok(strstr(request, "Content-Type: text/csv") != NULL &&
		   strstr(request, "chunked") != NULL && strstr(request, "Expect") == NULL,
	   "what its upload says");
	is_int(close_scene(&sc, "kept"), 0, "a job that is kept is not deleted");
}

static void
test_hold(void)
{
	peer_rule rules[] = {LOGIN,		CREATE(001), PUT(001),	 CLOSE(001),
						 DONE(001), ABORT(001),	 DELETE(001)};
	scene sc = {.spec = {.hold = true}};

	open_scene(&sc, rules, COUNT(rules));
	run_until(&sc, -1);
	ok(sc.st == SF_OK && sc.info.phase == SF_INGEST_HELD && !sc.info.closed, "held");
	is_int(rules[3].used, 0, "and not closed");
	sf_ingest_commit(sc.ing);
	run_until(&sc, -1);
	ok(sc.st == SF_OK && sc.info.phase == SF_INGEST_COMPLETE, "complete after the commit");
	close_scene(&sc, "committed");
	is_int(rules[5].used, 0, "no abort");

	for (int i = 0; i < COUNT(rules); i++)
		rules[i].used = 0;
	sc = (scene){.spec = {.hold = true}};
	open_scene(&sc, rules, COUNT(rules));
	run_until(&sc, -1);
	is_int(close_scene(&sc, "rolled back"), 0, "a held job that is freed leaves no warning");
	ok(rules[3].used == 0 && rules[5].used == 1 && rules[6].used == 1,
	   "it is aborted and deleted, never closed");

	for (int i = 0; i < COUNT(rules); i++)
		rules[i].used = 0;
	sc = (scene){.spec = {.hold = true}};
	open_scene(&sc, rules, COUNT(rules));
	sf_ingest_commit(sc.ing);
	run_until(&sc, -1);
	is_int(sc.info.phase, SF_INGEST_COMPLETE, "a commit before the upload");
	close_scene(&sc, "committed before");
}

/* ---- failures of each step --------------------------------------------------------- */

typedef struct fault
{
	const char *name;
	peer_rule answer; /* without method and path */
	bool refusal;	  /* Salesforce itself says no, and would say it again */
	bool unknown;	  /* it may have acted on the request */
} fault;

static const fault faults[] = {
	{"lost before the answer", .answer = {.status = 0}, .unknown = true},
	{"lost within the answer", .answer = {.status = 200, .body = "{\"id\":\"\"}", .cut = 3},
	 .unknown = true},
	{"no answer", .answer = {.hang = true}, .unknown = true},
	{"400", .answer = {.status = 400, .body = REFUSAL("INVALIDJOB")}, .refusal = true},
	{"400 with HTML", .answer = {.status = 400, .body = "<html><body>no</body></html>"}},
	{"401", .answer = {.status = 401, .body = REFUSAL("INVALID_SESSION_ID")}},
	{"403", .answer = {.status = 403, .body = REFUSAL("REQUEST_LIMIT_EXCEEDED")},
	 .refusal = true},
	{"420", .answer = {.status = 420}},
	{"429", .answer = {.status = 429}},
	{"500", .answer = {.status = 500, .body = REFUSAL("UNKNOWN_EXCEPTION")}},
	{"502", .answer = {.status = 502, .body = "<html><body>gateway</body></html>"},
	 .unknown = true},
	{"503", .answer = {.status = 503, .body = "<html><body>maintenance</body></html>"}},
};

static peer_rule
rule_of(const fault *f, const char *method, const char *path, const char *holds, int times)
{
	peer_rule r = f->answer;

	r.method = method;
	r.path = path;
	r.holds = holds;
	r.times = times;
	return r;
}

static void
test_create_faults(void)
{
	for (size_t i = 0; i < COUNT(faults); i++)
	{
		const fault *f = &faults[i];
		peer_rule rules[] = {LOGIN,		  rule_of(f, "POST", V "$", NULL, 1),
							 CREATE(001), PUT(001),
							 CLOSE(001),  DONE(001),
							 DELETE(001)};
		/* what is no refusal of that moment is no matter for another attempt */
		bool fatal = f->refusal || f->answer.status == 400 || f->answer.status == 500;
		scene sc = {.timeout_ms = f->answer.hang ? 300 : 0};
		char name[64];

		snprintf(name, sizeof(name), "creation: %s", f->name);
		open_scene(&sc, rules, COUNT(rules));
		run_until(&sc, -1);
		if (!is_int(sc.st, fatal ? SF_FAILED : SF_OK, name))
			diag("%s", sc.err.message);
		ok(fatal ? !sc.info.closed && rules[3].used == 0 : rules[3].used == 1, "%s: %s", name,
		   fatal ? "nothing follows" : "one upload");
		is_int(close_scene(&sc, name), f->unknown ? 1 : 0,
			   "a warning where a job may be left");
		if (f->unknown)
			ok(strstr(sc.err.message, "an ingest job may have been left") != NULL,
			   "%s: its text", name);
	}
}

static void
test_upload_faults(void)
{
	for (size_t i = 0; i < COUNT(faults) * 2; i++)
	{
		const fault *f = &faults[i / 2];
		bool early = i % 2 == 1;
		peer_rule rules[] = {
			LOGIN,		CREATE(001), rule_of(f, "PUT", JOB(001) "/batches$", NULL, 0),
			ABORT(001), DELETE(001), CREATE(002),
			PUT(002),	CLOSE(002),	 DONE(002),
			DELETE(002)};
		scene sc = {.timeout_ms = f->answer.hang ? 300 : 0, .len = 600 * 1024, .piece = 50000};
		char name[64];

		rules[2].early = early ? 100000 : 0;
		snprintf(name, sizeof(name), "upload: %s%s", f->name, early ? ", in the middle" : "");
		open_scene(&sc, rules, COUNT(rules));
		run_until(&sc, -1);
		if (!is_int(sc.st, f->refusal ? SF_FAILED : SF_OK, name))
			diag("%s", sc.err.message);
		if (f->refusal)
		{
			is_text(sc.err.job_id, ID(001), "the error has the job");
			is_text(sc.err.code,
					f->answer.status == 400 ? "INVALIDJOB" : "REQUEST_LIMIT_EXCEEDED",
					"and the answer's code");
			ok(strstr(sc.err.detail, "Nothing of this job was saved") != NULL,
			   "and says what was saved");
			ok(!sc.info.closed && sc.info.uploads == 1, "%s: no other attempt", name);
		}
		else
		{
			check_body(&sc, 6, name);
			is_int(sc.info.uploads, 2, "in the second attempt");
		}
		is_int(close_scene(&sc, name), 0, "no warning");
		ok(rules[2].used == 1 && rules[3].used == 1 && rules[4].used == 1,
		   "%s: the job is aborted and deleted", name);
		is_int(rules[0].used, f->answer.status == 401 ? 2 : 1, "logins");
	}
}

static void
test_upload_never_works(void)
{
	peer_rule rules[] = {LOGIN,
						 CREATE(001),
						 CREATE(002),
						 CREATE(003),
						 {"PUT", V, .status = 503},
						 {"PATCH", V, "Aborted", .status = 200, .body = "{}"},
						 {"DELETE", V, .status = 204}};
	scene sc = {0};

	open_scene(&sc, rules, COUNT(rules));
	run_until(&sc, -1);
	ok(sc.st == SF_FAILED && sc.err.http_status == 503, "an upload that never works fails");
	is_text(sc.err.job_id, ID(003), "with the last job");
	is_int(sc.info.uploads, 3, "after two more attempts");
	ok(rules[4].used == 3, "with one PUT each");
	rules[4].used = 1; /* one rule for three jobs */
	is_int(close_scene(&sc, "never"), 0, "no warning");
	ok(rules[5].used == 3 && rules[6].used == 3, "all of them are aborted and deleted");
}

static void
test_early_success(void)
{
	peer_rule rules[] = {
		LOGIN,		CREATE(001), {"PUT", JOB(001) "/batches$", .status = 201, .early = 70000},
		ABORT(001), DELETE(001), CREATE(002),
		PUT(002),	CLOSE(002),	 DONE(002),
		DELETE(002)};
	scene sc = {.len = 600 * 1024};

	open_scene(&sc, rules, COUNT(rules));
	/* no more than that before the answer is here */
	while (sf_ingest_get_info(sc.ing, &sc.info), sc.info.uploads == 1)
	{
		int64_t at = sf_ingest_wanted(sc.ing);

		if (at >= 0 && at < 100000)
			sf_ingest_feed(sc.ing, data + at, (size_t) (100000 - at));
		if (sf_ingest_check(sc.ing, &sc.err) != SF_WAIT || !drive(sc.s))
			break;
	}
	run_until(&sc, -1);
	if (!is_int(sc.st, SF_OK, "a 201 before the upload's end"))
		diag("%s", sc.err.message);
	is_int(sc.info.uploads, 2, "is no success");
	check_body(&sc, 6, "early 201");
	is_int(close_scene(&sc, "early 201"), 0, "no warning");
}

/* Time in which the owner gives nothing does not count: a request of another job runs into it meanwhile. */
static void
test_patience(void)
{
	peer_rule rules[] = {LOGIN,		 CREATE(001), {"POST", V "$", .hang = true},
						 PUT(001),	 CLOSE(001),  DONE(001),
						 DELETE(001)};
	scene sc = {.timeout_ms = 200, .len = 100000};
	sf_ingest *other;
	sf_error err = {0};
	size_t fed = 0;

	open_scene(&sc, rules, COUNT(rules));
	while (fed == 0 && drive(sc.s))
		fed = sf_ingest_feed(sc.ing, data, 1000);
	other = sf_ingest_start(sc.s, &sc.spec, &err);
	while (sf_ingest_check(other, &err) == SF_WAIT && drive(sc.s))
		;
	ok(err.cls == SF_ERR_TIMEOUT, "time has passed");
	is_int(sf_ingest_check(sc.ing, &sc.err), SF_WAIT, "an upload waits for its owner");
	run_until(&sc, -1);
	ok(sc.st == SF_OK && sc.info.uploads == 1, "and goes on");
	check_body(&sc, 3, "patience");
	sf_ingest_free(other);
	is_int(close_scene(&sc, "patience"), 1, "a warning about the other job");
}

/* An error that comes while the owner gives nothing is seen. */
static void
test_paused(void)
{
	peer_rule rules[] = {LOGIN,
						 CREATE(001),
						 {"PUT", JOB(001) "/batches$", .status = 400,
						  .body = REFUSAL("INVALIDJOB"), .early = 70000},
						 ABORT(001),
						 DELETE(001)};
	scene sc = {.timeout_ms = 300};
	size_t fed = 0;

	open_scene(&sc, rules, COUNT(rules));
	while (sf_ingest_check(sc.ing, &sc.err) == SF_WAIT)
	{
		if (fed < 100000)
			fed += sf_ingest_feed(sc.ing, data + fed, 100000 - fed);
		if (!drive(sc.s))
			break;
	}
	ok(strcmp(sc.err.code, "INVALIDJOB") == 0,
	   "an early refusal is seen while the upload has no data");
	close_scene(&sc, "paused");
}

static void
test_close_faults(void)
{
	for (size_t i = 0; i < COUNT(faults) * 2; i++)
	{
		const fault *f = &faults[i / 2];
		bool acted = i % 2 == 1; /* the job is closed all the same */
		bool by_http = f->answer.status == 420 || f->answer.status == 429 ||
					   f->answer.status == 503 || f->answer.status == 401;
		bool fatal = f->refusal;
		peer_rule rules[] = {
			LOGIN,		CREATE(001),
			PUT(001),	rule_of(f, "PATCH", JOB(001) "$", "UploadComplete", 1),
			CLOSE(001), POLL(001, "Open", ""),
			DONE(001),	ABORT(001),
			DELETE(001)};
		scene sc = {.timeout_ms = f->answer.hang ? 300 : 0};
		char name[64];

		rules[5].times = 1;
		if (acted || by_http)
			rules[5].method = "NONE";
		snprintf(name, sizeof(name), "close: %s%s", f->name, acted ? ", but it happened" : "");
		open_scene(&sc, rules, COUNT(rules));
		run_until(&sc, -1);
		if (!is_int(sc.st, fatal ? SF_FAILED : SF_OK, name))
			diag("%s", sc.err.message);
		if (fatal)
			ok(!sc.info.closed && strcmp(sc.err.job_id, ID(001)) == 0 &&
				   strstr(sc.err.detail, "Nothing of this job was saved") != NULL,
			   "%s: nothing was saved", name);
		else
			is_int(rules[4].used, acted && !by_http ? 0 : 1,
				   "closed again only where it was still open");
		is_int(close_scene(&sc, name), 0, "no warning");
		is_int(rules[2].used, 1, "one upload");
		is_int(rules[7].used, fatal ? 1 : 0, "aborted where it failed");
		is_int(rules[8].used, 1, "deleted");
	}
}

static void
test_close_lost_for_good(void)
{
	peer_rule rules[] = {LOGIN,
						 CREATE(001),
						 PUT(001),
						 {"PATCH", JOB(001) "$", "UploadComplete", .status = 0},
						 {"GET", JOB(001) "$", .times = 3, .status = 503},
						 ABORT(001)};
	scene sc = {0};

	open_scene(&sc, rules, COUNT(rules));
	run_until(&sc, -1);
	ok(sc.st == SF_FAILED && sc.info.closed, "a close that nobody knows the outcome of");
	ok(strstr(sc.err.message, "it is not known whether the rows of ingest job " ID(001)) !=
		   NULL,
	   "says so, with the job");
	is_text(sc.err.job_id, ID(001), "in a field, too");
	is_int(close_scene(&sc, "unknown"), 1, "a warning tells that rows may have been saved");
	ok(strstr(sc.err.message, "may have been saved") != NULL, "in these words");
	is_int(rules[5].used, 1, "it is aborted, but not deleted");

	{
		peer_rule open[] = {LOGIN,
							CREATE(001),
							PUT(001),
							{"PATCH", JOB(001) "$", "UploadComplete", .status = 500},
							POLL(001, "Open", ""),
							ABORT(001)};

		sc = (scene){0};
		open_scene(&sc, open, COUNT(open));
		run_until(&sc, -1);
		ok(sc.st == SF_FAILED && open[3].used == 3, "closed as often as allowed");
		close_scene(&sc, "always open");
	}
	{
		peer_rule found[] = {LOGIN,
							 CREATE(001),
							 PUT(001),
							 {"PATCH", JOB(001) "$", "UploadComplete", .status = 400,
							  .body = "[{\"errorCode\":\"BULK_API_ERROR\",\"message\":\"Found "
									  "multipe contents for job: <750>\"}]"},
							 ABORT(001),
							 DELETE(001)};

		sc = (scene){0};
		open_scene(&sc, found, COUNT(found));
		run_until(&sc, -1);
		ok(sc.st == SF_FAILED && strstr(sc.err.message, "Found multipe contents") != NULL,
		   "several contents are an error");
		close_scene(&sc, "several contents");
	}
}

static void
test_poll_faults(void)
{
	for (size_t i = 0; i < COUNT(faults); i++)
	{
		const fault *f = &faults[i];
		peer_rule rules[] = {LOGIN,
							 CREATE(001),
							 PUT(001),
							 CLOSE(001),
							 rule_of(f, "GET", JOB(001) "$", NULL, 1),
							 DONE(001),
							 ABORT(001),
							 DELETE(001)};
		bool fatal = f->refusal || f->answer.status == 400;
		scene sc = {.timeout_ms = f->answer.hang ? 300 : 0};
		char name[64];

		snprintf(name, sizeof(name), "poll: %s", f->name);
		open_scene(&sc, rules, COUNT(rules));
		run_until(&sc, -1);
		is_int(sc.st, fatal ? SF_FAILED : SF_OK, name);
		if (fatal)
			ok(strstr(sc.err.message,
					  "it is not known whether the rows of ingest job " ID(001)) != NULL &&
				   strcmp(sc.err.job_id, ID(001)) == 0 && sc.info.closed && !sc.info.ended,
			   "%s: says what is not known", name);
		is_int(close_scene(&sc, name), fatal ? 1 : 0, "a warning where rows may be saved");
		is_int(rules[7].used, fatal ? 0 : 1, "deleted only where the outcome is known");
	}
}

static void
test_bad_ends(void)
{
	static const struct
	{
		const char *body;
		const char *text;
		const char *code;
		sf_error_class cls;
		bool ended;
	} ends[] = {
		{INFO(001, "Failed",
			  COUNTS ",\"errorMessage\":\"InvalidBatch : Field name not found : X\""),
		 "ingest job " ID(001) " failed: InvalidBatch : Field name not found : X",
		 "InvalidBatch", SF_ERR_REMOTE, true},
		{INFO(001, "Failed", ""), "ingest job " ID(001) " failed", "", SF_ERR_REMOTE, true},
		{INFO(001, "Aborted", ""), "was aborted in Salesforce", "", SF_ERR_REMOTE, true},
		{INFO(001, "Strange", ""), "not known whether", "", SF_ERR_PROTOCOL, false},
		{INFO(001, "InProgress", ""), "not complete after 30 ms", "", SF_ERR_TIMEOUT, false},
		{"{\"id\":1", "not known whether", "", SF_ERR_PROTOCOL, false},
		{"<html></html>", "not known whether", "", SF_ERR_PROTOCOL, false},
	};

	for (size_t i = 0; i < COUNT(ends); i++)
	{
		peer_rule rules[] = {LOGIN,
							 CREATE(001),
							 PUT(001),
							 CLOSE(001),
							 {"GET", JOB(001) "$", .status = 200, .body = ends[i].body},
							 ABORT(001),
							 DELETE(001)};
		scene sc = {.spec = {.job_timeout_ms = 30}};

		open_scene(&sc, rules, COUNT(rules));
		run_until(&sc, -1);
		if (!ok(sc.st == SF_FAILED && sc.err.cls == ends[i].cls &&
					strstr(sc.err.message, ends[i].text) != NULL,
				"end: %s", ends[i].text))
			diag("%d %s", sc.err.cls, sc.err.message);
		is_text(sc.err.code, ends[i].code, "its code");
		is_text(sc.err.job_id, ID(001), "its job");
		is_int(sc.info.ended, ends[i].ended, "whether it has ended over there");
		is_int(close_scene(&sc, ends[i].text), ends[i].ended ? 0 : 1, "warnings");
		ok(rules[6].used == (ends[i].ended ? 1 : 0) &&
			   rules[5].used == (ends[i].ended ? 0 : 1),
		   "deleted, or aborted and kept");
	}
}

/* ---- freed in each phase ----------------------------------------------------------- */

static void
test_free(void)
{
	/* rules: 1 create, 2 upload, 3 close, 4 poll */
	for (int phase = 0; phase <= 4; phase++)
	{
		for (int hang = 0; hang < 2; hang++)
		{
			peer_rule rules[] = {
				LOGIN,		CREATE(001), PUT(001), CLOSE(001), POLL(001, "InProgress", ""),
				ABORT(001), DELETE(001)};
			/* nothing tells that a request has arrived which is not answered, but the time-out */
			scene sc = {.len = 300000, .piece = 1000, .timeout_ms = hang ? 300 : 0};
			bool closed = phase >= 3;
			char name[64];

			if (hang && phase < 2)
				continue;
			rules[phase].hang = hang;
			if (phase == 2)
				rules[2].early = 1000;
			snprintf(name, sizeof(name), "freed in phase %d%s", phase,
					 hang ? ", no answer" : "");
			open_scene(&sc, rules, COUNT(rules));
			run_until(&sc, phase);
			is_int(close_scene(&sc, name), closed ? 1 : 0, "a warning when it was closed");
			if (closed)
				ok(strstr(sc.err.message, "may have been saved") != NULL &&
					   strcmp(sc.err.job_id, ID(001)) == 0,
				   "%s: with the job", name);
			is_int(rules[5].used, phase == 0 ? 0 : 1, "aborted");
			is_int(rules[6].used, phase == 0 || closed ? 0 : 1, "deleted unless closed");
		}
	}
}

static void
test_give_up(void)
{
	for (int closed = 0; closed < 2; closed++)
	{
		peer_rule rules[] = {LOGIN,
							 CREATE(001),
							 PUT(001),
							 CLOSE(001),
							 POLL(001, "InProgress", ""),
							 {"PATCH", JOB(001) "$", "Aborted", .hang = true}};
		scene sc = {.spec = {.hold = !closed}};
		sf_error err = {0};

		open_scene(&sc, rules, COUNT(rules));
		run_until(&sc, closed ? 4 : -1);
		sf_ingest_free(sc.ing);
		sc.ing = NULL;
		is_int(sf_session_cleanup_pending(sc.s), 1, "its clean-up is due");
		ok(sf_session_cleanup_failure(sc.s, true, &err) &&
			   strstr(err.message,
					  closed ? "could not abort ingest job " ID(001) " in time"
							 : "could not delete ingest job " ID(001) " in time") != NULL &&
			   strcmp(err.job_id, ID(001)) == 0,
		   "given up: %s", err.message);
		ok((strstr(err.detail, "may have been saved") != NULL) == (closed == 1),
		   "rows may have been saved only where it was closed");
		is_int(sf_session_cleanup_pending(sc.s), 0, "and forgotten");
		close_scene(&sc, "given up");
	}
}

int
main(void)
{
	make_data();
	test_good();
	test_spec();
	test_hold();
	test_create_faults();
	test_upload_faults();
	test_upload_never_works();
	test_early_success();
	test_patience();
	test_paused();
	test_close_faults();
	test_close_lost_for_good();
	test_poll_faults();
	test_bad_ends();
	test_free();
	test_give_up();
	return tap_done();
}
