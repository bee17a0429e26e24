/*
 * What the tests of check share: a service with relations of every shape, and whole queries as
 * text.
 *
 * Ownership: test_relations_model() to model_destroy(). Threads: a test's.
 * Errors: the program ends. Limits: none.
 */
#ifndef ROWLOCK_QUERY_CHECK_TEST_HELP_H
#define ROWLOCK_QUERY_CHECK_TEST_HELP_H

#include "query/check.h"
#include "query/query_test_help.h"

/* clients, projects (of one client), details (of one project, one to one), tasks (of one project),
 * users, users_tasks (a junction), addresses, orders (two addresses), organizations (two of
 * themselves), stays (of rooms with a key of two fields). */
struct model *test_relations_model(void);
/* Options with the default limits. */
struct check_options test_check_options(const struct limits *limits);
/* Parses a query string and checks it; *ret_query is zeroed before. */
bool test_check(const char *input, enum query_action action, const struct resource *resource,
				const struct check_options *options, struct arena *arena, struct query *ret_query,
				struct error *error);
/* `id, n:clients.name, embed#0(keys id; …) [+hidden] where … order … limit … offset … flags` */
void test_write_query(struct buf *buf, const struct query *query);
void test_write_columns(struct buf *buf, const struct query *query);
void test_write_order(struct buf *buf, const struct query *query);

struct test_row {
	int line;
	const char *resource;
	const char *input;
	const char *want;
};

/* Checks each row's input and compares the whole query, or the error, with what is wanted. */
void test_check_rows(const struct test_row *rows, size_t count, enum query_action action,
					 const struct check_options *options);
#define TEST_CHECK_ROWS(rows, action, options)                                                     \
	test_check_rows((rows), sizeof(rows) / sizeof((rows)[0]), (action), (options))

#endif
