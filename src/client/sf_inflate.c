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
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

#include "sf_inflate.h"
#include "sf_status.h"

/*
 * ISA-L 2.30 loses its place in a header with optional fields that comes in small pieces, so with
 * it the header (RFC 1952, 2.3) is read here, and only deflate data and trailer are left to it.
 */

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

#ifdef SF_HAVE_ISAL
/* Parts of a gzip header in their order; those that flags do not name are skipped. */
typedef enum header_part
{
	HEADER_FIXED, /* ten bytes */
	HEADER_EXTRA_LEN,
	HEADER_EXTRA,
	HEADER_NAME,	/* up to a 0 */
	HEADER_COMMENT, /* up to a 0 */
	HEADER_CRC,		/* low half of the CRC of all before */
	HEADER_DONE
} header_part;
#endif

struct sf_inflate
{
#ifdef SF_HAVE_ISAL
	struct inflate_state lib;
	header_part part;
	uint32_t at;   /* bytes read of this part */
	uint32_t word; /* a number of two bytes that is being read */
	uint32_t crc;  /* of the header so far */
	uint8_t flags;
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

#define FIXED_LEN	   10
#define METHOD_DEFLATE 8
#define FLAG_CRC	   0x02
#define FLAG_EXTRA	   0x04
#define FLAG_NAME	   0x08
#define FLAG_COMMENT   0x10
#define FLAGS_UNKNOWN  0xe0

static bool
backend_start(sf_inflate *z)
{
	isal_inflate_init(&z->lib);
	/* the data without a header, and a trailer that is verified */
	z->lib.crc_flag = ISAL_GZIP_NO_HDR_VER;
	z->part = HEADER_FIXED;
	z->at = 0;
	z->crc = 0;
	z->flags = 0;
	return true;
}

static void
next_part(sf_inflate *z)
{
	static const uint8_t flag_of[] = {0,		 FLAG_EXTRA,   FLAG_EXTRA,
									  FLAG_NAME, FLAG_COMMENT, FLAG_CRC};

	z->at = 0;
	do
		z->part++;
	while (z->part != HEADER_DONE && (z->flags & flag_of[z->part]) == 0);
}

/* One byte of the header; false when it cannot be one. */
static bool
header_byte(sf_inflate *z, uint8_t byte)
{
	static const uint8_t begin[] = {0x1f, 0x8b, METHOD_DEFLATE};
	uint32_t crc_before = z->crc;
	uint32_t at = z->at++;

	z->crc = crc32_gzip_refl(z->crc, &byte, 1);
	switch (z->part)
	{
		case HEADER_FIXED:
			if (at < sizeof(begin) && byte != begin[at])
				return false;
			if (at == sizeof(begin))
				z->flags = byte;
			if (z->at == FIXED_LEN)
				next_part(z);
			return (z->flags & FLAGS_UNKNOWN) == 0;
		case HEADER_EXTRA_LEN:
			z->word = at == 0 ? byte : z->word | (uint32_t) byte << 8;
			if (at == 1)
			{
				next_part(z);
				if (z->word == 0)
					next_part(z);
			}
			return true;
		case HEADER_EXTRA:
			if (z->at == z->word)
				next_part(z);
			return true;
		case HEADER_NAME:
		case HEADER_COMMENT:
			if (byte == 0)
				next_part(z);
			return true;
		case HEADER_CRC:
			if (at == 0)
			{
				z->word = crc_before & 0xffff;
				return byte == (z->word & 0xff);
			}
			next_part(z);
			return byte == z->word >> 8;
		case HEADER_DONE:
			break;
	}
	return false;
}

static step_result
backend_step(sf_inflate *z, uint8_t *out, size_t room, size_t *consumed, size_t *produced)
{
	size_t in = z->input_left > STEP_MAX ? STEP_MAX : z->input_left;
	size_t space = room > STEP_MAX ? STEP_MAX : room;
	size_t header = 0;
	int result;

	*produced = 0;
	while (z->part != HEADER_DONE && header < in)
	{
		if (!header_byte(z, z->input[header++]))
		{
			*consumed = header;
			return STEP_CORRUPT;
		}
	}
	*consumed = header;
	if (z->part != HEADER_DONE)
		return STEP_ON;

	z->lib.next_in = (uint8_t *) (uintptr_t) (z->input + header);
	z->lib.avail_in = (uint32_t) (in - header);
	z->lib.next_out = out;
	z->lib.avail_out = (uint32_t) space;
	result = isal_inflate(&z->lib);
	/* in damaged data it may leave counters that mean nothing */
	if (result < 0 || z->lib.avail_in > in - header || z->lib.avail_out > space)
		return STEP_CORRUPT;
	*consumed = in - z->lib.avail_in;
	*produced = space - z->lib.avail_out;
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
