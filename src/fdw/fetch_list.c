/*
 * fetch_list.c
 *		"id IN (SELECT … FROM local)" becomes "id = ANY (ARRAY (SELECT … FROM local))" before it is planned.
 *
 * PostgreSQL makes a join of the first, for which everything is read from Salesforce; of the second it makes a
 * list that is known before the scan starts, which then asks for these records alone (request.c).  Both mean
 * the same where WHERE wants it: nulls in the list are equal to nothing.  A local id of 15 characters is another
 * text than the record's Id, so it is left out of the list, or it would be found there (as in "id = '…'").
 *
 * A list is worth it as long as it is shorter than the object is large, as far as anybody knows.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "planner.h"

/* A longer list would not be sent (SFB_MAX_JOBS queries of 4,500 ids). */
#define MAX_LIST 450000

static planner_hook_type previous_planner = NULL;

/* ---- the column ----------------------------------------------------------------------------------- */

static bool
is_ours(RangeTblEntry *rte)
{
	return rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_FOREIGN_TABLE &&
		   GetFdwRoutineByRelId(rte->relid)->BeginForeignScan == sfbulkBeginForeignScan;
}

/* A subquery whose rows are rows of its tables that pass its conditions. */
static bool
is_simple(RangeTblEntry *rte)
{
	Query *query = rte->subquery;

	return !rte->lateral && !rte->security_barrier && query->commandType == CMD_SELECT &&
		   query->setOperations == NULL && !query->hasAggs && !query->hasWindowFuncs &&
		   !query->hasTargetSRFs && query->groupClause == NIL && query->groupingSets == NIL &&
		   query->havingQual == NULL && query->distinctClause == NIL &&
		   query->limitCount == NULL && query->limitOffset == NULL && query->rowMarks == NIL;
}

/* The table and attribute that an expression is, also below simple subqueries; NULL for anything else. */
static RangeTblEntry *
find_column(Query *query, Node *expr, AttrNumber *attnum)
{
	RangeTblEntry *rte;
	Var *var;

	check_stack_depth();
	while (expr != NULL && IsA(expr, RelabelType))
		expr = (Node *) ((RelabelType *) expr)->arg;
	if (expr == NULL || !IsA(expr, Var) || ((Var *) expr)->varlevelsup != 0 ||
		((Var *) expr)->varattno <= 0)
		return NULL;
	var = (Var *) expr;
	rte = rt_fetch(var->varno, query->rtable);
	if (rte->rtekind == RTE_SUBQUERY && is_simple(rte))
	{
		TargetEntry *entry = get_tle_by_resno(rte->subquery->targetList, var->varattno);

		return entry != NULL ? find_column(rte->subquery, (Node *) entry->expr, attnum) : NULL;
	}
	*attnum = var->varattno;
	return is_ours(rte) ? rte : NULL;
}

/* Is the column one that Salesforce finds records by, and is a list of so many values worth it? */
static bool
is_worth_it(RangeTblEntry *rte, AttrNumber attnum, double list_rows)
{
	SfbTableOptions *options = sfb_table_options(rte->relid);
	const SfbColumn *column;
	Relation rel;
	double tuples;
	bool fits;

	if (!options->pushdown || options->object == NULL || list_rows > MAX_LIST)
		return false;

	/* It has been locked. */
	rel = table_open(rte->relid, NoLock);
	column = &sfb_table_columns(rel)[attnum - 1];
	tuples = rel->rd_rel->reltuples;
	fits = column->field != NULL && column->filterable && sfb_types_agree(column) &&
		   (column->type == SFB_ID || column->type == SFB_REFERENCE);
	table_close(rel, NoLock);
	return fits &&
		   (tuples < 0 || (tuples > options->rest_row_limit && list_rows < tuples / 2));
}

/* ---- the subquery -------------------------------------------------------------------------------------- */

typedef struct SubqueryContext
{
	Query *around;	/* the query that the subquery is part of */
	int depth;		/* levels below that */
	Oid serverid;	/* of the column's table */
	double rows;	/* of the largest table */
	bool dependent; /* it has columns of a query around it, or tables of that server */
} SubqueryContext;

static bool inspect_subquery(Node *node, SubqueryContext *context);

static double
table_rows(Oid relid)
{
	Relation rel = table_open(relid, NoLock);
	BlockNumber pages;
	double tuples;
	double visible;

	estimate_rel_size(rel, NULL, &pages, &tuples, &visible);
	table_close(rel, NoLock);
	return tuples;
}

/* A CTE of the query around is looked into; one from further away could be anything. */
static void
inspect_cte(RangeTblEntry *rte, SubqueryContext *context)
{
	ListCell *lc;

	if ((int) rte->ctelevelsup < context->depth)
		return;
	if ((int) rte->ctelevelsup == context->depth)
	{
		foreach (lc, context->around->cteList)
		{
			CommonTableExpr *cte = lfirst(lc);
			SubqueryContext inner = *context;

			if (strcmp(cte->ctename, rte->ctename) != 0 || cte->cterecursive)
				continue;
			inner.depth = 0;
			inspect_subquery(cte->ctequery, &inner);
			context->rows = Max(context->rows, inner.rows);
			context->dependent = context->dependent || inner.dependent;
			return;
		}
	}
	context->dependent = true;
}

static void
inspect_table(RangeTblEntry *rte, SubqueryContext *context)
{
	if (rte->rtekind == RTE_CTE)
		inspect_cte(rte, context);
	else if (rte->rtekind == RTE_VALUES)
		context->rows = Max(context->rows, list_length(rte->values_lists));
	else if (rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_VIEW)
	{
		if (rte->relkind == RELKIND_FOREIGN_TABLE &&
			GetForeignTable(rte->relid)->serverid == context->serverid)
			context->dependent = true;
		context->rows = Max(context->rows, table_rows(rte->relid));
	}
}

static bool
inspect_subquery(Node *node, SubqueryContext *context)
{
	if (node == NULL || context->dependent)
		return false;
	if (IsA(node, Var) && (int) ((Var *) node)->varlevelsup >= context->depth)
		context->dependent = true;
	else if (IsA(node, Aggref) && (int) ((Aggref *) node)->agglevelsup >= context->depth)
		context->dependent = true;
	else if (IsA(node, RangeTblEntry))
	{
		inspect_table((RangeTblEntry *) node, context);
		return false;
	}
	else if (IsA(node, Query))
	{
		Query *query = (Query *) node;

		if (query->commandType != CMD_SELECT || query->rowMarks != NIL)
			context->dependent = true;
		context->depth++;
		query_tree_walker(query, inspect_subquery, context, QTW_EXAMINE_RTES_BEFORE);
		context->depth--;
		return false;
	}
	return expression_tree_walker(node, inspect_subquery, context);
}

/* The rows that the subquery has at most, about, or -1 when it is not for a list. */
static double
list_rows(Query *query, Query *subquery, Oid serverid)
{
	SubqueryContext context = {query, 0, serverid, 0, false};
	Node *limit = subquery->limitCount;

	if (contain_volatile_functions((Node *) subquery))
		return -1;
	inspect_subquery((Node *) subquery, &context);
	if (context.dependent)
		return -1;
	if (limit != NULL && IsA(limit, Const) && !((Const *) limit)->constisnull)
		context.rows =
			Min(context.rows, (double) DatumGetInt64(((Const *) limit)->constvalue));
	return context.rows;
}

/* ---- rewriting -------------------------------------------------------------------------------------------- */

/* The parameter that stands for the subquery's column becomes that column. */
static Node *
replace_param(Node *node, void *var)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_SUBLINK)
		return copyObject(var);
	return expression_tree_mutator(node, replace_param, var);
}

/* SELECT value FROM (subquery) WHERE octet_length (value) = 18 */
static Query *
list_query(Query *subquery, Node *value)
{
	TargetEntry *entry = linitial_node(TargetEntry, subquery->targetList);
	char *name = entry->resname != NULL ? entry->resname : "id";
	Var *var =
		makeVar(1, entry->resno, exprType((Node *) entry->expr),
				exprTypmod((Node *) entry->expr), exprCollation((Node *) entry->expr), 0);
	Expr *expr = (Expr *) replace_param(value, var);
	Expr *length =
		(Expr *) makeFuncExpr(F_OCTET_LENGTH_TEXT, INT4OID, list_make1(copyObject(expr)),
							  InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	Expr *is_long = make_opclause(Int4EqualOperator, BOOLOID, false, length,
								  (Expr *) makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
													 Int32GetDatum(18), false, true),
								  InvalidOid, InvalidOid);
	Query *query = makeNode(Query);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblRef *ref = makeNode(RangeTblRef);

	set_opfuncid((OpExpr *) is_long);
	IncrementVarSublevelsUp((Node *) subquery, 1, 1);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = subquery;
	rte->eref = makeAlias("ids", list_make1(makeString(pstrdup(name))));
	rte->inFromCl = true;
	ref->rtindex = 1;

	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = list_make1(rte);
	query->jointree = makeFromExpr(list_make1(ref), (Node *) is_long);
	query->targetList = list_make1(makeTargetEntry(expr, 1, pstrdup(name), false));
	return query;
}

/* A condition of WHERE as it is better asked, itself for most. */
static Node *
rewrite_condition(Query *query, Node *node)
{
	SubLink *link = (SubLink *) node;
	Query *subquery;
	OpExpr *op;
	RangeTblEntry *rte;
	AttrNumber attnum;
	double rows;
	SubLink *array;
	ScalarArrayOpExpr *result;

	if (!IsA(node, SubLink) || link->subLinkType != ANY_SUBLINK || link->testexpr == NULL ||
		!IsA(link->testexpr, OpExpr) || !IsA(link->subselect, Query))
		return node;
	op = (OpExpr *) link->testexpr;
	subquery = (Query *) link->subselect;
	if (op->opno != TextEqualOperator || list_length(op->args) != 2 ||
		(OidIsValid(op->inputcollid) && !get_collation_isdeterministic(op->inputcollid)) ||
		contain_mutable_functions(lsecond(op->args)))
		return node;
	rte = find_column(query, linitial(op->args), &attnum);
	if (rte == NULL)
		return node;
	rows = list_rows(query, subquery, GetForeignTable(rte->relid)->serverid);
	if (rows < 0 || !is_worth_it(rte, attnum, rows))
		return node;

	array = makeNode(SubLink);
	array->subLinkType = ARRAY_SUBLINK;
	array->subselect = (Node *) list_query(subquery, lsecond(op->args));
	array->location = -1;
	result = makeNode(ScalarArrayOpExpr);
	result->opno = TextEqualOperator;
	result->opfuncid = get_opcode(TextEqualOperator);
	result->useOr = true;
	result->inputcollid = op->inputcollid;
	result->args = list_make2(linitial(op->args), array);
	result->location = -1;
	return (Node *) result;
}

/* All that have to be true together. */
static Node *
rewrite_conditions(Query *query, Node *node)
{
	ListCell *lc;

	if (node == NULL)
		return NULL;
	if (!IsA(node, BoolExpr) || ((BoolExpr *) node)->boolop != AND_EXPR)
		return rewrite_condition(query, node);
	foreach (lc, ((BoolExpr *) node)->args)
		lfirst(lc) = rewrite_conditions(query, lfirst(lc));
	return node;
}

/* Of WHERE, and of inner joins, which is the same. */
static void
rewrite_from(Query *query, Node *node)
{
	ListCell *lc;

	if (node != NULL && IsA(node, FromExpr))
	{
		FromExpr *from = (FromExpr *) node;

		from->quals = rewrite_conditions(query, from->quals);
		foreach (lc, from->fromlist)
			rewrite_from(query, lfirst(lc));
	}
	else if (node != NULL && IsA(node, JoinExpr))
	{
		JoinExpr *join = (JoinExpr *) node;

		if (join->jointype == JOIN_INNER)
			join->quals = rewrite_conditions(query, join->quals);
		rewrite_from(query, join->larg);
		rewrite_from(query, join->rarg);
	}
}

static bool
rewrite_queries(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query *query = (Query *) node;

		if (query->hasSubLinks && query->commandType != CMD_UTILITY)
			rewrite_from(query, (Node *) query->jointree);
		return query_tree_walker(query, rewrite_queries, context, 0);
	}
	return expression_tree_walker(node, rewrite_queries, context);
}

/* ---- the hook ------------------------------------------------------------------------------------------------ */

static PlannedStmt *
planner_with_lists(Query *parse, const char *query_string, int cursor_options,
				   ParamListInfo params)
{
	if (sfb_fetch_by_list)
		rewrite_queries((Node *) parse, NULL);
	return previous_planner != NULL
			   ? previous_planner(parse, query_string, cursor_options, params)
			   : standard_planner(parse, query_string, cursor_options, params);
}

void
sfb_fetch_list_init(void)
{
	previous_planner = planner_hook;
	planner_hook = planner_with_lists;
}
