#include <assert.h>

#include "base/alloc.h"
#include "store/memory_priv.h"
#include "store/rows.h"

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

/* ---- reads ---- */

/* A row of a tally: the fields of `by`, then the count. */
static void count_row(const struct resource *tally, const struct memory_row *row,
					  struct memory_rows *groups)
{
	size_t by = tally->by.count;
	struct value *values = alloc_zeroed(by + 1, sizeof(*values));
	for (size_t i = 0; i < by; i++) {
		values[i] = row->values[tally->by.items[i]->number];
	}
	struct memory_row *group = NULL;
	for (size_t g = 0; g < groups->count && group == NULL; g++) {
		size_t i = 0;
		while (i < by && memory_equal(&groups->items[g]->values[i], &values[i])) {
			i++;
		}
		group = i == by ? groups->items[g] : NULL;
	}
	if (group == NULL) {
		values[by] = (struct value){.kind = VALUE_INTEGER, .integer = 0};
		group = memory_row_create(values, by + 1);
		memory_rows_append(groups, group);
	}
	group->values[by].integer++; /* not stored yet: nobody else has seen it */
	free(values);
}

/* All rows of the resource, as they are now. */
static struct memory_rows all_rows(struct memory_store *store, const struct resource *resource)
{
	if (resource->tally_of == NULL) {
		return memory_rows_copy(&memory_find_table(store, resource)->rows);
	}
	const struct memory_rows *counted = &memory_find_table(store, resource->tally_of)->rows;
	struct memory_rows groups = {.count = 0};
	for (size_t i = 0; i < counted->count; i++) {
		count_row(resource, counted->items[i], &groups);
	}
	return groups;
}

static void write_row(struct rows *rows, const struct memory_row *row)
{
	rows_row(rows);
	for (size_t i = 0; i < rows->query->column_count; i++) {
		rows_value(rows, &row->values[rows->query->columns[i].field->number]);
	}
	rows_row_end(rows);
}

static bool read_rows(struct memory_store *store, struct store_request *request)
{
	const struct query *query = request->query;
	struct memory_rows all = all_rows(store, query->resource);
	struct memory_rows found = {.count = 0};
	for (size_t i = 0; i < all.count; i++) {
		if (memory_holds(query->where, all.items[i]->values) == IS_SO) {
			all.items[i]->references++;
			memory_rows_append(&found, all.items[i]);
		}
	}
	memory_sort(query, &found);

	uint64_t limit = query->format == FORMAT_OBJECT ? 1 : query_limit(query, &store->limits);
	struct rows rows;
	rows_begin(&rows, query, request->body);
	for (uint64_t i = query->offset; i < found.count && rows.count < limit; i++) {
		write_row(&rows, found.items[i]);
	}
	rows_end(&rows);
	request->result.rows = rows.count;
	request->result.total = query->total ? found.count : 0;
	memory_rows_finish(&found);
	memory_rows_finish(&all);
	return rows.count > 0 || query->format != FORMAT_OBJECT ||
		error_set(&request->error, ERROR_NOT_FOUND, NULL);
}

static void run(struct store_session *base, struct store_request *request)
{
	struct memory_store *store = ((struct memory_session *)base)->store;
	bool reads = query_reads(request->query);
	pthread_mutex_lock(&store->mutex);
	bool ok = reads ? read_rows(store, request) : memory_write(store, request);
	if (ok && request->body != NULL && request->body->failed) {
		ok = error_set(&request->error, ERROR_OVERLOADED, "The answer is too large");
	}
	if (reads) {
		store->stats.reads_inline++;
	} else {
		store->stats.groups++;
		store->stats.group_sizes[0]++;
		store->stats.writes += ok;
		store->stats.writes_failed += !ok;
	}
	pthread_mutex_unlock(&store->mutex);
	if (!ok && request->body != NULL) {
		buf_clear(request->body);
	}
	request->done(request, &request->result, ok ? NULL : &request->error);
}

/* ---- opening ---- */

static void make_references(struct memory_store *store, const struct model *model)
{
	size_t count = 0;
	for (size_t r = 0; r < model->resource_count; r++) {
		count += model->resources[r].field_count;
	}
	store->references = ARENA_ARRAY(&store->arena, count, struct memory_reference);
	for (size_t r = 0; r < model->resource_count; r++) {
		const struct resource *resource = &model->resources[r];
		for (size_t f = 0; f < resource->field_count; f++) {
			const struct field *field = &resource->fields[f];
			if (field->references != NULL) {
				store->references[store->reference_count++] = (struct memory_reference){
					.child = r,
					.field = f,
					.field_name = arena_copy(&store->arena, field->name),
					.parent = field->references->number,
					.key = field->references->key.items[0]->number,
				};
			}
		}
	}
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
	store->table_count = model->resource_count;
	store->tables = ARENA_ARRAY(&store->arena, store->table_count, struct memory_table);
	for (size_t r = 0; r < store->table_count; r++) {
		store->tables[r].name = arena_copy(&store->arena, model->resources[r].name);
		store->tables[r].field_count = model->resources[r].field_count;
	}
	make_references(store, model);
	pthread_mutex_init(&store->mutex, NULL);
	return (struct store *)store;
}

static void close_store(struct store *base)
{
	struct memory_store *store = (struct memory_store *)base;
	for (size_t i = 0; i < store->table_count; i++) {
		memory_rows_finish(&store->tables[i].rows);
	}
	pthread_mutex_destroy(&store->mutex);
	arena_finish(&store->arena);
	free(store);
}

static bool adopt(struct store *base, const struct model *model, struct error *error)
{
	const struct memory_store *store = (const struct memory_store *)base;
	bool same = model->resource_count == store->table_count;
	for (size_t r = 0; r < store->table_count && same; r++) {
		same = str_equal(store->tables[r].name, model->resources[r].name) &&
			store->tables[r].field_count == model->resources[r].field_count;
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
};
