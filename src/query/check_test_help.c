#include "query/check_test_help.h"
#include "query/compile.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_BYTES = 1 << 20, BLOCK_BYTES = 4096 };

static const char yaml[] = "service: relations\n"
						   "resources:\n"
						   "  clients:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:   integer\n"
						   "      name: text\n"
						   "  projects:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:        integer\n"
						   "      name:      { type: text, required: true }\n"
						   "      client_id: { type: integer, references: clients }\n"
						   "      budget:    'decimal(10,2)'\n"
						   "      share:     number\n"
						   "      done:      boolean\n"
						   "      ref:       uuid\n"
						   "      data:      json\n"
						   "  details:\n"
						   "    key: project_id\n"
						   "    fields:\n"
						   "      project_id: { type: integer, references: projects }\n"
						   "      note:       text\n"
						   "  tasks:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:         integer\n"
						   "      name:       text\n"
						   "      project_id: { type: integer, references: projects }\n"
						   "  users:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:   integer\n"
						   "      name: text\n"
						   "    unique: { one name: name }\n"
						   "  users_tasks:\n"
						   "    key: [user_id, task_id]\n"
						   "    fields:\n"
						   "      user_id: { type: integer, references: users }\n"
						   "      task_id: { type: integer, references: tasks }\n"
						   "  addresses:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:     integer\n"
						   "      street: text\n"
						   "  orders:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:       integer\n"
						   "      billing:  { type: integer, references: addresses }\n"
						   "      shipping: { type: integer, references: addresses }\n"
						   "  organizations:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:      integer\n"
						   "      referee: { type: integer, references: organizations }\n"
						   "      auditor: { type: integer, references: organizations }\n"
						   "  rooms:\n"
						   "    key: [house, number]\n"
						   "    fields:\n"
						   "      house:  text\n"
						   "      number: integer\n"
						   "  stays:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:     integer\n"
						   "      house:  text\n"
						   "      number: integer\n"
						   "    references:\n"
						   "      stay room: { fields: [house, number], to: rooms }\n"
						   "  events:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:    integer\n"
						   "      day:   date\n"
						   "      start: time\n"
						   "      at:    datetime\n"
						   "      note:  text\n"
						   "  loose:\n"
						   "    key: []\n"
						   "    fields:\n"
						   "      a: integer\n"
						   "      b: text\n";

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

struct model *test_relations_model(void)
{
	struct model_report report;
	struct buf text;
	model_report_init(&report);
	struct model *model = model_parse(str_from(yaml), STR("test.yaml"), no_environment, &report);
	if (model == NULL || !query_compile(model, &report)) {
		buf_init(&text, SIZE_MAX);
		model_report_write(&report, STR("test.yaml"), &text);
		(void)fprintf(stderr, "%.*s", STR_ARG(buf_str(&text)));
		abort();
	}
	model_report_finish(&report);
	return model;
}

struct check_options test_check_options(const struct limits *limits)
{
	return (struct check_options){.limits = limits, .caller = &caller_trusted};
}

bool test_check(const char *input, enum query_action action, const struct resource *resource,
				const struct check_options *options, struct arena *arena, struct query *ret_query,
				struct error *error)
{
	struct parsed_query parsed;
	parsed_query_init(&parsed);
	*ret_query = (struct query){.action = action, .resource = resource};
	return parse_query_string(str_from(input), options->limits, NULL, NULL, arena, &parsed,
							  error) &&
		check_query(&parsed, action, resource, options, arena, ret_query, error);
}

/* ---- queries as text ---- */

static void write_term(struct buf *buf, const struct term *term)
{
	for (size_t i = 0; i < term->through_count; i++) {
		buf_printf(buf, "%.*s.", STR_ARG(term->through[i]->to->name));
	}
	if (term->field != NULL) {
		buf_append(buf, term->field->name);
		test_write_path(buf, term->path);
	}
}

static void write_cast(struct buf *buf, const struct field *cast)
{
	if (cast != NULL) {
		buf_printf(buf, "::%s", value_type_name(cast->type));
	}
}

static void write_fetch(struct buf *buf, const struct query_fetch *fetch)
{
	static const char *const aggregates[] = {
		[AGGREGATE_NONE] = "",   [AGGREGATE_COUNT] = "count", [AGGREGATE_SUM] = "sum",
		[AGGREGATE_AVG] = "avg", [AGGREGATE_MIN] = "min",     [AGGREGATE_MAX] = "max",
	};
	write_term(buf, &fetch->term);
	write_cast(buf, fetch->cast);
	if (fetch->aggregate != AGGREGATE_NONE) {
		buf_printf(buf, "%s%s()", fetch->term.field != NULL ? "." : "",
				   aggregates[fetch->aggregate]);
	}
	write_cast(buf, fetch->result_cast);
	if (fetch->type != fetch->term.field) {
		buf_printf(buf, "=%s", value_type_name(fetch->type->type));
	}
}

static void write_embed(struct buf *buf, const struct query *query, const struct query_embed *embed)
{
	const struct relation *relation = embed->relation;
	const struct str name = relation->junction != NULL ? relation->junction->name
													   : relation->reference->name;
	buf_printf(buf, "#%zu %s%s %.*s(", embed->number, embed->to_one ? "one" : "many",
			   embed->spread ? " spread" : "", STR_ARG(name));
	for (size_t i = 0; i < relation->from_fields.count; i++) {
		if (query->fetch[embed->keys[i]].term.field != relation->from_fields.items[i]) {
			abort();
		}
	}
	test_write_query(buf, &embed->query);
	buf_append_byte(buf, ')');
}

void test_write_columns(struct buf *buf, const struct query *query)
{
	for (size_t i = 0; i < query->column_count; i++) {
		const struct query_column *column = &query->columns[i];
		buf_append(buf, i > 0 ? STR(", ") : STR(""));
		if (column->key.len > 0) {
			buf_append(buf, column->key);
		} else {
			buf_append(buf, STR("..."));
		}
		if (column->embed != NULL) {
			write_embed(buf, query, column->embed);
		} else {
			write_fetch(buf, &query->fetch[column->at]);
		}
	}
}

void test_write_order(struct buf *buf, const struct query *query)
{
	for (size_t i = 0; i < query->order_count; i++) {
		const struct query_order *order = &query->order[i];
		buf_append(buf, i > 0 ? STR(",") : STR(""));
		write_term(buf, &order->term);
		buf_printf(buf, "%s%s", order->descending ? ".desc" : "",
				   order->nulls_first ? ".nullsfirst" : "");
		if (order->at != SIZE_MAX) {
			buf_printf(buf, "@%zu", order->at);
		}
	}
}

static void write_hidden(struct buf *buf, const struct query *query)
{
	for (size_t i = 0; i < query->fetch_count; i++) {
		bool shown = false;
		for (size_t k = 0; k < query->column_count; k++) {
			shown = shown || (query->columns[k].embed == NULL && query->columns[k].at == i);
		}
		if (!shown) {
			buf_append(buf, STR(" +"));
			write_fetch(buf, &query->fetch[i]);
		}
	}
}

void test_write_query(struct buf *buf, const struct query *query)
{
	test_write_columns(buf, query);
	write_hidden(buf, query);
	if (query->where != NULL) {
		buf_append(buf, STR(" where "));
		test_write_cond(buf, query->where);
	}
	if (query->order_count > 0) {
		buf_append(buf, STR(" order "));
		test_write_order(buf, query);
	}
	if (query->limit != UINT64_MAX) {
		buf_printf(buf, " limit %llu", (unsigned long long)query->limit);
	}
	if (query->offset != 0) {
		buf_printf(buf, " offset %llu", (unsigned long long)query->offset);
	}
	buf_append(buf, query->grouped ? STR(" grouped") : STR(""));
	buf_append(buf, query->distinct ? STR(" distinct") : STR(""));
	for (size_t i = 0; i < query->cursor_count; i++) {
		buf_printf(buf, "%s%zu", i == 0 ? " cursor " : ",", query->cursor[i]);
	}
	for (size_t i = 0; i < query->tag_count; i++) {
		buf_printf(buf, "%s%zu", i == 0 ? " tag " : ",", query->tag[i]);
	}
	for (size_t i = 0; i < query->conflict.count; i++) {
		buf_printf(buf, "%s%.*s", i == 0 ? " conflict " : ",",
				   STR_ARG(query->conflict.items[i]->name));
	}
}

void test_check_rows(const struct test_row *rows, size_t count, enum query_action action,
					 const struct check_options *options)
{
	struct model *model = test_relations_model();
	struct arena arena;
	struct buf got;
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	for (size_t i = 0; i < count; i++) {
		const struct resource *resource = test_resource(model, rows[i].resource);
		struct query query;
		struct error error;
		buf_clear(&got);
		if (test_check(rows[i].input, action, resource, options, &arena, &query, &error)) {
			test_write_query(&got, &query);
		} else {
			test_write_error(&got, &error);
			if (query.fetch_count > 0 || query.where != NULL || query.order_count > 0) {
				abort();
			}
		}
		test_equal(rows[i].line, rows[i].input, &got, rows[i].want);
		arena_reset(&arena);
	}
	buf_finish(&got);
	arena_finish(&arena);
	model_destroy(model);
}
