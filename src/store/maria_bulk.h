/*
 * Rows of one INSERT sent to MariaDB many at a time, as arrays of values.
 *
 * Ownership: values are borrowed. Threads: the loop's, in a fiber. Errors: which row failed is not
 * known. Limits: rows and bytes of one execution.
 */
#ifndef ROWLOCK_STORE_MARIA_BULK_H
#define ROWLOCK_STORE_MARIA_BULK_H

#include "store/maria_write.h"

/* Can the server take them? MySQL cannot. */
bool maria_bulk_can(const struct maria_conn *conn);
/* Inserts the first `count` rows of `sequence`, numbers of rows of write->part, and counts them in
 * write->result. */
bool maria_bulk_insert(struct maria_write *write, const size_t *sequence, size_t count);

#endif
