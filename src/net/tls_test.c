#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "net/tls_test_help.h"

/* A client and a session in memory. */
struct talk {
	struct tls_pair pair;
	struct tls *tls;
	struct tls_session *session;
	SSL *client;
	struct buf out;
	struct buf plain; /* what the session has read */
	struct buf got;   /* what the client has read */
	size_t step;      /* so many bytes are fed at once; 0: all */
	enum tls_result result;
};

static void begin(struct talk *talk, void (*configure)(SSL *ssl))
{
	memset(talk, 0, sizeof(*talk));
	make_pair(&talk->pair, "one");
	talk->tls = make_tls(&talk->pair);
	buf_init(&talk->out, 1 << 24);
	buf_init(&talk->plain, 1 << 24);
	buf_init(&talk->got, 1 << 24);
	talk->session = tls_accept(talk->tls, &talk->out);
	talk->client = make_client(configure);
}

static void end(struct talk *talk)
{
	tls_session_destroy(talk->session);
	tls_destroy(talk->tls);
	SSL_free(talk->client);
	buf_finish(&talk->out);
	buf_finish(&talk->plain);
	buf_finish(&talk->got);
	drop_pair(&talk->pair);
	ERR_clear_error();
}

/* The session reads all that it can, in small pieces. */
static void take(struct talk *talk)
{
	char bytes[1000];
	size_t count;
	while ((talk->result = tls_read(talk->session, bytes, sizeof(bytes), &count)) == TLS_BYTES) {
		buf_append(&talk->plain, (struct str){bytes, count});
	}
	tls_keep(talk->session);
}

static void feed(struct talk *talk, struct str bytes)
{
	while (bytes.len > 0) {
		/* Memory that is gone after the step, as the caller's is. */
		size_t count = talk->step == 0 || talk->step > bytes.len ? bytes.len : talk->step;
		char *piece = malloc(count);
		assert_non_null(piece);
		memcpy(piece, bytes.ptr, count);
		tls_feed(talk->session, (struct str){piece, count});
		take(talk);
		free(piece);
		bytes = str_slice(bytes, count, bytes.len);
	}
}

/* Takes what the client has written to the session. */
static void to_session(struct talk *talk)
{
	char *bytes;
	long count = BIO_get_mem_data(SSL_get_wbio(talk->client), &bytes);
	struct buf copy;
	buf_init(&copy, 1 << 24);
	buf_append(&copy, (struct str){bytes, (size_t)count});
	(void)BIO_reset(SSL_get_wbio(talk->client));
	feed(talk, buf_str(&copy));
	buf_finish(&copy);
}

static int to_client(struct talk *talk)
{
	char bytes[5000];
	int count;
	BIO_write(SSL_get_rbio(talk->client), talk->out.ptr, (int)talk->out.len);
	buf_clear(&talk->out);
	while ((count = SSL_read(talk->client, bytes, sizeof(bytes))) > 0) {
		buf_append(&talk->got, (struct str){bytes, (size_t)count});
	}
	return SSL_get_error(talk->client, count);
}

/* To the end of the handshake; the client's last error. */
static int shake(struct talk *talk)
{
	int problem = SSL_ERROR_WANT_READ;
	for (size_t i = 0; i < 5 && problem == SSL_ERROR_WANT_READ; i++) {
		ERR_clear_error();
		(void)SSL_do_handshake(talk->client);
		to_session(talk);
		problem = to_client(talk);
	}
	return problem;
}

static void send_text(struct talk *talk, struct str text)
{
	for (size_t i = 0; i < text.len; i += TLS_PIECE_BYTES) {
		assert_true(tls_write(talk->session, str_slice(text, i, i + TLS_PIECE_BYTES)));
	}
}

static bool check_echo(struct talk *talk, struct str text)
{
	assert_int_equal(SSL_write(talk->client, text.ptr, (int)text.len), text.len);
	to_session(talk);
	assert_true(str_equal(buf_str(&talk->plain), text));
	send_text(talk, text);
	(void)to_client(talk);
	return str_equal(buf_str(&talk->got), text);
}

/* ---- versions and protocols ---- */

static void only_1_2(SSL *ssl)
{
	SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
}

static void only_1_1(SSL *ssl)
{
	SSL_set_security_level(ssl, 0);
	SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
}

static void weak_cipher(SSL *ssl)
{
	only_1_2(ssl);
	SSL_set_cipher_list(ssl, "AES128-SHA");
}

static void names_http(SSL *ssl)
{
	SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
}

static void names_h2(SSL *ssl)
{
	SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2", 3);
}

static void names_1_0(SSL *ssl)
{
	SSL_set_alpn_protos(ssl, (const unsigned char *)"\x08http/1.0", 9);
}

static void names_longer(SSL *ssl)
{
	SSL_set_alpn_protos(ssl, (const unsigned char *)"\x09http/1.10", 10);
}

static void test_handshakes(void **state)
{
	static const struct {
		int line;
		void (*configure)(SSL *ssl);
		bool good;
		int version;
		const char *protocol;
	} rows[] = {
		{__LINE__, NULL, true, TLS1_3_VERSION, ""},
		{__LINE__, only_1_2, true, TLS1_2_VERSION, ""},
		{__LINE__, names_http, true, TLS1_3_VERSION, "http/1.1"},
		{__LINE__, only_1_1, false, 0, ""},
		{__LINE__, weak_cipher, false, 0, ""},
		{__LINE__, names_1_0, true, TLS1_3_VERSION, "http/1.0"},
		{__LINE__, names_h2, false, 0, ""},
		{__LINE__, names_longer, false, 0, ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct talk talk;
		const unsigned char *name = NULL;
		unsigned len = 0;
		begin(&talk, rows[i].configure);
		int problem = shake(&talk);
		bool good = tls_is_open(talk.session) && problem == SSL_ERROR_WANT_READ;
		if (good != rows[i].good || (!good && talk.result != TLS_FAILED)) {
			fail_msg("line %d: result %d, problem %d", rows[i].line, (int)talk.result, problem);
		}
		if (good) {
			assert_int_equal(SSL_version(talk.client), rows[i].version);
			assert_true(check_echo(&talk, STR("hello")));
			assert_int_equal(SSL_session_reused(talk.client), 0);
		}
		SSL_get0_alpn_selected(talk.client, &name, &len);
		assert_true(str_equal((struct str){(const char *)name, len}, str_from(rows[i].protocol)));
		end(&talk);
	}
}

/* ---- bytes ---- */

/* Whatever the pieces in which the bytes come. */
static void test_split(void **state)
{
	(void)state;
	for (size_t step = 1; step < 700; step = step < 20 ? step + 1 : step * 3) {
		struct talk talk;
		begin(&talk, step % 2 == 0 ? only_1_2 : NULL);
		talk.step = step;
		assert_int_equal(shake(&talk), SSL_ERROR_WANT_READ);
		assert_true(tls_is_open(talk.session));
		assert_true(check_echo(&talk, STR("GET / HTTP/1.1\r\n\r\n")));
		end(&talk);
	}
}

static void fill(struct buf *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		buf_append_byte(text, (char)('a' + i % 23));
	}
}

/* Longer than a record by far. */
static void test_long(void **state)
{
	struct talk talk;
	struct buf text;
	(void)state;
	buf_init(&text, 1 << 24);
	fill(&text, 3000001);
	begin(&talk, NULL);
	assert_int_equal(shake(&talk), SSL_ERROR_WANT_READ);
	assert_true(check_echo(&talk, buf_str(&text)));
	end(&talk);
	buf_finish(&text);
}

/* What there was no room for is kept, and comes before what is fed later. */
static void test_kept(void **state)
{
	struct talk talk;
	char bytes[7];
	char *wire;
	size_t count;
	struct buf want;
	struct buf got;
	(void)state;
	begin(&talk, NULL);
	buf_init(&want, 1 << 20);
	buf_init(&got, 1 << 20);
	fill(&want, 90000);
	assert_int_equal(shake(&talk), SSL_ERROR_WANT_READ);
	for (size_t i = 0; i < want.len; i += 30000) {
		SSL_write(talk.client, want.ptr + i, 30000);
		long len = BIO_get_mem_data(SSL_get_wbio(talk.client), &wire);
		tls_feed(talk.session, (struct str){wire, (size_t)len});
		assert_int_equal(tls_read(talk.session, bytes, sizeof(bytes), &count), TLS_BYTES);
		buf_append(&got, (struct str){bytes, count});
		tls_keep(talk.session);
		(void)BIO_reset(SSL_get_wbio(talk.client));
	}
	take(&talk);
	buf_append(&got, buf_str(&talk.plain));
	assert_true(str_equal(buf_str(&got), buf_str(&want)));
	buf_finish(&want);
	buf_finish(&got);
	end(&talk);
}

/* ---- the end ---- */

static void test_goodbyes(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct talk talk;
		begin(&talk, i == 0 ? NULL : only_1_2);
		tls_end(talk.session); /* before the handshake there is nothing to say */
		assert_int_equal(talk.out.len, 0);
		assert_int_equal(shake(&talk), SSL_ERROR_WANT_READ);
		assert_int_equal(SSL_shutdown(talk.client), 0);
		to_session(&talk);
		assert_int_equal(talk.result, TLS_END);
		/* The other half is open. */
		assert_true(tls_write(talk.session, STR("still there")));
		tls_end(talk.session);
		size_t said = talk.out.len;
		tls_end(talk.session);
		assert_int_equal(talk.out.len, said);
		assert_false(tls_write(talk.session, STR("too late")));
		BIO_write(SSL_get_rbio(talk.client), talk.out.ptr, (int)talk.out.len);
		char text[32] = "";
		if (i == 0) { /* OpenSSL's client of 1.2 reads nothing after its own goodbye */
			assert_int_equal(SSL_read(talk.client, text, sizeof(text)), 11);
			assert_string_equal(text, "still there");
		}
		end(&talk);
	}
}

/* A record of which one byte is another ends it. */
static void test_wrong_record(void **state)
{
	struct talk talk;
	char *wire;
	(void)state;
	begin(&talk, NULL);
	assert_int_equal(shake(&talk), SSL_ERROR_WANT_READ);
	SSL_write(talk.client, "hello", 5);
	long len = BIO_get_mem_data(SSL_get_wbio(talk.client), &wire);
	wire[len - 1] ^= 1;
	to_session(&talk);
	assert_int_equal(talk.result, TLS_FAILED);
	assert_int_equal(talk.plain.len, 0);
	assert_false(tls_write(talk.session, STR("x")));
	tls_end(talk.session);
	take(&talk);
	assert_int_equal(talk.result, TLS_FAILED);
	end(&talk);
}

static void test_garbage(void **state)
{
	static const struct str rows[] = {
		STR_INIT("GET / HTTP/1.1\r\n\r\n"),
		STR_INIT("\x16\x03\x01\xff\xff zzzz"),
		STR_INIT("\x16\x03\x01\x00\x04\x01\x00\xff\xff"),
		STR_INIT("\x80\x2e\x01\x03\x01"),
		STR_INIT("\x17\x03\x03\x00\x01x"),
		STR_INIT("\x15\x03\x03\x00\x02\x02\x28"),
		STR_INIT("\x14\x03\x03\x00\x01\x01"),
		STR_INIT("SSH-2.0-OpenSSH_9\r\n"),
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct talk talk;
		char zeros[400] = {0};
		begin(&talk, NULL);
		memcpy(zeros, rows[i].ptr, rows[i].len);
		feed(&talk, (struct str){zeros, sizeof(zeros)});
		feed(&talk, (struct str){zeros, sizeof(zeros)});
		assert_int_equal(talk.result, TLS_FAILED);
		assert_false(tls_is_open(talk.session));
		end(&talk);
	}
}

/* The client asks for a handshake within the session; TLS 1.2 knows such a thing. */
static void test_no_renegotiation(void **state)
{
	struct talk talk;
	(void)state;
	begin(&talk, only_1_2);
	assert_int_equal(shake(&talk), SSL_ERROR_WANT_READ);
	assert_int_equal(SSL_renegotiate(talk.client), 1);
	(void)SSL_do_handshake(talk.client);
	to_session(&talk);
	/* It is told no by a warning, and may go on or give up. */
	int problem = to_client(&talk);
	assert_true(problem == SSL_ERROR_SSL || SSL_renegotiate_pending(talk.client) != 0);
	assert_int_equal(talk.plain.len, 0);
	end(&talk);
}

/* New keys within a session are fine, and are answered. */
static void test_new_keys(void **state)
{
	struct talk talk;
	(void)state;
	begin(&talk, NULL);
	assert_int_equal(shake(&talk), SSL_ERROR_WANT_READ);
	assert_int_equal(SSL_key_update(talk.client, SSL_KEY_UPDATE_REQUESTED), 1);
	assert_true(check_echo(&talk, STR("with new keys")));
	end(&talk);
}

/* ---- files ---- */

/* Sessions keep what they began with. */
static void test_replace(void **state)
{
	struct talk talk;
	struct tls_pair next;
	struct error error;
	char name[64];
	(void)state;
	begin(&talk, NULL);
	make_pair(&next, "two");
	tls_replace(talk.tls,
				tls_identity_load(str_from(next.certificate), str_from(next.key), &error));
	assert_int_equal(shake(&talk), SSL_ERROR_WANT_READ);
	assert_true(str_equal(shown_name(talk.client, name), STR("one")));
	tls_session_destroy(talk.session);
	SSL_free(talk.client);
	talk.session = tls_accept(talk.tls, &talk.out);
	talk.client = make_client(NULL);
	assert_int_equal(shake(&talk), SSL_ERROR_WANT_READ);
	assert_true(str_equal(shown_name(talk.client, name), STR("two")));
	drop_pair(&next);
	end(&talk);
}

static void expect_refusal(int line, const char *certificate, const char *key, const char *want)
{
	struct error error = {0};
	struct tls_identity *identity = tls_identity_load(str_from(certificate), str_from(key), &error);
	if (identity != NULL || strstr(error.message, want) == NULL || error.code != ERROR_CONFIG) {
		fail_msg("line %d: %s", line, error.message);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

static void encrypt_key(const char *from, const char *to)
{
	FILE *file = fopen(from, "re");
	EVP_PKEY *pkey = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	(void)fclose(file);
	file = fopen(to, "we");
	unsigned char word[] = "word";
	assert_int_equal(PEM_write_PrivateKey(file, pkey, EVP_aes_128_cbc(), word, 4, NULL, NULL), 1);
	(void)fclose(file);
	chmod(to, 0600);
	EVP_PKEY_free(pkey);
}

static void test_files(void **state)
{
	struct tls_pair one;
	struct tls_pair two;
	char path[128];
	(void)state;
	make_pair(&one, "one");
	make_pair(&two, "two");
	snprintf(path, sizeof(path), "%s/other", one.folder);
	expect_refusal(__LINE__, one.certificate, two.key, "is not the key of the certificate");
	expect_refusal(__LINE__, one.certificate, "/none/key", "cannot be read: No such file");
	expect_refusal(__LINE__, "/none/crt", one.key, "the certificate file /none/crt cannot be read");
	expect_refusal(__LINE__, one.folder, one.key, "is no file");
	expect_refusal(__LINE__, "/dev/null", one.key, "is no file");
	expect_refusal(__LINE__, one.key, one.key, "holds no certificate");
	expect_refusal(__LINE__, one.certificate, one.certificate, "holds no private key");
	encrypt_key(one.key, path);
	expect_refusal(__LINE__, one.certificate, path, "is encrypted with a password");
	write_file(path, STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), 0600);
	expect_refusal(__LINE__, path, one.key, "holds no certificate");
	write_file(path, STR(""), 0600);
	expect_refusal(__LINE__, path, one.key, "holds no certificate");
	expect_refusal(__LINE__, one.certificate, path, "holds no private key");
	chmod(one.key, 0604);
	expect_refusal(__LINE__, one.certificate, one.key, "by everybody on this machine");
	chmod(one.key, 0640);
	tls_destroy(make_tls(&one));
	unlink(path);
	drop_pair(&one);
	drop_pair(&two);
}

/* At the limits and one above. */
static void test_limits(void **state)
{
	struct tls_pair pair;
	struct buf text;
	char bytes[4096];
	(void)state;
	make_pair(&pair, "one");
	buf_init(&text, 1 << 22);
	FILE *file = fopen(pair.certificate, "re");
	struct str one = {bytes, fread(bytes, 1, sizeof(bytes), file)};
	(void)fclose(file);
	for (size_t i = 0; i < TLS_CHAIN_MAX; i++) {
		buf_append(&text, one);
	}
	write_file(pair.certificate, buf_str(&text), 0600);
	tls_destroy(make_tls(&pair));
	buf_append(&text, one);
	write_file(pair.certificate, buf_str(&text), 0600);
	expect_refusal(__LINE__, pair.certificate, pair.key, "a chain of certificates");
	buf_clear(&text);
	buf_append(&text, one);
	while (text.len < TLS_FILE_BYTES) {
		buf_append_byte(&text, '\n');
	}
	write_file(pair.certificate, buf_str(&text), 0600);
	tls_destroy(make_tls(&pair));
	buf_append_byte(&text, '\n');
	write_file(pair.certificate, buf_str(&text), 0600);
	expect_refusal(__LINE__, pair.certificate, pair.key, "is too large");
	buf_finish(&text);
	drop_pair(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshakes), cmocka_unit_test(test_split),
		cmocka_unit_test(test_long),       cmocka_unit_test(test_kept),
		cmocka_unit_test(test_goodbyes),   cmocka_unit_test(test_wrong_record),
		cmocka_unit_test(test_garbage),    cmocka_unit_test(test_no_renegotiation),
		cmocka_unit_test(test_new_keys),   cmocka_unit_test(test_replace),
		cmocka_unit_test(test_files),      cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
