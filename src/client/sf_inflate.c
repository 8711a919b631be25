/*
 * sf_inflate.c
 *		Streaming gzip decoder over ISA-L or zlib.
 *
 * Both libraries decode one gzip member with its header, CRC and length; what is here is the same
 * for both: pieces, several members in a row, and a strict end.  They are hidden behind
 * three functions: backend_start (a member begins), backend_step and backend_free.
 */
#include <stdlib.h>
#include <string.h>

#ifdef SF_HAVE_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

#include "sf_inflate.h"
#include "sf_status.h"

/* The libraries count in 32 bits. */
#define STEP_MAX ((size_t) 1 << 30)

typedef enum member_state
{
	MEMBER_NONE, /* before the first one */
	MEMBER_INSIDE,
	MEMBER_ENDED, /* its trailer was verified; another one may follow */
	MEMBER_BAD
} member_state;

/* What one step of the library did. */
typedef enum step_result
{
	STEP_ON,  /* consumed or produced something, or needs more of either */
	STEP_END, /* the member is complete and verified */
	STEP_CORRUPT,
	STEP_NOMEM
} step_result;

struct sf_inflate
{
#ifdef SF_HAVE_ISAL
	struct inflate_state lib;
#else
	z_stream lib;
	bool lib_ready;
#endif
	const uint8_t *input;
	size_t input_left;
	member_state state;
	uint64_t total_in;
	uint64_t total_out;
	sf_error failed;
};

#ifdef SF_HAVE_ISAL

const char *
sf_inflate_backend(void)
{
	return "isa-l";
}

static bool
backend_start(sf_inflate *z)
{
	isal_inflate_init(&z->lib);
	z->lib.crc_flag = ISAL_GZIP;
	return true;
}

static step_result
backend_step(sf_inflate *z, uint8_t *out, size_t room, size_t *consumed, size_t *produced)
{
	size_t in = z->input_left > STEP_MAX ? STEP_MAX : z->input_left;
	size_t space = room > STEP_MAX ? STEP_MAX : room;
	int result;

	z->lib.next_in = (uint8_t *) (uintptr_t) z->input;
	z->lib.avail_in = (uint32_t) in;
	z->lib.next_out = out;
	z->lib.avail_out = (uint32_t) space;
	result = isal_inflate(&z->lib);
	*consumed = in - z->lib.avail_in;
	*produced = space - z->lib.avail_out;

	/* positive values say that it wants more input or output */
	if (result < 0)
		return STEP_CORRUPT;
	return z->lib.block_state == ISAL_BLOCK_FINISH ? STEP_END : STEP_ON;
}

static void
backend_free(sf_inflate *z)
{
	(void) z;
}

#else

const char *
sf_inflate_backend(void)
{
	return "zlib";
}

static bool
backend_start(sf_inflate *z)
{
	/* 15 is the largest window, 16 asks for a gzip header and nothing else */
	if (z->lib_ready)
		return inflateReset(&z->lib) == Z_OK;
	z->lib_ready = inflateInit2(&z->lib, 15 + 16) == Z_OK;
	return z->lib_ready;
}

static step_result
backend_step(sf_inflate *z, uint8_t *out, size_t room, size_t *consumed, size_t *produced)
{
	size_t in = z->input_left > STEP_MAX ? STEP_MAX : z->input_left;
	size_t space = room > STEP_MAX ? STEP_MAX : room;
	int result;

	z->lib.next_in = (Bytef *) (uintptr_t) z->input;
	z->lib.avail_in = (uInt) in;
	z->lib.next_out = out;
	z->lib.avail_out = (uInt) space;
	result = inflate(&z->lib, Z_NO_FLUSH);
	*consumed = in - z->lib.avail_in;
	*produced = space - z->lib.avail_out;

	if (result == Z_STREAM_END)
		return STEP_END;
	if (result == Z_MEM_ERROR)
		return STEP_NOMEM;
	return result == Z_OK || result == Z_BUF_ERROR ? STEP_ON : STEP_CORRUPT;
}

static void
backend_free(sf_inflate *z)
{
	if (z->lib_ready)
		inflateEnd(&z->lib);
}

#endif

sf_inflate *
sf_inflate_new(sf_error *err)
{
	sf_inflate *z = calloc(1, sizeof(*z));

	if (z == NULL)
		sf_error_nomem(err);
	return z;
}

void
sf_inflate_free(sf_inflate *z)
{
	if (z == NULL)
		return;
	backend_free(z);
	free(z);
}

void
sf_inflate_reset(sf_inflate *z)
{
	z->input = NULL;
	z->input_left = 0;
	z->state = MEMBER_NONE;
	z->total_in = 0;
	z->total_out = 0;
	sf_error_reset(&z->failed);
}

void
sf_inflate_input(sf_inflate *z, const void *data, size_t len)
{
	z->input = data;
	z->input_left = len;
}

size_t
sf_inflate_input_left(const sf_inflate *z)
{
	return z->input_left;
}

static sf_status
fail(sf_inflate *z, sf_error_class cls, const char *message, sf_error *err)
{
	sf_error_set(&z->failed, cls, "%s", message);
	if (cls == SF_ERR_PROTOCOL)
		sf_error_detail(&z->failed, "It is damaged after %llu bytes (%llu decompressed).",
						(unsigned long long) z->total_in, (unsigned long long) z->total_out);
	z->state = MEMBER_BAD;
	if (err != NULL && !sf_error_is_set(err))
		*err = z->failed;
	return SF_FAILED;
}

sf_status
sf_inflate_output(sf_inflate *z, void *out, size_t room, size_t *produced, sf_error *err)
{
	*produced = 0;
	if (z->state == MEMBER_BAD)
		return fail(z, z->failed.cls, z->failed.message, err);
	if (room == 0)
		return SF_WAIT;

	for (;;)
	{
		step_result result;
		size_t consumed;

		if (z->state != MEMBER_INSIDE)
		{
			/* a member begins with its first byte, so that an end can be an end */
			if (z->input_left == 0)
				break;
			if (!backend_start(z))
				return fail(z, SF_ERR_MEMORY, "out of memory", err);
			z->state = MEMBER_INSIDE;
		}

		result = backend_step(z, out, room, &consumed, produced);
		z->input += consumed;
		z->input_left -= consumed;
		z->total_in += consumed;
		z->total_out += *produced;
		if (result == STEP_NOMEM)
			return fail(z, SF_ERR_MEMORY, "out of memory", err);
		if (result == STEP_CORRUPT)
			return fail(z, SF_ERR_PROTOCOL, "the compressed answer is corrupt", err);
		if (result == STEP_END)
			z->state = MEMBER_ENDED;

		if (*produced > 0)
			return SF_OK;
		if (result == STEP_ON && consumed == 0)
			break;
	}
	return SF_WAIT;
}

sf_status
sf_inflate_finish(sf_inflate *z, sf_error *err)
{
	if (z->state == MEMBER_BAD)
		return fail(z, z->failed.cls, z->failed.message, err);
	if (z->state != MEMBER_ENDED || z->input_left > 0)
		return fail(z, SF_ERR_PROTOCOL, "the compressed answer is cut off", err);
	return SF_OK;
}

uint64_t
sf_inflate_total_in(const sf_inflate *z)
{
	return z->total_in;
}

uint64_t
sf_inflate_total_out(const sf_inflate *z)
{
	return z->total_out;
}
