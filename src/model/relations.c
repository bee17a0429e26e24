#include "model/relations.h"

#include <assert.h>

bool field_list_holds(const struct field_list *list, const struct field *field)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i] == field) {
			return true;
		}
	}
	return false;
}

static bool holds_all(const struct field_list *list, const struct field_list *part)
{
	for (size_t i = 0; i < part->count; i++) {
		if (!field_list_holds(list, part->items[i])) {
			return false;
		}
	}
	return true;
}

/* No list names a field twice. */
static bool is_same_set(const struct field_list *a, const struct field_list *b)
{
	return a->count == b->count && holds_all(a, b);
}

const struct field_list *resource_unique_list(const struct resource *resource,
											  const struct field_list *fields)
{
	assert(fields->count > 0);
	if (is_same_set(&resource->key, fields)) {
		return &resource->key;
	}
	for (size_t i = 0; i < resource->unique_count; i++) {
		const struct unique_rule *rule = &resource->uniques[i];
		if (rule->where.str.len == 0 && is_same_set(&rule->fields, fields)) {
			return &rule->fields;
		}
	}
	return NULL;
}

const struct unique_rule *resource_partial_rule(const struct resource *resource,
												const struct field_list *fields, size_t *ret_count)
{
	const struct unique_rule *found = NULL;
	*ret_count = 0;
	for (size_t i = 0; i < resource->unique_count; i++) {
		const struct unique_rule *rule = &resource->uniques[i];
		if (rule->where.str.len > 0 && is_same_set(&rule->fields, fields)) {
			found = found == NULL ? rule : found;
			(*ret_count)++;
		}
	}
	return found;
}

/* All relations are made twice: first they are counted, then kept. */
struct build {
	struct resource *resources;
	size_t count;
	struct relation **lists; /* per resource; NULL while they are counted */
};

static void add(const struct build *build, const struct relation *relation)
{
	struct resource *from = &build->resources[relation->from->number];
	struct relation *list = build->lists[from->number];

	if (from->hidden || relation->to->hidden) {
		return;
	}
	if (list != NULL) {
		list[from->relation_count] = *relation;
	}
	from->relation_count++;
}

/* From the owner of a foreign key to its target, and back. */
static void add_reference(const struct build *build, const struct resource *owner,
						  const struct reference *reference)
{
	bool single = resource_unique_list(owner, &reference->fields) != NULL;

	add(build,
		&(struct relation){
			.kind = single ? RELATION_ONE_TO_ONE : RELATION_MANY_TO_ONE,
			.from = owner,
			.to = reference->target,
			.reference = reference,
			.from_fields = reference->fields,
			.to_fields = reference->target_fields,
		});
	add(build,
		&(struct relation){
			.kind = single ? RELATION_ONE_TO_ONE : RELATION_ONE_TO_MANY,
			.from = reference->target,
			.to = owner,
			.reference = reference,
			.from_fields = reference->target_fields,
			.to_fields = reference->fields,
		});
}

static void add_many_to_many(const struct build *build, const struct resource *junction,
							 const struct reference *from, const struct reference *to)
{
	add(build,
		&(struct relation){
			.kind = RELATION_MANY_TO_MANY,
			.from = from->target,
			.to = to->target,
			.from_fields = from->target_fields,
			.to_fields = to->target_fields,
			.junction = junction,
			.junction_from = from,
			.junction_to = to,
		});
}

/* Between the targets of each two foreign keys that the key holds. */
static void add_junction(const struct build *build, const struct resource *resource)
{
	for (size_t i = 0; i < resource->reference_count && !resource->hidden; i++) {
		const struct reference *first = &resource->references[i];

		for (size_t j = i + 1;
			 j < resource->reference_count && holds_all(&resource->key, &first->fields); j++) {
			const struct reference *second = &resource->references[j];

			if (holds_all(&resource->key, &second->fields)) {
				add_many_to_many(build, resource, first, second);
				add_many_to_many(build, resource, second, first);
			}
		}
	}
}

static void add_all(const struct build *build)
{
	for (size_t i = 0; i < build->count; i++) {
		assert(build->resources[i].number == i);
		build->resources[i].relation_count = 0;
	}
	for (size_t i = 0; i < build->count; i++) {
		const struct resource *resource = &build->resources[i];

		for (size_t j = 0; j < resource->reference_count; j++) {
			add_reference(build, resource, &resource->references[j]);
		}
		for (size_t j = 0; j < resource->link_count; j++) {
			add_reference(build, resource, &resource->links[j].reference);
		}
	}
	for (size_t i = 0; i < build->count; i++) {
		add_junction(build, &build->resources[i]);
	}
}

void relations_build(struct resource *resources, size_t count, struct arena *arena)
{
	struct build build = {
		.resources = resources,
		.count = count,
		.lists = ARENA_ARRAY(arena, count, struct relation *),
	};

	add_all(&build);
	for (size_t i = 0; i < count; i++) {
		build.lists[i] = ARENA_ARRAY(arena, resources[i].relation_count, struct relation);
		resources[i].relations = build.lists[i];
	}
	add_all(&build);
}
