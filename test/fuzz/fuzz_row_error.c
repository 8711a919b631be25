/*
 * fuzz_row_error.c
 *		sf__Error texts: the parts lie inside of the text, in order, and where the text has the form that
 *		Salesforce writes, put together they give it again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_client.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sf_row_error e;
	/* a copy that ends where the text ends, so that reading on is noticed */
	char *text = malloc(size > 0 ? size : 1);
	const char *end = text + size;
	size_t code;

	memcpy(text, data, size);
	memset(&e, 0xff, sizeof(e));
	sf_row_error_parse(text, size, &e);
	code = strnlen(e.code, sizeof(e.code));
	if (code == sizeof(e.code) || e.message_len < 0 || e.fields_len < 0)
		abort();
	if (e.message != text + code + (code > 0) || e.message + e.message_len > end ||
		e.fields < e.message + e.message_len || e.fields + e.fields_len > end)
		abort();
	if (code > 0 && (memcmp(text, e.code, code) != 0 || text[code] != ':'))
		abort();

	/* what is between the parts and behind them is what the form has there, nothing is lost */
	if (e.fields != end)
	{
		if (e.fields != e.message + e.message_len + 1 || e.fields[-1] != ':' ||
			memchr(e.fields, ':', (size_t) e.fields_len) != NULL)
			abort();
	}
	for (const char *p = e.fields != end ? e.fields + e.fields_len : e.message + e.message_len;
		 p < end; p++)
	{
		if (*p != ' ' && *p != '-')
			abort();
	}
	free(text);
	return 0;
}
