/*
 * sf_collections.c
 *		One sObject Collections call.
 */
#include "sf_collections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_json.h"
#include "sf_url.h"

/* 200 records of some 100 kB each are far more than our callers put together. */
#define REQUEST_MAX (64 * 1024 * 1024)

/* Per record: id, success, and messages of which Salesforce gives several. */
#define ANSWER_MAX (16 * 1024 * 1024)

struct sf_collections
{
	sf_session *owner;
	sf_http_request *req;
	char object[80]; /* for messages */
	sf_operation operation;
	bool all_or_none;
	int nrows;
	bool checked; /* the answer was looked at: status and error are final */
	sf_status status;
	sf_error error;
	bool unknown;
	sf_http_cost cost;
	sf_json *answer; /* messages point into it */
	sf_row_result *results;
	char **fields; /* texts of results[].error.fields */
};

static const char *const operation_words[] = {[SF_OP_INSERT] = "insert",
											  [SF_OP_UPDATE] = "update",
											  [SF_OP_UPSERT] = "upsert",
											  [SF_OP_DELETE] = "delete"};

/* ---- the request ------------------------------------------------------------------- */

/* The ids of a deletion, as its URL has them. */
static sf_status
put_ids(sf_buf *url, const sf_collections_spec *spec, sf_error *err)
{
	const char *p = spec->rows;
	const char *end = spec->rows + spec->rows_len;
	char id[19];

	for (int row = 0; row < spec->nrows; row++)
	{
		const char *line = memchr(p, '\n', (size_t) (end - p));
		size_t len = line != NULL ? (size_t) (line - p) : 0;

		/* an id holds nothing that would need quotes, but may have them */
		if (len > 2 && p[0] == '"' && p[len - 1] == '"')
		{
			p++;
			len -= 2;
		}
		if (line == NULL || !sf_id_normalise(p, len, id))
			return sf_error_set(err, SF_ERR_DATA, "row %d to be deleted has no valid id",
								row + 1);
		sf_buf_printf(url, "%s%s", row > 0 ? "," : "", id);
		p = line + 1;
	}
	if (p != end)
		return sf_error_set(err, SF_ERR_PROTOCOL, "there are more than %d rows to be deleted",
							spec->nrows);
	return SF_OK;
}

static sf_status
put_request(const char *api_version, const sf_collections_spec *spec, sf_buf *url,
			sf_buf *body, bool *keyless, sf_error *err)
{
	sf_status st = SF_OK;

	sf_buf_printf(url, "/services/data/v%s/composite/sobjects", api_version);
	if (spec->operation == SF_OP_DELETE)
	{
		sf_buf_printf(url, "?allOrNone=%s&ids=", spec->all_or_none ? "true" : "false");
		st = put_ids(url, spec, err);
	}
	else
	{
		if (spec->operation == SF_OP_UPSERT)
		{
			sf_buf_putc(url, '/');
			sf_url_escape(url, spec->object, strlen(spec->object));
			sf_buf_putc(url, '/');
			sf_url_escape(url, spec->external_id_field, strlen(spec->external_id_field));
		}
		sf_buf_printf(body, "{\"allOrNone\":%s,\"records\":[",
					  spec->all_or_none ? "true" : "false");
		st = sf_collections_records(body, spec, keyless, err);
		sf_buf_puts(body, "]}");
	}
	if (st == SF_OK)
		st = sf_buf_check(url, "the URL of a Collections call", err);
	if (st == SF_OK)
		st = sf_buf_check(body, "the rows of a Collections call", err);
	return st;
}

static sf_status
send_request(sf_collections *c, sf_http *h, const char *api_version,
			 const sf_collections_spec *spec, sf_error *err)
{
	char doing[128];
	char header[64];
	sf_http_spec http = {.method = SF_HTTP_PATCH,
						 .doing = doing,
						 .retry = SF_RETRY_HARMLESS,
						 .body_max = ANSWER_MAX};
	sf_buf url;
	sf_buf body;
	bool keyless = false;

	snprintf(doing, sizeof(doing), "%s %d row%s of %s", operation_words[c->operation],
			 c->nrows, c->nrows == 1 ? "" : "s", c->object);
	sf_buf_init(&url, 16 * 1024);
	sf_buf_init(&body, REQUEST_MAX);
	if (put_request(api_version, spec, &url, &body, &keyless, err) == SF_OK)
	{
		http.url = sf_buf_text(&url);
		if (c->operation == SF_OP_INSERT)
			http.method = SF_HTTP_POST;
		/* twice would be twice the rows; an upsert without its key may insert as well */
		if (c->operation == SF_OP_INSERT || keyless)
			http.retry = SF_RETRY_REFUSED;
		if (c->operation == SF_OP_DELETE)
			http.method = SF_HTTP_DELETE;
		else
		{
			http.body = sf_buf_text(&body);
			http.body_len = body.len;
			http.content_type = "application/json; charset=UTF-8";
		}
		if (spec->assignment_rule_id != NULL)
		{
			snprintf(header, sizeof(header), "Sforce-Auto-Assign: %s",
					 spec->assignment_rule_id);
			http.header = header;
		}
		c->req = sf_http_start(h, &http, err);
	}
	sf_buf_free(&url);
	sf_buf_free(&body);
	return c->req != NULL ? SF_OK : SF_FAILED;
}

static sf_status
check_spec(const sf_collections_spec *spec, sf_error *err)
{
	if (spec->nrows < 1 || spec->nrows > SF_COLLECTIONS_MAX)
		return sf_error_set(err, SF_ERR_CONFIG, "a call with %d rows", spec->nrows);
	if (spec->operation == SF_OP_HARD_DELETE)
		return sf_error_set(err, SF_ERR_CONFIG, "hard deletion needs an ingest job");
	if ((spec->operation == SF_OP_UPSERT) != (spec->external_id_field != NULL))
		return sf_error_set(err, SF_ERR_CONFIG,
							"an external id field belongs to upsert, and only to it");
	/* it becomes a header line */
	if (spec->assignment_rule_id != NULL &&
		strspn(spec->assignment_rule_id,
			   "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "abcdefghijklmnopqrstuvwxyz") != strlen(spec->assignment_rule_id))
		return sf_error_set(err, SF_ERR_CONFIG, "invalid assignment rule id \"%.40s\"",
							spec->assignment_rule_id);
	if (spec->operation == SF_OP_DELETE && spec->ncolumns != 1)
		return sf_error_set(err, SF_ERR_CONFIG, "a deletion takes ids alone");
	return SF_OK;
}

sf_collections *
sf_collections_new(sf_session *owner, sf_http *h, const char *api_version,
				   const sf_collections_spec *spec, sf_error *err)
{
	sf_collections *c;

	if (check_spec(spec, err) != SF_OK)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (c != NULL)
	{
		c->owner = owner;
		c->operation = spec->operation;
		c->nrows = spec->nrows;
		c->all_or_none = spec->all_or_none;
		sf_text_copy(c->object, sizeof(c->object), spec->object, strlen(spec->object));
		c->results = calloc((size_t) spec->nrows, sizeof(*c->results));
		c->fields = calloc((size_t) spec->nrows, sizeof(*c->fields));
	}
	if (c == NULL || c->results == NULL || c->fields == NULL)
	{
		sf_collections_destroy(c);
		sf_error_nomem(err);
		return NULL;
	}
	if (send_request(c, h, api_version, spec, err) != SF_OK)
	{
		sf_collections_destroy(c);
		return NULL;
	}
	return c;
}

sf_session *
sf_collections_owner(const sf_collections *c)
{
	return c->owner;
}

void
sf_collections_destroy(sf_collections *c)
{
	if (c == NULL)
		return;
	sf_http_end(c->req);
	sf_json_free(c->answer);
	for (int i = 0; i < c->nrows && c->fields != NULL; i++)
		free(c->fields[i]);
	free(c->fields);
	free(c->results);
	free(c);
}

/* ---- the answer -------------------------------------------------------------------- */

/* The names of an error's fields, separated by blanks. */
static sf_status
read_fields(sf_collections *c, int i, const sf_json *names, sf_error *err)
{
	sf_row_error *e = &c->results[i].error;
	sf_buf text;
	size_t len = 0;

	sf_buf_init(&text, 64 * 1024);
	for (const sf_json *n = sf_json_first(names); n != NULL; n = sf_json_next(n))
	{
		const char *name = sf_json_text(n);

		if (name != NULL)
			sf_buf_printf(&text, "%s%s", text.len > 0 ? " " : "", name);
	}
	c->fields[i] = sf_buf_take(&text, &len);
	sf_buf_free(&text);
	if (c->fields[i] == NULL)
		return sf_error_nomem(err);
	e->fields = c->fields[i];
	e->fields_len = (int) len;
	return SF_OK;
}

static sf_status
read_error(sf_collections *c, int i, const sf_json *errors, sf_error *err)
{
	static const char what[] = "answer to a Collections call";
	sf_row_error *e = &c->results[i].error;
	const char *code = NULL;
	const char *message = NULL;
	const sf_json *names = NULL;
	const sf_json_field fields[] = {{"errorCode", SF_FIELD_STRING, &code, false},
									{"statusCode", SF_FIELD_STRING, &code, false},
									{"message", SF_FIELD_STRING, &message, false},
									{"fields", SF_FIELD_ARRAY, &names, false}};
	const sf_json *first = errors != NULL ? sf_json_first(errors) : NULL;

	e->message = c->results[i].success ? "" : "Salesforce gives no reason";
	e->message_len = (int) strlen(e->message);
	e->fields = "";
	if (first == NULL)
		return SF_OK;
	if (sf_json_read(first, what, fields, 4, err) != SF_OK)
		return SF_FAILED;
	if (code != NULL)
		snprintf(e->code, sizeof(e->code), "%s", code);
	if (message != NULL)
	{
		e->message = message;
		e->message_len = (int) strlen(message);
	}
	return names != NULL ? read_fields(c, i, names, err) : SF_OK;
}

static sf_status
read_result(sf_collections *c, int i, const sf_json *node, sf_error *err)
{
	static const char what[] = "answer to a Collections call";
	sf_row_result *result = &c->results[i];
	const char *id = NULL;
	const sf_json *errors = NULL;
	const sf_json_field fields[] = {{"id", SF_FIELD_STRING, &id, false},
									{"success", SF_FIELD_BOOL, &result->success, true},
									{"created", SF_FIELD_BOOL, &result->created, false},
									{"errors", SF_FIELD_ARRAY, &errors, false}};

	if (sf_json_read(node, what, fields, 4, err) != SF_OK)
		return SF_FAILED;
	if (id != NULL && !sf_id_normalise(id, strlen(id), result->id) && result->success)
		return sf_error_set(err, SF_ERR_PROTOCOL, "the %s has a malformed id", what);
	if (result->success && id == NULL && c->operation != SF_OP_DELETE)
		return sf_error_set(err, SF_ERR_PROTOCOL, "the %s lacks the id of a saved row", what);
	if (c->operation == SF_OP_INSERT)
		result->created = result->success;
	return read_error(c, i, errors, err);
}

/*
 * The call may have been acted on before the attempt that this answers: then what was to be gone is
 * gone.  With allOrNone all of it, or that attempt has deleted nothing.
 */
static void
forgive_deleted(sf_collections *c)
{
	int ngone = 0;

	for (int i = 0; i < c->nrows; i++)
		ngone += !c->results[i].success &&
				 strcmp(c->results[i].error.code, "ENTITY_IS_DELETED") == 0;
	if (c->all_or_none && ngone < c->nrows)
		return;
	for (int i = 0; i < c->nrows; i++)
	{
		if (strcmp(c->results[i].error.code, "ENTITY_IS_DELETED") == 0)
			c->results[i].success = true;
	}
}

static sf_status
read_answer(sf_collections *c, sf_error *err)
{
	static const char what[] = "answer to a Collections call";
	size_t len;
	const char *body = sf_http_body(c->req, &len);
	int i = 0;

	c->answer = sf_json_parse(body, len, what, err);
	if (c->answer == NULL)
		return SF_FAILED;
	if (sf_json_kind_of(c->answer) != SF_JSON_ARRAY || sf_json_count(c->answer) != c->nrows)
		return sf_error_set(err, SF_ERR_PROTOCOL, "the %s is no list of %d results", what,
							c->nrows);
	for (const sf_json *n = sf_json_first(c->answer); n != NULL; n = sf_json_next(n))
	{
		if (read_result(c, i++, n, err) != SF_OK)
			return SF_FAILED;
	}
	if (c->operation == SF_OP_DELETE && sf_http_may_have_acted(c->req))
		forgive_deleted(c);
	return SF_OK;
}

/* Adds a sentence to the detail, which may have one from below. */
static void
add_detail(sf_error *err, const char *text)
{
	char before[SF_MESSAGE_MAX];
	size_t len = strlen(err->detail);
	size_t room = sizeof(before) - strlen(text) - 2;

	sf_text_copy(before, len < room ? len + 1 : room, err->detail, len);
	err->detail[0] = '\0';
	sf_error_detail(err, "%s%s%s", before, before[0] != '\0' ? "\n" : "", text);
}

/* The call failed as a whole: can any of it have been saved? */
static void
judge_failure(sf_collections *c)
{
	c->unknown = sf_http_may_have_acted(c->req);
	add_detail(&c->error,
			   c->unknown
				   ? "It is not known whether Salesforce has saved the rows of this call."
				   : "No row of this call was saved.");
}

sf_status
sf_collections_check(sf_collections *c, sf_error *err)
{
	if (!c->checked)
	{
		sf_status st = sf_http_check(c->req, &c->error);

		if (st == SF_WAIT)
			return SF_WAIT;
		sf_http_get_cost(c->req, &c->cost);
		if (st == SF_FAILED)
			judge_failure(c);
		else if ((st = read_answer(c, &c->error)) != SF_OK)
		{
			c->unknown = true;
			add_detail(&c->error,
					   "Salesforce has taken the call; what it has saved is not known.");
		}
		c->checked = true;
		c->status = st;
	}
	if (c->status == SF_FAILED && err != NULL && !sf_error_is_set(err))
		*err = c->error;
	return c->status;
}

bool
sf_collections_unknown(const sf_collections *c)
{
	return c->unknown;
}

const sf_row_result *
sf_collections_result(const sf_collections *c, int i)
{
	return &c->results[i];
}

int
sf_collections_api_calls(const sf_collections *c)
{
	sf_http_cost cost;

	sf_http_get_cost(c->req, &cost);
	return cost.calls;
}

/* ---- cleaning up ------------------------------------------------------------------- */

bool
sf_collections_was_sent(const sf_collections *c)
{
	return !c->checked && sf_http_was_sent(c->req);
}

void
sf_collections_discard(sf_collections *c)
{
	sf_http_no_more_attempts(c->req);
}

static void
warn_unknown(const sf_collections *c, sf_error *err)
{
	sf_error_set(
		err, SF_ERR_REMOTE,
		"it is not known whether Salesforce has saved %d row%s of %s of a statement that "
		"was ended",
		c->nrows, c->nrows == 1 ? "" : "s", c->object);
	sf_error_detail(err, "The statement was to %s them, and ended before the answer came.",
					operation_words[c->operation]);
}

sf_status
sf_collections_cleanup_step(sf_collections *c, sf_error *err)
{
	sf_status st = sf_collections_check(c, NULL);
	int saved = 0;

	if (st == SF_WAIT)
		return SF_WAIT;
	for (int i = 0; i < c->nrows && st == SF_OK; i++)
		saved += c->results[i].success;
	if (c->unknown)
		warn_unknown(c, err);
	else if (saved > 0)
	{
		sf_error_set(err, SF_ERR_REMOTE,
					 "%d of %d rows of %s were written although their statement was ended",
					 saved, c->nrows, c->object);
		sf_error_detail(err, "The call to %s them had left already, and succeeded.",
						operation_words[c->operation]);
	}
	else
		return SF_DONE;
	return SF_FAILED;
}

void
sf_collections_give_up(const sf_collections *c, sf_error *err)
{
	warn_unknown(c, err);
}
