/*
 * A query string from a client, on its whole way: parsed, checked, made SQL, which SQLite must
 * take, with those of the embeds; and as what chooses the rows of a delete. And the same bytes as a
 * condition of a service file, bound, and as a body.
 */
#include <assert.h>

#include "query/check_test_help.h"
#include "rowlock_config.h"
#include "sql/sql.h"

#if HAVE_SQLITE
#include <sqlite3.h>
#endif

enum { BLOCK_BYTES = 65536, TEXT_BYTES = 1 << 24, PLACES = 2, MODELS = 2, KEYS = 2 };

/* Made with the first input; making them takes longer than most inputs. */
struct fixture {
	struct model *models[MODELS];
	struct sql sql;
#if HAVE_SQLITE
	sqlite3 *dbs[MODELS];
#endif
};

/* One input for one resource. */
struct attempt {
	struct fixture *fixture;
	size_t model;
	const struct resource *resource;
	struct str text;
	struct limits limits;
	struct arena arena;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The error is set exactly when it failed, and points into the text. */
static bool outcome(bool ok, const struct error *error, size_t size)
{
	assert(ok == (error->code == ERROR_NONE));
	assert(ok || error->at == SIZE_MAX || error->at <= size);
	return ok;
}

/* ---- the databases ---- */

#if HAVE_SQLITE

static void give_null(sqlite3_context *context, int count, sqlite3_value **arguments)
{
	(void)count;
	(void)arguments;
	sqlite3_result_null(context);
}

static void make_resource(sqlite3 *db, const struct resource *resource)
{
	struct buf text;
	struct buf name;
	buf_init(&text, TEXT_BYTES);
	buf_init(&name, TEXT_BYTES);
	for (size_t number = 0; sql_schema(&sql_dialect_sqlite, resource, number, &text, &name);
		 number++) {
		buf_append_byte(&text, '\0');
		int rc = sqlite3_exec(db, text.ptr, NULL, NULL, NULL);
		assert(rc == SQLITE_OK);
		buf_clear(&text);
		buf_clear(&name);
	}
	buf_finish(&text);
	buf_finish(&name);
}

static sqlite3 *make_database(const struct model *model)
{
	static const char *const functions[] = {"rowlock_json", "rowlock_like", "rowlock_match",
											"rowlock_words", "rowlock_cast"};
	sqlite3 *db;
	int rc = sqlite3_open(":memory:", &db);
	assert(rc == SQLITE_OK);
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		rc = sqlite3_create_function(db, functions[i], -1, SQLITE_UTF8, NULL, give_null, NULL,
									 NULL);
		assert(rc == SQLITE_OK);
	}
	for (size_t i = 0; i < model->resource_count; i++) {
		make_resource(db, &model->resources[i]);
	}
	return db;
}

#endif

static void make_fixture(struct fixture *fixture)
{
	fixture->models[0] = test_model();
	fixture->models[1] = test_relations_model();
	sql_init(&fixture->sql, &sql_dialect_sqlite, TEXT_BYTES);
#if HAVE_SQLITE
	for (size_t i = 0; i < MODELS; i++) {
		fixture->dbs[i] = make_database(fixture->models[i]);
	}
#endif
}

/* ---- statements ---- */

/* The statement must be one for SQLite, with as many places as there are values. */
static void use_sql(const struct attempt *attempt)
{
	const struct sql *sql = &attempt->fixture->sql;
	if (sql->text.failed) {
		return;
	}
#if HAVE_SQLITE
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(attempt->fixture->dbs[attempt->model], sql->text.ptr,
								(int)sql->text.len, &stmt, NULL);
	assert(rc == SQLITE_OK);
	assert((size_t)sqlite3_bind_parameter_count(stmt) == sql->param_count);
	sqlite3_finalize(stmt);
#endif
}

static void use_embeds(const struct attempt *attempt, const struct query *query)
{
	static const struct value keys[KEYS] = {{.kind = VALUE_NULL}};
	struct sql *sql = &attempt->fixture->sql;
	for (size_t i = 0; i < query->column_count; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		if (embed != NULL) {
			assert(embed->relation->from_fields.count <= KEYS);
			sql_clear(sql);
			sql_embed(sql, embed, keys);
			assert(sql->params[sql->keys_at].value == &keys[0]);
			use_sql(attempt);
			use_embeds(attempt, &embed->query);
		}
	}
}

static void use_query(const struct attempt *attempt, const struct query *query)
{
	struct sql *sql = &attempt->fixture->sql;
	sql_clear(sql);
	if (query->action == QUERY_DELETE) {
		sql_delete(sql, query);
		use_sql(attempt);
	} else {
		sql_select(sql, query);
		use_sql(attempt);
		sql_clear(sql);
		sql_count(sql, query);
		use_sql(attempt);
	}
	use_embeds(attempt, query);
}

static void use_row(const struct attempt *attempt, const struct query *query)
{
	struct sql *sql = &attempt->fixture->sql;
	sql_clear(sql);
	if (query->action == QUERY_INSERT || query->action == QUERY_UPSERT) {
		size_t last = (query->row_count - 1) * query->given.count;
		sql_insert(sql, query, query->given.count > 0 ? &query->values[last] : NULL);
	} else {
		sql_update(sql, query);
	}
	use_sql(attempt);
}

/* ---- texts ---- */

static void try_query_string(struct attempt *attempt, enum query_action action)
{
	struct check_options options = {.limits = &attempt->limits, .caller = &caller_trusted};
	struct parsed_query parsed;
	struct error error = {.code = ERROR_NONE};
	struct query query = {.action = action, .resource = attempt->resource};
	struct str text = attempt->text;
	parsed_query_init(&parsed);
	if (!outcome(parse_query_string(text, &attempt->limits, NULL, NULL, &attempt->arena, &parsed,
									&error),
				 &error, text.len) ||
		!outcome(check_query(&parsed, action, attempt->resource, &options, &attempt->arena, &query,
							 &error),
				 &error, text.len)) {
		return;
	}
	assert(query.where == NULL || !query.where->parameters);
	use_query(attempt, &query);
}

static void try_condition(struct attempt *attempt)
{
	static const struct str names[PLACES] = {STR_INIT("x"), STR_INIT("y")};
	static const struct parameter_names parameters = {names, PLACES};
	const struct parameter values[PLACES] = {{STR("5"), true}, {STR(""), false}};
	struct check_options options = {
		.limits = &attempt->limits, .caller = &caller_trusted, .parameters = &parameters};
	struct parsed_query parsed;
	struct error error = {.code = ERROR_NONE};
	struct query query = {.action = QUERY_LIST, .resource = attempt->resource};
	struct query bound;
	size_t wrong = SIZE_MAX;
	struct str text = attempt->text;
	parsed_query_init(&parsed);
	if (!outcome(parse_condition(text, &attempt->limits, &attempt->arena, &parsed, &error), &error,
				 text.len) ||
		!outcome(check_query(&parsed, QUERY_LIST, attempt->resource, &options, &attempt->arena,
							 &query, &error),
				 &error, text.len)) {
		return;
	}
	if (outcome(query_bind(&query, values, PLACES, &attempt->arena, &bound, &wrong, &error), &error,
				SIZE_MAX)) {
		assert(bound.where == NULL || !bound.where->parameters);
		use_query(attempt, &bound);
	} else {
		assert(wrong < PLACES);
	}
}

static void try_body(struct attempt *attempt, enum query_action action)
{
	struct body_options options = {.limits = &attempt->limits, .many = action == QUERY_INSERT};
	struct query query = {
		.action = action,
		.resource = attempt->resource,
		.conflict = attempt->resource->key,
	};
	struct error error = {.code = ERROR_NONE};
	if (!outcome(check_body(attempt->text, &options, &attempt->arena, &query, &error), &error,
				 attempt->text.len)) {
		return;
	}
	for (size_t i = 0; i < query.row_count * query.given.count; i++) {
		const struct field *field = query.given.items[i % query.given.count];
		bool null = query.values[i].kind == VALUE_NULL;
		assert(!null || !(field->required || field->key));
	}
	if (query.row_count > 0) {
		use_row(attempt, &query);
	}
}

static void try_all(struct attempt *attempt)
{
	static const enum query_action actions[] = {QUERY_INSERT, QUERY_UPSERT, QUERY_REPLACE,
												QUERY_UPDATE};
	try_query_string(attempt, QUERY_LIST);
	try_query_string(attempt, QUERY_DELETE);
	try_condition(attempt);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (actions[i] != QUERY_UPSERT || attempt->resource->key.count > 0) {
			try_body(attempt, actions[i]);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		size_t model;
		const char *name;
	} resources[] = {{0, "ratings"}, {0, "counts"},   {0, "things"},        {0, "tokens"},
					 {1, "clients"}, {1, "projects"}, {1, "organizations"}, {1, "loose"}};
	static struct fixture fixture;
	if (fixture.models[0] == NULL) {
		make_fixture(&fixture);
	}
	struct attempt attempt = {.fixture = &fixture, .text = {(const char *)data, size}};
	limits_init(&attempt.limits);
	arena_init(&attempt.arena, BLOCK_BYTES);
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
		attempt.model = resources[i].model;
		attempt.resource = test_resource(fixture.models[attempt.model], resources[i].name);
		try_all(&attempt);
		arena_reset(&attempt.arena);
	}
	arena_finish(&attempt.arena);
	return 0;
}
