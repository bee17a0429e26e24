/*
 * DESIGN. Each batch lives in an arena of its own, which is reset when the store asks for the next
 * one. The first row is read before the store begins, since it settles the columns; it stays where
 * it is and the first batch goes on behind it.
 */
#include <assert.h>

#include "query/check_body_priv.h"

enum { BATCH_ROWS = 256, BATCH_BYTES = 256 * 1024, BLOCK_BYTES = 64 * 1024 };

/* Where a row begins in the body. */
struct place_of_row {
	size_t line;
	size_t at;
};

struct batches {
	struct query_batches base;
	struct body body;
	struct arena arena;              /* of one batch */
	bool begun;                      /* the first batch was asked for */
	enum body_event ended;           /* ROW: there may be more rows */
	size_t from;                     /* where the batch begins in the body */
	struct str text;                 /* the body */
	struct place_of_row *places;     /* of the rows of the batch */
	struct place_of_row first_place; /* of the row that was read before the store began */
};

/* Reads the next row that is good, where the others are left out. */
static enum body_event add_row(struct body *body)
{
	for (;;) {
		struct bad_row bad;
		enum body_event event = body_add_row(body);
		if (event != BODY_ERROR || body->options->bad_row == NULL || body->ops->recover == NULL ||
			!body->ops->recover(body, &bad)) {
			return event;
		}
		body->options->bad_row(body->options->context, &bad);
		*body->error = (struct error){0};
	}
}

/* Reads on until the batch is full or the body ends. */
static void fill(struct batches *batches)
{
	struct body *body = &batches->body;
	while (batches->ended == BODY_ROW && body->row_count < body->room &&
		   body->at - batches->from < BATCH_BYTES) {
		size_t row = body->row_count;
		batches->ended = add_row(body);
		if (body->row_count > row) {
			batches->places[row] = (struct place_of_row){body->line, body->row_at};
		}
	}
}

/* Room for a batch whose values are no larger than allowed. */
static void make_room(struct batches *batches)
{
	struct body *body = &batches->body;
	size_t row_bytes = body->column_count * sizeof(struct value);
	size_t most = row_bytes == 0 ? BATCH_ROWS : BATCH_BYTES / row_bytes;
	body->room = most > BATCH_ROWS ? BATCH_ROWS : most == 0 ? 1 : most;
	body->values = ARENA_ARRAY(&batches->arena, body->room * body->column_count, struct value);
	batches->places = ARENA_ARRAY(&batches->arena, body->room, struct place_of_row);
}

/* The first batch begins with the row that is there; the others forget the one before. */
static void begin_batch(struct batches *batches)
{
	struct body *body = &batches->body;
	if (batches->begun) {
		arena_reset(&batches->arena);
		body->row_count = 0;
		batches->from = body->at;
		if (body->options->release != NULL) {
			body->options->release(body->options->context, batches->text, body->at);
		}
		make_room(batches);
	} else if (body->row_count > 0) {
		struct value *first = body->values;
		make_room(batches);
		memcpy(body->values, first, body->column_count * sizeof(*first));
		batches->places[0] = batches->first_place;
	}
	batches->begun = true;
}

static bool next_batch(struct query_batches *base, const struct value **ret_values,
					   size_t *ret_row_count, struct error *error)
{
	struct batches *batches = (struct batches *)base;
	struct body *body = &batches->body;
	assert(batches->ended != BODY_ERROR);
	body->error = error;
	begin_batch(batches);
	fill(batches);
	if (batches->ended == BODY_ERROR) {
		return false;
	}
	*ret_values = body->values;
	*ret_row_count = body->row_count;
	return true;
}

bool check_body_batches(struct str text, const struct body_options *options, struct arena *arena,
						struct query *ret_query, struct error *error)
{
	struct batches *batches = ARENA_NEW(arena, struct batches);
	struct body *body = &batches->body;
	assert(options->format == BODY_CSV || options->format == BODY_NDJSON ||
		   options->format == BODY_JSON_ROWS);
	assert(ret_query->action == QUERY_INSERT || ret_query->action == QUERY_UPSERT);
	if (!body_init(body, text, options, arena, ret_query, error)) {
		return false;
	}
	arena_init(&batches->arena, BLOCK_BYTES);
	batches->base.next = next_batch;
	batches->text = text;
	batches->from = body->at;
	body->row_arena = &batches->arena;
	batches->ended = add_row(body);
	batches->first_place = (struct place_of_row){body->line, body->row_at};
	if (batches->ended == BODY_ERROR) {
		arena_finish(&batches->arena);
		return false;
	}
	body_settle_given(body, ret_query);
	ret_query->values = NULL;
	ret_query->row_count = 0;
	ret_query->batches = &batches->base;
	return true;
}

void query_batches_row(const struct query_batches *base, size_t row, struct bad_row *ret_row)
{
	const struct batches *batches = (const struct batches *)base;
	assert(row < batches->body.row_count);
	struct str rest = str_slice(batches->text, batches->places[row].at, batches->text.len);
	while (rest.len > 0 && (rest.ptr[0] == '\n' || rest.ptr[0] == '\r')) {
		rest = str_slice(rest, 1, rest.len);
	}
	rest = str_split(&rest, '\n');
	ret_row->line = batches->places[row].line;
	ret_row->text = str_ends_with(rest, STR("\r")) ? str_slice(rest, 0, rest.len - 1) : rest;
}

void query_batches_finish(struct query_batches *batches)
{
	if (batches != NULL) {
		arena_finish(&((struct batches *)batches)->arena);
	}
}
