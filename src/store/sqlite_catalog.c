#include "store/sqlite_catalog.h"

#include <string.h>

#include "codec/number.h"

struct reader {
	sqlite3 *db;
	struct arena *arena;
	struct error *error;
};

/* ---- types ---- */

static bool holds_word(struct str text, const char *word)
{
	size_t len = strlen(word);
	for (size_t i = 0; i + len <= text.len; i++) {
		if (str_equal_nocase(str_slice(text, i, i + len), str_from(word))) {
			return true;
		}
	}
	return false;
}

/* The n of `word(n)`; 0 when there is none that a text can have. */
static size_t length_of(struct str declared)
{
	enum { CHARS_MAX = 1000000000 };
	size_t open = str_find(declared, '(', 0);
	size_t close = str_find(declared, ')', open);
	int64_t number = 0;
	if (close == declared.len ||
		number_parse_integer(str_trim(str_slice(declared, open + 1, close)), &number) !=
			NUMBER_OK ||
		number < 1 || number > CHARS_MAX) {
		return 0;
	}
	return (size_t)number;
}

static bool is_one_of(struct str declared, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_equal_nocase(declared, str_from(words[i]))) {
			return true;
		}
	}
	return false;
}

static enum type type_of(struct str declared, size_t *ret_chars)
{
	static const char *const bits[] = {"TINYINT(1)", "BIT(1)", "BIT"};
	static const struct {
		const char *word;
		enum type type;
	} types[] = {
		{"INT", TYPE_INTEGER}, {"CHAR", TYPE_TEXT},      {"TEXT", TYPE_TEXT},
		{"CLOB", TYPE_TEXT},   {"REAL", TYPE_NUMBER},    {"FLOA", TYPE_NUMBER},
		{"DOUB", TYPE_NUMBER}, {"NUMERIC", TYPE_NUMBER}, {"DECIMAL", TYPE_NUMBER},
		{"JSON", TYPE_JSON},
	};
	*ret_chars = 0;
	if (holds_word(declared, "BOOL") || is_one_of(declared, bits, sizeof(bits) / sizeof(bits[0]))) {
		return TYPE_BOOLEAN;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (holds_word(declared, types[i].word)) {
			*ret_chars = strcmp(types[i].word, "CHAR") == 0 ? length_of(declared) : 0;
			return types[i].type;
		}
	}
	return TYPE_TEXT;
}

/* How SQLite stores values in a column ("Determination Of Column Affinity"). */
enum affinity { AFFINITY_INTEGER, AFFINITY_TEXT, AFFINITY_NONE, AFFINITY_REAL, AFFINITY_NUMERIC };

static enum affinity affinity_of(struct str declared)
{
	static const struct {
		const char *word;
		enum affinity affinity;
	} rules[] = {
		{"INT", AFFINITY_INTEGER}, {"CHAR", AFFINITY_TEXT}, {"CLOB", AFFINITY_TEXT},
		{"TEXT", AFFINITY_TEXT},   {"BLOB", AFFINITY_NONE}, {"REAL", AFFINITY_REAL},
		{"FLOA", AFFINITY_REAL},   {"DOUB", AFFINITY_REAL},
	};
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (holds_word(declared, rules[i].word)) {
			return rules[i].affinity;
		}
	}
	return declared.len == 0 ? AFFINITY_NONE : AFFINITY_NUMERIC;
}

static bool is_blob(struct str declared)
{
	return affinity_of(declared) == AFFINITY_NONE && declared.len > 0;
}

/* ---- statements ---- */

static bool fail(const struct reader *reader)
{
	return error_set(reader->error, ERROR_STORE, "the database cannot be read: %s",
					 sqlite3_errmsg(reader->db));
}

/* `name` is the first parameter, when there is one; it is borrowed until the statement goes. */
static sqlite3_stmt *ask(const struct reader *reader, const char *sql, struct str name)
{
	sqlite3_stmt *stmt = NULL;
	if (sqlite3_prepare_v2(reader->db, sql, -1, &stmt, NULL) != SQLITE_OK ||
		(name.ptr != NULL &&
		 sqlite3_bind_text(stmt, 1, name.ptr, (int)name.len, SQLITE_STATIC) != SQLITE_OK)) {
		fail(reader);
		sqlite3_finalize(stmt);
		return NULL;
	}
	return stmt;
}

static struct str column_text(const struct reader *reader, sqlite3_stmt *stmt, int number)
{
	const char *ptr = (const char *)sqlite3_column_text(stmt, number);
	size_t len = (size_t)sqlite3_column_bytes(stmt, number);
	return ptr == NULL ? (struct str){NULL, 0} : arena_copy(reader->arena, (struct str){ptr, len});
}

/* Ends the statement whose last step said `rc`. */
static bool end(const struct reader *reader, sqlite3_stmt *stmt, int rc)
{
	bool ok = rc == SQLITE_DONE || fail(reader);
	sqlite3_finalize(stmt);
	return ok;
}

/* ---- one table ---- */

static void read_column(const struct reader *reader, const struct catalog_table *table,
						sqlite3_stmt *stmt, struct catalog_column *column)
{
	int hidden = sqlite3_column_int(stmt, 5);
	const char *collation = NULL;
	*column = (struct catalog_column){
		.name = column_text(reader, stmt, 0),
		.declared = column_text(reader, stmt, 1),
		.not_null = sqlite3_column_int(stmt, 2) != 0,
		.default_text = column_text(reader, stmt, 3),
		.key = sqlite3_column_int(stmt, 4),
		.hidden = hidden == 1,
		.generated = hidden > 1,
	};
	column->type = type_of(column->declared, &column->max_chars);
	column->is_bytes = is_blob(column->declared);
	column->has_default = column->default_text.ptr != NULL && !column->generated &&
		!str_equal_nocase(column->default_text, STR("null"));
	if (table->kind == CATALOG_TABLE &&
		sqlite3_table_column_metadata(reader->db, "main", table->name.ptr, column->name.ptr, NULL,
									  &collation, NULL, NULL, NULL) == SQLITE_OK &&
		collation != NULL && !str_equal_nocase(str_from(collation), STR("BINARY"))) {
		column->collation = arena_copy(reader->arena, str_from(collation));
	}
}

static bool read_columns(const struct reader *reader, struct catalog_table *table)
{
	sqlite3_stmt *stmt = ask(reader,
							 "SELECT name,type,\"notnull\",dflt_value,pk,hidden "
							 "FROM pragma_table_xinfo(?1,'main') ORDER BY cid",
							 table->name);
	if (stmt == NULL) {
		return false;
	}
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		table->columns = catalog_grow(reader->arena, table->columns, table->column_count,
									  sizeof(table->columns[0]));
		read_column(reader, table, stmt, &table->columns[table->column_count++]);
	}
	/* A view over what is gone, or a module that this program does not have. */
	if ((rc & 0xFF) == SQLITE_ERROR && table->kind != CATALOG_TABLE) {
		table->problem = arena_copy(reader->arena, str_from(sqlite3_errmsg(reader->db)));
		table->column_count = 0;
		rc = SQLITE_DONE;
	}
	return end(reader, stmt, rc);
}

/* One column of an index. *ret_good: the index has no expression up to here. */
static void read_index_row(const struct reader *reader, struct catalog_table *table,
						   sqlite3_stmt *stmt, bool *ret_good)
{
	struct str name = column_text(reader, stmt, 0);
	size_t count = table->unique_count;
	int column = sqlite3_column_int(stmt, 2);
	if (sqlite3_column_int(stmt, 3) == 0) {
		table->uniques = catalog_grow(reader->arena, table->uniques, count,
									  sizeof(table->uniques[0]));
		table->uniques[count] = (struct catalog_unique){
			.name = name,
			.automatic = str_equal(column_text(reader, stmt, 1), STR("u")),
		};
		*ret_good = true;
		table->unique_count++;
	} else if (!*ret_good) {
		return;
	} else {
		count--;
	}
	if (column < 0 || (size_t)column >= table->column_count) {
		*ret_good = false; /* an expression */
		table->unique_count = count;
	} else if (!catalog_columns_hold(&table->uniques[count].columns, &table->columns[column])) {
		catalog_add_column(reader->arena, &table->uniques[count].columns, &table->columns[column]);
	}
}

static bool read_uniques(const struct reader *reader, struct catalog_table *table)
{
	sqlite3_stmt *stmt = ask(reader,
							 "SELECT l.name,l.origin,i.cid,i.seqno "
							 "FROM pragma_index_list(?1,'main') AS l,"
							 "pragma_index_xinfo(l.name,'main') AS i "
							 "WHERE l.\"unique\" AND NOT l.partial AND i.key "
							 "ORDER BY l.seq DESC,i.seqno",
							 table->name);
	if (stmt == NULL) {
		return false;
	}
	bool key_index = table->without_rowid;
	bool good = false;
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (str_equal(column_text(reader, stmt, 1), STR("pk"))) {
			key_index = true;
		} else {
			read_index_row(reader, table, stmt, &good);
		}
	}
	/* INTEGER PRIMARY KEY DESC has an index, and is no row's number. */
	if (!key_index && table->key.count == 1 &&
		str_equal_nocase(table->key.items[0]->declared, STR("INTEGER"))) {
		table->numbered = table->key.items[0];
	}
	return end(reader, stmt, rc);
}

static void read_reference_row(const struct reader *reader, struct catalog_table *table,
							   sqlite3_stmt *stmt)
{
	bool first = sqlite3_column_int(stmt, 3) == 0;
	if (first) {
		table->references = catalog_grow(reader->arena, table->references, table->reference_count,
										 sizeof(table->references[0]));
		table->references[table->reference_count++] = (struct catalog_reference){
			.parent = column_text(reader, stmt, 0),
		};
	}
	struct catalog_reference *reference = &table->references[table->reference_count - 1];
	struct str *to = catalog_grow(reader->arena, reference->to, reference->columns.count,
								  sizeof(*to));
	to[reference->columns.count] = column_text(reader, stmt, 2);
	reference->to = to;
	catalog_add_column(reader->arena, &reference->columns,
					   catalog_find_column(table, column_text(reader, stmt, 1)));
}

static bool read_references(const struct reader *reader, struct catalog_table *table)
{
	/* SQLite numbers them from the last to the first. */
	sqlite3_stmt *stmt = ask(reader,
							 "SELECT \"table\",\"from\",\"to\",seq "
							 "FROM pragma_foreign_key_list(?1,'main') ORDER BY id DESC,seq",
							 table->name);
	if (stmt == NULL) {
		return false;
	}
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		read_reference_row(reader, table, stmt);
	}
	return end(reader, stmt, rc);
}

/* ---- all tables ---- */

static void read_table(const struct reader *reader, sqlite3_stmt *stmt, struct catalog_table *table)
{
	struct str type = column_text(reader, stmt, 1);
	*table = (struct catalog_table){
		.name = column_text(reader, stmt, 0),
		.kind = str_equal(type, STR("view"))  ? CATALOG_VIEW
			: str_equal(type, STR("virtual")) ? CATALOG_VIRTUAL
											  : CATALOG_TABLE,
		.without_rowid = sqlite3_column_int(stmt, 2) != 0,
	};
}

static bool read_names(const struct reader *reader, struct catalog *catalog)
{
	sqlite3_stmt *stmt = ask(reader,
							 "SELECT name,type,wr FROM pragma_table_list WHERE schema='main' "
							 "AND type<>'shadow' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
							 "AND name NOT LIKE '\\_rl\\_%' ESCAPE '\\' "
							 "AND name NOT IN (SELECT name FROM sqlite_schema WHERE "
							 "sql LIKE '%tokenize=''rowlock\\_grams'')' ESCAPE '\\') "
							 "ORDER BY name COLLATE BINARY",
							 (struct str){NULL, 0});
	if (stmt == NULL) {
		return false;
	}
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		catalog->tables = catalog_grow(reader->arena, catalog->tables, catalog->count,
									   sizeof(catalog->tables[0]));
		read_table(reader, stmt, &catalog->tables[catalog->count++]);
	}
	return end(reader, stmt, rc);
}

bool sqlite_catalog_read(sqlite3 *db, struct arena *arena, struct catalog *ret_catalog,
						 struct error *error)
{
	struct reader reader = {db, arena, error};
	struct catalog catalog = {.tables = NULL};
	if (!read_names(&reader, &catalog)) {
		return false;
	}
	for (size_t i = 0; i < catalog.count; i++) {
		struct catalog_table *table = &catalog.tables[i];
		if (!read_columns(&reader, table)) {
			return false;
		}
		if (table->kind == CATALOG_TABLE) {
			catalog_collect_key(arena, table);
			if (!read_uniques(&reader, table) || !read_references(&reader, table)) {
				return false;
			}
		}
	}
	catalog_resolve(reader.arena, &catalog);
	*ret_catalog = catalog;
	return true;
}

/* ---- comparing ---- */

bool sqlite_catalog_holds(struct str declared, enum type type)
{
	enum affinity affinity = affinity_of(declared);
	size_t chars;
	/* Without a declared type values are stored as they come. */
	if (declared.len == 0 || type_of(declared, &chars) == type) {
		return true;
	}
	switch (type) {
	case TYPE_INTEGER:
	case TYPE_BOOLEAN:
	case TYPE_DECIMAL:
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
		return affinity == AFFINITY_INTEGER;
	case TYPE_NUMBER:
		return affinity == AFFINITY_REAL || affinity == AFFINITY_NUMERIC ||
			affinity == AFFINITY_INTEGER;
	case TYPE_TEXT:
	case TYPE_UUID:
	case TYPE_JSON:
		return affinity == AFFINITY_TEXT || affinity == AFFINITY_NONE ||
			affinity == AFFINITY_NUMERIC;
	}
	return false;
}
