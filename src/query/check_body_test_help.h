/*
 * What the tests of bodies share: bodies in, rows as text out.
 *
 * Ownership: none. Threads: a test's. Errors: the program ends. Limits: none.
 */
#ifndef ROWLOCK_QUERY_CHECK_BODY_TEST_HELP_H
#define ROWLOCK_QUERY_CHECK_BODY_TEST_HELP_H

#include "query/query_test_help.h"

enum { TEST_INSERT_ROWS = 40, TEST_JSON_DEPTH = 5 };

struct body_test {
	int line;
	const char *resource;
	const char *body;
	const char *want;
};

/* test_model() with simple_pk, records (defaults of the database), tickets (nothing but a key)
 * and wide_row (ten columns). */
struct body_models {
	struct model *shared;
	struct model *own;
};
void test_body_models_init(struct body_models *models);
void test_body_models_finish(struct body_models *models);
const struct resource *test_body_resource(const struct body_models *models, const char *name);

/* `field=value …`, rows separated by `; `. A value that was made here is <uuid>, one that the store
 * makes is <absent>. */
void test_write_values(struct buf *buf, const struct query *query, const struct value *values,
					   size_t row_count);
/* Runs a table; `2 rows` is wanted where there is nothing to show. CSV and NDJSON rows to insert
 * are read in batches too. options->limits is filled in. */
void test_bodies(const struct body_test *tests, size_t count, enum query_action action,
				 struct body_options *options);

#define TEST_BODIES(tests, action, options)                                                        \
	test_bodies((tests), sizeof(tests) / sizeof((tests)[0]), (action), (options))

#endif
