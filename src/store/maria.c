#include <assert.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "store/maria_existing.h"
#include "store/maria_versions.h"

enum {
	ARENA_BYTES = 1024,
	BULK_ROWS = 10000, /* more are given the time of a bulk write */
};

/* ---- requests ---- */

static void start(struct maria_session *session, struct store_request *request)
{
	session->fibers++;
	(query_reads(request->query) ? maria_read_run : maria_write_run)(session, request);
}

static struct store_request *pop_queued(struct maria_session *session)
{
	struct store_request *request = session->first_queued;
	session->first_queued = request->next;
	if (session->first_queued == NULL) {
		session->last_queued = NULL;
	}
	session->queued--;
	request->next = NULL;
	return request;
}

/* One that ends at once does not start the next from within itself. */
static void start_queued(struct maria_session *session)
{
	if (session->starting) {
		return;
	}
	session->starting = true;
	while (session->first_queued != NULL &&
		   session->fibers < session->store->limits.database_connections) {
		start(session, pop_queued(session));
	}
	session->starting = false;
}

/* The caller may detach the session in `done`, so it comes last. */
static void end_request(struct store_request *request)
{
	bool ok = request->error.code == ERROR_NONE;
	request->work = NULL;
	request->done(request, &request->result, ok ? NULL : &request->error);
}

static void on_fiber_ended(void *context)
{
	struct store_request *request = context;
	struct maria_session *session = (struct maria_session *)request->session;
	session->fibers--;
	start_queued(session);
	end_request(request);
}

void maria_done(struct maria_session *session, struct store_request *request, bool ok)
{
	if (ok) {
		request->error.code = ERROR_NONE;
	} else if (request->body != NULL) {
		assert(request->error.code != ERROR_NONE);
		buf_clear(request->body);
	}
	fiber_end_with(session->fiber_pool.current, on_fiber_ended, request);
}

static uint64_t expires_ms(const struct maria_session *session, const struct store_request *request)
{
	const struct limits *limits = &session->store->limits;
	if (request->deadline_ms > 0) {
		return request->deadline_ms;
	}
	const struct query *query = request->query;
	bool bulk = query->batches != NULL || query->row_count > BULK_ROWS;
	uint64_t write_ms = bulk ? limits->bulk_ms : limits->write_ms;
	return loop_now_ms(session->loop) + (query_reads(query) ? limits->read_ms : write_ms);
}

static void run(struct store_session *base, struct store_request *request)
{
	struct maria_session *session = (struct maria_session *)base;
	const struct limits *limits = &session->store->limits;
	request->expires_ms = expires_ms(session, request);
	if (session->fibers < limits->database_connections && session->first_queued == NULL) {
		start(session, request);
		return;
	}
	if (session->queued >= limits->database_queue) {
		atomic_fetch_add(&session->reads_refused, query_reads(request->query));
		error_set(&request->error, ERROR_OVERLOADED, NULL);
		end_request(request);
		return;
	}
	if (session->last_queued != NULL) {
		session->last_queued->next = request;
	} else {
		session->first_queued = request;
	}
	session->last_queued = request;
	session->queued++;
}

/* Takes it out of the queue; false when it is not in it. */
static bool unqueue(struct maria_session *session, const struct store_request *wanted)
{
	struct store_request **link = &session->first_queued;
	struct store_request *before = NULL;
	while (*link != NULL && *link != wanted) {
		before = *link;
		link = &(*link)->next;
	}
	if (*link == NULL) {
		return false;
	}
	*link = wanted->next;
	if (session->last_queued == wanted) {
		session->last_queued = before;
	}
	session->queued--;
	return true;
}

static void resume(struct store_session *session, struct store_request *request)
{
	(void)session;
	maria_read_resume(request);
}

static void cancel(struct store_session *base, struct store_request *request)
{
	struct maria_session *session = (struct maria_session *)base;
	if (unqueue(session, request)) {
		error_set(&request->error, ERROR_OVERLOADED, "The request was given up");
		end_request(request);
	} else {
		maria_read_cancel(request);
	}
}

static void expire_queued(struct maria_session *session, uint64_t now_ms)
{
	struct store_request *request = session->first_queued;
	while (request != NULL) {
		struct store_request *next = request->next;
		if (now_ms >= request->expires_ms) {
			unqueue(session, request);
			error_set(&request->error, ERROR_DEADLINE_NOT_WRITTEN,
					  "Out of time; the database was busy with others");
			end_request(request);
			/* `done` may have changed the queue. */
			next = session->first_queued;
		}
		request = next;
	}
}

static void on_tick(struct loop_tick *tick, uint64_t now_ms)
{
	struct maria_session *session =
		(struct maria_session *)(void *)((char *)tick - offsetof(struct maria_session, tick));
	/* It may be detached in what is called here. */
	session->handles++;
	maria_pool_tick(session, now_ms);
	expire_queued(session, now_ms);
	maria_session_release(session);
}

/* ---- sessions ---- */

static void release_store(struct maria_store *store)
{
	if (atomic_fetch_sub(&store->owners, 1) == 1) {
		pthread_mutex_destroy(&store->mutex);
		arena_finish(&store->arena);
		free(store);
	}
}

void maria_session_release(struct maria_session *session)
{
	session->handles--;
	if (session->detached && session->handles == 0) {
		fiber_pool_free(&session->fiber_pool);
		release_store(session->store);
		free(session);
	}
}

static struct store_session *attach(struct store *base, struct loop *loop, struct error *error)
{
	(void)error;
	struct maria_store *store = (struct maria_store *)base;
	struct maria_session *session = alloc_zeroed(1, sizeof(*session));
	session->base.ops = store->base.ops;
	session->store = store;
	session->loop = loop;
	session->tick.tick = on_tick;
	session->handles = 1; /* the caller's */
	loop_on_tick(loop, &session->tick);
	atomic_fetch_add(&store->owners, 1);
	pthread_mutex_lock(&store->mutex);
	session->next = store->sessions;
	store->sessions = session;
	pthread_mutex_unlock(&store->mutex);
	maria_pool_open(session);
	return (struct store_session *)session;
}

/* Connections close while the loop goes on; the last of them frees the session. */
static void detach(struct store_session *base)
{
	struct maria_session *session = (struct maria_session *)base;
	struct maria_store *store = session->store;
	assert(session->fibers == 0 && session->queued == 0 && session->asks.first == NULL);
	pthread_mutex_lock(&store->mutex);
	struct maria_session **link = &store->sessions;
	while (*link != session) {
		link = &(*link)->next;
	}
	*link = session->next;
	maria_add_stats(session, &store->ended);
	pthread_mutex_unlock(&store->mutex);
	loop_off_tick(session->loop, &session->tick);
	maria_pool_close(session);
	session->detached = true;
	maria_session_release(session);
}

/* ---- the store ---- */

static bool open_schema(struct maria_store *store, const struct store_options *options,
						struct error *error)
{
	MYSQL *db = maria_connect(store, NULL, error);
	if (db == NULL) {
		return false;
	}
	bool make = !options->read_only && !options->existing;
	struct maria_check check = {.make = make, .described = options->existing};
	bool ok = maria_schema_check(db, options->model, &check, error) &&
		maria_versions_open(db, make && check.ours, &store->has_versions, store->secret, error);
	store->foreign = !check.ours;
	enum cache_kind cache = options->model->cache;
	store->reads_versions = store->has_versions && !options->existing &&
		(cache == CACHE_MEMORY || cache == CACHE_REDIS);
	mysql_close(db);
	return ok;
}

static struct store *open_kind(const struct store_options *options, const struct store_ops *ops,
							   struct error *error)
{
	/* A connection that is lost is to be an error, not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
	mysql_server_init(0, NULL, NULL);
	struct maria_store *store = alloc_zeroed(1, sizeof(*store));
	store->base.ops = ops;
	store->limits = *options->limits;
	store->described = options->existing;
	store->read_only = options->read_only;
	atomic_store(&store->owners, 1);
	arena_init(&store->arena, ARENA_BYTES);
	pthread_mutex_init(&store->mutex, NULL);
	if (!maria_url_parse(options->location, &store->arena, &store->url, error) ||
		!open_schema(store, options, error)) {
		release_store(store);
		return NULL;
	}
	return (struct store *)store;
}

static struct store *open_mysql(const struct store_options *options, struct error *error)
{
	return open_kind(options, &store_ops_mysql, error);
}

static struct store *open_mariadb(const struct store_options *options, struct error *error)
{
	return open_kind(options, &store_ops_mariadb, error);
}

static void close_store(struct store *base)
{
	struct maria_store *store = (struct maria_store *)base;
	assert(store->sessions == NULL);
	release_store(store);
}

static bool adopt(struct store *base, const struct model *model, struct error *error)
{
	const struct maria_store *store = (const struct maria_store *)base;
	MYSQL *db = maria_connect(store, NULL, error);
	struct maria_check check = {.described = store->described};
	bool ok = db != NULL && maria_schema_check(db, model, &check, error);
	if (db != NULL) {
		mysql_close(db);
	}
	return ok;
}

void maria_add_stats(const struct maria_session *session, struct store_stats *stats)
{
	stats->reads_inline += atomic_load(&session->reads);
	stats->reads_refused += atomic_load(&session->reads_refused);
	stats->writes += atomic_load(&session->writes);
	stats->groups += atomic_load(&session->writes);
	stats->group_sizes[0] += atomic_load(&session->writes);
	stats->writes_failed += atomic_load(&session->writes_failed);
	stats->retries += atomic_load(&session->retries);
}

static void stats(const struct store *base, struct store_stats *ret_stats)
{
	/* The mutex is not part of what the caller may not change. */
	struct maria_store *store = (struct maria_store *)(uintptr_t)base;
	pthread_mutex_lock(&store->mutex);
	*ret_stats = store->ended;
	for (struct maria_session *session = store->sessions; session != NULL;
		 session = session->next) {
		maria_add_stats(session, ret_stats);
		ret_stats->connections += atomic_load(&session->connections);
		ret_stats->connection_queue += atomic_load(&session->queued) +
			atomic_load(&session->waiters);
	}
	pthread_mutex_unlock(&store->mutex);
}

static bool secret(const struct store *base, unsigned char ret_secret[STORE_SECRET_BYTES])
{
	const struct maria_store *store = (const struct maria_store *)base;
	memcpy(ret_secret, store->secret, sizeof(store->secret));
	return store->has_versions;
}

/* One store with two schemes: both names are in use. */
#define MARIA_OPS(name, open_it)                                                                   \
	{                                                                                              \
		.scheme = (name), .open = (open_it), .close = close_store, .adopt = adopt,                 \
		.attach = attach, .detach = detach, .run = run, .resume = resume, .cancel = cancel,        \
		.stats = stats, .version_ask = maria_version_ask, .secret = secret,                        \
		.transaction_run = maria_transaction_run, .describe = maria_existing_describe,             \
		.migrate = maria_migrate,                                                                  \
	}

const struct store_ops store_ops_mysql = MARIA_OPS("mysql", open_mysql);
const struct store_ops store_ops_mariadb = MARIA_OPS("mariadb", open_mariadb);
