/*
 * plan.c
 *		Planning the scan of a foreign table: which conditions and columns are sent.  No network I/O,
 *		but for use_remote_estimate (estimate.c).  Ways, costs and orders are in plan_path.c, joins in plan_join.c, aggregates in plan_upper.c.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "planner.h"

/*
 * Rows of a table that was never analyzed.  Objects have from dozens to millions; guessing too few leads
 * to nested loops over what turns out to be large, which hurts more than a hash table too many.
 */
#define DEFAULT_TUPLES 10000

/* ---- conditions ------------------------------------------------------------------------------ */

/* How many rows a condition on the object's own Id can give; 0 when it says nothing. */
static double
rows_by_id(SfbRelPlan *plan, List *clause)
{
	SfbOp op;
	Node *value;

	if (intVal(linitial(clause)) != SFB_CLAUSE_COMPARE ||
		intVal(list_nth(clause, 3)) != SFB_ID ||
		pg_strcasecmp(strVal(list_nth(clause, 2)), "Id") != 0)
		return 0;
	op = intVal(lsecond(clause));
	if (op == SFB_OP_EQ)
		return 1;
	value = list_nth(plan->exprs, intVal(list_nth(clause, 5)));
	if (op == SFB_OP_IN && IsA(value, Const) && !((Const *) value)->constisnull)
	{
		ArrayType *array = DatumGetArrayTypeP(((Const *) value)->constvalue);

		return Max(1, ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)));
	}
	return 0;
}

SfbClass
sfb_plan_condition(SfbRelPlan *plan, RestrictInfo *rinfo)
{
	bool pushdown = plan->options->pushdown && plan->options->object != NULL;
	List *clause = NIL;
	SfbClass class = SFB_LOCAL;
	double rows;

	if (pushdown)
		class = sfb_classify(plan, rinfo->clause, &clause);
	if (class == SFB_LOCAL)
	{
		plan->local = lappend(plan->local, rinfo);
		return class;
	}
	if (class == SFB_EXACT)
		plan->exact = lappend(plan->exact, rinfo);
	else
		plan->rechecked = lappend(plan->rechecked, rinfo);
	plan->clauses =
		lappend(plan->clauses, list_make2(makeInteger(class == SFB_EXACT ? 1 : 0), clause));
	rows = rows_by_id(plan, clause);
	if (rows > 0 && (plan->id_rows == 0 || rows < plan->id_rows))
		plan->id_rows = rows;
	return class;
}

/* ---- columns ------------------------------------------------------------------------------------ */

/* The columns that the query above and the conditions checked here need. */
static void
find_needed_columns(PlannerInfo *root, RelOptInfo *baserel, Relation rel, SfbRelPlan *plan)
{
	SfbMember *member = linitial(plan->members);
	ListCell *lc;

	pull_varattnos((Node *) baserel->reltarget->exprs, baserel->relid, &member->attrs);
	sfb_trim_whole_row(root, rel, member);
	foreach (lc, list_concat_copy(plan->rechecked, plan->local))
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause, baserel->relid,
					   &member->attrs);
}

/* Neither dropped nor write-only. */
static bool
is_readable(SfbMember *member, int i)
{
	return member->columns[i].field != NULL && !sfb_is_write_only(&member->columns[i]);
}

bool
sfb_is_needed(SfbMember *member, int i)
{
	int attr = i + 1 - FirstLowInvalidHeapAttributeNumber;

	/* A whole-row reference needs them all. */
	return is_readable(member, i) &&
		   (bms_is_member(attr, member->attrs) ||
			(bms_is_member(-FirstLowInvalidHeapAttributeNumber, member->attrs) &&
			 (member->row == NULL || bms_is_member(attr, member->row))));
}

int
sfb_select_list_bytes(SfbRelPlan *plan)
{
	int bytes = 0;
	ListCell *lc;

	foreach (lc, plan->members)
	{
		SfbMember *member = lfirst(lc);

		for (int i = 0; i < member->natts; i++)
			if (is_readable(member, i))
				bytes += strlen(member->columns[i].field) + 2;
	}
	return bytes;
}

bool
sfb_is_own_id(const SfbColumn *column)
{
	return column->type == SFB_ID && pg_strcasecmp(column->field, "Id") == 0;
}

SfbMember *
sfb_plan_member(SfbRelPlan *plan, Index relid)
{
	ListCell *lc;

	foreach (lc, plan->members)
	{
		SfbMember *member = lfirst(lc);

		if (member->relid == relid)
			return member;
	}
	return NULL;
}

const SfbColumn *
sfb_plan_column(SfbRelPlan *plan, Node *expr)
{
	SfbMember *member;
	Var *var;

	/* varchar columns are compared as text */
	while (expr != NULL && IsA(expr, RelabelType) &&
		   ((RelabelType *) expr)->resulttype == TEXTOID)
		expr = (Node *) ((RelabelType *) expr)->arg;
	if (expr == NULL || !IsA(expr, Var))
		return NULL;

	var = (Var *) expr;
	member = var->varlevelsup == 0 ? sfb_plan_member(plan, var->varno) : NULL;
	if (member == NULL || var->varattno < 1 || var->varattno > member->natts)
		return NULL;
	return member->columns[var->varattno - 1].field != NULL
			   ? &member->columns[var->varattno - 1]
			   : NULL;
}

/* ---- a base relation ---------------------------------------------------------------------------------- */

void
sfbulkGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid)
{
	SfbRelPlan *plan = palloc0(sizeof(SfbRelPlan));
	SfbMember *member = palloc0(sizeof(SfbMember));
	Relation rel;
	ListCell *lc;

	baserel->fdw_private = plan;
	plan->root = root;
	plan->options = sfb_table_options(foreigntableid);
	plan->members = list_make1(member);
	plan->relids = bms_make_singleton(baserel->relid);
	plan->analyzed = baserel->tuples >= 0;
	member->relid = baserel->relid;
	member->reloid = foreigntableid;
	member->options = plan->options;
	member->path = "";

	/* The planner has locked it. */
	rel = table_open(foreigntableid, NoLock);
	member->columns = sfb_table_columns(rel);
	member->natts = RelationGetDescr(rel)->natts;

	plan->max_const_bytes = SFB_MAX_SOQL - 1000 - sfb_select_list_bytes(plan);
	foreach (lc, baserel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (rinfo->pseudoconstant)
			plan->gated = true;
		else
			sfb_plan_condition(plan, rinfo);
	}
	find_needed_columns(root, baserel, rel, plan);
	table_close(rel, NoLock);

	if (!plan->analyzed)
		baserel->tuples = DEFAULT_TUPLES;
	plan->tuples = baserel->tuples;
	set_baserel_size_estimates(root, baserel);

	plan->fetched = clamp_row_est(
		baserel->tuples *
		clauselist_selectivity(root, list_concat_copy(plan->exact, plan->rechecked),
							   baserel->relid, JOIN_INNER, NULL));
	plan->local_selectivity =
		clauselist_selectivity(root, list_concat_copy(plan->rechecked, plan->local),
							   baserel->relid, JOIN_INNER, NULL);
	sfb_remote_estimate(baserel, plan);
	if (plan->id_rows > 0)
	{
		plan->fetched = Min(plan->fetched, plan->id_rows);
		baserel->rows = Min(baserel->rows, plan->id_rows);
	}

	sfb_decide_limit(baserel, plan);
	sfb_decide_transport(baserel, plan);
}

void
sfbulkGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid)
{
	SfbRelPlan *plan = baserel->fdw_private;

	(void) root;
	(void) foreigntableid;
	sfb_add_paths(baserel, plan, NULL);
	sfb_add_lookup_paths(baserel, plan);
	sfb_add_partial_paths(baserel, plan);
}

/* ---- plans ---------------------------------------------------------------------------------------------- */

void
sfb_select_add(SfbSelectList *list, const char *field, SfbType type, AttrNumber attnum)
{
	int i;

	for (i = 0; i < list_length(list->fields); i++)
	{
		if (pg_strcasecmp(strVal(list_nth(list->fields, i)), field) == 0)
		{
			/* The text comes as the more particular of the types needs it. */
			if (list_nth_int(list->types, i) == SFB_TEXT)
				lfirst_int(list_nth_cell(list->types, i)) = type;
			list->copies = lappend_int(lappend_int(list->copies, i), attnum);
			return;
		}
	}
	list->fields = lappend(list->fields, makeString(pstrdup(field)));
	list->types = lappend_int(list->types, type);
	list->attrs = lappend_int(list->attrs, attnum);
}

void
sfb_select_lists(SfbSelectList *list, SfbRelPlan *plan)
{
	ListCell *lc;

	foreach (lc, plan->list_fields)
	{
		const SfbColumn *column = lfirst(lc);
		bool found = false;
		ListCell *lf;

		foreach (lf, list->fields)
			found = found || pg_strcasecmp(strVal(lfirst(lf)), column->field) == 0;
		if (!found)
			sfb_select_add(list, column->field, column->type, 0);
	}
}

static void
make_select_list(SfbRelPlan *plan, SfbSelectList *list)
{
	SfbMember *member = linitial(plan->members);
	int i;

	memset(list, 0, sizeof(*list));
	for (i = 0; i < member->natts; i++)
		if (sfb_is_needed(member, i))
			sfb_select_add(list, member->columns[i].field, member->columns[i].type, i + 1);
	sfb_select_lists(list, plan);
	if (list->fields != NIL)
		return;

	/* Rows without columns still have to be counted: by what each of them has. */
	if (plan->options->query == NULL)
	{
		sfb_select_add(list, "Id", SFB_ID, 0);
		return;
	}
	for (i = 0; i < member->natts; i++)
	{
		if (is_readable(member, i))
		{
			sfb_select_add(list, member->columns[i].field, member->columns[i].type, 0);
			return;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_ERROR),
			 errmsg("a foreign table with the option \"query\" needs at least one column")));
}

List *
sfb_soql_form(SfbRelPlan *plan, List *fields, List *types, List *limit)
{
	SfbTableOptions *options = plan->options;
	List *form;

	form = list_make5(options->object ? makeString(options->object) : NULL,
					  options->query ? makeString(options->query) : NULL, fields, types,
					  plan->clauses);
	form = lappend(lappend(form, plan->types), limit);
	form = lappend(lappend(lappend(form, NIL), NIL), NIL);
	return lappend(form, plan->order);
}

List *
sfb_limit_form(SfbRelPlan *plan)
{
	int count;
	int offset = -1;

	if (!plan->limited)
		return NIL;
	count = sfb_add_operand(plan, (Expr *) plan->limit_count, INT8OID);
	if (plan->limit_offset != NULL)
		offset = sfb_add_operand(plan, (Expr *) plan->limit_offset, INT8OID);
	return list_make3_int(count, offset, plan->limit_max);
}

void
sfb_split_conditions(SfbRelPlan *plan, List *conditions, List **quals, List **rechecked,
					 List **exact)
{
	ListCell *lc;

	*quals = *rechecked = *exact = NIL;
	foreach (lc, conditions)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (rinfo->pseudoconstant)
			continue;
		if (list_member_ptr(plan->exact, rinfo))
		{
			*exact = lappend(*exact, rinfo->clause);
			continue;
		}
		if (list_member_ptr(plan->rechecked, rinfo))
			*rechecked = lappend_int(*rechecked, list_length(*quals));
		*quals = lappend(*quals, rinfo->clause);
	}
}

List *
sfb_joined_private(SfbRelPlan *plan, List *private, List *rechecked, List *exact,
				   List *descriptions, List *whole_rows, List *groups)
{
	SfbMember *asked = linitial(plan->members);
	/* Without the outer joins that are among the relids from PostgreSQL 16 on. */
	int lowest =
		bms_next_member(bms_intersect(plan->relids, sfb_query_baserels(plan->root)), -1);

	exact = list_concat(exact, sfb_semijoin_conditions(plan));
	private = lappend(private, list_make4(makeString(pstrdup(plan->why)), rechecked, exact,
										  makeInteger(lowest)));
	private = lappend(lappend(lappend(private, descriptions), whole_rows), groups);
	return lappend(private, makeInteger((int) asked->relid - lowest));
}

ForeignScan *
sfbulkGetForeignPlan(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid,
					 ForeignPath *best_path, List *tlist, List *scan_clauses, Plan *outer_plan)
{
	SfbRelPlan *plan = sfb_path_plan(best_path);
	List *quals;
	List *exact;
	List *rechecked;
	List *private;
	SfbSelectList list;

	(void) root;
	(void) foreigntableid;
	if (IS_UPPER_REL(baserel))
		return sfb_upper_plan(best_path, tlist, outer_plan);
	if (IS_JOIN_REL(baserel))
		return sfb_join_plan(plan, tlist, outer_plan);

	/* In the order of scan_clauses, which takes care of cost and of what a security barrier demands. */
	sfb_split_conditions(plan, scan_clauses, &quals, &rechecked, &exact);
	make_select_list(plan, &list);
	private = list_make5(sfb_soql_form(plan, list.fields, list.types, sfb_limit_form(plan)),
						 list.attrs, list.copies, makeInteger(SFB_SCAN_ROWS),
						 makeInteger(plan->transport));
	private = lappend(
		private, list_make4(makeString(pstrdup(plan->why)), rechecked, NIL, makeInteger(0)));
	private = lappend(lappend(lappend(private, NIL), NIL), NIL);
	private = lappend(private, makeInteger(0));

	return make_foreignscan(tlist, quals, baserel->relid, plan->exprs, private, NIL, exact,
							outer_plan);
}
