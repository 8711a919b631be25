/*
 * modify_explain.c
 *		What EXPLAIN says about a foreign table that is written to.
 *
 * Plain: the object and the operation.  VERBOSE: the fields that are sent, how and when.
 */
#include "modify.h"

#include "compat.h"

static const char *
operation_name(const SfbModify *modify)
{
	switch (modify->operation)
	{
		case SF_OP_INSERT:
			return "insert";
		case SF_OP_UPDATE:
			return "update";
		case SF_OP_UPSERT:
			return psprintf("upsert by %s", modify->options->upsert_key);
		case SF_OP_DELETE:
			return "delete";
		case SF_OP_HARD_DELETE:
			return "hard delete";
	}
	return "unknown";
}

static const char *
transport_text(const SfbModify *modify)
{
	const SfbTableOptions *options = modify->options;

	if (modify->one_by_one)
		return "REST, a call for each row (RETURNING)";
	if (modify->operation == SF_OP_HARD_DELETE)
		return "bulk (hard delete)";
	switch (options->transport)
	{
		case SF_TRANSPORT_REST:
			return "REST (as the option says)";
		case SF_TRANSPORT_BULK:
			return "bulk (as the option says)";
		default:
			return psprintf("auto (bulk above %d rows)", options->rest_row_limit);
	}
}

void
sfbulkExplainForeignModify(ModifyTableState *mtstate, ResultRelInfo *rinfo, List *fdw_private,
						   int subplan_index, ExplainState *es)
{
	const SfbModify *modify = rinfo->ri_FdwState;
	List *fields = NIL;

	(void) mtstate;
	(void) fdw_private;
	(void) subplan_index;
	ExplainPropertyText("Salesforce Object", modify->options->object, es);
	ExplainPropertyText("Salesforce Operation", operation_name(modify), es);
	if (!es->verbose)
		return;
	for (int i = 0; i < modify->ncolumns; i++)
		fields = lappend(fields, modify->columns[modify->attnums[i] - 1].field);
	ExplainPropertyList("Fields Sent", fields, es);
	ExplainPropertyText("Transport", transport_text(modify), es);
	ExplainPropertyText(
		"Apply", modify->options->apply == SFB_APPLY_COMMIT ? "commit" : "statement", es);
}
