/*
 * function_rows.c
 *		Who may ask an SQL function about an org, and how its rows are made.
 */
#include "functions.h"

#include "catalog/pg_foreign_server.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"

/* ---- who may ask ------------------------------------------------------------------------------ */

ForeignServer *
sfb_named_server(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	AclResult result = sfb_server_aclcheck(server->serverid, GetUserId(), ACL_USAGE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FOREIGN_SERVER, server->servername);
	if (GetFdwRoutineByServerId(server->serverid)->BeginForeignScan != sfbulkBeginForeignScan)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("server \"%s\" is not a Salesforce server", server->servername),
						errdetail("Its foreign-data wrapper is \"%s\".",
								  GetForeignDataWrapper(server->fdwid)->fdwname)));
	return server;
}

ForeignServer *
sfb_function_server(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the name of the server must not be null")));
	return sfb_named_server(NameStr(*PG_GETARG_NAME(0)));
}

SfbGuard *
sfb_function_guard(ForeignServer *server, void (*destroy)(void *object))
{
	return sfb_guard_new(sfb_session_get(GetUserMapping(GetUserId(), server->serverid)),
						 destroy);
}

/* ---- values ----------------------------------------------------------------------------------- */

void
sfb_add_value(SfbResultRow *row, Datum value)
{
	Assert(row->n < SFB_RESULT_COLUMNS);
	row->values[row->n] = value;
	row->nulls[row->n++] = false;
}

void
sfb_add_null(SfbResultRow *row)
{
	Assert(row->n < SFB_RESULT_COLUMNS);
	row->values[row->n] = (Datum) 0;
	row->nulls[row->n++] = true;
}

void
sfb_add_text(SfbResultRow *row, const char *text, int len)
{
	if (len == 0)
		sfb_add_null(row);
	else
		sfb_add_value(row, CStringGetTextDatum(sfb_server_text(pnstrdup(text, len))));
}

void
sfb_add_string(SfbResultRow *row, const char *text)
{
	sfb_add_text(row, text, strlen(text));
}

void
sfb_add_count(SfbResultRow *row, int64 count)
{
	if (count < 0)
		sfb_add_null(row);
	else
		sfb_add_value(row, Int64GetDatum(count));
}

void
sfb_add_names(SfbResultRow *row, const char *text, int len)
{
	const char *end = text + len;
	ArrayBuildState *names = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	while (text < end)
	{
		const char *start = text;

		while (text < end && *text != ' ' && *text != ',')
			text++;
		if (text > start)
			names = accumArrayResult(
				names, CStringGetTextDatum(sfb_server_text(pnstrdup(start, text - start))),
				false, TEXTOID, CurrentMemoryContext);
		else
			text++;
	}
	sfb_add_value(row, makeArrayResult(names, CurrentMemoryContext));
}

void
sfb_add_timestamp(SfbResultRow *row, const char *text)
{
	if (text[0] == '\0')
		sfb_add_null(row);
	else
		sfb_add_value(row,
					  DirectFunctionCall3(timestamptz_in, CStringGetDatum(text),
										  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

void
sfb_add_version(SfbResultRow *row, double version)
{
	if (version == 0)
		sfb_add_null(row);
	else
		sfb_add_value(
			row, DirectFunctionCall3(numeric_in, CStringGetDatum(psprintf("%.1f", version)),
									 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

void
sfb_add_texts(SfbResultRow *row, const char *const *texts, int n)
{
	ArrayBuildState *array = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	for (int i = 0; i < n; i++)
		array = accumArrayResult(array, CStringGetTextDatum(sfb_server_text(texts[i])), false,
								 TEXTOID, CurrentMemoryContext);
	sfb_add_value(row, makeArrayResult(array, CurrentMemoryContext));
}

void
sfb_add_nullable(SfbResultRow *row, const char *text)
{
	if (text == NULL)
		sfb_add_null(row);
	else
		sfb_add_value(row, CStringGetTextDatum(sfb_server_text(text)));
}

void
sfb_add_length(SfbResultRow *row, int length)
{
	if (length == 0)
		sfb_add_null(row);
	else
		sfb_add_value(row, Int32GetDatum(length));
}

/* ---- rows ------------------------------------------------------------------------------------- */

void
sfb_describe_result(FunctionCallInfo fcinfo, FuncCallContext *funcctx)
{
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	funcctx->tuple_desc = BlessTupleDesc(desc);
}

Datum
sfb_result_tuple(FuncCallContext *funcctx, SfbResultRow *row)
{
	if (row->n != funcctx->tuple_desc->natts)
		elog(ERROR, "function has %d columns instead of %d", funcctx->tuple_desc->natts,
			 row->n);
	return HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc, row->values, row->nulls));
}

Datum
sfb_set_function(FunctionCallInfo fcinfo, SfbBeginSet begin, SfbNextRow next)
{
	FuncCallContext *funcctx;
	SfbResultRow row;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext oldcontext;

		funcctx = SRF_FIRSTCALL_INIT();
		oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		sfb_describe_result(fcinfo, funcctx);
		funcctx->user_fctx = begin(fcinfo);
		MemoryContextSwitchTo(oldcontext);
	}
	funcctx = SRF_PERCALL_SETUP();
	row.n = 0;
	if (!next(funcctx->user_fctx, &row))
		SRF_RETURN_DONE(funcctx);
	SRF_RETURN_NEXT(funcctx, sfb_result_tuple(funcctx, &row));
}
