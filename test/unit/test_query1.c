/*
 * test_query1.c
 *		Queries by Bulk API 1.0 against a scripted peer: jobs, batches, PK chunking, result files.
 */
#include "scene.h"

#define A			"/services/async/62.0"
#define J			A "/job/750000000000001AAA"
#define B			J "/batch"
#define BATCH(n)	"75100000000000" #n "AAA"
#define FILE_(n)	"75200000000000" #n
#define CHUNKED		.pk_chunk_size = 1000
#define FAST_CHUNKS CHUNKED, .poll_interval_max_ms = 20

/* What Salesforce says of the job and of a batch, as XML, which a CSV job gets, or as JSON. */
#define JOB_XML(state, total, queued, running, done, rows)                                    \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?><jobInfo xmlns=\"x\"><id>750000000000001AAA"   \
	"</id><state>" state "</state><numberBatchesQueued>" #queued                              \
	"</numberBatchesQueued><numberBatchesInProgress>" #running                                \
	"</numberBatchesInProgress><numberBatchesCompleted>" #done                                \
	"</numberBatchesCompleted><numberBatchesTotal>" #total                                    \
	"</numberBatchesTotal><numberRecordsProcessed>" #rows                                     \
	"</numberRecordsProcessed></jobInfo>"
#define JOB_JSON(state, total, queued, running, done, rows)                                   \
	"{\"id\":\"750000000000001AAA\",\"state\":\"" state "\",\"numberBatchesQueued\":" #queued \
	",\"numberBatchesInProgress\":" #running ",\"numberBatchesCompleted\":" #done             \
	",\"numberBatchesTotal\":" #total ",\"numberRecordsProcessed\":" #rows "}"
#define INFO(n, state, rows)                                                                  \
	"<batchInfo><id>" BATCH(n) "</id><state>" state "</state><numberRecordsProcessed>" #rows  \
							   "</numberRecordsProcessed></batchInfo>"
#define INFO_WHY(n, state, why)                                                               \
	"<batchInfo><id>" BATCH(n) "</id><state>" state "</state><stateMessage>" why              \
							   "</stateMessage></batchInfo>"
#define INFOS(all)	 "<batchInfoList xmlns=\"x\">" all "</batchInfoList>"
#define RESULTS(all) "<result-list xmlns=\"x\">" all "</result-list>"
#define RESULT(n)	 "<result>" FILE_(n) "</result>"

#define CREATE1                                                                               \
	{                                                                                         \
		"POST", A "/job$", .status = 201, .body = JOB_JSON("Open", 0, 0, 0, 0, 0)             \
	}
#define ADD                                                                                   \
	{                                                                                         \
		"POST", B "$", .status = 201, .body = INFO(1, "Queued", 0)                            \
	}
#define CLOSE                                                                                 \
	{                                                                                         \
		"POST", J "$", "\"Closed\"", .status = 200, .body = JOB_JSON("Closed", 1, 0, 0, 0, 0) \
	}
#define ABORT1                                                                                \
	{                                                                                         \
		"POST", J "$", "\"Aborted\"", .status = 200,                                          \
									  .body = JOB_JSON("Aborted", 1, 0, 0, 0, 0)              \
	}
#define SAYS(...)                                                                             \
	{                                                                                         \
		"GET", J "$", .status = 200, .body = JOB_XML(__VA_ARGS__)                             \
	}
#define SAYS_ONCE(...)                                                                        \
	{                                                                                         \
		"GET", J "$", .status = 200, .times = 1, .body = JOB_XML(__VA_ARGS__)                 \
	}
#define LISTS(all)                                                                            \
	{                                                                                         \
		"GET", B "$", .status = 200, .body = INFOS(all)                                       \
	}
#define LISTS_ONCE(all)                                                                       \
	{                                                                                         \
		"GET", B "$", .status = 200, .times = 1, .body = INFOS(all)                           \
	}
#define HAS(n, all)                                                                           \
	{                                                                                         \
		"GET", B "/" BATCH(n) "/result$", .status = 200, .body = RESULTS(all)                 \
	}
#define GIVES(n, f, text)                                                                     \
	{                                                                                         \
		"GET", B "/" BATCH(n) "/result/" FILE_(f), .status = 200, .headers = CSV_TYPE,        \
												   .body = text                               \
	}
#define HEAD "\"Id\",\"Name\"\n"

/* One batch of two rows, up to its result. */
#define ONE_BATCH                                                                             \
	CREATE1, ADD, CLOSE, SAYS("Closed", 1, 0, 0, 1, 2), LISTS(INFO(1, "Completed", 2)),       \
		HAS(1, RESULT(1))
#define ROWS_2 HEAD "\"a\",\"1\"\n\"b\",\"2\"\n"

/* Runs rules through to the end and expects these rows; more is members of the spec. */
#define ROWS1(name, more, expected, ...)                                                      \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		scene sc_ = {.spec = {.bulk1 = true, more}};                                          \
		open_scene(&sc_, rules_, COUNT(rules_), SF_TRANSPORT_BULK);                           \
		read_scene(&sc_);                                                                     \
		if (!is_int(sc_.st, SF_DONE, name))                                                   \
			diag("%s", sc_.err.message);                                                      \
		is_text(sc_.rows, expected, name);                                                    \
		close_scene(&sc_, name);                                                              \
	} while (0)

/* … and expects an error of this class with this text in it. */
#define ERROR1(name, more, class, text, ...)                                                  \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		scene sc_ = {.spec = {.bulk1 = true, more}};                                          \
		open_scene(&sc_, rules_, COUNT(rules_), SF_TRANSPORT_BULK);                           \
		read_scene(&sc_);                                                                     \
		is_int(sc_.st, SF_FAILED, name);                                                      \
		if (!ok(sc_.err.cls == class && strstr(sc_.err.message, text) != NULL, "%s: %s",      \
				name, text))                                                                  \
			diag("class %d: %s", sc_.err.cls, sc_.err.message);                               \
		close_scene(&sc_, name);                                                              \
	} while (0)

#define NONE .keep_result = false

static void
test_one_batch(void)
{
	static const char json[] = "{\"batchInfo\":[{\"id\":\"" BATCH(
		1) "\",\"state\":\"Completed\",\"stateMessage\":null,"
		   "\"numberRecordsProcessed\":2}]}";

	ROWS1("a batch", NONE, "a|1;b|2;", ONE_BATCH, GIVES(1, 1, ROWS_2));
	ROWS1("a batch, all in JSON", NONE, "a|1;b|2;", CREATE1,
		  {"POST", B "$", .status = 201,
		   .body =
			   "{\"id\":\"" BATCH(1) "\",\"state\":\"Queued\",\"numberRecordsProcessed\":0}"},
		  CLOSE, {"GET", J "$", .status = 200, .body = JOB_JSON("Closed", 1, 0, 0, 1, 2)},
		  {"GET", B "$", .status = 200, .body = json},
		  {"GET", B "/" BATCH(1) "/result$", .status = 200, .body = "[\"" FILE_(1) "\"]"},
		  GIVES(1, 1, ROWS_2));
	ROWS1("columns in another order and case", NONE, "a|1;b|2;", ONE_BATCH,
		  GIVES(1, 1, "\"NAME\",\"id\"\n\"1\",\"a\"\n\"2\",\"b\"\n"));
	ROWS1("two files", NONE, "a|1;b|2;", CREATE1, ADD, CLOSE, SAYS("Closed", 1, 0, 0, 1, 2),
		  LISTS(INFO(1, "Completed", 2)), HAS(1, RESULT(1) RESULT(2)),
		  GIVES(1, 1, HEAD "\"a\",\"1\"\n"), GIVES(1, 2, HEAD "\"b\",\"2\"\n"));
	ROWS1("no rows, and it says so", NONE, "", CREATE1, ADD, CLOSE,
		  SAYS("Closed", 1, 0, 0, 1, 0), LISTS(INFO(1, "Completed", 0)), HAS(1, RESULT(1)),
		  GIVES(1, 1, "Records not found for this query"));
	ROWS1("no rows, and only a header", NONE, "", CREATE1, ADD, CLOSE,
		  SAYS("Closed", 1, 0, 0, 1, 0), LISTS(INFO(1, "Completed", 0)), HAS(1, RESULT(1)),
		  GIVES(1, 1, HEAD));
	ROWS1("it was in the queue first", NONE, "a|1;b|2;", CREATE1, ADD, CLOSE,
		  SAYS_ONCE("Closed", 1, 1, 0, 0, 0), SAYS_ONCE("Closed", 1, 0, 1, 0, 0),
		  SAYS("Closed", 1, 0, 0, 1, 2), LISTS(INFO(1, "Completed", 2)), HAS(1, RESULT(1)),
		  GIVES(1, 1, ROWS_2));
	ROWS1("a file breaks off once", NONE, "a|1;b|2;", ONE_BATCH,
		  {"GET", B "/" BATCH(1) "/result/" FILE_(1), .status = 200, .headers = CSV_TYPE,
		   .body = ROWS_2, .cut = 20, .times = 1},
		  GIVES(1, 1, ROWS_2));
}

static void
test_chunks(void)
{
	peer_rule rules[] = {
		LOGIN,
		CREATE1,
		ADD,
		SAYS_ONCE("Open", 1, 1, 0, 0, 0),
		SAYS_ONCE("Open", 4, 2, 1, 0, 0),
		SAYS_ONCE("Open", 4, 0, 2, 1, 1),
		SAYS("Open", 4, 0, 0, 3, 3),
		LISTS_ONCE(INFO(1, "NotProcessed", 0) INFO(2, "Completed", 1) INFO(3, "InProgress", 0)
					   INFO(4, "InProgress", 0)),
		LISTS(INFO(1, "Not Processed", 0) INFO(2, "Completed", 1) INFO(3, "Completed", 0)
				  INFO(4, "Completed", 2)),
		HAS(2, RESULT(2)),
		HAS(4, RESULT(4)),
		GIVES(2, 2, HEAD "\"a\",\"1\"\n"),
		GIVES(4, 4, HEAD "\"b\",\"2\"\n\"c\",\"\"\n"),
		CLOSE,
	};
	scene sc = {.spec = {.bulk1 = true,
						 .pk_chunk_size = 100000,
						 .pk_parent = "Account",
						 .soql = "SELECT Id, Name FROM AccountShare WHERE Name = 'ORDER BY'"}};

	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
	read_scene(&sc);
	if (!is_int(sc.st, SF_DONE, "chunks"))
		diag("%s", sc.err.message);
	is_text(sc.rows, "a|1;b|2;c|-;", "rows of all that have some");
	ok(strstr(peer_last_request(sc.p, 1),
			  "\r\nSforce-Enable-PKChunking: chunkSize=100000; parent=Account\r\n") != NULL,
	   "chunks are asked for");
	ok(strstr(peer_last_request(sc.p, 1), "\"object\":\"AccountShare\"") != NULL &&
		   strstr(peer_last_request(sc.p, 1), "\"operation\":\"query\"") != NULL,
	   "the object is named");
	ok(strstr(peer_last_request(sc.p, 2), "\r\n\r\nSELECT Id, Name FROM AccountShare") != NULL,
	   "the query is the batch");
	ok(strstr(peer_last_request(sc.p, 2), "X-SFDC-Session: T\r\n") != NULL, "with a session");
	is_int(sc.stats.pages, 2, "a chunk without rows is not read");
	is_int((int) sc.stats.total_rows, 3, "rows of the job");
	ok(sc.stats.bulk1, "by 1.0");
	close_scene(&sc, "chunks");
	is_int(rules[COUNT(rules) - 1].used, 1, "the job is closed, once");

	ROWS1("chunks, and none has rows", CHUNKED, "", CREATE1, ADD, SAYS("Open", 3, 0, 0, 2, 0),
		  LISTS(INFO(1, "NotProcessed", 0) INFO(2, "Completed", 0) INFO(3, "Completed", 0)),
		  HAS(2, RESULT(2)), HAS(3, RESULT(3)),
		  GIVES(2, 2, "Records not found for this query"),
		  GIVES(3, 3, "Records not found for this query\n"), CLOSE);
	ROWS1("chunks that appear late", CHUNKED, "a|1;b|2;", CREATE1, ADD,
		  SAYS_ONCE("Open", 1, 0, 0, 0, 0), SAYS_ONCE("Open", 1, 0, 0, 0, 0),
		  SAYS("Open", 2, 0, 0, 1, 2), LISTS_ONCE(INFO(1, "NotProcessed", 0)),
		  LISTS_ONCE(INFO(1, "NotProcessed", 0)),
		  LISTS(INFO(1, "NotProcessed", 0) INFO(2, "Completed", 2)), HAS(2, RESULT(2)),
		  GIVES(2, 2, ROWS_2), CLOSE);
	ROWS1("chunks of which some are missing at first", CHUNKED, "a|1;b|2;", CREATE1, ADD,
		  SAYS("Open", 3, 0, 0, 2, 2),
		  LISTS_ONCE(INFO(1, "NotProcessed", 0) INFO(2, "Completed", 1)),
		  LISTS(INFO(1, "NotProcessed", 0) INFO(2, "Completed", 1) INFO(3, "Completed", 1)),
		  HAS(2, RESULT(2)), HAS(3, RESULT(3)), GIVES(2, 2, HEAD "\"a\",\"1\"\n"),
		  GIVES(3, 3, HEAD "\"b\",\"2\"\n"), CLOSE);
	ROWS1("not divided after all", CHUNKED, "a|1;b|2;", CREATE1, ADD,
		  SAYS("Open", 1, 0, 0, 1, 2), LISTS(INFO(1, "Completed", 2)), HAS(1, RESULT(1)),
		  GIVES(1, 1, ROWS_2), CLOSE);
	ERROR1("chunks that never appear", FAST_CHUNKS, SF_ERR_PROTOCOL,
		   "was divided, and has no batches", CREATE1, ADD, SAYS("Open", 1, 0, 0, 0, 0),
		   LISTS(INFO(1, "NotProcessed", 0)), CLOSE);
	ERROR1("chunks that stay away", FAST_CHUNKS, SF_ERR_PROTOCOL, "has 2 batches instead of 3",
		   CREATE1, ADD, SAYS("Open", 3, 0, 0, 1, 2),
		   LISTS(INFO(1, "NotProcessed", 0) INFO(2, "Completed", 2)), HAS(2, RESULT(2)),
		   GIVES(2, 2, ROWS_2), CLOSE);
}

/* Whether the creation asks for chunks. */
static void
asks_for_chunks(const char *soql, bool expected)
{
	peer_rule rules[] = {LOGIN, CREATE1, ADD, CLOSE, ABORT1, SAYS("Open", 1, 0, 1, 0, 0)};
	scene sc = {.spec = {.bulk1 = true, .pk_chunk_size = 5, .soql = soql}};

	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
	while (peer_used(sc.p, 5) == 0 && drive(sc.s))
		;
	ok((strstr(peer_last_request(sc.p, 1), "Sforce-Enable-PKChunking: chunkSize=5\r\n") !=
		NULL) == expected,
	   "%s: %s", soql, expected ? "chunks" : "no chunks");
	close_scene(&sc, soql);
}

static void
test_what_is_divided(void)
{
	asks_for_chunks("SELECT Id, Name FROM Account", true);
	asks_for_chunks(
		"SELECT Id, Name FROM Account WHERE Name = 'x\\' LIMIT 1' AND (NOT (Id = null))",
		true);
	asks_for_chunks("select Id, Name from Limit__c where Order__c = 1", true);
	asks_for_chunks("SELECT Id, Name FROM Order", true);
	asks_for_chunks("SELECT Id, Name FROM Group WHERE Name = 'x'", true);
	asks_for_chunks("SELECT Id, Name FROM Order ORDER BY Name", false);
	asks_for_chunks("SELECT Id, Name FROM Account ORDER BY Name", false);
	asks_for_chunks("SELECT Id, Name FROM Account WHERE Name = 'x' LIMIT 5", false);
	asks_for_chunks("SELECT Id, Name FROM Account\tlimit 5", false);
	asks_for_chunks("SELECT Id, Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact)",
					false);
	asks_for_chunks("SELECT Id, Name, (SELECT Id FROM Contacts) FROM Account", false);
	asks_for_chunks("SELECT Id, Name FROM Account USING SCOPE mine", false);
	asks_for_chunks("SELECT Id, Name FROM Account GROUP BY Id, Name", false);
}

#define WHY "InvalidBatch : Failed to process query: "

static void
test_failures(void)
{
	ERROR1("a batch fails", NONE, SF_ERR_REMOTE,
		   "query job 750000000000001AAA failed: " WHY "INVALID_FIELD: No such column",
		   CREATE1, ADD, CLOSE, SAYS("Closed", 1, 0, 0, 0, 0),
		   LISTS(INFO_WHY(1, "Failed", WHY "INVALID_FIELD: No such column")), ABORT1);
	ERROR1("a batch of many fails", CHUNKED, SF_ERR_REMOTE, "failed: Retried more than thirty",
		   CREATE1, ADD, SAYS("Open", 3, 0, 1, 1, 1),
		   LISTS(INFO(1, "NotProcessed", 0) INFO(2, "Completed", 1)
					 INFO_WHY(3, "Failed", "Retried more than thirty times")),
		   HAS(2, RESULT(2)), GIVES(2, 2, HEAD "\"a\",\"1\"\n"), ABORT1);
	ERROR1("the division fails", CHUNKED, SF_ERR_REMOTE, "failed: InvalidBatch : no", CREATE1,
		   ADD, SAYS("Open", 2, 0, 0, 1, 1),
		   LISTS(INFO_WHY(1, "Failed", "InvalidBatch : no") INFO(2, "Completed", 1)),
		   HAS(2, RESULT(2)), GIVES(2, 2, HEAD "\"a\",\"1\"\n"), ABORT1);
	ERROR1("without a word", NONE, SF_ERR_REMOTE, "query job 750000000000001AAA failed",
		   CREATE1, ADD, CLOSE, SAYS("Closed", 1, 0, 0, 0, 0), LISTS(INFO(1, "Failed", 0)),
		   ABORT1);
	ERROR1("a batch is not processed", NONE, SF_ERR_REMOTE, "was aborted", CREATE1, ADD, CLOSE,
		   SAYS("Closed", 1, 0, 0, 0, 0), LISTS(INFO(1, "NotProcessed", 0)), ABORT1);
	ERROR1("a chunk is not processed", CHUNKED, SF_ERR_REMOTE, "was aborted", CREATE1, ADD,
		   SAYS("Open", 2, 0, 0, 0, 0),
		   LISTS(INFO(1, "NotProcessed", 0) INFO(2, "NotProcessed", 0)), ABORT1);
	ERROR1("the job is aborted", NONE, SF_ERR_REMOTE, "was aborted", CREATE1, ADD, CLOSE,
		   SAYS("Aborted", 1, 0, 0, 0, 0));
	ERROR1("the job is in an unknown state", NONE, SF_ERR_PROTOCOL, "unknown state \"Paused\"",
		   CREATE1, ADD, CLOSE, SAYS("Paused", 1, 0, 0, 0, 0), ABORT1);
	ERROR1("the job is gone", NONE, SF_ERR_REMOTE, "InvalidJob: Invalid job id", CREATE1, ADD,
		   CLOSE,
		   {"GET", J "$", .status = 400,
			.body =
				"<error><exceptionCode>InvalidJob</exceptionCode><exceptionMessage>Invalid "
				"job id</exceptionMessage></error>"});
	ERROR1("the job takes too long", .job_timeout_ms = 50, SF_ERR_TIMEOUT,
		   "was not complete after 50 ms", CREATE1, ADD, CLOSE, SAYS("Closed", 1, 1, 0, 0, 0),
		   ABORT1);
	ERROR1(
		"the object cannot be divided", CHUNKED, SF_ERR_REMOTE, "PK chunking is not supported",
		{"POST", A "/job$", .status = 400,
		 .body = "{\"exceptionCode\":\"InvalidJob\",\"exceptionMessage\":\"PK chunking is not "
				 "supported\"}"});
}

static void
test_numbers(void)
{
	ERROR1("a file lacks a row", NONE, SF_ERR_PROTOCOL, "has 1 rows instead of 2", ONE_BATCH,
		   GIVES(1, 1, HEAD "\"a\",\"1\"\n"));
	ERROR1("a file has a row more", NONE, SF_ERR_PROTOCOL, "has 3 rows instead of 2",
		   ONE_BATCH, GIVES(1, 1, ROWS_2 "\"c\",\"3\"\n"));
	ERROR1("a file says that there is nothing", NONE, SF_ERR_PROTOCOL,
		   "has 0 rows instead of 2", ONE_BATCH,
		   GIVES(1, 1, "Records not found for this query"));
	ERROR1("a file is an error", NONE, SF_ERR_PROTOCOL, "application/xml", ONE_BATCH,
		   {"GET", B "/" BATCH(1) "/result/", .status = 200,
			.headers = "Content-Type: application/xml\r\n", .body = "<error/>"});
	ERROR1("a file lacks a column", NONE, SF_ERR_PROTOCOL, "column \"Name\" is missing",
		   ONE_BATCH, GIVES(1, 1, "\"Id\"\n\"a\"\n\"b\"\n"));
	ERROR1("two files lack a row", NONE, SF_ERR_PROTOCOL, "have 2 rows instead of 3", CREATE1,
		   ADD, CLOSE, SAYS("Closed", 1, 0, 0, 1, 3), LISTS(INFO(1, "Completed", 3)),
		   HAS(1, RESULT(1) RESULT(2)), GIVES(1, 1, HEAD "\"a\",\"1\"\n"),
		   GIVES(1, 2, HEAD "\"b\",\"2\"\n"));
	ERROR1("there is no file", NONE, SF_ERR_PROTOCOL, "have 0 rows instead of 2", CREATE1, ADD,
		   CLOSE, SAYS("Closed", 1, 0, 0, 1, 2), LISTS(INFO(1, "Completed", 2)), HAS(1, ""));
	ERROR1("a file comes twice", NONE, SF_ERR_PROTOCOL, "twice", CREATE1, ADD, CLOSE,
		   SAYS("Closed", 1, 0, 0, 1, 2), LISTS(INFO(1, "Completed", 2)),
		   HAS(1, RESULT(1) RESULT(1)));
	ERROR1("an id that is a path", NONE, SF_ERR_PROTOCOL, "malformed id", CREATE1, ADD, CLOSE,
		   SAYS("Closed", 1, 0, 0, 1, 2), LISTS(INFO(1, "Completed", 2)),
		   HAS(1, "<result>../../sobjects/A</result>"));
	ERROR1("a list of results that is none", NONE, SF_ERR_PROTOCOL, "list of results", CREATE1,
		   ADD, CLOSE, SAYS("Closed", 1, 0, 0, 1, 2), LISTS(INFO(1, "Completed", 2)),
		   {"GET", B "/" BATCH(1) "/result$", .status = 200, .body = "{}"});
	ERROR1("the job says more rows than its batches", .poll_interval_max_ms = 20,
		   SF_ERR_PROTOCOL, "have 2 rows instead of 5", CREATE1, ADD, CLOSE,
		   SAYS("Closed", 1, 0, 0, 1, 5), LISTS(INFO(1, "Completed", 2)), HAS(1, RESULT(1)),
		   GIVES(1, 1, ROWS_2));
	ROWS1("the job's number comes late", .poll_interval_max_ms = 20, "a|1;b|2;", CREATE1, ADD,
		  CLOSE, SAYS_ONCE("Closed", 1, 0, 0, 1, 0), SAYS_ONCE("Closed", 1, 0, 0, 1, 0),
		  SAYS("Closed", 1, 0, 0, 1, 2), LISTS(INFO(1, "Completed", 2)), HAS(1, RESULT(1)),
		  GIVES(1, 1, ROWS_2));
	ERROR1("two batches where one was added", .poll_interval_max_ms = 20, SF_ERR_PROTOCOL,
		   "has 2 batches instead of 1", CREATE1, ADD, CLOSE, SAYS("Closed", 2, 0, 0, 2, 4),
		   LISTS(INFO(1, "Completed", 2) INFO(2, "Completed", 2)), HAS(1, RESULT(1)),
		   HAS(2, RESULT(2)), GIVES(1, 1, ROWS_2), GIVES(2, 2, ROWS_2));
}

static void
test_lost_answers(void)
{
	peer_rule batch[] = {LOGIN,
						 CREATE1,
						 {"POST", B "$", .status = 0, .times = 1},
						 ADD,
						 CLOSE,
						 ABORT1,
						 SAYS("Closed", 1, 0, 0, 1, 2),
						 LISTS(INFO(1, "Completed", 2)),
						 HAS(1, RESULT(1)),
						 GIVES(1, 1, ROWS_2)};
	peer_rule creation[] = {
		LOGIN, {"POST", A "/job$", .status = 0, .times = 1}, ONE_BATCH, GIVES(1, 1, ROWS_2)};
	scene sc = {.spec = {.bulk1 = true}};
	sf_error err = {0};

	open_scene(&sc, batch, COUNT(batch), SF_TRANSPORT_BULK);
	read_scene(&sc);
	is_text(sc.rows, "a|1;b|2;", "the answer to the batch is lost");
	is_int(batch[1].used, 2, "another job is made");
	is_int(batch[5].used, 1, "the first one is aborted");
	close_scene(&sc, "lost batch");

	sc.spec.bulk1 = true;
	open_scene(&sc, creation, COUNT(creation), SF_TRANSPORT_BULK);
	read_scene(&sc);
	is_text(sc.rows, "a|1;b|2;", "the answer to the creation is lost");
	sf_query_free(sc.q);
	sc.q = NULL;
	drive_cleanup(sc.s);
	ok(sf_session_cleanup_failure(sc.s, false, &err) &&
		   strstr(err.message, "may have been left") != NULL,
	   "which is told");
	close_scene(&sc, "lost creation");

	ROWS1("the answer to the close is lost", NONE, "a|1;b|2;", CREATE1, ADD,
		  {"POST", J "$", "\"Closed\"", .status = 0, .times = 1},
		  {"POST", J "$", "\"Closed\"", .status = 400,
		   .body =
			   "{\"exceptionCode\":\"InvalidJobState\",\"exceptionMessage\":\"Closing already "
			   "Closed Job not allowed\"}"},
		  SAYS("Closed", 1, 0, 0, 1, 2), LISTS(INFO(1, "Completed", 2)), HAS(1, RESULT(1)),
		  GIVES(1, 1, ROWS_2));
	ROWS1(
		"the session expires", NONE, "a|1;b|2;", CREATE1, ADD, CLOSE,
		{"GET", J "$", .status = 400, .times = 1,
		 .body =
			 "<error><exceptionCode>InvalidSessionId</exceptionCode><exceptionMessage>Invalid "
			 "session id</exceptionMessage></error>"},
		SAYS("Closed", 1, 0, 0, 1, 2), LISTS(INFO(1, "Completed", 2)), HAS(1, RESULT(1)),
		GIVES(1, 1, ROWS_2));
}

static void
test_ends(void)
{
	peer_rule running[] = {LOGIN, CREATE1, ADD, CLOSE, SAYS("Closed", 1, 0, 1, 0, 0), ABORT1};
	peer_rule chunked[] = {LOGIN,  CREATE1,
						   ADD,	   SAYS("Open", 2, 0, 1, 0, 0),
						   ABORT1, LISTS(INFO(1, "NotProcessed", 0) INFO(2, "InProgress", 0))};
	peer_rule kept[] = {LOGIN, ONE_BATCH, GIVES(1, 1, ROWS_2)};
	peer_rule refuses[] = {
		LOGIN,
		CREATE1,
		ADD,
		CLOSE,
		SAYS("Closed", 1, 0, 1, 0, 0),
		{"POST", J "$", "\"Aborted\"", .status = 403,
		 .body = "{\"exceptionCode\":\"ExceededQuota\",\"exceptionMessage\":\"no\"}"}};
	scene sc = {.spec = {.bulk1 = true}};
	sf_error err = {0};

	open_scene(&sc, running, COUNT(running), SF_TRANSPORT_BULK);
	while (peer_used(sc.p, 4) == 0 && drive(sc.s))
		;
	close_scene(&sc, "a running job");
	is_int(running[5].used, 1, "a running job is aborted");

	sc.spec = (sf_query_spec){.bulk1 = true, .pk_chunk_size = 7};
	open_scene(&sc, chunked, COUNT(chunked), SF_TRANSPORT_BULK);
	while (peer_used(sc.p, 3) == 0 && drive(sc.s))
		;
	close_scene(&sc, "a divided job");
	is_int(chunked[4].used, 1, "a divided job is aborted");

	sc.spec = (sf_query_spec){.bulk1 = true, .keep_result = true};
	open_scene(&sc, kept, COUNT(kept), SF_TRANSPORT_BULK);
	read_scene(&sc);
	is_text(sc.rows, "a|1;b|2;", "read once");
	is_int(sf_query_rewind(sc.q, &sc.err), SF_OK, "back to the start");
	read_scene(&sc);
	is_text(sc.rows, "a|1;b|2;", "read again");
	is_int(kept[1].used, 1, "of the same job");
	is_int(kept[6].used, 1, "whose files are known");
	is_int(kept[7].used, 2, "and come again");
	close_scene(&sc, "rewind");

	sc.spec = (sf_query_spec){.bulk1 = true};
	open_scene(&sc, refuses, COUNT(refuses), SF_TRANSPORT_BULK);
	while (peer_used(sc.p, 4) == 0 && drive(sc.s))
		;
	sf_query_free(sc.q);
	sc.q = NULL;
	drive_cleanup(sc.s);
	ok(sf_session_cleanup_failure(sc.s, false, &err) &&
		   strcmp(err.job_id, "750000000000001AAA") == 0,
	   "a job that cannot be aborted is told");
	close_scene(&sc, "refused abort");
}

/* Rows of the first batch, while the second one runs, and runs. */
static void
test_early_rows(void)
{
	peer_rule rules[] = {
		LOGIN,
		CREATE1,
		ADD,
		SAYS("Open", 3, 0, 1, 1, 1),
		LISTS(INFO(1, "NotProcessed", 0) INFO(2, "Completed", 1) INFO(3, "InProgress", 0)),
		HAS(2, RESULT(2)),
		GIVES(2, 2, HEAD "\"a\",\"1\"\n"),
		ABORT1};
	scene sc = {.spec = {.bulk1 = true, .pk_chunk_size = 9}};
	sf_value *values;
	sf_status st;

	open_scene(&sc, rules, COUNT(rules), SF_TRANSPORT_BULK);
	while ((st = sf_query_next_row(sc.q, &values, &sc.err)) == SF_WAIT && drive(sc.s))
		;
	ok(st == SF_OK && strcmp(values[0].data, "a") == 0, "a row comes while the job runs");
	sf_query_get_stats(sc.q, &sc.stats);
	is_int((int) sc.stats.total_rows, -1, "whose rows nobody knows yet");
	is_int(sf_query_next_row(sc.q, &values, &sc.err), SF_WAIT, "there may be more");
	is_int(sf_query_rewind(sc.q, &sc.err), SF_OK, "back to the start");
	while ((st = sf_query_next_row(sc.q, &values, &sc.err)) == SF_WAIT && drive(sc.s))
		;
	ok(st == SF_OK && strcmp(values[0].data, "a") == 0, "it comes again");
	close_scene(&sc, "early rows");
	is_int(rules[7].used, 1, "the job is aborted");
	is_int(rules[5].used, 1, "the list of files was asked for once");
}

static void
test_ways(void)
{
	static const char unsupported[] =
		"{\"exceptionCode\":\"InvalidEntity\",\"exceptionMessage\":"
		"\"Entity 'X' is not supported by the Bulk API.\"}";
	static const char many[] = "{\"totalSize\":9000,\"done\":false,\"nextRecordsUrl\":\"" V
							   "/query/01g-1\",\"records\":[{\"Id\":\"x\",\"Name\":null}]}";
	peer_rule count[] = {LOGIN,
						 CREATE1,
						 ADD,
						 CLOSE,
						 SAYS("Closed", 1, 0, 0, 1, 42),
						 LISTS(INFO(1, "Completed", 42))};
	peer_rule back[] = {
		LOGIN,
		{"GET", V "/query?q=", .status = 200, .times = 1, .body = many},
		{"POST", A "/job$", .status = 400, .body = unsupported},
		{"GET", V "/query?q=", .status = 200,
		 .body =
			 "{\"totalSize\":1,\"done\":true,\"records\":[{\"Id\":\"a\",\"Name\":\"1\"}]}"}};
	scene sc = {
		.spec = {.bulk1 = true, .count_only = true, .soql = "SELECT COUNT() FROM Account"}};
	sf_error err = {0};

	open_scene(&sc, count, COUNT(count), SF_TRANSPORT_BULK);
	read_scene(&sc);
	is_text(sc.rows, "42;", "a count by a job");
	close_scene(&sc, "count");

	sc.spec = (sf_query_spec){.bulk1 = true, .query_all = true};
	open_scene(&sc, back, COUNT(back), SF_TRANSPORT_BULK);
	read_scene(&sc);
	is_int(sc.st, SF_FAILED, "bulk does not do it");
	ok(strstr(peer_last_request(sc.p, 2), "\"operation\":\"queryAll\"") != NULL, "queryAll");
	close_scene(&sc, "unsupported");

	back[2].used = 0;
	sc.spec = (sf_query_spec){.bulk1 = true};
	open_scene(&sc, back, COUNT(back), SF_TRANSPORT_AUTO);
	read_scene(&sc);
	if (!is_text(sc.rows, "a|1;", "auto goes back to REST"))
		diag("%s", sc.err.message);
	ok(!sc.stats.bulk1, "and says so");
	sc.spec = (sf_query_spec){.pk_chunk_size = 5,
							  .columns = columns,
							  .ncolumns = 2,
							  .soql = "SELECT Id, Name FROM Account",
							  .transport = SF_TRANSPORT_BULK};
	ok(sf_query_start(sc.s, &sc.spec, &err) == NULL && err.cls == SF_ERR_CONFIG,
	   "2.0 takes no chunks");
	sf_error_reset(&err);
	sc.spec.bulk1 = true;
	sc.spec.pk_chunk_size = 250001;
	ok(sf_query_start(sc.s, &sc.spec, &err) == NULL && err.cls == SF_ERR_CONFIG,
	   "nor too large ones");
	sf_error_reset(&err);
	sc.spec.pk_chunk_size = 5;
	sc.spec.hold_pages = true;
	ok(sf_query_start(sc.s, &sc.spec, &err) == NULL && err.cls == SF_ERR_CONFIG,
	   "nor are results shared");
	sf_error_reset(&err);
	sc.spec.hold_pages = false;
	sc.spec.soql = "SELECT Id, Name";
	ok(sf_query_start(sc.s, &sc.spec, &err) == NULL && err.cls == SF_ERR_CONFIG,
	   "an object is needed");
	close_scene(&sc, "auto");
}

int
main(void)
{
	test_one_batch();
	test_chunks();
	test_what_is_divided();
	test_failures();
	test_numbers();
	test_lost_answers();
	test_ends();
	test_early_rows();
	test_ways();
	return tap_done();
}
