/*
 * plan_path.c
 *		How a relation's rows come: with LIMIT or without, by which way, in what order, at what cost.
 */
#include "postgres.h"

#include <math.h>

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"

#include "compat.h"
#include "planner.h"

/* Rows of a REST answer page. */
#define REST_PAGE_ROWS 2000

/* With a LIMIT or an order, REST is worth as many pages as this before a job would be better. */
#define LIMIT_PAGES 20

/* A row of so many bytes has cost twice what an empty one does. */
#define WIDE_ROW 400.0

/* Statistics are stale and selectivities guesses: so much above the limit is known to be large. */
#define SURELY_LARGE 2

/* Bytes of constants in a query that certainly fits into a URI, every byte encoded (4.1 URI length). */
#define URI_CONST_BYTES 3000

/* ---- LIMIT ---------------------------------------------------------------------------------------- */

/*
 * Is this relation all that the LIMIT of its query level is about, so that each of its rows that passes
 * the conditions is one row for the LIMIT?  Of a partitioned table each partition may stop there too.
 */
static bool
limit_is_ours(RelOptInfo *rel, SfbRelPlan *plan)
{
	PlannerInfo *root = plan->root;
	Query *parse = root->parse;
	Relids relids = rel->top_parent_relids ? rel->top_parent_relids : rel->relids;
	Relids all = sfb_query_baserels(root);

	return parse->commandType == CMD_SELECT && parse->limitCount != NULL &&
		   parse->limitOption == LIMIT_OPTION_COUNT && !parse->hasAggs &&
		   !parse->hasWindowFuncs && !parse->hasTargetSRFs && parse->groupClause == NIL &&
		   parse->groupingSets == NIL && parse->havingQual == NULL &&
		   parse->distinctClause == NIL && (parse->sortClause == NIL || plan->order != NIL) &&
		   parse->rowMarks == NIL && root->rowMarks == NIL && parse->setOperations == NULL &&
		   bms_is_subset(all, relids);
}

/* Whether to send the LIMIT, and how large a sum of count and offset is worth sending. */
void
sfb_decide_limit(RelOptInfo *rel, SfbRelPlan *plan)
{
	PlannerInfo *root = plan->root;
	Query *parse = root->parse;
	double known = root->limit_tuples; /* -1 when not known now */
	int rest_limit = plan->options->rest_row_limit;

	if (!plan->options->pushdown || plan->options->query != NULL || plan->rechecked != NIL ||
		plan->local != NIL || !limit_is_ours(rel, plan))
		return;
	if (!sfb_is_operand(plan, parse->limitCount) ||
		(parse->limitOffset != NULL && !sfb_is_operand(plan, parse->limitOffset)))
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
	ListCell *lc;

	foreach (lc, plan->members)
	{
		SfbMember *member = lfirst(lc);

		for (int i = 0; i < member->natts; i++)
			if (sfb_is_needed(member, i) && (member->columns[i].type == SFB_COMPOUND ||
											 member->columns[i].type == SFB_BASE64))
				return &member->columns[i];
	}
	return NULL;
}

/* With so many rows wanted (0 or less: nobody says), does the executor stop after a few pages? */
static bool
stops_early(SfbRelPlan *plan, double limit)
{
	return limit > 0 &&
		   limit / Max(plan->local_selectivity, 1e-6) <= (double) LIMIT_PAGES * REST_PAGE_ROWS;
}

/* Decides how the rows come, and says why. */
void
sfb_decide_transport(RelOptInfo *rel, SfbRelPlan *plan)
{
	const SfbColumn *column = column_without_bulk(plan);
	int rest_limit = plan->options->rest_row_limit;
	double limit = limit_is_ours(rel, plan) ? plan->root->limit_tuples : -1;
	bool short_text = plan->const_bytes + sfb_select_list_bytes(plan) < URI_CONST_BYTES;

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
	else if (!plan->limited && short_text && stops_early(plan, limit))
	{
		/* The executor stops reading early: a page or some, rather than a job for everything. */
		plan->transport = SF_TRANSPORT_REST;
		plan->why = "LIMIT stops the scan early";
	}
	else if (plan->analyzed && !plan->limited && plan->id_rows == 0 &&
			 plan->fetched > (double) SURELY_LARGE * rest_limit)
	{
		plan->transport = SF_TRANSPORT_BULK;
		plan->why =
			psprintf("%s about %.0f rows",
					 plan->estimated ? "Salesforce expects" : "statistics say", plan->fetched);
	}
	else
		plan->why = psprintf("bulk above %d rows", rest_limit);
}

/* ---- costs -------------------------------------------------------------------------------------------- */

Cost
sfb_cost_transfer(RelOptInfo *rel, SfbRelPlan *plan)
{
	return plan->fetched * plan->options->fdw_tuple_cost *
		   (1 + rel->reltarget->width / WIDE_ROW);
}

/*
 * Some waiting before the first row (requests, or a job), then each row's way over the wire and through
 * the conditions that are checked here.  The unit is PostgreSQL's, a page read in sequence; a request
 * takes about as long as a thousand of them.  Rows cost by their width, too: a join over there sends a
 * parent's columns once for each child, which is not worth it for many wide ones.
 */
void
sfb_cost_scan(RelOptInfo *rel, SfbRelPlan *plan, Cost *startup, Cost *total)
{
	double request = plan->options->fdw_startup_cost;
	bool bulk = (plan->transport == SF_TRANSPORT_BULK ||
				 (plan->transport == SF_TRANSPORT_AUTO &&
				  plan->fetched > plan->options->rest_row_limit));
	QualCost quals;

	cost_qual_eval(&quals, list_concat_copy(plan->rechecked, plan->local), plan->root);
	*startup = (bulk ? SFB_JOB_REQUESTS * request : request) + quals.startup +
			   rel->reltarget->cost.startup;
	*total = *startup + sfb_cost_transfer(rel, plan) +
			 plan->fetched * (cpu_tuple_cost + quals.per_tuple) +
			 rel->rows * rel->reltarget->cost.per_tuple;
	if (!bulk)
		*total += floor(plan->fetched / REST_PAGE_ROWS) * request;
}

/* ---- order -------------------------------------------------------------------------------------------- */

/*
 * Does Salesforce sort the column as PostgreSQL does?  Numbers and points in time; not text, which has
 * another collation there, and not a parent's field, where it does not keep NULLS LAST (6.6 of the facts
 * about SOQL).
 */
static bool
sorts_alike(const SfbColumn *column)
{
	if (column == NULL || !column->sortable || strchr(column->field, '.') != NULL ||
		column->pgtype == TIMESTAMPOID || !sfb_types_agree(column))
		return false;
	switch (column->type)
	{
		case SFB_INT:
		case SFB_LONG:
		case SFB_DOUBLE:
		case SFB_CURRENCY:
		case SFB_PERCENT:
		case SFB_DATE:
		case SFB_DATETIME:
			return true;
		default:
			return false;
	}
}

/* ORDER BY for the pathkeys, as at SfbSoqlOrder; NIL when Salesforce has no such order. */
static List *
order_of(RelOptInfo *rel, SfbRelPlan *plan, List *pathkeys)
{
	List *result = NIL;
	ListCell *lc;

	foreach (lc, pathkeys)
	{
		PathKey *pathkey = lfirst_node(PathKey, lc);
		const SfbColumn *column = NULL;
		ListCell *lm;

		if (pathkey->pk_eclass->ec_has_volatile)
			return NIL;
		foreach (lm, pathkey->pk_eclass->ec_members)
		{
			EquivalenceMember *em = lfirst(lm);

			if (bms_is_empty(em->em_relids) || !bms_is_subset(em->em_relids, rel->relids))
				continue;
			column = sfb_plan_column(plan, (Node *) em->em_expr);
			if (sorts_alike(column))
				break;
			column = NULL;
		}
		if (column == NULL || !sfb_is_sort_family(pathkey->pk_opfamily))
			return NIL;
		result =
			lappend(result, makeString(psprintf("%s %s NULLS %s", column->field,
												sfb_pathkey_descends(pathkey) ? "DESC" : "ASC",
												pathkey->pk_nulls_first ? "FIRST" : "LAST")));
	}
	return result;
}

/*
 * Pages of a job come in no order, and a job with ORDER BY is not split up over there: in order, rows come
 * by REST.  That is for few rows, or for an executor that stops reading early; for many, or nobody knows how
 * many, a job and a sort of our own are better.
 */
static bool
is_worth_sorting(SfbRelPlan *plan)
{
	double limit = plan->root->limit_tuples;

	if (plan->const_bytes + sfb_select_list_bytes(plan) >= URI_CONST_BYTES)
		return false;
	if (plan->limited || plan->options->transport == SF_TRANSPORT_REST)
		return true;
	if (limit > 0)
		return stops_early(plan, limit);
	return plan->analyzed && plan->fetched <= plan->options->rest_row_limit;
}

/* ---- paths -------------------------------------------------------------------------------------------- */

static void
add_plan_path(RelOptInfo *rel, SfbRelPlan *plan, List *pathkeys, Relids outer, double rows,
			  Path *epq_path)
{
	Cost startup;
	Cost total;
	ForeignPath *path;

	sfb_cost_scan(rel, plan, &startup, &total);
	if (IS_JOIN_REL(rel))
		path = sfb_foreign_join_path(plan->root, rel, rows, startup, total, pathkeys, epq_path,
									 list_make1(plan));
	else
		path = sfb_foreignscan_path(plan->root, rel, rows, startup, total, pathkeys, outer,
									list_make1(plan));

	/* Each worker would send a request, or run a job, of its own for all rows. */
	path->path.parallel_safe = false;
	add_path(rel, (Path *) path);
}

void
sfb_add_paths(RelOptInfo *rel, SfbRelPlan *plan, Path *epq_path)
{
	PlannerInfo *root = plan->root;
	Relids outer = IS_JOIN_REL(rel) ? NULL : rel->lateral_relids;
	SfbRelPlan *ordered;

	/* A path that does not know the LIMIT's order must not send it. */
	add_plan_path(rel, plan, NIL, outer,
				  plan->limited ? Min(rel->rows, plan->fetched) : rel->rows, epq_path);

	if (root->query_pathkeys == NIL || !plan->options->pushdown ||
		plan->options->query != NULL || plan->options->transport == SF_TRANSPORT_BULK ||
		plan->may_be_cut)
		return;
	ordered = palloc(sizeof(SfbRelPlan));
	*ordered = *plan;
	ordered->exprs = list_copy(plan->exprs);
	ordered->types = list_copy(plan->types);
	ordered->order = order_of(rel, plan, root->query_pathkeys);
	if (ordered->order == NIL)
		return;

	sfb_decide_limit(rel, ordered);
	if (!is_worth_sorting(ordered))
		return;
	ordered->transport = SF_TRANSPORT_REST;
	ordered->why = ordered->limited ? "sorted, and LIMIT is sent" : "sorted by Salesforce";
	add_plan_path(rel, ordered, root->query_pathkeys, outer,
				  ordered->limited ? Min(rel->rows, ordered->fetched) : rel->rows, epq_path);
}

/* ---- lookups ------------------------------------------------------------------------------------------ */

/* Is the member of an equivalence class the relation's own Id? arg is the plan. */
static bool
is_own_id(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em,
		  void *arg)
{
	const SfbColumn *column = sfb_plan_column(arg, (Node *) em->em_expr);

	(void) root;
	(void) rel;
	(void) ec;
	return column != NULL && sfb_is_own_id(column);
}

/* A path that looks up the Id which the relations in outer give, unless no condition does. */
static void
add_lookup_path(RelOptInfo *rel, SfbRelPlan *plan, Relids outer)
{
	ParamPathInfo *info = get_baserel_parampathinfo(plan->root, rel, outer);
	SfbRelPlan *lookup = palloc(sizeof(SfbRelPlan));
	ListCell *lc;

	*lookup = *plan;
	lookup->outer = outer;
	lookup->exact = list_copy(plan->exact);
	lookup->rechecked = list_copy(plan->rechecked);
	lookup->local = list_copy(plan->local);
	lookup->clauses = list_copy(plan->clauses);
	lookup->exprs = list_copy(plan->exprs);
	lookup->types = list_copy(plan->types);
	lookup->list_fields = list_copy(plan->list_fields);
	lookup->id_rows = 0;
	lookup->limited = false;
	foreach (lc, info->ppi_clauses)
		sfb_plan_condition(lookup, lfirst_node(RestrictInfo, lc));
	if (lookup->id_rows != 1)
		return;
	lookup->fetched = 1;
	lookup->transport = SF_TRANSPORT_REST;
	lookup->why = "a lookup by Id for each row";
	add_plan_path(rel, lookup, NIL, outer, 1, NULL);
}

/*
 * A request for each outer row is worth it where they are few, which the costs tell.  Only by Id, which
 * gives one row at most: anything else might be a job for each row.
 */
void
sfb_add_lookup_paths(RelOptInfo *rel, SfbRelPlan *plan)
{
	PlannerInfo *root = plan->root;
	List *clauses = NIL;
	List *tried = NIL; /* of Relids */
	ListCell *lc;

	if (!plan->options->pushdown || plan->options->object == NULL ||
		plan->options->transport == SF_TRANSPORT_BULK || plan->id_rows > 0)
		return;
	foreach (lc, rel->joininfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (join_clause_is_movable_to(rinfo, rel))
			clauses = lappend(clauses, rinfo);
	}
	if (rel->has_eclass_joins)
		clauses =
			list_concat(clauses, generate_implied_equalities_for_column(
									 root, rel, is_own_id, plan, rel->lateral_referencers));

	foreach (lc, clauses)
	{
		Relids outer =
			bms_union(lfirst_node(RestrictInfo, lc)->clause_relids, rel->lateral_relids);
		bool known = false;
		ListCell *lt;

		outer = bms_del_members(outer, rel->relids);
		if (bms_is_empty(outer))
			continue;
		foreach (lt, tried)
			known = known || bms_equal(lfirst(lt), outer);
		if (known)
			continue;
		tried = lappend(tried, outer);
		add_lookup_path(rel, plan, outer);
	}
}
