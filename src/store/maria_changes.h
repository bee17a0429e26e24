/*
 * The statements that make one schema of MariaDB out of another: an ALTER TABLE for what goes and
 * one for what comes, and foreign keys and triggers for themselves. Comments say in words what
 * happens, with WARNING in front of what loses rows or values, or can fail.
 *
 * Ownership: texts are borrowed. Threads: all. Errors: those of the buffer.
 * Limits: the buffer's maximum.
 */
#ifndef ROWLOCK_STORE_MARIA_CHANGES_H
#define ROWLOCK_STORE_MARIA_CHANGES_H

#include <mysql.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/model.h"

enum maria_part_kind { MARIA_COLUMN, MARIA_KEY, MARIA_CHECK, MARIA_FOREIGN_KEY };

/* What CREATE TABLE says, in the words of SHOW CREATE TABLE. */
struct maria_part {
	enum maria_part_kind kind;
	struct str name;           /* without quotes, doubled ones within as they are; of the primary
								* key: "PRIMARY" */
	struct str text;           /* all of it */
	struct str columns;        /* of a key, a foreign key: what stands in its parentheses */
	struct str target;         /* of a foreign key: the other table */
	struct str target_columns; /* and what stands in its parentheses */
};

struct maria_table {
	struct str name;
	struct maria_part *parts;
	size_t count;
	struct str tail;              /* what follows the closing parenthesis */
	const struct resource *tally; /* whose counts, or headers, it has; NULL: it has rows */
};

struct maria_trigger {
	struct str name;
	struct str table; /* on which it stands */
	struct str text;
};

struct maria_tables {
	struct maria_table *tables;
	size_t count;
	struct maria_trigger *triggers;
	size_t trigger_count;
};

/* Appends the statements, as maria_script_next() takes them apart; nothing when both are the
 * same. */
void maria_changes_write(const struct maria_tables *from, const struct maria_tables *to,
						 struct buf *sql);

/* ---- maria_changes_read.c ---- */

/* What stands in the database's words for a table, taken apart: CREATE TABLE …. */
bool maria_changes_parse(struct str text, struct arena *arena, struct maria_table *ret_table);
/* What the model is made of, in the server's words: each table is made for a moment, as one that
 * only this connection sees. Arena. The model is compiled. */
bool maria_changes_wanted(MYSQL *db, const struct model *model, struct arena *arena,
						  struct maria_tables *ret_wanted, struct error *error);
/*
 * What the database has of it: tables of the model and of the one that it kept (`_rl_model`, may be
 * NULL), and what this program made on them. Indexes and triggers that somebody else made are left
 * out, so that they stay. Arena.
 */
bool maria_changes_found(MYSQL *db, const struct model *model, const struct model *kept,
						 const struct maria_tables *wanted, struct arena *arena,
						 struct maria_tables *ret_found, struct error *error);
/* Is there a table of this name? */
const struct maria_table *maria_changes_table(const struct maria_tables *tables, struct str name);

#endif
