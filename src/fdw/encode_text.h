/*
 * encode_text.h
 *		Direct paths of encode.c: numbers, dates and times as text, and finding what needs quotes.
 *
 * Each function writes at out, where its caller has made room, and returns the end of what it wrote.
 */
#ifndef SFB_ENCODE_TEXT_H
#define SFB_ENCODE_TEXT_H

#include "datatype/timestamp.h"
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

/* True when the text has a comma, a quote, or a line break. */
static inline bool
has_special(const char *data, int len)
{
	int i = 0;

#ifdef __SSE2__
	const __m128i comma = _mm_set1_epi8(',');
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i lf = _mm_set1_epi8('\n');
	const __m128i cr = _mm_set1_epi8('\r');

	for (; i + 16 <= len; i += 16)
	{
		__m128i v = _mm_loadu_si128((const __m128i *) (data + i));
		__m128i hit =
			_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, comma), _mm_cmpeq_epi8(v, quote)),
						 _mm_or_si128(_mm_cmpeq_epi8(v, lf), _mm_cmpeq_epi8(v, cr)));

		if (_mm_movemask_epi8(hit) != 0)
			return true;
	}
#endif
	for (; i < len; i++)
		if (is_special(data[i]))
			return true;
	return false;
}

/* The text in quotes, its own ones doubled; takes at most 2 * len + 2 bytes. */
static inline char *
put_quoted(char *out, const char *data, int len)
{
	const char *end = data + len;

	*out++ = '"';
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

static inline char *
put_digits(char *out, int value, int width)
{
	for (int i = width - 1; i >= 0; i--)
	{
		out[i] = (char) ('0' + value % 10);
		value /= 10;
	}
	return out + width;
}

/* YYYY-MM-DD of a Julian day; the year must have four digits. */
static inline char *
put_date(char *out, int year, int month, int day)
{
	out = put_digits(out, year, 4);
	*out++ = '-';
	out = put_digits(out, month, 2);
	*out++ = '-';
	return put_digits(out, day, 2);
}

/* HH:MM:SS.mmmZ of microseconds since midnight; what is below a millisecond is cut. */
static inline char *
put_time(char *out, int64 usec)
{
	int ms = (int) (usec / 1000);

	out = put_digits(out, ms / 3600000, 2);
	*out++ = ':';
	out = put_digits(out, ms / 60000 % 60, 2);
	*out++ = ':';
	out = put_digits(out, ms / 1000 % 60, 2);
	*out++ = '.';
	out = put_digits(out, ms % 1000, 3);
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
				p = put_digits(p, value, 4);
			else
				p = put_digits(p, value,
							   value >= 1000  ? 4
							   : value >= 100 ? 3
							   : value >= 10  ? 2
											  : 1);
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
			p = put_digits(p, value, 4);
		}
		p = point + dscale;
	}
#undef DIGIT
	*out = p;
	return true;
}

#endif /* SFB_ENCODE_TEXT_H */
