/*
 * soql.h
 *		SOQL text -> tokens -> syntax tree -> plan (one SQLite query).
 *
 *	soql_lex.c		text to tokens
 *	soql_parse.c	tokens to the tree below, knowing nothing of the schema
 *	soql_cond.c		the same for conditions and literals
 *	soql_bind.c		names of the tree to fields
 *	soql_name.c		what lies behind a polymorphic reference: the Name object
 *	soql_expr.c		functions and aggregates to SQL
 *	soql_where.c	conditions to SQL
 *	soql_select.c	what is selected
 *	soql_sql.c		the whole query to SQL
 */
#ifndef SFSIM_SOQL_H
#define SFSIM_SOQL_H

#include "org.h"

#define SOQL_MAX_LENGTH	   100000 /* SOQL and SOSL limits */
#define SOQL_MAX_STRING	   4000
#define SOQL_MAX_DEPTH	   5 /* parent steps in a path */
#define SOQL_MAX_OFFSET	   2000
#define SOQL_MAX_GROUPS	   2000
#define SOQL_MAX_NEST	   200 /* parentheses and NOTs inside each other */
#define SOQL_MAX_PARENTS   55  /* child-to-parent relationships of a query */
#define SOQL_MAX_CHILDREN  20  /* parent-to-child subqueries of a query */
#define SOQL_MAX_SEMIJOINS 2
#define SOQL_DEEP_CHILDREN                                                                    \
	58 /* API version from which subqueries nest, to SOQL_MAX_DEPTH objects */

/* ---------------------------------------------------------------- memory */

/* Everything of one query lives in one arena and goes at once. */
typedef struct soql_arena soql_arena;

soql_arena *soql_arena_new(void);
void soql_arena_free(soql_arena *a);

/* Zeroed memory; NULL when there is none (the caller reports it). */
void *soql_alloc(soql_arena *a, size_t size);
char *soql_strndup(soql_arena *a, const char *s, size_t len);

/* ---------------------------------------------------------------- tokens */

typedef enum soql_token_kind
{
	SOQL_EOF,
	SOQL_IDENT,
	SOQL_STRING,   /* with its quotes */
	SOQL_NUMBER,   /* digits, sign and point */
	SOQL_CURRENCY, /* USD5000.25 */
	SOQL_DATE,
	SOQL_DATETIME,
	SOQL_TIME,
	SOQL_OP,   /* = != < > <= >= */
	SOQL_PUNCT /* ( ) , . : and signs that only errors show */
} soql_token_kind;

typedef struct soql_token
{
	soql_token_kind kind;
	const char *text; /* into the query */
	int len;
	int pos; /* byte offset in the query */
} soql_token;

typedef struct soql_lexer
{
	const char *text;
	int len;
	int at;
	soql_arena *arena;
	sim_error *err;
} soql_lexer;

/* Next token; false and *lx->err for a text that is none (open string, stray character). */
bool soql_next_token(soql_lexer *lx, soql_token *out);

/*
 * The characters a string token stands for (quotes off, escapes resolved).  In a LIKE operand
 * every backslash that is left belongs to \% \_ or \\, as sim_text_like() reads them.  False
 * and *lx->err for an unknown escape.
 */
bool soql_string_value(soql_lexer *lx, const soql_token *t, bool like, const char **out,
					   size_t *len);

/*
 * An error at a place of the query, in Salesforce's form: line end, the query's text around
 * the place, a caret line, "ERROR at Row:1:Column:21", the reason.  Always false.
 */
bool soql_error_at(sim_error *err, const char *code, const char *query, int pos,
				   const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/*
 * The same (MALFORMED_QUERY) for what the parser itself refuses.  Its columns count from 0 and the caret
 * follows them, so that both are one to the left.
 */
bool soql_syntax_at(sim_error *err, const char *query, int pos, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Row and column (from 0) of a place. */
void soql_place(const char *query, int pos, int *row, int *column);

/* ---------------------------------------------------------------- syntax tree */

/* A.B.C as written. */
typedef struct soql_path
{
	const char *step[SOQL_MAX_DEPTH + 3]; /* parents, an alias, the field */
	int nsteps;
	int pos;
} soql_path;

/*
 * A field, or a function of one: COUNT(Id), CALENDAR_YEAR(convertTimezone(CreatedDate)),
 * FORMAT(MIN(Amount)), DISTANCE(Place__c, GEOLOCATION(37.7,-122.4), 'mi').
 */
typedef struct soql_expr
{
	const char *func;  /* as written; NULL: a plain path */
	const char *inner; /* function inside of it; or NULL */
	soql_path path;	   /* nsteps 0: COUNT() */
	int pos;
	bool is_distance;
	bool miles;
	double latitude;
	double longitude;
} soql_expr;

typedef enum soql_literal_kind
{
	SOQL_L_STRING,
	SOQL_L_NUMBER,
	SOQL_L_BOOL,
	SOQL_L_NULL,
	SOQL_L_DATE,	 /* number: days */
	SOQL_L_DATETIME, /* number: milliseconds */
	SOQL_L_TIME,	 /* number: milliseconds */
	SOQL_L_RELATIVE, /* text: name; number: n */
	SOQL_L_BIND		 /* :name, or a bare word: of Apex only */
} soql_literal_kind;

typedef struct soql_literal
{
	soql_literal_kind kind;
	const char *text; /* value of a string, spelling of a number, name of a date literal */
	size_t len;
	int64_t number;
	bool currency; /* number with an ISO code in front */
	int pos;
	struct soql_literal *next;
} soql_literal;

typedef enum soql_op
{
	SOQL_EQ,
	SOQL_NE,
	SOQL_LT,
	SOQL_LE,
	SOQL_GT,
	SOQL_GE,
	SOQL_LIKE,
	SOQL_IN,
	SOQL_NOT_IN,
	SOQL_INCLUDES,
	SOQL_EXCLUDES
} soql_op;

typedef enum soql_cond_kind
{
	SOQL_C_AND,
	SOQL_C_OR,
	SOQL_C_NOT,
	SOQL_C_TEST
} soql_cond_kind;

typedef struct soql_cond
{
	soql_cond_kind kind;
	struct soql_cond *kids; /* of AND, OR (two or more), NOT (one) */
	int nkids;
	struct soql_cond *next; /* brother */

	soql_expr expr; /* of a test */
	soql_op op;
	int op_pos;
	soql_literal *values;	/* one, or the list of IN, INCLUDES … */
	struct soql_query *sub; /* IN (SELECT …) */
} soql_cond;

typedef enum soql_item_kind
{
	SOQL_I_EXPR,
	SOQL_I_FIELDS,	 /* FIELDS(ALL|CUSTOM|STANDARD): expr.path.step[0] */
	SOQL_I_CHILDREN, /* (SELECT … FROM Contacts) */
	SOQL_I_TYPEOF	 /* TYPEOF What WHEN … END: expr.path is the relationship */
} soql_item_kind;

/* WHEN Account THEN Phone, Name; the ELSE has no object. */
typedef struct soql_when
{
	const char *object;
	int pos;
	struct soql_item *fields;
	struct soql_when *next;
} soql_when;

typedef struct soql_item
{
	soql_item_kind kind;
	soql_expr expr;
	const char *alias;
	struct soql_query *sub;
	soql_when *whens; /* TYPEOF */
	int pos;
	struct soql_item *next;
} soql_item;

typedef struct soql_order
{
	soql_expr expr;
	bool desc;
	int nulls; /* 0: default, 1: FIRST, 2: LAST */
	struct soql_order *next;
} soql_order;

typedef struct soql_group
{
	soql_expr expr;
	struct soql_group *next;
} soql_group;

/* FROM Contact c, c.Account a: names for parents. */
typedef struct soql_alias
{
	const char *name;
	soql_path path; /* nsteps 0: the object itself */
	struct soql_alias *next;
} soql_alias;

typedef struct soql_query
{
	soql_item *items;
	const char *object;
	int object_pos;
	soql_alias *aliases;
	const char *scope; /* USING SCOPE, lower case; or NULL */
	int scope_pos;
	soql_cond *where;
	soql_group *groups;
	const char *grouping; /* ROLLUP or CUBE, as written; or NULL */
	soql_cond *having;
	soql_order *orders;
	int64_t limit; /* -1: none */
	int limit_pos;
	int64_t offset; /* -1: none */
	int offset_pos;
} soql_query;

/* NULL and *err (MALFORMED_QUERY) when the text is no SOQL.  The tree lives in the arena. */
soql_query *soql_parse(soql_arena *a, const char *text, sim_error *err);

/* ---- the parser's parts (soql_parse.c, soql_cond.c) */

typedef struct soql_parser
{
	soql_lexer lx;
	soql_token tok; /* the one to look at */
	int depth;
	bool has_bind; /* :name was seen */
} soql_parser;

/* Go on to the next token, or past one that must be there.  False and an error. */
bool soql_advance(soql_parser *p);
bool soql_expect_word(soql_parser *p, const char *word);
bool soql_expect_punct(soql_parser *p, char c);

/* Close a parenthesis: "missing value at 'x'" where x could follow it. */
bool soql_expect_close(soql_parser *p);

/* Refuse the token; always false.  from: the text from there up to it is quoted. */
bool soql_unexpected(soql_parser *p);
bool soql_unexpected_from(soql_parser *p, int from);

bool soql_is_word(const soql_parser *p, const char *word);
bool soql_is_punct(const soql_parser *p, char c);
bool soql_is_reserved(const soql_token *t);

/* Zeroed memory, and the token's text; NULL and an error when there is none. */
void *soql_node(soql_parser *p, size_t size);
char *soql_token_copy(soql_parser *p);

bool soql_parse_path(soql_parser *p, soql_path *path);
bool soql_parse_expr(soql_parser *p, soql_expr *e);
bool soql_parse_number(soql_parser *p, const char *text, int64_t *out);
soql_query *soql_parse_query(soql_parser *p, bool nested);
soql_cond *soql_parse_cond(soql_parser *p);

/* ---------------------------------------------------------------- plan */

typedef enum soql_bind_kind
{
	SOQL_B_INT,
	SOQL_B_REAL,
	SOQL_B_TEXT,
	SOQL_B_PARENT /* the Id of the parent row, in a subquery */
} soql_bind_kind;

typedef struct soql_bind
{
	soql_bind_kind kind;
	int64_t i;
	double d;
	const char *text;
	size_t len;
	struct soql_bind *next;
} soql_bind;

/*
 * A table of the FROM clause: the object itself (the first one) or a parent on some path.  A
 * polymorphic reference leads to a SOQL_TABLE_NAME, which is no table of SQLite: its fields come from
 * SOQL_TABLE_TARGETs, one per object that the reference may point to, joined when they are needed.
 */
typedef enum soql_table_kind
{
	SOQL_TABLE_PLAIN,
	SOQL_TABLE_NAME,
	SOQL_TABLE_TARGET
} soql_table_kind;

typedef struct soql_table
{
	soql_table_kind kind;
	int no; /* t<no> in the SQL */
	const sim_object *object;
	struct soql_table *parent; /* NULL for the object itself; of a TARGET: the NAME */
	const sim_field *link;	   /* reference field of the parent table that leads here */
	int id_at; /* SQL column of its Id, when its fields are selected; else -1 */
	struct soql_table *next;
} soql_table;

/* A resolved field. */
typedef struct soql_field
{
	soql_table *table;
	const sim_field *field;
} soql_field;

typedef struct soql_column
{
	sim_column pub; /* first: what the server sees */
	soql_table *table;
	int sql_at;				/* first SQL column */
	int no;					/* position in the result */
	const char *prefix;		/* of the ids it holds, when it holds ids; NULL: they are packed */
	const char *key;		/* in REST records; NULL: the field's name */
	const sim_field **part; /* fields of a compound, in SQL order from sql_at; or NULL */
	int nparts;
	const char *sql; /* of an aggregate query's */
	int group;		 /* which of the GROUP BY list it is; -1: none */
	int grouping_of; /* GROUPING() of which of them; -1: it is none */
	struct soql_column *next;
} soql_column;

/* (SELECT … FROM Contacts): run once per row of the query around it. */
typedef struct soql_child
{
	const char *key;	   /* "Contacts" */
	const sim_field *link; /* of the child: its way to the parent */
	struct soql_plan *plan;
	int before; /* columns of the outer query in front of it */
	struct soql_child *next;
} soql_child;

typedef struct soql_plan
{
	soql_arena *arena;
	const char *text;
	sim_error *err;
	sim_switches sw;
	unsigned flags;
	int version; /* of the API: 62 */
	const soql_query *tree;
	const sim_object *object;
	struct soql_plan *root; /* of an inner query: the outermost plan; else itself */

	soql_table *tables;			 /* the object itself comes first */
	int next_table;				 /* of the root: table names are unique in one statement */
	int semijoins;				 /* of the root */
	int parents;				 /* of the root: relationships to parents */
	bool reads[SIM_MAX_OBJECTS]; /* of the root: objects whose rows the answer depends on */
	int level;					 /* of a subquery: objects above it */
	struct soql_plan *outer;	 /* of a subquery */
	soql_child *children;
	int nchildren;	  /* of the outermost: all of them */
	bool is_volatile; /* the answer depends on the moment: not to be kept */
	int cost;		  /* of the outermost: conditions and fields */

	soql_column *columns;
	soql_column **last_column;
	int ncolumns;
	int nsql;		  /* SQL columns so far */
	soql_bind *binds; /* of the root, in order of the ? */
	soql_bind **last_bind;

	bool is_count;	   /* SELECT COUNT() */
	bool is_aggregate; /* aggregates or GROUP BY */
	bool has_where;	   /* anything but deleted rows is filtered */
	int repeat; /* so many times the values are bound: subtotals are selects of their own */

	sim_buf select; /* SQL pieces; freed by soql_plan_free() */
	sim_buf where;
	sim_buf group;
	sim_buf order;
	const char *sql;	   /* the query */
	const char *count_sql; /* how many rows it gives */
} soql_plan;

/*
 * Check the tree against the schema and write the SQL.  version is the API's (62).  NULL and *err on
 * failure.  The plan lives in the arena, its buffers go with soql_plan_free() (which copes with NULL).
 */
soql_plan *soql_compile(soql_arena *a, const soql_query *tree, const char *text,
						const sim_switches *sw, unsigned flags, int version, sim_error *err);
void soql_plan_free(soql_plan *plan);

/* Buffers of a plan that lives elsewhere (semi-joins, subqueries). */
void soql_plan_clear(soql_plan *plan);

/* ---- in soql_bind.c */

/* Set up a plan for a tree: its object and first table.  False and an error. */
bool soql_plan_begin(soql_plan *plan, soql_plan *root, const soql_query *tree);

/* The same with the object already known. */
bool soql_plan_begin_object(soql_plan *plan, soql_plan *root, const soql_query *tree,
							const sim_object *obj);

/* Resolve a path to a field; joins the parents on the way.  False and an error. */
bool soql_resolve(soql_plan *plan, const soql_path *path, soql_field *out);

/* The table that a path of relationships leads to (TYPEOF Account.Owner).  NULL and an error. */
soql_table *soql_resolve_table(soql_plan *plan, const soql_path *path);

/* A field as the path of another table's (the fields behind WHEN). */
bool
soql_resolve_from(soql_plan *plan, soql_table *from, const soql_path *path, soql_field *out);

/* One more table; NULL and an error. */
soql_table *soql_add_table(soql_plan *plan, soql_table_kind kind, const sim_object *obj,
						   soql_table *parent, const sim_field *link);

/* "Account.Owner.Name" in metadata case; the same as the query spells it.  NULL: no memory. */
const char *soql_path_name(soql_plan *plan, const soql_field *f);
const char *soql_path_written(soql_plan *plan, const soql_path *path);

/* Move a buffer's text into the arena.  NULL and an error when there is no memory. */
const char *soql_keep(soql_plan *plan, sim_buf *b);

/* Add a value for the next ? */
bool soql_bind_int(soql_plan *plan, int64_t i);
bool soql_bind_real(soql_plan *plan, double d);
bool soql_bind_text(soql_plan *plan, const char *s, size_t len);
bool soql_bind_parent(soql_plan *plan);

/* Report lack of memory; always false. */
bool soql_no_memory(soql_plan *plan);

/* ---- in soql_name.c */

/* The object that polymorphic references lead to, whose fields are those of whatever is there. */
extern const sim_object soql_name_object;
const sim_field *soql_name_field(const char *name);

/* The table of one of the objects that a polymorphic reference may lead to.  NULL: no memory. */
soql_table *soql_target(soql_plan *plan, soql_table *name, const sim_object *obj);

/* Append a field as SQL; fields of the Name object come from whichever row there is. */
bool soql_column_sql(soql_plan *plan, const soql_field *f, sim_buf *b);

/* Append the Id of a table's row: an Id column, or the packed reference to it. */
void soql_id_sql(const soql_table *t, sim_buf *b);

/* Does the column hold packed references (schema.h)? */
bool soql_is_packed(const soql_field *f);

/* The object whose ids a field holds; NULL: several. */
const sim_object *soql_ids_of(const soql_field *f);

/* The FROM clause. */
void soql_from_sql(const soql_plan *plan, sim_buf *b);

/* ---- in soql_expr.c */

/* What an expression is in SQL, and what it answers. */
typedef struct soql_value
{
	const char *sql;
	soql_field field;  /* field.field NULL: COUNT() */
	sim_type type;	   /* what literals it is compared with */
	bool is_aggregate; /* COUNT, SUM … */
	bool is_function;  /* a date function */
	bool is_label;	   /* toLabel() and its kin: the field itself */
	bool is_format;	   /* FORMAT(): text for people */
	bool is_distance;
} soql_value;

bool soql_expression(soql_plan *plan, const soql_expr *e, soql_value *v);
bool soql_is_aggregate(const soql_expr *e);

/* Does it make an aggregate query of its query?  Date functions do, too. */
bool soql_makes_aggregate(const soql_expr *e);

/* Do two expressions mean the same (GROUP BY against SELECT)? */
bool soql_same_value(const soql_value *a, const soql_value *b);

/* Is it one of the GROUP BY list? */
bool soql_is_grouped(soql_plan *plan, const soql_value *v);

/* A picklist value as its place in the setup order, appended to b. */
void soql_pick_order(sim_buf *b, const char *column, const sim_field *f, const char *format);

/* ---- in soql_where.c */

/* Append a condition of WHERE, or of HAVING, to out; values go to the plan's binds. */
bool soql_condition(soql_plan *plan, sim_buf *out, const soql_cond *c, bool having);

/* ---- in soql_select.c */

/* Fill columns, children and the SELECT list. */
bool soql_select(soql_plan *plan);

/* Which of the GROUP BY list an expression is; -1: none. */
int soql_group_number(soql_plan *plan, const char *sql);

/* For GROUPING(f): which of the GROUP BY list f is.  False and an error. */
bool soql_find_grouping(soql_plan *plan, const soql_expr *e, soql_column *c);

/* Append one SQL column; its number. */
int soql_add_sql(soql_plan *plan, const char *sql);

/* ---- in soql_sql.c */

/* The inner query of IN (SELECT …), as SQL appended to out; left is the outer operand. */
bool soql_semijoin(soql_plan *plan, sim_buf *out, const soql_cond *c, const soql_field *left);

/* Compile a query: everything but the Id of the parent row, which bound says is its first value. */
bool soql_compile_plan(soql_plan *plan, const char *bound);

#endif /* SFSIM_SOQL_H */
