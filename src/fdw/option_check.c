/*
 * option_check.c
 *		Checks options: may this one be set here, by this user, to this value.  What it knows of
 *		each option is its line in option.c's table.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "compat.h"
#include "option.h"

#define MAX_SOQL_LENGTH 100000 /* characters (SOQL reference, limits) */
#define MAX_PATH_PARTS	6	   /* five levels of parents and the field itself */
#define MAX_API_NAME	80	   /* namespace, name and suffix */

/* ---- values ---------------------------------------------------------------------------- */

/* Raises the error for a value that does not fit; hint is a sentence or NULL. */
static void
pg_attribute_noreturn() bad_value(const SfbOption *option, const char *value, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 (option->flags & SFB_OPT_SECRET)
				 ? errmsg("invalid value for option \"%s\"", option->name)
				 : errmsg("invalid value for option \"%s\": \"%s\"", option->name, value),
			 hint ? errhint("%s", hint) : 0));
}

/* The candidate nearest to a misspelt word, or NULL when none is near. */
static const char *
nearest(const char *word, const char *const *candidates, int ncandidates)
{
	const char *best = NULL;
	int best_distance = 4; /* one more than what still counts as a slip */
	int len = strlen(word);
	int i;

	/* More is not a slip, and varstr_levenshtein refuses long texts. */
	if (len > NAMEDATALEN)
		return NULL;

	for (i = 0; i < ncandidates; i++)
	{
		int candidate_len = strlen(candidates[i]);
		int distance = varstr_levenshtein_less_equal(word, len, candidates[i], candidate_len,
													 1, 1, 1, best_distance - 1, true);

		/* A word of which half is wrong is another word. */
		if (distance < best_distance && distance * 2 <= candidate_len)
		{
			best = candidates[i];
			best_distance = distance;
		}
	}
	return best;
}

static void
pg_attribute_noreturn() bad_enum(const SfbOption *option, const char *value)
{
	const char *names[64] = {NULL};
	int count = 0;
	StringInfoData list;
	const char *near;

	initStringInfo(&list);
	while (count < (int) lengthof(names) && option->values[count].name != NULL)
	{
		names[count] = option->values[count].name;
		appendStringInfo(&list, "%s%s", count ? ", " : "", names[count]);
		count++;
	}
	near = nearest(value, names, count);
	bad_value(
		option, value,
		near ? psprintf("Perhaps you meant \"%s\". Valid values are: %s.", near, list.data)
			 : psprintf("Valid values are: %s.", list.data));
}

static int
int_value(const SfbOption *option, const char *value)
{
	int result;
	const char *hint = NULL;
	int unit = option->type == SFB_OPT_MS	   ? GUC_UNIT_MS
			   : option->type == SFB_OPT_BYTES ? GUC_UNIT_BYTE
											   : 0;

	/* parse_int would round a fraction and take hexadecimal digits. */
	if ((unit == 0 && strspn(value, "+-0123456789") != strlen(value)) ||
		!parse_int(value, &result, unit, &hint))
		bad_value(option, value,
				  hint ? hint
				  : unit == GUC_UNIT_MS
					  ? "A time is a number of milliseconds or has a unit, such as \"10s\"."
				  : unit == GUC_UNIT_BYTE
					  ? "A size is a number of bytes or has a unit, such as \"90MB\"."
					  : "The value must be an integer.");
	if (result < option->min || result > option->max)
		bad_value(option, value,
				  psprintf("The value must be between %.0f and %.0f%s.", option->min,
						   option->max,
						   unit == GUC_UNIT_MS	   ? " milliseconds"
						   : unit == GUC_UNIT_BYTE ? " bytes"
												   : ""));
	return result;
}

static double
real_value(const SfbOption *option, const char *value)
{
	double result;

	if (!parse_real(value, &result, 0, NULL) || isnan(result))
		bad_value(option, value, "The value must be a number.");
	if (result < option->min || result > option->max)
		bad_value(
			option, value,
			psprintf("The value must be between %.0f and %.0f.", option->min, option->max));
	return result;
}

/* "10%", which must leave something to be used, or a whole number of calls. */
static double
reserve_value(const SfbOption *option, const char *value)
{
	const char *hint = "The value must be a share, such as \"10%\", or a number of API calls.";
	int len = strlen(value);
	double result;

	if (len > 1 && value[len - 1] == '%')
	{
		if (!parse_real(pnstrdup(value, len - 1), &result, 0, NULL) || isnan(result))
			bad_value(option, value, hint);
		if (result < 0 || result >= 100)
			bad_value(option, value, "A share must be at least 0% and below 100%.");
		return result / 100;
	}
	if (len == 0 || value[strspn(value, "0123456789")] != '\0' ||
		!parse_real(value, &result, 0, NULL))
		bad_value(option, value, hint);
	if (result > option->max)
		bad_value(
			option, value,
			psprintf("The value must be between %.0f and %.0f.", option->min, option->max));
	return result;
}

static bool
bool_value(const SfbOption *option, const char *value)
{
	bool result;

	if (!parse_bool(value, &result))
		bad_value(option, value, "The value must be \"true\" or \"false\".");
	return (option->flags & SFB_OPT_NEGATED) ? !result : result;
}

/* Ids in a chunk; the default is Salesforce's own (Bulk API guide, "PK Chunking"). */
static int
chunk_value(const SfbOption *option, const char *value)
{
	const int own = 100000;
	bool on;

	if (value[0] == '\0' || value[strspn(value, "0123456789")] != '\0')
	{
		if (!parse_bool(value, &on))
			bad_value(option, value,
					  psprintf("The value must be \"true\", \"false\", or a number of ids "
							   "between %.0f and %.0f.",
							   option->min, option->max));
		return on ? own : 0;
	}
	return int_value(option, value);
}

static int
enum_value(const SfbOption *option, const char *value)
{
	const SfbEnumValue *entry;

	for (entry = option->values; entry->name != NULL; entry++)
		if (pg_strcasecmp(entry->name, value) == 0)
			return entry->value;
	bad_enum(option, value);
}

bool
sfb_valid_api_name(const char *name, bool path)
{
	int parts = 1;
	int part_len = 0;
	const char *p;

	/* Only what cannot be anything but a name inside of SOQL. */
	for (p = name; *p != '\0'; p++)
	{
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
		bool digit = (*p >= '0' && *p <= '9');

		if (*p == '.' && path && part_len > 0)
		{
			parts++;
			part_len = 0;
			continue;
		}
		if (!letter && (part_len == 0 || (!digit && *p != '_')))
			return false;
		part_len++;
		if (part_len > MAX_API_NAME)
			return false;
	}
	return part_len > 0 && parts <= MAX_PATH_PARTS;
}

/*
 * A field, a path to a parent's field, or a lookup that is written by a field of what it refers to, as the
 * header row of a bulk upload names it: object, colon, relationship, dot, field.
 */
static bool
valid_field(const char *value)
{
	const char *colon = strchr(value, ':');
	const char *dot = colon ? strchr(colon + 1, '.') : NULL;

	if (colon == NULL)
		return sfb_valid_api_name(value, true);
	return dot != NULL && strchr(dot + 1, '.') == NULL &&
		   sfb_valid_api_name(pnstrdup(value, colon - value), false) &&
		   sfb_valid_api_name(colon + 1, true);
}

/* True for NN.0 in the option's range. */
static bool
valid_version(const SfbOption *option, const char *value)
{
	return strlen(value) == 4 && value[0] >= '1' && value[0] <= '9' && value[1] >= '0' &&
		   value[1] <= '9' && strcmp(value + 2, ".0") == 0 && atoi(value) >= option->min &&
		   atoi(value) <= option->max;
}

/* An array literal of texts, {"A; B",C}. */
static void
check_list(const SfbOption *option, const char *value)
{
	ArrayType *array = NULL;

	if (value[0] == '{')
		array =
			DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, pstrdup(value), TEXTOID, -1));
	if (array == NULL || ARR_NDIM(array) > 1 || array_contains_nulls(array))
		bad_value(option, value,
				  "The value must be an array of texts, such as \"{Hot,Warm,Cold}\".");
}

static void
check_text(const SfbOption *option, const char *value)
{
	char id[19];

	switch (option->type)
	{
		case SFB_OPT_VERSION:
			if (!valid_version(option, value))
				bad_value(option, value,
						  psprintf("The value must be a version between %.0f.0 and %.0f.0.",
								   option->min, option->max));
			break;
		case SFB_OPT_OBJECT:
			if (!sfb_valid_api_name(value, false))
				bad_value(
					option, value,
					"The value must be the API name of an object, such as \"Account\" or "
					"\"Invoice__c\".");
			break;
		case SFB_OPT_FIELD:
			if (!valid_field(value))
				bad_value(
					option, value,
					"The value must be the API name of a field, such as \"Name\", a path "
					"to a parent's field, such as \"Account.Name\", or for writing alone "
					"such a path behind the parent's object, such as "
					"\"Lead:Who.Email\".");
			break;
		case SFB_OPT_NAME:
			if (!sfb_valid_api_name(value, false))
				bad_value(option, value,
						  "The value must be the API name of a field, such as \"Ext__c\".");
			break;
		case SFB_OPT_ID:
			if (!sf_id_normalise(value, strlen(value), id))
				bad_value(option, value,
						  "The value must be the id of a record, of 15 or 18 characters.");
			break;
		case SFB_OPT_LIST:
			check_list(option, value);
			break;
		case SFB_OPT_SOQL:
			if (pg_strncasecmp(value, "select", 6) != 0 ||
				!(value[6] == ' ' || value[6] == '\t' || value[6] == '\n' || value[6] == '\r'))
				bad_value(option, value,
						  "The value must be a SOQL query that starts with SELECT.");
			if (pg_mbstrlen(value) > MAX_SOQL_LENGTH)
				ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
								errmsg("value of option \"%s\" is too long", option->name),
								errdetail("Salesforce takes SOQL of at most %d characters.",
										  MAX_SOQL_LENGTH)));
			break;
		case SFB_OPT_PEM:
			if (strstr(value, "-----BEGIN ") == NULL ||
				strstr(value, "PRIVATE KEY-----") == NULL)
				bad_value(option, value,
						  "The value must be a private key in PEM form, from its BEGIN line "
						  "to its END "
						  "line.");
			break;
		case SFB_OPT_FILE:
			if (!is_absolute_path(value))
				bad_value(option, value, "The value must be an absolute path.");
			break;
		default:
			if (value[0] == '\0')
				bad_value(option, value, "The value must not be empty.");
			break;
	}
}

void
sfb_option_store(const SfbOption *option, const char *value, void *to)
{
	switch (option->type)
	{
		case SFB_OPT_BOOL:
			*(bool *) to = bool_value(option, value);
			break;
		case SFB_OPT_INT:
		case SFB_OPT_MS:
		case SFB_OPT_BYTES:
			*(int *) to = int_value(option, value);
			break;
		case SFB_OPT_REAL:
			*(double *) to = real_value(option, value);
			break;
		case SFB_OPT_RESERVE:
			*(double *) to = reserve_value(option, value);
			break;
		case SFB_OPT_CHUNK:
			*(int *) to = chunk_value(option, value);
			break;
		case SFB_OPT_ENUM:
			*(int *) to = enum_value(option, value);
			break;
		default:
			check_text(option, value);
			*(char **) to = pstrdup(value);
			break;
	}
}

/* ---- names ------------------------------------------------------------------------------ */

int
sfb_option_place(Oid catalog, const char **noun)
{
	static const struct
	{
		Oid catalog;
		int place;
		const char *noun;
	} places[] = {{ForeignServerRelationId, SFB_ON_SERVER, "server"},
				  {UserMappingRelationId, SFB_ON_USER, "user mapping"},
				  {ForeignTableRelationId, SFB_ON_TABLE, "foreign table"},
				  {AttributeRelationId, SFB_ON_COLUMN, "column"}};
	int i;

	for (i = 0; i < (int) lengthof(places); i++)
	{
		if (places[i].catalog == catalog)
		{
			*noun = places[i].noun;
			return places[i].place;
		}
	}
	*noun = "foreign-data wrapper";
	return 0;
}

/* Where an option that is not valid here would be. */
static const char *
place_name(int where)
{
	if (where & SFB_ON_TABLE)
		return (where & SFB_ON_SERVER) ? "a server or a foreign table" : "a foreign table";
	if (where & SFB_ON_SERVER)
		return "a server";
	if (where & SFB_ON_USER)
		return "a user mapping";
	if (where & SFB_ON_COLUMN)
		return "a column of a foreign table";
	return "IMPORT FOREIGN SCHEMA";
}

static const SfbOption *
find_option(const char *name, int place)
{
	const SfbOption *option;

	for (option = sfb_options; option->name != NULL; option++)
		if ((option->where & place) && strcmp(option->name, name) == 0)
			return option;
	return NULL;
}

static void
pg_attribute_noreturn() unknown_option(const char *name, int place, const char *noun)
{
	const SfbOption *elsewhere = find_option(name, ~0);
	const SfbOption *option;
	const char *names[64] = {NULL};
	int count = 0;
	StringInfoData list;
	const char *near;

	initStringInfo(&list);
	for (option = sfb_options; option->name != NULL && count < (int) lengthof(names); option++)
	{
		if (!(option->where & place))
			continue;
		names[count] = option->name;
		appendStringInfo(&list, "%s%s", count ? ", " : "", option->name);
		count++;
	}
	near = nearest(name, names, count);

	ereport(
		ERROR,
		(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
		 errmsg("invalid option \"%s\" for %s of sfbulk_fdw", name, noun),
		 elsewhere	  ? errhint("It is an option of %s.", place_name(elsewhere->where))
		 : count == 0 ? errhint("There are no valid options in this context.")
		 : near ? errhint("Perhaps you meant the option \"%s\". Valid options in this context "
						  "are: %s.",
						  near, list.data)
				: errhint("Valid options in this context are: %s.", list.data)));
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

/* What concerns several options of one object. */
static void
check_together(List *options, int place, const char *noun)
{
	const SfbOption *option;

	for (option = sfb_options; option->name != NULL; option++)
	{
		bool present;

		if (!(option->where & place))
			continue;
		present = has_option(options, option->name);
		if (present && option->unless != NULL && has_option(options, option->unless))
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
							errmsg("options \"%s\" and \"%s\" exclude each other",
								   option->name, option->unless)));
		if (!present && (option->flags & SFB_OPT_REQUIRED) &&
			!(option->unless != NULL && has_option(options, option->unless)))
			ereport(
				ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("option \"%s\" is required for a %s of sfbulk_fdw", option->name,
						noun),
				 option->unless ? errhint("Or give the option \"%s\".", option->unless) : 0));
	}
}

void
sfb_option_check_list(List *options, int place, const char *noun)
{
	ListCell *lc;

	foreach (lc, options)
	{
		DefElem *def = lfirst_node(DefElem, lc);
		const SfbOption *option = find_option(def->defname, place);
		const char *value;
		union
		{
			bool boolean;
			int integer;
			double real;
			char *text;
		} ignored;

		if (option == NULL)
			unknown_option(def->defname, place, noun);
		if ((option->flags & SFB_OPT_SUPERUSER) && !superuser())
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to set option \"%s\"", option->name),
					 option->type == SFB_OPT_FILE
						 ? errdetail("Only a superuser may name files of the database server.")
						 : errdetail("Only a superuser may say through which hosts the "
									 "database server connects.")));

		value = defGetString(def);
		sfb_option_store(option, value, &ignored);
		if (option->type == SFB_OPT_URL)
			sfb_check_url(option->name, value, superuser());
	}
	check_together(options, place, noun);
}
