/*
 * sf_http_retry.c
 *		When and how often a request is sent again.
 */
#include "sf_http_retry.h"

#include <string.h>
#include <strings.h>

#define FIRST_DELAY_MS	  200
#define LONGEST_DELAY_MS  30000
#define RETRY_AFTER_MAX_S 120

static bool
contains(const char *body, size_t len, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; body != NULL && n <= len && i <= len - n; i++)
	{
		if (strncasecmp(body + i, text, n) == 0)
			return true;
	}
	return false;
}

bool
sf_retry_allowed(sf_retry_policy policy, const sf_attempt *a)
{
	if (!a->answered)
		return policy == SF_RETRY_HARMLESS || !a->sent;

	switch (a->status)
	{
		case 420: /* edge routing hiccup, empty body */
		case 429:
		case 503: /* SERVER_UNAVAILABLE, maintenance */
			return true;
		case 403:

			/*
			 * One code for two things: the day's calls are used up, which no patience of ours
			 * helps, and too many long requests at this moment ("ConcurrentRequests (Concurrent
			 * API Requests) Limit exceeded."), which passes.  Both were refused before anything
			 * was done.
			 */
			return contains(a->body, a->body_len, "REQUEST_LIMIT_EXCEEDED") &&
				   contains(a->body, a->body_len, "Concurrent");
		case 500: /* UNKNOWN_EXCEPTION */

			/*
			 * SOAP has no other status for a refusal: a fault is an answer, and a wrong password
			 * sent again and again would lock the user out.
			 */
			return policy == SF_RETRY_HARMLESS &&
				   !contains(a->body, a->body_len, "faultcode>");
		case 502:
		case 504:
			return policy == SF_RETRY_HARMLESS;
		default:
			return false;
	}
}

bool
sf_retry_outcome_unknown(const sf_attempt *a)
{
	if (!a->sent)
		return false;
	return !a->answered || a->status == 502 || a->status == 504;
}

bool
sf_retry_may_have_acted(const sf_attempt *a)
{
	if (!a->sent)
		return false;
	return !a->answered || (a->status >= 500 && a->status != 503);
}

bool
sf_retry_is_incurable(const char *body, size_t len)
{
	return contains(body, len, "This session is not valid for use with the REST API") ||
		   contains(body, len, "Connected app is not attached to Agent");
}

/* xorshift64*: jitter needs to differ between processes, nothing more. */
static uint64_t
next_random(uint64_t *seed)
{
	uint64_t x = *seed != 0 ? *seed : UINT64_C(0x9E3779B97F4A7C15);

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*seed = x;
	return x * UINT64_C(0x2545F4914F6CDD1D);
}

int64_t
sf_retry_delay_ms(int nfailed, int64_t retry_after_s, uint64_t *seed)
{
	int64_t delay = FIRST_DELAY_MS;

	for (int i = 1; i < nfailed && delay < LONGEST_DELAY_MS; i++)
		delay *= 3;
	if (delay > LONGEST_DELAY_MS)
		delay = LONGEST_DELAY_MS;
	delay -= (int64_t) (next_random(seed) >> 33) % (delay / 2 + 1);

	if (retry_after_s > RETRY_AFTER_MAX_S)
		retry_after_s = RETRY_AFTER_MAX_S;
	if (retry_after_s > 0 && delay < retry_after_s * 1000)
		delay = retry_after_s * 1000;
	return delay;
}
