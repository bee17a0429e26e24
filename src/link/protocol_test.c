/*
 * DESIGN. The protocol of references between services (docs/decisions/links.md), explored in full:
 * one owner with up to two rows, up to two users with up to two rows each that may refer to them,
 * and every order in which their steps can fall. All states that can be reached are met breadth
 * first, so a counterexample is as short as any.
 *
 * The network: whatever was sent once may arrive at any time from then on, any number of times, or
 * never. That is loss, delay, repetition and reordering in one; a message is one bit that is never
 * taken back.
 * Crashes: what a process holds in memory is only which request it is at (`struct slot`). That a
 * request is lost, at any step, is therefore all that a crash does; one that is lost after its
 * transaction began leaves a transaction that the database may yet commit or roll back. The owner
 * holds nothing in memory but answers that it has not acted on, and those may be lost as messages.
 * Time: leases and time-outs pass at any moment. Whatever may happen after 2 s may happen at once.
 *
 * In every state: no committed row refers to a row of the owner that is gone. From every state:
 * once requests have ended and messages get through, nothing is held that no row uses; `settle()`
 * is that fair schedule, and where it comes to rest no step but a client's could free anything.
 * Wrong protocols are rows of a table: of each a run is found that breaks one of the two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/map.h"
#include "link/protocol_test_help.h"

#define L __LINE__

/* How much there is of everything. */
struct bounds {
	uint8_t ids[USERS]; /* in all requests; 0: there is no such user */
	uint8_t rows;
	uint8_t keys;
	uint8_t slots; /* requests at a time, of each user */
};

static const struct {
	const char *of;
	const char *text;
} step_texts[] = {
#define X(name, of, text) {of, text},
	STEP_TABLE(X)
#undef X
};

struct step {
	uint8_t kind;
	uint8_t user;
	uint8_t which; /* id, request or key */
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum result { HOLDS, DANGLES, STUCK };

static const char *const result_names[] = {
	"nothing is wrong",
	"a row refers to a row that is gone",
	"a hold is left that no row uses, and nothing will ever end it",
};

struct search {
	const struct bounds *bounds;
	enum wrong wrong;
	struct state *states; /* owned; in the order in which they were met */
	uint32_t *from;       /* owned; which state each was met from */
	struct step *steps;   /* owned; and by what step */
	uint32_t *table;      /* owned; number + 1 of a state, by its hash; 0: free */
	size_t count;
	size_t room; /* of states; the table is twice that */
	size_t now;
	enum result result; /* of the last state, when it ends the search */
	bool met[STEP_KINDS];
};

static const uint64_t seed[2] = {1, 2};

/* The place of a state in the table: its own, or the free one that it belongs in. */
static size_t find(const struct search *search, const struct state *state)
{
	size_t at = siphash(seed, state, sizeof(*state)) % (2 * search->room);
	while (search->table[at] != 0 &&
		   memcmp(&search->states[search->table[at] - 1], state, sizeof(*state)) != 0) {
		at = (at + 1) % (2 * search->room);
	}
	return at;
}

static void grow(struct search *search)
{
	search->room *= 2;
	search->states = alloc_resize(search->states, search->room, sizeof(*search->states));
	search->from = alloc_resize(search->from, search->room, sizeof(*search->from));
	search->steps = alloc_resize(search->steps, search->room, sizeof(*search->steps));
	free(search->table);
	search->table = alloc_zeroed(2 * search->room, sizeof(*search->table));
	for (size_t i = 0; i < search->count; i++) {
		search->table[find(search, &search->states[i])] = (uint32_t)i + 1;
	}
}

static void meet(struct search *search, const struct state *state, struct step step)
{
	if (search->result != HOLDS ||
		memcmp(&search->states[search->now], state, sizeof(*state)) == 0) {
		return;
	}
	search->met[step.kind] = true;
	if (search->count == search->room) {
		grow(search);
	}
	size_t at = find(search, state);
	if (search->table[at] != 0) {
		return;
	}
	search->states[search->count] = *state;
	search->from[search->count] = (uint32_t)search->now;
	search->steps[search->count] = step;
	search->count++;
	search->table[at] = (uint32_t)search->count;
	if (state_dangles(state)) {
		search->result = DANGLES;
	} else if (state_is_stuck(search->wrong, state)) {
		search->result = STUCK;
	}
}

/* What is written into each row: KEEP, CLEAR, or FIRST_ID and a key. */
static void begin(struct search *search, unsigned user, unsigned which, const unsigned *writes)
{
	struct state next = search->states[search->now];
	struct slot *slot = &next.slot[user][which];
	unsigned fresh[KEYS] = {IDS, IDS};
	unsigned first = user * IDS_OF_ONE;
	unsigned id = first;
	while (id < first + IDS_OF_ONE && has(next.puts, id)) {
		id++;
	}
	slot->phase = READY;
	for (size_t i = 0; i < ROWS; i++) {
		unsigned key = writes[i] - FIRST_ID;
		slot->target[i] = (uint8_t)writes[i];
		if (writes[i] < FIRST_ID) {
			continue;
		}
		if (fresh[key] == IDS) {
			if (id == first + search->bounds->ids[user]) {
				return;
			}
			add(&next.pairs, slot->phase == ASKING ? bit_of(id - 1) : 0);
			add(&next.puts, bit_of(id));
			add(&next.second, key == 0 ? 0 : bit_of(id));
			slot->phase = ASKING;
			fresh[key] = id++;
		}
		slot->target[i] = (uint8_t)(FIRST_ID + fresh[key]);
	}
	meet(search, &next, (struct step){BEGIN, (uint8_t)user, (uint8_t)which});
}

/* In the first place that is free: places are all alike. */
static void begin_any(struct search *search, unsigned user)
{
	const struct state *state = &search->states[search->now];
	unsigned which = 0;
	unsigned choices = FIRST_ID + search->bounds->keys;
	while (which < search->bounds->slots && state->slot[user][which].phase != IDLE) {
		which++;
	}
	if (which == search->bounds->slots) {
		return;
	}
	for (unsigned i = 1; i < choices * choices; i++) {
		unsigned writes[ROWS] = {i % choices, i / choices};
		bool useless = search->bounds->rows == 1 && writes[1] != KEEP;
		for (size_t j = 0; j < ROWS; j++) {
			state = &search->states[search->now];
			useless = useless || (writes[j] == CLEAR && state->row[user][j] == 0);
		}
		if (!useless) {
			begin(search, user, which, writes);
		}
	}
}

static void expand(struct search *search)
{
	const struct state state = search->states[search->now];
	struct state next;
	for (unsigned i = 0; i < IDS * (PURGE + 1); i++) {
		struct step step = {(uint8_t)(i / IDS), (uint8_t)(i % IDS / IDS_OF_ONE),
							(uint8_t)(i % IDS)};
		next = state;
		step_of_id(step.kind, search->wrong, &next, step.which);
		meet(search, &next, step);
	}
	for (unsigned user = 0; user < USERS; user++) {
		begin_any(search, user);
		for (unsigned i = 0; i < SLOTS * (LOSE + 1 - WRITE); i++) {
			struct step step = {(uint8_t)(WRITE + i / SLOTS), (uint8_t)user, (uint8_t)(i % SLOTS)};
			next = state;
			step_of_request(step.kind, search->wrong, &next, user, step.which);
			meet(search, &next, step);
		}
	}
	for (unsigned key = 0; key < search->bounds->keys; key++) {
		next = state;
		step_remove(&next, key);
		meet(search, &next, (struct step){REMOVE, 0, (uint8_t)key});
		next = state;
		add(&next.exists, bit_of(key));
		meet(search, &next, (struct step){INSERT, 0, (uint8_t)key});
	}
}

static void explore(struct search *search)
{
	struct state first = {.exists = (uint8_t)((1U << search->bounds->keys) - 1)};
	search->room = 1 << 12;
	search->states = alloc_zeroed(search->room, sizeof(*search->states));
	search->from = alloc_zeroed(search->room, sizeof(*search->from));
	search->steps = alloc_zeroed(search->room, sizeof(*search->steps));
	search->table = alloc_zeroed(2 * search->room, sizeof(*search->table));
	search->states[0] = first;
	search->count = 1;
	search->table[find(search, &first)] = 1;
	for (; search->now < search->count && search->result == HOLDS; search->now++) {
		expand(search);
	}
}

static void search_finish(struct search *search)
{
	free(search->states);
	free(search->from);
	free(search->steps);
	free(search->table);
}

static void print_writes(const struct state *state, const struct slot *slot)
{
	for (unsigned i = 0; i < ROWS; i++) {
		unsigned id = slot->target[i] - FIRST_ID;
		if (slot->target[i] == CLEAR) {
			print_message(", row %u: none", i);
		} else if (slot->target[i] >= FIRST_ID) {
			print_message(", row %u: key %u by hold %u", i, key_of(state, id), id);
		}
	}
}

static void print_step(const struct search *search, size_t number, unsigned place)
{
	const struct step *step = &search->steps[number];
	const struct state *state = &search->states[number];
	const char *text = step_texts[step->kind].text;
	switch (step_texts[step->kind].of[0]) {
	case 'I':
		print_message("%4u. hold %u, %s", place, step->which, text);
		break;
	case 'K':
		print_message("%4u. key %u, %s", place, step->which, text);
		break;
	default:
		print_message("%4u. user %u, request %u %s", place, step->user, step->which, text);
		print_writes(state, &state->slot[step->user][step->which]);
	}
	print_message("\n");
}

/* The steps that led to the last state. */
static void print_run(const struct search *search)
{
	size_t path[256];
	size_t length = 0;
	for (size_t at = search->count - 1; at != 0 && length < COUNT(path); at = search->from[at]) {
		path[length++] = at;
	}
	for (unsigned i = 0; i < length; i++) {
		print_step(search, path[length - 1 - i], i + 1);
	}
	print_message("      %s\n", result_names[search->result]);
}

struct bound_row {
	int line;
	bool proof; /* only at full counts */
	struct bounds bounds;
};

static const struct bound_row all_bounds[] = {
	/* One user, one row: a reference is written, changed, taken away, and written again. */
	{L, false, {.ids = {2}, .rows = 1, .keys = 2, .slots = 1}},
	{L, false, {.ids = {3}, .rows = 1, .keys = 1, .slots = 1}},
	/* Two requests at a time. */
	{L, false, {.ids = {2}, .rows = 1, .keys = 1, .slots = 2}},
	/* Rows that share a hold, requests for two keys at once. */
	{L, false, {.ids = {2}, .rows = 2, .keys = 1, .slots = 2}},
	{L, false, {.ids = {2}, .rows = 2, .keys = 2, .slots = 1}},
	/* Two users. */
	{L, false, {.ids = {1, 1}, .rows = 1, .keys = 2, .slots = 1}},
	{L, false, {.ids = {2}, .rows = 2, .keys = 2, .slots = 2}},
	{L, true, {.ids = {3}, .rows = 1, .keys = 2, .slots = 2}},
	{L, false, {.ids = {2, 1}, .rows = 1, .keys = 2, .slots = 1}},
	{L, true, {.ids = {2, 1}, .rows = 2, .keys = 1, .slots = 1}},
	{L, true, {.ids = {3}, .rows = 2, .keys = 2, .slots = 1}},
	{L, true, {.ids = {2, 2}, .rows = 1, .keys = 1, .slots = 1}},
};

struct wrong_row {
	int line;
	enum wrong wrong;
	enum result want;
	const char *text;
};

static const struct wrong_row wrong_rows[] = {
	{L, LEASE_RELEASES, DANGLES, "a hold is deleted when its lease has passed"},
	{L, SAME_ID_AGAIN, DANGLES, "a request begins again with the same ids"},
	{L, DECISION_STAYS, STUCK, "the decision stays when the last row goes"},
	{L, DELETE_WHEN_UNKNOWN, DANGLES, "DELETE is sent when the outcome is unknown"},
	{L, USED_INSERTS, STUCK, "the answer 'used' inserts a hold that is gone"},
	{L, OUTBOX_BEFORE, DANGLES, "the outbox is written before the transaction ends"},
	{L, OUTBOX_AFTER, STUCK, "the outbox is written after the transaction"},
	{L, DECIDE_READS_FIRST, DANGLES, "decide reads, then inserts"},
	{L, VOID_NOT_KEPT, DANGLES, "decide answers 'void' and does not write it"},
	{L, VOID_IGNORED, DANGLES, "a transaction commits in spite of 'void'"},
	{L, USED_NOT_WRITTEN, DANGLES, "a transaction does not write 'used'"},
	{L, LAST_ROW_NOT_LOCKED, STUCK, "other rows are looked for before the decision is locked"},
	{L, ANY_ROW_RELEASES, DANGLES, "each row that goes releases the hold, not the last one"},
	{L, PURGE_EARLY, DANGLES, "'void' is purged while the request may still commit"},
	{L, ANSWER_OF_ANOTHER_HOLD, STUCK, "'used' is said of a hold that was deleted since"},
	{L, SOME_HOLDS_ARE_ENOUGH, DANGLES, "PUT leaves out keys that are missing"},
	{L, NOT_WAITED, DANGLES, "rows are written before PUT is answered"},
};

static bool is_proof(void **context)
{
	return *(const bool *)*context;
}

static void test_protocol_holds(void **context)
{
	bool met[STEP_KINDS] = {false};
	for (size_t i = 0; i < COUNT(all_bounds); i++) {
		if (all_bounds[i].proof && !is_proof(context)) {
			continue;
		}
		struct search search = {.bounds = &all_bounds[i].bounds};
		explore(&search);
		print_message("line %d: %zu states\n", all_bounds[i].line, search.count);
		if (search.result != HOLDS) {
			print_run(&search);
			fail_msg("line %d: %s", all_bounds[i].line, result_names[search.result]);
		}
		for (size_t j = 0; j < STEP_KINDS; j++) {
			met[j] = met[j] || search.met[j];
		}
		search_finish(&search);
	}
	for (size_t j = 0; j < STEP_KINDS; j++) {
		bool wrong = j == READ_NONE || j == LEASE || j == COMMIT_HALF || j == AGAIN;
		assert_int_equal(met[j], !wrong);
	}
}

static void test_wrong_protocols_are_found(void **context)
{
	static const struct bounds bounds = {.ids = {2}, .rows = 2, .keys = 2, .slots = 2};
	for (size_t i = 0; i < COUNT(wrong_rows); i++) {
		const struct wrong_row *row = &wrong_rows[i];
		struct search search = {.bounds = &bounds, .wrong = row->wrong};
		explore(&search);
		if (is_proof(context)) {
			print_message("%s: after %zu states\n", row->text, search.count);
			print_run(&search);
		}
		if (search.result != row->want) {
			print_run(&search);
			fail_msg("line %d: %s: %s", row->line, row->text, result_names[search.result]);
		}
		search_finish(&search);
	}
}

int main(int argc, char **argv)
{
	const char *given = getenv("ROWLOCK_PROOF");
	bool proof = (given != NULL && strcmp(given, "1") == 0) ||
		(argc > 1 && strcmp(argv[1], "--proof") == 0);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_protocol_holds, &proof),
		cmocka_unit_test_prestate(test_wrong_protocols_are_found, &proof),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
