/*
 * sf_buf.c
 *		A growing byte buffer born with a maximum.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_buf.h"
#include "sf_secret.h"

/* First allocation; most request bodies and URLs fit, so they never move. */
#define FIRST_ALLOC 256

void
sf_buf_init(sf_buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void
sf_buf_init_secret(sf_buf *b, size_t max)
{
	sf_buf_init(b, max);
	b->secret = true;
}

static void
drop_memory(sf_buf *b)
{
	if (b->secret)
		sf_wipe(b->data, b->alloc);
	free(b->data);
	b->data = NULL;
	b->len = 0;
	b->alloc = 0;
}

void
sf_buf_free(sf_buf *b)
{
	drop_memory(b);
	b->failed = SF_ERR_NONE;
}

void
sf_buf_reset(sf_buf *b)
{
	if (b->secret)
		sf_wipe(b->data, b->alloc);
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = 0;
	b->failed = SF_ERR_NONE;
}

static sf_status
fail(sf_buf *b, sf_error_class why)
{
	drop_memory(b);
	b->failed = why;
	return SF_FAILED;
}

sf_status
sf_buf_reserve(sf_buf *b, size_t n)
{
	size_t need;
	size_t alloc;
	char *data;

	if (b->failed != SF_ERR_NONE)
		return SF_FAILED;
	if (n > b->max || b->len > b->max - n)
		return fail(b, SF_ERR_LIMIT);

	need = b->len + n + 1;
	if (need <= b->alloc)
		return SF_OK;

	alloc = b->alloc < FIRST_ALLOC ? FIRST_ALLOC : b->alloc;
	while (alloc < need)
		alloc = alloc > SIZE_MAX / 2 ? need : alloc * 2;
	/* never more than the maximum needs: it is a promise about memory */
	if (alloc > b->max + 1)
		alloc = b->max + 1;

	/* realloc would leave the old copy of a secret behind */
	if (b->secret)
	{
		data = malloc(alloc);
		if (data != NULL && b->data != NULL)
			memcpy(data, b->data, b->len + 1);
		if (data != NULL)
		{
			sf_wipe(b->data, b->alloc);
			free(b->data);
		}
	}
	else
		data = realloc(b->data, alloc);
	if (data == NULL)
		return fail(b, SF_ERR_MEMORY);

	b->data = data;
	b->alloc = alloc;
	b->data[b->len] = 0;
	return SF_OK;
}

void
sf_buf_added(sf_buf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = 0;
}

sf_status
sf_buf_append(sf_buf *b, const void *data, size_t len)
{
	if (sf_buf_reserve(b, len) != SF_OK)
		return SF_FAILED;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	sf_buf_added(b, len);
	return SF_OK;
}

sf_status
sf_buf_puts(sf_buf *b, const char *text)
{
	return sf_buf_append(b, text, strlen(text));
}

sf_status
sf_buf_putc(sf_buf *b, char c)
{
	return sf_buf_append(b, &c, 1);
}

sf_status
sf_buf_printf(sf_buf *b, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0)
		return fail(b, SF_ERR_LIMIT);
	if (sf_buf_reserve(b, (size_t) n) != SF_OK)
		return SF_FAILED;

	va_start(args, fmt);
	vsnprintf(b->data + b->len, (size_t) n + 1, fmt, args);
	va_end(args);
	sf_buf_added(b, (size_t) n);
	return SF_OK;
}

void
sf_buf_consume(sf_buf *b, size_t n)
{
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}

const char *
sf_buf_text(const sf_buf *b)
{
	return b->data == NULL ? "" : b->data;
}

sf_status
sf_buf_check(const sf_buf *b, const char *what, sf_error *err)
{
	if (b->failed == SF_ERR_NONE)
		return SF_OK;
	if (b->failed == SF_ERR_LIMIT)
		return sf_error_set(err, SF_ERR_LIMIT, "%s exceeds %zu bytes", what, b->max);
	return sf_error_nomem(err);
}

char *
sf_buf_take(sf_buf *b, size_t *len)
{
	char *data;

	/* so that an empty buffer gives an empty string */
	if (sf_buf_reserve(b, 0) != SF_OK)
		return NULL;
	data = b->data;
	if (len != NULL)
		*len = b->len;
	b->data = NULL;
	b->len = 0;
	b->alloc = 0;
	return data;
}
