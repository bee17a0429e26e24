#include "api/answer_key.h"
#include "api/conditional.h"
#include "api/linked.h"
#include "api/plan.h"
#include "api/read.h"
#include "codec/url.h"
#include "query/cond.h"

static bool is_read(const struct route *route)
{
	return route->action == ACTION_LIST || route->action == ACTION_GET;
}

static bool is_own_parameter(const void *context, struct str name)
{
	const struct plan *plan = context;
	for (size_t i = plan->path_count; i < plan->name_count; i++) {
		if (str_equal(plan->names[i], name)) {
			return true;
		}
	}
	return false;
}

/* Fills the parameters that come from the query string; the first of each name counts. */
static bool read_query_parameters(struct call *call, struct parameter *parameters)
{
	const struct plan *plan = call->plan;
	struct str rest = call->request->query;
	struct str name;
	struct str value;
	bool has_value;
	while (url_next_pair(&rest, &name, &value, &has_value)) {
		struct str text;
		if (!has_value || !url_decode_query(name, call->arena, &name) ||
			!is_own_parameter(plan, name)) {
			continue;
		}
		if (!url_decode_query(value, call->arena, &text)) {
			return false;
		}
		for (size_t i = plan->path_count; i < plan->name_count; i++) {
			if (str_equal(plan->names[i], name) && !parameters[i].given) {
				parameters[i] = (struct parameter){text, text.len > 0};
			}
		}
	}
	return true;
}

/* Is it another query for each request: by its parameters, by the day, or by who asks? */
static bool is_bound(const struct plan *plan)
{
	return plan->query.where != NULL || plan->query.uses_today || plan->by_caller;
}

/* The plan's query as this caller may ask it. */
static bool check_for_caller(struct call *call, const struct query **ret_query, struct error *error)
{
	const struct plan *plan = call->plan;
	struct check_options options = plan->options;
	struct query *query = ARENA_NEW(call->arena, struct query);
	options.caller = call_caller(call);
	*query = plan->query;
	*ret_query = query;
	return check_query(&plan->parsed, query->action, query->resource, &options, call->arena, query,
					   error);
}

/* Fills the conditions of the plan's query. A value of the path that does not fit its type
 * addresses no row. */
static bool bind_conditions(struct call *call, const struct parameter *parameters,
							struct error *error)
{
	const struct plan *plan = call->plan;
	size_t wrong = 0;
	const struct query *query = &plan->query;
	if (plan->by_caller && !check_for_caller(call, &query, error)) {
		return false;
	}
	if (query_bind(query, parameters, plan->name_count, call->arena, &call->query, &wrong, error)) {
		return true;
	}
	if (wrong < plan->path_count) {
		error_set(error, ERROR_NOT_FOUND, NULL);
	}
	return false;
}

/* What the route's conditions and the client's embeds made of the caller. */
static const struct query_rules *join_rules(struct call *call, const struct query_rules *route,
											const struct query_rules *client)
{
	if (route == NULL || client == NULL) {
		return client;
	}
	struct query_rules *both = ARENA_NEW(call->arena, struct query_rules);
	*both = *client;
	both->key = arena_printf(call->arena, "%zu:%.*s%.*s", route->key.len, STR_ARG(route->key),
							 STR_ARG(client->key));
	return both;
}

/* A list or get route takes the whole query grammar: the client's conditions narrow the route's,
 * and its select, order, limit and offset stand in place of the route's. */
static bool join_client_query(struct call *call, struct error *error)
{
	const struct plan *plan = call->plan;
	const struct limits *limits = &call->binding->service->model->limits;
	struct parsed_query parsed;
	parsed_query_init(&parsed);
	if (!parse_query_string(call->request->query, limits, is_own_parameter, plan, call->arena,
							&parsed, error)) {
		return false;
	}
	if (!parsed.has_select || plan->route->values != NULL) {
		parsed.select = plan->select;
		parsed.has_select = plan->has_select;
	}
	struct query client = call->query;
	struct check_options options = {.limits = limits, .caller = call_caller(call)};
	if (!check_query(&parsed, plan->query.action, client.resource, &options, call->arena, &client,
					 error)) {
		return false;
	}
	client.where = cond_both(call->arena, call->query.where, client.where);
	client.rules = join_rules(call, call->query.rules, client.rules);
	if (!parsed.root.has_order && client.cursor_count == 0 && !client.grouped && !client.distinct) {
		client.order = call->query.order;
		client.order_count = call->query.order_count;
	}
	call->query = client;
	return true;
}

/* A route takes JSON whatever its type is said to be, unless it is of another type that is taken
 * and can be read as that. */
static bool read_rows(struct call *call, struct body_options *options, struct error *error)
{
	struct str body = call->request->body;
	struct error other = {0};
	struct body_options said = *options;
	bool taken = options->from.len == 0 && accept_body(call->request, &said.format, &other) &&
		said.format != BODY_JSON && (options->many || said.format == BODY_FORM);
	if (taken && check_body(body, &said, call->arena, &call->query, &other)) {
		options->format = said.format;
		return true;
	}
	bool json = check_body(body, options, call->arena, &call->query, error);
	struct str begin = str_trim(body);
	if (!json && taken && !str_starts_with(begin, STR("{")) && !str_starts_with(begin, STR("["))) {
		*error = other;
	}
	return json;
}

static bool read_body(struct call *call, struct error *error)
{
	const struct plan *plan = call->plan;
	struct value *fixed = ARENA_ARRAY(call->arena, plan->fixed.count, struct value);
	for (size_t i = 0; i < plan->fixed.count; i++) {
		struct str text = call->match.parameters[plan->fixed_parameters[i]];
		if (!value_from_text(plan->fixed.items[i], text, call->arena, &fixed[i], error)) {
			return error_set(error, ERROR_NOT_FOUND, NULL);
		}
	}
	struct body_options options = {
		.limits = &call->binding->service->model->limits,
		.from = plan->route->from,
		.needs = &plan->route->needs,
		.many = plan->route->action == ACTION_INSERT,
		.independent = plan->route->action == ACTION_INSERT,
		.fixed = &plan->fixed,
		.fixed_values = fixed,
	};
	if (!read_rows(call, &options, error)) {
		return false;
	}
	bool list = options.format == BODY_CSV || options.format == BODY_NDJSON ||
		(options.format == BODY_JSON && str_starts_with(str_trim(call->request->body), STR("[")));
	if (list || plan->route->from.len > 0) {
		call->query.format = FORMAT_ARRAY;
	}
	return true;
}

static void compose_constant(const struct route *route, struct reply *reply)
{
	reply->status = 200;
	reply->body = route->reply_text;
	switch (route->reply) {
	case REPLY_JSON:
		reply->content_type = STR("application/json");
		return;
	case REPLY_TEXT:
		reply->content_type = STR("text/plain; charset=utf-8");
		return;
	case REPLY_STATUS:
		reply->status = route->reply_status;
		return;
	case REPLY_NONE:
		break;
	}
	reply->status = 204;
}

static void compose_written(struct call *call, const struct store_result *result,
							struct reply *reply)
{
	const struct route *route = call->plan->route;
	bool made = route->action == ACTION_INSERT ||
		(route->action == ACTION_UPSERT && result->inserted > 0);
	if (route->action == ACTION_INSERT) {
		answer_add_location(call, LOCATION_ITEM, result, reply);
	}
	reply_rows(call, reply, made ? 201 : 200);
}

/* A list without rows may have a status of its own. */
static bool is_empty(const struct call *call, const struct store_result *result,
					 struct reply *reply)
{
	int empty_status = call->plan->route->empty_status;
	if (result->rows > 0 || empty_status == 0) {
		return false;
	}
	reply->status = empty_status;
	error_set(&reply->error, ERROR_NOT_FOUND, NULL);
	return true;
}

static void compose_read(struct call *call, const struct store_result *result, struct reply *reply)
{
	if (is_empty(call, result, reply)) {
		return;
	}
	conditional_add(call, result, reply);
	reply_rows(call, reply, 200);
}

static void compose(struct call *call, const struct store_result *result, struct reply *reply)
{
	const struct route *route = call->plan->route;
	if (route->reply != REPLY_NONE || route->action == ACTION_DELETE) {
		compose_constant(route, reply);
	} else if (is_read(route)) {
		compose_read(call, result, reply);
	} else {
		compose_written(call, result, reply);
	}
}

static void compose_head(struct call *call, const struct store_result *result, struct reply *reply)
{
	conditional_add(call, result, reply);
}

static bool prepare(struct call *call, struct error *error)
{
	const struct plan *plan = call->plan;
	enum route_action action = plan->route->action;
	struct parameter parameters[2 * ROUTER_PARAMETERS] = {0};
	for (size_t i = 0; i < call->match.parameter_count; i++) {
		parameters[i] = (struct parameter){call->match.parameters[i], true};
	}
	if (plan->name_count > plan->path_count && !read_query_parameters(call, parameters)) {
		return error_set(error, ERROR_PARSE, "a parameter is not well percent-encoded");
	}
	call->query = plan->query;
	if (is_bound(plan) && !bind_conditions(call, parameters, error)) {
		return false;
	}
	if (is_read(plan->route)) {
		return call->request->query.len == 0 || join_client_query(call, error);
	}
	return action == ACTION_DELETE || read_body(call, error);
}

static void run_reply(struct call *call)
{
	struct reply reply = {.status = 0};
	compose_constant(call->plan->route, &reply);
	call_answer(call, reply.status, reply.content_type, reply.body);
}

/* A write may ride with an Idempotency-Key; rows have no tags here. */
static bool attach(struct call *call, struct error *error)
{
	call->preferences.max_affected = UINT64_MAX;
	if (!companion_init(call, NULL, error)) {
		return false;
	}
	companion_attach(call);
	return true;
}

/* What a path parameter of this name holds. */
static struct str parameter_of(const struct call *call, struct str name)
{
	const struct plan *plan = call->operation->plan;
	for (size_t i = 0; i < plan->path_count; i++) {
		if (str_equal(plan->names[i], name)) {
			return call->match.parameters[i];
		}
	}
	return (struct str){NULL, 0};
}

/* The rows as the read gives them; they are the answer to a write, which has no tag. */
static void compose_then(struct call *call, const struct store_result *result, struct reply *reply)
{
	if (!is_empty(call, result, reply)) {
		reply_rows(call, reply, 200);
	}
}

/* What was written is committed: the other route's read answers. */
static void run_then(struct call *call)
{
	const struct plan *then = *call->plan->then;
	struct parameter parameters[2 * ROUTER_PARAMETERS] = {0};
	struct error error = {0};
	for (size_t i = 0; i < then->path_count; i++) {
		parameters[i] = (struct parameter){parameter_of(call, then->names[i]), true};
	}
	query_batches_finish(call->query.batches);
	call->proceed = NULL;
	call->written = true;
	call->plan = then;
	call->query = then->query;
	call->store.companion = NULL;
	call->store.result = (struct store_result){0};
	call->stream_head = NULL;
	buf_clear(call->store.body);
	if (is_bound(then) && !bind_conditions(call, parameters, &error)) {
		call_fail(call, &error);
		return;
	}
	call_run(call, compose_then);
}

/* Of one row, and no field to change. */
static bool changes_nothing(const struct query *query)
{
	return query->action == QUERY_UPDATE && query->must_match && query->row_count == 0;
}

void plan_run(struct call *call)
{
	call->plan = call->operation->plan;
	const struct route *route = call->plan->route;
	struct error error = {0};
	if (route->action != ACTION_REPLY) {
		call_add_cache_control(call);
	}
	if (route->action == ACTION_REPLY) {
		run_reply(call);
	} else if (!prepare(call, &error) || (!is_read(route) && !attach(call, &error))) {
		call_fail(call, &error);
	} else if (is_read(route)) {
		call->stream_head = compose_head;
		read_run(call, compose);
	} else {
		if (changes_nothing(&call->query)) {
			call->query.action = QUERY_GET; /* it is there, or 404 */
			call->store.companion = NULL;
		}
		call->proceed = route->then != NULL ? run_then : NULL;
		linked_run(call, compose);
	}
}
