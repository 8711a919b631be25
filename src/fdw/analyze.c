/*
 * analyze.c
 *		ANALYZE: how many records there are, and what a sample of them looks like.
 *
 * The sample comes by REST, with the credentials of the table's owner, and through the converters of scans.
 * A table that takes no more calls than a sample would is read whole, which leaves no bias and tells the
 * number of records.  Else that comes from /limits/recordCount, or from SELECT COUNT() where an org does not
 * tell.
 *
 * Of a larger one, runs of neighbouring records are read, the first, the last, and some between, as SOQL has
 * no random order.  Ids are base-62 numbers that orgs hand out in ascending order, and may be compared
 * (Salesforce itself splits large queries so: Bulk API guide, PK chunking).  They are not dense: an org that
 * has moved has ids of several instances, with nothing in between.  So the next run begins in the middle of
 * what was not read, where that seems to be the most records; and the record before it is looked for, so that
 * a gap is known as one.  How many were not read is told by how densely the Ids of the run before lie; each
 * run stands for half of what was not read on either side, and so many of its rows go into the sample.  What
 * bias remains: neighbours were often created together, so that values that come in batches seem rarer or
 * more frequent than they are, and the density of a run is taken for what follows it.
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
#include "governor.h"
#include "planner.h"
#include "progress.h"

/* Rows of a REST answer page, unless page_rows says less. */
#define REST_PAGE_ROWS 2000
#define REST_PAGE_MIN  200

/* Runs: some 1,500 rows each, a page; 20 with the default statistics target. */
#define RUNS_MIN 8
#define RUNS_MAX 20
#define RUN_ROWS 1500

/* Records between two looks at whether to tell of the progress. */
#define LOOK_ROWS 1000

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
	int64 read;
	int64 bytes;
	int calls;
	SfbProgress *progress;
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

	sfb_query_bulk_api(s->options, &spec);
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
				if (++s->read % LOOK_ROWS == 0)
					sfb_progress_tick();
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
	s->bytes += stats->wire_bytes;
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

/* ---- progress ------------------------------------------------------------------------------------ */

static void
fill_progress(void *arg, SfbProgressInfo *info)
{
	Sample *s = arg;
	sf_query_stats stats = {0};

	info->phase = s->rows != NULL ? "sampling" : "counting";
	if (s->guard->object != NULL)
	{
		sf_query_get_stats(s->guard->object, &stats);
		strlcpy(info->job, stats.job_id, sizeof(info->job));
		if (stats.phase < SF_QUERY_DOWNLOADING && stats.job_id[0] != '\0')
			info->phase = sfb_progress_query_phase(s->guard->session, stats.phase);
	}
	info->rows_done = s->read;
	info->api_calls = s->calls + stats.api_calls;
	info->bytes = s->bytes + stats.wire_bytes;
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

/* a - 1, for an a that is not 0. */
static void
id_before(const char *a, char out[ID_LEN + 1])
{
	int i = ID_LEN - 1;

	strcpy(out, a);
	while (i > 0 && out[i] == id_digits[0])
		out[i--] = id_digits[61];
	out[i] = id_digits[Max(id_digit(out[i]) - 1, 0)];
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

/* A run of rows that was read, and how far what was not read behind it goes. */
typedef struct Run
{
	char first[ID_LEN + 1]; /* Id of its first record, … */
	char last[ID_LEN + 1];	/* … of its last one, … */
	char end[ID_LEN + 1];	/* … and none is behind this one before the next run */
	HeapTuple *rows;
	int nrows;
} Run;

static bool
is_complete(const Run *run)
{
	return strcmp(run->last, run->end) >= 0;
}

/* How many records behind the run were not read, by how densely those in it lie. */
static double
unread_rows(const Run *run)
{
	if (is_complete(run))
		return 0;
	return run->nrows * id_distance(run->last, run->end) /
		   Max(id_distance(run->first, run->last), 1);
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
 * Reads a run of at most nrows records that fulfil the condition; false when there is none, or Salesforce
 * refuses.  Nothing is known to be behind it yet.
 */
static bool
read_run(Sample *s, const char *where, const char *order, int nrows, Size room, Run *run)
{
	sf_query_stats stats;
	sf_value *values;
	Size bytes = 0;

	memset(run, 0, sizeof(*run));
	run->rows = palloc(sizeof(HeapTuple) * nrows);
	start_query(s,
				psprintf("SELECT %s FROM %s%s ORDER BY %s LIMIT %d", s->select,
						 s->options->object, where, order, nrows),
				s->fields->columns, s->fields->nfields);
	while (run->nrows < nrows && (values = next_row(s)) != NULL)
	{
		char id[ID_LEN + 1];

		take_id(id, &values[s->id_field]);
		if (run->nrows == 0 || strcmp(id, run->first) < 0)
			strcpy(run->first, id);
		if (run->nrows == 0 || strcmp(id, run->last) > 0)
			strcpy(run->last, id);
		run->rows[run->nrows] = make_row(s, values);
		bytes += run->rows[run->nrows++]->t_len;
		if (bytes > room)
		{
			/* Rows of a job come in any order: only all of them are a run. */
			sf_query_get_stats(s->guard->object, &stats);
			if (stats.transport == SF_TRANSPORT_REST)
				break;
		}
	}
	end_query(s, &stats);
	strcpy(run->end, run->last);
	return run->nrows > 0;
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
 * Reads a run in the middle of what was not read behind another one.  It may turn out empty, as when records
 * went meanwhile.
 */
static void
split(Sample *s, Run *run, Run *second, int nrows, Size room)
{
	char middle[ID_LEN + 1];

	id_middle(run->last, run->end, middle);
	if (read_run(s, psprintf(" WHERE Id > '%s' AND Id <= '%s'", middle, run->end), "Id", nrows,
				 room, second))
		strcpy(second->end, run->end);
	if (was_refused(s))
		return;
	if (!read_last_id(s, psprintf(" WHERE Id >= '%s' AND Id <= '%s'", run->last, middle),
					  run->end))
		strcpy(run->end, run->last);
}

/* The run that seems to have the most behind it, or -1 when everything was read. */
static int
largest_rest(const Run *runs, int n)
{
	int largest = -1;

	for (int i = 0; i < n; i++)
		if (!is_complete(&runs[i]) &&
			(largest < 0 || unread_rows(&runs[i]) > unread_rows(&runs[largest])))
			largest = i;
	return largest;
}

/* From each run as many of its rows as its share of the table wants. */
static void
choose_rows(Sample *s, const Run *runs, int n)
{
	double *shares = palloc0(sizeof(double) * Max(n, 1));
	double total = 0;
	double scale;

	for (int i = 0; i < n; i++)
	{
		double unread = unread_rows(&runs[i]);

		shares[i] += runs[i].nrows + unread / 2;
		shares[Min(i + 1, n - 1)] += unread / 2;
		total += runs[i].nrows + unread;
	}
	scale = s->target / Max(total, 1);
	for (int i = 0; i < n; i++)
		scale = Min(scale, runs[i].nrows / shares[i]);

	for (int i = 0; i < n; i++)
	{
		const Run *run = &runs[i];
		int wanted =
			(int) Min(floor(shares[i] * scale + sfb_random_fract()), (double) run->nrows);

		for (int row = 0; row < run->nrows; row++)
		{
			if (wanted > 0 && s->nrows < s->target &&
				(run->nrows - row) * sfb_random_fract() < wanted)
			{
				s->rows[s->nrows++] = run->rows[row];
				wanted--;
			}
			else
				heap_freetuple(run->rows[row]);
		}
	}
}

/* How the sample is taken. */
typedef struct SampleSize
{
	int nruns;
	int run_rows;
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

	size.nruns = Max(Min(target / RUN_ROWS, RUNS_MAX), RUNS_MIN);
	size.run_rows = Max((target + size.nruns - 1) / size.nruns, 2);
	/* each run takes its pages and a question for what is before it */
	calls = size.nruns * ((size.run_rows + page - 1) / page + 1);
	size.whole = Max((double) calls * page, target);
	return size;
}

/*
 * Fills the sample from runs; false when Salesforce refuses to compare or sort by Id.  Where everything was
 * read after all, *count becomes exact.
 */
static bool
read_runs(Sample *s, SampleSize size, double *count)
{
	Run *runs = palloc0(sizeof(Run) * size.nruns);
	Size room = s->room / size.nruns;
	double total = 0;
	int n = 0;
	int largest;

	/* the first and the last run; the others are put between, so that rows are in the order of the Ids */
	if (read_run(s, "", "Id", size.run_rows, room, &runs[0]))
	{
		n = 1;
		if (read_run(s, psprintf(" WHERE Id > '%s'", runs[0].last), "Id DESC", size.run_rows,
					 room, &runs[1]))
		{
			id_before(runs[1].first, runs[0].end);
			n = 2;
		}
	}
	while (!was_refused(s) && n < size.nruns && (largest = largest_rest(runs, n)) >= 0)
	{
		Run second;

		split(s, &runs[largest], &second, size.run_rows, room);
		if (second.nrows == 0)
			continue;
		memmove(&runs[largest + 2], &runs[largest + 1], sizeof(Run) * (n - largest - 1));
		runs[largest + 1] = second;
		n++;
	}
	if (was_refused(s))
		return false;

	if (largest_rest(runs, n) < 0)
	{
		for (int i = 0; i < n; i++)
			total += runs[i].nrows;
		*count = total;
	}
	choose_rows(s, runs, n);
	return true;
}

/* ---- the callbacks ------------------------------------------------------------------------------------ */

/* The session of the table's owner, as for any ANALYZE. */
static void
init_sample(Sample *s, Relation rel)
{
	Oid serverid = GetForeignTable(RelationGetRelid(rel))->serverid;
	SfbProgressSpec spec = {.kind = SFB_PROGRESS_ANALYZE,
							.relid = RelationGetRelid(rel),
							.fill = fill_progress,
							.arg = s};

	memset(s, 0, sizeof(*s));
	s->rel = rel;
	s->options = sfb_table_options(RelationGetRelid(rel));
	s->guard = sfb_guard_new(sfb_session_get(GetUserMapping(rel->rd_rel->relowner, serverid)),
							 destroy_query);
	sfb_governor_admit(s->guard->session, SFB_WORK_CALLS);
	spec.server = GetForeignServer(serverid)->servername;
	spec.object = s->options->object;
	s->progress = sfb_progress_begin(&spec);
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
			whole = read_runs(&s, size, &count);
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
	sfb_progress_end(s.progress);
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
	sfb_progress_end(s.progress);
	*func = acquire_rows;
	*totalpages = pages_of(relation, count);
	return true;
}
