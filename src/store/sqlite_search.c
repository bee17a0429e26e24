/*
 * DESIGN. What FTS5 is told of a row costs less in one go for many rows than in a trigger for each,
 * and a table without contents must be told the old text of what it is to forget.
 *
 * The last row of an index is its mark: it holds all rows up to there and none behind it, which are
 * the tail. A search asks the index and looks at each row of the tail, in one statement and so in
 * one snapshot: wherever the mark is, the answer is the same. Since the mark is what the index
 * holds, it needs no place of its own, and moves with it.
 *
 * What happens behind the mark is left alone. At the end of a group a short tail is read into the
 * index, in the same transaction; a longer one by the writer between groups and when it is idle.
 *
 * Up to the mark the hook notes row numbers and old texts, and two statements follow the request's
 * own: one forgets, one reads the rows that are there now. A row that was noted and is gone is not
 * found then. When there are too many notes, the index forgets all: then all rows are the tail.
 *
 * Both go through the rows in order, since FTS5 writes out all that it holds when a number is not
 * greater than the one before. It does so before any statement that may have to be undone alone,
 * too, as one that writes what it selects; so rows are written by one with VALUES, and all of a
 * group's rows gather.
 */
#include "store/sqlite_search.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "store/search_notes.h"
#include "store/sqlite_conn.h"
#include "store/sqlite_priv.h"

enum {
	NOTES_BYTES = 16 << 20,
	ARENA_BYTES = 4096,
	LOOK_ROWS = 16, /* between two looks at the clock */
	MERGE_PAGES = 16,
	MERGE_ROWS = 50000, /* and at least a quarter of all: a reason to merge */
};

struct search_index {
	int column;  /* as the hook counts them */
	bool marked; /* the index is not empty */
	int64_t mark;
	bool behind;       /* there may be a tail */
	uint64_t appended; /* rows to the tail, by this group */
	int64_t moved;     /* rows read from the tail since all segments were merged */
	bool merging;
	struct search_notes notes;
	bool gone; /* some row that is noted may not be there any more */
	/* arena: statements */
	struct str add;
	struct str add_one; /* that is there */
	struct str remove;
	struct str clear;
	struct str find_mark;
	struct str tail;
	struct str put;
	struct str count;
	struct str merge;
	struct str segments;
	struct str check;
	struct search_index *next; /* of the same table */
};

struct search_table {
	struct sqlite_search *search;
	struct str name; /* arena */
	struct search_index *indexes;
	struct search_table *next;
};

struct sqlite_search {
	struct arena arena;
	struct search_table *tables;
	bool noted;   /* anything */
	bool cleared; /* an index, by this group */
};

/* ---- the hook ---- */

typedef int get_value(sqlite3 *db, int column, sqlite3_value **ret_value);

/* False: null, or a value that cannot be had. */
static bool get_text(sqlite3 *db, get_value *get, int column, struct str *ret_text)
{
	sqlite3_value *value;
	if (get(db, column, &value) != SQLITE_OK || sqlite3_value_type(value) == SQLITE_NULL) {
		return false;
	}
	const char *ptr = (const char *)sqlite3_value_text(value);
	*ret_text = (struct str){ptr == NULL ? "" : ptr, (size_t)sqlite3_value_bytes(value)};
	return true;
}

static void note_old(struct search_index *index, sqlite3 *db, int64_t row)
{
	struct str text;
	if (search_notes_add(&index->notes, row)) {
		bool found = get_text(db, sqlite3_preupdate_old, index->column, &text);
		search_notes_old(&index->notes, row, found ? &text : NULL);
	}
}

static bool is_same(const struct search_index *index, sqlite3 *db)
{
	struct str before;
	struct str after;
	bool was = get_text(db, sqlite3_preupdate_old, index->column, &before);
	bool is = get_text(db, sqlite3_preupdate_new, index->column, &after);
	return was == is && (!was || str_equal(before, after));
}

static bool is_held(const struct search_index *index, int64_t row)
{
	return index->marked && row <= index->mark;
}

static void on_change(void *context, sqlite3 *db, int change, int64_t before, int64_t after)
{
	struct search_table *table = context;
	for (struct search_index *index = table->indexes; index != NULL; index = index->next) {
		bool was_held = change != SQLITE_INSERT && is_held(index, before);
		bool held = change != SQLITE_DELETE && is_held(index, after);
		index->appended += change != SQLITE_DELETE && !held;
		if (was_held && held && before == after && is_same(index, db)) {
			continue;
		}
		table->search->noted = table->search->noted || was_held || held;
		if (was_held) {
			index->gone = index->gone || change == SQLITE_DELETE || before != after;
			note_old(index, db, before);
		}
		if (held) {
			(void)search_notes_add(&index->notes, after);
		}
	}
}

/* ---- writing ---- */

/* Runs a statement with up to two numbers, or a number and a text. */
static bool run(struct sqlite_conn *conn, struct str text, const struct value *values, size_t count)
{
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, text, NULL);
	if (statement == NULL) {
		return false;
	}
	bool ok = true;
	for (size_t i = 0; i < count && ok; i++) {
		ok = sqlite_bind(statement->stmt, (int)i + 1, &values[i]) == SQLITE_OK;
	}
	ok = ok && sqlite3_step(statement->stmt) == SQLITE_DONE;
	sqlite_conn_release(conn, statement);
	return ok;
}

static struct value integer(int64_t number)
{
	return (struct value){.kind = VALUE_INTEGER, .integer = number};
}

static bool remove_old(struct sqlite_conn *conn, const struct search_index *index,
					   const struct search_old *old)
{
	struct value values[2] = {integer(old->row), {.kind = VALUE_NULL}};
	if (!old->is_null) {
		values[1].kind = VALUE_TEXT;
		values[1].text = str_slice(buf_str(&index->notes.texts), old->at, old->at + old->len);
	}
	return run(conn, index->remove, values, 2);
}

static bool add_rows(struct sqlite_conn *conn, const struct search_index *index, int64_t first,
					 int64_t last)
{
	const struct value values[2] = {integer(first), integer(last)};
	if (first == last && !index->gone) {
		return run(conn, index->add_one, values, 1);
	}
	return run(conn, index->add, values, 2);
}

/* All rows are the tail then. */
static bool clear(struct sqlite_search *search, struct sqlite_conn *conn,
				  struct search_index *index)
{
	search->cleared = true;
	index->behind = true;
	return run(conn, index->clear, NULL, 0);
}

static bool write_notes(struct sqlite_search *search, struct sqlite_conn *conn,
						struct search_index *index)
{
	struct search_notes *notes = &index->notes;
	bool ok = true;
	if (notes->full) {
		return clear(search, conn, index);
	}
	search_notes_settle(notes);
	for (size_t i = 0; i < notes->old_count && ok; i++) {
		ok = remove_old(conn, index, &notes->olds[i]);
	}
	for (size_t i = 0; i < notes->run_count && ok; i++) {
		ok = add_rows(conn, index, notes->runs[i].first, notes->runs[i].last);
	}
	return ok;
}

void sqlite_search_forget(struct sqlite_search *search)
{
	if (search == NULL || !search->noted) {
		return;
	}
	for (struct search_table *table = search->tables; table != NULL; table = table->next) {
		for (struct search_index *index = table->indexes; index != NULL; index = index->next) {
			search_notes_clear(&index->notes);
			index->gone = false;
		}
	}
	search->noted = false;
}

bool sqlite_search_write(struct sqlite_search *search, struct sqlite_conn *conn,
						 struct error *error)
{
	bool ok = true;
	if (search == NULL || !search->noted) {
		return true;
	}
	for (struct search_table *table = search->tables; table != NULL && ok; table = table->next) {
		for (struct search_index *index = table->indexes; index != NULL && ok;
			 index = index->next) {
			ok = write_notes(search, conn, index);
		}
	}
	if (!ok) {
		sqlite_fail(conn, error);
		/* A request of one statement has no savepoint to go back to. */
		if (!sqlite3_get_autocommit(conn->db)) {
			sqlite_conn_run(conn, STR("ROLLBACK"));
		}
	}
	sqlite_search_forget(search);
	return ok;
}

/* ---- marks and tails ---- */

static bool find_mark(struct sqlite_conn *conn, struct search_index *index)
{
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, index->find_mark, NULL);
	if (statement == NULL) {
		return false;
	}
	bool read = sqlite3_step(statement->stmt) == SQLITE_ROW;
	index->marked = read && sqlite3_column_type(statement->stmt, 0) != SQLITE_NULL;
	index->mark = index->marked ? sqlite3_column_int64(statement->stmt, 0) : 0;
	sqlite_conn_release(conn, statement);
	return read;
}

static bool find_marks(struct sqlite_search *search, struct sqlite_conn *conn)
{
	for (struct search_table *table = search->tables; table != NULL; table = table->next) {
		for (struct search_index *index = table->indexes; index != NULL; index = index->next) {
			if (!find_mark(conn, index)) {
				return false;
			}
		}
	}
	return true;
}

bool sqlite_search_begin_group(struct sqlite_search *search, struct sqlite_conn *conn)
{
	if (search == NULL) {
		return true;
	}
	search->cleared = false;
	for (struct search_table *table = search->tables; table != NULL; table = table->next) {
		for (struct search_index *index = table->indexes; index != NULL; index = index->next) {
			index->appended = 0;
		}
	}
	return find_marks(search, conn);
}

bool sqlite_search_begin(struct sqlite_search *search, struct sqlite_conn *conn,
						 struct error *error)
{
	return search == NULL || !search->cleared || find_marks(search, conn) ||
		sqlite_fail(conn, error);
}

static bool put_row(struct sqlite_statement *put, sqlite3_stmt *row)
{
	bool ok = sqlite3_bind_value(put->stmt, 1, sqlite3_column_value(row, 0)) == SQLITE_OK &&
		sqlite3_bind_value(put->stmt, 2, sqlite3_column_value(row, 1)) == SQLITE_OK &&
		sqlite3_step(put->stmt) == SQLITE_DONE;
	sqlite3_reset(put->stmt);
	return ok;
}

/* Moves the mark over the tail, to its end unless `stop` says so. */
static bool move_mark(struct sqlite_conn *conn, const struct search_index *index,
					  sqlite_search_stop *stop, void *context, size_t *ret_rows)
{
	struct sqlite_statement *tail = sqlite_conn_prepare(conn, index->tail, NULL);
	struct sqlite_statement *put = sqlite_conn_prepare(conn, index->put, NULL);
	bool ok = tail != NULL && put != NULL;
	int rc = SQLITE_ROW;
	size_t rows = 0;
	while (ok && (rc = sqlite3_step(tail->stmt)) == SQLITE_ROW) {
		if (rows % LOOK_ROWS == LOOK_ROWS - 1 && stop != NULL && stop(context)) {
			break;
		}
		ok = put_row(put, tail->stmt);
		rows++;
	}
	*ret_rows = rows;
	sqlite_conn_release(conn, put);
	sqlite_conn_release(conn, tail);
	return ok && (rc == SQLITE_ROW || rc == SQLITE_DONE);
}

bool sqlite_search_end_group(struct sqlite_search *search, struct sqlite_conn *conn)
{
	bool ok = true;
	size_t rows;
	if (search == NULL) {
		return true;
	}
	for (struct search_table *table = search->tables; table != NULL && ok; table = table->next) {
		for (struct search_index *index = table->indexes; index != NULL && ok;
			 index = index->next) {
			index->behind = index->behind || index->appended > SEARCH_TAIL_ROWS;
			if (!index->behind && index->appended > 0) {
				ok = move_mark(conn, index, NULL, NULL, &rows);
			}
		}
	}
	return ok;
}

bool sqlite_search_is_behind(const struct sqlite_search *search)
{
	if (search == NULL) {
		return false;
	}
	for (const struct search_table *table = search->tables; table != NULL; table = table->next) {
		for (const struct search_index *index = table->indexes; index != NULL;
			 index = index->next) {
			if (index->behind) {
				return true;
			}
		}
	}
	return false;
}

bool sqlite_search_move(struct sqlite_search *search, struct sqlite_conn *conn,
						sqlite_search_stop *stop, void *context)
{
	bool ok = true;
	for (struct search_table *table = search->tables; table != NULL && ok; table = table->next) {
		for (struct search_index *index = table->indexes; index != NULL && ok;
			 index = index->next) {
			if (index->behind) {
				size_t rows = 0;
				ok = move_mark(conn, index, stop, context, &rows);
				/* What was read now may be undone yet: only a tail without rows is none. */
				index->behind = !ok || rows > 0;
				index->moved += (int64_t)rows;
			}
		}
	}
	return ok;
}

/* ---- merging ---- */

static bool count_rows(struct sqlite_conn *conn, const struct search_index *index,
					   int64_t *ret_rows)
{
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, index->count, NULL);
	bool ok = statement != NULL && sqlite3_step(statement->stmt) == SQLITE_ROW;
	*ret_rows = ok ? sqlite3_column_int64(statement->stmt, 0) : 0;
	sqlite_conn_release(conn, statement);
	return ok;
}

/* A search looks into each segment: all are made one, in steps. */
static bool merge(struct sqlite_conn *conn, struct search_index *index)
{
	int64_t rows = 0;
	bool begins = !index->merging;
	if (begins) {
		int64_t moved = index->moved;
		index->moved = 0;
		if (!count_rows(conn, index, &rows)) {
			return false;
		}
		if (moved < rows / 4) {
			return true;
		}
	}
	const struct value pages = integer(begins ? -MERGE_PAGES : MERGE_PAGES);
	int before = sqlite3_total_changes(conn->db);
	bool ok = run(conn, index->merge, &pages, 1);
	/* Less than two changes: there was nothing to do. */
	index->merging = ok && (begins || sqlite3_total_changes(conn->db) - before >= 2);
	return ok;
}

static struct search_index *find_unmerged(const struct sqlite_search *search)
{
	if (search == NULL) {
		return NULL;
	}
	for (struct search_table *table = search->tables; table != NULL; table = table->next) {
		for (struct search_index *index = table->indexes; index != NULL; index = index->next) {
			if (index->merging || index->moved >= MERGE_ROWS) {
				return index;
			}
		}
	}
	return NULL;
}

bool sqlite_search_is_unmerged(const struct sqlite_search *search)
{
	return find_unmerged(search) != NULL;
}

bool sqlite_search_merge(struct sqlite_search *search, struct sqlite_conn *conn,
						 sqlite_search_stop *stop, void *context)
{
	struct search_index *index;
	bool ok = true;
	while (ok && !stop(context) && (index = find_unmerged(search)) != NULL) {
		ok = merge(conn, index);
	}
	return ok;
}

/* ---- life ---- */

/* The table and, in `ret_index`, its new index; `number` is a name of its rows' numbers. */
static void make_texts(struct arena *arena, struct search_index *index, struct str table,
					   struct str field, struct str name, struct str number)
{
	enum { QUOTED = 5 };
	struct buf quoted[QUOTED];
	const struct str names[QUOTED] = {table, field, name,
									  arena_printf(arena, "%.*s_docsize", STR_ARG(name)),
									  arena_printf(arena, "%.*s_idx", STR_ARG(name))};
	for (size_t i = 0; i < QUOTED; i++) {
		buf_init(&quoted[i], SIZE_MAX);
		sql_put_name(&sql_dialect_sqlite, names[i], &quoted[i]);
	}
	const struct str t = buf_str(&quoted[0]);
	const struct str f = buf_str(&quoted[1]);
	const struct str x = buf_str(&quoted[2]);
	const struct str d = buf_str(&quoted[3]);
	const struct str segments = buf_str(&quoted[4]);
	index->add = arena_printf(arena,
							  "INSERT INTO %.*s(rowid,text) SELECT %.*s,%.*s FROM %.*s "
							  "WHERE %.*s BETWEEN ?1 AND ?2 ORDER BY 1",
							  STR_ARG(x), STR_ARG(number), STR_ARG(f), STR_ARG(t), STR_ARG(number));
	index->add_one = arena_printf(arena,
								  "INSERT INTO %.*s(rowid,text) VALUES "
								  "(?1,(SELECT %.*s FROM %.*s WHERE %.*s=?1))",
								  STR_ARG(x), STR_ARG(f), STR_ARG(t), STR_ARG(number));
	index->remove = arena_printf(arena, "INSERT INTO %.*s(%.*s,rowid,text) VALUES ('delete',?1,?2)",
								 STR_ARG(x), STR_ARG(x));
	index->clear = arena_printf(arena, "INSERT INTO %.*s(%.*s) VALUES ('delete-all')", STR_ARG(x),
								STR_ARG(x));
	index->find_mark = arena_printf(arena, "SELECT max(id) FROM %.*s", STR_ARG(d));
	index->tail = arena_printf(arena,
							   "SELECT %.*s,%.*s FROM %.*s WHERE %.*s>=(SELECT "
							   "ifnull(max(id)+1,-9223372036854775808) FROM %.*s) ORDER BY 1",
							   STR_ARG(number), STR_ARG(f), STR_ARG(t), STR_ARG(number),
							   STR_ARG(d));
	index->count = arena_printf(arena, "SELECT count(*) FROM %.*s", STR_ARG(d));
	index->merge = arena_printf(arena, "INSERT INTO %.*s(%.*s,rank) VALUES ('merge',?1)",
								STR_ARG(x), STR_ARG(x));
	index->segments = arena_printf(arena,
								   "SELECT sum(pages)-max(pages),sum(pages) FROM (SELECT count(*) "
								   "AS pages FROM %.*s GROUP BY segid)",
								   STR_ARG(segments));
	index->put = arena_printf(arena, "INSERT INTO %.*s(rowid,text) VALUES (?1,?2)", STR_ARG(x));
	index->check = arena_printf(
		arena,
		"SELECT mark IS last, mark IS NULL OR mark=last OR mark<last AND (SELECT count(*) "
		"FROM %.*s WHERE %.*s<=mark)=(SELECT count(*) FROM %.*s) FROM (SELECT "
		"(SELECT max(id) FROM %.*s) AS mark, (SELECT max(%.*s) FROM %.*s) AS last)",
		STR_ARG(t), STR_ARG(number), STR_ARG(d), STR_ARG(d), STR_ARG(number), STR_ARG(t));
	for (size_t i = 0; i < QUOTED; i++) {
		buf_finish(&quoted[i]);
	}
}

static struct str column(struct arena *arena, sqlite3_stmt *stmt, int number)
{
	const char *ptr = (const char *)sqlite3_column_text(stmt, number);
	size_t len = (size_t)sqlite3_column_bytes(stmt, number);
	return arena_copy(arena, (struct str){ptr == NULL ? "" : ptr, len});
}

static struct search_table *find_table(struct sqlite_search *search, struct str name)
{
	struct search_table *table = search->tables;
	while (table != NULL && !str_equal(table->name, name)) {
		table = table->next;
	}
	if (table == NULL) {
		table = ARENA_NEW(&search->arena, struct search_table);
		*table = (struct search_table){.search = search, .name = name, .next = search->tables};
		search->tables = table;
	}
	return table;
}

static bool find_indexes(struct sqlite_search *search, struct sqlite_conn *conn)
{
	/* The hook counts columns without those that are computed when they are read. */
	static const char text[] =
		"SELECT l.name, i.name, s.name,"
		" (SELECT column1 FROM (VALUES ('rowid'),('_rowid_'),('oid')) WHERE NOT EXISTS (SELECT 1"
		"  FROM pragma_table_xinfo(l.name) AS k WHERE lower(k.name)=column1) LIMIT 1) AS number,"
		" (SELECT count(*) FROM pragma_table_xinfo(l.name) AS j WHERE j.cid<i.cid AND j.hidden<>2)"
		" FROM sqlite_schema AS s CROSS JOIN pragma_table_list AS l"
		" CROSS JOIN pragma_table_xinfo(l.name) AS i"
		" WHERE s.type='table' AND s.sql LIKE '%tokenize=''rowlock\\_grams'')' ESCAPE '\\'"
		" AND l.schema='main' AND l.type='table' AND NOT l.wr"
		" AND substr(s.name,1,length(l.name)+1)=l.name||'.'"
		" AND s.name=l.name||'.'||i.name||'_search' AND number IS NOT NULL";
	struct arena *arena = &search->arena;
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(conn->db, text, -1, &stmt, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct search_table *table = find_table(search, column(arena, stmt, 0));
		struct search_index *index = ARENA_NEW(arena, struct search_index);
		*index = (struct search_index){
			.column = sqlite3_column_int(stmt, 4),
			.next = table->indexes,
		};
		table->indexes = index;
		search_notes_init(&index->notes, NOTES_BYTES);
		make_texts(arena, index, table->name, column(arena, stmt, 1), column(arena, stmt, 2),
				   column(arena, stmt, 3));
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE;
}

/* The greatest row number is found at once on both sides; only with a tail rows are counted, since
 * VACUUM may have given them other numbers. */
static bool check_index(struct sqlite_search *search, struct sqlite_conn *conn,
						struct search_index *index)
{
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, index->check, NULL);
	if (statement == NULL) {
		return false;
	}
	bool read = sqlite3_step(statement->stmt) == SQLITE_ROW;
	index->behind = read && sqlite3_column_int(statement->stmt, 0) == 0;
	bool right = read && sqlite3_column_int(statement->stmt, 1) != 0;
	sqlite_conn_release(conn, statement);
	return read && (right || clear(search, conn, index));
}

/* What an earlier process did not merge: about as many rows as are not in the largest segment. FTS5
 * has a row for each page of a segment. */
static bool find_moved(struct sqlite_conn *conn, struct search_index *index)
{
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, index->segments, NULL);
	if (statement == NULL) {
		return false;
	}
	bool read = sqlite3_step(statement->stmt) == SQLITE_ROW;
	int64_t outside = read ? sqlite3_column_int64(statement->stmt, 0) : 0;
	int64_t pages = read ? sqlite3_column_int64(statement->stmt, 1) : 0;
	int64_t rows = 0;
	sqlite_conn_release(conn, statement);
	if (outside >= pages / 4 && outside > 0) {
		read = count_rows(conn, index, &rows);
		index->moved = rows * outside / pages;
	}
	return read;
}

struct sqlite_search *sqlite_search_create(struct sqlite_conn *conn,
										   struct sqlite_versions *versions, struct error *error)
{
	struct sqlite_search *search = alloc_zeroed(1, sizeof(*search));
	arena_init(&search->arena, ARENA_BYTES);
	bool ok = find_indexes(search, conn);
	for (struct search_table *table = search->tables; table != NULL && ok; table = table->next) {
		for (struct search_index *index = table->indexes; index != NULL && ok;
			 index = index->next) {
			ok = check_index(search, conn, index) && find_moved(conn, index);
		}
		sqlite_versions_watch(versions, table->name, on_change, table);
	}
	if (!ok) {
		sqlite_fail(conn, error);
		sqlite_search_destroy(search);
		return NULL;
	}
	return search;
}

bool sqlite_search_renew(struct sqlite_conn *conn, struct error *error)
{
	struct sqlite_search *search = alloc_zeroed(1, sizeof(*search));
	arena_init(&search->arena, ARENA_BYTES);
	bool ok = find_indexes(search, conn);
	for (struct search_table *table = search->tables; table != NULL && ok; table = table->next) {
		for (struct search_index *index = table->indexes; index != NULL && ok;
			 index = index->next) {
			ok = clear(search, conn, index);
		}
	}
	if (!ok) {
		sqlite_fail(conn, error);
	}
	sqlite_search_destroy(search);
	return ok;
}

void sqlite_search_destroy(struct sqlite_search *search)
{
	if (search == NULL) {
		return;
	}
	for (struct search_table *table = search->tables; table != NULL; table = table->next) {
		for (struct search_index *index = table->indexes; index != NULL; index = index->next) {
			search_notes_finish(&index->notes);
		}
	}
	arena_finish(&search->arena);
	free(search);
}
