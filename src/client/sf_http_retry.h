/*
 * sf_http_retry.h
 *		When and how often a request is sent again (level 2, part of sf_http).  Pure functions.
 */
#ifndef SF_HTTP_RETRY_H
#define SF_HTTP_RETRY_H

#include "sf_status.h"

/* What repeating a request may do. */
typedef enum sf_retry_policy
{
	SF_RETRY_HARMLESS, /* nothing: reads, deletes, aborts */
	SF_RETRY_REFUSED   /* something: only when the server surely did not act on the first */
} sf_retry_policy;

/* How one attempt ended. */
typedef struct sf_attempt
{
	bool answered; /* a whole answer came: status and body count; else the connection failed */
	bool sent;	   /* bytes of the request had left */
	int status;
	const char *body; /* text, as far as it was kept */
	size_t body_len;
} sf_attempt;

/* May another attempt follow this one?  (Status 401 is not asked here.) */
extern bool sf_retry_allowed(sf_retry_policy policy, const sf_attempt *attempt);

/*
 * After a failure: true when nobody can say whether the server acted.  False for a whole answer
 * of the server itself (502 and 504 are a gateway's word), and when nothing was sent.
 */
extern bool sf_retry_outcome_unknown(const sf_attempt *attempt);

/*
 * The same for whoever counts what was changed: every error of the server itself but 503, which refuses,
 * may have come after it had acted.
 */
extern bool sf_retry_may_have_acted(const sf_attempt *attempt);

/*
 * True when the body of a 401 says that a new login will not help (texts from jsforce, which
 * looped on them): the user or the app lacks the right.
 */
extern bool sf_retry_is_incurable(const char *body, size_t len);

/*
 * Milliseconds to wait before attempt number nfailed + 1: 200 ms, then three times as much each
 * time up to 30 s, of which a random half is taken away; at least what Retry-After says
 * (retry_after_s, -1 for none), which is bounded by 2 minutes.  *seed is the random state.
 */
extern int64_t sf_retry_delay_ms(int nfailed, int64_t retry_after_s, uint64_t *seed);

#endif /* SF_HTTP_RETRY_H */
