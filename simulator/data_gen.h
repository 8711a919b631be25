/*
 * data_gen.h
 *		What the generators of data.c and data_text.c have in common.
 */
#ifndef SFSIM_DATA_GEN_H
#define SFSIM_DATA_GEN_H

#include "data.h"

#include <string.h>

/* Rows that take every third value of a field from a list of awkward ones. */
#define AWKWARD_FIRST 5
#define AWKWARD_END	  305

/* The finaliser of splitmix64. */
static inline uint64_t
gen_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* Which of n awkward values this cell gets; -1: an ordinary one. */
static inline int
gen_awkward_slot(const sim_gen *g, int n)
{
	int64_t at = g->row + g->field_no * 7;

	if (g->row < AWKWARD_FIRST || g->row >= AWKWARD_END || at % 3 != 0)
		return -1;
	return (int) (at / 3 % n);
}

/* Null in about percent of the rows; never when the field is required. */
static inline bool
gen_is_null(const sim_gen *g, unsigned percent)
{
	return !(g->field->flags & SF_REQUIRED) && (g->hash >> 40) % 100 < percent;
}

static inline void
gen_set_int(sim_cell *out, int64_t i)
{
	out->kind = SIM_CELL_INT;
	out->i = i;
}

static inline void
gen_set_real(sim_cell *out, double d)
{
	out->kind = SIM_CELL_REAL;
	out->d = d;
}

static inline void
gen_set_text(sim_cell *out, const char *text)
{
	out->kind = SIM_CELL_TEXT;
	out->text = text;
	out->len = strlen(text);
}

/* Entry number i of the picklist, or the last one when there are fewer; null when there is none. */
static inline void
gen_pick_at(const sim_gen *g, int i, sim_cell *out)
{
	const sim_pick *p = g->field->picks;

	if (p == NULL || p->value == NULL)
		return;
	while (i-- > 0 && p[1].value != NULL)
		p++;
	gen_set_text(out, p->value);
}

/* Text that is put together in out->buf. */
static inline void
gen_begin(sim_cell *out)
{
	out->kind = SIM_CELL_TEXT;
	out->text = out->buf;
	out->len = 0;
}

static inline void
gen_add(sim_cell *out, const char *s)
{
	size_t len = strlen(s);

	if (out->len + len > SIM_CELL_SIZE)
		len = SIM_CELL_SIZE - out->len;
	memcpy(out->buf + out->len, s, len);
	out->len += len;
}

/* A number with at least width digits. */
static inline void
gen_add_number(sim_cell *out, uint64_t n, int width)
{
	char digits[24];
	int len = 0;

	while (n > 0 || len < width)
	{
		digits[sizeof(digits) - 1 - len] = (char) ('0' + n % 10);
		n /= 10;
		len++;
	}
	memcpy(out->buf + out->len, digits + sizeof(digits) - len, (size_t) len);
	out->len += (size_t) len;
}

/* Words of a list by some bits of the hash. */
static inline const char *
gen_pick_word(const sim_gen *g, const sim_words *words, int shift)
{
	return words->word[(g->hash >> shift) % (uint64_t) words->n];
}

/* Takes an awkward text when it is this cell's turn. */
static inline bool
gen_awkward_text(const sim_gen *g, sim_cell *out)
{
	const sim_words *list = &sim_words_awkward;
	int slot = gen_awkward_slot(g, list->n);

	if (slot < 0)
		return false;
	gen_set_text(out, list->word[slot]);
	return true;
}

#endif /* SFSIM_DATA_GEN_H */
