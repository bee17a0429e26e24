#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/load_priv.h"

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* The top level of a service file. */
static const struct load_row settings_rows[] = {
	{__LINE__, "listen: :80\n",
	 ":1:1: the service has no name\n"
	 "    hint: begin the file with `service: NAME`\n"},
	{__LINE__, "service:\n", ":1:9: `service` has no value\n"},
	{__LINE__, "service: ''\n", ":1:10: `service` has no value\n"},
	{__LINE__, "service: X\n",
	 ":1:10: \"X\" is no name of a service\n"
	 "    hint: a lower-case letter, then lower-case letters, digits, _ and -; at most 63 "
	 "characters\n"},
	{__LINE__, "service: 1x\n",
	 ":1:10: \"1x\" is no name of a service\n"
	 "    hint: a lower-case letter, then lower-case letters, digits, _ and -; at most 63 "
	 "characters\n"},
	{__LINE__, "service: x-y_9\n", "x-y_9\n"},
	{__LINE__, "service: a b\n",
	 ":1:10: \"a b\" is no name of a service\n"
	 "    hint: a lower-case letter, then lower-case letters, digits, _ and -; at most 63 "
	 "characters\n"},
	{__LINE__, "service: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"},
	{__LINE__, "service: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	 ":1:10: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" is no "
	 "name of a service\n"
	 "    hint: a lower-case letter, then lower-case letters, digits, _ and -; at most 63 "
	 "characters\n"},
	{__LINE__, "service: [x]\n", ":1:10: `service` is one text, not a list\n"},
	{__LINE__, "service: {a: b}\n", ":1:10: `service` is one text, not a map\n"},
	{__LINE__, "service: null\n", ":1:10: `service` has no value\n"},
	{__LINE__, "servce: x\n",
	 ":1:1: unknown word \"servce\" in the service file\n"
	 "    hint: did you mean \"service\"?\n"
	 ":1:1: the service has no name\n"
	 "    hint: begin the file with `service: NAME`\n"},
	{__LINE__, "Service: x\n",
	 ":1:1: unknown word \"Service\" in the service file\n"
	 "    hint: did you mean \"service\"?\n"
	 ":1:1: the service has no name\n"
	 "    hint: begin the file with `service: NAME`\n"},
	{__LINE__,
	 "service: x\n"
	 "ports: 80\n",
	 ":2:1: unknown word \"ports\" in the service file\n"
	 "    hint: known here: service, listen, store, cache, cache_secret, auth, tls, "
	 "trusted_proxies, cors, errors, "
	 "limits, resources, routes\n"},
	{__LINE__,
	 "service: x\n"
	 "listne: :80\n"
	 "stor: sqlite:a\n",
	 ":2:1: unknown word \"listne\" in the service file\n"
	 "    hint: did you mean \"listen\"?\n"
	 ":3:1: unknown word \"stor\" in the service file\n"
	 "    hint: did you mean \"store\"?\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: 127.0.0.1:80\n",
	 "x listen 127.0.0.1:80\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: localhost:0\n",
	 "x listen localhost:0\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: \"[::1]:65535\"\n",
	 "x listen [::1]:65535\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: 8080\n",
	 ":2:9: \"8080\" is no address to listen on\n"
	 "    hint: write HOST:PORT, [V6]:PORT or :PORT, such as 127.0.0.1:8888\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: 1.2.3.4:65536\n",
	 ":2:9: \"1.2.3.4:65536\" is no address to listen on\n"
	 "    hint: write HOST:PORT, [V6]:PORT or :PORT, such as 127.0.0.1:8888\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: ::1:80\n",
	 ":2:9: \"::1:80\" is no address to listen on\n"
	 "    hint: write HOST:PORT, [V6]:PORT or :PORT, such as 127.0.0.1:8888\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: \"[::1]\"\n",
	 ":2:9: \"[::1]\" is no address to listen on\n"
	 "    hint: write HOST:PORT, [V6]:PORT or :PORT, such as 127.0.0.1:8888\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: a:b\n",
	 ":2:9: \"a:b\" is no address to listen on\n"
	 "    hint: write HOST:PORT, [V6]:PORT or :PORT, such as 127.0.0.1:8888\n"},
	{__LINE__,
	 "service: x\n"
	 "listen: \"a:\"\n",
	 ":2:9: \"a:\" is no address to listen on\n"
	 "    hint: write HOST:PORT, [V6]:PORT or :PORT, such as 127.0.0.1:8888\n"},
	{__LINE__,
	 "service: x\n"
	 "store: sqlite:a.db\n",
	 "x store sqlite:there/a.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: sqlite:/a.db\n",
	 "x store sqlite:/a.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: sqlite:../a.db\n",
	 "x store sqlite:there/../a.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: ${STORE:-sqlite:a.db}\n",
	 "x store sqlite:there.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: ${NOT_SET:-sqlite:a.db}\n",
	 "x store sqlite:there/a.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: sqlite:${DIR}/a.db\n",
	 "x store sqlite:data/a.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: sqlite:sub/${DIR}.db\n",
	 "x store sqlite:there/sub/data.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: ${NOT_SET:-sqlite}:a.db\n",
	 "x store sqlite:there/a.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: \"memory:\"\n",
	 "x store memory:\n"},
	{__LINE__,
	 "service: x\n"
	 "store: memory\n",
	 ":2:8: `store` is no URL of a store that is known\n"
	 "    hint: write sqlite:FILE, json:FOLDER, mysql://USER:PASSWORD@HOST/DATABASE, or "
	 "\"memory:\" in quotes\n"},
	{__LINE__,
	 "service: x\n"
	 "store: memory:x\n",
	 ":2:8: `store` is no URL of a store that is known\n"
	 "    hint: write sqlite:FILE, json:FOLDER, mysql://USER:PASSWORD@HOST/DATABASE, or "
	 "\"memory:\" in quotes\n"},
	{__LINE__,
	 "service: x\n"
	 "store: \"sqlite:\"\n",
	 ":2:8: `store` names no file\n"
	 "    hint: write sqlite:FILE, such as sqlite:data.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: \"sqlite::memory:\"\n",
	 ":2:8: sqlite::memory: would give each connection a database of its own\n"
	 "    hint: write \"memory:\" in quotes\n"},
	{__LINE__,
	 "service: x\n"
	 "store: sqlite://a.db\n",
	 ":2:8: `store` takes a path after sqlite:, not a URI\n"
	 "    hint: write sqlite:FILE, such as sqlite:data.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: sqlite:///a.db\n",
	 ":2:8: `store` takes a path after sqlite:, not a URI\n"
	 "    hint: write sqlite:FILE, such as sqlite:data.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: sqlite:file:a\n",
	 ":2:8: `store` takes a path after sqlite:, not a URI\n"
	 "    hint: write sqlite:FILE, such as sqlite:data.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: sqlite:a/\n",
	 ":2:8: `store` names a folder\n"
	 "    hint: write sqlite:FILE, such as sqlite:data.db\n"},
	{__LINE__,
	 "service: x\n"
	 "store: json:data\n",
	 "x store json:there/data\n"},
	{__LINE__,
	 "service: x\n"
	 "store: \"json:\"\n",
	 ":2:8: `store` names no folder\n"
	 "    hint: write json:FOLDER, such as json:data\n"},
	{__LINE__,
	 "service: x\n"
	 "store: json://data\n",
	 ":2:8: `store` takes a path after json:, not a URI\n"
	 "    hint: write json:FOLDER, such as json:data\n"},
	{__LINE__,
	 "service: x\n"
	 "store: mysql://u:p@h/d\n",
	 "x store mysql://u:p@h/d\n"},
	{__LINE__,
	 "service: x\n"
	 "store: mariadb://u:p@h/d\n",
	 "x store mariadb://u:p@h/d\n"},
	{__LINE__,
	 "service: x\n"
	 "store: postgres://u:secret@h/d\n",
	 ":2:8: `store` is no URL of a store that is known\n"
	 "    hint: write sqlite:FILE, json:FOLDER, mysql://USER:PASSWORD@HOST/DATABASE, or "
	 "\"memory:\" in quotes\n"},
	{__LINE__,
	 "service: x\n"
	 "store: a.db\n",
	 ":2:8: `store` is no URL of a store that is known\n"
	 "    hint: write sqlite:FILE, json:FOLDER, mysql://USER:PASSWORD@HOST/DATABASE, or "
	 "\"memory:\" in quotes\n"},
	{__LINE__,
	 "service: x\n"
	 "store: sqlite\n",
	 ":2:8: `store` is no URL of a store that is known\n"
	 "    hint: write sqlite:FILE, json:FOLDER, mysql://USER:PASSWORD@HOST/DATABASE, or "
	 "\"memory:\" in quotes\n"},
	{__LINE__,
	 "service: x\n"
	 "store: [sqlite:a]\n",
	 ":2:8: `store` is one text, not a list\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { loops: 1, body_bytes: 2000 }\n",
	 "x loops 1 body_bytes 2000\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { lops: 1 }\n",
	 ":2:11: there is no limit named 'lops'\n"
	 "    hint: did you mean 'loops'?\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { loops: 257, idle_ms: 0 }\n",
	 ":2:18: limit 'loops' cannot be 257\n"
	 "    hint: it is a number from 0 to 256\n"
	 ":2:32: limit 'idle_ms' cannot be 0\n"
	 "    hint: it is a number from 1 to 86400000\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { loops: -1 }\n",
	 ":2:18: limit 'loops' cannot be -1\n"
	 "    hint: it is a number from 0 to 256\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { loops: \"1\" }\n",
	 ":2:18: a limit is an integer\n"
	 "    hint: write it without quotes\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { loops: 1.5 }\n",
	 ":2:18: a limit is an integer\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { loops: 9223372036854775808 }\n",
	 ":2:18: a limit is an integer\n"
	 "    hint: integers have 64 bits\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { loops: }\n",
	 ":2:18: a limit is an integer\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { aggregates: off, rollback: on, server_timing: true }\n",
	 "x aggregates 0 rollback 1 server_timing 1\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { aggregates: False, rollback: 1, server_timing: 0 }\n",
	 "x aggregates 0 rollback 1\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { aggregates: \"${NOT_SET:-off}\" }\n",
	 "x aggregates 0\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { aggregates: 2, rollback: -1, server_timing: no }\n",
	 ":2:23: limit 'aggregates' cannot be 2\n"
	 "    hint: it is a number from 0 to 1\n"
	 ":2:36: limit 'rollback' cannot be -1\n"
	 "    hint: it is a number from 0 to 1\n"
	 ":2:55: limit 'server_timing' is on or off\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { aggregates: \"off\", rollback: \"0\", server_timing: 1.0 }\n",
	 ":2:23: limit 'aggregates' is on or off\n"
	 "    hint: write it without quotes\n"
	 ":2:40: limit 'rollback' is on or off\n"
	 "    hint: write it without quotes\n"
	 ":2:60: limit 'server_timing' is on or off\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { aggregates: , rollback: [off], server_timing: *a }\n",
	 ":2:23: limit 'aggregates' is on or off\n"
	 ":2:35: limit 'rollback' is on or off\n"
	 ":2:57: aliases (*a) are not allowed\n"
	 "    hint: write the part out\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { body_bytes: on, loops: true }\n",
	 ":2:23: a limit is an integer\n"
	 ":2:34: a limit is an integer\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: { loops: [1] }\n",
	 ":2:18: a limit is an integer\n"},
	{__LINE__,
	 "service: x\n"
	 "limits: 5\n",
	 ":2:9: `limits` is a map of entries `word: value`\n"},
	{__LINE__,
	 "service: x\n"
	 "limits:\n",
	 ":2:8: `limits` is a map of entries `word: value`\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { err: \"{message}\" }\n",
	 "x errors {\"err\":\"{message}\"}\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { ok: false, error: \"{message} ({code})\", more: [\"{details}\", { h: "
	 "\"{hint}\" }] }\n",
	 "x errors {\"ok\":false,\"error\":\"{message} "
	 "({code})\",\"more\":[\"{details}\",{\"h\":\"{hint}\"}]}\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: \"{message}\"\n",
	 "x errors \"{message}\"\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { a: 1, b: -1.50, c: null, d: ~, e: TRUE, f: 'true' }\n",
	 "x errors {\"a\":1,\"b\":-1.50,\"c\":null,\"d\":null,\"e\":true,\"f\":\"true\"}\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { g: 1e5, h: , i: yes, j: 2024-01-01, k: \"a\\\"\\u0001\" }\n",
	 "x errors {\"g\":1e5,\"h\":null,\"i\":\"yes\",\"j\":\"2024-01-01\",\"k\":\"a\\\"\\u0001\"}\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { a: \"{mesage}\" }\n",
	 ":2:14: `errors`: there is no {mesage}\n"
	 "    hint: did you mean \"message\"?\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { a: \"{path}\" }\n",
	 ":2:14: `errors`: there is no {path}\n"
	 "    hint: {message}, {code}, {details} or {hint}\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { a: \"{ message } {} {a-b} {\" }\n",
	 "x errors {\"a\":\"{ message } {} {a-b} {\"}\n"},
	{__LINE__,
	 "service: x\n"
	 "errors:\n",
	 ":2:8: `errors` has no value\n"
	 "    hint: errors: { error: \"{message}\" }\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { a: 0x1F, b: +5, c: .5, d: 5., e: 05, f: .inf, g: .nan, h: 0o7, i: 1_000, "
	 "j: -.Inf }\n",
	 ":2:14: 0x1F is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"
	 ":2:23: +5 is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"
	 ":2:30: .5 is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"
	 ":2:37: 5. is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"
	 ":2:44: 05 is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"
	 ":2:51: .inf is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"
	 ":2:60: .nan is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"
	 ":2:69: 0o7 is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"
	 ":2:87: -.Inf is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { a: -, b: ., c: e5, d: 1e, e: 0x }\n",
	 "x errors {\"a\":\"-\",\"b\":\".\",\"c\":\"e5\",\"d\":\"1e\",\"e\":\"0x\"}\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { a: +1e-5 }\n",
	 ":2:14: +1e-5 is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { a: \"caf\xc3\xa9 {b}\", b: *c }\n"
	 "limits: { loops: *a, idle_ms: 0 }\n"
	 "listen: *b\n",
	 ":2:14: `errors`: there is no {b}\n"
	 "    hint: {message}, {code}, {details} or {hint}\n"
	 ":2:29: aliases (*c) are not allowed\n"
	 "    hint: write the part out\n"
	 ":3:18: aliases (*a) are not allowed\n"
	 "    hint: write the part out\n"
	 ":3:31: limit 'idle_ms' cannot be 0\n"
	 "    hint: it is a number from 1 to 86400000\n"
	 ":4:9: aliases (*b) are not allowed\n"
	 "    hint: write the part out\n"},
	{__LINE__,
	 "service: x\n"
	 "errors: { f: 0o8, g: 1.2.3, h: + }\n",
	 "x errors {\"f\":\"0o8\",\"g\":\"1.2.3\",\"h\":\"+\"}\n"},
	{__LINE__,
	 "service: x\n"
	 "resources:\n",
	 ":2:11: `resources` is a map of entries `word: value`\n"},
	{__LINE__,
	 "service: x\n"
	 "resources: {}\n"
	 "routes: {}\n",
	 "x\n"},
	{__LINE__,
	 "service: x\n"
	 "resources: []\n"
	 "routes: text\n",
	 ":2:12: `resources` is a map of entries `word: value`\n"
	 ":3:9: `routes` is a map of entries `word: value`\n"},
	{__LINE__,
	 "resources:\n"
	 "  a: {}\n"
	 "routes:\n"
	 "  GET a: {}\n"
	 "limts: 1\n",
	 ":1:1: the service has no name\n"
	 "    hint: begin the file with `service: NAME`\n"
	 ":2:3: the resource \"a\" has no fields\n"
	 "    hint: fields: { NAME: TYPE, \xe2\x80\xa6 }\n"
	 ":2:3: the resource \"a\" has no key\n"
	 "    hint: such as `key: id` with a field `id: { type: uuid, default: auto }`\n"
	 ":4:3: the path \"a\" does not begin with a slash\n"
	 "    hint: a route is METHOD /path\n"
	 ":4:3: the route does nothing\n"
	 "    hint: such as { list: RESOURCE }, or only { reply: \xe2\x80\xa6 }\n"
	 ":5:1: unknown word \"limts\" in the service file\n"
	 "    hint: did you mean \"limits\"?\n"},
};

static void test_settings(void **state)
{
	(void)state;
	test_load_rows("", "", ROWS(settings_rows));
}

static struct str report_text(const struct model_report *report, struct buf *buf)
{
	buf_clear(buf);
	model_report_write(report, STR("f"), buf);
	return buf_str(buf);
}

static void assert_report(const struct model_report *report, const char *want)
{
	struct buf buf;

	buf_init(&buf, SIZE_MAX);
	if (!str_equal(report_text(report, &buf), str_from(want))) {
		fail_msg("%.*s is not %s", STR_ARG(buf_str(&buf)), want);
	}
	buf_finish(&buf);
}

static void test_load_refuses_what_is_no_file(void **state)
{
	static const struct {
		int line;
		const char *path;
		const char *want;
	} rows[] = {
		{__LINE__, "src",
		 "f: is a folder, not a service file\n"
		 "    hint: name the service.yaml in it\n"},
		{__LINE__, "src/nothing.yaml", "f: cannot be opened: No such file or directory\n"},
		{__LINE__, "meson.build/x", "f: cannot be opened: Not a directory\n"},
		{__LINE__, "/dev/zero", "f: the file is larger than 1 MiB\n"},
		{__LINE__, "/dev/null",
		 "f: the file is empty\n"
		 "    hint: it begins with `service: NAME`\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct model_report report;

		model_report_init(&report);
		assert_null(model_load(rows[i].path, test_environment, &report));
		assert_report(&report, rows[i].want);
		model_report_finish(&report);
	}
}

static void test_load_ratings(void **state)
{
	struct model_report report;
	struct model *model;
	struct buf buf;

	(void)state;
	buf_init(&buf, SIZE_MAX);
	model_report_init(&report);
	model = model_load("services/ratings/service.yaml", NULL, &report);
	assert_non_null(model);
	test_describe(model, &buf);
	buf_append_byte(&buf, '\0');
	assert_string_equal(
		buf.ptr,
		"ratings listen 127.0.0.1:8888 store sqlite:services/ratings/ratings.db\n"
		"ratings key user_id,item_id counted counts\n"
		"  user_id integer key required\n"
		"  item_id integer key required\n"
		"  rating_type integer required in 1,2,3\n"
		"counts key user_id,rating_type tally ratings by user_id,rating_type\n"
		"  user_id integer key required never\n"
		"  rating_type integer key required never in 1,2,3\n"
		"  count integer required never\n"
		"GET /health [health] reply json {\"message\":\"ok\"}\n"
		"PUT /users/{user_id}/ratings/{item_id} [users $user_id ratings $item_id] upsert ratings\n"
		"GET /users/{user_id}/ratings [users $user_id ratings] list ratings"
		" select item_id,rating_type\n"
		"GET /users/{user_id}/counts [users $user_id counts] list counts"
		" select rating_type,count\n"
		"DELETE /users/{user_id} [users $user_id] delete ratings json {\"message\":\"ok\"}\n");
	assert_true(str_equal(model->file, STR("services/ratings/service.yaml")));
	model_destroy(model);
	model_report_finish(&report);
	buf_finish(&buf);
}

/* A file of exactly the limit, and one byte more. */
static void test_load_at_the_size(void **state)
{
	(void)state;
	for (size_t more = 0; more <= 1; more++) {
		struct model_report report;
		struct model *model;
		struct buf buf;

		buf_init(&buf, SIZE_MAX);
		buf_append(&buf, STR("service: x\n#"));
		while (buf.len < ((size_t)1 << 20) + more) {
			buf_append_byte(&buf, 'c');
		}
		model_report_init(&report);
		model = model_parse(buf_str(&buf), STR("f"), NULL, &report);
		assert_true((model != NULL) == (more == 0));
		assert_report(&report, more == 0 ? "" : "f: the file is larger than 1 MiB\n");
		model_destroy(model);
		model_report_finish(&report);
		buf_finish(&buf);
	}
}

static const char *large_environment(const char *name)
{
	static const char large[1 << 16] = {[0 ...(1 << 16) - 2] = 'x'};

	(void)name;
	return large;
}

static void test_load_when_the_environment_is_large(void **state)
{
	struct model_report report;
	struct buf buf;

	(void)state;
	buf_init(&buf, SIZE_MAX);
	buf_append(&buf, STR("service: x\nerrors:\n"));
	for (int i = 0; i < 17; i++) {
		buf_printf(&buf, "  a%02d: ${X}\n", i);
	}
	model_report_init(&report);
	assert_null(model_parse(buf_str(&buf), STR("f"), large_environment, &report));
	assert_report(&report,
				  "f:19:8: with the environment filled in the file is larger than 1 MiB\n");
	model_report_finish(&report);
	buf_finish(&buf);
}

static void test_limits_of_counts(void **state)
{
	static const struct {
		int line;
		const char *before;
		const char *item; /* with one %zu */
		size_t most;
		const char *want;
	} rows[] = {
		{__LINE__, "service: x\nresources:\n", "  a%zu: { key: a, fields: { a: text } }\n", 1000,
		 "f:3:3: a service has at most 1000 resources\n"},
		{__LINE__, "service: x\nresources:\n  a:\n    key: a1\n    fields:\n", "      a%zu: text\n",
		 1000, "f:6:7: a resource has 1 to 1000 fields\n"},
		{__LINE__, "service: x\nroutes:\n", "  GET /%zu: { reply: 204 }\n", 10000,
		 "f:3:3: a service has at most 10000 routes\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * 2; i++) {
		size_t count = rows[i / 2].most + i % 2;
		struct model_report report;
		struct model *model;
		struct buf buf;

		buf_init(&buf, SIZE_MAX);
		buf_append(&buf, str_from(rows[i / 2].before));
		for (size_t j = 1; j <= count; j++) {
			struct str item = str_from(rows[i / 2].item);
			size_t percent = str_find(item, '%', 0);

			buf_append(&buf, str_slice(item, 0, percent));
			buf_append_uint(&buf, j);
			buf_append(&buf, str_slice(item, percent + 3, item.len));
		}
		model_report_init(&report);
		model = model_parse(buf_str(&buf), STR("f"), NULL, &report);
		assert_report(&report, i % 2 == 0 ? "" : rows[i / 2].want);
		assert_true((model != NULL) == (i % 2 == 0));
		model_destroy(model);
		model_report_finish(&report);
		buf_finish(&buf);
	}
}

static void test_report_keeps_fifty(void **state)
{
	struct model_report report;
	struct buf buf;

	(void)state;
	buf_init(&buf, SIZE_MAX);
	buf_append(&buf, STR("service: x\n"));
	for (int i = 0; i < 60; i++) {
		buf_printf(&buf, "word%d: x\n", i);
	}
	model_report_init(&report);
	assert_null(model_parse(buf_str(&buf), STR("f"), NULL, &report));
	assert_int_equal(report.count, 50);
	assert_int_equal(report.errors, 60);
	assert_true(str_ends_with(report_text(&report, &buf), STR("\nand 10 more\n")));
	model_report_finish(&report);
	buf_finish(&buf);
}

static void test_report_holds_one_line_a_problem(void **state)
{
	struct model_report report;
	char long_name[600];

	(void)state;
	memset(long_name, 'x', sizeof(long_name));
	/* The message is cut in the middle of this character. */
	memcpy(long_name + 509, "\xf0\x9f\x98\x80", 5);
	model_report_init(&report);
	model_report_add(&report, (struct place){2, 1}, NULL, "a\nb\x7f\tc");
	model_report_add(&report, (struct place){1, 9}, "h", "%s", long_name);
	model_report_sort(&report);
	assert_int_equal(report.problems[0].message.len, 509);
	assert_true(str_equal(report.problems[1].message, STR("a b  c")));
	model_report_finish(&report);
}

static uint64_t hash_of(const char *yaml)
{
	struct model_report report;
	struct model *model;
	uint64_t hash;

	model_report_init(&report);
	model = model_parse(str_from(yaml), STR("f"), test_environment, &report);
	assert_non_null(model);
	hash = model->hash;
	model_destroy(model);
	model_report_finish(&report);
	return hash;
}

static void test_hash(void **state)
{
	static const struct {
		int line;
		const char *a;
		const char *b;
		bool same;
	} rows[] = {
		{__LINE__, "service: x\n", "# c\nservice:   x # d\n", true},
		{__LINE__, "service: x\n", "{ service: x }", true},
		{__LINE__, "service: fromenv\n", "service: ${NAME}\n", true},
		{__LINE__, "service: x\n", "service: y\n", false},
		{__LINE__, "service: x\nerrors: [a]\n", "service: x\nerrors: [a, b]\n", false},
		{__LINE__, "service: x\nerrors: [a, b]\n", "service: x\nerrors: { a: b }\n", false},
		{__LINE__, "service: x\nerrors: [ab, c]\n", "service: x\nerrors: [a, bc]\n", false},
		{__LINE__, "service: x\nerrors: 1\n", "service: x\nerrors: '1'\n", false},
		{__LINE__, "service: x\nerrors: a\nlisten: :1\n", "service: x\nlisten: :1\nerrors: a\n",
		 false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((hash_of(rows[i].a) == hash_of(rows[i].b)) != rows[i].same) {
			fail_msg("row of line %d", rows[i].line);
		}
	}
}

static void test_lookup(void **state)
{
	static const char yaml[] = "service: x\n"
							   "resources:\n"
							   "  people: { key: id, fields: { id: integer, last_name: text } }\n"
							   "  places: { key: id, fields: { id: integer } }\n";
	struct model_report report;
	struct model *model;
	const struct resource *people;

	(void)state;
	model_report_init(&report);
	model = model_parse(str_from(yaml), STR("f"), NULL, &report);
	assert_non_null(model);
	people = model_resource(model, STR("people"));
	assert_ptr_equal(people, &model->resources[0]);
	assert_null(model_resource(model, STR("People")));
	assert_ptr_equal(resource_field(people, STR("last_name")), &people->fields[1]);
	assert_null(resource_field(people, STR("")));
	assert_true(str_equal(model_nearest_resource(model, STR("Place")), STR("places")));
	assert_true(str_equal(model_nearest_resource(model, STR("orders")), STR("")));
	assert_true(str_equal(resource_nearest_field(people, STR("lastname")), STR("last_name")));
	assert_true(str_equal(resource_nearest_field(people, STR("x")), STR("")));
	assert_int_equal(people->place.line, 3);
	assert_int_equal(people->fields[1].place.column, 45);
	model_destroy(model);
	model_destroy(NULL);
	model_report_finish(&report);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_load_refuses_what_is_no_file),
		cmocka_unit_test(test_load_ratings),
		cmocka_unit_test(test_load_at_the_size),
		cmocka_unit_test(test_load_when_the_environment_is_large),
		cmocka_unit_test(test_limits_of_counts),
		cmocka_unit_test(test_report_keeps_fifty),
		cmocka_unit_test(test_report_holds_one_line_a_problem),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_lookup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
