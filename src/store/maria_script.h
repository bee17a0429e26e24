/*
 * A text of SQL cut into its statements, in the way of the `mariadb` program: a statement ends with
 * `;`, or with what a line `DELIMITER …` said, since triggers hold semicolons.
 *
 * Ownership: slices of the text. Threads: all. Errors: none; what is no SQL is the server's to
 * refuse. Limits: none.
 */
#ifndef ROWLOCK_STORE_MARIA_SCRIPT_H
#define ROWLOCK_STORE_MARIA_SCRIPT_H

#include "base/str.h"

struct maria_script {
	struct str text;
	size_t at;            /* where to go on */
	struct str delimiter; /* "": `;` */
};

/* The next statement, without the comments in front of it and what ends it. False: none is left. */
bool maria_script_next(struct maria_script *script, struct str *ret_statement);
size_t maria_script_count(struct str text);
/* Behind the comment or quoted text that begins at `at`; `at` when none does there. */
size_t maria_script_skip(struct str text, size_t at);
/* Do two texts say the same, whatever white space is outside of quotes? */
bool maria_script_same(struct str a, struct str b);

#endif
