#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/check_body_test_help.h"

/*
 * Files that people keep: rows that are wrong are told and left out. The resource `notes` has the
 * fields id (integer, made) and note (text(10)).
 */

static const struct file_row {
	int line;
	enum body_format format;
	const char *file;
	const char *want;     /* rows as NOTE@LINE */
	const char *want_bad; /* LINE:COLUMN CODE [text] … */
} rows[] = {
	/* CSV */
	{__LINE__, BODY_CSV, "id,note\n1,a\n2,b\n", "a@2 b@3", ""},
	{__LINE__, BODY_CSV, "\xef\xbb\xbfid,note\r\n1,a\r\n2,b", "a@2 b@3", ""},
	{__LINE__, BODY_CSV, "id,note\r1,a\r\r2,b\r", "a@2 b@4", ""},
	{__LINE__, BODY_CSV, "id,note\n1,\n2,\"\"\n3,NULL\n4,\"NULL\"\n", "null@2 @3 null@4 NULL@5",
	 ""},
	{__LINE__, BODY_CSV, "id,note\n,a\n", "a@2", ""},
	{__LINE__, BODY_CSV, "id,note\n\"\",a\n\"2\",\"\"\n", "a@2 @3", ""},
	{__LINE__, BODY_CSV, "id,note\nx,a\n2,b\n", "b@3", "2:1 VALUE [x,a]"},
	{__LINE__, BODY_CSV, "id,note\n1,a\n2,12345678901\n3,c\n", "a@2 c@4",
	 "3:3 TOO_LONG [2,12345678901]"},
	{__LINE__, BODY_CSV, "id,note\n1\n2,b\n", "b@3", "2:0 BODY [1]"},
	{__LINE__, BODY_CSV, "id,note\n1,12345678901\n2\n3,a\"\n", "",
	 "2:3 TOO_LONG [1,12345678901] 3:0 BODY [2] 4:4 BODY [3,a\"]"},
	{__LINE__, BODY_CSV, "id,note\n1,a,x\n2,b\n", "b@3", "2:0 BODY [1,a,x]"},
	{__LINE__, BODY_CSV, "id,note\n1,a\"b\n2,b\n", "b@3", "2:4 BODY [1,a\"b]"},
	{__LINE__, BODY_CSV, "id,note\n1,\"a\"b\n2,b\n", "b@3", "2:6 BODY [1,\"a\"b]"},
	{__LINE__, BODY_CSV, "id,note\n1,\"a\n2,b\n", "b@3", "2:3 BODY [1,\"a]"},
	{__LINE__, BODY_CSV, "id,note\n1,\"a\nb\"x\n2,b\n", "b@4", "2:3 BODY [1,\"a\nb\"x]"},
	{__LINE__, BODY_CSV, "id,note\n1,\"a\nb\"\n2,b\n", "a\nb@2 b@4", ""},
	{__LINE__, BODY_CSV, "id,note\nx,\"\xc3\xa9\"\n\xc3\xa9,b\n", "",
	 "2:1 VALUE [x,\"\xc3\xa9\"] 3:1 VALUE [\xc3\xa9,b]"},
	{__LINE__, BODY_CSV, "note,id\n\xc3\xa9\xc3\xa9,x\n", "", "2:4 VALUE [\xc3\xa9\xc3\xa9,x]"},
	{__LINE__, BODY_CSV, "id,note\n1,\xff\n2,b\n", "b@3", "2:3 VALUE [1,\xff]"},
	{__LINE__, BODY_CSV, "id,note\n", "", ""},
	{__LINE__, BODY_CSV, "", "", ""},
	/* an object a line */
	{__LINE__, BODY_NDJSON, "{\"id\":1,\"note\":\"a\"}\n\n{\"note\":\"b\",\"id\":2}\n", "a@1 b@3",
	 ""},
	{__LINE__, BODY_NDJSON, "{\"note\":\"a\"}\n{\"id\":2}\n", "a@1 null@2", ""},
	{__LINE__, BODY_NDJSON, "{\"id\":1,\"note\":5}\n{\"id\":2,\"note\":\"b\"}\n", "5@1 b@2", ""},
	{__LINE__, BODY_NDJSON, "{\"id\":1,\n{\"note\":\"b\"}\n", "b@2", "1:9 BODY [{\"id\":1,]"},
	{__LINE__, BODY_NDJSON, "{\"id\":\"x\"}\n[1]\n5\n{\"note\":\"b\"}", "b@4",
	 "1:7 VALUE [{\"id\":\"x\"}] 2:1 BODY [[1]] 3:1 BODY [5]"},
	{__LINE__, BODY_NDJSON, "{\"no\":1}\n{\"note\":\"b\"}", "b@2", "1:2 COLUMN [{\"no\":1}]"},
	{__LINE__, BODY_NDJSON, "{\"id\":1} {\"id\":2}\n{\"note\":\"b\"}", "b@2",
	 "1:10 BODY [{\"id\":1} {\"id\":2}]"},
	/* an array of objects */
	{__LINE__, BODY_JSON_ROWS, "[{\"id\":1,\"note\":\"a\"},\n {\"note\":\"b\"}\n]", "a@1 b@2", ""},
	{__LINE__, BODY_JSON_ROWS, "[]", "", ""},
	{__LINE__, BODY_JSON_ROWS, "\n[\n{\"id\":\"x\"},\n5,\n{\"note\":\n\"b\"},{\"no\":1}]", "b@5",
	 "3:0 VALUE [{\"id\":\"x\"}] 4:0 BODY [5] 6:0 COLUMN [{\"no\":1}]"},
	{__LINE__, BODY_JSON_ROWS, "[{\"note\":\"a\"},{]", "error BODY", ""},
	{__LINE__, BODY_JSON_ROWS, "[{\"note\":\"a\"}", "error BODY", ""},
	{__LINE__, BODY_JSON_ROWS, "[{\"note\":\"a\"}] x", "error BODY", ""},
	{__LINE__, BODY_JSON_ROWS, "{\"note\":\"a\"}", "error BODY", ""},
	{__LINE__, BODY_JSON_ROWS, "", "error BODY", ""},
	{__LINE__, BODY_CSV, "id,no\n1,a\n", "error COLUMN", ""},
	{__LINE__, BODY_CSV, "id,id\n1,1\n", "error BODY", ""},
};

static void note_bad(void *context, const struct bad_row *bad)
{
	struct buf *told = context;
	buf_printf(told, "%s%zu:%zu %s [%.*s]", told->len > 0 ? " " : "", bad->line, bad->column,
			   error_info(bad->error->code)->name, STR_ARG(bad->text));
	assert_true(bad->error->message[0] != '\0');
	assert_null(strstr(bad->error->message, "CSV, line")); /* it is told beside it */
}

static void write_notes(const struct query *query, const struct value *values, size_t count,
						struct buf *got)
{
	for (size_t r = 0; r < count; r++) {
		for (size_t i = 0; i < query->given.count; i++) {
			const struct value *value = &values[r * query->given.count + i];
			if (str_equal(query->given.items[i]->name, STR("note"))) {
				buf_append(got, got->len > 0 ? STR(" ") : STR(""));
				buf_append(got, value->kind == VALUE_TEXT ? value->text : STR("null"));
				struct bad_row place;
				query_batches_row(query->batches, r, &place);
				buf_printf(got, "@%zu", place.line);
			}
		}
	}
}

static void test_files(void **state)
{
	(void)state;
	struct body_models models;
	struct limits limits;
	struct arena arena;
	struct buf got;
	struct buf told;
	test_body_models_init(&models);
	limits_init(&limits);
	arena_init(&arena, 4096);
	buf_init(&got, 65536);
	buf_init(&told, 65536);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct file_row *row = &rows[i];
		struct query query = {
			.action = QUERY_INSERT,
			.resource = test_body_resource(&models, "notes"),
		};
		const struct body_options options = {
			.limits = &limits,
			.format = row->format,
			.many = true,
			.lenient = true,
			.independent = row->format != BODY_CSV,
			.bad_row = note_bad,
			.context = &told,
		};
		const struct value *values = NULL;
		size_t count = 0;
		struct error error = {0};
		buf_clear(&got);
		buf_clear(&told);
		bool ok = check_body_batches(str_from(row->file), &options, &arena, &query, &error);
		while (ok && (ok = query.batches->next(query.batches, &values, &count, &error)) &&
			   count > 0) {
			write_notes(&query, values, count, &got);
		}
		if (!ok) {
			buf_clear(&got);
			buf_printf(&got, "error %s", error_info(error.code)->name);
		}
		test_equal(row->line, row->file, &got, row->want);
		test_equal(row->line, row->file, &told, row->want_bad);
		query_batches_finish(query.batches);
		arena_reset(&arena);
	}
	buf_finish(&told);
	buf_finish(&got);
	arena_finish(&arena);
	test_body_models_finish(&models);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_files)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
