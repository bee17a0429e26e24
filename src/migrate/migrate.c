#include "migrate/migrate.h"

#include "migrate/files.h"

enum { CHANGES_BYTES = 1 << 26 };

/* What was applied, and what is written down. */
struct both {
	struct store_migration *applied;
	size_t applied_count;
	struct store_migration *files;
	size_t file_count;
};

static bool read_both(const struct migrate *migrate, struct store_migrator *migrator,
					  struct both *ret_both, struct error *error)
{
	return migrator->ops->history(migrator, migrate->arena, &ret_both->applied,
								  &ret_both->applied_count, error) &&
		migrate_read(migrate->folder, migrate->arena, &ret_both->files, &ret_both->file_count,
					 error);
}

static bool is_whole(const struct store_migration *applied)
{
	return str_equal(applied->state, STR("applied"));
}

/* NULL when there is none. */
static const struct store_migration *file_of(const struct both *both,
											 const struct store_migration *applied)
{
	bool found = applied->number >= 1 && applied->number <= both->file_count;
	return found ? &both->files[applied->number - 1] : NULL;
}

static uint64_t last_number(const struct both *both)
{
	return both->applied_count > 0 ? both->applied[both->applied_count - 1].number : 0;
}

/* The last that was applied, when it stopped before its end; else NULL. */
static const struct store_migration *stopped_one(const struct both *both)
{
	const struct store_migration *last = both->applied_count > 0
		? &both->applied[both->applied_count - 1]
		: NULL;
	return last != NULL && !is_whole(last) ? last : NULL;
}

/* How far it is, and which command goes on. */
static bool fail_stopped(const struct store_migration *stopped, struct error *error)
{
	error_set(error, ERROR_CONFIG, "%04llu_%.*s was not %s to its end",
			  (unsigned long long)stopped->number, STR_ARG(stopped->name),
			  stopped->undoing ? "undone" : "applied");
	error_details(error, "%.*s", STR_ARG(stopped->state));
	return error_hint(error, "`rowlock migrate FILE %s --continue` goes on from there",
					  stopped->undoing ? "rollback" : "apply");
}

static void tell(const struct migrate *migrate, const char *what,
				 const struct store_migration *migration, const char *more)
{
	buf_printf(migrate->out, "%s %04llu_%.*s%s\n", what, (unsigned long long)migration->number,
			   STR_ARG(migration->name), more);
}

/* ---- what differs ---- */

static bool differ(const struct migrate *migrate, struct store_migrator *migrator, struct buf *up,
				   struct buf *down, struct error *error)
{
	return migrator->ops->differ(migrator, migrate->model, up, down, error);
}

/* At the end of a command: is the database what the service file says? Why it cannot be compared is
 * told as well, and no failure of the command. */
static void tell_difference(const struct migrate *migrate, struct store_migrator *migrator)
{
	struct buf up;
	struct buf down;
	struct error error = {0};
	buf_init(&up, CHANGES_BYTES);
	buf_init(&down, CHANGES_BYTES);
	if (!differ(migrate, migrator, &up, &down, &error)) {
		buf_printf(migrate->out, "%s\n", error.message);
		if (error.details[0] != '\0') {
			buf_printf(migrate->out, "  %s\n", error.details);
		}
		if (error.hint[0] != '\0') {
			buf_printf(migrate->out, "  hint: %s\n", error.hint);
		}
	} else if (up.len == 0) {
		buf_append(migrate->out, STR("the database is what the service file says\n"));
	} else {
		buf_printf(migrate->out,
				   "the database differs from the service file: `rowlock migrate %.*s plan` says "
				   "how, and `new NAME` writes it down\n",
				   STR_ARG(migrate->model->file));
	}
	buf_finish(&up);
	buf_finish(&down);
}

bool migrate_plan(const struct migrate *migrate, struct store_migrator *migrator,
				  struct error *error)
{
	struct buf up;
	struct buf down;
	struct both both;
	buf_init(&up, CHANGES_BYTES);
	buf_init(&down, CHANGES_BYTES);
	bool ok = read_both(migrate, migrator, &both, error) &&
		differ(migrate, migrator, &up, &down, error);
	if (ok && stopped_one(&both) != NULL) {
		buf_printf(migrate->out, "-- %04llu_%.*s was not %s to its end: status says more\n",
				   (unsigned long long)stopped_one(&both)->number,
				   STR_ARG(stopped_one(&both)->name),
				   stopped_one(&both)->undoing ? "undone" : "applied");
	}
	if (ok && both.file_count > last_number(&both)) {
		buf_printf(migrate->out,
				   "-- from %04llu_%.*s on, files wait to be applied; this is the difference "
				   "without them\n",
				   (unsigned long long)both.files[last_number(&both)].number,
				   STR_ARG(both.files[last_number(&both)].name));
	}
	if (ok) {
		buf_append(migrate->out,
				   up.len > 0 ? buf_str(&up)
							  : STR("-- the database is what the service file says\n"));
	}
	buf_finish(&up);
	buf_finish(&down);
	return ok;
}

/* ---- new ---- */

static bool write_new(const struct migrate *migrate, const struct both *both, struct str name,
					  const struct buf *up, const struct buf *down, struct error *error)
{
	const struct store_migration migration = {
		.number = both->file_count + 1,
		.name = name,
		.up = buf_str(up),
		.down = buf_str(down),
	};
	if (!migrate_write(migrate->folder, &migration, migrate->arena, error)) {
		return false;
	}
	static const char *const directions[] = {"up", "down"};
	for (size_t i = 0; i < 2; i++) {
		struct str file = migrate_file_name(&migration, directions[i], migrate->arena);
		buf_printf(migrate->out, "wrote %.*s/%.*s\n", STR_ARG(migrate->folder), STR_ARG(file));
	}
	return true;
}

bool migrate_new(const struct migrate *migrate, struct store_migrator *migrator, struct str name,
				 struct error *error)
{
	struct both both;
	if (!migrate_is_name(name)) {
		error_set(error, ERROR_CONFIG, "\"%.*s\" is no name of a migration", STR_ARG(name));
		return error_hint(error, "1 to %d small letters, digits and _: create_people",
						  MIGRATION_NAME_BYTES);
	}
	if (!read_both(migrate, migrator, &both, error)) {
		return false;
	}
	if (stopped_one(&both) != NULL) {
		return fail_stopped(stopped_one(&both), error);
	}
	if (both.file_count > last_number(&both)) {
		error_set(error, ERROR_CONFIG, "%04llu_%.*s is not applied yet",
				  (unsigned long long)both.files[last_number(&both)].number,
				  STR_ARG(both.files[last_number(&both)].name));
		return error_hint(error, "a new one is what differs from the database: apply first");
	}
	if (both.file_count >= MIGRATIONS_MAX) {
		return error_set(error, ERROR_CONFIG, "there are %d migrations already", MIGRATIONS_MAX);
	}
	struct buf up;
	struct buf down;
	buf_init(&up, CHANGES_BYTES);
	buf_init(&down, CHANGES_BYTES);
	bool ok = differ(migrate, migrator, &up, &down, error);
	if (ok && up.len == 0) {
		buf_append(migrate->out,
				   STR("the database is what the service file says: nothing was written\n"));
	} else if (ok) {
		ok = write_new(migrate, &both, name, &up, &down, error);
	}
	buf_finish(&up);
	buf_finish(&down);
	return ok;
}

/* ---- apply ---- */

/* The line of a statement in its file, from 1. */
static size_t line_of(struct str text, size_t at)
{
	size_t line = 1;
	for (size_t i = 0; i < at && i < text.len; i++) {
		line += text.ptr[i] == '\n' ? 1 : 0;
	}
	return line;
}

/* Which statement of which file failed, what became of the rest, and what to do. */
static bool fail_migration(const struct migrate *migrate, const struct store_migration *migration,
						   const char *direction, const struct store_failure *failure,
						   struct error *error)
{
	struct str text = direction[0] == 'u' ? migration->up : migration->down;
	struct str file = migrate_file_name(migration, direction, migrate->arena);
	struct error cause = *error;
	if (failure->at != SIZE_MAX) {
		struct str rest = str_slice(text, failure->at, text.len);
		struct str line = str_split(&rest, '\n');
		error_set(error, cause.code, "%.*s:%zu: %s", STR_ARG(file), line_of(text, failure->at),
				  cause.message);
		error_details(error, "in the statement: %.*s", STR_ARG(str_slice(line, 0, 120)));
	} else {
		error_set(error, cause.code, "%.*s: %s", STR_ARG(file), cause.message);
	}
	if (cause.hint[0] != '\0') {
		return error_hint(error, "%s", cause.hint);
	}
	return failure->kept.len > 0 ? error_hint(error, "%.*s", STR_ARG(failure->kept))
								 : error_hint(error,
											  "nothing of this file was done; correct it "
											  "and run the command again");
}

/* What was applied must still be what is written down; what goes on may have been corrected. */
static bool check_applied(const struct both *both, bool go_on, struct error *error)
{
	for (size_t i = 0; i < both->applied_count; i++) {
		const struct store_migration *applied = &both->applied[i];
		const struct store_migration *file = file_of(both, applied);
		if (!is_whole(applied) && (!go_on || applied->undoing)) {
			return fail_stopped(applied, error);
		}
		if (file == NULL) {
			error_set(error, ERROR_CONFIG, "%04llu_%.*s was applied, and its file is missing",
					  (unsigned long long)applied->number, STR_ARG(applied->name));
			return error_hint(error, "put it back; the table _rl_migrations has its text");
		}
		if (is_whole(applied) &&
			(!str_equal(file->up, applied->up) || !str_equal(file->name, applied->name))) {
			error_set(error, ERROR_CONFIG, "%04llu_%.*s was changed after it was applied",
					  (unsigned long long)applied->number, STR_ARG(applied->name));
			return error_hint(error,
							  "put it back as it was and write a new one; the table "
							  "_rl_migrations has its text");
		}
	}
	return true;
}

/* A database that `serve` made is what the service file says, and so what all files lead to. */
static bool adopt(const struct migrate *migrate, struct store_migrator *migrator,
				  const struct both *both, bool *ret_adopted, struct error *error)
{
	struct buf up;
	struct buf down;
	buf_init(&up, CHANGES_BYTES);
	buf_init(&down, CHANGES_BYTES);
	bool ok = differ(migrate, migrator, &up, &down, error);
	*ret_adopted = ok && up.len == 0;
	if (*ret_adopted) {
		ok = migrator->ops->adopt(migrator, both->files, both->file_count, migrate->model, error);
	}
	buf_finish(&up);
	buf_finish(&down);
	return ok;
}

bool migrate_apply(const struct migrate *migrate, struct store_migrator *migrator,
				   struct error *error)
{
	struct both both;
	bool adopted = false;
	if (!read_both(migrate, migrator, &both, error) ||
		!check_applied(&both, migrate->go_on, error)) {
		return false;
	}
	if (both.applied_count == 0 && both.file_count > 0 &&
		!adopt(migrate, migrator, &both, &adopted, error)) {
		return false;
	}
	if (adopted) {
		buf_append(migrate->out,
				   STR("the database is what the service file says: all files are remembered as "
					   "applied\n"));
		return true;
	}
	size_t first = (size_t)last_number(&both) - (stopped_one(&both) != NULL ? 1 : 0);
	for (size_t i = first; i < both.file_count; i++) {
		struct store_failure failure = {.at = SIZE_MAX, .arena = migrate->arena};
		if (!migrator->ops->apply(migrator, &both.files[i], migrate->model, &failure, error)) {
			return fail_migration(migrate, &both.files[i], "up", &failure, error);
		}
		tell(migrate, "applied", &both.files[i], "");
	}
	if (first == both.file_count) {
		buf_append(migrate->out, STR("no file waits to be applied\n"));
	}
	tell_difference(migrate, migrator);
	return true;
}

/* ---- rollback ---- */

bool migrate_rollback(const struct migrate *migrate, struct store_migrator *migrator,
					  struct error *error)
{
	struct both both;
	if (!read_both(migrate, migrator, &both, error)) {
		return false;
	}
	if (both.applied_count == 0) {
		return error_set(error, ERROR_CONFIG, "nothing was applied that could be undone");
	}
	const struct store_migration *last = &both.applied[both.applied_count - 1];
	if (!is_whole(last) && (!migrate->go_on || !last->undoing)) {
		return fail_stopped(last, error);
	}
	if (last->down.len == 0) {
		error_set(error, ERROR_CONFIG, "%04llu_%.*s has no way back",
				  (unsigned long long)last->number, STR_ARG(last->name));
		return error_hint(error, "it was applied without a file %.*s; write a new migration",
						  STR_ARG(migrate_file_name(last, "down", migrate->arena)));
	}
	struct store_failure failure = {.at = SIZE_MAX, .arena = migrate->arena};
	if (!migrator->ops->undo(migrator, last, &failure, error)) {
		return fail_migration(migrate, last, "down", &failure, error);
	}
	tell(migrate, "undid", last, "");
	return true;
}

/* ---- status ---- */

static void tell_applied(const struct migrate *migrate, const struct both *both,
						 const struct store_migration *applied)
{
	const struct store_migration *file = file_of(both, applied);
	const char *more = "";
	if (!is_whole(applied)) {
		more = applied->undoing ? ", not undone to its end: " : ", not to its end: ";
	} else if (file == NULL) {
		more = ", its file is missing";
	} else if (!str_equal(file->up, applied->up) || !str_equal(file->name, applied->name)) {
		more = ", its file was changed since";
	}
	buf_printf(migrate->out, "applied %04llu_%.*s %.*s%s%.*s\n",
			   (unsigned long long)applied->number, STR_ARG(applied->name),
			   STR_ARG(applied->applied_at), more,
			   STR_ARG(is_whole(applied) ? STR("") : applied->state));
}

bool migrate_status(const struct migrate *migrate, struct store_migrator *migrator,
					struct error *error)
{
	struct both both;
	if (!read_both(migrate, migrator, &both, error)) {
		return false;
	}
	for (size_t i = 0; i < both.applied_count; i++) {
		tell_applied(migrate, &both, &both.applied[i]);
	}
	for (size_t i = (size_t)last_number(&both); i < both.file_count; i++) {
		tell(migrate, "pending", &both.files[i], "");
	}
	if (both.applied_count + both.file_count == 0) {
		buf_append(migrate->out, STR("there are no migrations\n"));
	}
	tell_difference(migrate, migrator);
	return true;
}
