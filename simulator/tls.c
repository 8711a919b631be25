/*
 * tls.c
 *		Keys that the simulator makes for itself: a certificate for --tls, and a key pair for JWT logins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "server.h"

#define VALID_SECONDS (10L * 365 * 86400)

static bool
failed(sim_error *err, const char *what)
{
	char text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	return sim_error_set(err, "UNKNOWN_EXCEPTION", "could not make %s: %s", what, text);
}

/* What was written to the BIO, appended to out; frees it. */
static bool
take_bio(BIO *bio, bool ok, sim_buf *out)
{
	char *data = NULL;
	long n = bio && ok ? BIO_get_mem_data(bio, &data) : 0;

	if (n > 0)
		sim_buf_add(out, data, (size_t) n);
	BIO_free(bio);
	return n > 0 && !out->failed;
}

static bool
private_pem(EVP_PKEY *key, sim_buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return take_bio(
		bio, bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1, out);
}

static bool
public_pem(EVP_PKEY *key, sim_buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return take_bio(bio, bio && PEM_write_bio_PUBKEY(bio, key) == 1, out);
}

static bool
add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

/* Everything of the certificate but its key and signature. */
static bool
describe_certificate(X509 *cert)
{
	X509_NAME *name = X509_get_subject_name(cert);
	unsigned char serial[16];
	char text[33];
	BIGNUM *bn;
	bool ok;

	srv_random_text(text, 16);
	memcpy(serial, text, 16);
	serial[0] &= 0x7f;
	bn = BN_bin2bn(serial, sizeof(serial), NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) != NULL;
	BN_free(bn);
	return ok && X509_set_version(cert, 2) == 1 &&
		   X509_gmtime_adj(X509_getm_notBefore(cert), -86400) != NULL &&
		   X509_gmtime_adj(X509_getm_notAfter(cert), VALID_SECONDS) != NULL &&
		   X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
									  (const unsigned char *) "sfsim, not Salesforce", -1, -1,
									  0) == 1 &&
		   X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
									  (const unsigned char *) "localhost", -1, -1, 0) == 1 &&
		   X509_set_issuer_name(cert, name) == 1;
}

bool
tls_self_signed(sim_buf *cert_pem, sim_buf *key_pem, sim_error *err)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	BIO *bio = NULL;
	bool ok = key && cert && describe_certificate(cert) && X509_set_pubkey(cert, key) == 1 &&
			  add_extension(cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
			  add_extension(cert, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
			  add_extension(cert, NID_ext_key_usage, "serverAuth") &&
			  add_extension(cert, NID_subject_key_identifier, "hash") &&
			  add_extension(cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
			  X509_sign(cert, key, EVP_sha256()) > 0;

	if (ok)
	{
		bio = BIO_new(BIO_s_mem());
		ok = take_bio(bio, bio && PEM_write_bio_X509(bio, cert) == 1, cert_pem) &&
			 private_pem(key, key_pem);
	}
	if (!ok)
		failed(err, "a certificate");
	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

bool
tls_jwt_key(sim_buf *private_key, sim_buf *public_key, sim_error *err)
{
	EVP_PKEY *key;
	bool ok;

	if (private_key->len > 0)
	{
		BIO *bio = BIO_new_mem_buf(private_key->data, (int) private_key->len);

		key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
		BIO_free(bio);
		ok = key != NULL && public_pem(key, public_key);
	}
	else
	{
		key = EVP_RSA_gen(2048);
		ok = key != NULL && private_pem(key, private_key) && public_pem(key, public_key);
	}
	if (!ok)
		failed(err, "a key for JWT logins");
	EVP_PKEY_free(key);
	return ok;
}

bool
tls_write_private(const char *path, const sim_buf *text)
{
	char temp[4096];
	FILE *f = NULL;
	bool ok;
	int fd;

	if (snprintf(temp, sizeof(temp), "%s.tmp%d", path, (int) getpid()) >= (int) sizeof(temp))
	{
		errno = ENAMETOOLONG;
		return false;
	}
	unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || (f = fdopen(fd, "w")) == NULL)
	{
		if (fd >= 0)
			close(fd);
		return false;
	}
	ok = fwrite(text->data ? text->data : "", 1, text->len, f) == text->len;
	ok = fclose(f) == 0 && ok;
	ok = ok && rename(temp, path) == 0;
	if (!ok)
		unlink(temp);
	return ok;
}
