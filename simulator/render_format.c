/*
 * render_format.c
 *		FORMAT(): values as the user interface shows them in the user's locale, en_US.
 *
 * Dates 4/10/2025, datetimes 4/10/2025, 3:31 PM, currency $44,000.00, percent 12.50%, numbers 1,234.5.
 * The user's time zone is the org's, UTC.
 */
#include "render_format.h"
#include "calendar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Digits with commas between thousands; fixed has a point, or not. */
static void
add_grouped(sim_buf *out, const char *fixed)
{
	size_t whole = strcspn(fixed, ".");

	for (size_t i = 0; i < whole; i++)
	{
		if (i > 0 && (whole - i) % 3 == 0)
			sim_buf_char(out, ',');
		sim_buf_char(out, fixed[i]);
	}
	sim_buf_str(out, fixed + whole);
}

static void
add_number(sim_buf *out, sim_type type, int scale, double d)
{
	char fixed[512];
	bool negative = d < 0;
	int digits = type == SIM_T_INT || type == SIM_T_LONG ? 0 : scale;

	if (!isfinite(d))
		return;
	snprintf(fixed, sizeof(fixed), "%.*f",
			 digits < 0	   ? 0
			 : digits > 17 ? 17
						   : digits,
			 fabs(d));
	if (negative && strspn(fixed, "0.") != strlen(fixed))
		sim_buf_char(out, '-');
	if (type == SIM_T_CURRENCY)
		sim_buf_char(out, '$');
	add_grouped(out, fixed);
	if (type == SIM_T_PERCENT)
		sim_buf_char(out, '%');
}

static void
add_day(sim_buf *out, int64_t days)
{
	int64_t year;
	int month;
	int day;

	sim_civil_from_days(days, &year, &month, &day);
	sim_buf_printf(out, "%d/%d/%lld", month, day, (long long) year);
}

static void
add_clock(sim_buf *out, int64_t millis)
{
	int minutes = (int) (millis / 60000);
	int hour = minutes / 60;

	sim_buf_printf(out, "%d:%02d %s", hour % 12 == 0 ? 12 : hour % 12, minutes % 60,
				   hour < 12 ? "AM" : "PM");
}

void
sim_format_number(sim_type type, int scale, double d, sim_buf *out)
{
	add_number(out, type, scale, d);
}

void
sim_format_moment(sim_type type, int64_t i, sim_buf *out)
{
	int64_t days;

	switch (type)
	{
		case SIM_T_DATE:
			add_day(out, i);
			break;
		case SIM_T_DATETIME:
			days = sim_floor_div(i, MS_PER_DAY);
			add_day(out, days);
			sim_buf_str(out, ", ");
			add_clock(out, i - days * MS_PER_DAY);
			break;
		default:
			add_clock(out, i);
	}
}
