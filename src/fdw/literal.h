/*
 * literal.h
 *		What the files share that turn values into SOQL: literal.c (one value), literal_set.c (arrays
 *		against a multi-select picklist), literal_day.c (days against a datetime), lists.c (the values of an array).
 */
#ifndef SFB_LITERAL_H
#define SFB_LITERAL_H

#include "planner.h"

/* The days that Salesforce can hold, and the last second of the last of them. */
#define SFB_FIRST_DAY	 (date2j(1700, 1, 1) - POSTGRES_EPOCH_JDATE)
#define SFB_LAST_DAY	 (date2j(4000, 12, 31) - POSTGRES_EPOCH_JDATE)
#define SFB_FIRST_SECOND ((int64) SFB_FIRST_DAY * SECS_PER_DAY)
#define SFB_LAST_SECOND	 ((int64) (SFB_LAST_DAY + 1) * SECS_PER_DAY - 1)

/* What a value is to a field of some type. */
typedef enum LiteralKind
{
	LITERAL_OK,		  /* text */
	LITERAL_LOW,	  /* below everything the field can hold */
	LITERAL_HIGH,	  /* above it */
	LITERAL_NONE,	  /* not held by any field; comparison for equality only */
	LITERAL_GAP,	  /* between text and next, where no value can be */
	LITERAL_FRACTION, /* between text and next, where a value is unlikely, not impossible */
	LITERAL_BAD		  /* no literal of it is known to be compared as PostgreSQL does */
} LiteralKind;

typedef struct Literal
{
	LiteralKind kind;
	char *text;
	char *next;
} Literal;

/* A value of type valtype as a literal for "field op value". */
extern Literal sfb_make_literal(SfbOp op, SfbType type, Oid coltype, Oid valtype, Datum value);

/* The elements of an array; returns their number. */
extern int sfb_array_elements(Datum array, Oid elemtype, Datum **elems, bool **nulls);

/* The text as it stands between the quotes, as UTF-8; NULL when no literal of it is known to be compared alike. */
extern char *sfb_plain_text(Datum value, int *len);

/* A UTF-8 text in quotes. */
extern char *sfb_quote_text(const char *text, int len);

/* Whole seconds since the epoch of PostgreSQL, as a datetime literal in UTC. */
extern char *sfb_datetime_text(int64 seconds);

/* Appends "field != null" and returns the fold. */
extern SfbFold sfb_fold_not_null(StringInfo buf, const char *field, SfbFold fold);

/* literal_set.c: the operators of multi-select picklists. */
extern SfbFold
sfb_fold_set(StringInfo buf, const char *field, SfbOp op, Oid valtype, Datum value);

#endif /* SFB_LITERAL_H */
