#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/accept.h"

static const char json[] = "application/json; charset=utf-8";
static const char object[] = "application/vnd.pgrst.object+json; charset=utf-8";
static const char csv[] = "text/csv; charset=utf-8";

static const struct {
	int line;
	const char *accept; /* NULL: no field */
	const char *want;   /* content type; NULL: none is served */
	enum query_format format;
	bool stripped;
} rows[] = {
	{__LINE__, NULL, json, FORMAT_ARRAY, false},
	{__LINE__, "", json, FORMAT_ARRAY, false},
	{__LINE__, "*/*", json, FORMAT_ARRAY, false},
	{__LINE__, "application/json", json, FORMAT_ARRAY, false},
	{__LINE__, "Application/JSON;charset=utf-8", json, FORMAT_ARRAY, false},
	{__LINE__, "application/*;q=0.1", json, FORMAT_ARRAY, false},
	{__LINE__, "text/csv", csv, FORMAT_CSV, false},
	{__LINE__, "text/*", csv, FORMAT_CSV, false},
	{__LINE__, "application/x-ndjson", "application/x-ndjson; charset=utf-8", FORMAT_NDJSON, false},
	{__LINE__, "application/vnd.pgrst.object+json", object, FORMAT_OBJECT, false},
	{__LINE__, "application/vnd.pgrst.object", object, FORMAT_OBJECT, false},
	{__LINE__, "application/vnd.pgrst.object+json;nulls=stripped",
	 "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8", FORMAT_OBJECT, true},
	{__LINE__, "application/vnd.pgrst.array+json; nulls=stripped",
	 "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8", FORMAT_ARRAY, true},
	{__LINE__, "application/json;nulls=stripped", json, FORMAT_ARRAY, false},
	/* the first of those with the highest weight */
	{__LINE__, "text/csv, application/json", csv, FORMAT_CSV, false},
	{__LINE__, "text/csv;q=0.5, application/json;q=0.8", json, FORMAT_ARRAY, false},
	{__LINE__, "text/html, text/csv;q=0.9, */*;q=0.8", csv, FORMAT_CSV, false},
	{__LINE__, "text/html,application/xhtml+xml,*/*;q=0.8", json, FORMAT_ARRAY, false},
	{__LINE__, "text/csv;q=0, */*;q=0.001", json, FORMAT_ARRAY, false},
	/* none */
	{__LINE__, "text/html", NULL, FORMAT_ARRAY, false},
	{__LINE__, "application/json;q=0", NULL, FORMAT_ARRAY, false},
	{__LINE__, "application/geo+json, */*;q=0.1", json, FORMAT_ARRAY, false},
};

static void test_media(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_field field = {STR("Accept"),
								   str_from(rows[i].accept != NULL ? rows[i].accept : "")};
		struct http_request request = {.fields = &field,
									   .field_count = rows[i].accept != NULL ? 1 : 0};
		struct media media;
		struct error error = {0};
		bool ok = accept_media(&request, &media, &error);
		bool same = ok
			? rows[i].want != NULL && str_equal(media.content_type, str_from(rows[i].want)) &&
				media.format == rows[i].format && media.nulls_stripped == rows[i].stripped
			: rows[i].want == NULL && error.code == ERROR_MEDIA;
		if (!same) {
			fail_msg("line %d: %.*s %s", rows[i].line, STR_ARG(media.content_type), error.message);
		}
	}
}

/* What is known but not served is told apart. */
static void test_unsupported(void **state)
{
	(void)state;
	static const char *const accepts[] = {"application/geo+json",
										  "application/vnd.pgrst.plan+text; for=\"x\""};
	for (size_t i = 0; i < sizeof(accepts) / sizeof(accepts[0]); i++) {
		struct http_field field = {STR("Accept"), str_from(accepts[i])};
		struct http_request request = {.fields = &field, .field_count = 1};
		struct media media;
		struct error error = {0};
		assert_false(accept_media(&request, &media, &error));
		assert_int_equal(error.code, ERROR_UNSUPPORTED);
	}
}

static void test_body(void **state)
{
	(void)state;
	static const struct {
		int line;
		const char *type;
		int want; /* -1: refused */
	} bodies[] = {
		{__LINE__, "", BODY_JSON},
		{__LINE__, "application/json", BODY_JSON},
		{__LINE__, "application/json; charset=utf-8", BODY_JSON},
		{__LINE__, "application/vnd.pgrst.object+json", BODY_JSON},
		{__LINE__, "TEXT/CSV", BODY_CSV},
		{__LINE__, "application/x-ndjson", BODY_NDJSON},
		{__LINE__, "application/x-www-form-urlencoded", BODY_FORM},
		{__LINE__, "text/plain", -1},
		{__LINE__, "application/jsonx", -1},
	};
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct http_field field = {STR("content-type"), str_from(bodies[i].type)};
		struct http_request request = {.fields = &field, .field_count = 1};
		enum body_format format = BODY_JSON;
		struct error error = {0};
		bool ok = accept_body(&request, &format, &error);
		if (ok != (bodies[i].want >= 0) || (ok && (int)format != bodies[i].want)) {
			fail_msg("line %d", bodies[i].line);
		}
		assert_int_equal(error.code, ok ? ERROR_NONE : ERROR_BODY);
	}
}

static void test_profile(void **state)
{
	(void)state;
	struct http_field field = {STR("Accept-Profile"), STR("public")};
	struct http_request request = {.fields = &field, .field_count = 1};
	assert_true(accept_profile(&request, NULL));
	field.value = STR("other");
	assert_false(accept_profile(&request, NULL));
	request.method = HTTP_POST;
	assert_true(accept_profile(&request, NULL));
	field.name = STR("Content-Profile");
	assert_false(accept_profile(&request, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_media),
		cmocka_unit_test(test_unsupported),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_profile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
