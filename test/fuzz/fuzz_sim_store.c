/*
 * fuzz_sim_store.c
 *		Whatever a client writes is taken or refused with a code; what was taken can be written again as it
 *		is, and an abort leaves nothing.
 *
 * The first byte chooses the object and the format: lines of header, tab and value as an upload has them,
 * or a JSON record.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "org.h"
#include "store.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CELLS 64

static sim_org *org;

static void
close_org(void)
{
	sim_org_close(org);
}

static void
open_org(void)
{
	sim_options opt;
	sim_error err;

	sim_options_init(&opt);
	for (int i = 0; i < SIM_MAX_OBJECTS; i++)
	{
		if (opt.rows[i] > 3)
			opt.rows[i] = 3;
	}
	org = sim_org_open(&opt, &err);
	if (org == NULL)
		abort();
	atexit(close_org);
}

static int
cells_of_lines(const sim_object *obj, const char *text, size_t size, sim_in *in)
{
	int n = 0;

	while (size > 0 && n < CELLS)
	{
		const char *end = memchr(text, '\n', size);
		size_t len = end == NULL ? size : (size_t) (end - text);
		const char *tab = memchr(text, '\t', len);
		sim_error err;
		bool absent;

		if (tab != NULL && sim_in_header(obj, text, (size_t) (tab - text), &in[n], &err))
		{
			sim_in_csv(&in[n], tab + 1, len - (size_t) (tab - text) - 1, &absent);
			n += !absent;
		}
		len += end != NULL;
		text += len;
		size -= len;
	}
	return n;
}

static int
cells_of_json(const sim_object *obj, const cJSON *record, sim_in *in)
{
	const cJSON *member;
	int n = 0;
	sim_error err;

	cJSON_ArrayForEach (member, record)
	{
		if (n < CELLS && sim_in_json(obj, member, &in[n], &err))
			n += in[n].field != NULL;
	}
	return n;
}

/* An error names its code, and its message is one. */
static void
refused(const sim_error *err)
{
	if (err->code[0] == '\0' || strcmp(err->code, "UNKNOWN_EXCEPTION") == 0 ||
		memchr(err->message, '\0', sizeof(err->message)) == NULL)
		abort();
}

static void
write_row(const sim_object *obj, const sim_in *in, int n)
{
	sim_write w = {.object = obj, .in = in, .n = n};
	sim_error err = {0};
	char id[SIM_ID_SIZE];
	int64_t before = sim_org_stored_rows(org, obj, true);
	sim_txn *t = sim_txn_begin(org, NULL, &err);

	if (t == NULL)
		abort();
	if (!sim_insert(t, &w, id, &err))
		refused(&err);
	else
	{
		w.id = id;
		if (!sim_update(t, &w, &err))
			refused(&err); /* a field that is for inserts only */
		if (!sim_delete(t, id, false, &err) || !sim_undelete(t, id, &err) ||
			!sim_delete(t, id, true, &err))
			refused(&err);
	}
	sim_txn_abort(t);
	if (sim_org_stored_rows(org, obj, true) != before)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const objects[] = {"Account", "Contact", "Invoice__c", "Line__c",
										  "Task",	 "Event",	"Case",		  "Attachment"};
	const sim_object *obj;
	sim_in in[CELLS];
	const char *text = (const char *) data + 1;

	if (org == NULL)
		open_org();
	if (size < 1)
		return 0;
	obj = sim_object_find(objects[data[0] % 8]);
	if (obj == NULL)
		abort();
	if (data[0] & 8)
	{
		cJSON *record = cJSON_ParseWithLength(text, size - 1);

		write_row(obj, in, cells_of_json(obj, record, in));
		cJSON_Delete(record);
	}
	else
		write_row(obj, in, cells_of_lines(obj, text, size - 1, in));
	return 0;
}
