#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* What is YAML, and what of it a service file may use. */
static const struct load_row shape_rows[] = {
	{__LINE__, "",
	 ": the file is empty\n"
	 "    hint: it begins with `service: NAME`\n"},
	{__LINE__, "# only a comment\n",
	 ": the file is empty\n"
	 "    hint: it begins with `service: NAME`\n"},
	{__LINE__, "service: x\n", "x\n"},
	{__LINE__, "\xef\xbb\xbfservice: x\n", "x\n"},
	{__LINE__,
	 "--- \n"
	 "service: x\n"
	 "...\n",
	 "x\n"},
	{__LINE__,
	 "service: x\n"
	 "---\n"
	 "service: y\n",
	 ":2:1: a service file holds one document\n"},
	{__LINE__, "[a, b]\n", ":1:1: the service file is a map of entries `word: value`\n"},
	{__LINE__, "text\n", ":1:1: the service file is a map of entries `word: value`\n"},
	{__LINE__,
	 "service: x\n"
	 "service: y\n",
	 ":2:1: \"service\" stands twice; it is in line 1 already\n"},
	{__LINE__,
	 "service: x\n"
	 "\tlisten: a\n",
	 ":2:1: while scanning a plain scalar: found a tab character that violates "
	 "indentation\n"
	 "    hint: indent with spaces, not with tabs\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: {loops: 1\n",
	 ":3:1: while parsing a flow mapping: did not find expected ',' or '}'\n"
	 "    hint: separate entries with a comma and end with }\n"},
	{__LINE__, "service: [x\n",
	 ":2:1: while parsing a flow sequence: did not find expected ',' or ']'\n"
	 "    hint: separate items with a comma and end with ]\n"},
	{__LINE__, "service: x: y\n",
	 ":1:11: mapping values are not allowed in this context\n"
	 "    hint: indent all entries of a map alike; a text that holds \": \" or ends with : "
	 "needs quotes\n"},
	{__LINE__, "service: \"x\n",
	 ":2:1: while scanning a quoted scalar: found unexpected end of stream\n"
	 "    hint: a quote is not closed\n"},
	{__LINE__,
	 "service: x\n"
	 "  listen: y\n",
	 ":2:9: mapping values are not allowed in this context\n"
	 "    hint: indent all entries of a map alike; a text that holds \": \" or ends with : "
	 "needs quotes\n"},
	{__LINE__,
	 "service: x\n"
	 "listen\n",
	 ":3:1: while scanning a simple key: could not find expected ':'\n"
	 "    hint: an entry of a map is written `word: value`\n"},
	{__LINE__, "service: @x\n",
	 ":1:10: while scanning for the next token: found character that cannot start any "
	 "token\n"
	 "    hint: write the text in quotes\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: \"\\q\"\n",
	 ":2:10: while parsing a quoted scalar: found unknown escape character\n"
	 "    hint: write the text in single quotes\n"},
	{__LINE__, "service: \xff\n",
	 ":1:10: the file is not UTF-8 here\n"
	 "    hint: save the file as UTF-8\n"},
	{__LINE__,
	 "# \xc3\xa9\xc3\xa9\n"
	 "service: \xc3\xa9\xc3\n",
	 ":2:11: the file is not UTF-8 here\n"
	 "    hint: save the file as UTF-8\n"},
	{__LINE__, "service: a\x01\n", ":1:11: control characters are not allowed\n"},
	{__LINE__, "service: \"a\\0b\"\n", ":1:10: a text cannot hold a NUL\n"},
	{__LINE__, "\"a\\0b\": x\n",
	 ":1:1: a key cannot hold a NUL\n"
	 ":1:1: the service has no name\n"
	 "    hint: begin the file with `service: NAME`\n"},
	{__LINE__, "service: &a x\n",
	 ":1:10: anchors (&a) are not allowed\n"
	 "    hint: write the part out where it is used\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: *a\n",
	 ":2:9: aliases (*a) are not allowed\n"
	 "    hint: write the part out\n"},
	{__LINE__, "service: !!str x\n",
	 ":1:10: tags (!!str) are not allowed\n"
	 "    hint: types are those of the fields\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: !l &m { loops: 1 }\n",
	 ":2:9: anchors (&m) are not allowed\n"
	 "    hint: write the part out where it is used\n"
	 ":2:9: tags (!l) are not allowed\n"
	 "    hint: types are those of the fields\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: !!seq [1]\n",
	 ":2:9: tags (!!seq) are not allowed\n"
	 "    hint: types are those of the fields\n"
	 ":2:9: `limits` is a map of entries `word: value`\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: [[[[[[[[[[[[[[ deep ]]]]]]]]]]]]]]\n",
	 "x errors [[[[[[[[[[[[[[\"deep\"]]]]]]]]]]]]]]\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: [[[[[[[[[[[[[[[ deeper ]]]]]]]]]]]]]]]\n",
	 "x errors [[[[[[[[[[[[[[[\"deeper\"]]]]]]]]]]]]]]]\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: [[[[[[[[[[[[[[[[ deeper ]]]]]]]]]]]]]]]]\n",
	 ":2:24: more than 16 levels\n"},
	{__LINE__,
	 "service: x\n"
	 "? [a, b]\n"
	 ": c\n",
	 ":2:3: a key is a text\n"},
	{__LINE__,
	 "service: x\n"
	 "? [[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]\n"
	 ": c\n",
	 ":2:3: a key is a text\n"
	 ":2:18: more than 16 levels\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: [a: b, [c]: d]\n",
	 ":2:16: a key is a text\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9, a: 10, i: 11, j: 12 "
	 "}\n",
	 ":2:65: \"a\" stands twice; it is in line 2 already\n"
	 ":2:72: \"i\" stands twice; it is in line 2 already\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { <<: { a: b } }\n",
	 "x errors {\"<<\":{\"a\":\"b\"}}\n"},
	{__LINE__,
	 "# \xc3\xa9\xc3\xa9\n"
	 "service: @x\n",
	 ":2:10: while scanning for the next token: found character that cannot start any "
	 "token\n"
	 "    hint: write the text in quotes\n"},
	{__LINE__, "service: *\n",
	 ":1:11: while scanning an alias: did not find expected alphabetic or numeric character\n"
	 "    hint: a text that begins with * or & needs quotes\n"},
	{__LINE__, "service: & x\n",
	 ":1:11: while scanning an anchor: did not find expected alphabetic or numeric character\n"
	 "    hint: a text that begins with * or & needs quotes\n"},
	{__LINE__,
	 "%YAML 1.2\n"
	 "---\n"
	 "service: x\n",
	 "x\n"},
	{__LINE__,
	 "%YAML 2.0\n"
	 "---\n"
	 "service: x\n",
	 ":1:1: found incompatible YAML document\n"},
	{__LINE__,
	 "service: x\r\n"
	 "listen: \":80\"\r\n",
	 "x listen :80\n"},
};

static void test_shape(void **state)
{
	(void)state;
	test_load_rows("", "", ROWS(shape_rows));
}

/* How the environment is filled in. */
static const struct load_row variable_rows[] = {
	{__LINE__, "service: ${NAME}\n", "fromenv\n"},
	{__LINE__, "service: ${NOT_SET}\n",
	 ":1:10: the environment variable NOT_SET is not set\n"
	 "    hint: set it, or give a default: ${NAME:-default}\n"},
	{__LINE__, "service: ${NOT_SET:-other}\n", "other\n"},
	{__LINE__, "service: ${EMPTY:-other}\n", "other\n"},
	{__LINE__, "service: ${EMPTY}\n", ":1:10: `service` has no value\n"},
	{__LINE__, "service: ${NAME:-other}\n", "fromenv\n"},
	{__LINE__, "service: x${NAME}y${NOT_SET:-z}\n", "xfromenvyz\n"},
	{__LINE__, "service: ${NAME\n",
	 ":1:10: \"${\" has no \"}\"\n"
	 "    hint: write ${NAME} or ${NAME:-default}; $$ is a dollar sign\n"},
	{__LINE__, "service: ${}\n",
	 ":1:10: \"${}\" names no variable\n"
	 "    hint: write ${NAME} or ${NAME:-default}; $$ is a dollar sign\n"},
	{__LINE__, "service: ${1A}\n",
	 ":1:10: \"${1A}\" names no variable\n"
	 "    hint: write ${NAME} or ${NAME:-default}; $$ is a dollar sign\n"},
	{__LINE__, "service: ${NAME-x}\n",
	 ":1:10: \"${NAME-x}\" names no variable\n"
	 "    hint: write ${NAME} or ${NAME:-default}; $$ is a dollar sign\n"},
	{__LINE__, "service: ${NAME:x}\n",
	 ":1:10: \"${NAME:x}\" names no variable\n"
	 "    hint: write ${NAME} or ${NAME:-default}; $$ is a dollar sign\n"},
	{__LINE__, "service: ${NAME:-}\n", "fromenv\n"},
	{__LINE__, "service: ${NOT_SET:-}\n", ":1:10: `service` has no value\n"},
	{__LINE__, "service: ${BAD}\n", ":1:10: the environment variable BAD is not UTF-8\n"},
	{__LINE__,
	 "${NAME}: x\n"
	 "service: x\n",
	 ":1:1: a key is not filled from the environment\n"
	 "    hint: write the name out\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: [\"$$\", \"$$$$\", \"$\", \"$x\", \"$${NAME}\", \"a$\", \"${NAME}$\"]\n",
	 ":2:35: `errors`: there is no {NAME}\n"
	 "    hint: {message}, {code}, {details} or {hint}\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: \"${PORT}\"\n",
	 ":2:9: \"8080\" is no address to listen on\n"
	 "    hint: write HOST:PORT, [V6]:PORT or :PORT, such as 127.0.0.1:8888\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: :${PORT}\n",
	 "x listen :8080\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { loops: \"${PORT}\" }\n",
	 ":2:18: limit 'loops' cannot be 8080\n"
	 "    hint: it is a number from 0 to 256\n"},
	{__LINE__,
	 "service: x\n"
	 "limits:\n"
	 "  connections: ${PORT}\n",
	 "x connections 8080\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { connections: ${PORT} }\n",
	 ":2:25: while parsing a flow mapping: did not find expected ',' or '}'\n"
	 "    hint: inside { } write it in quotes\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: [${NAME}]\n",
	 ":2:11: while parsing a flow sequence: did not find expected ',' or ']'\n"
	 "    hint: inside [ ] write it in quotes\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { a: \"${INJECT}\" }\n",
	 "x errors {\"a\":\"x }\\nroutes: { a: b\"}\n"},
	{__LINE__,
	 "service: x\n"
	 "errors:\n"
	 "  a: ${NOT_SET:-{message}}\n",
	 "x errors {\"a\":\"{message}\"}\n"},
	{__LINE__,
	 "service: ${A}\n"
	 "listen: ${B}\n",
	 ":1:10: the environment variable A is not set\n"
	 "    hint: set it, or give a default: ${NAME:-default}\n"
	 ":2:9: the environment variable B is not set\n"
	 "    hint: set it, or give a default: ${NAME:-default}\n"},
};

static void test_variable(void **state)
{
	(void)state;
	test_load_rows("", "", ROWS(variable_rows));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_variable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
