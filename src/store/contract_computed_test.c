/*
 * Computed fields, which every store answers the same: selected, in conditions and orders, in
 * aggregates, through relations, in what a write gives back.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "store/contract_test_help.h"

#define L __LINE__

/* Columns of both tables have the same names, so that an alias that is missing shows. */
static const char service[] =
	"service: shop\n"
	"listen: 127.0.0.1:0\n"
	"store: \"memory:\"\n"
	"resources:\n"
	"  makers:\n"
	"    key: id\n"
	"    fields:\n"
	"      id: integer\n"
	"      a: integer\n"
	"      name: text\n"
	"      twice: { type: integer, computed: \"a * 2\" }\n"
	"  things:\n"
	"    fields:\n"
	"      sum: { type: integer, computed: \"a + b\" }\n"
	"      id: integer\n"
	"      maker: { type: integer, references: makers }\n"
	"      a: integer\n"
	"      b: integer\n"
	"      price: \"decimal(8,2)\"\n"
	"      rate: number\n"
	"      name: text\n"
	"      flag: boolean\n"
	"      born: date\n"
	"      ratio: { type: integer, computed: \"a / b\" }\n"
	"      gross: { type: \"decimal(12,4)\", computed: \"price * 1.19\" }\n"
	"      share: { type: number, computed: \"coalesce(price, 1) * rate\" }\n"
	"      title: { type: text, computed: \"'<' || name || '>'\" }\n"
	"      long: { type: integer, computed: \"length(name)\" }\n"
	"      sure: { type: boolean, computed: \"coalesce(flag, false)\" }\n"
	"      age: { type: integer, computed: \"coalesce(a, years_since(born))\" }\n"
	"      day: { type: date, computed: \"coalesce(born, today())\" }\n"
	"      same: { type: integer, computed: \"years_since(today())\" }\n"
	"      none: { type: text, computed: \"null\" }\n"
	"    key: id\n"
	"  ends:\n"
	"    key: [x, y]\n"
	"    fields:\n"
	"      x: integer\n"
	"      z: { type: integer, computed: \"x - y\" }\n"
	"      y: integer\n";

#define ROWS                                                                                       \
	{L, "insert makers?&quiet",                                                                    \
	 "[{\"id\":1,\"a\":10,\"name\":\"Ann\"},{\"id\":2,\"a\":null,\"name\":\"Bob\"}]", "2+2"},      \
	{                                                                                              \
		L, "insert things?&quiet",                                                                 \
			"[{\"id\":1,\"maker\":1,\"a\":7,\"b\":2,\"price\":12.50,\"rate\":2.5,"                 \
			"\"name\":\"Zo\\u00eb\",\"flag\":true,\"born\":\"1950-02-28\"},"                       \
			"{\"id\":2,\"maker\":1,\"a\":-7,\"b\":2,\"price\":0.01,\"rate\":-1,"                   \
			"\"name\":\"\",\"flag\":false,\"born\":null},"                                         \
			"{\"id\":3,\"maker\":2,\"a\":9223372036854775807,\"b\":0,\"price\":null,"              \
			"\"rate\":1e308,\"name\":null,\"flag\":null,\"born\":\"1900-01-01\"},"                 \
			"{\"id\":4,\"maker\":null,\"a\":null,\"b\":1,\"price\":999999.99,\"rate\":null,"       \
			"\"name\":\"b\",\"flag\":null,\"born\":\"1900-01-01\"}]",                              \
			"4+4"                                                                                  \
	}

static const struct contract_row select_rows[] = {
	ROWS,
	/* Answered when it is asked for only. */
	{L, "list makers?", NULL,
	 "2 [{\"id\":1,\"a\":10,\"name\":\"Ann\"},{\"id\":2,\"a\":null,\"name\":\"Bob\"}]"},
	{L, "list makers?select=*", NULL,
	 "2 [{\"id\":1,\"a\":10,\"name\":\"Ann\"},{\"id\":2,\"a\":null,\"name\":\"Bob\"}]"},
	{L, "list makers?select=*,twice", NULL,
	 "2 [{\"id\":1,\"a\":10,\"name\":\"Ann\",\"twice\":20},{\"id\":2,\"a\":null,\"name\":\"Bob\","
	 "\"twice\":null}]"},
	{L, "list makers?select=t:twice,twice,id", NULL,
	 "2 [{\"t\":20,\"twice\":20,\"id\":1},{\"t\":null,\"twice\":null,\"id\":2}]"},
	{L, "get things?select=sum&id=eq.1", NULL, "1 [{\"sum\":9}]"},
	{L, "get things?id=eq.4", NULL,
	 "1 [{\"id\":4,\"maker\":null,\"a\":null,\"b\":1,\"price\":999999.99,\"rate\":null,"
	 "\"name\":\"b\",\"flag\":null,\"born\":\"1900-01-01\"}]"},
	{L, "list things?select=id,sum,ratio", NULL,
	 "4 [{\"id\":1,\"sum\":9,\"ratio\":3},{\"id\":2,\"sum\":-5,\"ratio\":-3},{\"id\":3,"
	 "\"sum\":null,\"ratio\":null},{\"id\":4,\"sum\":null,\"ratio\":null}]"},
	{L, "list things?select=id,gross,share", NULL,
	 "4 [{\"id\":1,\"gross\":14.875,\"share\":31.25},{\"id\":2,\"gross\":0.0119,\"share\":-0.01},"
	 "{\"id\":3,\"gross\":null,\"share\":1e+308},{\"id\":4,\"gross\":1189999.9881,"
	 "\"share\":null}]"},
	{L, "list things?select=id,title,long,sure,none", NULL,
	 "4 [{\"id\":1,\"title\":\"<Zoë>\",\"long\":3,\"sure\":true,\"none\":null},{\"id\":2,"
	 "\"title\":\"<>\",\"long\":0,\"sure\":false,\"none\":null},{\"id\":3,\"title\":null,"
	 "\"long\":null,\"sure\":false,\"none\":null},{\"id\":4,\"title\":\"<b>\",\"long\":1,"
	 "\"sure\":false,\"none\":null}]"},
	{L, "list things?select=id,same,day&id=not.eq.2", NULL,
	 "3 [{\"id\":1,\"same\":0,\"day\":\"1950-02-28\"},{\"id\":3,\"same\":0,"
	 "\"day\":\"1900-01-01\"},{\"id\":4,\"same\":0,\"day\":\"1900-01-01\"}]"},
	{L, "list things?select=sum::text,gross::int,day::text&id=eq.1", NULL,
	 "1 [{\"sum\":\"9\",\"gross\":15,\"day\":\"1950-02-28\"}]"},
	{L, "list# things?select=sum,title&id=lt.3", NULL, "2 sum,title\n9,<Zoë>\n-5,<>"},
	{L, "list ends?", NULL, "0 []"},
};

static const struct contract_row where_rows[] = {
	ROWS,
	{L, "list things?select=id&sum=eq.9", NULL, "1 [{\"id\":1}]"},
	{L, "list things?select=id&sum=is.null", NULL, "2 [{\"id\":3},{\"id\":4}]"},
	{L, "list things?select=id&sum=not.eq.9", NULL, "1 [{\"id\":2}]"},
	{L, "list things?select=id&sum=in.(9,-5)&total", NULL, "2/2 [{\"id\":1},{\"id\":2}]"},
	{L, "list things?select=id&gross=gt.0.0118", NULL, "3 [{\"id\":1},{\"id\":2},{\"id\":4}]"},
	{L, "list things?select=id&share=eq.-0.01", NULL, "1 [{\"id\":2}]"},
	{L, "list things?select=id&title=like.*%3E", NULL, "3 [{\"id\":1},{\"id\":2},{\"id\":4}]"},
	{L, "list things?select=id&title=like.%3CZ*", NULL, "1 [{\"id\":1}]"},
	{L, "list things?select=id&title=ilike.%3Cz*", NULL, "1 [{\"id\":1}]"},
	{L, "list things?select=id&title=match.^.b", NULL, "1 [{\"id\":4}]"},
	{L, "list things?select=id&title=fts.b", NULL, "1 [{\"id\":4}]"},
	{L, "list things?select=id&title=not.fts.b", NULL, "2 [{\"id\":1},{\"id\":2}]"},
	{L, "list things?select=id&sure=is.true", NULL, "1 [{\"id\":1}]"},
	{L, "list things?select=id&sure=is.false", NULL, "3 [{\"id\":2},{\"id\":3},{\"id\":4}]"},
	{L, "list things?select=id&none=isdistinct.x", NULL,
	 "4 [{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4}]"},
	{L, "list things?select=id&age=gte.70&day=lt.1950-03-01", NULL, "2 [{\"id\":3},{\"id\":4}]"},
	{L, "list things?select=id&or=(sum.eq.9,and(ratio.eq.-3,long.eq.0))", NULL,
	 "2 [{\"id\":1},{\"id\":2}]"},
	{L, "list things?select=id,sum&order=sum.desc.nullslast,id", NULL,
	 "4 [{\"id\":1,\"sum\":9},{\"id\":2,\"sum\":-5},{\"id\":3,\"sum\":null},{\"id\":4,"
	 "\"sum\":null}]"},
	{L, "list things?select=id&order=sum.asc.nullsfirst", NULL,
	 "4 [{\"id\":3},{\"id\":4},{\"id\":2},{\"id\":1}]"},
	{L, "list things?select=id&order=title.desc", NULL,
	 "4 [{\"id\":3},{\"id\":4},{\"id\":1},{\"id\":2}]"},
	{L, "list things?select=id,ratio&order=ratio&limit=2&offset=1&total", NULL,
	 "2/4 [{\"id\":1,\"ratio\":3},{\"id\":3,\"ratio\":null}]"},
};

static const struct contract_row more_rows[] = {
	ROWS,
	/* Groups. */
	{L, "list things?select=sum.sum(),ratio.min(),ratio.max(),long.avg(),title.count()", NULL,
	 "1 [{\"sum\":4,\"min\":-3,\"max\":3,\"avg\":1.3333333333333333,\"count\":3}]"},
	{L, "list things?select=gross.sum(),share.max(),day.min()", NULL,
	 "1 [{\"sum\":1190014.875,\"max\":1e+308,\"min\":\"1900-01-01\"}]"},
	{L, "list things?select=sure,count()&order=sure", NULL,
	 "2 [{\"sure\":false,\"count\":3},{\"sure\":true,\"count\":1}]"},
	{L, "list things?select=sure&distinct=true&order=sure&total", NULL,
	 "2/2 [{\"sure\":false},{\"sure\":true}]"},
	/* Through relations. */
	{L, "list things?select=id,sum,makers(id,twice)", NULL,
	 "4 [{\"id\":1,\"sum\":9,\"makers\":{\"id\":1,\"twice\":20}},{\"id\":2,\"sum\":-5,"
	 "\"makers\":{\"id\":1,\"twice\":20}},{\"id\":3,\"sum\":null,\"makers\":{\"id\":2,"
	 "\"twice\":null}},{\"id\":4,\"sum\":null,\"makers\":null}]"},
	{L, "list things?select=id,makers(twice)&makers.twice=eq.20", NULL,
	 "4 [{\"id\":1,\"makers\":{\"twice\":20}},{\"id\":2,\"makers\":{\"twice\":20}},{\"id\":3,"
	 "\"makers\":null},{\"id\":4,\"makers\":null}]"},
	{L, "list things?select=id,makers!inner(twice)&makers.twice=eq.20", NULL,
	 "2 [{\"id\":1,\"makers\":{\"twice\":20}},{\"id\":2,\"makers\":{\"twice\":20}}]"},
	{L, "list things?select=id,makers()&order=makers(twice).desc.nullslast,id", NULL,
	 "4 [{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4}]"},
	{L, "list things?select=id,...makers(twice)", NULL,
	 "4 [{\"id\":1,\"twice\":20},{\"id\":2,\"twice\":20},{\"id\":3,\"twice\":null},{\"id\":4,"
	 "\"twice\":null}]"},
	{L, "list things?select=...makers(twice),sum.max()", NULL,
	 "2 [{\"twice\":20,\"max\":9},{\"twice\":null,\"max\":null}]"},
	{L, "list makers?select=id,twice,things(id,sum,title)&things.order=sum.desc", NULL,
	 "2 [{\"id\":1,\"twice\":20,\"things\":[{\"id\":1,\"sum\":9,\"title\":\"<Zoë>\"},{\"id\":2,"
	 "\"sum\":-5,\"title\":\"<>\"}]},{\"id\":2,\"twice\":null,\"things\":[{\"id\":3,\"sum\":null,"
	 "\"title\":null}]}]"},
	{L, "list makers?select=id,things!inner(id)&things.sum=lt.0", NULL,
	 "1 [{\"id\":1,\"things\":[{\"id\":2}]}]"},
	{L, "list makers?select=id,...things(sum,same)", NULL,
	 "2 [{\"id\":1,\"sum\":[9,-5],\"same\":[0,0]},{\"id\":2,\"sum\":[null],\"same\":[0]}]"},
	{L, "list makers?select=id,things(count(),sum.max())", NULL,
	 "2 [{\"id\":1,\"things\":[{\"count\":2,\"max\":9}]},{\"id\":2,\"things\":[{\"count\":1,"
	 "\"max\":null}]}]"},
};

static const struct contract_row write_rows[] = {
	ROWS,
	{L, "insert things?select=id,sum,title,day",
	 "{\"id\":5,\"a\":1,\"b\":1,\"born\":\"2000-01-01\"}",
	 "1+1 [{\"id\":5,\"sum\":2,\"title\":null,\"day\":\"2000-01-01\"}]"},
	{L, "insert things?select=id,sum,makers(twice)", "[{\"id\":6,\"maker\":1,\"a\":1,\"b\":4}]",
	 "1+1 [{\"id\":6,\"sum\":5,\"makers\":{\"twice\":20}}]"},
	{L, "insert things?", "[{\"id\":7,\"a\":1,\"b\":4}]",
	 "1+1 [{\"id\":7,\"maker\":null,\"a\":1,\"b\":4,\"price\":null,\"rate\":null,\"name\":null,"
	 "\"flag\":null,\"born\":null}]"},
	{L, "update things?select=id,sum&id=eq.5", "{\"b\":41}", "1 [{\"id\":5,\"sum\":42}]"},
	{L, "update things?select=id,sum,...makers(twice)&sum=eq.42", "{\"a\":2}",
	 "1 [{\"id\":5,\"sum\":43,\"twice\":null}]"},
	{L, "update things?select=sum,makers(twice)&id=eq.6", "{\"b\":5}",
	 "1 [{\"sum\":6,\"makers\":{\"twice\":20}}]"},
	{L, "upsert makers?select=id,twice", "[{\"id\":2,\"a\":4},{\"id\":3,\"a\":5}]",
	 "2+1 [{\"id\":2,\"twice\":8},{\"id\":3,\"twice\":10}]"},
	{L, "replace makers?select=id,twice&id=eq.3", "{\"id\":3,\"a\":6}",
	 "1 [{\"id\":3,\"twice\":12}]"},
	{L, "delete things?select=id,sum&sum=eq.43", NULL, "1 [{\"id\":5,\"sum\":43}]"},
	/* What is said of it in a body is passed over. */
	{L, "insert makers?select=*,twice", "{\"id\":4,\"a\":1,\"twice\":5}",
	 "1+1 [{\"id\":4,\"a\":1,\"name\":null,\"twice\":2}]"},
	{L, "update makers?select=*,twice&id=eq.4", "{\"twice\":5}", "0 []"},
	{L, "upsert ends?select=x,y,z", "[{\"x\":5,\"y\":3},{\"x\":5,\"y\":3,\"z\":1}]",
	 "400 PGRST102 All object keys must match | row 2 has other keys than row 1"},
	{L, "upsert ends?select=x,y,z", "{\"x\":5,\"y\":3}", "1+1 [{\"x\":5,\"y\":3,\"z\":2}]"},
	{L, "insert makers?", "{\"id\":null,\"a\":1}",
	 "400 23502 null value in column \"id\" of relation \"makers\" violates not-null constraint "
	 "| Failing row contains (null, 1, null)."},
};

static void test_select(void **state)
{
	(void)state;
	CONTRACT_RUN(service, select_rows);
}

static void test_where(void **state)
{
	(void)state;
	CONTRACT_RUN(service, where_rows);
}

static void test_groups_and_relations(void **state)
{
	(void)state;
	CONTRACT_RUN(service, more_rows);
}

static void test_writes(void **state)
{
	(void)state;
	CONTRACT_RUN(service, write_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_groups_and_relations),
		cmocka_unit_test(test_writes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
