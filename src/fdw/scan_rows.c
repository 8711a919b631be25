/*
 * scan_rows.c
 *		Whole rows of joined tables.
 *
 * A query may want a table's row as one value (SELECT a FROM …, row locks).  The scan of a join has the
 * table's columns besides, and the row is made of them here; where a LEFT JOIN has found no record, it is
 * null, not a row of nulls.
 */
#include "scan.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "compat.h"

typedef struct SfbWholeRow
{
	int column;		/* its place in the slot, from 0 */
	int present;	/* the column that is null where there is no record; -1: there is one */
	TupleDesc desc; /* of the table */
	int *columns;	/* by the table's attributes; -1: null */
	Datum *values;
	bool *nulls;
} SfbWholeRow;

void
sfb_whole_rows_init(SfbScanState *scan, List *whole_rows, List *columns)
{
	int i = 0;
	ListCell *lc;

	scan->nwhole_rows = list_length(whole_rows);
	scan->whole_rows = palloc0(sizeof(SfbWholeRow) * Max(scan->nwhole_rows, 1));
	foreach (lc, whole_rows)
	{
		List *parts = lfirst(lc);
		SfbWholeRow *row = &scan->whole_rows[i++];
		List *column = list_nth(columns, list_nth_int(parts, SfbWholeRowColumn) - 1);
		Oid reloid = intVal(list_nth(column, SfbScanColumnRelation));
		int natts;

		row->column = list_nth_int(parts, SfbWholeRowColumn) - 1;
		row->present = list_nth_int(parts, SfbWholeRowPresent) - 1;
		/* Where an UPDATE wants the row, its type is said to be any record. */
		row->desc = lookup_rowtype_tupdesc_copy(get_rel_type_id(reloid), -1);
		natts = row->desc->natts;
		row->columns = palloc(sizeof(int) * Max(natts, 1));
		row->values = palloc0(sizeof(Datum) * Max(natts, 1));
		row->nulls = palloc0(sizeof(bool) * Max(natts, 1));
		for (int att = 0; att < natts; att++)
			row->columns[att] = SfbWholeRowFirst + att < list_length(parts)
									? list_nth_int(parts, SfbWholeRowFirst + att) - 1
									: -1;
	}
}

void
sfb_whole_rows_fill(SfbScanState *scan, TupleTableSlot *slot)
{
	for (int i = 0; i < scan->nwhole_rows; i++)
	{
		SfbWholeRow *row = &scan->whole_rows[i];
		HeapTuple tuple;

		slot->tts_isnull[row->column] = true;
		if (row->present >= 0 && slot->tts_isnull[row->present])
			continue;
		for (int att = 0; att < row->desc->natts; att++)
		{
			int column = row->columns[att];

			row->nulls[att] = column < 0 || slot->tts_isnull[column];
			row->values[att] = row->nulls[att] ? (Datum) 0 : slot->tts_values[column];
		}
		/* In the memory of the row, like the values of its columns. */
		tuple = heap_form_tuple(row->desc, row->values, row->nulls);
		slot->tts_values[row->column] = heap_copy_tuple_as_datum(tuple, row->desc);
		slot->tts_isnull[row->column] = false;
	}
}
