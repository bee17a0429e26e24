#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* Words beside an action; the route stands in line 14. */
static const char before_word[] =
	"service: s\n"
	"resources:\n"
	"  r:\n"
	"    key: [u, i]\n"
	"    fields: { u: integer, i: integer, kind: { type: integer, required: true }, note: "
	"text, j: json }\n"
	"  one:\n"
	"    key: id\n"
	"    fields: { id: integer, \"my field\": text }\n"
	"  quoted: { key: a b, fields: { a b: integer } }\n"
	"  t:\n"
	"    tally: r\n"
	"    by: u\n"
	"routes:\n";

static const char common_word[] = "s\n"
								  "r key u,i counted t\n"
								  "  u integer key required\n"
								  "  i integer key required\n"
								  "  kind integer required\n"
								  "  note text\n"
								  "  j json\n"
								  "one key id\n"
								  "  id integer key required\n"
								  "  my field text\n"
								  "quoted key a b\n"
								  "  a b integer key required\n"
								  "t key u tally r by u\n"
								  "  u integer key required never\n"
								  "  count integer required never\n";

static const struct load_row word_rows[] = {
	{__LINE__, "  GET /r: { list: r, select: \"u,i\", order: \"u.desc,i\" }\n",
	 "GET /r [r] list r select u,i order u.desc,i\n"},
	{__LINE__, "  GET /r: { list: r, select: u, order: }\n", ":14:40: `order` has no value\n"},
	{__LINE__, "  GET /r: { list: r, select: [u, i] }\n",
	 ":14:30: `select` is one text, not a list\n"},
	{__LINE__, "  GET /r: { list: r, select: u,i }\n",
	 ":14:32: unknown word \"i\" in a route\n"
	 "    hint: inside { } write a text that holds a comma in quotes\n"},
	{__LINE__, "  GET /r/{u}/{i}: { get: r, select: note }\n",
	 "GET /r/{u}/{i} [r $u $i] get r select note\n"},
	{__LINE__, "  POST /r: { insert: r, select: note }\n", "POST /r [r] insert r select note\n"},
	{__LINE__, "  POST /r: { insert: r, order: u }\n",
	 ":14:25: `order` makes no sense with `insert`\n"},
	{__LINE__, "  GET /r/{u}/{i}: { get: r, order: u }\n",
	 ":14:29: `order` makes no sense with `get`\n"},
	{__LINE__, "  DELETE /r: { delete: r, select: u }\n",
	 ":14:27: `select` makes no sense with `delete`\n"},
	{__LINE__,
	 "  GET /r: { reply: 204, select: u, order: u, where: \"u=eq.1\", from: a, needs: u, "
	 "values: u, empty: 404 }\n",
	 ":14:25: `select` makes no sense with `reply`\n"
	 ":14:36: `order` makes no sense with `reply`\n"
	 ":14:46: `where` makes no sense with `reply`\n"
	 ":14:63: `from` makes no sense with `reply`\n"
	 ":14:72: `needs` makes no sense with `reply`\n"
	 ":14:82: `values` makes no sense with `reply`\n"
	 ":14:93: `empty` makes no sense with `reply`\n"},
	{__LINE__, "  GET /r: { list: r, where: \"u=eq.1\" }\n", "GET /r [r] list r where u=eq.1\n"},
	{__LINE__, "  GET /r: { list: r, where: [\"u=eq.{a?}\", \"i=gt.{b?}\"] }\n",
	 "GET /r [r] list r where u=eq.{a?} where i=gt.{b?}\n"},
	{__LINE__, "  GET /r: { list: r, where: [] }\n", "GET /r [r] list r\n"},
	{__LINE__, "  GET /r: { list: r, where: }\n", ":14:29: a condition has no value\n"},
	{__LINE__, "  GET /r: { list: r, where: [a, [b]] }\n",
	 ":14:33: a condition is one text, not a list\n"},
	{__LINE__, "  GET /r: { list: r, where: { u: 1 } }\n",
	 ":14:29: a condition is one text, not a map\n"},
	{__LINE__, "  GET /r: { list: r, where: u=eq.{x?} }\n",
	 ":14:34: while parsing a flow mapping: did not find expected ',' or '}'\n"
	 "    hint: inside { } write it in quotes\n"},
	{__LINE__, "  GET /r/{x}: { list: r, where: \"u=eq.{x}\" }\n",
	 "GET /r/{x} [r $x] list r where u=eq.{x}\n"},
	{__LINE__, "  GET /r/{x}: { list: r, where: \"u=eq.{y}\" }\n",
	 ":14:3: the parameter {x} is neither a field nor used in `where`\n"
	 "    hint: name it as a field, or use it in `where`\n"
	 ":14:33: {y} is no parameter of the path\n"
	 "    hint: a parameter of the query string is written {y?}\n"},
	{__LINE__, "  GET /r/{u}: { list: r, where: \"i=eq.{u?}\" }\n",
	 ":14:33: {u?} is always given: it is in the path\n"
	 "    hint: write {u}\n"},
	{__LINE__, "  GET /r: { list: r, where: \"u=eq.{claims.sub}\" }\n",
	 ":14:29: {claims.sub} needs `auth`: without it nobody is known\n"
	 "    hint: auth: { algorithm: RS256, public_key: FILE }\n"},
	{__LINE__, "  GET /r/{x}: { list: r, where: \"or=(u.eq.{x},i.eq.{x})\" }\n",
	 "GET /r/{x} [r $x] list r where or=(u.eq.{x},i.eq.{x})\n"},
	{__LINE__, "  GET /r: { list: r, where: 'note=eq.\"{x}\"' }\n",
	 "GET /r [r] list r where note=eq.\"{x}\"\n"},
	{__LINE__, "  GET /r: { list: r, where: 'note=eq.{\"a\":1}' }\n",
	 "GET /r [r] list r where note=eq.{\"a\":1}\n"},
	{__LINE__, "  GET /r: { list: r, where: \"note=eq.{}\" }\n",
	 "GET /r [r] list r where note=eq.{}\n"},
	{__LINE__, "  GET /r: { list: r, where: \"note=eq.{x\" }\n",
	 "GET /r [r] list r where note=eq.{x\n"},
	{__LINE__, "  GET /r: { list: r, where: \"note=ilike.*{x?}*\" }\n",
	 "GET /r [r] list r where note=ilike.*{x?}*\n"},
	{__LINE__, "  GET /r: { list: r, where: 'note=eq.\"a\\\"{b}\"' }\n",
	 "GET /r [r] list r where note=eq.\"a\\\"{b}\"\n"},
	{__LINE__, "  POST /r: { insert: r, where: \"u=eq.1\" }\n",
	 ":14:25: `where` makes no sense with `insert`\n"},
	{__LINE__, "  PUT /r: { upsert: r, where: \"u=eq.1\" }\n",
	 ":14:24: `where` makes no sense with `upsert`\n"},
	{__LINE__,
	 "  DELETE /r/{u}: { delete: r, where: \"kind=eq.1\" }\n"
	 "  PATCH /r/{u}: { update: r, where: \"kind=eq.{k?}\" }\n",
	 "DELETE /r/{u} [r $u] delete r where kind=eq.1\n"
	 "PATCH /r/{u} [r $u] update r where kind=eq.{k?}\n"},
	{__LINE__, "  GET /r/{x}//: { list: r, where: \"u=eq.{x}\" }\n",
	 ":14:3: the path \"/r/{x}//\" has an empty segment\n"},
	{__LINE__, "  POST /r: { insert: r, from: items, needs: [u, note] }\n",
	 "POST /r [r] insert r from items needs u,note\n"},
	{__LINE__, "  POST /r: { insert: r, needs: u }\n", "POST /r [r] insert r needs u\n"},
	{__LINE__, "  POST /r: { insert: r, needs: [x] }\n",
	 ":14:33: `needs`: \"r\" has no field \"x\"\n"},
	{__LINE__, "  POST /r: { insert: r, needs: [u, u] }\n", ":14:36: `needs` names \"u\" twice\n"},
	{__LINE__, "  POST /r: { insert: r, from: }\n", ":14:31: `from` has no value\n"},
	{__LINE__, "  POST /r: { insert: r, from: [a] }\n", ":14:31: `from` is one text, not a list\n"},
	{__LINE__, "  GET /r: { list: r, from: a }\n", ":14:22: `from` makes no sense with `list`\n"},
	{__LINE__, "  GET /r: { list: r, needs: u }\n", ":14:22: `needs` makes no sense with `list`\n"},
	{__LINE__, "  DELETE /r: { delete: r, from: a }\n",
	 ":14:27: `from` makes no sense with `delete`\n"},
	{__LINE__, "  PATCH /r/{u}/{i}: { update: r, from: a, needs: note }\n",
	 "PATCH /r/{u}/{i} [r $u $i] update r from a needs note\n"},
	{__LINE__, "  GET /r/{u}: { list: r, values: i }\n", "GET /r/{u} [r $u] list r values i\n"},
	{__LINE__, "  GET /r: { list: r, values: [i] }\n",
	 ":14:30: `values` is one text, not a list\n"},
	{__LINE__, "  GET /r: { list: r, values: x }\n",
	 ":14:30: `values`: \"r\" has no field \"x\"\n"},
	{__LINE__, "  GET /r: { list: r, values: i, select: i }\n",
	 ":14:22: `values` and `select` cannot stand together\n"},
	{__LINE__, "  GET /r/{u}/{i}: { get: r, values: i }\n",
	 ":14:29: `values` makes no sense with `get`\n"},
	{__LINE__, "  POST /r: { insert: r, values: i }\n",
	 ":14:25: `values` makes no sense with `insert`\n"},
	{__LINE__, "  GET /r: { list: r, empty: 404 }\n", "GET /r [r] list r empty 404\n"},
	{__LINE__, "  GET /r: { list: r, empty: 199 }\n",
	 ":14:29: `empty` is a status from 200 to 599\n"},
	{__LINE__, "  GET /r: { list: r, empty: 600 }\n",
	 ":14:29: `empty` is a status from 200 to 599\n"},
	{__LINE__,
	 "  GET /r: { list: r, empty: 200 }\n"
	 "  GET /s: { list: r, empty: 599 }\n",
	 "GET /r [r] list r empty 200\n"
	 "GET /s [s] list r empty 599\n"},
	{__LINE__, "  GET /r: { list: r, empty: not found }\n", ":14:29: `empty` is an integer\n"},
	{__LINE__, "  GET /r: { list: r, empty: \"404\" }\n",
	 ":14:29: `empty` is an integer\n"
	 "    hint: write it without quotes\n"},
	{__LINE__, "  GET /r/{u}/{i}: { get: r, empty: 404 }\n",
	 ":14:29: `empty` makes no sense with `get`\n"},
};

static void test_word(void **state)
{
	(void)state;
	test_load_rows(before_word, common_word, ROWS(word_rows));
}

/* Replies; the route stands in line 14. */
static const char before_reply[] =
	"service: s\n"
	"resources:\n"
	"  r:\n"
	"    key: [u, i]\n"
	"    fields: { u: integer, i: integer, kind: { type: integer, required: true }, note: "
	"text, j: json }\n"
	"  one:\n"
	"    key: id\n"
	"    fields: { id: integer, \"my field\": text }\n"
	"  quoted: { key: a b, fields: { a b: integer } }\n"
	"  t:\n"
	"    tally: r\n"
	"    by: u\n"
	"routes:\n";

static const char common_reply[] = "s\n"
								   "r key u,i counted t\n"
								   "  u integer key required\n"
								   "  i integer key required\n"
								   "  kind integer required\n"
								   "  note text\n"
								   "  j json\n"
								   "one key id\n"
								   "  id integer key required\n"
								   "  my field text\n"
								   "quoted key a b\n"
								   "  a b integer key required\n"
								   "t key u tally r by u\n"
								   "  u integer key required never\n"
								   "  count integer required never\n";

static const struct load_row reply_rows[] = {
	{__LINE__, "  GET /r: { reply: { message: ok } }\n",
	 "GET /r [r] reply json {\"message\":\"ok\"}\n"},
	{__LINE__, "  GET /r: { reply: { ok: true, n: [1, 2.50, null], t: \"1\" } }\n",
	 "GET /r [r] reply json {\"ok\":true,\"n\":[1,2.50,null],\"t\":\"1\"}\n"},
	{__LINE__, "  GET /r: { reply: [] }\n", "GET /r [r] reply json []\n"},
	{__LINE__, "  GET /r: { reply: {} }\n", "GET /r [r] reply json {}\n"},
	{__LINE__, "  GET /r: { reply: pong }\n", "GET /r [r] reply text pong\n"},
	{__LINE__, "  GET /r: { reply: \"\" }\n", "GET /r [r] reply text \n"},
	{__LINE__, "  GET /r: { reply: \"204\" }\n", "GET /r [r] reply text 204\n"},
	{__LINE__, "  GET /r: { reply: 204 }\n", "GET /r [r] reply status 204\n"},
	{__LINE__,
	 "  GET /r: { reply: 200 }\n"
	 "  GET /s: { reply: 599 }\n",
	 "GET /r [r] reply status 200\n"
	 "GET /s [s] reply status 599\n"},
	{__LINE__, "  GET /r: { reply: 199 }\n",
	 ":14:20: a number in `reply` is a status from 200 to 599\n"},
	{__LINE__, "  GET /r: { reply: 600 }\n",
	 ":14:20: a number in `reply` is a status from 200 to 599\n"},
	{__LINE__, "  GET /r: { reply: 2.5 }\n", ":14:20: a number in `reply` is an integer\n"},
	{__LINE__, "  GET /r: { reply: 0xCC }\n", ":14:20: a number in `reply` is an integer\n"},
	{__LINE__, "  GET /r: { reply: true }\n",
	 ":14:20: `reply` is a map, a list, a text or a status\n"
	 "    hint: a text is written in quotes\n"},
	{__LINE__, "  GET /r: { reply: null }\n",
	 ":14:20: `reply` has no value\n"
	 "    hint: reply: 204 answers nothing\n"},
	{__LINE__, "  GET /r: { reply: }\n",
	 ":14:20: `reply` has no value\n"
	 "    hint: reply: 204 answers nothing\n"},
	{__LINE__, "  GET /r: { reply: { a: .5, b: [+1] } }\n",
	 ":14:25: .5 is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"
	 ":14:33: +1 is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"},
	{__LINE__, "  GET /r: { reply: \"${NAME}\" }\n", "GET /r [r] reply text fromenv\n"},
	{__LINE__, "  GET /r: { reply: { v: \"${PORT}\" } }\n",
	 "GET /r [r] reply json {\"v\":\"8080\"}\n"},
	{__LINE__, "  GET /r: { reply: \"${PORT}\" }\n", "GET /r [r] reply text 8080\n"},
	{__LINE__, "  GET /r: { reply: \"${NOT_SET}\" }\n",
	 ":14:20: the environment variable NOT_SET is not set\n"
	 "    hint: set it, or give a default: ${NAME:-default}\n"},
	{__LINE__, "  GET /r: { reply: { v: \"${NOT_SET}\" } }\n",
	 ":14:25: the environment variable NOT_SET is not set\n"
	 "    hint: set it, or give a default: ${NAME:-default}\n"},
	{__LINE__, "  GET /r: { list: r, reply: 204 }\n",
	 ":14:22: `reply` makes no sense with `list`\n"},
	{__LINE__, "  GET /r/{u}/{i}: { get: r, reply: { a: b } }\n",
	 ":14:29: `reply` makes no sense with `get`\n"},
	{__LINE__,
	 "  POST /r: { insert: r, reply: 201 }\n"
	 "  PUT /r: { upsert: r, reply: done }\n"
	 "  DELETE /r: { delete: r, reply: { ok: true } }\n",
	 "POST /r [r] insert r status 201\n"
	 "PUT /r [r] upsert r text done\n"
	 "DELETE /r [r] delete r json {\"ok\":true}\n"},
	{__LINE__,
	 "  PUT /r/{u}/{i}: { replace: r, reply: 204 }\n"
	 "  PATCH /r/{u}: { update: r, reply: 204 }\n",
	 "PUT /r/{u}/{i} [r $u $i] replace r status 204\n"
	 "PATCH /r/{u} [r $u] update r status 204\n"},
	{__LINE__,
	 "  GET /r:\n"
	 "    reply: |\n"
	 "      two\n"
	 "      lines\n"
	 "\n",
	 "GET /r [r] reply text two\n"
	 "lines\n"
	 "\n"},
};

static void test_reply(void **state)
{
	(void)state;
	test_load_rows(before_reply, common_reply, ROWS(reply_rows));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_word),
		cmocka_unit_test(test_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
