/*
 * ingest_keys.c
 *		Rows of one upsert that name the same external id: Salesforce refuses all of them that come in one chunk.
 */
#include <stdlib.h>
#include <string.h>

#include "ingest_int.h"

void
ingest_keys_free(ingest_run *r)
{
	for (int i = 0; i < r->nkeys; i++)
		free(r->keys[i]);
	free(r->keys);
	r->keys = NULL;
	r->nkeys = 0;
}

/* An id as the field compares it; NULL: there is none, or no memory. */
static char *
fold(const ingest_run *r, const char *text, size_t len)
{
	char *out;

	while (len > 0 && (*text == ' ' || *text == '\t'))
	{
		text++;
		len--;
	}
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	if (len == 0 || (len == 4 && memcmp(text, "#N/A", 4) == 0))
		return NULL;
	out = strndup(text, len);
	if (out && !sim_field_case_sensitive(r->key))
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

/* Of a sorted list keep one of each that is there more than once. */
static int
keep_shared(char **keys, int n)
{
	int kept = 0;

	for (int i = 0; i < n;)
	{
		int k = i + 1;

		while (k < n && strcmp(keys[k], keys[i]) == 0)
			free(keys[k++]);
		if (k > i + 1)
			keys[kept++] = keys[i];
		else
			free(keys[i]);
		i = k;
	}
	return kept;
}

void
ingest_keys_find(ingest_run *r, int64_t offset, int64_t n)
{
	csv_in *c;
	sim_error err;
	int count = 0;

	ingest_keys_free(r);

	/* ids have a case of their own, and rows without one are new */
	if (r->op != INGEST_UPSERT || r->key_column < 0 || sim_field_type(r->key) == SIM_T_ID)
		return;
	c = ingest_reader(r, offset);
	r->keys = calloc((size_t) n, sizeof(*r->keys));
	for (int64_t i = 0; c && r->keys && i < n && csv_in_next(c, &err) > 0; i++)
	{
		size_t len;
		const char *text = csv_in_cell(c, r->key_column, &len);
		char *key = fold(r, text, len);

		if (key)
			r->keys[count++] = key;
	}
	csv_in_free(c);
	if (r->keys == NULL)
		return;
	qsort(r->keys, (size_t) count, sizeof(*r->keys), compare);
	r->nkeys = keep_shared(r->keys, count);
}

bool
ingest_keys_shared(const ingest_run *r, const char *text, size_t len, sim_error *err)
{
	char *key = r->nkeys > 0 ? fold(r, text, len) : NULL;
	bool shared = key && bsearch(&key, r->keys, (size_t) r->nkeys, sizeof(*r->keys), compare);

	if (shared)
	{
		sim_error_set(err, "DUPLICATE_VALUE", "Duplicate external id specified: %s", key);
		sim_error_field(err, sim_field_name(r->key));
	}
	free(key);
	return shared;
}
