/*
 * sfb_test_spool.c
 *		spool.c for SQL: one spool per session, whose bytes follow from their offsets, so that every
 *		read can be checked.
 *
 * A module of the regression tests only; it compiles the spool in.
 */
#include "../../src/fdw/spool.c"

#include "fmgr.h"

#include "../../src/fdw/compat.h"

#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "sfb_test_spool");
#else
PG_MODULE_MAGIC;
#endif

extern PGDLLEXPORT Datum sfb_test_spool_open(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfb_test_spool_put(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfb_test_spool_check(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfb_test_spool_close(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfb_test_spool_open);
PG_FUNCTION_INFO_V1(sfb_test_spool_put);
PG_FUNCTION_INFO_V1(sfb_test_spool_check);
PG_FUNCTION_INFO_V1(sfb_test_spool_close);

static MemoryContext context = NULL;
static SfbSpool *spool = NULL;

/* The byte at an offset; periods of the ring's length would be noticed. */
static char
byte_at(int64 offset)
{
	uint64 x = (uint64) offset * UINT64CONST(0x9E3779B97F4A7C15);

	return (char) (x >> 56);
}

/* (mem_max): a new spool, in memory that no transaction ends */
Datum
sfb_test_spool_open(PG_FUNCTION_ARGS)
{
	MemoryContext oldcontext;

	if (context != NULL)
		MemoryContextDelete(context);
	context = AllocSetContextCreate(TopMemoryContext, "sfb_test_spool", ALLOCSET_SMALL_SIZES);
	oldcontext = MemoryContextSwitchTo(context);
	spool = sfb_spool_new(PG_GETARG_INT32(0));
	MemoryContextSwitchTo(oldcontext);
	PG_RETURN_VOID();
}

/* One read at offset, of which at most so many bytes are checked; its length. */
static int64
check_read(int64 offset, Size most)
{
	const char *data = NULL;
	Size n = sfb_spool_read(spool, offset, &data);

	if (n == 0 && offset < sfb_spool_size(spool))
		elog(ERROR, "nothing at " INT64_FORMAT, offset);
	if (offset + (int64) n > sfb_spool_size(spool))
		elog(ERROR, "bytes behind the end at " INT64_FORMAT, offset);
	for (Size i = 0; i < Min(n, most); i++)
		if (data[i] != byte_at(offset + i))
			elog(ERROR, "wrong byte at " INT64_FORMAT, offset + (int64) i);
	return n;
}

/*
 * (bytes, block, lag): writes bytes in blocks, and after each reads behind, so that the reader is at
 * most lag bytes late; returns the size
 */
Datum
sfb_test_spool_put(PG_FUNCTION_ARGS)
{
	int64 end = sfb_spool_size(spool) + PG_GETARG_INT64(0);
	int32 block = PG_GETARG_INT32(1);
	int64 lag = PG_GETARG_INT64(2);
	char *data = palloc(block);
	int64 reader = 0;

	while (sfb_spool_size(spool) < end)
	{
		int64 offset = sfb_spool_size(spool);
		int n = (int) Min(end - offset, block);

		for (int i = 0; i < n; i++)
			data[i] = byte_at(offset + i);
		sfb_spool_write(spool, data, n);
		while (reader < sfb_spool_size(spool) - lag)
			reader += check_read(reader, SIZE_MAX);
	}
	PG_RETURN_INT64(sfb_spool_size(spool));
}

/* (step): reads all, forwards; then single places from the end back, step bytes apart; the size */
Datum
sfb_test_spool_check(PG_FUNCTION_ARGS)
{
	int64 step = PG_GETARG_INT64(0);
	int64 offset = 0;
	int64 n;

	while ((n = check_read(offset, SIZE_MAX)) > 0)
		offset += n;
	if (offset != sfb_spool_size(spool))
		elog(ERROR, "it ends at " INT64_FORMAT, offset);
	for (n = offset - 1; n >= 0; n -= step)
		check_read(n, 1000);
	PG_RETURN_INT64(offset);
}

/* (times): frees it so often, then its memory context */
Datum
sfb_test_spool_close(PG_FUNCTION_ARGS)
{
	for (int i = 0; i < PG_GETARG_INT32(0); i++)
		sfb_spool_free(spool);
	MemoryContextDelete(context);
	context = NULL;
	spool = NULL;
	PG_RETURN_VOID();
}
