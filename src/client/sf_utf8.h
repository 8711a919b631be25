/*
 * sf_utf8.h
 *		UTF-8 checks (level 0).
 *
 * Valid means valid for PostgreSQL: no overlong forms, no surrogates, nothing above U+10FFFF,
 * and no NUL byte.
 */
#ifndef SF_UTF8_H
#define SF_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Number of leading bytes of data that are whole valid characters; len when all are.  *truncated
 * (may be NULL) tells whether the rest is the valid beginning of one character that goes on
 * behind the data.  Reads 64 bytes at a time over ASCII.
 */
extern size_t sf_utf8_check(const char *data, size_t len, bool *truncated);

/* The largest character border at or below max (in bytes) of a text that is longer than max. */
extern size_t sf_utf8_clip(const char *text, size_t len, size_t max);

/* Writes one code point as UTF-8; returns the bytes written (1..4), 0 for no valid code point. */
extern int sf_utf8_encode(uint32_t code_point, char out[4]);

#endif /* SF_UTF8_H */
