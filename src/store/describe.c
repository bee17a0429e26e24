/*
 * DESIGN. The tables are read into a catalog first. What can be described is then a question that
 * any part of it can be asked at any time (has it a name that a service file can hold, is its
 * table there), so tables are written in one pass, also those that refer to later ones.
 */
#include "store/describe.h"

#include <string.h>

#include "codec/number.h"
#include "codec/utf8.h"
#include "model/model_write.h"
#include "model/yaml.h"

struct describe {
	const struct describe_options *options;
	struct arena arena;
	const struct catalog *catalog;
	const struct describe_model *own;
	struct buf *yaml;
};

/* ---- what can be described ---- */

/* Why the column is left out; "": it is not. */
static struct str column_problem(const struct catalog_column *column)
{
	return describe_is_name(column->name) ? column->left_out
										  : STR("a service file cannot hold this name");
}

/* Rows of it refer to another service: only the service file that made it knows how to write them.
 */
static bool has_holds(const struct catalog_table *table)
{
	for (size_t i = 0; i < table->column_count; i++) {
		if (str_starts_with(table->columns[i].name, STR("_rl_hold_"))) {
			return true;
		}
	}
	return false;
}

static bool column_is_described(const struct catalog_column *column)
{
	return !column->hidden && column_problem(column).len == 0;
}

static bool columns_are_described(const struct catalog_columns *columns)
{
	for (size_t i = 0; i < columns->count; i++) {
		if (!column_is_described(columns->items[i])) {
			return false;
		}
	}
	return columns->count > 0;
}

/* Why the table is left out; NULL: it is not. */
static const char *table_problem(const struct catalog_table *table)
{
	if (!describe_is_name(table->name) || str_equal(table->name, STR(".rowlock"))) {
		return "a service file cannot hold this name";
	}
	if (table->problem.len > 0) {
		return table->problem.ptr;
	}
	for (size_t i = 0; i < table->column_count; i++) {
		if (column_is_described(&table->columns[i])) {
			return NULL;
		}
	}
	return "it has no columns that a service file can name";
}

/* JSON can be neither key nor unique: there it is its text. */
static enum type declared_type(const struct catalog_table *table,
							   const struct catalog_column *column)
{
	enum type type = column->type;
	bool unique = catalog_columns_hold(&table->key, column);
	for (size_t i = 0; i < table->unique_count && !unique; i++) {
		unique = catalog_columns_hold(&table->uniques[i].columns, column);
	}
	return type == TYPE_JSON && unique ? TYPE_TEXT : type;
}

/* The field that a column will be, as far as foreign keys must agree on it. */
static struct field type_of(const struct describe *describe, const struct catalog_table *table,
							const struct catalog_column *column)
{
	const struct resource *own = describe_model_find(describe->own, table->name);
	const struct field *field = own != NULL ? resource_field(own, column->name) : NULL;
	if (field != NULL) {
		return *field;
	}
	return (struct field){
		.type = declared_type(table, column),
		.max_chars = column->max_chars,
		.precision = column->precision,
		.scale = column->scale,
	};
}

static bool is_insertable(const struct catalog_column *column)
{
	return column->has_default || column->generated || !column->not_null;
}

/* Rows can be written through what is described of the table. */
static bool is_writable(const struct describe *describe, const struct catalog_table *table)
{
	for (size_t i = 0; i < table->column_count; i++) {
		const struct catalog_column *column = &table->columns[i];
		if (!column_is_described(column) && (column->key > 0 || !is_insertable(column))) {
			return false;
		}
	}
	return describe->options->write && table->kind == CATALOG_TABLE && table->unwritten.len == 0 &&
		!has_holds(table);
}

/* ---- foreign keys ---- */

static bool names_match(const struct field_list *fields, const struct catalog_columns *columns)
{
	bool same = fields->count == columns->count;
	for (size_t i = 0; i < columns->count && same; i++) {
		bool found = false;
		for (size_t k = 0; k < fields->count && !found; k++) {
			found = str_equal(fields->items[k]->name, columns->items[i]->name);
		}
		same = found;
	}
	return same;
}

static bool is_unique_target(const struct describe *describe,
							 const struct catalog_reference *reference)
{
	const struct catalog_table *target = reference->target;
	const struct resource *own = describe_model_find(describe->own, target->name);
	if (own != NULL) {
		bool found = names_match(&own->key, &reference->target_columns);
		for (size_t i = 0; i < own->unique_count && !found; i++) {
			found = own->uniques[i].cond == NULL &&
				names_match(&own->uniques[i].fields, &reference->target_columns);
		}
		return found;
	}
	if (catalog_columns_match(&target->key, &reference->target_columns)) {
		return true;
	}
	for (size_t i = 0; i < target->unique_count; i++) {
		if (catalog_columns_match(&target->uniques[i].columns, &reference->target_columns)) {
			return true;
		}
	}
	return false;
}

static bool has_twice(const struct catalog_columns *columns)
{
	for (size_t i = 1; i < columns->count; i++) {
		const struct catalog_columns before = {columns->items, i};
		if (catalog_columns_hold(&before, columns->items[i])) {
			return true;
		}
	}
	return false;
}

/* Why the foreign key is left out; NULL: it is not. */
static const char *reference_problem(const struct describe *describe,
									 const struct catalog_table *table,
									 const struct catalog_reference *reference)
{
	if (reference->target == NULL) {
		return "no such table or columns";
	}
	if (!columns_are_described(&reference->columns) || table_problem(reference->target) != NULL ||
		!columns_are_described(&reference->target_columns)) {
		return "a service file cannot hold a name in it";
	}
	if (has_twice(&reference->columns) || has_twice(&reference->target_columns)) {
		return "a column stands in it twice";
	}
	if (!is_unique_target(describe, reference)) {
		return "its target is neither key nor unique";
	}
	for (size_t i = 0; i < reference->columns.count; i++) {
		const struct catalog_column *column = reference->columns.items[i];
		const struct field own = type_of(describe, table, column);
		const struct field other = type_of(describe, reference->target,
										   reference->target_columns.items[i]);
		if (own.type != other.type || own.scale != other.scale) {
			return "the columns differ in type";
		}
		if (column->is_bytes) {
			return "its columns hold bytes, which are no text";
		}
	}
	return NULL;
}

/* The first foreign key from the column alone to a key that is one column. */
static const struct catalog_reference *field_reference(const struct describe *describe,
													   const struct catalog_table *table,
													   const struct catalog_column *column)
{
	for (size_t i = 0; i < table->reference_count; i++) {
		const struct catalog_reference *reference = &table->references[i];
		if (reference->columns.count == 1 && reference->columns.items[0] == column &&
			reference_problem(describe, table, reference) == NULL &&
			catalog_columns_match(&reference->target->key, &reference->target_columns)) {
			return reference;
		}
	}
	return NULL;
}

static bool same_reference(const struct catalog_reference *a, const struct catalog_reference *b)
{
	if (a->target != b->target || a->columns.count != b->columns.count) {
		return false;
	}
	for (size_t i = 0; i < a->columns.count; i++) {
		if (a->columns.items[i] != b->columns.items[i] ||
			a->target_columns.items[i] != b->target_columns.items[i]) {
			return false;
		}
	}
	return true;
}

/* Is it said already, at its field or by an earlier one? */
static bool is_said(const struct describe *describe, const struct catalog_table *table,
					size_t number)
{
	const struct catalog_reference *reference = &table->references[number];
	const struct catalog_reference *other = field_reference(describe, table,
															reference->columns.items[0]);
	if (other != NULL && same_reference(reference, other)) {
		return true;
	}
	for (size_t i = 0; i < number; i++) {
		if (same_reference(reference, &table->references[i])) {
			return true;
		}
	}
	return false;
}

/* ---- names ---- */

struct names {
	struct str *items;
	size_t count;
};

static bool is_taken(const struct names *names, struct str name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (str_equal_nocase(names->items[i], name)) {
			return true;
		}
	}
	return false;
}

/* `<table>_<columns>_<ending>`, with a number when that is taken; cut to what a name may have. */
static struct str make_name(struct describe *describe, const struct names *names,
							const struct catalog_table *table,
							const struct catalog_columns *columns, const char *ending)
{
	struct str base = table->name;
	for (size_t i = 0; i < columns->count; i++) {
		base = arena_printf(&describe->arena, "%.*s_%.*s", STR_ARG(base),
							STR_ARG(columns->items[i]->name));
	}
	for (unsigned number = 0;; number++) {
		struct str end = number == 0 ? arena_printf(&describe->arena, "_%s", ending)
									 : arena_printf(&describe->arena, "_%s%u", ending, number);
		struct str name = arena_printf(&describe->arena, "%.*s%.*s", STR_ARG(base), STR_ARG(end));
		for (size_t cut = base.len; !describe_is_name(name) && cut > 0; cut--) {
			name = arena_printf(&describe->arena, "%.*s%.*s", STR_ARG(str_slice(base, 0, cut - 1)),
								STR_ARG(end));
		}
		if (!is_taken(names, name)) {
			return name;
		}
	}
}

static void take(struct names *names, struct str name)
{
	names->items[names->count++] = name;
}

/* ---- writing ---- */

static void write_name_list(struct describe *describe, const struct catalog_columns *columns)
{
	buf_append_byte(describe->yaml, '[');
	for (size_t i = 0; i < columns->count; i++) {
		buf_append(describe->yaml, i > 0 ? STR(", ") : STR(""));
		yaml_write_value(describe->yaml, columns->items[i]->name);
	}
	buf_append_byte(describe->yaml, ']');
}

/* A single one without brackets. */
static void write_names(struct describe *describe, const struct catalog_columns *columns)
{
	if (columns->count == 1) {
		yaml_write_value(describe->yaml, columns->items[0]->name);
	} else {
		write_name_list(describe, columns);
	}
}

/* Within { } a comma ends a value. */
static void write_type(struct describe *describe, const struct field *field, bool bare)
{
	static const char *const words[] = {
#define X(name, word, shown) [TYPE_##name] = word,
		TYPE_TABLE(X)
#undef X
	};
	if (field->type == TYPE_DECIMAL) {
		buf_printf(describe->yaml, bare ? "decimal(%d,%d)" : "\"decimal(%d,%d)\"", field->precision,
				   field->scale);
		return;
	}
	buf_append(describe->yaml, str_from(words[field->type]));
	if (field->max_chars > 0) {
		buf_printf(describe->yaml, "(%zu)", field->max_chars);
	}
}

/* The text of 'a ''quoted'' literal'; false for anything else. */
static bool unquote(struct describe *describe, struct str sql, struct str *ret_text)
{
	if (sql.len < 2 || sql.ptr[0] != '\'' || sql.ptr[sql.len - 1] != '\'') {
		return false;
	}
	char *text = arena_bytes(&describe->arena, sql.len);
	size_t len = 0;
	for (size_t i = 1; i < sql.len - 1; i++) {
		if (sql.ptr[i] == '\'' && (i + 1 == sql.len - 1 || sql.ptr[++i] != '\'')) {
			return false;
		}
		text[len++] = sql.ptr[i];
	}
	*ret_text = (struct str){text, len};
	return utf8_check(*ret_text) == len;
}

/* False: the default is no literal of the type. */
static bool write_literal(struct describe *describe, struct str sql, const struct field *field)
{
	struct str text = sql;
	bool is_true = str_equal_nocase(sql, STR("true")) || str_equal(sql, STR("1"));
	int64_t integer;
	double number;

	switch (field->type) {
	case TYPE_TEXT:
		if (!unquote(describe, sql, &text) ||
			(field->max_chars > 0 && utf8_length(text) > field->max_chars)) {
			return false;
		}
		yaml_write_literal(describe->yaml, text);
		return true;
	case TYPE_BOOLEAN:
		if (!is_true && !str_equal_nocase(sql, STR("false")) && !str_equal(sql, STR("0"))) {
			return false;
		}
		text = is_true ? STR("true") : STR("false");
		break;
	case TYPE_INTEGER:
		if (number_parse_integer(sql, &integer) != NUMBER_OK) {
			return false;
		}
		break;
	case TYPE_NUMBER:
		if (number_parse_double(sql, &number) != NUMBER_OK) {
			return false;
		}
		break;
	case TYPE_DECIMAL:
	case TYPE_UUID:
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
	case TYPE_JSON:
		return false;
	}
	buf_append(describe->yaml, text);
	return true;
}

static void write_default(struct describe *describe, const struct catalog_table *table,
						  const struct catalog_column *column, const struct field *field)
{
	if (column == table->numbered) {
		buf_append(describe->yaml, STR(", default: auto"));
	} else if (column->has_default) {
		buf_append(describe->yaml, STR(", default: "));
		if (!write_literal(describe, column->default_text, field)) {
			buf_append(describe->yaml, STR("database"));
		}
	}
}

/* What is to be known of its values stands above it. */
static void write_notes(struct describe *describe, const struct catalog_column *column)
{
	struct buf *yaml = describe->yaml;
	if (column->collation.len > 0) {
		buf_append(yaml, STR("      # compared with "));
		yaml_write_literal(yaml, column->collation);
		buf_append(yaml, STR(": what is equal, and the order, are the database's\n"));
	}
	if (column->note.len > 0) {
		buf_printf(yaml, "      # %.*s\n", STR_ARG(column->note));
	}
}

static void write_in(struct describe *describe, const struct catalog_column *column)
{
	buf_append(describe->yaml, column->in_count > 0 ? STR(", in: [") : STR(""));
	for (size_t i = 0; i < column->in_count; i++) {
		buf_append(describe->yaml, i > 0 ? STR(", ") : STR(""));
		yaml_write_literal(describe->yaml, column->in[i]);
	}
	buf_append(describe->yaml, column->in_count > 0 ? STR("]") : STR(""));
}

static void write_field(struct describe *describe, const struct catalog_table *table,
						const struct catalog_column *column)
{
	const struct catalog_reference *reference = field_reference(describe, table, column);
	const struct field field = type_of(describe, table, column);
	bool never = column->generated || column->is_bytes;
	bool required = column->not_null && column->key == 0 && !column->generated;
	bool bare = !required && !column->has_default && column != table->numbered && !never &&
		reference == NULL && field.type != TYPE_BOOLEAN && column->in_count == 0;
	struct buf *yaml = describe->yaml;

	write_notes(describe, column);
	buf_append(yaml, STR("      "));
	yaml_write_key(yaml, column->name);
	buf_append(yaml, bare ? STR(": ") : STR(": { type: "));
	write_type(describe, &field, bare);
	buf_append(yaml, required ? STR(", required: true") : STR(""));
	write_default(describe, table, column, &field);
	write_in(describe, column);
	buf_append(yaml, never ? STR(", write: never") : STR(""));
	buf_append(yaml, field.type == TYPE_BOOLEAN ? STR(", loose: true") : STR(""));
	if (reference != NULL) {
		buf_append(yaml, STR(", references: "));
		yaml_write_value(yaml, reference->target->name);
	}
	buf_append(yaml, bare ? STR("\n") : STR(" }\n"));
}

static void write_fields(struct describe *describe, const struct catalog_table *table)
{
	if (table->collation.len > 0) {
		buf_append(describe->yaml, STR("    # texts are compared with "));
		yaml_write_literal(describe->yaml, table->collation);
		buf_append(describe->yaml, STR(": what is equal, and the order, are the database's\n"));
	}
	buf_append(describe->yaml, STR("    fields:\n"));
	for (size_t i = 0; i < table->column_count; i++) {
		const struct catalog_column *column = &table->columns[i];
		if (column_is_described(column)) {
			write_field(describe, table, column);
		} else if (!column->hidden && !str_starts_with(column->name, STR("_rl_hold_"))) {
			buf_append(describe->yaml, STR("      # left out: "));
			yaml_write_literal(describe->yaml, column->name);
			buf_printf(describe->yaml, ": %.*s\n", STR_ARG(column_problem(column)));
		}
	}
}

static void write_uniques(struct describe *describe, const struct catalog_table *table,
						  struct names *names)
{
	bool begun = false;
	for (size_t i = 0; i < table->unique_count; i++) {
		const struct catalog_unique *unique = &table->uniques[i];
		struct str name = unique->name;
		if (!columns_are_described(&unique->columns)) {
			continue;
		}
		if (unique->automatic || !describe_is_name(name) || is_taken(names, name)) {
			name = make_name(describe, names, table, &unique->columns, "key");
		}
		take(names, name);
		buf_append(describe->yaml, begun ? STR("") : STR("    unique:\n"));
		begun = true;
		buf_append(describe->yaml, STR("      "));
		yaml_write_key(describe->yaml, name);
		buf_append(describe->yaml, STR(": "));
		write_names(describe, &unique->columns);
		buf_append_byte(describe->yaml, '\n');
	}
}

static void write_left_out(struct describe *describe, const struct catalog_reference *reference,
						   const char *problem)
{
	buf_append(describe->yaml, STR("    # left out: the foreign key of ("));
	for (size_t i = 0; i < reference->columns.count; i++) {
		buf_append(describe->yaml, i > 0 ? STR(", ") : STR(""));
		yaml_write_value(describe->yaml, reference->columns.items[i]->name);
	}
	buf_append(describe->yaml, STR(") to "));
	yaml_write_value(describe->yaml, reference->parent);
	buf_printf(describe->yaml, ": %s\n", problem);
}

static void write_references(struct describe *describe, const struct catalog_table *table,
							 struct names *names)
{
	bool begun = false;
	for (size_t i = 0; i < table->reference_count; i++) {
		const struct catalog_reference *reference = &table->references[i];
		const char *problem = reference_problem(describe, table, reference);
		if (problem != NULL) {
			write_left_out(describe, reference, problem);
		} else if (!is_said(describe, table, i)) {
			struct str name = make_name(describe, names, table, &reference->columns, "fkey");
			take(names, name);
			buf_append(describe->yaml, begun ? STR("") : STR("    references:\n"));
			begun = true;
			buf_append(describe->yaml, STR("      "));
			yaml_write_key(describe->yaml, name);
			buf_append(describe->yaml, STR(": { fields: "));
			write_name_list(describe, &reference->columns);
			buf_append(describe->yaml, STR(", to: "));
			yaml_write_value(describe->yaml, reference->target->name);
			buf_append(describe->yaml, STR(", on: "));
			write_name_list(describe, &reference->target_columns);
			buf_append(describe->yaml, STR(" }\n"));
		}
	}
}

/* The loader gives those at fields a name, which no other rule of the resource may have. */
static void take_field_references(struct describe *describe, const struct catalog_table *table,
								  struct names *names)
{
	for (size_t i = 0; i < table->column_count; i++) {
		if (field_reference(describe, table, &table->columns[i]) != NULL) {
			take(names,
				 arena_printf(&describe->arena, "%.*s_%.*s_fkey", STR_ARG(table->name),
							  STR_ARG(table->columns[i].name)));
		}
	}
}

/* A resource of our own, with what others have added to its table. */
static void write_own(struct describe *describe, const struct catalog_table *table,
					  const struct resource *own)
{
	model_write_fields(own, describe->yaml);
	for (size_t i = 0; i < table->column_count && own->tally_of == NULL; i++) {
		const struct catalog_column *column = &table->columns[i];
		if (resource_field(own, column->name) == NULL && column_is_described(column)) {
			write_field(describe, table, column);
		}
	}
	bool read_only = own->read_only || !describe->options->write || has_holds(table);
	struct resource alone = *own; /* what it refers to elsewhere is no resource here */
	alone.link_count = 0;
	model_write_rules(&alone, read_only, describe->yaml);
}

static void write_table(struct describe *describe, const struct catalog_table *table)
{
	const struct resource *own = describe_model_find(describe->own, table->name);
	if (own != NULL) {
		write_own(describe, table, own);
		return;
	}
	size_t most = table->column_count + table->unique_count + table->reference_count;
	struct names names = {ARENA_ARRAY(&describe->arena, most, struct str), 0};
	struct buf *yaml = describe->yaml;
	buf_append(yaml, STR("  "));
	yaml_write_key(yaml, table->name);
	buf_append(yaml, STR(":\n    key: "));
	if (columns_are_described(&table->key)) {
		write_names(describe, &table->key);
	} else {
		buf_append(yaml, STR("[]"));
	}
	buf_append_byte(yaml, '\n');
	write_fields(describe, table);
	take_field_references(describe, table, &names);
	write_uniques(describe, table, &names);
	write_references(describe, table, &names);
	if (table->unwritten.len > 0 && describe->options->write) {
		buf_printf(yaml, "    # %.*s\n", STR_ARG(table->unwritten));
	}
	if (!is_writable(describe, table)) {
		buf_append(yaml, STR("    read_only: true\n"));
	}
}

static void write_head(struct describe *describe)
{
	const struct describe_options *options = describe->options;
	struct buf *yaml = describe->yaml;
	buf_append(yaml, STR("service: "));
	describe_service(yaml, options->url);
	if (options->listen.len > 0) {
		buf_append(yaml, STR("\nlisten: "));
		yaml_write_value(yaml, options->listen);
	}
	buf_append(yaml, STR("\nstore: "));
	yaml_write_value(yaml, options->url);
	buf_append(yaml, STR("\n\nresources:"));
}

static void write_all(struct describe *describe)
{
	const struct catalog *catalog = describe->catalog;
	size_t count = 0;
	write_head(describe);
	for (size_t i = 0; i < catalog->count; i++) {
		count += !catalog->tables[i].hidden && table_problem(&catalog->tables[i]) == NULL;
	}
	buf_append(describe->yaml, count == 0 ? STR(" {}\n") : STR("\n"));
	for (size_t i = 0; i < catalog->count; i++) {
		const char *problem = table_problem(&catalog->tables[i]);
		if (catalog->tables[i].hidden) {
			continue;
		}
		if (problem == NULL) {
			write_table(describe, &catalog->tables[i]);
			continue;
		}
		buf_append(describe->yaml, STR("  # left out: "));
		yaml_write_literal(describe->yaml, catalog->tables[i].name);
		buf_append(describe->yaml, STR(": "));
		yaml_write_literal(describe->yaml, str_from(problem));
		buf_append_byte(describe->yaml, '\n');
	}
}

bool describe_write(const struct catalog *catalog, const struct describe_model *own,
					const struct describe_options *options, struct buf *yaml, struct error *error)
{
	struct describe describe = {.options = options, .catalog = catalog, .own = own, .yaml = yaml};
	arena_init(&describe.arena, 65536);
	write_all(&describe);
	arena_finish(&describe.arena);
	return !yaml->failed ||
		error_set(error, ERROR_CONFIG, "the database's service file is larger than %zu bytes",
				  yaml->max_bytes);
}
