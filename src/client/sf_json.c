/*
 * sf_json.c
 *		JSON answers and requests: the only file that knows cJSON.
 *
 * cJSON is forgiving where a client should not be: it ends strings at \u0000, reads "1-2" as a
 * number, ignores what follows the document, and turns every number into a double.  So the text is
 * scanned before: for UTF-8, depth, number of values, control characters, \u0000 and the form of
 * numbers.  The scan leaves the grammar to cJSON.
 *
 * Numbers of more than 15 digits, or with large exponents, may not survive as doubles.  Before
 * parsing they are turned into strings that begin with a byte that no UTF-8 text has; such a
 * string counts as a number everywhere here.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "sf_json.h"
#include "sf_secret.h"
#include "sf_utf8.h"

/* First byte of a string node that is a number's text; never part of UTF-8. */
#define NUMBER_MARK '\xff'

/* Every decimal number of so many digits survives a double and back. */
#define SAFE_DIGITS 15

/* And with an exponent of so many digits it neither overflows nor vanishes. */
#define SAFE_EXPONENT_DIGITS 2

/* ---- the scan before parsing --------------------------------------------------------- */

typedef struct scan
{
	const char *p;
	const char *end;
	int depth;
	size_t nodes;
	size_t long_numbers;
	sf_error_class cls; /* of why, when it is set */
	const char *why;
} scan;

static bool
refuse(scan *s, sf_error_class cls, const char *why)
{
	s->cls = cls;
	s->why = why;
	return false;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* From behind the opening quote to behind the closing one. */
static bool
scan_string(scan *s)
{
	while (s->p < s->end)
	{
		char c = *s->p++;

		if (c == '"')
			return true;
		if ((unsigned char) c < 0x20)
			return refuse(s, SF_ERR_PROTOCOL, "a control character inside a string");
		if (c == '\\')
		{
			if (s->end - s->p >= 5 && memcmp(s->p, "u0000", 5) == 0)
				return refuse(s, SF_ERR_DATA, "NUL character");
			if (s->p < s->end)
				s->p++;
		}
	}
	return refuse(s, SF_ERR_PROTOCOL, "unexpected end");
}

static size_t
scan_digits(scan *s)
{
	const char *start = s->p;

	while (s->p < s->end && is_digit(*s->p))
		s->p++;
	return (size_t) (s->p - start);
}

/* One number by JSON's grammar; tells whether a double might not hold all of it. */
static bool
scan_number(scan *s, bool *is_long)
{
	size_t digits;
	size_t exponent = 0;

	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
	{
		s->p++;
		digits = 0;
	}
	else
	{
		digits = scan_digits(s);
		if (digits == 0)
			return refuse(s, SF_ERR_PROTOCOL, "malformed number");
	}
	if (s->p < s->end && *s->p == '.')
	{
		size_t fraction;

		s->p++;
		fraction = scan_digits(s);
		if (fraction == 0)
			return refuse(s, SF_ERR_PROTOCOL, "malformed number");
		digits += fraction;
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E'))
	{
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		exponent = scan_digits(s);
		if (exponent == 0)
			return refuse(s, SF_ERR_PROTOCOL, "malformed number");
	}
	if (s->p < s->end && (is_digit(*s->p) || strchr(".+-eE", *s->p) != NULL))
		return refuse(s, SF_ERR_PROTOCOL, "malformed number");
	*is_long = digits > SAFE_DIGITS || exponent > SAFE_EXPONENT_DIGITS;
	return true;
}

/* A long number becomes a string, and so might become a name: cJSON could not refuse it. */
static bool
scan_value_end(scan *s)
{
	for (const char *p = s->p; p < s->end; p++)
	{
		if (*p == ':')
			return refuse(s, SF_ERR_PROTOCOL, "a number as a name");
		if (strchr(" \t\r\n", *p) == NULL)
			break;
	}
	return true;
}

static bool
scan_text(scan *s)
{
	while (s->p < s->end)
	{
		char c = *s->p;
		bool is_long;

		if (c == '"')
		{
			s->p++;
			if (!scan_string(s))
				return false;
		}
		else if (c == '-' || is_digit(c))
		{
			if (!scan_number(s, &is_long))
				return false;
			if (is_long && !scan_value_end(s))
				return false;
			s->long_numbers += is_long;
		}
		else
		{
			s->p++;
			if (c == '{' || c == '[')
			{
				s->nodes++;
				if (++s->depth > SF_JSON_DEPTH_MAX)
					return refuse(s, SF_ERR_PROTOCOL, "it is nested too deep");
			}
			else if (c == '}' || c == ']')
				s->depth--;
			else if (c == ',')
				s->nodes++;
			if (s->nodes > SF_JSON_NODES_MAX)
				return refuse(s, SF_ERR_LIMIT, "it has too many values");
		}
	}
	return true;
}

/*
 * A copy of a scanned text with long numbers as marked strings.  *len becomes the copy's length.
 */
static char *
mark_long_numbers(const char *text, size_t *len, size_t long_numbers)
{
	scan s = {.p = text, .end = text + *len};
	char *copy = malloc(*len + 3 * long_numbers + 1);
	char *to = copy;

	if (copy == NULL)
		return NULL;
	while (s.p < s.end)
	{
		const char *start = s.p;
		bool is_long = false;

		if (*s.p == '"')
		{
			s.p++;
			scan_string(&s);
		}
		else if (*s.p == '-' || is_digit(*s.p))
			scan_number(&s, &is_long);
		else
			s.p++;

		if (is_long)
		{
			*to++ = '"';
			*to++ = NUMBER_MARK;
		}
		memcpy(to, start, (size_t) (s.p - start));
		to += s.p - start;
		if (is_long)
			*to++ = '"';
	}
	*len = (size_t) (to - copy);
	return copy;
}

/* ---- parsing ------------------------------------------------------------------------- */

static sf_json *
parse_scanned(const char *text, size_t len, const char *what, sf_error *err)
{
	const char *end = NULL;
	cJSON *root = cJSON_ParseWithLengthOpts(text, len, &end, false);

	if (root == NULL)
	{
		/* cJSON does not tell a failed malloc from a syntax error, this one is far more likely */
		sf_error_set(err, SF_ERR_PROTOCOL, "%s is not valid JSON", what);
		if (end != NULL)
			sf_error_detail(err, "The error is at byte %zu of %zu.", (size_t) (end - text) + 1,
							len);
		return NULL;
	}
	while (end < text + len && strchr(" \t\r\n", *end) != NULL)
		end++;
	if (end < text + len)
	{
		cJSON_Delete(root);
		sf_error_set(err, SF_ERR_PROTOCOL, "%s is not valid JSON", what);
		sf_error_detail(err, "There is more text behind its end.");
		return NULL;
	}
	return (sf_json *) root;
}

sf_json *
sf_json_parse(const char *text, size_t len, const char *what, sf_error *err)
{
	scan s = {.p = text, .end = text + len};
	size_t good = sf_utf8_check(text, len, NULL);
	sf_json *root;
	char *copy;

	if (good < len)
	{
		sf_error_set(err, SF_ERR_DATA, "%s has %s", what,
					 text[good] == 0 ? "a NUL byte" : "invalid UTF-8");
		sf_error_detail(err, "It is at byte %zu of %zu.", good + 1, len);
		return NULL;
	}
	if (!scan_text(&s))
	{
		if (s.cls == SF_ERR_DATA)
		{
			sf_error_set(err, s.cls, "%s has a NUL character", what);
			sf_error_detail(err, "PostgreSQL text cannot hold NUL bytes.");
		}
		else
		{
			sf_error_set(err, s.cls, "%s is not valid JSON: %s", what, s.why);
			sf_error_detail(err, "The error is at byte %zu of %zu.", (size_t) (s.p - text),
							len);
		}
		return NULL;
	}
	if (s.long_numbers == 0)
		return parse_scanned(text, len, what, err);

	copy = mark_long_numbers(text, &len, s.long_numbers);
	if (copy == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	root = parse_scanned(copy, len, what, err);
	sf_wipe(copy, len);
	free(copy);
	return root;
}

void
sf_json_free(sf_json *root)
{
	cJSON_Delete((cJSON *) root);
}

static void
wipe_texts(cJSON *node)
{
	for (; node != NULL; node = node->next)
	{
		if (node->valuestring != NULL)
			sf_wipe(node->valuestring, strlen(node->valuestring));
		if (node->string != NULL)
			sf_wipe(node->string, strlen(node->string));
		wipe_texts(node->child);
	}
}

void
sf_json_free_wiped(sf_json *root)
{
	wipe_texts((cJSON *) root);
	sf_json_free(root);
}

/* ---- nodes --------------------------------------------------------------------------- */

static const cJSON *
node_of(const sf_json *node)
{
	return (const cJSON *) node;
}

/* Text of a number that was too long for a double, or NULL. */
static const char *
long_number(const sf_json *node)
{
	const cJSON *n = node_of(node);

	if (cJSON_IsString(n) && n->valuestring[0] == NUMBER_MARK)
		return n->valuestring + 1;
	return NULL;
}

sf_json_kind
sf_json_kind_of(const sf_json *node)
{
	const cJSON *n = node_of(node);

	if (cJSON_IsString(n))
		return long_number(node) == NULL ? SF_JSON_STRING : SF_JSON_NUMBER;
	if (cJSON_IsNumber(n))
		return SF_JSON_NUMBER;
	if (cJSON_IsBool(n))
		return SF_JSON_BOOL;
	if (cJSON_IsArray(n))
		return SF_JSON_ARRAY;
	if (cJSON_IsObject(n))
		return SF_JSON_OBJECT;
	return SF_JSON_NULL;
}

const sf_json *
sf_json_get(const sf_json *object, const char *name)
{
	if (!cJSON_IsObject(node_of(object)))
		return NULL;
	return (const sf_json *) cJSON_GetObjectItemCaseSensitive(node_of(object), name);
}

const sf_json *
sf_json_get_nocase(const sf_json *object, const char *name)
{
	if (!cJSON_IsObject(node_of(object)))
		return NULL;
	return (const sf_json *) cJSON_GetObjectItem(node_of(object), name);
}

const sf_json *
sf_json_first(const sf_json *node)
{
	return node == NULL ? NULL : (const sf_json *) node_of(node)->child;
}

const sf_json *
sf_json_next(const sf_json *node)
{
	return node == NULL ? NULL : (const sf_json *) node_of(node)->next;
}

int
sf_json_count(const sf_json *node)
{
	return node == NULL ? 0 : cJSON_GetArraySize(node_of(node));
}

const char *
sf_json_name(const sf_json *node)
{
	return node == NULL || node_of(node)->string == NULL ? "" : node_of(node)->string;
}

const char *
sf_json_text(const sf_json *node)
{
	return sf_json_kind_of(node) == SF_JSON_STRING ? node_of(node)->valuestring : NULL;
}

bool
sf_json_int64(const sf_json *node, int64_t *value)
{
	const char *text = long_number(node);
	double number;

	if (text != NULL)
	{
		char *end;
		long long n;

		errno = 0;
		n = strtoll(text, &end, 10);
		if (errno != 0 || *end != 0)
			return false;
		*value = n;
		return true;
	}
	if (!cJSON_IsNumber(node_of(node)))
		return false;
	number = node_of(node)->valuedouble;
	/* what has at most 15 digits and an exponent may still be anything: 2^63 bounds the cast */
	if (!(number >= -9223372036854775808.0 && number < 9223372036854775808.0))
		return false;
	if ((double) (int64_t) number != number)
		return false;
	*value = (int64_t) number;
	return true;
}

bool
sf_json_double(const sf_json *node, double *value)
{
	const char *text = long_number(node);

	if (text != NULL)
	{
		double number = strtod(text, NULL);

		if (!isfinite(number))
			return false;
		*value = number;
	}
	else if (cJSON_IsNumber(node_of(node)))
		*value = node_of(node)->valuedouble;
	else
		return false;
	return true;
}

bool
sf_json_bool(const sf_json *node, bool *value)
{
	if (!cJSON_IsBool(node_of(node)))
		return false;
	*value = cJSON_IsTrue(node_of(node));
	return true;
}

sf_status
sf_json_number_text(sf_buf *out, const sf_json *node)
{
	const char *text = long_number(node);
	char java[SF_DOUBLE_TEXT_MAX];
	double number = 0;

	if (text != NULL)
		return sf_buf_puts(out, text);
	sf_json_double(node, &number);
	if (number > -1e17 && number < 1e17 && (double) (int64_t) number == number)
		return sf_buf_printf(out, "%lld", (long long) number);
	return sf_buf_append(out, java, (size_t) sf_double_java_text(number, java));
}

/* ---- tables of members --------------------------------------------------------------- */

static bool
store_member(const sf_json *node, const sf_json_field *field)
{
	sf_json_kind kind = sf_json_kind_of(node);
	int64_t number;

	switch (field->type)
	{
		case SF_FIELD_STRING:
			*(const char **) field->target = sf_json_text(node);
			return kind == SF_JSON_STRING;
		case SF_FIELD_INT:
			if (!sf_json_int64(node, &number) || number < INT32_MIN || number > INT32_MAX)
				return false;
			*(int *) field->target = (int) number;
			return true;
		case SF_FIELD_INT64:
			return sf_json_int64(node, field->target);
		case SF_FIELD_DOUBLE:
			return sf_json_double(node, field->target);
		case SF_FIELD_BOOL:
			return sf_json_bool(node, field->target);
		case SF_FIELD_ARRAY:
			*(const sf_json **) field->target = node;
			return kind == SF_JSON_ARRAY;
		case SF_FIELD_OBJECT:
			*(const sf_json **) field->target = node;
			return kind == SF_JSON_OBJECT;
	}
	return false;
}

/* null: texts and nodes become NULL, scalars keep what the caller put there. */
static void
store_null(const sf_json_field *field)
{
	if (field->type == SF_FIELD_STRING)
		*(const char **) field->target = NULL;
	else if (field->type == SF_FIELD_ARRAY || field->type == SF_FIELD_OBJECT)
		*(const sf_json **) field->target = NULL;
}

static const char *
type_name(sf_json_type type)
{
	switch (type)
	{
		case SF_FIELD_STRING:
			return "a string";
		case SF_FIELD_INT:
		case SF_FIELD_INT64:
			return "an integer";
		case SF_FIELD_DOUBLE:
			return "a number";
		case SF_FIELD_BOOL:
			return "a boolean";
		case SF_FIELD_ARRAY:
			return "an array";
		case SF_FIELD_OBJECT:
			return "an object";
	}
	return "something else";
}

sf_status
sf_json_read(const sf_json *object, const char *what, const sf_json_field *fields, int nfields,
			 sf_error *err)
{
	if (sf_json_kind_of(object) != SF_JSON_OBJECT)
		return sf_error_set(err, SF_ERR_PROTOCOL, "%s is not a JSON object", what);

	for (int i = 0; i < nfields; i++)
	{
		const sf_json_field *field = &fields[i];
		const sf_json *node = sf_json_get(object, field->name);

		if (sf_json_kind_of(node) == SF_JSON_NULL)
		{
			if (field->required)
				return sf_error_set(err, SF_ERR_PROTOCOL, "\"%s\" is missing in %s",
									field->name, what);
			if (node != NULL)
				store_null(field);
			continue;
		}
		if (!store_member(node, field))
		{
			store_null(field);
			return sf_error_set(err, SF_ERR_PROTOCOL, "\"%s\" in %s is not %s", field->name,
								what, type_name(field->type));
		}
	}
	return SF_OK;
}

/* ---- writing ------------------------------------------------------------------------- */

sf_status
sf_json_quote(sf_buf *out, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t start = 0;

	sf_buf_putc(out, '"');
	for (size_t i = 0; i < len; i++)
	{
		unsigned char u = (unsigned char) text[i];
		char escape[7] = {'\\', 0};

		if (u >= 0x20 && u != '"' && u != '\\')
			continue;
		sf_buf_append(out, text + start, i - start);
		start = i + 1;
		switch (u)
		{
			case '"':
			case '\\':
				escape[1] = (char) u;
				break;
			case '\n':
				escape[1] = 'n';
				break;
			case '\r':
				escape[1] = 'r';
				break;
			case '\t':
				escape[1] = 't';
				break;
			default:
				memcpy(escape + 1, "u00", 3);
				escape[4] = hex[u >> 4];
				escape[5] = hex[u & 15];
				break;
		}
		sf_buf_puts(out, escape);
	}
	sf_buf_append(out, text + start, len - start);
	return sf_buf_putc(out, '"');
}

static void
put_name(sf_buf *out, const char *name)
{
	char last = out->len == 0 ? '{' : out->data[out->len - 1];

	if (last != '{' && last != '[')
		sf_buf_putc(out, ',');
	sf_json_quote(out, name, strlen(name));
	sf_buf_putc(out, ':');
}

sf_status
sf_json_put_string(sf_buf *out, const char *name, const char *value)
{
	put_name(out, name);
	if (value == NULL)
		return sf_buf_puts(out, "null");
	return sf_json_quote(out, value, strlen(value));
}

sf_status
sf_json_put_bool(sf_buf *out, const char *name, bool value)
{
	put_name(out, name);
	return sf_buf_puts(out, value ? "true" : "false");
}

static void
print_children(sf_buf *out, const sf_json *node, bool named)
{
	bool first = true;

	for (const sf_json *n = sf_json_first(node); n != NULL; n = sf_json_next(n))
	{
		/* Salesforce's own note on every object: type and URL */
		if (named && strcmp(sf_json_name(n), "attributes") == 0)
			continue;
		if (!first)
			sf_buf_putc(out, ',');
		first = false;
		if (named)
		{
			sf_json_quote(out, sf_json_name(n), strlen(sf_json_name(n)));
			sf_buf_putc(out, ':');
		}
		sf_json_print(out, n);
	}
}

sf_status
sf_json_print(sf_buf *out, const sf_json *node)
{
	const char *text;
	bool value = false;

	switch (sf_json_kind_of(node))
	{
		case SF_JSON_NULL:
			return sf_buf_puts(out, "null");
		case SF_JSON_BOOL:
			sf_json_bool(node, &value);
			return sf_buf_puts(out, value ? "true" : "false");
		case SF_JSON_NUMBER:
			return sf_json_number_text(out, node);
		case SF_JSON_STRING:
			text = sf_json_text(node);
			return sf_json_quote(out, text, strlen(text));
		case SF_JSON_ARRAY:
			sf_buf_putc(out, '[');
			print_children(out, node, false);
			return sf_buf_putc(out, ']');
		case SF_JSON_OBJECT:
			sf_buf_putc(out, '{');
			print_children(out, node, true);
			return sf_buf_putc(out, '}');
	}
	return SF_FAILED;
}
