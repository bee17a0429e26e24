/*
 * DESIGN. The protocol of counters and cached answers, explored in full: a writer that commits two
 * groups, one step at a time, and two readers of two reads each, in every order in which their
 * steps can fall. The value that is stored is the number of groups committed. No read may give less
 * than what was acknowledged, or had been given to anyone, when it began. Wrong protocols are rows
 * of the same table: of each a run is found that breaks the rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/version.h"

#define L __LINE__

enum { GROUPS = 2, READERS = 2, READS = 2, VERSIONS = 2 * GROUPS + 1, NONE = 3, TABLE = 1 << 19 };

/* The steps of a group: 'o' odd, 'c' commit, 'e' even, 'a' answer; 'b' adds two at once. Of a read:
 * 'v' loads the counter, 'f' looks for a kept answer, 's' takes a snapshot, 'k' keeps what it has
 * read, 'g' gives its answer; 'F' and 'K' do not care whether the counter is settled. */
struct protocol {
	int line;
	const char *writer;
	const char *reader;
	bool holds;
};

static const struct protocol protocols[] = {
	{L, "ocea", "vfskg", true},
	/* As it is done: a fill has a version of its own snapshot. */
	{L, "ocea", "vfvskg", true},
	/* A write may be answered before its counters are settled again: until then nothing is kept. */
	{L, "ocae", "vfskg", true},
	/* Settled before the commit. */
	{L, "oeca", "vfskg", false},
	/* Never unsettled: one reader has the new value, the next one the kept one. */
	{L, "cba", "vfskg", false},
	{L, "bca", "vfskg", false},
	/* Answered before the counter says that anything happens. */
	{L, "caoe", "vfskg", false},
	/* The snapshot is older than the counter that it is kept under. */
	{L, "ocea", "svfkg", false},
	/* The counter is loaded once more before the answer is kept. */
	{L, "ocea", "vfsvkg", false},
	/* Kept, and found, while a commit is under way. */
	{L, "ocea", "vFsKg", false},
};

struct reader {
	uint8_t step; /* in all: READS times the protocol's */
	uint8_t version;
	uint8_t value; /* NONE: not read yet */
	uint8_t floor; /* when the read began */
};

struct state {
	uint8_t step; /* the writer's, in all */
	uint8_t counter;
	uint8_t committed;
	uint8_t answered;
	uint8_t given; /* the newest value that a read has given */
	uint8_t kept[VERSIONS + 1];
	struct reader readers[READERS];
};

struct exploration {
	const struct protocol *protocol;
	struct state *seen; /* owned: TABLE of them, open addressing */
	bool *used;         /* owned */
	size_t count;
	bool broken;
};

static const uint64_t seed[2] = {1, 2};

/* False when the state was met before. */
static bool is_new(struct exploration *exploration, const struct state *state)
{
	size_t at = siphash(seed, state, sizeof(*state)) % TABLE;
	while (exploration->used[at]) {
		if (memcmp(&exploration->seen[at], state, sizeof(*state)) == 0) {
			return false;
		}
		at = (at + 1) % TABLE;
	}
	exploration->used[at] = true;
	exploration->seen[at] = *state;
	exploration->count++;
	assert_true(exploration->count < TABLE / 2);
	return true;
}

static void step_writer(struct state *state, char step)
{
	state->step++;
	switch (step) {
	case 'o':
	case 'e':
		state->counter++;
		return;
	case 'b':
		state->counter = (uint8_t)(state->counter + 2);
		return;
	case 'c':
		state->committed++;
		return;
	default:
		state->answered = state->committed;
	}
}

/* False when what it gives is older than it may be. */
static bool step_reader(struct state *state, struct reader *reader, char step, size_t steps)
{
	bool careless = step == 'F' || step == 'K';
	if (reader->step % steps == 0) {
		uint8_t newest = state->answered > state->given ? state->answered : state->given;
		reader->floor = newest;
		reader->value = NONE;
	}
	reader->step++;
	bool usable = version_settled(reader->version) || careless;
	switch (step) {
	case 'v':
		reader->version = state->counter;
		return true;
	case 'f':
	case 'F':
		if (usable && state->kept[reader->version] != NONE) {
			reader->value = state->kept[reader->version];
			/* What is left to do is to give it. */
			reader->step = (uint8_t)((reader->step / steps + 1) * steps - 1);
		}
		return true;
	case 's':
		reader->value = state->committed;
		return true;
	case 'k':
	case 'K':
		if (usable) {
			state->kept[reader->version] = reader->value;
		}
		return true;
	default:
		state->given = reader->value > state->given ? reader->value : state->given;
		return reader->value >= reader->floor;
	}
}

static void explore(struct exploration *exploration, const struct state *state)
{
	const struct protocol *protocol = exploration->protocol;
	size_t writes = strlen(protocol->writer);
	size_t steps = strlen(protocol->reader);
	if (exploration->broken || !is_new(exploration, state)) {
		return;
	}
	if (state->step < GROUPS * writes) {
		struct state next = *state;
		step_writer(&next, protocol->writer[state->step % writes]);
		explore(exploration, &next);
	}
	for (size_t i = 0; i < READERS; i++) {
		struct state next = *state;
		struct reader *reader = &next.readers[i];
		if (reader->step == READS * steps) {
			continue;
		}
		if (step_reader(&next, reader, protocol->reader[reader->step % steps], steps)) {
			explore(exploration, &next);
		} else {
			exploration->broken = true;
		}
	}
}

static void test_protocols(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		struct exploration exploration = {
			.protocol = &protocols[i],
			.seen = alloc_zeroed(TABLE, sizeof(struct state)),
			.used = alloc_zeroed(TABLE, sizeof(bool)),
		};
		struct state state;
		memset(&state, 0, sizeof(state));
		memset(state.kept, NONE, sizeof(state.kept));
		explore(&exploration, &state);
		free(exploration.seen);
		free(exploration.used);
		if (exploration.broken == protocols[i].holds) {
			fail_msg("line %d: %s after %zu states", protocols[i].line,
					 exploration.broken ? "broken" : "nothing found", exploration.count);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protocols),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
