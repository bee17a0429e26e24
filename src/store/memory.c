#include <assert.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "store/memory_priv.h"

enum { ARENA_BYTES = 4096 };

struct memory_session {
	struct store_session_base base;
	struct memory_store *store;
};

struct memory_table *memory_find_table(struct memory_store *store, const struct resource *resource)
{
	for (size_t i = 0; i < store->table_count; i++) {
		if (str_equal(store->tables[i].name, resource->name)) {
			return &store->tables[i];
		}
	}
	assert(false && "every resource has a table");
	return NULL;
}

/* ---- requests ---- */

/* `cursor` may be NULL. */
static bool read_rows(struct memory_store *store, const struct query *query, struct buf *body,
					  struct buf *cursor, struct store_result *result, struct error *error)
{
	struct memory_range range = {query_limit(query, &store->limits), query->offset};
	if (query->action == QUERY_GET) {
		range = (struct memory_range){1, 0};
	}
	struct row_view view;
	memory_view_init(&view, store, query, error);
	struct row_list rows = row_matching(&view, query->where,
										memory_view_rows(&view, query->resource));
	bool ok = !view.failed && memory_answer(&view, query, &rows, range, body, cursor, result);
	row_list_finish(&rows);
	memory_view_finish(&view);
	return ok;
}

static bool run_inside(struct store_transaction *base, const struct query *query, struct buf *body,
					   struct store_result *ret_result, struct error *error)
{
	struct memory_transaction *transaction = (struct memory_transaction *)base;
	*ret_result = (struct store_result){.rows = 0};
	if (query_reads(query)) {
		return read_rows(transaction->store, query, body, NULL, ret_result, error);
	}
	return memory_write(transaction, query, body, ret_result, error);
}

/* Ends a transaction: all of it stays, or nothing. */
static void end_transaction(struct memory_transaction *transaction, bool stays)
{
	for (size_t i = 0; i < transaction->store->table_count; i++) {
		struct memory_before *before = &transaction->before[i];
		struct memory_table *table = &transaction->store->tables[i];
		if (before->changed && stays) {
			row_list_finish(&before->rows);
		} else if (before->changed) {
			row_list_finish(&table->rows);
			table->rows = before->rows;
			table->made_key = before->made_key;
		}
	}
	free(transaction->before);
}

/* What is left to do after a part of the companion? Fills in the outcome. */
static bool go_on(enum companion_verdict verdict, struct store_result *result)
{
	result->answered = verdict == COMPANION_ANSWERED;
	result->rolled_back = verdict == COMPANION_ROLL_BACK;
	return verdict == COMPANION_GO_ON;
}

static bool write_rows(struct memory_store *store, struct store_request *request)
{
	struct store_companion *companion = request->companion;
	struct store_result *result = &request->result;
	struct memory_transaction transaction = {{&store_ops_memory}, store, NULL};
	struct store_transaction *base = (struct store_transaction *)&transaction;
	enum companion_verdict verdict = COMPANION_GO_ON;
	transaction.before = alloc_zeroed(store->table_count, sizeof(*transaction.before));
	if (companion != NULL && companion->before != NULL) {
		verdict = companion->before(companion, base, &request->error);
	}
	bool ok = verdict != COMPANION_FAIL;
	if (go_on(verdict, result)) {
		ok = memory_write(&transaction, request->query, request->body, result, &request->error);
		if (ok && companion != NULL && companion->after != NULL) {
			verdict = companion->after(companion, base, result, &request->error);
			ok = verdict != COMPANION_FAIL;
			(void)go_on(verdict, result);
		}
	}
	end_transaction(&transaction, ok && !result->rolled_back);
	return ok;
}

/* One counter for all tables. */
static uint64_t version_of(const struct memory_store *store)
{
	return siphash(store->version_key, &store->version, sizeof(store->version));
}

static void run(struct store_session *base, struct store_request *request)
{
	struct memory_store *store = ((struct memory_session *)base)->store;
	bool reads = query_reads(request->query);
	pthread_mutex_lock(&store->mutex);
	bool ok = reads ? read_rows(store, request->query, request->body, request->cursor,
								&request->result, &request->error)
					: write_rows(store, request);
	bool commits = ok && !request->result.rolled_back;
	if (reads) {
		store->stats.reads_inline++;
		request->result.has_version = request->want_version;
		request->result.version = version_of(store);
	} else {
		store->stats.groups++;
		store->stats.group_sizes[0]++;
		store->stats.writes += commits;
		store->stats.writes_failed += !commits;
		store->version += commits;
	}
	pthread_mutex_unlock(&store->mutex);
	if (!ok && request->body != NULL) {
		buf_clear(request->body);
	}
	request->done(request, &request->result, ok ? NULL : &request->error);
}

static void version_ask(struct store_session *base, struct store_version_request *request)
{
	struct memory_store *store = ((struct memory_session *)base)->store;
	pthread_mutex_lock(&store->mutex);
	uint64_t version = version_of(store);
	pthread_mutex_unlock(&store->mutex);
	request->done(request, true, version);
}

/* ---- opening ---- */

static void add_table(struct memory_store *store, const struct resource *resource)
{
	store->tables[store->table_count++] = (struct memory_table){
		.name = arena_copy(&store->arena, resource->name),
		.column_count = resource_column_count(resource),
	};
}

static struct store *open_store(const struct store_options *options, struct error *error)
{
	if (options->location.len > 0) {
		error_set(error, ERROR_CONFIG, "nothing may follow `memory:`");
		return NULL;
	}
	const struct model *model = options->model;
	struct memory_store *store = alloc_zeroed(1, sizeof(*store));
	store->base.ops = &store_ops_memory;
	store->limits = *options->limits;
	arena_init(&store->arena, ARENA_BYTES);
	store->tables = ARENA_ARRAY(&store->arena, model->resource_count + 1, struct memory_table);
	for (size_t r = 0; r < model->resource_count; r++) {
		add_table(store, &model->resources[r]);
	}
	if (model->kept_answers != NULL) {
		add_table(store, model->kept_answers);
	}
	random_bytes(store->version_key, sizeof(store->version_key));
	pthread_mutex_init(&store->mutex, NULL);
	return (struct store *)store;
}

static void close_store(struct store *base)
{
	struct memory_store *store = (struct memory_store *)base;
	for (size_t i = 0; i < store->table_count; i++) {
		row_list_finish(&store->tables[i].rows);
	}
	pthread_mutex_destroy(&store->mutex);
	arena_finish(&store->arena);
	free(store);
}

static bool adopt(struct store *base, const struct model *model, struct error *error)
{
	const struct memory_store *store = (const struct memory_store *)base;
	bool kept = model->kept_answers != NULL;
	bool same = model->resource_count + (kept ? 1 : 0) == store->table_count;
	for (size_t r = 0; r < model->resource_count && same; r++) {
		same = str_equal(store->tables[r].name, model->resources[r].name) &&
			store->tables[r].column_count == resource_column_count(&model->resources[r]);
	}
	if (!same) {
		error_set(error, ERROR_CONFIG, "the resources of %.*s have changed", STR_ARG(model->file));
		return error_hint(error, "rows in memory keep their fields: start again to change them");
	}
	return true;
}

static struct store_session *attach(struct store *store, struct loop *loop, struct error *error)
{
	(void)loop;
	(void)error;
	struct memory_session *session = alloc_zeroed(1, sizeof(*session));
	session->base.ops = &store_ops_memory;
	session->store = (struct memory_store *)store;
	return (struct store_session *)session;
}

static void detach(struct store_session *session)
{
	free(session);
}

/* Every request is done before run() returns. */
static void ignore(struct store_session *session, struct store_request *request)
{
	(void)session;
	(void)request;
}

static void stats(const struct store *base, struct store_stats *ret_stats)
{
	/* The mutex is not part of what the caller may not change. */
	struct memory_store *store = (struct memory_store *)(uintptr_t)base;
	pthread_mutex_lock(&store->mutex);
	*ret_stats = store->stats;
	pthread_mutex_unlock(&store->mutex);
}

const struct store_ops store_ops_memory = {
	.scheme = "memory",
	.open = open_store,
	.close = close_store,
	.adopt = adopt,
	.attach = attach,
	.detach = detach,
	.run = run,
	.resume = ignore,
	.cancel = ignore,
	.stats = stats,
	.version_ask = version_ask,
	.transaction_run = run_inside,
};
