/*
 * drift.h
 *		What has become of an object since its foreign table was made (drift.c).
 *
 * The describe is the caller's: one composite call may serve many tables.
 */
#ifndef SFB_DRIFT_H
#define SFB_DRIFT_H

#include "sfbulk_fdw.h"

#include "nodes/pg_list.h"

typedef enum SfbChangeKind
{
	SFB_FIELD_ADDED,   /* no column has the field */
	SFB_FIELD_DROPPED, /* there is no such field, or the user may no longer see it */
	SFB_FIELD_CHANGED  /* the column, or its options, are not what they would be now */
} SfbChangeKind;

/* One difference between a foreign table and its object. */
typedef struct SfbChange
{
	SfbChangeKind kind;
	char *field;	 /* API name or path */
	char *column;	 /* of the foreign table; of an added field, the name that it would get */
	char *type;		 /* of an added field's column, as SQL; else NULL */
	char *detail;	 /* what it is: a few words */
	char *statement; /* the ALTER FOREIGN TABLE that follows it, without a semicolon */
} SfbChange;

/* What to do about them. */
typedef enum SfbOnDrift
{
	SFB_DRIFT_IGNORE, /* nothing */
	SFB_DRIFT_ADD,	  /* columns for added fields; WARNINGs for the other changes */
	SFB_DRIFT_ERROR	  /* ERROR */
} SfbOnDrift;

/* 'ignore', 'add', 'error'; ERROR for anything else. */
extern SfbOnDrift sfb_on_drift_from_name(const char *name);

/*
 * The differences (List of SfbChange, palloc'd) between an open foreign table with the option "object" and a
 * full describe of that object: dropped and changed ones in the order of the columns, then added ones in
 * the order of the describe.  NIL for a table with the option "query".
 */
extern List *sfb_drift(Relation rel, const sf_object *object);

/* "added, dropped or changed", as the SQL function calls it. */
extern const char *sfb_change_name(SfbChangeKind kind);

/* A line for each change, for errdetail: field "X__c" of column "x__c" was dropped: … */
extern char *sfb_drift_text(List *changes);

/*
 * Does for a copy what on_drift says about the changes of its source:
 *
 *		IGNORE	nothing.
 *		ERROR	ERROR that lists the changes, when there are any.
 *		ADD		for each added field a column of the source and, where it has none of that name, of the target, if
 *				the current user owns both; WARNINGs for what is not done, and for dropped and changed fields.
 *
 * The result is the number of columns that the target got.  Rows that are there have no values in them yet, so
 * they must all be read again.  Neither table may be in use by the caller (close it, keep the lock); both have
 * other columns afterwards.  target may be InvalidOid: then it has no table yet.
 *
 * A field that was dropped can no longer be selected: Salesforce refuses a query that names it.  Who reads the
 * table after ADD leaves the columns of dropped changes out.
 */
extern int sfb_drift_follow(Oid source, Oid target, List *changes, SfbOnDrift on_drift);

#endif /* SFB_DRIFT_H */
