/*
 * sf_http_queue.h
 *		Bytes of a response body that wait for their reader (level 2, part of sf_http).
 *
 * A queue is a list of chunks of fixed size.  Chunks come from a pool and go back to it, so a long
 * download allocates a handful of them once.
 */
#ifndef SF_HTTP_QUEUE_H
#define SF_HTTP_QUEUE_H

#include "sf_status.h"

/* Below glibc's mmap threshold, and 8 of them make what one stream may hold. */
#define SF_CHUNK_SIZE (64 * 1024)

/* Unused chunks kept for the next stream. */
#define SF_POOL_MAX 16

typedef struct sf_chunk
{
	struct sf_chunk *next;
	size_t begin; /* first byte not read yet */
	size_t end;
	char data[SF_CHUNK_SIZE];
} sf_chunk;

typedef struct sf_chunk_pool
{
	sf_chunk *unused;
	int nunused;
} sf_chunk_pool;

typedef struct sf_chunk_queue
{
	sf_chunk *first;
	sf_chunk *last;
	size_t bytes;
} sf_chunk_queue;

extern void sf_chunk_pool_free(sf_chunk_pool *pool);

/* Appends a copy; false when out of memory. */
extern bool sf_chunk_put(sf_chunk_queue *q, sf_chunk_pool *pool, const char *data, size_t len);

/* The first contiguous bytes, NULL when there are none. */
extern const char *sf_chunk_peek(const sf_chunk_queue *q, size_t *len);

/* Drops n of the bytes that sf_chunk_peek gave. */
extern void sf_chunk_consume(sf_chunk_queue *q, sf_chunk_pool *pool, size_t n);

/* Gives everything back to the pool. */
extern void sf_chunk_clear(sf_chunk_queue *q, sf_chunk_pool *pool);

#endif /* SF_HTTP_QUEUE_H */
