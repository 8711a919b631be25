/*
 * sim_faults.c
 *		Faults of the simulator from the inside: globs, what a spec may say, edits of bodies.
 */
#include "faults.h"
#include "tap.h"

static void
glob(const char *pattern, const char *text, bool expected)
{
	ok(fault_glob(pattern, text, strlen(text)) == expected, "glob \"%s\" and \"%s\"", pattern,
	   text);
}

static void
test_globs(void)
{
	char many[4001];
	char stars[601];

	glob("", "", true);
	glob("", "a", false);
	glob("*", "", true);
	glob("*", "a/b", true);
	glob("*/results", "/services/data/v62.0/jobs/query/750/results", true);
	glob("*/results", "/results/x", false);
	glob("a*b*c", "aXbYbZc", true);
	glob("a*b*c", "aXbYbZ", false);
	glob("a?c", "abc", true);
	glob("a?c", "ac", false);
	glob("[a-c]x[!0-9]", "bxy", true);
	glob("[a-c]x[!0-9]", "bx1", false);
	glob("[]]", "]", true);
	glob("[a", "[a", true);
	glob("[", "[", true);
	glob("\\*", "*", true);
	glob("\\*", "a", false);
	glob("\\", "\\", true);
	glob("*[", "x[", true);
	ok(fault_glob("a*d", "a\0b\0d", 5), "text with NUL bytes");

	/* what would take for ever with a matcher that tries all stars */
	memset(many, 'a', 4000);
	many[4000] = '\0';
	for (int i = 0; i < 600; i += 2)
		memcpy(stars + i, "*a", 2);
	stars[600] = '\0';
	glob(stars, many, true);
	stars[599] = 'b';
	glob(stars, many, false);
}

static void
is_valid(const char *text, const char *problem)
{
	cJSON *spec = cJSON_Parse(text);
	sim_error err = {.message = ""};
	bool good = fault_check(spec, &err);

	if (problem)
		ok(!good && strstr(err.message, problem) != NULL, "%s: %s", text, err.message);
	else
		ok(good, "%s %s", text, err.message);
	cJSON_Delete(spec);
}

static void
test_specs(void)
{
	is_valid("{}", NULL);
	is_valid("[]", "is a JSON object");
	is_valid("7", "is a JSON object");
	is_valid("{\"hold\":\"body\",\"hold_at\":5,\"name\":\"x\"}", NULL);
	is_valid("{\"hold\":\"bod\"}", "hold");
	is_valid("{\"hold\":\"\"}", "hold");
	is_valid("{\"nth\":1e300}", "nth");
	is_valid("{\"replace\":[{\"find\":\"a\",\"with_hex\":\"0aFf\"}]}", NULL);
	is_valid("{\"replace\":\"x\"}", "replace");
	is_valid("{\"replace\":[[]]}", "replace");
	is_valid("{\"body_hex\":\"0\"}", "body_hex");
	is_valid("{\"drop_headers\":[\"a\",\"b\"]}", NULL);
	is_valid("{\"drop_headers\":[1]}", "drop_headers");
	is_valid("{\"piece\":0}", "piece");
	is_valid("{\"job\":{\"states\":[\"InProgress\",\"Nowhere\"]}}", "unknown state");
	is_valid("{\"part\":true,\"gzip_cut\":1}", "not with parts");
}

/* The body that is left of the text after the edits of the spec. */
static void
is_edited(const char *text, const char *spec_text, const char *expected)
{
	cJSON *spec = cJSON_Parse(spec_text);
	srv_response resp = {0};

	sim_buf_str(&resp.body, text);
	fault_edit(spec, &resp);
	is_text(resp.body.len ? resp.body.data : "", expected, spec_text);
	cJSON_Delete(spec);
	srv_response_reset(&resp);
}

static void
test_edits(void)
{
	const char *page = "\"a\",\"b\"\n\"1\",\"x\ny\"\n\"2\",\"z,\"\"\"\n";

	is_edited(page, "{\"header_only\":true}", "\"a\",\"b\"\n");
	is_edited(page, "{\"drop_rows\":1}", "\"a\",\"b\"\n\"1\",\"x\ny\"\n");
	is_edited(page, "{\"drop_rows\":9}", "\"a\",\"b\"\n");
	is_edited(page, "{\"repeat_rows\":1}",
			  "\"a\",\"b\"\n\"1\",\"x\ny\"\n\"2\",\"z,\"\"\"\n\"2\",\"z,\"\"\"\n");
	is_edited(page, "{\"reverse_columns\":true}",
			  "\"b\",\"a\"\n\"x\ny\",\"1\"\n\"z,\"\"\",\"2\"\n");
	is_edited("a;b\r\n1;2\r\n", "{\"reverse_columns\":true,\"delimiter\":\";\"}",
			  "b;a\r\n2;1\r\n");
	is_edited("", "{\"drop_rows\":1,\"repeat_rows\":2,\"shuffle_rows\":true}", "");
	is_edited("a\n", "{\"drop_rows\":1,\"repeat_rows\":2,\"shuffle_rows\":true}", "a\n");
	is_edited("abcabc", "{\"replace\":{\"find\":\"b\",\"with\":\"\"}}", "acabc");
	is_edited("abcabc", "{\"replace\":{\"find\":\"b\",\"with\":\"bb\",\"all\":true}}",
			  "abbcabbc");
	is_edited("abc", "{\"replace\":{\"find\":\"\",\"with\":\"x\"}}", "abc");
	is_edited("abc", "{\"insert\":{\"at\":-99,\"text\":\"x\"}}", "xabc");
	is_edited("abc", "{\"insert\":[{\"at\":99,\"text\":\"x\"},{\"at\":-1,\"hex\":\"79\"}]}",
			  "abcyx");
	is_edited("", "{\"insert\":{\"text\":\"x\"}}", "x");
	is_edited("abc", "{\"empty\":true}", "");
}

int
main(void)
{
	test_globs();
	test_specs();
	test_edits();
	return tap_done();
}
