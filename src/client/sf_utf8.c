/*
 * sf_utf8.c
 *		UTF-8 checks, 64 bytes at a time over ASCII.
 */
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "sf_utf8.h"

/*
 * Length of the valid character at p (n bytes are there), 0 when it is none; *truncated when the
 * bytes there are are the beginning of one.  Table 3-7 of the Unicode standard: only the second
 * byte's range depends on the first.
 */
static int
character(const unsigned char *p, size_t n, bool *truncated)
{
	unsigned char first = p[0];
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	int len;

	*truncated = false;
	if (first < 0x80)
		return first != 0;
	if (first < 0xc2)
		return 0;
	if (first < 0xe0)
		len = 2;
	else if (first < 0xf0)
	{
		len = 3;
		if (first == 0xe0)
			low = 0xa0; /* overlong */
		else if (first == 0xed)
			high = 0x9f; /* surrogates */
	}
	else if (first < 0xf5)
	{
		len = 4;
		if (first == 0xf0)
			low = 0x90; /* overlong */
		else if (first == 0xf4)
			high = 0x8f; /* above U+10FFFF */
	}
	else
		return 0;

	if (n > 1 && (p[1] < low || p[1] > high))
		return 0;
	for (int i = 2; i < len && (size_t) i < n; i++)
	{
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if (n < (size_t) len)
	{
		*truncated = true;
		return 0;
	}
	return len;
}

/*
 * Number of leading bytes of 1..0x7f.  Exact where something else follows within a step; may stop
 * early in the last bytes, which are fewer than a step.
 */
static inline size_t
ascii_run(const char *data, size_t len)
{
	size_t i = 0;

#if defined(__SSE2__)
	const __m128i zero = _mm_setzero_si128();

	/* the smallest byte shows a NUL, the union of the high bits anything from 0x80 up */
	for (; i + 64 <= len; i += 64)
	{
		const __m128i *p = (const __m128i *) (data + i);
		__m128i a = _mm_loadu_si128(p);
		__m128i b = _mm_loadu_si128(p + 1);
		__m128i c = _mm_loadu_si128(p + 2);
		__m128i d = _mm_loadu_si128(p + 3);
		__m128i least = _mm_min_epu8(_mm_min_epu8(a, b), _mm_min_epu8(c, d));
		__m128i all = _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d));

		if (_mm_movemask_epi8(_mm_or_si128(all, _mm_cmpeq_epi8(least, zero))) != 0)
			break;
	}
	for (; i + 16 <= len; i += 16)
	{
		__m128i a = _mm_loadu_si128((const __m128i *) (data + i));
		int hits = _mm_movemask_epi8(_mm_or_si128(a, _mm_cmpeq_epi8(a, zero)));

		if (hits != 0)
			return i + (size_t) __builtin_ctz((unsigned) hits);
	}
#else
	for (; i + 8 <= len; i += 8)
	{
		uint64_t word;

		/* a byte is fine when its high bit is off and subtracting 1 does not set it */
		memcpy(&word, data + i, 8);
		if (((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) !=
			0)
			break;
	}
#endif
	return i;
}

size_t
sf_utf8_check(const char *data, size_t len, bool *truncated)
{
	size_t i = 0;
	bool cut = false;

	while (i < len)
	{
		i += ascii_run(data + i, len - i);

		/* what stopped it, and the run of others that usually follows in non-Latin texts */
		while (i < len)
		{
			int n = character((const unsigned char *) data + i, len - i, &cut);

			if (n == 0)
				goto done;
			i += (size_t) n;
			if (n == 1 && len - i >= 16)
				break;
		}
	}
done:
	if (truncated != NULL)
		*truncated = cut;
	return i;
}

size_t
sf_utf8_clip(const char *text, size_t len, size_t max)
{
	size_t i;

	if (len <= max)
		return len;
	/* step back over continuation bytes, but not further than a character is long */
	for (i = max; max - i < 4; i--)
	{
		if (((unsigned char) text[i] & 0xc0) != 0x80)
			return i;
		if (i == 0)
			break;
	}
	return max;
}

int
sf_utf8_encode(uint32_t code_point, char out[4])
{
	if (code_point < 0x80)
	{
		out[0] = (char) code_point;
		return 1;
	}
	if (code_point < 0x800)
	{
		out[0] = (char) (0xc0 | code_point >> 6);
		out[1] = (char) (0x80 | (code_point & 0x3f));
		return 2;
	}
	if (code_point < 0x10000)
	{
		if (code_point >= 0xd800 && code_point <= 0xdfff)
			return 0;
		out[0] = (char) (0xe0 | code_point >> 12);
		out[1] = (char) (0x80 | (code_point >> 6 & 0x3f));
		out[2] = (char) (0x80 | (code_point & 0x3f));
		return 3;
	}
	if (code_point <= 0x10ffff)
	{
		out[0] = (char) (0xf0 | code_point >> 18);
		out[1] = (char) (0x80 | (code_point >> 12 & 0x3f));
		out[2] = (char) (0x80 | (code_point >> 6 & 0x3f));
		out[3] = (char) (0x80 | (code_point & 0x3f));
		return 4;
	}
	return 0;
}
