/*
 * DESIGN. OpenSSL reads from and writes to BIOs of ours. Reading takes what was fed, straight from
 * the caller's memory; only what is left when the connection has no room for more is copied.
 * Writing appends to the caller's buffer. So a connection that is idle has no buffers at all.
 */
#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/alloc.h"

struct tls_identity {
	SSL_CTX *context;
};

struct tls {
	pthread_mutex_t lock;
	SSL_CTX *context; /* under lock */
	BIO_METHOD *method;
};

struct tls_session {
	SSL *ssl;
	struct str in;   /* fed and not taken: the caller's memory, or within `kept` */
	struct buf kept; /* owned */
	struct buf *out; /* borrowed */
	bool failed;
	bool ended;
};

/* ---- files ---- */

/* A file that holds one side of the pair, while it is read. */
struct source {
	const char *what; /* "certificate" or "key" */
	struct str path;
	struct error *error;
};

static bool refuse(const struct source *source, const char *hint, const char *problem)
{
	error_set(source->error, ERROR_CONFIG, "the %s file %.*s %s", source->what,
			  STR_ARG(source->path), problem);
	ERR_clear_error();
	return hint != NULL && error_hint(source->error, "%s", hint);
}

static bool check_file(const struct source *source, int fd, bool secret)
{
	struct stat status;
	if (fstat(fd, &status) != 0) {
		return refuse(source, NULL, strerror(errno));
	}
	if (!S_ISREG(status.st_mode)) {
		return refuse(source, NULL, "is no file");
	}
	if (status.st_size > TLS_FILE_BYTES) {
		return refuse(source, NULL, "is too large");
	}
	if (secret && (status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		return refuse(source, "chmod o= FILE: whoever has the key can pose as this server",
					  "may be read or written by everybody on this machine");
	}
	return true;
}

static BIO *open_file(const struct source *source, bool secret)
{
	char *path = alloc_zeroed(1, source->path.len + 1);
	memcpy(path, source->path.ptr, source->path.len);
	/* A pipe must not make the start wait. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	free(path);
	if (fd < 0) {
		char problem[128];
		snprintf(problem, sizeof(problem), "cannot be read: %s", strerror(errno));
		refuse(source, NULL, problem);
		return NULL;
	}
	FILE *file = check_file(source, fd, secret) ? fdopen(fd, "r") : NULL;
	if (file == NULL) {
		(void)close(fd);
		return NULL;
	}
	BIO *bio = BIO_new_fp(file, BIO_CLOSE);
	if (bio == NULL) {
		abort(); /* out of memory, as elsewhere */
	}
	return bio;
}

/* The server's own certificate first, then those that lead to one that clients know. */
static bool read_chain(SSL_CTX *context, const struct source *source, BIO *bio)
{
	X509 *own = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
	if (own == NULL) {
		return refuse(source, "PEM, beginning with -----BEGIN CERTIFICATE-----",
					  "holds no certificate");
	}
	bool good = SSL_CTX_use_certificate(context, own) == 1;
	X509_free(own);
	if (!good) {
		/* Such as a key that is too small for today. */
		return refuse(source, ERR_reason_error_string(ERR_peek_last_error()),
					  "holds a certificate that cannot be used");
	}
	size_t count = 1;
	X509 *next;
	while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (++count > TLS_CHAIN_MAX || SSL_CTX_add0_chain_cert(context, next) != 1) {
			X509_free(next);
			return refuse(source, NULL, "holds a chain of certificates that cannot be used");
		}
	}
	bool over = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	return over || refuse(source, NULL, "holds something that is no certificate");
}

static bool load_certificate(SSL_CTX *context, struct str path, struct error *error)
{
	const struct source source = {"certificate", path, error};
	BIO *bio = open_file(&source, false);
	bool good = bio != NULL && read_chain(context, &source, bio);
	BIO_free(bio);
	return good;
}

/* There is nobody to ask for a password. */
static int note_password(char *password, int size, int writing, void *context)
{
	(void)password;
	(void)size;
	(void)writing;
	*(bool *)context = true;
	return -1;
}

static bool load_key(SSL_CTX *context, struct str path, struct str certificate, struct error *error)
{
	const struct source source = {"key", path, error};
	bool encrypted = false;
	BIO *bio = open_file(&source, true);
	if (bio == NULL) {
		return false;
	}
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, note_password, &encrypted);
	BIO_free(bio);
	if (pkey == NULL) {
		return encrypted ? refuse(&source, "openssl pkey -in FILE -out PLAIN_FILE",
								  "is encrypted with a password")
						 : refuse(&source, "PEM, beginning with -----BEGIN PRIVATE KEY-----",
								  "holds no private key");
	}
	bool good = X509_check_private_key(SSL_CTX_get0_certificate(context), pkey) == 1 &&
		SSL_CTX_use_PrivateKey(context, pkey) == 1;
	EVP_PKEY_free(pkey);
	if (!good) {
		error_set(error, ERROR_CONFIG, "the key file %.*s is not the key of the certificate %.*s",
				  STR_ARG(path), STR_ARG(certificate));
		ERR_clear_error();
	}
	return good;
}

/* ---- what sessions have in common ---- */

/* RFC 7301, 3.2: a client that names protocols and none that is spoken here is told so. */
static int choose_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
						   const unsigned char *names, unsigned len, void *context)
{
	static const struct str known[] = {STR_INIT("http/1.1"), STR_INIT("http/1.0")};
	(void)ssl;
	(void)context;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		for (unsigned at = 0; at < len && at + names[at] < len; at += 1u + names[at]) {
			struct str name = {(const char *)names + at + 1, names[at]};
			if (str_equal(name, known[i])) {
				*ret_name = names + at + 1;
				*ret_len = names[at];
				return SSL_TLSEXT_ERR_OK;
			}
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *create_context(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	/* Forward secrecy and authenticated encryption, which all of TLS 1.3 has. */
	if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
		abort(); /* out of memory, as elsewhere */
	}
	SSL_CTX_set_options(context,
						SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
							SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	return context;
}

struct tls_identity *tls_identity_load(struct str certificate, struct str key, struct error *error)
{
	struct tls_identity *identity = alloc_zeroed(1, sizeof(*identity));
	identity->context = create_context();
	if (!load_certificate(identity->context, certificate, error) ||
		!load_key(identity->context, key, certificate, error)) {
		tls_identity_destroy(identity);
		return NULL;
	}
	return identity;
}

void tls_identity_destroy(struct tls_identity *identity)
{
	if (identity != NULL) {
		SSL_CTX_free(identity->context);
		free(identity);
	}
}

/* ---- in and out ---- */

static int bio_read(BIO *bio, char *to, size_t room, size_t *ret_count)
{
	struct tls_session *session = BIO_get_data(bio);
	size_t count = session->in.len < room ? session->in.len : room;
	BIO_clear_retry_flags(bio);
	if (count == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(to, session->in.ptr, count);
	session->in = str_slice(session->in, count, session->in.len);
	*ret_count = count;
	return 1;
}

static int bio_write(BIO *bio, const char *bytes, size_t count, size_t *ret_count)
{
	struct tls_session *session = BIO_get_data(bio);
	buf_append(session->out, (struct str){bytes, count});
	*ret_count = count;
	return 1;
}

/* OpenSSL flushes after each flight, and asks for sizes of datagrams, which we have not. */
static long bio_control(BIO *bio, int what, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return what == BIO_CTRL_FLUSH ? 1 : 0;
}

struct tls *tls_create(struct tls_identity *identity)
{
	struct tls *tls = alloc_zeroed(1, sizeof(*tls));
	pthread_mutex_init(&tls->lock, NULL);
	tls->context = identity->context;
	free(identity);
	tls->method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory of a loop");
	if (tls->method == NULL || BIO_meth_set_read_ex(tls->method, bio_read) != 1 ||
		BIO_meth_set_write_ex(tls->method, bio_write) != 1 ||
		BIO_meth_set_ctrl(tls->method, bio_control) != 1) {
		abort(); /* out of memory, as elsewhere */
	}
	return tls;
}

void tls_replace(struct tls *tls, struct tls_identity *identity)
{
	pthread_mutex_lock(&tls->lock);
	SSL_CTX *old = tls->context;
	tls->context = identity->context;
	pthread_mutex_unlock(&tls->lock);
	SSL_CTX_free(old);
	free(identity);
}

void tls_destroy(struct tls *tls)
{
	if (tls != NULL) {
		SSL_CTX_free(tls->context);
		BIO_meth_free(tls->method);
		pthread_mutex_destroy(&tls->lock);
		free(tls);
	}
}

/* ---- a session ---- */

struct tls_session *tls_accept(struct tls *tls, struct buf *out)
{
	struct tls_session *session = alloc_zeroed(1, sizeof(*session));
	BIO *bio = BIO_new(tls->method);
	pthread_mutex_lock(&tls->lock);
	session->ssl = SSL_new(tls->context);
	pthread_mutex_unlock(&tls->lock);
	if (bio == NULL || session->ssl == NULL) {
		abort(); /* out of memory, as elsewhere */
	}
	session->out = out;
	buf_init(&session->kept, TLS_FILE_BYTES);
	BIO_set_data(bio, session);
	BIO_set_init(bio, 1);
	SSL_set_bio(session->ssl, bio, bio);
	SSL_set_accept_state(session->ssl);
	return session;
}

void tls_session_destroy(struct tls_session *session)
{
	if (session != NULL) {
		SSL_free(session->ssl);
		buf_finish(&session->kept);
		free(session);
	}
}

void tls_feed(struct tls_session *session, struct str bytes)
{
	if (session->in.len == 0) {
		session->in = bytes;
		return;
	}
	tls_keep(session);
	buf_append(&session->kept, bytes);
	session->failed = session->failed || session->kept.failed;
	session->in = buf_str(&session->kept);
}

void tls_keep(struct tls_session *session)
{
	struct buf kept;
	if (session->in.len == 0 && session->kept.capacity == 0) {
		return;
	}
	/* They may lie in `kept` already, behind others that were taken. */
	buf_init(&kept, session->kept.max_bytes);
	buf_append(&kept, session->in);
	buf_finish(&session->kept);
	session->kept = kept;
	session->in = buf_str(&session->kept);
}

enum tls_result tls_read(struct tls_session *session, char *to, size_t room, size_t *ret_count)
{
	assert(room > 0);
	if (session->failed) {
		return TLS_FAILED;
	}
	ERR_clear_error();
	if (SSL_read_ex(session->ssl, to, room, ret_count) == 1) {
		return TLS_BYTES;
	}
	int problem = SSL_get_error(session->ssl, 0);
	if (problem == SSL_ERROR_WANT_READ) {
		return TLS_MORE;
	}
	if (problem == SSL_ERROR_ZERO_RETURN) {
		return TLS_END;
	}
	/* After this OpenSSL may be asked for nothing more. */
	session->failed = true;
	ERR_clear_error();
	return TLS_FAILED;
}

bool tls_is_open(const struct tls_session *session)
{
	return SSL_is_init_finished(session->ssl) == 1;
}

bool tls_write(struct tls_session *session, struct str piece)
{
	size_t written;
	assert(piece.len > 0 && piece.len <= TLS_PIECE_BYTES);
	if (session->failed || session->ended) {
		return false;
	}
	ERR_clear_error();
	session->failed = SSL_write_ex(session->ssl, piece.ptr, piece.len, &written) != 1;
	return !session->failed;
}

void tls_end(struct tls_session *session)
{
	if (session->ended || session->failed || !tls_is_open(session)) {
		return;
	}
	session->ended = true;
	ERR_clear_error();
	/* 0: the other side has not said so; it need not. */
	session->failed = SSL_shutdown(session->ssl) < 0;
	ERR_clear_error();
}
