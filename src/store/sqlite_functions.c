/*
 * SQL functions for what SQLite has not, or not as every store has it: paths into json, patterns,
 * regular expressions, full text, casts. Their second argument is a pointer that only our own
 * statements can bind.
 */
#include <assert.h>

#include "base/alloc.h"
#include "query/expression.h"
#include "store/sqlite_priv.h"
#include "store/term.h"

static const void *pointer_of(sqlite3_value *argument)
{
	const void *pointer = sqlite3_value_pointer(argument, "rowlock");
	assert(pointer != NULL);
	return pointer;
}

static struct str text_of(sqlite3_value *argument)
{
	const char *ptr = (const char *)sqlite3_value_text(argument);
	return (struct str){ptr == NULL ? "" : ptr, (size_t)sqlite3_value_bytes(argument)};
}

/* A value as the store's columns give it: see sqlite_column(). `blob` is for the text of one. */
static struct value value_of(sqlite3_value *argument, struct buf *blob)
{
	switch (sqlite3_value_type(argument)) {
	case SQLITE_NULL:
		return (struct value){.kind = VALUE_NULL};
	case SQLITE_INTEGER:
		return (struct value){.kind = VALUE_INTEGER, .integer = sqlite3_value_int64(argument)};
	case SQLITE_FLOAT:
		return (struct value){.kind = VALUE_NUMBER, .number = sqlite3_value_double(argument)};
	case SQLITE_BLOB: {
		const char *ptr = sqlite3_value_blob(argument);
		size_t len = (size_t)sqlite3_value_bytes(argument);
		sqlite_write_blob(blob, (struct str){ptr == NULL ? "" : ptr, len});
		return (struct value){.kind = VALUE_TEXT, .text = buf_str(blob)};
	}
	default:
		return (struct value){.kind = VALUE_TEXT, .text = text_of(argument)};
	}
}

static void give(sqlite3_context *context, const struct value *value)
{
	switch (value->kind) {
	case VALUE_INTEGER:
		sqlite3_result_int64(context, value->integer);
		return;
	case VALUE_NUMBER:
		sqlite3_result_double(context, value->number);
		return;
	case VALUE_TEXT:
		sqlite3_result_text64(context, value->text.len > 0 ? value->text.ptr : "", value->text.len,
							  SQLITE_TRANSIENT, SQLITE_UTF8);
		return;
	case VALUE_NULL:
	case VALUE_ABSENT:
	case VALUE_POINTER:
		break;
	}
	sqlite3_result_null(context);
}

/* The connection keeps it where sqlite_fail() finds it. */
static void give_error(sqlite3_context *context, const struct error *error)
{
	struct error *kept = sqlite3_user_data(context);
	*kept = *error;
	sqlite3_result_error(context, error->message, -1);
}

static void run_json(sqlite3_context *context, int count, sqlite3_value **arguments)
{
	(void)count;
	struct buf scratch;
	struct buf blob;
	buf_init(&blob, SIZE_MAX);
	buf_init(&scratch, SIZE_MAX);
	struct value json = value_of(arguments[0], &blob);
	struct value found = term_path(pointer_of(arguments[1]), &json, &scratch);
	give(context, &found);
	buf_finish(&scratch);
	buf_finish(&blob);
}

static void run_operator(sqlite3_context *context, sqlite3_value **arguments, enum operator_name op)
{
	struct error error = {0};
	struct buf blob;
	buf_init(&blob, SIZE_MAX);
	struct value value = value_of(arguments[0], &blob);
	enum truth truth;
	if (!term_matches(op, &value, pointer_of(arguments[1]), &truth, &error)) {
		give_error(context, &error);
	} else if (truth == MAY_BE) {
		sqlite3_result_null(context);
	} else {
		sqlite3_result_int(context, truth == IS_SO);
	}
	buf_finish(&blob);
}

static void run_like(sqlite3_context *context, int count, sqlite3_value **arguments)
{
	(void)count;
	run_operator(context, arguments, OPERATOR_LIKE);
}

static void run_match(sqlite3_context *context, int count, sqlite3_value **arguments)
{
	(void)count;
	run_operator(context, arguments, OPERATOR_MATCH);
}

static void run_words(sqlite3_context *context, int count, sqlite3_value **arguments)
{
	(void)count;
	run_operator(context, arguments, OPERATOR_FTS);
}

static void run_cast(sqlite3_context *context, int count, sqlite3_value **arguments)
{
	(void)count;
	struct error error = {0};
	struct buf scratch;
	struct buf blob;
	struct value made;
	buf_init(&blob, SIZE_MAX);
	buf_init(&scratch, SIZE_MAX);
	struct value value = value_of(arguments[0], &blob);
	if (term_cast(pointer_of(arguments[1]), pointer_of(arguments[2]), &value, &scratch, &made,
				  &error)) {
		give(context, &made);
	} else {
		give_error(context, &error);
	}
	buf_finish(&scratch);
	buf_finish(&blob);
}

/* Expression, day, and a value for each of its fields. */
static void run_expression(sqlite3_context *context, int count, sqlite3_value **arguments)
{
	enum { ARENA_BYTES = 1024, FIRST_FIELD = 2 };
	const struct expression *expression = pointer_of(arguments[0]);
	struct value values[EXPRESSION_FIELDS];
	struct buf blob;
	struct arena arena;
	assert(expression->field_count == (size_t)count - FIRST_FIELD);
	arena_init(&arena, ARENA_BYTES);
	for (size_t i = 0; i < expression->field_count; i++) {
		buf_init(&blob, SIZE_MAX);
		values[i] = value_of(arguments[i + FIRST_FIELD], &blob);
		if (blob.len > 0) {
			values[i].text = arena_copy(&arena, buf_str(&blob));
		}
		buf_finish(&blob);
	}
	struct value made = expression_eval(expression, values, sqlite3_value_int64(arguments[1]),
										&arena);
	give(context, &made);
	arena_finish(&arena);
}

bool sqlite_functions_add(struct sqlite_conn *conn)
{
	static const struct {
		const char *name;
		int arguments;
		void (*run)(sqlite3_context *context, int count, sqlite3_value **arguments);
	} functions[] = {
		{"rowlock_json", 2, run_json},   {"rowlock_like", 2, run_like},
		{"rowlock_match", 2, run_match}, {"rowlock_words", 2, run_words},
		{"rowlock_cast", 3, run_cast},   {"rowlock_expression", -1, run_expression},
	};
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		/* Not for triggers and views of the file: nothing but our statements has the pointers. */
		int rc = sqlite3_create_function_v2(conn->db, functions[i].name, functions[i].arguments,
											SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
											conn->function_error, functions[i].run, NULL, NULL,
											NULL);
		if (rc != SQLITE_OK) {
			return false;
		}
	}
	return sqlite_search_add_grams(conn->db);
}
