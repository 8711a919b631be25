/*
 * import_column.c
 *		Fields as columns of foreign tables: names, types, options.
 *
 * Options are written where they differ from what would be assumed anyway, but the API name of each
 * field always, so that a definition does not depend on the name that something has over here.
 *
 * Local names: as the option "names" says, cut to what PostgreSQL takes (63 bytes), and numbered (_2,
 * _3 …) in the order of the describe where two would be the same.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "import.h"

/* ---- names ------------------------------------------------------------------------------------ */

/* Does a word begin at name[i]: AnnualRevenue, HTMLBody, Line2Total__c. */
static bool
word_begins(const char *name, int i)
{
	if (i == 0 || !isupper((unsigned char) name[i]) || name[i - 1] == '_')
		return false;
	return !isupper((unsigned char) name[i - 1]) || islower((unsigned char) name[i + 1]);
}

/* API names are ASCII. */
char *
sfb_local_name(const char *name, SfbNameStyle style)
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

char *
sfb_unique_name(List **taken, const char *name)
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

Oid
sfb_import_type(const sf_field *field, const SfbImportOptions *options)
{
	switch (sfb_type_from_name(field->type))
	{
		case SFB_MULTIPICKLIST:
			return options->text_multipicklist ? TEXTOID : TEXTARRAYOID;
		case SFB_BOOLEAN:
			return BOOLOID;
		case SFB_INT:
			return INT4OID;
		case SFB_LONG:
			return INT8OID;
		case SFB_DOUBLE:
		case SFB_CURRENCY:
		case SFB_PERCENT:
			return options->float8_numbers ? FLOAT8OID : NUMERICOID;
		case SFB_DATE:
			return DATEOID;
		case SFB_DATETIME:
			return TIMESTAMPTZOID;
		case SFB_TIME:
			return TIMEOID;
		case SFB_COMPOUND:
			return JSONBOID;
		default:
			return TEXTOID;
	}
}

static void
add_option(List **list, const char *name, char *value)
{
	*list = lappend(*list, makeDefElem(pstrdup(name), (Node *) makeString(value), -1));
}

static void
add_flag(List **list, const char *name, bool value, bool assumed)
{
	if (value != assumed)
		add_option(list, name, value ? "true" : "false");
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
add_picklist(List **list, const sf_field *field)
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
	add_option(list, "picklist", OidOutputFunctionCall(output, PointerGetDatum(array)));
}

/* What writing wants to know of a field. */
static void
add_writing(List **list, const sf_field *field, SfbType type)
{
	bool assumed = pg_strcasecmp(field->name, "Id") != 0;

	add_flag(list, "createable", field->createable, assumed);
	add_flag(list, "updateable", field->updateable, assumed);
	if (!field->createable && !field->updateable)
		return;
	if (field->npicklist > 0)
		add_picklist(list, field);
	else if (field->length > 0 &&
			 (type == SFB_TEXT || type == SFB_PICKLIST || type == SFB_ENCRYPTED))
		add_option(list, "length", psprintf("%d", field->length));
}

/*
 * Where a lookup leads to, so that a join can be sent.  Not where it may lead to several objects: a path
 * has only the fields that all objects have then.
 */
static void
add_reference(List **list, const sf_field *field)
{
	char *assumed = sfb_relationship_name(field->name);

	if (field->nreference_to != 1 || field->relationship_name == NULL ||
		!sfb_valid_api_name(field->reference_to, false) ||
		!sfb_valid_api_name(field->relationship_name, false))
		return;
	add_option(list, "reference_to", pstrdup(field->reference_to));
	if (assumed == NULL || strcmp(assumed, field->relationship_name) != 0)
		add_option(list, "relationship", pstrdup(field->relationship_name));
}

List *
sfb_import_options(const sf_field *field, Oid pgtype, bool multicurrency)
{
	SfbType type = sfb_type_from_name(field->type);
	List *list = NIL;
	SfbColumn assumed;
	bool converted = multicurrency && type == SFB_CURRENCY;
	bool filterable;

	/* describe calls a compound field filterable, by which it means DISTANCE only */
	filterable = field->filterable && sfb_type_filterable(type) && !converted;
	sfb_type_defaults(type, filterable, &assumed);
	add_option(&list, "field", pstrdup(field->name));
	if (type != sfb_assumed_type(pgtype, field->name))
		add_option(&list, "type", pstrdup(sfb_type_name(type)));
	if (type == SFB_REFERENCE)
		add_reference(&list, field);
	add_flag(&list, "case_sensitive", field->case_sensitive, assumed.case_sensitive);
	add_flag(&list, "filterable", filterable, sfb_type_filterable(type));
	add_flag(&list, "sortable", field->sortable && !converted, assumed.sortable);
	add_flag(&list, "groupable", field->groupable, assumed.groupable);
	add_flag(&list, "aggregatable", field->aggregatable && !converted, assumed.aggregatable);
	if (field->scale > SFB_MAX_SUM_SCALE)
		add_option(&list, "scale", psprintf("%d", field->scale));
	add_writing(&list, field, type);
	return list;
}

void
sfb_append_column(StringInfo buf, const sf_field *field, const char *column,
				  bool multicurrency, const SfbImportOptions *options)
{
	Oid type = sfb_import_type(field, options);
	const char *separator = " OPTIONS (";
	ListCell *lc;

	appendStringInfo(buf, "%s %s", quote_identifier(column), format_type_be(type));
	foreach (lc, sfb_import_options(field, type, multicurrency))
	{
		DefElem *option = lfirst_node(DefElem, lc);

		appendStringInfo(buf, "%s%s %s", separator, option->defname,
						 quote_literal_cstr(defGetString(option)));
		separator = ", ";
	}
	appendStringInfoChar(buf, ')');
	if (options->not_null && !field->nillable)
		appendStringInfoString(buf, " NOT NULL");
}

bool
sfb_is_multicurrency(const sf_object *object)
{
	for (int i = 0; i < object->nfields; i++)
		if (strcmp(object->fields[i].name, "CurrencyIsoCode") == 0)
			return true;
	return false;
}

bool
sfb_is_imported(const sf_field *field, const SfbImportOptions *options)
{
	SfbType type = sfb_type_from_name(field->type);

	return !field->deprecated_and_hidden && type != SFB_BASE64 &&
		   (type != SFB_COMPOUND || options->compound) &&
		   sfb_valid_api_name(field->name, false);
}
