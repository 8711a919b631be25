/*
 * convert_number.h
 *		Direct paths of convert.c for numbers.
 *
 * Salesforce writes integers as plain digits and everything else as Java's shortest text of a
 * double: 100.0, -0.25, 9.0E7, 1.0E-5.  Each function here answers false for whatever it does not
 * read exactly as PostgreSQL's input function would; that one is asked then.
 */
#ifndef SFB_CONVERT_NUMBER_H
#define SFB_CONVERT_NUMBER_H

#include <float.h>

/* Most digits whose number surely fits into an int64. */
#define DECIMAL_DIGITS_MAX 18

/* Larger exponents are rare enough for the input functions. */
#define DECIMAL_EXPONENT_MAX 20

static const uint64 powers_of_ten[] = {
	UINT64CONST(1),
	UINT64CONST(10),
	UINT64CONST(100),
	UINT64CONST(1000),
	UINT64CONST(10000),
	UINT64CONST(100000),
	UINT64CONST(1000000),
	UINT64CONST(10000000),
	UINT64CONST(100000000),
	UINT64CONST(1000000000),
	UINT64CONST(10000000000),
	UINT64CONST(100000000000),
	UINT64CONST(1000000000000),
	UINT64CONST(10000000000000),
	UINT64CONST(100000000000000),
	UINT64CONST(1000000000000000),
	UINT64CONST(10000000000000000),
	UINT64CONST(100000000000000000),
	UINT64CONST(1000000000000000000),
};

/* The powers of ten that a double holds exactly. */
static const double exact_powers_of_ten[] = {1e0,  1e1,	 1e2,  1e3,	 1e4,  1e5,	 1e6,  1e7,
											 1e8,  1e9,	 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
											 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* A decimal number: (-1)^negative * mantissa * 10^(exponent - fraction). */
typedef struct Decimal
{
	bool negative;
	uint64 mantissa; /* all its digits, at most DECIMAL_DIGITS_MAX */
	int fraction;	 /* how many of them follow the point */
	int exponent;	 /* what follows the E, else 0 */
} Decimal;

static inline bool
is_digit(char c)
{
	return (unsigned char) (c - '0') <= 9;
}

/* Reads [-]digits[.digits][E[+-]digits], all of the len bytes; text[len] must be 0. */
static inline bool
read_decimal(const char *text, int len, Decimal *d)
{
	const char *p = text;
	const char *first;
	uint64 mantissa = 0;
	int digits;

	d->negative = *p == '-';
	if (d->negative)
		p++;
	first = p;
	for (; is_digit(*p); p++)
		mantissa = mantissa * 10 + (uint64) (*p - '0');
	digits = (int) (p - first);
	if (digits == 0)
		return false;
	d->fraction = 0;
	if (*p == '.')
	{
		first = ++p;
		for (; is_digit(*p); p++)
			mantissa = mantissa * 10 + (uint64) (*p - '0');
		d->fraction = (int) (p - first);
		if (d->fraction == 0)
			return false;
	}
	if (digits + d->fraction > DECIMAL_DIGITS_MAX)
		return false;
	d->mantissa = mantissa;
	d->exponent = 0;
	if (*p == 'E' || *p == 'e')
	{
		bool negative = p[1] == '-';
		int exponent = 0;

		first = p += (p[1] == '-' || p[1] == '+') ? 2 : 1;
		for (; is_digit(*p) && exponent <= DECIMAL_EXPONENT_MAX; p++)
			exponent = exponent * 10 + (*p - '0');
		if (p == first || exponent > DECIMAL_EXPONENT_MAX)
			return false;
		d->exponent = negative ? -exponent : exponent;
	}
	return p == text + len;
}

/*
 * An integer, also one written as a double (9.0E7): false when there is a fraction or when it has
 * more digits than surely fit.
 */
static inline bool
decimal_to_int64(const Decimal *d, int64 *result)
{
	uint64 value = d->mantissa;
	int scale = d->exponent - d->fraction;

	if (scale < 0 && value != 0)
	{
		if (-scale > DECIMAL_DIGITS_MAX || value % powers_of_ten[-scale] != 0)
			return false;
		value /= powers_of_ten[-scale];
	}
	else if (scale > 0 && value != 0)
	{
		if (scale > DECIMAL_DIGITS_MAX || value > PG_INT64_MAX / powers_of_ten[scale])
			return false;
		value *= powers_of_ten[scale];
	}
	*result = d->negative ? -(int64) value : (int64) value;
	return true;
}

/*
 * A double.  Mantissa and power of ten are both exact doubles, so the one multiplication or division
 * rounds correctly, as strtod does (Clinger's fast path).
 */
static inline bool
decimal_to_float8(const Decimal *d, float8 *result)
{
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0
	int scale = d->exponent - d->fraction;
	double value = (double) d->mantissa;

	if (d->mantissa > (UINT64CONST(1) << DBL_MANT_DIG) ||
		abs(scale) >= (int) lengthof(exact_powers_of_ten))
		return false;
	value =
		scale < 0 ? value / exact_powers_of_ten[-scale] : value * exact_powers_of_ten[scale];
	*result = d->negative ? -value : value;
	return true;
#else
	/* x87 rounds twice */
	return false;
#endif
}

/*
 * A numeric in its short on-disk format, which pg_upgrade keeps from version to version but which
 * is private to numeric.c: convert.c compares with numeric_in before it relies on this.
 *
 *		int32 varlena header
 *		uint16 0x8000 | negative << 13 | display scale << 7 | weight in 7 bits, two's complement
 *		int16 digits in base 10000, without zeros at either end; the first is worth 10000^weight
 */
#define NUMERIC_BASE_DIGITS	 4	/* decimal digits in one of its digits */
#define NUMERIC_DECIMALS_MAX 16 /* so that with 3 more they fit into an uint64 */
#define NUMERIC_SIZE_MAX	 (VARHDRSZ + 6 * sizeof(int16))

static inline bool
decimal_to_numeric(const Decimal *d, char *result)
{
	uint64 mantissa = d->mantissa;
	int scale = d->exponent - d->fraction;
	int display = Max(0, -scale);
	int weight;
	int16 digits[5];
	int ndigits = 0;
	int low = 0;
	uint16 header;
	int16 *out = (int16 *) (result + VARHDRSZ);

	if (mantissa >= powers_of_ten[NUMERIC_DECIMALS_MAX])
		return false;

	/* Move the point to a multiple of four decimal digits; >> and & round down below zero too. */
	mantissa *= powers_of_ten[scale & (NUMERIC_BASE_DIGITS - 1)];
	weight = (scale >> 2) - 1;
	for (; mantissa != 0; mantissa /= 10000)
		digits[ndigits++] = (int16) (mantissa % 10000);
	weight += ndigits;
	while (low < ndigits && digits[low] == 0)
		low++;
	if (ndigits == 0)
		weight = 0; /* zero has neither sign nor weight */

	header = (uint16) (0x8000 | (display << 7) | (weight & 0x7F));
	if (d->negative && ndigits > 0)
		header |= 0x2000;
	*out++ = (int16) header;
	for (int i = ndigits - 1; i >= low; i--)
		*out++ = digits[i];
	SET_VARSIZE(result, (char *) out - result);
	return true;
}

#endif /* SFB_CONVERT_NUMBER_H */
