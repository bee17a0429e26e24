#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* Keys, names and words of a resource; the resource stands in line 3. */
static const char before_key[] = "service: s\n"
								 "resources:\n";

static const struct load_row key_rows[] = {
	{__LINE__, "  r: { key: id, fields: { id: integer } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"},
	{__LINE__, "  r: { key: [id], fields: { id: text } }\n",
	 "s\n"
	 "r key id\n"
	 "  id text key required\n"},
	{__LINE__, "  r: { key: [b, a], fields: { a: text, b: uuid, c: json } }\n",
	 "s\n"
	 "r key b,a\n"
	 "  a text key required\n"
	 "  b uuid key required\n"
	 "  c json\n"},
	{__LINE__, "  r: { fields: { id: integer } }\n",
	 ":3:3: the resource \"r\" has no key\n"
	 "    hint: such as `key: id` with a field `id: { type: uuid, default: auto }`\n"},
	{__LINE__, "  r: { key: id }\n",
	 ":3:3: the resource \"r\" has no fields\n"
	 "    hint: fields: { NAME: TYPE, \xe2\x80\xa6 }\n"},
	{__LINE__, "  r:\n", ":3:5: a resource is a map of entries `word: value`\n"},
	{__LINE__, "  r: text\n", ":3:6: a resource is a map of entries `word: value`\n"},
	{__LINE__, "  r: []\n", ":3:6: a resource is a map of entries `word: value`\n"},
	{__LINE__, "  r: {}\n",
	 ":3:3: the resource \"r\" has no fields\n"
	 "    hint: fields: { NAME: TYPE, \xe2\x80\xa6 }\n"
	 ":3:3: the resource \"r\" has no key\n"
	 "    hint: such as `key: id` with a field `id: { type: uuid, default: auto }`\n"},
	{__LINE__, "  r: { key: id, fields: {} }\n", ":3:25: a resource has 1 to 1000 fields\n"},
	{__LINE__, "  r: { key: id, fields: }\n",
	 ":3:25: `fields` is a map of entries `word: value`\n"},
	{__LINE__, "  r: { key: id, fields: [id] }\n",
	 ":3:25: `fields` is a map of entries `word: value`\n"},
	{__LINE__,
	 "  r: { key: [], fields: { id: integer, a: { type: uuid, default: auto } }, index: a }\n",
	 "s\n"
	 "r\n"
	 "  id integer\n"
	 "  a uuid auto\n"
	 "  index a\n"},
	{__LINE__, "  r: { key: [], fields: { id: { type: integer, default: auto } } }\n",
	 ":3:57: default: auto is for a uuid, or an integer that is the whole key\n"},
	{__LINE__,
	 "  r: { key: [], fields: { id: { type: integer, required: true } } }\n"
	 "  t: { tally: r, by: id }\n",
	 "s\n"
	 "r counted t\n"
	 "  id integer required\n"
	 "t key id tally r by id\n"
	 "  id integer key required never\n"
	 "  count integer required never\n"},
	{__LINE__, "  r: { key: [[]], fields: { id: integer } }\n",
	 ":3:14: `key` is one text, not a list\n"},
	{__LINE__, "  r: { key: id, read_only: true, fields: { id: integer } }\n",
	 "s\n"
	 "r key id read_only\n"
	 "  id integer key required\n"},
	{__LINE__, "  r: { key: id, read_only: false, fields: { id: integer } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"},
	{__LINE__, "  r: { key: [], read_only: True, fields: { id: integer } }\n",
	 "s\n"
	 "r read_only\n"
	 "  id integer\n"},
	{__LINE__, "  r: { key: id, read_only: yes, fields: { id: integer } }\n",
	 ":3:28: `read_only` is true or false\n"
	 "    hint: write true or false\n"},
	{__LINE__, "  r: { key: id, read_only: , fields: { id: integer } }\n",
	 ":3:28: `read_only` is true or false\n"},
	{__LINE__, "  r: { key: id, read_only: *a, fields: { id: integer } }\n",
	 ":3:28: aliases (*a) are not allowed\n"
	 "    hint: write the part out\n"},
	{__LINE__, "  r: { key: , fields: { id: integer } }\n", ":3:13: `key` has no value\n"},
	{__LINE__, "  r: { key: {}, fields: { id: integer } }\n",
	 ":3:13: `key` is one text, not a map\n"},
	{__LINE__, "  r: { key: ids, fields: { id: integer } }\n",
	 ":3:13: `key`: \"r\" has no field \"ids\"\n"
	 "    hint: did you mean \"id\"?\n"},
	{__LINE__, "  r: { key: [id, id], fields: { id: integer } }\n",
	 ":3:18: `key` names \"id\" twice\n"},
	{__LINE__, "  r: { key: [id, [a]], fields: { id: integer, a: text } }\n",
	 ":3:18: `key` is one text, not a list\n"},
	{__LINE__, "  r: { key: id, fields: { id: json } }\n",
	 ":3:13: `key`: \"id\" is json, which cannot be a key\n"},
	{__LINE__, "  r: { key: id, fields: { id: { type: integer, default: auto } } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key auto\n"},
	{__LINE__, "  r: { key: [id, a], fields: { id: { type: integer, default: auto }, a: text } }\n",
	 ":3:62: default: auto is for a uuid, or an integer that is the whole key\n"},
	{__LINE__, "  r: { key: [id, a], fields: { id: { type: uuid, default: auto }, a: text } }\n",
	 "s\n"
	 "r key id,a\n"
	 "  id uuid key auto\n"
	 "  a text key required\n"},
	{__LINE__, "  r: { key: id, fields: { id: { type: integer, default: 1, required: true } } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required default 1\n"},
	{__LINE__, "  r: { key: id, fields: { id: { type: integer, default: database } } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required database\n"},
	{__LINE__,
	 "  r: { key: [id, a], fields: { id: { type: integer, default: database }, a: text } }\n",
	 "s\n"
	 "r key id,a\n"
	 "  id integer key required database\n"
	 "  a text key required\n"},
	{__LINE__,
	 "  r: { key: [id], fields: { id: { type: integer, default: database } } }\n"
	 "  t: { tally: r, by: id }\n",
	 "s\n"
	 "r key id counted t\n"
	 "  id integer key required database\n"
	 "t key id tally r by id\n"
	 "  id integer key required never\n"
	 "  count integer required never\n"},
	{__LINE__, "  r: { key: id, fields: { id: { type: integer, required: false } } }\n",
	 ":3:58: a field of the key is always required\n"},
	{__LINE__, "  r: { key: id, fields: { id: { type: integer, write: once } } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required once\n"},
	{__LINE__,
	 "  r: { key: [ids, a], fields: { id: { type: integer, default: auto }, a: integer } "
	 "}\n",
	 ":3:14: `key`: \"r\" has no field \"ids\"\n"
	 "    hint: did you mean \"id\"?\n"},
	{__LINE__, "  r: { key: true, fields: { true: integer } }\n",
	 "s\n"
	 "r key true\n"
	 "  true integer key required\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer }, check: { a: b }, rules: {}, at: y "
	 "}\n",
	 ":3:42: `check` cannot stand beside `at`\n"
	 "    hint: write it in the service file there\n"
	 ":3:59: `rules` cannot stand beside `at`\n"
	 "    hint: write it in the service file there\n"
	 ":3:74: `at` is no base URL of a service\n"
	 "    hint: write http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:5010\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer }, load: x.csv }\n"
	 "  s: { key: id, fields: { id: integer }, load: { file: /x/y.json, mode: replace } }\n"
	 "  t: { key: id, fields: { id: integer }, load: { file: \"${DIR}/x.csv\", mode: add } }\n"
	 "  u: { key: id, fields: { id: integer }, load: { file: off, mode: add } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  load once there/x.csv\n"
	 "s key id\n"
	 "  id integer key required\n"
	 "  load replace /x/y.json\n"
	 "t key id\n"
	 "  id integer key required\n"
	 "  load add data/x.csv\n"
	 "u key id\n"
	 "  id integer key required\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer }, load: { mode: all, fiel: x } }\n"
	 "  s: { key: [], fields: { id: integer }, load: x.csv }\n"
	 "  t: { key: id, fields: { id: integer }, read_only: true, load: x.csv }\n"
	 "  v: { tally: r, by: id, load: x.csv }\n"
	 "  w: { key: id, fields: { id: integer }, load: [x.csv] }\n",
	 ":3:42: `load` names no file\n"
	 "    hint: load: { file: people.csv, mode: replace }\n"
	 ":3:56: `mode` is once, add or replace, not \"all\"\n"
	 ":3:61: unknown word \"fiel\" in `load`\n"
	 "    hint: known here: file, mode\n"
	 ":4:42: `load`: the rows of \"s\" cannot be written\n"
	 ":5:59: `load`: the rows of \"t\" cannot be written\n"
	 ":6:26: `load` cannot stand beside `tally`\n"
	 "    hint: a tally is read only; its fields are those that `by` names, and `count`\n"
	 ":7:48: `load` is a map of entries `word: value`\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: \"text(5)\" }, search: [b, a] }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  a text\n"
	 "  b text(5)\n"
	 "  search b,a\n"},
	{__LINE__, "  r: { key: a, fields: { a: text }, search: a }\n",
	 "s\n"
	 "r key a\n"
	 "  a text key required\n"
	 "  search a\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: json, b: uuid }, search: [id, a, b] }\n",
	 ":3:68: `search`: \"id\" is integer, not text\n"
	 ":3:68: `search`: \"a\" is json, not text\n"
	 ":3:68: `search`: \"b\" is uuid, not text\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: text }, search: [a, a] }\n",
	 ":3:63: `search` names \"a\" twice\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: text }, search: aa }\n",
	 ":3:59: `search`: \"r\" has no field \"aa\"\n"
	 "    hint: did you mean \"a\"?\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: text }, search: [] }\n",
	 ":3:59: `search` names at least one field\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: text }, search: a, read_only: true }\n",
	 ":3:51: `search` is not for rows that are only read\n"},
	{__LINE__, "  r: { key: [], fields: { a: text }, search: a }\n",
	 ":3:38: `search` is for rows with a key\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer }, indx: id }\n",
	 ":3:42: unknown word \"indx\" in a resource\n"
	 "    hint: did you mean \"index\"?\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer }, ttl: 5 }\n",
	 ":3:42: unknown word \"ttl\" in a resource\n"
	 "    hint: known here: key, fields, unique, check, index, search, references, read_only, "
	 "tally, by, rules, load, at, pass_token\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer } }\n"
	 "  R: { key: id, fields: { id: integer } }\n",
	 ":4:3: the resource \"R\" differs from the one in line 3 only in case\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer } }\n"
	 "  r: { key: id, fields: { id: integer } }\n",
	 ":4:3: \"r\" stands twice; it is in line 3 already\n"},
	{__LINE__, "  _RL_x: { key: id, fields: { id: integer } }\n",
	 ":3:3: a resource's name cannot begin with \"_rl_\"\n"
	 "    hint: names of that kind belong to the store\n"},
	{__LINE__, "  sqlite_x: { key: id, fields: { id: integer } }\n",
	 ":3:3: a resource's name cannot begin with \"sqlite_\"\n"
	 "    hint: names of that kind belong to the store\n"},
	{__LINE__, "  \"\": { key: id, fields: { id: integer } }\n",
	 ":3:3: a resource's name has 1 to 63 bytes\n"},
	{__LINE__, "  \"a\\tb\": { key: id, fields: { id: integer } }\n",
	 ":3:3: a resource's name cannot hold control characters\n"},
	{__LINE__, "  .rowlock: { key: id, fields: { id: integer } }\n",
	 ":3:3: \".rowlock\" is where the system's pages are\n"},
	{__LINE__,
	 "  \xc3\x9cn\xc3\xaf"
	 "code name: { key: id, fields: { id: integer } }\n",
	 "s\n"
	 "\xc3\x9cn\xc3\xaf"
	 "code name key id\n"
	 "  id integer key required\n"},
	{__LINE__,
	 "  r: &a { key: id, fields: { id: integer } }\n"
	 "  q: *a\n",
	 ":3:6: anchors (&a) are not allowed\n"
	 "    hint: write the part out where it is used\n"
	 ":4:6: aliases (*a) are not allowed\n"
	 "    hint: write the part out\n"},
	{__LINE__,
	 "  r: *a\n"
	 "  q: { key: id, fields: { id: { type: integer, references: r } } }\n"
	 "routes:\n"
	 "  GET /r: { list: r }\n",
	 ":3:6: aliases (*a) are not allowed\n"
	 "    hint: write the part out\n"},
};

static void test_key(void **state)
{
	(void)state;
	test_load_rows(before_key, "", ROWS(key_rows));
}

/* Unique rules and indexes. */
static const char before_unique[] = "service: s\n"
									"resources:\n";

#define A60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct load_row unique_rows[] = {
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: { one: "
	 "[a, b], two: a, three: { fields: b }, four: { fields: [b, a] } } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  a text\n"
	 "  b text\n"
	 "  j json\n"
	 "  unique one: a,b\n"
	 "  unique two: a\n"
	 "  unique three: b\n"
	 "  unique four: b,a\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: { "
	 "living: { fields: a, where: \"b=is.null\" } } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  a text\n"
	 "  b text\n"
	 "  j json\n"
	 "  unique living: a where b=is.null@3:107\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text }, unique: { living: { fields: a, where: } } "
	 "}\n",
	 ":3:89: `where` has no value\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text }, unique: { living: { fields: a, where: [] "
	 "} } }\n",
	 ":3:89: `where` is one text, not a list\n"},
	{__LINE__,
	 "  r:\n    key: id\n    fields: { id: integer, a: text }\n    unique:\n"
	 "      '" A60 "': { fields: a, where: a=eq.1 }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  a text\n"
	 "  unique " A60 ": a where a=eq.1@7:91\n"},
	{__LINE__,
	 "  r:\n    key: id\n    fields: { id: integer, a: text }\n    unique:\n"
	 "      '" A60 "b': { fields: a, where: a=eq.1 }\n",
	 ":7:7: the name of a rule with `where` has at most 60 bytes\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: [a] "
	 "}\n",
	 ":3:77: each unique rule has a name\n"
	 "    hint: unique: { RULE NAME: [FIELDS] }\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: a }\n",
	 ":3:77: each unique rule has a name\n"
	 "    hint: unique: { RULE NAME: [FIELDS] }\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: { one: c "
	 "} }\n",
	 ":3:84: a unique rule: \"r\" has no field \"c\"\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: { one: "
	 "[a, a] } }\n",
	 ":3:88: a unique rule names \"a\" twice\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: { one: "
	 "[] } }\n",
	 ":3:84: a unique rule names at least one field\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: { one: "
	 "{} } }\n",
	 ":3:84: a unique rule names no fields\n"
	 "    hint: { fields: [FIELDS] }\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: { one: } "
	 "}\n",
	 ":3:84: a unique rule has no value\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: { one: j "
	 "} }\n",
	 ":3:84: a unique rule: \"j\" is json\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: { one: "
	 "a, One: b } }\n",
	 ":3:87: the rule \"One\" differs from the one in line 3 only in case\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: { "
	 "_rl_one: a } }\n",
	 ":3:79: a rule's name cannot begin with \"_rl_\"\n"
	 "    hint: names of that kind belong to the store\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: { one "
	 "living king per place: a } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  a text\n"
	 "  b text\n"
	 "  j json\n"
	 "  unique one living king per place: a\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: { one: { "
	 "field: a } } }\n",
	 ":3:84: a unique rule names no fields\n"
	 "    hint: { fields: [FIELDS] }\n"
	 ":3:86: unknown word \"field\" in a unique rule\n"
	 "    hint: did you mean \"fields\"?\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, unique: {} }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  a text\n"
	 "  b text\n"
	 "  j json\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, index: [a, { "
	 "fields: [a, b] }, { fields: b }] }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  a text\n"
	 "  b text\n"
	 "  j json\n"
	 "  index a\n"
	 "  index a,b\n"
	 "  index b\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, index: a }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  a text\n"
	 "  b text\n"
	 "  j json\n"
	 "  index a\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, index: { fields: "
	 "[a, b] } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  a text\n"
	 "  b text\n"
	 "  j json\n"
	 "  index a,b\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, index: [[a, b]] "
	 "}\n",
	 ":3:77: an index over several fields is a map\n"
	 "    hint: { fields: [FIELDS] }\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, index: [c] }\n",
	 ":3:77: an index: \"r\" has no field \"c\"\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, index: { fields: "
	 "a, where: \"b=is.null\" } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  a text\n"
	 "  b text\n"
	 "  j json\n"
	 "  index a where b=is.null@3:96\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, index: j }\n",
	 ":3:76: an index: \"j\" is json\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, index: }\n",
	 ":3:76: an index has no value\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, index: [] }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  a text\n"
	 "  b text\n"
	 "  j json\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: text, b: text, j: json }, index: {} }\n",
	 ":3:76: an index names no fields\n"
	 "    hint: { fields: [FIELDS] }\n"},
};

static const struct load_row check_rows[] = {
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, b: boolean }, check: { one: \"id=gt.0\", two and: "
	 "b=is.true } }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"
	 "  b boolean\n"
	 "  check one: id=gt.0@3:68\n"
	 "  check two and: b=is.true@3:88\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer }, check: {} }\n",
	 "s\n"
	 "r key id\n"
	 "  id integer key required\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer }, check: id=gt.0 }\n",
	 ":3:49: each check has a name\n"
	 "    hint: check: { RULE NAME: \"CONDITION\" }\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer }, check: [id=gt.0] }\n",
	 ":3:49: each check has a name\n"
	 "    hint: check: { RULE NAME: \"CONDITION\" }\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer }, check: { a: } }\n",
	 ":3:54: a check has no value\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer }, check: { a: \"\" } }\n",
	 ":3:54: a check has no value\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer }, check: { a: { where: b } } }\n",
	 ":3:54: a check is one text, not a map\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer }, check: { _rl_a: id=gt.0 } }\n",
	 ":3:51: a rule's name cannot begin with \"_rl_\"\n"
	 "    hint: names of that kind belong to the store\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer }, check: { a: id=gt.0, A: id=gt.1 } }\n",
	 ":3:63: the rule \"A\" differs from the one in line 3 only in case\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, x: text }, unique: { a: x }, check: { a: id=gt.0 } "
	 "}\n",
	 ":3:78: the rule \"a\" has the name of the one in line 3\n"
	 "    hint: give one of the two another name\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, x: text }, check: { a: id=gt.0 }, references: { a: "
	 "{ fields: id, to: r } } }\n",
	 ":3:88: the rule \"a\" has the name of the one in line 3\n"
	 "    hint: give one of the two another name\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, b: boolean }, check: { r_b_check: id=gt.0 } }\n",
	 ":3:63: the name \"r_b_check\" is that of the check of a field\n"},
};

static void test_check(void **state)
{
	(void)state;
	test_load_rows(before_unique, "", ROWS(check_rows));
}

static void test_unique(void **state)
{
	(void)state;
	test_load_rows(before_unique, "", ROWS(unique_rows));
}

/* Tallies; the counted resource stands in line 3. */
static const char before_tally[] =
	"service: s\n"
	"resources:\n"
	"  r: { key: [u, i], fields: { u: integer, i: integer, kind: { type: integer, required: "
	"true, in: [1, 2] }, note: text, j: { type: json, required: true }, count: { type: "
	"integer, required: true }, d: { type: integer, default: 1 } } }\n";

static const char common_tally[] = "s\n"
								   "r key u,i\n"
								   "  u integer key required\n"
								   "  i integer key required\n"
								   "  kind integer required in 1,2\n"
								   "  note text\n"
								   "  j json required\n"
								   "  count integer required\n"
								   "  d integer default 1\n";

static const struct load_row tally_rows[] = {
	{__LINE__, "  t: { tally: r, by: [u, kind] }\n",
	 "s\n"
	 "r key u,i counted t\n"
	 "  u integer key required\n"
	 "  i integer key required\n"
	 "  kind integer required in 1,2\n"
	 "  note text\n"
	 "  j json required\n"
	 "  count integer required\n"
	 "  d integer default 1\n"
	 "t key u,kind tally r by u,kind\n"
	 "  u integer key required never\n"
	 "  kind integer key required never in 1,2\n"
	 "  count integer required never\n"},
	{__LINE__,
	 "  t: { tally: r, by: u }\n"
	 "  t2: { tally: r, by: [kind] }\n",
	 "s\n"
	 "r key u,i counted t counted t2\n"
	 "  u integer key required\n"
	 "  i integer key required\n"
	 "  kind integer required in 1,2\n"
	 "  note text\n"
	 "  j json required\n"
	 "  count integer required\n"
	 "  d integer default 1\n"
	 "t key u tally r by u\n"
	 "  u integer key required never\n"
	 "  count integer required never\n"
	 "t2 key kind tally r by kind\n"
	 "  kind integer key required never in 1,2\n"
	 "  count integer required never\n"},
	{__LINE__, "  a: { tally: r, by: u }\n",
	 "s\n"
	 "r key u,i counted a\n"
	 "  u integer key required\n"
	 "  i integer key required\n"
	 "  kind integer required in 1,2\n"
	 "  note text\n"
	 "  j json required\n"
	 "  count integer required\n"
	 "  d integer default 1\n"
	 "a key u tally r by u\n"
	 "  u integer key required never\n"
	 "  count integer required never\n"},
	{__LINE__, "  t: { tally: r }\n",
	 ":4:3: the tally \"t\" does not say by what it counts\n"
	 "    hint: by: [FIELDS] of the other\n"},
	{__LINE__, "  t: { by: u }\n",
	 ":4:8: `by` is for a tally\n"
	 "    hint: tally: RESOURCE\n"},
	{__LINE__, "  t: { tally: q, by: u }\n", ":4:15: `tally`: there is no resource \"q\"\n"},
	{__LINE__, "  t: { tally: t, by: u }\n",
	 ":4:15: `tally`: \"t\" is a tally itself\n"
	 "    hint: count the rows of a table\n"},
	{__LINE__,
	 "  t: { tally: r, by: u }\n"
	 "  t2: { tally: t, by: u }\n",
	 ":5:16: `tally`: \"t\" is a tally itself\n"
	 "    hint: count the rows of a table\n"},
	{__LINE__, "  t: { tally: r, by: [u, note] }\n",
	 ":4:22: `by`: \"note\" can be null\n"
	 "    hint: give \"note\" required: true\n"},
	{__LINE__, "  t: { tally: r, by: d }\n",
	 ":4:22: `by`: \"d\" can be null\n"
	 "    hint: give \"d\" required: true\n"},
	{__LINE__, "  t: { tally: r, by: j }\n", ":4:22: `by`: \"j\" is json\n"},
	{__LINE__, "  t: { tally: r, by: count }\n",
	 ":4:22: `by`: a tally has a field \"count\" of its own\n"},
	{__LINE__, "  t: { tally: r, by: [] }\n", ":4:22: `by` names at least one field\n"},
	{__LINE__, "  t: { tally: r, by: [u, u] }\n", ":4:26: `by` names \"u\" twice\n"},
	{__LINE__, "  t: { tally: r, by: user }\n", ":4:22: `by`: \"r\" has no field \"user\"\n"},
	{__LINE__, "  t: { tally: r, by: [U, kid] }\n",
	 ":4:23: `by`: \"r\" has no field \"U\"\n"
	 "    hint: did you mean \"u\"?\n"
	 ":4:26: `by`: \"r\" has no field \"kid\"\n"
	 "    hint: did you mean \"kind\"?\n"},
	{__LINE__, "  t: { tally: r, by: u, key: u, fields: { a: text }, unique: {}, index: u }\n",
	 ":4:25: `key` cannot stand beside `tally`\n"
	 "    hint: a tally is read only; its fields are those that `by` names, and `count`\n"
	 ":4:33: `fields` cannot stand beside `tally`\n"
	 "    hint: a tally is read only; its fields are those that `by` names, and `count`\n"
	 ":4:54: `unique` cannot stand beside `tally`\n"
	 "    hint: a tally is read only; its fields are those that `by` names, and `count`\n"
	 ":4:66: `index` cannot stand beside `tally`\n"
	 "    hint: a tally is read only; its fields are those that `by` names, and `count`\n"},
	{__LINE__, "  t: { tally: r, by: u, references: {}, read_only: true }\n",
	 ":4:25: `references` cannot stand beside `tally`\n"
	 "    hint: a tally is read only; its fields are those that `by` names, and `count`\n"
	 ":4:41: `read_only` cannot stand beside `tally`\n"
	 "    hint: a tally is read only; its fields are those that `by` names, and `count`\n"},
	{__LINE__, "  t: { tally: r, by: u, check: {} }\n",
	 ":4:25: `check` cannot stand beside `tally`\n"
	 "    hint: a tally is read only; its fields are those that `by` names, and `count`\n"},
	{__LINE__, "  t: { tally: [r], by: u }\n", ":4:15: `tally` is one text, not a list\n"},
	{__LINE__, "  t: { tally: , by: u }\n", ":4:15: `tally` has no value\n"},
	{__LINE__, "  t: { tally: r, by: }\n", ":4:22: `by` has no value\n"},
	{__LINE__,
	 "  t: { tally: r, by: u, key: u }\n"
	 "  q: { key: id, fields: { id: { type: integer, references: t } } }\n",
	 ":4:25: `key` cannot stand beside `tally`\n"
	 "    hint: a tally is read only; its fields are those that `by` names, and `count`\n"
	 ":5:60: `references`: \"t\" is a tally\n"},
	{__LINE__,
	 "  q: { key: x, fields: { id: integer } }\n"
	 "  t: { tally: q, by: id }\n",
	 ":4:13: `key`: \"q\" has no field \"x\"\n"},
	{__LINE__,
	 "  q: { key: id, fields: { id: geometry } }\n"
	 "  t: { tally: q, by: id }\n",
	 ":4:31: there is no type \"geometry\"\n"
	 "    hint: integer, number, decimal(p,s), text, text(n), boolean, uuid, date, time, "
	 "datetime or json\n"},
	{__LINE__,
	 "  q: { key: id }\n"
	 "  t: { tally: q, by: id }\n",
	 ":4:3: the resource \"q\" has no fields\n"
	 "    hint: fields: { NAME: TYPE, \xe2\x80\xa6 }\n"},
	{__LINE__,
	 "  q: { key: id, fields: { id: { type: integer, default: auto, min: 1 } } }\n"
	 "  t: { tally: q, by: id }\n",
	 "q key id counted t\n"
	 "  id integer key auto min 1\n"
	 "t key id tally q by id\n"
	 "  id integer key required never min 1\n"
	 "  count integer required never\n"},
};

static void test_tally(void **state)
{
	(void)state;
	test_load_rows(before_tally, common_tally, ROWS(tally_rows));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_unique),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_tally),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
