#include "api/general.h"

#include <stdio.h>

#include "api/answer_key.h"
#include "query/check.h"

/* Parses and checks the query string for `action`. */
static bool prepare(struct call *call, enum query_action action, struct error *error)
{
	const struct limits *limits = &call->binding->service->model->limits;
	call->preferences = preferences_read(call->request);
	call->query.action = action;
	call->query.resource = call->operation->resource;
	call->query.format = FORMAT_ARRAY;
	struct parsed_query parsed;
	parsed_query_init(&parsed);
	return parse_query_string(call->request->query, limits, NULL, NULL, call->arena, &parsed,
							  error) &&
		check_query(&parsed, action, call->query.resource, NULL, call->arena, &call->query, error);
}

static void add_preference_applied(struct call *call, bool write)
{
	struct buf text;
	buf_init(&text, KIB(1));
	preferences_applied(&call->preferences, write, &text);
	if (text.len > 0) {
		call_add_field(call, STR("Preference-Applied"), buf_str(&text));
	}
	buf_finish(&text);
}

/* Content-Range: lo-hi/total; `*` where there are no rows, or the total is not known. */
static void add_content_range(struct call *call, uint64_t offset, uint64_t rows,
							  const uint64_t *total)
{
	char text[80];
	int len = rows == 0 ? snprintf(text, sizeof(text), "*/")
						: snprintf(text, sizeof(text), "%llu-%llu/", (unsigned long long)offset,
								   (unsigned long long)(offset + rows - 1));
	size_t at = (size_t)len;
	len = total == NULL
		? snprintf(text + at, sizeof(text) - at, "*")
		: snprintf(text + at, sizeof(text) - at, "%llu", (unsigned long long)*total);
	call_add_field(call, STR("Content-Range"), (struct str){text, at + (size_t)len});
}

static void answer_list(struct call *call, const struct store_result *result)
{
	const uint64_t *total = call->query.total ? &result->total : NULL;
	uint64_t offset = call->query.offset;
	add_content_range(call, offset, result->rows, total);
	if (total != NULL && offset > *total) {
		struct error error = {0};
		error_set(&error, ERROR_RANGE, NULL);
		error_details(&error, "An offset of %llu was requested, but there are only %llu rows.",
					  (unsigned long long)offset, (unsigned long long)*total);
		call_fail(call, &error);
		return;
	}
	add_preference_applied(call, false);
	call_answer_rows(call, total != NULL && result->rows < *total ? 206 : 200);
}

/* A total is known before the first part, and with it the number of rows that will follow. */
static int head_stream(struct call *call)
{
	const struct query *query = &call->query;
	add_preference_applied(call, false);
	if (!query->total) {
		return 200;
	}
	uint64_t total = call->store.result.total;
	uint64_t rest = query->offset < total ? total - query->offset : 0;
	uint64_t most = call->binding->service->model->limits.answer_rows;
	uint64_t limit = most > 0 && most < query->limit ? most : query->limit;
	uint64_t rows = rest < limit ? rest : limit;
	add_content_range(call, query->offset, rows, &total);
	return rows < total ? 206 : 200;
}

static void run_list(struct call *call)
{
	struct error error = {0};
	if (!prepare(call, QUERY_LIST, &error)) {
		call_fail(call, &error);
		return;
	}
	call->query.total = call->preferences.count;
	call->stream_head = head_stream;
	call_run(call, answer_list);
}

/* Without a representation nothing is read back. */
static void drop_representation(struct call *call)
{
	if (call->preferences.returned != RETURN_REPRESENTATION) {
		call->query.column_count = 0;
	}
}

static void answer_insert(struct call *call, const struct store_result *result)
{
	const uint64_t *total = call->preferences.count ? &result->rows : NULL;
	add_content_range(call, 0, 0, total);
	add_preference_applied(call, true);
	if (call->preferences.returned == RETURN_HEADERS_ONLY) {
		answer_add_location(call, result);
	}
	call_answer_rows(call, 201);
}

static void run_insert(struct call *call)
{
	struct error error = {0};
	struct body_options options = {
		.limits = &call->binding->service->model->limits,
		.many = true,
		.numbers_as_text = true,
	};
	if (!prepare(call, QUERY_INSERT, &error) ||
		!check_body(call->request->body, &options, call->arena, &call->query, &error)) {
		call_fail(call, &error);
		return;
	}
	drop_representation(call);
	call_run(call, answer_insert);
}

static void answer_changed(struct call *call, const struct store_result *result)
{
	const uint64_t *total = call->preferences.count ? &result->rows : NULL;
	bool ranged = call->query.action == QUERY_UPDATE;
	add_content_range(call, 0, ranged ? result->rows : 0, total);
	add_preference_applied(call, true);
	if (call->query.column_count > 0) {
		call_answer_rows(call, 200);
	} else {
		call_answer_empty(call, 204);
	}
}

static void run_update(struct call *call)
{
	struct error error = {0};
	struct body_options options = {
		.limits = &call->binding->service->model->limits,
		.numbers_as_text = true,
	};
	if (!prepare(call, QUERY_UPDATE, &error) ||
		!check_body(call->request->body, &options, call->arena, &call->query, &error)) {
		call_fail(call, &error);
		return;
	}
	drop_representation(call);
	call_run(call, answer_changed);
}

static void run_delete(struct call *call)
{
	struct error error = {0};
	if (!prepare(call, QUERY_DELETE, &error)) {
		call_fail(call, &error);
		return;
	}
	drop_representation(call);
	call_run(call, answer_changed);
}

const struct general_operation general_operations[] = {
	{HTTP_GET, false, run_list},
	{HTTP_POST, true, run_insert},
	{HTTP_PATCH, true, run_update},
	{HTTP_DELETE, true, run_delete},
};
const size_t general_operation_count = sizeof(general_operations) / sizeof(general_operations[0]);
