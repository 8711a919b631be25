/*
 * sf_status.h
 *		Filling the error struct of sf_client.h (level 0).
 */
#ifndef SF_STATUS_H
#define SF_STATUS_H

#include <stdarg.h>

#include "sf_client.h"

#define SF_PRINTF(f, a) __attribute__((format(printf, f, a)))

/*
 * Fills *err unless it is filled already (the first error wins) and returns SF_FAILED always, so
 * that a caller can "return sf_error_set(…)".  err may be NULL.  The text is cut to fit at a
 * character border, bytes that are not UTF-8 become '?'.  PostgreSQL's message style: lower case
 * start, no full stop.  Never pass a secret.
 */
extern sf_status
sf_error_set(sf_error *err, sf_error_class cls, const char *fmt, ...) SF_PRINTF(3, 4);

/* The same with "out of memory" and SF_ERR_MEMORY. */
extern sf_status sf_error_nomem(sf_error *err);

/*
 * Adds a detail or a hint (whole sentences), only where none is there yet.  Where an earlier error
 * may have won, ask sf_error_is_set before the sf_error_set these belong to.
 */
extern void sf_error_detail(sf_error *err, const char *fmt, ...) SF_PRINTF(2, 3);
extern void sf_error_hint(sf_error *err, const char *fmt, ...) SF_PRINTF(2, 3);

/* Copies a text into code, job_id or column, only where it is still "".  NULL does nothing. */
extern void sf_error_code(sf_error *err, const char *code);
extern void sf_error_job(sf_error *err, const char *job_id);
extern void sf_error_column(sf_error *err, const char *column);

/* True when the struct holds an error; false for NULL. */
extern bool sf_error_is_set(const sf_error *err);

/*
 * Replaces every occurrence of secret in message, detail and hint by "***", for answers that may
 * echo what was sent.  Secrets shorter than 4 bytes (and NULL) are left alone: they would
 * only shred the text.
 */
extern void sf_error_redact(sf_error *err, const char *secret);

/*
 * Copies at most size - 1 bytes of text into out, cut at a character border, invalid UTF-8 and NUL
 * bytes as '?', 0-terminated.  Returns the bytes written without the 0.
 */
extern size_t sf_text_copy(char *out, size_t size, const char *text, size_t len);

#endif /* SF_STATUS_H */
