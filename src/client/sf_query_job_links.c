/*
 * sf_query_job_links.c
 *		Which result pages a query job has.
 */
#include "sf_query_job_links.h"

#include <stdlib.h>
#include <string.h>

#include "sf_http_headers.h"
#include "sf_json.h"
#include "sf_url.h"

void
sf_links_free(sf_links *l)
{
	char *locator;

	while ((locator = sf_links_take(l)) != NULL)
		free(locator);
	free(l->next);
	free(l->seen);
	memset(l, 0, sizeof(*l));
}

/* ---- locators that came ------------------------------------------------------------ */

/* FNV-1a; 0 marks a free place in the table. */
static uint64_t
hash_text(const char *text, uint64_t start)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ start;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char) *text) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	return h != 0 ? h : 1;
}

static bool
put_hash(uint64_t *table, size_t size, uint64_t h)
{
	size_t i = h & (size - 1);

	while (table[i] != 0)
	{
		if (table[i] == h)
			return false;
		i = (i + 1) & (size - 1);
	}
	table[i] = h;
	return true;
}

/* Remembers a locator; kind keeps lists and pages apart. */
static sf_status
remember(sf_links *l, const char *locator, uint64_t kind, sf_error *err)
{
	if (l->seen_count >= SF_PAGES_MAX)
		return sf_error_set(err, SF_ERR_LIMIT, "the result has more than %d pages",
							SF_PAGES_MAX);
	if (l->seen_count * 2 >= l->seen_size)
	{
		size_t size = l->seen_size > 0 ? l->seen_size * 2 : 64;
		uint64_t *table = calloc(size, sizeof(*table));

		if (table == NULL)
			return sf_error_nomem(err);
		for (size_t i = 0; i < l->seen_size; i++)
		{
			if (l->seen[i] != 0)
				put_hash(table, size, l->seen[i]);
		}
		free(l->seen);
		l->seen = table;
		l->seen_size = size;
	}
	if (!put_hash(l->seen, l->seen_size, hash_text(locator, kind)))
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"the locator \"%s\" of a result page came twice", locator);
	l->seen_count++;
	return SF_OK;
}

sf_status
sf_links_expect(sf_links *l, const char *list, sf_error *err)
{
	return remember(l, list, 1, err);
}

/* ---- pages that wait --------------------------------------------------------------- */

sf_status
sf_links_add(sf_links *l, const char *locator, sf_error *err)
{
	char *copy;

	if (l->count >= SF_LINKS_MAX)
		return sf_error_set(err, SF_ERR_LIMIT, "a list of result pages has more than %d links",
							SF_LINKS_MAX);
	if (remember(l, locator, 0, err) != SF_OK)
		return SF_FAILED;
	copy = strdup(locator);
	if (copy == NULL)
		return sf_error_nomem(err);
	l->waiting[(l->first + l->count) % SF_LINKS_MAX] = copy;
	l->count++;
	return SF_OK;
}

char *
sf_links_take(sf_links *l)
{
	char *locator;

	if (l->count == 0)
		return NULL;
	locator = l->waiting[l->first];
	l->first = (l->first + 1) % SF_LINKS_MAX;
	l->count--;
	return locator;
}

/* ---- answers ----------------------------------------------------------------------- */

/* The first member that is there, of several names. */
static const sf_json *
either(const sf_json *object, const char *a, const char *b)
{
	const sf_json *node = sf_json_get_nocase(object, a);

	return node != NULL ? node : sf_json_get_nocase(object, b);
}

/* A page's locator; a link without one is the first page. */
static sf_status
read_link(sf_links *l, const sf_json *node, sf_error *err)
{
	const char *link = sf_json_text(node);
	sf_buf locator;
	sf_status st;

	if (link == NULL)
		link = sf_json_text(either(node, "resultUrl", "resultLink"));
	if (link == NULL)
		return sf_error_set(err, SF_ERR_PROTOCOL, "a result page has no link");
	sf_buf_init(&locator, SF_LOCATOR_MAX - 1);
	if (!sf_url_query_param(link, "locator", &locator) && strstr(link, "locator=") != NULL)
		st = sf_error_set(err, SF_ERR_PROTOCOL, "a result page has a malformed locator");
	else
		st = sf_links_add(l, sf_buf_text(&locator), err);
	sf_buf_free(&locator);
	return st;
}

static sf_status
read_next(sf_links *l, const sf_json *root, bool complete_known, sf_error *err)
{
	const sf_json *node = either(root, "nextRecordsUrl", "nextRecordUrl");
	const char *link = sf_json_text(node);
	bool done = false;
	bool has_done = sf_json_bool(sf_json_get_nocase(root, "done"), &done);
	sf_buf locator;
	sf_status st = SF_OK;

	if (done)
		return SF_OK;
	if (link == NULL || link[0] == '\0')
	{
		if (has_done && !complete_known)
			return sf_error_set(err, SF_ERR_PROTOCOL,
								"a list of result pages is not done but names no next list");
		return SF_OK;
	}
	sf_buf_init(&locator, SF_LOCATOR_MAX - 1);
	if (!sf_url_query_param(link, "locator", &locator) || locator.len == 0)
		st = sf_error_set(err, SF_ERR_PROTOCOL,
						  "the link to the next list of result pages has no locator");
	else if (strcmp(sf_buf_text(&locator), "null") != 0)
	{
		st = remember(l, sf_buf_text(&locator), 1, err);
		if (st == SF_OK)
		{
			l->next = sf_buf_take(&locator, NULL);
			if (l->next == NULL)
				st = sf_error_nomem(err);
		}
	}
	sf_buf_free(&locator);
	return st;
}

sf_status
sf_links_read(sf_links *l, const char *body, size_t len, bool complete_known, sf_error *err)
{
	static const char what[] = "list of result pages";
	sf_json *root = sf_json_parse(body, len, what, err);
	const sf_json *list;
	sf_status st = SF_OK;

	if (root == NULL)
		return SF_FAILED;
	free(l->next);
	l->next = NULL;
	list = either(root, "resultPages", "resultChunks");
	if (sf_json_kind_of(list) != SF_JSON_ARRAY)
		st = sf_error_set(err, SF_ERR_PROTOCOL, "the %s has no array of pages", what);
	for (const sf_json *node = sf_json_first(list); node != NULL && st == SF_OK;
		 node = sf_json_next(node))
		st = read_link(l, node, err);
	if (st == SF_OK)
		st = read_next(l, root, complete_known, err);
	/* a result without rows has a page too; whoever gives none at all may not know yet */
	if (st == SF_OK && l->seen_count == 0)
		st = sf_error_set(err, SF_ERR_PROTOCOL, "the %s is empty", what);
	sf_json_free(root);
	return st;
}
