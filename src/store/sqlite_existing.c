/*
 * DESIGN. A database that is only read belongs to somebody else, who may be writing it: it is opened
 * read-only through SQLite's ordinary VFS, with the locks that all its users share. SQLite then
 * writes neither the file nor its logs; of a database in WAL mode it needs the index that readers
 * and writers share (FILE-shm), and makes it when it is not there. Where it cannot (a folder that
 * may not be written) and no log is there either, nobody has the database open, and it is taken as
 * it is: `immutable`.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "store/sqlite_describe.h"
#include "store/sqlite_priv.h"

enum { BUSY_MS = 1000 };

/* `file:PATH`, in which `?`, `#` and `%` mean something. */
static const char *make_uri(struct arena *arena, const char *path, bool immutable)
{
	struct buf uri;
	buf_init(&uri, SIZE_MAX);
	buf_append(&uri, STR("file:"));
	for (const char *c = path; *c != '\0'; c++) {
		if (*c == '?' || *c == '#' || *c == '%') {
			buf_printf(&uri, "%%%02X", (unsigned)(unsigned char)*c);
		} else {
			buf_append_byte(&uri, *c);
		}
	}
	buf_append(&uri, immutable ? STR("?immutable=1") : STR(""));
	const char *copy = arena_copy(arena, buf_str(&uri)).ptr;
	buf_finish(&uri);
	return copy;
}

int sqlite_existing_connect(const char *uri, sqlite3 **ret_db)
{
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
		SQLITE_OPEN_URI;
	int rc = sqlite3_open_v2(uri, ret_db, flags, "unix");
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(*ret_db, BUSY_MS);
		rc = sqlite3_db_config(*ret_db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	}
	return rc;
}

/* ---- what can be wrong ---- */

static bool fail_log(const char *path, struct error *error)
{
	error_set(error, ERROR_CONFIG,
			  "the database %s was not closed well: its log must be written "
			  "into it before it can be read",
			  path);
	return error_hint(error, "open it once with the program that it belongs to");
}

static bool explain(const char *path, int rc, int number, struct error *error)
{
	struct stat status;
	if (stat(path, &status) != 0) {
		error_set(error, ERROR_CONFIG, "the database %s cannot be opened: %s", path,
				  strerror(errno));
		return error_hint(error, "name a file that is there and may be read: sqlite:FILE");
	}
	if (!S_ISREG(status.st_mode)) {
		return error_set(error, ERROR_CONFIG, "the database %s is not a file", path);
	}
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return sqlite_fail_in_use(path, error);
	case SQLITE_NOTADB:
		error_set(error, ERROR_CONFIG, "%s is not an SQLite database", path);
		return error_hint(error, "choose another file; an encrypted one cannot be read");
	case SQLITE_CORRUPT:
		error_set(error, ERROR_STORE, "the database %s is damaged", path);
		return error_hint(error, "restore it, or see what `sqlite3 FILE .recover` finds");
	case SQLITE_READONLY:
		return fail_log(path, error);
	case SQLITE_CANTOPEN:
		if (number == 0 || number == ENOENT) {
			return fail_log(path, error);
		}
		break;
	default:
		break;
	}
	error_set(error, ERROR_STORE, "the database %s cannot be opened: %s", path,
			  number != 0 ? strerror(number) : sqlite3_errstr(rc));
	return false;
}

/* ---- opening ---- */

/* Opens it and reads something, which takes the locks and finds the log. */
static int try_open(const char *uri, sqlite3 **ret_db, int *ret_errno)
{
	int rc = sqlite_existing_connect(uri, ret_db);
	if (rc == SQLITE_OK) {
		rc = sqlite3_exec(*ret_db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
	}
	*ret_errno = rc == SQLITE_OK ? 0 : sqlite3_system_errno(*ret_db);
	if (rc != SQLITE_OK) {
		sqlite3_close(*ret_db);
		*ret_db = NULL;
	}
	return rc;
}

static bool has_log(struct arena *arena, const char *path)
{
	struct stat status;
	const char *log = arena_printf(arena, "%s-wal", path).ptr;
	return stat(log, &status) == 0 && status.st_size > 0;
}

/* Returns the connection; *ret_uri is arena. */
static sqlite3 *open_existing(const char *path, struct arena *arena, const char **ret_uri,
							  struct error *error)
{
	sqlite3 *db = NULL;
	int number = 0;
	*ret_uri = make_uri(arena, path, false);
	int rc = try_open(*ret_uri, &db, &number);
	bool no_room = rc == SQLITE_READONLY_DIRECTORY || (rc & 0xff) == SQLITE_CANTOPEN;
	if (no_room && !has_log(arena, path)) {
		int other = 0;
		const char *uri = make_uri(arena, path, true);
		if (try_open(uri, &db, &other) == SQLITE_OK) {
			*ret_uri = uri;
			return db;
		}
	}
	if (rc != SQLITE_OK) {
		explain(path, rc, number, error);
		return NULL;
	}
	return db;
}

const char *sqlite_existing_uri(const char *path, struct arena *arena, struct error *error)
{
	const char *uri = NULL;
	sqlite3 *db = open_existing(path, arena, &uri, error);
	sqlite3_close(db);
	return db != NULL ? uri : NULL;
}

bool sqlite_existing_describe(const char *path, const struct describe_options *options,
							  struct buf *yaml, struct error *error)
{
	struct arena arena;
	const char *uri = NULL;
	arena_init(&arena, KIB(4));
	sqlite3 *db = open_existing(path, &arena, &uri, error);
	bool ok = db != NULL && sqlite_describe(db, options, yaml, error);
	if (ok && options->keeps_answers != NULL) {
		*options->keeps_answers = sqlite_schema_keeps_answers(db);
	}
	sqlite3_close(db);
	arena_finish(&arena);
	return ok;
}

/* ---- versions ---- */

bool sqlite_existing_version(struct sqlite_store *store, uint64_t *ret_version)
{
	struct sqlite_conn *conn = &store->writer.conn;
	bool known = false;
	pthread_mutex_lock(&store->mutex);
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, STR("PRAGMA data_version"),
															 NULL);
	if (statement != NULL && sqlite3_step(statement->stmt) == SQLITE_ROW) {
		uint64_t parts[2] = {store->versions.start,
							 (uint64_t)sqlite3_column_int64(statement->stmt, 0)};
		*ret_version = siphash(store->versions.seed, parts, sizeof(parts));
		known = true;
	}
	sqlite_conn_release(conn, statement);
	pthread_mutex_unlock(&store->mutex);
	return known;
}
