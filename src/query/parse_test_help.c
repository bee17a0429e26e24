#include "query/parse_test_help.h"

#include <assert.h>

#include "query/query_test_help.h"

enum { TEXT_BYTES = 1 << 20, BLOCK_BYTES = 4096 };

void parse_small_limits(struct limits *limits)
{
	limits_init(limits);
	limits->filter_terms = 6;
	limits->filter_depth = 3;
	limits->in_items = 4;
	limits->embed_depth = 2;
}

/* ---- parts ---- */

static void write_path(struct buf *buf, const struct json_path *path)
{
	for (size_t i = 0; path != NULL && i < path->count; i++) {
		const struct json_step *step = &path->steps[i];
		buf_append(buf, i + 1 == path->count && path->as_text ? STR("->>") : STR("->"));
		if (step->is_position) {
			buf_append_int(buf, step->position);
		} else {
			buf_printf(buf, "'%.*s'", STR_ARG(step->key));
		}
	}
}

static void write_names(struct buf *buf, const char *before, const struct parsed_names *names,
						const char *between)
{
	for (size_t i = 0; i < names->count; i++) {
		buf_printf(buf, "%s%.*s", i > 0 ? between : before, STR_ARG(names->items[i]));
	}
}

/* ---- conditions ---- */

static const char *operator_word(enum operator_name op)
{
	static const char *const words[] = {
#define X(name, word, shape) [OPERATOR_##name] = (word),
		OPERATOR_TABLE(X)
#undef X
	};
	return words[op];
}

static const char *is_word(enum is_what is)
{
	static const char *const words[] = {
		[IS_NULL] = "null",   [IS_NOT_NULL] = "not_null", [IS_TRUE] = "true",
		[IS_FALSE] = "false", [IS_UNKNOWN] = "unknown",
	};
	return words[is];
}

static void write_value(struct buf *buf, const struct parsed_value *value)
{
	if (value->claim) {
		buf_printf(buf, "{claims.%.*s}", STR_ARG(value->text));
	} else if (value->parameter) {
		buf_printf(buf, "{%.*s%s}", STR_ARG(value->text), value->optional ? "?" : "");
	} else {
		buf_printf(buf, "<%.*s>", STR_ARG(value->text));
	}
}

static void write_leaf(struct buf *buf, const struct parsed_cond *cond)
{
	buf_append(buf, cond->column);
	write_path(buf, cond->path);
	buf_printf(buf, " %s", operator_word(cond->op));
	if (cond->config.len > 0) {
		buf_printf(buf, "(%.*s)", STR_ARG(cond->config));
	}
	buf_append_byte(buf, ' ');
	if (cond->kind == COND_IS) {
		buf_append(buf, str_from(is_word(cond->is)));
	} else if (cond->kind == COND_COMPARE && cond->quantifier == QUANTIFIER_NONE) {
		write_value(buf, &cond->value);
	} else if (cond->kind == COND_COMPARE) {
		buf_append(buf, cond->quantifier == QUANTIFIER_ANY ? STR("any") : STR("all"));
	}
	for (size_t i = 0; i < cond->item_count; i++) {
		write_value(buf, &cond->items[i]);
	}
}

static void write_cond(struct buf *buf, const struct parsed_cond *cond)
{
	if (cond->kind != COND_AND && cond->kind != COND_OR && cond->kind != COND_NOT) {
		write_leaf(buf, cond);
		return;
	}
	buf_append(buf,
			   cond->kind == COND_AND      ? STR("and(")
				   : cond->kind == COND_OR ? STR("or(")
										   : STR("not("));
	for (const struct parsed_cond *child = cond->children; child != NULL; child = child->next) {
		buf_append(buf, child != cond->children ? STR(",") : STR(""));
		write_cond(buf, child);
	}
	buf_append_byte(buf, ')');
}

/* ---- select ---- */

static void write_items(struct buf *buf, const struct parsed_item *first);

static void write_cast(struct buf *buf, struct str cast)
{
	if (cast.len > 0) {
		buf_printf(buf, "::%.*s", STR_ARG(cast));
	}
}

static void write_relation(struct buf *buf, const struct parsed_item *item)
{
	static const char *const joins[] = {
		[JOIN_UNSAID] = "",
		[JOIN_INNER] = "!inner",
		[JOIN_LEFT] = "!left",
	};
	buf_append(buf, str_from(joins[item->join]));
	for (size_t i = 0; i < PARSE_HINTS; i++) {
		buf_printf(buf, "%s%.*s", item->hints[i].len > 0 ? "!" : "", STR_ARG(item->hints[i]));
	}
	buf_append_byte(buf, '(');
	write_items(buf, item->children);
	buf_append_byte(buf, ')');
}

static void write_item(struct buf *buf, const struct parsed_item *item)
{
	static const char *const aggregates[] = {
		[AGGREGATE_NONE] = "",      [AGGREGATE_COUNT] = ".count()", [AGGREGATE_SUM] = ".sum()",
		[AGGREGATE_AVG] = ".avg()", [AGGREGATE_MIN] = ".min()",     [AGGREGATE_MAX] = ".max()",
	};
	buf_append(buf, item->spread ? STR("...") : STR(""));
	buf_printf(buf, "%.*s%s%.*s", STR_ARG(item->alias), item->alias.len > 0 ? ":" : "",
			   STR_ARG(item->column));
	switch (item->kind) {
	case ITEM_ALL:
		buf_append_byte(buf, '!');
		break;
	case ITEM_COUNT:
		buf_append(buf, STR("()"));
		break;
	case ITEM_RELATION:
		write_relation(buf, item);
		break;
	case ITEM_FIELD:
		break;
	}
	write_path(buf, item->path);
	write_cast(buf, item->cast);
	buf_append(buf, str_from(aggregates[item->aggregate]));
	write_cast(buf, item->result_cast);
}

static void write_items(struct buf *buf, const struct parsed_item *first)
{
	for (const struct parsed_item *item = first; item != NULL; item = item->next) {
		buf_append(buf, item != first ? STR(",") : STR(""));
		write_item(buf, item);
	}
}

/* ---- the whole ---- */

static void write_order(struct buf *buf, const struct parsed_order *first)
{
	for (const struct parsed_order *term = first; term != NULL; term = term->next) {
		buf_append(buf, term == first ? STR(" order ") : STR(","));
		if (term->relation.len > 0) {
			buf_printf(buf, "%.*s(", STR_ARG(term->relation));
		}
		buf_append(buf, term->column);
		write_path(buf, term->path);
		buf_append(buf, term->relation.len > 0 ? STR(")") : STR(""));
		buf_printf(buf, "%s%s", term->descending ? " desc" : "",
				   term->nulls_first ? " nullsfirst" : "");
	}
}

static void write_range(struct buf *buf, const struct parsed_level *level)
{
	if (level->limit != UINT64_MAX) {
		buf_printf(buf, " limit %llu", (unsigned long long)level->limit);
	}
	if (level->offset != 0) {
		buf_printf(buf, " offset %llu", (unsigned long long)level->offset);
	}
}

static void write_level(struct buf *buf, const struct parsed_level *level)
{
	write_names(buf, " ", &level->path, ".");
	buf_append_byte(buf, '[');
	if (level->where != NULL) {
		write_cond(buf, level->where);
	}
	write_order(buf, level->order);
	write_range(buf, level);
	buf_append_byte(buf, ']');
}

void test_write_parsed_query(struct buf *buf, const struct parsed_query *query)
{
	if (query->root.where != NULL) {
		write_cond(buf, query->root.where);
	}
	if (query->select != NULL) {
		assert(query->has_select);
		buf_append(buf, STR(" select "));
		write_items(buf, query->select);
	}
	write_order(buf, query->root.order);
	write_range(buf, &query->root);
	write_names(buf, " columns ", &query->columns, ",");
	write_names(buf, " conflict ", &query->on_conflict, ",");
	if (query->has_after) {
		buf_printf(buf, " after <%.*s>", STR_ARG(query->after));
	}
	buf_append(buf, query->distinct ? STR(" distinct") : STR(""));
	for (const struct parsed_level *level = query->root.next; level != NULL; level = level->next) {
		write_level(buf, level);
	}
}

/* ---- rows ---- */

static bool skip_own(const void *context, struct str name)
{
	return str_equal(name, *(const struct str *)context);
}

static bool parse(struct str input, enum parse_kind kind, struct arena *arena,
				  struct parsed_query *query, struct error *error)
{
	static const struct str own = STR_INIT("own");
	struct limits limits;
	parse_small_limits(&limits);
	switch (kind) {
	case PARSE_QUERY_STRING:
		return parse_query_string(input, &limits, skip_own, &own, arena, query, error);
	case PARSE_CONDITION:
		return parse_condition(input, &limits, arena, query, error);
	case PARSE_SELECT:
		return parse_select(input, &limits, arena, query, error);
	case PARSE_ORDER:
		break;
	}
	return parse_order(input, arena, query, error);
}

void test_parse_rows(const struct parse_row *rows, size_t count, enum parse_kind kind)
{
	struct arena arena;
	struct buf got;
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	for (size_t i = 0; i < count; i++) {
		struct parsed_query query;
		struct error error = {.code = ERROR_NONE};
		parsed_query_init(&query);
		buf_clear(&got);
		if (parse(str_from(rows[i].input), kind, &arena, &query, &error)) {
			assert(error.code == ERROR_NONE);
			test_write_parsed_query(&got, &query);
		} else {
			test_write_error(&got, &error);
		}
		test_equal(rows[i].line, rows[i].input, &got, rows[i].want);
		arena_reset(&arena);
	}
	buf_finish(&got);
	arena_finish(&arena);
}
