#include "net/tls_test_help.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

static void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "test: %s failed\n", what);
		abort();
	}
}

static X509 *make_certificate(EVP_PKEY *pkey, const char *name)
{
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_get_subject_name(certificate);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, pkey);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(certificate, subject);
	must(X509_sign(certificate, pkey, EVP_sha256()) > 0, "X509_sign");
	return certificate;
}

void make_pair(struct tls_pair *pair, const char *name)
{
	snprintf(pair->folder, sizeof(pair->folder), "/tmp/rowlock-tls-XXXXXX");
	must(mkdtemp(pair->folder) != NULL, "mkdtemp");
	snprintf(pair->certificate, sizeof(pair->certificate), "%s/crt", pair->folder);
	snprintf(pair->key, sizeof(pair->key), "%s/key", pair->folder);
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	X509 *certificate = make_certificate(pkey, name);
	write_file(pair->certificate, STR(""), 0600);
	write_file(pair->key, STR(""), 0600);
	FILE *file = fopen(pair->certificate, "we");
	must(file != NULL && PEM_write_X509(file, certificate) == 1 && fclose(file) == 0, "crt");
	file = fopen(pair->key, "we");
	must(file != NULL && PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL) == 1 &&
			 fclose(file) == 0,
		 "key");
	X509_free(certificate);
	EVP_PKEY_free(pkey);
}

void drop_pair(const struct tls_pair *pair)
{
	unlink(pair->certificate);
	unlink(pair->key);
	rmdir(pair->folder);
}

void write_file(const char *path, struct str text, unsigned mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len, path);
	must(fchmod(fd, mode) == 0 && close(fd) == 0, path);
}

struct tls *make_tls(const struct tls_pair *pair)
{
	struct error error = {0};
	struct tls_identity *identity = tls_identity_load(str_from(pair->certificate),
													  str_from(pair->key), &error);
	must(identity != NULL, error.message);
	return tls_create(identity);
}

SSL *make_client(void (*configure)(SSL *ssl))
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	SSL_CTX_free(context);
	must(ssl != NULL, "SSL_new");
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(ssl);
	if (configure != NULL) {
		configure(ssl);
	}
	return ssl;
}

struct str shown_name(const SSL *client, char text[64])
{
	X509 *certificate = SSL_get0_peer_certificate(client);
	must(certificate != NULL, "a certificate");
	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, 64);
	return str_from(text);
}
