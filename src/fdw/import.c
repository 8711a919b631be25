/*
 * import.c
 *		IMPORT FOREIGN SCHEMA: describes into CREATE FOREIGN TABLE.
 *
 * Objects and fields are found over the network by the client; what the tables look like is decided
 * here.  Options are written where they differ from what would be assumed anyway, but the object and the
 * API name of each field always, so that a definition does not depend on the name that something has
 * over here.
 *
 * Local names: as the option "names" says, cut to what PostgreSQL takes (63 bytes), and numbered (_2,
 * _3 …) in the order of the describe where two would be the same.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "governor.h"
#include "option.h"

/* An object to be imported. */
typedef struct ImportObject
{
	char *name;	 /* API name */
	char *table; /* name over here */
} ImportObject;

/* ---- names ------------------------------------------------------------------------------------ */

/* Does a word begin at name[i]: AnnualRevenue, HTMLBody, Line2Total__c. */
static bool
word_begins(const char *name, int i)
{
	if (i == 0 || !isupper((unsigned char) name[i]) || name[i - 1] == '_')
		return false;
	return !isupper((unsigned char) name[i - 1]) || islower((unsigned char) name[i + 1]);
}

/* The local name of an API name, which is ASCII. */
static char *
local_name(const char *name, SfbNameStyle style)
{
	StringInfoData buf;
	int i;

	if (style == SFB_NAMES_EXACT)
		return pstrdup(name);
	initStringInfo(&buf);
	for (i = 0; name[i] != '\0'; i++)
	{
		if (style == SFB_NAMES_SNAKE && word_begins(name, i))
			appendStringInfoChar(&buf, '_');
		appendStringInfoChar(&buf, pg_tolower((unsigned char) name[i]));
	}
	return buf.data;
}

static bool
name_taken(List *taken, const char *name)
{
	ListCell *lc;

	foreach (lc, taken)
		if (strcmp(strVal(lfirst(lc)), name) == 0)
			return true;
	return false;
}

/* The name itself, or one near it that fits and is free; adds it to the list. */
static char *
unique_name(List **taken, const char *name)
{
	char *result = pnstrdup(name, NAMEDATALEN - 1);
	int n;

	for (n = 2; name_taken(*taken, result); n++)
	{
		char suffix[16];

		snprintf(suffix, sizeof(suffix), "_%d", n);
		result = psprintf("%.*s%s", (int) (NAMEDATALEN - 1 - strlen(suffix)), name, suffix);
	}
	*taken = lappend(*taken, makeString(result));
	return result;
}

/* ---- columns ------------------------------------------------------------------------------------- */

static const char *
column_type(SfbType type, const SfbImportOptions *options)
{
	switch (type)
	{
		case SFB_MULTIPICKLIST:
			return options->text_multipicklist ? "text" : "text[]";
		case SFB_BOOLEAN:
			return "boolean";
		case SFB_INT:
			return "integer";
		case SFB_LONG:
			return "bigint";
		case SFB_DOUBLE:
		case SFB_CURRENCY:
		case SFB_PERCENT:
			return options->float8_numbers ? "double precision" : "numeric";
		case SFB_DATE:
			return "date";
		case SFB_DATETIME:
			return "timestamp with time zone";
		case SFB_TIME:
			return "time without time zone";
		case SFB_COMPOUND:
			return "jsonb";
		default:
			return "text";
	}
}

/* The SfbType that a column of column_type's type has without being told. */
static SfbType
assumed_type(SfbType type, const char *field, const SfbImportOptions *options)
{
	switch (type)
	{
		case SFB_MULTIPICKLIST:
			return options->text_multipicklist ? SFB_TEXT : SFB_MULTIPICKLIST;
		case SFB_DOUBLE:
		case SFB_CURRENCY:
		case SFB_PERCENT:
			return SFB_DOUBLE;
		case SFB_PICKLIST:
		case SFB_ENCRYPTED:
		case SFB_REFERENCE:
		case SFB_BASE64:
			return SFB_TEXT;
		case SFB_ID:
			return sfb_is_id_field(field) ? SFB_ID : SFB_TEXT;
		default:
			return type;
	}
}

static void
append_option(StringInfo buf, const char *name, const char *value)
{
	/* The list is open at its last character, or not begun. */
	appendStringInfo(buf, "%s%s %s", buf->len > 0 ? ", " : "", name,
					 quote_literal_cstr(value));
}

static void
append_flag(StringInfo buf, const char *name, bool value, bool assumed)
{
	if (value != assumed)
		append_option(buf, name, value ? "true" : "false");
}

/* Can the text be said in the database's encoding? */
static bool
is_representable(const char *utf8, const char *text)
{
	char *back;

	if (text == utf8)
		return true;
	back = pg_server_to_any(text, strlen(text), PG_UTF8);
	return strcmp(back, utf8) == 0;
}

/*
 * The values of a restricted picklist, so that another one is refused here.  Not where a value cannot
 * be said in this database: a list that is not whole would refuse what Salesforce takes.
 */
static void
append_picklist(StringInfo buf, const sf_field *field)
{
	Datum *values = palloc(sizeof(Datum) * Max(field->npicklist, 1));
	Oid output;
	bool varlena;
	ArrayType *array;

	for (int i = 0; i < field->npicklist; i++)
	{
		const char *text = sfb_server_text(field->picklist[i]);

		if (!is_representable(field->picklist[i], text))
			return;
		values[i] = CStringGetTextDatum(text);
	}
	array = construct_array(values, field->npicklist, TEXTOID, -1, false, TYPALIGN_INT);
	getTypeOutputInfo(TEXTARRAYOID, &output, &varlena);
	append_option(buf, "picklist", OidOutputFunctionCall(output, PointerGetDatum(array)));
}

/* What writing wants to know of a field. */
static void
append_writing(StringInfo buf, const sf_field *field, SfbType type)
{
	bool assumed = pg_strcasecmp(field->name, "Id") != 0;

	append_flag(buf, "createable", field->createable, assumed);
	append_flag(buf, "updateable", field->updateable, assumed);
	if (!field->createable && !field->updateable)
		return;
	if (field->npicklist > 0)
		append_picklist(buf, field);
	else if (field->length > 0 &&
			 (type == SFB_TEXT || type == SFB_PICKLIST || type == SFB_ENCRYPTED))
		append_option(buf, "length", psprintf("%d", field->length));
}

/*
 * Where a lookup leads to, so that a join can be sent.  Not where it may lead to several objects: a path
 * has only the fields that all objects have then.
 */
static void
append_reference(StringInfo buf, const sf_field *field)
{
	char *assumed = sfb_relationship_name(field->name);

	if (field->nreference_to != 1 || field->relationship_name == NULL ||
		!sfb_valid_api_name(field->reference_to, false) ||
		!sfb_valid_api_name(field->relationship_name, false))
		return;
	append_option(buf, "reference_to", field->reference_to);
	if (assumed == NULL || strcmp(assumed, field->relationship_name) != 0)
		append_option(buf, "relationship", field->relationship_name);
}

static void
append_column(StringInfo buf, const sf_field *field, const char *column, bool multicurrency,
			  const SfbImportOptions *options)
{
	SfbType type = sfb_type_from_name(field->type);
	StringInfoData list;
	SfbColumn assumed;
	bool converted = multicurrency && type == SFB_CURRENCY;
	bool filterable;

	/* describe calls a compound field filterable, by which it means DISTANCE only */
	filterable = field->filterable && sfb_type_filterable(type) && !converted;
	sfb_type_defaults(type, filterable, &assumed);
	initStringInfo(&list);
	append_option(&list, "field", field->name);
	if (type != assumed_type(type, field->name, options))
		append_option(&list, "type", sfb_type_name(type));
	if (type == SFB_REFERENCE)
		append_reference(&list, field);
	append_flag(&list, "case_sensitive", field->case_sensitive, assumed.case_sensitive);
	append_flag(&list, "filterable", filterable, sfb_type_filterable(type));
	append_flag(&list, "sortable", field->sortable && !converted, assumed.sortable);
	append_flag(&list, "groupable", field->groupable, assumed.groupable);
	append_flag(&list, "aggregatable", field->aggregatable && !converted,
				assumed.aggregatable);
	if (field->scale > SFB_MAX_SUM_SCALE)
		append_option(&list, "scale", psprintf("%d", field->scale));
	append_writing(&list, field, type);

	appendStringInfo(buf, "\n\t%s %s", quote_identifier(column), column_type(type, options));
	if (list.len > 0)
		appendStringInfo(buf, " OPTIONS (%s)", list.data);
	if (options->not_null && !field->nillable)
		appendStringInfoString(buf, " NOT NULL");
}

static bool
is_imported(const sf_field *field, const SfbImportOptions *options)
{
	SfbType type = sfb_type_from_name(field->type);

	return !field->deprecated_and_hidden && type != SFB_BASE64 &&
		   (type != SFB_COMPOUND || options->compound) &&
		   sfb_valid_api_name(field->name, false);
}

/* CREATE FOREIGN TABLE for a described object. */
static char *
table_command(const sf_object *object, const char *table, const char *server,
			  const SfbImportOptions *options)
{
	StringInfoData buf;
	List *taken = NIL;
	bool multicurrency = false;
	const char *separator = "";
	int i;

	for (i = 0; i < object->nfields; i++)
		if (strcmp(object->fields[i].name, "CurrencyIsoCode") == 0)
			multicurrency = true;

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE FOREIGN TABLE %s (", quote_identifier(table));
	for (i = 0; i < object->nfields; i++)
	{
		const sf_field *field = &object->fields[i];

		if (!is_imported(field, options))
			continue;
		appendStringInfoString(&buf, separator);
		append_column(&buf, field,
					  unique_name(&taken, local_name(field->name, options->names)),
					  multicurrency, options);
		separator = ",";
	}
	appendStringInfo(&buf, "\n) SERVER %s OPTIONS (object %s%s);", quote_identifier(server),
					 quote_literal_cstr(object->name),
					 object->createable || object->updateable || object->deletable
						 ? ""
						 : ", updatable 'false'");
	return buf.data;
}

/* ---- which objects -------------------------------------------------------------------------------- */

/*
 * Is the object named in LIMIT TO or EXCEPT, by either of its names, in any case?  Takes the entries that
 * mean it out of the unmatched ones.
 */
static bool
is_listed(ImportForeignSchemaStmt *stmt, const ImportObject *object, List **unmatched)
{
	bool result = false;
	ListCell *lc;

	foreach (lc, stmt->table_list)
	{
		RangeVar *rv = lfirst_node(RangeVar, lc);

		if (pg_strcasecmp(rv->relname, object->name) == 0 ||
			pg_strcasecmp(rv->relname, object->table) == 0)
		{
			*unmatched = list_delete_ptr(*unmatched, rv);
			result = true;
		}
	}
	return result;
}

/* Drives a describe to its next object; NULL at the end. */
static const sf_object *
next_object(sf_session *session, sf_describe *describe)
{
	const sf_object *object = NULL;
	sf_error err;

	sf_error_reset(&err);
	for (;;)
	{
		switch (sf_describe_next(describe, &object, &err))
		{
			case SF_OK:
				return object;
			case SF_WAIT:
				sfb_wait(session);
				break;
			case SF_DONE:
				return NULL;
			case SF_FAILED:
				sfb_report(ERROR, &err);
		}
	}
}

static void
destroy_describe(void *describe)
{
	sf_describe_free(describe);
}

/*
 * PostgreSQL compares the names in the statement's list with those of the tables once more, and exactly.
 * So the list becomes what it stands for: the tables of LIMIT TO, or nobody for EXCEPT, as what was to be
 * left out has been.
 */
static void
resolve_table_list(ImportForeignSchemaStmt *stmt, List *objects)
{
	ListCell *lc;

	stmt->table_list = NIL;
	if (stmt->list_type != FDW_IMPORT_SCHEMA_LIMIT_TO)
		return;
	foreach (lc, objects)
		stmt->table_list = lappend(
			stmt->table_list, makeRangeVar(NULL, ((ImportObject *) lfirst(lc))->table, -1));
}

/* The objects to import.  Names in LIMIT TO and EXCEPT stand for objects in any case and in either form. */
static List *
find_objects(sf_session *session, ImportForeignSchemaStmt *stmt,
			 const SfbImportOptions *options)
{
	SfbGuard *guard = sfb_guard_new(session, destroy_describe);
	List *result = NIL;
	List *taken = NIL;
	List *unmatched = list_copy(stmt->table_list);
	const sf_object *object;
	ListCell *lc;
	sf_error err;

	sf_error_reset(&err);
	guard->object = sf_describe_global_start(session, &err);
	if (guard->object == NULL)
		sfb_report(ERROR, &err);

	while ((object = next_object(session, guard->object)) != NULL)
	{
		ImportObject *entry;
		bool listed;
		bool wanted;

		if (!object->queryable || object->deprecated_and_hidden ||
			!sfb_valid_api_name(object->name, false))
			continue;
		entry = palloc(sizeof(ImportObject));
		entry->name = pstrdup(object->name);
		entry->table = unique_name(&taken, local_name(object->name, options->names));

		listed = is_listed(stmt, entry, &unmatched);
		wanted = stmt->list_type == FDW_IMPORT_SCHEMA_ALL ||
				 (stmt->list_type == FDW_IMPORT_SCHEMA_LIMIT_TO) == listed;
		if (wanted && (!options->custom_only || object->custom))
			result = lappend(result, entry);
	}
	sfb_guard_clear(guard);

	foreach (lc, unmatched)
		ereport(WARNING,
				(errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
				 errmsg("Salesforce object \"%s\" was not found",
						lfirst_node(RangeVar, lc)->relname),
				 errdetail(
					 "It does not exist, cannot be queried, or is not visible to the user.")));
	resolve_table_list(stmt, result);
	return result;
}

/* ---- the callback ------------------------------------------------------------------------------------- */

List *
sfbulkImportForeignSchema(ImportForeignSchemaStmt *stmt, Oid serverOid)
{
	ForeignServer *server = GetForeignServer(serverOid);
	SfbImportOptions options = {0};
	sf_session *session;
	SfbGuard *guard;
	List *objects;
	List *commands = NIL;
	const char **names;
	const sf_object *described;
	sf_error err;
	int count = 0;
	ListCell *lc;

	sfb_option_check_list(stmt->options, SFB_ON_IMPORT, "IMPORT FOREIGN SCHEMA");
	sfb_option_defaults(SFB_TO_IMPORT, &options);
	sfb_option_apply(stmt->options, SFB_TO_IMPORT, &options);

	session = sfb_session_get(GetUserMapping(GetUserId(), serverOid));
	sfb_governor_admit(session, SFB_WORK_CALLS);
	objects = find_objects(session, stmt, &options);
	if (objects == NIL)
		return NIL;

	names = palloc(sizeof(char *) * list_length(objects));
	foreach (lc, objects)
		names[count++] = ((ImportObject *) lfirst(lc))->name;

	guard = sfb_guard_new(session, destroy_describe);
	sf_error_reset(&err);
	guard->object = sf_describe_objects_start(session, names, count, &err);
	if (guard->object == NULL)
		sfb_report(ERROR, &err);

	/* In the order of the names; both lists end together. */
	foreach (lc, objects)
	{
		ImportObject *object = lfirst(lc);

		described = next_object(session, guard->object);
		if (described == NULL || pg_strcasecmp(described->name, object->name) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_ERROR),
					 errmsg("Salesforce did not describe object \"%s\"", object->name)));
		commands = lappend(
			commands, table_command(described, object->table, server->servername, &options));
	}
	sfb_guard_clear(guard);
	return commands;
}
