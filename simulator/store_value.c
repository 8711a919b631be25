/*
 * store_value.c
 *		One sent cell into one stored cell: types, lengths, ranges, formats.
 *
 * Texts and codes of the errors are those that recordings of real orgs show.
 */
#include "store_int.h"
#include "calendar.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Longest text of a number; more digits than any field has. */
#define NUMBER_MAX 400

void
store_trim(const char **text, size_t *len)
{
	const char *s = *text;
	size_t n = *len;

	while (n > 0 && (*s == ' ' || (*s >= '\t' && *s <= '\r')))
	{
		s++;
		n--;
	}
	while (n > 0 && (s[n - 1] == ' ' || (s[n - 1] >= '\t' && s[n - 1] <= '\r')))
		n--;
	*text = s;
	*len = n;
}

/* ---------------------------------------------------------------- errors */

bool
store_value_error(sim_error *err, const char *code, const sim_field *f, const char *what,
				  const char *value, size_t len, const char *tail)
{
	size_t room;

	if (err == NULL)
		return false;
	room = sizeof(err->message) - 1 - strlen(f->label) - strlen(what) - strlen(tail) - 2;
	if (len > room)
	{
		len = room;
		while (len > 0 && ((unsigned char) value[len] & 0xc0) == 0x80)
			len--;
	}
	sim_error_set(err, code, "%s: %s%.*s%s", f->label, what, (int) len, value, tail);
	return sim_error_field(err, f->name);
}

static bool
wrong_type(sim_error *err, const sim_field *f, const char *value, size_t len)
{
	return store_value_error(err, "INVALID_TYPE_ON_FIELD_IN_RECORD", f,
							 "value not of required type: ", value, len, "");
}

/* ---------------------------------------------------------------- numbers */

/* Sign, digits, fraction, exponent: what Java reads as a number, without its NaN and suffixes. */
static bool
parse_double(const char *s, size_t len, double *out)
{
	char copy[NUMBER_MAX + 1];
	size_t at = 0;
	size_t digits = 0;

	if (len == 0 || len > NUMBER_MAX)
		return false;
	if (s[at] == '+' || s[at] == '-')
		at++;
	for (; at < len && s[at] >= '0' && s[at] <= '9'; at++)
		digits++;
	if (at < len && s[at] == '.')
		at++;
	for (; at < len && s[at] >= '0' && s[at] <= '9'; at++)
		digits++;
	if (digits == 0)
		return false;
	if (at < len && (s[at] == 'e' || s[at] == 'E'))
	{
		size_t first;

		at++;
		if (at < len && (s[at] == '+' || s[at] == '-'))
			at++;
		first = at;
		while (at < len && s[at] >= '0' && s[at] <= '9')
			at++;
		if (at == first)
			return false;
	}
	if (at != len)
		return false;
	memcpy(copy, s, len);
	copy[len] = '\0';
	*out = strtod(copy, NULL);
	return true;
}

static store_parsed
parse_integer(const sim_field *f, const char *s, size_t len, store_cell *out)
{
	bool minus = len > 0 && *s == '-';
	size_t at = len > 0 && (*s == '-' || *s == '+') ? 1 : 0;
	bool fits = true;
	int64_t value = 0;

	if (at == len)
		return STORE_WRONG_TYPE;
	for (; at < len; at++)
	{
		int digit = s[at] - '0';

		if (digit < 0 || digit > 9)
			return STORE_WRONG_TYPE;
		if (value > (INT64_MAX - digit) / 10)
			fits = false;
		else
			value = value * 10 + digit;
	}
	if (!fits)
		return STORE_OUT_OF_RANGE;
	return store_number(f, (double) value, out) == STORE_PARSED
			   ? (out->i = minus ? -value : value, STORE_PARSED)
			   : STORE_OUT_OF_RANGE;
}

store_parsed
store_number(const sim_field *f, double d, store_cell *out)
{
	double limit = HUGE_VAL;

	if (!isfinite(d))
		return STORE_OUT_OF_RANGE;
	if (f->type == SIM_T_INT || f->type == SIM_T_LONG)
	{
		if (d != floor(d))
			return STORE_WRONG_TYPE;
		limit = f->type == SIM_T_INT ? 2147483648.0 : 9.2233720368547758e18;
		if (f->digits > 0 && f->digits < 18 && pow(10, f->digits) < limit)
			limit = pow(10, f->digits);
		if (fabs(d) >= limit)
			return STORE_OUT_OF_RANGE;
		out->kind = STORE_INT;
		out->i = (int64_t) d;
		return STORE_PARSED;
	}

	if (f->precision > 0)
		limit = pow(10, f->precision - f->scale);
	if (fabs(d) >= limit)
		return STORE_OUT_OF_RANGE;
	out->kind = STORE_REAL;
	out->d = d == 0 ? 0 : d; /* no negative zero */
	return STORE_PARSED;
}

void
store_round(const sim_field *f, store_cell *cell)
{
	double factor = pow(10, f->scale);
	double scaled = cell->d * factor;

	/*
	 * Half a unit goes away from zero.  The last bits of a double are not what the client wrote
	 * (1.005 is a little less), so two of them are forgiven.
	 */
	if (cell->kind == STORE_REAL && f->scale >= 0 && f->scale <= 22 &&
		fabs(scaled) < 4503599627370496.0)
		cell->d = round(scaled * (1 + 4.5e-16)) / factor;
}

/* ---------------------------------------------------------------- dates */

static store_parsed
in_range(int64_t days)
{
	return days < SIM_FIRST_DAY || days > SIM_LAST_DAY ? STORE_OUT_OF_RANGE : STORE_PARSED;
}

/* A datetime without a zone is the org's, UTC; a date alone is midnight. */
static bool
parse_moment(const char *s, size_t len, int64_t *millis)
{
	char copy[64];
	int64_t days;

	/* the bulk guide's sample of dates has them with the zone of XML Schema, 1940-06-07Z */
	if ((len == 10 || (len == 11 && s[10] == 'Z')) && sim_parse_date(s, 10, &days))
	{
		*millis = days * MS_PER_DAY;
		return true;
	}
	if (sim_parse_datetime(s, len, millis))
		return true;
	if (len < 19 || len > sizeof(copy) - 2)
		return false;
	memcpy(copy, s, len);
	copy[len] = 'Z';
	return sim_parse_datetime(copy, len + 1, millis);
}

static store_parsed
parse_day(const char *s, size_t len, store_cell *out)
{
	int64_t millis;

	out->kind = STORE_INT;
	if (!parse_moment(s, len, &millis))
		return STORE_WRONG_TYPE;
	out->i = sim_floor_div(millis, MS_PER_DAY);
	return in_range(out->i);
}

/* Stored to the second. */
static store_parsed
parse_instant(const char *s, size_t len, store_cell *out)
{
	int64_t millis;

	out->kind = STORE_INT;
	if (!parse_moment(s, len, &millis))
		return STORE_WRONG_TYPE;
	out->i = sim_floor_div(millis, 1000) * 1000;
	return in_range(sim_floor_div(millis, MS_PER_DAY));
}

static store_parsed
parse_time(const char *s, size_t len, store_cell *out)
{
	char copy[40];

	out->kind = STORE_INT;
	if (sim_parse_time(s, len, &out->i))
		return STORE_PARSED;
	if (len > sizeof(copy) - 1)
		return STORE_WRONG_TYPE;
	memcpy(copy, s, len);
	copy[len] = 'Z';
	return sim_parse_time(copy, len + 1, &out->i) ? STORE_PARSED : STORE_WRONG_TYPE;
}

static store_parsed
parse_boolean(const char *s, size_t len, store_cell *out)
{
	out->kind = STORE_INT;
	out->i = (len == 1 && *s == '1') || (len == 4 && strncasecmp(s, "true", 4) == 0);
	if (out->i || (len == 1 && *s == '0') || (len == 5 && strncasecmp(s, "false", 5) == 0))
		return STORE_PARSED;
	return STORE_WRONG_TYPE;
}

store_parsed
store_parse(const sim_field *f, const char *text, size_t len, store_cell *out)
{
	double d;

	switch (f->type)
	{
		case SIM_T_BOOLEAN:
			return parse_boolean(text, len, out);
		case SIM_T_INT:
		case SIM_T_LONG:
			return parse_integer(f, text, len, out);
		case SIM_T_DOUBLE:
		case SIM_T_CURRENCY:
		case SIM_T_PERCENT:
			return parse_double(text, len, &d) ? store_number(f, d, out) : STORE_WRONG_TYPE;
		case SIM_T_DATE:
			return parse_day(text, len, out);
		case SIM_T_DATETIME:
			return parse_instant(text, len, out);
		case SIM_T_TIME:
			return parse_time(text, len, out);
		default:
			return STORE_WRONG_TYPE;
	}
}

/* "Close Date: invalid date: Sun Oct 14 00:00:00 GMT 1017", as Java prints it. */
static bool
invalid_date(sim_error *err, const sim_field *f, const store_cell *cell)
{
	static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
										 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int64_t millis = f->type == SIM_T_DATE ? cell->i * MS_PER_DAY : cell->i;
	int64_t day = sim_floor_div(millis, MS_PER_DAY);
	int64_t clock = (millis - day * MS_PER_DAY) / 1000;
	int64_t week = day - sim_floor_div(day, 7) * 7;
	int64_t year;
	int month;
	int of_month;
	char text[64];

	sim_civil_from_days(day, &year, &month, &of_month);
	snprintf(text, sizeof(text), "%s %s %02d %02d:%02d:%02d GMT %lld", days[week],
			 months[month - 1], of_month, (int) (clock / 3600), (int) (clock / 60 % 60),
			 (int) (clock % 60), (long long) year);
	return store_value_error(err, "FIELD_INTEGRITY_EXCEPTION", f, "invalid date: ", text,
							 strlen(text), "");
}

/* ---------------------------------------------------------------- text */

/* Bytes of the UTF-8 sequence at s; 0: it is none. */
static size_t
utf8_sequence(const unsigned char *s, size_t len)
{
	size_t n = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 : *s >= 0xe0 && *s < 0xf0 ? 3 : 4;

	if ((*s >= 0x80 && *s < 0xc2) || *s > 0xf4 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
	{
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
		(*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Length as Salesforce counts it, in UTF-16 units; *bad gets the number of bytes that are no UTF-8. */
static size_t
text_units(const char *text, size_t len, size_t *bad)
{
	const unsigned char *s = (const unsigned char *) text;
	size_t units = 0;

	*bad = 0;
	for (size_t at = 0; at < len;)
	{
		size_t n = s[at] < 0x80 ? 1 : utf8_sequence(s + at, len - at);

		units += n == 4 ? 2 : 1;
		*bad += n == 0;
		at += n == 0 ? 1 : n;
	}
	return units;
}

/* What is no UTF-8 becomes U+FFFD, as Java's decoder makes it. */
static bool
repair(store_arena *arena, const char **text, size_t *len, size_t bad)
{
	const unsigned char *s = (const unsigned char *) *text;
	char *to = store_alloc(arena, *len + bad * 2);
	size_t used = 0;

	if (to == NULL)
		return false;
	for (size_t at = 0; at < *len;)
	{
		size_t n = utf8_sequence(s + at, *len - at);

		if (n == 0)
		{
			memcpy(to + used, "\xef\xbf\xbd", 3);
			used += 3;
			at++;
			continue;
		}
		memcpy(to + used, s + at, n);
		used += n;
		at += n;
	}
	*text = to;
	*len = used;
	return true;
}

static bool
no_memory(sim_error *err)
{
	return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
}

static bool
check_length(const sim_field *f, const store_cell *cell, size_t units, sim_error *err)
{
	char tail[48];

	if (f->length <= 0 || units <= (size_t) f->length)
		return true;
	snprintf(tail, sizeof(tail), " (max length=%d)", f->length);
	return store_value_error(err, "STRING_TOO_LONG", f, "data value too large: ", cell->text,
							 cell->len, tail);
}

/* local@domain.tld, of the characters that Salesforce takes. */
static bool
email_valid(const char *s, size_t len)
{
	const char *at = memchr(s, '@', len);
	size_t local = at == NULL ? 0 : (size_t) (at - s);
	size_t label = 0;
	int dots = 0;

	if (local == 0 || local > 64 || s[0] == '.' || s[local - 1] == '.')
		return false;
	for (size_t i = 0; i < local; i++)
	{
		unsigned char c = (unsigned char) s[i];

		if (c <= ' ' || c == 0x7f || strchr("()<>[]:;,\\\"", c) != NULL ||
			(c == '.' && s[i + 1] == '.'))
			return false;
	}
	for (size_t i = local + 1; i < len; i++)
	{
		unsigned char c = (unsigned char) s[i];

		if (c == '.')
		{
			if (label == 0 || s[i - 1] == '-')
				return false;
			dots++;
			label = 0;
			continue;
		}
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			  (c == '-' && label > 0) || c >= 0x80))
			return false;
		label++;
	}
	return dots > 0 && label > 0 && s[len - 1] != '-';
}

static bool
bad_pick(sim_error *err, const sim_field *f, const char *value, size_t len)
{
	return store_value_error(err, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", f,
							 "bad value for restricted picklist field: ", value, len, "");
}

static bool
convert_pick(const sim_field *f, store_cell *cell, sim_error *err)
{
	int i = store_pick(f, cell->text, cell->len);

	if (i < 0)
		return !(f->flags & SF_RESTRICTED) || bad_pick(err, f, cell->text, cell->len);
	cell->text = f->picks[i].value;
	cell->len = strlen(cell->text);
	return true;
}

/* One member of a multi-select value; place is that of the setup, or behind all of them. */
typedef struct pick_member
{
	int place;
	const char *text;
	size_t len;
} pick_member;

#define MEMBERS_MAX 500

static bool
add_member(const sim_field *f, pick_member *list, int *n, const char *text, size_t len,
		   sim_error *err)
{
	pick_member m;
	int at = *n;

	m.place = store_pick(f, text, len);
	if (m.place < 0 && (f->flags & SF_RESTRICTED))
		return bad_pick(err, f, text, len);
	m.text = m.place < 0 ? text : f->picks[m.place].value;
	m.len = m.place < 0 ? len : strlen(m.text);
	if (m.place < 0)
		m.place = INT32_MAX;
	for (int i = 0; i < *n; i++)
	{
		if (list[i].len == m.len && memcmp(list[i].text, m.text, m.len) == 0)
			return true;
	}
	if (*n == MEMBERS_MAX)
		return sim_error_set(err, "TOO_MANY_ENUM_VALUE", "%s: too many values", f->label);
	for (; at > 0 && list[at - 1].place > m.place; at--)
		list[at] = list[at - 1];
	list[at] = m;
	(*n)++;
	return true;
}

/* A;B in the order of the setup, without repetitions. */
static bool
convert_multi(store_arena *arena, const sim_field *f, store_cell *cell, sim_error *err)
{
	pick_member *list = store_alloc(arena, sizeof(*list) * MEMBERS_MAX);
	int n = 0;
	size_t total = 0;
	char *to;

	if (list == NULL)
		return no_memory(err);
	for (size_t at = 0; at <= cell->len;)
	{
		const char *text = cell->text + at;
		const char *end = memchr(text, ';', cell->len - at);
		size_t len = end == NULL ? cell->len - at : (size_t) (end - text);

		at += len + 1;
		store_trim(&text, &len);
		if (len > 0 && !add_member(f, list, &n, text, len, err))
			return false;
	}
	for (int i = 0; i < n; i++)
		total += list[i].len + 1;
	if (n == 0)
	{
		cell->kind = STORE_NULL;
		return true;
	}
	to = store_alloc(arena, total);
	if (to == NULL)
		return no_memory(err);
	cell->text = to;
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			*to++ = ';';
		memcpy(to, list[i].text, list[i].len);
		to += list[i].len;
	}
	cell->len = (size_t) (to - cell->text);
	return true;
}

static bool
convert_text(store_arena *arena, const sim_field *f, store_cell *cell, sim_error *err)
{
	size_t bad;
	size_t units;

	store_trim(&cell->text, &cell->len);
	if (cell->len == 0)
	{
		cell->kind = STORE_NULL;
		return true;
	}
	units = text_units(cell->text, cell->len, &bad);
	if (bad > 0 && !repair(arena, &cell->text, &cell->len, bad))
		return no_memory(err);
	cell->kind = STORE_TEXT;
	if (!check_length(f, cell, units, err))
		return false;
	switch (f->type)
	{
		case SIM_T_EMAIL:
			return email_valid(cell->text, cell->len) ||
				   store_value_error(err, "INVALID_EMAIL_ADDRESS", f,
									 "invalid email address: ", cell->text, cell->len, "");
		case SIM_T_PICKLIST:
			return convert_pick(f, cell, err);
		case SIM_T_MULTIPICKLIST:
			return convert_multi(arena, f, cell, err);
		default:
			return true;
	}
}

/* ---------------------------------------------------------------- base64 */

static bool
convert_base64(store_arena *arena, const sim_field *f, store_cell *cell, sim_error *err)
{
	const char *s = cell->text;
	size_t len = cell->len;
	char *to = store_alloc(arena, len / 4 * 3 + 4);
	size_t used = 0;
	unsigned bits = 0;
	int have = 0;

	if (to == NULL)
		return no_memory(err);
	while (len > 0 && s[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++)
	{
		int digit = sim_base64_digit(s[i]);

		if (s[i] == '\r' || s[i] == '\n')
			continue;
		if (digit < 0)
			return wrong_type(err, f, cell->text, cell->len > 80 ? 80 : cell->len);
		bits = bits << 6 | (unsigned) digit;
		have += 6;
		if (have >= 8)
		{
			have -= 8;
			to[used++] = (char) (bits >> have);
		}
	}
	cell->kind = cell->len == 0 ? STORE_NULL : STORE_BLOB;
	cell->text = to;
	cell->len = used;
	return true;
}

/* ---------------------------------------------------------------- all types */

static bool
convert_number(const sim_field *f, const sim_in *in, store_cell *out, sim_error *err)
{
	char text[SIM_DOUBLE_SIZE];
	size_t len = sim_format_double(in->number, text);

	switch (store_number(f, in->number, out))
	{
		case STORE_PARSED:
			return true;
		case STORE_WRONG_TYPE:
			return wrong_type(err, f, text, len);
		default:
			return store_value_error(err, "NUMBER_OUTSIDE_VALID_RANGE", f,
									 "value outside of valid range on numeric field: ", text,
									 len, "");
	}
}

/* Latitudes and longitudes have a range of their own. */
static bool
on_earth(const sim_field *f, const store_cell *cell)
{
	double limit = strstr(f->name, "Latitude") != NULL	  ? 90
				   : strstr(f->name, "Longitude") != NULL ? 180
														  : HUGE_VAL;

	return f->compound == NULL || cell->kind != STORE_REAL || fabs(cell->d) <= limit;
}

static bool
convert_scalar(const sim_field *f, const sim_in *in, store_cell *out, sim_error *err)
{
	const char *text = in->text;
	size_t len = in->len;
	store_parsed got;

	if (in->kind == SIM_IN_NUMBER && in->text == NULL && sim_type_is_number(f->type))
		return convert_number(f, in, out, err);
	if (in->kind == SIM_IN_BOOL || text == NULL)
	{
		text = in->kind == SIM_IN_BOOL ? (in->yes ? "true" : "false") : "";
		len = strlen(text);
	}
	store_trim(&text, &len);
	if (len == 0 && f->type != SIM_T_BOOLEAN)
	{
		out->kind = STORE_NULL;
		return true;
	}
	got = store_parse(f, text, len, out);
	if (got == STORE_PARSED && !on_earth(f, out))
		got = STORE_OUT_OF_RANGE;
	if (got == STORE_WRONG_TYPE)
		return wrong_type(err, f, text, len);
	if (got == STORE_OUT_OF_RANGE && (f->type == SIM_T_DATE || f->type == SIM_T_DATETIME))
		return invalid_date(err, f, out);
	return got == STORE_PARSED ||
		   store_value_error(err, "NUMBER_OUTSIDE_VALID_RANGE", f,
							 "value outside of valid range on numeric field: ", text, len, "");
}

bool
store_convert(store_arena *arena, const sim_object *obj, const sim_in *in, store_cell *out,
			  sim_error *err)
{
	const sim_field *f = in->field;
	sim_kind kind = sim_type_kind(f->type);

	(void) obj;
	memset(out, 0, sizeof(*out));
	if (in->kind == SIM_IN_NULL)
		return f->type != SIM_T_BOOLEAN || wrong_type(err, f, "", 0);
	if (kind != SIM_TEXT && kind != SIM_BLOB)
		return convert_scalar(f, in, out, err);

	out->text = in->text;
	out->len = in->text == NULL ? 0 : in->len;
	if (in->kind == SIM_IN_BOOL)
	{
		out->text = in->yes ? "true" : "false";
		out->len = strlen(out->text);
	}
	else if (in->kind == SIM_IN_NUMBER && in->text == NULL)
	{
		char *text = store_alloc(arena, SIM_DOUBLE_SIZE);

		if (text == NULL)
			return no_memory(err);
		out->len = sim_format_double(in->number, text);
		out->text = text;
	}
	if (out->text == NULL)
		return true;
	return kind == SIM_BLOB ? convert_base64(arena, f, out, err)
							: convert_text(arena, f, out, err);
}
