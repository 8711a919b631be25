/*
 * look_query.c
 *		sfbulk_query: any SOQL query, a row as JSON.
 *
 * By REST a row is the record as Salesforce has it, without "attributes".  By bulk it has texts alone, and only
 * the names that the file has: parents become objects again, and describes say which texts are numbers,
 * booleans and datetimes, so that the same query gives the same JSON both ways.  What bulk cannot tell: a parent
 * of which all fields asked for are null is null.
 */
#include "functions.h"
#include "governor.h"
#include "look_paths.h"
#include "option.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "compat.h"

/* Declared here because before 16 neither fmgr.h nor PG_FUNCTION_INFO_V1 exports them. */
extern PGDLLEXPORT Datum sfbulk_query_rows(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfbulk_query_rows);

/* A member of the rows' objects: a field, or a parent with members of its own. */
typedef struct Member
{
	char *name; /* in the database encoding */
	int column; /* of a field; -1: a parent */
	SfbType type;
	List *members;
} Member;

typedef struct QuerySet
{
	SfbGuard *guard;	   /* of the query */
	SfbGuard *describe;	   /* of what its columns are */
	char *soql;			   /* UTF-8 */
	bool count;			   /* SELECT COUNT() FROM … */
	bool begun;			   /* there was a row */
	Member *row;		   /* by bulk */
	MemoryContext context; /* of one row */
	MemoryContext lasting; /* of the set */
	sf_error error;
} QuerySet;

static void
destroy_query(void *object)
{
	sf_query_free(object);
}

/* ---- what is asked ---------------------------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes the last word off a text; *len becomes what is left. */
static const char *
last_word(const char *text, int *len, int *word_len)
{
	int end = *len;
	int start;

	while (end > 0 && is_blank(text[end - 1]))
		end--;
	for (start = end; start > 0 && !is_blank(text[start - 1]); start--)
		;
	*len = start;
	*word_len = end - start;
	return text + start;
}

static bool
is_word(const char *word, int len, const char *expected)
{
	return len == (int) strlen(expected) && pg_strncasecmp(word, expected, len) == 0;
}

/* Clauses at the end of a query that change something: locks, and what was viewed. */
static bool
changes_something(const char *soql)
{
	int left = strlen(soql);
	int len;
	int before_len;
	const char *word = last_word(soql, &left, &len);
	const char *before = last_word(soql, &left, &before_len);

	if (is_word(before, before_len, "FOR"))
		return is_word(word, len, "UPDATE") || is_word(word, len, "VIEW") ||
			   is_word(word, len, "REFERENCE");
	return (is_word(before, before_len, "UPDATE") ||
			is_word(before, before_len, "TRACKING,") ||
			is_word(before, before_len, "VIEWSTAT,")) &&
		   (is_word(word, len, "TRACKING") || is_word(word, len, "VIEWSTAT"));
}

static void
check_soql(const char *soql)
{
	if (pg_strncasecmp(soql, "select", 6) != 0 || !is_blank(soql[6]))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the query must be SOQL that begins with SELECT")));
	if (changes_something(soql))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the query must do nothing but read"),
				 errdetail("FOR UPDATE locks records; FOR VIEW, FOR REFERENCE and UPDATE "
						   "TRACKING or VIEWSTAT change what Salesforce knows of them.")));
}

static sf_transport
parse_transport(const char *name)
{
	if (strcmp(name, "auto") == 0)
		return SF_TRANSPORT_AUTO;
	if (strcmp(name, "rest") == 0)
		return SF_TRANSPORT_REST;
	if (strcmp(name, "bulk") == 0)
		return SF_TRANSPORT_BULK;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid transport: \"%s\"", name), errhint("It is auto, rest or bulk.")));
}

/* A text argument that must be there. */
static char *
text_argument(FunctionCallInfo fcinfo, int n, const char *what)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s must not be null", what)));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static QuerySet *
begin_query(FunctionCallInfo fcinfo)
{
	ForeignServer *server = sfb_function_server(fcinfo);
	QuerySet *set = palloc0(sizeof(QuerySet));
	char *soql = text_argument(fcinfo, 1, "the query");
	sf_transport transport = parse_transport(text_argument(fcinfo, 2, "the transport"));
	SfbTableOptions options = {0};
	sf_query_spec spec = {0};

	while (is_blank(*soql))
		soql++;
	check_soql(soql);
	sfb_option_defaults(SFB_TO_TABLE, &options);
	sfb_option_apply(server->options, SFB_TO_TABLE, &options);
	set->soql = pg_server_to_any(soql, strlen(soql), PG_UTF8);
	set->count = sf_soql_is_count(set->soql);
	set->lasting = CurrentMemoryContext;
	set->context = AllocSetContextCreate(CurrentMemoryContext, "sfbulk_fdw query row",
										 ALLOCSET_DEFAULT_SIZES);
	set->guard = sfb_function_guard(server, destroy_query);
	set->describe = sfb_function_guard(server, destroy_query);
	sfb_governor_admit(set->guard->session,
					   transport == SF_TRANSPORT_BULK ? SFB_WORK_QUERY_JOB : SFB_WORK_QUERY);

	spec.soql = set->soql;
	spec.count_only = set->count;
	spec.any_columns = !set->count;
	spec.query_all = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	spec.transport = transport;
	spec.rest_row_limit = options.rest_row_limit;
	spec.page_rows = options.page_rows;
	spec.download_streams = options.download_streams;
	spec.poll_interval_max_ms = options.poll_interval_max;
	spec.job_timeout_ms = options.job_timeout;
	spec.no_threads = !sfb_decompress_thread;
	set->guard->object = sf_query_start(set->guard->session, &spec, &set->error);
	if (set->guard->object == NULL)
		sfb_report(ERROR, &set->error);
	sfb_kick(set->guard->session);
	return set;
}

/* ---- rows by bulk ----------------------------------------------------------------------------- */

static char *
server_text(const char *text, int len)
{
	char *converted = pg_any_to_server(text, len, PG_UTF8);

	return converted == text ? pnstrdup(text, len) : converted;
}

/* The member of that name, which is made where there is none yet. */
static Member *
find_member(Member *parent, const char *name, int len)
{
	char *text = server_text(name, len);
	Member *member;
	ListCell *lc;

	foreach (lc, parent->members)
	{
		member = lfirst(lc);
		if (strcmp(member->name, text) == 0)
			return member;
	}
	member = palloc0(sizeof(Member));
	member->name = text;
	member->column = -1;
	parent->members = lappend(parent->members, member);
	return member;
}

/* What the rows are made of: the file's columns, and what describes say of them. */
static Member *
make_members(QuerySet *set)
{
	sf_query *query = set->guard->object;
	int n = sf_query_ncolumns(query);
	const char **paths = palloc(sizeof(char *) * (n + 1));
	SfbType *types = palloc0(sizeof(SfbType) * (n + 1));
	Member *row = palloc0(sizeof(Member));
	char object[256];

	for (int i = 0; i < n; i++)
		paths[i] = sf_query_column(query, i);
	if (sf_soql_object(set->soql, object, sizeof(object)))
		sfb_path_types(set->describe, object, n, paths, types);
	for (int i = 0; i < n; i++)
	{
		const char *step = paths[i];
		const char *dot;
		Member *at = row;

		for (; (dot = strchr(step, '.')) != NULL; step = dot + 1)
			at = find_member(at, step, dot - step);
		at = find_member(at, step, strlen(step));
		at->column = i;
		at->type = types[i];
	}
	return row;
}

/* True when there is any value among a member's. */
static bool
has_value(const Member *member, const sf_value *values)
{
	ListCell *lc;

	if (member->column >= 0)
		return values[member->column].data != NULL;
	foreach (lc, member->members)
		if (has_value(lfirst(lc), values))
			return true;
	return false;
}

static void
set_text(JsonbValue *json, char *text)
{
	json->type = jbvString;
	json->val.string.val = text;
	json->val.string.len = strlen(text);
}

/* A datetime ends in Z here, and by REST in +0000. */
static char *
datetime_text(const sf_value *value)
{
	if (value->len > 0 && value->data[value->len - 1] == 'Z')
		return psprintf("%.*s+0000", value->len - 1, value->data);
	return pnstrdup(value->data, value->len);
}

static void
field_value(JsonbValue *json, SfbType type, const sf_value *value)
{
	if (value->data == NULL)
	{
		json->type = jbvNull;
		return;
	}
	switch (type)
	{
		case SFB_BOOLEAN:
			json->type = jbvBool;
			json->val.boolean = strcmp(value->data, "true") == 0;
			return;
		case SFB_INT:
		case SFB_LONG:
		case SFB_DOUBLE:
		case SFB_CURRENCY:
		case SFB_PERCENT:
			json->type = jbvNumeric;
			json->val.numeric = DatumGetNumeric(DirectFunctionCall1(
				numeric_trim_scale,
				DirectFunctionCall3(numeric_in, CStringGetDatum(value->data),
									ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1))));
			return;
		case SFB_DATETIME:
			set_text(json, datetime_text(value));
			return;
		default:
			set_text(json, server_text(value->data, value->len));
	}
}

static JsonbValue *
push_object(JsonbParseState **state, const Member *object, const sf_value *values)
{
	ListCell *lc;

	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	foreach (lc, object->members)
	{
		const Member *member = lfirst(lc);
		JsonbValue json;

		set_text(&json, member->name);
		pushJsonbValue(state, WJB_KEY, &json);
		if (member->column < 0 && has_value(member, values))
		{
			push_object(state, member, values);
			continue;
		}
		json.type = jbvNull;
		if (member->column >= 0)
			field_value(&json, member->type, &values[member->column]);
		pushJsonbValue(state, WJB_VALUE, &json);
	}
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* ---- rows ------------------------------------------------------------------------------------- */

/* {"count": n}, as no record tells it. */
static Datum
count_row(const sf_value *value)
{
	return DirectFunctionCall1(jsonb_in,
							   CStringGetDatum(psprintf("{\"count\": %s}", value->data)));
}

static Datum
make_row(QuerySet *set, const sf_value *values)
{
	JsonbParseState *state = NULL;

	if (set->count)
		return count_row(values);
	if (sf_query_is_json(set->guard->object))
		return DirectFunctionCall1(jsonb_in,
								   CStringGetDatum(server_text(values->data, values->len)));
	return JsonbPGetDatum(JsonbValueToJsonb(push_object(&state, set->row, values)));
}

/* Waits for the next row; false at the end. */
static bool
wait_row(QuerySet *set, sf_value **values)
{
	sf_status status;

	while ((status = sf_query_next_row(set->guard->object, values, &set->error)) == SF_WAIT)
		sfb_wait(set->guard->session);
	if (status == SF_FAILED)
		sfb_report(ERROR, &set->error);
	return status == SF_OK;
}

Datum
sfbulk_query_rows(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	MemoryContext oldcontext;
	sf_value *values;
	QuerySet *set;
	Datum row;

	if (SRF_IS_FIRSTCALL())
	{
		funcctx = SRF_FIRSTCALL_INIT();
		oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		funcctx->user_fctx = begin_query(fcinfo);
		MemoryContextSwitchTo(oldcontext);
	}
	funcctx = SRF_PERCALL_SETUP();
	set = funcctx->user_fctx;
	MemoryContextReset(set->context);
	if (!wait_row(set, &values))
		SRF_RETURN_DONE(funcctx);
	if (!set->begun && !set->count && !sf_query_is_json(set->guard->object))
	{
		oldcontext = MemoryContextSwitchTo(set->lasting);
		set->row = make_members(set);
		MemoryContextSwitchTo(oldcontext);
	}
	set->begun = true;
	oldcontext = MemoryContextSwitchTo(set->context);
	row = make_row(set, values);
	MemoryContextSwitchTo(oldcontext);
	SRF_RETURN_NEXT(funcctx, row);
}
