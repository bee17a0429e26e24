#include "link/sweep.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "link/own_rows.h"
#include "link/settle.h"
#include "model/link_tables.h"

/* Of one pair. A round is: look, ask and act. */
struct sweeper {
	struct sweep *sweep;
	struct sweeper *next;
	const struct resource *holds;
	const struct resource *from; /* the user's */
	uint64_t next_ms;
	uint64_t pause_ms; /* 0: the last round went well */
	bool busy;
	struct arena arena; /* of a round */
	struct store_request store;
	struct buf body;
	struct settle settle;
	bool settling;
	struct uuid *ids;    /* arena */
	struct value *marks; /* arena */
	size_t count;
};

/* A round is: look, delete. */
struct purge {
	uint64_t next_ms;
	bool busy;
	struct arena arena;
	struct store_request store;
	struct buf body;
	size_t count;
};

struct sweep {
	const struct link_keep_options *options;
	struct sweeper *sweepers;
	struct purge purge;
	uint64_t look_ms;
	bool stopped;
};

/* ---- the end of a round ---- */

static void end(struct sweeper *sweeper, uint64_t wait_ms)
{
	sweeper->busy = false;
	sweeper->next_ms = loop_now_ms(sweeper->sweep->options->loop) + wait_ms;
	buf_clear(&sweeper->body);
	arena_reset(&sweeper->arena);
}

static void end_well(struct sweeper *sweeper, bool more)
{
	sweeper->pause_ms = 0;
	end(sweeper, more ? 0 : sweeper->sweep->look_ms);
}

static void end_badly(struct sweeper *sweeper)
{
	uint64_t look_ms = sweeper->sweep->look_ms;
	uint64_t longer = 2 * sweeper->pause_ms;
	uint64_t most = SWEEP_PAUSES * look_ms;
	sweeper->pause_ms = longer < look_ms ? look_ms : longer > most ? most : longer;
	end(sweeper, sweeper->pause_ms);
}

static void tell(const struct sweeper *sweeper, const char *problem)
{
	const struct link_keep_options *options = sweeper->sweep->options;
	bool was_good = sweeper->pause_ms == 0;
	if (options->told != NULL && was_good != (problem == NULL)) {
		options->told(options->context, sweeper->from, problem);
	}
}

/* ---- holds ---- */

static void on_settled(struct settle *settle, const struct settle_result *result)
{
	struct sweeper *sweeper = (struct sweeper *)(void *)((char *)settle -
														 offsetof(struct sweeper, settle));
	sweeper->settling = false;
	tell(sweeper, result->problem);
	if (result->settled) {
		end_well(sweeper, sweeper->count == SWEEP_BATCH);
	} else {
		end_badly(sweeper);
	}
}

static bool read_rows(struct sweeper *sweeper, const struct query *query, struct error *error)
{
	struct own_rows rows;
	struct value values[3];
	bool more;
	sweeper->ids = ARENA_ARRAY(&sweeper->arena, SWEEP_BATCH, struct uuid);
	sweeper->marks = ARENA_ARRAY(&sweeper->arena, SWEEP_BATCH, struct value);
	sweeper->count = 0;
	if (!own_rows_begin(&rows, query, buf_str(&sweeper->body), &sweeper->arena, error)) {
		return false;
	}
	while (own_rows_next(&rows, values, &more, error)) {
		if (!more) {
			return true;
		}
		assert(sweeper->count < SWEEP_BATCH);
		sweeper->marks[sweeper->count] = values[2];
		if (!uuid_parse(values[1].text, &sweeper->ids[sweeper->count])) {
			return error_set(error, ERROR_STORE, NULL);
		}
		sweeper->count++;
	}
	return false;
}

static void on_rows(struct store_request *request, const struct store_result *result,
					const struct error *error)
{
	struct sweeper *sweeper = (struct sweeper *)(void *)((char *)request -
														 offsetof(struct sweeper, store));
	const struct link_keep_options *options = sweeper->sweep->options;
	struct error wrong;
	(void)result;
	if (error != NULL || sweeper->sweep->stopped || !read_rows(sweeper, request->query, &wrong)) {
		end_badly(sweeper);
		return;
	}
	if (sweeper->count == 0) {
		end_well(sweeper, false);
		return;
	}
	sweeper->settle = (struct settle){
		.session = options->session,
		.peers = options->peers,
		.arena = &sweeper->arena,
		.holds = sweeper->holds,
		.from = sweeper->from,
		.ids = sweeper->ids,
		.marks = sweeper->marks,
		.count = sweeper->count,
		.done = on_settled,
	};
	sweeper->settling = true;
	settle_start(&sweeper->settle);
}

/* The oldest that were asked for before the lease. */
static void begin(struct sweeper *sweeper)
{
	const struct link_keep_options *options = sweeper->sweep->options;
	struct arena *arena = &sweeper->arena;
	const struct field *fields = sweeper->holds->fields;
	const struct field *fetched[] = {&fields[HOLD_AT], &fields[HOLD_ID], &fields[HOLD_MARK]};
	int64_t before_us = clock_system.wall_us(&clock_system) - (int64_t)options->lease_ms * 1000;
	struct query *query = own_query(arena, QUERY_LIST, sweeper->holds);
	own_where(arena, query, &fields[HOLD_KEPT], OPERATOR_EQ, own_integer(0));
	own_where(arena, query, &fields[HOLD_AT], OPERATOR_LT, own_integer(before_us));
	own_where(arena, query, &fields[HOLD_FROM], OPERATOR_EQ, own_text(sweeper->from->name));
	own_fetch(arena, query, fetched, 3);
	own_order(arena, query, 2, SWEEP_BATCH);
	sweeper->busy = true;
	sweeper->store = (struct store_request){
		.query = query,
		.body = &sweeper->body,
		.done = on_rows,
	};
	store_run(options->session, &sweeper->store);
}

/* ---- void decisions ---- */

static struct sweep *sweep_of(struct store_request *request)
{
	return (struct sweep *)(void *)((char *)request - offsetof(struct sweep, purge.store));
}

static void purge_end(struct sweep *sweep, bool more)
{
	struct purge *purge = &sweep->purge;
	purge->busy = false;
	purge->next_ms = loop_now_ms(sweep->options->loop) + (more ? 0 : SWEEP_PURGE_MS);
	buf_clear(&purge->body);
	arena_reset(&purge->arena);
}

static void on_purged(struct store_request *request, const struct store_result *result,
					  const struct error *error)
{
	struct sweep *sweep = sweep_of(request);
	(void)result;
	purge_end(sweep, error == NULL && sweep->purge.count == SWEEP_BATCH);
}

static bool read_void(struct purge *purge, const struct query *query, struct value *ret_ids,
					  struct error *error)
{
	struct own_rows rows;
	struct value values[2];
	bool more = true;
	purge->count = 0;
	bool good = own_rows_begin(&rows, query, buf_str(&purge->body), &purge->arena, error);
	while (good && more) {
		good = own_rows_next(&rows, values, &more, error);
		if (good && more) {
			ret_ids[purge->count++] = values[1];
		}
	}
	return good;
}

static void on_void(struct store_request *request, const struct store_result *result,
					const struct error *error)
{
	struct sweep *sweep = sweep_of(request);
	struct purge *purge = &sweep->purge;
	const struct resource *decision = sweep->options->model->decision;
	struct value *ids = ARENA_ARRAY(&purge->arena, SWEEP_BATCH, struct value);
	struct error wrong;
	(void)result;
	if (error != NULL || sweep->stopped || !read_void(purge, request->query, ids, &wrong) ||
		purge->count == 0) {
		purge_end(sweep, false);
		return;
	}
	struct query *query = own_query(&purge->arena, QUERY_DELETE, decision);
	own_where_in(&purge->arena, query, &decision->fields[DECISION_ID], ids, purge->count);
	own_where(&purge->arena, query, &decision->fields[DECISION_USED], OPERATOR_EQ, own_integer(0));
	purge->store = (struct store_request){.query = query, .body = &purge->body, .done = on_purged};
	store_run(sweep->options->session, &purge->store);
}

static void purge_begin(struct sweep *sweep)
{
	struct purge *purge = &sweep->purge;
	struct arena *arena = &purge->arena;
	const struct resource *decision = sweep->options->model->decision;
	const struct field *fields = decision->fields;
	const struct field *fetched[] = {&fields[DECISION_AT], &fields[DECISION_ID]};
	int64_t day_us = (int64_t)24 * 3600 * 1000000;
	int64_t before_us = clock_system.wall_us(&clock_system) - SWEEP_VOID_DAYS * day_us;
	struct query *query = own_query(arena, QUERY_LIST, decision);
	own_where(arena, query, &fields[DECISION_USED], OPERATOR_EQ, own_integer(0));
	own_where(arena, query, &fields[DECISION_AT], OPERATOR_LT, own_integer(before_us));
	own_fetch(arena, query, fetched, 2);
	own_order(arena, query, 2, SWEEP_BATCH);
	purge->busy = true;
	purge->store = (struct store_request){.query = query, .body = &purge->body, .done = on_void};
	store_run(sweep->options->session, &purge->store);
}

/* ---- life ---- */

void sweep_tick(struct sweep *sweep, uint64_t now_ms)
{
	struct purge *purge = &sweep->purge;
	for (struct sweeper *sweeper = sweep->sweepers; sweeper != NULL && !sweep->stopped;
		 sweeper = sweeper->next) {
		if (!sweeper->busy && now_ms >= sweeper->next_ms) {
			begin(sweeper);
		}
	}
	if (sweep->options->model->decision != NULL && !sweep->stopped && !purge->busy &&
		now_ms >= purge->next_ms) {
		purge_begin(sweep);
	}
}

static void add_sweeper(struct sweep *sweep, const struct resource *holds,
						const struct resource *from)
{
	for (const struct sweeper *sweeper = sweep->sweepers; sweeper != NULL;
		 sweeper = sweeper->next) {
		if (sweeper->holds == holds && sweeper->from == from) {
			return;
		}
	}
	struct sweeper *sweeper = alloc_zeroed(1, sizeof(*sweeper));
	sweeper->sweep = sweep;
	sweeper->holds = holds;
	sweeper->from = from;
	sweeper->next = sweep->sweepers;
	arena_init(&sweeper->arena, KIB(16));
	buf_init(&sweeper->body, SIZE_MAX);
	sweep->sweepers = sweeper;
}

struct sweep *sweep_create(const struct link_keep_options *options)
{
	struct sweep *sweep = alloc_zeroed(1, sizeof(*sweep));
	const struct model *model = options->model;
	sweep->options = options;
	sweep->look_ms = options->lease_ms < SWEEP_MS ? options->lease_ms : SWEEP_MS;
	arena_init(&sweep->purge.arena, KIB(16));
	buf_init(&sweep->purge.body, SIZE_MAX);
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *from = &model->resources[i];
		for (size_t k = 0; k < from->link_count && resource_is_remote(from); k++) {
			const struct link *link = &from->links[k];
			if (!link->get_only && link->reference.target->holds != NULL) {
				add_sweeper(sweep, link->reference.target->holds, from);
			}
		}
	}
	return sweep;
}

void sweep_stop(struct sweep *sweep)
{
	sweep->stopped = true;
	for (struct sweeper *sweeper = sweep->sweepers; sweeper != NULL; sweeper = sweeper->next) {
		if (sweeper->settling) {
			settle_cancel(&sweeper->settle);
		}
	}
}

bool sweep_is_idle(const struct sweep *sweep)
{
	const struct sweeper *sweeper = sweep->sweepers;
	while (sweeper != NULL && !sweeper->busy) {
		sweeper = sweeper->next;
	}
	return sweeper == NULL && !sweep->purge.busy;
}

void sweep_destroy(struct sweep *sweep)
{
	if (sweep == NULL) {
		return;
	}
	while (sweep->sweepers != NULL) {
		struct sweeper *sweeper = sweep->sweepers;
		sweep->sweepers = sweeper->next;
		arena_finish(&sweeper->arena);
		buf_finish(&sweeper->body);
		free(sweeper);
	}
	arena_finish(&sweep->purge.arena);
	buf_finish(&sweep->purge.body);
	free(sweep);
}
