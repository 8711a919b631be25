/*
 * sf_auth_config.c
 *		Checking a configuration and keeping a copy of it.
 */
#include "sf_auth_config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sf_jwt.h"

#define DEFAULT_VERSION "62.0"

/* Bulk query jobs begin with 47.0 (Bulk API 2.0 guide, query_create_job). */
#define OLDEST_VERSION 47

static const char *const cred_names[SF_NCREDS] = {
	"client_id", "client_secret", "private_key",	"refresh_token", "access_token",
	"username",	 "password",	  "security_token", "instance_url"};

#define BIT(cred) (1u << (cred))

/* What each flow takes; the order is that of sf_auth_flow. */
static const struct flow_rule
{
	const char *name; /* value of the auth option */
	unsigned required;
	unsigned optional;
} flow_rules[] = {
	[SF_AUTH_CLIENT_CREDENTIALS] = {"client_credentials",
									BIT(SF_CRED_CLIENT_ID) | BIT(SF_CRED_CLIENT_SECRET), 0},
	[SF_AUTH_JWT] = {"jwt",
					 BIT(SF_CRED_CLIENT_ID) | BIT(SF_CRED_PRIVATE_KEY) | BIT(SF_CRED_USERNAME),
					 BIT(SF_CRED_CLIENT_SECRET)},
	[SF_AUTH_REFRESH_TOKEN] = {"refresh_token",
							   BIT(SF_CRED_CLIENT_ID) | BIT(SF_CRED_REFRESH_TOKEN),
							   BIT(SF_CRED_CLIENT_SECRET)},
	[SF_AUTH_ACCESS_TOKEN] = {"access_token",
							  BIT(SF_CRED_ACCESS_TOKEN) | BIT(SF_CRED_INSTANCE_URL), 0},
	[SF_AUTH_PASSWORD] = {"password",
						  BIT(SF_CRED_CLIENT_ID) | BIT(SF_CRED_CLIENT_SECRET) |
							  BIT(SF_CRED_USERNAME) | BIT(SF_CRED_PASSWORD),
						  BIT(SF_CRED_SECURITY_TOKEN)},
	[SF_AUTH_SOAP] = {"soap", BIT(SF_CRED_USERNAME) | BIT(SF_CRED_PASSWORD),
					  BIT(SF_CRED_SECURITY_TOKEN)},
};

/* The credentials of a configuration as an array, in the order of sf_cred. */
static unsigned
list_creds(const sf_config *cfg, const char *creds[SF_NCREDS])
{
	unsigned present = 0;

	creds[SF_CRED_CLIENT_ID] = cfg->client_id;
	creds[SF_CRED_CLIENT_SECRET] = cfg->client_secret;
	creds[SF_CRED_PRIVATE_KEY] = cfg->private_key;
	creds[SF_CRED_REFRESH_TOKEN] = cfg->refresh_token;
	creds[SF_CRED_ACCESS_TOKEN] = cfg->access_token;
	creds[SF_CRED_USERNAME] = cfg->username;
	creds[SF_CRED_PASSWORD] = cfg->password;
	creds[SF_CRED_SECURITY_TOKEN] = cfg->security_token;
	creds[SF_CRED_INSTANCE_URL] = cfg->instance_url;
	for (int i = 0; i < SF_NCREDS; i++)
	{
		if (creds[i] != NULL && creds[i][0] != '\0')
			present |= BIT(i);
		else
			creds[i] = NULL;
	}
	return present;
}

/* The flow that the credentials which are there point to; each has one that only it uses. */
static sf_auth_flow
infer_flow(unsigned present)
{
	if (present & BIT(SF_CRED_ACCESS_TOKEN))
		return SF_AUTH_ACCESS_TOKEN;
	if (present & BIT(SF_CRED_PRIVATE_KEY))
		return SF_AUTH_JWT;
	if (present & BIT(SF_CRED_REFRESH_TOKEN))
		return SF_AUTH_REFRESH_TOKEN;
	if (present & (BIT(SF_CRED_PASSWORD) | BIT(SF_CRED_USERNAME)))
		return present & (BIT(SF_CRED_CLIENT_ID) | BIT(SF_CRED_CLIENT_SECRET))
				   ? SF_AUTH_PASSWORD
				   : SF_AUTH_SOAP;
	return SF_AUTH_CLIENT_CREDENTIALS;
}

static sf_status
check_creds(const sf_config *cfg, unsigned present, sf_auth_flow *flow, sf_error *err)
{
	const struct flow_rule *rule;

	if ((unsigned) cfg->auth > SF_AUTH_SOAP)
		return sf_error_set(err, SF_ERR_CONFIG, "unknown value %d of option \"auth\"",
							(int) cfg->auth);
	if (cfg->auth == SF_AUTH_INFER && (present & ~BIT(SF_CRED_INSTANCE_URL)) == 0)
	{
		sf_error_set(err, SF_ERR_CONFIG, "no Salesforce credentials are given");
		sf_error_hint(err,
					  "Set client_id and client_secret, or the options of another way to log "
					  "in, in the user mapping.");
		return SF_FAILED;
	}
	*flow = cfg->auth != SF_AUTH_INFER ? cfg->auth : infer_flow(present);
	rule = &flow_rules[*flow];
	for (int i = 0; i < SF_NCREDS; i++)
	{
		if ((rule->required & BIT(i)) != 0 && (present & BIT(i)) == 0)
		{
			sf_error_set(err, SF_ERR_CONFIG, "option \"%s\" is missing for auth \"%s\"",
						 cred_names[i], rule->name);
			if (cfg->auth == SF_AUTH_INFER)
				sf_error_hint(err,
							  "The way to log in was inferred from the options that are set; "
							  "the auth option names another one.");
			return SF_FAILED;
		}

		/* named by hand, the flow takes what it needs; inferred, a left-over is a riddle */
		if (cfg->auth == SF_AUTH_INFER && i != SF_CRED_INSTANCE_URL &&
			(present & BIT(i)) != 0 && ((rule->required | rule->optional) & BIT(i)) == 0)
		{
			sf_error_set(err, SF_ERR_CONFIG, "option \"%s\" does not belong to auth \"%s\"",
						 cred_names[i], rule->name);
			sf_error_hint(err, "Drop it, or name the way to log in with the auth option.");
			return SF_FAILED;
		}
	}
	if (*flow == SF_AUTH_JWT)
		return sf_jwt_check_key(cfg->private_key, err);
	return SF_OK;
}

static sf_status
check_url(const char *text, const char *what, sf_url *url, sf_error *err)
{
	if (sf_url_parse(text, what, url, err) != SF_OK)
		return SF_FAILED;
	if (!sf_url_is_safe(url))
	{
		sf_error_set(err, SF_ERR_CONFIG, "%s must start with https://", what);
		sf_error_detail(err, "Plain http is allowed to loopback addresses only.");
		return SF_FAILED;
	}
	if (strchr(url->path, '?') != NULL)
		return sf_error_set(err, SF_ERR_CONFIG, "%s must not have a query", what);
	return SF_OK;
}

/* "62.0": digits, and .0, which is all that Salesforce has ever used. */
static sf_status
check_version(const char *version, sf_error *err)
{
	size_t digits = strspn(version, "0123456789");

	if (digits < 2 || digits > 3 || strcmp(version + digits, ".0") != 0)
	{
		sf_error_set(err, SF_ERR_CONFIG, "invalid api_version \"%.20s\"", version);
		sf_error_hint(err, "Write it like \"%s\".", DEFAULT_VERSION);
		return SF_FAILED;
	}
	if (atoi(version) < OLDEST_VERSION)
		return sf_error_set(err, SF_ERR_CONFIG, "api_version %s is older than %d.0", version,
							OLDEST_VERSION);
	return SF_OK;
}

/* A user name, id or secret becomes part of a form or an XML document: no control characters. */
static sf_status
check_texts(const char *const creds[SF_NCREDS], sf_error *err)
{
	for (int i = 0; i < SF_NCREDS; i++)
	{
		if (creds[i] == NULL || i == SF_CRED_PRIVATE_KEY)
			continue;
		for (const char *p = creds[i]; *p != '\0'; p++)
		{
			if ((unsigned char) *p < ' ' || *p == 0x7f)
				return sf_error_set(err, SF_ERR_CONFIG,
									"option \"%s\" has a control character or line break",
									cred_names[i]);
		}
	}
	return SF_OK;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text);
	size_t m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/*
 * Whom a JWT assertion is for (help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server
 * Integration"): https://login.salesforce.com, https://test.salesforce.com for sandboxes, or the
 * URL of an Experience Cloud site.  A My Domain host says which by its name: sandboxes are
 * "mydomain--name.sandbox.my.salesforce.com" (older: "mydomain--name.my.salesforce.com"),
 * scratch orgs "….scratch.my.salesforce.com".
 */
static const char *
audience_for(const sf_url *login)
{
	bool salesforce = ends_with(login->host, ".salesforce.com");

	if (strcmp(login->host, "test.salesforce.com") == 0)
		return "https://test.salesforce.com";
	if (salesforce &&
		(strstr(login->host, "--") != NULL || strstr(login->host, ".sandbox.") != NULL ||
		 strstr(login->host, ".scratch.") != NULL))
		return "https://test.salesforce.com";
	if (salesforce || sf_url_is_loopback(login))
		return SF_DEFAULT_LOGIN_URL;
	return NULL; /* its own */
}

/* Checks everything; what is parsed on the way is wanted by the copy. */
static sf_status
check_all(const sf_config *cfg, sf_auth_flow *flow, sf_url *login, sf_url *instance,
		  sf_error *err)
{
	const char *creds[SF_NCREDS];
	unsigned present = list_creds(cfg, creds);

	if (check_url(cfg->login_url != NULL ? cfg->login_url : SF_DEFAULT_LOGIN_URL, "login_url",
				  login, err) != SF_OK ||
		(creds[SF_CRED_INSTANCE_URL] != NULL &&
		 check_url(creds[SF_CRED_INSTANCE_URL], "instance_url", instance, err) != SF_OK) ||
		check_version(cfg->api_version != NULL ? cfg->api_version : DEFAULT_VERSION, err) !=
			SF_OK ||
		check_texts(creds, err) != SF_OK)
		return SF_FAILED;
	return check_creds(cfg, present, flow, err);
}

sf_status
sf_config_check(const sf_config *cfg, sf_auth_flow *flow, sf_error *err)
{
	sf_auth_flow found;
	sf_url login;
	sf_url instance;

	if (check_all(cfg, &found, &login, &instance, err) != SF_OK)
		return SF_FAILED;
	if (flow != NULL)
		*flow = found;
	return SF_OK;
}

sf_status
sf_auth_config_copy(sf_auth_config *to, const sf_config *cfg, sf_error *err)
{
	const char *creds[SF_NCREDS];
	const char *audience;
	sf_url login;
	sf_url instance;
	size_t path_len;

	memset(to, 0, sizeof(*to));
	sf_buf_init(&to->login_base, SF_URL_MAX);
	sf_buf_init(&to->audience, SF_URL_MAX);
	sf_buf_init(&to->instance, SF_URL_MAX);
	sf_buf_init(&to->allowed_hosts, SF_ALLOWED_HOSTS_MAX);
	if (check_all(cfg, &to->flow, &login, &instance, err) != SF_OK)
		return SF_FAILED;
	list_creds(cfg, creds);

	to->login_is_loopback = sf_url_is_loopback(&login);
	sf_url_origin(&login, &to->login_base);
	path_len = strlen(login.path);
	while (path_len > 0 && login.path[path_len - 1] == '/')
		path_len--;
	sf_buf_append(&to->login_base, login.path, path_len);
	audience = audience_for(&login);
	sf_buf_puts(&to->audience, audience != NULL ? audience : sf_buf_text(&to->login_base));
	if (creds[SF_CRED_INSTANCE_URL] != NULL)
		sf_url_origin(&instance, &to->instance);
	to->any_host = cfg->allowed_hosts == NULL;
	if (!to->any_host)
		sf_buf_puts(&to->allowed_hosts, cfg->allowed_hosts);
	sf_text_copy(to->api_version, sizeof(to->api_version),
				 cfg->api_version != NULL ? cfg->api_version : DEFAULT_VERSION,
				 strlen(cfg->api_version != NULL ? cfg->api_version : DEFAULT_VERSION));
	if (sf_buf_check(&to->login_base, "login_url", err) != SF_OK ||
		sf_buf_check(&to->audience, "login_url", err) != SF_OK ||
		sf_buf_check(&to->instance, "instance_url", err) != SF_OK ||
		sf_buf_check(&to->allowed_hosts, "list of allowed hosts", err) != SF_OK)
		return SF_FAILED;
	for (int i = 0; i < SF_NCREDS; i++)
	{
		if (creds[i] != NULL && !sf_secret_set(&to->creds[i], creds[i]))
			return sf_error_nomem(err);
	}
	return SF_OK;
}

void
sf_auth_config_clear(sf_auth_config *c)
{
	sf_buf_free(&c->login_base);
	sf_buf_free(&c->audience);
	sf_buf_free(&c->instance);
	sf_buf_free(&c->allowed_hosts);
	for (int i = 0; i < SF_NCREDS; i++)
		sf_secret_clear(&c->creds[i]);
}
