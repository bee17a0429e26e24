#include "migrate/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIGITS = 4 };

struct str migrate_folder(struct str service_file, const char *dialect, struct arena *arena)
{
	size_t end = service_file.len;
	while (end > 0 && service_file.ptr[end - 1] != '/') {
		end--;
	}
	return arena_printf(arena, "%.*smigrations/%s", STR_ARG(str_slice(service_file, 0, end)),
						dialect);
}

bool migrate_is_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
			return false;
		}
	}
	return name.len > 0 && name.len <= MIGRATION_NAME_BYTES;
}

struct str migrate_file_name(const struct store_migration *migration, const char *direction,
							 struct arena *arena)
{
	return arena_printf(arena, "%0*llu_%.*s.%s.sql", DIGITS, (unsigned long long)migration->number,
						STR_ARG(migration->name), direction);
}

/* ---- reading ---- */

/* A file's name, taken apart. */
struct parsed {
	uint64_t number;
	struct str name;
	bool up;
};

static bool parse_name(struct str file, struct parsed *ret_parsed)
{
	struct str stem = file;
	bool up = str_ends_with(file, STR(".up.sql"));
	stem.len -= up ? sizeof(".up.sql") - 1 : sizeof(".down.sql") - 1;
	if ((!up && !str_ends_with(file, STR(".down.sql"))) || stem.len <= DIGITS + 1 ||
		stem.ptr[DIGITS] != '_') {
		return false;
	}
	int64_t number = 0;
	for (size_t i = 0; i < DIGITS; i++) {
		if (stem.ptr[i] < '0' || stem.ptr[i] > '9') {
			return false;
		}
		number = 10 * number + (stem.ptr[i] - '0');
	}
	*ret_parsed = (struct parsed){(uint64_t)number, str_slice(stem, DIGITS + 1, stem.len), up};
	return number > 0 && migrate_is_name(ret_parsed->name);
}

static bool fail_file(struct str folder, struct str file, const char *what, struct error *error)
{
	return error_set(error, ERROR_CONFIG, "%.*s/%.*s %s", STR_ARG(folder), STR_ARG(file), what);
}

static bool read_text(struct str folder, struct str file, struct arena *arena, struct str *ret_text,
					  struct error *error)
{
	struct str path = arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(file));
	struct stat status;
	int fd = open(path.ptr, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) != 0) {
		fail_file(folder, file, strerror(errno), error);
		if (fd >= 0) {
			close(fd);
		}
		return false;
	}
	bool fits = S_ISREG(status.st_mode) && status.st_size <= MIGRATION_BYTES;
	size_t size = fits ? (size_t)status.st_size : 0;
	char *bytes = arena_bytes(arena, size + 1);
	ssize_t got = fits ? read(fd, bytes, size) : -1;
	close(fd);
	if (got < 0 || (size_t)got != size) {
		return fail_file(folder, file, fits ? "cannot be read" : "is no file of at most 16 MiB",
						 error);
	}
	*ret_text = (struct str){bytes, size};
	return str_find(*ret_text, '\0', 0) == size ||
		fail_file(folder, file, "holds a NUL, which is no SQL", error);
}

struct listing {
	struct str folder;
	struct arena *arena;
	struct store_migration *items; /* by number, from 1 */
	bool *has_up;
	size_t last;
};

static bool take_file(struct listing *listing, struct str file, struct error *error)
{
	struct parsed parsed;
	if (!str_ends_with(file, STR(".sql"))) {
		return true; /* notes, and what editors leave */
	}
	if (!parse_name(file, &parsed)) {
		fail_file(listing->folder, file, "is no migration by its name", error);
		return error_hint(error, "such as 0001_create_people.up.sql and .down.sql");
	}
	struct store_migration *item = &listing->items[parsed.number];
	if (item->name.len > 0 && !str_equal(item->name, parsed.name)) {
		fail_file(listing->folder, file, "has the number of another migration", error);
		return error_hint(error, "give it the next number, in both of its files");
	}
	item->number = parsed.number;
	item->name = arena_copy(listing->arena, parsed.name);
	listing->has_up[parsed.number] = listing->has_up[parsed.number] || parsed.up;
	listing->last = parsed.number > listing->last ? (size_t)parsed.number : listing->last;
	return read_text(listing->folder, file, listing->arena, parsed.up ? &item->up : &item->down,
					 error);
}

static bool take_all(struct listing *listing, DIR *folder, struct error *error)
{
	const struct dirent *entry;
	while ((entry = readdir(folder)) != NULL) {
		if (!take_file(listing, str_from(entry->d_name), error)) {
			return false;
		}
	}
	for (size_t i = 1; i <= listing->last; i++) {
		if (!listing->has_up[i]) {
			error_set(error, ERROR_CONFIG, "%.*s has no migration %04zu", STR_ARG(listing->folder),
					  i);
			return error_hint(error, "they are numbered without gaps: %04zu_NAME.up.sql", i);
		}
	}
	return true;
}

bool migrate_read(struct str folder, struct arena *arena, struct store_migration **ret_items,
				  size_t *ret_count, struct error *error)
{
	struct listing listing = {
		.folder = folder,
		.arena = arena,
		.items = ARENA_ARRAY(arena, MIGRATIONS_MAX + 1, struct store_migration),
		.has_up = ARENA_ARRAY(arena, MIGRATIONS_MAX + 1, bool),
	};
	DIR *dir = opendir(arena_printf(arena, "%.*s", STR_ARG(folder)).ptr);
	bool ok = dir != NULL || errno == ENOENT ||
		error_set(error, ERROR_CONFIG, "the folder %.*s cannot be read: %s", STR_ARG(folder),
				  strerror(errno));
	if (dir != NULL) {
		ok = take_all(&listing, dir, error);
		closedir(dir);
	}
	*ret_items = listing.items + 1;
	*ret_count = listing.last;
	return ok;
}

/* ---- writing ---- */

static bool make_folders(struct str folder, struct arena *arena, struct error *error)
{
	for (size_t i = 1; i <= folder.len; i++) {
		if (i < folder.len && folder.ptr[i] != '/') {
			continue;
		}
		struct str part = arena_printf(arena, "%.*s", STR_ARG(str_slice(folder, 0, i)));
		if (mkdir(part.ptr, 0777) != 0 && errno != EEXIST) {
			return error_set(error, ERROR_CONFIG, "the folder %s cannot be made: %s", part.ptr,
							 strerror(errno));
		}
	}
	return true;
}

static bool write_file(struct str folder, struct str file, struct str text, struct arena *arena,
					   struct error *error)
{
	struct str path = arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(file));
	int fd = open(path.ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		return fail_file(folder, file, strerror(errno), error);
	}
	bool ok = true;
	for (size_t at = 0; at < text.len && ok;) {
		ssize_t written = write(fd, text.ptr + at, text.len - at);
		ok = written >= 0 || errno == EINTR;
		at += written > 0 ? (size_t)written : 0;
	}
	ok = close(fd) == 0 && ok;
	if (!ok) {
		fail_file(folder, file, strerror(errno), error);
		(void)unlink(path.ptr); /* half of it is worth nothing */
	}
	return ok;
}

bool migrate_write(struct str folder, const struct store_migration *migration, struct arena *arena,
				   struct error *error)
{
	/* A migration is there once its first file is: so that comes last. */
	return make_folders(folder, arena, error) &&
		write_file(folder, migrate_file_name(migration, "down", arena), migration->down, arena,
				   error) &&
		write_file(folder, migrate_file_name(migration, "up", arena), migration->up, arena, error);
}
