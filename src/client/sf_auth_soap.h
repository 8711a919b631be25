/*
 * sf_auth_soap.h
 *		The two XML documents of a SOAP login (level 3, part of sf_auth).
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

/*
 * Appends the text of the first element of that name, whatever its prefix, with entities
 * resolved.  False when there is none, or it holds other elements.  No XML parser: it reads the
 * handful of flat elements that a login's answer has.
 */
extern bool sf_soap_element(const char *xml, size_t len, const char *name, sf_buf *out);

#endif /* SF_AUTH_SOAP_H */
