/*
 * The steps of the protocol of references between services, for protocol_test.c, whose DESIGN says
 * what is modelled and how. A step that is not possible in a state leaves it as it is.
 *
 * Ownership: states are plain bytes without padding, so that they can be compared and hashed.
 * Threads: all. Errors: none. Limits: the constants below.
 */
#ifndef ROWLOCK_LINK_PROTOCOL_TEST_HELP_H
#define ROWLOCK_LINK_PROTOCOL_TEST_HELP_H

#include <stdbool.h>
#include <stdint.h>

enum { USERS = 2, ROWS = 2, KEYS = 2, SLOTS = 2, IDS_OF_ONE = 4, IDS = USERS * IDS_OF_ONE };

/* What a request writes into a row: nothing, no reference, or the reference that has this id. */
enum { KEEP, CLEAR, FIRST_ID };

enum phase { IDLE, ASKING, READY, WRITTEN, GONE };

enum wrong {
	NOTHING_WRONG,
	LEASE_RELEASES,
	SAME_ID_AGAIN,
	DECISION_STAYS,
	DELETE_WHEN_UNKNOWN,
	USED_INSERTS,
	OUTBOX_BEFORE,
	OUTBOX_AFTER,
	DECIDE_READS_FIRST,
	VOID_NOT_KEPT,
	VOID_IGNORED,
	USED_NOT_WRITTEN,
	LAST_ROW_NOT_LOCKED,
	ANY_ROW_RELEASES,
	PURGE_EARLY,
	ANSWER_OF_ANOTHER_HOLD,
	SOME_HOLDS_ARE_ENOUGH,
	NOT_WAITED,
};

/* A request in a user's memory, and its transaction. */
struct slot {
	uint8_t phase;
	uint8_t target[ROWS];
	uint8_t last; /* LAST_ROW_NOT_LOCKED: the ids found unused when the transaction began */
};

/* Masks have a bit for each id. All is durable but the slots and the messages. */
struct state {
	uint8_t exists; /* the owner's rows, by key */
	uint8_t held;
	uint8_t kept; /* of those held; the others are 'asked' */
	uint8_t used; /* decisions */
	uint8_t voided;
	uint8_t outbox;
	uint8_t read_none; /* DECIDE_READS_FIRST: a decide found no decision */
	/* Messages. */
	uint8_t puts;
	uint8_t second; /* which key its hold is for: the second? */
	uint8_t pairs;  /* ids that one PUT asks for together with the one that follows */
	uint8_t deletes;
	uint8_t decides;
	uint8_t says_used;
	uint8_t says_void;
	uint8_t row[USERS][ROWS]; /* the id of its reference + 1, or 0 */
	struct slot slot[USERS][SLOTS];
};

/* I: of an id, R: of a request, K: of a key. */
#define STEP_TABLE(X)                                                                              \
	X(PUT, "I", "owner: PUT arrives, and its answer")                                              \
	X(DELETE, "I", "owner: DELETE arrives, and its answer")                                        \
	X(DELETE_UNHEARD, "I", "owner: DELETE arrives, its answer is lost")                            \
	X(READ_NONE, "I", "user: decide arrives and finds no decision")                                \
	X(DECIDE, "I", "user: decide arrives and is answered")                                         \
	X(SET_KEPT, "I", "owner: acts on the answer 'used'")                                           \
	X(SET_VOID, "I", "owner: acts on the answer 'void'")                                           \
	X(LEASE, "I", "owner: the lease has passed, the hold is deleted")                              \
	X(PURGE, "I", "user: the void decision is purged")                                             \
	X(BEGIN, "R", "begins, PUT is sent if it needs holds")                                         \
	X(WRITE, "R", "the transaction writes")                                                        \
	X(COMMIT, "R", "the transaction commits")                                                      \
	X(COMMIT_HALF, "R", "the transaction commits, crash before the outbox is written")             \
	X(ROLL_BACK, "R", "the transaction is rolled back")                                            \
	X(GIVE_UP, "R", "is given up, DELETE is sent")                                                 \
	X(AGAIN, "R", "is given up, DELETE is sent; begins again, PUT is sent")                        \
	X(LOSE, "R", "is lost by a crash, its outcome is unknown")                                     \
	X(REMOVE, "K", "owner: deletes the row, or changes its key")                                   \
	X(INSERT, "K", "owner: inserts the row")

#define X(name, of, text) name,
enum step_kind { STEP_TABLE(X) STEP_KINDS };
#undef X

bool has(uint8_t mask, unsigned bit);
void add(uint8_t *mask, unsigned bits);
unsigned bit_of(unsigned id);
unsigned key_of(const struct state *state, unsigned id);
/* From PUT to PURGE. */
void step_of_id(enum step_kind kind, enum wrong wrong, struct state *state, unsigned id);
/* From WRITE to LOSE. */
void step_of_request(enum step_kind kind, enum wrong wrong, struct state *state, unsigned user,
					 unsigned which);
/* The owner deletes a row, or changes its key. */
void step_remove(struct state *state, unsigned key);
/* A committed row refers to a row of the owner that is gone. */
bool state_dangles(const struct state *state);
/* When requests have ended and all messages get through, something is left that is never freed. */
bool state_is_stuck(enum wrong wrong, const struct state *state);

#endif
