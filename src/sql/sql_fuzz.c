/*
 * A query string from a client, on its whole way: parsed, checked, made SQL, which SQLite must
 * take. And the same bytes as a condition of a service file, bound, and as a body.
 */
#include <assert.h>

#include "query/check.h"
#include "query/query_test_help.h"
#include "rowlock_config.h"
#include "sql/sql.h"

#if HAVE_SQLITE
#include <sqlite3.h>
#endif

enum { BLOCK_BYTES = 65536, TEXT_BYTES = 1 << 24, PLACES = 2 };

/* Made with the first input; making them takes longer than most inputs. */
struct fixture {
	struct model *model;
	struct sql sql;
#if HAVE_SQLITE
	sqlite3 *db;
#endif
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The error is set exactly when it failed, and points into the text. */
static bool outcome(bool ok, const struct error *error, size_t size)
{
	assert(ok == (error->code == ERROR_NONE));
	assert(ok || error->at == SIZE_MAX || error->at <= size);
	return ok;
}

static void make_fixture(struct fixture *fixture)
{
	fixture->model = test_model();
	sql_init(&fixture->sql, &sql_dialect_sqlite, TEXT_BYTES);
#if HAVE_SQLITE
	struct buf *text = &fixture->sql.text;
	struct buf name;
	int rc = sqlite3_open(":memory:", &fixture->db);
	assert(rc == SQLITE_OK);
	buf_init(&name, TEXT_BYTES);
	for (size_t r = 0; r < fixture->model->resource_count; r++) {
		for (size_t number = 0;
			 sql_schema(&sql_dialect_sqlite, &fixture->model->resources[r], number, text, &name);
			 number++) {
			buf_append_byte(text, '\0');
			rc = sqlite3_exec(fixture->db, text->ptr, NULL, NULL, NULL);
			assert(rc == SQLITE_OK);
			buf_clear(text);
			buf_clear(&name);
		}
	}
	buf_finish(&name);
#endif
}

/* The statement must be one for SQLite, with as many places as there are values. */
static void use_sql(struct fixture *fixture)
{
	assert(!fixture->sql.text.failed);
#if HAVE_SQLITE
	sqlite3_stmt *stmt;
	const struct sql *sql = &fixture->sql;
	int rc = sqlite3_prepare_v2(fixture->db, sql->text.ptr, (int)sql->text.len, &stmt, NULL);
	assert(rc == SQLITE_OK);
	assert((size_t)sqlite3_bind_parameter_count(stmt) == sql->param_count);
	sqlite3_finalize(stmt);
#endif
}

static void use_query(struct fixture *fixture, const struct query *query)
{
	sql_clear(&fixture->sql);
	sql_select(&fixture->sql, query);
	use_sql(fixture);
}

static void try_query_string(struct fixture *fixture, struct str text,
							 const struct resource *resource, const struct limits *limits,
							 struct arena *arena)
{
	struct parsed_query parsed;
	struct error error = {.code = ERROR_NONE};
	struct query query = {.action = QUERY_LIST, .resource = resource};
	parsed_query_init(&parsed);
	if (!outcome(parse_query_string(text, limits, NULL, NULL, arena, &parsed, &error), &error,
				 text.len) ||
		!outcome(check_query(&parsed, QUERY_LIST, resource, NULL, arena, &query, &error), &error,
				 text.len)) {
		return;
	}
	assert(query.where == NULL || !query.where->parameters);
	assert(query.column_count > 0 && query.order_count >= resource->key.count);
	use_query(fixture, &query);
}

static void try_condition(struct fixture *fixture, struct str text, const struct resource *resource,
						  const struct limits *limits, struct arena *arena)
{
	static const struct str names[PLACES] = {STR_INIT("x"), STR_INIT("y")};
	static const struct parameter_names parameters = {names, PLACES};
	const struct parameter values[PLACES] = {{STR("5"), true}, {STR(""), false}};
	struct parsed_query parsed;
	struct error error = {.code = ERROR_NONE};
	struct query query = {.action = QUERY_LIST, .resource = resource};
	struct query bound;
	size_t wrong = SIZE_MAX;
	parsed_query_init(&parsed);
	if (!outcome(parse_condition(text, limits, arena, &parsed, &error), &error, text.len) ||
		!outcome(check_query(&parsed, QUERY_LIST, resource, &parameters, arena, &query, &error),
				 &error, text.len)) {
		return;
	}
	if (outcome(query_bind(&query, values, PLACES, arena, &bound, &wrong, &error), &error,
				SIZE_MAX)) {
		assert(bound.where == NULL || !bound.where->parameters);
		use_query(fixture, &bound);
	} else {
		assert(wrong < PLACES);
	}
}

static void try_body(struct fixture *fixture, struct str text, enum query_action action,
					 const struct resource *resource, const struct limits *limits,
					 struct arena *arena)
{
	struct body_options options = {.limits = limits, .many = action == QUERY_INSERT};
	struct query query = {.action = action, .resource = resource};
	struct error error = {.code = ERROR_NONE};
	if (outcome(check_body(text, &options, arena, &query, &error), &error, text.len)) {
		for (size_t i = 0; i < query.row_count * query.given.count; i++) {
			const struct field *field = query.given.items[i % query.given.count];
			bool null = query.values[i].kind == VALUE_NULL;
			assert(!null || !(field->required || field->key));
		}
		if (query.row_count > 0) {
			sql_clear(&fixture->sql);
			bool inserts = action == QUERY_INSERT || action == QUERY_UPSERT;
			if (inserts) {
				sql_insert(&fixture->sql, &query, query.row_count - 1);
			} else {
				sql_update(&fixture->sql, &query);
			}
			use_sql(fixture);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const resources[] = {"ratings", "counts", "things", "tokens"};
	static const enum query_action actions[] = {QUERY_INSERT, QUERY_UPSERT, QUERY_REPLACE,
												QUERY_UPDATE};
	struct str text = {(const char *)data, size};
	static struct fixture fixture;
	struct limits limits;
	struct arena arena;
	if (fixture.model == NULL) {
		make_fixture(&fixture);
	}
	limits_init(&limits);
	arena_init(&arena, BLOCK_BYTES);
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
		const struct resource *resource = test_resource(fixture.model, resources[i]);
		try_query_string(&fixture, text, resource, &limits, &arena);
		try_condition(&fixture, text, resource, &limits, &arena);
		for (size_t a = 0; a < sizeof(actions) / sizeof(actions[0]); a++) {
			try_body(&fixture, text, actions[a], resource, &limits, &arena);
		}
		arena_reset(&arena);
	}
	arena_finish(&arena);
	return 0;
}
