/*
 * load.c
 *		A statement's rows on their way to Salesforce, from the first one to the report.
 *
 * Rows are encoded at once, so that what cannot be sent is an error of its own row.  Few rows are
 * held back and go by Collections at the end of the statement; when there are more, all of them become
 * the data of ingest jobs, which are uploaded while the statement goes on producing rows.
 *
 *		apply 'statement'	sfb_load_finish sends what is left and waits for what becomes of it
 *		apply 'commit'		it uploads, and leaves the rest to sfb_load_commit; jobs stay Open
 *							until then, and calls are not made
 *
 * However a load ends, its guard destroys it: transfers stop, jobs that are not closed go.
 */
#include "load.h"
#include "governor.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* ---- begin and end of a load ----------------------------------------------------------------- */

/* No network I/O and no ERROR here: it may run while a transaction aborts. */
static void
destroy_load(void *object)
{
	SfbLoad *load = object;
	ListCell *lc;

	if (load->deferred)
		sfb_apply_drop(load);
	if (load->saved > 0 && !load->told)
		sfb_apply_failed(load->relname, load->saved);
	load->told = true;
	foreach (lc, load->jobs)
	{
		SfbLoadJob *job = lfirst(lc);

		sf_ingest_free(job->ingest);
		job->ingest = NULL;
		sfb_drop_spool(&job->spool);
	}
	sf_results_free(load->results);
	load->results = NULL;
	sf_collections_free(load->call);
	load->call = NULL;
	sfb_drop_spool(&load->spare);
	sfb_drop_spool(&load->locked);
	sfb_drop_spool(&load->resending);
	sfb_drop_spool(&load->held);
}

static char *
copy_text(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

/* The columns as the client wants them, in the current context. */
static sf_column *
copy_columns(const sf_column *columns, int ncolumns)
{
	sf_column *copy = palloc(sizeof(sf_column) * Max(ncolumns, 1));

	for (int i = 0; i < ncolumns; i++)
	{
		copy[i].kind = columns[i].kind;
		copy[i].path = pstrdup(columns[i].path);
	}
	return copy;
}

/* Copies what the statement says; everything in the load's context. */
static void
copy_spec(SfbLoad *load, const SfbLoadSpec *spec)
{
	load->relname = pstrdup(spec->relname);
	load->relid = spec->relid;
	load->serverid = spec->user->serverid;
	load->userid = GetUserId();
	load->servername = GetForeignServer(spec->user->serverid)->servername;
	load->options = *spec->options;
	load->options.object = pstrdup(spec->options->object);
	load->options.query = NULL;
	load->options.upsert_key = copy_text(spec->options->upsert_key);
	load->options.assignment_rule_id = copy_text(spec->options->assignment_rule_id);
	load->operation = spec->operation;
	load->one_by_one = spec->one_by_one;
	load->ncolumns = spec->ncolumns;
	load->table_columns = spec->columns;
	load->columns = copy_columns(sfb_row_encoder_columns(load->encoder), spec->ncolumns);
	initStringInfo(&load->header);
	sfb_row_encoder_header(load->encoder, &load->header);
}

/* The same for a load that takes over from another one. */
static void
copy_target(SfbLoad *load, const SfbLoad *from)
{
	load->relname = pstrdup(from->relname);
	load->relid = from->relid;
	load->serverid = from->serverid;
	load->userid = from->userid;
	load->servername = pstrdup(from->servername);
	load->options = from->options;
	load->options.object = pstrdup(from->options.object);
	load->options.upsert_key = copy_text(from->options.upsert_key);
	load->options.assignment_rule_id = copy_text(from->options.assignment_rule_id);
	load->operation = from->operation;
	load->ncolumns = from->ncolumns;
	load->columns = copy_columns(from->columns, from->ncolumns);
	load->header.data = pstrdup(from->header.data);
	load->header.len = from->header.len;
	load->header.maxlen = from->header.len + 1;
}

/* Do its rows go by jobs, however few they are? */
static bool
jobs_only(const SfbLoad *load)
{
	return load->operation == SF_OP_HARD_DELETE ||
		   load->options.transport == SF_TRANSPORT_BULK;
}

static SfbLoadMode
first_mode(const SfbLoad *load)
{
	if (load->one_by_one)
		return SFB_LOAD_CALLS;
	/* what waits for the commit is held as long as it is little: more may come, for the same job */
	if (jobs_only(load))
		return load->options.apply == SFB_APPLY_STATEMENT ? SFB_LOAD_JOBS : SFB_LOAD_UNDECIDED;
	return load->options.transport == SF_TRANSPORT_REST ? SFB_LOAD_CALLS : SFB_LOAD_UNDECIDED;
}

/* What a load needs while it is at work: nothing of it is small. */
static void
init_work(SfbLoad *load)
{
	initStringInfo(&load->block);
	initStringInfo(&load->sent);
	load->sent_numbers = palloc(sizeof(int64) * SF_COLLECTIONS_MAX);
	load->error = palloc0(sizeof(sf_error));
}

SfbLoad *
sfb_load_begin(const SfbLoadSpec *spec)
{
	SfbRowEncoder *encoder =
		sfb_row_encoder_new(spec->ncolumns, spec->attnums, spec->columns, spec->operation);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "sfbulk_fdw load", ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	SfbLoad *load = palloc0(sizeof(SfbLoad));
	sf_session *session;

	load->context = context;
	load->encoder = encoder;
	copy_spec(load, spec);
	load->mode = first_mode(load);
	init_work(load);
	INSTR_TIME_SET_CURRENT(load->started);

	session = sfb_session_get(spec->user);
	/* what a statement has begun it may end, on all its tables */
	if (!spec->same_statement)
		sfb_governor_admit(session, jobs_only(load) ? SFB_WORK_INGEST_JOB : SFB_WORK_CALLS);
	load->guard = sfb_guard_new(session, destroy_load);
	load->guard->object = load;
	load->held = sfb_spool_new(SFB_LOAD_HELD_BYTES / 4);
	/* the loads of the statement that were begun before may be those that wait for the commit */
	if (load->options.apply == SFB_APPLY_STATEMENT &&
		!(spec->same_statement && sfb_outcome_running(load->serverid, load->userid)))
		sfb_outcome_begin(load->serverid, load->userid);
	MemoryContextSwitchTo(oldcontext);
	return load;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* A line of context for errors while a row is encoded: where, never what. */
static void
encode_context(void *arg)
{
	SfbLoad *load = arg;
	AttrNumber attnum = sfb_row_encoder_attnum(load->encoder);

	if (attnum > 0)
		errcontext("column \"%s\" of foreign table \"%s\", row " INT64_FORMAT
				   " of the statement",
				   load->table_columns[attnum - 1].attname, load->relname, load->rows);
}

void
sfb_load_wait(SfbLoad *load)
{
	sfb_load_pump(load);
	sfb_wait_for(load->guard->session,
				 sfb_load_is_uploading(load) ? SFB_WAIT_UPLOAD : SFB_WAIT_JOB);
}

/* ERROR for a text that ingest jobs would read as null. */
static void
check_literal_na(SfbLoad *load)
{
	if (load->literal_na == 0)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("the text \"#N/A\" cannot be written by an ingest job"),
		 errdetail("There it means null. It is in column \"%s\" of row " INT64_FORMAT
				   " of the statement.",
				   load->table_columns[load->literal_na - 1].attname, load->literal_na_row),
		 errhint("Set the option transport to \"rest\" for foreign table \"%s\", or write "
				 "these rows by a statement of their own with at most rest_row_limit rows.",
				 load->relname)));
}

/* Rows that wait in block go where they are held, or are sent. */
static void
end_full_call(SfbLoad *load)
{
	if (load->block_rows >= SF_COLLECTIONS_MAX || load->block.len >= SFB_LOAD_CALL_BYTES)
		sfb_load_end_call(load);
}

static bool
has_outgrown_calls(const SfbLoad *load)
{
	return load->rows > load->options.rest_row_limit ||
		   sfb_spool_size(load->held) + load->block.len > SFB_LOAD_HELD_BYTES;
}

/*
 * Do rows stay here until the commit, however many they are?  Salesforce works on what a job of Bulk API 1.0
 * has got, without waiting for its close.
 */
static bool
must_hold(const SfbLoad *load)
{
	return load->options.bulk_api == SFB_BULK_1 && load->options.apply == SFB_APPLY_COMMIT;
}

void
sfb_load_row(SfbLoad *load, const Datum *values, const bool *isnull)
{
	ErrorContextCallback callback;
	MemoryContext oldcontext = CurrentMemoryContext;
	AttrNumber literal_na;
	int start;

	if (load->mode != SFB_LOAD_JOBS)
	{
		MemoryContextSwitchTo(load->context);
		end_full_call(load);
		MemoryContextSwitchTo(oldcontext);
	}
	start = load->block.len;
	load->rows++;

	callback.callback = encode_context;
	callback.arg = load;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	sfb_encode_row(load->encoder, &load->block, values, isnull);
	error_context_stack = callback.previous;
	load->block_rows++;

	literal_na = sfb_row_encoder_literal_na(load->encoder);
	if (unlikely(literal_na != 0) && load->literal_na == 0)
	{
		load->literal_na = literal_na;
		load->literal_na_row = load->rows;
	}

	MemoryContextSwitchTo(load->context);
	if (unlikely(literal_na != 0) && jobs_only(load))
		check_literal_na(load);
	if (load->mode == SFB_LOAD_UNDECIDED && has_outgrown_calls(load))
	{
		check_literal_na(load);
		if (!must_hold(load))
		{
			/* nothing of it was sent yet */
			sfb_governor_admit(load->guard->session, SFB_WORK_INGEST_JOB);
			sfb_load_switch_to_jobs(load);
		}
	}
	else if (load->mode == SFB_LOAD_JOBS)
	{
		if (unlikely(literal_na != 0))
			check_literal_na(load);
		sfb_load_job_row(load, start);
	}
	MemoryContextSwitchTo(oldcontext);
}

bool
sfb_load_row_now(SfbLoad *load, const Datum *values, const bool *isnull, char id[19])
{
	MemoryContext oldcontext;

	sfb_load_row(load, values, isnull);
	oldcontext = MemoryContextSwitchTo(load->context);
	load->id[0] = '\0';
	sfb_load_end_call(load);
	sfb_load_send_calls(load);
	if (sfb_load_too_many(load))
		sfb_load_report_rows(load);
	MemoryContextSwitchTo(oldcontext);
	memcpy(id, load->id, sizeof(load->id));
	return id[0] != '\0';
}

/* ---- loads that wait for the commit ------------------------------------------------------------- */

SfbLoad *
sfb_load_move(SfbLoad *load)
{
	/*
	 * Not in CurTransactionContext: a released subtransaction's is kept as long as it has anything, and takes
	 * more than all this.
	 */
	MemoryContext context =
		AllocSetContextCreate(TopTransactionContext, "sfbulk_fdw load", ALLOCSET_SMALL_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	SfbLoad *moved = palloc0(sizeof(SfbLoad));
	List *jobs = NIL;
	ListCell *lc;

	moved->context = context;
	copy_target(moved, load);
	moved->mode = load->mode;
	moved->finished = true;
	moved->guard = sfb_guard_new(load->guard->session, destroy_load);
	moved->guard->object = moved;
	if (load->mode == SFB_LOAD_JOBS)
	{
		moved->rows = load->rows;
		foreach (lc, load->jobs)
		{
			SfbLoadJob *job = palloc(sizeof(SfbLoadJob));

			*job = *(SfbLoadJob *) lfirst(lc);
			Assert(job->spool == NULL && job->error == NULL);
			job->load = moved;
			sfb_load_show_job(job, lfirst(lc));
			jobs = lappend(jobs, job);
		}
	}
	else
	{
		moved->held = sfb_spool_new(SFB_LOAD_HELD_BYTES / 4);
		sfb_load_take_held(moved, load);
	}

	/* From here on nothing can fail: the jobs change hands. */
	sfb_load_hide(load);
	moved->jobs = jobs;
	load->jobs = NIL;
	MemoryContextSwitchTo(oldcontext);
	return moved;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Everything that was taken is sent and looked at; reports. */
static void
complete_load(SfbLoad *load)
{
	if (load->mode == SFB_LOAD_JOBS)
		sfb_load_complete_jobs(load);
	else
		sfb_load_send_calls(load);
	sfb_load_report_rows(load);
	sfb_load_summary(load);
	load->told = true;
}

int64
sfb_load_finish(SfbLoad *load)
{
	MemoryContext oldcontext;
	int64 lost;

	if (load->finished)
		return 0;
	load->finished = true;

	oldcontext = MemoryContextSwitchTo(load->context);
	if (load->mode == SFB_LOAD_JOBS)
		sfb_load_upload_jobs(load);
	else if (load->block_rows > 0)
		sfb_load_end_call(load);
	load->split = load->ncalls > 1;
	/* the statement's, which ends */
	load->encoder = NULL;
	load->table_columns = NULL;

	if (load->options.apply == SFB_APPLY_COMMIT && load->rows > 0)
		sfb_apply_defer(load);
	else if (load->rows > 0)
		complete_load(load);
	lost = load->rejected;
	sfb_load_hide(load);
	sfb_guard_clear(load->guard);
	MemoryContextSwitchTo(oldcontext);
	return lost;
}

void
sfb_load_commit(SfbLoad *load)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(load->context);

	INSTR_TIME_SET_CURRENT(load->started);
	init_work(load);
	if (load->mode == SFB_LOAD_UNDECIDED && load->literal_na == 0 &&
		(jobs_only(load) || has_outgrown_calls(load)))
	{
		/* many small statements, which have been put together */
		sfb_load_switch_to_jobs(load);
		sfb_load_upload_jobs(load);
	}
	complete_load(load);
	sfb_load_hide(load);
	sfb_guard_clear(load->guard);
	MemoryContextSwitchTo(oldcontext);
}
