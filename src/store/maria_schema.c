/*
 * DESIGN. What the database has is read from information_schema as facts, a name and a text each:
 * `column users.id` is `bigint NOT NULL AUTO_INCREMENT`. What the model needs is written in the
 * same words and looked up. More columns, indexes and tables are nobody's concern.
 *
 * Tables cannot be made in a transaction. Two programs that find the database empty at once take
 * turns by a lock of the server.
 */
#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "model/model_write.h"
#include "model/yaml.h"
#include "query/compile.h"
#include "store/maria_catalog.h"
#include "store/maria_existing.h"
#include "store/maria_priv.h"
#include "store/maria_schema.h"
#include "store/schema_text.h"

enum {
	ARENA_BYTES = 16384,
	STATEMENT_BYTES = 1 << 20,
	NAME_BYTES = 4096,
	SHOWN = 3, /* differences */
	LOCK_S = 20,
};

struct maria_schema {
	MYSQL *db;
	struct arena arena;
	struct map facts; /* name -> struct str */
	struct maria_differences differences;
	struct model *kept;     /* owned: what the database keeps of itself; NULL: it is not ours */
	struct catalog catalog; /* of tables that are not ours; read when there is one */
	bool has_catalog;
	bool described; /* the model is made of the tables: it counts what they hold */
};

static bool fail_db(MYSQL *db, struct error *error)
{
	error_set(error, ERROR_STORE, "the database's tables cannot be read or made");
	return error_details(error, "%s", mysql_error(db));
}

bool maria_schema_run(MYSQL *db, struct str text, struct error *error)
{
	return mysql_real_query(db, text.ptr, text.len) == 0 || fail_db(db, error);
}

MYSQL_RES *maria_schema_rows(MYSQL *db, struct str text, struct error *error)
{
	if (!maria_schema_run(db, text, error)) {
		return NULL;
	}
	MYSQL_RES *rows = mysql_store_result(db);
	if (rows == NULL) {
		fail_db(db, error);
	}
	return rows;
}

/* ---- what the database says of its own ---- */

bool maria_schema_keep(MYSQL *db, struct str text, struct error *error)
{
	struct buf sql;
	buf_init(&sql, SIZE_MAX);
	buf_append(&sql, STR("REPLACE INTO _rl_model (id,text) VALUES (1,'"));
	char *end = buf_reserve(&sql, 2 * text.len + 1);
	buf_added(&sql, mysql_real_escape_string(db, end, text.len > 0 ? text.ptr : "", text.len));
	buf_append(&sql, STR("')"));
	bool ok = maria_schema_run(db,
							   STR("CREATE TABLE IF NOT EXISTS _rl_model (id INT PRIMARY KEY, "
								   "text LONGTEXT NOT NULL) ENGINE=InnoDB CHARACTER SET utf8mb4 "
								   "COLLATE utf8mb4_nopad_bin"),
							   error) &&
		maria_schema_run(db, buf_str(&sql), error);
	buf_finish(&sql);
	return ok;
}

bool maria_schema_keep_model(MYSQL *db, const struct model *model, struct error *error)
{
	struct buf text;
	buf_init(&text, YAML_MAX_BYTES);
	model_write_resources(model, &text);
	bool ok = text.failed || maria_schema_keep(db, buf_str(&text), error);
	buf_finish(&text);
	return ok;
}

struct str maria_schema_kept_text(MYSQL *db, struct arena *arena)
{
	MYSQL_RES *rows = maria_schema_rows(db, STR("SELECT text FROM _rl_model"), NULL);
	MYSQL_ROW row = rows != NULL ? mysql_fetch_row(rows) : NULL;
	struct str text = row != NULL && row[0] != NULL
		? arena_copy(arena, (struct str){row[0], mysql_fetch_lengths(rows)[0]})
		: STR("");
	mysql_free_result(rows);
	return text;
}

struct model *maria_schema_kept_model(MYSQL *db, struct arena *arena)
{
	struct str text = maria_schema_kept_text(db, arena);
	if (text.len == 0) {
		return NULL;
	}
	struct model_report report;
	model_report_init(&report);
	struct model *model = model_parse(arena_printf(arena, "service: own\n%.*s", STR_ARG(text)),
									  STR("_rl_model"), NULL, &report);
	if (model != NULL && !query_compile(model, &report)) {
		model_destroy(model);
		model = NULL;
	}
	model_report_finish(&report);
	return model;
}

/* ---- making ---- */

/* Calls `each` for the tables and indexes of one resource, or for the triggers on them. */
static bool each_of(struct maria_schema *schema, const struct resource *resource, bool triggers,
					schema_each_call *each, struct error *error)
{
	return schema_each(&sql_dialect_maria, resource, "CREATE TRIGGER", triggers, each, schema,
					   error);
}

static bool make_object(void *context, struct str name, struct str text, struct error *error)
{
	struct maria_schema *schema = context;
	(void)name;
	return maria_schema_run(schema->db, text, error);
}

/* A table may refer to one that is made later; to one that was made it needs that one's index. */
static bool make_all(struct maria_schema *schema, const struct model *model, struct error *error)
{
	bool ok = maria_schema_run(schema->db, STR("SET foreign_key_checks=0"), error);
	for (int triggers = 0; triggers <= 1 && ok; triggers++) {
		for (size_t r = 0; r < model->resource_count && ok; r++) {
			ok = each_of(schema, &model->resources[r], triggers == 1, make_object, error);
		}
	}
	if (ok && model->kept_answers != NULL) {
		ok = each_of(schema, model->kept_answers, false, make_object, error);
	}
	return ok && maria_schema_keep_model(schema->db, model, error) &&
		maria_schema_run(schema->db, STR("SET foreign_key_checks=1"), error);
}

/* ---- facts ---- */

static struct str of_row(struct maria_schema *schema, MYSQL_ROW row, const unsigned long *lengths,
						 unsigned number)
{
	struct str text = {row[number] != NULL ? row[number] : "", lengths[number]};
	return arena_copy(&schema->arena, text);
}

/* The rows of a statement: a name and a text. */
static bool add_facts(struct maria_schema *schema, const char *text, struct error *error)
{
	MYSQL_RES *rows = maria_schema_rows(schema->db, str_from(text), error);
	if (rows == NULL) {
		return false;
	}
	MYSQL_ROW row;
	while ((row = mysql_fetch_row(rows)) != NULL) {
		const unsigned long *lengths = mysql_fetch_lengths(rows);
		struct str *fact = ARENA_NEW(&schema->arena, struct str);
		*fact = of_row(schema, row, lengths, 1);
		map_put(&schema->facts, of_row(schema, row, lengths, 0), fact);
	}
	mysql_free_result(rows);
	return true;
}

/* Types without the width in which whole numbers are shown. */
static const char columns_sql[] =
	"SELECT CONCAT('column ',table_name,'.',column_name),CONCAT("
	"REGEXP_REPLACE(column_type,'^([a-z]*int)\\\\([0-9]+\\\\)','\\\\1'),"
	"IFNULL(CONCAT(' COLLATE ',collation_name),''),IF(is_nullable='NO',' NOT NULL',''),"
	"IF(extra LIKE '%auto_increment%',' AUTO_INCREMENT','')) "
	"FROM information_schema.columns WHERE table_schema=DATABASE()";
static const char tables_sql[] = "SELECT CONCAT('table ',table_name),'' "
								 "FROM information_schema.tables WHERE table_schema=DATABASE()";
static const char indexes_sql[] =
	"SELECT CONCAT(IF(index_name='PRIMARY','primary key',IF(non_unique,'index','unique index')),"
	"' of ',table_name,' over (',GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ', '),"
	"')'),'' FROM information_schema.statistics WHERE table_schema=DATABASE() "
	"GROUP BY table_name,index_name,non_unique";
static const char references_sql[] =
	"SELECT CONCAT('foreign key of ',table_name,' over (',"
	"GROUP_CONCAT(column_name ORDER BY ordinal_position SEPARATOR ', '),') to ',"
	"referenced_table_name,' (',"
	"GROUP_CONCAT(referenced_column_name ORDER BY ordinal_position SEPARATOR ', '),')'),'' "
	"FROM information_schema.key_column_usage WHERE table_schema=DATABASE() "
	"AND referenced_table_name IS NOT NULL "
	"GROUP BY table_name,constraint_name,referenced_table_name";
static const char triggers_sql[] = "SELECT CONCAT('trigger ',trigger_name),action_statement "
								   "FROM information_schema.triggers "
								   "WHERE trigger_schema=DATABASE()";

static const char checks_sql[] = "SELECT CONCAT('check of ',table_name,' ',constraint_name),'' "
								 "FROM information_schema.check_constraints "
								 "WHERE constraint_schema=DATABASE()";

static bool read_facts(struct maria_schema *schema, struct error *error)
{
	return add_facts(schema, tables_sql, error) && add_facts(schema, columns_sql, error) &&
		add_facts(schema, indexes_sql, error) && add_facts(schema, references_sql, error) &&
		add_facts(schema, triggers_sql, error) && add_facts(schema, checks_sql, error);
}

/* ---- comparing ---- */

static bool read_catalog(struct maria_schema *schema)
{
	struct error error;
	schema->has_catalog = schema->has_catalog ||
		maria_catalog_read(schema->db, &schema->arena, &schema->catalog, &error);
	return schema->has_catalog;
}

void maria_differences_note(struct maria_differences *differences, const char *format, ...)
{
	if (differences->count++ >= SHOWN) {
		return;
	}
	char text[NAME_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_append(&differences->found, differences->found.len > 0 ? STR("; ") : STR(""));
	buf_append(&differences->found, str_from(text));
}

#define note(schema, ...) maria_differences_note(&(schema)->differences, __VA_ARGS__)

__attribute__((format(printf, 2, 3))) static const struct str *find(struct maria_schema *schema,
																	const char *format, ...)
{
	char name[NAME_BYTES];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	assert(len >= 0 && (size_t)len < sizeof(name));
	return map_get(&schema->facts, (struct str){name, (size_t)len});
}

/* The column as columns_sql tells it. */
static struct str wanted_column(struct maria_schema *schema, const struct resource *resource,
								const struct field *field)
{
	struct buf text;
	buf_init(&text, NAME_BYTES);
	sql_dialect_maria.column_type(resource, field, &text);
	struct str collation = STR("utf8mb4_nopad_bin");
	struct str type = buf_str(&text);
	bool is_text = false;
	for (size_t i = 0; i < text.len; i++) {
		struct str rest = str_slice(buf_str(&text), i, text.len);
		is_text = is_text || str_starts_with(rest, STR("CHAR")) ||
			str_starts_with(rest, STR("TEXT"));
		if (str_starts_with(rest, STR(" COLLATE "))) {
			collation = str_slice(rest, 9, rest.len);
		}
		if (str_starts_with(rest, STR(" CHARACTER SET ")) && type.len == text.len) {
			type = str_slice(type, 0, i);
		}
		text.ptr[i] = (char)tolower((unsigned char)text.ptr[i]);
	}
	if (str_starts_with(type, STR("tinyint"))) {
		type = STR("tinyint");
	}
	bool automatic = field->default_kind == DEFAULT_AUTO && field->type == TYPE_INTEGER;
	struct str wanted = arena_printf(&schema->arena, "%.*s%s%.*s%s%s", STR_ARG(type),
									 is_text ? " COLLATE " : "",
									 STR_ARG(is_text ? collation : STR("")),
									 field->key || field->required ? " NOT NULL" : "",
									 automatic ? " AUTO_INCREMENT" : "");
	buf_finish(&text);
	return wanted;
}

/* Columns that others added to our tables may be of any type that can hold the field's values. */
static bool is_kept(struct maria_schema *schema, const struct resource *resource,
					const struct field *field)
{
	const struct resource *kept = schema->kept != NULL && field->number < resource->field_count
		? model_resource(schema->kept, resource->name)
		: NULL;
	if (kept == NULL || resource_field(kept, field->name) != NULL || !read_catalog(schema)) {
		return true;
	}
	const struct catalog_table *table = catalog_find_table(&schema->catalog, resource->name);
	const struct catalog_column *column = table == NULL ? NULL
														: catalog_find_column(table, field->name);
	return column == NULL || !maria_catalog_holds(column, field->type);
}

static void compare_columns(struct maria_schema *schema, const struct resource *resource)
{
	for (size_t i = 0; i < resource_column_count(resource); i++) {
		const struct field *field = resource_column(resource, i);
		if (field_is_computed(field)) {
			continue;
		}
		const struct str *has = find(schema, "column %.*s.%.*s", STR_ARG(resource->name),
									 STR_ARG(field->name));
		struct str wanted = wanted_column(schema, resource, field);
		if (has == NULL) {
			note(schema, "table %.*s has no column %.*s", STR_ARG(resource->name),
				 STR_ARG(field->name));
		} else if (!str_equal(*has, wanted) && is_kept(schema, resource, field)) {
			note(schema, "column %.*s of table %.*s is %.*s, not %.*s", STR_ARG(field->name),
				 STR_ARG(resource->name), STR_ARG(*has), STR_ARG(wanted));
		}
	}
}

/* `a, b` */
static struct str list_of(struct maria_schema *schema, const struct field_list *fields)
{
	struct str list = STR("");
	for (size_t i = 0; i < fields->count; i++) {
		list = arena_printf(&schema->arena, "%.*s%s%.*s", STR_ARG(list), i > 0 ? ", " : "",
							STR_ARG(fields->items[i]->name));
	}
	return list;
}

static void compare_index(struct maria_schema *schema, const struct resource *resource,
						  const char *kind, const struct field_list *fields)
{
	struct str list = list_of(schema, fields);
	if (find(schema, "%s of %.*s over (%.*s)", kind, STR_ARG(resource->name), STR_ARG(list)) ==
		NULL) {
		note(schema, "table %.*s has no %s over (%.*s)", STR_ARG(resource->name), kind,
			 STR_ARG(list));
	}
}

static struct str short_name(struct maria_schema *schema, struct str name)
{
	struct buf text;
	buf_init(&text, NAME_BYTES);
	buf_append(&text, name);
	sql_shorten_name(&sql_dialect_maria, &text);
	struct str copy = arena_copy(&schema->arena, buf_str(&text));
	buf_finish(&text);
	return copy;
}

/* A rule over some rows is one over generated columns: see sql_schema(). */
static void compare_rule(struct maria_schema *schema, const struct resource *resource,
						 const struct unique_rule *rule)
{
	if (rule->cond == NULL) {
		compare_index(schema, resource, "unique index", &rule->fields);
		return;
	}
	struct field *generated = ARENA_ARRAY(&schema->arena, rule->fields.count, struct field);
	struct field_list list = {ARENA_ARRAY(&schema->arena, rule->fields.count, const struct field *),
							  rule->fields.count};
	for (size_t i = 0; i < list.count; i++) {
		generated[i].name = short_name(
			schema, arena_printf(&schema->arena, "%.*s.%zu", STR_ARG(rule->name), i));
		list.items[i] = &generated[i];
	}
	compare_index(schema, resource, "unique index", &list);
}

static void compare_checks(struct maria_schema *schema, const struct resource *resource)
{
	for (size_t i = 0; i < resource->check_count; i++) {
		struct str name = short_name(schema, resource->checks[i].name);
		if (find(schema, "check of %.*s %.*s", STR_ARG(resource->name), STR_ARG(name)) == NULL) {
			note(schema, "table %.*s has no check %.*s", STR_ARG(resource->name), STR_ARG(name));
		}
	}
}

static void compare_references(struct maria_schema *schema, const struct resource *resource)
{
	for (size_t i = 0; i < resource->reference_count; i++) {
		const struct reference *reference = &resource->references[i];
		struct str from = list_of(schema, &reference->fields);
		struct str to = list_of(schema, &reference->target_fields);
		if (find(schema, "foreign key of %.*s over (%.*s) to %.*s (%.*s)", STR_ARG(resource->name),
				 STR_ARG(from), STR_ARG(reference->target->name), STR_ARG(to)) == NULL) {
			note(schema, "table %.*s has no foreign key over (%.*s) to %.*s (%.*s)",
				 STR_ARG(resource->name), STR_ARG(from), STR_ARG(reference->target->name),
				 STR_ARG(to));
		}
	}
}

static bool compare_table(void *context, struct str name, struct str text, struct error *error)
{
	struct maria_schema *schema = context;
	(void)error;
	bool table = str_starts_with(text, STR("CREATE TABLE")); /* else an index */
	if (table && find(schema, "table %.*s", STR_ARG(name)) == NULL) {
		note(schema, "there is no table %.*s", STR_ARG(name));
	}
	return true;
}

/* The server keeps the statement behind FOR EACH ROW as it was written. */
static bool compare_trigger(void *context, struct str name, struct str text, struct error *error)
{
	struct maria_schema *schema = context;
	(void)error;
	const struct str *has = find(schema, "trigger %.*s", STR_ARG(name));
	if (has == NULL) {
		note(schema, "there is no trigger %.*s", STR_ARG(name));
	} else if (has->len == 0 || !str_ends_with(text, str_trim(*has))) {
		note(schema, "the trigger %.*s is another", STR_ARG(name));
	}
	return true;
}

static void compare_own(struct maria_schema *schema, const struct resource *resource,
						struct error *error)
{
	if (find(schema, "table %.*s", STR_ARG(resource->name)) == NULL) {
		note(schema, "there is no table %.*s", STR_ARG(resource->name));
		return;
	}
	compare_columns(schema, resource);
	if (resource->key.count > 0) {
		compare_index(schema, resource, "primary key", &resource->key);
	}
	for (size_t i = 0; i < resource->unique_count; i++) {
		compare_rule(schema, resource, &resource->uniques[i]);
	}
	for (size_t i = 0; i < resource->index_count; i++) {
		compare_index(schema, resource, "index", &resource->indexes[i].fields);
	}
	compare_references(schema, resource);
	compare_checks(schema, resource);
	each_of(schema, resource, false, compare_table, error);
	each_of(schema, resource, true, compare_trigger, error);
}

/* A table that we made is what we would make; of others' it counts what they can hold. */
static bool compare(struct maria_schema *schema, const struct resource *resource,
					struct error *error)
{
	bool kept = schema->kept != NULL && !schema->described &&
		model_resource(schema->kept, resource->name) != NULL;
	if (resource_is_remote(resource)) {
		return true;
	}
	bool own = resource->tally_of != NULL || resource->hidden || kept;
	if (own) {
		compare_own(schema, resource, error);
		return true;
	}
	if (!read_catalog(schema)) {
		return fail_db(schema->db, error);
	}
	maria_existing_compare(&schema->catalog, resource, &schema->differences);
	for (size_t i = 0; i < resource->unique_count; i++) {
		if (resource->uniques[i].cond != NULL) {
			compare_rule(schema, resource, &resource->uniques[i]);
		}
	}
	compare_checks(schema, resource);
	return true;
}

static bool fail_different(const struct maria_schema *schema, const struct model *model,
						   struct error *error)
{
	const struct maria_differences *differences = &schema->differences;
	error_set(error, ERROR_CONFIG, "the database's tables are not those of %.*s",
			  STR_ARG(model->file));
	return error_details(error, "%.*s%s", STR_ARG(buf_str(&differences->found)),
						 differences->count > SHOWN ? "; and more" : "");
}

static bool is_read_only(const struct model *model)
{
	for (size_t i = 0; i < model->resource_count; i++) {
		if (!model->resources[i].read_only) {
			return false;
		}
	}
	return true;
}

static bool compare_all(struct maria_schema *schema, const struct model *model, struct error *error)
{
	for (size_t r = 0; r < model->resource_count; r++) {
		if (!compare(schema, &model->resources[r], error)) {
			return false;
		}
	}
	bool keeps = model->kept_answers != NULL && !is_read_only(model);
	if (keeps && !compare(schema, model->kept_answers, error)) {
		return false;
	}
	if (schema->differences.count == 0) {
		return true;
	}
	fail_different(schema, model, error);
	return error_hint(error, "what is to be done: rowlock migrate %.*s plan", STR_ARG(model->file));
}

/* ---- both ---- */

static bool check_or_make(struct maria_schema *schema, const struct model *model, bool make,
						  struct error *error)
{
	const struct resource *kept = model->kept_answers;
	if (make && schema->facts.count == 0) {
		return make_all(schema, model, error);
	}
	/* Databases of earlier versions, and other programs', have all but this one. */
	bool adds = make && kept != NULL && !is_read_only(model) &&
		find(schema, "table %.*s", STR_ARG(kept->name)) == NULL;
	if (adds && !(each_of(schema, kept, false, make_object, error) && read_facts(schema, error))) {
		return false;
	}
	return compare_all(schema, model, error);
}

/* Waits for another program that makes the tables. */
bool maria_schema_take_turn(MYSQL *db, struct error *error)
{
	char text[NAME_BYTES];
	snprintf(text, sizeof(text), "SELECT GET_LOCK(CONCAT('rowlock ',MD5(DATABASE())),%d)", LOCK_S);
	MYSQL_RES *rows = maria_schema_rows(db, str_from(text), error);
	if (rows == NULL) {
		return false;
	}
	MYSQL_ROW row = mysql_fetch_row(rows);
	bool taken = row != NULL && row[0] != NULL && row[0][0] == '1';
	mysql_free_result(rows);
	if (!taken) {
		error_set(error, ERROR_STORE, "another program has been making the tables for too long");
		error_hint(error, "one at a time makes or migrates them: try again when it is done");
	}
	return taken;
}

struct maria_schema *maria_schema_open(MYSQL *db, struct error *error)
{
	struct maria_schema *schema = alloc_zeroed(1, sizeof(*schema));
	schema->db = db;
	arena_init(&schema->arena, ARENA_BYTES);
	map_init(&schema->facts);
	buf_init(&schema->differences.found, STATEMENT_BYTES);
	if (!read_facts(schema, error)) {
		maria_schema_close(schema);
		return NULL;
	}
	if (find(schema, "table _rl_model") != NULL) {
		schema->kept = maria_schema_kept_model(db, &schema->arena);
	}
	return schema;
}

void maria_schema_close(struct maria_schema *schema)
{
	if (schema != NULL) {
		model_destroy(schema->kept);
		buf_finish(&schema->differences.found);
		map_finish(&schema->facts);
		arena_finish(&schema->arena);
		free(schema);
	}
}

bool maria_schema_fits(struct maria_schema *schema, const struct resource *resource)
{
	struct error error;
	buf_clear(&schema->differences.found);
	schema->differences.count = 0;
	compare_own(schema, resource, &error);
	return schema->differences.count == 0;
}

bool maria_schema_check(MYSQL *db, const struct model *model, struct maria_check *check,
						struct error *error)
{
	if (check->make && !maria_schema_take_turn(db, error)) {
		return false;
	}
	struct maria_schema *schema = maria_schema_open(db, error);
	bool ok = schema != NULL;
	if (ok) {
		schema->described = check->described;
		ok = check_or_make(schema, model, check->make, error);
		check->ours = find(schema, "table _rl_model") != NULL || schema->facts.count == 0;
	}
	maria_schema_close(schema);
	/* The lock goes with the connection. */
	return ok;
}

bool maria_schema_check_there(MYSQL *db, const struct model *model, struct error *error)
{
	struct maria_schema *schema = maria_schema_open(db, error);
	bool ok = schema != NULL;
	for (size_t r = 0; ok && r < model->resource_count; r++) {
		const struct resource *resource = &model->resources[r];
		if (find(schema, "table %.*s", STR_ARG(resource->name)) != NULL) {
			ok = compare(schema, resource, error);
		}
	}
	ok = ok && (schema->differences.count == 0 || fail_different(schema, model, error));
	maria_schema_close(schema);
	return ok;
}
