/*
 * DESIGN. Rows of the root come in batches. What is embedded in them is asked for by the keys of
 * the batch, level by level, and kept until the next batch, so that rows.h can ask for it parent by
 * parent. When a first batch is full, a level whose rows can come in the order of their parents is
 * asked for as a whole instead: then both sides are read once, side by side, and nothing is kept.
 *
 * Conditions about embedded rows are decided here, when these are at hand; then limits are too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "link/remote_priv.h"
#include "query/cond.h"
#include "query/fetch.h"
#include "store/term.h"

enum {
	BATCH_ROWS = 256,
	LIST_BYTES = 8192, /* of keys in one question */
	ARENA_BYTES = 16384,
	TEXT_BYTES = 256, /* of a count that is cast */
};

/* ---- memory ---- */

static bool charge(struct remote_join *join, size_t bytes)
{
	join->bytes += bytes;
	if (join->bytes <= join->run->session->limits.memory_bytes) {
		return true;
	}
	error_set(join->run->error, ERROR_OVERLOADED, "The answer is too large");
	return error_hint(join->run->error, "ask for less: limit, offset, select");
}

static const struct value *copy_row(struct remote_join *join, const struct value *values,
									size_t count)
{
	struct value *copy = ARENA_ARRAY(&join->batch, count + 1, struct value);
	size_t bytes = (count + 1) * sizeof(*copy);
	for (size_t i = 0; i < count; i++) {
		copy[i] = values[i];
		if (copy[i].kind == VALUE_TEXT) {
			copy[i].text = arena_copy(&join->batch, copy[i].text);
			bytes += copy[i].text.len;
		}
	}
	return charge(join, bytes) ? copy : NULL;
}

/* ---- keys ---- */

static bool has_null(const struct value *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (values[i].kind == VALUE_NULL) {
			return true;
		}
	}
	return false;
}

/* Values as bytes: equal ones give the same. */
static struct str encode(struct arena *arena, const struct value *values, size_t count)
{
	struct buf buf;
	buf_init(&buf, SIZE_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct value *value = &values[i];
		struct str bytes = {(const char *)&value->integer, sizeof(value->integer)};
		bytes = value->kind == VALUE_TEXT ? value->text : bytes;
		buf_append_byte(&buf, (char)value->kind);
		buf_append(&buf, (struct str){(const char *)&bytes.len, sizeof(bytes.len)});
		buf_append(&buf, bytes);
	}
	struct str text = arena_copy(arena, buf_str(&buf));
	buf_finish(&buf);
	return text;
}

static struct remote_group *find_group(struct remote_join *join, struct remote_level *level,
									   const struct value *keys)
{
	size_t count = level->embed->relation->to_fields.count;
	return has_null(keys, count) ? NULL
								 : map_get(&level->groups, encode(&join->batch, keys, count));
}

/* ---- batches ---- */

static bool add_row(struct remote_join *join, struct remote_level *level,
					const struct value *values)
{
	struct remote_group *group = find_group(join, level, values + level->query->fetch_count);
	if (group == NULL) {
		return true; /* equal in the order of its column only */
	}
	if (level->count == level->room) {
		level->room = level->room == 0 ? 64 : level->room * 2;
		level->rows = alloc_resize((void *)level->rows, level->room, sizeof(*level->rows));
	}
	if (group->count == 0) {
		group->first = level->count;
	}
	if (group->first + group->count != level->count) {
		error_set(join->run->error, ERROR_SOURCE_BAD, NULL);
		return error_details(join->run->error, "rows of \"%.*s\" are not in order",
							 STR_ARG(str_slice(level->query->resource->name, 0, 64)));
	}
	group->count++;
	level->rows[level->count++] = copy_row(join, values, remote_width(level));
	return level->rows[level->count - 1] != NULL;
}

static bool read_list(struct remote_join *join, struct remote_level *level,
					  const struct value *keys, size_t count)
{
	struct remote_stream stream = {.started = false};
	struct remote_asks asks = level->asks;
	const struct value *values;
	enum row_step step = ROW_FAILED;
	asks.key_values = keys;
	asks.key_count = count;
	if (remote_stream_start(&stream, join->run, &asks, false)) {
		while ((step = remote_stream_next(&stream, &values)) == ROW_HERE) {
			if (!add_row(join, level, values)) {
				step = ROW_FAILED;
				break;
			}
		}
	}
	remote_stream_finish(&stream);
	return step == ROW_NONE;
}

static bool read_lists(struct remote_join *join, struct remote_level *level,
					   const struct value *keys, size_t count)
{
	size_t each = level->embed->relation->to_fields.count;
	for (size_t from = 0; from < count;) {
		size_t to = from;
		size_t bytes = 0;
		while (to < count && (to == from || bytes < LIST_BYTES)) {
			for (size_t i = 0; i < each; i++) {
				const struct value *key = &keys[to * each + i];
				bytes += 24 + (key->kind == VALUE_TEXT ? 2 * key->text.len : 0);
			}
			to++;
		}
		if (!read_list(join, level, keys + from * each, to - from)) {
			return false;
		}
		from = to;
	}
	return true;
}

static bool load_children(struct remote_join *join, struct remote_level *level,
						  const struct value *const *rows, size_t count);
static bool has_rows(struct remote_join *join, struct remote_level *child, const struct value *row,
					 bool *ret_has);

/* Do the children of the row have what is asked of them? */
static bool passes(struct remote_join *join, struct remote_level *level, const struct value *row,
				   bool *ret_passes)
{
	*ret_passes = true;
	for (size_t i = 0; i < level->child_count && *ret_passes; i++) {
		struct remote_level *child = &level->children[i];
		bool has = false;
		if (!(child->must || child->must_not)) {
			continue;
		}
		if (!has_rows(join, child, row, &has)) {
			return false;
		}
		*ret_passes = has ? !child->must_not : !child->must;
	}
	return true;
}

/* Within each parent: what does not pass goes, then come offset and limit. */
static bool cut_groups(struct remote_join *join, struct remote_level *level)
{
	const struct query *query = level->query;
	const struct map_entry *entry;
	for (size_t at = 0; (entry = map_next(&level->groups, &at)) != NULL;) {
		struct remote_group *group = entry->value;
		size_t kept = group->first;
		for (size_t i = 0; level->filters && i < group->count; i++) {
			const struct value *row = level->rows[group->first + i];
			bool good;
			if (!passes(join, level, row, &good)) {
				return false;
			}
			if (good) {
				level->rows[kept++] = row;
			}
		}
		group->count = level->filters ? kept - group->first : group->count;
		size_t skipped = query->offset < group->count ? (size_t)query->offset : group->count;
		group->first += skipped;
		group->count -= skipped;
		group->count = group->count > query->limit ? (size_t)query->limit : group->count;
	}
	return true;
}

static bool load_child(struct remote_join *join, struct remote_level *child,
					   const struct value *const *parents, size_t parent_count)
{
	size_t each = child->embed->relation->to_fields.count;
	struct value *keys = ARENA_ARRAY(&join->batch, parent_count * each, struct value);
	size_t count = 0;
	map_finish(&child->groups);
	map_init(&child->groups);
	child->count = 0;
	child->none = NULL;
	for (size_t i = 0; i < parent_count; i++) {
		const struct value *own = parents[i] + child->parent_at;
		if (has_null(own, each)) {
			continue;
		}
		struct str text = encode(&join->batch, own, each);
		if (map_get(&child->groups, text) == NULL) {
			map_put(&child->groups, text, ARENA_NEW(&join->batch, struct remote_group));
			memcpy(keys + count++ * each, own, each * sizeof(*keys));
		}
	}
	return charge(join, parent_count * each * sizeof(*keys)) &&
		read_lists(join, child, keys, count) &&
		load_children(join, child, child->rows, child->count) && cut_groups(join, child);
}

static bool load_children(struct remote_join *join, struct remote_level *level,
						  const struct value *const *rows, size_t count)
{
	for (size_t i = 0; i < level->child_count; i++) {
		struct remote_level *child = &level->children[i];
		if (!child->merged && !load_child(join, child, rows, count)) {
			return false;
		}
	}
	return true;
}

static bool has_rows(struct remote_join *join, struct remote_level *child, const struct value *row,
					 bool *ret_has)
{
	const struct value *key = &row[child->parent_at];
	if (!child->merged) {
		const struct remote_group *group = find_group(join, child, key);
		*ret_has = group != NULL && group->count > 0;
		return true;
	}
	if (key->kind == VALUE_NULL) {
		*ret_has = false;
		return true;
	}
	*ret_has = remote_merge_to(join, child, key) && remote_merge_has(child, key) &&
		child->query->limit > 0;
	return !join->failed && join->run->error->code == ERROR_NONE;
}

/* ---- rows of a parent ---- */

static bool is_total(const struct query *query)
{
	for (size_t i = 0; i < query->fetch_count; i++) {
		if (query->fetch[i].aggregate == AGGREGATE_NONE) {
			return false;
		}
	}
	return query->grouped;
}

/* The one row of an embed that is aggregated where there is nothing to aggregate. */
static const struct value *row_of_none(struct remote_join *join, const struct query *query)
{
	struct value *row = ARENA_ARRAY(&join->batch, query->fetch_count + 1, struct value);
	struct buf text;
	buf_init(&text, TEXT_BYTES);
	bool ok = true;
	for (size_t i = 0; i < query->fetch_count && ok; i++) {
		const struct query_fetch *fetch = &query->fetch[i];
		struct value zero = {.kind = VALUE_INTEGER};
		if (fetch->aggregate == AGGREGATE_COUNT && fetch->result_cast == NULL) {
			row[i] = zero;
		} else if (fetch->aggregate == AGGREGATE_COUNT) {
			buf_clear(&text);
			ok = term_cast(fetch_aggregated_type(fetch), fetch->result_cast, &zero, &text, &row[i],
						   join->run->error);
			if (row[i].kind == VALUE_TEXT) {
				row[i].text = arena_copy(&join->batch, row[i].text);
			}
		}
	}
	buf_finish(&text);
	return ok ? row : NULL;
}

static bool open_rows(struct row_source *base, const struct query_embed *embed,
					  const struct value *keys)
{
	struct remote_join *join = (struct remote_join *)base;
	struct remote_level *level = join->by_number[embed->number];
	if (level->merged) {
		level->parent_key = remote_keep_key(keys, level->parent_text);
		level->left = level->embed->to_one && level->query->limit > 0 ? 1 : level->query->limit;
		join->failed = join->failed || !remote_merge_to(join, level, &level->parent_key);
		return !join->failed;
	}
	const struct remote_group *group = find_group(join, level, keys);
	level->at = group != NULL ? group->first : 0;
	level->end = level->at + (group != NULL ? group->count : 0);
	level->gives_none = level->at == level->end && level->query->limit > 0 &&
		level->query->offset == 0 && is_total(level->query);
	if (level->gives_none && level->none == NULL) {
		level->none = row_of_none(join, level->query);
		join->failed = join->failed || level->none == NULL;
	}
	return !join->failed;
}

static enum row_step next_row(struct row_source *base, const struct query_embed *embed,
							  const struct value **ret_values)
{
	struct remote_join *join = (struct remote_join *)base;
	struct remote_level *level = join->by_number[embed->number];
	if (level->merged) {
		return remote_merge_next(join, level, ret_values);
	}
	if (level->gives_none) {
		level->gives_none = false;
		*ret_values = level->none;
		return ROW_HERE;
	}
	if (level->at == level->end) {
		return ROW_NONE;
	}
	*ret_values = level->rows[level->at++];
	return ROW_HERE;
}

static void close_rows(struct row_source *base, const struct query_embed *embed)
{
	struct remote_join *join = (struct remote_join *)base;
	join->by_number[embed->number]->gives_none = false;
}

/* ---- the root ---- */

static uint64_t root_limit(const struct remote_join *join)
{
	uint64_t most = join->run->session->limits.answer_rows;
	uint64_t limit = join->root.query->limit;
	return most > 0 && most < limit ? most : limit;
}

/* Up to BATCH_ROWS of the root; *ret_more is false when these were the last. */
static bool read_batch(struct remote_join *join, const struct value **rows, size_t *ret_count,
					   bool *ret_more)
{
	const struct value *values;
	enum row_step step = ROW_HERE;
	arena_reset(&join->batch);
	join->bytes = 0;
	*ret_count = 0;
	while (*ret_count < BATCH_ROWS &&
		   (step = remote_stream_next(&join->stream, &values)) == ROW_HERE) {
		rows[*ret_count] = copy_row(join, values, remote_width(&join->root));
		if (rows[(*ret_count)++] == NULL) {
			return false;
		}
	}
	*ret_more = step == ROW_HERE;
	return step != ROW_FAILED;
}

struct progress {
	uint64_t passed;
	uint64_t offset, limit; /* to be counted here */
};

static bool write_batch(struct remote_join *join, const struct value *const *batch, size_t count,
						struct progress *progress, struct rows *rows,
						bool (*wrote)(struct remote_run *run, struct rows *rows))
{
	for (size_t i = 0; i < count; i++) {
		bool good;
		if (!passes(join, &join->root, batch[i], &good)) {
			return false;
		}
		if (!good) {
			continue;
		}
		uint64_t number = progress->passed++;
		if (number < progress->offset || number - progress->offset >= progress->limit) {
			continue;
		}
		if (!rows_write(rows, batch[i]) || !wrote(join->run, rows)) {
			return false;
		}
	}
	return true;
}

static bool start_root(struct remote_join *join, struct progress *progress)
{
	struct remote_level *root = &join->root;
	const struct query *query = root->query;
	if (root->filters) {
		*progress = (struct progress){.offset = query->offset, .limit = root_limit(join)};
	} else {
		*progress = (struct progress){.limit = UINT64_MAX};
		root->asks.limit = query->action == QUERY_GET ? 1 : root_limit(join);
		root->asks.offset = query->offset;
	}
	return remote_stream_start(&join->stream, join->run, &root->asks,
							   query->total && !root->filters);
}

static void choose_merges(struct remote_join *join)
{
	for (size_t i = 0; i < join->root.child_count; i++) {
		struct remote_level *child = &join->root.children[i];
		child->merged = remote_can_merge(&join->root, child);
	}
}

static bool start_merges(struct remote_join *join, const struct value *first)
{
	for (size_t i = 0; i < join->root.child_count; i++) {
		struct remote_level *child = &join->root.children[i];
		if (child->merged && !remote_merge_start(join, child, first)) {
			return false;
		}
	}
	return true;
}

bool remote_join_run(struct remote_join *join, struct rows *rows,
					 bool (*wrote)(struct remote_run *run, struct rows *rows))
{
	struct store_request *request = join->run->request;
	const struct value *batch[BATCH_ROWS];
	struct progress progress;
	size_t count;
	bool more = true;
	if (join->failed || !start_root(join, &progress)) {
		return false;
	}
	for (bool first = true; more; first = false) {
		if (!read_batch(join, batch, &count, &more)) {
			return false;
		}
		if (first) {
			request->result.total = join->stream.total;
			if (more) {
				choose_merges(join);
			}
			if (count > 0 && !start_merges(join, batch[0])) {
				return false;
			}
		}
		if (!load_children(join, &join->root, batch, count) ||
			!write_batch(join, batch, count, &progress, rows, wrote)) {
			return false;
		}
		more = more &&
			(request->query->total || progress.limit == UINT64_MAX ||
			 progress.passed < progress.offset + progress.limit);
	}
	if (join->root.filters) {
		request->result.total = progress.passed;
	}
	return true;
}

/* ---- life ---- */

struct remote_join *remote_join_create(struct remote_run *run, const struct query *query)
{
	struct remote_join *join = ARENA_NEW(&run->arena, struct remote_join);
	*join = (struct remote_join){
		.base = {.open = open_rows, .next = next_row, .close = close_rows},
		.run = run,
		.root = {.query = query},
		.embeds = remote_count_embeds(query),
	};
	join->by_number = ARENA_ARRAY(&run->arena, join->embeds + 1, struct remote_level *);
	arena_init(&join->batch, ARENA_BYTES);
	join->failed = !remote_plan(join, &join->root);
	return join;
}

static void finish_level(struct remote_level *level)
{
	for (size_t i = 0; i < level->child_count; i++) {
		finish_level(&level->children[i]);
	}
	remote_stream_finish(&level->stream);
	map_finish(&level->groups);
	free((void *)level->rows);
}

void remote_join_destroy(struct remote_join *join)
{
	remote_stream_finish(&join->stream);
	finish_level(&join->root);
	arena_finish(&join->batch);
}
