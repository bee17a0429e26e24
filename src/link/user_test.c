/*
 * What other services answer x kinds of writes: the answer, the rows, decisions, outbox, and what
 * the owner is left with. After each write what must always be so is looked at: a hold of each row,
 * a decision of each hold, and at the owner nothing else than these and what the outbox names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/map.h"
#include "link/own_rows.h"
#include "link/user.h"
#include "model/link_tables.h"
#include "store/contract_test_help.h"

#define L __LINE__

enum { MOST = 256 };

static const char service[] =
	"service: people\n"
	"listen: 127.0.0.1:0\n"
	"store: \"memory:\"\n"
	"resources:\n"
	"  places:\n"
	"    at: http://127.0.0.1:1\n"
	"    key: id\n"
	"    fields:\n"
	"      id: integer\n"
	"  rooms:\n"
	"    at: http://127.0.0.1:2\n"
	"    key: [house, number]\n"
	"    fields:\n"
	"      house: text\n"
	"      number: integer\n"
	"  towns:\n"
	"    at: http://127.0.0.1:3\n"
	"    key: id\n"
	"    fields:\n"
	"      id: integer\n"
	"  people:\n"
	"    key: id\n"
	"    fields:\n"
	"      id: { type: integer, default: auto }\n"
	"      name: text\n"
	"      place: { type: integer, references: places }\n"
	"      house: text\n"
	"      number: integer\n"
	"      town: { type: integer, references: { resource: towns, check: get } }\n"
	"    unique:\n"
	"      one name: name\n"
	"    references:\n"
	"      room: { fields: [house, number], to: rooms }\n"
	"  visits:\n"
	"    key: id\n"
	"    fields:\n"
	"      id: integer\n"
	"      place: { type: integer, references: places, write: once }\n"
	"      other: { type: integer, references: places, default: 7 }\n";

/* ---- the other services ---- */

enum owner {
	ANSWERS, /* rows with a negative number, or in the house `no`, are not there */
	SILENT,  /* it may have got the request */
	CLOSED,  /* nothing was sent */
	REFUSES,
	SILENT_ONCE, /* then it answers */
	VOIDS,       /* it answers, and the ids are voided meanwhile */
	LATER,       /* it answers in another turn of the loop */
};

struct peers {
	enum owner owner;
	struct uuid held[MOST];
	size_t held_count;
	size_t asked;
	struct uuid last[MOST]; /* of the last message */
	size_t last_count;
	struct task task;
	struct peer_request *request; /* LATER */
	struct loop *loop;
};

static bool is_there(const struct resource *resource, const struct value *key)
{
	return key[resource->key.count - 1].integer >= 0;
}

static void answer(struct peers *peers, struct peer_request *request, enum peer_outcome outcome,
				   bool sent)
{
	struct peer_answer answer = {.outcome = outcome, .sent = sent};
	(void)peers;
	if (outcome != PEER_DONE) {
		error_set(&answer.error, ERROR_OVERLOADED, "The service of \"x\" does not answer");
	}
	request->done(request, &answer);
}

/* What keeps it from an answer, when it is told. */
static bool is_silent(struct peers *peers, struct peer_request *request)
{
	peers->asked++;
	if (peers->owner == CLOSED || peers->owner == SILENT) {
		answer(peers, request, PEER_NO_ANSWER, peers->owner == SILENT);
		return true;
	}
	if (peers->owner == REFUSES) {
		answer(peers, request, PEER_REFUSED, true);
		return true;
	}
	if (peers->owner == SILENT_ONCE) {
		peers->owner = ANSWERS;
		answer(peers, request, PEER_NO_ANSWER, true);
		return true;
	}
	return false;
}

static void tell_missing(struct peers *peers, struct peer_request *request,
						 const struct value *const *keys, size_t count)
{
	struct peer_answer answer = {.outcome = PEER_MISSING, .sent = true};
	(void)peers;
	answer.missing = (struct message_keys){keys, count};
	error_set(&answer.error, ERROR_REFERENCE, NULL);
	request->done(request, &answer);
}

static bool is_held(const struct peers *peers, const struct uuid *id)
{
	bool held = false;
	for (size_t i = 0; i < peers->held_count && !held; i++) {
		held = memcmp(&peers->held[i], id, sizeof(*id)) == 0;
	}
	return held;
}

static void on_later(struct task *task)
{
	struct peers *peers = (struct peers *)(void *)((char *)task - offsetof(struct peers, task));
	answer(peers, peers->request, PEER_DONE, true);
}

static void fake_hold(struct peers *peers, struct peer_request *request,
					  const struct message_holds *holds)
{
	const struct value *missing[MOST];
	size_t missing_count = 0;
	if (is_silent(peers, request)) {
		return;
	}
	peers->last_count = 0;
	for (size_t i = 0; i < holds->count; i++) {
		if (!is_there(holds->resource, holds->items[i].key)) {
			missing[missing_count++] = holds->items[i].key;
		}
		peers->last[peers->last_count++] = holds->items[i].id;
	}
	if (missing_count > 0) {
		tell_missing(peers, request, missing, missing_count);
		return;
	}
	for (size_t i = 0; i < holds->count; i++) {
		if (!is_held(peers, &holds->items[i].id)) {
			peers->held[peers->held_count++] = holds->items[i].id;
		}
	}
	if (peers->owner == LATER) {
		peers->request = request;
		peers->task.run = on_later;
		loop_post(peers->loop, &peers->task);
	} else {
		answer(peers, request, PEER_DONE, true);
	}
}

static void fake_check(struct peers *peers, struct peer_request *request,
					   const struct resource *resource, const struct message_keys *keys)
{
	const struct value *missing[MOST];
	size_t missing_count = 0;
	if (is_silent(peers, request)) {
		return;
	}
	for (size_t i = 0; i < keys->count; i++) {
		if (!is_there(resource, keys->items[i])) {
			missing[missing_count++] = keys->items[i];
		}
	}
	if (missing_count > 0) {
		tell_missing(peers, request, missing, missing_count);
	} else {
		answer(peers, request, PEER_DONE, true);
	}
}

static void fake_cancel(struct peer_request *request)
{
	(void)request;
}

static void release(struct peers *peers, const struct uuid *id)
{
	for (size_t i = 0; i < peers->held_count; i++) {
		if (memcmp(&peers->held[i], id, sizeof(*id)) == 0) {
			peers->held[i] = peers->held[--peers->held_count];
		}
	}
}

static void fake_give_up(struct peers *peers, const struct message_ids *ids)
{
	for (size_t i = 0; i < ids->count; i++) {
		release(peers, &ids->items[i]);
	}
}

static const struct link_asker fake = {fake_hold, fake_check, fake_cancel, fake_give_up};

/* ---- one write ---- */

enum fate {
	COMMITS,
	ROLLS_BACK, /* tx=rollback */
	FAILS,      /* behind the rows */
	UNKNOWN,    /* it commits, and nobody is told */
	AGAIN,      /* all of it runs twice, as after a deadlock */
};

struct row {
	int line;
	const char *request;
	const char *body;
	enum owner owner;
	enum fate fate;
	const char *want; /* ANSWER | rows with holds, different holds, rows of the outbox */
};

struct writing {
	struct store_companion companion;
	struct fixture *fixture;
	struct peers peers;
	const struct row *row;
	struct query query;
	struct link_write *link;
	struct call call;
	bool ready;
	bool patient;
	struct error error;
};

static void run_query(struct store_transaction *transaction, const struct query *query)
{
	struct store_result result;
	struct error error;
	assert_true(store_transaction_run(transaction, query, NULL, &result, &error));
}

/* What the owner's decide does. */
static void void_ids(struct writing *writing, struct store_transaction *transaction)
{
	struct arena *arena = &writing->fixture->arena;
	const struct resource *decision = writing->fixture->model->decision;
	const struct field *const fields[] = {&decision->fields[0], &decision->fields[1],
										  &decision->fields[2]};
	struct query *query = own_query(arena, QUERY_UPSERT, decision);
	struct value *values = own_give(arena, query, fields, 3, 1);
	values[0] = own_id(arena, &writing->peers.last[0]);
	values[1] = own_integer(0);
	values[2] = own_integer(1);
	run_query(transaction, query);
}

static enum companion_verdict before(struct store_companion *companion,
									 struct store_transaction *transaction, struct error *error)
{
	struct writing *writing = (struct writing *)companion;
	if (writing->peers.owner == VOIDS) {
		void_ids(writing, transaction);
	}
	return link_write_before(writing->link, transaction, error) ? COMPANION_GO_ON : COMPANION_FAIL;
}

static enum companion_verdict after(struct store_companion *companion,
									struct store_transaction *transaction,
									const struct store_result *result, struct error *error)
{
	struct writing *writing = (struct writing *)companion;
	if (writing->row->fate == ROLLS_BACK) {
		return COMPANION_ROLL_BACK;
	}
	if (!link_write_after(writing->link, transaction, result, error)) {
		return COMPANION_FAIL;
	}
	return writing->row->fate != FAILS || error_set(error, ERROR_PRECONDITION, NULL)
		? COMPANION_GO_ON
		: COMPANION_FAIL;
}

static bool patient(void *context)
{
	struct writing *writing = context;
	return writing->patient;
}

static void on_ready(void *context, const struct error *error)
{
	struct writing *writing = context;
	assert_false(writing->ready);
	writing->ready = true;
	if (error != NULL) {
		writing->error = *error;
	}
}

static bool has(const char *text, const char *word)
{
	return strstr(text, word) != NULL;
}

static void begin(struct writing *writing)
{
	struct fixture *fixture = writing->fixture;
	const struct contract_row row = {
		.line = writing->row->line,
		.request = writing->row->request,
		.body = writing->row->body,
	};
	struct query again = {0};
	if (!contract_query(fixture, &row, &writing->query, &writing->error)) {
		fail_msg("line %d: %s", row.line, writing->error.message);
	}
	assert_true(contract_query(fixture, &row, &again, &writing->error));
	const struct link_write_options options = {
		.asker = &fake,
		.peers = &writing->peers,
		.loop = fixture->loop,
		.model = fixture->model,
		.arena = &fixture->arena,
		.query = &writing->query,
		.scan = again.batches,
		.leave_out = has(row.request, "&leave"),
		.patient = patient,
		.ready = on_ready,
		.context = writing,
	};
	writing->error = (struct error){0};
	if (!link_write_create(&options, &writing->link, &writing->error)) {
		assert_null(writing->link);
		return;
	}
	if (writing->link != NULL) {
		link_write_begin(writing->link);
		while (!writing->ready) {
			uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
		}
	}
}

static void run(struct writing *writing)
{
	struct fixture *fixture = writing->fixture;
	enum fate fate = writing->row->fate;
	for (int tries = fate == AGAIN ? 2 : 1; tries > 0; tries--) {
		call_init(&writing->call, &writing->query);
		writing->companion = (struct store_companion){before, after};
		writing->call.request.companion = writing->link != NULL ? &writing->companion : NULL;
		struct row first = *writing->row;
		first.fate = tries > 1 ? FAILS : fate == AGAIN ? COMMITS : fate;
		const struct row *kept = writing->row;
		writing->row = &first;
		uv_update_time(loop_uv(fixture->loop));
		call_start(fixture, &writing->call);
		call_wait(fixture, &writing->call);
		writing->row = kept;
		if (tries > 1) {
			call_finish(&writing->call);
		}
	}
	if (!writing->call.ok) {
		writing->error = writing->call.error;
	}
	if (writing->link != NULL) {
		struct error unknown;
		error_set(&unknown, ERROR_STORE_UNKNOWN, NULL);
		const struct error *error = fate == UNKNOWN ? &unknown
			: writing->call.ok                      ? NULL
													: &writing->call.error;
		link_write_end(writing->link, &writing->call.result, error);
	}
	call_finish(&writing->call);
}

/* ---- what is there afterwards ---- */

struct found {
	struct map ids; /* of rows, decisions or the outbox; the value tells nothing */
	size_t rows;
};

/* The ids in these fields of a resource. */
static void find(struct fixture *fixture, const struct resource *resource,
				 const struct field *fields, size_t count, struct found *found)
{
	for (size_t i = 0; i < count; i++) {
		const struct field *field = &fields[i];
		struct query *query = own_query(&fixture->arena, QUERY_LIST, resource);
		own_fetch(&fixture->arena, query, &field, 1);
		struct str body = run_ok(fixture, query);
		struct own_rows rows;
		struct value value;
		struct error error;
		bool more = true;
		assert_true(own_rows_begin(&rows, query, body, &fixture->arena, &error));
		for (;;) {
			assert_true(own_rows_next(&rows, &value, &more, &error));
			if (!more) {
				break;
			}
			if (value.kind == VALUE_TEXT) {
				map_put(&found->ids, arena_copy(&fixture->arena, value.text), fixture);
				found->rows++;
			}
		}
	}
}

static void assert_within(int line, const char *what, const struct found *all,
						  const struct found *within)
{
	const struct map_entry *entry;
	for (size_t i = 0; (entry = map_next(&all->ids, &i)) != NULL;) {
		if (map_get(&within->ids, entry->key) == NULL) {
			fail_msg("line %d: %s: %.*s", line, what, STR_ARG(entry->key));
		}
	}
}

static void look(struct writing *writing, struct buf *got)
{
	struct fixture *fixture = writing->fixture;
	const struct model *model = fixture->model;
	int line = writing->row->line;
	struct found rows = {.rows = 0};
	struct found decisions = {.rows = 0};
	struct found outbox = {.rows = 0};
	struct found held = {.rows = 0};
	map_init(&rows.ids);
	map_init(&decisions.ids);
	map_init(&outbox.ids);
	map_init(&held.ids);
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		find(fixture, resource, resource->hold_fields, resource->hold_field_count, &rows);
	}
	find(fixture, model->decision, &model->decision->fields[DECISION_ID], 1, &decisions);
	find(fixture, model->outbox, &model->outbox->fields[OUTBOX_ID], 1, &outbox);
	for (size_t i = 0; i < writing->peers.held_count; i++) {
		struct value id = own_id(&fixture->arena, &writing->peers.held[i]);
		map_put(&held.ids, id.text, fixture);
	}
	assert_within(line, "a row whose hold has no decision", &rows, &decisions);
	assert_within(line, "a row that is not held", &rows, &held);
	assert_within(line, "a decision that no row has", &decisions, &rows);
	assert_within(line, "the outbox names what is not held", &outbox, &held);
	buf_printf(got, " | %zu rows, %zu holds, %zu to go", rows.rows, rows.ids.count, outbox.rows);
	if (writing->peers.held_count != rows.ids.count + outbox.ids.count) {
		buf_printf(got, ", %zu asked",
				   writing->peers.held_count - rows.ids.count - outbox.ids.count);
	}
	map_finish(&rows.ids);
	map_finish(&decisions.ids);
	map_finish(&outbox.ids);
	map_finish(&held.ids);
}

static void write_answer(const struct writing *writing, struct buf *got)
{
	const struct error *error = &writing->error;
	if (error->code == ERROR_NONE) {
		buf_printf(got, "%llu", (unsigned long long)writing->call.result.rows);
		return;
	}
	buf_printf(got, "%d %s", error_info(error->code)->status, error_info(error->code)->wire);
	if (error->details[0] != '\0' && error->code != ERROR_UNIQUE) {
		buf_printf(got, " %s", error->details);
	}
}

static void run_row(struct writing *writing, const struct row *row)
{
	struct buf got;
	struct peers *peers = &writing->peers;
	buf_init(&got, SIZE_MAX);
	writing->row = row;
	writing->link = NULL;
	writing->ready = false;
	writing->query = (struct query){0};
	writing->patient = row->owner == SILENT_ONCE;
	peers->owner = row->owner;
	peers->loop = writing->fixture->loop;
	begin(writing);
	if (writing->error.code == ERROR_NONE) {
		run(writing);
	}
	link_write_finish(writing->link);
	write_answer(writing, &got);
	look(writing, &got);
	if (!str_equal(buf_str(&got), str_from(row->want))) {
		fail_msg("%s line %d: %s\n got  %.*s\n want %s", writing->fixture->url, row->line,
				 row->request, STR_ARG(buf_str(&got)), row->want);
	}
	buf_finish(&got);
}

static void run_rows(const struct row *rows, size_t count)
{
	for (size_t store = 0; fixture_store(store) != NULL; store++) {
		struct fixture fixture;
		struct writing *writing = alloc_zeroed(1, sizeof(*writing));
		fixture_init(&fixture, service);
		fixture.limits.answer_rows = 1; /* of what clients ask */
		fixture_open(&fixture, fixture_store(store));
		writing->fixture = &fixture;
		for (size_t i = 0; i < count; i++) {
			run_row(writing, &rows[i]);
		}
		fixture_finish(&fixture);
		free(writing);
	}
}
#define RUN(rows) run_rows(rows, sizeof(rows) / sizeof((rows)[0]))

/* ---- tests ---- */

#define DOWN "503 RL503 | "
#define NO_PLACE "409 23503 Key (place)=(-1) is not present in table \"places\". | "

static void test_inserts(void **state)
{
	static const struct row rows[] = {
		{L, "insert people?&quiet", "{\"name\":\"a\"}", ANSWERS, COMMITS,
		 "1 | 0 rows, 0 holds, 0 to go"},
		{L, "insert people?&quiet", "{\"name\":\"b\",\"place\":null}", CLOSED, COMMITS,
		 "1 | 0 rows, 0 holds, 0 to go"},
		{L, "insert people", "{\"name\":\"c\",\"place\":5}", ANSWERS, COMMITS,
		 "1 | 1 rows, 1 holds, 0 to go"},
		/* Keys that are the same share an id; different fields do not. */
		{L, "insert people", "[{\"place\":5},{\"place\":5},{\"place\":6},{\"place\":null}]", LATER,
		 COMMITS, "4 | 4 rows, 3 holds, 0 to go"},
		{L, "insert people", "{\"place\":5,\"house\":\"x\",\"number\":5,\"town\":5}", ANSWERS,
		 COMMITS, "1 | 6 rows, 5 holds, 0 to go"},
		{L, "insert people", "{\"house\":\"x\"}", ANSWERS, COMMITS, "1 | 6 rows, 5 holds, 0 to go"},
		/* Nothing stays of what is not written. */
		{L, "insert people", "{\"place\":-1}", ANSWERS, COMMITS,
		 NO_PLACE "6 rows, 5 holds, 0 to go"},
		{L, "insert people", "{\"place\":1,\"town\":-1}", ANSWERS, COMMITS,
		 "409 23503 Key (town)=(-1) is not present in table \"towns\". | 6 rows, 5 holds, 0 to go"},
		{L, "insert people", "{\"place\":1,\"house\":\"h\",\"number\":-2}", ANSWERS, COMMITS,
		 "409 23503 Key (house, number)=(h, -2) is not present in table \"rooms\". | "
		 "6 rows, 5 holds, 0 to go"},
		{L, "insert people", "{\"place\":1}", SILENT, COMMITS, DOWN "6 rows, 5 holds, 0 to go"},
		{L, "insert people", "{\"place\":1}", CLOSED, COMMITS, DOWN "6 rows, 5 holds, 0 to go"},
		{L, "insert people", "{\"place\":1}", REFUSES, COMMITS, DOWN "6 rows, 5 holds, 0 to go"},
		{L, "insert people", "{\"town\":1}", SILENT, COMMITS, DOWN "6 rows, 5 holds, 0 to go"},
		{L, "insert people", "{\"place\":1}", VOIDS, COMMITS, DOWN "6 rows, 5 holds, 0 to go"},
		{L, "insert people", "{\"place\":1}", ANSWERS, FAILS,
		 "412 RL412 | 6 rows, 5 holds, 0 to go"},
		{L, "insert people", "{\"place\":1}", ANSWERS, ROLLS_BACK, "1 | 6 rows, 5 holds, 0 to go"},
		{L, "insert people", "{\"name\":\"a\",\"place\":1}", ANSWERS, COMMITS,
		 "409 23505 | 6 rows, 5 holds, 0 to go"},
		/* All of it may run again with the same ids. */
		{L, "insert people", "{\"place\":1}", ANSWERS, AGAIN, "1 | 7 rows, 6 holds, 0 to go"},
		{L, "insert people", "{\"place\":1}", SILENT_ONCE, COMMITS, "1 | 8 rows, 7 holds, 0 to go"},
		/* Whose outcome is not known is given up by nobody. */
		{L, "insert people", "{\"place\":1}", ANSWERS, UNKNOWN, "1 | 9 rows, 8 holds, 0 to go"},
		/* Of a field with a default. */
		{L, "insert visits", "{\"id\":1,\"place\":2}", ANSWERS, COMMITS,
		 "1 | 11 rows, 10 holds, 0 to go"},
	};
	(void)state;
	RUN(rows);
}

static void test_batches(void **state)
{
	static const struct row rows[] = {
		{L, "insert people?&quiet&batches", "[{\"place\":5},{\"place\":5},{\"place\":6}]", ANSWERS,
		 COMMITS, "3 | 3 rows, 2 holds, 0 to go"},
		{L, "insert people?&quiet&batches", "[{\"place\":5},{\"place\":-1}]", ANSWERS, COMMITS,
		 NO_PLACE "3 rows, 2 holds, 0 to go"},
		{L, "insert people?&quiet&batches", "[{\"place\":5},{\"place\":6}]", SILENT, COMMITS,
		 DOWN "3 rows, 2 holds, 0 to go"},
		/* Rows that refer to nothing are left out; so are those that the store refuses. */
		{L, "insert people?&quiet&leave", "[{\"place\":5},{\"place\":-1},{\"place\":7}]", ANSWERS,
		 COMMITS, "2 | 5 rows, 4 holds, 0 to go"},
		{L, "insert people?&quiet&leave", "[{\"place\":-1},{\"place\":-2}]", ANSWERS, COMMITS,
		 "0 | 5 rows, 4 holds, 0 to go"},
		{L, "insert people?&quiet&leave",
		 "[{\"name\":\"a\",\"place\":5},{\"name\":\"a\",\"place\":7},"
		 "{\"name\":\"b\",\"place\":-7}]",
		 ANSWERS, COMMITS, "1 | 6 rows, 5 holds, 1 to go"},
		{L, "upsert people?&quiet&batches",
		 "[{\"id\":1,\"place\":8},{\"id\":90,\"place\":8},{\"id\":90,\"place\":9}]", ANSWERS,
		 COMMITS, "3 | 7 rows, 7 holds, 1 to go"},
	};
	(void)state;
	RUN(rows);
}

static void test_changes(void **state)
{
	static const struct row rows[] = {
		{L, "insert people?&quiet",
		 "[{\"id\":1,\"place\":5},{\"id\":2,\"place\":5},{\"id\":3,\"place\":6},"
		 "{\"id\":4,\"place\":null}]",
		 ANSWERS, COMMITS, "4 | 3 rows, 2 holds, 0 to go"},
		/* Of other columns nobody is asked. */
		{L, "update people?id=eq.1&quiet", "{\"name\":\"x\"}", CLOSED, COMMITS,
		 "1 | 3 rows, 2 holds, 0 to go"},
		/* The last row that has an id releases it. */
		{L, "update people?id=eq.1&quiet", "{\"place\":7}", ANSWERS, COMMITS,
		 "1 | 3 rows, 3 holds, 0 to go"},
		{L, "update people?id=eq.2&quiet", "{\"place\":7}", ANSWERS, COMMITS,
		 "1 | 3 rows, 3 holds, 1 to go"},
		{L, "update people?id=eq.2", "{\"place\":7}", ANSWERS, COMMITS,
		 "1 | 3 rows, 3 holds, 2 to go"},
		{L, "update people?id=eq.2&quiet", "{\"place\":null}", CLOSED, COMMITS,
		 "1 | 2 rows, 2 holds, 3 to go"},
		{L, "update people?id=eq.4&quiet", "{\"place\":5}", ANSWERS, COMMITS,
		 "1 | 3 rows, 3 holds, 3 to go"},
		{L, "update people?&quiet", "{\"place\":1}", ANSWERS, COMMITS,
		 "4 | 4 rows, 1 holds, 6 to go"},
		{L, "update people?id=eq.4&quiet", "{\"place\":-1}", ANSWERS, COMMITS,
		 NO_PLACE "4 rows, 1 holds, 6 to go"},
		{L, "update people?id=eq.4&quiet", "{\"place\":3}", ANSWERS, FAILS,
		 "412 RL412 | 4 rows, 1 holds, 6 to go"},
		{L, "update people?id=eq.4&quiet", "{\"place\":3}", ANSWERS, ROLLS_BACK,
		 "1 | 4 rows, 1 holds, 6 to go"},
		{L, "update people?id=eq.4&quiet", "{\"place\":3}", VOIDS, COMMITS,
		 DOWN "4 rows, 1 holds, 6 to go"},
		{L, "update people?id=eq.4&quiet", "{\"place\":3}", ANSWERS, AGAIN,
		 "1 | 4 rows, 2 holds, 6 to go"},
		/* No row has what was asked for: it goes. */
		{L, "update people?id=eq.99&quiet", "{\"place\":3}", ANSWERS, COMMITS,
		 "0 | 4 rows, 2 holds, 7 to go"},
		{L, "replace people?id=eq.4&quiet", "{\"name\":\"r\",\"place\":2}", ANSWERS, COMMITS,
		 "1 | 4 rows, 2 holds, 8 to go"},
		{L, "replace people?id=eq.4&quiet", "{\"name\":\"r\"}", CLOSED, COMMITS,
		 "1 | 3 rows, 1 holds, 9 to go"},
		/* A part of a reference. */
		{L, "update people?id=eq.4&quiet", "{\"house\":\"x\"}", ANSWERS, COMMITS,
		 "400 PGRST127 a change of the reference \"room\" without column \"number\" | "
		 "3 rows, 1 holds, 9 to go"},
		{L, "update people?id=eq.4&number=eq.1&quiet", "{\"house\":\"x\"}", ANSWERS, COMMITS,
		 "0 | 3 rows, 1 holds, 10 to go"},
		{L, "delete people?id=eq.1&quiet", NULL, CLOSED, COMMITS, "1 | 2 rows, 1 holds, 10 to go"},
		{L, "delete people?id=eq.2&quiet", NULL, CLOSED, FAILS,
		 "412 RL412 | 2 rows, 1 holds, 10 to go"},
		{L, "delete people?id=eq.2&quiet", NULL, CLOSED, ROLLS_BACK,
		 "1 | 2 rows, 1 holds, 10 to go"},
		{L, "delete people", NULL, CLOSED, AGAIN, "3 | 0 rows, 0 holds, 11 to go"},
		{L, "delete people", NULL, CLOSED, COMMITS, "0 | 0 rows, 0 holds, 11 to go"},
	};
	(void)state;
	RUN(rows);
}

static void test_upserts(void **state)
{
	static const struct row rows[] = {
		{L, "upsert people?&quiet", "[{\"id\":1,\"place\":5},{\"id\":2,\"place\":5}]", ANSWERS,
		 COMMITS, "2 | 2 rows, 1 holds, 0 to go"},
		{L, "upsert people", "[{\"id\":1,\"place\":6},{\"id\":3,\"place\":6}]", ANSWERS, COMMITS,
		 "2 | 3 rows, 2 holds, 0 to go"},
		{L, "upsert people?&quiet", "{\"id\":2,\"place\":6}", ANSWERS, COMMITS,
		 "1 | 3 rows, 2 holds, 1 to go"},
		{L, "upsert people?&quiet", "{\"id\":2,\"place\":null}", CLOSED, COMMITS,
		 "1 | 2 rows, 1 holds, 2 to go"},
		/* What is not given stays. */
		{L, "upsert people?&quiet", "{\"id\":3,\"name\":\"x\"}", CLOSED, COMMITS,
		 "1 | 2 rows, 1 holds, 2 to go"},
		/* A row that stays as it is has no use for a hold. */
		{L, "upsert people?&quiet&ignore", "[{\"id\":3,\"place\":8},{\"id\":4,\"place\":9}]",
		 ANSWERS, COMMITS, "1 | 3 rows, 2 holds, 3 to go"},
		/* The same row twice. */
		{L, "upsert people?&quiet", "[{\"id\":7,\"place\":1},{\"id\":7,\"place\":2}]", ANSWERS,
		 COMMITS, "2 | 4 rows, 3 holds, 4 to go"},
		{L, "upsert people?on_conflict=name&quiet", "{\"name\":\"x\",\"place\":4}", ANSWERS,
		 COMMITS, "1 | 4 rows, 4 holds, 4 to go"},
		{L, "upsert people?&quiet", "{\"id\":3,\"place\":4}", SILENT, COMMITS,
		 DOWN "4 rows, 4 holds, 4 to go"},
		{L, "upsert people?&quiet", "{\"id\":3,\"place\":-1}", ANSWERS, COMMITS,
		 NO_PLACE "4 rows, 4 holds, 4 to go"},
		{L, "upsert people?&quiet", "{\"id\":3,\"place\":4}", ANSWERS, AGAIN,
		 "1 | 4 rows, 4 holds, 5 to go"},
		{L, "upsert people?&quiet", "{\"id\":3,\"number\":4}", ANSWERS, COMMITS,
		 "400 PGRST127 a change of the reference \"room\" without column \"house\" | "
		 "4 rows, 4 holds, 5 to go"},
		/* The first value stays; what was asked for the second goes. */
		{L, "upsert visits?&quiet", "{\"id\":1,\"place\":1,\"other\":2}", ANSWERS, COMMITS,
		 "1 | 6 rows, 6 holds, 5 to go"},
		{L, "upsert visits?&quiet", "{\"id\":1,\"place\":3,\"other\":2}", ANSWERS, COMMITS,
		 "1 | 6 rows, 6 holds, 7 to go"},
		{L, "upsert visits?&quiet", "{\"id\":1,\"place\":3}", ANSWERS, COMMITS,
		 "400 PGRST127 a change of the reference \"visits_other_fkey\" without column \"other\" | "
		 "6 rows, 6 holds, 7 to go"},
	};
	(void)state;
	RUN(rows);
}

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

/* The fields of a resource that refers to others, and what is wrong with them. */
static void test_service_files(void **state)
{
	static const struct {
		int line;
		const char *fields;
		const char *want;
	} rows[] = {
		{L, "place: { type: uuid, references: places }", ""},
		{L, "place: { type: uuid, references: places, default: auto }",
		 "x.yaml:15:7: \"place\" of \"people\" refers to a row of another service: it cannot be "
		 "made here\n    hint: leave `default` out\n"},
		{L, "place: { type: uuid, references: { resource: places, check: get }, default: auto }",
		 "x.yaml:15:7: \"place\" of \"people\" refers to a row of another service: it cannot be "
		 "made here\n    hint: leave `default` out\n"},
		{L,
		 "house: { type: text, write: once }\n      number: { type: integer, write: once }\n"
		 "    references: { room: { fields: [house, number], to: rooms } }",
		 ""},
		{L,
		 "house: { type: text, write: once }\n      number: integer\n"
		 "    references: { room: { fields: [house, number], to: rooms } }",
		 "x.yaml:16:7: the fields of \"room\" are written together, or not at all\n"
		 "    hint: give them the same `write`\n"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct model_report report;
		struct buf yaml;
		struct buf got;
		buf_init(&yaml, SIZE_MAX);
		buf_init(&got, SIZE_MAX);
		model_report_init(&report);
		buf_printf(&yaml,
				   "service: people\n"
				   "resources:\n"
				   "  places:\n"
				   "    at: http://127.0.0.1:1\n"
				   "    key: id\n"
				   "    fields: { id: uuid }\n"
				   "  rooms:\n"
				   "    at: http://127.0.0.1:2\n"
				   "    key: [house, number]\n"
				   "    fields: { house: text, number: integer }\n"
				   "  people:\n"
				   "    key: id\n"
				   "    fields:\n"
				   "      id: integer\n"
				   "      %s\n",
				   rows[i].fields);
		struct model *model = model_parse(buf_str(&yaml), STR("x.yaml"), no_environment, &report);
		if (model != NULL) {
			link_user_check(model, &report);
		}
		model_report_write(&report, STR("x.yaml"), &got);
		if (!str_equal(buf_str(&got), str_from(rows[i].want))) {
			fail_msg("line %d: got %.*s", rows[i].line, STR_ARG(buf_str(&got)));
		}
		assert_non_null(model);
		model_destroy(model);
		model_report_finish(&report);
		buf_finish(&yaml);
		buf_finish(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_service_files), cmocka_unit_test(test_inserts),
		cmocka_unit_test(test_batches),       cmocka_unit_test(test_changes),
		cmocka_unit_test(test_upserts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
