/*
 * DESIGN. A request that is one statement is sent as it is, and commits by itself. Any other is a
 * transaction: the companion's first part, the request's statements, the companion's second part,
 * COMMIT. Locks are taken in one order by all: headers of tallies, rows by their keys, counts.
 *
 * What the server gave up (a deadlock, a lock that was not free in time, a row that changed under a
 * snapshot; COMMIT may say so too) left nothing behind: all of it runs again, after a pause that
 * grows and differs between writers, until the request's deadline. So does what a connection took
 * with it when it was lost before anything could have been committed. Once it could have been, the
 * outcome is not known, and it is not tried again.
 */
#include "store/maria_write.h"

#include <mysqld_error.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "query/cond.h"

enum {
	ARENA_BYTES = 4096,
	PAUSE_MS = 4,
	PAUSE_MOST_MS = 250,
	LEAVES_MOST = 64, /* beside each other in OR */
};

/* ---- statements ---- */

bool maria_run(struct maria_conn *conn, uint64_t *ret_changed, struct error *error)
{
	struct maria_statement *statement = maria_execute(conn, false, error);
	if (statement == NULL) {
		return false;
	}
	const struct field any = {.name = STR("any"), .type = TYPE_TEXT};
	const struct field **types = alloc_zeroed(statement->column_count + 1, sizeof(*types));
	struct value *values = alloc_zeroed(statement->column_count + 1, sizeof(*values));
	for (size_t i = 0; i < statement->column_count; i++) {
		types[i] = &any;
	}
	enum row_step step;
	do {
		step = maria_fetch(conn, statement, types, values, error);
	} while (step == ROW_HERE);
	if (step == ROW_NONE && ret_changed != NULL) {
		*ret_changed = maria_changed(statement);
	}
	maria_rows_end(conn, statement);
	free((void *)types);
	free(values);
	return step == ROW_NONE;
}

bool maria_read_keys(struct maria_write *write, struct arena *arena, struct value **ret_keys,
					 size_t *ret_count)
{
	struct maria_conn *conn = write->conn;
	const struct field_list *key = &write->query->resource->key;
	size_t room = 0;
	size_t count = 0;
	struct value *keys = NULL;
	struct value *row = ARENA_ARRAY(arena, key->count + 1, struct value);
	const struct field one = {.name = STR("one"), .type = TYPE_INTEGER};
	const struct field *const ones[] = {&one};
	struct maria_statement *statement = maria_execute(conn, false, write->error);
	enum row_step step = statement != NULL ? ROW_HERE : ROW_FAILED;
	while (step == ROW_HERE) {
		step = maria_fetch(conn, statement, key->count > 0 ? key->items : ones, row, write->error);
		if (step != ROW_HERE) {
			break;
		}
		if ((count + 1) * key->count > room) {
			room = room * 2 + 64 * key->count;
			keys = alloc_resize(keys, room, sizeof(*keys));
		}
		for (size_t i = 0; i < key->count; i++) {
			struct value *to = &keys[count * key->count + i];
			*to = row[i];
			if (row[i].kind == VALUE_TEXT) {
				to->text = arena_copy(arena, row[i].text);
			}
		}
		count++;
	}
	maria_rows_end(conn, statement);
	*ret_keys = ARENA_ARRAY(arena, count * key->count, struct value);
	for (size_t i = 0; i < count * key->count; i++) {
		(*ret_keys)[i] = keys[i];
	}
	*ret_count = count;
	free(keys);
	return step == ROW_NONE;
}

/* ---- conditions ---- */

static const struct cond *where_equal(struct arena *arena, const struct field *field,
									  const struct value *value)
{
	struct cond *leaf = ARENA_NEW(arena, struct cond);
	*leaf = (struct cond){
		.kind = COND_COMPARE,
		.field = field,
		.type = field,
		.op = OPERATOR_EQ,
		.operand = {.value = *value, .parameter = -1},
	};
	return leaf;
}

static const struct cond *where_key(struct arena *arena, const struct field_list *fields,
									const struct value *key)
{
	const struct cond **leaves = ARENA_ARRAY(arena, fields->count, const struct cond *);
	for (size_t i = 0; i < fields->count; i++) {
		leaves[i] = where_equal(arena, fields->items[i], &key[i]);
	}
	return fields->count == 1 ? leaves[0] : cond_join(arena, COND_AND, leaves, fields->count);
}

static const struct cond *where_in(struct arena *arena, const struct field *field,
								   const struct value *values, size_t count)
{
	struct cond *leaf = ARENA_NEW(arena, struct cond);
	struct operand *items = ARENA_ARRAY(arena, count, struct operand);
	for (size_t i = 0; i < count; i++) {
		items[i] = (struct operand){.value = values[i], .parameter = -1};
	}
	*leaf = (struct cond){
		.kind = COND_IN, .field = field, .type = field, .items = items, .item_count = count};
	return leaf;
}

const struct cond *maria_where_keys(struct arena *arena, const struct field_list *fields,
									const struct value *keys, size_t count)
{
	if (count == 1) {
		return where_key(arena, fields, keys);
	}
	if (fields->count == 1) {
		return where_in(arena, fields->items[0], keys, count);
	}
	const struct cond **rows = ARENA_ARRAY(arena, count, const struct cond *);
	for (size_t i = 0; i < count; i++) {
		rows[i] = where_key(arena, fields, keys + i * fields->count);
	}
	return cond_join(arena, COND_OR, rows, count);
}

/* ---- errors ---- */

/* The values of the first row that is still referred to, of those that match. */
static void explain_used(struct maria_write *write, const struct relation *relation,
						 const struct cond *where)
{
	const struct field_list *fields = &relation->reference->target_fields;
	struct maria_conn *conn = write->conn;
	struct query_fetch *fetch = ARENA_ARRAY(&write->arena, fields->count, struct query_fetch);
	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = fields->items[i];
		fetch[i] = (struct query_fetch){.term = {.field = field}, .type = field};
	}
	const struct query_embed children = {
		.relation = relation,
		.query = {.action = QUERY_LIST, .resource = relation->to, .limit = UINT64_MAX},
	};
	const struct cond used = {.kind = COND_EXISTS, .tables = 1, .embed = &children};
	const struct query_order order = {.term = {.field = fields->items[0]}, .at = SIZE_MAX};
	const struct query rows = {
		.action = QUERY_LIST,
		.resource = relation->from,
		.where = cond_both(&write->arena, where, &used),
		.fetch = fetch,
		.fetch_count = fields->count,
		.order = &order,
		.order_count = 1,
		.limit = 1,
	};
	struct maria_shape shape;
	maria_shape_init(&shape, &write->arena, &rows, NULL);
	sql_clear(&conn->sql);
	sql_select(&conn->sql, &rows);
	struct maria_statement *statement = maria_execute(conn, false, NULL);
	if (statement != NULL && maria_shape_fetch(&shape, conn, statement, NULL) == ROW_HERE) {
		const struct constraint_reference failed = {
			.name = relation->reference->name,
			.child = relation->to->name,
			.parent = relation->from->name,
			.fields = *fields,
		};
		constraint_used(write->error, &failed, shape.values);
	}
	maria_rows_end(conn, statement);
	maria_shape_finish(&shape);
}

bool maria_explain(struct maria_write *write, const struct query *query, size_t row,
				   const struct cond *where)
{
	struct maria_conn *conn = write->conn;
	enum maria_verdict verdict = maria_fail(conn, query, row, write->error);
	const struct relation *relation = maria_failed_relation(conn, query);
	if (verdict == MARIA_FAILED && relation != NULL) {
		const struct maria_failure failure = conn->failure;
		explain_used(write, relation, where);
		if (conn->state == MARIA_BUSY) {
			conn->failure = failure;
		}
	}
	return false;
}

/* ---- one query ---- */

static bool run_query(struct maria_transaction *transaction, const struct query *query,
					  struct buf *body, struct store_result *result, struct error *error)
{
	struct maria_write write = {
		.transaction = transaction,
		.conn = transaction->conn,
		.query = query,
		.part = *query,
		.result = result,
		.error = error,
	};
	/* An order may fetch values for an answer without columns. */
	arena_init(&write.arena, ARENA_BYTES);
	arena_init(&write.scratch, ARENA_BYTES);
	maria_answer_init(&write.answer, write.conn, query, body, error);
	bool ok = (write_inserts(query) ? maria_insert_rows : maria_change_rows)(&write) &&
		maria_answer_end(&write.answer, result);
	if (ok) {
		maria_versions_touch(&transaction->touched, query, result);
	}
	maria_answer_finish(&write.answer);
	arena_finish(&write.scratch);
	arena_finish(&write.arena);
	return ok;
}

/* ---- companions ---- */

/* A row that a decision rests on stays as it is until the transaction ends. */
static bool read_locked(struct maria_transaction *transaction, const struct query *query,
						struct buf *body, struct store_result *result, struct error *error)
{
	struct maria_conn *conn = transaction->conn;
	if (query->action == QUERY_GET) {
		sql_clear(&conn->sql);
		sql_select_for_update(&conn->sql, query);
		if (!maria_run(conn, NULL, error)) {
			return false;
		}
	}
	bool ok = maria_read_inside(conn, query, body, NULL, result, error);
	if (!ok && query->action == QUERY_GET && error->code == ERROR_NOT_FOUND) {
		transaction->unseen = query->resource;
	}
	return ok;
}

bool maria_transaction_run(struct store_transaction *base, const struct query *query,
						   struct buf *body, struct store_result *ret_result, struct error *error)
{
	struct maria_transaction *transaction = (struct maria_transaction *)base;
	if (transaction->verdict != MARIA_FAILED) {
		return error_set(error, ERROR_OVERLOADED, NULL);
	}
	transaction->conn->failure.number = 0;
	*ret_result = (struct store_result){.rows = 0};
	bool ok = (query_reads(query) ? read_locked : run_query)(transaction, query, body, ret_result,
															 error);
	if (!ok && transaction->verdict == MARIA_FAILED) {
		transaction->verdict = maria_fail(transaction->conn, NULL, SIZE_MAX, NULL);
	}
	return ok;
}

/* What is left to do after a part of the companion; fills in the outcome. */
static bool go_on(const struct maria_transaction *transaction, enum companion_verdict verdict,
				  struct store_result *result, bool *ret_ok, bool *ret_undo)
{
	/* It may have lived with an error, but the transaction has not. */
	bool gone = transaction->verdict != MARIA_FAILED;
	*ret_ok = verdict != COMPANION_FAIL && !gone;
	*ret_undo = verdict == COMPANION_FAIL || verdict == COMPANION_ROLL_BACK || gone;
	result->answered = verdict == COMPANION_ANSWERED;
	result->rolled_back = verdict == COMPANION_ROLL_BACK;
	return verdict == COMPANION_GO_ON && !gone;
}

/* The request with its companion. *ret_undo: nothing of it is to stay. */
static bool run_request(struct maria_transaction *transaction, struct store_request *request,
						bool *ret_undo)
{
	struct store_companion *companion = request->companion;
	struct store_transaction *base = (struct store_transaction *)transaction;
	struct store_result *result = &request->result;
	struct error *error = &request->error;
	bool ok = true;
	*ret_undo = false;
	if (companion != NULL && companion->before != NULL &&
		!go_on(transaction, companion->before(companion, base, error), result, &ok, ret_undo)) {
		return ok;
	}
	if (!run_query(transaction, request->query, request->body, result, error)) {
		*ret_undo = true;
		return false;
	}
	if (companion != NULL && companion->after != NULL) {
		(void)go_on(transaction, companion->after(companion, base, result, error), result, &ok,
					ret_undo);
	}
	return ok;
}

/* ---- one attempt ---- */

/* Is it one statement, whose rows are not asked for or known? */
static bool is_alone(const struct maria_session *session, const struct store_request *request)
{
	const struct query *query = request->query;
	if (request->companion != NULL || query->batches != NULL ||
		(query->column_count > 0 && !maria_knows_answer(session, query))) {
		return false;
	}
	if (write_inserts(query)) {
		return query->row_count <= 1 &&
			(query->action == QUERY_INSERT || maria_upserts_at_once(session, query));
	}
	return maria_changes_at_once(query);
}

/* Versions are the last thing that every transaction writes. */
static bool commit(struct maria_transaction *transaction, struct error *error)
{
	struct maria_conn *conn = transaction->conn;
	if (maria_versions_commit(conn, &transaction->touched, error)) {
		return true;
	}
	/* The server may still hold it open. */
	conn->transaction = conn->state == MARIA_BUSY;
	return false;
}

static bool run_on(struct maria_transaction *transaction, struct store_request *request)
{
	struct maria_conn *conn = transaction->conn;
	bool undo = false;
	if (!conn->session->store->has_versions && is_alone(conn->session, request)) {
		return run_query(transaction, request->query, request->body, &request->result,
						 &request->error);
	}
	bool ok = maria_begin_write(conn, &request->error) && run_request(transaction, request, &undo);
	return ok && (undo || commit(transaction, &request->error));
}

/* What became of an attempt that failed: may it run again? */
static bool judge(struct maria_transaction *transaction, struct store_request *request)
{
	struct maria_conn *conn = transaction->conn;
	enum maria_verdict verdict = transaction->verdict;
	if (verdict == MARIA_FAILED || conn->state == MARIA_BROKEN) {
		verdict = maria_fail(conn, NULL, SIZE_MAX, NULL);
	}
	if (verdict == MARIA_LOST) {
		/* A companion may have put its own in the place of this one. */
		maria_fail(conn, NULL, SIZE_MAX, &request->error);
		if (conn->timed_out || conn->sent) {
			return false;
		}
	}
	if (verdict == MARIA_FAILED || !transaction->taken) {
		return verdict != MARIA_FAILED;
	}
	error_set(&request->error, ERROR_OVERLOADED, "The write met others; nothing was written");
	return error_hint(&request->error, "send it again");
}

/* Runs the request once. *ret_again: it failed, and may run again. */
static bool attempt(struct maria_session *session, struct store_request *request, bool *ret_again)
{
	*ret_again = false;
	struct maria_conn *conn = maria_take(session, request->expires_ms, &request->error);
	if (conn == NULL) {
		return false;
	}
	struct maria_transaction transaction = {
		.base = {session->base.ops}, .conn = conn, .verdict = MARIA_FAILED};
	conn->failure.number = 0;
	bool ok = run_on(&transaction, request);
	*ret_again = !ok && judge(&transaction, request);
	maria_rollback(conn);
	maria_give(conn);
	maria_counters_finish(&transaction.touched);
	return ok;
}

/* ---- pauses ---- */

struct pause {
	uv_timer_t timer;
	struct fiber *fiber;
};

static void on_pause_closed(uv_handle_t *handle)
{
	struct pause *pause = handle->data;
	free(pause);
}

static void on_pause_over(uv_timer_t *timer)
{
	struct pause *pause = timer->data;
	struct fiber *fiber = pause->fiber;
	uv_close((uv_handle_t *)timer, on_pause_closed);
	fiber_resume(fiber);
}

static void wait_ms(struct maria_session *session, uint64_t ms)
{
	struct pause *pause = alloc_zeroed(1, sizeof(*pause));
	pause->fiber = session->fiber_pool.current;
	pause->timer.data = pause;
	uv_timer_init(loop_uv(session->loop), &pause->timer);
	uv_timer_start(&pause->timer, on_pause_over, ms, 0);
	fiber_suspend(pause->fiber);
}

/* Before attempt number `tries`, from 1. False: there is no time left. */
static bool pause_before(struct maria_session *session, const struct store_request *request,
						 unsigned tries)
{
	uint64_t most_ms = (uint64_t)PAUSE_MS << (tries < 8 ? tries : 8);
	uint64_t random = 0;
	random_bytes(&random, sizeof(random));
	most_ms = most_ms < PAUSE_MOST_MS ? most_ms : PAUSE_MOST_MS;
	uint64_t pause_ms = 1 + random % most_ms;
	if (loop_now_ms(session->loop) + pause_ms >= request->expires_ms) {
		return false;
	}
	wait_ms(session, pause_ms);
	return true;
}

/* ---- a request ---- */

static void write_main(void *context)
{
	struct store_request *request = context;
	struct maria_session *session = (struct maria_session *)request->session;
	bool again = false;
	bool ok = attempt(session, request, &again);
	for (unsigned tries = 1; again; tries++) {
		if (!pause_before(session, request, tries)) {
			error_set(&request->error, ERROR_DEADLINE_NOT_WRITTEN, NULL);
			break;
		}
		if (request->body != NULL) {
			buf_clear(request->body);
		}
		request->result = (struct store_result){.rows = 0};
		atomic_fetch_add(&session->retries, 1);
		ok = attempt(session, request, &again);
	}
	atomic_fetch_add(ok ? &session->writes : &session->writes_failed, 1);
	maria_done(session, request, ok);
}

void maria_write_run(struct maria_session *session, struct store_request *request)
{
	fiber_start(&session->fiber_pool, write_main, request);
}
