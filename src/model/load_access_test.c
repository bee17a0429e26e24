#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* What is about rows stands in line 7. */
#define AUTH "auth: { algorithm: HS256, secret: 0123456789abcdef0123456789abcdef }\n"

static const char before[] = "service: s\n" AUTH "resources:\n"
							 "  r:\n"
							 "    key: id\n"
							 "    fields: { id: integer, owner: text }\n";

static const char common[] = "s auth [HS256 secret]\n"
							 "r key id\n"
							 "  id integer key required\n"
							 "  owner text\n";

static const struct load_row rule_rows[] = {
	{__LINE__, "    rules: { read: \"owner=eq.{claims.sub}\" }\n",
	 "  rule read *: owner=eq.{claims.sub} (where)\n"},
	{__LINE__, "    rules: { read: all, create: never, update: id=gt.3, delete: never }\n",
	 "  rule read *: all\n  rule create *: never\n  rule update *: id=gt.3 (where)\n"
	 "  rule delete *: never\n"},
	{__LINE__,
	 "    rules: { read: { admin: all, user: \"owner=eq.{claims.sub}\", \"*\": never } }\n",
	 "  rule read admin: all\n  rule read user: owner=eq.{claims.sub} (where)\n"
	 "  rule read *: never\n"},
	{__LINE__, "    rules: {}\n", ""},
	{__LINE__, "    rules: read\n", ":7:12: `rules` is a map of entries `word: value`\n"},
	{__LINE__, "    rules: { reed: all }\n",
	 ":7:14: unknown word \"reed\" in `rules`\n    hint: did you mean \"read\"?\n"},
	{__LINE__, "    rules: { select: all }\n",
	 ":7:14: unknown word \"select\" in `rules`\n"
	 "    hint: known here: read, create, update, delete\n"},
	{__LINE__, "    rules: { read: all, read: never }\n",
	 ":7:25: \"read\" stands twice; it is in line 7 already\n"},
	{__LINE__, "    rules: { read: { a: all, a: never } }\n",
	 ":7:30: \"a\" stands twice; it is in line 7 already\n"},
	{__LINE__, "    rules: { read: al }\n",
	 ":7:20: `read`: \"al\" is no rule\n"
	 "    hint: all, never, or a condition such as \"owner=eq.{claims.sub}\"\n"},
	{__LINE__, "    rules: { delete: }\n", ":7:22: `delete` has no value\n"},
	{__LINE__, "    rules: { update: [all] }\n", ":7:22: `update` is one text, not a list\n"},
	{__LINE__, "    rules: { create: {} }\n",
	 ":7:22: `create` names no role\n    hint: write `never`\n"},
	{__LINE__, "    rules: { create: { \"\": all } }\n",
	 ":7:24: `create`: a role without a name\n    hint: \"*\" is for all other roles\n"},
	{__LINE__, "    rules: { create: { a: { b: all } } }\n",
	 ":7:27: `create` is one text, not a map\n"},
	{__LINE__, "  t: { tally: r, by: id, rules: { read: \"id=eq.{claims.n}\", create: all } }\n",
	 ":7:61: a tally is only read\n    hint: its only rule is `read`\n"},
};

/* Fields stand in line 7. */
static const struct load_row field_rows[] = {
	{__LINE__,
	 "      id: { type: integer, writable_by: admin }\n"
	 "      pay: { type: integer, readable_by: [admin, boss], writable_by: [] }\n",
	 "s auth [HS256 secret]\nr key id\n  id integer key required writable by admin\n"
	 "  pay integer readable by admin,boss writable by\n"},
	{__LINE__,
	 "      id: integer\n"
	 "      sum: { type: integer, computed: id + 1, readable_by: admin }\n",
	 "s auth [HS256 secret]\nr key id\n  id integer key required\n  sum integer never "
	 "readable by admin computed id + 1@8:39\n"},
	{__LINE__, "      id: { type: integer, readable_by: admin }\n",
	 ":7:28: `readable_by` is not for a field of the key\n"
	 "    hint: whoever may read a row may read its key\n"},
	{__LINE__,
	 "      id: integer\n"
	 "      pay: { type: integer, readable_by: [a, b, a] }\n",
	 ":8:49: `readable_by` names \"a\" twice\n"},
	{__LINE__,
	 "      id: integer\n"
	 "      pay: { type: integer, writable_by: { a: all } }\n",
	 ":8:42: `writable_by` is one text, not a map\n"},
	{__LINE__,
	 "      id: integer\n"
	 "      sum: { type: integer, computed: id + 1, writable_by: admin }\n",
	 ":8:47: `writable_by` cannot stand beside `computed`\n"},
	{__LINE__,
	 "      id: integer\n"
	 "      pay: { type: integer, required: true, readable_by: admin }\n"
	 "  t: { tally: r, by: pay }\n",
	 ":9:22: `by`: \"pay\" has `readable_by`\n    hint: rows are found and ordered by it\n"},
};

static void test_rules(void **state)
{
	(void)state;
	test_load_rows(before, common, ROWS(rule_rows));
}

static void test_fields(void **state)
{
	(void)state;
	test_load_rows("service: s\n" AUTH "resources:\n"
				   "  r:\n"
				   "    key: id\n"
				   "    fields:\n",
				   "", ROWS(field_rows));
}

/* Without callers there is nothing that rules could be about. */
static void test_auth(void **state)
{
	static const struct load_row rows[] = {
		{__LINE__, "  r: { key: id, fields: { id: integer }, rules: { read: all } }\n",
		 ":3:51: `rules` needs `auth`: without it nobody is known\n"
		 "    hint: auth: { algorithm: RS256, public_key: FILE }\n"},
		{__LINE__,
		 "  r: { key: id, fields: { id: integer, a: { type: text, readable_by: [] } } }\n",
		 ":3:57: `readable_by` needs `auth`: without it nobody is known\n"
		 "    hint: auth: { algorithm: RS256, public_key: FILE }\n"},
	};
	(void)state;
	test_load_rows("service: s\nresources:\n", "", ROWS(rows));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_auth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
