/*
 * DESIGN. A worker thread runs one read after another on a connection of its own. Output gathers
 * in work->rows; an answer that ends below limits->inline_read_bytes is handed over whole, a larger
 * one goes to the loop in parts. Parts stand in a ring of PARTS_MAX buffers: the worker waits
 * when all are full, the loop when the caller wants no more.
 *
 * Who frees a work: the loop, when the worker has said `finished`, all parts are delivered and no
 * task of this work is posted. The worker does not touch it after `finished`, but for posting that
 * very task.
 *
 * A stream holds a snapshot, and so keeps the writer from beginning the WAL anew. When the WAL
 * grows too large the writer cuts the oldest stream: it ends with an error.
 */
#include "store/sqlite_priv.h"

#include <assert.h>

#include "base/alloc.h"

enum { TICK_OPS = 1000 };

struct sqlite_work {
	struct task task;
	struct store_request *request;
	struct loop *loop;
	struct sqlite_work *next; /* under workers->mutex, while it is queued */
	uint64_t deadline_ms;     /* until the first row */
	struct buf rows;          /* the worker's: what is not handed over yet */
	uint64_t inline_bytes;    /* limits->inline_read_bytes */
	bool first_row;           /* the worker's */
	bool streaming;           /* the worker's */
	bool paused;              /* the loop's: the caller wants no more */
	bool delivering;          /* the loop's: inside the caller's part() */
	_Atomic bool stop;        /* cancelled or cut */

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t room;
	struct buf parts[PARTS_MAX];
	size_t first_part;
	size_t part_count;
	bool posted;   /* the task is on its way to the loop */
	bool finished; /* the outcome is in request->result and error */
	bool failed;
	bool cut;
};

/* ---- the loop's side ---- */

static void destroy_work(struct sqlite_work *work)
{
	for (size_t i = 0; i < PARTS_MAX; i++) {
		buf_finish(&work->parts[i]);
	}
	buf_finish(&work->rows);
	pthread_cond_destroy(&work->room);
	pthread_mutex_destroy(&work->mutex);
	free(work);
}

/* An answer that turned out small. */
static void take_rows(struct sqlite_work *work)
{
	struct store_request *request = work->request;
	if (work->rows.len > request->body->max_bytes) {
		work->failed = true;
		error_set(&request->error, ERROR_OVERLOADED, "The answer is too large");
		error_hint(&request->error, "ask for less: limit, offset, select");
		return;
	}
	size_t max_bytes = request->body->max_bytes;
	buf_finish(request->body);
	*request->body = work->rows;
	request->body->max_bytes = max_bytes;
	buf_init(&work->rows, 0);
}

static void finish(struct sqlite_work *work)
{
	struct store_request *request = work->request;
	if (!work->failed && !request->result.streamed) {
		take_rows(work);
	}
	bool ok = !work->failed;
	destroy_work(work);
	sqlite_done(request, ok);
}

static void deliver(struct sqlite_work *work)
{
	struct store_request *request = work->request;
	work->delivering = true;
	pthread_mutex_lock(&work->mutex);
	/* What is left of a stream that was stopped is dropped. */
	while (work->part_count > 0 && (!work->paused || atomic_load(&work->stop))) {
		struct buf *part = &work->parts[work->first_part];
		pthread_mutex_unlock(&work->mutex);
		if (!atomic_load(&work->stop)) {
			work->paused = !request->part(request, buf_str(part));
		}
		pthread_mutex_lock(&work->mutex);
		buf_clear(part);
		work->first_part = (work->first_part + 1) % PARTS_MAX;
		work->part_count--;
		pthread_cond_signal(&work->room);
	}
	bool over = work->finished && work->part_count == 0 && !work->posted;
	pthread_mutex_unlock(&work->mutex);
	work->delivering = false;
	if (over) {
		finish(work);
	}
}

static void on_task(struct task *task)
{
	struct sqlite_work *work = (struct sqlite_work *)(void *)((char *)task -
															  offsetof(struct sqlite_work, task));
	pthread_mutex_lock(&work->mutex);
	work->posted = false;
	pthread_mutex_unlock(&work->mutex);
	deliver(work);
}

void sqlite_work_resume(struct store_request *request)
{
	struct sqlite_work *work = request->work;
	if (work == NULL || work->delivering) {
		return;
	}
	work->paused = false;
	pthread_mutex_lock(&work->mutex);
	bool posted = work->posted;
	pthread_mutex_unlock(&work->mutex);
	if (!posted) {
		deliver(work);
	}
}

void sqlite_work_cancel(struct store_request *request)
{
	struct sqlite_work *work = request->work;
	if (work == NULL) {
		return;
	}
	pthread_mutex_lock(&work->mutex);
	atomic_store(&work->stop, true);
	pthread_cond_signal(&work->room);
	pthread_mutex_unlock(&work->mutex);
	sqlite_work_resume(request);
}

/* ---- the worker's side ---- */

static int on_progress(void *context)
{
	struct sqlite_worker *worker = context;
	const struct sqlite_work *work = worker->running;
	if (work == NULL) {
		return 0;
	}
	return atomic_load_explicit(&work->stop, memory_order_relaxed) ||
		(!work->first_row && uv_hrtime() / 1000000 > work->deadline_ms);
}

/* Wakes the loop unless it is awake for this work already; unlocks. */
static void post_and_unlock(struct sqlite_work *work)
{
	bool post = !work->posted;
	work->posted = true;
	struct loop *loop = work->loop;
	pthread_mutex_unlock(&work->mutex);
	if (post) {
		loop_post(loop, &work->task);
	}
}

/* Hands what has gathered to the loop, when there is room. False: the stream ends here. */
static bool push_part(struct sqlite_work *work)
{
	pthread_mutex_lock(&work->mutex);
	while (work->part_count == PARTS_MAX && !atomic_load(&work->stop)) {
		pthread_cond_wait(&work->room, &work->mutex);
	}
	if (atomic_load(&work->stop)) {
		pthread_mutex_unlock(&work->mutex);
		return false;
	}
	size_t number = (work->first_part + work->part_count) % PARTS_MAX;
	struct buf empty = work->parts[number];
	work->parts[number] = work->rows;
	work->rows = empty;
	work->part_count++;
	post_and_unlock(work);
	return true;
}

static bool fail_cut(struct error *error)
{
	error_set(error, ERROR_OVERLOADED, "The answer was cut: it was taken too slowly");
	return error_details(error, "writes could not wait for it any longer");
}

static bool fail_stopped(struct sqlite_work *work, struct error *error)
{
	pthread_mutex_lock(&work->mutex);
	bool cut = work->cut;
	pthread_mutex_unlock(&work->mutex);
	return cut ? fail_cut(error) : error_set(error, ERROR_OVERLOADED, "The request was given up");
}

/* The last row or the number of rows decides about such an answer: it is handed over whole. */
static bool is_whole(const struct store_request *request)
{
	return request->part == NULL || request->query->action == QUERY_GET ||
		request->query->format == FORMAT_OBJECT || request->query->cursor_count > 0;
}

/* After each row, also of embeds: hands on what has gathered. */
static bool gather(void *context)
{
	struct sqlite_work *work = context;
	const struct store_request *request = work->request;
	struct error *error = &work->request->error;
	work->first_row = true;
	if (work->rows.failed) {
		error_set(error, ERROR_OVERLOADED, "The answer is too large");
		return error_hint(error, "ask for less: limit, offset, select");
	}
	if (is_whole(request)) {
		return true;
	}
	if (work->rows.len > work->inline_bytes) {
		work->streaming = true;
	}
	if (work->streaming && work->rows.len >= PART_BYTES && !push_part(work)) {
		return fail_stopped(work, error);
	}
	return true;
}

static bool fail_step(struct sqlite_work *work, struct sqlite_read *read, struct error *error)
{
	if (atomic_load(&work->stop)) {
		return fail_stopped(work, error);
	}
	sqlite_read_fail(read, error);
	if (error->code == ERROR_DEADLINE_NOT_WRITTEN) {
		error_set(error, ERROR_DEADLINE_NOT_WRITTEN, "Out of time; the query took too long");
	}
	return false;
}

static bool read_rows(struct sqlite_work *work, struct sqlite_read *read, struct error *error)
{
	struct store_request *request = work->request;
	read->source.between = gather;
	read->source.context = work;
	rows_begin(&read->rows, read->query, &read->source.base, &work->rows);
	read->rows.cursor = request->cursor;
	int rc = sqlite_read_step(read);
	while (rc == SQLITE_ROW) {
		if (!gather(work)) {
			return false;
		}
		rc = read->query->action == QUERY_GET ? SQLITE_DONE : sqlite_read_step(read);
	}
	if (rc != SQLITE_DONE) {
		return fail_step(work, read, error);
	}
	if (!sqlite_read_finish(read, &request->result, error)) {
		return false;
	}
	if (work->streaming) {
		request->result.streamed = true;
		return push_part(work) || fail_stopped(work, error);
	}
	return true;
}

static bool run_work(struct sqlite_worker *worker, struct sqlite_work *work)
{
	struct store_request *request = work->request;
	struct error *error = &request->error;
	if (atomic_load(&work->stop)) {
		return fail_stopped(work, error);
	}
	if (worker->conn.db == NULL &&
		!sqlite_conn_open(&worker->conn, worker->store, ROLE_READER, error)) {
		sqlite_conn_close(&worker->conn);
		return false;
	}
	sqlite3_progress_handler(worker->conn.db, TICK_OPS, on_progress, worker);
	if (uv_hrtime() / 1000000 > work->deadline_ms) {
		return error_set(error, ERROR_DEADLINE_NOT_WRITTEN, "Out of time; the query did not begin");
	}
	struct sqlite_read read;
	sqlite_read_version(worker->store, request);
	sqlite_read_init(&read, &worker->conn, request->query, &worker->store->limits, error);
	/* The total comes first: it is known before the first part is handed out. */
	bool ok = sqlite_read_begin(&read, error) &&
		(!request->query->total || sqlite_read_count(&read, &request->result.total, error)) &&
		sqlite_read_select(&read, error) && read_rows(work, &read, error);
	sqlite_read_end(&read);
	assert(worker->conn.open == 0);
	return ok;
}

/* The next work, or NULL at the end. */
static struct sqlite_work *next_work(struct sqlite_workers *workers, struct sqlite_worker *worker)
{
	pthread_mutex_lock(&workers->mutex);
	worker->current = NULL;
	worker->began = 0;
	workers->idle++;
	while (workers->first == NULL && !workers->stopping) {
		pthread_cond_wait(&workers->wake, &workers->mutex);
	}
	workers->idle--;
	struct sqlite_work *work = workers->first;
	if (work != NULL) {
		workers->first = work->next;
		if (workers->first == NULL) {
			workers->last = &workers->first;
		}
		workers->queued--;
		workers->reads++;
		worker->current = work;
		worker->began = ++workers->snapshots;
	}
	pthread_mutex_unlock(&workers->mutex);
	return work;
}

static void *worker_main(void *context)
{
	struct sqlite_worker *worker = context;
	struct sqlite_workers *workers = &worker->store->workers;
	struct sqlite_work *work;
	while ((work = next_work(workers, worker)) != NULL) {
		worker->running = work;
		bool ok = run_work(worker, work);
		worker->running = NULL;
		/* Nobody may cut it any more: from here on it can go at any time. */
		pthread_mutex_lock(&workers->mutex);
		worker->current = NULL;
		worker->began = 0;
		pthread_mutex_unlock(&workers->mutex);
		pthread_mutex_lock(&work->mutex);
		/* What was cut after its last row may have lost parts that the loop had not taken yet. */
		bool lost = ok && work->cut;
		work->failed = !ok || lost;
		if (lost) {
			fail_cut(&work->request->error);
		}
		work->finished = true;
		post_and_unlock(work);
	}
	sqlite_conn_close(&worker->conn);
	return NULL;
}

/* ---- the pool ---- */

void sqlite_workers_init(struct sqlite_workers *workers, struct sqlite_store *store)
{
	*workers = (struct sqlite_workers){.started = 0};
	workers->last = &workers->first;
	workers->workers = alloc_zeroed(store->limits.workers, sizeof(*workers->workers));
	for (size_t i = 0; i < store->limits.workers; i++) {
		workers->workers[i].store = store;
	}
	pthread_mutex_init(&workers->mutex, NULL);
	pthread_cond_init(&workers->wake, NULL);
}

void sqlite_workers_finish(struct sqlite_workers *workers)
{
	pthread_mutex_lock(&workers->mutex);
	assert(workers->first == NULL);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->wake);
	pthread_mutex_unlock(&workers->mutex);
	for (size_t i = 0; i < workers->started; i++) {
		pthread_join(workers->workers[i].thread, NULL);
	}
	pthread_cond_destroy(&workers->wake);
	pthread_mutex_destroy(&workers->mutex);
	free(workers->workers);
}

/* With the mutex held. False when there is no thread at all to do the work. */
static bool start_worker(struct sqlite_workers *workers, const struct limits *limits)
{
	if (workers->idle > workers->queued || workers->started == limits->workers) {
		return true;
	}
	struct sqlite_worker *worker = &workers->workers[workers->started];
	workers->started += sqlite_thread_start(&worker->thread, worker_main, worker);
	return workers->started > 0;
}

static bool enqueue(struct sqlite_store *store, struct sqlite_work *work)
{
	struct sqlite_workers *workers = &store->workers;
	pthread_mutex_lock(&workers->mutex);
	assert(!workers->stopping);
	bool room = workers->queued < store->limits.read_queue && start_worker(workers, &store->limits);
	if (room) {
		*workers->last = work;
		workers->last = &work->next;
		workers->queued++;
		pthread_cond_signal(&workers->wake);
	} else {
		workers->refused++;
	}
	pthread_mutex_unlock(&workers->mutex);
	return room;
}

void sqlite_workers_submit(struct sqlite_store *store, struct store_request *request)
{
	struct sqlite_session *session = (struct sqlite_session *)request->session;
	struct sqlite_work *work = alloc_zeroed(1, sizeof(*work));
	work->task.run = on_task;
	work->request = request;
	work->loop = session->loop;
	work->deadline_ms = request->deadline_ms > 0
		? request->deadline_ms
		: loop_now_ms(session->loop) + store->limits.read_ms;
	pthread_mutex_init(&work->mutex, NULL);
	pthread_cond_init(&work->room, NULL);
	work->inline_bytes = store->limits.inline_read_bytes;
	buf_init(&work->rows, store->limits.memory_bytes);
	for (size_t i = 0; i < PARTS_MAX; i++) {
		buf_init(&work->parts[i], store->limits.memory_bytes);
	}
	request->work = work;
	if (!enqueue(store, work)) {
		destroy_work(work);
		error_set(&request->error, ERROR_OVERLOADED, "Too many slow queries are waiting");
		sqlite_done(request, false);
	}
}

void sqlite_workers_cut(struct sqlite_workers *workers)
{
	pthread_mutex_lock(&workers->mutex);
	struct sqlite_worker *oldest = NULL;
	for (size_t i = 0; i < workers->started; i++) {
		struct sqlite_worker *worker = &workers->workers[i];
		if (worker->current != NULL && (oldest == NULL || worker->began < oldest->began)) {
			oldest = worker;
		}
	}
	if (oldest != NULL) {
		/* Cutting it again changes nothing, until it has let go of its snapshot. */
		struct sqlite_work *work = oldest->current;
		pthread_mutex_lock(&work->mutex);
		work->cut = true;
		atomic_store(&work->stop, true);
		pthread_cond_signal(&work->room);
		pthread_mutex_unlock(&work->mutex);
	}
	pthread_mutex_unlock(&workers->mutex);
}

void sqlite_workers_stats(struct sqlite_workers *workers, struct store_stats *stats)
{
	pthread_mutex_lock(&workers->mutex);
	stats->reads_worker = workers->reads;
	stats->reads_refused = workers->refused;
	stats->read_queue = workers->queued;
	pthread_mutex_unlock(&workers->mutex);
}
