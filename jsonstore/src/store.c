#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "recover.h"
#include "store_reader.h"
#include "transaction.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

enum { PAGE = 4096, WIPED_BY_FORK = 1, PID_IS_ASKED = 2, TRIES = 1000 };

uint64_t js_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u + 1;
}

/* ---- the state of now ---- */

bool js_store_check(const struct jsonstore *store, struct jsonstore_error *error)
{
	if (store->alive[0] == WIPED_BY_FORK) {
		return true;
	}
	pid_t pid;
	memcpy(&pid, store->alive + 8, sizeof(pid));
	if (store->alive[0] == PID_IS_ASKED && pid == getpid()) {
		return true;
	}
	return js_fail(error, JSONSTORE_FORKED, "the store was opened by the parent process");
}

static bool watch_fork(struct jsonstore *store, struct jsonstore_error *error)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid = getpid();
	if (page == MAP_FAILED) {
		return js_fail_memory(error);
	}
	store->alive = page;
	memcpy(store->alive + 8, &pid, sizeof(pid));
	store->alive[0] = madvise(page, PAGE, MADV_WIPEONFORK) == 0 ? WIPED_BY_FORK : PID_IS_ASKED;
	return true;
}

void js_state_release(struct js_state *state)
{
	js_generation_unref(state->generation);
	js_batch_unref(state->own);
	*state = (struct js_state){.generation = NULL};
}

struct js_state js_state_copy(const struct js_state *state)
{
	js_generation_ref(state->generation);
	if (state->own != NULL) {
		js_batch_ref(state->own);
	}
	return *state;
}

static struct js_generation *take_current(struct jsonstore *store)
{
	pthread_mutex_lock(&store->current_mutex);
	struct js_generation *generation = js_generation_ref(store->current);
	pthread_mutex_unlock(&store->current_mutex);
	return generation;
}

static bool is_there(struct jsonstore *store, uint64_t generation)
{
	char name[64];
	js_journal_name(name, generation);
	return faccessat(store->hidden, name, F_OK, 0) == 0;
}

/*
 * Whether the next generation is there. The words say so; but whoever made it may have died before
 * he told them. Then the last group is his, or the journal has failed, and the folder is asked.
 */
static bool is_superseded(struct jsonstore *store, const struct js_generation *generation)
{
	uint64_t number = generation->journal.generation;
	if (atomic_load_explicit(&store->words->generation, memory_order_acquire) > number) {
		return true;
	}
	if (!atomic_load_explicit(&generation->next_last, memory_order_relaxed) &&
		atomic_load_explicit(&store->words->failed, memory_order_relaxed) == 0) {
		return false;
	}
	return is_there(store, number + 1);
}

static uint64_t published_end(struct jsonstore *store, uint64_t generation)
{
	return atomic_load_explicit(&store->words->end[generation & 1], memory_order_acquire);
}

/* One try at the highest generation; *ret_again when it was superseded on the way. */
static struct js_generation *try_highest(struct jsonstore *store, struct js_generation *before,
										 bool *ret_edited, bool *ret_again,
										 struct jsonstore_error *error)
{
	uint64_t number;
	*ret_again = false;
	if (!js_generation_highest(store, &number, error)) {
		return NULL;
	}
	struct js_generation *generation = js_generation_open(store, number, before, error);
	if (generation == NULL) {
		/* Then its end, too, may have been the one of the next but one. */
		*ret_again = (error->code == JSONSTORE_IO && error->system == ENOENT) ||
			atomic_load(&store->words->generation) > number || is_there(store, number + 1);
		return NULL;
	}
	bool good = js_generation_bases(generation, before, ret_edited, error);
	if (good && !*ret_edited) {
		return generation;
	}
	/*
	 * A base that is none of the journal's may be one that a checkpoint put there meanwhile; then
	 * the group that names it was published before.
	 */
	*ret_again = is_superseded(store, generation) ||
		published_end(store, number) > atomic_load(&generation->parsed);
	if (good && !*ret_again) {
		return generation;
	}
	js_generation_unref(generation);
	return NULL;
}

struct js_generation *js_store_highest(struct jsonstore *store, struct js_generation *before,
									   bool *ret_edited, struct jsonstore_error *error)
{
	for (int i = 0; i < TRIES; i++) {
		bool again;
		struct js_generation *found = try_highest(store, before, ret_edited, &again, error);
		if (found != NULL || !again) {
			return found;
		}
	}
	js_fail(error, JSONSTORE_IO, "%s: its journals change too fast", store->path);
	return NULL;
}

void js_store_set_current(struct jsonstore *store, struct js_generation *generation)
{
	pthread_mutex_lock(&store->current_mutex);
	struct js_generation *before = store->current;
	store->current = generation;
	pthread_mutex_unlock(&store->current_mutex);
	js_generation_unref(before);
}

static bool follow(struct jsonstore *store, struct jsonstore_error *error)
{
	struct js_generation *generation = store->current;
	bool edited;
	if (!is_superseded(store, generation)) {
		uint64_t end = published_end(store, generation->journal.generation);
		/* It may have been superseded just now, and the word be the one of the next but one. */
		return is_superseded(store, generation) || js_generation_parse(generation, end, error);
	}
	struct js_generation *next = js_store_highest(store, generation, &edited, error);
	if (next == NULL) {
		return false;
	}
	if (edited && store->read_only) {
		if (!js_reader_adopt(next, error)) {
			js_generation_unref(next);
			return false;
		}
		edited = false;
	}
	if (edited || next->journal.generation <= generation->journal.generation) {
		js_generation_unref(next);
		return js_fail(error, JSONSTORE_CONFLICT, "%s: a file was edited meanwhile", store->path);
	}
	js_store_set_current(store, next);
	return true;
}

/* The caller holds store->refresh. */
static bool refresh(struct jsonstore *store, struct jsonstore_error *error)
{
	bool good = js_reader_begin(store, error) && follow(store, error);
	js_reader_end(store);
	return good;
}

bool js_store_now(struct jsonstore *store, struct js_state *ret, struct jsonstore_error *error)
{
	for (;;) {
		struct js_generation *generation = take_current(store);
		uint64_t end = published_end(store, generation->journal.generation);
		if (end <= atomic_load_explicit(&generation->parsed, memory_order_acquire) &&
			!is_superseded(store, generation) && !(store->read_only && js_reader_moved(store))) {
			*ret = (struct js_state){.generation = generation, .end = end};
			return true;
		}
		js_generation_unref(generation);
		pthread_mutex_lock(&store->refresh);
		bool good = refresh(store, error);
		pthread_mutex_unlock(&store->refresh);
		if (!good) {
			return false;
		}
	}
}

/* ---- opening and closing ---- */

static void free_store(struct jsonstore *store)
{
	if (store == NULL) {
		return;
	}
	js_generation_unref(store->current);
	if (store->place.scratch != store->hidden && store->place.scratch >= 0) {
		close(store->place.scratch);
	}
	while (store->collections != NULL) {
		struct jsonstore_collection *next = store->collections->next;
		free(store->collections);
		store->collections = next;
	}
	js_cache_finish(&store->cache);
	void *words = store->read_only ? store->reading.shared : store->words;
	if (words != NULL) {
		munmap(words, PAGE);
	}
	if (store->alive != NULL) {
		munmap(store->alive, PAGE);
	}
	int fds[] = {store->lock, store->hidden, store->folder};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
	pthread_mutex_t *mutexes[] = {
		&store->checkpoint,  &store->refresh,           &store->current_mutex,
		&store->queue_mutex, &store->collections_mutex,
	};
	for (size_t i = 0; i < sizeof(mutexes) / sizeof(mutexes[0]); i++) {
		pthread_mutex_destroy(mutexes[i]);
	}
	js_gate_finish(&store->writer);
	free(store);
}

static struct jsonstore *new_store(const char *folder, const struct js_sys *sys,
								   struct jsonstore_error *error)
{
	struct jsonstore *store = js_new(sys, 1, sizeof(*store), error);
	if (store == NULL) {
		return NULL;
	}
	store->sys = *sys;
	store->folder = store->hidden = store->lock = store->place.scratch = -1;
	store->next_file = 1;
	(void)snprintf(store->path, sizeof(store->path), "%s", folder);
	pthread_mutex_init(&store->checkpoint, NULL);
	js_gate_init(&store->writer);
	pthread_mutex_init(&store->refresh, NULL);
	pthread_mutex_init(&store->current_mutex, NULL);
	pthread_mutex_init(&store->queue_mutex, NULL);
	pthread_mutex_init(&store->collections_mutex, NULL);
	return store;
}

static bool open_folders(struct jsonstore *store, bool must_exist, struct jsonstore_error *error)
{
	const struct js_sys *sys = &store->sys;
	store->folder = js_openat(sys, AT_FDCWD, store->path, O_RDONLY | O_DIRECTORY);
	if (store->folder < 0) {
		return js_fail_io(error, "open the folder", store->path);
	}
	store->hidden = js_openat(sys, store->folder, ".jsonstore", O_RDONLY | O_DIRECTORY);
	if (store->hidden < 0 && errno == ENOENT) {
		if (must_exist) {
			return js_fail(error, JSONSTORE_ABSENT, "%s: is no store", store->path);
		}
		if (mkdirat(store->folder, ".jsonstore", 0777) != 0 && errno != EEXIST) {
			return js_fail_io(error, "make the folder .jsonstore in", store->path);
		}
		if (js_fsync(sys, store->folder) != 0) {
			return js_fail_io(error, "sync", store->path);
		}
		store->hidden = js_openat(sys, store->folder, ".jsonstore", O_RDONLY | O_DIRECTORY);
	}
	if (store->hidden < 0) {
		return js_fail_io(error, "open the folder .jsonstore in", store->path);
	}
	store->place = (struct js_place){
		.sys = sys,
		.path = store->path,
		.folder = store->folder,
		.hidden = store->hidden,
		.scratch = store->hidden,
		.read_only = store->read_only,
		.cache = &store->cache,
		.next_file = &store->next_file,
	};
	return true;
}

static void open_scratch(struct jsonstore *store)
{
	const char *folder = secure_getenv("TMPDIR");
	/* If it cannot be opened the first file in it is an error. */
	store->place.scratch = js_openat(&store->sys, AT_FDCWD, folder == NULL ? "/tmp" : folder,
									 O_RDONLY | O_DIRECTORY);
}

static bool open_words(struct jsonstore *store, struct jsonstore_error *error)
{
	struct stat status;
	if (store->read_only) {
		store->words = &store->reading.own;
		open_scratch(store);
		return true;
	}
	store->lock = js_openat(&store->sys, store->hidden, "lock", O_RDWR | O_CREAT);
	if (store->lock < 0 || js_fstat(&store->sys, store->lock, &status) != 0) {
		return js_fail_io(error, "open the lock of", store->path);
	}
	if (status.st_size < PAGE && js_truncate(&store->sys, store->lock, PAGE) != 0) {
		return js_fail_io(error, "make the lock of", store->path);
	}
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, store->lock, 0);
	if (page == MAP_FAILED) {
		return js_fail_io(error, "map the lock of", store->path);
	}
	store->words = page;
	return true;
}

/*
 * Who opens holds JS_LOCK_OPENING while he looks whether anybody is alive; when nobody is, he
 * recovers, and only then is alive himself. So the words are right whenever somebody is alive.
 */
static bool come_alive(struct jsonstore *store, struct jsonstore_error *error)
{
	const struct js_sys *sys = &store->sys;
	if (store->read_only) {
		return js_reader_begin(store, error);
	}
	if (js_lock(sys, store->lock, JS_LOCK_OPENING, F_WRLCK, true) != 0) {
		return js_fail_io(error, "lock", store->path);
	}
	int alive = js_lock_held(sys, store->lock, JS_LOCK_ALIVE);
	bool good = alive >= 0 || js_fail_io(error, "lock", store->path);
	if (good && alive == 0) {
		good = js_recover(store, error);
	}
	if (good && js_lock(sys, store->lock, JS_LOCK_ALIVE, F_RDLCK, true) != 0) {
		good = js_fail_io(error, "lock", store->path);
	}
	(void)js_lock(sys, store->lock, JS_LOCK_OPENING, F_UNLCK, false);
	return good;
}

/* Files that were edited while the journal holds nothing for them are taken as they are. */
static bool adopt_edited(struct jsonstore *store, struct jsonstore_error *error)
{
	if (store->read_only) {
		return js_reader_adopt(store->current, error);
	}
	struct js_plan *plan = js_new(&store->sys, 1, sizeof(*plan), error);
	bool busy;
	if (plan == NULL) {
		return false;
	}
	bool good = js_checkpoint_lock(store, true, &busy, error);
	if (good) {
		/* Another may have done it while we waited. */
		bool edited;
		struct js_generation *generation = js_store_highest(store, NULL, &edited, error);
		good = generation != NULL;
		for (size_t i = 0; good && i < generation->entity_count; i++) {
			plan->todo[i] = generation->entities[i].table == NULL ? JS_ADOPT : JS_KEEP;
		}
		if (good) {
			js_store_set_current(store, generation);
		}
		if (good && edited) {
			good = js_switch(store, plan, error);
		}
		js_checkpoint_unlock(store);
	}
	free(plan);
	return good;
}

int js_store_open(const char *folder, const struct jsonstore_options *options,
				  const struct js_sys *sys, bool repair, struct jsonstore **ret_store,
				  struct jsonstore_error *error)
{
	struct jsonstore *store;
	struct jsonstore_options wanted = {.size = sizeof(wanted)};
	bool edited = false;
	if (options != NULL) {
		memcpy(&wanted, options, options->size < sizeof(wanted) ? options->size : sizeof(wanted));
	}
	if (strlen(folder) >= sizeof(store->path)) {
		js_fail(error, JSONSTORE_LIMIT, "the folder's path is too long");
		return error->code;
	}
	store = new_store(folder, sys, error);
	if (store == NULL) {
		return error->code;
	}
	store->read_only = wanted.read_only;
	bool good = watch_fork(store, error) &&
		open_folders(store, wanted.must_exist || wanted.read_only, error) &&
		open_words(store, error) &&
		js_cache_init(&store->cache, &store->sys, wanted.cache_bytes, error) &&
		come_alive(store, error);
	if (good && !repair) {
		store->current = js_store_highest(store, NULL, &edited, error);
		good = store->current != NULL && (!edited || adopt_edited(store, error));
	}
	js_reader_end(store);
	if (!good) {
		free_store(store);
		return error->code;
	}
	*ret_store = store;
	return JSONSTORE_OK;
}

int jsonstore_open(const char *folder, const struct jsonstore_options *options,
				   struct jsonstore **ret_store, struct jsonstore_error *error)
{
	static const struct js_sys plain = {NULL, NULL};
	struct jsonstore_error unwanted;
	return js_store_open(folder, options, &plain, false, ret_store,
						 error == NULL ? &unwanted : error);
}

int jsonstore_close(struct jsonstore *store, struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	int code = JSONSTORE_OK;
	if (store == NULL) {
		return JSONSTORE_OK;
	}
	error = error == NULL ? &unwanted : error;
	if (!js_store_check(store, error)) {
		code = error->code;
	} else if (store->current != NULL && !store->read_only) {
		code = js_checkpoint_closing(store, error) ? JSONSTORE_OK : error->code;
	}
	free_store(store);
	return code;
}

const char *jsonstore_version(void)
{
	return JSONSTORE_VERSION;
}

const char *jsonstore_code_text(int code)
{
	static const char *const texts[] = {
		[JSONSTORE_OK] = "done",
		[JSONSTORE_NO_MEMORY] = "out of memory",
		[JSONSTORE_IO] = "a call of the system failed",
		[JSONSTORE_INVALID] = "not valid",
		[JSONSTORE_LIMIT] = "over a limit",
		[JSONSTORE_ABSENT] = "not there",
		[JSONSTORE_PRESENT] = "there already",
		[JSONSTORE_CONFLICT] = "conflict",
		[JSONSTORE_DAMAGED] = "damaged",
		[JSONSTORE_FAILED] = "an earlier write failed",
		[JSONSTORE_FORKED] = "opened by the parent process",
		[JSONSTORE_BUSY] = "the writer's lock is held",
		[JSONSTORE_READONLY] = "opened for reading only",
	};
	bool known = code >= 0 && (size_t)code < sizeof(texts) / sizeof(texts[0]);
	return known ? texts[code] : "unknown";
}
