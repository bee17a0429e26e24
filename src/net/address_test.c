#include "net/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static void test_parse(void **state)
{
	static const struct {
		int line;
		struct str text;
		const char *want; /* NULL: refused */
		bool loopback;
	} rows[] = {
		{__LINE__, STR_INIT("127.0.0.1:8888"), "127.0.0.1:8888", true},
		{__LINE__, STR_INIT("127.9.9.9:1"), "127.9.9.9:1", true},
		{__LINE__, STR_INIT("localhost:80"), "127.0.0.1:80", true},
		{__LINE__, STR_INIT("0.0.0.0:65535"), "0.0.0.0:65535", false},
		{__LINE__, STR_INIT(":3000"), "0.0.0.0:3000", false},
		{__LINE__, STR_INIT("10.0.0.1:0"), "10.0.0.1:0", false},
		{__LINE__, STR_INIT("[::1]:80"), "[::1]:80", true},
		{__LINE__, STR_INIT("[::]:80"), "[::]:80", false},
		{__LINE__, STR_INIT("[::ffff:127.0.0.1]:80"), "[::ffff:127.0.0.1]:80", true},
		{__LINE__, STR_INIT("[2001:db8::1]:80"), "[2001:db8::1]:80", false},
		{__LINE__, STR_INIT(""), NULL, false},
		{__LINE__, STR_INIT("80"), NULL, false},
		{__LINE__, STR_INIT("127.0.0.1"), NULL, false},
		{__LINE__, STR_INIT("127.0.0.1:"), NULL, false},
		{__LINE__, STR_INIT("127.0.0.1:65536"), NULL, false},
		{__LINE__, STR_INIT("127.0.0.1:99999"), NULL, false},
		{__LINE__, STR_INIT("127.0.0.1:000080"), NULL, false},
		{__LINE__, STR_INIT("127.0.0.1:+80"), NULL, false},
		{__LINE__, STR_INIT("127.0.0.1:8a"), NULL, false},
		{__LINE__, STR_INIT("127.0.0:80"), NULL, false},
		{__LINE__, STR_INIT("127.0.0.256:80"), NULL, false},
		{__LINE__, STR_INIT("example.org:80"), NULL, false},
		{__LINE__, STR_INIT("::1:80"), NULL, false},
		{__LINE__, STR_INIT("[::1]"), NULL, false},
		{__LINE__, STR_INIT("[::1:80"), NULL, false},
		{__LINE__, STR_INIT("[]:80"), NULL, false},
		{__LINE__, STR_INIT("[127.0.0.1]:80"), NULL, false},
		{__LINE__, STR_INIT("http://127.0.0.1:80"), NULL, false},
		{__LINE__, STR_INIT("1111111111111111111111111111111111111111111111111:80"), NULL, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address address;
		struct error error = {.code = ERROR_NONE};
		bool ok = address_parse(rows[i].text, &address, &error);
		if (ok != (rows[i].want != NULL)) {
			fail_msg("line %d: %s", rows[i].line, ok ? address.text : error.message);
		}
		if (ok) {
			assert_string_equal(address.text, rows[i].want);
			assert_int_equal(address.loopback, rows[i].loopback);
		} else {
			assert_int_equal(error.code, ERROR_CONFIG);
			assert_non_null(strstr(error.hint, "127.0.0.1:8888"));
		}
	}
}

/* A socket bound to a free port of 127.0.0.1; *ret_address names it. */
static int bound_socket(struct address *ret_address)
{
	int on = 1;
	struct error error;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_true(address_parse(STR("127.0.0.1:0"), ret_address, &error));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	struct sockaddr *sockaddr = (struct sockaddr *)&ret_address->sockaddr;
	socklen_t bytes = address_bytes(ret_address);
	assert_int_equal(bind(fd, sockaddr, bytes), 0);
	assert_int_equal(getsockname(fd, sockaddr, &bytes), 0);
	address_format(sockaddr, ret_address->text);
	return fd;
}

static void test_check_free(void **state)
{
	struct address address;
	struct error error = {.code = ERROR_NONE};
	char want[128];
	(void)state;
	int fd = bound_socket(&address);
	assert_int_equal(listen(fd, 1), 0);
	assert_false(address_check_free(&address, &error));
	snprintf(want, sizeof(want), "cannot listen on %s: address already in use", address.text);
	assert_string_equal(error.message, want);
	assert_true(error.hint[0] != '\0');
	close(fd);
	assert_true(address_check_free(&address, &error));
	/* Asking leaves nothing behind. */
	assert_true(address_check_free(&address, &error));
	assert_true(address_parse(STR("127.0.0.1:0"), &address, &error));
	assert_true(address_check_free(&address, &error));
}

static void test_refused(void **state)
{
	struct address address;
	struct error error = {.code = ERROR_NONE};
	(void)state;
	/* TEST-NET-1 is no address of any machine. */
	assert_true(address_parse(STR("192.0.2.1:80"), &address, &error));
	assert_false(address_check_free(&address, &error));
	assert_int_equal(error.code, ERROR_CONFIG);
	assert_false(address_refused(&address, EACCES, &error));
	assert_non_null(strstr(error.hint, "1024"));
	assert_false(address_refused(&address, EADDRNOTAVAIL, &error));
	assert_non_null(strstr(error.message, "cannot listen on 192.0.2.1:80: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_check_free),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
