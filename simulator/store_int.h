/*
 * store_int.h
 *		What the files of the store share: plans, rows, cells and transactions.
 *
 *	store.c			connection, transactions, plans, statements, indexes, counters
 *	store_in.c		what clients send: headers, JSON members, CSV cells
 *	store_value.c	a sent cell into a stored one: types, lengths, ranges
 *	store_write.c	insert, update, upsert, lookup
 *	store_check.c	rules that look at a whole row: access, required, unique, duplicates
 *	store_schema.c	what the store asks the schema
 *	store_derive.c	values that Salesforce computes: defaults and system fields
 *	store_objects.c	fields of the standard objects that follow from others
 *	store_lock.c	rows that somebody else holds
 *	store_delete.c	delete, undelete, cascades, recycle bin
 *
 * All of it but store_in.c and store_value.c runs under the writer's lock.
 */
#ifndef SFSIM_STORE_INT_H
#define SFSIM_STORE_INT_H

#include "org.h"
#include "store.h"

#include <pthread.h>

/* ---------------------------------------------------------------- cells and rows */

typedef enum store_kind
{
	STORE_NULL,
	STORE_INT,
	STORE_REAL,
	STORE_TEXT,
	STORE_BLOB
} store_kind;

typedef struct store_cell
{
	store_kind kind;
	int64_t i;
	double d;
	const char *text; /* of the client, a constant, or in the arena */
	size_t len;
} store_cell;

/* Memory that lives as long as the row that is written. */
typedef struct store_arena
{
	struct store_block *block;
} store_arena;

/* Update statement for one set of columns. */
#define STORE_UPDATES 16
typedef struct store_update
{
	int n;
	int *field; /* which columns, in order */
	sqlite3_stmt *st;
	uint64_t used; /* when, for the choice of a victim */
} store_update;

/* What the store knows of an object; made when the object is first written. */
typedef struct store_plan
{
	const sim_object *obj;
	int slot;
	int nstored; /* columns that are not computed, in table order */
	int *stored;
	sqlite3_stmt *insert;
	sqlite3_stmt *state;   /* IsDeleted of a row */
	sqlite3_stmt *fetch;   /* all columns of a row */
	sqlite3_stmt **lookup; /* by field: rows that have a value */
	bool *indexed;		   /* by field */
	store_update updates[STORE_UPDATES];
	uint64_t clock;
	int id; /* field numbers, -1 when there is no such field */
	int deleted;
	int name;
	int owner;
	int created;
	int created_by;
	int modified;
	int modified_by;
	int stamp;
	int64_t next; /* number of the next row */
	bool next_known;
	bool next_dirty;  /* not yet in the database */
	int *scratch;	  /* room for the numbers of all fields */
	store_cell *cell; /* the row at hand, by field */
	bool *given;	  /* the client sent it */
	bool *changed;	  /* goes into the database */
} store_plan;

/* ---------------------------------------------------------------- transactions */

/* What a transaction changes in the counters, by object. */
typedef struct store_counts
{
	int64_t live[SIM_MAX_OBJECTS];
	int64_t deleted[SIM_MAX_OBJECTS];
	bool touched[SIM_MAX_OBJECTS];
} store_counts;

struct sim_txn
{
	struct sim_store *store;
	sqlite3 *db;
	sim_write_opts opts;
	sim_switches switches;
	store_counts counts;
	store_counts *marks; /* as they were at each mark */
	int nmarks;
	int cap;
	bool dirty;	  /* something was written */
	bool at_risk; /* indexes were made that an undo takes along */
	bool broken;  /* the database failed: only an abort is left */
};

/* A row that cannot be written. */
typedef struct store_lock
{
	char id[SIM_ID_SIZE];
	bool approval;
} store_lock;

typedef struct sim_store
{
	sim_org *org;
	pthread_mutex_t writer; /* guards what follows; held as long as a transaction lives */
	sqlite3 *db;
	store_plan *plans[SIM_MAX_OBJECTS];
	sim_txn txn;
	store_arena arena;
	sqlite3_stmt *meta_get;
	sqlite3_stmt *meta_put;
	bool bin_ready; /* the tables of the recycle bin are there */

	pthread_mutex_t hook_lock; /* guards what follows */
	sim_row_hook hook;
	void *hook_arg;
	store_lock *locks;
	int nlocks;
	int locks_cap;
} sim_store;

/* The store of an org (org.c keeps it), its making and its end. */
sim_store *store_open(sim_org *org);
void store_close(sim_store *store);

/* Database trouble as an error of a row; the transaction is good for nothing but an abort afterwards. */
bool store_failed(sim_txn *t, sim_error *err);

/* The plan of an object; NULL and *err when memory or the database fail, or there is no table. */
store_plan *store_plan_of(sim_txn *t, const sim_object *obj, sim_error *err);

/* Memory until the next row; NULL when there is none. */
void *store_alloc(store_arena *arena, size_t size);
void store_arena_reset(store_arena *arena);
void store_arena_free(store_arena *arena);

/* Bind a cell; false when memory is short. */
bool store_bind(sqlite3_stmt *st, int at, const store_cell *cell);

/* A statement that changes rows: run and reset. */
bool store_run(sim_txn *t, sqlite3_stmt *st, sim_error *err);

/* One SQL text without results. */
bool store_exec(sim_txn *t, const char *sql, sim_error *err);

/* Named numbers in the database (next row, next automatic number, next batch of the bin). */
bool store_meta_get(sim_txn *t, const char *key, int64_t *value, bool *found, sim_error *err);
bool store_meta_put(sim_txn *t, const char *key, int64_t value, sim_error *err);

/* Makes the index on a field, unless it is there. */
bool store_index(sim_txn *t, store_plan *p, int field, sim_error *err);

/* The expression that the index of a field is on, and that conditions use to find it. */
void store_index_expression(const sim_field *f, sim_buf *out);

/* The query for rows with a value of a field: ?1 the value, ?2 the most rows. */
void store_lookup_sql(const sim_object *obj, const sim_field *f, sim_buf *out);

/* A savepoint for a row that takes several statements. */
bool store_save(sim_txn *t, sim_error *err);
void store_unsave(sim_txn *t, bool keep);

/* ---------------------------------------------------------------- schema */

/* May the client set this field? */
bool store_may_create(const sim_field *f);
bool store_may_update(const sim_field *f);

/* Must the client give a value (insert), or is null none that it can give (update)? */
bool store_required(const sim_field *f, bool insert);

/* Does its name end in __c? */
bool store_is_custom(const sim_object *obj);

/* Place of a text among the values of a picklist (any case); -1: none of them. */
int store_pick(const sim_field *f, const char *text, size_t len);

/* The default of a field as text; NULL: none. */
const char *store_preset(const sim_field *f);

/* The object among the targets of a reference that has this name, or this id; NULL: none. */
const sim_object *store_target_named(const sim_field *f, const char *name);
const sim_object *store_target(const sim_field *f, const char *id);

/* A reference column's value for a row. */
int64_t store_ref_pack(const sim_field *f, const sim_object *to, int64_t number);

/* A label as it is written inside of a sentence. */
void store_lower(const char *text, char *out, size_t size);

/* What becomes of a row when the one that it references goes. */
typedef enum store_fate
{
	STORE_CLEAR,   /* the reference is set to null */
	STORE_CASCADE, /* it goes, too */
	STORE_RESTRICT /* it keeps the other from going */
} store_fate;
store_fate store_fate_of(const sim_field *f);

/* ---------------------------------------------------------------- values */

typedef enum store_parsed
{
	STORE_PARSED,
	STORE_WRONG_TYPE,
	STORE_OUT_OF_RANGE
} store_parsed;

/* Numbers, booleans, dates and times from text, by the type of the field. */
store_parsed store_parse(const sim_field *f, const char *text, size_t len, store_cell *out);

/*
 * A number by the type of the field, checked against its precision.  Decimals beyond its scale stay: only
 * Salesforce's pages round, its APIs do not (Help article 000385689).
 */
store_parsed store_number(const sim_field *f, double d, store_cell *out);

/* Round a number to the field's scale after all: the switch round_to_scale. */
void store_round(const sim_field *f, store_cell *cell);

/* A sent cell into a stored one.  Cross references are looked up by store_reference(). */
bool store_convert(store_arena *arena, const sim_object *obj, const sim_in *in,
				   store_cell *out, sim_error *err);

/* Text without the blanks at its ends. */
void store_trim(const char **text, size_t *len);

/* code, "<label>: <what><value><tail>" and the field, the value cut so that the tail fits. */
bool store_value_error(sim_error *err, const char *code, const sim_field *f, const char *what,
					   const char *value, size_t len, const char *tail);

/* ---------------------------------------------------------------- rows */

/* 1 live, 2 deleted, 0 not there, -1 and *err: failure. */
int store_row_state(sim_txn *t, store_plan *p, int64_t number, sim_error *err);

/* All columns of a row, by field; text is in the arena.  Computed ones, too.  False: not there, or *err. */
bool store_fetch(sim_txn *t, store_plan *p, int64_t number, store_cell *out, sim_error *err);

/* The number of a row by a client's id; false and *err (MALFORMED_ID, or what of says, INVALID_CROSS_REFERENCE_KEY). */
bool store_row_number(const sim_object *obj, const char *id, int64_t *number, sim_error *err);

/* Rows (live ones) that have this value, ids in order; their number, -1 and *err on failure. */
int store_find(sim_txn *t, store_plan *p, int field, const store_cell *value, int64_t *out,
			   int max, sim_error *err);

/* Checks of the row in p->cell.  number is 0 for an insert. */
bool store_check_access(store_plan *p, const sim_write *w, bool insert, sim_error *err);
bool store_check_required(store_plan *p, bool insert, sim_error *err);
bool store_check_unique(sim_txn *t, store_plan *p, int64_t number, sim_error *err);
bool store_check_rules(sim_txn *t, store_plan *p, int64_t number, sim_error *err);

/* The reference to a row that is there: converts the id of the client. */
bool store_reference(sim_txn *t, const sim_object *obj, const sim_field *f, const char *id,
					 size_t len, store_cell *out, sim_error *err);

/*
 * Defaults of a new row; system fields; what follows from other fields (old is NULL for an insert); what other
 * rows have of this one, after it was written, or before it is erased.
 */
bool store_defaults(sim_txn *t, store_plan *p, int64_t number, sim_error *err);
void store_stamps(sim_txn *t, store_plan *p, bool insert);
bool store_derives(const store_plan *p);
bool store_derive(sim_txn *t, store_plan *p, const store_cell *old, sim_error *err);
bool store_after(sim_txn *t, store_plan *p, int64_t number, bool erased, sim_error *err);

/* Write what changed of the row at hand. */
bool store_update_row(sim_txn *t, store_plan *p, int64_t number, sim_error *err);

/* Set a field of the row at hand. */
void store_set_int(store_plan *p, int field, int64_t i);
void store_set_real(store_plan *p, int field, double d);
void store_set_text(store_plan *p, int field, const char *text, size_t len);

/* Number of the field of that name; -1: there is none. */
int store_field_no(const sim_object *obj, const char *name);

/* Is the row held by nobody?  parent: another row is written that references it. */
bool store_check_lock(sim_txn *t, const sim_object *obj, int64_t number, bool parent,
					  sim_error *err);

/* The row hook's say. */
bool store_hook(sim_txn *t, const char *operation, const sim_write *w, sim_error *err);

#endif /* SFSIM_STORE_INT_H */
