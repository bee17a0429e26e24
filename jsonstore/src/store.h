/*
 * A store in memory: the folder, the words that the processes share, and the current generation: a
 * journal, the overlay of its changes, and the bases they are changes to.
 *
 * Ownership: a generation is counted; snapshots and cursors hold one. The store owns the rest.
 * Threads: any; each mutex says below what it guards, and they are taken in the order in which they
 * stand there. Errors: as in jsonstore.h. Limits: as in jsonstore.h.
 */
#ifndef JSONSTORE_SRC_STORE_H
#define JSONSTORE_SRC_STORE_H

#include "overlay.h"
#include "table.h"

/* The first page of .jsonstore/lock, mapped by every process; believed only while one is alive. */
struct js_words {
	_Atomic uint64_t generation;
	_Atomic uint64_t end[2]; /* of the journal of an even generation, of an odd one */
	_Atomic uint32_t failed; /* a write failed: nothing more may be written to this journal */
	_Atomic uint64_t tended; /* js_now_ms() when somebody last called jsonstore_checkpoint() */
};

/* Bytes of the lock file. */
enum {
	JS_LOCK_WRITER,
	JS_LOCK_CHECKPOINT,
	JS_LOCK_OPENING, /* held while it is found out whether anybody is alive */
	JS_LOCK_ALIVE,   /* shared: held by every open handle */
};

/* A handle that only reads; see store_reader.c. Written under jsonstore.refresh. */
struct js_reading {
	_Atomic(struct js_words *) shared; /* NULL: no lock file yet */
	struct js_words own;               /* what this handle found out itself */
	struct js_words seen;              /* the shared ones then */
	atomic_bool attached;              /* it is one of those that are alive: `shared` is right */
	bool holding;                      /* JS_LOCK_OPENING */
};

/* A collection in a generation. */
struct js_entity {
	struct js_name name;
	struct js_schema schema;
	struct js_print *prints; /* owned: contents that the journal goes with, the oldest first */
	size_t print_count;
	struct js_table *table;   /* NULL: the file is another one; only while opening */
	_Atomic uint64_t changes; /* that the overlay holds of it */
	uint64_t last_change;     /* byte of the journal */
	uint64_t published_ms;    /* when a checkpoint put the newest changes into the file */
	uint64_t changed_ms;      /* when the oldest that is not in the file was seen; 0: none */
};

struct js_generation {
	_Atomic unsigned refs;
	struct jsonstore *store; /* borrowed */
	struct js_journal journal;
	struct js_overlay overlay;
	struct js_entity *entities;
	size_t entity_count;
	/* Written under store->refresh. */
	_Atomic uint64_t parsed; /* the journal's changes before are in the overlay */
	_Atomic bool next_last;  /* the last group says so: there may be a next generation */
	/* With next_last: the bytes that the next generation's journal has behind its catalog. */
	uint64_t copied_from;
	uint64_t copied_to;
	uint64_t copied_group; /* number of the last group before them */
	uint64_t last_group;
	bool tolerant; /* jsonstore_repair(): an edited file is no error, whatever the journal holds */
	struct js_reader reader;
	struct jsonstore_text form;
};

/* A thread that waits for the writer's lock. */
struct js_waiter {
	struct js_waiter *next;
	pthread_cond_t cond;
	bool granted;
};

/* Byte JS_LOCK_WRITER: the lock among processes is taken by who has this one among threads. */
struct js_gate {
	pthread_mutex_t mutex;
	bool held;
	bool owned; /* by a locked transaction, which `owner` began */
	pthread_t owner;
	struct js_waiter *first; /* list of those who wait, in the order in which they came */
	struct js_waiter *last;
};

struct js_pending;

struct jsonstore {
	struct js_sys sys;
	char path[256];
	int folder;
	int hidden;
	int lock;
	_Atomic(struct js_words *) words;
	bool read_only;
	struct js_reading reading;
	unsigned char *alive; /* a page that a fork makes zero */
	struct js_cache cache;
	_Atomic uint64_t next_file;
	struct js_place place;
	uint64_t bytes_cut;

	pthread_mutex_t checkpoint; /* byte JS_LOCK_CHECKPOINT */
	struct js_gate writer;      /* byte JS_LOCK_WRITER */
	pthread_mutex_t refresh;    /* parsing, and opening of generations */
	pthread_mutex_t current_mutex;
	struct js_generation *current;

	pthread_mutex_t queue_mutex;
	struct js_pending *queue_first;
	struct js_pending *queue_last;
	bool leading;
	_Atomic uint64_t checked_ms; /* when a writer last looked whether a checkpoint is due */

	pthread_mutex_t collections_mutex;
	struct jsonstore_collection *collections; /* list */
};

struct jsonstore_collection {
	struct jsonstore *store;
	struct jsonstore_collection *next;
	struct js_name name;
	uint16_t id;
};

struct js_batch;

/* A state: what the journal of a generation says before byte `end`. */
struct js_state {
	struct js_generation *generation;
	uint64_t end;
	/* And over it the first changes of a locked transaction; NULL: none. See transaction.h. */
	struct js_batch *own;
	size_t own_count;
	uint64_t own_serial; /* of the last of them */
};

struct jsonstore_snapshot {
	struct js_state state;
};

/* JSONSTORE_FORKED in a child of the process that opened it. */
bool js_store_check(const struct jsonstore *store, struct jsonstore_error *error);
/* The state of now, all that is acknowledged included; js_state_release(). */
bool js_store_now(struct jsonstore *store, struct js_state *ret, struct jsonstore_error *error);
void js_state_release(struct js_state *state);
/* Another one of the same, to be released, too. */
struct js_state js_state_copy(const struct js_state *state);
/*
 * Opens the highest generation, with its bases; see js_generation_bases(). The caller holds
 * store->refresh, or is alone.
 */
struct js_generation *js_store_highest(struct jsonstore *store, struct js_generation *before,
									   bool *ret_edited, struct jsonstore_error *error);
/* Takes the generation over. */
void js_store_set_current(struct jsonstore *store, struct js_generation *generation);

/* ---- generations ---- */

struct js_generation *js_generation_ref(struct js_generation *generation);
void js_generation_unref(struct js_generation *generation);
/*
 * Opens journal and overlay of a generation up to its published end, with what
 * js_generation_carry() finds in `before` (or NULL). Bases come after, with
 * js_generation_bases(). The caller holds store->refresh, or is alone.
 */
struct js_generation *js_generation_open(struct jsonstore *store, uint64_t number,
										 struct js_generation *before,
										 struct jsonstore_error *error);
/* Takes from the generation before what was copied from its journal; nothing, when it is unsure. */
bool js_generation_carry(struct js_generation *generation, struct js_generation *before,
						 struct jsonstore_error *error);
/* Whether the overlay has a change of the same key. */
bool js_generation_knows(const struct js_generation *generation, const struct js_change *change,
						 struct js_span key, bool *ret, struct jsonstore_error *error);
/* A change was added. */
void js_generation_count(struct js_generation *generation, const struct js_change *change);
/* Takes the changes before `end` into the overlay. The caller holds store->refresh. */
bool js_generation_parse(struct js_generation *generation, uint64_t end,
						 struct jsonstore_error *error);
/*
 * Opens the bases, taking from `before` (or NULL) those that are the same. A file that was edited:
 * JSONSTORE_CONFLICT when the journal holds changes for it, or it is gone; else its table is NULL,
 * and *ret_edited is set.
 */
bool js_generation_bases(struct js_generation *generation, const struct js_generation *before,
						 bool *ret_edited, struct jsonstore_error *error);
/*
 * Which of the contents that an entity may have the file has; *ret is NULL when it was edited. The
 * caller holds store->refresh, or is alone.
 */
bool js_generation_find_print(struct js_generation *generation, const struct js_entity *entity,
							  int fd, const char *path, const struct js_print **ret,
							  struct jsonstore_error *error);
/* The highest generation of the folder, 0: none. */
bool js_generation_highest(struct jsonstore *store, uint64_t *ret, struct jsonstore_error *error);
void js_journal_name(char to[64], uint64_t generation);

/* ---- reading a state ---- */

uint64_t js_key_hash(const struct js_generation *generation, struct js_span key);
uint64_t js_field_hash(uint64_t hash, uint16_t collection, unsigned field);
/*
 * The js_field_hash() of each indexed value of an entry that is a put; `form` is used on the way.
 * JSONSTORE_INVALID: it is no record of the collection.
 */
bool js_field_hashes(const struct js_generation *generation, const struct js_entry *entry,
					 struct jsonstore_text *form, uint64_t hashes[JSONSTORE_FIELDS_MAX],
					 size_t *ret_count, struct jsonstore_error *error);

/*
 * The newest change of a key in a state, NULL in *ret_change when there is none. `text`, which is
 * used on the way, holds the record when it is a put.
 */
bool js_state_change(const struct js_state *state, uint16_t collection, struct js_span key,
					 uint64_t hash, struct jsonstore_text *text,
					 const struct js_change **ret_change, struct jsonstore_error *error);
/* The record of a key in a state. */
bool js_state_get(const struct js_state *state, uint16_t collection, struct js_span key,
				  struct jsonstore_text *ret, bool *ret_found, struct jsonstore_error *error);
/* Of a change that is a put: its key and its record, in `text`. */
bool js_change_read(const struct js_generation *generation, const struct js_change *change,
					struct jsonstore_text *text, struct js_key *ret_key,
					struct jsonstore_error *error);

/* ---- cursors ---- */

struct jsonstore_cursor;
/* Like jsonstore_scan(), of a state, which it takes over. */
int js_cursor_scan(const struct js_state *state, uint16_t collection, struct jsonstore_cursor **ret,
				   struct jsonstore_error *error);

/* Writing and checkpoints: see store_write.h. */

/* jsonstore_open() with a table of calls; `repair` leaves conflicts to the caller. */
int js_store_open(const char *folder, const struct jsonstore_options *options,
				  const struct js_sys *sys, bool repair, struct jsonstore **ret_store,
				  struct jsonstore_error *error);

uint64_t js_now_ms(void);

#endif
