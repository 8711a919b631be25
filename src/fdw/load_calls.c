/*
 * load_calls.c
 *		Rows of a load that go by sObject Collections: up to 200 in a call, one call after the other,
 *		so that they are written in the order of the statement.
 */
#include "load.h"

#include "utils/memutils.h"

int
sfb_csv_row_length(const char *text, int len)
{
	bool quoted = false;

	for (int i = 0; i < len; i++)
	{
		if (text[i] == '"')
			quoted = !quoted;
		else if (text[i] == '\n' && !quoted)
			return i + 1;
	}
	return len;
}

/* ---- results --------------------------------------------------------------------------------- */

/* Says what became of a row to the functions that show it. */
static void
keep_outcome(const SfbLoad *load, const sf_row_result *result, SfbRowState state,
			 const char *row, int len)
{
	SfbOutcomeRow kept = {.state = state, .row = row, .row_len = len};
	char *message = NULL;
	char *fields = NULL;

	if (result != NULL)
	{
		kept.created = result->created;
		memcpy(kept.id, result->id, sizeof(kept.id));
		if (!result->success)
		{
			memcpy(kept.code, result->error.code, sizeof(kept.code));
			kept.message = message =
				pnstrdup(result->error.message, result->error.message_len);
			kept.fields = fields = pnstrdup(result->error.fields, result->error.fields_len);
		}
	}
	sfb_outcome_select(load->serverid, load->userid, load->columns, load->ncolumns);
	sfb_outcome_add_row(&kept);
	if (message != NULL)
		pfree(message);
	if (fields != NULL)
		pfree(fields);
}

/*
 * Is a refused row to be sent again?  Rows that met a lock are the only ones that are safe to repeat,
 * and may succeed then; of a call that was rolled back as a whole, so may those that did nothing wrong.
 */
static bool
is_locked(const SfbLoad *load, const sf_row_result *result)
{
	return !result->success &&
		   (strcmp(result->error.code, "UNABLE_TO_LOCK_ROW") == 0 ||
			(load->all_or_none &&
			 strcmp(result->error.code, "ALL_OR_NONE_OPERATION_ROLLED_BACK") == 0));
}

/* With all_or_none everything is sent again, or nothing. */
static bool
may_send_again(const SfbLoad *load)
{
	bool locked = false;

	if (load->lock_round >= SFB_LOAD_LOCK_ROUNDS)
		return false;
	for (int i = 0; i < load->sent_rows; i++)
	{
		const sf_row_result *result = sf_collections_result(load->call, i);

		if (is_locked(load, result))
			locked |= strcmp(result->error.code, "UNABLE_TO_LOCK_ROW") == 0;
		else if (load->all_or_none)
			return false;
	}
	return locked;
}

static void
take_result(SfbLoad *load, int i, const char *row, int len)
{
	const sf_row_result *result = sf_collections_result(load->call, i);

	if (result->success)
	{
		load->saved++;
		if (result->created)
			load->created++;
		memcpy(load->id, result->id, sizeof(load->id));
		keep_outcome(load, result, SFB_ROW_SUCCESSFUL, row, len);
		return;
	}
	if (strcmp(result->error.code, "ALL_OR_NONE_OPERATION_ROLLED_BACK") == 0)
	{
		/* nothing is wrong with this one */
		load->unprocessed++;
		keep_outcome(load, NULL, SFB_ROW_UNPROCESSED, row, len);
		return;
	}
	load->rejected++;
	sfb_load_sample(load, load->sent_numbers[i], &result->error);
	keep_outcome(load, result, SFB_ROW_FAILED, row, len);
}

/* Counts the results of the call, and leaves in sent the rows that are to be sent again. */
static void
take_results(SfbLoad *load)
{
	bool again = may_send_again(load);
	char *text = load->sent.data;
	char *out = text;
	int left = load->sent.len;
	int kept = 0;

	for (int i = 0; i < load->sent_rows; i++)
	{
		int len = sfb_csv_row_length(text, left);

		if (again && is_locked(load, sf_collections_result(load->call, i)))
		{
			load->sent_numbers[kept++] = load->sent_numbers[i];
			memmove(out, text, len);
			out += len;
		}
		else
			take_result(load, i, text, len);
		text += len;
		left -= len;
	}
	load->sent.len = out - load->sent.data;
	load->sent_rows = kept;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* The rows in sent leave. */
static void
start_call(SfbLoad *load)
{
	sf_collections_spec spec = {
		.object = load->options.object,
		.operation = load->operation,
		.external_id_field = load->operation == SF_OP_UPSERT ? load->options.upsert_key : NULL,
		.assignment_rule_id = load->options.assignment_rule_id,
		.all_or_none = load->all_or_none,
		.columns = load->columns,
		.ncolumns = load->ncolumns,
		.rows = load->sent.data,
		.rows_len = load->sent.len,
		.nrows = load->sent_rows,
	};

	load->calls_bytes += load->sent.len;
	sf_error_reset(load->error);
	load->call = sf_collections_start(load->guard->session, &spec, load->error);
	if (load->call == NULL)
		sfb_load_fail(load, load->error);
	sfb_kick(load->guard->session);
}

static void
end_call(SfbLoad *load)
{
	load->api_calls += sf_collections_api_calls(load->call);
	sf_collections_free(load->call);
	load->call = NULL;
}

/* Waits for the call under way, sends again what met a lock, and counts what became of all. */
static void
finish_call(SfbLoad *load)
{
	load->lock_round = 0;
	while (load->call != NULL)
	{
		sf_status status;

		while ((status = sf_collections_check(load->call, load->error)) == SF_WAIT)
			sfb_wait(load->guard->session);
		if (status == SF_FAILED)
		{
			if (sf_collections_unknown(load->call))
				load->unknown += load->sent_rows;
			end_call(load);
			sfb_load_fail(load, load->error);
		}
		take_results(load);
		end_call(load);
		if (load->sent_rows > 0)
		{
			sfb_pause(load->guard->session, SFB_LOAD_LOCK_PAUSE << load->lock_round++);
			start_call(load);
		}
	}
}

/* The rows in sent are the next ones of the statement. */
static void
send_rows(SfbLoad *load, int nrows)
{
	load->sent_rows = nrows;
	for (int i = 0; i < nrows; i++)
		load->sent_numbers[i] = ++load->calls_rows;
	sfb_load_show_calls(load);
	start_call(load);
}

/* The next bytes of a spool, at most len; they must be there. */
static Size
next_piece(SfbSpool *spool, int64 offset, Size len, const char **data)
{
	Size n = Min(sfb_spool_read(spool, offset, data), len);

	if (n == 0)
		elog(ERROR, "rows are missing in a spool");
	return n;
}

void
sfb_read_spool(StringInfo buf, SfbSpool *spool, int64 offset, Size len)
{
	const char *data;

	for (Size n; len > 0; offset += n, len -= n)
	{
		n = next_piece(spool, offset, len, &data);
		appendBinaryStringInfo(buf, data, n);
	}
}

void
sfb_copy_spool(SfbSpool *to, SfbSpool *from, int64 offset, Size len)
{
	const char *data;

	for (Size n; len > 0; offset += n, len -= n)
	{
		n = next_piece(from, offset, len, &data);
		sfb_spool_write(to, data, n);
	}
}

void
sfb_load_add_call(SfbLoad *load, int len, int nrows)
{
	SfbLoadCall *call;

	if (load->ncalls > 0)
	{
		call = &load->calls[load->ncalls - 1];
		if (call->nrows + nrows <= SF_COLLECTIONS_MAX &&
			call->len + len <= SFB_LOAD_CALL_BYTES)
		{
			call->len += len;
			call->nrows += nrows;
			return;
		}
	}
	if (load->ncalls == load->maxcalls)
	{
		load->maxcalls = Max(16, load->maxcalls * 2);
		load->calls =
			load->calls == NULL
				? MemoryContextAlloc(load->context, sizeof(SfbLoadCall) * load->maxcalls)
				: repalloc_huge(load->calls, sizeof(SfbLoadCall) * load->maxcalls);
	}
	call = &load->calls[load->ncalls++];
	call->len = len;
	call->nrows = nrows;
}

void
sfb_load_end_call(SfbLoad *load)
{
	if (load->mode == SFB_LOAD_CALLS && load->options.apply == SFB_APPLY_STATEMENT)
	{
		StringInfoData block = load->block;
		int nrows = load->block_rows;

		/* the whole statement in one call: all of it or nothing */
		load->all_or_none = load->finished && load->calls_rows == 0 &&
							load->options.on_error == SFB_ON_ERROR_STOP;
		finish_call(load);
		if (sfb_load_too_many(load))
			sfb_load_report_rows(load);
		load->block = load->sent;
		load->sent = block;
		resetStringInfo(&load->block);
		load->block_rows = 0;
		send_rows(load, nrows);
		return;
	}

	sfb_load_add_call(load, load->block.len, load->block_rows);
	sfb_spool_write(load->held, load->block.data, load->block.len);
	resetStringInfo(&load->block);
	load->block_rows = 0;
}

void
sfb_load_send_calls(SfbLoad *load)
{
	int64 offset = 0;

	/* statements that wait for the commit are in a call as a whole, or all of them are taken for split */
	if (load->ncalls > 0)
		load->all_or_none = !load->split && load->options.on_error == SFB_ON_ERROR_STOP;
	for (int i = 0; i < load->ncalls; i++)
	{
		finish_call(load);
		if (sfb_load_too_many(load))
			break;
		resetStringInfo(&load->sent);
		while (load->sent.len < load->calls[i].len)
		{
			const char *data;
			Size n = sfb_spool_read(load->held, offset, &data);

			n = Min(n, (Size) (load->calls[i].len - load->sent.len));
			if (n == 0)
				elog(ERROR, "rows of a call are missing");
			appendBinaryStringInfo(&load->sent, data, n);
			offset += n;
		}
		send_rows(load, load->calls[i].nrows);
	}
	finish_call(load);
	load->ncalls = 0;
}

void
sfb_load_drop_calls(SfbLoad *load)
{
	load->ncalls = 0;
	sfb_drop_spool(&load->held);
}
