/*
 * DESIGN. A handle that only reads may hold read locks, and so be one of those that are alive; but
 * it cannot recover, and so must not be the first of them. While nobody is alive it finds the end
 * of the journal itself and keeps words of its own. Whoever then opens to write sets the shared
 * words; they only grow, so as long as they are what they were, nothing was written. When they
 * have moved, it looks again whether somebody is alive, and from then on believes the shared words,
 * which stay right as long as it is alive itself.
 */
#include "store_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fail.h"
#include "recover.h"

static void copy_words(struct js_words *to, const struct js_words *from)
{
	atomic_store(&to->end[0], atomic_load(&from->end[0]));
	atomic_store(&to->end[1], atomic_load(&from->end[1]));
	atomic_store(&to->generation, atomic_load(&from->generation));
}

static bool same_words(const struct js_words *a, const struct js_words *b)
{
	return atomic_load(&a->generation) == atomic_load(&b->generation) &&
		atomic_load(&a->end[0]) == atomic_load(&b->end[0]) &&
		atomic_load(&a->end[1]) == atomic_load(&b->end[1]);
}

/* Opens and maps the lock file; it is no error when there is none, or none yet. */
static bool open_lock(struct jsonstore *store, struct jsonstore_error *error)
{
	struct js_reading *reading = &store->reading;
	struct stat status;
	int fd = js_openat(&store->sys, store->hidden, "lock", O_RDONLY);
	if (fd < 0) {
		return errno == ENOENT || js_fail_io(error, "open the lock of", store->path);
	}
	if (js_fstat(&store->sys, fd, &status) != 0) {
		close(fd);
		return js_fail_io(error, "open the lock of", store->path);
	}
	if (status.st_size < JS_PAGE) {
		close(fd);
		return true;
	}
	void *page = mmap(NULL, JS_PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		close(fd);
		return js_fail_io(error, "map the lock of", store->path);
	}
	store->lock = fd;
	atomic_store(&reading->shared, page);
	return true;
}

/* Nobody is alive, and as long as JS_LOCK_OPENING is held nobody comes. */
static bool look_at_journal(struct jsonstore *store, struct jsonstore_error *error)
{
	struct js_reading *reading = &store->reading;
	uint64_t generation;
	uint64_t end;
	if (!js_generation_highest(store, &generation, error)) {
		return false;
	}
	if (generation == 0) {
		return js_fail(error, JSONSTORE_ABSENT, "%s: is no store", store->path);
	}
	if (!js_recover_end(store, generation, &end, error)) {
		return false;
	}
	atomic_store(&reading->own.end[generation & 1], end);
	atomic_store(&reading->own.generation, generation);
	return true;
}

bool js_reader_moved(struct jsonstore *store)
{
	struct js_reading *reading = &store->reading;
	if (atomic_load_explicit(&reading->attached, memory_order_acquire)) {
		return false;
	}
	const struct js_words *shared = atomic_load(&reading->shared);
	struct stat status;
	return shared == NULL
		? fstatat(store->hidden, "lock", &status, 0) == 0 && status.st_size >= JS_PAGE
		: !same_words(shared, &reading->seen);
}

bool js_reader_begin(struct jsonstore *store, struct jsonstore_error *error)
{
	struct js_reading *reading = &store->reading;
	const struct js_sys *sys = &store->sys;
	if (!store->read_only || reading->attached) {
		return true;
	}
	if (reading->shared == NULL && !open_lock(store, error)) {
		return false;
	}
	if (reading->shared == NULL) {
		return look_at_journal(store, error);
	}
	if (js_lock(sys, store->lock, JS_LOCK_OPENING, F_RDLCK, true) != 0) {
		return js_fail_io(error, "lock", store->path);
	}
	reading->holding = true;
	int alive = js_lock_held(sys, store->lock, JS_LOCK_ALIVE);
	bool good = alive >= 0 || js_fail_io(error, "lock", store->path);
	if (good && alive == 0) {
		copy_words(&reading->seen, reading->shared);
		good = look_at_journal(store, error);
	} else if (good) {
		good = js_lock(sys, store->lock, JS_LOCK_ALIVE, F_RDLCK, false) == 0 ||
			js_fail_io(error, "lock", store->path);
		if (good) {
			store->words = reading->shared;
			atomic_store_explicit(&reading->attached, true, memory_order_release);
		}
	}
	if (!good) {
		js_reader_end(store);
	}
	return good;
}

void js_reader_end(struct jsonstore *store)
{
	if (store->reading.holding) {
		(void)js_lock(&store->sys, store->lock, JS_LOCK_OPENING, F_UNLCK, false);
		store->reading.holding = false;
	}
}

bool js_reader_adopt(struct js_generation *generation, struct jsonstore_error *error)
{
	struct jsonstore *store = generation->store;
	for (size_t i = 0; i < generation->entity_count; i++) {
		struct js_entity *entity = &generation->entities[i];
		char name[128];
		if (entity->table != NULL) {
			continue;
		}
		js_base_name(name, js_name_span(&entity->name));
		int fd = js_openat(&store->sys, store->folder, name, O_RDONLY);
		if (fd < 0) {
			return js_fail_io(error, "open", name);
		}
		entity->table = js_table_open(&store->place, js_name_span(&entity->name), &entity->schema,
									  generation->journal.hash_key, NULL, fd, error);
		if (entity->table == NULL) {
			return false;
		}
	}
	return true;
}
