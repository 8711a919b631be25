/*
 * sim_rest.c
 *		The simulator's REST surface below HTTP: what is said of broken JSON, references of composite requests,
 *		entity tags, limits that run out, and requests of any kind.
 */
#include <cjson/cJSON.h>

#include "clock.h"
#include "composite.h"
#include "tap.h"

/* ---------------------------------------------------------------- JSON */

static void
complains(const char *text, const char *expected)
{
	sim_buf b = {0};

	rest_json_complaint(text, strlen(text), &b);
	is_text(b.data, expected, text);
	sim_buf_free(&b);
}

static void
test_complaints(void)
{
	complains("{\"a\":[1,-2.5e+3,true,false,null,\"\\u00e9\\n\"],\"b\":{}} ", NULL);
	complains("0", NULL);
	complains("", "Unexpected end-of-input at [line:1, column:1]");
	complains("{", "Unexpected end-of-input: expected close marker for OBJECT at [line:1, "
				   "column:2]");
	complains("[1,", "Unexpected end-of-input within/between ARRAY entries at [line:1, "
					 "column:4]");
	complains("{\"a\":1,}",
			  "Unexpected character ('}' (code 125)): was expecting double-quote "
			  "to start field name at [line:1, column:8]");
	complains("01", "Invalid numeric value: Leading zeroes not allowed at [line:1, column:1]");
	complains("1.", "Unexpected end-of-input at [line:1, column:3]");
	complains("[1.x]",
			  "Unexpected character ('x' (code 120)): Decimal point not followed by a "
			  "digit at [line:1, column:4]");
	complains("{}\n{}", "Unexpected character ('{' (code 123)): was expecting the end of the "
						"document at [line:2, column:1]");
	complains("\"\\x\"", "Unrecognized character escape 'x' (code 120) at [line:1, column:3]");
	complains("\"a\tb\"", "Illegal character ((CTRL-CHAR, code 9)): has to be escaped using "
						  "backslash to be included in string value at [line:1, column:3]");
	complains("\"\xc3(\"", "Invalid UTF-8 middle byte 0x28 at [line:1, column:3]");
	complains("\"\xed\xa0\x80\"", "Invalid UTF-8 middle byte 0xa0 at [line:1, column:3]");
}

/* What has no complaint is read by cJSON, whatever it is. */
static void
test_same_grammar(void)
{
	static const char seed[] =
		"{\"a\":[1,-2.5e+3,true,null,\"\\u00e9\\n\"],\"b\":{\"c\":\"x\"}}";
	static const char bytes[] = "{}[]:,\"\\0123.eEtfn u-+\x01\xff";
	uint32_t r = 12345;
	bool good = true;
	int valid = 0;

	for (int i = 0; i < 20000; i++)
	{
		char text[sizeof(seed)];
		size_t len = sizeof(seed) - 1;
		sim_buf b = {0};
		cJSON *tree;

		memcpy(text, seed, sizeof(seed));
		for (int k = 0; k < 1 + i % 3; k++)
		{
			r = r * 1664525u + 1013904223u;
			text[(r >> 8) % len] = bytes[(r >> 20) % (sizeof(bytes) - 1)];
		}
		if (i % 7 == 0)
			len = (r >> 4) % len;
		text[len] = '\0';
		rest_json_complaint(text, len, &b);
		tree = b.len == 0 ? cJSON_ParseWithLength(text, len) : NULL;
		valid += tree != NULL;
		if (b.len == 0 && tree == NULL)
			good = false;
		cJSON_Delete(tree);
		sim_buf_free(&b);
	}
	ok(good, "what has no complaint can be read");
	ok(valid > 100, "and that were %d texts", valid);
}

static void
test_find(void)
{
	const char *text = "{\"records\" : [ {\"a\":1}, {\"a\":\"x\",\"b\" : 2} ]}";
	size_t len = strlen(text);
	size_t at = rest_json_find(text, len, 0, "records", -1);

	is_int((long long) at, 13, "a member");
	at = rest_json_find(text, len, at, NULL, 1);
	is_int((long long) at, 24, "an element");
	at = rest_json_find(text, len, at, "b", -1);
	is_int(text[at], '2', "a member of it");
	is_int((long long) rest_json_find(text, len, 0, "none", -1), (long long) len, "none");
	is_int((long long) rest_json_find(text, len, 13, NULL, 2), (long long) len, "too few");
	is_int((long long) rest_json_find(text, len, 0, NULL, 0), (long long) len, "no array");
}

/* ---------------------------------------------------------------- references */

static void
is_reference(const part *parts, const char *url, const char *expected)
{
	sim_buf b = {0};
	char why[PART_WHY] = "";

	if (refs_in_url(url, parts, 2, &b, why))
		is_text(b.data, expected, url);
	else
		is_text(why, expected, url);
	sim_buf_free(&b);
}

static void
is_resolved(const part *parts, const char *json, bool null_ok, const char *expected)
{
	cJSON *tree = cJSON_Parse(json);
	char why[PART_WHY] = "";
	cJSON *copy = refs_in_tree(tree, parts, 2, null_ok, why);
	char *text = copy ? cJSON_PrintUnformatted(copy) : NULL;

	is_text(copy ? text : why, expected, json);
	cJSON_free(text);
	cJSON_Delete(copy);
	cJSON_Delete(tree);
}

static void
test_references(void)
{
#define NO_VALUE(path, ref)                                                                   \
	"Invalid reference specified. No value for " path " found in " ref                        \
	". Provided referenceId ('" path                                                          \
	"') must start with a letter or a number, and it can contain only letters, numbers "      \
	"and underscores ('_')."
	part parts[2] = {{.reference = "a"}, {.reference = "q"}};

	parts[0].body = cJSON_Parse("{\"id\":\"001\",\"n\":1.5,\"z\":null,\"s\":\"x y\"}");
	parts[1].body = cJSON_Parse("{\"records\":[{\"Id\":\"003\",\"A\":{\"B\":\"deep\"}}]}");
	is_reference(parts, "/x/@{a.id}?y=@{q.records[0].Id}", "/x/001?y=003");
	is_reference(parts, "/x/@{q.records[0].A.B}", "/x/deep");
	is_reference(parts, "/x/@{a.s}", "/x/x%20y");
	is_reference(parts, "/x/@{a.Id}", NO_VALUE("a.Id", "a"));
	is_reference(parts, "/x/@{b.id}", NO_VALUE("b.id", "b"));
	is_reference(parts, "/x/@{q.records[1].Id}", NO_VALUE("q.records[1].Id", "q"));
	is_reference(parts, "/x/@{q.records[x].Id}", NO_VALUE("q.records[x].Id", "q"));
	is_reference(parts, "/x/@{q.records[", "/x/@{q.records[");
	is_reference(parts, "/x/@{q.records[}", NO_VALUE("q.records[", "q"));
	is_reference(parts, "/x/@{q.records[99999999999999999999]}",
				 NO_VALUE("q.records[99999999999999999999]", "q"));
	is_reference(parts, "/x/@{}", NO_VALUE("", ""));
	is_reference(parts, "/x/@{a..id}", NO_VALUE("a..id", "a"));
	is_reference(parts, "/x/@{a.z}", NO_VALUE("a.z", "a"));
	is_reference(parts, "@@{@{a.id}", NO_VALUE("@{a.id", "@{a"));
	is_resolved(parts, "{\"k\":\"@{a.n}\",\"l\":[\"-@{a.id}-@{a.n}\",{\"m\":\"@{a.s}\"}]}",
				true, "{\"k\":1.5,\"l\":[\"-001-1.5\",{\"m\":\"x y\"}]}");
	is_resolved(parts, "{\"k\":\"@{a.z}\",\"l\":1}", true, "{\"k\":null,\"l\":1}");
	is_resolved(parts, "{\"k\":\"@{a.z}\"}", false, NO_VALUE("a.z", "a"));
	is_resolved(parts, "{\"k\":\"@{q.records[0]}\"}", true,
				"{\"k\":{\"Id\":\"003\",\"A\":{\"B\":\"deep\"}}}");
	cJSON_Delete(parts[0].body);
	cJSON_Delete(parts[1].body);
}

/* ---------------------------------------------------------------- conditions */

static void
is_answer(srv *s, const char *header, const char *value, int64_t modified, int expected)
{
	srv_request *req = srv_request_new(s, "/services/data/v62.0/x");

	srv_request_header(req, header, value);
	srv_json(req, 200);
	rest_conditional(req, modified, "\"abc\"", true);
	ok(req->resp.status == expected, "%s: %s gives %d", header, value, req->resp.status);
	srv_request_free(req);
}

static void
test_conditions(srv *s)
{
	int64_t then = srv_parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");

	is_answer(s, "If-None-Match", "\"abc\"", then, 304);
	is_answer(s, "If-None-Match", "\"x\", W/\"abc--gzip\"", then, 304);
	is_answer(s, "If-None-Match", "*", then, 304);
	is_answer(s, "If-None-Match", "\"ab\"", then, 200);
	is_answer(s, "If-None-Match", "\"", then, 200);
	is_answer(s, "If-Match", "\"abc\"", then, 200);
	is_answer(s, "If-Match", "\"abcd\"", then, 412);
	is_answer(s, "If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT", then, 304);
	is_answer(s, "If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT", then, 200);
	is_answer(s, "If-Modified-Since", "yesterday", then, 200);
	is_answer(s, "If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT", then, 412);
}

/* ---------------------------------------------------------------- limits */

static void
test_limits(srv *s)
{
	s->options.batches_max = 10;
	ok(srv_limits_use(s, LIMIT_BULK_BATCHES, 6), "six of ten");
	ok(!srv_limits_use(s, LIMIT_BULK_BATCHES, 5), "five more are too many");
	is_int(srv_limits_used(s, LIMIT_BULK_BATCHES), 6, "and were not used");
	sim_clock_advance((int64_t) 12 * 3600 * 1000);
	ok(srv_limits_use(s, LIMIT_BULK_BATCHES, 4), "four are not, 12 hours later");
	sim_clock_advance((int64_t) 13 * 3600 * 1000);
	is_int(srv_limits_used(s, LIMIT_BULK_BATCHES), 4, "the first are free again after 25");
	s->options.enforce_limits = false;
	ok(srv_limits_use(s, LIMIT_BULK_BATCHES, 100), "a limit that is not enforced");
	is_int(srv_limits_used(s, LIMIT_BULK_BATCHES), 104, "still counts");
	is_int(srv_limits_used(s, LIMIT_QUERY_JOBS), 0, "each counts by itself");
	sim_clock_reset();
	srv_limits_reset(s);
	s->options.enforce_limits = true;
}

/* ---------------------------------------------------------------- requests of any kind */

/* Run one; its answer must be JSON, and no trouble of the simulator's own. */
static bool
survives(srv *s, const char *method, const char *uri, const char *body, size_t len)
{
	srv_request *req = srv_request_new(s, uri);
	bool good;

	if (req == NULL)
		return false;
	snprintf(req->method, sizeof(req->method), "%s", method);
	sim_buf_add(&req->body, body, len);
	srv_route(req);
	rest_accept(req);
	good = req->resp.status >= 200 && req->resp.status < 500;
	if (good && req->resp.body.len > 0)
	{
		cJSON *tree = cJSON_ParseWithLength(req->resp.body.data, req->resp.body.len);

		good = tree != NULL;
		cJSON_Delete(tree);
	}
	if (!good)
		diag("%s %s %.*s: %d %.200s", method, uri, (int) len, body, req->resp.status,
			 req->resp.body.data ? req->resp.body.data : "");
	srv_request_free(req);
	return good;
}

#define V "/services/data/v62.0"

static const struct
{
	const char *method;
	const char *uri;
	const char *body;
} calls[] = {
	{"POST", V "/sobjects/Account", "{\"Name\":\"x\",\"AnnualRevenue\":1e300,\"Phone\":null}"},
	{"POST", V "/sobjects/Contact",
	 "{\"LastName\":\"x\",\"Account\":{\"External_Id__c\":\"y\"},\"Birthdate\":\"2020-01-"
	 "01\"}"},
	{"PATCH", V "/sobjects/Contact/External_Id__c/k", "{\"LastName\":\"x\"}"},
	{"POST", V "/composite/sobjects",
	 "{\"allOrNone\":true,\"records\":[{\"attributes\":{\"type\":\"Account\"},\"Name\":\"x\"}]"
	 "}"},
	{"PATCH", V "/composite/sobjects/Contact/Id",
	 "{\"records\":[{\"attributes\":{\"type\":\"Contact\"},\"Id\":null,\"LastName\":\"x\"}]}"},
	{"POST", V "/composite/sobjects/Account", "{\"ids\":[\"x\"],\"fields\":[\"Name\"]}"},
	{"POST", V "/composite/tree/Account",
	 "{\"records\":[{\"attributes\":{\"type\":\"Account\",\"referenceId\":\"r\"},\"Name\":"
	 "\"x\","
	 "\"Contacts\":{\"records\":[{\"attributes\":{\"type\":\"Contact\",\"referenceId\":\"s\"},"
	 "\"LastName\":\"y\"}]}}]}"},
	{"POST", V "/composite",
	 "{\"allOrNone\":true,\"compositeRequest\":[{\"method\":\"POST\",\"url\":\"" V "/sobjects/"
	 "Account\",\"referenceId\":\"a\",\"body\":{\"Name\":\"x\"}},{\"method\":\"GET\","
	 "\"url\":\"" V "/sobjects/Account/@{a.id}\",\"referenceId\":\"b\"}]}"},
	{"POST", V "/composite/batch",
	 "{\"batchRequests\":[{\"method\":\"GET\",\"url\":\"v62.0/sobjects/Account\","
	 "\"richInput\":{}}]}"},
	{"POST", V "/composite/graph",
	 "{\"graphs\":[{\"graphId\":\"g\",\"compositeRequest\":[{\"method\":\"POST\",\"url\":\"" V
	 "/sobjects/Account\",\"referenceId\":\"a\",\"body\":{\"Name\":\"x\"}}]}]}"},
};

#define CALLS ((int) (sizeof(calls) / sizeof(*calls)))

static void
test_hostile(srv *s)
{
	static const char *const pieces[] = {"null", "[]", "{}",	   "\"\"", "-1", "1e999",
										 "true", "[[", "\"@{a}\"", "]",	   "}",	 "\"Id\""};
	uint32_t r = 99;
	bool good = true;

	for (int i = 0; i < CALLS; i++)
		good =
			survives(s, calls[i].method, calls[i].uri, calls[i].body, strlen(calls[i].body)) &&
			good;
	ok(good, "as they should be");
	for (int i = 0; i < 3000; i++)
	{
		const char *body = calls[i % CALLS].body;
		size_t len = strlen(body);
		sim_buf b = {0};
		size_t at, cut;

		/* replace a piece of the text by another one */
		r = r * 1664525u + 1013904223u;
		at = (r >> 6) % len;
		r = r * 1664525u + 1013904223u;
		cut = (r >> 6) % (len - at < 12 ? len - at + 1 : 12);
		sim_buf_add(&b, body, at);
		sim_buf_str(&b, pieces[(r >> 20) % (sizeof(pieces) / sizeof(*pieces))]);
		sim_buf_str(&b, body + at + cut);
		good =
			survives(s, calls[i % CALLS].method, calls[i % CALLS].uri, b.data, b.len) && good;
		sim_buf_free(&b);
	}
	ok(good, "and with pieces replaced");
}

int
main(void)
{
	srv s = {0};
	sim_options opt;
	sim_error err;

	sim_options_init(&opt);
	sim_options_rows(&opt, "Account=20", &err);
	sim_options_rows(&opt, "Contact=20", &err);
	sim_options_rows(&opt, "Opportunity=20", &err);
	sim_options_rows(&opt, "Invoice__c=20", &err);
	pthread_mutex_init(&s.lock, NULL);
	srv_options_init(&s.options);
	s.temp_dir = "/tmp";
	s.cursors = cursors_new();
	s.faults = faults_new();
	s.org = sim_org_open(&opt, &err);
	if (s.org == NULL || s.cursors == NULL)
	{
		ok(false, "an org: %s", err.message);
		return tap_done();
	}
	test_complaints();
	test_same_grammar();
	test_find();
	test_references();
	test_conditions(&s);
	test_limits(&s);
	test_hostile(&s);
	cursors_free(s.cursors);
	faults_free(s.faults);
	sim_org_close(s.org);
	pthread_mutex_destroy(&s.lock);
	return tap_done();
}
