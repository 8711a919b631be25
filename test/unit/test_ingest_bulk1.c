/*
 * test_ingest_bulk1.c
 *		Ingest jobs of Bulk API 1.0 against a peer that misbehaves: how data is cut into batches, every step
 *		with every failure, what was sent, what became of the rows.
 */
#include "peer.h"
#include "sf_batch_cut.h"
#include "tap.h"

#define LOGIN                                                                                 \
	{                                                                                         \
		"POST", "/services/oauth2/token",                                                     \
			.status = 200, .body = "{\"access_token\":\"T\",\"instance_url\":\"%b\"}"         \
	}
#define V		 "/services/async/62.0/job"
#define ID		 "750000000000001AAA"
#define JOB		 V "/" ID
#define B(n)	 "75100000000000" #n "AAA"
#define COUNT(r) ((int) (sizeof(r) / sizeof((r)[0])))

#define CREATE                                                                                \
	{                                                                                         \
		"POST", V "$", .status = 201, .body = "{\"id\":\"" ID "\",\"state\":\"Open\"}"        \
	}
#define BATCH_XML(n, state) "<batchInfo><id>" B(n) "</id><state>" state "</state></batchInfo>"
#define ADD(n, rows)                                                                          \
	{                                                                                         \
		"POST", JOB "/batch$", "Name\n" rows, .times = 1, .status = 201,                      \
											  .body = BATCH_XML(n, "Queued")                  \
	}
#define CLOSE                                                                                 \
	{                                                                                         \
		"POST", JOB "$", "{\"state\":\"Closed\"}",                                            \
			.status = 200, .body = "{\"id\":\"" ID "\",\"state\":\"Closed\"}"                 \
	}
#define ABORT                                                                                 \
	{                                                                                         \
		"POST", JOB "$", "{\"state\":\"Aborted\"}",                                           \
			.status = 200, .body = "{\"id\":\"" ID "\",\"state\":\"Aborted\"}"                \
	}
#define INFO(n, state, p, f)                                                                  \
	"{\"id\":\"" B(n) "\",\"state\":\"" state "\",\"numberRecordsProcessed\":" #p             \
					  ",\"numberRecordsFailed\":" #f "}"
#define LIST(items)                                                                           \
	{                                                                                         \
		"GET", JOB "/batch$", .status = 200, .body = "{\"batchInfo\":[" items "]}"            \
	}
#define LIST_ONCE(items)                                                                      \
	{                                                                                         \
		"GET", JOB "/batch$", .times = 1, .status = 200,                                      \
							  .body = "{\"batchInfo\":[" items "]}"                           \
	}
#define REFUSED(code)                                                                         \
	"<error><exceptionCode>" code                                                             \
	"</exceptionCode><exceptionMessage>no</exceptionMessage></error>"

typedef struct scene
{
	peer *p;
	sf_session *s;
	sf_ingest *ing;
	sf_ingest_spec spec;
	const char *data;
	size_t piece; /* fed at once; 0: all */
	int timeout_ms;
	sf_error err;
	sf_status st;
	sf_ingest_info info;
} scene;

static void
open_scene(scene *sc, peer_rule *rules, int nrules)
{
	sf_config cfg = {.client_id = "i", .client_secret = "s", .max_retries = 2};

	sc->p = peer_start(rules, nrules);
	cfg.login_url = peer_url(sc->p);
	cfg.request_timeout_ms = sc->timeout_ms > 0 ? sc->timeout_ms : 20000;
	sc->s = sf_session_new(&cfg, &sc->err);
	sc->spec.object = "Account";
	sc->spec.bulk1 = true;
	if (sc->data == NULL)
		sc->data = "Name\nA\nB\nC\n";
	sc->ing = sf_ingest_start(sc->s, &sc->spec, &sc->err);
	if (sc->ing == NULL)
	{
		diag("%s", sc->err.message);
		exit(1);
	}
}

/* Feeds and drives until it is complete or failed, or the rule has been used. */
static void
run_until(scene *sc, int rule)
{
	size_t len = strlen(sc->data);
	bool ended = false;

	for (;;)
	{
		int64_t at = sf_ingest_wanted(sc->ing);
		size_t n = 0;

		sf_error_reset(&sc->err);
		sc->st = sf_ingest_check(sc->ing, &sc->err);
		sf_ingest_get_info(sc->ing, &sc->info);
		if (sc->st != SF_WAIT || (rule >= 0 && peer_used(sc->p, rule) > 0))
			return;
		if (at >= 0 && (size_t) at < len)
		{
			n = len - (size_t) at;
			if (sc->piece > 0 && n > sc->piece)
				n = sc->piece;
			n = sf_ingest_feed(sc->ing, sc->data + at, n);
		}
		else if (!ended)
		{
			sf_ingest_end(sc->ing, (int64_t) len);
			ended = true;
		}
		if (n == 0 && !drive(sc->s))
			return;
	}
}

static void
close_scene(scene *sc)
{
	sf_ingest_free(sc->ing);
	drive_cleanup(sc->s);
	is_int(peer_unexpected(sc->p), 0, "no request that nobody expects");
	while (sf_session_cleanup_failure(sc->s, false, &sc->err))
		ok(false, "a warning: %s", sc->err.message);
	sf_session_free(sc->s);
	peer_stop(sc->p);
}

/* ---- the cut ----------------------------------------------------------------------- */

/* The batches of a text, as "rows:bytes ", read in pieces. */
static void
cut_all(const char *text, int max_rows, size_t max_bytes, size_t piece, char *out)
{
	sf_batch_cut cut = {.max_rows = max_rows, .max_bytes = max_bytes};
	size_t at = 0;
	size_t row = 0;

	out[0] = '\0';
	sf_batch_cut_begin(&cut, 5);
	while (at < strlen(text))
	{
		size_t n = strlen(text) - at < piece ? strlen(text) - at : piece;
		bool ended;

		at += sf_batch_cut_read(&cut, text + at, n, &ended);
		if (!ended)
			continue;
		if (!sf_batch_cut_take(&cut))
		{
			sprintf(out + strlen(out), "%d:%zu ", cut.rows, cut.bytes);
			if (cut.rows == 0)
				return;
			sf_batch_cut_begin(&cut, 5);
			at = row;
		}
		row = at;
	}
	sprintf(out + strlen(out), "%d:%zu", cut.rows, cut.bytes);
}

static void
test_cut(void)
{
	static const char text[] = "a\n\"b\n\"\"\n\"\n\"\",c\n\"d\"\n";
	static const struct
	{
		int rows;
		size_t bytes;
		const char *batches;
	} cases[] = {{10, 100, "4:24"},
				 {2, 100, "2:15 2:14"},
				 {1, 100, "1:7 1:13 1:10 1:9"},
				 {10, 15, "2:15 2:14"},
				 {10, 14, "1:7 1:13 2:14"},
				 {10, 13, "1:7 1:13 1:10 1:9"},
				 {10, 12, "1:7 0:5 "},
				 {10, 6, "0:5 "}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		for (size_t piece = 1; piece < sizeof(text); piece++)
		{
			char out[200];

			cut_all(text, cases[i].rows, cases[i].bytes, piece, out);
			if (strcmp(out, cases[i].batches) != 0)
			{
				is_text(out, cases[i].batches, "the cut");
				return;
			}
		}
	}
	ok(true, "rows are cut at their borders, by number and by bytes");
}

/* ---- all goes well ----------------------------------------------------------------- */

static void
test_batches(void)
{
	static const size_t pieces[] = {0, 1, 2, 3, 5, 7};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
	{
		peer_rule rules[] = {LOGIN,
							 CREATE,
							 ADD(1, "A\n\"B\nb\"\n"),
							 ADD(2, "C\n\"D\"\n"),
							 ADD(3, "E\n"),
							 CLOSE,
							 LIST_ONCE(INFO(1, "InProgress", 0, 0) "," INFO(
								 2, "Queued", 0, 0) "," INFO(3, "Queued", 0, 0)),
							 LIST(INFO(3, "Completed", 1, 0) "," INFO(
								 2, "Completed", 2, 1) "," INFO(1, "Completed", 2, 0))};
		scene sc = {.data = "Name\nA\n\"B\nb\"\nC\n\"D\"\nE\n",
					.piece = pieces[i],
					.spec = {.batch_rows = 2, .serial = true, .poll_interval_max_ms = 20}};

		open_scene(&sc, rules, COUNT(rules));
		run_until(&sc, -1);
		ok(sc.st == SF_OK && sc.info.phase == SF_INGEST_COMPLETE && sc.info.acknowledged &&
			   sc.info.closed && sc.info.ended,
		   "pieces of %zu bytes: it is complete", pieces[i]);
		ok(sc.info.processed == 5 && sc.info.failed == 1 && sc.info.rows == 5 &&
			   sc.info.batches == 3 && sc.info.polls == 2 && sc.info.api_calls == 7 &&
			   sc.info.bytes == (int64_t) strlen(sc.data),
		   "its counts");
		ok(strstr(peer_last_request(sc.p, 1), "\"concurrencyMode\":\"Serial\"") != NULL,
		   "serial");
		ok(strstr(peer_last_request(sc.p, 3), "\r\n\r\nName\nC\n\"D\"\n") != NULL,
		   "a batch has its rows, behind the header row");
		close_scene(&sc);
	}
}

/* Rows of many sizes, from many places of the spool: all arrive once, in order, none is too long. */
static void
test_long(void)
{
	static const size_t sizes[] = {10, 300000, 100, 4000000, 4000000, 1700000, 60000, 50};
	peer_rule rules[] = {
		LOGIN,
		CREATE,
		{"POST", JOB "/batch$", .times = 1, .status = 201, .body = BATCH_XML(1, "Queued")},
		{"POST", JOB "/batch$", .times = 1, .status = 201, .body = BATCH_XML(2, "Queued")},
		CLOSE,
		LIST(INFO(1, "Completed", 5, 0) "," INFO(2, "Completed", 3, 0))};
	scene sc = {.piece = 200000};
	size_t n = 5;
	char *data;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		n += sizes[i];
	data = malloc(n + 1);
	memcpy(data, "Name\n", 5);
	n = 5;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		memset(data + n, 'a' + (int) i, sizes[i]);
		n += sizes[i];
		data[n - 1] = '\n';
	}
	data[n] = '\0';
	sc.data = data;
	open_scene(&sc, rules, COUNT(rules));
	run_until(&sc, -1);
	ok(sc.st == SF_OK && sc.info.batches == 2 && sc.info.rows == 8,
	   "two batches of eight rows");
	{
		size_t first = 5 + 10 + 300000 + 100 + 4000000 + 4000000;
		const char *body = strstr(peer_last_request(sc.p, 3), "\r\n\r\n");

		ok(body != NULL && strcmp(body + 9, data + first) == 0,
		   "the second one begins with what does not fit any more");
	}
	close_scene(&sc);

	/* a row that fits into none */
	{
		peer_rule few[] = {LOGIN, CREATE, ABORT};
		scene big = {.piece = 1000000};

		data = realloc(data, 10000010);
		memset(data + 5, 'x', 10000000);
		strcpy(data + 10000003, "\n");
		big.data = data;
		open_scene(&big, few, COUNT(few));
		run_until(&big, -1);
		is_int(big.st, SF_FAILED, "a row that fits into no batch");
		is_text(big.err.message, "row 1 of ingest job " ID " is too long for Bulk API 1.0",
				"is named");
		is_int(big.err.cls, SF_ERR_LIMIT, "as a limit");
		ok(!big.info.closed, "nothing was saved");
		close_scene(&big);
	}
	free(data);
}

static void
test_empty(void)
{
	peer_rule rules[] = {LOGIN, CREATE, CLOSE, LIST("")};
	scene sc = {.data = "Name\n"};

	open_scene(&sc, rules, COUNT(rules));
	run_until(&sc, -1);
	ok(sc.st == SF_OK && sc.info.rows == 0 && sc.info.batches == 0 && !sc.info.closed,
	   "without rows there is no batch");
	close_scene(&sc);
}

/* ---- a batch that goes wrong ------------------------------------------------------- */

#define DONE CLOSE, LIST(INFO(1, "Completed", 2, 0) "," INFO(2, "Completed", 1, 0))

typedef struct batch_case
{
	const char *name;
	peer_rule fault; /* of the second batch */
	bool added;		 /* the job has it all the same */
	bool lists;		 /* the job is asked */
	bool again;		 /* it is sent again */
} batch_case;

static void
test_faults(void)
{
	static const batch_case cases[] = {
		{"503", {.status = 503, .body = "<html>"}, false, false, true},
		{"420", {.status = 420}, false, false, true},
		{"a refused session",
		 {.status = 400, .body = REFUSED("InvalidSessionId")},
		 false,
		 false,
		 true},
		{"401", {.status = 401}, false, false, true},
		{"500, not added", {.status = 500, .body = REFUSED("Unknown")}, false, true, true},
		{"500, added", {.status = 500, .body = REFUSED("Unknown")}, true, true, false},
		{"closed, added", {.status = 0}, true, true, false},
		{"502, added", {.status = 502, .body = "<html>"}, true, true, false},
		{"an empty answer", {.status = 201}, true, true, false},
		{"garbage", {.status = 201, .body = "<batchInfo><id>?</id>"}, true, true, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const batch_case *c = &cases[i];
		peer_rule asked = LIST_ONCE(INFO(1, "Completed", 2, 0));
		peer_rule found = LIST_ONCE(INFO(1, "Completed", 2, 0) "," INFO(2, "Queued", 0, 0));
		peer_rule unused = {.method = "GET", .path = "/none"};
		peer_rule rules[] = {LOGIN,	 CREATE, ADD(1, "A\nB\n"), c->fault, ADD(2, "C\n"),
							 unused, DONE};
		scene sc = {.spec = {.batch_rows = 2, .poll_interval_max_ms = 20}};

		rules[3].method = "POST";
		rules[3].path = JOB "/batch$";
		rules[3].times = 1;
		if (c->lists)
			rules[5] = c->added ? found : asked;
		open_scene(&sc, rules, COUNT(rules));
		run_until(&sc, -1);
		ok(sc.st == SF_OK && sc.info.rows == 3 && sc.info.processed == 3 &&
			   sc.info.batches == 2,
		   "%s: all is there", c->name);
		if (sc.st != SF_OK)
			diag("%s; %s", sc.err.message, sc.err.detail);
		is_int(peer_used(sc.p, 4), c->again, "it is sent again, or not");
		is_int(peer_used(sc.p, 5), c->lists, "the job is asked, or not");
		close_scene(&sc);
	}
}

/* A batch that never was all sent is sent again, and nobody needs to be asked. */
static void
test_cut_off(void)
{
	peer_rule rules[] = {
		LOGIN,
		CREATE,
		{"POST", JOB "/batch$", .times = 1, .status = 0, .early = 3},
		{"POST", JOB "/batch$", .times = 1, .status = 201, .body = BATCH_XML(1, "Queued")},
		CLOSE,
		LIST(INFO(1, "Completed", 4001, 0))};
	scene sc = {.spec = {.poll_interval_max_ms = 20}};
	char *data = malloc(200100);
	const char *body;

	strcpy(data, "Name\n");
	for (int i = 0; i < 4000; i++)
		sprintf(data + 5 + i * 50, "%049d\n", i);
	strcpy(data + 5 + 4000 * 50, "last\n");
	sc.data = data;
	open_scene(&sc, rules, COUNT(rules));
	/* the last row is not there yet, so that it cannot be all sent */
	while (peer_used(sc.p, 2) == 0)
	{
		int64_t at = sf_ingest_wanted(sc.ing);

		if (at >= 5 + 4000 * 50 ||
			sf_ingest_feed(sc.ing, data + at, (size_t) (5 + 4000 * 50 - at)) == 0)
		{
			if (!drive(sc.s))
				break;
		}
	}
	run_until(&sc, -1);
	ok(sc.st == SF_OK && sc.info.rows == 4001 && sc.info.batches == 1,
	   "a batch that was cut off is sent again");
	body = strstr(peer_last_request(sc.p, 3), "\r\n\r\n");
	ok(body != NULL && strcmp(body + 4, data) == 0, "all of it");
	is_int(peer_used(sc.p, 5), 1, "nobody is asked whether it was added");
	close_scene(&sc);
	free(data);
}

/* Nobody knows, and it may still arrive: the job is closed, and what it does not have then is left. */
static void
test_rest(void)
{
	for (int added = 0; added < 2; added++)
	{
		peer_rule rules[] = {LOGIN,
							 CREATE,
							 ADD(1, "A\nB\n"),
							 {"POST", JOB "/batch$", .times = 1, .status = 0},
							 LIST_ONCE(INFO(1, "Completed", 2, 1)),
							 CLOSE,
							 LIST(INFO(1, "Completed", 2, 1))};
		peer_rule late = LIST(INFO(1, "Completed", 2, 1) "," INFO(2, "Completed", 1, 0));
		scene sc = {.spec = {.batch_rows = 2, .poll_interval_max_ms = 20}};

		if (added)
			rules[6] = late;
		open_scene(&sc, rules, COUNT(rules));
		run_until(&sc, -1);
		is_int(sc.st, added ? SF_OK : SF_FAILED, "closed, and late or not at all");
		ok(sc.info.ended && sc.info.rows == 2 + added && sc.info.processed == 2 + added &&
			   sc.info.failed == 1,
		   "its counts are final");
		is_int(sc.info.rest, added ? 0 : 9, "the rest begins behind what was added");
		close_scene(&sc);
	}
}

/* What was added comes to its end first. */
static void
test_refused(void)
{
	peer_rule rules[] = {
		LOGIN,
		CREATE,
		ADD(1, "A\nB\n"),
		{"POST", JOB "/batch$", .times = 1, .status = 400, .body = REFUSED("InvalidJobState")},
		{"POST", JOB "$", .status = 400, .body = REFUSED("InvalidJobState")},
		LIST_ONCE(INFO(1, "InProgress", 0, 0)),
		LIST(INFO(1, "Completed", 2, 1))};
	peer_rule aborted[] = {LOGIN,
						   CREATE,
						   ADD(1, "A\nB\n"),
						   ADD(2, "C\n"),
						   CLOSE,
						   LIST(INFO(1, "Completed", 2, 1) "," INFO(2, "NotProcessed", 0, 0))};
	peer_rule failed[] = {LOGIN,
						  CREATE,
						  ADD(1, "A\nB\n"),
						  ADD(2, "C\n"),
						  CLOSE,
						  LIST(INFO(1, "Completed", 2, 1) ",{\"id\":\"" B(
							  2) "\",\"state\":\"Failed\",\"stateMessage\":\"InvalidBatch : "
								 "Field name not found : "
								 "X\"}")};
	static const char *const messages[] = {
		"could not add a batch to ingest job " ID ": InvalidJobState: no",
		"ingest job " ID " was aborted in Salesforce",
		"ingest job " ID " failed: InvalidBatch : Field name not found : X"};
	peer_rule *sets[] = {rules, aborted, failed};
	const int counts[] = {COUNT(rules), COUNT(aborted), COUNT(failed)};

	for (int i = 0; i < 3; i++)
	{
		scene sc = {.spec = {.batch_rows = 2, .poll_interval_max_ms = 20}};

		open_scene(&sc, sets[i], counts[i]);
		run_until(&sc, -1);
		is_int(sc.st, SF_FAILED, "it fails");
		is_text(sc.err.message, messages[i], "why");
		is_text(sc.err.job_id, ID, "of which job");
		ok(sc.info.ended && sc.info.rows == 2 + (i > 0) && sc.info.processed == 2 &&
			   sc.info.failed == 1 && sc.info.rest == 0,
		   "its counts are final");
		close_scene(&sc);
	}
}

/* No answer at all to what matters: it is not known. */
static void
test_unknown(void)
{
	peer_rule rules[] = {LOGIN,
						 CREATE,
						 ADD(1, "A\nB\n"),
						 {"POST", JOB "/batch$", .status = 0},
						 {"GET", JOB "/batch$", .status = 400, .body = REFUSED("InvalidJob")},
						 ABORT};
	scene sc = {.spec = {.batch_rows = 2}};
	bool warned = false;

	open_scene(&sc, rules, COUNT(rules));
	run_until(&sc, -1);
	is_int(sc.st, SF_FAILED, "a job that cannot be asked has failed");
	ok(strncmp(sc.err.message, "it is not known whether the rows of ingest job " ID, 50) == 0,
	   "and nobody knows");
	ok(sc.info.closed && !sc.info.ended && sc.info.rows == 3, "of how many rows");
	sf_ingest_free(sc.ing);
	drive_cleanup(sc.s);
	while (sf_session_cleanup_failure(sc.s, false, &sc.err))
		warned = strcmp(sc.err.message, "rows of ingest job " ID " may have been saved") == 0;
	ok(warned, "a warning tells of it");
	is_int(peer_used(sc.p, 5), 1, "it is aborted");
	is_int(peer_unexpected(sc.p), 0, "no other request");
	sf_session_free(sc.s);
	peer_stop(sc.p);
}

/* ---- given up ---------------------------------------------------------------------- */

static void
test_stop(void)
{
	peer_rule rules[] = {LOGIN, CREATE, ADD(1, "A\nB\n"), CLOSE,
						 LIST(INFO(1, "Completed", 2, 0))};
	scene sc = {.data = "Name\nA\nB\nC",
				.spec = {.batch_rows = 2, .poll_interval_max_ms = 20}};

	open_scene(&sc, rules, COUNT(rules));
	run_until(&sc, 2);
	sf_ingest_stop(sc.ing);
	while ((sc.st = sf_ingest_check(sc.ing, &sc.err)) == SF_WAIT && drive(sc.s))
		;
	sf_ingest_get_info(sc.ing, &sc.info);
	ok(sc.st == SF_OK && sc.info.rows == 2 && sc.info.processed == 2 && sc.info.ended,
	   "a job that is stopped comes to the end of what it has");
	is_int(sf_ingest_wanted(sc.ing), -1, "and wants no more");
	close_scene(&sc);
}

/* Freed at every step: nothing is left Open, and a warning tells when rows may have been saved. */
static void
test_free(void)
{
	for (int step = 0; step < 5; step++)
	{
		peer_rule rules[] = {LOGIN,
							 CREATE,
							 ADD(1, "A\nB\n"),
							 ADD(2, "C\n"),
							 CLOSE,
							 LIST(INFO(1, "InProgress", 0, 0) "," INFO(2, "Queued", 0, 0)),
							 ABORT};
		scene sc = {.spec = {.batch_rows = 2, .poll_interval_max_ms = 20}};
		int warnings = 0;

		open_scene(&sc, rules, COUNT(rules));
		run_until(&sc, step + 1);
		sf_ingest_free(sc.ing);
		drive_cleanup(sc.s);
		while (sf_session_cleanup_failure(sc.s, false, &sc.err))
			warnings++;
		is_int(peer_used(sc.p, 6), 1, "it is aborted");
		ok(warnings == (step > 0), "%d warnings after step %d", warnings, step);
		is_int(peer_unexpected(sc.p), 0, "no other request");
		sf_session_free(sc.s);
		peer_stop(sc.p);
	}
}

/* ---- results ----------------------------------------------------------------------- */

#define RESULT_HEAD "\"Id\",\"Success\",\"Created\",\"Error\"\n"

static void
read_results(sf_session *s, sf_results *r, char *out)
{
	sf_error err = {0};
	sf_value *values;
	sf_status st;

	out[0] = '\0';
	while ((st = sf_results_next(r, &values, &err)) == SF_OK || st == SF_WAIT)
	{
		if (st == SF_WAIT)
		{
			if (!drive(s))
				break;
			continue;
		}
		sprintf(out + strlen(out), "%d", (int) sf_results_row(r));
		for (int i = 0; i < sf_results_ncolumns(r); i++)
			sprintf(out + strlen(out), "|%s", values[i].data != NULL ? values[i].data : "-");
		strcat(out, ";");
	}
	if (st == SF_FAILED)
		strcat(out, err.message);
	sf_results_free(r);
}

static void
test_results(void)
{
	static const char *const expected[] = {
		"2|-|DUPLICATE_VALUE:twice:Name --|B|2;5|-|X:y:--|E|5;",
		"1|001A|true|A|1;3|001C|true|C|3;4|001D|false|D|4;",
		"6|F|6;7|G|7;8|H|8;",
	};

	for (int kind = 0; kind < 3; kind++)
	{
		peer_rule rules[] = {
			LOGIN,
			LIST(INFO(1, "Completed", 2, 1) "," INFO(2, "Completed", 1, 0) "," INFO(
				3, "Completed", 2, 1) ",{\"id\":\"" B(4) "\",\"state\":\"Failed\"},{\"id\":"
														 "\"" B(5) "\",\"state\":"
																   "\"NotProcessed\"}"),
			{"GET", JOB "/batch/" B(1) "/request$", .status = 200,
			 .headers = "Content-Type: text/csv\r\n", .body = "Name,N\nA,1\nB,2\n"},
			{"GET", JOB "/batch/" B(1) "/result$", .status = 200,
			 .headers = "Content-Type: text/csv\r\n",
			 .body = RESULT_HEAD "\"001A\",\"true\",\"true\",\"\"\n\"\",\"false\",\"false\","
								 "\"DUPLICATE_VALUE:twice:Name --\"\n"},
			{"GET", JOB "/batch/" B(2) "/request$", .status = 200,
			 .headers = "Content-Type: text/csv\r\n", .body = "Name,N\nC,3\n"},
			{"GET", JOB "/batch/" B(2) "/result$", .status = 200,
			 .headers = "Content-Type: text/csv\r\n",
			 .body = RESULT_HEAD "\"001C\",\"true\",\"true\",\"\"\n"},
			{"GET", JOB "/batch/" B(3) "/request$", .status = 200,
			 .headers = "Content-Type: text/csv\r\n", .body = "Name,N\nD,4\nE,5\n",
			 .split = 3},
			{"GET", JOB "/batch/" B(3) "/result$", .status = 200,
			 .headers = "Content-Type: text/csv\r\n", .split = 7,
			 .body = RESULT_HEAD "\"001D\",\"true\",\"false\",\"\"\n\"\",\"false\",\"false\","
								 "\"X:y:--\"\n"},
			{"GET", JOB "/batch/" B(4) "/request$", .status = 200,
			 .headers = "Content-Type: text/csv\r\n", .body = "Name,N\nF,6\n"},
			{"GET", JOB "/batch/" B(5) "/request$", .status = 200,
			 .headers = "Content-Type: text/csv\r\n", .body = "Name,N\nG,7\nH,8\n"},
			{"GET", "/services/data/v62.0/jobs/ingest/" ID, .status = 404,
			 .body = "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"no\"}]"},
		};
		sf_config cfg = {.client_id = "i", .client_secret = "s"};
		peer *p = peer_start(rules, COUNT(rules));
		sf_error err = {0};
		sf_session *s;
		char out[1000];

		cfg.login_url = peer_url(p);
		s = sf_session_new(&cfg, &err);
		read_results(s, sf_results_start_bulk1(s, ID, (sf_result_kind) kind, &err), out);
		is_text(out, expected[kind], "rows by their kind");
		read_results(s, sf_results_start(s, ID, (sf_result_kind) kind, &err), out);
		is_text(out, expected[kind], "the same of a job nobody has said it is one of 1.0");
		is_int(peer_used(p, 10), 1, "which costs a call");
		is_int(peer_unexpected(p), 0, "no other request");
		sf_session_free(s);
		peer_stop(p);
	}
}

/* Results that do not fit the rows. */
static void
test_bad_results(void)
{
	static const char *const results[] = {
		RESULT_HEAD "\"\",\"false\",\"false\",\"X:y:--\"\n",
		RESULT_HEAD "\"\",\"false\",\"false\",\"X:y:--\"\n\"001\",\"true\",\"true\",\"\"\n"
					"\"001\",\"true\",\"true\",\"\"\n",
		"\"Id\",\"Success\"\n\"\",\"false\"\n"};
	static const char *const messages[] = {
		"1|-|X:y:--|A|1;batch " B(1) " of ingest job " ID " has fewer results than rows",
		"1|-|X:y:--|A|1;batch " B(1) " of ingest job " ID " has more results than rows",
		"the result of batch " B(1) " of ingest job " ID " has no column \"Created\""};

	for (int i = 0; i < 3; i++)
	{
		peer_rule rules[] = {
			LOGIN,
			LIST(INFO(1, "Completed", 2, 1)),
			{"GET", JOB "/batch/" B(1) "/request$", .status = 200,
			 .body = "Name,N\nA,1\nB,2\n"},
			{"GET", JOB "/batch/" B(1) "/result$", .status = 200, .body = results[i]}};
		sf_config cfg = {.client_id = "i", .client_secret = "s"};
		peer *p = peer_start(rules, COUNT(rules));
		sf_error err = {0};
		sf_session *s;
		char out[1000];

		cfg.login_url = peer_url(p);
		s = sf_session_new(&cfg, &err);
		read_results(s, sf_results_start_bulk1(s, ID, SF_RESULT_FAILED, &err), out);
		is_text(out, messages[i], "what does not fit is an error");
		sf_session_free(s);
		peer_stop(p);
	}
}

int
main(void)
{
	test_cut();
	test_empty();
	test_batches();
	test_long();
	test_faults();
	test_cut_off();
	test_rest();
	test_refused();
	test_unknown();
	test_stop();
	test_free();
	test_results();
	test_bad_results();
	return tap_done();
}
