/*
 * look_sessions.c
 *		SQL functions about the sessions of this backend with Salesforce: which there are, and closing them.
 *
 * A session belongs to a user mapping.  Who may see and close it is who would get it: the mapping's user, for
 * PUBLIC's mapping everybody with USAGE on the server; and superusers.
 */
#include "functions.h"

#include "catalog/pg_foreign_server.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "option.h"

/* Declared here because before 16 neither fmgr.h nor PG_FUNCTION_INFO_V1 exports them. */
extern PGDLLEXPORT Datum sfbulk_sessions(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfbulk_disconnect(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfbulk_disconnect_all(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfbulk_sessions);
PG_FUNCTION_INFO_V1(sfbulk_disconnect);
PG_FUNCTION_INFO_V1(sfbulk_disconnect_all);

/* The server may be gone: then nobody gets the session any more, and superusers alone see it. */
static bool
is_reachable(const SfbSessionInfo *info)
{
	if (superuser())
		return true;
	if (OidIsValid(info->umuser))
		return info->umuser == GetUserId();
	return GetForeignServerExtended(info->serverid, FSV_MISSING_OK) != NULL &&
		   sfb_server_aclcheck(info->serverid, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
}

/* ---- which there are -------------------------------------------------------------------------- */

/* What is told is noted first: a row may be waited for while sessions come and go. */
typedef struct SessionLine
{
	SfbSessionInfo info;
	sf_auth_flow flow;
	bool logged_in;
	char *instance_url;
	int64 calls;
	int64 used; /* -1: not known */
	int64 max;
} SessionLine;

typedef struct SessionList
{
	int count;
	int next;
	SessionLine *lines;
} SessionList;

static void *
begin_sessions(FunctionCallInfo fcinfo pg_attribute_unused())
{
	SessionList *list = palloc0(sizeof(SessionList));

	list->lines = palloc0(sizeof(SessionLine) * (sfb_session_count() + 1));
	for (int i = 0; i < sfb_session_count(); i++)
	{
		SessionLine *line = &list->lines[list->count];

		sfb_session_get_info(i, &line->info);
		if (!is_reachable(&line->info))
			continue;
		line->flow = sf_session_flow(line->info.client);
		line->logged_in = sf_session_logged_in(line->info.client);
		line->instance_url = pstrdup(sf_session_instance_url(line->info.client));
		line->calls = sf_session_calls(line->info.client);
		if (!sf_session_api_usage(line->info.client, &line->used, &line->max))
			line->used = line->max = -1;
		list->count++;
	}
	return list;
}

static void
add_name(SfbResultRow *row, const char *name)
{
	if (name == NULL)
		sfb_add_null(row);
	else
		sfb_add_value(row, DirectFunctionCall1(namein, CStringGetDatum(name)));
}

static bool
next_session(void *set, SfbResultRow *row)
{
	SessionList *list = set;
	const SessionLine *line;
	ForeignServer *server;

	if (list->next >= list->count)
		return false;
	line = &list->lines[list->next++];
	server = GetForeignServerExtended(line->info.serverid, FSV_MISSING_OK);
	add_name(row, server != NULL ? server->servername : NULL);
	add_name(row, OidIsValid(line->info.umuser) ? GetUserNameFromId(line->info.umuser, true)
												: "public");
	sfb_add_string(row, sfb_auth_name(line->flow));
	sfb_add_value(row, BoolGetDatum(line->logged_in));
	sfb_add_string(row, line->instance_url);
	sfb_add_value(row, BoolGetDatum(line->info.in_use));
	sfb_add_value(row, BoolGetDatum(!line->info.stale));
	sfb_add_count(row, line->calls);
	sfb_add_count(row, line->used);
	sfb_add_count(row, line->max);
	sfb_add_value(row, TimestampTzGetDatum(line->info.since));
	sfb_add_value(row, TimestampTzGetDatum(line->info.used));
	return true;
}

Datum
sfbulk_sessions(PG_FUNCTION_ARGS)
{
	return sfb_set_function(fcinfo, begin_sessions, next_session);
}

/* ---- closing them ----------------------------------------------------------------------------- */

/* Closes what may be closed, of one server or (InvalidOid) of all; true when there was something. */
static bool
disconnect(Oid serverid)
{
	bool closed = false;

	/* downwards, as the last one takes the place of one that is closed */
	for (int i = sfb_session_count() - 1; i >= 0; i--)
	{
		SfbSessionInfo info;
		ForeignServer *server;

		sfb_session_get_info(i, &info);
		if ((OidIsValid(serverid) && info.serverid != serverid) || !is_reachable(&info))
			continue;
		if (sfb_session_close(i))
		{
			closed = true;
			continue;
		}
		server = GetForeignServerExtended(info.serverid, FSV_MISSING_OK);
		ereport(WARNING, (errcode(ERRCODE_OBJECT_IN_USE),
						  errmsg("cannot close a session with server \"%s\" that is in use",
								 server != NULL ? server->servername : "?")));
	}
	return closed;
}

Datum
sfbulk_disconnect(PG_FUNCTION_ARGS)
{
	ForeignServer *server = sfb_function_server(fcinfo);

	PG_RETURN_BOOL(disconnect(server->serverid));
}

Datum
sfbulk_disconnect_all(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_BOOL(disconnect(InvalidOid));
}
