/*
 * load_merge.c
 *		Statements that wait for the commit are put together: many small ones become few calls, or a job.
 *
 * Only where nobody can tell the difference from one after the other.  Rows of a call are written
 * together, those of a job in any order, so:
 *
 *		- both write the same fields of the same object in the same way;
 *		- an update, upsert or delete touches no record that the other one touches;
 *		- no row can refer to a row of the other one by an external id that both have.
 */
#include "load.h"

#include <ctype.h>

#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* More records than this are not remembered: another load begins. */
#define KEYS_MAX 100000

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Do two loads write the same fields of the same object in the same way, for the same user? */
static bool
same_target(const SfbLoad *a, const SfbLoad *b)
{
	const SfbTableOptions *x = &a->options;
	const SfbTableOptions *y = &b->options;

	if (a->guard->session != b->guard->session || a->guard->subid != b->guard->subid ||
		a->userid != b->userid || a->operation != b->operation || a->ncolumns != b->ncolumns ||
		x->transport != y->transport || x->rest_row_limit != y->rest_row_limit ||
		x->on_error != y->on_error || x->reject_limit != y->reject_limit ||
		x->bulk_api != y->bulk_api || x->concurrency != y->concurrency ||
		x->batch_rows != y->batch_rows || x->keep_jobs != y->keep_jobs ||
		x->job_bytes != y->job_bytes || x->parallel_jobs != y->parallel_jobs ||
		x->job_timeout != y->job_timeout || !same_text(x->object, y->object) ||
		!same_text(x->upsert_key, y->upsert_key) ||
		!same_text(x->assignment_rule_id, y->assignment_rule_id) ||
		!same_text(a->relname, b->relname))
		return false;
	/* the limit is each statement's own */
	if (x->on_error == SFB_ON_ERROR_IGNORE && x->reject_limit >= 0)
		return false;
	for (int i = 0; i < a->ncolumns; i++)
		if (a->columns[i].kind != b->columns[i].kind ||
			!same_text(a->columns[i].path, b->columns[i].path))
			return false;
	return true;
}

/* May a row name another one of the load as its parent: is the field of a lookup written, too? */
static bool
may_refer_to_itself(const SfbLoad *load)
{
	for (int i = 0; i < load->ncolumns; i++)
	{
		const char *dot = strrchr(load->columns[i].path, '.');

		for (int n = 0; dot != NULL && n < load->ncolumns; n++)
			if (pg_strcasecmp(dot + 1, load->columns[n].path) == 0)
				return true;
	}
	return false;
}

/* ---- which records -------------------------------------------------------------------------- */

/* The column that says which record a row is about; -1 when there is none. */
static int
key_column(const SfbLoad *load)
{
	const char *key = load->operation == SF_OP_UPSERT ? load->options.upsert_key : "Id";

	for (int i = 0; i < load->ncolumns; i++)
		if (pg_strcasecmp(load->columns[i].path, key) == 0)
			return i;
	return -1;
}

/* A cell of a row of CSV, without its quotes, and the blanks that Salesforce trims. */
static const char *
find_cell(const char *row, int n, int *len)
{
	const char *start = row;
	bool quoted = false;

	for (const char *p = row;; p++)
	{
		if (*p == '"')
			quoted = !quoted;
		if (quoted || (*p != ',' && *p != '\n'))
			continue;
		if (n-- == 0)
		{
			*len = p - start;
			break;
		}
		start = p + 1;
	}
	if (*len >= 2 && *start == '"')
	{
		start++;
		*len -= 2;
	}
	while (*len > 0 && isspace((unsigned char) start[*len - 1]))
		(*len)--;
	while (*len > 0 && isspace((unsigned char) *start))
	{
		start++;
		(*len)--;
	}
	return start;
}

/*
 * Equal for equal keys.  Different ones may have the same: then loads stay apart that could be put
 * together.  Ids are told by their first 15 characters, numbers by their value, texts by their ASCII
 * characters, whatever their case: which of the others are the same is Salesforce's to say.
 */
static uint64
hash_key(const SfbLoad *load, int column, const char *row)
{
	char text[256];
	int cell_len;
	int len = 0;
	const char *cell = find_cell(row, column, &cell_len);

	if (load->operation != SF_OP_UPSERT)
		cell_len = Min(cell_len, 15);
	for (int i = 0; i < cell_len && len < (int) sizeof(text) - 1; i++)
		if (!IS_HIGHBIT_SET(cell[i]))
			text[len++] = pg_ascii_tolower((unsigned char) cell[i]);
	text[len] = '\0';
	if (load->columns[column].kind == SF_COLUMN_DOUBLE)
	{
		double value = strtod(text, NULL);

		return hash_bytes_extended((unsigned char *) &value, sizeof(value), 0);
	}
	return hash_bytes_extended((unsigned char *) text, len, 0);
}

/*
 * Looks for the records of a load that is held among keys, or adds them.  True when none (not all) of
 * them was there.
 */
static bool
visit_keys(HTAB *keys, const SfbLoad *load, HASHACTION action)
{
	int column = key_column(load);
	int64 offset = 0;
	bool fresh = true;
	StringInfoData rows;

	initStringInfo(&rows);
	for (int i = 0; i < load->ncalls && fresh; i++)
	{
		resetStringInfo(&rows);
		sfb_read_spool(&rows, load->held, offset, load->calls[i].len);
		offset += load->calls[i].len;
		for (int at = 0; at < rows.len && fresh;)
		{
			uint64 key = hash_key(load, column, rows.data + at);
			bool found;

			(void) hash_search(keys, &key, action, &found);
			fresh = action == HASH_ENTER || !found;
			at += sfb_csv_row_length(rows.data + at, rows.len - at);
		}
	}
	pfree(rows.data);
	return fresh;
}

/* Do the two touch different records? Remembers those of both then. */
static bool
different_records(SfbLoad *into, const SfbLoad *load)
{
	if (into->operation == SF_OP_INSERT)
		return true;
	if (key_column(into) < 0 || into->rows + load->rows > KEYS_MAX)
		return false;
	if (into->keys == NULL)
	{
		HASHCTL ctl = {
			.keysize = sizeof(uint64), .entrysize = sizeof(uint64), .hcxt = into->context};

		into->keys = hash_create("sfbulk_fdw records", 128, &ctl,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		(void) visit_keys(into->keys, into, HASH_ENTER);
	}
	return visit_keys(into->keys, load, HASH_FIND) && visit_keys(into->keys, load, HASH_ENTER);
}

/* ---- putting together ------------------------------------------------------------------------ */

void
sfb_load_take_held(SfbLoad *into, const SfbLoad *load)
{
	int64 offset = 0;

	if (into->literal_na == 0)
		into->literal_na = load->literal_na;
	into->rows += load->rows;
	into->split |= load->split;
	for (int i = 0; i < load->ncalls; i++)
	{
		sfb_load_add_call(into, load->calls[i].len, load->calls[i].nrows);
		sfb_copy_spool(into->held, load->held, offset, load->calls[i].len);
		offset += load->calls[i].len;
	}
}

bool
sfb_load_merge(SfbLoad *into, SfbLoad *load)
{
	MemoryContext oldcontext;
	bool merge;

	if (into->mode == SFB_LOAD_JOBS || load->mode == SFB_LOAD_JOBS ||
		!same_target(into, load) || may_refer_to_itself(into))
		return false;
	oldcontext = MemoryContextSwitchTo(into->context);
	merge = different_records(into, load);
	if (merge)
		sfb_load_take_held(into, load);
	MemoryContextSwitchTo(oldcontext);
	return merge;
}
