#include "api/openapi_priv.h"
#include "api/plan.h"

static const struct {
	const char *key;
	const char *name;
	const char *in;
	const char *schema;
	const char *description;
} parameters[] = {
#define X(name, key, wire, in, schema, description) {key, wire, in, schema, description},
	OPENAPI_PARAMETERS(X)
#undef X
};

/* A name in the query string that a route gives a meaning of its own. */
static bool is_of_plan(const struct plan *plan, struct str name)
{
	for (size_t i = plan != NULL ? plan->path_count : 0; plan != NULL && i < plan->name_count;
		 i++) {
		if (str_equal(plan->names[i], name)) {
			return true;
		}
	}
	return false;
}

static bool is_in_query(size_t parameter)
{
	return str_equal(str_from(parameters[parameter].in), STR("query"));
}

void openapi_refer(struct openapi *openapi, const enum openapi_parameter *list,
				   const struct plan *plan)
{
	for (; *list != PARAMETERS_END; list++) {
		if (!is_in_query(*list) || !is_of_plan(plan, str_from(parameters[*list].name))) {
			openapi->used_parameters[*list] = true;
			openapi_ref(openapi, "parameters", STR(""), parameters[*list].key);
		}
	}
}

/* Names that an operation cannot have twice. */
static bool is_taken(const struct plan *plan, struct str name)
{
	for (size_t i = 0; i < PARAMETERS_END; i++) {
		if (is_in_query(i) && str_equal(str_from(parameters[i].name), name)) {
			return true;
		}
	}
	return is_of_plan(plan, name);
}

/* "rowFilter.RESOURCE.FIELD" */
static struct str filter_key(struct openapi *openapi, const struct resource *resource,
							 const struct field *field)
{
	struct buf key;
	buf_init(&key, KIB(64));
	buf_append(&key, STR("rowFilter."));
	openapi_name(&key, resource->name);
	buf_append_byte(&key, '.');
	openapi_name(&key, field->name);
	struct str copy = arena_copy(&openapi->arena, buf_str(&key));
	buf_finish(&key);
	return copy;
}

void openapi_refer_filters(struct openapi *openapi, const struct resource *resource,
						   const struct plan *plan)
{
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		if (!is_taken(plan, field->name)) {
			openapi_ref(openapi, "parameters", STR(""), filter_key(openapi, resource, field).ptr);
		}
	}
}

static void write_filter(struct openapi *openapi, const struct resource *resource,
						 const struct field *field)
{
	struct buf *text = openapi->text;
	outline_key(text, filter_key(openapi, resource, field));
	outline_open(text, '{');
	outline_str(text, "name", field->name);
	outline_text(text, "in", "query");
	outline_text(text, "description", "A condition: `[not.]OPERATOR.VALUE`, such as `eq.1`");
	outline_raw(text, "schema", "{\"type\":\"string\"}");
	outline_close(text, '}');
}

void openapi_write_parameters(struct openapi *openapi)
{
	const struct model *model = openapi->service->model;
	struct buf *text = openapi->text;
	for (size_t i = 0; i < PARAMETERS_END; i++) {
		if (!openapi->used_parameters[i]) {
			continue;
		}
		outline_open_at(text, parameters[i].key, '{');
		outline_text(text, "name", parameters[i].name);
		outline_text(text, "in", parameters[i].in);
		outline_text(text, "description", parameters[i].description);
		outline_raw(text, "schema", parameters[i].schema);
		outline_close(text, '}');
	}
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		for (size_t k = 0; k < resource->field_count && resource_is_served(resource); k++) {
			if (!is_taken(NULL, resource->fields[k].name)) {
				write_filter(openapi, resource, &resource->fields[k]);
			}
		}
	}
}
