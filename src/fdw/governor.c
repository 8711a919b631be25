/*
 * governor.c
 *		May new work begin?
 */
#include "governor.h"

#include <math.h>

#include "compat.h"

/* Of the daily API calls those that are kept back. */
static int64
reserved_calls(double reserve, int64 max)
{
	return (int64) ceil(reserve < 1 ? reserve * (double) max : reserve);
}

/* Fewer than reserved are left, as far as anybody knows. */
static bool
is_reserved(const SfbSessionOrigin *origin, int64 used, int64 max)
{
	return origin->api_reserve > 0 && max - used <= reserved_calls(origin->api_reserve, max);
}

static bool
api_calls_left(sf_session *session, const SfbSessionOrigin *origin, int64 *used, int64 *max)
{
	return !sf_session_api_usage(session, used, max) || !is_reserved(origin, *used, *max);
}

bool
sfb_governor_allows(sf_session *session, SfbWork work)
{
	SfbSessionOrigin origin;
	int64 used;
	int64 max;

	(void) work;
	sfb_session_origin(session, &origin);
	return api_calls_left(session, &origin, &used, &max);
}

void
sfb_governor_admit(sf_session *session, SfbWork work)
{
	SfbSessionOrigin origin;
	int64 used;
	int64 max;

	(void) work;
	sfb_session_origin(session, &origin);
	if (api_calls_left(session, &origin, &used, &max))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("too few API calls are left today for server \"%s\"",
					GetForeignServer(origin.serverid)->servername),
			 errdetail(INT64_FORMAT " of " INT64_FORMAT " calls are left, and " INT64_FORMAT
									" are reserved.",
					   max - used, max, reserved_calls(origin.api_reserve, max))));
}
