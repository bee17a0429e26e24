/*
 * The part of store.h that writes: the writer's lock, groups, and checkpoints.
 *
 * Ownership: a state that js_write_begin() gives is given back by js_write_end().
 * Threads: any; who has the writer's lock is alone. Errors, Limits: as in jsonstore.h.
 */
#ifndef JSONSTORE_SRC_STORE_WRITE_H
#define JSONSTORE_SRC_STORE_WRITE_H

#include "store.h"

void js_gate_init(struct js_gate *gate);
void js_gate_finish(struct js_gate *gate);
/* Takes byte JS_LOCK_WRITER, waiting as jsonstore_begin_locked() says. */
bool js_gate_enter(struct jsonstore *store, int timeout_ms, struct jsonstore_error *error);
void js_gate_leave(struct jsonstore *store);
/* This thread is the owner until js_gate_leave(). */
void js_gate_own(struct js_gate *gate);
/*
 * JSONSTORE_BUSY when this thread is the owner: it must not wait for the lock, which it has. And
 * JSONSTORE_READONLY.
 */
bool js_gate_check(struct jsonstore *store, struct jsonstore_error *error);

/*
 * Takes the writer's lock, brings the current generation up to date, and adopts or cuts what a
 * writer that died left behind the end. With `failed_too` also when a write has failed.
 */
bool js_write_begin(struct jsonstore *store, bool failed_too, int timeout_ms, struct js_state *ret,
					struct jsonstore_error *error);
void js_write_end(struct jsonstore *store, struct js_state *state);
/*
 * Appends a whole group, syncs it and publishes it; state->end is then behind it. An error of write
 * or sync sets `failed`.
 */
bool js_write_group(struct jsonstore *store, struct js_state *state,
					const struct jsonstore_text *group, struct jsonstore_error *error);

/* ---- checkpoints ---- */

enum js_todo {
	JS_KEEP,  /* the base stays; merged nevertheless when a new generation needs it */
	JS_MERGE, /* base and changes become the new base */
	JS_ADOPT, /* the file as it is becomes the base, and changes are dropped */
};

struct js_plan {
	enum js_todo todo[JSONSTORE_COLLECTIONS_MAX];
	/* A collection to add (`changed` is then the count of entities), or whose schema changes. */
	const struct js_name *name;
	const struct js_schema *schema;
	uint16_t changed;  /* number of the entity that `schema` is of */
	bool publish_only; /* new bases without a new generation */
};

/*
 * Writes what the plan says and goes to the next generation; when a write has failed it does that
 * and nothing else. The caller holds store->checkpoint and its byte.
 */
bool js_switch(struct jsonstore *store, const struct js_plan *plan, struct jsonstore_error *error);
/* With the locks; *ret_busy when `wait` is false and another is at it. */
bool js_checkpoint_lock(struct jsonstore *store, bool wait, bool *ret_busy,
						struct jsonstore_error *error);
void js_checkpoint_unlock(struct jsonstore *store);
/* After a commit: a checkpoint, when one is due and nobody is at it. */
void js_checkpoint_by_writer(struct jsonstore *store);

/* Like jsonstore_checkpoint(), of small files whatever their age. */
bool js_checkpoint_closing(struct jsonstore *store, struct jsonstore_error *error);

#endif
