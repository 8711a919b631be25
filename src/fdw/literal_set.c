/*
 * literal_set.c
 *		Conditions on multi-select picklists, which are arrays here.
 *
 * INCLUDES ('A;B', 'C') is true for a field that has A and B, or C.  Whether it minds case nobody says, so
 * that its answer is checked again.
 *
 * Source: SOQL and SOQL Reference, "Querying Multi-Select Picklists".
 */
#include "postgres.h"

#include "literal.h"

/* Longest string in WHERE, in bytes, which are at least as many as the characters that count. */
#define MAX_STRING 4000

/* The elements as they stand between quotes; false when there is one that could be something else there. */
static bool
plain_elements(Datum *elems, bool *nulls, int nelems, const char *separator, StringInfo list,
			   int *count)
{
	*count = 0;
	for (int i = 0; i < nelems; i++)
	{
		int len;
		char *text;

		if (nulls[i])
			continue;
		text = sfb_plain_text(elems[i], &len);
		if (text == NULL || memchr(text, ';', len) != NULL)
			return false;
		if ((*count)++ > 0)
			appendStringInfoString(list, separator);
		if (separator[0] == ';')
			appendBinaryStringInfo(list, text, len);
		else
			appendStringInfoString(list, sfb_quote_text(text, len));
	}
	return true;
}

SfbFold
sfb_fold_set(StringInfo buf, const char *field, SfbOp op, Oid valtype, Datum value)
{
	bool all = (op == SFB_OP_HAS_ALL);
	bool has_null = false;
	StringInfoData list;
	Datum *elems = &value;
	bool no_null = false;
	bool *nulls = &no_null;
	int nelems = 1;
	int count;

	if (op != SFB_OP_HAS)
		nelems = sfb_array_elements(value, valtype, &elems, &nulls);
	for (int i = 0; i < nelems; i++)
		has_null = has_null || nulls[i];

	/* No value is null: one is in no list, and does no harm where one of several is enough. */
	if (all && has_null)
		return SFB_FOLD_FALSE;
	initStringInfo(&list);
	if (!plain_elements(elems, nulls, nelems, all ? ";" : ", ", &list, &count))
		return SFB_FOLD_DROP;
	if (count == 0)
		return all ? sfb_fold_not_null(buf, field, SFB_FOLD_SEND) : SFB_FOLD_FALSE;
	if (list.len > (all ? MAX_STRING : SFB_MAX_SOQL))
		return SFB_FOLD_DROP;
	appendStringInfo(buf, "%s INCLUDES (%s)", field,
					 all ? sfb_quote_text(list.data, list.len) : list.data);
	return SFB_FOLD_WIDE;
}
