/*
 * option.c
 *		The options there are, as one table, and their typed forms: of a foreign table, of its
 *		columns, of a client session.
 *
 * A new option is one line in the table (and a member of a struct).  option_check.c checks values by
 * what the line says, when they are set and again when they are used.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "option.h"

/* ---- the table ---------------------------------------------------------------------- */

static const SfbEnumValue transport_values[] = {{"auto", SF_TRANSPORT_AUTO},
												{"rest", SF_TRANSPORT_REST},
												{"bulk", SF_TRANSPORT_BULK},
												{NULL, 0}};

static const SfbEnumValue auth_values[] = {{"client_credentials", SF_AUTH_CLIENT_CREDENTIALS},
										   {"jwt", SF_AUTH_JWT},
										   {"refresh_token", SF_AUTH_REFRESH_TOKEN},
										   {"access_token", SF_AUTH_ACCESS_TOKEN},
										   {"password", SF_AUTH_PASSWORD},
										   {"soap", SF_AUTH_SOAP},
										   {NULL, 0}};

/*
 * The types of describeSObject.  Several mean the same to us; the first of an SfbType is the one that
 * sfb_type_name answers.
 */
static const SfbEnumValue type_values[] = {{"string", SFB_TEXT},
										   {"textarea", SFB_TEXT},
										   {"phone", SFB_TEXT},
										   {"url", SFB_TEXT},
										   {"email", SFB_TEXT},
										   {"combobox", SFB_TEXT},
										   {"anyType", SFB_TEXT},
										   {"picklist", SFB_PICKLIST},
										   {"multipicklist", SFB_MULTIPICKLIST},
										   {"encryptedstring", SFB_ENCRYPTED},
										   {"id", SFB_ID},
										   {"reference", SFB_REFERENCE},
										   {"boolean", SFB_BOOLEAN},
										   {"int", SFB_INT},
										   {"long", SFB_LONG},
										   {"double", SFB_DOUBLE},
										   {"currency", SFB_CURRENCY},
										   {"percent", SFB_PERCENT},
										   {"date", SFB_DATE},
										   {"datetime", SFB_DATETIME},
										   {"time", SFB_TIME},
										   {"address", SFB_COMPOUND},
										   {"location", SFB_COMPOUND},
										   {"base64", SFB_BASE64},
										   {NULL, 0}};

static const SfbEnumValue apply_values[] = {
	{"statement", SFB_APPLY_STATEMENT}, {"commit", SFB_APPLY_COMMIT}, {NULL, 0}};

static const SfbEnumValue on_error_values[] = {
	{"stop", SFB_ON_ERROR_STOP}, {"ignore", SFB_ON_ERROR_IGNORE}, {NULL, 0}};

static const SfbEnumValue bulk_api_values[] = {
	{"2.0", SFB_BULK_2}, {"1.0", SFB_BULK_1}, {NULL, 0}};

static const SfbEnumValue concurrency_values[] = {
	{"parallel", SFB_PARALLEL}, {"serial", SFB_SERIAL}, {NULL, 0}};

static const SfbEnumValue names_values[] = {{"lower", SFB_NAMES_LOWER},
											{"snake", SFB_NAMES_SNAKE},
											{"exact", SFB_NAMES_EXACT},
											{NULL, 0}};

static const SfbEnumValue numbers_values[] = {{"numeric", 0}, {"float8", 1}, {NULL, 0}};

static const SfbEnumValue multipicklist_values[] = {{"array", 0}, {"text", 1}, {NULL, 0}};

#define SCAN		 (SFB_ON_SERVER | SFB_ON_TABLE)
#define MS_MINUTE	 (60 * 1000.0)
#define MS_DAY		 (24 * 60 * MS_MINUTE)
#define CONFIG(m)	 SFB_TO_CONFIG, offsetof(sf_config, m)
#define TABLE(m)	 SFB_TO_TABLE, offsetof(SfbTableOptions, m)
#define COLUMN(m)	 SFB_TO_COLUMN, offsetof(SfbColumn, m)
#define IMPORT(m)	 SFB_TO_IMPORT, offsetof(SfbImportOptions, m)
#define SERVER(m)	 SFB_TO_SERVER, offsetof(SfbServerOptions, m)
#define NO_RANGE	 0, 0, NULL
#define RANGE(a, b)	 (a), (b), NULL
#define VALUES(list) 0, 0, (list)

/* name, where, type, range or values, flags, excluded by, default, stored in */
const SfbOption sfb_options[] = {
	/* the org and the way to it */
	{"login_url", SFB_ON_SERVER, SFB_OPT_URL, NO_RANGE, 0, NULL, NULL, CONFIG(login_url)},
	{"instance_url", SFB_ON_SERVER, SFB_OPT_URL, NO_RANGE, 0, NULL, NULL,
	 CONFIG(instance_url)},
	{"api_version", SFB_ON_SERVER, SFB_OPT_VERSION, RANGE(47, 99), 0, NULL, "62.0",
	 CONFIG(api_version)},
	{"proxy", SFB_ON_SERVER, SFB_OPT_TEXT, NO_RANGE, SFB_OPT_SUPERUSER, NULL, NULL,
	 CONFIG(proxy)},
	{"ca_file", SFB_ON_SERVER, SFB_OPT_FILE, NO_RANGE, SFB_OPT_SUPERUSER, NULL, NULL,
	 CONFIG(ca_file)},
	{"connect_timeout", SFB_ON_SERVER, SFB_OPT_MS, RANGE(1, 10 * MS_MINUTE), 0, NULL, "30s",
	 CONFIG(connect_timeout_ms)},
	{"request_timeout", SFB_ON_SERVER, SFB_OPT_MS, RANGE(1, 60 * MS_MINUTE), 0, NULL, "2min",
	 CONFIG(request_timeout_ms)},
	{"max_retries", SFB_ON_SERVER, SFB_OPT_INT, RANGE(0, 20), 0, NULL, "4",
	 CONFIG(max_retries)},
	{"compression", SFB_ON_SERVER, SFB_OPT_BOOL, NO_RANGE, SFB_OPT_NEGATED, NULL, "true",
	 CONFIG(no_compression)},
	{"api_reserve", SFB_ON_SERVER, SFB_OPT_RESERVE, RANGE(0, 1e9), 0, NULL, "0",
	 SERVER(api_reserve)},

	/* who asks */
	{"auth", SFB_ON_USER, SFB_OPT_ENUM, VALUES(auth_values), 0, NULL, NULL, CONFIG(auth)},
	{"client_id", SFB_ON_USER, SFB_OPT_TEXT, NO_RANGE, 0, NULL, NULL, CONFIG(client_id)},
	{"client_secret", SFB_ON_USER, SFB_OPT_TEXT, NO_RANGE, SFB_OPT_SECRET, NULL, NULL,
	 CONFIG(client_secret)},
	{"private_key", SFB_ON_USER, SFB_OPT_PEM, NO_RANGE, SFB_OPT_SECRET, "private_key_file",
	 NULL, CONFIG(private_key)},
	{"private_key_file", SFB_ON_USER, SFB_OPT_FILE, NO_RANGE, SFB_OPT_SUPERUSER, NULL, NULL,
	 SFB_TO_KEYFILE, 0},
	{"refresh_token", SFB_ON_USER, SFB_OPT_TEXT, NO_RANGE, SFB_OPT_SECRET, NULL, NULL,
	 CONFIG(refresh_token)},
	{"access_token", SFB_ON_USER, SFB_OPT_TEXT, NO_RANGE, SFB_OPT_SECRET, NULL, NULL,
	 CONFIG(access_token)},
	{"username", SFB_ON_USER, SFB_OPT_TEXT, NO_RANGE, 0, NULL, NULL, CONFIG(username)},
	{"password", SFB_ON_USER, SFB_OPT_TEXT, NO_RANGE, SFB_OPT_SECRET, NULL, NULL,
	 CONFIG(password)},
	{"security_token", SFB_ON_USER, SFB_OPT_TEXT, NO_RANGE, SFB_OPT_SECRET, NULL, NULL,
	 CONFIG(security_token)},

	/* what a table is and how it is read */
	{"object", SFB_ON_TABLE, SFB_OPT_OBJECT, NO_RANGE, SFB_OPT_REQUIRED, "query", NULL,
	 TABLE(object)},
	{"query", SFB_ON_TABLE, SFB_OPT_SOQL, NO_RANGE, 0, "object", NULL, TABLE(query)},
	{"query_all", SFB_ON_TABLE, SFB_OPT_BOOL, NO_RANGE, 0, NULL, "false", TABLE(query_all)},
	{"transport", SCAN, SFB_OPT_ENUM, VALUES(transport_values), 0, NULL, "auto",
	 TABLE(transport)},
	{"rest_row_limit", SCAN, SFB_OPT_INT, RANGE(1, 50000), 0, NULL, "2000",
	 TABLE(rest_row_limit)},
	{"pushdown", SCAN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, "true", TABLE(pushdown)},
	{"page_rows", SCAN, SFB_OPT_INT, RANGE(0, 10000000), 0, NULL, "0", TABLE(page_rows)},
	{"download_streams", SCAN, SFB_OPT_INT, RANGE(1, 20), 0, NULL, "5",
	 TABLE(download_streams)},
	{"poll_interval_max", SCAN, SFB_OPT_MS, RANGE(100, 10 * MS_MINUTE), 0, NULL, "10s",
	 TABLE(poll_interval_max)},
	{"job_timeout", SCAN, SFB_OPT_MS, RANGE(0, 7 * MS_DAY), 0, NULL, "0", TABLE(job_timeout)},
	{"async_capable", SCAN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, "true", TABLE(async_capable)},
	{"fdw_startup_cost", SCAN, SFB_OPT_REAL, RANGE(0, 1e9), 0, NULL, "1000",
	 TABLE(fdw_startup_cost)},
	{"fdw_tuple_cost", SCAN, SFB_OPT_REAL, RANGE(0, 1e9), 0, NULL, "0.05",
	 TABLE(fdw_tuple_cost)},
	{"use_remote_estimate", SCAN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, "false",
	 TABLE(use_remote_estimate)},

	/* how it is written */
	{"updatable", SCAN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, "true", TABLE(updatable)},
	{"truncatable", SCAN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, "false", TABLE(truncatable)},
	{"upsert_key", SFB_ON_TABLE, SFB_OPT_NAME, NO_RANGE, 0, "query", NULL, TABLE(upsert_key)},
	{"hard_delete", SFB_ON_TABLE, SFB_OPT_BOOL, NO_RANGE, 0, NULL, "false",
	 TABLE(hard_delete)},
	{"assignment_rule_id", SFB_ON_TABLE, SFB_OPT_ID, NO_RANGE, 0, NULL, NULL,
	 TABLE(assignment_rule_id)},
	{"apply", SCAN, SFB_OPT_ENUM, VALUES(apply_values), 0, NULL, "statement", TABLE(apply)},
	{"on_error", SCAN, SFB_OPT_ENUM, VALUES(on_error_values), 0, NULL, "stop",
	 TABLE(on_error)},
	{"reject_limit", SCAN, SFB_OPT_INT, RANGE(-1, INT_MAX), 0, NULL, "-1",
	 TABLE(reject_limit)},
	{"job_bytes", SCAN, SFB_OPT_BYTES, RANGE(1000, 100e6), 0, NULL, "90MB", TABLE(job_bytes)},
	{"parallel_jobs", SCAN, SFB_OPT_INT, RANGE(1, 20), 0, NULL, "4", TABLE(parallel_jobs)},
	{"keep_jobs", SCAN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, "false", TABLE(keep_jobs)},
	{"bulk_api", SCAN, SFB_OPT_ENUM, VALUES(bulk_api_values), 0, NULL, "2.0", TABLE(bulk_api)},
	{"concurrency", SCAN, SFB_OPT_ENUM, VALUES(concurrency_values), 0, NULL, "parallel",
	 TABLE(concurrency)},
	{"pk_chunking", SCAN, SFB_OPT_CHUNK, RANGE(1, 250000), 0, NULL, "false",
	 TABLE(pk_chunking)},
	{"pk_chunking_parent", SFB_ON_TABLE, SFB_OPT_OBJECT, NO_RANGE, 0, NULL, NULL,
	 TABLE(pk_chunking_parent)},
	{"batch_rows", SCAN, SFB_OPT_INT, RANGE(1, 10000), 0, NULL, "10000", TABLE(batch_rows)},

	/* what a column is */
	{"field", SFB_ON_COLUMN, SFB_OPT_FIELD, NO_RANGE, 0, NULL, NULL, COLUMN(field)},
	{"type", SFB_ON_COLUMN, SFB_OPT_ENUM, VALUES(type_values), 0, NULL, NULL, COLUMN(type)},
	{"case_sensitive", SFB_ON_COLUMN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, NULL,
	 COLUMN(case_sensitive)},
	{"filterable", SFB_ON_COLUMN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, NULL, COLUMN(filterable)},
	{"reference_to", SFB_ON_COLUMN, SFB_OPT_OBJECT, NO_RANGE, 0, NULL, NULL,
	 COLUMN(reference_to)},
	{"relationship", SFB_ON_COLUMN, SFB_OPT_NAME, NO_RANGE, 0, NULL, NULL,
	 COLUMN(relationship)},
	{"sortable", SFB_ON_COLUMN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, NULL, COLUMN(sortable)},
	{"groupable", SFB_ON_COLUMN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, NULL, COLUMN(groupable)},
	{"aggregatable", SFB_ON_COLUMN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, NULL,
	 COLUMN(aggregatable)},
	{"createable", SFB_ON_COLUMN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, NULL, COLUMN(createable)},
	{"updateable", SFB_ON_COLUMN, SFB_OPT_BOOL, NO_RANGE, 0, NULL, NULL, COLUMN(updateable)},
	{"length", SFB_ON_COLUMN, SFB_OPT_INT, RANGE(1, 1000000), 0, NULL, NULL, COLUMN(length)},
	{"scale", SFB_ON_COLUMN, SFB_OPT_INT, RANGE(0, 18), 0, NULL, NULL, COLUMN(scale)},
	{"picklist", SFB_ON_COLUMN, SFB_OPT_LIST, NO_RANGE, 0, NULL, NULL, COLUMN(picklist)},

	/* how a schema is imported */
	{"names", SFB_ON_IMPORT, SFB_OPT_ENUM, VALUES(names_values), 0, NULL, "lower",
	 IMPORT(names)},
	{"custom_only", SFB_ON_IMPORT, SFB_OPT_BOOL, NO_RANGE, 0, NULL, "false",
	 IMPORT(custom_only)},
	{"compound", SFB_ON_IMPORT, SFB_OPT_BOOL, NO_RANGE, 0, NULL, "false", IMPORT(compound)},
	{"not_null", SFB_ON_IMPORT, SFB_OPT_BOOL, NO_RANGE, 0, NULL, "false", IMPORT(not_null)},
	{"numbers", SFB_ON_IMPORT, SFB_OPT_ENUM, VALUES(numbers_values), 0, NULL, "numeric",
	 IMPORT(float8_numbers)},
	{"multipicklist", SFB_ON_IMPORT, SFB_OPT_ENUM, VALUES(multipicklist_values), 0, NULL,
	 "array", IMPORT(text_multipicklist)},

	{NULL, 0, SFB_OPT_TEXT, NO_RANGE, 0, NULL, NULL, SFB_TO_KEYFILE, 0}};

/* ---- typed structs out of options ----------------------------------------------------- */

void
sfb_option_defaults(SfbOptionTarget target, void *base)
{
	const SfbOption *option;

	for (option = sfb_options; option->name != NULL; option++)
		if (option->target == target && option->def != NULL)
			sfb_option_store(option, option->def, (char *) base + option->offset);
}

void
sfb_option_apply(List *options, SfbOptionTarget target, void *base)
{
	ListCell *lc;

	foreach (lc, options)
	{
		DefElem *def = lfirst_node(DefElem, lc);
		const SfbOption *option;

		for (option = sfb_options; option->name != NULL; option++)
			if (option->target == target && strcmp(option->name, def->defname) == 0)
				sfb_option_store(option, defGetString(def), (char *) base + option->offset);
	}
}

static bool
has_option(List *options, const char *name)
{
	ListCell *lc;

	foreach (lc, options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, name) == 0)
			return true;
	return false;
}

/* PK chunking is Bulk API 1.0's.  A table that chooses 2.0 for itself is not concerned by its server's. */
static void
check_chunking(SfbTableOptions *result, List *own, Oid foreigntableid)
{
	if (result->bulk_api != SFB_BULK_1 && has_option(own, "bulk_api") &&
		!has_option(own, "pk_chunking"))
		result->pk_chunking = 0;
	if (result->pk_chunking > 0 && result->bulk_api != SFB_BULK_1)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("option \"pk_chunking\" of foreign table \"%s\" needs Bulk API 1.0",
						get_rel_name(foreigntableid)),
				 errdetail("Bulk API 2.0 divides queries by itself, where it can."),
				 errhint("Set the option bulk_api to \"1.0\", on the foreign table or "
						 "its server.")));
	if (result->pk_chunking_parent != NULL && result->pk_chunking == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("option \"pk_chunking_parent\" of foreign table \"%s\" needs the "
						"option \"pk_chunking\"",
						get_rel_name(foreigntableid))));
}

void
sfb_query_bulk_api(const SfbTableOptions *options, sf_query_spec *spec)
{
	spec->bulk1 = options->bulk_api == SFB_BULK_1;
	spec->pk_chunk_size = options->pk_chunking;
	spec->pk_parent = options->pk_chunking_parent;
}

SfbTableOptions *
sfb_table_options(Oid foreigntableid)
{
	ForeignTable *table = GetForeignTable(foreigntableid);
	ForeignServer *server = GetForeignServer(table->serverid);
	SfbTableOptions *result = palloc0(sizeof(SfbTableOptions));

	sfb_option_defaults(SFB_TO_TABLE, result);
	sfb_option_apply(server->options, SFB_TO_TABLE, result);
	sfb_option_apply(table->options, SFB_TO_TABLE, result);

	if ((result->object == NULL) == (result->query == NULL))
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						errmsg("foreign table \"%s\" needs the option \"object\" or \"query\"",
							   get_rel_name(foreigntableid))));
	if (result->concurrency == SFB_SERIAL && result->bulk_api != SFB_BULK_1)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
						errmsg("option \"concurrency\" of foreign table \"%s\" is \"serial\", "
							   "which Bulk API 2.0 cannot do",
							   get_rel_name(foreigntableid)),
						errhint("Set the option bulk_api to \"1.0\", on the foreign table or "
								"its server.")));
	check_chunking(result, table->options, foreigntableid);

	return result;
}

/* ---- columns ------------------------------------------------------------------------- */

/*
 * What can be done with a field that cannot be filtered by: as a rule nothing, as with long texts.
 */
void
sfb_type_defaults(SfbType type, bool filterable, SfbColumn *column)
{
	bool list = (type == SFB_MULTIPICKLIST);

	column->type = type;
	column->case_sensitive = false;
	column->filterable = filterable;
	column->sortable = filterable && !list;
	column->aggregatable = filterable && !list && type != SFB_BOOLEAN && type != SFB_TIME;
	column->groupable =
		filterable &&
		(type == SFB_TEXT || type == SFB_PICKLIST || type == SFB_ID || type == SFB_REFERENCE ||
		 type == SFB_BOOLEAN || type == SFB_INT || type == SFB_LONG || type == SFB_DATE);
}

bool
sfb_type_filterable(SfbType type)
{
	return type != SFB_ENCRYPTED && type != SFB_COMPOUND && type != SFB_BASE64;
}

char *
sfb_relationship_name(const char *field)
{
	const char *dot = strrchr(field, '.');
	const char *name = dot != NULL ? dot + 1 : field;
	int len = strlen(name);

	if (len > 3 && pg_strcasecmp(name + len - 3, "__c") == 0)
		return psprintf("%.*s__r", len - 3, name);
	if (len > 2 && pg_strcasecmp(name + len - 2, "Id") == 0)
		return pnstrdup(name, len - 2);
	return NULL;
}

bool
sfb_is_id_field(const char *field)
{
	const char *dot = strrchr(field, '.');

	return pg_strcasecmp(dot ? dot + 1 : field, "Id") == 0;
}

bool
sfb_is_write_only(const SfbColumn *column)
{
	return strchr(column->field, ':') != NULL;
}

SfbType
sfb_assumed_type(Oid pgtype, const char *field)
{
	SfbType type = sfb_default_type(pgtype);

	return type == SFB_TEXT && sfb_is_id_field(field) ? SFB_ID : type;
}

void
sfb_column_apply(List *options, SfbColumn *column)
{
	/* Type and filterable first: they decide the defaults of the rest. */
	column->type = (SfbType) -1;
	sfb_option_apply(options, SFB_TO_COLUMN, column);
	if (column->field == NULL)
		column->field = column->attname;
	if (column->type == (SfbType) -1)
		column->type = sfb_assumed_type(column->pgtype, column->field);
	column->filterable = sfb_type_filterable(column->type);
	column->createable = column->updateable = pg_strcasecmp(column->field, "Id") != 0;
	sfb_option_apply(options, SFB_TO_COLUMN, column);
	sfb_type_defaults(column->type, column->filterable, column);
	sfb_option_apply(options, SFB_TO_COLUMN, column);

	column->optional = strchr(column->field, '.') != NULL;
	if (column->type == SFB_REFERENCE && column->relationship == NULL)
		column->relationship = sfb_relationship_name(column->field);
	if (sfb_is_write_only(column))
		column->filterable = column->sortable = column->groupable = column->aggregatable =
			false;
}

static void
fill_column(Relation rel, Form_pg_attribute attr, SfbColumn *column)
{
	column->attname = pstrdup(NameStr(attr->attname));
	column->pgtype = attr->atttypid;
	column->typmod = attr->atttypmod;
	column->collation = attr->attcollation;
	sfb_column_apply(GetForeignColumnOptions(RelationGetRelid(rel), attr->attnum), column);

	if (column->field == column->attname && !sfb_valid_api_name(column->attname, false))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_COLUMN_NAME),
				 errmsg("column \"%s\" of foreign table \"%s\" needs the option \"field\"",
						column->attname, RelationGetRelationName(rel)),
				 errdetail("Its name cannot be the API name of a Salesforce field.")));
}

SfbColumn *
sfb_table_columns(Relation rel)
{
	TupleDesc desc = RelationGetDescr(rel);
	SfbColumn *columns = palloc0(sizeof(SfbColumn) * Max(desc->natts, 1));
	bool multicurrency = false;
	int i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		columns[i].attnum = i + 1;
		/* A virtual generated column (18) is computed from others, a stored one is a field. */
		if (attr->attisdropped || attr->attgenerated == 'v')
			continue;
		fill_column(rel, attr, &columns[i]);
		if (pg_strcasecmp(columns[i].field, "CurrencyIsoCode") == 0)
			multicurrency = true;
	}

	/*
	 * With several currencies, an org compares and sums amounts after converting them, but returns each
	 * in its record's currency: what it says about a comparison is not what PostgreSQL would say.
	 */
	for (i = 0; multicurrency && i < desc->natts; i++)
	{
		if (columns[i].type == SFB_CURRENCY)
			columns[i].filterable = columns[i].sortable = columns[i].aggregatable = false;
	}

	return columns;
}

SfbType
sfb_type_from_name(const char *name)
{
	const SfbEnumValue *value;

	for (value = type_values; value->name != NULL; value++)
		if (strcmp(value->name, name) == 0)
			return (SfbType) value->value;
	return SFB_TEXT;
}

const char *
sfb_type_name(SfbType type)
{
	const SfbEnumValue *value;

	for (value = type_values; value->name != NULL; value++)
		if (value->value == (int) type)
			return value->name;
	return "string";
}

SfbType
sfb_default_type(Oid pgtype)
{
	switch (getBaseType(pgtype))
	{
		case BOOLOID:
			return SFB_BOOLEAN;
		case INT2OID:
		case INT4OID:
			return SFB_INT;
		case INT8OID:
			return SFB_LONG;
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:
			return SFB_DOUBLE;
		case DATEOID:
			return SFB_DATE;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return SFB_DATETIME;
		case TIMEOID:
		case TIMETZOID:
			return SFB_TIME;
		case TEXTARRAYOID:
		case 1015: /* varchar[] has no macro */
			return SFB_MULTIPICKLIST;
		case JSONOID:
		case JSONBOID:
			return SFB_COMPOUND;
		default:
			return SFB_TEXT;
	}
}

/* ---- the client's configuration --------------------------------------------------------- */

/*
 * A small text file of the database server's machine.  Its content may be a secret: it appears in no
 * message, and the caller wipes it.
 */
static char *
read_key_file(const char *path)
{
	const long max_size = 64 * 1024; /* an RSA 16384 key in PEM has 12.7 kB */
	struct stat st;
	char *text;
	FILE *file = AllocateFile(path, PG_BINARY_R);

	if (file == NULL)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not open file \"%s\" of option \"private_key_file\": %m",
							   path)));
	if (fstat(fileno(file), &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not stat file \"%s\": %m", path)));
	if (!S_ISREG(st.st_mode) || st.st_size > max_size)
		ereport(
			ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("file \"%s\" of option \"private_key_file\" is not a private key", path),
			 errdetail("It is not a regular file of at most %ld bytes.", max_size)));

	text = palloc0(st.st_size + 1);
	if (fread(text, 1, st.st_size, file) != (size_t) st.st_size)
	{
		explicit_bzero(text, st.st_size);
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not read file \"%s\": %m", path)));
	}
	FreeFile(file);
	return text;
}

/*
 * Files are read with the database server's rights, so their names must come from a superuser.  The
 * validator made sure of that when they were set; a dump restored by a superuser, and a server that
 * has changed hands since, are why it is looked at again.
 */
static void
check_superuser_option(const char *option, ForeignServer *server, UserMapping *user)
{
	if (superuser_arg(server->owner) || (user != NULL && superuser_arg(user->userid)))
		return;
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("option \"%s\" of server \"%s\" may only be used where a superuser "
						   "owns the server",
						   option, server->servername)));
}

static void
check_client_urls(ForeignServer *server, const sf_config *config)
{
	bool trusted = superuser_arg(server->owner);

	if (config->login_url != NULL)
		sfb_check_url("login_url", config->login_url, trusted);
	else if (config->instance_url == NULL)
		sfb_check_url("login_url", SF_DEFAULT_LOGIN_URL, trusted);
	if (config->instance_url != NULL)
		sfb_check_url("instance_url", config->instance_url, trusted);

	/* Plain http is for a program on this machine; through a proxy, secrets would leave it. */
	if (config->proxy != NULL &&
		((config->login_url != NULL && pg_strncasecmp(config->login_url, "http:", 5) == 0) ||
		 (config->instance_url != NULL &&
		  pg_strncasecmp(config->instance_url, "http:", 5) == 0)))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("option \"proxy\" of server \"%s\" cannot be used with an http URL",
						server->servername)));
}

void
sfb_client_config(ForeignServer *server, UserMapping *user, sf_config *config)
{
	ForeignServer *fresh_server = GetForeignServer(server->serverid);
	UserMapping *fresh_user = GetUserMapping(user->userid, server->serverid);
	char *key_file = NULL;
	sf_error err;

	memset(config, 0, sizeof(*config));
	sfb_option_defaults(SFB_TO_CONFIG, config);
	sfb_option_apply(fresh_server->options, SFB_TO_CONFIG, config);
	sfb_option_apply(fresh_user->options, SFB_TO_CONFIG, config);
	sfb_option_apply(fresh_user->options, SFB_TO_KEYFILE, &key_file);

	/* The client takes 0 for its default. */
	if (config->max_retries == 0)
		config->max_retries = -1;

	check_client_urls(fresh_server, config);
	config->allowed_hosts = sfb_allowed_hosts;
	if (config->ca_file != NULL)
		check_superuser_option("ca_file", fresh_server, NULL);
	if (config->proxy != NULL)
		check_superuser_option("proxy", fresh_server, NULL);
	if (key_file != NULL)
	{
		check_superuser_option("private_key_file", fresh_server, fresh_user);
		config->private_key = read_key_file(key_file);
	}

	sf_error_reset(&err);
	if (sf_config_check(config, NULL, &err) != SF_OK)
	{
		sfb_wipe_config(config);
		sfb_report(ERROR, &err);
	}
}

const char *
sfb_auth_name(sf_auth_flow flow)
{
	for (const SfbEnumValue *value = auth_values; value->name != NULL; value++)
		if (value->value == (int) flow)
			return value->name;
	return "";
}

void
sfb_wipe_config(sf_config *config)
{
	const SfbOption *option;

	for (option = sfb_options; option->name != NULL; option++)
	{
		char **value;

		if (option->target != SFB_TO_CONFIG || !(option->flags & SFB_OPT_SECRET))
			continue;
		value = (char **) ((char *) config + option->offset);
		if (*value != NULL)
			explicit_bzero(*value, strlen(*value));
		*value = NULL;
	}
}
