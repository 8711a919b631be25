/*
 * fuzz_sim_multipart.c
 *		The simulator's reader of multipart bodies: parts lie inside of the body, one behind the other.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "multipart.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is the Content-Type, the rest the body. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *eol = size ? memchr(data, '\n', size) : NULL;
	char boundary[MULTIPART_BOUNDARY_SIZE];
	char type[256];
	multipart_part part;
	const char *body;
	const char *last;
	size_t len, n;
	size_t at = 0;

	if (eol == NULL)
		return 0;
	n = (size_t) (eol - data) < sizeof(type) ? (size_t) (eol - data) : sizeof(type) - 1;
	memcpy(type, data, n);
	type[n] = '\0';
	body = last = (const char *) eol + 1;
	len = size - (size_t) (eol + 1 - data);
	if (!multipart_boundary(type, boundary))
		return 0;
	while (multipart_next(body, len, boundary, &at, &part) > 0)
	{
		if (part.data < last || part.data + part.len > body + len ||
			memchr(part.name, '\0', sizeof(part.name)) == NULL)
			abort();
		last = part.data + part.len;
	}
	return 0;
}
