#include <assert.h>

#include "base/alloc.h"
#include "store/memory_priv.h"

/* ---- the model's foreign keys ---- */

static size_t *numbers_of(struct arena *arena, const struct field_list *fields)
{
	size_t *numbers = ARENA_ARRAY(arena, fields->count, size_t);
	for (size_t i = 0; i < fields->count; i++) {
		numbers[i] = fields->items[i]->number;
	}
	return numbers;
}

void memory_references_make(struct memory_store *store, const struct model *model)
{
	size_t count = 0;
	for (size_t r = 0; r < model->resource_count; r++) {
		count += model->resources[r].reference_count;
	}
	store->references = ARENA_ARRAY(&store->arena, count, struct memory_reference);
	for (size_t r = 0; r < model->resource_count; r++) {
		for (size_t i = 0; i < model->resources[r].reference_count; i++) {
			const struct reference *reference = &model->resources[r].references[i];
			store->references[store->reference_count++] = (struct memory_reference){
				.name = arena_copy(&store->arena, reference->name),
				.child = r,
				.parent = reference->target->number,
				.count = reference->fields.count,
				.child_fields = numbers_of(&store->arena, &reference->fields),
				.parent_fields = numbers_of(&store->arena, &reference->target_fields),
			};
		}
	}
}

/* ---- checks ---- */

/* Equal values in these fields; nulls are not. */
static bool is_same(const struct memory_row *a, const size_t *a_fields, const struct memory_row *b,
					const size_t *b_fields, size_t count)
{
	size_t i = 0;
	while (i < count && memory_equal(&a->values[a_fields[i]], &b->values[b_fields[i]])) {
		i++;
	}
	return i == count;
}

/* Is there a row with the child's values? */
static bool has_row(const struct memory_rows *rows, const size_t *fields,
					const struct memory_reference *reference, const struct memory_row *child)
{
	size_t i = 0;
	while (i < rows->count &&
		   !is_same(rows->items[i], fields, child, reference->child_fields, reference->count)) {
		i++;
	}
	return i < rows->count;
}

static bool has_null(const struct memory_reference *reference, const struct memory_row *child)
{
	for (size_t i = 0; i < reference->count; i++) {
		if (child->values[reference->child_fields[i]].kind == VALUE_NULL) {
			return true;
		}
	}
	return false;
}

/* Does the query give any of these fields? */
static bool is_given(const struct query *query, const size_t *fields, size_t count)
{
	for (size_t g = 0; g < query->given.count; g++) {
		for (size_t i = 0; i < count; i++) {
			if (query->given.items[g]->number == fields[i]) {
				return true;
			}
		}
	}
	return false;
}

/* The query wrote the child, or it took away its parent. */
static bool fail(const struct memory_change *change, const struct memory_reference *reference,
				 const struct memory_row *child, struct error *error)
{
	const struct query *query = change->query;
	const struct memory_table *tables = change->store->tables;
	bool writes_child = memory_find_table(change->store, query->resource) ==
		&tables[reference->child];
	bool written = writes_child && is_given(query, reference->child_fields, reference->count) &&
		has_row(change->written, reference->child_fields, reference, child);
	bool was_there = has_row(writes_child ? change->before : &tables[reference->child].rows,
							 reference->child_fields, reference, child);
	bool missing = writes_child && (written || !was_there);

	const size_t *numbers = missing ? reference->child_fields : reference->parent_fields;
	const struct field **fields = alloc_zeroed(reference->count, sizeof(const struct field *));
	struct value *values = alloc_zeroed(reference->count, sizeof(*values));
	bool known = true; /* an update tells the values that it gives */
	for (size_t i = 0; i < reference->count; i++) {
		fields[i] = &query->resource->fields[numbers[i]];
		values[i] = child->values[reference->child_fields[i]];
		known = known &&
			(query->action != QUERY_UPDATE || !missing || query_value(query, 0, fields[i]) != NULL);
	}
	const struct constraint_reference failed = {
		.name = reference->name,
		.child = tables[reference->child].name,
		.parent = tables[reference->parent].name,
		.fields = {fields, reference->count},
	};
	(void)(missing ? constraint_missing(error, &failed, known ? values : NULL)
				   : constraint_used(error, &failed, values));
	free(values);
	free((void *)fields);
	return false;
}

bool memory_references_check(const struct memory_change *change, struct error *error)
{
	const struct memory_store *store = change->store;
	for (size_t r = 0; r < store->reference_count; r++) {
		const struct memory_reference *reference = &store->references[r];
		const struct memory_rows *children = &store->tables[reference->child].rows;
		const struct memory_rows *parents = &store->tables[reference->parent].rows;
		for (size_t i = 0; i < children->count; i++) {
			const struct memory_row *child = children->items[i];
			if (!has_null(reference, child) &&
				!has_row(parents, reference->parent_fields, reference, child)) {
				return fail(change, reference, child, error);
			}
		}
	}
	return true;
}
