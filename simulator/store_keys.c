/*
 * store_keys.c
 *		Rows of one upsert that name the same external id: Salesforce refuses all of them that come in one chunk.
 */
#include <stdlib.h>
#include <string.h>

#include "store.h"

void
sim_keys_free(sim_keys *s)
{
	for (int i = 0; i < s->n; i++)
		free(s->keys[i]);
	free(s->keys);
	memset(s, 0, sizeof(*s));
}

/* An id as the field compares it; NULL: there is none, or no memory. */
static char *
fold(const sim_field *field, const char *text, size_t len)
{
	char *out;

	while (len > 0 && (*text == ' ' || *text == '\t'))
	{
		text++;
		len--;
	}
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	if (len == 0)
		return NULL;
	out = strndup(text, len);
	if (out && !sim_field_case_sensitive(field))
		for (char *p = out; *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char) (*p - 'A' + 'a');
	return out;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

void
sim_keys_add(sim_keys *s, const char *text, size_t len)
{
	char *key = fold(s->field, text, len);

	if (key && s->n == s->space)
	{
		int space = s->space ? 2 * s->space : 64;
		char **more = realloc(s->keys, (size_t) space * sizeof(*more));

		if (more == NULL)
		{
			free(key);
			return;
		}
		s->keys = more;
		s->space = space;
	}
	if (key)
		s->keys[s->n++] = key;
}

void
sim_keys_done(sim_keys *s)
{
	int kept = 0;

	if (s->n > 0)
		qsort(s->keys, (size_t) s->n, sizeof(*s->keys), compare);
	for (int i = 0; i < s->n;)
	{
		int k = i + 1;

		while (k < s->n && strcmp(s->keys[k], s->keys[i]) == 0)
			free(s->keys[k++]);
		if (k > i + 1)
			s->keys[kept++] = s->keys[i];
		else
			free(s->keys[i]);
		i = k;
	}
	s->n = kept;
}

bool
sim_keys_shared(const sim_keys *s, const char *text, size_t len, sim_error *err)
{
	char *key = s->n > 0 ? fold(s->field, text, len) : NULL;
	bool shared = key && bsearch(&key, s->keys, (size_t) s->n, sizeof(*s->keys), compare);

	if (shared)
	{
		sim_error_set(err, "DUPLICATE_VALUE", "Duplicate external id specified: %s", key);
		sim_error_field(err, sim_field_name(s->field));
	}
	free(key);
	return shared;
}
