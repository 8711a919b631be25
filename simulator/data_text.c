/*
 * data_text.c
 *		Generators of text: names, addresses, picklists, prose.
 */
#include "data_gen.h"

/* ---------------------------------------------------------------- short text */

void
gen_company(const sim_gen *g, sim_cell *out)
{
	if (gen_awkward_text(g, out) || gen_is_null(g, 5))
		return;
	gen_begin(out);
	gen_add(out, gen_pick_word(g, &sim_words_company, 0));
	gen_add(out, " ");
	gen_add(out, gen_pick_word(g, &sim_words_suffix, 8));
	gen_add(out, " ");
	gen_add_number(out, (uint64_t) g->row, 1);
}

void
gen_invoice_name(const sim_gen *g, sim_cell *out)
{
	unsigned odd = (unsigned) (g->hash >> 30) % 100;

	if (gen_awkward_text(g, out))
		return;
	gen_begin(out);
	if (odd < 3)
		gen_add(out, "\"");
	gen_add(out, gen_pick_word(g, &sim_words_company, 0));
	gen_add(out, odd == 4 ? "\n" : " ");
	gen_add(out, gen_pick_word(g, &sim_words_suffix, 8));
	if (odd < 3)
		gen_add(out, "\"");
	gen_add(out, odd == 5 || odd == 6 ? ", " : " ");
	gen_add(out, gen_pick_word(g, &sim_words_noun, 16));
	gen_add(out, " for ");
	gen_add(out, gen_pick_word(g, &sim_words_city, 22));
	gen_add(out, " ");
	gen_add_number(out, (uint64_t) g->row, 7);
}

void
gen_deal(const sim_gen *g, sim_cell *out)
{
	if (gen_awkward_text(g, out))
		return;
	gen_begin(out);
	gen_add(out, gen_pick_word(g, &sim_words_company, 0));
	gen_add(out, " - ");
	gen_add(out, gen_pick_word(g, &sim_words_noun, 8));
	gen_add(out, " ");
	gen_add_number(out, (uint64_t) g->row, 4);
}

void
gen_first_name(const sim_gen *g, sim_cell *out)
{
	if (!gen_awkward_text(g, out) && !gen_is_null(g, 10))
		gen_set_text(out, gen_pick_word(g, &sim_words_first, 0));
}

void
gen_last_name(const sim_gen *g, sim_cell *out)
{
	if (!gen_awkward_text(g, out))
		gen_set_text(out, gen_pick_word(g, &sim_words_last, 0));
}

void
gen_words(const sim_gen *g, sim_cell *out)
{
	if (gen_awkward_text(g, out) || gen_is_null(g, 30))
		return;
	gen_begin(out);
	gen_add(out, gen_pick_word(g, &sim_words_noun, 0));
	gen_add(out, " ");
	gen_add(out, gen_pick_word(g, &sim_words_suffix, 8));
}

/* Lower-case ASCII letters of a name; other characters are left out, as mail systems do. */
static void
add_mail_name(sim_cell *out, const char *name)
{
	for (; *name != '\0'; name++)
	{
		char c = (char) (*name | 0x20);

		if (c >= 'a' && c <= 'z')
			out->buf[out->len++] = c;
	}
}

void
gen_email(const sim_gen *g, sim_cell *out)
{
	static const char *const domain[] = {"@mail.example.com", "@customers.example.org",
										 "@customers.example.net", "@Sales.Example.com"};

	if (gen_is_null(g, 4))
		return;
	gen_begin(out);
	add_mail_name(out, gen_pick_word(g, &sim_words_first, 0));
	gen_add(out, g->hash >> 59 & 1 ? "." : "_");
	add_mail_name(out, gen_pick_word(g, &sim_words_last, 6));
	if (g->hash >> 60 == 0)
		gen_add(out, "o'brien");
	gen_add_number(out, (g->hash >> 12) % 100000000, 8);
	gen_add(out, domain[g->hash >> 36 & 3]);
}

void
gen_phone(const sim_gen *g, sim_cell *out)
{
	if (gen_awkward_slot(g, 4) == 1)
	{
		gen_set_text(out, "+49 (0)30 \"123\" ext. 4");
		return;
	}
	if (gen_is_null(g, 8))
		return;
	gen_begin(out);
	gen_add(out, "(");
	gen_add_number(out, 200 + g->hash % 800, 3);
	gen_add(out, ") ");
	gen_add_number(out, (g->hash >> 16) % 1000, 3);
	gen_add(out, "-");
	gen_add_number(out, (g->hash >> 32) % 10000, 4);
}

void
gen_url(const sim_gen *g, sim_cell *out)
{
	if (gen_is_null(g, 30))
		return;
	gen_begin(out);
	gen_add(out,
			g->hash & 1 ? "https://www.example.com/c/" : "http://example.org/?q=a%20b&id=");
	gen_add_number(out, (g->hash >> 8) % 1000000, 1);
}

void
gen_street(const sim_gen *g, sim_cell *out)
{
	if (gen_is_null(g, 10))
		return;
	gen_begin(out);
	gen_add_number(out, g->hash % 999 + 1, 1);
	gen_add(out, " ");
	gen_add(out, gen_pick_word(g, &sim_words_street, 16));
	if ((g->hash >> 36) % 10 == 0)
		gen_add(out, "\nSuite 4, \"B\"");
}

void
gen_city(const sim_gen *g, sim_cell *out)
{
	if (!gen_is_null(g, 10))
		gen_set_text(out, gen_pick_word(g, &sim_words_city, 0));
}

void
gen_state(const sim_gen *g, sim_cell *out)
{
	if (!gen_is_null(g, 30))
		gen_set_text(out, gen_pick_word(g, &sim_words_state, 0));
}

void
gen_country(const sim_gen *g, sim_cell *out)
{
	if (!gen_is_null(g, 10))
		gen_set_text(out, gen_pick_word(g, &sim_words_country, 0));
}

/* Digits that must stay text: leading zeros are common. */
void
gen_postcode(const sim_gen *g, sim_cell *out)
{
	if (gen_is_null(g, 15))
		return;
	gen_begin(out);
	gen_add_number(out, g->hash % 100000, 5);
}

void
gen_code(const sim_gen *g, sim_cell *out)
{
	if (gen_awkward_text(g, out) || gen_is_null(g, 20))
		return;
	gen_begin(out);
	gen_add(out, g->hash & 1 ? "AC" : "ac");
	gen_add_number(out, g->hash % 1000000, 1);
}

void
gen_alias(const sim_gen *g, sim_cell *out)
{
	if (gen_is_null(g, 50))
		return;
	gen_begin(out);
	for (int i = 0; i < 4; i++)
		out->buf[out->len++] = (char) ('A' + (g->hash >> (8 * i)) % 26);
}

void
gen_username(const sim_gen *g, sim_cell *out)
{
	gen_begin(out);
	if (g->row == 0)
	{
		gen_add(out, "admin@sfsim.example.com");
		return;
	}
	gen_add(out, "user");
	gen_add_number(out, (uint64_t) g->row, 2);
	gen_add(out, "@sfsim.example.com");
}

/* Unique whatever the case; the case itself varies. */
void
gen_key_ci(const sim_gen *g, sim_cell *out)
{
	static const char *const start[] = {"EXT-", "Ext-", "ext-"};

	if (g->row % 50 == 49)
		return;
	gen_begin(out);
	gen_add(out, start[g->hash % 3]);
	gen_add_number(out, (uint64_t) g->row, 7);
}

/* Unique only when the case counts: neighbours differ in nothing else. */
void
gen_key_cs(const sim_gen *g, sim_cell *out)
{
	if (g->row % 50 == 49)
		return;
	gen_begin(out);
	gen_add(out, g->row & 1 ? "KEY-" : "key-");
	gen_add_number(out, (uint64_t) g->row / 2, 7);
}

/* What the API shows of an encrypted field. */
void
gen_secret(const sim_gen *g, sim_cell *out)
{
	if (gen_is_null(g, 50))
		return;
	gen_begin(out);
	gen_add(out, "************");
	gen_add_number(out, g->hash % 10000, 4);
}

/* ---------------------------------------------------------------- picklists */

static void
pick(const sim_gen *g, sim_cell *out)
{
	const sim_pick *list = g->field->picks;
	uint64_t n = 0;
	uint64_t at;

	while (list != NULL && list[n].value != NULL)
		n++;
	if (n == 0)
		return;
	at = g->hash % n;
	for (uint64_t tries = 0; list[at].inactive && tries < n; tries++)
		at = (at + 1) % n;
	gen_set_text(out, list[at].value);
}

/* An unrestricted list also has values that nobody set up, and some in another case. */
void
gen_pick(const sim_gen *g, sim_cell *out)
{
	int slot = g->field->flags & SF_RESTRICTED ? -1 : gen_awkward_slot(g, 12);

	if (slot >= 0 && slot < 4)
	{
		static const char *const odd[] = {"inactive value", "a, \"b\"", "OTHER", "ünlisted"};

		gen_set_text(out, odd[slot]);
	}
	else if (!gen_is_null(g, 15))
		pick(g, out);
}

void
gen_pick_required(const sim_gen *g, sim_cell *out)
{
	pick(g, out);
}

/* The first value of a list, or the one of the row's number for small setup objects. */
void
gen_constant(const sim_gen *g, sim_cell *out)
{
	int64_t n = 0;

	while (g->field->picks[n].value != NULL)
		n++;
	gen_set_text(out, g->field->picks[g->field->flags & SF_NAME ? g->row % n : 0].value);
}

/* Up to three different values, in setup order. */
void
gen_multi(const sim_gen *g, sim_cell *out)
{
	uint64_t bits = g->hash & (g->hash >> 9) & 0x7f;

	if (bits == 0)
		return;
	gen_begin(out);
	for (int i = 0; i < 7 && g->field->picks[i].value != NULL; i++)
	{
		if (!(bits >> i & 1))
			continue;
		if (out->len > 0)
			gen_add(out, ";");
		gen_add(out, g->field->picks[i].value);
	}
	if (out->len == 0)
		out->kind = SIM_CELL_NULL;
}

/* ---------------------------------------------------------------- long text */

/* " (ref K3F90TQ2X7M81ZQ0)": real notes hold names and numbers, which no dictionary compresses. */
static void
add_reference(sim_cell *out, uint64_t h)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	gen_add(out, " (ref ");
	for (int i = 0; i < 16; i++)
	{
		/* a 64-bit number is good for 12 digits */
		if (i % 8 == 0)
			h = gen_mix(h);
		out->buf[out->len++] = digits[h % 36];
		h /= 36;
	}
	gen_add(out, ")");
}

static void
sentences(const sim_gen *g, sim_cell *out, size_t wanted)
{
	uint64_t h = g->hash;

	while (out->len < wanted)
	{
		const sim_words *list = &sim_words_prose;

		if (out->len > 0)
			gen_add(out, h >> 60 == 0 ? ".\n" : ", ");
		gen_add(out, list->word[(h >> 20) % (uint64_t) list->n]);
		h = gen_mix(h);
		if ((h & 3) != 0)
			add_reference(out, h >> 8);
	}
}

/* About 120 characters; 30 % null. */
void
gen_prose(const sim_gen *g, sim_cell *out)
{
	int slot = gen_awkward_slot(g, sim_words_awkward_long.n * 2);

	if (slot >= 0 && slot < sim_words_awkward_long.n)
	{
		gen_set_text(out, sim_words_awkward_long.word[slot]);
		return;
	}
	if (gen_awkward_text(g, out) || gen_is_null(g, 30))
		return;
	gen_begin(out);
	sentences(g, out, 120);
}

/* Few rows have it, and up to 900 characters. */
void
gen_long_prose(const sim_gen *g, sim_cell *out)
{
	int slot = gen_awkward_slot(g, sim_words_awkward_long.n);

	if (slot >= 0)
	{
		gen_set_text(out, sim_words_awkward_long.word[slot]);
		return;
	}
	if (gen_is_null(g, 80))
		return;
	gen_begin(out);
	sentences(g, out, 40 + g->hash % (g->row < 1000 ? 800 : 100));
}

void
gen_html(const sim_gen *g, sim_cell *out)
{
	if (gen_is_null(g, 70))
		return;
	gen_begin(out);
	gen_add(out, "<p style=\"color: red\">");
	sentences(g, out, 60);
	gen_add(out, " &amp; more</p><br>");
}

/* Bytes that are no text. */
void
gen_blob(const sim_gen *g, sim_cell *out)
{
	size_t len = g->hash % 64;

	if (g->row % 4 != 0)
		return;
	out->kind = SIM_CELL_BLOB;
	out->text = out->buf;
	out->len = len;
	for (size_t i = 0; i < len; i++)
		out->buf[i] = (char) (gen_mix(g->hash + i) & 0xff);
}
