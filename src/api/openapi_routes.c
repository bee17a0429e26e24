#include <stdio.h>

#include "api/openapi_priv.h"
#include "api/plan.h"

static const char *action_words(enum route_action action)
{
	switch (action) {
	case ACTION_LIST:
		return "List";
	case ACTION_GET:
		return "Get from";
	case ACTION_INSERT:
		return "Insert into";
	case ACTION_UPSERT:
		return "Insert into, or change,";
	case ACTION_REPLACE:
		return "Replace in";
	case ACTION_UPDATE:
		return "Change in";
	case ACTION_DELETE:
		return "Delete from";
	case ACTION_REPLY:
		break;
	}
	return "Reply";
}

static bool reads(const struct route *route)
{
	return route->action == ACTION_LIST || route->action == ACTION_GET;
}

static bool has_body(const struct route *route)
{
	return route->action != ACTION_REPLY && route->action != ACTION_DELETE && !reads(route);
}

static enum openapi_errors errors_of(const struct route *route)
{
	if (route->action == ACTION_REPLY) {
		return ERRORS_ROUTE_REPLY;
	}
	if (route->action == ACTION_DELETE) {
		return ERRORS_ROUTE_DELETE;
	}
	return reads(route) ? ERRORS_ROUTE_READ : ERRORS_ROUTE_WRITE;
}

static void write_summary(struct openapi *openapi, const struct route *route)
{
	struct buf text;
	buf_init(&text, KIB(64));
	buf_append(&text, str_from(action_words(route->action)));
	if (route->resource != NULL) {
		buf_printf(&text, " %.*s", STR_ARG(route->resource->name));
	}
	outline_str(openapi->text, "summary", buf_str(&text));
	buf_finish(&text);
}

/* ---- parameters ---- */

static bool is_pattern(enum operator_name op)
{
	return op >= OPERATOR_LIKE && op <= OPERATOR_IMATCH;
}

static bool operand_is(const struct operand *operand, size_t parameter)
{
	return operand->parameter >= 0 && (size_t)operand->parameter == parameter;
}

/* The condition that a parameter is compared in; NULL when there is none. */
static const struct cond *find_parameter(const struct cond *cond, size_t parameter,
										 bool *ret_optional)
{
	if (cond == NULL) {
		return NULL;
	}
	if (cond->kind == COND_COMPARE && operand_is(&cond->operand, parameter)) {
		*ret_optional = cond->operand.optional;
		return cond;
	}
	for (size_t i = 0; cond->kind == COND_IN && i < cond->item_count; i++) {
		if (operand_is(&cond->items[i], parameter)) {
			*ret_optional = cond->items[i].optional;
			return cond;
		}
	}
	for (size_t i = 0; i < cond->child_count; i++) {
		const struct cond *found = find_parameter(cond->children[i], parameter, ret_optional);
		if (found != NULL) {
			return found;
		}
	}
	return NULL;
}

static void write_query_parameter(struct openapi *openapi, const struct plan *plan, size_t number)
{
	struct buf *text = openapi->text;
	bool optional = true;
	const struct cond *cond = find_parameter(plan->query.where, number, &optional);
	outline_open(text, '{');
	outline_str(text, "name", plan->names[number]);
	outline_text(text, "in", "query");
	if (!optional) {
		outline_raw(text, "required", "true");
	}
	outline_key(text, STR("schema"));
	if (cond != NULL && cond->type != NULL && !is_pattern(cond->op)) {
		openapi_field_plain(openapi, cond->type);
	} else {
		buf_append(text, STR("{\"type\":\"string\"}"));
	}
	outline_close(text, '}');
}

static void write_parameters(struct openapi *openapi, const struct plan *plan,
							 const struct endpoint *endpoint)
{
	static const enum openapi_parameter read[] = {PARAMETER_SELECT,        PARAMETER_ORDER,
												  PARAMETER_LIMIT,         PARAMETER_OFFSET,
												  PARAMETER_AND,           PARAMETER_OR,
												  PARAMETER_IF_NONE_MATCH, PARAMETERS_END};
	static const enum openapi_parameter write[] = {PARAMETER_IDEMPOTENCY, PARAMETERS_END};
	const struct route *route = plan->route;
	outline_open_at(openapi->text, "parameters", '[');
	openapi_path_parameters(openapi, endpoint, route->segments, route->resource);
	for (size_t i = plan->path_count; i < plan->name_count; i++) {
		write_query_parameter(openapi, plan, i);
	}
	if (reads(route)) {
		/* `select` does nothing for bare values. */
		openapi_refer(openapi, route->values != NULL ? read + 1 : read, plan);
		openapi_refer_filters(openapi, route->resource, plan);
	} else if (route->action != ACTION_REPLY) {
		openapi_refer(openapi, write, plan);
	}
	outline_close(openapi->text, ']');
}

/* ---- the body ---- */

static void write_many(struct openapi *openapi, const struct plan *plan, enum openapi_view view)
{
	struct buf *text = openapi->text;
	outline_open(text, '{');
	outline_text(text, "type", "array");
	outline_key(text, STR("items"));
	openapi_body_row(openapi, plan->route->resource, view, &plan->fixed, &plan->route->needs);
	outline_close(text, '}');
}

static void write_rows(struct openapi *openapi, const struct plan *plan)
{
	struct buf *text = openapi->text;
	const struct route *route = plan->route;
	enum openapi_view view = route->action == ACTION_UPDATE ? VIEW_UPDATE : VIEW_INSERT;
	if (route->action != ACTION_INSERT) {
		openapi_body_row(openapi, route->resource, view, &plan->fixed, &route->needs);
		return;
	}
	outline_open(text, '{');
	outline_open_at(text, "oneOf", '[');
	openapi_body_row(openapi, route->resource, view, &plan->fixed, &route->needs);
	write_many(openapi, plan, view);
	outline_close(text, ']');
	outline_close(text, '}');
}

static void write_body(struct openapi *openapi, const struct plan *plan)
{
	struct buf *text = openapi->text;
	struct str from = plan->route->from;
	outline_raw(text, "requestBody", "{\"required\":true,\"content\":{\"application/json\":{");
	outline_key(text, STR("schema"));
	if (from.len > 0) {
		outline_open(text, '{');
		outline_text(text, "type", "object");
		outline_open_at(text, "properties", '{');
		outline_key(text, from);
	}
	write_rows(openapi, plan);
	if (from.len > 0) {
		outline_close(text, '}');
		outline_open_at(text, "required", '[');
		outline_item(text, from);
		outline_close(text, ']');
		outline_close(text, '}');
	}
	buf_append(text, STR("}}}"));
}

/* ---- answers ---- */

static void open_status(struct openapi *openapi, int status, const char *description)
{
	char key[16];
	(void)snprintf(key, sizeof(key), "%d", status);
	outline_open_at(openapi->text, key, '{');
	outline_text(openapi->text, "description", description);
}

static void write_reply(struct openapi *openapi, const struct route *route)
{
	struct buf *text = openapi->text;
	if (route->reply == REPLY_STATUS) {
		open_status(openapi, route->reply_status, "Done");
		outline_close(text, '}');
		return;
	}
	open_status(openapi, 200, "Done");
	outline_open_at(text, "content", '{');
	outline_open_at(text, route->reply == REPLY_JSON ? "application/json" : "text/plain", '{');
	outline_key(text, STR("schema"));
	if (route->reply == REPLY_JSON) {
		openapi_literal(openapi, route->reply_text);
	} else {
		outline_open(text, '{');
		outline_text(text, "type", "string");
		outline_str(text, "const", route->reply_text);
		outline_close(text, '}');
	}
	outline_close(text, '}');
	outline_close(text, '}');
	outline_close(text, '}');
}

static void write_shape(struct openapi *openapi, const struct plan *plan)
{
	const struct route *route = plan->route;
	struct buf *text = openapi->text;
	bool list = plan->query.format == FORMAT_ARRAY || plan->query.format == FORMAT_VALUES ||
		route->from.len > 0;
	if (list) {
		outline_open(text, '{');
		outline_text(text, "type", "array");
		outline_key(text, STR("items"));
	}
	if (route->values != NULL) {
		openapi_field(openapi, route->values, VIEW_ROW);
	} else {
		openapi_row(openapi, &plan->query);
	}
	if (list) {
		outline_close(text, '}');
	}
}

static void write_rows_answer(struct openapi *openapi, const struct plan *plan, int status,
							  const char *description)
{
	struct buf *text = openapi->text;
	bool either = plan->route->action == ACTION_INSERT && plan->route->from.len == 0;
	open_status(openapi, status, description);
	if (plan->route->action == ACTION_INSERT) {
		outline_raw(text, "headers",
					"{\"Location\":{\"description\":\"Of the row\","
					"\"schema\":{\"type\":\"string\"}}}");
	}
	outline_raw(text, "content", "{\"application/json\":{");
	outline_key(text, STR("schema"));
	if (either) {
		/* A list of rows is answered as a list. */
		outline_open(text, '{');
		outline_open_at(text, "anyOf", '[');
		write_shape(openapi, plan);
		outline_open(text, '{');
		outline_text(text, "type", "array");
		outline_key(text, STR("items"));
		write_shape(openapi, plan);
		outline_close(text, '}');
		outline_close(text, ']');
		outline_close(text, '}');
	} else {
		write_shape(openapi, plan);
	}
	buf_append(text, STR("}}}"));
}

static void write_empty(struct openapi *openapi, int status, const char *description)
{
	open_status(openapi, status, description);
	outline_close(openapi->text, '}');
}

/* The status of an empty list has the shape of an error. */
static void write_empty_list(struct openapi *openapi, const struct route *route)
{
	enum openapi_errors errors = errors_of(route);
	if (route->empty_status == 0 || openapi_errors_have(openapi, errors, route->empty_status)) {
		return;
	}
	open_status(openapi, route->empty_status, "No row matches");
	outline_raw(openapi->text, "content", "{\"application/json\":{");
	outline_key(openapi->text, STR("schema"));
	openapi_error_schema(openapi, errors);
	buf_append(openapi->text, STR("}}}"));
}

static void write_answers(struct openapi *openapi, const struct plan *plan)
{
	const struct route *route = plan->route;
	outline_open_at(openapi->text, "responses", '{');
	if (route->then != NULL) {
		write_rows_answer(openapi, *plan->then, 200,
						  "Written; the answer is that of the other route");
		write_empty_list(openapi, route->then);
	} else if (route->reply != REPLY_NONE) {
		write_reply(openapi, route);
	} else if (route->action == ACTION_DELETE) {
		write_empty(openapi, 204, "Deleted");
	} else if (reads(route)) {
		write_rows_answer(openapi, plan, 200,
						  route->action == ACTION_LIST ? "The rows" : "The row");
		write_empty(openapi, 304, "The client has it already");
	} else if (route->action == ACTION_INSERT) {
		write_rows_answer(openapi, plan, 201, "Inserted");
	} else {
		if (route->action == ACTION_UPSERT) {
			write_rows_answer(openapi, plan, 201, "Made");
		}
		write_rows_answer(openapi, plan, 200, "Written");
	}
	write_empty_list(openapi, route);
	openapi_refer_errors(openapi, errors_of(route));
	outline_close(openapi->text, '}');
}

void openapi_write_route(struct openapi *openapi, const struct operation *operation,
						 const struct endpoint *endpoint)
{
	const struct plan *plan = operation->plan;
	write_summary(openapi, plan->route);
	write_parameters(openapi, plan, endpoint);
	if (has_body(plan->route)) {
		write_body(openapi, plan);
	}
	write_answers(openapi, plan);
}
