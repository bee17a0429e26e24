/*
 * DESIGN. Rows of the root come in batches. What is embedded in them is asked for by the keys of the
 * batch, level by level, and kept until the next batch, so that rows.h can ask for it parent by
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

/* The rows of one parent: they stand together. */
struct group {
	size_t first;
	size_t count;
};

struct level {
	const struct query *query;
	const struct query_embed *embed; /* NULL: the root */
	struct level *children;
	size_t child_count;
	const struct field **extras; /* its keys to the parent, then those that children need */
	size_t extra_count;
	size_t parent_at;         /* in the parent's row: the first of the keys that lead here */
	const struct cond *where; /* what is asked; NULL: every row */
	bool must, must_not;      /* a parent needs rows here; needs none */
	bool filters;             /* some child has must or must_not */
	struct remote_asks asks;
	/* In batches. */
	struct map groups;         /* bytes of the keys -> struct group */
	const struct value **rows; /* owned; the rows are of the batch's arena */
	size_t count, room;
	const struct value *none; /* the row of a parent without any, when it is all aggregates */
	size_t at, end;           /* of the rows that are open */
	bool gives_none;
	/* Merged. */
	bool merged;
	struct remote_stream stream;
	const struct value *ahead; /* the stream's row that is not given yet; NULL: read the next */
	bool dry;
	uint64_t left; /* of the parent's limit */
	struct value last_key, parent_key;
	char last_text[64]; /* of them, when they are texts */
	char parent_text[64];
};

struct remote_join {
	struct row_source base;
	struct remote_run *run;
	struct level root;
	struct level **by_number; /* arena of the run */
	size_t embeds;
	struct arena batch;
	size_t bytes;                /* of the batch */
	struct remote_stream stream; /* of the root */
	bool failed;
};

/* ---- the plan ---- */

static size_t width(const struct level *level)
{
	return level->query->fetch_count + level->extra_count;
}

static bool unsupported(struct remote_join *join, const char *what)
{
	join->failed = true;
	return error_set(join->run->error, ERROR_UNSUPPORTED,
					 "%s is not supported for rows of other services", what);
}

static struct level *find_child(struct level *level, const struct query_embed *embed)
{
	for (size_t i = 0; i < level->child_count; i++) {
		if (level->children[i].embed == embed) {
			return &level->children[i];
		}
	}
	struct level *child = &level->children[level->child_count++];
	child->embed = embed;
	child->query = &embed->query;
	return child;
}

/* How many embeds the level can have: columns, and conditions. */
static size_t count_places(const struct query *query)
{
	const struct cond *where = query->where;
	return query->column_count + 1 +
		(where != NULL && where->kind == COND_AND ? where->child_count : 0);
}

/* A condition that some embed has rows, or has none, is decided here. */
static bool take_exists(struct level *level, const struct cond *cond)
{
	bool negated = cond->kind == COND_NOT;
	const struct cond *leaf = negated ? cond->children[0] : cond;
	if (leaf->kind != COND_EXISTS) {
		return false;
	}
	struct level *child = find_child(level, leaf->embed);
	child->must = child->must || !negated;
	child->must_not = child->must_not || negated;
	level->filters = true;
	return true;
}

static void split_where(struct arena *arena, struct level *level)
{
	const struct cond *where = level->query->where;
	if (where == NULL || where->kind != COND_AND) {
		level->where = where != NULL && !take_exists(level, where) ? where : NULL;
		return;
	}
	const struct cond **asked = ARENA_ARRAY(arena, where->child_count, const struct cond *);
	size_t count = 0;
	for (size_t i = 0; i < where->child_count; i++) {
		if (!take_exists(level, where->children[i])) {
			asked[count++] = where->children[i];
		}
	}
	level->where = count == 0 ? NULL : cond_join(arena, COND_AND, asked, count);
}

static void add_extras(struct level *level, const struct field_list *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		level->extras[level->extra_count++] = fields->items[i];
	}
}

static bool plan_level(struct remote_join *join, struct level *level);

static bool plan_child(struct remote_join *join, struct level *level, struct level *child)
{
	const struct relation *relation = child->embed->relation;
	if (relation->junction != NULL) {
		return unsupported(join, "a relation through a junction");
	}
	if (level->query->grouped) {
		return unsupported(join, "an embed beside aggregates");
	}
	if (child->query->total || child->query->distinct) {
		return unsupported(join, "`distinct`");
	}
	child->parent_at = width(level);
	add_extras(level, &relation->from_fields);
	join->by_number[child->embed->number] = child;
	return plan_level(join, child);
}

static bool plan_level(struct remote_join *join, struct level *level)
{
	struct arena *arena = &join->run->arena;
	const struct query *query = level->query;
	size_t places = count_places(query);
	size_t extras = level->embed != NULL ? level->embed->relation->to_fields.count : 0;
	level->children = ARENA_ARRAY(arena, places, struct level);
	map_init(&level->groups);
	split_where(arena, level);
	for (size_t i = 0; i < query->column_count; i++) {
		if (query->columns[i].embed != NULL) {
			find_child(level, query->columns[i].embed);
		}
	}
	for (size_t i = 0; i < level->child_count; i++) {
		extras += level->children[i].embed->relation->from_fields.count;
	}
	level->extras = ARENA_ARRAY(arena, extras + 1, const struct field *);
	if (level->embed != NULL) {
		add_extras(level, &level->embed->relation->to_fields);
	}
	for (size_t i = 0; i < level->child_count; i++) {
		if (!plan_child(join, level, &level->children[i])) {
			return false;
		}
	}
	level->asks = (struct remote_asks){
		.query = query,
		.where = level->where,
		.extras = level->extras,
		.extra_count = level->extra_count,
		.keys = level->embed != NULL ? &level->embed->relation->to_fields : NULL,
		.by_key = level->embed != NULL,
		.limit = UINT64_MAX,
	};
	return true;
}

/* One more than the highest number of an embed of the tree. */
static size_t count_numbers(const struct query *query, const struct cond *where)
{
	size_t most = 0;
	for (size_t i = 0; query != NULL && i < query->column_count; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		if (embed != NULL) {
			size_t below = count_numbers(&embed->query, embed->query.where);
			below = embed->number >= below ? embed->number + 1 : below;
			most = below > most ? below : most;
		}
	}
	for (size_t i = 0; where != NULL && i < where->child_count; i++) {
		size_t below = count_numbers(NULL, where->children[i]);
		most = below > most ? below : most;
	}
	if (where != NULL && where->kind == COND_EXISTS) {
		size_t below = count_numbers(&where->embed->query, where->embed->query.where);
		below = where->embed->number >= below ? where->embed->number + 1 : below;
		most = below > most ? below : most;
	}
	return most;
}

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

static struct group *find_group(struct remote_join *join, struct level *level,
								const struct value *keys)
{
	size_t count = level->embed->relation->to_fields.count;
	return has_null(keys, count) ? NULL
								 : map_get(&level->groups, encode(&join->batch, keys, count));
}

/* ---- batches ---- */

static bool add_row(struct remote_join *join, struct level *level, const struct value *values)
{
	struct group *group = find_group(join, level, values + level->query->fetch_count);
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
	level->rows[level->count++] = copy_row(join, values, width(level));
	return level->rows[level->count - 1] != NULL;
}

static bool read_list(struct remote_join *join, struct level *level, const struct value *keys,
					  size_t count)
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

static bool read_lists(struct remote_join *join, struct level *level, const struct value *keys,
					   size_t count)
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

static bool load_children(struct remote_join *join, struct level *level,
						  const struct value *const *rows, size_t count);
static bool has_rows(struct remote_join *join, struct level *child, const struct value *row,
					 bool *ret_has);

/* Do the children of the row have what is asked of them? */
static bool passes(struct remote_join *join, struct level *level, const struct value *row,
				   bool *ret_passes)
{
	*ret_passes = true;
	for (size_t i = 0; i < level->child_count && *ret_passes; i++) {
		struct level *child = &level->children[i];
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
static bool cut_groups(struct remote_join *join, struct level *level)
{
	const struct query *query = level->query;
	const struct map_entry *entry;
	for (size_t at = 0; (entry = map_next(&level->groups, &at)) != NULL;) {
		struct group *group = entry->value;
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

static bool load_child(struct remote_join *join, struct level *child,
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
			map_put(&child->groups, text, ARENA_NEW(&join->batch, struct group));
			memcpy(keys + count++ * each, own, each * sizeof(*keys));
		}
	}
	return charge(join, parent_count * each * sizeof(*keys)) &&
		read_lists(join, child, keys, count) &&
		load_children(join, child, child->rows, child->count) && cut_groups(join, child);
}

static bool load_children(struct remote_join *join, struct level *level,
						  const struct value *const *rows, size_t count)
{
	for (size_t i = 0; i < level->child_count; i++) {
		struct level *child = &level->children[i];
		if (!child->merged && !load_child(join, child, rows, count)) {
			return false;
		}
	}
	return true;
}

/* ---- merging ---- */

/* Has it an order that is the same everywhere? */
static bool has_plain_order(enum type type)
{
	return type == TYPE_INTEGER || type == TYPE_UUID || type == TYPE_DATE || type == TYPE_DATETIME;
}

/* Do the rows of the root come in the order of the key that leads to the child? */
static bool can_merge(const struct level *root, const struct level *child)
{
	const struct relation *relation = child->embed->relation;
	const struct query_order *order = root->query->order;
	return child->child_count == 0 && relation->from_fields.count == 1 &&
		has_plain_order(relation->from_fields.items[0]->type) &&
		has_plain_order(relation->to_fields.items[0]->type) && root->query->order_count > 0 &&
		order->term.field == relation->from_fields.items[0] && order->term.path == NULL &&
		order->term.through_count == 0 && !order->descending && !order->nulls_first &&
		child->query->offset == 0 && !child->query->grouped;
}

static struct value keep_key(const struct value *key, char *text)
{
	struct value copy = *key;
	if (key->kind == VALUE_TEXT) {
		size_t len = key->text.len < 64 ? key->text.len : 64;
		memcpy(text, key->text.ptr, len);
		copy.text = (struct str){text, len};
	}
	return copy;
}

static bool start_merging(struct remote_join *join, struct level *child, const struct value *first)
{
	child->merged = true;
	child->parent_key = keep_key(&first[child->parent_at], child->parent_text);
	child->asks.from_key = &child->parent_key;
	if (child->parent_key.kind == VALUE_NULL) {
		child->dry = true;
		return true;
	}
	return remote_stream_start(&child->stream, join->run, &child->asks, false);
}

static bool out_of_order(struct remote_join *join, const struct level *level)
{
	error_set(join->run->error, ERROR_SOURCE_BAD, NULL);
	return error_details(join->run->error, "rows of \"%.*s\" are not in order",
						 STR_ARG(str_slice(level->query->resource->name, 0, 64)));
}

/* Reads on to the first row whose key is not below this one. */
static bool merge_to(struct remote_join *join, struct level *child, const struct value *key)
{
	for (;;) {
		if (child->ahead == NULL && !child->dry) {
			enum row_step step = remote_stream_next(&child->stream, &child->ahead);
			if (step == ROW_FAILED) {
				return false;
			}
			child->dry = step == ROW_NONE;
			if (child->dry) {
				child->ahead = NULL;
			} else {
				const struct value *own = &child->ahead[child->query->fetch_count];
				if (value_compare(own, &child->last_key) < 0 &&
					child->last_key.kind != VALUE_NULL) {
					return out_of_order(join, child);
				}
				child->last_key = keep_key(own, child->last_text);
			}
		}
		if (child->ahead == NULL || key == NULL ||
			value_compare(&child->ahead[child->query->fetch_count], key) >= 0) {
			return true;
		}
		child->ahead = NULL;
	}
}

static bool merge_has(const struct level *child, const struct value *key)
{
	return child->ahead != NULL &&
		value_compare(&child->ahead[child->query->fetch_count], key) == 0;
}

static bool has_rows(struct remote_join *join, struct level *child, const struct value *row,
					 bool *ret_has)
{
	const struct value *key = &row[child->parent_at];
	if (!child->merged) {
		const struct group *group = find_group(join, child, key);
		*ret_has = group != NULL && group->count > 0;
		return true;
	}
	if (key->kind == VALUE_NULL) {
		*ret_has = false;
		return true;
	}
	*ret_has = merge_to(join, child, key) && merge_has(child, key) && child->query->limit > 0;
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
	struct level *level = join->by_number[embed->number];
	if (level->merged) {
		level->parent_key = keep_key(keys, level->parent_text);
		level->left = level->embed->to_one && level->query->limit > 0 ? 1 : level->query->limit;
		join->failed = join->failed || !merge_to(join, level, &level->parent_key);
		return !join->failed;
	}
	const struct group *group = find_group(join, level, keys);
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

static enum row_step next_merged(struct remote_join *join, struct level *level,
								 const struct value **ret_values)
{
	if (level->left == 0) {
		return ROW_NONE;
	}
	if (!merge_to(join, level, &level->parent_key)) {
		join->failed = true;
		return ROW_FAILED;
	}
	if (!merge_has(level, &level->parent_key)) {
		return ROW_NONE;
	}
	level->left -= level->left != UINT64_MAX;
	*ret_values = level->ahead;
	if (!level->embed->to_one) {
		level->ahead = NULL; /* its values are there until the next is read */
	}
	return ROW_HERE;
}

static enum row_step next_row(struct row_source *base, const struct query_embed *embed,
							  const struct value **ret_values)
{
	struct remote_join *join = (struct remote_join *)base;
	struct level *level = join->by_number[embed->number];
	if (level->merged) {
		return next_merged(join, level, ret_values);
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
		rows[*ret_count] = copy_row(join, values, width(&join->root));
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
	struct level *root = &join->root;
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
		struct level *child = &join->root.children[i];
		child->merged = can_merge(&join->root, child);
	}
}

static bool start_merges(struct remote_join *join, const struct value *first)
{
	for (size_t i = 0; i < join->root.child_count; i++) {
		struct level *child = &join->root.children[i];
		if (child->merged && !start_merging(join, child, first)) {
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
		.embeds = count_numbers(query, query->where),
	};
	join->by_number = ARENA_ARRAY(&run->arena, join->embeds + 1, struct level *);
	arena_init(&join->batch, ARENA_BYTES);
	join->failed = !plan_level(join, &join->root);
	return join;
}

static void finish_level(struct level *level)
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
