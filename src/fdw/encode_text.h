/*
 * encode_text.h
 *		Direct paths of encode.c: numbers, dates and times as text, and finding what needs quotes.
 *
 * Each function writes at out, where its caller has made room, and returns the end of what it wrote.
 */
#ifndef SFB_ENCODE_TEXT_H
#define SFB_ENCODE_TEXT_H

#include "datatype/timestamp.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Room that each of them may take. */
#define ENCODE_NUMBER_ROOM 128

/* ---- what needs quotes -------------------------------------------------------------------- */

static inline bool
is_special(char c)
{
	return c == ',' || c == '"' || c == '\n' || c == '\r';
}

#ifdef __SSE2__
static inline bool
block_has_special(__m128i v)
{
	__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(',')),
											_mm_cmpeq_epi8(v, _mm_set1_epi8('"'))),
							   _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')),
											_mm_cmpeq_epi8(v, _mm_set1_epi8('\r'))));

	return _mm_movemask_epi8(hit) != 0;
}
#endif

/*
 * True when the text has a comma, a quote, or a line break.  The last block overlaps the one before, as
 * most texts are short and a loop over their ends would be most of the work.
 */
static inline bool
has_special(const char *data, int len)
{
	int i = 0;

#ifdef __SSE2__
	if (len >= 16)
	{
		for (; i + 16 < len; i += 16)
			if (block_has_special(_mm_loadu_si128((const __m128i *) (data + i))))
				return true;
		return block_has_special(_mm_loadu_si128((const __m128i *) (data + len - 16)));
	}
	if (len >= 8)
	{
		__m128i low = _mm_loadl_epi64((const __m128i *) data);
		__m128i high = _mm_loadl_epi64((const __m128i *) (data + len - 8));

		return block_has_special(_mm_unpacklo_epi64(low, high));
	}
#endif
	for (; i < len; i++)
		if (is_special(data[i]))
			return true;
	return false;
}

/*
 * The text in quotes, its own ones doubled; takes at most 2 * len + 2 bytes.  CR LF becomes LF: that is what an
 * ingest job with LF as its line ending makes of it, and Collections are to store the same.
 */
static inline char *
put_quoted(char *out, const char *data, int len)
{
	const char *end = data + len;

	*out++ = '"';
	if (unlikely(memchr(data, '\r', len) != NULL))
	{
		for (; data < end; data++)
		{
			if (*data == '\r' && data + 1 < end && data[1] == '\n')
				continue;
			if (*data == '"')
				*out++ = '"';
			*out++ = *data;
		}
	}
	while (data < end)
	{
		const char *quote = memchr(data, '"', end - data);
		size_t n = (quote != NULL ? quote + 1 : end) - data;

		memcpy(out, data, n);
		out += n;
		if (quote != NULL)
			*out++ = '"';
		data += n;
	}
	*out++ = '"';
	return out;
}

/* ---- dates and times ------------------------------------------------------------------------ */

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
								  "25262728293031323334353637383940414243444546474849"
								  "50515253545556575859606162636465666768697071727374"
								  "75767778798081828384858687888990919293949596979899";

/* Two digits of a number below 100, four of one below 10000. */
static inline char *
put_2_digits(char *out, int value)
{
	memcpy(out, digit_pairs + 2 * value, 2);
	return out + 2;
}

static inline char *
put_4_digits(char *out, int value)
{
	return put_2_digits(put_2_digits(out, value / 100), value % 100);
}

/* Days since 1970-01-01 of the first and the last day that put_date takes. */
#define FIRST_DAY (-98615) /* 1700-01-01 */
#define LAST_DAY  741807   /* 4000-12-31 */

/*
 * YYYY-MM-DD of a day from FIRST_DAY to LAST_DAY.  Years begin in March here, so that a leap day is the
 * last of its year; the months from March on then have 153 days in each five.
 */
static inline char *
put_date(char *out, int day_number)
{
	unsigned int since = (unsigned int) (day_number + 719468); /* 0000-03-01 */
	unsigned int era = since / 146097;						   /* of 400 years */
	unsigned int day_of_era = since - era * 146097;
	unsigned int year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned int day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned int month = (5 * day_of_year + 2) / 153; /* from March */
	unsigned int day = day_of_year - (153 * month + 2) / 5 + 1;
	unsigned int year = era * 400 + year_of_era + (month >= 10);

	out = put_4_digits(out, (int) year);
	*out++ = '-';
	out = put_2_digits(out, (int) (month < 10 ? month + 3 : month - 9));
	*out++ = '-';
	return put_2_digits(out, (int) day);
}

/* HH:MM:SS.mmmZ of microseconds since midnight; what is below a millisecond is cut. */
static inline char *
put_time(char *out, int64 usec)
{
	unsigned int ms = (unsigned int) (usec / 1000);
	unsigned int seconds = ms / 1000;
	unsigned int minutes = seconds / 60;
	unsigned int below = ms - seconds * 1000;

	out = put_2_digits(out, (int) (minutes / 60));
	*out++ = ':';
	out = put_2_digits(out, (int) (minutes % 60));
	*out++ = ':';
	out = put_2_digits(out, (int) (seconds % 60));
	*out++ = '.';
	*out++ = (char) ('0' + below / 100);
	out = put_2_digits(out, (int) (below % 100));
	*out++ = 'Z';
	return out;
}

/* ---- numeric ----------------------------------------------------------------------------------- */

/*
 * A numeric, which is private to numeric.c but kept from version to version by pg_upgrade; encode.c
 * compares with numeric_out before it relies on this.
 *
 *		short: uint16 0x8000 | negative << 13 | display scale << 7 | weight in 7 bits, two's complement
 *		long: uint16 0x4000 (negative) or 0 | display scale, int16 weight
 *		special (NaN, infinities): 0xC000 | ...
 *		both: int16 digits in base 10000, the first is worth 10000^weight
 *
 * False, and nothing written, for what is left to numeric_out.
 */
static inline bool
put_numeric(char **out, const char *data, int len)
{
	uint16 header;
	int16 weight;
	int dscale;
	bool negative;
	const char *digits;
	int ndigits;
	char *p = *out;
	char *point;
	int d;

	memcpy(&header, data, sizeof(header));
	if ((header & 0xC000) == 0xC000)
		return false;
	if (header & 0x8000)
	{
		negative = (header & 0x2000) != 0;
		dscale = (header & 0x1F80) >> 7;
		weight = (int16) ((header & 0x0040) ? (header & 0x003F) - 64 : (header & 0x003F));
		digits = data + sizeof(int16);
	}
	else
	{
		negative = (header & 0x4000) != 0;
		dscale = header & 0x3FFF;
		memcpy(&weight, data + sizeof(int16), sizeof(weight));
		digits = data + 2 * sizeof(int16);
	}
	if (weight > 10 || dscale > 40)
		return false;
	ndigits = (int) ((data + len - digits) / (int) sizeof(int16));

#define DIGIT(i, to)                                                                          \
	do                                                                                        \
	{                                                                                         \
		int16 digit_ = 0;                                                                     \
		if ((i) >= 0 && (i) < ndigits)                                                        \
			memcpy(&digit_, digits + (size_t) (i) * sizeof(int16), sizeof(int16));            \
		(to) = digit_;                                                                        \
	} while (0)

	if (negative)
		*p++ = '-';
	if (weight < 0)
	{
		d = weight + 1;
		*p++ = '0';
	}
	else
	{
		for (d = 0; d <= weight; d++)
		{
			int value;

			DIGIT(d, value);
			if (d > 0)
				p = put_4_digits(p, value);
			else
				p += pg_ltoa(value, p);
		}
	}
	if (dscale > 0)
	{
		*p++ = '.';
		point = p;
		for (int i = 0; i < dscale; d++, i += 4)
		{
			int value;

			DIGIT(d, value);
			p = put_4_digits(p, value);
		}
		p = point + dscale;
	}
#undef DIGIT
	*out = p;
	return true;
}

#endif /* SFB_ENCODE_TEXT_H */
