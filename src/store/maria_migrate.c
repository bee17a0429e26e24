/*
 * DESIGN. The server commits at every statement that changes a table, so a migration cannot be one
 * transaction. Each statement is one: with it, where it can be undone, the row of `_rl_migrations`
 * counts it as done. Before it the row says that it is begun. So after a stop it is known which
 * statements are done, and of at most one, which changes tables, it is not: that one is run again,
 * and when the server says that what it makes is there already (or what it drops is gone), it was
 * done. The server does such a statement wholly or not at all.
 *
 * A database is ours when it has `_rl_model`: then tables are made what the service file says, word
 * by word. In another program's database only tables that are missing are made.
 *
 * A lock of the server is held as long as the connection lives, also by a statement that goes on
 * when its client was killed.
 */
#include "store/migrator.h"

#include <mysqld_error.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "model/model_write.h"
#include "model/yaml.h"
#include "query/compile.h"
#include "store/maria_changes.h"
#include "store/maria_priv.h"
#include "store/maria_schema.h"
#include "store/maria_script.h"

enum { ARENA_BYTES = 65536, CHANGES_BYTES = 1 << 26, STATEMENT_BYTES = 1 << 28 };

struct maria_migrator {
	struct store_migrator base;
	struct maria_store store; /* what maria_connect() asks for */
	MYSQL *db;
};

static MYSQL *database(struct store_migrator *migrator)
{
	return ((struct maria_migrator *)migrator)->db;
}

static void close_migrator(struct store_migrator *base)
{
	struct maria_migrator *migrator = (struct maria_migrator *)base;
	if (migrator->db != NULL) {
		mysql_close(migrator->db);
	}
	arena_finish(&migrator->store.arena);
	free(migrator);
}

/* ---- words of SQL ---- */

static void put_value(struct buf *sql, MYSQL *db, struct str value)
{
	buf_append_byte(sql, '\'');
	char *end = buf_reserve(sql, 2 * value.len + 1);
	if (end != NULL && value.len > 0) {
		buf_added(sql, mysql_real_escape_string(db, end, value.ptr, value.len));
	}
	buf_append_byte(sql, '\'');
}

static bool run_buf(MYSQL *db, struct buf *sql, struct error *error)
{
	bool ok = sql->failed ? error_set(error, ERROR_CONFIG, "the migration is too long to be kept")
						  : maria_schema_run(db, buf_str(sql), error);
	buf_finish(sql);
	return ok;
}

/* Is there a table, or any with an empty name? */
static bool has_table(MYSQL *db, const char *name)
{
	char text[256];
	(void)snprintf(text, sizeof(text),
				   "SELECT 1 FROM information_schema.tables WHERE table_schema=DATABASE()%s%s%s "
				   "LIMIT 1",
				   name[0] != '\0' ? " AND table_name='" : "", name, name[0] != '\0' ? "'" : "");
	MYSQL_RES *rows = maria_schema_rows(db, str_from(text), NULL);
	bool found = rows != NULL && mysql_fetch_row(rows) != NULL;
	mysql_free_result(rows);
	return found;
}

static struct str cell(struct arena *arena, MYSQL_RES *rows, MYSQL_ROW row, unsigned number)
{
	return row[number] == NULL
		? STR("")
		: arena_copy(arena, (struct str){row[number], mysql_fetch_lengths(rows)[number]});
}

static uint64_t number_of(MYSQL_ROW row, unsigned number)
{
	return row[number] != NULL ? strtoull(row[number], NULL, 10) : 0;
}

/* ---- what was applied ---- */

static const char history_table[] =
	"CREATE TABLE IF NOT EXISTS _rl_migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL, "
	"up LONGTEXT NOT NULL, down LONGTEXT NOT NULL, applied_at VARCHAR(20) NOT NULL, "
	"state VARCHAR(10) NOT NULL, done BIGINT NOT NULL, begun BIGINT NOT NULL, "
	"failure TEXT NOT NULL, model LONGTEXT NOT NULL) "
	"ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin";

/* How far a migration is. */
struct progress {
	uint64_t number;
	bool found;
	bool undoing;
	bool whole;
	struct str up;
	struct str down;
	struct str model; /* that the database kept before it */
	uint64_t done;    /* statements */
	uint64_t begun;   /* greater: that statement was under way */
	struct str failure;
};

static size_t line_of(struct str text, uint64_t statement)
{
	struct maria_script script = {.text = text};
	struct str found = {.ptr = text.ptr};
	for (uint64_t i = 0; i <= statement; i++) {
		(void)maria_script_next(&script, &found);
	}
	size_t line = 1;
	for (const char *at = text.ptr; at < found.ptr; at++) {
		line += *at == '\n' ? 1 : 0;
	}
	return line;
}

/* `statement 1 of 3 is done; statement 2 (line 7) failed: …` */
static struct str describe(const struct progress *progress, struct arena *arena)
{
	struct str text = progress->undoing ? progress->down : progress->up;
	size_t count = maria_script_count(text);
	unsigned long long done = progress->done;
	struct str before = done == 0
		? arena_printf(arena, "none of its %zu statements is done", count)
		: arena_printf(arena, "statement%s%llu of %zu %s done", done > 1 ? "s 1 to " : " ", done,
					   count, done > 1 ? "are" : "is");
	struct str what = STR("");
	if (done < count) {
		what = arena_printf(arena, "; statement %llu (line %zu) %s%.*s", done + 1,
							line_of(text, done),
							progress->failure.len > 0              ? "failed: "
								: progress->begun > progress->done ? "was under way"
																   : "comes next",
							STR_ARG(progress->failure));
	}
	return arena_printf(arena, "%s%.*s%.*s", progress->undoing ? "while it was undone: " : "",
						STR_ARG(before), STR_ARG(what));
}

static struct progress progress_of(struct arena *arena, MYSQL_RES *rows, MYSQL_ROW row)
{
	struct str state = cell(arena, rows, row, 5);
	return (struct progress){
		.number = number_of(row, 0),
		.found = true,
		.whole = str_equal(state, STR("applied")),
		.undoing = str_equal(state, STR("undoing")),
		.up = cell(arena, rows, row, 2),
		.down = cell(arena, rows, row, 3),
		.done = number_of(row, 6),
		.begun = number_of(row, 7),
		.failure = cell(arena, rows, row, 8),
		.model = cell(arena, rows, row, 9),
	};
}

static const char history_sql[] =
	"SELECT number,name,up,down,applied_at,state,done,begun,failure,model FROM _rl_migrations "
	"ORDER BY number";

static bool history(struct store_migrator *migrator, struct arena *arena,
					struct store_migration **ret_items, size_t *ret_count, struct error *error)
{
	MYSQL *db = database(migrator);
	*ret_items = NULL;
	*ret_count = 0;
	if (!has_table(db, "_rl_migrations")) {
		return true;
	}
	MYSQL_RES *rows = maria_schema_rows(db, str_from(history_sql), error);
	if (rows == NULL) {
		return false;
	}
	*ret_items = ARENA_ARRAY(arena, (size_t)mysql_num_rows(rows), struct store_migration);
	MYSQL_ROW row;
	while ((row = mysql_fetch_row(rows)) != NULL) {
		struct progress progress = progress_of(arena, rows, row);
		(*ret_items)[(*ret_count)++] = (struct store_migration){
			.number = progress.number,
			.name = cell(arena, rows, row, 1),
			.up = progress.up,
			.down = progress.down,
			.applied_at = cell(arena, rows, row, 4),
			.state = progress.whole ? STR("applied") : describe(&progress, arena),
			.undoing = progress.undoing,
		};
	}
	mysql_free_result(rows);
	return true;
}

static bool find_progress(MYSQL *db, uint64_t number, struct arena *arena,
						  struct progress *ret_progress, struct error *error)
{
	*ret_progress = (struct progress){.number = number};
	MYSQL_RES *rows = maria_schema_rows(db, str_from(history_sql), error);
	MYSQL_ROW row;
	while (rows != NULL && (row = mysql_fetch_row(rows)) != NULL) {
		if (number_of(row, 0) == number) {
			*ret_progress = progress_of(arena, rows, row);
		}
	}
	mysql_free_result(rows);
	return rows != NULL;
}

/* ---- what differs ---- */

static bool is_ours(MYSQL *db)
{
	return has_table(db, "_rl_model") || !has_table(db, "");
}

/* Of another program's database: only tables that are missing are wanted, with what stands on
 * them. */
static bool find_missing(MYSQL *db, const struct model *model, struct maria_tables *wanted,
						 struct error *error)
{
	if (!maria_schema_check_there(db, model, error)) {
		return error->code == ERROR_CONFIG &&
			error_hint(error,
					   "another program made the tables: change them by hand, or use a database "
					   "of its own");
	}
	struct maria_tables missing = {.tables = wanted->tables, .triggers = wanted->triggers};
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	MYSQL_RES *rows = maria_schema_rows(
		db,
		STR("SELECT table_name FROM information_schema.tables WHERE table_schema=DATABASE() UNION "
			"ALL SELECT trigger_name FROM information_schema.triggers WHERE "
			"trigger_schema=DATABASE()"),
		error);
	struct map there;
	map_init(&there);
	MYSQL_ROW row;
	while (rows != NULL && (row = mysql_fetch_row(rows)) != NULL) {
		map_put(&there, cell(&arena, rows, row, 0), &missing);
	}
	for (size_t i = 0; i < wanted->count; i++) {
		if (map_get(&there, wanted->tables[i].name) == NULL) {
			missing.tables[missing.count++] = wanted->tables[i];
		}
	}
	for (size_t i = 0; i < wanted->trigger_count; i++) {
		if (map_get(&there, wanted->triggers[i].name) == NULL) {
			missing.triggers[missing.trigger_count++] = wanted->triggers[i];
		}
	}
	*wanted = missing;
	mysql_free_result(rows);
	map_finish(&there);
	arena_finish(&arena);
	return rows != NULL;
}

/* Both directions between what is there and what the model says. `kept`: what the database says of
 * its own; NULL: nothing. */
static bool write_changes(MYSQL *db, const struct model *model, const struct model *kept, bool ours,
						  struct buf *up, struct buf *down, struct error *error)
{
	struct arena arena;
	struct maria_tables wanted;
	struct maria_tables found = {.count = 0};
	arena_init(&arena, ARENA_BYTES);
	bool ok = maria_changes_wanted(db, model, &arena, &wanted, error) &&
		(ours ? maria_changes_found(db, model, kept, &wanted, &arena, &found, error)
			  : find_missing(db, model, &wanted, error));
	if (ok) {
		maria_changes_write(&found, &wanted, up);
		if (up->len > 0) {
			maria_changes_write(&wanted, &found, down);
		}
		ok = (!up->failed && !down->failed) ||
			error_set(error, ERROR_CONFIG, "the difference is too long to be written");
	}
	arena_finish(&arena);
	return ok;
}

static bool differ(struct store_migrator *migrator, const struct model *model, struct buf *ret_up,
				   struct buf *ret_down, struct error *error)
{
	MYSQL *db = database(migrator);
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	struct model *kept = maria_schema_kept_model(db, &arena);
	bool ok = write_changes(db, model, kept, is_ours(db), ret_up, ret_down, error);
	model_destroy(kept);
	arena_finish(&arena);
	return ok;
}

/* When the tables are word by word what the model says, the database is ours, and keeps that. */
static bool settle(MYSQL *db, const struct model *model, struct error *error)
{
	struct buf up;
	struct buf down;
	struct error ignored = {0};
	buf_init(&up, CHANGES_BYTES);
	buf_init(&down, CHANGES_BYTES);
	bool same = write_changes(db, model, NULL, true, &up, &down, &ignored) && up.len == 0;
	buf_finish(&up);
	buf_finish(&down);
	return !same || maria_schema_keep_model(db, model, error);
}

/* ---- remembering ---- */

static bool prepare(MYSQL *db, struct error *error)
{
	return (has_table(db, "") || maria_schema_keep(db, STR(""), error)) &&
		maria_schema_run(db, str_from(history_table), error);
}

static bool remember(MYSQL *db, const struct store_migration *migration, const char *state,
					 struct str model, struct error *error)
{
	struct buf sql;
	buf_init(&sql, STATEMENT_BYTES);
	buf_printf(&sql,
			   "INSERT INTO _rl_migrations (number,state,applied_at,done,begun,failure,model,name,"
			   "up,down) VALUES (%llu,'%s',DATE_FORMAT(UTC_TIMESTAMP(),'%%Y-%%m-%%dT%%TZ'),"
			   "0,0,'',",
			   (unsigned long long)migration->number, state);
	put_value(&sql, db, model);
	buf_append_byte(&sql, ',');
	put_value(&sql, db, migration->name);
	buf_append_byte(&sql, ',');
	put_value(&sql, db, migration->up);
	buf_append_byte(&sql, ',');
	put_value(&sql, db, migration->down);
	buf_append_byte(&sql, ')');
	return run_buf(db, &sql, error);
}

/* What goes on may have been corrected: its text is the file's from now on. */
static bool remember_texts(MYSQL *db, const struct store_migration *migration, struct error *error)
{
	struct buf sql;
	buf_init(&sql, STATEMENT_BYTES);
	buf_append(&sql, STR("UPDATE _rl_migrations SET name="));
	put_value(&sql, db, migration->name);
	buf_append(&sql, STR(",up="));
	put_value(&sql, db, migration->up);
	buf_append(&sql, STR(",down="));
	put_value(&sql, db, migration->down);
	buf_printf(&sql, " WHERE number=%llu", (unsigned long long)migration->number);
	return run_buf(db, &sql, error);
}

static bool forget(MYSQL *db, uint64_t number, struct error *error)
{
	struct buf sql;
	buf_init(&sql, STATEMENT_BYTES);
	buf_printf(&sql, "DELETE FROM _rl_migrations WHERE number=%llu", (unsigned long long)number);
	return run_buf(db, &sql, error);
}

static bool note_state(MYSQL *db, uint64_t number, const char *state, struct error *error)
{
	struct buf sql;
	buf_init(&sql, STATEMENT_BYTES);
	buf_printf(&sql,
			   "UPDATE _rl_migrations SET state='%s',done=0,begun=0,failure='',applied_at="
			   "DATE_FORMAT(UTC_TIMESTAMP(),'%%Y-%%m-%%dT%%TZ') WHERE number=%llu",
			   state, (unsigned long long)number);
	return run_buf(db, &sql, error);
}

static bool note_progress(MYSQL *db, const struct progress *progress, struct error *error)
{
	struct buf sql;
	buf_init(&sql, STATEMENT_BYTES);
	buf_printf(&sql, "UPDATE _rl_migrations SET done=%llu,begun=%llu,failure=",
			   (unsigned long long)progress->done, (unsigned long long)progress->begun);
	put_value(&sql, db, str_slice(progress->failure, 0, 8192));
	buf_printf(&sql, " WHERE number=%llu", (unsigned long long)progress->number);
	return run_buf(db, &sql, error);
}

/* ---- running statements ---- */

/* What the server says of a statement that was done before. */
static bool was_done(MYSQL *db)
{
	switch (mysql_errno(db)) {
	case ER_TABLE_EXISTS_ERROR:
	case ER_BAD_TABLE_ERROR:
	case ER_DUP_FIELDNAME:
	case ER_DUP_KEYNAME:
	case ER_MULTIPLE_PRI_KEY:
	case ER_CANT_DROP_FIELD_OR_KEY:
	case ER_TRG_ALREADY_EXISTS:
	case ER_TRG_DOES_NOT_EXIST:
	case ER_DUP_CONSTRAINT_NAME:
		return true;
	case ER_CANT_CREATE_TABLE: /* so it says of a foreign key */
		return strstr(mysql_error(db), "errno: 121") != NULL;
	default:
		return false;
	}
}

static bool run_statement(MYSQL *db, struct str text, bool again, struct error *error)
{
	bool ok = mysql_real_query(db, text.ptr, text.len) == 0;
	if (!ok && again && was_done(db)) {
		return true;
	}
	/* A procedure has several answers. */
	for (int more = 0; ok && more == 0;) {
		mysql_free_result(mysql_store_result(db));
		ok = mysql_errno(db) == 0;
		more = ok ? mysql_next_result(db) : 1;
		ok = ok && more <= 0;
	}
	return ok || error_set(error, ERROR_STORE, "%s", mysql_error(db));
}

/* What a session is told holds as long as it does, so it is told again. */
static bool is_setting(struct str statement)
{
	return str_equal_nocase(str_slice(statement, 0, 4), STR("SET "));
}

static bool run_counted(MYSQL *db, struct progress *progress, struct str statement, bool again,
						struct error *error)
{
	progress->failure = STR("");
	progress->begun = progress->done + 1;
	if (!note_progress(db, progress, error) || !maria_schema_run(db, STR("BEGIN"), error) ||
		!run_statement(db, statement, again, error)) {
		return false;
	}
	progress->done++;
	bool ok = note_progress(db, progress, error) && maria_schema_run(db, STR("COMMIT"), error);
	progress->done -= ok ? 0 : 1;
	return ok;
}

/* As far as they are not done. */
static bool run_statements(MYSQL *db, struct progress *progress, struct str text,
						   struct store_failure *failure, struct error *error)
{
	struct maria_script script = {.text = text};
	struct str statement;
	bool again = progress->begun > progress->done;
	bool ok = true;
	for (uint64_t i = 0; ok && maria_script_next(&script, &statement); i++) {
		failure->at = (size_t)(statement.ptr - text.ptr);
		if (i >= progress->done) {
			ok = run_counted(db, progress, statement, again, error);
			again = false;
		} else if (is_setting(statement)) {
			ok = run_statement(db, statement, false, error);
		}
	}
	failure->at = ok ? SIZE_MAX : failure->at;
	return ok;
}

/* Remembers where it stopped. Nothing is to be remembered when nothing was done. */
static void stop(MYSQL *db, struct progress *progress, struct store_failure *failure,
				 const struct error *error)
{
	const char *command = progress->undoing ? "rollback" : "apply";
	struct error ignored = {0};
	bool here = maria_schema_run(db, STR("ROLLBACK"), &ignored);
	if (here && progress->done == 0) {
		here = progress->undoing ? note_state(db, progress->number, "applied", &ignored)
								 : forget(db, progress->number, &ignored);
		failure->kept = STR("");
		if (here) {
			return;
		}
	}
	progress->failure = here ? str_from(error->message) : STR("");
	progress->begun = here ? progress->done : progress->begun;
	if (here) {
		(void)note_progress(db, progress, &ignored);
	}
	struct str state = describe(progress, failure->arena);
	failure->kept = arena_printf(failure->arena, "%.*s. %s `%s --continue` then goes on from there",
								 STR_ARG(str_slice(state, 0, str_find(state, ';', 0))),
								 progress->undoing
									 ? "Put right what it stands on;"
									 : "Correct the statements of the file that are not done;",
								 command);
}

/* ---- one migration ---- */

/* The statements that were done are to be those of the file still. */
static bool check_done(const struct progress *progress, const struct store_migration *migration,
					   struct error *error)
{
	struct maria_script before = {.text = progress->up};
	struct maria_script after = {.text = migration->up};
	for (uint64_t i = 0; i < progress->done; i++) {
		struct str was = STR("");
		struct str is = STR("");
		(void)maria_script_next(&before, &was);
		if (!maria_script_next(&after, &is) || !str_equal(was, is)) {
			error_set(error, ERROR_CONFIG, "statement %llu was changed after it was done",
					  (unsigned long long)i + 1);
			return error_hint(error,
							  "put it back as it was; only those that are not done can be "
							  "corrected");
		}
	}
	return true;
}

static bool begin_apply(MYSQL *db, const struct store_migration *migration, struct arena *arena,
						struct progress *ret_progress, struct error *error)
{
	if (!prepare(db, error) || !find_progress(db, migration->number, arena, ret_progress, error)) {
		return false;
	}
	bool ok = ret_progress->found
		? check_done(ret_progress, migration, error) && remember_texts(db, migration, error)
		: remember(db, migration, "applying", maria_schema_kept_text(db, arena), error);
	ret_progress->up = migration->up;
	ret_progress->down = migration->down;
	return ok;
}

static bool apply(struct store_migrator *migrator, const struct store_migration *migration,
				  const struct model *model, struct store_failure *failure, struct error *error)
{
	MYSQL *db = database(migrator);
	struct progress progress;
	failure->at = SIZE_MAX;
	failure->kept = STR("");
	if (!begin_apply(db, migration, failure->arena, &progress, error)) {
		return false;
	}
	if (!run_statements(db, &progress, migration->up, failure, error)) {
		stop(db, &progress, failure, error);
		return false;
	}
	return settle(db, model, error) && note_state(db, migration->number, "applied", error);
}

static bool adopt(struct store_migrator *migrator, const struct store_migration *items,
				  size_t count, const struct model *model, struct error *error)
{
	MYSQL *db = database(migrator);
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	bool ok = prepare(db, error) && maria_schema_run(db, STR("BEGIN"), error);
	for (size_t i = 0; i < count && ok; i++) {
		ok = remember(db, &items[i], "applied", maria_schema_kept_text(db, &arena), error);
	}
	ok = maria_schema_run(db, ok ? STR("COMMIT") : STR("ROLLBACK"), ok ? error : NULL) && ok;
	arena_finish(&arena);
	return ok && settle(db, model, error);
}

static bool undo(struct store_migrator *migrator, const struct store_migration *migration,
				 struct store_failure *failure, struct error *error)
{
	MYSQL *db = database(migrator);
	struct progress progress;
	failure->at = SIZE_MAX;
	failure->kept = STR("");
	if (!find_progress(db, migration->number, failure->arena, &progress, error) ||
		(!progress.undoing && !note_state(db, migration->number, "undoing", error))) {
		return false;
	}
	progress.done = progress.undoing ? progress.done : 0;
	progress.begun = progress.undoing ? progress.begun : 0;
	progress.undoing = true;
	if (!run_statements(db, &progress, migration->down, failure, error)) {
		stop(db, &progress, failure, error);
		return false;
	}
	return (!has_table(db, "_rl_model") || maria_schema_keep(db, progress.model, error)) &&
		forget(db, migration->number, error);
}

static const struct store_migrator_ops migrator_ops = {
	.dialect = "mariadb",
	.close = close_migrator,
	.history = history,
	.differ = differ,
	.apply = apply,
	.adopt = adopt,
	.undo = undo,
};

/* Tables that others read are waited for; nothing else is limited. */
static const char session_sql[] =
	"SET SESSION max_statement_time=0,SESSION lock_wait_timeout=60,"
	"SESSION innodb_lock_wait_timeout=60,SESSION sql_quote_show_create=1";

struct store_migrator *maria_migrate(struct str location, bool make, struct error *error)
{
	(void)make;
	signal(SIGPIPE, SIG_IGN);
	mysql_server_init(0, NULL, NULL);
	struct maria_migrator *migrator = alloc_zeroed(1, sizeof(*migrator));
	migrator->base.ops = &migrator_ops;
	migrator->store.patient = true;
	arena_init(&migrator->store.arena, ARENA_BYTES);
	bool ok = maria_url_parse(location, &migrator->store.arena, &migrator->store.url, error);
	if (ok) {
		migrator->db = maria_connect(&migrator->store, NULL, error);
	}
	ok = migrator->db != NULL &&
		mysql_set_server_option(migrator->db, MYSQL_OPTION_MULTI_STATEMENTS_OFF) == 0 &&
		maria_schema_run(migrator->db, str_from(session_sql), error) &&
		maria_schema_take_turn(migrator->db, error);
	if (!ok) {
		close_migrator(&migrator->base);
		return NULL;
	}
	return &migrator->base;
}
