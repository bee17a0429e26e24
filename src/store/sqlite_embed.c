/*
 * DESIGN. A to-one embed comes in the row of its parent: the statement joins it (sql_join), and its
 * values are read from there when they are asked for. Any other has a statement of its own, which
 * is prepared when its first parent row asks for it, and stays until the read ends; each parent row
 * binds its keys and runs it anew. An index over the child's foreign key makes that a search, and a
 * limit per parent costs what it gives. (SQLite makes such indexes for keys only: `index:` of the
 * service file is for the others.)
 */
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "store/sqlite_priv.h"

enum { FIRST_EMBEDS = 8 };

struct sqlite_embed {
	struct sqlite_statement *statement; /* its own, or the parent's; NULL: not prepared yet */
	size_t keys_at;                     /* the first placeholder of the keys, from 0 */
	bool joined;                        /* it comes in the parent's row */
	bool pending;                       /* joined: the row is there and was not taken yet */
	size_t column;                      /* joined: see struct sql_join */
	size_t found;
	struct value *values; /* joined: owned */
};

/* Grows on demand: a tree tells the number of its embeds by their numbers only. */
static struct sqlite_embed *embed_at(struct sqlite_source *source, size_t number)
{
	if (number >= source->count) {
		size_t count = source->count == 0 ? FIRST_EMBEDS : source->count * 2;
		count = count > number ? count : number + 1;
		struct sqlite_embed *embeds = alloc_zeroed(count, sizeof(*embeds));
		for (size_t i = 0; i < source->count; i++) {
			embeds[i] = source->embeds[i];
		}
		free(source->embeds);
		source->embeds = embeds;
		source->count = count;
	}
	return &source->embeds[number];
}

void sqlite_source_joined(struct sqlite_source *source, struct sqlite_statement *statement,
						  const struct sql *sql)
{
	for (size_t i = 0; i < sql->join_count; i++) {
		const struct sql_join *join = &sql->joins[i];
		struct sqlite_embed *state = embed_at(source, join->embed->number);
		state->statement = statement;
		state->joined = true;
		state->column = join->column;
		state->found = join->found;
		if (state->values == NULL) {
			state->values = alloc_zeroed(join->embed->query.fetch_count + 1, sizeof(struct value));
		}
	}
}

static bool prepare(struct sqlite_source *source, const struct query_embed *embed,
					const struct value *keys, struct sqlite_embed *state)
{
	struct sqlite_conn *conn = source->conn;
	sql_clear(&conn->sql);
	sql_embed(&conn->sql, embed, keys);
	state->keys_at = conn->sql.keys_at;
	state->statement = sqlite_conn_prepare_sql(conn, source->error);
	struct sqlite_statement *statement = state->statement;
	source->rc = statement == NULL ? SQLITE_ERROR : SQLITE_OK;
	if (statement == NULL) {
		return false;
	}
	sqlite_source_joined(source, statement, &conn->sql);
	return true;
}

static bool open_rows(struct row_source *base, const struct query_embed *embed,
					  const struct value *keys)
{
	struct sqlite_source *source = (struct sqlite_source *)base;
	struct sqlite_embed *state = embed_at(source, embed->number);
	if (state->statement == NULL) {
		return prepare(source, embed, keys, state);
	}
	if (state->joined) {
		int found = sqlite3_column_type(state->statement->stmt, (int)state->found);
		state->pending = found != SQLITE_NULL;
		return true;
	}
	for (size_t i = 0; i < embed->relation->from_fields.count; i++) {
		int place = (int)(state->keys_at + i) + 1;
		source->rc = sqlite_bind(state->statement->stmt, place, &keys[i]);
		if (source->rc != SQLITE_OK) {
			return sqlite_fail(source->conn, source->error);
		}
	}
	return true;
}

static enum row_step take_joined(const struct query_embed *embed, struct sqlite_embed *state,
								 const struct value **ret_values)
{
	if (!state->pending) {
		return ROW_NONE;
	}
	state->pending = false;
	for (size_t i = 0; i < embed->query.fetch_count; i++) {
		sqlite_column(state->statement, (int)(state->column + i), embed->query.fetch[i].type,
					  &state->values[i]);
	}
	*ret_values = state->values;
	return ROW_HERE;
}

static enum row_step next_row(struct row_source *base, const struct query_embed *embed,
							  const struct value **ret_values)
{
	struct sqlite_source *source = (struct sqlite_source *)base;
	struct sqlite_embed *state = &source->embeds[embed->number];
	struct sqlite_statement *statement = state->statement;
	if (state->joined) {
		return take_joined(embed, state, ret_values);
	}
	if (source->between != NULL && !source->between(source->context)) {
		source->rc = SQLITE_TOOBIG;
		return ROW_FAILED;
	}
	int rc = sqlite3_step(statement->stmt);
	if (rc == SQLITE_ROW) {
		*ret_values = sqlite_row(statement, &embed->query);
		return ROW_HERE;
	}
	if (rc != SQLITE_DONE) {
		source->rc = rc;
		sqlite_fail(source->conn, source->error);
		return ROW_FAILED;
	}
	return ROW_NONE;
}

static void close_rows(struct row_source *base, const struct query_embed *embed)
{
	struct sqlite_source *source = (struct sqlite_source *)base;
	if (!source->embeds[embed->number].joined) {
		sqlite3_reset(source->embeds[embed->number].statement->stmt);
	}
}

void sqlite_source_init(struct sqlite_source *source, struct sqlite_conn *conn, struct error *error)
{
	*source = (struct sqlite_source){
		.base = {.open = open_rows, .next = next_row, .close = close_rows},
		.conn = conn,
		.error = error,
	};
}

void sqlite_source_finish(struct sqlite_source *source)
{
	for (size_t i = 0; i < source->count; i++) {
		if (!source->embeds[i].joined) {
			sqlite_conn_release(source->conn, source->embeds[i].statement);
		}
		free(source->embeds[i].values);
	}
	free(source->embeds);
	source->embeds = NULL;
	source->count = 0;
}
