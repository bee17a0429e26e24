/*
 * DESIGN. Group commit. All sessions queue their writes here; the one writer thread drains the
 * queue into a transaction, runs each request so that a refused one leaves no trace, commits once
 * (one sync for all), and only then answers all of them. While a sync is under way the next group
 * gathers, so the slower the disk, the larger the groups.
 *
 * A failure that ends the whole transaction (out of time, disk full, an I/O error) takes innocent
 * requests with it: the others run again, one transaction each.
 *
 * Between groups, and while nobody writes, it moves the marks of indexes for substrings (see
 * sqlite_search.c). That gives way to a write that comes, and takes at most half of the time when
 * there are always some.
 *
 * The writer is also the only one that checkpoints: every CHECKPOINT_PAGES, between two
 * groups, and once it has been idle for a while. A checkpoint never waits for readers; streams that
 * keep the WAL from beginning anew are cut when it grows past limits->wal_bytes.
 *
 * An error of a sync is final. The kernel may have dropped the pages that it could not write, and
 * a later sync would not say so again; nothing may be acknowledged after it.
 */
#include "store/sqlite_priv.h"

#include <assert.h>

enum {
	TICK_OPS = 1000,
	GROUP_MS = 50, /* a group that takes longer is committed before all of it has run */
	IDLE_MS = 1000,
	BEGIN_MS = 5000,    /* for the lock to write */
	TURN_NS = 10000000, /* for indexes while writes wait; never longer than the group before took */
	MOVE_NS = 100000000, /* and while none does */
};

static uint64_t now_ms(void)
{
	return uv_hrtime() / 1000000;
}

static int on_progress(void *context)
{
	const struct sqlite_writer *writer = context;
	return writer->expires_ms != UINT64_MAX && now_ms() > writer->expires_ms;
}

/* After each commit: `pages` are in the WAL. */
static int on_wal(void *context, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	struct sqlite_writer *writer = context;
	uint64_t before = writer->wal_pages;
	writer->wal_pages = (uint64_t)pages;
	if (writer->wal_pages > before) {
		writer->new_pages += writer->wal_pages - before;
		/* Right after a checkpoint it would have begun anew, were there no old snapshot. */
		writer->held = writer->held || writer->settled;
	} else {
		writer->new_pages += writer->wal_pages;
		writer->held = false;
	}
	writer->settled = false;
	return SQLITE_OK;
}

/* Ends the program when the last failure was final. */
static void check_final(struct sqlite_writer *writer, enum sqlite_phase phase)
{
	static const char *const phases[] = {
		[PHASE_RUN] = "a write",
		[PHASE_COMMIT] = "a commit",
		[PHASE_CHECKPOINT] = "a checkpoint",
	};
	const struct sqlite_conn *conn = &writer->conn;
	if (!sqlite_is_final(conn, phase)) {
		return;
	}
	struct sqlite_store *store = writer->store;
	struct error error;
	error_set(&error, ERROR_STORE, "%s of %s failed: %s", phases[phase], store->path,
			  sqlite3_errstr(sqlite3_extended_errcode(conn->db)));
	error_details(&error, "what was acknowledged is safe; what was not may or may not be there");
	error_hint(&error, "check the disk, then start again: the database recovers by itself");
	store->fatal(store->context, &error);
	abort();
}

/* ---- checkpoints ---- */

static void checkpoint(struct sqlite_writer *writer)
{
	int log = -1;
	int settled = -1;
	sqlite3 *db = writer->conn.db;
	int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &settled);
	if (rc != SQLITE_OK && rc != SQLITE_BUSY) {
		check_final(writer, PHASE_CHECKPOINT);
		/* A full disk: the WAL keeps what could not be copied, and the next one tries again. */
	}
	writer->behind = rc != SQLITE_OK || settled < log;
	writer->settled = true;
	writer->new_pages = 0;
	if (writer->held && writer->wal_pages * writer->page_bytes > writer->store->limits.wal_bytes) {
		sqlite_workers_cut(&writer->store->workers);
	}
	pthread_mutex_lock(&writer->queue.mutex);
	writer->checkpoints++;
	pthread_mutex_unlock(&writer->queue.mutex);
}

bool sqlite_writer_settle(struct sqlite_writer *writer, struct error *error)
{
	int log = -1;
	int settled = -1;
	sqlite3 *db = writer->conn.db;
	int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &log, &settled);
	writer->wal_pages = 0;
	writer->new_pages = 0;
	if (rc == SQLITE_OK && settled < 0) {
		return error_set(error, ERROR_STORE, "the database has no write-ahead log");
	}
	return rc == SQLITE_OK || sqlite_fail(&writer->conn, error);
}

/* ---- one group ---- */

static void begin_request(struct sqlite_writer *writer, struct store_request *request)
{
	request->error.code = ERROR_NONE;
	request->result = (struct store_result){.rows = 0};
	if (request->body != NULL) {
		buf_clear(request->body);
	}
	writer->expires_ms = request->expires_ms;
}

/* False: the whole transaction has ended. */
static bool run_request(struct sqlite_writer *writer, struct store_request *request, uint64_t now)
{
	struct sqlite_conn *conn = &writer->conn;
	begin_request(writer, request);
	if (now > request->expires_ms) {
		error_set(&request->error, ERROR_DEADLINE_NOT_WRITTEN, NULL);
		return true;
	}
	bool ok = sqlite_write(conn, writer->store, request);
	assert(conn->open == 0);
	assert(ok == (request->error.code == ERROR_NONE));
	/* What BEGIN, COMMIT and checkpoints take is not the request's. */
	writer->expires_ms = UINT64_MAX;
	if (!ok && request->body != NULL) {
		buf_clear(request->body);
	}
	return !sqlite3_get_autocommit(conn->db);
}

/* All of a transaction that failed as a whole, beginning with `first`, `count` of them. */
static void fail_all(struct sqlite_writer *writer, struct store_request *first, size_t count)
{
	struct error error;
	sqlite_fail(&writer->conn, &error);
	struct store_request *request = first;
	for (size_t i = 0; i < count; i++, request = request->next) {
		request->error = error;
		if (request->body != NULL) {
			buf_clear(request->body);
		}
	}
}

/* A reader that meets the log's header in the middle of its change takes the lock to write for a
 * moment, to look at it in peace. Only this waits: a checkpoint must not wait for readers. */
static int begin_transaction(struct sqlite_conn *conn)
{
	sqlite3_busy_timeout(conn->db, BEGIN_MS);
	int rc = sqlite_conn_run(conn, STR("BEGIN IMMEDIATE"));
	sqlite3_busy_timeout(conn->db, 0);
	return rc;
}

static void roll_back(struct sqlite_conn *conn)
{
	if (!sqlite3_get_autocommit(conn->db)) {
		sqlite_conn_run(conn, STR("ROLLBACK"));
	}
}

/* Runs up to `count` requests in one transaction. Returns how many it took; *ret_settled is false
 * when the transaction failed as a whole: then nothing of it is written. */
static size_t run_transaction(struct sqlite_writer *writer, struct store_request *first,
							  size_t count, bool *ret_settled)
{
	struct sqlite_conn *conn = &writer->conn;
	struct sqlite_search *search = writer->store->search;
	*ret_settled = false;
	if (begin_transaction(conn) != SQLITE_OK || !sqlite_search_begin_group(search, conn)) {
		check_final(writer, PHASE_RUN);
		fail_all(writer, first, count);
		roll_back(conn);
		return count;
	}
	uint64_t begin = now_ms();
	size_t taken = 0;
	struct store_request *request = first;
	while (taken < count) {
		uint64_t now = now_ms();
		if (taken > 0 && now - begin > GROUP_MS) {
			break;
		}
		taken++;
		if (!run_request(writer, request, now)) {
			check_final(writer, PHASE_RUN);
			return taken;
		}
		request = request->next;
	}
	bool ok = sqlite_search_end_group(search, conn);
	/* Nobody may take what was read before for what is read after, from here on. */
	sqlite_versions_begin(&writer->store->versions);
	ok = ok && sqlite_conn_run(conn, STR("COMMIT")) == SQLITE_OK;
	if (!ok) {
		check_final(writer, PHASE_COMMIT);
		fail_all(writer, first, taken);
		roll_back(conn);
	}
	sqlite_versions_end(&writer->store->versions);
	*ret_settled = ok;
	return taken;
}

/* After a transaction of several that failed as a whole: each by itself. One that ran out of time
 * has had its turn. */
static void run_alone(struct sqlite_writer *writer, struct store_request *first, size_t count)
{
	struct store_request *request = first;
	for (size_t i = 0; i < count; i++, request = request->next) {
		if (request->error.code != ERROR_DEADLINE_NOT_WRITTEN) {
			bool settled;
			run_transaction(writer, request, 1, &settled);
		}
	}
}

static void checkpoint_in_time(struct sqlite_writer *writer)
{
	if (writer->new_pages >= CHECKPOINT_PAGES ||
		writer->new_pages * writer->page_bytes > writer->store->limits.wal_bytes / 2) {
		checkpoint(writer);
	}
}

static void run_queue(struct sqlite_writer *writer, struct store_request *first, size_t count)
{
	while (count > 0) {
		bool settled;
		size_t taken = run_transaction(writer, first, count, &settled);
		if (!settled && count > 1) {
			/* Also those whose turn had not come: they are in the same boat, and few. */
			taken = count;
			run_alone(writer, first, taken);
		}
		sqlite_queue_count(&writer->queue, first, taken);
		pthread_mutex_lock(&writer->queue.mutex);
		writer->wal_bytes = writer->wal_pages * writer->page_bytes;
		pthread_mutex_unlock(&writer->queue.mutex);
		first = sqlite_queue_answer(first, taken);
		count -= taken;
		checkpoint_in_time(writer);
	}
	assert(first == NULL);
}

/* ---- indexes for substrings ---- */

struct turn {
	struct sqlite_writer *writer;
	uint64_t begin_ns;
	uint64_t least_ns; /* before it gives way */
};

static bool turn_is_over(void *context)
{
	const struct turn *turn = context;
	struct sqlite_writer *writer = turn->writer;
	uint64_t ns = uv_hrtime() - turn->begin_ns;
	if (ns < turn->least_ns) {
		return false;
	}
	pthread_mutex_lock(&writer->queue.mutex);
	bool wanted = writer->queue.first != NULL || writer->queue.stopping;
	pthread_mutex_unlock(&writer->queue.mutex);
	return wanted || ns >= MOVE_NS;
}

typedef bool index_work(struct sqlite_search *search, struct sqlite_conn *conn,
						sqlite_search_stop *stop, void *context);

static void run_index_work(struct sqlite_writer *writer, index_work *work, uint64_t least_ns)
{
	struct sqlite_conn *conn = &writer->conn;
	struct sqlite_search *search = writer->store->search;
	struct turn turn = {writer, uv_hrtime(), least_ns};
	bool touched = writer->store->versions.touched;
	bool ok = begin_transaction(conn) == SQLITE_OK && work(search, conn, turn_is_over, &turn);
	if (!ok) {
		check_final(writer, PHASE_RUN);
	} else if (sqlite_conn_run(conn, STR("COMMIT")) != SQLITE_OK) {
		check_final(writer, PHASE_COMMIT);
		ok = false;
	}
	/* No row has changed. */
	writer->store->versions.touched = touched;
	if (!ok) {
		roll_back(conn);
	}
	/* When the disk is full, the next group's end is soon enough to try again. */
	writer->behind_marks = ok && sqlite_search_is_behind(search);
	writer->unmerged = ok && sqlite_search_is_unmerged(search);
	checkpoint_in_time(writer);
}

/* ---- the thread ---- */

static void *writer_main(void *context)
{
	struct sqlite_writer *writer = context;
	struct sqlite_queue *queue = &writer->queue;
	pthread_mutex_lock(&queue->mutex);
	while (queue->first != NULL || !queue->stopping) {
		if (queue->first != NULL) {
			size_t count;
			struct store_request *first = sqlite_queue_cut(queue, &count);
			pthread_mutex_unlock(&queue->mutex);
			uint64_t begin_ns = uv_hrtime();
			run_queue(writer, first, count);
			writer->behind_marks = sqlite_search_is_behind(writer->store->search);
			if (writer->behind_marks) {
				uint64_t ns = uv_hrtime() - begin_ns;
				run_index_work(writer, sqlite_search_move, ns < TURN_NS ? ns : TURN_NS);
			}
			pthread_mutex_lock(&queue->mutex);
		} else if (writer->behind_marks || writer->unmerged) {
			pthread_mutex_unlock(&queue->mutex);
			run_index_work(writer, writer->behind_marks ? sqlite_search_move : sqlite_search_merge,
						   0);
			pthread_mutex_lock(&queue->mutex);
		} else if (!sqlite_queue_wait(queue,
									  writer->new_pages == 0 && !writer->behind ? 0 : IDLE_MS) &&
				   queue->first == NULL) {
			pthread_mutex_unlock(&queue->mutex);
			checkpoint(writer);
			pthread_mutex_lock(&queue->mutex);
		}
	}
	pthread_mutex_unlock(&queue->mutex);
	return NULL;
}

void sqlite_writer_submit(struct sqlite_store *store, struct store_request *request)
{
	sqlite_queue_submit(&store->writer.queue, request);
}

void sqlite_writer_init(struct sqlite_writer *writer, struct sqlite_store *store)
{
	writer->store = store;
	writer->expires_ms = UINT64_MAX;
	sqlite_queue_init(&writer->queue, &store->limits, writer_main, writer);
	sqlite3_wal_hook(writer->conn.db, on_wal, writer);
	sqlite3_progress_handler(writer->conn.db, TICK_OPS, on_progress, writer);
	writer->behind_marks = sqlite_search_is_behind(store->search);
	writer->unmerged = sqlite_search_is_unmerged(store->search);
	if (writer->behind_marks || writer->unmerged) {
		sqlite_queue_start(&writer->queue);
	}
}

void sqlite_writer_finish(struct sqlite_writer *writer)
{
	struct error error;
	if (sqlite_queue_stop(&writer->queue) && !sqlite_writer_settle(writer, &error)) {
		/* What is acknowledged is in the WAL: the next start recovers it. */
		check_final(writer, PHASE_CHECKPOINT);
	}
	sqlite_queue_finish(&writer->queue);
}

void sqlite_writer_stats(struct sqlite_writer *writer, struct store_stats *ret_stats)
{
	sqlite_queue_stats(&writer->queue, ret_stats);
	pthread_mutex_lock(&writer->queue.mutex);
	ret_stats->checkpoints = writer->checkpoints;
	ret_stats->wal_bytes = writer->wal_bytes;
	pthread_mutex_unlock(&writer->queue.mutex);
}
