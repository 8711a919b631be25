/*
 * sf_sum.h
 *		A running sum over a text, to tell whether a second download begins like the first (level 1).
 *
 * Not cryptographic: it has to notice that a server gives rows in another order or other rows under
 * the same locator.  It sees every byte, for about 10 ns a row: two dependent additions per
 * eight bytes (Fletcher's way, so that order counts), eight at a time.
 */
#ifndef SF_SUM_H
#define SF_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SF_SUM_STRIDE 64

typedef struct sf_sum
{
	uint64_t a[8];
	uint64_t b[8];
	uint64_t len;
	unsigned char tail[SF_SUM_STRIDE]; /* the last len % 64 bytes */
} sf_sum;

/* Starts over; a zeroed struct is a fresh sum too. */
extern void sf_sum_reset(sf_sum *s);

/* Adds text; how it is cut into pieces makes no difference. */
extern void sf_sum_add(sf_sum *s, const char *text, size_t len);

/* Same length and same sums. */
extern bool sf_sum_equal(const sf_sum *x, const sf_sum *y);

#endif /* SF_SUM_H */
