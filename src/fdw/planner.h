/*
 * planner.h
 *		What plan.c, count.c, shippable.c, soql.c, literal.c and explain.c share: the planned form of
 *		a query, made of lists so that it travels inside of fdw_private.
 */
#ifndef SFB_PLANNER_H
#define SFB_PLANNER_H

#include "sfbulk_fdw.h"

#include "lib/stringinfo.h"

/* Longest SOQL that Salesforce takes, in characters (SOQL reference, limits). */
#define SFB_MAX_SOQL 100000

/* ---- the planned form of a query: the List at SfbScanPrivateSoql ------------------------- */

enum SfbSoqlPart
{
	SfbSoqlObject,		 /* String: API name; NULL with a query */
	SfbSoqlQuery,		 /* String: the user's own SOQL, or NULL */
	SfbSoqlFields,		 /* List of String: the SELECT list; NIL for COUNT() */
	SfbSoqlTypes,		 /* IntList: their SfbTypes */
	SfbSoqlClauses,		 /* List of clauses, all of them to be true; see below */
	SfbSoqlOperandTypes, /* OidList parallel to fdw_exprs */
	SfbSoqlLimit		 /* IntList: SfbLimitPart, or NIL */
};

/* An operand is an index into fdw_exprs. */
enum SfbLimitPart
{
	SfbLimitCount,	/* operand, a bigint */
	SfbLimitOffset, /* operand, a bigint; -1: none */
	SfbLimitMax		/* a greater sum than this is not sent */
};

/*
 * A clause is a list of Integer, the kind, and what belongs to the kind:
 *		AND, OR		the arms, clauses themselves
 *		COMPARE		Integer SfbOp, String field, Integer SfbType, Integer column's PostgreSQL type,
 *					Integer operand
 *		NULL		Integer 1 (is null) or 0 (is not), String field
 *		BOOLEAN		Integer 1 (is true) or 0 (is false), String field
 * A top clause is wrapped into a list of Integer 1 (the remote answer is PostgreSQL's, nothing is
 * checked again) or 0, and the clause.
 */
typedef enum SfbClauseKind
{
	SFB_CLAUSE_AND,
	SFB_CLAUSE_OR,
	SFB_CLAUSE_COMPARE,
	SFB_CLAUSE_NULL,
	SFB_CLAUSE_BOOLEAN
} SfbClauseKind;

typedef enum SfbOp
{
	SFB_OP_LT,
	SFB_OP_LE,
	SFB_OP_EQ,
	SFB_OP_GE,
	SFB_OP_GT,
	SFB_OP_NE,
	SFB_OP_IN,	   /* = ANY (array) */
	SFB_OP_NOT_IN, /* <> ALL (array) */
	SFB_OP_LIKE,
	SFB_OP_ILIKE
} SfbOp;

#define sfb_op_is_array(op) ((op) == SFB_OP_IN || (op) == SFB_OP_NOT_IN)

/* ---- literal.c: one comparison with its value ------------------------------------------------ */

/* What becomes of a condition once its value is known. */
typedef enum SfbFold
{
	SFB_FOLD_SEND,	/* text: the remote answer is PostgreSQL's (text fields apart) */
	SFB_FOLD_WIDE,	/* text: the remote answer holds all of PostgreSQL's rows */
	SFB_FOLD_TRUE,	/* true for every row */
	SFB_FOLD_FALSE, /* true for no row */
	SFB_FOLD_DROP	/* cannot be said in SOQL */
} SfbFold;

/*
 * Appends "field op value" in UTF-8 to buf when the answer is SEND or WIDE.  valtype is the value's type,
 * of the elements for the array operators; coltype the column's.
 */
extern SfbFold sfb_fold_compare(StringInfo buf, const char *field, SfbOp op, SfbType type,
								Oid coltype, Oid valtype, Datum value, bool isnull);

/* The same for a value that is not known yet, shown by its name. */
extern void sfb_append_compare(StringInfo buf, const char *field, SfbOp op, const char *value);

/*
 * True when no value of valtype can make the condition anything but exact (FOLD_DROP and FOLD_WIDE do
 * not occur), so that an operand not known when planning is as good as a constant.
 */
extern bool sfb_always_exact(SfbOp op, SfbType type, Oid valtype);

/* ---- shippable.c: which clauses can be sent ---------------------------------------------------- */

typedef enum SfbClass
{
	SFB_LOCAL,
	SFB_SUPERSET, /* sent, and checked again */
	SFB_EXACT	  /* sent, and not checked again */
} SfbClass;

/* What planning a scan gathers; baserel->fdw_private. */
typedef struct SfbRelPlan
{
	/* the table */
	SfbTableOptions *options;
	SfbColumn *columns; /* index attnum - 1 */
	int natts;
	Index relid; /* its range table index */

	/* its conditions: RestrictInfos by class, and the sent ones in SOQL's form */
	List *exact;
	List *rechecked;
	List *local;
	List *clauses;	/* as at SfbSoqlClauses */
	bool gated;		/* there are conditions without a column besides */
	double id_rows; /* at most so many rows, by conditions on Id; 0: unknown */

	/* operands: expressions evaluated when the scan starts, and their types */
	List *exprs;
	List *types;		 /* OidList; of arrays the elements' */
	int const_bytes;	 /* text of the constants among them */
	int max_const_bytes; /* as much as fits into a SOQL text */

	/* how it is read */
	Bitmapset *attrs; /* columns needed, offset by FirstLowInvalidHeapAttributeNumber */
	double fetched;	  /* rows that come over the wire */
	bool limited;	  /* LIMIT is sent */
	Node *limit_count;
	Node *limit_offset; /* or NULL */
	int limit_max;
	sf_transport transport;
	const char *why; /* why this transport: for EXPLAIN */
} SfbRelPlan;

/*
 * Classifies a condition of the relation; when it can be sent, *clause is its SOQL form and its operands
 * have been added to the plan.
 */
extern SfbClass sfb_classify(SfbRelPlan *plan, Expr *expr, List **clause);

/* Adds an operand (once) and returns its index. */
extern int sfb_add_operand(SfbRelPlan *plan, Expr *expr, Oid type);

/* True for an expression that has one value during the whole scan and needs no column. */
extern bool sfb_is_operand(Node *expr);

/* ---- plan.c ---------------------------------------------------------------------------------- */

/* The parts of SfbScanPrivateNotes. */
enum SfbNotePart
{
	SfbNoteTransport, /* String: transport and why */
	SfbNoteRechecked  /* IntList: which of plan.qual are sent too, from 0 */
};

/* The SOQL form without a SELECT list. */
extern List *sfb_soql_form(SfbRelPlan *plan, List *fields, List *types, List *limit);

/* Name of a transport for EXPLAIN. */
extern const char *sfb_transport_name(sf_transport transport);

/* ---- plan_target.c ------------------------------------------------------------------------- */

/*
 * Takes the whole row out of the columns that are needed (plan->attrs) where an UPDATE or DELETE wants it for
 * nothing but the Id and what is assigned, and adds what RETURNING and the like want of it.
 */
extern void sfb_trim_whole_row(PlannerInfo *root, Relation rel, SfbRelPlan *plan);

/* ---- count.c --------------------------------------------------------------------------------- */

/* The plan of a path that counts. */
extern ForeignScan *sfb_count_plan(ForeignPath *best_path, List *tlist);

/* ---- soql.c ------------------------------------------------------------------------------------ */

/* The object, or NULL for a query table. */
extern const char *sfb_soql_object(List *soql);

/* True when a user's own SOQL has what bulk query jobs do not take (aggregates, OFFSET, …). */
extern bool sfb_query_needs_rest(const char *query);

#endif /* SFB_PLANNER_H */
