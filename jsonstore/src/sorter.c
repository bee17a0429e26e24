#include "sorter.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"

enum { FIRST_CAPACITY = 256, FEW = 32, HASH_BITS = 64, DIGIT_BITS = 8, DIGITS = 256 };
enum { FEWEST_OF_A_RUN = 64 };

static bool is_less(const struct js_index_entry *a, const struct js_index_entry *b)
{
	return a->hash != b->hash ? a->hash < b->hash : a->offset < b->offset;
}

static void insertion_sort(struct js_index_entry *entries, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct js_index_entry entry = entries[i];
		size_t at = i;
		for (; at > 0 && is_less(&entry, &entries[at - 1]); at--) {
			entries[at] = entries[at - 1];
		}
		entries[at] = entry;
	}
}

static int compare(const void *left, const void *right)
{
	const struct js_index_entry *a = left;
	const struct js_index_entry *b = right;
	return is_less(a, b) ? -1 : is_less(b, a);
}

static size_t digit_of(const struct js_index_entry *entry, int shift)
{
	return (size_t)(entry->hash >> shift) & (DIGITS - 1);
}

/* In place, by the highest digit first (American flag sort: McIlroy, Bostic, McIlroy 1993). */
static void radix_sort(struct js_index_entry *entries, size_t count, int shift)
{
	size_t next[DIGITS] = {0};
	size_t end[DIGITS];
	size_t sum = 0;
	if (count <= FEW) {
		insertion_sort(entries, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		next[digit_of(&entries[i], shift)]++;
	}
	for (size_t i = 0; i < DIGITS; i++) {
		size_t here = next[i];
		next[i] = sum;
		sum += here;
		end[i] = sum;
	}
	for (size_t i = 0; i < DIGITS; i++) {
		while (next[i] < end[i]) {
			struct js_index_entry entry = entries[next[i]];
			for (size_t to = digit_of(&entry, shift); to != i; to = digit_of(&entry, shift)) {
				struct js_index_entry other = entries[next[to]];
				entries[next[to]++] = entry;
				entry = other;
			}
			entries[next[i]++] = entry;
		}
	}
	for (size_t i = 0, begin = 0; i < DIGITS; begin = end[i++]) {
		size_t here = end[i] - begin;
		if (here > 1 && shift > 0) {
			radix_sort(entries + begin, here, shift - DIGIT_BITS);
		} else if (here > 1) {
			/* One hash: only the places are left. */
			qsort(entries + begin, here, sizeof(*entries), compare);
		}
	}
}

void js_sorter_init(struct js_sorter *sorter, const struct js_sys *sys, int folder, size_t bytes)
{
	*sorter = (struct js_sorter){
		.sys = sys,
		.folder = folder,
		.room = bytes / sizeof(struct js_index_entry),
		.fd = -1,
	};
}

void js_sorter_finish(struct js_sorter *sorter)
{
	free(sorter->entries);
	free(sorter->runs);
	if (sorter->fd >= 0) {
		close(sorter->fd);
	}
	*sorter = (struct js_sorter){.fd = -1};
}

static bool write_run(struct js_sorter *sorter, struct jsonstore_error *error)
{
	if (sorter->fd < 0) {
		sorter->fd = js_open_unnamed(sorter->sys, sorter->folder);
		if (sorter->fd < 0) {
			return js_fail_io(error, "open", "a file to sort in");
		}
	}
	struct js_run *runs = js_allocate(sorter->sys, sorter->runs,
									  (sorter->run_count + 1) * sizeof(*runs));
	if (runs == NULL) {
		return js_fail_memory(error);
	}
	sorter->runs = runs;
	radix_sort(sorter->entries, sorter->count, HASH_BITS - DIGIT_BITS);
	if (js_pwrite(sorter->sys, sorter->fd, sorter->entries,
				  sorter->count * sizeof(*sorter->entries),
				  sorter->written * sizeof(*sorter->entries)) != 0) {
		return js_fail_io(error, "write", "the file to sort in");
	}
	uint64_t begin = sorter->written;
	sorter->written += sorter->count;
	sorter->runs[sorter->run_count++] = (struct js_run){.next = begin, .end = sorter->written};
	sorter->count = 0;
	return true;
}

bool js_sorter_add(struct js_sorter *sorter, const struct js_index_entry *entry,
				   struct jsonstore_error *error)
{
	if (sorter->count == sorter->room && !write_run(sorter, error)) {
		return false;
	}
	if (sorter->count == sorter->capacity) {
		size_t capacity = sorter->capacity == 0 ? FIRST_CAPACITY : sorter->capacity * 2;
		capacity = capacity > sorter->room ? sorter->room : capacity;
		struct js_index_entry *grown = js_allocate(sorter->sys, sorter->entries,
												   capacity * sizeof(*grown));
		if (grown == NULL) {
			return js_fail_memory(error);
		}
		sorter->entries = grown;
		sorter->capacity = capacity;
	}
	sorter->entries[sorter->count++] = *entry;
	return true;
}

uint64_t js_sorter_count(const struct js_sorter *sorter)
{
	return sorter->run_count == 0 ? sorter->count : sorter->written + sorter->count;
}

bool js_sorter_sort(struct js_sorter *sorter, struct jsonstore_error *error)
{
	if (sorter->run_count == 0) {
		radix_sort(sorter->entries, sorter->count, HASH_BITS - DIGIT_BITS);
		sorter->written = sorter->count;
		sorter->count = 0;
		return true;
	}
	if (sorter->count > 0 && !write_run(sorter, error)) {
		return false;
	}
	/* The memory is now divided among the runs. */
	size_t each = sorter->capacity / sorter->run_count;
	if (each < FEWEST_OF_A_RUN) {
		return js_fail(error, JSONSTORE_LIMIT, "too many records for an index");
	}
	for (size_t i = 0; i < sorter->run_count; i++) {
		sorter->runs[i].buf = sorter->entries + i * each;
	}
	sorter->room = each;
	return true;
}

static bool refill(struct js_sorter *sorter, struct js_run *run, struct jsonstore_error *error)
{
	uint64_t left = run->end - run->next;
	size_t wanted = left < sorter->room ? (size_t)left : sorter->room;
	size_t bytes = wanted * sizeof(*run->buf);
	ssize_t got = js_pread(sorter->sys, sorter->fd, run->buf, bytes, run->next * sizeof(*run->buf));
	if (got < 0 || (size_t)got != bytes) {
		return js_fail_io(error, "read", "the file to sort in");
	}
	run->next += wanted;
	run->used = 0;
	run->there = wanted;
	return true;
}

bool js_sorter_next(struct js_sorter *sorter, struct js_index_entry *ret,
					struct jsonstore_error *error)
{
	if (sorter->run_count == 0) {
		*ret = sorter->entries[sorter->count++];
		return true;
	}
	/* Runs are few: 64 of them are 4 GiB of entries. */
	struct js_run *least = NULL;
	for (size_t i = 0; i < sorter->run_count; i++) {
		struct js_run *run = &sorter->runs[i];
		if (run->used == run->there) {
			if (run->next == run->end) {
				continue;
			}
			if (!refill(sorter, run, error)) {
				return false;
			}
		}
		if (least == NULL || is_less(&run->buf[run->used], &least->buf[least->used])) {
			least = run;
		}
	}
	*ret = least->buf[least->used++];
	return true;
}
