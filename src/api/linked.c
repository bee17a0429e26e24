#include "api/linked.h"

#include "api/api_priv.h"
#include "api/idempotency.h"
#include "api/links.h"
#include "link/user.h"

static void on_ready(void *context, const struct error *error)
{
	struct call *call = context;
	if (error != NULL) {
		call_fail(call, error);
	} else {
		call_run(call, call->compose);
	}
}

/* Rows that come in batches, to be read for their keys. The first wrong one ends the request before
 * anything is asked for. */
static bool begin_scan(struct call *call, struct query_batches **ret_scan, struct error *error)
{
	struct body_options *options = ARENA_NEW(call->arena, struct body_options);
	struct query *query = ARENA_NEW(call->arena, struct query);
	*ret_scan = NULL;
	if (call->query.batches == NULL) {
		return true;
	}
	*options = *call->body_options;
	options->release = NULL;
	*query = call->query;
	bool ok = check_body_batches(call->request->body, options, call->arena, query, error);
	*ret_scan = ok ? query->batches : NULL;
	call->scan = *ret_scan;
	return ok;
}

static void begin(struct call *call)
{
	struct api_loop *loop = call->binding->loop;
	struct error error = {0};
	struct link_write_options options = {
		.asker = &link_asker_peers,
		.peers = api_peers(loop),
		.loop = loop->loop,
		.model = call->binding->service->model,
		.arena = call->arena,
		.query = &call->query,
		.ready = on_ready,
		.context = call,
	};
	if (!begin_scan(call, &options.scan, &error) ||
		!link_write_create(&options, &call->link, &error)) {
		call_fail(call, &error);
	} else if (call->link == NULL) {
		call_run(call, call->compose);
	} else {
		call->store.companion = &call->companion.base;
		link_write_begin(call->link);
	}
}

void linked_run(struct call *call, compose_reply *compose)
{
	call->compose = compose;
	if (!link_user_concerns(call->query.resource)) {
		call_run(call, compose);
	} else if (call->companion.key.ptr != NULL) {
		idempotency_look(call, begin);
	} else {
		begin(call);
	}
}

void linked_end(struct call *call, const struct store_result *result, const struct error *error)
{
	if (call->link != NULL && link_write_end(call->link, result, error)) {
		links_ring(call->binding->loop->api);
	}
	link_write_finish(call->link);
	call->link = NULL;
}

void linked_finish(struct call *call)
{
	/* Whoever failed the call before the store had it, or after it had refused it, knows that
	 * nothing was written. */
	const struct error unwritten = {.code = ERROR_REFERENCE};
	linked_end(call, NULL, &unwritten);
	query_batches_finish(call->scan);
	call->scan = NULL;
}
