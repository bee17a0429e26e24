/*
 * DESIGN. A row is checked before it is put, in the order in which SQLite checks: what must not be
 * null, checks, unique keys, references. What can only be said when all rows are there waits for
 * the end of the write: references of rows that refer to their own table, since they may stand in
 * any order; those of an UPDATE, which is one statement; and whether a row that went, or changed,
 * is still referred to.
 */
#include "store/row_write.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "codec/uuid.h"
#include "store/store_priv.h"
#include "store/store_write.h"

/* What happened to one row: `row` NULL when it went. Either has a reference. */
struct change {
	struct row *before;
	struct row *row;
};

struct write {
	struct row_tables *tables;
	const struct query *query;
	const struct resource *resource;
	struct store_result *result;
	struct row_list *written;
	struct error *error;
	struct row_view view;      /* emptied before each row */
	const struct value *given; /* values of the row of the request that is being written */
	bool settles_late;         /* all references wait for the end */
	struct change *changes;    /* owned: those to be looked at in the end */
	size_t change_count;
	size_t change_room;
};

/* ---- looking for rows ---- */

/* Values of these fields, for as long as this row is written; NULL when one of them is null. */
static const struct value *values_of(struct write *write, const struct row *row,
									 const struct field_list *fields)
{
	struct value *values = ARENA_ARRAY(&write->view.arena, fields->count + 1, struct value);
	for (size_t i = 0; i < fields->count; i++) {
		values[i] = row->values[fields->items[i]->number];
		if (values[i].kind == VALUE_NULL) {
			return NULL;
		}
	}
	return values;
}

static bool same_fields(const struct row *a, const struct row *b, const struct field_list *fields)
{
	size_t i = 0;
	while (i < fields->count &&
		   row_equal(&a->values[fields->items[i]->number], &b->values[fields->items[i]->number])) {
		i++;
	}
	return i == fields->count;
}

/* Which rows of those with the same values count. */
struct other {
	struct write *write;
	const struct row *own;    /* not this one; NULL: any */
	const struct cond *where; /* only those; NULL: all */
};

static bool holds(struct write *write, const struct cond *cond, const struct row *row)
{
	bool so = row_holds(&write->view, cond, row->values) == IS_SO;
	assert(!write->view.failed); /* rules compare values, which cannot fail */
	return so;
}

static bool is_other(void *context, const struct row *row)
{
	const struct other *other = context;
	struct row_tables *tables = other->write->tables;
	return (other->own == NULL ||
			!tables->ops->is_same(tables, other->write->resource, other->own, row)) &&
		(other->where == NULL || holds(other->write, other->where, row));
}

/* Another row than `own`, which may be NULL, with the values that `row` has in these fields. */
static bool find_same(struct write *write, const struct row *row, const struct row *own,
					  const struct field_list *fields, const struct cond *where,
					  struct row **ret_row)
{
	struct other other = {write, own, where};
	const struct row_search search = {
		.resource = write->resource,
		.fields = fields,
		.values = values_of(write, row, fields),
		.accepts = is_other,
		.context = &other,
	};
	*ret_row = NULL;
	if (search.values == NULL || (where != NULL && !holds(write, where, row))) {
		return true;
	}
	return write->tables->ops->find(write->tables, &search, ret_row, write->error);
}

static bool has_row(struct write *write, const struct resource *resource,
					const struct field_list *fields, const struct value *values, bool *ret_has)
{
	const struct row_search search = {.resource = resource, .fields = fields, .values = values};
	struct row *row = NULL;
	if (!write->tables->ops->find(write->tables, &search, &row, write->error)) {
		return false;
	}
	*ret_has = row != NULL;
	if (row != NULL) {
		row_unref(row);
	}
	return true;
}

/* ---- fields, checks, unique keys ---- */

/* What the databases keep too: the other checks of a value are made before it comes to a store. */
static bool is_allowed(const struct field *field, const struct value *value)
{
	return value->kind == VALUE_NULL || field->type != TYPE_BOOLEAN || value->integer == 0 ||
		value->integer == 1;
}

static bool check_fields(struct write *write, const struct row *row)
{
	const struct resource *resource = write->resource;
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
		if (row_holds(&write->view, resource->checks[i].cond, row->values) == IS_NOT) {
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
static const struct value *request_values(struct write *write, const struct field_list *fields)
{
	struct value *values = ARENA_ARRAY(&write->view.arena, fields->count + 1, struct value);
	for (size_t i = 0; i < fields->count; i++) {
		const struct value *value = request_value(write, fields->items[i]);
		if (value == NULL) {
			return NULL;
		}
		values[i] = *value;
	}
	return values;
}

/* Is another row there with these fields? Of a change only when they have changed. */
static bool is_taken(struct write *write, const struct row *before, const struct row *row,
					 const struct field_list *fields, const struct cond *where, bool *ret_taken)
{
	struct row *same = NULL;
	*ret_taken = false;
	if (before != NULL && where == NULL && same_fields(before, row, fields)) {
		return true;
	}
	if (!find_same(write, row, before, fields, where, &same)) {
		return false;
	}
	*ret_taken = same != NULL;
	if (same != NULL) {
		row_unref(same);
	}
	return true;
}

/* `before` is NULL when the row is new. */
static bool check_unique(struct write *write, const struct row *before, const struct row *row)
{
	const struct resource *resource = write->resource;
	bool taken;
	if (resource->key.count > 0) {
		if (!is_taken(write, before, row, &resource->key, NULL, &taken)) {
			return false;
		}
		if (taken) {
			return constraint_key(write->error, resource, request_values(write, &resource->key));
		}
	}
	for (size_t i = 0; i < resource->unique_count; i++) {
		const struct unique_rule *rule = &resource->uniques[i];
		if (!is_taken(write, before, row, &rule->fields, rule->cond, &taken)) {
			return false;
		}
		if (taken) {
			return constraint_unique(write->error, rule->name, &rule->fields,
									 request_values(write, &rule->fields));
		}
	}
	return true;
}

/* ---- references ---- */

/* May an error tell them? An update tells what it gives itself. */
static bool is_known(const struct write *write, const struct field_list *fields)
{
	size_t i = 0;
	while (i < fields->count && write->query->action == QUERY_UPDATE &&
		   query_value(write->query, 0, fields->items[i]) != NULL) {
		i++;
	}
	return write->query->action != QUERY_UPDATE || i == fields->count;
}

/* The row that it refers to is there. */
static bool check_parent(struct write *write, const struct reference *reference,
						 const struct row *before, const struct row *row)
{
	const struct value *values = values_of(write, row, &reference->fields);
	bool has = true;
	if (values == NULL || (before != NULL && same_fields(before, row, &reference->fields))) {
		return true;
	}
	if (!has_row(write, reference->target, &reference->target_fields, values, &has)) {
		return false;
	}
	const struct constraint_reference failed = {
		.name = reference->name,
		.child = write->resource->name,
		.parent = reference->target->name,
		.fields = reference->fields,
	};
	return has ||
		constraint_missing(write->error, &failed,
						   is_known(write, &reference->fields) ? values : NULL);
}

/* Those to other tables, or to the own one. */
static bool check_parents(struct write *write, const struct row *before, const struct row *row,
						  bool own)
{
	const struct resource *resource = write->resource;
	for (size_t i = 0; i < resource->reference_count; i++) {
		const struct reference *reference = &resource->references[i];
		if ((reference->target == resource) == own &&
			!check_parent(write, reference, before, row)) {
			return false;
		}
	}
	return true;
}

/* Rows that may refer to a row of a resource. */
struct child {
	const struct resource *resource;
	const struct reference *reference;
};

/* Does the relation lead from a row to those that refer to it? */
static bool leads_to_children(const struct relation *relation)
{
	const struct reference *reference = relation->reference;
	return reference != NULL && relation->from == reference->target &&
		relation->from_fields.items[0] == reference->target_fields.items[0] &&
		relation->to_fields.items[0] == reference->fields.items[0];
}

/* By number, from 0: those of relations, then those that keep rows for other services. False: not
 * this one. */
static bool get_child(const struct resource *resource, size_t number, struct child *ret_child)
{
	if (number < resource->relation_count) {
		const struct relation *relation = &resource->relations[number];
		*ret_child = (struct child){relation->to, relation->reference};
		return leads_to_children(relation) && !resource_is_remote(relation->to);
	}
	const struct resource *holds = resource->holds;
	*ret_child = (struct child){holds, &holds->references[number - resource->relation_count]};
	return ret_child->reference->target == resource;
}

static size_t count_children(const struct resource *resource)
{
	return resource->relation_count +
		(resource->holds != NULL ? resource->holds->reference_count : 0);
}

static bool has_children(const struct resource *resource)
{
	struct child child;
	size_t i = 0;
	while (i < count_children(resource) && !get_child(resource, i, &child)) {
		i++;
	}
	return i < count_children(resource);
}

static bool refers_to_itself(const struct resource *resource)
{
	size_t i = 0;
	while (i < resource->reference_count && resource->references[i].target != resource) {
		i++;
	}
	return i < resource->reference_count;
}

/* Does another row have the values that went with this one, or does none refer to them? */
static bool is_free(struct write *write, const struct reference *reference,
					const struct resource *child, const struct value *values, bool *ret_free)
{
	bool has = false;
	if (!has_row(write, write->resource, &reference->target_fields, values, &has)) {
		return false;
	}
	*ret_free = has;
	if (has) {
		return true;
	}
	bool ok = has_row(write, child, &reference->fields, values, &has);
	*ret_free = !has;
	return ok;
}

/* No row refers to values that went with a row. */
static bool check_children(struct write *write, const struct child *child,
						   const struct change *change)
{
	const struct reference *reference = child->reference;
	const struct value *values = values_of(write, change->before, &reference->target_fields);
	bool same = change->row != NULL &&
		same_fields(change->before, change->row, &reference->target_fields);
	bool is = true;
	if (values == NULL || same) {
		return true;
	}
	if (!is_free(write, reference, child->resource, values, &is)) {
		return false;
	}
	const struct constraint_reference failed = {
		.name = reference->name,
		.child = child->resource->name,
		.parent = write->resource->name,
		.fields = reference->target_fields,
	};
	return is || constraint_used(write->error, &failed, values);
}

/* When all rows are there. */
static bool check_late(struct write *write)
{
	const struct resource *resource = write->resource;
	for (size_t c = 0; c < write->change_count; c++) {
		const struct change *change = &write->changes[c];
		arena_reset(&write->view.arena);
		if (change->row != NULL &&
			((write->settles_late && !check_parents(write, change->before, change->row, false)) ||
			 !check_parents(write, change->before, change->row, true))) {
			return false;
		}
	}
	for (size_t i = 0; i < count_children(resource); i++) {
		struct child child;
		bool is = get_child(resource, i, &child);
		for (size_t c = 0; c < write->change_count && is; c++) {
			arena_reset(&write->view.arena);
			if (write->changes[c].before != NULL &&
				!check_children(write, &child, &write->changes[c])) {
				return false;
			}
		}
	}
	return true;
}

/* Keeps what is to be looked at in the end. */
static void note(struct write *write, struct row *before, struct row *row)
{
	const struct resource *resource = write->resource;
	bool looked_at = (before != NULL && has_children(resource)) ||
		(row != NULL && (write->settles_late || refers_to_itself(resource)));
	if (!looked_at) {
		return;
	}
	if (write->change_count == write->change_room) {
		write->change_room = write->change_room == 0 ? 16 : write->change_room * 2;
		write->changes = alloc_resize(write->changes, write->change_room, sizeof(struct change));
	}
	if (before != NULL) {
		before->references++;
	}
	if (row != NULL) {
		row->references++;
	}
	write->changes[write->change_count++] = (struct change){before, row};
}

/* ---- rows ---- */

/* Does the present row keep this field, whatever is given? */
static bool keeps(const struct query *query, const struct field *field)
{
	return query->action == QUERY_UPSERT && field->write == WRITE_ONCE;
}

/* `before` with the given values; `before` may be NULL. */
static struct row *make_row(struct write *write, const struct row *before)
{
	const struct query *query = write->query;
	size_t count = resource_column_count(query->resource);
	struct value *values = ARENA_ARRAY(&write->view.arena, count, struct value);
	for (size_t i = 0; i < count; i++) {
		const struct field *field = resource_column(query->resource, i);
		values[i] = before != NULL ? before->values[i] : field->default_value;
		if (before == NULL && field->default_kind == DEFAULT_AUTO && field->type == TYPE_UUID) {
			struct uuid made = uuid_v4();
			char *text = arena_bytes(&write->view.arena, UUID_TEXT_LEN);
			uuid_write(&made, text);
			values[i] = (struct value){.kind = VALUE_TEXT, .text = {text, UUID_TEXT_LEN}};
		}
	}
	for (size_t i = 0; i < query->given.count; i++) {
		const struct field *field = query->given.items[i];
		if (write->given[i].kind != VALUE_ABSENT && (before == NULL || !keeps(query, field))) {
			values[field->number] = write->given[i];
		}
	}
	return row_create(values, count);
}

/* The integer key of a row that may be new. *ret_made: it was not given. */
static bool settle_key(struct write *write, struct row *row, bool *ret_made)
{
	const struct field_list *key = &write->resource->key;
	*ret_made = false;
	if (key->count != 1 || key->items[0]->type != TYPE_INTEGER) {
		return true;
	}
	struct value *value = &row->values[key->items[0]->number]; /* nobody else has seen it yet */
	*ret_made = value->kind == VALUE_NULL;
	return write->tables->ops->settle_key(write->tables, write->resource, value, write->error);
}

/* Takes the reference to `row`. */
static bool put_row(struct write *write, struct row *before, struct row *row)
{
	bool ok = check_fields(write, row) && check_unique(write, before, row) &&
		(write->settles_late || check_parents(write, before, row, false)) &&
		write->tables->ops->put(write->tables, write->resource, before, row, write->error);
	if (ok) {
		note(write, before, row);
		write->result->rows++;
		if (write->query->column_count > 0) {
			row_list_add(write->written, row);
		}
	}
	row_unref(row);
	return ok;
}

static bool insert_new(struct write *write, struct row *row, bool made)
{
	int64_t key = made ? row->values[write->resource->key.items[0]->number].integer : 0;
	if (!put_row(write, NULL, row)) {
		return false;
	}
	write->result->has_made_key = made;
	write->result->made_key = key;
	write->result->inserted++;
	return true;
}

static bool insert_row(struct write *write)
{
	const struct query *query = write->query;
	struct row *same = NULL;
	bool made;
	arena_reset(&write->view.arena);
	struct row *row = make_row(write, NULL);
	bool ok = settle_key(write, row, &made) && check_fields(write, row) &&
		(query->action != QUERY_UPSERT ||
		 find_same(write, row, NULL, &query->conflict, query->conflict_where, &same));
	if (ok && same == NULL) {
		return insert_new(write, row, made);
	}
	row_unref(row);
	if (ok && query->resolution != RESOLUTION_IGNORE) {
		ok = put_row(write, same, make_row(write, same));
	}
	if (same != NULL) {
		row_unref(same);
	}
	return ok;
}

/* Is it the row that is wrong, and not the store? */
static bool is_of_row(enum error_code code)
{
	return code == ERROR_UNIQUE || code == ERROR_REFERENCE || code == ERROR_NOT_NULL ||
		code == ERROR_CHECK || code == ERROR_TOO_LONG;
}

static bool is_left_out(const struct write *write, size_t row)
{
	struct query_batches *batches = write->query->batches;
	bool out = batches != NULL && batches->refused != NULL && is_of_row(write->error->code) &&
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
		write->given = values + row * write->query->given.count;
		ok = insert_row(write) || is_left_out(write, row);
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

static bool remove_row(struct write *write, struct row *row)
{
	if (!write->tables->ops->remove(write->tables, write->resource, row, write->error)) {
		return false;
	}
	note(write, row, NULL);
	write->result->rows++;
	if (write->query->column_count > 0) {
		row_list_add(write->written, row);
	}
	return true;
}

static bool change_rows(struct write *write)
{
	const struct query *query = write->query;
	struct row_list matching = {.count = 0};
	if (query->action == QUERY_UPDATE && query->row_count == 0) {
		return true;
	}
	bool ok = write->tables->ops->match(write->tables, query, &matching, write->error);
	write->given = query->values;
	for (size_t i = 0; i < matching.count && ok; i++) {
		struct row *row = matching.items[i];
		arena_reset(&write->view.arena);
		ok = query->action == QUERY_DELETE ? remove_row(write, row)
										   : put_row(write, row, make_row(write, row));
	}
	bool must = query->must_match || query->action == QUERY_REPLACE;
	if (ok && must && matching.count == 0) {
		ok = error_set(write->error, ERROR_NOT_FOUND, NULL);
	}
	row_list_finish(&matching);
	return ok;
}

static void forget_changes(struct write *write)
{
	for (size_t i = 0; i < write->change_count; i++) {
		if (write->changes[i].before != NULL) {
			row_unref(write->changes[i].before);
		}
		if (write->changes[i].row != NULL) {
			row_unref(write->changes[i].row);
		}
	}
	free(write->changes);
}

bool row_write(struct row_tables *tables, const struct query *query, struct store_result *result,
			   struct row_list *ret_written, struct error *error)
{
	bool inserts = write_inserts(query);
	struct write write = {
		.tables = tables,
		.query = query,
		.resource = query->resource,
		.result = result,
		.written = ret_written,
		.error = error,
		.settles_late = !inserts,
	};
	*ret_written = (struct row_list){.count = 0};
	row_view_init(&write.view, query, error);
	bool ok = (inserts ? insert_all(&write) : change_rows(&write)) && check_late(&write);
	forget_changes(&write);
	row_view_finish(&write.view);
	if (!ok) {
		row_list_finish(ret_written);
	}
	return ok;
}
