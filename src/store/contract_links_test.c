/*
 * The tables with which references between services are kept, on every store: holds, which keep the
 * row that they are about, decisions, the outbox, and the ids of holds beside the rows of a user.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "query/compile.h"
#include "store/contract_test_help.h"
#include "store/migrator.h"

#define L __LINE__

/* What others refer to, two resources elsewhere that do, one that is elsewhere and what refers to
 * it. */
static const char service[] =
	"service: links\n"
	"store: \"memory:\"\n"
	"resources:\n"
	"  products: { key: id, fields: { id: integer, name: text } }\n"
	"  parts:\n"
	"    key: [code, n]\n"
	"    fields: { code: text, n: \"decimal(6,2)\" }\n"
	"  buyers:\n"
	"    at: \"http://there\"\n"
	"    key: id\n"
	"    fields: { id: integer, p: { type: integer, references: products }, c: text, n: "
	"\"decimal(6,2)\" }\n"
	"    references: { part: { fields: [n, c], to: parts, on: [n, code] } }\n"
	"  far: { at: \"http://there\", key: id, fields: { id: uuid } }\n"
	"  orders:\n"
	"    key: id\n"
	"    fields: { id: integer, name: { type: text, write: once }, far: { type: uuid, references: "
	"far }, much: { type: integer, computed: \"id*2\" } }\n"
	"    references: { other: { fields: far, to: far } }\n"
	"    unique: { a name: name }\n"
	"  counts: { tally: orders, by: id }\n";

#define H1 "00000000-0000-4000-8000-000000000001"
#define H2 "00000000-0000-4000-8000-000000000002"
#define H3 "00000000-0000-4000-8000-000000000003"

#define HOLD(id, kept, key)                                                                        \
	"{\"id\":\"" id "\",\"from\":\"buyers\",\"mark\":\"" H3 "\",\"kept\":" kept ",\"at\":5," key "}"

static const struct contract_row rows[] = {
	{L, "insert products?&quiet", "[{\"id\":1},{\"id\":2},{\"id\":3}]", "3+3"},
	{L, "insert parts?&quiet", "[{\"code\":\"a\",\"n\":1.25},{\"code\":\"a\",\"n\":2}]", "2+2"},
	/* holds: all or none, and only of rows that are there */
	{L, "insert _rl_hold_products?&quiet",
	 "[" HOLD(H1, "false", "\"key1\":1") "," HOLD(H2, "false", "\"key1\":9") "]",
	 "409 23503 insert or update on table \"_rl_hold_products\" violates foreign key constraint "
	 "\"_rl_hold_products_key_fkey\" | Key (key1)=(9) is not present in table \"products\"."},
	{L, "insert _rl_hold_products?&quiet",
	 "[" HOLD(H1, "false", "\"key1\":1") "," HOLD(H2, "true", "\"key1\":1") "]", "2+2"},
	{L, "upsert _rl_hold_products?&quiet&ignore",
	 "[" HOLD(H1, "false", "\"key1\":2") "," HOLD(H3, "false", "\"key1\":3") "]", "1+1"},
	{L, "insert _rl_hold_parts?&quiet", "[" HOLD(H1, "false", "\"key1\":\"a\",\"key2\":1.25") "]",
	 "1+1"},
	{L, "insert _rl_hold_parts?&quiet", "[" HOLD(H2, "false", "\"key1\":\"b\",\"key2\":2") "]",
	 "409 23503 insert or update on table \"_rl_hold_parts\" violates foreign key constraint "
	 "\"_rl_hold_parts_key_fkey\" | Key (key1, key2)=(b, 2) is not present in table \"parts\"."},
	{L, "list _rl_hold_products?select=id,kept,key1&kept=is.false&at=lt.6&order=id", NULL,
	 "2 [{\"id\":\"" H1 "\",\"kept\":false,\"key1\":1},{\"id\":\"" H3
	 "\",\"kept\":false,\"key1\":3}]"},
	/* what is held stays, and keeps its key; who refers to it is nobody's business */
	{L, "delete products?id=eq.1&quiet", NULL,
	 "409 23503 update or delete on table \"products\" violates a reference from another service | "
	 "Key (id)=(1) is still referenced from another service.",
	 "409 23503 update or delete on table \"products\" violates a reference from another service"},
	{L, "update products?id=eq.1&quiet", "{\"id\":7}",
	 "409 23503 update or delete on table \"products\" violates a reference from another service | "
	 "Key (id)=(1) is still referenced from another service.",
	 "409 23503 update or delete on table \"products\" violates a reference from another service"},
	{L, "delete products?id=gt.0&quiet", NULL,
	 "409 23503 update or delete on table \"products\" violates a reference from another service | "
	 "Key (id)=(1) is still referenced from another service.",
	 "409 23503 update or delete on table \"products\" violates a reference from another service"},
	{L, "delete parts?n=eq.1.25&quiet", NULL,
	 "409 23503 update or delete on table \"parts\" violates a reference from another service | "
	 "Key (code, n)=(a, 1.25) is still referenced from another service.",
	 "409 23503 update or delete on table \"parts\" violates a reference from another service"},
	{L, "update products?id=eq.1&quiet", "{\"name\":\"new\"}", "1"},
	{L, "replace products?id=eq.1&quiet", "{\"name\":\"anew\"}", "1"},
	{L, "delete products?id=eq.2&quiet", NULL, "1"},
	{L, "delete parts?n=eq.2&quiet", NULL, "1"},
	/* a hold that is released */
	{L, "update _rl_hold_products?id=eq." H1 "&mark=eq." H3 "&quiet", "{\"kept\":true}", "1"},
	{L, "delete _rl_hold_products?id=in.(" H1 "," H2 ")&from=eq.sellers&quiet", NULL, "0"},
	{L, "delete _rl_hold_products?id=in.(" H1 ")&from=eq.buyers&quiet", NULL, "1"},
	{L, "delete products?id=eq.1&quiet", NULL,
	 "409 23503 update or delete on table \"products\" violates a reference from another service | "
	 "Key (id)=(1) is still referenced from another service.",
	 "409 23503 update or delete on table \"products\" violates a reference from another service"},
	{L, "delete _rl_hold_products?id=in.(" H2 ")&from=eq.buyers&quiet", NULL, "1"},
	{L, "delete products?id=eq.1&quiet", NULL, "1"},
	/* whoever decides first has decided */
	{L, "insert _rl_decision?&quiet", "{\"id\":\"" H1 "\",\"used\":true,\"at\":5}", "1+1"},
	{L, "insert _rl_decision?&quiet", "{\"id\":\"" H1 "\",\"used\":false,\"at\":5}",
	 "409 23505 duplicate key value violates unique constraint \"_rl_decision_pkey\" | Key "
	 "(id)=(" H1 ") already exists."},
	{L, "upsert _rl_decision?&quiet&ignore", "{\"id\":\"" H1 "\",\"used\":false,\"at\":6}", "0"},
	{L, "upsert _rl_decision?&quiet&ignore", "{\"id\":\"" H2 "\",\"used\":false,\"at\":6}", "1+1"},
	{L, "get{} _rl_decision?id=eq." H1, NULL, "1 {\"id\":\"" H1 "\",\"used\":true,\"at\":5}"},
	{L, "delete _rl_decision?used=is.false&at=lt.7&quiet", NULL, "1"},
	/* the outbox: numbers are never used again */
	{L, "insert _rl_outbox?select=n",
	 "[{\"resource\":\"far\",\"from\":\"orders\",\"id\":\"" H1 "\"},"
	 "{\"resource\":\"far\",\"from\":\"orders\",\"id\":\"" H2 "\"}]",
	 "2+2#2 [{\"n\":1},{\"n\":2}]"},
	{L, "delete _rl_outbox?n=lte.2&quiet", NULL, "2"},
	{L, "insert _rl_outbox?select=n",
	 "{\"resource\":\"far\",\"from\":\"orders\",\"id\":\"" H1 "\"}", "1+1#3 [{\"n\":3}]"},
};

static void test_tables(void **state)
{
	(void)state;
	CONTRACT_RUN(service, rows);
}

/* A client's words for what only the program names. */
static const struct contract_row unknown_rows[] = {
	{L, "list orders?select=id,_rl_hold_far", NULL,
	 "400 PGRST204 column orders._rl_hold_far does not exist"},
	{L, "list orders?_rl_hold_far=is.null", NULL,
	 "400 PGRST204 column orders._rl_hold_far does not exist"},
	{L, "list orders?order=_rl_hold_far", NULL,
	 "400 PGRST204 column orders._rl_hold_far does not exist"},
	{L, "insert orders?&quiet", "{\"id\":1,\"_rl_hold_far\":null}",
	 "400 PGRST204 Could not find the '_rl_hold_far' column of 'orders' in the schema cache"},
	{L, "insert orders?columns=id,_rl_hold_far&quiet", "{\"id\":1,\"_rl_hold_far\":null}",
	 "400 PGRST204 Could not find the '_rl_hold_far' column of 'orders' in the schema cache"},
	{L, "upsert orders?on_conflict=_rl_hold_far&quiet", "{\"id\":1}",
	 "400 PGRST204 column orders._rl_hold_far does not exist"},
	{L, "list products?select=id,_rl_hold_products(id)", NULL,
	 "400 PGRST200 Could not find a relationship between 'products' and '_rl_hold_products' in the "
	 "schema cache | Searched for a foreign key relationship between 'products' and "
	 "'_rl_hold_products', but no matches were found."},
	{L, "list products?_rl_hold_products=is.null", NULL,
	 "400 PGRST204 column products._rl_hold_products does not exist"},
	{L, "insert orders?&quiet", "{\"id\":1}", "1+1"},
	{L, "get{} orders?id=eq.1", NULL, "1 {\"id\":1,\"name\":null,\"far\":null}"},
	{L, "list# orders", NULL, "1 id,name,far\n1,,"},
};

static void test_unknown(void **state)
{
	(void)state;
	CONTRACT_RUN(service, unknown_rows);
}

/* ---- the ids of holds beside rows ---- */

/* Values between spaces: `-` null, `.` absent, `h1` the id of a hold, a number, a text. */
static void read_values(struct fixture *fixture, const char *text, struct value *values)
{
	struct str rest = str_from(text);
	for (size_t i = 0; rest.len > 0; i++) {
		struct str word = str_split(&rest, ' ');
		if (str_equal(word, STR("-"))) {
			values[i] = (struct value){.kind = VALUE_NULL};
		} else if (str_equal(word, STR("."))) {
			values[i] = (struct value){.kind = VALUE_ABSENT};
		} else if (word.ptr[0] == 'h') {
			values[i] = test_text(
				arena_printf(&fixture->arena, "00000000-0000-4000-8000-00000000000%c", word.ptr[1])
					.ptr);
		} else if (word.ptr[0] >= '0' && word.ptr[0] <= '9') {
			values[i] = test_integer(word.ptr[0] - '0');
		} else {
			values[i] = test_text(arena_printf(&fixture->arena, "%.*s", STR_ARG(word)).ptr);
		}
	}
}

static const struct step {
	int line;
	enum query_action action;
	const char *fields;
	size_t rows;
	const char *values;
	const char *where; /* `FIELD VALUE`; NULL: none */
	const char *want;  /* the rows that are there then */
} steps[] = {
	{L, QUERY_INSERT, "id _rl_hold_far", 2, "1 h1 2 -", NULL, "1,h1,-\n2,-,-\n"},
	/* not given: null in a new row, as it was in one that is there */
	{L, QUERY_INSERT, "id name", 1, "3 c", NULL, "1,h1,-\n2,-,-\n3,-,-\n"},
	{L, QUERY_UPDATE, "name", 1, "a", "id 1", "1,h1,-\n2,-,-\n3,-,-\n"},
	{L, QUERY_REPLACE, "name far", 1, "a -", "id 1", "1,h1,-\n2,-,-\n3,-,-\n"},
	{L, QUERY_UPSERT, "id far", 2, "1 - 4 -", NULL, "1,h1,-\n2,-,-\n3,-,-\n4,-,-\n"},
	/* given */
	{L, QUERY_UPDATE, "_rl_hold_far _rl_hold_other", 1, "h2 h3", "id 2",
	 "1,h1,-\n2,h2,h3\n3,-,-\n4,-,-\n"},
	{L, QUERY_REPLACE, "name far _rl_hold_far _rl_hold_other", 1, "b - h4 h5", "id 2",
	 "1,h1,-\n2,h4,h5\n3,-,-\n4,-,-\n"},
	{L, QUERY_UPSERT, "id _rl_hold_far _rl_hold_other", 3, "2 h6 - 3 . h7 5 . h8", NULL,
	 "1,h1,-\n2,h6,-\n3,-,h7\n4,-,-\n5,-,h8\n"},
	/* found by it */
	{L, QUERY_UPDATE, "_rl_hold_far", 1, "-", "_rl_hold_far h6",
	 "1,h1,-\n2,-,-\n3,-,h7\n4,-,-\n5,-,h8\n"},
	{L, QUERY_DELETE, "", 0, "", "_rl_hold_other h7", "1,h1,-\n2,-,-\n4,-,-\n5,-,h8\n"},
	{L, QUERY_DELETE, "", 0, "", "_rl_hold_far h7", "1,h1,-\n2,-,-\n4,-,-\n5,-,h8\n"},
};

static struct str state_of(struct fixture *fixture)
{
	struct query *list = test_list(fixture, "orders");
	test_columns(fixture, list, "id _rl_hold_far _rl_hold_other");
	list->format = FORMAT_CSV;
	struct str body = run_ok(fixture, list);
	struct buf text;
	buf_init(&text, SIZE_MAX);
	(void)str_split(&body, '\n');
	while (body.len > 0) {
		struct str line = str_split(&body, '\n');
		for (int column = 0; column < 3; column++) {
			struct str value = str_split(&line, ',');
			buf_append(&text, column > 0 ? STR(",") : STR(""));
			buf_append(&text, column > 0 && value.len > 0 ? STR("h") : STR(""));
			buf_append(&text,
					   value.len == 0 ? STR("-") : str_slice(value, value.len - 1, value.len));
		}
		buf_append_byte(&text, '\n');
	}
	struct str state = arena_copy(&fixture->arena, buf_str(&text));
	buf_finish(&text);
	return state;
}

static void run_step(struct fixture *fixture, const struct step *step)
{
	struct value *values;
	struct query *query = test_write(fixture, step->action, "orders", step->fields, step->rows,
									 &values);
	read_values(fixture, step->values, values);
	if (step->where != NULL) {
		struct str value = str_from(step->where);
		struct str field = str_split(&value, ' ');
		struct value wanted;
		read_values(fixture, arena_copy(&fixture->arena, value).ptr, &wanted);
		query->where = test_compare(fixture, query->resource,
									arena_copy(&fixture->arena, field).ptr, OPERATOR_EQ, wanted);
	}
	(void)run_ok(fixture, query);
	struct str got = state_of(fixture);
	if (!str_equal(got, str_from(step->want))) {
		fail_msg("%s: line %d: got\n%.*swant\n%s", fixture->url, step->line, STR_ARG(got),
				 step->want);
	}
}

static void test_hold_fields(void **state)
{
	const char *url;
	(void)state;
	for (size_t u = 0; (url = fixture_store(u)) != NULL; u++) {
		struct fixture fixture;
		fixture_init(&fixture, service);
		fixture_open(&fixture, url);
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			run_step(&fixture, &steps[i]);
		}
		/* A file that is read again, and a program that starts again, finds its own tables. */
		struct error error;
		assert_true(store_adopt(fixture.store, fixture.model, &error));
		if (u > 0) {
			fixture_close(&fixture);
			fixture_open(&fixture, url);
			assert_text(state_of(&fixture), "1,h1,-\n2,-,-\n4,-,-\n5,-,h8\n");
		}
		fixture_finish(&fixture);
	}
}

/* ---- migrations ---- */

static const char before_links[] =
	"service: links\n"
	"store: \"memory:\"\n"
	"resources:\n"
	"  products: { key: id, fields: { id: integer, name: text } }\n"
	"  parts:\n"
	"    key: [code, n]\n"
	"    fields: { code: text, n: \"decimal(6,2)\" }\n"
	"  orders:\n"
	"    key: id\n"
	"    fields: { id: integer, name: { type: text, write: once }, far: uuid }\n"
	"    unique: { a name: name }\n"
	"  counts: { tally: orders, by: id }\n";

static struct model *parse(const char *yaml)
{
	struct model_report report;
	model_report_init(&report);
	struct model *model = model_parse(str_from(yaml), STR("test.yaml"), NULL, &report);
	assert_true(model != NULL && query_compile(model, &report));
	model_report_finish(&report);
	return model;
}

/* Each stands in the text, in this order. */
static void assert_holds(struct str text, const char *const *parts)
{
	for (; *parts != NULL; parts++) {
		struct str part = str_from(*parts);
		size_t at = 0;
		while (at < text.len && !str_starts_with(str_slice(text, at, text.len), part)) {
			at++;
		}
		if (at == text.len) {
			fail_msg("no %s in\n%.*s", *parts, STR_ARG(text));
		}
		text = str_slice(text, at + part.len, text.len);
	}
}

static const char *const wanted_up[] = {
	"_rl_hold_far",
	"_rl_hold_other",
	"the table \"_rl_hold_products\" is made",
	"the table \"_rl_hold_parts\" is made",
	"the table \"_rl_decision\" is made",
	"the table \"_rl_outbox\" is made",
	NULL,
};
static const char *const wanted_down[] = {
	"WARNING: the table \"_rl_hold_products\" and all its rows are lost",
	"WARNING: the values of the column \"_rl_hold_far\" of orders are lost",
	NULL,
};

static void migrate(struct fixture *fixture, const struct model *to, struct buf *up,
					struct buf *down)
{
	struct error error = {0};
	struct store_failure failure = {.arena = &fixture->arena};
	struct store_migrator *migrator = store_migrate(str_from(fixture->url), false, &error);
	assert_non_null(migrator);
	bool ok = migrator->ops->differ(migrator, to, up, down, &error);
	assert_true(ok);
	struct store_migration migration = {
		.number = 1, .name = STR("links"), .up = buf_str(up), .down = buf_str(down)};
	if (!migrator->ops->apply(migrator, &migration, to, &failure, &error)) {
		fail_msg("%s: %s, %s in\n%.*s", fixture->url, error.message, error.details,
				 STR_ARG(buf_str(up)));
	}
	struct buf rest;
	buf_init(&rest, SIZE_MAX);
	assert_true(migrator->ops->differ(migrator, to, &rest, &rest, &error));
	assert_text(buf_str(&rest), "");
	buf_finish(&rest);
	migrator->ops->close(migrator);
}

static void undo(struct fixture *fixture, struct buf *up, struct buf *down)
{
	struct error error = {0};
	struct store_failure failure = {.arena = &fixture->arena};
	struct store_migrator *migrator = store_migrate(str_from(fixture->url), false, &error);
	assert_non_null(migrator);
	struct store_migration migration = {
		.number = 1, .name = STR("links"), .up = buf_str(up), .down = buf_str(down)};
	if (!migrator->ops->undo(migrator, &migration, &failure, &error)) {
		fail_msg("%s: %s, %s in\n%.*s", fixture->url, error.message, error.details,
				 STR_ARG(buf_str(down)));
	}
	migrator->ops->close(migrator);
}

static void run_write(struct fixture *fixture, enum query_action action, const char *resource,
					  const char *fields, const char *text)
{
	struct value *values;
	struct query *query = test_write(fixture, action, resource, fields, 1, &values);
	read_values(fixture, text, values);
	(void)run_ok(fixture, query);
}

/* A service gets references to others, and loses them. */
static void run_migration(const char *url)
{
	struct fixture fixture;
	struct buf up;
	struct buf down;
	struct error error;
	buf_init(&up, SIZE_MAX);
	buf_init(&down, SIZE_MAX);
	fixture_init(&fixture, before_links);
	fixture_open(&fixture, url);
	run_write(&fixture, QUERY_INSERT, "orders", "id name", "1 a");
	run_write(&fixture, QUERY_INSERT, "products", "id", "1");
	struct model *before = fixture.model;
	struct model *after = parse(service);
	assert_false(store_adopt(fixture.store, after, &error));
	fixture_close(&fixture);

	migrate(&fixture, after, &up, &down);
	assert_holds(buf_str(&up), wanted_up);
	assert_holds(buf_str(&down), wanted_down);
	fixture.model = after;
	fixture_open(&fixture, url);
	run_write(&fixture, QUERY_UPDATE, "orders", "_rl_hold_far", "h1");
	assert_text(state_of(&fixture), "1,h1,-\n");
	run_write(&fixture, QUERY_INSERT, "_rl_hold_products", "id from mark kept at key1",
			  "h1 buyers h2 0 5 1");
	fixture_close(&fixture);

	undo(&fixture, &up, &down);
	struct store_options options = fixture_options(&fixture);
	assert_null(store_open(str_from(fixture.url), &options, &error));
	assert_int_equal(error.code, ERROR_CONFIG);
	fixture.model = before;
	fixture_open(&fixture, url);
	assert_text(run_ok(&fixture, test_list(&fixture, "orders")),
				"[{\"id\":1,\"name\":\"a\",\"far\":null}]");
	fixture_finish(&fixture);
	model_destroy(after);
	buf_finish(&up);
	buf_finish(&down);
}

static void test_migration(void **state)
{
	const char *url;
	(void)state;
	for (size_t u = 1; (url = fixture_store(u)) != NULL; u++) {
		if (strcmp(url, "json:") != 0) {
			run_migration(url);
		}
	}
}

/* ---- without the service file ---- */

/* Nothing of it is shown, and rows that refer to others are only read: whoever writes them without
 * a hold, or deletes them without its release, breaks what the services promise each other. */
static void run_description(const char *url)
{
	struct fixture fixture;
	struct buf yaml;
	struct error error;
	buf_init(&yaml, SIZE_MAX);
	fixture_init(&fixture, service);
	fixture_open(&fixture, url);
	run_write(&fixture, QUERY_INSERT, "orders", "id name _rl_hold_far", "1 a h1");
	fixture_close(&fixture);
	const struct describe_options describe = {.url = str_from(fixture.url), .write = true};
	assert_true(store_describe(str_from(fixture.url), &describe, &yaml, &error));
	buf_append_byte(&yaml, '\0');
	assert_null(strstr(yaml.ptr, "_rl_"));
	assert_null(strstr(yaml.ptr, "http:"));
	struct model *before = fixture.model;
	fixture.model = parse(yaml.ptr);
	assert_int_equal(fixture.model->resource_count, 4);
	assert_true(test_resource(&fixture, "orders")->read_only);
	assert_int_equal(test_resource(&fixture, "orders")->link_count, 0);
	assert_false(test_resource(&fixture, "products")->read_only);
	struct store_options options = fixture_options(&fixture);
	options.existing = true;
	fixture.store = store_open(str_from(fixture.url), &options, &error);
	assert_non_null(fixture.store);
	fixture.session = store_attach(fixture.store, fixture.loop, &error);
	assert_text(run_ok(&fixture, test_list(&fixture, "orders")),
				"[{\"id\":1,\"name\":\"a\",\"far\":null,\"much\":2}]");
	fixture_finish(&fixture);
	model_destroy(before);
	buf_finish(&yaml);
}

static void test_description(void **state)
{
	const char *url;
	(void)state;
	for (size_t u = 1; (url = fixture_store(u)) != NULL; u++) {
		if (strcmp(url, "json:") != 0) {
			run_description(url);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),      cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_hold_fields), cmocka_unit_test(test_migration),
		cmocka_unit_test(test_description),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
