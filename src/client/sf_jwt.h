/*
 * sf_jwt.h
 *		The assertion of the OAuth JWT bearer flow, and base64 (level 1).  The only part that
 *		knows OpenSSL.
 */
#ifndef SF_JWT_H
#define SF_JWT_H

#include "sf_buf.h"

/*
 * Seconds from now to an assertion's exp.  Salesforce refuses more than 3 minutes (help, "OAuth 2.0
 * JWT Bearer Flow"); 2 leaves a minute for clocks that differ either way.
 */
#define SF_JWT_LIFETIME_S 120

/*
 * Appends the assertion to out (make it with sf_buf_init_secret): RS256 over iss = client_id, sub =
 * username, aud = audience ("https://login.salesforce.com"), exp = now + lifetime.  pem is the
 * private key's PEM text (PKCS#8 or PKCS#1, not encrypted; line breaks may also be written as \n).
 * now is seconds since 1970.  SF_FAILED with SF_ERR_CONFIG for a bad key; no message holds any
 * part of it.  OpenSSL's error queue is left as it was found: empty.
 */
extern sf_status
sf_jwt_assertion(const char *pem, const char *client_id, const char *username,
				 const char *audience, int64_t now, sf_buf *out, sf_error *err);

/* Checks that pem is a usable RSA private key, as sf_jwt_assertion would. */
extern sf_status sf_jwt_check_key(const char *pem, sf_error *err);

/* Appends data as base64 (with padding), or as base64url (without). */
extern sf_status sf_base64(sf_buf *out, const void *data, size_t len);
extern sf_status sf_base64url(sf_buf *out, const void *data, size_t len);

#endif /* SF_JWT_H */
