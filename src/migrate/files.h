/*
 * The folder of migrations: `migrations/DIALECT/` beside the service file, with
 * `0001_create_people.up.sql` and `0001_create_people.down.sql`. They are numbered from 1 without
 * gaps; the file that leads back may be missing.
 *
 * Ownership: texts are arena. Threads: one.
 * Errors: ERROR_CONFIG names the file that is wrong. Limits: 9,999 migrations of 16 MiB; a name has
 * 1 to 80 small letters, digits and `_`.
 */
#ifndef ROWLOCK_MIGRATE_FILES_H
#define ROWLOCK_MIGRATE_FILES_H

#include "store/migrator.h"

enum { MIGRATIONS_MAX = 9999, MIGRATION_BYTES = 16 << 20, MIGRATION_NAME_BYTES = 80 };

/* The folder for a service file: `FOLDER/migrations/DIALECT`. */
struct str migrate_folder(struct str service_file, const char *dialect, struct arena *arena);
/* By number; none when the folder is not there. */
bool migrate_read(struct str folder, struct arena *arena, struct store_migration **ret_items,
				  size_t *ret_count, struct error *error);
/* Makes the folder when it is not there, and both files; those that exist are never changed. */
bool migrate_write(struct str folder, const struct store_migration *migration, struct arena *arena,
				   struct error *error);
bool migrate_is_name(struct str name);
/* `0001_create_people.up.sql` */
struct str migrate_file_name(const struct store_migration *migration, const char *direction,
							 struct arena *arena);

#endif
