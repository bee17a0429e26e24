/*
 * Who may do what: two callers on the same rows, on every store. Each row's text names its owner.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/contract_test_help.h"

#define L __LINE__
#define ANN .caller = "user {\"sub\":\"ann\",\"teams\":[1]}"
#define BOB .caller = "user {\"sub\":\"bob\",\"teams\":[1,2]}"
#define BOSS .caller = "boss {\"sub\":\"eve\"}"
#define NOBODY .caller = "user {}"

static const char service[] =
	"service: access\n"
	"auth: { algorithm: HS256, secret: 0123456789abcdef0123456789abcdef }\n"
	"listen: 127.0.0.1:0\n"
	"store: \"memory:\"\n"
	"resources:\n"
	"  teams:\n"
	"    key: id\n"
	"    fields: { id: integer, name: text }\n"
	"    rules: { read: { boss: all, \"*\": \"id=in.({claims.teams})\" } }\n"
	"  notes:\n"
	"    key: id\n"
	"    fields:\n"
	"      id: integer\n"
	"      owner: { type: text, required: true }\n"
	"      text: text\n"
	"      open: { type: boolean, default: false }\n"
	"      team: { type: integer, references: teams }\n"
	"      pay: { type: integer, readable_by: boss, writable_by: boss }\n"
	"    rules:\n"
	"      read: { boss: all, \"*\": \"or=(owner.eq.{claims.sub},open.is.true)\" }\n"
	"      create: { boss: all, \"*\": \"owner=eq.{claims.sub}\" }\n"
	"      update: { boss: all, \"*\": \"or=(owner.eq.{claims.sub},text.eq.wiki)\" }\n"
	"      delete: { boss: all, \"*\": \"owner=eq.{claims.sub}\" }\n"
	"  counts:\n"
	"    tally: notes\n"
	"    by: owner\n"
	"    rules: { read: { boss: all, \"*\": \"owner=eq.{claims.sub}\" } }\n";

#define DENIED "403 42501 permission denied for table \"notes\""
#define HIDDEN "403 42501 permission denied for column \"pay\" of table \"notes\""
#define REFUSED "403 42501 new row violates row-level security policy for table \"notes\""

static const struct contract_row rows[] = {
	{L, "insert teams?&quiet", "[{\"id\":1,\"name\":\"both\"},{\"id\":2,\"name\":\"bob's\"}]",
	 "2+2"},
	{L, "insert notes?&quiet",
	 "[{\"id\":1,\"owner\":\"ann\",\"text\":\"ann 1\",\"open\":false,\"team\":1,\"pay\":10},"
	 "{\"id\":2,\"owner\":\"bob\",\"text\":\"bob 2\",\"open\":false,\"team\":2,\"pay\":20},"
	 "{\"id\":3,\"owner\":\"bob\",\"text\":\"wiki\",\"open\":true,\"team\":2,\"pay\":30}]",
	 "3+3"},
	/* reads */
	{L, "list notes?select=id,owner&total", NULL,
	 "2/2 [{\"id\":1,\"owner\":\"ann\"},{\"id\":3,\"owner\":\"bob\"}]", ANN},
	{L, "list notes?select=id&total", NULL, "2/2 [{\"id\":2},{\"id\":3}]", BOB},
	{L, "list notes?select=id&total", NULL, "3/3 [{\"id\":1},{\"id\":2},{\"id\":3}]", BOSS},
	{L, "list notes?select=id&total", NULL, "0 []", NOBODY},
	{L, "list notes?id=eq.2", NULL, "0 []", ANN},
	{L, "get{} notes?id=eq.2&select=id", NULL, "404 RL404 Not found", ANN},
	{L, "get{} notes?id=eq.1", NULL,
	 "1 {\"id\":1,\"owner\":\"ann\",\"text\":\"ann 1\",\"open\":false,\"team\":1}", ANN},
	{L, "get{} notes?id=eq.1", NULL,
	 "1 {\"id\":1,\"owner\":\"ann\",\"text\":\"ann 1\",\"open\":false,\"team\":1,\"pay\":10}",
	 BOSS},
	{L, "list= notes?select=count()", NULL, "1 [2]", ANN},
	{L, "list notes?select=owner,count()&order=owner", NULL, "1 [{\"owner\":\"bob\",\"count\":2}]",
	 BOB},
	{L, "list notes?or=(id.eq.2,id.eq.1)&select=id", NULL, "1 [{\"id\":1}]", ANN},
	{L, "list notes?not.and=(id.eq.7,id.eq.1)&select=id", NULL, "2 [{\"id\":1},{\"id\":3}]", ANN},
	{L, "list notes?select=id&limit=1&offset=1", NULL, "1 [{\"id\":3}]", ANN},
	{L, "list notes?select=owner&distinct=true&order=owner", NULL, "1 [{\"owner\":\"bob\"}]", BOB},
	/* embeds, each by its own rule */
	{L, "list notes?select=id,teams(name)", NULL,
	 "2 [{\"id\":1,\"teams\":{\"name\":\"both\"}},{\"id\":3,\"teams\":null}]", ANN},
	{L, "list notes?select=id,teams!inner(name)", NULL,
	 "1 [{\"id\":1,\"teams\":{\"name\":\"both\"}}]", ANN},
	{L, "list notes?select=id,teams()&teams=is.null", NULL, "1 [{\"id\":3}]", ANN},
	{L, "list teams?select=id,notes(id)", NULL, "1 [{\"id\":1,\"notes\":[{\"id\":1}]}]", ANN},
	{L, "list teams?select=id,notes(id)", NULL,
	 "2 [{\"id\":1,\"notes\":[]},{\"id\":2,\"notes\":[{\"id\":2},{\"id\":3}]}]", BOB},
	{L, "list teams?select=id,notes(count())", NULL,
	 "2 [{\"id\":1,\"notes\":[{\"count\":0}]},{\"id\":2,\"notes\":[{\"count\":2}]}]", BOB},
	{L, "list teams?select=id,...notes(n:id)", NULL, "1 [{\"id\":1,\"n\":[1]}]", ANN},
	/* counts */
	{L, "list counts", NULL, "1 [{\"owner\":\"ann\",\"count\":1}]", ANN},
	{L, "list counts", NULL, "2 [{\"owner\":\"ann\",\"count\":1},{\"owner\":\"bob\",\"count\":2}]",
	 BOSS},
	{L, "list counts", NULL, "0 []", NOBODY},
	/* rows that are made */
	{L, "insert notes?select=id", "{\"id\":4,\"owner\":\"ann\",\"text\":\"ann 4\"}",
	 "1+1 [{\"id\":4}]", ANN},
	{L, "insert notes?&quiet", "{\"id\":5,\"owner\":\"bob\"}", REFUSED, ANN},
	{L, "insert notes?&quiet&batches",
	 "[{\"id\":5,\"owner\":\"ann\"},{\"id\":6,\"owner\":\"bob\"}]", REFUSED, ANN},
	{L, "insert notes?&quiet", "{\"id\":5,\"owner\":\"ann\"}", REFUSED, NOBODY},
	{L, "insert notes?&quiet", "{\"id\":5,\"owner\":\"ann\",\"pay\":1}", HIDDEN, ANN},
	{L, "list notes?select=id,pay&id=gt.3", NULL, "1 [{\"id\":4,\"pay\":null}]"},
	/* rows that are changed: others' are not there */
	{L, "update notes?id=eq.2&select=id", "{\"text\":\"x\"}", "0 []", ANN},
	{L, "update{}! notes?id=eq.2&select=id", "{\"text\":\"x\"}", "404 RL404 Not found", ANN},
	{L, "update notes?&quiet", "{\"team\":1}", "3", ANN},
	{L, "list notes?select=id,team", NULL,
	 "4 [{\"id\":1,\"team\":1},{\"id\":2,\"team\":2},{\"id\":3,\"team\":1},{\"id\":4,\"team\":1}]"},
	{L, "update notes?id=eq.1&quiet", "{\"owner\":\"bob\",\"text\":\"mine\"}", REFUSED, ANN},
	{L, "update notes?id=eq.1&quiet", "{\"pay\":1}", HIDDEN, ANN},
	/* one that would not pass any more is left alone */
	{L, "update notes?id=in.(1,3)&select=id", "{\"text\":\"more\"}", "1 [{\"id\":1}]", ANN},
	{L, "update notes?id=eq.3&select=id", "{\"text\":\"wiki\",\"open\":true}", "1 [{\"id\":3}]",
	 ANN},
	{L, "update notes?id=eq.3&select=id", "{\"text\":\"wiki\",\"open\":false}", "0 []", ANN},
	{L, "update notes?id=eq.3&quiet", "{\"text\":\"wiki\",\"open\":false}", "1", ANN},
	{L, "update notes?id=eq.3&quiet", "{\"text\":\"gone\"}", "0", ANN},
	{L, "update! notes?id=eq.3&quiet", "{\"text\":\"gone\"}", "404 RL404 Not found", ANN},
	{L, "replace{} notes?id=eq.2&select=id", "{\"owner\":\"ann\"}", HIDDEN, ANN},
	{L, "replace{} notes?id=eq.2&select=id,pay", "{\"owner\":\"bob\",\"text\":\"bob 2\"}",
	 "1 {\"id\":2,\"pay\":null}", BOSS},
	{L, "delete notes?id=eq.2&select=id", NULL, "0 []", ANN},
	{L, "delete{}! notes?id=eq.2&select=id", NULL, "404 RL404 Not found", ANN},
	{L, "delete notes?select=id,owner", NULL,
	 "2 [{\"id\":1,\"owner\":\"ann\"},{\"id\":4,\"owner\":\"ann\"}]", ANN},
	{L, "delete notes?&quiet", NULL, "0", NOBODY},
	{L, "list notes?select=id", NULL, "2 [{\"id\":2},{\"id\":3}]"},
	/* rows that meet another and stay as they are */
	{L, "upsert notes?select=id&ignore",
	 "[{\"id\":2,\"owner\":\"ann\"},{\"id\":7,\"owner\":\"ann\"}]", "1+1 [{\"id\":7}]", ANN},
	{L, "upsert notes?select=id&ignore", "{\"id\":8,\"owner\":\"bob\"}", REFUSED, ANN},
};

static void test_two_callers(void **state)
{
	(void)state;
	CONTRACT_RUN(service, rows);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_callers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
