/*
 * sf_sum.c
 *		A running sum over a text.
 */
#include "sf_sum.h"

#include <string.h>

/* gcc and clang lower this to whatever vectors the machine has. */
typedef uint64_t lanes __attribute__((vector_size(SF_SUM_STRIDE)));

void
sf_sum_reset(sf_sum *s)
{
	memset(s, 0, sizeof(*s));
}

static void
add_strides(sf_sum *s, const char *text, size_t n)
{
	lanes a;
	lanes b;
	lanes x;

	memcpy(&a, s->a, sizeof(a));
	memcpy(&b, s->b, sizeof(b));
	for (size_t i = 0; i < n; i++)
	{
		memcpy(&x, text + i * SF_SUM_STRIDE, sizeof(x));
		a += x;
		b += a;
	}
	memcpy(s->a, &a, sizeof(a));
	memcpy(s->b, &b, sizeof(b));
}

void
sf_sum_add(sf_sum *s, const char *text, size_t len)
{
	size_t have = s->len % SF_SUM_STRIDE;
	size_t whole;

	s->len += len;
	if (have > 0)
	{
		size_t n = SF_SUM_STRIDE - have < len ? SF_SUM_STRIDE - have : len;

		memcpy(s->tail + have, text, n);
		if (have + n < SF_SUM_STRIDE)
			return;
		add_strides(s, (const char *) s->tail, 1);
		text += n;
		len -= n;
	}
	whole = len / SF_SUM_STRIDE;
	add_strides(s, text, whole);
	memcpy(s->tail, text + whole * SF_SUM_STRIDE, len - whole * SF_SUM_STRIDE);
}

bool
sf_sum_equal(const sf_sum *x, const sf_sum *y)
{
	return x->len == y->len && memcmp(x->a, y->a, sizeof(x->a)) == 0 &&
		   memcmp(x->b, y->b, sizeof(x->b)) == 0 &&
		   memcmp(x->tail, y->tail, x->len % SF_SUM_STRIDE) == 0;
}
