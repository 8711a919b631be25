/*
 * sf_rest.h
 *		A query by REST (level 3): GET /query, /queryAll and the pages that follow.
 *
 * Sources: REST guide, resources_query, resources_query_more_results, headers_queryoptions.
 */
#ifndef SF_REST_H
#define SF_REST_H

#include "sf_http.h"

typedef struct sf_rest sf_rest;

typedef struct sf_rest_spec
{
	const char *soql;
	const char *api_version;
	const sf_column *columns; /* copied */
	int ncolumns;
	bool json; /* no columns: rows are records as JSON texts (sf_rest_json.h) */
	bool count_only;
	bool query_all;
	int batch_size; /* 200..2000; 0 means 2000 */
} sf_rest_spec;

/* True when the query fits into a request URI of this session. */
extern bool sf_rest_fits(const sf_http *h, const sf_rest_spec *spec);

/* Queues the first request.  NULL with *err filled. */
extern sf_rest *sf_rest_start(sf_http *h, const sf_rest_spec *spec, sf_error *err);

/* Moves it on.  SF_OK once the first page is there, so that sf_rest_total is known. */
extern sf_status sf_rest_step(sf_rest *r, sf_error *err);

/* totalSize; -1 before it is known. */
extern int64_t sf_rest_total(const sf_rest *r);

/* The next row as in sf_query_next_row. */
extern sf_status sf_rest_next_row(sf_rest *r, sf_value **values, sf_error *err);

/* Back to the first row: true when that is possible without asking again. */
extern bool sf_rest_rewind(sf_rest *r);

typedef struct sf_rest_info
{
	int64_t rows; /* handed out */
	int pages;
	sf_http_cost cost;
} sf_rest_info;

extern void sf_rest_get_info(const sf_rest *r, sf_rest_info *info);

extern void sf_rest_free(sf_rest *r);

#endif /* SF_REST_H */
