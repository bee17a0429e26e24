#include "model/link_tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/load_test_help.h"

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

#define NAME10 "abcdefghij"
/* 54 bytes, with which a name of a hold has the 63 that it may have. */
#define NAME54 NAME10 NAME10 NAME10 NAME10 NAME10 "wxyz"

static const char head[] = "service: s\n"
						   "resources:\n";

#define FAR "  far: { key: id, fields: { id: uuid }, at: \"http://there:80\" }\n"
#define DECISIONS                                                                                  \
	"_rl_decision key id\n"                                                                        \
	"  id uuid key required\n"                                                                     \
	"  used boolean required\n"                                                                    \
	"  at integer required\n"                                                                      \
	"  index used,at\n"                                                                            \
	"_rl_outbox key n\n"                                                                           \
	"  n integer key auto\n"                                                                       \
	"  resource text(63) required\n"                                                               \
	"  from text(63) required\n"                                                                   \
	"  id uuid required\n"
#define HOLDS(name)                                                                                \
	"_rl_hold_" name " key id\n"                                                                   \
	"  id uuid key required\n"                                                                     \
	"  from text(63) required\n"                                                                   \
	"  mark uuid required\n"                                                                       \
	"  kept boolean required\n"                                                                    \
	"  at integer required\n"

static const struct load_row rows[] = {
	/* Without a link of which one end is here there are none. */
	{__LINE__, FAR, ""},
	{__LINE__,
	 FAR "  r: { key: i, fields: { i: { type: uuid, references: far } }, at: http://b }\n", ""},
	{__LINE__,
	 FAR "  r: { key: i, fields: { i: { type: uuid, references: { resource: far, check: get } } } "
		 "}\n",
	 ""},
	{__LINE__,
	 "  own: { key: i, fields: { i: uuid } }\n"
	 "  far: { key: i, fields: { i: { type: uuid, references: { resource: own, check: get } } }, "
	 "at: http://b }\n",
	 ""},
	/* A user. */
	{__LINE__, FAR "  r: { key: i, fields: { i: { type: uuid, references: far } } }\n",
	 "r _rl_hold_i\n" DECISIONS},
	/* A field of two references, and rules of several fields: by the rule. */
	{__LINE__,
	 FAR "  two: { key: [a, b], fields: { a: uuid, b: uuid }, at: http://b }\n"
		 "  r: { key: i, fields: { i: { type: uuid, references: far }, j: uuid }, references: { k: "
		 "{ fields: i, to: far }, m: { fields: [j, i], to: two }, g: { fields: j, to: far, check: "
		 "get } } }\n",
	 "r _rl_hold_i\n"
	 "r _rl_hold_k\n"
	 "r _rl_hold_m\n" DECISIONS},
	{__LINE__,
	 FAR "  two: { key: [a, b], fields: { a: uuid, b: uuid }, at: http://b }\n"
		 "  r: { key: i, fields: { i: { type: uuid, references: far }, j: uuid }, references: { I: "
		 "{ fields: [j, i], to: two } } }\n",
	 ":5:3: two references of \"r\" to other services are kept under one name, \"I\"\n"
	 "    hint: give the rule a name that no field with a reference has\n"},
	/* An owner: one table for each resource that is held, whoever refers to it. */
	{__LINE__,
	 "  own: { key: i, fields: { i: { type: \"decimal(9,2)\", required: true } } }\n"
	 "  far: { key: i, fields: { i: { type: \"decimal(9,2)\", references: own } }, at: http://b }\n"
	 "  fur: { key: i, fields: { i: { type: \"decimal(9,2)\", references: own } }, at: "
	 "http://c }\n",
	 HOLDS("own") "  key1 decimal(9,2) required\n"
				  "  index key1\n"
				  "  index kept,at\n"
				  "  reference _rl_hold_own_key_fkey: key1 -> own i\n"},
	{__LINE__,
	 "  own: { key: [b, a], fields: { a: text(5), c: { type: integer, min: 1 }, b: { type: "
	 "integer, min: 1, default: 3 } } }\n"
	 "  far: { key: i, fields: { i: text(5), j: integer }, references: { l: { fields: [i, j], to: "
	 "own, on: [a, b] } }, at: http://b }\n",
	 HOLDS("own") "  key1 integer required\n"
				  "  key2 text(5) required\n"
				  "  index key1,key2\n"
				  "  index kept,at\n"
				  "  reference _rl_hold_own_key_fkey: key1,key2 -> own b,a\n"},
	/* Both. */
	{__LINE__,
	 FAR "  own: { key: i, fields: { i: uuid, j: { type: uuid, references: far } } }\n"
		 "  fur: { key: i, fields: { i: { type: uuid, references: own } }, at: http://c }\n",
	 "own _rl_hold_j\n" HOLDS(
		 "own") "  key1 uuid required\n"
				"  index key1\n"
				"  index kept,at\n"
				"  reference _rl_hold_own_key_fkey: key1 -> own i\n" DECISIONS},
	/* Names at the limit and above. */
	{__LINE__,
	 FAR "  r: { key: i, fields: { i: uuid, " NAME54 ": { type: uuid, references: far } } }\n",
	 "r _rl_hold_" NAME54 "\n" DECISIONS},
	{__LINE__,
	 FAR "  r: { key: i, fields: { i: uuid, " NAME54 "5: { type: uuid, references: far } } }\n",
	 "r _rl_hold_" NAME10 NAME10 NAME10 "abcdefg.08b79d7f5de71de7\n" DECISIONS},
	{__LINE__,
	 FAR "  r: { key: i, fields: { i: uuid, " NAME10 NAME10 NAME10
		 "abcdef\xC3\xA4z123456789012345678: { type: uuid, references: far } } }\n",
	 "r _rl_hold_" NAME10 NAME10 NAME10 "abcdef.fe0d4df93162b8aa\n" DECISIONS},
};

/* What is hidden of a model. */
static void describe_hidden(const struct model *model, struct buf *buf)
{
	const struct resource *decision = NULL;
	const struct resource *outbox = NULL;
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		assert_int_equal(resource->number, i);
		for (size_t k = 0; k < resource->hold_field_count; k++) {
			buf_printf(buf, "%.*s %.*s\n", STR_ARG(resource->name),
					   STR_ARG(resource->hold_fields[k].name));
		}
		if (resource->holds != NULL) {
			assert_true(resource->holds->hidden);
			assert_ptr_equal(resource->holds->references[0].target, resource);
		}
		if (resource->hidden) {
			assert_int_equal(resource->relation_count, 0);
			test_describe_resource(buf, resource);
			decision = str_equal(resource->name, STR("_rl_decision")) ? resource : decision;
			outbox = str_equal(resource->name, STR("_rl_outbox")) ? resource : outbox;
		}
	}
	assert_ptr_equal(model->decision, decision);
	assert_ptr_equal(model->outbox, outbox);
	assert_int_equal(model->kept_answers->number, model->resource_count);
}

static void test_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct model_report report;
		struct buf text;
		struct buf got;
		buf_init(&text, SIZE_MAX);
		buf_init(&got, SIZE_MAX);
		buf_append(&text, str_from(head));
		buf_append(&text, str_from(rows[i].yaml));
		model_report_init(&report);
		struct model *model = model_parse(buf_str(&text), STR("f"), test_environment, &report);
		if (model == NULL) {
			model_report_write(&report, STR(""), &got);
		} else {
			describe_hidden(model, &got);
		}
		if (!str_equal(buf_str(&got), str_from(rows[i].want))) {
			fail_msg("row of line %d gives\n%.*sand not\n%s", rows[i].line, STR_ARG(buf_str(&got)),
					 rows[i].want);
		}
		model_destroy(model);
		model_report_finish(&report);
		buf_finish(&text);
		buf_finish(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
