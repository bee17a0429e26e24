#include "model/relations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/load_test_help.h"

static void describe_side(struct buf *buf, const struct resource *resource,
						  const struct field_list *fields)
{
	buf_printf(buf, "%.*s", STR_ARG(resource->name));
	for (size_t i = 0; i < fields->count; i++) {
		assert_ptr_equal(fields->items[i], &resource->fields[fields->items[i]->number]);
		buf_printf(buf, "%c%.*s", i == 0 ? '(' : ',', STR_ARG(fields->items[i]->name));
	}
	buf_append_byte(buf, ')');
}

static void describe_relation(struct buf *buf, const struct relation *relation)
{
	static const char *const kinds[] = {
		[RELATION_MANY_TO_ONE] = "n:1",
		[RELATION_ONE_TO_ONE] = "1:1",
		[RELATION_ONE_TO_MANY] = "1:n",
		[RELATION_MANY_TO_MANY] = "n:n",
	};

	buf_printf(buf, "%s ", kinds[relation->kind]);
	describe_side(buf, relation->from, &relation->from_fields);
	buf_append(buf, STR(" "));
	describe_side(buf, relation->to, &relation->to_fields);
	if (relation->junction == NULL) {
		buf_printf(buf, " by %.*s\n", STR_ARG(relation->reference->name));
		assert_true(relation_is_to_one(relation) == (relation->kind <= RELATION_ONE_TO_ONE));
		return;
	}
	assert_null(relation->reference);
	assert_ptr_equal(relation->junction_from->target, relation->from);
	assert_ptr_equal(relation->junction_to->target, relation->to);
	buf_printf(buf, " through %.*s by %.*s, %.*s\n", STR_ARG(relation->junction->name),
			   STR_ARG(relation->junction_from->name), STR_ARG(relation->junction_to->name));
}

/* All relations of the resources of a service file, with one of them hidden if `hidden` is not
 * NULL. Owned by the caller. */
static char *relations_of(const char *resources, const char *hidden)
{
	struct model_report report;
	struct model *model;
	struct arena arena;
	struct buf buf;

	buf_init(&buf, SIZE_MAX);
	buf_append(&buf, STR("service: s\nresources:\n"));
	buf_append(&buf, str_from(resources));
	model_report_init(&report);
	arena_init(&arena, 4096);
	model = model_parse(buf_str(&buf), STR("f"), NULL, &report);
	buf_clear(&buf);
	model_report_write(&report, STR("f"), &buf);
	if (model != NULL && hidden != NULL) {
		/* The model's own, which nobody else reads here. */
		struct resource *all = (struct resource *)(uintptr_t)model->resources;

		all[model_resource(model, str_from(hidden))->number].hidden = true;
		relations_build(all, model->resource_count, &arena);
	}
	for (size_t i = 0; model != NULL && i < model->resource_count; i++) {
		for (size_t j = 0; j < model->resources[i].relation_count; j++) {
			assert_ptr_equal(model->resources[i].relations[j].from, &model->resources[i]);
			describe_relation(&buf, &model->resources[i].relations[j]);
		}
	}
	buf_append_byte(&buf, '\0');
	model_destroy(model);
	arena_finish(&arena);
	model_report_finish(&report);
	return buf.ptr;
}

static const struct {
	int line;
	const char *resources;
	const char *hidden;
	const char *want;
} rows[] = {
	{__LINE__, "  p: { key: id, fields: { id: integer } }\n", NULL, ""},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  r: { key: id, fields: { id: integer, p: { type: integer, references: p } } }\n",
	 NULL,
	 "1:n p(id) r(p) by r_p_fkey\n"
	 "n:1 r(p) p(id) by r_p_fkey\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, p: { type: integer, references: p } } }\n"
	 "  p: { key: id, fields: { id: integer } }\n",
	 NULL,
	 "n:1 r(p) p(id) by r_p_fkey\n"
	 "1:n p(id) r(p) by r_p_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  r: { key: id, fields: { id: { type: integer, references: p } } }\n",
	 NULL,
	 "1:1 p(id) r(id) by r_id_fkey\n"
	 "1:1 r(id) p(id) by r_id_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  r: { key: id, fields: { id: integer, p: { type: integer, references: p } }, unique: { "
	 "p: p } }\n",
	 NULL,
	 "1:1 p(id) r(p) by r_p_fkey\n"
	 "1:1 r(p) p(id) by r_p_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  r: { key: id, fields: { id: integer, p: { type: integer, references: p }, o: text }, "
	 "unique: { po: [p, o] } }\n",
	 NULL,
	 "1:n p(id) r(p) by r_p_fkey\n"
	 "n:1 r(p) p(id) by r_p_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  r: { key: [p, o], fields: { p: { type: integer, references: p }, o: integer } }\n",
	 NULL,
	 "1:n p(id) r(p) by r_p_fkey\n"
	 "n:1 r(p) p(id) by r_p_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  r: { key: [], fields: { p: { type: integer, references: p } } }\n",
	 NULL,
	 "1:n p(id) r(p) by r_p_fkey\n"
	 "n:1 r(p) p(id) by r_p_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  r: { key: [], fields: { p: { type: integer, references: p } }, unique: { p: p } }\n",
	 NULL,
	 "1:1 p(id) r(p) by r_p_fkey\n"
	 "1:1 r(p) p(id) by r_p_fkey\n"},
	{__LINE__,
	 "  q: { key: [x, y], fields: { x: integer, y: text, z: integer }, unique: { z: z } }\n"
	 "  r: { key: id, fields: { id: integer, a: integer, b: text }, references: { f: { "
	 "fields: [b, a], to: q, on: [y, x] } } }\n",
	 NULL,
	 "1:n q(x,y) r(a,b) by f\n"
	 "n:1 r(a,b) q(x,y) by f\n"},
	{__LINE__,
	 "  q: { key: [x, y], fields: { x: integer, y: text, z: integer }, unique: { z: z } }\n"
	 "  r: { key: [b, a], fields: { a: integer, b: text }, references: { f: { fields: [a, b], "
	 "to: q } } }\n",
	 NULL,
	 "1:1 q(x,y) r(a,b) by f\n"
	 "1:1 r(a,b) q(x,y) by f\n"},
	{__LINE__,
	 "  q: { key: [x, y], fields: { x: integer, y: text, z: integer }, unique: { z: z } }\n"
	 "  r: { key: id, fields: { id: integer, a: integer, b: text }, unique: { ba: [b, a] }, "
	 "references: { f: { fields: [a, b], to: q }, g: { fields: a, to: q, on: z } } }\n",
	 NULL,
	 "1:1 q(x,y) r(a,b) by f\n"
	 "1:n q(z) r(a) by g\n"
	 "1:1 r(a,b) q(x,y) by f\n"
	 "n:1 r(a) q(z) by g\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  r: { key: id, fields: { id: integer, p: { type: integer, references: p }, p2: { type: "
	 "integer, references: p } } }\n",
	 NULL,
	 "1:n p(id) r(p) by r_p_fkey\n"
	 "1:n p(id) r(p2) by r_p2_fkey\n"
	 "n:1 r(p) p(id) by r_p_fkey\n"
	 "n:1 r(p2) p(id) by r_p2_fkey\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, up: { type: integer, references: r } } }\n",
	 NULL,
	 "n:1 r(up) r(id) by r_up_fkey\n"
	 "1:n r(id) r(up) by r_up_fkey\n"},
	{__LINE__,
	 "  r: { key: id, fields: { id: integer, next: { type: integer, references: r } }, "
	 "unique: { next: next } }\n",
	 NULL,
	 "1:1 r(next) r(id) by r_next_fkey\n"
	 "1:1 r(id) r(next) by r_next_fkey\n"},
	{__LINE__, "  r: { key: id, fields: { id: { type: integer, references: r } } }\n", NULL,
	 "1:1 r(id) r(id) by r_id_fkey\n"
	 "1:1 r(id) r(id) by r_id_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  o: { key: id, fields: { id: integer } }\n"
	 "  j: { key: [p, o], fields: { p: { type: integer, references: p }, o: { type: integer, "
	 "references: o } } }\n",
	 NULL,
	 "1:n p(id) j(p) by j_p_fkey\n"
	 "n:n p(id) o(id) through j by j_p_fkey, j_o_fkey\n"
	 "1:n o(id) j(o) by j_o_fkey\n"
	 "n:n o(id) p(id) through j by j_o_fkey, j_p_fkey\n"
	 "n:1 j(p) p(id) by j_p_fkey\n"
	 "n:1 j(o) o(id) by j_o_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  o: { key: id, fields: { id: integer } }\n"
	 "  j: { key: [o, p, at], fields: { p: { type: integer, references: p }, o: { type: "
	 "integer, references: o }, at: text, note: text } }\n",
	 NULL,
	 "1:n p(id) j(p) by j_p_fkey\n"
	 "n:n p(id) o(id) through j by j_p_fkey, j_o_fkey\n"
	 "1:n o(id) j(o) by j_o_fkey\n"
	 "n:n o(id) p(id) through j by j_o_fkey, j_p_fkey\n"
	 "n:1 j(p) p(id) by j_p_fkey\n"
	 "n:1 j(o) o(id) by j_o_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  o: { key: id, fields: { id: integer } }\n"
	 "  j: { key: p, fields: { p: { type: integer, references: p }, o: { type: integer, "
	 "references: o } } }\n",
	 NULL,
	 "1:1 p(id) j(p) by j_p_fkey\n"
	 "1:n o(id) j(o) by j_o_fkey\n"
	 "1:1 j(p) p(id) by j_p_fkey\n"
	 "n:1 j(o) o(id) by j_o_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  o: { key: id, fields: { id: integer } }\n"
	 "  j: { key: [], fields: { p: { type: integer, references: p }, o: { type: integer, "
	 "references: o } }, unique: { po: [p, o] } }\n",
	 NULL,
	 "1:n p(id) j(p) by j_p_fkey\n"
	 "1:n o(id) j(o) by j_o_fkey\n"
	 "n:1 j(p) p(id) by j_p_fkey\n"
	 "n:1 j(o) o(id) by j_o_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  j: { key: [a, b], fields: { a: { type: integer, references: p }, b: { type: integer, "
	 "references: p } } }\n",
	 NULL,
	 "1:n p(id) j(a) by j_a_fkey\n"
	 "1:n p(id) j(b) by j_b_fkey\n"
	 "n:n p(id) p(id) through j by j_a_fkey, j_b_fkey\n"
	 "n:n p(id) p(id) through j by j_b_fkey, j_a_fkey\n"
	 "n:1 j(a) p(id) by j_a_fkey\n"
	 "n:1 j(b) p(id) by j_b_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  j: { key: [a, b], fields: { a: { type: integer, references: p }, b: { type: integer, "
	 "references: j2 } } }\n"
	 "  j2: { key: id, fields: { id: integer } }\n",
	 NULL,
	 "1:n p(id) j(a) by j_a_fkey\n"
	 "n:n p(id) j2(id) through j by j_a_fkey, j_b_fkey\n"
	 "n:1 j(a) p(id) by j_a_fkey\n"
	 "n:1 j(b) j2(id) by j_b_fkey\n"
	 "1:n j2(id) j(b) by j_b_fkey\n"
	 "n:n j2(id) p(id) through j by j_b_fkey, j_a_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  q: { key: [x, y], fields: { x: integer, y: text, z: integer }, unique: { z: z } }\n"
	 "  j: { key: [a, b, c], fields: { a: integer, b: text, c: { type: integer, references: p "
	 "} }, references: { f: { fields: [a, b], to: q } } }\n",
	 NULL,
	 "1:n p(id) j(c) by j_c_fkey\n"
	 "n:n p(id) q(x,y) through j by j_c_fkey, f\n"
	 "1:n q(x,y) j(a,b) by f\n"
	 "n:n q(x,y) p(id) through j by f, j_c_fkey\n"
	 "n:1 j(c) p(id) by j_c_fkey\n"
	 "n:1 j(a,b) q(x,y) by f\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  q: { key: [x, y], fields: { x: integer, y: text, z: integer }, unique: { z: z } }\n"
	 "  j: { key: [a, c], fields: { a: integer, b: text, c: { type: integer, references: p } "
	 "}, references: { f: { fields: [a, b], to: q } } }\n",
	 NULL,
	 "1:n p(id) j(c) by j_c_fkey\n"
	 "1:n q(x,y) j(a,b) by f\n"
	 "n:1 j(c) p(id) by j_c_fkey\n"
	 "n:1 j(a,b) q(x,y) by f\n"},
	{__LINE__,
	 "  j: { key: [a, b], fields: { a: integer, b: integer }, unique: { a: a, b: b }, "
	 "references: { f: { fields: a, to: j, on: b }, g: { fields: b, to: j, on: a } } }\n",
	 NULL,
	 "1:1 j(a) j(b) by f\n"
	 "1:1 j(b) j(a) by f\n"
	 "1:1 j(b) j(a) by g\n"
	 "1:1 j(a) j(b) by g\n"
	 "n:n j(b) j(a) through j by f, g\n"
	 "n:n j(a) j(b) through j by g, f\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  j: { key: [a, b, c], fields: { a: { type: integer, references: p }, b: { type: "
	 "integer, references: o }, c: { type: integer, references: p } } }\n"
	 "  o: { key: id, fields: { id: integer } }\n",
	 NULL,
	 "1:n p(id) j(a) by j_a_fkey\n"
	 "1:n p(id) j(c) by j_c_fkey\n"
	 "n:n p(id) o(id) through j by j_a_fkey, j_b_fkey\n"
	 "n:n p(id) p(id) through j by j_a_fkey, j_c_fkey\n"
	 "n:n p(id) p(id) through j by j_c_fkey, j_a_fkey\n"
	 "n:n p(id) o(id) through j by j_c_fkey, j_b_fkey\n"
	 "n:1 j(a) p(id) by j_a_fkey\n"
	 "n:1 j(b) o(id) by j_b_fkey\n"
	 "n:1 j(c) p(id) by j_c_fkey\n"
	 "1:n o(id) j(b) by j_b_fkey\n"
	 "n:n o(id) p(id) through j by j_b_fkey, j_a_fkey\n"
	 "n:n o(id) p(id) through j by j_b_fkey, j_c_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  r: { key: id, fields: { id: integer, p: { type: integer, required: true, references: "
	 "p } } }\n"
	 "  t: { tally: r, by: p }\n",
	 NULL,
	 "1:n p(id) r(p) by r_p_fkey\n"
	 "n:1 r(p) p(id) by r_p_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  o: { key: id, fields: { id: integer } }\n"
	 "  j: { key: [p, o], fields: { p: { type: integer, references: p }, o: { type: integer, "
	 "references: o } } }\n"
	 "  r: { key: id, fields: { id: integer, o: { type: integer, references: o } } }\n",
	 NULL,
	 "1:n p(id) j(p) by j_p_fkey\n"
	 "n:n p(id) o(id) through j by j_p_fkey, j_o_fkey\n"
	 "1:n o(id) j(o) by j_o_fkey\n"
	 "1:n o(id) r(o) by r_o_fkey\n"
	 "n:n o(id) p(id) through j by j_o_fkey, j_p_fkey\n"
	 "n:1 j(p) p(id) by j_p_fkey\n"
	 "n:1 j(o) o(id) by j_o_fkey\n"
	 "n:1 r(o) o(id) by r_o_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  o: { key: id, fields: { id: integer } }\n"
	 "  j: { key: [p, o], fields: { p: { type: integer, references: p }, o: { type: integer, "
	 "references: o } } }\n"
	 "  r: { key: id, fields: { id: integer, o: { type: integer, references: o } } }\n",
	 "p",
	 "1:n o(id) j(o) by j_o_fkey\n"
	 "1:n o(id) r(o) by r_o_fkey\n"
	 "n:1 j(o) o(id) by j_o_fkey\n"
	 "n:1 r(o) o(id) by r_o_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  o: { key: id, fields: { id: integer } }\n"
	 "  j: { key: [p, o], fields: { p: { type: integer, references: p }, o: { type: integer, "
	 "references: o } } }\n"
	 "  r: { key: id, fields: { id: integer, o: { type: integer, references: o } } }\n",
	 "o",
	 "1:n p(id) j(p) by j_p_fkey\n"
	 "n:1 j(p) p(id) by j_p_fkey\n"},
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  o: { key: id, fields: { id: integer } }\n"
	 "  j: { key: [p, o], fields: { p: { type: integer, references: p }, o: { type: integer, "
	 "references: o } } }\n"
	 "  r: { key: id, fields: { id: integer, o: { type: integer, references: o } } }\n",
	 "j",
	 "1:n o(id) r(o) by r_o_fkey\n"
	 "n:1 r(o) o(id) by r_o_fkey\n"},
	{__LINE__, "  r: { key: id, fields: { id: integer, up: { type: integer, references: r } } }\n",
	 "r", ""},
	/* A rule about some rows leaves the others as many as they are. */
	{__LINE__,
	 "  p: { key: id, fields: { id: integer } }\n"
	 "  r: { key: id, fields: { id: integer, p: { type: integer, references: p } }, unique: { one: "
	 "{ fields: p, where: \"id=gt.0\" } } }\n",
	 NULL,
	 "1:n p(id) r(p) by r_p_fkey\n"
	 "n:1 r(p) p(id) by r_p_fkey\n"},
};

static void test_relations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *got = relations_of(rows[i].resources, rows[i].hidden);

		if (strcmp(got, rows[i].want) != 0) {
			fail_msg("row of line %d gives\n%sand not\n%s", rows[i].line, got, rows[i].want);
		}
		free(got);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
