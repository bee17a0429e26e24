#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* A resource of another service in line 3, one of our own in line 4. */
static const char before[] = "service: s\n"
							 "resources:\n"
							 "  far: { key: id, fields: { id: uuid }, at: \"http://there:80\" }\n"
							 "  near: { key: [a, b], fields: { a: uuid, b: integer } }\n";

static const char common[] = "s\n"
							 "far key id at http://there:80@3:45\n"
							 "  id uuid key required\n"
							 "near key a,b\n"
							 "  a uuid key required\n"
							 "  b integer key required\n";

#define URL_HINT                                                                                   \
	"    hint: write http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:5010\n"

/* From line 5 on. */
static const struct load_row url_rows[] = {
	{__LINE__, "  r: { key: i, fields: { i: text }, at: https://a.b-c_d }\n",
	 "r key i at https://a.b-c_d@5:41\n"
	 "  i text key required\n"},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: \"http://[::1]:65535\" }\n",
	 "r key i at http://[::1]:65535@5:41\n"
	 "  i text key required\n"},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: \"http://127.0.0.1:${PORT}\" }\n",
	 "r key i at http://127.0.0.1:8080@5:41\n"
	 "  i text key required\n"},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: \"http://a:0\" }\n",
	 ":5:41: `at` is no base URL of a service\n"
	 "    hint: a port is a number from 1 to 65535\n"},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: \"http://a:65536\" }\n",
	 ":5:41: `at` is no base URL of a service\n"
	 "    hint: a port is a number from 1 to 65535\n"},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: \"http://a:\" }\n",
	 ":5:41: `at` is no base URL of a service\n"
	 "    hint: a port is a number from 1 to 65535\n"},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: \"http://a:80/\" }\n",
	 ":5:41: `at` is no base URL of a service\n"
	 "    hint: it ends with the host or port: the resource has the same name there\n"},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: \"http://u:p@a\" }\n",
	 ":5:41: `at` is no base URL of a service\n"
	 "    hint: services know each other by LINK_KEY, not by names and passwords\n"},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: \"ftp://a\" }\n",
	 ":5:41: `at` is no base URL of a service\n" URL_HINT},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: \"127.0.0.1:80\" }\n",
	 ":5:41: `at` is no base URL of a service\n" URL_HINT},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: \"http://\" }\n",
	 ":5:41: `at` is no base URL of a service\n" URL_HINT},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: \"http://a b\" }\n",
	 ":5:41: `at` is no base URL of a service\n" URL_HINT},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: }\n", ":5:41: `at` has no value\n"},
	{__LINE__, "  r: { key: i, fields: { i: text }, at: [x] }\n",
	 ":5:41: `at` is one text, not a list\n"},
};

static const struct load_row beside_rows[] = {
	{__LINE__,
	 "  r: { key: i, fields: { i: text }, at: \"http://a\", unique: { u: i }, check: { c: "
	 "i=eq.1 }, index: i, load: x.csv, search: i, read_only: false }\n",
	 ":5:53: `unique` cannot stand beside `at`\n"
	 "    hint: write it in the service file there\n"
	 ":5:71: `check` cannot stand beside `at`\n"
	 "    hint: write it in the service file there\n"
	 ":5:93: `index` cannot stand beside `at`\n"
	 "    hint: write it in the service file there\n"
	 ":5:103: `load` cannot stand beside `at`\n"
	 "    hint: write it in the service file there\n"
	 ":5:103: `load`: the rows of \"r\" cannot be written\n"
	 ":5:116: `search` cannot stand beside `at`\n"
	 "    hint: write it in the service file there\n"
	 ":5:116: `search` is not for rows that are only read\n"
	 ":5:127: `read_only` cannot stand beside `at`\n"
	 "    hint: write it in the service file there\n"},
	{__LINE__, "  t: { tally: near, by: a, at: \"http://a\" }\n",
	 ":5:28: `at` cannot stand beside `tally`\n"
	 "    hint: a tally is read only; its fields are those that `by` names, and `count`\n"},
	{__LINE__, "  t: { tally: far, by: id }\n",
	 ":5:15: `tally`: \"far\" lives in another service\n"
	 "    hint: make the tally there\n"},
	{__LINE__, "routes: { \"POST /x\": { insert: far } }\n",
	 ":5:32: \"far\" is read only\n"
	 "    hint: use `list` or `get`\n"},
};

static const struct load_row link_rows[] = {
	/* Here to there: this service is the user of a hold. */
	{__LINE__, "  r: { key: i, fields: { i: integer, f: { type: uuid, references: far } } }\n",
	 "r key i\n"
	 "  i integer key required\n"
	 "  f uuid\n"
	 "  hidden  _rl_hold_f uuid\n"
	 "  index _rl_hold_f\n"
	 "  link r_f_fkey: f -> far id\n"},
	{__LINE__,
	 "  r: { key: i, fields: { i: integer, f: { type: uuid, references: { resource: far } } } }\n",
	 "r key i\n"
	 "  i integer key required\n"
	 "  f uuid\n"
	 "  hidden  _rl_hold_f uuid\n"
	 "  index _rl_hold_f\n"
	 "  link r_f_fkey: f -> far id\n"},
	{__LINE__,
	 "  r: { key: i, fields: { i: integer, f: { type: uuid, references: { resource: far, check: "
	 "get } } } }\n",
	 "r key i\n"
	 "  i integer key required\n"
	 "  f uuid\n"
	 "  get r_f_fkey: f -> far id\n"},
	{__LINE__,
	 "  r: { key: i, fields: { i: integer, f: uuid }, references: { l: { fields: f, to: far, on: "
	 "id, check: get }, m: { fields: f, to: far } } }\n",
	 "r key i\n"
	 "  i integer key required\n"
	 "  f uuid\n"
	 "  hidden  _rl_hold_f uuid\n"
	 "  index _rl_hold_f\n"
	 "  get l: f -> far id\n"
	 "  link m: f -> far id\n"},
	/* There to here: this one is the owner. */
	{__LINE__,
	 "  r: { key: a, fields: { a: uuid, b: integer }, references: { l: { fields: [a, b], to: near "
	 "} }, at: \"http://a\" }\n",
	 "r key a at http://a@5:102\n"
	 "  a uuid key required\n"
	 "  b integer\n"
	 "  link l: a,b -> near a,b\n"},
	/* There to there: for joins. */
	{__LINE__,
	 "  r: { key: i, fields: { i: { type: uuid, references: far } }, at: \"http://a\" }\n",
	 "r key i at http://a@5:68\n"
	 "  i uuid key required\n"
	 "  link r_i_fkey: i -> far id\n"},
	/* A reference of this database among links. */
	{__LINE__,
	 "  r: { key: i, fields: { i: uuid, f: { type: uuid, references: far }, g: { type: uuid, "
	 "references: { resource: r } } } }\n",
	 "r key i\n"
	 "  i uuid key required\n"
	 "  f uuid\n"
	 "  g uuid references r\n"
	 "  hidden  _rl_hold_f uuid\n"
	 "  index _rl_hold_f\n"
	 "  reference r_g_fkey: g -> r i\n"
	 "  link r_f_fkey: f -> far id\n"},
};

static const struct load_row wrong_link_rows[] = {
	{__LINE__,
	 "  r: { key: i, fields: { i: uuid, g: { type: uuid, references: { resource: r, check: get } "
	 "} } }\n",
	 ":5:79: `check` is for a resource of another service\n"
	 "    hint: leave it out: the database checks\n"},
	{__LINE__,
	 "  r: { key: i, fields: { i: uuid, g: { type: uuid, references: { resource: far, check: head "
	 "} } } }\n",
	 ":5:88: `check` is get, not \"head\"\n"
	 "    hint: leave it out: then neither service deletes what the other refers to\n"},
	{__LINE__,
	 "  r: { key: i, fields: { i: uuid, g: { type: uuid, references: { check: get } } } }\n",
	 ":5:64: `references` names no resource\n"
	 "    hint: references: { resource: NAME, check: get }\n"},
	{__LINE__,
	 "  r: { key: i, fields: { i: uuid, g: { type: uuid, references: { resource: far, chek: get } "
	 "} } }\n",
	 ":5:81: unknown word \"chek\" in `references`\n"
	 "    hint: did you mean \"check\"?\n"},
	{__LINE__, "  r: { key: i, fields: { i: integer, f: { type: text, references: far } } }\n",
	 ":5:67: `references`: \"id\" of \"far\" is uuid, \"f\" is text\n"
	 "    hint: give both the same type\n"},
	{__LINE__, "  r: { key: i, fields: { i: integer, f: { type: text, references: fer } } }\n",
	 ":5:67: `references`: there is no resource \"fer\"\n"
	 "    hint: did you mean \"far\"?\n"},
	{__LINE__,
	 "  own: { key: a, fields: { a: uuid, b: integer }, unique: { u: b } }\n"
	 "  r: { key: a, fields: { a: uuid, b: integer }, references: { l: { fields: b, to: own, on: "
	 "b } }, at: \"http://a\" }\n",
	 ":6:92: rows of \"own\" are kept for other services by their key\n"
	 "    hint: leave `on` out, or write `check: get` where nothing is to be kept\n"},
	/* A URL that is wrong does not make a foreign key of a link. */
	{__LINE__,
	 "  r: { key: i, fields: { i: uuid, f: { type: uuid, references: { resource: far, check: get "
	 "} } }, at: x }\n",
	 ":5:103: `at` is no base URL of a service\n" URL_HINT},
};

static void test_urls(void **state)
{
	(void)state;
	test_load_rows(before, common, ROWS(url_rows));
}

static void test_beside(void **state)
{
	(void)state;
	test_load_rows(before, common, ROWS(beside_rows));
}

static void test_links(void **state)
{
	(void)state;
	test_load_rows(before, common, ROWS(link_rows));
	test_load_rows(before, common, ROWS(wrong_link_rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_links),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
