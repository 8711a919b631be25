/*
 * auth_identity.c
 *		Who am I: the identity URL and OpenID Connect's userinfo.
 *
 * Keys and their order are those of recorded answers; errors are short texts with status 403 or 404.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"

/* The session whose token came as a header or as a parameter; false with the answer filled in. */
static bool
identity_session(srv_request *req, auth_session *t)
{
	const char *bearer = auth_bearer(req);
	char *param = bearer ? NULL : srv_param(auth_form(req), "access_token", NULL);
	const char *text;
	bool ok;

	if (bearer == NULL && param == NULL)
		param = srv_param(auth_form(req), "oauth_token", NULL);
	text = bearer ? bearer : param;
	if (text && fault_number(req, "expire_token", 0))
		auth_expire(req->srv, text);
	ok = text && auth_session_find(req->srv, text, t);
	if (!ok)
		srv_text(req, 403, "text/html;charset=UTF-8",
				 text ? "Bad_OAuth_Token" : "Missing_OAuth_Token");
	free(param);
	return ok;
}

/* Offset of standard time in milliseconds. */
static long
utc_offset(const char *zone)
{
	static const struct
	{
		const char *zone;
		long minutes;
	} zones[] = {
		{"America/Los_Angeles", -480}, {"America/Denver", -420},	{"America/Chicago", -360},
		{"America/New_York", -300},	   {"America/Sao_Paulo", -180}, {"Europe/London", 0},
		{"Europe/Berlin", 60},		   {"Europe/Paris", 60},		{"Europe/Amsterdam", 60},
		{"Asia/Kolkata", 330},		   {"Asia/Singapore", 480},		{"Asia/Tokyo", 540},
		{"Australia/Sydney", 600},
	};

	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++)
		if (strcmp(zones[i].zone, zone) == 0)
			return zones[i].minutes * 60000;
	return 0;
}

static void
bool_member(sim_buf *b, const char *key, bool value)
{
	sim_buf_printf(b, ",\"%s\":%s", key, value ? "true" : "false");
}

/* An empty text is a field without value. */
static void
null_member(sim_buf *b, const char *key, const char *value)
{
	if (*value)
		auth_member(b, key, value);
	else
		sim_buf_printf(b, ",\"%s\":null", key);
}

static void
photos(srv *s, sim_buf *b)
{
	sim_buf_printf(b,
				   ",\"photos\":{\"picture\":\"%s/profilephoto/005/F\",\"thumbnail\":"
				   "\"%s/profilephoto/005/T\"}",
				   s->base_url, s->base_url);
}

/* The addresses of the org's APIs; version stands for the number, "{version}" unless the caller asks. */
static void
urls(srv *s, const auth_user *u, const char *version, sim_buf *b)
{
	static const struct
	{
		const char *key;
		const char *path; /* * is the version, @ the org's id, $ the user's */
	} list[] = {
		{"enterprise", "/services/Soap/c/*/@"},
		{"metadata", "/services/Soap/m/*/@"},
		{"partner", "/services/Soap/u/*/@"},
		{"rest", "/services/data/v*/"},
		{"sobjects", "/services/data/v*/sobjects/"},
		{"search", "/services/data/v*/search/"},
		{"query", "/services/data/v*/query/"},
		{"recent", "/services/data/v*/recent/"},
		{"tooling_soap", "/services/Soap/T/*/@"},
		{"tooling_rest", "/services/data/v*/tooling/"},
		{"profile", "/$"},
		{"feeds", "/services/data/v*/chatter/feeds"},
		{"groups", "/services/data/v*/chatter/groups"},
		{"users", "/services/data/v*/chatter/users"},
		{"feed_items", "/services/data/v*/chatter/feed-items"},
		{"feed_elements", "/services/data/v*/chatter/feed-elements"},
		{"custom_domain", ""},
	};
	sim_buf url = {0};

	sim_buf_str(b, ",\"urls\":{");
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
	{
		sim_buf_reset(&url);
		sim_buf_str(&url, s->base_url);
		for (const char *p = list[i].path; *p; p++)
		{
			if (*p == '*')
				sim_buf_str(&url, version);
			else if (*p == '@')
				sim_buf_add(&url, sim_org_id(s->org), 15);
			else if (*p == '$')
				sim_buf_str(&url, u->id);
			else
				sim_buf_char(&url, *p);
		}
		sim_buf_printf(b, "%s\"%s\":", i ? "," : "", list[i].key);
		sim_json_string(b, url.data ? url.data : "", url.len);
	}
	sim_buf_char(b, '}');
	sim_buf_free(&url);
}

/* The number for version=latest or version=62.0, else the placeholder. */
static void
url_version(srv_request *req, char out[16])
{
	char *v = srv_param(auth_form(req), "version", NULL);

	snprintf(out, 16, "{version}");
	if (v && strcmp(v, "latest") == 0)
		snprintf(out, 16, "66.0");
	else if (v && *v && strlen(v) < 6 && strspn(v, "0123456789.") == strlen(v))
		snprintf(out, 16, "%s", v);
	free(v);
}

void
auth_userinfo(srv_request *req)
{
	srv *s = req->srv;
	auth_session t;
	auth_user u;
	char id[160];
	char version[16];
	sim_buf *b;

	if (!identity_session(req, &t))
		return;
	if (!auth_user_by_id(s, t.user, &u))
		auth_user_admin(s, &u);
	auth_identity_url(s, u.id, id, sizeof(id));
	url_version(req, version);
	b = srv_json(req, 200);
	auth_member(b, "sub", id);
	auth_member(b, "user_id", u.id);
	auth_member(b, "organization_id", sim_org_id(s->org));
	auth_member(b, "preferred_username", u.username);
	sim_buf_str(b, ",\"nickname\":");
	sim_json_string(b, u.username, strcspn(u.username, "@"));
	auth_member(b, "name", u.name);
	auth_member(b, "email", u.email);
	bool_member(b, "email_verified", true);
	null_member(b, "given_name", u.first);
	auth_member(b, "family_name", u.last);
	auth_member(b, "zoneinfo", u.timezone);
	photos(s, b);
	sim_buf_printf(b,
				   ",\"profile\":\"%s/%s\",\"picture\":\"%s/profilephoto/005/F\","
				   "\"address\":{\"country\":\"US\"}",
				   s->base_url, u.id, s->base_url);
	bool_member(b, "is_salesforce_integration_user", false);
	urls(s, &u, version, b);
	bool_member(b, "active", u.active);
	auth_member(b, "user_type", "STANDARD");
	auth_member(b, "language", u.language);
	auth_member(b, "locale", u.locale);
	sim_buf_printf(b, ",\"utcOffset\":%ld", utc_offset(u.timezone));
	auth_member(b, "updated_at", u.modified);
	sim_buf_char(b, '}');
}

/* The user that the URL is about; false with the answer filled in. */
static bool
identity_user(srv_request *req, auth_user *u)
{
	srv *s = req->srv;
	char org[SIM_ID_SIZE];

	if (!sim_id_normalise(req->segs[1], strlen(req->segs[1]), org))
		srv_text(req, 404, "text/html;charset=UTF-8", "Bad_Id");
	else if (strcmp(org, sim_org_id(s->org)) != 0)
		srv_text(req, 403, "text/html;charset=UTF-8", "Wrong_Org");
	else if (!auth_user_by_id(s, req->segs[2], u))
		srv_text(req, 404, "text/html;charset=UTF-8", "Bad_Id");
	else if (!u->active || !srv_options_get(s).user_active || !srv_options_get(s).org_active)
		srv_text(req, 404, "text/html;charset=UTF-8", "Inactive");
	else
		return true;
	return false;
}

void
auth_identity(srv_request *req)
{
	srv *s = req->srv;
	auth_session t;
	auth_user u;
	char id[160];
	char version[16];
	sim_buf *b;

	if (!identity_session(req, &t) || !identity_user(req, &u))
		return;
	auth_identity_url(s, u.id, id, sizeof(id));
	url_version(req, version);
	b = srv_json(req, 200);
	auth_member(b, "id", id);
	bool_member(b, "asserted_user", strcmp(u.id, t.user) == 0);
	auth_member(b, "user_id", u.id);
	auth_member(b, "organization_id", sim_org_id(s->org));
	auth_member(b, "username", u.username);
	sim_buf_str(b, ",\"nick_name\":");
	sim_json_string(b, u.username, strcspn(u.username, "@"));
	auth_member(b, "display_name", u.name);
	auth_member(b, "email", u.email);
	bool_member(b, "email_verified", true);
	null_member(b, "first_name", u.first);
	auth_member(b, "last_name", u.last);
	auth_member(b, "timezone", u.timezone);
	photos(s, b);
	sim_buf_str(b, ",\"addr_street\":null,\"addr_city\":null,\"addr_state\":null,"
				   "\"addr_country\":\"US\",\"addr_zip\":null,\"mobile_phone\":null,"
				   "\"mobile_phone_verified\":false,\"is_lightning_login_user\":false,"
				   "\"status\":{\"created_date\":null,\"body\":null}");
	urls(s, &u, version, b);
	bool_member(b, "active", true);
	auth_member(b, "user_type", "STANDARD");
	auth_member(b, "language", u.language);
	auth_member(b, "locale", u.locale);
	sim_buf_printf(b, ",\"utcOffset\":%ld", utc_offset(u.timezone));
	auth_member(b, "last_modified_date", u.modified);
	sim_buf_char(b, '}');
}
