/*
 * sf_secret.c
 *		A string that is wiped when it is freed.
 */
#include <stdlib.h>
#include <string.h>

#include "sf_secret.h"

void
sf_wipe(void *data, size_t len)
{
	if (data != NULL && len > 0)
		explicit_bzero(data, len);
}

void
sf_wipe_free(char *text)
{
	if (text != NULL)
		sf_wipe(text, strlen(text));
	free(text);
}

void
sf_secret_clear(sf_secret *s)
{
	sf_wipe(s->hidden, s->hidden_len);
	free(s->hidden);
	s->hidden = NULL;
	s->hidden_len = 0;
}

bool
sf_secret_set_len(sf_secret *s, const char *text, size_t len)
{
	char *copy = NULL;

	/* copy first: text may be the secret's own */
	if (text != NULL)
	{
		copy = malloc(len + 1);
		if (copy != NULL)
		{
			memcpy(copy, text, len);
			copy[len] = 0;
		}
	}
	sf_secret_clear(s);
	s->hidden = copy;
	s->hidden_len = copy == NULL ? 0 : len;
	return text == NULL || copy != NULL;
}

bool
sf_secret_set(sf_secret *s, const char *text)
{
	return sf_secret_set_len(s, text, text == NULL ? 0 : strlen(text));
}

bool
sf_secret_is_set(const sf_secret *s)
{
	return s->hidden != NULL;
}

const char *
sf_secret_reveal(const sf_secret *s)
{
	return s->hidden;
}

size_t
sf_secret_len(const sf_secret *s)
{
	return s->hidden_len;
}

bool
sf_secret_equal(const sf_secret *a, const sf_secret *b)
{
	unsigned char diff = 0;

	if (a->hidden == NULL || b->hidden == NULL || a->hidden_len != b->hidden_len)
		return false;
	for (size_t i = 0; i < a->hidden_len; i++)
		diff |= (unsigned char) (a->hidden[i] ^ b->hidden[i]);
	return diff == 0;
}
