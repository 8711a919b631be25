/*
 * soap.c
 *		The calls of the SOAP API that sessions need (login, logout, getUserInfo, getServerTimestamp), and what
 *		REST has no call for: undelete, with delete beside it.
 *
 * Partner (/services/Soap/u) and enterprise (/services/Soap/c) address alike; they differ in namespaces.  What is
 * not well-formed is refused, because an unescaped "&" in a password is the classic mistake.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth.h"
#include "clock.h"
#include "store.h"
#include "xml.h"

/* login() left the API with version 65.0; below 31.0 versions are retired. */
#define SOAP_OLDEST		  31
#define SOAP_NEWEST		  66
#define SOAP_NEWEST_LOGIN 64

#define SOAP_MOST_IDS 200 /* of a call */

/* A call on its way. */
typedef struct soap_call
{
	srv_request *req;
	bool enterprise;
	const char *version;
	const xml_node *header; /* NULL: none */
	const xml_node *body;	/* the element of the call */
} soap_call;

static const char *
flavour(const soap_call *c)
{
	return c->enterprise ? "enterprise" : "partner";
}

/* type: of the detail, "LoginFault" or "UnexpectedErrorFault". */
static void
fault(const soap_call *c, const char *type, const char *code, const char *message)
{
	sim_buf b = {0};
	sim_buf text = {0};

	xml_escape(&text, message, strlen(message));
	sim_buf_printf(&b,
				   "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope "
				   "xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
				   "xmlns:sf=\"urn:fault.%s.soap.sforce.com\" "
				   "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
				   "<soapenv:Body><soapenv:Fault><faultcode>sf:%s</faultcode>"
				   "<faultstring>%s: ",
				   flavour(c), code, code);
	sim_buf_add(&b, text.data, text.len);
	sim_buf_printf(&b,
				   "</faultstring><detail><sf:%s xsi:type=\"sf:%s\"><sf:exceptionCode>%s"
				   "</sf:exceptionCode><sf:exceptionMessage>",
				   type, type, code);
	sim_buf_add(&b, text.data, text.len);
	sim_buf_printf(&b,
				   "</sf:exceptionMessage></sf:%s></detail></soapenv:Fault></soapenv:Body>"
				   "</soapenv:Envelope>",
				   type);
	srv_text(c->req, 500, "text/xml;charset=UTF-8", b.data);
	sim_buf_free(&text);
	sim_buf_free(&b);
}

/* The envelope up to the answer's element; limit: with the header about the limits. */
static void
begin(const soap_call *c, bool limit, sim_buf *b)
{
	srv *s = c->req->srv;

	sim_buf_printf(b,
				   "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope "
				   "xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
				   "xmlns=\"urn:%s.soap.sforce.com\" "
				   "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">",
				   flavour(c));
	if (limit)
	{
		long long used, most;

		(void) srv_limits_use(s, LIMIT_API_REQUESTS, 1);
		used = (long long) srv_limits_used(s, LIMIT_API_REQUESTS);
		most = (long long) srv_limits_max(s, LIMIT_API_REQUESTS);
		sim_buf_printf(b,
					   "<soapenv:Header><LimitInfoHeader><limitInfo><current>%lld</current>"
					   "<limit>%lld</limit><type>API REQUESTS</type></limitInfo>"
					   "</LimitInfoHeader></soapenv:Header>",
					   used, most);
	}
	sim_buf_str(b, "<soapenv:Body>");
}

static void
send(const soap_call *c, sim_buf *b)
{
	sim_buf_str(b, "</soapenv:Body></soapenv:Envelope>");
	srv_text(c->req, 200, "text/xml;charset=UTF-8", b->data);
	sim_buf_free(b);
}

/* The members of GetUserInfoResult. */
static void
user_info(const soap_call *c, const auth_user *u, sim_buf *b)
{
	srv *s = c->req->srv;

	sim_buf_str(b, "<accessibilityMode>false</accessibilityMode>"
				   "<chatterExternal>false</chatterExternal>"
				   "<currencySymbol>$</currencySymbol>"
				   "<orgAttachmentFileSizeLimit>5242880</orgAttachmentFileSizeLimit>"
				   "<orgDefaultCurrencyIsoCode>USD</orgDefaultCurrencyIsoCode>"
				   "<orgDefaultCurrencyLocale>en_US</orgDefaultCurrencyLocale>"
				   "<orgDisallowHtmlAttachments>false</orgDisallowHtmlAttachments>"
				   "<orgHasPersonAccounts>false</orgHasPersonAccounts>");
	xml_element(b, "organizationId", sim_org_id(s->org));
	sim_buf_str(b, "<organizationMultiCurrency>false</organizationMultiCurrency>"
				   "<organizationName>sfsim</organizationName>");
	sim_buf_printf(b,
				   "<profileId>00e%.12sAAA</profileId><roleId xsi:nil=\"true\"/>"
				   "<sessionSecondsValid>%lld</sessionSecondsValid>"
				   "<userDefaultCurrencyIsoCode xsi:nil=\"true\"/>",
				   "000000000000", (long long) (auth_session_ms(s) / 1000));
	xml_element(b, "userEmail", u->email);
	xml_element(b, "userFullName", u->name);
	xml_element(b, "userId", u->id);
	xml_element(b, "userLanguage", u->language);
	xml_element(b, "userLocale", u->locale);
	xml_element(b, "userName", u->username);
	xml_element(b, "userTimeZone", u->timezone);
	sim_buf_str(b, "<userType>Standard</userType><userUiSkin>Theme3</userUiSkin>");
}

static void
login_result(const soap_call *c, const auth_user *u)
{
	srv *s = c->req->srv;
	const char *org = sim_org_id(s->org);
	char session[AUTH_TOKEN_SIZE];
	sim_buf b = {0};

	auth_session_new(s, u, AUTH_SOAP, NULL, session);
	begin(c, false, &b);
	sim_buf_printf(&b,
				   "<loginResponse><result>"
				   "<metadataServerUrl>%s/services/Soap/m/%s/%.15s</metadataServerUrl>"
				   "<passwordExpired>%s</passwordExpired><sandbox>false</sandbox>"
				   "<serverUrl>%s/services/Soap/%c/%s/%.15s</serverUrl>"
				   "<sessionId>%s</sessionId><userId>%s</userId><userInfo>",
				   s->base_url, c->version, org,
				   srv_options_get(s).password_expired ? "true" : "false", s->base_url,
				   c->enterprise ? 'c' : 'u', c->version, org, session, u->id);
	user_info(c, u, &b);
	sim_buf_str(&b, "</userInfo></result></loginResponse>");
	send(c, &b);
}

/* LoginScopeHeader names the org; another one's has no such user. */
static bool
right_org(const soap_call *c)
{
	const xml_node *scope = xml_child(c->header, "LoginScopeHeader");
	const char *text = xml_child_text(scope, "organizationId");
	char id[SIM_ID_SIZE];

	return text == NULL || *text == '\0' ||
		   (sim_id_normalise(text, strlen(text), id) &&
			strcmp(id, sim_org_id(c->req->srv->org)) == 0);
}

static void
login(const soap_call *c)
{
	srv *s = c->req->srv;
	const char *username = xml_child_text(c->body, "username");
	const char *password = xml_child_text(c->body, "password");
	const char *description;
	const char *error;
	auth_user user;

	if (strtod(c->version, NULL) > SOAP_NEWEST_LOGIN)
		fault(c, "UnexpectedErrorFault", "UNSUPPORTED_API_VERSION",
			  "SOAP API login() is not available in this API version");
	else if (!srv_options_get(s).soap_login)
		fault(c, "LoginFault", "INVALID_OPERATION",
			  "SOAP API login() is disabled by default in this org. Contact the org "
			  "administrator to enable it");
	else if (!auth_password_ok(s, username, password) ||
			 !auth_user_by_name(s, username, &user) || !right_org(c))
		fault(c, "LoginFault", "INVALID_LOGIN",
			  "Invalid username, password, security token; or user locked out.");
	else if ((error = auth_login_refused(s, &user, &description)) == NULL)
		login_result(c, &user);
	else if (strcmp(error, "rate_limit_exceeded") == 0)
		fault(c, "LoginFault", "LOGIN_RATE_EXCEEDED", "Login rate exceeded");
	else if (strcmp(error, "inactive_org") == 0)
		fault(c, "LoginFault", "ORG_LOCKED", "organization is locked");
	else
		fault(c, "LoginFault", "INVALID_LOGIN",
			  "Invalid username, password, security token; or user locked out.");
}

/* The session of the call's SessionHeader; false with the fault filled in. */
static bool
session_of(const soap_call *c, auth_session *t)
{
	const char *id = xml_child_text(xml_child(c->header, "SessionHeader"), "sessionId");

	if (id && auth_session_find(c->req->srv, id, t))
		return true;
	fault(c, "UnexpectedErrorFault", "INVALID_SESSION_ID",
		  "Invalid Session ID found in SessionHeader: Illegal Session");
	return false;
}

static void
logout(const soap_call *c)
{
	auth_session t;
	sim_buf b = {0};

	if (!session_of(c, &t))
		return;
	auth_expire(c->req->srv, t.text);
	begin(c, false, &b);
	sim_buf_str(&b, "<logoutResponse/>");
	send(c, &b);
}

static void
get_user_info(const soap_call *c)
{
	auth_session t;
	auth_user u;
	sim_buf b = {0};

	if (!session_of(c, &t))
		return;
	if (!auth_user_by_id(c->req->srv, t.user, &u))
		auth_user_admin(c->req->srv, &u);
	begin(c, true, &b);
	sim_buf_str(&b, "<getUserInfoResponse><result>");
	user_info(c, &u, &b);
	sim_buf_str(&b, "</result></getUserInfoResponse>");
	send(c, &b);
}

static void
get_server_timestamp(const soap_call *c)
{
	char now[SIM_DATETIME_SIZE];
	auth_session t;
	sim_buf b = {0};

	if (!session_of(c, &t))
		return;
	sim_format_datetime(sim_clock_now(), "Z", now);
	begin(c, true, &b);
	sim_buf_printf(&b,
				   "<getServerTimestampResponse><result><timestamp>%s</timestamp></result>"
				   "</getServerTimestampResponse>",
				   now);
	send(c, &b);
}

/* DeleteResult or UndeleteResult of one row. */
static void
row_result(const char *id, const sim_error *err, sim_buf *b)
{
	sim_buf_str(b, "<result>");
	if (err)
	{
		sim_buf_str(b, "<errors>");
		for (int i = 0; i < err->nfields; i++)
			xml_element(b, "fields", err->fields[i]);
		xml_element(b, "message", err->message);
		xml_element(b, "statusCode", err->code);
		sim_buf_str(b, "</errors><id xsi:nil=\"true\"/><success>false</success></result>");
		return;
	}
	xml_element(b, "id", id);
	sim_buf_str(b, "<success>true</success></result>");
}

/* delete() and undelete(): every row succeeds or fails on its own. */
static void
move_rows(const soap_call *c)
{
	bool undelete = strcmp(c->body->name, "undelete") == 0;
	auth_session session;
	sim_buf b = {0};
	sim_error err;
	sim_txn *t;
	int n = 0;

	if (!session_of(c, &session))
		return;
	for (const xml_node *e = c->body->child; e; e = e->next)
		n += strcmp(e->name, "ids") == 0;
	if (n > SOAP_MOST_IDS)
	{
		fault(c, "UnexpectedErrorFault", "EXCEEDED_ID_LIMIT",
			  "record limit reached. cannot submit more than 200 records into this call");
		return;
	}
	begin(c, true, &b);
	sim_buf_printf(&b, "<%sResponse>", c->body->name);
	t = sim_txn_begin(c->req->srv->org, NULL, &err);
	for (const xml_node *e = c->body->child; e && t; e = e->next)
	{
		char id[SIM_ID_SIZE];
		bool ok;

		if (strcmp(e->name, "ids") != 0)
			continue;
		if (!sim_id_normalise(e->text, e->len, id))
			ok = sim_error_set(&err, "MALFORMED_ID", "malformed id %s", e->text);
		else
			ok = undelete ? sim_undelete(t, id, &err) : sim_delete(t, id, false, &err);
		row_result(id, ok ? NULL : &err, &b);
	}
	sim_buf_printf(&b, "</%sResponse>", c->body->name);
	if (t && sim_txn_commit(t, &err))
	{
		send(c, &b);
		return;
	}
	sim_buf_free(&b);
	fault(c, "UnexpectedErrorFault", err.code, err.message);
}

static const struct
{
	const char *name;
	void (*run)(const soap_call *c);
} calls[] = {
	{"login", login},
	{"logout", logout},
	{"getUserInfo", get_user_info},
	{"getServerTimestamp", get_server_timestamp},
	{"delete", move_rows},
	{"undelete", move_rows},
};

void
soap_login(srv_request *req)
{
	soap_call c = {
		.req = req, .enterprise = strcasecmp(req->segs[2], "c") == 0, .version = req->segs[3]};
	double number = strtod(c.version, NULL);
	const xml_node *body;
	sim_error err;
	xml_doc *doc;

	if (number < SOAP_OLDEST || number > SOAP_NEWEST || strlen(c.version) > 5 ||
		strspn(c.version, "0123456789.") != strlen(c.version))
	{
		fault(&c, "UnexpectedErrorFault", "UNSUPPORTED_API_VERSION",
			  "Invalid Api version specified on URL");
		return;
	}
	doc = xml_parse(req->body.data ? req->body.data : "", req->body.len, &err);
	if (doc == NULL)
	{
		fault(&c, "UnexpectedErrorFault", "UNKNOWN_EXCEPTION", err.message);
		return;
	}
	c.header = xml_child(xml_root(doc), "Header");
	body = xml_child(xml_root(doc), "Body");
	c.body = body ? body->child : NULL;
	for (size_t i = 0; c.body && i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(calls[i].name, c.body->name) == 0)
		{
			calls[i].run(&c);
			xml_free(doc);
			return;
		}
	fault(&c, "UnexpectedErrorFault", "UNKNOWN_EXCEPTION",
		  "No operation available for request");
	xml_free(doc);
}
