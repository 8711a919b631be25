/*
 * render.c
 *		Values as text: numbers, and bulk CSV.
 */
#include "query.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- numbers */

/* Digits of a positive number; returns where they start in a buffer that ends at end. */
static char *
put_unsigned(char *end, uint64_t n)
{
	do
	{
		*--end = (char) ('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return end;
}

/* At most 20 bytes, without a terminator. */
static size_t
format_int(int64_t i, char *out)
{
	char digits[24];
	char *end = digits + sizeof(digits);
	char *start = put_unsigned(end, i < 0 ? -(uint64_t) i : (uint64_t) i);

	if (i < 0)
		*--start = '-';
	memcpy(out, start, (size_t) (end - start));
	return (size_t) (end - start);
}

/*
 * The shortest decimal of a positive double: digits without zeros at either end, and exp10 so
 * that the value is 0.DIGITS * 10^exp10.
 */
static int
shortest(double d, char digits[24], int *exp10)
{
	static const double scales[] = {1, 100, 1000000};
	char text[40];
	int n = 0;

	/*
	 * Most amounts have few decimals.  A decimal of at most 15 digits that reads back as d is
	 * the only one, so it is also the shortest; and m / scale is rounded as reading it is.
	 */
	for (int i = 0; i < 3; i++)
	{
		double m = round(d * scales[i]);
		char *end = digits + 23;
		char *start;

		if (m < 1e15 && m / scales[i] == d)
		{
			start = put_unsigned(end, (uint64_t) m);
			n = (int) (end - start);
			*exp10 = n - 2 * i - (i == 2 ? 2 : 0);
			while (n > 1 && start[n - 1] == '0')
				n--;
			memmove(digits, start, (size_t) n);
			return n;
		}
	}
	for (int precision = 0; precision < 17; precision++)
	{
		if (precision > 0 && precision < 14)
			continue; /* 15 digits find all of these, with zeros at the end */
		snprintf(text, sizeof(text), "%.*e", precision, d);
		if (strtod(text, NULL) == d)
			break;
	}
	for (const char *s = text; *s != 'e'; s++)
	{
		if (*s != '.')
			digits[n++] = *s;
	}
	while (n > 1 && digits[n - 1] == '0')
		n--;
	*exp10 = atoi(strchr(text, 'e') + 1) + 1;
	return n;
}

size_t
sim_format_double(double d, char out[SIM_DOUBLE_SIZE])
{
	char digits[24];
	int exp10;
	int n;
	char *at = out;

	if (d == 0 || !isfinite(d))
		return (size_t) sprintf(out, d == 0 ? "0.0" : isnan(d) ? "NaN" : "Infinity");
	if (d < 0)
		*at++ = '-';
	n = shortest(fabs(d), digits, &exp10);
	if (exp10 > 7 || exp10 < -2)
	{
		*at++ = digits[0];
		*at++ = '.';
		memcpy(at, n > 1 ? digits + 1 : "0", n > 1 ? (size_t) n - 1 : 1);
		at += n > 1 ? n - 1 : 1;
		*at++ = 'E';
		at += format_int(exp10 - 1, at);
	}
	else
	{
		int before = exp10 > 0 ? exp10 : 0;

		for (int i = 0; i < before; i++)
			*at++ = i < n ? digits[i] : '0';
		if (before == 0)
			*at++ = '0';
		*at++ = '.';
		for (int i = exp10; i < 0; i++)
			*at++ = '0';
		for (int i = before; i < n; i++)
			*at++ = digits[i];
		if (before >= n)
			*at++ = '0';
	}
	*at = '\0';
	return (size_t) (at - out);
}

/* ---------------------------------------------------------------- CSV */

/* Text in a cell that has no quotes yet: inner quotes are doubled. */
static void
csv_text(sim_buf *out, const char *s, size_t len)
{
	char *to = sim_buf_reserve(out, len * 2 + 2);
	char *start = to;
	const char *end = s + len;
	const char *quote;

	if (to == NULL)
		return;
	*to++ = '"';
	while (len > 0 && (quote = memchr(s, '"', (size_t) (end - s))) != NULL)
	{
		memcpy(to, s, (size_t) (quote - s) + 1);
		to += quote - s + 1;
		*to++ = '"';
		s = quote + 1;
	}
	if (end > s)
		memcpy(to, s, (size_t) (end - s));
	to += end - s;
	*to++ = '"';
	*to = '\0';
	out->len += (size_t) (to - start);
}

size_t
query_plain_value(const sim_value *v, const char *zone, char *text)
{
	switch (v->kind)
	{
		case SIM_BOOL:
			return (size_t) sprintf(text, v->i ? "true" : "false");
		case SIM_INT:
			return format_int(v->i, text);
		case SIM_DOUBLE:
			return sim_format_double(v->d, text);
		case SIM_DATE:
			return sim_format_date(v->i, text);
		case SIM_DATETIME:
			return sim_format_datetime(v->i, zone, text);
		case SIM_TIME:
			return sim_format_time(v->i, text);
		default:
			return 0;
	}
}

static void
csv_cell(sim_query *q, int i, sim_buf *out)
{
	char text[SIM_DATETIME_SIZE];
	sim_value v;
	size_t len;

	sim_query_value(q, i, &v);
	switch (v.kind)
	{
		case SIM_NULL:
		case SIM_COMPOUND:
		case SIM_BLOB:
			sim_buf_add(out, "\"\"", 2);
			return;
		case SIM_TEXT:
		case SIM_ID:
			csv_text(out, v.text, v.len);
			return;
		default:
			len = query_plain_value(&v, "Z", text + 1);
			if (v.kind == SIM_TIME && q->shape->plan->sw.csv_time > 0)
				len = q->shape->plan->sw.csv_time == 1 ? 12 : 8;
			text[0] = '"';
			text[len + 1] = '"';
			sim_buf_add(out, text, len + 2);
	}
}

void
sim_query_header_csv(const sim_query *q, char delim, const char *eol, sim_buf *out)
{
	for (int i = 0; i < q->shape->plan->ncolumns; i++)
	{
		const sim_column *c = &q->shape->columns[i]->pub;
		const char *name = q->shape->plan->sw.header_as_written ? c->written : c->path;

		if (i > 0)
			sim_buf_char(out, delim);
		csv_text(out, name, strlen(name));
	}
	sim_buf_str(out, eol);
}

void
sim_query_row_csv(sim_query *q, char delim, const char *eol, sim_buf *out)
{
	for (int i = 0; i < q->shape->plan->ncolumns; i++)
	{
		if (i > 0)
			sim_buf_char(out, delim);
		csv_cell(q, i, out);
	}
	sim_buf_str(out, eol);
}
