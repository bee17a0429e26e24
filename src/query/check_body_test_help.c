#include "query/check_body_test_help.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/uuid.h"

enum { TEXT_BYTES = 65536, BLOCK_BYTES = 4096 };

static const char yaml[] = "service: test\n"
						   "resources:\n"
						   "  simple_pk:\n"
						   "    key: k\n"
						   "    fields:\n"
						   "      k:     text\n"
						   "      extra: text\n"
						   "  records:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:    { type: integer, default: auto }\n"
						   "      title: { type: text(5), required: true }\n"
						   "      mark:  { type: uuid, default: auto }\n"
						   "      made:  { type: text, default: database }\n"
						   "      state: { type: text, default: new }\n"
						   "      live:  boolean\n"
						   "      count: { type: integer, min: 0, default: 3 }\n"
						   "      once:  { type: text, write: once, default: o }\n"
						   "      never: { type: text, write: never, default: n }\n"
						   "      data:  json\n"
						   "  tickets:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id: { type: integer, default: auto }\n"
						   "  notes:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:   { type: integer, default: auto }\n"
						   "      note: text(10)\n"
						   "  wide_row:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id: integer\n"
						   "      name: text\n"
						   "      mail: text\n"
						   "      age: integer\n"
						   "      city: text\n"
						   "      score: number\n"
						   "      alive: boolean\n"
						   "      price: \"decimal(10,2)\"\n"
						   "      note: text\n"
						   "      code: integer\n";

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

void test_body_models_init(struct body_models *models)
{
	struct model_report report;
	model_report_init(&report);
	models->shared = test_model();
	models->own = model_parse(str_from(yaml), STR("test.yaml"), no_environment, &report);
	for (size_t i = 0; models->own == NULL && i < report.count; i++) {
		(void)fprintf(stderr, "%zu: %.*s\n", report.problems[i].place.line,
					  STR_ARG(report.problems[i].message));
	}
	assert(models->own != NULL);
	model_report_finish(&report);
}

void test_body_models_finish(struct body_models *models)
{
	model_destroy(models->shared);
	model_destroy(models->own);
}

const struct resource *test_body_resource(const struct body_models *models, const char *name)
{
	const struct resource *resource = model_resource(models->own, str_from(name));
	return resource != NULL ? resource : test_resource(models->shared, name);
}

static void write_value(struct buf *buf, const struct field *field, const struct value *value)
{
	struct uuid uuid;
	if (value->kind == VALUE_ABSENT) {
		buf_append(buf, STR("<absent>"));
	} else if (field->default_kind == DEFAULT_AUTO && value->kind == VALUE_TEXT &&
			   uuid_parse(value->text, &uuid) && value->text.ptr[14] == '7') {
		buf_append(buf, STR("<uuid>"));
	} else {
		value_write_json(buf, field, value);
	}
}

void test_write_values(struct buf *buf, const struct query *query, const struct value *values,
					   size_t row_count)
{
	for (size_t r = 0; r < row_count && query->given.count > 0; r++) {
		buf_append(buf, buf->len > 0 ? STR("; ") : STR(""));
		for (size_t i = 0; i < query->given.count; i++) {
			const struct field *field = query->given.items[i];
			buf_append(buf, i > 0 ? STR(" ") : STR(""));
			buf_append(buf, field->name);
			buf_append_byte(buf, '=');
			write_value(buf, field, &values[r * query->given.count + i]);
		}
	}
}

/* ---- a table ---- */

struct fixture {
	struct body_models models;
	struct limits limits;
	struct arena arena;
	struct buf got;
	struct error error;
};

static void run_whole(struct fixture *fixture, const struct body_test *test,
					  enum query_action action, const struct body_options *options)
{
	struct query query = {
		.action = action,
		.resource = test_body_resource(&fixture->models, test->resource),
	};
	struct buf *got = &fixture->got;
	buf_clear(got);
	if (check_body(str_from(test->body), options, &fixture->arena, &query, &fixture->error)) {
		test_write_values(got, &query, query.values, query.row_count);
		if (got->len == 0) {
			buf_printf(got, "%zu rows", query.row_count);
		}
	} else {
		test_write_error(got, &fixture->error);
		assert(query.values == NULL && query.row_count == 0 && query.given.count == 0);
	}
	test_equal(test->line, test->body, got, test->want);
}

static void run_batches(struct fixture *fixture, const struct body_test *test,
						enum query_action action, const struct body_options *options)
{
	struct query query = {
		.action = action,
		.resource = test_body_resource(&fixture->models, test->resource),
	};
	struct buf *got = &fixture->got;
	const struct value *values = NULL;
	size_t count = 0;
	size_t rows = 0;
	buf_clear(got);
	bool ok = check_body_batches(str_from(test->body), options, &fixture->arena, &query,
								 &fixture->error);
	assert(ok == (query.batches != NULL) && query.values == NULL && query.row_count == 0);
	while (ok && (ok = query.batches->next(query.batches, &values, &count, &fixture->error)) &&
		   count > 0) {
		test_write_values(got, &query, values, count);
		rows += count;
	}
	if (!ok) {
		buf_clear(got);
		test_write_error(got, &fixture->error);
	} else if (got->len == 0) {
		buf_printf(got, "%zu rows", rows);
	}
	test_equal(test->line, test->body, got, test->want);
	query_batches_finish(query.batches);
}

void test_bodies(const struct body_test *tests, size_t count, enum query_action action,
				 struct body_options *options)
{
	bool lines = options->format == BODY_CSV || options->format == BODY_NDJSON;
	bool inserts = action == QUERY_INSERT || action == QUERY_UPSERT;
	struct fixture fixture;
	test_body_models_init(&fixture.models);
	limits_init(&fixture.limits);
	fixture.limits.insert_rows = TEST_INSERT_ROWS;
	fixture.limits.json_depth = TEST_JSON_DEPTH;
	options->limits = &fixture.limits;
	arena_init(&fixture.arena, BLOCK_BYTES);
	buf_init(&fixture.got, TEXT_BYTES);
	for (size_t i = 0; i < count; i++) {
		run_whole(&fixture, &tests[i], action, options);
		if (lines && inserts) {
			run_batches(&fixture, &tests[i], action, options);
		}
		arena_reset(&fixture.arena);
	}
	buf_finish(&fixture.got);
	arena_finish(&fixture.arena);
	test_body_models_finish(&fixture.models);
}
