/*
 * Any bytes as a body: what is accepted keeps what stores rely on, an error says where, and rows
 * that are read in batches are those that are read at once. The first byte chooses the format and
 * the options.
 */
#include <assert.h>
#include <stdint.h>

#include "codec/utf8.h"
#include "query/query_test_help.h"

enum { BLOCK_BYTES = 4096, CHOSEN_ROWS = 1000, TEXT_BYTES = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool outcome(bool ok, const struct error *error, size_t size)
{
	if (!ok) {
		assert(error->code != ERROR_NONE && error->message[0] != '\0');
		assert(error->at == SIZE_MAX || error->at <= size);
	}
	return ok;
}

static void check_values(const struct query *query, const struct value *values, size_t row_count,
						 struct buf *text)
{
	bool inserts = query->action == QUERY_INSERT || query->action == QUERY_UPSERT;
	for (size_t i = 0; i < row_count * query->given.count; i++) {
		const struct field *field = query->given.items[i % query->given.count];
		const struct value *value = &values[i];
		assert(value->kind != VALUE_NULL || !(field->required || field->key));
		assert(value->kind != VALUE_ABSENT || inserts);
		assert(value->kind != VALUE_TEXT || utf8_check(value->text) == value->text.len);
		bool made = field->default_kind == DEFAULT_AUTO && field->type == TYPE_UUID;
		if (value->kind == VALUE_ABSENT) {
			buf_append(text, STR("absent"));
		} else if (!made) {
			value_write_json(text, field, value);
		}
		buf_append_byte(text, ',');
	}
}

/* Reads the body in batches: `whole` is what was read at once, `ok` whether it could be. */
static void try_batches(struct str body, const struct body_options *options,
						const struct query *asked, bool ok, const struct buf *whole,
						struct arena *arena)
{
	struct query query = {.action = asked->action, .resource = asked->resource};
	struct error error = {.code = ERROR_NONE};
	const struct value *values = NULL;
	size_t count = 0;
	struct buf text;
	buf_init(&text, TEXT_BYTES);
	bool fine = check_body_batches(body, options, arena, &query, &error);
	while (fine && (fine = query.batches->next(query.batches, &values, &count, &error)) &&
		   count > 0) {
		check_values(&query, values, count, &text);
	}
	assert(outcome(fine, &error, body.len) == ok);
	assert(!fine || str_equal(buf_str(&text), buf_str(whole)));
	query_batches_finish(query.batches);
	buf_finish(&text);
}

static void try_body(struct str body, const struct body_options *options, enum query_action action,
					 const struct resource *resource, struct arena *arena)
{
	struct query query = {.action = action, .resource = resource};
	struct error error = {.code = ERROR_NONE};
	struct buf text;
	buf_init(&text, TEXT_BYTES);
	bool ok = outcome(check_body(body, options, arena, &query, &error), &error, body.len);
	if (ok) {
		check_values(&query, query.values, query.row_count, &text);
		assert(action != QUERY_UPDATE || query.row_count <= 1);
		assert(action != QUERY_UPDATE || query.row_count == 0 || query.given.count > 0);
	}
	bool lines = options->format == BODY_CSV || options->format == BODY_NDJSON;
	if (lines && action != QUERY_UPDATE && error.code != ERROR_BODY_TOO_LARGE) {
		try_batches(body, options, &query, ok, &text, arena);
	}
	buf_finish(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const resources[] = {"ratings", "things", "tokens"};
	static const enum query_action actions[] = {QUERY_INSERT, QUERY_UPSERT, QUERY_UPDATE};
	static const struct str names[] = {STR_INIT("id"), STR_INIT("name"), STR_INIT("data"),
									   STR_INIT("state")};
	static const struct parsed_names columns = {names, 4};
	static struct model *model;
	struct limits limits;
	struct arena arena;
	if (size == 0) {
		return 0;
	}
	if (model == NULL) {
		model = test_model();
	}
	limits_init(&limits);
	limits.insert_rows = CHOSEN_ROWS;
	struct body_options options = {
		.limits = &limits,
		.format = (enum body_format)(data[0] & 3),
		.many = true,
		.lenient = (data[0] & 4) != 0,
		.columns = (data[0] & 8) != 0 ? &columns : NULL,
		.missing_default = (data[0] & 16) != 0,
		.whole = (data[0] & 32) != 0,
	};
	struct str body = {(const char *)data + 1, size - 1};
	arena_init(&arena, BLOCK_BYTES);
	for (size_t r = 0; r < sizeof(resources) / sizeof(resources[0]); r++) {
		const struct resource *resource = test_resource(model, resources[r]);
		for (size_t a = 0; a < sizeof(actions) / sizeof(actions[0]); a++) {
			try_body(body, &options, actions[a], resource, &arena);
			arena_reset(&arena);
		}
	}
	arena_finish(&arena);
	return 0;
}
