/*
 * What the contract tests of stores share: scenarios as tables of requests, run on each store.
 *
 * Ownership: rows are the caller's. Threads: the test's own. Errors: they end the test.
 * Limits: none.
 */
#ifndef ROWLOCK_STORE_CONTRACT_TEST_HELP_H
#define ROWLOCK_STORE_CONTRACT_TEST_HELP_H

#include "store/store_test_help.h"

/* A request is `ACTION[{}|=|#|/][!] RESOURCE[?query]`, with `&total` and other flags (see struct
 * flags) at its end: `{}` answers an object, `=` bare values, `#` CSV, `/` NDJSON; `!`: a row must
 * match. Expected: `ROWS[+INSERTED][/TOTAL][#MADE KEY] BODY`, or
 * `STATUS CODE MESSAGE[ | DETAILS]`. */
struct contract_row {
	int line;
	const char *request;
	const char *body; /* NULL: none */
	const char *want;
	const char *maria;  /* the same of MariaDB, where it differs; NULL: it does not */
	const char *caller; /* who asks: a role and claims, `user {"sub":"a"}`; NULL: one trusted */
};

/* The query of a request, in the fixture's arena. */
bool contract_query(struct fixture *fixture, const struct contract_row *row,
					struct query *ret_query, struct error *error);
/* The same requests, one after the other, on each store. */
void contract_run(const char *service, const struct contract_row *rows, size_t count);
#define CONTRACT_RUN(service, rows) contract_run(service, rows, sizeof(rows) / sizeof((rows)[0]))

#endif
