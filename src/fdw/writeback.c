/*
 * writeback.c
 *		INSERT … RETURNING: the new record as Salesforce has it.
 *
 * The Id comes with the answer to the INSERT.  When RETURNING, WITH CHECK OPTION or an AFTER trigger wants to
 * see more than the Id and what was sent (defaults, auto numbers, formulas), the record is read by one REST
 * query, and so are the values that were sent, as Salesforce trims and normalises them.
 */
#include "modify.h"

#include "access/sysattr.h"
#include "executor/executor.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"

struct SfbWriteback
{
	SfbModify *modify;
	Datum *values; /* of the row, by attnum - 1 */
	bool *isnull;
	SfbRowConverter *id_converter; /* one field: the Id; NULL without a column for it */

	/* reading the record; no fields when it is not read */
	int nfields;
	sf_column *fields;
	char *soql; /* up to the Id */
	SfbRowConverter *converter;
	SfbGuard *guard;
	sf_error error;
};

/* The attributes that what core does with the row refers to. */
static Bitmapset *
wanted_columns(const SfbModify *modify, ResultRelInfo *rri)
{
	Bitmapset *wanted = bms_union(modify->returned, modify->checked);

	if (rri->ri_TrigDesc != NULL && rri->ri_TrigDesc->trig_insert_after_row)
		wanted = bms_add_member(wanted, -FirstLowInvalidHeapAttributeNumber);
	return wanted;
}

/* Is there a column among them (maybe by the whole row) that was not sent? */
static bool
wants_more(const SfbModify *modify, Bitmapset *wanted, bool but_id)
{
	bool whole = bms_is_member(-FirstLowInvalidHeapAttributeNumber, wanted);

	for (int i = 0; i < RelationGetDescr(modify->rel)->natts; i++)
	{
		bool sent = but_id && i + 1 == modify->id;

		if (modify->columns[i].field == NULL ||
			!(whole || bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, wanted)))
			continue;
		for (int j = 0; j < modify->ncolumns; j++)
			sent |= modify->attnums[j] == i + 1;
		if (!sent)
			return true;
	}
	return false;
}

static void
destroy_query(void *object)
{
	sf_query_free(object);
}

/* The query for the columns that are wanted. */
static void
init_reading(SfbWriteback *back, Bitmapset *wanted, UserMapping *user)
{
	SfbModify *modify = back->modify;
	bool whole = bms_is_member(-FirstLowInvalidHeapAttributeNumber, wanted);
	int natts = RelationGetDescr(modify->rel)->natts;
	AttrNumber *attnums = palloc(sizeof(AttrNumber) * natts);
	StringInfoData soql;

	initStringInfo(&soql);
	appendStringInfoString(&soql, "SELECT ");
	back->fields = palloc0(sizeof(sf_column) * natts);
	for (int i = 0; i < natts; i++)
	{
		const SfbColumn *column = &modify->columns[i];
		bool twice = false;

		if (column->field == NULL || strchr(column->field, ':') != NULL ||
			!(whole || bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, wanted)))
			continue;
		/* SOQL takes a field once; a second column of it keeps its value. */
		for (int j = 0; j < back->nfields; j++)
			twice |= pg_strcasecmp(back->fields[j].path, column->field) == 0;
		if (twice)
			continue;
		appendStringInfo(&soql, "%s%s", back->nfields > 0 ? ", " : "", column->field);
		back->fields[back->nfields].path = column->field;
		back->fields[back->nfields].kind = sfb_column_kind(column->type);
		attnums[back->nfields++] = i + 1;
	}
	appendStringInfo(&soql, " FROM %s WHERE Id = ", modify->options->object);
	back->soql = soql.data;
	if (back->nfields == 0)
		return;
	back->converter = sfb_row_converter_new(back->nfields, attnums, modify->columns);
	back->guard = sfb_guard_new(sfb_session_get(user), destroy_query);
}

SfbWriteback *
sfb_writeback_new(SfbModify *modify, ResultRelInfo *rri, UserMapping *user)
{
	SfbWriteback *back = palloc0(sizeof(SfbWriteback));
	Bitmapset *wanted = wanted_columns(modify, rri);
	int natts = RelationGetDescr(modify->rel)->natts;

	back->modify = modify;
	back->values = palloc(sizeof(Datum) * natts);
	back->isnull = palloc(sizeof(bool) * natts);
	if (modify->id != 0)
		back->id_converter = sfb_row_converter_new(1, &modify->id, modify->columns);
	if (wants_more(modify, wanted, true))
		init_reading(back, wanted, user);

	if (wants_more(modify, modify->checked, false))
		modify->check_first = false;
	return back;
}

/* The record's fields into values and isnull; they point into the query, which stays. */
static void
read_record(SfbWriteback *back, const char *id)
{
	char *soql = psprintf("%s'%s'", back->soql, id);
	sf_query_spec spec = {
		.soql = soql,
		.columns = back->fields,
		.ncolumns = back->nfields,
		.transport = SF_TRANSPORT_REST,
	};
	sf_value *fields;
	sf_status status;

	sfb_guard_clear(back->guard);
	back->guard->object = sf_query_start(back->guard->session, &spec, &back->error);
	pfree(soql);
	if (back->guard->object == NULL)
		sfb_report(ERROR, &back->error);
	while ((status = sf_query_next_row(back->guard->object, &fields, &back->error)) == SF_WAIT)
		sfb_wait(back->guard->session);
	if (status == SF_FAILED)
		sfb_report(ERROR, &back->error);

	/* Who may create a record need not be allowed to see it: then the row is as it was sent. */
	if (status == SF_OK)
		sfb_convert_row(back->converter, fields, back->values, back->isnull);
}

void
sfb_writeback_row(SfbWriteback *back, TupleTableSlot *slot, const char *id)
{
	TupleDesc desc = slot->tts_tupleDescriptor;
	EState *estate = back->modify->estate;
	MemoryContext oldcontext;
	char text[19];

	memcpy(back->values, slot->tts_values, sizeof(Datum) * desc->natts);
	memcpy(back->isnull, slot->tts_isnull, sizeof(bool) * desc->natts);
	if (back->id_converter != NULL)
	{
		sf_value value = {.data = text, .len = strlen(id)};

		strlcpy(text, id, sizeof(text));
		sfb_convert_row(back->id_converter, &value, back->values, back->isnull);
	}
	if (back->nfields > 0)
		read_record(back, id);

	/* The slot may own what its values point to, so they are copied before it lets go of that. */
	oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (!back->isnull[i])
			back->values[i] = datumCopy(back->values[i], attr->attbyval, attr->attlen);
	}
	ExecClearTuple(slot);
	memcpy(slot->tts_values, back->values, sizeof(Datum) * desc->natts);
	memcpy(slot->tts_isnull, back->isnull, sizeof(bool) * desc->natts);
	ExecStoreVirtualTuple(slot);
	ExecMaterializeSlot(slot);
	MemoryContextSwitchTo(oldcontext);
}
