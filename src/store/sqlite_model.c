/*
 * DESIGN. A database of ours keeps what its columns alone do not say (decimal, boolean, uuid, json,
 * allowed values, who may write what) in `_rl_model`: one row, the `resources:` of the service file
 * as the model says them. It is for whoever opens the database without that file; a service file
 * always wins over it.
 */
#include "model/model_write.h"
#include "model/yaml.h"
#include "query/compile.h"
#include "store/sqlite_priv.h"

static const char table[] = "CREATE TABLE IF NOT EXISTS _rl_model (text TEXT) STRICT";

/* Puts `text` in the place of what the table holds. */
static bool put(struct sqlite_conn *conn, struct str text, struct error *error)
{
	struct sqlite_statement *statement = NULL;
	const struct value value = {.kind = VALUE_TEXT, .text = text};
	if (sqlite_conn_run(conn, STR("DELETE FROM _rl_model")) != SQLITE_OK) {
		return sqlite_fail(conn, error);
	}
	statement = sqlite_conn_prepare(conn, STR("INSERT INTO _rl_model (text) VALUES (?1)"), error);
	if (statement == NULL) {
		return false;
	}
	bool ok = sqlite_bind(statement->stmt, 1, &value) == SQLITE_OK &&
		sqlite3_step(statement->stmt) == SQLITE_DONE;
	ok = ok || sqlite_fail(conn, error);
	sqlite_conn_release(conn, statement);
	return ok;
}

bool sqlite_model_put(struct sqlite_conn *conn, struct str text, struct error *error)
{
	return sqlite_conn_exec(conn, table, error) && put(conn, text, error);
}

bool sqlite_model_make(struct sqlite_conn *conn, const struct model *model, struct error *error)
{
	struct buf text;
	buf_init(&text, YAML_MAX_BYTES);
	model_write_resources(model, &text);
	bool ok = text.failed || sqlite_model_put(conn, buf_str(&text), error);
	buf_finish(&text);
	return ok;
}

bool sqlite_model_read(sqlite3 *db, struct buf *text)
{
	sqlite3_stmt *stmt = NULL;
	bool found = false;
	if (sqlite3_prepare_v2(db, "SELECT text FROM _rl_model", -1, &stmt, NULL) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) == SQLITE_TEXT) {
		const char *ptr = (const char *)sqlite3_column_text(stmt, 0);
		buf_append(text, (struct str){ptr, (size_t)sqlite3_column_bytes(stmt, 0)});
		found = sqlite3_step(stmt) == SQLITE_DONE && !text->failed;
	}
	sqlite3_finalize(stmt);
	return found;
}

struct model *sqlite_model_load(sqlite3 *db)
{
	struct model *model = NULL;
	struct buf text;
	buf_init(&text, YAML_MAX_BYTES);
	buf_append(&text, STR("service: own\n"));
	if (sqlite_model_read(db, &text)) {
		struct model_report report;
		model_report_init(&report);
		model = model_parse(buf_str(&text), STR("_rl_model"), NULL, &report);
		if (model != NULL && !query_compile(model, &report)) {
			model_destroy(model);
			model = NULL;
		}
		model_report_finish(&report);
	}
	buf_finish(&text);
	return model;
}

bool sqlite_model_update(struct sqlite_conn *conn, const struct model *model, struct error *error)
{
	struct buf before;
	struct buf text;
	bool ok = true;
	buf_init(&before, YAML_MAX_BYTES);
	buf_init(&text, YAML_MAX_BYTES);
	model_write_resources(model, &text);
	if (sqlite_model_read(conn->db, &before) && !text.failed &&
		!str_equal(buf_str(&before), buf_str(&text))) {
		ok = sqlite_conn_run(conn, STR("BEGIN IMMEDIATE")) == SQLITE_OK || sqlite_fail(conn, error);
		if (ok && !put(conn, buf_str(&text), error)) {
			sqlite_conn_run(conn, STR("ROLLBACK"));
			ok = false;
		}
		ok = ok && (sqlite_conn_run(conn, STR("COMMIT")) == SQLITE_OK || sqlite_fail(conn, error));
	}
	buf_finish(&before);
	buf_finish(&text);
	return ok;
}
