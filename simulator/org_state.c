/*
 * org_state.c
 *		/__sfsim/clock: moving the org's time.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "calendar.h"
#include "clock.h"
#include "server.h"

/* Time can be moved by so much at once, and stands between these years. */
#define MOST_ADVANCE_MS INT64_C(3155760000000)	/* 100 years */
#define OLDEST_MS		INT64_C(-2208988800000) /* 1900 */
#define NEWEST_MS		INT64_C(32503680000000) /* 3000 */

/* ---------------------------------------------------------------- the clock */

void
control_clock_get(srv_request *req)
{
	char text[SIM_DATETIME_SIZE];
	int64_t now = sim_clock_now();

	sim_format_datetime(now, "Z", text);
	sim_buf_printf(srv_json(req, 200),
				   "{\"now\":\"%s\",\"now_ms\":%lld,\"machine_ms\":%lld,\"frozen\":%s,"
				   "\"moved\":%s}",
				   text, (long long) now, (long long) srv_now_ms(),
				   sim_clock_frozen() ? "true" : "false",
				   sim_clock_moved() ? "true" : "false");
}

/* Check one member and, when apply is set, do what it says. */
static bool
clock_member(const cJSON *v, bool apply, sim_error *err)
{
	const char *text = cJSON_GetStringValue(v);
	int64_t ms;

	if (strcmp(v->string, "advance_ms") == 0)
	{
		if (!cJSON_IsNumber(v) || v->valuedouble < 0 ||
			v->valuedouble != floor(v->valuedouble) ||
			v->valuedouble > (double) MOST_ADVANCE_MS)
			return sim_error_set(err, "INVALID_INPUT",
								 "advance_ms is a number of milliseconds, 0 to %lld",
								 (long long) MOST_ADVANCE_MS);
		ms = (int64_t) v->valuedouble;
		if (sim_clock_now() + ms > NEWEST_MS)
			return sim_error_set(err, "INVALID_INPUT", "the clock does not go beyond 3000");
		if (apply)
			sim_clock_advance(ms);
	}
	else if (strcmp(v->string, "set") == 0)
	{
		if (text == NULL || !sim_parse_datetime(text, strlen(text), &ms) || ms < OLDEST_MS ||
			ms > NEWEST_MS)
			return sim_error_set(err, "INVALID_INPUT",
								 "set is a datetime, \"2026-01-31T12:00:00Z\"");
		if (apply)
			sim_clock_set(ms);
	}
	else if (strcmp(v->string, "freeze") == 0)
	{
		if (!cJSON_IsBool(v))
			return sim_error_set(err, "INVALID_INPUT", "freeze is true or false");
		if (apply)
			sim_clock_freeze(cJSON_IsTrue(v));
	}
	else if (strcmp(v->string, "reset") == 0)
	{
		if (!cJSON_IsTrue(v))
			return sim_error_set(err, "INVALID_INPUT", "reset is true");
		if (apply)
			sim_clock_reset();
	}
	else
		return sim_error_set(err, "INVALID_INPUT", "unknown member \"%s\"", v->string);
	return true;
}

bool
control_clock_post(srv_request *req, const cJSON *body, sim_error *err)
{
	const cJSON *v;

	if (!cJSON_IsObject(body) || body->child == NULL)
		return sim_error_set(err, "INVALID_INPUT",
							 "expected \"advance_ms\", \"set\", \"freeze\" or \"reset\"");

	/* all or nothing: a misspelt member must not leave half of a move behind */
	for (int apply = 0; apply <= 1; apply++)
		cJSON_ArrayForEach (v, body)
		{
			if (!clock_member(v, apply == 1, err))
				return false;
		}
	control_clock_get(req);
	return true;
}
