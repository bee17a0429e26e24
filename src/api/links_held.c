/*
 * DESIGN. A DELETE or UPDATE has failed by a foreign key, of a row that is held perhaps. The keys
 * of its rows are looked for, then their holds. Are all of these asked for and older than
 * LINKS_ASK_MS, the users are asked, one after the other, and the write runs once more; else the
 * error says who refers to the row. When nothing holds them any more it runs once more, too.
 */
#include <stddef.h>
#include <string.h>

#include "api/api_priv.h"
#include "api/links.h"
#include "base/clock.h"
#include "link/own_rows.h"
#include "link/settle.h"
#include "model/link_tables.h"

enum { HELD_ROWS = 100, HELD_HOLDS = 1000 };

struct hold {
	struct uuid id;
	struct value mark;
	const struct resource *from;
	const struct value *key;
	bool asked; /* for long enough to be asked about */
};

struct held {
	struct call *call;
	struct error error; /* what the write said */
	const struct query *query;
	struct store_request store;
	struct hold *holds; /* arena */
	size_t count;
	size_t next; /* of them to be asked about */
	struct settle settle;
};

static const struct resource *owned(const struct held *held)
{
	return held->call->query.resource;
}

/* ---- the end ---- */

static void run_again(struct held *held)
{
	struct call *call = held->call;
	buf_clear(call->store.body);
	call->store.result = (struct store_result){0};
	call_run(call, call->compose);
}

/* Of the user's link to the resource; NULL: the service file does not say so any more. */
static const struct reference *reference_of(const struct resource *from, const struct resource *to)
{
	for (size_t i = 0; from != NULL && i < from->link_count; i++) {
		if (from->links[i].reference.target == to) {
			return &from->links[i].reference;
		}
	}
	return NULL;
}

static void write_key(const struct held *held, const struct hold *hold, struct buf *text)
{
	const struct field_list *key = &owned(held)->key;
	buf_append(text, STR("Key ("));
	for (size_t i = 0; i < key->count; i++) {
		buf_append(text, i > 0 ? STR(", ") : STR(""));
		buf_append(text, key->items[i]->name);
	}
	buf_append(text, STR(")=("));
	for (size_t i = 0; i < key->count; i++) {
		buf_append(text, i > 0 ? STR(", ") : STR(""));
		value_write_text(text, key->items[i], &hold->key[i]);
	}
	buf_append_byte(text, ')');
}

/* As a foreign key of this database says it. */
static void fail_held(struct held *held, const struct hold *hold)
{
	const struct reference *reference = reference_of(hold->from, owned(held));
	if (reference != NULL) {
		struct str table = hold->from->name;
		struct buf text;
		error_set(&held->error, ERROR_REFERENCE,
				  "update or delete on table \"%.*s\" violates foreign key constraint \"%.*s\" on "
				  "table \"%.*s\"",
				  STR_ARG(owned(held)->name), STR_ARG(reference->name), STR_ARG(table));
		buf_init(&text, SIZE_MAX);
		write_key(held, hold, &text);
		error_details(&held->error, "%.*s is still referenced from table \"%.*s\" at %.*s.",
					  STR_ARG(buf_str(&text)), STR_ARG(table), STR_ARG(hold->from->at.str));
		buf_finish(&text);
	}
	call_fail(held->call, &held->error);
}

/* ---- who holds the rows ---- */

static void ask(struct held *held);

static void run(struct held *held, const struct query *query,
				void (*done)(struct store_request *request, const struct store_result *result,
							 const struct error *error))
{
	struct buf *body = held->call->store.body;
	buf_clear(body);
	held->query = query;
	held->store = (struct store_request){.query = query, .body = body, .done = done};
	store_run(held->call->binding->loop->session, &held->store);
}

static struct held *held_of(struct store_request *request)
{
	return (struct held *)(void *)((char *)request - offsetof(struct held, store));
}

static bool read_hold(const struct held *held, struct value *values, struct hold *hold)
{
	const struct model *model = held->call->binding->service->model;
	int64_t asked_us = clock_system.wall_us(&clock_system) - (int64_t)LINKS_ASK_MS * 1000;
	hold->from = model_resource(model, values[HOLD_FROM].text);
	hold->mark = values[HOLD_MARK];
	hold->key = &values[HOLD_KEY];
	hold->asked = hold->from != NULL && resource_is_remote(hold->from) &&
		values[HOLD_KEPT].integer == 0 && values[HOLD_AT].integer < asked_us;
	return uuid_parse(values[HOLD_ID].text, &hold->id);
}

static bool read_holds(struct held *held)
{
	struct arena *arena = held->call->arena;
	size_t fields = held->query->fetch_count;
	struct own_rows rows;
	struct error error;
	bool more = true;
	held->holds = ARENA_ARRAY(arena, HELD_HOLDS, struct hold);
	bool good = own_rows_begin(&rows, held->query, buf_str(held->store.body), arena, &error);
	while (good && more) {
		struct value *values = ARENA_ARRAY(arena, fields, struct value);
		good = own_rows_next(&rows, values, &more, &error);
		if (good && more) {
			good = read_hold(held, values, &held->holds[held->count++]);
		}
	}
	return good;
}

static void on_holds(struct store_request *request, const struct store_result *result,
					 const struct error *error)
{
	struct held *held = held_of(request);
	(void)result;
	if (error != NULL || !read_holds(held)) {
		call_fail(held->call, &held->error);
		return;
	}
	for (size_t i = 0; i < held->count; i++) {
		if (!held->holds[i].asked || held->count == HELD_HOLDS) {
			fail_held(held, &held->holds[i]);
			return;
		}
	}
	ask(held);
}

static const struct field **all_fields(struct arena *arena, const struct resource *resource)
{
	const struct field **fields = ARENA_ARRAY(arena, resource->field_count, const struct field *);
	for (size_t i = 0; i < resource->field_count; i++) {
		fields[i] = &resource->fields[i];
	}
	return fields;
}

/* Copies: what is read next goes into the same buffer. */
static const struct value *copy_key(struct arena *arena, const struct value *values, size_t count)
{
	struct value *copy = ARENA_ARRAY(arena, count, struct value);
	for (size_t i = 0; i < count; i++) {
		copy[i] = values[i];
		if (values[i].kind == VALUE_TEXT) {
			copy[i].text = arena_copy(arena, values[i].text);
		}
	}
	return copy;
}

static bool read_keys(struct held *held, const struct value **ret_keys, size_t *ret_count)
{
	struct arena *arena = held->call->arena;
	size_t fields = owned(held)->key.count;
	struct value *values = ARENA_ARRAY(arena, fields, struct value);
	struct own_rows rows;
	struct error error;
	bool more = true;
	bool good = own_rows_begin(&rows, held->query, buf_str(held->store.body), arena, &error);
	*ret_count = 0;
	while (good && more) {
		good = own_rows_next(&rows, values, &more, &error);
		if (good && more) {
			ret_keys[(*ret_count)++] = copy_key(arena, values, fields);
		}
	}
	return good;
}

static void on_keys(struct store_request *request, const struct store_result *result,
					const struct error *error)
{
	struct held *held = held_of(request);
	struct arena *arena = held->call->arena;
	const struct resource *table = owned(held)->holds;
	const struct value **keys = ARENA_ARRAY(arena, HELD_ROWS, const struct value *);
	size_t count = 0;
	(void)result;
	if (error != NULL || !read_keys(held, keys, &count) || count == HELD_ROWS) {
		call_fail(held->call, &held->error);
		return;
	}
	struct query *query = own_query(arena, QUERY_LIST, table);
	own_where_keys(arena, query, &table->references[0].fields, keys, count);
	own_fetch(arena, query, all_fields(arena, table), table->field_count);
	own_order(arena, query, 1, HELD_HOLDS);
	run(held, query, on_holds);
}

/* ---- what their users have decided ---- */

static void on_settled(struct settle *settle, const struct settle_result *result)
{
	struct held *held = (struct held *)(void *)((char *)settle - offsetof(struct held, settle));
	if (!result->settled || result->used > 0) {
		fail_held(held, &held->holds[held->next - 1]);
	} else {
		ask(held);
	}
}

/* Asks about those that are not asked about yet, of the next of the users. */
static void ask(struct held *held)
{
	struct call *call = held->call;
	struct uuid *ids = ARENA_ARRAY(call->arena, held->count, struct uuid);
	struct value *marks = ARENA_ARRAY(call->arena, held->count, struct value);
	size_t count = 0;
	const struct resource *from = held->next < held->count ? held->holds[held->next].from : NULL;
	size_t left = held->next;
	for (size_t i = held->next; i < held->count; i++) {
		struct hold hold = held->holds[i];
		if (hold.from == from) {
			ids[count] = hold.id;
			marks[count++] = hold.mark;
			held->holds[i] = held->holds[left];
			held->holds[left++] = hold;
		}
	}
	if (count == 0) {
		run_again(held);
		return;
	}
	held->next = left;
	held->settle = (struct settle){
		.session = call->binding->loop->session,
		.peers = api_peers(call->binding->loop),
		.arena = call->arena,
		.holds = owned(held)->holds,
		.from = from,
		.ids = ids,
		.marks = marks,
		.count = count,
		.timeout_ms = LINKS_ASK_MS,
		.done = on_settled,
	};
	settle_start(&held->settle);
}

void links_hide(struct error *error)
{
	if (error->code == ERROR_REFERENCE && strstr(error->message, "\"_rl_hold_") != NULL) {
		error_set(error, ERROR_REFERENCE,
				  "update or delete violates a reference of another service to one of these rows");
	}
}

bool links_held(struct call *call, const struct error *error)
{
	const struct query *write = &call->query;
	bool changes = write->action == QUERY_DELETE || write->action == QUERY_UPDATE;
	if (error->code != ERROR_REFERENCE || !changes || write->resource->holds == NULL ||
		call->asked_holders) {
		return false;
	}
	call->asked_holders = true;
	struct held *held = ARENA_NEW(call->arena, struct held);
	held->call = call;
	held->error = *error;
	held->error.json = arena_copy(call->arena, error->json);
	const struct field_list *key = &write->resource->key;
	struct query *query = own_query(call->arena, QUERY_LIST, write->resource);
	query->where = write->where;
	query->today = write->today;
	query->uses_today = write->uses_today;
	own_fetch(call->arena, query, key->items, key->count);
	own_order(call->arena, query, key->count, HELD_ROWS);
	run(held, query, on_keys);
	return true;
}
