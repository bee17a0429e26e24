/*
 * DESIGN. The rows of an embed are read with one statement for all different keys of the parents of
 * a batch (KEYS_MOST at a time), and then those embedded in them, level by level. They are kept
 * until the next batch, under the keys of their parents, so that rows.h can ask for them parent by
 * parent. Parents with the same keys share them.
 */
#include "store/maria_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "query/fetch.h"
#include "store/term.h"

enum {
	KEYS_MOST = 500, /* parents in one statement */
	ARENA_BYTES = 16384,
	KEY_BYTES = 1 << 20,
	TEXT_BYTES = 256, /* of a count that is cast */
};

/* The rows of one parent: they stand together. */
struct group {
	size_t first;
	size_t count;
};

struct maria_embed {
	struct map groups;         /* the keys' bytes -> struct group of the arena */
	const struct value **rows; /* owned; the rows themselves are arena */
	size_t count;
	size_t room;
	size_t at; /* of the set that is open */
	size_t end;
	const struct value *none; /* arena: the row of a parent to which no row belongs */
	bool gives_none;          /* it is the next one */
};

/* A row whose parent is not settled yet. */
struct late {
	const struct value *row;  /* arena */
	const struct value *keys; /* arena: of its holder */
};

/* The rows of one statement whose keys are texts of a column with an order of its own. */
struct lates {
	struct late *items; /* owned */
	size_t count;
	size_t room;
};

/* The different keys of a batch. */
struct keys {
	struct value *values; /* owned: from_fields.count for each */
	size_t count;
	size_t room;
};

/* ---- memory ---- */

static bool charge(struct maria_source *source, size_t bytes)
{
	source->bytes += bytes;
	if (source->bytes <= source->conn->session->store->limits.memory_bytes) {
		return true;
	}
	error_set(source->error, ERROR_OVERLOADED, "The answer is too large");
	return error_hint(source->error, "ask for less: limit, offset, select");
}

static struct value copy_value(struct maria_source *source, const struct value *value)
{
	struct value copy = *value;
	if (value->kind == VALUE_TEXT) {
		copy.text = arena_copy(&source->arena, value->text);
		source->bytes += value->text.len;
	}
	return copy;
}

static void empty(struct maria_embed *state)
{
	map_finish(&state->groups);
	map_init(&state->groups);
	state->count = 0;
	state->none = NULL;
}

/* ---- keys ---- */

/* Values as bytes: equal ones give the same. */
static void encode(struct buf *buf, const struct value *values, size_t count)
{
	buf_clear(buf);
	for (size_t i = 0; i < count; i++) {
		const struct value *value = &values[i];
		double number = value->kind == VALUE_NUMBER && value->number != 0 ? value->number : 0;
		struct str bytes = {(const char *)&value->integer, sizeof(value->integer)};
		if (value->kind == VALUE_TEXT) {
			bytes = value->text;
		} else if (value->kind == VALUE_NUMBER) {
			bytes.ptr = (const char *)&number;
		}
		buf_append_byte(buf, (char)value->kind);
		buf_append(buf, (struct str){(const char *)&bytes.len, sizeof(bytes.len)});
		buf_append(buf, bytes);
	}
}

static struct group *find_group(struct maria_embed *state, const struct value *values, size_t count)
{
	struct buf bytes;
	buf_init(&bytes, KEY_BYTES);
	encode(&bytes, values, count);
	struct group *group = bytes.failed ? NULL : map_get(&state->groups, buf_str(&bytes));
	buf_finish(&bytes);
	return group;
}

/* Adds the keys of a parent, when no other has them. */
static bool add_keys(struct maria_source *source, struct maria_embed *state,
					 const struct query_embed *embed, const struct value *row, struct keys *keys)
{
	size_t count = embed->relation->from_fields.count;
	if ((keys->count + 1) * count > keys->room) {
		keys->room = keys->room * 2 + 64 * count;
		keys->values = alloc_resize(keys->values, keys->room, sizeof(struct value));
	}
	struct value *values = keys->values + keys->count * count;
	for (size_t i = 0; i < count; i++) {
		values[i] = row[embed->keys[i]];
		if (values[i].kind == VALUE_NULL) {
			return true;
		}
	}
	struct buf bytes;
	buf_init(&bytes, KEY_BYTES);
	encode(&bytes, values, count);
	bool ok = !bytes.failed && charge(source, bytes.len + sizeof(struct group));
	if (ok && map_get(&state->groups, buf_str(&bytes)) == NULL) {
		map_put(&state->groups, arena_copy(&source->arena, buf_str(&bytes)),
				ARENA_NEW(&source->arena, struct group));
		keys->count++;
	}
	if (bytes.failed) {
		error_set(source->error, ERROR_OVERLOADED, "The answer is too large");
	}
	buf_finish(&bytes);
	return ok;
}

/* ---- reading ---- */

static const struct value *copy_row(struct maria_source *source, const struct value *values,
									size_t count)
{
	struct value *copy = ARENA_ARRAY(&source->arena, count + 1, struct value);
	for (size_t i = 0; i < count; i++) {
		copy[i] = copy_value(source, &values[i]);
	}
	return copy;
}

static void add_row(struct maria_embed *state, struct group *group, const struct value *row)
{
	if (state->count == state->room) {
		state->room = state->room == 0 ? 64 : state->room * 2;
		state->rows = alloc_resize((void *)state->rows, state->room, sizeof(*state->rows));
	}
	if (group->count == 0) {
		group->first = state->count;
	}
	group->count++;
	state->rows[state->count++] = row;
}

/* With `lates` the row waits there. */
static bool keep_row(struct maria_source *source, struct maria_embed *state,
					 const struct query_embed *embed, const struct value *values,
					 struct lates *lates)
{
	size_t count = embed->query.fetch_count;
	size_t key_count = embed->relation->from_fields.count;
	const struct value *keys = values + (count == 0 ? 1 : count);
	if (lates != NULL) {
		if (lates->count == lates->room) {
			lates->room = lates->room == 0 ? 64 : lates->room * 2;
			lates->items = alloc_resize(lates->items, lates->room, sizeof(*lates->items));
		}
		lates->items[lates->count++] = (struct late){copy_row(source, values, count),
													 copy_row(source, keys, key_count)};
		return charge(source, (count + key_count + 2) * sizeof(struct value));
	}
	struct group *group = find_group(state, keys, key_count);
	if (group == NULL) {
		return true; /* equal in the order of the column only */
	}
	add_row(state, group, copy_row(source, values, count));
	return charge(source, (count + 1) * sizeof(struct value));
}

static bool read_rows(struct maria_source *source, struct maria_embed *state,
					  const struct query_embed *embed, struct maria_statement *statement,
					  struct lates *lates)
{
	struct maria_shape shape;
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	maria_shape_init(&shape, &arena, &embed->query, sql_holder_fields(embed->relation));
	enum row_step step;
	do {
		step = maria_shape_fetch(&shape, source->conn, statement, source->error);
		if (step == ROW_HERE && !keep_row(source, state, embed, shape.values, lates)) {
			step = ROW_FAILED;
		}
	} while (step == ROW_HERE);
	maria_shape_finish(&shape);
	arena_finish(&arena);
	return step == ROW_NONE;
}

/* ---- keys that are equal in the order of their column ---- */

/* In another program's database a text may refer to one that is spelled otherwise. */
static bool has_order(const struct maria_source *source, const struct query_embed *embed)
{
	const struct field_list *fields = sql_holder_fields(embed->relation);
	bool found = false;
	for (size_t i = 0; i < fields->count; i++) {
		found = found || fields->items[i]->type == TYPE_TEXT;
	}
	return found && source->conn->session->store->foreign;
}

/* Are there rows without a parent of the very same keys, or parents that may be of one row? */
static bool is_unsettled(struct maria_embed *state, const struct query_embed *embed,
						 const struct lates *lates, size_t parent_count)
{
	size_t key_count = embed->relation->from_fields.count;
	for (size_t i = 0; i < lates->count; i++) {
		if (find_group(state, lates->items[i].keys, key_count) == NULL) {
			return true;
		}
	}
	return relation_is_to_one(embed->relation) && lates->count < parent_count;
}

/* Puts numbers of their classes into the place of the texts of one field of all keys. */
static bool number_texts(struct maria_source *source, const struct query_embed *embed,
						 size_t number, struct value *keys, size_t count)
{
	const struct relation *relation = embed->relation;
	const struct resource *holder = relation->junction != NULL ? relation->junction : relation->to;
	size_t key_count = relation->from_fields.count;
	struct value *texts = ARENA_ARRAY(&source->arena, count, struct value);
	for (size_t i = 0; i < count; i++) {
		texts[i] = keys[i * key_count + number];
	}
	uint64_t *classes = ARENA_ARRAY(&source->arena, count, uint64_t);
	if (!maria_classes_read(source->conn, holder, sql_holder_fields(relation)->items[number], texts,
							count, classes, source->error)) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		keys[i * key_count + number] = (struct value){.kind = VALUE_INTEGER,
													  .integer = (int64_t)classes[i]};
	}
	return charge(source, count * (sizeof(*texts) + sizeof(*classes)));
}

/* Parents with equal keys share a group, which gets the rows whose keys are equal to theirs. */
static bool settle(struct maria_source *source, struct maria_embed *state,
				   const struct query_embed *embed, const struct lates *lates,
				   const struct value *keys, size_t count)
{
	const struct field_list *fields = sql_holder_fields(embed->relation);
	size_t key_count = fields->count;
	size_t all = count + lates->count;
	struct value *made = ARENA_ARRAY(&source->arena, all * key_count, struct value);
	memcpy(made, keys, count * key_count * sizeof(*made));
	for (size_t i = 0; i < lates->count; i++) {
		memcpy(made + (count + i) * key_count, lates->items[i].keys, key_count * sizeof(*made));
	}
	bool ok = charge(source, all * key_count * sizeof(*made));
	for (size_t i = 0; i < key_count && ok; i++) {
		ok = fields->items[i]->type != TYPE_TEXT || number_texts(source, embed, i, made, all);
	}
	struct maria_embed classes = {.count = 0};
	struct buf bytes;
	map_init(&classes.groups);
	buf_init(&bytes, KEY_BYTES);
	for (size_t i = 0; i < count && ok; i++) {
		struct group *group = find_group(&classes, made + i * key_count, key_count);
		if (group == NULL) {
			group = find_group(state, keys + i * key_count, key_count);
			encode(&bytes, made + i * key_count, key_count);
			map_put(&classes.groups, arena_copy(&source->arena, buf_str(&bytes)), group);
		} else {
			encode(&bytes, keys + i * key_count, key_count);
			map_put(&state->groups, arena_copy(&source->arena, buf_str(&bytes)), group);
		}
	}
	for (size_t i = 0; i < lates->count && ok; i++) {
		struct group *group = find_group(&classes, made + (count + i) * key_count, key_count);
		if (group != NULL) {
			add_row(state, group, lates->items[i].row);
		}
	}
	buf_finish(&bytes);
	map_finish(&classes.groups);
	return ok;
}

static bool settle_all(struct maria_source *source, struct maria_embed *state,
					   const struct query_embed *embed, const struct lates *lates,
					   const struct value *keys, size_t count)
{
	if (is_unsettled(state, embed, lates, count)) {
		return settle(source, state, embed, lates, keys, count);
	}
	for (size_t i = 0; i < lates->count; i++) {
		add_row(state, find_group(state, lates->items[i].keys, embed->relation->from_fields.count),
				lates->items[i].row);
	}
	return true;
}

/* All rows that belong to these keys. */
static bool read_chunk(struct maria_source *source, struct maria_embed *state,
					   const struct query_embed *embed, const struct value *keys, size_t count)
{
	struct maria_conn *conn = source->conn;
	struct lates lates = {.count = 0};
	bool waits = has_order(source, embed);
	sql_clear(&conn->sql);
	sql_embed_many(&conn->sql, embed, keys, count);
	struct maria_statement *statement = maria_execute(conn, false, source->error);
	bool ok = statement != NULL &&
		read_rows(source, state, embed, statement, waits ? &lates : NULL);
	maria_rows_end(conn, statement);
	ok = ok && (!waits || settle_all(source, state, embed, &lates, keys, count));
	free(lates.items);
	return ok;
}

static bool load_level(struct maria_source *source, const struct query *query,
					   const struct value *const *rows, size_t row_count);

static bool load_embed(struct maria_source *source, const struct query_embed *embed,
					   const struct value *const *rows, size_t row_count)
{
	struct maria_embed *state = &source->embeds[embed->number];
	size_t key_count = embed->relation->from_fields.count;
	struct keys keys = {.count = 0};
	bool ok = true;
	empty(state);
	for (size_t i = 0; i < row_count && ok; i++) {
		ok = add_keys(source, state, embed, rows[i], &keys);
	}
	for (size_t at = 0; at < keys.count && ok; at += KEYS_MOST) {
		size_t count = keys.count - at < KEYS_MOST ? keys.count - at : KEYS_MOST;
		ok = read_chunk(source, state, embed, keys.values + at * key_count, count);
	}
	free(keys.values);
	return ok && load_level(source, &embed->query, state->rows, state->count);
}

static bool load_level(struct maria_source *source, const struct query *query,
					   const struct value *const *rows, size_t row_count)
{
	for (size_t i = 0; i < query->column_count; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		if (embed != NULL && !load_embed(source, embed, rows, row_count)) {
			return false;
		}
	}
	return true;
}

bool maria_source_load(struct maria_source *source, const struct query *query,
					   const struct value *rows, size_t row_count)
{
	arena_reset(&source->arena);
	source->bytes = 0;
	const struct value **places = alloc_zeroed(row_count + 1, sizeof(*places));
	for (size_t i = 0; i < row_count; i++) {
		places[i] = rows + i * query->fetch_count;
	}
	bool ok = load_level(source, query, places, row_count);
	free((void *)places);
	source->failed = source->failed || !ok;
	return ok;
}

/* ---- rows of a parent ---- */

/* The one row of an embed that is aggregated where there is nothing to aggregate. */
static const struct value *row_of_none(struct maria_source *source, const struct query_embed *embed)
{
	const struct query *query = &embed->query;
	struct value *row = ARENA_ARRAY(&source->arena, query->fetch_count + 1, struct value);
	struct buf text;
	buf_init(&text, TEXT_BYTES);
	bool ok = true;
	for (size_t i = 0; i < query->fetch_count && ok; i++) {
		const struct query_fetch *fetch = &query->fetch[i];
		if (fetch->aggregate != AGGREGATE_COUNT) {
			continue;
		}
		struct value zero = {.kind = VALUE_INTEGER, .integer = 0};
		row[i] = zero;
		buf_clear(&text);
		if (fetch->result_cast != NULL) {
			ok = term_cast(fetch_aggregated_type(fetch), fetch->result_cast, &zero, &text, &row[i],
						   source->error);
			row[i] = copy_value(source, &row[i]);
		}
	}
	buf_finish(&text);
	return ok ? row : NULL;
}

static bool open_rows(struct row_source *base, const struct query_embed *embed,
					  const struct value *keys)
{
	struct maria_source *source = (struct maria_source *)base;
	struct maria_embed *state = &source->embeds[embed->number];
	const struct group *group = find_group(state, keys, embed->relation->from_fields.count);
	state->at = group != NULL ? group->first : 0;
	state->end = state->at + (group != NULL ? group->count : 0);
	bool total = state->at == state->end && embed->query.limit > 0 && embed->query.offset == 0 &&
		sql_embed_is_total(embed);
	if (total && state->none == NULL) {
		state->none = row_of_none(source, embed);
		source->failed = source->failed || state->none == NULL;
	}
	state->gives_none = total;
	return !source->failed;
}

static enum row_step next_row(struct row_source *base, const struct query_embed *embed,
							  const struct value **ret_values)
{
	struct maria_source *source = (struct maria_source *)base;
	struct maria_embed *state = &source->embeds[embed->number];
	if (state->gives_none) {
		*ret_values = state->none;
		state->gives_none = false;
		return ROW_HERE;
	}
	if (state->at == state->end) {
		return ROW_NONE;
	}
	*ret_values = state->rows[state->at++];
	return ROW_HERE;
}

static void close_rows(struct row_source *base, const struct query_embed *embed)
{
	struct maria_source *source = (struct maria_source *)base;
	source->embeds[embed->number].gives_none = false;
}

/* ---- its life ---- */

/* One more than the highest number of an embed of the tree. */
static size_t count_embeds(const struct query *query)
{
	size_t most = 0;
	for (size_t i = 0; i < query->column_count; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		size_t below = embed != NULL ? count_embeds(&embed->query) : 0;
		below = embed != NULL && embed->number >= below ? embed->number + 1 : below;
		most = below > most ? below : most;
	}
	return most;
}

void maria_source_init(struct maria_source *source, struct maria_conn *conn,
					   const struct query *query, struct error *error)
{
	*source = (struct maria_source){
		.base = {.open = open_rows, .next = next_row, .close = close_rows},
		.conn = conn,
		.error = error,
		.count = count_embeds(query),
	};
	arena_init(&source->arena, ARENA_BYTES);
	if (source->count > 0) {
		source->embeds = alloc_zeroed(source->count, sizeof(*source->embeds));
	}
	for (size_t i = 0; i < source->count; i++) {
		map_init(&source->embeds[i].groups);
	}
}

void maria_source_finish(struct maria_source *source)
{
	for (size_t i = 0; i < source->count; i++) {
		map_finish(&source->embeds[i].groups);
		free((void *)source->embeds[i].rows);
	}
	free(source->embeds);
	arena_finish(&source->arena);
	source->embeds = NULL;
	source->count = 0;
}
