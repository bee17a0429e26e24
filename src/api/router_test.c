#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/router.h"
#include "model/model.h"

/* Paths of the router under test; the operation's number is the row's. */
static const struct {
	enum http_method method;
	struct segment segments[4];
	size_t count;
} routes[] = {
	{HTTP_GET, {{STR_INIT("health"), false}}, 1},
	{HTTP_GET, {{STR_INIT("users"), false}, {STR_INIT("id"), true}}, 2},
	{HTTP_PUT, {{STR_INIT("users"), false}, {STR_INIT("id"), true}}, 2},
	{HTTP_GET, {{STR_INIT("users"), false}, {STR_INIT("me"), false}}, 2},
	{HTTP_GET,
	 {{STR_INIT("users"), false}, {STR_INIT("id"), true}, {STR_INIT("ratings"), false}},
	 3},
	{HTTP_GET, {{{NULL, 0}, false}}, 0},
	{HTTP_DELETE, {{STR_INIT("a b"), false}}, 1},
};
enum { ROUTES = sizeof(routes) / sizeof(routes[0]), MISSING = -1, NO_METHOD = -2 };

static const struct {
	int line;
	const char *path;
	enum http_method method;
	int want; /* row of routes, MISSING or NO_METHOD */
	const char *want_parameter;
} rows[] = {
	{__LINE__, "/health", HTTP_GET, 0, NULL},
	{__LINE__, "/health/", HTTP_GET, 0, NULL},
	{__LINE__, "/health//", HTTP_GET, MISSING, NULL},
	{__LINE__, "/health", HTTP_PUT, NO_METHOD, NULL},
	{__LINE__, "/Health", HTTP_GET, MISSING, NULL},
	{__LINE__, "/he%61lth", HTTP_GET, 0, NULL},
	{__LINE__, "/healthy", HTTP_GET, MISSING, NULL},
	{__LINE__, "/users", HTTP_GET, MISSING, NULL},
	{__LINE__, "/users/", HTTP_GET, MISSING, NULL},
	{__LINE__, "/users/5", HTTP_GET, 1, "5"},
	{__LINE__, "/users/5/", HTTP_GET, 1, "5"},
	{__LINE__, "/users/5", HTTP_PUT, 2, "5"},
	{__LINE__, "/users/a%2Fb", HTTP_GET, 1, "a/b"},
	{__LINE__, "/users/a+b", HTTP_GET, 1, "a+b"},
	{__LINE__, "/users/me", HTTP_GET, 3, NULL},
	{__LINE__, "/users/me/ratings", HTTP_GET, 4, "me"},
	{__LINE__, "/users/5/ratings", HTTP_GET, 4, "5"},
	{__LINE__, "/users//ratings", HTTP_GET, MISSING, NULL},
	{__LINE__, "/users/5/ratings/1", HTTP_GET, MISSING, NULL},
	{__LINE__, "/users/%zz", HTTP_GET, MISSING, NULL},
	{__LINE__, "/users/%00", HTTP_GET, MISSING, NULL},
	{__LINE__, "/", HTTP_GET, 5, NULL},
	{__LINE__, "//", HTTP_GET, MISSING, NULL},
	{__LINE__, "", HTTP_GET, MISSING, NULL},
	{__LINE__, "*", HTTP_GET, MISSING, NULL},
	{__LINE__, "/a%20b", HTTP_DELETE, 6, NULL},
	{__LINE__, "/a+b", HTTP_DELETE, MISSING, NULL},
};

static void build(struct router *router, struct arena *arena)
{
	router_init(router, arena);
	for (size_t i = 0; i < ROUTES; i++) {
		struct operation *operation = ARENA_NEW(arena, struct operation);
		operation->method = routes[i].method;
		operation->number = i;
		assert_true(router_add(router, routes[i].segments, routes[i].count, operation));
		assert_false(router_add(router, routes[i].segments, routes[i].count, operation));
	}
}

static int find(const struct router *router, struct arena *arena, size_t row,
				struct router_match *match)
{
	if (!router_find(router, str_from(rows[row].path), arena, match)) {
		return MISSING;
	}
	const struct operation *operation = match->endpoint->operations[rows[row].method];
	return operation == NULL ? NO_METHOD : (int)operation->number;
}

static void test_find(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 4096);
	struct router router;
	build(&router, &arena);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct router_match match;
		int got = find(&router, &arena, i, &match);
		if (got != rows[i].want) {
			fail_msg("line %d: %s: got %d, want %d", rows[i].line, rows[i].path, got, rows[i].want);
		}
		if (got >= 0) {
			assert_int_equal(match.parameter_count, rows[i].want_parameter != NULL ? 1 : 0);
		}
		if (rows[i].want_parameter != NULL &&
			!str_equal(match.parameters[0], str_from(rows[i].want_parameter))) {
			fail_msg("line %d: parameter %.*s", rows[i].line, STR_ARG(match.parameters[0]));
		}
	}
	arena_finish(&arena);
}

static void test_allow(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 4096);
	struct router router;
	build(&router, &arena);
	struct router_match match;
	assert_true(router_find(&router, STR("/users/5"), &arena, &match));
	struct buf allow;
	buf_init(&allow, 100);
	endpoint_allow(match.endpoint, &allow);
	assert_true(str_equal(buf_str(&allow), STR("OPTIONS,GET,HEAD,PUT")));
	buf_finish(&allow);
	arena_finish(&arena);
}

/* Every path once, in the order in which they were added, named as by its first operation. */
static void test_endpoints(void **state)
{
	(void)state;
	static const struct segment other[] = {{STR_INIT("users"), false}, {STR_INIT("name"), true}};
	static const size_t firsts[] = {0, 1, 3, 4, 5, 6};
	struct arena arena;
	arena_init(&arena, 4096);
	struct router router;
	build(&router, &arena);
	struct operation operation = {.method = HTTP_PATCH};
	assert_true(router_add(&router, other, 2, &operation));
	const struct endpoint *endpoint = router.endpoints;
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++, endpoint = endpoint->next) {
		assert_non_null(endpoint);
		assert_int_equal(endpoint->segment_count, routes[firsts[i]].count);
		for (size_t k = 0; k < endpoint->segment_count; k++) {
			const struct segment *want = &routes[firsts[i]].segments[k];
			assert_true(str_equal(endpoint->segments[k].text, want->text));
			assert_int_equal(endpoint->segments[k].parameter, want->parameter);
		}
	}
	assert_null(endpoint);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_endpoints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
