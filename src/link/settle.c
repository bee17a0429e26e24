#include "link/settle.h"

#include <stddef.h>

#include "link/own_rows.h"
#include "model/link_tables.h"

static void finish(struct settle *settle, const struct error *error)
{
	struct settle_result result = {
		.settled = error == NULL,
		.used = settle->decisions.used_count,
		.voided = settle->decisions.void_count,
		.outcome = PEER_DONE,
	};
	if (error != NULL) {
		result.error = *error;
	}
	buf_finish(&settle->body);
	settle->done(settle, &result);
}

/* The rows of these holds, as they were when they were asked about. */
static void pin(struct settle *settle, struct query *query, const struct uuid *ids, size_t count)
{
	const struct field *fields = settle->holds->fields;
	own_where_in(settle->arena, query, &fields[HOLD_ID], own_ids(settle->arena, ids, count), count);
	own_where_in(settle->arena, query, &fields[HOLD_MARK], settle->marks, settle->count);
}

static void run(struct settle *settle, const struct query *query,
				void (*done)(struct store_request *request, const struct store_result *result,
							 const struct error *error))
{
	buf_clear(&settle->body);
	settle->store = (struct store_request){.query = query, .body = &settle->body, .done = done};
	store_run(settle->session, &settle->store);
}

static struct settle *settle_of(struct store_request *request)
{
	return (struct settle *)(void *)((char *)request - offsetof(struct settle, store));
}

static void on_deleted(struct store_request *request, const struct store_result *result,
					   const struct error *error)
{
	(void)result;
	finish(settle_of(request), error);
}

static void delete_void(struct settle *settle)
{
	const struct message_decisions *decisions = &settle->decisions;
	if (decisions->void_count == 0) {
		finish(settle, NULL);
		return;
	}
	struct query *query = own_query(settle->arena, QUERY_DELETE, settle->holds);
	pin(settle, query, decisions->voided, decisions->void_count);
	run(settle, query, on_deleted);
}

static void on_kept(struct store_request *request, const struct store_result *result,
					const struct error *error)
{
	struct settle *settle = settle_of(request);
	(void)result;
	if (error != NULL) {
		finish(settle, error);
	} else {
		delete_void(settle);
	}
}

static void keep_used(struct settle *settle)
{
	const struct message_decisions *decisions = &settle->decisions;
	if (decisions->used_count == 0) {
		delete_void(settle);
		return;
	}
	const struct field *kept = &settle->holds->fields[HOLD_KEPT];
	struct query *query = own_query(settle->arena, QUERY_UPDATE, settle->holds);
	*own_give(settle->arena, query, &kept, 1, 1) = own_integer(1);
	pin(settle, query, decisions->used, decisions->used_count);
	run(settle, query, on_kept);
}

static void on_answer(struct peer_request *request, const struct peer_answer *answer)
{
	struct settle *settle = (struct settle *)(void *)((char *)request -
													  offsetof(struct settle, peer));
	if (answer->outcome == PEER_DONE) {
		settle->decisions = answer->decisions;
		keep_used(settle);
		return;
	}
	struct settle_result result = {
		.outcome = answer->outcome,
		.problem = answer->problem,
		.error = answer->error,
	};
	buf_finish(&settle->body);
	settle->done(settle, &result);
}

void settle_start(struct settle *settle)
{
	settle->peer = (struct peer_request){
		.arena = settle->arena,
		.timeout_ms = settle->timeout_ms,
		.done = on_answer,
	};
	settle->decisions = (struct message_decisions){0};
	buf_init(&settle->body, SIZE_MAX);
	peers_decide(settle->peers, &settle->peer, settle->from, settle->ids, settle->count);
}

void settle_cancel(struct settle *settle)
{
	if (peer_request_waits(&settle->peer)) {
		peers_cancel(&settle->peer);
		const struct peer_answer answer = {
			.outcome = PEER_NO_ANSWER,
			.problem = "it is not waited for",
		};
		on_answer(&settle->peer, &answer);
	}
}
