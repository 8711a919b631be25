/*
 * literal.c
 *		One comparison of a field with a value, as SOQL.
 *
 * SOQL's idea of a value is narrower than PostgreSQL's: dates from 1700 to 4000, no NaN, 15 digits that
 * survive, ids of two lengths, no empty text.  So a value is first turned into a literal, or into the
 * reason why it has none, and then comparison and reason together give a condition, a constant answer, or
 * the advice to leave the condition to PostgreSQL.
 *
 * Facts: SOQL and SOQL Reference, "Comparison Operators", "Date Formats", "Quoted String Escape
 * Sequences", "Null Values"; object reference, "Primitive Data Types".
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "literal.h"

#define MAX_TEXT   4000 /* characters of a string in WHERE */
#define MAX_DIGITS 15	/* decimal digits that every double keeps */
#define MAX_SCALE  18	/* Salesforce numbers have at most 18 digits */

static Literal
literal_of_kind(LiteralKind kind)
{
	Literal result = {kind, NULL, NULL};

	return result;
}

static Literal
literal_of_text(char *text)
{
	Literal result = {LITERAL_OK, text, NULL};

	return result;
}

/* ---- text and ids ------------------------------------------------------------------------- */

static char *
quote(const char *text, int len, bool like)
{
	size_t need = sf_soql_quote(text, len, like, NULL, 0);
	char *result = palloc(need + 1);

	sf_soql_quote(text, len, like, result, need + 1);
	return result;
}

/* The blanks that Salesforce trims off when it stores a text; a no-break space is none of them. */
static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/*
 * A text Datum as UTF-8; NULL when it is none, as may be in SQL_ASCII databases.  What comes from
 * Salesforce is, so that no field equals such a text.
 */
static char *
utf8_of(Datum value, int *len)
{
	text *t = DatumGetTextPP(value);
	char *utf8;

	if (GetDatabaseEncoding() == PG_SQL_ASCII &&
		!pg_verify_mbstr(PG_UTF8, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t), true))
		return NULL;
	utf8 = pg_server_to_any(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t), PG_UTF8);
	*len = (utf8 == VARDATA_ANY(t)) ? (int) VARSIZE_ANY_EXHDR(t) : (int) strlen(utf8);
	return utf8;
}

/* Length as Salesforce counts it: UTF-16 units. */
static int
utf16_length(const char *utf8, int len)
{
	int count = 0;
	int i;

	for (i = 0; i < len; i++)
	{
		unsigned char c = utf8[i];

		if ((c & 0xc0) != 0x80)
			count += (c >= 0xf0) ? 2 : 1;
	}
	return count;
}

char *
sfb_quote_text(const char *text, int len)
{
	return quote(text, len, false);
}

char *
sfb_plain_text(Datum value, int *len)
{
	char *utf8 = utf8_of(value, len);

	if (utf8 == NULL || *len == 0)
		return NULL;
	/* Stored texts are trimmed but those that formulas compute are not, and nobody says what = does. */
	if (is_blank(utf8[0]) || is_blank(utf8[*len - 1]) || utf16_length(utf8, *len) > MAX_TEXT)
		return NULL;
	return utf8;
}

static Literal
text_literal(Datum value)
{
	int len;
	char *utf8 = utf8_of(value, &len);

	/* Salesforce keeps an empty text as null, so nothing that can be read equals it. */
	if (utf8 == NULL || len == 0)
		return literal_of_kind(LITERAL_NONE);
	utf8 = sfb_plain_text(value, &len);
	return utf8 != NULL ? literal_of_text(quote(utf8, len, false))
						: literal_of_kind(LITERAL_BAD);
}

/* Malformed ids would be an error rather than no row, and equal nothing. */
static Literal
id_literal(Datum value)
{
	int len;
	char *utf8 = utf8_of(value, &len);
	char id[19];

	if (utf8 == NULL || !sf_id_normalise(utf8, len, id))
		return literal_of_kind(LITERAL_NONE);
	return literal_of_text(psprintf("'%s'", id));
}

/*
 * A LIKE pattern of PostgreSQL as one of SOQL that matches at least as much.  SOQL's _ may count
 * otherwise than ours, so it becomes %, and so does whatever is not certain to compare alike: blanks
 * at the ends, a backslash before a wildcard, and under ILIKE the letters whose case depends on more
 * than themselves (i and k have relatives outside of ASCII).  NULL when the pattern is an error.
 */
static char *
widen_pattern(const char *pattern, int len, bool ignore_case)
{
	StringInfoData out;
	int i;

	initStringInfo(&out);
	for (i = 0; i < len; i++)
	{
		char c = pattern[i];
		bool wild = (c == '%' || c == '_');

		if (c == '\\')
		{
			if (++i >= len)
				return NULL;
			c = pattern[i];
		}
		if (c == '\\' || (is_blank(c) && (out.len == 0 || i == len - 1)) ||
			(ignore_case && (IS_HIGHBIT_SET(c) || strchr("iIkK", c) != NULL)))
			wild = true;

		if (!wild)
		{
			if (c == '%' || c == '_')
				appendStringInfoChar(&out, '\\');
			appendStringInfoChar(&out, c);
		}
		else if (out.len == 0 || out.data[out.len - 1] != '%' ||
				 (out.len > 1 && out.data[out.len - 2] == '\\'))
			appendStringInfoChar(&out, '%');
	}
	return out.data;
}

static Literal
pattern_literal(Datum value, bool ignore_case)
{
	int len;
	char *utf8 = utf8_of(value, &len);
	char *pattern;

	/* Half a character, where _ stands for a byte: it may match after all. */
	if (utf8 == NULL)
		return literal_of_kind(LITERAL_BAD);
	if (len == 0)
		return literal_of_kind(LITERAL_NONE);
	pattern = widen_pattern(utf8, len, ignore_case);
	if (pattern == NULL || strcmp(pattern, "%") == 0 ||
		utf16_length(pattern, strlen(pattern)) > MAX_TEXT)
		return literal_of_kind(LITERAL_BAD);
	return literal_of_text(quote(pattern, strlen(pattern), true));
}

/* ---- numbers --------------------------------------------------------------------------------- */

static bool
is_whole_type(SfbType type)
{
	return type == SFB_INT || type == SFB_LONG;
}

static Literal
int_literal(SfbType type, int64 value)
{
	if (type == SFB_INT && value > PG_INT32_MAX)
		return literal_of_kind(LITERAL_HIGH);
	if (type == SFB_INT && value < PG_INT32_MIN)
		return literal_of_kind(LITERAL_LOW);
	if (!is_whole_type(type) &&
		(value >= INT64CONST(1000000000000000) || value <= -INT64CONST(1000000000000000)))
		return literal_of_kind(LITERAL_BAD);
	return literal_of_text(psprintf(INT64_FORMAT, value));
}

/* A fractional value at a field of whole numbers. */
static Literal
gap_literal(double floor_value)
{
	Literal result = {LITERAL_GAP, psprintf("%.0f", floor_value),
					  psprintf("%.0f", floor_value + 1)};

	return result;
}

static Literal
whole_literal(SfbType type, double value)
{
	/* NaN sorts above everything in PostgreSQL. */
	if (isnan(value))
		return literal_of_kind(LITERAL_HIGH);
	if (type == SFB_INT && value > PG_INT32_MAX)
		return literal_of_kind(LITERAL_HIGH);
	if (type == SFB_INT && value < PG_INT32_MIN)
		return literal_of_kind(LITERAL_LOW);
	if (fabs(value) >= 1e15)
		return literal_of_kind(LITERAL_BAD);
	if (floor(value) != value)
		return gap_literal(floor(value));
	return int_literal(type, (int64) value);
}

/*
 * A plain decimal text ("-12.50") of which at most MAX_DIGITS digits matter.  Salesforce answers
 * numbers as doubles: within so many digits, what it stores and what it answers are the same number,
 * beyond that a comparison over there need not agree with one over here.
 */
static Literal
decimal_literal(SfbType type, const char *text)
{
	bool negative = (*text == '-');
	const char *whole;
	int whole_len;
	const char *fraction;
	int fraction_len;
	int digits;

	whole = text + (negative ? 1 : 0);
	while (*whole == '0')
		whole++;
	whole_len = strspn(whole, "0123456789");
	fraction = whole + whole_len + (whole[whole_len] == '.' ? 1 : 0);
	fraction_len = strlen(fraction);
	while (fraction_len > 0 && fraction[fraction_len - 1] == '0')
		fraction_len--;

	if (whole_len > 0)
	{
		digits = whole_len + fraction_len;
		if (fraction_len == 0)
			while (digits > 0 && whole[digits - 1] == '0')
				digits--;
	}
	else
		digits = fraction_len - (int) strspn(fraction, "0");
	if (digits > MAX_DIGITS || whole_len > MAX_SCALE || fraction_len > MAX_SCALE)
		return literal_of_kind(LITERAL_BAD);
	if (is_whole_type(type))
		return whole_literal(type, strtod(text, NULL));

	return literal_of_text(psprintf("%s%.*s%s%.*s", negative && digits > 0 ? "-" : "",
									whole_len > 0 ? whole_len : 1, whole_len > 0 ? whole : "0",
									fraction_len > 0 ? "." : "", fraction_len, fraction));
}

static Literal
numeric_literal(SfbType type, Datum value)
{
	char *text = DatumGetCString(DirectFunctionCall1(numeric_out, value));

	if (text[0] == 'N' || text[0] == 'I')
		return literal_of_kind(LITERAL_HIGH);
	if (text[0] == '-' && text[1] == 'I')
		return literal_of_kind(LITERAL_LOW);

	/* Too many digits for a double may still be clear enough for a field of 32 bits. */
	if (type == SFB_INT)
	{
		double approximate = strtod(text, NULL);

		if (approximate >= 2147483648.0)
			return literal_of_kind(LITERAL_HIGH);
		if (approximate <= -2147483649.0)
			return literal_of_kind(LITERAL_LOW);
	}
	return decimal_literal(type, text);
}

static Literal
float_literal(SfbType type, double value)
{
	char text[64];
	int exponent;

	if (isnan(value) || (isinf(value) && value > 0))
		return literal_of_kind(LITERAL_HIGH);
	if (isinf(value))
		return literal_of_kind(LITERAL_LOW);
	if (is_whole_type(type))
		return whole_literal(type, value);

	/* Few enough digits, and a size that a Salesforce number has; then without an exponent. */
	snprintf(text, sizeof(text), "%.*e", MAX_DIGITS - 1, value);
	exponent = atoi(strchr(text, 'e') + 1);
	if (strtod(text, NULL) != value || exponent >= MAX_SCALE)
		return literal_of_kind(LITERAL_BAD);
	snprintf(text, sizeof(text), "%.*f", Min(MAX_SCALE, Max(0, MAX_DIGITS - 1 - exponent)),
			 value);
	if (strtod(text, NULL) != value)
		return literal_of_kind(LITERAL_BAD);
	return decimal_literal(type, text);
}

static Literal
number_literal(SfbType type, Oid valtype, Datum value)
{
	switch (valtype)
	{
		case INT2OID:
			return int_literal(type, DatumGetInt16(value));
		case INT4OID:
			return int_literal(type, DatumGetInt32(value));
		case INT8OID:
			return int_literal(type, DatumGetInt64(value));
		case FLOAT4OID:
			return float_literal(type, DatumGetFloat4(value));
		case FLOAT8OID:
			return float_literal(type, DatumGetFloat8(value));
		case NUMERICOID:
			return numeric_literal(type, value);
		default:
			return literal_of_kind(LITERAL_BAD);
	}
}

/* ---- dates ------------------------------------------------------------------------------------- */

static Literal
date_literal(DateADT date)
{
	int year, month, day;

	if (date < SFB_FIRST_DAY)
		return literal_of_kind(LITERAL_LOW);
	if (date > SFB_LAST_DAY)
		return literal_of_kind(LITERAL_HIGH);
	j2date(date + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	return literal_of_text(psprintf("%04d-%02d-%02d", year, month, day));
}

char *
sfb_datetime_text(int64 seconds)
{
	struct pg_tm tm;
	fsec_t fsec;

	if (timestamp2tm(seconds * USECS_PER_SEC, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year, tm.tm_mon, tm.tm_mday,
					tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/*
 * Salesforce keeps whole seconds, though somebody has seen milliseconds: a value between two seconds
 * gives both, and the comparison takes the wider one.
 */
static Literal
datetime_literal(Timestamp value)
{
	Literal result;
	int64 seconds;

	/* The infinities lie beyond these as well. */
	if (value < (Timestamp) SFB_FIRST_DAY * USECS_PER_DAY)
		return literal_of_kind(LITERAL_LOW);
	if (value > SFB_LAST_SECOND * USECS_PER_SEC)
		return literal_of_kind(LITERAL_HIGH);

	seconds = value / USECS_PER_SEC;
	if (seconds * USECS_PER_SEC > value)
		seconds--;
	if (seconds * USECS_PER_SEC == value)
		return literal_of_text(sfb_datetime_text(seconds));
	result.kind = LITERAL_FRACTION;
	result.text = sfb_datetime_text(seconds);
	result.next = sfb_datetime_text(seconds + 1);
	return result;
}

/*
 * A value that PostgreSQL compares with a timestamptz or timestamp column.  A date or a timestamp means
 * an instant in the session's time zone, found here as PostgreSQL's comparison would find it.
 */
static Literal
instant_literal(Oid coltype, Oid valtype, Datum value)
{
	bool with_zone = (coltype == TIMESTAMPTZOID);

	if (valtype == DATEOID)
	{
		DateADT date = DatumGetDateADT(value);

		/* A day more on both sides, for the time zone. */
		if (date < SFB_FIRST_DAY - 1)
			return literal_of_kind(LITERAL_LOW);
		if (date > SFB_LAST_DAY + 1)
			return literal_of_kind(LITERAL_HIGH);
		value = DirectFunctionCall1(with_zone ? date_timestamptz : date_timestamp, value);
	}
	else if (valtype == TIMESTAMPOID && with_zone)
	{
		Timestamp timestamp = DatumGetTimestamp(value);

		if (timestamp < (Timestamp) (SFB_FIRST_DAY - 1) * USECS_PER_DAY)
			return literal_of_kind(LITERAL_LOW);
		if (timestamp > (Timestamp) (SFB_LAST_DAY + 1) * USECS_PER_DAY)
			return literal_of_kind(LITERAL_HIGH);
		value = DirectFunctionCall1(timestamp_timestamptz, value);
	}
	else if (valtype != coltype)
		return literal_of_kind(LITERAL_BAD);
	return datetime_literal(DatumGetTimestamp(value));
}

/* ---- conditions ---------------------------------------------------------------------------------- */

Literal
sfb_make_literal(SfbOp op, SfbType type, Oid coltype, Oid valtype, Datum value)
{
	switch (type)
	{
		case SFB_TEXT:
		case SFB_PICKLIST:
			if (op == SFB_OP_LIKE || op == SFB_OP_ILIKE)
				return pattern_literal(value, op == SFB_OP_ILIKE);
			return text_literal(value);
		case SFB_ID:
		case SFB_REFERENCE:
			return id_literal(value);
		case SFB_BOOLEAN:
			return literal_of_text(pstrdup(DatumGetBool(value) ? "true" : "false"));
		case SFB_INT:
		case SFB_LONG:
		case SFB_DOUBLE:
		case SFB_CURRENCY:
		case SFB_PERCENT:
			return number_literal(type, valtype, value);
		case SFB_DATE:
			return valtype == DATEOID ? date_literal(DatumGetDateADT(value))
									  : literal_of_kind(LITERAL_BAD);
		case SFB_DATETIME:
			return instant_literal(coltype, valtype, value);
		default:
			return literal_of_kind(LITERAL_BAD);
	}
}

static const char *
op_text(SfbOp op)
{
	switch (op)
	{
		case SFB_OP_LT:
			return "<";
		case SFB_OP_LE:
			return "<=";
		case SFB_OP_EQ:
			return "=";
		case SFB_OP_GE:
			return ">=";
		case SFB_OP_GT:
			return ">";
		case SFB_OP_NE:
			return "!=";
		case SFB_OP_IN:
			return "IN";
		case SFB_OP_NOT_IN:
			return "NOT IN";
		case SFB_OP_LIKE:
		case SFB_OP_ILIKE:
			return "LIKE";
		case SFB_OP_HAS:
		case SFB_OP_HAS_ALL:
		case SFB_OP_HAS_ANY:
			return "INCLUDES";
	}
	return NULL; /* keep compiler quiet */
}

/*
 * Whether a null field fulfils !=, NOT IN or < is told in different ways by different people; where it
 * must not, we say so.
 */
void
sfb_append_compare(StringInfo buf, const char *field, SfbOp op, const char *value)
{
	/* COUNT(…) is never null. */
	bool nullable = strchr(field, '(') == NULL;

	if (nullable &&
		(op == SFB_OP_NE || op == SFB_OP_NOT_IN || op == SFB_OP_LT || op == SFB_OP_LE))
		appendStringInfo(buf, "(%s %s %s AND %s != null)", field, op_text(op), value, field);
	else
		appendStringInfo(buf, "%s %s %s", field, op_text(op), value);
}

SfbFold
sfb_fold_not_null(StringInfo buf, const char *field, SfbFold fold)
{
	appendStringInfo(buf, "%s != null", field);
	return fold;
}

/* A value that no field of the type holds: on which side of all fields does it lie? */
static SfbFold
fold_outside(StringInfo buf, const char *field, SfbOp op, LiteralKind kind)
{
	bool all = (op == SFB_OP_NE);

	if (kind == LITERAL_LOW)
		all = all || op == SFB_OP_GT || op == SFB_OP_GE;
	else if (kind == LITERAL_HIGH)
		all = all || op == SFB_OP_LT || op == SFB_OP_LE;
	return all ? sfb_fold_not_null(buf, field, SFB_FOLD_SEND) : SFB_FOLD_FALSE;
}

/* A value between two that fields may hold. */
static SfbFold
fold_between(StringInfo buf, const char *field, SfbOp op, const Literal *literal)
{
	bool exact = (literal->kind == LITERAL_GAP);

	switch (op)
	{
		case SFB_OP_EQ:
			if (exact)
				return SFB_FOLD_FALSE;
			appendStringInfo(buf, "(%s >= %s AND %s <= %s)", field, literal->text, field,
							 literal->next);
			return SFB_FOLD_WIDE;
		case SFB_OP_NE:
			return sfb_fold_not_null(buf, field, exact ? SFB_FOLD_SEND : SFB_FOLD_WIDE);
		case SFB_OP_LT:
		case SFB_OP_LE:
			sfb_append_compare(buf, field, SFB_OP_LE, exact ? literal->text : literal->next);
			break;
		case SFB_OP_GT:
		case SFB_OP_GE:
			sfb_append_compare(buf, field, SFB_OP_GE, exact ? literal->next : literal->text);
			break;
		default:
			return SFB_FOLD_DROP;
	}
	return exact ? SFB_FOLD_SEND : SFB_FOLD_WIDE;
}

static SfbFold
fold_scalar(StringInfo buf, const char *field, SfbOp op, SfbType type, Oid coltype,
			Oid valtype, Datum value)
{
	Literal literal = sfb_make_literal(op, type, coltype, valtype, value);

	switch (literal.kind)
	{
		case LITERAL_OK:
			break;
		case LITERAL_GAP:
		case LITERAL_FRACTION:
			return fold_between(buf, field, op, &literal);
		case LITERAL_BAD:
			return SFB_FOLD_DROP;
		default:
			return fold_outside(buf, field, op, literal.kind);
	}

	/* A boolean field is never null, and != null means something else there. */
	if (type == SFB_BOOLEAN)
	{
		bool truth = DatumGetBool(value) == (op == SFB_OP_EQ);

		appendStringInfo(buf, "%s = %s", field, truth ? "true" : "false");
		return SFB_FOLD_SEND;
	}

	sfb_append_compare(buf, field, op, literal.text);
	return (op == SFB_OP_LIKE || op == SFB_OP_ILIKE) ? SFB_FOLD_WIDE : SFB_FOLD_SEND;
}

int
sfb_array_elements(Datum array, Oid elemtype, Datum **elems, bool **nulls)
{
	int nelems;
	int16 typlen;
	bool typbyval;
	char typalign;

	get_typlenbyvalalign(elemtype, &typlen, &typbyval, &typalign);
	deconstruct_array(DatumGetArrayTypeP(array), elemtype, typlen, typbyval, typalign, elems,
					  nulls, &nelems);
	return nelems;
}

/* = ANY and <> ALL of an array: a list of the elements that a field could hold. */
static SfbFold
fold_array(StringInfo buf, const char *field, SfbOp op, SfbType type, Oid coltype,
		   Oid elemtype, Datum value)
{
	StringInfoData list;
	Datum *elems;
	bool *nulls;
	int nelems;
	int count = 0;
	int i;

	nelems = sfb_array_elements(value, elemtype, &elems, &nulls);
	if (nelems == 0)
		return op == SFB_OP_IN ? SFB_FOLD_FALSE : SFB_FOLD_TRUE;

	initStringInfo(&list);
	appendStringInfoChar(&list, '(');
	for (i = 0; i < nelems; i++)
	{
		Literal literal;

		if (nulls[i])
		{
			/* "x <> NULL" is never true, "x = NULL" just adds nothing. */
			if (op == SFB_OP_NOT_IN)
				return SFB_FOLD_FALSE;
			continue;
		}
		literal = sfb_make_literal(SFB_OP_EQ, type, coltype, elemtype, elems[i]);
		if (literal.kind == LITERAL_BAD || literal.kind == LITERAL_FRACTION)
			return SFB_FOLD_DROP;
		if (literal.kind != LITERAL_OK)
			continue;
		appendStringInfo(&list, "%s%s", count > 0 ? ", " : "", literal.text);
		count++;

		/* It would not fit into any query. */
		if (list.len > SFB_MAX_SOQL)
			return SFB_FOLD_DROP;
	}
	appendStringInfoChar(&list, ')');

	if (count == 0)
		return op == SFB_OP_IN ? SFB_FOLD_FALSE : sfb_fold_not_null(buf, field, SFB_FOLD_SEND);
	sfb_append_compare(buf, field, op, list.data);
	return SFB_FOLD_SEND;
}

SfbFold
sfb_fold_compare(StringInfo buf, const char *field, SfbOp op, SfbType type, Oid coltype,
				 Oid valtype, Datum value, bool isnull)
{
	if (isnull)
		return SFB_FOLD_FALSE;
	if (type == SFB_MULTIPICKLIST)
		return sfb_fold_set(buf, field, op, valtype, value);
	if (sfb_op_is_array(op))
		return fold_array(buf, field, op, type, coltype, valtype, value);
	return fold_scalar(buf, field, op, type, coltype, valtype, value);
}

bool
sfb_always_exact(SfbOp op, SfbType type, Oid valtype)
{
	/* An array may be too long to be sent. */
	if (sfb_op_is_array(op))
		return false;

	switch (type)
	{
		case SFB_ID:
		case SFB_REFERENCE:
		case SFB_BOOLEAN:
		case SFB_DATE:
			return true;
		case SFB_INT:
		case SFB_LONG:
			return valtype == INT2OID || valtype == INT4OID || valtype == INT8OID;
		case SFB_DOUBLE:
		case SFB_CURRENCY:
		case SFB_PERCENT:
			return valtype == INT2OID || valtype == INT4OID;
		case SFB_DATETIME:
			return valtype == DATEOID;
		default:
			return false;
	}
}
