/*
 * sim_xml.c
 *		The simulator's XML: what parses to what, what is refused, what is written.
 */
#include "xml.h"
#include "tap.h"

/* The tree as name[@attr=value](children) or name=text. */
static void
dump(const xml_node *n, sim_buf *out)
{
	sim_buf_str(out, n->name);
	for (const xml_attr *a = n->attrs; a; a = a->next)
		sim_buf_printf(out, "[@%s=%s]", a->name, a->value);
	if (n->child)
	{
		sim_buf_char(out, '(');
		for (const xml_node *c = n->child; c; c = c->next)
		{
			if (c != n->child)
				sim_buf_char(out, ' ');
			dump(c, out);
		}
		sim_buf_char(out, ')');
	}
	else if (n->len > 0)
	{
		sim_buf_char(out, '=');
		sim_buf_add(out, n->text, n->len);
	}
}

static void
parses_n(const char *xml, size_t len, const char *expected)
{
	sim_error err;
	xml_doc *doc = xml_parse(xml, len, &err);
	sim_buf b = {0};

	if (doc)
		dump(xml_root(doc), &b);
	else
		sim_buf_printf(&b, "ERROR %s", err.message);
	is_text(b.data, expected, xml);
	sim_buf_free(&b);
	xml_free(doc);
}

static void
parses(const char *xml, const char *expected)
{
	parses_n(xml, strlen(xml), expected);
}

static void
refuses(const char *xml, const char *name)
{
	sim_error err;
	xml_doc *doc = xml_parse(xml, strlen(xml), &err);

	ok(doc == NULL && err.message[0], "%s", name);
	xml_free(doc);
}

static void
test_good(void)
{
	parses("<a/>", "a");
	parses("<a></a>", "a");
	parses("<a>x</a>", "a=x");
	parses("\xEF\xBB\xBF <?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<!-- c --><a >x</a "
		   ">\n<!--d-->",
		   "a=x");
	parses("<s:a xmlns:s='u'><s:b>1</s:b><t:c t:k=\"v\" l='w'/></s:a>",
		   "a[@s=u](b=1 c[@l=w][@k=v])");
	parses("<a> x <!-- no -->y<![CDATA[<&]]>z<?pi?> </a>", "a= x y<&z ");
	parses("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#x20AC;&#x1F600;</a>",
		   "a=<>&\"'AB\xE2\x82\xAC\xF0\x9F\x98\x80");
	parses("<a b=\"&lt;x&amp;'\"/>", "a[@b=<x&']");
	parses("<a>1\r\n2\r3</a>", "a=1\n2\n3");
	parses("<a>mixed<b>1</b>text</a>", "a(b=1)");
	parses("<a><b>1</b> <b>2</b><b/></a>", "a(b=1 b=2 b)");
	parses("<\xC3\xA9l\xC3\xA9ment>\xC3\xBC</\xC3\xA9l\xC3\xA9ment>",
		   "\xC3\xA9l\xC3\xA9ment=\xC3\xBC");
	parses("<a>]]&gt; ></a>", "a=]]> >");
}

static void
test_bad(void)
{
	parses("", "ERROR Premature end of file.");
	parses("  ", "ERROR Premature end of file.");
	parses("x<a/>", "ERROR Content is not allowed in prolog.");
	parses("<a/>x", "ERROR Content is not allowed in trailing section.");
	parses("<a>R&D</a>",
		   "ERROR The entity name must immediately follow the '&' in the entity reference.");
	parses("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "ERROR DOCTYPE is disallowed.");
	parses("<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
		   "ERROR The encoding is not UTF-8.");
	parses("<a><b></a></b>", "ERROR An end tag does not match its start tag.");
	parses("<x:a></y:a>", "ERROR An end tag does not match its start tag.");
	refuses("<a", "a start tag that does not end");
	refuses("<a b", "an attribute without value");
	refuses("<a b=", "an attribute that ends early");
	refuses("<a b=c/>", "no quotes");
	refuses("<a b='1'c='2'/>", "no blank between attributes");
	refuses("<a b='<'/>", "a tag inside of an attribute");
	refuses("<a b='1", "a value that does not end");
	refuses("<a>", "no end tag");
	refuses("</a>", "only an end tag");
	refuses("<a></a", "an end tag that does not end");
	refuses("<a></ab>", "an end tag that is longer");
	refuses("<a/><b/>", "two roots");
	refuses("<1/>", "a name that is none");
	refuses("< a/>", "a blank before the name");
	refuses("<a><![CDATA[x</a>", "CDATA that does not end");
	refuses("<a><!-- x</a>", "a comment that does not end");
	refuses("<![CDATA[x]]>", "CDATA as the root");
	refuses("<a>&#0;</a>", "character 0");
	refuses("<a>&#xD800;</a>", "a surrogate");
	refuses("<a>&#x110000;</a>", "behind the last character");
	refuses("<a>&#99999999999999999999;</a>", "a number that overflows");
	refuses("<a>&#;</a>", "no number");
	refuses("<a>&#x;</a>", "no hexadecimal number");
	refuses("<a>&unknown;</a>", "an unknown entity");
	refuses("<a>&amp</a>", "an entity without semicolon");
	refuses("<a>&", "an entity that ends early");
	refuses("<a>\x01</a>", "a control character");
	refuses("<a>\xC3</a>", "half a character");
	refuses("<a>\xC0\x80</a>", "an overlong character");
	refuses("<a>\xED\xA0\x80</a>", "an encoded surrogate");
	refuses("<?xml version='1.0'", "a declaration that does not end");
	parses_n("<a>\0</a>", 8,
			 "ERROR Invalid byte of a UTF-8 sequence, or a character that XML "
			 "cannot hold.");
}

/* Every prefix of a document is refused, and none is read beyond its end. */
static void
test_prefixes(void)
{
	static const char whole[] = "<?xml version=\"1.0\"?><!--c--><p:a k='&lt;v'><b>x&#65;y</b>"
								"<![CDATA[q]]><c/></p:a>";
	int wrong = 0;

	for (size_t n = 0; n + 1 < sizeof(whole) - 1; n++)
	{
		char *copy = malloc(n ? n : 1);
		xml_doc *doc;

		memcpy(copy, whole, n);
		doc = xml_parse(copy, n, NULL);
		wrong += doc != NULL;
		xml_free(doc);
		free(copy);
	}
	is_int(wrong, 0, "no prefix of a document is one");
}

static void
test_limits(void)
{
	sim_buf b = {0};

	for (int i = 0; i < XML_MAX_DEPTH; i++)
		sim_buf_str(&b, "<a>");
	for (int i = 0; i < XML_MAX_DEPTH; i++)
		sim_buf_str(&b, "</a>");
	xml_free(xml_parse(b.data, b.len, NULL));
	sim_buf_reset(&b);
	for (int i = 0; i < 200000; i++)
		sim_buf_str(&b, "<a>");
	refuses(b.data, "depth is bounded");
	sim_buf_reset(&b);
	sim_buf_str(&b, "<r>");
	for (int i = 0; i < 2600000; i++)
		sim_buf_str(&b, "<a/>");
	sim_buf_str(&b, "</r>");
	refuses(b.data, "the number of elements is bounded");
	sim_buf_free(&b);
}

static void
test_access(void)
{
	static const char xml[] =
		"<r xmlns:xsi='i'><a xsi:nil='true'/><b xsi:nil='false'>2</b><c><d>3</d>"
		"</c></r>";
	xml_doc *doc = xml_parse(xml, strlen(xml), NULL);
	const xml_node *root = xml_root(doc);

	ok(xml_is_nil(xml_child(root, "a")), "nil");
	ok(!xml_is_nil(xml_child(root, "b")), "not nil");
	is_text(xml_child_text(root, "b"), "2", "text of a child");
	is_text(xml_child_text(root, "d"), NULL, "children only");
	is_text(xml_find(root, "d")->text, "3", "at any depth");
	ok(xml_find(root, "e") == NULL, "nothing of that name");
	is_text(xml_child_text(NULL, "b"), NULL, "no node, no text");
	xml_free(doc);
}

static void
test_writing(void)
{
	sim_buf b = {0};
	xml_writer w;

	xml_begin(&w, &b, "list", "urn:x");
	xml_end(&w, "list");
	is_text(b.data, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><list\n   xmlns=\"urn:x\" />",
			"an empty root");
	sim_buf_reset(&b);
	xml_begin(&w, &b, "list", "urn:x");
	xml_open(&w, "item");
	xml_put(&w, "a", "<&>\"\x01]>]]>");
	xml_putf(&w, "n", "%d", 5);
	xml_close(&w, "item");
	xml_open(&w, "none");
	xml_close(&w, "none");
	xml_put(&w, "nil", NULL);
	xml_end(&w, "list");
	is_text(b.data,
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?><list\n   xmlns=\"urn:x\">\n <item>\n"
			"  <a>&lt;&amp;>\"]>]]&gt;</a>\n  <n>5</n>\n </item>\n <none />\n <nil "
			"xsi:nil=\"true\" />\n"
			"</list>",
			"the layout of recorded answers");
	sim_buf_free(&b);
}

int
main(void)
{
	test_good();
	test_bad();
	test_prefixes();
	test_limits();
	test_access();
	test_writing();
	return tap_done();
}
