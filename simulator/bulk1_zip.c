/*
 * bulk1_zip.c
 *		Zip files of the Bulk API 1.0: a batch in request.txt, and the files it refers to.
 *
 * Only what such files have: one disk, no encryption, entries that are stored or deflated.  The directory at the end is
 * believed; sizes are bounded before anything is unpacked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "bulk1_int.h"

#define MAX_ENTRIES 1001			   /* a thousand files and request.txt */
#define MAX_FILE	(10 * 1024 * 1024) /* unpacked */
#define MAX_TOTAL	(20 * 1024 * 1024)

#define END_SIGNATURE	0x06054b50U
#define ENTRY_SIGNATURE 0x02014b50U
#define LOCAL_SIGNATURE 0x04034b50U
#define END_SIZE		22
#define ENTRY_SIZE		46
#define LOCAL_SIZE		30

typedef struct entry
{
	const char *name;
	size_t name_len;
	unsigned method;
	size_t packed;
	size_t size;
	size_t offset;
} entry;

struct bulk1_zip
{
	const char *data;
	size_t len;
	entry *entries;
	int n;
};

static unsigned
get16(const char *p)
{
	const unsigned char *u = (const unsigned char *) p;

	return u[0] | (unsigned) u[1] << 8;
}

static unsigned
get32(const char *p)
{
	return get16(p) | get16(p + 2) << 16;
}

/* The record at the end, which a comment may follow; NULL: none. */
static const char *
find_end(const char *data, size_t len)
{
	for (size_t back = END_SIZE; back <= len && back <= END_SIZE + 65535; back++)
		if (get32(data + len - back) == END_SIGNATURE)
			return data + len - back;
	return NULL;
}

static bool
malformed(sim_error *err)
{
	return sim_error_set(err, "InvalidBatch", "Zip content is malformed");
}

static bool
read_directory(bulk1_zip *z, sim_error *err)
{
	const char *end = find_end(z->data, z->len);
	size_t at;
	size_t total = 0;
	unsigned count;

	if (end == NULL)
		return malformed(err);
	count = get16(end + 10);
	at = get32(end + 16);
	if (count > MAX_ENTRIES)
		return sim_error_set(err, "InvalidBatch", "Too many files in the zip file: %u", count);
	z->entries = calloc(count ? count : 1, sizeof(*z->entries));
	if (z->entries == NULL)
		return sim_error_set(err, "InvalidBatch", "out of memory");
	for (unsigned i = 0; i < count; i++)
	{
		const char *p = z->data + at;
		entry *e = &z->entries[z->n];
		size_t skip;

		if (at > z->len || z->len - at < ENTRY_SIZE || get32(p) != ENTRY_SIGNATURE)
			return malformed(err);
		e->method = get16(p + 10);
		e->packed = get32(p + 20);
		e->size = get32(p + 24);
		e->name_len = get16(p + 28);
		e->offset = get32(p + 42);
		e->name = p + ENTRY_SIZE;
		skip = ENTRY_SIZE + e->name_len + get16(p + 30) + get16(p + 32);
		if (z->len - at < skip || (get16(p + 8) & 1))
			return malformed(err);
		if (e->size > MAX_FILE || (total += e->size) > MAX_TOTAL)
			return sim_error_set(err, "InvalidBatch",
								 "The decompressed size of the zip file is too large");
		z->n++;
		at += skip;
	}
	return true;
}

bulk1_zip *
bulk1_zip_open(const char *data, size_t len, sim_error *err)
{
	bulk1_zip *z = calloc(1, sizeof(*z));

	if (z == NULL)
	{
		sim_error_set(err, "InvalidBatch", "out of memory");
		return NULL;
	}
	z->data = data;
	z->len = len;
	if (read_directory(z, err))
		return z;
	bulk1_zip_close(z);
	return NULL;
}

void
bulk1_zip_close(bulk1_zip *z)
{
	if (z == NULL)
		return;
	free(z->entries);
	free(z);
}

/* Exactly e->size bytes come out, or it is malformed. */
static bool
inflate_entry(const entry *e, const char *packed, char *to)
{
	z_stream s = {0};
	int rc;

	if (inflateInit2(&s, -15) != Z_OK)
		return false;
	s.next_in = (Bytef *) (uintptr_t) packed;
	s.avail_in = (uInt) e->packed;
	s.next_out = (Bytef *) to;
	s.avail_out = (uInt) e->size;
	rc = inflate(&s, Z_FINISH);
	inflateEnd(&s);
	return rc == Z_STREAM_END && s.avail_out == 0;
}

static bool
unpack(const bulk1_zip *z, const entry *e, sim_buf *out)
{
	const char *p = z->data + e->offset;
	size_t skip;
	char *to;

	if (e->offset > z->len || z->len - e->offset < LOCAL_SIZE || get32(p) != LOCAL_SIGNATURE)
		return false;
	skip = LOCAL_SIZE + get16(p + 26) + get16(p + 28);
	if (z->len - e->offset < skip || z->len - e->offset - skip < e->packed)
		return false;
	to = sim_buf_reserve(out, e->size + 1);
	if (to == NULL)
		return false;
	if (e->method == 0 && e->packed == e->size)
		memcpy(to, p + skip, e->size);
	else if (e->method != Z_DEFLATED || !inflate_entry(e, p + skip, to))
		return false;
	to[e->size] = '\0';
	out->len += e->size;
	return true;
}

int
bulk1_zip_read(const bulk1_zip *z, const char *name, sim_buf *out, sim_error *err)
{
	size_t len = strlen(name);

	for (int i = 0; i < z->n; i++)
	{
		const entry *e = &z->entries[i];

		if (e->name_len != len || memcmp(e->name, name, len) != 0 ||
			(len > 0 && name[len - 1] == '/'))
			continue;
		if (unpack(z, e, out))
			return 1;
		malformed(err);
		return -1;
	}
	return 0;
}
