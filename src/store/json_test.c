/*
 * What is the JSON files' own: what stands in them, files that people edit, folders that do not
 * fit, several programs on one folder, keys that are made, and disks that fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jsonstore.h>

#include "store/contract_test_help.h"
#include "store/migrator.h"

#define L __LINE__

#if defined(__SANITIZE_THREAD__)
#define HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_TSAN 1
#endif
#endif
#ifndef HAS_TSAN
#define HAS_TSAN 0
#endif

static const char service[] = "service: test\n"
							  "store: \"memory:\"\n"
							  "resources:\n"
							  "  things:\n"
							  "    key: id\n"
							  "    fields:\n"
							  "      id: { type: integer, default: auto }\n"
							  "      name: { type: text, required: true }\n"
							  "      price: \"decimal(8,3)\"\n"
							  "      size: { type: integer, default: 3 }\n"
							  "      ok: boolean\n"
							  "      at: datetime\n"
							  "      day: date\n"
							  "      ref: uuid\n"
							  "      data: json\n"
							  "      score: number\n"
							  "    unique: { one ref: ref }\n"
							  "  parts:\n"
							  "    key: [thing, code]\n"
							  "    fields:\n"
							  "      thing: { type: integer, references: things }\n"
							  "      code: text\n"
							  "      amount: integer\n"
							  "  counts:\n"
							  "    tally: parts\n"
							  "    by: [thing]\n";

static int setup(void **state)
{
	return fixture_setup(state, service);
}

/* ---- files ---- */

static const char *path_of(struct fixture *fixture, const char *name)
{
	return arena_printf(&fixture->arena, "%s/files/%s", fixture->folder, name).ptr;
}

static void assert_file(struct fixture *fixture, const char *name, const char *want)
{
	char got[4096];
	int fd = open(path_of(fixture, name), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	ssize_t len = read(fd, got, sizeof(got) - 1);
	close(fd);
	assert_true(len >= 0);
	got[len] = '\0';
	assert_string_equal(got, want);
}

/* In the folder, which need not be there. */
static void write_file(struct fixture *fixture, const char *name, const char *text)
{
	(void)mkdir(path_of(fixture, ""), 0700);
	int fd = open(path_of(fixture, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* ---- requests ---- */

static struct str ask(struct fixture *fixture, const char *request, const char *body)
{
	const struct contract_row row = {L, request, body, NULL, NULL, NULL};
	struct query query;
	struct call call = {.ok = false};
	struct buf text;
	bool checked = contract_query(fixture, &row, &query, &call.error);
	buf_init(&text, MIB(1));
	if (checked) {
		call_run(fixture, &call, &query);
	}
	if (call.ok) {
		buf_append(&text, buf_str(&call.body));
	} else {
		const struct error_info *info = error_info(call.error.code);
		buf_printf(&text, "%d %s %s", info->status, info->wire, call.error.message);
		if (call.error.details[0] != '\0') {
			buf_printf(&text, " | %s", call.error.details);
		}
	}
	if (checked) {
		call_finish(&call);
	}
	struct str said = arena_copy(&fixture->arena, buf_str(&text));
	buf_finish(&text);
	return said;
}

static void expect(struct fixture *fixture, const char *request, const char *body, const char *want)
{
	assert_text(ask(fixture, request, body), want);
}

/* The folder cannot be opened. */
static void assert_refused(struct fixture *fixture, enum error_code code, const char *message,
						   const char *details, const char *hint)
{
	struct store_options options = fixture_options(fixture);
	struct error error = {.code = ERROR_NONE};
	char url[256];
	snprintf(url, sizeof(url), "json:%s/files", fixture->folder);
	assert_null(store_open(str_from(url), &options, &error));
	assert_int_equal(error.code, code);
	if (strstr(error.message, message) == NULL || strstr(error.details, details) == NULL ||
		strstr(error.hint, hint) == NULL) {
		fail_msg("got %s | %s | %s", error.message, error.details, error.hint);
	}
}

/* ---- what stands in the files ---- */

static void test_files(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "json:");
	expect(fixture, "insert= things?select=id",
		   "[{\"name\":\"a\\\"\\u00e9\",\"price\":150.5,\"size\":null,\"ok\":true,"
		   "\"at\":\"2014-03-08T15:00:00.5+02:00\",\"day\":\"2014-03-08\","
		   "\"ref\":\"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\",\"data\":{\"x\": [1, null]},"
		   "\"score\":-0.0}]",
		   "[1]");
	expect(fixture, "insert= things?select=id", "{\"id\":7,\"name\":\"\"}", "[7]");
	expect(fixture, "insert= parts?select=code",
		   "[{\"thing\":7,\"code\":\"x,y\\\\\",\"amount\":null},"
		   "{\"thing\":1,\"code\":\"\",\"amount\":2}]",
		   "[\"x,y\\\\\",\"\"]");
	fixture_close(fixture);
	assert_file(fixture, "things.json",
				"[\n{\"id\":1,\"name\":\"a\\\"é\",\"price\":150.5,\"size\":null,\"ok\":true,"
				"\"at\":\"2014-03-08T13:00:00.5+00:00\",\"day\":\"2014-03-08\","
				"\"ref\":\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\",\"data\":{\"x\":[1,null]},"
				"\"score\":0},\n"
				"{\"id\":7,\"name\":\"\",\"price\":null,\"size\":3,\"ok\":null,\"at\":null,"
				"\"day\":null,\"ref\":null,\"data\":null,\"score\":null}\n]\n");
	assert_file(fixture, "parts.json",
				"[\n{\"thing\":7,\"code\":\"x,y\\\\\",\"amount\":null},\n"
				"{\"thing\":1,\"code\":\"\",\"amount\":2}\n]\n");
	assert_file(fixture, "_rl_keys.json", "[\n{\"id\":\"things\",\"made\":7}\n]\n");
	assert_int_not_equal(access(path_of(fixture, "counts.json"), F_OK), 0);
	fixture_open(fixture, "json:");
	expect(fixture, "get{} parts?thing=eq.7&code=eq.%22x,y%5C%5C%22&select=code", NULL,
		   "404 RL404 Not found");
	expect(fixture, "list= parts?thing=eq.7&select=code", NULL, "[\"x,y\\\\\"]");
	expect(fixture, "list counts", NULL, "[{\"thing\":1,\"count\":1},{\"thing\":7,\"count\":1}]");
}

/* ---- files that people edit ---- */

static void test_edited_files(void **state)
{
	struct fixture *fixture = *state;
	write_file(fixture, "things.json",
			   "[ { \"colour\": \"red\", \"name\" : \"a\", \"id\" :\n 4 , \"price\": 1.50,"
			   " \"at\": \"8 March 2014 15:00\", \"deep\": {\"x\": [ 1 , {} ]} },\n"
			   "  {\"id\":9,\"name\":\"b\",\"size\":null,\"score\":1e2,\"data\":[ 1 ]}]\n");
	fixture_open(fixture, "json:");
	expect(
		fixture, "list things?select=id,name,price,size,at,data,score", NULL,
		"[{\"id\":4,\"name\":\"a\",\"price\":1.5,\"size\":3,\"at\":\"2014-03-08T15:00:00+00:00\","
		"\"data\":null,\"score\":null},"
		"{\"id\":9,\"name\":\"b\",\"price\":null,\"size\":null,\"at\":null,\"data\":[1],"
		"\"score\":100}]");
	expect(fixture, "get{} things?id=eq.4&select=name", NULL, "{\"name\":\"a\"}");
	/* What nobody told the store of is no key twice, and what it does not know stays. */
	expect(fixture, "insert= things?select=id", "{\"name\":\"c\"}", "[10]");
	expect(fixture, "update= things?id=eq.4&select=name", "{\"name\":\"d\"}", "[\"d\"]");
	fixture_close(fixture);
	assert_file(fixture, "things.json",
				"[\n{\"id\":4,\"name\":\"d\",\"price\":1.5,\"size\":3,\"ok\":null,"
				"\"at\":\"2014-03-08T15:00:00+00:00\",\"day\":null,\"ref\":null,\"data\":null,"
				"\"score\":null,\"colour\":\"red\",\"deep\":{\"x\":[1,{}]}},\n"
				"{\"id\":9,\"name\":\"b\",\"size\":null,\"score\":1e2,\"data\":[ 1 ]},\n"
				"{\"id\":10,\"name\":\"c\",\"price\":null,\"size\":3,\"ok\":null,\"at\":null,"
				"\"day\":null,\"ref\":null,\"data\":null,\"score\":null}\n]\n");
}

/* Each in a file of its own: the others are not read. */
static void test_bad_records(void **state)
{
	static const struct {
		int line;
		const char *record;
		const char *want;
	} rows[] = {
		{L, "{\"id\":1,\"name\":5}", "invalid input syntax for type text: \"5\""},
		{L, "{\"id\":1,\"name\":\"a\",\"size\":\"3\"}",
		 "invalid input syntax for type integer: \"3\""},
		{L, "{\"id\":1,\"name\":\"a\",\"price\":1.2345}", "field \"price\""},
		{L, "{\"id\":1,\"name\":\"a\",\"ok\":1}", "invalid input syntax for type boolean: \"1\""},
		{L, "{\"id\":1,\"name\":\"a\",\"day\":\"2014-02-30\"}", "day"},
		{L, "{\"id\":1,\"name\":\"a\",\"name\":\"b\"}", "a key stands twice: \"name\""},
		{L, "{\"id\":1,\"name\":\"a\",\"ref\":\"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\"}",
		 "must be written as \"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""},
		{L, "{\"id\":\"x\",\"name\":\"a\"}", "invalid input syntax for type integer: \"x\""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture fixture;
		char text[256];
		fixture_init(&fixture, service);
		snprintf(text, sizeof(text), "[%s]", rows[i].record);
		write_file(&fixture, "things.json", text);
		fixture_open(&fixture, "json:");
		struct str said = ask(&fixture, "list things", NULL);
		if (!str_starts_with(said, STR("500 RL500 The store failed | ")) ||
			strstr(said.ptr, "| things.json: the record {\"id\":") == NULL ||
			strstr(said.ptr, rows[i].want) == NULL) {
			fail_msg("%d: got %s", rows[i].line, said.ptr);
		}
		/* The rest is served. */
		expect(&fixture, "list parts", NULL, "[]");
		fixture_finish(&fixture);
	}
}

static void test_bad_files(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
		{"[\n{\"id\":1},\n{\"id\":]\n", "things.json:3:7"},
		{"[\n{\"name\":\"a\"}\n]\n", "things.json:2:1"},
		{"[\n{\"id\":1.5}\n]\n", "things.json:2:1"},
		{"[\n{\"id\":1},\n{\"id\":1}\n]\n", "things.json"},
		{"name,price\n", "things.json:1:1"},
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file(fixture, "things.json", rows[i].text);
		assert_refused(fixture, ERROR_STORE, "cannot open the JSON files in ", rows[i].want,
					   "nothing of it is served");
	}
}

/* ---- folders that do not fit ---- */

static void open_with(struct fixture *fixture, const char *yaml)
{
	struct fixture other;
	fixture_init(&other, yaml);
	struct store_options options = fixture_options(&other);
	struct error error = {.code = ERROR_NONE};
	char url[256];
	snprintf(url, sizeof(url), "json:%s/files", fixture->folder);
	struct store *store = store_open(str_from(url), &options, &error);
	if (store == NULL) {
		fail_msg("%s (%s)", error.message, error.details);
	}
	store_close(store);
	fixture_finish(&other);
}

static void test_other_keys(void **state)
{
	struct fixture *fixture = *state;
	open_with(fixture,
			  "service: other\n"
			  "resources:\n"
			  "  things:\n"
			  "    key: name\n"
			  "    fields: { name: text }\n");
	assert_refused(fixture, ERROR_CONFIG, "/files/things.json has another key than \"things\"",
				   "the key field is name; the service says id", "move its file out of the folder");
}

static void test_new_fields(void **state)
{
	struct fixture *fixture = *state;
	open_with(fixture,
			  "service: other\n"
			  "resources:\n"
			  "  things:\n"
			  "    key: id\n"
			  "    fields: { id: { type: integer, default: auto }, old: text }\n");
	fixture_open(fixture, "json:");
	expect(fixture, "insert= things?select=id", "{\"name\":\"a\"}", "[1]");
	fixture_close(fixture);
	open_with(fixture,
			  "service: other\n"
			  "resources:\n"
			  "  things:\n"
			  "    key: id\n"
			  "    fields: { id: { type: integer, default: auto }, more: integer }\n"
			  "    index: [more]\n");
}

static void test_limits(void **state)
{
	static const struct {
		int line;
		const char *yaml;
		const char *message;
		const char *details;
	} rows[] = {
		{L,
		 "  things:\n"
		 "    key: price\n"
		 "    fields: { price: \"decimal(8,2)\" }\n",
		 "JSON files cannot have the key price of \"things\"", ""},
		{L,
		 "  t:\n"
		 "    key: id\n"
		 "    fields: { id: text, a: text, b: text, c: text, d: text, e: text, f: text, g: text,\n"
		 "      h: text, i: text, j: text, k: text, l: text, m: text, n: text, o: text, p: text,\n"
		 "      q: text }\n"
		 "    index: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q]\n",
		 "cannot open the JSON files", "\"t\": "},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture fixture;
		char yaml[2048];
		snprintf(yaml, sizeof(yaml), "service: test\nstore: \"memory:\"\nresources:\n%s",
				 rows[i].yaml);
		fixture_init(&fixture, yaml);
		assert_refused(&fixture, ERROR_CONFIG, rows[i].message, rows[i].details, "");
		fixture_finish(&fixture);
	}
}

static void test_largest_keys(void **state)
{
	(void)state;
	struct fixture fixture;
	char body[2 * JSONSTORE_KEY_MAX];
	fixture_init(&fixture,
				 "service: test\n"
				 "resources: { t: { key: id, fields: { id: text } } }\n");
	fixture_open(&fixture, "json:");
	for (int over = 0; over < 2; over++) {
		snprintf(body, sizeof(body), "{\"id\":\"%0*d\"}", JSONSTORE_KEY_MAX + over, 7);
		struct str said = ask(&fixture, "insert t?&quiet", body);
		if (over == 0) {
			assert_text(said, "");
		} else {
			assert_true(
				str_starts_with(said, STR("400 22001 The row is too large for JSON files | ")));
		}
		snprintf(body, sizeof(body), "list= t?id=eq.%0*d", JSONSTORE_KEY_MAX + over, 8);
		expect(&fixture, body, NULL, "[]");
	}
	fixture_finish(&fixture);
}

/* As many rows as one transaction can have, and one more, which no row is to blame for. */
static void test_largest_write(void **state)
{
	(void)state;
	struct fixture fixture;
	struct value *values;
	if (getenv("ROWLOCK_PROOF") == NULL) {
		skip();
	}
	fixture_init(&fixture,
				 "service: test\n"
				 "resources: { t: { key: id, fields: { id: integer } } }\n");
	fixture_open(&fixture, "json:");
	for (size_t over = 0; over < 2; over++) {
		size_t rows = JSONSTORE_TRANSACTION_CHANGES_MAX + over;
		struct query *query = test_write(&fixture, QUERY_INSERT, "t", "id", rows, &values);
		for (size_t i = 0; i < rows; i++) {
			values[i] = test_integer((int64_t)(i + over * rows));
		}
		struct call call;
		call_run(&fixture, &call, query);
		assert_int_equal(call.ok, over == 0);
		if (over > 0) {
			assert_int_equal(call.error.code, ERROR_BODY_TOO_LARGE);
			assert_string_equal(call.error.message, "The write is too large for JSON files");
		}
		call_finish(&call);
		expect(&fixture, "list t?select=id.count()", NULL, "[{\"count\":262144}]");
	}
	fixture_finish(&fixture);
}

static void test_urls(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *url;
		const char *message;
	} rows[] = {
		{"json:", "the store has no folder"},
		{"json:/dev/null", "/dev/null is a file"},
		{"json:/nowhere/at/all",
		 "cannot make the folder /nowhere/at/all: No such file or directory"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_options options = fixture_options(fixture);
		struct error error = {.code = ERROR_NONE};
		assert_null(store_open(str_from(rows[i].url), &options, &error));
		assert_int_equal(error.code, ERROR_CONFIG);
		assert_string_equal(error.message, rows[i].message);
		assert_true(error.hint[0] != '\0');
	}
	struct error error = {.code = ERROR_NONE};
	assert_null(store_migrate(STR("json:x"), true, &error));
	assert_string_equal(error.message, "JSON files need no migrations");
}

/* ---- several programs on one folder ---- */

static void test_two_stores(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "json:");
	struct store *first = fixture->store;
	struct store_session *session = fixture->session;
	fixture_open(fixture, "json:");
	struct store *second = fixture->store;
	struct store_session *sessions[] = {session, fixture->session};
	const struct query *list = test_list(fixture, "things");
	char want[32];
	for (int i = 0; i < 20; i++) {
		fixture->session = sessions[i % 2];
		uint64_t before = test_version(fixture, list);
		assert_true(test_version(fixture, list) == before);
		snprintf(want, sizeof(want), "[%d]", i + 1);
		expect(fixture, "insert= things?select=id", "{\"name\":\"a\"}", want);
		assert_true(test_version(fixture, list) != before);
		fixture->session = sessions[(i + 1) % 2];
		expect(fixture, "list things?select=id.count()", NULL,
			   arena_printf(&fixture->arena, "[{\"count\":%d}]", i + 1).ptr);
	}
	expect(fixture, "insert things?&quiet", "{\"id\":20,\"name\":\"b\"}",
		   "409 23505 duplicate key value violates unique constraint \"things_pkey\" | "
		   "Key (id)=(20) already exists.");
	expect(fixture, "insert parts?&quiet", "{\"thing\":19,\"code\":\"x\"}", "");
	fixture->session = sessions[0];
	expect(fixture, "delete things?id=eq.19&quiet", NULL,
		   "409 23503 update or delete on table \"things\" violates foreign key constraint "
		   "\"parts_thing_fkey\" on table \"parts\" | "
		   "Key (id)=(19) is still referenced from table \"parts\".");
	fixture->store = second;
	fixture->session = sessions[1];
	fixture_close(fixture);
	fixture->store = first;
	fixture->session = sessions[0];
	expect(fixture, "list= things?id=eq.20&select=name", NULL, "[\"a\"]");
}

static void test_edited_meanwhile(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "json:");
	expect(fixture, "insert= things?select=id", "{\"name\":\"a\"}", "[1]");
	fixture_close(fixture);
	if (HAS_TSAN) {
		skip(); /* it starts no threads in a child */
	}
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		/* It ends without bringing its change into the file. */
		fixture_open(fixture, "json:");
		expect(fixture, "update= things?id=eq.1&select=name", "{\"name\":\"b\"}", "[\"b\"]");
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	write_file(fixture, "things.json", "[{\"id\":1,\"name\":\"c\"}]");
	assert_refused(fixture, ERROR_STORE, "cannot open the JSON files in ", "things.json",
				   "`jsonstore repair` decides");
}

/* ---- keys that are made ---- */

static void test_made_keys(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "json:");
	expect(fixture, "insert= things?select=id", "{\"name\":\"a\"}", "[1]");
	expect(fixture, "update= things?id=eq.1&select=id", "{\"id\":50}", "[50]");
	expect(fixture, "insert= things?select=id", "{\"name\":\"b\"}", "[51]");
	expect(fixture, "delete things?id=gt.0&quiet", NULL, "");
	fixture_close(fixture);
	fixture_open(fixture, "json:");
	expect(fixture, "insert= things?select=id", "{\"name\":\"c\"}", "[52]");
	expect(fixture, "insert= things?select=id", "[{\"name\":\"d\"},{\"name\":null}]",
		   "400 23502 row 2: null value in column \"name\" of relation \"things\" violates "
		   "not-null constraint");
	expect(fixture, "insert= things?select=id", "{\"name\":\"e\"}", "[53]");
	expect(fixture, "insert= things?select=id", "{\"id\":9223372036854775807,\"name\":\"e\"}",
		   "[9223372036854775807]");
	expect(fixture, "insert= things?select=id", "{\"name\":\"e\"}", "507 53100 The disk is full");
}

static void test_adopt(void **state)
{
	struct fixture *fixture = *state;
	struct fixture same;
	struct fixture other;
	struct error error = {.code = ERROR_NONE};
	fixture_init(&same, service);
	fixture_init(&other,
				 "service: test\n"
				 "resources: { things: { key: id, fields: { id: integer } } }\n");
	fixture_open(fixture, "json:");
	expect(fixture, "insert= things?select=id", "{\"name\":\"a\"}", "[1]");
	assert_true(store_adopt(fixture->store, same.model, &error));
	assert_false(store_adopt(fixture->store, other.model, &error));
	assert_int_equal(error.code, ERROR_CONFIG);
	assert_non_null(strstr(error.hint, "start again"));
	expect(fixture, "list= things?select=name", NULL, "[\"a\"]");
	fixture_finish(&same);
	fixture_finish(&other);
}

/* ---- disks that fail ---- */

static _Atomic bool fails_to_sync;

/* In place of libc's, for the whole program. */
int fdatasync(int fd)
{
	if (fails_to_sync) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static void test_failed_sync(void **state)
{
	struct fixture *fixture = *state;
	if (HAS_TSAN) {
		skip(); /* it starts no threads in a child */
	}
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		fixture_open(fixture, "json:");
		expect(fixture, "insert= things?select=id", "{\"name\":\"a\"}", "[1]");
		fails_to_sync = true;
		(void)ask(fixture, "insert= things?select=id", "{\"name\":\"b\"}");
		_exit(1); /* it was answered */
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	fixture_open(fixture, "json:");
	expect(fixture, "list= things?select=name&id=eq.1", NULL, "[\"a\"]");
	expect(fixture, "insert= things?select=name", "{\"name\":\"c\"}", "[\"c\"]");
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void **state)
{
	struct fixture *fixture = *state;
	char body[8192];
	(void)signal(SIGXFSZ, SIG_IGN);
	fixture_open(fixture, "json:");
	expect(fixture, "insert= things?select=id", "{\"name\":\"a\"}", "[1]");
	snprintf(body, sizeof(body), "{\"name\":\"%08000d\"}", 1);
	limit_files(8192);
	expect(fixture, "insert= things?select=id", body, "507 53100 The disk is full");
	expect(fixture, "list= things?select=id", NULL, "[1]");
	limit_files(RLIM_INFINITY);
	expect(fixture, "insert= things?select=id", body, "[2]");
	expect(fixture, "list= things?select=id", NULL, "[1,2]");
}

/* ---- groups ---- */

static void test_groups(void **state)
{
	enum { CALLS = 200 };
	struct fixture *fixture = *state;
	struct call *calls = ARENA_ARRAY(&fixture->arena, CALLS, struct call);
	fixture_open(fixture, "json:");
	uv_update_time(loop_uv(fixture->loop));
	for (size_t i = 0; i < CALLS; i++) {
		/* Every fourth is refused, and leaves no trace. */
		const struct contract_row row = {
			L,
			"insert= things?select=id",
			i % 4 == 3 ? "[{\"id\":1000,\"name\":\"x\"},{\"id\":1,\"name\":\"y\"}]"
					   : "{\"name\":\"x\"}",
			NULL,
			NULL,
			NULL};
		struct query *query = ARENA_NEW(&fixture->arena, struct query);
		struct error error;
		assert_true(contract_query(fixture, &row, query, &error));
		call_init(&calls[i], query);
		call_start(fixture, &calls[i]);
	}
	int64_t last = 0;
	for (size_t i = 0; i < CALLS; i++) {
		call_wait(fixture, &calls[i]);
		assert_int_equal(calls[i].ok, i % 4 != 3);
		if (calls[i].ok) {
			assert_int_equal(calls[i].result.made_key, last + 1);
			last++;
		}
		call_finish(&calls[i]);
	}
	struct store_stats stats;
	store_get_stats(fixture->store, &stats);
	assert_int_equal(stats.writes, CALLS - CALLS / 4);
	assert_int_equal(stats.writes_failed, CALLS / 4);
	assert_true(stats.groups < CALLS);
	expect(fixture, "list things?select=id.count(),id.max()", NULL,
		   "[{\"count\":150,\"max\":150}]");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_files),
		TEST(test_edited_files),
		cmocka_unit_test(test_bad_records),
		TEST(test_bad_files),
		TEST(test_other_keys),
		TEST(test_new_fields),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_largest_keys),
		cmocka_unit_test(test_largest_write),
		TEST(test_urls),
		TEST(test_two_stores),
		TEST(test_edited_meanwhile),
		TEST(test_made_keys),
		TEST(test_adopt),
		TEST(test_failed_sync),
		TEST(test_full_disk),
		TEST(test_groups),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
