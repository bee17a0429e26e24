/*
 * Checked queries over the program's own rows: holds, decisions, the outbox (model/link_tables.h).
 * They are built by hand, as no text of a client leads to them; stores take them as all others.
 *
 * Ownership: all parts are in the arena or borrowed. Threads: plain functions.
 * Errors: ERROR_STORE for rows that cannot be read. Limits: those of the arena; what goes into one
 * `in` should be no more than MESSAGE_MOST_HOLDS.
 */
#ifndef ROWLOCK_LINK_OWN_ROWS_H
#define ROWLOCK_LINK_OWN_ROWS_H

#include "codec/json.h"
#include "codec/uuid.h"
#include "query/query.h"

/* All rows, whatever answer_rows says, in no order, without an answer. An UPSERT leaves rows alone
 * that have the key. */
struct query *own_query(struct arena *arena, enum query_action action,
						const struct resource *resource);
/* AND this. */
void own_where(struct arena *arena, struct query *query, const struct field *field,
			   enum operator_name op, struct value value);
void own_where_in(struct arena *arena, struct query *query, const struct field *field,
				  const struct value *values, size_t count);
/* One of these rows, by their keys; not many: of several fields it is a tree. */
void own_where_keys(struct arena *arena, struct query *query, const struct field_list *fields,
					const struct value *const *keys, size_t count);
/* LIST, GET: answers these fields, in this order. */
void own_fetch(struct arena *arena, struct query *query, const struct field *const *fields,
			   size_t count);
/* LIST: ordered by the first `terms` fields that are fetched, which end with the key. */
void own_order(struct arena *arena, struct query *query, size_t terms, uint64_t limit);
/* INSERT, UPSERT, UPDATE: room for rows of these fields, zeroed; the caller fills it. */
struct value *own_give(struct arena *arena, struct query *query, const struct field *const *fields,
					   size_t count, size_t rows);

/* The text of a uuid, and back. */
struct value own_id(struct arena *arena, const struct uuid *id);
struct value *own_ids(struct arena *arena, const struct uuid *ids, size_t count);
static inline struct value own_integer(int64_t integer)
{
	return (struct value){.kind = VALUE_INTEGER, .integer = integer};
}
static inline struct value own_text(struct str text)
{
	return (struct value){.kind = VALUE_TEXT, .text = text};
}

/* The rows that a LIST, or the one that a GET, has answered. */
struct own_rows {
	const struct query *query;
	struct json_reader json;
	bool list;
};
bool own_rows_begin(struct own_rows *rows, const struct query *query, struct str answer,
					struct arena *arena, struct error *error);
/* The next row's values, as many as are fetched; texts in the arena or of the answer. `*ret_more`
 * is false behind the last one. */
bool own_rows_next(struct own_rows *rows, struct value *values, bool *ret_more,
				   struct error *error);

#endif
