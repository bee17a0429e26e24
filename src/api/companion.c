#include "api/companion.h"

#include "api/call.h"
#include "api/conditional.h"
#include "api/idempotency.h"
#include "api/merge.h"
#include "query/cond.h"

/* ---- before the write ---- */

/* Is the row there, and in the state that the client has seen? */
static bool check_row(struct companion *companion, struct store_transaction *transaction,
					  struct error *error)
{
	struct store_result result;
	struct error found = {0};
	struct buf body;
	buf_init(&body, SIZE_MAX);
	bool there = store_transaction_run(transaction, &companion->row, &body, &result, &found);
	buf_finish(&body);
	if (!there && found.code != ERROR_NOT_FOUND) {
		*error = found;
		return false;
	}
	if (companion->create_only) {
		return !there ||
			error_set(error, ERROR_PRECONDITION, "There is a row with this key already");
	}
	if (!there) {
		return error_set(error, ERROR_PRECONDITION, "There is no row with this key");
	}
	return conditional_matches(companion->if_match, result.tag) ||
		error_set(error, ERROR_PRECONDITION, NULL);
}

static enum companion_verdict before(struct store_companion *base,
									 struct store_transaction *transaction, struct error *error)
{
	struct companion *companion = (struct companion *)base;
	companion->composed = false;
	buf_clear(&companion->fields);
	if (companion->key.ptr != NULL) {
		enum companion_verdict verdict = idempotency_begin(companion, transaction, error);
		if (verdict != COMPANION_GO_ON) {
			return verdict;
		}
	}
	bool conditional = companion->create_only || companion->if_match.len > 0;
	struct link_write *link = companion->call->link;
	return (!conditional || check_row(companion, transaction, error)) &&
			(companion->merge == NULL || merge_before(companion->merge, transaction, error)) &&
			(link == NULL || link_write_before(link, transaction, error))
		? COMPANION_GO_ON
		: COMPANION_FAIL;
}

/* ---- after it ---- */

static bool check_rows(const struct companion *companion, uint64_t rows, struct error *error)
{
	if (companion->singular && rows != 1) {
		error_set(error, ERROR_NOT_ONE, NULL);
		return error_details(error, "The result contains %llu rows", (unsigned long long)rows);
	}
	if (rows > companion->max_affected) {
		error_set(error, ERROR_MAX_AFFECTED, NULL);
		return error_details(error, "The query affects %llu rows", (unsigned long long)rows);
	}
	return true;
}

static enum companion_verdict after(struct store_companion *base,
									struct store_transaction *transaction,
									const struct store_result *result, struct error *error)
{
	struct companion *companion = (struct companion *)base;
	if (!check_rows(companion, result->rows, error) ||
		(companion->merge != NULL && !merge_after(companion->merge, transaction, result, error))) {
		return COMPANION_FAIL;
	}
	if (companion->roll_back) {
		return COMPANION_ROLL_BACK;
	}
	struct link_write *link = companion->call->link;
	if (link != NULL && !link_write_after(link, transaction, result, error)) {
		return COMPANION_FAIL;
	}
	if (companion->key.ptr == NULL) {
		return COMPANION_GO_ON;
	}
	struct reply reply = {.fields = &companion->fields};
	companion->call->compose(companion->call, result, &reply);
	if (reply.error.code != ERROR_NONE) {
		*error = reply.error;
		return COMPANION_FAIL;
	}
	companion->composed = true;
	companion->status = reply.status;
	companion->content_type = reply.content_type;
	/* A route's own text is no rows of the store. */
	struct buf *body = companion->call->store.body;
	if (reply.body.ptr != buf_str(body).ptr) {
		buf_clear(body);
		buf_append(body, reply.body);
	}
	return idempotency_end(companion, transaction, error) ? COMPANION_GO_ON : COMPANION_FAIL;
}

/* ---- on the loop ---- */

bool companion_init(struct call *call, const struct cond *row, struct error *error)
{
	struct companion *companion = &call->companion;
	const struct preferences *preferences = &call->preferences;
	const struct limits *limits = call_limits(call);
	struct str none = http_request_field(call->request, STR("If-None-Match"));
	*companion = (struct companion){
		.base = {.before = before, .after = after},
		.call = call,
		.if_match = http_request_field(call->request, STR("If-Match")),
		.create_only = str_equal(none, STR("*")),
		.roll_back = limits->rollback != 0 && prefers(preferences, PREFER_TX, TX_ROLLBACK),
		.max_affected = preferences->max_affected,
	};
	buf_init(&companion->fields, SIZE_MAX);
	bool conditional = companion->create_only || companion->if_match.len > 0;
	if (conditional && row == NULL) {
		error_set(error, ERROR_UNSUPPORTED, NULL);
		return error_details(error, "If-Match and If-None-Match of a write without a whole key");
	}
	if (conditional) {
		struct parsed_query parsed;
		struct check_options options = {.limits = limits, .caller = call_caller(call), .tag = true};
		parsed_query_init(&parsed);
		companion->row.action = QUERY_GET;
		companion->row.resource = call->query.resource;
		if (!check_query(&parsed, QUERY_GET, call->query.resource, &options, call->arena,
						 &companion->row, error)) {
			return false;
		}
		companion->row.where = cond_both(call->arena, row, companion->row.where);
		companion->row.format = FORMAT_OBJECT;
	}
	return merge_init(call, &companion->merge, error) && idempotency_init(call, error);
}

void companion_attach(struct call *call)
{
	struct companion *companion = &call->companion;
	bool needed = companion->key.ptr != NULL || companion->create_only ||
		companion->if_match.len > 0 || companion->singular || companion->roll_back ||
		companion->max_affected != UINT64_MAX || companion->merge != NULL;
	call->store.companion = needed ? &companion->base : NULL;
}

bool companion_reply(struct call *call, struct reply *reply)
{
	struct companion *companion = &call->companion;
	if (call->store.companion == NULL || !companion->composed) {
		return false;
	}
	reply->status = companion->status;
	reply->content_type = companion->content_type;
	reply->body = buf_str(call->store.body);
	buf_append(reply->fields, buf_str(&companion->fields));
	return true;
}

void companion_finish(struct call *call)
{
	buf_finish(&call->companion.fields);
}
