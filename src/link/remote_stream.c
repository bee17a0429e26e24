#include <stddef.h>

#include "codec/number.h"
#include "link/remote_priv.h"
#include "query/cond.h"
#include "query/fetch.h"

enum {
	WINDOW_BYTES = 256 << 10, /* that came and were not read */
	ROW_BYTES = 32 << 20,
	PATH_BYTES = 1 << 20,
	ARENA_BYTES = 4096,
};

/* ---- what went wrong ---- */

static void fail(struct remote_stream *stream, enum error_code code, const char *details)
{
	struct error *error = &stream->error;
	struct str name = stream->asks->query->resource->name;
	stream->over = true;
	if (error->code != ERROR_NONE) {
		return;
	}
	const char *what = code == ERROR_SOURCE_DOWN ? "cannot be reached"
		: code == ERROR_SOURCE_LATE              ? "did not answer in time"
												 : "gave no answer that can be used";
	error_set(error, code, "The service of \"%.*s\" %s", STR_ARG(str_slice(name, 0, 64)), what);
	error_details(error, "%s", details);
}

static void fail_status(struct remote_stream *stream, int status)
{
	char details[64];
	snprintf(details, sizeof(details), "its answer was %d", status);
	fail(stream,
		 status == 503       ? ERROR_SOURCE_DOWN
			 : status == 504 ? ERROR_SOURCE_LATE
							 : ERROR_SOURCE_BAD,
		 details);
}

static void add(struct remote_stream *stream, struct str bytes)
{
	if (!remote_rows_add(&stream->rows, bytes)) {
		fail(stream, ERROR_SOURCE_BAD, "a row is too large");
	}
}

/* Bytes behind those of a row that is not whole yet. */
static size_t waiting_bytes(const struct remote_stream *stream)
{
	return stream->rows.text.len - stream->rows.taken - stream->rows.scanned;
}

/* ---- another service ---- */

static struct remote_stream *of_http(struct client_request *request)
{
	return (struct remote_stream *)(void *)((char *)request - offsetof(struct remote_stream, http));
}

/* `Content-Range: 0-9/57`. */
static void read_total(struct remote_stream *stream)
{
	struct str range = client_request_field(&stream->http, "Content-Range");
	int64_t total;
	(void)str_split(&range, '/');
	if (number_parse_integer(range, &total) == NUMBER_OK && total >= 0) {
		stream->total = (uint64_t)total;
		stream->has_total = true;
	}
}

/* An answer that is small and has a tag is kept, for the next time. */
static void see(struct remote_stream *stream, struct str bytes)
{
	const struct remote_kept *kept = stream->run->session->kept;
	if (stream->seen.ptr == NULL) {
		struct str etag = client_request_field(&stream->http, "ETag");
		stream->etag = arena_copy(&stream->arena, etag);
	}
	if (stream->known_as.len > 0 && stream->etag.len > 0 &&
		!remote_kept_is_large(kept, stream->seen.len + bytes.len)) {
		buf_append(&stream->seen, bytes);
	} else {
		stream->etag.len = 0;
	}
}

static void keep(struct remote_stream *stream)
{
	struct remote_kept *kept = stream->run->session->kept;
	if (stream->etag.len > 0) {
		remote_kept_put(kept, stream->known_as, stream->etag, buf_str(&stream->seen));
	}
}

static bool on_http_part(struct client_request *request, int status, struct str bytes)
{
	struct remote_stream *stream = of_http(request);
	remote_wake(stream->run);
	if (stream->over) {
		return true;
	}
	if (stream->want_total && !stream->has_total) {
		read_total(stream);
	}
	if (status == 416 && stream->has_total) {
		return true; /* the offset is behind the last row */
	}
	if (status != 200 && status != 206) {
		fail_status(stream, status);
		return true;
	}
	if (waiting_bytes(stream) > WINDOW_BYTES) {
		stream->paused = true;
		return false;
	}
	see(stream, bytes);
	add(stream, bytes);
	return true;
}

static void on_http_done(struct client_request *request, const struct client_answer *answer)
{
	struct remote_stream *stream = of_http(request);
	remote_wake(stream->run);
	if (answer->status == 0) {
		fail(stream, ERROR_SOURCE_DOWN, "no connection could be made, or it was lost");
	} else if (answer->status == 416 && stream->has_total) {
		add(stream, STR("[]"));
	} else if (answer->status == 304 && stream->known != NULL) {
		add(stream, stream->known->body);
	} else if (answer->status != 200 && answer->status != 206) {
		fail_status(stream, answer->status);
	} else if (answer->problem != NULL) {
		fail(stream, ERROR_SOURCE_BAD, "its answer was cut");
	} else if (stream->error.code == ERROR_NONE) {
		keep(stream);
	}
	stream->over = true;
}

/* A total is in the header, which is not kept. */
static struct str make_fields(struct remote_stream *stream)
{
	struct remote_run *run = stream->run;
	struct arena *arena = &stream->arena;
	bool passed = stream->asks->query->resource->pass_token && run->request->token.len > 0;
	struct str token = passed ? run->request->token : STR("");
	struct str fields = STR("Accept: application/json\r\n");
	if (passed) {
		fields = arena_printf(arena, "%.*sAuthorization: %.*s\r\n", STR_ARG(fields),
							  STR_ARG(token));
	}
	if (stream->want_total) {
		return arena_printf(arena, "%.*sPrefer: count=exact\r\n", STR_ARG(fields));
	}
	/* Who asks may make another answer of it. */
	stream->known_as = arena_printf(arena, "%.*s\n%.*s", STR_ARG(stream->http.url), STR_ARG(token));
	stream->known = remote_kept_find(run->session->kept, stream->known_as);
	if (stream->known == NULL) {
		return fields;
	}
	return arena_printf(arena, "%.*sIf-None-Match: %.*s\r\n", STR_ARG(fields),
						STR_ARG(stream->known->etag));
}

static bool start_http(struct remote_stream *stream)
{
	const struct resource *resource = stream->asks->query->resource;
	struct remote_session *session = stream->run->session;
	struct buf url;
	buf_init(&url, PATH_BYTES);
	buf_append(&url, resource->at.str);
	bool ok = remote_write_request(&url, stream->asks, stream->run->error);
	if (ok) {
		stream->http = (struct client_request){
			.method = "GET",
			.url = arena_copy(&stream->arena, buf_str(&url)),
			.timeout_ms = session->limits.bulk_ms,
			.answer_bytes = SIZE_MAX,
			.part = on_http_part,
			.done = on_http_done,
		};
		stream->http.fields = make_fields(stream);
		buf_init(&stream->seen, SIZE_MAX);
		client_start(session->client, &stream->http);
	}
	buf_finish(&url);
	return ok;
}

/* ---- our own store ---- */

static struct remote_stream *of_local(struct store_request *request)
{
	return (struct remote_stream *)(void *)((char *)request -
											offsetof(struct remote_stream, local));
}

static bool on_local_part(struct store_request *request, struct str bytes)
{
	struct remote_stream *stream = of_local(request);
	remote_wake(stream->run);
	stream->total = request->result.total;
	stream->has_total = true;
	if (!stream->over) {
		add(stream, bytes);
	}
	stream->paused = !stream->over && waiting_bytes(stream) > WINDOW_BYTES;
	return !stream->paused;
}

static void on_local_done(struct store_request *request, const struct store_result *result,
						  const struct error *error)
{
	struct remote_stream *stream = of_local(request);
	remote_wake(stream->run);
	stream->local.session = NULL;
	stream->total = result->total;
	stream->has_total = true;
	if (error != NULL) {
		stream->error = *error;
	} else if (!result->streamed && !stream->over) {
		add(stream, buf_str(&stream->body));
	}
	stream->over = true;
}

/* The rows whose keys are among those that are asked for. */
static const struct cond *key_cond(struct arena *arena, const struct remote_asks *asks)
{
	const struct field_list *keys = asks->keys;
	const struct cond **rows = ARENA_ARRAY(arena, asks->key_count, const struct cond *);
	for (size_t i = 0; i < asks->key_count; i++) {
		const struct cond **pins = ARENA_ARRAY(arena, keys->count, const struct cond *);
		for (size_t k = 0; k < keys->count; k++) {
			struct cond *pin = ARENA_NEW(arena, struct cond);
			*pin = (struct cond){
				.kind = COND_COMPARE,
				.field = keys->items[k],
				.type = keys->items[k],
				.op = OPERATOR_EQ,
				.operand = {.value = asks->key_values[i * keys->count + k], .parameter = -1},
			};
			pins[k] = pin;
		}
		rows[i] = cond_join(arena, COND_AND, pins, keys->count);
	}
	return cond_join(arena, COND_OR, rows, asks->key_count);
}

static const struct cond *from_cond(struct arena *arena, const struct remote_asks *asks)
{
	struct cond *from = ARENA_NEW(arena, struct cond);
	*from = (struct cond){
		.kind = COND_COMPARE,
		.field = asks->keys->items[0],
		.type = asks->keys->items[0],
		.op = OPERATOR_GTE,
		.operand = {.value = *asks->from_key, .parameter = -1},
	};
	return from;
}

static void select_all(struct remote_stream *stream)
{
	const struct remote_asks *asks = stream->asks;
	struct arena *arena = &stream->arena;
	const struct query *from = asks->query;
	size_t count = from->fetch_count + asks->extra_count;
	struct query_fetch *fetch = ARENA_ARRAY(arena, count, struct query_fetch);
	struct query_column *columns = ARENA_ARRAY(arena, count, struct query_column);
	for (size_t i = 0; i < count; i++) {
		if (i < from->fetch_count) {
			fetch[i] = from->fetch[i];
		} else {
			const struct field *field = asks->extras[i - from->fetch_count];
			fetch[i] = (struct query_fetch){.term = {.field = field}, .type = field};
		}
		columns[i] = (struct query_column){
			.name = arena_printf(arena, "c%zu", i),
			.key = arena_printf(arena, "\"c%zu\":", i),
			.at = i,
		};
	}
	stream->query.fetch = fetch;
	stream->query.columns = columns;
	stream->query.fetch_count = stream->query.column_count = count;
}

static void order_all(struct remote_stream *stream)
{
	const struct remote_asks *asks = stream->asks;
	const struct query *from = asks->query;
	size_t keys = asks->by_key ? asks->keys->count : 0;
	struct query_order *order = ARENA_ARRAY(&stream->arena, keys + from->order_count,
											struct query_order);
	for (size_t i = 0; i < keys; i++) {
		/* Extras begin with the keys. */
		order[i] = (struct query_order){
			.term = {.field = asks->keys->items[i]},
			.at = from->fetch_count + i,
		};
	}
	for (size_t i = 0; i < from->order_count; i++) {
		order[keys + i] = from->order[i];
	}
	stream->query.order = order;
	stream->query.order_count = keys + from->order_count;
}

static void start_local(struct remote_stream *stream)
{
	const struct remote_asks *asks = stream->asks;
	const struct query *from = asks->query;
	struct arena *arena = &stream->arena;
	stream->query = (struct query){
		.action = QUERY_LIST,
		.resource = from->resource,
		.where = asks->where,
		.grouped = from->grouped,
		.distinct = from->distinct,
		.format = FORMAT_ARRAY,
		.limit = asks->limit,
		.offset = asks->offset,
		.total = stream->want_total,
		.today = from->today,
		.uses_today = from->uses_today,
	};
	if (asks->key_count > 0) {
		stream->query.where = cond_both(arena, stream->query.where, key_cond(arena, asks));
	}
	if (asks->from_key != NULL) {
		stream->query.where = cond_both(arena, stream->query.where, from_cond(arena, asks));
	}
	select_all(stream);
	order_all(stream);
	buf_init(&stream->body, stream->run->session->limits.memory_bytes);
	stream->local = (struct store_request){
		.query = &stream->query,
		.body = &stream->body,
		.part = on_local_part,
		.done = on_local_done,
	};
	store_run(stream->run->session->local, &stream->local);
}

/* ---- rows ---- */

/* Extras are fields as they are. Casts of another service's rows are made here, where they can
 * be. */
static const struct remote_column *make_columns(struct remote_stream *stream)
{
	const struct remote_asks *asks = stream->asks;
	const struct query *query = asks->query;
	bool remote = resource_is_remote(query->resource);
	size_t count = query->fetch_count + asks->extra_count;
	struct remote_column *columns = ARENA_ARRAY(&stream->arena, count, struct remote_column);
	for (size_t i = 0; i < count; i++) {
		if (i >= query->fetch_count) {
			columns[i].type = asks->extras[i - query->fetch_count];
			continue;
		}
		const struct query_fetch *fetch = &query->fetch[i];
		columns[i].type = fetch->type;
		if (remote && !query->grouped && fetch->cast != NULL) {
			columns[i].cast_from = fetch_term_type(&fetch->term);
		}
	}
	return columns;
}

bool remote_stream_start(struct remote_stream *stream, struct remote_run *run,
						 const struct remote_asks *asks, bool want_total)
{
	*stream = (struct remote_stream){.run = run, .asks = asks, .want_total = want_total};
	stream->started = true;
	arena_init(&stream->arena, ARENA_BYTES);
	remote_rows_init(&stream->rows, make_columns(stream),
					 asks->query->fetch_count + asks->extra_count, ROW_BYTES);
	if (resource_is_remote(asks->query->resource)) {
		return start_http(stream);
	}
	start_local(stream);
	return true;
}

static void go_on(struct remote_stream *stream)
{
	stream->paused = false;
	if (stream->http.transfer != NULL) {
		client_resume(&stream->http);
	} else if (stream->local.session != NULL) {
		store_resume(&stream->local);
	}
}

/* Waits for more bytes. False: none will come. */
static bool wait_for_more(struct remote_stream *stream)
{
	struct remote_run *run = stream->run;
	if (stream->over) {
		if (stream->error.code == ERROR_NONE && !remote_rows_is_over(&stream->rows)) {
			fail(stream, ERROR_SOURCE_BAD, "its answer was cut");
		}
		return false;
	}
	if (stream->paused) {
		go_on(stream);
		return true;
	}
	uint64_t now_ms = loop_now_ms(run->session->loop);
	remote_wait(run, run->first_row ? now_ms + run->session->limits.read_ms : run->head_ms);
	if (run->stop) {
		error_set(&stream->error, ERROR_OVERLOADED, "The request was given up");
		stream->over = true;
	} else if (run->late && !stream->over && resource_is_remote(stream->asks->query->resource)) {
		fail(stream, ERROR_SOURCE_LATE, "");
	}
	return true;
}

enum row_step remote_stream_next(struct remote_stream *stream, const struct value **ret_values)
{
	enum row_step step;
	struct error error;
	do {
		step = remote_rows_next(&stream->rows, ret_values, &error);
	} while (step == ROW_NONE && wait_for_more(stream));
	if (step == ROW_FAILED) {
		fail(stream, error.code, error.code == ERROR_SOURCE_BAD ? error.details : error.message);
	}
	if (step == ROW_HERE && stream->paused && waiting_bytes(stream) < WINDOW_BYTES / 2) {
		go_on(stream);
	}
	if (step != ROW_HERE && stream->error.code != ERROR_NONE) {
		*stream->run->error = stream->error;
		return ROW_FAILED;
	}
	return step;
}

void remote_stream_finish(struct remote_stream *stream)
{
	if (!stream->started) {
		return;
	}
	stream->over = true;
	if (stream->http.transfer != NULL) {
		client_cancel(&stream->http);
	}
	if (stream->local.session != NULL) {
		store_cancel(&stream->local);
		while (stream->local.session != NULL) {
			remote_wait(stream->run, UINT64_MAX);
		}
	}
	remote_kept_give_back(stream->run->session->kept, stream->known);
	remote_rows_finish(&stream->rows);
	buf_finish(&stream->seen);
	buf_finish(&stream->body);
	arena_finish(&stream->arena);
	stream->started = false;
}
