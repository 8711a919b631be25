/*
 * analyze.c
 *		ANALYZE: how many records there are, and what a sample of them looks like.
 *
 * The sample comes by REST, with the credentials of the table's owner, and through the converters of scans.
 * A table that takes no more calls than a sample would is read whole, which leaves no bias and tells the
 * number of records.  Else that comes from /limits/recordCount, or from SELECT COUNT() where an org does not
 * tell.
 *
 * Of a larger one, runs of neighbouring records are read in several ranges of the Id, as SOQL has no random
 * order.  Ids are base-62 numbers that orgs hand out in ascending order, and may be compared (Salesforce
 * itself splits large queries so: Bulk API guide, PK chunking).  They are not dense: an org that has moved
 * has ids of several instances, with nothing in between.  So a range is split in the middle of its Ids, and
 * its two parts end at the records next to the middle; always the range that seems to have the most
 * records.  How many it has is told by how densely the Ids of its run lie, and so many of the run's rows go
 * into the sample.  What bias remains: neighbours were often created together, so that values that come in
 * batches seem rarer or more frequent than they are, and the density at the beginning of a range is taken
 * for all of it.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "ask.h"
#include "fields.h"
#include "planner.h"

/* Rows of a REST answer page, unless page_rows says less. */
#define REST_PAGE_ROWS 2000
#define REST_PAGE_MIN  200

/* Ranges: some 1,500 rows of each, a page; 20 with the default statistics target. */
#define RANGES_MIN 8
#define RANGES_MAX 20
#define RANGE_ROWS 1500

/* Characters of an id that count: the others are a checksum. */
#define ID_LEN 15

/* Wide rows make a smaller sample: it may take maintenance_work_mem, but at least so much. */
#define SAMPLE_BYTES_MIN ((Size) 16 * 1024 * 1024)

/* A sample being taken. */
typedef struct Sample
{
	Relation rel;
	SfbTableOptions *options;
	SfbGuard *guard; /* owns the query under way */
	SfbFields *fields;
	char *select;  /* the SELECT list */
	int id_field;  /* of the object's Id in it, -1 for none */
	Datum *values; /* of a row */
	bool *nulls;
	Size room; /* bytes that rows may take */
	int64 row; /* of the query under way */
	int calls;
	sf_error error;

	HeapTuple *rows;
	int nrows;
	int target; /* most rows that are wanted */
} Sample;

/* ---- queries ----------------------------------------------------------------------------------- */

static void
destroy_query(void *object)
{
	sf_query_free(object);
}

static void
start_query(Sample *s, const char *soql, const sf_column *columns, int ncolumns)
{
	sf_query_spec spec = {
		.soql = soql,
		.columns = columns,
		.ncolumns = ncolumns,
		.count_only = ncolumns == 0,
		.query_all = s->options->query_all,
		/* REST, but for a SELECT list that is too long for it */
		.transport = ncolumns == 0 ? SF_TRANSPORT_REST : SF_TRANSPORT_AUTO,
		.rest_row_limit = INT_MAX,
		.page_rows = s->options->page_rows,
		.download_streams = s->options->download_streams,
		.no_threads = !sfb_decompress_thread,
		.poll_interval_max_ms = s->options->poll_interval_max,
		.job_timeout_ms = s->options->job_timeout,
	};

	sf_error_reset(&s->error);
	s->row = 0;
	s->guard->object = sf_query_start(s->guard->session, &spec, &s->error);
	if (s->guard->object == NULL)
		sfb_report(ERROR, &s->error);
}

/* The next row; NULL at the end or, with a reason in s->error, where Salesforce refuses the query. */
static sf_value *
next_row(Sample *s)
{
	sf_value *values;

	for (;;)
	{
		sfb_vacuum_delay_point();
		switch (sf_query_next_row(s->guard->object, &values, &s->error))
		{
			case SF_OK:
				s->row++;
				return values;
			case SF_WAIT:
				sfb_wait(s->guard->session);
				break;
			case SF_DONE:
				return NULL;
			case SF_FAILED:
				if (s->error.cls != SF_ERR_REMOTE)
					sfb_report(ERROR, &s->error);
				return NULL;
		}
	}
}

/* True when Salesforce has refused the last query. */
static bool
was_refused(Sample *s)
{
	return s->error.cls != SF_ERR_NONE;
}

static void
end_query(Sample *s, sf_query_stats *stats)
{
	sf_query_get_stats(s->guard->object, stats);
	s->calls += stats->api_calls;
	sfb_guard_clear(s->guard);
}

/* SELECT COUNT() of an object. */
static double
count_records(Sample *s)
{
	sf_query_stats stats;
	sf_value *values;
	double count;

	start_query(s, psprintf("SELECT COUNT() FROM %s", s->options->object), NULL, 0);
	values = next_row(s);
	if (was_refused(s))
		sfb_report(ERROR, &s->error);
	if (values == NULL || values[0].data == NULL)
		elog(ERROR, "no count in the answer");
	count = strtod(values[0].data, NULL);
	end_query(s, &stats);
	return count;
}

/* How many records the object has. */
static double
ask_count(Sample *s)
{
	double count;

	/* The quick answer does not know of records in the recycle bin. */
	if (!s->options->query_all &&
		sfb_ask_record_count(s->guard->session, s->options->object, &count, &s->calls))
		return count;
	return count_records(s);
}

/* ---- rows ---------------------------------------------------------------------------------------- */

typedef struct RowContext
{
	ErrorContextCallback callback;
	Sample *sample;
} RowContext;

static void
conversion_context(void *arg)
{
	Sample *s = ((RowContext *) arg)->sample;

	sfb_fields_context(s->fields, RelationGetRelationName(s->rel), s->row);
}

/* A row in memory of its own. */
static HeapTuple
make_row(Sample *s, sf_value *values)
{
	TupleDesc desc = RelationGetDescr(s->rel);
	RowContext context = {.callback = {.previous = error_context_stack,
									   .callback = conversion_context,
									   .arg = &context},
						  .sample = s};

	memset(s->nulls, true, sizeof(bool) * desc->natts);
	error_context_stack = &context.callback;
	sfb_fields_convert(s->fields, values, s->values, s->nulls);
	error_context_stack = context.callback.previous;
	return heap_form_tuple(desc, s->values, s->nulls);
}

/* The SELECT list: every column that can be read, and the object's Id. */
static void
init_fields(Sample *s)
{
	SfbColumn *columns = sfb_table_columns(s->rel);
	int natts = RelationGetDescr(s->rel)->natts;
	SfbSelectList list = {NIL, NIL, NIL, NIL};
	sf_column *fields;
	StringInfoData select;
	int n;

	for (int i = 0; i < natts; i++)
		if (columns[i].field != NULL && !sfb_is_write_only(&columns[i]))
			sfb_select_add(&list, columns[i].field, columns[i].type, i + 1);
	s->id_field = -1;
	if (s->options->object != NULL)
	{
		for (int i = 0; i < list_length(list.fields); i++)
			if (pg_strcasecmp(strVal(list_nth(list.fields, i)), "Id") == 0)
				s->id_field = i;
		if (s->id_field < 0)
		{
			s->id_field = list_length(list.fields);
			sfb_select_add(&list, "Id", SFB_ID, 0);
		}
	}
	else if (list.fields == NIL)
		ereport(
			ERROR,
			(errcode(ERRCODE_FDW_ERROR),
			 errmsg("a foreign table with the option \"query\" needs at least one column")));

	n = list_length(list.fields);
	fields = palloc0(sizeof(sf_column) * n);
	initStringInfo(&select);
	for (int i = 0; i < n; i++)
	{
		fields[i].path = strVal(list_nth(list.fields, i));
		fields[i].kind = sfb_column_kind((SfbType) list_nth_int(list.types, i));
		appendStringInfo(&select, "%s%s", i > 0 ? ", " : "", fields[i].path);
	}
	s->select = select.data;
	s->fields = sfb_fields_new(n, fields, list.attrs, list.copies, columns);
	s->values = palloc0(sizeof(Datum) * Max(natts, 1));
	s->nulls = palloc0(sizeof(bool) * Max(natts, 1));
}

/* ---- a table that is read from its first row ------------------------------------------------------ */

/*
 * Reads at most so many rows of the query, each of which has the same chance to be in the sample.  The
 * number of rows that there are, which may be more; nothing was done when that is more than too_many.
 */
static double
read_rows(Sample *s, const char *soql, double most, double too_many)
{
	double seen = 0;
	double total = -1;
	Size bytes = 0;
	sf_query_stats stats;
	sf_value *values;

	start_query(s, soql, s->fields->columns, s->fields->nfields);
	while (seen < most && (values = next_row(s)) != NULL)
	{
		if (total < 0)
		{
			sf_query_get_stats(s->guard->object, &stats);
			total = (double) stats.total_rows;
			if (total > too_many)
				break;
		}
		seen++;
		if (s->nrows < s->target)
		{
			s->rows[s->nrows] = make_row(s, values);
			bytes += s->rows[s->nrows++]->t_len;
			if (bytes > s->room)
				s->target = s->nrows;
		}
		else
		{
			double at = floor(seen * sfb_random_fract());

			if (at < s->target)
			{
				heap_freetuple(s->rows[(int) at]);
				s->rows[(int) at] = make_row(s, values);
			}
		}
	}
	end_query(s, &stats);
	if (was_refused(s))
		sfb_report(ERROR, &s->error);
	return Max(seen, total);
}

/* ---- ids as numbers -------------------------------------------------------------------------------- */

/* The alphabet is in byte order, so that the numbers compare as the texts do. */
static const char id_digits[] =
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int
id_digit(char c)
{
	const char *at = strchr(id_digits, c);

	return at != NULL && c != '\0' ? (int) (at - id_digits) : 0;
}

/* (a + b) / 2, rounded down. */
static void
id_middle(const char *a, const char *b, char out[ID_LEN + 1])
{
	int sum[ID_LEN];
	int carry = 0;

	for (int i = ID_LEN - 1; i >= 0; i--)
	{
		int digit = id_digit(a[i]) + id_digit(b[i]) + carry;

		sum[i] = digit % 62;
		carry = digit / 62;
	}
	for (int i = 0; i < ID_LEN; i++)
	{
		int rest = carry * 62 + sum[i];

		out[i] = id_digits[rest / 2];
		carry = rest % 2;
	}
	out[ID_LEN] = '\0';
}

/* b - a, about. */
static double
id_distance(const char *a, const char *b)
{
	double distance = 0;

	for (int i = 0; i < ID_LEN; i++)
		distance = distance * 62 + (id_digit(b[i]) - id_digit(a[i]));
	return distance;
}

/* ---- a table that is sampled ------------------------------------------------------------------------ */

/* A range of Ids, and the run of rows that was read at its beginning. */
typedef struct Range
{
	char first[ID_LEN + 1]; /* Ids of records: of the first, … */
	char read[ID_LEN + 1];	/* … of the last one read, … */
	char last[ID_LEN + 1];	/* … and of the last one there is */
	HeapTuple *rows;
	int nrows;
} Range;

static bool
is_complete(const Range *range)
{
	return strcmp(range->read, range->last) >= 0;
}

/* How many records it has, by how densely they lie in the run. */
static double
estimated_rows(const Range *range)
{
	if (is_complete(range))
		return range->nrows;
	return range->nrows * id_distance(range->first, range->last) /
		   Max(id_distance(range->first, range->read), 1);
}

static void
take_id(char out[ID_LEN + 1], const sf_value *value)
{
	if (value->data == NULL || value->len < ID_LEN)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("Salesforce sent a record without an id")));
	memcpy(out, value->data, ID_LEN);
	out[ID_LEN] = '\0';
}

/*
 * Reads a run of at most nrows records into the range, which has none yet; false when there is none, or
 * Salesforce refuses.  The range's last Id stays the caller's business.
 */
static bool
read_run(Sample *s, const char *where, int nrows, Size room, Range *range)
{
	sf_query_stats stats;
	sf_value *values;
	Size bytes = 0;

	range->rows = palloc(sizeof(HeapTuple) * nrows);
	start_query(s,
				psprintf("SELECT %s FROM %s%s ORDER BY Id LIMIT %d", s->select,
						 s->options->object, where, nrows),
				s->fields->columns, s->fields->nfields);
	while (range->nrows < nrows && (values = next_row(s)) != NULL)
	{
		char id[ID_LEN + 1];

		take_id(id, &values[s->id_field]);
		if (range->nrows == 0 || strcmp(id, range->first) < 0)
			strcpy(range->first, id);
		if (range->nrows == 0 || strcmp(id, range->read) > 0)
			strcpy(range->read, id);
		range->rows[range->nrows] = make_row(s, values);
		bytes += range->rows[range->nrows++]->t_len;
		if (bytes > room)
		{
			/* Rows of a job come in any order: only all of them are a run. */
			sf_query_get_stats(s->guard->object, &stats);
			if (stats.transport == SF_TRANSPORT_REST)
				break;
		}
	}
	end_query(s, &stats);
	return range->nrows > 0;
}

/* The last Id that fulfils the condition; false when there is none, or Salesforce refuses. */
static bool
read_last_id(Sample *s, const char *where, char out[ID_LEN + 1])
{
	static const sf_column column = {"Id", SF_COLUMN_TEXT};
	sf_query_stats stats;
	sf_value *values;

	start_query(
		s, psprintf("SELECT Id FROM %s%s ORDER BY Id DESC LIMIT 1", s->options->object, where),
		&column, 1);
	values = next_row(s);
	if (values != NULL)
		take_id(out, &values[0]);
	end_query(s, &stats);
	return values != NULL;
}

/*
 * Splits a range behind its run, at the middle of the Ids that were not read; false when Salesforce
 * refuses.  The second part may turn out empty, when its records went meanwhile.
 */
static bool
split_range(Sample *s, Range *range, Range *second, int nrows, Size room)
{
	char middle[ID_LEN + 1];

	memset(second, 0, sizeof(*second));
	id_middle(range->read, range->last, middle);
	if (read_run(s, psprintf(" WHERE Id > '%s' AND Id <= '%s'", middle, range->last), nrows,
				 room, second))
		strcpy(second->last, range->last);
	if (was_refused(s))
		return false;
	if (!read_last_id(s, psprintf(" WHERE Id >= '%s' AND Id <= '%s'", range->read, middle),
					  range->last))
		strcpy(range->last, range->read);
	return !was_refused(s);
}

/* The incomplete range that seems to have the most rows, or -1. */
static int
largest_range(const Range *ranges, int n)
{
	int largest = -1;

	for (int i = 0; i < n; i++)
		if (!is_complete(&ranges[i]) &&
			(largest < 0 || estimated_rows(&ranges[i]) > estimated_rows(&ranges[largest])))
			largest = i;
	return largest;
}

/* From each range as many of its rows as its share of the table wants. */
static void
choose_rows(Sample *s, const Range *ranges, int n)
{
	double total = 0;
	double scale;

	for (int i = 0; i < n; i++)
		total += estimated_rows(&ranges[i]);
	scale = s->target / Max(total, 1);
	for (int i = 0; i < n; i++)
		scale = Min(scale, ranges[i].nrows / estimated_rows(&ranges[i]));

	for (int i = 0; i < n; i++)
	{
		const Range *range = &ranges[i];
		int wanted =
			(int) Min(floor(estimated_rows(range) * scale + sfb_random_fract()), range->nrows);

		for (int row = 0; row < range->nrows; row++)
		{
			if (wanted > 0 && s->nrows < s->target &&
				(range->nrows - row) * sfb_random_fract() < wanted)
			{
				s->rows[s->nrows++] = range->rows[row];
				wanted--;
			}
			else
				heap_freetuple(range->rows[row]);
		}
	}
}

/* How the sample is taken. */
typedef struct SampleSize
{
	int nranges;
	int range_rows;
	double whole; /* a table of so many rows takes no more calls when it is read whole */
} SampleSize;

static SampleSize
sample_size(const SfbTableOptions *options, int target)
{
	SampleSize size;
	int page = options->page_rows > 0
				   ? Max(Min(options->page_rows, REST_PAGE_ROWS), REST_PAGE_MIN)
				   : REST_PAGE_ROWS;
	int calls;

	size.nranges = Max(Min(target / RANGE_ROWS, RANGES_MAX), RANGES_MIN);
	size.range_rows = Max((target + size.nranges - 1) / size.nranges, 2);
	/* each range takes the pages of its run and a question for its end */
	calls = size.nranges * ((size.range_rows + page - 1) / page + 1);
	size.whole = Max((double) calls * page, target);
	return size;
}

/*
 * Fills the sample from ranges; false when Salesforce refuses to compare or sort by Id.  Where everything
 * was read after all, *count becomes exact.
 */
static bool
read_ranges(Sample *s, SampleSize size, double *count)
{
	Range *ranges = palloc0(sizeof(Range) * size.nranges);
	Size room = s->room / size.nranges;
	double total = 0;
	int n = 0;
	int largest;

	if (read_run(s, "", size.range_rows, room, &ranges[0]))
	{
		n = 1;
		if (!read_last_id(s, "", ranges[0].last))
			strcpy(ranges[0].last, ranges[0].read);
	}
	while (!was_refused(s) && n < size.nranges && (largest = largest_range(ranges, n)) >= 0)
	{
		Range second;

		if (!split_range(s, &ranges[largest], &second, size.range_rows, room) ||
			second.nrows == 0)
			continue;

		/* in the order of the Ids, which stands for the physical one */
		memmove(&ranges[largest + 2], &ranges[largest + 1], sizeof(Range) * (n - largest - 1));
		ranges[largest + 1] = second;
		n++;
	}
	if (was_refused(s))
		return false;

	if (largest_range(ranges, n) < 0)
	{
		for (int i = 0; i < n; i++)
			total += ranges[i].nrows;
		*count = total;
	}
	choose_rows(s, ranges, n);
	return true;
}

/* ---- the callbacks ------------------------------------------------------------------------------------ */

/* The session of the table's owner, as for any ANALYZE. */
static void
init_sample(Sample *s, Relation rel)
{
	Oid serverid = GetForeignTable(RelationGetRelid(rel))->serverid;

	memset(s, 0, sizeof(*s));
	s->rel = rel;
	s->options = sfb_table_options(RelationGetRelid(rel));
	s->guard = sfb_guard_new(sfb_session_get(GetUserMapping(rel->rd_rel->relowner, serverid)),
							 destroy_query);
}

static int
acquire_rows(Relation rel, int elevel, HeapTuple *rows, int targrows, double *totalrows,
			 double *totaldeadrows)
{
	Sample s;
	SampleSize size;
	char *soql;
	double count;
	bool whole = true; /* no record was without a chance */

	init_sample(&s, rel);
	init_fields(&s);
	s.rows = rows;
	s.target = targrows;
	s.room = Max((Size) maintenance_work_mem * 1024, SAMPLE_BYTES_MIN);
	size = sample_size(s.options, targrows);

	if (s.options->object != NULL)
	{
		/* One row more than is read tells a larger table, without making Salesforce count it. */
		soql = psprintf("SELECT %s FROM %s LIMIT %.0f", s.select, s.options->object,
						size.whole + 1);
		count = read_rows(&s, soql, size.whole, size.whole);
		if (count > size.whole)
		{
			double known = ask_count(&s);

			count = Max(count, known);
			whole = read_ranges(&s, size, &count);
		}
		if (!whole)
		{
			sfb_report(DEBUG1, &s.error);
			read_rows(&s, soql, size.whole, HUGE_VAL);
		}
	}
	else
	{
		soql = pg_server_to_any(s.options->query, strlen(s.options->query), PG_UTF8);
		count = read_rows(&s, soql, size.whole, HUGE_VAL);
		whole = count <= size.whole;
	}
	sfb_session_cleanup(s.guard->session, sfb_cleanup_timeout);

	*totalrows = count;
	*totaldeadrows = 0;
	ereport(
		elevel,
		(errmsg("\"%s\": %d rows in sample of about %.0f records; API calls: %d",
				RelationGetRelationName(rel), s.nrows, count, s.calls),
		 whole ? 0 : errdetail("The sample is of the first %.0f records only.", size.whole)));
	return s.nrows;
}

/* Pages that the rows would take here. */
static BlockNumber
pages_of(Relation rel, double rows)
{
	TupleDesc desc = RelationGetDescr(rel);
	double width = MAXALIGN(SizeofHeapTupleHeader);
	double pages;

	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			width += get_typavgwidth(TupleDescAttr(desc, i)->atttypid,
									 TupleDescAttr(desc, i)->atttypmod);
	pages = ceil(rows * width / BLCKSZ);
	return (BlockNumber) Min(Max(pages, rows > 0 ? 1 : 0), (double) MaxBlockNumber);
}

/*
 * The size decides, among others, on the table's share in the sample of a partitioned one, before any is
 * sampled.  Of a user's own query it is not asked, as that would mean to run it twice.
 */
bool
sfbulkAnalyzeForeignTable(Relation relation, AcquireSampleRowsFunc *func,
						  BlockNumber *totalpages)
{
	Sample s;
	double count;

	init_sample(&s, relation);
	count = s.options->object != NULL ? ask_count(&s)
									  : Max((double) relation->rd_rel->reltuples, 1);
	*func = acquire_rows;
	*totalpages = pages_of(relation, count);
	return true;
}
