/*
 * test_url.c
 *		URLs, ids and SOQL literals.
 */
#include "sf_url.h"
#include "tap.h"

static void
test_parse(void)
{
	static const struct
	{
		const char *text;
		const char *origin; /* NULL: refused */
		const char *path;
		bool loopback;
	} urls[] = {
		{"https://login.salesforce.com", "https://login.salesforce.com", "/", false},
		{"HTTPS://Acme.My.Salesforce.com/", "https://acme.my.salesforce.com", "/", false},
		{"https://acme.my.salesforce.com:443/a?b=c", "https://acme.my.salesforce.com",
		 "/a?b=c", false},
		{"https://acme.my.salesforce.com:8443", "https://acme.my.salesforce.com:8443", "/",
		 false},
		{"https://acme.my.salesforce.com?x=y", "https://acme.my.salesforce.com", "/?x=y",
		 false},
		{"http://localhost:8080/x", "http://localhost:8080", "/x", true},
		{"http://127.0.0.1:1", "http://127.0.0.1:1", "/", true},
		{"http://127.255.1.2", "http://127.255.1.2", "/", true},
		{"http://[::1]:65535/", "http://[::1]:65535", "/", true},
		{"https://[2001:DB8::1]", "https://[2001:db8::1]", "/", false},
		{"http://127.0.0.1.example.com", "http://127.0.0.1.example.com", "/", false},
		{"http://127.0.0.256", "http://127.0.0.256", "/", false},
		{"http://127.0.1", "http://127.0.1", "/", false},
		{"http://127.0.0.1.", "http://127.0.0.1.", "/", false},
		{"http://127.0.0.1.2", "http://127.0.0.1.2", "/", false},
		{"http://localhost.example.com", "http://localhost.example.com", "/", false},
		{"http://notlocalhost", "http://notlocalhost", "/", false},
		{"", NULL, NULL, false},
		{NULL, NULL, NULL, false},
		{"login.salesforce.com", NULL, NULL, false},
		{"ftp://login.salesforce.com", NULL, NULL, false},
		{"file:///etc/passwd", NULL, NULL, false},
		{"https:/login.salesforce.com", NULL, NULL, false},
		{"https://", NULL, NULL, false},
		{"https:///path", NULL, NULL, false},
		{"https://:443", NULL, NULL, false},
		{"https://user@login.salesforce.com", NULL, NULL, false},
		{"https://user:pw@login.salesforce.com/", NULL, NULL, false},
		{"https://login.salesforce.com@evil.example", NULL, NULL, false},
		{"https://evil.example\\@login.salesforce.com", NULL, NULL, false},
		{"https://login.salesforce.com/a#b", NULL, NULL, false},
		{"https://login.salesforce.com/a b", NULL, NULL, false},
		{"https://login.salesforce.com/a\r\nHost: x", NULL, NULL, false},
		{"https://login.salesforce.com\t", NULL, NULL, false},
		{"https://zürich.example", NULL, NULL, false},
		{"https://a:0", NULL, NULL, false},
		{"https://a:65536", NULL, NULL, false},
		{"https://a:", NULL, NULL, false},
		{"https://a:44x", NULL, NULL, false},
		{"https://a:-1", NULL, NULL, false},
		{"https://a:0000443", NULL, NULL, false},
		{"https://[::1", NULL, NULL, false},
		{"https://[::1]x", NULL, NULL, false},
		{"https://[]", NULL, NULL, false},
		{"https://[evil.example]", NULL, NULL, false},
		{"https://a%2eb", NULL, NULL, false},
		{"https://a:b@c", NULL, NULL, false},
	};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
	{
		sf_error err = {0};
		sf_url url;
		sf_status status = sf_url_parse(urls[i].text, "login_url", &url, &err);
		const char *name = urls[i].text == NULL ? "(null)" : urls[i].text;
		sf_buf origin;

		if (urls[i].origin == NULL)
		{
			ok(status == SF_FAILED && err.cls == SF_ERR_CONFIG &&
				   strncmp(err.message, "invalid login_url: ", 19) == 0,
			   "refused: %zu", i);
			ok(strstr(err.message, "pw") == NULL, "the message does not show it");
			continue;
		}
		if (!ok(status == SF_OK, "taken: %s", name))
			diag("%s", err.message);
		sf_buf_init(&origin, 1000);
		sf_url_origin(&url, &origin);
		is_text(sf_buf_text(&origin), urls[i].origin, "origin");
		is_text(url.path, urls[i].path, "path");
		is_int(sf_url_is_loopback(&url), urls[i].loopback, "loopback");
		is_int(sf_url_is_safe(&url), urls[i].loopback || url.https, "safe");
		sf_buf_free(&origin);
	}
}

static void
test_long(void)
{
	sf_error err = {0};
	char text[SF_URL_MAX + 100];
	sf_url url;

	memset(text, 'a', sizeof(text));
	memcpy(text, "https://host?", 13);
	text[SF_URL_MAX - 2] = 0;
	is_int(sf_url_parse(text, "url", &url, &err), SF_OK, "the longest URL");
	is_int((long long) strlen(url.path), SF_URL_MAX - 2 - 12 + 1, "with its whole path");
	text[SF_URL_MAX - 2] = 'a';
	text[SF_URL_MAX - 1] = 0;
	is_int(sf_url_parse(text, "url", &url, &err), SF_FAILED, "a longer one");
	sf_error_reset(&err);
	memcpy(text, "https://a", 9);
	memset(text + 9, 'a', 300);
	text[8 + 255] = 0;
	is_int(sf_url_parse(text, "url", &url, &err), SF_OK, "the longest host");
	text[8 + 255] = 'a';
	text[8 + 256] = 0;
	is_int(sf_url_parse(text, "url", &url, &err), SF_FAILED, "a longer one");
}

static void
test_origins(void)
{
	static const struct
	{
		const char *a;
		const char *b;
		bool same;
	} pairs[] = {
		{"https://a.example", "https://A.EXAMPLE:443/x", true},
		{"https://a.example", "http://a.example", false},
		{"http://a.example:443", "https://a.example", false},
		{"https://a.example", "https://a.example:444", false},
		{"https://a.example", "https://b.example", false},
		{"https://a.example", "https://a.example.b", false},
		{"http://[::1]", "http://[::1]:80", true},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
	{
		sf_url a;
		sf_url b;

		sf_url_parse(pairs[i].a, "url", &a, NULL);
		sf_url_parse(pairs[i].b, "url", &b, NULL);
		is_int(sf_url_same_origin(&a, &b), pairs[i].same, pairs[i].b);
	}
}

static void
test_parameters(void)
{
	static const struct
	{
		const char *link;
		const char *value;
	} links[] = {
		{"/jobs/query/750/results?locator=MTAwMDA", "MTAwMDA"},
		{"/services/data/v62.0/jobs/query/750/resultpages?Locator=abc&x=y", "abc"},
		{"https://x.example/results?maxRecords=5&locator=a%2Fb%3D%3d+c", "a/b==+c"},
		{"results?locator=", ""},
		{"results?xlocator=1&locator=2", "2"},
		{"results?locatorx=1", NULL},
		{"results?locator", NULL},
		{"results", NULL},
		{"results?", NULL},
		{"results?locator=%4", NULL},
		{"results?locator=%", NULL},
		{"results?locator=%zz", NULL},
		{"results?locator=a%00b", NULL},
		{"results?locator=a%0d%0ab", NULL},
		{"results?locator=a#b", "a"},
		{"?locator=1&locator=2", "1"},
	};
	sf_buf out;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
	{
		bool found;

		sf_buf_init(&out, 1000);
		sf_buf_puts(&out, ">");
		found = sf_url_query_param(links[i].link, "locator", &out);
		is_int(found, links[i].value != NULL, links[i].link);
		is_text(sf_buf_text(&out) + 1, links[i].value == NULL ? "" : links[i].value,
				"its value");
		sf_buf_free(&out);
	}
	sf_buf_init(&out, 3);
	ok(!sf_url_query_param("?locator=abcd", "locator", &out), "a value that does not fit");
	sf_buf_free(&out);
}

static void
test_escape(void)
{
	sf_buf out;
	char all[256];

	sf_buf_init(&out, 10000);
	sf_url_escape(&out, "SELECT Id FROM Account WHERE Name = 'Zürich+&'", 47);
	is_text(out.data,
			"SELECT%20Id%20FROM%20Account%20WHERE%20Name%20%3D%20%27Z%C3%BCrich%2B%26%27",
			"a query");
	sf_buf_free(&out);

	sf_buf_puts(&out, "?locator=");
	for (int i = 0; i < 223; i++)
		all[i] = (char) (i < 95 ? i + 32 : i + 33);
	sf_url_escape(&out, all, 223);
	ok(strpbrk(out.data + 9, "&+#?= /\"'<>") == NULL, "nothing that means something is left");
	{
		sf_buf back;

		sf_buf_init(&back, 10000);
		ok(sf_url_query_param(out.data, "locator", &back), "and it can be read back");
		is_int((long long) back.len, 223, "completely");
		ok(memcmp(back.data, all, 223) == 0, "and exactly");
		sf_buf_free(&back);
	}
	sf_buf_free(&out);

	sf_url_form_field(&out, "grant_type", "password");
	sf_url_form_field(&out, "password", "a&b=c %");
	is_text(out.data, "grant_type=password&password=a%26b%3Dc%20%25", "a form");
	sf_buf_free(&out);
}

static void
test_ids(void)
{
	static const struct
	{
		const char *id;
		const char *normal; /* NULL: malformed */
	} ids[] = {
		{"0013h00000FffwF", "0013h00000FffwFAAR"},
		{"0013h00000FffwFAAR", "0013h00000FffwFAAR"},
		{"000000000000000", "000000000000000AAA"},
		{"AAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAA555"},
		{"aaaaAaaaaaaaaaa", "aaaaAaaaaaaaaaaQAA"},
		{"0013h00000FffwFAAS", NULL},
		{"0013h00000FffwFaar", NULL},
		{"0013h00000fffwFAAR", NULL},
		{"0013h00000Fffw", NULL},
		{"0013h00000FffwFA", NULL},
		{"0013h00000FffwFAARA", NULL},
		{"0013h00000Fffw'", NULL},
		{"0013h00000Fffw ", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
	{
		char out[19] = "untouched";
		bool good = sf_id_normalise(ids[i].id, strlen(ids[i].id), out);

		is_text(good ? out : NULL, ids[i].normal, ids[i].id);
		if (!good)
			is_text(out, "untouched", "nothing is written");
	}
}

static void
test_soql(void)
{
	static const struct
	{
		const char *text;
		bool like;
		const char *literal;
	} texts[] = {
		{"", false, "''"},
		{"Boone Inc", false, "'Boone Inc'"},
		{"O'Neill", false, "'O\\'Neill'"},
		{"\\", false, "'\\\\'"},
		{"\\'", false, "'\\\\\\''"},
		{"' OR Name != '", false, "'\\' OR Name != \\''"},
		{"a\"b", false, "'a\\\"b'"},
		{"a\nb\rc\td\be\ff", false, "'a\\nb\\rc\\td\\be\\ff'"},
		{"a\x01\x1f\x7f", false, "'a\\u0001\\u001f\\u007f'"},
		{"Zürich 東京 \U0001F600", false, "'Zürich 東京 \U0001F600'"},
		{"100%_\\%", false, "'100%_\\\\%'"},
		{"100%_", true, "'100%_'"},
		{"100\\%\\_", true, "'100\\%\\_'"},
		{"a\\\\b", true, "'a\\\\b'"},
		{"a\\\\%", true, "'a\\\\%'"},
		{"a\\bc", true, "'abc'"},
		{"a\\'c", true, "'a\\'c'"},
		{"a\\\nc", true, "'a\\nc'"},
		{"a\\", true, "'a\\\\'"},
		{"\\ü", true, "'ü'"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		char out[200];
		size_t len = strlen(texts[i].text);
		size_t need = sf_soql_quote(texts[i].text, len, texts[i].like, NULL, 0);
		int wrong = 0;

		is_int((long long) sf_soql_quote(texts[i].text, len, texts[i].like, out, sizeof(out)),
			   (long long) need, "length");
		is_text(out, texts[i].literal, "literal");
		is_int((long long) strlen(out), (long long) need, "is what it needs");
		/* every size of the buffer: a cut text, always ended, never written behind */
		for (size_t size = 1; size <= need + 1; size++)
		{
			char *small = malloc(size);

			wrong += sf_soql_quote(texts[i].text, len, texts[i].like, small, size) != need;
			wrong += strlen(small) != size - 1 || strncmp(small, out, size - 1) != 0;
			free(small);
		}
		is_int(wrong, 0, "buffers that are too small");
	}
	{
		char out[32];

		is_int((long long) sf_soql_quote("a\0b", 3, false, out, sizeof(out)), 10, "a NUL");
		is_text(out, "'a\\u0000b'", "is escaped too");
	}
}

static void
test_host_matches(void)
{
	static const struct
	{
		const char *patterns;
		const char *host;
		bool matches;
	} cases[] = {
		{"*.salesforce.com, *.force.com", "acme.my.salesforce.com", true},
		{"*.salesforce.com, *.force.com", "acme.FORCE.com", true},
		{"*.salesforce.com", "salesforce.com", false},
		{"*.salesforce.com", "evilsalesforce.com", false},
		{"*.salesforce.com", "a.salesforce.com.evil.com", false},
		{" ,login.salesforce.com\t", "login.salesforce.com", true},
		{"login.salesforce.com", "x.login.salesforce.com", false},
		{"a.b *", "anything", true},
		{"*.", "x.", false},
		{"", "x", false},
		{", ", "", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_int(sf_host_matches(cases[i].patterns, cases[i].host), cases[i].matches,
			   cases[i].host);
}

int
main(void)
{
	test_parse();
	test_long();
	test_origins();
	test_host_matches();
	test_parameters();
	test_escape();
	test_ids();
	test_soql();
	return tap_done();
}
