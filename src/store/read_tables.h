/*
 * Which tables a query reads: its own, those of embedded rows, of conditions and of relations that
 * lead to single values.
 *
 * Ownership: plain functions. Threads: all. Errors: none. Limits: those of the query.
 */
#ifndef ROWLOCK_STORE_READ_TABLES_H
#define ROWLOCK_STORE_READ_TABLES_H

#include "query/query.h"

/* `where`: only rows that match are read; NULL: any. A table may come several times. */
typedef void read_tables_call(void *context, const struct resource *resource,
							  const struct cond *where);

/* In the same order for the same query. */
void read_tables_each(const struct query *query, read_tables_call *call, void *context);

#endif
