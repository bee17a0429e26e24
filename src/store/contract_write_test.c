/*
 * Writes that every store does the same: upserts of every kind, columns that are left out, rows
 * that come in batches, answers with embedded rows, foreign keys of several fields, companions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "store/contract_test_help.h"

#define L __LINE__

static const char shop[] = "service: shop\n"
						   "listen: 127.0.0.1:0\n"
						   "store: \"memory:\"\n"
						   "cache: memory\n"
						   "resources:\n"
						   "  buyers:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id: { type: integer, default: auto }\n"
						   "      mail: { type: text, required: true }\n"
						   "      level: { type: integer, default: 7 }\n"
						   "      note: text\n"
						   "      made: { type: integer, write: once }\n"
						   "    unique:\n"
						   "      one mail: mail\n"
						   "  rooms:\n"
						   "    key: [house, number]\n"
						   "    fields:\n"
						   "      house: text\n"
						   "      number: integer\n"
						   "      beds: { type: integer, default: 1 }\n"
						   "  stays:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id: { type: integer, default: auto }\n"
						   "      buyer: { type: integer, references: buyers }\n"
						   "      house: text\n"
						   "      number: integer\n"
						   "      before: { type: integer, references: stays }\n"
						   "    references:\n"
						   "      stay room: { fields: [house, number], to: rooms }\n"
						   "  letters:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id: integer\n"
						   "      mail: text\n"
						   "    references:\n"
						   "      letter mail: { fields: mail, to: buyers, on: mail }\n";

static const struct contract_row upserts_rows[] = {
	{L, "insert buyers?&quiet", "[{\"mail\":\"a\",\"made\":1},{\"mail\":\"b\",\"made\":1}]",
	 "2+2#2"},
	/* By another rule than the key. */
	{L, "upsert buyers?on_conflict=mail", "{\"mail\":\"a\",\"note\":\"x\",\"made\":2}",
	 "1 [{\"id\":1,\"mail\":\"a\",\"level\":7,\"note\":\"x\",\"made\":1}]"},
	{L, "upsert buyers?on_conflict=mail&select=id,mail,level",
	 "[{\"mail\":\"b\",\"level\":1},{\"mail\":\"c\",\"level\":2}]",
	 "2+1#5 [{\"id\":2,\"mail\":\"b\",\"level\":1},{\"id\":5,\"mail\":\"c\",\"level\":2}]"},
	{L, "upsert buyers?on_conflict=mail&quiet", "[{\"mail\":\"c\"},{\"mail\":\"d\"}]", "2+1#7"},
	{L, "list buyers", NULL,
	 "4 [{\"id\":1,\"mail\":\"a\",\"level\":7,\"note\":\"x\",\"made\":1},{\"id\":2,"
	 "\"mail\":\"b\",\"level\":1,\"note\":null,\"made\":1},{\"id\":5,\"mail\":\"c\",\"level\":2,"
	 "\"note\":null,\"made\":null},{\"id\":7,\"mail\":\"d\",\"level\":7,\"note\":null,"
	 "\"made\":null}]"},
	/* The key changes too, when it is given. */
	{L, "upsert buyers?on_conflict=mail&select=id,mail", "{\"id\":50,\"mail\":\"d\"}",
	 "1 [{\"id\":50,\"mail\":\"d\"}]"},
	{L, "upsert buyers?on_conflict=mail&quiet", "{\"id\":1,\"mail\":\"d\"}",
	 "409 23505 duplicate key value violates unique constraint \"buyers_pkey\" | Key (id)=(1) "
	 "already exists."},
	{L, "upsert buyers?select=id,mail", "{\"id\":50,\"mail\":\"e\"}",
	 "1 [{\"id\":50,\"mail\":\"e\"}]"},
	{L, "upsert buyers?&quiet", "{\"id\":50,\"mail\":\"a\"}",
	 "409 23505 duplicate key value violates unique constraint \"one mail\" | Key (mail)=(a) "
	 "already exists."},
	{L, "upsert buyers?on_conflict=note", "{\"mail\":\"d\",\"note\":\"x\"}",
	 "400 42P10 there is no unique or exclusion constraint matching the ON CONFLICT specification"},
	/* Rows that are there stay as they are. */
	{L, "upsert buyers?on_conflict=mail&select=id,mail&ignore",
	 "[{\"mail\":\"a\",\"note\":\"y\"},{\"mail\":\"f\",\"note\":\"y\"}]",
	 "1+1#52 [{\"id\":52,\"mail\":\"f\"}]"},
	{L, "upsert buyers?on_conflict=mail&ignore", "{\"mail\":\"a\",\"note\":\"y\"}", "0 []"},
	{L, "upsert buyers?on_conflict=mail&quiet&ignore",
	 "[{\"mail\":\"a\"},{\"mail\":\"g\"},{\"mail\":\"g\"}]", "1+1#55"},
	{L, "upsert buyers?&quiet&ignore", "{\"id\":1,\"mail\":\"zz\"}", "0"},
	{L, "upsert buyers?&quiet&ignore", "{\"id\":60,\"mail\":\"a\"}",
	 "409 23505 duplicate key value violates unique constraint \"one mail\" | Key (mail)=(a) "
	 "already exists."},
	{L, "upsert{} buyers?on_conflict=mail&ignore", "{\"mail\":\"a\"}",
	 "406 PGRST116 Cannot coerce the result to a single JSON object | The result contains 0 rows"},
	{L, "list buyers?select=id,mail,note,made", NULL,
	 "6 [{\"id\":1,\"mail\":\"a\",\"note\":\"x\",\"made\":1},{\"id\":2,\"mail\":\"b\","
	 "\"note\":null,\"made\":1},{\"id\":5,\"mail\":\"c\",\"note\":null,\"made\":null},{\"id\":50,"
	 "\"mail\":\"e\",\"note\":null,\"made\":null},{\"id\":52,\"mail\":\"f\",\"note\":\"y\","
	 "\"made\":null},{\"id\":55,\"mail\":\"g\",\"note\":null,\"made\":null}]"},
	/* The same row twice. */
	{L, "upsert rooms?select=house,beds",
	 "[{\"house\":\"x\",\"number\":1,\"beds\":2},{\"house\":\"x\",\"number\":1,\"beds\":3}]",
	 "2+1 [{\"house\":\"x\",\"beds\":2},{\"house\":\"x\",\"beds\":3}]"},
	/* Nothing but the key. */
	{L, "upsert rooms", "{\"house\":\"x\",\"number\":1}",
	 "1 [{\"house\":\"x\",\"number\":1,\"beds\":3}]"},
	{L, "upsert rooms", "{\"house\":\"x\",\"number\":2}",
	 "1+1 [{\"house\":\"x\",\"number\":2,\"beds\":1}]"},
	{L, "upsert rooms?&quiet", "[]", "0"},
};

static void test_upserts(void **state)
{
	(void)state;
	CONTRACT_RUN(shop, upserts_rows);
}

static const struct contract_row what_is_left_out_rows[] = {
	{L, "insert buyers", "{\"mail\":\"a\"}",
	 "1+1#1 [{\"id\":1,\"mail\":\"a\",\"level\":7,\"note\":null,\"made\":null}]"},
	{L, "insert buyers?columns=mail,level,note&select=mail,level,note",
	 "[{\"mail\":\"b\",\"level\":1},{\"mail\":\"c\"}]",
	 "2+2#3 [{\"mail\":\"b\",\"level\":1,\"note\":null},{\"mail\":\"c\",\"level\":null,"
	 "\"note\":null}]"},
	{L, "insert buyers?columns=mail,level,note&select=mail,level,note&missing",
	 "[{\"mail\":\"d\",\"level\":1},{\"mail\":\"e\"}]",
	 "2+2#5 [{\"mail\":\"d\",\"level\":1,\"note\":null},{\"mail\":\"e\",\"level\":7,"
	 "\"note\":null}]"},
	{L, "insert buyers?columns=id,mail&select=id,mail&missing",
	 "[{\"id\":40,\"mail\":\"f\"},{\"mail\":\"g\"}]",
	 "2+2#41 [{\"id\":40,\"mail\":\"f\"},{\"id\":41,\"mail\":\"g\"}]"},
	{L, "insert buyers?columns=id,mail&select=id&missing", "[{\"mail\":\"h\"},{\"mail\":\"i\"}]",
	 "2+2#43 [{\"id\":42},{\"id\":43}]"},
	{L, "upsert buyers?columns=id,mail,note&select=id,mail,note&missing",
	 "[{\"id\":40,\"mail\":\"F\",\"note\":\"n\"},{\"mail\":\"j\"}]",
	 "2+1#44 [{\"id\":40,\"mail\":\"F\",\"note\":\"n\"},{\"id\":44,\"mail\":\"j\",\"note\":null}]"},
	{L, "insert buyers?columns=id,mail&missing&quiet", "[{\"mail\":\"k\"},{\"mail\":\"a\"}]",
	 "409 23505 duplicate key value violates unique constraint \"one mail\" | Key (mail)=(a) "
	 "already exists."},
	{L, "insert buyers?columns=level,note&missing&quiet", "{\"level\":1}",
	 "400 23502 null value in column \"mail\" of relation \"buyers\" violates not-null constraint"},
	{L, "insert stays?&quiet", "{}", "1+1#1"},
	{L, "insert stays?select=id", "[{},{}]", "2+2#3 [{\"id\":2},{\"id\":3}]"},
	{L, "update buyers?id=eq.1", "{}", "0 []"},
	{L, "update buyers?id=eq.1&quiet", "[]", "0"},
	{L, "insert buyers?&quiet", "[]", "0"},
	{L, "insert buyers?", "[]", "0 []"},
};

static void test_what_is_left_out(void **state)
{
	(void)state;
	CONTRACT_RUN(shop, what_is_left_out_rows);
}

static const struct contract_row answers_rows[] = {
	{L, "insert rooms?&quiet", "[{\"house\":\"x\",\"number\":1},{\"house\":\"x\",\"number\":2}]",
	 "2+2"},
	{L, "insert buyers?&quiet", "[{\"mail\":\"a\"},{\"mail\":\"b\"}]", "2+2#2"},
	/* Rows that the same request wrote are embedded too. */
	{L, "insert stays?select=id,buyers(mail),rooms(beds),earlier:stays!before(id)",
	 "[{\"buyer\":1,\"house\":\"x\",\"number\":1,\"before\":2},"
	 "{\"buyer\":2,\"house\":\"x\",\"number\":2,\"before\":null}]",
	 "2+2#2 [{\"id\":1,\"buyers\":{\"mail\":\"a\"},\"rooms\":{\"beds\":1},\"earlier\":[]},"
	 "{\"id\":2,\"buyers\":{\"mail\":\"b\"},\"rooms\":{\"beds\":1},\"earlier\":[{\"id\":1}]}]"},
	{L, "insert stays?select=id,...buyers(mail)&order=buyers(mail).desc",
	 "[{\"buyer\":1},{\"buyer\":2}]",
	 "2+2#4 [{\"id\":4,\"mail\":\"b\"},{\"id\":3,\"mail\":\"a\"}]"},
	{L, "insert stays?select=buyer&order=buyer.desc", "[{\"buyer\":1},{\"buyer\":2}]",
	 "2+2#6 [{\"buyer\":2},{\"buyer\":1}]"},
	{L, "insert stays?select=buyer&limit=1&offset=1", "[{\"buyer\":1},{\"buyer\":2}]",
	 "2+2#8 [{\"buyer\":2}]"},
	{L, "insert stays?select=id,buyer&order=buyer.desc,id&limit=2",
	 "[{\"buyer\":1},{\"buyer\":2},{\"buyer\":2}]",
	 "3+3#11 [{\"id\":10,\"buyer\":2},{\"id\":11,\"buyer\":2}]"},
	{L, "insert stays?select=buyer&limit=0", "[{\"buyer\":1},{\"buyer\":2}]", "2+2#13 []"},
	{L, "insert{} stays?select=buyer", "[{\"id\":-1,\"buyer\":1},{\"id\":-2,\"buyer\":2}]",
	 "406 PGRST116 Cannot coerce the result to a single JSON object | The result contains 2 rows"},
	{L, "insert{} stays?select=buyer&limit=1", "[{\"buyer\":1},{\"buyer\":2}]",
	 "2+2#15 {\"buyer\":1}"},
	{L, "insert# stays?select=buyer,house", "[{\"buyer\":1},{\"buyer\":2}]",
	 "2+2#17 buyer,house\n1,\n2,"},
	{L, "insert/ stays?select=buyer,house&strip", "[{\"buyer\":1},{\"buyer\":2}]",
	 "2+2#19 {\"buyer\":1}\n{\"buyer\":2}\n"},
	{L, "list= stays?select=id&order=id", NULL,
	 "19 [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19]"},
	{L, "update stays?id=lt.5&select=id,buyers(mail)&order=id.desc", "{\"buyer\":1}",
	 "4 [{\"id\":4,\"buyers\":{\"mail\":\"a\"}},{\"id\":3,\"buyers\":{\"mail\":\"a\"}},{\"id\":2,"
	 "\"buyers\":{\"mail\":\"a\"}},{\"id\":1,\"buyers\":{\"mail\":\"a\"}}]"},
	{L, "update stays?id=lt.5&select=id&order=before.nullsfirst,id.desc", "{\"buyer\":1}",
	 "4 [{\"id\":4},{\"id\":3},{\"id\":2},{\"id\":1}]"},
	{L, "update{} stays?id=lt.5&select=id", "{\"buyer\":2}",
	 "406 PGRST116 Cannot coerce the result to a single JSON object | The result contains 4 rows"},
	{L, "list= stays?select=buyer&id=lt.5", NULL, "4 [1,1,1,1]"},
	{L, "update buyers?id=eq.1&select=mail,stays(id)&stays.order=id.desc&stays.limit=2",
	 "{\"note\":\"n\"}", "1 [{\"mail\":\"a\",\"stays\":[{\"id\":18},{\"id\":16}]}]"},
	{L, "replace{} buyers?id=eq.2&select=*,stays(id)&stays.limit=1",
	 "{\"id\":2,\"mail\":\"z\",\"level\":1,\"note\":null,\"made\":null}",
	 "1 {\"id\":2,\"mail\":\"z\",\"level\":1,\"note\":null,\"made\":null,\"stays\":[{\"id\":6}]}"},
	{L, "upsert buyers?select=id,stays(id)&stays.limit=1", "{\"id\":1,\"mail\":\"A\"}",
	 "1 [{\"id\":1,\"stays\":[{\"id\":1}]}]"},
	/* What is deleted is gone from what is embedded. */
	{L, "delete stays?id=eq.1&select=id,buyers(mail,stays(id))&buyers.stays.id=lt.4", NULL,
	 "1 [{\"id\":1,\"buyers\":{\"mail\":\"A\",\"stays\":[{\"id\":2},{\"id\":3}]}}]"},
	{L, "delete{} stays?id=gt.3&select=id", NULL,
	 "406 PGRST116 Cannot coerce the result to a single JSON object | The result contains 16 rows"},
	{L, "delete{} stays?id=gt.99&select=id", NULL,
	 "406 PGRST116 Cannot coerce the result to a single JSON object | The result contains 0 rows"},
	{L, "delete= stays?id=gt.3&select=id&order=id.desc", NULL,
	 "16 [19,18,17,16,15,14,13,12,11,10,9,8,7,6,5,4]"},
	{L, "list= stays?select=id", NULL, "2 [2,3]"},
	/* Without a column there is no answer, nor is there anything to put in order. */
	{L, "insert stays?select=buyers()&order=id", "{\"buyer\":1}", "1+1#20"},
	{L, "upsert stays?select=...buyers()&order=house,id", "[{\"id\":20},{\"id\":21}]", "2+1"},
	{L, "update stays?select=buyers()&order=id&id=gt.9", "{\"house\":null}", "2"},
	{L, "delete stays?select=buyers()&order=id&id=gt.9", NULL, "2"},
};

static void test_answers(void **state)
{
	(void)state;
	CONTRACT_RUN(shop, answers_rows);
}

static const struct contract_row batches_rows[] = {
	{L, "insert buyers?select=id,mail&batches",
	 "[{\"mail\":\"a\"},{\"mail\":\"b\"},{\"mail\":\"c\"}]",
	 "3+3#3 [{\"id\":1,\"mail\":\"a\"},{\"id\":2,\"mail\":\"b\"},{\"id\":3,\"mail\":\"c\"}]"},
	{L, "insert buyers?&quiet&batches", "[{\"mail\":\"d\"},{\"mail\":\"a\"}]",
	 "409 23505 duplicate key value violates unique constraint \"one mail\" | Key (mail)=(a) "
	 "already exists."},
	{L, "upsert buyers?on_conflict=mail&quiet&batches", "[{\"mail\":\"e\"},{\"mail\":\"a\"}]",
	 "2+1#4", "2+1#6"},
	{L, "upsert buyers?on_conflict=mail&select=mail&ignore&batches",
	 "[{\"mail\":\"e\"},{\"mail\":\"f\"}]", "1+1#7 [{\"mail\":\"f\"}]", "1+1#9 [{\"mail\":\"f\"}]"},
	{L, "insert stays?select=id,before&batches",
	 "[{\"id\":1,\"before\":2},{\"id\":2,\"before\":1}]",
	 "2+2 [{\"id\":1,\"before\":2},{\"id\":2,\"before\":1}]"},
	{L, "insert stays?&quiet&batches", "[]", "0"},
	{L, "insert stays?select=id&batches&order=id.desc&limit=1", "[{\"id\":5},{\"id\":6}]",
	 "2+2 [{\"id\":6}]"},
	{L, "list= buyers?select=mail", NULL, "5 [\"a\",\"b\",\"c\",\"e\",\"f\"]"},
};

static const struct contract_row left_out_rows[] = {
	{L, "insert letters?&quiet&leave", "[{\"id\":1},{\"id\":2},{\"id\":1},{\"id\":3}]", "3+3"},
	{L, "insert letters?&quiet&leave", "[{\"id\":2},{\"id\":3}]", "0"},
	{L, "insert letters?&quiet&leave", "[{\"id\":4}]", "1+1"},
	{L, "insert letters?&quiet&leave", "[{\"id\":4}]", "0"},
	/* Other rules than the key. */
	{L, "insert rooms?&quiet&leave",
	 "[{\"house\":\"a\",\"number\":1},{\"house\":\"a\",\"number\":1},"
	 "{\"house\":\"b\",\"number\":1}]",
	 "2+2"},
	/* An upsert: by a rule that is not its own. */
	{L, "insert buyers?&quiet", "[{\"id\":1,\"mail\":\"a\"},{\"id\":2,\"mail\":\"b\"}]", "2+2"},
	{L, "upsert buyers?&quiet&leave",
	 "[{\"id\":1,\"mail\":\"c\"},{\"id\":3,\"mail\":\"b\"},{\"id\":4,\"mail\":\"d\"}]", "2+1"},
	{L, "list buyers?select=id,mail", NULL,
	 "3 [{\"id\":1,\"mail\":\"c\"},{\"id\":2,\"mail\":\"b\"},{\"id\":4,\"mail\":\"d\"}]"},
	{L, "list letters?select=id", NULL, "4 [{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4}]"},
};

static void test_left_out(void **state)
{
	(void)state;
	CONTRACT_RUN(shop, left_out_rows);
}

static void test_batches(void **state)
{
	(void)state;
	CONTRACT_RUN(shop, batches_rows);
}

/* Rows of a table that nothing refers to may go in many at a time. */
static const char lamps[] = "service: lamps\n"
							"listen: 127.0.0.1:0\n"
							"store: \"memory:\"\n"
							"cache: memory\n"
							"resources:\n"
							"  lamps:\n"
							"    key: id\n"
							"    fields:\n"
							"      id: { type: integer, default: auto }\n"
							"      name: { type: text, required: true }\n"
							"      watts: number\n"
							"      price: \"decimal(6,2)\"\n"
							"      on: { type: boolean, default: true }\n"
							"      made: date\n"
							"      data: json\n"
							"    unique: { one name: name }\n"
							"    check: { bright: \"or=(watts.lt.100,watts.is.null)\" }\n"
							"  bulbs:\n"
							"    key: [lamp, place]\n"
							"    fields:\n"
							"      lamp: integer\n"
							"      place: integer\n"
							"      kind: { type: integer, required: true }\n"
							"  kinds:\n"
							"    tally: bulbs\n"
							"    by: [kind]\n";

static const struct contract_row many_rows[] = {
	{L, "insert lamps?&quiet",
	 "[{\"name\":\"a\",\"watts\":1.5,\"price\":2.50,\"on\":false,\"made\":\"2024-02-29\","
	 "\"data\":[1]},"
	 "{\"name\":\"\",\"watts\":-0.0,\"price\":0,\"on\":true,\"made\":null,\"data\":null},"
	 "{\"name\":\"\\ud83d\\ude00\",\"watts\":2,\"price\":null,\"on\":null,"
	 "\"made\":\"0001-01-01\",\"data\":\"x\"},"
	 "{\"name\":\"d\",\"watts\":null,\"price\":-9999.99,\"on\":true,\"made\":null,"
	 "\"data\":{}}]",
	 "4+4#4"},
	{L, "list# lamps?", NULL,
	 "4 id,name,watts,price,on,made,data\n1,a,1.5,2.5,false,2024-02-29,[1]\n"
	 "2,\"\",0,0,true,,\n3,\xf0\x9f\x98\x80,2,,,0001-01-01,\"\"\"x\"\"\"\n"
	 "4,d,,-9999.99,true,,{}"},
	/* The row that fails is told, and nothing stays. */
	{L, "insert lamps?&quiet",
	 "[{\"name\":\"e\"},{\"name\":\"f\"},{\"name\":\"g\"},{\"name\":\"d\"},{\"name\":\"a\"}]",
	 "409 23505 duplicate key value violates unique constraint \"one name\" | Key (name)=(d) "
	 "already exists."},
	{L, "insert lamps?&quiet",
	 "[{\"name\":\"e\"},{\"name\":\"f\"},{\"name\":\"e\"},{\"name\":\"d\"}]",
	 "409 23505 duplicate key value violates unique constraint \"one name\" | Key (name)=(e) "
	 "already exists."},
	{L, "insert lamps?&quiet&batches",
	 "[{\"name\":\"e\"},{\"name\":\"f\"},{\"name\":\"g\"},{\"name\":\"d\"}]",
	 "409 23505 duplicate key value violates unique constraint \"one name\" | Key (name)=(d) "
	 "already exists."},
	{L, "insert lamps?&quiet",
	 "[{\"name\":\"e\",\"watts\":1},{\"name\":\"f\",\"watts\":2},{\"name\":\"g\",\"watts\":100},"
	 "{\"name\":\"h\",\"watts\":1}]",
	 "400 23514 new row for relation \"lamps\" violates check constraint \"bright\""},
	{L, "list= lamps?select=id", NULL, "4 [1,2,3,4]"},
	/* Rows that give other fields than those before them; an answer that is known. */
	{L, "insert lamps?columns=name,on&select=name&missing",
	 "[{\"name\":\"e\",\"on\":false},{\"name\":\"f\"},{\"name\":\"g\"},{\"name\":\"h\","
	 "\"on\":null},{\"name\":\"i\"}]",
	 "5+5#9 [{\"name\":\"e\"},{\"name\":\"f\"},{\"name\":\"g\"},{\"name\":\"h\"},"
	 "{\"name\":\"i\"}]",
	 "5+5#38 [{\"name\":\"e\"},{\"name\":\"f\"},{\"name\":\"g\"},{\"name\":\"h\"},"
	 "{\"name\":\"i\"}]"},
	{L, "list= lamps?select=on&name=in.(e,f,g,h,i)", NULL, "5 [false,true,true,null,true]"},
	{L, "insert lamps?columns=id,name&missing&quiet",
	 "[{\"id\":100,\"name\":\"j\"},{\"name\":\"k\"},{\"name\":\"l\"},{\"id\":200,"
	 "\"name\":\"m\"},{\"name\":\"n\"}]",
	 "5+5#201"},
	{L, "list= lamps?select=id&name=in.(j,k,l,m,n)&order=name", NULL, "5 [100,101,102,200,201]"},
	/* Numbers are never given again. */
	{L, "delete lamps?id=gt.100&quiet", NULL, "4"},
	{L, "insert lamps?select=id", "{\"name\":\"k\"}", "1+1#202 [{\"id\":202}]"},
	/* A table that others count. */
	{L, "insert bulbs?&quiet",
	 "[{\"lamp\":1,\"place\":1,\"kind\":1},{\"lamp\":1,\"place\":2,\"kind\":2},"
	 "{\"lamp\":1,\"place\":3,\"kind\":1},{\"lamp\":1,\"place\":4,\"kind\":1}]",
	 "4+4"},
	{L, "insert bulbs?&quiet",
	 "[{\"lamp\":2,\"place\":1,\"kind\":1},{\"lamp\":2,\"place\":2,\"kind\":2},"
	 "{\"lamp\":2,\"place\":3,\"kind\":1},{\"lamp\":1,\"place\":4,\"kind\":1}]",
	 "409 23505 duplicate key value violates unique constraint \"bulbs_pkey\" | Key (lamp, "
	 "place)=(1, 4) already exists."},
	{L, "list# kinds?", NULL, "2 kind,count\n1,3\n2,1"},
};

static void test_many(void **state)
{
	(void)state;
	CONTRACT_RUN(lamps, many_rows);
}

static const struct contract_row references_rows[] = {
	{L, "insert rooms?&quiet", "[{\"house\":\"x\",\"number\":1},{\"house\":\"x\",\"number\":2}]",
	 "2+2"},
	{L, "insert stays?&quiet", "{\"id\":1,\"house\":\"x\",\"number\":3}",
	 "409 23503 insert or update on table \"stays\" violates foreign key constraint \"stay "
	 "room\" | Key (house, number)=(x, 3) is not present in table \"rooms\"."},
	{L, "insert stays?&quiet", "{\"id\":1,\"house\":\"y\",\"number\":null}", "1+1"},
	{L, "insert stays?&quiet", "{\"id\":2,\"house\":\"x\",\"number\":1}", "1+1"},
	{L, "update stays?id=eq.1&quiet", "{\"number\":1}",
	 "409 23503 insert or update on table \"stays\" violates foreign key constraint \"stay room\""},
	{L, "update stays?id=eq.1&quiet", "{\"number\":1,\"house\":\"x\"}", "1"},
	{L, "delete rooms?house=eq.x&number=eq.1&quiet", NULL,
	 "409 23503 update or delete on table \"rooms\" violates foreign key constraint \"stay "
	 "room\" on table \"stays\" | Key (house, number)=(x,"
	 " 1) is still referenced from table \"stays\"."},
	{L, "delete rooms?house=eq.x&number=eq.2&quiet", NULL, "1"},
	{L, "update rooms?house=eq.x&number=eq.1&quiet", "{\"number\":5}",
	 "409 23503 update or delete on table \"rooms\" violates foreign key constraint \"stay "
	 "room\" on table \"stays\" | Key (house, number)=(x,"
	 " 1) is still referenced from table \"stays\"."},
	{L, "upsert stays?&quiet", "{\"id\":2,\"before\":8}",
	 "409 23503 insert or update on table \"stays\" violates foreign key constraint "
	 "\"stays_before_fkey\" | Key (before)=(8) is not present in table \"stays\"."},
	{L, "upsert stays?&quiet", "{\"id\":2,\"before\":2}", "1"},
	{L, "delete stays?&quiet", NULL, "2"},
	{L, "delete rooms?&quiet", NULL, "1"},
	/* Of several foreign keys to one row the one whose values are changed. */
	{L, "insert buyers?&quiet", "[{\"id\":1,\"mail\":\"a\"},{\"id\":2,\"mail\":\"b\"}]", "2+2"},
	{L, "insert stays?&quiet", "{\"id\":9,\"buyer\":1}", "1+1"},
	{L, "insert letters?&quiet", "{\"id\":1,\"mail\":\"a\"}", "1+1"},
	{L, "update buyers?id=eq.1&quiet", "{\"mail\":\"z\"}",
	 "409 23503 update or delete on table \"buyers\" violates foreign key constraint \"letter "
	 "mail\" on table \"letters\" | Key (mail)=(a) is still referenced from table \"letters\"."},
	{L, "upsert buyers?&quiet", "{\"id\":1,\"mail\":\"z\"}",
	 "409 23503 update or delete on table \"buyers\" violates foreign key constraint \"letter "
	 "mail\" on table \"letters\" | Key (mail)=(a) is still referenced from table \"letters\"."},
	{L, "upsert buyers?on_conflict=mail&quiet", "{\"id\":8,\"mail\":\"a\"}",
	 "409 23503 update or delete on table \"buyers\" violates foreign key constraint "
	 "\"stays_buyer_fkey\" on table \"stays\" | Key (id)=(1) is still referenced from table "
	 "\"stays\"."},
	{L, "upsert buyers?&quiet", "{\"id\":1,\"mail\":\"a\"}", "1"},
	{L, "upsert buyers?&quiet", "{\"id\":2,\"mail\":\"c\"}", "1"},
	/* A row that would refer to itself, were it not that another refers to it. */
	{L, "insert stays?&quiet", "{\"id\":10,\"before\":9}", "1+1"},
	{L, "update stays?id=eq.9&quiet", "{\"id\":11,\"before\":11}",
	 "409 23503 update or delete on table \"stays\" violates foreign key constraint "
	 "\"stays_before_fkey\" on table \"stays\" | Key (id)=(9) is still referenced from table "
	 "\"stays\"."},
};

static void test_references(void **state)
{
	(void)state;
	CONTRACT_RUN(shop, references_rows);
}

static const struct contract_row related_rows[] = {
	{L, "insert buyers?&quiet", "[{\"id\":1,\"mail\":\"p\"},{\"id\":2,\"mail\":\"q\"}]", "2+2"},
	{L, "insert stays?select=id,...before(was:buyer)", "{\"id\":1,\"buyer\":1}",
	 "1+1 [{\"id\":1,\"was\":null}]"},
	{L, "insert stays?select=id,...before(was:buyer)", "{\"id\":2,\"buyer\":2,\"before\":1}",
	 "1+1 [{\"id\":2,\"was\":1}]"},
	{L, "update stays?select=id,...before(was:buyer)&before=not.is.null", "{\"house\":null}",
	 "1 [{\"id\":2,\"was\":1}]"},
	{L,
	 "update stays?select=id,...before(was:buyer,...buyers(mail)),"
	 "buyers()&buyers=not.is.null&order=before(buyer).desc",
	 "{\"house\":null}",
	 "2 [{\"id\":1,\"was\":null,\"mail\":null},{\"id\":2,\"was\":1,\"mail\":\"p\"}]"},
	{L, "delete stays?select=id,later:stays!before()&later=is.null", NULL, "1 [{\"id\":2}]"},
	{L, "insert stays?select=id,buyers(count())", "[{\"buyer\":1}]",
	 "1+1#3 [{\"id\":3,\"buyers\":{\"count\":1}}]"},
	{L, "update buyers?stays=is.null&select=id,stays()", "{\"level\":3}", "1 [{\"id\":2}]"},
	{L, "list buyers?stays=is.null&select=id,stays()", NULL, "1 [{\"id\":2}]"},
	{L, "list buyers?or=(stays.is.null,id.eq.1)&select=id,stays()", NULL,
	 "2 [{\"id\":1},{\"id\":2}]"},
	{L, "list buyers?select=id,stays(id,before(id))&stays.before=is.null", NULL,
	 "2 [{\"id\":1,\"stays\":[{\"id\":1,\"before\":null},{\"id\":3,\"before\":null}]},{\"id\":2,"
	 "\"stays\":[]}]"},
};

static void test_related(void **state)
{
	(void)state;
	CONTRACT_RUN(shop, related_rows);
}

/* ---- companions ---- */

/* Writes a room before the request's own statements and reads rooms after them. */
struct fake_companion {
	struct store_companion base;
	enum companion_verdict before;
	enum companion_verdict after;
	const struct query *write;
	const struct query *read;
	struct buf seen; /* what `read` gives: before, and after */
	uint64_t rows;   /* of the request, as `after` was told */
};

static enum companion_verdict run_before(struct store_companion *base,
										 struct store_transaction *transaction, struct error *error)
{
	struct fake_companion *companion = (struct fake_companion *)base;
	struct store_result result;
	buf_clear(&companion->seen);
	assert_true(store_transaction_run(transaction, companion->write, NULL, &result, error));
	assert_int_equal(result.rows, 1);
	assert_true(
		store_transaction_run(transaction, companion->read, &companion->seen, &result, error));
	if (companion->before == COMPANION_FAIL) {
		error_set(error, ERROR_PRECONDITION, NULL);
	}
	return companion->before;
}

static enum companion_verdict run_after(struct store_companion *base,
										struct store_transaction *transaction,
										const struct store_result *result, struct error *error)
{
	struct fake_companion *companion = (struct fake_companion *)base;
	struct store_result own;
	companion->rows = result->rows;
	assert_true(store_transaction_run(transaction, companion->read, &companion->seen, &own, error));
	if (companion->after == COMPANION_FAIL) {
		error_set(error, ERROR_MAX_AFFECTED, NULL);
	}
	return companion->after;
}

static const struct query *write_room(struct fixture *fixture, int64_t number)
{
	struct value *values;
	struct query *query = test_write(fixture, QUERY_INSERT, "rooms", "house number", 1, &values);
	values[0] = test_text("x");
	values[1] = test_integer(number);
	return query;
}

static const struct query *read_rooms(struct fixture *fixture)
{
	struct query *query = test_list(fixture, "rooms");
	test_columns(fixture, query, "number");
	query->format = FORMAT_VALUES;
	return query;
}

static const struct companion_row {
	int line;
	enum companion_verdict before;
	enum companion_verdict after;
	enum error_code want_error;
	bool rolled_back;
	bool answered;
	const char *seen;  /* by the companion */
	const char *body;  /* of the request */
	const char *rooms; /* afterwards */
} companion_rows[] = {
	{L, COMPANION_GO_ON, COMPANION_GO_ON, ERROR_NONE, false, false, "[1][1,2]", "[2]", "[1,2]"},
	{L, COMPANION_FAIL, COMPANION_GO_ON, ERROR_PRECONDITION, false, false, "[1]", "", "[]"},
	{L, COMPANION_ANSWERED, COMPANION_GO_ON, ERROR_NONE, false, true, "[1]", "", "[1]"},
	{L, COMPANION_GO_ON, COMPANION_FAIL, ERROR_MAX_AFFECTED, false, false, "[1][1,2]", "", "[]"},
	{L, COMPANION_GO_ON, COMPANION_ROLL_BACK, ERROR_NONE, true, false, "[1][1,2]", "[2]", "[]"},
};

static void run_companion(struct fixture *fixture, const struct companion_row *row)
{
	struct fake_companion companion = {
		.base = {run_before, run_after},
		.before = row->before,
		.after = row->after,
		.write = write_room(fixture, 1),
		.read = read_rooms(fixture),
	};
	struct query request = *write_room(fixture, 2);
	test_columns(fixture, &request, "number");
	request.format = FORMAT_VALUES;
	struct call call;
	buf_init(&companion.seen, 4096);
	/* MariaDB keeps none. */
	bool versions = fixture->maria.name[0] == '\0';
	uint64_t before = versions ? test_version(fixture, companion.read) : 0;
	call_init(&call, &request);
	call.request.companion = &companion.base;
	call_start(fixture, &call);
	call_wait(fixture, &call);
	uint64_t after = versions ? test_version(fixture, companion.read) : 0;

	enum error_code code = call.ok ? ERROR_NONE : call.error.code;
	struct str rooms = run_ok(fixture, companion.read);
	bool stays = row->want_error == ERROR_NONE && !row->rolled_back;
	if (code != row->want_error || !str_equal(buf_str(&companion.seen), str_from(row->seen)) ||
		!str_equal(buf_str(&call.body), str_from(row->body)) ||
		!str_equal(rooms, str_from(row->rooms)) || call.result.rolled_back != row->rolled_back ||
		call.result.answered != row->answered || (versions && stays && before == after)) {
		fail_msg("%s: line %d: error %d, seen %.*s, body %.*s, rooms %.*s", fixture->url, row->line,
				 (int)code, STR_ARG(buf_str(&companion.seen)), STR_ARG(buf_str(&call.body)),
				 STR_ARG(rooms));
	}
	buf_finish(&companion.seen);
	call_finish(&call);
}

static void test_companions(void **state)
{
	(void)state;
	const char *url;
	for (size_t i = 0; (url = fixture_store(i)) != NULL; i++) {
		for (size_t k = 0; k < sizeof(companion_rows) / sizeof(companion_rows[0]); k++) {
			struct fixture fixture;
			fixture_init(&fixture, shop);
			fixture_open(&fixture, url);
			run_companion(&fixture, &companion_rows[k]);
			fixture_finish(&fixture);
		}
	}
}

/* A request that fails undoes what its companion wrote. */
static void test_a_request_that_fails_after_its_companion(void **state)
{
	(void)state;
	const char *url;
	for (size_t i = 0; (url = fixture_store(i)) != NULL; i++) {
		struct fixture fixture;
		fixture_init(&fixture, shop);
		fixture_open(&fixture, url);
		struct fake_companion companion = {
			.base = {run_before, run_after},
			.write = write_room(&fixture, 1),
			.read = read_rooms(&fixture),
		};
		struct call call;
		buf_init(&companion.seen, 4096);
		call_init(&call, companion.write); /* the same row again */
		call.request.companion = &companion.base;
		call_start(&fixture, &call);
		call_wait(&fixture, &call);
		assert_false(call.ok);
		assert_int_equal(call.error.code, ERROR_UNIQUE);
		assert_true(str_equal(run_ok(&fixture, companion.read), STR("[]")));
		call_finish(&call);
		buf_finish(&companion.seen);
		fixture_finish(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upserts),
		cmocka_unit_test(test_what_is_left_out),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_related),
		cmocka_unit_test(test_companions),
		cmocka_unit_test(test_a_request_that_fails_after_its_companion),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
