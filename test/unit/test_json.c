/*
 * test_json.c
 *		JSON answers: parsing, tables of members, error bodies, writing.
 */
#include "sf_json.h"
#include "tap.h"

static sf_json *
parse(const char *text, sf_error *err)
{
	/* not 0-terminated, and of its own size, so that a read behind it is noticed */
	size_t len = strlen(text);
	char *copy = malloc(len + (len == 0));
	sf_json *root;

	memcpy(copy, text, len);
	root = sf_json_parse(copy, len, "answer to the test", err);
	free(copy);
	return root;
}

static void
test_refused(void)
{
	static const struct
	{
		const char *text;
		size_t len;
		sf_error_class cls;
		const char *message;
	} texts[] = {
#define TEXT(text, cls, message) {text, sizeof(text) - 1, cls, message}
		TEXT("", SF_ERR_PROTOCOL, "answer to the test is not valid JSON"),
		TEXT("{", SF_ERR_PROTOCOL, "answer to the test is not valid JSON"),
		TEXT("{\"a\":1,}", SF_ERR_PROTOCOL, "answer to the test is not valid JSON"),
		TEXT("[1 2]", SF_ERR_PROTOCOL, "answer to the test is not valid JSON"),
		TEXT("<html>", SF_ERR_PROTOCOL, "answer to the test is not valid JSON"),
		TEXT("{} {}", SF_ERR_PROTOCOL, "answer to the test is not valid JSON"),
		TEXT("{}x", SF_ERR_PROTOCOL, "answer to the test is not valid JSON"),
		TEXT("{\"a\":\"b}", SF_ERR_PROTOCOL,
			 "answer to the test is not valid JSON: unexpected end"),
		TEXT("\"\\", SF_ERR_PROTOCOL, "answer to the test is not valid JSON: unexpected end"),
		TEXT("[1-2]", SF_ERR_PROTOCOL,
			 "answer to the test is not valid JSON: malformed number"),
		TEXT("[01]", SF_ERR_PROTOCOL,
			 "answer to the test is not valid JSON: malformed number"),
		TEXT("[1.]", SF_ERR_PROTOCOL,
			 "answer to the test is not valid JSON: malformed number"),
		TEXT("[1e]", SF_ERR_PROTOCOL,
			 "answer to the test is not valid JSON: malformed number"),
		TEXT("[-]", SF_ERR_PROTOCOL, "answer to the test is not valid JSON: malformed number"),
		TEXT("[1.5.5]", SF_ERR_PROTOCOL,
			 "answer to the test is not valid JSON: malformed number"),
		TEXT("{1234567890123456789 : 1}", SF_ERR_PROTOCOL,
			 "answer to the test is not valid JSON: a number as a name"),
		TEXT("[\"a\nb\"]", SF_ERR_PROTOCOL,
			 "answer to the test is not valid JSON: a control character inside a string"),
		TEXT("[\"\\ud800\"]", SF_ERR_PROTOCOL, "answer to the test is not valid JSON"),
		TEXT("[\"a\\u0000b\"]", SF_ERR_DATA, "answer to the test has a NUL character"),
		TEXT("[\"a\0b\"]", SF_ERR_DATA, "answer to the test has a NUL byte"),
		TEXT("[]\0", SF_ERR_DATA, "answer to the test has a NUL byte"),
		TEXT("[\"\xff\"]", SF_ERR_DATA, "answer to the test has invalid UTF-8"),
		TEXT("[\"\xed\xa0\x80\"]", SF_ERR_DATA, "answer to the test has invalid UTF-8"),
#undef TEXT
	};
	char deep[SF_JSON_DEPTH_MAX * 2 + 3];
	sf_error err = {0};
	sf_json *root;
	char *many;
	size_t n = SF_JSON_NODES_MAX + 10;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		char *copy = malloc(texts[i].len + 1);

		sf_error_reset(&err);
		memcpy(copy, texts[i].text, texts[i].len);
		root = sf_json_parse(copy, texts[i].len, "answer to the test", &err);
		ok(root == NULL, "refused: %zu", i);
		is_text(err.message, texts[i].message, "message");
		is_int(err.cls, texts[i].cls, "class");
		sf_json_free(root);
		free(copy);
	}

	memset(deep, '[', SF_JSON_DEPTH_MAX + 1);
	memset(deep + SF_JSON_DEPTH_MAX + 1, ']', SF_JSON_DEPTH_MAX + 1);
	deep[SF_JSON_DEPTH_MAX * 2 + 2] = 0;
	sf_error_reset(&err);
	ok(parse(deep, &err) == NULL && err.cls == SF_ERR_PROTOCOL, "nested too deep");
	deep[SF_JSON_DEPTH_MAX * 2 + 1] = 0;
	sf_error_reset(&err);
	root = parse(deep + 1, &err);
	ok(root != NULL, "as deep as allowed");
	sf_json_free(root);

	many = malloc(2 * n + 1);
	for (size_t i = 0; i < n; i++)
		memcpy(many + 2 * i, i == 0 ? "[0" : ",0", 2);
	many[2 * n] = ']';
	sf_error_reset(&err);
	ok(sf_json_parse(many, 2 * n + 1, "answer", &err) == NULL && err.cls == SF_ERR_LIMIT,
	   "too many values");
	free(many);
}

static void
test_nodes(void)
{
	sf_error err = {0};
	sf_json *root =
		parse(" {\"Name\":\"Z\\u00fcrich \\ud83d\\ude00 \\\" \\/\",\"n\":null,\"t\":true,"
			  "\"i\":-42,\"big\":9007199254740993,\"huge\":12345678901234567890,"
			  "\"d\":1.5,\"e\":1e3,\"long\":0.12345678901234567,\"wide\":1e300,\"over\":1e999,"
			  "\"list\":[1,[],{}]} \r\n",
			  &err);
	const sf_json *list = sf_json_get(root, "list");
	int64_t i = 0;
	double d = 0;
	bool b = false;
	sf_buf out;

	is_text(sf_json_text(sf_json_get(root, "Name")), "Zürich \U0001F600 \" /", "a text");
	ok(sf_json_get(root, "name") == NULL, "names are exact");
	ok(sf_json_get_nocase(root, "nAME") == sf_json_first(root), "unless asked otherwise");
	is_text(sf_json_name(sf_json_first(root)), "Name", "name of a member");
	is_int(sf_json_kind_of(sf_json_get(root, "n")), SF_JSON_NULL, "null");
	is_int(sf_json_kind_of(NULL), SF_JSON_NULL, "nothing counts as null");
	ok(sf_json_bool(sf_json_get(root, "t"), &b) && b, "true");
	ok(!sf_json_bool(sf_json_get(root, "i"), &b), "a number is no boolean");
	ok(sf_json_int64(sf_json_get(root, "i"), &i) && i == -42, "an integer");
	ok(sf_json_int64(sf_json_get(root, "big"), &i) && i == 9007199254740993,
	   "no digit is lost");
	is_int(sf_json_kind_of(sf_json_get(root, "big")), SF_JSON_NUMBER, "it is still a number");
	ok(sf_json_text(sf_json_get(root, "big")) == NULL, "and no text");
	ok(!sf_json_int64(sf_json_get(root, "huge"), &i), "too large for 64 bits");
	ok(sf_json_double(sf_json_get(root, "huge"), &d) && d == 12345678901234567890.0,
	   "as a double");
	ok(!sf_json_int64(sf_json_get(root, "d"), &i), "1.5 is no integer");
	ok(sf_json_int64(sf_json_get(root, "e"), &i) && i == 1000, "1e3 is one");
	ok(!sf_json_int64(sf_json_get(root, "wide"), &i), "1e300 fits nowhere");
	ok(sf_json_double(sf_json_get(root, "wide"), &d) && d == 1e300, "1e300 is a double");
	ok(!sf_json_double(sf_json_get(root, "over"), &d), "1e999 is none");
	ok(!sf_json_int64(sf_json_get(root, "long"), &i), "a fraction of many digits");
	ok(sf_json_double(sf_json_get(root, "long"), &d) && d == 0.12345678901234567,
	   "as a double");
	ok(!sf_json_double(sf_json_get(root, "Name"), &d), "a text is no number");
	is_int(sf_json_count(list), 3, "children");
	is_int(sf_json_count(NULL), 0, "no children of nothing");
	is_int(sf_json_kind_of(sf_json_next(sf_json_first(list))), SF_JSON_ARRAY, "siblings");
	ok(sf_json_get(list, "x") == NULL && sf_json_next(NULL) == NULL,
	   "wrong kinds give nothing");

	sf_buf_init(&out, 10000);
	sf_json_print(&out, root);
	is_text(out.data,
			"{\"Name\":\"Zürich \U0001F600 \\\" /\",\"n\":null,\"t\":true,\"i\":-42,"
			"\"big\":9007199254740993,\"huge\":12345678901234567890,\"d\":1.5,\"e\":1000,"
			"\"long\":0.12345678901234567,\"wide\":1e300,\"over\":1e999,\"list\":[1,[],{}]}",
			"printed");
	sf_buf_free(&out);
	sf_json_free_wiped(root);

	root = parse("{\"attributes\":{\"type\":\"A\"},\"street\":\"x\",\"geo\":{\"attributes\":1,"
				 "\"lat\":1.0}}",
				 &err);
	sf_json_print(&out, root);
	is_text(out.data, "{\"street\":\"x\",\"geo\":{\"lat\":1}}", "printed without attributes");
	sf_buf_free(&out);
	sf_json_free(root);
	sf_json_free(NULL);
	sf_json_free_wiped(NULL);
}

static void
test_tables(void)
{
	sf_error err = {0};
	sf_json *root =
		parse("{\"id\":\"750\",\"done\":false,\"size\":12,\"big\":5000000000,\"v\":62.0,"
			  "\"next\":null,\"records\":[],\"limits\":{},\"none\":null}",
			  &err);
	const char *id = NULL;
	const char *next = "x";
	const char *missing = "kept";
	bool done = true;
	int size = 0;
	int none = 7;
	int64_t big = 0;
	double version = 0;
	const sf_json *records = NULL;
	const sf_json *limits = NULL;
	const sf_json_field fields[] = {
		{"id", SF_FIELD_STRING, &id, true},
		{"next", SF_FIELD_STRING, &next, false},
		{"missing", SF_FIELD_STRING, &missing, false},
		{"done", SF_FIELD_BOOL, &done, true},
		{"size", SF_FIELD_INT, &size, true},
		{"none", SF_FIELD_INT, &none, false},
		{"big", SF_FIELD_INT64, &big, true},
		{"v", SF_FIELD_DOUBLE, &version, true},
		{"records", SF_FIELD_ARRAY, &records, true},
		{"limits", SF_FIELD_OBJECT, &limits, true},
	};
	const struct
	{
		sf_json_field field;
		const char *message;
	} wrong[] = {
		{{"absent", SF_FIELD_STRING, &id, true}, "\"absent\" is missing in answer"},
		{{"none", SF_FIELD_INT, &none, true}, "\"none\" is missing in answer"},
		{{"size", SF_FIELD_STRING, &id, false}, "\"size\" in answer is not a string"},
		{{"big", SF_FIELD_INT, &size, false}, "\"big\" in answer is not an integer"},
		{{"id", SF_FIELD_INT64, &big, false}, "\"id\" in answer is not an integer"},
		{{"id", SF_FIELD_DOUBLE, &version, false}, "\"id\" in answer is not a number"},
		{{"id", SF_FIELD_BOOL, &done, false}, "\"id\" in answer is not a boolean"},
		{{"limits", SF_FIELD_ARRAY, &records, false}, "\"limits\" in answer is not an array"},
		{{"records", SF_FIELD_OBJECT, &limits, false},
		 "\"records\" in answer is not an object"},
	};

	is_int(sf_json_read(root, "answer", fields, 10, &err), SF_OK, "a table of members");
	is_text(id, "750", "string");
	is_text(next, NULL, "null string");
	is_text(missing, "kept", "missing string");
	is_int(done, false, "bool");
	is_int(size, 12, "int");
	is_int(none, 7, "null int keeps its value");
	is_int(big, 5000000000, "int64");
	ok(version == 62.0, "double");
	ok(records != NULL && limits != NULL, "nodes");

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		sf_error_reset(&err);
		is_int(sf_json_read(root, "answer", &wrong[i].field, 1, &err), SF_FAILED, "refused");
		is_text(err.message, wrong[i].message, "message");
		is_int(err.cls, SF_ERR_PROTOCOL, "class");
	}
	sf_error_reset(&err);
	is_int(sf_json_read(records, "the list", fields, 1, &err), SF_FAILED, "no object");
	is_text(err.message, "the list is not a JSON object", "message");
	sf_json_free(root);
}

static void
test_remote_errors(void)
{
	static const struct
	{
		const char *body;
		int status;
		const char *message;
		const char *detail;
		const char *code;
	} bodies[] = {
		{"[{\"message\":\"Session expired or invalid\",\"errorCode\":\"INVALID_SESSION_ID\"}]",
		 401, "could not test: INVALID_SESSION_ID: Session expired or invalid", "",
		 "INVALID_SESSION_ID"},
		{"[{\"errorCode\":\"INVALIDJOB\",\"message\":\"InvalidJob : Unable to find object: "
		 "\"}]",
		 400, "could not test: INVALIDJOB: InvalidJob : Unable to find object:", "",
		 "INVALIDJOB"},
		{"[{\"message\":\"\\nSELECT Id FROM XYZZY\\n               ^\\nERROR at "
		 "Row:1:Column:16\\n"
		 "sObject type 'XYZZY' is not supported.\",\"errorCode\":\"INVALID_TYPE\"}]",
		 400, "could not test: INVALID_TYPE: sObject type 'XYZZY' is not supported.",
		 "SELECT Id FROM XYZZY\n               ^\nERROR at Row:1:Column:16", "INVALID_TYPE"},
		{"[{\"message\":\"Required fields are missing: [Name]\",\"errorCode\":"
		 "\"REQUIRED_FIELD_MISSING\",\"fields\":[\"Name\",\"Site\"]},{\"message\":\"other\","
		 "\"errorCode\":\"X\"},{\"message\":\"third\"},5]",
		 400, "could not test: REQUIRED_FIELD_MISSING: Required fields are missing: [Name]",
		 "Fields: Name, Site.\nFurther error: X: other\nFurther error: third",
		 "REQUIRED_FIELD_MISSING"},
		{"{\"error\":\"invalid_grant\",\"error_description\":\"authentication failure\"}", 400,
		 "could not test: invalid_grant: authentication failure", "", "invalid_grant"},
		{"{\"error\":\"invalid_grant\"}", 400, "could not test: invalid_grant", "",
		 "invalid_grant"},
		{"{\"success\":false,\"statusCode\":\"STRING_TOO_LONG\",\"message\":\"too "
		 "long\",\"fields\":[]}",
		 200, "could not test: STRING_TOO_LONG: too long", "", "STRING_TOO_LONG"},
		{"{\"exceptionCode\":\"InvalidBatch\",\"exceptionMessage\":\"no\"}", 400,
		 "could not test: InvalidBatch: no", "", "InvalidBatch"},
		{"[{\"message\":\"only a message\"}]", 500, "could not test: only a message", "", ""},
		{"[{\"message\":\"two\\nlines\",\"errorCode\":\"X\"}]", 500, "could not test: X: two",
		 "two\nlines", "X"},
		{"", 420, "could not test: HTTP status 420", "The answer is empty.", ""},
		{" \r\n", 0, "could not test: unexpected answer", "The answer is empty.", ""},
		{"{}", 503, "could not test: HTTP status 503", "The answer is: {}", ""},
		{"[\"/services/data/x\"]", 300, "could not test: HTTP status 300",
		 "The answer is: [\"/services/data/x\"]", ""},
		{"<!DOCTYPE html>\n<html><head><title>Bad Message 431</title><style>h1 {x:y}</style>"
		 "<script>if (a<b) alert('x')</script></head>\n<body><!-- <b>no</b> --><h1>Request "
		 "Header"
		 "\tFields Too Large</h1></body></html>",
		 431, "could not test: HTTP status 431",
		 "The answer is: Bad Message 431 Request Header Fields Too Large", ""},
		{"Service Unavailable\x01\x7f\xff!", 503, "could not test: HTTP status 503",
		 "The answer is: Service Unavailable ?!", ""},
		{"<html", 503, "could not test: HTTP status 503", "The answer is empty.", ""},
	};
	sf_error err = {0};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
	{
		size_t len = strlen(bodies[i].body);
		char *copy = malloc(len + (len == 0));

		memcpy(copy, bodies[i].body, len);
		sf_error_reset(&err);
		is_int(sf_json_remote_error(copy, len, bodies[i].status, SF_ERR_REMOTE, "test", &err),
			   SF_FAILED, "an error answer");
		is_text(err.message, bodies[i].message, "message");
		is_text(err.detail, bodies[i].detail, "detail");
		is_text(err.code, bodies[i].code, "code");
		is_int(err.http_status, bodies[i].status, "status");
		free(copy);
	}
}

static void
test_other_errors(void)
{
	sf_error err = {0};
	char text[1000];
	sf_json *root;

	/* cut in the middle of characters, with the dots behind */
	for (size_t n = 180; n < 210; n++)
	{
		memset(text, 'x', n);
		strcpy(text + n, "éééééééééééééééééééééééé");
		sf_error_reset(&err);
		sf_json_remote_error(text, strlen(text), 500, SF_ERR_REMOTE, "test", &err);
		if (strchr(err.detail, '?') != NULL ||
			strcmp(err.detail + strlen(err.detail) - 3, "...") != 0)
			break;
		text[0] = 0;
	}
	is_text(text, "", "an excerpt ends at a character border");

	sf_error_reset(&err);
	sf_error_set(&err, SF_ERR_NETWORK, "first");
	sf_json_remote_error("{\"error\":\"x\"}", 13, 400, SF_ERR_AUTH, "test", &err);
	is_text(err.message, "first", "an earlier error wins");
	is_text(err.code, "", "completely");
	is_int(sf_json_remote_error("", 0, 400, SF_ERR_AUTH, "test", NULL), SF_FAILED,
		   "no struct");

	sf_error_reset(&err);
	root = parse("{\"body\":[{\"errorCode\":\"NOT_FOUND\",\"message\":\"gone\"}]}", &err);
	sf_json_node_error(sf_json_get(root, "body"), 404, SF_ERR_REMOTE, "describe X", &err);
	is_text(err.message, "could not describe X: NOT_FOUND: gone", "from a node");
	sf_error_reset(&err);
	sf_json_node_error(NULL, 404, SF_ERR_REMOTE, "describe X", &err);
	is_text(err.message, "could not describe X: HTTP status 404", "from no node");
	sf_json_free(root);
}

static void
test_writing(void)
{
	char all[256];
	sf_error err = {0};
	sf_json *root;
	sf_buf out;

	sf_buf_init(&out, 10000);
	sf_buf_putc(&out, '{');
	sf_json_put_string(&out, "operation", "query");
	sf_json_put_string(&out, "query", "SELECT Id FROM A WHERE N = 'a\\'b\"\n\t\r\x01'");
	sf_json_put_string(&out, "none", NULL);
	sf_json_put_bool(&out, "yes", true);
	sf_json_put_bool(&out, "no", false);
	sf_buf_putc(&out, '}');
	is_text(out.data,
			"{\"operation\":\"query\",\"query\":\"SELECT Id FROM A WHERE N = "
			"'a\\\\'b\\\"\\n\\t\\r\\u0001'\",\"none\":null,\"yes\":true,\"no\":false}",
			"an object");
	sf_buf_free(&out);

	for (int i = 0; i < 127; i++)
		all[i] = (char) (i + 1);
	all[127] = 0;
	sf_json_quote(&out, all, 127);
	root = parse(out.data, &err);
	is_text(sf_json_text(root), all, "every character survives");
	sf_json_free(root);
	sf_buf_free(&out);

	sf_buf_init(&out, 5);
	is_int(sf_json_put_string(&out, "name", "value"), SF_FAILED, "a full buffer");
	sf_buf_free(&out);
}

int
main(void)
{
	test_refused();
	test_nodes();
	test_tables();
	test_remote_errors();
	test_other_errors();
	test_writing();
	return tap_done();
}
