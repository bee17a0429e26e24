#include "read.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"

int jsonstore_statistics(struct jsonstore *store, struct jsonstore_statistics *statistics,
						 struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct js_state state;
	error = error == NULL ? &unwanted : error;
	if (!js_store_check(store, error) || !js_store_now(store, &state, error)) {
		return error->code;
	}
	const struct js_generation *generation = state.generation;
	struct jsonstore_statistics all = {
		.size = statistics->size,
		.generation = generation->journal.generation,
		.journal_bytes = state.end - generation->journal.catalog_end,
		.journal_changes = js_overlay_count(&generation->overlay),
		.collections = generation->entity_count,
		.bytes_cut = store->bytes_cut,
		.failed = atomic_load(&store->words->failed) != 0,
	};
	size_t size = all.size < sizeof(all) ? all.size : sizeof(all);
	memcpy(statistics, &all, size);
	js_state_release(&state);
	return JSONSTORE_OK;
}

/* ---- verify ---- */

static bool verify_journal(const struct js_state *state, struct jsonstore_error *error)
{
	const struct js_journal *journal = &state->generation->journal;
	struct js_reader reader;
	uint64_t at = journal->catalog_end;
	uint64_t group = journal->first_group;
	enum js_found found = JS_FOUND_GOOD;
	js_reader_init(&reader, &state->generation->store->sys, journal);
	while (at < state->end && found == JS_FOUND_GOOD) {
		found = js_group_check(&reader, at, state->end, ++group, &at, error);
		if (found == JS_FOUND_NONE) {
			js_fail_damaged(error, journal->path, js_group_bad(&reader, at, state->end, group),
							"a frame");
		}
	}
	js_reader_finish(&reader);
	return found == JS_FOUND_GOOD;
}

static bool verify_pages(const struct js_table *table, struct jsonstore_error *error)
{
	const struct js_sys *sys = table->cache->sys;
	unsigned char page[JS_PAGE];
	for (uint64_t number = 0;; number++) {
		ssize_t got = js_pread(sys, table->index.file.fd, page, JS_PAGE, number * JS_PAGE);
		if (got < 0) {
			return js_fail_io(error, "read", table->index_path);
		}
		if (got == 0 && number > 0) {
			return true;
		}
		if (got < JS_PAGE || !js_page_is_whole(page, number)) {
			return js_fail_damaged(error, table->index_path, number * JS_PAGE,
								   "a page of the index");
		}
	}
}

/* The index leads to the record at its place. */
static bool verify_record(const struct js_state *state, const struct js_table *table,
						  struct js_span record, uint64_t offset, struct jsonstore_error *error)
{
	struct js_lookup lookup;
	struct js_index_entry entry;
	struct js_fields fields;
	enum js_more more;
	const char *what;
	if (!js_record_fields(&table->schema, record, &fields, &what)) {
		return js_fail_damaged(error, table->path, offset, what);
	}
	uint64_t hash = js_key_hash(state->generation,
								(struct js_span){fields.key.text, fields.key.len});
	if (!js_lookup_begin(&lookup, &table->index, table->cache, 0, hash, error)) {
		return false;
	}
	while ((more = js_lookup_next(&lookup, &entry, error)) == JS_MORE_RECORD) {
		if (entry.offset == offset) {
			return entry.crc == js_crc32c(0, record.ptr, record.len) ||
				js_fail_damaged(error, table->path, offset, "a record");
		}
	}
	return more == JS_MORE_END &&
		js_fail_damaged(error, table->index_path, 0, "a record is missing");
}

static bool verify_base(const struct js_state *state, const struct js_table *table,
						uint64_t *ret_records, struct jsonstore_error *error)
{
	struct js_base_reader reader;
	struct js_span record;
	uint64_t offset;
	uint64_t records = 0;
	enum js_more more;
	js_base_reader_init(&reader, table->cache->sys, table->file.fd, table->path, NULL);
	js_base_reader_sums(&reader, NULL, &table->index.sums);
	bool good = true;
	while (good && (more = js_base_next(&reader, &record, &offset, error)) != JS_MORE_END) {
		good = more == JS_MORE_RECORD && verify_record(state, table, record, offset, error);
		records++;
	}
	js_base_reader_finish(&reader);
	if (good && records != table->index.sections[0].entries) {
		good = js_fail_damaged(error, table->index_path, 0, "the number of records");
	}
	*ret_records += records;
	return good && verify_pages(table, error);
}

static bool verify_changes(const struct js_state *state, struct jsonstore_error *error)
{
	const struct js_overlay *overlay = &state->generation->overlay;
	struct jsonstore_text text = {NULL, 0, 0};
	struct js_key key;
	bool good = true;
	for (uint32_t i = 0; good && i < js_overlay_count(overlay); i++) {
		good = js_change_read(state->generation, js_overlay_at(overlay, i), &text, &key, error);
	}
	jsonstore_text_free(&text);
	return good;
}

int jsonstore_verify(struct jsonstore *store, uint64_t *ret_records, struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct js_state state;
	uint64_t records = 0;
	error = error == NULL ? &unwanted : error;
	if (!js_store_check(store, error) || !js_store_now(store, &state, error)) {
		return error->code;
	}
	bool good = verify_journal(&state, error) && verify_changes(&state, error);
	for (size_t i = 0; good && i < state.generation->entity_count; i++) {
		good = verify_base(&state, state.generation->entities[i].table, &records, error);
	}
	js_state_release(&state);
	if (!good) {
		return error->code;
	}
	if (ret_records != NULL) {
		*ret_records = records;
	}
	return JSONSTORE_OK;
}

/* ---- export ---- */

static bool write_records(struct jsonstore_cursor *cursor, struct js_base_writer *writer,
						  struct jsonstore_error *error)
{
	struct js_print print;
	struct js_span record;
	uint64_t offset;
	while (jsonstore_next(cursor, &record.ptr, &record.len, error) == JSONSTORE_OK) {
		if (record.ptr == NULL) {
			return js_base_end(writer, &print, error);
		}
		if (!js_base_add(writer, record, &offset, error)) {
			break;
		}
	}
	return false;
}

/* Writes what a cursor gives, beside `path` first. */
static bool export_to(const struct js_sys *sys, struct jsonstore_cursor *cursor, const char *path,
					  struct jsonstore_error *error)
{
	char tmp[4096];
	if (snprintf(tmp, sizeof(tmp), "%s.tmp", path) >= (int)sizeof(tmp)) {
		return js_fail(error, JSONSTORE_LIMIT, "the path is too long");
	}
	struct js_base_writer *writer = js_new(sys, 1, sizeof(*writer), error);
	if (writer == NULL) {
		return false;
	}
	int fd = js_openat(sys, AT_FDCWD, tmp, O_RDWR | O_CREAT | O_TRUNC);
	bool good = fd >= 0 || js_fail_io(error, "open", tmp);
	good = good && js_base_writer_init(writer, sys, fd, tmp, error) &&
		write_records(cursor, writer, error);
	if (good && js_renameat(sys, AT_FDCWD, tmp, AT_FDCWD, path) != 0) {
		good = js_fail_io(error, "rename", tmp);
	}
	js_base_writer_finish(writer);
	free(writer);
	if (fd >= 0) {
		close(fd);
		if (!good) {
			(void)js_unlinkat(sys, AT_FDCWD, tmp);
		}
	}
	return good;
}

int jsonstore_export(struct jsonstore_collection *collection,
					 const struct jsonstore_snapshot *snapshot, const char *path,
					 struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct jsonstore_cursor *cursor;
	error = error == NULL ? &unwanted : error;
	if (jsonstore_scan(collection, snapshot, &cursor, error) != JSONSTORE_OK) {
		return error->code;
	}
	bool good = export_to(&collection->store->sys, cursor, path, error);
	jsonstore_cursor_close(cursor);
	return good ? JSONSTORE_OK : error->code;
}
