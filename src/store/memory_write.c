/*
 * A write makes the table's next state beside the present one, and takes its place only when all of
 * it went well and every foreign key of the model holds.
 */
#include <assert.h>

#include "base/alloc.h"
#include "codec/uuid.h"
#include "store/memory_priv.h"
#include "store/rows.h"

struct write {
	struct memory_store *store;
	const struct query *query;
	struct store_request *request;
	struct memory_table *table;
	size_t table_number;
	struct memory_rows next; /* the state to be */
	int64_t made_key;
	struct rows rows;
};

/* ---- constraints ---- */

static bool same_fields(const struct memory_row *a, const struct memory_row *b,
						const struct field_list *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		size_t number = fields->items[i]->number;
		if (!memory_equal(&a->values[number], &b->values[number])) {
			return false;
		}
	}
	return true;
}

/* Another row than number `own` with the same values in these fields; rows->count when none. */
static size_t find_same(const struct memory_rows *rows, const struct memory_row *row, size_t own,
						const struct field_list *fields)
{
	size_t i = 0;
	while (i < rows->count && (i == own || !same_fields(rows->items[i], row, fields))) {
		i++;
	}
	return i;
}

/* What the databases keep too: the other checks of a value are made before it comes to a store. */
static bool is_allowed(const struct field *field, const struct value *value)
{
	return value->kind == VALUE_NULL || field->type != TYPE_BOOLEAN || value->integer == 0 ||
		value->integer == 1;
}

static bool check_fields(const struct write *write, const struct memory_row *row)
{
	const struct resource *resource = write->query->resource;
	struct error *error = &write->request->error;
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		if ((field->required || field->key) && row->values[i].kind == VALUE_NULL) {
			return constraint_not_null(error, resource, field);
		}
	}
	for (size_t i = 0; i < resource->field_count; i++) {
		if (!is_allowed(&resource->fields[i], &row->values[i])) {
			return constraint_check(error, resource, &resource->fields[i]);
		}
	}
	return true;
}

/* For the details of an error: the values of the fields, where the request says them. */
static const struct value *request_values(const struct write *write, size_t number,
										  const struct field_list *fields, struct value *values)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct value *value = query_value(write->query, number, fields->items[i]);
		if (value == NULL) {
			return NULL;
		}
		values[i] = *value;
	}
	return values;
}

/* `own` is the row's place in the next state; its count when it is new. `number` is the request's
 * row. */
static bool check_unique(const struct write *write, const struct memory_row *row, size_t own,
						 size_t number)
{
	const struct resource *resource = write->query->resource;
	struct error *error = &write->request->error;
	struct value *values = alloc_zeroed(resource->field_count, sizeof(*values));
	bool ok = true;
	if (find_same(&write->next, row, own, &resource->key) < write->next.count) {
		ok = constraint_key(error, resource, request_values(write, number, &resource->key, values));
	}
	for (size_t i = 0; i < resource->unique_count && ok; i++) {
		const struct unique_rule *rule = &resource->uniques[i];
		if (find_same(&write->next, row, own, &rule->fields) < write->next.count) {
			ok = constraint_unique(error, rule->name, &rule->fields,
								   request_values(write, number, &rule->fields, values));
		}
	}
	free(values);
	return ok;
}

static const struct memory_rows *rows_of(const struct write *write, size_t table)
{
	return table == write->table_number ? &write->next : &write->store->tables[table].rows;
}

static bool has_value(const struct memory_rows *rows, size_t field, const struct value *value)
{
	size_t i = 0;
	while (i < rows->count && !memory_equal(&rows->items[i]->values[field], value)) {
		i++;
	}
	return i < rows->count;
}

static bool fail_reference(const struct write *write, const struct memory_reference *reference,
						   const struct value *value)
{
	const struct query *query = write->query;
	struct error *error = &write->request->error;
	const struct field *field = reference->child == write->table_number
		? &query->resource->fields[reference->field]
		: NULL;
	/* The child was there before: then it is the parent that goes. */
	bool was_there = has_value(&write->store->tables[reference->child].rows, reference->field,
							   value);
	bool written = false;
	for (size_t row = 0; row < query->row_count && field != NULL; row++) {
		const struct value *given = query_value(query, row, field);
		written = written || (given != NULL && memory_equal(given, value));
	}
	if (field != NULL && (written || !was_there)) {
		return constraint_missing(error, query->resource, field, value);
	}
	return constraint_used(error, query->resource, write->store->tables[reference->child].name,
						   reference->field_name, value);
}

static bool check_references(const struct write *write)
{
	for (size_t r = 0; r < write->store->reference_count; r++) {
		const struct memory_reference *reference = &write->store->references[r];
		const struct memory_rows *children = rows_of(write, reference->child);
		const struct memory_rows *parents = rows_of(write, reference->parent);
		for (size_t i = 0; i < children->count; i++) {
			const struct value *value = &children->items[i]->values[reference->field];
			if (value->kind != VALUE_NULL && !has_value(parents, reference->key, value)) {
				return fail_reference(write, reference, value);
			}
		}
	}
	return true;
}

/* ---- rows ---- */

/* `before` with the given values of the request's row `number`; `before` may be NULL. */
static struct memory_row *make_row(const struct write *write, const struct memory_row *before,
								   size_t number)
{
	const struct query *query = write->query;
	size_t count = query->resource->field_count;
	struct value *values = alloc_zeroed(count, sizeof(*values));
	char *uuids = alloc_zeroed(count, UUID_TEXT_LEN);
	for (size_t i = 0; i < count; i++) {
		const struct field *field = &query->resource->fields[i];
		values[i] = before != NULL ? before->values[i] : field->default_value;
		if (before == NULL && field->default_kind == DEFAULT_AUTO && field->type == TYPE_UUID) {
			struct uuid made = uuid_v4();
			uuid_write(&made, uuids + i * UUID_TEXT_LEN);
			values[i].kind = VALUE_TEXT;
			values[i].text = (struct str){uuids + i * UUID_TEXT_LEN, UUID_TEXT_LEN};
		}
	}
	for (size_t i = 0; i < query->given.count; i++) {
		const struct field *field = query->given.items[i];
		bool keeps = query->action == QUERY_UPSERT && before != NULL && field->write == WRITE_ONCE;
		if (!keeps) {
			values[field->number] = query->values[number * query->given.count + i];
		}
	}
	struct memory_row *row = memory_row_create(values, count);
	free(uuids);
	free(values);
	return row;
}

static bool answer_row(struct write *write, const struct memory_row *row)
{
	const struct query *query = write->query;
	if (query->column_count == 0) {
		return true;
	}
	if (query->format == FORMAT_OBJECT && write->rows.count > 0) {
		return error_set(&write->request->error, ERROR_INTERNAL, "more than one row was changed");
	}
	rows_row(&write->rows);
	for (size_t i = 0; i < query->column_count; i++) {
		rows_value(&write->rows, &row->values[query->columns[i].field->number]);
	}
	rows_row_end(&write->rows);
	return true;
}

/* An integer key that was not given; no key is made twice. */
static void make_key(struct write *write, struct memory_row *row)
{
	const struct resource *resource = write->query->resource;
	const struct field *key = resource->key.items[0];
	if (resource->key.count != 1 || key->type != TYPE_INTEGER) {
		return;
	}
	struct value *value = &row->values[key->number];
	if (value->kind == VALUE_NULL) {
		for (size_t i = 0; i < write->next.count; i++) {
			const struct value *other = &write->next.items[i]->values[key->number];
			write->made_key = other->integer > write->made_key ? other->integer : write->made_key;
		}
		*value = (struct value){.kind = VALUE_INTEGER, .integer = write->made_key + 1};
		write->request->result.made_key = value->integer;
		write->request->result.has_made_key = true;
	}
	if (value->integer > write->made_key) {
		write->made_key = value->integer;
	}
}

static bool insert_row(struct write *write, size_t number)
{
	const struct resource *resource = write->query->resource;
	struct memory_row *row = make_row(write, NULL, number);
	make_key(write, row);
	if (!check_fields(write, row)) {
		memory_row_unref(row);
		return false;
	}
	size_t place = write->next.count;
	if (write->query->action == QUERY_UPSERT) {
		place = find_same(&write->next, row, write->next.count, &resource->key);
	}
	bool is_new = place == write->next.count;
	if (!is_new) {
		struct memory_row *merged = make_row(write, write->next.items[place], number);
		memory_row_unref(row);
		row = merged;
	}
	if (!check_unique(write, row, place, number)) {
		memory_row_unref(row);
		return false;
	}
	if (!answer_row(write, row)) {
		memory_row_unref(row);
		return false;
	}
	if (is_new) {
		memory_rows_append(&write->next, row);
		write->request->result.inserted++;
	} else {
		memory_row_unref(write->next.items[place]);
		write->next.items[place] = row;
	}
	write->request->result.rows++;
	return true;
}

/* Every row that the conditions hold for, as they were before the write. */
static bool update_rows(struct write *write)
{
	const struct query *query = write->query;
	for (size_t i = 0; i < write->next.count; i++) {
		struct memory_row *before = write->next.items[i];
		if (memory_holds(query->where, before->values) != IS_SO) {
			continue;
		}
		struct memory_row *row = make_row(write, before, 0);
		if (!check_fields(write, row) || !check_unique(write, row, i, 0)) {
			memory_row_unref(row);
			return false;
		}
		memory_row_unref(before);
		write->next.items[i] = row;
		if (!answer_row(write, row)) {
			return false;
		}
		write->request->result.rows++;
	}
	return true;
}

static bool delete_rows(struct write *write)
{
	struct memory_rows kept = {.count = 0};
	bool ok = true;
	for (size_t i = 0; i < write->next.count; i++) {
		struct memory_row *row = write->next.items[i];
		if (memory_holds(write->query->where, row->values) == IS_SO) {
			ok = ok && answer_row(write, row);
			memory_row_unref(row);
			write->request->result.rows++;
		} else {
			memory_rows_append(&kept, row);
		}
	}
	free(write->next.items);
	write->next = kept;
	return ok;
}

static bool change(struct write *write)
{
	const struct query *query = write->query;
	switch (query->action) {
	case QUERY_INSERT:
	case QUERY_UPSERT:
		for (size_t row = 0; row < query->row_count; row++) {
			if (!insert_row(write, row)) {
				return false;
			}
		}
		return true;
	case QUERY_REPLACE:
	case QUERY_UPDATE:
		return update_rows(write);
	case QUERY_DELETE:
		return delete_rows(write);
	case QUERY_LIST:
	case QUERY_GET:
		break;
	}
	assert(false);
	return false;
}

static bool check_found(const struct write *write)
{
	const struct query *query = write->query;
	bool must = query->must_match || query->action == QUERY_REPLACE ||
		(query->column_count > 0 && query->format == FORMAT_OBJECT);
	return !must || write->request->result.rows > 0 ||
		error_set(&write->request->error, ERROR_NOT_FOUND, NULL);
}

bool memory_write(struct memory_store *store, struct store_request *request)
{
	struct write write = {.store = store, .query = request->query, .request = request};
	write.table = memory_find_table(store, request->query->resource);
	write.table_number = (size_t)(write.table - store->tables);
	write.next = memory_rows_copy(&write.table->rows);
	write.made_key = write.table->made_key;
	bool answers = request->query->column_count > 0;
	if (answers) {
		rows_begin(&write.rows, request->query, request->body);
	}
	bool ok = change(&write) && check_found(&write) && check_references(&write);
	if (answers) {
		rows_end(&write.rows);
		ok = ok &&
			(!request->body->failed ||
			 error_set(&request->error, ERROR_OVERLOADED, "The answer is too large"));
	}
	if (!ok) {
		memory_rows_finish(&write.next);
		return false;
	}
	memory_rows_finish(&write.table->rows);
	write.table->rows = write.next;
	write.table->made_key = write.made_key;
	return true;
}
