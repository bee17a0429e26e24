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
#include <time.h>

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
	pthread_mutex_lock(&writer->mutex);
	writer->stats.checkpoints++;
	pthread_mutex_unlock(&writer->mutex);
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

static void count_group(struct sqlite_writer *writer, const struct store_request *first,
						size_t count)
{
	size_t size = 0;
	while (size < 7 && (size_t)2 << size <= count) {
		size++;
	}
	uint64_t failed = 0;
	for (size_t i = 0; i < count; i++, first = first->next) {
		failed += first->error.code != ERROR_NONE;
	}
	pthread_mutex_lock(&writer->mutex);
	writer->stats.groups++;
	writer->stats.group_sizes[size]++;
	writer->stats.writes += count - failed;
	writer->stats.writes_failed += failed;
	writer->stats.wal_bytes = writer->wal_pages * writer->page_bytes;
	pthread_mutex_unlock(&writer->mutex);
}

/* Hands the first `count` to their loops, with one wake-up a loop. Returns what follows them. */
static struct store_request *answer(struct store_request *first, size_t count)
{
	struct sqlite_session *sessions = NULL;
	struct store_request *request = first;
	for (size_t i = 0; i < count; i++) {
		struct store_request *next = request->next;
		struct sqlite_session *session = (struct sqlite_session *)request->session;
		if (session->batch == NULL) {
			session->batch_oldest = request;
			session->batch_next = sessions;
			sessions = session;
		}
		request->next = session->batch;
		session->batch = request;
		request = next;
	}
	while (sessions != NULL) {
		struct sqlite_session *session = sessions;
		sessions = session->batch_next;
		struct store_request *newest = session->batch;
		struct store_request *oldest = session->batch_oldest;
		session->batch = NULL;
		struct store_request *before = atomic_load(&session->answered);
		do {
			oldest->next = before;
		} while (!atomic_compare_exchange_weak(&session->answered, &before, newest));
		/* The session takes all that is there, so only the first needs to call it. After that it
		 * may be gone. */
		if (before == NULL) {
			loop_post(session->loop, &session->answer_task);
		}
	}
	return request;
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
		count_group(writer, first, taken);
		first = answer(first, taken);
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
	pthread_mutex_lock(&writer->mutex);
	bool wanted = writer->first != NULL || writer->stopping;
	pthread_mutex_unlock(&writer->mutex);
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

/* ---- the queue ---- */

/* Cuts a group off the queue; with the mutex held. */
static struct store_request *cut_group(struct sqlite_writer *writer, size_t *ret_count)
{
	struct store_request *first = writer->first;
	struct store_request *last = first;
	size_t count = 1;
	while (last->next != NULL && count < writer->store->limits.group_writes &&
		   !sqlite_is_bulk(first->query) && !sqlite_is_bulk(last->next->query)) {
		last = last->next;
		count++;
	}
	writer->first = last->next;
	if (writer->first == NULL) {
		writer->last = &writer->first;
	}
	last->next = NULL;
	writer->queued -= count;
	*ret_count = count;
	return first;
}

/* With the mutex held: sleeps until there is something to do. False: it has been idle. */
static bool wait_for_work(struct sqlite_writer *writer)
{
	bool woken = true;
	writer->sleeping = true;
	if (writer->new_pages == 0 && !writer->behind) {
		pthread_cond_wait(&writer->wake, &writer->mutex);
	} else {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += IDLE_MS / 1000;
		woken = pthread_cond_timedwait(&writer->wake, &writer->mutex, &until) == 0;
	}
	writer->sleeping = false;
	return woken;
}

static void *writer_main(void *context)
{
	struct sqlite_writer *writer = context;
	pthread_mutex_lock(&writer->mutex);
	while (writer->first != NULL || !writer->stopping) {
		if (writer->first != NULL) {
			size_t count;
			struct store_request *first = cut_group(writer, &count);
			pthread_mutex_unlock(&writer->mutex);
			uint64_t begin_ns = uv_hrtime();
			run_queue(writer, first, count);
			writer->behind_marks = sqlite_search_is_behind(writer->store->search);
			if (writer->behind_marks) {
				uint64_t ns = uv_hrtime() - begin_ns;
				run_index_work(writer, sqlite_search_move, ns < TURN_NS ? ns : TURN_NS);
			}
			pthread_mutex_lock(&writer->mutex);
		} else if (writer->behind_marks || writer->unmerged) {
			pthread_mutex_unlock(&writer->mutex);
			run_index_work(writer, writer->behind_marks ? sqlite_search_move : sqlite_search_merge,
						   0);
			pthread_mutex_lock(&writer->mutex);
		} else if (!wait_for_work(writer) && writer->first == NULL) {
			pthread_mutex_unlock(&writer->mutex);
			checkpoint(writer);
			pthread_mutex_lock(&writer->mutex);
		}
	}
	pthread_mutex_unlock(&writer->mutex);
	return NULL;
}

void sqlite_writer_submit(struct sqlite_store *store, struct store_request *request)
{
	struct sqlite_writer *writer = &store->writer;
	struct sqlite_session *session = (struct sqlite_session *)request->session;
	uint64_t time_ms = sqlite_is_bulk(request->query) ? store->limits.bulk_ms
													  : store->limits.write_ms;
	request->expires_ms = request->deadline_ms > 0 ? request->deadline_ms
												   : loop_now_ms(session->loop) + time_ms;
	pthread_mutex_lock(&writer->mutex);
	assert(!writer->stopping);
	if (!writer->started) {
		writer->started = sqlite_thread_start(&writer->thread, writer_main, writer);
	}
	bool room = writer->started && writer->queued < store->limits.write_queue;
	if (room) {
		*writer->last = request;
		writer->last = &request->next;
		writer->queued++;
		if (writer->sleeping) {
			writer->sleeping = false;
			pthread_cond_signal(&writer->wake);
		}
	}
	pthread_mutex_unlock(&writer->mutex);
	if (!room) {
		error_set(&request->error, ERROR_OVERLOADED, "Too many writes are waiting");
		sqlite_done(request, false);
	}
}

void sqlite_writer_init(struct sqlite_writer *writer, struct sqlite_store *store)
{
	writer->store = store;
	writer->last = &writer->first;
	writer->expires_ms = UINT64_MAX;
	pthread_mutex_init(&writer->mutex, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	sqlite3_wal_hook(writer->conn.db, on_wal, writer);
	sqlite3_progress_handler(writer->conn.db, TICK_OPS, on_progress, writer);
	writer->behind_marks = sqlite_search_is_behind(store->search);
	writer->unmerged = sqlite_search_is_unmerged(store->search);
	writer->started = (writer->behind_marks || writer->unmerged) &&
		sqlite_thread_start(&writer->thread, writer_main, writer);
}

void sqlite_writer_finish(struct sqlite_writer *writer)
{
	pthread_mutex_lock(&writer->mutex);
	writer->stopping = true;
	pthread_cond_signal(&writer->wake);
	bool started = writer->started;
	pthread_mutex_unlock(&writer->mutex);
	if (started) {
		pthread_join(writer->thread, NULL);
		struct error error;
		if (!sqlite_writer_settle(writer, &error)) {
			/* What is acknowledged is in the WAL: the next start recovers it. */
			check_final(writer, PHASE_CHECKPOINT);
		}
	}
	pthread_cond_destroy(&writer->wake);
	pthread_mutex_destroy(&writer->mutex);
}

void sqlite_writer_stats(struct sqlite_writer *writer, struct store_stats *ret_stats)
{
	pthread_mutex_lock(&writer->mutex);
	*ret_stats = writer->stats;
	ret_stats->write_queue = writer->queued;
	pthread_mutex_unlock(&writer->mutex);
}
