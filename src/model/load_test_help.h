/*
 * What the tests of the loader share: a service file as text, and all that came of it as text.
 *
 * Ownership: the caller frees the texts. Threads, Errors, Limits: those of a test.
 */
#ifndef ROWLOCK_MODEL_LOAD_TEST_HELP_H
#define ROWLOCK_MODEL_LOAD_TEST_HELP_H

#include "model/model.h"

/* The environment of all tests: NAME=value of a short table. */
const char *test_environment(const char *name);
/* Loads `before` followed by `yaml`, and gives the report without file names, or the described
 * model when there is none. `owned` by the caller. */
char *test_load(const char *before, const char *yaml);
/* The whole model, one line a part; what has its default is left out. */
void test_describe(const struct model *model, struct buf *buf);
/* One resource; `hidden` stands before the fields that nobody can name. */
void test_describe_resource(struct buf *buf, const struct resource *resource);

struct load_row {
	int line;
	const char *yaml;
	const char *want;
};
/* Fails naming the first row whose outcome is another. What `before` alone describes as, `common`,
 * is left out of the descriptions when it is their beginning. */
void test_load_rows(const char *before, const char *common, const struct load_row *rows,
					size_t count);

#endif
