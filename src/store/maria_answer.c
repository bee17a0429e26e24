/*
 * DESIGN. Rows that were written are read by their keys, many at a time, as if they were embedded
 * in a row for each key: a relation of the resource to itself, by its key. So they come back in the
 * order in which they were written.
 */
#include "store/maria_write.h"

#include "base/alloc.h"

enum { ARENA_BYTES = 4096 };

/* Columns and triggers of another program's may make other values of those that are given. */
bool maria_knows_answer(const struct maria_session *session, const struct query *query)
{
	return !session->store->foreign && write_knows_answer(query);
}

void maria_answer_init(struct maria_answer *answer, struct maria_conn *conn,
					   const struct query *query, struct buf *body, struct error *error)
{
	bool answers = query->column_count > 0;
	*answer = (struct maria_answer){.conn = conn, .query = query, .error = error};
	answer->known = maria_knows_answer(conn->session, query);
	answer->asked = answers && !answer->known;
	answer->keeps = answers && write_must_keep(query);
	arena_init(&answer->arena, ARENA_BYTES);
	kept_rows_init(&answer->kept);
	maria_source_init(&answer->source, conn, query, error);
	if (answers) {
		rows_begin(&answer->rows, query, &answer->source.base, body);
	}
}

void maria_answer_finish(struct maria_answer *answer)
{
	maria_source_finish(&answer->source);
	kept_rows_finish(&answer->kept);
	free(answer->keys);
	arena_finish(&answer->arena);
}

bool maria_answer_row(struct maria_answer *answer, const struct value *values)
{
	if (answer->keeps) {
		kept_rows_add(&answer->kept, answer->query, values);
		return answer->kept.bytes <= answer->rows.buf->max_bytes || write_fail_large(answer->error);
	}
	(void)rows_write(&answer->rows, values); /* it embeds nothing, so it cannot fail */
	return !answer->rows.buf->failed || write_fail_large(answer->error);
}

void maria_answer_add_key(struct maria_answer *answer, const struct value *key)
{
	size_t count = answer->query->resource->key.count;
	if ((answer->key_count + 1) * count > answer->key_room) {
		answer->key_room = answer->key_room * 2 + 64 * count;
		answer->keys = alloc_resize(answer->keys, answer->key_room, sizeof(struct value));
	}
	struct value *to = answer->keys + answer->key_count * count;
	for (size_t i = 0; i < count; i++) {
		to[i] = key[i];
		if (key[i].kind == VALUE_TEXT) {
			to[i].text = arena_copy(&answer->arena, key[i].text);
		}
	}
	answer->key_count++;
}

/* ---- rows by their keys ---- */

/* A query over keys that embeds the rows themselves. */
struct by_key {
	struct relation relation;
	struct query_embed embed;
	struct query_column column;
	struct query query;
	size_t *numbers; /* owned: 0, 1, … */
};

static void by_key_init(struct by_key *by, const struct query *query)
{
	const struct resource *resource = query->resource;
	by->relation = (struct relation){
		.kind = RELATION_ONE_TO_ONE,
		.from = resource,
		.to = resource,
		.from_fields = resource->key,
		.to_fields = resource->key,
	};
	by->numbers = alloc_zeroed(resource->key.count, sizeof(*by->numbers));
	for (size_t i = 0; i < resource->key.count; i++) {
		by->numbers[i] = i;
	}
	by->embed = (struct query_embed){.relation = &by->relation, .query = *query};
	by->embed.keys = by->numbers;
	by->embed.query.action = QUERY_LIST;
	by->embed.query.where = NULL;
	by->embed.query.column_count = 0;
	by->embed.query.order_count = 0;
	by->embed.query.limit = UINT64_MAX;
	by->embed.query.offset = 0;
	by->column = (struct query_column){.embed = &by->embed};
	by->query = (struct query){
		.action = QUERY_LIST,
		.resource = resource,
		.columns = &by->column,
		.column_count = 1,
		.fetch_count = resource->key.count,
	};
}

static bool answer_keys(struct maria_answer *answer, struct maria_source *source,
						const struct by_key *by, const struct value *keys, size_t count)
{
	const struct value *values;
	bool ok = maria_source_load(source, &by->query, keys, count);
	for (size_t i = 0; i < count && ok; i++) {
		ok = source->base.open(&source->base, &by->embed, keys + i * by->query.fetch_count);
		while (ok && source->base.next(&source->base, &by->embed, &values) == ROW_HERE) {
			ok = maria_answer_row(answer, values);
		}
	}
	return ok;
}

bool maria_answer_read(struct maria_answer *answer)
{
	struct by_key by;
	struct maria_source source;
	if (answer->key_count == 0) {
		return true;
	}
	by_key_init(&by, answer->query);
	maria_source_init(&source, answer->conn, &by.query, answer->error);
	bool ok = true;
	for (size_t at = 0; at < answer->key_count && ok; at += MARIA_KEYS_MOST) {
		size_t count = answer->key_count - at < MARIA_KEYS_MOST ? answer->key_count - at
																: MARIA_KEYS_MOST;
		ok = answer_keys(answer, &source, &by, answer->keys + at * by.query.fetch_count, count);
	}
	maria_source_finish(&source);
	free(by.numbers);
	answer->key_count = 0;
	arena_reset(&answer->arena);
	return ok;
}

/* ---- the end ---- */

static bool write_kept(struct maria_answer *answer)
{
	const struct query *query = answer->query;
	struct kept_rows *kept = &answer->kept;
	size_t width = query->fetch_count;
	kept_rows_arrange(kept, query);
	struct value *values = alloc_zeroed(kept->count * width + 1, sizeof(*values));
	for (size_t i = 0; i < kept->count * width; i++) {
		values[i] = kept->rows[i / width][i % width];
	}
	bool ok = maria_source_load(&answer->source, query, values, kept->count);
	for (size_t i = 0; i < kept->count && ok; i++) {
		ok = rows_write(&answer->rows, values + i * width);
	}
	free(values);
	return ok;
}

bool maria_answer_end(struct maria_answer *answer, struct store_result *result)
{
	if (answer->query->column_count == 0) {
		return true;
	}
	if (!maria_answer_read(answer) || (answer->keeps && !write_kept(answer))) {
		return false;
	}
	rows_end(&answer->rows);
	result->tag = answer->rows.tag;
	return rows_check_one(&answer->rows, answer->error) &&
		(!answer->rows.buf->failed || write_fail_large(answer->error));
}
