/*
 * test_bulk1.c
 *		The requests of Bulk API 1.0 and its answers, in JSON and in XML, against a scripted peer.
 */
#include <poll.h>

#include "peer.h"
#include "sf_bulk1.h"
#include "sf_job.h"
#include "sf_json.h"
#include "sf_xml.h"
#include "tap.h"

#define V		  "/services/async/62.0/job"
#define JOB_ID	  "750000000000001AAA"
#define JOB		  V "/" JOB_ID
#define BATCH(n)  "75100000000000" #n "AAA"
#define COUNT(r)  ((int) (sizeof(r) / sizeof((r)[0])))
#define NAMESPACE "xmlns=\"http://www.force.com/2009/06/asyncapi/dataload\""

#define JOB_JSON                                                                              \
	"{\"apexProcessingTime\":0,\"id\":\"" JOB_ID "\",\"state\":\"Open\","                     \
	"\"numberBatchesQueued\":1,\"numberBatchesInProgress\":2,\"numberBatchesCompleted\":3,"   \
	"\"numberBatchesFailed\":4,\"numberBatchesTotal\":10,\"numberRecordsProcessed\":20,"      \
	"\"numberRecordsFailed\":5,\"totalProcessingTime\":77}"
#define JOB_XML                                                                               \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?><jobInfo " NAMESPACE "><id>" JOB_ID            \
	"</id><state>Open</state><numberBatchesQueued>1</numberBatchesQueued>"                    \
	"<numberBatchesInProgress>2</numberBatchesInProgress><numberBatchesCompleted>3"           \
	"</numberBatchesCompleted><numberBatchesFailed>4</numberBatchesFailed>"                   \
	"<numberBatchesTotal>10</numberBatchesTotal><numberRecordsProcessed>20"                   \
	"</numberRecordsProcessed><numberRecordsFailed>5</numberRecordsFailed>"                   \
	"<totalProcessingTime>77</totalProcessingTime></jobInfo>"
#define BATCH_XML(n, state, rest)                                                             \
	"<batchInfo><id>" BATCH(n) "</id><jobId>" JOB_ID "</jobId><state>" state "</state>" rest  \
							   "</batchInfo>"

static sf_http *
open_http(const char *url, const char *token)
{
	sf_http_options opts = {
		.connect_timeout_ms = 5000, .request_timeout_ms = 5000, .max_retries = 2};
	sf_error err = {0};
	sf_http *h = sf_http_new(&opts, &err);

	if (h == NULL || sf_http_set_session(h, url, token, &err) != SF_OK)
	{
		diag("%s", err.message);
		exit(1);
	}
	return h;
}

static sf_status
finish(sf_http *h, sf_http_request *req, sf_error *err)
{
	sf_status st;

	while ((st = sf_http_check(req, err)) == SF_WAIT && !sf_http_needs_login(h))
	{
		sf_error broken = {0};
		bool progress = false;

		if (sf_http_step(h, &progress, &broken) != SF_OK || sf_http_arm(h, &broken) != SF_OK)
			return SF_FAILED;
		if (!progress)
			poll(&(struct pollfd){.fd = sf_http_fd(h), .events = POLLIN}, 1, PEER_PATIENCE_MS);
	}
	return st;
}

static sf_bulk1_where
where(sf_http *h, const char *id)
{
	sf_bulk1_where w = {.http = h, .noun = "ingest job"};

	snprintf(w.api_version, sizeof(w.api_version), "62.0");
	snprintf(w.job_id, sizeof(w.job_id), "%s", id);
	return w;
}

static void
check_job(const sf_bulk1_job *job, const char *what)
{
	ok(strcmp(job->id, JOB_ID) == 0 && strcmp(job->state, "Open") == 0, "%s: id, state", what);
	ok(job->batches_queued == 1 && job->batches_in_progress == 2 &&
		   job->batches_completed == 3 && job->batches_failed == 4 &&
		   job->batches_total == 10 && job->processed == 20 && job->failed == 5 &&
		   job->server_ms == 77,
	   "%s: its counts", what);
}

/* What leaves, and that JSON and XML say the same. */
static void
test_jobs(void)
{
	peer_rule rules[] = {
		{"POST", V "$", .times = 1, .status = 201, .body = JOB_JSON},
		{"POST", V "$", .status = 201, .body = JOB_XML},
		{"POST", JOB "$", "{\"state\":\"Closed\"}", .status = 200, .body = JOB_JSON},
	};
	peer *p = peer_start(rules, COUNT(rules));
	sf_http *h = open_http(peer_url(p), "Secret");
	sf_bulk1_job_spec spec = {.object = "Case",
							  .operation = "upsert",
							  .external_id_field = "Key__c",
							  .assignment_rule_id = "01Q000000000001AAA",
							  .serial = true,
							  .header = "Sforce-Enable-PKChunking: chunkSize=5"};

	for (int i = 0; i < 2; i++)
	{
		sf_bulk1_where w = where(h, "");
		sf_error err = {0};
		sf_bulk1_job job;
		sf_http_request *req = sf_bulk1_create(&w, &spec, &err);
		const char *sent;

		is_int(finish(h, req, &err), SF_OK, "a job is created");
		is_int(sf_bulk1_read_job(&w, req, &job, &err), SF_OK, "its answer is read");
		check_job(&job, i == 0 ? "JSON" : "XML");
		sf_http_end(req);
		sent = peer_last_request(p, i);
		ok(strstr(sent,
				  "{\"operation\":\"upsert\",\"object\":\"Case\",\"contentType\":\"CSV\","
				  "\"concurrencyMode\":\"Serial\",\"externalIdFieldName\":\"Key__c\","
				  "\"assignmentRuleId\":\"01Q000000000001AAA\"}") != NULL,
		   "what it says");
		ok(strstr(sent, "X-SFDC-Session: Secret\r\n") != NULL &&
			   strstr(sent, "Bearer") == NULL &&
			   strstr(sent, "Sforce-Enable-PKChunking: chunkSize=5\r\n") != NULL,
		   "its headers");
	}
	{
		sf_bulk1_where w = where(h, JOB_ID);
		sf_error err = {0};
		sf_http_request *req = sf_bulk1_set_state(&w, "Closed", 0, &err);

		is_int(finish(h, req, &err), SF_OK, "a job is closed");
		sf_http_end(req);
	}
	is_int(peer_unexpected(p), 0, "no other request");
	sf_http_free(h);
	peer_stop(p);
}

static void
check_list(const sf_bulk1_batches *list, const char *what)
{
	ok(list->n == 3 && list->items[0].state == SF_BATCH_COMPLETED &&
		   list->items[0].processed == 7 && list->items[0].failed == 2 &&
		   list->items[0].server_ms == 5 && list->items[0].message == NULL,
	   "%s: a batch that was completed", what);
	ok(list->n == 3 && list->items[1].state == SF_BATCH_FAILED, "%s: one that failed", what);
	is_text(list->n == 3 ? list->items[1].message : "", "InvalidBatch : a < b & \"c\"", what);
	ok(list->n == 3 && list->items[2].state == SF_BATCH_NOT_PROCESSED, "%s: one that was not",
	   what);
	ok(list->n == 3 && sf_bulk1_find_batch(list, BATCH(2)) == &list->items[1] &&
		   sf_bulk1_find_batch(list, BATCH(9)) == NULL,
	   "%s: found by its id", what);
}

static void
test_batches(void)
{
	peer_rule rules[] = {
		{"GET", JOB "/batch$", .times = 1, .status = 200,
		 .body = "{\"batchInfo\":[{\"id\":\"" BATCH(
			 1) "\",\"state\":\"Completed\",\"stateMessage\":null,\"numberRecordsProcessed\":"
				"7,"
				"\"numberRecordsFailed\":2,\"totalProcessingTime\":5},{\"id\":\"" BATCH(
					2) "\",\"state\":\"Failed\",\"stateMessage\":\"InvalidBatch : a < b & "
					   "\\\"c\\\"\"},"
					   "{\"id\":\"" BATCH(3) "\",\"state\":\"Not Processed\"}]}"},
		{"GET", JOB "/batch$", .times = 1, .status = 200,
		 .body = "<?xml version=\"1.0\"?><batchInfoList " NAMESPACE ">" BATCH_XML(
			 1, "Completed",
			 "<numberRecordsProcessed>7</numberRecordsProcessed><numberRecordsFailed>2"
			 "</numberRecordsFailed><totalProcessingTime>5</totalProcessingTime>")
			 BATCH_XML(2, "Failed",
					   "<stateMessage>InvalidBatch : a &lt; b &amp; &quot;c&quot;"
					   "</stateMessage>") BATCH_XML(3, "NotProcessed", "") "</batchInfoList>"},
		{"GET", JOB "/batch$", .times = 1, .status = 200,
		 .body = "<batchInfoList " NAMESPACE "/>"},
		{"GET", JOB "/batch$", .times = 1, .status = 200, .body = "{\"batches\":[]}"},
		{"GET", JOB "/batch$", .times = 1, .status = 200,
		 .body = "<batchInfoList>" BATCH_XML(1, "Sleeping", "") "</batchInfoList>"},
		{"GET", JOB "/batch$", .times = 1, .status = 200, .body = "nonsense"},
		{"POST", JOB "/batch$", .times = 1, .status = 201, .body = BATCH_XML(1, "Queued", "")},
	};
	static const char *const bad[] = {
		"the list of batches of ingest job " JOB_ID " has no batchInfo",
		"batch " BATCH(1) " in the list of batches of ingest job " JOB_ID
						  " has the unknown state \"Sleeping\"",
		NULL};
	peer *p = peer_start(rules, COUNT(rules));
	sf_http *h = open_http(peer_url(p), "Secret");
	sf_bulk1_where w = where(h, JOB_ID);

	for (int i = 0; i < 6; i++)
	{
		sf_error err = {0};
		sf_bulk1_batches list;
		sf_http_request *req = sf_bulk1_ask_batches(&w, &err);
		sf_status st;

		is_int(finish(h, req, &err), SF_OK, "batches are listed");
		st = sf_bulk1_read_batches(&w, req, &list, &err);
		is_int(st, i < 3 ? SF_OK : SF_FAILED, "their list is read, or refused");
		if (i < 2)
			check_list(&list, i == 0 ? "JSON" : "XML");
		else if (i == 2)
			is_int(list.n, 0, "an empty list");
		else
		{
			is_int(err.cls, SF_ERR_PROTOCOL, "what is no list");
			if (bad[i - 3] != NULL)
				is_text(err.message, bad[i - 3], "what is wrong with it");
		}
		sf_bulk1_batches_free(&list);
		sf_http_end(req);
	}
	{
		sf_error err = {0};
		sf_bulk1_batch batch;
		sf_http_request *req = sf_bulk1_add_batch(&w, NULL, 0, 0, &err);

		ok(sf_http_upload_put(req, "Name\nA\n", 7) == 7, "an upload takes a batch");
		sf_http_upload_end(req);
		is_int(finish(h, req, &err), SF_OK, "a batch is added");
		is_int(sf_bulk1_read_batch(&w, req, &batch, &err), SF_OK, "its answer is read");
		is_text(batch.id, BATCH(1), "its id");
		ok(strstr(peer_last_request(p, 6), "\r\n\r\nName\nA\n") != NULL &&
			   strstr(peer_last_request(p, 6), "text/csv") != NULL,
		   "what was sent");
		free(batch.message);
		sf_http_end(req);
	}
	is_int(peer_unexpected(p), 0, "no other request");
	sf_http_free(h);
	peer_stop(p);
}

/* Errors have the code, whatever they are written in; a refused session is one although it is a 400. */
static void
test_errors(void)
{
	peer_rule rules[] = {
		{"GET", JOB "$", .times = 1, .status = 400,
		 .body = "{\"exceptionCode\":\"InvalidJobState\",\"exceptionMessage\":\"not open\"}"},
		{"GET", JOB "$", .times = 1, .status = 400,
		 .body = "<?xml version=\"1.0\"?><error " NAMESPACE
				 "><exceptionCode>InvalidJob</exceptionCode><exceptionMessage>no &lt;job&gt;"
				 "</exceptionMessage></error>"},
		{"GET", JOB "$", "X-SFDC-Session: Second", .status = 200, .body = JOB_JSON},
		{"GET", JOB "$", .times = 1, .status = 400,
		 .body = "<error><exceptionCode>InvalidSessionId</exceptionCode><exceptionMessage>"
				 "Invalid session id: First</exceptionMessage></error>"},
		{"POST", JOB "/batch$", .times = 1, .status = 400,
		 .body = "{\"exceptionCode\":\"InvalidSessionId\",\"exceptionMessage\":\"Second\"}"},
		{"GET", "/services/data/x", .status = 400, .body = "InvalidSessionId"},
	};
	peer *p = peer_start(rules, COUNT(rules));
	sf_http *h = open_http(peer_url(p), "First");
	sf_bulk1_where w = where(h, JOB_ID);
	sf_http_spec spec = {.method = SF_HTTP_GET, .url = "/services/data/x", .doing = "get it"};
	sf_http_request *req;
	sf_error err = {0};

	req = sf_bulk1_ask_job(&w, &err);
	is_int(finish(h, req, &err), SF_FAILED, "an error in JSON");
	is_text(err.code, "InvalidJobState", "its code");
	ok(sf_job_wrong_state(&err), "it says that the state is a wrong one");
	is_text(err.message,
			"could not ask for the state of ingest job " JOB_ID ": InvalidJobState: not open",
			"its message");
	sf_http_end(req);

	sf_error_reset(&err);
	req = sf_bulk1_ask_job(&w, &err);
	is_int(finish(h, req, &err), SF_FAILED, "an error in XML");
	is_text(err.code, "InvalidJob", "its code");
	is_text(err.message,
			"could not ask for the state of ingest job " JOB_ID ": InvalidJob: no <job>",
			"its message");
	sf_http_end(req);

	sf_error_reset(&err);
	req = sf_bulk1_ask_job(&w, &err);
	is_int(finish(h, req, &err), SF_WAIT, "a refused session waits for a new token");
	ok(sf_http_needs_login(h), "which is asked for");
	is_int(sf_http_set_session(h, peer_url(p), "Second", &err), SF_OK, "it comes");
	is_int(finish(h, req, &err), SF_OK, "and the request goes on");
	sf_http_end(req);

	/* an upload cannot be sent again from here */
	req = sf_bulk1_add_batch(&w, NULL, 0, 0, &err);
	sf_http_upload_put(req, "Name\nA\n", 7);
	sf_http_upload_end(req);
	is_int(finish(h, req, &err), SF_FAILED, "an upload with a refused session fails");
	is_int(err.cls, SF_ERR_AUTH, "as that");
	is_text(err.message,
			"could not add a batch to ingest job " JOB_ID ": InvalidSessionId: ***",
			"without the token");
	sf_http_end(req);

	sf_error_reset(&err);
	is_int(sf_http_set_session(h, peer_url(p), "Third", &err), SF_OK, "another token");
	spec.retry = SF_RETRY_HARMLESS;
	req = sf_http_start(h, &spec, &err);
	is_int(finish(h, req, &err), SF_FAILED, "elsewhere a 400 is no refused session");
	is_int(err.cls, SF_ERR_REMOTE, "whatever it says");
	ok(sf_http_has_token(h), "and the token stays");
	sf_http_end(req);
	sf_http_free(h);
	peer_stop(p);
}

static void
test_xml(void)
{
	static const char xml[] = "<l><b><i>1</i></b><b/><b x=\"y\"><i>2</i></b><c></c></l>";
	const char *at = xml;
	size_t len = strlen(xml);
	const char *inner;
	size_t n;
	sf_buf text;

	sf_buf_init(&text, 100);
	ok(sf_xml_next(&at, &len, "b", &inner, &n) && n == 8 && memcmp(inner, "<i>1</i>", 8) == 0,
	   "the first element");
	ok(sf_xml_next(&at, &len, "b", &inner, &n) && n == 8 && memcmp(inner, "<i>2</i>", 8) == 0,
	   "the next one");
	ok(!sf_xml_next(&at, &len, "b", &inner, &n), "no more");
	ok(sf_xml_element(xml, strlen(xml), "c", &text) && text.len == 0, "an empty one");
	for (size_t cut = 0; cut < strlen(xml); cut++)
	{
		char *copy = malloc(cut + 1);

		memcpy(copy, xml, cut);
		at = copy;
		len = cut;
		while (sf_xml_next(&at, &len, "b", &inner, &n))
			;
		free(copy);
	}
	ok(true, "cut anywhere, it reads no further");
	sf_buf_free(&text);
}

int
main(void)
{
	test_xml();
	test_jobs();
	test_batches();
	test_errors();
	return tap_done();
}
