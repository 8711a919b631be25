/*
 * rest.h
 *		What the files of the synchronous REST surface share.
 *
 * Table of contents: rest_json.c | rest_body.c | rest.c | rest_conditional.c | rest_headers.c | rest_write.c | handlers
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

/* Is this Content-Type one of JSON?  NULL and nothing said are taken for JSON. */
bool rest_json_type(const char *type);

/* What is wrong with a text, in the words of the platform's parser; nothing when it is JSON (text[len] must be NUL). */
void rest_json_complaint(const char *text, size_t len, sim_buf *out);

/*
 * Where the value of a member (key; the last one of that name) or an element (index, when key is NULL) of
 * the container at text[at] begins; len when there is none.  The text must be JSON.
 */
size_t rest_json_find(const char *text, size_t len, size_t at, const char *key, int index);

/* Members: a string or NULL, and a boolean ("true" is taken as well) or dflt. */
const char *rest_json_string(const struct cJSON *object, const char *name);
bool rest_json_flag(const struct cJSON *object, const char *name, bool dflt);

/* A decoded parameter of the query as a boolean. */
bool rest_param_flag(const srv_request *req, const char *name, bool dflt);

/*
 * rest_body.c: the same for a single row of obj, which may be XML, or multipart: the record in one part, and the
 * bytes of base64 fields in parts that bear their names.
 */
bool rest_body_tree(srv_request *req, const sim_object *obj, struct cJSON **tree);

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

/* rest_xml.c: a JSON answer of the data API becomes XML where Accept prefers that. */
void rest_accept(srv_request *req);

/* ?_HttpMethod=PATCH of a POST is the method. */
void rest_method_override(srv_request *req);

/* ---------------------------------------------------------------- rest_write.c */

/*
 * A JSON record as the store takes it.  Texts are borrowed from the tree that it was read from.
 */
typedef struct rest_record
{
	const sim_object *object;
	const struct cJSON *attributes; /* NULL: there is none */
	const char *id;					/* of a member Id or id; NULL: absent or null */
	bool has_id;					/* there is such a member, even null */
	sim_in *in;
	int n;
	struct cJSON **children; /* members {"records": […]} of a tree, borrowed */
	int nchildren;
} rest_record;

/*
 * Read a record; obj NULL: its attributes say of which object it is.  tree: members may hold child records.
 * False: *err, and *bad (may be NULL) is the member that is to blame.  Free it in either case.
 */
bool rest_record_read(const struct cJSON *json, const sim_object *obj, bool tree,
					  rest_record *out, const struct cJSON **bad, sim_error *err);
void rest_record_free(rest_record *rec);

/* The record as a row to write; id may be NULL. */
sim_write rest_record_row(const rest_record *rec, const char *id);

/* The cell of a field; NULL when the record has none. */
const sim_in *rest_record_cell(const rest_record *rec, const sim_field *field);

/*
 * The transaction of one call: one of its own, or a mark in that of the composite request it is a part of.
 * Begun, it is ended by exactly one of the others.
 */
typedef struct rest_txn
{
	sim_txn *t;
	bool shared;
} rest_txn;

bool rest_txn_begin(srv_request *req, rest_txn *txn, sim_error *err);
bool rest_txn_commit(rest_txn *txn, sim_error *err);
void rest_txn_abort(rest_txn *txn);

/* What the request's headers say about its writes. */
void rest_write_opts(const srv_request *req, sim_write_opts *opts);

/* An error of a single row: status by its code, "fields" always there. */
void rest_row_error(srv_request *req, const sim_error *err);

/* An error about the request's text: the same without fields, its position filled in (at: rest_json_find). */
void rest_text_error(srv_request *req, const sim_error *err, size_t at);

/* One result of a list: {"id":…,"success":…,"errors":[…]}; created: -1 not said, 0, 1.  id may be NULL. */
void rest_save_result(sim_buf *out, const char *id, int created, const sim_error *err);

/* ---------------------------------------------------------------- handlers */

/* limits.c */
void rest_limits(srv_request *req);
void rest_record_count(srv_request *req);

/* What there is of an id, and when it was modified last (seconds; -1: not known). */
typedef enum rest_row_state
{
	ROW_ABSENT,
	ROW_LIVE,
	ROW_DELETED
} rest_row_state;

/* rest_row.c */
rest_row_state
rest_row_look(srv_request *req, const sim_object *obj, const char *id, int64_t *modified);

/* Adds the names of all fields, as the schema is now, separated by commas. */
void rest_all_fields(const sim_object *obj, sim_buf *soql);

/* The row as JSON: 1; 0: there is none; -1: answered.  fields: a comma list, Id is added; NULL: all. */
int rest_row_read(srv_request *req, const sim_object *obj, const char *id, const char *fields,
				  sim_buf *out);

/* The row as the answer of a GET, or 404. */
void rest_row_answer(srv_request *req, const sim_object *obj, const char *id);

/* The request's conditions before a write; true: 412 was answered. */
bool
rest_row_refused(srv_request *req, const sim_object *obj, const char *id, int64_t modified);

/* The body as a record; false: answered.  201 and Location.  Delete it and answer. */
bool
rest_row_body(srv_request *req, const sim_object *obj, struct cJSON **tree, rest_record *rec);
void rest_row_created(srv_request *req, const sim_object *obj, const char *id, int created);
void rest_row_remove(srv_request *req, const char *id);

void rest_row_create(srv_request *req);
void rest_row_get(srv_request *req);
void rest_row_update(srv_request *req);
void rest_row_delete(srv_request *req);

/* rest_key.c */
void rest_key_get(srv_request *req);
void rest_key_upsert(srv_request *req);
void rest_key_delete(srv_request *req);

/* rest_recent.c; rows of obj, or of all objects, newest first, at most n, as a comma list */
void rest_updated(srv_request *req);
void rest_deleted(srv_request *req);
void rest_recent_rows(srv_request *req, const sim_object *obj, int n, sim_buf *out);
void rest_recent_touch(srv_request *req, const char *id);

/* rest_collections.c */
void rest_collection_create(srv_request *req);
void rest_collection_update(srv_request *req);
void rest_collection_upsert(srv_request *req);
void rest_collection_delete(srv_request *req);
void rest_collection_get(srv_request *req);

/* rest_tree.c */
void rest_tree(srv_request *req);

/* composite.c, composite_batch.c, composite_graph.c */
void rest_composite_list(srv_request *req);
void rest_composite(srv_request *req);
void rest_batch(srv_request *req);
void rest_graph(srv_request *req);

#endif /* SFSIM_REST_H */
