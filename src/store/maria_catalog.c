/*
 * DESIGN. A few statements read all tables at once; rows come table by table, and each is given to
 * the table of its name. Whether a view can be read is asked of the view.
 */
#include "store/maria_catalog.h"

#include <string.h>

#include "base/map.h"
#include "codec/number.h"
#include "sql/maria.h"
#include "sql/sql.h"
#include "store/maria_schema.h"

enum { STATEMENT_BYTES = 4096 };

struct reader {
	MYSQL *db;
	struct arena *arena;
	struct error *error;
	struct catalog catalog;
	struct catalog_table *table; /* of the last row */
	struct str object;           /* index or foreign key of the last row */
	bool skipped;                /* it is none that counts */
	struct map checks;           /* `TABLE CONDITION` of all of them */
};

/* One row of a statement. */
struct row {
	MYSQL_ROW texts;
	const unsigned long *lengths;
};

typedef void each_row(struct reader *reader, const struct row *row);

/* Arena; "" for null. */
static struct str text_of(const struct reader *reader, const struct row *row, unsigned number)
{
	if (row->texts[number] == NULL) {
		return STR("");
	}
	return arena_copy(reader->arena, (struct str){row->texts[number], row->lengths[number]});
}

static bool is(const struct row *row, unsigned number, const char *text)
{
	return row->texts[number] != NULL && strcmp(row->texts[number], text) == 0;
}

/* 0 for null. */
static int64_t number_of(const struct row *row, unsigned number)
{
	int64_t value = 0;
	if (row->texts[number] != NULL) {
		(void)number_parse_integer(str_from(row->texts[number]), &value);
	}
	return value;
}

static bool ask(struct reader *reader, const char *sql, each_row *each)
{
	MYSQL_RES *rows = maria_schema_rows(reader->db, str_from(sql), reader->error);
	if (rows == NULL) {
		return false;
	}
	struct row row;
	reader->table = NULL;
	while ((row.texts = mysql_fetch_row(rows)) != NULL) {
		row.lengths = mysql_fetch_lengths(rows);
		each(reader, &row);
	}
	mysql_free_result(rows);
	return true;
}

/* The table that the row names in its first column; false: it is none of ours to describe. */
static bool enter_table(struct reader *reader, const struct row *row)
{
	struct str name = {row->texts[0], row->lengths[0]};
	if (reader->table != NULL && str_equal(reader->table->name, name)) {
		return true;
	}
	reader->table = NULL;
	reader->object = STR("");
	for (size_t i = 0; i < reader->catalog.count && reader->table == NULL; i++) {
		if (str_equal(reader->catalog.tables[i].name, name)) {
			reader->table = &reader->catalog.tables[i];
		}
	}
	return reader->table != NULL;
}

/* ---- tables ---- */

static const char tables_sql[] =
	"SELECT t.table_name,t.table_type,t.engine,e.transactions='NO' "
	"FROM information_schema.tables AS t LEFT JOIN information_schema.engines AS e "
	"ON e.engine=t.engine WHERE table_schema=DATABASE() "
	"AND table_type IN ('BASE TABLE','SYSTEM VERSIONED','VIEW') "
	"AND LEFT(LOWER(table_name),4)<>'_rl_' ORDER BY BINARY table_name";

static void read_table(struct reader *reader, const struct row *row)
{
	struct catalog *catalog = &reader->catalog;
	catalog->tables = catalog_grow(reader->arena, catalog->tables, catalog->count,
								   sizeof(catalog->tables[0]));
	catalog->tables[catalog->count++] = (struct catalog_table){
		.name = text_of(reader, row, 0),
		.kind = is(row, 1, "VIEW") ? CATALOG_VIEW : CATALOG_TABLE,
		.unwritten = is(row, 3, "1")
			? arena_printf(reader->arena, "only read: %s cannot take back what was written",
						   row->texts[2])
			: STR(""),
	};
}

/* A view over what is gone, or over what its owner may not read. */
static void try_view(struct reader *reader, struct catalog_table *table)
{
	struct buf sql;
	buf_init(&sql, STATEMENT_BYTES);
	buf_append(&sql, STR("SELECT * FROM "));
	sql_put_name(&sql_dialect_maria, table->name, &sql);
	buf_append(&sql, STR(" LIMIT 0"));
	if (mysql_real_query(reader->db, sql.ptr, sql.len) == 0) {
		mysql_free_result(mysql_store_result(reader->db));
	} else {
		table->problem = arena_copy(reader->arena, str_from(mysql_error(reader->db)));
		table->column_count = 0;
	}
	buf_finish(&sql);
}

/* Names of resources have no case. */
static void settle_name(const struct catalog *catalog, struct catalog_table *table)
{
	for (size_t i = 0; &catalog->tables[i] != table; i++) {
		if (str_equal_nocase(catalog->tables[i].name, table->name)) {
			table->problem = STR("its name differs from another table's only in case");
		}
	}
}

/* ---- columns ---- */

/* JSON is a text with a check that the server itself adds. Asked once for all columns: a subquery
 * would open their tables again for each. */
static const char checks_sql[] = "SELECT CONCAT(table_name,' ',check_clause) "
								 "FROM information_schema.check_constraints "
								 "WHERE constraint_schema=DATABASE()";

static void read_check(struct reader *reader, const struct row *row)
{
	map_put(&reader->checks, text_of(reader, row, 0), reader);
}

static bool is_json(struct reader *reader, struct str column)
{
	struct buf text;
	buf_init(&text, SIZE_MAX);
	buf_printf(&text, "%.*s json_valid(", STR_ARG(reader->table->name));
	sql_put_name(&sql_dialect_maria, column, &text);
	buf_append_byte(&text, ')');
	bool found = map_get(&reader->checks, buf_str(&text)) != NULL;
	buf_finish(&text);
	return found;
}

static const char columns_sql[] =
	"SELECT table_name,column_name,data_type,column_type,character_set_name,collation_name,"
	"character_maximum_length,numeric_precision,numeric_scale,is_nullable,column_default,extra "
	"FROM information_schema.columns WHERE table_schema=DATABASE() "
	"ORDER BY table_name,ordinal_position";

enum {
	COLUMN_NAME = 1,
	COLUMN_WORD,
	COLUMN_WHOLE,
	COLUMN_CHARSET,
	COLUMN_COLLATION,
	COLUMN_CHARS,
	COLUMN_PRECISION,
	COLUMN_SCALE,
	COLUMN_NULLABLE,
	COLUMN_DEFAULT,
	COLUMN_EXTRA,
};

static bool holds_word(struct str text, struct str word)
{
	for (size_t i = 0; i + word.len <= text.len; i++) {
		if (str_equal_nocase(str_slice(text, i, i + word.len), word)) {
			return true;
		}
	}
	return false;
}

/* Texts stand within '' with \', \\, \n, \r and \0 in them. */
static struct str plain_literal(const struct reader *reader, struct str text)
{
	if (!str_starts_with(text, STR("'"))) {
		return text;
	}
	char *plain = arena_bytes(reader->arena, 2 * text.len);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '\\' && i + 1 < text.len) {
			c = text.ptr[++i];
			c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == '0' ? '\0' : c;
			if (c == '\'') {
				plain[len++] = c;
			}
		}
		plain[len++] = c;
	}
	return (struct str){plain, len};
}

static void read_column(struct reader *reader, const struct row *row)
{
	if (!enter_table(reader, row)) {
		return;
	}
	struct catalog_table *table = reader->table;
	struct str extra = text_of(reader, row, COLUMN_EXTRA);
	struct str said = text_of(reader, row, COLUMN_DEFAULT);
	struct catalog_column column = {
		.name = text_of(reader, row, COLUMN_NAME),
		.declared = text_of(reader, row, COLUMN_WHOLE),
		.not_null = is(row, COLUMN_NULLABLE, "NO"),
		.hidden = holds_word(extra, STR("INVISIBLE")),
		.generated = holds_word(extra, STR(" GENERATED")),
		.default_text = plain_literal(reader, said),
		.numbered = holds_word(extra, STR("auto_increment")),
	};
	const struct maria_type type = {
		.word = text_of(reader, row, COLUMN_WORD),
		.whole = column.declared,
		.charset = text_of(reader, row, COLUMN_CHARSET),
		.collation = text_of(reader, row, COLUMN_COLLATION),
		.is_json = is_json(reader, column.name),
		.chars = number_of(row, COLUMN_CHARS),
		.precision = number_of(row, COLUMN_PRECISION),
		.scale = number_of(row, COLUMN_SCALE),
	};
	maria_catalog_set_type(reader->arena, &type, &column);
	if (table->kind == CATALOG_VIEW) {
		column.not_null = false; /* what it says of these is of its tables */
		column.default_text = STR("");
	}
	column.has_default = column.numbered ||
		(column.default_text.len > 0 && !column.generated && !str_equal(said, STR("NULL")));
	table->columns = catalog_grow(reader->arena, table->columns, table->column_count,
								  sizeof(table->columns[0]));
	table->columns[table->column_count++] = column;
}

/* ---- keys ---- */

static const char indexes_sql[] =
	"SELECT table_name,index_name,column_name,seq_in_index,sub_part "
	"FROM information_schema.statistics WHERE table_schema=DATABASE() AND non_unique=0 "
	"ORDER BY table_name,index_name,seq_in_index";

static struct catalog_column *find_column(const struct reader *reader, const struct row *row,
										  unsigned number)
{
	struct str name = {row->texts[number], row->lengths[number]};
	for (size_t i = 0; i < reader->table->column_count; i++) {
		if (str_equal(reader->table->columns[i].name, name)) {
			return &reader->table->columns[i];
		}
	}
	return NULL;
}

/* Is the row of another index or foreign key than the one before it? */
static bool enter_object(struct reader *reader, const struct row *row)
{
	struct str name = {row->texts[1], row->lengths[1]};
	if (str_equal(reader->object, name)) {
		return false;
	}
	reader->object = arena_copy(reader->arena, name);
	reader->skipped = false;
	return true;
}

/* One over the beginnings of texts says more than that the texts differ: it is left out. */
static void read_index_row(struct reader *reader, const struct row *row)
{
	if (!enter_table(reader, row)) {
		return;
	}
	struct catalog_table *table = reader->table;
	struct catalog_column *column = find_column(reader, row, 2);
	bool begins = enter_object(reader, row);
	if (column != NULL && is(row, 1, "PRIMARY")) {
		column->key = (int)number_of(row, 3);
		return;
	}
	if (begins) {
		table->uniques = catalog_grow(reader->arena, table->uniques, table->unique_count,
									  sizeof(table->uniques[0]));
		table->uniques[table->unique_count++] = (struct catalog_unique){.name = reader->object};
	}
	if (reader->skipped) {
		return;
	}
	if (column == NULL || row->texts[4] != NULL) {
		reader->skipped = true;
		table->unique_count--;
		return;
	}
	catalog_add_column(reader->arena, &table->uniques[table->unique_count - 1].columns, column);
}

/* Other defaults than numbers are not known when a row is written, and its key has to be: it must
 * be given. */
static void settle_key(struct reader *reader, struct catalog_table *table)
{
	catalog_collect_key(reader->arena, table);
	for (size_t i = 0; i < table->column_count; i++) {
		struct catalog_column *column = &table->columns[i];
		if (column->key == 0) {
			continue;
		}
		if (column->numbered && table->key.count == 1 && column->type == TYPE_INTEGER) {
			table->numbered = column;
		} else {
			column->has_default = false;
		}
	}
}

/* ---- foreign keys ---- */

static const char references_sql[] =
	"SELECT table_name,constraint_name,column_name,referenced_table_name,referenced_column_name,"
	"referenced_table_schema=DATABASE(),referenced_table_schema "
	"FROM information_schema.key_column_usage WHERE table_schema=DATABASE() "
	"AND referenced_table_name IS NOT NULL ORDER BY table_name,constraint_name,ordinal_position";

/* One over a column that the user may not see is not seen either. */
static void read_reference_row(struct reader *reader, const struct row *row)
{
	if (!enter_table(reader, row)) {
		return;
	}
	struct catalog_table *table = reader->table;
	struct arena *arena = reader->arena;
	const struct catalog_column *column = find_column(reader, row, 2);
	if (enter_object(reader, row)) {
		struct str parent = text_of(reader, row, 3);
		if (!is(row, 5, "1")) {
			parent = arena_printf(arena, "%s.%.*s", row->texts[6], STR_ARG(parent));
		}
		table->references = catalog_grow(arena, table->references, table->reference_count,
										 sizeof(table->references[0]));
		table->references[table->reference_count++] = (struct catalog_reference){.parent = parent};
	}
	if (reader->skipped) {
		return;
	}
	if (column == NULL) {
		reader->skipped = true;
		table->reference_count--;
		return;
	}
	struct catalog_reference *reference = &table->references[table->reference_count - 1];
	struct str *to = catalog_grow(arena, reference->to, reference->columns.count, sizeof(*to));
	to[reference->columns.count] = text_of(reader, row, 4);
	reference->to = to;
	catalog_add_column(arena, &reference->columns, column);
}

/* ---- all ---- */

/* One word for all texts of the table, when they have the same collation. */
static void settle_collation(struct catalog_table *table)
{
	struct str common = STR("");
	bool same = true;
	for (size_t i = 0; i < table->column_count; i++) {
		struct catalog_column *column = &table->columns[i];
		if (column->collation.len > 0) {
			same = same && (common.len == 0 || str_equal(common, column->collation));
			common = common.len == 0 ? column->collation : common;
		}
	}
	for (size_t i = 0; i < table->column_count; i++) {
		struct catalog_column *column = &table->columns[i];
		if (same || str_equal(column->collation, STR("utf8mb4_nopad_bin"))) {
			column->collation = STR("");
		}
	}
	table->collation = same && !str_equal(common, STR("utf8mb4_nopad_bin")) ? common : STR("");
}

static bool read_all(struct reader *reader)
{
	struct catalog *catalog = &reader->catalog;
	if (!ask(reader, tables_sql, read_table) || !ask(reader, checks_sql, read_check) ||
		!ask(reader, columns_sql, read_column) || !ask(reader, indexes_sql, read_index_row)) {
		return false;
	}
	for (size_t i = 0; i < catalog->count; i++) {
		settle_key(reader, &catalog->tables[i]);
		settle_collation(&catalog->tables[i]);
		settle_name(catalog, &catalog->tables[i]);
		if (catalog->tables[i].kind == CATALOG_VIEW) {
			try_view(reader, &catalog->tables[i]);
		}
	}
	return ask(reader, references_sql, read_reference_row);
}

bool maria_catalog_read(MYSQL *db, struct arena *arena, struct catalog *ret_catalog,
						struct error *error)
{
	struct reader reader = {.db = db, .arena = arena, .error = error};
	map_init(&reader.checks);
	bool ok = read_all(&reader);
	map_finish(&reader.checks);
	if (ok) {
		catalog_resolve(arena, &reader.catalog);
		*ret_catalog = reader.catalog;
	}
	return ok;
}
