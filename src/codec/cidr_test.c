#include "codec/cidr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_addresses(void **state)
{
	static const struct {
		int line;
		const char *input;
		const char *alone;     /* NULL: no address */
		const char *with_port; /* the same where a port may stand */
	} rows[] = {
		{__LINE__, "192.0.2.1", "192.0.2.1", "192.0.2.1"},
		{__LINE__, "0.0.0.0", "0.0.0.0", "0.0.0.0"},
		{__LINE__, "2001:DB8::0:1", "2001:db8::1", "2001:db8::1"},
		{__LINE__, "::", "::", "::"},
		{__LINE__, "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"},
		{__LINE__, "::FFFF:c000:0201", "192.0.2.1", "192.0.2.1"},
		{__LINE__, "192.0.2.1:1", NULL, "192.0.2.1"},
		{__LINE__, "192.0.2.1:65535", NULL, "192.0.2.1"},
		{__LINE__, "[2001:db8::1]", NULL, "2001:db8::1"},
		{__LINE__, "[2001:db8::1]:443", NULL, "2001:db8::1"},
		{__LINE__, "192.0.2.1:65536", NULL, NULL},
		{__LINE__, "192.0.2.1:", NULL, NULL},
		{__LINE__, "192.0.2.1:http", NULL, NULL},
		{__LINE__, "[192.0.2.1]", NULL, NULL},
		{__LINE__, "[2001:db8::1", NULL, NULL},
		{__LINE__, "[2001:db8::1]x", NULL, NULL},
		{__LINE__, "[2001:db8::1]:", NULL, NULL},
		{__LINE__, "[]", NULL, NULL},
		{__LINE__, "", NULL, NULL},
		{__LINE__, "192.0.2", NULL, NULL},
		{__LINE__, "192.0.2.01", NULL, NULL},
		{__LINE__, "192.0.2.256", NULL, NULL},
		{__LINE__, "0xc0.0.2.1", NULL, NULL},
		{__LINE__, "3221225985", NULL, NULL},
		{__LINE__, "192.0.2.1 ", NULL, NULL},
		{__LINE__, " 192.0.2.1", NULL, NULL},
		{__LINE__, "fe80::1%eth0", NULL, NULL},
		{__LINE__, "2001:db8::1::2", NULL, NULL},
		{__LINE__, "localhost", NULL, NULL},
		{__LINE__, "unknown", NULL, NULL},
		{__LINE__, "_hidden", NULL, NULL},
		{__LINE__, "\"192.0.2.1\"", NULL, NULL},
	};
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const char *want = i % 2 == 0 ? rows[i / 2].alone : rows[i / 2].with_port;
		struct str input = str_from(rows[i / 2].input);
		struct ip ip;
		char text[CIDR_TEXT_BYTES] = "none";
		if (i % 2 == 0 ? ip_parse(input, &ip) : ip_parse_with_port(input, &ip)) {
			ip_format(&ip, text);
		}
		if (strcmp(text, want == NULL ? "none" : want) != 0) {
			fail_msg("line %d, %d: %s", rows[i / 2].line, (int)(i % 2), text);
		}
	}
	assert_false(ip_parse((struct str){"192.0.2.1\0x", 11}, &(struct ip){{0}}));
}

static void test_blocks(void **state)
{
	static const struct {
		int line;
		const char *input;
		const char *within; /* NULL: it is no block */
		const char *beyond;
	} rows[] = {
		{__LINE__, "127.0.0.1", "127.0.0.1", "127.0.0.2"},
		{__LINE__, "127.0.0.1/32", "::ffff:127.0.0.1", "127.0.0.0"},
		{__LINE__, "10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
		{__LINE__, "10.0.0.0/8", "10.0.0.0", "9.255.255.255"},
		{__LINE__, "192.168.128.0/17", "192.168.255.255", "192.168.127.255"},
		{__LINE__, "192.0.2.2/31", "192.0.2.3", "192.0.2.4"},
		{__LINE__, "0.0.0.0/0", "255.255.255.255", "2001:db8::1"},
		{__LINE__, "0.0.0.0/1", "127.255.255.255", "128.0.0.0"},
		{__LINE__, "::1", "::1", "::2"},
		{__LINE__, "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
		{__LINE__, "fe80::/10", "febf::1", "fec0::"},
		{__LINE__, "2001:db8::/127", "2001:db8::1", "2001:db8::2"},
		{__LINE__, "::/0", "192.0.2.1", NULL},
		{__LINE__, "::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0"},
		{__LINE__, "10.0.0.1/8", NULL, NULL},
		{__LINE__, "192.168.129.0/16", NULL, NULL},
		{__LINE__, "2001:db8::1/32", NULL, NULL},
		{__LINE__, "10.0.0.0/33", NULL, NULL},
		{__LINE__, "2001:db8::/129", NULL, NULL},
		{__LINE__, "10.0.0.0/", NULL, NULL},
		{__LINE__, "10.0.0.0/08", NULL, NULL},
		{__LINE__, "10.0.0.0/-1", NULL, NULL},
		{__LINE__, "10.0.0.0/8/8", NULL, NULL},
		{__LINE__, "10.0.0.0/255.0.0.0", NULL, NULL},
		{__LINE__, "/8", NULL, NULL},
		{__LINE__, "proxy.example", NULL, NULL},
		{__LINE__, "", NULL, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cidr cidr;
		struct ip within;
		struct ip beyond;
		bool good = cidr_parse(str_from(rows[i].input), &cidr);
		if (good && rows[i].within != NULL) {
			assert_true(ip_parse(str_from(rows[i].within), &within));
			good = cidr_holds(&cidr, &within);
		}
		if (good && rows[i].beyond != NULL) {
			assert_true(ip_parse(str_from(rows[i].beyond), &beyond));
			good = !cidr_holds(&cidr, &beyond);
		}
		if (good != (rows[i].within != NULL)) {
			fail_msg("line %d", rows[i].line);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
