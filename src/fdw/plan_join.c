/*
 * plan_join.c
 *		Joins that SOQL has: a child with its parents as dotted fields, and a semi-join.
 *
 * SELECT … FROM contact c JOIN account a ON c.accountid = a.id is SELECT …, Account.Name FROM Contact WHERE
 * Account.Id != null; the same LEFT JOIN is that without the condition.  A row of Contact is a row of the join
 * and the other way round, as a lookup has one value and an Id one record.  c.accountid IN (SELECT id FROM
 * account WHERE …) is SOQL's IN (SELECT …).
 *
 * Sources: SOQL and SOQL Reference, "Relationship Queries", "Understanding Relationship Query Limitations",
 * "Comparison Operators" (semi-joins).
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "foreign/fdwapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "option.h"
#include "planner.h"

/* Lookups that a path may follow (SOQL reference, relationship query limits). */
#define MAX_LEVELS 5

/* Semi-joins of a query (same place). */
#define MAX_SEMIJOINS 2

/* A semi-join, as it was planned; it is written anew for each join above it. */
typedef struct SfbSemijoin
{
	Var *key;
	SfbRelPlan *inner;
	const char *field; /* of the inner object */
} SfbSemijoin;

/* ---- what may be joined ---------------------------------------------------------------------- */

/* Objects whose rows a semi-join may neither filter nor give (SOQL reference, semi-joins). */
static bool
has_semijoins(const char *object)
{
	static const char *const without[] = {"ActivityHistory", "Attachment", "Event", "Note",
										  "OpenActivity",	 "Task",	   NULL};

	for (int i = 0; without[i] != NULL; i++)
		if (pg_strcasecmp(without[i], object) == 0)
			return false;
	return pg_strcasecmp(object + Max((int) strlen(object) - 3, 0), "Tag") != 0;
}

/* Can the relation be part of a join that is sent? */
static bool
is_joinable(RelOptInfo *rel)
{
	SfbRelPlan *plan = rel->fdw_private;

	if (plan == NULL || plan->gated || !bms_is_empty(rel->lateral_relids) ||
		(rel->reloptkind != RELOPT_BASEREL && rel->reloptkind != RELOPT_JOINREL))
		return false;
	return plan->options->pushdown && plan->options->object != NULL &&
		   !plan->options->query_all;
}

/* Two columns that a condition says are equal, in the order of the plans, or false. */
static bool
equal_columns(RestrictInfo *rinfo, SfbRelPlan *left, SfbRelPlan *right, Node **left_expr,
			  Node **right_expr)
{
	OpExpr *op = (OpExpr *) rinfo->clause;

	if (!IsA(op, OpExpr) || op->opno != TextEqualOperator || list_length(op->args) != 2 ||
		(OidIsValid(op->inputcollid) && !get_collation_isdeterministic(op->inputcollid)))
		return false;
	*left_expr = linitial(op->args);
	*right_expr = lsecond(op->args);
	if (sfb_plan_column(left, *left_expr) == NULL)
	{
		*left_expr = lsecond(op->args);
		*right_expr = linitial(op->args);
	}
	return sfb_plan_column(left, *left_expr) != NULL &&
		   sfb_plan_column(right, *right_expr) != NULL;
}

static bool
is_id(const SfbColumn *column)
{
	return sfb_is_own_id(column) && sfb_types_agree(column);
}

/* Is it a lookup to the record that is read from the parent? */
static bool
leads_to(const SfbColumn *column, SfbRelPlan *parent)
{
	return column->type == SFB_REFERENCE && sfb_types_agree(column) &&
		   column->reference_to != NULL && column->relationship != NULL &&
		   pg_strcasecmp(column->reference_to, parent->options->object) == 0;
}

/* The lookup of the child that a condition says leads to the parent's record, or NULL. */
static const SfbColumn *
lookup_of(RestrictInfo *rinfo, SfbRelPlan *child, SfbRelPlan *parent)
{
	const SfbColumn *column;
	Node *lookup;
	Node *id;

	if (!equal_columns(rinfo, child, parent, &lookup, &id) ||
		!is_id(sfb_plan_column(parent, id)))
		return NULL;
	column = sfb_plan_column(child, lookup);
	return leads_to(column, parent) ? column : NULL;
}

/* The column that a condition says has some value, and the value; or NULL. */
static const SfbColumn *
column_with_value(RestrictInfo *rinfo, SfbRelPlan *plan, Node **value)
{
	OpExpr *op = (OpExpr *) rinfo->clause;

	if (!IsA(op, OpExpr) || op->opno != TextEqualOperator || list_length(op->args) != 2)
		return NULL;
	for (int i = 0; i < 2; i++)
	{
		const SfbColumn *column = sfb_plan_column(plan, list_nth(op->args, i));

		*value = list_nth(op->args, 1 - i);
		if (column != NULL && sfb_is_operand(plan, *value))
			return column;
	}
	return NULL;
}

/*
 * The lookup of the child that has the same value as the parent's Id, or NULL.  Where a query says which, the
 * planner has a condition for either instead of one for the join.
 */
static const SfbColumn *
lookup_by_value(SfbRelPlan *child, SfbRelPlan *parent)
{
	ListCell *lc;
	ListCell *lp;

	foreach (lc, child->exact)
	{
		Node *value;
		const SfbColumn *lookup = column_with_value(lfirst(lc), child, &value);

		if (lookup == NULL || !leads_to(lookup, parent))
			continue;
		foreach (lp, parent->exact)
		{
			Node *other;
			const SfbColumn *id = column_with_value(lfirst(lp), parent, &other);

			if (id != NULL && is_id(id) && equal(value, other))
				return lookup;
		}
	}
	return NULL;
}

/* ---- building the plan of a join ----------------------------------------------------------------- */

static SfbRelPlan *
join_plan_new(PlannerInfo *root, RelOptInfo *joinrel, SfbRelPlan *first)
{
	SfbRelPlan *plan = palloc0(sizeof(SfbRelPlan));

	plan->root = root;
	plan->options = first->options;
	plan->relids = joinrel->relids;
	plan->analyzed = first->analyzed;
	plan->estimated = first->estimated;
	return plan;
}

static int
levels_of(const char *field)
{
	int levels = 0;

	for (; *field != '\0'; field++)
		levels += (*field == '.');
	return levels;
}

/* Members of a plan, with a path in front of their fields. */
static void
add_members(SfbRelPlan *plan, SfbRelPlan *from, const char *path, bool nullable)
{
	ListCell *lc;

	foreach (lc, from->members)
	{
		SfbMember *member = palloc(sizeof(SfbMember));

		*member = *(SfbMember *) lfirst(lc);
		/* An UPDATE or DELETE wants less of its table's row, see plan_target.c. */
		if (bms_membership(from->relids) == BMS_SINGLETON &&
			!bms_is_member(-FirstLowInvalidHeapAttributeNumber, member->attrs))
			member->row = member->attrs;
		member->attrs = NULL;
		member->nullable = member->nullable || nullable;
		if (path[0] != '\0')
		{
			SfbColumn *columns = palloc(sizeof(SfbColumn) * Max(member->natts, 1));

			memcpy(columns, member->columns, sizeof(SfbColumn) * member->natts);
			for (int i = 0; i < member->natts; i++)
			{
				SfbColumn *column = &columns[i];

				if (column->field == NULL)
					continue;
				column->field = psprintf("%s%s", path, column->field);
				column->optional = column->optional || nullable;
				/* Nothing is asked of a field that is too far away. */
				if (levels_of(column->field) > MAX_LEVELS)
					column->filterable = column->sortable = column->groupable =
						column->aggregatable = false;
			}
			member->columns = columns;
			member->path = psprintf("%s%s", path, member->path);
		}
		plan->members = lappend(plan->members, member);
	}
}

/* Conditions of the plans that are joined, by the rules for the columns as they are now. */
static void
add_conditions(SfbRelPlan *plan, SfbRelPlan *from)
{
	List *all = list_concat_copy(from->exact, list_concat_copy(from->rechecked, from->local));
	ListCell *lc;

	foreach (lc, all)
		sfb_plan_condition(plan, lfirst_node(RestrictInfo, lc));
}

/* Of an inner join: its rows have a record there. */
static void
add_required(SfbRelPlan *plan, const char *path)
{
	List *clause = list_make3(makeInteger(SFB_CLAUSE_NULL), makeInteger(0),
							  makeString(psprintf("%sId", path)));
	ListCell *lc;

	/* A parent's parent is not there without the parent. */
	foreach (lc, plan->required)
		if (strncmp(lfirst(lc), path, strlen(path)) == 0)
			return;
	plan->required = lappend(plan->required, pstrdup(path));
	plan->clauses = lappend(plan->clauses, list_make2(makeInteger(1), clause));
}

/* False when its conditions cannot be sent beside those of the plan, as they are too long together. */
static bool
add_semijoin(SfbRelPlan *plan, SfbSemijoin *semijoin)
{
	SfbRelPlan inner = *semijoin->inner;
	const SfbColumn *key = sfb_plan_column(plan, (Node *) semijoin->key);
	List *clause;
	ListCell *lc;

	/* Its operands are among ours, and lists inside of it cannot be cut. */
	inner.depth = 1;
	inner.exprs = plan->exprs;
	inner.types = plan->types;
	inner.const_bytes = plan->const_bytes;
	inner.max_const_bytes = plan->max_const_bytes;
	inner.clauses = inner.exact = NIL;
	foreach (lc, semijoin->inner->exact)
		if (sfb_plan_condition(&inner, lfirst_node(RestrictInfo, lc)) != SFB_EXACT)
			return false;
	plan->exprs = inner.exprs;
	plan->types = inner.types;
	plan->const_bytes = inner.const_bytes;

	clause = list_make5(makeInteger(SFB_CLAUSE_SEMIJOIN), makeString(key->field),
						makeString(semijoin->inner->options->object),
						makeString(pstrdup(semijoin->field)), inner.clauses);
	plan->clauses = lappend(plan->clauses, list_make2(makeInteger(1), clause));
	plan->semijoins = lappend(plan->semijoins, semijoin);
	return true;
}

List *
sfb_semijoin_conditions(SfbRelPlan *plan)
{
	List *result = NIL;
	ListCell *lc;

	foreach (lc, plan->semijoins)
	{
		SfbSemijoin *semijoin = lfirst(lc);

		result = list_concat(result, get_actual_clauses(semijoin->inner->exact));
	}
	return result;
}

/* What a join that is joined again brings along; false when there is no place for it. */
static bool
add_earlier_joins(SfbRelPlan *plan, SfbRelPlan *from, const char *path)
{
	ListCell *lc;

	foreach (lc, from->required)
		add_required(plan, psprintf("%s%s", path, (char *) lfirst(lc)));
	foreach (lc, from->semijoins)
		if (!add_semijoin(plan, lfirst(lc)))
			return false;
	return true;
}

static List *
vars_of(List *exprs)
{
	return pull_var_clause((Node *) exprs, PVC_RECURSE_PLACEHOLDERS | PVC_RECURSE_AGGREGATES |
											   PVC_RECURSE_WINDOWFUNCS);
}

/* The plan's Var for a column of a member (InvalidAttrNumber: the whole row), or NULL. */
static Var *
find_var(List *vars, Index relid, AttrNumber attnum)
{
	ListCell *lc;

	foreach (lc, vars)
	{
		Var *var = lfirst_node(Var, lc);

		if (var->varno == (int) relid && var->varattno == attnum)
			return var;
	}
	return NULL;
}

/*
 * The columns that the rows have to have; false when there is one that they cannot have.  With recheck a local
 * join has to give them too: it has what the query above needs, of which whole rows are a part, but not what
 * only conditions look at.
 */
static bool
find_needed_columns(RelOptInfo *joinrel, SfbRelPlan *plan, bool recheck)
{
	List *conditions = NIL;
	ListCell *lc;

	plan->vars = vars_of(joinrel->reltarget->exprs);
	foreach (lc, list_concat_copy(plan->rechecked, plan->local))
		conditions = lappend(conditions, lfirst_node(RestrictInfo, lc)->clause);
	foreach (lc, vars_of(conditions))
	{
		Var *var = lfirst_node(Var, lc);

		if (find_var(plan->vars, var->varno, var->varattno) != NULL)
			continue;
		if (recheck && find_var(plan->vars, var->varno, InvalidAttrNumber) == NULL)
			return false;
		plan->vars = lappend(plan->vars, var);
	}

	foreach (lc, plan->vars)
	{
		Var *var = lfirst_node(Var, lc);
		SfbMember *member = sfb_plan_member(plan, var->varno);

		if (member == NULL || var->varattno < 0)
			return false;
		member->attrs =
			bms_add_member(member->attrs, var->varattno - FirstLowInvalidHeapAttributeNumber);
	}

	foreach (lc, plan->members)
	{
		SfbMember *member = lfirst(lc);

		for (int i = 0; i < member->natts; i++)
			if (sfb_is_needed(member, i) && levels_of(member->columns[i].field) > MAX_LEVELS)
				return false;
	}
	return true;
}

/* An expression that has to be computed between the join and what is above it. */
static bool
has_placeholder(PlannerInfo *root, RelOptInfo *joinrel)
{
	ListCell *lc;

	foreach (lc, root->placeholder_list)
	{
		PlaceHolderInfo *info = lfirst(lc);

		if (bms_is_subset(info->ph_eval_at, joinrel->relids) &&
			bms_nonempty_difference(joinrel->relids, info->ph_eval_at))
			return true;
	}
	return false;
}

/* ---- child and parent ------------------------------------------------------------------------------ */

/*
 * A parent has one record for a lookup, so that a semi-join (JOIN_SEMI) with it is the inner join.
 */
static SfbRelPlan *
join_with_parent(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *child_rel,
				 RelOptInfo *parent_rel, JoinType jointype, List *conditions)
{
	SfbRelPlan *child = child_rel->fdw_private;
	SfbRelPlan *parent = parent_rel->fdw_private;
	SfbRelPlan *plan;
	const SfbColumn *lookup = NULL;
	List *others = NIL;
	const char *dot;
	char *path;
	ListCell *lc;

	foreach (lc, conditions)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		bool above = jointype == JOIN_LEFT && RINFO_IS_PUSHED_DOWN(rinfo, joinrel->relids);

		if (rinfo->pseudoconstant)
			return NULL;
		if (lookup == NULL && !above)
		{
			lookup = lookup_of(rinfo, child, parent);
			if (lookup != NULL)
				continue;
		}

		/* A further condition of a LEFT JOIN would make the parent's fields null, not the row go away. */
		if (jointype == JOIN_LEFT && !above)
			return NULL;
		others = lappend(others, rinfo);
	}
	if (lookup == NULL && jointype == JOIN_INNER)
		lookup = lookup_by_value(child, parent);
	if (lookup == NULL)
		return NULL;
	/* So would the parent's own conditions, and those of parents of its own that it must have. */
	if (jointype == JOIN_LEFT && (parent->exact != NIL || parent->rechecked != NIL ||
								  parent->local != NIL || parent->required != NIL))
		return NULL;
	if (parent->semijoins != NIL)
		return NULL;

	dot = strrchr(lookup->field, '.');
	path = psprintf("%.*s%s.", dot != NULL ? (int) (dot + 1 - lookup->field) : 0,
					lookup->field, lookup->relationship);
	if (levels_of(path) > MAX_LEVELS)
		return NULL;
	plan = join_plan_new(root, joinrel, child);
	add_members(plan, child, "", false);
	add_members(plan, parent, path, jointype == JOIN_LEFT);
	plan->max_const_bytes = SFB_MAX_SOQL - 1000 - sfb_select_list_bytes(plan);

	if (jointype != JOIN_LEFT)
	{
		plan->analyzed = plan->analyzed && parent->analyzed;
		add_required(plan, path);
	}
	if (!add_earlier_joins(plan, child, "") || !add_earlier_joins(plan, parent, path))
		return NULL;
	add_conditions(plan, child);
	add_conditions(plan, parent);

	/* A row for each of the child's that has a parent, in the proportion of the parents that are left. */
	plan->tuples = child->tuples;
	plan->fetched = child->fetched;
	plan->local_selectivity = child->local_selectivity;
	if (jointype != JOIN_LEFT)
	{
		plan->fetched *= parent->fetched / Max(parent->tuples, 1);
		plan->local_selectivity *= parent->local_selectivity;
	}
	foreach (lc, others)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		SfbClass class = sfb_plan_condition(plan, rinfo);
		double selectivity = clause_selectivity(root, (Node *) rinfo, 0, JOIN_INNER, NULL);

		if (class != SFB_LOCAL)
			plan->fetched *= selectivity;
		if (class != SFB_EXACT)
			plan->local_selectivity *= selectivity;
	}
	plan->fetched = clamp_row_est(plan->fetched);
	return plan;
}

/* ---- semi-joins -------------------------------------------------------------------------------------- */

/* The object whose ids a column without a path holds, or NULL. */
static const char *
object_of_ids(const SfbColumn *column, const SfbTableOptions *options)
{
	return is_id(column) ? options->object : column->reference_to;
}

static SfbRelPlan *
join_with_list(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outer_rel,
			   RelOptInfo *inner_rel, List *conditions)
{
	SfbRelPlan *outer = outer_rel->fdw_private;
	SfbRelPlan *inner = inner_rel->fdw_private;
	const SfbColumn *outer_column;
	const SfbColumn *inner_column;
	const char *outer_object;
	const char *inner_object;
	SfbSemijoin *semijoin;
	SfbRelPlan *plan;
	RestrictInfo *rinfo;
	Node *outer_key;
	Node *inner_key;

	if (list_length(conditions) != 1 || inner_rel->reloptkind != RELOPT_BASEREL ||
		inner->rechecked != NIL || inner->local != NIL ||
		list_length(outer->semijoins) >= MAX_SEMIJOINS)
		return NULL;
	rinfo = linitial_node(RestrictInfo, conditions);
	if (rinfo->pseudoconstant || !equal_columns(rinfo, outer, inner, &outer_key, &inner_key))
		return NULL;
	outer_column = sfb_plan_column(outer, outer_key);
	inner_column = sfb_plan_column(inner, inner_key);
	if ((outer_column->type != SFB_ID && outer_column->type != SFB_REFERENCE) ||
		(inner_column->type != SFB_ID && inner_column->type != SFB_REFERENCE) ||
		!sfb_types_agree(outer_column) || !sfb_types_agree(inner_column) ||
		!outer_column->filterable || !inner_column->filterable ||
		strchr(outer_column->field, '.') != NULL || strchr(inner_column->field, '.') != NULL)
		return NULL;

	/* Salesforce refuses ids of different objects, which need not be known of all lookups. */
	outer_object = object_of_ids(outer_column, outer->options);
	inner_object = object_of_ids(inner_column, inner->options);
	if (outer_object == NULL || inner_object == NULL ||
		pg_strcasecmp(outer_object, inner_object) != 0)
		return NULL;
	if (pg_strcasecmp(outer->options->object, inner->options->object) == 0 ||
		!has_semijoins(outer->options->object) || !has_semijoins(inner->options->object))
		return NULL;

	while (IsA(outer_key, RelabelType))
		outer_key = (Node *) ((RelabelType *) outer_key)->arg;
	semijoin = palloc(sizeof(SfbSemijoin));
	semijoin->key = (Var *) outer_key;
	semijoin->inner = inner;
	semijoin->field = inner_column->field;

	plan = join_plan_new(root, joinrel, outer);
	add_members(plan, outer, "", false);
	plan->max_const_bytes = SFB_MAX_SOQL - 1000 - sfb_select_list_bytes(plan);
	if (!add_earlier_joins(plan, outer, ""))
		return NULL;
	add_conditions(plan, outer);
	if (!add_semijoin(plan, semijoin))
		return NULL;

	/* Of the outer rows those that have a partner: core knows how many. */
	plan->tuples = outer->tuples;
	plan->local_selectivity = outer->local_selectivity;
	plan->fetched = clamp_row_est(
		Min(outer->fetched, joinrel->rows / Max(outer->local_selectivity, 1e-6)));
	return plan;
}

/* ---- paths ---------------------------------------------------------------------------------------------- */

void
sfbulkGetForeignJoinPaths(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outerrel,
						  RelOptInfo *innerrel, JoinType jointype, JoinPathExtraData *extra)
{
	Query *parse = root->parse;
	SfbRelPlan *plan = NULL;
	Path *epq_path = NULL;
	bool may_recheck;

	/* It has been found in another order of its tables already. */
	if (joinrel->fdw_private != NULL)
		return;
	if (!is_joinable(outerrel) || !is_joinable(innerrel) ||
		!bms_is_empty(joinrel->lateral_relids) || has_placeholder(root, joinrel))
		return;

	may_recheck = (parse->commandType != CMD_SELECT && parse->commandType != CMD_INSERT) ||
				  root->rowMarks != NIL;
	if (jointype == JOIN_INNER || jointype == JOIN_LEFT)
		plan =
			join_with_parent(root, joinrel, outerrel, innerrel, jointype, extra->restrictlist);
	if (plan == NULL && jointype == JOIN_INNER)
		plan =
			join_with_parent(root, joinrel, innerrel, outerrel, jointype, extra->restrictlist);
	if (jointype == JOIN_SEMI && !may_recheck)
		plan = join_with_list(root, joinrel, outerrel, innerrel, extra->restrictlist);
	if (plan == NULL && jointype == JOIN_SEMI)
		plan =
			join_with_parent(root, joinrel, outerrel, innerrel, jointype, extra->restrictlist);
	if (plan == NULL || plan->const_bytes > plan->max_const_bytes ||
		!find_needed_columns(joinrel, plan, may_recheck))
		return;

	/* Rows that were changed meanwhile are joined once more, here. */
	if (may_recheck)
	{
		epq_path = GetExistingLocalJoinPath(joinrel);
		if (epq_path == NULL)
			return;
	}

	joinrel->fdw_private = plan;
	joinrel->rows = clamp_row_est(plan->fetched * plan->local_selectivity);
	if (plan->id_rows > 0)
	{
		plan->fetched = Min(plan->fetched, plan->id_rows);
		joinrel->rows = Min(joinrel->rows, plan->id_rows);
	}
	sfb_decide_limit(joinrel, plan);
	sfb_decide_transport(joinrel, plan);
	sfb_add_paths(joinrel, plan, epq_path);
}

/* ---- plans ------------------------------------------------------------------------------------------------ */

/* Adds an expression to what the scan gives, and the one that a local join has for it; its place. */
static int
add_scan_expr(SfbScanColumns *list, SfbMember *member, const char *name, SfbType type,
			  Expr *expr, Expr *local)
{
	int place = list_length(list->tlist) + 1;
	List *description =
		list_make5(makeString(pstrdup(name)), makeInteger(type),
				   makeInteger((int) exprType((Node *) expr)),
				   makeInteger(exprTypmod((Node *) expr)), makeInteger((int) member->reloid));

	list->tlist = lappend(list->tlist, makeTargetEntry(expr, place, NULL, false));
	list->local_tlist = lappend(list->local_tlist, makeTargetEntry(local, place, NULL, false));
	list->descriptions = lappend(list->descriptions, description);
	return place;
}

/*
 * Adds a member's column to what the scan gives; its place, from 1.  Where the query names it, by the Var that it
 * uses, which from PostgreSQL 16 on says which outer joins make it null.
 */
static int
add_scan_column(SfbScanColumns *list, List *vars, SfbMember *member, AttrNumber attnum)
{
	SfbColumn *column = &member->columns[attnum - 1];
	Var *var = find_var(vars, member->relid, attnum);
	Var *row = find_var(vars, member->relid, InvalidAttrNumber);
	Node *local;
	ListCell *lc;
	int place = 0;

	foreach (lc, list->tlist)
	{
		Var *other = (Var *) lfirst_node(TargetEntry, lc)->expr;

		place++;
		if (other->varno == (int) member->relid && other->varattno == attnum)
			return place;
	}
	if (var == NULL)
		var = makeVar(member->relid, attnum, column->pgtype, column->typmod, column->collation,
					  0);
	local = (Node *) var;
	if (row != NULL)
	{
		/* Columns that make up the row, or that only conditions look at, are not there by themselves. */
		FieldSelect *select = makeNode(FieldSelect);

		select->arg = (Expr *) copyObject(row);
		select->fieldnum = attnum;
		select->resulttype = var->vartype;
		select->resulttypmod = var->vartypmod;
		select->resultcollid = var->varcollid;
		local = (Node *) select;
	}
	place = add_scan_expr(list, member, column->attname, column->type, (Expr *) var,
						  (Expr *) local);
	if (!sfb_is_write_only(column))
		sfb_select_add(&list->select, column->field, column->type, place);
	return place;
}

/* Adds a member's whole row, and the columns that it is made of. */
static void
add_whole_row(SfbScanColumns *list, List *vars, SfbMember *member)
{
	Var *var = find_var(vars, member->relid, InvalidAttrNumber);
	const char *id = psprintf("%sId", member->path);
	List *parts = NIL;
	int present = 0;
	int place;

	for (int i = 0; i < member->natts; i++)
	{
		SfbColumn *column = &member->columns[i];
		int at = 0;

		if (sfb_is_needed(member, i))
			at = add_scan_column(list, vars, member, i + 1);
		parts = lappend_int(parts, at);

		/* There is one: it was joined by it. */
		if (at > 0 && pg_strcasecmp(column->field, id) == 0)
			present = at;
	}
	place = add_scan_expr(list, member, "whole row", SFB_TEXT, (Expr *) var, (Expr *) var);
	parts = lcons_int(member->nullable ? present : 0, parts);
	list->whole_rows = lappend(list->whole_rows, lcons_int(place, parts));
}

static void
make_scan_columns(SfbRelPlan *plan, SfbScanColumns *list)
{
	ListCell *lc;

	memset(list, 0, sizeof(*list));
	foreach (lc, plan->members)
	{
		SfbMember *member = lfirst(lc);
		int attr = -1;

		while ((attr = bms_next_member(member->attrs, attr)) >= 0)
		{
			AttrNumber attnum = attr + FirstLowInvalidHeapAttributeNumber;

			if (attnum > 0)
				add_scan_column(list, plan->vars, member, attnum);
		}
		if (bms_is_member(-FirstLowInvalidHeapAttributeNumber, member->attrs))
			add_whole_row(list, plan->vars, member);
	}
	sfb_select_lists(&list->select, plan);
	/* Rows without columns still have to be counted. */
	if (list->select.fields == NIL)
		sfb_select_add(&list->select, "Id", SFB_ID, 0);
}

ForeignScan *
sfb_join_plan(SfbRelPlan *plan, List *tlist, Plan *outer_plan)
{
	List *conditions =
		list_concat_copy(plan->exact, list_concat_copy(plan->rechecked, plan->local));
	List *quals;
	List *rechecked;
	List *exact;
	List *private;
	SfbScanColumns list;

	sfb_split_conditions(plan, conditions, &quals, &rechecked, &exact);
	make_scan_columns(plan, &list);
	private = list_make5(
		sfb_soql_form(plan, list.select.fields, list.select.types, sfb_limit_form(plan)),
		list.select.attrs, list.select.copies, makeInteger(SFB_SCAN_ROWS),
		makeInteger(plan->transport));
	private = sfb_joined_private(plan, private, rechecked, exact, list.descriptions,
								 list.whole_rows, NIL);

	/* It gives rows like ours. */
	if (outer_plan != NULL)
		outer_plan = change_plan_targetlist(outer_plan, list.local_tlist, false);
	return make_foreignscan(tlist, quals, 0, plan->exprs, private, list.tlist, NIL,
							outer_plan);
}
