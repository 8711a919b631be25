/*
 * load_jobs.c
 *		Rows of a load that go by ingest jobs.
 *
 * A job's data is written to a spool and read from there for its one upload, right behind; the spool
 * stays until Salesforce has acknowledged all of it, because an upload that fails starts again in
 * another job.  Rows are split into jobs by bytes.  At most parallel_jobs are under way: uploading,
 * and with apply 'statement' also being worked on in Salesforce.
 */
#include "load.h"
#include "progress.h"

#include "utils/memutils.h"

/* The part of a job's spool that stays in memory; more goes to a temporary file. */
#define SPOOL_MEMORY (1024 * 1024)

/* How often the rest of a job's rows goes by another one. */
#define JOB_TRIES 4

/* ---- rows that met a lock ---------------------------------------------------------------------- */

/* A cell as it was sent: what the result file holds is Salesforce's reading of it. */
static void
append_cell(StringInfo row, const sf_column *column, const sf_value *value)
{
	if (value->data == NULL)
		return;
	if (strcmp(value->data, "#N/A") == 0)
	{
		/* a text of these characters never goes by a job */
		appendStringInfoString(row, value->data);
		return;
	}
	if (column->kind == SF_COLUMN_INT && strpbrk(value->data, ".eE") != NULL)
	{
		/* 912260031 comes back as 9.12260031E8, which an integer field refuses */
		appendStringInfo(row, "%.0f", strtod(value->data, NULL));
		return;
	}
	appendStringInfoChar(row, '"');
	for (const char *p = value->data; *p; p++)
	{
		if (*p == '"')
			appendStringInfoChar(row, '"');
		appendStringInfoChar(row, *p);
	}
	appendStringInfoChar(row, '"');
}

/* For each column of the load its place in a result file, or false when one is missing. */
static bool
find_columns(SfbLoad *load, int *places)
{
	int ncolumns = sf_results_ncolumns(load->results);

	for (int i = 0; i < load->ncolumns; i++)
	{
		places[i] = -1;
		for (int n = 0; n < ncolumns && places[i] < 0; n++)
			if (pg_strcasecmp(sf_results_column(load->results, n), load->columns[i].path) == 0)
				places[i] = n;
		if (places[i] < 0)
			return false;
	}
	return true;
}

/* What stands before the text of a row that is kept for another job. */
typedef struct LockedRow
{
	int32 len;
	int64 number; /* in the statement, or 0 */
} LockedRow;

/* Keeps a row for another job. */
static void
keep_locked_row(SfbLoad *load, StringInfo row, int64 number, const int *places,
				const sf_value *values)
{
	LockedRow head = {0};

	resetStringInfo(row);
	appendBinaryStringInfo(row, (char *) &head, sizeof(head));
	for (int i = 0; i < load->ncolumns; i++)
	{
		if (i > 0)
			appendStringInfoChar(row, ',');
		append_cell(row, &load->columns[i], &values[places[i]]);
	}
	appendStringInfoChar(row, '\n');
	head.len = row->len - (int) sizeof(head);
	head.number = number;
	memcpy(row->data, &head, sizeof(head));
	if (load->locked == NULL)
		load->locked = sfb_spool_new(SPOOL_MEMORY);
	sfb_spool_write(load->locked, row->data, row->len);
	load->locked_rows++;
}

/* The number in the statement of a row of a job, from 1; 0 where nobody knows. */
static int64
statement_row(const SfbLoadJob *job, int64 row)
{
	if (row < 1 || row > job->rows)
		return 0;
	return job->numbers != NULL ? job->numbers[row - 1] : job->first_row + row - 1;
}

/* ---- the end of a job ---------------------------------------------------------------------------- */

/* The next refused row of the job; NULL at the end, or when the file cannot be had and need not. */
static sf_value *
next_rejected(SfbLoad *load, bool must)
{
	sf_value *values;

	for (;;)
	{
		switch (sf_results_next(load->results, &values, load->error))
		{
			case SF_OK:
				return values;
			case SF_WAIT:
				sfb_load_wait(load);
				break;
			case SF_DONE:
				return NULL;
			case SF_FAILED:
				if (must)
					sfb_load_fail(load, load->error);
				sf_error_reset(load->error);
				return NULL;
		}
	}
}

/*
 * Reads why rows were refused: for the messages, and for those that only met a lock, which nothing is
 * known to be wrong with.
 */
static void
read_rejected(SfbLoad *load, SfbLoadJob *job)
{
	bool again = !job->failed && load->lock_round < SFB_LOAD_LOCK_ROUNDS;
	bool complete = false;
	int *places = palloc(sizeof(int) * Max(load->ncolumns, 1));
	int error_column = -1;
	StringInfoData row;
	sf_value *values;

	initStringInfo(&row);
	sf_error_reset(load->error);
	load->results = sf_results_start_ingest(load->guard->session, job->ingest,
											SF_RESULT_FAILED, load->error);
	if (load->results == NULL)
		sfb_load_fail(load, load->error);
	while ((values = next_rejected(load, !job->failed)) != NULL)
	{
		sf_row_error error = {0};
		int64 number = statement_row(job, sf_results_row(load->results));

		if (error_column < 0)
		{
			for (int n = 0; n < sf_results_ncolumns(load->results); n++)
				if (pg_strcasecmp(sf_results_column(load->results, n), "sf__Error") == 0)
					error_column = n;
			if (error_column < 0)
				break;
			complete = find_columns(load, places);
		}
		if (values[error_column].data != NULL)
			sf_row_error_parse(values[error_column].data, values[error_column].len, &error);
		if (again && complete && strcmp(error.code, "UNABLE_TO_LOCK_ROW") == 0)
		{
			keep_locked_row(load, &row, number, places, values);
			job->locked++;
		}
		else
			sfb_load_sample(load, number, &error);
	}
	load->api_calls += sf_results_api_calls(load->results);
	sf_results_free(load->results);
	load->results = NULL;
	pfree(row.data);
	pfree(places);
}

/* Counts what became of a job's rows, once that is final. */
static void
count_job(SfbLoad *load, SfbLoadJob *job)
{
	SfbOutcomeJob outcome = {0};
	sf_ingest_info *info = &job->info;
	int64 failed = Min(info->failed, info->processed);
	int64 rows = sfb_load_job_sent(job, info);

	if (!info->closed)
		return; /* nothing of it was saved; not sent, as far as the statement is concerned */
	if (!info->ended)
	{
		load->unknown += rows;
		return;
	}
	if (info->failed > 0 || rows > info->processed || load->options.keep_jobs)
		sf_ingest_keep(job->ingest);
	load->saved += info->processed - failed;
	load->rejected += failed;
	load->unprocessed += Max(rows - info->processed, 0);

	strlcpy(outcome.id, info->job_id, sizeof(outcome.id));
	outcome.bulk1 = load->options.bulk_api == SFB_BULK_1;
	outcome.failed = failed;
	outcome.unprocessed = Max(rows - info->processed, 0);
	sfb_outcome_select(load->serverid, load->userid, load->columns, load->ncolumns);
	sfb_outcome_add_job(&outcome);

	if (failed > 0)
		read_rejected(load, job);
	load->rejected -= job->locked;
}

/* All of a job's data has arrived: the next job may have its spool, while there are more rows. */
static void
end_spool(SfbLoad *load, SfbLoadJob *job)
{
	SfbSpool *spool = job->spool;

	job->spool = NULL;
	if (load->finished || load->spare != NULL)
		sfb_spool_free(spool);
	else
	{
		sfb_spool_reset(spool);
		load->spare = spool;
	}
}

/* Its job begins in Salesforce. */
static void
start_job(SfbLoad *load, SfbLoadJob *job)
{
	bool bulk1 = load->options.bulk_api == SFB_BULK_1;
	sf_ingest_spec spec = {
		.object = load->options.object,
		.operation = load->operation,
		.external_id_field = load->operation == SF_OP_UPSERT ? load->options.upsert_key : NULL,
		.assignment_rule_id = load->options.assignment_rule_id,
		.hold = load->options.apply == SFB_APPLY_COMMIT && load->lock_round == 0 && !bulk1,
		.bulk1 = bulk1,
		.serial = load->options.concurrency == SFB_SERIAL,
		.batch_rows = load->options.batch_rows,
		.poll_interval_max_ms = load->options.poll_interval_max,
		.job_timeout_ms = load->options.job_timeout,
	};

	sf_error_reset(load->error);
	job->ingest = sf_ingest_start(load->guard->session, &spec, load->error);
	if (job->ingest == NULL)
		sfb_load_fail(load, load->error);
	sfb_load_show_job(job, NULL);
}

/*
 * A job of Bulk API 1.0 was closed before it had all its rows, as an answer was lost: the others, which surely
 * are in no batch, go by another one.
 */
static void
continue_job(SfbLoad *load, SfbLoadJob *job)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(load->context);
	SfbLoadJob *next = palloc0(sizeof(SfbLoadJob));
	int64 sent = job->info.rows;

	next->load = load;
	next->tries = job->tries + 1;
	next->first_row = job->first_row + sent;
	next->numbers = job->numbers ? job->numbers + sent : NULL;
	next->skip = job->skip + (job->info.rest - load->header.len);
	next->bytes = job->bytes - (job->info.rest - load->header.len);
	next->rows = job->rows - sent;
	next->spool = job->spool;
	job->spool = NULL;
	job->rows = sent;
	load->jobs = lappend(load->jobs, next);
	MemoryContextSwitchTo(oldcontext);

	start_job(load, next);
	if (load->current == job)
		load->current = next;
	else
		sf_ingest_end(next->ingest, next->bytes);
}

/* Is what the load waits for now reached by this job?  Settles it then. */
static void
look_at(SfbLoad *load, SfbLoadJob *job)
{
	sf_status status;
	bool rest;

	if (job->settled || job->ingest == NULL)
		return;
	sf_error_reset(load->error);
	status = sf_ingest_check(job->ingest, load->error);
	sf_ingest_get_info(job->ingest, &job->info);
	if (job->info.acknowledged && job->spool != NULL)
		end_spool(load, job);
	if (status == SF_WAIT)
		return;
	job->settled = true;
	rest =
		status == SF_FAILED && job->info.rest > 0 && !load->stopping && job->tries < JOB_TRIES;
	if (status == SF_FAILED && !rest)
	{
		job->failed = true;
		job->error = MemoryContextAlloc(load->context, sizeof(sf_error));
		*job->error = *load->error;
	}
	if (status == SF_FAILED || job->info.phase == SF_INGEST_COMPLETE)
	{
		count_job(load, job);
		sfb_progress_end(job->progress);
	}
	if (rest)
		continue_job(load, job);
}

/* ---- jobs on their way ----------------------------------------------------------------------------- */

static void
pump_job(SfbLoad *load, SfbLoadJob *job)
{
	int64 wanted;

	while (job->spool != NULL && (wanted = sf_ingest_wanted(job->ingest)) >= 0 &&
		   wanted < sfb_spool_size(job->spool) - job->skip)
	{
		const char *data = load->header.data + wanted;
		Size n = load->header.len - wanted;

		/* the spool has the header row, too, but not where a later job begins */
		if (wanted >= load->header.len)
			n = sfb_spool_read(job->spool, wanted + job->skip, &data);

		if (sf_ingest_feed(job->ingest, data, n) == 0)
			break;
	}
}

void
sfb_load_pump(SfbLoad *load)
{
	ListCell *lc;

	foreach (lc, load->jobs)
	{
		SfbLoadJob *job = lfirst(lc);

		if (!job->settled && job->ingest != NULL)
			pump_job(load, job);
	}
}

bool
sfb_load_is_uploading(const SfbLoad *load)
{
	ListCell *lc;

	foreach (lc, load->jobs)
		if (((SfbLoadJob *) lfirst(lc))->spool != NULL)
			return true;
	return false;
}

static int
jobs_under_way(SfbLoad *load)
{
	int count = 0;
	ListCell *lc;

	foreach (lc, load->jobs)
	{
		SfbLoadJob *job = lfirst(lc);

		look_at(load, job);
		if (!job->settled)
			count++;
	}
	return count;
}

/* Waits until at most so many jobs are under way. */
static void
wait_for_jobs(SfbLoad *load, int most)
{
	while (jobs_under_way(load) > most)
		sfb_load_wait(load);
}

/* Rows that met a lock are rejected as any other when they are not sent again. */
static void
give_up_locked(SfbLoad *load)
{
	ListCell *lc;

	foreach (lc, load->jobs)
	{
		SfbLoadJob *job = lfirst(lc);

		if (job->resent)
			continue;
		load->rejected += job->locked;
		job->locked = 0;
	}
	load->locked_rows = 0;
}

void
sfb_load_stop_jobs(SfbLoad *load)
{
	ListCell *lc;

	load->stopping = true;
	foreach (lc, load->jobs)
	{
		SfbLoadJob *job = lfirst(lc);

		if (job->ingest == NULL)
			continue;
		sf_ingest_get_info(job->ingest, &job->info);
		if (job->info.closed)
		{
			/* what is at work comes to its end; with Bulk API 1.0 the rest is left out */
			sf_ingest_stop(job->ingest);
			continue;
		}
		sf_ingest_free(job->ingest);
		job->ingest = NULL;
		job->settled = true;
		sfb_progress_end(job->progress);
		sfb_drop_spool(&job->spool);
	}
	wait_for_jobs(load, 0);
	give_up_locked(load);
}

/* ERROR when a job has failed, or has more rejected rows than may be: the statement ends here. */
static void
check_jobs(SfbLoad *load)
{
	ListCell *lc;

	foreach (lc, load->jobs)
	{
		SfbLoadJob *job = lfirst(lc);

		if (!job->failed)
			continue;
		sfb_load_stop_jobs(load);
		sfb_load_fail(load, job->error);
	}
	if (sfb_load_too_many(load))
	{
		sfb_load_stop_jobs(load);
		sfb_load_report_rows(load);
	}
}

/* Moves on what is under way, and has a look at it; does not wait. */
static void
move_on(SfbLoad *load)
{
	sfb_load_pump(load);
	sfb_kick(load->guard->session);
	(void) jobs_under_way(load);
	check_jobs(load);
}

static void
begin_job(SfbLoad *load)
{
	MemoryContext oldcontext;
	SfbLoadJob *job;
	bool serial = load->options.concurrency == SFB_SERIAL;

	/* Salesforce works on the batches of one job one after the other, not on those of several */
	wait_for_jobs(load, serial ? 0 : load->options.parallel_jobs - 1);
	check_jobs(load);

	oldcontext = MemoryContextSwitchTo(load->context);
	job = palloc0(sizeof(SfbLoadJob));
	job->load = load;
	job->spool = load->spare != NULL ? load->spare : sfb_spool_new(SPOOL_MEMORY);
	load->spare = NULL;
	load->jobs = lappend(load->jobs, job);
	load->current = job;
	job->first_row = load->jobs_rows + 1;
	if (load->lock_round > 0)
		job->numbers = load->resent + (load->jobs_rows - load->resent_start);
	MemoryContextSwitchTo(oldcontext);

	sfb_spool_write(job->spool, load->header.data, load->header.len);
	job->bytes = load->header.len;
	start_job(load, job);
}

/* The first len bytes of block, so many rows, become data of the job at work. */
static void
hand_on(SfbLoad *load, int len, int nrows)
{
	SfbLoadJob *job = load->current;

	sfb_spool_write(job->spool, load->block.data, len);
	job->bytes += len;
	job->rows += nrows;
	load->jobs_rows += nrows;
	load->block_rows -= nrows;
	load->block.len -= len;
	memmove(load->block.data, load->block.data + len, load->block.len + 1);
	move_on(load);
}

/* The job at work has all its rows. */
static void
end_job(SfbLoad *load)
{
	SfbLoadJob *job = load->current;

	if (job == NULL)
		return;
	load->current = NULL;
	sf_ingest_end(job->ingest, job->bytes);
}

void
sfb_load_job_row(SfbLoad *load, int start)
{
	if (likely(load->current != NULL &&
			   load->current->bytes + load->block.len <= load->options.job_bytes))
	{
		if (load->block.len >= SFB_LOAD_BLOCK)
			hand_on(load, load->block.len, load->block_rows);
		return;
	}
	if (load->current != NULL && (load->current->rows > 0 || load->block_rows > 1))
	{
		/* full without this row */
		if (start > 0)
			hand_on(load, start, load->block_rows - 1);
		end_job(load);
	}
	if (load->current == NULL)
		begin_job(load);
	if (load->block.len >= SFB_LOAD_BLOCK)
		hand_on(load, load->block.len, load->block_rows);
}

void
sfb_load_switch_to_jobs(SfbLoad *load)
{
	int64 offset = 0;
	StringInfoData last = load->block;
	int last_rows = load->block_rows;

	load->mode = SFB_LOAD_JOBS;
	load->block = load->sent;
	load->sent = last;
	load->block_rows = 0;
	resetStringInfo(&load->block);

	for (int i = 0; i <= load->ncalls; i++)
	{
		bool held = i < load->ncalls;
		int nrows = held ? load->calls[i].nrows : last_rows;
		StringInfoData rows = last;

		if (held)
		{
			initStringInfo(&rows);
			sfb_read_spool(&rows, load->held, offset, load->calls[i].len);
			offset += load->calls[i].len;
		}
		for (int at = 0, n = 0; n < nrows; n++)
		{
			int len = sfb_csv_row_length(rows.data + at, rows.len - at);
			int start = load->block.len;

			appendBinaryStringInfo(&load->block, rows.data + at, len);
			load->block_rows++;
			sfb_load_job_row(load, start);
			at += len;
		}
		if (held)
			pfree(rows.data);
	}
	sfb_load_drop_calls(load);
}

/* Hands on what is left in block: the job at work has its last row. */
static void
finish_rows(SfbLoad *load)
{
	if (load->block_rows > 0)
		hand_on(load, load->block.len, load->block_rows);
	end_job(load);
}

void
sfb_load_upload_jobs(SfbLoad *load)
{
	finish_rows(load);
	sfb_drop_spool(&load->spare);
	if (load->options.apply != SFB_APPLY_COMMIT)
		return;
	wait_for_jobs(load, 0);
	check_jobs(load);
}

/* ---- completion -------------------------------------------------------------------------------------- */

/* Closes the jobs that were held, a few at a time. */
static void
commit_held_jobs(SfbLoad *load)
{
	ListCell *lc;

	foreach (lc, load->jobs)
	{
		SfbLoadJob *job = lfirst(lc);

		if (job->ingest == NULL || job->info.phase != SF_INGEST_HELD)
			continue;
		wait_for_jobs(load, load->options.parallel_jobs - 1);
		check_jobs(load);
		job->settled = false;
		sf_ingest_commit(job->ingest);
		sfb_kick(load->guard->session);
	}
}

/* What became of the rows that met a lock is told by the jobs to come, from here on. */
static void
tell_resent(SfbLoad *load)
{
	ListCell *lc;

	sfb_outcome_select(load->serverid, load->userid, load->columns, load->ncolumns);
	foreach (lc, load->jobs)
	{
		SfbLoadJob *job = lfirst(lc);

		if (job->locked > 0)
			sfb_outcome_resend(job->info.job_id, job->locked);
		job->resent = true;
	}
}

/* Sends the rows that met a lock once more. */
static void
send_locked_rows(SfbLoad *load)
{
	SfbSpool *locked = load->locked;
	int64 size = sfb_spool_size(locked);
	MemoryContext oldcontext;

	sfb_pause(load->guard->session, SFB_LOAD_LOCK_PAUSE << load->lock_round++);
	tell_resent(load);

	/* both spools hang on the load while rows go from one to the other */
	oldcontext = MemoryContextSwitchTo(load->context);
	load->resending = locked;
	load->locked = NULL;
	load->resent = MemoryContextAllocHuge(load->context, sizeof(int64) * load->locked_rows);
	load->resent_start = load->jobs_rows;
	load->locked_rows = 0;
	MemoryContextSwitchTo(oldcontext);
	for (int64 offset = 0, n = 0; offset < size; n++)
	{
		int start = load->block.len;
		LockedRow head;

		sfb_read_spool(&load->block, locked, offset, sizeof(head));
		memcpy(&head, load->block.data + start, sizeof(head));
		load->resent[n] = head.number;
		load->block.len = start;
		sfb_read_spool(&load->block, locked, offset + sizeof(head), head.len);
		load->block_rows++;
		sfb_load_job_row(load, start);
		offset += sizeof(head) + head.len;
	}
	load->resending = NULL;
	sfb_spool_free(locked);
	finish_rows(load);
}

void
sfb_load_complete_jobs(SfbLoad *load)
{
	commit_held_jobs(load);
	for (;;)
	{
		wait_for_jobs(load, 0);
		check_jobs(load);
		if (load->locked_rows == 0)
			break;
		send_locked_rows(load);
	}
}
