/*
 * What the tests of stores share: a model, a folder for files, one loop, requests that are waited
 * for, and queries made by hand.
 *
 * Ownership: a fixture owns all it makes; queries live in its arena until fixture_finish().
 * Threads: the test's own, on which the loop runs too. Errors: they end the test. Limits: none.
 */
#ifndef ROWLOCK_STORE_STORE_TEST_HELP_H
#define ROWLOCK_STORE_STORE_TEST_HELP_H

#include "store/maria_test_help.h"
#include "store/store.h"

struct fixture {
	struct arena arena;
	struct model *model;
	struct limits limits;
	struct loop *loop;
	char folder[64];
	char url[256];
	struct maria_test maria; /* its database, when one was opened */
	struct store *store;
	struct store_session *session;
};

/* users(id auto, name unique, age, score, ok), items(code text), ratings([user_id, item_id],
 * rating_type) with the tally counts, notes(id auto, user_id -> users, parent_id -> notes, …). */
extern const char test_service[];

void fixture_init(struct fixture *fixture, const char *yaml);
void fixture_finish(struct fixture *fixture);
/* `url`: "memory:", "sqlite:" for a file in the fixture's folder, or "mysql:" for a database of the
 * fixture's own, which needs maria_test_is_on(). A failure ends the test. */
void fixture_open(struct fixture *fixture, const char *url);
void fixture_close(struct fixture *fixture);
/* On a database of the fixture's own on a MariaDB server; skips the test without one. */
void fixture_open_maria(struct fixture *fixture);
/* For cmocka: a fixture for one test. */
int fixture_setup(void **state, const char *yaml);
int fixture_teardown(void **state);
/* Every kind of store that can be tested here, by number, for fixture_open(); NULL at the end. */
const char *fixture_store(size_t number);
/* The store's options, with a fatal() that ends the process by exit code 42. */
struct store_options fixture_options(struct fixture *fixture);

struct call {
	struct store_request request;
	struct buf body;
	struct buf streamed;
	size_t parts;
	size_t pause_after; /* parts; 0: never */
	bool paused;
	bool done;
	bool ok;
	struct store_result result;
	struct error error;
};

void call_init(struct call *call, const struct query *query);
void call_finish(struct call *call);
void call_start(struct fixture *fixture, struct call *call);
/* Turns the loop until the call is done. */
void call_wait(struct fixture *fixture, struct call *call);
/* All three. */
void call_run(struct fixture *fixture, struct call *call, const struct query *query);
/* The version of what the query reads, asked for; it must be known. */
uint64_t test_version(struct fixture *fixture, const struct query *query);
/* Runs a query that must go well; returns the body, in the fixture's arena. */
struct str run_ok(struct fixture *fixture, const struct query *query);

void assert_text(struct str got, const char *want);

/* ---- queries by hand ---- */

const struct resource *test_resource(struct fixture *fixture, const char *name);
struct value test_integer(int64_t number);
struct value test_text(const char *text);
/* All rows in key order, all columns. */
struct query *test_list(struct fixture *fixture, const char *resource);
const struct cond *test_compare(struct fixture *fixture, const struct resource *resource,
								const char *field, enum operator_name operator, struct value value);
const struct cond *test_join(struct fixture *fixture, enum cond_kind kind, const struct cond *a,
							 const struct cond *b);
/* A write of `rows` rows of the named fields ("a b c"); values are set by the caller, in order. */
struct query *test_write(struct fixture *fixture, enum query_action action, const char *resource,
						 const char *fields, size_t rows, struct value **ret_values);
void test_columns(struct fixture *fixture, struct query *query, const char *fields);
/* An upsert of a rating, answered with its row. */
struct query *test_rating(struct fixture *fixture, int64_t user, int64_t item, int64_t type);

#endif
