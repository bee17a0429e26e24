#include "index.h"

#include <stdlib.h>

#include "bytes.h"
#include "fail.h"

static const char index_magic[8] = "JSONSIDX";
enum { NEAR = 12 }; /* entries */
enum { VERSION = 1, COUNT_AT = JS_PAGE_ROOM, NUMBER_AT = JS_PAGE_ROOM + 4, CRC_AT = JS_PAGE - 4 };
enum { PRINT_AT = 16, KEY_AT = 32, SUMS_AT = 48, SECTIONS_AT = 64, SECTION = 32, SCHEMA_AT = 1024 };

void js_page_seal(unsigned char page[JS_PAGE], uint64_t number, unsigned count)
{
	js_put32(page + COUNT_AT, count);
	js_put64(page + NUMBER_AT, number);
	js_put32(page + CRC_AT, js_crc32c(0, page, CRC_AT));
}

bool js_page_is_whole(const unsigned char page[JS_PAGE], uint64_t number)
{
	return js_get32(page + CRC_AT) == js_crc32c(0, page, CRC_AT) &&
		js_get64(page + NUMBER_AT) == number;
}

unsigned js_page_count(const unsigned char page[JS_PAGE])
{
	return js_get32(page + COUNT_AT);
}

void js_index_put(unsigned char *to, const struct js_index_entry *entry)
{
	js_put64(to, entry->hash);
	js_put64(to + 8, entry->offset << 16 | entry->key_at);
	js_put32(to + 16, entry->length);
	js_put32(to + 20, entry->crc);
}

void js_index_get(const unsigned char *from, struct js_index_entry *ret)
{
	uint64_t place = js_get64(from + 8);
	*ret = (struct js_index_entry){
		.hash = js_get64(from),
		.offset = place >> 16,
		.key_at = (uint16_t)place,
		.length = js_get32(from + 16),
		.crc = js_get32(from + 20),
	};
}

static unsigned char *put_name(unsigned char *to, const struct js_name *name)
{
	*to = name->len;
	memcpy(to + 1, name->text, name->len);
	return to + 1 + name->len;
}

void js_index_header(const struct js_index *index, const struct js_index_of *of,
					 unsigned char page[JS_PAGE])
{
	memset(page, 0, JS_PAGE);
	memcpy(page, index_magic, sizeof(index_magic));
	js_put32(page + 8, VERSION);
	js_put64(page + PRINT_AT, of->print.size);
	js_put64(page + PRINT_AT + 8, of->print.crc);
	js_put64(page + KEY_AT, of->hash_key[0]);
	js_put64(page + KEY_AT + 8, of->hash_key[1]);
	js_put64(page + SUMS_AT, index->sums_page);
	js_put64(page + SUMS_AT + 8, index->sums.count);
	unsigned char *to = page + SECTIONS_AT;
	for (unsigned i = 0; i < index->section_count; i++, to += SECTION) {
		js_put64(to, index->sections[i].entries);
		js_put64(to + 8, index->sections[i].first_page);
		js_put64(to + 16, index->sections[i].step);
		js_put64(to + 24, index->sections[i].fence_count);
	}
	to = put_name(page + SCHEMA_AT, &of->schema->key);
	*to++ = (unsigned char)of->schema->field_count;
	for (unsigned i = 0; i < of->schema->field_count; i++) {
		to = put_name(to, &of->schema->fields[i]);
	}
	js_page_seal(page, 0, 0);
}

static bool read_page(const struct js_sys *sys, const struct js_index *index, uint64_t number,
					  unsigned char page[JS_PAGE], struct jsonstore_error *error)
{
	ssize_t got = js_pread(sys, index->file.fd, page, JS_PAGE, number * JS_PAGE);
	if (got < 0) {
		return js_fail_io(error, "read", index->file.path);
	}
	if (got < JS_PAGE || !js_page_is_whole(page, number)) {
		return js_fail_damaged(error, index->file.path, number * JS_PAGE, "a page of the index");
	}
	return true;
}

static uint64_t pages_of(const struct js_section *section)
{
	return (section->entries + JS_PAGE_ENTRIES - 1) / JS_PAGE_ENTRIES;
}

static bool read_fences(const struct js_sys *sys, const struct js_index *index,
						struct js_section *section, struct jsonstore_error *error)
{
	unsigned char page[JS_PAGE];
	if (section->fence_count > JS_FENCES_MAX || section->step == 0) {
		return js_fail_damaged(error, index->file.path, 0, "its header");
	}
	section->fences = js_new(sys, section->fence_count, sizeof(uint64_t), error);
	if (section->fences == NULL) {
		return false;
	}
	uint64_t number = section->first_page + pages_of(section);
	for (uint32_t i = 0; i < section->fence_count; i++) {
		if (i % JS_PAGE_FENCES == 0 && !read_page(sys, index, number++, page, error)) {
			return false;
		}
		section->fences[i] = js_get64(page + i % JS_PAGE_FENCES * 8);
	}
	return true;
}

static bool read_sums(const struct js_sys *sys, struct js_index *index,
					  struct jsonstore_error *error)
{
	unsigned char page[JS_PAGE];
	uint64_t number = index->sums_page;
	index->sums.sums = js_new(sys, index->sums.count, sizeof(uint32_t), error);
	if (index->sums.sums == NULL) {
		return false;
	}
	for (size_t i = 0; i < index->sums.count; i++) {
		if (i % JS_PAGE_SUMS == 0 && !read_page(sys, index, number++, page, error)) {
			return false;
		}
		index->sums.sums[i] = js_get32(page + i % JS_PAGE_SUMS * 4);
	}
	return true;
}

bool js_index_open(const struct js_sys *sys, struct js_index *index, const struct js_index_of *of,
				   bool *ret_same, struct jsonstore_error *error)
{
	unsigned char page[JS_PAGE];
	unsigned char wanted[JS_PAGE];
	if (!read_page(sys, index, 0, page, error)) {
		return false;
	}
	index->section_count = 1 + of->schema->field_count;
	for (unsigned i = 0; i < index->section_count; i++) {
		const unsigned char *from = page + SECTIONS_AT + (size_t)i * SECTION;
		index->sections[i] = (struct js_section){
			.entries = js_get64(from),
			.first_page = js_get64(from + 8),
			.step = js_get64(from + 16),
			.fence_count = (uint32_t)js_get64(from + 24),
		};
	}
	index->sums_page = js_get64(page + SUMS_AT);
	index->sums = (struct js_sums){.count = (size_t)js_get64(page + SUMS_AT + 8)};
	/* The header that it would have were it the one that is wanted. */
	js_index_header(index, of, wanted);
	*ret_same = memcmp(page, wanted, JS_PAGE) == 0;
	if (*ret_same && !read_sums(sys, index, error)) {
		js_index_close(index);
		return false;
	}
	for (unsigned i = 0; i < index->section_count && *ret_same; i++) {
		if (!read_fences(sys, index, &index->sections[i], error)) {
			js_index_close(index);
			return false;
		}
	}
	return true;
}

void js_index_close(struct js_index *index)
{
	js_sums_free(&index->sums);
	for (unsigned i = 0; i < index->section_count; i++) {
		free(index->sections[i].fences);
		index->sections[i].fences = NULL;
	}
}

/* The last fence below the hash, whose pages may hold the first entry with it. */
static uint32_t fence_below(const struct js_section *section, uint64_t hash)
{
	uint32_t low = 0;
	uint32_t high = section->fence_count;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (section->fences[middle] < hash) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low;
}

static uint64_t hash_at(const struct js_block *block, size_t number)
{
	return js_get64(block->bytes + number * JS_INDEX_ENTRY);
}

/*
 * Of the sorted entries of a page, those whose hash is below. Hashes of keys are spread evenly, so
 * the place is near the one that the hash's share of the page's range says; if it is not, the page
 * is halved as usual.
 */
static unsigned count_below(const struct js_block *block, uint64_t hash)
{
	unsigned low = 0;
	unsigned high = js_page_count(block->bytes);
	high = high > JS_PAGE_ENTRIES ? JS_PAGE_ENTRIES : high;
	if (high == 0 || hash_at(block, 0) >= hash) {
		return 0;
	}
	uint64_t first = hash_at(block, 0);
	uint64_t last = hash_at(block, high - 1);
	if (last < hash) {
		return high;
	}
	/* hash_at(low) < hash <= hash_at(high), from here on. */
	high--;
	unsigned guess = (unsigned)((double)(hash - first) / (double)(last - first) * high);
	unsigned before = guess > NEAR ? guess - NEAR : 0;
	unsigned behind = guess + NEAR;
	if (before > low && before < high && hash_at(block, before) < hash) {
		low = before;
	}
	if (behind > low && behind < high && hash_at(block, behind) >= hash) {
		high = behind;
	}
	while (high - low > 1) {
		unsigned middle = low + (high - low) / 2;
		if (hash_at(block, middle) < hash) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return high;
}

bool js_lookup_begin(struct js_lookup *lookup, const struct js_index *index, struct js_cache *cache,
					 unsigned section_number, uint64_t hash, struct jsonstore_error *error)
{
	const struct js_section *section = &index->sections[section_number];
	lookup->index = index;
	lookup->cache = cache;
	lookup->section = section;
	lookup->hash = hash;
	lookup->next = section->entries;
	lookup->has_first = false;
	if (section->entries == 0) {
		return true;
	}
	uint64_t low = fence_below(section, hash) * section->step;
	uint64_t high = low + section->step;
	high = high > pages_of(section) ? pages_of(section) : high;
	/* The last page whose first hash is below. */
	struct js_block block;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;
		if (!js_cache_hold(cache, &index->file, section->first_page + middle, &block, error)) {
			return false;
		}
		if (js_get64(block.bytes) < hash) {
			low = middle;
		} else {
			high = middle;
		}
		js_cache_leave(&block);
	}
	if (!js_cache_hold(cache, &index->file, section->first_page + low, &block, error)) {
		return false;
	}
	unsigned below = count_below(&block, hash);
	lookup->next = low * JS_PAGE_ENTRIES + below;
	if (below < js_page_count(block.bytes) && below < JS_PAGE_ENTRIES) {
		js_index_get(block.bytes + (size_t)below * JS_INDEX_ENTRY, &lookup->first);
		lookup->has_first = true;
	}
	js_cache_leave(&block);
	return true;
}

enum js_more js_lookup_next(struct js_lookup *lookup, struct js_index_entry *ret,
							struct jsonstore_error *error)
{
	struct js_block block;
	if (lookup->next >= lookup->section->entries) {
		return JS_MORE_END;
	}
	if (lookup->has_first) {
		*ret = lookup->first;
		lookup->has_first = false;
		lookup->next++;
		return ret->hash == lookup->hash ? JS_MORE_RECORD : JS_MORE_END;
	}
	uint64_t page = lookup->section->first_page + lookup->next / JS_PAGE_ENTRIES;
	if (!js_cache_hold(lookup->cache, &lookup->index->file, page, &block, error)) {
		return JS_MORE_ERROR;
	}
	js_index_get(block.bytes + lookup->next % JS_PAGE_ENTRIES * JS_INDEX_ENTRY, ret);
	js_cache_leave(&block);
	lookup->next++;
	return ret->hash == lookup->hash ? JS_MORE_RECORD : JS_MORE_END;
}
