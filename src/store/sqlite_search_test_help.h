/*
 * What the tests of indexes for substrings share.
 *
 * Ownership: the fixture's. Threads: the test's own. Errors: they end the test. Limits: none.
 */
#ifndef ROWLOCK_STORE_SQLITE_SEARCH_TEST_HELP_H
#define ROWLOCK_STORE_SQLITE_SEARCH_TEST_HELP_H

#include <sqlite3.h>

#include "store/store_test_help.h"

/* `field` like `pattern`; `caseless` is ilike. */
const struct cond *search_test_like(struct fixture *fixture, const struct field *field,
									struct str pattern, bool caseless);
/* The books whose first searched field is like that are those, by their ids: `[1,2]`. */
void search_test_found(struct fixture *fixture, const char *pattern, const char *want);
/* The number that a statement gives. */
int64_t search_test_number(sqlite3 *db, const char *text);
/* A connection that sees what is committed. */
sqlite3 *search_test_reader(const struct store_session *session);
/* Until the writer has nothing left to do. */
void search_test_wait(struct store *store);

#endif
