/*
 * sf_inflate_ahead.h
 *		Decompression that works ahead, in a thread of its own (level 1).
 *
 * Decompressing is nearly half of what reading a bulk result costs, and needs nothing of the rest.
 * So a decoder (sf_inflate.h) runs here in a thread, some hundred kilobytes ahead of
 * whoever splits and converts its text.  The thread touches nothing but the decoder and
 * buffers of this object, allocates nothing, and has all signals blocked, so that no handler of the
 * host process can run in it.
 *
 * It is started only after the first SF_AHEAD_AFTER bytes of text (small results are not worth
 * a thread), and only where a second processor could run it; until then, and where no thread can be
 * made, the same calls do the work at once.  What comes out is the same.
 *
 * One object serves one decoder at a time:
 *
 *		sf_ahead_use(a, z)
 *		n = sf_ahead_put(a, data, len)				as much as there is room for
 *		sf_ahead_get(a, out, room, &n, err)			SF_OK; SF_WAIT: put more
 */
#ifndef SF_INFLATE_AHEAD_H
#define SF_INFLATE_AHEAD_H

#include "sf_inflate.h"

typedef struct sf_ahead sf_ahead;

/* Bytes of text before a thread is started: a few times what starting one costs. */
#define SF_AHEAD_AFTER (512 * 1024)

/* Whether a thread may be used. */
typedef enum sf_ahead_mode
{
	SF_AHEAD_AUTO,	/* yes, where there are two processors or more */
	SF_AHEAD_NEVER, /* no: all work is done by the calls */
	SF_AHEAD_ALWAYS /* yes, and from the first byte on (tests) */
} sf_ahead_mode;

/* NULL with *err filled when out of memory. */
extern sf_ahead *sf_ahead_new(sf_ahead_mode mode, sf_error *err);

/* Ends the thread; waits for the piece that it is at (some 0.1 ms).  NULL is fine. */
extern void sf_ahead_free(sf_ahead *a);

/*
 * Works for this decoder (borrowed) from now on, NULL for none; drops what was put for the one
 * before and not got.  Afterwards the one before is the caller's again.
 */
extern void sf_ahead_use(sf_ahead *a, sf_inflate *z);

/* The decoder in use, or NULL. */
extern const sf_inflate *sf_ahead_used(const sf_ahead *a);

/* Takes a copy of up to len bytes of compressed input; returns how many, 0 when it is full. */
extern size_t sf_ahead_put(sf_ahead *a, const void *data, size_t len);

/*
 * Writes up to room bytes of text, in order.
 *		SF_OK		*produced > 0 bytes
 *		SF_WAIT		all that was put is through, and got; until the next put the decoder is at rest and
 *					may be looked at (sf_inflate_finish, sf_inflate_total_in)
 *		SF_FAILED	as sf_inflate_output
 * It may wait for the thread, but only for text of input that was put: no longer than
 * decompressing a piece takes.
 */
extern sf_status
sf_ahead_get(sf_ahead *a, void *out, size_t room, size_t *produced, sf_error *err);

/* Does a thread work for it? */
extern bool sf_ahead_threaded(const sf_ahead *a);

#endif /* SF_INFLATE_AHEAD_H */
