/*
 * Rules with conditions: unique among some rows, and checks, as every store keeps them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/contract_test_help.h"

#define L __LINE__

static const char westeros[] =
	"service: westeros\n"
	"listen: 127.0.0.1:0\n"
	"store: \"memory:\"\n"
	"resources:\n"
	"  people:\n"
	"    key: id\n"
	"    fields:\n"
	"      id: integer\n"
	"      name: text\n"
	"      king: { type: boolean, default: false }\n"
	"      alive: { type: boolean, default: true }\n"
	"      place: integer\n"
	"      score: { type: integer, write: once }\n"
	"    unique:\n"
	"      one living king per place: { fields: place, where: \"king=is.true&alive=is.true\" }\n"
	"      one heir per place: { fields: place, where: \"name=eq.heir\" }\n"
	"      one score: { fields: [name, score], where: \"score=gt.0\" }\n"
	"      one old score: { fields: [score, name], where: \"score=lt.-5\" }\n"
	"    check:\n"
	"      the living have a place: \"or=(alive.is.false,place.not.is.null)\"\n"
	"      small: \"place=lt.100\"\n"
	"      good name: \"name=neq.it's&name=isdistinct.x\"\n"
	"    index: [{ fields: name, where: \"alive=is.true\" }, name]\n";

#define KING                                                                                       \
	"409 23505 duplicate key value violates unique constraint \"one living king per place\""
#define LIVING                                                                                     \
	"400 23514 new row for relation \"people\" violates check constraint \"the living have a "     \
	"place\""
#define SMALL "400 23514 new row for relation \"people\" violates check constraint \"small\""
#define NAME "400 23514 new row for relation \"people\" violates check constraint \"good name\""

static const struct contract_row kings_rows[] = {
	{L, "insert people?&quiet",
	 "[{\"id\":1,\"place\":1,\"king\":true,\"alive\":true},"
	 "{\"id\":2,\"place\":1,\"king\":false,\"alive\":true},"
	 "{\"id\":3,\"place\":1,\"king\":true,\"alive\":false},"
	 "{\"id\":4,\"place\":2,\"king\":true,\"alive\":true}]",
	 "4+4"},
	{L, "update people?id=eq.2&quiet", "{\"king\":true}", KING},
	{L, "update people?id=eq.3&quiet", "{\"alive\":true}", KING},
	{L, "update people?id=eq.4&quiet", "{\"place\":1}", KING " | Key (place)=(1) already exists."},
	{L, "update people?id=eq.1&quiet", "{\"king\":true}", "1"},
	/* A row of many that breaks it: none is written. */
	{L, "update people?&quiet", "{\"place\":7}", KING " | Key (place)=(7) already exists."},
	{L, "update people?&quiet", "{\"king\":true}", KING},
	{L, "list people?select=place,king", NULL,
	 "4 [{\"place\":1,\"king\":true},{\"place\":1,\"king\":false},{\"place\":1,\"king\":true},"
	 "{\"place\":2,\"king\":true}]"},
	{L, "insert people?&quiet",
	 "[{\"id\":8,\"place\":8,\"king\":true},{\"id\":9,\"place\":8,\"king\":true}]",
	 KING " | Key (place)=(8) already exists."},
	{L, "list people?id=gte.8", NULL, "0 []"},
	/* The king is dead, long live the king. */
	{L, "update people?id=eq.1&quiet", "{\"alive\":false}", "1"},
	{L, "update people?id=eq.2&quiet", "{\"king\":true}", "1"},
	{L, "delete people?id=eq.2&quiet", NULL, "1"},
	{L, "insert people?&quiet", "{\"id\":2,\"place\":1,\"king\":true}", "1+1"},
	/* Null is equal to nothing. */
	{L, "insert people?&quiet",
	 "[{\"id\":20,\"name\":\"a\",\"score\":1,\"place\":3},"
	 "{\"id\":21,\"name\":null,\"score\":1,\"place\":3},"
	 "{\"id\":22,\"name\":null,\"score\":1,\"place\":3},"
	 "{\"id\":23,\"name\":\"a\",\"score\":null,\"place\":3},"
	 "{\"id\":24,\"name\":\"a\",\"score\":null,\"place\":3},"
	 "{\"id\":25,\"name\":\"a\",\"score\":-1,\"place\":3},"
	 "{\"id\":26,\"name\":\"a\",\"score\":-1,\"place\":3}]",
	 "7+7"},
	{L, "insert people?&quiet", "{\"id\":27,\"name\":\"a\",\"score\":1,\"place\":3}",
	 "409 23505 duplicate key value violates unique constraint \"one score\" | Key (name, "
	 "score)=(a, 1) already exists."},
	/* Two rules over the same field. */
	{L, "insert people?&quiet", "{\"id\":30,\"name\":\"heir\",\"place\":1}", "1+1"},
	{L, "insert people?&quiet", "{\"id\":31,\"name\":\"heir\",\"place\":3}", "1+1"},
	{L, "insert people?&quiet", "{\"id\":32,\"name\":\"heir\",\"place\":3}",
	 "409 23505 duplicate key value violates unique constraint \"one heir per place\" | Key "
	 "(place)=(3) already exists."},
	{L, "insert people?&quiet", "{\"id\":32,\"king\":true,\"place\":1}",
	 KING " | Key (place)=(1) already exists."},
};

static const struct contract_row upsert_rows[] = {
	{L, "insert people?&quiet", "[{\"id\":1,\"name\":\"a\",\"score\":1,\"place\":1}]", "1+1"},
	/* The fields of two rules, whatever their order. */
	{L, "upsert people?on_conflict=place&quiet", "{\"id\":2,\"place\":1}",
	 "400 42P10 there is no unique or exclusion constraint matching the ON CONFLICT specification "
	 "| 2 unique rules of \"people\" are about these columns, each for some rows"},
	{L, "upsert people?on_conflict=score,name&quiet", "{\"id\":2,\"place\":1}",
	 "400 42P10 there is no unique or exclusion constraint matching the ON CONFLICT specification "
	 "| 2 unique rules of \"people\" are about these columns, each for some rows"},
};

static const struct contract_row checks_rows[] = {
	{L, "insert people?&quiet", "{\"id\":1}", LIVING},
	{L, "insert people?&quiet", "{\"id\":1,\"alive\":false}", "1+1"},
	{L, "insert people?&quiet", "[{\"id\":2,\"place\":1},{\"id\":3,\"place\":null}]", LIVING},
	{L, "list people?select=id", NULL, "1 [{\"id\":1}]"},
	/* Unknown passes: `alive` is null, `place` is null. */
	{L, "insert people?&quiet", "{\"id\":2,\"alive\":null,\"place\":1}", "1+1"},
	{L, "insert people?&quiet", "{\"id\":3,\"place\":100}", SMALL},
	{L, "insert people?&quiet", "{\"id\":3,\"place\":99}", "1+1"},
	{L, "insert people?&quiet", "{\"id\":4,\"place\":1,\"name\":\"it's\"}", NAME},
	{L, "insert people?&quiet", "{\"id\":4,\"place\":1,\"name\":\"x\"}", NAME},
	{L, "update people?id=eq.1&quiet", "{\"alive\":true}", LIVING},
	{L, "update people?id=eq.3&quiet", "{\"place\":null}", LIVING},
	/* One of many rows. */
	{L, "update people?&quiet", "{\"alive\":true}", LIVING},
	{L, "list people?select=id,alive", NULL,
	 "3 [{\"id\":1,\"alive\":false},{\"id\":2,\"alive\":null},{\"id\":3,\"alive\":true}]"},
	{L, "update people?id=gt.1&quiet", "{\"alive\":true}", "2"},
	{L, "update{}! people?id=eq.3&quiet", "{\"id\":3,\"place\":null,\"alive\":true}", LIVING},
	/* The row as it is given, and as it becomes. */
	{L, "upsert people?&quiet", "{\"id\":3,\"alive\":false}", "1"},
	{L, "upsert people?&quiet", "{\"id\":1,\"alive\":true}", LIVING},
	{L, "upsert people?&quiet", "{\"id\":3,\"place\":200}", SMALL},
	{L, "upsert people?&quiet&ignore", "{\"id\":3,\"place\":200}", SMALL},
	{L, "upsert people?&quiet", "[{\"id\":3,\"place\":5},{\"id\":9,\"place\":500}]", SMALL},
	{L, "list people?select=id,place,alive", NULL,
	 "3 [{\"id\":1,\"place\":null,\"alive\":false},{\"id\":2,\"place\":1,\"alive\":true},"
	 "{\"id\":3,\"place\":99,\"alive\":false}]"},
};

static const char shelf[] =
	"service: shelf\n"
	"listen: 127.0.0.1:0\n"
	"store: \"memory:\"\n"
	"resources:\n"
	"  books:\n"
	"    key: id\n"
	"    fields:\n"
	"      id: { type: integer, default: auto }\n"
	"      code: text\n"
	"      state: { type: text, default: out }\n"
	"      note: text\n"
	"    unique:\n"
	"      one code on the shelf: { fields: code, where: \"state=eq.in\" }\n"
	"    check:\n"
	"      noted: \"or=(state.eq.in,note.is.null,note.neq.bad)\"\n";

static const struct contract_row merge_rows[] = {
	{L, "insert books?&quiet",
	 "[{\"code\":\"a\",\"state\":\"in\"},{\"code\":\"a\",\"state\":\"out\"},"
	 "{\"code\":\"a\",\"state\":\"out\"}]",
	 "3+3#3"},
	{L, "upsert books?on_conflict=code", "{\"code\":\"a\",\"state\":\"in\",\"note\":\"x\"}",
	 "1 [{\"id\":1,\"code\":\"a\",\"state\":\"in\",\"note\":\"x\"}]"},
	/* A row that has no part in the rule meets none. */
	{L, "upsert books?on_conflict=code&select=id,note",
	 "{\"code\":\"a\",\"state\":\"out\",\"note\":\"y\"}", "1+1#5 [{\"id\":5,\"note\":\"y\"}]"},
	{L, "upsert books?on_conflict=code&select=id,note", "{\"code\":\"a\",\"note\":\"z\"}",
	 "1+1#6 [{\"id\":6,\"note\":\"z\"}]"},
	{L, "upsert books?on_conflict=code&select=id&ignore",
	 "[{\"code\":\"a\",\"state\":\"in\"},{\"code\":\"b\",\"state\":\"in\"}]", "1+1#8 [{\"id\":8}]"},
	/* As it becomes: good before and in itself, but not together. */
	{L, "upsert books?&quiet", "{\"id\":1,\"state\":\"in\",\"note\":\"bad\"}", "1"},
	{L, "upsert books?&quiet", "{\"id\":1,\"state\":\"out\"}",
	 "400 23514 new row for relation \"books\" violates check constraint \"noted\""},
	{L, "list books?id=eq.1", NULL,
	 "1 [{\"id\":1,\"code\":\"a\",\"state\":\"in\",\"note\":\"bad\"}]"},
};

/* Values of every type are the same in a rule as in a row. */
static const char types[] = "service: types\n"
							"listen: 127.0.0.1:0\n"
							"store: \"memory:\"\n"
							"resources:\n"
							"  t:\n"
							"    key: id\n"
							"    fields:\n"
							"      id: { type: integer, default: auto }\n"
							"      day: date\n"
							"      at: time\n"
							"      seen: datetime\n"
							"      fee: \"decimal(6,2)\"\n"
							"      n: number\n"
							"      u: uuid\n"
							"      s: text\n"
							"    check:\n"
							"      day: day=lt.2020-02-29\n"
							"      at: \"at=neq.15:04:05\"\n"
							"      seen: \"seen=gte.2014-03-08T15:00:00Z\"\n"
							"      fee: \"fee=in.(1.5,2.25)\"\n"
							"      n: \"n=not.in.(0.1,1e300)\"\n"
							"      u: u=neq.00000000-0000-4000-8000-00000000000a\n"
							"      s: 's=not.in.(\"it''s\",\"\\\\x\",\"a\\\"b\",é)'\n";
#define BROKEN(rule) "400 23514 new row for relation \"t\" violates check constraint \"" rule "\""

static const struct contract_row types_rows[] = {
	{L, "insert t?&quiet", "{\"day\":\"2020-02-29\"}", BROKEN("day")},
	{L, "insert t?&quiet", "{\"day\":\"2020-02-28\"}", "1+1#1"},
	{L, "insert t?&quiet", "{\"at\":\"15:04:05\"}", BROKEN("at")},
	{L, "insert t?&quiet", "{\"at\":\"15:04:05.1\"}", "1+1#2"},
	{L, "insert t?&quiet", "{\"seen\":\"2014-03-08T14:59:59Z\"}", BROKEN("seen")},
	{L, "insert t?&quiet", "{\"seen\":\"2014-03-08T14:00:00-01:00\"}", "1+1#3"},
	{L, "insert t?&quiet", "{\"fee\":1.51}", BROKEN("fee")},
	{L, "insert t?&quiet", "{\"fee\":2.25}", "1+1#4"},
	{L, "insert t?&quiet", "{\"n\":0.1}", BROKEN("n")},
	{L, "insert t?&quiet", "{\"n\":1e300}", BROKEN("n")},
	{L, "insert t?&quiet", "{\"n\":0.2}", "1+1#5"},
	{L, "insert t?&quiet", "{\"u\":\"00000000-0000-4000-8000-00000000000A\"}", BROKEN("u")},
	{L, "insert t?&quiet", "{\"u\":\"00000000-0000-4000-8000-00000000000b\"}", "1+1#6"},
	{L, "insert t?&quiet", "{\"s\":\"it's\"}", BROKEN("s")},
	{L, "insert t?&quiet", "{\"s\":\"\\\\x\"}", BROKEN("s")},
	{L, "insert t?&quiet", "{\"s\":\"a\\\"b\"}", BROKEN("s")},
	{L, "insert t?&quiet", "{\"s\":\"\u00e9\"}", BROKEN("s")},
	{L, "insert t?&quiet", "{\"s\":\"its\"}", "1+1#7"},
};

#define TEST(name, service, rows)                                                                  \
	static void name(void **state)                                                                 \
	{                                                                                              \
		(void)state;                                                                               \
		CONTRACT_RUN(service, rows);                                                               \
	}

TEST(test_kings, westeros, kings_rows)
TEST(test_upserts, westeros, upsert_rows)
TEST(test_checks, westeros, checks_rows)
TEST(test_merges, shelf, merge_rows)
TEST(test_types, types, types_rows)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kings),  cmocka_unit_test(test_upserts),
		cmocka_unit_test(test_checks), cmocka_unit_test(test_merges),
		cmocka_unit_test(test_types),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
