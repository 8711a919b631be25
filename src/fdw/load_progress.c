/*
 * load_progress.c
 *		What is shown of a load while it is at work: each of its jobs, or its calls together.
 */
#include "load.h"
#include "progress.h"

#include "utils/memutils.h"

static const char *
job_phase(const SfbLoadJob *job, const sf_ingest_info *info)
{
	const sf_session *session = job->load->guard->session;

	switch (info->phase)
	{
		case SF_INGEST_UPLOADING:
			if (info->job_id[0] != '\0')
				return "uploading";
			return session != NULL && !sf_session_logged_in(session) ? "logging in"
																	 : "starting";
		case SF_INGEST_HELD:
			return "waiting for commit";
		case SF_INGEST_CLOSING:
			return "closing";
		case SF_INGEST_PROCESSING:
			return "processing";
		case SF_INGEST_COMPLETE:
			return info->failed > 0 ? "reading rejected rows" : "done";
		case SF_INGEST_FAILED:
			return "failed";
	}
	return "";
}

/* While rows are uploaded these are counted, from then on those that Salesforce has looked at. */
static void
fill_job(void *arg, SfbProgressInfo *info)
{
	SfbLoadJob *job = arg;
	sf_ingest_info state = job->info;

	if (job->ingest != NULL)
		sf_ingest_get_info(job->ingest, &state);
	strlcpy(info->job, state.job_id, sizeof(info->job));
	info->phase = job_phase(job, &state);
	info->api_calls = state.api_calls;
	if (state.phase == SF_INGEST_UPLOADING)
	{
		info->rows_done = job->rows;
		info->bytes = job->ingest != NULL ? Max(sf_ingest_wanted(job->ingest), 0) : 0;
		return;
	}
	info->rows_done = state.processed;
	info->rows_total = job->rows;
	info->rows_failed = state.failed;
	info->bytes = state.bytes;
}

void
sfb_load_show_job(SfbLoadJob *job, const SfbLoadJob *before)
{
	SfbLoad *load = job->load;
	MemoryContext oldcontext;
	SfbProgressSpec spec = {.kind = SFB_PROGRESS_INGEST,
							.server = load->servername,
							.object = load->options.object,
							.relid = load->relid,
							.fill = fill_job,
							.arg = job};

	job->progress = NULL;
	if (before != NULL && !sfb_progress_is_shown(before->progress))
		return;
	oldcontext = MemoryContextSwitchTo(load->context);
	job->progress = sfb_progress_begin(&spec);
	if (before != NULL)
		sfb_progress_continue(job->progress, before->progress);
	MemoryContextSwitchTo(oldcontext);
}

static void
fill_calls(void *arg, SfbProgressInfo *info)
{
	SfbLoad *load = arg;
	const sf_session *session = load->guard->session;

	info->phase = session != NULL && !sf_session_logged_in(session) ? "logging in" : "sending";
	info->rows_done = load->saved + load->rejected + load->unprocessed + load->unknown;
	if (load->finished)
		info->rows_total = load->rows;
	info->rows_failed = load->rejected;
	info->bytes = load->calls_bytes;
	info->api_calls =
		load->api_calls + (load->call != NULL ? sf_collections_api_calls(load->call) : 0);
}

void
sfb_load_show_calls(SfbLoad *load)
{
	MemoryContext oldcontext;
	SfbProgressSpec spec = {.kind = SFB_PROGRESS_COLLECTIONS,
							.server = load->servername,
							.object = load->options.object,
							.relid = load->relid,
							.fill = fill_calls,
							.arg = load};

	if (load->progress != NULL)
		return;
	oldcontext = MemoryContextSwitchTo(load->context);
	load->progress = sfb_progress_begin(&spec);
	MemoryContextSwitchTo(oldcontext);
}

void
sfb_load_hide(SfbLoad *load)
{
	ListCell *lc;

	sfb_progress_end(load->progress);
	foreach (lc, load->jobs)
		sfb_progress_end(((SfbLoadJob *) lfirst(lc))->progress);
}
