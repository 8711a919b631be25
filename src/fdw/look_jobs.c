/*
 * look_jobs.c
 *		SQL functions about the bulk jobs of the org: which there are, aborting and deleting one.
 *
 * The list has no counters and times: they are asked for job by job, several at a time, ahead of the row that
 * is given.  A job that is gone by then is shown as the list has it, and so are all once the governor wants no
 * more calls to be made.
 */
#include "functions.h"
#include "governor.h"

#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "compat.h"

/* Declared here because before 16 neither fmgr.h nor PG_FUNCTION_INFO_V1 exports them. */
extern PGDLLEXPORT Datum sfbulk_job_rows(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfbulk_abort_job(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfbulk_delete_job(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfbulk_job_rows);
PG_FUNCTION_INFO_V1(sfbulk_abort_job);
PG_FUNCTION_INFO_V1(sfbulk_delete_job);

/* Jobs asked for at a time: as many as a session keeps connections. */
#define WINDOW 8

/* A job of the list, and what is asked of it. */
typedef struct JobLine
{
	MemoryContext context; /* of the texts of entry */
	sf_job_entry entry;
	SfbGuard *guard; /* of the question; its object is NULL where none is under way */
	sf_error error;
} JobLine;

typedef struct JobList
{
	SfbGuard *guard; /* of the list at work: first of ingest jobs, then of queries */
	sf_job_family family;
	HTAB *seen; /* ids: the two lists overlap, and jobs come and go between their pages */
	bool ended;
	bool details;
	sf_error error;

	/* jobs that were read ahead: a ring */
	JobLine lines[WINDOW];
	int first;
	int count;
} JobList;

static void
destroy_list(void *object)
{
	sf_jobs_free(object);
}

static void
destroy_question(void *object)
{
	sf_job_ask_free(object);
}

/* ---- the list --------------------------------------------------------------------------------- */

static void
start_list(JobList *list, sf_job_family family)
{
	list->family = family;
	sfb_guard_clear(list->guard);
	list->guard->object = sf_jobs_start(list->guard->session, family, &list->error);
	if (list->guard->object == NULL)
		sfb_report(ERROR, &list->error);
	sfb_kick(list->guard->session);
}

static void *
begin_jobs(FunctionCallInfo fcinfo)
{
	ForeignServer *server = sfb_function_server(fcinfo);
	JobList *list = palloc0(sizeof(JobList));
	HASHCTL info = {
		.keysize = SF_JOB_ID_MAX, .entrysize = SF_JOB_ID_MAX, .hcxt = CurrentMemoryContext};

	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("whether details are wanted must not be null")));
	list->details = PG_GETARG_BOOL(1);
	list->seen =
		hash_create("sfbulk_fdw jobs", 256, &info, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	list->guard = sfb_function_guard(server, destroy_list);
	for (int i = 0; i < WINDOW; i++)
	{
		list->lines[i].guard = sfb_function_guard(server, destroy_question);
		list->lines[i].context = AllocSetContextCreate(CurrentMemoryContext, "sfbulk_fdw job",
													   ALLOCSET_SMALL_SIZES);
	}
	sfb_governor_admit(list->guard->session, SFB_WORK_CALLS);
	start_list(list, SF_JOBS_INGEST);
	return list;
}

/* The next job of the list at work; NULL at its end, or (wait) false when it would have to be waited for. */
static sf_status
next_entry(JobList *list, const sf_job_entry **entry, bool wait)
{
	for (;;)
	{
		sf_status status = sf_jobs_next(list->guard->object, entry, &list->error);

		if (status == SF_FAILED)
			sfb_report(ERROR, &list->error);
		if (status != SF_WAIT || !wait)
			return status;
		sfb_wait(list->guard->session);
	}
}

/* The next job of either list that was not there before: SF_OK, SF_DONE, SF_WAIT unless it is waited for. */
static sf_status
next_job(JobList *list, const sf_job_entry **entry, bool wait)
{
	while (!list->ended)
	{
		sf_status status = next_entry(list, entry, wait);
		bool seen;

		if (status == SF_WAIT)
			return SF_WAIT;
		if (status == SF_DONE)
		{
			list->ended = list->family == SF_JOBS_QUERY;
			if (!list->ended)
				start_list(list, SF_JOBS_QUERY);
			continue;
		}
		hash_search(list->seen, (*entry)->id, HASH_ENTER, &seen);
		if (!seen)
			return SF_OK;
	}
	return SF_DONE;
}

/* ---- details ---------------------------------------------------------------------------------- */

/* Which resource knows the job. */
static sf_job_family
family_of(const JobList *list, const sf_job_entry *entry)
{
	if (strcmp(entry->job_type, "Classic") == 0)
		return SF_JOBS_CLASSIC;
	if (strcmp(entry->job_type, "V2Query") == 0)
		return SF_JOBS_QUERY;
	return entry->job_type[0] == '\0' ? list->family : SF_JOBS_INGEST;
}

/* Notes a job of the list, whose texts go with its next page, and asks for the rest. */
static void
take_line(JobList *list, const sf_job_entry *entry)
{
	JobLine *line = &list->lines[(list->first + list->count) % WINDOW];
	MemoryContext oldcontext;
	const char **texts[] = {&line->entry.id,		   &line->entry.job_type,
							&line->entry.operation,	   &line->entry.object,
							&line->entry.state,		   &line->entry.created_by_id,
							&line->entry.created_date, &line->entry.system_modstamp,
							&line->entry.content_type, &line->entry.concurrency_mode};

	MemoryContextReset(line->context);
	oldcontext = MemoryContextSwitchTo(line->context);
	line->entry = *entry;
	for (int i = 0; i < (int) lengthof(texts); i++)
		*texts[i] = pstrdup(*texts[i]);
	MemoryContextSwitchTo(oldcontext);
	sf_error_reset(&line->error);
	list->count++;
	if (!list->details || !sfb_governor_allows(list->guard->session, SFB_WORK_CALLS))
		return;
	line->guard->object =
		sf_job_ask_start(line->guard->session, family_of(list, entry), line->entry.id,
						 line->entry.api_version, SF_JOB_ASK, &line->error);
	/* an id that none can be asked for with is no reason not to show it */
	if (line->guard->object == NULL && line->error.cls != SF_ERR_CONFIG)
		sfb_report(ERROR, &line->error);
}

/* Reads on as far as there is room; waits for the list only when there is nothing else. */
static void
fill_window(JobList *list)
{
	int room = list->details ? WINDOW : 1;
	int taken = 0;
	const sf_job_entry *entry;

	while (list->count < room && next_job(list, &entry, list->count == 0) == SF_OK)
	{
		take_line(list, entry);
		taken++;
	}
	if (taken > 0 && list->details)
		sfb_kick(list->guard->session);
}

/* Waits for what is said of a job; false when it is not to be had. */
static bool
wait_detail(JobLine *line, const sf_job_detail **detail)
{
	sf_status status = SF_FAILED;

	while (line->guard->object != NULL &&
		   (status = sf_job_ask_check(line->guard->object, detail, &line->error)) == SF_WAIT)
		sfb_wait(line->guard->session);
	if (status == SF_FAILED && line->error.cls != SF_ERR_REMOTE &&
		line->error.cls != SF_ERR_CONFIG && line->error.cls != SF_ERR_NONE)
		sfb_report(ERROR, &line->error);
	return status == SF_OK;
}

static void
add_detail(SfbResultRow *row, const sf_job_detail *detail)
{
	sfb_add_count(row, detail->processed);
	sfb_add_count(row, detail->failed);
	sfb_add_count(row, detail->retries);
	sfb_add_count(row, detail->total_ms);
	sfb_add_count(row, detail->api_ms);
	sfb_add_count(row, detail->apex_ms);
	sfb_add_count(row, detail->batches);
	sfb_add_count(row, detail->batches_failed);
	sfb_add_nullable(row, detail->external_id_field);
	sfb_add_nullable(row, detail->error_message);
}

static bool
next_job_row(void *set, SfbResultRow *row)
{
	static const sf_job_detail nothing = {.processed = -1,
										  .failed = -1,
										  .retries = -1,
										  .total_ms = -1,
										  .api_ms = -1,
										  .apex_ms = -1,
										  .batches = -1,
										  .batches_failed = -1};
	JobList *list = set;
	const sf_job_detail *detail = &nothing;
	JobLine *line;
	bool known;

	fill_window(list);
	if (list->count == 0)
		return false;
	line = &list->lines[list->first];
	known = wait_detail(line, &detail);
	if (!known)
		detail = &nothing;
	sfb_add_string(row, line->entry.id);
	sfb_add_string(row, line->entry.job_type);
	sfb_add_string(row, line->entry.operation);
	sfb_add_string(row, line->entry.object);
	/* of the time of the counters */
	sfb_add_string(row, known && detail->state != NULL ? detail->state : line->entry.state);
	sfb_add_string(row, line->entry.created_by_id);
	sfb_add_timestamp(row, line->entry.created_date);
	sfb_add_timestamp(row, line->entry.system_modstamp);
	sfb_add_version(row, line->entry.api_version);
	sfb_add_string(row, line->entry.content_type);
	sfb_add_string(row, line->entry.concurrency_mode);
	add_detail(row, detail);
	sfb_guard_clear(line->guard);
	list->first = (list->first + 1) % WINDOW;
	list->count--;
	return true;
}

Datum
sfbulk_job_rows(PG_FUNCTION_ARGS)
{
	return sfb_set_function(fcinfo, begin_jobs, next_job_row);
}

/* ---- one job ---------------------------------------------------------------------------------- */

/* The job that is to be changed. */
typedef struct OneJob
{
	SfbGuard *guard;
	char id[SF_JOB_ID_MAX];
	sf_job_family family;
	char state[32];
	sf_error error;
} OneJob;

/* Asks something of the job and waits; false with the error noted when that has failed. */
static bool
ask(OneJob *job, sf_job_action action)
{
	const sf_job_detail *detail = NULL;
	sf_status status = SF_FAILED;

	sf_error_reset(&job->error);
	sfb_guard_clear(job->guard);
	job->guard->object =
		sf_job_ask_start(job->guard->session, job->family, job->id, 0, action, &job->error);
	while (job->guard->object != NULL &&
		   (status = sf_job_ask_check(job->guard->object, &detail, &job->error)) == SF_WAIT)
		sfb_wait(job->guard->session);
	if (status == SF_OK && detail->state != NULL)
		strlcpy(job->state, detail->state, sizeof(job->state));
	sfb_guard_clear(job->guard);
	return status == SF_OK;
}

/* Finds the job, of whichever family it is; false when the org has none of that id. */
static bool
find_job(OneJob *job)
{
	static const sf_job_family families[] = {SF_JOBS_INGEST, SF_JOBS_QUERY, SF_JOBS_CLASSIC};

	for (int i = 0; i < (int) lengthof(families); i++)
	{
		job->family = families[i];
		if (ask(job, SF_JOB_ASK))
			return true;
		if (!sf_job_error_is_missing(&job->error))
			sfb_report(ERROR, &job->error);
	}
	return false;
}

static bool
begin_job(FunctionCallInfo fcinfo, OneJob *job)
{
	ForeignServer *server = sfb_function_server(fcinfo);
	char *id;

	memset(job, 0, sizeof(*job));
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the id of the job must not be null")));
	id = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (!sf_id_normalise(id, strlen(id), job->id))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid job id: \"%s\"", id)));
	job->guard = sfb_function_guard(server, destroy_question);
	return find_job(job);
}

static bool
is_finished(const OneJob *job)
{
	return strcmp(job->state, "JobComplete") == 0 || strcmp(job->state, "Failed") == 0 ||
		   strcmp(job->state, "Aborted") == 0;
}

/* ERROR: the job's state does not allow it. */
static void
pg_attribute_noreturn() wrong_state(const OneJob *job, const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot %s job \"%s\"", what, job->id),
			 errdetail("Its state is %s.", job->state), hint ? errhint("%s", hint) : 0));
}

/* Aborts a job that was not finished when it was asked last. */
static void
abort_job(OneJob *job)
{
	if (ask(job, SF_JOB_ABORT))
		return;
	if (!sf_job_error_is_state(&job->error))
		sfb_report(ERROR, &job->error);
	/* it has come to its end meanwhile, or an abort whose answer was lost has worked */
	if (!ask(job, SF_JOB_ASK))
		sfb_report(ERROR, &job->error);
}

Datum
sfbulk_abort_job(PG_FUNCTION_ARGS)
{
	OneJob job;

	if (!begin_job(fcinfo, &job))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("job \"%s\" does not exist", job.id),
						errhint("SELECT * FROM sfbulk_jobs(%s) shows the jobs that there are.",
								quote_literal_cstr(NameStr(*PG_GETARG_NAME(0))))));
	if (!is_finished(&job))
		abort_job(&job);
	if (strcmp(job.state, "Aborted") != 0)
		wrong_state(&job, "abort", NULL);
	PG_RETURN_TEXT_P(cstring_to_text(job.state));
}

Datum
sfbulk_delete_job(PG_FUNCTION_ARGS)
{
	bool abort_first = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	OneJob job;

	if (!begin_job(fcinfo, &job))
		PG_RETURN_BOOL(false);
	if (job.family == SF_JOBS_CLASSIC)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot delete job \"%s\"", job.id),
				 errdetail("It is one of Bulk API 1.0, which deletes no job."),
				 errhint("Salesforce deletes it itself, 7 days after its end; until then it "
						 "can be aborted with sfbulk_abort_job.")));
	if (!is_finished(&job))
	{
		if (!abort_first)
			wrong_state(&job, "delete", "Abort it first, or say abort => true.");
		abort_job(&job);
	}
	if (!ask(&job, SF_JOB_DELETE) && !sf_job_error_is_missing(&job.error))
		sfb_report(ERROR, &job.error);
	PG_RETURN_BOOL(true);
}
