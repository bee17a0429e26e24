/*
 * What `rowlock migrate` does: compares a database with a service file, applies numbered files of
 * SQL in their order, and undoes the last. It knows no database; the store's migrator does.
 *
 * Ownership: what is said goes to the caller's buffer. Threads: one.
 * Errors: those of files and store; the buffer holds what was done before. Limits: those of
 * migrate/files.h.
 */
#ifndef ROWLOCK_MIGRATE_MIGRATE_H
#define ROWLOCK_MIGRATE_MIGRATE_H

#include "store/migrator.h"

struct migrate {
	const struct model *model; /* compiled */
	struct str folder;         /* of the files */
	struct buf *out;           /* what is told; flushed by the caller */
	struct arena *arena;
};

/* The SQL that makes the database what the service file says. */
bool migrate_plan(const struct migrate *migrate, struct store_migrator *migrator,
				  struct error *error);
/* Writes it as the next migration, with the one that leads back. */
bool migrate_new(const struct migrate *migrate, struct store_migrator *migrator, struct str name,
				 struct error *error);
bool migrate_apply(const struct migrate *migrate, struct store_migrator *migrator,
				   struct error *error);
bool migrate_status(const struct migrate *migrate, struct store_migrator *migrator,
					struct error *error);
bool migrate_rollback(const struct migrate *migrate, struct store_migrator *migrator,
					  struct error *error);

#endif
