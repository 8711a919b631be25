/*
 * look.c
 *		SQL functions that show what the org is: its limits, its objects, their fields.
 *
 * Each asks with the current user's mapping, once, and gives rows as they are read from the answer.
 */
#include "functions.h"
#include "governor.h"
#include "import.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "compat.h"

/* Declared here because before 16 neither fmgr.h nor PG_FUNCTION_INFO_V1 exports them. */
extern PGDLLEXPORT Datum sfbulk_limits(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfbulk_objects(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfbulk_fields(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfbulk_limits);
PG_FUNCTION_INFO_V1(sfbulk_objects);
PG_FUNCTION_INFO_V1(sfbulk_fields);

/* What a function's rows come from. */
typedef struct Look
{
	SfbGuard *guard; /* of what was asked */
	sf_error error;

	/* sfbulk_fields: the object that is shown */
	const sf_object *object;
	int field; /* the next one */
} Look;

/* After what was asked was begun: ERROR when it could not be, else it is on its way. */
static void
asked(Look *look)
{
	if (look->guard->object == NULL)
		sfb_report(ERROR, &look->error);
	sfb_kick(look->guard->session);
}

/* True when the status brings an item, false at the end; waits at SF_WAIT and sets *again. */
static bool
has_item(Look *look, sf_status status, bool *again)
{
	*again = status == SF_WAIT;
	if (status == SF_FAILED)
		sfb_report(ERROR, &look->error);
	if (status == SF_WAIT)
		sfb_wait(look->guard->session);
	return status == SF_OK;
}

static void
add_flag(SfbResultRow *row, bool flag)
{
	sfb_add_value(row, BoolGetDatum(flag));
}

/* ---- limits ----------------------------------------------------------------------------------- */

static void
destroy_limits(void *object)
{
	sf_limits_free(object);
}

static void *
begin_limits(FunctionCallInfo fcinfo)
{
	Look *look = palloc0(sizeof(Look));

	look->guard = sfb_function_guard(sfb_function_server(fcinfo), destroy_limits);
	look->guard->object = sf_limits_start(look->guard->session, &look->error);
	asked(look);
	return look;
}

/* A share in percent with one digit behind the point, or null. */
static void
add_percent(SfbResultRow *row, int64 part, int64 whole)
{
	if (whole <= 0)
		sfb_add_null(row);
	else
		sfb_add_value(row, DirectFunctionCall2(
							   numeric_round,
							   DirectFunctionCall2(
								   numeric_div,
								   DirectFunctionCall2(numeric_mul,
													   NumericGetDatum(int64_to_numeric(part)),
													   NumericGetDatum(int64_to_numeric(100))),
								   NumericGetDatum(int64_to_numeric(whole))),
							   Int32GetDatum(1)));
}

static bool
next_limit(void *set, SfbResultRow *row)
{
	Look *look = set;
	const sf_limit *limit;
	bool again;

	do
	{
		if (has_item(look, sf_limits_next(look->guard->object, &limit, &look->error), &again))
		{
			sfb_add_string(row, limit->part_of != NULL ? limit->part_of : limit->name);
			sfb_add_nullable(row, limit->part_of != NULL ? limit->name : NULL);
			sfb_add_value(row, Int64GetDatum(limit->max));
			sfb_add_value(row, Int64GetDatum(limit->remaining));
			sfb_add_value(row, Int64GetDatum(limit->max - limit->remaining));
			add_percent(row, limit->max - limit->remaining, limit->max);
			return true;
		}
	} while (again);
	return false;
}

Datum
sfbulk_limits(PG_FUNCTION_ARGS)
{
	return sfb_set_function(fcinfo, begin_limits, next_limit);
}

/* ---- objects ---------------------------------------------------------------------------------- */

static void
destroy_describe(void *object)
{
	sf_describe_free(object);
}

static void *
begin_objects(FunctionCallInfo fcinfo)
{
	Look *look = palloc0(sizeof(Look));

	look->guard = sfb_function_guard(sfb_function_server(fcinfo), destroy_describe);
	sfb_governor_admit(look->guard->session, SFB_WORK_CALLS);
	look->guard->object = sf_describe_global_start(look->guard->session, &look->error);
	asked(look);
	return look;
}

static bool
next_object(void *set, SfbResultRow *row)
{
	Look *look = set;
	const sf_object *o;
	bool again;

	do
	{
		if (!has_item(look, sf_describe_next(look->guard->object, &o, &look->error), &again))
			continue;
		sfb_add_string(row, o->name);
		sfb_add_string(row, o->label);
		sfb_add_nullable(row, o->label_plural);
		sfb_add_nullable(row, o->key_prefix);
		add_flag(row, o->custom);
		add_flag(row, o->custom_setting);
		add_flag(row, o->queryable);
		add_flag(row, o->retrieveable);
		add_flag(row, o->searchable);
		add_flag(row, o->createable);
		add_flag(row, o->updateable);
		add_flag(row, o->deletable);
		add_flag(row, o->undeletable);
		add_flag(row, o->mergeable);
		add_flag(row, o->replicateable);
		add_flag(row, o->triggerable);
		add_flag(row, o->deprecated_and_hidden);
		return true;
	} while (again);
	return false;
}

Datum
sfbulk_objects(PG_FUNCTION_ARGS)
{
	return sfb_set_function(fcinfo, begin_objects, next_object);
}

/* ---- fields ----------------------------------------------------------------------------------- */

static void *
begin_fields(FunctionCallInfo fcinfo)
{
	ForeignServer *server = sfb_function_server(fcinfo);
	Look *look = palloc0(sizeof(Look));
	const char *name;
	bool again;

	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the name of the object must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	look->guard = sfb_function_guard(server, destroy_describe);
	sfb_governor_admit(look->guard->session, SFB_WORK_CALLS);
	look->guard->object =
		sf_describe_objects_start(look->guard->session, &name, 1, &look->error);
	asked(look);
	do
	{
		if (!has_item(look, sf_describe_next(look->guard->object, &look->object, &look->error),
					  &again) &&
			!again)
			ereport(ERROR, (errcode(ERRCODE_FDW_ERROR),
							errmsg("Salesforce did not describe object \"%s\"", name)));
	} while (again);
	return look;
}

/* The type of the column that the import makes without options; null where it makes none. */
static void
add_column_type(SfbResultRow *row, const sf_field *field)
{
	SfbImportOptions options = {0};

	sfb_option_defaults(SFB_TO_IMPORT, &options);
	sfb_add_nullable(row, sfb_is_imported(field, &options)
							  ? format_type_be(sfb_import_type(field, &options))
							  : NULL);
}

static bool
next_field(void *set, SfbResultRow *row)
{
	Look *look = set;
	const sf_field *f;

	if (look->field >= look->object->nfields)
		return false;
	f = &look->object->fields[look->field++];
	sfb_add_value(row, Int32GetDatum(look->field));
	sfb_add_string(row, f->name);
	sfb_add_string(row, f->label);
	sfb_add_string(row, f->type);
	add_column_type(row, f);
	sfb_add_length(row, f->length);
	sfb_add_length(row, f->byte_length);
	sfb_add_length(row, f->precision);
	/* of a number without digits behind the point, 0 is said */
	if (f->precision > 0)
		sfb_add_value(row, Int32GetDatum(f->scale));
	else
		sfb_add_null(row);
	sfb_add_length(row, f->digits);
	add_flag(row, f->nillable);
	add_flag(row, f->createable);
	add_flag(row, f->updateable);
	add_flag(row, f->defaulted_on_create);
	sfb_add_nullable(row, f->default_value);
	add_flag(row, f->filterable);
	add_flag(row, f->sortable);
	add_flag(row, f->groupable);
	add_flag(row, f->aggregatable);
	add_flag(row, f->unique);
	add_flag(row, f->external_id);
	add_flag(row, f->id_lookup);
	add_flag(row, f->case_sensitive);
	add_flag(row, f->name_field);
	add_flag(row, f->custom);
	add_flag(row, f->auto_number);
	add_flag(row, f->calculated);
	sfb_add_nullable(row, f->formula);
	if (f->nvalues > 0)
		sfb_add_texts(row, f->values, f->nvalues);
	else
		sfb_add_null(row);
	add_flag(row, f->restricted_picklist);
	sfb_add_nullable(row, f->controller);
	if (f->nreference_to > 0)
		sfb_add_texts(row, f->references, f->nreference_to);
	else
		sfb_add_null(row);
	sfb_add_nullable(row, f->relationship_name);
	add_flag(row, f->cascade_delete);
	add_flag(row, f->restricted_delete);
	sfb_add_nullable(row, f->compound_field_name);
	add_flag(row, f->encrypted);
	add_flag(row, f->html_formatted);
	add_flag(row, f->deprecated_and_hidden);
	sfb_add_nullable(row, f->help);
	return true;
}

Datum
sfbulk_fields(PG_FUNCTION_ARGS)
{
	return sfb_set_function(fcinfo, begin_fields, next_field);
}
