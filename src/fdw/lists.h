/*
 * lists.h
 *		What a scan asks: one query, or several where the list of a condition is too long for one.
 */
#ifndef SFB_LISTS_H
#define SFB_LISTS_H

#include "planner.h"

/* Bytes between two literals of a list: a comma. */
#define SFB_LIST_SEPARATOR	   1
#define SFB_LIST_URI_SEPARATOR 3

/* Of these, a field's value has one text, the literal's; so it can be looked up in a list here. */
static inline bool
sfb_is_lookup_type(SfbType type)
{
	return type == SFB_ID || type == SFB_REFERENCE || type == SFB_INT || type == SFB_LONG ||
		   type == SFB_DATE;
}

/* Of these, values that differ here may be the same over there. */
static inline bool
sfb_is_text_type(SfbType type)
{
	return type == SFB_TEXT || type == SFB_PICKLIST;
}

/* ---- lists.c: the values of "field = ANY (array)" ---------------------------------------------- */

/* What becomes of a list. */
typedef enum SfbListUse
{
	SFB_LIST_WHOLE, /* in each query */
	SFB_LIST_CUT,	/* a part of it in each query */
	SFB_LIST_HERE,	/* in none; a row is looked up here */
	SFB_LIST_LEFT	/* in none; the plan checks the condition again */
} SfbListUse;

typedef struct SfbList
{
	SfbType type;
	int count;		 /* of different values that a field could hold */
	char **literals; /* as they stand in SOQL */
	int bytes;		 /* of all of them with separators */
	int uri_bytes;	 /* the same in a URI */
	struct sfb_list_hash *places;

	/* of one that is part of a query (request.c) */
	int clause; /* its place among the top clauses */
	char *field;
	bool exact; /* the plan does not check it again */
	SfbListUse use;
	int column; /* of the field in the SELECT list, -1: not there */
	int *parts; /* SFB_LIST_CUT: the first value of each query; one more, the end */
} SfbList;

/*
 * The list of an array's different values; ids are equal whether they have 15 or 18 characters.  NULL when
 * one of them cannot be said in SOQL.  What no field can hold, and nulls, are left out.
 */
extern SfbList *sfb_list_new(SfbType type, Oid coltype, Oid elemtype, Datum array);

/* The number of an array's elements. */
extern int sfb_array_length(Datum array);

/* Place of a field's value (UTF-8) in the list, -1 when it is not there. */
extern int sfb_list_place(const SfbList *list, const char *value, int len);

/* Appends "field IN (…)" with the values from first on, before last. */
extern void sfb_list_append(StringInfo buf, const SfbList *list, int first, int last);

/* The same shortened, for EXPLAIN. */
extern void sfb_list_append_short(StringInfo buf, const SfbList *list);

/* Bytes that a text takes in a URI. */
extern int sfb_uri_bytes(const char *text);

/* ---- request.c: the queries of a scan ------------------------------------------------------------- */

/* With more jobs than this a list is not sent. */
#define SFB_MAX_JOBS 100

typedef struct SfbRequest
{
	int count;	 /* of queries; 0: no row can be */
	char **soql; /* UTF-8 */
	sf_transport transport;
	int at_once;	/* so many of them are under way at a time */
	bool fits;		/* none is too long, nor are they too many */
	char *shown;	/* for EXPLAIN, in UTF-8 */
	SfbList *lists; /* those that are long */
	int nlists;
	bool checks; /* rows have to be looked at, by sfb_request_takes */
} SfbRequest;

/*
 * The queries for the operands' values, in the current memory context.  transport is what the plan says.
 */
extern SfbRequest *sfb_request_new(List *soql, sf_transport transport, int nexprs,
								   const Datum *values, const bool *nulls);

/* Are they the same queries?  What is looked up here may differ. */
extern bool sfb_request_equals(const SfbRequest *a, const SfbRequest *b);

/* Is the row one of the query's own?  query counts from 0. */
extern bool sfb_request_takes(const SfbRequest *request, int query, const sf_value *values);

/* ---- soql.c ----------------------------------------------------------------------------------------- */

/* What stands for a top clause: a text, or nothing. */
typedef struct SfbClauseText
{
	int clause;
	const char *text; /* NULL: the clause is left out */
} SfbClauseText;

/* As sfb_soql_build, with texts in the place of some clauses; LIMIT only if limited. */
extern char *
sfb_soql_build_with(List *soql, int nexprs, const Datum *values, const bool *nulls,
					const SfbClauseText *texts, int ntexts, bool limited, bool *never);

/* The form of a COUNT() that asks for rows instead: Id, and what may have to be looked up here. */
extern List *sfb_soql_of_rows(List *soql);

#endif /* SFB_LISTS_H */
