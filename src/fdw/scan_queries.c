/*
 * scan_queries.c
 *		The queries of a scan on their way: mostly one, several where a list was cut (request.c).
 *
 * Some are under way at a time, so that their jobs wait in Salesforce's queue together; rows come from one
 * after the other.  One that is over goes, and the next one starts.
 */
#include "scan.h"

#include "governor.h"
#include "lists.h"
#include "progress.h"

/* ---- a set of queries ------------------------------------------------------------------------------- */

static void
destroy_queries(void *object)
{
	SfbQueries *queries = object;

	for (int i = 0; i < queries->started; i++)
	{
		sf_query_free(queries->items[i]);
		queries->items[i] = NULL;
	}
	queries->started = 0;
}

void
sfb_queries_init(SfbScanState *scan, sf_session *session)
{
	scan->queries = palloc0(sizeof(SfbQueries));
	scan->queries->context = CurrentMemoryContext;
	scan->guard = sfb_guard_new(session, destroy_queries);
}

/* What a job of its queries draws on: those of Bulk API 1.0 are made of batches. */
static SfbWork
job_of(const SfbScanState *scan)
{
	return scan->options->bulk_api == SFB_BULK_1 ? SFB_WORK_INGEST_JOB : SFB_WORK_QUERY_JOB;
}

/* The query has failed.  ERROR that says why, where it needs a job that the org's quota does not allow. */
static void
explain_no_job(SfbScanState *scan)
{
	if (strcmp(scan->error.code, SF_CODE_NO_JOB) == 0)
		sfb_governor_admit(scan->guard->session, job_of(scan));
}

static void
start_query(SfbScanState *scan)
{
	SfbTableOptions *options = scan->options;
	SfbQueries *queries = scan->queries;
	sf_query_spec spec = {
		.soql = scan->request->soql[queries->started],
		.columns = scan->columns,
		.ncolumns = scan->nfields,
		.count_only = scan->kind == SFB_SCAN_COUNT && !scan->counts_rows,
		.query_all = options->query_all,
		.transport = scan->request->transport,
		.rest_row_limit = options->rest_row_limit,
		.page_rows = options->page_rows,
		.download_streams = options->download_streams,
		.no_threads = !sfb_decompress_thread,
		.poll_interval_max_ms = options->poll_interval_max,
		.job_timeout_ms = options->job_timeout,
		.keep_result = scan->rewindable,
		.hold_pages = scan->parallel != NULL, /* it may be read by several */
		.job_first = sfb_job_first,
		.no_job = queries->no_job,
	};
	sf_query *query;

	sfb_query_bulk_api(options, &spec);
	if (sfb_read_later && !spec.bulk1)
		spec.hold_pages = true;
	query = sf_query_start(scan->guard->session, &spec, &scan->error);
	if (query == NULL)
	{
		explain_no_job(scan);
		sfb_report(ERROR, &scan->error);
	}
	queries->items[queries->started++] = query;
}

/* As many as may be under way. */
static void
start_more(SfbScanState *scan)
{
	SfbQueries *queries = scan->queries;
	int until = Min(scan->request->count, queries->at + scan->request->at_once);

	if (queries->started >= until)
		return;
	while (queries->started < until)
		start_query(scan);
	sfb_kick(scan->guard->session);
}

/* May the scan begin?  And if it may go either way, may it become a job? */
static void
admit(SfbScanState *scan)
{
	sf_session *session = scan->guard->session;

	if (scan->request->transport == SF_TRANSPORT_REST)
		sfb_governor_admit(session, SFB_WORK_CALLS);
	else if (scan->request->transport == SF_TRANSPORT_BULK || sfb_job_first)
		sfb_governor_admit(session, job_of(scan));
	else
	{
		sfb_governor_admit(session, SFB_WORK_QUERY);
		scan->queries->no_job = !sfb_governor_allows(session, job_of(scan));
	}
}

void
sfb_queries_start(SfbScanState *scan)
{
	SfbQueries *queries = scan->queries;
	int count = scan->request->count;

	admit(scan);
	if (queries->size < count)
	{
		queries->items = MemoryContextAllocZero(queries->context, sizeof(sf_query *) * count);
		queries->size = count;
	}
	queries->at = 0;
	scan->have_stats = false;
	memset(&scan->stats, 0, sizeof(scan->stats));
	scan->guard->object = queries;
	sfb_progress_start(scan->progress);
	start_more(scan);
}

bool
sfb_queries_rewind(SfbScanState *scan)
{
	SfbQueries *queries = scan->queries;

	for (int i = 0; i < queries->started; i++)
		if (queries->items[i] == NULL)
			return false;
	for (int i = 0; i < queries->started; i++)
		if (sf_query_rewind(queries->items[i], &scan->error) == SF_FAILED)
			sfb_report(ERROR, &scan->error);
	queries->at = 0;
	return true;
}

/* ---- figures ------------------------------------------------------------------------------------------ */

static void
add_stats(sf_query_stats *to, const sf_query *query)
{
	sf_query_stats stats;

	sf_query_get_stats(query, &stats);
	to->transport = stats.transport;
	to->bulk1 = stats.bulk1;
	memcpy(to->job_id, stats.job_id, sizeof(to->job_id));
	to->rows += stats.rows;
	to->total_rows =
		stats.total_rows < 0 || to->total_rows < 0 ? -1 : to->total_rows + stats.total_rows;
	to->api_calls += stats.api_calls;
	to->polls += stats.polls;
	to->pages += stats.pages;
	to->retries += stats.retries;
	to->wire_bytes += stats.wire_bytes;
	to->text_bytes += stats.text_bytes;
	to->job_ms += stats.job_ms;
	to->queued_ms += stats.queued_ms;
	to->server_ms += stats.server_ms;
}

bool
sfb_queries_stats(const SfbScanState *scan, sf_query_stats *stats)
{
	const SfbQueries *queries = scan->queries;

	*stats = scan->stats;
	if (scan->guard->object == NULL)
		return scan->have_stats;
	for (int i = 0; i < queries->started; i++)
		if (queries->items[i] != NULL)
			add_stats(stats, queries->items[i]);
	return true;
}

/* What the scan shows of itself: job and phase of the query that rows come from, figures of all. */
static void
fill_progress(void *arg, SfbProgressInfo *info)
{
	SfbScanState *scan = arg;
	sf_query_stats stats;

	if (sfb_scan_query(scan) != NULL)
	{
		sf_query_get_stats(sfb_scan_query(scan), &stats);
		strlcpy(info->job, stats.job_id, sizeof(info->job));
		info->phase = sfb_progress_query_phase(scan->guard->session, stats.phase);
	}
	if (sfb_queries_stats(scan, &stats))
	{
		info->rows_done = stats.rows;
		info->bytes = stats.wire_bytes;
		info->api_calls = stats.api_calls;
		if (scan->queries->started == scan->request->count &&
			!(scan->kind == SFB_SCAN_COUNT && !scan->counts_rows))
			info->rows_total = stats.total_rows;
	}
	if (sfb_parallel_is_shared(scan))
		sfb_parallel_fill(scan, info);
}

void
sfb_queries_init_progress(SfbScanState *scan, Oid relid, Oid serverid)
{
	SfbProgressSpec spec = {.kind = SFB_PROGRESS_QUERY,
							.server = GetForeignServer(serverid)->servername,
							.object = scan->options->object,
							.relid = relid,
							.fill = fill_progress,
							.arg = scan};

	scan->progress = sfb_progress_new(&spec);
}

/* ---- rows ------------------------------------------------------------------------------------------------ */

/* Goes on to the next query; false when this was the last. */
static bool
next_query(SfbScanState *scan)
{
	SfbQueries *queries = scan->queries;

	if (queries->at + 1 >= scan->request->count)
		return false;
	if (!scan->rewindable)
	{
		add_stats(&scan->stats, queries->items[queries->at]);
		sf_query_free(queries->items[queries->at]);
		queries->items[queries->at] = NULL;
	}
	queries->at++;
	start_more(scan);
	sfb_kick(scan->guard->session);
	return true;
}

sf_status
sfb_scan_poll_row(SfbScanState *scan, sf_value **values)
{
	for (;;)
	{
		sf_status status = sf_query_next_row(sfb_scan_query(scan), values, &scan->error);

		if (status == SF_OK && unlikely(scan->request->checks) &&
			!sfb_request_takes(scan->request, scan->queries->at, *values))
			continue;
		if (unlikely(status == SF_FAILED))
			explain_no_job(scan);
		if (likely(status != SF_DONE) || !next_query(scan))
			return status;
	}
}

static SfbWaitReason
wait_reason(SfbScanState *scan)
{
	sf_query_stats stats;

	sf_query_get_stats(sfb_scan_query(scan), &stats);
	if (stats.phase >= SF_QUERY_DOWNLOADING)
		return SFB_WAIT_ROWS;
	return stats.transport == SF_TRANSPORT_BULK ? SFB_WAIT_JOB : SFB_WAIT_ANSWER;
}

bool
sfb_scan_wait(SfbScanState *scan)
{
	scan->starved = scan->nowait;
	if (!scan->nowait)
		sfb_wait_for(scan->guard->session, wait_reason(scan));
	return !scan->nowait;
}

bool
sfb_scan_next_row(SfbScanState *scan, sf_value **values)
{
	for (;;)
	{
		switch (sfb_scan_poll_row(scan, values))
		{
			case SF_OK:
				return true;
			case SF_WAIT:
				if (!sfb_scan_wait(scan))
					return false;
				break;
			case SF_DONE:
				return false;
			case SF_FAILED:
				sfb_report(ERROR, &scan->error);
		}
	}
}
