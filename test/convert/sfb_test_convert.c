/*
 * sfb_test_convert.c
 *		convert.c for SQL: what a text becomes, and whether that is what the type's input function
 *		makes of it.
 *
 * A module of the regression tests only; it compiles the converters in.
 */
#include "../../src/fdw/convert.c"

#include "utils/datum.h"

#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "sfb_test_convert");
#else
PG_MODULE_MAGIC;
#endif

extern PGDLLEXPORT Datum sfb_convert_direct(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfb_convert_text(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfb_convert_differs(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfb_convert_direct);
PG_FUNCTION_INFO_V1(sfb_convert_text);
PG_FUNCTION_INFO_V1(sfb_convert_differs);

/* The converter for one of the types that a call site sees, made when it sees it first. */
typedef struct CallSite
{
	struct CallSite *next;
	Oid pgtype;
	int32 typmod;
	SfbRowConverter *conv;
	Oid ioparam;
	int16 typlen;
	bool typbyval;
	FmgrInfo input;
	FmgrInfo output;
} CallSite;

static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	CallSite *site = fcinfo->flinfo->fn_extra;
	Oid pgtype = PG_GETARG_OID(1);
	int32 typmod = PG_GETARG_INT32(2);

	while (site != NULL && (site->pgtype != pgtype || site->typmod != typmod))
		site = site->next;
	if (site == NULL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		AttrNumber attnum = 1;
		SfbColumn column = {.attnum = 1,
							.pgtype = pgtype,
							.typmod = typmod,
							.type = PG_GETARG_BOOL(3) ? SFB_MULTIPICKLIST : SFB_TEXT};
		Oid function;
		bool varlena;

		site = palloc0(sizeof(CallSite));
		site->pgtype = pgtype;
		site->typmod = typmod;
		site->conv = sfb_row_converter_new(1, &attnum, &column);
		get_typlenbyval(pgtype, &site->typlen, &site->typbyval);
		getTypeInputInfo(pgtype, &function, &site->ioparam);
		fmgr_info(function, &site->input);
		getTypeOutputInfo(pgtype, &function, &varlena);
		fmgr_info(function, &site->output);
		site->next = fcinfo->flinfo->fn_extra;
		fcinfo->flinfo->fn_extra = site;
		MemoryContextSwitchTo(oldcontext);
	}
	return site;
}

static Datum
convert_one(CallSite *site, const char *text, bool *isnull)
{
	sf_value value = {.data = text ? pstrdup(text) : NULL,
					  .len = text ? (int) strlen(text) : 0};
	Datum datum;

	sfb_convert_row(site->conv, &value, &datum, isnull);
	return datum;
}

/* sfb_convert_direct(value text, type oid, typmod integer, multipicklist boolean): is there a direct path? */
Datum
sfb_convert_direct(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(call_site(fcinfo)->conv->fields[0].kind != CONVERT_INPUT);
}

/* sfb_convert_text(value text, type oid, typmod integer, multipicklist boolean) returns text */
Datum
sfb_convert_text(PG_FUNCTION_ARGS)
{
	CallSite *site = call_site(fcinfo);
	bool isnull;
	Datum datum = convert_one(
		site, PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0)), &isnull);

	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(OutputFunctionCall(&site->output, datum)));
}

/* The error that a conversion raises as "SQLSTATE message", else NULL and *result. */
static char *
try_convert(CallSite *site, const char *text, bool directly, Datum *result)
{
	MemoryContext oldcontext = CurrentMemoryContext;
	char *volatile error = NULL;
	bool isnull;

	/*
	 * Without a subtransaction, so that millions can be tried: input functions hold nothing that
	 * would have to be released.
	 */
	PG_TRY();
	{
		*result = directly ? convert_one(site, text, &isnull)
						   : InputFunctionCall(&site->input, pstrdup(text), site->ioparam,
											   site->typmod);
	}
	PG_CATCH();
	{
		ErrorData *edata;

		MemoryContextSwitchTo(oldcontext);
		edata = CopyErrorData();
		FlushErrorState();
		error = psprintf("%s %s", unpack_sql_state(edata->sqlerrcode), edata->message);
	}
	PG_END_TRY();
	return error;
}

/*
 * sfb_convert_differs(value text, type oid, typmod integer, multipicklist boolean) returns text:
 * NULL when both give the same bytes or the same error, else what they give.
 */
Datum
sfb_convert_differs(PG_FUNCTION_ARGS)
{
	CallSite *site = call_site(fcinfo);
	char *value = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum datums[2] = {0};
	char *says[2];

	for (int directly = 0; directly < 2; directly++)
		says[directly] = try_convert(site, value, directly == 1, &datums[directly]);
	if (says[0] && says[1]
			? strcmp(says[0], says[1]) == 0
			: !says[0] && !says[1] &&
				  datumIsEqual(datums[0], datums[1], site->typbyval, site->typlen))
		PG_RETURN_NULL();
	for (int i = 0; i < 2; i++)
		if (!says[i])
			says[i] = OutputFunctionCall(&site->output, datums[i]);
	PG_RETURN_TEXT_P(
		cstring_to_text(psprintf("\"%s\": input %s, direct %s", value, says[0], says[1])));
}
