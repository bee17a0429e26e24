/*
 * Certificates for tests, and a TLS client in memory, made with OpenSSL itself.
 *
 * Ownership: make_pair() to drop_pair(). Threads: one. Errors: a failure ends the program.
 * Limits: none.
 */
#ifndef ROWLOCK_NET_TLS_TEST_HELP_H
#define ROWLOCK_NET_TLS_TEST_HELP_H

#include <openssl/ssl.h>

#include "net/tls.h"

struct tls_pair {
	char folder[64];
	char certificate[96];
	char key[96];
};

/* A self-signed certificate for `name` and its key, in a new folder. */
void make_pair(struct tls_pair *pair, const char *name);
void drop_pair(const struct tls_pair *pair);
void write_file(const char *path, struct str text, unsigned mode);
/* A listener that shows the pair. */
struct tls *make_tls(const struct tls_pair *pair);
/* A client that believes anything; `configure` may be NULL. */
SSL *make_client(void (*configure)(SSL *ssl));
/* The name in the certificate that the server showed. */
struct str shown_name(const SSL *client, char text[64]);

#endif
