/*
 * text.h
 *		How the org compares text: without regard to case, by upper-cased code points.
 */
#ifndef SFSIM_TEXT_H
#define SFSIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Compare two UTF-8 texts by their upper-cased code points: <0, 0, >0 as memcmp.  Also the
 * shape of an SQLite collation (arg is not used).
 */
int sim_text_compare(void *arg, int alen, const void *a, int blen, const void *b);

/* The same without regard to accents (of Latin letters) and width. */
int sim_text_compare_folded(void *arg, int alen, const void *a, int blen, const void *b);

/* What makes no difference to sim_text_like(). */
typedef enum sim_fold
{
	SIM_FOLD_NOTHING,
	SIM_FOLD_CASE,
	SIM_FOLD_ACCENTS /* case, accents and width */
} sim_fold;

/* SOQL's LIKE: % is any run, _ one code point, backslash makes the next character plain. */
bool
sim_text_like(const char *pattern, size_t plen, const char *text, size_t len, sim_fold fold);

/* Does the ';' list text hold every member of the ';' list wanted (case ignored)? */
bool sim_text_includes(const char *wanted, size_t wlen, const char *text, size_t len);

/* Number of code points in UTF-8 text; byte length of its first n code points. */
size_t sim_text_chars(const char *text, size_t len);
size_t sim_text_prefix(const char *text, size_t len, size_t chars);

/* Bytes of the UTF-8 sequence that text begins with; 0: none (cut off, overlong, surrogate, too high). */
size_t sim_utf8_sequence(const char *text, size_t len);

/* How many bytes from the start on are UTF-8: len when all are. */
size_t sim_utf8_prefix(const char *text, size_t len);

#endif /* SFSIM_TEXT_H */
