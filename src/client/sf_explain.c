/*
 * sf_explain.c
 *		What Salesforce's optimizer makes of a query.
 *
 * The answer lists the plans that were considered, the cheapest first: the one that is taken.
 */
#include "sf_explain.h"

#include <stdlib.h>
#include <string.h>

#include "sf_json.h"
#include "sf_url.h"

struct sf_explanation
{
	sf_http_request *req;
	int calls;
	bool read; /* plan is filled */
	sf_query_plan plan;
	sf_error error; /* what it failed with */
};

sf_explanation *
sf_explanation_start(sf_http *h, const char *api_version, const char *soql, sf_error *err)
{
	sf_http_spec spec = {.method = SF_HTTP_GET,
						 .doing = "have the query explained",
						 .retry = SF_RETRY_HARMLESS};
	sf_explanation *e = calloc(1, sizeof(*e));
	sf_buf url;

	if (e == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	sf_buf_init(&url, SF_BODY_SMALL);
	sf_buf_printf(&url, "/services/data/v%s/query?explain=", api_version);
	sf_url_escape(&url, soql, strlen(soql));
	if (sf_buf_check(&url, "the query's URL", err) == SF_OK)
	{
		spec.url = sf_buf_text(&url);
		if (url.len + sf_http_overhead(h) > SF_URI_AND_HEADERS_MAX)
			sf_error_set(err, SF_ERR_LIMIT, "the query is too long to be explained");
		else
			e->req = sf_http_start(h, &spec, err);
	}
	sf_buf_free(&url);
	if (e->req == NULL)
	{
		free(e);
		return NULL;
	}
	return e;
}

void
sf_explanation_free(sf_explanation *e)
{
	if (e == NULL)
		return;
	sf_http_end(e->req);
	free(e);
}

int
sf_explanation_calls(const sf_explanation *e)
{
	sf_http_cost cost = {0};

	if (e->req != NULL)
		sf_http_get_cost(e->req, &cost);
	return e->calls + cost.calls;
}

static sf_status
read_plan(const sf_json *node, sf_query_plan *plan, sf_error *err)
{
	const char *operation = NULL;
	const sf_json_field fields[] = {
		{"cardinality", SF_FIELD_INT64, &plan->rows, true},
		{"sobjectCardinality", SF_FIELD_INT64, &plan->object_rows, true},
		{"relativeCost", SF_FIELD_DOUBLE, &plan->relative_cost, false},
		{"leadingOperationType", SF_FIELD_STRING, &operation, false},
	};

	if (node == NULL)
		return sf_error_set(err, SF_ERR_PROTOCOL, "the explanation of the query has no plan");
	if (sf_json_read(node, "explanation of the query", fields, 4, err) != SF_OK)
		return SF_FAILED;
	if (plan->rows < 0 || plan->object_rows < 0)
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"the explanation of the query has a negative number of rows");
	if (operation != NULL)
		sf_text_copy(plan->operation, sizeof(plan->operation), operation, strlen(operation));
	return SF_OK;
}

static sf_status
read_explanation(sf_explanation *e, sf_error *err)
{
	static const char what[] = "explanation of the query";
	const sf_json *plans = NULL;
	const sf_json_field fields[] = {{"plans", SF_FIELD_ARRAY, &plans, true}};
	size_t len;
	const char *body = sf_http_body(e->req, &len);
	sf_json *json = sf_json_parse(body, len, what, err);
	sf_status st = SF_FAILED;

	if (json != NULL && sf_json_read(json, what, fields, 1, err) == SF_OK)
		st = read_plan(sf_json_first(plans), &e->plan, err);
	sf_json_free(json);
	return st;
}

sf_status
sf_explanation_check(sf_explanation *e, const sf_query_plan **plan, sf_error *err)
{
	sf_status st;

	if (e->req != NULL && (st = sf_http_check(e->req, &e->error)) != SF_FAILED)
	{
		if (st == SF_WAIT)
			return SF_WAIT;
		e->read = read_explanation(e, &e->error) == SF_OK;
	}
	if (e->req != NULL)
	{
		e->calls = sf_explanation_calls(e);
		sf_http_end(e->req);
		e->req = NULL;
	}
	if (e->read)
	{
		*plan = &e->plan;
		return SF_OK;
	}
	if (err != NULL && !sf_error_is_set(err))
		*err = e->error;
	return SF_FAILED;
}
