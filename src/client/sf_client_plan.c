/*
 * sf_client_plan.c
 *		What planning and checks ask of an org: how many rows, how much is left, who is there (level 4).
 */
#include "sf_client_session.h"

#include "sf_explain.h"
#include "sf_limits.h"
#include "sf_org.h"

/* The border's types are the resources' own: nothing is added to them here. */

sf_explain *
sf_explain_start(sf_session *s, const char *soql, sf_error *err)
{
	char object[SF_OBJECT_MAX];

	sf_http_set_account(s->http, sf_soql_object(soql, object, sizeof(object)) ? object : NULL);
	return (sf_explain *) sf_explanation_start(s->http, s->config.api_version, soql, err);
}

sf_status
sf_explain_check(sf_explain *e, const sf_query_plan **plan, sf_error *err)
{
	return sf_explanation_check((sf_explanation *) e, plan, err);
}

int
sf_explain_api_calls(const sf_explain *e)
{
	return sf_explanation_calls((const sf_explanation *) e);
}

void
sf_explain_free(sf_explain *e)
{
	sf_explanation_free((sf_explanation *) e);
}

sf_record_counts *
sf_record_counts_start(sf_session *s, const char *const *objects, int nobjects, sf_error *err)
{
	sf_http_set_account(s->http, nobjects == 1 ? objects[0] : NULL);
	return (sf_record_counts *) sf_limit_list_start_counts(s->http, s->config.api_version,
														   objects, nobjects, err);
}

sf_status
sf_record_counts_next(sf_record_counts *r, const sf_record_count **count, sf_error *err)
{
	return sf_limit_list_next_count((sf_limit_list *) r, count, err);
}

int
sf_record_counts_api_calls(const sf_record_counts *r)
{
	return sf_limit_list_calls((const sf_limit_list *) r);
}

void
sf_record_counts_free(sf_record_counts *r)
{
	sf_limit_list_free((sf_limit_list *) r);
}

sf_org_ask *
sf_org_ask_start(sf_session *s, sf_org_question question, sf_error *err)
{
	return (sf_org_ask *) sf_org_start(s->http, &s->config, question, err);
}

sf_status
sf_org_ask_check(sf_org_ask *a, const sf_org_facts **facts, sf_error *err)
{
	return sf_org_check((sf_org *) a, facts, err);
}

void
sf_org_ask_free(sf_org_ask *a)
{
	sf_org_free((sf_org *) a);
}

sf_limits *
sf_limits_start(sf_session *s, sf_error *err)
{
	sf_http_set_account(s->http, NULL);
	return (sf_limits *) sf_limit_list_start(s->http, s->config.api_version, err);
}

sf_status
sf_limits_next(sf_limits *l, const sf_limit **limit, sf_error *err)
{
	return sf_limit_list_next((sf_limit_list *) l, limit, err);
}

int
sf_limits_api_calls(const sf_limits *l)
{
	return sf_limit_list_calls((const sf_limit_list *) l);
}

void
sf_limits_free(sf_limits *l)
{
	sf_limit_list_free((sf_limit_list *) l);
}
