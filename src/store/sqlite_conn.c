/*
 * DESIGN. A statement is kept under its text. The text of a query depends on its shape only, values
 * are parameters, so a service has few of them; the last used stand in front, and beyond
 * STATEMENTS_KEPT the one that was not used for longest goes. Texts that a client can make long
 * (a list of 10,000 values) are not kept at all.
 *
 * Connections of a store that writes are never opened read-only, though readers refuse to write
 * (query_only): under `unix-excl` the process owns the file through one POSIX write lock, and a
 * lock taken through a read-only descriptor would turn it into a read lock.
 */
#include "store/sqlite_priv.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "store/sqlite_many.h"

enum { BUSY_MS = 2000, SQL_MAX_BYTES = 16 << 20, ODD_BYTES = 1024 };

static const char pragmas_all[] = "PRAGMA synchronous=FULL;"
								  "PRAGMA wal_autocheckpoint=0;"
								  "PRAGMA foreign_keys=ON;"
								  "PRAGMA recursive_triggers=OFF;"
								  "PRAGMA temp_store=MEMORY;"
								  "PRAGMA trusted_schema=OFF;"
								  "PRAGMA secure_delete=OFF;"
								  "PRAGMA cell_size_check=OFF;";

/* No memory map: through it a failed read of the disk would end the process by SIGBUS, and there is
 * nothing to gain. (Measured, lists of 20 rows out of 200,000, CPU of one: 3.9 us either way; right
 * after a commit, which empties a reader's cache, 8.6 us without the map and 10.2 with it.) */
static const char pragmas_reader[] = "PRAGMA mmap_size=0;"
									 "PRAGMA cache_size=-4096;"
									 "PRAGMA query_only=ON;";

static const char pragmas_writer[] = "PRAGMA journal_size_limit=67108864;"
									 "PRAGMA cache_size=-16384;";

bool sqlite_conn_exec(struct sqlite_conn *conn, const char *text, struct error *error)
{
	return sqlite3_exec(conn->db, text, NULL, NULL, NULL) == SQLITE_OK || sqlite_fail(conn, error);
}

static int open_file(const struct sqlite_store *store, enum sqlite_role role, sqlite3 **ret_db)
{
	if (store->backing != NULL) {
		return sqlite3_open_v2(":memory:", ret_db,
							   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
							   NULL);
	}
	if (store->read_uri != NULL) {
		return sqlite_existing_connect(store->read_uri, ret_db);
	}
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	if (role == ROLE_WRITER && !store->existing) {
		flags |= SQLITE_OPEN_CREATE;
	}
	return sqlite3_open_v2(store->path, ret_db, flags, sqlite_vfs_name(store->vfs));
}

bool sqlite_conn_open(struct sqlite_conn *conn, const struct sqlite_store *store,
					  enum sqlite_role role, struct error *error)
{
	*conn = (struct sqlite_conn){.db = NULL};
	map_init(&conn->statements);
	conn->function_error = alloc_zeroed(1, sizeof(*conn->function_error));
	sql_init(&conn->sql, &sql_dialect_sqlite, SQL_MAX_BYTES);
	conn->sql.indexed = &store->full_text;
	/* What others may write may be unlike its index. */
	conn->sql.searches = store->read_uri == NULL && store->backing == NULL;
	conn->backing = store->backing;
	if (open_file(store, role, &conn->db) != SQLITE_OK) {
		return sqlite_fail(conn, error);
	}
	/* The writer waits for nobody: that another process has the file is to be said at once. */
	sqlite3_busy_timeout(conn->db, role == ROLE_WRITER ? 0 : BUSY_MS);
	sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_limit(conn->db, SQLITE_LIMIT_ATTACHED, 0);
	if (!sqlite_functions_add(conn) || (role == ROLE_WRITER && !sqlite_many_add(conn))) {
		return sqlite_fail(conn, error);
	}
	return sqlite_conn_exec(conn, pragmas_all, error) &&
		(store->backing == NULL || store->backing->connect(store, conn, error)) &&
		sqlite_conn_exec(conn, role == ROLE_WRITER ? pragmas_writer : pragmas_reader, error);
}

static void unlink_statement(struct sqlite_conn *conn, struct sqlite_statement *statement)
{
	if (statement->newer != NULL) {
		statement->newer->older = statement->older;
	} else {
		conn->newest = statement->older;
	}
	if (statement->older != NULL) {
		statement->older->newer = statement->newer;
	} else {
		conn->oldest = statement->newer;
	}
	statement->newer = NULL;
	statement->older = NULL;
}

static void link_newest(struct sqlite_conn *conn, struct sqlite_statement *statement)
{
	statement->older = conn->newest;
	if (conn->newest != NULL) {
		conn->newest->newer = statement;
	} else {
		conn->oldest = statement;
	}
	conn->newest = statement;
}

static void destroy_statement(struct sqlite_statement *statement)
{
	sqlite3_finalize(statement->stmt);
	free(statement->values);
	arena_finish(&statement->odd);
	free(statement);
}

static void forget(struct sqlite_conn *conn, struct sqlite_statement *oldest)
{
	assert(!oldest->used);
	map_remove(&conn->statements, oldest->text);
	unlink_statement(conn, oldest);
	conn->count--;
	destroy_statement(oldest);
}

void sqlite_conn_close(struct sqlite_conn *conn)
{
	if (conn->db == NULL && conn->sql.dialect == NULL) {
		return;
	}
	assert(conn->open == 0);
	while (conn->oldest != NULL) {
		forget(conn, conn->oldest);
	}
	map_finish(&conn->statements);
	sql_finish(&conn->sql);
	int rc = sqlite3_close(conn->db);
	assert(rc == SQLITE_OK);
	if (conn->backing != NULL) {
		conn->backing->disconnect(conn->tables);
	}
	free(conn->function_error);
	*conn = (struct sqlite_conn){.db = NULL};
}

static struct sqlite_statement *find_kept(struct sqlite_conn *conn, struct str text)
{
	struct sqlite_statement *newest = conn->newest;
	if (newest != NULL && str_equal(newest->text, text)) {
		return newest;
	}
	return map_get(&conn->statements, text);
}

/* False when all that are kept are used: those of one tree of embeds may be many. */
static bool make_room(struct sqlite_conn *conn)
{
	struct sqlite_statement *oldest = conn->oldest;
	if (conn->count < STATEMENTS_KEPT) {
		return true;
	}
	while (oldest != NULL && oldest->used) {
		oldest = oldest->newer;
	}
	if (oldest != NULL) {
		forget(conn, oldest);
	}
	return oldest != NULL;
}

/* `known`: one of this text is kept already. */
static struct sqlite_statement *prepare_new(struct sqlite_conn *conn, struct str text, bool known,
											struct error *error)
{
	bool keep = text.len <= STATEMENT_KEPT_BYTES && make_room(conn) && !known;
	sqlite3_stmt *stmt = NULL;
	/* A constant text of ours may be wrong only by mistake; a query's may pass a limit. */
	int rc = text.len > INT32_MAX
		? SQLITE_TOOBIG
		: sqlite3_prepare_v3(conn->db, text.ptr, (int)text.len,
							 keep ? SQLITE_PREPARE_PERSISTENT : 0, &stmt, NULL);
	if (rc != SQLITE_OK) {
		sqlite_fail(conn, error);
		return NULL;
	}
	struct sqlite_statement *statement = alloc_zeroed(1,
													  sizeof(*statement) + (keep ? text.len : 0));
	statement->stmt = stmt;
	statement->kept = keep;
	arena_init(&statement->odd, ODD_BYTES);
	if (keep) {
		char *copy = (char *)(statement + 1);
		memcpy(copy, text.ptr, text.len);
		statement->text = (struct str){copy, text.len};
		map_put(&conn->statements, statement->text, statement);
		link_newest(conn, statement);
		conn->count++;
	}
	return statement;
}

struct sqlite_statement *sqlite_conn_prepare(struct sqlite_conn *conn, struct str text,
											 struct error *error)
{
	struct sqlite_statement *statement = find_kept(conn, text);
	if (statement == NULL || statement->used) {
		statement = prepare_new(conn, text, statement != NULL, error);
		if (statement == NULL) {
			return NULL;
		}
	} else if (statement != conn->newest) {
		unlink_statement(conn, statement);
		link_newest(conn, statement);
	}
	assert(!sqlite3_stmt_busy(statement->stmt));
	statement->used = true;
	conn->open++;
	return statement;
}

struct sqlite_statement *sqlite_conn_prepare_sql(struct sqlite_conn *conn, struct error *error)
{
	if (conn->sql.text.failed) {
		error_set(error, ERROR_PARSE, "The query is too large");
		return NULL;
	}
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, buf_str(&conn->sql.text), error);
	if (statement != NULL && !sqlite_bind_params(conn, statement->stmt, error)) {
		sqlite_conn_release(conn, statement);
		return NULL;
	}
	return statement;
}

void sqlite_conn_release(struct sqlite_conn *conn, struct sqlite_statement *statement)
{
	if (statement == NULL) {
		return;
	}
	assert(conn->open > 0);
	conn->open--;
	statement->used = false;
	if (statement->has_odd) {
		arena_reset(&statement->odd);
		statement->has_odd = false;
	}
	if (statement->kept) {
		sqlite3_reset(statement->stmt);
	} else {
		destroy_statement(statement);
	}
}

int sqlite_conn_run(struct sqlite_conn *conn, struct str text)
{
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, text, NULL);
	if (statement == NULL) {
		return sqlite3_extended_errcode(conn->db);
	}
	/* The steps of a kept statement add up over its runs, and with them the progress handler's turn
	 * comes, which may interrupt. What begins and ends transactions has a few steps: from 0 on it
	 * is never its turn. */
	(void)sqlite3_stmt_status(statement->stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
	int rc = sqlite3_step(statement->stmt);
	sqlite_conn_release(conn, statement);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
