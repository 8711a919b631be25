/*
 * functions.h
 *		What the files of SQL functions share: who may ask, and rows on their way out.
 */
#ifndef SFB_FUNCTIONS_H
#define SFB_FUNCTIONS_H

#include "sfbulk_fdw.h"

#include "fmgr.h"
#include "funcapi.h"

/* The most columns that a function has. */
#define SFB_RESULT_COLUMNS 48

/* A result row on its way into a tuple; start with n = 0. */
typedef struct SfbResultRow
{
	int n;
	Datum values[SFB_RESULT_COLUMNS];
	bool nulls[SFB_RESULT_COLUMNS];
} SfbResultRow;

/* The server of that name, for a user who has USAGE on it; ERROR when it is none of ours. */
extern ForeignServer *sfb_named_server(const char *name);

/* The server that a function's first argument, a name, stands for; ERROR when it is null. */
extern ForeignServer *sfb_function_server(FunctionCallInfo fcinfo);

/*
 * A guard for what is asked of the server with the current user's mapping (ERROR when there is none), so
 * never with another role's session or secret.
 */
extern SfbGuard *sfb_function_guard(ForeignServer *server, void (*destroy)(void *object));

/* The next column of the row. */
extern void sfb_add_value(SfbResultRow *row, Datum value);
extern void sfb_add_null(SfbResultRow *row);

/*
 * A text of Salesforce's own, empty for null; a character that the database lacks does not hide the row.
 */
extern void sfb_add_text(SfbResultRow *row, const char *text, int len);
extern void sfb_add_string(SfbResultRow *row, const char *text);

/* A number; negative is null: it is not known. */
extern void sfb_add_count(SfbResultRow *row, int64 count);

/* Names separated by blanks and commas, as an array. */
extern void sfb_add_names(SfbResultRow *row, const char *text, int len);

/* 2022-01-02T17:38:59.000+0000; empty is null. */
extern void sfb_add_timestamp(SfbResultRow *row, const char *text);

/* 62.0 as numeric; 0 is null. */
extern void sfb_add_version(SfbResultRow *row, double version);

/* Texts of Salesforce's own as an array. */
extern void sfb_add_texts(SfbResultRow *row, const char *const *texts, int n);

/* A text of Salesforce's own, NULL for null. */
extern void sfb_add_nullable(SfbResultRow *row, const char *text);

/* How many there are; 0 is null: it does not apply. */
extern void sfb_add_length(SfbResultRow *row, int length);

/*
 * A whole function that returns a set of rows: begin makes what its rows come from, in the memory of the set,
 * and next adds the columns of the next row, false at the end.
 */
typedef void *(*SfbBeginSet)(FunctionCallInfo fcinfo);
typedef bool (*SfbNextRow)(void *set, SfbResultRow *row);
extern Datum sfb_set_function(FunctionCallInfo fcinfo, SfbBeginSet begin, SfbNextRow next);

/* The row's descriptor, in the memory of the set: call it in multi_call_memory_ctx. */
extern void sfb_describe_result(FunctionCallInfo fcinfo, FuncCallContext *funcctx);

/* ERROR unless the row has as many columns as the function. */
extern Datum sfb_result_tuple(FuncCallContext *funcctx, SfbResultRow *row);

#endif /* SFB_FUNCTIONS_H */
