/*
 * test_jwt.c
 *		JWT assertions and base64.  Keys are made here: none lies in the repository.
 */
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "sf_json.h"
#include "sf_jwt.h"
#include "tap.h"

static EVP_PKEY *
make_key(int type, int bits)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(type, NULL);
	EVP_PKEY *key = NULL;

	EVP_PKEY_keygen_init(ctx);
	if (type == EVP_PKEY_RSA)
		EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits);
	else
		EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1);
	EVP_PKEY_keygen(ctx, &key);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static char *
bio_text(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	char *text = strndup(data, (size_t) len);

	BIO_free(bio);
	return text;
}

static char *
private_pem(EVP_PKEY *key, bool traditional, const char *password)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (traditional)
		PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL);
	else
		PEM_write_bio_PKCS8PrivateKey(bio, key, password == NULL ? NULL : EVP_aes_256_cbc(),
									  NULL, 0, NULL, (void *) (uintptr_t) password);
	return bio_text(bio);
}

static char *
public_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_PUBKEY(bio, key);
	return bio_text(bio);
}

/* A naive base64url decoder; returns the length, or -1. */
static int
decode(const char *text, size_t len, unsigned char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned int bits = 0;
	int nbits = 0;
	int n = 0;

	for (size_t i = 0; i < len; i++)
	{
		const char *digit = strchr(digits, text[i]);

		if (digit == NULL)
			return -1;
		bits = (bits << 6 | (unsigned int) (digit - digits)) & 0xffffff;
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			out[n++] = (unsigned char) (bits >> nbits);
		}
	}
	return n;
}

/* Verifies an assertion with OpenSSL and compares header and claims. */
static void
check_assertion(const char *jwt, EVP_PKEY *key, const char *claims)
{
	const char *dot = strchr(jwt, '.');
	const char *second = dot == NULL ? NULL : strchr(dot + 1, '.');
	unsigned char part[4096];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int n;

	if (!ok(second != NULL && strchr(second + 1, '.') == NULL, "three parts"))
	{
		EVP_MD_CTX_free(ctx);
		return;
	}
	n = decode(jwt, (size_t) (dot - jwt), part);
	part[n] = 0;
	is_text((char *) part, "{\"alg\":\"RS256\"}", "header");
	n = decode(dot + 1, (size_t) (second - dot - 1), part);
	part[n] = 0;
	is_text((char *) part, claims, "claims");
	n = decode(second + 1, strlen(second + 1), part);
	EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key);
	is_int(EVP_DigestVerify(ctx, part, (size_t) n, (const unsigned char *) jwt,
							(size_t) (second - jwt)),
		   1, "signature");
	EVP_MD_CTX_free(ctx);
}

static void
test_assertions(void)
{
	static const char claims[] =
		"{\"iss\":\"3MVG9.client\",\"sub\":\"pat\\\"@example.com\","
		"\"aud\":\"https://login.salesforce.com\",\"exp\":1700000120}";
	EVP_PKEY *key = make_key(EVP_PKEY_RSA, 2048);
	char *pems[3];

	pems[0] = private_pem(key, false, NULL);
	pems[1] = private_pem(key, true, NULL);
	/* with \n as two characters, as it stands in a JSON file */
	pems[2] = calloc(1, 2 * strlen(pems[0]) + 1);
	for (const char *p = pems[0]; *p != 0; p++)
		strncat(pems[2], *p == '\n' ? "\\n" : p, *p == '\n' ? 2 : 1);

	for (int i = 0; i < 3; i++)
	{
		sf_error err = {0};
		sf_buf out;

		sf_buf_init_secret(&out, 10000);
		is_int(sf_jwt_check_key(pems[i], &err), SF_OK, "a good key");
		if (!ok(sf_jwt_assertion(pems[i], "3MVG9.client", "pat\"@example.com",
								 "https://login.salesforce.com", 1700000000, &out,
								 &err) == SF_OK,
				"an assertion"))
			diag("%s", err.message);
		check_assertion(sf_buf_text(&out), key, claims);
		is_int((long long) ERR_peek_error(), 0, "OpenSSL's error queue is empty");
		sf_buf_free(&out);

		sf_buf_init_secret(&out, 100);
		is_int(sf_jwt_assertion(pems[i], "c", "u", "a", 0, &out, &err), SF_FAILED, "no room");
		is_int(err.cls, SF_ERR_LIMIT, "its class");
		sf_buf_free(&out);
		free(pems[i]);
	}
	EVP_PKEY_free(key);
}

static void
test_bad_keys(void)
{
	EVP_PKEY *rsa = make_key(EVP_PKEY_RSA, 2048);
	EVP_PKEY *weak = make_key(EVP_PKEY_RSA, 512);
	EVP_PKEY *ec = make_key(EVP_PKEY_EC, 0);
	char *good = private_pem(rsa, false, NULL);
	char *damaged = strdup(good);
	char *cut = strndup(good, strlen(good) / 2);
	struct
	{
		char *pem;
		const char *message;
	} keys[] = {
		{NULL, "invalid private key: it is empty"},
		{strdup(""), "invalid private key: it is empty"},
		{strdup("secretsecret"), "invalid private key: it is not PEM text"},
		{strdup("/etc/passwd"), "invalid private key: it is not PEM text"},
		{public_pem(rsa), "invalid private key: the PEM text holds no private key"},
		{private_pem(rsa, false, "password"),
		 "invalid private key: it is encrypted with a password"},
		{private_pem(ec, false, NULL), "invalid private key: it is not an RSA key"},
		{private_pem(weak, false, NULL), "invalid private key: it is too short"},
		{damaged, "invalid private key: the PEM text is damaged"},
		{cut, "invalid private key: the PEM text is damaged"},
		{calloc(1, 100000), "invalid private key: it is too long"},
	};

	memset(damaged + 200, '!', 40);
	memset(keys[10].pem, 'x', 99999);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
	{
		sf_error err = {0};
		sf_buf out;

		sf_buf_init_secret(&out, 10000);
		is_int(sf_jwt_check_key(keys[i].pem, &err), SF_FAILED, "a bad key");
		is_text(err.message, keys[i].message, "message");
		is_int(err.cls, SF_ERR_CONFIG, "class");
		ok(keys[i].pem == NULL || strlen(keys[i].pem) < 40 ||
			   strstr(err.hint, keys[i].pem + strlen(keys[i].pem) / 2) == NULL,
		   "nothing of the key is shown");
		sf_error_reset(&err);
		is_int(sf_jwt_assertion(keys[i].pem, "c", "u", "a", 0, &out, &err), SF_FAILED,
			   "no assertion with it");
		is_text(err.message, keys[i].message, "for the same reason");
		is_int((long long) out.len, 0, "and nothing written");
		is_int((long long) ERR_peek_error(), 0, "OpenSSL's error queue is empty");
		sf_buf_free(&out);
		free(keys[i].pem);
	}
	free(good);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(ec);
}

static void
test_base64(void)
{
	static const struct
	{
		const char *text;
		const char *standard;
		const char *url;
	} texts[] = {
		{"", "", ""},
		{"f", "Zg==", "Zg"},
		{"fo", "Zm8=", "Zm8"},
		{"foo", "Zm9v", "Zm9v"},
		{"foob", "Zm9vYg==", "Zm9vYg"},
		{"\xff\xfe\xfd\xfb\xf0", "//79+/A=", "__79-_A"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		sf_buf out;

		sf_buf_init(&out, 100);
		is_int(sf_base64(&out, texts[i].text, strlen(texts[i].text)), SF_OK, "base64");
		is_text(out.data, texts[i].standard, "its text");
		sf_buf_reset(&out);
		is_int(sf_base64url(&out, texts[i].text, strlen(texts[i].text)), SF_OK, "base64url");
		is_text(out.data, texts[i].url, "its text");
		sf_buf_free(&out);
	}
}

int
main(void)
{
	test_assertions();
	test_bad_keys();
	test_base64();
	return tap_done();
}
