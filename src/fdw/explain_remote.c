/*
 * explain_remote.c
 *		What EXPLAIN says with sfbulk_fdw.explain_remote: Salesforce's own estimate of a scan, what the scan
 *		will cost in API calls and jobs, and how many of them are left today.
 *
 * It is asked for when EXPLAIN prints the scan, two calls for each.  The query is that of the scan, without
 * conditions on values that only a running plan has.
 */
#include "postgres.h"

#include <math.h>

#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "ask.h"
#include "governor.h"
#include "lists.h"
#include "planner.h"
#include "scan.h"

/* Rows of a REST answer page. */
#define REST_PAGE_ROWS 2000
#define REST_PAGE_MIN  200

/* A job's page, when Salesforce chooses: wide rows make smaller ones. */
#define BULK_PAGE_ROWS 50000

/* Page links in an answer (Bulk API 2.0 guide, resultPages). */
#define PAGES_PER_LIST 5

/* Looks at a job that takes ten seconds. */
#define JOB_POLLS 7

/* ---- the question ------------------------------------------------------------------------------ */

/* Does an expression need what only a running plan has, or a parameter without a value? */
static bool
has_no_value(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubPlan))
		return true;
	if (IsA(node, Param))
	{
		ParamListInfo params = ((EState *) context)->es_param_list_info;

		return ((Param *) node)->paramkind != PARAM_EXTERN || params == NULL ||
			   ((Param *) node)->paramid > params->numParams;
	}
	return expression_tree_walker(node, has_no_value, context);
}

/* The scan's operands as far as they have values without running it; NULL for the others. */
static List *
operand_values(ForeignScanState *node)
{
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	List *result = NIL;
	ListCell *lc;

	foreach (lc, castNode(ForeignScan, node->ss.ps.plan)->fdw_exprs)
	{
		Expr *expr = lfirst(lc);
		Const *value = NULL;

		if (!has_no_value((Node *) expr, node->ss.ps.state))
		{
			Oid type = exprType((Node *) expr);
			int16 typlen;
			bool typbyval;
			bool isnull;
			Datum datum = ExecEvalExpr(ExecInitExpr(expr, &node->ss.ps), econtext, &isnull);

			get_typlenbyval(type, &typlen, &typbyval);
			value = makeConst(type, -1, exprCollation((Node *) expr), typlen, datum, isnull,
							  typbyval);
		}
		result = lappend(result, value);
	}
	return result;
}

/*
 * How many queries the scan sends, and by which way: several where a list is long.  One, if not all operands
 * are known.
 */
static int
count_queries(List *soql, List *operands, sf_transport *transport)
{
	int n = list_length(operands);
	Datum *values = palloc0(sizeof(Datum) * Max(n, 1));
	bool *nulls = palloc0(sizeof(bool) * Max(n, 1));
	SfbRequest *request;

	for (int i = 0; i < n; i++)
	{
		Const *value = list_nth(operands, i);

		if (value == NULL)
			return 1;
		values[i] = value->constvalue;
		nulls[i] = value->constisnull;
	}
	request = sfb_request_new(soql, *transport, n, values, nulls);
	*transport = request->transport;
	return request->count;
}

/* ---- what it will cost ----------------------------------------------------------------------------- */

/* API calls of one query, as EXPLAIN ANALYZE counts them (without the deletion of a job), and jobs. */
static void
estimate_costs(const SfbTableOptions *options, SfbScanKind kind, sf_transport transport,
			   double rows, double *calls, int *jobs)
{
	int page = options->page_rows > 0
				   ? Max(Min(options->page_rows, REST_PAGE_ROWS), REST_PAGE_MIN)
				   : REST_PAGE_ROWS;
	double pages;

	*jobs = 0;
	*calls = 1;
	if (kind != SFB_SCAN_ROWS)
		return;
	*calls = Max(ceil(rows / page), 1);
	if (transport == SF_TRANSPORT_REST ||
		(transport == SF_TRANSPORT_AUTO && rows <= options->rest_row_limit))
		return;

	*jobs = 1;
	pages =
		Max(ceil(rows / (options->page_rows > 0 ? options->page_rows : BULK_PAGE_ROWS)), 1);
	*calls = 1 + JOB_POLLS + ceil(pages / PAGES_PER_LIST) + pages;
	if (options->bulk_api == SFB_BULK_1)
	{
		/* the job, its batch, its end, the list of batches; of each with rows its list of files, and a file */
		pages = options->pk_chunking > 0 ? Max(ceil(rows / options->pk_chunking), 1) : 1;
		*calls = 4 + JOB_POLLS + 2 * pages;
	}
	if (transport == SF_TRANSPORT_AUTO)
		*calls += 1; /* REST is asked first */
}

/* ---- properties ---------------------------------------------------------------------------------------- */

/* "9990 of 10000" for people, two numbers for programs. */
static void
explain_quota(const char *label, const char *max_label, const SfbQuota *quota,
			  ExplainState *es)
{
	if (quota->max < 0)
		return;
	if (es->format == EXPLAIN_FORMAT_TEXT)
	{
		ExplainPropertyText(
			label, psprintf(INT64_FORMAT " of " INT64_FORMAT, quota->remaining, quota->max),
			es);
		return;
	}
	ExplainPropertyInteger(label, NULL, quota->remaining, es);
	ExplainPropertyInteger(max_label, NULL, quota->max, es);
}

void
sfb_explain_remote(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *fscan = castNode(ForeignScan, node->ss.ps.plan);
	SfbScanKind kind = intVal(list_nth(fscan->fdw_private, SfbScanPrivateKind));
	sf_transport transport = intVal(list_nth(fscan->fdw_private, SfbScanPrivateTransport));
	List *form = list_nth(fscan->fdw_private, SfbScanPrivateSoql);
	List *operands = operand_values(node);
	SfbTableOptions *options;
	SfbGuard *guard = sfb_guard_new(sfb_scan_session(node, &options), NULL);
	bool allowed = sfb_governor_allows(guard->session, SFB_WORK_CALLS);
	sf_query_plan plan;
	SfbQuotas quotas;
	double rows = fscan->scan.plan.plan_rows; /* unless Salesforce knows */
	double calls = 0;
	int jobs = 0;
	int queries = 0;
	int asked = 0;
	bool filtered;
	char *soql = sfb_soql_estimate(form, operands, &filtered);

	if (soql != NULL)
		queries = count_queries(form, operands, &transport);
	if (queries == 0)
		ExplainPropertyInteger("Remote Estimated Rows", NULL, 0, es);
	else if (!allowed)
		ExplainPropertyText("Remote Estimate",
							"none, as the API calls that are left are reserved", es);
	else if (sfb_ask_plan(guard->session, soql, &plan, &asked))
	{
		rows = sfb_planned_rows(&plan, filtered);
		ExplainPropertyFloat("Remote Estimated Rows", NULL, rows, 0, es);
		ExplainPropertyInteger("Remote Object Rows", NULL, plan.object_rows, es);
		ExplainPropertyText("Remote Operation", sfb_server_text(plan.operation), es);
		ExplainPropertyFloat("Remote Relative Cost", NULL, plan.relative_cost, 3, es);
	}
	else
		ExplainPropertyText("Remote Estimate",
							"none, as Salesforce does not explain the query", es);
	if (queries > 0)
		estimate_costs(options, kind, transport, rows / queries, &calls, &jobs);
	ExplainPropertyFloat("Estimated API Calls", NULL, calls * queries, 0, es);
	ExplainPropertyInteger("Estimated Jobs", NULL, jobs * queries, es);

	if (!allowed || !sfb_ask_quotas(guard->session, &quotas, &asked))
		return;
	explain_quota("API Calls Left Today", "API Calls Per Day", &quotas.api_calls, es);
	explain_quota("Bulk Query Jobs Left Today", "Bulk Query Jobs Per Day", &quotas.query_jobs,
				  es);
	explain_quota("Bulk Query Result MB Left Today", "Bulk Query Result MB Per Day",
				  &quotas.query_files, es);
}
