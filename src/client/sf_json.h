/*
 * sf_json.h
 *		JSON answers and requests (level 1).  The only part that knows cJSON.
 */
#ifndef SF_JSON_H
#define SF_JSON_H

#include "sf_buf.h"

/* A node of a parsed answer; the root owns everything below it. */
typedef struct sf_json sf_json;

/* Deepest nesting taken; Salesforce's answers stay under 20. */
#define SF_JSON_DEPTH_MAX 64

/*
 * Most values in one answer, since each takes some 100 bytes however short its text is.  Describes
 * of 25 objects with 900 fields of 60 members are 1.4 million.
 */
#define SF_JSON_NODES_MAX (4 * 1000 * 1000)

typedef enum sf_json_kind
{
	SF_JSON_NULL,
	SF_JSON_BOOL,
	SF_JSON_NUMBER,
	SF_JSON_STRING,
	SF_JSON_ARRAY,
	SF_JSON_OBJECT
} sf_json_kind;

/* ---- reading ----------------------------------------------------------------------- */

/*
 * Parses len bytes (need not be 0-terminated; the caller bounds them).  NULL with *err filled:
 * SF_ERR_PROTOCOL for what is not JSON, too deep, or followed by more text; SF_ERR_DATA for
 * invalid UTF-8, NUL bytes and \u0000, which no text here can hold; SF_ERR_LIMIT for too many
 * values; SF_ERR_MEMORY.  Numbers of more than 15 digits keep their text, so none is lost.  what
 * names the answer in messages ("answer to the login request").  The content is not echoed.
 */
extern sf_json *sf_json_parse(const char *text, size_t len, const char *what, sf_error *err);

/* Frees a root with all nodes below.  NULL is fine. */
extern void sf_json_free(sf_json *root);

/* The same, wiping all texts first: for answers that hold a token. */
extern void sf_json_free_wiped(sf_json *root);

/* Kind of a node; NULL counts as SF_JSON_NULL. */
extern sf_json_kind sf_json_kind_of(const sf_json *node);

/* Member of an object by name: exact, or ignoring ASCII case.  NULL when missing or no object. */
extern const sf_json *sf_json_get(const sf_json *object, const char *name);
extern const sf_json *sf_json_get_nocase(const sf_json *object, const char *name);

/* First child of an array or object, and the next sibling; NULL at the end. */
extern const sf_json *sf_json_first(const sf_json *node);
extern const sf_json *sf_json_next(const sf_json *node);

/* Number of children; 0 for anything that has none. */
extern int sf_json_count(const sf_json *node);

/* Name of an object's member, "" for other nodes. */
extern const char *sf_json_name(const sf_json *node);

/* Text of a string node (valid as long as the root), NULL for other kinds. */
extern const char *sf_json_text(const sf_json *node);

/* Values of nodes; false when kind or range does not fit (int64: also when not integral). */
extern bool sf_json_int64(const sf_json *node, int64_t *value);
extern bool sf_json_double(const sf_json *node, double *value);
extern bool sf_json_bool(const sf_json *node, bool *value);

/*
 * Appends a number's text: as sent where it has more than 15 digits, else shortest, integral ones
 * without a point up to 17 digits, Java's form beyond.
 */
extern sf_status sf_json_number_text(sf_buf *out, const sf_json *node);

typedef enum sf_json_type
{
	SF_FIELD_STRING, /* const char **: points into the document; null gives NULL */
	SF_FIELD_INT,	 /* int * */
	SF_FIELD_INT64,	 /* int64_t * */
	SF_FIELD_DOUBLE, /* double * */
	SF_FIELD_BOOL,	 /* bool * */
	SF_FIELD_ARRAY,	 /* const sf_json **; null gives NULL */
	SF_FIELD_OBJECT	 /* const sf_json **; null gives NULL */
} sf_json_type;

/* One line of a table of expected members. */
typedef struct sf_json_field
{
	const char *name;
	sf_json_type type;
	void *target;  /* left alone when the member is missing (or null, for scalars) */
	bool required; /* missing or null is an error */
} sf_json_field;

/*
 * Reads the members named in the table.  Members not named are ignored.  SF_FAILED with
 * SF_ERR_PROTOCOL naming the member: required and missing, or of the wrong kind.
 */
extern sf_status sf_json_read(const sf_json *object, const char *what,
							  const sf_json_field *fields, int nfields, sf_error *err);

/* ---- errors of Salesforce ---------------------------------------------------------- */

/*
 * Fills *err from the body of an answer with an error status and returns SF_FAILED.  Takes REST's
 * array [{"errorCode","message","fields"}], the OAuth object {"error","error_description"}, the
 * forms with statusCode and with exceptionCode (this one also as Bulk API 1.0's XML), HTML, other text and
 * an empty body (protocol: REST guide, errorcodes; Bulk API guide, "Errors").  doing completes "could not …" ("create a query job for Account").
 *
 *		message		could not <doing>: CODE: reason			or: … : HTTP status 503
 *		detail		the position echo of SOQL errors, fields, further errors, the text of HTML
 *		code		errorCode / error;  http_status as given
 *
 * cls is what the caller holds it for, usually SF_ERR_REMOTE.
 */
extern sf_status sf_json_remote_error(const char *body, size_t len, int http_status,
									  sf_error_class cls, const char *doing, sf_error *err);

/* The same from a node already parsed: an array or object of those forms. */
extern sf_status sf_json_node_error(const sf_json *node, int http_status, sf_error_class cls,
									const char *doing, sf_error *err);

/*
 * Fills *err (SF_ERR_REMOTE) from the errorMessage of a failed job: "InvalidBatch : Failed to process
 * query: CODE: text".  job is what it is ("query job").  err->code is what the caller found in it, or "".  The message keeps one line,
 * the position echo of SOQL errors and further lines become the detail.
 */
extern void
sf_json_job_error(const char *message, const char *job, const char *job_id, sf_error *err);

/* ---- rows of REST query answers ---------------------------------------------------- */

/*
 * Turns records into rows that have the same bytes as bulk CSV gives (see sf_column_kind).  Paths
 * are walked through parent objects, ignoring case; a null parent gives null, and so does "".
 */
typedef struct sf_json_rows sf_json_rows;

/* Columns are copied.  NULL with *err filled on failure. */
extern sf_json_rows *sf_json_rows_new(const sf_column *columns, int ncolumns, sf_error *err);
extern void sf_json_rows_free(sf_json_rows *rows);

/*
 * Starts with the records array of an answer (borrowed until the next call; never changed, so that
 * the same records can be read again).  first_row is the 1-based number of its first row, for
 * messages.
 */
extern void sf_json_rows_begin(sf_json_rows *rows, const sf_json *records, int64_t first_row);

/*
 * After sf_json_parse refused an answer with rows for its bytes (SF_ERR_DATA): says in *err in which
 * row and field of {"records":[{"Name":… they are, where they are in one.  first_row as above.
 */
extern void
sf_json_rows_locate(const char *text, size_t len, int64_t first_row, sf_error *err);

/*
 * SF_OK with *values (copies; ncolumns of them, valid until the next call), SF_DONE at the end of
 * the array, SF_FAILED: SF_ERR_PROTOCOL with row and column for a missing field or one of the
 * wrong kind.
 */
extern sf_status sf_json_rows_next(sf_json_rows *rows, sf_value **values, sf_error *err);

/*
 * Java's Double.toString: shortest digits that read back the same, at least one after the point,
 * E notation from 1e7 up and below 1e-3 (100.0, 9.0E7, 1.0E-4).  Returns the length.
 */
#define SF_DOUBLE_TEXT_MAX 32
extern int sf_double_java_text(double value, char out[SF_DOUBLE_TEXT_MAX]);

/* ---- writing ----------------------------------------------------------------------- */

/* The one JSON escaper: appends text as a JSON string with its quotes. */
extern sf_status sf_json_quote(sf_buf *out, const char *text, size_t len);

/*
 * Appends "name":value to an object being written, with a comma first unless the buffer ends in
 * '{', '[' or is empty.  value NULL writes null.
 */
extern sf_status sf_json_put_string(sf_buf *out, const char *name, const char *value);
extern sf_status sf_json_put_bool(sf_buf *out, const char *name, bool value);

/* Appends a node as compact JSON, without members called attributes. */
extern sf_status sf_json_print(sf_buf *out, const sf_json *node);

#endif /* SF_JSON_H */
