#include <assert.h>

#include "api/answer_key.h"
#include "api/general_priv.h"
#include "api/linked.h"
#include "api/range.h"
#include "query/cond.h"

enum {
	APPLIED_INSERT = 1 << PREFER_RETURN | 1 << PREFER_MISSING,
	APPLIED_UPDATE = 1 << PREFER_RETURN | 1 << PREFER_MISSING | 1 << PREFER_MAX_AFFECTED,
	APPLIED_DELETE = 1 << PREFER_RETURN | 1 << PREFER_MAX_AFFECTED,
};

/* ---- answers ---- */

static const uint64_t *counted(const struct call *call, const struct store_result *result)
{
	bool counts = !prefers(&call->preferences, PREFER_COUNT, PREFER_UNSET);
	return counts ? &result->rows : NULL;
}

static void compose_insert(struct call *call, const struct store_result *result,
						   struct reply *reply)
{
	const struct preferences *preferences = &call->preferences;
	bool upserts = call->query.action == QUERY_UPSERT;
	bool merges = upserts && call->query.resolution == RESOLUTION_MERGE;
	range_add(reply, 0, 0, counted(call, result));
	general_add(call, reply, APPLIED_INSERT | (upserts ? 1U << PREFER_RESOLUTION : 0));
	if (prefers(preferences, PREFER_RETURN, RETURN_HEADERS_ONLY)) {
		answer_add_location(call, LOCATION_FILTER, result, reply);
	}
	reply_rows(call, reply, merges && result->inserted == 0 ? 200 : 201);
}

/* Without a representation 204. */
static void reply_changed(struct call *call, struct reply *reply)
{
	if (prefers(&call->preferences, PREFER_RETURN, RETURN_REPRESENTATION)) {
		reply_rows(call, reply, 200);
	} else {
		reply->status = 204;
	}
}

static void compose_update(struct call *call, const struct store_result *result,
						   struct reply *reply)
{
	range_add(reply, 0, result->rows, counted(call, result));
	general_add(call, reply, APPLIED_UPDATE);
	reply_changed(call, reply);
}

static void compose_delete(struct call *call, const struct store_result *result,
						   struct reply *reply)
{
	range_add(reply, 0, 0, counted(call, result));
	general_add(call, reply, APPLIED_DELETE);
	reply_changed(call, reply);
}

static void compose_put(struct call *call, const struct store_result *result, struct reply *reply)
{
	general_add(call, reply, 1U << PREFER_RETURN);
	reply_changed(call, reply);
	if (result->inserted > 0 && (reply->status == 200 || call->match.parameter_count > 0)) {
		reply->status = 201;
	}
}

/* ---- requests ---- */

static void run(struct general *general, const struct cond *row, compose_reply *compose)
{
	struct call *call = general->call;
	struct companion *companion = &call->companion;
	if (!companion_init(call, row, &general->error)) {
		call_fail(call, &general->error);
		return;
	}
	/* Rows that are not answered are counted there. */
	companion->singular = call->query.format == FORMAT_OBJECT && !call->query.must_match;
	if (call->query.action == QUERY_INSERT || call->query.action == QUERY_UPSERT) {
		companion->max_affected = UINT64_MAX;
	}
	companion_attach(call);
	linked_run(call, compose);
}

/* Which rows an insert may meet, and what then becomes of them. */
static void choose_resolution(struct general *general)
{
	struct call *call = general->call;
	const struct preferences *preferences = &call->preferences;
	bool merges = prefers(preferences, PREFER_RESOLUTION, RESOLUTION_MERGE_DUPLICATES);
	bool ignores = prefers(preferences, PREFER_RESOLUTION, RESOLUTION_IGNORE_DUPLICATES);
	bool has_target = general->parsed.on_conflict.count > 0 || call->query.resource->key.count > 0;
	if ((merges || ignores) && has_target) {
		call->query.action = QUERY_UPSERT;
		call->query.resolution = merges ? RESOLUTION_MERGE : RESOLUTION_IGNORE;
	}
}

void general_run_insert(struct call *call)
{
	struct general general;
	struct body_options options = {.many = true};
	bool ok = general_begin(&general, call, QUERY_INSERT);
	choose_resolution(&general);
	ok = ok && general_check(&general) && general_read_body(&general, &options);
	if (!ok) {
		call_fail(call, &general.error);
		return;
	}
	run(&general, NULL, compose_insert);
}

/* Of an item its key; else the conditions, when they are the whole key. */
static bool find_rows(struct general *general, const struct cond **ret_row)
{
	struct query *query = &general->call->query;
	*ret_row = NULL;
	if (general->call->match.parameter_count == 0) {
		*ret_row = check_only_key(query) ? query->where : NULL;
		return true;
	}
	if (check_has_filters(query)) {
		error_set(&general->error, ERROR_UNSUPPORTED, NULL);
		return error_details(&general->error, "filters beside the key of a path");
	}
	if (!general_pin_item(general)) {
		return false;
	}
	*ret_row = query->where;
	if (query->format == FORMAT_ARRAY) {
		query->format = FORMAT_OBJECT;
	}
	return true;
}

void general_run_update(struct call *call)
{
	struct general general;
	const struct cond *row;
	struct body_options options = {.many = true};
	bool ok = general_begin(&general, call, QUERY_UPDATE) && general_check(&general) &&
		find_rows(&general, &row) && general_read_body(&general, &options);
	if (!ok) {
		call_fail(call, &general.error);
		return;
	}
	run(&general, row, compose_update);
}

void general_run_delete(struct call *call)
{
	struct general general;
	const struct cond *row;
	bool ok = general_begin(&general, call, QUERY_DELETE) && general_check(&general) &&
		find_rows(&general, &row);
	if (!ok) {
		call_fail(call, &general.error);
		return;
	}
	run(&general, row, compose_delete);
}

/* ---- PUT ---- */

/* Reads the one row of a PUT, whose key the path or the conditions fix. */
static bool read_put(struct general *general, const struct cond *where)
{
	struct call *call = general->call;
	const struct field_list *key = &call->query.resource->key;
	struct value *fixed = ARENA_ARRAY(call->arena, key->count, struct value);
	for (size_t i = 0; i < key->count; i++) {
		const struct value *value = cond_pinned(where, key->items[i]);
		assert(value != NULL);
		fixed[i] = *value;
	}
	struct body_options options = {
		.many = true,
		.whole = true,
		.fixed = key,
		.fixed_values = fixed,
		.fixed_error = ERROR_PUT_KEY,
	};
	call->query.action = QUERY_UPSERT;
	call->query.resolution = RESOLUTION_MERGE;
	call->query.conflict = *key;
	call->query.conflict_where = NULL;
	call->query.where = NULL;
	const struct check_options rules = {.limits = call_limits(call), .caller = call_caller(call)};
	bool shown = prefers(&call->preferences, PREFER_RETURN, RETURN_REPRESENTATION);
	if (!check_rules(QUERY_UPSERT, shown, &rules, call->arena, &call->query, &general->error)) {
		return false;
	}
	if (!general_read_body(general, &options)) {
		return false;
	}
	if (call->query.row_count == 0) {
		return error_set(&general->error, ERROR_BODY, "PUT needs one object");
	}
	/* PostgREST takes the first as well. */
	call->query.row_count = 1;
	return true;
}

static bool check_put(struct general *general)
{
	const struct parsed_level *root = &general->parsed.root;
	struct query *query = &general->call->query;
	if (root->has_limit || root->has_offset) {
		return error_set(&general->error, ERROR_PUT_RANGE, NULL);
	}
	if (!general_check(general)) {
		return false;
	}
	return check_only_key(query) || error_set(&general->error, ERROR_KEY_FILTERS, NULL);
}

void general_run_put(struct call *call)
{
	struct general general;
	const struct cond *row = NULL;
	bool ok = general_begin(&general, call, QUERY_UPDATE) && check_put(&general);
	if (ok) {
		row = call->query.where;
		ok = read_put(&general, row);
	}
	if (!ok) {
		call_fail(call, &general.error);
		return;
	}
	run(&general, row, compose_put);
}

void general_run_item_put(struct call *call)
{
	struct general general;
	const struct cond *row = NULL;
	bool ok = general_begin(&general, call, QUERY_UPDATE) && general_check(&general) &&
		find_rows(&general, &row) && read_put(&general, row);
	if (!ok) {
		call_fail(call, &general.error);
		return;
	}
	call->query.must_match = false;
	run(&general, row, compose_put);
}
