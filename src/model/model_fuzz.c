#include <assert.h>

#include "model/model.h"

/* LibFuzzer's name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *fuzz_environment(const char *name)
{
	return name[0] == 'A' ? "\"value: } $" : NULL;
}

static void check_owner(const struct field_list *list, const struct resource *resource)
{
	assert(list->count > 0);
	for (size_t i = 0; i < list->count; i++) {
		assert(list->items[i] == &resource->fields[list->items[i]->number]);
	}
}

static void check_reference(const struct resource *resource, const struct reference *reference)
{
	assert(reference->name.len > 0 && reference->target->tally_of == NULL);
	assert(reference->fields.count == reference->target_fields.count);
	check_owner(&reference->fields, resource);
	check_owner(&reference->target_fields, reference->target);
}

static void check_relation(const struct resource *resource, const struct relation *relation)
{
	bool through = relation->kind == RELATION_MANY_TO_MANY;

	assert(relation->from == resource);
	assert((relation->junction != NULL) == through && (relation->reference == NULL) == through);
	check_owner(&relation->from_fields, relation->from);
	check_owner(&relation->to_fields, relation->to);
	if (through) {
		assert(relation->junction_from->target == relation->from);
		assert(relation->junction_to->target == relation->to);
		assert(relation->junction_from != relation->junction_to);
	} else {
		assert(relation->from_fields.count == relation->to_fields.count);
	}
}

/* Rows here have the id of their hold, rows that are held have a resource of holds. */
static void check_hold(const struct resource *resource, const struct link *link)
{
	const struct field *hold = link->hold;
	const struct resource *target = link->reference.target;

	assert((hold == NULL) == (link->get_only || resource_is_remote(resource)));
	assert(hold == NULL || hold == &resource->hold_fields[hold->number - resource->field_count]);
	assert(link->get_only || resource_is_remote(target) || target->holds != NULL);
	assert(target->holds == NULL || target->holds->references[0].target == target);
}

/* What readers of a model rely on. */
static void check_resource(const struct model *model, const struct resource *resource)
{
	assert(resource == &model->resources[resource->number]);
	assert(resource->field_count > 0);
	assert(model_resource(model, resource->name) == resource);
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];

		assert(field->number == i && resource_field(resource, field->name) == field);
		assert(field->references == NULL || field->references->key.count == 1);
		assert((field->in == NULL) == (field->in_count == 0));
		if (field->default_kind == DEFAULT_VALUE) {
			assert(value_check(field, &field->default_value, NULL));
		}
	}
	for (size_t i = 0; i < resource->key.count; i++) {
		assert(resource->key.items[i]->key && resource->key.items[i]->type != TYPE_JSON);
	}
	for (size_t i = 0; i < resource->unique_count; i++) {
		assert(resource->uniques[i].fields.count > 0);
	}
	for (size_t i = 0; i < resource->index_count; i++) {
		assert(resource->indexes[i].fields.count > 0);
	}
	for (size_t i = 0; i < resource->reference_count; i++) {
		check_reference(resource, &resource->references[i]);
	}
	for (size_t i = 0; i < resource->link_count; i++) {
		const struct reference *reference = &resource->links[i].reference;

		check_reference(resource, reference);
		assert(resource_is_remote(resource) || resource_is_remote(reference->target));
		check_hold(resource, &resource->links[i]);
	}
	assert(!resource_is_remote(resource) || resource->reference_count == 0);
	for (size_t i = 0; i < resource->relation_count; i++) {
		check_relation(resource, &resource->relations[i]);
	}
	if (resource->tally_of != NULL) {
		assert(resource->read_only && resource->reference_count == 0 && resource->key.count > 0);
		assert(resource->tally_of->tally_of == NULL && resource->tally_of->tally_count > 0);
		assert(resource->field_count == resource->by.count + 1);
	}
}

static void check_route(const struct route *route)
{
	assert((route->resource == NULL) == (route->action == ACTION_REPLY));
	assert(route->path.len > 0 && route->path.ptr[0] == '/' && route->method.len > 0);
	assert(route->reply == REPLY_STATUS || route->reply_status == 0);
	assert(route->action != ACTION_REPLY || route->reply != REPLY_NONE);
	for (size_t i = 0; i < route->segment_count; i++) {
		assert(route->segments[i].text.len > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model_report report;
	struct model *model;
	struct buf text;

	model_report_init(&report);
	model = model_parse((struct str){(const char *)data, size}, STR("a/f.yaml"), fuzz_environment,
						&report);
	assert((model == NULL) == (report.errors > 0));
	for (size_t i = 0; model != NULL && i < model->resource_count; i++) {
		check_resource(model, &model->resources[i]);
	}
	for (size_t i = 0; model != NULL && i < model->route_count; i++) {
		check_route(&model->routes[i]);
	}
	buf_init(&text, SIZE_MAX);
	model_report_write(&report, STR("f"), &text);
	assert((text.len == 0) == (report.count == 0));
	buf_finish(&text);
	model_destroy(model);
	model_report_finish(&report);
	return 0;
}
