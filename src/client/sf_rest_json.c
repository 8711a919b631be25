/*
 * sf_rest_json.c
 *		Records of REST query answers as JSON texts.
 *
 * A record is given whole: while a subquery in it has more rows elsewhere, these are asked for, page after
 * page, and become a part of it.
 */
#include "sf_rest_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Most text of a record: Salesforce's largest have some megabytes, and subqueries their rows besides. */
#define RECORD_MAX (64 * 1024 * 1024)

/* Most text of a page of a subquery's rows, as of any page (sf_rest.c). */
#define PAGE_MAX (16 * 1024 * 1024)

/* More rows of a subquery's answer. */
typedef struct more_rows
{
	struct more_rows *next;
	const sf_json
		*first; /* the answer, in the record or in a page like this, that they belong to */
	sf_json *page;
} more_rows;

struct sf_rest_json
{
	sf_http *http;
	const sf_json *node; /* the next record */
	more_rows *more;	 /* of this record, in the order of their coming */
	more_rows **last;
	sf_http_request *req;
	const sf_json *asked; /* the answer whose rows are asked for */
	sf_http_cost spent;
	sf_buf text;
	sf_value value;
};

bool
sf_rest_is_next_url(const char *url)
{
	size_t len = url != NULL ? strlen(url) : 0;

	return len > 0 && len < SF_NEXT_URL_MAX && strncmp(url, "/services/data/v", 16) == 0 &&
		   strspn(url, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					   "/.-_?=&%~") == len;
}

sf_rest_json *
sf_rest_json_new(sf_http *h, sf_error *err)
{
	sf_rest_json *r = calloc(1, sizeof(*r));

	if (r == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	r->http = h;
	r->last = &r->more;
	sf_buf_init(&r->text, RECORD_MAX);
	return r;
}

static void
drop_request(sf_rest_json *r)
{
	sf_http_settle(&r->req, &r->spent);
}

static void
forget_more(sf_rest_json *r)
{
	while (r->more != NULL)
	{
		more_rows *more = r->more;

		r->more = more->next;
		sf_json_free(more->page);
		free(more);
	}
	r->last = &r->more;
}

void
sf_rest_json_free(sf_rest_json *r)
{
	if (r == NULL)
		return;
	sf_http_end(r->req);
	forget_more(r);
	sf_buf_free(&r->text);
	free(r);
}

void
sf_rest_json_begin(sf_rest_json *r, const sf_json *records)
{
	drop_request(r);
	forget_more(r);
	r->node = sf_json_first(records);
}

void
sf_rest_json_get_cost(const sf_rest_json *r, sf_http_cost *cost)
{
	*cost = r->spent;
}

/* ---- subqueries with more rows ----------------------------------------------------- */

/* An answer of a subquery: {"totalSize":…,"done":…,"records":[…]}. */
static bool
is_answer(const sf_json *node)
{
	return sf_json_kind_of(node) == SF_JSON_OBJECT &&
		   sf_json_kind_of(sf_json_get(node, "done")) == SF_JSON_BOOL &&
		   sf_json_kind_of(sf_json_get(node, "records")) == SF_JSON_ARRAY;
}

static bool
is_done(const sf_json *answer)
{
	bool done = false;

	return sf_json_bool(sf_json_get(answer, "done"), &done) && done;
}

/* What came last of an answer's rows: a page of more, or the answer itself. */
static const sf_json *
last_part(const sf_rest_json *r, const sf_json *answer)
{
	const sf_json *part = answer;

	for (const more_rows *more = r->more; more != NULL; more = more->next)
		if (more->first == answer)
			part = more->page;
	return part;
}

/* The first answer below a node that has more rows elsewhere; NULL when there is none. */
static const sf_json *
find_open(const sf_rest_json *r, const sf_json *node)
{
	const sf_json *open = NULL;

	if (is_answer(node))
	{
		if (!is_done(last_part(r, node)))
			return node;
		for (const more_rows *more = r->more; more != NULL && open == NULL; more = more->next)
			if (more->first == node)
				open = find_open(r, sf_json_get(more->page, "records"));
	}
	for (const sf_json *child = sf_json_first(node); child != NULL && open == NULL;
		 child = sf_json_next(child))
		open = find_open(r, child);
	return open;
}

static sf_status
ask_more(sf_rest_json *r, const sf_json *answer, sf_error *err)
{
	const char *url = sf_json_text(sf_json_get(last_part(r, answer), "nextRecordsUrl"));
	sf_http_spec spec = {.method = SF_HTTP_GET,
						 .url = url,
						 .doing = "ask for more rows of a subquery",
						 .retry = SF_RETRY_HARMLESS,
						 .body_max = PAGE_MAX};

	if (!sf_rest_is_next_url(url))
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"the answer to a subquery is not done but names no next page");
	r->asked = answer;
	r->req = sf_http_start(r->http, &spec, err);
	return r->req != NULL ? SF_WAIT : SF_FAILED;
}

static int64_t
count_rows(const sf_rest_json *r, const sf_json *answer)
{
	int64_t n = sf_json_count(sf_json_get(answer, "records"));

	for (const more_rows *more = r->more; more != NULL; more = more->next)
		if (more->first == answer)
			n += sf_json_count(sf_json_get(more->page, "records"));
	return n;
}

/* Takes the page that was asked for; SF_FAILED when all pages have fewer or more rows than were promised. */
static sf_status
take_more(sf_rest_json *r, sf_error *err)
{
	static const char what[] = "answer to a subquery";
	more_rows *more = calloc(1, sizeof(*more));
	int64_t total = 0;
	int64_t n;
	size_t len;
	const char *body = sf_http_body(r->req, &len);

	if (more == NULL)
		return sf_error_nomem(err);
	more->first = r->asked;
	more->page = sf_json_parse(body, len, what, err);
	drop_request(r);
	if (more->page == NULL)
	{
		free(more);
		return SF_FAILED;
	}
	*r->last = more;
	r->last = &more->next;
	if (!is_answer(more->page) ||
		(!is_done(more->page) && sf_json_count(sf_json_get(more->page, "records")) == 0))
		return sf_error_set(err, SF_ERR_PROTOCOL, "the %s has no rows but is not done", what);
	if (!sf_json_int64(sf_json_get(r->asked, "totalSize"), &total))
		return SF_OK;
	n = count_rows(r, r->asked);
	if (n > total || (is_done(more->page) && n < total))
		return sf_error_set(
			err, SF_ERR_PROTOCOL,
			"the subquery gave %" PRId64 " rows, but its totalSize is %" PRId64, n, total);
	return SF_OK;
}

/* SF_OK when all rows of the record's subqueries are there. */
static sf_status
complete_record(sf_rest_json *r, sf_error *err)
{
	const sf_json *open;
	sf_status st;

	for (;;)
	{
		if (r->req != NULL)
		{
			st = sf_http_check(r->req, err);
			if (st == SF_OK)
				st = take_more(r, err);
			if (st != SF_OK)
				return st;
		}
		open = find_open(r, r->node);
		if (open == NULL)
			return SF_OK;
		st = ask_more(r, open, err);
		if (st != SF_WAIT)
			return st;
	}
}

/* ---- text -------------------------------------------------------------------------- */

static void print_node(sf_rest_json *r, const sf_json *node);

static void
print_separator(sf_rest_json *r, bool *first)
{
	if (!*first)
		sf_buf_putc(&r->text, ',');
	*first = false;
}

static void
print_rows(sf_rest_json *r, const sf_json *records, bool *first)
{
	for (const sf_json *row = sf_json_first(records); row != NULL; row = sf_json_next(row))
	{
		print_separator(r, first);
		print_node(r, row);
	}
}

/* An answer of a subquery whose rows came in pieces, as one. */
static void
print_answer(sf_rest_json *r, const sf_json *answer)
{
	bool first = true;

	sf_buf_printf(&r->text, "{\"totalSize\":%" PRId64 ",\"done\":true,\"records\":[",
				  count_rows(r, answer));
	print_rows(r, sf_json_get(answer, "records"), &first);
	for (const more_rows *more = r->more; more != NULL; more = more->next)
		if (more->first == answer)
			print_rows(r, sf_json_get(more->page, "records"), &first);
	sf_buf_puts(&r->text, "]}");
}

static void
print_node(sf_rest_json *r, const sf_json *node)
{
	bool first = true;

	if (is_answer(node) && !is_done(node))
		print_answer(r, node);
	else if (sf_json_kind_of(node) == SF_JSON_ARRAY)
	{
		sf_buf_putc(&r->text, '[');
		print_rows(r, node, &first);
		sf_buf_putc(&r->text, ']');
	}
	else if (sf_json_kind_of(node) == SF_JSON_OBJECT)
	{
		sf_buf_putc(&r->text, '{');
		for (const sf_json *child = sf_json_first(node); child != NULL;
			 child = sf_json_next(child))
		{
			const char *name = sf_json_name(child);

			if (strcmp(name, "attributes") == 0)
				continue;
			print_separator(r, &first);
			sf_json_quote(&r->text, name, strlen(name));
			sf_buf_putc(&r->text, ':');
			print_node(r, child);
		}
		sf_buf_putc(&r->text, '}');
	}
	else
		sf_json_print(&r->text, node);
}

sf_status
sf_rest_json_next(sf_rest_json *r, sf_value **value, sf_error *err)
{
	sf_status st;

	if (r->node == NULL)
		return SF_DONE;
	if (sf_json_kind_of(r->node) != SF_JSON_OBJECT)
		return sf_error_set(err, SF_ERR_PROTOCOL, "a record of the query is not an object");
	st = complete_record(r, err);
	if (st != SF_OK)
		return st;
	sf_buf_reset(&r->text);
	print_node(r, r->node);
	if (sf_buf_check(&r->text, "a record of the query", err) != SF_OK)
		return SF_FAILED;
	forget_more(r);
	r->node = sf_json_next(r->node);
	r->value.data = (char *) sf_buf_text(&r->text);
	r->value.len = (int) r->text.len;
	*value = &r->value;
	return SF_OK;
}
