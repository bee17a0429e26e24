/*
 * Texts of SQL as SQLite keeps them: what somebody wrote. They are compared word by word, and a
 * CREATE TABLE is taken apart into its columns and constraints.
 *
 * Ownership: slices of the text that is read; lists are arena. Threads: all.
 * Errors: none; what is no SQL gives an end. Limits: none.
 */
#ifndef ROWLOCK_STORE_SQLITE_TEXT_H
#define ROWLOCK_STORE_SQLITE_TEXT_H

#include "base/arena.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_QUOTED, TOKEN_TEXT, TOKEN_SIGN };

struct token {
	enum token_kind kind;
	struct str text; /* without the quotes around it; within them a doubled one stands for one */
	char quote;      /* that ends it; 0: none */
	size_t from;
	size_t end; /* behind it */
};

/* The next token at or behind `at`. */
struct token sqlite_text_token(struct str sql, size_t at);
/* Is it this word, in no quotes? */
bool sqlite_text_is(const struct token *token, const char *word);
/* The name that a token is, without quotes. */
struct str sqlite_text_name(const struct token *token, struct arena *arena);

/* Do two texts of SQL say the same, word by word? With `exact_truth` TRUE and FALSE are the same in
 * one case only, as SQLite has it where it looks for the index of ON CONFLICT. */
bool sqlite_text_same(struct str a, struct str b, bool exact_truth);
/* What stands behind the first `word`, which is in no quotes; "" when there is none. */
struct str sqlite_text_behind(struct str sql, const char *word);
/* What stands in the parentheses that begin the text; "" when there are none. */
struct str sqlite_text_enclosed(struct str sql);
/* The condition of `CONSTRAINT name CHECK (…)` in CREATE TABLE; "" when there is none. */
struct str sqlite_text_check(struct str sql, struct str name);

/* A column of CREATE TABLE, or a constraint that stands behind the columns. */
struct table_part {
	struct str text;
	struct str column; /* its name; "" of a constraint */
};

struct table_text {
	struct table_part *parts;
	size_t count;
	struct str tail; /* ` STRICT, WITHOUT ROWID` */
};

struct table_text sqlite_text_table(struct str sql, struct arena *arena);
/* NULL when it has no such column; ASCII letters compare without case. */
const struct table_part *sqlite_text_column(const struct table_text *table, struct str name);

#endif
