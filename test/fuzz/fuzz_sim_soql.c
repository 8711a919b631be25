/*
 * fuzz_sim_soql.c
 *		The simulator's SOQL engine: whatever the text, it answers rows that are JSON, or one of
 *		Salesforce's errors, and the same again the second time.
 *
 * The first byte chooses between query and queryAll, REST and bulk, and the API's version.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "engine.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_ROWS 8

static sim_org *org;

static void
close_org(void)
{
	sim_org_close(org);
	org = NULL;
}

static void
open_org(void)
{
	sim_options opt;
	sim_error err;
	int n;
	const sim_object *const *list = sim_object_list(&n);

	sim_options_init(&opt);
	for (int i = 0; i < n; i++)
	{
		char spec[100];

		snprintf(spec, sizeof(spec), "%s=12", sim_object_name(list[i]));
		sim_options_rows(&opt, spec, &err); /* refused where there are no rows */
	}
	org = sim_org_open(&opt, &err);
	if (org == NULL)
		abort();
	atexit(close_org);
}

/* Rows of a query, rendered; returns a hash of all that was said. */
static uint64_t
run(const char *text, unsigned flags, const char *version)
{
	sim_error err = {0};
	sim_query *q = sim_query_prepare(org, text, flags, version, &err);
	sim_buf b = {0};
	uint64_t hash = 14695981039346656037u;
	int n = 0;

	if (q == NULL)
	{
		if (err.code[0] == '\0' || strcmp(err.code, "UNKNOWN_EXCEPTION") == 0)
			abort();
		sim_error_json(&err, SIM_ERROR_REST, &b);
	}
	else
	{
		cJSON *tree;

		if (sim_query_total(q, &err) < 0)
			abort();
		if (!(flags & SIM_QUERY_REST))
			sim_query_header_csv(q, ',', "\n", &b);
		while (n++ < MAX_ROWS && sim_query_step(q, &err) == 1)
		{
			if (!(flags & SIM_QUERY_REST))
			{
				sim_query_row_csv(q, ',', "\n", &b);
				continue;
			}
			sim_buf_reset(&b);
			sim_query_row_json(q, &b);
			tree = cJSON_ParseWithLength(b.data, b.len);
			if (tree == NULL)
				abort();
			cJSON_Delete(tree);
		}
		sim_query_bulk_check(q, &err);
		sim_query_free(q);
	}
	for (size_t i = 0; i < b.len; i++)
		hash = (hash ^ (unsigned char) b.data[i]) * 1099511628211u;
	sim_buf_free(&b);
	return hash;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const versions[] = {"62.0", "57.0", "66.0", "20.0"};
	unsigned flags;
	const char *version;
	char *text;
	sim_buf plans = {0};
	sim_error err;

	if (size < 1)
		return 0;
	if (org == NULL)
		open_org();
	flags = (data[0] & 1 ? 0 : SIM_QUERY_REST) | (data[0] & 2 ? SIM_QUERY_ALL : 0);
	version = versions[data[0] >> 2 & 3];
	text = malloc(size);
	if (text == NULL)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	/* the second time it comes from what is kept */
	if (run(text, flags, version) != run(text, flags, version) &&
		strcasestr(text, "NEXT_") == NULL)
		abort();
	if (data[0] & 16)
		sim_query_explain(org, text, flags, version, &plans, &err);
	sim_buf_free(&plans);
	free(text);
	return 0;
}
