#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* It stands in line 2. */
static const struct load_row cors_rows[] = {
	{__LINE__, "cors: https://app.example\n", "x cors https://app.example\n"},
	{__LINE__, "cors: \"*\"\n", "x cors *\n"},
	{__LINE__, "cors: [\"*\"]\n", "x cors *\n"},
	{__LINE__, "cors: [https://app.example, \"http://localhost:5173\", capacitor://localhost]\n",
	 "x cors https://app.example,http://localhost:5173,capacitor://localhost\n"},
	{__LINE__, "cors: http://127.0.0.1:1\n", "x cors http://127.0.0.1:1\n"},
	{__LINE__, "cors: http://h:65535\n", "x cors http://h:65535\n"},
	{__LINE__, "cors: \"http://[::1]:8080\"\n", "x cors http://[::1]:8080\n"},
	{__LINE__, "cors: \"http://[2001:db8::1]\"\n", "x cors http://[2001:db8::1]\n"},
	{__LINE__, "cors: ${NAME:-x}://a_b-c.example\n", "x cors fromenv://a_b-c.example\n"},
	{__LINE__, "cors: http://localhost:443\n", "x cors http://localhost:443\n"},
	{__LINE__, "cors: https://localhost:80\n", "x cors https://localhost:80\n"},
	{__LINE__, "cors: web+app.1-x://h\n", "x cors web+app.1-x://h\n"},
	{__LINE__, "cors: *\n",
	 ":2:8: while scanning an alias: did not find expected alphabetic or numeric character\n"
	 "    hint: a text that begins with * or & needs quotes\n"},
	{__LINE__, "cors: [*]\n",
	 ":2:9: while scanning an alias: did not find expected alphabetic or numeric character\n"
	 "    hint: a text that begins with * or & needs quotes\n"},
	{__LINE__, "cors: [\"*\", https://app.example]\n",
	 ":2:8: \"*\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: [https://app.example, \"*\"]\n",
	 ":2:29: \"*\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: []\n",
	 ":2:7: `cors` names at least one origin\n"
	 "    hint: leave it out: then no origin may call\n"},
	{__LINE__, "cors:\n", ":2:6: `cors` has no value\n"},
	{__LINE__, "cors: \"\"\n", ":2:7: `cors` has no value\n"},
	{__LINE__, "cors: { a: b }\n", ":2:7: `cors` is one text, not a map\n"},
	{__LINE__, "cors: [[a]]\n", ":2:8: `cors` is one text, not a list\n"},
	{__LINE__, "cors: *a\n",
	 ":2:7: aliases (*a) are not allowed\n"
	 "    hint: write the part out\n"},
	{__LINE__, "cors: [https://a.example, https://b.example, https://a.example]\n",
	 ":2:46: `cors` names \"https://a.example\" twice\n"},
	{__LINE__, "cors: app.example\n",
	 ":2:7: \"app.example\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: localhost:5173\n",
	 ":2:7: \"localhost:5173\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: //app.example\n",
	 ":2:7: \"//app.example\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: https:app.example\n",
	 ":2:7: \"https:app.example\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: https://\n",
	 ":2:7: \"https://\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: https://:80\n",
	 ":2:7: \"https://:80\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: null\n", ":2:7: `cors` has no value\n"},
	{__LINE__, "cors: \"null\"\n",
	 ":2:7: \"null\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: 1a://h\n",
	 ":2:7: \"1a://h\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: h_t://h\n",
	 ":2:7: \"h_t://h\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: https://*.example\n",
	 ":2:7: \"https://*.example\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: https://user@app.example\n",
	 ":2:7: \"https://user@app.example\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: https://app.example?x\n",
	 ":2:7: \"https://app.example?x\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: \"https://app.example#x\"\n",
	 ":2:7: \"https://app.example#x\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: \"http://[::1\"\n",
	 ":2:7: \"http://[::1\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: \"http://[]\"\n",
	 ":2:7: \"http://[]\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: \"http://[::1]x\"\n",
	 ":2:7: \"http://[::1]x\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: \"http://[::g]\"\n",
	 ":2:7: \"http://[::g]\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__,
	 "cors: \"https://\xc3"
	 "\xa9"
	 ".example\"\n",
	 ":2:7: \"https://\xc3"
	 "\xa9"
	 ".example\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"},
	{__LINE__, "cors: https://App.example\n",
	 ":2:7: \"https://App.example\" is no origin\n"
	 "    hint: browsers send it in small letters\n"},
	{__LINE__, "cors: HTTPS://app.example\n",
	 ":2:7: \"HTTPS://app.example\" is no origin\n"
	 "    hint: browsers send it in small letters\n"},
	{__LINE__, "cors: https://app.example/\n",
	 ":2:7: \"https://app.example/\" is no origin\n"
	 "    hint: an origin ends with its host or port\n"},
	{__LINE__, "cors: https://app.example/path\n",
	 ":2:7: \"https://app.example/path\" is no origin\n"
	 "    hint: an origin ends with its host or port\n"},
	{__LINE__, "cors: https://app.example:8080/path\n",
	 ":2:7: \"https://app.example:8080/path\" is no origin\n"
	 "    hint: an origin ends with its host or port\n"},
	{__LINE__, "cors: https://app.example:443\n",
	 ":2:7: \"https://app.example:443\" is no origin\n"
	 "    hint: browsers leave out the port that the scheme has anyway\n"},
	{__LINE__, "cors: http://app.example:80\n",
	 ":2:7: \"http://app.example:80\" is no origin\n"
	 "    hint: browsers leave out the port that the scheme has anyway\n"},
	{__LINE__, "cors: http://app.example:0\n",
	 ":2:7: \"http://app.example:0\" is no origin\n"
	 "    hint: a port is a number from 1 to 65535\n"},
	{__LINE__, "cors: http://app.example:65536\n",
	 ":2:7: \"http://app.example:65536\" is no origin\n"
	 "    hint: a port is a number from 1 to 65535\n"},
	{__LINE__, "cors: \"http://app.example:\"\n",
	 ":2:7: \"http://app.example:\" is no origin\n"
	 "    hint: a port is a number from 1 to 65535\n"},
	{__LINE__, "cors: http://app.example:08\n",
	 ":2:7: \"http://app.example:08\" is no origin\n"
	 "    hint: a port is a number from 1 to 65535\n"},
	{__LINE__, "cors: http://app.example:+8\n",
	 ":2:7: \"http://app.example:+8\" is no origin\n"
	 "    hint: a port is a number from 1 to 65535\n"},
	{__LINE__, "cors: http://app.example:8080:1\n",
	 ":2:7: \"http://app.example:8080:1\" is no origin\n"
	 "    hint: a port is a number from 1 to 65535\n"},
	{__LINE__, "cors: http://app.example:99999999999999999999\n",
	 ":2:7: \"http://app.example:99999999999999999999\" is no origin\n"
	 "    hint: a port is a number from 1 to 65535\n"},
	{__LINE__, "cors: [a, https://b.example, HTTP://c]\n",
	 ":2:8: \"a\" is no origin\n"
	 "    hint: write scheme://host or scheme://host:port, such as https://app.example; \"*\" "
	 "alone stands for any\n"
	 ":2:30: \"HTTP://c\" is no origin\n"
	 "    hint: browsers send it in small letters\n"},
};

static void test_cors(void **state)
{
	(void)state;
	test_load_rows("service: x\n", "", cors_rows, sizeof(cors_rows) / sizeof(cors_rows[0]));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
