/*
 * explain.c
 *		What EXPLAIN says about a scan.
 *
 * Plain: the object.  VERBOSE: the SOQL, the transport and why, and how each condition is treated.
 * ANALYZE VERBOSE: the SOQL as sent and what the scan did.  Only what is the same in every run is shown
 * without TIMING, so that tests can compare it.  What Salesforce itself says is in explain_remote.c.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/ruleutils.h"

#include "compat.h"
#include "planner.h"
#include "scan.h"

/* Conditions as SQL, joined as PostgreSQL shows a filter. */
static void
explain_conditions(const char *label, List *conditions, List *context, bool useprefix,
				   ExplainState *es)
{
	Node *all;

	if (conditions == NIL)
		return;
	all = (Node *) make_ands_explicit(conditions);
	ExplainPropertyText(label, deparse_expression(all, context, useprefix, false), es);
}

/* Operands as SQL, for those that have no value yet. */
static List *
operand_names(List *exprs, List *context)
{
	List *names = NIL;
	ListCell *lc;

	foreach (lc, exprs)
		names = lappend(names, deparse_expression(lfirst(lc), context, false, false));
	return names;
}

static void
explain_statistics(ForeignScanState *node, ExplainState *es)
{
	sf_query_stats stats;

	if (!sfb_scan_stats(node, &stats))
		return;
	if (sfb_scan_query_count(node) > 1)
		ExplainPropertyInteger("Queries", NULL, sfb_scan_query_count(node), es);
	ExplainPropertyText("Transport Used", sfb_transport_name(stats.transport), es);
	ExplainPropertyInteger("Rows Received", NULL, stats.rows, es);

	/* These depend on how fast things went. */
	if (!es->timing)
		return;
	if (stats.job_id[0] != '\0' && sfb_scan_query_count(node) == 1)
		ExplainPropertyText("Job", stats.job_id, es);
	ExplainPropertyInteger("API Calls", NULL, stats.api_calls, es);
	ExplainPropertyInteger("Pages", NULL, stats.pages, es);
	if (stats.transport == SF_TRANSPORT_BULK)
	{
		ExplainPropertyInteger("Polls", NULL, stats.polls, es);
		ExplainPropertyInteger("Job Time", "ms", stats.job_ms, es);
		ExplainPropertyInteger("Queue Time", "ms", stats.queued_ms, es);
		ExplainPropertyInteger("Processing Time", "ms", stats.server_ms, es);
	}
	if (stats.retries > 0 || es->format != EXPLAIN_FORMAT_TEXT)
		ExplainPropertyInteger("Retries", NULL, stats.retries, es);
	ExplainPropertyInteger("Bytes Received", NULL, stats.wire_bytes, es);
	ExplainPropertyInteger("Bytes Decompressed", NULL, stats.text_bytes, es);
}

/* How each condition is treated. */
static void
explain_filters(ForeignScan *fscan, List *notes, List *context, ExplainState *es)
{
	List *rechecked_at = list_nth(notes, SfbNoteRechecked);
	List *exact = fscan->fdw_recheck_quals;
	bool useprefix = list_length(es->rtable) > 1;
	List *rechecked = NIL;
	List *local = NIL;
	int i = 0;
	ListCell *lc;

	foreach (lc, fscan->scan.plan.qual)
	{
		if (list_member_int(rechecked_at, i++))
			rechecked = lappend(rechecked, lfirst(lc));
		else
			local = lappend(local, lfirst(lc));
	}
	if (fscan->scan.scanrelid == 0)
	{
		/* The plan that they belong to may have moved into another range table. */
		exact = copyObject(list_nth(notes, SfbNoteExact));
		OffsetVarNodes((Node *) exact,
					   bms_next_member(sfb_scan_baserels(fscan), -1) -
						   intVal(list_nth(notes, SfbNoteRelid)),
					   0);
	}
	explain_conditions("Remote Filter", exact, context, useprefix, es);
	explain_conditions("Remote Filter, Rechecked", rechecked, context, useprefix, es);
	explain_conditions("Local Filter", local, context, useprefix, es);
}

/* Where a job may be made by Bulk API 1.0: that it is, and how the query is divided. */
static void
explain_bulk_api(ForeignScanState *node, sf_transport transport, const char *soql,
				 ExplainState *es)
{
	SfbTableOptions *options;
	const char *text;

	if (transport == SF_TRANSPORT_REST)
		return;
	options = sfb_scan_options(node);
	if (options->bulk_api != SFB_BULK_1)
		return;
	ExplainPropertyText("Bulk API", "1.0", es);
	if (options->pk_chunking == 0 || soql == NULL)
		return;
	if (!sf_soql_is_chunkable(soql))
		text = "none, as the query has more than conditions";
	else if (options->pk_chunking_parent != NULL)
		text = psprintf("%d ids of %s", options->pk_chunking, options->pk_chunking_parent);
	else
		text = psprintf("%d ids", options->pk_chunking);
	ExplainPropertyText("PK Chunking", text, es);
}

static void
explain_verbose(ForeignScanState *node, List *soql, ExplainState *es)
{
	ForeignScan *fscan = castNode(ForeignScan, node->ss.ps.plan);
	List *notes = list_nth(fscan->fdw_private, SfbScanPrivateNotes);
	sf_transport transport = intVal(list_nth(fscan->fdw_private, SfbScanPrivateTransport));
	const char *text;
	List *context;

	/* Without the ancestors, which are not ours to know, an outer row's value shows as $n. */
	context = set_deparse_context_plan(es->deparse_cxt, (Plan *) fscan, NIL);

	text = es->analyze ? sfb_scan_soql(node) : NULL;
	if (text != NULL)
		text = sfb_server_text(text);
	else
		text =
			sfb_soql_explain(soql, fscan->fdw_exprs, operand_names(fscan->fdw_exprs, context));
	ExplainPropertyText("SOQL", text ? text : "none, as there can be no row", es);
	ExplainPropertyText("Transport",
						psprintf("%s (%s)", sfb_transport_name(transport),
								 strVal(list_nth(notes, SfbNoteTransport))),
						es);
	explain_bulk_api(node, transport, text, es);
	explain_filters(fscan, notes, context, es);
	if (es->analyze)
		explain_statistics(node, es);
}

void
sfbulkExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *fscan = castNode(ForeignScan, node->ss.ps.plan);
	List *soql = list_nth(fscan->fdw_private, SfbScanPrivateSoql);
	const char *object = sfb_soql_object(soql);

	if (object != NULL)
		ExplainPropertyText("Salesforce Object", object, es);
	else
		ExplainPropertyText("Salesforce Query", "as given by option \"query\"", es);
	if (es->verbose)
		explain_verbose(node, soql, es);
	if (sfb_explain_remote_on)
		sfb_explain_remote(node, es);
}
