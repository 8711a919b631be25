/*
 * spool.c
 *		Bytes written once and read from any place: in memory first, then in a temporary file.
 *
 * The memory is a ring: byte o of the spool stands at o % ring until byte o + ring is written.  It
 * grows by doubling up to its full size; what would be overwritten then goes to the file first, in
 * pieces.  So the reader of rows that were just written, which is what an upload is, finds them in
 * memory although the file is at work, and bytes are copied once on their way in and not at all on
 * their way out.
 *
 * The file is one that outlives transactions (OpenTemporaryFile), so that no resource owner ends it
 * below us: it ends with the spool, or with its memory context, whichever comes first.
 */
#include "write.h"

#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

/* What is written to the file at a time; the ring is a whole number of them. */
#define PIECE ((Size) 128 * 1024)

/* The first allocation, and the buffer for bytes that are in the file alone. */
#define RING_START ((Size) 512)
#define READ_SIZE  ((Size) 256 * 1024)

struct SfbSpool
{
	MemoryContext context;
	int64 size; /* bytes written */

	/* the last ones of them */
	char *memory;
	Size allocated; /* of memory: less than ring while nothing has left it */
	Size ring;

	/* the others, and maybe some of the last ones */
	File file;	   /* -1 before it is needed */
	int64 flushed; /* bytes that are in it */

	/* what was read from it last */
	char *read_buf; /* NULL before it is needed */
	int64 read_offset;
	Size read_len;

	MemoryContextCallback callback;
};

/* The memory context goes away: memory is its affair, the file ours. */
static void
close_file(void *arg)
{
	SfbSpool *spool = arg;
	File file = spool->file;

	spool->file = -1;
	if (file >= 0)
		FileClose(file);
}

SfbSpool *
sfb_spool_new(Size mem_max)
{
	SfbSpool *spool = palloc0(sizeof(SfbSpool));

	spool->context = CurrentMemoryContext;
	spool->ring = Max(TYPEALIGN(PIECE, mem_max), 2 * PIECE);
	spool->file = -1;
	spool->callback.func = close_file;
	spool->callback.arg = spool;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &spool->callback);
	return spool;
}

int64
sfb_spool_size(const SfbSpool *spool)
{
	return spool->size;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Writes the oldest piece that is not in the file yet. */
static void
flush_piece(SfbSpool *spool)
{
	char *data = spool->memory + spool->flushed % spool->ring;
	Size done = 0;

	if (spool->file < 0)
		spool->file = OpenTemporaryFile(true);

	/* After an ERROR the piece still counts as not written. */
	while (done < PIECE)
	{
		int n = FileWrite(spool->file, data + done, (int) (PIECE - done),
						  (off_t) (spool->flushed + done), WAIT_EVENT_BUFFILE_WRITE);

		if (n <= 0)
			ereport(ERROR, errcode_for_file_access(),
					errmsg("could not write to file \"%s\": %m", FilePathName(spool->file)));
		done += n;
	}
	spool->flushed += PIECE;
}

/* Makes the memory large enough for some more bytes, as far as it may grow. */
static void
grow(SfbSpool *spool, Size more)
{
	Size wanted = Max(spool->allocated, RING_START);

	while (wanted < spool->ring && wanted - spool->size < more)
		wanted *= 2;
	wanted = Min(wanted, spool->ring);
	if (wanted <= spool->allocated)
		return;
	if (spool->memory == NULL)
		spool->memory = MemoryContextAllocHuge(spool->context, wanted);
	else
		spool->memory = repalloc_huge(spool->memory, wanted);
	spool->allocated = wanted;
}

void
sfb_spool_write(SfbSpool *spool, const char *data, Size len)
{
	if (spool->allocated < spool->ring && len > spool->allocated - spool->size)
		grow(spool, len);

	while (len > 0)
	{
		Size at = spool->size % spool->ring;
		Size n = Min(len, spool->ring - at);

		/* The bytes that these replace must be in the file: one piece at a time, as needed. */
		n = Min(n, PIECE);
		while (spool->size + (int64) n > spool->flushed + (int64) spool->ring)
			flush_piece(spool);
		memcpy(spool->memory + at, data, n);
		spool->size += n;
		data += n;
		len -= n;
	}
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Fills the read buffer from the file, from offset on; returns how many bytes there are. */
static Size
read_file(SfbSpool *spool, int64 offset)
{
	Size wanted = Min((int64) READ_SIZE, spool->flushed - offset);
	int n;

	if (spool->read_buf == NULL)
		spool->read_buf = MemoryContextAlloc(spool->context, READ_SIZE);
	spool->read_len = 0;
	n = FileRead(spool->file, spool->read_buf, (int) wanted, (off_t) offset,
				 WAIT_EVENT_BUFFILE_READ);
	if (n < 0)
		ereport(ERROR, errcode_for_file_access(),
				errmsg("could not read file \"%s\": %m", FilePathName(spool->file)));
	if (n == 0)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
				errmsg("could not read from temporary file: read only %d of %zu bytes", n,
					   wanted));
	spool->read_offset = offset;
	spool->read_len = n;
	return spool->read_len;
}

Size
sfb_spool_read(SfbSpool *spool, int64 offset, const char **data)
{
	Assert(offset >= 0);
	if (offset >= spool->size)
		return 0;

	if (offset >= spool->size - (int64) spool->ring)
	{
		Size at = offset % spool->ring;

		*data = spool->memory + at;
		return Min((int64) (spool->ring - at), spool->size - offset);
	}

	if (offset < spool->read_offset || offset >= spool->read_offset + (int64) spool->read_len)
		read_file(spool, offset);
	*data = spool->read_buf + (offset - spool->read_offset);
	return spool->read_len - (offset - spool->read_offset);
}

/* ---- another use ------------------------------------------------------------------------------- */

void
sfb_spool_reset(SfbSpool *spool)
{
	spool->size = 0;
	spool->flushed = 0;
	spool->read_len = 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

void
sfb_spool_free(SfbSpool *spool)
{
	if (spool == NULL)
		return;
	close_file(spool);
	if (spool->memory != NULL)
		pfree(spool->memory);
	if (spool->read_buf != NULL)
		pfree(spool->read_buf);
	spool->memory = NULL;
	spool->read_buf = NULL;
	spool->allocated = 0;
	spool->size = 0;
	spool->flushed = 0;
	spool->read_len = 0;
	/* The struct itself is in the context's list of callbacks, and goes with it. */
}
