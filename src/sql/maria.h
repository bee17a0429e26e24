/*
 * MariaDB's dialect (10.11; MySQL is kept in mind): InnoDB, utf8mb4 compared by code points, upsert
 * by ON DUPLICATE KEY, tallies by triggers.
 *
 * Ownership: constant. Threads: all. Errors: none. Limits: see sql.c.
 */
#ifndef ROWLOCK_SQL_MARIA_H
#define ROWLOCK_SQL_MARIA_H

struct sql_dialect;

extern const struct sql_dialect sql_dialect_maria;

#endif
