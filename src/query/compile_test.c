#include "query/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/query_test_help.h"

#define L __LINE__
#define HINT                                                                                       \
	"    hint: rules compare fields with values: eq, neq, gt, gte, lt, lte, in, is, isdistinct, "  \
	"not, and, or\n"

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

static struct model *parse(const char *rules, struct model_report *report)
{
	struct buf yaml;
	buf_init(&yaml, SIZE_MAX);
	buf_append(&yaml,
			   STR("service: s\n"
				   "limits: { filter_terms: 5, filter_depth: 4 }\n"
				   "resources:\n"
				   "  rooms: { key: id, fields: { id: integer } }\n"
				   "  r:\n"
				   "    key: id\n"
				   "    fields:\n"
				   "      id: integer\n"
				   "      t: text\n"
				   "      b: boolean\n"
				   "      l: { type: boolean, loose: true }\n"
				   "      d: \"decimal(6,2)\"\n"
				   "      n: number\n"
				   "      u: uuid\n"
				   "      j: json\n"
				   "      c: { type: integer, computed: id + 1 }\n"
				   "      room: { type: integer, references: rooms }\n"));
	buf_append(&yaml, str_from(rules));
	buf_append(&yaml,
			   STR("auth: { algorithm: HS256, secret: 0123456789abcdef0123456789abcdef }\n"));
	struct model *model = model_parse(buf_str(&yaml), STR("f"), no_environment, report);
	buf_finish(&yaml);
	return model;
}

/* Rules of lines 18 and on, and their conditions or what is wrong with them. */
static const struct compile_row {
	int line;
	const char *rules;
	const char *want;
} compile_rows[] = {
	{L, "", ""},
	{L, "    check: { a: id=gt.0 }\n", "a: id gt 0\n"},
	{L, "    check: { a: id=gt.0&t=neq.x }\n", "a: and(id gt 0,t neq \"x\")\n"},
	{L, "    check: { a: \"or=(b.is.false,room.not.is.null)\" }\n",
	 "a: or(b is false,not(room is null))\n"},
	{L, "    check: { a: \"not.and=(b.is.true,t.in.(x,\\\"y,z\\\"))\" }\n",
	 "a: or(not(b is true),not(t in \"x\"|\"y,z\"))\n"},
	{L, "    check: { a: d=gte.1.5&n=lt.0.5&l=is.true&id=isdistinct.3 }\n",
	 "a: and(d gte 1.5,n lt 0.5,l is true,id isdistinct 3)\n"},
	{L, "    check: { a: id=lte.3, b: \"id=eq(any).{1,2}\" }\n", "a: id lte 3\nb: id in 1|2\n"},
	{L, "    unique: { a: t, b: { fields: t, where: b=is.true } }\n", "a: \nb: b is true\n"},
	{L, "    index: [{ fields: t, where: b=is.true }, t]\n", "index: b is true\nindex: \n"},
	/* what is refused, with its place */
	{L, "    check: { a: x=gt.0 }\n", "f:18:17: column r.x does not exist\n"},
	{L, "    check: { a: roam=gt.0 }\n",
	 "f:18:17: column r.roam does not exist\n"
	 "    hint: Perhaps you meant the column \"room\"\n"},
	{L, "    check: { a: id=gt.0&id=gt.x }\n",
	 "f:18:25: field \"id\": invalid input syntax for type integer: \"x\"\n"},
	{L, "    check: { a: \"or=(id.gt.0,id.gt.x)\" }\n",
	 "f:18:29: field \"id\": invalid input syntax for type integer: \"x\"\n"},
	{L, "    check: { a: t=like.x* }\n",
	 "f:18:17: a rule is no place for patterns and searches of text\n" HINT},
	{L, "    check: { a: id=gt.0&t=not.imatch.x }\n",
	 "f:18:25: a rule is no place for patterns and searches of text\n" HINT},
	{L, "    check: { a: \"and=(id.gt.0,or(t.fts.x,t.wfts.x))\" }\n",
	 "f:18:33: a rule is no place for patterns and searches of text\n" HINT
	 "f:18:41: a rule is no place for patterns and searches of text\n" HINT},
	{L, "    check: { a: \"t=like(any).{x,y}\" }\n",
	 "f:18:17: a rule is no place for patterns and searches of text\n" HINT},
	{L, "    check: { a: j->a=eq.1 }\n", "f:18:17: a rule is no place for a path into json\n" HINT},
	{L, "    check: { a: j->>a=is.null }\n",
	 "f:18:17: a rule is no place for a path into json\n" HINT},
	{L, "    check: { a: j=eq.1 }\n",
	 "f:18:17: Feature not implemented: comparison and order of the json field \"j\"\n"},
	{L, "    check: { a: id=gt.0&c=gt.1 }\n",
	 "f:18:25: a rule is no place for a computed field, which no database has\n" HINT},
	{L, "    check: { a: j=is.null }\n", "a: j is null\n"},
	{L, "    check: { a: id=is.true }\n",
	 "f:18:17: argument of IS TRUE must be type boolean, not type integer\n"},
	{L, "    check: { a: id=eq.1&rooms.id=eq.1 }\n",
	 "f:18:25: a rule is no place for the rows of \"rooms\"\n"
	 "    hint: a rule is about the fields of one row\n"},
	{L, "    check: { a: \"rooms.or=(id.eq.1,id.eq.2)\" }\n",
	 "f:18:17: a rule is no place for the rows of \"rooms\"\n"
	 "    hint: a rule is about the fields of one row\n"},
	{L, "    check: { a: rooms=not.is.null }\n",
	 "f:18:17: column r.rooms does not exist\n"
	 "    hint: Perhaps you meant the column \"room\"\n"},
	{L, "    check: { a: \"id=eq.{id}\" }\n", "f:18:17: there is no parameter \"id\" to fill in\n"},
	{L, "    check: { a: \"id=eq.{id?}\" }\n",
	 "f:18:17: there is no parameter \"id\" to fill in\n"},
	{L, "    check: { a: nonsense }\n",
	 "f:18:17: \"nonsense\" is no condition\n"
	 "    hint: COLUMN=OPERATOR.VALUE, and=(...) or or=(...)\n"},
	{L, "    check: { a: id=gt.0& }\n",
	 "f:18:25: \"\" is no condition\n"
	 "    hint: COLUMN=OPERATOR.VALUE, and=(...) or or=(...)\n"},
	{L, "    unique: { a: { fields: t, where: t=like.x } }\n",
	 "f:18:38: a rule is no place for patterns and searches of text\n" HINT},
	{L, "    index: { fields: t, where: t=like.x }\n",
	 "f:18:32: a rule is no place for patterns and searches of text\n" HINT},
	/* rules about callers */
	{L, "    rules: { read: \"t=eq.{claims.sub}\", update: \"id=in.({claims.ids},1)\" }\n", ""},
	{L, "    rules: { read: { a: x=eq.1, b: id=eq.abc } }\n",
	 "f:18:25: column r.x does not exist\n"
	 "f:18:36: field \"id\": invalid input syntax for type integer: \"abc\"\n"},
	{L, "    rules: { create: \"id=eq.{claims.n}&t=like.a*\" }\n",
	 "f:18:39: a rule is no place for patterns and searches of text\n" HINT},
	{L, "    rules: { delete: c=gt.1 }\n",
	 "f:18:22: a rule is no place for a computed field, which no database has\n" HINT},
	{L, "    rules: { read: \"j->a=eq.{claims.n}\" }\n",
	 "f:18:20: a rule is no place for a path into json\n" HINT},
	{L, "    rules: { read: \"id=eq.{id}\" }\n",
	 "f:18:20: there is no parameter \"id\" to fill in\n"},
	{L, "    rules: { read: \"rooms.id=eq.{claims.n}\" }\n",
	 "f:18:20: a rule is no place for the rows of \"rooms\"\n"
	 "    hint: a rule is about the fields of one row\n"},
	{L, "    check: { a: \"t=eq.{claims.sub}\" }\n",
	 "f:18:17: {claims.sub}: there is no caller whose claims could be asked for\n"},
	{L,
	 "    rules: { read: \"t=eq.{claims.sub}\" }\n"
	 "  v: { tally: r, by: id }\n",
	 "f:18:20: column v.t does not exist\n"
	 "f:19:3: \"v\" counts rows whose rule is not about what it counts by\n"
	 "    hint: give it rules of its own: rules: { read: … }\n"},
	{L,
	 "    rules: { read: \"id=eq.{claims.n}\" }\n"
	 "  v: { tally: r, by: id }\n",
	 ""},
	{L,
	 "    rules: { read: \"t=eq.{claims.sub}\" }\n"
	 "  v: { tally: r, by: id, rules: { read: all } }\n",
	 ""},
	/* limits of the grammar */
	{L, "    check: { a: id=gt.1&id=gt.2&id=gt.3&id=gt.4&id=gt.5 }\n",
	 "a: and(id gt 1,id gt 2,id gt 3,id gt 4,id gt 5)\n"},
	{L, "    check: { a: id=gt.1&id=gt.2&id=gt.3&id=gt.4&id=gt.5&id=gt.6 }\n",
	 "f:18:17: More than 5 conditions\n"
	 "    hint: many values of one column are column=in.(a,b,...)\n"},
};

static void write_rule(struct buf *got, struct str name, const struct cond *cond)
{
	buf_append(got, name);
	buf_append(got, STR(": "));
	test_write_cond(got, cond);
	buf_append_byte(got, '\n');
}

static void run_row(const struct compile_row *row)
{
	struct model_report report;
	struct buf got;
	model_report_init(&report);
	buf_init(&got, SIZE_MAX);
	struct model *model = parse(row->rules, &report);
	if (model == NULL || !query_compile(model, &report)) {
		model_report_write(&report, STR("f"), &got);
	} else {
		const struct resource *resource = test_resource(model, "r");
		const struct cond *first = resource->check_count > 0 ? resource->checks[0].cond : NULL;
		assert_true(query_compile(model, &report));
		assert_true(resource->check_count == 0 || resource->checks[0].cond == first);
		for (size_t i = 0; i < resource->unique_count; i++) {
			write_rule(&got, resource->uniques[i].name, resource->uniques[i].cond);
		}
		for (size_t i = 0; i < resource->check_count; i++) {
			write_rule(&got, resource->checks[i].name, resource->checks[i].cond);
		}
		for (size_t i = 0; i < resource->index_count; i++) {
			write_rule(&got, STR("index"), resource->indexes[i].cond);
		}
	}
	test_equal(row->line, row->rules, &got, row->want);
	buf_finish(&got);
	model_report_finish(&report);
	model_destroy(model);
}

static void test_compile(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(compile_rows) / sizeof(compile_rows[0]); i++) {
		run_row(&compile_rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_compile)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
