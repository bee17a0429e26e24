#include "support.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)status;
	(void)kind;
	(void)at;
	return remove(path);
}

int support_make_folder(void **state)
{
	/* In memory where there is such a place: what is proved here needs no disk. */
	bool memory = access("/dev/shm", W_OK) == 0;
	char *folder = strdup(memory ? "/dev/shm/jsonstore-XXXXXX" : "/tmp/jsonstore-XXXXXX");
	*state = folder;
	return mkdtemp(folder) == NULL;
}

int support_remove_folder(void **state)
{
	nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static void read_file(const char *path, struct support_file *file)
{
	struct stat status;
	FILE *stream = fopen(path, "rb");
	assert_non_null(stream);
	assert_int_equal(fstat(fileno(stream), &status), 0);
	file->length = (size_t)status.st_size;
	file->bytes = malloc(file->length + 1);
	assert_non_null(file->bytes);
	assert_int_equal(fread(file->bytes, 1, file->length, stream), file->length);
	(void)fclose(stream);
}

static void read_files(const char *folder, const char *below, struct support_files *ret)
{
	char path[400];
	struct dirent *entry;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, below);
	DIR *list = opendir(path);
	assert_non_null(list);
	while ((entry = readdir(list)) != NULL) {
		struct stat status;
		assert_true(ret->count < SUPPORT_FILES_MAX);
		struct support_file *file = &ret->files[ret->count];
		(void)snprintf(file->name, sizeof(file->name), "%s%.60s", below, entry->d_name);
		(void)snprintf(path, sizeof(path), "%s/%s", folder, file->name);
		if (stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
			read_file(path, file);
			ret->count++;
		}
	}
	closedir(list);
}

void support_read_files(const char *folder, struct support_files *ret)
{
	ret->count = 0;
	read_files(folder, "", ret);
	read_files(folder, ".jsonstore/", ret);
}

void support_write_files(const char *folder, const struct support_files *files)
{
	struct support_files there;
	char path[400];
	support_read_files(folder, &there);
	for (size_t i = 0; i < there.count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, there.files[i].name);
		assert_int_equal(unlink(path), 0);
	}
	support_free_files(&there);
	for (size_t i = 0; i < files->count; i++) {
		const struct support_file *file = &files->files[i];
		(void)snprintf(path, sizeof(path), "%s/%s", folder, file->name);
		FILE *stream = fopen(path, "wb");
		assert_non_null(stream);
		assert_int_equal(fwrite(file->bytes, 1, file->length, stream), file->length);
		assert_int_equal(fclose(stream), 0);
	}
}

void support_free_files(struct support_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->files[i].bytes);
	}
	files->count = 0;
}

struct support_file *support_find(struct support_files *files, const char *begins)
{
	for (size_t i = 0; i < files->count; i++) {
		if (strncmp(files->files[i].name, begins, strlen(begins)) == 0) {
			return &files->files[i];
		}
	}
	fail_msg("no file %s", begins);
	return NULL;
}

struct jsonstore_collection *support_collection(struct jsonstore *store, const char *name)
{
	static const char *const fields[] = {"v"};
	struct jsonstore_schema schema = {.size = sizeof(schema), .fields = fields, .field_count = 1};
	struct jsonstore_collection *collection = NULL;
	struct jsonstore_error error;
	if (jsonstore_collection(store, name, &schema, &collection, &error) != JSONSTORE_OK) {
		fail_msg("%s", error.message);
	}
	return collection;
}

char *support_dump(struct jsonstore_collection *collection, struct jsonstore_error *error)
{
	struct jsonstore_cursor *cursor;
	size_t used = 0;
	char *text = calloc(1, 1);
	if (jsonstore_scan(collection, NULL, &cursor, error) != JSONSTORE_OK) {
		free(text);
		return NULL;
	}
	for (;;) {
		const char *record;
		size_t length;
		if (jsonstore_next(cursor, &record, &length, error) != JSONSTORE_OK) {
			free(text);
			text = NULL;
			break;
		}
		if (record == NULL) {
			break;
		}
		text = realloc(text, used + length + 2);
		assert_non_null(text);
		memcpy(text + used, record, length);
		used += length;
		text[used++] = '\n';
		text[used] = '\0';
	}
	jsonstore_cursor_close(cursor);
	return text;
}
