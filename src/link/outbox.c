#include "link/outbox.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "link/own_rows.h"
#include "model/link_tables.h"

/* Of one pair. A round is: look, send, delete. */
struct sender {
	struct outbox *outbox;
	struct sender *next;
	const struct resource *resource; /* the owner's */
	const struct resource *from;     /* ours */
	uint64_t next_ms;                /* of the next round */
	uint64_t pause_ms;               /* 0: the last round went well */
	bool busy;
	bool rung;          /* during this round */
	struct arena arena; /* of a round */
	struct store_request store;
	struct buf body;
	struct peer_request peer;
	struct value *numbers; /* arena: `n` of the rows that are sent */
	struct uuid *ids;      /* arena */
	size_t count;
};

struct outbox {
	const struct link_keep_options *options;
	struct sender *senders;
	bool stopped;
};

static struct sender *sender_of(struct store_request *request)
{
	return (struct sender *)(void *)((char *)request - offsetof(struct sender, store));
}

/* ---- the end of a round ---- */

static void end(struct sender *sender, uint64_t wait_ms)
{
	sender->busy = false;
	sender->next_ms = loop_now_ms(sender->outbox->options->loop) + wait_ms;
	buf_clear(&sender->body);
	arena_reset(&sender->arena);
}

static void end_well(struct sender *sender, bool more)
{
	sender->pause_ms = 0;
	end(sender, more || sender->rung ? 0 : OUTBOX_LOOK_MS);
}

static void end_badly(struct sender *sender)
{
	uint64_t longer = 2 * sender->pause_ms;
	sender->pause_ms = longer < OUTBOX_LEAST_PAUSE_MS ? OUTBOX_LEAST_PAUSE_MS
		: longer > OUTBOX_MOST_PAUSE_MS               ? OUTBOX_MOST_PAUSE_MS
													  : longer;
	end(sender, sender->pause_ms);
}

static void tell(const struct sender *sender, const char *problem)
{
	const struct link_keep_options *options = sender->outbox->options;
	bool was_good = sender->pause_ms == 0;
	if (options->told != NULL && was_good != (problem == NULL)) {
		options->told(options->context, sender->resource, problem);
	}
}

/* ---- a round ---- */

static void run(struct sender *sender, const struct query *query,
				void (*done)(struct store_request *request, const struct store_result *result,
							 const struct error *error))
{
	buf_clear(&sender->body);
	sender->store = (struct store_request){.query = query, .body = &sender->body, .done = done};
	store_run(sender->outbox->options->session, &sender->store);
}

static void on_deleted(struct store_request *request, const struct store_result *result,
					   const struct error *error)
{
	struct sender *sender = sender_of(request);
	(void)result;
	if (error != NULL) {
		end_badly(sender);
	} else {
		end_well(sender, sender->count == OUTBOX_BATCH);
	}
}

static void on_sent(struct peer_request *request, const struct peer_answer *answer)
{
	struct sender *sender = (struct sender *)(void *)((char *)request -
													  offsetof(struct sender, peer));
	tell(sender, answer->problem);
	if (answer->outcome != PEER_DONE || sender->outbox->stopped) {
		end_badly(sender);
		return;
	}
	const struct resource *outbox = sender->outbox->options->model->outbox;
	struct query *query = own_query(&sender->arena, QUERY_DELETE, outbox);
	own_where_in(&sender->arena, query, &outbox->fields[OUTBOX_N], sender->numbers, sender->count);
	run(sender, query, on_deleted);
}

static bool read_rows(struct sender *sender, const struct query *query, struct error *error)
{
	struct own_rows rows;
	struct value values[2];
	bool more;
	sender->numbers = ARENA_ARRAY(&sender->arena, OUTBOX_BATCH, struct value);
	sender->ids = ARENA_ARRAY(&sender->arena, OUTBOX_BATCH, struct uuid);
	sender->count = 0;
	if (!own_rows_begin(&rows, query, buf_str(&sender->body), &sender->arena, error)) {
		return false;
	}
	while (own_rows_next(&rows, values, &more, error)) {
		if (!more) {
			return true;
		}
		assert(sender->count < OUTBOX_BATCH);
		sender->numbers[sender->count] = values[0];
		if (!uuid_parse(values[1].text, &sender->ids[sender->count])) {
			return error_set(error, ERROR_STORE, NULL);
		}
		sender->count++;
	}
	return false;
}

static void on_rows(struct store_request *request, const struct store_result *result,
					const struct error *error)
{
	struct sender *sender = sender_of(request);
	struct error wrong;
	(void)result;
	if (error != NULL || sender->outbox->stopped || !read_rows(sender, request->query, &wrong)) {
		end_badly(sender);
		return;
	}
	if (sender->count == 0) {
		end_well(sender, false);
		return;
	}
	const struct message_ids ids = {
		.resource = sender->resource,
		.from = sender->from,
		.items = sender->ids,
		.count = sender->count,
	};
	sender->peer = (struct peer_request){.arena = &sender->arena, .done = on_sent};
	peers_release(sender->outbox->options->peers, &sender->peer, &ids);
}

static void begin(struct sender *sender)
{
	struct arena *arena = &sender->arena;
	const struct resource *outbox = sender->outbox->options->model->outbox;
	const struct field *fields[] = {&outbox->fields[OUTBOX_N], &outbox->fields[OUTBOX_ID]};
	struct query *query = own_query(arena, QUERY_LIST, outbox);
	own_where(arena, query, &outbox->fields[OUTBOX_RESOURCE], OPERATOR_EQ,
			  own_text(sender->resource->name));
	own_where(arena, query, &outbox->fields[OUTBOX_FROM], OPERATOR_EQ,
			  own_text(sender->from->name));
	own_fetch(arena, query, fields, 2);
	own_order(arena, query, 1, OUTBOX_BATCH);
	sender->busy = true;
	sender->rung = false;
	run(sender, query, on_rows);
}

void outbox_tick(struct outbox *outbox, uint64_t now_ms, bool rung)
{
	for (struct sender *sender = outbox->senders; sender != NULL && !outbox->stopped;
		 sender = sender->next) {
		/* A bell that rings during a round may tell of a row that the round did not see. */
		if (rung && sender->pause_ms == 0) {
			sender->next_ms = now_ms;
			sender->rung = true;
		}
		if (!sender->busy && now_ms >= sender->next_ms) {
			begin(sender);
		}
	}
}

/* ---- life ---- */

static void add_sender(struct outbox *outbox, const struct resource *resource,
					   const struct resource *from)
{
	for (const struct sender *sender = outbox->senders; sender != NULL; sender = sender->next) {
		if (sender->resource == resource && sender->from == from) {
			return;
		}
	}
	struct sender *sender = alloc_zeroed(1, sizeof(*sender));
	sender->outbox = outbox;
	sender->resource = resource;
	sender->from = from;
	sender->next = outbox->senders;
	arena_init(&sender->arena, KIB(16));
	buf_init(&sender->body, SIZE_MAX);
	outbox->senders = sender;
}

struct outbox *outbox_create(const struct link_keep_options *options)
{
	struct outbox *outbox = alloc_zeroed(1, sizeof(*outbox));
	const struct model *model = options->model;
	outbox->options = options;
	for (size_t i = 0; i < model->resource_count && model->outbox != NULL; i++) {
		const struct resource *resource = &model->resources[i];
		for (size_t k = 0; k < resource->link_count; k++) {
			if (resource->links[k].hold != NULL) {
				add_sender(outbox, resource->links[k].reference.target, resource);
			}
		}
	}
	return outbox;
}

void outbox_stop(struct outbox *outbox)
{
	outbox->stopped = true;
	for (struct sender *sender = outbox->senders; sender != NULL; sender = sender->next) {
		if (peer_request_waits(&sender->peer)) {
			peers_cancel(&sender->peer);
			end(sender, 0);
		}
	}
}

bool outbox_is_idle(const struct outbox *outbox)
{
	const struct sender *sender = outbox->senders;
	while (sender != NULL && !sender->busy) {
		sender = sender->next;
	}
	return sender == NULL;
}

void outbox_destroy(struct outbox *outbox)
{
	if (outbox == NULL) {
		return;
	}
	while (outbox->senders != NULL) {
		struct sender *sender = outbox->senders;
		outbox->senders = sender->next;
		arena_finish(&sender->arena);
		buf_finish(&sender->body);
		free(sender);
	}
	free(outbox);
}
