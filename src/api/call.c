#include "api/call.h"
#include "link/remote.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "api/api_priv.h"
#include "api/linked.h"
#include "api/links.h"
#include "api/read.h"
#include "auth/principal.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/auth_config.h"

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

const struct caller *call_caller(struct call *call)
{
	if (call->principal == NULL) {
		return &caller_trusted;
	}
	call->asker.claims = &call->principal->claims;
	return &call->asker;
}

/* ---- Server-Timing ---- */

static uint64_t now_ns(const struct call *call)
{
	return call_limits(call)->server_timing != 0 ? clock_system.monotonic_ns(&clock_system) : 0;
}

/* `Server-Timing: parse;dur=0.1, transaction;dur=1.2`: milliseconds until the store had the
 * request, and with it. */
static void add_timing(struct call *call)
{
	if (call->times_ns[2] == 0) {
		return;
	}
	char text[100];
	const uint64_t *times = call->times_ns;
	int len = snprintf(text, sizeof(text), "parse;dur=%.3f, transaction;dur=%.3f",
					   (double)(times[1] - times[0]) / 1e6, (double)(times[2] - times[1]) / 1e6);
	call_add_field(call, STR("Server-Timing"), (struct str){text, (size_t)len});
}

/* Once: whoever holds such a token would fill the log. */
static void tell_misfit(const struct call *call)
{
	const struct query_rules *rules = call->query.rules;
	if (rules == NULL || rules->misfit == NULL ||
		atomic_exchange(&call->binding->service->misfit_told, true)) {
		return;
	}
	const struct log_field fields[] = {LOG_STR("field", rules->misfit->name)};
	log_event(call->binding->loop->api->options.log, LOG_WARNING,
			  "a claim does not fit the type of its field: the rule is false", fields, 1);
}

void call_finish(struct call *call)
{
	tell_misfit(call);
	auth_release(&call->caller);
	linked_finish(call);
	query_batches_finish(call->query.batches);
	companion_finish(call);
	buf_finish(&call->cursor);
	buf_finish(&call->kept_body);
}

void call_begin(struct call *call)
{
	call->times_ns[0] = now_ns(call);
}

static bool is_private(const struct call *call)
{
	return call->principal != NULL && !call->principal->anonymous;
}

void call_add_cache_control(struct call *call)
{
	call_add_field(call, STR("Cache-Control"),
				   is_private(call) ? STR("private, no-cache") : STR("no-cache"));
}

/* What somebody else may have put into rows must not be compressed together with what is secret:
 * the length tells. */
static bool is_never_compressed(const struct call *call)
{
	return is_private(call) && !call->binding->service->model->auth->gzip;
}

static struct http_answer answer_head(struct call *call, int status, struct str content_type,
									  struct str body)
{
	return (struct http_answer){
		.status = status,
		.content_type = content_type,
		.body = body,
		.fields = buf_str(http_exchange_field_buffer(call->exchange)),
		.identity = is_never_compressed(call),
		.no_body = status == 204 || status == 304,
		/* Of rows that are not sent, PostgREST says nothing. */
		.no_length = call->request->method == HTTP_HEAD && call->compose != NULL,
	};
}

void call_answer(struct call *call, int status, struct str content_type, struct str body)
{
	add_timing(call);
	struct http_answer answer = answer_head(call, status, content_type, body);
	http_answer(call->exchange, &answer);
}

void call_answer_empty(struct call *call, int status)
{
	call_answer(call, status, STR(""), STR(""));
}

void reply_add(struct reply *reply, struct str name, struct str value)
{
	buf_append(reply->fields, name);
	buf_append(reply->fields, STR(": "));
	buf_append(reply->fields, value);
	buf_append(reply->fields, STR("\r\n"));
}

void reply_rows(struct call *call, struct reply *reply, int status)
{
	reply->status = status;
	reply->body = buf_str(call->store.body);
	reply->content_type = call->query.column_count > 0 ? call->content_type : STR("");
}

/* RFC 6750, 3: how to come in, and what was wrong with the token that was shown. */
static void add_challenge(struct call *call, const struct error *error)
{
	struct buf value;
	buf_init(&value, 1024);
	buf_append(&value, STR("Bearer"));
	if (error->code == ERROR_TOKEN || error->code == ERROR_CLAIMS) {
		buf_append(&value, STR(" error=\"invalid_token\", error_description=\""));
		for (const char *c = error->message; *c != '\0'; c++) {
			bool plain = *c >= ' ' && *c <= '~' && *c != '"' && *c != '\\';
			buf_append_byte(&value, plain ? *c : '?');
		}
		buf_append_byte(&value, '"');
	}
	call_add_field(call, STR("WWW-Authenticate"), buf_str(&value));
	buf_finish(&value);
}

static void add_retry_after(struct call *call)
{
	char text[24];
	uint64_t seconds = call->retry_after_s > 0 ? call->retry_after_s : 1;
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)seconds);
	call_add_field(call, STR("Retry-After"), (struct str){text, (size_t)len});
}

void call_fail_status(struct call *call, int status, const struct error *error)
{
	if (status == 403 && call->principal != NULL && call->principal->anonymous) {
		status = 401; /* with a token it may be allowed */
	}
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
		add_retry_after(call);
	}
	if (status == 401) {
		add_challenge(call, error);
	}
	call_answer(call, status, STR("application/json; charset=utf-8"), buf_str(body));
}

/* `… violates foreign key constraint`: who refers to the row is not the caller's business. */
static void hide_referrer(struct error *error)
{
	char *name = strstr(error->message, " constraint \"");
	if (name != NULL &&
		str_starts_with(str_from(error->message), STR("update or delete on table"))) {
		name[strlen(" constraint")] = '\0';
	}
}

/* Whoever runs the program must learn of it, whatever the caller is told. */
static void tell_failure(const struct call *call, const struct error *error)
{
	const struct log_field fields[] = {
		LOG_STR("service", call->binding->service->model->service),
		LOG_STR("details", str_from(error->details)),
		LOG_STR("hint", str_from(error->hint)),
	};
	log_event(call->binding->loop->api->options.log, LOG_ERROR, "the store failed", fields, 3);
}

/* What is said of a constraint, or of a file, may hold values of rows and fields that are not the
 * caller's. */
static void hide_details(const struct call *call, struct error *error)
{
	bool telling = error->code == ERROR_STORE || error->code == ERROR_UNIQUE ||
		error->code == ERROR_REFERENCE || error->code == ERROR_NOT_NULL ||
		error->code == ERROR_CHECK;
	if (telling && call->principal != NULL && call->binding->service->model->guarded) {
		error->details[0] = '\0';
		hide_referrer(error);
	}
}

void call_fail(struct call *call, const struct error *error)
{
	struct error said = *error;
	if (error->code == ERROR_STORE) {
		tell_failure(call, error);
	}
	links_hide(&said);
	hide_details(call, &said);
	if (call->written && error_info(error->code)->retryable) {
		/* Nobody may be told to send again what is committed. */
		error_set(&said,
				  error->code == ERROR_DEADLINE_NOT_WRITTEN ? ERROR_DEADLINE_UNKNOWN
															: ERROR_STORE_UNKNOWN,
				  "The request was carried out; its answer could not be read");
		error_details(&said, "%s", error->details);
	}
	call_fail_status(call, error_info(said.code)->status, &said);
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
		read_keep_nothing(call);
		store_cancel(request);
		return true;
	}
	if (call->streaming) {
		read_keep_part(call, bytes);
		return http_stream_write(call->exchange, bytes, on_resume, call);
	}
	struct reply reply = {.status = 200, .fields = http_exchange_field_buffer(call->exchange)};
	size_t fields_at = reply.fields->len;
	call->times_ns[2] = now_ns(call);
	if (call->stream_head != NULL) {
		call->stream_head(call, &request->result, &reply);
		reply.content_type = call->content_type;
		read_keep_head(call, &reply, fields_at);
		read_keep_part(call, bytes);
	}
	add_timing(call);
	struct http_answer answer = answer_head(call, reply.status, call->content_type, bytes);
	call->streaming = true;
	http_stream_begin(call->exchange, &answer);
	if (call->request->method == HTTP_HEAD) {
		read_keep_nothing(call);
		store_cancel(request);
	}
	return true;
}

static void answer(struct call *call, const struct store_result *result)
{
	struct reply reply = {.fields = http_exchange_field_buffer(call->exchange)};
	size_t fields_at = reply.fields->len;
	if (!companion_reply(call, &reply)) {
		call->compose(call, result, &reply);
		read_keep(call, &reply, fields_at);
	}
	if (reply.error.code == ERROR_NONE) {
		call_answer(call, reply.status, reply.content_type, reply.body);
	} else {
		int status = reply.status != 0 ? reply.status : error_info(reply.error.code)->status;
		call_fail_status(call, status, &reply.error);
	}
}

void call_written(struct call *call, const struct store_result *result)
{
	if (call->proceed != NULL) {
		call->proceed(call);
	} else {
		answer(call, result);
	}
}

static void on_done(struct store_request *request, const struct store_result *result,
					const struct error *error)
{
	struct call *call = call_of(request);
	if (call->streaming) {
		if (error == NULL) {
			read_keep_end(call);
		}
		if (error == NULL || call->request->method == HTTP_HEAD) {
			http_stream_end(call->exchange);
		} else {
			http_stream_abort(call->exchange);
		}
	} else {
		call->times_ns[2] = now_ns(call);
		if (error != NULL) {
			read_keep_missing(call, error);
			if (!links_held(call, error)) {
				linked_end(call, result, error);
				call_fail(call, error);
			}
		} else {
			linked_end(call, result, NULL);
			call_written(call, result);
		}
	}
}

/* Of the rows of other services nothing is kept here. */
static struct store_session *session_of(struct call *call)
{
	struct api_loop *loop = call->binding->loop;
	if (!call->query.remote) {
		return loop->session;
	}
	call->store.token = http_request_field(call->request, STR("Authorization"));
	if (loop->remote == NULL) {
		loop->remote = remote_attach(loop->loop, loop->session, call_limits(call));
	}
	return loop->remote;
}

void call_run(struct call *call, compose_reply *compose)
{
	call->compose = compose;
	call->times_ns[1] = now_ns(call);
	call->store.query = &call->query;
	call->store.body = http_exchange_buffer(call->exchange);
	if (call->query.cursor_count > 0) {
		buf_init(&call->cursor, MIB(1));
		call->store.cursor = &call->cursor;
	}
	call->store.done = on_done;
	call->store.part = on_part;
	store_run(session_of(call), &call->store);
}
