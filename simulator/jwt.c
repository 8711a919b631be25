/*
 * jwt.c
 *		The JWT bearer grant: signature and claims.
 *
 * Error texts are those seen from the real endpoint; which of several faults
 * is reported first is not documented.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "clock.h"
#include "auth.h"

/* The key from "BEGIN PUBLIC KEY" or from a certificate; NULL when neither. */
static EVP_PKEY *
load_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = NULL;

	if (bio == NULL)
		return NULL;
	if (strstr(pem, "BEGIN CERTIFICATE"))
	{
		X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (cert)
			key = X509_get_pubkey(cert);
		X509_free(cert);
	}
	else
		key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static bool
signature_ok(const char *pem, const char *text, size_t len, const char *sig, size_t siglen)
{
	EVP_PKEY *key = load_key(pem);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = 0;
	unsigned char *raw = srv_base64_decode(sig, siglen, &n);
	bool ok = key && ctx && raw && EVP_PKEY_base_id(key) == EVP_PKEY_RSA &&
			  EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
			  EVP_DigestVerify(ctx, raw, n, (const unsigned char *) text, len) == 1;

	free(raw);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}

static cJSON *
decode_part(const char *part, size_t len)
{
	size_t n = 0;
	unsigned char *text = srv_base64_decode(part, len, &n);
	cJSON *tree = text ? cJSON_ParseWithLength((char *) text, n) : NULL;

	free(text);
	return tree;
}

static const char *
text_claim(const cJSON *claims, const char *name)
{
	const char *v = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(claims, name));

	return v ? v : "";
}

/*
 * A login address or a part of it: clients leave the scheme out (login.salesforce.com), add the slash that
 * URL parsers add, or name the token endpoint.
 */
static bool
audience_ok(srv *s, const char *aud)
{
	const char *const known[] = {"https://login.salesforce.com", "https://test.salesforce.com",
								 s->base_url};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		const char *url = strstr(aud, "://") ? known[i] : strstr(known[i], "://") + 3;
		size_t n = strlen(url);
		const char *rest = aud + n;

		if (strncmp(aud, url, n) == 0 && (*rest == '\0' || strcmp(rest, "/") == 0 ||
										  strcmp(rest, "/services/oauth2/token") == 0))
			return true;
	}
	return false;
}

static const char *
check_claims(srv *s, const cJSON *claims, const char *client_id, auth_user *found,
			 const char **description)
{
	const cJSON *exp = cJSON_GetObjectItemCaseSensitive(claims, "exp");
	const char *user = text_claim(claims, "prn"); /* the older name wins */
	double when = -1;
	double now = (double) sim_clock_now() / 1000;

	if (cJSON_IsNumber(exp))
		when = exp->valuedouble;
	else if (cJSON_IsString(exp))
		when = strtod(exp->valuestring, NULL);
	if (*user == '\0')
		user = text_claim(claims, "sub");
	if (strcmp(text_claim(claims, "iss"), client_id) != 0)
	{
		*description = "client identifier invalid";
		return "invalid_client_id";
	}
	if (!audience_ok(s, text_claim(claims, "aud")))
	{
		*description = "audience is invalid";
		return "invalid_grant";
	}
	/* The documented three minutes are advice: what lies further ahead, even milliseconds (as
	 * Salesforce's own command line client writes them), is taken. */
	if (when <= now)
	{
		*description = "expired authorization code";
		return "invalid_grant";
	}
	if (!auth_user_by_name(s, user, found))
	{
		*description = "user hasn't approved this consumer";
		return "invalid_grant";
	}
	return NULL;
}

const char *
jwt_verify(srv *s, const char *pem, const char *client_id, const char *assertion,
		   auth_user *user, const char **description)
{
	const char *dot1 = assertion ? strchr(assertion, '.') : NULL;
	const char *dot2 = dot1 ? strchr(dot1 + 1, '.') : NULL;
	const char *error = "invalid_grant";
	cJSON *header;
	cJSON *claims;

	*description = "invalid assertion";
	if (dot2 == NULL || strchr(dot2 + 1, '.') != NULL)
		return error;
	header = decode_part(assertion, (size_t) (dot1 - assertion));
	claims = decode_part(dot1 + 1, (size_t) (dot2 - dot1 - 1));
	if (header && claims && strcmp(text_claim(header, "alg"), "RS256") == 0)
	{
		if (pem == NULL)
			*description = "user hasn't approved this consumer";
		else if (signature_ok(pem, assertion, (size_t) (dot2 - assertion), dot2 + 1,
							  strlen(dot2 + 1)))
			error = check_claims(s, claims, client_id, user, description);
	}
	cJSON_Delete(header);
	cJSON_Delete(claims);
	return error;
}
