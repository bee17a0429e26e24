#include "recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "fail.h"

int js_journal_make(struct jsonstore *store, struct js_journal *journal, const char *name,
					const struct jsonstore_text *catalog, struct jsonstore_error *error)
{
	const struct js_sys *sys = &store->sys;
	unsigned char page[JS_PAGE];
	int fd = js_openat(sys, store->hidden, name, O_RDWR | O_CREAT | O_TRUNC);
	if (fd < 0) {
		js_fail_io(error, "open", name);
		return -1;
	}
	journal->catalog_end = JS_PAGE + catalog->length;
	js_journal_page(journal, page);
	if (js_pwrite(sys, fd, page, JS_PAGE, 0) != 0 ||
		js_pwrite(sys, fd, catalog->text, catalog->length, JS_PAGE) != 0) {
		js_fail_io(error, "write", name);
		close(fd);
		return -1;
	}
	return fd;
}

/* The journal of a folder that has none. */
static bool make_first(struct jsonstore *store, struct jsonstore_error *error)
{
	struct js_journal journal = {.generation = 1, .first_group = 0};
	struct jsonstore_text catalog = {NULL, 0, 0};
	size_t begin;
	if (getrandom(journal.hash_key, sizeof(journal.hash_key), 0) !=
		(ssize_t)sizeof(journal.hash_key)) {
		return js_fail_io(error, "get random bytes for", store->path);
	}
	bool good = js_frame_begin(&store->sys, &catalog, &begin, error);
	int fd = -1;
	if (good) {
		js_frame_end(&catalog, begin, 0, true);
		fd = js_journal_make(store, &journal, "journal-1.tmp", &catalog, error);
		good = fd >= 0;
	}
	jsonstore_text_free(&catalog);
	if (good && js_fsync(&store->sys, fd) != 0) {
		good = js_fail_io(error, "sync", "journal-1.tmp");
	}
	if (fd >= 0) {
		close(fd);
	}
	if (good &&
		js_renameat(&store->sys, store->hidden, "journal-1.tmp", store->hidden, "journal-1") != 0) {
		good = js_fail_io(error, "rename", "journal-1.tmp");
	}
	if (good &&
		(js_fsync(&store->sys, store->hidden) != 0 || js_fsync(&store->sys, store->folder) != 0)) {
		good = js_fail_io(error, "sync", store->path);
	}
	return good;
}

/* The end of the last whole group, and of the file; damage is an error. */
static bool find_end(struct jsonstore *store, struct js_reader *reader, uint64_t *ret_end,
					 uint64_t *ret_size, struct jsonstore_error *error)
{
	const struct js_journal *journal = reader->journal;
	struct stat status;
	uint64_t at = journal->catalog_end;
	uint64_t group = journal->first_group;
	enum js_found found;
	if (js_fstat(&store->sys, journal->fd, &status) != 0) {
		return js_fail_io(error, "read the size of", journal->path);
	}
	uint64_t size = (uint64_t)status.st_size;
	do {
		found = js_group_check(reader, at, size, group + 1, &at, error);
		group += found == JS_FOUND_GOOD ? 1 : 0;
	} while (found == JS_FOUND_GOOD);
	if (found == JS_FOUND_ERROR) {
		return false;
	}
	if (at < journal->catalog_end || size < journal->catalog_end) {
		return js_fail_damaged(error, journal->path, size, "the catalog");
	}
	if (at < size) {
		uint64_t bad = js_group_bad(reader, at, size, group + 1);
		found = js_journal_is_damaged(reader, bad, size, group + 1, error);
		if (found == JS_FOUND_GOOD) {
			return js_fail_damaged(error, journal->path, bad, "a frame, and later ones are whole");
		}
	}
	*ret_end = at;
	*ret_size = size;
	return found != JS_FOUND_ERROR;
}

/* Cuts what is no whole group at the end. */
static bool cut_torn(struct jsonstore *store, const struct js_journal *journal, uint64_t end,
					 uint64_t size, struct jsonstore_error *error)
{
	if (end < size) {
		if (js_truncate(&store->sys, journal->fd, end) != 0) {
			return js_fail_io(error, "cut", journal->path);
		}
		store->bytes_cut = size - end;
	}
	/* What is whole may be so in memory only, when its writer died before the sync. */
	return js_fdatasync(&store->sys, journal->fd) == 0 || js_fail_io(error, "sync", journal->path);
}

/* Opens a journal, finds its end, and with `cut` cuts what is behind it. */
static bool bring_to_end(struct jsonstore *store, uint64_t generation, bool cut, uint64_t *ret_end,
						 struct jsonstore_error *error)
{
	struct js_journal journal = {.fd = -1};
	struct js_reader reader;
	char name[64];
	uint64_t size = 0;
	js_journal_name(name, generation);
	(void)snprintf(journal.path, sizeof(journal.path), "%.180s/.jsonstore/%s", store->path, name);
	journal.fd = js_openat(&store->sys, store->hidden, name, cut ? O_RDWR : O_RDONLY);
	if (journal.fd < 0) {
		return js_fail_io(error, "open", journal.path);
	}
	js_reader_init(&reader, &store->sys, &journal);
	bool good = js_journal_open(&store->sys, &journal, generation, error) &&
		find_end(store, &reader, ret_end, &size, error) &&
		(!cut || cut_torn(store, &journal, *ret_end, size, error));
	js_reader_finish(&reader);
	close(journal.fd);
	return good;
}

bool js_recover_end(struct jsonstore *store, uint64_t generation, uint64_t *ret_end,
					struct jsonstore_error *error)
{
	return bring_to_end(store, generation, false, ret_end, error);
}

/* Older journals and temporary files; an error is of no matter. */
static void sweep(struct jsonstore *store, uint64_t generation)
{
	int fd = js_openat(&store->sys, store->hidden, ".", O_RDONLY | O_DIRECTORY);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char current[64];
	if (list == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return;
	}
	js_journal_name(current, generation);
	while ((entry = readdir(list)) != NULL) {
		size_t len = strlen(entry->d_name);
		bool temporary = len > 4 && strcmp(entry->d_name + len - 4, ".tmp") == 0;
		bool older = strncmp(entry->d_name, "journal-", 8) == 0 &&
			strcmp(entry->d_name, current) != 0;
		if (temporary || older) {
			(void)js_unlinkat(&store->sys, store->hidden, entry->d_name);
		}
	}
	closedir(list);
}

bool js_recover(struct jsonstore *store, struct jsonstore_error *error)
{
	uint64_t generation;
	uint64_t end = 0;
	if (!js_generation_highest(store, &generation, error)) {
		return false;
	}
	if (generation == 0) {
		generation = 1;
		if (!make_first(store, error)) {
			return false;
		}
	}
	if (!bring_to_end(store, generation, true, &end, error)) {
		return false;
	}
	/* A process may have died between giving the journal its name and syncing that. */
	if (js_fsync(&store->sys, store->hidden) != 0) {
		return js_fail_io(error, "sync", store->path);
	}
	sweep(store, generation);
	atomic_store(&store->words->end[generation & 1], end);
	atomic_store(&store->words->failed, 0);
	atomic_store(&store->words->tended, 0);
	atomic_store(&store->words->generation, generation);
	return true;
}
