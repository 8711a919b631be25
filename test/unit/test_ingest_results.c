/*
 * test_ingest_results.c
 *		Result files of ingest jobs from a peer that misbehaves, and the texts of row errors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "scene.h"
#include "tap.h"

#define FAILED_FILE V "/jobs/ingest/750000000000001AAA/failedResults/$"
#define HEADER		"\"sf__Id\",\"sf__Error\",Name,Phone\n"
#define FILE_RULE	"GET", FAILED_FILE, .status = 200, .headers = CSV_TYPE

typedef struct file_scene
{
	peer *p;
	sf_session *s;
	sf_results *r;
	sf_error err;
	sf_status st;
	char rows[4096];
	char columns[256];
	int count;
} file_scene;

/* Reads the failed rows of a job to the end; the text of at most the first ones is kept. */
static void
read_file(file_scene *sc, peer_rule *rules, int nrules, int max_retries)
{
	sf_config cfg = {.client_id = "i",
					 .client_secret = "s",
					 .request_timeout_ms = 20000,
					 .max_retries = max_retries};
	size_t len = 0;
	sf_value *values;

	memset(sc, 0, sizeof(*sc));
	sc->p = peer_start(rules, nrules);
	cfg.login_url = peer_url(sc->p);
	sc->s = sf_session_new(&cfg, &sc->err);
	sc->r = sf_results_start(sc->s, "750000000000001AAA", SF_RESULT_FAILED, &sc->err);
	if (sc->r == NULL)
	{
		sc->st = SF_FAILED;
		return;
	}
	for (;;)
	{
		sc->st = sf_results_next(sc->r, &values, &sc->err);
		if (sc->st == SF_WAIT)
		{
			if (!drive(sc->s))
				break;
			continue;
		}
		if (sc->st != SF_OK)
			break;
		sc->count++;
		for (int i = 0; i < sf_results_ncolumns(sc->r) && len + 200 < sizeof(sc->rows); i++)
			len += (size_t) snprintf(sc->rows + len, sizeof(sc->rows) - len, "%s%s",
									 i > 0 ? "|" : "",
									 values[i].data != NULL ? values[i].data : "~");
		if (len + 200 < sizeof(sc->rows))
			len += (size_t) snprintf(sc->rows + len, sizeof(sc->rows) - len, ";");
	}
	ok(sf_results_next(sc->r, &values, NULL) == sc->st, "and so it stays");
	len = 0;
	for (int i = 0; i < sf_results_ncolumns(sc->r); i++)
		len += (size_t) snprintf(sc->columns + len, sizeof(sc->columns) - len, "%s,",
								 sf_results_column(sc->r, i));
}

static void
close_file(file_scene *sc, const char *name)
{
	ok(peer_unexpected(sc->p) == 0, "%s: nothing unexpected", name);
	sf_results_free(sc->r);
	sf_session_free(sc->s);
	peer_stop(sc->p);
}

#define EXPECT_FILE(name, expected, ...)                                                      \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		file_scene sc_;                                                                       \
		read_file(&sc_, rules_, COUNT(rules_), 2);                                            \
		if (!is_int(sc_.st, SF_DONE, name))                                                   \
			diag("%s", sc_.err.message);                                                      \
		is_text(sc_.rows, expected, name);                                                    \
		close_file(&sc_, name);                                                               \
	} while (0)

#define EXPECT_FILE_ERROR(name, class, text, ...)                                             \
	do                                                                                        \
	{                                                                                         \
		peer_rule rules_[] = {LOGIN, __VA_ARGS__};                                            \
		file_scene sc_;                                                                       \
		read_file(&sc_, rules_, COUNT(rules_), 1);                                            \
		is_int(sc_.st, SF_FAILED, name);                                                      \
		if (!ok(sc_.err.cls == class && strstr(sc_.err.message, text) != NULL, "%s: %s",      \
				name, text))                                                                  \
			diag("class %d: %s", sc_.err.cls, sc_.err.message);                               \
		is_text(sc_.err.job_id, "750000000000001AAA", "the error names the job");             \
		close_file(&sc_, name);                                                               \
	} while (0)

static void
test_files(void)
{
	static const char two[] = HEADER "\"\",\"A:b:--\",\"x\",\"\"\n"
									 "\"001\",\"C:d:Name --\",\"y \"\"z\"\"\nw\",\"1\"\n";

	EXPECT_FILE("two rows", "~|A:b:--|x|~;001|C:d:Name --|y \"z\"\nw|1;",
				{FILE_RULE, .body = two});
	EXPECT_FILE("in small pieces", "~|A:b:--|x|~;001|C:d:Name --|y \"z\"\nw|1;",
				{FILE_RULE, .body = two, .split = 3});
	EXPECT_FILE("only a header", "", {FILE_RULE, .body = HEADER});
	EXPECT_FILE("nothing at all", "", {FILE_RULE, .body = ""});
	EXPECT_FILE("503 and then the file", "~|A:b:--|x|~;001|C:d:Name --|y \"z\"\nw|1;",
				{"GET", FAILED_FILE, .times = 1, .status = 503}, {FILE_RULE, .body = two});
	EXPECT_FILE("401 once", "~|A:b:--|x|~;001|C:d:Name --|y \"z\"\nw|1;",
				{"GET", FAILED_FILE, .times = 1, .status = 401}, {FILE_RULE, .body = two});
	EXPECT_FILE_ERROR("no such job", SF_ERR_REMOTE, "NOT_FOUND",
					  {"GET", FAILED_FILE, .status = 404,
					   .body = "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"no\"}]"},
					  {"GET", "/services/async/62.0/job/750000000000001AAA", .status = 400,
					   .body = "{\"exceptionCode\":\"InvalidJob\",\"exceptionMessage\":"
							   "\"no\"}"});
	EXPECT_FILE_ERROR("no answer yet", SF_ERR_REMOTE, "the job has not finished",
					  {"GET", FAILED_FILE, .status = 204, .headers = ""});
	EXPECT_FILE_ERROR("a page of a proxy", SF_ERR_PROTOCOL, "text/html instead of text/csv",
					  {"GET", FAILED_FILE, .status = 200,
					   .headers = "Content-Type: text/html\r\n", .body = "<html>"});
	EXPECT_FILE_ERROR("fewer rows than the header says", SF_ERR_PROTOCOL, "2 instead of 3",
					  {"GET", FAILED_FILE, .status = 200,
					   .headers = CSV_TYPE "Sforce-NumberOfRecords: 3\r\n", .body = two});
	EXPECT_FILE_ERROR("a row with too few fields", SF_ERR_PROTOCOL, "row 1",
					  {FILE_RULE, .body = HEADER "\"a\",\"b\"\n"});
}

static void
test_columns(void)
{
	peer_rule rules[] = {LOGIN, {FILE_RULE, .body = HEADER "\"\",\"E\",\"x\",\"\"\n"}};
	file_scene sc;

	read_file(&sc, rules, COUNT(rules), 2);
	is_text(sc.columns, "sf__Id,sf__Error,Name,Phone,", "columns as the file names them");
	is_int(sf_results_api_calls(sc.r), 1, "one call");
	close_file(&sc, "columns");
}

/* A file that is long enough to be read in part before it breaks off. */
static char *
long_file(int rows, const char *last)
{
	char *text = malloc((size_t) rows * 40 + 200);
	size_t len = (size_t) sprintf(text, "%s", HEADER);

	for (int i = 0; i < rows; i++)
		len += (size_t) sprintf(text + len, "\"%d\",\"E:m:--\",\"name %d\",\"%s\"\n", i, i,
								i == 0 ? last : "");
	return text;
}

static void
test_broken(void)
{
	char *whole = long_file(20000, "");
	char *other = long_file(20000, "5");
	size_t zlen;
	char *gzip = gzip_text(whole, strlen(whole), &zlen);
	file_scene sc;

	{
		peer_rule rules[] = {LOGIN,
							 {FILE_RULE, .body = whole, .times = 1, .cut = strlen(whole) / 2},
							 {FILE_RULE, .body = whole}};

		read_file(&sc, rules, COUNT(rules), 2);
		ok(sc.st == SF_DONE && sc.count == 20000, "broken off: every row once (%d, %s)",
		   sc.count, sc.err.message);
		is_int(sf_results_api_calls(sc.r), 2, "by two calls");
		close_file(&sc, "broken off");
	}
	{
		peer_rule rules[] = {LOGIN,
							 {"GET", FAILED_FILE, .times = 1, .status = 200,
							  .headers = CSV_TYPE "Content-Encoding: gzip\r\n", .body = gzip,
							  .body_len = zlen, .cut = zlen * 3 / 4},
							 {"GET", FAILED_FILE, .status = 200,
							  .headers = CSV_TYPE "Content-Encoding: gzip\r\n", .body = gzip,
							  .body_len = zlen}};

		read_file(&sc, rules, COUNT(rules), 2);
		ok(sc.st == SF_DONE && sc.count == 20000, "gzip broken off: every row once (%d, %s)",
		   sc.count, sc.err.message);
		close_file(&sc, "gzip broken off");
	}
	{
		peer_rule rules[] = {LOGIN,
							 {FILE_RULE, .body = whole, .times = 1, .cut = strlen(whole) / 2},
							 {FILE_RULE, .body = other}};

		read_file(&sc, rules, COUNT(rules), 2);
		ok(sc.st == SF_FAILED && strstr(sc.err.message, "other ones") != NULL,
		   "another file behind the same name is an error: %s", sc.err.message);
		close_file(&sc, "another file");
	}
	{
		peer_rule rules[] = {LOGIN,
							 {FILE_RULE, .body = whole, .cut = strlen(whole) / 2, .times = 2}};

		read_file(&sc, rules, COUNT(rules), 1);
		ok(sc.st == SF_FAILED && sc.err.cls == SF_ERR_NETWORK,
		   "always broken off: an error after max_retries (%s)", sc.err.message);
		is_int(sf_results_api_calls(sc.r), 2, "after one repetition");
		close_file(&sc, "always broken off");
	}
	free(whole);
	free(other);
	free(gzip);
}

static void
test_row_errors(void)
{
	static const struct
	{
		const char *text;
		const char *code;
		const char *message;
		const char *fields;
	} cases[] = {
		{"REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
		 "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", "Name"},
		{"INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--",
		 "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ""},
		{"DUPLICATE_VALUE:duplicate value found: A__c duplicates value on record with id: "
		 "001:A__c B__c --",
		 "DUPLICATE_VALUE",
		 "duplicate value found: A__c duplicates value on record with id: 001", "A__c B__c"},
		{"CODE:see: (this) --", "CODE", "see: (this)", ""},
		{"CODE:text with no fields --", "CODE", "text with no fields", ""},
		{"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 200 records: "
		 "001xxx,001yyy,...:--",
		 "UNABLE_TO_LOCK_ROW",
		 "unable to obtain exclusive access to this record or 200 records: 001xxx,001yyy,...",
		 ""},
		{"CODE:first: second", "CODE", "first: second", ""},
		{"no code at all", "", "no code at all", ""},
		{"CODE:", "CODE", "", ""},
		{"CODE:--", "CODE", "", ""},
		{":--", "", "", ""},
		{"--", "", "", ""},
		{"", "", "", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		sf_row_error e;
		char text[256];
		/* a copy without a 0 behind it: nothing may be read there */
		size_t len = strlen(cases[i].text);
		char *copy = malloc(len + (len == 0));

		memcpy(copy, cases[i].text, len);
		sf_row_error_parse(copy, len, &e);
		is_text(e.code, cases[i].code, "the code");
		snprintf(text, sizeof(text), "%.*s", e.message_len, e.message);
		is_text(text, cases[i].message, "the message");
		snprintf(text, sizeof(text), "%.*s", e.fields_len, e.fields);
		is_text(text, cases[i].fields, "the fields");
		free(copy);
	}
}

int
main(void)
{
	test_files();
	test_columns();
	test_broken();
	test_row_errors();
	return tap_done();
}
