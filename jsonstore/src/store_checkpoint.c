#include "store_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "fail.h"

/* Files below are kept up to date by age; the journal of larger ones grows to a part of them. */
enum { SMALL_FILE = 16 << 20, AGE_MS = 1000, JOURNAL_MIN = 4 << 20, PART = 4 };
/* Somebody who calls jsonstore_checkpoint() each second is thought to be gone after this time. */
enum { TENDED_MS = 5000 };

bool js_checkpoint_lock(struct jsonstore *store, bool wait, bool *ret_busy,
						struct jsonstore_error *error)
{
	*ret_busy = false;
	if (wait) {
		pthread_mutex_lock(&store->checkpoint);
	} else if (pthread_mutex_trylock(&store->checkpoint) != 0) {
		*ret_busy = true;
		return true;
	}
	if (js_lock(&store->sys, store->lock, JS_LOCK_CHECKPOINT, F_WRLCK, wait) == 0) {
		return true;
	}
	pthread_mutex_unlock(&store->checkpoint);
	if (!wait && (errno == EAGAIN || errno == EACCES)) {
		*ret_busy = true;
		return true;
	}
	return js_fail_io(error, "lock", store->path);
}

void js_checkpoint_unlock(struct jsonstore *store)
{
	(void)js_lock(&store->sys, store->lock, JS_LOCK_CHECKPOINT, F_UNLCK, false);
	pthread_mutex_unlock(&store->checkpoint);
}

enum due { DUE_NOTHING, DUE_PUBLISH, DUE_ALL };
enum because { BECAUSE_DUE, BECAUSE_CLOSING, BECAUSE_ASKED };

/* What is due, as a plan. */
static enum due find_due(struct jsonstore *store, struct js_generation *generation,
						 enum because because, struct js_plan *plan)
{
	uint64_t now = js_now_ms();
	uint64_t sizes = 0;
	uint64_t changes = 0;
	bool publish = false;
	bool quiet = true; /* only small files have changes, and have had them all for a while */
	pthread_mutex_lock(&store->refresh);
	uint64_t journal = atomic_load(&generation->parsed) - generation->journal.catalog_end;
	for (size_t i = 0; i < generation->entity_count; i++) {
		const struct js_entity *entity = &generation->entities[i];
		uint64_t size = entity->table == NULL ? 0 : entity->table->print.size;
		bool small = size < SMALL_FILE;
		if (atomic_load(&entity->changes) == 0) {
			continue;
		}
		sizes += size;
		changes += atomic_load(&entity->changes);
		if (entity->changed_ms != 0 && small &&
			(because != BECAUSE_DUE || now - entity->changed_ms >= AGE_MS)) {
			plan->todo[i] = JS_MERGE;
			publish = true;
		}
		bool old = entity->changed_ms == 0 && now - entity->published_ms >= AGE_MS;
		quiet = quiet && small && (old || because == BECAUSE_CLOSING);
	}
	pthread_mutex_unlock(&store->refresh);
	bool grown = journal >= JOURNAL_MIN && journal >= sizes / PART;
	bool all = grown || changes >= JS_CHANGES_DUE ||
		(changes > 0 && (quiet || because == BECAUSE_ASKED));
	/* A quiet store has an empty journal, so that its files may be edited. */
	if (all || atomic_load(&store->words->failed) != 0) {
		return DUE_ALL;
	}
	plan->publish_only = publish;
	return publish ? DUE_PUBLISH : DUE_NOTHING;
}

static bool checkpoint(struct jsonstore *store, enum because because, struct jsonstore_error *error)
{
	struct js_state state;
	bool busy = false;
	if (!js_gate_check(store, error)) {
		return false;
	}
	struct js_plan *plan = js_new(&store->sys, 1, sizeof(*plan), error);
	if (plan == NULL) {
		return false;
	}
	bool good = js_store_now(store, &state, error);
	enum due due = good ? find_due(store, state.generation, because, plan) : DUE_NOTHING;
	if (good) {
		js_state_release(&state);
	}
	if (due != DUE_NOTHING) {
		good = js_checkpoint_lock(store, because == BECAUSE_ASKED, &busy, error);
		if (good && !busy) {
			/* Another may have done it meanwhile. */
			*plan = (struct js_plan){.name = NULL};
			good = js_store_now(store, &state, error);
			due = good ? find_due(store, state.generation, because, plan) : DUE_NOTHING;
			if (good) {
				js_state_release(&state);
			}
			good = good && (due == DUE_NOTHING || js_switch(store, plan, error));
			js_checkpoint_unlock(store);
		}
	}
	free(plan);
	return good;
}

bool js_checkpoint_closing(struct jsonstore *store, struct jsonstore_error *error)
{
	return checkpoint(store, BECAUSE_CLOSING, error);
}

int jsonstore_checkpoint(struct jsonstore *store, enum jsonstore_when when,
						 struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	enum because because = when == JSONSTORE_NOW ? BECAUSE_ASKED : BECAUSE_DUE;
	error = error == NULL ? &unwanted : error;
	if (!js_store_check(store, error)) {
		return error->code;
	}
	if (!js_gate_check(store, error)) {
		return error->code;
	}
	bool failed = atomic_load(&store->words->failed) != 0;
	/* After a failed write the first round only goes to a new journal. */
	atomic_store(&store->words->tended, js_now_ms());
	bool good = checkpoint(store, because, error) &&
		(!failed || when != JSONSTORE_NOW || checkpoint(store, because, error));
	atomic_store(&store->words->tended, js_now_ms());
	return good ? JSONSTORE_OK : error->code;
}

void js_checkpoint_by_writer(struct jsonstore *store)
{
	struct jsonstore_error ignored;
	uint64_t now = js_now_ms();
	uint64_t last = atomic_load_explicit(&store->checked_ms, memory_order_relaxed);
	/* One who does it all the time does it next, too; so no write takes as long as a large file. */
	if (now < atomic_load_explicit(&store->words->tended, memory_order_relaxed) + TENDED_MS ||
		now - last < AGE_MS / 4 ||
		!atomic_compare_exchange_strong(&store->checked_ms, &last, now)) {
		return;
	}
	/* Its error is not this writer's; who asks for a checkpoint is told. */
	(void)checkpoint(store, BECAUSE_DUE, &ignored);
}
