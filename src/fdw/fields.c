/*
 * fields.c
 *		Rows of the client into the columns of a relation.
 *
 * SOQL refuses a field that is named twice, but a table may have several columns on one field.  Such a
 * column is a copy: it is converted, by its own type, as if the field came once more behind the SELECT
 * list.
 */
#include "fields.h"

SfbFields *
sfb_fields_new(int nfields, const sf_column *columns, List *attrs, List *copies,
			   const SfbColumn *table_columns)
{
	SfbFields *fields = palloc0(sizeof(SfbFields));
	int total;

	if (nfields != list_length(attrs))
		elog(ERROR, "%d fields for %d attributes", nfields, list_length(attrs));
	fields->nfields = nfields;
	fields->ncopies = list_length(copies) / 2;
	total = nfields + fields->ncopies;
	fields->columns = palloc0(sizeof(sf_column) * Max(total, 1));
	memcpy(fields->columns, columns, sizeof(sf_column) * nfields);
	fields->table_columns = table_columns;
	fields->attnums = palloc0(sizeof(AttrNumber) * Max(total, 1));
	for (int i = 0; i < nfields; i++)
		fields->attnums[i] = list_nth_int(attrs, i);
	if (fields->ncopies > 0)
	{
		fields->copy_of = palloc(sizeof(int) * fields->ncopies);
		fields->copied_row = palloc(sizeof(sf_value) * total);
		initStringInfo(&fields->copied);
		for (int i = 0; i < fields->ncopies; i++)
		{
			fields->copy_of[i] = list_nth_int(copies, 2 * i);
			fields->columns[nfields + i] = columns[fields->copy_of[i]];
			fields->attnums[nfields + i] = list_nth_int(copies, 2 * i + 1);
		}
	}
	fields->converter = sfb_row_converter_new(total, fields->attnums, table_columns);
	return fields;
}

/* The row with its copies; these have text of their own, as a conversion may change it. */
static sf_value *
append_copies(SfbFields *fields, const sf_value *values)
{
	int size = 0;

	memcpy(fields->copied_row, values, sizeof(sf_value) * fields->nfields);
	for (int i = 0; i < fields->ncopies; i++)
		size += values[fields->copy_of[i]].len + 1;

	/* Enlarged first, so that the texts stay where they are put. */
	resetStringInfo(&fields->copied);
	enlargeStringInfo(&fields->copied, size);
	for (int i = 0; i < fields->ncopies; i++)
	{
		const sf_value *value = &values[fields->copy_of[i]];
		sf_value *copy = &fields->copied_row[fields->nfields + i];

		*copy = *value;
		if (value->data == NULL)
			continue;
		copy->data = fields->copied.data + fields->copied.len;
		appendBinaryStringInfo(&fields->copied, value->data, value->len);
		appendStringInfoChar(&fields->copied, '\0');
	}
	return fields->copied_row;
}

void
sfb_fields_convert(SfbFields *fields, sf_value *values, Datum *datums, bool *isnull)
{
	if (unlikely(fields->ncopies > 0))
		values = append_copies(fields, values);
	sfb_convert_row(fields->converter, values, datums, isnull);
}

void
sfb_fields_context(const SfbFields *fields, const char *relname, int64 row)
{
	int at = sfb_row_converter_field(fields->converter);
	const char *field = sfb_server_text(fields->columns[at].path);
	int place = fields->attnums[at] - 1;
	const char *column = fields->table_columns[place].attname;

	if (fields->relnames != NULL && fields->relnames[place] != NULL)
		relname = fields->relnames[place];
	if (pg_strcasecmp(field, column) == 0)
		errcontext("column \"%s\" of foreign table \"%s\", row " INT64_FORMAT " of the result",
				   column, relname, row);
	else
		errcontext("column \"%s\" (field %s) of foreign table \"%s\", row " INT64_FORMAT
				   " of the result",
				   column, field, relname, row);
}
