/*
 * convert.c
 *		Texts of Salesforce to Datums.
 *
 * A converter per column, chosen once.  Nothing is allocated per value on the direct paths: what
 * a row's Datums point to is carved out of one buffer that every row uses again, as nobody may
 * look at a scan's row after asking for the next one.  Input functions allocate in a context that
 * is reset when it has grown, not per row.
 */
#include "sfbulk_fdw.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "convert_number.h"
#include "convert_time.h"

/* Room for the by-reference values of an ordinary row; the rest is palloc'd. */
#define ROW_BUFFER_SIZE (32 * 1024)

/* The row context is reset when it has taken more than this from malloc. */
#define ROW_CONTEXT_LIMIT (64 * 1024)

typedef enum ConvertKind
{
	CONVERT_TEXT,	 /* text, varchar without a length */
	CONVERT_VARCHAR, /* varchar(n) */
	CONVERT_BOOL,
	CONVERT_INT2,
	CONVERT_INT4,
	CONVERT_INT8,
	CONVERT_FLOAT8,
	CONVERT_NUMERIC,
	CONVERT_DATE,
	CONVERT_TIMESTAMP, /* with and without time zone */
	CONVERT_TIME,
	CONVERT_LIST, /* A;B into an array */
	CONVERT_INPUT /* the input function */
} ConvertKind;

/* Only for CONVERT_LIST. */
typedef struct ListType
{
	Oid elemtype;
	int16 typlen;
	bool typbyval;
	char typalign;
	Oid domain;			/* the array type is a domain, or InvalidOid */
	void *domain_extra; /* domain_check's cache */
} ListType;

typedef struct FieldConverter
{
	ConvertKind kind;
	int field;		/* index in the SELECT list */
	int att;		/* attribute number - 1 */
	bool sees_null; /* NULL must be converted too: a domain may refuse it */
	int32 typmod;
	int64 unit; /* typmod's precision in microseconds, for times */
	Oid pgtype;
	Oid ioparam;
	FmgrInfo input; /* of the type, or of a CONVERT_LIST's element type */
	ListType *list;
} FieldConverter;

struct SfbRowConverter
{
	bool recode; /* the database is not in UTF-8 */
	int nfields;
	int current; /* field at work */
	char *free;	 /* of buffer */
	char *buffer;
	MemoryContext context; /* what input functions palloc, and what buffer cannot hold */
	MemoryContext parent;  /* as long as the converter */
	FieldConverter fields[FLEXIBLE_ARRAY_MEMBER];
};

/* ---- choosing ------------------------------------------------------------------------- */

/*
 * True when decimal_to_numeric gives what numeric_in gives: over the signs, scales and weights there
 * are, once in a backend.
 */
static bool
numeric_layout_known(void)
{
	static const char *const probes[] = {
		"0",	   "-0.0",			"100.0",   "-12345.678",
		"9.0E7",   "1.0E-5",		"0.00012", "1000000000000000",
		"-1.5E16", "99999999.9999", "2E-20"};
	static int known = -1;

	for (size_t i = 0; known < 0 && i < lengthof(probes); i++)
	{
		Decimal d;
		union
		{
			int32 align;
			char bytes[NUMERIC_SIZE_MAX];
		} direct;
		Datum reference = DirectFunctionCall3(numeric_in, CStringGetDatum(probes[i]),
											  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

		if (!read_decimal(probes[i], strlen(probes[i]), &d) ||
			!decimal_to_numeric(&d, direct.bytes) ||
			VARSIZE(direct.bytes) != VARSIZE(DatumGetPointer(reference)) ||
			memcmp(direct.bytes, DatumGetPointer(reference), VARSIZE(direct.bytes)) != 0)
			known = 0;
	}
	if (known < 0)
		known = 1;
	return known == 1;
}

static ConvertKind
choose_kind(Oid pgtype, int32 typmod, SfbType type)
{
	if (type == SFB_MULTIPICKLIST && OidIsValid(get_base_element_type(pgtype)))
		return CONVERT_LIST;
	switch (pgtype)
	{
		case TEXTOID:
			return CONVERT_TEXT;
		case VARCHAROID:
			return typmod < (int32) VARHDRSZ ? CONVERT_TEXT : CONVERT_VARCHAR;
		case BOOLOID:
			return CONVERT_BOOL;
		case INT2OID:
			return CONVERT_INT2;
		case INT4OID:
			return CONVERT_INT4;
		case INT8OID:
			return CONVERT_INT8;
		case FLOAT8OID:
			return CONVERT_FLOAT8;
		case NUMERICOID:
			return typmod == -1 && numeric_layout_known() ? CONVERT_NUMERIC : CONVERT_INPUT;
		case DATEOID:
			return CONVERT_DATE;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return CONVERT_TIMESTAMP;
		case TIMEOID:
			return CONVERT_TIME;
		default:
			return CONVERT_INPUT;
	}
}

static void
init_field(FieldConverter *conv, const SfbColumn *column)
{
	Oid pgtype = column->pgtype;
	Oid function;

	conv->kind = choose_kind(pgtype, column->typmod, column->type);
	conv->pgtype = pgtype;
	conv->typmod = column->typmod;

	/* timestamp(p): the direct path takes what p digits hold without rounding. */
	conv->unit = 1;
	for (int p = conv->typmod; p >= 0 && p < MAX_TIMESTAMP_PRECISION; p++)
		conv->unit *= 10;

	if (conv->kind == CONVERT_LIST)
	{
		ListType *list = palloc0(sizeof(ListType));
		Oid base = getBaseTypeAndTypmod(pgtype, &conv->typmod);

		list->elemtype = get_element_type(base);
		list->domain = base != pgtype ? pgtype : InvalidOid;
		get_typlenbyvalalign(list->elemtype, &list->typlen, &list->typbyval, &list->typalign);
		conv->list = list;
		conv->sees_null = OidIsValid(list->domain);
		pgtype = list->elemtype;
	}
	getTypeInputInfo(pgtype, &function, &conv->ioparam);
	fmgr_info(function, &conv->input);
	if (conv->kind == CONVERT_INPUT)
		conv->sees_null = !conv->input.fn_strict;
}

SfbRowConverter *
sfb_row_converter_new(int nfields, const AttrNumber *attnums, const SfbColumn *columns)
{
	SfbRowConverter *conv =
		palloc0(offsetof(SfbRowConverter, fields) + sizeof(FieldConverter) * Max(nfields, 1));

	conv->recode = GetDatabaseEncoding() != PG_UTF8 && GetDatabaseEncoding() != PG_SQL_ASCII;
	conv->buffer = palloc(ROW_BUFFER_SIZE);
	conv->parent = CurrentMemoryContext;
	conv->context =
		AllocSetContextCreate(CurrentMemoryContext, "sfbulk_fdw row", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < nfields; i++)
	{
		FieldConverter *field = &conv->fields[conv->nfields];

		if (attnums[i] <= 0)
			continue;
		field->field = i;
		field->att = attnums[i] - 1;
		init_field(field, &columns[field->att]);
		conv->nfields++;
	}
	return conv;
}

int
sfb_row_converter_field(const SfbRowConverter *conv)
{
	return conv->current;
}

sf_column_kind
sfb_column_kind(SfbType type)
{
	switch (type)
	{
		case SFB_BOOLEAN:
			return SF_COLUMN_BOOLEAN;
		case SFB_INT:
		case SFB_LONG:
			return SF_COLUMN_INT;
		case SFB_DOUBLE:
		case SFB_CURRENCY:
		case SFB_PERCENT:
			return SF_COLUMN_DOUBLE;
		case SFB_DATETIME:
			return SF_COLUMN_DATETIME;
		case SFB_COMPOUND:
			return SF_COLUMN_JSON;
		case SFB_TEXT:
		case SFB_PICKLIST:
		case SFB_MULTIPICKLIST:
		case SFB_ENCRYPTED:
		case SFB_ID:
		case SFB_REFERENCE:
		case SFB_DATE:
		case SFB_TIME:
		case SFB_BASE64:
			break;
	}
	return SF_COLUMN_TEXT;
}

/* ---- converting ----------------------------------------------------------------------- */

/* Memory for the row, aligned for any type. */
static inline void *
row_alloc(SfbRowConverter *conv, Size size)
{
	char *result = conv->free;

	size = MAXALIGN(size);
	if (unlikely(size > (Size) (conv->buffer + ROW_BUFFER_SIZE - result)))
		return palloc(size);
	conv->free += size;
	return result;
}

static inline Datum
text_datum(SfbRowConverter *conv, const char *data, int len)
{
	text *result = row_alloc(conv, VARHDRSZ + len);

	SET_VARSIZE(result, VARHDRSZ + len);
	memcpy(VARDATA(result), data, len);
	return PointerGetDatum(result);
}

/* Whatever no direct path takes; raises the type's own errors. */
static pg_noinline Datum
input_datum(FieldConverter *field, char *data)
{
	return InputFunctionCall(&field->input, data, field->ioparam, field->typmod);
}

static pg_noinline Datum
varchar_datum(SfbRowConverter *conv, FieldConverter *field, char *data, int len)
{
	int maxlen = field->typmod - VARHDRSZ;

	/* A text has at most as many characters as bytes. */
	if (len <= maxlen || pg_mbstrlen_with_len(data, len) <= maxlen)
		return text_datum(conv, data, len);
	return input_datum(field, data);
}

/*
 * Integers.  Beyond what the input functions take, 9.0E7 is an integer here: so Salesforce writes a
 * Number(18, 0), and so users declare it.
 */
static inline bool
integer_value(const char *data, int len, int64 min, int64 max, const char *type, int64 *value)
{
	Decimal d;

	if (!read_decimal(data, len, &d) || !decimal_to_int64(&d, value))
		return false;
	if (likely(*value >= min && *value <= max))
		return true;
	ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			errmsg("value \"%s\" is out of range for type %s", data, type));
}

static inline Datum
numeric_datum(SfbRowConverter *conv, FieldConverter *field, char *data, int len)
{
	Decimal d;
	char *result;

	if (read_decimal(data, len, &d))
	{
		result = row_alloc(conv, NUMERIC_SIZE_MAX);
		if (decimal_to_numeric(&d, result))
			return PointerGetDatum(result);
	}
	return input_datum(field, data);
}

/* A;B as an array of two elements. */
static pg_noinline Datum
list_datum(SfbRowConverter *conv, FieldConverter *field, char *data)
{
	ListType *list = field->list;
	int nelems = 1;
	Datum *elems;
	Datum result;

	for (const char *p = data; *p; p++)
		if (*p == ';')
			nelems++;
	elems = palloc(nelems * sizeof(Datum));
	for (int i = 0; i < nelems; i++)
	{
		char *end = strchr(data, ';');

		if (end != NULL)
			*end = '\0';
		elems[i] = InputFunctionCall(&field->input, data, field->ioparam, field->typmod);
		data = end + 1;
	}
	result = PointerGetDatum(construct_array(elems, nelems, list->elemtype, list->typlen,
											 list->typbyval, list->typalign));
	if (OidIsValid(list->domain))
		domain_check(result, false, list->domain, &list->domain_extra, conv->parent);
	return result;
}

/* A null of a type that has an opinion on nulls. */
static Datum
null_datum(SfbRowConverter *conv, FieldConverter *field)
{
	if (field->kind == CONVERT_LIST)
	{
		domain_check((Datum) 0, true, field->list->domain, &field->list->domain_extra,
					 conv->parent);
		return (Datum) 0;
	}
	return InputFunctionCall(&field->input, NULL, field->ioparam, field->typmod);
}

static inline Datum
field_datum(SfbRowConverter *conv, FieldConverter *field, char *data, int len)
{
	int64 i;
	DateADT date;
	float8 f;
	Decimal d;

	switch (field->kind)
	{
		case CONVERT_TEXT:
			return text_datum(conv, data, len);
		case CONVERT_VARCHAR:
			return varchar_datum(conv, field, data, len);
		case CONVERT_BOOL:
			if (len == 5 && memcmp(data, "false", 5) == 0)
				return BoolGetDatum(false);
			if (len == 4 && memcmp(data, "true", 4) == 0)
				return BoolGetDatum(true);
			break;
		case CONVERT_INT2:
			if (integer_value(data, len, PG_INT16_MIN, PG_INT16_MAX, "smallint", &i))
				return Int16GetDatum((int16) i);
			break;
		case CONVERT_INT4:
			if (integer_value(data, len, PG_INT32_MIN, PG_INT32_MAX, "integer", &i))
				return Int32GetDatum((int32) i);
			break;
		case CONVERT_INT8:
			if (integer_value(data, len, PG_INT64_MIN, PG_INT64_MAX, "bigint", &i))
				return Int64GetDatum(i);
			break;
		case CONVERT_FLOAT8:
			if (read_decimal(data, len, &d) && decimal_to_float8(&d, &f))
				return Float8GetDatum(f);
			break;
		case CONVERT_NUMERIC:
			return numeric_datum(conv, field, data, len);
		case CONVERT_DATE:
			if (read_date(data, len, &date))
				return DateADTGetDatum(date);
			break;
		case CONVERT_TIMESTAMP:
			if (read_timestamp(data, len, &i) && i % field->unit == 0)
				return TimestampGetDatum(i);
			break;
		case CONVERT_TIME:
			if (read_time(data, len, &i) && i % field->unit == 0)
				return TimeADTGetDatum(i);
			break;
		case CONVERT_LIST:
			return list_datum(conv, field, data);
		case CONVERT_INPUT:
			break;
	}
	return input_datum(field, data);
}

/* The value in the database encoding; ERROR for a character that it lacks. */
static void
recode_value(char **data, int *len)
{
	for (int i = 0; i < *len; i++)
	{
		if (IS_HIGHBIT_SET((*data)[i]))
		{
			*data = pg_any_to_server(*data, *len, PG_UTF8);
			*len = strlen(*data);
			return;
		}
	}
}

void
sfb_convert_row(SfbRowConverter *conv, const sf_value *values, Datum *datums, bool *isnull)
{
	MemoryContext oldcontext;

	/* Nobody looks at the last row any more. */
	if (unlikely(MemoryContextMemAllocated(conv->context, false) > ROW_CONTEXT_LIMIT))
		MemoryContextReset(conv->context);
	conv->free = conv->buffer;

	oldcontext = MemoryContextSwitchTo(conv->context);
	for (int n = 0; n < conv->nfields; n++)
	{
		FieldConverter *field = &conv->fields[n];
		char *data = values[field->field].data;
		int len = values[field->field].len;

		conv->current = field->field;
		if (data == NULL)
		{
			isnull[field->att] = true;
			datums[field->att] =
				unlikely(field->sees_null) ? null_datum(conv, field) : (Datum) 0;
			continue;
		}
		if (unlikely(conv->recode))
			recode_value(&data, &len);
		isnull[field->att] = false;
		datums[field->att] = field_datum(conv, field, data, len);
	}
	MemoryContextSwitchTo(oldcontext);
}
