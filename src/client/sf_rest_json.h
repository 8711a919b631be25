/*
 * sf_rest_json.h
 *		Records of REST query answers as JSON texts, whatever their fields (level 3, part of sf_rest).
 *
 * Source: REST guide, resources_query, "Retrieving more results"; SOQL reference, relationship queries:
 * a subquery with many rows gives its first rows and a link to the others.
 */
#ifndef SF_REST_JSON_H
#define SF_REST_JSON_H

#include "sf_http.h"
#include "sf_json.h"

typedef struct sf_rest_json sf_rest_json;

extern sf_rest_json *sf_rest_json_new(sf_http *h, sf_error *err);

/* NULL is fine. */
extern void sf_rest_json_free(sf_rest_json *r);

/* Starts with the records of an answer, which stay the caller's and must last. */
extern void sf_rest_json_begin(sf_rest_json *r, const sf_json *records);

/*
 * The next record: SF_OK with *value, the text of a JSON object without members called attributes, valid until
 * the next call; SF_WAIT while rows of its subqueries come; SF_DONE at the end of the records; SF_FAILED.
 */
extern sf_status sf_rest_json_next(sf_rest_json *r, sf_value **value, sf_error *err);

/* Of all its requests. */
extern void sf_rest_json_get_cost(const sf_rest_json *r, sf_http_cost *cost);

/* A link to more rows: nothing but a path of this API, so that it leads to no other host or resource. */
#define SF_NEXT_URL_MAX 512
extern bool sf_rest_is_next_url(const char *url);

#endif /* SF_REST_JSON_H */
