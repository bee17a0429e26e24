#include "sql/sql_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/url.h"
#include "query/check_test_help.h"
#include "rowlock_config.h"

#if HAVE_SQLITE
#include <sqlite3.h>
#endif

enum { TEXT_BYTES = 1 << 22, BLOCK_BYTES = 65536 };

void sql_bed_begin(struct sql_bed *bed)
{
	*bed = (struct sql_bed){.models = {test_model(), test_relations_model()}};
	bed->options = test_check_options(&bed->limits);
	limits_init(&bed->limits);
	arena_init(&bed->arena, BLOCK_BYTES);
	buf_init(&bed->got, TEXT_BYTES);
	sql_init(&bed->sql, &sql_dialect_sqlite, TEXT_BYTES);
#if HAVE_SQLITE
	for (size_t i = 0; i < SQL_BED_MODELS; i++) {
		bed->dbs[i] = sql_bed_open(bed->models[i]);
	}
#endif
}

void sql_bed_end(struct sql_bed *bed)
{
	sql_finish(&bed->sql);
	buf_finish(&bed->got);
	arena_finish(&bed->arena);
	for (size_t i = 0; i < SQL_BED_MODELS; i++) {
#if HAVE_SQLITE
		assert_int_equal(sqlite3_close(bed->dbs[i]), SQLITE_OK);
#endif
		model_destroy(bed->models[i]);
	}
}

const struct resource *sql_bed_resource(const struct sql_bed *bed, const char *name)
{
	const struct resource *resource = model_resource(bed->models[0], str_from(name));
	return resource != NULL ? resource : test_resource(bed->models[1], name);
}

void sql_bed_query(struct sql_bed *bed, const char *text, enum query_action action,
				   const char *resource, struct query *ret_query)
{
	struct error error = {.code = ERROR_NONE};
	if (!test_check(text, action, sql_bed_resource(bed, resource), &bed->options, &bed->arena,
					ret_query, &error)) {
		fail_msg("%s: %s %s", text, error.message, error.details);
	}
}

void sql_bed_give(struct sql_bed *bed, const char *row, struct query *query)
{
	enum { MOST_FIELDS = 16 };
	const struct field **fields = ARENA_ARRAY(&bed->arena, MOST_FIELDS, const struct field *);
	struct value *values = ARENA_ARRAY(&bed->arena, MOST_FIELDS, struct value);
	struct str rest = str_from(row);
	struct str name;
	struct str text;
	bool has_value;
	query->row_count = 1;
	query->given = (struct field_list){fields, 0};
	query->values = values;
	while (url_next_pair(&rest, &name, &text, &has_value)) {
		struct value *value = &values[query->given.count];
		const struct field *field = resource_field(query->resource, name);
		struct error error;
		assert_true(field != NULL && query->given.count < MOST_FIELDS);
		fields[query->given.count++] = field;
		if (!has_value) {
			value->kind = VALUE_ABSENT;
		} else if (str_equal(text, STR("NULL"))) {
			value->kind = VALUE_NULL;
		} else {
			assert_true(value_from_text(field, text, &bed->arena, value, &error));
		}
	}
}

void sql_bed_write(struct sql_bed *bed, const struct query *query)
{
	sql_clear(&bed->sql);
	switch (query->action) {
	case QUERY_LIST:
	case QUERY_GET:
		sql_select(&bed->sql, query);
		break;
	case QUERY_INSERT:
	case QUERY_UPSERT:
		sql_insert(&bed->sql, query, query->values);
		break;
	case QUERY_REPLACE:
	case QUERY_UPDATE:
		sql_update(&bed->sql, query);
		break;
	case QUERY_DELETE:
		sql_delete(&bed->sql, query);
		break;
	}
}

/* ---- on SQLite ---- */

#if HAVE_SQLITE

static void give_null(sqlite3_context *context, int count, sqlite3_value **arguments)
{
	(void)count;
	(void)arguments;
	sqlite3_result_null(context);
}

static void add_functions(sqlite3 *db)
{
	static const char *const names[] = {"rowlock_json", "rowlock_like", "rowlock_match",
										"rowlock_words", "rowlock_cast"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int arguments = strcmp(names[i], "rowlock_cast") == 0 ? 3 : 2;
		assert_int_equal(sqlite3_create_function(db, names[i], arguments, SQLITE_UTF8, NULL,
												 give_null, NULL, NULL),
						 SQLITE_OK);
	}
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
		if (sqlite3_exec(db, text.ptr, NULL, NULL, NULL) != SQLITE_OK) {
			fail_msg("%s\n%s", text.ptr, sqlite3_errmsg(db));
		}
		buf_clear(&text);
		buf_clear(&name);
	}
	buf_finish(&text);
	buf_finish(&name);
}

sqlite3 *sql_bed_open(const struct model *model)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	assert_int_equal(sqlite3_exec(db, "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF", NULL,
								  NULL, NULL),
					 SQLITE_OK);
	add_functions(db);
	for (size_t i = 0; i < model->resource_count; i++) {
		make_resource(db, &model->resources[i]);
	}
	return db;
}

static sqlite3_stmt *prepare(const struct sql_bed *bed, const struct resource *resource)
{
	const struct sql *sql = &bed->sql;
	sqlite3 *db = bed->dbs[model_resource(bed->models[0], resource->name) == resource ? 0 : 1];
	sqlite3_stmt *stmt;
	assert_false(sql->text.failed);
	if (sqlite3_prepare_v2(db, sql->text.ptr, (int)sql->text.len, &stmt, NULL) != SQLITE_OK) {
		fail_msg("%.*s\n%s", STR_ARG(buf_str(&sql->text)), sqlite3_errmsg(db));
	}
	assert_int_equal(sqlite3_bind_parameter_count(stmt), sql->param_count);
	return stmt;
}

static void bind(sqlite3_stmt *stmt, const struct sql *sql)
{
	for (size_t i = 0; i < sql->param_count; i++) {
		const struct value *value = sql->params[i].value;
		int number = (int)i + 1;
		if (value->kind == VALUE_INTEGER) {
			sqlite3_bind_int64(stmt, number, value->integer);
		} else if (value->kind == VALUE_NUMBER) {
			sqlite3_bind_double(stmt, number, value->number);
		} else if (value->kind == VALUE_TEXT) {
			sqlite3_bind_text(stmt, number, value->text.ptr, (int)value->text.len, SQLITE_STATIC);
		}
	}
}

int sql_bed_run(struct sql_bed *bed, const struct resource *resource)
{
	sqlite3_stmt *stmt = prepare(bed, resource);
	int rc;
	buf_clear(&bed->got);
	bind(stmt, &bed->sql);
	for (size_t rows = 0; (rc = sqlite3_step(stmt)) == SQLITE_ROW; rows++) {
		buf_append(&bed->got, rows > 0 ? STR(";") : STR(""));
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const char *text = (const char *)sqlite3_column_text(stmt, i);
			buf_append(&bed->got, i > 0 ? STR(",") : STR(""));
			buf_append(&bed->got, text == NULL ? STR("-") : str_from(text));
		}
	}
	sqlite3_finalize(stmt);
	return rc;
}

#endif

void sql_bed_look(struct sql_bed *bed, const struct resource *resource)
{
	static const struct field any = {.type = TYPE_TEXT};
	const struct sql *sql = &bed->sql;
	assert_false(sql->text.failed);
	buf_clear(&bed->got);
	buf_append(&bed->got, buf_str(&sql->text));
	for (size_t i = 0; i < sql->param_count; i++) {
		const struct value *value = sql->params[i].value;
		buf_append(&bed->got, i == 0 ? STR(" -- ") : STR(","));
		if (value->kind == VALUE_INTEGER) {
			buf_append_int(&bed->got, value->integer);
		} else if (value->kind == VALUE_POINTER) {
			buf_append_byte(&bed->got, '*');
		} else if (value->kind == VALUE_NULL) {
			buf_append(&bed->got, STR("NULL"));
		} else {
			value_write_text(&bed->got, &any, value);
		}
	}
#if HAVE_SQLITE
	sqlite3_finalize(prepare(bed, resource));
#else
	(void)resource;
#endif
}
