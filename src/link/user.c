/*
 * DESIGN. All keys of a write are known before anything is asked: rows that come in batches are
 * read twice, once for their keys, some at a turn of the loop, and again by the store. The services
 * are asked at the same time. What is held under an id is used by one transaction, or given up.
 *
 * An id for each link and key, not for each row: rows of one request share it, and the last of them
 * that goes releases it.
 */
#include "link/user.h"

#include <stddef.h>
#include <stdlib.h>

#include "link/user_priv.h"
#include "query/cond.h"

enum { BATCH_BYTES = 64 * 1024, SCRATCH_BYTES = 16 * 1024, AGAIN_MS = 1000 };

const struct link_asker link_asker_peers = {
	.hold = peers_hold,
	.check = peers_check,
	.cancel = peers_cancel,
	.give_up = peers_give_up,
};

/* ---- what concerns a write ---- */

static void check_link(const struct resource *resource, const struct link *link,
					   struct model_report *report)
{
	const struct field_list *fields = &link->reference.fields;
	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = fields->items[i];
		if (field->default_kind == DEFAULT_AUTO) {
			model_report_add(report, field->place, "leave `default` out",
							 "\"%.*s\" of \"%.*s\" refers to a row of another service: it cannot "
							 "be made here",
							 STR_ARG(field->name), STR_ARG(resource->name));
		}
		if (field->write != fields->items[0]->write) {
			model_report_add(report, field->place, "give them the same `write`",
							 "the fields of \"%.*s\" are written together, or not at all",
							 STR_ARG(link->reference.name));
		}
	}
}

void link_user_check(const struct model *model, struct model_report *report)
{
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		for (size_t k = 0; k < resource->link_count && !resource_is_remote(resource); k++) {
			check_link(resource, &resource->links[k], report);
		}
	}
}

bool link_user_concerns(const struct resource *resource)
{
	return !resource_is_remote(resource) && resource->link_count > 0;
}

static size_t place_of(const struct field_list *given, const struct field *field)
{
	size_t at = 0;
	while (at < given->count && given->items[at] != field) {
		at++;
	}
	return at < given->count ? at : SIZE_MAX;
}

static bool makes_rows(const struct query *query)
{
	return query->action == QUERY_INSERT ||
		(query->action == QUERY_UPSERT && query->resolution == RESOLUTION_IGNORE);
}

static bool fail_partial(const struct part *part, const struct field *field, struct error *error)
{
	error_set(error, ERROR_UNSUPPORTED, NULL);
	error_details(error, "a change of the reference \"%.*s\" without column \"%.*s\"",
				  STR_ARG(part->link->reference.name), STR_ARG(field->name));
	return error_hint(error, "give all columns of the reference");
}

/* What rows have in a field that is not given: in new ones its default, in those that are found by
 * their key the key's. */
static bool find_rest(struct part *part, const struct query *query, size_t i, struct error *error)
{
	const struct field *field = part->link->reference.fields.items[i];
	bool has_default = field->default_kind == DEFAULT_VALUE;
	const struct value *pinned = query->action == QUERY_UPSERT ? NULL
															   : cond_pinned(query->where, field);
	if (makes_rows(query)) {
		part->rest[i] = has_default ? field->default_value : (struct value){.kind = VALUE_NULL};
		return true;
	}
	if (pinned != NULL) {
		part->rest[i] = *pinned;
		return true;
	}
	return fail_partial(part, field, error);
}

/* An upsert that says nothing of a reference leaves it as it is on rows that are there; new ones
 * get the defaults, which must be no reference. */
static bool check_untouched(const struct part *part, const struct query *query, struct error *error)
{
	const struct field_list *fields = &part->link->reference.fields;
	size_t defaults = 0;
	for (size_t i = 0; i < fields->count; i++) {
		defaults += fields->items[i]->default_kind == DEFAULT_VALUE ? 1 : 0;
	}
	return query->action != QUERY_UPSERT || defaults < fields->count ||
		fail_partial(part, fields->items[0], error);
}

static bool part_init(struct link_write *write, struct part *part, const struct link *link,
					  struct error *error)
{
	const struct query *query = write->options.query;
	const struct field_list *fields = &link->reference.fields;
	struct arena *arena = write->options.arena;
	size_t given = 0;
	bool has_default = false;
	*part = (struct part){.write = write, .link = link};
	map_init(&part->keys);
	part->at = ARENA_ARRAY(arena, fields->count, size_t);
	part->rest = ARENA_ARRAY(arena, fields->count, struct value);
	for (size_t i = 0; i < fields->count; i++) {
		part->at[i] = place_of(&query->given, fields->items[i]);
		given += part->at[i] != SIZE_MAX ? 1 : 0;
		has_default = has_default || fields->items[i]->default_kind == DEFAULT_VALUE;
	}
	bool rows = query->row_count > 0 || query->batches != NULL;
	bool deletes = query->action == QUERY_DELETE;
	part->given = !deletes && rows && (given > 0 || (has_default && makes_rows(query)));
	part->leaves = link->hold != NULL && (deletes || (part->given && !makes_rows(query)));
	if (!part->given) {
		return deletes || !rows || check_untouched(part, query, error);
	}
	for (size_t i = 0; i < fields->count; i++) {
		if (part->at[i] == SIZE_MAX && !find_rest(part, query, i, error)) {
			return false;
		}
	}
	return true;
}

bool link_write_create(const struct link_write_options *options, struct link_write **ret_write,
					   struct error *error)
{
	const struct query *query = options->query;
	const struct resource *resource = query->resource;
	*ret_write = NULL;
	if (!link_user_concerns(resource)) {
		return true;
	}
	struct link_write *write = ARENA_NEW(options->arena, struct link_write);
	write->options = *options;
	write->given = query->given;
	write->parts = ARENA_ARRAY(options->arena, resource->link_count, struct part);
	map_init(&write->targets);
	buf_init(&write->text, SIZE_MAX);
	arena_init(&write->batch, BATCH_BYTES);
	arena_init(&write->scratch, SCRATCH_BYTES);
	bool needed = false;
	bool ok = true;
	for (size_t i = 0; i < resource->link_count && ok; i++) {
		struct part *part = &write->parts[write->part_count++];
		ok = part_init(write, part, &resource->links[i], error);
		needed = needed || part->given || part->leaves;
	}
	if (!ok || !needed) {
		link_write_finish(write);
		return ok;
	}
	*ret_write = write;
	return true;
}

void link_write_finish(struct link_write *write)
{
	if (write == NULL) {
		return;
	}
	if (write->ticking) {
		loop_off_tick(write->options.loop, &write->tick);
	}
	for (size_t i = 0; i < write->part_count; i++) {
		struct part *part = &write->parts[i];
		if (part->busy) {
			write->options.asker->cancel(&part->request);
		}
		map_finish(&part->keys);
		free(part->wanted);
	}
	map_finish(&write->targets);
	buf_finish(&write->text);
	arena_finish(&write->batch);
	arena_finish(&write->scratch);
	free(write->old.items);
}

/* ---- giving up ---- */

/* DELETE, once, of what may be held. */
static void give_up(struct link_write *write)
{
	for (size_t i = 0; i < write->part_count; i++) {
		struct part *part = &write->parts[i];
		if (!part->sent || part->link->hold == NULL) {
			continue;
		}
		struct uuid *ids = ARENA_ARRAY(write->options.arena, part->count, struct uuid);
		for (size_t k = 0; k < part->count; k++) {
			ids[k] = part->wanted[k]->id;
		}
		const struct message_ids releases = {
			.resource = part->link->reference.target,
			.from = write->options.query->resource,
			.items = ids,
			.count = part->count,
		};
		write->options.asker->give_up(write->options.peers, &releases);
		part->sent = false;
	}
}

/* Does the error say that nothing was written? Of a store that failed it does not. */
static bool says_unwritten(enum error_code code)
{
	return code != ERROR_DEADLINE_UNKNOWN && code != ERROR_STORE_UNKNOWN && code != ERROR_STORE &&
		code != ERROR_STORE_FULL && code != ERROR_INTERNAL;
}

bool link_write_end(struct link_write *write, const struct store_result *result,
					const struct error *error)
{
	struct query *query = write->options.query;
	if (write->inner != NULL) {
		query->batches = write->inner;
		query->given = write->given;
	}
	if (error != NULL ? says_unwritten(error->code) : result->rolled_back || result->answered) {
		give_up(write);
		return false;
	}
	return error == NULL && write->released > 0;
}

/* ---- asking ---- */

static void tell(struct link_write *write, const struct error *error)
{
	write->told = true;
	if (error != NULL) {
		give_up(write);
	} else {
		write_extend(write);
	}
	write->options.ready(write->options.context, error);
}

static void ask(struct link_write *write);

/* What was not answered is asked once more. */
static void on_tick(struct loop_tick *tick, uint64_t now_ms)
{
	struct link_write *write = (struct link_write *)(void *)((char *)tick -
															 offsetof(struct link_write, tick));
	if (now_ms >= write->again_ms) {
		loop_off_tick(write->options.loop, tick);
		write->ticking = false;
		ask(write);
	}
}

static void ask_later(struct link_write *write)
{
	write->again_ms = loop_now_ms(write->options.loop) + AGAIN_MS;
	write->ticking = true;
	write->tick.tick = on_tick;
	loop_on_tick(write->options.loop, &write->tick);
}

static const struct wanted *first_missing(const struct part *part)
{
	for (size_t i = 0; i < part->count; i++) {
		if (part->wanted[i]->missing) {
			return part->wanted[i];
		}
	}
	return NULL;
}

/* All have answered, or have not. A row that is not there is so whatever the others say. */
static void judge(struct link_write *write)
{
	const struct link_write_options *options = &write->options;
	const struct part *failed = NULL;
	struct error error;
	bool again = false;
	for (size_t i = 0; i < write->part_count; i++) {
		const struct part *part = &write->parts[i];
		const struct wanted *missing = options->leave_out ? NULL : first_missing(part);
		if (missing != NULL) {
			write_fail_missing(part, missing, &error);
			tell(write, &error);
			return;
		}
		bool good = part->done || part->outcome == PEER_MISSING;
		failed = failed == NULL && !good ? part : failed;
		again = again || !part->done;
	}
	if (failed == NULL && again) {
		ask(write);
	} else if (failed == NULL) {
		tell(write, NULL);
	} else if (failed->outcome == PEER_NO_ANSWER && options->patient != NULL &&
			   options->patient(options->context)) {
		ask_later(write);
	} else {
		tell(write, &failed->error);
	}
}

static void ended(struct link_write *write)
{
	if (--write->pending == 0) {
		judge(write);
	}
}

static void on_answer(struct peer_request *request, const struct peer_answer *answer)
{
	struct part *part = (struct part *)(void *)((char *)request - offsetof(struct part, request));
	part->busy = false;
	part->outcome = answer->outcome;
	part->sent = part->sent || answer->sent;
	part->done = answer->outcome == PEER_DONE;
	part->error = answer->error;
	for (size_t i = 0; answer->outcome == PEER_MISSING && i < answer->missing.count; i++) {
		struct wanted *wanted = write_find_key(part, answer->missing.items[i]);
		if (wanted == NULL || wanted->missing) {
			/* An owner that says something else than it was asked. */
			part->outcome = PEER_REFUSED;
			error_set(&part->error, ERROR_OVERLOADED,
					  "The service of \"%.*s\" gave no answer that can be used",
					  STR_ARG(part->link->reference.target->name));
			continue;
		}
		wanted->missing = true;
	}
	ended(part->write);
}

static void ask_holds(struct part *part)
{
	struct link_write *write = part->write;
	struct message_hold *holds = ARENA_ARRAY(write->options.arena, part->count,
											 struct message_hold);
	struct message_holds message = {
		.resource = part->link->reference.target,
		.from = write->options.query->resource,
		.items = holds,
	};
	for (size_t i = 0; i < part->count; i++) {
		if (!part->wanted[i]->missing) {
			holds[message.count++] = (struct message_hold){part->wanted[i]->id,
														   part->wanted[i]->key};
		}
	}
	write->options.asker->hold(write->options.peers, &part->request, &message);
}

static void ask_keys(struct part *part)
{
	struct link_write *write = part->write;
	const struct value **items = ARENA_ARRAY(write->options.arena, part->count,
											 const struct value *);
	struct message_keys keys = {.items = items};
	for (size_t i = 0; i < part->count; i++) {
		if (!part->wanted[i]->missing) {
			items[keys.count++] = part->wanted[i]->key;
		}
	}
	write->options.asker->check(write->options.peers, &part->request, part->link->reference.target,
								&keys);
}

static bool all_missing(const struct part *part)
{
	size_t missing = 0;
	for (size_t i = 0; i < part->count; i++) {
		missing += part->wanted[i]->missing ? 1 : 0;
	}
	return missing == part->count;
}

/* All services at the same time. */
static void ask(struct link_write *write)
{
	write->pending = 1;
	for (size_t i = 0; i < write->part_count; i++) {
		struct part *part = &write->parts[i];
		part->done = part->done || all_missing(part);
		if (part->done) {
			continue;
		}
		part->request = (struct peer_request){.arena = write->options.arena, .done = on_answer};
		part->busy = true;
		write->pending++;
		(part->link->hold != NULL ? ask_holds : ask_keys)(part);
	}
	ended(write);
}

/* ---- reading ---- */

static void scan(struct task *task)
{
	struct link_write *write = (struct link_write *)(void *)((char *)task -
															 offsetof(struct link_write, task));
	struct query_batches *batches = write->options.scan;
	const struct value *values;
	struct error error = {0};
	size_t count;
	if (!batches->next(batches, &values, &count, &error)) {
		tell(write, &error);
	} else if (count == 0) {
		ask(write);
	} else {
		write_collect(write, values, count, true);
		loop_post(write->options.loop, task);
	}
}

void link_write_begin(struct link_write *write)
{
	const struct query *query = write->options.query;
	bool gives = false;
	for (size_t i = 0; i < write->part_count; i++) {
		gives = gives || write->parts[i].given;
	}
	if (gives && query->batches != NULL) {
		write->task.run = scan;
		scan(&write->task);
		return;
	}
	if (gives) {
		write_collect(write, query->values, query->row_count, false);
	}
	ask(write);
}
