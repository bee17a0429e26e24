#include "store/sqlite_priv.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/sqlite_log.h"

enum { ARENA_BYTES = 4096, WAL_FRAME_HEADER_BYTES = 24, PATH_BYTES = 4096 };

/* All connections of the process share the file; the WAL's index is in memory. */
static const char vfs_default[] = "unix-excl";

bool sqlite_thread_start(pthread_t *ret_thread, void *(*main)(void *context), void *context)
{
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int status = pthread_create(ret_thread, NULL, main, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status == 0;
}

/* ---- whose file it is ---- */

/* Another store of this process: SQLite would let it in. To look for it costs no lock, while
 * opening and closing the file would drop those that the process has. */
static bool is_open_here(const char *path)
{
	struct stat file;
	DIR *folder = stat(path, &file) == 0 ? opendir("/proc/self/fd") : NULL;
	if (folder == NULL) {
		return false;
	}
	bool found = false;
	const struct dirent *entry;
	while (!found && (entry = readdir(folder)) != NULL) {
		struct stat other;
		found = fstatat(dirfd(folder), entry->d_name, &other, 0) == 0 &&
			other.st_dev == file.st_dev && other.st_ino == file.st_ino;
	}
	closedir(folder);
	return found;
}

/* The process that holds SQLite's lock on the file; 0 when that is not known. Only to be called
 * while this process has the file open nowhere else. */
static pid_t find_owner(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return 0;
	}
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int status = fcntl(fd, F_GETLK, &lock);
	close(fd);
	return status == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0 ? lock.l_pid : 0;
}

bool sqlite_fail_in_use(const char *path, struct error *error)
{
	pid_t owner = is_open_here(path) ? 0 : find_owner(path);
	if (owner > 0) {
		error_set(error, ERROR_STORE, "the database %s is in use by another process (pid %ld)",
				  path, (long)owner);
	} else {
		error_set(error, ERROR_STORE, "the database %s is in use by another process", path);
	}
	return error_hint(error,
					  "one process owns a database file: stop the other one, or give this "
					  "service a file of its own");
}

/* ---- opening ---- */

/* Says why a file cannot be opened; the connection is closed by then. */
static bool explain(const struct sqlite_store *store, int rc, int number, struct error *error)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return sqlite_fail_in_use(store->path, error);
	case SQLITE_NOTADB:
		error_set(error, ERROR_CONFIG, "%s is not an SQLite database", store->path);
		return error_hint(error, "choose another file in `store:`");
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		error_set(error, ERROR_CONFIG, "cannot open the database %s: %s", store->path,
				  number != 0 ? strerror(number) : "it cannot be written");
		return error_hint(error, "the file and its folder must be writable");
	default:
		error_set(error, ERROR_STORE, "cannot open the database %s: %s", store->path,
				  sqlite3_errstr(rc));
		return number != 0 ? error_details(error, "%s", strerror(number)) : false;
	}
}

static bool check_path(const struct sqlite_store *store, struct error *error)
{
	char folder[PATH_BYTES];
	const char *slash = strrchr(store->path, '/');
	assert(slash != NULL);
	size_t len = slash == store->path ? 1 : (size_t)(slash - store->path);
	if (len >= sizeof(folder)) {
		return error_set(error, ERROR_CONFIG, "the path of the database is too long");
	}
	memcpy(folder, store->path, len);
	folder[len] = '\0';
	struct stat status;
	if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode)) {
		error_set(error, ERROR_CONFIG, "the folder %s of the database is not there", folder);
		return error_hint(error, "make it, or choose another file in `store:`");
	}
	if (stat(store->path, &status) == 0 && !S_ISREG(status.st_mode)) {
		return error_set(error, ERROR_CONFIG, "the database %s is not a file", store->path);
	}
	if (is_open_here(store->path)) {
		error_set(error, ERROR_CONFIG, "the database %s is used by two services", store->path);
		return error_hint(error, "give each service a file of its own");
	}
	return true;
}

/* The names of new files are on the disk, too. */
static bool sync_folder(const struct sqlite_store *store, struct error *error)
{
	const char *slash = strrchr(store->path, '/');
	char folder[PATH_BYTES];
	size_t len = (size_t)(slash - store->path) + 1;
	memcpy(folder, store->path, len);
	folder[len] = '\0';
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (!ok) {
		error_set(error, ERROR_STORE, "cannot sync the folder %s: %s", folder, strerror(errno));
	}
	if (fd >= 0) {
		close(fd);
	}
	return ok;
}

/* Runs a pragma to its end, since that is when what it changes is written; gives its last answer as
 * a number or as a text. */
static bool run_pragma(struct sqlite_conn *conn, struct str text, int64_t *ret_number,
					   bool *ret_is_wal)
{
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, text, NULL);
	int rc = SQLITE_ERROR;
	while (statement != NULL && (rc = sqlite3_step(statement->stmt)) == SQLITE_ROW) {
		*ret_number = sqlite3_column_int64(statement->stmt, 0);
		const char *answer = (const char *)sqlite3_column_text(statement->stmt, 0);
		*ret_is_wal = answer != NULL && str_equal(str_from(answer), STR("wal"));
	}
	sqlite_conn_release(conn, statement);
	return rc == SQLITE_DONE;
}

/* Takes the file: whoever has it already keeps it. */
static bool take_file(struct sqlite_store *store, struct error *error)
{
	struct sqlite_conn *conn = &store->writer.conn;
	int64_t number = 0;
	bool is_wal = false;
	bool ok = sqlite_conn_open(conn, store, ROLE_WRITER, error) &&
		run_pragma(conn, STR("PRAGMA journal_mode=WAL"), &number, &is_wal) &&
		run_pragma(conn, STR("PRAGMA journal_mode"), &number, &is_wal) && is_wal &&
		run_pragma(conn, STR("PRAGMA page_size"), &number, &is_wal);
	if (!ok) {
		int rc = sqlite3_extended_errcode(conn->db);
		int system = sqlite3_system_errno(conn->db);
		sqlite_conn_close(conn);
		/* Without an error it is a file that cannot be in WAL mode. */
		bool said = rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE;
		return explain(store, said ? rc : SQLITE_CANTOPEN, system, error);
	}
	store->writer.page_bytes = (uint64_t)number + WAL_FRAME_HEADER_BYTES;
	return true;
}

/* A failed sync before the last end may have left pages in the kernel's memory that look written:
 * all of the WAL is written again and synced before anyone is told what it holds. */
static bool recover(struct sqlite_store *store, struct error *error)
{
	if (!sqlite_log_rewrite(store->path, error)) {
		return false;
	}
	if (sqlite_writer_settle(&store->writer, error)) {
		return true;
	}
	int rc = sqlite3_extended_errcode(store->writer.conn.db);
	if ((rc & 0xff) == SQLITE_BUSY) {
		return sqlite_fail_in_use(store->path, error);
	}
	error_set(error, ERROR_STORE, "the database %s could not be recovered: %s", store->path,
			  sqlite3_errstr(rc));
	return error_hint(error, "nothing is served before the write-ahead log is safely in the file");
}

static struct str *copy_names(struct sqlite_store *store, const struct field_list *fields)
{
	struct str *names = ARENA_ARRAY(&store->arena, fields->count, struct str);
	for (size_t i = 0; i < fields->count; i++) {
		names[i] = arena_copy(&store->arena, fields->items[i]->name);
	}
	return names;
}

static void copy_references(struct sqlite_store *store, const struct model *model)
{
	size_t count = 0;
	for (size_t r = 0; r < model->resource_count; r++) {
		count += model->resources[r].reference_count;
	}
	store->references = ARENA_ARRAY(&store->arena, count, struct sqlite_reference);
	for (size_t r = 0; r < model->resource_count; r++) {
		const struct resource *resource = &model->resources[r];
		for (size_t i = 0; i < resource->reference_count; i++) {
			const struct reference *reference = &resource->references[i];
			store->references[store->reference_count++] = (struct sqlite_reference){
				.name = arena_copy(&store->arena, reference->name),
				.child = arena_copy(&store->arena, resource->name),
				.parent = arena_copy(&store->arena, reference->target->name),
				.count = reference->fields.count,
				.child_fields = copy_names(store, &reference->fields),
				.parent_fields = copy_names(store, &reference->target_fields),
			};
		}
	}
}

static const char *copy_path(struct arena *arena, struct str location)
{
	/* Never `file:…` nor `:memory:`, which SQLite would read otherwise. */
	bool plain = str_find(location, '/', 0) == 0;
	return arena_printf(arena, "%s%.*s", plain ? "" : "./", STR_ARG(location)).ptr;
}

static bool open_file(struct sqlite_store *store, const struct model *model, const char *vfs,
					  struct error *error)
{
	store->vfs = sqlite_vfs_create(vfs);
	if (store->vfs == NULL) {
		return error_set(error, ERROR_CONFIG, "this SQLite has no VFS %s", vfs);
	}
	struct sqlite_conn *conn = &store->writer.conn;
	return check_path(store, error) && take_file(store, error) && recover(store, error) &&
		(store->existing ? sqlite_schema_compare(conn, model, true, error)
						 : sqlite_schema_make(conn, model, error)) &&
		sync_folder(store, error);
}

/* The writer's connection only looks for what others write. */
static bool open_reader(struct sqlite_store *store, const struct model *model, struct error *error)
{
	struct sqlite_conn *conn = &store->writer.conn;
	store->read_uri = sqlite_existing_uri(store->path, &store->arena, error);
	return store->read_uri != NULL && sqlite_conn_open(conn, store, ROLE_READER, error) &&
		sqlite3_busy_timeout(conn->db, 0) == SQLITE_OK &&
		sqlite_schema_compare(conn, model, true, error);
}

/* The tables of FTS5. One that is not found here is searched row by row. */
static void find_full_text(struct sqlite_store *store)
{
	static const char text[] = "SELECT name FROM sqlite_schema WHERE type='table' AND "
							   "sql LIKE 'create virtual table%using%fts5%'";
	sqlite3_stmt *stmt;
	if (sqlite3_prepare_v2(store->writer.conn.db, text, -1, &stmt, NULL) == SQLITE_OK) {
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			struct str *name = ARENA_NEW(&store->arena, struct str);
			*name = arena_copy(&store->arena,
							   (struct str){(const char *)sqlite3_column_text(stmt, 0),
											(size_t)sqlite3_column_bytes(stmt, 0)});
			map_put(&store->full_text, *name, name);
		}
	}
	sqlite3_finalize(stmt);
}

static void free_store(struct sqlite_store *store)
{
	map_finish(&store->full_text);
	sqlite_search_destroy(store->search);
	sqlite_versions_finish(&store->versions);
	sqlite_conn_close(&store->writer.conn);
	sqlite_vfs_destroy(store->vfs);
	arena_finish(&store->arena);
	free(store);
}

/* ON CONFLICT FAIL and RAISE(FAIL, …) keep what a statement did before it failed. A name that holds
 * the word does no harm. */
static bool may_leave_halves(sqlite3 *db)
{
	static const char text[] = "SELECT 1 FROM sqlite_schema WHERE sql LIKE '%fail%'";
	sqlite3_stmt *stmt;
	bool none = sqlite3_prepare_v2(db, text, -1, &stmt, NULL) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_DONE;
	sqlite3_finalize(stmt);
	return !none;
}

struct store *sqlite_open_vfs(const struct store_options *options, const char *vfs,
							  struct error *error)
{
	if (options->location.len == 0) {
		error_set(error, ERROR_CONFIG, "the store has no file");
		error_hint(error, "write sqlite:FILE");
		return NULL;
	}
	struct sqlite_store *store = alloc_zeroed(1, sizeof(*store));
	store->base.ops = &store_ops_sqlite;
	store->limits = *options->limits;
	store->fatal = options->fatal;
	store->context = options->context;
	arena_init(&store->arena, ARENA_BYTES);
	map_init(&store->full_text);
	store->path = copy_path(&store->arena, options->location);
	copy_references(store, options->model);

	store->existing = options->existing;
	bool ok = options->read_only ? open_reader(store, options->model, error)
								 : open_file(store, options->model, vfs, error);
	if (!ok) {
		free_store(store);
		return NULL;
	}
	store->halves = may_leave_halves(store->writer.conn.db);
	sqlite_versions_init(&store->versions, store->writer.conn.db);
	if (!options->read_only) {
		store->search = sqlite_search_create(&store->writer.conn, &store->versions, error);
		if (store->search == NULL) {
			free_store(store);
			return NULL;
		}
	}
	find_full_text(store);
	sqlite_writer_init(&store->writer, store);
	sqlite_workers_init(&store->workers, store);
	pthread_mutex_init(&store->mutex, NULL);
	return (struct store *)store;
}

/* ---- without a service ---- */

struct sqlite_store *sqlite_open_alone(struct str location, bool make, struct error *error)
{
	struct sqlite_store *store = alloc_zeroed(1, sizeof(*store));
	store->base.ops = &store_ops_sqlite;
	arena_init(&store->arena, ARENA_BYTES);
	map_init(&store->full_text);
	store->path = copy_path(&store->arena, location);
	store->vfs = sqlite_vfs_create(vfs_default);
	bool ok = store->vfs != NULL ||
		error_set(error, ERROR_CONFIG, "this SQLite has no VFS %s", vfs_default);
	if (ok && !make && access(store->path, F_OK) != 0) {
		store->path = ":memory:";
		ok = sqlite_conn_open(&store->writer.conn, store, ROLE_WRITER, error);
	} else if (ok) {
		ok = check_path(store, error) && take_file(store, error) && recover(store, error) &&
			sync_folder(store, error);
	}
	if (!ok) {
		sqlite_close_alone(store);
		return NULL;
	}
	return store;
}

void sqlite_close_alone(struct sqlite_store *store)
{
	if (store != NULL) {
		free_store(store);
	}
}

/* ---- the table of functions ---- */

static struct store *open_store(const struct store_options *options, struct error *error)
{
	/* Without these counters SQLite's allocations take no lock that all threads share. When another
	 * store was opened before it is refused, which is harmless. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	return sqlite_open_vfs(options, vfs_default, error);
}

static void close_store(struct store *base)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	assert(store->sessions == NULL);
	sqlite_workers_finish(&store->workers);
	sqlite_writer_finish(&store->writer);
	pthread_mutex_destroy(&store->mutex);
	free_store(store);
}

static bool adopt(struct store *base, const struct model *model, struct error *error)
{
	/* What the store keeps of a model are names, and they are the same when the schema is. */
	struct sqlite_store *store = (struct sqlite_store *)base;
	struct sqlite_conn conn;
	bool ok = sqlite_conn_open(&conn, store, ROLE_READER, error) &&
		sqlite_schema_compare(&conn, model, store->existing || store->read_uri != NULL, error);
	sqlite_conn_close(&conn);
	return ok;
}

static struct store_session *attach(struct store *store, struct loop *loop, struct error *error)
{
	return sqlite_session_open((struct sqlite_store *)store, loop, error);
}

static void detach(struct store_session *session)
{
	sqlite_session_close((struct sqlite_session *)session);
}

static void run(struct store_session *session, struct store_request *request)
{
	sqlite_session_run((struct sqlite_session *)session, request);
}

static void resume(struct store_session *session, struct store_request *request)
{
	(void)session;
	sqlite_work_resume(request);
}

static void cancel(struct store_session *session, struct store_request *request)
{
	(void)session;
	sqlite_work_cancel(request);
}

static bool describe(struct str location, const struct describe_options *options, struct buf *yaml,
					 struct error *error)
{
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	const char *path = copy_path(&arena, location);
	bool ok = sqlite_existing_describe(path, options, yaml, error);
	arena_finish(&arena);
	return ok;
}

bool sqlite_version(struct sqlite_store *store, const struct query *query, uint64_t *ret_version)
{
	if (store->backing != NULL) {
		return store->backing->version(store, ret_version);
	}
	if (store->read_uri != NULL) {
		return sqlite_existing_version(store, ret_version);
	}
	return sqlite_versions_of(&store->versions, query, ret_version);
}

static void version_ask(struct store_session *session, struct store_version_request *request)
{
	uint64_t version = 0;
	bool known = sqlite_version(((struct sqlite_session *)session)->store, request->query,
								&version);
	request->done(request, known, version);
}

static void stats(const struct store *base, struct store_stats *ret_stats)
{
	/* The mutexes are not part of what the caller may not change. */
	struct sqlite_store *store = (struct sqlite_store *)(uintptr_t)base;
	sqlite_writer_stats(&store->writer, ret_stats);
	sqlite_session_stats(store, ret_stats);
}

const struct store_ops store_ops_sqlite = {
	.scheme = "sqlite",
	.open = open_store,
	.close = close_store,
	.adopt = adopt,
	.attach = attach,
	.detach = detach,
	.run = run,
	.resume = resume,
	.cancel = cancel,
	.stats = stats,
	.version_ask = version_ask,
	.transaction_run = sqlite_transaction_run,
	.describe = describe,
	.migrate = sqlite_migrate,
};
