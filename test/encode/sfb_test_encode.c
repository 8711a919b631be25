/*
 * sfb_test_encode.c
 *		encode.c for SQL: the cell that a value becomes.
 *
 * A module of the regression tests only; it compiles the encoders in.
 */
#include "../../src/fdw/sfbulk_fdw.h"

/* Of convert.c, which is not here; only the client's columns need it. */
#define sfb_column_kind(type) SF_COLUMN_TEXT
#include "../../src/fdw/encode.c"

#include "../../src/client/sf_id.c"

#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "sfb_test_encode");
#else
PG_MODULE_MAGIC;
#endif

extern PGDLLEXPORT Datum sfb_encode(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfb_encode);

/* The encoder of a call site, whose arguments but for the value are constants. */
typedef struct CallSite
{
	SfbColumn column;
	SfbRowEncoder *enc;
	StringInfoData row;
} CallSite;

static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	CallSite *site = fcinfo->flinfo->fn_extra;
	AttrNumber attnums[] = {1, 1};
	MemoryContext oldcontext;

	if (site != NULL)
		return site;
	oldcontext = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	site = palloc0(sizeof(CallSite));
	site->column.attnum = 1;
	site->column.attname = "c";
	site->column.pgtype = get_fn_expr_argtype(fcinfo->flinfo, 0);
	site->column.typmod = -1;
	site->column.type = PG_GETARG_INT32(1);
	site->column.field = text_to_cstring(PG_GETARG_TEXT_PP(2));
	site->column.length = PG_GETARG_INT32(4);
	if (!PG_ARGISNULL(5))
		site->column.picklist = text_to_cstring(PG_GETARG_TEXT_PP(5));
	site->enc =
		sfb_row_encoder_new(2, attnums, &site->column, (sf_operation) PG_GETARG_INT32(3));
	initStringInfo(&site->row);
	fcinfo->flinfo->fn_extra = site;
	MemoryContextSwitchTo(oldcontext);
	return site;
}

/*
 * sfb_encode(value anyelement, type integer, field text, operation integer, length integer, picklist text):
 * the cell, with " (text #N/A)" behind it where only Collections can send it.  The row has it twice, as
 * one of a single empty cell is a case of its own.
 */
Datum
sfb_encode(PG_FUNCTION_ARGS)
{
	CallSite *site = call_site(fcinfo);
	Datum value = PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0);
	bool isnull = PG_ARGISNULL(0);

	resetStringInfo(&site->row);
	sfb_encode_row(site->enc, &site->row, &value, &isnull);
	site->row.len = (site->row.len - 2) / 2;
	if (sfb_row_encoder_literal_na(site->enc) != 0)
		appendStringInfoString(&site->row, " (text #N/A)");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(site->row.data, site->row.len));
}
