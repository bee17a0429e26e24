/*
 * What the tests of the sql layer share: two services and their databases, statements made from
 * query strings, and what they look like.
 *
 * Ownership: sql_bed_begin() to sql_bed_end(). Threads: a test's. Errors: the test fails.
 * Limits: none.
 */
#ifndef ROWLOCK_SQL_SQL_TEST_HELP_H
#define ROWLOCK_SQL_SQL_TEST_HELP_H

#include "query/check.h"
#include "query/query_test_help.h"
#include "sql/sql.h"

struct sqlite3;

enum { SQL_BED_MODELS = 2 };

struct sql_bed {
	struct model *models[SQL_BED_MODELS]; /* test_model(), test_relations_model() */
	struct limits limits;
	struct check_options options;
	struct arena arena;
	struct buf got;
	struct sql sql;
	struct sqlite3 *dbs[SQL_BED_MODELS];
};

void sql_bed_begin(struct sql_bed *bed);
void sql_bed_end(struct sql_bed *bed);

/* The resource of that name, of the first service that has one. */
const struct resource *sql_bed_resource(const struct sql_bed *bed, const char *name);
/* A query string, checked. */
void sql_bed_query(struct sql_bed *bed, const char *text, enum query_action action,
				   const char *resource, struct query *ret_query);
/* The row of a write: `id=5&name=a&note=NULL`; a field without `=` is ABSENT. */
void sql_bed_give(struct sql_bed *bed, const char *row, struct query *query);
/* The statement of the query into bed->sql. */
void sql_bed_write(struct sql_bed *bed, const struct query *query);
/* Into bed->got: the statement and, behind ` -- `, its values, a `*` for each pointer. Fails when
 * SQLite does not take it. */
void sql_bed_look(struct sql_bed *bed, const struct resource *resource);

/* Only with SQLite. Makes all tables of the model on an empty database in memory. The functions
 * that a store would add are there, and give null. */
struct sqlite3 *sql_bed_open(const struct model *model);
/* Only with SQLite. Runs bed->sql; rows as `a,b;c,d` in bed->got. Returns SQLite's last code. */
int sql_bed_run(struct sql_bed *bed, const struct resource *resource);

#endif
