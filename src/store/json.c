#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/json_priv.h"

enum { ARENA_BYTES = 4096 };

static const char keys_name[] = "_rl_keys";

/* ---- opening ---- */

static bool make_folder(const char *path, struct error *error)
{
	struct stat status;
	if (mkdir(path, 0777) != 0 && errno != EEXIST) {
		error_set(error, ERROR_CONFIG, "cannot make the folder %s: %s", path, strerror(errno));
		return error_hint(error, "make it, or choose another folder in `store:`");
	}
	if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
		error_set(error, ERROR_CONFIG, "%s is a file", path);
		return error_hint(error, "a store of JSON files is a folder: write json:FOLDER");
	}
	return true;
}

/* When the folder cannot be used as the service file says. */
static bool explain(const struct json_store *store, const struct jsonstore_error *failure,
					struct error *error)
{
	error_set(error, ERROR_STORE, "cannot open the JSON files in %s", store->path);
	error_details(error, "%s",
				  failure->message[0] != '\0' ? failure->message
											  : jsonstore_code_text(failure->code));
	switch ((enum jsonstore_code)failure->code) {
	case JSONSTORE_IO:
		return error_hint(error, "the folder and its files must be writable");
	case JSONSTORE_CONFLICT:
		return error_hint(error,
						  "`jsonstore repair` decides which of them stays: the file, or the "
						  "journal's changes");
	case JSONSTORE_DAMAGED:
		return error_hint(error, "nothing of it is served: put the file right, or restore it");
	case JSONSTORE_LIMIT:
		return error_hint(error,
						  "a store of JSON files has at most 256 collections of 16 indexed "
						  "fields, with names of 64 bytes: use sqlite:FILE");
	case JSONSTORE_OK:
	case JSONSTORE_NO_MEMORY:
	case JSONSTORE_INVALID:
	case JSONSTORE_ABSENT:
	case JSONSTORE_PRESENT:
	case JSONSTORE_FAILED:
	case JSONSTORE_FORKED:
	case JSONSTORE_BUSY:
	case JSONSTORE_READONLY:
		break;
	}
	return false;
}

static bool fail_table(const struct json_store *store, const struct json_table *table,
					   const struct jsonstore_error *failure, struct error *error)
{
	if (failure->code == JSONSTORE_CONFLICT && failure->file[0] == '\0') {
		error_set(error, ERROR_CONFIG, "%s/%s.json has another key than \"%.*s\" of the service",
				  store->path, table->collection, STR_ARG(table->name));
		error_details(error, "%s; the service says %s", failure->message, table->key_names);
		return error_hint(error, "give the resource this key, or move its file out of the folder");
	}
	explain(store, failure, error);
	if (failure->code == JSONSTORE_LIMIT || failure->code == JSONSTORE_INVALID) {
		error->code = ERROR_CONFIG;
		error_details(error, "\"%.*s\": %s", STR_ARG(table->name), failure->message);
	}
	return false;
}

static bool open_table(struct json_store *store, const struct json_table *table, size_t number,
					   struct error *error)
{
	const char **fields = alloc_zeroed(table->field_count + 1, sizeof(*fields));
	struct jsonstore_error failure;
	struct jsonstore_schema schema = {
		.size = sizeof(schema),
		.key = table->key_names,
		.fields = fields,
	};
	for (size_t i = 0; i < table->field_count; i++) {
		if (table->fields[i].indexed) {
			fields[schema.field_count++] = table->fields[i].name;
		}
	}
	int code = jsonstore_collection(store->files, table->collection, &schema,
									&store->collections[number], &failure);
	free(fields);
	return code == JSONSTORE_OK || fail_table(store, table, &failure, error);
}

static bool open_keys(struct json_store *store, struct error *error)
{
	const struct jsonstore_schema schema = {.size = sizeof(schema)};
	struct jsonstore_error failure;
	return jsonstore_collection(store->files, keys_name, &schema, &store->keys, &failure) ==
		JSONSTORE_OK ||
		explain(store, &failure, error);
}

static bool open_tables(struct json_store *store, const struct model *model, struct error *error)
{
	const struct json_tables *tables = json_tables_make(&store->base.arena, model, error);
	bool numbered = false;
	if (tables == NULL) {
		return false;
	}
	atomic_store(&store->tables, tables);
	store->collections = ARENA_ARRAY(&store->base.arena, tables->count + 1,
									 struct jsonstore_collection *);
	for (size_t i = 0; i < tables->count; i++) {
		numbered = numbered || tables->items[i].numbered;
		if (!tables->items[i].tally && !open_table(store, &tables->items[i], i, error)) {
			return false;
		}
	}
	return !numbered || open_keys(store, error);
}

static bool open_folder(struct json_store *store, const struct store_options *options,
						struct error *error)
{
	const struct jsonstore_options how = {
		.size = sizeof(how),
		.read_only = options->read_only,
	};
	struct jsonstore_error failure;
	if (!options->read_only && !make_folder(store->path, error)) {
		return false;
	}
	if (jsonstore_open(store->path, &how, &store->files, &failure) != JSONSTORE_OK) {
		return explain(store, &failure, error);
	}
	return open_tables(store, options->model, error) &&
		sqlite_conn_open(&store->writer.conn, &store->base, ROLE_WRITER, error);
}

static void free_store(struct json_store *store)
{
	struct jsonstore_error failure;
	sqlite_conn_close(&store->writer.conn);
	/* What could not be brought into the files is in the journal. */
	(void)jsonstore_close(store->files, &failure);
	map_finish(&store->base.full_text);
	arena_finish(&store->base.arena);
	free(store);
}

/* ---- checkpoints ---- */

/* Each second: so the files show a state that is at most two seconds old. */
static void *tick(void *context)
{
	struct json_store *store = context;
	struct jsonstore_error failure;
	struct timespec until;
	pthread_mutex_lock(&store->tick_mutex);
	while (!store->stopping) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		if (pthread_cond_timedwait(&store->tick_wake, &store->tick_mutex, &until) == 0) {
			continue;
		}
		pthread_mutex_unlock(&store->tick_mutex);
		/* One that fails changes nothing: the next one tries again, and the journal has it all. */
		struct jsonstore_stamp stamp;
		bool done = jsonstore_checkpoint(store->files, JSONSTORE_IF_DUE, &failure) ==
				JSONSTORE_OK &&
			/* Opens what it made, before anybody edits it. */
			jsonstore_stamp(store->files, NULL, &stamp, &failure) == JSONSTORE_OK;
		pthread_mutex_lock(&store->tick_mutex);
		store->checkpoints += done;
	}
	pthread_mutex_unlock(&store->tick_mutex);
	return NULL;
}

static void start_ticking(struct json_store *store)
{
	pthread_mutex_init(&store->tick_mutex, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&store->tick_wake, &attributes);
	pthread_condattr_destroy(&attributes);
	/* Without it the writes that find a checkpoint due do it. */
	store->ticking = sqlite_thread_start(&store->ticker, tick, store);
}

static void stop_ticking(struct json_store *store)
{
	pthread_mutex_lock(&store->tick_mutex);
	store->stopping = true;
	pthread_cond_signal(&store->tick_wake);
	pthread_mutex_unlock(&store->tick_mutex);
	if (store->ticking) {
		pthread_join(store->ticker, NULL);
	}
	pthread_cond_destroy(&store->tick_wake);
	pthread_mutex_destroy(&store->tick_mutex);
}

/* ---- the table of functions ---- */

static struct store *open_store(const struct store_options *options, struct error *error)
{
	if (options->location.len == 0) {
		error_set(error, ERROR_CONFIG, "the store has no folder");
		error_hint(error, "write json:FOLDER");
		return NULL;
	}
	struct json_store *store = alloc_zeroed(1, sizeof(*store));
	store->base.base.ops = &store_ops_json;
	store->base.backing = &json_backing;
	store->base.limits = *options->limits;
	store->base.fatal = options->fatal;
	store->base.context = options->context;
	arena_init(&store->base.arena, ARENA_BYTES);
	map_init(&store->base.full_text);
	store->path = arena_copy(&store->base.arena, options->location).ptr;
	random_bytes(store->version_key, sizeof(store->version_key));
	if (!open_folder(store, options, error)) {
		free_store(store);
		return NULL;
	}
	sqlite_workers_init(&store->base.workers, &store->base);
	pthread_mutex_init(&store->base.mutex, NULL);
	json_writer_init(store);
	start_ticking(store);
	return (struct store *)store;
}

static void close_store(struct store *base)
{
	struct json_store *store = (struct json_store *)base;
	assert(store->base.sessions == NULL);
	sqlite_workers_finish(&store->base.workers);
	json_writer_finish(store);
	stop_ticking(store);
	pthread_mutex_destroy(&store->base.mutex);
	free_store(store);
}

static bool adopt(struct store *base, const struct model *model, struct error *error)
{
	struct json_store *store = (struct json_store *)base;
	pthread_mutex_lock(&store->base.mutex);
	const struct json_tables *tables = json_tables_make(&store->base.arena, model, error);
	bool ok = tables != NULL;
	if (ok && json_tables_same(json_tables(store), tables)) {
		/* Those of before stay in the arena: they may be in use. */
		atomic_store_explicit(&store->tables, tables, memory_order_release);
	} else if (ok) {
		error_set(error, ERROR_CONFIG, "the resources of %.*s have changed", STR_ARG(model->file));
		ok = error_hint(error, "JSON files need no migration: start again to use the new ones");
	}
	pthread_mutex_unlock(&store->base.mutex);
	return ok;
}

static struct store_session *attach(struct store *store, struct loop *loop, struct error *error)
{
	return sqlite_session_open((struct sqlite_store *)store, loop, error);
}

static void detach(struct store_session *session)
{
	sqlite_session_close((struct sqlite_session *)session);
}

static void run(struct store_session *session, struct store_request *request)
{
	sqlite_session_run((struct sqlite_session *)session, request);
}

static void resume(struct store_session *session, struct store_request *request)
{
	(void)session;
	sqlite_work_resume(request);
}

static void cancel(struct store_session *session, struct store_request *request)
{
	(void)session;
	sqlite_work_cancel(request);
}

static void version_ask(struct store_session *session, struct store_version_request *request)
{
	uint64_t version = 0;
	bool known = json_backing.version(((struct sqlite_session *)session)->store, &version);
	request->done(request, known, version);
}

static void stats(const struct store *base, struct store_stats *ret_stats)
{
	/* The mutexes are not part of what the caller may not change. */
	struct json_store *store = (struct json_store *)(uintptr_t)base;
	sqlite_queue_stats(&store->writer.queue, ret_stats);
	sqlite_session_stats(&store->base, ret_stats);
	pthread_mutex_lock(&store->tick_mutex);
	ret_stats->checkpoints = store->checkpoints;
	pthread_mutex_unlock(&store->tick_mutex);
}

static struct store_migrator *migrate(struct str location, bool make, struct error *error)
{
	(void)location;
	(void)make;
	error_set(error, ERROR_CONFIG, "JSON files need no migrations");
	error_hint(error, "a new field is null, or its default, in the records that lack it");
	return NULL;
}

const struct store_ops store_ops_json = {
	.scheme = "json",
	.open = open_store,
	.close = close_store,
	.adopt = adopt,
	.attach = attach,
	.detach = detach,
	.run = run,
	.resume = resume,
	.cancel = cancel,
	.stats = stats,
	.version_ask = version_ask,
	.transaction_run = json_transaction_run,
	.migrate = migrate,
};
