/*
 * test_inflate.c
 *		The gzip decoder over whichever library this program was built with.
 */
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "sf_buf.h"
#include "sf_inflate.h"
#include "tap.h"

#define TEXT_MAX (64 * 1024 * 1024)

/* Appends text as one gzip member. */
static void
add_member(sf_buf *out, const char *text, size_t len, int level, bool with_name)
{
	z_stream z = {0};
	gz_header header = {.name = (Bytef *) "result.csv",
						.comment = (Bytef *) "a comment",
						.extra = (Bytef *) "ab",
						.extra_len = 2,
						.hcrc = 1};

	deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	if (with_name)
		deflateSetHeader(&z, &header);
	sf_buf_reserve(out, deflateBound(&z, len) + 100);
	z.next_in = (Bytef *) (uintptr_t) text;
	z.avail_in = (uInt) len;
	z.next_out = (Bytef *) out->data + out->len;
	z.avail_out = (uInt) (out->alloc - out->len - 1);
	deflate(&z, Z_FINISH);
	sf_buf_added(out, z.total_out);
	deflateEnd(&z);
}

#define FENCED_MAX (1024 * 1024)

/*
 * The end of a buffer behind which nothing can be read: ISA-L is assembler, which AddressSanitizer
 * does not see into.
 */
static char *
fenced_input(void)
{
	static char *fence;
	size_t page = (size_t) sysconf(_SC_PAGESIZE);

	if (fence == NULL)
	{
		char *area = mmap(NULL, FENCED_MAX + page, PROT_READ | PROT_WRITE,
						  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (area == MAP_FAILED || mprotect(area + FENCED_MAX, page, PROT_NONE) != 0)
		{
			perror("mmap");
			exit(1);
		}
		fence = area + FENCED_MAX;
	}
	return fence;
}

/* Inflates in pieces; what comes out is appended to out. */
static sf_status
inflate_pieces(sf_inflate *z, const char *data, size_t len, size_t piece, size_t room,
			   sf_buf *out, sf_error *err)
{
	char *space = malloc(room);
	sf_status status = SF_WAIT;
	char *fence = fenced_input();

	while (len > 0 && status == SF_WAIT)
	{
		size_t n = len < piece ? len : piece;
		char *input = fence - n;
		size_t produced;

		memcpy(input, data, n);
		sf_inflate_input(z, input, n);
		while ((status = sf_inflate_output(z, space, room, &produced, err)) == SF_OK)
			sf_buf_append(out, space, produced);
		if (status == SF_WAIT && sf_inflate_input_left(z) != 0)
			sf_buf_puts(out, "INPUT LEFT");
		data += n;
		len -= n;
	}
	free(space);
	return status == SF_WAIT ? sf_inflate_finish(z, err) : status;
}

static void
make_text(sf_buf *text, size_t len)
{
	sf_buf_init(text, TEXT_MAX);
	while (text->len < len)
		sf_buf_printf(text, "\"001%06zu\",\"Company %zu\",\"%zu.0\"\n", text->len,
					  text->len * 7919, text->len * 31 % 1000);
	text->len = len;
	text->data[len] = 0;
}

static void
test_pieces(void)
{
	static const size_t rooms[] = {1, 2, 7, 64, 256 * 1024};
	sf_error err = {0};
	sf_inflate *z = sf_inflate_new(&err);
	sf_buf text;
	sf_buf zipped;
	sf_buf out;
	int wrong = 0;

	make_text(&text, 5000);
	sf_buf_init(&zipped, TEXT_MAX);
	sf_buf_init(&out, TEXT_MAX);
	add_member(&zipped, text.data, text.len, 6, true);
	for (size_t piece = 1; piece <= zipped.len; piece++)
	{
		for (size_t r = 0; r < 5; r++)
		{
			sf_status status;

			/* one small room is enough for most sizes of pieces */
			if (piece > 40 && r < 3)
				continue;
			sf_inflate_reset(z);
			sf_buf_reset(&out);
			status = inflate_pieces(z, zipped.data, zipped.len, piece, rooms[r], &out, &err);
			if (status != SF_OK || out.len != text.len ||
				memcmp(out.data, text.data, text.len) != 0)
			{
				if (wrong++ == 0)
					diag("piece %zu room %zu: %s", piece, rooms[r], err.message);
				sf_error_reset(&err);
			}
		}
	}
	is_int(wrong, 0, "every size of pieces");
	is_int((long long) sf_inflate_total_in(z), (long long) zipped.len, "bytes consumed");
	is_int((long long) sf_inflate_total_out(z), (long long) text.len, "bytes produced");
	sf_inflate_free(z);
	sf_buf_free(&text);
	sf_buf_free(&zipped);
	sf_buf_free(&out);
}

static void
test_members(void)
{
	sf_error err = {0};
	sf_inflate *z = sf_inflate_new(&err);
	sf_buf text;
	sf_buf expected;
	sf_buf zipped;
	sf_buf out;
	int wrong = 0;

	make_text(&text, 777);
	sf_buf_init(&expected, TEXT_MAX);
	sf_buf_init(&zipped, TEXT_MAX);
	sf_buf_init(&out, TEXT_MAX);
	for (int i = 0; i < 6; i++)
	{
		/* levels 0 (stored) to 9, empty members, lengths that move the members' borders */
		size_t len = i % 3 == 2 ? 0 : text.len - (size_t) i;

		sf_buf_append(&expected, text.data, len);
		add_member(&zipped, text.data, len, i * 9 / 5, i % 2 == 1);
	}
	for (size_t piece = 1; piece <= zipped.len; piece++)
	{
		sf_status status;

		sf_inflate_reset(z);
		sf_buf_reset(&out);
		status = inflate_pieces(z, zipped.data, zipped.len, piece,
								piece % 2 == 0 ? 100 : 65536, &out, &err);
		if (status != SF_OK || out.len != expected.len ||
			memcmp(out.data, expected.data, expected.len) != 0)
		{
			if (wrong++ == 0)
				diag("piece %zu: %s", piece, err.message);
			sf_error_reset(&err);
		}
	}
	is_int(wrong, 0, "several members in a row");
	sf_inflate_free(z);
	sf_buf_free(&text);
	sf_buf_free(&expected);
	sf_buf_free(&zipped);
	sf_buf_free(&out);
}

/* Runs damaged data; true when it failed with SF_ERR_PROTOCOL and made nothing up. */
static bool
is_refused(sf_inflate *z, const char *data, size_t len, size_t piece, const sf_buf *text,
		   sf_buf *out)
{
	sf_error err = {0};
	sf_status status;

	sf_inflate_reset(z);
	sf_buf_reset(out);
	status = inflate_pieces(z, data, len, piece, 1000, out, &err);
	if (status != SF_FAILED || err.cls != SF_ERR_PROTOCOL)
		return false;
	/* and so it stays */
	sf_error_reset(&err);
	if (sf_inflate_finish(z, &err) != SF_FAILED || err.cls != SF_ERR_PROTOCOL)
		return false;
	return text == NULL || out->len <= text->len;
}

static void
test_damage(void)
{
	sf_error err = {0};
	sf_inflate *z = sf_inflate_new(&err);
	sf_buf text;
	sf_buf zipped;
	sf_buf out;
	int wrong = 0;
	size_t first;

	make_text(&text, 3000);
	sf_buf_init(&zipped, TEXT_MAX);
	sf_buf_init(&out, TEXT_MAX);
	add_member(&zipped, text.data, text.len, 6, true);

	for (size_t len = 0; len < zipped.len; len++)
	{
		if (!is_refused(z, zipped.data, len, 1 + len % 50, &text, &out))
		{
			diag("cut at %zu of %zu", len, zipped.len);
			wrong++;
		}
	}
	is_int(wrong, 0, "cut off at every byte");

	/* the last 8 bytes are CRC and length; ISA-L and zlib both have to look at them */
	wrong = 0;
	for (size_t i = zipped.len - 8; i < zipped.len; i++)
	{
		for (size_t piece = 1; piece <= zipped.len; piece += 13)
		{
			zipped.data[i] ^= 0x10;
			wrong += !is_refused(z, zipped.data, zipped.len, piece, &text, &out);
			zipped.data[i] ^= 0x10;
		}
	}
	is_int(wrong, 0, "a wrong CRC or length");

	/*
	 * From the magic number through name, comment and the header's own CRC.  Time, flags and system
	 * (bytes 3 to 9) are covered by that CRC alone, which a damaged flag may switch off.
	 */
	wrong = 0;
	for (size_t i = 0; i < zipped.len - 9; i++)
	{
		if (i == 3)
			continue;
		for (size_t piece = 1; piece <= 100; piece += 33)
		{
			zipped.data[i] ^= 0x40;
			if (!is_refused(z, zipped.data, zipped.len, piece, NULL, &out))
			{
				diag("byte %zu of %zu", i, zipped.len);
				wrong++;
			}
			zipped.data[i] ^= 0x40;
		}
	}
	is_int(wrong, 0, "every byte of header and data damaged");

	first = zipped.len;
	sf_buf_puts(&zipped, "garbage");
	ok(is_refused(z, zipped.data, zipped.len, 50, &text, &out), "garbage behind the end");
	zipped.len = first;
	sf_buf_append(&zipped, "\x1f\x8b\x08", 3);
	ok(is_refused(z, zipped.data, zipped.len, 50, &text, &out),
	   "the beginning of another member");
	ok(is_refused(z, "not gzip at all", 15, 15, NULL, &out), "plain text");
	ok(is_refused(z, "<html><body>Service Unavailable</body></html>", 45, 3, NULL, &out),
	   "HTML");
	ok(is_refused(z, "\x1f\x8b\x07\0\0\0\0\0\0\0", 10, 4, NULL, &out), "another method");
	ok(is_refused(z, "", 0, 1, NULL, &out), "nothing at all");

	sf_inflate_reset(z);
	sf_buf_reset(&out);
	is_int(inflate_pieces(z, zipped.data, first, 77, 500, &out, &err), SF_OK,
		   "a decoder that has failed can be reset");
	is_text(out.data, text.data, "and decodes again");
	sf_inflate_reset(z);
	inflate_pieces(z, zipped.data, first / 2, 77, 500, &out, &err);
	is_text(err.message, "the compressed answer is cut off", "message of a cut");
	sf_error_reset(&err);
	zipped.data[first - 8] ^= 1;
	sf_inflate_reset(z);
	inflate_pieces(z, zipped.data, first, 77, 500, &out, &err);
	is_text(err.message, "the compressed answer is corrupt", "message of a damage");
	sf_inflate_free(z);
	sf_inflate_free(NULL);
	sf_buf_free(&text);
	sf_buf_free(&zipped);
	sf_buf_free(&out);
}

/* A small input that becomes a large output: bounded by the room given, never by trust. */
static void
test_bomb(void)
{
	sf_error err = {0};
	sf_inflate *z = sf_inflate_new(&err);
	size_t len = 20 * 1024 * 1024;
	char *zeros = calloc(1, len);
	char *space = malloc(1000);
	sf_buf zipped;
	size_t produced = 0;
	uint64_t total = 0;
	sf_status status;

	sf_buf_init(&zipped, TEXT_MAX);
	add_member(&zipped, zeros, len, 9, false);
	ok(zipped.len < len / 500, "much smaller compressed");
	sf_inflate_input(z, zipped.data, zipped.len);
	while ((status = sf_inflate_output(z, space, 1000, &produced, &err)) == SF_OK)
		total += produced;
	is_int(status, SF_WAIT, "all of it comes out");
	is_int((long long) total, (long long) len, "in pieces of the room given");
	is_int(sf_inflate_finish(z, &err), SF_OK, "and it is complete");
	sf_inflate_free(z);
	sf_buf_free(&zipped);
	free(space);
	free(zeros);
}

int
main(void)
{
	sf_error err = {0};
	sf_inflate *z = sf_inflate_new(&err);
	size_t produced;
	char c;

	printf("# %s\n", sf_inflate_backend());
#ifdef SF_HAVE_ISAL
	is_text(sf_inflate_backend(), "isa-l", "the library this was built for");
#else
	is_text(sf_inflate_backend(), "zlib", "the library this was built for");
#endif
	is_int(sf_inflate_output(z, &c, 1, &produced, &err), SF_WAIT, "no input, no output");
	sf_inflate_free(z);
	test_pieces();
	test_members();
	test_damage();
	test_bomb();
	return tap_done();
}
