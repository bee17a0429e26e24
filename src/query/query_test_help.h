/*
 * What the tests of the query and sql layers share: one small service, and trees as text.
 *
 * Ownership: test_model() to model_destroy(). Threads: a test's. Errors: the program ends.
 * Limits: none.
 */
#ifndef ROWLOCK_QUERY_QUERY_TEST_HELP_H
#define ROWLOCK_QUERY_QUERY_TEST_HELP_H

#include "query/check.h"

/* Resources: ratings, its tally counts, things (every type, defaults, write), people, tokens. */
struct model *test_model(void);
const struct resource *test_resource(const struct model *model, const char *name);
/* `and(a eq 5,not(b in 1|2))`; parameters are {0} and {0?}; `!` follows what is compiled; "" for
 * NULL. */
void test_write_cond(struct buf *buf, const struct cond *cond);
/* `->a->>0` */
void test_write_path(struct buf *buf, const struct json_path *path);
/* `CODE[@at] message [/ details] [/ hint]` */
void test_write_error(struct buf *buf, const struct error *error);
/* Fails the test, naming the row's line, when the texts differ. */
void test_equal(int line, const char *input, struct buf *got, const char *want);

#endif
