#include "store/catalog_compare.h"

#include <stdarg.h>
#include <stdio.h>

enum { NOTE_BYTES = 4096 };

__attribute__((format(printf, 3, 4))) static void note(const struct catalog_comparison *comparison,
													   const struct catalog_table *table,
													   const char *format, ...)
{
	char text[NOTE_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	comparison->note(comparison->context, table->name, str_from(text));
}

static const char *column_problem(const struct field *field, const struct catalog_table *table,
								  const struct catalog_column *column)
{
	if (column == NULL || !str_equal(column->name, field->name)) {
		return "is missing";
	}
	if (field->default_kind == DEFAULT_AUTO && field->key && field->type == TYPE_INTEGER &&
		table->kind == CATALOG_TABLE && column != table->numbered) {
		return "is not made by the database";
	}
	if (field->default_kind == DEFAULT_DATABASE && !column->has_default) {
		return "has no default";
	}
	return NULL;
}

static void compare_fields(const struct catalog_comparison *comparison,
						   const struct resource *resource, const struct catalog_table *table)
{
	for (size_t i = 0; i < resource_column_count(resource); i++) {
		const struct field *field = resource_column(resource, i);
		const struct catalog_column *column = catalog_find_column(table, field->name);
		if (field_is_computed(field)) {
			continue;
		}
		const char *problem = column_problem(field, table, column);
		if (problem != NULL) {
			note(comparison, table, ": column %.*s %s", STR_ARG(field->name), problem);
		} else if (!comparison->holds(column, field->type)) {
			note(comparison, table, ": column %.*s is %.*s, not %s", STR_ARG(field->name),
				 STR_ARG(column->declared), value_type_name(field->type));
		}
	}
}

/* Columns that an insert must give have a field that gives them. */
static void compare_needed(const struct catalog_comparison *comparison,
						   const struct resource *resource, const struct catalog_table *table)
{
	for (size_t i = 0; i < table->column_count; i++) {
		const struct catalog_column *column = &table->columns[i];
		const struct field *field = resource_field(resource, column->name);
		bool given = field != NULL &&
			(field->key || field->required || field->default_kind == DEFAULT_VALUE ||
			 field->default_kind == DEFAULT_AUTO);
		if (!given && column->not_null && !column->has_default && !column->generated &&
			column != table->numbered) {
			note(comparison, table, ": column %.*s must have a value, and %s",
				 STR_ARG(column->name),
				 field == NULL ? "is no field" : "its field is not required");
		}
	}
}

/* The table's columns of those names; false when there is one that it has not. */
static bool find_columns(const struct catalog_comparison *comparison,
						 const struct catalog_table *table, const struct field_list *fields,
						 struct catalog_columns *ret_columns)
{
	struct catalog_columns columns = {
		ARENA_ARRAY(comparison->arena, fields->count, const struct catalog_column *),
		fields->count,
	};
	for (size_t i = 0; i < fields->count; i++) {
		columns.items[i] = catalog_find_column(table, fields->items[i]->name);
		if (columns.items[i] == NULL) {
			return false; /* said already */
		}
	}
	*ret_columns = columns;
	return true;
}

/* `a, b` */
static struct str list_of(const struct catalog_comparison *comparison,
						  const struct field_list *fields)
{
	struct str list = STR("");
	for (size_t i = 0; i < fields->count; i++) {
		list = arena_printf(comparison->arena, "%.*s%s%.*s", STR_ARG(list), i > 0 ? ", " : "",
							STR_ARG(fields->items[i]->name));
	}
	return list;
}

static void compare_key(const struct catalog_comparison *comparison,
						const struct resource *resource, const struct catalog_table *table)
{
	struct catalog_columns key;
	if (resource->key.count == 0 || !find_columns(comparison, table, &resource->key, &key)) {
		return;
	}
	bool same = key.count == table->key.count;
	for (size_t i = 0; i < key.count && same; i++) {
		same = key.items[i] == table->key.items[i];
	}
	if (!same) {
		note(comparison, table, ": the primary key is not (%.*s)",
			 STR_ARG(list_of(comparison, &resource->key)));
	}
}

static void compare_unique(const struct catalog_comparison *comparison,
						   const struct field_list *fields, const struct catalog_table *table)
{
	struct catalog_columns columns;
	if (!find_columns(comparison, table, fields, &columns)) {
		return;
	}
	bool found = catalog_columns_match(&table->key, &columns);
	for (size_t i = 0; i < table->unique_count && !found; i++) {
		found = catalog_columns_match(&table->uniques[i].columns, &columns);
	}
	if (!found) {
		note(comparison, table, ": no unique index over (%.*s)",
			 STR_ARG(list_of(comparison, fields)));
	}
}

static bool has_pair(const struct catalog_reference *reference, const struct catalog_column *column,
					 const struct catalog_column *target)
{
	for (size_t i = 0; i < reference->columns.count; i++) {
		if (reference->columns.items[i] == column && reference->target_columns.items[i] == target) {
			return true;
		}
	}
	return false;
}

static void compare_reference(const struct catalog_comparison *comparison,
							  const struct field_list *fields, const struct resource *target,
							  const struct field_list *target_fields,
							  const struct catalog_table *table)
{
	const struct catalog_table *parent = catalog_find_table(comparison->catalog, target->name);
	struct catalog_columns columns;
	struct catalog_columns target_columns;
	if (parent == NULL || !find_columns(comparison, table, fields, &columns) ||
		!find_columns(comparison, parent, target_fields, &target_columns)) {
		return;
	}
	for (size_t i = 0; i < table->reference_count; i++) {
		const struct catalog_reference *reference = &table->references[i];
		bool found = reference->target == parent && reference->columns.count == columns.count;
		for (size_t k = 0; k < columns.count && found; k++) {
			found = has_pair(reference, columns.items[k], target_columns.items[k]);
		}
		if (found) {
			return;
		}
	}
	note(comparison, table, ": no foreign key from (%.*s) to %.*s (%.*s)",
		 STR_ARG(list_of(comparison, fields)), STR_ARG(target->name),
		 STR_ARG(list_of(comparison, target_fields)));
}

/* A field's reference may stand among the resource's too. */
static bool is_among_references(const struct resource *resource, const struct field *field)
{
	for (size_t i = 0; i < resource->reference_count; i++) {
		const struct reference *reference = &resource->references[i];
		if (reference->fields.count == 1 && reference->fields.items[0] == field &&
			reference->target == field->references) {
			return true;
		}
	}
	return false;
}

static void compare_references(const struct catalog_comparison *comparison,
							   const struct resource *resource, const struct catalog_table *table)
{
	for (size_t i = 0; i < resource->reference_count; i++) {
		const struct reference *reference = &resource->references[i];
		compare_reference(comparison, &reference->fields, reference->target,
						  &reference->target_fields, table);
	}
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		if (field->references != NULL && !is_among_references(resource, field)) {
			const struct field_list fields = {&field, 1};
			compare_reference(comparison, &fields, field->references, &field->references->key,
							  table);
		}
	}
}

const struct catalog_table *catalog_compare(const struct catalog_comparison *comparison,
											const struct resource *resource)
{
	const struct catalog_table *table = catalog_find_table(comparison->catalog, resource->name);
	if (table == NULL || !str_equal(table->name, resource->name)) {
		comparison->note(comparison->context, resource->name, STR(" is missing"));
		return NULL;
	}
	if (table->problem.len > 0) {
		note(comparison, table, ": %.*s", STR_ARG(table->problem));
		return NULL;
	}
	compare_fields(comparison, resource, table);
	if (table->kind != CATALOG_TABLE) {
		return table;
	}
	compare_key(comparison, resource, table);
	for (size_t i = 0; i < resource->unique_count; i++) {
		if (resource->uniques[i].where.str.len == 0) {
			compare_unique(comparison, &resource->uniques[i].fields, table);
		}
	}
	compare_references(comparison, resource, table);
	if (!resource->read_only) {
		compare_needed(comparison, resource, table);
	}
	return table;
}
