/* A program that was built without OpenSSL's libssl. */
#include <stdlib.h>

#include "net/tls.h"

struct tls_identity *tls_identity_load(struct str certificate, struct str key, struct error *error)
{
	(void)certificate;
	(void)key;
	error_set(error, ERROR_CONFIG, "this program was built without TLS");
	error_hint(error, "build it with -Dtls=enabled");
	return NULL;
}

void tls_identity_destroy(struct tls_identity *identity)
{
	(void)identity;
}

void tls_destroy(struct tls *tls)
{
	(void)tls;
}

void tls_session_destroy(struct tls_session *session)
{
	(void)session;
}

/* The rest is never called without an identity. */

struct tls *tls_create(struct tls_identity *identity)
{
	(void)identity;
	abort();
}

void tls_replace(struct tls *tls, struct tls_identity *identity)
{
	(void)tls;
	(void)identity;
	abort();
}

struct tls_session *tls_accept(struct tls *tls, struct buf *out)
{
	(void)tls;
	(void)out;
	abort();
}

void tls_feed(struct tls_session *session, struct str bytes)
{
	(void)session;
	(void)bytes;
	abort();
}

void tls_keep(struct tls_session *session)
{
	(void)session;
	abort();
}

enum tls_result tls_read(struct tls_session *session, char *to, size_t room, size_t *ret_count)
{
	(void)session;
	(void)to;
	(void)room;
	(void)ret_count;
	abort();
}

bool tls_is_open(const struct tls_session *session)
{
	(void)session;
	abort();
}

bool tls_write(struct tls_session *session, struct str piece)
{
	(void)session;
	(void)piece;
	abort();
}

void tls_end(struct tls_session *session)
{
	(void)session;
	abort();
}
