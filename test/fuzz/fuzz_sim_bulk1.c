/*
 * fuzz_sim_bulk1.c
 *		Batches of the Bulk API 1.0 in all formats: as many records as were counted, whatever the bytes.
 *
 * The first byte chooses format and operation; zip formats are unpacked first.
 */
#include <stdlib.h>
#include <string.h>

#include "bulk1_int.h"
#include "xml.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_rows(const bulk1_job *j, const char *text, size_t len, const bulk1_zip *zip)
{
	bulk1_outcome o = {0};
	bulk1_rows *rows = bulk1_rows_new(j, text, len, zip, &o);
	sim_write w;
	sim_error err;

	/* either rows or a reason */
	if ((rows == NULL) != (o.message[0] != '\0'))
		abort();
	if (rows == NULL)
		return;
	for (int64_t i = bulk1_rows_count(rows); i > 0; i--)
	{
		memset(&err, 0, sizeof(err));
		if (!bulk1_rows_next(rows, &w, &err) && err.message[0] == '\0')
			abort();
		for (int c = 0; c < w.n; c++)
			if (w.in[c].field == NULL)
				abort();
	}
	bulk1_rows_free(rows);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulk1_job j = {0};
	sim_error err = {0};
	const char *text = (const char *) data + 1;
	sim_buf request = {0};
	bulk1_zip *zip;

	if (size < 1)
		return 0;
	size--;
	j.type = (bulk1_type) (data[0] % BULK1_TYPES);
	j.op = (bulk1_op) (data[0] / BULK1_TYPES % BULK1_QUERY);
	j.object = sim_object_find("Contact");
	if (!bulk1_is_zip(j.type))
	{
		read_rows(&j, text, size, NULL);
		return 0;
	}
	zip = bulk1_zip_open(text, size, &err);
	if (zip == NULL && err.message[0] == '\0')
		abort();
	if (zip && bulk1_zip_read(zip, "request.txt", &request, &err) > 0)
		read_rows(&j, request.data ? request.data : "", request.len, zip);
	bulk1_zip_close(zip);
	sim_buf_free(&request);
	return 0;
}
