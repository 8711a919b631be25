/*
 * auth_user.c
 *		Who may log in: rows of the org's object User.
 */
#include <stdio.h>
#include <string.h>

#include "auth.h"

/* A text column of the present row. */
static void
text_column(sim_query *q, int i, char *out, size_t size)
{
	sim_value v;

	sim_query_value(q, i, &v);
	*out = '\0';
	if (v.kind == SIM_TEXT || v.kind == SIM_ID)
		snprintf(out, size, "%.*s", (int) v.len, v.text);
}

/* The user that "WHERE field = 'value'" finds. */
static bool
find_user(srv *s, const char *field, const char *value, auth_user *u)
{
	sim_buf soql = {0};
	sim_query *q = NULL;
	sim_error err;
	sim_value v;
	bool found = false;

	memset(u, 0, sizeof(*u));
	sim_buf_printf(
		&soql,
		"SELECT Id, Username, Email, Name, FirstName, LastName, TimeZoneSidKey, "
		"LocaleSidKey, LanguageLocaleKey, IsActive, LastModifiedDate FROM User WHERE %s = '",
		field);
	for (const char *p = value; *p; p++)
	{
		if (*p == '\'' || *p == '\\')
			sim_buf_char(&soql, '\\');
		sim_buf_char(&soql, *p);
	}
	sim_buf_str(&soql, "' LIMIT 1");
	if (!soql.failed)
		q = sim_query_prepare(s->org, soql.data, 0, "62.0", &err);
	if (q && sim_query_step(q, &err) == 1)
	{
		text_column(q, 0, u->id, sizeof(u->id));
		text_column(q, 1, u->username, sizeof(u->username));
		text_column(q, 2, u->email, sizeof(u->email));
		text_column(q, 3, u->name, sizeof(u->name));
		text_column(q, 4, u->first, sizeof(u->first));
		text_column(q, 5, u->last, sizeof(u->last));
		text_column(q, 6, u->timezone, sizeof(u->timezone));
		text_column(q, 7, u->locale, sizeof(u->locale));
		text_column(q, 8, u->language, sizeof(u->language));
		sim_query_value(q, 9, &v);
		u->active = v.kind == SIM_BOOL && v.i;
		sim_query_value(q, 10, &v);
		if (v.kind == SIM_DATETIME)
		{
			char *dot;

			sim_format_datetime(v.i, "Z", u->modified);
			dot = strchr(u->modified, '.');
			if (dot)
				memcpy(dot, "Z", 2);
		}
		found = true;
	}
	sim_query_free(q);
	sim_buf_free(&soql);
	return found;
}

bool
auth_user_by_name(srv *s, const char *username, auth_user *out)
{
	return username && *username && strlen(username) < AUTH_NAME_SIZE &&
		   find_user(s, "Username", username, out);
}

bool
auth_user_by_id(srv *s, const char *id, auth_user *out)
{
	char full[SIM_ID_SIZE];

	return sim_id_normalise(id, strlen(id), full) && find_user(s, "Id", full, out);
}

bool
auth_user_admin(srv *s, auth_user *out)
{
	char id[SIM_ID_SIZE];

	sim_org_user_id(s->org, id);
	if (find_user(s, "Id", id, out))
		return true;
	snprintf(out->id, sizeof(out->id), "%s", id);
	snprintf(out->username, sizeof(out->username), "%s", sim_org_user_name(s->org));
	snprintf(out->email, sizeof(out->email), "%s", out->username);
	out->active = true;
	return false;
}
