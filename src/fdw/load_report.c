/*
 * load_report.c
 *		What a load tells: of rejected rows, of what stopped it, of its end.
 *
 * Every count adds up: rows = saved + rejected + not processed + not known + not sent.
 */
#include "load.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* Most bytes that an error quotes of one message. */
#define SAMPLE_BYTES 400

typedef struct OperationWords
{
	const char *past;
	const char *done; /* what rows are that went well */
} OperationWords;

static const OperationWords operation_words[] = {
	[SF_OP_INSERT] = {"inserted into", "inserted"},
	[SF_OP_UPDATE] = {"updated in", "updated"},
	[SF_OP_UPSERT] = {"upserted into", "upserted"},
	[SF_OP_DELETE] = {"deleted from", "deleted"},
	[SF_OP_HARD_DELETE] = {"deleted for good from", "deleted for good"},
};

/* ---- samples --------------------------------------------------------------------------------- */

void
sfb_load_sample(SfbLoad *load, int64 row, const sf_row_error *error)
{
	SfbLoadSample *sample;
	MemoryContext oldcontext;
	StringInfoData text;
	int len = pg_encoding_mbcliplen(PG_UTF8, error->message, error->message_len, SAMPLE_BYTES);

	if (load->nsamples == SFB_LOAD_SAMPLES)
		return;
	sample = &load->samples[load->nsamples++];
	oldcontext = MemoryContextSwitchTo(load->context);
	sample->row = row;
	memcpy(sample->code, error->code, sizeof(sample->code));
	initStringInfo(&text);
	appendBinaryStringInfo(&text, error->message, len);
	if (error->fields_len > 0)
	{
		appendStringInfoString(&text, " (field ");
		appendBinaryStringInfo(&text, error->fields, Min(error->fields_len, SAMPLE_BYTES));
		appendStringInfoChar(&text, ')');
	}
	sample->text = pstrdup(sfb_server_text(text.data));
	MemoryContextSwitchTo(oldcontext);
}

/* "CODE: message (field X)" */
static char *
sample_text(const SfbLoadSample *sample)
{
	return sample->code[0] ? psprintf("%s: %s", sample->code, sample->text) : sample->text;
}

static void
append_samples(StringInfo buf, const SfbLoad *load)
{
	/* the first one is in the message already, unless it says little without its row */
	for (int i = 0; i < load->nsamples; i++)
	{
		const SfbLoadSample *sample = &load->samples[i];

		appendStringInfoString(buf, buf->len > 0 ? "\n" : "");
		if (sample->row > 0)
			appendStringInfo(buf, "Row " INT64_FORMAT ": ", sample->row);
		appendStringInfoString(buf, sample_text(sample));
	}
	if (load->rejected > load->nsamples && load->nsamples > 0)
		appendStringInfo(buf, "\n... and " INT64_FORMAT " more.",
						 load->rejected - load->nsamples);
}

/* ---- counts ---------------------------------------------------------------------------------- */

static void
append_count(StringInfo buf, int64 count, const char *what)
{
	if (count > 0)
		appendStringInfo(buf, "%s" INT64_FORMAT " %s", buf->len > 0 ? ", " : "", count, what);
}

/* Rows of which Salesforce may be at work while we speak. */
static int64
rows_in_flight(const SfbLoad *load)
{
	int64 rows = load->call ? load->sent_rows : 0;
	ListCell *lc;

	foreach (lc, load->jobs)
	{
		const SfbLoadJob *job = lfirst(lc);
		sf_ingest_info info;

		if (job->settled || job->ingest == NULL)
			continue;
		sf_ingest_get_info(job->ingest, &info);
		if (info.closed)
			rows += sfb_load_job_sent(job, &info);
	}
	return rows;
}

/* What the rows of a load are. */
static const char *
which_rows(const SfbLoad *load)
{
	if (load->options.apply == SFB_APPLY_COMMIT)
		return load->finished ? "that waited for the commit" : "that wait for the commit";
	return load->finished ? "of the statement" : "of the statement so far";
}

/* "Of 10 rows, 3 were saved and stay in Salesforce, 2 were rejected." */
static char *
counts_text(const SfbLoad *load)
{
	StringInfoData buf;
	int64 unknown = load->unknown + rows_in_flight(load);
	int64 not_sent = load->rows - load->saved - load->rejected - load->unprocessed - unknown;

	initStringInfo(&buf);
	append_count(&buf, load->saved,
				 psprintf("%s %s", load->saved == 1 ? "was" : "were",
						  operation_words[load->operation].done));
	append_count(&buf, load->rejected, load->rejected == 1 ? "was rejected" : "were rejected");
	append_count(&buf, load->unprocessed,
				 load->unprocessed == 1 ? "was not processed" : "were not processed");
	append_count(&buf, unknown, "may or may not have been saved, which is not known here");
	append_count(&buf, not_sent, not_sent == 1 ? "was not sent" : "were not sent");
	return psprintf("Of " INT64_FORMAT " row%s %s, %s.%s", load->rows,
					load->rows == 1 ? "" : "s", which_rows(load), buf.data,
					load->saved > 0
						? " What was done stays so, whatever becomes of the transaction."
					: unknown == 0 ? " Nothing was changed in Salesforce."
								   : "");
}

/* The query that shows the rest. */
static char *
rows_query(const SfbLoad *load, const char *function)
{
	const SfbLoadJob *only = NULL;
	int jobs = 0;
	ListCell *lc;

	foreach (lc, load->jobs)
	{
		const SfbLoadJob *job = lfirst(lc);

		if (job->info.failed > job->locked ||
			sfb_load_job_sent(job, &job->info) > job->info.processed)
		{
			only = job;
			jobs++;
		}
	}
	if (jobs == 1 && only->info.job_id[0])
		return psprintf("SELECT * FROM %s(%s, '%s')", function,
						quote_literal_cstr(load->servername), only->info.job_id);
	return psprintf("SELECT * FROM %s(%s)", function, quote_literal_cstr(load->servername));
}

/* ---- reports --------------------------------------------------------------------------------- */

bool
sfb_load_too_many(const SfbLoad *load)
{
	if (load->options.on_error == SFB_ON_ERROR_STOP)
		return load->rejected > 0;
	return load->options.reject_limit >= 0 && load->rejected > load->options.reject_limit;
}

static int
sample_sqlstate(const SfbLoad *load)
{
	sf_error err = {.cls = SF_ERR_REMOTE};

	if (load->nsamples == 0)
		return ERRCODE_FDW_ERROR;
	strlcpy(err.code, load->samples[0].code, sizeof(err.code));
	return sfb_sqlstate(&err);
}

static void
report_rejected(SfbLoad *load, int elevel)
{
	StringInfoData detail;
	const char *first =
		load->nsamples > 0 ? sample_text(&load->samples[0]) : "Salesforce gives no reason";

	if (elevel >= ERROR)
	{
		CHECK_FOR_INTERRUPTS();
		load->told = true;
	}
	initStringInfo(&detail);
	append_samples(&detail, load);
	ereport(elevel,
			(errcode(elevel >= ERROR ? sample_sqlstate(load) : ERRCODE_WARNING),
			 load->rows == 1
				 ? errmsg("Salesforce rejected the row for foreign table \"%s\": %s",
						  load->relname, first)
				 : errmsg_plural("Salesforce rejected " INT64_FORMAT
								 " row for foreign table \"%s\": %s",
								 "Salesforce rejected " INT64_FORMAT
								 " rows for foreign table \"%s\": %s",
								 load->rejected, load->rejected, load->relname, first),
			 errdetail("%s\n%s", counts_text(load), detail.data),
			 errhint("%s shows the rejected rows.", rows_query(load, "sfbulk_failed_rows"))));
}

void
sfb_load_report_rows(SfbLoad *load)
{
	if (load->rejected > 0)
		report_rejected(load, sfb_load_too_many(load) ? ERROR : WARNING);
	if (load->unprocessed > 0)
	{
		CHECK_FOR_INTERRUPTS();
		load->told = true;
		ereport(ERROR, (errcode(ERRCODE_FDW_ERROR),
						errmsg_plural("Salesforce did not process " INT64_FORMAT
									  " row for foreign table \"%s\"",
									  "Salesforce did not process " INT64_FORMAT
									  " rows for foreign table \"%s\"",
									  load->unprocessed, load->unprocessed, load->relname),
						errdetail("%s", counts_text(load)),
						errhint("%s shows these rows; they can be written again.",
								rows_query(load, "sfbulk_unprocessed_rows"))));
	}
}

void
sfb_load_fail(SfbLoad *load, sf_error *err)
{
	size_t len = strlen(err->detail);

	/* what is known of the rows goes behind what is known of the failure */
	CHECK_FOR_INTERRUPTS();
	load->told = true;
	if (load->rows > 1 || load->unknown > 0)
		snprintf(err->detail + len, sizeof(err->detail) - len, "%s%s", len > 0 ? " " : "",
				 counts_text(load));
	if (err->hint[0] == '\0' && load->unprocessed > 0)
		snprintf(err->hint, sizeof(err->hint),
				 "%s shows the rows that were not processed; they can be written again.",
				 rows_query(load, "sfbulk_unprocessed_rows"));
	else if (load->unknown > 0 && (err->hint[0] == '\0' || load->mode != SFB_LOAD_JOBS))
	{
		/* a job's error says where to look; a call's may only know of request_timeout */
		len = strlen(err->hint);
		snprintf(err->hint + len, sizeof(err->hint) - len,
				 "%sLook in Salesforce before the rows are written again; with the option "
				 "upsert_key a repetition does no harm.",
				 len > 0 ? " " : "");
	}
	sfb_report(ERROR, err);
	pg_unreachable();
}

void
sfb_load_summary(SfbLoad *load)
{
	int jobs = 0;
	int calls = load->api_calls;
	instr_time now;
	ListCell *lc;

	if (!sfb_write_summary)
		return;
	foreach (lc, load->jobs)
	{
		const SfbLoadJob *job = lfirst(lc);

		jobs += job->info.uploads;
		calls += job->info.api_calls;
		/* a clean job is deleted right behind this, where jobs can be */
		if (job->info.failed == 0 && !load->options.keep_jobs &&
			load->options.bulk_api == SFB_BULK_2)
			calls++;
	}
	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, load->started);
	ereport(NOTICE, (errmsg(INT64_FORMAT
							" row%s %s Salesforce object \"%s\": %d job%s, %d API call%s, "
							"%.1f s",
							load->saved, load->saved == 1 ? "" : "s",
							operation_words[load->operation].past, load->options.object, jobs,
							jobs == 1 ? "" : "s", calls, calls == 1 ? "" : "s",
							INSTR_TIME_GET_DOUBLE(now))));
}
