#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
#include "fail.h"

void js_journal_name(char to[64], uint64_t generation)
{
	(void)snprintf(to, 64, "journal-%" PRIu64, generation);
}

bool js_generation_highest(struct jsonstore *store, uint64_t *ret, struct jsonstore_error *error)
{
	int fd = js_openat(&store->sys, store->hidden, ".", O_RDONLY | O_DIRECTORY);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t highest = 0;
	if (list == NULL) {
		js_fail_io(error, "list", store->path);
		if (fd >= 0) {
			close(fd);
		}
		return false;
	}
	while ((entry = readdir(list)) != NULL) {
		char name[64];
		if (strncmp(entry->d_name, "journal-", 8) != 0) {
			continue;
		}
		uint64_t number = strtoull(entry->d_name + 8, NULL, 10);
		js_journal_name(name, number);
		if (strcmp(name, entry->d_name) == 0 && number > highest) {
			highest = number;
		}
	}
	closedir(list);
	*ret = highest;
	return true;
}

struct js_generation *js_generation_ref(struct js_generation *generation)
{
	atomic_fetch_add_explicit(&generation->refs, 1, memory_order_relaxed);
	return generation;
}

void js_generation_unref(struct js_generation *generation)
{
	if (generation == NULL ||
		atomic_fetch_sub_explicit(&generation->refs, 1, memory_order_acq_rel) > 1) {
		return;
	}
	for (size_t i = 0; i < generation->entity_count; i++) {
		js_table_unref(generation->entities[i].table);
		free(generation->entities[i].prints);
	}
	free(generation->entities);
	js_overlay_finish(&generation->overlay);
	js_reader_finish(&generation->reader);
	jsonstore_text_free(&generation->form);
	if (generation->journal.fd >= 0) {
		close(generation->journal.fd);
	}
	free(generation);
}

uint64_t js_key_hash(const struct js_generation *generation, struct js_span key)
{
	return js_siphash(generation->journal.hash_key, key.ptr, key.len);
}

uint64_t js_field_hash(uint64_t hash, uint16_t collection, unsigned field)
{
	return hash ^ ((uint64_t)collection * JSONSTORE_FIELDS_MAX + field + 1) * 0x9e3779b97f4a7c15u;
}

/* ---- entries into the overlay ---- */

static bool add_print(struct js_generation *generation, struct js_entity *entity,
					  const struct js_print *print, struct jsonstore_error *error)
{
	struct js_print *grown = js_allocate(&generation->store->sys, entity->prints,
										 (entity->print_count + 1) * sizeof(*grown));
	if (grown == NULL) {
		return js_fail_memory(error);
	}
	entity->prints = grown;
	entity->prints[entity->print_count++] = *print;
	return true;
}

/* A collection of the catalog, or a base that a checkpoint is about to put in place. */
static bool see_base(struct js_generation *generation, const struct js_entry *entry,
					 uint64_t key_at, struct jsonstore_error *error)
{
	struct js_named named;
	if (entry->key.len == 0 || entry->key.len > JSONSTORE_NAME_MAX ||
		entry->collection > generation->entity_count ||
		entry->collection >= JSONSTORE_COLLECTIONS_MAX ||
		/* Only the catalog adds collections. */
		(entry->collection == generation->entity_count && atomic_load(&generation->parsed) > 0) ||
		!js_named_get(entry->record, &named)) {
		return js_fail_damaged(error, generation->journal.path, key_at, "no base");
	}
	if (entry->collection == generation->entity_count) {
		struct js_entity *grown = js_allocate(&generation->store->sys, generation->entities,
											  (generation->entity_count + 1) * sizeof(*grown));
		if (grown == NULL) {
			return js_fail_memory(error);
		}
		generation->entities = grown;
		struct js_entity *added = &grown[generation->entity_count++];
		*added = (struct js_entity){.schema = named.schema};
		added->name.len = (uint8_t)entry->key.len;
		memcpy(added->name.text, entry->key.ptr, entry->key.len);
	}
	struct js_entity *entity = &generation->entities[entry->collection];
	if (named.upto > 0 && entity->changed_ms != 0) {
		entity->published_ms = js_now_ms();
		entity->changed_ms = entity->last_change < named.upto ? 0 : js_now_ms();
	}
	return add_print(generation, entity, &named.print, error);
}

bool js_generation_knows(const struct js_generation *generation, const struct js_change *change,
						 struct js_span key, bool *ret, struct jsonstore_error *error)
{
	char other[JSONSTORE_KEY_MAX];
	const struct js_change *found = NULL;
	*ret = false;
	while ((found = js_overlay_find(&generation->overlay, change->collection, change->hash,
									UINT64_MAX, found)) != NULL) {
		if (found->key_length != key.len) {
			continue;
		}
		ssize_t got = js_pread(&generation->store->sys, generation->journal.fd, other, key.len,
							   found->key_at);
		if (got < 0) {
			return js_fail_io(error, "read", generation->journal.path);
		}
		if ((size_t)got == key.len && memcmp(other, key.ptr, key.len) == 0) {
			*ret = true;
			return true;
		}
	}
	return true;
}

bool js_field_hashes(const struct js_generation *generation, const struct js_entry *entry,
					 struct jsonstore_text *form, uint64_t hashes[JSONSTORE_FIELDS_MAX],
					 size_t *ret_count, struct jsonstore_error *error)
{
	const struct js_schema *schema = &generation->entities[entry->collection].schema;
	struct js_fields fields;
	const char *what;
	*ret_count = 0;
	if (schema->field_count == 0) {
		return true;
	}
	if (!js_record_fields(schema, entry->record, &fields, &what)) {
		return js_fail(error, JSONSTORE_INVALID, "%s", what);
	}
	for (unsigned i = 0; i < schema->field_count; i++) {
		if (fields.values[i].ptr == NULL) {
			continue;
		}
		form->length = 0;
		if (!js_value_form(&generation->store->sys, fields.values[i], form, error)) {
			return false;
		}
		if (form->length > 0) {
			uint64_t hash = js_key_hash(generation, js_text_span(form));
			hashes[(*ret_count)++] = js_field_hash(hash, entry->collection, i);
		}
	}
	return true;
}

/* Of an entry of the journal, where one that is no record is damage. */
static bool value_hashes(struct js_generation *generation, const struct js_entry *entry,
						 uint64_t key_at, uint64_t hashes[JSONSTORE_FIELDS_MAX], size_t *ret_count,
						 struct jsonstore_error *error)
{
	*ret_count = 0;
	if (entry->op != JS_PUT ||
		js_field_hashes(generation, entry, &generation->form, hashes, ret_count, error)) {
		return true;
	}
	return error->code == JSONSTORE_INVALID &&
		js_fail_damaged(error, generation->journal.path, key_at, "no record");
}

void js_generation_count(struct js_generation *generation, const struct js_change *change)
{
	struct js_entity *entity = &generation->entities[change->collection];
	entity->changes++;
	entity->last_change = change->key_at;
	if (entity->changed_ms == 0) {
		entity->changed_ms = js_now_ms();
	}
}

static bool see_entry(void *context, const struct js_entry *entry, uint64_t key_at,
					  struct jsonstore_error *error)
{
	struct js_generation *generation = context;
	uint64_t hashes[JSONSTORE_FIELDS_MAX];
	size_t count;
	bool known;
	if (entry->op == JS_NEXT) {
		atomic_store_explicit(&generation->next_last, true, memory_order_relaxed);
		if (entry->record.len == 16) {
			generation->copied_from = js_get64(entry->record.ptr);
			generation->copied_group = js_get64(entry->record.ptr + 8);
		}
		/* Where this group begins. */
		generation->copied_to = atomic_load_explicit(&generation->parsed, memory_order_relaxed);
		return true;
	}
	if (entry->op == JS_BASE) {
		return see_base(generation, entry, key_at, error);
	}
	if ((entry->op != JS_PUT && entry->op != JS_DELETE) ||
		entry->collection >= generation->entity_count) {
		return js_fail_damaged(error, generation->journal.path, key_at, "no entry");
	}
	struct js_change change = {
		.hash = js_key_hash(generation, entry->key),
		.key_at = key_at,
		.record_length = (uint32_t)entry->record.len,
		.record_crc = js_crc32c(0, entry->record.ptr, entry->record.len),
		.key_length = (uint16_t)entry->key.len,
		.collection = entry->collection,
		.op = (uint8_t)entry->op,
	};
	if (!js_generation_knows(generation, &change, entry->key, &known, error) ||
		!value_hashes(generation, entry, key_at, hashes, &count, error) ||
		!js_overlay_reserve(&generation->overlay, 1, count, error)) {
		return false;
	}
	change.first = !known;
	uint32_t number = js_overlay_add(&generation->overlay, &change);
	for (size_t i = 0; i < count; i++) {
		js_overlay_add_value(&generation->overlay, hashes[i], number);
	}
	js_generation_count(generation, &change);
	return true;
}

bool js_generation_parse(struct js_generation *generation, uint64_t end,
						 struct jsonstore_error *error)
{
	uint64_t at = atomic_load_explicit(&generation->parsed, memory_order_relaxed);
	while (at < end) {
		uint64_t group_end;
		uint64_t group = generation->last_group + 1;
		enum js_found found = js_group_check(&generation->reader, at, end, group, &group_end,
											 error);
		if (found == JS_FOUND_NONE) {
			at = js_group_bad(&generation->reader, at, end, group);
			return js_fail_damaged(error, generation->journal.path, at, "a frame");
		}
		if (found == JS_FOUND_ERROR) {
			return false;
		}
		atomic_store_explicit(&generation->next_last, false, memory_order_relaxed);
		if (!js_group_apply(&generation->reader, at, group_end, see_entry, generation, error)) {
			return false;
		}
		generation->last_group = group;
		at = group_end;
		atomic_store_explicit(&generation->parsed, at, memory_order_release);
	}
	return true;
}

static bool read_catalog(struct js_generation *generation, struct jsonstore_error *error)
{
	struct js_journal *journal = &generation->journal;
	uint64_t end = JS_PAGE;
	enum js_found found = js_group_check(&generation->reader, JS_PAGE, journal->catalog_end,
										 journal->first_group, &end, error);
	if (found == JS_FOUND_NONE || (found == JS_FOUND_GOOD && end != journal->catalog_end)) {
		return js_fail_damaged(error, journal->path, JS_PAGE, "the catalog");
	}
	if (found == JS_FOUND_ERROR ||
		!js_group_apply(&generation->reader, JS_PAGE, end, see_entry, generation, error)) {
		return false;
	}
	generation->last_group = journal->first_group;
	atomic_store(&generation->parsed, end);
	atomic_store(&generation->next_last, false);
	return true;
}

struct js_generation *js_generation_open(struct jsonstore *store, uint64_t number,
										 struct js_generation *before,
										 struct jsonstore_error *error)
{
	char name[64];
	struct js_generation *generation = js_new(&store->sys, 1, sizeof(*generation), error);
	if (generation == NULL) {
		return NULL;
	}
	generation->refs = 1;
	generation->store = store;
	js_journal_name(name, number);
	struct js_journal *journal = &generation->journal;
	(void)snprintf(journal->path, sizeof(journal->path), "%.180s/.jsonstore/%s", store->path, name);
	js_reader_init(&generation->reader, &store->sys, journal);
	journal->fd = js_openat(&store->sys, store->hidden, name, store->read_only ? O_RDONLY : O_RDWR);
	bool good = journal->fd >= 0 || js_fail_io(error, "open", journal->path);
	good = good && js_journal_open(&store->sys, journal, number, error) &&
		js_overlay_init(&generation->overlay, &store->sys, error) &&
		read_catalog(generation, error) && js_generation_carry(generation, before, error) &&
		js_generation_parse(
			   generation,
			   atomic_load_explicit(&store->words->end[number & 1], memory_order_acquire), error);
	if (!good) {
		js_generation_unref(generation);
		return NULL;
	}
	return generation;
}

/* ---- bases ---- */

bool js_generation_find_print(struct js_generation *generation, const struct js_entity *entity,
							  int fd, const char *path, const struct js_print **ret,
							  struct jsonstore_error *error)
{
	struct js_print print = {.crc = 0};
	*ret = NULL;
	if (!js_print_stat(&generation->store->sys, fd, path, &print, error)) {
		return false;
	}
	for (size_t i = entity->print_count; i-- > 0;) {
		if (js_print_same_file(&entity->prints[i], &print)) {
			*ret = &entity->prints[i];
			return true;
		}
	}
	bool may_be = false;
	for (size_t i = 0; i < entity->print_count; i++) {
		may_be = may_be || entity->prints[i].size == print.size;
	}
	if (may_be && !js_table_print(&generation->store->place, fd, path, &print, error)) {
		return false;
	}
	for (size_t i = entity->print_count; may_be && i-- > 0;) {
		if (js_print_same_content(&entity->prints[i], &print)) {
			*ret = &entity->prints[i];
			return true;
		}
	}
	return true;
}

static bool fail_edited(const struct js_generation *generation, const char *path, const char *what,
						struct jsonstore_error *error)
{
	js_fail(error, JSONSTORE_CONFLICT, "%s %s; %s holds changes for it", path, what,
			generation->journal.path);
	(void)snprintf(error->file, sizeof(error->file), "%s", path);
	return false;
}

static bool open_base(struct js_generation *generation, struct js_entity *entity,
					  const struct js_generation *before, bool *ret_edited,
					  struct jsonstore_error *error)
{
	struct jsonstore *store = generation->store;
	size_t number = (size_t)(entity - generation->entities);
	const struct js_print *print;
	char name[128];
	char path[256];
	js_base_name(name, js_name_span(&entity->name));
	(void)snprintf(path, sizeof(path), "%.120s/%s", store->path, name);
	int fd = js_openat(&store->sys, store->folder, name, O_RDONLY);
	if (fd < 0) {
		if (errno != ENOENT) {
			return js_fail_io(error, "open", path);
		}
		*ret_edited = true;
		return generation->tolerant || fail_edited(generation, path, "is gone", error);
	}
	if (!js_generation_find_print(generation, entity, fd, path, &print, error)) {
		close(fd);
		return false;
	}
	if (print == NULL) {
		close(fd);
		*ret_edited = true;
		return entity->changes == 0 || generation->tolerant ||
			fail_edited(generation, path, "was edited", error);
	}
	if (before != NULL && number < before->entity_count) {
		struct js_table *table = before->entities[number].table;
		if (table != NULL && js_print_same_content(&table->print, print) &&
			js_schema_same(&table->schema, &entity->schema)) {
			close(fd);
			entity->table = js_table_ref(table);
			return true;
		}
	}
	entity->table = js_table_open(&store->place, js_name_span(&entity->name), &entity->schema,
								  generation->journal.hash_key, print, fd, error);
	return entity->table != NULL;
}

bool js_generation_bases(struct js_generation *generation, const struct js_generation *before,
						 bool *ret_edited, struct jsonstore_error *error)
{
	*ret_edited = false;
	for (size_t i = 0; i < generation->entity_count; i++) {
		struct js_entity *entity = &generation->entities[i];
		if (entity->table == NULL && !open_base(generation, entity, before, ret_edited, error)) {
			return false;
		}
	}
	return true;
}
