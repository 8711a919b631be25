/*
 * fuzz_inflate.c
 *		The gzip decoder: pieces give what the whole input gives, and what zlib alone gives.
 *
 * The first byte chooses the size of the pieces, the second that of the output.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sf_buf.h"
#include "sf_inflate.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* More than this of output is not looked at. */
#define OUT_MAX (4 * 1024 * 1024)

static sf_status
run(const uint8_t *data, size_t size, size_t piece, size_t room, sf_buf *out)
{
	sf_error err = {0};
	sf_inflate *z = sf_inflate_new(&err);
	char *space = malloc(room);
	sf_status status = SF_WAIT;

	if (z == NULL || space == NULL)
		abort();
	while (size > 0 && status == SF_WAIT)
	{
		size_t n = size < piece ? size : piece;
		uint8_t *input = malloc(n);
		size_t produced;

		memcpy(input, data, n);
		sf_inflate_input(z, input, n);
		while ((status = sf_inflate_output(z, space, room, &produced, &err)) == SF_OK)
		{
			if (produced == 0 || produced > room)
				abort();
			if (sf_buf_append(out, space, produced) != SF_OK)
				break;
		}
		if (status == SF_WAIT && sf_inflate_input_left(z) != 0)
			abort();
		free(input);
		data += n;
		size -= n;
	}
	if (status == SF_WAIT)
		status = sf_inflate_finish(z, &err);
	if (status == SF_FAILED && err.message[0] == 0)
		abort();
	sf_inflate_free(z);
	free(space);
	return status;
}

/* The same by zlib alone; 0 when it is too long. */
static sf_status
run_zlib(const uint8_t *data, size_t size, sf_buf *out)
{
	static char space[65536];
	z_stream z = {0};
	int result = Z_OK;
	bool inside = false;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		abort();
	z.next_in = (Bytef *) (uintptr_t) data;
	z.avail_in = (uInt) size;
	while (out->failed == SF_ERR_NONE)
	{
		if (!inside && z.avail_in == 0)
			break;
		inside = true;
		z.next_out = (Bytef *) space;
		z.avail_out = sizeof(space);
		result = inflate(&z, Z_NO_FLUSH);
		sf_buf_append(out, space, sizeof(space) - z.avail_out);
		if (result == Z_STREAM_END)
		{
			inside = false;
			inflateReset(&z);
		}
		else if (result != Z_OK)
			break;
	}
	inflateEnd(&z);
	return result == Z_STREAM_END && !inside ? SF_OK : SF_FAILED;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sf_buf whole;
	sf_buf cut;
	sf_buf reference;
	sf_status status;
	size_t piece;
	size_t room;

	if (size < 2)
		return 0;
	piece = data[0] == 0 ? 1 : data[0];
	room = data[1] < 8 ? 1u + data[1] : (size_t) data[1] * 100;
	data += 2;
	size -= 2;

	sf_buf_init(&whole, OUT_MAX);
	sf_buf_init(&cut, OUT_MAX);
	sf_buf_init(&reference, OUT_MAX);
	status = run(data, size, size + 1, 65536, &whole);
	if (whole.failed == SF_ERR_NONE)
	{
		if (run(data, size, piece, room, &cut) != status)
			abort();
		/* how far a damaged stream was decoded may differ */
		if (status == SF_OK &&
			(whole.len != cut.len ||
			 memcmp(sf_buf_text(&whole), sf_buf_text(&cut), whole.len) != 0))
			abort();

		/*
		 * ISA-L takes incomplete code tables that zlib refuses; length and CRC are verified by
		 * both.  What zlib takes has to be taken.
		 */
		if (run_zlib(data, size, &reference) == SF_OK &&
			(status != SF_OK || whole.len != reference.len ||
			 memcmp(sf_buf_text(&whole), sf_buf_text(&reference), whole.len) != 0))
			abort();
	}
	sf_buf_free(&whole);
	sf_buf_free(&cut);
	sf_buf_free(&reference);
	return 0;
}
