/*
 * sf_auth.c
 *		Logging in, by each of the flows (REST guide, "Authorization"; protocol of login() in the
 *		SOAP API guide).
 */
#include "sf_auth.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sf_auth_soap.h"
#include "sf_json.h"
#include "sf_jwt.h"
#include "sf_xml.h"

/* Answers are under 2 kB; a token that is itself a JWT may have some more. */
#define LOGIN_BODY_MAX (256 * 1024)

/* login() is gone from 65.0 on, so that URL keeps an older version than REST. */
#define SOAP_VERSION_MAX 64

struct sf_auth
{
	const sf_auth_config *cfg;
	sf_http_request *req; /* NULL for a given access token */
	sf_buf instance;
	sf_secret token;
	sf_secret refresh_token;
};

static const char *
cred(const sf_auth_config *cfg, sf_cred which)
{
	const char *text = sf_secret_reveal(&cfg->creds[which]);

	return text != NULL ? text : "";
}

/* ---- requests ---------------------------------------------------------------------- */

static sf_status
put_form(const sf_auth_config *cfg, sf_buf *form, sf_error *err)
{
	sf_buf text;
	sf_status st = SF_OK;

	sf_buf_init_secret(&text, 64 * 1024);
	switch (cfg->flow)
	{
		case SF_AUTH_CLIENT_CREDENTIALS:
			sf_url_form_field(form, "grant_type", "client_credentials");
			break;
		case SF_AUTH_REFRESH_TOKEN:
			sf_url_form_field(form, "grant_type", "refresh_token");
			sf_url_form_field(form, "refresh_token", cred(cfg, SF_CRED_REFRESH_TOKEN));
			break;
		case SF_AUTH_PASSWORD:
			sf_buf_puts(&text, cred(cfg, SF_CRED_PASSWORD));
			sf_buf_puts(&text, cred(cfg, SF_CRED_SECURITY_TOKEN));
			sf_url_form_field(form, "grant_type", "password");
			sf_url_form_field(form, "username", cred(cfg, SF_CRED_USERNAME));
			sf_url_form_field(form, "password", sf_buf_text(&text));
			break;
		case SF_AUTH_JWT:
			sf_url_form_field(form, "grant_type",
							  "urn:ietf:params:oauth:grant-type:jwt-bearer");
			st = sf_jwt_assertion(cred(cfg, SF_CRED_PRIVATE_KEY), cred(cfg, SF_CRED_CLIENT_ID),
								  cred(cfg, SF_CRED_USERNAME), sf_buf_text(&cfg->audience),
								  (int64_t) time(NULL), &text, err);
			sf_url_form_field(form, "assertion", sf_buf_text(&text));
			break;
		default:
			break;
	}
	/* the assertion names the app and proves it, so the JWT flow sends neither */
	if (cfg->flow != SF_AUTH_JWT)
	{
		sf_url_form_field(form, "client_id", cred(cfg, SF_CRED_CLIENT_ID));
		if (sf_secret_is_set(&cfg->creds[SF_CRED_CLIENT_SECRET]))
			sf_url_form_field(form, "client_secret", cred(cfg, SF_CRED_CLIENT_SECRET));
	}
	if (st == SF_OK)
		st = sf_buf_check(&text, "login request", err);
	sf_buf_free(&text);
	return st;
}

static void
put_url(const sf_auth_config *cfg, sf_buf *url)
{
	int version = atoi(cfg->api_version);

	sf_buf_puts(url, sf_buf_text(&cfg->login_base));
	if (cfg->flow == SF_AUTH_SOAP)
		sf_buf_printf(url, "/services/Soap/u/%d.0",
					  version < SOAP_VERSION_MAX ? version : SOAP_VERSION_MAX);
	else
		sf_buf_puts(url, "/services/oauth2/token");
}

static sf_status
send_login(sf_auth *a, sf_http *h, sf_error *err)
{
	const sf_auth_config *cfg = a->cfg;
	sf_http_spec spec = {.method = SF_HTTP_POST,
						 .doing = "log in to Salesforce",
						 .login = true,
						 .retry = SF_RETRY_HARMLESS, /* at worst a session too many */
						 .body_max = LOGIN_BODY_MAX};
	sf_buf url;
	sf_buf body;
	sf_status st = SF_OK;

	sf_buf_init(&url, 2 * SF_URL_MAX);
	sf_buf_init_secret(&body, 256 * 1024);
	put_url(cfg, &url);
	if (cfg->flow == SF_AUTH_SOAP)
	{
		sf_soap_login_request(&body, cred(cfg, SF_CRED_USERNAME), cred(cfg, SF_CRED_PASSWORD),
							  cred(cfg, SF_CRED_SECURITY_TOKEN));
		spec.content_type = "text/xml; charset=UTF-8";
		spec.accept = "text/xml";
		spec.header = "SOAPAction: login";
	}
	else
	{
		st = put_form(cfg, &body, err);
		spec.content_type = "application/x-www-form-urlencoded";
	}
	if (st == SF_OK)
		st = sf_buf_check(&url, "login URL", err);
	if (st == SF_OK)
		st = sf_buf_check(&body, "login request", err);
	if (st == SF_OK)
	{
		spec.url = sf_buf_text(&url);
		spec.body = sf_buf_text(&body);
		spec.body_len = body.len;
		a->req = sf_http_start(h, &spec, err);
		st = a->req != NULL ? SF_OK : SF_FAILED;
	}
	sf_buf_free(&url);
	sf_buf_free(&body);
	return st;
}

sf_auth *
sf_auth_start(sf_http *h, const sf_auth_config *cfg, sf_error *err)
{
	sf_auth *a = calloc(1, sizeof(*a));

	if (a == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	a->cfg = cfg;
	sf_buf_init(&a->instance, SF_URL_MAX);
	if (cfg->flow != SF_AUTH_ACCESS_TOKEN && send_login(a, h, err) != SF_OK)
	{
		sf_auth_end(a);
		return NULL;
	}
	return a;
}

void
sf_auth_end(sf_auth *a)
{
	if (a == NULL)
		return;
	sf_http_end(a->req);
	sf_buf_free(&a->instance);
	sf_secret_clear(&a->token);
	sf_secret_clear(&a->refresh_token);
	free(a);
}

/* ---- answers ----------------------------------------------------------------------- */

/*
 * Where the token may go: https, and never to this machine because somebody else's answer says
 * so.
 */
static sf_status
take_instance(sf_auth *a, const char *text, sf_error *err)
{
	sf_error why = {0};
	sf_url url;

	if (sf_url_parse(text, "instance_url", &url, &why) != SF_OK)
		return sf_error_set(err, SF_ERR_PROTOCOL, "the login named an unusable host: %s",
							why.message);
	if (!sf_url_is_safe(&url) || (sf_url_is_loopback(&url) && !a->cfg->login_is_loopback))
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"the login named \"%s\", to which no token may be sent over %s",
							url.host, url.https ? "https" : "http");
	if (!a->cfg->any_host && !sf_url_is_loopback(&url) &&
		!sf_host_matches(sf_buf_text(&a->cfg->allowed_hosts), url.host))
		return sf_error_set(err, SF_ERR_CONFIG,
							"the login named \"%s\", a host to which no token may be sent",
							url.host);
	sf_url_origin(&url, &a->instance);
	return sf_buf_check(&a->instance, "instance URL", err);
}

static sf_status
take_oauth(sf_auth *a, const char *body, size_t len, sf_error *err)
{
	static const char what[] = "answer to the login";
	const char *token = NULL;
	const char *instance = NULL;
	const char *refresh = NULL;
	const sf_json_field fields[] = {
		{"access_token", SF_FIELD_STRING, &token, true},
		{"instance_url", SF_FIELD_STRING, &instance, true},
		{"refresh_token", SF_FIELD_STRING, &refresh, false},
	};
	sf_json *json = sf_json_parse(body, len, what, err);
	sf_status st = SF_FAILED;

	if (json == NULL)
		return SF_FAILED;
	if (sf_json_read(json, what, fields, 3, err) == SF_OK &&
		take_instance(a, instance, err) == SF_OK)
	{
		st = SF_OK;
		if (!sf_secret_set(&a->token, token) ||
			(refresh != NULL && !sf_secret_set(&a->refresh_token, refresh)))
			st = sf_error_nomem(err);
	}
	sf_json_free_wiped(json);
	return st;
}

/* serverUrl is the SOAP host's; older orgs have "na1-api.salesforce.com" there. */
static sf_status
take_soap_host(sf_auth *a, const char *server_url, sf_error *err)
{
	sf_buf text;
	sf_status st;
	const char *dot = strchr(server_url, '.');

	sf_buf_init(&text, SF_URL_MAX);
	if (dot != NULL && dot - server_url > 4 && strncmp(dot - 4, "-api", 4) == 0)
	{
		sf_buf_append(&text, server_url, (size_t) (dot - 4 - server_url));
		sf_buf_puts(&text, dot);
	}
	else
		sf_buf_puts(&text, server_url);
	st = sf_buf_check(&text, "serverUrl", err);
	if (st == SF_OK)
		st = take_instance(a, sf_buf_text(&text), err);
	sf_buf_free(&text);
	return st;
}

static sf_status
take_soap(sf_auth *a, const char *body, size_t len, sf_error *err)
{
	sf_buf server_url;
	sf_buf session;
	sf_buf expired;
	sf_status st = SF_FAILED;

	sf_buf_init(&server_url, SF_URL_MAX);
	sf_buf_init_secret(&session, LOGIN_BODY_MAX);
	sf_buf_init(&expired, 64);
	if (!sf_xml_element(body, len, "serverUrl", &server_url) ||
		!sf_xml_element(body, len, "sessionId", &session) || session.len == 0)
		sf_error_set(err, SF_ERR_PROTOCOL, "the answer to the login has no session");
	else if (sf_xml_element(body, len, "passwordExpired", &expired) &&
			 strcmp(sf_buf_text(&expired), "true") == 0)
	{
		sf_error_set(err, SF_ERR_AUTH, "the Salesforce password has expired");
		sf_error_hint(err, "Log in to Salesforce with a browser once and set a new one.");
	}
	else if (take_soap_host(a, sf_buf_text(&server_url), err) == SF_OK)
		st = sf_secret_set(&a->token, sf_buf_text(&session)) ? SF_OK : sf_error_nomem(err);
	sf_buf_free(&server_url);
	sf_buf_free(&session);
	sf_buf_free(&expired);
	return st;
}

/* ---- refusals ---------------------------------------------------------------------- */

/* What to look at, by the code of the refusal; flow SF_AUTH_INFER stands for any. */
static const struct refusal_hint
{
	const char *code;
	sf_auth_flow flow;
	const char *hint;
} refusal_hints[] = {
	{"invalid_client_id", SF_AUTH_INFER,
	 "Check client_id: the consumer key of the connected app."},
	{"invalid_client", SF_AUTH_INFER, "Check client_secret: the consumer secret of the app."},
	{"invalid_grant", SF_AUTH_CLIENT_CREDENTIALS,
	 "Enable the client credentials flow in the app, set its run-as user, and use the org's "
	 "My "
	 "Domain as login_url."},
	{"invalid_grant", SF_AUTH_JWT,
	 "The certificate must be the app's, the user pre-authorised for it, and login_url of the "
	 "same kind (production or sandbox) as the org."},
	{"invalid_grant", SF_AUTH_REFRESH_TOKEN,
	 "The refresh token has expired or was revoked: get a new one."},
	{"invalid_grant", SF_AUTH_PASSWORD,
	 "Check username, password and security_token, and that the org allows this flow."},
	{"unsupported_grant_type", SF_AUTH_INFER,
	 "This flow is not enabled for the app or the org."},
	{"invalid_request", SF_AUTH_CLIENT_CREDENTIALS,
	 "The client credentials flow needs the org's My Domain as login_url."},
	{"INVALID_LOGIN", SF_AUTH_INFER,
	 "Check username, password, security_token and login_url."},
	{"INVALID_OPERATION", SF_AUTH_SOAP,
	 "SOAP login is switched off in this org; use client_id and client_secret instead."},
};

/* "could not log in …: INVALID_LOGIN: Invalid username, password, …", or nothing in the body. */
static void
soap_fault(const char *body, size_t len, int http_status, sf_error *err)
{
	sf_buf code;
	sf_buf text;
	const char *short_code;
	const char *reason;

	sf_buf_init(&code, 256);
	sf_buf_init(&text, 4096);
	if (sf_xml_element(body, len, "faultcode", &code) &&
		sf_xml_element(body, len, "faultstring", &text))
	{
		short_code = strrchr(sf_buf_text(&code), ':');
		short_code = short_code != NULL ? short_code + 1 : sf_buf_text(&code);
		reason = sf_buf_text(&text);
		if (strncmp(reason, short_code, strlen(short_code)) == 0 &&
			strncmp(reason + strlen(short_code), ": ", 2) == 0)
			reason += strlen(short_code) + 2;
		sf_error_reset(err);
		sf_error_set(err, SF_ERR_AUTH, "could not log in to Salesforce: %s: %s", short_code,
					 reason);
		sf_error_code(err, short_code);
		err->http_status = http_status;
	}
	sf_buf_free(&code);
	sf_buf_free(&text);
}

static void
refused(sf_auth *a, sf_error *why)
{
	size_t len;
	const char *body = sf_http_body(a->req, &len);

	if (a->cfg->flow == SF_AUTH_SOAP && why->http_status >= 400)
		soap_fault(body, len, why->http_status, why);
	/* 420 and 429 are the edge's "not now", which says nothing of the credentials */
	if (why->cls == SF_ERR_REMOTE && why->http_status >= 400 && why->http_status < 500 &&
		why->http_status != 420 && why->http_status != 429)
		why->cls = SF_ERR_AUTH;
	for (size_t i = 0; i < sizeof(refusal_hints) / sizeof(refusal_hints[0]); i++)
	{
		const struct refusal_hint *r = &refusal_hints[i];

		if (strcmp(why->code, r->code) == 0 &&
			(r->flow == SF_AUTH_INFER || r->flow == a->cfg->flow))
			sf_error_hint(why, "%s", r->hint);
	}
	/* an answer may quote what was sent */
	for (int i = 0; i < SF_NCREDS; i++)
	{
		if (i != SF_CRED_CLIENT_ID && i != SF_CRED_USERNAME && i != SF_CRED_INSTANCE_URL)
			sf_error_redact(why, sf_secret_reveal(&a->cfg->creds[i]));
	}
}

sf_status
sf_auth_check(sf_auth *a, sf_error *err)
{
	sf_error why = {0};
	sf_status st;
	const char *body;
	size_t len;

	if (sf_secret_is_set(&a->token))
		return SF_OK;
	if (a->cfg->flow == SF_AUTH_ACCESS_TOKEN)
	{
		sf_buf_puts(&a->instance, sf_buf_text(&a->cfg->instance));
		if (!sf_secret_set(&a->token, cred(a->cfg, SF_CRED_ACCESS_TOKEN)))
			return sf_error_nomem(err);
		return sf_buf_check(&a->instance, "instance_url", err);
	}
	st = sf_http_check(a->req, &why);
	if (st == SF_FAILED)
	{
		refused(a, &why);
		if (err != NULL && !sf_error_is_set(err))
			*err = why;
		return SF_FAILED;
	}
	if (st != SF_OK)
		return st;
	body = sf_http_body(a->req, &len);
	return a->cfg->flow == SF_AUTH_SOAP ? take_soap(a, body, len, err)
										: take_oauth(a, body, len, err);
}

const char *
sf_auth_instance(const sf_auth *a)
{
	return sf_buf_text(&a->instance);
}

const char *
sf_auth_token(const sf_auth *a)
{
	return sf_secret_reveal(&a->token);
}

const char *
sf_auth_new_refresh_token(const sf_auth *a)
{
	return sf_secret_reveal(&a->refresh_token);
}
