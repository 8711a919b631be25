/*
 * plan.c
 *		Planning the scan of a foreign table: which conditions and columns are sent, by which way the
 *		rows come, and what that costs.  No network I/O.  count(*) is in count.c.
 */
#include "postgres.h"

#include <math.h>

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

/* A bulk job costs about as much as so many single requests: creating, polling, deleting it. */
#define JOB_REQUESTS 20

/* Rows of a REST answer page. */
#define REST_PAGE_ROWS 2000

/* With a LIMIT, REST is worth as many pages as this before a job would be better. */
#define LIMIT_PAGES 20

/* Statistics are stale and selectivities guesses: so much above the limit is known to be large. */
#define SURELY_LARGE 2

/* Bytes of constants in a query that certainly fits into a URI, every byte encoded (4.1 URI length). */
#define URI_CONST_BYTES 3000

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

static void
classify_conditions(RelOptInfo *baserel, SfbRelPlan *plan)
{
	bool pushdown = plan->options->pushdown && plan->options->object != NULL;
	ListCell *lc;

	foreach (lc, baserel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		List *clause = NIL;
		SfbClass class = SFB_LOCAL;
		double rows;

		if (rinfo->pseudoconstant)
		{
			plan->gated = true;
			continue;
		}
		if (pushdown)
			class = sfb_classify(plan, rinfo->clause, &clause);
		if (class == SFB_LOCAL)
		{
			plan->local = lappend(plan->local, rinfo);
			continue;
		}
		if (class == SFB_EXACT)
			plan->exact = lappend(plan->exact, rinfo);
		else
			plan->rechecked = lappend(plan->rechecked, rinfo);
		plan->clauses = lappend(plan->clauses,
								list_make2(makeInteger(class == SFB_EXACT ? 1 : 0), clause));
		rows = rows_by_id(plan, clause);
		if (rows > 0 && (plan->id_rows == 0 || rows < plan->id_rows))
			plan->id_rows = rows;
	}
}

/* ---- columns ------------------------------------------------------------------------------------ */

/* The columns that the query above and the conditions checked here need. */
static void
find_needed_columns(PlannerInfo *root, RelOptInfo *baserel, Relation rel, SfbRelPlan *plan)
{
	ListCell *lc;

	pull_varattnos((Node *) baserel->reltarget->exprs, baserel->relid, &plan->attrs);
	sfb_trim_whole_row(root, rel, plan);
	foreach (lc, plan->rechecked)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause, baserel->relid,
					   &plan->attrs);
	foreach (lc, plan->local)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause, baserel->relid,
					   &plan->attrs);
}

/* Neither dropped nor write-only. */
static bool
is_readable(SfbRelPlan *plan, int i)
{
	return plan->columns[i].field != NULL && !sfb_is_write_only(&plan->columns[i]);
}

static bool
is_needed(SfbRelPlan *plan, int i)
{
	/* A whole-row reference needs them all. */
	return is_readable(plan, i) &&
		   (bms_is_member(-FirstLowInvalidHeapAttributeNumber, plan->attrs) ||
			bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, plan->attrs));
}

/* Bytes that the SELECT list of all columns takes. */
static int
select_list_bytes(SfbRelPlan *plan)
{
	int bytes = 0;
	int i;

	for (i = 0; i < plan->natts; i++)
		if (is_readable(plan, i))
			bytes += strlen(plan->columns[i].field) + 2;
	return bytes;
}

/* ---- LIMIT ---------------------------------------------------------------------------------------- */

/*
 * Is this relation all that the LIMIT of its query level is about, so that each of its rows that passes
 * the conditions is one row for the LIMIT?  Of a partitioned table each partition may stop there too.
 */
static bool
limit_is_ours(PlannerInfo *root, RelOptInfo *baserel)
{
	Query *parse = root->parse;
	Relids relids = baserel->top_parent_relids ? baserel->top_parent_relids : baserel->relids;

	return parse->commandType == CMD_SELECT && parse->limitCount != NULL &&
		   parse->limitOption == LIMIT_OPTION_COUNT && !parse->hasAggs &&
		   !parse->hasWindowFuncs && !parse->hasTargetSRFs && parse->groupClause == NIL &&
		   parse->groupingSets == NIL && parse->havingQual == NULL &&
		   parse->distinctClause == NIL && parse->sortClause == NIL &&
		   parse->rowMarks == NIL && root->rowMarks == NIL && parse->setOperations == NULL &&
		   IS_SIMPLE_REL(baserel) && bms_equal(relids, sfb_query_baserels(root));
}

/* Whether to send the LIMIT, and how large a sum of count and offset is worth sending. */
static void
decide_limit(PlannerInfo *root, RelOptInfo *baserel, SfbRelPlan *plan)
{
	Query *parse = root->parse;
	double known = root->limit_tuples; /* -1 when not known now */
	int rest_limit = plan->options->rest_row_limit;

	if (!plan->options->pushdown || plan->options->query != NULL || plan->rechecked != NIL ||
		plan->local != NIL || !limit_is_ours(root, baserel))
		return;
	if (!sfb_is_operand(parse->limitCount) ||
		(parse->limitOffset != NULL && !sfb_is_operand(parse->limitOffset)))
		return;

	/*
	 * A job with a LIMIT cannot be split up over there.  So a large LIMIT is left to us, and where auto
	 * decides later, one is sent only if its rows surely come by REST.
	 */
	plan->limit_max = (known > 0) ? rest_limit * LIMIT_PAGES : rest_limit;
	if (known > plan->limit_max)
		return;
	plan->limited = true;
	plan->limit_count = parse->limitCount;
	plan->limit_offset = parse->limitOffset;
	if (known > 0)
		plan->fetched = Min(plan->fetched, known);
}

/* ---- transport -------------------------------------------------------------------------------------- */

const char *
sfb_transport_name(sf_transport transport)
{
	switch (transport)
	{
		case SF_TRANSPORT_REST:
			return "REST";
		case SF_TRANSPORT_BULK:
			return "bulk";
		default:
			return "auto";
	}
}

/* A needed column that bulk query jobs do not give, or NULL. */
static const SfbColumn *
column_without_bulk(SfbRelPlan *plan)
{
	int i;

	for (i = 0; i < plan->natts; i++)
		if (is_needed(plan, i) &&
			(plan->columns[i].type == SFB_COMPOUND || plan->columns[i].type == SFB_BASE64))
			return &plan->columns[i];
	return NULL;
}

/* Decides how the rows come, and says why. */
static void
decide_transport(PlannerInfo *root, RelOptInfo *baserel, SfbRelPlan *plan, bool analyzed,
				 double local_selectivity)
{
	const SfbColumn *column = column_without_bulk(plan);
	int rest_limit = plan->options->rest_row_limit;
	double limit = limit_is_ours(root, baserel) ? root->limit_tuples : -1;
	bool short_text = plan->const_bytes + select_list_bytes(plan) < URI_CONST_BYTES;

	plan->transport = plan->options->transport;
	if (column != NULL)
	{
		plan->transport = SF_TRANSPORT_REST;
		plan->why = psprintf("column \"%s\" comes by REST only", column->attname);
	}
	else if (plan->options->query != NULL && plan->transport == SF_TRANSPORT_AUTO &&
			 sfb_query_needs_rest(plan->options->query))
	{
		plan->transport = SF_TRANSPORT_REST;
		plan->why = "the query has what bulk jobs do not take";
	}
	else if (plan->transport != SF_TRANSPORT_AUTO)
		plan->why = "as the option says";
	else if (plan->limited && limit > rest_limit && short_text)
	{
		plan->transport = SF_TRANSPORT_REST;
		plan->why = "LIMIT is sent";
	}
	else if (!plan->limited && limit > 0 && short_text &&
			 limit / Max(local_selectivity, 1e-6) <= (double) LIMIT_PAGES * REST_PAGE_ROWS)
	{
		/* The executor stops reading early: a page or some, rather than a job for everything. */
		plan->transport = SF_TRANSPORT_REST;
		plan->why = "LIMIT stops the scan early";
	}
	else if (analyzed && !plan->limited && plan->id_rows == 0 &&
			 plan->fetched > (double) SURELY_LARGE * rest_limit)
	{
		plan->transport = SF_TRANSPORT_BULK;
		plan->why = psprintf("statistics say about %.0f rows", plan->fetched);
	}
	else
		plan->why = psprintf("bulk above %d rows", rest_limit);
}

/* ---- sizes and paths ---------------------------------------------------------------------------------- */

void
sfbulkGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid)
{
	SfbRelPlan *plan = palloc0(sizeof(SfbRelPlan));
	bool analyzed = baserel->tuples > 0;
	double local_selectivity;
	Relation rel;

	baserel->fdw_private = plan;
	plan->options = sfb_table_options(foreigntableid);
	plan->relid = baserel->relid;

	/* The planner has locked it. */
	rel = table_open(foreigntableid, NoLock);
	plan->columns = sfb_table_columns(rel);
	plan->natts = RelationGetDescr(rel)->natts;

	plan->max_const_bytes = SFB_MAX_SOQL - 1000 - select_list_bytes(plan);
	classify_conditions(baserel, plan);
	find_needed_columns(root, baserel, rel, plan);
	table_close(rel, NoLock);

	if (!analyzed)
		baserel->tuples = DEFAULT_TUPLES;
	set_baserel_size_estimates(root, baserel);

	plan->fetched = clamp_row_est(
		baserel->tuples *
		clauselist_selectivity(root, list_concat_copy(plan->exact, plan->rechecked),
							   baserel->relid, JOIN_INNER, NULL));
	local_selectivity =
		clauselist_selectivity(root, list_concat_copy(plan->rechecked, plan->local),
							   baserel->relid, JOIN_INNER, NULL);
	if (plan->id_rows > 0)
	{
		plan->fetched = Min(plan->fetched, plan->id_rows);
		baserel->rows = Min(baserel->rows, plan->id_rows);
	}

	decide_limit(root, baserel, plan);
	decide_transport(root, baserel, plan, analyzed, local_selectivity);
}

/*
 * What the rows cost: some waiting before the first (requests, or a job), then each row's way over the
 * wire and through the conditions that are checked here.  The unit is PostgreSQL's, a page read in
 * sequence; a request takes about as long as a thousand of them.
 */
static void
cost_scan(RelOptInfo *baserel, SfbRelPlan *plan, Cost *startup, Cost *total)
{
	double request = plan->options->fdw_startup_cost;
	bool bulk = (plan->transport == SF_TRANSPORT_BULK ||
				 (plan->transport == SF_TRANSPORT_AUTO &&
				  plan->fetched > plan->options->rest_row_limit));
	Cost per_row = plan->options->fdw_tuple_cost + cpu_tuple_cost;

	*startup = (bulk ? JOB_REQUESTS * request : request) + baserel->baserestrictcost.startup +
			   baserel->reltarget->cost.startup;
	per_row += baserel->baserestrictcost.per_tuple;
	*total = *startup + plan->fetched * per_row +
			 baserel->rows * baserel->reltarget->cost.per_tuple;
	if (!bulk)
		*total += floor(plan->fetched / REST_PAGE_ROWS) * request;
}

void
sfbulkGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid)
{
	SfbRelPlan *plan = baserel->fdw_private;
	double rows = baserel->rows;
	Cost startup;
	Cost total;

	(void) foreigntableid;
	if (plan->limited)
		rows = Min(rows, plan->fetched);
	cost_scan(baserel, plan, &startup, &total);

	/*
	 * One path: a scan per outer row would be a request or a job per outer row, so there are no
	 * parameterized ones but for what a LATERAL reference forces.
	 */
	add_path(baserel, (Path *) sfb_foreignscan_path(root, baserel, rows, startup, total,
													baserel->lateral_relids, NIL));
}

/* ---- plans ---------------------------------------------------------------------------------------------- */

/* Lists that describe the SELECT list. */
typedef struct SelectList
{
	List *fields; /* of String */
	List *types;  /* IntList */
	List *attrs;  /* IntList, as at SfbScanPrivateAttrs */
	List *copies; /* IntList, as at SfbScanPrivateCopies */
} SelectList;

static void
add_field(SelectList *list, const char *field, SfbType type, AttrNumber attnum)
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

static void
make_select_list(SfbRelPlan *plan, SelectList *list)
{
	int i;

	memset(list, 0, sizeof(*list));
	for (i = 0; i < plan->natts; i++)
		if (is_needed(plan, i))
			add_field(list, plan->columns[i].field, plan->columns[i].type, i + 1);
	if (list->fields != NIL)
		return;

	/* Rows without columns still have to be counted: by what each of them has. */
	if (plan->options->query == NULL)
	{
		add_field(list, "Id", SFB_ID, 0);
		return;
	}
	for (i = 0; i < plan->natts; i++)
	{
		if (is_readable(plan, i))
		{
			add_field(list, plan->columns[i].field, plan->columns[i].type, 0);
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
	return lappend(lappend(form, plan->types), limit);
}

ForeignScan *
sfbulkGetForeignPlan(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid,
					 ForeignPath *best_path, List *tlist, List *scan_clauses, Plan *outer_plan)
{
	SfbRelPlan *plan = baserel->fdw_private;
	List *quals = NIL;
	List *exact_quals = NIL;
	List *rechecked = NIL; /* their indexes in quals */
	List *limit = NIL;
	List *private;
	SelectList list;
	ListCell *lc;

	(void) root;
	(void) foreigntableid;
	if (IS_UPPER_REL(baserel))
		return sfb_count_plan(best_path, tlist);

	/* In this order, which takes care of cost and of what a security barrier demands. */
	foreach (lc, scan_clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (rinfo->pseudoconstant)
			continue;
		if (list_member_ptr(plan->exact, rinfo))
		{
			exact_quals = lappend(exact_quals, rinfo->clause);
			continue;
		}
		if (list_member_ptr(plan->rechecked, rinfo))
			rechecked = lappend_int(rechecked, list_length(quals));
		quals = lappend(quals, rinfo->clause);
	}

	make_select_list(plan, &list);
	if (plan->limited)
	{
		int count = sfb_add_operand(plan, (Expr *) plan->limit_count, INT8OID);
		int offset = plan->limit_offset
						 ? sfb_add_operand(plan, (Expr *) plan->limit_offset, INT8OID)
						 : -1;

		limit = list_make3_int(count, offset, plan->limit_max);
	}

	private =
		list_make5(sfb_soql_form(plan, list.fields, list.types, limit), list.attrs,
				   list.copies, makeInteger(SFB_SCAN_ROWS), makeInteger(plan->transport));
	private = lappend(private, list_make2(makeString(pstrdup(plan->why)), rechecked));

	return make_foreignscan(tlist, quals, baserel->relid, plan->exprs, private, NIL,
							exact_quals, outer_plan);
}
