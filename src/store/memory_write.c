/*
 * A write makes the table's next state beside the present one. It takes its place when all rows
 * went well, and keeps it when every foreign key of the model holds then and the answer can be
 * given.
 */
#include <assert.h>

#include "base/alloc.h"
#include "codec/uuid.h"
#include "store/memory_priv.h"

struct write {
	struct memory_store *store;
	const struct query *query;
	struct store_result *result;
	struct error *error;
	struct memory_table *table;
	struct memory_rows next; /* the state to be */
	int64_t made_key;
	struct memory_rows written; /* as they are answered */
	const struct value *given;  /* values of the row of the request that is being written */
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

static enum truth holds(const struct write *write, const struct cond *cond,
						const struct memory_row *row)
{
	struct memory_view view;
	memory_view_init(&view, write->store, write->query, write->error);
	enum truth truth = memory_holds(&view, cond, row->values);
	assert(!view.failed); /* rules compare values, which cannot fail */
	memory_view_finish(&view);
	return truth;
}

/* Another row than number `own` of the next state with the same values in these fields; the count
 * of rows when there is none. `where` says which rows count; NULL: all. */
static size_t find_same(const struct write *write, const struct memory_row *row, size_t own,
						const struct field_list *fields, const struct cond *where)
{
	const struct memory_rows *rows = &write->next;
	if (where != NULL && holds(write, where, row) != IS_SO) {
		return rows->count;
	}
	size_t i = 0;
	while (i < rows->count &&
		   (i == own || !same_fields(rows->items[i], row, fields) ||
			(where != NULL && holds(write, where, rows->items[i]) != IS_SO))) {
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
	struct error *error = write->error;
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
	for (size_t i = 0; i < resource->check_count; i++) {
		if (holds(write, resource->checks[i].cond, row) == IS_NOT) {
			return constraint_rule(error, resource, resource->checks[i].name);
		}
	}
	return true;
}

/* What the request says of the field; NULL: nothing. */
static const struct value *request_value(const struct write *write, const struct field *field)
{
	const struct query *query = write->query;
	for (size_t i = 0; i < query->given.count && write->given != NULL; i++) {
		if (query->given.items[i] == field) {
			return write->given[i].kind == VALUE_ABSENT ? NULL : &write->given[i];
		}
	}
	return query_value(query, SIZE_MAX, field);
}

/* For the details of an error: the values of the fields, where the request says them. */
static const struct value *request_values(const struct write *write,
										  const struct field_list *fields, struct value *values)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct value *value = request_value(write, fields->items[i]);
		if (value == NULL) {
			return NULL;
		}
		values[i] = *value;
	}
	return values;
}

/* `own` is the row's place in the next state; its count when it is new. */
static bool check_unique(const struct write *write, const struct memory_row *row, size_t own)
{
	const struct resource *resource = write->query->resource;
	struct value *values = alloc_zeroed(resource->field_count, sizeof(*values));
	bool ok = true;
	if (resource->key.count > 0 &&
		find_same(write, row, own, &resource->key, NULL) < write->next.count) {
		ok = constraint_key(write->error, resource, request_values(write, &resource->key, values));
	}
	for (size_t i = 0; i < resource->unique_count && ok; i++) {
		const struct unique_rule *rule = &resource->uniques[i];
		if (find_same(write, row, own, &rule->fields, rule->cond) < write->next.count) {
			ok = constraint_unique(write->error, rule->name, &rule->fields,
								   request_values(write, &rule->fields, values));
		}
	}
	free(values);
	return ok;
}

/* ---- rows ---- */

/* Does the present row keep this field, whatever is given? */
static bool keeps(const struct query *query, const struct field *field)
{
	return query->action == QUERY_UPSERT && field->write == WRITE_ONCE;
}

/* `before` with the given values; `before` may be NULL. */
static struct memory_row *make_row(const struct write *write, const struct memory_row *before)
{
	const struct query *query = write->query;
	size_t count = resource_column_count(query->resource);
	struct value *values = alloc_zeroed(count, sizeof(*values));
	char *uuids = alloc_zeroed(count, UUID_TEXT_LEN);
	for (size_t i = 0; i < count; i++) {
		const struct field *field = resource_column(query->resource, i);
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
		if (write->given[i].kind != VALUE_ABSENT && (before == NULL || !keeps(query, field))) {
			values[field->number] = write->given[i];
		}
	}
	struct memory_row *row = memory_row_create(values, count);
	free(uuids);
	free(values);
	return row;
}

/* An integer key that was not given; no key is made twice. False when there are no more. */
static bool make_key(struct write *write, struct memory_row *row, bool *ret_made)
{
	const struct resource *resource = write->query->resource;
	*ret_made = false;
	if (resource->key.count != 1 || resource->key.items[0]->type != TYPE_INTEGER) {
		return true;
	}
	struct value *value = &row->values[resource->key.items[0]->number];
	*ret_made = value->kind == VALUE_NULL;
	if (*ret_made) {
		for (size_t i = 0; i < write->next.count; i++) {
			int64_t other = write->next.items[i]->values[resource->key.items[0]->number].integer;
			write->made_key = other > write->made_key ? other : write->made_key;
		}
		if (write->made_key == INT64_MAX) {
			return error_set(write->error, ERROR_STORE_FULL, NULL);
		}
		*value = (struct value){.kind = VALUE_INTEGER, .integer = write->made_key + 1};
	}
	if (value->integer > write->made_key) {
		write->made_key = value->integer;
	}
	return true;
}

/* Puts the row at its place in the next state; at its end when it is new. Takes the reference. */
static bool put_row(struct write *write, struct memory_row *row, size_t place)
{
	if (!check_unique(write, row, place)) {
		memory_row_unref(row);
		return false;
	}
	memory_rows_add(&write->written, row);
	if (place == write->next.count) {
		memory_rows_append(&write->next, row);
	} else {
		memory_row_unref(write->next.items[place]);
		write->next.items[place] = row;
	}
	return true;
}

/* Gives the row at this place the given values. */
static bool change_row(struct write *write, size_t place)
{
	struct memory_row *row = make_row(write, write->next.items[place]);
	if (!check_fields(write, row)) {
		memory_row_unref(row);
		return false;
	}
	return put_row(write, row, place);
}

static bool insert_row(struct write *write)
{
	const struct query *query = write->query;
	struct memory_row *row = make_row(write, NULL);
	bool made;
	if (!make_key(write, row, &made) || !check_fields(write, row)) {
		memory_row_unref(row);
		return false;
	}
	size_t place = write->next.count;
	if (query->action == QUERY_UPSERT) {
		place = find_same(write, row, write->next.count, &query->conflict, query->conflict_where);
	}
	if (place < write->next.count) {
		memory_row_unref(row);
		return query->resolution == RESOLUTION_IGNORE || change_row(write, place);
	}
	write->result->has_made_key = made;
	write->result->made_key = made ? write->made_key : 0;
	write->result->inserted++;
	return put_row(write, row, place);
}

static bool is_left_out(const struct write *write, size_t row)
{
	struct query_batches *batches = write->query->batches;
	bool out = batches != NULL && batches->refused != NULL &&
		batches->refused(batches, row, write->error);
	if (out) {
		*write->error = (struct error){0};
	}
	return out;
}

static bool insert_rows(struct write *write, const struct value *values, size_t count)
{
	bool ok = true;
	for (size_t row = 0; row < count && ok; row++) {
		const struct store_result before = *write->result;
		write->given = values + row * write->query->given.count;
		ok = insert_row(write);
		if (!ok && is_left_out(write, row)) {
			*write->result = before;
			ok = true;
		}
	}
	return ok;
}

static bool insert_all(struct write *write)
{
	const struct query *query = write->query;
	const struct value *values;
	size_t count;
	if (query->batches == NULL) {
		return insert_rows(write, query->values, query->row_count);
	}
	do {
		if (!query->batches->next(query->batches, &values, &count, write->error) ||
			!insert_rows(write, values, count)) {
			return false;
		}
	} while (count > 0);
	return true;
}

/* Which rows the conditions hold for, before anything is changed. */
static bool find_matching(struct write *write, bool *ret_matching)
{
	struct memory_view view;
	memory_view_init(&view, write->store, write->query, write->error);
	for (size_t i = 0; i < write->next.count; i++) {
		ret_matching[i] = memory_holds(&view, write->query->where, write->next.items[i]->values) ==
			IS_SO;
	}
	bool ok = !view.failed;
	memory_view_finish(&view);
	return ok;
}

static bool update_rows(struct write *write, const bool *matching)
{
	write->given = write->query->values;
	for (size_t i = 0; i < write->next.count; i++) {
		if (matching[i] && !change_row(write, i)) {
			return false;
		}
	}
	return true;
}

static void delete_rows(struct write *write, const bool *matching)
{
	struct memory_rows kept = {.count = 0};
	for (size_t i = 0; i < write->next.count; i++) {
		memory_rows_append(matching[i] ? &write->written : &kept, write->next.items[i]);
	}
	free(write->next.items);
	write->next = kept;
}

static bool change_rows(struct write *write)
{
	const struct query *query = write->query;
	if (query->action == QUERY_UPDATE && query->row_count == 0) {
		return true;
	}
	bool *matching = alloc_zeroed(write->next.count + 1, sizeof(*matching));
	bool ok = find_matching(write, matching);
	if (ok && query->action == QUERY_DELETE) {
		delete_rows(write, matching);
	} else if (ok) {
		ok = update_rows(write, matching);
	}
	free(matching);
	bool must = query->must_match || query->action == QUERY_REPLACE;
	return ok &&
		(!must || write->written.count > 0 || error_set(write->error, ERROR_NOT_FOUND, NULL));
}

static bool is_insert(const struct query *query)
{
	return query->action == QUERY_INSERT || query->action == QUERY_UPSERT;
}

static bool answer(struct write *write, struct buf *body)
{
	const struct query *query = write->query;
	struct memory_range range = {UINT64_MAX, 0};
	struct memory_view view;
	if (query->column_count == 0) {
		return true;
	}
	if (is_insert(query)) {
		range = (struct memory_range){query->limit, query->offset};
	}
	memory_view_init(&view, write->store, query, write->error);
	bool ok = memory_answer(&view, query, &write->written, range, body, NULL, write->result);
	memory_view_finish(&view);
	return ok;
}

/* The next state takes the place of the present one, which goes to *ret_before. */
static void swap(struct write *write, struct memory_before *ret_before)
{
	*ret_before = (struct memory_before){true, write->table->rows, write->table->made_key};
	write->table->rows = write->next;
	write->table->made_key = write->made_key;
}

bool memory_write(struct memory_transaction *transaction, const struct query *query,
				  struct buf *body, struct store_result *result, struct error *error)
{
	struct memory_store *store = transaction->store;
	struct write write = {.store = store, .query = query, .result = result, .error = error};
	write.table = memory_find_table(store, query->resource);
	write.next = memory_rows_copy(&write.table->rows);
	write.made_key = write.table->made_key;
	struct memory_before before;
	if (!(is_insert(query) ? insert_all(&write) : change_rows(&write))) {
		memory_rows_finish(&write.next);
		memory_rows_finish(&write.written);
		return false;
	}
	swap(&write, &before);
	const struct memory_change change = {store, query, &before.rows, &write.written};
	bool ok = memory_references_check(&change, error) && answer(&write, body);
	result->rows = write.written.count;
	memory_rows_finish(&write.written);
	struct memory_before *kept = &transaction->before[write.table - store->tables];
	if (!ok) {
		memory_rows_finish(&write.table->rows);
		write.table->rows = before.rows;
		write.table->made_key = before.made_key;
	} else if (kept->changed) {
		memory_rows_finish(&before.rows);
	} else {
		*kept = before;
	}
	return ok;
}
