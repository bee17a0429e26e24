/*
 * DESIGN. A base that is none of those that the journal knows is in doubt. With the file's word its
 * changes are dropped; with the journal's it becomes the base under them. Both are a switch to a
 * next generation, as a checkpoint makes it; what loses is written beside the file before.
 */
#include "store_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"

struct repairing {
	struct jsonstore *store;
	struct js_state state;
	struct js_plan *plan;
};

/* The journal's newest records of a collection, as NAME.journal.json. */
static bool keep_journal(struct repairing *r, uint16_t number, struct js_base_writer *writer,
						 struct jsonstore_error *error)
{
	const struct js_generation *generation = r->state.generation;
	struct jsonstore_text text = {NULL, 0, 0};
	struct js_print print;
	struct js_key key;
	uint64_t offset;
	bool good = true;
	for (uint32_t i = 0; good && i < js_overlay_count(&generation->overlay); i++) {
		const struct js_change *change = js_overlay_at(&generation->overlay, i);
		const struct js_change *newest = NULL;
		if (change->collection != number || !change->first) {
			continue;
		}
		good = js_change_read(generation, change, &text, &key, error) &&
			js_state_change(&r->state, number, (struct js_span){key.text, key.len}, change->hash,
							&text, &newest, error) &&
			(newest->op == JS_DELETE || js_base_add(writer, js_text_span(&text), &offset, error));
	}
	jsonstore_text_free(&text);
	return good && js_base_end(writer, &print, error);
}

static bool copy_bytes(struct repairing *r, int from, int to, const char *name,
					   struct jsonstore_error *error)
{
	const struct js_sys *sys = &r->store->sys;
	char block[4096];
	uint64_t at = 0;
	ssize_t got;
	while ((got = js_pread(sys, from, block, sizeof(block), at)) > 0) {
		if (js_pwrite(sys, to, block, (size_t)got, at) != 0) {
			return js_fail_io(error, "write", name);
		}
		at += (uint64_t)got;
	}
	return (got == 0 && js_fsync(sys, to) == 0) || js_fail_io(error, "copy to", name);
}

/* Opens NAME.json, or makes it when it is gone; -1 on an error. */
static int open_file(struct repairing *r, const struct js_entity *entity,
					 struct jsonstore_error *error)
{
	const struct js_sys *sys = &r->store->sys;
	char name[128];
	js_base_name(name, js_name_span(&entity->name));
	int fd = js_openat(sys, r->store->folder, name, O_RDONLY);
	if (fd < 0 && errno == ENOENT) {
		fd = js_openat(sys, r->store->folder, name, O_RDWR | O_CREAT);
		if (fd >= 0 && (js_pwrite(sys, fd, "[\n]\n", 4, 0) != 0 || js_fsync(sys, fd) != 0)) {
			js_fail_io(error, "write", name);
			close(fd);
			return -1;
		}
	}
	if (fd < 0) {
		js_fail_io(error, "open", name);
	}
	return fd;
}

static bool with_journal(struct repairing *r, struct js_entity *entity, int beside,
						 const char *beside_name, struct jsonstore_error *error)
{
	struct js_generation *generation = r->state.generation;
	struct js_print print;
	int fd = open_file(r, entity, error);
	if (fd < 0) {
		return false;
	}
	if (!copy_bytes(r, fd, beside, beside_name, error) ||
		!js_table_print(&r->store->place, fd, beside_name, &print, error)) {
		close(fd);
		return false;
	}
	struct js_print *grown = js_allocate(&r->store->sys, entity->prints,
										 (entity->print_count + 1) * sizeof(*grown));
	if (grown == NULL) {
		close(fd);
		return js_fail_memory(error);
	}
	entity->prints = grown;
	grown[entity->print_count++] = print;
	entity->table = js_table_open(&r->store->place, js_name_span(&entity->name), &entity->schema,
								  generation->journal.hash_key, &print, fd, error);
	return entity->table != NULL;
}

static bool with_file(struct repairing *r, uint16_t number, int beside, const char *beside_name,
					  struct jsonstore_error *error)
{
	struct js_base_writer *writer = js_new(&r->store->sys, 1, sizeof(*writer), error);
	int fd = open_file(r, &r->state.generation->entities[number], error);
	bool good = writer != NULL && fd >= 0 &&
		js_base_writer_init(writer, &r->store->sys, beside, beside_name, error);
	if (good) {
		good = keep_journal(r, number, writer, error);
		js_base_writer_finish(writer);
	}
	free(writer);
	if (fd >= 0) {
		close(fd);
	}
	return good;
}

static bool repair_one(struct repairing *r, uint16_t number, enum jsonstore_use use,
					   struct jsonstore_error *error)
{
	struct js_entity *entity = &r->state.generation->entities[number];
	char beside_name[128];
	if (atomic_load(&entity->changes) == 0) {
		int fd = open_file(r, entity, error);
		r->plan->todo[number] = JS_ADOPT;
		return fd >= 0 && close(fd) == 0;
	}
	(void)snprintf(beside_name, sizeof(beside_name), "%.*s.%s.json", entity->name.len,
				   entity->name.text, use == JSONSTORE_USE_FILE ? "journal" : "edited");
	int beside = js_openat(&r->store->sys, r->store->folder, beside_name,
						   O_RDWR | O_CREAT | O_TRUNC);
	if (beside < 0) {
		return js_fail_io(error, "open", beside_name);
	}
	bool good = use == JSONSTORE_USE_FILE ? with_file(r, number, beside, beside_name, error)
										  : with_journal(r, entity, beside, beside_name, error);
	close(beside);
	r->plan->todo[number] = use == JSONSTORE_USE_FILE ? JS_ADOPT : JS_MERGE;
	return good;
}

static bool repair(struct repairing *r, const char *name, enum jsonstore_use use,
				   struct jsonstore_error *error)
{
	struct js_generation *generation = r->state.generation;
	bool edited;
	generation->tolerant = true;
	if (!js_generation_bases(generation, NULL, &edited, error)) {
		return false;
	}
	for (uint16_t i = 0; edited && i < generation->entity_count; i++) {
		struct js_entity *entity = &generation->entities[i];
		if (entity->table != NULL) {
			continue;
		}
		if (name != NULL && !js_span_equal(js_name_span(&entity->name), js_span_of(name))) {
			return js_fail(error, JSONSTORE_CONFLICT,
						   "%.*s.json was edited, too: repair all at once", entity->name.len,
						   entity->name.text);
		}
		if (!repair_one(r, i, use, error)) {
			return false;
		}
	}
	if (!edited) {
		return true;
	}
	js_store_set_current(r->store, js_generation_ref(generation));
	bool busy;
	if (!js_checkpoint_lock(r->store, true, &busy, error)) {
		return false;
	}
	bool good = js_switch(r->store, r->plan, error);
	js_checkpoint_unlock(r->store);
	return good;
}

int jsonstore_repair(const char *folder, const char *name, enum jsonstore_use use,
					 struct jsonstore_error *error)
{
	static const struct js_sys plain = {NULL, NULL};
	struct jsonstore_options options = {.size = sizeof(options), .must_exist = true};
	struct jsonstore_error unwanted;
	struct repairing r = {.store = NULL};
	uint64_t highest;
	error = error == NULL ? &unwanted : error;
	if (js_store_open(folder, &options, &plain, true, &r.store, error) != JSONSTORE_OK) {
		return error->code;
	}
	bool good = true;
	if (js_lock_held(&plain, r.store->lock, JS_LOCK_ALIVE) != 0) {
		good = js_fail(error, JSONSTORE_CONFLICT, "%s is open in another process", folder);
	}
	good = good && js_generation_highest(r.store, &highest, error);
	if (good) {
		r.plan = js_new(&plain, 1, sizeof(*r.plan), error);
		r.state.generation = js_generation_open(r.store, highest, NULL, error);
		good = r.plan != NULL && r.state.generation != NULL;
	}
	if (good) {
		r.state.end = atomic_load(&r.state.generation->parsed);
		good = repair(&r, name, use, error);
	}
	js_generation_unref(r.state.generation);
	free(r.plan);
	int code = good ? JSONSTORE_OK : error->code;
	if (!good) {
		/* The files are as they were; there is nothing to bring up to date. */
		js_store_set_current(r.store, NULL);
	}
	struct jsonstore_error closing;
	(void)jsonstore_close(r.store, &closing);
	return code;
}
