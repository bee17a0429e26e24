/*
 * A database whose tables are changed, while nothing serves it: what was applied, what differs from
 * a service file, and running SQL.
 *
 * Ownership: store_migrate() to ops->close(). Threads: one; the database belongs to it, or is
 * locked against a second migrator, until it is closed.
 * Errors: ERROR_CONFIG, ERROR_STORE, ERROR_REFERENCE with hints. Limits: the database's.
 */
#ifndef ROWLOCK_STORE_MIGRATOR_H
#define ROWLOCK_STORE_MIGRATOR_H

#include "store/store.h"

/* A change of a database's tables that is written down, and what the database remembers of it once
 * it was applied. */
struct store_migration {
	uint64_t number; /* from 1 */
	struct str name;
	struct str up;         /* SQL */
	struct str down;       /* SQL that undoes it; "" when there is none */
	struct str applied_at; /* RFC 3339, UTC */
	struct str state;      /* "applied"; else what of it was done before it stopped, for people */
	bool undoing;          /* it stopped while it was undone */
};

/* Where a migration failed. */
struct store_failure {
	size_t at;           /* offset of the statement in the text; SIZE_MAX: none is to blame */
	struct str kept;     /* what of it stays done, for people; "": nothing. Arena */
	struct arena *arena; /* set by the caller */
};

/* A back end's own begins with it. */
struct store_migrator {
	const struct store_migrator_ops *ops;
};

struct store_migrator_ops {
	const char *dialect; /* the folder of its files: "sqlite" */
	void (*close)(struct store_migrator *migrator);
	/* What was applied, by number. Arena. */
	bool (*history)(struct store_migrator *migrator, struct arena *arena,
					struct store_migration **ret_items, size_t *ret_count, struct error *error);
	/* Appends the statements that make the database what the compiled model says, and those that
	 * lead back; nothing when it is. Comments say what happens. */
	bool (*differ)(struct store_migrator *migrator, const struct model *model, struct buf *ret_up,
				   struct buf *ret_down, struct error *error);
	/* Runs migration->up and remembers it; all or nothing where the database can. One that stopped
	 * goes on where it did. When the database is what the model says then, it remembers that
	 * too. */
	bool (*apply)(struct store_migrator *migrator, const struct store_migration *migration,
				  const struct model *model, struct store_failure *failure, struct error *error);
	/* Remembers these as applied, without running them; the database is what the model says. */
	bool (*adopt)(struct store_migrator *migrator, const struct store_migration *items,
				  size_t count, const struct model *model, struct error *error);
	/* Runs migration->down of the last that was applied, and forgets it. One that stopped while it
	 * was undone goes on where it did. */
	bool (*undo)(struct store_migrator *migrator, const struct store_migration *migration,
				 struct store_failure *failure, struct error *error);
};

/* Opens a database by its URL; `make` makes it when it is not there. NULL with an error. */
struct store_migrator *store_migrate(struct str url, bool make, struct error *error);

#endif
