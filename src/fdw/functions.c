/*
 * functions.c
 *		SQL functions that show what became of written rows.
 *
 * Each call gives one row, straight from the download, so that memory does not grow with the result.
 * The download hangs on a guard in the memory of the set-returning function, which PostgreSQL drops
 * when the set ends, is left early, or is read again.
 *
 * Rows of ingest jobs come from their result files in Salesforce, those of Collections calls from the
 * session's notes of its last write statement (outcome.c); they look the same.
 */
#include "write.h"

#include "catalog/pg_foreign_server.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "functions.h"
#include "governor.h"

/* Declared here because before 16 neither fmgr.h nor PG_FUNCTION_INFO_V1 exports them. */
extern PGDLLEXPORT Datum sfbulk_failed_rows(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfbulk_successful_rows(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfbulk_unprocessed_rows(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfbulk_failed_rows);
PG_FUNCTION_INFO_V1(sfbulk_successful_rows);
PG_FUNCTION_INFO_V1(sfbulk_unprocessed_rows);

/* What differs between the three functions of rows. */
typedef struct RowFile
{
	sf_result_kind kind;
	const char *what;	 /* for messages */
	const char *outcome; /* column of the file: the reason, or whether it is new; or NULL */
} RowFile;

static const RowFile row_files[] = {
	[SFB_ROW_FAILED] = {SF_RESULT_FAILED, "rejected", "sf__Error"},
	[SFB_ROW_SUCCESSFUL] = {SF_RESULT_SUCCESSFUL, "successful", "sf__Created"},
	[SFB_ROW_UNPROCESSED] = {SF_RESULT_UNPROCESSED, "unprocessed", NULL},
};

/* One call of a function of rows, from its first row to the last. */
typedef struct RowSet
{
	SfbRowState state;
	char *servername;
	SfbGuard *guard;		   /* of the download */
	const SfbOutcome *outcome; /* of the last statement; NULL where a job is named */
	int next_job;			   /* of the outcome's */
	int64 offset;			   /* of the next Collections row */

	/* the job that is read */
	char job[SF_JOB_ID_MAX];
	const SfbOutcomeJob *known; /* what the session knows of it, or NULL */
	bool opened;				/* its first row was seen */
	int id_column;				/* -1 for none */
	int outcome_column;
	int64 row;
	sf_error error;

	ErrorContextCallback callback; /* while a row is converted */
	const char *field;
} RowSet;

/* ---- values ----------------------------------------------------------------------------------- */

/* A text of the row into a JSON value; ERROR for what the database's encoding lacks. */
static void
json_text(JsonbValue *value, const char *text, int len)
{
	char *converted = pg_any_to_server(text, len, PG_UTF8);

	value->type = jbvString;
	value->val.string.val = converted;
	value->val.string.len = converted == text ? len : (int) strlen(converted);
}

/* A field of the row; empty text is null. */
static void
push_field(RowSet *set, JsonbParseState **json, const char *name, const char *text, int len)
{
	JsonbValue value;

	set->field = name;
	json_text(&value, name, strlen(name));
	pushJsonbValue(json, WJB_KEY, &value);
	if (len == 0)
		value.type = jbvNull;
	else
		json_text(&value, text, len);
	pushJsonbValue(json, WJB_VALUE, &value);
}

/* A line of context for errors while a row is converted: where, never what. */
static void
conversion_context(void *arg)
{
	RowSet *set = arg;

	if (set->job[0])
		errcontext("field \"%s\", row " INT64_FORMAT " of the %s rows of ingest job %s",
				   sfb_server_text(set->field), set->row, row_files[set->state].what,
				   set->job);
	else
		errcontext("field \"%s\" of a row of the last write statement",
				   sfb_server_text(set->field));
}

static void
begin_conversion(RowSet *set)
{
	set->callback.callback = conversion_context;
	set->callback.arg = set;
	set->callback.previous = error_context_stack;
	error_context_stack = &set->callback;
}

static void
end_conversion(RowSet *set, SfbResultRow *result, JsonbParseState **json)
{
	error_context_stack = set->callback.previous;
	sfb_add_value(
		result, JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(json, WJB_END_OBJECT, NULL))));
}

/* ---- rows of jobs ------------------------------------------------------------------------------- */

static void
destroy_results(void *object)
{
	sf_results_free(object);
}

/* Has a job no such rows, so that there is nothing to ask for?  Unknown ones may have. */
static bool
has_none(const RowSet *set, const SfbOutcomeJob *job)
{
	if (job == NULL)
		return false;
	switch (set->state)
	{
		case SFB_ROW_FAILED:
			return job->failed == 0;
		case SFB_ROW_UNPROCESSED:
			return job->unprocessed == 0;
		case SFB_ROW_SUCCESSFUL:
			break;
	}
	return false;
}

/* ERROR for a download that failed; where Salesforce has no such file, its words say little. */
static void
report_failure(RowSet *set)
{
	sf_error *err = &set->error;
	const char *answer = err->code[0] ? sfb_server_text(err->code) : "no reason";

	CHECK_FOR_INTERRUPTS();
	if (err->cls == SF_ERR_REMOTE &&
		(strcmp(err->code, "INVALIDJOBSTATE") == 0 || err->http_status == 204))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("ingest job \"%s\" has not finished", set->job),
						errdetail("The client %s.", sfb_server_text(err->message))));
	if (err->cls != SF_ERR_REMOTE || err->http_status != 404)
		sfb_report(ERROR, err);
	if (set->known != NULL && set->known->failed == 0 && set->known->unprocessed == 0 &&
		!set->known->locked_resent)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("ingest job \"%s\" has been deleted", set->job),
						errdetail("None of its rows was rejected, so it was not kept."),
						errhint("Set the option keep_jobs to keep such jobs, of tables whose "
								"successful rows are wanted.")));
	ereport(
		ERROR,
		(errcode(ERRCODE_UNDEFINED_OBJECT),
		 errmsg("the %s rows of ingest job \"%s\" cannot be found", row_files[set->state].what,
				set->job),
		 errdetail("Salesforce answers %s.", answer),
		 errhint("The job may not have finished, may be a query, or may have been deleted: "
				 "at once without rejected rows unless the option keep_jobs is set, else "
				 "after 7 days. SELECT * FROM sfbulk_jobs(%s) shows the jobs that "
				 "there are.",
				 quote_literal_cstr(set->servername))));
}

static void
start_download(RowSet *set, const char *job, const SfbOutcomeJob *known)
{
	strlcpy(set->job, job, sizeof(set->job));
	set->known = known;
	set->opened = false;
	set->row = 0;
	sf_error_reset(&set->error);
	sfb_governor_admit(set->guard->session, SFB_WORK_CALLS);
	set->guard->object = known != NULL && known->bulk1
							 ? sf_results_start_bulk1(set->guard->session, job,
													  row_files[set->state].kind, &set->error)
							 : sf_results_start(set->guard->session, job,
												row_files[set->state].kind, &set->error);
	if (set->guard->object == NULL)
		sfb_report(ERROR, &set->error);
	sfb_kick(set->guard->session);
}

/* The number of a column of the file, or -1. */
static int
file_column(const sf_results *results, const char *name)
{
	for (int i = 0; i < sf_results_ncolumns(results); i++)
		if (pg_strcasecmp(sf_results_column(results, i), name) == 0)
			return i;
	return -1;
}

/* Finds the columns that Salesforce adds to those that were sent. */
static void
find_added_columns(RowSet *set)
{
	const sf_results *results = set->guard->object;
	const RowFile *file = &row_files[set->state];

	set->id_column = -1;
	set->outcome_column = -1;
	if (file->outcome == NULL)
		return;
	/* files of rejected rows have it from version 53 on */
	set->id_column = file_column(results, "sf__Id");
	set->outcome_column = file_column(results, file->outcome);
	if (set->outcome_column < 0)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("the %s rows of ingest job \"%s\" have no column \"%s\"",
							   file->what, set->job, file->outcome)));
}

/* Waits for the next row of the job; NULL at its end. */
static sf_value *
next_values(RowSet *set)
{
	sf_value *values;

	for (;;)
	{
		switch (sf_results_next(set->guard->object, &values, &set->error))
		{
			case SF_OK:
				break;
			case SF_WAIT:
				sfb_wait(set->guard->session);
				continue;
			case SF_DONE:
				return NULL;
			case SF_FAILED:
				report_failure(set);
		}
		if (!set->opened)
		{
			find_added_columns(set);
			set->opened = true;
		}
		set->row++;
		return values;
	}
}

static void
add_row_of_file(RowSet *set, SfbResultRow *result, const sf_value *values)
{
	sf_results *results = set->guard->object;
	JsonbParseState *json = NULL;

	begin_conversion(set);
	pushJsonbValue(&json, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < sf_results_ncolumns(results); i++)
		if (i != set->id_column && i != set->outcome_column)
			push_field(set, &json, sf_results_column(results, i), values[i].data,
					   values[i].data != NULL ? values[i].len : 0);
	end_conversion(set, result, &json);
}

static void
add_cell(SfbResultRow *result, const sf_value *value)
{
	sfb_add_text(result, value->data, value->data != NULL ? value->len : 0);
}

/* The next row of the job at work; false at its end. */
static bool
next_job_row(RowSet *set, SfbResultRow *result)
{
	sf_value *values;

	while ((values = next_values(set)) != NULL)
	{
		const sf_value *outcome =
			set->outcome_column >= 0 ? &values[set->outcome_column] : NULL;
		sf_row_error error = {0};

		if (set->state == SFB_ROW_FAILED && outcome->data != NULL)
			sf_row_error_parse(outcome->data, outcome->len, &error);
		/* sent again: what became of it then is in another job */
		if (set->known != NULL && set->known->locked_resent &&
			strcmp(error.code, "UNABLE_TO_LOCK_ROW") == 0)
			continue;

		sfb_add_string(result, set->job);
		if (set->id_column >= 0)
			add_cell(result, &values[set->id_column]);
		else if (set->state != SFB_ROW_UNPROCESSED)
			sfb_add_null(result);
		if (set->state == SFB_ROW_FAILED)
		{
			sfb_add_string(result, error.code);
			sfb_add_text(result, error.message, error.message_len);
			sfb_add_names(result, error.fields, error.fields_len);
		}
		else if (set->state == SFB_ROW_SUCCESSFUL)
			sfb_add_value(result, BoolGetDatum(outcome->data != NULL &&
											   pg_strcasecmp(outcome->data, "true") == 0));
		add_row_of_file(set, result, values);
		return true;
	}
	sfb_guard_clear(set->guard);
	return false;
}

/* ---- rows of Collections calls -------------------------------------------------------------------- */

/*
 * Reads a cell of a row in the form that sf_client.h describes, and what ends it; empty text where it
 * says nothing.
 */
static const char *
read_cell(const char *text, const char *end, StringInfo cell)
{
	resetStringInfo(cell);
	if (text < end && *text == '"')
	{
		for (text++; text < end; text++)
		{
			if (*text == '"' && (++text >= end || *text != '"'))
				break;
			appendStringInfoChar(cell, *text);
		}
	}
	else
		while (text < end && *text != ',' && *text != '\n')
			appendStringInfoChar(cell, *text++);
	if (text >= end || (*text != ',' && *text != '\n'))
		elog(ERROR, "a row of the last statement cannot be read");
	return text + 1;
}

static void
add_row_of_call(RowSet *set, SfbResultRow *result, const SfbOutcomeRow *row)
{
	const char *text = row->row;
	const char *end = text + row->row_len;
	JsonbParseState *json = NULL;
	ListCell *lc;

	begin_conversion(set);
	pushJsonbValue(&json, WJB_BEGIN_OBJECT, NULL);
	foreach (lc, row->columns)
	{
		/* the JSON value points to it until all of the row is there */
		StringInfoData cell;

		initStringInfo(&cell);
		text = read_cell(text, end, &cell);
		push_field(set, &json, strVal(lfirst(lc)), cell.data, cell.len);
	}
	if (text != end)
		elog(ERROR, "a row of the last statement has more cells than columns");
	end_conversion(set, result, &json);
}

/* The next such row of the last statement that went by Collections. */
static bool
next_call_row(RowSet *set, SfbResultRow *result)
{
	SfbOutcomeRow row;

	set->job[0] = '\0';
	do
	{
		CHECK_FOR_INTERRUPTS();
		if (!sfb_outcome_next_row(set->outcome, &set->offset, &row))
			return false;
	} while (row.state != set->state);

	sfb_add_null(result);
	if (set->state != SFB_ROW_UNPROCESSED)
		sfb_add_string(result, row.id);
	if (set->state == SFB_ROW_FAILED)
	{
		sfb_add_string(result, row.code);
		sfb_add_string(result, row.message);
		sfb_add_names(result, row.fields, strlen(row.fields));
	}
	else if (set->state == SFB_ROW_SUCCESSFUL)
		sfb_add_value(result, BoolGetDatum(row.created));
	add_row_of_call(set, result, &row);
	return true;
}

/* ---- the functions of rows ---------------------------------------------------------------------- */

/* What the session knows of a job that somebody names, or NULL. */
static const SfbOutcomeJob *
known_job(Oid serverid, const char *job)
{
	const SfbOutcome *outcome = sfb_outcome_get(serverid, GetUserId());
	ListCell *lc;

	if (outcome == NULL)
		return NULL;
	foreach (lc, outcome->jobs)
	{
		SfbOutcomeJob *known = lfirst(lc);
		char id[19];

		if (sf_id_normalise(known->id, strlen(known->id), id) && strcmp(id, job) == 0)
			return known;
	}
	return NULL;
}

/* The job that is named, or every one of the last statement. */
static RowSet *
begin_rows(FunctionCallInfo fcinfo, SfbRowState state)
{
	ForeignServer *server = sfb_function_server(fcinfo);
	RowSet *set = palloc0(sizeof(RowSet));
	const SfbOutcomeJob *known;
	char id[19];
	char *job;

	set->state = state;
	set->servername = server->servername;
	set->guard = sfb_function_guard(server, destroy_results);
	if (PG_ARGISNULL(1))
	{
		set->outcome = sfb_outcome_get(server->serverid, GetUserId());
		if (set->outcome == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("no statement of this session has written rows to server \"%s\"",
							server->servername),
					 errhint("Name a job; SELECT * FROM sfbulk_jobs(%s) shows the jobs that "
							 "there are.",
							 quote_literal_cstr(server->servername))));
		return set;
	}

	job = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (!sf_id_normalise(job, strlen(job), id))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid job id: \"%s\"", job)));
	known = known_job(server->serverid, id);
	if (!has_none(set, known))
		start_download(set, id, known);
	return set;
}

/* Goes on to the next job of the last statement that has such rows. */
static bool
start_next_job(RowSet *set)
{
	while (set->outcome != NULL && set->next_job < list_length(set->outcome->jobs))
	{
		const SfbOutcomeJob *job = list_nth(set->outcome->jobs, set->next_job++);

		if (has_none(set, job))
			continue;
		start_download(set, job->id, job);
		return true;
	}
	return false;
}

static bool
next_row(RowSet *set, SfbResultRow *result)
{
	do
	{
		if (set->guard->object != NULL && next_job_row(set, result))
			return true;
	} while (start_next_job(set));
	return set->outcome != NULL && next_call_row(set, result);
}

static Datum
rows_function(FunctionCallInfo fcinfo, SfbRowState state)
{
	FuncCallContext *funcctx;
	SfbResultRow result;
	RowSet *set;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext oldcontext;

		funcctx = SRF_FIRSTCALL_INIT();
		oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		sfb_describe_result(fcinfo, funcctx);
		funcctx->user_fctx = begin_rows(fcinfo, state);
		MemoryContextSwitchTo(oldcontext);
	}
	funcctx = SRF_PERCALL_SETUP();
	set = funcctx->user_fctx;
	result.n = 0;
	if (!next_row(set, &result))
		SRF_RETURN_DONE(funcctx);
	SRF_RETURN_NEXT(funcctx, sfb_result_tuple(funcctx, &result));
}

Datum
sfbulk_failed_rows(PG_FUNCTION_ARGS)
{
	return rows_function(fcinfo, SFB_ROW_FAILED);
}

Datum
sfbulk_successful_rows(PG_FUNCTION_ARGS)
{
	return rows_function(fcinfo, SFB_ROW_SUCCESSFUL);
}

Datum
sfbulk_unprocessed_rows(PG_FUNCTION_ARGS)
{
	return rows_function(fcinfo, SFB_ROW_UNPROCESSED);
}
