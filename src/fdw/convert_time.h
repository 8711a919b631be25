/*
 * convert_time.h
 *		Direct paths of convert.c for dates and times.
 *
 * Salesforce writes 2024-02-29, 2024-02-29T23:59:59.000Z and 23:59:59.000Z.  Each function here
 * answers false for whatever it does not read exactly as PostgreSQL's input function would (year 0,
 * second 60, hour 24, other zones); that one is asked then.  None of the texts depends on DateStyle
 * or TimeZone.
 */
#ifndef SFB_CONVERT_TIME_H
#define SFB_CONVERT_TIME_H

#include "datatype/timestamp.h"
#include "port/pg_bswap.h"
#include "utils/date.h"
#include "utils/datetime.h"

/* Eight bytes; the first is the lowest on any machine. */
static inline uint64
load_eight(const char *text)
{
	uint64 word;

	memcpy(&word, text, sizeof(word));
#ifdef WORDS_BIGENDIAN
	word = pg_bswap64(word);
#endif
	return word;
}

/*
 * Compares eight bytes with a pattern in which '0' stands for any digit, and makes *pairs hold in
 * each byte the number of two digits that begins there.
 */
static inline bool
read_eight(const char *text, const char *pattern, uint64 separators, uint64 *pairs)
{
	/* What is left of a digit is 0 to 9 and of a separator 0. */
	uint64 word = load_eight(text) ^ load_eight(pattern);

	if (((word | (word + UINT64CONST(0x0606060606060606))) &
		 UINT64CONST(0xF0F0F0F0F0F0F0F0)) ||
		(word & separators))
		return false;
	*pairs = word * 10 + (word >> 8);
	return true;
}

#define PAIR_AT(pairs, i) ((int) (((pairs) >> ((i) *8)) & 0xFF))

static inline bool
read_two_digits(const char *text, int *value)
{
	/* the second may only be read when the first is not the end */
	if (!is_digit(text[0]) || !is_digit(text[1]))
		return false;
	*value = (text[0] - '0') * 10 + (text[1] - '0');
	return true;
}

/* Days since 2000-01-01 of a date in the years 1 to 9999. */
static inline bool
days_of_date(int year, int month, int day, DateADT *date)
{
	if (year < 1 || month < 1 || month > MONTHS_PER_YEAR || day < 1 ||
		day > day_tab[isleap(year)][month - 1])
		return false;
	*date = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* YYYY-MM-DD, all of the len bytes. */
static inline bool
read_date(const char *text, int len, DateADT *date)
{
	uint64 pairs;
	int day;

	if (len != 10 || !read_eight(text, "0000-00-", UINT64CONST(0xFF0000FF00000000), &pairs) ||
		!read_two_digits(text + 8, &day))
		return false;
	return days_of_date(PAIR_AT(pairs, 0) * 100 + PAIR_AT(pairs, 2), PAIR_AT(pairs, 5), day,
						date);
}

/* [.mmm] at *text; moves *text behind it. */
static inline bool
read_milliseconds(const char **text, int *ms)
{
	const char *p = *text;
	int low;

	*ms = 0;
	if (*p != '.')
		return true;
	if (!is_digit(p[1]) || !read_two_digits(p + 2, &low))
		return false;
	*ms = (p[1] - '0') * 100 + low;
	*text = p + 4;
	return true;
}

/*
 * YYYY-MM-DDTHH:MM:SS[.mmm] and Z, +0000 or +00:00: microseconds since 2000-01-01 00:00 UTC, which
 * is also what a timestamp without time zone makes of it, as that ignores the zone.  text[len] must
 * be 0.
 */
static inline bool
read_timestamp(const char *text, int len, int64 *usec)
{
	uint64 day_part;
	uint64 time_part;
	DateADT date;
	int hour;
	int minute;
	int second;
	int ms;
	const char *p = text + 19;

	if (len < 20 ||
		!read_eight(text, "0000-00-", UINT64CONST(0xFF0000FF00000000), &day_part) ||
		!read_eight(text + 8, "00T00:00", UINT64CONST(0x0000FF0000FF0000), &time_part) ||
		text[16] != ':' || !read_two_digits(text + 17, &second) || !read_milliseconds(&p, &ms))
		return false;
	if (!(p[0] == 'Z' && p + 1 == text + len) &&
		!(p[0] == '+' && (strcmp(p, "+0000") == 0 || strcmp(p, "+00:00") == 0)))
		return false;
	hour = PAIR_AT(time_part, 3);
	minute = PAIR_AT(time_part, 6);
	if (hour >= HOURS_PER_DAY || minute >= MINS_PER_HOUR || second >= SECS_PER_MINUTE ||
		!days_of_date(PAIR_AT(day_part, 0) * 100 + PAIR_AT(day_part, 2), PAIR_AT(day_part, 5),
					  PAIR_AT(time_part, 0), &date))
		return false;
	*usec = date * USECS_PER_DAY + hour * USECS_PER_HOUR + minute * USECS_PER_MINUTE +
			second * USECS_PER_SEC + ms * INT64CONST(1000);
	return true;
}

/* HH:MM:SS[.mmm][Z]: microseconds since midnight.  text[len] must be 0. */
static inline bool
read_time(const char *text, int len, int64 *usec)
{
	uint64 pairs;
	int ms;
	const char *p = text + 8;

	if (len < 8 || !read_eight(text, "00:00:00", UINT64CONST(0x0000FF0000FF0000), &pairs) ||
		!read_milliseconds(&p, &ms))
		return false;
	if (*p == 'Z')
		p++;
	if (p != text + len || PAIR_AT(pairs, 0) >= HOURS_PER_DAY ||
		PAIR_AT(pairs, 3) >= MINS_PER_HOUR || PAIR_AT(pairs, 6) >= SECS_PER_MINUTE)
		return false;
	*usec = PAIR_AT(pairs, 0) * USECS_PER_HOUR + PAIR_AT(pairs, 3) * USECS_PER_MINUTE +
			PAIR_AT(pairs, 6) * USECS_PER_SEC + ms * INT64CONST(1000);
	return true;
}

#endif /* SFB_CONVERT_TIME_H */
