/*
 * A MariaDB server for tests: that of ROWLOCK_TEST_MARIADB (mysql://USER:PASSWORD@HOST:PORT/…),
 * where databases may be made.
 *
 * Ownership: maria_bed_begin() to maria_bed_end(). Threads: a test's. Errors: the test fails.
 * Limits: none.
 */
#ifndef ROWLOCK_SQL_MARIA_TEST_HELP_H
#define ROWLOCK_SQL_MARIA_TEST_HELP_H

#include "sql/maria.h"
#include "sql/sql.h"

struct st_mysql;

struct maria_bed {
	struct st_mysql *db;
	struct arena arena;
	struct buf got;
	unsigned code; /* of the last statement; 0: it went well */
	uint64_t made; /* its insert id */
	uint64_t changed;
};

/* False when no server is named. The database is new. */
bool maria_bed_begin(struct maria_bed *bed, const char *database);
/* Another session on a database that was begun. */
bool maria_bed_join(struct maria_bed *bed, const char *database);
void maria_bed_end(struct maria_bed *bed);
/* A plain text; fails when the server does. */
void maria_bed_do(struct maria_bed *bed, const char *text);
/* All tables of the model. */
void maria_bed_make(struct maria_bed *bed, const struct model *model);
/* A statement with its values; rows as `a,b;c,d` in bed->got, `-` for null. */
void maria_bed_run(struct maria_bed *bed, const struct sql *sql);
/* The code of the first warning of the last statement; 0: there is none. */
unsigned maria_bed_warning(struct maria_bed *bed);

#endif
