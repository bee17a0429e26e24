#include "api/call.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#include "api/api_priv.h"

static struct call *call_of(struct store_request *request)
{
	return (struct call *)(void *)((char *)request - offsetof(struct call, store));
}

void call_add_field(struct call *call, struct str name, struct str value)
{
	struct buf *fields = http_exchange_field_buffer(call->exchange);
	buf_append(fields, name);
	buf_append(fields, STR(": "));
	buf_append(fields, value);
	buf_append(fields, STR("\r\n"));
}

static struct http_answer answer_head(struct call *call, int status, struct str content_type,
									  struct str body)
{
	return (struct http_answer){
		.status = status,
		.content_type = content_type,
		.body = body,
		.fields = buf_str(http_exchange_field_buffer(call->exchange)),
		.no_body = status == 204 || status == 304,
	};
}

void call_answer(struct call *call, int status, struct str content_type, struct str body)
{
	struct http_answer answer = answer_head(call, status, content_type, body);
	http_answer(call->exchange, &answer);
}

void call_answer_empty(struct call *call, int status)
{
	call_answer(call, status, STR(""), STR(""));
}

void call_answer_rows(struct call *call, int status)
{
	struct str body = buf_str(call->store.body);
	call_answer(call, status, body.len > 0 ? STR("application/json; charset=utf-8") : STR(""),
				body);
}

void call_fail_status(struct call *call, int status, const struct error *error)
{
	const struct service *service = call->binding->service;
	bool own = call->operation == NULL || call->operation->own_errors;
	const struct error_shape plain = {0};
	struct buf *body = http_exchange_buffer(call->exchange);
	buf_clear(body);
	error_shape_write(own ? &service->errors : &plain, error, body);
	char text[64];
	int len = snprintf(text, sizeof(text), "rowlock; error=%s", error_info(error->code)->wire);
	call_add_field(call, STR("Proxy-Status"), (struct str){text, (size_t)len});
	len = snprintf(text, sizeof(text), "%016llx", (unsigned long long)call->id);
	call_add_field(call, STR("X-Request-Id"), (struct str){text, (size_t)len});
	if (error_info(error->code)->retryable) {
		call_add_field(call, STR("Retry-After"), STR("1"));
	}
	call_answer(call, status, STR("application/json; charset=utf-8"), buf_str(body));
}

void call_fail(struct call *call, const struct error *error)
{
	call_fail_status(call, error_info(error->code)->status, error);
}

static void on_resume(void *context)
{
	struct call *call = context;
	store_resume(&call->store);
}

/* A further part of a large list. */
static bool on_part(struct store_request *request, struct str bytes)
{
	struct call *call = call_of(request);
	if (http_exchange_gone(call->exchange)) {
		store_cancel(request);
		return true;
	}
	if (call->streaming) {
		return http_stream_write(call->exchange, bytes, on_resume, call);
	}
	int status = call->stream_head != NULL ? call->stream_head(call) : 200;
	struct http_answer answer = answer_head(call, status, STR("application/json; charset=utf-8"),
											bytes);
	call->streaming = true;
	http_stream_begin(call->exchange, &answer);
	if (call->request->method == HTTP_HEAD) {
		store_cancel(request);
	}
	return true;
}

static void on_done(struct store_request *request, const struct store_result *result,
					const struct error *error)
{
	struct call *call = call_of(request);
	if (call->streaming) {
		if (error == NULL || call->request->method == HTTP_HEAD) {
			http_stream_end(call->exchange);
		} else {
			http_stream_abort(call->exchange);
		}
	} else if (error != NULL) {
		call_fail(call, error);
	} else {
		call->answer(call, result);
	}
}

void call_run(struct call *call,
			  void (*answer)(struct call *call, const struct store_result *result))
{
	call->answer = answer;
	call->store.query = &call->query;
	call->store.body = http_exchange_buffer(call->exchange);
	call->store.done = on_done;
	call->store.part = on_part;
	store_run(call->binding->loop->session, &call->store);
}
