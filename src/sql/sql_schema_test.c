/* The texts of rules with conditions, on databases with and without partial indexes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/compile.h"
#include "query/query_test_help.h"
#include "sql/sql.h"

#define L __LINE__

static const char yaml[] =
	"service: s\n"
	"resources:\n"
	"  people:\n"
	"    key: id\n"
	"    fields:\n"
	"      id: { type: integer, default: auto }\n"
	"      name: text\n"
	"      king: boolean\n"
	"      place: integer\n"
	"      \"odd \\\"name\": { type: boolean, loose: true }\n"
	"      fee: \"decimal(6,2)\"\n"
	"      share: number\n"
	"    unique:\n"
	"      one name: name\n"
	"      one king: { fields: [place, name], where: \"king=is.true\" }\n"
	"    check:\n"
	"      kings have a place: \"or=(king.is.false,place.not.is.null)\"\n"
	"      \"odd \\\"rule\": '\"odd \\\"name\"=is.true'\n"
	"      values: \"name=neq.it's&fee=gte.1.5&share=lt.0.25&name=isdistinct.x\"\n"
	"      many: \"place=in.(1,2,3,4,5,6,7,8,9,10,11)\"\n"
	"      none: \"not.and=(place.in.(),id.gt.5)\"\n"
	"    index:\n"
	"      - { fields: [name, place], where: \"king=is.true\" }\n"
	"      - { fields: [name, place] }\n"
	"      - { fields: [place, name] }\n"
	"      - { fields: [name, place], where: \"king=is.false\" }\n";

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

#define COLUMNS                                                                                    \
	"CREATE TABLE \"people\" (\n"                                                                  \
	"  \"id\" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,\n"                                       \
	"  \"name\" TEXT,\n"                                                                           \
	"  \"king\" INTEGER CONSTRAINT \"people_king_check\" CHECK (\"king\" IN (0,1)),\n"             \
	"  \"place\" INTEGER,\n"                                                                       \
	"  \"odd \"\"name\" INTEGER CONSTRAINT \"people_odd \"\"name_check\" CHECK (\"odd \"\"name\" " \
	"IN (0,1)),\n"                                                                                 \
	"  \"fee\" INTEGER,\n"                                                                         \
	"  \"share\" REAL"
#define CHECKS                                                                                     \
	",\n"                                                                                          \
	"  CONSTRAINT \"kings have a place\" CHECK (\"king\" IS FALSE OR NOT (\"place\" IS NULL)),\n"  \
	"  CONSTRAINT \"odd \"\"rule\" CHECK (\"odd \"\"name\" IS TRUE),\n"                            \
	"  CONSTRAINT \"values\" CHECK (\"name\"<>'it''s' AND \"fee\">=150 AND \"share\"<0.25 AND "    \
	"\"name\" IS NOT 'x'),\n"                                                                      \
	"  CONSTRAINT \"many\" CHECK (\"place\" IN (1,2,3,4,5,6,7,8,9,10,11)),\n"                      \
	"  CONSTRAINT \"none\" CHECK (NOT (0) OR NOT (\"id\">5))\n"                                    \
	") STRICT"

static const struct schema_row {
	int line;
	bool partial;
	size_t number;
	const char *name;
	const char *want; /* NULL: there is no such object */
} schema_rows[] = {
	{L, true, 0, "people", COLUMNS CHECKS},
	{L, true, 1, "people.one name",
	 "CREATE UNIQUE INDEX \"people.one name\" ON \"people\" (\"name\")"},
	{L, true, 2, "people.one king",
	 "CREATE UNIQUE INDEX \"people.one king\" ON \"people\" (\"place\",\"name\") WHERE \"king\" IS "
	 "TRUE"},
	{L, true, 3, "people.name,place_idx",
	 "CREATE INDEX \"people.name,place_idx\" ON \"people\" (\"name\",\"place\") WHERE \"king\" IS "
	 "TRUE"},
	{L, true, 4, "people.name,place_idx2",
	 "CREATE INDEX \"people.name,place_idx2\" ON \"people\" (\"name\",\"place\")"},
	{L, true, 5, "people.place,name_idx",
	 "CREATE INDEX \"people.place,name_idx\" ON \"people\" (\"place\",\"name\")"},
	{L, true, 6, "people.name,place_idx3",
	 "CREATE INDEX \"people.name,place_idx3\" ON \"people\" (\"name\",\"place\") WHERE \"king\" IS "
	 "FALSE"},
	{L, true, 7, NULL, NULL},
	{L, false, 0, "people",
	 COLUMNS ",\n"
			 "  \"one king.0\" INTEGER GENERATED ALWAYS AS (CASE WHEN \"king\" IS TRUE THEN "
			 "\"place\" END) VIRTUAL,\n"
			 "  \"one king.1\" TEXT GENERATED ALWAYS AS (CASE WHEN \"king\" IS TRUE THEN \"name\" "
			 "END) VIRTUAL" CHECKS},
	{L, false, 1, "people.one name",
	 "CREATE UNIQUE INDEX \"people.one name\" ON \"people\" (\"name\")"},
	{L, false, 2, "people.one king",
	 "CREATE UNIQUE INDEX \"people.one king\" ON \"people\" (\"one king.0\",\"one king.1\")"},
	{L, false, 3, "people.name,place_idx",
	 "CREATE INDEX \"people.name,place_idx\" ON \"people\" (\"name\",\"place\")"},
};

static void test_rules(void **state)
{
	(void)state;
	struct sql_dialect whole = sql_dialect_sqlite;
	whole.partial_indexes = false;
	struct model_report report;
	struct buf text;
	struct buf name;
	model_report_init(&report);
	buf_init(&text, SIZE_MAX);
	buf_init(&name, SIZE_MAX);
	struct model *model = model_parse(str_from(yaml), STR("f"), no_environment, &report);
	assert_non_null(model);
	if (!query_compile(model, &report)) {
		model_report_write(&report, STR("f"), &text);
		fail_msg("%.*s", STR_ARG(buf_str(&text)));
	}
	for (size_t i = 0; i < sizeof(schema_rows) / sizeof(schema_rows[0]); i++) {
		const struct schema_row *row = &schema_rows[i];
		buf_clear(&text);
		buf_clear(&name);
		bool more = sql_schema(row->partial ? &sql_dialect_sqlite : &whole,
							   test_resource(model, "people"), row->number, &text, &name);
		assert_int_equal(more, row->want != NULL);
		if (more) {
			test_equal(row->line, "people", &text, row->want);
			test_equal(row->line, "people", &name, row->name);
		}
	}
	buf_finish(&text);
	buf_finish(&name);
	model_report_finish(&report);
	model_destroy(model);
}

/* A condition that no database's parser can hold fails the text. */
static void test_too_deep(void **state)
{
	(void)state;
	enum { LEVELS = 40 };
	struct field field = {.name = STR("a")};
	const struct cond leaf = {.kind = COND_IS, .field = &field, .is = IS_NULL};
	struct cond conds[LEVELS];
	const struct cond *children[LEVELS];
	struct buf text;
	for (size_t depth = LEVELS - 2; depth <= LEVELS; depth++) {
		for (size_t i = 0; i < depth; i++) {
			children[i] = i == 0 ? &leaf : &conds[i - 1];
			conds[i] = (struct cond){.kind = COND_NOT, .children = &children[i], .child_count = 1};
		}
		buf_init(&text, SIZE_MAX);
		sql_condition(&sql_dialect_sqlite, &conds[depth - 1], &text);
		assert_int_equal(text.failed, depth > LEVELS - 2);
		buf_finish(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_too_deep),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
