/*
 * calendar.c
 *		Civil dates, their text forms, relative date literals and date functions.
 */
#include "calendar.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

int64_t
sim_floor_div(int64_t x, int64_t y)
{
	int64_t q = x / y;

	return (x % y != 0 && (x < 0) != (y < 0)) ? q - 1 : q;
}

int64_t
sim_days_from_civil(int64_t year, int month, int day)
{
	int64_t era;
	int64_t yoe;
	int64_t doy;

	/* count years from March, so that the leap day comes last */
	year -= month <= 2;
	era = sim_floor_div(year, 400);
	yoe = year - era * 400;
	doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void
sim_civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = sim_floor_div(z, 146097);
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = (int) (doy - (153 * mp + 2) / 5 + 1);
	*month = (int) (mp < 10 ? mp + 3 : mp - 9);
	*year = yoe + era * 400 + (*month <= 2);
}

bool
sim_civil_valid(int64_t year, int month, int day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= days[month - 1] + (month == 2 && leap);
}

/* Exactly n digits at s; -1 when one is missing. */
static int
digits(const char *s, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++)
	{
		if (s[i] < '0' || s[i] > '9')
			return -1;
		value = value * 10 + (s[i] - '0');
	}
	return value;
}

bool
sim_parse_date(const char *s, size_t len, int64_t *days)
{
	int y;
	int m;
	int d;

	if (len != 10 || s[4] != '-' || s[7] != '-')
		return false;
	y = digits(s, 4);
	m = digits(s + 5, 2);
	d = digits(s + 8, 2);
	if (y < 0 || !sim_civil_valid(y, m, d))
		return false;
	*days = sim_days_from_civil(y, m, d);
	return true;
}

/* hh:mm:ss[.f…] at s; returns the bytes used, 0 when malformed. */
static size_t
parse_clock(const char *s, size_t len, int64_t *millis)
{
	size_t at = 8;
	int h;
	int m;
	int sec;
	int64_t frac = 0;
	int scale = 100;

	if (len < 8 || s[2] != ':' || s[5] != ':')
		return 0;
	h = digits(s, 2);
	m = digits(s + 3, 2);
	sec = digits(s + 6, 2);
	if (h < 0 || h > 23 || m < 0 || m > 59 || sec < 0 || sec > 59)
		return 0;
	if (at < len && s[at] == '.')
	{
		at++;
		if (at >= len || s[at] < '0' || s[at] > '9')
			return 0;
		for (; at < len && s[at] >= '0' && s[at] <= '9'; at++)
		{
			frac += (s[at] - '0') * scale;
			scale /= 10;
		}
	}
	*millis = ((h * 60 + m) * INT64_C(60) + sec) * 1000 + frac;
	return at;
}

bool
sim_parse_time(const char *s, size_t len, int64_t *millis)
{
	size_t used = parse_clock(s, len, millis);

	return used > 0 && used + 1 == len && (s[used] == 'Z' || s[used] == 'z');
}

bool
sim_parse_datetime(const char *s, size_t len, int64_t *millis)
{
	int64_t days;
	int64_t clock;
	size_t used;
	int sign;
	int h;
	int m;

	if (len < 20 || !sim_parse_date(s, 10, &days) || (s[10] != 'T' && s[10] != 't'))
		return false;
	used = parse_clock(s + 11, len - 11, &clock);
	if (used == 0)
		return false;
	s += 11 + used;
	len -= 11 + used;
	*millis = days * MS_PER_DAY + clock;
	if (len == 1 && (*s == 'Z' || *s == 'z'))
		return true;
	if ((len != 6 && len != 5) || (*s != '+' && *s != '-') || (len == 6 && s[3] != ':'))
		return false;
	sign = *s == '-' ? 1 : -1;
	h = digits(s + 1, 2);
	m = digits(s + len - 2, 2);
	if (h < 0 || h > 14 || m < 0 || m > 59)
		return false;
	*millis += sign * (h * 60 + m) * INT64_C(60000);
	return true;
}

/* ---------------------------------------------------------------- printing */

/* Write value with exactly width digits. */
static char *
put_digits(char *out, int64_t value, int width)
{
	for (int i = width - 1; i >= 0; i--)
	{
		out[i] = (char) ('0' + value % 10);
		value /= 10;
	}
	return out + width;
}

size_t
sim_format_date(int64_t days, char *out)
{
	int64_t y;
	int m;
	int d;

	sim_civil_from_days(days, &y, &m, &d);
	if (y < 0 || y > 9999)
		return (size_t) sprintf(out, "%05lld-%02d-%02d", (long long) y, m, d);
	out = put_digits(out, y, 4);
	*out++ = '-';
	out = put_digits(out, m, 2);
	*out++ = '-';
	out = put_digits(out, d, 2);
	*out = '\0';
	return 10;
}

/* hh:mm:ss.mmm, 12 bytes */
static char *
put_clock(char *out, int64_t millis)
{
	out = put_digits(out, millis / 3600000, 2);
	*out++ = ':';
	out = put_digits(out, millis / 60000 % 60, 2);
	*out++ = ':';
	out = put_digits(out, millis / 1000 % 60, 2);
	*out++ = '.';
	return put_digits(out, millis % 1000, 3);
}

size_t
sim_format_datetime(int64_t millis, const char *suffix, char *out)
{
	int64_t days = sim_floor_div(millis, MS_PER_DAY);
	size_t len = sim_format_date(days, out);
	size_t slen = strlen(suffix);

	out[len++] = 'T';
	put_clock(out + len, millis - days * MS_PER_DAY);
	len += 12;
	memcpy(out + len, suffix, slen + 1);
	return len + slen;
}

size_t
sim_format_time(int64_t millis, char *out)
{
	char *end = put_clock(out, millis);

	*end++ = 'Z';
	*end = '\0';
	return (size_t) (end - out);
}

/* ---------------------------------------------------------------- relative literals */

typedef enum unit
{
	U_DAY,
	U_WEEK,
	U_MONTH,
	U_QUARTER,
	U_YEAR
} unit;

#define FARTHEST INT64_C(1000000)

/* First day of the unit that is n units away from the one holding today. */
static int64_t
unit_start(unit u, int64_t today, int64_t n)
{
	int64_t y;
	int m;
	int d;
	int64_t months;

	if (u == U_DAY)
		return today + n;
	if (u == U_WEEK)
	{
		/* 1970-01-01 was a Thursday, day 4 of a week that starts on Sunday */
		int64_t dow = today + 4 - sim_floor_div(today + 4, 7) * 7;

		return today - dow + 7 * n;
	}
	sim_civil_from_days(today, &y, &m, &d);
	/* beyond a million years a day has no number of milliseconds */
	n = n > FARTHEST ? FARTHEST : n < -FARTHEST ? -FARTHEST : n;
	months = y * 12 + (m - 1);
	if (u == U_QUARTER)
		months = months - (m - 1) % 3 + 3 * n;
	else if (u == U_YEAR)
		months = (y + n) * 12;
	else
		months += n;
	return sim_days_from_civil(sim_floor_div(months, 12),
							   (int) (months - sim_floor_div(months, 12) * 12) + 1, 1);
}

static bool
unit_by_name(const char *name, unit *u)
{
	static const struct
	{
		const char *name;
		unit u;
	} names[] = {{"DAY", U_DAY},		 {"WEEK", U_WEEK}, {"MONTH", U_MONTH},
				 {"QUARTER", U_QUARTER}, {"YEAR", U_YEAR}, {"FISCAL_QUARTER", U_QUARTER},
				 {"FISCAL_YEAR", U_YEAR}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		size_t len = strlen(names[i].name);

		if (strncasecmp(name, names[i].name, len) == 0 && name[len] == '\0')
		{
			*u = names[i].u;
			return true;
		}
	}
	return false;
}

/* "LAST_N_DAYS", "N_MONTHS_AGO": which unit, and in which direction (0: the AGO form). */
static bool
parse_n_form(const char *name, unit *u, int *direction)
{
	char base[32];
	size_t len = strlen(name);

	if (strncasecmp(name, "LAST_N_", 7) == 0 || strncasecmp(name, "NEXT_N_", 7) == 0)
	{
		*direction = (name[0] == 'L' || name[0] == 'l') ? -1 : 1;
		name += 7;
		len -= 7;
	}
	else if (len > 6 && strncasecmp(name, "N_", 2) == 0 &&
			 strcasecmp(name + len - 4, "_AGO") == 0)
	{
		*direction = 0;
		name += 2;
		len -= 6;
	}
	else
		return false;
	if (len < 2 || len >= sizeof(base) || (name[len - 1] != 'S' && name[len - 1] != 's'))
		return false;
	memcpy(base, name, len - 1);
	base[len - 1] = '\0';
	return unit_by_name(base, u);
}

int
sim_relative_takes_number(const char *name)
{
	unit u;
	int direction;
	int64_t from;
	int64_t to;

	if (parse_n_form(name, &u, &direction))
		return 1;
	return sim_relative_range(name, 0, 0, &from, &to) ? 0 : -1;
}

bool
sim_relative_range(const char *name, int64_t n, int64_t now, int64_t *from, int64_t *to)
{
	int64_t today = sim_floor_div(now, MS_PER_DAY);
	int64_t first;
	int64_t end;
	int direction;
	int shift;
	unit u;

	if (parse_n_form(name, &u, &direction))
	{
		if (direction == 0)
		{
			first = unit_start(u, today, -n);
			end = unit_start(u, today, 1 - n);
		}
		else if (direction < 0)
		{
			/* the last n days include today; other units end before the present one */
			first = unit_start(u, today, -n);
			end = u == U_DAY ? today + 1 : unit_start(u, today, 0);
		}
		else
		{
			first = unit_start(u, today, 1);
			end = unit_start(u, today, n + 1);
		}
	}
	else if (strcasecmp(name, "TODAY") == 0 || strcasecmp(name, "YESTERDAY") == 0 ||
			 strcasecmp(name, "TOMORROW") == 0)
	{
		shift = strcasecmp(name, "TODAY") == 0 ? 0 : (name[0] | 0x20) == 'y' ? -1 : 1;
		first = today + shift;
		end = first + 1;
	}
	else if (strcasecmp(name, "LAST_90_DAYS") == 0)
	{
		first = today - 90;
		end = today + 1;
	}
	else if (strcasecmp(name, "NEXT_90_DAYS") == 0)
	{
		first = today + 1;
		end = today + 91;
	}
	else if (strlen(name) > 5 && name[4] == '_' && unit_by_name(name + 5, &u) && u != U_DAY)
	{
		if (strncasecmp(name, "LAST", 4) == 0)
			shift = -1;
		else if (strncasecmp(name, "THIS", 4) == 0)
			shift = 0;
		else if (strncasecmp(name, "NEXT", 4) == 0)
			shift = 1;
		else
			return false;
		first = unit_start(u, today, shift);
		end = unit_start(u, today, shift + 1);
	}
	else
		return false;
	*from = first * MS_PER_DAY;
	*to = end * MS_PER_DAY;
	return true;
}

/* ---------------------------------------------------------------- date functions */

enum
{
	F_CALENDAR_MONTH,
	F_CALENDAR_QUARTER,
	F_CALENDAR_YEAR,
	F_DAY_IN_MONTH,
	F_DAY_IN_WEEK,
	F_DAY_IN_YEAR,
	F_DAY_ONLY,
	F_FISCAL_MONTH,
	F_FISCAL_QUARTER,
	F_FISCAL_YEAR,
	F_HOUR_IN_DAY,
	F_WEEK_IN_MONTH,
	F_WEEK_IN_YEAR,
	F_COUNT
};

static const char *const function_names[F_COUNT] = {
	"CALENDAR_MONTH", "CALENDAR_QUARTER", "CALENDAR_YEAR", "DAY_IN_MONTH",	 "DAY_IN_WEEK",
	"DAY_IN_YEAR",	  "DAY_ONLY",		  "FISCAL_MONTH",  "FISCAL_QUARTER", "FISCAL_YEAR",
	"HOUR_IN_DAY",	  "WEEK_IN_MONTH",	  "WEEK_IN_YEAR"};

int
sim_date_function(const char *name)
{
	for (int i = 0; i < F_COUNT; i++)
	{
		if (strcasecmp(name, function_names[i]) == 0)
			return i;
	}
	return -1;
}

const char *
sim_date_function_name(int function)
{
	return function_names[function];
}

bool
sim_date_function_gives_date(int function)
{
	return function == F_DAY_ONLY;
}

bool
sim_date_function_needs_datetime(int function)
{
	return function == F_DAY_ONLY || function == F_HOUR_IN_DAY;
}

int64_t
sim_date_function_apply(int function, int64_t millis)
{
	int64_t days = sim_floor_div(millis, MS_PER_DAY);
	int64_t y;
	int m;
	int d;
	int64_t doy;

	sim_civil_from_days(days, &y, &m, &d);
	doy = days - sim_days_from_civil(y, 1, 1);
	switch (function)
	{
		case F_CALENDAR_MONTH:
		case F_FISCAL_MONTH:
			return m;
		case F_CALENDAR_QUARTER:
		case F_FISCAL_QUARTER:
			return (m - 1) / 3 + 1;
		case F_CALENDAR_YEAR:
		case F_FISCAL_YEAR:
			return y;
		case F_DAY_IN_MONTH:
			return d;
		case F_DAY_IN_WEEK:
			return days + 4 - sim_floor_div(days + 4, 7) * 7 + 1;
		case F_DAY_IN_YEAR:
			return doy + 1;
		case F_DAY_ONLY:
			return days;
		case F_HOUR_IN_DAY:
			return (millis - days * MS_PER_DAY) / 3600000;
		case F_WEEK_IN_MONTH:
			return (d - 1) / 7 + 1;
		default:
			return doy / 7 + 1;
	}
}
