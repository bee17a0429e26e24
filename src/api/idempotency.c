/*
 * DESIGN. Kept answers are rows of the hidden resource `_rl_idem`: what a companion runs are
 * ordinary checked queries, built here by hand over its fields, the same on every store.
 */
#include "api/idempotency.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#include "api/api_priv.h"
#include "api/call.h"
#include "auth/principal.h"
#include "base/clock.h"
#include "base/map.h"
#include "codec/json.h"
#include "query/cond.h"

/* The fields of `_rl_idem`, in their order. */
enum {
	FIELD_SCOPE,
	FIELD_KEY,
	FIELD_HASH,
	FIELD_STATUS,
	FIELD_TYPE,
	FIELD_FIELDS,
	FIELD_BODY,
	FIELD_AT,
	FIELDS
};

static const uint64_t hash_key[2] = {0x6964656d706f7465, 0x6e63792d6b657973};

static struct str hash_request(struct call *call)
{
	const struct http_request *request = call->request;
	struct str type = http_request_field(request, STR("Content-Type"));
	struct str method = http_method_name(request->method);
	/* Of a write that is another one for another caller. */
	struct str rules = call_rules_key(call);
	struct str parts[] = {method, call->path, request->query, type, request->body, rules};
	uint64_t hash[2] = {0, 1};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (size_t k = 0; k < 2; k++) {
			uint64_t key[2] = {hash_key[0] + k, hash_key[1]};
			uint64_t joined[2] = {hash[k], siphash(key, parts[i].ptr, parts[i].len)};
			hash[k] = siphash(key, joined, sizeof(joined));
		}
	}
	return arena_printf(call->arena, "%016llx%016llx", (unsigned long long)hash[0],
						(unsigned long long)hash[1]);
}

/* A second field than the one with this value. */
static bool has_another(const struct http_request *request, struct str key)
{
	for (size_t i = 0; i < request->field_count; i++) {
		const struct http_field *field = &request->fields[i];
		if (str_equal_nocase(field->name, STR("Idempotency-Key")) && field->value.ptr != key.ptr) {
			return true;
		}
	}
	return false;
}

/* Keys of one caller mean nothing for another. */
static struct str make_scope(struct call *call)
{
	struct str service = call->binding->service->model->service;
	return call->principal == NULL || call->principal->id.len == 0
		? service
		: arena_printf(call->arena, "%.*s %.*s", STR_ARG(service), STR_ARG(call->principal->id));
}

bool idempotency_init(struct call *call, struct error *error)
{
	struct companion *companion = &call->companion;
	struct str key = http_request_field(call->request, STR("Idempotency-Key"));
	const struct model *model = call->binding->service->model;
	if (key.ptr == NULL || companion->roll_back) {
		return true;
	}
	if (key.len == 0 || key.len > IDEMPOTENCY_KEY_BYTES) {
		return error_set(error, ERROR_HTTP_SYNTAX, "an Idempotency-Key has 1 to %d characters",
						 IDEMPOTENCY_KEY_BYTES);
	}
	if (has_another(call->request, key)) {
		return error_set(error, ERROR_HTTP_SYNTAX, "a request has one Idempotency-Key");
	}
	if (model->kept_answers == NULL) {
		error_set(error, ERROR_UNSUPPORTED, NULL);
		return error_details(error,
							 "Idempotency-Key on a database that holds no table for kept answers");
	}
	companion->key = key;
	companion->hash = hash_request(call);
	companion->scope = make_scope(call);
	return true;
}

/* ---- queries over the kept rows ---- */

/* A query of this request's row, and what it needs. */
struct kept {
	const struct resource *resource;
	struct query query;
	struct value values[FIELDS];
	const struct field *given[FIELDS];
	struct cond conds[3];
	const struct cond *all[3];
	struct cond where;
	struct query_fetch fetch[FIELDS];
	struct query_column columns[FIELDS];
};

static struct value text_value(struct str text)
{
	return (struct value){.kind = VALUE_TEXT, .text = text};
}

static void kept_init(struct kept *kept, const struct companion *companion,
					  enum query_action action)
{
	const struct resource *resource = companion->call->binding->service->model->kept_answers;
	assert(resource->field_count == FIELDS);
	*kept = (struct kept){.resource = resource};
	kept->query = (struct query){
		.action = action,
		.resource = resource,
		.limit = UINT64_MAX,
		.conflict = resource->key,
		.resolution = RESOLUTION_IGNORE,
	};
}

/* Pins scope and key. */
static void kept_pin(struct kept *kept, const struct companion *companion)
{
	struct str texts[2] = {companion->scope, companion->key};
	for (size_t i = 0; i < 2; i++) {
		kept->conds[i] = (struct cond){
			.kind = COND_COMPARE,
			.field = &kept->resource->fields[i],
			.type = &kept->resource->fields[i],
			.op = OPERATOR_EQ,
			.operand = {.value = text_value(texts[i]), .parameter = -1},
		};
		kept->all[i] = &kept->conds[i];
	}
	kept->where = (struct cond){
		.kind = COND_AND,
		.children = kept->all,
		.child_count = 2,
		.height = 1,
	};
	kept->query.where = &kept->where;
}

static void kept_give(struct kept *kept, size_t number, struct value value)
{
	size_t at = kept->query.given.count;
	kept->given[at] = &kept->resource->fields[number];
	kept->values[at] = value;
	kept->query.given = (struct field_list){kept->given, at + 1};
	kept->query.values = kept->values;
	kept->query.row_count = 1;
}

/* An object of all fields. */
static void kept_fetch(struct kept *kept)
{
	static const struct str keys[FIELDS] = {
		STR_INIT("\"scope\":"),  STR_INIT("\"key\":"),  STR_INIT("\"hash\":"),
		STR_INIT("\"status\":"), STR_INIT("\"type\":"), STR_INIT("\"fields\":"),
		STR_INIT("\"body\":"),   STR_INIT("\"at\":"),
	};
	for (size_t i = 0; i < FIELDS; i++) {
		const struct field *field = &kept->resource->fields[i];
		kept->fetch[i] = (struct query_fetch){.term = {.field = field}, .type = field};
		kept->columns[i] = (struct query_column){.name = field->name, .key = keys[i], .at = i};
	}
	kept->query.fetch = kept->fetch;
	kept->query.fetch_count = FIELDS;
	kept->query.columns = kept->columns;
	kept->query.column_count = FIELDS;
	kept->query.format = FORMAT_OBJECT;
}

/* ---- before the write ---- */

/* When the oldest rows were written that count. */
static struct cond where_at(const struct kept *kept, enum operator_name op)
{
	int64_t now_s = clock_system.wall_us(&clock_system) / 1000000;
	return (struct cond){
		.kind = COND_COMPARE,
		.field = &kept->resource->fields[FIELD_AT],
		.type = &kept->resource->fields[FIELD_AT],
		.op = op,
		.operand = {.value = {.kind = VALUE_INTEGER,
							  .integer = now_s - (int64_t)IDEMPOTENCY_HOURS * 3600},
					.parameter = -1},
	};
}

/* Rows that are too old go. */
static bool forget_old(const struct companion *companion, struct store_transaction *transaction,
					   struct error *error)
{
	struct kept kept;
	struct store_result result;
	kept_init(&kept, companion, QUERY_DELETE);
	kept.conds[0] = where_at(&kept, OPERATOR_LT);
	kept.query.where = &kept.conds[0];
	return store_transaction_run(transaction, &kept.query, NULL, &result, error);
}

static bool reserve(const struct companion *companion, struct store_transaction *transaction,
					bool *ret_new, struct error *error)
{
	struct kept kept;
	struct store_result result;
	int64_t now_s = clock_system.wall_us(&clock_system) / 1000000;
	kept_init(&kept, companion, QUERY_UPSERT);
	kept_give(&kept, FIELD_SCOPE, text_value(companion->scope));
	kept_give(&kept, FIELD_KEY, text_value(companion->key));
	kept_give(&kept, FIELD_HASH, text_value(companion->hash));
	kept_give(&kept, FIELD_AT, (struct value){.kind = VALUE_INTEGER, .integer = now_s});
	bool ok = store_transaction_run(transaction, &kept.query, NULL, &result, error);
	*ret_new = ok && result.inserted > 0;
	return ok;
}

/* Fills the companion from the kept row, which is a JSON object. */
static bool take_answer(struct companion *companion, struct str json, struct error *error)
{
	struct json_reader reader;
	struct arena *arena = companion->call->arena;
	json_reader_init(&reader, json, 2, arena);
	if (json_next(&reader) != JSON_OBJECT) {
		return error_set(error, ERROR_STORE, NULL);
	}
	while (json_next(&reader) == JSON_KEY) {
		struct str name = reader.text;
		enum json_event event = json_next(&reader);
		struct str text = event == JSON_NULL ? STR("") : reader.text;
		if (str_equal(name, STR("hash")) && !str_equal(text, companion->hash)) {
			return error_set(error, ERROR_IDEMPOTENCY, NULL);
		}
		if (str_equal(name, STR("status"))) {
			companion->status = 0;
			for (size_t i = 0; i < text.len; i++) {
				companion->status = companion->status * 10 + (text.ptr[i] - '0');
			}
		} else if (str_equal(name, STR("type"))) {
			companion->content_type = arena_copy(arena, text);
		} else if (str_equal(name, STR("fields"))) {
			buf_append(&companion->fields, text);
		} else if (str_equal(name, STR("body"))) {
			buf_append(companion->call->store.body, text);
		}
	}
	companion->composed = true;
	return true;
}

static enum companion_verdict repeat(struct companion *companion,
									 struct store_transaction *transaction, struct error *error)
{
	struct kept kept;
	struct store_result result;
	struct buf row;
	buf_init(&row, SIZE_MAX);
	kept_init(&kept, companion, QUERY_GET);
	kept_pin(&kept, companion);
	kept_fetch(&kept);
	bool ok = store_transaction_run(transaction, &kept.query, &row, &result, error) &&
		take_answer(companion, buf_str(&row), error);
	buf_finish(&row);
	return ok ? COMPANION_ANSWERED : COMPANION_FAIL;
}

enum companion_verdict idempotency_begin(struct companion *companion,
										 struct store_transaction *transaction, struct error *error)
{
	bool is_new;
	if (!forget_old(companion, transaction, error) ||
		!reserve(companion, transaction, &is_new, error)) {
		return COMPANION_FAIL;
	}
	return is_new ? COMPANION_GO_ON : repeat(companion, transaction, error);
}

/* ---- before the transaction ---- */

struct look {
	struct store_request request;
	struct call *call;
	void (*go_on)(struct call *call);
	struct kept kept;
	struct buf row;
};

static void on_looked(struct store_request *request, const struct store_result *result,
					  const struct error *error)
{
	struct look *look = (struct look *)(void *)((char *)request - offsetof(struct look, request));
	struct call *call = look->call;
	struct error wrong = {0};
	bool none = error != NULL && error->code == ERROR_NOT_FOUND;
	if (error != NULL) {
		wrong = *error;
	}
	call->store.body = http_exchange_buffer(call->exchange);
	bool found = error == NULL && take_answer(&call->companion, buf_str(&look->row), &wrong);
	buf_finish(&look->row);
	if (none) {
		look->go_on(call);
	} else if (found) {
		call_written(call, result);
	} else {
		call_fail(call, &wrong);
	}
}

void idempotency_look(struct call *call, void (*go_on)(struct call *call))
{
	struct look *look = ARENA_NEW(call->arena, struct look);
	struct kept *kept = &look->kept;
	kept_init(kept, &call->companion, QUERY_GET);
	kept_pin(kept, &call->companion);
	kept->conds[2] = where_at(kept, OPERATOR_GTE);
	kept->all[2] = &kept->conds[2];
	kept->where.child_count = 3;
	kept_fetch(kept);
	look->call = call;
	look->go_on = go_on;
	buf_init(&look->row, SIZE_MAX);
	look->request = (struct store_request){
		.query = &kept->query,
		.body = &look->row,
		.done = on_looked,
	};
	store_run(call->binding->loop->session, &look->request);
}

/* ---- after it ---- */

bool idempotency_end(struct companion *companion, struct store_transaction *transaction,
					 struct error *error)
{
	struct kept kept;
	struct store_result result;
	struct str body = buf_str(companion->call->store.body);
	kept_init(&kept, companion, QUERY_UPDATE);
	kept_pin(&kept, companion);
	kept_give(&kept, FIELD_STATUS,
			  (struct value){.kind = VALUE_INTEGER, .integer = companion->status});
	kept_give(&kept, FIELD_TYPE, text_value(companion->content_type));
	kept_give(&kept, FIELD_FIELDS, text_value(buf_str(&companion->fields)));
	if (body.len <= IDEMPOTENCY_BODY_BYTES) {
		kept_give(&kept, FIELD_BODY, text_value(body));
	}
	return store_transaction_run(transaction, &kept.query, NULL, &result, error);
}
