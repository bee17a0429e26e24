#include <string.h>

#include "link/protocol_test_help.h"

bool has(uint8_t mask, unsigned bit)
{
	return (mask >> bit & 1) != 0;
}

void add(uint8_t *mask, unsigned bits)
{
	*mask = (uint8_t)(*mask | bits);
}

static void drop(uint8_t *mask, unsigned bits)
{
	*mask = (uint8_t)(*mask & ~bits);
}

unsigned bit_of(unsigned id)
{
	return 1U << id;
}

unsigned key_of(const struct state *state, unsigned id)
{
	return has(state->second, id) ? 1 : 0;
}

/* The ids that a request asks for. */
static unsigned ids_of(const struct slot *slot)
{
	unsigned ids = 0;
	for (size_t i = 0; i < ROWS; i++) {
		ids |= slot->target[i] < FIRST_ID ? 0 : bit_of(slot->target[i] - FIRST_ID);
	}
	return ids;
}

/* The decision's row is locked: inserted and not committed. */
static bool is_locked(const struct state *state, unsigned id)
{
	for (size_t i = 0; i < SLOTS; i++) {
		const struct slot *slot = &state->slot[id / IDS_OF_ONE][i];
		if (slot->phase >= WRITTEN && (ids_of(slot) & bit_of(id)) != 0) {
			return true;
		}
	}
	return false;
}

static uint8_t row_after(const uint8_t *rows, const struct slot *slot, size_t row)
{
	switch (slot->target[row]) {
	case KEEP:
		return rows[row];
	case CLEAR:
		return 0;
	default:
		return (uint8_t)(slot->target[row] - FIRST_ID + 1);
	}
}

/* The ids that the rows lose by a request, and that no row has after it. */
static unsigned unused_after(enum wrong wrong, const uint8_t *rows, const struct slot *slot)
{
	unsigned unused = 0;
	for (size_t i = 0; i < ROWS; i++) {
		bool found = false;
		for (size_t j = 0; j < ROWS; j++) {
			found = found || row_after(rows, slot, j) == rows[i];
		}
		bool lost = rows[i] != 0 && row_after(rows, slot, i) != rows[i];
		if (lost && (!found || wrong == ANY_ROW_RELEASES)) {
			unused |= bit_of(rows[i] - 1U);
		}
	}
	return unused;
}

/* An answer counts for the very hold that was asked about: one inserted later, with the same id, is
 * another. Without a hold there is nothing that an answer could do, and it is forgotten. */
static void forget_answers(enum wrong wrong, struct state *state, unsigned id)
{
	if (wrong != ANSWER_OF_ANOTHER_HOLD && wrong != USED_INSERTS) {
		drop(&state->says_used, bit_of(id));
		drop(&state->says_void, bit_of(id));
	}
}

static void delete_hold(enum wrong wrong, struct state *state, unsigned id)
{
	drop(&state->held, bit_of(id));
	drop(&state->kept, bit_of(id));
	forget_answers(wrong, state, id);
}

static void put_arrives(enum wrong wrong, struct state *state, unsigned id)
{
	bool is_second = id % IDS_OF_ONE != 0 && has(state->pairs, id - 1);
	if (!has(state->puts, id) || is_second) {
		return;
	}
	unsigned ids = bit_of(id) | (has(state->pairs, id) ? bit_of(id + 1) : 0);
	unsigned missing = 0;
	for (unsigned i = 0; i < IDS; i++) {
		bool dangles = !has(state->held, i) && !has(state->exists, key_of(state, i));
		missing |= dangles ? ids & bit_of(i) : 0;
	}
	if (missing != 0 && wrong != SOME_HOLDS_ARE_ENOUGH) {
		return;
	}
	for (unsigned i = 0; i < IDS; i++) {
		if (has((uint8_t)(ids & ~missing), i) && !has(state->held, i)) {
			add(&state->held, bit_of(i));
			forget_answers(wrong, state, i);
			/* It may be sent from now on, and how late it arrives does not matter. */
			add(&state->decides, bit_of(i));
		}
	}
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *slot = &state->slot[id / IDS_OF_ONE][i];
		if (slot->phase == ASKING && (ids_of(slot) & bit_of(id)) != 0) {
			slot->phase = READY;
		}
	}
}

static void delete_unheard(enum wrong wrong, struct state *state, unsigned id)
{
	if (has(state->deletes, id)) {
		delete_hold(wrong, state, id);
	}
}

static void delete_arrives(enum wrong wrong, struct state *state, unsigned id)
{
	delete_unheard(wrong, state, id);
	drop(&state->outbox, bit_of(id));
}

static void read_none(enum wrong wrong, struct state *state, unsigned id)
{
	if (wrong == DECIDE_READS_FIRST && has(state->decides, id) && !has(state->used, id) &&
		!has(state->voided, id)) {
		add(&state->read_none, bit_of(id));
	}
}

static void decide(enum wrong wrong, struct state *state, unsigned id)
{
	bool none = !has(state->used, id) && !has(state->voided, id);
	bool first = wrong == DECIDE_READS_FIRST;
	if (!has(state->decides, id) || is_locked(state, id) ||
		(first && none && !has(state->read_none, id))) {
		return;
	}
	if (none && wrong != VOID_NOT_KEPT) {
		add(&state->voided, bit_of(id));
	}
	if (has(state->used, id) && !has(state->read_none, id)) {
		add(&state->says_used, bit_of(id));
	} else {
		add(&state->says_void, bit_of(id));
	}
	drop(&state->read_none, bit_of(id));
	if (!has(state->held, id)) {
		forget_answers(wrong, state, id);
	}
}

static void set_kept(enum wrong wrong, struct state *state, unsigned id)
{
	if (!has(state->says_used, id)) {
		return;
	}
	if (wrong == USED_INSERTS && has(state->exists, key_of(state, id))) {
		add(&state->held, bit_of(id));
	}
	add(&state->kept, bit_of(id) & state->held);
}

static void set_void(enum wrong wrong, struct state *state, unsigned id)
{
	if (has(state->says_void, id)) {
		delete_hold(wrong, state, id);
	}
}

static void lease_passes(enum wrong wrong, struct state *state, unsigned id)
{
	if (wrong == LEASE_RELEASES && !has(state->kept, id)) {
		delete_hold(wrong, state, id);
	}
}

/* After days: no request that has the id is left, nor a transaction. */
static void purge(enum wrong wrong, struct state *state, unsigned id)
{
	for (size_t i = 0; i < SLOTS; i++) {
		const struct slot *slot = &state->slot[id / IDS_OF_ONE][i];
		if (wrong != PURGE_EARLY && (ids_of(slot) & bit_of(id)) != 0) {
			return;
		}
	}
	drop(&state->voided, bit_of(id));
}

static void slot_end(struct slot *slot)
{
	*slot = (struct slot){.phase = IDLE};
}

static void write_rows(enum wrong wrong, struct state *state, unsigned user, unsigned which)
{
	struct slot *slot = &state->slot[user][which];
	bool ready = slot->phase == READY || (wrong == NOT_WAITED && slot->phase == ASKING);
	unsigned taken = state->used | (wrong == VOID_IGNORED ? 0U : state->voided);
	if (!ready || (ids_of(slot) & taken) != 0) {
		return;
	}
	for (size_t i = 0; i < SLOTS; i++) {
		const struct slot *other = &state->slot[user][i];
		for (size_t j = 0; j < ROWS; j++) {
			if (other->phase >= WRITTEN && other->target[j] != KEEP && slot->target[j] != KEEP) {
				return;
			}
		}
	}
	slot->phase = WRITTEN;
	unsigned unused = unused_after(wrong, state->row[user], slot);
	slot->last = wrong == LAST_ROW_NOT_LOCKED ? (uint8_t)unused : 0;
	if (wrong == OUTBOX_BEFORE) {
		add(&state->outbox, unused);
		add(&state->deletes, unused);
	}
}

/* The rows that lose their last row are found under the lock of their decision, which is kept until
 * the commit: so both are one step. */
static unsigned commit_rows(enum wrong wrong, struct state *state, unsigned user, unsigned which)
{
	struct slot *slot = &state->slot[user][which];
	unsigned unused = wrong == LAST_ROW_NOT_LOCKED ? slot->last
												   : unused_after(wrong, state->row[user], slot);
	uint8_t rows[ROWS];
	for (size_t i = 0; i < ROWS; i++) {
		rows[i] = row_after(state->row[user], slot, i);
	}
	memcpy(state->row[user], rows, sizeof(rows));
	if (wrong != USED_NOT_WRITTEN) {
		add(&state->used, ids_of(slot) & ~(unsigned)state->voided);
	}
	if (wrong != DECISION_STAYS) {
		drop(&state->used, unused);
	}
	slot_end(slot);
	return unused;
}

static void commit(enum wrong wrong, struct state *state, unsigned user, unsigned which)
{
	if (state->slot[user][which].phase >= WRITTEN) {
		unsigned unused = commit_rows(wrong, state, user, which);
		add(&state->outbox, unused);
		add(&state->deletes, unused);
	}
}

static void commit_half(enum wrong wrong, struct state *state, unsigned user, unsigned which)
{
	if (wrong == OUTBOX_AFTER && state->slot[user][which].phase >= WRITTEN) {
		(void)commit_rows(wrong, state, user, which);
	}
}

/* By a deadlock, and it may run again with the same ids; or at the end of one that was lost. */
static void roll_back(enum wrong wrong, struct state *state, unsigned user, unsigned which)
{
	struct slot *slot = &state->slot[user][which];
	(void)wrong;
	if (slot->phase == WRITTEN) {
		slot->phase = READY;
		slot->last = 0;
	} else if (slot->phase == GONE) {
		slot_end(slot);
	}
}

/* Refused, voided, out of time, or only tried (tx=rollback). */
static void give_up(enum wrong wrong, struct state *state, unsigned user, unsigned which)
{
	struct slot *slot = &state->slot[user][which];
	(void)wrong;
	if (slot->phase == ASKING || slot->phase == READY) {
		add(&state->deletes, ids_of(slot));
		slot_end(slot);
	}
}

static void begin_again(enum wrong wrong, struct state *state, unsigned user, unsigned which)
{
	struct slot *slot = &state->slot[user][which];
	if (wrong == SAME_ID_AGAIN && slot->phase == READY) {
		add(&state->deletes, ids_of(slot));
		slot->phase = ASKING;
	}
}

static void lose(enum wrong wrong, struct state *state, unsigned user, unsigned which)
{
	struct slot *slot = &state->slot[user][which];
	if (slot->phase == WRITTEN) {
		slot->phase = GONE;
		add(&state->deletes, wrong == DELETE_WHEN_UNKNOWN ? ids_of(slot) : 0);
	} else if (slot->phase != GONE) {
		slot_end(slot);
	}
}

void step_remove(struct state *state, unsigned key)
{
	for (unsigned id = 0; id < IDS; id++) {
		if (has(state->held, id) && key_of(state, id) == key) {
			return;
		}
	}
	drop(&state->exists, bit_of(key));
}

void step_of_id(enum step_kind kind, enum wrong wrong, struct state *state, unsigned id)
{
	static void (*const steps[])(enum wrong, struct state *, unsigned) = {
		[PUT] = put_arrives,     [DELETE] = delete_arrives, [DELETE_UNHEARD] = delete_unheard,
		[READ_NONE] = read_none, [DECIDE] = decide,         [SET_KEPT] = set_kept,
		[SET_VOID] = set_void,   [LEASE] = lease_passes,    [PURGE] = purge,
	};
	steps[kind](wrong, state, id);
}

void step_of_request(enum step_kind kind, enum wrong wrong, struct state *state, unsigned user,
					 unsigned which)
{
	static void (*const steps[])(enum wrong, struct state *, unsigned, unsigned) = {
		[WRITE] = write_rows,    [COMMIT] = commit,   [COMMIT_HALF] = commit_half,
		[ROLL_BACK] = roll_back, [GIVE_UP] = give_up, [AGAIN] = begin_again,
		[LOSE] = lose,
	};
	steps[kind](wrong, state, user, which);
}

bool state_dangles(const struct state *state)
{
	for (size_t i = 0; i < USERS * ROWS; i++) {
		uint8_t row = state->row[i / ROWS][i % ROWS];
		if (row != 0 && !has(state->exists, key_of(state, row - 1U))) {
			return true;
		}
	}
	return false;
}

/* Requests end, crashed transactions are rolled back; then the outbox's messages get through, and
 * so do the owner's questions, until there is nothing to ask or to send. */
static void settle(enum wrong wrong, struct state *state)
{
	struct state before;
	memset(state->slot, 0, sizeof(state->slot));
	do {
		before = *state;
		for (unsigned id = 0; id < IDS; id++) {
			if (has(state->outbox, id)) {
				delete_arrives(wrong, state, id);
			}
			if (has(state->held, id) && !has(state->kept, id)) {
				read_none(wrong, state, id);
				decide(wrong, state, id);
				if (has(state->used, id)) {
					set_kept(wrong, state, id);
				} else {
					set_void(wrong, state, id);
				}
			}
		}
	} while (memcmp(&before, state, sizeof(before)) != 0);
}

bool state_is_stuck(enum wrong wrong, const struct state *state)
{
	struct state end = *state;
	unsigned needed = 0;
	settle(wrong, &end);
	for (size_t i = 0; i < USERS * ROWS; i++) {
		uint8_t row = end.row[i / ROWS][i % ROWS];
		needed |= row == 0 ? 0 : bit_of(row - 1U);
	}
	return end.outbox != 0 || (end.held & ~needed) != 0;
}
