/*
 * TLS on the connections that others make to us, in memory: what the peer sent goes in, plain bytes
 * come out, and the other way round. It knows no sockets. TLS 1.2 and 1.3, HTTP/1 as the only
 * protocol (RFC 7301); no renegotiation, no compression, and sessions are not resumed, so nothing
 * is kept between connections or shared by loops.
 *
 * Ownership: identities to tls_create() or tls_replace(), which take them over. A session may
 * outlive the identity that it began with, not the struct tls.
 * Threads: struct tls is anybody's, a session its loop's.
 * Errors: ERROR_CONFIG naming the file; what is in a key is never shown.
 * Limits: TLS_FILE_BYTES a file, TLS_CHAIN_MAX certificates; a record is 16 KiB.
 */
#ifndef ROWLOCK_NET_TLS_H
#define ROWLOCK_NET_TLS_H

#include "base/buf.h"
#include "base/error.h"

enum { TLS_FILE_BYTES = 1024 * 1024, TLS_CHAIN_MAX = 16, TLS_PIECE_BYTES = 16 * 1024 };

struct tls;          /* what a listener shows of itself */
struct tls_identity; /* a certificate with those that vouch for it, and its key */
struct tls_session;  /* one connection */

/* Reads PEM files. NULL when they cannot be read, fit not each other, or others may read the key;
 * also when this program was built without OpenSSL. */
struct tls_identity *tls_identity_load(struct str certificate, struct str key, struct error *error);
/* Accepts NULL. */
void tls_identity_destroy(struct tls_identity *identity);

struct tls *tls_create(struct tls_identity *identity);
/* New sessions get the new one; those that run keep theirs. */
void tls_replace(struct tls *tls, struct tls_identity *identity);
/* Accepts NULL. */
void tls_destroy(struct tls *tls);

/* ---- a session ---- */

/* For a connection that was accepted. What is to be sent to the peer is appended to `out`, by every
 * function below; the caller sends it. */
struct tls_session *tls_accept(struct tls *tls, struct buf *out);
/* Accepts NULL. */
void tls_session_destroy(struct tls_session *session);

/* Bytes of the peer: borrowed until tls_keep(), which copies what is left of them. */
void tls_feed(struct tls_session *session, struct str bytes);
void tls_keep(struct tls_session *session);

enum tls_result {
	TLS_BYTES,  /* some plain bytes */
	TLS_MORE,   /* the peer must send more first */
	TLS_END,    /* the peer has said that it sends no more */
	TLS_FAILED, /* it does not speak TLS as it should: `out` may hold what tells it so */
};
/* At most `room` plain bytes of what was fed, at least 1; goes on with the handshake. */
enum tls_result tls_read(struct tls_session *session, char *to, size_t room, size_t *ret_count);
/* Is the handshake done? Before it nothing may be written. */
bool tls_is_open(const struct tls_session *session);
/* At most TLS_PIECE_BYTES. False when the session has failed. */
bool tls_write(struct tls_session *session, struct str piece);
/* Says that nothing more will be sent: what came before it is whole. Idempotent. */
void tls_end(struct tls_session *session);

#endif
