/*
 * error.c
 *		Errors of the client as PostgreSQL reports them.
 */
#include "sfbulk_fdw.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "governor.h"

typedef struct SfbErrorRule
{
	sf_error_class cls;
	const char *code; /* Salesforce's code; a '*' at its end takes any rest; NULL any code */
	int sqlstate;
	const char *hint; /* where the error has none of its own; NULL for none */
} SfbErrorRule;

/*
 * (class, code) to SQLSTATE; the first row that fits wins, and HV000 is for what fits none.  Codes
 * say more than classes do, so a row of SF_ERR_NONE applies to every class and those come first.
 */
static const SfbErrorRule error_rules[] = {
	/* data that Salesforce refuses: what PostgreSQL would say of its own tables */
	{SF_ERR_NONE, "DUPLICATE_VALUE", ERRCODE_UNIQUE_VIOLATION, NULL},
	{SF_ERR_NONE, "DUPLICATES_DETECTED", ERRCODE_UNIQUE_VIOLATION, NULL},
	{SF_ERR_NONE, "DUPLICATE_EXTERNAL_ID", ERRCODE_UNIQUE_VIOLATION, NULL},
	{SF_ERR_NONE, "REQUIRED_FIELD_MISSING", ERRCODE_NOT_NULL_VIOLATION, NULL},
	{SF_ERR_NONE, "INVALID_CROSS_REFERENCE_KEY", ERRCODE_FOREIGN_KEY_VIOLATION, NULL},
	{SF_ERR_NONE, "FIELD_CUSTOM_VALIDATION_EXCEPTION", ERRCODE_CHECK_VIOLATION, NULL},
	{SF_ERR_NONE, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ERRCODE_CHECK_VIOLATION, NULL},
	{SF_ERR_NONE, "STRING_TOO_LONG", ERRCODE_STRING_DATA_RIGHT_TRUNCATION, NULL},
	{SF_ERR_NONE, "NUMBER_OUTSIDE_VALID_RANGE", ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, NULL},
	{SF_ERR_NONE, "MALFORMED_ID", ERRCODE_INVALID_TEXT_REPRESENTATION, NULL},
	{SF_ERR_NONE, "UNABLE_TO_LOCK_ROW", ERRCODE_LOCK_NOT_AVAILABLE, NULL},

	/* quotas of the org, by the day or by the hour */
	{SF_ERR_NONE, "REQUEST_LIMIT_EXCEEDED", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
	 "The API calls of the last 24 hours count; Setup, Company Information shows "
	 "how many the org may make."},
	{SF_ERR_NONE, "LIMIT_EXCEEDED", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
	 "The quota counts the last 24 hours; sfbulk_limits() shows what is left."},
	{SF_ERR_LIMIT, SF_CODE_NO_JOB, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, NULL},
	{SF_ERR_NONE, "STORAGE_LIMIT_EXCEEDED", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, NULL},
	{SF_ERR_NONE, "EXCEEDED_QUOTA", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
	 "The quota counts the last 24 hours; sfbulk_limits() shows what is left."},

	/* who may do what to what */
	{SF_ERR_NONE, "INVALID_SESSION_ID", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, NULL},
	{SF_ERR_NONE, "INVALID_LOGIN", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, NULL},
	{SF_ERR_NONE, "INSUFFICIENT_ACCESS*", ERRCODE_INSUFFICIENT_PRIVILEGE, NULL},
	{SF_ERR_NONE, "INVALID_TYPE", ERRCODE_UNDEFINED_TABLE,
	 "Check the option \"object\", and that the Salesforce user may see the object."},
	{SF_ERR_NONE, "INVALID_FIELD", ERRCODE_UNDEFINED_COLUMN,
	 "Check the option \"field\", and that field-level security lets the Salesforce "
	 "user see the field; IMPORT FOREIGN SCHEMA shows what it sees."},

	/* a query that takes Salesforce too long ends as one that takes PostgreSQL too long */
	{SF_ERR_NONE, "QUERY_TIMEOUT", ERRCODE_QUERY_CANCELED,
	 "Add a condition on an indexed field, or read with transport 'bulk'."},

	/*
	 * No code, or one that says nothing more.  A timeout is not 57014: nobody cancelled, and PL/pgSQL's
	 * WHEN OTHERS would let it through.
	 */
	{SF_ERR_AUTH, NULL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, NULL},
	{SF_ERR_NETWORK, NULL, ERRCODE_CONNECTION_FAILURE, NULL},
	{SF_ERR_TIMEOUT, NULL, ERRCODE_CONNECTION_FAILURE, NULL},
	{SF_ERR_MEMORY, NULL, ERRCODE_OUT_OF_MEMORY, NULL},
	{SF_ERR_CONFIG, NULL, ERRCODE_INVALID_PARAMETER_VALUE, NULL},
	{SF_ERR_PROTOCOL, NULL, ERRCODE_PROTOCOL_VIOLATION, NULL},
	{SF_ERR_DATA, NULL, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE, NULL},
	{SF_ERR_LIMIT, NULL, ERRCODE_PROGRAM_LIMIT_EXCEEDED, NULL},
};

/* Ignores case and underscores: one code is EXCEEDEDQUOTA here, ExceededQuota there. */
static bool
code_matches(const char *pattern, const char *code)
{
	for (;;)
	{
		while (*pattern == '_')
			pattern++;
		while (*code == '_')
			code++;
		if (*pattern == '*')
			return true;
		if (pg_ascii_toupper((unsigned char) *pattern) !=
			pg_ascii_toupper((unsigned char) *code))
			return false;
		if (*pattern == '\0')
			return true;
		pattern++;
		code++;
	}
}

/* The first rule that fits, or NULL. */
static const SfbErrorRule *
rule_for(const sf_error *err)
{
	for (size_t i = 0; i < lengthof(error_rules); i++)
	{
		const SfbErrorRule *rule = &error_rules[i];

		if ((rule->cls == SF_ERR_NONE || rule->cls == err->cls) &&
			(rule->code == NULL || code_matches(rule->code, err->code)))
			return rule;
	}
	return NULL;
}

int
sfb_sqlstate(const sf_error *err)
{
	const SfbErrorRule *rule = rule_for(err);

	return rule ? rule->sqlstate : ERRCODE_FDW_ERROR;
}

/* Too many calls in a day, and not just too many long ones at this moment. */
static bool
is_out_of_calls(const sf_error *err)
{
	return strcmp(err->code, "REQUEST_LIMIT_EXCEEDED") == 0 &&
		   strstr(err->message, "Concurrent") == NULL;
}

/* The error's own hint, or the one for its code; NULL for none. */
static const char *
hint_text(const sf_error *err)
{
	const SfbErrorRule *rule = rule_for(err);
	const char *own = is_out_of_calls(err) ? sfb_governor_hint() : NULL;

	if (err->hint[0])
		return sfb_server_text(err->hint);
	if (own != NULL)
		return own;
	return rule ? rule->hint : NULL;
}

static bool
is_ascii(const char *text)
{
	for (; *text; text++)
		if (IS_HIGHBIT_SET(*text))
			return false;
	return true;
}

/* The text with a '?' for each character outside of ASCII. */
static char *
ascii_text(const char *utf8)
{
	char *result = palloc(strlen(utf8) + 1);
	char *out = result;

	for (; *utf8; utf8++)
	{
		if (!IS_HIGHBIT_SET(*utf8))
			*out++ = *utf8;
		else if ((*utf8 & 0xC0) != 0x80) /* the first byte of a character */
			*out++ = '?';
	}
	*out = '\0';
	return result;
}

/* Converts as far as the encoding reaches, character by character. */
static char *
converted_text(const char *utf8, Oid proc)
{
	int len = strlen(utf8);
	char *result = palloc((Size) len * MAX_CONVERSION_GROWTH + 1);
	char *out = result;

	for (int i = 0, n; i < len; i += n)
	{
		char one[MAX_CONVERSION_GROWTH * 4 + 1];
		int converted;

		n = pg_encoding_mblen(PG_UTF8, utf8 + i);
		converted = pg_do_encoding_conversion_buf(proc, PG_UTF8, GetDatabaseEncoding(),
												  (unsigned char *) utf8 + i, n,
												  (unsigned char *) one, sizeof(one), true);
		if (converted == n)
		{
			int outlen = strlen(one);

			memcpy(out, one, outlen);
			out += outlen;
		}
		else
			*out++ = '?';
	}
	*out = '\0';
	return result;
}

const char *
sfb_server_text(const char *utf8)
{
	Oid proc;

	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII ||
		is_ascii(utf8))
		return utf8;

	/* The conversion function must be looked up, which an aborted transaction cannot do. */
	if (!IsTransactionState())
		return ascii_text(utf8);
	proc = FindDefaultConversionProc(PG_UTF8, GetDatabaseEncoding());
	return OidIsValid(proc) ? converted_text(utf8, proc) : ascii_text(utf8);
}

/* Column, row and job as far as they are known; for the argument list of ereport. */
static int
report_context(const sf_error *err)
{
	if (err->column[0] && err->row > 0)
		errcontext("field \"%s\", row " INT64_FORMAT " of the result", err->column, err->row);
	else if (err->column[0])
		errcontext("field \"%s\"", err->column);
	else if (err->row > 0)
		errcontext("row " INT64_FORMAT " of the result", err->row);
	if (err->job_id[0] && strstr(err->message, err->job_id) == NULL)
		errcontext("bulk job %s", err->job_id);
	return 0;
}

/*
 * The detail.  Salesforce's code belongs into the message; where a message came without it (some
 * are worded for people only), it is added here.
 */
static const char *
detail_text(const sf_error *err)
{
	bool tell_code = err->code[0] && strstr(err->message, err->code) == NULL &&
					 strstr(err->detail, err->code) == NULL;

	if (tell_code)
		return psprintf("%s%sSalesforce error code: %s.", sfb_server_text(err->detail),
						err->detail[0] ? " " : "", sfb_server_text(err->code));
	return err->detail[0] ? sfb_server_text(err->detail) : NULL;
}

void
sfb_report(int elevel, const sf_error *err)
{
	const char *message;
	const char *detail;
	const char *hint;

	/*
	 * When the user cancels while an error is on its way, what he did is what he wants to read: a
	 * cancel is reported as a cancel.
	 */
	if (elevel >= ERROR)
		CHECK_FOR_INTERRUPTS();

	/* Converted before the report begins: that may look into the catalogs. */
	message = err->message[0] ? sfb_server_text(err->message) : NULL;
	detail = detail_text(err);
	hint = hint_text(err);

	ereport(elevel, errcode(sfb_sqlstate(err)),
			errmsg("%s", message ? message : "the Salesforce client failed without a message"),
			detail ? errdetail("%s", detail) : 0, hint ? errhint("%s", hint) : 0,
			report_context(err));
}
