/*
 * sf_auth_soap.h
 *		The request of a SOAP login (level 3, part of sf_auth); its answer is read by sf_xml_element.
 */
#ifndef SF_AUTH_SOAP_H
#define SF_AUTH_SOAP_H

#include "sf_buf.h"

/*
 * Appends the envelope of partner.wsdl's login() with everything escaped.  password and
 * security_token (may be NULL) are sent as one text.
 */
extern void sf_soap_login_request(sf_buf *out, const char *username, const char *password,
								  const char *security_token);

#endif /* SF_AUTH_SOAP_H */
