/*
 * fields.h
 *		Rows of the client into the columns of a relation (fields.c), for scans and ANALYZE.
 */
#ifndef SFB_FIELDS_H
#define SFB_FIELDS_H

#include "sfbulk_fdw.h"

#include "lib/stringinfo.h"

typedef struct SfbFields
{
	int nfields;
	sf_column *columns;				/* the SELECT list, then the copies */
	const SfbColumn *table_columns; /* by attnum - 1 */
	AttrNumber *attnums;			/* that the SELECT list fills, then those of the copies */
	int ncopies;					/* further columns on a field that is in the SELECT list */
	int *copy_of;					/* its index there */
	sf_value *copied_row;			/* the row with the copies behind it; NULL without any */
	StringInfoData copied;			/* their text */
	SfbRowConverter *converter;
	/* by attnum - 1 the name of the column's table for error contexts; NULL: all are of one */
	char **relnames;
} SfbFields;

/*
 * For a SELECT list of nfields columns; attrs and copies are as at SfbScanPrivateAttrs and
 * SfbScanPrivateCopies.  palloc'd in the current context, which must last as long as rows are converted.
 */
extern SfbFields *sfb_fields_new(int nfields, const sf_column *columns, List *attrs,
								 List *copies, const SfbColumn *table_columns);

/* One row of the client, as sfb_convert_row. */
extern void
sfb_fields_convert(SfbFields *fields, sf_value *values, Datum *datums, bool *isnull);

/* A line of error context for the value that is being converted: where, never what. */
extern void sfb_fields_context(const SfbFields *fields, const char *relname, int64 row);

#endif /* SFB_FIELDS_H */
