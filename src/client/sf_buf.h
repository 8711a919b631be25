/*
 * sf_buf.h
 *		A growing byte buffer born with a maximum (level 0).
 *
 * A failed append frees the content and marks the buffer; every later append fails too, so that
 * a run of appends needs only one look at the end (sf_buf_check).  data[len] is always 0 where
 * data is not NULL.
 */
#ifndef SF_BUF_H
#define SF_BUF_H

#include "sf_status.h"

typedef struct sf_buf
{
	char *data; /* NULL while nothing was appended */
	size_t len;
	size_t alloc;		   /* bytes allocated, with the 0 */
	size_t max;			   /* most bytes of content */
	bool secret;		   /* wipe whatever is freed or moved */
	sf_error_class failed; /* SF_ERR_NONE, SF_ERR_MEMORY or SF_ERR_LIMIT */
} sf_buf;

/* Starts an empty buffer that may hold max bytes; allocates nothing. */
extern void sf_buf_init(sf_buf *b, size_t max);

/* The same for secrets: memory is wiped before it is freed, also when the buffer moves. */
extern void sf_buf_init_secret(sf_buf *b, size_t max);

/* Frees the content and makes the buffer empty and usable again.  Fine on a zeroed struct. */
extern void sf_buf_free(sf_buf *b);

/* Empties it and forgets a failure; keeps the memory. */
extern void sf_buf_reset(sf_buf *b);

/* Appends; SF_OK, or SF_FAILED with b->failed set and the content gone. */
extern sf_status sf_buf_append(sf_buf *b, const void *data, size_t len);
extern sf_status sf_buf_puts(sf_buf *b, const char *text);
extern sf_status sf_buf_putc(sf_buf *b, char c);
extern sf_status sf_buf_printf(sf_buf *b, const char *fmt, ...) SF_PRINTF(2, 3);

/*
 * Makes room for n more bytes; write them at b->data + b->len, then add what was written with
 * sf_buf_added.
 */
extern sf_status sf_buf_reserve(sf_buf *b, size_t n);
extern void sf_buf_added(sf_buf *b, size_t n);

/* Drops the first n bytes (n at most len). */
extern void sf_buf_consume(sf_buf *b, size_t n);

/* The content as a string; "" while there is none. */
extern const char *sf_buf_text(const sf_buf *b);

/*
 * SF_OK when no append has failed; otherwise fills *err: out of memory, or SF_ERR_LIMIT
 * "<what> exceeds <max> bytes".
 */
extern sf_status sf_buf_check(const sf_buf *b, const char *what, sf_error *err);

/*
 * Hands the memory over (free() it) and empties the buffer; *len (may be NULL) is its length.
 * An empty buffer gives an empty string; NULL on failure.
 */
extern char *sf_buf_take(sf_buf *b, size_t *len);

#endif /* SF_BUF_H */
