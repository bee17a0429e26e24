/*
 * The same random requests on the store in memory, which is simple enough to be right, and on
 * SQLite and MariaDB: answers must be equal to the byte, refusals to the code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/like.h"
#include "store/store_priv.h"
#include "store/store_test_help.h"

enum { STEPS = 4000, STEPS_MARIA = 2500, ROWS_MAX = 3, DEPTH_MAX = 3, EMBED_DEPTH = 2 };

struct random_test {
	struct fixture fixture;
	struct store_session *sessions[2];
	struct store *stores[2];
	uint64_t state;
	size_t step;
	size_t refused;
	size_t answered;
	size_t embeds; /* of the query that is made */
	bool is_maria;
};

/* xorshift64* (Vigna 2016): the same run for the same seed. */
static uint64_t next(struct random_test *test)
{
	test->state ^= test->state >> 12;
	test->state ^= test->state << 25;
	test->state ^= test->state >> 27;
	return test->state * UINT64_C(2685821657736338717);
}

static size_t pick(struct random_test *test, size_t count)
{
	return (size_t)((next(test) >> 33) % count);
}

static bool chance(struct random_test *test, size_t percent)
{
	return pick(test, 100) < percent;
}

/* ---- random queries ---- */

static struct value random_value(struct random_test *test, const struct field *field)
{
	static const int64_t integers[] = {0, 1, 2, 3, 4, -1, 9007199254740993, INT64_MAX, INT64_MIN};
	static const double numbers[] = {0, -0.0, 1, 0.1, -2.5, 1e300, 5e-324};
	static const char *const texts[] = {"", "a", "b", "B", "ab", "é", "😀", "it's \"x\"", "NULL"};
	static const char *const documents[] = {"{}", "[1,2]", "\"a\"", "{\"a\":{\"b\":null}}"};
	switch (field->type) {
	case TYPE_INTEGER:
		if (field->in != NULL) {
			return test_integer(1 + (int64_t)pick(test, 3));
		}
		if (field->key || field->references != NULL || chance(test, 80)) {
			return test_integer(1 + (int64_t)pick(test, 5));
		}
		return test_integer(integers[pick(test, sizeof(integers) / sizeof(integers[0]))]);
	case TYPE_DECIMAL:
		return test_integer((int64_t)pick(test, 7) * 25);
	case TYPE_DATE:
		return test_integer((int64_t)pick(test, 5) - 2);
	case TYPE_TIME:
		return test_integer((int64_t)pick(test, 4) * 500000);
	case TYPE_DATETIME:
		return test_integer(((int64_t)pick(test, 7) - 3) * 500000);
	case TYPE_BOOLEAN:
		return test_integer(chance(test, 98) ? (int64_t)pick(test, 2) : 2);
	case TYPE_NUMBER:
		return (struct value){.kind = VALUE_NUMBER,
							  .number = numbers[pick(test, sizeof(numbers) / sizeof(numbers[0]))]};
	case TYPE_TEXT:
		return test_text(texts[pick(test, sizeof(texts) / sizeof(texts[0]))]);
	case TYPE_JSON:
		return test_text(documents[pick(test, sizeof(documents) / sizeof(documents[0]))]);
	case TYPE_UUID:
		break;
	}
	return test_text("6b1f2d3c-0000-4000-8000-000000000000");
}

static const struct field *random_field(struct random_test *test, const struct resource *resource)
{
	return &resource->fields[pick(test, resource->field_count)];
}

static void random_pattern(struct random_test *test, struct cond *cond)
{
	static const char *const patterns[] = {"%", "a%", "%b", "_", "\\%", "", "%\"%", "A_", "%é%"};
	const char *pattern = patterns[pick(test, sizeof(patterns) / sizeof(patterns[0]))];
	bool caseless = chance(test, 50);
	cond->kind = COND_COMPARE;
	cond->op = caseless ? OPERATOR_ILIKE : OPERATOR_LIKE;
	cond->operand.value = test_text(pattern);
	cond->compiled.kind = VALUE_POINTER;
	cond->compiled.pointer = like_create(str_from(pattern), caseless, &test->fixture.arena);
}

static const struct json_path *random_path(struct random_test *test)
{
	static const struct json_step steps[] = {{.key = STR_INIT("a")}, {.key = STR_INIT("b")}};
	static const struct json_step first[] = {{.is_position = true, .key = STR_INIT("0")}};
	static const struct json_path paths[] = {
		{steps, 1, false}, {steps, 1, true}, {steps, 2, true}, {first, 1, true}, {first, 1, false}};
	return &paths[pick(test, sizeof(paths) / sizeof(paths[0]))];
}

static void random_compare(struct random_test *test, struct cond *cond)
{
	cond->kind = COND_COMPARE;
	cond->op = chance(test, 10) ? OPERATOR_ISDISTINCT
								: (enum operator_name)pick(test, OPERATOR_LTE + 1);
	cond->operand.value = random_value(test, cond->field);
	if (cond->op == OPERATOR_ISDISTINCT && chance(test, 30)) {
		cond->operand.value.kind = VALUE_NULL;
	}
}

static void random_in(struct random_test *test, struct cond *cond)
{
	size_t count = pick(test, 5) * pick(test, 5);
	struct operand *items = ARENA_ARRAY(&test->fixture.arena, count, struct operand);
	for (size_t i = 0; i < count; i++) {
		items[i] = (struct operand){random_value(test, cond->field), .parameter = -1};
	}
	cond->kind = COND_IN;
	cond->items = items;
	cond->item_count = count;
}

static const struct cond *random_leaf(struct random_test *test, const struct resource *resource)
{
	struct cond *cond = ARENA_NEW(&test->fixture.arena, struct cond);
	cond->field = random_field(test, resource);
	cond->type = cond->field;
	cond->operand.parameter = -1;
	if (cond->field->type == TYPE_JSON && chance(test, 60)) {
		cond->path = random_path(test);
	}
	size_t kind = pick(test, 10);
	if (kind < 6 && (cond->field->type == TYPE_TEXT || cond->path != NULL) && chance(test, 40)) {
		random_pattern(test, cond);
	} else if (kind < 6) {
		random_compare(test, cond);
	} else if (kind < 8) {
		random_in(test, cond);
	} else {
		cond->kind = COND_IS;
		cond->is = cond->field->type == TYPE_BOOLEAN ? (enum is_what)pick(test, IS_UNKNOWN + 1)
													 : (enum is_what)pick(test, IS_NOT_NULL + 1);
	}
	return cond;
}

static const struct cond *random_cond(struct random_test *test, const struct resource *resource,
									  size_t depth);

/* Is there a row at the other end of a relation? Its relation is any, its shape does not count. */
static const struct cond *random_exists(struct random_test *test, const struct resource *resource,
										size_t depth)
{
	if (resource->relation_count == 0) {
		return random_leaf(test, resource);
	}
	struct cond *cond = ARENA_NEW(&test->fixture.arena, struct cond);
	struct query_embed *embed = ARENA_NEW(&test->fixture.arena, struct query_embed);
	embed->relation = &resource->relations[pick(test, resource->relation_count)];
	embed->to_one = relation_is_to_one(embed->relation);
	embed->query.action = QUERY_LIST;
	embed->query.resource = embed->relation->to;
	embed->query.limit = chance(test, 90) ? UINT64_MAX : pick(test, 2);
	embed->query.offset = chance(test, 90) ? 0 : pick(test, 3);
	if (chance(test, 60)) {
		embed->query.where = random_cond(test, embed->relation->to, depth - 1);
	}
	cond->kind = COND_EXISTS;
	cond->embed = embed;
	return cond;
}

static const struct cond *random_cond(struct random_test *test, const struct resource *resource,
									  size_t depth)
{
	size_t kind = depth == 0 ? 0 : pick(test, 7);
	if (kind < 3) {
		return random_leaf(test, resource);
	}
	if (kind == 6) {
		return random_exists(test, resource, depth);
	}
	struct cond *cond = ARENA_NEW(&test->fixture.arena, struct cond);
	cond->kind = kind == 3 ? COND_AND : kind == 4 ? COND_OR : COND_NOT;
	cond->child_count = cond->kind == COND_NOT ? 1 : pick(test, 4);
	const struct cond **children = ARENA_ARRAY(&test->fixture.arena, cond->child_count,
											   const struct cond *);
	for (size_t i = 0; i < cond->child_count; i++) {
		children[i] = random_cond(test, resource, depth - 1);
	}
	cond->children = children;
	return cond;
}

static const struct cond *random_key(struct random_test *test, const struct resource *resource)
{
	const struct cond *where = NULL;
	for (size_t i = 0; i < resource->key.count; i++) {
		const struct field *field = resource->key.items[i];
		struct value value = random_value(test, field);
		struct cond *cond = ARENA_NEW(&test->fixture.arena, struct cond);
		*cond = (struct cond){.kind = COND_COMPARE, .field = field, .op = OPERATOR_EQ};
		cond->operand = (struct operand){value, .parameter = -1};
		where = where == NULL ? cond : test_join(&test->fixture, COND_AND, where, cond);
	}
	return where;
}

static void random_columns(struct random_test *test, struct query *query)
{
	if (chance(test, 40)) {
		test_columns(&test->fixture, query, "*");
		return;
	}
	char names[256] = "";
	size_t len = 0;
	for (size_t i = 0; i < query->resource->field_count; i++) {
		if (chance(test, 50) || (len == 0 && i + 1 == query->resource->field_count)) {
			struct str name = query->resource->fields[i].name;
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%.*s", len > 0 ? " " : "",
									STR_ARG(name));
		}
	}
	test_columns(&test->fixture, query, names);
}

/* ---- shapes ---- */

static size_t add_fetch(struct random_test *test, struct query *query,
						const struct query_fetch *fetch)
{
	size_t count = query->fetch_count++;
	struct query_fetch *more = ARENA_ARRAY(&test->fixture.arena, count + 1, struct query_fetch);
	for (size_t i = 0; i < count; i++) {
		more[i] = query->fetch[i];
	}
	more[count] = *fetch;
	query->fetch = more;
	return count;
}

static void add_column(struct random_test *test, struct query *query,
					   const struct query_column *column)
{
	size_t count = query->column_count++;
	struct query_column *more = ARENA_ARRAY(&test->fixture.arena, count + 1, struct query_column);
	for (size_t i = 0; i < count; i++) {
		more[i] = query->columns[i];
	}
	more[count] = *column;
	query->columns = more;
}

static size_t add_field(struct random_test *test, struct query *query, const struct field *field)
{
	const struct query_fetch fetch = {.term = {.field = field}, .type = field};
	return add_fetch(test, query, &fetch);
}

static void random_order(struct random_test *test, struct query *query)
{
	const struct field_list *key = &query->resource->key;
	size_t first = pick(test, 3);
	struct query_order *order = ARENA_ARRAY(&test->fixture.arena, first + key->count,
											struct query_order);
	for (size_t i = 0; i < first + key->count; i++) {
		order[i].at = SIZE_MAX;
		order[i].term.field = i < first ? random_field(test, query->resource)
										: key->items[i - first];
		order[i].descending = i < first && chance(test, 50);
		order[i].nulls_first = i < first && chance(test, 50);
	}
	query->order = order;
	query->order_count = first + key->count;
}

/* By all that is fetched and not aggregated, in any direction. */
static void random_fetched_order(struct random_test *test, struct query *query)
{
	struct query_order *order = ARENA_ARRAY(&test->fixture.arena, query->fetch_count,
											struct query_order);
	size_t count = 0;
	for (size_t i = 0; i < query->fetch_count; i++) {
		if (query->fetch[i].aggregate == AGGREGATE_NONE) {
			order[count++] = (struct query_order){
				.term = query->fetch[i].term,
				.at = i,
				.descending = chance(test, 50),
				.nulls_first = chance(test, 50),
			};
		}
	}
	query->order = order;
	query->order_count = count;
}

static void random_embeds(struct random_test *test, struct query *query, size_t depth);

static void random_embed(struct random_test *test, struct query *query, size_t depth)
{
	const struct resource *resource = query->resource;
	struct query_embed *embed = ARENA_NEW(&test->fixture.arena, struct query_embed);
	embed->relation = &resource->relations[pick(test, resource->relation_count)];
	embed->to_one = relation_is_to_one(embed->relation);
	embed->spread = chance(test, 40);
	embed->number = test->embeds++;
	size_t count = embed->relation->from_fields.count;
	size_t *keys = ARENA_ARRAY(&test->fixture.arena, count, size_t);
	for (size_t i = 0; i < count; i++) {
		keys[i] = add_field(test, query, embed->relation->from_fields.items[i]);
	}
	embed->keys = keys;
	struct query *inner = &embed->query;
	inner->action = QUERY_LIST;
	inner->resource = embed->relation->to;
	inner->limit = embed->to_one || chance(test, 70) ? UINT64_MAX : pick(test, 3);
	inner->offset = embed->to_one || chance(test, 80) ? 0 : pick(test, 2);
	random_columns(test, inner);
	random_order(test, inner);
	random_embeds(test, inner, depth);
	if (chance(test, 30)) {
		inner->where = random_cond(test, inner->resource, 1);
	}
	const struct query_column column = {
		.name = STR("embed"),
		.key = embed->spread ? STR("") : STR("\"embed\":"),
		.embed = embed,
	};
	add_column(test, query, &column);
}

static void random_embeds(struct random_test *test, struct query *query, size_t depth)
{
	while (depth > 0 && query->resource->relation_count > 0 && chance(test, 40)) {
		random_embed(test, query, depth - 1);
	}
}

static void add_value(struct random_test *test, struct query *query,
					  const struct query_fetch *fetch)
{
	const struct query_column column = {
		.name = STR("v"), .key = STR("\"v\":"), .at = add_fetch(test, query, fetch)};
	add_column(test, query, &column);
}

static void random_aggregate(struct random_test *test, struct query *query)
{
	static const struct field integer = {.name = STR_INIT("n"), .type = TYPE_INTEGER};
	static const struct field number = {.name = STR_INIT("n"), .type = TYPE_NUMBER};
	const struct field *field = random_field(test, query->resource);
	/* Sums of doubles depend on their order, those of great integers on how they are made. */
	bool sums = field->type == TYPE_DECIMAL || field->key || field->references != NULL;
	bool orders = field->type != TYPE_JSON && field->type != TYPE_BOOLEAN;
	struct query_fetch fetch = {.aggregate = AGGREGATE_COUNT, .type = &integer};
	fetch.term.field = chance(test, 70) ? field : NULL;
	size_t kind = pick(test, 5);
	if (kind < 2 && sums && field->type != TYPE_TEXT) {
		fetch.aggregate = kind == 0 ? AGGREGATE_SUM : AGGREGATE_AVG;
		fetch.term.field = field;
		fetch.type = kind == 0 ? field : &number;
	} else if (kind < 4 && orders) {
		fetch.aggregate = kind == 3 ? AGGREGATE_MIN : AGGREGATE_MAX;
		fetch.term.field = field;
		fetch.type = field;
	}
	add_value(test, query, &fetch);
}

static void random_groups(struct random_test *test, struct query *query)
{
	query->fetch_count = 0;
	query->column_count = 0;
	query->grouped = true;
	for (size_t i = pick(test, 3); i > 0; i--) {
		const struct field *field = random_field(test, query->resource);
		const struct query_fetch fetch = {.term = {.field = field}, .type = field};
		add_value(test, query, &fetch);
	}
	for (size_t i = 1 + pick(test, 2); i > 0; i--) {
		random_aggregate(test, query);
	}
	random_fetched_order(test, query);
}

/* A path or a cast to text as a further value. */
static void random_term(struct random_test *test, struct query *query)
{
	static const struct field text = {.name = STR_INIT("t"), .type = TYPE_TEXT};
	static const struct field json = {.name = STR_INIT("j"), .type = TYPE_JSON};
	const struct field *field = random_field(test, query->resource);
	struct query_fetch fetch = {.term = {.field = field}, .cast = &text, .type = &text};
	if (field->type == TYPE_JSON) {
		fetch.term.path = random_path(test);
		fetch.cast = NULL;
		fetch.type = fetch.term.path->as_text ? &text : &json;
	}
	add_value(test, query, &fetch);
}

static void random_shape(struct random_test *test, struct query *query)
{
	random_columns(test, query);
	random_order(test, query);
	if (chance(test, 15)) {
		random_groups(test, query);
	} else if (chance(test, 15)) {
		query->distinct = true;
		random_fetched_order(test, query);
	} else {
		if (chance(test, 20)) {
			random_term(test, query);
		}
		random_embeds(test, query, EMBED_DEPTH);
	}
}

static struct query *random_get(struct random_test *test, struct query *query)
{
	query->action = QUERY_GET;
	query->format = FORMAT_OBJECT;
	query->where = random_key(test, query->resource);
	query->order_count = 0;
	random_columns(test, query);
	size_t *tag = ARENA_ARRAY(&test->fixture.arena, query->fetch_count, size_t);
	for (size_t i = 0; i < query->fetch_count; i++) {
		tag[i] = i;
	}
	query->tag = tag;
	query->tag_count = query->fetch_count;
	random_embeds(test, query, EMBED_DEPTH);
	return query;
}

static struct query *random_read(struct random_test *test, const char *name)
{
	static const enum query_format formats[] = {FORMAT_ARRAY, FORMAT_ARRAY, FORMAT_CSV,
												FORMAT_NDJSON, FORMAT_OBJECT};
	struct query *query = test_list(&test->fixture, name);
	const struct resource *resource = query->resource;
	test->embeds = 0;
	if (resource->tally_of == NULL && chance(test, 20)) {
		return random_get(test, query);
	}
	random_shape(test, query);
	if (chance(test, 80)) {
		const struct cond *where = random_cond(test, resource, DEPTH_MAX);
		query->where = query->where == NULL
			? where
			: test_join(&test->fixture, COND_AND, query->where, where);
	}
	query->limit = chance(test, 50) ? UINT64_MAX : pick(test, 6);
	query->offset = chance(test, 70) ? 0 : pick(test, 6);
	query->total = chance(test, 30);
	query->nulls_stripped = chance(test, 20);
	query->format = formats[pick(test, sizeof(formats) / sizeof(formats[0]))];
	if (chance(test, 10) && query->columns[0].embed == NULL) {
		query->format = FORMAT_VALUES;
	}
	return query;
}

/* The names of fields to write: all of the key, but for one that is made, and some others. */
static void random_given(struct random_test *test, enum query_action action,
						 const struct resource *resource, char names[256])
{
	size_t len = 0;
	names[0] = '\0';
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		bool made = field->key && field->default_kind == DEFAULT_AUTO;
		/* MariaDB does not use numbers of rows again that failed. */
		made = made && !test->is_maria;
		bool given = action == QUERY_REPLACE || chance(test, field->required ? 95 : 60);
		if (action == QUERY_INSERT || action == QUERY_UPSERT) {
			given = field->key ? !made || chance(test, 40) : given;
		} else if (action == QUERY_UPDATE && field->key) {
			/* Whether keys that their own table refers to can change depends on the rows' order. */
			given = chance(test, 10) && !str_equal(resource->name, STR("notes"));
		}
		if (given) {
			len += (size_t)snprintf(names + len, 256 - len, "%s%.*s", len > 0 ? " " : "",
									STR_ARG(field->name));
		}
	}
}

static void random_conflict(struct random_test *test, struct query *query)
{
	const struct resource *resource = query->resource;
	query->resolution = chance(test, 30) ? RESOLUTION_IGNORE : RESOLUTION_MERGE;
	if (resource->unique_count > 0 && chance(test, 40)) {
		const struct unique_rule *rule = &resource->uniques[pick(test, resource->unique_count)];
		query->conflict = rule->fields;
		query->conflict_where = rule->cond;
	}
}

static void random_answer(struct random_test *test, struct query *query, bool one)
{
	test->embeds = 0;
	random_columns(test, query);
	query->format = one && chance(test, 50) ? FORMAT_OBJECT : FORMAT_ARRAY;
	random_embeds(test, query, EMBED_DEPTH);
	if (query->action == QUERY_INSERT || query->action == QUERY_UPSERT) {
		query->limit = chance(test, 80) ? UINT64_MAX : pick(test, 3);
		query->offset = chance(test, 80) ? 0 : pick(test, 2);
	}
	if (chance(test, 30)) {
		struct query_order *order = ARENA_NEW(&test->fixture.arena, struct query_order);
		*order = (struct query_order){.term = query->fetch[0].term, .descending = chance(test, 50)};
		query->order = order;
		query->order_count = 1;
	}
}

static struct query *random_write(struct random_test *test, const char *name)
{
	static const enum query_action actions[] = {
		QUERY_INSERT, QUERY_INSERT,  QUERY_INSERT, QUERY_UPSERT,
		QUERY_UPSERT, QUERY_REPLACE, QUERY_UPDATE, QUERY_DELETE,
	};
	const struct resource *resource = test_resource(&test->fixture, name);
	enum query_action action = actions[pick(test, sizeof(actions) / sizeof(actions[0]))];
	bool inserts = action == QUERY_INSERT || action == QUERY_UPSERT;
	size_t rows = action == QUERY_DELETE ? 0 : inserts ? 1 + pick(test, ROWS_MAX) : 1;
	if (test->is_maria && action == QUERY_UPSERT && resource->reference_count > 0) {
		rows = 1; /* one that a later one of the request changes again must hold, too */
	}
	char names[256] = "";
	if (action != QUERY_DELETE) {
		random_given(test, action, resource, names);
	}
	struct value *values;
	struct query *query = test_write(&test->fixture, action, name, names, rows, &values);
	bool by_key = action == QUERY_REPLACE || str_equal(resource->name, STR("notes")) ||
		chance(test, 60);
	if (!inserts) {
		query->where = by_key ? random_key(test, resource) : random_cond(test, resource, DEPTH_MAX);
		query->must_match = by_key && chance(test, 50);
	}
	for (size_t i = 0; i < rows * query->given.count; i++) {
		const struct field *field = query->given.items[i % query->given.count];
		bool null = !field->key && chance(test, field->required ? 3 : 15);
		values[i] = null ? (struct value){.kind = VALUE_NULL} : random_value(test, field);
	}
	for (size_t i = 0; action == QUERY_REPLACE && i < query->given.count; i++) {
		if (query->given.items[i]->key) {
			/* The key stands in the path. */
			values[i] = *query_value(query, SIZE_MAX, query->given.items[i]);
		}
	}
	if (action == QUERY_UPSERT) {
		random_conflict(test, query);
	}
	if (chance(test, 60)) {
		random_answer(test, query, inserts ? rows == 1 : by_key);
	}
	return query;
}

/* ---- comparing ---- */

/* Rows of a write come in any order: compares them as a set, by the sum of their hashes. */
static uint64_t hash_rows(struct str body)
{
	uint64_t sum = 0;
	size_t from = 0;
	for (size_t i = 0; i <= body.len; i++) {
		if (i == body.len || (body.ptr[i] == ',' && body.ptr[i - 1] == '}')) {
			struct str row = str_trim(str_slice(body, from, i));
			row = str_slice(row, str_starts_with(row, STR("[")) ? 1 : 0,
							row.len - (str_ends_with(row, STR("]")) ? 1 : 0));
			uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
			for (size_t at = 0; at < row.len; at++) {
				hash = (hash ^ (unsigned char)row.ptr[at]) * UINT64_C(0x100000001b3);
			}
			sum += hash;
			from = i + 1;
		}
	}
	return sum;
}

static bool same_body(const struct query *query, struct str a, struct str b)
{
	bool any_order = query->action == QUERY_UPDATE || query->action == QUERY_DELETE;
	return str_equal(a, b) || (any_order && a.len == b.len && hash_rows(a) == hash_rows(b));
}

static bool same_error(const struct random_test *test, const struct query *query,
					   const struct error *a, const struct error *b)
{
	bool changes_key = query->action == QUERY_UPSERT &&
		query->conflict.items != query->resource->key.items;
	/* A store looks at references before other rules, after each row, or after the last. */
	bool later = (query->row_count > 1 || test->is_maria) &&
		(a->code == ERROR_REFERENCE || b->code == ERROR_REFERENCE);
	if (query->action == QUERY_UPDATE || changes_key || later) {
		/* Of several rows that are refused for several reasons, the first is any. */
		return true;
	}
	/* Which of several unique rules, or of several rows, is named is the store's choice. */
	bool any = a->code == ERROR_UNIQUE || query->row_count > 1 || query->action == QUERY_DELETE;
	return a->code == b->code &&
		(any || (strcmp(a->message, b->message) == 0 && strcmp(a->details, b->details) == 0));
}

static void run_both(struct random_test *test, const struct query *query)
{
	struct call calls[2];
	for (size_t i = 0; i < 2; i++) {
		test->fixture.session = test->sessions[i];
		call_run(&test->fixture, &calls[i], query);
	}
	const struct call *a = &calls[0];
	const struct call *b = &calls[1];
	bool same = a->ok == b->ok;
	if (same && a->ok) {
		same = same_body(query, buf_str(&a->body), buf_str(&b->body)) &&
			a->result.rows == b->result.rows && a->result.inserted == b->result.inserted &&
			a->result.total == b->result.total && a->result.tag == b->result.tag &&
			a->result.has_made_key == b->result.has_made_key &&
			a->result.made_key == b->result.made_key;
	} else if (same) {
		same = same_error(test, query, &a->error, &b->error);
	}
	/* It is said where MariaDB cannot do as the others. */
	same = same || (!b->ok && b->error.code == ERROR_UNSUPPORTED && query_reads(query));
	if (!same) {
		fail_msg(
			"step %zu, action %d on %.*s: memory %s rows %llu inserted %llu total %llu %.*s %s "
			"(%s); other %s rows %llu inserted %llu total %llu %.*s %s (%s)",
			test->step, (int)query->action, STR_ARG(query->resource->name), a->ok ? "ok" : "failed",
			(unsigned long long)a->result.rows, (unsigned long long)a->result.inserted,
			(unsigned long long)a->result.total, STR_ARG(buf_str(&a->body)),
			a->ok ? "" : a->error.message, a->ok ? "" : a->error.details, b->ok ? "ok" : "failed",
			(unsigned long long)b->result.rows, (unsigned long long)b->result.inserted,
			(unsigned long long)b->result.total, STR_ARG(buf_str(&b->body)),
			b->ok ? "" : b->error.message, b->ok ? "" : b->error.details);
	}
	test->refused += !a->ok;
	test->answered += a->ok && a->result.rows > 0;
	call_finish(&calls[0]);
	call_finish(&calls[1]);
}

/* A junction too, with rules. */
static const char marks[] =
	"  marks:\n"
	"    key: [user_id, note_id]\n"
	"    fields:\n"
	"      user_id: { type: integer, references: users }\n"
	"      note_id: { type: integer, references: notes }\n"
	"      weight: integer\n"
	"    unique:\n"
	"      weights: { fields: weight, where: \"weight=gt.3&user_id=lt.5\" }\n"
	"      light ones: { fields: [weight, user_id], where: weight=lt.1 }\n"
	"    check:\n"
	"      no 7: \"or=(weight.neq.7,note_id.eq.2)\"\n";

enum { NAMES = 6 };

static void run_seed(uint64_t seed, const char *url)
{
	static const char *const names[NAMES] = {"users", "items", "ratings",
											 "notes", "marks", "counts"};
	bool maria = strcmp(url, "mysql:") == 0;
	struct random_test test = {.state = seed, .is_maria = maria};
	size_t steps = maria ? STEPS_MARIA : STEPS;
	char service[4096];
	snprintf(service, sizeof(service), "%s%s", test_service, marks);
	fixture_init(&test.fixture, service);
	const char *const urls[] = {"memory:", url};
	for (size_t i = 0; i < 2; i++) {
		fixture_open(&test.fixture, urls[i]);
		test.stores[i] = test.fixture.store;
		test.sessions[i] = test.fixture.session;
	}
	for (test.step = 0; test.step < steps; test.step++) {
		size_t which = pick(&test, NAMES);
		bool reads = which == NAMES - 1 || chance(&test, 50);
		run_both(&test,
				 reads ? random_read(&test, names[which]) : random_write(&test, names[which]));
		if (test.step % 50 == 0) {
			for (size_t i = 0; i < NAMES; i++) {
				run_both(&test, test_list(&test.fixture, names[i]));
			}
			arena_reset(&test.fixture.arena);
		}
	}
	print_message("seed %llu: %zu answered with rows, %zu refused\n", (unsigned long long)seed,
				  test.answered, test.refused);
	assert_true(test.refused > steps / 20);
	assert_true(test.answered > steps / 10);
	for (size_t i = 0; i < 2; i++) {
		test.fixture.store = test.stores[i];
		test.fixture.session = test.sessions[i];
		fixture_close(&test.fixture);
	}
	fixture_finish(&test.fixture);
}

static void run_seeds(const char *url, uint64_t count)
{
	const char *given = getenv("ROWLOCK_SEED");
	uint64_t first = given == NULL ? 1 : strtoull(given, NULL, 10);
	for (uint64_t seed = first; seed < first + (given == NULL ? count : 1); seed++) {
		run_seed(seed * UINT64_C(0x9e3779b97f4a7c15) + 1, url);
	}
}

static void test_memory_and_sqlite_agree(void **state)
{
	(void)state;
	run_seeds("sqlite:", 3);
}

static void test_memory_and_json_agree(void **state)
{
	(void)state;
	run_seeds("json:", HAVE_JSONSTORE ? 3 : 0);
}

static void test_memory_and_mariadb_agree(void **state)
{
	(void)state;
	if (!maria_test_is_on()) {
		skip();
	}
	run_seeds("mysql:", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_and_sqlite_agree),
		cmocka_unit_test(test_memory_and_json_agree),
		cmocka_unit_test(test_memory_and_mariadb_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
