/*
 * sf_auth_soap.c
 *		The request of a SOAP login.
 */
#include "sf_auth_soap.h"

static void
put_escaped(sf_buf *out, const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
	{
		switch (*text)
		{
			case '&':
				sf_buf_puts(out, "&amp;");
				break;
			case '<':
				sf_buf_puts(out, "&lt;");
				break;
			case '>':
				sf_buf_puts(out, "&gt;");
				break;
			case '"':
				sf_buf_puts(out, "&quot;");
				break;
			case '\'':
				sf_buf_puts(out, "&apos;");
				break;
			default:
				sf_buf_putc(out, *text);
		}
	}
}

void
sf_soap_login_request(sf_buf *out, const char *username, const char *password,
					  const char *security_token)
{
	sf_buf_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
					 "<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\">"
					 "<env:Body><login xmlns=\"urn:partner.soap.sforce.com\"><username>");
	put_escaped(out, username);
	sf_buf_puts(out, "</username><password>");
	put_escaped(out, password);
	put_escaped(out, security_token);
	sf_buf_puts(out, "</password></login></env:Body></env:Envelope>");
}
