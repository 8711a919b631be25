/*
 * bench_csv.c
 *		What one row costs in the client: inflate, UTF-8 check, split; no network, no PostgreSQL.
 *
 * The rows have the shape that the benchmarks of this project use: 14 columns, 367 bytes a row,
 * every cell quoted.  Prints one line a figure, nanoseconds per row, the median of the rounds.
 *
 *		bench_csv [rows [rounds]]		default 1000000 7
 *
 * The input is generated once in memory, so the figures hold reading it from there as any reader
 * must; it is far larger than the caches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "sf_csv.h"
#include "sf_inflate.h"
#include "sf_utf8.h"

#define NCOLUMNS   14
#define MAX_ROUNDS 101

static const char *const column_names[NCOLUMNS] = {
	"Id",		 "Name",		"AccountId",		"Email",	   "Phone",
	"StageName", "Description", "Amount",			"Probability", "NumberOfEmployees",
	"IsDeleted", "CreatedDate", "LastModifiedDate", "CloseDate",
};

static uint64_t seed = 42;

static uint32_t
rnd(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t) ((seed >> 16) % below);
}

/* One word in 50 is not ASCII, as in the texts of an org in western Europe. */
static const char *
word(void)
{
	static const char *const words[] = {
		"alpha",   "customer", "invoice", "quarter", "renewal",	  "support", "meeting",
		"pending", "cloud",	   "license", "partner", "follow-up", "north"};

	if (rnd(50) == 0)
		return "Zürich";
	return words[rnd(sizeof(words) / sizeof(words[0]))];
}

static char *
put_description(char *p)
{
	if (rnd(100) < 30)
		return p;
	for (int n = 0; n < 120;)
	{
		int len = sprintf(p, "%s ", word());

		p += len;
		n += len;
	}
	return p;
}

static char *
put_name(char *p)
{
	uint32_t kind = rnd(100);
	const char *first = word();
	const char *second = word();
	uint32_t number = rnd(1000000);

	if (kind < 3)
		return p + sprintf(p, "The \"\"%s\"\" Company %u", first, number);
	if (kind < 6)
		return p + sprintf(p, "%s, %s\nand Sons %u", first, second, number);
	return p + sprintf(p, "Company %s and %s Holding %u", first, second, number);
}

static char *
put_datetime(char *p)
{
	uint32_t day = rnd(9000);
	uint32_t second = rnd(86400);

	return p + sprintf(p, ",\"20%02u-%02u-%02uT%02u:%02u:%02u.000Z\"", day / 360, 1 + day % 12,
					   1 + day % 28, second / 3600, second / 60 % 60, second % 60);
}

static char *
put_row(char *p, int row)
{
	static const char *const stages[] = {"Prospecting", "Qualification", "Closed Won",
										 "Closed Lost", "Negotiation/Review"};
	uint32_t a = rnd(1000000);
	uint32_t b = rnd(1000);
	uint32_t c = rnd(10000);

	p += sprintf(p, "\"0035g00000%08dAAA\",\"", row);
	p = put_name(p);
	p += sprintf(p, "\",\"0015g00000%08uAAA\",\"firstname.lastname.%06u@example%03u.com\"", a,
				 a, b);
	p += sprintf(p, ",\"+1 %03u %03u-%04u\",\"%s\",\"", b, b, c, stages[b % 5]);
	p = put_description(p);
	p += sprintf(p, "\",\"%u.%02u\",\"%u.0\",\"%u\",\"%s\"", a, b % 100, c % 100, c,
				 b % 50 == 0 ? "true" : "false");
	p = put_datetime(p);
	p = put_datetime(p);
	p += sprintf(p, ",\"20%02u-%02u-%02u\"\n", b % 25, 1 + a % 12, 1 + c % 28);
	return p;
}

static char *
generate(int rows, size_t *len)
{
	char *text = malloc((size_t) rows * 640 + 1024);
	char *p = text;

	if (text == NULL)
	{
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	for (int i = 0; i < NCOLUMNS; i++)
		p += sprintf(p, "\"%s\"%c", column_names[i], i == NCOLUMNS - 1 ? '\n' : ',');
	for (int i = 0; i < rows; i++)
		p = put_row(p, i);
	*len = (size_t) (p - text);
	return text;
}

static char *
compress_text(const char *text, size_t len, size_t *zlen)
{
	z_stream z = {0};
	uLong bound;
	char *out;

	if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		exit(1);
	bound = deflateBound(&z, len);
	out = malloc(bound);
	if (out == NULL)
		exit(1);
	z.next_in = (Bytef *) (uintptr_t) text;
	z.avail_in = (uInt) len;
	z.next_out = (Bytef *) out;
	z.avail_out = (uInt) bound;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		exit(1);
	*zlen = z.total_out;
	deflateEnd(&z);
	return out;
}

static double
now(void)
{
	struct timespec ts;

	/* CPU time: what a row costs, whatever else the machine does */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double) ts.tv_sec * 1e9 + (double) ts.tv_nsec;
}

static void
die(const sf_error *err)
{
	fprintf(stderr, "%s\n%s\n", err->message, err->detail);
	exit(1);
}

/* Where a round's input comes from: plain text, or gzip. */
typedef struct source
{
	const char *text;
	size_t left;
	sf_inflate *z;
} source;

static size_t
read_source(source *src, char *ptr, size_t room)
{
	sf_error err = {0};
	size_t n = src->left < room ? src->left : room;

	if (src->z != NULL)
	{
		sf_status status = sf_inflate_output(src->z, ptr, room, &n, &err);

		if (status == SF_FAILED)
			die(&err);
		return status == SF_OK ? n : 0;
	}
	memcpy(ptr, src->text, n);
	src->text += n;
	src->left -= n;
	return n;
}

/* Copies block by block into the parser; with split, takes the rows too. */
static int64_t
run(source src, uint64_t *sum)
{
	sf_error err = {0};
	sf_csv *csv = sf_csv_new(NULL, &err);
	sf_value *values;
	char *ptr;
	size_t room;
	int64_t rows;

	if (csv == NULL || sf_csv_map_columns(csv, column_names, NCOLUMNS, &err) != SF_OK)
		die(&err);
	for (;;)
	{
		sf_status status;
		size_t n;

		if (sf_csv_block_begin(csv, &ptr, &room, &err) != SF_OK)
			die(&err);
		n = read_source(&src, ptr, room);
		if (n > 0 ? sf_csv_block_filled(csv, n, &err) : sf_csv_finish(csv, &err))
			die(&err);
		while ((status = sf_csv_next(csv, &values, &err)) == SF_OK)
			*sum += (uint64_t) values[NCOLUMNS - 1].len;
		if (status == SF_FAILED)
			die(&err);
		if (status == SF_DONE)
			break;
	}
	rows = sf_csv_rows(csv);
	sf_csv_free(csv);
	return rows;
}

/* The floor under everything else: bring the text into a block, and nothing more. */
static void
run_copy(const char *text, size_t len, bool check)
{
	static char block[SF_CSV_BLOCK_SIZE];

	for (size_t at = 0; at < len;)
	{
		size_t n = len - at < sizeof(block) ? len - at : sizeof(block);
		bool truncated = false;

		memcpy(block, text + at, n);
		__asm__ volatile("" : : "r"(block) : "memory");
		if (check)
			n = sf_utf8_check(block, n, &truncated);
		if (n == 0)
			exit(1);
		at += n;
	}
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

static double
median(double *times, int n)
{
	qsort(times, (size_t) n, sizeof(*times), compare);
	return times[n / 2];
}

int
main(int argc, char **argv)
{
	int rows = argc > 1 ? atoi(argv[1]) : 1000000;
	int rounds = argc > 2 ? atoi(argv[2]) : 7;
	double copy[MAX_ROUNDS];
	double check[MAX_ROUNDS];
	double split[MAX_ROUNDS];
	double gzip[MAX_ROUNDS];
	double base, checked;
	uint64_t sum = 0;
	size_t len;
	size_t zlen;
	char *text;
	char *zipped;
	sf_error err = {0};
	sf_inflate *z = sf_inflate_new(&err);

	if (rows < 1 || rounds < 1 || rounds > MAX_ROUNDS)
		return 2;
	if (z == NULL)
		die(&err);
	text = generate(rows, &len);
	zipped = compress_text(text, len, &zlen);
	for (int i = 0; i < rounds; i++)
	{
		double t0 = now();
		double t1, t2, t3, t4;

		run_copy(text, len, false);
		t1 = now();
		run_copy(text, len, true);
		t2 = now();
		if (run((source){text, len, NULL}, &sum) != rows)
			return 1;
		t3 = now();
		sf_inflate_reset(z);
		sf_inflate_input(z, zipped, zlen);
		if (run((source){NULL, 0, z}, &sum) != rows)
			return 1;
		t4 = now();
		copy[i] = (t1 - t0) / rows;
		check[i] = (t2 - t1) / rows;
		split[i] = (t3 - t2) / rows;
		gzip[i] = (t4 - t3) / rows;
	}
	base = median(copy, rounds);
	checked = median(check, rounds);
	printf("%d rows, %.0f bytes a row, gzip %.1f to 1, %s\n", rows, (double) len / rows,
		   (double) len / (double) zlen, sf_inflate_backend());
	printf("copy into the block  %6.1f ns a row\n", base);
	printf("utf8 check           %6.1f ns a row\n", checked - base);
	printf("split                %6.1f ns a row\n", median(split, rounds) - checked);
	printf("inflate              %6.1f ns a row\n",
		   median(gzip, rounds) - median(split, rounds) + base);
	sf_inflate_free(z);
	free(text);
	free(zipped);
	return sum == 0;
}
