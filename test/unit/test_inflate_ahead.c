/*
 * test_inflate_ahead.c
 *		The decoder that works ahead gives what the plain decoder gives, with a thread and without.
 */
#include <dirent.h>
#include <zlib.h>

#include "sf_buf.h"
#include "sf_inflate_ahead.h"
#include "tap.h"

#define TEXT_LEN  (5 * 1024 * 1024 + 77)
#define SPACE_MAX (256 * 1024)

static sf_buf text;
static sf_buf packed;
static const char *const mode_names[] = {"auto", "never", "always"};

static void
make_data(void)
{
	z_stream z = {0};
	uint32_t seed = 12345;

	sf_buf_init(&text, TEXT_LEN + 1000);
	sf_buf_init(&packed, 2 * TEXT_LEN);
	while (text.len < TEXT_LEN)
	{
		seed = seed * 1664525 + 1013904223;
		sf_buf_printf(&text, "\"001%06zu\",\"Company %u\",\"%u.0\"\n", text.len, seed,
					  seed >> 20);
	}
	deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	sf_buf_reserve(&packed, deflateBound(&z, text.len));
	z.next_in = (Bytef *) text.data;
	z.avail_in = (uInt) text.len;
	z.next_out = (Bytef *) packed.data;
	z.avail_out = (uInt) (packed.alloc - 1);
	deflate(&z, Z_FINISH);
	sf_buf_added(&packed, z.total_out);
	deflateEnd(&z);
}

/* A number below limit, at least 1; the same sequence in every run. */
static size_t
next_size(uint32_t *seed, size_t limit)
{
	*seed = *seed * 1664525 + 1013904223;
	return 1 + (*seed >> 8) % limit;
}

/* How a run went. */
typedef struct run
{
	sf_status status; /* of the last call: SF_WAIT when all is through */
	size_t got;
	bool same; /* what was got is the beginning of the text */
} run;

/*
 * Puts len bytes of data in pieces of up to piece bytes, and gets after each what is ready, into up to
 * room bytes; until at least stop_at bytes of text are there.
 */
static run
pump(sf_ahead *a, const char *data, size_t len, size_t piece, size_t room, size_t stop_at,
	 sf_error *err)
{
	static char space[SPACE_MAX];
	run r = {.status = SF_WAIT, .same = true};
	uint32_t seed = 99;

	while (r.status != SF_FAILED && r.got < stop_at)
	{
		size_t n = len == 0 ? 0 : next_size(&seed, piece < len ? piece : len);
		size_t put = n == 0 ? 0 : sf_ahead_put(a, data, n);
		size_t produced;

		data += put;
		len -= put;
		r.status = sf_ahead_get(a, space, next_size(&seed, room), &produced, err);
		if (r.got + produced > text.len || memcmp(text.data + r.got, space, produced) != 0)
			r.same = false;
		r.got += produced;
		if ((r.status == SF_OK) != (produced > 0))
			r.same = false;
		if (r.status == SF_WAIT && len == 0)
			break;
	}
	return r;
}

static void
test_pieces(sf_ahead_mode mode)
{
	static const size_t pieces[] = {1000, 64 * 1024, 1024 * 1024};
	static const size_t rooms[] = {777, 64 * 1024, SPACE_MAX};
	sf_error err = {0};

	for (size_t i = 0; i < 3; i++)
	{
		for (size_t j = 0; j < 3; j++)
		{
			sf_inflate *z = sf_inflate_new(&err);
			sf_ahead *a = sf_ahead_new(mode, &err);
			run r;

			sf_ahead_use(a, z);
			r = pump(a, packed.data, packed.len, pieces[i], rooms[j], SIZE_MAX, &err);
			ok(r.same && r.got == text.len && r.status == SF_WAIT &&
				   sf_inflate_finish(z, &err) == SF_OK && sf_inflate_total_in(z) == packed.len,
			   "%s: pieces of %zu bytes into %zu", mode_names[mode], pieces[i], rooms[j]);
			sf_ahead_free(a);
			sf_inflate_free(z);
		}
	}
}

/* Damage in the middle: the text before it comes out, then the error, again and again. */
static void
test_damage(sf_ahead_mode mode)
{
	sf_error err = {0};
	sf_error again = {0};
	sf_inflate *z = sf_inflate_new(&err);
	sf_ahead *a = sf_ahead_new(mode, &err);
	char *bad = malloc(packed.len);
	size_t produced;
	char byte;
	run r;

	memcpy(bad, packed.data, packed.len);
	bad[packed.len - 8] ^= 1; /* the CRC */
	sf_ahead_use(a, z);
	r = pump(a, bad, packed.len, 100000, SPACE_MAX, SIZE_MAX, &err);
	ok(r.status == SF_FAILED && r.same && err.cls == SF_ERR_PROTOCOL,
	   "%s: a wrong checksum is found", mode_names[mode]);
	is_text(err.message, "the compressed answer is corrupt", "and it is said");
	ok(sf_ahead_get(a, &byte, 1, &produced, &again) == SF_FAILED && produced == 0 &&
		   strcmp(again.message, err.message) == 0,
	   "%s: it stays failed", mode_names[mode]);

	sf_error_reset(&err);
	sf_ahead_use(a, NULL);
	sf_inflate_reset(z);
	sf_ahead_use(a, z);
	r = pump(a, packed.data, packed.len / 2, 100000, SPACE_MAX, SIZE_MAX, &err);
	ok(r.status == SF_WAIT && r.same && r.got > text.len / 3 &&
		   sf_inflate_finish(z, &err) == SF_FAILED,
	   "%s: half of it is cut off, and its text is there", mode_names[mode]);
	sf_ahead_free(a);
	sf_inflate_free(z);
	free(bad);
}

/* Two decoders in turn, each at rest when the other one works, as pages are read. */
static void
test_turns(sf_ahead_mode mode)
{
	sf_error err = {0};
	sf_ahead *a = sf_ahead_new(mode, &err);
	sf_inflate *z[2] = {sf_inflate_new(&err), sf_inflate_new(&err)};
	size_t at[2] = {0, 0};
	size_t got[2] = {0, 0};
	static char space[SPACE_MAX];
	bool same = true;

	for (int turn = 0; at[1] < packed.len; turn ^= 1)
	{
		size_t n = packed.len - at[turn] < 200000 ? packed.len - at[turn] : 200000;
		size_t produced;

		sf_ahead_use(a, z[turn]);
		if (sf_ahead_used(a) != z[turn] || sf_ahead_put(a, packed.data + at[turn], n) != n)
			same = false;
		at[turn] += n;
		while (sf_ahead_get(a, space, sizeof(space), &produced, &err) == SF_OK)
		{
			if (memcmp(text.data + got[turn], space, produced) != 0)
				same = false;
			got[turn] += produced;
		}
	}
	ok(same && got[0] == text.len && got[1] == text.len && !sf_error_is_set(&err),
	   "%s: two decoders in turn", mode_names[mode]);
	ok(sf_inflate_finish(z[0], &err) == SF_OK && sf_inflate_finish(z[1], &err) == SF_OK,
	   "%s: both at their end", mode_names[mode]);
	sf_ahead_free(a);
	sf_inflate_free(z[0]);
	sf_inflate_free(z[1]);
}

/* Dropped in the middle, with everything full: the next use starts clean, and free does not hang. */
static void
test_dropped(sf_ahead_mode mode)
{
	bool good = true;

	for (size_t i = 0; i < 20; i++)
	{
		sf_error err = {0};
		sf_ahead *a = sf_ahead_new(mode, &err);
		sf_inflate *z = sf_inflate_new(&err);
		run r;

		sf_ahead_use(a, z);
		r = pump(a, packed.data, packed.len, 300000, 5000, i * 40000, &err);
		good = good && r.same;
		(void) sf_ahead_put(a, packed.data, packed.len);
		sf_ahead_use(a, NULL);
		sf_inflate_reset(z);
		sf_ahead_use(a, z);
		r = pump(a, packed.data, packed.len, 300000, SPACE_MAX, text.len / 2, &err);
		good = good && r.same && r.status == SF_OK;
		sf_ahead_free(a);
		sf_inflate_free(z);
	}
	ok(good, "%s: dropped at 20 places", mode_names[mode]);
}

#ifdef __linux__
/* The threads of this process that have not all signals blocked that can be. */
static int
threads_with_signals(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int found = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
	{
		char path[300];
		char line[200];
		FILE *status;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
		status = fopen(path, "r");
		while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		{
			unsigned long long blocked;

			/* SIGTERM (15), SIGINT (2), SIGUSR1 (10), SIGALRM (14), SIGHUP (1), SIGQUIT (3) */
			if (sscanf(line, "SigBlk: %llx", &blocked) == 1 && (blocked & 0x6207) != 0x6207)
				found++;
		}
		if (status != NULL)
			fclose(status);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}
#endif

/* When is there a thread, and what may run in it? */
static void
test_thread(void)
{
	sf_error err = {0};
	sf_inflate *z = sf_inflate_new(&err);
	sf_ahead *a = sf_ahead_new(SF_AHEAD_AUTO, &err);

	sf_ahead_use(a, z);
	(void) pump(a, packed.data, packed.len, 10000, 10000, SF_AHEAD_AFTER - 20000, &err);
	ok(!sf_ahead_threaded(a), "no thread for a small result");
	sf_ahead_free(a);
	sf_inflate_reset(z);

	a = sf_ahead_new(SF_AHEAD_NEVER, &err);
	sf_ahead_use(a, z);
	(void) pump(a, packed.data, packed.len, 10000, 10000, SIZE_MAX, &err);
	ok(!sf_ahead_threaded(a), "no thread where none may be");
	sf_ahead_free(a);
	sf_inflate_reset(z);

	a = sf_ahead_new(SF_AHEAD_ALWAYS, &err);
	sf_ahead_use(a, z);
	ok(sf_ahead_threaded(a), "a thread from the start");
#ifdef __linux__
	is_int(threads_with_signals(), 1, "signals only reach the thread that was there before");
#endif
	sf_ahead_free(a);
#ifdef __linux__
	is_int(threads_with_signals(), 1, "which has them as before");
#endif
	sf_inflate_free(z);
}

int
main(void)
{
	make_data();
	for (int mode = SF_AHEAD_AUTO; mode <= SF_AHEAD_ALWAYS; mode++)
	{
		test_pieces((sf_ahead_mode) mode);
		test_damage((sf_ahead_mode) mode);
		test_turns((sf_ahead_mode) mode);
		test_dropped((sf_ahead_mode) mode);
	}
	test_thread();
	sf_buf_free(&text);
	sf_buf_free(&packed);
	return tap_done();
}
