/*
 * composite_refs.c
 *		References between the parts of a composite request: @{ref.id}, @{ref.records[0].Id}.
 *
 * A path begins with the reference of a part before and goes on into the body of its answer.  In a URL, and inside
 * of a longer text, the value is inserted as text; a text that is one reference becomes the value itself.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "composite.h"

/*
 * What a path without a value is refused with.  Salesforce takes the whole path for the id of a reference then, and goes on
 * to say that it is not a good one (the REST guide, and answers of 2026).
 */
static void
no_value(char why[PART_WHY], const char *path, size_t len)
{
	int shown = (int) (len < 120 ? len : 120);
	size_t name = 0;

	while (name < len && path[name] != '.' && path[name] != '[')
		name++;
	snprintf(
		why, PART_WHY,
		"Invalid reference specified. No value for %.*s found in %.*s. Provided referenceId "
		"('%.*s') must start with a letter or a number, and it can contain only letters, "
		"numbers and underscores ('_').",
		shown, path, (int) (name < 80 ? name : 80), path, shown, path);
}

/* The value at path (len bytes, without @{ and }); NULL and why when there is none. */
static const cJSON *
look_up(const char *path, size_t len, const part *parts, int n, char why[PART_WHY])
{
	size_t name = 0;
	const cJSON *at = NULL;
	size_t i;

	while (name < len && path[name] != '.' && path[name] != '[')
		name++;
	for (int p = 0; p < n; p++)
		if (strlen(parts[p].reference) == name && memcmp(parts[p].reference, path, name) == 0)
			at = parts[p].body;
	for (i = name; i < len && at;)
	{
		if (path[i] == '[')
		{
			char *end;
			long index = strtol(path + i + 1, &end, 10);

			if (!isdigit((unsigned char) path[i + 1]) || *end != ']' || index > INT32_MAX)
				at = NULL;
			else
				at = cJSON_GetArrayItem(at, (int) index);
			i = (size_t) (end - path) + 1;
		}
		else
		{
			char key[256];
			size_t k = strcspn(path + i + 1, ".[}");

			if (path[i] != '.' || k == 0 || k >= sizeof(key) || i + 1 + k > len)
				at = NULL;
			else
			{
				memcpy(key, path + i + 1, k);
				key[k] = '\0';
				at = cJSON_GetObjectItemCaseSensitive(at, key);
			}
			i += 1 + k;
		}
	}
	if (at == NULL)
		no_value(why, path, len);
	return at;
}

/* The next @{…} of a text: its start, and the path inside; NULL: none. */
static const char *
next_reference(const char *text, const char **path, size_t *len)
{
	for (const char *p = strstr(text, "@{"); p; p = strstr(p + 2, "@{"))
	{
		const char *end = strchr(p, '}');

		if (end == NULL)
			return NULL;
		*path = p + 2;
		*len = (size_t) (end - p) - 2;
		return p;
	}
	return NULL;
}

/* A value as text: what has no text of its own is null, and that is not accepted. */
static bool
add_text(sim_buf *out, const cJSON *v, bool encode)
{
	char *json = NULL;
	const char *text = cJSON_GetStringValue(v);

	if (text == NULL)
	{
		if (cJSON_IsNull(v))
			return false;
		text = json = cJSON_PrintUnformatted(v);
	}
	if (text && encode)
		srv_url_encode(out, text);
	else if (text)
		sim_buf_str(out, text);
	cJSON_free(json);
	return true;
}

static bool
substitute(const char *text, const part *parts, int n, bool encode, sim_buf *out,
		   char why[PART_WHY])
{
	const char *path;
	const char *at;
	size_t len;

	while ((at = next_reference(text, &path, &len)) != NULL)
	{
		const cJSON *v = look_up(path, len, parts, n, why);

		sim_buf_add(out, text, (size_t) (at - text));
		if (v == NULL)
			return false;
		if (!add_text(out, v, encode))
		{
			no_value(why, path, len);
			return false;
		}
		text = path + len + 1;
	}
	sim_buf_str(out, text);
	return true;
}

bool
refs_in_url(const char *url, const part *parts, int n, sim_buf *out, char why[PART_WHY])
{
	sim_buf_str(out, "");
	return substitute(url, parts, n, true, out, why);
}

/* In place; false: why. */
static bool
resolve(cJSON *node, const part *parts, int n, bool null_ok, char why[PART_WHY])
{
	for (cJSON *child = node->child; child;)
	{
		cJSON *next = child->next;
		const char *text = cJSON_GetStringValue(child);
		const char *path;
		const char *at;
		size_t len;

		if (text == NULL)
		{
			if (!resolve(child, parts, n, null_ok, why))
				return false;
		}
		else if ((at = next_reference(text, &path, &len)) != NULL)
		{
			cJSON *value = NULL;

			if (at == text && path[len + 1] == '\0')
			{
				const cJSON *v = look_up(path, len, parts, n, why);

				if (v && cJSON_IsNull(v) && !null_ok)
					no_value(why, path, len);
				else if (v)
					value = cJSON_Duplicate(v, true);
			}
			else
			{
				sim_buf b = {0};

				if (substitute(text, parts, n, false, &b, why))
					value = cJSON_CreateString(b.data ? b.data : "");
				sim_buf_free(&b);
			}
			if (value == NULL)
				return false;

			/* takes the place over, and its name */
			cJSON_free(value->string);
			value->string = child->string;
			child->string = NULL;
			cJSON_ReplaceItemViaPointer(node, child, value);
		}
		child = next;
	}
	return true;
}

cJSON *
refs_in_tree(const cJSON *tree, const part *parts, int n, bool null_ok, char why[PART_WHY])
{
	cJSON *copy = cJSON_Duplicate(tree, true);

	if (copy == NULL)
		snprintf(why, PART_WHY, "out of memory");
	else if (!resolve(copy, parts, n, null_ok, why))
	{
		cJSON_Delete(copy);
		copy = NULL;
	}
	return copy;
}
