#include "api/links.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_priv.h"
#include "api/guard.h"
#include "base/clock.h"
#include "base/map.h"
#include "link/credential.h"
#include "link/message.h"
#include "link/own_rows.h"
#include "model/link_tables.h"
#include "query/cond.h"

enum {
	LOOK_KEYS = 200,   /* in one LIST: conditions of several fields are a tree */
	DECIDE_TRIES = 10, /* of one id, when its decision comes and goes */
};

static const struct str json_type = STR_INIT("application/json");

bool links_is_message(const struct http_request *request)
{
	return str_equal(request->path, STR("/.rowlock/holds")) ||
		str_equal(request->path, STR("/.rowlock/decide"));
}

/* ---- who asks ---- */

static bool is_loopback(struct str peer)
{
	return str_starts_with(peer, STR("127.")) || str_equal(peer, STR("::1")) ||
		str_starts_with(peer, STR("::ffff:127."));
}

/* Without a key, whoever is on this machine is believed: not a proxy, not a page in a browser. */
static bool is_direct(const struct http_request *request, const struct model *model,
					  struct error *error)
{
	if (http_request_field(request, STR("X-Forwarded-For")).ptr != NULL ||
		http_request_field(request, STR("Forwarded")).ptr != NULL) {
		error_set(error, ERROR_FORBIDDEN, "Through a proxy services are not believed");
		return error_hint(error, "give both services the same LINK_KEY");
	}
	return guard_check(request, model, false, error);
}

static bool admit(struct call *call, struct error *error)
{
	const struct http_request *request = call->request;
	struct str key = call->binding->loop->api->options.link_key;
	const struct credential_request shown = {
		.method = http_method_name(request->method),
		.path = request->path,
		.body = request->body,
	};
	int64_t now_s = clock_system.wall_us(&clock_system) / 1000000;
	struct str field = http_request_field(request, STR("Authorization"));
	return (key.len > 0 || is_direct(request, call->binding->service->model, error)) &&
		credential_accept(key, &shown, field, now_s, is_loopback(request->peer), error);
}

/* ---- PUT ---- */

/* A message under way. */
struct told {
	struct store_companion companion; /* of a PUT, or a decide */
	bool rides;                       /* with the next query */
	struct store_request store;
	struct call *call;
	struct message_holds holds;
	struct map by_id; /* of the holds; finished with the message */
	struct query *query;
	size_t looked; /* at how many keys, for those that are missing */
	struct map there;
	struct message_ids ids;
	struct message_decisions decisions;
	struct uuid *used;
	struct uuid *voided;
};

static struct told *told_of(struct store_request *request)
{
	return (struct told *)(void *)((char *)request - offsetof(struct told, store));
}

static struct told *new_told(struct call *call)
{
	struct told *told = ARENA_NEW(call->arena, struct told);
	told->call = call;
	map_init(&told->by_id);
	map_init(&told->there);
	return told;
}

static void told_finish(struct told *told)
{
	map_finish(&told->by_id);
	map_finish(&told->there);
}

static void answer(struct told *told, int status, struct str type, struct str body)
{
	told_finish(told);
	call_answer(told->call, status, type, body);
}

static void fail(struct told *told, const struct error *error)
{
	told_finish(told);
	call_fail(told->call, error);
}

static void run(struct told *told, struct query *query,
				void (*done)(struct store_request *request, const struct store_result *result,
							 const struct error *error))
{
	struct buf *body = http_exchange_buffer(told->call->exchange);
	buf_clear(body);
	told->query = query;
	told->store = (struct store_request){
		.query = query,
		.body = body,
		.companion = told->rides ? &told->companion : NULL,
		.done = done,
	};
	told->rides = false;
	store_run(told->call->binding->loop->session, &told->store);
}

static struct str id_key(const struct uuid *id)
{
	return (struct str){(const char *)id, sizeof(*id)};
}

static bool is_same_key(const struct field_list *key, const struct value *a, const struct value *b)
{
	size_t i = 0;
	while (i < key->count && value_compare(&a[i], &b[i]) == 0) {
		i++;
	}
	return i == key->count;
}

static bool refuse_other(struct error *error)
{
	error_set(error, ERROR_IDEMPOTENCY, "This id is of another hold");
	return error_hint(error, "an id is made for one row, and never used again");
}

/* An id may be there twice, as a message may. */
static bool map_holds(struct told *told, struct error *error)
{
	const struct message_holds *holds = &told->holds;
	for (size_t i = 0; i < holds->count; i++) {
		const struct message_hold *hold = &holds->items[i];
		const struct message_hold *before = map_put(&told->by_id, id_key(&hold->id), (void *)hold);
		if (before != NULL && !is_same_key(&holds->resource->key, before->key, hold->key)) {
			return refuse_other(error);
		}
	}
	return true;
}

static const struct field **all_fields(struct arena *arena, const struct resource *resource,
									   size_t from, size_t count)
{
	const struct field **fields = ARENA_ARRAY(arena, count, const struct field *);
	for (size_t i = 0; i < count; i++) {
		fields[i] = &resource->fields[from + i];
	}
	return fields;
}

static struct query *insert_holds(struct told *told)
{
	struct arena *arena = told->call->arena;
	const struct message_holds *holds = &told->holds;
	const struct resource *table = holds->resource->holds;
	size_t count = table->field_count;
	const struct field **fields = all_fields(arena, table, 0, count);
	struct uuid mark = uuid_v4();
	struct value mark_value = own_id(arena, &mark);
	int64_t now_us = clock_system.wall_us(&clock_system);
	struct query *query = own_query(arena, QUERY_UPSERT, table);
	struct value *values = own_give(arena, query, fields, count, holds->count);
	for (size_t i = 0; i < holds->count; i++, values += count) {
		values[HOLD_ID] = own_id(arena, &holds->items[i].id);
		values[HOLD_FROM] = own_text(holds->from->name);
		values[HOLD_MARK] = mark_value;
		values[HOLD_KEPT] = own_integer(0);
		values[HOLD_AT] = own_integer(now_us);
		memcpy(&values[HOLD_KEY], holds->items[i].key,
			   holds->resource->key.count * sizeof(struct value));
	}
	return query;
}

/* The holds of these ids are for these rows, and of this user? */
static bool compare_rows(struct told *told, const struct query *query, struct str json,
						 struct error *error)
{
	struct arena *arena = told->call->arena;
	const struct message_holds *holds = &told->holds;
	struct value *values = ARENA_ARRAY(arena, query->fetch_count, struct value);
	struct own_rows rows;
	bool more;
	size_t found = 0;
	if (!own_rows_begin(&rows, query, json, arena, error)) {
		return false;
	}
	for (; own_rows_next(&rows, values, &more, error); found++) {
		struct uuid id;
		if (!more) {
			/* One that was deleted meanwhile: the next try will tell. */
			return found == told->by_id.count || error_set(error, ERROR_OVERLOADED, NULL);
		}
		const struct message_hold *hold = uuid_parse(values[0].text, &id)
			? map_get(&told->by_id, id_key(&id))
			: NULL;
		if (hold == NULL || !str_equal(values[1].text, holds->from->name) ||
			!is_same_key(&holds->resource->key, hold->key, &values[2])) {
			return refuse_other(error);
		}
	}
	return false;
}

static bool compare_holds(struct told *told, struct store_transaction *transaction,
						  struct error *error)
{
	struct arena *arena = told->call->arena;
	const struct resource *table = told->holds.resource->holds;
	size_t keys = told->holds.resource->key.count;
	const struct field **fields = all_fields(arena, table, HOLD_KEY - 2, keys + 2);
	struct value *ids = ARENA_ARRAY(arena, told->holds.count, struct value);
	struct query *query = own_query(arena, QUERY_LIST, table);
	struct store_result result;
	struct buf body;
	for (size_t i = 0; i < told->holds.count; i++) {
		ids[i] = own_id(arena, &told->holds.items[i].id);
	}
	fields[0] = &table->fields[HOLD_ID];
	fields[1] = &table->fields[HOLD_FROM];
	own_where_in(arena, query, &table->fields[HOLD_ID], ids, told->holds.count);
	own_fetch(arena, query, fields, keys + 2);
	own_order(arena, query, 1, UINT64_MAX);
	buf_init(&body, SIZE_MAX);
	bool good = store_transaction_run(transaction, query, &body, &result, error) &&
		compare_rows(told, query, buf_str(&body), error);
	buf_finish(&body);
	return good;
}

static enum companion_verdict after_put(struct store_companion *companion,
										struct store_transaction *transaction,
										const struct store_result *result, struct error *error)
{
	struct told *told = (struct told *)companion;
	bool all_new = result->inserted == told->holds.count;
	return all_new || compare_holds(told, transaction, error) ? COMPANION_GO_ON : COMPANION_FAIL;
}

/* ---- which rows are missing ---- */

static void look_on(struct told *told);

static struct str key_text(struct arena *arena, const struct field_list *key,
						   const struct value *values)
{
	struct buf text;
	buf_init(&text, SIZE_MAX);
	for (size_t i = 0; i < key->count; i++) {
		value_write_json(&text, key->items[i], &values[i]);
		buf_append_byte(&text, ',');
	}
	struct str copied = arena_copy(arena, buf_str(&text));
	buf_finish(&text);
	return copied;
}

static void answer_missing(struct told *told)
{
	struct arena *arena = told->call->arena;
	const struct message_holds *holds = &told->holds;
	const struct field_list *key = &holds->resource->key;
	const struct value **items = ARENA_ARRAY(arena, holds->count, const struct value *);
	struct message_keys missing = {items, 0};
	for (size_t i = 0; i < holds->count; i++) {
		struct str text = key_text(arena, key, holds->items[i].key);
		/* Each is told once. */
		if (map_put(&told->there, text, (void *)key) == NULL) {
			items[missing.count++] = holds->items[i].key;
		}
	}
	if (missing.count == 0) {
		/* They have come meanwhile. */
		struct error error = {0};
		error_set(&error, ERROR_OVERLOADED, NULL);
		fail(told, &error);
		return;
	}
	struct buf *body = told->store.body;
	buf_clear(body);
	message_write_missing(body, holds->resource, &missing);
	answer(told, 409, json_type, buf_str(body));
}

static bool read_there(struct told *told, struct error *error)
{
	struct arena *arena = told->call->arena;
	const struct field_list *key = &told->holds.resource->key;
	struct value *values = ARENA_ARRAY(arena, key->count, struct value);
	struct own_rows rows;
	bool more = true;
	bool good = own_rows_begin(&rows, told->query, buf_str(told->store.body), arena, error);
	while (good && more) {
		good = own_rows_next(&rows, values, &more, error);
		if (good && more) {
			(void)map_put(&told->there, key_text(arena, key, values), (void *)key);
		}
	}
	return good;
}

static void on_looked(struct store_request *request, const struct store_result *result,
					  const struct error *error)
{
	struct told *told = told_of(request);
	struct error wrong = {0};
	(void)result;
	if (error != NULL) {
		fail(told, error);
	} else if (!read_there(told, &wrong)) {
		fail(told, &wrong);
	} else {
		look_on(told);
	}
}

static void look_on(struct told *told)
{
	struct arena *arena = told->call->arena;
	const struct message_holds *holds = &told->holds;
	const struct field_list *key = &holds->resource->key;
	size_t left = holds->count - told->looked;
	size_t count = left < LOOK_KEYS ? left : LOOK_KEYS;
	if (left == 0) {
		answer_missing(told);
		return;
	}
	struct query *query = own_query(arena, QUERY_LIST, holds->resource);
	const struct value **keys = ARENA_ARRAY(arena, count, const struct value *);
	for (size_t i = 0; i < count; i++) {
		keys[i] = holds->items[told->looked + i].key;
	}
	own_where_keys(arena, query, key, keys, count);
	own_fetch(arena, query, key->items, key->count);
	own_order(arena, query, key->count, UINT64_MAX);
	told->looked += count;
	run(told, query, on_looked);
}

static void on_put(struct store_request *request, const struct store_result *result,
				   const struct error *error)
{
	struct told *told = told_of(request);
	(void)result;
	if (error == NULL) {
		answer(told, 200, json_type, STR("{}"));
	} else if (error->code == ERROR_REFERENCE) {
		look_on(told);
	} else {
		fail(told, error);
	}
}

static void run_put(struct call *call)
{
	struct error error = {0};
	struct told *told = new_told(call);
	if (!admit(call, &error) ||
		!message_read_holds(call->request->body, call->binding->service->model, call->arena,
							&told->holds, &error) ||
		!map_holds(told, &error)) {
		fail(told, &error);
		return;
	}
	const struct api_options *options = &call->binding->loop->api->options;
	if (options->loads != NULL && options->loads(options->context, told->holds.resource)) {
		error_set(&error, ERROR_OVERLOADED, "The rows of \"%.*s\" are not loaded yet",
				  STR_ARG(told->holds.resource->name));
		fail(told, &error);
		return;
	}
	if (told->holds.count == 0) {
		answer(told, 200, json_type, STR("{}"));
		return;
	}
	told->companion.after = after_put;
	told->rides = true;
	run(told, insert_holds(told), on_put);
}

/* ---- DELETE ---- */

static void on_released(struct store_request *request, const struct store_result *result,
						const struct error *error)
{
	struct told *told = told_of(request);
	(void)result;
	if (error == NULL) {
		answer(told, 204, STR(""), STR(""));
	} else {
		fail(told, error);
	}
}

static void run_release(struct call *call)
{
	struct arena *arena = call->arena;
	struct error error = {0};
	struct told *told = new_told(call);
	struct message_ids *ids = &told->ids;
	if (!admit(call, &error) ||
		!message_read_releases(call->request->body, call->binding->service->model, arena, ids,
							   &error)) {
		fail(told, &error);
		return;
	}
	const struct resource *table = ids->resource->holds;
	struct query *query = own_query(arena, QUERY_DELETE, table);
	own_where_in(arena, query, &table->fields[HOLD_ID], own_ids(arena, ids->items, ids->count),
				 ids->count);
	own_where(arena, query, &table->fields[HOLD_FROM], OPERATOR_EQ, own_text(ids->from->name));
	run(told, query, on_released);
}

/* ---- POST ---- */

/* Which of the ids are in the store's answer. */
static bool tell_apart(struct told *told, struct error *error)
{
	struct message_decisions *there = &told->decisions;
	struct own_rows rows;
	struct value value;
	bool more = true;
	if (!own_rows_begin(&rows, told->query, buf_str(told->store.body), told->call->arena, error)) {
		return false;
	}
	while (more) {
		if (!own_rows_next(&rows, &value, &more, error)) {
			return false;
		}
		if (more) {
			(void)map_put(&told->there, value.text, told);
		}
	}
	*there = (struct message_decisions){.used = told->used, .voided = told->voided};
	for (size_t i = 0; i < told->ids.count; i++) {
		const struct uuid *id = &told->ids.items[i];
		if (map_get(&told->there, own_id(told->call->arena, id).text) != NULL) {
			told->used[there->used_count++] = *id;
		} else {
			told->voided[there->void_count++] = *id;
		}
	}
	return true;
}

static void on_found(struct store_request *request, const struct store_result *result,
					 const struct error *error)
{
	struct told *told = told_of(request);
	struct error wrong = {0};
	(void)result;
	if (error != NULL) {
		fail(told, error);
	} else if (!tell_apart(told, &wrong)) {
		fail(told, &wrong);
	} else {
		buf_clear(told->store.body);
		message_write_decisions(told->store.body, &told->decisions);
		answer(told, 200, json_type, buf_str(told->store.body));
	}
}

/* Which of these holds are there? */
static void run_look(struct call *call)
{
	struct arena *arena = call->arena;
	struct error error = {0};
	struct told *told = new_told(call);
	struct message_ids *ids = &told->ids;
	if (!admit(call, &error) ||
		!message_read_releases(call->request->body, call->binding->service->model, arena, ids,
							   &error)) {
		fail(told, &error);
		return;
	}
	const struct resource *table = ids->resource->holds;
	const struct field *field = &table->fields[HOLD_ID];
	struct query *query = own_query(arena, QUERY_LIST, table);
	told->used = ARENA_ARRAY(arena, ids->count, struct uuid);
	told->voided = ARENA_ARRAY(arena, ids->count, struct uuid);
	own_where_in(arena, query, field, own_ids(arena, ids->items, ids->count), ids->count);
	own_where(arena, query, &table->fields[HOLD_FROM], OPERATOR_EQ, own_text(ids->from->name));
	own_fetch(arena, query, &field, 1);
	own_order(arena, query, 1, UINT64_MAX);
	run(told, query, on_found);
}

/* ---- decide ---- */

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

/* Inserts *void*. */
static bool put_void(struct told *told, const struct uuid *id,
					 struct store_transaction *transaction, bool *ret_inserted, struct error *error)
{
	struct arena *arena = told->call->arena;
	const struct resource *table = told->call->binding->service->model->decision;
	const struct field **fields = all_fields(arena, table, 0, DECISION_FIELDS);
	struct query *query = own_query(arena, QUERY_UPSERT, table);
	struct value *values = own_give(arena, query, fields, DECISION_FIELDS, 1);
	struct store_result result;
	values[DECISION_ID] = own_id(arena, id);
	values[DECISION_USED] = own_integer(0);
	values[DECISION_AT] = own_integer(clock_system.wall_us(&clock_system));
	bool good = store_transaction_run(transaction, query, NULL, &result, error);
	*ret_inserted = good && result.inserted > 0;
	return good;
}

/* What has been decided; false with ERROR_NOT_FOUND when nothing has, or not any more. */
static bool get_used(struct told *told, const struct uuid *id,
					 struct store_transaction *transaction, bool *ret_used, struct error *error)
{
	struct arena *arena = told->call->arena;
	const struct resource *table = told->call->binding->service->model->decision;
	const struct field *field = &table->fields[DECISION_USED];
	struct query *query = own_query(arena, QUERY_GET, table);
	struct store_result result;
	struct own_rows rows;
	struct value used;
	bool more;
	struct buf body;
	buf_init(&body, SIZE_MAX);
	own_where(arena, query, &table->fields[DECISION_ID], OPERATOR_EQ, own_id(arena, id));
	own_fetch(arena, query, &field, 1);
	bool good = store_transaction_run(transaction, query, &body, &result, error) &&
		own_rows_begin(&rows, query, buf_str(&body), arena, error) &&
		own_rows_next(&rows, &used, &more, error);
	*ret_used = good && more && used.integer != 0;
	buf_finish(&body);
	return good;
}

static bool decide_one(struct told *told, const struct uuid *id,
					   struct store_transaction *transaction, struct error *error)
{
	for (int i = 0; i < DECIDE_TRIES; i++) {
		bool inserted;
		bool used = false;
		if (!put_void(told, id, transaction, &inserted, error)) {
			return false;
		}
		if (inserted || get_used(told, id, transaction, &used, error)) {
			struct message_decisions *decisions = &told->decisions;
			if (used) {
				told->used[decisions->used_count++] = *id;
			} else {
				told->voided[decisions->void_count++] = *id;
			}
			return true;
		}
		if (error->code != ERROR_NOT_FOUND) {
			return false;
		}
	}
	return error_set(error, ERROR_OVERLOADED, NULL);
}

/* All in one transaction, locked in the order of the ids, as by those who release them. */
static enum companion_verdict before_decide(struct store_companion *companion,
											struct store_transaction *transaction,
											struct error *error)
{
	struct told *told = (struct told *)companion;
	told->decisions = (struct message_decisions){.used = told->used, .voided = told->voided};
	for (size_t i = 0; i < told->ids.count; i++) {
		if (!decide_one(told, &told->ids.items[i], transaction, error)) {
			return COMPANION_FAIL;
		}
	}
	return COMPANION_ANSWERED;
}

static void on_decided(struct store_request *request, const struct store_result *result,
					   const struct error *error)
{
	struct told *told = told_of(request);
	(void)result;
	if (error != NULL) {
		fail(told, error);
		return;
	}
	buf_clear(told->store.body);
	message_write_decisions(told->store.body, &told->decisions);
	answer(told, 200, json_type, buf_str(told->store.body));
}

static void run_decide(struct call *call)
{
	struct arena *arena = call->arena;
	struct error error = {0};
	struct told *told = new_told(call);
	struct message_ids *ids = &told->ids;
	if (!admit(call, &error) || !message_read_decide(call->request->body, arena, ids, &error)) {
		fail(told, &error);
		return;
	}
	const struct resource *table = call->binding->service->model->decision;
	struct uuid *sorted = ARENA_ARRAY(arena, ids->count, struct uuid);
	memcpy(sorted, ids->items, ids->count * sizeof(*sorted));
	qsort(sorted, ids->count, sizeof(*sorted), compare_ids);
	ids->items = sorted;
	told->used = ARENA_ARRAY(arena, ids->count, struct uuid);
	told->voided = ARENA_ARRAY(arena, ids->count, struct uuid);
	told->companion.before = before_decide;
	told->rides = true;
	/* The companion has the answer: this one, of no row, is not run. */
	struct query *query = own_query(arena, QUERY_DELETE, table);
	own_where_in(arena, query, &table->fields[DECISION_ID], NULL, 0);
	run(told, query, on_decided);
}

/* ---- all of them ---- */

const struct link_route link_routes[] = {
	{HTTP_PUT, STR_INIT("holds"), true, run_put},
	{HTTP_DELETE, STR_INIT("holds"), true, run_release},
	{HTTP_POST, STR_INIT("holds"), true, run_look},
	{HTTP_POST, STR_INIT("decide"), false, run_decide},
};
const size_t link_route_count = sizeof(link_routes) / sizeof(link_routes[0]);

bool link_route_serves(const struct link_route *route, const struct model *model)
{
	bool owner = false;
	for (size_t i = 0; i < model->resource_count; i++) {
		owner = owner || model->resources[i].holds != NULL;
	}
	return route->owner ? owner : model->decision != NULL;
}
