/*
 * usage_file.c
 *		The file of the books: appending, reading, writing anew.
 *
 * Whoever writes holds an exclusive lock on the file, whoever reads a shared one, and looks behind
 * the lock whether the file is still the one of that name.  A record that is torn or damaged is passed over;
 * one that was cut off at the end is cut away by the next writer, so that records stay aligned.  It runs at
 * the end of transactions, where nothing may throw: so nothing is palloc'd, descriptors are the kernel's
 * own, and a lock that somebody does not give back is not waited for.
 */
#include "usage.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file_perm.h"
#include "datatype/timestamp.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

#define BOOK_FILE "pg_stat/sfbulk_fdw.usage"
#define BOOK_TEMP BOOK_FILE ".tmp"
#define BOOK_DIR  "pg_stat"

/* Another form of records has another number. */
#define BOOK_MAGIC 0x53464231

/* Written anew when it has more records, and twice as many as the last time. */
#define BOOK_RECORDS 4096

/* What the file may have at most, whoever wrote it. */
#define BOOK_BYTES_MAX (256 * 1024 * 1024)

/* Milliseconds and tries for a lock. */
#define LOCK_PAUSE 2
#define LOCK_TRIES 100

/* How long single hours, days, and readings are kept. */
#define KEEP_HOURS	  (48 * USECS_PER_HOUR)
#define KEEP_DAYS	  (400 * USECS_PER_DAY)
#define KEEP_READINGS (7 * USECS_PER_DAY)

#define READ_RECORDS 64

/* ---- records ---------------------------------------------------------------------------------- */

int64
sfb_book_hour(TimestampTz at)
{
	return at - (at % USECS_PER_HOUR + USECS_PER_HOUR) % USECS_PER_HOUR;
}

int64
sfb_book_day(TimestampTz at)
{
	return at - (at % USECS_PER_DAY + USECS_PER_DAY) % USECS_PER_DAY;
}

static pg_crc32c
checksum(const SfbBookRecord *record)
{
	pg_crc32c crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, &record->kind, sizeof(*record) - offsetof(SfbBookRecord, kind));
	FIN_CRC32C(crc);
	return crc;
}

static void
seal(SfbBookRecord *record)
{
	record->magic = BOOK_MAGIC;
	record->crc = checksum(record);
}

static bool
is_sound(const SfbBookRecord *record)
{
	return record->magic == BOOK_MAGIC && EQ_CRC32C(record->crc, checksum(record)) &&
		   memchr(record->object, '\0', sizeof(record->object)) != NULL;
}

static bool
is_usage(const SfbBookRecord *record)
{
	return record->kind == SFB_BOOK_HOUR || record->kind == SFB_BOOK_DAY;
}

/* In the order of the keys; readings are of one key whenever they were made. */
static int
compare(const void *left, const void *right)
{
	const SfbBookRecord *a = left;
	const SfbBookRecord *b = right;

#define BY(member)                                                                            \
	do                                                                                        \
	{                                                                                         \
		if (a->member != b->member)                                                           \
			return a->member < b->member ? -1 : 1;                                            \
	} while (0)
	BY(kind);
	BY(database);
	BY(server);
	BY(role);
	BY(mapping);
	BY(org);
	if (is_usage(a))
		BY(at);
	if (a->kind == SFB_BOOK_QUOTA)
		BY(number[0]);
#undef BY
	return strcmp(a->object, b->object);
}

bool
sfb_book_same(const SfbBookRecord *a, const SfbBookRecord *b)
{
	return compare(a, b) == 0;
}

/* ---- the file ----------------------------------------------------------------------------------- */

static bool
lock(int fd, int operation)
{
	for (int i = 0; i < LOCK_TRIES; i++)
	{
		if (flock(fd, operation | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		sfb_nap(LOCK_PAUSE);
	}
	return false;
}

/* The file, locked, and its size; -1 when it cannot be had. */
static int
open_book(int flags, int operation, struct stat *st)
{
	for (int i = 0; i < LOCK_TRIES; i++)
	{
		struct stat named;
		int fd = BasicOpenFilePerm(BOOK_FILE, flags | PG_BINARY, pg_file_create_mode);

		if (fd < 0)
			return -1;
		if (!lock(fd, operation) || fstat(fd, st) != 0)
		{
			close(fd);
			return -1;
		}
		/* While the lock was waited for, the file may have been written anew. */
		if (stat(BOOK_FILE, &named) == 0 && named.st_ino == st->st_ino &&
			named.st_dev == st->st_dev)
			return fd;
		close(fd);
	}
	return -1;
}

/* All of it, or false. */
static bool
write_all(int fd, const void *data, size_t len, off_t offset)
{
	const char *p = data;

	while (len > 0)
	{
		ssize_t n = pwrite(fd, p, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t) n;
		offset += n;
	}
	return true;
}

static bool
read_all(int fd, void *data, size_t len, off_t offset)
{
	char *p = data;

	while (len > 0)
	{
		ssize_t n = pread(fd, p, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t) n;
		offset += n;
	}
	return true;
}

/* ---- writing anew ------------------------------------------------------------------------------- */

/* What was spent diminishes what the org has said is left. */
static void
spend(SfbBookRecord *quota, const SfbBookRecord *usage)
{
	static const int spent_on[SF_QUOTA_COUNT] = {
		[SF_QUOTA_QUERY_JOBS] = SfbUsageQueryJobs,
		[SF_QUOTA_QUERY_FILES_MB] = SfbUsageResultBytes,
		[SF_QUOTA_BATCHES] = SfbUsageBatches,
	};

	if (quota->kind == SFB_BOOK_QUOTA && quota->org == usage->org && quota->number[0] >= 0 &&
		quota->number[0] < SF_QUOTA_COUNT)
		quota->number[3] += usage->number[spent_on[quota->number[0]]];
}

/*
 * What is kept of the records, in place; their number.  Readings gather at the front while all is in the
 * order in which it was written, which tells what was spent since each of them.
 */
static int64
condense(SfbBookRecord *records, int64 count, Oid forget, TimestampTz now)
{
	SfbBookRecord *readings = NULL;
	int64 nreadings = 0;
	int64 kept = 0;
	int64 merged = 0;

	readings = malloc(sizeof(SfbBookRecord) * Max(count, 1));
	if (readings == NULL)
		return -1;
	for (int64 i = 0; i < count; i++)
	{
		SfbBookRecord record = records[i];

		if (!is_sound(&record) || record.kind == SFB_BOOK_HEADER)
			continue;
		if (!is_usage(&record))
		{
			int64 at = 0;

			if (record.at < now - KEEP_READINGS)
				continue;
			while (at < nreadings && !sfb_book_same(&readings[at], &record))
				at++;
			if (at == nreadings)
				nreadings++;
			else if (readings[at].at > record.at)
				continue;
			readings[at] = record;
			continue;
		}
		for (int64 r = 0; r < nreadings; r++)
			spend(&readings[r], &record);
		if (record.at < now - KEEP_DAYS || (OidIsValid(forget) && record.database == forget))
			continue;
		if (record.kind == SFB_BOOK_HOUR && record.at < now - KEEP_HOURS)
		{
			record.kind = SFB_BOOK_DAY;
			record.at = sfb_book_day(record.at);
		}
		records[kept++] = record;
	}
	qsort(records, kept, sizeof(SfbBookRecord), compare);
	for (int64 i = 0; i < kept; i++)
	{
		if (merged > 0 && sfb_book_same(&records[merged - 1], &records[i]))
			for (int n = 0; n < SfbUsageNumbers; n++)
				records[merged - 1].number[n] += records[i].number[n];
		else
			records[merged++] = records[i];
	}

	/* There is room for them, as they were among the records. */
	memcpy(&records[merged], readings, sizeof(SfbBookRecord) * nreadings);
	free(readings);
	return merged + nreadings;
}

/* Puts records, the first of which is a header, into a file of that name, for good. */
static bool
replace_book(SfbBookRecord *records, int64 count)
{
	int fd = BasicOpenFilePerm(BOOK_TEMP, O_RDWR | O_CREAT | O_TRUNC | PG_BINARY,
							   pg_file_create_mode);
	bool ok;

	if (fd < 0)
		return false;
	for (int64 i = 0; i < count; i++)
		seal(&records[i]);
	ok = write_all(fd, records, sizeof(SfbBookRecord) * count, 0) && pg_fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	if (!ok || rename(BOOK_TEMP, BOOK_FILE) != 0)
	{
		unlink(BOOK_TEMP);
		return false;
	}
	fd = BasicOpenFile(BOOK_DIR, O_RDONLY);
	if (fd >= 0)
	{
		(void) pg_fsync(fd);
		close(fd);
	}
	return true;
}

/* Writes the file, which is locked, anew. */
static bool
write_anew(int fd, off_t size, Oid forget)
{
	int64 count = size / (off_t) sizeof(SfbBookRecord);
	SfbBookRecord *records;
	bool ok = false;

	if (size > BOOK_BYTES_MAX)
		count = 0; /* nobody of us wrote that */
	records = malloc(sizeof(SfbBookRecord) * (count + 1));
	if (records == NULL)
		return false;
	if (read_all(fd, records + 1, sizeof(SfbBookRecord) * count, 0))
	{
		count = condense(records + 1, count, forget, GetCurrentTimestamp());
		if (count >= 0)
		{
			memset(records, 0, sizeof(SfbBookRecord));
			records->kind = SFB_BOOK_HEADER;
			records->number[0] = count;
			ok = replace_book(records, count + 1);
		}
	}
	free(records);
	return ok;
}

/* Has it grown so much that it should be written anew? */
static bool
has_grown(int fd, off_t size)
{
	int64 count = size / (off_t) sizeof(SfbBookRecord);
	SfbBookRecord header;

	if (count <= BOOK_RECORDS)
		return false;
	if (!read_all(fd, &header, sizeof(header), 0) || !is_sound(&header) ||
		header.kind != SFB_BOOK_HEADER)
		return true;
	return count > 2 * header.number[0];
}

bool
sfb_book_forget(Oid database)
{
	struct stat st;
	int fd = open_book(O_RDWR | O_CREAT, LOCK_EX, &st);
	bool ok;

	if (fd < 0)
		return false;
	ok = write_anew(fd, st.st_size, database);
	close(fd);
	return ok;
}

/* ---- appending and reading ------------------------------------------------------------------------ */

bool
sfb_book_append(SfbBookRecord *records, int count)
{
	struct stat st;
	int fd = open_book(O_RDWR | O_CREAT, LOCK_EX, &st);
	off_t end;
	bool ok = true;

	if (fd < 0)
		return false;
	end = st.st_size - st.st_size % (off_t) sizeof(SfbBookRecord);
	if (end == 0)
	{
		SfbBookRecord header = {.kind = SFB_BOOK_HEADER};

		seal(&header);
		ok = write_all(fd, &header, sizeof(header), 0);
		end = sizeof(header);
	}
	for (int i = 0; i < count; i++)
		seal(&records[i]);
	ok = ok && write_all(fd, records, sizeof(SfbBookRecord) * count, end);
	if (!ok)
	{
		/* No half of it: the disk is full, or worse. */
		if (ftruncate(fd, end) != 0)
			ereport(DEBUG1,
					(errmsg_internal("could not truncate file \"%s\": %m", BOOK_FILE)));
	}
	else if (has_grown(fd, end + (off_t) sizeof(SfbBookRecord) * count))
		(void) write_anew(fd, end + (off_t) sizeof(SfbBookRecord) * count, InvalidOid);
	close(fd);
	return ok;
}

/* Shows what is behind the place; take may throw. */
static void
read_records(int fd, int64 size, SfbBookPlace *place,
			 void (*take)(const SfbBookRecord *record, void *arg), void *arg)
{
	SfbBookRecord records[READ_RECORDS];

	for (;;)
	{
		int64 left = (size - place->offset) / (int64) sizeof(SfbBookRecord);
		int n = (int) Min(left, READ_RECORDS);

		if (n == 0 || !read_all(fd, records, sizeof(SfbBookRecord) * n, place->offset))
			break;
		place->offset += (int64) sizeof(SfbBookRecord) * n;
		for (int i = 0; i < n; i++)
			if (is_sound(&records[i]) && records[i].kind != SFB_BOOK_HEADER)
				take(&records[i], arg);
	}
}

void
sfb_book_read(SfbBookPlace *place, void (*begin)(void *arg),
			  void (*take)(const SfbBookRecord *record, void *arg), void *arg)
{
	struct stat st;
	int fd = open_book(O_RDONLY, LOCK_SH, &st);

	if (fd < 0)
		return;
	if (place->device != (uint64) st.st_dev || place->inode != (uint64) st.st_ino ||
		place->offset > st.st_size)
	{
		place->device = st.st_dev;
		place->inode = st.st_ino;
		place->offset = 0;
		begin(arg);
	}
	PG_TRY();
	{
		read_records(fd, st.st_size, place, take, arg);
	}
	PG_FINALLY();
	{
		/* with it goes the lock, which writers wait for */
		close(fd);
	}
	PG_END_TRY();
}
