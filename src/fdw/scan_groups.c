/*
 * scan_groups.c
 *		Aggregates that Salesforce computes, and the way back when it cannot.
 *
 * The whole answer is taken before the first group is given out.  If it is no answer, or not one to rely on, the
 * plan beside the scan does the same here: it reads the rows.  That is so when there are 2,000 groups (there may
 * be more, and no second page of groups can be had), when Salesforce refuses or takes too long, and when a sum has
 * more digits than a double keeps.
 */
#include "scan.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/tuplestore.h"

#include "compat.h"

/* Decimal digits that every double keeps: a sum of that many is the sum of the decimals. */
#define SUM_DIGITS 15

typedef struct GroupColumn
{
	SfbGroupValue how;
	int field;
	int count;
	Oid type; /* of the result */
} GroupColumn;

typedef struct SfbGroups
{
	GroupColumn *columns;
	int ncolumns;
	bool grouped; /* not one row for all */
	Tuplestorestate *answer;
	TupleTableSlot *stored; /* for a row of it */
	int count;				/* groups in it */
	bool taken;				/* it is whole, or the outer plan gives the groups */
	bool local;				/* that is so */
} SfbGroups;

void
sfb_groups_init(ForeignScanState *node, List *groups)
{
	SfbScanState *scan = node->fdw_state;
	TupleDesc desc = node->ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	SfbGroups *state = palloc0(sizeof(SfbGroups));
	int i = 0;
	ListCell *lc;

	state->columns = palloc0(sizeof(GroupColumn) * Max(list_length(groups), 1));
	foreach (lc, groups)
	{
		List *parts = lfirst(lc);
		GroupColumn *column = &state->columns[i];

		column->how = list_nth_int(parts, SfbGroupHow);
		column->field = list_nth_int(parts, SfbGroupField);
		column->count = list_nth_int(parts, SfbGroupCount);
		column->type = TupleDescAttr(desc, i)->atttypid;
		i++;
	}
	state->ncolumns = i;
	state->stored = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	scan->groups = state;
}

/* ---- sums ------------------------------------------------------------------------------------- */

/*
 * Digits of a decimal text, from the first that is not 0 to the last one, or to the units if that is further:
 * "1.50E1" has two, "1.0E15" has 16, of which the last might have been any.
 */
static int
count_digits(const char *text)
{
	int first = 0; /* of the first and the last digit that is not 0, places before the point */
	int last = 0;
	int place = 0; /* digits before the point */
	bool any = false;
	const char *p;

	for (p = text; *p != '\0' && *p != '.' && *p != 'e' && *p != 'E'; p++)
		place += (*p >= '0' && *p <= '9');
	for (p = text; *p != '\0' && *p != 'e' && *p != 'E'; p++)
	{
		if (*p < '0' || *p > '9')
			continue;
		place--;
		if (*p == '0')
			continue;
		if (!any)
			first = place;
		last = place;
		any = true;
	}
	if (!any)
		return 0;
	if (*p != '\0')
	{
		int exponent = atoi(p + 1);

		first += exponent;
		last += exponent;
	}
	return first - Min(last, 0) + 1;
}

/* A number as a numeric without digits that say nothing, where the field has none. */
static Datum
numeric_of(const char *text)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

/* Of whole numbers: "1.0E3" is 1000. */
static Datum
whole_numeric(Datum value, SfbType type)
{
	if (type != SFB_INT && type != SFB_LONG)
		return value;
	return DirectFunctionCall2(numeric_trunc, value, Int32GetDatum(0));
}

/*
 * A sum or an average; false when it has more digits than it should, so that it is not known to be exact.
 * Sums of floating point numbers are what they are.
 */
static bool
sum_value(const GroupColumn *column, SfbType type, const sf_value *values, Datum *result,
		  bool *isnull)
{
	const sf_value *sum = &values[column->field];
	const char *count = NULL;
	Datum value;

	*isnull = (sum->data == NULL);
	if (*isnull)
		return true;
	if (column->how == SFB_GROUP_AVERAGE)
	{
		count = values[column->count].data;
		if (count == NULL || strcmp(count, "0") == 0)
		{
			*isnull = true;
			return true;
		}
	}
	if (column->type == FLOAT8OID)
	{
		double total =
			DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(sum->data)));

		*result = Float8GetDatum(count != NULL ? total / strtod(count, NULL) : total);
		return true;
	}
	if (count_digits(sum->data) > SUM_DIGITS)
		return false;

	value = whole_numeric(numeric_of(sum->data), type);
	if (count != NULL)
		value = DirectFunctionCall2(numeric_div, value, numeric_of(count));
	*result = column->type == INT8OID ? DirectFunctionCall1(numeric_int8, value) : value;
	return true;
}

/* ---- the answer ---------------------------------------------------------------------------------- */

/* One group into the slot; false when it is not to be relied on. */
static bool
store_group(SfbScanState *scan, sf_value *values, TupleTableSlot *slot)
{
	SfbGroups *groups = scan->groups;

	sfb_scan_store_row(scan, values, slot);
	for (int i = 0; i < groups->ncolumns; i++)
		if (groups->columns[i].how != SFB_GROUP_VALUE &&
			!sum_value(&groups->columns[i], scan->fields->table_columns[i].type, values,
					   &slot->tts_values[i], &slot->tts_isnull[i]))
			return false;
	return true;
}

/* Salesforce has said no, but the rows may be had: too slow, too many groups, too long. */
static bool
may_work_here(const sf_error *error)
{
	return error->cls == SF_ERR_LIMIT ||
		   (error->cls == SF_ERR_REMOTE && error->http_status >= 400 &&
			error->http_status < 500 && strcmp(error->code, "REQUEST_LIMIT_EXCEEDED") != 0);
}

/*
 * Takes the whole answer; false when the groups have to be made here, or when it cannot be had without
 * a wait that must not be: then from there on.
 */
static bool
take_answer(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;
	SfbGroups *groups = scan->groups;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	bool all_exact = true;
	sf_value *values;

	while (all_exact && groups->count < SFB_MAX_GROUPS)
	{
		switch (sf_query_next_row(sfb_scan_query(scan), &values, &scan->error))
		{
			case SF_OK:
				ExecClearTuple(slot);
				all_exact = store_group(scan, values, slot);
				if (all_exact)
					tuplestore_puttupleslot(groups->answer, slot);
				groups->count++;
				break;
			case SF_WAIT:
				if (!sfb_scan_wait(scan))
					return false;
				break;
			case SF_DONE:
				return true;
			case SF_FAILED:
				if (!may_work_here(&scan->error))
					sfb_report(ERROR, &scan->error);
				sf_error_reset(&scan->error);
				return false;
		}
	}
	return false;
}

/* Without a row nothing is counted, and there is no group. */
static void
no_rows(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;
	SfbGroups *groups = scan->groups;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	if (groups->grouped)
		return;
	for (int i = 0; i < groups->ncolumns; i++)
	{
		/* Of all aggregates only a count has an answer then. */
		bool is_count = groups->columns[i].how == SFB_GROUP_VALUE &&
						strncmp(scan->fields->table_columns[i].attname, "COUNT", 5) == 0;

		slot->tts_values[i] = Int64GetDatum(0);
		slot->tts_isnull[i] = !is_count;
	}
	ExecStoreVirtualTuple(slot);
	tuplestore_puttupleslot(groups->answer, slot);
}

static void
begin_answer(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;
	SfbGroups *groups = scan->groups;
	MemoryContext oldcontext = MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);

	groups->answer = tuplestore_begin_heap(false, false, work_mem);
	MemoryContextSwitchTo(oldcontext);

	/* The same is asked again that could not be answered before: the outer plan has it. */
	if (groups->local && !scan->never && sfb_scan_query(scan) == NULL)
		return;
	groups->count = 0;
	groups->local = false;
	groups->grouped = sfb_soql_is_grouped(scan->soql_plan);
	groups->taken = scan->never;
	if (scan->never)
		no_rows(node);
}

/* Takes what there is of the answer; false while that is not all. */
static bool
complete_answer(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;
	SfbGroups *groups = scan->groups;
	bool whole = !scan->too_long && take_answer(node);

	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	if (scan->starved)
		return false;
	groups->taken = true;
	groups->local = !whole;
	/* What was asked is over; its figures stay for EXPLAIN. */
	if (groups->local)
		sfb_scan_end_request(scan);
	return true;
}

/* A row of the same columns as a virtual tuple. */
static void
copy_columns(TupleTableSlot *slot, TupleTableSlot *from)
{
	int natts = slot->tts_tupleDescriptor->natts;

	slot_getallattrs(from);
	memcpy(slot->tts_values, from->tts_values, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, from->tts_isnull, sizeof(bool) * natts);
	ExecStoreVirtualTuple(slot);
}

/* The next group of the plan that works here; its columns are those of the scan. */
static bool
next_local(ForeignScanState *node)
{
	TupleTableSlot *group;
	MemoryContext oldcontext;

	if (outerPlanState(node) == NULL)
		elog(ERROR, "an aggregate has no local plan");

	/* A scan's memory is a row's, but what a plan begins with one row goes on with the next. */
	oldcontext = MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);
	group = ExecProcNode(outerPlanState(node));
	MemoryContextSwitchTo(oldcontext);
	if (TupIsNull(group))
		return false;
	copy_columns(node->ss.ss_ScanTupleSlot, group);
	return true;
}

bool
sfb_groups_next(ForeignScanState *node)
{
	SfbScanState *scan = node->fdw_state;
	SfbGroups *groups = scan->groups;
	MemoryContext oldcontext;
	bool found;

	if (groups->answer == NULL)
		begin_answer(node);
	if (!groups->taken && !complete_answer(node))
		return false;
	if (groups->local)
		return next_local(node);
	/* What the slot frees with its next row must not lie where rows are forgotten one by one. */
	oldcontext = MemoryContextSwitchTo(groups->stored->tts_mcxt);
	found = tuplestore_gettupleslot(groups->answer, true, false, groups->stored);
	MemoryContextSwitchTo(oldcontext);
	if (!found)
		return false;
	copy_columns(node->ss.ss_ScanTupleSlot, groups->stored);
	return true;
}

bool
sfb_groups_are_local(SfbScanState *scan)
{
	return scan->groups != NULL && scan->groups->local;
}

void
sfb_groups_forget(ForeignScanState *node)
{
	SfbGroups *groups = ((SfbScanState *) node->fdw_state)->groups;

	ExecClearTuple(groups->stored);
	if (groups->answer != NULL)
		tuplestore_end(groups->answer);
	groups->answer = NULL;
}
