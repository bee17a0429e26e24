#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* Types; the field stands in line 7. */
static const char before_type[] = "service: s\n"
								  "resources:\n"
								  "  r:\n"
								  "    key: id\n"
								  "    fields:\n"
								  "      id: integer\n";

static const char common_type[] = "s\n"
								  "r key id\n"
								  "  id integer key required\n";

static const struct load_row type_rows[] = {
	{__LINE__,
	 "      a: integer\n"
	 "      b: number\n"
	 "      c: decimal(9,2)\n"
	 "      d: text\n"
	 "      e: text(40)\n"
	 "      f: boolean\n"
	 "      g: uuid\n"
	 "      h: json\n",
	 "  a integer\n"
	 "  b number\n"
	 "  c decimal(9,2)\n"
	 "  d text\n"
	 "  e text(40)\n"
	 "  f boolean\n"
	 "  g uuid\n"
	 "  h json\n"},
	{__LINE__, "      a: { type: integer }\n", "  a integer\n"},
	{__LINE__, "      a: \"decimal(18,18)\"\n", "  a decimal(18,18)\n"},
	{__LINE__, "      a: decimal(1,0)\n", "  a decimal(1,0)\n"},
	{__LINE__, "      a: decimal( 9 , 2 )\n", "  a decimal(9,2)\n"},
	{__LINE__, "      a: text(1)\n", "  a text(1)\n"},
	{__LINE__, "      a: text(1000000000)\n", "  a text(1000000000)\n"},
	{__LINE__, "      a: int\n",
	 ":7:10: there is no type \"int\"\n"
	 "    hint: did you mean \"integer\"?\n"},
	{__LINE__, "      a: Integer\n",
	 ":7:10: there is no type \"Integer\"\n"
	 "    hint: did you mean \"integer\"?\n"},
	{__LINE__, "      a: string\n",
	 ":7:10: there is no type \"string\"\n"
	 "    hint: integer, number, decimal(p,s), text, text(n), boolean, uuid, date, time, "
	 "datetime or json\n"},
	{__LINE__, "      a: txt\n",
	 ":7:10: there is no type \"txt\"\n"
	 "    hint: did you mean \"text\"?\n"},
	{__LINE__, "      a: integer(4)\n", ":7:10: the type integer takes no (\xe2\x80\xa6)\n"},
	{__LINE__, "      a: text(0)\n",
	 ":7:10: \"text(0)\" is no text type\n"
	 "    hint: text(n): at most n characters\n"},
	{__LINE__, "      a: text(-1)\n",
	 ":7:10: \"text(-1)\" is no text type\n"
	 "    hint: text(n): at most n characters\n"},
	{__LINE__, "      a: text(x)\n",
	 ":7:10: \"text(x)\" is no text type\n"
	 "    hint: text(n): at most n characters\n"},
	{__LINE__, "      a: text()\n",
	 ":7:10: \"text()\" is no text type\n"
	 "    hint: text(n): at most n characters\n"},
	{__LINE__, "      a: text(1000000001)\n",
	 ":7:10: \"text(1000000001)\" is no text type\n"
	 "    hint: text(n): at most n characters\n"},
	{__LINE__, "      a: decimal\n",
	 ":7:10: \"decimal\" is no decimal type\n"
	 "    hint: decimal(p,s): p digits in all, at most 18, s of them behind the point\n"},
	{__LINE__, "      a: decimal(9)\n",
	 ":7:10: \"decimal(9)\" is no decimal type\n"
	 "    hint: decimal(p,s): p digits in all, at most 18, s of them behind the point\n"},
	{__LINE__, "      a: decimal(19,2)\n",
	 ":7:10: \"decimal(19,2)\" is no decimal type\n"
	 "    hint: decimal(p,s): p digits in all, at most 18, s of them behind the point\n"},
	{__LINE__, "      a: decimal(2,3)\n",
	 ":7:10: \"decimal(2,3)\" is no decimal type\n"
	 "    hint: decimal(p,s): p digits in all, at most 18, s of them behind the point\n"},
	{__LINE__, "      a: decimal(0,0)\n",
	 ":7:10: \"decimal(0,0)\" is no decimal type\n"
	 "    hint: decimal(p,s): p digits in all, at most 18, s of them behind the point\n"},
	{__LINE__, "      a: decimal(2,-1)\n",
	 ":7:10: \"decimal(2,-1)\" is no decimal type\n"
	 "    hint: decimal(p,s): p digits in all, at most 18, s of them behind the point\n"},
	{__LINE__, "      a: decimal(2,1,0)\n",
	 ":7:10: \"decimal(2,1,0)\" is no decimal type\n"
	 "    hint: decimal(p,s): p digits in all, at most 18, s of them behind the point\n"},
	{__LINE__, "      a: text(4\n",
	 ":7:10: there is no type \"text(4\"\n"
	 "    hint: close the parenthesis; inside { } write a type with a comma in quotes\n"},
	{__LINE__,
	 "      a: date\n"
	 "      b: time\n"
	 "      c: datetime\n",
	 "  a date\n"
	 "  b time\n"
	 "  c timestamp with time zone\n"},
	{__LINE__, "      a:\n", ":7:9: a type has no value\n"},
	{__LINE__, "      a: []\n", ":7:10: a field is a map of entries `word: value`\n"},
	{__LINE__, "      a: {}\n",
	 ":7:7: the field \"a\" has no type\n"
	 "    hint: such as { type: integer }\n"},
	{__LINE__, "      a: { required: true }\n",
	 ":7:7: the field \"a\" has no type\n"
	 "    hint: such as { type: integer }\n"},
	{__LINE__, "      a: { type: decimal(9,2) }\n",
	 ":7:18: there is no type \"decimal(9\"\n"
	 "    hint: close the parenthesis; inside { } write a type with a comma in quotes\n"
	 ":7:28: unknown word \"2)\" in a field\n"
	 "    hint: inside { } write a text that holds a comma in quotes\n"},
	{__LINE__, "      a: { type: \"decimal(9,2)\" }\n", "  a decimal(9,2)\n"},
	{__LINE__, "      a: { type: [integer] }\n", ":7:18: a type is one text, not a list\n"},
	{__LINE__, "      a: { typ: integer }\n",
	 ":7:7: the field \"a\" has no type\n"
	 "    hint: such as { type: integer }\n"
	 ":7:12: unknown word \"typ\" in a field\n"
	 "    hint: did you mean \"type\"?\n"},
	{__LINE__, "      a: { type: integer, pattern: x }\n",
	 ":7:27: \"pattern\" in a field is not known yet in this version\n"},
	{__LINE__, "      a: { type: integer, computed: \"id + 1\" }\n",
	 "  a integer never computed id + 1@7:37\n"},
	{__LINE__, "      a: { computed: id, type: text }\n", "  a text never computed id@7:22\n"},
	{__LINE__, "      a: { computed: id }\n",
	 ":7:7: the field \"a\" has no type\n"
	 "    hint: such as { type: integer }\n"},
	{__LINE__, "      a: { type: integer, computed: }\n", ":7:37: `computed` has no value\n"},
	{__LINE__, "      a: { type: integer, computed: \"\" }\n", ":7:37: `computed` has no value\n"},
	{__LINE__, "      a: { type: integer, computed: [id] }\n",
	 ":7:37: `computed` is one text, not a list\n"},
	{__LINE__, "      a: { type: text(5), computed: id }\n",
	 ":7:7: a computed text has no length\n"
	 "    hint: such as { type: text, computed: … }\n"},
	{__LINE__,
	 "      a: { type: integer, computed: id, required: true, default: 1, write: once, min: 0 }\n",
	 ":7:41: `required` cannot stand beside `computed`\n"
	 ":7:57: `default` cannot stand beside `computed`\n"
	 ":7:69: `write` cannot stand beside `computed`\n"
	 ":7:82: `min` cannot stand beside `computed`\n"},
	{__LINE__, "      a: { type: integer, computed: id, references: r }\n",
	 ":7:41: `references` cannot stand beside `computed`\n"},
	{__LINE__, "      a: { type: integer, requird: true }\n",
	 ":7:27: unknown word \"requird\" in a field\n"
	 "    hint: did you mean \"required\"?\n"},
	{__LINE__, "      a: { type: integer, unique: true }\n",
	 ":7:27: unknown word \"unique\" in a field\n"
	 "    hint: known here: type, required, default, write, in, min, max, references, loose, "
	 "accept, computed, readable_by, writable_by\n"},
	{__LINE__, "      a: { type: boolean, loose: true }\n", "  a boolean\n"},
	{__LINE__, "      a: { type: integer, loose: true }\n",
	 ":7:34: `loose` is for the type boolean\n"},
	{__LINE__, "      a: 5\n",
	 ":7:10: there is no type \"5\"\n"
	 "    hint: integer, number, decimal(p,s), text, text(n), boolean, uuid, date, time, "
	 "datetime or json\n"},
	{__LINE__, "      a: ${NAME}\n",
	 ":7:10: there is no type \"fromenv\"\n"
	 "    hint: integer, number, decimal(p,s), text, text(n), boolean, uuid, date, time, "
	 "datetime or json\n"},
	{__LINE__, "      a: [integer]\n", ":7:10: a field is a map of entries `word: value`\n"},
};

static void test_type(void **state)
{
	(void)state;
	test_load_rows(before_type, common_type, ROWS(type_rows));
}

/* Names of fields. */
static const char before_name[] = "service: s\n"
								  "resources:\n"
								  "  r:\n"
								  "    key: id\n"
								  "    fields:\n"
								  "      id: integer\n";

static const char common_name[] = "s\n"
								  "r key id\n"
								  "  id integer key required\n";

static const struct load_row name_rows[] = {
	{__LINE__,
	 "      a: text\n"
	 "      A: text\n",
	 ":8:7: the field \"A\" differs from the one in line 7 only in case\n"},
	{__LINE__, "      ID: text\n",
	 ":7:7: the field \"ID\" differs from the one in line 6 only in case\n"},
	{__LINE__, "      id: text\n", ":7:7: \"id\" stands twice; it is in line 6 already\n"},
	{__LINE__, "      _rl_a: text\n",
	 ":7:7: a field's name cannot begin with \"_rl_\"\n"
	 "    hint: names of that kind belong to the store\n"},
	{__LINE__, "      SQLITE_x: text\n",
	 ":7:7: a field's name cannot begin with \"sqlite_\"\n"
	 "    hint: names of that kind belong to the store\n"},
	{__LINE__, "      sqlite: text\n", "  sqlite text\n"},
	{__LINE__, "      \"\": text\n", ":7:7: a field's name has 1 to 63 bytes\n"},
	{__LINE__, "      \"a\\nb\": text\n", ":7:7: a field's name cannot hold control characters\n"},
	{__LINE__, "      \"a\\x85b\": text\n",
	 ":7:7: a field's name cannot hold control characters\n"},
	{__LINE__, "      Date of 3rd Grade: text\n", "  Date of 3rd Grade text\n"},
	{__LINE__,
	 "      \xc3\xa9\xc3\x89: text\n"
	 "      \xc3\x89\xc3\xa9: text\n",
	 "  \xc3\xa9\xc3\x89 text\n"
	 "  \xc3\x89\xc3\xa9 text\n"},
	{__LINE__, "      xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: text\n",
	 "  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx text\n"},
	{__LINE__, "      xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: text\n",
	 ":7:7: a field's name has 1 to 63 bytes\n"},
	{__LINE__,
	 "      true: text\n"
	 "      1: text\n",
	 "  true text\n"
	 "  1 text\n"},
	{__LINE__, "      $x: text\n", "  $x text\n"},
	{__LINE__, "      \"a\\\"b\": text\n", "  a\"b text\n"},
};

static void test_name(void **state)
{
	(void)state;
	test_load_rows(before_name, common_name, ROWS(name_rows));
}

/* `required` and `write`. */
static const char before_required[] = "service: s\n"
									  "resources:\n"
									  "  r:\n"
									  "    key: id\n"
									  "    fields:\n"
									  "      id: integer\n";

static const char common_required[] = "s\n"
									  "r key id\n"
									  "  id integer key required\n";

static const struct load_row required_rows[] = {
	{__LINE__, "      a: { type: text, required: true }\n", "  a text required\n"},
	{__LINE__, "      a: { type: text, required: false }\n", "  a text\n"},
	{__LINE__, "      a: { type: text, required: yes }\n",
	 ":7:34: `required` is true or false\n"
	 "    hint: write true or false\n"},
	{__LINE__, "      a: { type: text, required: Off }\n",
	 ":7:34: `required` is true or false\n"
	 "    hint: write true or false\n"},
	{__LINE__, "      a: { type: text, required: \"true\" }\n",
	 ":7:34: `required` is true or false\n"
	 "    hint: write it without quotes\n"},
	{__LINE__, "      a: { type: text, required: 1 }\n", ":7:34: `required` is true or false\n"},
	{__LINE__, "      a: { type: text, required: }\n", ":7:34: `required` is true or false\n"},
	{__LINE__, "      a: { type: text, required: TRUE }\n", "  a text required\n"},
	{__LINE__, "      a: { type: text, required: \"${NOT_SET:-true}\" }\n", "  a text required\n"},
	{__LINE__,
	 "      a: { type: text, write: once }\n"
	 "      b: { type: text, write: never }\n",
	 "  a text once\n"
	 "  b text never\n"},
	{__LINE__, "      a: { type: text, write: always }\n",
	 ":7:31: `write` is once or never, not \"always\"\n"
	 "    hint: leave it out for a field that can always be written\n"},
	{__LINE__, "      a: { type: text, write: [once] }\n",
	 ":7:31: `write` is one text, not a list\n"},
};

static void test_required(void **state)
{
	(void)state;
	test_load_rows(before_required, common_required, ROWS(required_rows));
}

/* Defaults. */
static const char before_default[] = "service: s\n"
									 "resources:\n"
									 "  r:\n"
									 "    key: id\n"
									 "    fields:\n"
									 "      id: integer\n";

static const char common_default[] = "s\n"
									 "r key id\n"
									 "  id integer key required\n";

static const struct load_row default_rows[] = {
	{__LINE__, "      a: { type: integer, default: 7 }\n", "  a integer default 7\n"},
	{__LINE__, "      a: { type: integer, default: \"7\" }\n",
	 ":7:36: `default`: \"7\" is no integer\n"
	 "    hint: write it without quotes\n"},
	{__LINE__, "      a: { type: integer, default: \"${NOT_SET:-7}\" }\n",
	 "  a integer default 7\n"},
	{__LINE__, "      a: { type: integer, default: 1.0 }\n",
	 ":7:36: `default`: \"1.0\" is no integer\n"},
	{__LINE__, "      a: { type: integer, default: 05 }\n",
	 ":7:36: `default`: \"05\" is no integer\n"},
	{__LINE__, "      a: { type: integer, default: 9223372036854775808 }\n",
	 ":7:36: `default`: field \"a\": value \"9223372036854775808\" is out of range for "
	 "type integer\n"},
	{__LINE__, "      a: { type: integer, default: -9223372036854775808 }\n",
	 "  a integer default -9223372036854775808\n"},
	{__LINE__, "      a: { type: number, default: 1.5e3 }\n", "  a number default 1500\n"},
	{__LINE__, "      a: { type: number, default: .5 }\n",
	 ":7:35: `default`: \".5\" is no number\n"},
	{__LINE__, "      a: { type: number, default: 1e999 }\n",
	 ":7:35: `default`: field \"a\": value \"1e999\" is out of range for type number\n"},
	{__LINE__, "      a: { type: \"decimal(4,2)\", default: 1.50 }\n",
	 "  a decimal(4,2) default 1.5\n"},
	{__LINE__, "      a: { type: \"decimal(4,2)\", default: 1.555 }\n",
	 ":7:43: `default`: field \"a\": value \"1.555\" is out of range for type "
	 "decimal(4,2)\n"},
	{__LINE__, "      a: { type: \"decimal(4,2)\", default: 100 }\n",
	 ":7:43: `default`: field \"a\": value \"100\" is out of range for type "
	 "decimal(4,2)\n"},
	{__LINE__, "      a: { type: text, default: active }\n", "  a text default \"active\"\n"},
	{__LINE__, "      a: { type: text, default: \"\" }\n", "  a text default \"\"\n"},
	{__LINE__, "      a: { type: text, default: }\n",
	 ":7:33: `default` has no value\n"
	 "    hint: leave it out\n"},
	{__LINE__, "      a: { type: text, default: null }\n",
	 ":7:33: `default` has no value\n"
	 "    hint: leave it out\n"},
	{__LINE__, "      a: { type: text, default: 7 }\n",
	 ":7:33: `default` is a text\n"
	 "    hint: write it in quotes\n"},
	{__LINE__, "      a: { type: text, default: true }\n",
	 ":7:33: `default` is a text\n"
	 "    hint: write it in quotes\n"},
	{__LINE__, "      a: { type: text, default: \"7\" }\n", "  a text default \"7\"\n"},
	{__LINE__, "      a: { type: text(3), default: abcd }\n",
	 ":7:36: `default`: field \"a\": value too long for type text(3)\n"},
	{__LINE__, "      a: { type: text(3), default: \"\xc3\xa9\xc3\xa9\xc3\xa9\" }\n",
	 "  a text(3) default \"\xc3\xa9\xc3\xa9\xc3\xa9\"\n"},
	{__LINE__, "      a: { type: boolean, default: true }\n", "  a boolean default true\n"},
	{__LINE__, "      a: { type: boolean, default: no }\n",
	 ":7:36: `default` is true or false\n"
	 "    hint: write true or false\n"},
	{__LINE__, "      a: { type: boolean, default: 1 }\n", ":7:36: `default` is true or false\n"},
	{__LINE__, "      a: { type: uuid, default: 00000000-0000-4000-8000-00000000ABCD }\n",
	 "  a uuid default \"00000000-0000-4000-8000-00000000abcd\"\n"},
	{__LINE__, "      a: { type: uuid, default: 0000 }\n",
	 ":7:33: `default`: \"0000\" is no uuid\n"},
	{__LINE__, "      a: { type: uuid, default: auto }\n", "  a uuid auto\n"},
	{__LINE__, "      a: { type: integer, default: auto }\n",
	 ":7:36: default: auto is for a uuid, or an integer that is the whole key\n"},
	{__LINE__, "      a: { type: text, default: auto }\n",
	 ":7:33: default: auto is for a uuid, or an integer that is the whole key\n"
	 "    hint: the text is written in quotes: \"auto\"\n"},
	{__LINE__, "      a: { type: text, default: \"auto\" }\n", "  a text default \"auto\"\n"},
	{__LINE__, "      a: { type: json, default: auto }\n",
	 ":7:33: default: auto is for a uuid, or an integer that is the whole key\n"},
	{__LINE__, "      a: { type: json, default: { b: [1, x, null] } }\n",
	 "  a json default {\"b\":[1,\"x\",null]}\n"},
	{__LINE__, "      a: { type: json, default: \"text\" }\n", "  a json default \"text\"\n"},
	{__LINE__, "      a: { type: json, default: null }\n",
	 ":7:33: `default` has no value\n"
	 "    hint: leave it out\n"},
	{__LINE__, "      a: { type: json, default: [.5] }\n",
	 ":7:34: .5 is no JSON number\n"
	 "    hint: write it as JSON does, or in quotes if it is a text\n"},
	{__LINE__, "      a: { type: integer, default: [1] }\n",
	 ":7:36: `default` is one value, not a list\n"},
	{__LINE__, "      a: { type: integer, default: { b: 1 } }\n",
	 ":7:36: `default` is one value, not a map\n"},
	{__LINE__, "      a: { type: integer, default: database }\n", "  a integer database\n"},
	{__LINE__, "      a: { type: text, default: database }\n", "  a text database\n"},
	{__LINE__, "      a: { type: text, default: \"database\" }\n",
	 "  a text default \"database\"\n"},
	{__LINE__, "      a: { type: integer, default: \"database\" }\n",
	 ":7:36: `default`: \"database\" is no integer\n"},
	{__LINE__, "      a: { type: json, default: database }\n", "  a json database\n"},
	{__LINE__, "      a: { type: json, default: \"database\" }\n",
	 "  a json default \"database\"\n"},
	{__LINE__, "      a: { type: boolean, default: database, required: true }\n",
	 "  a boolean required database\n"},
	{__LINE__, "      a: { type: integer, in: [1, 2], default: database }\n",
	 "  a integer database in 1,2\n"},
	{__LINE__, "      a: { type: integer, default: Database }\n",
	 ":7:36: `default`: \"Database\" is no integer\n"},
	{__LINE__, "      a: { type: integer, default: [database] }\n",
	 ":7:36: `default` is one value, not a list\n"},
	{__LINE__, "      a: { type: text, required: true, default: x }\n",
	 "  a text required default \"x\"\n"},
};

static void test_default(void **state)
{
	(void)state;
	test_load_rows(before_default, common_default, ROWS(default_rows));
}

/* `in`, `min` and `max`. */
static const char before_range[] = "service: s\n"
								   "resources:\n"
								   "  r:\n"
								   "    key: id\n"
								   "    fields:\n"
								   "      id: integer\n";

static const char common_range[] = "s\n"
								   "r key id\n"
								   "  id integer key required\n";

static const struct load_row range_rows[] = {
	{__LINE__, "      a: { type: integer, in: [1, 2, 3] }\n", "  a integer in 1,2,3\n"},
	{__LINE__, "      a: { type: integer, in: 1 }\n", "  a integer in 1\n"},
	{__LINE__, "      a: { type: integer, in: [] }\n", ":7:31: `in` names at least one value\n"},
	{__LINE__, "      a: { type: integer, in: [1, x, 2.5] }\n",
	 ":7:35: `in`: \"x\" is no integer\n"
	 ":7:38: `in`: \"2.5\" is no integer\n"},
	{__LINE__, "      a: { type: integer, in: [1, 2, 1] }\n",
	 ":7:38: `in` names this value twice\n"},
	{__LINE__, "      a: { type: text, in: [new, paid, \"7\"] }\n",
	 "  a text in \"new\",\"paid\",\"7\"\n"},
	{__LINE__, "      a: { type: text, in: [new, 7, true] }\n",
	 ":7:34: `in` is a text\n"
	 "    hint: write it in quotes\n"
	 ":7:37: `in` is a text\n"
	 "    hint: write it in quotes\n"},
	{__LINE__, "      a: { type: text(3), in: [abc, abcd] }\n",
	 ":7:37: `in`: field \"a\": value too long for type text(3)\n"},
	{__LINE__, "      a: { type: json, in: [1] }\n", ":7:28: `in` is not for the type json\n"},
	{__LINE__, "      a: { type: boolean, in: [true] }\n", "  a boolean in true\n"},
	{__LINE__, "      a: { type: uuid, in: [00000000-0000-4000-8000-00000000ABCD] }\n",
	 "  a uuid in \"00000000-0000-4000-8000-00000000abcd\"\n"},
	{__LINE__, "      a: { type: \"decimal(4,2)\", in: [1.5, 2, 1.50] }\n",
	 ":7:47: `in` names this value twice\n"},
	{__LINE__, "      a: { type: integer, in: [null] }\n",
	 ":7:32: `in` has no value\n"
	 "    hint: leave it out\n"},
	{__LINE__, "      a: { type: integer, in: { b: 1 } }\n",
	 ":7:31: `in` is one value, not a map\n"},
	{__LINE__, "      a: { type: integer, in: [1, 2], default: 3 }\n",
	 ":7:48: `default`: field \"a\" must be one of 1, 2\n"},
	{__LINE__, "      a: { type: integer, in: [1, 20], max: 10 }\n",
	 ":7:35: `in`: field \"a\" must be at most 10\n"},
	{__LINE__, "      a: { type: integer, min: 1, max: 5 }\n", "  a integer min 1 max 5\n"},
	{__LINE__, "      a: { type: number, min: -0.5 }\n", "  a number min -0.5\n"},
	{__LINE__, "      a: { type: \"decimal(4,2)\", max: 9.99 }\n", "  a decimal(4,2) max 9.99\n"},
	{__LINE__, "      a: { type: \"decimal(4,2)\", max: 100 }\n",
	 ":7:39: `max`: field \"a\": value \"100\" is out of range for type decimal(4,2)\n"},
	{__LINE__, "      a: { type: text, min: 1 }\n",
	 ":7:29: `min` is for numbers, dates and times, not for the type text\n"},
	{__LINE__, "      a: { type: boolean, max: 1 }\n",
	 ":7:32: `max` is for numbers, dates and times, not for the type boolean\n"},
	{__LINE__, "      a: { type: integer, min: 5, max: 1 }\n",
	 ":7:40: `max` is less than `min`: no value fits\n"},
	{__LINE__, "      a: { type: integer, min: 1, max: 1 }\n", "  a integer min 1 max 1\n"},
	/* Dates and times, with or without quotes. */
	{__LINE__, "      a: { type: date, min: 2014-03-08, max: \"2014-03-09\" }\n",
	 "  a date min \"2014-03-08\" max \"2014-03-09\"\n"},
	{__LINE__, "      a: { type: date, min: 2014-03-08, max: 2014-03-07 }\n",
	 ":7:46: `max` is less than `min`: no value fits\n"},
	{__LINE__, "      a: { type: date, min: 2014-02-30 }\n",
	 ":7:29: `min`: \"2014-02-30\" is no date\n"
	 "    hint: \"2014-02-30\" is no date that there is\n"},
	{__LINE__, "      a: { type: date, default: 2014-03-08T00:00:00 }\n",
	 ":7:33: `default`: \"2014-03-08T00:00:00\" is no date\n"
	 "    hint: \"2014-03-08T00:00:00\" is more than a date\n"},
	{__LINE__, "      a: { type: time, in: [06:00:00, 07:30:00], default: 06:00:00 }\n",
	 "  a time default \"06:00:00\" in \"06:00:00\",\"07:30:00\"\n"},
	{__LINE__, "      a: { type: time, in: [06:00:00, 06:00:00.0] }\n",
	 ":7:39: `in` names this value twice\n"},
	{__LINE__, "      a: { type: datetime, min: 2014-03-08, default: 2014-03-08T15:00:00+02:00 }\n",
	 "  a timestamp with time zone default \"2014-03-08T13:00:00+00:00\" min "
	 "\"2014-03-08T00:00:00+00:00\"\n"},
	{__LINE__, "      a: { type: datetime, min: 9999-12-31T23:00:00-05:00 }\n",
	 ":7:33: `min`: field \"a\": value \"9999-12-31T23:00:00-05:00\" is out of range for type "
	 "timestamp with time zone\n"},
	{__LINE__, "      a: { type: date, accept: mdy, max: today, default: 03/08/14 }\n",
	 "  a date mdy today default \"2014-03-08\"\n"},
	{__LINE__, "      a: { type: datetime, accept: dmy, min: 08/03/2014 }\n",
	 "  a timestamp with time zone dmy min \"2014-03-08T00:00:00+00:00\"\n"},
	{__LINE__, "      a: { type: date, accept: ymd, max: \"9999-12-31\" }\n",
	 "  a date ymd max \"9999-12-31\"\n"},
	{__LINE__, "      a: { type: date, max: today, default: 9999-12-31 }\n",
	 ":7:45: `default`: field \"a\" must not be later than today\n"},
	{__LINE__, "      a: { type: date, max: \"today\" }\n",
	 ":7:29: `max`: \"today\" is no date\n"
	 "    hint: \"today\" is no date\n"},
	{__LINE__, "      a: { type: date, min: today }\n",
	 ":7:29: `min`: \"today\" is no date\n"
	 "    hint: \"today\" is no date\n"},
	{__LINE__, "      a: { type: time, max: today }\n",
	 ":7:29: `max: today` is for the types date and datetime\n"},
	{__LINE__, "      a: { type: time, accept: mdy }\n",
	 ":7:32: `accept` is for the types date and datetime\n"},
	{__LINE__, "      a: { type: integer, accept: mdy, max: today }\n",
	 ":7:35: `accept` is for the types date and datetime\n"
	 ":7:45: `max: today` is for the types date and datetime\n"},
	{__LINE__, "      a: { type: date, accept: text }\n", ":7:32: `accept: text` is for numbers\n"},
	{__LINE__,
	 "      a: { type: integer, accept: text }\n      b: { type: number, accept: text }\n",
	 "  a integer accept text\n  b number accept text\n"},
	{__LINE__, "      a: { type: date, accept: dym }\n",
	 ":7:32: `accept` is text, mdy, dmy or ymd, not \"dym\"\n"
	 "    hint: text for numbers; the order of month, day and year in 08/03/2014\n"},
	{__LINE__, "      a: { type: date, default: auto }\n",
	 ":7:33: default: auto is for a uuid, or an integer that is the whole key\n"},
	{__LINE__, "      a: { type: integer, min: x }\n", ":7:32: `min`: \"x\" is no integer\n"},
	{__LINE__, "      a: { type: integer, min: [1] }\n", ":7:32: `min` is one value, not a list\n"},
	{__LINE__, "      a: { type: integer, min: 1, default: 0 }\n",
	 ":7:44: `default`: field \"a\" must be at least 1\n"},
	{__LINE__, "      a: { type: integer, max: 9, default: 10 }\n",
	 ":7:44: `default`: field \"a\" must be at most 9\n"},
	{__LINE__, "      a: { type: integer, min: 1, max: 9, default: 10 }\n",
	 ":7:52: `default`: field \"a\" must be between 1 and 9\n"},
	{__LINE__, "      a: { type: geometry, default: x, in: [1], min: 2 }\n",
	 ":7:18: there is no type \"geometry\"\n"
	 "    hint: integer, number, decimal(p,s), text, text(n), boolean, uuid, date, time, "
	 "datetime or json\n"},
	{__LINE__,
	 "      a: { type: integer, default: *a, in: [1, *b], min: *c, required: *d, write: "
	 "*e, references: *f }\n",
	 ":7:36: aliases (*a) are not allowed\n"
	 "    hint: write the part out\n"
	 ":7:48: aliases (*b) are not allowed\n"
	 "    hint: write the part out\n"
	 ":7:58: aliases (*c) are not allowed\n"
	 "    hint: write the part out\n"
	 ":7:72: aliases (*d) are not allowed\n"
	 "    hint: write the part out\n"
	 ":7:83: aliases (*e) are not allowed\n"
	 "    hint: write the part out\n"
	 ":7:99: aliases (*f) are not allowed\n"
	 "    hint: write the part out\n"},
	{__LINE__, "      a: *a\n",
	 ":7:10: aliases (*a) are not allowed\n"
	 "    hint: write the part out\n"},
};

static void test_range(void **state)
{
	(void)state;
	test_load_rows(before_range, common_range, ROWS(range_rows));
}

/* References; the resource stands in line 18. */
static const char before_reference[] = "service: s\n"
									   "resources:\n"
									   "  p:\n"
									   "    key: id\n"
									   "    fields: { id: integer }\n"
									   "  u:\n"
									   "    key: id\n"
									   "    fields: { id: { type: uuid, default: auto } }\n"
									   "  two:\n"
									   "    key: [a, b]\n"
									   "    fields: { a: integer, b: integer }\n"
									   "  t:\n"
									   "    tally: two\n"
									   "    by: a\n"
									   "  d:\n"
									   "    key: id\n"
									   "    fields: { id: \"decimal(4,2)\" }\n";

static const char common_reference[] = "s\n"
									   "p key id\n"
									   "  id integer key required\n"
									   "u key id\n"
									   "  id uuid key auto\n"
									   "two key a,b counted t\n"
									   "  a integer key required\n"
									   "  b integer key required\n"
									   "t key a tally two by a\n"
									   "  a integer key required never\n"
									   "  count integer required never\n"
									   "d key id\n"
									   "  id decimal(4,2) key required\n";

static const struct load_row reference_rows[] = {
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, p: { type: integer, references: p }, u: { type: "
	 "uuid, references: u, required: true } } }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  p integer references p\n"
	 "  u uuid required references u\n"
	 "  reference r_p_fkey: p -> p id\n"
	 "  reference r_u_fkey: u -> u id\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: { type: integer, references: p }, parent: { type: "
	 "integer, references: r } } }\n",
	 "r key id\n"
	 "  id integer key required references p\n"
	 "  parent integer references r\n"
	 "  reference r_id_fkey: id -> p id\n"
	 "  reference r_parent_fkey: parent -> r id\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, l: { type: integer, references: later } } }\n"
	 "  later: { key: id, fields: { id: integer } }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  l integer references later\n"
	 "  reference r_l_fkey: l -> later id\n"
	 "later key id\n"
	 "  id integer key required\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, p: { type: text, references: p } } }\n",
	 ":18:69: `references`: \"id\" of \"p\" is integer, \"p\" is text\n"
	 "    hint: give both the same type\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, p: { type: integer, references: two } } }\n",
	 ":18:72: `references`: the key of \"two\" has more than one field\n"
	 "    hint: write it under `references` of the resource, with all its fields\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, p: { type: integer, references: t } } }\n",
	 ":18:72: `references`: \"t\" is a tally\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, p: { type: integer, references: P } } }\n",
	 ":18:72: `references`: there is no resource \"P\"\n"
	 "    hint: did you mean \"p\"?\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, p: { type: integer, references: nothing } } }\n",
	 ":18:72: `references`: there is no resource \"nothing\"\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, p: { type: integer, references: [p] } } }\n",
	 ":18:72: `references` is one text, not a list\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, p: { type: integer, references: } } }\n",
	 ":18:72: `references` has no value\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, p: { type: \"decimal(4,1)\", references: d }, q: "
	 "{ type: \"decimal(6,2)\", references: d } } }\n",
	 ":18:79: `references`: \"id\" of \"d\" is decimal, \"p\" is decimal\n"
	 "    hint: give both as many digits behind the point\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, p: { type: integer, references: p, in: [1] } } "
	 "}\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  p integer in 1 references p\n"
	 "  reference r_p_fkey: p -> p id\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, p: { type: integer, references: q } } }\n"
	 "  q: { fields: { id: integer } }\n",
	 ":19:3: the resource \"q\" has no key\n"
	 "    hint: such as `key: id` with a field `id: { type: uuid, default: auto }`\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, p: { type: integer, references: q } } }\n"
	 "  q: { key: id, fields: { id: geometry } }\n",
	 ":19:31: there is no type \"geometry\"\n"
	 "    hint: integer, number, decimal(p,s), text, text(n), boolean, uuid, date, time, "
	 "datetime or json\n"},
};

static void test_reference(void **state)
{
	(void)state;
	test_load_rows(before_reference, common_reference, ROWS(reference_rows));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type),     cmocka_unit_test(test_name),
		cmocka_unit_test(test_required), cmocka_unit_test(test_default),
		cmocka_unit_test(test_range),    cmocka_unit_test(test_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
