/* parse(write(model)) is the model again. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "model/model_write.h"
#include "model/yaml.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct model *parse(int line, struct str yaml)
{
	struct model_report report;
	model_report_init(&report);
	struct model *model = model_parse(yaml, STR("test.yaml"), NULL, &report);
	if (model == NULL) {
		fail_msg("line %d: %zu: %.*s\n%.*s", line, report.problems[0].place.line,
				 STR_ARG(report.problems[0].message), STR_ARG(yaml));
	}
	model_report_finish(&report);
	return model;
}

static bool same_value(const struct value *a, const struct value *b)
{
	return a->kind == b->kind && value_compare(a, b) == 0;
}

static bool same_list(const struct field_list *a, const struct field_list *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; i < a->count && same; i++) {
		same = str_equal(a->items[i]->name, b->items[i]->name);
	}
	return same;
}

static bool same_bound(const struct value *a, const struct value *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || same_value(a, b));
}

static bool same_resource_name(const struct resource *a, const struct resource *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || str_equal(a->name, b->name));
}

static bool same_field(const struct field *a, const struct field *b)
{
	bool same = str_equal(a->name, b->name) && a->number == b->number && a->type == b->type &&
		a->precision == b->precision && a->scale == b->scale && a->max_chars == b->max_chars &&
		a->key == b->key && a->required == b->required && a->default_kind == b->default_kind &&
		a->write == b->write && a->loose == b->loose && a->in_count == b->in_count &&
		a->dates.order == b->dates.order && a->max_today == b->max_today &&
		same_bound(a->min, b->min) && same_bound(a->max, b->max) &&
		same_resource_name(a->references, b->references);
	for (size_t i = 0; i < a->in_count && same; i++) {
		same = same_value(&a->in[i], &b->in[i]);
	}
	return same && str_equal(a->computed.str, b->computed.str) &&
		(a->default_kind != DEFAULT_VALUE || same_value(&a->default_value, &b->default_value));
}

static bool same_references(const struct reference *a, const struct reference *b)
{
	return str_equal(a->name, b->name) && same_list(&a->fields, &b->fields) &&
		same_resource_name(a->target, b->target) && same_list(&a->target_fields, &b->target_fields);
}

static bool same_reference(const struct resource *resource, const struct reference *reference)
{
	for (size_t i = 0; i < resource->reference_count; i++) {
		if (same_references(reference, &resource->references[i])) {
			return true;
		}
	}
	return false;
}

static bool same_resource(const struct resource *a, const struct resource *b)
{
	bool same = same_resource_name(a, b) && a->field_count == b->field_count &&
		same_list(&a->key, &b->key) && a->read_only == b->read_only &&
		a->unique_count == b->unique_count && a->index_count == b->index_count &&
		a->check_count == b->check_count && a->reference_count == b->reference_count &&
		same_resource_name(a->tally_of, b->tally_of) && same_list(&a->by, &b->by) &&
		same_list(&a->search, &b->search) && a->relation_count == b->relation_count &&
		str_equal(a->at.str, b->at.str) && a->link_count == b->link_count;
	for (size_t i = 0; i < a->field_count && same; i++) {
		same = same_field(&a->fields[i], &b->fields[i]);
	}
	for (size_t i = 0; i < a->unique_count && same; i++) {
		same = str_equal(a->uniques[i].name, b->uniques[i].name) &&
			same_list(&a->uniques[i].fields, &b->uniques[i].fields) &&
			str_equal(a->uniques[i].where.str, b->uniques[i].where.str);
	}
	for (size_t i = 0; i < a->index_count && same; i++) {
		same = same_list(&a->indexes[i].fields, &b->indexes[i].fields) &&
			str_equal(a->indexes[i].where.str, b->indexes[i].where.str);
	}
	for (size_t i = 0; i < a->check_count && same; i++) {
		same = str_equal(a->checks[i].name, b->checks[i].name) &&
			str_equal(a->checks[i].text.str, b->checks[i].text.str);
	}
	for (size_t i = 0; i < a->reference_count && same; i++) {
		same = same_reference(b, &a->references[i]);
	}
	for (size_t i = 0; i < a->link_count && same; i++) {
		same = same_references(&a->links[i].reference, &b->links[i].reference) &&
			a->links[i].get_only == b->links[i].get_only;
	}
	return same;
}

static void check_round_trip(int line, const char *resources)
{
	struct buf text;
	struct buf again;
	buf_init(&text, YAML_MAX_BYTES);
	buf_init(&again, YAML_MAX_BYTES);
	buf_printf(&text, "service: s\nresources: %s\n", resources);
	struct model *model = parse(line, buf_str(&text));
	buf_clear(&text);
	buf_append(&text, STR("service: s\n"));
	model_write_resources(model, &text);
	assert_false(text.failed);
	struct model *read = parse(line, buf_str(&text));
	assert_int_equal(model->resource_count, read->resource_count);
	for (size_t r = 0; r < model->resource_count; r++) {
		if (!same_resource(&model->resources[r], &read->resources[r])) {
			fail_msg("line %d: %.*s", line, STR_ARG(buf_str(&text)));
		}
	}
	buf_append(&again, STR("service: s\n"));
	model_write_resources(read, &again);
	assert_true(str_equal(buf_str(&text), buf_str(&again)));
	buf_finish(&text);
	buf_finish(&again);
	model_destroy(model);
	model_destroy(read);
}

static const struct {
	int line;
	const char *resources;
} round_trips[] = {
	{__LINE__,
	 "{ far: { key: id, fields: { id: uuid }, at: \"http://there:80\" }, r: { key: i, fields:"
	 " { i: uuid, f: { type: uuid, references: far } }, references: { l: { fields: f, to: far,"
	 " check: get } } } }"},
	{__LINE__, "{}"},
	{__LINE__, "{ a: { key: id, fields: { id: integer } } }"},
	{__LINE__, "{ a: { key: [], fields: { x: text }, read_only: true } }"},
	{__LINE__, "{ a: { key: x, fields: { x: text, y: text }, search: x } }"},
	{__LINE__, "{ a: { key: x, fields: { x: text, y: text }, search: [y, x] } }"},
	{__LINE__, "{ a: { key: [b, a], fields: { a: text(3), b: uuid, c: number } } }"},
	{__LINE__,
	 "{ a: { key: id, fields: { id: { type: uuid, default: auto, write: never },"
	 " i: { type: integer, in: [3, -1, 2], default: 2 },"
	 " j: { type: integer, min: -5, max: 9223372036854775807, required: true },"
	 " n: { type: number, min: -1e300, max: 0.1, default: -0.25 },"
	 " d: { type: \"decimal(6,2)\", min: 0, max: 1000.5, default: 1.10, in: [1.10, 2] },"
	 " t: { type: text(20), in: [\"\", yes, \"auto\", a b], default: \"auto\", write: once },"
	 " u: { type: uuid, default: 00000000-0000-4000-8000-000000000000 },"
	 " b: { type: boolean, default: false },"
	 " c: { type: boolean, default: true, loose: true },"
	 " x: { type: text, default: database },"
	 " e: { type: date, accept: mdy, max: today, min: 03/08/99, in: [2014-03-08,"
	 " \"2014-03-09\"], default: 2014-03-09 },"
	 " w: { type: time, min: 00:00:00.5, max: \"23:59:59\", default: 12:30:00 },"
	 " y: { type: datetime, accept: dmy, max: 2014-03-08T15:00:00.000001-02:00,"
	 " default: 2014-03-08 }, z: { type: datetime, accept: ymd, max: today },"
	 " o: { type: text, computed: \"x || 'it''s: \\\"x\\\"'\" } } } }"},
	{__LINE__,
	 "{ a: { key: id, fields: { id: integer, t: { type: text, default: \"$${HOME} \\\"\\\\ \\n"
	 "\\t\\u2028\\U0001F600 é: #\" }, j: { type: json, default: { a: [1, 2.50, x, null, true],"
	 " \"b \\\"$$c\": {}, c: \"auto\", d: [] } }, k: { type: json, default: \"database\" },"
	 " l: { type: json, default: 7 }, m: { type: json, default: false } } } }"},
	{__LINE__,
	 "{ \"odd name: #\": { key: \"a b\", fields: { \"a b\": integer, \"null\": text,"
	 " \"1\": text, \"ä, [x]\": text }, unique: { \"my rule\": [\"null\", \"1\"], other:"
	 " \"ä, [x]\" }, index: [\"1\", { fields: [\"null\", \"a b\"] }] } }"},
	{__LINE__,
	 "{ a: { key: [x, y], fields: { x: integer, y: integer, z: { type: text, required: true }"
	 " }, unique: { z: z } }, b: { key: id, fields: { id: { type: integer, references: c },"
	 " p: integer, q: integer, z: text, me: { type: integer, references: b } }, references: {"
	 " to a: { fields: [q, p], to: a, on: [y, x] }, to z: { fields: z, to: a, on: z } } },"
	 " c: { key: id, fields: { id: { type: integer, default: auto } } },"
	 " n: { tally: a, by: [x, z] } }"},
	{__LINE__,
	 "{ a: { key: id, fields: { id: integer, t: text }, unique: { one: { fields: t, where:"
	 " \"t=neq.$${a: #\\\"'\" } }, check: { \"two: #\": \"id=gt.0\", three: id=lt.5 }, index:"
	 " [{ fields: [t, id], where: id=gt.0 }, t] } }"},
};

static void test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(round_trips); i++) {
		check_round_trip(round_trips[i].line, round_trips[i].resources);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
