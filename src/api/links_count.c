/*
 * DESIGN. One query after the other, for whoever looks at /metrics: each counts the rows of one
 * table, and the oldest of them that are asked for. When one cannot
 * be read, nothing is said.
 */
#include <stddef.h>

#include "api/api_priv.h"
#include "api/links.h"
#include "base/clock.h"
#include "link/keep.h"
#include "link/own_rows.h"
#include "model/link_tables.h"
#include "query/fetch.h"

/* Whoever looks is not kept waiting for a database that does not answer. */
enum { COUNT_MS = 1000 };

struct counting {
	struct call *call;
	struct buf *text;
	void (*done)(struct call *call);
	size_t next;       /* of model->resources */
	uint64_t held[2];  /* asked, kept */
	int64_t oldest_us; /* 0: none is asked */
	uint64_t outbox;
	struct store_request store;
	struct buf body;
	struct query *query;
};

static void count_on(struct counting *counting);

static const struct model *model_of(const struct counting *counting)
{
	return counting->call->binding->service->model;
}

static void write_number(struct buf *text, const char *name, const char *help, uint64_t number)
{
	buf_printf(text, "# HELP %s %s\n# TYPE %s gauge\n%s %llu\n", name, help, name, name,
			   (unsigned long long)number);
}

static void write_numbers(const struct counting *counting)
{
	int64_t now_us = clock_system.wall_us(&clock_system);
	bool late = counting->oldest_us > 0 && now_us > counting->oldest_us;
	struct buf *text = counting->text;
	write_number(text, "rowlock_holds_asked", "Holds whose user has not said yet what it did.",
				 counting->held[0]);
	write_number(text, "rowlock_holds_kept", "Holds that rows of other services use.",
				 counting->held[1]);
	write_number(text, "rowlock_holds_oldest_asked_seconds", "Age of the oldest hold asked for.",
				 late ? (uint64_t)((now_us - counting->oldest_us) / 1000000) : 0);
	write_number(text, "rowlock_outbox", "Holds that are to be released at their owners.",
				 counting->outbox);
}

static void finish(struct counting *counting, bool known)
{
	if (known) {
		write_numbers(counting);
	}
	buf_finish(&counting->body);
	counting->done(counting->call);
}

/* `kept`, how many, and of these the oldest. */
static void take_holds(struct counting *counting, const struct value *values)
{
	bool kept = values[0].integer != 0;
	counting->held[kept ? 1 : 0] += (uint64_t)values[1].integer;
	if (!kept && (counting->oldest_us == 0 || values[2].integer < counting->oldest_us)) {
		counting->oldest_us = values[2].integer;
	}
}

static void on_rows(struct store_request *request, const struct store_result *result,
					const struct error *error)
{
	struct counting *counting = (struct counting *)(void *)((char *)request -
															offsetof(struct counting, store));
	struct error wrong;
	struct own_rows rows;
	struct value values[3];
	bool more = true;
	(void)result;
	bool good = error == NULL &&
		own_rows_begin(&rows, counting->query, buf_str(&counting->body), counting->call->arena,
					   &wrong);
	while (good && more) {
		good = own_rows_next(&rows, values, &more, &wrong);
		if (!good || !more) {
			break;
		}
		if (counting->query->resource == model_of(counting)->outbox) {
			counting->outbox = (uint64_t)values[0].integer;
		} else {
			take_holds(counting, values);
		}
	}
	if (good) {
		count_on(counting);
	} else {
		finish(counting, false);
	}
}

static struct query_fetch count_fetch(void)
{
	struct query_fetch fetch = {.aggregate = AGGREGATE_COUNT};
	fetch.type = fetch_aggregated_type(&fetch);
	return fetch;
}

static void count_table(struct counting *counting, const struct resource *table)
{
	struct arena *arena = counting->call->arena;
	bool is_outbox = table == model_of(counting)->outbox;
	const struct field *fields[] = {
		&table->fields[is_outbox ? OUTBOX_N : HOLD_KEPT],
		&table->fields[is_outbox ? OUTBOX_N : HOLD_ID],
		&table->fields[is_outbox ? OUTBOX_N : HOLD_AT],
	};
	struct query *query = own_query(arena, QUERY_LIST, table);
	own_fetch(arena, query, fields, is_outbox ? 1 : 3);
	query->grouped = true;
	struct query_fetch *fetch = (struct query_fetch *)query->fetch;
	fetch[is_outbox ? 0 : 1] = count_fetch();
	struct query_column *columns = (struct query_column *)query->columns;
	columns[is_outbox ? 0 : 1].name = STR("count");
	columns[is_outbox ? 0 : 1].key = STR("\"count\":");
	if (!is_outbox) {
		fetch[2].aggregate = AGGREGATE_MIN;
		fetch[2].type = fetch_aggregated_type(&fetch[2]);
	}
	counting->query = query;
	buf_clear(&counting->body);
	counting->store = (struct store_request){
		.query = query,
		.body = &counting->body,
		.done = on_rows,
		.deadline_ms = loop_now_ms(counting->call->binding->loop->loop) + COUNT_MS,
	};
	store_run(counting->call->binding->loop->session, &counting->store);
}

static bool is_counted(const struct model *model, const struct resource *table)
{
	bool counted = table == model->outbox;
	for (size_t i = 0; i < model->resource_count && !counted; i++) {
		counted = model->resources[i].holds == table;
	}
	return counted;
}

static void count_on(struct counting *counting)
{
	const struct model *model = model_of(counting);
	while (counting->next < model->resource_count) {
		const struct resource *table = &model->resources[counting->next++];
		if (table->hidden && is_counted(model, table)) {
			count_table(counting, table);
			return;
		}
	}
	finish(counting, true);
}

void links_count(struct call *call, struct buf *text, void (*done)(struct call *call))
{
	if (!link_keep_is_needed(call->binding->service->model)) {
		done(call);
		return;
	}
	struct counting *counting = ARENA_NEW(call->arena, struct counting);
	counting->call = call;
	counting->text = text;
	counting->done = done;
	buf_init(&counting->body, MIB(1));
	count_on(counting);
}
