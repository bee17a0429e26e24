/*
 * DESIGN. Rows go from the server's packets straight to the answer's text. A body that grows beyond
 * limits->inline_read_bytes is handed out in parts: the fiber waits while the caller wants no more,
 * and the server with it, so memory does not grow with the size of an answer. A read of several
 * statements is a transaction with one snapshot.
 *
 * An idle connection may have been hung up on without our knowing: a read that finds its connection
 * lost before anything was handed out is begun again on another, once.
 */
#include <assert.h>

#include "base/alloc.h"
#include "store/maria_versions.h"
#include "store/store_write.h"
#include "store/term.h"

enum {
	PART_BYTES = 65536,
	ARENA_BYTES = 1024,
	BATCH_ROWS = 256,      /* whose embedded rows are read together */
	TEXT_BYTES = 16 << 20, /* of a cast */
};

static const struct field type_count = {.name = STR_INIT("count"), .type = TYPE_INTEGER};

/* ---- how rows are read ---- */

void maria_shape_init(struct maria_shape *shape, struct arena *arena, const struct query *query,
					  const struct field_list *more)
{
	/* A query that selects nothing has a column `1`. */
	size_t own = query->fetch_count == 0 ? 1 : query->fetch_count;
	size_t count = own + (more != NULL ? more->count : 0);
	const struct field **types = ARENA_ARRAY(arena, count, const struct field *);
	types[0] = &type_count;
	*shape = (struct maria_shape){.query = query, .types = types};
	shape->values = ARENA_ARRAY(arena, count, struct value);
	for (size_t i = 0; i < query->fetch_count; i++) {
		types[i] = sql_fetched_type(&sql_dialect_maria, query, &query->fetch[i]);
		if (sql_casts_after(&sql_dialect_maria, query, &query->fetch[i])) {
			if (shape->texts == NULL) {
				shape->texts = ARENA_ARRAY(arena, query->fetch_count, struct buf);
			}
			buf_init(&shape->texts[i], TEXT_BYTES);
		}
	}
	for (size_t i = own; i < count; i++) {
		types[i] = more->items[i - own];
	}
}

void maria_shape_finish(struct maria_shape *shape)
{
	for (size_t i = 0; shape->texts != NULL && i < shape->query->fetch_count; i++) {
		buf_finish(&shape->texts[i]);
	}
	shape->texts = NULL;
}

static bool cast_values(struct maria_shape *shape, struct error *error)
{
	const struct query *query = shape->query;
	for (size_t i = 0; i < query->fetch_count; i++) {
		const struct query_fetch *fetch = &query->fetch[i];
		if (!sql_casts_after(&sql_dialect_maria, query, fetch)) {
			continue;
		}
		const struct field *to = fetch->aggregate == AGGREGATE_NONE ? fetch->cast
																	: fetch->result_cast;
		struct value value = shape->values[i];
		buf_clear(&shape->texts[i]);
		if (!term_cast(shape->types[i], to, &value, &shape->texts[i], &shape->values[i], error)) {
			return false;
		}
	}
	return true;
}

static bool has_sums(const struct query *query)
{
	for (size_t i = 0; i < query->fetch_count; i++) {
		if (query->fetch[i].aggregate == AGGREGATE_SUM) {
			return true;
		}
	}
	return false;
}

enum row_step maria_shape_fetch(struct maria_shape *shape, struct maria_conn *conn,
								struct maria_statement *statement, struct error *error)
{
	enum row_step step = maria_fetch(conn, statement, shape->types, shape->values, error);
	if (step == ROW_FAILED && error != NULL && error->code == ERROR_OUT_OF_RANGE &&
		has_sums(shape->query)) {
		error_set(error, ERROR_OUT_OF_RANGE, "a sum is out of range for type integer");
	}
	if (step == ROW_HERE && shape->texts != NULL && !cast_values(shape, error)) {
		return ROW_FAILED;
	}
	return step;
}

/* ---- one read on a connection ---- */

struct read {
	struct maria_conn *conn;
	const struct query *query;
	struct query capped;
	struct arena arena;
	struct maria_shape shape;
	struct maria_source source;
	struct rows rows;
	struct buf *body;
	struct buf *cursor;
	/* After each row; false ends the read. NULL: nothing. */
	bool (*gather)(struct read *read, struct error *error);
	struct work *work; /* of gather */
};

static void read_init(struct read *read, struct maria_conn *conn, const struct query *query)
{
	*read = (struct read){.conn = conn, .query = query};
	arena_init(&read->arena, ARENA_BYTES);
	uint64_t limit = query_limit(query, &conn->session->store->limits);
	if (limit != query->limit) {
		read->capped = *query;
		read->capped.limit = limit;
		read->query = &read->capped;
	}
	maria_shape_init(&read->shape, &read->arena, read->query, NULL);
}

static void read_finish(struct read *read)
{
	maria_shape_finish(&read->shape);
	arena_finish(&read->arena);
}

static bool read_total(struct read *read, uint64_t *ret_total, struct error *error)
{
	const struct field *const types[] = {&type_count};
	struct value total;
	struct maria_conn *conn = read->conn;
	sql_clear(&conn->sql);
	sql_count(&conn->sql, read->query);
	struct maria_statement *statement = maria_execute(conn, false, error);
	bool ok = statement != NULL && maria_fetch(conn, statement, types, &total, error) == ROW_HERE;
	maria_rows_end(conn, statement);
	if (ok) {
		*ret_total = (uint64_t)total.integer;
	}
	return ok;
}

static bool read_rows(struct read *read, struct maria_statement *statement, struct error *error)
{
	bool one = read->query->action == QUERY_GET;
	for (;;) {
		enum row_step step = maria_shape_fetch(&read->shape, read->conn, statement, error);
		if (step != ROW_HERE) {
			return step == ROW_NONE;
		}
		if (!rows_write(&read->rows, read->shape.values) ||
			(read->gather != NULL && !read->gather(read, error))) {
			return false;
		}
		if (one) {
			return true;
		}
	}
}

/* ---- rows with embedded ones ---- */

/* The next rows, until there are BATCH_ROWS of them. */
static bool read_batch(struct read *read, struct maria_statement *statement, struct kept_rows *kept,
					   struct error *error)
{
	size_t most = read->query->action == QUERY_GET ? 1 : BATCH_ROWS;
	const struct limits *limits = &read->conn->session->store->limits;
	while (kept->count < most) {
		enum row_step step = maria_shape_fetch(&read->shape, read->conn, statement, error);
		if (step != ROW_HERE) {
			return step == ROW_NONE;
		}
		kept_rows_add(kept, read->query, read->shape.values);
		if (kept->bytes > limits->memory_bytes) {
			return error_set(error, ERROR_OVERLOADED, "The answer is too large");
		}
	}
	return true;
}

static bool write_batch(struct read *read, const struct kept_rows *kept, struct error *error)
{
	size_t width = read->query->fetch_count;
	struct value *values = alloc_zeroed(kept->count * width + 1, sizeof(*values));
	for (size_t i = 0; i < kept->count * width; i++) {
		values[i] = kept->rows[i / width][i % width];
	}
	bool ok = maria_source_load(&read->source, read->query, values, kept->count);
	for (size_t i = 0; i < kept->count && ok; i++) {
		ok = rows_write(&read->rows, values + i * width) &&
			(read->gather == NULL || read->gather(read, error));
	}
	free(values);
	return ok;
}

/* The statement ends before that of the embedded rows begins, unless it has a cursor. */
static bool read_embedded(struct read *read, struct maria_statement *statement, bool cursor,
						  struct error *error)
{
	bool ended;
	bool ok = true;
	do {
		struct kept_rows kept;
		kept_rows_init(&kept);
		ok = read_batch(read, statement, &kept, error);
		ended = kept.count < BATCH_ROWS || !cursor;
		if (ok && !cursor) {
			maria_rows_end(read->conn, statement);
		}
		ok = ok && write_batch(read, &kept, error);
		kept_rows_finish(&kept);
	} while (ok && !ended);
	return ok;
}

static bool read_select(struct read *read, struct store_result *result, struct error *error)
{
	struct maria_conn *conn = read->conn;
	sql_clear(&conn->sql);
	sql_select(&conn->sql, read->query);
	buf_append(&conn->sql.text, read->query->locks ? STR(" FOR UPDATE") : STR(""));
	bool embeds = write_has_embeds(read->query);
	bool cursor = embeds && read->query->action == QUERY_LIST && read->query->limit > BATCH_ROWS;
	struct maria_statement *statement = maria_execute(conn, cursor, error);
	if (statement == NULL) {
		return false;
	}
	maria_source_init(&read->source, conn, read->query, error);
	rows_begin(&read->rows, read->query, &read->source.base, read->body);
	read->rows.cursor = read->cursor;
	bool ok = embeds ? read_embedded(read, statement, cursor, error)
					 : read_rows(read, statement, error);
	maria_source_finish(&read->source);
	maria_rows_end(conn, statement);
	if (!ok) {
		return false;
	}
	rows_end(&read->rows);
	result->rows = read->rows.count;
	result->tag = read->rows.tag;
	return rows_check_one(&read->rows, error);
}

bool maria_read_inside(struct maria_conn *conn, const struct query *query, struct buf *body,
					   struct buf *cursor, struct store_result *result, struct error *error)
{
	struct read read;
	read_init(&read, conn, query);
	read.body = body;
	read.cursor = cursor;
	bool ok = (!query->total || read_total(&read, &result->total, error)) &&
		read_select(&read, result, error);
	if (ok && body != NULL && body->failed) {
		ok = error_set(error, ERROR_OVERLOADED, "The answer is too large");
		error_hint(error, "ask for less: limit, offset, select");
	}
	read_finish(&read);
	return ok;
}

/* ---- a request ---- */

/* On its fiber's stack; request->work leads here. */
struct work {
	struct maria_session *session;
	struct store_request *request;
	struct fiber *fiber;
	struct maria_conn *conn; /* NULL: none yet */
	bool first_row;
	bool streaming;
	bool delivering; /* inside the caller's part() */
	bool paused;     /* the caller wants no more */
	bool waiting;    /* the fiber waits until it does */
	bool stop;       /* the client has gone */
	bool lost_new;   /* a connection that was not idle before */
};

static bool fail_stopped(struct error *error)
{
	return error_set(error, ERROR_OVERLOADED, "The request was given up");
}

static void call_part(void *context)
{
	struct work *work = context;
	struct store_request *request = work->request;
	work->delivering = true;
	work->paused = !request->part(request, buf_str(request->body));
	work->delivering = false;
}

/* Hands out what has gathered, and waits until more is wanted. False: the stream ends here. */
static bool push_part(struct work *work)
{
	fiber_call(work->fiber, call_part, work);
	buf_clear(work->request->body);
	while (work->paused && !work->stop) {
		work->waiting = true;
		fiber_suspend(work->fiber);
		work->waiting = false;
	}
	return !work->stop;
}

/* The last row or the number of rows decides about such an answer: it is handed over whole. */
static bool is_whole(const struct store_request *request)
{
	return request->part == NULL || request->query->action == QUERY_GET ||
		request->query->format == FORMAT_OBJECT || request->query->cursor_count > 0;
}

/* From the first row on the server may not stand still for as long as a reader may. */
static void extend_deadline(struct work *work)
{
	const struct limits *limits = &work->session->store->limits;
	work->first_row = true;
	work->conn->deadline_ms = loop_now_ms(work->session->loop) + limits->stalled_ms;
}

static bool gather(struct read *read, struct error *error)
{
	struct work *work = read->work;
	const struct buf *body = read->body;
	if (work->stop) {
		return fail_stopped(error);
	}
	if (body->failed) {
		error_set(error, ERROR_OVERLOADED, "The answer is too large");
		return error_hint(error, "ask for less: limit, offset, select");
	}
	extend_deadline(work);
	if (is_whole(work->request)) {
		return true;
	}
	if (body->len > work->session->store->limits.inline_read_bytes) {
		work->streaming = true;
	}
	if (work->streaming && body->len >= PART_BYTES && !push_part(work)) {
		return fail_stopped(error);
	}
	extend_deadline(work);
	return true;
}

/* The rest of a stream. */
static bool end_stream(struct work *work, struct error *error)
{
	if (!work->streaming) {
		return true;
	}
	work->request->result.streamed = true;
	return push_part(work) || fail_stopped(error);
}

static bool run_on(struct work *work, struct maria_conn *conn)
{
	struct store_request *request = work->request;
	struct error *error = &request->error;
	struct read read;
	read_init(&read, conn, request->query);
	read.body = request->body;
	read.cursor = request->cursor;
	read.gather = gather;
	read.work = work;
	bool versions = request->want_version && work->session->store->reads_versions;
	bool several = versions || request->query->total || write_has_embeds(request->query);
	bool ok = !several || maria_begin_read(conn, error);
	ok = ok && (!versions || maria_versions_read(conn, request->query, &request->result, error));
	ok = ok && (!request->query->total || read_total(&read, &request->result.total, error));
	ok = ok && read_select(&read, &request->result, error);
	maria_rollback(conn);
	read_finish(&read);
	if (!ok && conn->timed_out) {
		return work->stop
			? fail_stopped(error)
			: error_set(error, ERROR_DEADLINE_NOT_WRITTEN, "Out of time; the query took too long");
	}
	return ok && end_stream(work, error);
}

/* True when it is worth another connection. */
static bool run_once(struct work *work, bool *ret_ok)
{
	struct maria_session *session = work->session;
	struct store_request *request = work->request;
	*ret_ok = false;
	struct maria_conn *conn = maria_take(session, request->expires_ms, &request->error);
	if (conn == NULL) {
		return false;
	}
	if (work->stop) {
		maria_give(conn);
		return fail_stopped(&request->error);
	}
	bool reused = conn->reused;
	work->conn = conn;
	*ret_ok = run_on(work, conn);
	work->conn = NULL;
	bool again = !*ret_ok && conn->state == MARIA_BROKEN && !conn->timed_out && !work->streaming;
	maria_give(conn);
	if (again && !reused) {
		again = !work->lost_new;
		work->lost_new = true;
	}
	return again;
}

static void read_main(void *context)
{
	struct store_request *request = context;
	struct maria_session *session = (struct maria_session *)request->session;
	struct work work = {
		.session = session, .request = request, .fiber = session->fiber_pool.current};
	request->work = &work;
	bool ok;
	/* Idle ones that it meets may all have ended, at most one that is new. */
	while (run_once(&work, &ok)) {
		buf_clear(request->body);
		request->result = (struct store_result){.rows = 0};
	}
	atomic_fetch_add(&session->reads, 1);
	request->work = NULL;
	maria_done(session, request, ok);
}

void maria_read_run(struct maria_session *session, struct store_request *request)
{
	fiber_start(&session->fiber_pool, read_main, request);
}

void maria_read_resume(struct store_request *request)
{
	struct work *work = request->work;
	if (work == NULL || !query_reads(request->query) || work->delivering) {
		return;
	}
	work->paused = false;
	if (work->waiting) {
		fiber_resume(work->fiber);
	}
}

void maria_read_cancel(struct store_request *request)
{
	struct work *work = request->work;
	if (work == NULL || !query_reads(request->query)) {
		return;
	}
	work->stop = true;
	if (work->waiting) {
		fiber_resume(work->fiber);
	} else if (work->conn != NULL && work->conn->waiting != NULL) {
		work->conn->deadline_ms = 0;
		maria_conn_expire(work->conn, 0);
	}
}
