/*
 * sf_explain.h
 *		What Salesforce's optimizer makes of a query (level 3): GET /query?explain=.
 *
 * Source: REST guide, "Get Feedback on Query Performance"; recordings of real orgs.
 */
#ifndef SF_EXPLAIN_H
#define SF_EXPLAIN_H

#include "sf_http.h"

typedef struct sf_explanation sf_explanation;

/* Queues the request.  NULL with *err filled: SF_ERR_LIMIT when the query does not fit into a URI. */
extern sf_explanation *
sf_explanation_start(sf_http *h, const char *api_version, const char *soql, sf_error *err);

/* As sf_explain_check of sf_client.h. */
extern sf_status
sf_explanation_check(sf_explanation *e, const sf_query_plan **plan, sf_error *err);

extern int sf_explanation_calls(const sf_explanation *e);

extern void sf_explanation_free(sf_explanation *e);

#endif /* SF_EXPLAIN_H */
