/*
 * test_job_info.c
 *		One job of the org from a peer: how it stands, aborting and deleting it, of each family.
 */
#include <stdio.h>
#include <string.h>

#include "peer.h"
#include "scene.h"
#include "tap.h"

#define ID		"750000000000001AAA"
#define INGEST	V "/jobs/ingest/" ID "$"
#define QUERY	V "/jobs/query/" ID "$"
#define CLASSIC "/services/async/50.0/job/" ID "$"

static sf_error last_error;

static void
ask(const char *name, sf_job_family family, double version, sf_job_action action,
	peer_rule *rules, int nrules, sf_status expected, const char *text)
{
	sf_config cfg = {.client_id = "i",
					 .client_secret = "s",
					 .request_timeout_ms = 20000,
					 .max_retries = -1};
	peer *p = peer_start(rules, nrules);
	const sf_job_detail *d = NULL;
	char out[512] = "";
	sf_session *s;
	sf_job_ask *a;
	sf_status st;

	sf_error_reset(&last_error);
	cfg.login_url = peer_url(p);
	s = sf_session_new(&cfg, &last_error);
	a = sf_job_ask_start(s, family, ID, version, action, &last_error);
	while ((st = sf_job_ask_check(a, &d, &last_error)) == SF_WAIT && drive(s))
		;
	is_int(st, expected, name);
	is_int(sf_job_ask_check(a, &d, NULL), expected, "and so it stays");
	if (st == SF_OK)
		snprintf(out, sizeof(out), "%s %s %lld/%lld %lld %lld/%lld/%lld %lld/%lld %s",
				 d->state != NULL ? d->state : "-", d->object != NULL ? d->object : "-",
				 (long long) d->processed, (long long) d->failed, (long long) d->retries,
				 (long long) d->total_ms, (long long) d->api_ms, (long long) d->apex_ms,
				 (long long) d->batches, (long long) d->batches_failed,
				 d->error_message != NULL ? d->error_message : "-");
	is_text(st == SF_OK ? out : last_error.message, text, name);
	ok(peer_unexpected(p) == 0, "%s: nothing unexpected", name);
	sf_job_ask_free(a);
	sf_session_free(s);
	peer_stop(p);
}

#define ASK(name, family, version, action, expected, text, ...)                               \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		ask(name, family, version, action, rules_, COUNT(rules_), expected, text);            \
	} while (0)

int
main(void)
{
	sf_config cfg = {
		.client_id = "i", .client_secret = "s", .login_url = "http://127.0.0.1:1"};
	sf_error err = {0};
	sf_session *s;

	ASK("an ingest job", SF_JOBS_INGEST, 0, SF_JOB_ASK, SF_OK,
		"JobComplete Account 10/2 1 500/400/30 -1/-1 -",
		{"GET", INGEST, .status = 200,
		 .body =
			 "{\"state\":\"JobComplete\",\"object\":\"Account\",\"numberRecordsProcessed\":10,"
			 "\"numberRecordsFailed\":2,\"retries\":1,\"totalProcessingTime\":500,"
			 "\"apiActiveProcessingTime\":400,\"apexProcessingTime\":30}"});
	ASK("one that says little", SF_JOBS_INGEST, 62, SF_JOB_ASK, SF_OK,
		"Open - -1/-1 -1 -1/-1/-1 -1/-1 why",
		{"GET", INGEST, .status = 200,
		 .body = "{\"state\":\"Open\",\"errorMessage\":\"why\",\"object\":null}"});
	ASK("a query of another version", SF_JOBS_QUERY, 50, SF_JOB_ASK, SF_OK,
		"Failed - -1/-1 -1 -1/-1/-1 -1/-1 -",
		{"GET", "/services/data/v50.0/jobs/query/" ID "$", .status = 200,
		 .body = "{\"state\":\"Failed\"}"});
	ASK("one of Bulk API 1.0", SF_JOBS_CLASSIC, 50, SF_JOB_ASK, SF_OK,
		"Closed - 5/1 2 100/60/7 3/1 -",
		{"GET", CLASSIC, "X-SFDC-Session: T", .status = 200,
		 .body = "{\"id\":\"" ID "\",\"state\":\"Closed\",\"numberRecordsProcessed\":5,"
				 "\"numberRecordsFailed\":1,\"numberRetries\":2,\"totalProcessingTime\":100,"
				 "\"apiActiveProcessingTime\":60,\"apexProcessingTime\":7,"
				 "\"numberBatchesTotal\":3,\"numberBatchesFailed\":1}"});
	ASK("no state", SF_JOBS_INGEST, 0, SF_JOB_ASK, SF_FAILED,
		"\"state\" is missing in state of a job",
		{"GET", INGEST, .status = 200, .body = "{}"});
	ASK("no such job", SF_JOBS_QUERY, 0, SF_JOB_ASK, SF_FAILED,
		"could not ask for query job " ID ": NOT_FOUND: no",
		{"GET", QUERY, .status = 404,
		 .body = "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"no\"}]"});
	ok(sf_job_error_is_missing(&last_error) && !sf_job_error_is_state(&last_error),
	   "that is what it says");

	ASK("aborting", SF_JOBS_QUERY, 0, SF_JOB_ABORT, SF_OK,
		"Aborted - -1/-1 -1 -1/-1/-1 -1/-1 -",
		{"PATCH", QUERY, "{\"state\":\"Aborted\"}", .status = 200,
		 .body = "{\"state\":\"Aborted\"}"});
	ASK("aborting one of Bulk API 1.0", SF_JOBS_CLASSIC, 50, SF_JOB_ABORT, SF_OK,
		"Aborted - 0/0 0 0/0/0 0/0 -",
		{"POST", CLASSIC, "{\"state\":\"Aborted\"}", .status = 200,
		 .body = "{\"id\":\"" ID "\",\"state\":\"Aborted\"}"});
	ASK("too late", SF_JOBS_INGEST, 0, SF_JOB_ABORT, SF_FAILED,
		"could not abort ingest job " ID ": INVALIDJOBSTATE: done",
		{"PATCH", INGEST, .status = 400,
		 .body = "[{\"errorCode\":\"INVALIDJOBSTATE\",\"message\":\"done\"}]"});
	ok(sf_job_error_is_state(&last_error) && !sf_job_error_is_missing(&last_error),
	   "that is what it says");
	ASK("deleting", SF_JOBS_INGEST, 0, SF_JOB_DELETE, SF_OK, "- - -1/-1 -1 -1/-1/-1 -1/-1 -",
		{"DELETE", INGEST, .status = 204});

	s = sf_session_new(&cfg, &err);
	ok(sf_job_ask_start(s, SF_JOBS_CLASSIC, ID, 0, SF_JOB_DELETE, &err) == NULL &&
		   err.cls == SF_ERR_CONFIG && strstr(err.hint, "7 days") != NULL,
	   "one of Bulk API 1.0 is not deleted");
	sf_error_reset(&err);
	ok(sf_job_ask_start(s, SF_JOBS_INGEST, "750/../x", 0, SF_JOB_ASK, &err) == NULL &&
		   err.cls == SF_ERR_CONFIG,
	   "no job's id");
	sf_session_free(s);
	return tap_done();
}
