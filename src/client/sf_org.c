/*
 * sf_org.c
 *		Is the login host there, who is logged in, which API versions are there.
 */
#include "sf_org.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_json.h"
#include "sf_url.h"

struct sf_org
{
	const sf_auth_config *cfg;
	sf_org_question question;
	sf_http_request *req;
	char host[SF_URL_HOST_MAX];
	sf_json *answer; /* facts points into it */
	bool read;
	sf_org_facts facts;
	sf_error error; /* what it failed with */
};

/* Where a login would go: of a given access token, where that goes. */
static const char *
login_base(const sf_auth_config *cfg)
{
	return cfg->flow == SF_AUTH_ACCESS_TOKEN ? sf_buf_text(&cfg->instance)
											 : sf_buf_text(&cfg->login_base);
}

static sf_status
start(sf_org *o, sf_http *h, sf_error *err)
{
	sf_http_spec spec = {.method = SF_HTTP_GET, .retry = SF_RETRY_HARMLESS};
	sf_buf url;

	sf_buf_init(&url, SF_BODY_SMALL);
	switch (o->question)
	{
		case SF_ORG_REACH:
			sf_buf_puts(&url, login_base(o->cfg));
			sf_buf_puts(&url, "/services/data");
			spec.doing = "reach the login host";
			spec.login = true;
			break;
		case SF_ORG_IDENTITY:
			sf_buf_puts(&url, "/services/oauth2/userinfo");
			spec.doing = "ask who is logged in";
			break;
		case SF_ORG_VERSIONS:
			sf_buf_puts(&url, "/services/data");
			spec.doing = "ask for the API versions";
			break;
	}
	if (sf_buf_check(&url, "the URL of a request", err) == SF_OK)
	{
		spec.url = sf_buf_text(&url);
		o->req = sf_http_start(h, &spec, err);
	}
	sf_buf_free(&url);
	return o->req != NULL ? SF_OK : SF_FAILED;
}

sf_org *
sf_org_start(sf_http *h, const sf_auth_config *cfg, sf_org_question question, sf_error *err)
{
	sf_org *o = calloc(1, sizeof(*o));
	sf_url url;

	if (o == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	o->cfg = cfg;
	o->question = question;
	o->facts = (sf_org_facts){.host = o->host,
							  .seconds = -1,
							  .user_id = "",
							  .username = "",
							  .name = "",
							  .org_id = "",
							  .configured = cfg->api_version,
							  .label = ""};
	if (sf_url_parse(login_base(cfg), "login_url", &url, err) != SF_OK ||
		start(o, h, err) != SF_OK)
	{
		sf_org_free(o);
		return NULL;
	}
	snprintf(o->host, sizeof(o->host), "%s", url.host);
	return o;
}

void
sf_org_free(sf_org *o)
{
	if (o == NULL)
		return;
	sf_http_end(o->req);
	sf_json_free(o->answer);
	free(o);
}

/* How far it came; HTTP that says no has come all the way. */
static void
read_route(sf_org *o)
{
	const sf_http_headers *headers = sf_http_response(o->req);
	sf_org_facts *f = &o->facts;
	sf_http_route route;

	sf_http_get_route(o->req, &route);
	memcpy(f->address, route.address, sizeof(f->address));
	f->resolved = route.resolved;
	f->connected = route.connected;
	f->encrypted = route.encrypted;
	f->answered = headers != NULL && headers->status != 0;
	if (f->answered)
	{
		f->resolved = f->connected = true;
		f->seconds = headers->date;
	}
}

static sf_status
read_identity(sf_org *o, sf_error *err)
{
	sf_org_facts *f = &o->facts;
	const sf_json_field fields[] = {
		{"user_id", SF_FIELD_STRING, &f->user_id, true},
		{"organization_id", SF_FIELD_STRING, &f->org_id, true},
		{"preferred_username", SF_FIELD_STRING, &f->username, false},
		{"name", SF_FIELD_STRING, &f->name, false},
	};

	if (sf_json_read(o->answer, "answer about who is logged in", fields, 4, err) != SF_OK)
		return SF_FAILED;
	if (f->username == NULL)
		f->username = "";
	if (f->name == NULL)
		f->name = "";
	return SF_OK;
}

/* "62.0" as a number that can be compared. */
static int
version_number(const char *version)
{
	size_t digits = strspn(version, "0123456789");

	return digits > 0 && digits < 4 ? atoi(version) : 0;
}

static sf_status
read_versions(sf_org *o, sf_error *err)
{
	static const char what[] = "list of API versions";
	sf_org_facts *f = &o->facts;

	if (sf_json_kind_of(o->answer) != SF_JSON_ARRAY)
		return sf_error_set(err, SF_ERR_PROTOCOL, "the %s is not a JSON array", what);
	for (const sf_json *node = sf_json_first(o->answer); node != NULL;
		 node = sf_json_next(node))
	{
		const char *version = NULL;
		const char *label = "";
		const sf_json_field fields[] = {{"version", SF_FIELD_STRING, &version, true},
										{"label", SF_FIELD_STRING, &label, false}};

		if (sf_json_read(node, what, fields, 2, err) != SF_OK)
			return SF_FAILED;
		if (strlen(version) >= sizeof(f->newest) || version_number(version) == 0)
			continue;
		if (strcmp(version, f->configured) == 0)
			f->offered = true;
		if (version_number(version) > version_number(f->newest))
		{
			snprintf(f->newest, sizeof(f->newest), "%s", version);
			f->label = label != NULL ? label : "";
		}
		if (f->oldest[0] == '\0' || version_number(version) < version_number(f->oldest))
			snprintf(f->oldest, sizeof(f->oldest), "%s", version);
	}
	return SF_OK;
}

static sf_status
read_answer(sf_org *o, sf_error *err)
{
	size_t len;
	const char *body = sf_http_body(o->req, &len);

	if (o->question == SF_ORG_REACH)
		return SF_OK;
	o->answer = sf_json_parse(body, len,
							  o->question == SF_ORG_IDENTITY ? "answer about who is logged in"
															 : "list of API versions",
							  err);
	if (o->answer == NULL)
		return SF_FAILED;
	return o->question == SF_ORG_IDENTITY ? read_identity(o, err) : read_versions(o, err);
}

sf_status
sf_org_check(sf_org *o, const sf_org_facts **facts, sf_error *err)
{
	sf_status st;

	*facts = &o->facts;
	if (o->req != NULL)
	{
		st = sf_http_check(o->req, &o->error);
		if (st == SF_WAIT)
			return SF_WAIT;
		if (o->question == SF_ORG_REACH)
			read_route(o);
		/* a host that has no such page is there all the same */
		if (o->question == SF_ORG_REACH && o->facts.answered)
		{
			sf_error_reset(&o->error);
			st = SF_OK;
		}
		o->read = st == SF_OK && read_answer(o, &o->error) == SF_OK;
		sf_http_end(o->req);
		o->req = NULL;
	}
	if (o->read)
		return SF_OK;
	if (err != NULL && !sf_error_is_set(err))
		*err = o->error;
	return SF_FAILED;
}
