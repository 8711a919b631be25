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

/* exp has to lie ahead, but not far: three minutes, and room for clock skew. */
#define EXP_WINDOW (3 * 60 + 60)

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

static bool
audience_ok(srv *s, const char *aud)
{
	char token_url[128];

	snprintf(token_url, sizeof(token_url), "%s/services/oauth2/token", s->base_url);
	return strcmp(aud, "https://login.salesforce.com") == 0 ||
		   strcmp(aud, "https://test.salesforce.com") == 0 || strcmp(aud, s->base_url) == 0 ||
		   strcmp(aud, token_url) == 0;
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
	if (when <= now || when > now + EXP_WINDOW)
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
