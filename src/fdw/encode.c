/*
 * encode.c
 *		Datums to rows of CSV, in the form that sf_client.h describes under "writing".
 *
 * An encoder per column, chosen once.  The direct paths write straight into the row's buffer, without
 * an allocation or a call through fmgr; they give what the type's output function gives, but for the
 * forms that Salesforce wants: true and false, times in UTC, whole numbers for int fields.  What
 * Salesforce would refuse or change in silence is an error here, before anything is sent.
 */
#include "write.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "compat.h"
#include "encode_text.h"

/* Years that Salesforce's dates may have (SOQL and SOSL reference, date formats). */
#define FIRST_YEAR 1700
#define LAST_YEAR  4000

/* Values of a picklist that an error lists. */
#define PICKLIST_SHOWN 10

typedef enum EncodeKind
{
	ENCODE_TEXT, /* text, varchar, bpchar */
	ENCODE_BOOL,
	ENCODE_INT2,
	ENCODE_INT4,
	ENCODE_INT8,
	ENCODE_FLOAT4,
	ENCODE_FLOAT8,
	ENCODE_NUMERIC,
	ENCODE_DATE,
	ENCODE_TIMESTAMP, /* with and without time zone */
	ENCODE_TIME,
	ENCODE_LIST,  /* an array into A;B */
	ENCODE_OUTPUT /* the output function */
} EncodeKind;

/* A value that a picklist allows. */
typedef struct Allowed
{
	const char *text;
	int len;
} Allowed;

typedef struct FieldEncoder
{
	EncodeKind kind;
	AttrNumber attnum;
	const SfbColumn *column;
	bool is_id;		 /* the text is an id */
	bool is_path;	 /* a parent's external id: Account.Ext__c */
	bool whole;		 /* the field holds integers only */
	FmgrInfo output; /* of the type, or of a list's elements */
	Oid elemtype;	 /* of a list */
	int16 typlen;
	bool typbyval;
	char typalign;
	int nallowed; /* of the picklist, sorted; 0 for any value */
	Allowed *allowed;
} FieldEncoder;

struct SfbRowEncoder
{
	sf_operation operation;
	bool recode; /* texts are not in UTF-8 */
	bool verify; /* … or nobody knows */
	AttrNumber current;
	AttrNumber literal_na;
	MemoryContext context; /* of what one row needs */
	bool dirty;			   /* it needs something */
	int nfields;
	FieldEncoder fields[FLEXIBLE_ARRAY_MEMBER];
};

/* ---- choosing ------------------------------------------------------------------------------ */

/* True when put_numeric gives what numeric_out gives: over signs, scales, weights, once in a backend. */
static bool
numeric_layout_known(void)
{
	static const char *const probes[] = {
		"0",	   "0.00",			"-1",		 "10000",	 "-12345.678",
		"0.00012", "99999999.9999", "100000000", "0.000100", "1234567890123456789.01",
		"-0.5",	   "1e30",			"5e-20"};
	static int known = -1;

	for (size_t i = 0; known < 0 && i < lengthof(probes); i++)
	{
		Datum value = DirectFunctionCall3(numeric_in, CStringGetDatum(probes[i]),
										  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
		char *expected = DatumGetCString(DirectFunctionCall1(numeric_out, value));
		char text[ENCODE_NUMBER_ROOM];
		char *end = text;

		if (!put_numeric(&end, VARDATA_ANY(DatumGetPointer(value)),
						 (int) VARSIZE_ANY_EXHDR(DatumGetPointer(value))) ||
			(size_t) (end - text) != strlen(expected) ||
			memcmp(text, expected, end - text) != 0)
			known = 0;
	}
	if (known < 0)
		known = 1;
	return known == 1;
}

static EncodeKind
choose_kind(Oid basetype, const SfbColumn *column)
{
	if (column->type == SFB_MULTIPICKLIST && OidIsValid(get_element_type(basetype)))
		return ENCODE_LIST;
	switch (basetype)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return ENCODE_TEXT;
		case BOOLOID:
			return ENCODE_BOOL;
		case INT2OID:
			return ENCODE_INT2;
		case INT4OID:
			return ENCODE_INT4;
		case INT8OID:
			return ENCODE_INT8;
		case FLOAT4OID:
			return ENCODE_FLOAT4;
		case FLOAT8OID:
			return ENCODE_FLOAT8;
		case NUMERICOID:
			return ENCODE_NUMERIC;
		case DATEOID:
			return ENCODE_DATE;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return ENCODE_TIMESTAMP;
		case TIMEOID:
			return ENCODE_TIME;
		default:
			return ENCODE_OUTPUT;
	}
}

static int
compare_allowed(const void *a, const void *b)
{
	const Allowed *x = a;
	const Allowed *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->text, y->text, x->len);
}

/* The values of the option picklist, sorted. */
static void
init_picklist(FieldEncoder *field)
{
	Datum list = OidInputFunctionCall(F_ARRAY_IN, field->column->picklist, TEXTOID, -1);
	Datum *values;
	bool *nulls;

	deconstruct_array(DatumGetArrayTypeP(list), TEXTOID, -1, false, TYPALIGN_INT, &values,
					  &nulls, &field->nallowed);
	field->allowed = palloc(sizeof(Allowed) * Max(field->nallowed, 1));
	for (int i = 0; i < field->nallowed; i++)
	{
		char *allowed = nulls[i] ? "" : TextDatumGetCString(values[i]);

		field->allowed[i].text = allowed;
		field->allowed[i].len = (int) strlen(allowed);
	}
	qsort(field->allowed, field->nallowed, sizeof(Allowed), compare_allowed);
}

static void
check_writable_type(const SfbColumn *column)
{
	if (column->type != SFB_COMPOUND && column->type != SFB_BASE64)
		return;
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("column \"%s\" cannot be written", column->attname),
					column->type == SFB_COMPOUND
						? errdetail("Salesforce takes addresses and locations by their parts.")
						: errdetail("Files cannot be written.")));
}

static void
init_field(FieldEncoder *field, const SfbColumn *column)
{
	Oid basetype = getBaseType(column->pgtype);
	Oid type = basetype;
	Oid function;
	bool varlena;

	check_writable_type(column);
	field->attnum = column->attnum;
	field->column = column;
	field->is_path = strchr(column->field, '.') != NULL;
	field->is_id =
		!field->is_path && (column->type == SFB_ID || column->type == SFB_REFERENCE);
	field->whole = column->type == SFB_INT || column->type == SFB_LONG;
	field->kind = choose_kind(basetype, column);
	if (field->kind == ENCODE_LIST)
	{
		field->elemtype = type = get_element_type(basetype);
		get_typlenbyvalalign(type, &field->typlen, &field->typbyval, &field->typalign);
	}
	getTypeOutputInfo(type, &function, &varlena);
	fmgr_info(function, &field->output);
	if (column->picklist != NULL)
		init_picklist(field);
}

SfbRowEncoder *
sfb_row_encoder_new(int ncolumns, const AttrNumber *attnums, const SfbColumn *columns,
					sf_operation operation)
{
	SfbRowEncoder *enc =
		palloc0(offsetof(SfbRowEncoder, fields) + sizeof(FieldEncoder) * Max(ncolumns, 1));
	int encoding = GetDatabaseEncoding();

	enc->operation = operation;
	enc->recode = encoding != PG_UTF8;
	enc->verify = encoding == PG_SQL_ASCII;
	enc->context = AllocSetContextCreate(CurrentMemoryContext, "sfbulk_fdw row to send",
										 ALLOCSET_DEFAULT_SIZES);
	enc->nfields = ncolumns;
	for (int i = 0; i < ncolumns; i++)
		init_field(&enc->fields[i], &columns[attnums[i] - 1]);
	return enc;
}

AttrNumber
sfb_row_encoder_attnum(const SfbRowEncoder *enc)
{
	return enc->current;
}

AttrNumber
sfb_row_encoder_literal_na(const SfbRowEncoder *enc)
{
	return enc->literal_na;
}

sf_column *
sfb_row_encoder_columns(const SfbRowEncoder *enc)
{
	sf_column *columns = palloc0(sizeof(sf_column) * Max(enc->nfields, 1));

	for (int i = 0; i < enc->nfields; i++)
	{
		const SfbColumn *column = enc->fields[i].column;

		columns[i].path = column->field; /* ASCII */
		columns[i].kind = sfb_column_kind(column->type);
	}
	return columns;
}

void
sfb_row_encoder_header(const SfbRowEncoder *enc, StringInfo out)
{
	for (int i = 0; i < enc->nfields; i++)
		appendStringInfo(out, "%s%s", i > 0 ? "," : "", enc->fields[i].column->field);
	appendStringInfoChar(out, '\n');
}

/* ---- memory -------------------------------------------------------------------------------------- */

/* Room for n more bytes and a 0; the place to write them. */
static inline char *
reserve(StringInfo out, int n)
{
	if (unlikely(out->maxlen - out->len <= n))
		enlargeStringInfo(out, n);
	return out->data + out->len;
}

static inline void
written(StringInfo out, const char *end)
{
	out->len = (int) (end - out->data);
}

/* ---- errors --------------------------------------------------------------------------------------- */

static void
pg_attribute_noreturn() not_finite(const FieldEncoder *field, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("%s cannot be written to Salesforce field \"%s\"", what,
						   field->column->field)));
}

static void
pg_attribute_noreturn() has_fraction(const FieldEncoder *field, const char *value)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("value %s cannot be written to Salesforce field \"%s\"", value,
						   field->column->field),
					errdetail("The field holds integers.")));
}

static void
pg_attribute_noreturn() date_out_of_range(const FieldEncoder *field)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
		 errmsg("date cannot be written to Salesforce field \"%s\"", field->column->field),
		 errdetail("Salesforce takes dates of the years %d to %d.", FIRST_YEAR, LAST_YEAR)));
}

/* Characters as Salesforce counts them: UTF-16 units, CR LF as the LF that is sent. */
static int
utf16_length(const char *data, int len)
{
	int count = 0;

	for (int i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) data[i];

		if (c == '\r' && i + 1 < len && data[i + 1] == '\n')
			continue;
		count += (c & 0xC0) != 0x80;
		count += c >= 0xF0;
	}
	return count;
}

static void
check_length(const FieldEncoder *field, const char *data, int len)
{
	int count = utf16_length(data, len);

	if (count > field->column->length)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("value is too long for Salesforce field \"%s\"", field->column->field),
				 errdetail("It has %d characters, and the field takes %d.", count,
						   field->column->length)));
}

static void
check_picklist(const FieldEncoder *field, const char *data, int len)
{
	Allowed value = {data, len};
	StringInfoData list;

	if (bsearch(&value, field->allowed, field->nallowed, sizeof(Allowed), compare_allowed))
		return;
	initStringInfo(&list);
	for (int i = 0; i < field->nallowed && i < PICKLIST_SHOWN; i++)
		appendStringInfo(&list, "%s\"%s\"", i > 0 ? ", " : "", field->allowed[i].text);
	ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
					errmsg("value \"%s\" is not in the picklist of Salesforce field \"%s\"",
						   pnstrdup(data, len), field->column->field),
					errdetail("Its values are: %s%s.", list.data,
							  field->nallowed > PICKLIST_SHOWN ? ", ..." : ""),
					errhint("If Salesforce has got other values since, change the option "
							"\"picklist\" of the column, or import the table again.")));
}

/* ---- cells ------------------------------------------------------------------------------------------ */

/* NULL, and text that Salesforce would take for it. */
static inline void
put_null(SfbRowEncoder *enc, const FieldEncoder *field, StringInfo out)
{
	if (enc->operation == SF_OP_INSERT || (enc->operation == SF_OP_UPSERT && field->is_path))
		return;
	if (field->is_path)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("NULL cannot be written to \"%s\"", field->column->field),
				 errhint("A lookup is cleared by setting the column of its Id to NULL.")));
	appendBinaryStringInfo(out, "#N/A", 4);
}

static inline bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* An id in its form of 18 characters. */
static void
put_id(const FieldEncoder *field, StringInfo out, const char *data, int len)
{
	char id[19];

	if (!sf_id_normalise(data, len, id))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid Salesforce id \"%s\" for field \"%s\"",
							   pnstrdup(data, Min(len, 100)), field->column->field),
						errdetail("An id has 15 characters, or 18 of which the last three "
								  "are a checksum.")));
	appendBinaryStringInfo(out, id, 18);
}

/* The text in UTF-8. */
static void
recode(SfbRowEncoder *enc, const char **data, int *len)
{
	for (int i = 0; i < *len; i++)
	{
		if (!IS_HIGHBIT_SET((*data)[i]))
			continue;
		if (enc->verify)
			(void) pg_verify_mbstr(PG_UTF8, *data, *len, false);
		else
		{
			MemoryContext oldcontext = MemoryContextSwitchTo(enc->context);
			char *text = pg_server_to_any(*data, *len, PG_UTF8);

			MemoryContextSwitchTo(oldcontext);
			enc->dirty = true;
			*data = text;
			*len = (int) strlen(text);
		}
		return;
	}
}

/* The text without the blanks at its ends, which Salesforce trims. */
static inline const char *
trim(const char *data, int len, int *trimmed)
{
	while (len > 0 && is_blank(data[len - 1]))
		len--;
	while (len > 0 && is_blank(*data))
	{
		data++;
		len--;
	}
	*trimmed = len;
	return data;
}

static inline void
put_text(SfbRowEncoder *enc, const FieldEncoder *field, StringInfo out, const char *data,
		 int len)
{
	int core_len;
	const char *core = trim(data, len, &core_len);
	char *p;

	if (core_len == 0)
	{
		put_null(enc, field, out);
		return;
	}
	if (unlikely(field->nallowed > 0) && field->kind != ENCODE_LIST)
		check_picklist(field, core, core_len);
	if (field->is_id)
	{
		put_id(field, out, core, core_len);
		return;
	}
	if (unlikely(enc->recode))
	{
		recode(enc, &data, &len);
		core = trim(data, len, &core_len);
	}
	if (field->column->length > 0 && core_len > field->column->length)
		check_length(field, core, core_len);
	if (unlikely(core_len == 4 && memcmp(core, "#N/A", 4) == 0))
		enc->literal_na = field->attnum;

	p = reserve(out, 2 * len + 2);
	if (unlikely(core_len != len || enc->literal_na == field->attnum) ||
		has_special(data, len))
		p = put_quoted(p, data, len);
	else
	{
		memcpy(p, data, len);
		p += len;
	}
	written(out, p);
}

/* A type's own text. */
static pg_noinline void
put_output(SfbRowEncoder *enc, FieldEncoder *field, StringInfo out, Datum value)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(enc->context);
	char *text = OutputFunctionCall(&field->output, value);

	MemoryContextSwitchTo(oldcontext);
	enc->dirty = true;
	put_text(enc, field, out, text, (int) strlen(text));
}

static inline void
put_varlena(SfbRowEncoder *enc, FieldEncoder *field, StringInfo out, Datum value)
{
	struct varlena *text = (struct varlena *) DatumGetPointer(value);

	if (unlikely(VARATT_IS_COMPRESSED(text) || VARATT_IS_EXTERNAL(text)))
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(enc->context);

		text = pg_detoast_datum_packed(text);
		MemoryContextSwitchTo(oldcontext);
		enc->dirty = true;
	}
	put_text(enc, field, out, VARDATA_ANY(text), (int) VARSIZE_ANY_EXHDR(text));
}

static void
put_int64(StringInfo out, int64 value)
{
	char *p = reserve(out, ENCODE_NUMBER_ROOM);

	written(out, p + pg_lltoa(value, p));
}

/* A number that is no integer by its type, for a field that holds integers. */
static void
put_whole_float(const FieldEncoder *field, StringInfo out, double value)
{
	if (value != rint(value) || fabs(value) >= 1e18)
		has_fraction(field, psprintf("%.17g", value));
	put_int64(out, (int64) value);
}

static void
put_float(SfbRowEncoder *enc, const FieldEncoder *field, StringInfo out, Datum value)
{
	double number =
		field->kind == ENCODE_FLOAT8 ? DatumGetFloat8(value) : (double) DatumGetFloat4(value);
	char *p;

	(void) enc;
	if (isnan(number) || isinf(number))
		not_finite(field, isnan(number) ? "NaN" : "infinity");
	if (field->whole)
	{
		put_whole_float(field, out, number);
		return;
	}
	p = reserve(out, ENCODE_NUMBER_ROOM);
	if (field->kind == ENCODE_FLOAT8)
		p += double_to_shortest_decimal_buf(number, p);
	else
		p += float_to_shortest_decimal_buf(DatumGetFloat4(value), p);
	written(out, p);
}

/* Cuts ".00" off behind start; ERROR when there is a fraction. */
static char *
cut_fraction(const FieldEncoder *field, char *start, char *end)
{
	char *point = memchr(start, '.', end - start);

	if (point == NULL)
		return end;
	for (char *p = point + 1; p < end; p++)
		if (*p != '0')
			has_fraction(field, pnstrdup(start, end - start));
	return point;
}

static void
put_numeric_value(SfbRowEncoder *enc, FieldEncoder *field, StringInfo out, Datum value)
{
	static int known = -1;
	struct varlena *number = (struct varlena *) DatumGetPointer(value);
	char *p;

	if (unlikely(known < 0))
		known = numeric_layout_known();
	p = reserve(out, ENCODE_NUMBER_ROOM);
	if (!known || VARATT_IS_COMPRESSED(number) || VARATT_IS_EXTERNAL(number) ||
		!put_numeric(&p, VARDATA_ANY(number), (int) VARSIZE_ANY_EXHDR(number)))
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(enc->context);
		char *text = OutputFunctionCall(&field->output, value);
		int len = (int) strlen(text);

		MemoryContextSwitchTo(oldcontext);
		enc->dirty = true;
		if (strchr(text, 'a') != NULL || strchr(text, 'y') != NULL)
			not_finite(field, text[0] == 'N' ? "NaN" : "infinity");
		p = reserve(out, len);
		memcpy(p, text, len);
		p += len;
	}
	if (field->whole)
		p = cut_fraction(field, out->data + out->len, p);
	written(out, p);
}

/* A date for a date field, with a time for a datetime field; days since 1970. */
static inline void
put_day(const FieldEncoder *field, StringInfo out, int64 day_number, int64 usec,
		bool with_time)
{
	char *p = reserve(out, ENCODE_NUMBER_ROOM);

	if (day_number < FIRST_DAY || day_number > LAST_DAY)
		date_out_of_range(field);
	p = put_date(p, (int) day_number);
	if (with_time)
	{
		*p++ = 'T';
		p = put_time(p, usec);
	}
	written(out, p);
}

#define EPOCH_DAYS (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)

static void
put_date_value(const FieldEncoder *field, StringInfo out, DateADT date)
{
	if (DATE_NOT_FINITE(date))
		date_out_of_range(field);
	put_day(field, out, (int64) date + EPOCH_DAYS, 0, field->column->type == SFB_DATETIME);
}

static void
put_timestamp_value(const FieldEncoder *field, StringInfo out, Timestamp ts)
{
	int64 day_number;
	int64 usec;

	if (TIMESTAMP_NOT_FINITE(ts))
		date_out_of_range(field);
	day_number = ts / USECS_PER_DAY;
	usec = ts % USECS_PER_DAY;
	if (usec < 0)
	{
		day_number--;
		usec += USECS_PER_DAY;
	}
	put_day(field, out, day_number + EPOCH_DAYS, usec, field->column->type != SFB_DATE);
}

static void
put_time_value(const FieldEncoder *field, StringInfo out, TimeADT time)
{
	char *p = reserve(out, ENCODE_NUMBER_ROOM);

	if (time >= USECS_PER_DAY)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("time 24:00:00 cannot be written to Salesforce field \"%s\"",
							   field->column->field)));
	written(out, put_time(p, time));
}

/* {A,B} as A;B */
static pg_noinline void
put_list(SfbRowEncoder *enc, FieldEncoder *field, StringInfo out, Datum value)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(enc->context);
	StringInfoData text;
	Datum *elems;
	bool *nulls;
	int nelems;

	enc->dirty = true;
	initStringInfo(&text);
	deconstruct_array(DatumGetArrayTypeP(value), field->elemtype, field->typlen,
					  field->typbyval, field->typalign, &elems, &nulls, &nelems);
	for (int i = 0; i < nelems; i++)
	{
		char *elem = nulls[i] ? "" : OutputFunctionCall(&field->output, elems[i]);

		if (elem[0] == '\0' || strchr(elem, ';') != NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
							errmsg("value %s cannot be one of the values of Salesforce field "
								   "\"%s\"",
								   nulls[i]	 ? "NULL"
								   : elem[0] ? psprintf("\"%s\"", elem)
											 : "\"\"",
								   field->column->field),
							errdetail("A multi-select picklist holds texts that are not empty "
									  "and have no semicolon.")));
		if (field->nallowed > 0)
			check_picklist(field, elem, (int) strlen(elem));
		appendStringInfo(&text, "%s%s", i > 0 ? ";" : "", elem);
	}
	MemoryContextSwitchTo(oldcontext);
	put_text(enc, field, out, text.data, text.len);
}

static inline void
put_value(SfbRowEncoder *enc, FieldEncoder *field, StringInfo out, Datum value)
{
	switch (field->kind)
	{
		case ENCODE_TEXT:
			put_varlena(enc, field, out, value);
			break;
		case ENCODE_BOOL:
			if (DatumGetBool(value))
				appendBinaryStringInfo(out, "true", 4);
			else
				appendBinaryStringInfo(out, "false", 5);
			break;
		case ENCODE_INT2:
			put_int64(out, DatumGetInt16(value));
			break;
		case ENCODE_INT4:
			put_int64(out, DatumGetInt32(value));
			break;
		case ENCODE_INT8:
			put_int64(out, DatumGetInt64(value));
			break;
		case ENCODE_FLOAT4:
		case ENCODE_FLOAT8:
			put_float(enc, field, out, value);
			break;
		case ENCODE_NUMERIC:
			put_numeric_value(enc, field, out, value);
			break;
		case ENCODE_DATE:
			put_date_value(field, out, DatumGetDateADT(value));
			break;
		case ENCODE_TIMESTAMP:
			put_timestamp_value(field, out, DatumGetTimestamp(value));
			break;
		case ENCODE_TIME:
			put_time_value(field, out, DatumGetTimeADT(value));
			break;
		case ENCODE_LIST:
			put_list(enc, field, out, value);
			break;
		case ENCODE_OUTPUT:
			put_output(enc, field, out, value);
			break;
	}
}

void
sfb_encode_row(SfbRowEncoder *enc, StringInfo out, const Datum *values, const bool *isnull)
{
	int start;

	if (unlikely(enc->dirty))
	{
		MemoryContextReset(enc->context);
		enc->dirty = false;
	}
	enc->literal_na = 0;
	start = out->len;
	for (int i = 0; i < enc->nfields; i++)
	{
		FieldEncoder *field = &enc->fields[i];
		int att = field->attnum - 1;

		enc->current = field->attnum;
		if (i > 0)
			appendStringInfoCharMacro(out, ',');
		if (isnull[att])
			put_null(enc, field, out);
		else
			put_value(enc, field, out, values[att]);
	}

	/* To an ingest job a blank line is no row, so the only value of an INSERT is null in so many letters. */
	if (unlikely(out->len == start))
		appendStringInfoString(out, "#N/A");
	appendStringInfoChar(out, '\n');
}
