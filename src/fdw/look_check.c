/*
 * look_check.c
 *		sfbulk_check: what works of a server, and what would help where something does not.
 *
 * A row a check, in the order in which one needs the other.  What fails is told and not raised, and what
 * depends on it is not checked then; errors are for who has no right to ask, and for a cancel.
 *
 * It logs in anew, in a session of its own, so that what an older session still may do hides nothing.  Not with
 * a refresh token: an org that gives a new one at each login would take it from the session that works.
 */
#include "look.h"

#include <math.h>
#include <time.h>

#include "access/xact.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "compat.h"
#include "option.h"

/* Declared here because before 16 neither fmgr.h nor PG_FUNCTION_INFO_V1 exports them. */
extern PGDLLEXPORT Datum sfbulk_check(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfbulk_check);

/* Beyond it the clocks differ by more than a network's delay and a careless NTP explain. */
#define CLOCK_SKEW_MAX 60

/* Below so many percent of a limit it is time to know. */
#define LIMIT_LOW_PERCENT 10

/* ---- findings --------------------------------------------------------------------------------- */

void
sfb_check_note(SfbCheckup *c, const char *name, SfbVerdict verdict, const char *detail,
			   const char *hint)
{
	SfbFinding *finding = palloc0(sizeof(SfbFinding));

	finding->name = name;
	finding->verdict = verdict;
	finding->detail = detail;
	finding->hint = hint;
	c->findings = lappend(c->findings, finding);
}

void
sfb_check_note_error(SfbCheckup *c, const char *name)
{
	const sf_error *error = &c->error;
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoString(&detail, sfb_server_text(error->message));
	if (error->detail[0] != '\0')
		appendStringInfo(&detail, " (%s)", sfb_server_text(error->detail));
	sfb_check_note(c, name, SFB_CHECK_BAD, detail.data,
				   error->hint[0] != '\0' ? pstrdup(sfb_server_text(error->hint)) : NULL);
}

static void
not_checked(SfbCheckup *c, const char *name)
{
	sfb_check_note(c, name, SFB_CHECK_UNKNOWN, "not checked", NULL);
}

/* Errors that are none of the server's: nothing may keep them from being raised. */
static bool
must_be_raised(int sqlerrcode)
{
	return sqlerrcode == ERRCODE_QUERY_CANCELED || sqlerrcode == ERRCODE_ADMIN_SHUTDOWN ||
		   sqlerrcode == ERRCODE_CRASH_SHUTDOWN || sqlerrcode == ERRCODE_OUT_OF_MEMORY ||
		   sqlerrcode == ERRCODE_DATABASE_DROPPED;
}

bool
sfb_check_try(SfbCheckup *c, SfbCheckStep step, void *arg, ErrorData **error)
{
	MemoryContext oldcontext = CurrentMemoryContext;
	ResourceOwner oldowner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(oldcontext);
	PG_TRY();
	{
		step(c, arg);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(oldcontext);
		CurrentResourceOwner = oldowner;
		done = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(oldcontext);
		*error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(oldcontext);
		CurrentResourceOwner = oldowner;
		if (must_be_raised((*error)->sqlerrcode))
			ReThrowError(*error);
	}
	PG_END_TRY();
	return done;
}

/* ---- questions -------------------------------------------------------------------------------- */

static void
destroy_question(void *object)
{
	sf_org_ask_free(object);
}

/* Asks and waits; the facts hold until the next question.  False with c->error filled when it failed. */
static bool
ask(SfbCheckup *c, sf_org_question question, const sf_org_facts **facts)
{
	sf_status status = SF_FAILED;

	*facts = NULL;
	sf_error_reset(&c->error);
	sfb_guard_clear(c->guard);
	c->guard->destroy = destroy_question;
	c->guard->object = sf_org_ask_start(c->session, question, &c->error);
	while (c->guard->object != NULL &&
		   (status = sf_org_ask_check(c->guard->object, facts, &c->error)) == SF_WAIT)
		sfb_wait(c->session);
	return status == SF_OK;
}

/* ---- options ---------------------------------------------------------------------------------- */

/* The session of one's own, or the one that has the refresh token. */
static void
open_session(SfbCheckup *c, void *arg pg_attribute_unused())
{
	UserMapping *user = GetUserMapping(GetUserId(), c->server->serverid);

	c->session = sfb_session_own(user);
	if (sf_session_flow(c->session) == SF_AUTH_REFRESH_TOKEN)
		c->session = sfb_session_get(user);
	c->user = user;
}

static bool
check_options(SfbCheckup *c)
{
	ErrorData *error;
	const char *login_url = NULL;
	ListCell *lc;

	if (!sfb_check_try(c, open_session, NULL, &error))
	{
		StringInfoData detail;

		initStringInfo(&detail);
		appendStringInfoString(&detail, error->message);
		if (error->detail != NULL)
			appendStringInfo(&detail, " (%s)", error->detail);
		sfb_check_note(c, "options", SFB_CHECK_BAD, detail.data,
					   error->hint == NULL && error->sqlerrcode == ERRCODE_UNDEFINED_OBJECT
						   ? psprintf("CREATE USER MAPPING FOR %s SERVER %s OPTIONS (...);",
									  quote_identifier(GetUserNameFromId(GetUserId(), false)),
									  quote_identifier(c->server->servername))
						   : error->hint);
		c->user = NULL;
		c->session = NULL;
		return false;
	}
	foreach (lc, c->server->options)
	{
		DefElem *def = lfirst(lc);

		if (strcmp(def->defname, "login_url") == 0)
			login_url = defGetString(def);
	}
	sfb_check_note(c, "options", SFB_CHECK_GOOD,
				   psprintf("login by %s at %s, API version %s",
							sfb_auth_name(sf_session_flow(c->session)),
							login_url != NULL ? login_url : SF_DEFAULT_LOGIN_URL,
							sf_session_api_version(c->session)),
				   NULL);
	return true;
}

/* ---- the way there ---------------------------------------------------------------------------- */

static void
check_dns(SfbCheckup *c, const sf_org_facts *facts)
{
	if (facts->resolved)
		sfb_check_note(c, "dns", SFB_CHECK_GOOD,
					   facts->address[0] != '\0'
						   ? psprintf("%s by address %s", facts->host, facts->address)
						   : pstrdup(facts->host),
					   NULL);
	else
	{
		sfb_check_note_error(c, "dns");
		if (c->error.hint[0] == '\0')
			((SfbFinding *) llast(c->findings))->hint =
				"Check login_url, the name servers of the database's host, and the option "
				"proxy.";
	}
}

/* True when something answered at the login host; *seconds is its clock, or -1. */
static bool
check_way(SfbCheckup *c, int64 *seconds)
{
	const sf_org_facts *facts;
	bool reached = ask(c, SF_ORG_REACH, &facts);

	*seconds = facts != NULL ? facts->seconds : -1;
	if (facts == NULL)
	{
		sfb_check_note_error(c, "dns");
		not_checked(c, "connection");
		return false;
	}
	check_dns(c, facts);
	if (reached)
		sfb_check_note(c, "connection", SFB_CHECK_GOOD,
					   facts->encrypted
						   ? psprintf("%s answers, and TLS is trusted", facts->host)
						   : psprintf("%s answers", facts->host),
					   NULL);
	else if (!facts->resolved)
		not_checked(c, "connection");
	else
	{
		sfb_check_note_error(c, "connection");
		if (c->error.hint[0] == '\0')
			((SfbFinding *) llast(c->findings))->hint =
				facts->connected
					? "Is the option ca_file needed, or does something between here and "
					  "Salesforce break the connection?"
					: "Is a firewall in the way, or the option proxy needed?";
	}
	return reached;
}

/* ---- who and what ----------------------------------------------------------------------------- */

static bool
check_login(SfbCheckup *c)
{
	const sf_org_facts *facts;
	bool known = ask(c, SF_ORG_IDENTITY, &facts);

	/* the session may be good for the API and not for who asks for the user */
	if (!known && (c->error.cls == SF_ERR_AUTH || !sf_session_logged_in(c->session)))
	{
		sfb_check_note_error(c, "login");
		not_checked(c, "user");
		return false;
	}
	sfb_check_note(c, "login", SFB_CHECK_GOOD,
				   psprintf("by %s; the instance is %s",
							sfb_auth_name(sf_session_flow(c->session)),
							sf_session_instance_url(c->session)),
				   NULL);
	if (known)
		sfb_check_note(c, "user", SFB_CHECK_GOOD,
					   psprintf("%s (%s), user id %s, org id %s",
								sfb_server_text(facts->username), sfb_server_text(facts->name),
								facts->user_id, facts->org_id),
					   NULL);
	else
	{
		sfb_check_note_error(c, "user");
		((SfbFinding *) llast(c->findings))->hint =
			"The connected app needs the scope \"id\" or \"openid\" to tell who is logged in; "
			"nothing else needs it.";
	}
	return true;
}

static void
destroy_query(void *object)
{
	sf_query_free(object);
}

/* The one row of Organization; valid until the next question. */
static bool
ask_org(SfbCheckup *c, sf_value **values)
{
	static const sf_column columns[] = {{"Name", SF_COLUMN_TEXT},
										{"OrganizationType", SF_COLUMN_TEXT},
										{"InstanceName", SF_COLUMN_TEXT},
										{"IsSandbox", SF_COLUMN_BOOLEAN}};
	sf_query_spec spec = {
		.soql = "SELECT Name, OrganizationType, InstanceName, IsSandbox FROM Organization",
		.columns = columns,
		.ncolumns = lengthof(columns),
		.transport = SF_TRANSPORT_REST};
	sf_status status = SF_FAILED;

	sf_error_reset(&c->error);
	sfb_guard_clear(c->guard);
	c->guard->destroy = destroy_query;
	c->guard->object = sf_query_start(c->session, &spec, &c->error);
	while (c->guard->object != NULL &&
		   (status = sf_query_next_row(c->guard->object, values, &c->error)) == SF_WAIT)
		sfb_wait(c->session);
	if (status == SF_DONE)
		sf_error_reset(&c->error);
	return status == SF_OK;
}

static const char *
value_text(const sf_value *value)
{
	return value->data != NULL ? sfb_server_text(pstrdup(value->data)) : "?";
}

/* The org, and whether it is one for trying things out. */
static void
check_org(SfbCheckup *c)
{
	sf_value *values;
	bool sandbox;

	if (!ask_org(c, &values))
	{
		if (c->error.cls == SF_ERR_NONE)
			sfb_check_note(c, "org", SFB_CHECK_BAD, "Organization has no record",
						   "The user needs the right to read the object Organization.");
		else
			sfb_check_note_error(c, "org");
		not_checked(c, "environment");
		return;
	}
	sfb_check_note(c, "org", SFB_CHECK_GOOD,
				   psprintf("%s, %s", value_text(&values[0]), value_text(&values[1])), NULL);
	sandbox = values[3].data != NULL && strcmp(values[3].data, "true") == 0;
	sfb_check_note(c, "environment", SFB_CHECK_GOOD,
				   psprintf("%s on instance %s", sandbox ? "sandbox" : "production",
							value_text(&values[2])),
				   NULL);
}

/* True when the session's version is there: without it nothing else is. */
static bool
check_version(SfbCheckup *c)
{
	const sf_org_facts *facts;
	bool set = false;
	ListCell *lc;

	if (!ask(c, SF_ORG_VERSIONS, &facts))
	{
		sfb_check_note_error(c, "api version");
		return false;
	}
	foreach (lc, c->server->options)
		set |= strcmp(((DefElem *) lfirst(lc))->defname, "api_version") == 0;
	sfb_check_note(c, "api version", facts->offered ? SFB_CHECK_GOOD : SFB_CHECK_BAD,
				   psprintf("%s is configured; the org has %s to %s (%s)", facts->configured,
							facts->oldest, facts->newest, sfb_server_text(facts->label)),
				   facts->offered ? NULL
								  : psprintf("ALTER SERVER %s OPTIONS (%s api_version '%s');",
											 quote_identifier(c->server->servername),
											 set ? "SET" : "ADD", facts->newest));
	return facts->offered;
}

/* ---- limits ----------------------------------------------------------------------------------- */

static void
destroy_limits(void *object)
{
	sf_limits_free(object);
}

/* One of those that matter here, else NULL. */
static const char *
limit_label(const sf_limit *limit)
{
	static const struct
	{
		const char *name;
		const char *label;
	} wanted[] = {{"DailyApiRequests", "API calls"},
				  {"DailyBulkV2QueryJobs", "bulk query jobs"},
				  {"DailyBulkV2QueryFileStorageMB", "MB of bulk query results"},
				  {"DailyBulkApiBatches", "bulk batches"},
				  {"DataStorageMB", "MB of data storage"},
				  {"FileStorageMB", "MB of file storage"}};

	for (int i = 0; i < (int) lengthof(wanted); i++)
		if (limit->part_of == NULL && strcmp(limit->name, wanted[i].name) == 0)
			return wanted[i].label;
	return NULL;
}

static void
check_limits(SfbCheckup *c)
{
	const sf_limit *limit;
	sf_status status = SF_FAILED;
	StringInfoData left;
	StringInfoData low;

	initStringInfo(&left);
	initStringInfo(&low);
	sf_error_reset(&c->error);
	sfb_guard_clear(c->guard);
	c->guard->destroy = destroy_limits;
	c->guard->object = sf_limits_start(c->session, &c->error);
	while (c->guard->object != NULL &&
		   ((status = sf_limits_next(c->guard->object, &limit, &c->error)) == SF_OK ||
			status == SF_WAIT))
	{
		const char *label = status == SF_OK ? limit_label(limit) : NULL;

		if (status == SF_WAIT)
			sfb_wait(c->session);
		if (label == NULL || limit->max <= 0)
			continue;
		appendStringInfo(&left, "%s" INT64_FORMAT " of " INT64_FORMAT " %s",
						 left.len > 0 ? ", " : "", (int64) limit->remaining,
						 (int64) limit->max, label);
		if ((double) limit->remaining * 100 < (double) limit->max * LIMIT_LOW_PERCENT)
			appendStringInfo(&low, "%s%s", low.len > 0 ? ", " : "", label);
	}
	if (status != SF_DONE)
		sfb_check_note_error(c, "limits");
	else if (low.len == 0)
		sfb_check_note(c, "limits", SFB_CHECK_GOOD, psprintf("left: %s", left.data), NULL);
	else
		sfb_check_note(
			c, "limits", SFB_CHECK_BAD, psprintf("left: %s", left.data),
			psprintf("Less than %d %% is left: %s.  SELECT * FROM sfbulk_limits(%s) "
					 "shows all limits; the option api_reserve keeps calls back.",
					 LIMIT_LOW_PERCENT, low.data, quote_literal_cstr(c->server->servername)));
}

/* ---- clock ------------------------------------------------------------------------------------ */

/* seconds: Salesforce's clock just now, or -1. */
static void
check_clock(SfbCheckup *c, int64 seconds)
{
	int64 skew = (int64) time(NULL) - seconds;
	bool jwt = c->session != NULL && sf_session_flow(c->session) == SF_AUTH_JWT;

	if (seconds < 0)
	{
		not_checked(c, "clock");
		return;
	}
	if (Abs(skew) <= CLOCK_SKEW_MAX)
		sfb_check_note(c, "clock", SFB_CHECK_GOOD,
					   psprintf("within %d s of Salesforce's", CLOCK_SKEW_MAX), NULL);
	else
		sfb_check_note(
			c, "clock", SFB_CHECK_BAD,
			psprintf("this host's clock is " INT64_FORMAT " s %s Salesforce's", Abs(skew),
					 skew > 0 ? "ahead of" : "behind"),
			jwt ? "Set the host's clock: a login by JWT is good for three minutes by "
				  "Salesforce's clock."
				: "Set the host's clock.  Nothing here depends on it but a login by "
				  "JWT.");
}

/* ---- all of it -------------------------------------------------------------------------------- */

/* What needs a login. */
static void
check_inside(SfbCheckup *c)
{
	bool offered = check_version(c);
	SfbFinding *version = llast(c->findings);

	/* asked first, as all else depends on it, and told behind what it is the version of */
	c->findings = list_truncate(c->findings, list_length(c->findings) - 1);
	if (offered)
		check_org(c);
	else
	{
		not_checked(c, "org");
		not_checked(c, "environment");
	}
	c->findings = lappend(c->findings, version);
	if (offered)
	{
		sfb_check_tables(c);
		check_limits(c);
	}
	else
	{
		not_checked(c, "objects");
		not_checked(c, "limits");
	}
}

static void
check_all(SfbCheckup *c)
{
	static const char *const inside[] = {"org", "environment", "api version", "objects",
										 "limits"};
	int64 login_clock = -1;
	int64 seconds = -1;
	bool in = false;

	if (!check_options(c))
	{
		not_checked(c, "dns");
		not_checked(c, "connection");
		not_checked(c, "login");
		not_checked(c, "user");
	}
	else
	{
		c->guard = sfb_guard_new(c->session, destroy_question);
		if (check_way(c, &login_clock))
			in = check_login(c);
		else
		{
			not_checked(c, "login");
			not_checked(c, "user");
		}
	}
	if (in)
		check_inside(c);
	else
		for (int i = 0; i < (int) lengthof(inside); i++)
			not_checked(c, inside[i]);
	if (c->session == NULL || !sf_session_server_time(c->session, &seconds))
		seconds = login_clock;
	check_clock(c, seconds);
	if (c->guard != NULL)
		sfb_guard_clear(c->guard);
}

static void *
begin_check(FunctionCallInfo fcinfo)
{
	SfbCheckup *c = palloc0(sizeof(SfbCheckup));

	c->server = sfb_function_server(fcinfo);
	check_all(c);
	return c;
}

static bool
next_finding(void *set, SfbResultRow *row)
{
	SfbCheckup *c = set;
	const SfbFinding *finding;

	if (c->next >= list_length(c->findings))
		return false;
	finding = list_nth(c->findings, c->next++);
	sfb_add_value(row, CStringGetTextDatum(finding->name));
	if (finding->verdict == SFB_CHECK_UNKNOWN)
		sfb_add_null(row);
	else
		sfb_add_value(row, BoolGetDatum(finding->verdict == SFB_CHECK_GOOD));
	if (finding->detail == NULL)
		sfb_add_null(row);
	else
		sfb_add_value(row, CStringGetTextDatum(finding->detail));
	if (finding->hint == NULL)
		sfb_add_null(row);
	else
		sfb_add_value(row, CStringGetTextDatum(finding->hint));
	return true;
}

Datum
sfbulk_check(PG_FUNCTION_ARGS)
{
	return sfb_set_function(fcinfo, begin_check, next_finding);
}
