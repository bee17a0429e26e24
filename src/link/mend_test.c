/* A user and an owner in one database, whose messages are answered by the test. */
#include "link/mend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/store_test_help.h"

static const char service[] =
	"service: s\n"
	"store: \"memory:\"\n"
	"resources:\n"
	"  far: { key: id, fields: { id: integer }, at: \"http://far\" }\n"
	"  pairs: { key: [a, b], fields: { a: integer, b: text }, at: \"http://pairs\" }\n"
	"  orders:\n"
	"    key: id\n"
	"    fields: { id: integer, far: { type: integer, references: far }, a: integer, b: text }\n"
	"    references: { pair: { fields: [a, b], to: pairs } }\n"
	"  products: { key: id, fields: { id: integer } }\n"
	"  buyers: { key: id, fields: { id: { type: integer, references: products } }, at: "
	"\"http://buyers\" }\n";

enum { MOST = 4096 };

/* What the other services know. */
struct world {
	struct fixture fixture;
	struct uuid held[MOST];
	size_t held_count;
	int64_t keys; /* of far, pairs: 1 to this one are there */
	struct uuid used[8];
	size_t used_count;
	bool silent; /* nobody answers */
	struct buf told;
};

/* Handed to the fakes as what is theirs to make of it. */
static struct world *world_of(struct peers *peers)
{
	return (struct world *)(void *)peers;
}

static bool holds_id(const struct uuid *ids, size_t count, const struct uuid *id)
{
	size_t i = 0;
	while (i < count && memcmp(&ids[i], id, sizeof(*id)) != 0) {
		i++;
	}
	return i < count;
}

static void answer(struct world *world, struct peer_request *request, struct peer_answer *said)
{
	if (world->silent) {
		*said = (struct peer_answer){.outcome = PEER_NO_ANSWER, .problem = "it sleeps"};
		error_set(&said->error, ERROR_OVERLOADED, NULL);
	}
	request->done(request, said);
}

static void hold(struct peers *peers, struct peer_request *request,
				 const struct message_holds *holds)
{
	struct world *world = world_of(peers);
	struct peer_answer said = {.outcome = PEER_DONE, .sent = true};
	for (size_t i = 0; i < holds->count; i++) {
		if (holds->items[i].key[0].integer > world->keys) {
			const struct value **missing = ARENA_ARRAY(request->arena, 1, const struct value *);
			*missing = holds->items[i].key;
			said.outcome = PEER_MISSING;
			said.missing = (struct message_keys){missing, 1};
			answer(world, request, &said);
			return;
		}
	}
	for (size_t i = 0; i < holds->count && !world->silent; i++) {
		assert_true(world->held_count < MOST);
		world->held[world->held_count++] = holds->items[i].id;
	}
	answer(world, request, &said);
}

static void cancel(struct peer_request *request)
{
	(void)request;
}

static void give_up(struct peers *peers, const struct message_ids *ids)
{
	(void)peers;
	(void)ids;
}

static const struct link_asker asker = {.hold = hold, .cancel = cancel, .give_up = give_up};

static void sort(struct world *world, struct peer_request *request, const struct uuid *ids,
				 size_t count, const struct uuid *known, size_t known_count)
{
	struct uuid *used = ARENA_ARRAY(request->arena, count, struct uuid);
	struct uuid *voided = ARENA_ARRAY(request->arena, count, struct uuid);
	struct peer_answer said = {.outcome = PEER_DONE, .decisions = {used, 0, voided, 0}};
	for (size_t i = 0; i < count; i++) {
		if (holds_id(known, known_count, &ids[i])) {
			used[said.decisions.used_count++] = ids[i];
		} else {
			voided[said.decisions.void_count++] = ids[i];
		}
	}
	answer(world, request, &said);
}

static void look(struct peers *peers, struct peer_request *request, const struct message_ids *ids)
{
	struct world *world = world_of(peers);
	sort(world, request, ids->items, ids->count, world->held, world->held_count);
}

static void decide(struct peers *peers, struct peer_request *request, const struct resource *from,
				   const struct uuid *ids, size_t count)
{
	struct world *world = world_of(peers);
	assert_true(str_equal(from->name, STR("buyers")));
	sort(world, request, ids, count, world->used, world->used_count);
}

static void tell(void *context, const struct mend_note *note)
{
	static const char *const words[] = {
		[MEND_WITHOUT] = "without", [MEND_LOST] = "lost",       [MEND_DANGLING] = "dangling",
		[MEND_UNUSED] = "unused",   [MEND_UNKNOWN] = "unknown",
	};
	struct world *world = context;
	struct str name = note->link != NULL ? note->link->reference.name : note->from;
	buf_printf(&world->told, "%s %.*s %.*s %llu\n", words[note->what],
			   STR_ARG(note->resource->name), STR_ARG(name), (unsigned long long)note->count);
}

/* ---- steps ---- */

static struct uuid id_of(int number)
{
	struct uuid id = {{0}};
	id.bytes[6] = 0x40;
	id.bytes[8] = 0x80;
	id.bytes[15] = (uint8_t)number;
	return id;
}

static struct value id_value(struct world *world, int number)
{
	struct uuid id = id_of(number);
	char *text = arena_bytes(&world->fixture.arena, UUID_TEXT_LEN);
	uuid_write(&id, text);
	return (struct value){.kind = VALUE_TEXT, .text = {text, UUID_TEXT_LEN}};
}

static void add_order(struct world *world, int64_t id, struct value far, int hold_id)
{
	struct value *values;
	struct query *query = test_write(&world->fixture, QUERY_INSERT, "orders", "id far _rl_hold_far",
									 1, &values);
	values[0] = test_integer(id);
	values[1] = far;
	values[2] = hold_id > 0 ? id_value(world, hold_id) : (struct value){.kind = VALUE_NULL};
	(void)run_ok(&world->fixture, query);
}

static void add_decision(struct world *world, int number)
{
	struct value *values;
	struct query *query = test_write(&world->fixture, QUERY_INSERT, "_rl_decision", "id used at", 1,
									 &values);
	values[0] = id_value(world, number);
	values[1] = test_integer(1);
	values[2] = test_integer(5);
	(void)run_ok(&world->fixture, query);
}

static void add_hold(struct world *world, int number, const char *from, bool kept)
{
	struct value *values;
	struct query *query = test_write(&world->fixture, QUERY_INSERT, "_rl_hold_products",
									 "id from mark kept at key1", 1, &values);
	values[0] = id_value(world, number);
	values[1] = test_text(from);
	values[2] = id_value(world, 99);
	values[3] = test_integer(kept ? 1 : 0);
	values[4] = test_integer(5);
	values[5] = test_integer(1);
	(void)run_ok(&world->fixture, query);
}

static size_t count_of(struct world *world, const char *resource)
{
	struct query *list = test_list(&world->fixture, resource);
	struct call call;
	call_run(&world->fixture, &call, list);
	assert_true(call.ok);
	size_t count = call.result.rows;
	call_finish(&call);
	return count;
}

static bool mend(struct world *world, bool rows, bool act, const char *peer, const char *want)
{
	struct error error;
	const struct mend_options options = {
		.asker = &asker,
		.look = look,
		.decide = decide,
		.peers = (struct peers *)(void *)world,
		.loop = world->fixture.loop,
		.session = world->fixture.session,
		.model = world->fixture.model,
		.peer = str_from(peer),
		.act = act,
		.told = tell,
		.context = world,
	};
	buf_clear(&world->told);
	bool ok = (rows ? mend_rows : mend_holds)(&options, &error);
	assert_text(buf_str(&world->told), want);
	if (!ok) {
		assert_int_equal(error.code, ERROR_OVERLOADED);
	}
	return ok;
}

static void world_init(struct world *world, const char *url)
{
	*world = (struct world){.keys = 3};
	fixture_init(&world->fixture, service);
	fixture_open(&world->fixture, url);
	buf_init(&world->told, SIZE_MAX);
}

static void world_finish(struct world *world)
{
	buf_finish(&world->told);
	fixture_finish(&world->fixture);
}

/* ---- the user's side ---- */

#define NONE ((struct value){.kind = VALUE_NULL})

/* Rows: 1, 2 and 3 of one key without a hold, 4 refers to nothing, 5's hold is there, 6's and 7's
 * is not, 8 refers to what is not there. */
static void run_rows(const char *url)
{
	static struct world world;
	world_init(&world, url);
	for (int64_t id = 1; id <= 3; id++) {
		add_order(&world, id, test_integer(id == 3 ? 2 : 1), 0);
	}
	add_order(&world, 4, NONE, 0);
	add_order(&world, 5, test_integer(1), 5);
	add_order(&world, 6, test_integer(3), 6);
	add_order(&world, 7, test_integer(3), 6);
	add_order(&world, 8, test_integer(4), 0);
	add_decision(&world, 5);
	add_decision(&world, 6);
	world.held[world.held_count++] = id_of(5);

	const char *found = "without orders orders_far_fkey 4\nlost orders orders_far_fkey 2\n";
	world.silent = true;
	assert_false(mend(&world, true, false, "", "without orders orders_far_fkey 4\n"));
	world.silent = false;
	assert_true(mend(&world, true, false, "pairs", ""));
	assert_true(mend(&world, true, false, "", found));
	assert_true(mend(&world, true, false, "far", found));
	assert_int_equal(world.held_count, 1);
	assert_true(mend(&world, true, true, "",
					 "without orders orders_far_fkey 4\nlost orders orders_far_fkey 2\n"
					 "dangling orders orders_far_fkey 1\n"));
	/* A hold for each key; the one that was lost is released. */
	assert_int_equal(world.held_count, 4);
	assert_int_equal(count_of(&world, "_rl_decision"), 4);
	assert_int_equal(count_of(&world, "_rl_outbox"), 1);
	assert_true(mend(&world, true, false, "", "without orders orders_far_fkey 1\n"));
	world.keys = 4;
	assert_true(mend(&world, true, true, "", "without orders orders_far_fkey 1\n"));
	assert_true(mend(&world, true, false, "", ""));
	world_finish(&world);
}

static void test_rows(void **state)
{
	const char *url;
	(void)state;
	for (size_t u = 0; (url = fixture_store(u)) != NULL; u++) {
		run_rows(url);
	}
}

/* A link of two fields, and more keys than a page has. */
static void test_pages(void **state)
{
	static struct world world;
	enum { ROWS = 1001 };
	struct value *values;
	(void)state;
	world_init(&world, "sqlite:");
	world.keys = ROWS;
	struct query *query = test_write(&world.fixture, QUERY_INSERT, "orders", "id a b", 2 * ROWS,
									 &values);
	for (int64_t i = 0; i < 2 * ROWS; i++, values += 3) {
		values[0] = test_integer(i);
		values[1] = test_integer(i / 2 + 1);
		values[2] = test_text(i / 2 % 3 == 0 ? "x" : "y");
	}
	(void)run_ok(&world.fixture, query);
	assert_true(mend(&world, true, true, "", "without orders pair 2002\n"));
	assert_int_equal(world.held_count, ROWS);
	world.held_count = 0;
	assert_true(mend(&world, true, true, "", "lost orders pair 2002\n"));
	assert_int_equal(world.held_count, ROWS);
	assert_int_equal(count_of(&world, "_rl_outbox"), ROWS);
	assert_true(mend(&world, true, false, "", ""));
	world_finish(&world);
}

/* ---- the owner's side ---- */

/* Holds: 1 and 2 are used by no row, 3 is, 4 is asked for, 5 and 6 are of nobody any more. */
static void run_holds(const char *url)
{
	static struct world world;
	struct value *values;
	world_init(&world, url);
	struct query *query = test_write(&world.fixture, QUERY_INSERT, "products", "id", 1, &values);
	values[0] = test_integer(1);
	(void)run_ok(&world.fixture, query);
	for (int number = 1; number <= 6; number++) {
		add_hold(&world, number, number < 5 ? "buyers" : "gone", number != 4);
	}
	world.used[world.used_count++] = id_of(3);

	world.silent = true;
	assert_false(mend(&world, false, false, "", ""));
	world.silent = false;
	assert_true(
		mend(&world, false, false, "", "unused products buyers 2\nunknown products gone 2\n"));
	assert_true(mend(&world, false, false, "gone", "unknown products gone 2\n"));
	assert_int_equal(count_of(&world, "_rl_hold_products"), 6);
	assert_true(
		mend(&world, false, true, "", "unused products buyers 2\nunknown products gone 2\n"));
	assert_int_equal(count_of(&world, "_rl_hold_products"), 4);
	assert_true(mend(&world, false, true, "gone", "unknown products gone 2\n"));
	assert_int_equal(count_of(&world, "_rl_hold_products"), 2);
	assert_true(mend(&world, false, false, "", ""));
	world_finish(&world);
}

static void test_holds(void **state)
{
	const char *url;
	(void)state;
	for (size_t u = 0; (url = fixture_store(u)) != NULL; u++) {
		run_holds(url);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
