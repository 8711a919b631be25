/*
 * store.h
 *		Writing rows: every insert, update, upsert, delete and undelete of the org goes through here,
 *		whichever API it comes by.
 *
 * A caller turns what its format has (a JSON record, a CSV line, an XML element) into cells, and hands
 * them over a row at a time inside of a transaction.  The store checks them as Salesforce does
 * (types, lengths, required fields, picklists, unique and external ids, cross references, access),
 * fills in defaults and system fields, keeps parents and children right, and says what is wrong
 * with Salesforce's codes, texts and field names.
 *
 * Threads: one transaction at a time writes; sim_txn_begin() waits for its turn.  A transaction belongs to
 * one thread.  Readers never wait: they see what was committed when their query began.
 */
#ifndef SFSIM_STORE_H
#define SFSIM_STORE_H

#include "engine.h"

/* Most records that several matches of an external id list (HTTP 300). */
#define SIM_MATCHES_MAX 20

/* What the client's format said that a value is. */
typedef enum sim_in_kind
{
	SIM_IN_NULL, /* set to null */
	SIM_IN_TEXT, /* as written: CSV, XML, JSON strings; dates, numbers and ids in CSV as well */
	SIM_IN_NUMBER, /* a JSON number: text as written, or NULL and number */
	SIM_IN_BOOL,   /* a JSON true or false */
	SIM_IN_KEY	   /* a parent named by one of its external ids: text is that id */
} sim_in_kind;

/* One cell that the client sent; a field that is not sent has none. */
typedef struct sim_in
{
	const sim_field *field; /* of the object that is written: AccountId for Account.Ext__c */
	sim_in_kind kind;
	const char *text; /* UTF-8, need not end in NUL; borrowed */
	size_t len;
	bool yes;					  /* BOOL */
	double number;				  /* NUMBER without a text */
	const sim_object *key_object; /* KEY: the parent's object */
	const sim_field *key;		  /* KEY: its external id or idLookup field */
} sim_in;

/* One row to write. */
typedef struct sim_write
{
	const sim_object *object;
	const char *id; /* 15 or 18 characters; NULL for an insert */
	const sim_in *in;
	int n;
} sim_write;

/* What the headers of a call say about all its rows. */
typedef struct sim_write_opts
{
	bool bulk;					 /* Bulk API: error texts and rules differ here and there */
	bool allow_duplicates;		 /* Sforce-Duplicate-Rule-Header: allowSave=true */
	bool no_auto_assign;		 /* Sforce-Auto-Assign: FALSE */
	const char *assignment_rule; /* id of the rule to use, or NULL */
} sim_write_opts;

/* The rows that an external id named, when they are several. */
typedef struct sim_matches
{
	int n;
	char id[SIM_MATCHES_MAX][SIM_ID_SIZE];
} sim_matches;

typedef struct sim_txn sim_txn;

/* Waits for its turn.  opts may be NULL.  NULL and *err when the database fails. */
sim_txn *sim_txn_begin(sim_org *org, const sim_write_opts *opts, sim_error *err);

/* Makes it visible and frees it.  False and *err: nothing was written. */
bool sim_txn_commit(sim_txn *t, sim_error *err);

/* Drops all that was written and frees it.  NULL is fine. */
void sim_txn_abort(sim_txn *t);

/* What the headers say about the rows from here on. */
void sim_txn_opts(sim_txn *t, const sim_write_opts *opts);

/*
 * While it is on, queries of this thread read in the transaction and see what it has written.  Switch it off, and
 * free the queries, before the transaction ends.
 */
void sim_txn_read(sim_txn *t, bool on);

/*
 * Marks for allOrNone and partial failure inside of one transaction: rollback undoes all rows since the
 * mark, release keeps them; each ends the innermost mark.
 */
bool sim_txn_mark(sim_txn *t, sim_error *err);
void sim_txn_rollback(sim_txn *t);
void sim_txn_release(sim_txn *t);

/* Each of these leaves nothing of its row behind when it fails: false and *err with code, message, fields. */
bool sim_insert(sim_txn *t, const sim_write *w, char id[SIM_ID_SIZE], sim_error *err);
bool sim_update(sim_txn *t, const sim_write *w, sim_error *err);

/*
 * By an external id or idLookup field that is among w->in (or the Id itself, in w->id): inserts where no row
 * has it (*created), else updates.  Several: false, code DUPLICATE_EXTERNAL_ID, and *many (may be NULL) lists them.
 */
bool sim_upsert(sim_txn *t, const sim_write *w, const sim_field *key, char id[SIM_ID_SIZE],
				bool *created, sim_matches *many, sim_error *err);

/*
 * Rows that are upserted together and name the same external id: all of them are refused.  Zeroed but for the field,
 * add what they name, done, then ask; free it.
 */
typedef struct sim_keys
{
	const sim_field *field;
	char **keys;
	int n;
	int space;
} sim_keys;

void sim_keys_add(sim_keys *s, const char *text, size_t len); /* blank: none */
void sim_keys_done(sim_keys *s);
bool sim_keys_shared(const sim_keys *s, const char *text, size_t len, sim_error *err);
void sim_keys_free(sim_keys *s);

/* The object is that of the id.  hard: not even in the recycle bin afterwards.  Cascades to details. */
bool sim_delete(sim_txn *t, const char *id, bool hard, sim_error *err);

/* Out of the recycle bin, with what went there together. */
bool sim_undelete(sim_txn *t, const char *id, sim_error *err);

/*
 * The id (into out) of the row whose key field is text; 0 when there is none, 1, or the number of matches
 * (*many, which may be NULL, lists them).  -1 and *err: the field is no key, or the text none of its values.
 */
int sim_lookup(sim_org *org, const sim_object *obj, const sim_field *key, const char *text,
			   size_t len, char out[SIM_ID_SIZE], sim_matches *many, sim_error *err);

/*
 * A column header of an upload: "Name", "Account.Key__c" (parent by external id), "Lead:Who.Email"
 * (polymorphic: the object is said).  Fills field, key_object and key; kind is SIM_IN_TEXT or
 * SIM_IN_KEY.  False and *err with the text that bulk jobs give ("Field name not found : X").
 */
bool sim_in_header(const sim_object *obj, const char *text, size_t len, sim_in *out,
				   sim_error *err);

/*
 * How messages of JSON_PARSER_ERROR end; the caller, who may know where in the body the value is, puts the
 * right numbers there.
 */
#define SIM_JSON_POSITION "[line:1, column:1]"

/*
 * A member of a JSON record into a cell whose field is looked up: numbers, texts, booleans, null, and
 * {"Ext__c": "x"} below a relationship's name.  "attributes" gives a cell without a field (skip it).  False and *err with
 * INVALID_FIELD ("No such column 'X' on sobject of type Y") or JSON_PARSER_ERROR.  Texts are borrowed from value.
 */
bool
sim_in_json(const sim_object *obj, const struct cJSON *value, sim_in *out, sim_error *err);

/* False and "Cannot deserialize instance of date from VALUE_STRING value x or …", as the parser says it. */
bool sim_in_refused(const char *type, const struct cJSON *value, sim_error *err);

/* The text of a CSV cell into a cell whose header is filled in: "#N/A" is null, "" is absent (*absent). */
void sim_in_csv(sim_in *cell, const char *text, size_t len, bool *absent);

/* What the store would take and the bulk reader does not: a date alone for a datetime.  False: *err, of the store's kind. */
bool sim_in_csv_read(const sim_in *cells, int n, sim_error *err);

/* Is err about a text that is not of this field's type, as the bulk reader finds it before the record is written? */
bool sim_in_csv_unread(const sim_field *field, const sim_error *err);

/* Makes it the bulk reader's error; column counts from 0, text is the cell. */
void sim_in_csv_error(const sim_field *field, int column, const char *text, size_t len,
					  sim_error *err);

/*
 * Called for each row before it is written, under the transaction; false and *err refuse the row.  For faults (UNABLE_TO_LOCK_ROW of
 * chosen rows).  One hook; NULL removes it.
 */
typedef bool (*sim_row_hook)(void *arg, const char *operation, const sim_write *w,
							 sim_error *err);
void sim_org_row_hook(sim_org *org, sim_row_hook hook, void *arg);

/*
 * Rows that somebody else holds, until they are let go.  Writing one, or a row that references it, fails with
 * UNABLE_TO_LOCK_ROW ("unable to obtain exclusive access to this record or 1 records: <id>"); approval: changing
 * or deleting it fails with ENTITY_IS_LOCKED ("the entity is locked for editing").  False and *err: no id, or
 * memory is short.
 */
bool sim_lock_row(sim_org *org, const char *id, bool approval, sim_error *err);

/* Lets a row go, or all of them (NULL); the number of rows that were held. */
int sim_unlock_rows(sim_org *org, const char *id);

/* [{"id":"…","approval":false}, …] */
void sim_locks_json(sim_org *org, sim_buf *out);

#endif /* SFSIM_STORE_H */
