/*
 * DESIGN. The statement of an embed is prepared when its first parent row asks for it, and stays
 * until the read ends; each parent row binds its keys and runs it anew. An index over the child's
 * foreign key makes that a search, and a limit per parent costs what it gives. (SQLite makes such
 * indexes for keys only: `index:` of the service file is for the others.)
 */
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "store/sqlite_priv.h"

enum { FIRST_EMBEDS = 8 };

struct sqlite_embed {
	struct sqlite_statement *statement; /* NULL: not prepared yet */
	size_t keys_at;                     /* the first placeholder of the keys, from 0 */
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

static bool prepare(struct sqlite_source *source, const struct query_embed *embed,
					const struct value *keys, struct sqlite_embed *state)
{
	struct sqlite_conn *conn = source->conn;
	sql_clear(&conn->sql);
	sql_embed(&conn->sql, embed, keys);
	state->keys_at = conn->sql.keys_at;
	state->statement = sqlite_conn_prepare_sql(conn, source->error);
	source->rc = state->statement == NULL ? SQLITE_ERROR : SQLITE_OK;
	return state->statement != NULL;
}

static bool open_rows(struct row_source *base, const struct query_embed *embed,
					  const struct value *keys)
{
	struct sqlite_source *source = (struct sqlite_source *)base;
	struct sqlite_embed *state = embed_at(source, embed->number);
	if (state->statement == NULL) {
		return prepare(source, embed, keys, state);
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

static enum row_step next_row(struct row_source *base, const struct query_embed *embed,
							  const struct value **ret_values)
{
	struct sqlite_source *source = (struct sqlite_source *)base;
	struct sqlite_statement *statement = source->embeds[embed->number].statement;
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
	sqlite3_reset(source->embeds[embed->number].statement->stmt);
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
		sqlite_conn_release(source->conn, source->embeds[i].statement);
	}
	free(source->embeds);
	source->embeds = NULL;
	source->count = 0;
}
