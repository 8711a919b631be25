/*
 * planner.h
 *		What plan*.c, shippable.c, soql.c, literal.c and explain.c share: the planned form of
 *		a query, made of lists so that it travels inside of fdw_private.
 */
#ifndef SFB_PLANNER_H
#define SFB_PLANNER_H

#include "sfbulk_fdw.h"

#include "lib/stringinfo.h"

/* Longest SOQL that Salesforce takes, in characters (SOQL reference, limits). */
#define SFB_MAX_SOQL 100000

/* A bulk job costs about as much as so many single requests: creating, polling, deleting it. */
#define SFB_JOB_REQUESTS 20

/* ---- the planned form of a query: the List at SfbScanPrivateSoql ------------------------- */

enum SfbSoqlPart
{
	SfbSoqlObject,		 /* String: API name; NULL with a query */
	SfbSoqlQuery,		 /* String: the user's own SOQL, or NULL */
	SfbSoqlFields,		 /* List of String: the SELECT list; NIL for COUNT() */
	SfbSoqlTypes,		 /* IntList: their SfbTypes */
	SfbSoqlClauses,		 /* List of clauses, all of them to be true; see below */
	SfbSoqlOperandTypes, /* OidList parallel to fdw_exprs */
	SfbSoqlLimit,		 /* IntList: SfbLimitPart, or NIL */
	SfbSoqlSelect, /* List of String: the SELECT list where it is not the fields; NIL: it is */
	SfbSoqlGroup,  /* List of String: GROUP BY */
	SfbSoqlHaving, /* clauses as at SfbSoqlClauses, on aggregates in the place of fields */
	SfbSoqlOrder   /* List of String: ORDER BY, each with direction and place of nulls */
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
 *		DAY			Integer SfbOp, String field, Integer column's PostgreSQL type, Integer operand: the day of a
 *					datetime, in the session's time zone, compared with a date or with dates
 *		NULL		Integer 1 (is null) or 0 (is not), String field
 *		BOOLEAN		Integer 1 (is true) or 0 (is false), String field
 *		SEMIJOIN	String field, String object, String object's field, that object's top clauses: the
 *					field's value is one of those that the object's field has in its rows
 * A top clause is wrapped into a list of Integer 1 (the remote answer is PostgreSQL's, nothing is
 * checked again) or 0, and the clause.
 */
typedef enum SfbClauseKind
{
	SFB_CLAUSE_AND,
	SFB_CLAUSE_OR,
	SFB_CLAUSE_COMPARE,
	SFB_CLAUSE_DAY,
	SFB_CLAUSE_NULL,
	SFB_CLAUSE_BOOLEAN,
	SFB_CLAUSE_SEMIJOIN
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
	SFB_OP_ILIKE,
	/* of multi-select picklists */
	SFB_OP_HAS,		/* value = ANY (field) */
	SFB_OP_HAS_ALL, /* field @> array */
	SFB_OP_HAS_ANY	/* field && array */
} SfbOp;

#define sfb_op_is_array(op)                                                                   \
	((op) == SFB_OP_IN || (op) == SFB_OP_NOT_IN || (op) == SFB_OP_HAS_ALL ||                  \
	 (op) == SFB_OP_HAS_ANY)

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

/* ---- literal_day.c: the day of a datetime --------------------------------------------------------- */

/*
 * As sfb_fold_compare, for "field::date op value"; value is a date, or an array of dates for IN and NOT_IN.
 * coltype says whether the day is the session's (timestamptz) or UTC's (timestamp).
 */
extern SfbFold sfb_fold_day(StringInfo buf, const char *field, SfbOp op, Oid coltype,
							Datum value, bool isnull);

/* As sfb_append_compare. */
extern void sfb_append_day(StringInfo buf, const char *field, SfbOp op, const char *value);

/* ---- shippable.c: which clauses can be sent ---------------------------------------------------- */

typedef enum SfbClass
{
	SFB_LOCAL,
	SFB_SUPERSET, /* sent, and checked again */
	SFB_EXACT	  /* sent, and not checked again */
} SfbClass;

/* A foreign table of a query: the one whose object is asked, and parents that are joined to it. */
typedef struct SfbMember
{
	Index relid; /* its range table index */
	Oid reloid;
	SfbTableOptions *options;
	SfbColumn *columns; /* index attnum - 1; fields are paths from the object that is asked */
	int natts;
	const char *
		path; /* from the object that is asked, with a dot behind: "Account."; "" for itself */
	bool nullable;	  /* a row may be without its record, as in a LEFT JOIN */
	Bitmapset *attrs; /* columns needed, offset by FirstLowInvalidHeapAttributeNumber */
	Bitmapset *row;	  /* the same: of which the whole row is made in a join; NULL: of all */
} SfbMember;

/* What planning gathers about a relation, a base relation or a join; baserel->fdw_private. */
typedef struct SfbRelPlan
{
	PlannerInfo *root;
	SfbTableOptions *options; /* of the first member */
	List *members;			  /* of SfbMember; the first one's object is asked */
	Relids relids;			  /* theirs */
	Relids
		outer; /* relations whose columns count as operands; NULL but in parameterized paths */

	/* its conditions: RestrictInfos by class, and the sent ones in SOQL's form */
	List *exact;
	List *rechecked;
	List *local;
	List *clauses;	/* as at SfbSoqlClauses */
	bool gated;		/* there are conditions without a column besides */
	double id_rows; /* at most so many rows, by conditions on Id; 0: unknown */

	/* of a join */
	List *vars; /* of Var: what the query above and the conditions checked here name of it */
	List *
		required; /* of char *: paths of parents that have to be there, as inner joins have it */
	List *semijoins; /* opaque outside plan_join.c */

	/* operands: expressions evaluated when the scan starts, and their types */
	List *exprs;
	List *types;		 /* OidList; of arrays the elements' */
	int const_bytes;	 /* text of the constants among them */
	int max_const_bytes; /* as much as fits into a SOQL text */

	/* lists (field = ANY (array)) that may be too long for one query */
	bool may_be_cut;
	List *list_fields; /* of SfbColumn *: their values may have to be looked up here */
	int depth;		   /* of AND and OR around what is being classified */

	/* how it is read */
	bool analyzed;			  /* its size is known, not guessed */
	bool estimated;			  /* as Salesforce says */
	double tuples;			  /* of the object */
	double fetched;			  /* rows that come over the wire */
	double local_selectivity; /* of what is checked here */
	List *order;			  /* of String: ORDER BY, as at SfbSoqlOrder */
	bool limited;			  /* LIMIT is sent */
	Node *limit_count;
	Node *limit_offset; /* or NULL */
	int limit_max;
	sf_transport transport;
	const char *why; /* why this transport: for EXPLAIN */
} SfbRelPlan;

/* The plan that a path of ours was made for. */
#define sfb_path_plan(path) ((SfbRelPlan *) linitial((path)->fdw_private))

/*
 * Classifies a condition of the relation; when it can be sent, *clause is its SOQL form and its operands
 * have been added to the plan.
 */
extern SfbClass sfb_classify(SfbRelPlan *plan, Expr *expr, List **clause);

/* Adds an operand (once) and returns its index. */
extern int sfb_add_operand(SfbRelPlan *plan, Expr *expr, Oid type);

/*
 * True for an expression that has one value during the whole scan and needs no column, but for those of
 * plan->outer.
 */
extern bool sfb_is_operand(SfbRelPlan *plan, Node *expr);

/*
 * The column that an expression is, a Var or one relabelled from varchar to text, or NULL.  Whether it
 * can be filtered by is the caller's question.
 */
extern const SfbColumn *sfb_plan_column(SfbRelPlan *plan, Node *expr);

/*
 * Do the column's PostgreSQL type and its Salesforce type go together, so that reading a value changes
 * nothing that a comparison could see?
 */
extern bool sfb_types_agree(const SfbColumn *column);

/* The comparison that a built-in operator makes; false when it is none of those that SOQL has. */
extern bool sfb_comparison_of(Oid opno, SfbOp *op);

/* True for what PostgreSQL itself brings along; an extension may have put its own beside it. */
extern bool sfb_is_builtin(Oid oid);

/* True for the orders of PostgreSQL's own numbers, dates and timestamps. */
extern bool sfb_is_sort_family(Oid opfamily);

/* Is it the Id of the object that is asked? */
extern bool sfb_is_own_id(const SfbColumn *column);

/* The member that a Var belongs to, or NULL. */
extern SfbMember *sfb_plan_member(SfbRelPlan *plan, Index relid);

/* ---- plan.c ---------------------------------------------------------------------------------- */

/* The parts of SfbScanPrivateNotes. */
enum SfbNotePart
{
	SfbNoteTransport, /* String: transport and why */
	SfbNoteRechecked, /* IntList: which of plan.qual are sent too, from 0 */
	/*
	 * Of a scan that has no relation of its own: conditions that are sent and not checked, with the range
	 * table indexes of planning, and the lowest of these (Integer), which tells how they have moved.
	 */
	SfbNoteExact,
	SfbNoteRelid
};

/*
 * Classes a condition and puts it where it belongs in the plan; the class.  Not for one without a column
 * (pseudoconstant), which is the caller's.
 */
extern SfbClass sfb_plan_condition(SfbRelPlan *plan, RestrictInfo *rinfo);

/* Bytes that the SELECT list of all columns takes. */
extern int sfb_select_list_bytes(SfbRelPlan *plan);

/* True for a column that is fetched: needed, there, and not write-only. */
extern bool sfb_is_needed(SfbMember *member, int i);

/* A SELECT list, and which columns its fields fill. */
typedef struct SfbSelectList
{
	List *fields; /* of String */
	List *types;  /* IntList */
	List *attrs;  /* IntList, as at SfbScanPrivateAttrs */
	List *copies; /* IntList, as at SfbScanPrivateCopies */
} SfbSelectList;

/* Adds a field for a column; one that is in the list already becomes a copy. */
extern void
sfb_select_add(SfbSelectList *list, const char *field, SfbType type, AttrNumber attnum);

/* Adds what the scan itself may have to look up in a list. */
extern void sfb_select_lists(SfbSelectList *list, SfbRelPlan *plan);

/* What a scan without a relation of its own gives. */
typedef struct SfbScanColumns
{
	List *tlist;		/* fdw_scan_tlist */
	List *local_tlist;	/* the same as the plan of a local join has it */
	List *descriptions; /* as at SfbScanPrivateColumns */
	List *whole_rows;	/* as at SfbScanPrivateWholeRows */
	SfbSelectList select;
} SfbScanColumns;

/* The SOQL form with a SELECT list of these fields. */
extern List *sfb_soql_form(SfbRelPlan *plan, List *fields, List *types, List *limit);

/*
 * Adds what comes in fdw_private behind the transport, for a scan without a relation of its own; the parts
 * that are NIL follow.
 */
extern List *sfb_joined_private(SfbRelPlan *plan, List *private, List *rechecked, List *exact,
								List *descriptions, List *whole_rows, List *groups);

/* The part SfbSoqlLimit of a plan, NIL without one; adds its operands. */
extern List *sfb_limit_form(SfbRelPlan *plan);

/*
 * Conditions as the executor takes them: quals that are checked here, in their order, which of them are
 * sent too, and those that are not checked.
 */
extern void sfb_split_conditions(SfbRelPlan *plan, List *conditions, List **quals,
								 List **rechecked, List **exact);

/* ---- plan_path.c: how a relation's rows come, what that costs, in what order ------------------- */

/* Whether LIMIT is sent, and by which way the rows come; after fetched and local_selectivity. */
extern void sfb_decide_limit(RelOptInfo *rel, SfbRelPlan *plan);
extern void sfb_decide_transport(RelOptInfo *rel, SfbRelPlan *plan);

/* What the rows cost in PostgreSQL's units. */
extern void sfb_cost_scan(RelOptInfo *rel, SfbRelPlan *plan, Cost *startup, Cost *total);

/* The part of it that the rows' way over the wire costs. */
extern Cost sfb_cost_transfer(RelOptInfo *rel, SfbRelPlan *plan);

/*
 * Adds the paths of a relation: its rows as they come, and in the order that the query wants where
 * Salesforce has the same.  epq_path is a local path for EvalPlanQual, or NULL.
 */
extern void sfb_add_paths(RelOptInfo *rel, SfbRelPlan *plan, Path *epq_path);

/* Adds a path for each set of relations that gives an Id to look up. */
extern void sfb_add_lookup_paths(RelOptInfo *rel, SfbRelPlan *plan);

/* Name of a transport for EXPLAIN. */
extern const char *sfb_transport_name(sf_transport transport);

/* ---- estimate.c ------------------------------------------------------------------------------ */

/*
 * With use_remote_estimate, asks Salesforce how many rows the relation has and gives, and puts that into
 * plan and baserel instead of what statistics say; else, and where Salesforce does not tell, nothing.
 */
extern void sfb_remote_estimate(RelOptInfo *baserel, SfbRelPlan *plan);

/* ---- explain_remote.c ------------------------------------------------------------------------- */

/* Adds what Salesforce says about the scan to EXPLAIN's output; asks it. */
extern void sfb_explain_remote(struct ForeignScanState *node, struct ExplainState *es);

/* ---- parallel.c ------------------------------------------------------------------------------- */

/* Adds the path of a bulk scan that several processes share, where that may be worth it. */
extern void sfb_add_partial_paths(RelOptInfo *rel, SfbRelPlan *plan);

/* ---- plan_join.c: joins that SOQL has --------------------------------------------------------- */

/* The conditions of semi-joins, all of which are sent, as expressions. */
extern List *sfb_semijoin_conditions(SfbRelPlan *plan);

/* The plan of a scan whose rows are made of several tables', or the groups of an aggregate. */
extern ForeignScan *sfb_join_plan(SfbRelPlan *plan, List *tlist, Plan *outer_plan);

/* ---- plan_target.c ------------------------------------------------------------------------- */

/*
 * Takes the whole row out of the columns that are needed (member->attrs) where an UPDATE or DELETE wants it for
 * nothing but the Id and what is assigned, and adds what RETURNING and the like want of it.
 */
extern void sfb_trim_whole_row(PlannerInfo *root, Relation rel, SfbMember *member);

/* ---- plan_upper.c: aggregates ------------------------------------------------------------------ */

/* The plan of a path that aggregates. */
extern ForeignScan *sfb_upper_plan(ForeignPath *best_path, List *tlist, Plan *outer_plan);

/* ---- soql.c ------------------------------------------------------------------------------------ */

/* The object, or NULL for a query table. */
extern const char *sfb_soql_object(List *soql);

/* True when a user's own SOQL has what bulk query jobs do not take (aggregates, OFFSET, …). */
extern bool sfb_query_needs_rest(const char *query);

#endif /* SFB_PLANNER_H */
