#include "index_build.h"

#include <stdlib.h>

#include "bytes.h"
#include "fail.h"

void js_builder_init(struct js_builder *builder, const struct js_sys *sys, int folder,
					 const struct js_schema *schema, const uint64_t hash_key[2])
{
	*builder = (struct js_builder){
		.sys = sys,
		.schema = schema,
		.hash_key = {hash_key[0], hash_key[1]},
		.section_count = 1 + schema->field_count,
	};
	for (unsigned i = 0; i < builder->section_count; i++) {
		js_sorter_init(&builder->sorters[i], sys, folder,
					   (size_t)JS_BUILD_MEMORY / builder->section_count);
	}
}

void js_builder_finish(struct js_builder *builder)
{
	for (unsigned i = 0; i < builder->section_count; i++) {
		js_sorter_finish(&builder->sorters[i]);
	}
	jsonstore_text_free(&builder->form);
	builder->section_count = 0;
}

bool js_builder_add(struct js_builder *builder, struct js_span record, uint64_t offset,
					const struct js_fields *fields, struct jsonstore_error *error)
{
	struct js_index_entry entry = {
		.hash = js_siphash(builder->hash_key, fields->key.text, fields->key.len),
		.offset = offset,
		.length = (uint32_t)record.len,
		.crc = js_crc32c(0, record.ptr, record.len),
		.key_at = fields->key_at < JS_NO_HINT ? (uint16_t)fields->key_at : JS_NO_HINT,
	};
	if (!js_sorter_add(&builder->sorters[0], &entry, error)) {
		return false;
	}
	for (unsigned i = 0; i < builder->schema->field_count; i++) {
		if (fields->values[i].ptr == NULL) {
			continue;
		}
		builder->form.length = 0;
		if (!js_value_form(builder->sys, fields->values[i], &builder->form, error)) {
			return false;
		}
		if (builder->form.length == 0) {
			continue;
		}
		entry.hash = js_siphash(builder->hash_key, builder->form.text, builder->form.length);
		if (!js_sorter_add(&builder->sorters[1 + i], &entry, error)) {
			return false;
		}
	}
	return true;
}

/* Pages are collected and written many at a time. */
enum { PAGES = 64 };

struct output {
	struct js_builder *builder;
	int fd;
	const char *path;
	unsigned char *pages;
	unsigned count;   /* whole pages in `pages` */
	uint64_t number;  /* of the page that is being filled */
	unsigned here;    /* what it holds */
	uint64_t *fences; /* JS_FENCES_MAX */
	uint32_t fence_count;
	uint64_t step;
};

static unsigned char *page_of(struct output *out)
{
	return out->pages + (size_t)out->count * JS_PAGE;
}

static bool flush(struct output *out, struct jsonstore_error *error)
{
	uint64_t at = (out->number - out->count) * JS_PAGE;
	size_t bytes = (size_t)out->count * JS_PAGE;
	if (js_pwrite(out->builder->sys, out->fd, out->pages, bytes, at) != 0) {
		return js_fail_io(error, "write", out->path);
	}
	memset(out->pages, 0, (size_t)PAGES * JS_PAGE);
	out->count = 0;
	return true;
}

static bool end_page(struct output *out, struct jsonstore_error *error)
{
	js_page_seal(page_of(out), out->number, out->here);
	out->here = 0;
	out->number++;
	out->count++;
	return out->count < PAGES || flush(out, error);
}

/* The first hash of the page-th page of the section; with too many, every second is dropped. */
static void add_fence(struct output *out, uint64_t page, uint64_t hash)
{
	if (page % out->step != 0) {
		return;
	}
	if (out->fence_count == JS_FENCES_MAX) {
		for (uint32_t i = 0; i < JS_FENCES_MAX / 2; i++) {
			out->fences[i] = out->fences[2 * i];
		}
		out->fence_count = JS_FENCES_MAX / 2;
		out->step *= 2;
		if (page % out->step != 0) {
			return;
		}
	}
	out->fences[out->fence_count++] = hash;
}

static bool write_fences(struct output *out, struct jsonstore_error *error)
{
	for (uint32_t i = 0; i < out->fence_count; i++) {
		js_put64(page_of(out) + (size_t)out->here * 8, out->fences[i]);
		if (++out->here == JS_PAGE_FENCES && !end_page(out, error)) {
			return false;
		}
	}
	return out->here == 0 || end_page(out, error);
}

static bool read_key(struct js_builder *builder, const struct js_built *base,
					 const struct js_index_entry *entry, struct js_key *ret,
					 struct jsonstore_error *error)
{
	struct js_fields fields;
	const char *what;
	char *text = js_allocate(builder->sys, NULL, entry->length);
	if (text == NULL) {
		return js_fail_memory(error);
	}
	ssize_t got = js_pread(builder->sys, base->fd, text, entry->length, entry->offset);
	bool good = got == (ssize_t)entry->length &&
		js_record_fields(builder->schema, (struct js_span){text, entry->length}, &fields, &what);
	free(text);
	if (!good) {
		return js_fail_io(error, "read", base->path);
	}
	*ret = fields.key;
	return true;
}

/* Two records with one hash: with one key, too? */
static bool check_key(struct js_builder *builder, const struct js_built *base,
					  const struct js_index_entry *before, const struct js_index_entry *entry,
					  struct jsonstore_error *error)
{
	struct js_key a;
	struct js_key b;
	if (!read_key(builder, base, before, &a, error) || !read_key(builder, base, entry, &b, error)) {
		return false;
	}
	if (a.len == b.len && memcmp(a.text, b.text, a.len) == 0) {
		return js_base_fail(builder->sys, base->fd, base->path, entry->offset,
							"the key is another record's, too", error);
	}
	return true;
}

static bool write_section(struct output *out, const struct js_built *base, unsigned number,
						  struct js_section *ret, struct jsonstore_error *error)
{
	struct js_sorter *sorter = &out->builder->sorters[number];
	struct js_index_entry entry;
	struct js_index_entry before = {.length = 0};
	if (!js_sorter_sort(sorter, error)) {
		return false;
	}
	*ret = (struct js_section){.entries = sorter->written, .first_page = out->number};
	out->fence_count = 0;
	out->step = 1;
	for (uint64_t i = 0; i < ret->entries; i++) {
		if (!js_sorter_next(sorter, &entry, error)) {
			return false;
		}
		/* Compared with the one before only: a third key of one 64 bit hash is not met. */
		if (number == 0 && i > 0 && entry.hash == before.hash &&
			!check_key(out->builder, base, &before, &entry, error)) {
			return false;
		}
		before = entry;
		if (out->here == 0) {
			add_fence(out, i / JS_PAGE_ENTRIES, entry.hash);
		}
		js_index_put(page_of(out) + (size_t)out->here * JS_INDEX_ENTRY, &entry);
		if (++out->here == JS_PAGE_ENTRIES && !end_page(out, error)) {
			return false;
		}
	}
	if (out->here > 0 && !end_page(out, error)) {
		return false;
	}
	ret->step = out->step;
	ret->fence_count = out->fence_count;
	js_sorter_finish(sorter);
	return write_fences(out, error);
}

static bool write_sums(struct output *out, const struct js_sums *sums,
					   struct jsonstore_error *error)
{
	for (size_t i = 0; i < sums->count; i++) {
		js_put32(page_of(out) + (size_t)out->here * 4, sums->sums[i]);
		if (++out->here == JS_PAGE_SUMS && !end_page(out, error)) {
			return false;
		}
	}
	return out->here == 0 || end_page(out, error);
}

static bool write_all(struct output *out, const struct js_built *base,
					  struct jsonstore_error *error)
{
	struct js_builder *builder = out->builder;
	struct js_index index = {.section_count = builder->section_count};
	struct js_index_of of = {
		.print = base->print,
		.hash_key = {builder->hash_key[0], builder->hash_key[1]},
		.schema = builder->schema,
	};
	out->number = 1;
	for (unsigned i = 0; i < builder->section_count; i++) {
		if (!write_section(out, base, i, &index.sections[i], error)) {
			return false;
		}
	}
	index.sums_page = out->number;
	index.sums.count = base->sums->count;
	if (!write_sums(out, base->sums, error) || !flush(out, error)) {
		return false;
	}
	js_index_header(&index, &of, out->pages);
	if (js_pwrite(builder->sys, out->fd, out->pages, JS_PAGE, 0) != 0) {
		return js_fail_io(error, "write", out->path);
	}
	if (js_fsync(builder->sys, out->fd) != 0) {
		return js_fail_io(error, "sync", out->path);
	}
	return true;
}

bool js_builder_write(struct js_builder *builder, int fd, const char *path,
					  const struct js_built *base, struct jsonstore_error *error)
{
	struct output out = {.builder = builder, .fd = fd, .path = path};
	out.pages = js_new(builder->sys, PAGES, JS_PAGE, error);
	if (out.pages != NULL) {
		out.fences = js_new(builder->sys, JS_FENCES_MAX, sizeof(*out.fences), error);
	}
	bool good = out.fences != NULL && write_all(&out, base, error);
	free(out.pages);
	free(out.fences);
	return good;
}
