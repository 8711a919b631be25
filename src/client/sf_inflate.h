/*
 * sf_inflate.h
 *		Streaming gzip decoder (level 1), over ISA-L (SF_HAVE_ISAL) or zlib.
 *
 * curl's own decoder works in pieces of 16 kB and takes three times as long.
 * Output goes straight to where the caller wants it, 256 kB at a time for full speed.
 *
 *		sf_inflate_input(z, chunk, len)
 *		while ((st = sf_inflate_output(z, out, room, &n, err)) == SF_OK) … n bytes …
 *		SF_WAIT: give the next chunk;  at the body's end: sf_inflate_finish(z, err)
 */
#ifndef SF_INFLATE_H
#define SF_INFLATE_H

#include "sf_client.h"

typedef struct sf_inflate sf_inflate;

/* NULL with *err filled when out of memory. */
extern sf_inflate *sf_inflate_new(sf_error *err);
extern void sf_inflate_free(sf_inflate *z);

/* Ready for another stream; drops input that was not consumed. */
extern void sf_inflate_reset(sf_inflate *z);

/*
 * The next piece of input, borrowed until sf_inflate_output answers SF_WAIT.  Allowed only when
 * the piece before is consumed (see sf_inflate_input_left).
 */
extern void sf_inflate_input(sf_inflate *z, const void *data, size_t len);

/* Input bytes given and not yet consumed. */
extern size_t sf_inflate_input_left(const sf_inflate *z);

/*
 * Writes up to room bytes.
 *		SF_OK		*produced > 0 bytes were written; there may be more
 *		SF_WAIT		the input is consumed and nothing more comes out of it (*produced is 0)
 *		SF_FAILED	SF_ERR_PROTOCOL: not gzip, corrupt, wrong CRC or length, garbage behind the end;
 *					SF_ERR_MEMORY.  It stays failed.
 * Several gzip members in a row count as one stream.
 */
extern sf_status
sf_inflate_output(sf_inflate *z, void *out, size_t room, size_t *produced, sf_error *err);

/*
 * SF_OK when the stream ended exactly behind a verified trailer; SF_FAILED (SF_ERR_PROTOCOL) when
 * it was cut off.  A stream of no bytes at all is cut off too.
 */
extern sf_status sf_inflate_finish(sf_inflate *z, sf_error *err);

/* Bytes consumed and produced since the start or the last reset. */
extern uint64_t sf_inflate_total_in(const sf_inflate *z);
extern uint64_t sf_inflate_total_out(const sf_inflate *z);

#endif /* SF_INFLATE_H */
