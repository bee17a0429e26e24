#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* The resource stands in line 7. */
#define TARGETS                                                                                    \
	"service: s\n"                                                                                 \
	"resources:\n"                                                                                 \
	"  p: { key: id, fields: { id: integer } }\n"                                                  \
	"  two: { key: [x, y], fields: { x: integer, y: text, z: uuid, n: "                            \
	"\"decimal(4,2)\" }, unique: { one: z, more: [n, x, z] } }\n"                                  \
	"  view: { key: [], fields: { a: integer, b: text, c: integer }, unique: { a: "                \
	"a } }\n"                                                                                      \
	"  t: { tally: p, by: id }\n"

/* Its `references` stand in line 10. */
static const char before[] = TARGETS
	"  r:\n"
	"    key: id\n"
	"    fields: { id: integer, a: integer, b: text, c: uuid, d: \"decimal(6,2)\", e: "
	"\"decimal(4,1)\", j: json }\n";

static const char common[] = "s\n"
							 "p key id counted t\n"
							 "  id integer key required\n"
							 "two key x,y\n"
							 "  x integer key required\n"
							 "  y text key required\n"
							 "  z uuid\n"
							 "  n decimal(4,2)\n"
							 "  unique one: z\n"
							 "  unique more: n,x,z\n"
							 "view\n"
							 "  a integer\n"
							 "  b text\n"
							 "  c integer\n"
							 "  unique a: a\n"
							 "t key id tally p by id\n"
							 "  id integer key required never\n"
							 "  count integer required never\n";

static const struct load_row good_rows[] = {
	{__LINE__, "    references: { f: { fields: [a, b], to: two } }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  a integer\n"
	 "  b text\n"
	 "  c uuid\n"
	 "  d decimal(6,2)\n"
	 "  e decimal(4,1)\n"
	 "  j json\n"
	 "  reference f: a,b -> two x,y\n"},
	{__LINE__, "    references: { f: { fields: [a, b], to: two, on: [x, y] } }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  a integer\n"
	 "  b text\n"
	 "  c uuid\n"
	 "  d decimal(6,2)\n"
	 "  e decimal(4,1)\n"
	 "  j json\n"
	 "  reference f: a,b -> two x,y\n"},
	{__LINE__, "    references: { f: { fields: [b, a], to: two, on: [y, x] } }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  a integer\n"
	 "  b text\n"
	 "  c uuid\n"
	 "  d decimal(6,2)\n"
	 "  e decimal(4,1)\n"
	 "  j json\n"
	 "  reference f: a,b -> two x,y\n"},
	{__LINE__,
	 "    references: { f: { fields: c, to: two, on: z }, g: { fields: [c], to: two, on: [z] "
	 "} }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  a integer\n"
	 "  b text\n"
	 "  c uuid\n"
	 "  d decimal(6,2)\n"
	 "  e decimal(4,1)\n"
	 "  j json\n"
	 "  reference f: c -> two z\n"
	 "  reference g: c -> two z\n"},
	{__LINE__, "    references: { f: { fields: [a, c, d], to: two, on: [x, z, n] } }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  a integer\n"
	 "  b text\n"
	 "  c uuid\n"
	 "  d decimal(6,2)\n"
	 "  e decimal(4,1)\n"
	 "  j json\n"
	 "  reference f: d,a,c -> two n,x,z\n"},
	{__LINE__, "    references: { f: { fields: a, to: p } }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  a integer references p\n"
	 "  b text\n"
	 "  c uuid\n"
	 "  d decimal(6,2)\n"
	 "  e decimal(4,1)\n"
	 "  j json\n"
	 "  reference f: a -> p id\n"},
	{__LINE__, "    references: { f: { fields: a, to: view, on: a } }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  a integer\n"
	 "  b text\n"
	 "  c uuid\n"
	 "  d decimal(6,2)\n"
	 "  e decimal(4,1)\n"
	 "  j json\n"
	 "  reference f: a -> view a\n"},
	{__LINE__, "    references: { f: { fields: a, to: p, on: id }, g: { fields: a, to: p } }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  a integer references p\n"
	 "  b text\n"
	 "  c uuid\n"
	 "  d decimal(6,2)\n"
	 "  e decimal(4,1)\n"
	 "  j json\n"
	 "  reference f: a -> p id\n"
	 "  reference g: a -> p id\n"},
	{__LINE__,
	 "    references: { f: { fields: id, to: later, on: k } }\n"
	 "  later: { key: l, fields: { l: text, k: integer }, unique: { k: k } }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  a integer\n"
	 "  b text\n"
	 "  c uuid\n"
	 "  d decimal(6,2)\n"
	 "  e decimal(4,1)\n"
	 "  j json\n"
	 "  reference f: id -> later k\n"
	 "later key l\n"
	 "  l text key required\n"
	 "  k integer\n"
	 "  unique k: k\n"},
	{__LINE__,
	 "    references: { f: { fields: id, to: later }, g: { fields: id, to: p } }\n"
	 "  later: { key: l, fields: { l: integer } }\n",
	 "r key id\n"
	 "  id integer key required references later\n"
	 "  a integer\n"
	 "  b text\n"
	 "  c uuid\n"
	 "  d decimal(6,2)\n"
	 "  e decimal(4,1)\n"
	 "  j json\n"
	 "  reference f: id -> later l\n"
	 "  reference g: id -> p id\n"
	 "later key l\n"
	 "  l integer key required\n"},
	{__LINE__,
	 "    references: { up: { fields: a, to: r }, twice: { fields: [a, b], to: r, on: [a, b] "
	 "} }\n"
	 "    unique: { ab: [b, a] }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  a integer references r\n"
	 "  b text\n"
	 "  c uuid\n"
	 "  d decimal(6,2)\n"
	 "  e decimal(4,1)\n"
	 "  j json\n"
	 "  unique ab: b,a\n"
	 "  reference up: a -> r id\n"
	 "  reference twice: b,a -> r b,a\n"},
	{__LINE__, "    references: {}\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  a integer\n"
	 "  b text\n"
	 "  c uuid\n"
	 "  d decimal(6,2)\n"
	 "  e decimal(4,1)\n"
	 "  j json\n"},
};

static void test_good(void **state)
{
	(void)state;
	test_load_rows(before, common, ROWS(good_rows));
}

static const struct load_row bad_rows[] = {
	{__LINE__, "    references: p\n",
	 ":10:17: each foreign key of a resource has a name\n"
	 "    hint: references: { RULE NAME: { fields: [FIELDS], to: RESOURCE } }\n"},
	{__LINE__, "    references: [p]\n",
	 ":10:17: each foreign key of a resource has a name\n"
	 "    hint: references: { RULE NAME: { fields: [FIELDS], to: RESOURCE } }\n"},
	{__LINE__, "    references: \n",
	 ":10:16: each foreign key of a resource has a name\n"
	 "    hint: references: { RULE NAME: { fields: [FIELDS], to: RESOURCE } }\n"},
	{__LINE__, "    references: *a\n",
	 ":10:17: aliases (*a) are not allowed\n"
	 "    hint: write the part out\n"},
	{__LINE__, "    references: { f: p }\n",
	 ":10:22: a foreign key is a map of entries `word: value`\n"},
	{__LINE__, "    references: { f: [a] }\n",
	 ":10:22: a foreign key is a map of entries `word: value`\n"},
	{__LINE__, "    references: { f: }\n",
	 ":10:22: a foreign key is a map of entries `word: value`\n"},
	{__LINE__, "    references: { f: *a }\n",
	 ":10:22: aliases (*a) are not allowed\n"
	 "    hint: write the part out\n"},
	{__LINE__, "    references: { f: {} }\n",
	 ":10:19: the foreign key \"f\" does not say which fields it has\n"
	 "    hint: { fields: [FIELDS], to: RESOURCE }\n"},
	{__LINE__, "    references: { f: { to: p } }\n",
	 ":10:19: the foreign key \"f\" does not say which fields it has\n"
	 "    hint: { fields: [FIELDS], to: RESOURCE }\n"},
	{__LINE__, "    references: { f: { fields: a } }\n",
	 ":10:19: the foreign key \"f\" does not say where it leads to\n"
	 "    hint: { fields: [FIELDS], to: RESOURCE }\n"},
	{__LINE__, "    references: { f: { fields: a, to: p, of: id } }\n",
	 ":10:42: unknown word \"of\" in a foreign key\n"
	 "    hint: did you mean \"on\"?\n"},
	{__LINE__, "    references: { f: { fields: a, to: p, match: full } }\n",
	 ":10:42: unknown word \"match\" in a foreign key\n"
	 "    hint: known here: fields, to, on, check\n"},
	{__LINE__, "    references: { f: { field: a, to: p } }\n",
	 ":10:19: the foreign key \"f\" does not say which fields it has\n"
	 "    hint: { fields: [FIELDS], to: RESOURCE }\n"
	 ":10:24: unknown word \"field\" in a foreign key\n"
	 "    hint: did you mean \"fields\"?\n"},
	{__LINE__, "    references: { f: { fields: [], to: p } }\n",
	 ":10:32: `fields` names at least one field\n"},
	{__LINE__, "    references: { f: { fields: , to: p } }\n", ":10:32: `fields` has no value\n"},
	{__LINE__, "    references: { f: { fields: aa, to: p } }\n",
	 ":10:32: `fields`: \"r\" has no field \"aa\"\n"
	 "    hint: did you mean \"a\"?\n"},
	{__LINE__, "    references: { f: { fields: [a, a], to: two } }\n",
	 ":10:36: `fields` names \"a\" twice\n"},
	{__LINE__, "    references: { f: { fields: a, to: q } }\n",
	 ":10:39: `to`: there is no resource \"q\"\n"},
	{__LINE__, "    references: { f: { fields: a, to: [p] } }\n",
	 ":10:39: `to` is one text, not a list\n"},
	{__LINE__, "    references: { f: { fields: a, to: t } }\n", ":10:39: `to`: \"t\" is a tally\n"},
	{__LINE__, "    references: { f: { fields: a, to: } }\n", ":10:39: `to` has no value\n"},
	{__LINE__, "    references: { f: { fields: a, to: view } }\n",
	 ":10:39: `to`: \"view\" has no key\n"
	 "    hint: under `references` of the resource, name the fields of a unique rule with "
	 "`on`\n"},
	{__LINE__, "    references: { f: { fields: a, to: p, on: idd } }\n",
	 ":10:46: `on`: \"p\" has no field \"idd\"\n"
	 "    hint: did you mean \"id\"?\n"},
	{__LINE__, "    references: { f: { fields: a, to: p, on: [] } }\n",
	 ":10:46: `on` names at least one field\n"},
	{__LINE__, "    references: { f: { fields: a, to: p, on: } }\n", ":10:46: `on` has no value\n"},
	{__LINE__, "    references: { f: { fields: [a, b], to: two, on: [x, x] } }\n",
	 ":10:57: `on` names \"x\" twice\n"},
	{__LINE__, "    references: { f: { fields: a, to: two } }\n",
	 ":10:32: `fields` does not name as many fields as the key of \"two\" has\n"
	 "    hint: name other fields of it with `on`\n"},
	{__LINE__, "    references: { f: { fields: [a, b], to: p } }\n",
	 ":10:32: `fields` does not name as many fields as the key of \"p\" has\n"
	 "    hint: name other fields of it with `on`\n"},
	{__LINE__, "    references: { f: { fields: [a, b], to: two, on: z } }\n",
	 ":10:53: `fields` and `on` do not name as many fields\n"
	 "    hint: each field has its own at the other end\n"},
	{__LINE__, "    references: { f: { fields: c, to: two, on: [x, y] } }\n",
	 ":10:48: `fields` and `on` do not name as many fields\n"
	 "    hint: each field has its own at the other end\n"},
	{__LINE__, "    references: { f: { fields: a, to: two, on: x } }\n",
	 ":10:48: `on` is neither the key of \"two\" nor all fields of a unique rule\n"
	 "    hint: else one row could refer to several\n"},
	{__LINE__, "    references: { f: { fields: [a, c], to: two, on: [x, z] } }\n",
	 ":10:53: `on` is neither the key of \"two\" nor all fields of a unique rule\n"
	 "    hint: else one row could refer to several\n"},
	{__LINE__, "    references: { f: { fields: [a, b, c], to: two, on: [x, y, z] } }\n",
	 ":10:56: `on` is neither the key of \"two\" nor all fields of a unique rule\n"
	 "    hint: else one row could refer to several\n"},
	{__LINE__, "    references: { f: { fields: a, to: view, on: c } }\n",
	 ":10:49: `on` is neither the key of \"view\" nor all fields of a unique rule\n"
	 "    hint: else one row could refer to several\n"},
	{__LINE__, "    references: { f: { fields: b, to: p } }\n",
	 ":10:32: `fields`: \"id\" of \"p\" is integer, \"b\" is text\n"
	 "    hint: give both the same type\n"},
	{__LINE__, "    references: { f: { fields: [b, a], to: two } }\n",
	 ":10:32: `fields`: \"x\" of \"two\" is integer, \"b\" is text\n"
	 "    hint: give both the same type\n"
	 ":10:32: `fields`: \"y\" of \"two\" is text, \"a\" is integer\n"
	 "    hint: give both the same type\n"},
	{__LINE__, "    references: { f: { fields: [a, c, e], to: two, on: [x, z, n] } }\n",
	 ":10:32: `fields`: \"n\" of \"two\" is decimal, \"e\" is decimal\n"
	 "    hint: give both as many digits behind the point\n"},
	{__LINE__, "    references: { f: { fields: j, to: p } }\n",
	 ":10:32: `fields`: \"id\" of \"p\" is integer, \"j\" is json\n"
	 "    hint: give both the same type\n"},
	{__LINE__, "    references: { f: { fields: a, to: p }, F: { fields: a, to: p } }\n",
	 ":10:44: the rule \"F\" has the name of the one in line 10\n"
	 "    hint: give one of the two another name\n"},
	{__LINE__, "    references: { f: { fields: a, to: p }, f: { fields: a, to: p } }\n",
	 ":10:44: \"f\" stands twice; it is in line 10 already\n"},
	{__LINE__,
	 "    references: { One: { fields: a, to: p } }\n"
	 "    unique: { one: a }\n",
	 ":10:19: the rule \"One\" has the name of the one in line 11\n"
	 "    hint: give one of the two another name\n"},
	{__LINE__, "    references: { _rl_f: { fields: a, to: p } }\n",
	 ":10:19: a rule's name cannot begin with \"_rl_\"\n"
	 "    hint: names of that kind belong to the store\n"},
	{__LINE__, "    references: { \"\": { fields: a, to: p } }\n",
	 ":10:19: a rule's name has 1 to 63 bytes\n"},
	{__LINE__,
	 "    references: { f: { fields: id, to: q } }\n"
	 "  q: { key: x, fields: { id: integer } }\n",
	 ":11:13: `key`: \"q\" has no field \"x\"\n"},
	{__LINE__,
	 "    references: { f: { fields: id, to: q, on: id } }\n"
	 "  q: { key: x, fields: { id: integer } }\n",
	 ":11:13: `key`: \"q\" has no field \"x\"\n"},
	{__LINE__,
	 "    references: { f: { fields: id, to: q } }\n"
	 "  q: { fields: { id: integer } }\n",
	 ":11:3: the resource \"q\" has no key\n"
	 "    hint: such as `key: id` with a field `id: { type: uuid, default: auto }`\n"},
	{__LINE__,
	 "    references: { f: { fields: id, to: q, on: id } }\n"
	 "  q: { fields: { id: integer } }\n",
	 ":11:3: the resource \"q\" has no key\n"
	 "    hint: such as `key: id` with a field `id: { type: uuid, default: auto }`\n"},
	{__LINE__,
	 "    references: { f: { fields: id, to: q, on: u } }\n"
	 "  q: { key: id, fields: { id: integer, u: integer }, unique: u }\n",
	 ":11:62: each unique rule has a name\n"
	 "    hint: unique: { RULE NAME: [FIELDS] }\n"},
	{__LINE__,
	 "    references: { f: { fields: id, to: q, on: u } }\n"
	 "  q: { key: id, fields: { id: integer, u: integer }, unique: { u: v } }\n",
	 ":11:67: a unique rule: \"q\" has no field \"v\"\n"},
	{__LINE__,
	 "    references: { f: { fields: id, to: q } }\n"
	 "  q: { key: id, fields: { id: geometry } }\n",
	 ":11:31: there is no type \"geometry\"\n"
	 "    hint: integer, number, decimal(p,s), text, text(n), boolean, uuid, date, time, "
	 "datetime or json\n"},
	{__LINE__,
	 "    references: { f: { fields: id, to: q } }\n"
	 "  q: { key: id }\n",
	 ":11:3: the resource \"q\" has no fields\n"
	 "    hint: fields: { NAME: TYPE, \xe2"
	 "\x80"
	 "\xa6"
	 " }\n"},
};

static void test_bad(void **state)
{
	(void)state;
	test_load_rows(before, common, ROWS(bad_rows));
}

/* Resources of other shapes, in line 7. */
static const struct load_row other_rows[] = {
	{__LINE__,
	 "  r:\n"
	 "    key: id\n"
	 "    fields: { id: integer, a: { type: integer, references: p } }\n"
	 "    references: { f: { fields: a, to: p } }\n",
	 "r key id\n"
	 "  id integer key required\n"
	 "  a integer references p\n"
	 "  reference r_a_fkey: a -> p id\n"
	 "  reference f: a -> p id\n"},
	{__LINE__,
	 "  r:\n"
	 "    key: id\n"
	 "    fields: { id: { type: integer, references: r }, a: integer }\n"
	 "    unique: { same: id }\n"
	 "    references: { f: { fields: a, to: p, on: id } }\n",
	 "r key id\n"
	 "  id integer key required references r\n"
	 "  a integer references p\n"
	 "  unique same: id\n"
	 "  reference r_id_fkey: id -> r id\n"
	 "  reference f: a -> p id\n"},
	{__LINE__,
	 "  r: { key: [], fields: { a: { type: integer, references: p }, b: text }, references: { "
	 "f: { fields: [a, b], to: two } } }\n",
	 "r\n"
	 "  a integer references p\n"
	 "  b text\n"
	 "  reference r_a_fkey: a -> p id\n"
	 "  reference f: a,b -> two x,y\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, a: { type: uuid, references: two } } }\n",
	 ":7:69: `references`: the key of \"two\" has more than one field\n"
	 "    hint: write it under `references` of the resource, with all its fields\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, a: { type: integer, references: view } } }\n",
	 ":7:72: `references`: \"view\" has no key\n"
	 "    hint: under `references` of the resource, name the fields of a unique rule with "
	 "`on`\n"},
	{__LINE__,
	 "  r:\n"
	 "    key: id\n"
	 "    fields: { id: integer, a: { type: integer, references: p }, b: text }\n"
	 "    references: { R_a_fkey: { fields: b, to: two, on: y } }\n",
	 ":10:19: the rule \"R_a_fkey\" has the name of the one in line 9\n"
	 "    hint: give one of the two another name\n"
	 ":10:55: `on` is neither the key of \"two\" nor all fields of a unique rule\n"
	 "    hint: else one row could refer to several\n"},
	{__LINE__,
	 "  r:\n"
	 "    key: id\n"
	 "    fields:\n"
	 "      id: integer\n"
	 "      a: { type: integer, references: p }\n"
	 "    unique: { r_a_fkey: a }\n",
	 ":11:39: the rule \"r_a_fkey\" has the name of the one in line 12\n"
	 "    hint: give one of the two another name\n"},
	{__LINE__, "  r: { tally: p, by: id, references: { f: { fields: id, to: p } } }\n",
	 ":7:26: `references` cannot stand beside `tally`\n"
	 "    hint: a tally is read only; its fields are those that `by` names, and `count`\n"},
	{__LINE__,
	 "  r:\n"
	 "    key: id\n"
	 "    fields: { id: integer, a: geometry }\n"
	 "    references: { f: { fields: a, to: p } }\n",
	 ":9:31: there is no type \"geometry\"\n"
	 "    hint: integer, number, decimal(p,s), text, text(n), boolean, uuid, date, time, "
	 "datetime or json\n"},
	{__LINE__,
	 "  r:\n"
	 "    key: id\n"
	 "    fields: []\n"
	 "    references: { f: { fields: a, to: p } }\n",
	 ":9:13: `fields` is a map of entries `word: value`\n"},
};

static void test_other(void **state)
{
	(void)state;
	test_load_rows(TARGETS, common, ROWS(other_rows));
}

/* Of fields and rules together. */
static void test_count(void **state)
{
	(void)state;
	for (size_t count = 99; count <= 100; count++) {
		struct buf buf;
		char *got;

		buf_init(&buf, SIZE_MAX);
		buf_append(&buf,
				   STR("  r:\n    key: id\n    fields:\n"
					   "      id: { type: integer, references: p }\n    references:\n"));
		for (size_t i = 0; i < count; i++) {
			buf_printf(&buf, "      f%zu: { fields: id, to: p }\n", i);
		}
		buf_append_byte(&buf, '\0');
		got = test_load(TARGETS, buf.ptr);
		if (count == 99) {
			assert_int_equal(strncmp(got, common, sizeof(common) - 1), 0);
			assert_non_null(strstr(got, "  reference f98: id -> p id\n"));
		} else {
			assert_string_equal(got, ":7:3: a resource has at most 100 foreign keys\n");
		}
		free(got);
		buf_finish(&buf);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
