/*
 * text.c
 *		Case folding, LIKE and multi-select membership over UTF-8.
 */
#include "text.h"

#include <locale.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <wctype.h>

/* Above this no script has case, save Adlam and friends below 0x1ffff. */
#define FOLD_MAX 0x20000

static uint32_t fold_table[FOLD_MAX];
static pthread_once_t fold_once = PTHREAD_ONCE_INIT;

/*
 * Lower first, then upper: so that signs with two lower-case forms (Kelvin, final sigma) meet,
 * as in Java's equalsIgnoreCase.
 */
static void
build_fold_table(void)
{
	locale_t loc = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);

	if (loc == (locale_t) 0)
		loc = newlocale(LC_CTYPE_MASK, "en_US.UTF-8", (locale_t) 0);
	for (uint32_t c = 0; c < FOLD_MAX; c++)
	{
		if (c < 0x80)
			fold_table[c] = (c >= 'a' && c <= 'z') ? c - 32 : c;
		else if (loc != (locale_t) 0)
			fold_table[c] = (uint32_t) towupper_l(towlower_l((wint_t) c, loc), loc);
		else
			fold_table[c] = c;
	}
	if (loc != (locale_t) 0)
		freelocale(loc);
}

/* Next code point; a broken sequence counts byte by byte. */
static uint32_t
next_char(const unsigned char **at, const unsigned char *end)
{
	const unsigned char *s = *at;
	uint32_t c = *s;
	int more = c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	if (more == 0 || end - s <= more)
	{
		*at = s + 1;
		return c;
	}
	c &= 0x3fu >> more;
	for (int i = 1; i <= more; i++)
		c = c << 6 | (s[i] & 0x3f);
	*at = s + 1 + more;
	return c;
}

static uint32_t
fold(uint32_t c)
{
	return c < FOLD_MAX ? fold_table[c] : c;
}

/* Letters of Latin-1 and Latin Extended-A without their accents, from U+00C0 on; ' ' stands as it is. */
static const char plain_letters[] = "AAAAAA CEEEEIIII NOOOOO  UUUUY  aaaaaa ceeeeiiii nooooo  "
									"uuuuy yAaAaAaCcCcCcCcDd  EeEeEeEeEe"
									"GgGgGgGgHh  IiIiIiIiI   JjKk LlLlLl    NnNnNn   OoOoOo  "
									"RrRrRrSsSsSsSsTtTt  UuUuUuUuUuUuWwYy"
									"YZzZzZz";

/* Full width to ASCII; accents off. */
static uint32_t
strip(uint32_t c)
{
	if (c >= 0xff01 && c <= 0xff5e)
		return c - 0xff01 + 0x21;
	if (c == 0x3000)
		return ' ';
	if (c >= 0xc0 && c - 0xc0 < sizeof(plain_letters) - 1 && plain_letters[c - 0xc0] != ' ')
		return (unsigned char) plain_letters[c - 0xc0];
	return c;
}

static uint32_t
fold_by(sim_fold how, uint32_t c)
{
	if (how == SIM_FOLD_NOTHING)
		return c;
	return fold(how == SIM_FOLD_ACCENTS ? strip(c) : c);
}

/* The next character that is no combining accent; false at the end. */
static bool
next_base(const unsigned char **at, const unsigned char *end, uint32_t *c)
{
	while (*at < end)
	{
		*c = next_char(at, end);
		if (*c < 0x300 || *c > 0x36f)
			return true;
	}
	return false;
}

int
sim_text_compare_folded(void *arg, int alen, const void *a, int blen, const void *b)
{
	const unsigned char *pa = a;
	const unsigned char *pb = b;
	const unsigned char *enda = pa + alen;
	const unsigned char *endb = pb + blen;

	(void) arg;
	pthread_once(&fold_once, build_fold_table);
	for (;;)
	{
		uint32_t ca = 0;
		uint32_t cb = 0;
		bool more_a = next_base(&pa, enda, &ca);
		bool more_b = next_base(&pb, endb, &cb);

		if (!more_a || !more_b)
			return more_a - more_b;
		ca = fold_by(SIM_FOLD_ACCENTS, ca);
		cb = fold_by(SIM_FOLD_ACCENTS, cb);
		if (ca != cb)
			return ca < cb ? -1 : 1;
	}
}

int
sim_text_compare(void *arg, int alen, const void *a, int blen, const void *b)
{
	const unsigned char *pa = a;
	const unsigned char *pb = b;
	const unsigned char *enda = pa + alen;
	const unsigned char *endb = pb + blen;

	(void) arg;
	pthread_once(&fold_once, build_fold_table);
	while (pa < enda && pb < endb)
	{
		uint32_t ca = *pa;
		uint32_t cb = *pb;

		if ((ca | cb) < 0x80)
		{
			pa++;
			pb++;
		}
		else
		{
			ca = next_char(&pa, enda);
			cb = next_char(&pb, endb);
		}
		if (ca != cb)
		{
			ca = fold(ca);
			cb = fold(cb);
			if (ca != cb)
				return ca < cb ? -1 : 1;
		}
	}
	return (pa < enda) - (pb < endb);
}

/* One pattern character; *plain is false for an unescaped % or _. */
static uint32_t
next_pattern(const unsigned char **at, const unsigned char *end, bool *plain)
{
	uint32_t c = next_char(at, end);

	*plain = c != '%' && c != '_';
	if (c == '\\' && *at < end)
		c = next_char(at, end);
	return c;
}

bool
sim_text_like(const char *pattern, size_t plen, const char *text, size_t len, sim_fold how)
{
	const unsigned char *p = (const unsigned char *) pattern;
	const unsigned char *pend = p + plen;
	const unsigned char *t = (const unsigned char *) text;
	const unsigned char *tend = t + len;
	const unsigned char *star_p = NULL; /* behind the last % */
	const unsigned char *star_t = NULL; /* where its run ends at present */

	pthread_once(&fold_once, build_fold_table);
	for (;;)
	{
		bool matched = false;

		if (p < pend)
		{
			bool plain;
			uint32_t c = next_pattern(&p, pend, &plain);

			if (!plain && c == '%')
			{
				star_p = p;
				star_t = t;
				continue;
			}
			if (t < tend)
			{
				uint32_t have = next_char(&t, tend);

				matched = !plain || c == have || fold_by(how, c) == fold_by(how, have);
			}
		}
		else if (t == tend)
			return true;
		if (matched)
			continue;
		if (star_p == NULL || star_t >= tend)
			return false;
		/* let the last % take one character more and try again */
		next_char(&star_t, tend);
		p = star_p;
		t = star_t;
	}
}

static bool
has_member(const char *member, size_t mlen, const char *text, size_t len)
{
	const char *end = text + len;

	while (text <= end)
	{
		const char *semi = memchr(text, ';', (size_t) (end - text));
		const char *stop = semi ? semi : end;

		if (sim_text_compare(NULL, (int) mlen, member, (int) (stop - text), text) == 0)
			return true;
		text = stop + 1;
	}
	return false;
}

bool
sim_text_includes(const char *wanted, size_t wlen, const char *text, size_t len)
{
	const char *end = wanted + wlen;

	while (wanted <= end)
	{
		const char *semi = memchr(wanted, ';', (size_t) (end - wanted));
		const char *stop = semi ? semi : end;

		if (!has_member(wanted, (size_t) (stop - wanted), text, len))
			return false;
		wanted = stop + 1;
	}
	return true;
}

size_t
sim_text_chars(const char *text, size_t len)
{
	size_t chars = 0;

	for (size_t i = 0; i < len; i++)
		chars += ((unsigned char) text[i] & 0xc0) != 0x80;
	return chars;
}

size_t
sim_text_prefix(const char *text, size_t len, size_t chars)
{
	size_t i;

	for (i = 0; i < len; i++)
	{
		if (((unsigned char) text[i] & 0xc0) != 0x80 && chars-- == 0)
			break;
	}
	return i;
}

/* ---------------------------------------------------------------- what is UTF-8 */

size_t
sim_utf8_sequence(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *) text;
	unsigned c = len > 0 ? s[0] : 0xff;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (n == 1)
		return 1;
	if (c < 0xc2 || c > 0xf4 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) ||
		(c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

size_t
sim_utf8_prefix(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len)
	{
		size_t n = sim_utf8_sequence(text + i, len - i);

		if (n == 0)
			break;
		i += n;
	}
	return i;
}
