/*
 * rest.h
 *		What the files of the synchronous REST surface share.
 *
 * Table of contents: request bodies (rest_json.c) | rows and their errors (rest_row.c) |
 * transactions (rest_write.c) | conditional requests (rest_conditional.c) | headers (rest_headers.c)
 */
#ifndef SFSIM_REST_H
#define SFSIM_REST_H

#include "server.h"
#include "store.h"

/* ---------------------------------------------------------------- rest_json.c */

/*
 * The request body as JSON (the caller frees *tree).  False: answered already, with 415 when its type
 * says that it is no JSON, or with JSON_PARSER_ERROR, whose text says where it stops to be JSON.
 */
bool rest_json_body(srv_request *req, struct cJSON **tree);

/* What is wrong with a text, in the words of the platform's parser; nothing when it is JSON (text[len] must be NUL). */
void rest_json_complaint(const char *text, size_t len, sim_buf *out);

/* Members: a string or NULL, and a boolean ("true" is taken as well) or dflt. */
const char *rest_json_string(const struct cJSON *object, const char *name);
bool rest_json_flag(const struct cJSON *object, const char *name, bool dflt);

/* A decoded parameter of the query as a boolean. */
bool rest_param_flag(const srv_request *req, const char *name, bool dflt);

/* ---------------------------------------------------------------- rest.c */

/* The object of a name; NULL after the 404 is filled in. */
const sim_object *rest_object(srv_request *req, const char *name);

/* ---------------------------------------------------------------- rest_conditional.c */

/*
 * Last-Modified (and an ETag, when given) of what a GET shows, and the conditions of the request.
 * True: 304 or 412 was answered.  etag has its quotes; match: If-Match and If-None-Match count.
 */
bool rest_conditional(srv_request *req, int64_t modified, const char *etag, bool match);

/* If-Unmodified-Since, If-Modified-Since and If-Match before a write. True: 412 was answered. */
bool rest_precondition(srv_request *req, int64_t modified, const char *etag);

/* Quoted ETags: 8 hex digits of describes, base64 of rows (out has REST_ETAG_SIZE bytes). */
#define REST_ETAG_SIZE 48
void rest_etag_describe(const char *data, size_t len, char *out);
void rest_etag_row(const srv_request *req, const char *data, size_t len, char *out);

/* ---------------------------------------------------------------- rest_headers.c */

/* The headers every answer of the platform carries. */
void rest_standard_headers(srv_request *req);

/* ?_HttpMethod=PATCH of a POST is the method. */
void rest_method_override(srv_request *req);

#endif /* SFSIM_REST_H */
