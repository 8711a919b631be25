/*
 * fuzz_http_headers.c
 *		Response headers and what else of an answer is read by hand: header lines, XML of a SOAP
 *		login, lists of result pages.  The first byte says which.
 */
#include <stdlib.h>
#include <string.h>

#include "sf_http_headers.h"
#include "sf_query_job_links.h"
#include "sf_xml.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_headers(const char *text, size_t size)
{
	sf_http_headers h;
	const char *end = text + size;

	sf_http_headers_reset(&h);
	while (text < end)
	{
		const char *eol = memchr(text, '\n', (size_t) (end - text));
		size_t len = eol != NULL ? (size_t) (eol - text) + 1 : (size_t) (end - text);

		if (!sf_http_headers_line(&h, text, len))
			return;
		text += len;
	}
	/* what later code relies on */
	if (strlen(h.locator) >= SF_LOCATOR_MAX || h.records < -1 || h.api_used < -1 ||
		(h.last_page && !h.has_locator) || strlen(h.location_host) >= sizeof(h.location_host))
		abort();
	for (const char *p = h.locator; *p != '\0'; p++)
	{
		if (*p <= ' ' || *p > '~')
			abort();
	}
}

static void
fuzz_soap(const char *text, size_t size)
{
	static const char *const names[] = {"serverUrl", "sessionId", "faultstring", "a"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		sf_buf out;

		sf_buf_init(&out, 4096);
		sf_xml_element(text, size, names[i], &out);
		sf_buf_free(&out);
	}
}

static void
fuzz_links(const char *text, size_t size)
{
	sf_links l = {0};
	sf_error err = {0};
	char *locator;
	sf_status st = sf_links_read(&l, text, size, true, &err);

	if ((st == SF_FAILED) != (err.cls != SF_ERR_NONE))
		abort();
	while ((locator = sf_links_take(&l)) != NULL)
	{
		if (strlen(locator) >= SF_LOCATOR_MAX)
			abort();
		free(locator);
	}
	sf_links_free(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* an exact copy, so that reading behind its end is noticed */
	char *text;

	if (size == 0)
		return 0;
	text = malloc(size);
	if (text == NULL)
		return 0;
	memcpy(text, data + 1, size - 1);
	switch (data[0] % 3)
	{
		case 0:
			fuzz_headers(text, size - 1);
			break;
		case 1:
			fuzz_soap(text, size - 1);
			break;
		default:
			fuzz_links(text, size - 1);
			break;
	}
	free(text);
	return 0;
}
