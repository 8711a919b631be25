/* temporary */
#include "write.h"
#include "utils/lsyscache.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/date.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/guc.h"
typedef struct F
{
	AttrNumber att;
	FmgrInfo out;
	const SfbColumn *col;
} F;
struct SfbRowEncoder
{
	int n;
	bool na;
	AttrNumber cur, lit;
	F f[FLEXIBLE_ARRAY_MEMBER];
};
SfbRowEncoder *
sfb_row_encoder_new(int n, const AttrNumber *attnums, const SfbColumn *columns,
					bool null_is_na)
{
	SfbRowEncoder *e = palloc0(offsetof(SfbRowEncoder, f) + sizeof(F) * n);
	e->n = n;
	e->na = null_is_na;
	for (int i = 0; i < n; i++)
	{
		Oid o;
		bool v;
		e->f[i].att = attnums[i];
		e->f[i].col = &columns[attnums[i] - 1];
		getTypeOutputInfo(e->f[i].col->pgtype, &o, &v);
		fmgr_info(o, &e->f[i].out);
	}
	return e;
}
void
sfb_encode_row(SfbRowEncoder *e, StringInfo out, const Datum *values, const bool *isnull)
{
	e->lit = 0;
	for (int i = 0; i < e->n; i++)
	{
		char *s = NULL;
		Oid t = e->f[i].col->pgtype;
		int a = e->f[i].att - 1;
		e->cur = a + 1;
		if (i)
			appendStringInfoChar(out, ',');
		if (!isnull[a])
		{
			if (t == BOOLOID)
				s = DatumGetBool(values[a]) ? "true" : "false";
			else if (t == TIMESTAMPTZOID)
			{
				struct pg_tm tm;
				fsec_t fs;
				timestamp2tm(DatumGetTimestamp(values[a]), NULL, &tm, &fs, NULL, NULL);
				s = psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year, tm.tm_mon,
							 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, fs / 1000);
			}
			else
				s = OutputFunctionCall(&e->f[i].out, values[a]);
		}
		if (s == NULL || *s == 0)
		{
			if (e->na)
				appendStringInfoString(out, "#N/A");
			continue;
		}
		if (strcmp(s, "#N/A") == 0)
			e->lit = a + 1;
		appendStringInfoChar(out, '"');
		for (; *s; s++)
		{
			if (*s == '"')
				appendStringInfoChar(out, '"');
			appendStringInfoChar(out, *s);
		}
		appendStringInfoChar(out, '"');
	}
	appendStringInfoChar(out, '\n');
}
AttrNumber
sfb_row_encoder_attnum(const SfbRowEncoder *e)
{
	return e->cur;
}
AttrNumber
sfb_row_encoder_literal_na(const SfbRowEncoder *e)
{
	return e->lit;
}
sf_column *
sfb_row_encoder_columns(const SfbRowEncoder *e)
{
	sf_column *c = palloc(sizeof(sf_column) * Max(e->n, 1));
	for (int i = 0; i < e->n; i++)
	{
		c[i].path = e->f[i].col->field;
		c[i].kind = sfb_column_kind(e->f[i].col->type);
	}
	return c;
}
void
sfb_row_encoder_header(const SfbRowEncoder *e, StringInfo out)
{
	for (int i = 0; i < e->n; i++)
		appendStringInfo(out, "%s%s", i ? "," : "", e->f[i].col->field);
	appendStringInfoChar(out, '\n');
}
