#include "http/server_test_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_BYTES = 1000 };

/* ---- the handler ---- */

struct deferred {
	struct task task;
	struct http_exchange *exchange;
};

struct stream {
	struct bed *bed;
	struct http_exchange *exchange;
	size_t parts;
	size_t written;
	bool abort;
};

static size_t number_of(struct str text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		n = n * 10 + (size_t)(text.ptr[i] - '0');
	}
	return n;
}

static void answer_text(struct http_exchange *exchange, struct str type, struct str body)
{
	struct http_answer answer = {.status = 200, .content_type = type, .body = body};
	http_answer(exchange, &answer);
}

static void run_later(struct task *task)
{
	struct deferred *deferred = (struct deferred *)task;
	answer_text(deferred->exchange, STR("text/plain"), STR("later"));
	free(deferred);
}

static void answer_later(struct http_exchange *exchange)
{
	struct deferred *deferred = malloc(sizeof(*deferred));
	assert_non_null(deferred);
	*deferred = (struct deferred){.task.run = run_later, .exchange = exchange};
	loop_after_turn(http_exchange_loop(exchange), &deferred->task);
}

static void answer_release(struct bed *bed, struct http_exchange *exchange)
{
	for (size_t i = 0; i < bed->held_count; i++) {
		struct http_exchange *held = bed->held[i];
		/* The request is still there, in whatever memory it lies. */
		struct buf *body = http_exchange_buffer(held);
		buf_append(body, STR("held "));
		buf_append(body, http_exchange_request(held)->query);
		buf_append(body, http_exchange_request(held)->body);
		answer_text(held, STR("text/plain"), buf_str(body));
	}
	bed->held_count = 0;
	answer_text(exchange, STR("text/plain"), STR("released"));
}

static void answer_echo(struct http_exchange *exchange)
{
	const struct http_request *request = http_exchange_request(exchange);
	struct buf *body = http_exchange_buffer(exchange);
	buf_append(body, http_method_name(request->method));
	buf_append_byte(body, ' ');
	buf_append(body, request->path);
	buf_append(body, request->query);
	buf_append_byte(body, ' ');
	buf_append(body, request->body);
	assert_true(str_equal(request->peer, STR("127.0.0.1")));
	answer_text(exchange, STR("application/octet-stream"), buf_str(body));
}

static void answer_bytes(struct http_exchange *exchange, struct str type, size_t count)
{
	struct buf *body = http_exchange_buffer(exchange);
	for (size_t i = 0; i < count; i++) {
		buf_append_byte(body, (char)('a' + i % 23));
	}
	struct http_answer answer = {.status = 200, .content_type = type, .body = buf_str(body)};
	struct buf *fields = http_exchange_field_buffer(exchange);
	struct str path = http_exchange_request(exchange)->path;
	if (str_equal(path, STR("/tag"))) {
		buf_append(fields, STR("ETag: \"v1\"\r\n"));
	} else if (str_equal(path, STR("/vary"))) {
		buf_append(fields, STR("Vary: Accept, Range\r\n"));
	} else if (str_equal(path, STR("/encoding"))) {
		buf_append(fields, STR("Vary: Accept, Range, Accept-Encoding\r\n"));
	}
	answer.fields = buf_str(fields);
	http_answer(exchange, &answer);
}

static void write_stream(void *context)
{
	struct stream *stream = context;
	char part[PART_BYTES];
	while (stream->written < stream->parts) {
		for (size_t i = 0; i < sizeof(part); i++) {
			part[i] = (char)('a' + (stream->written + i) % 23);
		}
		stream->written++;
		struct str text = {part, sizeof(part)};
		if (!http_stream_write(stream->exchange, text, write_stream, stream)) {
			return;
		}
		if (http_exchange_gone(stream->exchange)) {
			stream->parts = stream->written;
		}
	}
	if (stream->abort) {
		http_stream_abort(stream->exchange);
	} else {
		http_stream_end(stream->exchange);
	}
	atomic_store(&stream->bed->most_queued, stream->written);
	free(stream);
}

static void answer_stream(struct bed *bed, struct http_exchange *exchange, bool cut)
{
	const struct http_request *request = http_exchange_request(exchange);
	struct stream *stream = malloc(sizeof(*stream));
	assert_non_null(stream);
	*stream = (struct stream){
		.bed = bed, .exchange = exchange, .parts = number_of(request->query), .abort = cut};
	struct http_answer answer = {.status = 200, .content_type = STR("text/plain")};
	http_stream_begin(exchange, &answer);
	write_stream(stream);
}

static void handle(void *context, struct http_exchange *exchange)
{
	struct bed *bed = context;
	const struct http_request *request = http_exchange_request(exchange);
	struct str path = request->path;
	struct http_answer answer = {.status = 200, .body = STR("ok"), .close = true};
	if (str_equal(path, STR("/ok"))) {
		answer_text(exchange, STR("text/plain"), STR("ok"));
	} else if (str_equal(path, STR("/later"))) {
		answer_later(exchange);
	} else if (str_equal(path, STR("/held"))) {
		assert_true(bed->held_count < BED_HELD);
		bed->held[bed->held_count++] = exchange;
	} else if (str_equal(path, STR("/release"))) {
		answer_release(bed, exchange);
	} else if (str_equal(path, STR("/gone"))) {
		bool gone = bed->held_count > 0 && http_exchange_gone(bed->held[0]);
		answer_text(exchange, STR("text/plain"), gone ? STR("gone") : STR("there"));
	} else if (str_equal(path, STR("/json")) || str_equal(path, STR("/tag")) ||
			   str_equal(path, STR("/vary")) || str_equal(path, STR("/encoding"))) {
		answer_bytes(exchange, STR("application/json"), number_of(request->query));
	} else if (str_equal(path, STR("/binary"))) {
		answer_bytes(exchange, STR("image/png"), number_of(request->query));
	} else if (str_equal(path, STR("/none"))) {
		answer = (struct http_answer){.status = (int)number_of(request->query), .no_body = true};
		http_answer(exchange, &answer);
	} else if (str_equal(path, STR("/close"))) {
		http_answer(exchange, &answer);
	} else if (str_equal(path, STR("/stream")) || str_equal(path, STR("/abort"))) {
		answer_stream(bed, exchange, str_equal(path, STR("/abort")));
	} else {
		answer_echo(exchange);
	}
}

static void error_body(void *context, const struct error *error, struct buf *ret_body,
					   struct str *ret_content_type)
{
	(void)context;
	buf_printf(ret_body, "<%s>", error_info(error->code)->wire);
	*ret_content_type = STR("application/json");
}

static void finished(void *context, const struct http_exchange *exchange, int status,
					 uint64_t body_bytes, uint64_t micros)
{
	struct bed *bed = context;
	(void)exchange;
	assert_true(micros < 60000000);
	atomic_store(&bed->last_status, status);
	atomic_store(&bed->last_bytes, body_bytes);
	atomic_fetch_add(&bed->finished, 1);
}

static uint64_t body_limit(void *context, const struct http_request *request)
{
	const struct bed *bed = context;
	bool small = bed->body_limit > 0 && str_starts_with(request->path, STR("/small"));
	return small ? bed->body_limit : bed->limits.body_bytes;
}

/* ---- the server ---- */

void bed_init(struct bed *bed)
{
	memset(bed, 0, sizeof(*bed));
	limits_init(&bed->limits);
}

static void run_loop(void *arg)
{
	struct bed *bed = arg;
	loop_run(bed->loop);
}

static void on_drained(void *context)
{
	struct bed *bed = context;
	atomic_store(&bed->drained, true);
	http_server_destroy(bed->server);
	loop_stop(bed->loop);
}

static void run_drain(struct task *task)
{
	struct bed *bed = (void *)((char *)task - offsetof(struct bed, drain));
	http_server_drain(bed->server, on_drained, bed);
}

void bed_start(struct bed *bed)
{
	struct error error;
	struct http_server_options options = {
		.limits = &bed->limits,
		.shared = &bed->shared,
		.tls = bed->tls,
		.handle = handle,
		.error_body = error_body,
		.finished = finished,
		.body_limit = body_limit,
		.context = bed,
	};
	bed->drain.run = run_drain;
	bed->loop = loop_create(&error);
	assert_non_null(bed->loop);
	assert_true(address_parse(STR("127.0.0.1:0"), &bed->address, &error));
	bed->server = http_server_create(bed->loop, &bed->address, &options, &error);
	assert_non_null(bed->server);
	http_server_start(bed->server);
	assert_int_equal(uv_thread_create(&bed->thread, run_loop, bed), 0);
}

void bed_drain(struct bed *bed)
{
	if (!atomic_exchange(&bed->draining, true)) {
		loop_post(bed->loop, &bed->drain);
	}
}

void bed_stop(struct bed *bed)
{
	bed_drain(bed);
	uv_thread_join(&bed->thread);
	loop_destroy(bed->loop);
	assert_int_equal(atomic_load(&bed->shared.connections), 0);
	assert_int_equal(atomic_load(&bed->shared.memory_bytes), 0);
}

size_t bed_descriptors(void)
{
	size_t count = 0;
	DIR *folder = opendir("/proc/self/fd");
	assert_non_null(folder);
	while (readdir(folder) != NULL) {
		count++;
	}
	closedir(folder);
	return count;
}

size_t bed_mapped_files(void)
{
	char line[4096];
	size_t count = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		/* "/tmp/#1234 (deleted)", "/tmp/rowlock-body-abcdef (deleted)" */
		bool ours = strstr(line, "/#") != NULL || strstr(line, "/rowlock-body-") != NULL;
		count += ours && str_ends_with(str_from(line), STR(" (deleted)\n"));
	}
	(void)fclose(maps);
	return count;
}

void bed_wait(const struct bed *bed, uint64_t connections)
{
	for (size_t i = 0; http_server_stats(bed->server).connections != connections; i++) {
		assert_true(i < 1000);
		client_sleep(10);
	}
}
