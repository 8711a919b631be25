/*
 * sf_http_queue.c
 *		Bytes of a response body that wait for their reader.
 */
#include "sf_http_queue.h"

#include <stdlib.h>
#include <string.h>

static sf_chunk *
chunk_take(sf_chunk_pool *pool)
{
	sf_chunk *c = pool->unused;

	if (c != NULL)
	{
		pool->unused = c->next;
		pool->nunused--;
	}
	else
	{
		c = malloc(sizeof(*c));
		if (c == NULL)
			return NULL;
	}
	c->next = NULL;
	c->begin = c->end = 0;
	return c;
}

static void
chunk_give(sf_chunk_pool *pool, sf_chunk *c)
{
	if (pool->nunused >= SF_POOL_MAX)
	{
		free(c);
		return;
	}
	c->next = pool->unused;
	pool->unused = c;
	pool->nunused++;
}

void
sf_chunk_pool_free(sf_chunk_pool *pool)
{
	while (pool->unused != NULL)
	{
		sf_chunk *next = pool->unused->next;

		free(pool->unused);
		pool->unused = next;
	}
	pool->nunused = 0;
}

bool
sf_chunk_put(sf_chunk_queue *q, sf_chunk_pool *pool, const char *data, size_t len)
{
	while (len > 0)
	{
		size_t room;

		if (q->last == NULL || q->last->end == SF_CHUNK_SIZE)
		{
			sf_chunk *c = chunk_take(pool);

			if (c == NULL)
				return false;
			if (q->last != NULL)
				q->last->next = c;
			else
				q->first = c;
			q->last = c;
		}
		room = SF_CHUNK_SIZE - q->last->end;
		if (room > len)
			room = len;
		memcpy(q->last->data + q->last->end, data, room);
		q->last->end += room;
		q->bytes += room;
		data += room;
		len -= room;
	}
	return true;
}

const char *
sf_chunk_peek(const sf_chunk_queue *q, size_t *len)
{
	if (q->bytes == 0)
	{
		*len = 0;
		return NULL;
	}
	*len = q->first->end - q->first->begin;
	return q->first->data + q->first->begin;
}

void
sf_chunk_consume(sf_chunk_queue *q, sf_chunk_pool *pool, size_t n)
{
	sf_chunk *c = q->first;

	if (c == NULL || n == 0)
		return;
	c->begin += n;
	q->bytes -= n;
	if (c->begin < c->end)
		return;
	q->first = c->next;
	if (q->first == NULL)
		q->last = NULL;
	chunk_give(pool, c);
}

void
sf_chunk_clear(sf_chunk_queue *q, sf_chunk_pool *pool)
{
	while (q->first != NULL)
	{
		sf_chunk *next = q->first->next;

		chunk_give(pool, q->first);
		q->first = next;
	}
	q->last = NULL;
	q->bytes = 0;
}
