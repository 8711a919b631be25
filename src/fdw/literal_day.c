/*
 * literal_day.c
 *		The day of a datetime, as in "createddate::date = '2024-02-29'", compared with dates.
 *
 * A timestamptz has its day in the session's time zone, and SOQL knows nothing of that; so the days become
 * spans of time when the query is written.  Mostly that is one span, from midnight to midnight.  But where
 * clocks are put back over midnight (Newfoundland did that until 2011, at one minute past twelve) a day ends,
 * comes back and ends again, which makes two of it.  Spans of whole seconds say it exactly in any case.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"

#include "literal.h"

/* Local time differs from UTC by less than this. */
#define MAX_OFFSET (2 * (int64) SECS_PER_DAY)

/* More spans than this in a query are too much. */
#define MAX_SPANS 100

#define OPEN_START PG_INT64_MIN
#define OPEN_END   PG_INT64_MAX

/* Days, or seconds since the epoch of PostgreSQL: from the first on, before the last. */
typedef struct Span
{
	int64 from;
	int64 to;
} Span;

typedef struct Spans
{
	Span *items;
	int count;
	int size;
} Spans;

static void
add_span(Spans *spans, int64 from, int64 to)
{
	if (from >= to)
		return;
	if (spans->count > 0 && spans->items[spans->count - 1].to == from)
	{
		spans->items[spans->count - 1].to = to;
		return;
	}
	if (spans->count == spans->size)
	{
		spans->size = Max(2 * spans->size, 8);
		spans->items = spans->items == NULL
						   ? palloc(sizeof(Span) * spans->size)
						   : repalloc(spans->items, sizeof(Span) * spans->size);
	}
	spans->items[spans->count++] = (Span){from, to};
}

/* ---- days to time ------------------------------------------------------------------------------ */

/*
 * Offset of local time from UTC at a second, and the next second at which it may be another (OPEN_END: it
 * stays).
 */
static int64
offset_at(int64 second, bool with_zone, int64 *until)
{
	const int64 epoch = (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	pg_time_t time = (pg_time_t) (second + epoch);
	pg_time_t boundary;
	long before;
	long after;
	int before_dst;
	int after_dst;
	int found;

	*until = OPEN_END;
	if (!with_zone)
		return 0;
	found = pg_next_dst_boundary(&time, &before, &before_dst, &boundary, &after, &after_dst,
								 session_timezone);
	if (found < 0)
		elog(ERROR, "could not find the offset of the time zone");
	if (found > 0)
		*until = (int64) boundary - epoch;
	return before;
}

/* Adds the time that the days from "from" on and before "to" take. */
static void
add_days(Spans *spans, int64 from, int64 to, bool with_zone)
{
	int64 first = (from != OPEN_START ? from : to) * SECS_PER_DAY - MAX_OFFSET;
	int64 last = (to != OPEN_END ? to : from) * SECS_PER_DAY + MAX_OFFSET;
	int64 second = first;

	if (from == OPEN_START && to == OPEN_END)
	{
		add_span(spans, OPEN_START, OPEN_END);
		return;
	}
	if (from == OPEN_START)
		add_span(spans, OPEN_START, first);
	while (second < last)
	{
		int64 until;
		int64 offset = offset_at(second, with_zone, &until);
		int64 start = from != OPEN_START ? from * SECS_PER_DAY - offset : OPEN_START;
		int64 end = to != OPEN_END ? to * SECS_PER_DAY - offset : OPEN_END;

		until = Min(until, last);
		add_span(spans, Max(second, start), Min(until, end));
		second = until;
	}
	if (to == OPEN_END)
		add_span(spans, last, OPEN_END);
}

/* ---- what is wanted ---------------------------------------------------------------------------- */

static int
compare_days(const void *a, const void *b)
{
	int64 left = *(const int64 *) a;
	int64 right = *(const int64 *) b;

	return left < right ? -1 : left > right;
}

/* A date as a day that is certainly beyond those of Salesforce where it is one beyond them. */
static int64
day_of(Datum value)
{
	DateADT date = DatumGetDateADT(value);

	return Min(Max(date, SFB_FIRST_DAY - 10), SFB_LAST_DAY + 10);
}

/* The days that fulfil the condition; not for a list. */
static void
days_of_scalar(Spans *whole, SfbOp op, int64 day)
{
	if (op == SFB_OP_LT || op == SFB_OP_NE)
		add_span(whole, OPEN_START, day);
	else if (op == SFB_OP_LE)
		add_span(whole, OPEN_START, day + 1);
	else if (op == SFB_OP_EQ)
		add_span(whole, day, day + 1);
	if (op == SFB_OP_GT || op == SFB_OP_NE)
		add_span(whole, day + 1, OPEN_END);
	else if (op == SFB_OP_GE)
		add_span(whole, day, OPEN_END);
}

/* Of a list; false when no day does. */
static bool
days_of_list(Spans *whole, SfbOp op, Datum value)
{
	Datum *elems;
	bool *nulls;
	int nelems = sfb_array_elements(value, DATEOID, &elems, &nulls);
	int64 *list = palloc(sizeof(int64) * Max(nelems, 1));
	int64 before = OPEN_START;
	int count = 0;

	for (int i = 0; i < nelems; i++)
	{
		if (!nulls[i])
			list[count++] = day_of(elems[i]);
		else if (op == SFB_OP_NOT_IN)
			return false;
	}
	qsort(list, count, sizeof(int64), compare_days);
	for (int i = 0; i < count; i++)
	{
		if (i > 0 && list[i] == list[i - 1])
			continue;
		if (op == SFB_OP_IN)
			add_span(whole, list[i], list[i] + 1);
		else
			add_span(whole, before, list[i]);
		before = list[i] + 1;
	}
	if (op == SFB_OP_NOT_IN)
		add_span(whole, before, OPEN_END);
	return true;
}

/* ---- conditions -------------------------------------------------------------------------------------- */

/* Appends the condition that the field lies in one of the spans. */
static SfbFold
append_spans(StringInfo buf, const char *field, const Spans *spans)
{
	StringInfoData text;
	bool any_open = false;
	int count = 0;

	initStringInfo(&text);
	for (int i = 0; i < spans->count; i++)
	{
		int64 from = spans->items[i].from;
		int64 to = spans->items[i].to;
		bool open_start = from <= SFB_FIRST_SECOND;
		bool open_end = to > SFB_LAST_SECOND;

		if (from > SFB_LAST_SECOND || to <= SFB_FIRST_SECOND)
			continue;
		if (open_start && open_end)
			return sfb_fold_not_null(buf, field, SFB_FOLD_SEND);
		if (count++ > 0)
			appendStringInfoString(&text, " OR ");
		if (open_start)
			appendStringInfo(&text, "%s < %s", field, sfb_datetime_text(to));
		else if (open_end)
			appendStringInfo(&text, "%s >= %s", field, sfb_datetime_text(from));
		else
			appendStringInfo(&text, "(%s >= %s AND %s < %s)", field, sfb_datetime_text(from),
							 field, sfb_datetime_text(to));
		any_open = any_open || open_start;
	}
	if (count == 0)
		return SFB_FOLD_FALSE;
	if (count > MAX_SPANS)
		return SFB_FOLD_DROP;

	/* As elsewhere (sfb_append_compare), a null must not count as early. */
	if (any_open)
		appendStringInfo(buf, count > 1 ? "((%s) AND %s != null)" : "(%s AND %s != null)",
						 text.data, field);
	else
		appendStringInfo(buf, count > 1 ? "(%s)" : "%s", text.data);
	return SFB_FOLD_SEND;
}

SfbFold
sfb_fold_day(StringInfo buf, const char *field, SfbOp op, Oid coltype, Datum value,
			 bool isnull)
{
	Spans whole = {0};
	Spans spans = {0};

	if (isnull)
		return SFB_FOLD_FALSE;
	if (!sfb_op_is_array(op))
		days_of_scalar(&whole, op, day_of(value));
	else if (!days_of_list(&whole, op, value))
		return SFB_FOLD_FALSE;
	else if (op == SFB_OP_NOT_IN && whole.count == 1 && whole.items[0].from == OPEN_START &&
			 whole.items[0].to == OPEN_END)
		return SFB_FOLD_TRUE;

	for (int i = 0; i < whole.count; i++)
		add_days(&spans, whole.items[i].from, whole.items[i].to, coltype == TIMESTAMPTZOID);
	return append_spans(buf, field, &spans);
}

void
sfb_append_day(StringInfo buf, const char *field, SfbOp op, const char *value)
{
	switch (op)
	{
		case SFB_OP_LT:
			appendStringInfo(buf, "(%s < :start of %s AND %s != null)", field, value, field);
			break;
		case SFB_OP_LE:
			appendStringInfo(buf, "(%s < :end of %s AND %s != null)", field, value, field);
			break;
		case SFB_OP_EQ:
			appendStringInfo(buf, "(%s >= :start of %s AND %s < :end of %s)", field, value,
							 field, value);
			break;
		case SFB_OP_GE:
			appendStringInfo(buf, "%s >= :start of %s", field, value);
			break;
		case SFB_OP_GT:
			appendStringInfo(buf, "%s >= :end of %s", field, value);
			break;
		case SFB_OP_NE:
			appendStringInfo(buf, "((%s < :start of %s OR %s >= :end of %s) AND %s != null)",
							 field, value, field, value, field);
			break;
		default:
			appendStringInfo(buf, "%s %sin the days of %s", field,
							 op == SFB_OP_NOT_IN ? "not " : "", value);
			break;
	}
}
