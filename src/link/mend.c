#include "link/mend.h"

#include <stddef.h>
#include <string.h>

#include "link/own_rows.h"
#include "model/link_tables.h"
#include "query/cond.h"

enum { PAGE = 1000, ARENA_BYTES = 65536, TRIES = 3 };

struct mend {
	const struct mend_options *options;
	struct arena arena; /* of one page, or of one row of it */
	struct buf body;    /* what the store answered last */
	struct store_result result;
	struct error *error;
};

static void mend_init(struct mend *mend, const struct mend_options *options, struct error *error)
{
	*mend = (struct mend){.options = options, .error = error};
	arena_init(&mend->arena, ARENA_BYTES);
	buf_init(&mend->body, SIZE_MAX);
}

static void mend_finish(struct mend *mend)
{
	buf_finish(&mend->body);
	arena_finish(&mend->arena);
}

static void tell(const struct mend *mend, const struct mend_note *note)
{
	if (note->count > 0) {
		mend->options->told(mend->options->context, note);
	}
}

static void wait_for(const struct mend *mend, const bool *done)
{
	while (!*done) {
		uv_run(loop_uv(mend->options->loop), UV_RUN_ONCE);
	}
}

/* ---- the store ---- */

struct asked {
	struct store_request request;
	struct mend *mend;
	bool done;
	bool ok;
};

static void on_stored(struct store_request *request, const struct store_result *result,
					  const struct error *error)
{
	struct asked *asked = (struct asked *)request;
	asked->done = true;
	asked->ok = error == NULL;
	asked->mend->result = *result;
	if (error != NULL) {
		*asked->mend->error = *error;
	}
}

/* The answer is in mend->body. */
static bool run(struct mend *mend, const struct query *query, struct store_companion *companion)
{
	struct asked asked = {
		.request = {.query = query, .body = &mend->body, .companion = companion, .done = on_stored},
		.mend = mend,
	};
	buf_clear(&mend->body);
	store_run(mend->options->session, &asked.request);
	wait_for(mend, &asked.done);
	return asked.ok;
}

/* The rows of a LIST: row after row of as many values as are fetched. */
static bool list(struct mend *mend, struct query *query, const struct value **ret_values,
				 size_t *ret_count)
{
	struct own_rows rows;
	struct value *values = ARENA_ARRAY(&mend->arena, PAGE * query->fetch_count, struct value);
	bool more = true;
	size_t count = 0;
	if (!run(mend, query, NULL)) {
		return false;
	}
	struct str body = arena_copy(&mend->arena, buf_str(&mend->body));
	bool ok = own_rows_begin(&rows, query, body, &mend->arena, mend->error);
	while (ok && more && count < PAGE) {
		ok = own_rows_next(&rows, values + count * query->fetch_count, &more, mend->error);
		count += ok && more ? 1 : 0;
	}
	*ret_values = values;
	*ret_count = count;
	return ok;
}

/* How many rows match. */
static bool count_rows(struct mend *mend, struct query *query, uint64_t *ret_count)
{
	own_fetch(&mend->arena, query, query->resource->key.items, query->resource->key.count);
	own_order(&mend->arena, query, query->resource->key.count, 1);
	query->total = true;
	bool ok = run(mend, query, NULL);
	*ret_count = mend->result.total;
	return ok;
}

static void where_null(struct arena *arena, struct query *query, const struct field *field,
					   bool null)
{
	struct cond *leaf = ARENA_NEW(arena, struct cond);
	*leaf = (struct cond){
		.kind = COND_IS,
		.field = field,
		.type = field,
		.is = null ? IS_NULL : IS_NOT_NULL,
	};
	query->where = cond_both(arena, query->where, leaf);
}

/* Behind these values, in the order of the fields; NULL: from the first on. */
static void where_behind(struct arena *arena, struct query *query,
						 const struct field *const *fields, size_t count, const struct value *last)
{
	const struct cond **steps = ARENA_ARRAY(arena, count, const struct cond *);
	for (size_t i = 0; i < count && last != NULL; i++) {
		struct query step = {.where = NULL};
		for (size_t k = 0; k <= i; k++) {
			own_where(arena, &step, fields[k], k < i ? OPERATOR_EQ : OPERATOR_GT, last[k]);
		}
		steps[i] = step.where;
	}
	if (last != NULL) {
		query->where = cond_both(arena, query->where, cond_join(arena, COND_OR, steps, count));
	}
}

/* ---- other services ---- */

struct question {
	struct peer_request request;
	struct mend *mend;
	bool done;
	bool ok;
	struct message_decisions decisions;
};

static void on_answer(struct peer_request *request, const struct peer_answer *answer)
{
	struct question *question = (struct question *)request;
	question->done = true;
	question->ok = answer->outcome == PEER_DONE;
	question->decisions = answer->decisions;
	if (!question->ok) {
		*question->mend->error = answer->error;
		if (answer->problem != NULL && question->mend->error->details[0] == '\0') {
			error_details(question->mend->error, "%s", answer->problem);
		}
	}
}

static void question_init(struct question *question, struct mend *mend)
{
	*question = (struct question){
		.request = {.arena = &mend->arena, .done = on_answer},
		.mend = mend,
	};
}

static bool is_meant(const struct mend_options *options, struct str peer)
{
	return options->peer.len == 0 || str_equal(options->peer, peer);
}

/* ---- a row gets a hold ---- */

/* A link of rows here. */
struct side {
	struct mend *mend;
	const struct resource *resource;
	const struct link *link;
	struct arena kept; /* for as long as it lives */
	uint64_t dangling;
	uint64_t lost;
};

/* A write that gives rows the reference that they have. */
struct rewrite {
	struct store_companion companion; /* first: the store knows only this */
	struct link_write *write;
	struct mend *mend;
	bool ready;
	bool may;
};

static void on_ready(void *context, const struct error *error)
{
	struct rewrite *rewrite = context;
	rewrite->ready = true;
	rewrite->may = error == NULL;
	if (error != NULL) {
		*rewrite->mend->error = *error;
	}
}

static enum companion_verdict before(struct store_companion *companion,
									 struct store_transaction *transaction, struct error *error)
{
	struct rewrite *rewrite = (struct rewrite *)companion;
	return link_write_before(rewrite->write, transaction, error) ? COMPANION_GO_ON : COMPANION_FAIL;
}

static enum companion_verdict after(struct store_companion *companion,
									struct store_transaction *transaction,
									const struct store_result *result, struct error *error)
{
	struct rewrite *rewrite = (struct rewrite *)companion;
	return link_write_after(rewrite->write, transaction, result, error) ? COMPANION_GO_ON
																		: COMPANION_FAIL;
}

static bool write_once(struct mend *mend, struct query *query)
{
	struct rewrite rewrite = {.companion = {before, after}, .mend = mend};
	const struct link_write_options options = {
		.asker = mend->options->asker,
		.peers = mend->options->peers,
		.loop = mend->options->loop,
		.model = mend->options->model,
		.arena = &mend->arena,
		.query = query,
		.ready = on_ready,
		.context = &rewrite,
	};
	if (!link_write_create(&options, &rewrite.write, mend->error)) {
		return false;
	}
	link_write_begin(rewrite.write);
	wait_for(mend, &rewrite.ready);
	bool ok = rewrite.may;
	if (ok) {
		ok = run(mend, query, &rewrite.companion);
		(void)link_write_end(rewrite.write, &mend->result, ok ? NULL : mend->error);
	}
	link_write_finish(rewrite.write);
	return ok;
}

/* Rows with this reference, and with this hold, NULL: none, get another. */
static bool hold_anew(struct side *side, const struct value *hold, const struct value *key)
{
	const struct field_list *fields = &side->link->reference.fields;
	struct mend *mend = side->mend;
	struct arena *arena = &mend->arena;
	bool ok = false;
	for (int i = 0; i < TRIES && !ok; i++) {
		struct query *query = own_query(arena, QUERY_UPDATE, side->resource);
		struct value *values = own_give(arena, query, fields->items, fields->count, 1);
		for (size_t k = 0; k < fields->count; k++) {
			values[k] = key[k];
			own_where(arena, query, fields->items[k], OPERATOR_EQ, key[k]);
		}
		if (hold == NULL) {
			where_null(arena, query, side->link->hold, true);
		} else {
			own_where(arena, query, side->link->hold, OPERATOR_EQ, *hold);
		}
		ok = write_once(mend, query);
		if (!ok && mend->error->code == ERROR_REFERENCE) {
			side->dangling++;
			return true;
		}
		if (!ok && mend->error->code != ERROR_OVERLOADED) {
			return false;
		}
	}
	return ok;
}

/* ---- pages ---- */

/* Pages of rows with other values in these fields, each once. */
struct pages {
	struct mend *mend;
	const struct field *const *fields;
	size_t count;
	size_t size;        /* of a page */
	struct arena arena; /* of `last` */
	struct value *last; /* of the page before; NULL: there was none */
};

static void pages_init(struct pages *pages, struct mend *mend, const struct field *const *fields,
					   size_t count)
{
	*pages = (struct pages){.mend = mend, .fields = fields, .count = count, .size = PAGE};
	arena_init(&pages->arena, ARENA_BYTES);
}

static void keep_last(struct pages *pages, const struct value *row)
{
	arena_reset(&pages->arena);
	pages->last = ARENA_ARRAY(&pages->arena, pages->count, struct value);
	for (size_t i = 0; i < pages->count; i++) {
		pages->last[i] = row[i];
		if (row[i].kind == VALUE_TEXT) {
			pages->last[i].text = arena_copy(&pages->arena, row[i].text);
		}
	}
}

/* The rows of `query` that come next. */
static bool next_page(struct pages *pages, struct query *query, const struct value **ret_rows,
					  size_t *ret_count)
{
	struct arena *arena = &pages->mend->arena;
	where_behind(arena, query, pages->fields, pages->count, pages->last);
	own_fetch(arena, query, pages->fields, pages->count);
	own_order(arena, query, pages->count, pages->size);
	query->distinct = true;
	if (!list(pages->mend, query, ret_rows, ret_count)) {
		return false;
	}
	if (*ret_count > 0) {
		keep_last(pages, *ret_rows + (*ret_count - 1) * pages->count);
	}
	return true;
}

/* ---- the user's side ---- */

static struct query *rows_without(const struct side *side)
{
	struct arena *arena = &side->mend->arena;
	struct query *query = own_query(arena, QUERY_LIST, side->resource);
	const struct field_list *fields = &side->link->reference.fields;
	where_null(arena, query, side->link->hold, true);
	for (size_t i = 0; i < fields->count; i++) {
		where_null(arena, query, fields->items[i], false);
	}
	return query;
}

static bool hold_all(struct side *side)
{
	const struct field_list *fields = &side->link->reference.fields;
	struct pages pages;
	const struct value *rows;
	size_t count = PAGE;
	bool ok = true;
	pages_init(&pages, side->mend, fields->items, fields->count);
	while (ok && count == PAGE) {
		arena_reset(&side->mend->arena);
		ok = next_page(&pages, rows_without(side), &rows, &count);
		for (size_t i = 0; i < count && ok; i++) {
			ok = hold_anew(side, NULL, rows + i * fields->count);
		}
	}
	arena_finish(&pages.arena);
	return ok;
}

static bool mend_without(struct side *side)
{
	struct mend_note note = {MEND_WITHOUT, .resource = side->resource, .link = side->link};
	arena_reset(&side->mend->arena);
	if (!count_rows(side->mend, rows_without(side), &note.count)) {
		return false;
	}
	tell(side->mend, &note);
	return note.count == 0 || !side->mend->options->act || hold_all(side);
}

/* Which of the holds of a page the owner does not have. */
static bool look(const struct side *side, const struct value *rows, size_t width, size_t count,
				 struct question *question)
{
	struct mend *mend = side->mend;
	struct uuid *ids = ARENA_ARRAY(&mend->arena, count, struct uuid);
	struct message_ids message = {
		.resource = side->link->reference.target,
		.from = side->resource,
		.items = ids,
	};
	for (size_t i = 0; i < count; i++) {
		bool same = i > 0 && value_compare(&rows[i * width], &rows[(i - 1) * width]) == 0;
		message.count += !same && uuid_parse(rows[i * width].text, &ids[message.count]) ? 1 : 0;
	}
	question_init(question, mend);
	mend->options->look(mend->options->peers, &question->request, &message);
	wait_for(mend, &question->done);
	return question->ok;
}

static bool is_among(const struct message_decisions *decisions, struct str text)
{
	struct uuid id;
	bool found = false;
	for (size_t i = 0; i < decisions->void_count && uuid_parse(text, &id) && !found; i++) {
		found = memcmp(&decisions->voided[i], &id, sizeof(id)) == 0;
	}
	return found;
}

/* The rows of a page, whose first value is their hold. */
static bool mend_page(struct side *side, const struct value *rows, size_t width, size_t count)
{
	struct mend *mend = side->mend;
	struct question question;
	if (count == 0) {
		return true;
	}
	if (!look(side, rows, width, count, &question)) {
		return false;
	}
	for (size_t i = 0; i < count && question.decisions.void_count > 0; i++) {
		const struct value *row = rows + i * width;
		uint64_t lost;
		if (!is_among(&question.decisions, row->text)) {
			continue;
		}
		struct query *query = own_query(&mend->arena, QUERY_LIST, side->resource);
		own_where(&mend->arena, query, side->link->hold, OPERATOR_EQ, *row);
		if (!count_rows(mend, query, &lost) ||
			(mend->options->act && !hold_anew(side, row, row + 1))) {
			return false;
		}
		side->lost += lost;
	}
	return true;
}

static bool mend_lost(struct side *side)
{
	struct mend *mend = side->mend;
	const struct field_list *fields = &side->link->reference.fields;
	size_t width = fields->count + 1;
	const struct field **all = ARENA_ARRAY(&side->kept, width, const struct field *);
	struct pages pages;
	const struct value *rows;
	size_t count = PAGE;
	bool ok = true;
	all[0] = side->link->hold;
	for (size_t i = 0; i < fields->count; i++) {
		all[i + 1] = fields->items[i];
	}
	pages_init(&pages, mend, all, width);
	while (ok && count == PAGE) {
		arena_reset(&mend->arena);
		struct query *query = own_query(&mend->arena, QUERY_LIST, side->resource);
		for (size_t i = 0; i < width; i++) {
			where_null(&mend->arena, query, all[i], false);
		}
		ok = next_page(&pages, query, &rows, &count) && mend_page(side, rows, width, count);
	}
	arena_finish(&pages.arena);
	return ok;
}

static bool mend_link(struct mend *mend, const struct resource *resource, const struct link *link)
{
	struct side side = {.mend = mend, .resource = resource, .link = link};
	arena_init(&side.kept, ARENA_BYTES);
	bool ok = mend_without(&side) && mend_lost(&side);
	struct mend_note lost = {MEND_LOST, .resource = resource, .link = link, .count = side.lost};
	struct mend_note dangling = {MEND_DANGLING, .resource = resource, .link = link,
								 .count = side.dangling};
	tell(mend, &lost);
	tell(mend, &dangling);
	arena_finish(&side.kept);
	return ok;
}

bool mend_rows(const struct mend_options *options, struct error *error)
{
	const struct model *model = options->model;
	struct mend mend;
	bool ok = true;
	mend_init(&mend, options, error);
	for (size_t i = 0; i < model->resource_count && ok; i++) {
		const struct resource *resource = &model->resources[i];
		for (size_t k = 0; k < resource->link_count && ok; k++) {
			const struct link *link = &resource->links[k];
			bool meant = link->hold != NULL && is_meant(options, link->reference.target->name);
			ok = !meant || mend_link(&mend, resource, link);
		}
	}
	mend_finish(&mend);
	return ok;
}

/* ---- the owner's side ---- */

static struct query *holds_of(struct mend *mend, enum query_action action,
							  const struct resource *holds, struct str from)
{
	struct query *query = own_query(&mend->arena, action, holds);
	own_where(&mend->arena, query, &holds->fields[HOLD_FROM], OPERATOR_EQ, own_text(from));
	return query;
}

/* The resource, when the service file says that its rows refer to those of `target`. */
static const struct resource *find_user(const struct model *model, const struct resource *target,
										struct str from)
{
	const struct resource *user = model_resource(model, from);
	if (user == NULL || !resource_is_remote(user)) {
		return NULL;
	}
	for (size_t i = 0; i < user->link_count; i++) {
		if (user->links[i].reference.target == target && !user->links[i].get_only) {
			return user;
		}
	}
	return NULL;
}

/* Deletes what is void, where it is still the hold that was asked about. */
static bool release(struct mend *mend, const struct resource *holds,
					const struct message_decisions *decisions, const struct value *marks,
					size_t mark_count)
{
	struct arena *arena = &mend->arena;
	struct query *query = own_query(arena, QUERY_DELETE, holds);
	own_where_in(arena, query, &holds->fields[HOLD_ID],
				 own_ids(arena, decisions->voided, decisions->void_count), decisions->void_count);
	own_where_in(arena, query, &holds->fields[HOLD_MARK], marks, mark_count);
	return run(mend, query, NULL);
}

static bool ask_page(struct mend *mend, const struct resource *holds, const struct resource *user,
					 const struct value *rows, size_t count, uint64_t *unused)
{
	struct uuid *ids = ARENA_ARRAY(&mend->arena, count, struct uuid);
	struct value *marks = ARENA_ARRAY(&mend->arena, count, struct value);
	struct question question;
	size_t id_count = 0;
	if (count == 0) {
		return true;
	}
	for (size_t i = 0; i < count; i++) {
		id_count += uuid_parse(rows[2 * i].text, &ids[id_count]) ? 1 : 0;
		marks[i] = rows[2 * i + 1];
	}
	question_init(&question, mend);
	mend->options->decide(mend->options->peers, &question.request, user, ids, id_count);
	wait_for(mend, &question.done);
	if (!question.ok) {
		return false;
	}
	*unused += question.decisions.void_count;
	return !mend->options->act || question.decisions.void_count == 0 ||
		release(mend, holds, &question.decisions, marks, count);
}

static bool mend_known(struct mend *mend, const struct resource *target,
					   const struct resource *user)
{
	const struct resource *holds = target->holds;
	const struct field *const fields[] = {&holds->fields[HOLD_ID], &holds->fields[HOLD_MARK]};
	struct mend_note note = {MEND_UNUSED, .resource = target, .from = user->name};
	struct pages pages;
	const struct value *rows;
	size_t count = PAGE;
	bool ok = true;
	pages_init(&pages, mend, fields, 2);
	while (ok && count == PAGE) {
		arena_reset(&mend->arena);
		struct query *query = holds_of(mend, QUERY_LIST, holds, user->name);
		/* Those that are asked for are asked about by the server. */
		own_where(&mend->arena, query, &holds->fields[HOLD_KEPT], OPERATOR_EQ, own_integer(1));
		ok = next_page(&pages, query, &rows, &count) &&
			ask_page(mend, holds, user, rows, count, &note.count);
	}
	arena_finish(&pages.arena);
	tell(mend, &note);
	return ok;
}

static bool mend_unknown(struct mend *mend, const struct resource *target, struct str from)
{
	const struct mend_options *options = mend->options;
	struct mend_note note = {MEND_UNKNOWN, .resource = target, .from = from};
	arena_reset(&mend->arena);
	if (!count_rows(mend, holds_of(mend, QUERY_LIST, target->holds, from), &note.count)) {
		return false;
	}
	tell(mend, &note);
	return !options->act || options->peer.len == 0 ||
		run(mend, holds_of(mend, QUERY_DELETE, target->holds, from), NULL);
}

static bool mend_target(struct mend *mend, const struct resource *target)
{
	const struct mend_options *options = mend->options;
	const struct field *field = &target->holds->fields[HOLD_FROM];
	struct pages pages;
	size_t count;
	bool ok;
	pages_init(&pages, mend, &field, 1);
	pages.size = 1; /* what is done for it has the arena */
	do {
		const struct value *rows;
		arena_reset(&mend->arena);
		ok = next_page(&pages, own_query(&mend->arena, QUERY_LIST, target->holds), &rows, &count);
		struct str from = ok && count > 0 ? pages.last[0].text : STR("");
		if (from.len > 0 && is_meant(options, from)) {
			const struct resource *user = find_user(options->model, target, from);
			ok = user != NULL ? mend_known(mend, target, user) : mend_unknown(mend, target, from);
		}
	} while (ok && count > 0);
	arena_finish(&pages.arena);
	return ok;
}

bool mend_holds(const struct mend_options *options, struct error *error)
{
	const struct model *model = options->model;
	struct mend mend;
	bool ok = true;
	mend_init(&mend, options, error);
	for (size_t i = 0; i < model->resource_count && ok; i++) {
		ok = model->resources[i].holds == NULL || mend_target(&mend, &model->resources[i]);
	}
	mend_finish(&mend);
	return ok;
}
