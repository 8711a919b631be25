/*
 * sf_limits.c
 *		What the org has and may still do.
 *
 * Both are lists in one answer.  A limit may have others inside, of connected apps or of a part of what it
 * limits: {"DailyApiRequests":{"Max":15000,"Remaining":14998,"Ant Migration Tool":{…}},…}.
 */
#include "sf_limits.h"

#include <stdlib.h>
#include <string.h>

#include "sf_json.h"
#include "sf_url.h"

/* An org has some 60 limits; of objects at most some thousands, each with some 40 bytes. */
#define LIMITS_MAX (1024 * 1024)

struct sf_limit_list
{
	bool counts; /* of records; else limits */
	sf_http *http;
	sf_http_request *req;
	int calls;
	sf_json *answer;
	const sf_json *node;  /* the next entry */
	const char *outer;	  /* the limit given last that may have others inside */
	const sf_json *inner; /* the next of its members */
	sf_limit limit;
	sf_record_count count;
	sf_error error; /* what it failed with */
};

static const char *
what_of(const sf_limit_list *l)
{
	return l->counts ? "list of record counts" : "list of the org's limits";
}

static sf_limit_list *
list_new(sf_http *h, bool counts, sf_buf *url, sf_error *err)
{
	sf_limit_list *l = calloc(1, sizeof(*l));
	sf_http_spec spec = {.method = SF_HTTP_GET,
						 .doing =
							 counts ? "count the records" : "ask for the limits of the org",
						 .retry = SF_RETRY_HARMLESS,
						 .body_max = LIMITS_MAX};

	if (l == NULL)
		sf_error_nomem(err);
	else
	{
		l->counts = counts;
		l->http = h;
		if (sf_buf_check(url, "the URL of a request for counts", err) == SF_OK)
		{
			spec.url = sf_buf_text(url);
			l->req = sf_http_start(h, &spec, err);
		}
		if (l->req == NULL)
		{
			free(l);
			l = NULL;
		}
	}
	sf_buf_free(url);
	return l;
}

sf_limit_list *
sf_limit_list_start(sf_http *h, const char *api_version, sf_error *err)
{
	sf_buf url;

	sf_buf_init(&url, 256);
	sf_buf_printf(&url, "/services/data/v%s/limits", api_version);
	return list_new(h, false, &url, err);
}

sf_limit_list *
sf_limit_list_start_counts(sf_http *h, const char *api_version, const char *const *objects,
						   int nobjects, sf_error *err)
{
	sf_buf url;

	/* a longer one would be refused: a URI takes at most 16,384 bytes */
	sf_buf_init(&url, 15 * 1024);
	sf_buf_printf(&url, "/services/data/v%s/limits/recordCount?sObjects=", api_version);
	for (int i = 0; i < nobjects; i++)
	{
		/* a comma would make two names of it */
		if (objects[i][0] == '\0' || strchr(objects[i], ',') != NULL)
		{
			sf_buf_free(&url);
			sf_error_set(err, SF_ERR_CONFIG, "invalid object name \"%.100s\"", objects[i]);
			return NULL;
		}
		if (i > 0)
			sf_buf_putc(&url, ',');
		sf_url_escape(&url, objects[i], strlen(objects[i]));
	}
	return list_new(h, true, &url, err);
}

void
sf_limit_list_free(sf_limit_list *l)
{
	if (l == NULL)
		return;
	sf_http_end(l->req);
	sf_json_free(l->answer);
	free(l);
}

int
sf_limit_list_calls(const sf_limit_list *l)
{
	sf_http_cost cost = {0};

	if (l->req != NULL)
		sf_http_get_cost(l->req, &cost);
	return l->calls + cost.calls;
}

static sf_status
read_list(sf_limit_list *l, sf_error *err)
{
	const sf_json *list = NULL;
	const sf_json_field fields[] = {{"sObjects", SF_FIELD_ARRAY, &list, true}};
	size_t len;
	const char *body = sf_http_body(l->req, &len);

	l->answer = sf_json_parse(body, len, what_of(l), err);
	if (l->answer == NULL)
		return SF_FAILED;
	if (l->counts)
	{
		if (sf_json_read(l->answer, what_of(l), fields, 1, err) != SF_OK)
			return SF_FAILED;
		l->node = sf_json_first(list);
		return SF_OK;
	}
	if (sf_json_kind_of(l->answer) != SF_JSON_OBJECT)
		return sf_error_set(err, SF_ERR_PROTOCOL, "the %s is not a JSON object", what_of(l));
	l->node = sf_json_first(l->answer);
	return SF_OK;
}

/* The next entry's node, NULL in *node at the end. */
static sf_status
next_node(sf_limit_list *l, const sf_json **node)
{
	sf_status st;

	if (l->answer == NULL && l->req != NULL)
	{
		st = sf_http_check(l->req, &l->error);
		if (st == SF_WAIT)
			return SF_WAIT;
		if (st == SF_OK)
			read_list(l, &l->error);
		l->calls = sf_limit_list_calls(l);
		sf_http_end(l->req);
		l->req = NULL;
	}
	if (sf_error_is_set(&l->error))
		return SF_FAILED;
	*node = l->node;
	if (l->node == NULL)
		return SF_DONE;
	l->node = sf_json_next(l->node);
	return SF_OK;
}

static sf_status
give(sf_limit_list *l, sf_status st, sf_error *err)
{
	if (st == SF_FAILED && err != NULL && !sf_error_is_set(err))
		*err = l->error;
	return st;
}

/* Reads a limit; one inside of another may lack what does not apply to it. */
static sf_status
read_limit(sf_limit_list *l, const sf_json *node, const char *outer)
{
	sf_limit *entry = &l->limit;
	const sf_json_field fields[] = {
		{"Max", SF_FIELD_INT64, &entry->max, outer == NULL},
		{"Remaining", SF_FIELD_INT64, &entry->remaining, outer == NULL}};

	*entry = (sf_limit){.name = sf_json_name(node), .part_of = outer};
	return sf_json_read(node, what_of(l), fields, 2, &l->error);
}

/* The next limit inside of the one that was given last; SF_DONE when there is none. */
static sf_status
next_inner(sf_limit_list *l)
{
	while (l->inner != NULL)
	{
		const sf_json *node = l->inner;

		l->inner = sf_json_next(node);
		if (sf_json_kind_of(node) != SF_JSON_OBJECT)
			continue;
		if (read_limit(l, node, l->outer) != SF_OK)
			return SF_FAILED;
		if (l->limit.max > 0)
			return SF_OK;
	}
	return SF_DONE;
}

sf_status
sf_limit_list_next(sf_limit_list *l, const sf_limit **limit, sf_error *err)
{
	const sf_json *node = NULL;
	sf_status st = next_inner(l);

	if (st == SF_DONE)
	{
		st = next_node(l, &node);
		if (st == SF_OK)
			st = read_limit(l, node, NULL);
		if (st == SF_OK)
		{
			l->outer = l->limit.name;
			l->inner = sf_json_first(node);
			sf_http_note_limit(l->http, l->limit.name, l->limit.max, l->limit.remaining);
		}
	}
	*limit = &l->limit;
	return give(l, st, err);
}

sf_status
sf_limit_list_next_count(sf_limit_list *l, const sf_record_count **count, sf_error *err)
{
	sf_record_count *entry = &l->count;
	const sf_json_field fields[] = {{"name", SF_FIELD_STRING, &entry->object, true},
									{"count", SF_FIELD_INT64, &entry->count, true}};
	const sf_json *node = NULL;
	sf_status st = next_node(l, &node);

	if (st == SF_OK)
	{
		st = sf_json_read(node, what_of(l), fields, 2, &l->error);
		*count = entry;
	}
	return give(l, st, err);
}
