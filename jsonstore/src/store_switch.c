/*
 * DESIGN. A checkpoint makes new bases beside everything that goes on, copies the journal's tail,
 * and takes the writer's lock only for the end of it: names the new bases in the old journal, puts
 * them in place, completes the new journal, gives it its name. It may end at any point: a journal
 * says the same over its old bases and over the new ones, since its entries are whole records, and
 * both are named in it. FORMAT.md has the order of the syncs.
 */
#include "store_write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
#include "fail.h"
#include "recover.h"

enum { COPY_BLOCK = 1 << 18, TAIL = 1 << 20, COPIES = 16 };

/* What becomes of one collection. */
struct making {
	struct js_name name;
	struct js_schema schema;
	struct js_print print; /* of its base in the next generation */
	struct js_print seen;  /* of the file as it was found */
	bool is_new;
	bool file;  /* NAME.json.tmp is to be put in place */
	bool index; /* NAME.idx.tmp, too */
	bool was_seen;
};

struct switching {
	struct jsonstore *store;
	const struct js_plan *plan;
	struct js_state state; /* of before; its end is what the new bases have */
	uint64_t group;        /* the last before it */
	bool failed;           /* a write has failed: the whole journal is copied, all else stays */
	struct making *makings;
	size_t count;
	struct js_journal journal; /* the next one */
	uint64_t copied;           /* of the old journal, up to this byte */
	uint64_t written;          /* of the next one */
	struct jsonstore_text frames;
};

static void tmp_name(char to[128], const struct making *making, const char *ending)
{
	(void)snprintf(to, 128, "%.*s.%s.tmp", making->name.len, making->name.text, ending);
}

/* ---- new bases ---- */

static bool merge_records(struct switching *sw, uint16_t number, struct js_base_writer *writer,
						  struct js_builder *builder, struct jsonstore_error *error)
{
	struct jsonstore_cursor *cursor;
	struct js_state state = js_state_copy(&sw->state);
	if (js_cursor_scan(&state, number, &cursor, error) != JSONSTORE_OK) {
		return false;
	}
	for (;;) {
		struct js_span record;
		struct js_fields fields;
		uint64_t offset;
		const char *what = NULL;
		if (jsonstore_next(cursor, &record.ptr, &record.len, error) != JSONSTORE_OK) {
			break;
		}
		if (record.ptr == NULL) {
			jsonstore_cursor_close(cursor);
			return true;
		}
		if (!js_record_fields(builder->schema, record, &fields, &what)) {
			js_fail(error, JSONSTORE_DAMAGED, "%s: %s", writer->path, what);
			break;
		}
		if (!js_base_add(writer, record, &offset, error) ||
			!js_builder_add(builder, record, offset, &fields, error)) {
			break;
		}
	}
	jsonstore_cursor_close(cursor);
	return false;
}

/* Writes the index of what was written, too. */
static bool write_index(struct switching *sw, struct making *making, struct js_builder *builder,
						const struct js_built *built, struct jsonstore_error *error)
{
	char name[128];
	tmp_name(name, making, "idx");
	int fd = js_openat(&sw->store->sys, sw->store->hidden, name, O_RDWR | O_CREAT | O_TRUNC);
	if (fd < 0) {
		return js_fail_io(error, "open", name);
	}
	bool good = js_builder_write(builder, fd, name, built, error);
	close(fd);
	making->index = good;
	return good;
}

/* A new base of the records of now; of none when the collection is new. */
static bool make_base(struct switching *sw, uint16_t number, struct jsonstore_error *error)
{
	struct jsonstore *store = sw->store;
	struct making *making = &sw->makings[number];
	struct js_builder builder;
	char name[128];
	tmp_name(name, making, "json");
	struct js_base_writer *writer = js_new(&store->sys, 1, sizeof(*writer), error);
	if (writer == NULL) {
		return false;
	}
	int fd = js_openat(&store->sys, store->hidden, name, O_RDWR | O_CREAT | O_TRUNC);
	if (fd < 0) {
		free(writer);
		return js_fail_io(error, "open", name);
	}
	js_builder_init(&builder, &store->sys, store->hidden, &making->schema,
					sw->state.generation->journal.hash_key);
	bool good = js_base_writer_init(writer, &store->sys, fd, name, error) &&
		(making->is_new || merge_records(sw, number, writer, &builder, error)) &&
		js_base_end(writer, &making->print, error);
	making->file = good;
	if (good) {
		struct js_built built = {fd, name, making->print, &writer->sums};
		good = write_index(sw, making, &builder, &built, error);
	}
	js_builder_finish(&builder);
	js_base_writer_finish(writer);
	free(writer);
	close(fd);
	return good;
}

/* The index of a file that stays as it is. */
static bool make_index(struct switching *sw, struct making *making, int fd, const char *path,
					   struct jsonstore_error *error)
{
	char name[128];
	tmp_name(name, making, "idx");
	making->index = js_table_index(&sw->store->place, &making->schema,
								   sw->state.generation->journal.hash_key, fd, path, name,
								   &making->print, error);
	return making->index;
}

static void path_of(const struct switching *sw, const struct making *making, char path[256])
{
	(void)snprintf(path, 256, "%.150s/%.*s.json", sw->store->path, making->name.len,
				   making->name.text);
}

/* The file as it stands in the folder; -1 with *ret_gone when there is none. */
static int open_file(const struct switching *sw, const struct making *making, bool *ret_gone,
					 struct jsonstore_error *error)
{
	char name[128];
	char path[256];
	js_base_name(name, (struct js_span){making->name.text, making->name.len});
	path_of(sw, making, path);
	int fd = js_openat(&sw->store->sys, sw->store->folder, name, O_RDONLY);
	*ret_gone = fd < 0 && errno == ENOENT;
	if (fd < 0) {
		js_fail_io(error, "open", path);
	}
	return fd;
}

/* A file that is taken as it is; a new collection's may be missing, and is then made. */
static bool adopt(struct switching *sw, uint16_t number, struct jsonstore_error *error)
{
	struct making *making = &sw->makings[number];
	char path[256];
	bool gone;
	int fd = open_file(sw, making, &gone, error);
	if (fd < 0) {
		return gone && making->is_new && make_base(sw, number, error);
	}
	path_of(sw, making, path);
	bool good = js_print_stat(&sw->store->sys, fd, path, &making->seen, error) &&
		make_index(sw, making, fd, path, error);
	making->was_seen = true;
	if (good && !js_print_same_file(&making->seen, &making->print)) {
		good = js_fail(error, JSONSTORE_CONFLICT, "%s was edited meanwhile", path);
	}
	close(fd);
	return good;
}

/* A file that is to be replaced, or whose index is: it is one that the journal knows. */
static bool look_at_file(struct switching *sw, uint16_t number, struct jsonstore_error *error)
{
	struct js_generation *generation = sw->state.generation;
	struct making *making = &sw->makings[number];
	const struct js_print *print;
	char path[256];
	bool gone;
	int fd = open_file(sw, making, &gone, error);
	if (fd < 0) {
		return false;
	}
	path_of(sw, making, path);
	pthread_mutex_lock(&sw->store->refresh);
	bool good = js_print_stat(&sw->store->sys, fd, path, &making->seen, error) &&
		js_generation_find_print(generation, &generation->entities[number], fd, path, &print,
								 error);
	pthread_mutex_unlock(&sw->store->refresh);
	close(fd);
	making->was_seen = true;
	if (good && print == NULL) {
		js_fail(error, JSONSTORE_CONFLICT, "%s was edited; %s holds changes for it", path,
				generation->journal.path);
		(void)snprintf(error->file, sizeof(error->file), "%s", path);
		return false;
	}
	return good;
}

static bool make_one(struct switching *sw, uint16_t number, struct jsonstore_error *error)
{
	const struct js_plan *plan = sw->plan;
	struct making *making = &sw->makings[number];
	bool reindexed = plan->schema != NULL && plan->changed == number;
	if (making->is_new || plan->todo[number] == JS_ADOPT) {
		return adopt(sw, number, error);
	}
	const struct js_entity *entity = &sw->state.generation->entities[number];
	bool changed = atomic_load(&entity->changes) > 0;
	if (plan->todo[number] == JS_MERGE || (changed && !plan->publish_only)) {
		return look_at_file(sw, number, error) && make_base(sw, number, error);
	}
	if (reindexed) {
		return make_index(sw, making, entity->table->file.fd, entity->table->path, error);
	}
	return true;
}

/* ---- the next journal ---- */

static bool add_base(struct switching *sw, uint16_t number, const struct js_print *print,
					 uint64_t upto, struct jsonstore_error *error)
{
	const struct making *making = &sw->makings[number];
	struct jsonstore_text record = {NULL, 0, 0};
	struct js_named named = {*print, upto, making->schema};
	bool good = js_named_put(&sw->store->sys, &named, &record, error);
	if (good) {
		struct js_entry entry = {
			.op = JS_BASE,
			.collection = number,
			.key = {making->name.text, making->name.len},
			.record = js_text_span(&record),
		};
		good = js_frame_add(&sw->store->sys, &sw->frames, &entry, NULL, error);
	}
	jsonstore_text_free(&record);
	return good;
}

/* All collections with their bases; in a copy of a whole journal, with all that they may have. */
static bool make_catalog(struct switching *sw, struct jsonstore_error *error)
{
	size_t begin;
	sw->frames.length = 0;
	if (!js_frame_begin(&sw->store->sys, &sw->frames, &begin, error)) {
		return false;
	}
	for (uint16_t i = 0; i < sw->count; i++) {
		if (!sw->failed) {
			if (!add_base(sw, i, &sw->makings[i].print, 0, error)) {
				return false;
			}
			continue;
		}
		const struct js_entity *entity = &sw->state.generation->entities[i];
		for (size_t k = 0; k < entity->print_count; k++) {
			if (!add_base(sw, i, &entity->prints[k], 0, error)) {
				return false;
			}
		}
	}
	js_frame_end(&sw->frames, begin, sw->group, true);
	return true;
}

/* Copies the old journal up to a byte. */
static bool copy(struct switching *sw, uint64_t end, struct jsonstore_error *error)
{
	const struct js_sys *sys = &sw->store->sys;
	const struct js_journal *from = &sw->state.generation->journal;
	char *block = js_allocate(sys, NULL, COPY_BLOCK);
	if (block == NULL) {
		return js_fail_memory(error);
	}
	bool good = true;
	while (good && sw->copied < end) {
		uint64_t left = end - sw->copied;
		size_t now = left < COPY_BLOCK ? (size_t)left : COPY_BLOCK;
		ssize_t got = js_pread(sys, from->fd, block, now, sw->copied);
		if (got != (ssize_t)now) {
			good = js_fail_io(error, "read", from->path);
		} else if (js_pwrite(sys, sw->journal.fd, block, now, sw->written) != 0) {
			good = js_fail_io(error, "write", sw->journal.path);
		}
		sw->copied += now;
		sw->written += now;
	}
	free(block);
	return good;
}

static bool sync_journal(struct switching *sw, struct jsonstore_error *error)
{
	return js_fsync(&sw->store->sys, sw->journal.fd) == 0 ||
		js_fail_io(error, "sync", sw->journal.path);
}

static bool make_journal(struct switching *sw, struct jsonstore_error *error)
{
	struct jsonstore *store = sw->store;
	const struct js_journal *old = &sw->state.generation->journal;
	sw->journal.generation = old->generation + 1;
	sw->journal.hash_key[0] = old->hash_key[0];
	sw->journal.hash_key[1] = old->hash_key[1];
	sw->journal.first_group = sw->group;
	(void)snprintf(sw->journal.path, sizeof(sw->journal.path), "journal-%llu.tmp",
				   (unsigned long long)sw->journal.generation);
	pthread_mutex_lock(&store->refresh);
	bool good = make_catalog(sw, error);
	pthread_mutex_unlock(&store->refresh);
	if (!good) {
		return false;
	}
	sw->journal.fd = js_journal_make(store, &sw->journal, sw->journal.path, &sw->frames, error);
	if (sw->journal.fd < 0) {
		return false;
	}
	sw->copied = sw->state.end;
	sw->written = sw->journal.catalog_end;
	for (int i = 0; i < COPIES; i++) {
		uint64_t end = atomic_load_explicit(&store->words->end[old->generation & 1],
											memory_order_acquire);
		if (end - sw->copied < TAIL && i > 0) {
			break;
		}
		if (!copy(sw, end, error)) {
			return false;
		}
	}
	return sync_journal(sw, error);
}

/* ---- with the writer's lock ---- */

/* The files are still those that were read. */
static bool check_files(struct switching *sw, struct jsonstore_error *error)
{
	for (size_t i = 0; i < sw->count; i++) {
		const struct making *making = &sw->makings[i];
		struct js_print now;
		char path[256];
		bool gone;
		if (!making->was_seen) {
			continue;
		}
		int fd = open_file(sw, making, &gone, error);
		if (fd < 0) {
			return false;
		}
		path_of(sw, making, path);
		bool good = js_print_stat(&sw->store->sys, fd, path, &now, error);
		close(fd);
		if (good && !js_print_same_file(&now, &making->seen)) {
			good = js_fail(error, JSONSTORE_CONFLICT, "%s was edited meanwhile", path);
		}
		if (!good) {
			return false;
		}
	}
	return true;
}

/* Names the new bases, and that there may be a next journal, in the old one. */
static bool announce(struct switching *sw, struct js_state *now, struct jsonstore_error *error)
{
	size_t begin;
	sw->frames.length = 0;
	if (!js_frame_begin(&sw->store->sys, &sw->frames, &begin, error)) {
		return false;
	}
	for (uint16_t i = 0; i < sw->count; i++) {
		if (sw->makings[i].file && !sw->makings[i].is_new &&
			!add_base(sw, i, &sw->makings[i].print, sw->state.end, error)) {
			return false;
		}
	}
	if (!sw->plan->publish_only) {
		char from[16];
		js_put64(from, sw->state.end);
		js_put64(from + 8, sw->group);
		struct js_entry next = {.op = JS_NEXT, .key = {"", 0}, .record = {from, sizeof(from)}};
		if (!js_frame_add(&sw->store->sys, &sw->frames, &next, NULL, error)) {
			return false;
		}
	}
	js_frame_end(&sw->frames, begin, now->generation->last_group + 1, true);
	return js_write_group(sw->store, now, &sw->frames, error);
}

static bool put_in_place(struct switching *sw, struct jsonstore_error *error)
{
	struct jsonstore *store = sw->store;
	bool any = false;
	for (size_t i = 0; i < sw->count; i++) {
		const struct making *making = &sw->makings[i];
		struct js_span name = {making->name.text, making->name.len};
		char from[128];
		char to[128];
		tmp_name(from, making, "idx");
		js_index_name(to, name, &making->print);
		if (making->index &&
			js_renameat(&store->sys, store->hidden, from, store->hidden, to) != 0) {
			return js_fail_io(error, "rename", from);
		}
		tmp_name(from, making, "json");
		js_base_name(to, name);
		if (making->file && js_renameat(&store->sys, store->hidden, from, store->folder, to) != 0) {
			return js_fail_io(error, "rename", from);
		}
		any = any || making->index || making->file;
	}
	if (any &&
		(js_fsync(&store->sys, store->hidden) != 0 || js_fsync(&store->sys, store->folder) != 0)) {
		return js_fail_io(error, "sync", store->path);
	}
	return true;
}

/* Whether a file's name is the one of an index of a base of this collection that is gone. */
static bool is_old_index(const struct making *making, const char *file)
{
	struct js_span name = {making->name.text, making->name.len};
	char new[128];
	js_index_name(new, name, &making->print);
	return strlen(file) == strlen(new) && strncmp(file, new, name.len + 1) == 0 &&
		strcmp(file + strlen(file) - 4, ".idx") == 0 && strcmp(file, new) != 0;
}

/* Who opens an old base just now may lose its index again; then the base is not it any more. */
static void remove_indexes(struct switching *sw)
{
	const struct js_sys *sys = &sw->store->sys;
	int fd = js_openat(sys, sw->store->hidden, ".", O_RDONLY | O_DIRECTORY);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	if (list == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return;
	}
	while ((entry = readdir(list)) != NULL) {
		for (size_t i = 0; i < sw->count; i++) {
			bool mine = sw->makings[i].file || !sw->plan->publish_only;
			if (mine && is_old_index(&sw->makings[i], entry->d_name)) {
				(void)js_unlinkat(sys, sw->store->hidden, entry->d_name);
			}
		}
	}
	closedir(list);
}

/* The next journal gets its name; from then on it counts. */
static bool go_on(struct switching *sw, uint64_t end, struct jsonstore_error *error)
{
	struct jsonstore *store = sw->store;
	uint64_t generation = sw->journal.generation;
	char name[64];
	char old[64];
	if (!copy(sw, end, error) || !sync_journal(sw, error)) {
		return false;
	}
	js_journal_name(name, generation);
	js_journal_name(old, generation - 1);
	/* Who finds the file by its name finds its end here. */
	atomic_store(&store->words->end[generation & 1], sw->written);
	if (js_renameat(&store->sys, store->hidden, sw->journal.path, store->hidden, name) != 0) {
		return js_fail_io(error, "rename", sw->journal.path);
	}
	bool synced = js_fsync(&store->sys, store->hidden) == 0;
	if (!synced) {
		js_fail_io(error, "sync", store->path);
	}
	/* Without the sync the name may be lost, and with it what would be written under it. */
	atomic_store(&store->words->failed, synced ? 0 : 1);
	atomic_store_explicit(&store->words->generation, generation, memory_order_release);
	if (synced) {
		(void)js_unlinkat(&store->sys, store->hidden, old);
	}
	return synced;
}

static bool finish(struct switching *sw, struct jsonstore_error *error)
{
	struct jsonstore *store = sw->store;
	struct js_state now;
	if (!js_write_begin(store, sw->failed, JSONSTORE_WAIT, &now, error)) {
		return false;
	}
	bool good = true;
	if (now.generation != sw->state.generation ||
		(atomic_load(&store->words->failed) != 0) != sw->failed) {
		good = js_fail(error, JSONSTORE_FAILED, "%s: a write failed meanwhile", store->path);
	}
	uint64_t end = now.end;
	good = good && check_files(sw, error) && (sw->failed || announce(sw, &now, error)) &&
		put_in_place(sw, error) && (sw->plan->publish_only || go_on(sw, end, error));
	if (good && !sw->failed) {
		remove_indexes(sw);
	}
	js_write_end(store, &now);
	return good;
}

static bool prepare(struct switching *sw, struct jsonstore_error *error)
{
	struct jsonstore *store = sw->store;
	const struct js_plan *plan = sw->plan;
	struct js_generation *generation = sw->state.generation;
	pthread_mutex_lock(&store->refresh);
	sw->state.end = atomic_load(&generation->parsed);
	sw->group = generation->last_group;
	pthread_mutex_unlock(&store->refresh);
	sw->failed = atomic_load(&store->words->failed) != 0;
	if (sw->failed) {
		sw->state.end = generation->journal.catalog_end;
		sw->group = generation->journal.first_group;
	}
	sw->count = generation->entity_count;
	bool adds = !sw->failed && plan->schema != NULL && plan->changed == sw->count;
	sw->makings = js_new(&store->sys, sw->count + 1, sizeof(*sw->makings), error);
	if (sw->makings == NULL) {
		return false;
	}
	for (size_t i = 0; i < sw->count; i++) {
		const struct js_entity *entity = &generation->entities[i];
		bool changed = !sw->failed && plan->schema != NULL && plan->changed == i;
		sw->makings[i].name = entity->name;
		sw->makings[i].schema = changed ? *plan->schema : entity->schema;
		if (entity->table != NULL) {
			sw->makings[i].print = entity->table->print;
		}
	}
	if (adds) {
		sw->makings[sw->count].name = *plan->name;
		sw->makings[sw->count].schema = *plan->schema;
		sw->makings[sw->count].is_new = true;
		sw->count++;
	}
	return true;
}

bool js_switch(struct jsonstore *store, const struct js_plan *plan, struct jsonstore_error *error)
{
	struct switching sw = {.store = store, .plan = plan, .journal = {.fd = -1}};
	if (!js_store_now(store, &sw.state, error)) {
		return false;
	}
	bool good = prepare(&sw, error);
	for (uint16_t i = 0; good && !sw.failed && i < sw.count; i++) {
		good = make_one(&sw, i, error);
	}
	good = good && (plan->publish_only || make_journal(&sw, error)) && finish(&sw, error);
	if (sw.journal.fd >= 0) {
		close(sw.journal.fd);
	}
	if (!good && sw.journal.path[0] != '\0') {
		(void)js_unlinkat(&store->sys, store->hidden, sw.journal.path);
	}
	for (size_t i = 0; sw.makings != NULL && !good && i < sw.count; i++) {
		char name[128];
		tmp_name(name, &sw.makings[i], "json");
		(void)js_unlinkat(&store->sys, store->hidden, name);
		tmp_name(name, &sw.makings[i], "idx");
		(void)js_unlinkat(&store->sys, store->hidden, name);
	}
	free(sw.makings);
	jsonstore_text_free(&sw.frames);
	js_state_release(&sw.state);
	return good;
}
