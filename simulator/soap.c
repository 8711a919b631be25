/*
 * soap.c
 *		login() and logout() of the SOAP partner API, which need no connected app.
 *
 * Only as much XML as the call needs: elements by local name, entities, and
 * the refusal of what is not well-formed, because an unescaped "&" in a
 * password is the classic mistake.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

/* login() left the API with version 65.0; below 31.0 versions are retired. */
#define SOAP_OLDEST 31
#define SOAP_NEWEST 64

static void
xml_text(sim_buf *out, const char *s)
{
	for (; *s; s++)
	{
		switch (*s)
		{
			case '<':
				sim_buf_str(out, "&lt;");
				break;
			case '>':
				sim_buf_str(out, "&gt;");
				break;
			case '&':
				sim_buf_str(out, "&amp;");
				break;
			default:
				sim_buf_char(out, *s);
		}
	}
}

static void
fault(srv_request *req, const char *code, const char *message)
{
	sim_buf b = {0};

	sim_buf_str(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope "
					"xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
					"xmlns:sf=\"urn:fault.partner.soap.sforce.com\" "
					"xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
					"<soapenv:Body><soapenv:Fault>");
	sim_buf_printf(&b, "<faultcode>sf:%s</faultcode><faultstring>%s: ", code, code);
	xml_text(&b, message);
	sim_buf_printf(&b,
				   "</faultstring><detail><sf:LoginFault xsi:type=\"sf:LoginFault\">"
				   "<sf:exceptionCode>%s</sf:exceptionCode><sf:exceptionMessage>",
				   code);
	xml_text(&b, message);
	sim_buf_str(&b, "</sf:exceptionMessage></sf:LoginFault></detail>"
					"</soapenv:Fault></soapenv:Body></soapenv:Envelope>");
	srv_text(req, 500, "text/xml;charset=UTF-8", b.data);
	sim_buf_free(&b);
}

/* A code point as UTF-8. */
static void
add_utf8(sim_buf *out, unsigned long cp)
{
	if (cp < 0x80)
		sim_buf_char(out, (char) cp);
	else if (cp < 0x800)
	{
		sim_buf_char(out, (char) (0xC0 | cp >> 6));
		sim_buf_char(out, (char) (0x80 | (cp & 63)));
	}
	else if (cp < 0x10000)
	{
		sim_buf_char(out, (char) (0xE0 | cp >> 12));
		sim_buf_char(out, (char) (0x80 | (cp >> 6 & 63)));
		sim_buf_char(out, (char) (0x80 | (cp & 63)));
	}
	else
	{
		sim_buf_char(out, (char) (0xF0 | (cp >> 18 & 7)));
		sim_buf_char(out, (char) (0x80 | (cp >> 12 & 63)));
		sim_buf_char(out, (char) (0x80 | (cp >> 6 & 63)));
		sim_buf_char(out, (char) (0x80 | (cp & 63)));
	}
}

/* Text content with its entities resolved; false when it is not well-formed. */
static bool
unescape(const char *s, size_t len, sim_buf *out)
{
	static const struct
	{
		const char *name;
		char c;
	} entities[] = {
		{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
	const char *end = s + len;

	sim_buf_str(out, "");
	while (s < end)
	{
		bool known = false;

		if (*s == '<')
			return false;
		if (*s != '&')
		{
			sim_buf_char(out, *s++);
			continue;
		}
		s++;
		if (s < end && *s == '#')
		{
			char *stop;
			bool hex = s + 1 < end && s[1] == 'x';
			unsigned long cp = strtoul(s + (hex ? 2 : 1), &stop, hex ? 16 : 10);

			if (stop >= end || *stop != ';' || cp == 0 || cp > 0x10FFFF)
				return false;
			add_utf8(out, cp);
			s = stop + 1;
			continue;
		}
		for (size_t i = 0; i < sizeof(entities) / sizeof(*entities) && !known; i++)
		{
			size_t n = strlen(entities[i].name);

			if ((size_t) (end - s) >= n && memcmp(s, entities[i].name, n) == 0)
			{
				sim_buf_char(out, entities[i].c);
				s += n;
				known = true;
			}
		}
		if (!known)
			return false;
	}
	return true;
}

/*
 * Content of the first element with this local name (any prefix, any
 * attributes).  1: found, 0: absent, -1: not well-formed.
 */
static int
element_text(const char *xml, const char *name, sim_buf *out)
{
	size_t nlen = strlen(name);

	for (const char *p = strchr(xml, '<'); p; p = strchr(p + 1, '<'))
	{
		const char *tag = p + 1;
		size_t n = strcspn(tag, " \t\r\n/>");
		const char *colon = memchr(tag, ':', n);
		const char *local = colon ? colon + 1 : tag;
		size_t llen = n - (size_t) (local - tag);
		const char *gt;
		const char *close;

		if (llen != nlen || memcmp(local, name, nlen) != 0)
			continue;
		gt = strchr(tag + n, '>');
		if (gt == NULL)
			return -1;
		if (gt[-1] == '/')
			return 1;
		close = strstr(gt + 1, "</");
		if (close == NULL || strncmp(close + 2, tag, n) != 0)
			return -1;
		return unescape(gt + 1, (size_t) (close - gt - 1), out) ? 1 : -1;
	}
	return 0;
}

static void
login_result(srv_request *req, const char *version)
{
	srv *s = req->srv;
	sim_buf b = {0};
	char session[AUTH_TOKEN_SIZE];
	char user[SIM_ID_SIZE];
	const char *org = sim_org_id(s->org);

	auth_issue(s, NULL, session);
	sim_org_user_id(s->org, user);
	sim_buf_str(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope "
					"xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
					"xmlns=\"urn:partner.soap.sforce.com\" "
					"xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
					"<soapenv:Body><loginResponse><result>");
	sim_buf_printf(&b,
				   "<metadataServerUrl>%s/services/Soap/m/%s/%s</metadataServerUrl>"
				   "<passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
				   "<serverUrl>%s/services/Soap/u/%s/%s</serverUrl>"
				   "<sessionId>%s</sessionId><userId>%s</userId>",
				   s->base_url, version, org, s->base_url, version, org, session, user);
	sim_buf_printf(&b,
				   "<userInfo><accessibilityMode>false</accessibilityMode>"
				   "<currencySymbol>$</currencySymbol>"
				   "<orgDefaultCurrencyIsoCode>USD</orgDefaultCurrencyIsoCode>"
				   "<organizationId>%s</organizationId>"
				   "<organizationMultiCurrency>false</organizationMultiCurrency>"
				   "<organizationName>sfsim</organizationName>"
				   "<sessionSecondsValid>7200</sessionSecondsValid>"
				   "<userDefaultCurrencyIsoCode xsi:nil=\"true\"/><userEmail>%s</userEmail>"
				   "<userFullName>Integration User</userFullName><userId>%s</userId>"
				   "<userLanguage>en_US</userLanguage><userLocale>en_US</userLocale>"
				   "<userName>%s</userName><userTimeZone>GMT</userTimeZone>"
				   "<userType>Standard</userType></userInfo>",
				   org, sim_org_user_name(s->org), user, sim_org_user_name(s->org));
	sim_buf_str(&b, "</result></loginResponse></soapenv:Body></soapenv:Envelope>");
	srv_text(req, 200, "text/xml;charset=UTF-8", b.data);
	sim_buf_free(&b);
}

/* logout() ends the session of its header; true when the request was one. */
static bool
logout(srv_request *req, const char *xml)
{
	sim_buf session = {0};
	sim_buf call = {0};
	bool is_logout = element_text(xml, "logout", &call) != 0;

	if (is_logout)
	{
		if (element_text(xml, "sessionId", &session) > 0 && session.data &&
			auth_expire(req->srv, session.data) > 0)
			srv_text(req, 200, "text/xml;charset=UTF-8",
					 "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope "
					 "xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
					 "xmlns=\"urn:partner.soap.sforce.com\"><soapenv:Body><logoutResponse/>"
					 "</soapenv:Body></soapenv:Envelope>");
		else
			fault(req, "INVALID_SESSION_ID",
				  "Invalid Session ID found in SessionHeader: Illegal Session");
	}
	sim_buf_free(&session);
	sim_buf_free(&call);
	return is_logout;
}

void
soap_login(srv_request *req)
{
	const char *xml = req->body.data ? req->body.data : "";
	const char *version = req->segs[3];
	double number = strtod(version, NULL);
	sim_buf username = {0};
	sim_buf password = {0};
	sim_buf call = {0};

	if (logout(req, xml))
		;
	else if (number < SOAP_OLDEST || number > SOAP_NEWEST)
		fault(req, "UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL");
	else if (element_text(xml, "login", &call) == 0)
		fault(req, "UNKNOWN_EXCEPTION", "No operation available for request");
	else if (element_text(xml, "username", &username) < 0 ||
			 element_text(xml, "password", &password) < 0)
		fault(req, "UNKNOWN_EXCEPTION",
			  "The entity name must immediately follow the '&' in the entity reference");
	else if (!srv_options_get(req->srv).soap_login)
		fault(req, "INVALID_OPERATION",
			  "SOAP API login() is disabled by default in this org. Contact the org "
			  "administrator to enable it");
	else if (!auth_password_ok(req->srv, username.data, password.data))
		fault(req, "INVALID_LOGIN",
			  "Invalid username, password, security token; or user locked out.");
	else
		login_result(req, version);
	sim_buf_free(&username);
	sim_buf_free(&password);
	sim_buf_free(&call);
}
