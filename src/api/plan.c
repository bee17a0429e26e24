#include "api/plan.h"

#include <assert.h>

static const enum query_action actions[] = {
	[ACTION_LIST] = QUERY_LIST,       [ACTION_GET] = QUERY_GET,
	[ACTION_INSERT] = QUERY_INSERT,   [ACTION_UPSERT] = QUERY_UPSERT,
	[ACTION_REPLACE] = QUERY_REPLACE, [ACTION_UPDATE] = QUERY_UPDATE,
	[ACTION_DELETE] = QUERY_DELETE,
};

/* Their rows are addressed by conditions; insert and upsert have their keys as values. */
static bool has_conditions(enum route_action action)
{
	return action != ACTION_REPLY && action != ACTION_INSERT && action != ACTION_UPSERT;
}

static bool names_hold(const struct plan *plan, struct str name)
{
	for (size_t i = 0; i < plan->name_count; i++) {
		if (str_equal(plan->names[i], name)) {
			return true;
		}
	}
	return false;
}

static void add_name(struct plan *plan, const struct parsed_value *value)
{
	plan->by_caller = plan->by_caller || value->claim;
	if (value->parameter && !names_hold(plan, value->text) &&
		plan->name_count < 2 * ROUTER_PARAMETERS) {
		plan->names[plan->name_count++] = value->text;
	}
}

/* Gathers the parameters that conditions name beyond those of the path. */
static void add_names(struct plan *plan, const struct parsed_cond *cond)
{
	for (; cond != NULL; cond = cond->next) {
		add_name(plan, &cond->value);
		for (size_t i = 0; i < cond->item_count; i++) {
			add_name(plan, &cond->items[i]);
		}
		add_names(plan, cond->children);
	}
}

static bool report_error(struct model_report *report, struct place place, const struct error *error)
{
	place.column += error->at == SIZE_MAX ? 0 : error->at;
	model_report_add(report, place, error->hint[0] != '\0' ? error->hint : NULL, "%s%s%s",
					 error->message, error->details[0] != '\0' ? ": " : "", error->details);
	return false;
}

/* Each parameter of the path that is a field pins it: `field=eq.{field}`. */
static bool pin_path(const struct plan *plan, const struct limits *limits, struct arena *arena,
					 struct parsed_query *parsed, struct error *error)
{
	const struct resource *resource = plan->route->resource;
	for (size_t i = 0; i < plan->path_count; i++) {
		struct str name = plan->names[i];
		if (resource_field(resource, name) == NULL) {
			continue;
		}
		struct str text = arena_printf(arena, "\"%.*s\"=eq.{%.*s}", STR_ARG(name), STR_ARG(name));
		if (!parse_condition(text, limits, arena, parsed, error)) {
			return false;
		}
	}
	return true;
}

static bool parse_texts(struct plan *plan, const struct limits *limits, struct arena *arena,
						struct parsed_query *parsed, struct model_report *report)
{
	const struct route *route = plan->route;
	struct error error = {0};
	if (has_conditions(route->action) && !pin_path(plan, limits, arena, parsed, &error)) {
		return report_error(report, route->place, &error);
	}
	for (size_t i = 0; i < route->where_count; i++) {
		if (!parse_condition(route->where[i].str, limits, arena, parsed, &error)) {
			return report_error(report, route->where[i].place, &error);
		}
	}
	add_names(plan, parsed->root.where);
	if (route->select.str.len > 0 &&
		!parse_select(route->select.str, limits, arena, parsed, &error)) {
		return report_error(report, route->select.place, &error);
	}
	if (route->values != NULL) {
		parsed->select = ARENA_NEW(arena, struct parsed_item);
		parsed->select->column = route->values->name;
		parsed->has_select = true;
	}
	if (route->order.str.len > 0 && !parse_order(route->order.str, arena, parsed, &error)) {
		return report_error(report, route->order.place, &error);
	}
	return true;
}

/* True when the condition holds only for rows with one value of this field. */
static bool pins(const struct cond *cond, const struct field *field)
{
	if (cond == NULL || cond->kind == COND_COMPARE) {
		return cond != NULL && cond->field == field && cond->path == NULL &&
			cond->op == OPERATOR_EQ && !cond->operand.optional;
	}
	for (size_t i = 0; cond->kind == COND_AND && i < cond->child_count; i++) {
		if (pins(cond->children[i], field)) {
			return true;
		}
	}
	return false;
}

/* A route addresses one row when its conditions fix the whole key. */
static bool addresses_one(const struct query *query)
{
	const struct field_list *key = &query->resource->key;
	for (size_t i = 0; i < key->count; i++) {
		if (!pins(query->where, key->items[i])) {
			return false;
		}
	}
	return key->count > 0;
}

static enum query_format format_of(const struct route *route, bool one)
{
	if (route->values != NULL) {
		return FORMAT_VALUES;
	}
	bool set = route->action == ACTION_LIST || (route->action == ACTION_UPDATE && !one);
	return set ? FORMAT_ARRAY : FORMAT_OBJECT;
}

static void fix_fields(struct plan *plan, struct arena *arena)
{
	const struct field **fields = ARENA_ARRAY(arena, plan->path_count, const struct field *);
	size_t *parameters = ARENA_ARRAY(arena, plan->path_count, size_t);
	size_t count = 0;
	for (size_t i = 0; i < plan->path_count; i++) {
		const struct field *field = resource_field(plan->route->resource, plan->names[i]);
		if (field != NULL) {
			fields[count] = field;
			parameters[count++] = i;
		}
	}
	plan->fixed = (struct field_list){fields, count};
	plan->fixed_parameters = parameters;
}

const struct plan *plan_create(const struct model *model, const struct route *route,
							   const struct plan *const *plans, struct arena *arena,
							   struct model_report *report)
{
	struct plan *plan = ARENA_NEW(arena, struct plan);
	plan->route = route;
	plan->then = route->then == NULL ? NULL : &plans[route->then - model->routes];
	plan->names = ARENA_ARRAY(arena, 2 * ROUTER_PARAMETERS, struct str);
	for (size_t i = 0; i < route->segment_count; i++) {
		if (route->segments[i].parameter && plan->name_count < ROUTER_PARAMETERS) {
			plan->names[plan->name_count++] = route->segments[i].text;
		}
	}
	plan->path_count = plan->name_count;
	if (route->action == ACTION_REPLY) {
		return plan;
	}
	struct parsed_query *parsed = &plan->parsed;
	parsed_query_init(parsed);
	plan->by_caller = model->guarded;
	if (!parse_texts(plan, &model->limits, arena, parsed, report)) {
		return NULL;
	}
	struct error error = {0};
	plan->parameters = (struct parameter_names){plan->names, plan->name_count};
	plan->query.action = actions[route->action];
	plan->query.resource = route->resource;
	plan->options = (struct check_options){
		.limits = &model->limits,
		.caller = &caller_trial,
		.parameters = &plan->parameters,
		.no_rows = route->reply != REPLY_NONE || route->then != NULL ||
			route->action == ACTION_DELETE,
	};
	plan->select = parsed->select;
	plan->has_select = parsed->has_select;
	if (!check_query(parsed, plan->query.action, route->resource, &plan->options, arena,
					 &plan->query, &error)) {
		report_error(report, route->place, &error);
		return NULL;
	}
	plan->query.must_match = addresses_one(&plan->query);
	plan->query.format = format_of(route, plan->query.must_match);
	fix_fields(plan, arena);
	return plan;
}
