/*
 * DESIGN. Rows are mostly written in the order of their numbers: new ones at the end, many by a
 * scan. Those make runs, which take no memory worth speaking of. What comes out of order goes into
 * a table of hashes.
 */
#include "store/search_notes.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { FIRST_ROOM = 64 };

void search_notes_init(struct search_notes *notes, size_t max_bytes)
{
	*notes = (struct search_notes){.max_bytes = max_bytes};
	buf_init(&notes->texts, SIZE_MAX);
}

void search_notes_finish(struct search_notes *notes)
{
	free(notes->runs);
	free(notes->others);
	free(notes->olds);
	buf_finish(&notes->texts);
	search_notes_init(notes, notes->max_bytes);
}

void search_notes_clear(struct search_notes *notes)
{
	/* One that has grown gives back what it took. */
	if (notes->other_capacity > FIRST_ROOM || notes->run_capacity > FIRST_ROOM ||
		notes->old_capacity > FIRST_ROOM) {
		search_notes_finish(notes);
		return;
	}
	for (size_t i = 0; i < notes->other_capacity && notes->other_count > 0; i++) {
		notes->others[i] = 0;
	}
	notes->full = false;
	notes->other_zero = false;
	notes->run_count = 0;
	notes->other_count = 0;
	notes->old_count = 0;
	buf_clear(&notes->texts);
}

static void check_size(struct search_notes *notes)
{
	size_t bytes = notes->run_count * sizeof(*notes->runs) +
		notes->other_capacity * sizeof(*notes->others) + notes->old_count * sizeof(*notes->olds) +
		notes->texts.len;
	if (bytes > notes->max_bytes) {
		search_notes_finish(notes);
		notes->full = true;
	}
}

/* ---- rows out of order ---- */

static size_t place_of(const struct search_notes *notes, int64_t row)
{
	size_t mask = notes->other_capacity - 1;
	uint64_t hash = (uint64_t)row * UINT64_C(0x9E3779B97F4A7C15);
	size_t place = (size_t)(hash >> 32) & mask;
	while (notes->others[place] != 0 && notes->others[place] != row) {
		place = (place + 1) & mask;
	}
	return place;
}

static void grow_others(struct search_notes *notes)
{
	struct search_notes before = *notes;
	notes->other_capacity = before.other_capacity == 0 ? FIRST_ROOM : before.other_capacity * 2;
	notes->others = alloc_zeroed(notes->other_capacity, sizeof(*notes->others));
	for (size_t i = 0; i < before.other_capacity; i++) {
		if (before.others[i] != 0) {
			notes->others[place_of(notes, before.others[i])] = before.others[i];
		}
	}
	free(before.others);
}

static bool add_other(struct search_notes *notes, int64_t row)
{
	if (row == 0) {
		bool before = notes->other_zero;
		notes->other_zero = true;
		return !before;
	}
	if (notes->other_count * 2 >= notes->other_capacity) {
		grow_others(notes);
	}
	size_t place = place_of(notes, row);
	if (notes->others[place] == row) {
		return false;
	}
	notes->others[place] = row;
	notes->other_count++;
	return true;
}

/* ---- runs ---- */

static void append_run(struct search_notes *notes, int64_t first, int64_t last)
{
	if (notes->run_count == notes->run_capacity) {
		notes->run_capacity = notes->run_capacity == 0 ? FIRST_ROOM : notes->run_capacity * 2;
		notes->runs = alloc_resize(notes->runs, notes->run_capacity, sizeof(*notes->runs));
	}
	notes->runs[notes->run_count++] = (struct search_run){first, last};
}

static bool is_in_run(const struct search_notes *notes, int64_t row)
{
	size_t low = 0;
	size_t high = notes->run_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (notes->runs[middle].last < row) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < notes->run_count && notes->runs[low].first <= row;
}

bool search_notes_add(struct search_notes *notes, int64_t row)
{
	struct search_run *last = notes->run_count > 0 ? &notes->runs[notes->run_count - 1] : NULL;
	if (notes->full) {
		return false;
	}
	if (last != NULL && row <= last->last) {
		if (is_in_run(notes, row) || !add_other(notes, row)) {
			return false;
		}
	} else if (last != NULL && row - 1 == last->last) {
		last->last = row;
	} else {
		append_run(notes, row, row);
	}
	check_size(notes);
	return !notes->full;
}

void search_notes_old(struct search_notes *notes, int64_t row, const struct str *text)
{
	if (notes->old_count == notes->old_capacity) {
		notes->old_capacity = notes->old_capacity == 0 ? FIRST_ROOM : notes->old_capacity * 2;
		notes->olds = alloc_resize(notes->olds, notes->old_capacity, sizeof(*notes->olds));
	}
	struct str kept = text == NULL ? STR("") : *text;
	notes->olds[notes->old_count++] = (struct search_old){
		.row = row,
		.at = notes->texts.len,
		.len = kept.len,
		.is_null = text == NULL,
	};
	buf_append(&notes->texts, kept);
	check_size(notes);
}

/* ---- in order ---- */

static int compare_rows(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_runs(const void *a, const void *b)
{
	const struct search_run *left = a;
	const struct search_run *right = b;
	return compare_rows(left->first, right->first);
}

static int compare_olds(const void *a, const void *b)
{
	const struct search_old *left = a;
	const struct search_old *right = b;
	return compare_rows(left->row, right->row);
}

void search_notes_settle(struct search_notes *notes)
{
	for (size_t i = 0; i < notes->other_capacity && notes->other_count > 0; i++) {
		if (notes->others[i] != 0) {
			append_run(notes, notes->others[i], notes->others[i]);
		}
	}
	if (notes->other_zero) {
		append_run(notes, 0, 0);
	}
	if (notes->run_count > 1) {
		qsort(notes->runs, notes->run_count, sizeof(*notes->runs), compare_runs);
	}
	size_t count = 0;
	for (size_t i = 0; i < notes->run_count; i++) {
		struct search_run *before = count > 0 ? &notes->runs[count - 1] : NULL;
		if (before != NULL && before->last == notes->runs[i].first - 1) {
			before->last = notes->runs[i].last;
		} else {
			notes->runs[count++] = notes->runs[i];
		}
	}
	notes->run_count = count;
	if (notes->old_count > 1) {
		qsort(notes->olds, notes->old_count, sizeof(*notes->olds), compare_olds);
	}
}
