/*
 * engine.h
 *		The simulated org: objects, rows, describes and SOQL.
 *
 * This is the only engine header that the server half of sfsim includes.  The engine knows
 * nothing of HTTP: it is opened with row counts, answers describes as cJSON, prepares a SOQL
 * text, and hands out rows either as typed values or already rendered as one line of bulk CSV
 * or one REST record.
 *
 * Threads: a sim_org may be used by any number of threads at the same time.  A sim_query
 * belongs to one thread at a time (it may wander between calls) and reads one snapshot: rows
 * changed after sim_query_prepare() are not seen by it.
 *
 * Errors: functions that can fail return false (or -1) and fill the caller's sim_error, whose
 * code is a Salesforce errorCode ("MALFORMED_QUERY") and whose message is ready for the wire.
 *
 * Table of contents: buffers and errors | ids | schema | org | describe | SOQL | formats.
 */
#ifndef SFSIM_ENGINE_H
#define SFSIM_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

/* ---------------------------------------------------------------- buffers and errors */

/* A growing byte buffer.  Start with {0}; data is NUL-terminated whenever it is not NULL. */
typedef struct sim_buf
{
	char *data;
	size_t len;
	size_t cap;
	bool failed; /* memory ran out once; len then stands still */
} sim_buf;

/* Append len bytes / a C string / one byte.  Failure is remembered in b->failed. */
void sim_buf_add(sim_buf *b, const void *data, size_t len);
void sim_buf_str(sim_buf *b, const char *s);
void sim_buf_char(sim_buf *b, char c);

/* Make room for len more bytes and return where they go (NULL: out of memory). */
char *sim_buf_reserve(sim_buf *b, size_t len);

/* Append printf-formatted text. */
void sim_buf_printf(sim_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Value of a character of base64 or base64url; -1 for any other. */
int sim_base64_digit(char c);

/* Forget the contents, keep the memory / free the memory; both cope with {0}. */
void sim_buf_reset(sim_buf *b);
void sim_buf_free(sim_buf *b);

/* Most fields that an error names. */
#define SIM_ERROR_FIELDS 16

typedef struct sim_error
{
	char code[48];		/* "INVALID_FIELD"; "UNKNOWN_EXCEPTION" for trouble of our own */
	char message[1500]; /* UTF-8, not escaped for JSON */
	int nfields;
	char fields[SIM_ERROR_FIELDS][64]; /* that it is about, as the API names them */
	char match[19]; /* id of the row that is there, of DUPLICATES_DETECTED; else empty */
} sim_error;

/* Fill *err (which may be NULL); always returns false so that callers can return it. */
bool sim_error_set(sim_error *err, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Name one more field; false, too, so that callers can return it. */
bool sim_error_field(sim_error *err, const char *field);

/*
 * The error as a JSON object.  SIM_ERROR_REST: message, errorCode, [fields]; SIM_ERROR_ROW: statusCode,
 * message, fields, as inside of a Collections answer; SIM_ERROR_JOB: errorCode, message, as below /jobs.
 */
typedef enum sim_error_style
{
	SIM_ERROR_REST,
	SIM_ERROR_ROW,
	SIM_ERROR_JOB
} sim_error_style;
void sim_error_json(const sim_error *err, sim_error_style style, sim_buf *out);

/* The same as a bulk result file has it: CODE:message:A B --, without fields CODE:message:--. */
void sim_error_bulk(const sim_error *err, sim_buf *out);

/* ---------------------------------------------------------------- ids (in ids.c) */

#define SIM_ID_LEN	18
#define SIM_ID_SIZE 19 /* with the terminating NUL */

/*
 * Write the 18-character id for a key prefix ("001", "750") and a number below 62^6.  Equal
 * input gives equal output; order of numbers is byte order of ids.
 */
void sim_id_make(const char *prefix, int64_t number, char out[SIM_ID_SIZE]);

/*
 * Accept 15 characters, or 18 with the right checksum, and write the 18-character form.
 * False when text is no well-formed id.  The first 15 characters keep their case.
 */
bool sim_id_normalise(const char *text, size_t len, char out[SIM_ID_SIZE]);

/* The number of an id made by sim_id_make() with this prefix; -1 for any other id. */
int64_t sim_id_number(const char *id, size_t len, const char *prefix);

/* ---------------------------------------------------------------- schema (in schema.c) */

typedef enum sim_type
{
	SIM_T_ID,
	SIM_T_REFERENCE,
	SIM_T_STRING,
	SIM_T_TEXTAREA,
	SIM_T_PICKLIST,
	SIM_T_MULTIPICKLIST,
	SIM_T_COMBOBOX,
	SIM_T_BOOLEAN,
	SIM_T_INT,
	SIM_T_LONG,
	SIM_T_DOUBLE,
	SIM_T_CURRENCY,
	SIM_T_PERCENT,
	SIM_T_DATE,
	SIM_T_DATETIME,
	SIM_T_TIME,
	SIM_T_PHONE,
	SIM_T_URL,
	SIM_T_EMAIL,
	SIM_T_ENCRYPTEDSTRING,
	SIM_T_ANYTYPE,
	SIM_T_ADDRESS,	/* compound: has no column of its own */
	SIM_T_LOCATION, /* compound */
	SIM_T_BASE64
} sim_type;

/* Opaque outside of the engine (schema.h); read them through the functions below. */
typedef struct sim_object sim_object;
typedef struct sim_field sim_field;

/* Object by name, any case, or by the first three characters of an id; NULL when unknown (NULL itself is). */
const sim_object *sim_object_find(const char *name);
const sim_object *sim_object_by_prefix(const char *prefix);

/* All objects, in the order of the global describe.  *n gets their number. */
const sim_object *const *sim_object_list(int *n);

const char *sim_object_name(const sim_object *obj);	  /* "Invoice__c" */
const char *sim_object_prefix(const sim_object *obj); /* "a00" */
bool sim_object_queryable(const sim_object *obj);
bool sim_object_bulk(const sim_object *obj); /* do the bulk APIs know it? */

/* Fields in describe order; fields by name in any case (NULL when unknown). */
int sim_object_field_count(const sim_object *obj);
const sim_field *sim_object_field(const sim_object *obj, int i);
const sim_field *sim_field_find(const sim_object *obj, const char *name);

/* In relations.c: label ("Account"), and the field that has a row's name; NULL when there is none. */
const char *sim_object_label(const sim_object *obj);
const sim_field *sim_object_name_field(const sim_object *obj);

/* Is it one of the setup objects, which are not written together with others? */
bool sim_object_is_setup(const sim_object *obj);

/* Can rows be named by this field: Id, external ids, idLookup fields? */
bool sim_field_is_key(const sim_field *field);

/*
 * The reference whose way to the parent has this name ("Owner"), and the object whose rows hang on those of
 * obj by this name ("Contacts"), *ref their reference.  Any case; NULL when there is none.
 */
const sim_field *sim_object_parent_field(const sim_object *obj, const char *way);
const sim_object *
sim_object_children(const sim_object *obj, const char *way, const sim_field **ref);

const char *sim_field_name(const sim_field *field); /* "Amount__c" */
sim_type sim_field_type(const sim_field *field);
bool
sim_field_case_sensitive(const sim_field *field); /* texts that differ in case are different */
const char *sim_type_name(sim_type type);		  /* "currency", as describe spells it */

/* ---------------------------------------------------------------- the org (in org.c) */

#define SIM_MAX_OBJECTS 256

typedef struct sim_org sim_org;

typedef struct sim_options
{
	int64_t
		rows[SIM_MAX_OBJECTS]; /* by sim_object_index(): rows that are not deleted; about one
									* in a hundred more is made deleted, for queryAll */
	uint64_t seed;			   /* another seed gives other data of the same shape */
	const char *dir;		   /* where the database file goes; NULL: own directory under
									* $TMPDIR or /tmp, removed by sim_org_close() */
	const char *keep; /* instead of dir: a directory that stays, with the rows in it, which
									* are made only when there are none */
} sim_options;

/* Defaults of the demo: User 20, Account 1000, Contact 2000, Opportunity 1500, Invoice__c 1000. */
void sim_options_init(sim_options *opt);

/*
 * Add the objects and fields of a describe file: one object as GET …/sobjects/X/describe answers it, an array
 * of such, or {"sobjects": […]}.  Before sim_options_init() and sim_org_open().  False and *err say
 * what is wrong and where.
 */
bool sim_schema_load(const char *path, sim_error *err);

/* Apply one "Object=N" (the value of --rows).  Errors name the object or the number. */
bool sim_options_rows(sim_options *opt, const char *spec, sim_error *err);

/*
 * Create the database and fill it.  Deterministic: same options, same bytes.  About 200,000
 * to 300,000 rows a second.  NULL and *err on failure (disk full, no directory).
 */
sim_org *sim_org_open(const sim_options *opt, sim_error *err);

/* Close all connections and remove the files.  All queries must be freed before.  NULL is fine. */
void sim_org_close(sim_org *org);

/*
 * All rows, the recycle bin and the numbers of the next rows into a directory that exists, and back; load
 * replaces what is there.  Both wait for writers; load waits for readers too (who go on with the old rows
 * when they take too long).  *counts is JSON that load needs again.  False and *err: nothing has changed.
 */
bool sim_org_save(sim_org *org, const char *dir, sim_buf *counts, sim_error *err);
bool sim_org_load(sim_org *org, const char *dir, const struct cJSON *counts, sim_error *err);

/* Were the rows found in the directory that stays, not made? */
bool sim_org_was_there(const sim_org *org);

/* Differs when objects or fields do: rows of one schema are good for no other. */
uint64_t sim_schema_hash(void);

/* The org's own id (00D…), 18 characters; lives as long as the program. */
const char *sim_org_id(const sim_org *org);

/* Id (005…, into out) and user name of the user all sessions run as. */
void sim_org_user_id(const sim_org *org, char out[SIM_ID_SIZE]);
const char *sim_org_user_name(const sim_org *org);

/* Rows of an object that are not deleted, at once (for /limits/recordCount, /query?explain=). */
int64_t sim_org_row_count(sim_org *org, const sim_object *obj);

/*
 * Grows whenever a row, or a switch that can change an answer, changes.  Rendered pages are
 * valid while it stands still.
 */
uint64_t sim_org_data_version(sim_org *org);

/*
 * Behaviour that no source settles (protocol notes, open questions) is switchable while the
 * org runs:
 *	  null_not_equal	  true*|false	null rows qualify under f != 'x' and f NOT IN (…)
 *	  null_less			  true|false*	null rows qualify under < and <= on numbers and dates
 *	  empty_is_null		  true*|false	f = '' means f = null (false: it matches nothing)
 *	  group_ignores_case  true*|false	GROUP BY and COUNT_DISTINCT fold the case of text
 *	  nulls_first		  both*|asc		"asc": ORDER BY f DESC puts nulls last by default
 *	  csv_header_case	  metadata*|query	dotted paths in the CSV header
 *	  csv_time			  millis_z*|millis|seconds	  10:15:00.000Z, 10:15:00.000, 10:15:00
 *	  text_compare		  ignore_case*|ignore_accents|exact	 = and LIKE on text; accents and width too
 *	  polymorphic_type	  name*|real	attributes.type of What.Name: "Name", or what it really is
 *	  order_by_alias	  false*|true	ORDER BY the alias of an aggregate
 *	  query_too_complicated	  false*|true	queries with a WHERE clause are refused as QUERY_TOO_COMPLICATED
 *	  duplicate_rule	  true|false*	a second Account of a name, Contact or Lead of an e-mail address is
 *										refused (DUPLICATES_DETECTED)
 *	  validation_rule	  true|false*	negative amounts are refused (FIELD_CUSTOM_VALIDATION_EXCEPTION)
 *	  storage_full		  true|false*	inserts are refused (STORAGE_LIMIT_EXCEEDED)
 *	  round_to_scale	  true|false*	numbers lose the decimals beyond their field's scale when written
 *	  now				  real*|<datetime>	stops the org's clock at a moment (clock.h)
 * (* = default).  False and *err for an unknown name or value.
 */
bool sim_org_set_switch(sim_org *org, const char *name, const char *value, sim_error *err);

/* Present value into out; false for an unknown name. */
bool sim_org_get_switch(sim_org *org, const char *name, char *out, size_t size);

/* Name of switch number i, NULL behind the last; and back to the defaults. */
const char *sim_org_switch_name(int i);
void sim_org_reset_switches(sim_org *org);

/* ---------------------------------------------------------------- describe (in describe.c) */

/*
 * Body of GET /services/data/vXX.X/sobjects.  version is the text "62.0"; it appears in the
 * urls.  The caller frees with cJSON_Delete; NULL when memory is short.
 */
struct cJSON *sim_describe_global(const char *version);

/* One element of the global describe ("objectDescribe" of GET /sobjects/X). */
struct cJSON *sim_describe_basic(const sim_object *obj, const char *version);

/*
 * Body of GET …/sobjects/X/describe.  instance_url ("http://127.0.0.1:8080", no slash at the
 * end) goes into the ui* urls.  All keys are present, absent values are null, 0, false or [].
 */
struct cJSON *
sim_describe_object(const sim_object *obj, const char *version, const char *instance_url);

/* ---------------------------------------------------------------- SOQL (in query.c) */

typedef struct sim_query sim_query;

typedef enum sim_kind
{
	SIM_NULL,
	SIM_BOOL,	  /* i */
	SIM_INT,	  /* i */
	SIM_DOUBLE,	  /* d */
	SIM_TEXT,	  /* text, len */
	SIM_ID,		  /* text, len: 18 characters */
	SIM_DATE,	  /* i: days since 1970-01-01 */
	SIM_DATETIME, /* i: milliseconds since 1970-01-01T00:00:00Z */
	SIM_TIME,	  /* i: milliseconds since midnight */
	SIM_COMPOUND, /* address, location: only sim_query_row_json() renders them */
	SIM_BLOB	  /* text, len: the raw bytes of a base64 field */
} sim_kind;

typedef struct sim_value
{
	sim_kind kind;
	int64_t i;
	double d;
	const char *text; /* valid until the next step or value call on the query */
	size_t len;
} sim_value;

typedef struct sim_column
{
	const char *path; /* "Account.Owner.Name" in metadata case; alias or expr0 of aggregates */
	const char *written;	  /* the same as the query spells it */
	const sim_object *object; /* object of the last path step; NULL for an aggregate COUNT */
	const sim_field *field;	  /* its field; NULL for COUNT() and date functions */
	sim_kind kind;			  /* what a value that is not null has */
	bool aggregate;			  /* an aggregate, alias or date function; not a plain field */
} sim_column;

/* Flags of sim_query_prepare(). */
#define SIM_QUERY_ALL  1 /* queryAll: deleted rows as well */
#define SIM_QUERY_REST 2 /* FIELDS() gives compound and base64 fields too; not so in bulk */

/*
 * Parse, check against the schema and open a cursor.  version ("62.0") is used for the urls
 * of REST records.  On failure NULL and *err with Salesforce's code and text:
 * MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE, INVALID_QUERY_FILTER_OPERATOR,
 * NUMBER_OUTSIDE_VALID_RANGE, EXCEEDED_ID_LIMIT (more than 2,000 groups) …
 */
sim_query *sim_query_prepare(sim_org *org, const char *soql, unsigned flags,
							 const char *version, sim_error *err);

/* Close the cursor and give its connection back.  NULL is fine. */
void sim_query_free(sim_query *q);

/*
 * Would a bulk query job take this query?  False fills *err with what POST /jobs/query says
 * (aggregates, GROUP BY, OFFSET, compound fields, base64 …).
 */
bool sim_query_bulk_check(const sim_query *q, sim_error *err);

const sim_object *sim_query_object(const sim_query *q); /* of the FROM clause */

/* SELECT COUNT() without a field: the number is the total, there are no rows and no columns. */
bool sim_query_is_count(const sim_query *q);

/* Aggregates or GROUP BY: rows are AggregateResult and cannot be paged. */
bool sim_query_is_aggregate(const sim_query *q);

/* Bulk's PK chunking would be on: no ORDER BY and no LIMIT. */
bool sim_query_is_chunkable(const sim_query *q);

/* … and no subqueries either: PK chunking of Bulk API 1.0 can divide it. */
bool sim_query_is_divisible(const sim_query *q);

/* Does the answer depend on the moment (TODAY and its kin)? */
bool sim_query_is_volatile(const sim_query *q);

/*
 * Objects whose rows the answer depends on (the queried one, parents, subqueries, semi-joins): how many, the first max of
 * them into out.
 */
int sim_query_reads(const sim_query *q, const sim_object **out, int max);

/*
 * Grows whenever a row of this object, or a switch, changes.  An answer is good while the numbers of all that it
 * reads stand still.
 */
uint64_t sim_org_object_version(sim_org *org, const sim_object *obj);

int sim_query_column_count(const sim_query *q);
const sim_column *sim_query_column(const sim_query *q, int i);

/*
 * Number of rows the cursor will give (the number itself for COUNT()), after LIMIT and
 * OFFSET; -1 and *err on failure.  Cheap without a WHERE clause, else one counting scan;
 * computed once and remembered.
 */
int64_t sim_query_total(sim_query *q, sim_error *err);

/*
 * Body of GET …/query?explain=: how Salesforce's optimizer would go about it, appended to out as JSON.
 * False and *err.
 */
bool sim_query_explain(sim_org *org, const char *soql, unsigned flags, const char *version,
					   sim_buf *out, sim_error *err);

/* Next row: 1, none left: 0, failure: -1 and *err. */
int sim_query_step(sim_query *q, sim_error *err);

/* Start again before the first row (same snapshot is not promised). */
void sim_query_rewind(sim_query *q);

/*
 * Rows of a subquery beyond a batch.  The pager is called with all of them: as JSON records one behind the
 * other in rows, record i ending at ends[i].  It keeps what is behind the first batch and writes the address to get
 * it by ("/services/data/v62.0/query/01g…-500"); false: it cannot.  Without a pager all rows are in place.
 */
#define SIM_PAGE_URL_SIZE 128
typedef bool (*sim_query_pager)(void *arg, const sim_buf *rows, const int64_t *ends, int n,
								char url[SIM_PAGE_URL_SIZE]);
void sim_query_set_pager(sim_query *q, int batch, sim_query_pager pager, void *arg);

/* Value of column i of the present row. */
void sim_query_value(sim_query *q, int i, sim_value *out);

/* ---------------------------------------------------------------- formats (in render.c) */

/*
 * Bulk API 2.0 query results: the header line and the present row, every cell in quotes,
 * delimited by delim and ended by eol ("\n" or "\r\n").  NULL is "".
 */
void sim_query_header_csv(const sim_query *q, char delim, const char *eol, sim_buf *out);
void sim_query_row_csv(sim_query *q, char delim, const char *eol, sim_buf *out);

/*
 * The present row as one compact REST record: attributes first, then the fields in SELECT
 * order, parents nested (null when missing), compounds as objects.
 */
void sim_query_row_json(sim_query *q, sim_buf *out);

/* What the query selects, as an object with "columnMetadata": GET /query?q=…&columns=true. */
void sim_query_columns_json(const sim_query *q, sim_buf *out);

/* Append text as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD, as in Java. */
void sim_json_string(sim_buf *out, const char *text, size_t len);

/*
 * Java's Double.toString: shortest digits that read back the same, at least one after the
 * point, E-form from 1e7 up and below 1e-3 ("100.0", "9.0E7", "1.0E-4").  Returns the length.
 */
#define SIM_DOUBLE_SIZE 32
size_t sim_format_double(double d, char out[SIM_DOUBLE_SIZE]);

/*
 * Dates and times into out (at least SIM_DATETIME_SIZE bytes); all return the length.
 * suffix is "Z" for bulk CSV and "+0000" for REST JSON.
 */
#define SIM_DATETIME_SIZE 40
size_t sim_format_date(int64_t days, char *out);
size_t sim_format_datetime(int64_t millis, const char *suffix, char *out);
size_t sim_format_time(int64_t millis, char *out); /* 10:15:00.000Z */

#endif /* SFSIM_ENGINE_H */
