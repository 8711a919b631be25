/*
 * sf_secret.h
 *		A string that is wiped when it is freed and never printed by accident (level 0).
 *
 * It is a struct, so handing it to a printf is a compiler error; the text comes out only through
 * sf_secret_reveal, which is easy to search for.
 */
#ifndef SF_SECRET_H
#define SF_SECRET_H

#include "sf_client.h"

typedef struct sf_secret
{
	char *hidden;
	size_t hidden_len;
} sf_secret;

/*
 * Replaces the content by a copy of text (NULL clears it), wiping the old one.  False when out of
 * memory: the secret is then empty.  Start with a zeroed struct.
 */
extern bool sf_secret_set(sf_secret *s, const char *text);
extern bool sf_secret_set_len(sf_secret *s, const char *text, size_t len);

/* Wipes and frees it; usable again.  Fine on a zeroed struct. */
extern void sf_secret_clear(sf_secret *s);

/* True when it holds a text, also an empty one. */
extern bool sf_secret_is_set(const sf_secret *s);

/* The text (0-terminated, owned by the secret), or NULL when none is set. */
extern const char *sf_secret_reveal(const sf_secret *s);
extern size_t sf_secret_len(const sf_secret *s);

/* Compares in a time that depends on the lengths only.  Unset never equals anything. */
extern bool sf_secret_equal(const sf_secret *a, const sf_secret *b);

/* Wipes len bytes so that the compiler cannot drop it; NULL is fine. */
extern void sf_wipe(void *data, size_t len);

/* Wipes and frees a malloc'ed string; NULL is fine. */
extern void sf_wipe_free(char *text);

#endif /* SF_SECRET_H */
