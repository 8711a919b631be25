/*
 * sf_json_error.c
 *		Error answers of Salesforce, in all their shapes.
 */
#include <string.h>

#include "sf_json.h"
#include "sf_utf8.h"
#include "sf_xml.h"

/* Most bytes shown of an answer that is no JSON. */
#define EXCERPT_MAX 200

/* Before the reason, SOQL's errors echo the query's place: "…\n ^\nERROR at Row:1:Column:8\n". */
#define POSITION_MARK "ERROR at Row:"

/* One error of an answer; all point into the document. */
typedef struct remote_error
{
	const char *code;
	const char *message;
	const sf_json *fields;
} remote_error;

static const char *
first_text(const sf_json *node, const char *const *names)
{
	for (; *names != NULL; names++)
	{
		const char *text = sf_json_text(sf_json_get(node, *names));

		if (text != NULL)
			return text;
	}
	return NULL;
}

/* Reads one error in any of the known forms; false when it is none. */
static bool
read_error(const sf_json *node, remote_error *error)
{
	static const char *const codes[] = {"errorCode", "statusCode", "error", "exceptionCode",
										NULL};
	static const char *const messages[] = {"message", "error_description", "exceptionMessage",
										   NULL};

	error->code = first_text(node, codes);
	error->message = first_text(node, messages);
	error->fields = sf_json_get(node, "fields");
	return error->code != NULL || error->message != NULL;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void
trim(const char **text, size_t *len)
{
	while (*len > 0 && is_space(**text))
	{
		(*text)++;
		(*len)--;
	}
	while (*len > 0 && is_space((*text)[*len - 1]))
		(*len)--;
}

/*
 * Splits a message into the reason (one line) and what is worth showing besides: the echo with the
 * position, or the whole of a message of several lines.
 */
static void
split_message(const char *message, const char **reason, size_t *reason_len, const char **rest,
			  size_t *rest_len)
{
	const char *mark = strstr(message, POSITION_MARK);
	const char *line = mark == NULL ? NULL : strchr(mark, '\n');
	const char *newline;

	*rest = "";
	*rest_len = 0;
	if (line != NULL)
	{
		*rest = message;
		*rest_len = (size_t) (line - message);
		/* only the leading line break goes: the caret has to stay under its column */
		while (*rest_len > 0 && (**rest == '\n' || **rest == '\r'))
		{
			(*rest)++;
			(*rest_len)--;
		}
		message = line;
	}
	*reason = message;
	*reason_len = strlen(message);
	trim(reason, reason_len);

	newline = memchr(*reason, '\n', *reason_len);
	if (newline != NULL)
	{
		if (line == NULL)
		{
			*rest = *reason;
			*rest_len = *reason_len;
		}
		*reason_len = (size_t) (newline - *reason);
		trim(reason, reason_len);
	}
}

static void
separate(sf_buf *detail)
{
	if (detail->len > 0)
		sf_buf_putc(detail, '\n');
}

static void
add_fields(sf_buf *detail, const sf_json *fields)
{
	bool first = true;

	for (const sf_json *f = sf_json_first(fields); f != NULL; f = sf_json_next(f))
	{
		const char *name = sf_json_text(f);

		if (name == NULL)
			continue;
		if (first)
			separate(detail);
		sf_buf_printf(detail, "%s%s", first ? "Fields: " : ", ", name);
		first = false;
	}
	if (!first)
		sf_buf_putc(detail, '.');
}

static void
add_further(sf_buf *detail, const sf_json *node)
{
	remote_error error;
	const char *reason;
	const char *rest;
	size_t reason_len;
	size_t rest_len;

	if (!read_error(node, &error))
		return;
	split_message(error.message == NULL ? "" : error.message, &reason, &reason_len, &rest,
				  &rest_len);
	separate(detail);
	sf_buf_printf(detail, "Further error: %s%s%.*s", error.code == NULL ? "" : error.code,
				  error.code == NULL || reason_len == 0 ? "" : ": ", (int) reason_len, reason);
}

void
sf_json_job_error(const char *message, const char *job, const char *job_id, sf_error *err)
{
	const char *reason;
	const char *rest;
	size_t reason_len;
	size_t rest_len;
	bool with_code;

	split_message(message, &reason, &reason_len, &rest, &rest_len);
	/* what comes before the query's echo has the code */
	with_code = rest_len > 0 && err->code[0] != '\0';
	sf_error_set(err, SF_ERR_REMOTE, "%s %s failed: %s%s%.*s", job, job_id,
				 with_code ? err->code : "", with_code ? ": " : "", (int) reason_len, reason);
	if (rest_len > 0)
		sf_error_detail(err, "%.*s", (int) rest_len, rest);
}

/* Fills err from one error and the ones that follow it in an array. */
static void
report(const remote_error *error, const sf_json *further, sf_error_class cls,
	   const char *doing, sf_error *err)
{
	const char *reason;
	const char *rest;
	size_t reason_len;
	size_t rest_len;
	const char *code = error->code == NULL ? "" : error->code;
	sf_buf detail;

	split_message(error->message == NULL ? "" : error->message, &reason, &reason_len, &rest,
				  &rest_len);
	sf_error_set(err, cls, "could not %s: %s%s%.*s", doing, code,
				 code[0] == 0 || reason_len == 0 ? "" : ": ", (int) reason_len, reason);
	sf_error_code(err, code);

	/* a text that is too long is cut by sf_error_detail, a failed append loses only a detail */
	sf_buf_init(&detail, 1024 * 1024);
	if (rest_len > 0)
		sf_buf_append(&detail, rest, rest_len);
	add_fields(&detail, error->fields);
	for (; further != NULL; further = sf_json_next(further))
		add_further(&detail, further);
	if (detail.len > 0)
		sf_error_detail(err, "%s", sf_buf_text(&detail));
	sf_buf_free(&detail);
}

/* An answer without any error we know: only the status tells something. */
static void
report_status(int http_status, sf_error_class cls, const char *doing, sf_error *err)
{
	if (http_status != 0)
		sf_error_set(err, cls, "could not %s: HTTP status %d", doing, http_status);
	else
		sf_error_set(err, cls, "could not %s: unexpected answer", doing);
}

/* True when the text goes on with this HTML tag's name. */
static bool
tag_is(const char *p, const char *end, const char *name)
{
	size_t len = strlen(name);

	return (size_t) (end - p) > len && strncmp(p, name, len) == 0;
}

/* Skips from a '<' to behind its '>', or behind the end tag of what is not for people. */
static const char *
skip_tag(const char *p, const char *end)
{
	const char *close = NULL;

	if (tag_is(p + 1, end, "script"))
		close = "</script>";
	else if (tag_is(p + 1, end, "style"))
		close = "</style>";
	else if (tag_is(p + 1, end, "!--"))
		close = "-->";
	else
		close = ">";

	for (; p < end; p++)
	{
		if ((size_t) (end - p) >= strlen(close) && memcmp(p, close, strlen(close)) == 0)
			return p + strlen(close);
	}
	return end;
}

/* The readable text of HTML or of anything else, one line, for the detail. */
static void
excerpt(const char *body, size_t len, char out[EXCERPT_MAX + 4])
{
	const char *end = body + len;
	const char *p = body;
	char text[EXCERPT_MAX + 1];
	size_t n = 0;
	bool html;

	while (p < end && is_space(*p))
		p++;
	html = p < end && *p == '<';
	while (p < end && n < EXCERPT_MAX)
	{
		if (html && *p == '<')
		{
			p = skip_tag(p, end);
			if (n > 0 && text[n - 1] != ' ')
				text[n++] = ' ';
		}
		else if ((unsigned char) *p <= ' ' || *p == 0x7f)
		{
			if (n > 0 && text[n - 1] != ' ')
				text[n++] = ' ';
			p++;
		}
		else
			text[n++] = *p++;
	}
	while (n > 0 && text[n - 1] == ' ')
		n--;
	if (p < end)
	{
		/* the cut may have gone through a character */
		bool truncated;
		size_t good = sf_utf8_check(text, n, &truncated);

		if (truncated)
			n = good;
	}
	n = sf_text_copy(out, EXCERPT_MAX + 1, text, n);
	if (p < end && n > 0)
		memcpy(out + n, "...", 4);
}

/* Fills err from a node in one of the known forms; false when it is none of them. */
static bool
report_node(const sf_json *node, sf_error_class cls, const char *doing, sf_error *err)
{
	const sf_json *first = node;
	const sf_json *further = NULL;
	remote_error error;

	if (sf_json_kind_of(node) == SF_JSON_ARRAY)
	{
		first = sf_json_first(node);
		further = sf_json_next(first);
	}
	if (sf_json_kind_of(first) != SF_JSON_OBJECT || !read_error(first, &error))
		return false;
	report(&error, further, cls, doing, err);
	return true;
}

/* The same from the XML of Bulk API 1.0. */
static bool
report_xml(const char *body, size_t len, sf_error_class cls, const char *doing, sf_error *err)
{
	sf_buf code;
	sf_buf message;
	bool known;

	sf_buf_init(&code, SF_CODE_MAX);
	sf_buf_init(&message, 64 * 1024);
	known = sf_xml_element(body, len, "exceptionCode", &code);
	if (known)
	{
		remote_error error = {.code = sf_buf_text(&code)};

		if (sf_xml_element(body, len, "exceptionMessage", &message))
			error.message = sf_buf_text(&message);
		report(&error, NULL, cls, doing, err);
	}
	sf_buf_free(&code);
	sf_buf_free(&message);
	return known;
}

sf_status
sf_json_node_error(const sf_json *node, int http_status, sf_error_class cls, const char *doing,
				   sf_error *err)
{
	if (err == NULL || sf_error_is_set(err))
		return SF_FAILED;
	if (!report_node(node, cls, doing, err))
		report_status(http_status, cls, doing, err);
	err->http_status = http_status;
	return SF_FAILED;
}

sf_status
sf_json_remote_error(const char *body, size_t len, int http_status, sf_error_class cls,
					 const char *doing, sf_error *err)
{
	char text[EXCERPT_MAX + 4];
	sf_error ignored = {0};
	sf_json *root = NULL;
	bool known;

	if (err == NULL || sf_error_is_set(err))
		return SF_FAILED;

	if (len > 0)
		root = sf_json_parse(body, len, "answer", &ignored);
	known = report_node(root, cls, doing, err) || report_xml(body, len, cls, doing, err);
	sf_json_free_wiped(root);
	err->http_status = http_status;
	if (known)
		return SF_FAILED;

	report_status(http_status, cls, doing, err);
	excerpt(body, len, text);
	if (text[0] == 0)
		sf_error_detail(err, "The answer is empty.");
	else
		sf_error_detail(err, "The answer is: %s", text);
	return SF_FAILED;
}
