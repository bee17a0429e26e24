#include "api/conditional.h"
#include "api/general_priv.h"
#include "api/range.h"
#include "api/read.h"
#include "query/cond.h"

/* ---- answers ---- */

static bool fail_offset(struct reply *reply, uint64_t offset, uint64_t total)
{
	error_set(&reply->error, ERROR_RANGE, NULL);
	return error_details(&reply->error,
						 "An offset of %llu was requested, but there are only %llu rows.",
						 (unsigned long long)offset, (unsigned long long)total);
}

/* As it came, but for what may not stand in a URL or a field. */
static void append_parameter(struct buf *fields, struct str parameter)
{
	for (size_t i = 0; i < parameter.len; i++) {
		unsigned char c = (unsigned char)parameter.ptr[i];
		if (c > ' ' && c < 0x7f && c != '>' && c != '<') {
			buf_append_byte(fields, (char)c);
		} else {
			buf_printf(fields, "%%%02X", c);
		}
	}
}

/* Where the rows after the last one begin: `Link: <…&after=CURSOR>; rel="next"`. */
static void add_next_page(struct call *call, struct reply *reply)
{
	const struct query *query = &call->query;
	if (query->cursor_count == 0 || call->store.result.rows < query->limit || query->limit == 0) {
		return;
	}
	struct str cursor = check_cursor(query, buf_str(&call->cursor), call->arena);
	const struct http_request *request = call->request;
	struct str rest = request->method == HTTP_QUERY ? request->body : request->query;
	bool any = false;
	buf_append(reply->fields, STR("Link: <"));
	buf_append(reply->fields, call->request->path);
	while (rest.len > 0) {
		struct str parameter = str_split(&rest, '&');
		if (!str_starts_with(parameter, STR("after=")) && parameter.len > 0) {
			buf_append(reply->fields, any ? STR("&") : STR("?"));
			append_parameter(reply->fields, parameter);
			any = true;
		}
	}
	buf_append(reply->fields, any ? STR("&after=") : STR("?after="));
	buf_append(reply->fields, cursor);
	buf_append(reply->fields, STR(">; rel=\"next\"\r\n"));
}

static void compose_list(struct call *call, const struct store_result *result, struct reply *reply)
{
	const struct query *query = &call->query;
	const uint64_t *total = query->total ? &result->total : NULL;
	range_add(reply, query->offset, result->rows, total);
	if (total != NULL && query->offset > *total) {
		(void)fail_offset(reply, query->offset, *total);
		return;
	}
	general_add(call, reply, 0);
	conditional_add(call, result, reply);
	add_next_page(call, reply);
	reply_rows(call, reply, total != NULL && result->rows < *total ? 206 : 200);
}

/* A total is known before the first part, and with it the number of rows that will follow. */
static void compose_head(struct call *call, const struct store_result *result, struct reply *reply)
{
	const struct query *query = &call->query;
	reply->status = 200;
	if (query->total) {
		uint64_t rest = query->offset < result->total ? result->total - query->offset : 0;
		uint64_t most = call_limits(call)->answer_rows;
		uint64_t limit = most > 0 && most < query->limit ? most : query->limit;
		uint64_t rows = rest < limit ? rest : limit;
		range_add(reply, query->offset, rows, &result->total);
		reply->status = rows < result->total ? 206 : 200;
	}
	general_add(call, reply, 0);
	conditional_add(call, result, reply);
}

static void compose_item(struct call *call, const struct store_result *result, struct reply *reply)
{
	general_add(call, reply, 0);
	conditional_add(call, result, reply);
	if (conditional_any(call)) {
		reply->status = 304;
	} else {
		reply_rows(call, reply, 200);
	}
}

/* ---- requests ---- */

void general_run_list(struct call *call)
{
	struct general general;
	bool ok = general_begin(&general, call, QUERY_LIST);
	call->query.total = !prefers(&call->preferences, PREFER_COUNT, PREFER_UNSET);
	ok = ok && general_check(&general) && range_apply(call->request, &call->query, &general.error);
	if (!ok) {
		call_fail(call, &general.error);
		return;
	}
	call->stream_head = compose_head;
	read_run(call, compose_list);
}

void general_run_get(struct call *call)
{
	struct general general;
	bool ok = general_begin(&general, call, QUERY_GET) && general_check(&general);
	const struct cond *own = call->query.where;
	ok = ok && general_pin_item(&general);
	if (!ok) {
		call_fail(call, &general.error);
		return;
	}
	if (own != NULL) {
		call->query.where = cond_both(call->arena, call->query.where, own);
	}
	if (call->query.format == FORMAT_ARRAY) {
		call->query.format = FORMAT_OBJECT;
	}
	read_run(call, compose_item);
}
