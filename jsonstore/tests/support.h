/*
 * What the proofs share: folders, and the state of a store as one text.
 *
 * Ownership: what is returned is the caller's, and freed with free(). Threads: one.
 * Errors: the test fails. Limits: none.
 */
#ifndef JSONSTORE_TESTS_SUPPORT_H
#define JSONSTORE_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jsonstore.h"

/* A new folder, as cmocka's fixture; it is removed after the test. */
int support_make_folder(void **state);
int support_remove_folder(void **state);

/* A file of a small folder, and its content. */
struct support_file {
	char name[100];
	char *bytes;
	size_t length;
};

enum { SUPPORT_FILES_MAX = 32 };

struct support_files {
	struct support_file files[SUPPORT_FILES_MAX];
	size_t count;
};

/* All files of a store's folder. */
void support_read_files(const char *folder, struct support_files *ret);
/* Makes the folder hold these files and no others. */
void support_write_files(const char *folder, const struct support_files *files);
void support_free_files(struct support_files *files);
struct support_file *support_find(struct support_files *files, const char *begins);

/* The collection, which is made; key field id, index on v. The test fails when it cannot. */
struct jsonstore_collection *support_collection(struct jsonstore *store, const char *name);
/* All records of a collection, one a line. NULL, with the error, when they cannot be read. */
char *support_dump(struct jsonstore_collection *collection, struct jsonstore_error *error);

#endif
