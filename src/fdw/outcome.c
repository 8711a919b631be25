/*
 * outcome.c
 *		What became of the session's last write statements, for the SQL functions that show it.
 *
 * Salesforce keeps the rows of ingest jobs and what became of them; those of Collections calls are
 * nowhere but here.  So the last statement of each user on each server is kept until the next one,
 * in memory of its own that no transaction ends, and its rows in a spool.
 *
 * A statement that is at work is not the last one yet: the functions that feed it read the one
 * before.  Who reads an outcome pins it, so that it can go on when another takes its place.
 */
#include "write.h"

#include "nodes/value.h"
#include "utils/memutils.h"

/* The part of the rows that stays in memory; more goes to a temporary file. */
#define ROWS_MEMORY (256 * 1024)

typedef struct Outcome
{
	SfbOutcome shown; /* first, so that what is shown leads back here */
	MemoryContext context;
	dlist_node link;
	bool running;		 /* its statement is at work */
	bool empty;			 /* nothing was added */
	int pins;			 /* readers */
	List *column_sets;	 /* of Lists of Strings */
	int column_set;		 /* that new rows have */
	SfbSpool *rows;		 /* NULL without any */
	int64 rows_end;		 /* of whole rows: an ERROR may have left a part of one */
	StringInfoData text; /* of the row that was read or written last */
	MemoryContextCallback ended;
} Outcome;

/* A reader's claim, tied to its memory context. */
typedef struct Pin
{
	Outcome *outcome;
	MemoryContextCallback callback;
} Pin;

/* A row's fixed part in the spool; its texts follow, each with a 0, in this order. */
typedef struct RowHeader
{
	int32 len; /* of the texts together */
	int32 message_len;
	int32 fields_len;
	int32 row_len;
	int32 column_set;
	uint8 state;
	bool created;
	char id[19];
	char code[SF_CODE_MAX];
} RowHeader;

/* Those that run, begun last first, among those that ended, ended last first. */
static dlist_head outcomes = DLIST_STATIC_INIT(outcomes);

/* What is added goes here. */
static Outcome *selected = NULL;

/* ---- from the beginning to the end ------------------------------------------------------------ */

/* Frees it, file and all; never throws. */
static void
drop_outcome(Outcome *outcome)
{
	if (selected == outcome)
		selected = NULL;
	dlist_delete(&outcome->link);
	MemoryContextDelete(outcome->context);
}

/* The one that was begun last of those that run, or the last that has ended; NULL without any. */
static Outcome *
find_outcome(Oid serverid, Oid userid, bool running)
{
	dlist_iter iter;

	dlist_foreach(iter, &outcomes)
	{
		Outcome *outcome = dlist_container(Outcome, link, iter.cur);

		if (outcome->running == running && outcome->shown.serverid == serverid &&
			outcome->shown.userid == userid)
			return outcome;
	}
	return NULL;
}

/* Drops those that another one has taken the place of and that nobody reads. */
static void
drop_replaced(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &outcomes)
	{
		Outcome *outcome = dlist_container(Outcome, link, iter.cur);

		if (!outcome->running && outcome->pins == 0 &&
			find_outcome(outcome->shown.serverid, outcome->shown.userid, false) != outcome)
			drop_outcome(outcome);
	}
}

/* The statement's memory goes away: it has come to its end, or to an ERROR. */
static void
end_outcome(void *arg)
{
	Outcome *outcome = arg;

	outcome->running = false;
	if (outcome->empty)
	{
		drop_outcome(outcome);
		return;
	}
	dlist_delete(&outcome->link);
	dlist_push_head(&outcomes, &outcome->link);
	drop_replaced();
}

void
sfb_outcome_begin(Oid serverid, Oid userid)
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "sfbulk_fdw outcome", ALLOCSET_SMALL_SIZES);
	Outcome *outcome = MemoryContextAllocZero(context, sizeof(Outcome));

	outcome->context = context;
	outcome->shown.serverid = serverid;
	outcome->shown.userid = userid;
	outcome->running = true;
	outcome->empty = true;
	outcome->ended.func = end_outcome;
	outcome->ended.arg = outcome;
	dlist_push_head(&outcomes, &outcome->link);
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &outcome->ended);
}

bool
sfb_outcome_running(Oid serverid, Oid userid)
{
	return find_outcome(serverid, userid, true) != NULL;
}

/* ---- what is added ---------------------------------------------------------------------------- */

static bool
same_columns(List *names, const sf_column *columns, int ncolumns)
{
	if (list_length(names) != ncolumns)
		return false;
	for (int i = 0; i < ncolumns; i++)
		if (strcmp(strVal(list_nth(names, i)), columns[i].path) != 0)
			return false;
	return true;
}

/* The number of these columns among those that the statement's rows have. */
static int
column_set_number(Outcome *outcome, const sf_column *columns, int ncolumns)
{
	MemoryContext oldcontext;
	List *names = NIL;
	int n = list_length(outcome->column_sets);

	for (int i = n - 1; i >= 0; i--)
		if (same_columns(list_nth(outcome->column_sets, i), columns, ncolumns))
			return i;

	oldcontext = MemoryContextSwitchTo(outcome->context);
	for (int i = 0; i < ncolumns; i++)
		names = lappend(names, makeString(pstrdup(columns[i].path)));
	outcome->column_sets = lappend(outcome->column_sets, names);
	MemoryContextSwitchTo(oldcontext);
	return n;
}

void
sfb_outcome_select(Oid serverid, Oid userid, const sf_column *columns, int ncolumns)
{
	selected = find_outcome(serverid, userid, true);
	if (selected == NULL)
		elog(ERROR, "no statement was begun");
	selected->column_set = column_set_number(selected, columns, ncolumns);
}

void
sfb_outcome_add_job(const SfbOutcomeJob *job)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(selected->context);
	SfbOutcomeJob *copy = palloc(sizeof(SfbOutcomeJob));

	*copy = *job;
	selected->shown.jobs = lappend(selected->shown.jobs, copy);
	selected->empty = false;
	MemoryContextSwitchTo(oldcontext);
}

void
sfb_outcome_resend(const char *job_id, int64 rows)
{
	ListCell *lc;

	foreach (lc, selected->shown.jobs)
	{
		SfbOutcomeJob *job = lfirst(lc);

		if (strcmp(job->id, job_id) != 0 || job->locked_resent)
			continue;
		job->locked_resent = true;
		job->failed -= rows;
	}
}

static void
append_text(StringInfo out, const char *text, int len)
{
	if (len > 0)
		appendBinaryStringInfo(out, text, len);
	appendStringInfoChar(out, '\0');
}

void
sfb_outcome_add_row(const SfbOutcomeRow *row)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(selected->context);
	StringInfo out = &selected->text;
	RowHeader header = {0};

	if (selected->rows == NULL)
	{
		initStringInfo(out);
		selected->rows = sfb_spool_new(ROWS_MEMORY);
	}
	MemoryContextSwitchTo(oldcontext);

	header.message_len = row->message ? strlen(row->message) : 0;
	header.fields_len = row->fields ? strlen(row->fields) : 0;
	header.row_len = row->row_len;
	header.len = header.message_len + header.fields_len + header.row_len + 3;
	header.column_set = selected->column_set;
	header.state = row->state;
	header.created = row->created;
	memcpy(header.id, row->id, sizeof(header.id));
	memcpy(header.code, row->code, sizeof(header.code));

	resetStringInfo(out);
	appendBinaryStringInfo(out, (const char *) &header, sizeof(header));
	append_text(out, row->message, header.message_len);
	append_text(out, row->fields, header.fields_len);
	append_text(out, row->row, header.row_len);
	selected->empty = false;
	sfb_spool_write(selected->rows, out->data, out->len);
	selected->rows_end = sfb_spool_size(selected->rows);
}

/* ---- what is read ----------------------------------------------------------------------------- */

/* A reader's memory goes away. */
static void
unpin_outcome(void *arg)
{
	Pin *pin = arg;

	pin->outcome->pins--;
	drop_replaced();
}

const SfbOutcome *
sfb_outcome_get(Oid serverid, Oid userid)
{
	Outcome *outcome = find_outcome(serverid, userid, false);
	Pin *pin;

	if (outcome == NULL)
		return NULL;
	pin = palloc0(sizeof(Pin));
	pin->outcome = outcome;
	pin->callback.func = unpin_outcome;
	pin->callback.arg = pin;
	outcome->pins++;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &pin->callback);
	return &outcome->shown;
}

/* Copies len bytes of the spool behind the text. */
static void
read_bytes(SfbSpool *rows, int64 offset, StringInfo text, int len)
{
	while (len > 0)
	{
		const char *data;
		int n = Min(sfb_spool_read(rows, offset, &data), (Size) len);

		if (n == 0)
			elog(ERROR, "a row of the last statement ends early");
		appendBinaryStringInfo(text, data, n);
		offset += n;
		len -= n;
	}
}

bool
sfb_outcome_next_row(const SfbOutcome *shown, int64 *offset, SfbOutcomeRow *row)
{
	Outcome *outcome = (Outcome *) shown;
	StringInfo text = &outcome->text;
	RowHeader header;

	if (outcome->rows == NULL || *offset >= outcome->rows_end)
		return false;

	resetStringInfo(text);
	read_bytes(outcome->rows, *offset, text, sizeof(header));
	memcpy(&header, text->data, sizeof(header));
	resetStringInfo(text);
	read_bytes(outcome->rows, *offset + sizeof(header), text, header.len);
	*offset += sizeof(header) + header.len;

	memset(row, 0, sizeof(*row));
	row->state = header.state;
	row->created = header.created;
	memcpy(row->id, header.id, sizeof(header.id));
	memcpy(row->code, header.code, sizeof(header.code));
	row->message = text->data;
	row->fields = row->message + header.message_len + 1;
	row->row = row->fields + header.fields_len + 1;
	row->row_len = header.row_len;
	row->columns = list_nth(outcome->column_sets, header.column_set);
	return true;
}
