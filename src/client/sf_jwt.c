/*
 * sf_jwt.c
 *		The assertion of the OAuth JWT bearer flow (RS256), and base64: the only file that knows
 *		OpenSSL.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "sf_json.h"
#include "sf_jwt.h"
#include "sf_secret.h"

/* A key of 16,384 bits has 13 kB of PEM. */
#define PEM_MAX (64 * 1024)

/* Salesforce's certificates have 2048 or 4096 bits; less than 1024 no OpenSSL signs with. */
#define KEY_BITS_MIN 1024

#define CLAIMS_MAX	  (16 * 1024)
#define SIGNATURE_MAX 4096

/* ---- base64 -------------------------------------------------------------------------- */

static sf_status
encode_base64(sf_buf *out, const void *data, size_t len, bool url)
{
	static const char standard[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char for_urls[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *digits = url ? for_urls : standard;
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i += 3)
	{
		size_t n = len - i < 3 ? len - i : 3;
		unsigned int bits = (unsigned int) bytes[i] << 16;
		char group[4] = {0, 0, '=', '='};

		if (n > 1)
			bits |= (unsigned int) bytes[i + 1] << 8;
		if (n > 2)
			bits |= bytes[i + 2];
		for (size_t k = 0; k <= n; k++)
			group[k] = digits[bits >> (18 - 6 * k) & 63];
		if (sf_buf_append(out, group, url ? n + 1 : 4) != SF_OK)
			return SF_FAILED;
	}
	return sf_buf_reserve(out, 0);
}

sf_status
sf_base64(sf_buf *out, const void *data, size_t len)
{
	return encode_base64(out, data, len, false);
}

sf_status
sf_base64url(sf_buf *out, const void *data, size_t len)
{
	return encode_base64(out, data, len, true);
}

/* ---- the key ------------------------------------------------------------------------- */

/* OpenSSL would otherwise ask at the terminal for the password of an encrypted key. */
static int
no_password(char *buf, int size, int writing, void *asked)
{
	(void) buf;
	(void) size;
	(void) writing;
	*(bool *) asked = true;
	return -1;
}

/*
 * A copy of the PEM text in which \n, as two characters, is a line break: the form in which keys
 * come out of JSON files and environment variables.
 */
static char *
copy_pem(const char *pem, size_t len)
{
	char *copy = malloc(len + 1);
	char *to = copy;

	if (copy == NULL)
		return NULL;
	for (const char *p = pem; *p != 0; p++)
	{
		if (p[0] == '\\' && p[1] == 'n')
		{
			*to++ = '\n';
			p++;
		}
		else
			*to++ = *p;
	}
	*to = 0;
	return copy;
}

static EVP_PKEY *
bad_key(const char *why, sf_error *err)
{
	if (sf_error_is_set(err))
		return NULL;
	sf_error_set(err, SF_ERR_CONFIG, "invalid private key: %s", why);
	sf_error_hint(err, "It must be the PEM text of an RSA key without a password, from "
					   "\"-----BEGIN PRIVATE KEY-----\" to \"-----END PRIVATE KEY-----\".");
	return NULL;
}

static EVP_PKEY *
read_key(const char *pem, sf_error *err)
{
	size_t len = pem == NULL ? 0 : strlen(pem);
	bool asked = false;
	EVP_PKEY *key = NULL;
	char *copy;
	BIO *bio;

	if (len == 0)
		return bad_key("it is empty", err);
	if (len > PEM_MAX)
		return bad_key("it is too long", err);
	if (strstr(pem, "-----BEGIN ") == NULL)
		return bad_key("it is not PEM text", err);
	if (strstr(pem, "PRIVATE KEY-----") == NULL)
		return bad_key("the PEM text holds no private key", err);

	copy = copy_pem(pem, len);
	bio = copy == NULL ? NULL : BIO_new_mem_buf(copy, -1);
	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked);
	BIO_free(bio);
	sf_wipe(copy, len);
	free(copy);

	if (bio == NULL)
		sf_error_nomem(err);
	else if (key == NULL)
		bad_key(asked ? "it is encrypted with a password" : "the PEM text is damaged", err);
	else if (EVP_PKEY_base_id(key) != EVP_PKEY_RSA)
	{
		bad_key("it is not an RSA key", err);
		EVP_PKEY_free(key);
		key = NULL;
	}
	else if (EVP_PKEY_bits(key) < KEY_BITS_MIN)
	{
		bad_key("it is too short", err);
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

sf_status
sf_jwt_check_key(const char *pem, sf_error *err)
{
	EVP_PKEY *key = read_key(pem, err);

	ERR_clear_error();
	if (key == NULL)
		return SF_FAILED;
	EVP_PKEY_free(key);
	return SF_OK;
}

/* ---- the assertion ------------------------------------------------------------------- */

/* Appends '.' and the signature over what out holds from start on. */
static sf_status
append_signature(sf_buf *out, size_t start, EVP_PKEY *key, sf_error *err)
{
	unsigned char signature[SIGNATURE_MAX];
	size_t len = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		 EVP_DigestSign(ctx, signature, &len, (const unsigned char *) out->data + start,
						out->len - start) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return sf_error_set(err, SF_ERR_CONFIG, "could not sign with the private key");

	sf_buf_putc(out, '.');
	sf_base64url(out, signature, len);
	sf_wipe(signature, sizeof(signature));
	return SF_OK;
}

sf_status
sf_jwt_assertion(const char *pem, const char *client_id, const char *username,
				 const char *audience, int64_t now, sf_buf *out, sf_error *err)
{
	static const char header[] = "{\"alg\":\"RS256\"}";
	size_t start = out->len;
	EVP_PKEY *key = read_key(pem, err);
	sf_status status = SF_FAILED;
	sf_buf claims;

	if (key != NULL)
	{
		sf_buf_init_secret(&claims, CLAIMS_MAX);
		sf_buf_putc(&claims, '{');
		sf_json_put_string(&claims, "iss", client_id);
		sf_json_put_string(&claims, "sub", username);
		sf_json_put_string(&claims, "aud", audience);
		sf_buf_printf(&claims, ",\"exp\":%lld}", (long long) now + SF_JWT_LIFETIME_S);
		status = sf_buf_check(&claims, "the JWT", err);
		if (status == SF_OK)
		{
			sf_base64url(out, header, sizeof(header) - 1);
			sf_buf_putc(out, '.');
			sf_base64url(out, claims.data, claims.len);
			status = sf_buf_check(out, "the JWT", err);
		}
		if (status == SF_OK)
			status = append_signature(out, start, key, err);
		if (status == SF_OK)
			status = sf_buf_check(out, "the JWT", err);
		sf_buf_free(&claims);
		EVP_PKEY_free(key);
	}
	/* curl's TLS in this process must not find our errors there */
	ERR_clear_error();
	return status;
}
