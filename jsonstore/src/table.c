#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"
#include "json.h"

/* Longer records are not read through the cache, of which they would fill too much. */
enum { LONG_RECORD = 1 << 16 };

void js_base_name(char to[128], struct js_span name)
{
	(void)snprintf(to, 128, "%.*s.json", (int)name.len, name.ptr);
}

void js_index_name(char to[128], struct js_span name, const struct js_print *print)
{
	(void)snprintf(to, 128, "%.*s-%016" PRIx64 ".idx", (int)name.len, name.ptr, print->crc);
}

struct js_table *js_table_ref(struct js_table *table)
{
	atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
	return table;
}

void js_table_unref(struct js_table *table)
{
	if (table == NULL || atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) > 1) {
		return;
	}
	js_index_close(&table->index);
	if (table->file.fd >= 0) {
		close(table->file.fd);
	}
	if (table->index.file.fd >= 0) {
		close(table->index.file.fd);
	}
	free(table);
}

bool js_table_print(const struct js_place *place, int fd, const char *path,
					struct js_print *ret_print, struct jsonstore_error *error)
{
	struct js_crc64 *crc = js_new(place->sys, 1, sizeof(*crc) + JS_BASE_BLOCK, error);
	uint64_t at = 0;
	if (crc == NULL) {
		return false;
	}
	char *block = (char *)(crc + 1);
	js_crc64_init(crc);
	for (;;) {
		ssize_t got = js_pread(place->sys, fd, block, JS_BASE_BLOCK, at);
		if (got < 0) {
			free(crc);
			return js_fail_io(error, "read", path);
		}
		js_crc64_add(crc, block, (size_t)got);
		at += (uint64_t)got;
		if (got < JS_BASE_BLOCK) {
			break;
		}
	}
	ret_print->crc = js_crc64_value(crc);
	free(crc);
	return js_print_stat(place->sys, fd, path, ret_print, error);
}

static bool index_records(struct js_builder *builder, struct js_base_reader *reader,
						  struct jsonstore_error *error)
{
	struct js_span record;
	uint64_t offset;
	enum js_more more;
	while ((more = js_base_next(reader, &record, &offset, error)) == JS_MORE_RECORD) {
		struct js_fields fields;
		const char *what;
		if (!js_record_fields(builder->schema, record, &fields, &what)) {
			return js_base_fail(builder->sys, reader->fd, reader->path, offset, what, error);
		}
		if (!js_builder_add(builder, record, offset, &fields, error)) {
			return false;
		}
	}
	return more == JS_MORE_END;
}

/* The same into a file that is open. */
static bool index_to(const struct js_place *place, const struct js_schema *schema,
					 const uint64_t hash_key[2], int fd, const char *path, int index_fd,
					 const char *index_name, struct js_print *ret_print,
					 struct jsonstore_error *error)
{
	struct js_builder builder;
	struct js_base_reader reader;
	struct js_sums sums = {NULL, 0, 0};
	struct js_built built = {.fd = fd, .path = path, .sums = &sums};
	struct js_crc64 *crc = js_new(place->sys, 1, sizeof(*crc), error);
	if (crc == NULL) {
		return false;
	}
	js_builder_init(&builder, place->sys, place->scratch, schema, hash_key);
	js_base_reader_init(&reader, place->sys, fd, path, crc);
	js_base_reader_sums(&reader, &sums, NULL);
	bool good = index_records(&builder, &reader, error) &&
		js_print_stat(place->sys, fd, path, &built.print, error);
	built.print.crc = js_crc64_value(crc);
	good = good && js_builder_write(&builder, index_fd, index_name, &built, error);
	*ret_print = built.print;
	js_base_reader_finish(&reader);
	js_builder_finish(&builder);
	js_sums_free(&sums);
	free(crc);
	return good;
}

bool js_table_index(const struct js_place *place, const struct js_schema *schema,
					const uint64_t hash_key[2], int fd, const char *path, const char *index_name,
					struct js_print *ret_print, struct jsonstore_error *error)
{
	int index_fd = js_openat(place->sys, place->hidden, index_name, O_RDWR | O_CREAT | O_TRUNC);
	if (index_fd < 0) {
		return js_fail_io(error, "open", index_name);
	}
	bool good = index_to(place, schema, hash_key, fd, path, index_fd, index_name, ret_print, error);
	close(index_fd);
	return good;
}

/* Builds a missing index beside, and gives it its name. */
static bool rebuild(const struct js_place *place, const struct js_table *table, struct js_span name,
					const uint64_t hash_key[2], struct jsonstore_error *error)
{
	char tmp[128];
	char index_name[128];
	struct js_print print;
	/* Others may be at the same. */
	(void)snprintf(tmp, sizeof(tmp), "%.*s.%ld-%" PRIu64 ".tmp", (int)name.len, name.ptr,
				   (long)getpid(), table->file.id);
	js_index_name(index_name, name, &table->print);
	bool good = js_table_index(place, &table->schema, hash_key, table->file.fd, table->path, tmp,
							   &print, error);
	if (good && !js_print_same_content(&print, &table->print)) {
		good = js_fail_damaged(error, table->path, 0,
							   "its content is not the one that was written");
	}
	if (good && js_renameat(place->sys, place->hidden, tmp, place->hidden, index_name) != 0) {
		good = js_fail_io(error, "rename", index_name);
	}
	if (!good) {
		(void)js_unlinkat(place->sys, place->hidden, tmp);
	}
	return good;
}

/* Opens the index in a file; *ret_good false, without an error, when it is not usable. */
static bool open_index_file(const struct js_place *place, struct js_table *table, int fd,
							const char *path, const uint64_t hash_key[2], bool *ret_good,
							struct jsonstore_error *error)
{
	struct js_index_of of = {
		.print = table->print,
		.hash_key = {hash_key[0], hash_key[1]},
		.schema = &table->schema,
	};
	table->index.file = (struct js_cached_file){
		.id = atomic_fetch_add(place->next_file, 1),
		.fd = fd,
		.pages = true,
		.path = table->index_path,
	};
	(void)snprintf(table->index_path, sizeof(table->index_path), "%s", path);
	bool good = js_index_open(place->sys, &table->index, &of, ret_good, error);
	if (!good && error->code == JSONSTORE_DAMAGED) {
		good = true; /* it is built anew */
	}
	if (!good || !*ret_good) {
		close(fd);
		table->index.file.fd = -1;
	}
	return good;
}

static bool open_index(const struct js_place *place, struct js_table *table, struct js_span name,
					   const uint64_t hash_key[2], bool *ret_good, struct jsonstore_error *error)
{
	char index_name[128];
	char path[384];
	*ret_good = false;
	js_index_name(index_name, name, &table->print);
	int fd = js_openat(place->sys, place->hidden, index_name, O_RDONLY);
	if (fd < 0) {
		return errno == ENOENT || js_fail_io(error, "open", index_name);
	}
	(void)snprintf(path, sizeof(path), "%.200s/.jsonstore/%s", place->path, index_name);
	return open_index_file(place, table, fd, path, hash_key, ret_good, error);
}

/* Builds an index that has no name. */
static bool make_own_index(const struct js_place *place, struct js_table *table,
						   const uint64_t hash_key[2], const struct js_print *print,
						   struct jsonstore_error *error)
{
	static const char name[] = "an index in $TMPDIR";
	bool there;
	int fd = js_open_unnamed(place->sys, place->scratch);
	if (fd < 0) {
		return js_fail_io(error, "make", name);
	}
	if (!index_to(place, &table->schema, hash_key, table->file.fd, table->path, fd, name,
				  &table->print, error)) {
		close(fd);
		return false;
	}
	if (print != NULL && !js_print_same_content(&table->print, print)) {
		close(fd);
		return js_fail_damaged(error, table->path, 0,
							   "its content is not the one that was written");
	}
	return open_index_file(place, table, fd, name, hash_key, &there, error) &&
		(there || js_fail_damaged(error, name, 0, "it changed meanwhile"));
}

struct js_table *js_table_open(const struct js_place *place, struct js_span name,
							   const struct js_schema *schema, const uint64_t hash_key[2],
							   const struct js_print *print, int fd, struct jsonstore_error *error)
{
	struct js_table *table = js_new(place->sys, 1, sizeof(*table), error);
	bool there = false;
	if (table == NULL) {
		close(fd);
		return NULL;
	}
	table->refs = 1;
	table->cache = place->cache;
	table->print = print == NULL ? (struct js_print){.size = 0} : *print;
	table->schema = *schema;
	table->index.file.fd = -1;
	(void)snprintf(table->path, sizeof(table->path), "%.200s/%.*s.json", place->path, (int)name.len,
				   name.ptr);
	table->file = (struct js_cached_file){
		.id = atomic_fetch_add(place->next_file, 1),
		.fd = fd,
		.path = table->path,
	};
	bool good = print == NULL || open_index(place, table, name, hash_key, &there, error);
	if (good && !there && place->read_only) {
		good = make_own_index(place, table, hash_key, print, error);
	} else if (good && !there) {
		good = rebuild(place, table, name, hash_key, error) &&
			open_index(place, table, name, hash_key, &there, error);
		if (good && !there) {
			good = js_fail_damaged(error, table->index_path, 0, "it changed meanwhile");
		}
	}
	if (!good) {
		js_table_unref(table);
		return NULL;
	}
	return table;
}

bool js_table_read(const struct js_table *table, const struct js_index_entry *entry,
				   struct jsonstore_text *ret, struct jsonstore_error *error)
{
	const struct js_sys *sys = table->cache->sys;
	ret->length = 0;
	if (entry->length > JSONSTORE_RECORD_MAX) {
		return js_fail_damaged(error, table->index_path, 0, "a record's length");
	}
	if (!js_text_reserve(sys, ret, entry->length, error)) {
		return false;
	}
	if (entry->length <= LONG_RECORD) {
		if (!js_cache_copy(table->cache, &table->file, entry->offset, entry->length, ret->text,
						   error)) {
			return false;
		}
	} else {
		ssize_t got = js_pread(sys, table->file.fd, ret->text, entry->length, entry->offset);
		if (got < 0) {
			return js_fail_io(error, "read", table->path);
		}
		if ((size_t)got < entry->length) {
			return js_fail_damaged(error, table->path, entry->offset, "the file is too short");
		}
	}
	if (js_crc32c(0, ret->text, entry->length) != entry->crc) {
		return js_fail_damaged(error, table->path, entry->offset, "a record");
	}
	ret->length = entry->length;
	return true;
}

bool js_table_get(const struct js_table *table, struct js_span key, uint64_t hash,
				  struct jsonstore_text *ret, bool *ret_found, struct jsonstore_error *error)
{
	struct js_lookup lookup;
	struct js_index_entry entry;
	enum js_more more;
	*ret_found = false;
	if (!js_lookup_begin(&lookup, &table->index, table->cache, 0, hash, error)) {
		return false;
	}
	while ((more = js_lookup_next(&lookup, &entry, error)) == JS_MORE_RECORD) {
		if (!js_table_read(table, &entry, ret, error)) {
			return false;
		}
		if (js_record_has_key(&table->schema, js_text_span(ret), entry.key_at, key)) {
			if (memchr(ret->text, '\n', ret->length) != NULL) {
				ret->length = js_json_squeeze(js_text_span(ret), ret->text);
			}
			*ret_found = true;
			return true;
		}
	}
	return more == JS_MORE_END;
}
