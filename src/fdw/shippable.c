/*
 * shippable.c
 *		Which conditions can be sent to Salesforce, and whether its answer is PostgreSQL's.
 *
 * A condition is sent only when everything about it is known: PostgreSQL's own operators, on a column
 * whose type and Salesforce type go together, with a value that needs no other column.  In doubt it
 * stays local.  WHERE keeps the rows for which a condition is true, so classes are about the set of
 * these rows: SFB_EXACT when Salesforce's set is PostgreSQL's, SFB_SUPERSET when it may hold more.
 * AND and OR of such sets behave; NOT does not, and is only sent on a boolean column.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/clauses.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "lists.h"

/* B-tree operator families without a symbol of their own (pg_opfamily.dat). */
#define FLOAT_BTREE_FAM_OID	   1970
#define NUMERIC_BTREE_FAM_OID  1988
#define DATETIME_BTREE_FAM_OID 434

/*
 * A list that takes no more bytes than this is part of a query as any other condition.  Of days, they have
 * much fewer spans than are sent.
 */
#define MAX_CERTAIN_BYTES 2000

/* ---- operators ---------------------------------------------------------------------------- */

bool
sfb_is_builtin(Oid oid)
{
	return oid < FirstGenbkiObjectId;
}

bool
sfb_comparison_of(Oid opno, SfbOp *op)
{
	static const Oid families[] = {TEXT_BTREE_FAM_OID,	   INTEGER_BTREE_FAM_OID,
								   NUMERIC_BTREE_FAM_OID,  FLOAT_BTREE_FAM_OID,
								   DATETIME_BTREE_FAM_OID, BOOL_BTREE_FAM_OID};
	static const SfbOp strategies[] = {SFB_OP_LT, SFB_OP_LE, SFB_OP_EQ, SFB_OP_GE, SFB_OP_GT};
	Oid negator;
	int i;

	/* An extension may have put its own operators into these families. */
	if (!sfb_is_builtin(opno))
		return false;
	if (opno == OID_TEXT_LIKE_OP || opno == OID_TEXT_ICLIKE_OP)
	{
		*op = (opno == OID_TEXT_LIKE_OP) ? SFB_OP_LIKE : SFB_OP_ILIKE;
		return true;
	}

	negator = get_negator(opno);
	for (i = 0; i < (int) lengthof(families); i++)
	{
		int strategy = get_op_opfamily_strategy(opno, families[i]);

		if (strategy >= 1 && strategy <= (int) lengthof(strategies))
		{
			*op = strategies[strategy - 1];
			return true;
		}
		if (OidIsValid(negator) && get_op_opfamily_strategy(negator, families[i]) == 3)
		{
			*op = SFB_OP_NE;
			return true;
		}
	}
	return false;
}

bool
sfb_is_sort_family(Oid opfamily)
{
	return opfamily == INTEGER_BTREE_FAM_OID || opfamily == NUMERIC_BTREE_FAM_OID ||
		   opfamily == FLOAT_BTREE_FAM_OID || opfamily == DATETIME_BTREE_FAM_OID;
}

/* ---- columns -------------------------------------------------------------------------------- */

/* A type modifier may round. */
bool
sfb_types_agree(const SfbColumn *column)
{
	Oid pgtype = column->pgtype;

	switch (column->type)
	{
		case SFB_TEXT:
		case SFB_PICKLIST:
		case SFB_ID:
		case SFB_REFERENCE:
			return pgtype == TEXTOID || pgtype == VARCHAROID;
		case SFB_BOOLEAN:
			return pgtype == BOOLOID;
		case SFB_INT:
			return pgtype == INT2OID || pgtype == INT4OID || pgtype == INT8OID ||
				   pgtype == FLOAT8OID || (pgtype == NUMERICOID && column->typmod == -1);
		case SFB_LONG:
			return pgtype == INT8OID || (pgtype == NUMERICOID && column->typmod == -1);
		case SFB_DOUBLE:
		case SFB_CURRENCY:
		case SFB_PERCENT:
			return pgtype == FLOAT8OID || (pgtype == NUMERICOID && column->typmod == -1);
		case SFB_DATE:
			return pgtype == DATEOID;
		case SFB_DATETIME:
			return (pgtype == TIMESTAMPTZOID || pgtype == TIMESTAMPOID) &&
				   column->typmod == -1;
		default:
			return false;
	}
}

/* Is it a number that the column is converted to without loss before it is compared? */
static bool
is_lossless_cast(Oid funcid, SfbType type)
{
	if (type != SFB_INT && type != SFB_LONG)
		return false;
	switch (funcid)
	{
		case F_NUMERIC_INT2:
		case F_NUMERIC_INT4:
		case F_NUMERIC_INT8:
		case F_INT4_INT2:
		case F_INT8_INT2:
		case F_INT8_INT4:
		case F_FLOAT8_INT2:
		case F_FLOAT8_INT4:
			return true;
		case F_FLOAT8_INT8:
			return type == SFB_INT;
		default:
			return false;
	}
}

/* The filterable column that an expression is, or NULL. */
static const SfbColumn *
column_of(SfbRelPlan *plan, Node *expr)
{
	const SfbColumn *column;
	Oid cast = InvalidOid;

	if (expr != NULL && IsA(expr, FuncExpr) && list_length(((FuncExpr *) expr)->args) == 1)
	{
		cast = ((FuncExpr *) expr)->funcid;
		expr = linitial(((FuncExpr *) expr)->args);
	}

	column = sfb_plan_column(plan, expr);
	if (column == NULL || !column->filterable)
		return NULL;
	if (OidIsValid(cast) && !is_lossless_cast(cast, column->type))
		return NULL;
	return column;
}

/* ---- operands --------------------------------------------------------------------------------- */

bool
sfb_is_operand(SfbRelPlan *plan, Node *expr)
{
	return expr != NULL &&
		   (plan->outer != NULL ? bms_is_subset(pull_varnos(plan->root, expr), plan->outer)
								: !contain_var_clause(expr)) &&
		   !contain_volatile_functions(expr) && !contain_subplans(expr) &&
		   !contain_agg_clause(expr) && !contain_window_function(expr);
}

int
sfb_add_operand(SfbRelPlan *plan, Expr *expr, Oid type)
{
	ListCell *lc;
	ListCell *lt;
	int i = 0;

	forboth (lc, plan->exprs, lt, plan->types)
	{
		if (lfirst_oid(lt) == type && equal(lfirst(lc), expr))
			return i;
		i++;
	}
	plan->exprs = lappend(plan->exprs, expr);
	plan->types = lappend_oid(plan->types, type);
	return i;
}

/* Is a value of this type something that literal.c knows how to write for the column? */
static bool
operand_type_fits(const SfbColumn *column, Oid valtype)
{
	switch (column->type)
	{
		case SFB_TEXT:
		case SFB_PICKLIST:
		case SFB_ID:
		case SFB_REFERENCE:
			return valtype == TEXTOID || valtype == VARCHAROID;
		case SFB_BOOLEAN:
			return valtype == BOOLOID;
		case SFB_INT:
		case SFB_LONG:
		case SFB_DOUBLE:
		case SFB_CURRENCY:
		case SFB_PERCENT:
			return valtype == INT2OID || valtype == INT4OID || valtype == INT8OID ||
				   valtype == FLOAT4OID || valtype == FLOAT8OID || valtype == NUMERICOID;
		case SFB_DATE:
			return valtype == DATEOID;
		case SFB_DATETIME:
			return valtype == DATEOID || valtype == column->pgtype ||
				   (valtype == TIMESTAMPOID && column->pgtype == TIMESTAMPTZOID);
		default:
			return false;
	}
}

/* ---- comparisons -------------------------------------------------------------------------------- */

/*
 * The best that can be said of an operator on a field, whatever the value: text compares without regard
 * to case over there, and sorts in another order.
 */
static SfbClass
class_of_operator(const SfbColumn *column, SfbOp op)
{
	bool equality = (op == SFB_OP_EQ || op == SFB_OP_IN);
	bool inequality = (op == SFB_OP_NE || op == SFB_OP_NOT_IN);

	switch (column->type)
	{
		case SFB_TEXT:
		case SFB_PICKLIST:
			if (op == SFB_OP_LIKE)
				return SFB_SUPERSET;
			/* A field that minds case minds it in LIKE too, and so finds less than ILIKE. */
			if (op == SFB_OP_ILIKE)
				return column->case_sensitive ? SFB_LOCAL : SFB_SUPERSET;
			if (equality)
				return column->case_sensitive ? SFB_EXACT : SFB_SUPERSET;
			return inequality && column->case_sensitive ? SFB_EXACT : SFB_LOCAL;
		case SFB_ID:
		case SFB_REFERENCE:
			return equality || inequality ? SFB_EXACT : SFB_LOCAL;
		case SFB_BOOLEAN:
			/* A missing parent's field counts as false over there and is null over here. */
			if (op != SFB_OP_EQ && op != SFB_OP_NE)
				return SFB_LOCAL;
			return column->optional ? SFB_SUPERSET : SFB_EXACT;
		default:
			return (op == SFB_OP_LIKE || op == SFB_OP_ILIKE) ? SFB_LOCAL : SFB_EXACT;
	}
}

/*
 * The class of a list, be it as long as it may: the scan cuts it, or looks values up in it here (request.c).
 * certain: each of its values can be said exactly.
 */
static SfbClass
class_of_list(SfbRelPlan *plan, const SfbColumn *column, bool certain)
{
	plan->may_be_cut = true;
	if (!certain || !sfb_is_lookup_type(column->type))
		return SFB_SUPERSET;
	plan->list_fields = lappend(plan->list_fields, (void *) column);
	return SFB_EXACT;
}

/* The class once the value is looked at: a constant now, anything else by what it could be. */
static SfbClass
class_of_value(SfbRelPlan *plan, const SfbColumn *column, SfbOp op, Node *value, Oid valtype)
{
	bool is_list = op == SFB_OP_IN && plan->depth == 0;
	StringInfoData text;
	SfbFold fold;

	if (!IsA(value, Const))
	{
		if (is_list)
			return class_of_list(plan, column,
								 sfb_always_exact(SFB_OP_EQ, column->type, valtype));
		return sfb_always_exact(op, column->type, valtype) ? SFB_EXACT : SFB_SUPERSET;
	}

	initStringInfo(&text);
	fold = sfb_fold_compare(&text, column->field, op, column->type, column->pgtype, valtype,
							((Const *) value)->constvalue, ((Const *) value)->constisnull);

	/* Too long to be part of just any query? */
	if (is_list && !((Const *) value)->constisnull)
	{
		if (fold == SFB_FOLD_DROP)
			return sfb_list_new(column->type, column->pgtype, valtype,
								((Const *) value)->constvalue) != NULL
					   ? class_of_list(plan, column, true)
					   : SFB_LOCAL;
		if (plan->const_bytes + text.len > plan->max_const_bytes ||
			(text.len > MAX_CERTAIN_BYTES && sfb_is_lookup_type(column->type)))
			return class_of_list(plan, column, true);
	}
	if (fold == SFB_FOLD_DROP)
		return SFB_LOCAL;
	plan->const_bytes += text.len;
	return fold == SFB_FOLD_WIDE ? SFB_SUPERSET : SFB_EXACT;
}

/* Makes the clause, if it is one for this value. */
static SfbClass
classify_value(SfbRelPlan *plan, const SfbColumn *column, SfbOp op, Node *value, Oid valtype,
			   List **clause)
{
	SfbClass class = class_of_value(plan, column, op, value, valtype);

	if (class == SFB_LOCAL || plan->const_bytes > plan->max_const_bytes)
		return SFB_LOCAL;
	*clause =
		list_make5(makeInteger(SFB_CLAUSE_COMPARE), makeInteger(op), makeString(column->field),
				   makeInteger(column->type), makeInteger((int) column->pgtype));
	*clause = lappend(*clause, makeInteger(sfb_add_operand(plan, (Expr *) value, valtype)));
	return class;
}

static SfbClass
classify_compare(SfbRelPlan *plan, const SfbColumn *column, SfbOp op, Node *value,
				 Oid collation, List **clause)
{
	Oid valtype = exprType(value);
	SfbClass by_operator;
	SfbClass by_value;

	if (sfb_op_is_array(op))
		valtype = get_element_type(valtype);
	if (!sfb_types_agree(column) || !operand_type_fits(column, valtype) ||
		!sfb_is_operand(plan, value))
		return SFB_LOCAL;
	if (OidIsValid(collation) && !get_collation_isdeterministic(collation))
		return SFB_LOCAL;

	by_operator = class_of_operator(column, op);
	if (by_operator == SFB_LOCAL)
		return SFB_LOCAL;
	by_value = classify_value(plan, column, op, value, valtype, clause);
	return Min(by_operator, by_value);
}

/* ---- multi-select picklists and days -------------------------------------------------------------- */

static bool
is_set(const SfbColumn *column)
{
	return column->type == SFB_MULTIPICKLIST && column->pgtype == TEXTARRAYOID;
}

/* An operator on a multi-select picklist, which is an array here, and an array or (HAS) an element. */
static SfbClass
classify_set(SfbRelPlan *plan, const SfbColumn *column, SfbOp op, Node *value, Oid collation,
			 List **clause)
{
	Oid valtype = exprType(value);
	SfbClass class;

	if (sfb_op_is_array(op))
		valtype = get_element_type(valtype);
	if ((valtype != TEXTOID && valtype != VARCHAROID) || !sfb_is_operand(plan, value) ||
		(OidIsValid(collation) && !get_collation_isdeterministic(collation)))
		return SFB_LOCAL;
	class = classify_value(plan, column, op, value, valtype, clause);
	return Min(SFB_SUPERSET, class);
}

static bool
set_operator_of(Oid opno, SfbOp *op)
{
	/* Arrays that are equal contain each other. */
	if (opno == OID_ARRAY_CONTAINS_OP || opno == ARRAY_EQ_OP)
		*op = SFB_OP_HAS_ALL;
	else if (opno == OID_ARRAY_OVERLAP_OP)
		*op = SFB_OP_HAS_ANY;
	else
		return false;
	return true;
}

/* The datetime column whose day an expression is, or NULL. */
static const SfbColumn *
day_column_of(SfbRelPlan *plan, Node *expr)
{
	const SfbColumn *column;
	Oid funcid;

	if (expr == NULL || !IsA(expr, FuncExpr) || list_length(((FuncExpr *) expr)->args) != 1)
		return NULL;
	funcid = ((FuncExpr *) expr)->funcid;
	column = sfb_plan_column(plan, linitial(((FuncExpr *) expr)->args));
	if (column == NULL || !column->filterable || column->type != SFB_DATETIME ||
		!sfb_types_agree(column))
		return NULL;
	return (funcid == F_DATE_TIMESTAMPTZ && column->pgtype == TIMESTAMPTZOID) ||
				   (funcid == F_DATE_TIMESTAMP && column->pgtype == TIMESTAMPOID)
			   ? column
			   : NULL;
}

/* "column::date op value"; spans of time say it exactly unless a list of days makes too many. */
static SfbClass
classify_day(SfbRelPlan *plan, const SfbColumn *column, SfbOp op, Node *value, List **clause)
{
	bool is_list = sfb_op_is_array(op);
	Oid valtype = is_list ? get_element_type(exprType(value)) : exprType(value);
	SfbClass class = is_list ? SFB_SUPERSET : SFB_EXACT;

	if (valtype != DATEOID || op > SFB_OP_NOT_IN || !sfb_is_operand(plan, value))
		return SFB_LOCAL;
	if (IsA(value, Const))
	{
		Const *constant = (Const *) value;
		StringInfoData text;

		initStringInfo(&text);
		if (sfb_fold_day(&text, column->field, op, column->pgtype, constant->constvalue,
						 constant->constisnull) == SFB_FOLD_DROP)
			return SFB_LOCAL;
		plan->const_bytes += text.len;
		if (plan->const_bytes > plan->max_const_bytes)
			return SFB_LOCAL;
		/* The session's time zone may be another when the query runs, and then have more spans. */
		if (is_list && text.len < MAX_CERTAIN_BYTES)
			class = SFB_EXACT;
	}
	*clause = list_make5(makeInteger(SFB_CLAUSE_DAY), makeInteger(op),
						 makeString(column->field), makeInteger((int) column->pgtype),
						 makeInteger(sfb_add_operand(plan, (Expr *) value, valtype)));
	return class;
}

/* ---- operators of SQL ---------------------------------------------------------------------------- */

static SfbClass
classify_op(SfbRelPlan *plan, OpExpr *expr, List **clause)
{
	Node *left;
	Node *right;
	Oid opno = expr->opno;
	SfbOp op;

	if (list_length(expr->args) != 2)
		return SFB_LOCAL;
	left = linitial(expr->args);
	right = lsecond(expr->args);

	/* "value op column": the operator's commutator makes it "column op value" */
	for (int turn = 0; turn < 2 && OidIsValid(opno); turn++)
	{
		const SfbColumn *column = column_of(plan, left);
		const SfbColumn *day = day_column_of(plan, left);
		Node *swap = left;

		if (column != NULL && is_set(column) && set_operator_of(opno, &op))
			return classify_set(plan, column, op, right, expr->inputcollid, clause);
		if (column != NULL && sfb_comparison_of(opno, &op))
			return classify_compare(plan, column, op, right, expr->inputcollid, clause);
		if (day != NULL && sfb_comparison_of(opno, &op))
			return classify_day(plan, day, op, right, clause);
		left = right;
		right = swap;
		opno = get_commutator(opno);
	}
	return SFB_LOCAL;
}

static SfbClass
classify_array_op(SfbRelPlan *plan, ScalarArrayOpExpr *expr, List **clause)
{
	const SfbColumn *column = column_of(plan, linitial(expr->args));
	const SfbColumn *day = day_column_of(plan, linitial(expr->args));
	Node *array = lsecond(expr->args);
	const SfbColumn *set = column_of(plan, array);
	SfbOp op;

	if (!sfb_comparison_of(expr->opno, &op))
		return SFB_LOCAL;
	if (set != NULL && is_set(set) && expr->useOr && expr->opno == TextEqualOperator)
		return classify_set(plan, set, SFB_OP_HAS, linitial(expr->args), expr->inputcollid,
							clause);
	if ((column == NULL || column->type == SFB_BOOLEAN) && day == NULL)
		return SFB_LOCAL;
	if (expr->useOr && op == SFB_OP_EQ)
		op = SFB_OP_IN;
	else if (!expr->useOr && op == SFB_OP_NE)
		op = SFB_OP_NOT_IN;
	else
		return SFB_LOCAL;
	if (!OidIsValid(get_element_type(exprType(array))))
		return SFB_LOCAL;
	if (day != NULL)
		return classify_day(plan, day, op, array, clause);
	return classify_compare(plan, column, op, array, expr->inputcollid, clause);
}

/* ---- nulls and booleans --------------------------------------------------------------------------- */

static SfbClass
classify_null_test(SfbRelPlan *plan, NullTest *expr, List **clause)
{
	const SfbColumn *column = column_of(plan, (Node *) expr->arg);

	/* A boolean field is never null, and "= null" means false there. */
	if (column == NULL || expr->argisrow || type_is_rowtype(column->pgtype) ||
		column->type == SFB_BOOLEAN)
		return SFB_LOCAL;
	*clause = list_make3(makeInteger(SFB_CLAUSE_NULL),
						 makeInteger(expr->nulltesttype == IS_NULL ? 1 : 0),
						 makeString(column->field));
	return SFB_EXACT;
}

/* "column is value" where null counts as `null_counts`. */
static SfbClass
classify_boolean(SfbRelPlan *plan, Node *expr, bool value, bool null_counts, List **clause)
{
	const SfbColumn *column = column_of(plan, expr);

	if (column == NULL || column->type != SFB_BOOLEAN || !sfb_types_agree(column))
		return SFB_LOCAL;
	if (null_counts && column->optional)
		return SFB_LOCAL;
	*clause = list_make3(makeInteger(SFB_CLAUSE_BOOLEAN), makeInteger(value ? 1 : 0),
						 makeString(column->field));
	return column->optional && !value ? SFB_SUPERSET : SFB_EXACT;
}

static SfbClass
classify_boolean_test(SfbRelPlan *plan, BooleanTest *expr, List **clause)
{
	switch (expr->booltesttype)
	{
		case IS_TRUE:
			/* The rows for which a condition is true are those for which it "is true". */
			return sfb_classify(plan, expr->arg, clause);
		case IS_FALSE:
			return classify_boolean(plan, (Node *) expr->arg, false, false, clause);
		case IS_NOT_TRUE:
			return classify_boolean(plan, (Node *) expr->arg, false, true, clause);
		case IS_NOT_FALSE:
			return classify_boolean(plan, (Node *) expr->arg, true, true, clause);
		default:
			return SFB_LOCAL;
	}
}

/* ---- AND, OR, NOT ------------------------------------------------------------------------------------ */

static SfbClass
classify_and_or(SfbRelPlan *plan, BoolExpr *expr, List **clause)
{
	bool is_and = (expr->boolop == AND_EXPR);
	List *arms = NIL;
	SfbClass result = SFB_EXACT;
	ListCell *lc;

	foreach (lc, expr->args)
	{
		List *arm = NIL;
		SfbClass arm_class;

		plan->depth++;
		arm_class = sfb_classify(plan, lfirst(lc), &arm);
		plan->depth--;
		if (arm_class == SFB_LOCAL)
		{
			/* Without one of its parts an AND has more rows; an OR would have fewer. */
			if (!is_and)
				return SFB_LOCAL;
			result = SFB_SUPERSET;
			continue;
		}
		result = Min(result, arm_class);
		arms = lappend(arms, arm);
	}
	if (arms == NIL)
		return SFB_LOCAL;
	*clause = lcons(makeInteger(is_and ? SFB_CLAUSE_AND : SFB_CLAUSE_OR), arms);
	return result;
}

static SfbClass
classify_node(SfbRelPlan *plan, Node *expr, List **clause)
{
	switch (nodeTag(expr))
	{
		case T_Var:
			return classify_boolean(plan, expr, true, false, clause);
		case T_OpExpr:
			return classify_op(plan, (OpExpr *) expr, clause);
		case T_ScalarArrayOpExpr:
			return classify_array_op(plan, (ScalarArrayOpExpr *) expr, clause);
		case T_NullTest:
			return classify_null_test(plan, (NullTest *) expr, clause);
		case T_BooleanTest:
			return classify_boolean_test(plan, (BooleanTest *) expr, clause);
		case T_BoolExpr:
			if (((BoolExpr *) expr)->boolop == NOT_EXPR)
				return classify_boolean(plan, linitial(((BoolExpr *) expr)->args), false,
										false, clause);
			return classify_and_or(plan, (BoolExpr *) expr, clause);
		default:
			return SFB_LOCAL;
	}
}

SfbClass
sfb_classify(SfbRelPlan *plan, Expr *expr, List **clause)
{
	int nexprs = list_length(plan->exprs);
	int const_bytes = plan->const_bytes;
	SfbClass result = classify_node(plan, (Node *) expr, clause);

	/* What a part has added goes with the whole. */
	if (result == SFB_LOCAL)
	{
		plan->exprs = list_truncate(plan->exprs, nexprs);
		plan->types = list_truncate(plan->types, nexprs);
		plan->const_bytes = const_bytes;
		*clause = NIL;
	}
	return result;
}
