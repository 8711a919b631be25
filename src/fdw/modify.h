/*
 * modify.h
 *		What the files share that implement the statements: modify.c (the FDW callbacks),
 *		modify_columns.c (what is sent), modify_explain.c, writeback.c (records read back), idset.c
 *		(rows that were taken already), hooks.c (row counts, clearer errors), truncate.c.
 */
#ifndef SFB_MODIFY_H
#define SFB_MODIFY_H

#include "write.h"
#include "compat.h"

#include "nodes/execnodes.h"

typedef struct SfbIdSet SfbIdSet;
typedef struct SfbWriteback SfbWriteback;

/* A foreign table that a statement writes to; ResultRelInfo.ri_FdwState. */
typedef struct SfbModify
{
	/* what is written, and how */
	Relation rel;
	SfbTableOptions *options;
	SfbColumn *columns; /* index attnum - 1 */
	sf_operation operation;
	int ncolumns; /* that are sent; update and delete: Id first */
	AttrNumber *attnums;
	bool returning;
	Bitmapset *returned; /* attributes that RETURNING means, offset as in core */
	bool checks;		 /* there is a WITH CHECK OPTION */
	Bitmapset *checked;	 /* attributes that it means */
	bool one_by_one;	 /* INSERT … RETURNING: each row is sent at once */
	AttrNumber id;		 /* the column of the record's Id; 0 when there is none */
	AttrNumber key;		 /* upsert: the column of the external id, else 0 */

	/* while it runs; NULL or 0 in EXPLAIN */
	ModifyTableState *mtstate;
	Oid serverid;
	SfbLoad *load;
	AttrNumber junk_id;	 /* update and delete: where the plan's rows have the Id … */
	AttrNumber junk_row; /* … and the whole row; 0 when nobody needs it */
	SfbIdSet *taken;	 /* when the plan may deliver a record twice */
	FmgrInfo id_output;	 /* of the Id's type, for the above */
	bool check_first;	 /* WITH CHECK OPTION is checked before the row is taken */
	bool check_id;		 /* a trigger may have changed the Id */
	SfbWriteback *writeback;
	Datum *values; /* delete: a row with nothing but the Id */
	bool *isnull;
	int64 rejected; /* rows that the executor was told of as not written */

	/* in the list of hooks.c */
	EState *estate;
	dlist_node link;
	MemoryContextCallback callback;
} SfbModify;

/*
 * ModifyTable's fdw_private.  The executor has the lists of RETURNING and WITH CHECK OPTION ready only after the
 * begin of a table that is named in the statement, so the plan says what is in them.
 */
enum SfbModifyPrivate
{
	SfbModifyGiven,		/* IntList: of an INSERT, see sfb_given_columns */
	SfbModifyReturning, /* Integer: is there a RETURNING? */
	SfbModifyReturned,	/* IntList: the members of SfbModify.returned */
	SfbModifyChecks,	/* Integer: is there a WITH CHECK OPTION? */
	SfbModifyChecked	/* IntList: the members of SfbModify.checked */
};

/* ---- modify_columns.c ------------------------------------------------------------------ */

/* ERROR, with a hint, when options forbid to write to the table. */
extern void sfb_check_writable(Relation rel, const SfbTableOptions *options, CmdType command);

/* The column whose field is Id; 0 when there is none. */
extern AttrNumber sfb_id_column(Relation rel, const SfbColumn *columns);

/* ERROR that the table needs one. */
extern void sfb_no_id_column(Relation rel) pg_attribute_noreturn();

/* Attributes whose value an INSERT's plan gives: all but those that are NULL in every row. */
extern List *sfb_given_columns(List *tlist);

/*
 * Chooses the columns to send (ncolumns, attnums, key of modify, whose other fields are set already) and
 * checks them.  given is what sfb_given_columns said when the statement was planned; an INSERT
 * without a plan of its own (COPY, partition routing) has planned false.
 */
extern void sfb_choose_columns(SfbModify *modify, ResultRelInfo *rri, EState *estate,
							   CmdType command, bool planned, List *given);

/* ---- idset.c --------------------------------------------------------------------------- */

/* A set of Ids in the current memory context: about 20 bytes for each. */
extern SfbIdSet *sfb_idset_new(void);

/* Adds an Id of 15 or 18 characters; false when it was there.  What is no Id is always new. */
extern bool sfb_idset_add(SfbIdSet *set, const char *id, int len);

/* ---- writeback.c ----------------------------------------------------------------------- */

/*
 * For INSERT … RETURNING: puts a new record's Id into its row, and what Salesforce made of the record
 * where the statement wants to see more than it has sent.  Where WITH CHECK OPTION is about that,
 * check_first of modify becomes false.
 */
extern SfbWriteback *
sfb_writeback_new(SfbModify *modify, ResultRelInfo *rri, UserMapping *user);
extern void sfb_writeback_row(SfbWriteback *back, TupleTableSlot *slot, const char *id);

/* ---- hooks.c --------------------------------------------------------------------------- */

/* ERROR with a hint for ON CONFLICT, which nothing in Salesforce corresponds to. */
extern void sfb_check_conflict(Oid relid, OnConflictAction action);

/* Has this executor begun to write to a table of the server before? */
extern bool sfb_estate_writes(const EState *estate, Oid serverid);

/*
 * From here on the end of the statement's run finishes the load, and takes what was rejected off the
 * number of rows; until the memory context of the executor goes.
 */
extern void sfb_watch_modify(SfbModify *modify);

/* Sends what is left, waits and reports; a second call does nothing. */
extern void sfb_finish_modify(SfbModify *modify);

#endif /* SFB_MODIFY_H */
