#include "query/compile.h"

#include "query/expression.h"

static void report(struct model_report *report, struct place place, const struct error *error)
{
	place.column += error->at == SIZE_MAX ? 0 : error->at;
	model_report_add(report, place, error->hint[0] != '\0' ? error->hint : NULL, "%s",
					 error->message);
}

/* The expressions of computed fields. */
static void compile_computed(struct model *model, struct model_report *ret_report)
{
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		size_t computed = 0;
		for (size_t k = 0; k < resource->field_count; k++) {
			struct field *field = (struct field *)(uintptr_t)&resource->fields[k];
			struct error error = {.at = SIZE_MAX};
			computed += field_is_computed(field) ? 1 : 0;
			if (!field_is_computed(field) || field->expression != NULL) {
				continue;
			}
			field->expression = expression_read(field->computed.str, resource, field,
												model_arena(model), &error);
			if (field->expression == NULL) {
				report(ret_report, field->computed.place, &error);
			}
		}
		if (resource->field_count > 0 && computed == resource->field_count) {
			model_report_add(ret_report, resource->place, NULL,
							 "all fields of \"%.*s\" are computed", STR_ARG(resource->name));
		}
	}
}

bool query_compile(struct model *model, struct model_report *ret_report)
{
	compile_computed(model, ret_report);
	return ret_report->errors == 0;
}
