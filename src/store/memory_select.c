#include "store/memory_priv.h"

/* One row of an answer. */
struct found {
	const struct value *row;   /* of a table; NULL: of a group */
	const struct value *fetch; /* NULL: not computed yet */
	const struct value *order; /* one value for each term of the order */
	size_t number;             /* rows that the order leaves equal stay as they were */
};

struct founds {
	struct found *items; /* arena */
	size_t count;
	uint64_t total; /* before the range was cut out */
};

/* ---- rows of one query ---- */

static const struct value *fetch_row(struct row_view *view, const struct query *query,
									 const struct value *row)
{
	struct value *fetch = ARENA_ARRAY(&view->arena, query->fetch_count + 1, struct value);
	for (size_t i = 0; i < query->fetch_count; i++) {
		fetch[i] = row_fetch(view, &query->fetch[i], row);
	}
	return fetch;
}

static bool is_same_row(const struct query *query, const struct value *a, const struct value *b)
{
	size_t i = 0;
	while (i < query->fetch_count && value_compare(&a[i], &b[i]) == 0) {
		i++;
	}
	return i == query->fetch_count;
}

static struct founds find_groups(struct row_view *view, const struct query *query,
								 const struct row_list *rows)
{
	struct founds founds = {.count = 0};
	const struct value **groups = memory_group(view, query, rows, &founds.count);
	founds.items = ARENA_ARRAY(&view->arena, founds.count, struct found);
	for (size_t i = 0; i < founds.count; i++) {
		founds.items[i].fetch = groups[i];
	}
	return founds;
}

static struct founds find_rows(struct row_view *view, const struct query *query,
							   const struct row_list *rows)
{
	struct founds founds = {.items = ARENA_ARRAY(&view->arena, rows->count, struct found)};
	for (size_t i = 0; i < rows->count; i++) {
		struct found found = {.row = rows->items[i]->values};
		bool again = false;
		if (query->distinct) {
			found.fetch = fetch_row(view, query, found.row);
			for (size_t k = 0; k < founds.count && !again; k++) {
				again = is_same_row(query, founds.items[k].fetch, found.fetch);
			}
		}
		if (!again) {
			founds.items[founds.count++] = found;
		}
	}
	return founds;
}

static void find_order(struct row_view *view, const struct query *query, struct found *found)
{
	struct value *order = ARENA_ARRAY(&view->arena, query->order_count, struct value);
	for (size_t i = 0; i < query->order_count; i++) {
		const struct query_order *by = &query->order[i];
		order[i] = found->fetch != NULL ? found->fetch[by->at]
										: row_term(view, &by->term, found->row);
	}
	found->order = order;
}

static int compare_found(const void *a, const void *b, void *context)
{
	const struct query *query = context;
	const struct found *left = a;
	const struct found *right = b;
	for (size_t i = 0; i < query->order_count; i++) {
		const struct query_order *by = &query->order[i];
		const struct value *one = &left->order[i];
		const struct value *other = &right->order[i];
		int nulls_last = (one->kind == VALUE_NULL) - (other->kind == VALUE_NULL);
		if (nulls_last != 0) {
			return by->nulls_first ? -nulls_last : nulls_last;
		}
		int ascending = value_compare(one, other);
		if (ascending != 0) {
			return by->descending ? -ascending : ascending;
		}
	}
	return (left->number > right->number) - (left->number < right->number);
}

static struct founds select_rows(struct row_view *view, const struct query *query,
								 const struct row_list *rows, struct memory_range range)
{
	struct founds founds = query->grouped ? find_groups(view, query, rows)
										  : find_rows(view, query, rows);
	for (size_t i = 0; i < founds.count; i++) {
		founds.items[i].number = i;
		find_order(view, query, &founds.items[i]);
	}
	if (founds.count > 1) {
		qsort_r(founds.items, founds.count, sizeof(*founds.items), compare_found,
				(void *)(uintptr_t)query);
	}
	founds.total = founds.count;
	size_t from = range.offset < founds.count ? (size_t)range.offset : founds.count;
	founds.items += from;
	founds.count -= from;
	if (range.limit < founds.count) {
		founds.count = (size_t)range.limit;
	}
	for (size_t i = 0; i < founds.count; i++) {
		if (founds.items[i].fetch == NULL) {
			founds.items[i].fetch = fetch_row(view, query, founds.items[i].row);
		}
	}
	return founds;
}

/* ---- embedded rows ---- */

/* The rows of one embed that are open, or were. */
struct opened {
	const struct query_embed *embed;
	struct founds founds;
	size_t next_row;
	struct opened *next;
};

struct memory_source {
	struct row_source base;
	struct row_view *view;
	struct opened *first; /* arena */
};

static struct opened *find_opened(struct memory_source *source, const struct query_embed *embed)
{
	struct opened *opened = source->first;
	while (opened != NULL && opened->embed != embed) {
		opened = opened->next;
	}
	if (opened == NULL) {
		opened = ARENA_NEW(&source->view->arena, struct opened);
		opened->embed = embed;
		opened->next = source->first;
		source->first = opened;
	}
	return opened;
}

static bool open_rows(struct row_source *base, const struct query_embed *embed,
					  const struct value *keys)
{
	struct memory_source *source = (struct memory_source *)base;
	struct opened *opened = find_opened(source, embed);
	struct row_list rows = row_related(source->view, embed, keys);
	const struct memory_range range = {embed->query.limit, embed->query.offset};
	opened->founds = select_rows(source->view, &embed->query, &rows, range);
	opened->next_row = 0;
	row_list_finish(&rows); /* the view holds them too */
	return !source->view->failed;
}

static enum row_step next_row(struct row_source *base, const struct query_embed *embed,
							  const struct value **ret_values)
{
	struct opened *opened = find_opened((struct memory_source *)base, embed);
	if (opened->next_row == opened->founds.count) {
		return ROW_NONE;
	}
	*ret_values = opened->founds.items[opened->next_row++].fetch;
	return ROW_HERE;
}

static void close_rows(struct row_source *base, const struct query_embed *embed)
{
	find_opened((struct memory_source *)base, embed)->founds.count = 0;
}

/* ---- answers ---- */

bool memory_answer(struct row_view *view, const struct query *query,
				   const struct row_list *matching, struct memory_range range, struct buf *body,
				   struct buf *cursor, struct store_result *result)
{
	struct memory_source source = {
		.base = {.open = open_rows, .next = next_row, .close = close_rows},
		.view = view,
	};
	struct rows rows;
	struct founds founds = select_rows(view, query, matching, range);
	bool ok = !view->failed;
	rows_begin(&rows, query, &source.base, body);
	rows.cursor = cursor;
	for (size_t i = 0; i < founds.count && ok; i++) {
		ok = rows_write(&rows, founds.items[i].fetch);
	}
	rows_end(&rows);
	result->rows = rows.count;
	result->tag = rows.tag;
	result->total = query->total ? founds.total : 0;
	if (!ok || view->failed || !rows_check_one(&rows, view->error)) {
		return false;
	}
	return !body->failed || error_set(view->error, ERROR_OVERLOADED, "The answer is too large");
}
