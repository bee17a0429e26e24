#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* Methods and paths; the route stands in line 3. */
static const char before_path[] = "service: s\n"
								  "routes:\n";

static const char common_path[] = "s\n";

static const struct load_row path_rows[] = {
	{__LINE__, "  GET /: { reply: 204 }\n", "GET / reply status 204\n"},
	{__LINE__, "  GET /a/b/: { reply: 204 }\n", "GET /a/b [a b] reply status 204\n"},
	{__LINE__, "  GET   /a : { reply: 204 }\n", "GET /a [a] reply status 204\n"},
	{__LINE__,
	 "  POST /a: { reply: 204 }\n"
	 "  PUT /a: { reply: 204 }\n"
	 "  PATCH /a: { reply: 204 }\n"
	 "  DELETE /a: { reply: 204 }\n",
	 "POST /a [a] reply status 204\n"
	 "PUT /a [a] reply status 204\n"
	 "PATCH /a [a] reply status 204\n"
	 "DELETE /a [a] reply status 204\n"},
	{__LINE__, "  GET: { reply: 204 }\n",
	 ":3:3: the path \"\" does not begin with a slash\n"
	 "    hint: a route is METHOD /path\n"},
	{__LINE__, "  /a: { reply: 204 }\n",
	 ":3:3: \"/a\" is no method of a route\n"
	 "    hint: a route is METHOD /path, with GET, POST, PUT, PATCH or DELETE\n"},
	{__LINE__, "  GET a: { reply: 204 }\n",
	 ":3:3: the path \"a\" does not begin with a slash\n"
	 "    hint: a route is METHOD /path\n"},
	{__LINE__, "  get /a: { reply: 204 }\n",
	 ":3:3: \"get\" is no method of a route\n"
	 "    hint: did you mean \"GET\"?\n"},
	{__LINE__, "  GETT /a: { reply: 204 }\n",
	 ":3:3: \"GETT\" is no method of a route\n"
	 "    hint: did you mean \"GET\"?\n"},
	{__LINE__, "  HEAD /a: { reply: 204 }\n",
	 ":3:3: \"HEAD\" is no method of a route\n"
	 "    hint: a route is METHOD /path, with GET, POST, PUT, PATCH or DELETE\n"},
	{__LINE__, "  OPTIONS /a: { reply: 204 }\n",
	 ":3:3: \"OPTIONS\" is no method of a route\n"
	 "    hint: a route is METHOD /path, with GET, POST, PUT, PATCH or DELETE\n"},
	{__LINE__, "  \"\": { reply: 204 }\n",
	 ":3:3: \"\" is no method of a route\n"
	 "    hint: a route is METHOD /path, with GET, POST, PUT, PATCH or DELETE\n"},
	{__LINE__, "  GET//a: { reply: 204 }\n",
	 ":3:3: \"GET//a\" is no method of a route\n"
	 "    hint: a route is METHOD /path, with GET, POST, PUT, PATCH or DELETE\n"},
	{__LINE__, "  GET //a: { reply: 204 }\n", ":3:3: the path \"//a\" has an empty segment\n"},
	{__LINE__, "  GET /a//b: { reply: 204 }\n", ":3:3: the path \"/a//b\" has an empty segment\n"},
	{__LINE__, "  GET /a//: { reply: 204 }\n", ":3:3: the path \"/a//\" has an empty segment\n"},
	{__LINE__, "  GET //: { reply: 204 }\n", ":3:3: the path \"//\" has an empty segment\n"},
	{__LINE__, "  GET /a b: { reply: 204 }\n",
	 ":3:3: the path \"/a b\" has a character that cannot stand in it\n"
	 "    hint: write the path as it is after decoding, without a query string\n"},
	{__LINE__, "  GET /a?b=1: { reply: 204 }\n",
	 ":3:3: the path \"/a?b=1\" has a character that cannot stand in it\n"
	 "    hint: write the path as it is after decoding, without a query string\n"},
	{__LINE__, "  \"GET /a#b\": { reply: 204 }\n",
	 ":3:3: the path \"/a#b\" has a character that cannot stand in it\n"
	 "    hint: write the path as it is after decoding, without a query string\n"},
	{__LINE__, "  GET /a%20b: { reply: 204 }\n",
	 ":3:3: the path \"/a%20b\" has a character that cannot stand in it\n"
	 "    hint: write the path as it is after decoding, without a query string\n"},
	{__LINE__, "  GET /\xc3\xa9: { reply: 204 }\n", "GET /\xc3\xa9 [\xc3\xa9] reply status 204\n"},
	{__LINE__, "  GET /./a: { reply: 204 }\n",
	 ":3:3: the path \"/./a\" has a segment of dots, which no request can have\n"},
	{__LINE__, "  GET /a/..: { reply: 204 }\n",
	 ":3:3: the path \"/a/..\" has a segment of dots, which no request can have\n"},
	{__LINE__, "  GET /.well-known/x: { reply: 204 }\n",
	 "GET /.well-known/x [.well-known x] reply status 204\n"},
	{__LINE__, "  GET /.rowlock: { reply: 204 }\n",
	 ":3:3: the path \"/.rowlock\" is one of the system's pages\n"},
	{__LINE__, "  GET /.rowlock/x: { reply: 204 }\n",
	 ":3:3: the path \"/.rowlock/x\" is one of the system's pages\n"},
	{__LINE__, "  GET /a/.rowlock: { reply: 204 }\n",
	 "GET /a/.rowlock [a .rowlock] reply status 204\n"},
	{__LINE__, "  GET /a{b}: { reply: 204 }\n",
	 ":3:3: the path \"/a{b}\" has a parameter that is only part of a segment\n"
	 "    hint: a parameter is a whole segment: /{name}/\n"},
	{__LINE__, "  GET /{a}b: { reply: 204 }\n",
	 ":3:3: the path \"/{a}b\" has a parameter that is only part of a segment\n"
	 "    hint: a parameter is a whole segment: /{name}/\n"},
	{__LINE__, "  GET /{}: { reply: 204 }\n",
	 ":3:3: the path \"/{}\" has a parameter without a good name\n"
	 "    hint: a parameter is a whole segment: /{name}/\n"},
	{__LINE__, "  GET /{a}{b}: { reply: 204 }\n",
	 ":3:3: the path \"/{a}{b}\" has a parameter without a good name\n"
	 "    hint: a parameter is a whole segment: /{name}/\n"},
	{__LINE__, "  GET /{a?}: { reply: 204 }\n",
	 ":3:3: the path \"/{a?}\" has an optional parameter\n"
	 "    hint: optional parameters are of the query string, and stand in `where`\n"},
	{__LINE__, "  GET /{claims.sub}: { reply: 204 }\n",
	 ":3:3: the path \"/{claims.sub}\" has a parameter without a good name\n"
	 "    hint: a parameter is a whole segment: /{name}/\n"},
	{__LINE__, "  GET /{a: { reply: 204 }\n",
	 ":3:3: the path \"/{a\" has a parameter that is only part of a segment\n"
	 "    hint: a parameter is a whole segment: /{name}/\n"},
	{__LINE__, "  GET /a}: { reply: 204 }\n",
	 ":3:3: the path \"/a}\" has a parameter that is only part of a segment\n"
	 "    hint: a parameter is a whole segment: /{name}/\n"},
	{__LINE__, "  GET /{x}: { reply: 204 }\n",
	 ":3:3: the parameter {x} is neither a field nor used in `where`\n"
	 "    hint: a route that only replies takes no parameters\n"},
	{__LINE__,
	 "  GET /a: { reply: 204 }\n"
	 "  GET /a/: { reply: 204 }\n",
	 ":4:3: the route in line 3 answers the same requests\n"},
	{__LINE__,
	 "  GET /a: { reply: 204 }\n"
	 "  GET /b: { reply: 204 }\n"
	 "  POST /a: { reply: 204 }\n",
	 "GET /a [a] reply status 204\n"
	 "GET /b [b] reply status 204\n"
	 "POST /a [a] reply status 204\n"},
	{__LINE__,
	 "  GET /a: { reply: 204 }\n"
	 "  GET /A: { reply: 204 }\n",
	 "GET /a [a] reply status 204\n"
	 "GET /A [A] reply status 204\n"},
};

static void test_path(void **state)
{
	(void)state;
	test_load_rows(before_path, common_path, ROWS(path_rows));
}

/* Actions; the route stands in line 14. */
static const char before_action[] =
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

static const char common_action[] = "s\n"
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

static const struct load_row action_rows[] = {
	{__LINE__, "  GET /r: { list: r }\n", "GET /r [r] list r\n"},
	{__LINE__, "  GET /r/{u}/{i}: { get: r }\n", "GET /r/{u}/{i} [r $u $i] get r\n"},
	{__LINE__, "  POST /r: { insert: r }\n", "POST /r [r] insert r\n"},
	{__LINE__,
	 "  PUT /r/{u}/{i}: { upsert: r }\n"
	 "  PATCH /r/{u}/{i}: { update: r }\n",
	 "PUT /r/{u}/{i} [r $u $i] upsert r\n"
	 "PATCH /r/{u}/{i} [r $u $i] update r\n"},
	{__LINE__,
	 "  PUT /r/{u}/{i}: { replace: r }\n"
	 "  DELETE /r/{u}: { delete: r }\n",
	 "PUT /r/{u}/{i} [r $u $i] replace r\n"
	 "DELETE /r/{u} [r $u] delete r\n"},
	{__LINE__, "  POST /r: { list: r }\n",
	 ":14:14: `list` cannot stand under POST\n"
	 "    hint: reads are for GET\n"},
	{__LINE__, "  DELETE /r/{u}/{i}: { get: r }\n",
	 ":14:24: `get` cannot stand under DELETE\n"
	 "    hint: reads are for GET\n"},
	{__LINE__, "  GET /r: { insert: r }\n",
	 ":14:13: `insert` cannot stand under GET\n"
	 "    hint: a GET changes nothing: use POST, PUT, PATCH or DELETE\n"},
	{__LINE__, "  GET /r: { upsert: r }\n",
	 ":14:13: `upsert` cannot stand under GET\n"
	 "    hint: a GET changes nothing: use POST, PUT, PATCH or DELETE\n"},
	{__LINE__, "  GET /r/{u}/{i}: { replace: r }\n",
	 ":14:21: `replace` cannot stand under GET\n"
	 "    hint: a GET changes nothing: use POST, PUT, PATCH or DELETE\n"},
	{__LINE__, "  GET /r: { update: r }\n",
	 ":14:13: `update` cannot stand under GET\n"
	 "    hint: a GET changes nothing: use POST, PUT, PATCH or DELETE\n"},
	{__LINE__, "  GET /r: { delete: r }\n",
	 ":14:13: `delete` cannot stand under GET\n"
	 "    hint: a GET changes nothing: use POST, PUT, PATCH or DELETE\n"},
	{__LINE__, "  GET /r: {}\n",
	 ":14:3: the route does nothing\n"
	 "    hint: such as { list: RESOURCE }, or only { reply: \xe2\x80\xa6 }\n"},
	{__LINE__, "  GET /r:\n", ":14:10: a route is a map of entries `word: value`\n"},
	{__LINE__, "  GET /r: r\n", ":14:11: a route is a map of entries `word: value`\n"},
	{__LINE__, "  GET /r: [list, r]\n", ":14:11: a route is a map of entries `word: value`\n"},
	{__LINE__, "  GET /r: { select: u }\n",
	 ":14:3: the route does nothing\n"
	 "    hint: such as { list: RESOURCE }, or only { reply: \xe2\x80\xa6 }\n"},
	{__LINE__, "  GET /r: { list: r, get: r }\n", ":14:3: a route has one action, not 2\n"},
	{__LINE__, "  GET /r: { list: r, insert: r, delete: r }\n",
	 ":14:3: a route has one action, not 3\n"},
	{__LINE__, "  GET /r: { list: q }\n", ":14:19: `list`: there is no resource \"q\"\n"},
	{__LINE__, "  GET /r: { list: R }\n",
	 ":14:19: `list`: there is no resource \"R\"\n"
	 "    hint: did you mean \"r\"?\n"},
	{__LINE__, "  GET /r: { list: }\n", ":14:19: `list` has no value\n"},
	{__LINE__, "  GET /r: { list: [r] }\n", ":14:19: `list` is one text, not a list\n"},
	{__LINE__, "  GET /r: { lst: r }\n",
	 ":14:3: the route does nothing\n"
	 "    hint: such as { list: RESOURCE }, or only { reply: \xe2\x80\xa6 }\n"
	 ":14:13: unknown word \"lst\" in a route\n"
	 "    hint: did you mean \"list\"?\n"},
	{__LINE__, "  GET /r: { list: r, then: GET /r }\n",
	 ":14:22: `then` makes no sense with `list`\n"},
	{__LINE__, "  POST /r: { reply: 200, then: GET /r }\n",
	 ":14:26: `then` makes no sense with `reply`\n"},
	{__LINE__, "  POST /r: { insert: r, then: GET /r }\n",
	 ":14:31: `then` names no route that reads rows\n"
	 "    hint: then: GET /path, as the other route has it\n"},
	{__LINE__,
	 "  GET /ping: { reply: ok }\n"
	 "  POST /r: { insert: r, then: GET /ping }\n",
	 ":15:31: `then` names no route that reads rows\n"
	 "    hint: then: GET /path, as the other route has it\n"},
	{__LINE__,
	 "  GET /r: { list: r }\n"
	 "  POST /r: { insert: r, then: POST /r }\n",
	 ":15:31: `then` names no route that reads rows\n"
	 "    hint: then: GET /path, as the other route has it\n"},
	{__LINE__,
	 "  GET /r: { list: r }\n"
	 "  POST /r: { insert: r, then: GET /r, reply: ok }\n"
	 "  POST /s: { insert: r, then: GET /r, select: u }\n",
	 ":15:25: `then` and `reply` cannot stand together\n"
	 ":16:25: `then` and `select` cannot stand together\n"},
	{__LINE__,
	 "  GET /r/{u}: { list: r }\n"
	 "  POST /r: { insert: r, then: \"GET /r/{u}\" }\n",
	 ":15:31: `then`: nothing fills {u}\n"
	 "    hint: both paths need a parameter of that name\n"},
	{__LINE__,
	 "  GET /r/{u}: { list: r }\n"
	 "  DELETE /r/{u}: { delete: r, then: \"GET /r/{u}/\" }\n",
	 "GET /r/{u} [r $u] list r\n"
	 "DELETE /r/{u} [r $u] delete r then GET /r/{u}\n"},
	{__LINE__, "  GET /r: { list: r, limit: 5 }\n",
	 ":14:22: unknown word \"limit\" in a route\n"
	 "    hint: known here: list, get, insert, upsert, replace, update, delete, reply, "
	 "select, order, where, from, needs, values, empty, then\n"},
	{__LINE__, "  GET /r: { reply: 200, delay: 3 }\n",
	 ":14:25: unknown word \"delay\" in a route\n"
	 "    hint: known here: list, get, insert, upsert, replace, update, delete, reply, "
	 "select, order, where, from, needs, values, empty, then\n"},
	{__LINE__,
	 "  GET /r/{u}/{i}: { list: r }\n"
	 "  GET /r/{i}/{u}: { list: r }\n",
	 ":15:3: the route in line 14 answers the same requests\n"},
	{__LINE__,
	 "  GET /{u}/x: { list: r }\n"
	 "  GET /{u}/{i}: { list: r }\n",
	 "GET /{u}/x [$u x] list r\n"
	 "GET /{u}/{i} [$u $i] list r\n"},
	{__LINE__, "  GET /r/{u}/{u}: { list: r }\n",
	 ":14:3: the path \"/r/{u}/{u}\" has a parameter twice\n"},
	{__LINE__, "  GET /r/{user}: { list: r }\n",
	 ":14:3: the parameter {user} is neither a field nor used in `where`\n"
	 "    hint: name it as a field, or use it in `where`\n"},
	{__LINE__, "  GET /r/{kin}: { list: r }\n",
	 ":14:3: the parameter {kin} is neither a field nor used in `where`\n"
	 "    hint: did you mean {kind}?\n"},
	{__LINE__, "  GET /r/{j}: { list: r }\n",
	 ":14:3: the parameter {j}: a json field cannot stand in a path\n"},
	{__LINE__, "  GET /one/{my field}: { list: one }\n",
	 "GET /one/{my field} [one $my field] list one\n"},
	{__LINE__, "  GET /r/{u}: { get: r }\n",
	 ":14:17: `get` needs the whole key: \"i\" is missing\n"
	 "    hint: put {i} into the path, or use `list`\n"},
	{__LINE__, "  PUT /r: { replace: r }\n",
	 ":14:13: `replace` needs the whole key: \"u\" is missing\n"
	 "    hint: put {u} into the path, or use `update`\n"
	 ":14:13: `replace` needs the whole key: \"i\" is missing\n"
	 "    hint: put {i} into the path, or use `update`\n"},
	{__LINE__, "  GET /r/{u}: { get: r, where: \"i=eq.{u}\" }\n",
	 "GET /r/{u} [r $u] get r where i=eq.{u}\n"},
	{__LINE__, "  GET /r: { get: r, where: [\"u=eq.1\", \"note=is.null&i=eq.2\"] }\n",
	 "GET /r [r] get r where u=eq.1 where note=is.null&i=eq.2\n"},
	{__LINE__, "  GET /r: { get: r, where: [\"u=eq.{u?}\", \"i=eq.{i?}\"] }\n",
	 ":14:13: `get` needs the whole key: \"u\" is missing\n"
	 "    hint: put {u} into the path, or use `list`\n"
	 ":14:13: `get` needs the whole key: \"i\" is missing\n"
	 "    hint: put {i} into the path, or use `list`\n"},
	{__LINE__, "  GET /r/{a}: { get: r, where: [\"u=eq.{a}\", \"i=neq.{a}\"] }\n",
	 ":14:17: `get` needs the whole key: \"i\" is missing\n"
	 "    hint: put {i} into the path, or use `list`\n"},
	{__LINE__, "  GET /one/{x}: { list: one, where: '\"my field\"=eq.{x}' }\n",
	 "GET /one/{x} [one $x] list one where \"my field\"=eq.{x}\n"},
	{__LINE__, "  PATCH /r/{u}: { update: r }\n", "PATCH /r/{u} [r $u] update r\n"},
	{__LINE__, "  GET /q/{x}: { get: quoted, where: '\"a b\"=eq.{x}' }\n",
	 "GET /q/{x} [q $x] get quoted where \"a b\"=eq.{x}\n"},
	{__LINE__, "  GET /q/{y}: { get: quoted, where: [*a, 'b=eq.{x}'] }\n",
	 ":14:38: aliases (*a) are not allowed\n"
	 "    hint: write the part out\n"
	 ":14:42: {x} is no parameter of the path\n"
	 "    hint: a parameter of the query string is written {x?}\n"},
	{__LINE__, "  GET /t/{u}: { get: t }\n", "GET /t/{u} [t $u] get t\n"},
	{__LINE__, "  GET /t: { list: t, select: \"u,count\", order: count.desc }\n",
	 "GET /t [t] list t select u,count order count.desc\n"},
	{__LINE__, "  POST /t: { insert: t }\n",
	 ":14:22: \"t\" is a tally, which is only read\n"
	 "    hint: write to the resource that it counts\n"},
	{__LINE__,
	 "  PUT /t/{u}: { upsert: t }\n"
	 "  PATCH /t/{u}: { update: t }\n"
	 "  DELETE /t/{u}: { delete: t }\n",
	 ":14:25: \"t\" is a tally, which is only read\n"
	 "    hint: write to the resource that it counts\n"
	 ":15:27: \"t\" is a tally, which is only read\n"
	 "    hint: write to the resource that it counts\n"
	 ":16:28: \"t\" is a tally, which is only read\n"
	 "    hint: write to the resource that it counts\n"},
};

static void test_action(void **state)
{
	(void)state;
	test_load_rows(before_action, common_action, ROWS(action_rows));
}

/* Several mistakes at once. */
static const char before_many[] =
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

static const char common_many[] = "s\n"
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

static const struct load_row many_rows[] = {
	{__LINE__,
	 "  GET /r: { list: q, select: }\n"
	 "  get /x: { lst: r }\n"
	 "  POST /r/{x}: { insert: r, where: a, order: b }\n"
	 "  GET /r/: { list: r }\n"
	 "  PUT /t: { upsert: t, then: x }\n",
	 ":14:19: `list`: there is no resource \"q\"\n"
	 ":14:30: `select` has no value\n"
	 ":15:3: \"get\" is no method of a route\n"
	 "    hint: did you mean \"GET\"?\n"
	 ":15:3: the route does nothing\n"
	 "    hint: such as { list: RESOURCE }, or only { reply: \xe2\x80\xa6 }\n"
	 ":15:13: unknown word \"lst\" in a route\n"
	 "    hint: did you mean \"list\"?\n"
	 ":16:3: the parameter {x} is neither a field nor used in `where`\n"
	 "    hint: name it as a field, or use it in `where`\n"
	 ":16:29: `where` makes no sense with `insert`\n"
	 ":16:39: `order` makes no sense with `insert`\n"
	 ":17:3: the route in line 14 answers the same requests\n"
	 ":18:21: \"t\" is a tally, which is only read\n"
	 "    hint: write to the resource that it counts\n"
	 ":18:30: `then` names no route that reads rows\n"
	 "    hint: then: GET /path, as the other route has it\n"},
};

static void test_many(void **state)
{
	(void)state;
	test_load_rows(before_many, common_many, ROWS(many_rows));
}

/* Resources without a key, or only read; the routes begin in line 6. */
static const char before_limited[] = "service: s\n"
									 "resources:\n"
									 "  v: { key: [], fields: { a: integer } }\n"
									 "  ro: { key: id, read_only: true, fields: { id: integer } }\n"
									 "routes:\n";

static const char common_limited[] = "s\n"
									 "v\n"
									 "  a integer\n"
									 "ro key id read_only\n"
									 "  id integer key required\n";

static const struct load_row limited_rows[] = {
	{__LINE__,
	 "  GET /v: { list: v, where: \"a=eq.{a?}\", values: a }\n"
	 "  POST /v: { insert: v }\n"
	 "  PATCH /v/{a}: { update: v }\n"
	 "  DELETE /v: { delete: v }\n",
	 "GET /v [v] list v where a=eq.{a?} values a\n"
	 "POST /v [v] insert v\n"
	 "PATCH /v/{a} [v $a] update v\n"
	 "DELETE /v [v] delete v\n"},
	{__LINE__, "  GET /v/{a}: { get: v }\n",
	 ":6:17: `get` needs a key: \"v\" has none\n"
	 "    hint: use `list`\n"},
	{__LINE__, "  PUT /v/{a}: { upsert: v }\n",
	 ":6:17: `upsert` needs a key: \"v\" has none\n"
	 "    hint: use `insert`\n"},
	{__LINE__, "  PUT /v/{a}: { replace: v, where: a=eq.1 }\n",
	 ":6:17: `replace` needs a key: \"v\" has none\n"
	 "    hint: use `update`\n"},
	{__LINE__,
	 "  GET /ro: { list: ro }\n"
	 "  GET /ro/{id}: { get: ro }\n",
	 "GET /ro [ro] list ro\n"
	 "GET /ro/{id} [ro $id] get ro\n"},
	{__LINE__,
	 "  POST /ro: { insert: ro }\n"
	 "  PUT /ro/{id}: { upsert: ro }\n"
	 "  PUT /r/{id}: { replace: ro }\n"
	 "  PATCH /ro: { update: ro }\n"
	 "  DELETE /ro: { delete: ro }\n",
	 ":6:23: \"ro\" is read only\n"
	 "    hint: use `list` or `get`\n"
	 ":7:27: \"ro\" is read only\n"
	 "    hint: use `list` or `get`\n"
	 ":8:27: \"ro\" is read only\n"
	 "    hint: use `list` or `get`\n"
	 ":9:24: \"ro\" is read only\n"
	 "    hint: use `list` or `get`\n"
	 ":10:25: \"ro\" is read only\n"
	 "    hint: use `list` or `get`\n"},
};

static void test_limited(void **state)
{
	(void)state;
	test_load_rows(before_limited, common_limited, ROWS(limited_rows));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_action),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
