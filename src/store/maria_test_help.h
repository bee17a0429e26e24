/*
 * A database of a test's own on the server that ROWLOCK_TEST_MARIADB names (see
 * tools/with-mariadb).
 *
 * Ownership: maria_test_create() to maria_test_finish(), which drops it. Threads: the test's.
 * Errors: they end the test. Limits: none.
 */
#ifndef ROWLOCK_STORE_MARIA_TEST_HELP_H
#define ROWLOCK_STORE_MARIA_TEST_HELP_H

#include <stdbool.h>

struct maria_test {
	char name[64];
	char url[256]; /* mysql://USER:PASSWORD@HOST:PORT/NAME */
	char value[4096];
};

/* Is there a server? Without one, tests are to be skipped. */
bool maria_test_is_on(void);
void maria_test_create(struct maria_test *test);
/* Accepts one that is all zero. */
void maria_test_finish(struct maria_test *test);
/* Runs statements; returns the first value of the last one's first row, "" without one. The text
 * lives until the next call. */
const char *maria_test_run(struct maria_test *test, const char *text);

#endif
