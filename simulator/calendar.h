/*
 * calendar.h
 *		Dates as day numbers, datetimes as milliseconds; relative date literals.
 *
 * The org's time zone is UTC and its weeks start on Sunday (en_US).
 */
#ifndef SFSIM_CALENDAR_H
#define SFSIM_CALENDAR_H

#include "engine.h"

#define MS_PER_DAY INT64_C(86400000)

/* First and last day that SOQL knows: 1700-01-01 and 4000-12-31. */
#define SIM_FIRST_DAY (-98615)
#define SIM_LAST_DAY  741807

/* Days since 1970-01-01 of a proleptic Gregorian date, and back. */
int64_t sim_days_from_civil(int64_t year, int month, int day);
void sim_civil_from_days(int64_t days, int64_t *year, int *month, int *day);

/* Is it a day of the calendar (29 February only in leap years)? */
bool sim_civil_valid(int64_t year, int month, int day);

/* x / y rounded towards minus infinity. */
int64_t sim_floor_div(int64_t x, int64_t y);

/*
 * Parse "2024-11-07", "2024-11-07T07:00:00[.fff](Z|+hh:mm|+hhmm)" or "10:15:00[.fff]Z" of
 * exactly len bytes.  False when the form or the calendar does not allow it.
 */
bool sim_parse_date(const char *s, size_t len, int64_t *days);
bool sim_parse_datetime(const char *s, size_t len, int64_t *millis);
bool sim_parse_time(const char *s, size_t len, int64_t *millis);

/*
 * The span of a relative date literal such as TODAY or LAST_N_DAYS (n is used by the forms
 * with _N_ only) as milliseconds [*from, *to), seen from now.  False: no such literal.
 */
bool sim_relative_range(const char *name, int64_t n, int64_t now, int64_t *from, int64_t *to);

/* Does this literal take a number ("LAST_N_DAYS:5")?  -1: no such literal. */
int sim_relative_takes_number(const char *name);

/* Date functions of SOQL: their number (>= 0) by name, -1 when there is none. */
int sim_date_function(const char *name);
const char *sim_date_function_name(int function);

/* Does the function answer a date (DAY_ONLY) or need a datetime (DAY_ONLY, HOUR_IN_DAY)? */
bool sim_date_function_gives_date(int function);
bool sim_date_function_needs_datetime(int function);

/* Apply one to an instant. */
int64_t sim_date_function_apply(int function, int64_t millis);

#endif /* SFSIM_CALENDAR_H */
