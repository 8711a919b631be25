/*
 * sim_http.c
 *		The simulator's request and answer texts: URIs, parameters, encodings, dates.
 */
#include "server.h"
#include "tap.h"

static srv_request *
request(const char *uri)
{
	return srv_request_new(NULL, uri);
}

/* The path segments joined with "|", "(none)" when no route can match. */
static void
is_path(const char *uri, const char *expected)
{
	srv_request *req = request(uri);
	sim_buf b = {0};

	sim_buf_str(&b, req->nsegs < 0 ? "(none)" : "");
	for (int i = 0; i < req->nsegs; i++)
		sim_buf_printf(&b, "%s%s", i ? "|" : "", req->segs[i]);
	is_text(b.data, expected, uri);
	sim_buf_free(&b);
	srv_request_free(req);
}

static void
test_paths(void)
{
	is_path("/", "");
	is_path("/services/data", "services|data");
	is_path("/services/data/?x=/y", "services|data");
	is_path("/a%2Fb/c%20d", "a/b|c d");
	is_path("/jobs/query//750", "(none)");
	is_path("//jobs", "jobs"); /* recorded: a client that begins with two is answered */
	is_path("/jobs//query", "(none)");
	is_path("jobs", "(none)");
	is_path("http://host:8080/a/b", "a|b"); /* as a proxy is asked */
	is_path("HTTPS://host/a", "a");
	is_path("http://host", "");
	is_path("ftp://host/a", "(none)");
	is_path("/a/b/c/d/e/f/g/h/i/j/k/l/m", "(none)");
}

static void
is_param(const char *form, const char *name, const char *expected)
{
	char *value = srv_param(form, name, NULL);

	is_text(value, expected, form);
	free(value);
}

static void
test_params(void)
{
	srv_request *req = request("/x?n=12&bad=1x&neg=-1&empty=&big=1234567890123456789");
	size_t len = 0;
	char *value;

	is_param("a=1&b=2", "b", "2");
	is_param("a=1&b=2", "c", NULL);
	is_param("", "a", NULL);
	is_param("a", "a", "");
	is_param("a=", "a", "");
	is_param("aa=1&a=2", "a", "2");
	is_param("%61=x+y%2Bz%20", "a", "x y+z ");
	is_param("a=%zz%4", "a", "%zz%4");
	is_param("a=1=2&b=3", "a", "1=2");
	value = srv_param("a=x%00y", "a", &len);
	ok(len == 3 && memcmp(value, "x\0y", 3) == 0, "a NUL inside a value");
	free(value);
	is_int(srv_param_int(req, "n", 7), 12, "a number");
	is_int(srv_param_int(req, "none", 7), 7, "the default");
	is_int(srv_param_int(req, "bad", 7), -1, "no number");
	is_int(srv_param_int(req, "neg", 7), -1, "a sign is no number");
	is_int(srv_param_int(req, "empty", 7), -1, "nothing is no number");
	is_int(srv_param_int(req, "big", 7), -1, "too many digits");
	srv_request_free(req);
}

static void
is_gzip(const char *header, bool expected)
{
	srv_request *req = request("/");

	if (header)
		srv_request_header(req, "accept-encoding", header);
	ok(srv_accepts_gzip(req) == expected, "Accept-Encoding: %s", header ? header : "(none)");
	srv_request_free(req);
}

static void
test_accept(void)
{
	is_gzip(NULL, false);
	is_gzip("", false);
	is_gzip("gzip", true);
	is_gzip("deflate, gzip", true);
	is_gzip("deflate,GZIP;q=0.5,br", true);
	is_gzip("gzip;q=0, identity", false);
	is_gzip("gzip;q=0.000", false);
	is_gzip("x-gzip, gzipped", false);
	is_gzip("identity;q=0, gzip;q=1.0", true);
}

static void
is_base64(const char *text, const char *expected)
{
	size_t len = 0;
	unsigned char *got = srv_base64_decode(text, strlen(text), &len);

	is_text((char *) got, expected, *text ? text : "(nothing)");
	free(got);
}

static void
test_base64(void)
{
	sim_buf b = {0};

	is_base64("", "");
	is_base64("Zg==", "f");
	is_base64("Zm8", "fo");
	is_base64("Zm9v", "foo");
	is_base64("Zm9vYg", "foob");
	is_base64("fn5-Pz8_", "~~~???");
	is_base64("fn5+Pz8/", "~~~???");
	is_base64("Z", NULL);
	is_base64("Zm9v!", NULL);
	srv_base64url_encode(&b, "\xff\xfe~foob", 7);
	is_text(b.data, "__5-Zm9vYg", "base64url has no padding");
	sim_buf_free(&b);
}

static void
is_pretty(const char *compact, const char *expected)
{
	sim_buf in = {0};
	sim_buf out = {0};

	sim_buf_str(&in, compact);
	srv_pretty_json(&in, &out);
	is_text(out.data, expected, compact);
	sim_buf_free(&in);
	sim_buf_free(&out);
}

static void
test_pretty(void)
{
	is_pretty("{\"a\":1,\"b\":[]}", "{\n  \"a\" : 1,\n  \"b\" : [ ]\n}");
	is_pretty("[{\"m\":\"x:,{}[]\",\"n\":{}}]",
			  "[ {\n  \"m\" : \"x:,{}[]\",\n  \"n\" : { }\n} ]");
	is_pretty("{\"a\":[1,2,{\"b\":\"q\\\"\\\\\"},[3]]}",
			  "{\n  \"a\" : [ 1, 2, {\n    \"b\" : \"q\\\"\\\\\"\n  }, [ 3 ] ]\n}");
}

static void
test_dates(void)
{
	char text[40];

	srv_http_date(784111777, text);
	is_text(text, "Sun, 06 Nov 1994 08:49:37 GMT", "a date");
	is_int(srv_parse_http_date(text), 784111777, "and back");
	is_int(srv_parse_http_date("yesterday"), -1, "no date");
	is_int(srv_parse_http_date("Sun, 06 Nov 1994 08:49:37"), -1, "no GMT");
	is_int(srv_parse_http_date("Sun, 06 Foo 1994 08:49:37 GMT"), -1, "no month");
}

static void
test_headers(void)
{
	srv_response resp = {0};
	srv_request *req = request("/x");

	srv_set_header(&resp, "Sforce-Locator", "a");
	srv_set_header(&resp, "X-Other", "b");
	srv_set_header(&resp, "sforce-locator", "c");
	is_text(srv_get_header(&resp, "SFORCE-LOCATOR"), "c", "a header is replaced in any case");
	is_int(resp.nheaders, 2, "not added");
	srv_set_header(&resp, "Sforce-Locator", NULL);
	is_text(srv_get_header(&resp, "Sforce-Locator"), NULL, "NULL removes it");
	is_text(srv_get_header(&resp, "X-Other"), "b", "and no other");
	srv_response_reset(&resp);
	for (int i = 0; i < 2 * SRV_MAX_HEADERS; i++)
		srv_request_header(req, "X", "y");
	is_int(req->nheaders, SRV_MAX_HEADERS, "request headers are bounded");
	is_int((long long) req->header_bytes, 2 * SRV_MAX_HEADERS * 6, "but all are counted");
	srv_request_free(req);
}

/* More requests than the log holds: the oldest are forgotten. */
static void
test_full_log(void)
{
	srv s = {.log = log_new()};
	srv_request *get;
	int64_t last = 0;

	for (int i = 0; i < 20100; i++)
	{
		srv_request *req = srv_request_new(&s, i < 100 ? "/old" : "/new");

		log_arrive(req);
		last = req->log_id;
		srv_request_free(req);
	}
	get = srv_request_new(&s, "/__sfsim/log?bodies=none");
	log_get(get);
	is_int(last, 20100, "every request is counted");
	ok(strstr(get->resp.body.data, "/old") == NULL &&
		   strstr(get->resp.body.data, "/new") != NULL,
	   "a full log forgets its oldest requests");
	srv_request_free(get);
	log_free(s.log);
}

int
main(void)
{
	test_paths();
	test_params();
	test_accept();
	test_base64();
	test_pretty();
	test_dates();
	test_headers();
	test_full_log();
	return tap_done();
}
