/*
 * rest_json.c
 *		JSON request bodies, and what is said about those that are none.
 *
 * cJSON reads them, but it takes more than JSON and cannot say what it stumbled over.  So the text is first read by
 * a parser that builds nothing and knows where it is: the message that clients see names the character, the
 * line and the column.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "rest.h"

/* Deeper ones are refused by cJSON as well. */
#define MAX_DEPTH 900

typedef struct scanner
{
	const char *text;
	size_t len;
	size_t at;
	sim_buf *out; /* the complaint; empty so far */
} scanner;

/* ---------------------------------------------------------------- complaints */

static void
add_place(scanner *s, size_t at)
{
	int line = 1;
	size_t start = 0;

	for (size_t i = 0; i < at && i < s->len; i++)
		if (s->text[i] == '\n')
		{
			line++;
			start = i + 1;
		}
	sim_buf_printf(s->out, " at [line:%d, column:%zu]", line, at - start + 1);
}

static bool
ended(scanner *s, const char *inside)
{
	sim_buf_printf(s->out, "Unexpected end-of-input%s", inside);
	add_place(s, s->len);
	return false;
}

static bool
unexpected(scanner *s, const char *why)
{
	unsigned char c = (unsigned char) s->text[s->at];

	if (c < ' ')
		sim_buf_printf(s->out, "Illegal character ((CTRL-CHAR, code %d)): %s", c, why);
	else if (c < 0x80)
		sim_buf_printf(s->out, "Unexpected character ('%c' (code %d)): %s", c, c, why);
	else
		sim_buf_printf(s->out, "Unexpected character (code %d): %s", c, why);
	add_place(s, s->at);
	return false;
}

/* ---------------------------------------------------------------- reading */

static void
skip_blanks(scanner *s)
{
	while (s->at < s->len && strchr(" \t\r\n", s->text[s->at]) && s->text[s->at])
		s->at++;
}

/* The bytes behind the first one of a UTF-8 character; s->at ends on the last. */
static bool
scan_utf8(scanner *s)
{
	unsigned char c = (unsigned char) s->text[s->at];
	int more = c >= 0xc2 && c < 0xe0   ? 1
			   : (c & 0xf0) == 0xe0	   ? 2
			   : c >= 0xf0 && c < 0xf5 ? 3
									   : 0;

	if (more == 0)
	{
		sim_buf_printf(s->out, "Invalid UTF-8 start byte 0x%x", c);
		add_place(s, s->at);
		return false;
	}
	for (int i = 0; i < more; i++)
	{
		unsigned char next = s->at + 1 < s->len ? (unsigned char) s->text[s->at + 1] : 0;

		if ((next & 0xc0) != 0x80 || (i == 0 && c == 0xe0 && next < 0xa0) ||
			(i == 0 && c == 0xed && next > 0x9f) || (i == 0 && c == 0xf0 && next < 0x90) ||
			(i == 0 && c == 0xf4 && next > 0x8f))
		{
			sim_buf_printf(s->out, "Invalid UTF-8 middle byte 0x%x", next);
			add_place(s, s->at + 1);
			return false;
		}
		s->at++;
	}
	return true;
}

static bool
scan_string(scanner *s)
{
	for (s->at++; s->at < s->len; s->at++)
	{
		unsigned char c = (unsigned char) s->text[s->at];

		if (c == '"')
		{
			s->at++;
			return true;
		}
		if (c < ' ')
			return unexpected(s, "has to be escaped using backslash to be included in string "
								 "value");
		if (c >= 0x80 && !scan_utf8(s))
			return false;
		if (c != '\\')
			continue;
		if (++s->at == s->len)
			break;
		c = (unsigned char) s->text[s->at];
		if (c == 'u')
		{
			for (int i = 0; i < 4; i++)
			{
				if (++s->at == s->len)
					return ended(s, " in character escape sequence");
				if (s->text[s->at] == '\0' ||
					!strchr("0123456789abcdefABCDEF", s->text[s->at]))
					return unexpected(s, "expected a hex-digit for character escape sequence");
			}
		}
		else if (c == '\0' || !strchr("\"\\/bfnrt", c))
		{
			sim_buf_printf(s->out, "Unrecognized character escape '%c' (code %d)", c, c);
			add_place(s, s->at);
			return false;
		}
	}
	return ended(s, ": was expecting closing quote for a string value");
}

static bool
scan_number(scanner *s)
{
	const char *digits = "0123456789";
	size_t n;

	if (s->text[s->at] == '-')
		s->at++;
	n = strspn(s->text + s->at, digits);
	if (n == 0)
		return s->at < s->len ? unexpected(s, "expected digit (0-9) to follow minus sign, for "
											  "valid numeric value")
							  : ended(s, "");
	if (n > 1 && s->text[s->at] == '0')
	{
		sim_buf_str(s->out, "Invalid numeric value: Leading zeroes not allowed");
		add_place(s, s->at);
		return false;
	}
	s->at += n;
	if (s->text[s->at] == '.')
	{
		s->at++;
		n = strspn(s->text + s->at, digits);
		if (n == 0)
			return s->at < s->len ? unexpected(s, "Decimal point not followed by a digit")
								  : ended(s, "");
		s->at += n;
	}
	if (s->text[s->at] == 'e' || s->text[s->at] == 'E')
	{
		s->at++;
		if (s->text[s->at] == '+' || s->text[s->at] == '-')
			s->at++;
		n = strspn(s->text + s->at, digits);
		if (n == 0)
			return s->at < s->len ? unexpected(s, "Exponent indicator not followed by a digit")
								  : ended(s, "");
		s->at += n;
	}
	return true;
}

static bool
scan_word(scanner *s)
{
	size_t n = 0;

	while (s->at + n < s->len && s->text[s->at + n] &&
		   strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$",
				  s->text[s->at + n]))
		n++;
	if ((n == 4 && memcmp(s->text + s->at, "true", 4) == 0) ||
		(n == 4 && memcmp(s->text + s->at, "null", 4) == 0) ||
		(n == 5 && memcmp(s->text + s->at, "false", 5) == 0))
	{
		s->at += n;
		return true;
	}
	if (n == 0)
		return unexpected(s, "expected a valid value (number, String, array, object, 'true', "
							 "'false' or 'null')");
	sim_buf_printf(s->out,
				   "Unrecognized token '%.*s': was expecting 'null', 'true', 'false' or "
				   "NaN",
				   (int) (n < 200 ? n : 200), s->text + s->at);
	add_place(s, s->at + n);
	return false;
}

static bool scan_value(scanner *s, int depth);

static bool
scan_members(scanner *s, bool object, int depth)
{
	char closing = object ? '}' : ']';
	bool first = true;

	for (s->at++;;)
	{
		skip_blanks(s);
		if (s->at >= s->len)
			return ended(s, object ? ": expected close marker for OBJECT"
								   : ": expected close marker for ARRAY");
		if (s->text[s->at] == closing)
		{
			s->at++;
			return true;
		}
		if (!first)
		{
			if (s->text[s->at] != ',')
				return unexpected(s, object ? "was expecting comma to separate OBJECT entries"
											: "was expecting comma to separate ARRAY entries");
			s->at++;
			skip_blanks(s);
			if (s->at >= s->len)
				return ended(s, object ? " within/between OBJECT entries"
									   : " within/between ARRAY entries");
		}
		first = false;
		if (object)
		{
			if (s->text[s->at] != '"')
				return unexpected(s, "was expecting double-quote to start field name");
			if (!scan_string(s))
				return false;
			skip_blanks(s);
			if (s->at >= s->len)
				return ended(s, " within/between OBJECT entries");
			if (s->text[s->at] != ':')
				return unexpected(s, "was expecting a colon to separate field name and value");
			s->at++;
		}
		if (!scan_value(s, depth + 1))
			return false;
	}
}

static bool
scan_value(scanner *s, int depth)
{
	char c;

	skip_blanks(s);
	if (s->at >= s->len)
		return ended(s, "");
	c = s->text[s->at];
	if (depth > MAX_DEPTH)
	{
		sim_buf_str(s->out, "Document nesting depth exceeds the maximum allowed");
		add_place(s, s->at);
		return false;
	}
	if (c == '{' || c == '[')
		return scan_members(s, c == '{', depth);
	if (c == '"')
		return scan_string(s);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s);
	return scan_word(s);
}

void
rest_json_complaint(const char *text, size_t len, sim_buf *out)
{
	/* strspn and the look one character ahead need the NUL behind the text, which sim_buf has */
	scanner s = {text, len, 0, out};

	if (scan_value(&s, 0))
	{
		skip_blanks(&s);
		if (s.at < len)
			unexpected(&s, "was expecting the end of the document");
	}
}

size_t
rest_json_find(const char *text, size_t len, size_t at, const char *key, int index)
{
	sim_buf why = {0};
	scanner s = {text, len, at, &why};
	size_t found = len;
	bool object;

	skip_blanks(&s);
	object = s.at < len && text[s.at] == '{';
	if (s.at >= len || (!object && text[s.at] != '[') || object != (key != NULL))
		return len;
	s.at++;
	for (int i = 0;; i++)
	{
		bool hit = i == index;

		skip_blanks(&s);
		if (s.at < len && text[s.at] == ',')
			s.at++;
		skip_blanks(&s);
		if (s.at >= len || text[s.at] == '}' || text[s.at] == ']')
			break;
		if (object)
		{
			size_t start = s.at + 1;

			/* keys with escapes are not found: only a position in a message depends on it */
			if (text[s.at] != '"' || !scan_string(&s))
				break;
			hit =
				s.at - 1 - start == strlen(key) && memcmp(text + start, key, strlen(key)) == 0;
			skip_blanks(&s);
			if (s.at < len && text[s.at] == ':')
				s.at++;
		}
		skip_blanks(&s);
		if (hit)
			found = s.at;
		if (!scan_value(&s, 0))
			break;
	}
	sim_buf_free(&why);
	return found;
}

/* ---------------------------------------------------------------- bodies */

bool
rest_json_type(const char *type)
{
	size_t n;

	if (type == NULL)
		return true;
	type += strspn(type, " \t");
	n = strcspn(type, "; \t");
	return n == 0 || (n == 16 && strncasecmp(type, "application/json", n) == 0) ||
		   (n == 9 && strncasecmp(type, "text/json", n) == 0);
}

bool
rest_json_body(srv_request *req, cJSON **tree)
{
	const char *type = srv_header_get(req, "Content-Type");
	sim_buf *body = &req->body;
	sim_buf why = {0};

	*tree = NULL;
	if (srv_options_get(req->srv).check_content_type && !rest_json_type(type))
	{
		srv_error(req, 415, "UNSUPPORTED_MEDIA_TYPE",
				  "Content-Type header specified in HTTP request is not supported: %s", type);
		return false;
	}
	if (body->len == 0 || body->data == NULL)
	{
		srv_error(req, 400, "JSON_PARSER_ERROR",
				  "The HTTP entity body is required, but this request has no entity body.");
		return false;
	}
	rest_json_complaint(body->data, body->len, &why);
	if (why.len == 0)
		*tree = cJSON_ParseWithLength(body->data, body->len);
	if (*tree == NULL)
		srv_error(req, 400, "JSON_PARSER_ERROR", "%s",
				  why.len ? why.data : "The request body cannot be read as JSON");
	sim_buf_free(&why);
	return *tree != NULL;
}

const char *
rest_json_string(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static bool
text_flag(const char *text, bool dflt)
{
	return text == NULL						? dflt
		   : strcasecmp(text, "true") == 0	? true
		   : strcasecmp(text, "false") == 0 ? false
											: dflt;
}

bool
rest_json_flag(const cJSON *object, const char *name, bool dflt)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsBool(v) ? cJSON_IsTrue(v) : text_flag(cJSON_GetStringValue(v), dflt);
}

bool
rest_param_flag(const srv_request *req, const char *name, bool dflt)
{
	char *text = srv_param(req->query, name, NULL);
	bool yes = text_flag(text, dflt);

	free(text);
	return yes;
}
