/*
 * rest_recent.c
 *		What changed when: /sobjects/X/updated and /deleted, and the rows that were used last.
 *
 * Calls do not count as use, unless the header Sforce-Mru says updateMru=true.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "calendar.h"
#include "clock.h"
#include "rest.h"

#define MINUTE_MS ((int64_t) 60 * 1000)
#define DAY_MS	  ((int64_t) 86400 * 1000)

/* Replication looks back so far. */
#define MAX_DAYS 30

/* ---------------------------------------------------------------- updated and deleted */

/* A datetime parameter down to its minute, milliseconds; false: answered. */
static bool
date_param(srv_request *req, const char *name, int64_t *ms)
{
	char *text = srv_param(req->query, name, NULL);
	bool ok = false;

	if (text == NULL || *text == '\0')
		srv_error(req, 400, "MISSING_ARGUMENT", "%s is a required parameter", name);
	else
	{
		/* a plus of the zone that was not encoded has become a blank */
		for (char *p = text; *p; p++)
			if (*p == ' ')
				*p = '+';
		ok = sim_parse_datetime(text, strlen(text), ms);
		if (!ok)
			srv_error(req, 400, "INVALID_REPLICATION_DATE",
					  "%s is not a valid dateTime: %.80s", name, text);
		*ms = ok ? *ms / MINUTE_MS * MINUTE_MS : 0;
	}
	free(text);
	return ok;
}

/* The period of the request; false: answered. */
static bool
period(srv_request *req, int64_t *start, int64_t *end)
{
	int64_t now = sim_clock_now();

	if (!date_param(req, "start", start) || !date_param(req, "end", end))
		return false;
	if (*end - *start < MINUTE_MS)
		srv_error(req, 400, "INVALID_REPLICATION_DATE",
				  "endDate must be at least one minute greater than startDate");
	else if (now - *start > MAX_DAYS * DAY_MS)
		srv_error(req, 400, "INVALID_REPLICATION_DATE",
				  "startDate cannot be more than %d days ago", MAX_DAYS);
	else if (*start > now)
		srv_error(req, 400, "INVALID_REPLICATION_DATE", "startDate cannot be in the future");
	else
	{
		if (*end > now)
			*end = now / MINUTE_MS * MINUTE_MS;
		return true;
	}
	return false;
}

/* The field that says when a row changed, and the query for those of the period. */
static sim_query *
changed_rows(srv_request *req, const sim_object *obj, bool deleted, int64_t start, int64_t end)
{
	const char *field =
		sim_field_find(obj, "SystemModstamp") ? "SystemModstamp" : "LastModifiedDate";
	char from[SIM_DATETIME_SIZE];
	char to[SIM_DATETIME_SIZE];
	char soql[512];
	sim_error err;
	sim_query *q;

	sim_format_datetime(start, "Z", from);
	sim_format_datetime(end, "Z", to);
	snprintf(soql, sizeof(soql), "SELECT Id, %s FROM %s WHERE %s >= %s AND %s < %s%s", field,
			 sim_object_name(obj), field, from, field, to,
			 deleted ? " AND IsDeleted = true" : "");
	q = sim_query_prepare(req->srv->org, soql, deleted ? SIM_QUERY_ALL : 0, req->version,
						  &err);
	if (q == NULL)
		srv_engine_error(req, &err);
	return q;
}

static void
answer_changes(srv_request *req, bool deleted)
{
	const sim_object *obj = rest_object(req, req->segs[4]);
	char date[SIM_DATETIME_SIZE];
	int64_t start, end;
	const char *sep = "";
	sim_query *q;
	sim_value v;
	sim_error err;
	sim_buf *b;
	int rc;

	if (obj == NULL || !period(req, &start, &end) ||
		(q = changed_rows(req, obj, deleted, start, end)) == NULL)
		return;
	b = srv_json(req, 200);
	sim_buf_str(b, deleted ? "{\"deletedRecords\":[" : "{\"ids\":[");
	while ((rc = sim_query_step(q, &err)) > 0)
	{
		sim_query_value(q, 0, &v);
		sim_buf_printf(b, deleted ? "%s{\"id\":\"%.*s\"" : "%s\"%.*s\"", sep, (int) v.len,
					   v.text);
		if (deleted)
		{
			sim_query_value(q, 1, &v);
			sim_format_datetime(v.kind == SIM_DATETIME ? v.i : end, "+0000", date);
			sim_buf_printf(b, ",\"deletedDate\":\"%s\"}", date);
		}
		sep = ",";
	}
	sim_query_free(q);
	if (rc < 0)
	{
		srv_engine_error(req, &err);
		return;
	}
	sim_buf_char(b, ']');
	if (deleted)
	{
		/* what the recycle bin can still tell about */
		sim_format_datetime((sim_clock_now() - MAX_DAYS * DAY_MS) / MINUTE_MS * MINUTE_MS,
							"+0000", date);
		sim_buf_printf(b, ",\"earliestDateAvailable\":\"%s\"", date);
	}
	sim_format_datetime(end, "+0000", date);
	sim_buf_printf(b, ",\"latestDateCovered\":\"%s\"}", date);
}

void
rest_updated(srv_request *req)
{
	answer_changes(req, false);
}

void
rest_deleted(srv_request *req)
{
	answer_changes(req, true);
}

/* ---------------------------------------------------------------- recently used */

void
rest_recent_touch(srv_request *req, const char *id)
{
	const char *mru = srv_header_get(req, "Sforce-Mru");
	srv_recent *r = &req->srv->recent;
	int at;

	if (mru == NULL || strcasestr(mru, "updateMru=true") == NULL)
		return;
	pthread_mutex_lock(&req->srv->lock);
	for (at = 0; at < r->n && strcmp(r->id[at], id) != 0; at++)
		;
	if (at == r->n)
	{
		at = r->n < SRV_RECENT ? r->n++ : SRV_RECENT - 1;
		snprintf(r->id[at], SIM_ID_SIZE, "%s", id);
	}
	for (; at > 0; at--)
	{
		char swap[SIM_ID_SIZE];

		memcpy(swap, r->id[at], SIM_ID_SIZE);
		memcpy(r->id[at], r->id[at - 1], SIM_ID_SIZE);
		memcpy(r->id[at - 1], swap, SIM_ID_SIZE);
	}
	pthread_mutex_unlock(&req->srv->lock);
}

/* One row with its name; false when it is not there any more. */
static bool
add_recent(srv_request *req, const sim_object *obj, const char *id, const char *sep,
		   sim_buf *out)
{
	const sim_field *name = sim_object_name_field(obj);
	char soql[256];
	sim_error err;
	sim_query *q;
	bool found;

	snprintf(soql, sizeof(soql), "SELECT Id%s%s FROM %s WHERE Id = '%s'", name ? "," : "",
			 name ? sim_field_name(name) : "", sim_object_name(obj), id);
	q = sim_query_prepare(req->srv->org, soql, SIM_QUERY_REST, req->version, &err);
	found = q && sim_query_step(q, &err) > 0;
	if (found)
	{
		sim_buf_str(out, sep);
		sim_query_row_json(q, out);
	}
	sim_query_free(q);
	return found;
}

void
rest_recent_rows(srv_request *req, const sim_object *obj, int n, sim_buf *out)
{
	srv_recent *r = malloc(sizeof(*r));
	const char *sep = "";

	if (r == NULL)
		return;
	pthread_mutex_lock(&req->srv->lock);
	*r = req->srv->recent;
	pthread_mutex_unlock(&req->srv->lock);
	for (int i = 0; i < r->n && n > 0; i++)
	{
		const sim_object *of = sim_object_by_prefix(r->id[i]);

		if (of == NULL || (obj && of != obj) || !add_recent(req, of, r->id[i], sep, out))
			continue;
		sep = ",";
		n--;
	}
	free(r);
}
